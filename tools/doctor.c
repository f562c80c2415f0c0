/* Owns `haul doctor`. The idea: a list of checks, each of which prints one row of what is so and,
 * below it, what to do about it. */

#include "tools/doctor.h"
#include "engine/haul.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { CONNECTIONS_WISHED = 10000, DESCRIPTORS_NEEDED = 64, DESCRIPTORS_OF_HAUL = 32 };

enum verdict { GOOD, WARNING, FAILED };

static void row(enum verdict verdict, const char *subject, const char *fact)
{
    static const char *const marks[] = {[GOOD] = "ok", [WARNING] = "warn", [FAILED] = "FAIL"};
    printf("%-4s  %-16s  %s\n", marks[verdict], subject, fact);
}

static void advice(const char *text)
{
    printf("%24s%s\n", "", text);
}

static enum verdict check_loop(void)
{
    char sentence[512] = "";
    int error = haul_probe_uring(sentence, sizeof(sentence));
    row(error == 0 ? GOOD : WARNING, "loop", error == 0 ? "io_uring is used" : "epoll is used");
    advice(sentence);
    return error == 0 ? GOOD : WARNING;
}

/* The value of a "Name:" line of /proc/self/status; -1: there is none. */
static int status_number(const char *name)
{
    char line[256];
    int number = -1;
    size_t length = strlen(name);
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL)
        return -1;
    while (number < 0 && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, name, length) == 0)
            number = atoi(line + length);
    fclose(file);
    return number;
}

static enum verdict check_seccomp(void)
{
    int mode = status_number("Seccomp:");
    if (mode <= 0) {
        row(GOOD, "seccomp", mode == 0 ? "no filter" : "the kernel has none");
        return GOOD;
    }
    row(GOOD, "seccomp", mode == 1 ? "strict mode" : "a filter is in force");
    advice("should it refuse io_uring: docker run --security-opt seccomp=unconfined, or a profile");
    advice("that allows the three calls io_uring consists of");
    return GOOD;
}

static enum verdict check_descriptors(void)
{
    char fact[160];
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        row(FAILED, "RLIMIT_NOFILE", "cannot be read");
        return FAILED;
    }
    unsigned long long hard = limit.rlim_max;
    enum verdict verdict = hard < DESCRIPTORS_NEEDED                         ? FAILED
                           : hard < CONNECTIONS_WISHED + DESCRIPTORS_OF_HAUL ? WARNING
                                                                             : GOOD;
    snprintf(fact, sizeof(fact), "%llu, hard limit %llu: up to -c %llu",
             (unsigned long long)limit.rlim_cur, hard,
             hard > DESCRIPTORS_OF_HAUL ? hard - DESCRIPTORS_OF_HAUL : 0);
    row(verdict, "RLIMIT_NOFILE", fact);
    if (verdict != GOOD)
        advice("raise it: ulimit -Hn 65536 as root, LimitNOFILE= in a unit, or --ulimit nofile=");
    return verdict;
}

static enum verdict check_ports(void)
{
    char fact[160];
    int first = 0, last = 0;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    bool known = file != NULL && fscanf(file, "%d %d", &first, &last) == 2;
    if (file != NULL)
        fclose(file);
    if (!known) {
        row(WARNING, "local ports", "the range cannot be read");
        return WARNING;
    }
    int count = last - first + 1;
    enum verdict verdict = count < CONNECTIONS_WISHED ? WARNING : GOOD;
    snprintf(fact, sizeof(fact), "%d-%d: %d connections to one address and port", first, last,
             count);
    row(verdict, "local ports", fact);
    if (verdict != GOOD)
        advice("widen it: sysctl net.ipv4.ip_local_port_range='10240 65535'");
    return verdict;
}

static enum verdict check_idn(void)
{
    char fact[64];
    const char *version = haul_idn_version();
    if (version == NULL) {
        row(WARNING, "IDN", "haul was built without libidn2");
        advice("a URL whose host is not ASCII is an error; install libidn2-dev and build again");
        return WARNING;
    }
    snprintf(fact, sizeof(fact), "hosts beyond ASCII, by libidn2 %s", version);
    row(GOOD, "IDN", fact);
    return GOOD;
}

/* The last word: an engine is opened as a run would open it. */
static enum verdict check_engine(void)
{
    struct haul *haul;
    struct haul_facts facts;
    char fact[256];
    struct haul_options options = {.raise_nofile = true};
    struct haul_open_error why;
    int error = haul_open_explained(&haul, &options, &why);
    if (error < 0) {
        row(FAILED, "engine", why.message);
        return FAILED;
    }
    haul_get_facts(haul, &facts);
    snprintf(fact, sizeof(fact), "opens, %s loop, -c %u: %s", facts.loop, facts.concurrency,
             facts.loop_reason);
    row(GOOD, "engine", fact);
    haul_close(haul);
    return GOOD;
}

int doctor_run(void)
{
    enum verdict (*const checks[])(void) = {check_loop,  check_seccomp, check_descriptors,
                                            check_ports, check_idn,     check_engine};
    enum verdict worst = GOOD;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        enum verdict verdict = checks[i]();
        worst = verdict > worst ? verdict : worst;
    }
    return worst == FAILED ? EXIT_FAILURE : EXIT_SUCCESS;
}
