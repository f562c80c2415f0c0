#ifndef ENGINE_AUTH_LOGIN_H
#define ENGINE_AUTH_LOGIN_H

/* Credentials: those that all requests have in common, and those of one. */

#include "engine/haul.h"
#include "proto/auth/netrc.h"
#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

#define NO_SESSION UINT32_MAX

/* bytes NULL: not there. What is there has no control byte. */
struct credentials {
    struct span user;
    struct span password;
    struct span bearer; /* goes before the two */
};

static inline bool credentials_are(const struct credentials *credentials)
{
    return credentials->user.bytes || credentials->password.bytes || credentials->bearer.bytes;
}

/* What is common to all requests of an engine. */
struct auth {
    struct credentials given;
    bool is_digest; /* user and password are for who asks by Digest alone */
    bool has_netrc;
    bool is_netrc_optional;
    struct netrc_entry *entries;
    size_t entry_count;
    char *text; /* of all of it */
    size_t text_bytes;
};

/* options may be NULL: none. Errors: -EINVAL (ret_why says which), -ENOMEM. auth_close() follows in
 * any case, which wipes what it frees. */
int auth_open(struct auth *auth, const struct haul_auth *options, struct haul_open_error *ret_why);
void auth_close(struct auth *auth);

/* Of one request that has more to it than auth->given: by its slot, in a table of the engine's. */
struct login {
    struct credentials home; /* at the origin that it was asked for at */
    struct credentials now;  /* where it has come to */
    bool asks_netrc;         /* at other origins */
    bool is_of_netrc;        /* what it has at home */
    bool was_secure;         /* it was at an https origin */
    uint32_t session;        /* sessions.h: the nonce that it answers by; NO_SESSION */
    uint8_t rounds;          /* challenges that this hop or try has answered */
    bool is_answer;          /* what was sent last had an answer, */
    bool has_answered_stale; /* or an earlier one, to a nonce that was only too old */
};

/* own: of the request, or none; in_url: of its URL, or none. All must stay. */
void login_init(struct login *login, const struct auth *auth, const struct credentials *own,
                const struct credentials *in_url, struct span host, bool is_https);

/* Its user and password are for who asks by Digest. */
static inline bool login_may_answer(const struct login *login)
{
    return !login->now.bearer.bytes && credentials_are(&login->now);
}

/* What begins anew with a hop or a try. */
static inline void login_begin(struct login *login)
{
    login->rounds = 0;
    login->is_answer = login->has_answered_stale = false;
}

/* It is led to another origin. is_trusted: what it has at home goes along. */
void login_move(struct login *login, const struct auth *auth, struct span host, bool is_https,
                bool is_trusted);

#endif
