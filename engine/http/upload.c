/* Owns what is read of a request's body. The hard idea is what is promised: the length stands in
 * the head before the first byte is read, so that a file that has become shorter is a failure, and
 * one that has become longer is cut. */

#include "engine/http/upload.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "3fe0\r\n", "\r\n" and "0\r\n\r\n" around what is in a block. */
enum { CHUNK_HEAD = 6, CHUNK_TAIL = 2, CHUNK_LAST = 5 };

/* --- what is known of it ---------------------------------------------------------------------- */

static bool fail(struct failure *ret_failure, const char *message, int error)
{
    *ret_failure = (struct failure){HAUL_READ, message, error};
    return false;
}

/* The length of a descriptor's part, or HAUL_TO_END where nobody knows it. */
static bool measure(const struct haul_body_part *part, struct haul_upload *what,
                    uint64_t *ret_length, struct failure *ret_failure)
{
    struct stat status;
    *ret_length = part->length;
    if (part->bytes)
        return true;
    if (fstat(part->fd, &status))
        return fail(ret_failure, "the body's descriptor cannot be used", errno);
    if (S_ISDIR(status.st_mode))
        return fail(ret_failure, "the body's descriptor is a directory's", EISDIR);
    bool is_file = S_ISREG(status.st_mode);
    what->is_once |= !is_file;
    if (is_file && part->length == HAUL_TO_END) {
        uint64_t size = (uint64_t)status.st_size;
        *ret_length = size > part->offset ? size - part->offset : 0;
    }
    return true;
}

/* Of two parts that go to the end of their files neither is told from a part that has grown. */
static bool measure_all(struct haul_upload *what, struct failure *ret_failure)
{
    unsigned open_ends = 0;
    uint64_t length;
    what->has_length = true;
    what->length = 0;
    for (const struct haul_body_part *part = what->parts; part; part = part->next) {
        if (!measure(part, what, &length, ret_failure))
            return false;
        open_ends += !part->bytes && part->length == HAUL_TO_END;
        what->has_length &= length != HAUL_TO_END && open_ends < 2;
        if (what->has_length && __builtin_add_overflow(what->length, length, &what->length))
            return fail(ret_failure, "the body is longer than 2^64 bytes", EOVERFLOW);
    }
    return true;
}

bool upload_measure(struct haul_upload *what, struct failure *ret_failure)
{
    if (what->is_used_up) {
        *ret_failure = (struct failure){
            HAUL_REWIND, "the body was sent with another request, and cannot be read again", 0};
        return false;
    }
    what->is_once |= what->by_pieces;
    if (!what->by_pieces && !measure_all(what, ret_failure))
        return false;
    what->is_chunked |= !what->has_length;
    return true;
}

void upload_take(struct upload *upload, const struct haul_upload *what)
{
    *upload = (struct upload){.what = *what};
}

void upload_init_memory(struct upload *upload, const void *bytes, uint64_t length)
{
    *upload = (struct upload){
        .what = {.has_length = true, .length = length},
        .own = {.bytes = bytes, .length = length},
    };
    upload->what.parts = &upload->own;
}

