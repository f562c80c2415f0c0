/* haul-server: the embedded server as a program. Owns the words, the signals and the processor. */

#include "bench/server/server.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { CONNECTIONS_MAX = 65536, DESCRIPTORS_RESERVED = 32 };

static const char usage[] =
    "usage: haul-server [--port N] [--host ADDRESS] [--cpu N] [--loop auto|uring|epoll]\n"
    "                   [--stall-first MS] [--tls | --tls-certificate FILE [--tls-key FILE]]\n"
    "\n"
    "Serves on 127.0.0.1 until SIGTERM or SIGINT; prints 'listening on ADDRESS:PORT', and with\n"
    "--tls 'pin sha256//…', the pin of its public key, on a second line.\n"
    "  --port N                0, the default: a free one\n"
    "  --host ADDRESS          127.0.0.1 or ::1\n"
    "  --cpu N                 run on that processor only\n"
    "  --loop NAME             the kernel interface\n"
    "  --stall-first MS        let the first request for /p/1 wait this long\n"
    "  --tls                   https, with a certificate of its own making\n"
    "  --tls-certificate FILE  https with this one, PEM\n"
    "  --tls-key FILE          whose key is here and not in the same file\n";

/* A signal handler has no argument, so it finds the server here. */
static struct server *signalled;

static void on_signal(int number)
{
    (void)number;
    server_stop(signalled);
}

static void handle_signals(struct server *server)
{
    struct sigaction stop = {.sa_handler = on_signal};

    signalled = server;
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
}

static bool parse_number(const char *text, unsigned long maximum, unsigned long *ret_number)
{
    char *end;

    errno = 0;
    *ret_number = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *ret_number <= maximum;
}

static bool parse_loop(const char *text, enum server_loop *ret_loop)
{
    static const char *const names[] = {
        [SERVER_LOOP_AUTO] = "auto",
        [SERVER_LOOP_URING] = "uring",
        [SERVER_LOOP_EPOLL] = "epoll",
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret_loop = (enum server_loop)i;
            return true;
        }
    return false;
}

static bool pin(const char *text)
{
    unsigned long cpu;
    cpu_set_t set;

    if (!parse_number(text, CPU_SETSIZE - 1, &cpu))
        return false;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

static bool parse_option(int option, const char *text, struct server_options *options)
{
    unsigned long number = 0;

    switch (option) {
    case 'p':
        if (!parse_number(text, UINT16_MAX, &number))
            return false;
        options->port = (uint16_t)number;
        return true;
    case 's':
        if (!parse_number(text, UINT32_MAX, &number))
            return false;
        options->stall_first_ms = (uint32_t)number;
        return true;
    case 'h':
        options->host = text;
        return true;
    case 'l':
        return parse_loop(text, &options->loop);
    case 'c':
        return pin(text);
    case 't':
        options->tls = true;
        return true;
    case 'e':
        options->tls = true;
        options->tls_certificate = text;
        return true;
    case 'k':
        options->tls_key = text;
        return true;
    default:
        return false;
    }
}

/* Exits where there is nothing to serve. */
static void parse_arguments(int argc, char **argv, struct server_options *options)
{
    static const struct option long_options[] = {
        {"port", required_argument, NULL, 'p'},
        {"host", required_argument, NULL, 'h'},
        {"cpu", required_argument, NULL, 'c'},
        {"loop", required_argument, NULL, 'l'},
        {"stall-first", required_argument, NULL, 's'},
        {"tls", no_argument, NULL, 't'},
        {"tls-certificate", required_argument, NULL, 'e'},
        {"tls-key", required_argument, NULL, 'k'},
        {"help", no_argument, NULL, '?'},
        {NULL, 0, NULL, 0},
    };
    int option;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        exit(EXIT_SUCCESS);
    }
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (!parse_option(option, optarg, options)) {
            if (option != '?')
                fprintf(stderr, "haul-server: '%s' cannot be used here\n", optarg);
            fputs(usage, stderr);
            exit(2);
        }
    if (optind < argc || (options->tls_key && !options->tls_certificate)) {
        fputs(usage, stderr);
        exit(2);
    }
}

/* Returns how many connections the descriptors suffice for. */
static uint32_t raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= CONNECTIONS_MAX + DESCRIPTORS_RESERVED)
        return CONNECTIONS_MAX;
    return limit.rlim_cur > DESCRIPTORS_RESERVED ? (uint32_t)limit.rlim_cur - DESCRIPTORS_RESERVED
                                                 : 1;
}

int main(int argc, char **argv)
{
    struct server_options options = {.host = "127.0.0.1"};
    struct server *server;
    int error;

    parse_arguments(argc, argv, &options);
    options.connections = raise_descriptors();
    error = server_open(&server, &options);
    if (error) {
        fprintf(stderr, "haul-server: cannot serve on %s: %s\n", options.host, strerror(-error));
        return EXIT_FAILURE;
    }
    handle_signals(server);
    bool is_ipv6 = strchr(options.host, ':') != NULL;
    printf("listening on %s%s%s:%u\n", is_ipv6 ? "[" : "", options.host, is_ipv6 ? "]" : "",
           (unsigned)server_port(server));
    if (server_pin(server))
        printf("pin %s\n", server_pin(server));
    fflush(stdout);
    error = server_run(server);
    if (error)
        fprintf(stderr, "haul-server: %s\n", strerror(-error));
    server_close(server);
    return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
