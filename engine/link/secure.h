#ifndef ENGINE_LINK_SECURE_H
#define ENGINE_LINK_SECURE_H

/* What all TLS connections of an engine share: the roots read from files, the TLS configuration,
 * the connections' memory, and the key log. */

#include "engine/haul.h"
#include "proto/tls/tls.h"

#include <stdint.h>

struct secure {
    struct trust *trust;
    struct tls_config *config; /* NULL: not open */
    char *memory;              /* tls_size() for each connection, by its slot */
    int key_log_fd;            /* -1: none */
    int error;                 /* why it cannot be opened: files are read once; 0: not tried */
    struct haul_open_error why;
};

/* Does nothing but remember that nothing is open. */
void secure_init(struct secure *secure);

/* Reads the files that options name, or the system's roots; pipes until their end. Does nothing
 * where it is open already, and fails as before where it has failed, if not for want of memory or
 * descriptors (-ENOMEM, -EMFILE, -ENFILE). Other errors: -ENOKEY (roots: a file or directory cannot
 * be read, or has none), -EKEYREJECTED (client certificate or key), -EINVAL (pinned_keys), or that
 * of opening key_log. ret_why (may be NULL) then says whose file it is; its item is a string of
 * options. */
int secure_open(struct secure *secure, const struct haul_tls *options, uint32_t connections,
                struct haul_open_error *ret_why);

/* After the tls_deinit() of every handshake that was begun: that wipes its keys. */
void secure_close(struct secure *secure);

/* What needs no file: -EINVAL where pinned_keys is malformed, or names no key. */
int secure_check(const struct haul_tls *options, struct haul_open_error *ret_why);

/* A handshake with host in the memory of a connection's slot; is_anonymous: without showing the
 * client certificate. NULL: no entropy. */
struct tls *secure_begin(struct secure *secure, uint32_t slot, struct span host,
                         const struct tls_session *session, bool is_anonymous);

/* Appends a finished handshake's secrets to the key log, where there is one. */
void secure_log_keys(const struct secure *secure, struct tls *tls);

#endif
