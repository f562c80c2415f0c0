#ifndef HAUL_ANOMALY_H
#define HAUL_ANOMALY_H

/* What is odd about a reply that was read all the same: it is outside the grammar of RFC 9112, but
 * browsers and curl read it in one and the same way. A part of haul.h, which includes it.
 *
 * The bits are an interface: they are only ever added at the end of their list, so a program must
 * expect some that it does not know. */

#define HAUL_ANOMALIES(X)                                                                          \
    X(CHUNK_SIZE_SPACE, "chunk_size_space")           /* white space follows a chunk size */       \
    X(CHUNK_EXTENSION_EMPTY, "chunk_extension_empty") /* a chunk extension is empty */             \
    X(CODING_REPEATED, "coding_repeated")             /* Transfer-Encoding names chunked twice */  \
    X(LENGTH_AND_CODING, "length_and_coding")         /* Content-Length beside chunked, */         \
                                                      /* which counts */                           \
    X(CODING_IDENTITY, "coding_identity")             /* Transfer-Encoding names identity, */      \
                                                      /* and no Content-Length would count */      \
    X(NAME_SPACE, "name_space")                       /* a field name has white space in it */     \
    X(COLON_SPACE, "colon_space")                     /* white space before a field's colon */     \
    X(VALUE_CONTROL, "value_control")                 /* a field value has a control byte */       \
    X(STATUS_SPACES, "status_spaces")                 /* several spaces before the status */       \
    X(LINE_WITHOUT_COLON, "line_without_colon")       /* such a line is passed over */             \
    X(CODING_WITHOUT_BODY, "coding_without_body")     /* Transfer-Encoding, where no body */       \
                                                      /* follows: HEAD, 204, 304 */                \
    X(LENGTH_WITHOUT_BODY, "length_without_body")     /* Content-Length in a 204 reply */

enum haul_anomaly_place {
#define HAUL_ANOMALY_PLACE(name, text) HAUL_ANOMALY_PLACE_##name,
    HAUL_ANOMALIES(HAUL_ANOMALY_PLACE)
#undef HAUL_ANOMALY_PLACE
};

/* Of haul_result.anomalies. */
enum haul_anomaly {
#define HAUL_ANOMALY_ENUM(name, text) HAUL_ANOMALY_##name = 1 << HAUL_ANOMALY_PLACE_##name,
    HAUL_ANOMALIES(HAUL_ANOMALY_ENUM)
#undef HAUL_ANOMALY_ENUM
};

/* The name of one: static, never NULL. */
const char *haul_anomaly_name(enum haul_anomaly anomaly);

#endif
