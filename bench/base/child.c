/* Owns the processes beside this one. The idea: a process's end is an event like its output is, on
 * a descriptor (pidfd), so that one poll() waits for all there is to wait for: bytes, the end, the
 * time limit and the signals of this process; none of them needs a handler or a thread. */

#include "bench/base/child.h"
#include "bench/base/clock.h"
#include "bench/base/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    GRACE_MS = 2000,
    TAIL_BYTES = 4096,
    STATUS_ALL_FAILED = 96,
    STATUS_THRESHOLD_NOT_MET = 99,
};

/* --- a process -------------------------------------------------------------------------------- */

static bool redirect(int from, int to)
{
    return from < 0 || dup2(from, to) >= 0;
}

/* The child's part between fork() and execve(): calls only what a signal handler may. */
static void become(pid_t parent, const char *program, char *const *words, const int descriptors[3])
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        return;
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 3; i++)
        if (!redirect(descriptors[i], i))
            return;
    execv(program, words);
}

/* What the child writes there is the errno of its failure; a successful execve() closes it. */
static int read_failure(int descriptor)
{
    int failure = 0;
    ssize_t length;

    do
        length = read(descriptor, &failure, sizeof failure);
    while (length < 0 && errno == EINTR);
    return length == sizeof failure ? failure : 0;
}

/* glibc has had a function for it since 2.36, other C libraries have none. */
static int end_of(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void wait_for(pid_t pid, int *ret_status)
{
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        ;
}

static pid_t start(const char *program, char *const *words, const int descriptors[3])
{
    pid_t parent = getpid();
    int report[2];

    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        become(parent, program, words, descriptors);
        int failure = errno != 0 ? errno : ECHILD;
        _exit(write(report[1], &failure, sizeof failure) == sizeof failure ? 127 : 126);
    }
    int failure = pid < 0 ? errno : 0;
    close(report[1]);
    if (pid > 0)
        failure = read_failure(report[0]);
    close(report[0]);
    if (pid > 0 && failure != 0)
        wait_for(pid, NULL);
    return failure != 0 ? -failure : pid;
}

pid_t child_start(const char *program, const char *const *words, int output, int error)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    size_t count = 0;

    if (null < 0)
        return -errno;
    while (words[count] != NULL)
        count++;
    char **copy = calloc(count + 1, sizeof *copy);
    pid_t pid = -ENOMEM;
    if (copy != NULL) {
        memcpy(copy, words, count * sizeof *copy);
        pid = start(program, copy, (int[]){null, output, error});
    }
    free(copy);
    close(null);
    return pid;
}

/* Rounded up, so that a wait of so long has reached it; 0: it is over. */
static int milliseconds_until(uint64_t deadline_ns)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t left_ms = now_ns < deadline_ns ? (deadline_ns - now_ns) / 1000000 + 1 : 0;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

/* UINT64_MAX: a time so long that it never is over. */
static uint64_t deadline_in(uint64_t time_ns)
{
    uint64_t now_ns = clock_monotonic_ns();
    return time_ns < UINT64_MAX - now_ns ? now_ns + time_ns : UINT64_MAX;
}

static void give_grace(int descriptor)
{
    uint64_t deadline_ns = deadline_in((uint64_t)GRACE_MS * 1000000);
    struct pollfd end = {.fd = descriptor, .events = POLLIN};

    while (poll(&end, 1, milliseconds_until(deadline_ns)) < 0 && errno == EINTR)
        ;
}

void child_end(pid_t pid)
{
    int descriptor = end_of(pid);

    kill(pid, SIGTERM);
    if (descriptor >= 0) {
        give_grace(descriptor);
        close(descriptor);
    }
    kill(pid, SIGKILL);
    wait_for(pid, NULL);
}

/* --- its output ------------------------------------------------------------------------------- */

struct output {
    char *bytes;
    size_t length;
    size_t size;
};

