/* What a run's options and result say of themselves. It knows no client and no clock: whoever reads
 * a run can ask here, whether it has run in this process or not. */

#include "bench/load/load.h"

const char *client_name(enum client_kind kind)
{
    static const char *const names[CLIENT_COUNT] = {
        [CLIENT_URING] = "uring",
        [CLIENT_EPOLL] = "epoll",
        [CLIENT_THREADS] = "threads",
    };
    return names[kind];
}
