#ifndef HAUL_H
#define HAUL_H

/* haul: thousands of HTTP requests through one ring, their results in the order asked for.
 *
 *     struct haul *haul;
 *     const struct haul_result *result;
 *
 *     haul_open(&haul, &(struct haul_options){.concurrency = 100, .keep_bodies = true});
 *     haul_submit(haul, &(struct haul_request){.url = "http://127.0.0.1:8940/p/1"});
 *     while (haul_next(haul, &result, -1) == 0) {
 *         printf("%d %s\n", result->status, result->url);
 *         haul_release(haul, result);
 *     }
 *     haul_close(haul);
 *
 * The engine is pulled: it works inside haul_next() and nowhere else, calls nothing of yours,
 * starts no thread, installs no signal handler, prints nothing and keeps no global. All memory is
 * taken in haul_open(), but for TLS: at the first https URL, which loads OpenSSL's libraries too,
 * and by OpenSSL itself, as long as a connection that it serves is open or it computes something
 * (haul_get_budget() has all); at a limit it waits. A handle belongs to one thread: the first one
 * that calls haul_submit() or haul_next(); only haul_wake() may be called from others and from
 * signal handlers. Different handles share nothing.
 *
 * Functions return 0 or a negative errno. What happens to a request is never a function's return
 * value: it is a result, with its error inside.
 *
 * Everything zero is the default, so that designated initializers say only what differs.
 *
 * Structs grow at their end, and programs built before that go on: the size of what a program knows
 * travels with its calls, by the inline functions below. Callers in other languages use those in
 * _sized: a struct may be shorter than the library's, and what it lacks is zero; or longer, where
 * what is beyond must be zero, or the answer is -E2BIG: the program is newer than the library and
 * asks for something that this one does not have; a size of 0 is -EINVAL. What the library hands
 * out may be longer than the program knows: it is read by its pointer, never copied or indexed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* Of this header; haul_version() is that of the library. */
#define HAUL_VERSION "0.2.0"

const char *haul_version(void);

#include "haul/anomaly.h"
#include "haul/auth.h"
#include "haul/error.h"
#include "haul/limits.h"
#include "haul/redirect.h"
#include "haul/result.h"
#include "haul/retry.h"
#include "haul/tls.h"
#include "haul/transport.h"
#include "haul/upload.h"

enum haul_loop { HAUL_LOOP_AUTO, HAUL_LOOP_URING, HAUL_LOOP_EPOLL };