void upload_begin(struct upload *upload)
{
    upload->at = upload->what.by_pieces ? NULL : upload->what.parts;
    upload->done = upload->taken = 0;
    upload->queued = 0;
    upload->is_told = upload->is_asking = false;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* How the reading of a part goes on. */
enum reading { READING_ON, READING_ENDED, READING_WAITS, READING_FAILED };

static enum reading fail_reading(struct failure *ret_failure, const char *message, int error)
{
    fail(ret_failure, message, error);
    return READING_FAILED;
}

static bool is_ready(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    return poll(&pollfd, 1, 0) != 0;
}

/* What cannot be sought is read only where that does not block, whatever its flags are: they are
 * those of everybody who shares it. */
static ssize_t read_some(const struct haul_body_part *part, uint64_t done, char *to, size_t size)
{
    ssize_t count = pread(part->fd, to, size, (off_t)(part->offset + done));
    if (count >= 0 || errno != ESPIPE)
        return count;
    if (is_ready(part->fd))
        return read(part->fd, to, size);
    errno = EAGAIN;
    return -1;
}

static enum reading read_descriptor(const struct upload *upload, char *to, size_t size,
                                    size_t *ret_count, struct failure *ret_failure)
{
    static const char short_body[] = "the body ended before its length was reached";
    const struct haul_body_part *part = upload->at;
    ssize_t count = read_some(part, upload->done, to, size);
    *ret_count = count > 0 ? (size_t)count : 0;
    if (count > 0)
        return READING_ON;
    if (count < 0 && errno == EINTR)
        return READING_ON;
    if (count < 0 && errno == EAGAIN)
        return READING_WAITS;
    if (count < 0)
        return fail_reading(ret_failure, "the body cannot be read", errno);
    return part->length == HAUL_TO_END ? READING_ENDED
                                       : fail_reading(ret_failure, short_body, ENODATA);
}

static enum reading read_part(const struct upload *upload, char *to, size_t size, size_t *ret_count,
                              struct failure *ret_failure)
{
    const struct haul_body_part *part = upload->at;
    uint64_t left = part->length - upload->done; /* HAUL_TO_END: very many */
    *ret_count = 0;
    if (left == 0)
        return READING_ENDED;
    if (size > left)
        size = (size_t)left;
    if (!part->bytes)
        return read_descriptor(upload, to, size, ret_count, ret_failure);
    memcpy(to, (const char *)part->bytes + upload->done, size);
    *ret_count = size;
    return READING_ON;
}

static void take(struct upload *upload, size_t count)
{
    upload->done += count;
    upload->taken += count;
}

/* As much of all parts as fits. */
static enum reading fill(struct upload *upload, char *to, size_t size, size_t *ret_length,
                         struct failure *ret_failure)
{
    enum reading reading = READING_ON;
    *ret_length = 0;
    while (upload->at && *ret_length < size) {
        size_t count;
        reading = read_part(upload, to + *ret_length, size - *ret_length, &count, ret_failure);
        take(upload, count);
        *ret_length += count;
        if (reading == READING_WAITS || reading == READING_FAILED)
            return reading;
        if (reading == READING_ENDED) {
            upload->at = upload->at->next;
            upload->done = 0;
        }
    }
    return upload->at ? READING_ON : READING_ENDED;
}

/* --- writing ---------------------------------------------------------------------------------- */

static size_t room_of(const struct upload *upload, size_t size)
{
    const struct haul_upload *what = &upload->what;
    if (what->is_chunked)
        size -= CHUNK_HEAD + CHUNK_TAIL + CHUNK_LAST;
    uint64_t left = what->has_length ? what->length - upload->taken : UINT64_MAX;
    return left < size ? (size_t)left : size;
}

/* What lies behind the room for a chunk's head becomes a chunk, and is_last ends the body. */
static struct span frame(char *block, size_t length, bool is_last)
{
    char head[CHUNK_HEAD + 1];
    size_t size = 0;
    char *begin = block + CHUNK_HEAD;
    char *end = begin + length;
    if (length > 0) {
        size = (size_t)snprintf(head, sizeof head, "%zx\r\n", length);
        begin -= size;
        memcpy(begin, head, size);
        end = mempcpy(end, "\r\n", CHUNK_TAIL);
    }
    if (is_last)
        end = mempcpy(end, "0\r\n\r\n", CHUNK_LAST);
    return (struct span){begin, (size_t)(end - begin)};
}

/* A whole part in memory goes out from there. */
static bool take_memory(struct upload *upload, size_t size, struct span *ret_bytes)
{
    const struct haul_body_part *part = upload->at;
    if (upload->what.is_chunked || !part || !part->bytes || part->length - upload->done <= size)
        return false;
    *ret_bytes = (struct span){(const char *)part->bytes + upload->done,
                               (size_t)(part->length - upload->done)};
    take(upload, ret_bytes->length);
    upload->at = part->next;
    upload->done = 0;
    upload->is_told = !upload->at;
    return true;
}

static enum upload_news tell(struct upload *upload, char *block, size_t length, bool is_last,
                             struct span *ret_bytes)
{
    bool was_told = upload->is_told;
    upload->is_told = is_last;
    if (upload->what.is_chunked && !was_told)
        *ret_bytes = frame(block, length, is_last);
    else
        *ret_bytes = (struct span){block, length};
    return ret_bytes->length > 0 ? UPLOAD_HAS_BYTES : UPLOAD_ENDED;
}

static bool is_whole(const struct upload *upload)
{
    return upload->what.has_length && upload->taken == upload->what.length;
}

static enum upload_news next_pieces(struct upload *upload, char *block, struct span *ret_bytes,
                                    struct failure *ret_failure)
{
    size_t length = upload->queued;
    bool is_last = upload->has_ended || is_whole(upload);
    if (upload->has_ended && upload->what.has_length && !is_whole(upload)) {
        fail(ret_failure, "fewer bytes were handed over than the body's length", ENODATA);
        return UPLOAD_FAILED;
    }
    if (length == 0 && !is_last)
        return UPLOAD_WAITS;
    upload->queued = 0;
    char *at = upload->what.is_chunked ? block : block + CHUNK_HEAD;
    return tell(upload, at, length, is_last, ret_bytes);
}

enum upload_news upload_next(struct upload *upload, char *block, size_t size,
                             struct span *ret_bytes, struct failure *ret_failure)
{
    size_t length;
    if (upload->what.by_pieces)
        return next_pieces(upload, block, ret_bytes, ret_failure);
    if (take_memory(upload, size, ret_bytes))
        return UPLOAD_HAS_BYTES;
    char *to = upload->what.is_chunked ? block + CHUNK_HEAD : block;
    size_t room = room_of(upload, size);
    enum reading reading = fill(upload, to, room, &length, ret_failure);
    bool is_short = reading == READING_ENDED && upload->what.has_length && !is_whole(upload);
    if (reading == READING_FAILED)
        return UPLOAD_FAILED;
    if (is_short) {
        fail(ret_failure, "the body ended before its length was reached", ENODATA);
        return UPLOAD_FAILED;
    }
    if (reading == READING_WAITS && length == 0)
        return UPLOAD_WAITS;
    bool is_last = reading == READING_ENDED || is_whole(upload);
    return tell(upload, block, length, is_last, ret_bytes);
}

int upload_fd(const struct upload *upload)
{
    return upload->at && !upload->at->bytes ? upload->at->fd : -1;
}

int upload_give(struct upload *upload, char *block, size_t size, struct span piece)
{
    size_t room = size - CHUNK_HEAD - CHUNK_TAIL - CHUNK_LAST - upload->queued;
    if (upload->has_ended)
        return -EINVAL;
    if (upload->what.has_length && piece.length > upload->what.length - upload->taken)
        return -EMSGSIZE;
    if (piece.length > 0 && room == 0)
        return -EAGAIN;
    size_t count = piece.length < room ? piece.length : room;
    if (count > 0)
        memcpy(block + CHUNK_HEAD + upload->queued, piece.bytes, count);
    upload->queued += (uint32_t)count;
    upload->taken += count;
    return (int)count;
}
