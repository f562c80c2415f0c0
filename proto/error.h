#ifndef PROTO_ERROR_H
#define PROTO_ERROR_H

/* Every protocol error once, with its class and its sentence: one list makes the enum, the look-up
 * and the text, so that they cannot drift apart. A sentence completes "what was wrong", without a
 * final stop. */

#include <stdint.h>

/* Replies outside the grammar that browsers and curl read in one and the same way. A row makes a
 * bit (PROTO_ANOMALY_*, in this order, which is never changed: rows are added at the end), its
 * word, and the error that it is where replies are read strictly. */
#define PROTO_ANOMALIES(X)                                                                         \
    X(CHUNK_SIZE_SPACE, PROTOCOL, "white space follows a chunk size", "chunk_size_space")          \
    X(CHUNK_EXTENSION_EMPTY, PROTOCOL, "a chunk extension is empty", "chunk_extension_empty")      \
    X(CODING_REPEATED, PROTOCOL, "Transfer-Encoding names 'chunked' twice", "coding_repeated")     \
    X(LENGTH_AND_CODING, PROTOCOL, "both Content-Length and Transfer-Encoding are present",        \
      "length_and_coding")                                                                         \
    X(CODING_IDENTITY, PROTOCOL, "Transfer-Encoding names 'identity', which is no coding",         \
      "coding_identity")                                                                           \
    X(NAME_SPACE, PROTOCOL, "a field name has white space in it", "name_space")                    \
    X(COLON_SPACE, PROTOCOL, "white space stands before a field's colon", "colon_space")           \
    X(VALUE_CONTROL, PROTOCOL, "a field value has a control byte", "value_control")                \
    X(STATUS_SPACES, PROTOCOL, "several spaces stand before the status code", "status_spaces")     \
    X(LINE_WITHOUT_COLON, PROTOCOL, "a field line has no colon", "line_without_colon")             \
    X(CODING_WITHOUT_BODY, PROTOCOL,                                                               \
      "Transfer-Encoding is present where no body follows (HEAD, 204, 304)",                       \
      "coding_without_body")                                                                       \
    X(LENGTH_WITHOUT_BODY, PROTOCOL, "Content-Length is present in a 204 reply",                   \
      "length_without_body")

