/* Owns the terminal while a password is typed. The hard idea: whatever ends that, the terminal
 * shows again what is typed, so that signals are caught, the terminal is put right, and then they
 * are sent once more. One that stops the process is followed by the question anew. */

#include "tools/input/password.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int numbers[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGALRM,
                              SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};

enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
}

/* Without SA_RESTART: a signal ends what reads. */
static void handlers_install(struct sigaction *before)
{
    struct sigaction action = {.sa_handler = on_signal};
    caught = 0;
    for (int i = 0; i < NUMBERS; i++) {
        sigaction(numbers[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}

static void handlers_restore(const struct sigaction *before)
{
    for (int i = 0; i < NUMBERS; i++)
        sigaction(numbers[i], &before[i], NULL);
}

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        return; /* reading will fail, too */
}

/* A line without its end; its length, or a negative errno. -EINTR: a signal has come. */
static ssize_t line_read(int fd, char *buffer, size_t size)
{
    size_t length = 0;
    for (;;) {
        char c;
        ssize_t count = caught != 0 ? -1 : read(fd, &c, 1);
        if (caught != 0)
            return -EINTR;
        if (count < 0)
            return -errno;
        if (count == 0 && length == 0)
            return -ENODATA;
        if (count == 0 || c == '\n' || c == '\r')
            break;
        if (length < size)
            buffer[length] = c;
        length++;
    }
    if (length >= size)
        return -E2BIG;
    buffer[length] = '\0';
    return (ssize_t)length;
}

static ssize_t ask(int fd, const char *user, char *buffer, size_t size)
{
    struct termios before, silent;
    if (tcgetattr(fd, &before) < 0)
        return -ENXIO;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    if (tcsetattr(fd, TCSAFLUSH, &silent) < 0)
        return caught != 0 ? -EINTR : -ENXIO;
    say(fd, "Enter host password for user '");
    say(fd, user);
    say(fd, "': ");
    ssize_t result = line_read(fd, buffer, size);
    while (tcsetattr(fd, TCSAFLUSH, &before) < 0 && errno == EINTR)
        ;
    say(fd, "\n");
    return result;
}

static bool is_stop(int number)
{
    return number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

int password_ask(const char *user, char *buffer, size_t size)
{
    struct sigaction before[NUMBERS];
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    ssize_t result;
    if (fd < 0)
        return -ENXIO;
    do {
        handlers_install(before);
        result = ask(fd, user, buffer, size);
        handlers_restore(before);
        if (caught != 0)
            kill(getpid(), caught);
    } while (result == -EINTR && is_stop(caught));
    close(fd);
    return result < 0 ? (int)result : 0;
}
