#ifndef PROTO_HTTP_URL_H
#define PROTO_HTTP_URL_H

/* An absolute http or https URL, cut into the views that a request and a connection need (RFC 3986,
 * 9110). Nothing is copied or decoded: every span lies inside the text that was parsed. */

#include "proto/error.h"
#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { URL_BYTES_MAX = 16000, URL_HOST_BYTES_MAX = 253 };

enum url_host_kind { URL_HOST_NAME, URL_HOST_IPV4, URL_HOST_IPV6 };

struct url {
    struct span host;      /* without the brackets of an IPv6 literal; never empty */
    struct span authority; /* host and port as written: what the Host field carries (a colon that no
                              port follows is left out) */
    struct span target;    /* path and query, without fragment; may be empty or begin with '?',
                              then a '/' belongs before it (url_target_needs_slash) */
    uint16_t port;         /* 80, or 443 for https, where none is written */
    bool is_https;
    enum url_host_kind host_kind;
};

static inline bool url_target_needs_slash(const struct url *url)
{
    return url->target.length == 0 || url->target.bytes[0] == '?';
}

/* Parses text into ret_url. On failure ret_url is undefined and ret_offset (may be NULL) says at
 * which byte of text, counted from 0, the fault lies. Errors: every PROTO_URL_*. */
enum proto_error url_parse(struct span text, struct url *ret_url, size_t *ret_offset);

#endif
