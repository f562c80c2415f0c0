#ifndef ENGINE_AUTH_SESSIONS_H
#define ENGINE_AUTH_SESSIONS_H

/* Nonces of Digest: which there are, and how many answers each has had. */

#include "engine/auth/login.h"
#include "engine/memory/list.h"
#include "engine/memory/slab.h"
#include "proto/auth/digest.h"

#include <stdint.h>

enum { SESSION_KEY_BYTES = 32 };

/* One nonce, of one server for one user. */
struct session {
    struct list_node line;                /* from the one that was unused for longest */
    unsigned char key[SESSION_KEY_BYTES]; /* of server and user */
    uint32_t users;                       /* requests that answer by it; until 0 it stays */
    uint32_t count;                       /* answers */
    bool is_refused;                      /* the last time: nobody answers by it unasked */
    struct digest_challenge challenge;
    struct digest_session answers;
};

struct sessions {
    struct session *list;
    struct slab slab;
    struct list_node line;
};

/* list, next: room for count, the caller's; as many as there can be requests. Nothing of them is
 * touched before it is needed. */
void sessions_init(struct sessions *sessions, struct session *list, uint32_t *next, uint32_t count);

/* Wipes what is secret. */
void sessions_deinit(struct sessions *sessions);

/* Where a request is, and for whom. */
struct session_place {
    struct span host;
    uint16_t port;
    bool is_https;
};

/* login answers by the newest nonce that there is for where it is, unasked; or by none. */
void sessions_enter(struct sessions *sessions, struct login *login,
                    const struct session_place *place);

/* login answers this challenge, instead of another. Error: -errno, nothing is random. */
int sessions_answer(struct sessions *sessions, struct login *login,
                    const struct session_place *place, const struct digest_challenge *challenge);

/* It answers by none any more. */
void sessions_leave(struct sessions *sessions, struct login *login);

/* NULL: by none. */
static inline struct session *sessions_of(const struct sessions *sessions,
                                          const struct login *login)
{
    return login->session == NO_SESSION ? NULL : &sessions->list[login->session];
}

#endif