/* Appends what there is; *descriptor becomes -1 at its end. Errors: -ENOMEM, -EFBIG. */
static int take_output(int *descriptor, struct output *output)
{
    for (;;) {
        if (output->length == output->size) {
            size_t size = output->size != 0 ? 2 * output->size : 1 << 16;
            char *bytes = size <= CHILD_OUTPUT_MAX ? realloc(output->bytes, size) : NULL;
            if (bytes == NULL)
                return size <= CHILD_OUTPUT_MAX ? -ENOMEM : -EFBIG;
            output->bytes = bytes;
            output->size = size;
        }
        ssize_t length =
            read(*descriptor, output->bytes + output->length, output->size - output->length);
        if (length == 0)
            *descriptor = -1;
        if (length <= 0)
            return 0;
        output->length += (size_t)length;
    }
}

/* Its last bytes: the sentence that a program ends with is there. */
struct tail {
    char bytes[TAIL_BYTES];
    size_t length;
};

static void tail_append(struct tail *tail, const char *bytes, size_t length)
{
    size_t room = sizeof tail->bytes - tail->length;
    size_t excess = length > room ? length - room : 0;

    memmove(tail->bytes, tail->bytes + excess, tail->length - excess);
    tail->length -= excess;
    memcpy(tail->bytes + tail->length, bytes, length);
    tail->length += length;
}

static void take_tail(int *descriptor, struct tail *tail)
{
    char bytes[TAIL_BYTES / 2];
    ssize_t length;

    while ((length = read(*descriptor, bytes, sizeof bytes)) > 0)
        tail_append(tail, bytes, (size_t)length);
    if (length == 0)
        *descriptor = -1;
}

/* The last line that is not empty, without the program's name for itself, and with nothing in it
 * that a terminal would obey. */
static void last_line(const struct tail *tail, char *ret_line, size_t size)
{
    static const char name[] = "haul bench: ";
    size_t end = tail->length;

    while (end > 0 && (tail->bytes[end - 1] == '\n' || tail->bytes[end - 1] == '\r'))
        end--;
    size_t begin = end;
    while (begin > 0 && tail->bytes[begin - 1] != '\n')
        begin--;
    if (end - begin > sizeof name && memcmp(tail->bytes + begin, name, sizeof name - 1) == 0)
        begin += sizeof name - 1;
    size_t length = end - begin < size ? end - begin : size - 1;
    for (size_t i = 0; i < length; i++) {
        char letter = tail->bytes[begin + i];
        ret_line[i] = (unsigned char)letter < ' ' || letter == 0x7f ? ' ' : letter;
    }
    ret_line[length] = '\0';
}

/* --- a run ------------------------------------------------------------------------------------ */

struct run {
    const struct child_options *options;
    pid_t pid;
    uint64_t deadline_ns;
    struct output output;
    struct tail tail;
};

static const char *program_of(const struct child_options *options)
{
    return options->program != NULL ? options->program : "/proc/self/exe";
}

__attribute__((format(printf, 2, 3))) static enum child_end fail(struct child_result *result,
                                                                 const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(result->sentence, sizeof result->sentence, format, arguments);
    va_end(arguments);
    return CHILD_FAILED;
}

/* Takes what the child says until it has ended. Errors: -EINTR for a signal to this process,
 * -ETIMEDOUT, -ENOMEM, -EFBIG, or why it could not be waited for. */
static int follow(struct run *run, int output, int error, int end)
{
    for (;;) {
        struct pollfd fds[] = {{output, POLLIN, 0}, {error, POLLIN, 0}, {end, POLLIN, 0}};
        int timeout_ms = run->options->limit_ns != 0 ? milliseconds_until(run->deadline_ns) : -1;
        int ready = signals_poll(fds, 3, timeout_ms);
        if (ready < 0 && errno == EINTR && signals_first() == 0)
            continue;
        if (ready <= 0)
            return ready < 0 ? -errno : -ETIMEDOUT;
        int failure = output >= 0 ? take_output(&output, &run->output) : 0;
        if (error >= 0)
            take_tail(&error, &run->tail);
        if (failure != 0 || fds[2].revents != 0)
            return failure;
    }
}