struct haul_options {
    uint32_t concurrency;       /* requests under way, and connections open, at once; 0: 64. A hard
                                   bound; lowered to what RLIMIT_NOFILE leaves (haul_facts) */
    uint32_t window;            /* results held at once, from submit to release; 0: chosen, always
                                   above concurrency, and at most 1,024 of it wait to begin, or
                                   where it is unordered and there are several hosts 16,384 */
    enum haul_loop loop;        /* AUTO: io_uring, or epoll where io_uring is refused */
    int64_t connect_timeout_ms; /* name, connection and TLS together, of each hop and try;
                                   0: 10,000; negative: none */
    int64_t max_time_ms;        /* from a try's start to its last byte, redirects included;
                                   0: 300,000; negative: none */
    bool unordered;             /* results in the order of completion, not of submission */
    bool cancel_on_error;       /* the first failed request cancels all others */
    int fail_status;            /* statuses from this number on are failures, 600 to 999 as
                                   5xx are (RFC 9110, 15); 0: none is */
    bool keep_headers;          /* results carry the reply's head */
    bool keep_bodies;           /* results carry the reply's body; without it, bytes are counted */
    bool stream_bodies;         /* with keep_bodies: a body may come in several results, all but
                                   the last with more == true, and no other result between them;
                                   then a body's size has no limit */
    size_t body_bytes;          /* memory for heads and bodies that wait for their turn beyond the
                                   first 16 KiB of each; 0: 32 MiB. Without stream_bodies a body
                                   longer than half of it is a LIMIT error */
    bool raise_nofile;          /* raise RLIMIT_NOFILE to its hard limit (it belongs to the whole
                                   process, so this is yours to ask for) */
    const char *user_agent;     /* NULL: "haul/<version>" */
    const char *method;         /* of requests that name none; NULL: GET, or POST with a body */
    const char *const *headers; /* NULL-terminated "Name: value" lines sent with every request:
                                   one replaces a default, "Name:" removes it, "Name;" sends it
                                   empty; NULL: none. Copied. */
    const void *body;           /* sent with every request that has none of its own; borrowed until
                                   haul_close() */
    size_t body_length;
    bool has_body;           /* body is to be sent, even where body_length is 0 */
    bool path_as_is;         /* leave . and .. in paths of URLs, else removed (RFC 3986, 5.2.4) */
    const char *dns_servers; /* "host[:port],…" instead of the system's; NULL: the system's */
    /* Both lists as in curl, NULL-terminated and copied; NULL: none. IPv6 literals are in brackets.
     * They concern connections alone: the Host field, SNI and what a certificate must hold for are
     * those of the URL. */
    const char *const *connect_to; /* "HOST1:PORT1:HOST2:PORT2": connect to the second pair for URLs
                                      of the first. Empty, HOST1 and PORT1 are any, HOST2 and PORT2
                                      the URL's. The first that matches counts */
    const char *const *resolve; /* "[+]HOST:PORT:ADDRESS[,ADDRESS]…": these addresses, at most 8, in
                                   this order, without a lookup; with + only for a minute from
                                   haul_open() on. HOST "*": any that has none of its own. The last
                                   for a HOST and PORT counts; "-HOST:PORT" takes those before it
                                   away. HOST and PORT are those that connect_to leads to */
    const struct haul_tls *tls; /* haul/tls.h; its strings are copied; NULL: all its defaults */
    size_t tls_size;            /* sizeof *tls. haul_open() and its like fill it in; the sized calls
                                   want it wherever tls is not NULL */
    int64_t idle_timeout_ms; /* a connection that has been idle for so long is not used again, nor
                                one whose reply had a Keep-Alive timeout, from a second before
                                that on; 0: 60,000; negative: only the latter */
    bool strict;       /* what is odd about a reply is an error: each of haul_anomaly. Else it is
                          read as browsers and curl do, and its connection not used again */
    uint32_t max_head; /* of a reply, in bytes; 0: 262,144. One that is longer is a LIMIT error */
    uint64_t max_body; /* in bytes, as handed out; 0: no limit. A longer one is a LIMIT error, by
                          its Content-Length at once, else when that many have come */
    const struct haul_redirect *redirect; /* haul/redirect.h; NULL: all its defaults */
    size_t redirect_size;                 /* sizeof *redirect, as tls_size */
    const struct haul_retry *retry;       /* haul/retry.h; NULL: all its defaults */
    size_t retry_size;                    /* sizeof *retry, likewise */
    bool compressed;    /* ask for haul_codings(), unless headers do, and decode bodies: of another
                           coding one is an ENCODING error; a part (206) stays as it came */
    uint64_t max_ratio; /* decoded to came, of each coding, from 1 MiB on: beyond that, and with
                           more than 5, it is a LIMIT error; 0: 1,000; UINT64_MAX: none */
    const struct haul_transport *transport; /* haul/transport.h; NULL: all its defaults */
    size_t transport_size;                  /* sizeof *transport, as tls_size */
    const struct haul_limits *limits;       /* haul/limits.h; NULL: none of them */
    size_t limits_size;                     /* sizeof *limits, likewise */
    const struct haul_times *times;         /* haul/limits.h; NULL: all its defaults */
    size_t times_size;                      /* sizeof *times, likewise */
    const struct haul_auth *auth;           /* haul/auth.h; NULL: no credentials */
    size_t auth_size;                       /* sizeof *auth, likewise */
};

struct haul_request {
    const char *url;   /* copied */
    size_t url_length; /* 0: url ends in a zero byte */
    union {            /* handed back in the result: a pointer, or a number of 64 bits, which a
                          pointer of 32 cannot carry */
        void *tag;
        uint64_t tag_number;
    };
    /* NULL / 0: as in the options. All of these are borrowed until the result is released. */
    const char *method;
    const char *const *headers; /* instead of the options' */
    const void *body;
    bool has_body; /* body is to be sent, even where body_length is 0 */
    size_t body_length;
    uint64_t max_body;              /* UINT64_MAX: no limit */
    const struct haul_times *times; /* copied; NULL: as in the options */
    size_t times_size;              /* sizeof *times; haul_submit() fills it in */
    const char *user; /* any of these three: instead of all that auth and the URL have. None may
                         have a control byte. A token goes before user and password */
    const char *password;
    const char *bearer;
    const struct haul_upload *upload; /* haul/upload.h: instead of body; NULL: none */
    size_t upload_size;               /* sizeof *upload, likewise */
};

struct haul; /* one engine */

/* The options with the sizes of what they point to, in *ret; NULL stays NULL. */
static inline const struct haul_options *haul_options_size(const struct haul_options *options,
                                                           struct haul_options *ret)
{
    if (!options)
        return NULL;
    *ret = *options;
    ret->tls_size = ret->tls ? sizeof *ret->tls : 0;
    ret->redirect_size = ret->redirect ? sizeof *ret->redirect : 0;
    ret->retry_size = ret->retry ? sizeof *ret->retry : 0;
    ret->transport_size = ret->transport ? sizeof *ret->transport : 0;
    ret->limits_size = ret->limits ? sizeof *ret->limits : 0;
    ret->times_size = ret->times ? sizeof *ret->times : 0;
    ret->auth_size = ret->auth ? sizeof *ret->auth : 0;
    return ret;
}

