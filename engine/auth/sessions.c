/* Owns the nonces that answers are made by. The hard idea: a nonce is shared. Many requests answer
 * by one at once, and a server may refuse a count that it has seen; so the count is the nonce's,
 * whoever got it, and an answer takes the next one when it is written. What nobody answers by is
 * kept for those that follow, as long as there are not many.
 *
 * Whose a nonce is is told by a hash of server, user and password, which no URL can be made to
 * share with another's. */

#include "engine/auth/sessions.h"

#include <bearssl.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum { KEPT = 64, RANDOM_BYTES = 16 };

void sessions_init(struct sessions *sessions, struct session *list, uint32_t *next, uint32_t count)
{
    sessions->list = list;
    slab_init(&sessions->slab, next, count);
    list_init(&sessions->line);
}

void sessions_deinit(struct sessions *sessions)
{
    if (sessions->slab.touched > 0)
        explicit_bzero(sessions->list, sessions->slab.touched * sizeof *sessions->list);
}

/* --- whose they are --------------------------------------------------------------------------- */

/* Behind its length, so that no two lists of spans are one. */
static void key_add(br_sha256_context *hash, struct span span)
{
    uint64_t length = span.length;
    br_sha256_update(hash, &length, sizeof length);
    br_sha256_update(hash, span.bytes, span.length);
}

static void key_make(const struct login *login, const struct session_place *place,
                     unsigned char *ret_key)
{
    br_sha256_context hash;
    br_sha256_init(&hash);
    br_sha256_update(&hash, &place->port, sizeof place->port);
    br_sha256_update(&hash, &place->is_https, sizeof place->is_https);
    for (size_t i = 0; i < place->host.length; i++) {
        char c = ascii_lower(place->host.bytes[i]);
        br_sha256_update(&hash, &c, 1);
    }
    key_add(&hash, login->now.user);
    key_add(&hash, login->now.password);
    br_sha256_out(&hash, ret_key);
}

static uint32_t index_of(const struct sessions *sessions, const struct session *session)
{
    return (uint32_t)(session - sessions->list);
}

/* The newest with this key; nonce bytes NULL: any that was not refused, else that one. */
static struct session *find(struct sessions *sessions, const unsigned char *key, struct span nonce)
{
    for (struct list_node *node = sessions->line.previous; node != &sessions->line;
         node = node->previous) {
        struct session *session = LIST_OWNER(node, struct session, line);
        bool is_meant = nonce.bytes ? span_equal(digest_nonce(&session->challenge), nonce)
                                    : !session->is_refused;
        if (is_meant && memcmp(session->key, key, SESSION_KEY_BYTES) == 0)
            return session;
    }
    return NULL;
}

/* --- who uses them ---------------------------------------------------------------------------- */

static void use(struct sessions *sessions, struct login *login, struct session *session)
{
    assert(login->session == NO_SESSION);
    login->session = index_of(sessions, session);
    session->users++;
    list_remove(&session->line);
    list_append(&sessions->line, &session->line);
}

/* Beyond those that are kept anyway the oldest that nobody uses makes way. Each request uses one at
 * most, and who asks uses none. */
static struct session *take(struct sessions *sessions)
{
    for (struct list_node *node = sessions->line.next;
         node != &sessions->line && sessions->slab.taken >= KEPT; node = node->next) {
        struct session *session = LIST_OWNER(node, struct session, line);
        if (session->users == 0)
            return session;
    }
    uint32_t index = slab_take(&sessions->slab);
    assert(index != SLAB_NONE);
    list_init(&sessions->list[index].line);
    list_append(&sessions->line, &sessions->list[index].line);
    return &sessions->list[index];
}

static int make_cnonce(char *ret_hex)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[RANDOM_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return -errno;
    for (size_t i = 0; i < sizeof bytes; i++) {
        *ret_hex++ = digits[bytes[i] >> 4];
        *ret_hex++ = digits[bytes[i] & 15];
    }
    return 0;
}

void sessions_enter(struct sessions *sessions, struct login *login,
                    const struct session_place *place)
{
    unsigned char key[SESSION_KEY_BYTES];
    key_make(login, place, key);
    struct session *session = find(sessions, key, (struct span){NULL, 0});
    if (session)
        use(sessions, login, session);
}

/* What a challenge says besides its nonce may have changed. */
int sessions_answer(struct sessions *sessions, struct login *login,
                    const struct session_place *place, const struct digest_challenge *challenge)
{
    unsigned char key[SESSION_KEY_BYTES];
    char cnonce[2 * RANDOM_BYTES];
    int error = make_cnonce(cnonce);
    sessions_leave(sessions, login);
    if (error)
        return error;
    key_make(login, place, key);
    struct session *session = find(sessions, key, digest_nonce(challenge));
    if (!session) {
        session = take(sessions);
        session->count = session->users = 0;
        memcpy(session->key, key, sizeof key);
    }
    session->is_refused = false;
    session->challenge = *challenge;
    digest_session_init(&session->answers, challenge, login->now.user, login->now.password,
                        (struct span){cnonce, sizeof cnonce});
    use(sessions, login, session);
    return 0;
}

void sessions_leave(struct sessions *sessions, struct login *login)
{
    struct session *session = sessions_of(sessions, login);
    if (!session)
        return;
    assert(session->users > 0);
    session->users--;
    login->session = NO_SESSION;
}
