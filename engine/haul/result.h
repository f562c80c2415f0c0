#ifndef HAUL_RESULT_H
#define HAUL_RESULT_H

/* What a caller is handed. A part of haul.h, which includes it. */

/* One piece of a body; the pieces of a list, in order, are the body. */
struct haul_piece {
    const struct haul_piece *next; /* NULL: the last */
    const char *bytes;
    size_t length;
};

/* What became of a request. Borrowed: valid, and unchanged, until haul_release(). */
struct haul_result {
    uint64_t index;  /* 0 for the first request submitted, and so on */
    const char *url; /* as submitted, but without user information; zero-terminated, cut to 16,000
                        bytes */
    size_t url_length;
    union { /* the request's */
        void *tag;
        uint64_t tag_number;
    };
    const char *method; /* as sent */

    enum haul_error error;
    enum haul_stage stage;   /* where the trip ended; HAUL_STAGE_DONE where it did not fail */
    const char *message;     /* static sentence; NULL where error is HAUL_OK */
    int os_error;            /* the errno behind the error, or 0 */
    enum haul_detail detail; /* what exactly was at fault, where there is a code for it */
    bool more;               /* stream_bodies: the next result goes on with this one's body */
    bool reused_connection;

    int status;        /* 0: no reply */
    int version_minor; /* HTTP/1.<this> */
    const char *head;  /* keep_headers: the reply's head, status line and blank line
                          included, its folded lines joined; NULL: none. Walk it with
                          haul_header_next() */
    size_t head_length;
    uint64_t body_bytes;           /* received so far, transfer coding removed, and decoded */
    const struct haul_piece *body; /* NULL: empty, or not kept */

    const char *tls_version; /* "TLSv1.2"; NULL: no TLS, or no handshake */
    const char *tls_suite;
    const char *tls_verification; /* "ok", or what is wrong with the certificate, which was refused
                                     or which insecure let pass. NULL: none was looked at */
    bool tls_resumed;

    /* Durations, one after the other: queue, (resolve and) connect, TLS, send, first byte. total is
     * all of them and the rest of the reply, without the queue. connect_ns and tls_ns are 0 on a
     * reused connection.
     * A request of up to 4 KiB counts as sent when it is queued in the ring: its sending completes
     * silently. */
    uint64_t queue_ns;
    uint64_t connect_ns;
    uint64_t tls_ns;
    uint64_t send_ns;
    uint64_t ttfb_ns;
    uint64_t total_ns;

    uint64_t anomalies; /* what is odd about the reply: haul_anomaly, a set of bits */

    /* With redirects and retries status, head, body, method and the durations above are those of
     * the last hop of the last try, but for queue and total. */
    const char *url_effective; /* the last hop's URL, zero-terminated; mostly url */
    size_t url_effective_length;
    uint32_t redirects;           /* followed */
    uint64_t redirect_ns;         /* of total_ns, what the hops before the last took, and what was
                                     answered by a challenge */
    const struct haul_hop *hops;  /* redirect->keep_hops: those hops; NULL: none */
    uint32_t attempts;            /* how often it was begun: hops, retries, answers to challenges,
                                     once more after a kept connection died, and again where it
                                     made way for an earlier one while memory was short */
    uint64_t wait_ns;             /* of total_ns, what was waited before retries */
    uint64_t retry_after_s;       /* how long the reply asked to wait, where that is longer than
                                     the tries may take, and ended them; else 0 */
    const struct haul_try *tries; /* retry->keep_tries: those before the last; NULL: none */
    uint64_t body_offset;         /* stream_bodies: where in the body this part begins. With retries
                                     it is 0 again where the body begins anew: then the parts
                                     before do not count */
    uint64_t body_wire_bytes;     /* as body_bytes, but as they came */
    uint32_t codings;             /* content codings that were taken off the body, */
    uint32_t codings_kept;        /* and that it has still */
    uint64_t retries;             /* tries behind the first, by haul_retry */
    const char *tls_backend;      /* "bearssl" or "openssl"; NULL as tls_version is. Static */
};

#endif
