#ifndef PROTO_HTTP_URL_H
#define PROTO_HTTP_URL_H

/* An absolute http or https URL, cut into the views that a request and a connection need (RFC 3986,
 * 9110). What is sent as it is written stays where it lies; a host and port that go out otherwise
 * (decoded, by its A-labels, as an address in its usual form) are written into room of the
 * caller's. The target is a view always: what is to be changed about it request_write() changes on
 * the way. */

#include "proto/error.h"
#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    URL_BYTES_MAX = 16000,
    URL_HOST_BYTES_MAX = 253,
    URL_ROOM_BYTES =
        URL_HOST_BYTES_MAX + sizeof ":65535", /* a zone's host and authority need less */
};

enum url_host_kind { URL_HOST_NAME, URL_HOST_IPV4, URL_HOST_IPV6 };

struct url {
    struct span host;      /* what is connected to, ASCII and never empty: a name, "127.0.0.1", or
                              "fe80::1%eth0", its zone behind one %; without brackets */
    struct span authority; /* what the Host field carries: host and port, without zone, and without
                              the scheme's own port */
    struct span target;    /* path and query as written, without fragment; may be empty or begin
                              with '?', then a '/' belongs before it (url_target_needs_slash) */
    uint16_t port;         /* 80, or 443 for https, where none is written */
    bool is_https;
    bool is_anonymous;   /* nothing of the text: whoever asks for it may set that no client
                            certificate is to be shown to its server */
    bool has_odd_target; /* bytes of its path may have to be encoded, or its dot segments removed:
                            see url_path_write() */
    enum url_host_kind host_kind;
};

static inline bool url_target_needs_slash(const struct url *url)
{
    return url->target.length == 0 || url->target.bytes[0] == '?';
}

/* Parses text into ret_url, whose host and authority lie in text or in room (URL_ROOM_BYTES), its
 * target in text. On failure ret_url is undefined and ret_offset (may be NULL) says at which byte
 * of text, counted from 0, the fault lies. Errors: every PROTO_URL_* and PROTO_IDNA_*. */
enum proto_error url_parse(struct span text, char *room, struct url *ret_url, size_t *ret_offset);

/* What was parsed last: of a list of URLs the next one mostly begins alike. All zero: nothing. */
enum { URL_MEMO_BYTES = 80 };
struct url_memo {
    struct url url;
    uint8_t host_at;
    uint8_t authority_at;
    uint8_t length; /* of scheme and authority */
    char text[URL_MEMO_BYTES];
};

/* As url_parse(), and sooner where scheme and authority are those that memo has, which is to be one
 * of the caller's; it then has those of text. */
enum proto_error url_parse_next(struct url_memo *memo, struct span text, char *room,
                                struct url *ret_url);

/* A URL whose views lie behind base, in less than half of the memory. */
struct url_packed {
    const char *base;
    uint16_t host_at;
    uint16_t host_length;
    uint16_t authority_at;
    uint16_t authority_length;
    uint16_t target_at;
    uint16_t target_length;
    uint16_t port;
    bool is_https : 1;
    bool is_anonymous : 1;
    bool has_odd_target : 1;
    enum url_host_kind host_kind : 2;
};

/* base: where the text lies, and behind it the room, as url_move() has it. */
static inline struct url_packed url_pack(const struct url *url, const char *base)
{
    return (struct url_packed){
        .base = base,
        .host_at = (uint16_t)(url->host.bytes - base),
        .host_length = (uint16_t)url->host.length,
        .authority_at = (uint16_t)(url->authority.bytes - base),
        .authority_length = (uint16_t)url->authority.length,
        .target_at = (uint16_t)(url->target.bytes - base),
        .target_length = (uint16_t)url->target.length,
        .port = url->port,
        .is_https = url->is_https,
        .is_anonymous = url->is_anonymous,
        .has_odd_target = url->has_odd_target,
        .host_kind = url->host_kind,
    };
}

static inline struct url url_unpack(const struct url_packed *packed)
{
    const char *base = packed->base;
    return (struct url){
        .host = {base + packed->host_at, packed->host_length},
        .authority = {base + packed->authority_at, packed->authority_length},
        .target = {base + packed->target_at, packed->target_length},
        .port = packed->port,
        .is_https = packed->is_https,
        .is_anonymous = packed->is_anonymous,
        .has_odd_target = packed->has_odd_target,
        .host_kind = packed->host_kind,
    };
}

/* What url_parse() would have found, had the text been at copy and room at copy + text.length + 1:
 * puts what it wrote into room there. */
void url_move(struct url *url, struct span text, const char *room, const char *copy);

/* How many bytes of room url_parse() used. */
size_t url_room_used(const struct url *url, const char *room);

/* Writes a target's path as curl 7.88 sends it, so that it ends before end: bytes above 0x7f as %xx
 * (in small letters), and, unless they are to stay, without dot segments (RFC 3986, 5.2.4). Returns
 * its length; end may be NULL, to know it. */
size_t url_path_write(struct span path, bool keeps_dots, char *end);

#endif
