#ifndef ENGINE_LINK_SECURE_H
#define ENGINE_LINK_SECURE_H

/* What all TLS connections of an engine share: the roots read from files, the TLS configuration,
 * the connections' memory, and the key log. */

#include "engine/haul.h"
#include "proto/tls/tls.h"

#include <stdint.h>

enum { SECURE_PINS_MAX = 32 };

/* A configuration, and the memory of its connections: those of OpenSSL are so much the smaller that
 * each would touch a page of its own in a slot that fits both. */
struct secure_side {
    struct tls_config *config; /* NULL: not open */
    char *memory;              /* tls_config_size() for each connection, by its slot */
};

struct secure {
    struct trust *trust;
    struct secure_side first; /* which origins begin with */
    struct secure_side
        moved; /* which they are moved to; not open: nobody was yet, or none can be */
    struct tls_options offers; /* to open it by, where that was not done at once */
    unsigned char pins[SECURE_PINS_MAX][TLS_PIN_BYTES];
    bool can_move;
    uint32_t connections;
    int key_log_fd; /* -1: none */
    int error;      /* why it cannot be opened: files are read once; 0: not tried */
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

/* What needs no file: -EINVAL where pinned_keys is malformed, or names no key, and where backend
 * and versions do not go together, with each other, with legacy or with what is built in. */
int secure_check(const struct haul_tls *options, struct haul_open_error *ret_why);

struct secure_peer {
    struct span host;
    uint16_t port;                     /* 0: of no session but the one below */
    const struct tls_session *session; /* NULL: none is kept here */
    bool is_anonymous;                 /* the client certificate is not shown */
    bool is_moved;                     /* secure_moves() was true of its origin */
};

/* A handshake in the memory of a connection's slot. NULL: no entropy, or no memory. */
struct tls *secure_begin(struct secure *secure, uint32_t slot, const struct secure_peer *peer);

/* A handshake has failed: could the other backend succeed, and is it free to be tried? */
bool secure_moves(const struct secure *secure, const struct tls *tls);

/* Appends a handshake's new secrets to the key log, where there is one. */
void secure_log_keys(const struct secure *secure, struct tls *tls);

#endif
