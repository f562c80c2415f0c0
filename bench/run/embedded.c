/* Owns the embedded server's process. The idea: server and clients must not take processor time
 * from each other, so that the server has the last processor to itself and its client can be kept
 * from it, where there are two. */

#include "bench/run/embedded.h"
#include "bench/base/child.h"
#include "bench/base/clock.h"
#include "bench/base/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { START_MS = 10000 };

static const char greeting[] = "listening on ";

/* The last processor of those that the thread may use; -1: there is but one, or too many to say. */
static int last_processor(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) < 0 || CPU_COUNT(&set) < 2)
        return -1;
    int cpu = CPU_SETSIZE - 1;
    while (!CPU_ISSET(cpu, &set))
        cpu--;
    return cpu;
}

static bool allow_processor(int cpu, bool is_allowed)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return false;
    if (is_allowed)
        CPU_SET(cpu, &set);
    else
        CPU_CLR(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

/* false: this program's own directory cannot be known. */
static bool find_program(const char *given, char *ret_path, size_t size)
{
    static const char name[] = "haul-server";

    if (given != NULL)
        return (size_t)snprintf(ret_path, size, "%s", given) < size;
    ssize_t length = readlink("/proc/self/exe", ret_path, size);
    if (length <= 0 || (size_t)length + sizeof name > size)
        return false;
    while (length > 0 && ret_path[length - 1] != '/')
        length--;
    memcpy(ret_path + length, name, sizeof name);
    return true;
}

static pid_t start(const struct embedded_options *options, const char *path, int cpu, int output)
{
    char number[16];
    const char *words[8] = {"haul-server"};
    size_t count = 1;

    if (cpu >= 0) {
        snprintf(number, sizeof number, "%d", cpu);
        words[count++] = "--cpu";
        words[count++] = number;
    }
    if (options->is_tls)
        words[count++] = "--tls";
    return child_start(path, words, output, -1);
}

static int64_t now_ms(void)
{
    return (int64_t)(clock_monotonic_ns() / 1000000);
}

/* Reads a line without its end. false: there is none within the time, or none at all, or a signal
 * came. */
static bool read_line(int descriptor, char *ret_line, size_t size)
{
    int64_t deadline_ms = now_ms() + START_MS;
    size_t length = 0;

    while (length + 1 < size) {
        struct pollfd input = {.fd = descriptor, .events = POLLIN};
        int64_t left_ms = deadline_ms - now_ms();
        if (left_ms <= 0 || signals_poll(&input, 1, (int)left_ms) <= 0)
            return false;
        ssize_t got = read(descriptor, ret_line + length, 1);
        if (got <= 0)
            return false;
        if (ret_line[length] == '\n') {
            ret_line[length] = '\0';
            return true;
        }
        length++;
    }
    return false;
}

static bool read_origin(struct embedded *embedded, int descriptor, bool is_tls)
{
    char line[EMBEDDED_ORIGIN_BYTES];

    if (!read_line(descriptor, line, sizeof line) ||
        strncmp(line, greeting, sizeof greeting - 1) != 0)
        return false;
    snprintf(embedded->origin, sizeof embedded->origin, "%s://%.*s", is_tls ? "https" : "http",
             EMBEDDED_ORIGIN_BYTES - 9, line + sizeof greeting - 1);
    return true;
}

int embedded_open(struct embedded *embedded, const struct embedded_options *options,
                  char *ret_message, size_t message_size)
{
    char path[PATH_MAX];
    int output[2];

    *embedded = (struct embedded){.cpu = last_processor()};
    if (!find_program(options->program, path, sizeof path)) {
        snprintf(ret_message, message_size, "haul-server cannot be found: give a URL");
        return -1;
    }
    if (pipe2(output, O_CLOEXEC) < 0) {
        snprintf(ret_message, message_size, "haul-server cannot be started: %s", strerror(errno));
        return -1;
    }
    embedded->pid = start(options, path, embedded->cpu, output[1]);
    close(output[1]);
    bool is_serving = embedded->pid > 0 && read_origin(embedded, output[0], options->is_tls);
    close(output[0]);
    if (embedded->pid < 0)
        snprintf(ret_message, message_size, "%s cannot be started: %s", path,
                 strerror(-embedded->pid));
    else if (!is_serving) {
        child_end(embedded->pid);
        snprintf(ret_message, message_size, "%s does not say that it listens", path);
    }
    if (!is_serving)
        return -1;
    embedded->is_apart =
        options->is_apart && embedded->cpu >= 0 && allow_processor(embedded->cpu, false);
    return 0;
}

void embedded_close(struct embedded *embedded)
{
    if (embedded->is_apart)
        allow_processor(embedded->cpu, true);
    child_end(embedded->pid);
}

void embedded_url(const struct embedded *embedded, uint64_t reply_bytes, char *ret_url)
{
    if (reply_bytes == 0)
        snprintf(ret_url, EMBEDDED_URL_BYTES, "%s/s", embedded->origin);
    else
        snprintf(ret_url, EMBEDDED_URL_BYTES, "%s/bytes/%llu", embedded->origin,
                 (unsigned long long)reply_bytes);
}