#define PROTO_ERRORS(X)                                                                            \
    X(OK, NONE, "no error")                                                                        \
    /* url */                                                                                      \
    X(URL_EMPTY, URL, "the URL is empty")                                                          \
    X(URL_TOO_LONG, URL, "the URL is longer than 16000 bytes")                                     \
    X(URL_BYTE, URL, "the URL has a space or a control byte, which must be percent-encoded")       \
    X(URL_NO_SCHEME, URL, "the URL has no scheme; write http:// before it")                        \
    X(URL_SCHEME, URL, "the URL's scheme is neither http nor https")                               \
    X(URL_USERINFO, URL,                                                                           \
      "the URL has user information (an @ before its host); send an Authorization field instead")  \
    X(URL_USERINFO_CONTROL, URL, "the URL's user information stands for a control byte")           \
    X(URL_AT_SIGNS, URL, "the URL has more than one @ before its path")                            \
    X(URL_HOST_EMPTY, URL, "the URL has no host")                                                  \
    X(URL_HOST, URL, "the URL's host has a byte that no host name has")                            \
    X(URL_HOST_PERCENT, URL, "the URL's host has a % that two hexadecimal digits do not follow")   \
    X(URL_HOST_LABEL, URL, "the URL's host has an empty label: two dots, or one at its beginning") \
    X(URL_HOST_NUMBER, URL, "the URL's host ends in a number and is no IPv4 address")              \
    X(URL_HOST_TOO_LONG, URL, "the URL's host name is longer than 253 bytes")                      \
    X(URL_IPV6, URL, "the URL's IPv6 literal is malformed")                                        \
    X(URL_IPV6_ZONE, URL,                                                                          \
      "the URL's IPv6 zone is not 1 to 15 letters, digits, hyphens, dots, _ or ~")                 \
    X(URL_PORT, URL, "the URL's port is not a number from 1 to 65535")                             \
    /* a host beyond ASCII */                                                                      \
    X(IDNA_ABSENT, URL,                                                                            \
      "the URL's host is not ASCII, and haul was built without libidn2: write it with its "        \
      "A-labels "                                                                                  \
      "(xn--)")                                                                                    \
    X(IDNA_UTF8, URL, "the URL's host is neither ASCII nor UTF-8")                                 \
    X(IDNA_TOO_LONG, URL,                                                                          \
      "the URL's host is too long for DNS with its A-labels: over 253 bytes, or 63 a label")       \
    X(IDNA_ALABEL, URL, "the URL's host has a label that begins with xn-- and decodes to nothing") \
    X(IDNA_HYPHEN, URL,                                                                            \
      "the URL's host has a label beyond ASCII with a hyphen at an end, or two at its third "      \
      "place")                                                                                     \
    X(IDNA_CHARACTER, URL,                                                                         \
      "the URL's host has a character that no host name may have (UTS 46, IDNA 2008)")             \
    X(IDNA_PLACE, URL,                                                                             \
      "the URL's host has a character where IDNA 2008 does not allow it: a joiner, a mark, or "    \
      "directions mixed")                                                                          \
    X(IDNA_MEMORY, URL, "there is no memory to convert the URL's host")                            \
    /* request */                                                                                  \
    X(METHOD, URL, "the method is not a token of RFC 9110")                                        \
    X(METHOD_CONNECT, URL, "the method CONNECT opens a tunnel, which haul does not")               \
    X(FIELD_LINE, URL, "the header is not of the form 'Name: value'")                              \
    X(FIELD_LINE_NAME, URL, "the header's name is not a token of RFC 9110")                        \
    X(FIELD_LINE_BYTE, URL, "the header's value has a CR, LF, NUL or other control byte")          \
    X(FIELD_LINE_FRAMING, URL,                                                                     \
      "the header frames the message (Content-Length, Transfer-Encoding), which haul does by "     \
      "itself")                                                                                    \
    X(CREDENTIALS_CONTROL, URL, "the user, password or bearer has a control byte")                 \
    X(REQUEST_TOO_LONG, URL, "the request's head does not fit its buffer")                         \
    X(REQUEST_CHUNKED, URL, "a body of unknown length cannot be sent by HTTP/1.0")                 \
    /* response head */                                                                            \
    X(STATUS_LINE, PROTOCOL, "the status line is not 'HTTP/1.x NNN reason'")                       \
    X(STATUS_TLS, PROTOCOL, "the reply is an alert of TLS (does this port speak https?)")          \
    X(STATUS_VERSION, PROTOCOL, "the reply's version is not HTTP/1.0 or HTTP/1.1")                 \
    X(STATUS_CODE, PROTOCOL, "the status code is not three digits from 100 to 999")                \
    X(STATUS_SWITCHING, PROTOCOL, "the reply switches protocols (101), which was not asked for")   \
    X(HEAD_BARE_CR, PROTOCOL, "the head has a CR that no LF follows")                              \
    X(HEAD_BYTE, PROTOCOL, "the head has a NUL or other control byte")                             \
    X(FIELD_NAME, PROTOCOL, "a field name is empty or not a token of RFC 9110")                    \
    X(FIELD_COLON, PROTOCOL,                                                                       \
      "white space stands before the colon of Content-Length, Transfer-Encoding or Connection")    \
    X(FIELD_FOLDED, PROTOCOL, "the line behind the status line begins with white space")           \
    X(HEAD_TOO_LONG, LIMIT, "the head is longer than its limit")                                   \
    X(HEAD_TOO_MANY_FIELDS, LIMIT, "the head has more fields than its limit")                      \
    X(HEAD_TOO_MANY_INTERIM, LIMIT,                                                                \
      "more interim (1xx) replies than the limit came before the final one")                       \
    X(HEAD_TRUNCATED, TRUNCATED, "the connection ended inside the head")                           \
    X(EMPTY_REPLY, RECEIVE, "the connection ended before any byte of the reply")                   \
    /* framing */                                                                                  \
    X(LENGTH_VALUE, PROTOCOL, "Content-Length is not a decimal number below 2^63")                 \
    X(LENGTH_DIFFERS, PROTOCOL, "several Content-Length values differ")                            \
    X(CODING_UNKNOWN, PROTOCOL, "Transfer-Encoding names a coding other than 'chunked'")           \
    X(CODING_NOT_LAST, PROTOCOL, "Transfer-Encoding names a coding behind 'chunked'")              \
    X(CODING_HTTP10, PROTOCOL, "an HTTP/1.0 reply carries Transfer-Encoding")                      \
    X(CHUNK_SIZE, PROTOCOL, "a chunk size is not hexadecimal digits")                              \
    X(CHUNK_SIZE_OVERFLOW, PROTOCOL, "a chunk size is larger than 2^63 - 1")                       \
    X(CHUNK_EXTENSION, PROTOCOL, "a chunk extension is malformed")                                 \
    X(CHUNK_LINE_TOO_LONG, LIMIT, "a chunk-size line is longer than its limit")                    \
    X(CHUNK_LINE_END, PROTOCOL, "a chunk-size line does not end in CR LF")                         \
    X(CHUNK_DATA_END, PROTOCOL, "a chunk's data is not followed by CR LF")                         \
    X(TRAILER_LINE, PROTOCOL, "a trailer field is malformed")                                      \
    X(TRAILER_TOO_LONG, LIMIT, "the trailer section is longer than its limit")                     \
    PROTO_ANOMALIES(X)                                                                             \
    X(BODY_TRUNCATED, TRUNCATED, "the connection ended inside the body")                           \
    /* where a reply leads */                                                                      \
    X(LOCATION_DIFFERS, REDIRECT, "the reply has several Location fields, which differ")           \
    X(LOCATION_SCHEME, REDIRECT, "the reply's Location is neither of http nor of https")           \
    X(LOCATION_BACKSLASH, REDIRECT,                                                                \
      "the reply's Location has a backslash before its path, which some take for a slash")         \
    X(LOCATION_TOO_LONG, REDIRECT, "the reply's Location leads to a URL longer than 16000 bytes")  \
    /* content codings */                                                                          \
    X(CONTENT_UNKNOWN, ENCODING, "Content-Encoding names a coding that this haul cannot remove")   \
    X(CONTENT_CORRUPT, ENCODING, "the body is damaged, or is not what its Content-Encoding says")  \
    X(CONTENT_TRUNCATED, ENCODING, "the body ends before what its Content-Encoding says does")     \
    X(CONTENT_WINDOW, ENCODING, "the body's zstd needs a window of more than 8 MiB (RFC 9659)")    \
    X(CONTENT_COUNT, LIMIT, "the body has more than 5 content codings")                            \
    X(CONTENT_MEMORY, LIMIT, "the body's content codings need more memory than one body has")      \
    X(CONTENT_RATIO, LIMIT, "the body's content coding makes too much of too little (max_ratio)")  \
    /* challenges */                                                                               \
    X(DIGEST_MALFORMED, AUTH, "the server's Digest challenge is malformed")                        \
    X(DIGEST_LONG, AUTH, "the server's Digest challenge is longer than 2048 bytes")                \
    X(DIGEST_ALGORITHM, AUTH,                                                                      \
      "the server's Digest challenge wants an algorithm that haul does not know (not MD5, not "    \
      "SHA-256)")                                                                                  \
    X(DIGEST_INTEGRITY, AUTH,                                                                      \
      "the server's Digest challenge wants the body protected (qop=auth-int alone), which haul "   \
      "does not do")                                                                               \
    X(DIGEST_QOP, AUTH, "the server's Digest challenge has no qop that haul knows (auth)")

