#ifndef HAUL_RETRY_H
#define HAUL_RETRY_H

/* Options of retries: what is tried again, how often, when. A part of haul.h, which includes it.
 *
 * Tried again are replies of 408, 429, 500, 502, 503, 504, of 413 and 425 where they have a
 * Retry-After, and RESOLVE (unless the name has no address), CONNECT, SEND, RECEIVE, TRUNCATED and
 * DEADLINE errors, and a connection that is lost in its handshake. That is done for idempotent
 * methods and requests with an Idempotency-Key, for others only where nothing of them was sent.
 *
 * With stream_bodies a body that broke off is gone on with: what is behind it is asked for (Range
 * with If-Range), where its reply was a 200 with a strong ETag, without a Content-Encoding, and the
 * request had no Range of its own. Joined to it is a 206 that begins where it ends and says the
 * same tag and length, or what a 200 of the same tag has behind it; status and head stay those of
 * the first. Any other reply begins the body anew, which body_offset of its parts tells.
 *
 * A retry asks again for the hop that failed, not for the ones before. While it waits it holds
 * nothing but its place in the window. Once the tries are spent, the last reply or failure is the
 * result. */

struct haul_retry {
    bool all_methods;        /* also what may have been acted upon */
    bool keep_tries;         /* results list the tries, in memory of body_bytes: as many as fit */
    bool has_budget;         /* budget_percent counts */
    bool parts_stay;         /* a body of which a part was handed out is not begun anew: where its
                                rest cannot be had, what broke it off is the result */
    uint32_t max;            /* tries behind the first one; 0: none */
    uint32_t budget_percent; /* of the requests begun so far there are at most so many retries, and
                                never fewer than 10 */
    int64_t delay_ms;    /* before each try; 0 and negative: a random time below 1 s, and twice as
                            long each time, at most below 60 s. A longer Retry-After counts */
    int64_t max_time_ms; /* for all tries of a request and the waits between them; 0 and
                            negative: no limit. A wait that would reach past it ends the tries at
                            once; so does a Retry-After past the run's deadline_ms, or, where there
                            is neither, of over 10 minutes */
};

/* A try that another one followed. */
struct haul_try {
    const struct haul_try *next; /* NULL: the last but one, or the last that was kept */
    int status;                  /* 0: no reply */
    enum haul_error error;
    uint64_t wait_ns; /* until the next was begun */
};

#endif
