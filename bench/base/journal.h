#ifndef BENCH_BASE_JOURNAL_H
#define BENCH_BASE_JOURNAL_H

/* A file of lines for one writer, in which each line is there whole or will be dropped by the next
 * writer, however this one ends: by kill -9, a full disk, a loss of power. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { JOURNAL_MESSAGE_BYTES = 512 };

struct journal {
    const char *path;
    int descriptor; /* holds the lock */
    off_t length;   /* 0: there is no first line yet */
};

/* Opens the file, which must be a regular one, creates it where there is none, and locks it.
 * path is borrowed. false: nothing to close, and ret_message (JOURNAL_MESSAGE_BYTES, as
 * everywhere here) says why; that another process holds it is one reason. */
bool journal_open(struct journal *journal, const char *path, char *ret_message);
void journal_close(struct journal *journal);

/* Drops what is behind the first length bytes. */
bool journal_truncate(struct journal *journal, off_t length, char *ret_message);

/* Puts another line in the first one's place, which was first_length bytes long; 0: the file was
 * empty. The file is then a new one, with nobody between the old and the new, and the directory is
 * synced. After a failure the old one is as it was. line has its line end. */
bool journal_replace_first(struct journal *journal, off_t first_length, const char *line,
                           char *ret_message);

/* On disk when this returns true; else nothing of it is left in the file. line has its line end. */
bool journal_append(struct journal *journal, const char *line, char *ret_message);

#endif
