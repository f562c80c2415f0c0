#ifndef HAUL_ERROR_H
#define HAUL_ERROR_H

/* What goes wrong, as codes: of a request, and of haul_open(). A part of haul.h, which includes it.
 *
 * The numbers are an interface: enumerators are only ever added at the end of their list, so a
 * program must expect some that it does not know. Sentences are for people, and no interface. */

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
    X(PROTOCOL, "protocol")       /* the reply breaks RFC 9112, or has two readings */             \
    X(LIMIT, "limit")             /* the reply is larger than a limit */                           \
    X(DEADLINE, "deadline")       /* the connect timeout or the total time ran out */              \
    X(STATUS, "status")           /* the status is at or above fail_status */                      \
    X(CANCELLED, "cancelled")     /* ended by haul_cancel() or by another's failure */             \
    X(NOT_STARTED, "not_started") /* cancelled before it was begun */                              \
    X(RESOURCE, "resource")       /* this process or machine ran out of something */               \
    X(REDIRECT, "redirect")       /* too many redirects, or one that cannot be followed */         \
    X(ENCODING, "encoding")       /* the body is not what its Content-Encoding says */             \
    X(DENIED, "denied")           /* every address of the host is one of deny_addresses */         \
    X(AUTH, "auth")               /* the server's challenge cannot be answered */                  \
    X(READ, "read")               /* the request's body cannot be read, or not to its length */    \
    X(REWIND, "rewind")           /* it would have to be sent again, and cannot be read again */

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

/* What exactly was at fault, where a program may want to know: of a result, beside its error, and
 * of haul_open(). */
enum haul_detail {
    HAUL_DETAIL_NONE,
    HAUL_DETAIL_PIN,                /* the server's key is none of pinned_keys */
    HAUL_DETAIL_CERTIFICATE,        /* the server's certificate was refused: tls_verification */
    HAUL_DETAIL_CA_FILE,            /* ca_file cannot be read, or has no certificate */
    HAUL_DETAIL_CA_DIRECTORY,       /* the same of ca_directory, */
    HAUL_DETAIL_ROOTS,              /* or of both, or of the system's roots */
    HAUL_DETAIL_CLIENT_CERTIFICATE, /* client_certificate cannot be read or used */
    HAUL_DETAIL_CLIENT_KEY,         /* the same of client_key, or the key in client_certificate, */
    HAUL_DETAIL_CLIENT_PAIR,        /* or the key is not the certificate's */
    HAUL_DETAIL_KEY_LOG,            /* key_log cannot be opened */
};

/* Why haul_open(), haul_gather() or haul_get_budget() failed. All of it is static, or yours. */
struct haul_open_error {
    const char *option;  /* the member that is at fault, of haul_options or of what it points to:
                            "headers", "ca_file"; NULL: none is, or more than one */
    const char *item;    /* its string, or that of its list, as it was given; NULL: it has none */
    const char *message; /* a sentence, which names the option too; NULL: nothing failed */
    enum haul_detail detail;
    uint64_t nofile_needed; /* what RLIMIT_NOFILE must be for one connection, where it is less;
                               0: it is not */
};

#endif
