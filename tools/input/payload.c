/* Owns what is sent, until all is sent. The hard idea: a body of any size takes little memory, and
 * can be read again for each URL. */

#include "tools/input/payload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct payload_part {
    struct haul_body_part body;
    struct payload_part *next;
    bool is_file; /* of the caller's: nothing is added to it */
    char *text;   /* NULL: it is in body.fd */
    size_t room;
};

static struct payload_part *part_new(struct payload *payload)
{
    struct payload_part *part = calloc(1, sizeof(*part));
    if (part == NULL)
        return NULL;
    part->body.fd = -1;
    if (payload->last != NULL) {
        payload->last->next = part;
        payload->last->body.next = &part->body;
    } else {
        payload->first = part;
    }
    payload->last = part;
    return part;
}

/* --- what is kept ----------------------------------------------------------------------------- */

/* A file of no name, where TMPDIR says. */
static int open_unnamed(void)
{
    const char *directory = getenv("TMPDIR");
    char path[4096];
    if (directory == NULL || directory[0] == '\0')
        directory = "/tmp";
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof(path), "%s/haul-XXXXXX", directory);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd >= 0 ? fd : -errno;
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, bytes, length);
        if (count < 0 && errno != EINTR)
            return -errno;
        bytes += count > 0 ? count : 0;
        length -= count > 0 ? (size_t)count : 0;
    }
    return 0;
}

/* It has become too long for memory. */
static int part_spill(struct payload_part *part)
{
    int fd = open_unnamed();
    if (fd < 0)
        return fd;
    int error = write_all(fd, part->text, part->body.length);
    if (error < 0) {
        close(fd);
        return error;
    }
    free(part->text);
    part->text = NULL;
    part->body.bytes = NULL;
    part->body.fd = fd;
    return 0;
}

static int part_keep(struct payload_part *part, const void *bytes, size_t length)
{
    size_t needed = part->body.length + length + 1;
    if (needed > part->room) {
        size_t room = 2 * part->room > needed ? 2 * part->room : needed;
        char *text = realloc(part->text, room);
        if (text == NULL)
            return -ENOMEM;
        part->text = text;
        part->room = room;
    }
    memcpy(part->text + part->body.length, bytes, length);
    part->text[part->body.length + length] = '\0';
    part->body.bytes = part->text;
    part->body.length += length;
    return 0;
}

int payload_add(struct payload *payload, const void *bytes, size_t length)
{
    struct payload_part *part = payload->last;
    if (part == NULL || part->is_file)
        part = part_new(payload);
    if (part == NULL)
        return -ENOMEM;
    bool is_kept = part->text != NULL || part->body.fd < 0;
    if (is_kept && part->body.length + length <= PAYLOAD_KEPT_MAX)
        return part_keep(part, bytes, length);
    int error = is_kept ? part_spill(part) : 0;
    if (error == 0)
        error = write_all(part->body.fd, bytes, length);
    if (error == 0)
        part->body.length += length;
    return error;
}

int payload_add_read(struct payload *payload, int fd, size_t (*change)(char *bytes, size_t length))
{
    char buffer[65536];
    int error = payload_add(payload, "", 0);
    while (error == 0) {
        ssize_t count = read(fd, buffer, sizeof(buffer));
        if (count == 0)
            break;
        if (count < 0 && errno != EINTR)
            return -errno;
        size_t length = count > 0 ? (size_t)count : 0;
        error = payload_add(payload, buffer, change != NULL ? change(buffer, length) : length);
    }
    return error;
}

int payload_add_file(struct payload *payload, int fd)
{
    struct stat status;
    off_t offset = lseek(fd, 0, SEEK_CUR);
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || offset < 0 ||
        status.st_size - offset <= PAYLOAD_KEPT_MAX) {
        int error = payload_add_read(payload, fd, NULL);
        if (fd > STDERR_FILENO)
            close(fd);
        return error;
    }
    struct payload_part *part = part_new(payload);
    if (part == NULL)
        return -ENOMEM;
    part->is_file = true;
    part->body.fd = fd;
    part->body.offset = (uint64_t)offset;
    part->body.length = (uint64_t)(status.st_size - offset);
    return 0;
}

/* --- what it has ------------------------------------------------------------------------------ */

const char *payload_text(const struct payload *payload, size_t *ret_length)
{
    const struct payload_part *part = payload->first;
    *ret_length = part != NULL ? (size_t)part->body.length : 0;
    if (part == NULL)
        return "";
    return part->next == NULL ? part->text : NULL;
}

const struct haul_body_part *payload_parts(const struct payload *payload)
{
    return payload->first != NULL ? &payload->first->body : NULL;
}

void payload_close(struct payload *payload)
{
    while (payload->first != NULL) {
        struct payload_part *part = payload->first;
        payload->first = part->next;
        if (part->body.fd > STDERR_FILENO)
            close(part->body.fd);
        free(part->text);
        free(part);
    }
    payload->last = NULL;
}
