#ifndef BENCH_RUN_EMBEDDED_H
#define BENCH_RUN_EMBEDDED_H

/* The embedded server, haul-server, as a process beside this one. It dies with the thread that
 * opened it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct embedded_options {
    const char *program; /* NULL: haul-server in the directory of this program */
    bool is_tls;         /* https; the certificate is nobody's, so clients want -k */
    bool is_apart;       /* the calling thread, and what it starts from now on, leaves the server's
                            processor to it; embedded_close() takes that back */
};

enum { EMBEDDED_ORIGIN_BYTES = 64, EMBEDDED_URL_BYTES = 128 };

struct embedded {
    pid_t pid;
    int cpu;                            /* the only one it runs on; -1: there is but one */
    char origin[EMBEDDED_ORIGIN_BYTES]; /* "http://127.0.0.1:40001" */
    bool is_apart;
};

/* Starts it and waits until it listens, on the last processor that the calling thread may use
 * where there are two. Returns 0; or -1 with a sentence in ret_message, and nothing to close. */
int embedded_open(struct embedded *embedded, const struct embedded_options *options,
                  char *ret_message, size_t message_size);
void embedded_close(struct embedded *embedded);

/* The URL whose reply has a body of so many bytes; 0: the shortest fixed reply, /s. ret_url has
 * EMBEDDED_URL_BYTES. */
void embedded_url(const struct embedded *embedded, uint64_t reply_bytes, char *ret_url);

#endif
