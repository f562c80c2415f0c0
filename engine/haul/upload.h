#ifndef HAUL_UPLOAD_H
#define HAUL_UPLOAD_H

/* Bodies of requests that do not lie in memory: read from descriptors as they are sent, or handed
 * over by pieces. A part of haul.h, which includes it.
 *
 * Such a body takes 16 KiB of memory, however long it is. What is in a regular file is read where
 * the engine works, which may block it for as long as the disk takes; what is in a pipe, a socket
 * or a terminal is waited for like a reply (of 1,024 at once). Where the length is not known the
 * body goes out in chunks (by HTTP/1.0: a URL error). No Content-Type is sent but one of the
 * fields.
 *
 * A body of more than 1 MiB or of unknown length, also one in memory, is announced by Expect:
 * 100-continue, unless a field of that name says otherwise ("Expect:": not at all), and waits for a
 * 100 for one second. A 417 has it asked again, without.
 *
 * A reply that is whole before the body is sent ends that, as does a head of a status from 300 on:
 * the reply is the result.
 *
 * A body that cannot be read again (a pipe, pieces) goes with one request, once: where it would
 * have to be sent again (a redirect that keeps it, a retry, a connection that died, a 417) the
 * result is a REWIND error, which has the reply's status and head. What cannot be read, or not to
 * its length, is a READ error, and what was sent of it no whole request. */

struct haul;

#define HAUL_TO_END UINT64_MAX

/* A part of a body; it never grows. */
struct haul_body_part {
    const struct haul_body_part *next; /* NULL: the last */
    const void *bytes;                 /* NULL: it is what fd has */
    int fd;                            /* stays the caller's, and open */
    uint64_t offset; /* in fd; where that cannot be sought, what is there comes next */
    uint64_t length; /* HAUL_TO_END, of fd: all there is. Of regular files that is known, and is the
                        body's length where it is so of one part alone */
};

struct haul_upload {
    const struct haul_body_part *parts; /* NULL, and no by_pieces: it is empty */
    bool by_pieces;                     /* haul_send_body() hands it over; parts do not count */
    bool has_length;                    /* by_pieces: length counts */
    bool is_once;                       /* not to be sent again, though it could be read again */
    bool is_chunked;                    /* its length is not told, though it is known */
    bool is_used_up; /* another request had it, and this one is a REWIND error, at once */
    uint64_t length;
};

/* The next piece of the body of a request that was submitted with by_pieces, copied; returns how
 * many bytes were taken, which may be fewer. 0 is taken of an empty piece. Errors: -EAGAIN, enough
 * is queued, or its turn has not come: haul_next() returns -EINPROGRESS when there is room;
 * -ENOENT, no such request is in the window; -EALREADY, it is over, or takes no more, since the
 * reply has come; -EINVAL, its body is none of pieces, or has ended; -EMSGSIZE, that is more than
 * its length. */
int haul_send_body(struct haul *haul, uint64_t index, const void *bytes, size_t length);

/* That was all. Errors: as haul_send_body(), but no -EAGAIN. With a length that is not reached the
 * request is a READ error. */
int haul_end_body(struct haul *haul, uint64_t index);

#endif
