/* Owns the signal handlers of haul-bench. The idea: a handler only notes the signal; whoever waits
 * does so in signals_poll(), or is woken by EINTR, and decides what is to be done about it. */

#include "bench/base/signals.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t first_signal;

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

enum { NUMBERS = sizeof numbers / sizeof *numbers };

static void on_signal(int number)
{
    if (first_signal != 0)
        _exit(128 + number);
    first_signal = number;
}

void signals_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    for (int i = 0; i < NUMBERS; i++) {
        struct sigaction before;
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
}

int signals_first(void)
{
    return first_signal;
}

/* The signals are blocked while the note is read, and let in again by ppoll() itself: none can
 * come between the two. */
int signals_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    sigset_t ours, before;
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    int ready = -1, error = EINTR;

    sigemptyset(&ours);
    for (int i = 0; i < NUMBERS; i++)
        sigaddset(&ours, numbers[i]);
    sigprocmask(SIG_BLOCK, &ours, &before);
    if (first_signal == 0) {
        ready = ppoll(fds, count, timeout_ms >= 0 ? &timeout : NULL, &before);
        error = errno;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return ready;
}
