#ifndef TOOLS_EXITS_H
#define TOOLS_EXITS_H

/* What haul exits with: the one list from which the codes, the table of haul(1) and `haul --help
 * exits` are made. curl's numbers, and the shell's for signals (128 + number). */

#include "engine/haul.h"

#include <errno.h>
#include <stdlib.h>

/* Every error of HAUL_ERRORS has a row of its name. X(name, code, errors, when): the names of
 * errors in results that it stands for, "" where there is none. */
#define EXITS(X)                                                                                   \
    X(OK, 0, "", "every request succeeded")                                                        \
    X(USAGE, 2, "", "the command line cannot be used")                                             \
    X(URL, 3, "url", "the URL, or the request, cannot be sent as written")                         \
    X(RESOLVE, 6, "resolve", "the host name has no address")                                       \
    X(CONNECT, 7, "connect", "no address accepted a connection")                                   \
    X(PROTOCOL, 8, "protocol", "the reply breaks RFC 9112, or can be read in two ways")            \
    X(DENIED, 9, "denied", "with --deny-address: every address of the host is denied")             \
    X(TRUNCATED, 18, "truncated", "the connection ended inside the reply")                         \
    X(STATUS, 22, "status", "with --fail: a status from 400 on")                                   \
    X(WRITE, 23, "", "the output cannot be written: a full disk, a closed pipe")                   \
    X(INPUT, 26, "", "an input cannot be read")                                                    \
    X(READ, 26, "read", "a body that is to be sent cannot be read, or not to its length")          \
    X(RESOURCE, 27, "resource", "the process or machine ran out of something")                     \
    X(DEADLINE, 28, "deadline", "the time ran out")                                                \
    X(TLS, 35, "tls", "the handshake failed")                                                      \
    X(CANCELLED, 42, "cancelled", "ended by a signal or another's failure")                        \
    X(NOT_STARTED, 42, "not_started", "the same, before it was begun")                             \
    X(INTERFACE, 45, "", "--interface names none, or an address of another machine")               \
    X(REDIRECT, 47, "redirect", "too many redirects, or one that cannot be followed")              \
    X(SEND, 55, "send", "the connection failed while the request was sent")                        \
    X(RECEIVE, 56, "receive", "the connection failed, or ended before any byte of a reply")        \
    X(CLIENT_CERTIFICATE, 58, "", "the client certificate or its key cannot be used")              \
    X(CERTIFICATE, 60, "tls", "the server's certificate was refused")                              \
    X(ENCODING, 61, "encoding", "the body is not what its Content-Encoding says")                  \
    X(LIMIT, 63, "limit", "the reply is larger than a limit")                                      \
    X(REWIND, 65, "rewind", "a body would have to be sent again, and cannot be read again")        \
    X(ROOTS, 77, "-, tls", "the roots to trust cannot be read, or are none")                       \
    X(PIN, 90, "tls", "the server's key is none of those pinned")                                  \
    X(AUTH, 94, "auth", "with --digest: the server's challenge cannot be answered")                \
    X(HANGUP, 129, "", "ended by SIGHUP")                                                          \
    X(INTERRUPT, 130, "", "ended by SIGINT (Ctrl-C)")                                              \
    X(TERMINATE, 143, "", "ended by SIGTERM")

enum exit_code {
#define EXIT_ENUM(name, code, errors, when) EXIT_##name = code,
    EXITS(EXIT_ENUM)
#undef EXIT_ENUM
        EXIT_SIGNAL = 128, /* and the signal's number */
};

/* Is it a failure for want of trusted roots, which is that of every https URL? */
static inline bool exit_is_roots(const struct haul_result *result)
{
    return result->error == HAUL_TLS && result->os_error == ENOKEY;
}

/* Of one result; as in curl a certificate or a key that was refused is told from a handshake that
 * failed. An error without a row does not compile. */
static inline int exit_code_of(const struct haul_result *result)
{
    static const int codes[] = {
#define EXIT_OF_ERROR(name, text) [HAUL_##name] = EXIT_##name,
        HAUL_ERRORS(EXIT_OF_ERROR)
#undef EXIT_OF_ERROR
    };
    if (haul_pin_refused(result))
        return EXIT_PIN;
    if (exit_is_roots(result))
        return EXIT_ROOTS;
    if (result->error == HAUL_NOT_STARTED && result->os_error == ETIMEDOUT)
        return EXIT_DEADLINE;
    return result->detail == HAUL_DETAIL_CERTIFICATE ? EXIT_CERTIFICATE : codes[result->error];
}

#endif