static enum child_end describe_failure(const struct run *run, int error,
                                       struct child_result *result)
{
    switch (error) {
    case -EINTR:
        return CHILD_INTERRUPTED;
    case -ETIMEDOUT:
        return fail(result, "was not done after %.3g s, and was ended",
                    (double)run->options->limit_ns / 1e9);
    case -EFBIG:
        return fail(result, "printed more than %d MiB", CHILD_OUTPUT_MAX >> 20);
    default:
        return fail(result, "cannot be followed: %s", strerror(-error));
    }
}

static enum child_end describe_end(const struct run *run, int status, struct child_result *result)
{
    json_error_t fault;

    last_line(&run->tail, result->sentence, sizeof result->sentence);
    if (WIFSIGNALED(status))
        return fail(result, "was ended by signal %d (%s)", WTERMSIG(status),
                    strsignal(WTERMSIG(status)));
    result->status = WEXITSTATUS(status);
    if (result->status != 0 &&
        (result->status < STATUS_ALL_FAILED || result->status > STATUS_THRESHOLD_NOT_MET))
        return result->sentence[0] != '\0'
                   ? CHILD_FAILED
                   : fail(result, "ended with status %d and said nothing", result->status);
    result->json = json_loadb(run->output.bytes, run->output.length, 0, &fault);
    if (result->json == NULL)
        return fail(result, "printed no JSON: line %d: %s", fault.line, fault.text);
    return json_is_object(result->json) ? CHILD_DONE : fail(result, "printed no JSON object");
}

/* output and error are the read ends. */
static enum child_end finish(struct run *run, int output, int error, struct child_result *result)
{
    int end = end_of(run->pid);
    int failure = end < 0 ? -errno : follow(run, output, error, end);
    int status;

    /* Closed first: a child that writes to the end must not wait for a reader that has gone. */
    close(output);
    close(error);
    if (end >= 0)
        close(end);
    if (failure != 0) {
        child_end(run->pid);
        return describe_failure(run, failure, result);
    }
    wait_for(run->pid, &status);
    return describe_end(run, status, result);
}

static pid_t start_with_words(const struct child_options *options, int output, int error)
{
    const char **words = calloc(options->word_count + 4, sizeof *words);
    size_t count = 0;

    if (words == NULL)
        return -ENOMEM;
    words[count++] = "haul-bench";
    words[count++] = "--format";
    words[count++] = "json";
    for (size_t i = 0; i < options->word_count; i++)
        words[count++] = options->words[i];
    pid_t pid = child_start(program_of(options), words, output, error);
    free(words);
    return pid;
}

/* Only the read end does not block: the child's end is its own. */
static int open_pipe(int ret_ends[2])
{
    if (pipe2(ret_ends, O_CLOEXEC) < 0)
        return -errno;
    fcntl(ret_ends[0], F_SETFL, O_NONBLOCK);
    return 0;
}

static void close_pipe(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

enum child_end child_run(const struct child_options *options, struct child_result *ret_result)
{
    struct run run = {.options = options, .deadline_ns = deadline_in(options->limit_ns)};
    int output[2], error[2];

    *ret_result = (struct child_result){.status = -1};
    int failure = open_pipe(output);
    if (failure == 0) {
        failure = open_pipe(error);
        if (failure != 0)
            close_pipe(output);
    }
    if (failure != 0)
        return fail(ret_result, "cannot be started: %s", strerror(-failure));
    run.pid = start_with_words(options, output[1], error[1]);
    if (run.pid < 0) {
        close_pipe(output);
        close_pipe(error);
        return fail(ret_result, "cannot run %s: %s", program_of(options), strerror(-run.pid));
    }
    close(output[1]);
    close(error[1]);
    enum child_end end = finish(&run, output[0], error[0], ret_result);
    free(run.output.bytes);
    return end;
}

void child_result_free(struct child_result *result)
{
    json_decref(result->json);
    result->json = NULL;
}
