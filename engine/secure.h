#ifndef ENGINE_SECURE_H
#define ENGINE_SECURE_H

/* What all TLS connections of an engine share: the roots read from files, the TLS configuration,
 * the connections' memory, and the key log. */

#include "engine/haul.h"
#include "proto/tls.h"

#include <stdint.h>

struct secure {
    struct trust *trust;
    struct tls_config *config; /* NULL: not open */
    char *memory;              /* tls_size() for each connection, by its slot */
    int key_log_fd;            /* -1: none */
};

/* Does nothing but remember that nothing is open. */
void secure_init(struct secure *secure);

/* Reads the files that options name, or the system's roots. Does nothing where it is open already.
 * Errors: -ENOKEY (roots: a file or directory cannot be read, or has none), -EKEYREJECTED (client
 * certificate or key), -EINVAL (pinned_keys), -ENOMEM, or that of opening key_log. ret_message (may
 * be NULL) is a static sentence. */
int secure_open(struct secure *secure, const struct haul_options *options, uint32_t connections,
                const char **ret_message);
void secure_close(struct secure *secure);

/* A handshake with host in the memory of a connection's slot. NULL: no entropy. */
struct tls *secure_begin(struct secure *secure, uint32_t slot, struct span host,
                         const struct tls_session *session);

/* Appends a finished handshake's secrets to the key log, where there is one. */
void secure_log_keys(const struct secure *secure, const struct tls *tls);

#endif