enum proto_error {
#define PROTO_ERROR_ENUM(name, ...) PROTO_##name,
    PROTO_ERRORS(PROTO_ERROR_ENUM)
#undef PROTO_ERROR_ENUM
};

/* The anomalies as a set of bits. */
enum proto_anomaly {
#define PROTO_ANOMALY_ENUM(name, ...)                                                              \
    PROTO_ANOMALY_##name = 1 << (PROTO_##name - PROTO_CHUNK_SIZE_SPACE),
    PROTO_ANOMALIES(PROTO_ANOMALY_ENUM)
#undef PROTO_ANOMALY_ENUM
};

enum {
#define PROTO_ANOMALY_ONE(...) +1
    PROTO_ANOMALY_COUNT = PROTO_ANOMALIES(PROTO_ANOMALY_ONE),
#undef PROTO_ANOMALY_ONE
};

/* The bit of an error that is an anomaly too. */
static inline uint32_t proto_anomaly_bit(enum proto_error error)
{
    return (uint32_t)1 << (error - PROTO_CHUNK_SIZE_SPACE);
}

/* Whose fault an error is, and so what may be done about it. */
enum proto_error_class {
    PROTO_CLASS_NONE,
    PROTO_CLASS_URL,       /* what was asked for: nothing was sent */
    PROTO_CLASS_LIMIT,     /* the reply is larger than is taken */
    PROTO_CLASS_TRUNCATED, /* the connection ended inside the reply */
    PROTO_CLASS_RECEIVE,   /* it ended before the reply's first byte */
    PROTO_CLASS_PROTOCOL,  /* the reply breaks the grammar, or its framing has two readings */
    PROTO_CLASS_REDIRECT,  /* the reply leads where it is not followed */
    PROTO_CLASS_ENCODING,  /* the body is not what its Content-Encoding says */
    PROTO_CLASS_AUTH,      /* a challenge cannot be answered */
};

/* PROTOCOL for a value outside the enum. */
enum proto_error_class proto_error_class(enum proto_error error);

/* The sentence of an error: static, never NULL, also for a value outside the enum. */
const char *proto_error_sentence(enum proto_error error);

/* The word of the bit 1 << index ("chunk_size_space"), and what it says as a sentence: static; NULL
 * from PROTO_ANOMALY_COUNT on. */
const char *proto_anomaly_word(unsigned index);
const char *proto_anomaly_sentence(unsigned index);

#endif
