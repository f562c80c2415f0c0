#ifndef HAUL_ERROR_H
#define HAUL_ERROR_H

/* What went wrong with a request, as codes. A part of haul.h, which includes it. */

/* What went wrong with a request. The stage says where on its trip. */
#define HAUL_ERRORS(X)                                                                             \
    X(OK, "ok")                                                                                    \
    X(URL, "url")                 /* the URL or the request cannot be sent as written */           \
    X(RESOLVE, "resolve")         /* the host name has no address */                               \
    X(CONNECT, "connect")         /* no address accepted a connection */                           \
    X(TLS, "tls")                 /* the handshake failed, or a certificate was refused */         \
    X(SEND, "send")               /* the connection failed while the request was sent */           \
    X(RECEIVE, "receive")         /* the connection failed, or ended before any byte of a reply */ \
    X(TRUNCATED, "truncated")     /* the connection ended inside the reply */                      \
    X(PROTOCOL, "protocol")       /* the reply breaks RFC 9112 */                                  \
    X(LIMIT, "limit")             /* the reply is larger than a limit */                           \
    X(DEADLINE, "deadline")       /* the connect timeout or the total time ran out */              \
    X(STATUS, "status")           /* the status is at or above fail_status */                      \
    X(CANCELLED, "cancelled")     /* ended by haul_cancel() or by another's failure */             \
    X(NOT_STARTED, "not_started") /* cancelled before it was begun */                              \
    X(RESOURCE, "resource")       /* this process or machine ran out of something */

enum haul_error {
#define HAUL_ERROR_ENUM(name, text) HAUL_##name,
    HAUL_ERRORS(HAUL_ERROR_ENUM)
#undef HAUL_ERROR_ENUM
};

/* The stages of the trip, in their order. */
#define HAUL_STAGES(X)                                                                             \
    X(QUEUE, "queue")                                                                              \
    X(RESOLVE, "resolve")                                                                          \
    X(CONNECT, "connect")                                                                          \
    X(TLS, "tls")                                                                                  \
    X(SEND, "send")                                                                                \
    X(HEAD, "head")                                                                                \
    X(BODY, "body")                                                                                \
    X(DONE, "done")

enum haul_stage {
#define HAUL_STAGE_ENUM(name, text) HAUL_STAGE_##name,
    HAUL_STAGES(HAUL_STAGE_ENUM)
#undef HAUL_STAGE_ENUM
};

/* The short lower-case names above: static, never NULL. */
const char *haul_error_name(enum haul_error error);
const char *haul_stage_name(enum haul_stage stage);

#endif
