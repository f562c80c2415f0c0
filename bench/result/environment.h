#ifndef BENCH_RESULT_ENVIRONMENT_H
#define BENCH_RESULT_ENVIRONMENT_H

/* Where a result was measured: machine, kernel, limits, versions, as one flat JSON object. A value
 * that cannot be read is null; none is guessed.
 *
 * Strings:  kernel distribution cpu governor smt mitigations hypervisor container cpu_quota
 *           memory_quota client_processors server_processors ring congestion_control local_ports
 *           clock_source haul liburing bearssl c_ares compiler build
 * Numbers:  cores_online cores_allowed memory_bytes nofile_soft nofile_hard io_uring_disabled
 *           tcp_tw_reuse somaxconn load_average */

#include <jansson.h>
#include <stdint.h>

/* What the machine cannot tell. NULL: not so, or not known, and null in the object. */
struct environment_given {
    const char *ring;              /* load_result.loop_reason */
    const char *client_processors; /* "0,1": pinned to these, thread by thread */
    const char *server_processors; /* of an embedded server */
    const char *root;              /* read below this folder instead of "/" */
};

/* A new reference; NULL: out of memory. given may be NULL. */
json_t *environment_json(const struct environment_given *given);

/* The keys whose values differ, as a new array of strings in their order: empty, the same. The load
 * average, which always does, is left out. Either may be NULL or anything but an object: then it
 * has no keys. NULL: out of memory. */
json_t *environment_difference(const json_t *a, const json_t *b);

/* How many processors this process may use; 0: cannot be told. */
uint32_t environment_processors(void);

#endif
