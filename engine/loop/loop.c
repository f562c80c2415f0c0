/* What both loops share: choosing one, and waking it. */

#include "engine/loop/loop.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>

int loop_auto_open(struct loop **ret_loop, const struct loop_options *options)
{
    char cause[128];
    int error = loop_uring_open(ret_loop, options);
    if (error == 0)
        return 0;
    loop_uring_explain(error, cause, sizeof cause);
    error = loop_epoll_open(ret_loop, options);
    if (error == 0)
        snprintf((*ret_loop)->reason, sizeof(*ret_loop)->reason, "%s", cause);
    return error;
}

void loop_wake(struct loop *loop)
{
    int saved = errno; /* a signal handler must leave it as it was */
    eventfd_write(loop->wake_fd, 1);
    errno = saved;
}
