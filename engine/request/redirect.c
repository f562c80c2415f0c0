/* Owns the rules of redirects (RFC 9110, 15.4). The hard idea is what never comes back: at another
 * origin the credentials are left behind, and a chain that returns to the first one could have been
 * led there by the second, so that they stay behind for good. */

#include "engine/request/redirect.h"
#include "proto/http/location.h"
#include "proto/http/response.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { MAX_DEFAULT = 30, HASHES = 29 };

_Static_assert(HASHES + 2 > MAX_DEFAULT,
               "with the first URL and the last, which are there as texts");

/* Of a URL's hash as much as there is room for beside the longest one; 0: none. 31 URLs make 465
 * pairs: of 36,000 chains that are too long one is said to have come round and has not. */
struct hash {
    uint8_t bytes[3];
};

/* A hop's URL, and which ones were asked for before, in the block that a fetch has from its first
 * redirect on. A ring of more than those that are kept comes back to the mark, which is set anew
 * whenever the redirects have doubled (Brent's way to find a cycle). */
struct hop {
    struct hash hashes[HASHES]; /* of the last but the one that is asked for, by their number */
    struct hash mark;
    char text[URL_BYTES_MAX + 1 + URL_ROOM_BYTES];
};

_Static_assert(sizeof(struct hop) <= BLOCK_BYTES, "a block holds any hop");

static struct hop *hop_of(const struct fetch *fetch, const struct fetch_terms *terms)
{
    return (struct hop *)(void *)store_block(terms->store, fetch_view(fetch)->hop_block)->bytes;
}

/* As in curl, also those that nobody sends any more (305, 306); a 304 says to take what is kept. */
bool redirect_is(int status)
{
    return status >= 300 && status <= 399 && status != 304;
}

static enum redirect_answer refuse_body(struct failure *ret_failure)
{
    *ret_failure = (struct failure){
        HAUL_REWIND, "the reply leads where the body would go along, which cannot be read again",
        0};
    return REDIRECT_REFUSED;
}

static enum redirect_answer refuse(const char *sentence, struct failure *ret_failure)
{
    *ret_failure = (struct failure){HAUL_REDIRECT, sentence, 0};
    return REDIRECT_REFUSED;
}

/* --- too many --------------------------------------------------------------------------------- */

static bool is_too_many(const struct fetch *fetch, const struct haul_redirect *redirect)
{
    int64_t max = redirect->has_max ? redirect->max : MAX_DEFAULT;
    return max >= 0 && fetch_view(fetch)->redirects >= max;
}

/* FNV-1a, folded, never 0. */
static struct hash hash_of(struct span text)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (uint8_t)text.bytes[i]) * 16777619u;
    hash = (hash >> 24) ^ (hash & 0xffffff);
    hash = hash ? hash : 1;
    return (struct hash){{(uint8_t)hash, (uint8_t)(hash >> 8), (uint8_t)(hash >> 16)}};
}

