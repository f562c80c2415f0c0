#ifndef PROTO_ERROR_H
#define PROTO_ERROR_H

/* Every protocol error once, with its sentence: one list makes the enum and the text, so that they
 * cannot drift apart. A sentence completes "what was wrong", without a final stop. */

#define PROTO_ERRORS(X)                                                                            \
    X(OK, "no error")                                                                              \
    /* url */                                                                                      \
    X(URL_EMPTY, "the URL is empty")                                                               \
    X(URL_TOO_LONG, "the URL is longer than 16000 bytes")                                          \
    X(URL_BYTE, "the URL has a byte that must be percent-encoded (space, control or non-ASCII)")   \
    X(URL_NO_SCHEME, "the URL has no scheme; write http:// before it")                             \
    X(URL_SCHEME, "the URL's scheme is neither http nor https")                                    \
    X(URL_USERINFO, "the URL carries a user name or password; send an Authorization field "        \
                    "instead")                                                                     \
    X(URL_HOST_EMPTY, "the URL has no host")                                                       \
    X(URL_HOST, "the URL's host has a byte that no host name has")                                 \
    X(URL_HOST_TOO_LONG, "the URL's host name is longer than 253 bytes")                           \
    X(URL_IPV6, "the URL's IPv6 literal is malformed")                                             \
    X(URL_PORT, "the URL's port is not a number from 1 to 65535")                                  \
    X(URL_PERCENT, "the URL has a % that two hexadecimal digits do not follow")                    \
    /* request */                                                                                  \
    X(METHOD, "the method is not a token of RFC 9110")                                             \
    X(METHOD_CONNECT, "the method CONNECT opens a tunnel, which haul does not")                    \
    X(FIELD_LINE, "the header is not of the form 'Name: value'")                                   \
    X(FIELD_LINE_NAME, "the header's name is not a token of RFC 9110")                             \
    X(FIELD_LINE_BYTE, "the header's value has a CR, LF, NUL or other control byte")               \
    X(FIELD_LINE_FRAMING, "the header frames the message (Content-Length, Transfer-Encoding), "    \
                          "which haul does by itself")                                             \
    X(REQUEST_TOO_LONG, "the request's head does not fit its buffer")                              \
    /* response head */                                                                            \
    X(STATUS_LINE, "the status line is not 'HTTP/1.x NNN reason'")                                 \
    X(STATUS_VERSION, "the reply's version is not HTTP/1.0 or HTTP/1.1")                           \
    X(STATUS_CODE, "the status code is not three digits from 100 to 599")                          \
    X(STATUS_SWITCHING, "the reply switches protocols (101), which was not asked for")             \
    X(HEAD_BARE_CR, "the head has a CR that no LF follows")                                        \
    X(HEAD_BYTE, "the head has a NUL or other control byte")                                       \
    X(FIELD_NAME, "a field name is empty or not a token of RFC 9110")                              \
    X(FIELD_COLON, "a field line has no colon, or white space before it")                          \
    X(FIELD_FOLDED, "a field line begins with white space (obsolete line folding)")                \
    X(HEAD_TOO_LONG, "the head is longer than its limit")                                          \
    X(HEAD_LINE_TOO_LONG, "a line of the head is longer than its limit")                           \
    X(HEAD_TOO_MANY_FIELDS, "the head has more fields than its limit")                             \
    X(HEAD_TOO_MANY_INTERIM, "more interim (1xx) replies than the limit came before the final "    \
                             "one")                                                                \
    X(HEAD_TRUNCATED, "the connection ended inside the head")                                      \
    X(EMPTY_REPLY, "the connection ended before any byte of the reply")                            \
    /* framing */                                                                                  \
    X(LENGTH_VALUE, "Content-Length is not a decimal number below 2^63")                           \
    X(LENGTH_DIFFERS, "several Content-Length values differ")                                      \
    X(LENGTH_AND_CODING, "both Content-Length and Transfer-Encoding are present")                  \
    X(CODING_UNKNOWN, "Transfer-Encoding is something other than one 'chunked'")                   \
    X(CODING_HTTP10, "an HTTP/1.0 reply carries Transfer-Encoding")                                \
    X(CHUNK_SIZE, "a chunk size is not hexadecimal digits")                                        \
    X(CHUNK_SIZE_OVERFLOW, "a chunk size is larger than 2^63 - 1")                                 \
    X(CHUNK_EXTENSION, "a chunk extension is malformed")                                           \
    X(CHUNK_LINE_TOO_LONG, "a chunk-size line is longer than its limit")                           \
    X(CHUNK_LINE_END, "a chunk-size line does not end in CR LF")                                   \
    X(CHUNK_DATA_END, "a chunk's data is not followed by CR LF")                                   \
    X(TRAILER_LINE, "a trailer field is malformed")                                                \
    X(TRAILER_TOO_LONG, "the trailer section is longer than its limit")                            \
    X(BODY_TRUNCATED, "the connection ended inside the body")

enum proto_error {
#define PROTO_ERROR_ENUM(name, sentence) PROTO_##name,
    PROTO_ERRORS(PROTO_ERROR_ENUM)
#undef PROTO_ERROR_ENUM
};

/* The sentence of an error: static, never NULL, also for a value outside the enum. */
const char *proto_error_sentence(enum proto_error error);

#endif
