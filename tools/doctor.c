/* Owns `haul doctor`. The idea: a list of checks, each of which prints one row of what is so and,
 * below it, what to do about it. */

#include "tools/doctor.h"
#include "engine/haul.h"
#include "tools/output/human.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

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

/* Without it haul works as with it, but some of what is below cannot be seen. */
static enum verdict check_proc(void)
{
    enum { PROC_MAGIC = 0x9fa0 }; /* statfs(2) */
    struct statfs facts;
    if (statfs("/proc", &facts) == 0 && facts.f_type == PROC_MAGIC)
        return GOOD;
    row(WARNING, "/proc", "is not mounted");
    advice("haul works without it; the range of local ports, a sysctl that forbids io_uring and");
    advice("limits of memory cannot be seen: mount -t proc proc /proc");
    return WARNING;
}

/* The kernel itself is asked (prctl(2)), so that /proc need not be there. In strict mode this would
 * be the end, but then nothing would have come this far. */
static enum verdict check_seccomp(void)
{
    char sentence[8];
    int mode = prctl(PR_GET_SECCOMP, 0UL, 0UL, 0UL, 0UL);
    if (mode == SECCOMP_MODE_DISABLED || (mode < 0 && errno == EINVAL)) {
        row(GOOD, "seccomp", mode < 0 ? "the kernel has none" : "no filter");
        return GOOD;
    }
    row(GOOD, "seccomp", mode < 0 ? "a filter hides whether there is one" : "a filter is in force");
    if (haul_probe_uring(sentence, sizeof(sentence)) < 0) {
        advice("should it be what refuses io_uring: docker run --security-opt seccomp=unconfined,");
        advice("or a profile that allows io_uring_setup, io_uring_enter and io_uring_register");
    }
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

/* 0: a datagram socket can be bound to the address, or connected to it, which sends nothing and
 * only looks for a route. Else the error. */
static int try_address(int family, const char *text, bool connects)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(connects ? 9 : 0)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = ipv4.sin_port};
    bool is_4 = family == AF_INET;
    struct sockaddr *address = is_4 ? (struct sockaddr *)&ipv4 : (struct sockaddr *)&ipv6;
    socklen_t length = is_4 ? sizeof(ipv4) : sizeof(ipv6);
    inet_pton(family, text, is_4 ? (void *)&ipv4.sin_addr : (void *)&ipv6.sin6_addr);
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int done = connects ? connect(fd, address, length) : bind(fd, address, length);
    int error = done < 0 ? errno : 0;
    close(fd);
    return error;
}

/* own: its loopback address; far: one of documentation (RFC 5737, 3849), as any out there. */
static const char *family_fact(int family, const char *own, const char *far)
{
    int error = try_address(family, own, false);
    if (error == EAFNOSUPPORT)
        return "is not in the kernel";
    if (error != 0)
        return "is switched off";
    return try_address(family, far, true) == 0 ? "has a route" : "has no route beyond this machine";
}

static enum verdict check_addresses(void)
{
    char fact[128];
    bool has_any =
        try_address(AF_INET, "127.0.0.1", false) == 0 || try_address(AF_INET6, "::1", false) == 0;
    snprintf(fact, sizeof(fact), "IPv4 %s, IPv6 %s", family_fact(AF_INET, "127.0.0.1", "192.0.2.1"),
             family_fact(AF_INET6, "::1", "2001:db8::1"));
    row(has_any ? GOOD : WARNING, "addresses", fact);
    if (!has_any)
        advice("not even this machine can be reached: ip link set lo up");
    return has_any ? GOOD : WARNING;
}

/* The first number of a file; UINT64_MAX: there is none, as where it says "max". */
static uint64_t number_in(const char *path)
{
    unsigned long long number;
    FILE *file = fopen(path, "re");
    bool has = file != NULL && fscanf(file, "%llu", &number) == 1;
    if (file != NULL)
        fclose(file);
    return has ? number : UINT64_MAX;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Of a group, and of those that it is in: what is mounted may begin at any of them. */
static uint64_t group_limit(const char *mount, char *group, const char *name)
{
    char path[4096 + 64];
    uint64_t limit = UINT64_MAX;
    for (;;) {
        snprintf(path, sizeof(path), "%s%s/%s", mount, group, name);
        limit = least(limit, number_in(path));
        char *end = strrchr(group, '/');
        if (end == NULL)
            return limit;
        *end = '\0';
    }
}

/* The memory that control groups leave to this process (cgroups(7), both versions). */
static uint64_t groups_limit(void)
{
    char line[4096];
    uint64_t limit = UINT64_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        char *controllers = strchr(line, ':');
        char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (group == NULL)
            continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        if (controllers[1] == '\0')
            limit = least(limit, group_limit("/sys/fs/cgroup", group, "memory.max"));
        else if (strstr(controllers, "memory") != NULL)
            limit =
                least(limit, group_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
    if (file != NULL)
        fclose(file);
    return limit;
}

static enum verdict check_memory(void)
{
    char fact[160], needed[HUMAN_BYTES], limit[HUMAN_BYTES];
    struct haul_options options = {.raise_nofile = true};
    struct haul_budget budget;
    struct rlimit space;
    uint64_t groups = groups_limit();
    uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t bytes = least(groups, machine);
    const char *whose = groups < machine ? "by the control group" : "in this machine";
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur < bytes) {
        bytes = space.rlim_cur;
        whose = "by RLIMIT_AS (ulimit -v)";
    }
    if (haul_get_budget(&options, &budget) < 0)
        return GOOD; /* the engine says why */
    bool is_enough = budget.total_bytes <= bytes;
    snprintf(fact, sizeof(fact), "%s %s; a run without options reserves %s",
             human_bytes(limit, bytes), whose, human_bytes(needed, budget.total_bytes));
    row(is_enough ? GOOD : WARNING, "memory", fact);
    if (!is_enough)
        advice("haul --budget says where it goes; less: -c 16 --window 64");
    return is_enough ? GOOD : WARNING;
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

static enum verdict check_tls(void)
{
    char fact[128];
    const char *version = haul_openssl_version();
    if (version == NULL) {
        row(WARNING, "TLS", "1.2 by BearSSL alone");
        advice(haul_openssl_missing());
        advice(
            "servers of TLS 1.3 alone, and certificates of Ed25519, Ed448 or RSA-PSS, are out of");
        advice("reach; install libssl3, or libssl-dev and build again");
        return WARNING;
    }
    snprintf(fact, sizeof(fact), "1.2 by BearSSL, 1.3 by %s", version);
    row(GOOD, "TLS", fact);
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
    enum verdict (*const checks[])(void) = {
        check_loop,      check_proc,   check_seccomp, check_descriptors, check_ports,
        check_addresses, check_memory, check_idn,     check_tls,         check_engine,
    };
    enum verdict worst = GOOD;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        enum verdict verdict = checks[i]();
        worst = verdict > worst ? verdict : worst;
    }
    return worst == FAILED ? EXIT_FAILURE : EXIT_SUCCESS;
}
