#ifndef ENGINE_LINK_RESOLV_CONF_H
#define ENGINE_LINK_RESOLV_CONF_H

/* What resolv.conf(5), nsswitch.conf(5) and their variables say about asking for names: whom, for
 * how long, how often, and under which names. */

#include <ares.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RESOLV_CONF_NAME_BYTES = 1024, /* of a candidate: more than a name may have */
};

struct resolv_conf {
    struct ares_addr_port_node *servers;
    struct ares_options options; /* ndots, the domains to search, and the order of files and DNS */
    uint32_t timeout_ms;         /* of a try; 0: not stated */
    uint32_t attempts;           /* at each server; 0: not stated */
    bool rotates;
};

/* path: NULL is /etc/resolv.conf. servers: "address[:port],…" instead of those stated, or NULL.
 * Errors: -ENOMEM; -EINVAL, servers is not such a list; -EIO. */
int resolv_conf_read(struct resolv_conf *conf, const char *path, const char *servers);

/* To be called after a read that went well. */
void resolv_conf_free(struct resolv_conf *conf);

/* The name to ask for after so many have not been found; false: there is none left. */
bool resolv_conf_candidate(const struct resolv_conf *conf, const char *host, uint32_t number,
                           char ret_name[static RESOLV_CONF_NAME_BYTES]);

/* Does a change show at path, compared with what is kept in identity? Takes over what shows. A file
 * that is not there, as for the moment between two names, is no change. */
struct resolv_conf_identity {
    uint64_t device;
    uint64_t inode;
    int64_t bytes;
    int64_t modified_ns;
};

bool resolv_conf_has_changed(const char *path, struct resolv_conf_identity *identity);

#endif
