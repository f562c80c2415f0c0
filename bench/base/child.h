#ifndef BENCH_BASE_CHILD_H
#define BENCH_BASE_CHILD_H

/* A run of load as a child process: its words go in, its JSON comes out. Call signals_catch() once
 * before, and call these from the main thread: a child dies with the thread that started it. */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child_options {
    const char *program;      /* NULL: this program itself, /proc/self/exe */
    const char *const *words; /* what follows its name; "--format json" is put before them */
    size_t word_count;
    uint64_t limit_ns; /* it is ended after so long; 0: never */
};

enum child_end {
    CHILD_DONE,        /* json and status are set; status is 0 or 96 to 99 */
    CHILD_FAILED,      /* sentence is set, and status where it exited by itself, or -1 */
    CHILD_INTERRUPTED, /* this process was told to end: signals_first(); the child has ended */
};

enum { CHILD_SENTENCE_BYTES = 256, CHILD_OUTPUT_MAX = 64 << 20 };

struct child_result {
    json_t *json; /* an object; the caller's, see child_result_free(); NULL: none */
    int status;
    char sentence[CHILD_SENTENCE_BYTES]; /* why it failed, in one line; else the last it wrote to
                                            stderr, or "" */
};

/* Runs the child to its end, however it ends: nothing of it is left when this returns. A child
 * that is not to live on gets SIGTERM, and SIGKILL two seconds later. ret_result is always to be
 * freed. */
enum child_end child_run(const struct child_options *options, struct child_result *ret_result);
void child_result_free(struct child_result *result);

/* A process that lives beside this one and dies with it; its stdin is /dev/null. output and error
 * are descriptors for its stdout and stderr, -1: this process's own. Words end with NULL, the
 * first is the program's name for itself. Returns the process's id or a negative errno, of execve
 * too. */
pid_t child_start(const char *program, const char *const *words, int output, int error);

/* Ends it: SIGTERM, and SIGKILL two seconds later; waits for it. */
void child_end(pid_t pid);

#endif