static bool is_hash(const struct hash *a, const struct hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool sets_cookie(struct span head)
{
    struct span name;
    struct span value;
    for (size_t cursor = 0; response_field_next(head, &cursor, &name, &value);)
        if (span_equal_fold(name, SPAN("Set-Cookie")))
            return true;
    return false;
}

/* Is it one of those that were asked for? */
static bool was_before(const struct fetch *fetch, const struct fetch_terms *terms, struct span text)
{
    struct hash hash = hash_of(text);
    if (span_equal(text, fetch_url(fetch, terms)) ||
        span_equal(text, fetch_url_effective(fetch, terms)))
        return true;
    if (fetch_view(fetch)->hop_block == NO_BLOCK)
        return false;
    const struct hop *hop = hop_of(fetch, terms);
    for (size_t i = 0; i < HASHES; i++)
        if (is_hash(&hop->hashes[i], &hash))
            return true;
    return is_hash(&hop->mark, &hash);
}

static enum redirect_answer refuse_more(const struct fetch *fetch, struct failure *ret_failure)
{
    static const char *const sentences[] = {
        "too many redirects",
        "too many redirects: the same URL came round again",
        "too many redirects; a reply had set a cookie, which haul does not send back",
        "too many redirects: the same URL came round again; a reply had set a cookie",
    };
    return refuse(sentences[fetch->came_round + 2 * fetch->has_cookie], ret_failure);
}

/* --- what is asked there ---------------------------------------------------------------------- */

static bool is_other_origin(const struct url *a, const struct url *b)
{
    return a->is_https != b->is_https || a->port != b->port || a->host_kind != b->host_kind ||
           !span_equal_fold(a->host, b->host);
}

static bool becomes_get(const struct fetch *fetch, const struct haul_redirect *redirect,
                        unsigned status)
{
    bool is_post = strcmp(fetch->method_sent, "POST") == 0;
    bool is_bare_get = strcmp(fetch->method_sent, "GET") == 0 && !fetch->has_body;
    switch (status) {
    case 301:
        return is_post && !redirect->post301;
    case 302:
        return is_post && !redirect->post302;
    case 303:
        return !(is_post && redirect->post303) && !is_bare_get &&
               strcmp(fetch->method_sent, "HEAD") != 0;
    default:
        return false;
    }
}

static void become_get(struct fetch *fetch)
{
    fetch->has_own = true;
    fetch->without_content = true;
    fetch_extra(fetch)->method = fetch->method_sent = "GET";
    fetch->is_idempotent = true;
    fetch->has_body = fetch->has_own_body = false;
    fetch->has_upload = fetch->is_once = fetch->is_chunked = false;
}

/* The one that is left: the one that is gone to is there as text. */
static void note_url(struct hop *hop, uint32_t number, struct span url)
{
    struct hash hash = hash_of(url);
    hop->hashes[number % HASHES] = hash;
    if ((number & (number - 1)) == 0)
        hop->mark = hash;
}

/* The URL into the hop's memory, which is taken for the first one. */
static void move(struct fetch *fetch, const struct fetch_terms *terms, struct span text,
                 const char *room, const struct url *url)
{
    struct fetch_extra *extra = fetch_extra(fetch);
    bool is_first = extra->hop_block == NO_BLOCK;
    if (is_first)
        extra->hop_block = store_take(terms->store);
    struct hop *hop = hop_of(fetch, terms);
    if (is_first)
        memset(hop, 0, offsetof(struct hop, text));
    note_url(hop, extra->redirects, fetch_url_effective(fetch, terms));
    memcpy(hop->text, text.bytes, text.length);
    hop->text[text.length] = '\0';
    struct url moved = *url;
    memcpy(hop->text + text.length + 1, room, url_room_used(url, room));
    url_move(&moved, text, room, hop->text);
    fetch->url = url_pack(&moved, hop->text);
    extra->url_effective = hop->text;
    extra->url_effective_length = (uint32_t)text.length;
    extra->redirects++;
}

static void go(struct fetch *fetch, const struct fetch_terms *terms, unsigned status,
               struct span text, const char *room, const struct url *url)
{
    const struct haul_redirect *redirect = terms->options->redirect;
    struct url from = url_unpack(&fetch->url);
    if (is_other_origin(&from, url)) {
        fetch->is_abroad = fetch->has_own = true;
        struct login *login = fetch_view(fetch)->login;
        if (login)
            sessions_leave(terms->sessions, login);
        if (login)
            login_move(login, terms->auth, url->host, url->is_https, redirect->location_trusted);
    }
    if (becomes_get(fetch, redirect, status))
        become_get(fetch);
    move(fetch, terms, text, room, url);
    fetch->url.is_anonymous =
        fetch->is_abroad && terms->has_client_certificate && !redirect->location_trusted;
}

/* --- the list of hops ------------------------------------------------------------------------- */

/* How long it took is said when it is left. */
static void remember(struct fetch *fetch, const struct fetch_terms *terms, unsigned status)
{
    struct fetch_extra *extra = fetch_extra(fetch);
    struct span url = fetch_url_effective(fetch, terms);
    struct fetch_hop *hop = NULL;
    if (terms->options->redirect->keep_hops && !fetch->is_cut)
        hop = trail_add(&extra->trail, terms->store, terms->trail_reserve,
                        sizeof *hop + url.length + 1);
    fetch->is_cut |= !hop;
    if (!hop)
        return;
    memcpy(hop->url, url.bytes, url.length + 1);
    hop->public =
        (struct haul_hop){.url = hop->url, .url_length = url.length, .status = (int)status};
    *(extra->last_hop ? &extra->last_hop->public.next : &extra->hops) = &hop->public;
    extra->last_hop = hop;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Why a Location that was resolved is no URL. */
static const char *const bad_urls[] = {
#define BAD_URL(name, class, sentence, ...)                                                        \
    [PROTO_##name] = "the reply's Location cannot be followed: " sentence,
    PROTO_ERRORS(BAD_URL)
#undef BAD_URL
};

enum redirect_answer redirect_take(struct fetch *fetch, const struct fetch_terms *terms,
                                   unsigned status, struct span head, struct failure *ret_failure)
{
    const struct haul_redirect *redirect = terms->options->redirect;
    struct span location;
    char text[URL_BYTES_MAX];
    char room[URL_ROOM_BYTES];
    size_t length;
    struct url url;
    if (!redirect_is((int)status))
        return REDIRECT_NONE;
    enum proto_error error = location_find(head, &location);
    if (!error && location.length == 0)
        return REDIRECT_NONE;
    if (!redirect->follow)
        return REDIRECT_MET;
    struct span base = fetch_url_effective(fetch, terms);
    if (!error)
        error = location_resolve(base, location, terms->options->path_as_is, text, sizeof text,
                                 &length);
    if (error)
        return refuse(proto_error_sentence(error), ret_failure);
    error = url_parse((struct span){text, length}, room, &url, NULL);
    if (error)
        return refuse(bad_urls[error], ret_failure);
    if (fetch->is_once && !becomes_get(fetch, redirect, status))
        return refuse_body(ret_failure);
    fetch->has_cookie |= sets_cookie(head);
    fetch->came_round |= was_before(fetch, terms, (struct span){text, length});
    if (is_too_many(fetch, redirect))
        return refuse_more(fetch, ret_failure);
    remember(fetch, terms, status);
    go(fetch, terms, status, (struct span){text, length}, room, &url);
    return REDIRECT_FOLLOWS;
}
