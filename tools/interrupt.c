/* Owns the signal handlers. The idea: a handler only notes the signal and wakes the engine, whose
 * haul_next() then returns; what is to be done about it is decided in the main loop. */

#include "tools/interrupt.h"
#include "engine/haul.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t first_signal;
static struct haul *volatile engine;
static const char *volatile guarded[INTERRUPT_SLOTS];

static void on_signal(int number)
{
    if (first_signal != 0) {
        for (int slot = 0; slot < INTERRUPT_SLOTS; slot++)
            if (guarded[slot] != NULL)
                unlink(guarded[slot]);
        _exit(128 + number);
    }
    first_signal = number;
    if (engine != NULL)
        haul_wake(engine);
}

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

void interrupt_install(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    for (int i = 0; i < NUMBERS; i++) {
        struct sigaction before;
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

void interrupt_wakes(struct haul *haul)
{
    engine = haul;
}

int interrupt_signal(void)
{
    return first_signal;
}

/* The signals are blocked while the note is read, and let in again by ppoll() itself: none can come
 * between the two. */
int interrupt_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    sigset_t ours, before;
    struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    sigemptyset(&ours);
    for (int i = 0; i < NUMBERS; i++)
        sigaddset(&ours, numbers[i]);
    sigprocmask(SIG_BLOCK, &ours, &before);
    int ready = -1;
    int error = EINTR;
    if (first_signal == 0) {
        ready = ppoll(fds, count, timeout_ms >= 0 ? &timeout : NULL, &before);
        error = errno;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return ready;
}

void interrupt_guard(enum interrupt_slot slot, const char *path)
{
    guarded[slot] = path;
}