int haul_open_sized(struct haul **ret_haul, const struct haul_options *options, size_t options_size,
                    struct haul_open_error *ret_error, size_t error_size);

/* Takes all memory and opens the loop. options NULL: all defaults; copied, except where a field
 * says borrowed. Errors: -EINVAL (an option out of range or malformed, or a header or method that
 * cannot be sent), -E2BIG (an option that this library does not have), -ENODEV (interface),
 * -ENOMEM, -EMFILE (no descriptor left: nofile_needed), and with HAUL_LOOP_URING what the kernel
 * answered (-ENOSYS, -EPERM …). With tls->at_open: -ENOKEY (roots that cannot be read, or none),
 * -EKEYREJECTED (client certificate or key), and that of opening key_log. On failure *ret_error
 * says which option, and why; its message is NULL on success alone. Both may be NULL. */
static inline int haul_open_explained(struct haul **ret_haul, const struct haul_options *options,
                                      struct haul_open_error *ret_error)
{
    struct haul_options sized;
    options = haul_options_size(options, &sized);
    return haul_open_sized(ret_haul, options, sizeof *options, ret_error, sizeof *ret_error);
}

static inline int haul_open(struct haul **ret_haul, const struct haul_options *options)
{
    return haul_open_explained(ret_haul, options, NULL);
}

/* A sentence for what any function here returned: static, never NULL. */
const char *haul_strerror(int error);

/* Cancels what is under way, closes every connection, frees everything, results included, and wipes
 * what was secret: of TLS sessions, keys, the text of a client's key; of auth all strings. NULL is
 * allowed. */
void haul_close(struct haul *haul);

int haul_submit_sized(struct haul *haul, const struct haul_request *request, size_t size);

/* Takes one request; its index is the number of requests submitted before it. A bad URL, method or
 * header is not this function's error but the result's. Errors: -EAGAIN, the window is full, or
 * enough of it waits to begin: call haul_next() and release a result first; -ECANCELED, after
 * haul_cancel_all() or, with cancel_on_error, a failure: nothing new is taken; -E2BIG, it asks for
 * what this library does not have; -EINVAL, it has no URL. */
static inline int haul_submit(struct haul *haul, const struct haul_request *request)
{
    if (!request->times && !request->upload)
        return haul_submit_sized(haul, request, sizeof *request);
    struct haul_request sized = *request;
    sized.times_size = sized.times ? sizeof *sized.times : 0;
    sized.upload_size = sized.upload ? sizeof *sized.upload : 0;
    return haul_submit_sized(haul, &sized, sizeof sized);
}

/* Works until the next result is there, at most timeout_ms (0: only what is ready now; negative:
 * without limit). Errors: -EAGAIN, the time ran out; -EINPROGRESS, a body of pieces can take more
 * (haul/upload.h), which is said once; -EINTR, haul_wake() or a signal; -ENODATA,
 * every submitted request's result has been handed out, and what kept connections had to say
 * (that they end, mostly) has been taken; -EBUSY, nothing can come before something is released: a
 * part (result->more), or results that hold the memory for bodies, or for heads beyond 16 KiB, of
 * which 64 may be kept. Others are the kernel interface failing as a whole (-ENOMEM, -EBADF …):
 * close. */
int haul_next(struct haul *haul, const struct haul_result **ret_result, int timeout_ms);

/* Gives a result back, in any order; its slot and its memory serve the next request. */
void haul_release(struct haul *haul, const struct haul_result *result);

/* Cancels one request that is not finished; its result says CANCELLED or NOT_STARTED. Errors:
 * -ENOENT, no such request is in the window; -EALREADY, it is finished. */
int haul_cancel(struct haul *haul, uint64_t index);

/* Cancels every request that is not finished, and takes no new one. Their results still come. */
void haul_cancel_all(struct haul *haul);

/* A descriptor that poll() reports readable when haul_next(…, 0) would get further. Use it after
 * haul_next(…, 0) said -EAGAIN, or -ENODATA: kept connections, too, want to be looked after. It
 * stays the engine's. */
int haul_fd(const struct haul *haul);

/* Makes a running or the next haul_next() return -EINTR. Safe from other threads and from signal
 * handlers, until haul_close(). */
void haul_wake(struct haul *haul);

/* Walks result->head: *cursor starts at 0; false at the end. Names and values are not
 * zero-terminated. */
bool haul_header_next(const struct haul_result *result, size_t *cursor, const char **ret_name,
                      size_t *ret_name_length, const char **ret_value, size_t *ret_value_length);

/* Was the server's key none of pinned_keys? A TLS error. */
bool haul_pin_refused(const struct haul_result *result);

/* Copies the body, at most size bytes of it, to buffer; returns how many. */
size_t haul_body_copy(const struct haul_result *result, void *buffer, size_t size);

#include "haul/facts.h"
#include "haul/gather.h"

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
