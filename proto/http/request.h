#ifndef PROTO_HTTP_REQUEST_H
#define PROTO_HTTP_REQUEST_H

/* A URL and header lines become the bytes of an HTTP/1.1 request head.
 *
 * What is the same for every request of a run (method, fields) is checked and written once, into a
 * template; a request is then three copies: method and target, Host, the template's fields. */

#include "proto/error.h"
#include "proto/span.h"
#include "proto/http/url.h"

#include <stdbool.h>
#include <stdint.h>

/* What goes out as Authorization: a token, or a user and a password as Basic; bytes NULL: not
 * there. Or the value as it is. They have no control byte. */
struct request_credentials {
    struct span bearer;
    struct span user;
    struct span password;
    struct span value;
};

struct request_options {
    const char *method;        /* NULL: GET, or POST where there is a body */
    const char *user_agent;    /* NULL or "": none is sent */
    const char *const *fields; /* NULL-terminated "Name: value" lines; NULL: none. A line replaces a
                                  default of the same name; "Name:" removes it; "Name;" sends it
                                  empty. Host may be given, but not without a value. */
    bool has_body;             /* Content-Length is sent, and a default Content-Type
                                  (application/x-www-form-urlencoded) as curl does. Without one
                                  POST, PUT and PATCH say that their length is 0 */
    uint64_t body_bytes;       /* unless is_chunked */
    bool path_as_is;           /* dot segments stay in the URL's path */
    /* Which of the fields do not go along, since the request was redirected: */
    bool without_host;        /* Host: to another origin */
    bool without_credentials; /* Authorization, Proxy-Authorization, Cookie: likewise */
    bool without_content;     /* those that begin with Content-: the body does not go along */
    /* Of a reply's body only what is behind so many bytes, if it is the one with this tag: */
    uint64_t range_from;
    struct span if_range;                   /* empty: all of it */
    const char *accept_encoding;            /* a default; NULL: none */
    struct request_credentials credentials; /* a default; all of it NULL: none */
    bool is_http10; /* HTTP/1.0, which ends a connection after the reply, unless the fields contain
                       "Connection: keep-alive" */
    /* Of the body: */
    bool is_chunked;     /* its length is unknown, and it is sent in chunks */
    bool without_type;   /* no Content-Type is sent but one of the fields */
    bool may_expect;     /* it is so long that an Expect: 100-continue is worth while, which the
                            fields may replace, or remove */
    bool without_expect; /* none is sent, not even one of the fields */
};

struct request_template {
    struct span method;  /* as sent; borrowed from the options, or static */
    struct span host;    /* a Host value given by the fields, in the caller's buffer; length 0: the
                            URL's authority */
    struct span fields;  /* every field line but Host, and the blank line; in the caller's buffer */
    struct span version; /* what is between the target and the authority */
    bool path_as_is;     /* the options' */
    bool is_head;        /* the reply has no body whatever its fields say */
    bool is_idempotent;  /* GET HEAD PUT DELETE OPTIONS TRACE (RFC 9110, 9.2.2), or the fields
                            contain Idempotency-Key or X-Idempotency-Key */
    bool asks_close;     /* the fields contain "Connection: close", or HTTP/1.0 means it */
    bool has_range;      /* the fields contain Range */
    bool expects;        /* a body is announced by Expect: 100-continue, and waits for that */
};

/* Checks the options and writes the template's fields into buffer, which must live as long as the
 * template. ret_bad_field (may be NULL) is the index in options->fields of the offending line, or
 * SIZE_MAX where the user agent has a control byte.
 * Errors: METHOD, METHOD_CONNECT, FIELD_LINE*, REQUEST_TOO_LONG (buffer too small),
 * REQUEST_CHUNKED (by HTTP/1.0). */
enum proto_error request_template_init(struct request_template *template,
                                       const struct request_options *options, char *buffer,
                                       size_t size, size_t *ret_bad_field);

/* Writes the target as a request for url has it into buffer; as request_write(). */
enum proto_error request_target_write(const struct url *url, bool path_as_is, char *buffer,
                                      size_t size, size_t *ret_length);

/* Do the fields, were it to remove it, name this one? Those of them that are well-formed. */
bool request_has_field(const char *const *fields, struct span name);

/* Writes the head of a request for url into buffer. ret_length is the head's length, also on
 * failure (what would be needed). Error: REQUEST_TOO_LONG, nothing usable was written. */
enum proto_error request_write(const struct request_template *template, const struct url *url,
                               char *buffer, size_t size, size_t *ret_length);

#endif
