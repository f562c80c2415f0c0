/* Where a result was measured. One row a fact: its key and the function that reads it. A reader
 * returns NULL for what cannot be read, and that becomes null; none of them fills in a guess. */

#include "bench/result/environment.h"

#include "engine/haul.h"

#include <ares.h>
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <link.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { FILE_BYTES = 16384, TEXT_BYTES = 1024 };

/* --- files ------------------------------------------------------------------------------------ */

/* false: it would be longer than any path may be. */
static bool full_path(const struct environment_given *given, const char *path,
                      char ret_path[PATH_MAX])
{
    int length = snprintf(ret_path, PATH_MAX, "%s%s", given->root != NULL ? given->root : "", path);
    return length < PATH_MAX;
}

/* The beginning of a file, zero-terminated, without white space at its end. */
static bool read_file(const struct environment_given *given, const char *path, char *ret_text,
                      size_t size)
{
    char full[PATH_MAX];
    FILE *file = full_path(given, path, full) ? fopen(full, "re") : NULL;
    if (file == NULL)
        return false;
    size_t length = fread(ret_text, 1, size - 1, file);
    bool is_read = !ferror(file);
    fclose(file);
    while (length > 0 && isspace((unsigned char)ret_text[length - 1]))
        length--;
    ret_text[length] = '\0';
    return is_read;
}

static bool has_file(const struct environment_given *given, const char *path)
{
    char full[PATH_MAX];
    return full_path(given, path, full) && access(full, F_OK) == 0;
}

/* The value of the first line "key<separator>value", without quotes. */
static bool find_value(const char *text, const char *key, char separator, char *ret_value,
                       size_t size)
{
    size_t length = strlen(key);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *at = line + length;
        if (strncmp(line, key, length) != 0)
            continue;
        at += strspn(at, " \t");
        if (*at++ != separator)
            continue;
        at += strspn(at, " \t\"");
        snprintf(ret_value, size, "%.*s", (int)strcspn(at, "\"\n"), at);
        return true;
    }
    return false;
}

/* Of bytes that need not be UTF-8: then NULL. */
static json_t *string(const char *text)
{
    return text != NULL && *text != '\0' ? json_string(text) : NULL;
}

static json_t *file_string(const struct environment_given *given, const char *path)
{
    char text[TEXT_BYTES];
    if (!read_file(given, path, text, sizeof(text)))
        return NULL;
    for (char *at = text; *at != '\0'; at++)
        if (isspace((unsigned char)*at))
            *at = ' ';
    return string(text);
}

static bool parse_integer(const char *text, json_int_t *ret_number)
{
    char *end;
    *ret_number = strtoll(text, &end, 10);
    return end != text && (*end == '\0' || isspace((unsigned char)*end));
}

static json_t *file_integer(const struct environment_given *given, const char *path)
{
    char text[TEXT_BYTES];
    json_int_t number;
    bool is_read = read_file(given, path, text, sizeof(text)) && parse_integer(text, &number);
    return is_read ? json_integer(number) : NULL;
}

/* --- kernel and machine ----------------------------------------------------------------------- */

static json_t *read_kernel(const struct environment_given *given)
{
    struct utsname name;
    (void)given;
    return uname(&name) == 0 ? json_sprintf("%s %s %s", name.sysname, name.release, name.machine)
                             : NULL;
}

static json_t *read_distribution(const struct environment_given *given)
{
    char text[FILE_BYTES], value[TEXT_BYTES];
    bool is_read = read_file(given, "/etc/os-release", text, sizeof(text)) &&
                   find_value(text, "PRETTY_NAME", '=', value, sizeof(value));
    return is_read ? string(value) : NULL;
}

static json_t *read_cpu(const struct environment_given *given)
{
    char text[FILE_BYTES], value[TEXT_BYTES];
    bool is_read = read_file(given, "/proc/cpuinfo", text, sizeof(text)) &&
                   find_value(text, "model name", ':', value, sizeof(value));
    return is_read ? string(value) : NULL;
}

static json_t *read_cores_online(const struct environment_given *given)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    (void)given;
    return count > 0 ? json_integer(count) : NULL;
}

uint32_t environment_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 0;
}

static json_t *read_cores_allowed(const struct environment_given *given)
{
    uint32_t count = environment_processors();
    (void)given;
    return count > 0 ? json_integer(count) : NULL;
}

static json_t *read_governor(const struct environment_given *given)
{
    return file_string(given, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
}

static json_t *read_smt(const struct environment_given *given)
{
    return file_string(given, "/sys/devices/system/cpu/smt/control");
}

static json_t *read_memory(const struct environment_given *given)
{
    char text[FILE_BYTES], value[TEXT_BYTES];
    json_int_t kilobytes;
    bool is_read = read_file(given, "/proc/meminfo", text, sizeof(text)) &&
                   find_value(text, "MemTotal", ':', value, sizeof(value)) &&
                   parse_integer(value, &kilobytes);
    return is_read ? json_integer(kilobytes * 1024) : NULL;
}

static json_t *read_clock_source(const struct environment_given *given)
{
    return file_string(given, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
}

static json_t *read_load_average(const struct environment_given *given)
{
    char text[TEXT_BYTES];
    char *end;
    if (!read_file(given, "/proc/loadavg", text, sizeof(text)))
        return NULL;
    double load = strtod(text, &end);
    return end != text ? json_real(load) : NULL;
}

/* --- mitigations ------------------------------------------------------------------------------ */

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* "spectre_v1 mitigated" of a file that says so at length; nothing of one that does not concern
 * this processor. */
static void append_vulnerability(const struct environment_given *given, const char *folder,
                                 const char *name, char *text, size_t size)
{
    static const char *const states[][2] = {
        {"Mitigation", "mitigated"}, {"Vulnerable", "vulnerable"}, {"Unknown", "unknown"}};
    char path[PATH_MAX], state[TEXT_BYTES];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (!read_file(given, path, state, sizeof(state)))
        return;
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
        if (strncmp(state, states[i][0], strlen(states[i][0])) == 0) {
            size_t length = strlen(text);
            snprintf(text + length, size - length, "%s%s %s", length > 0 ? ", " : "", name,
                     states[i][1]);
        }
}

static json_t *read_mitigations(const struct environment_given *given)
{
    static const char folder[] = "/sys/devices/system/cpu/vulnerabilities";
    char full[PATH_MAX], text[4 * TEXT_BYTES] = "";
    struct dirent **entries;
    int count =
        full_path(given, folder, full) ? scandir(full, &entries, is_visible, alphasort) : -1;
    if (count < 0)
        return NULL;
    for (int i = 0; i < count; i++) {
        append_vulnerability(given, folder, entries[i]->d_name, text, sizeof(text));
        free(entries[i]);
    }
    free(entries);
    return string(text[0] != '\0' ? text : "none needed");
}

/* --- machine within a machine ----------------------------------------------------------------- */

static json_t *read_hypervisor(const struct environment_given *given)
{
    char text[FILE_BYTES], flags[8 * TEXT_BYTES];
    json_t *name = file_string(given, "/sys/hypervisor/type");
    if (name != NULL)
        return name;
    if (!read_file(given, "/proc/cpuinfo", text, sizeof(text)) ||
        !find_value(text, "flags", ':', flags, sizeof(flags)))
        return NULL; /* other processors than x86 have no such line */
    if (strstr(flags, " hypervisor") == NULL)
        return string("none");
    name = file_string(given, "/sys/class/dmi/id/sys_vendor");
    return name != NULL ? name : string("yes");
}

/* What container managers leave for those inside. */
static json_t *read_container(const struct environment_given *given)
{
    json_t *manager = file_string(given, "/run/systemd/container");
    if (manager != NULL)
        return manager;
    if (has_file(given, "/.dockerenv"))
        return string("docker");
    if (has_file(given, "/run/.containerenv"))
        return string("podman");
    return string("no sign of one");
}

/* This process's path in the cgroup hierarchy of a controller ("": the unified one). */
static bool cgroup_path(const struct environment_given *given, const char *controller,
                        char *ret_path, size_t size)
{
    char text[FILE_BYTES];
    if (!read_file(given, "/proc/self/cgroup", text, sizeof(text)))
        return false;
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        strsep(&line, ":");
        char *controllers = line != NULL ? strsep(&line, ":") : NULL;
        if (line == NULL)
            continue;
        char *name = strsep(&controllers, ",");
        while (name != NULL && strcmp(name, controller) != 0)
            name = strsep(&controllers, ",");
        if (name != NULL) {
            snprintf(ret_path, size, "%s", line);
            return true;
        }
    }
    return false;
}

/* Reads a limit in a cgroup's folder, in processors or bytes. false: there is none to be read. */
typedef bool limit_reader(const struct environment_given *given, const char *folder,
                          double *ret_limit);

static bool file_text(const struct environment_given *given, const char *folder, const char *name,
                      char *ret_text, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return read_file(given, path, ret_text, size);
}

/* A number, or "max" or -1 for no limit. */
static bool parse_limit(const char *text, double *ret_limit)
{
    json_int_t number;
    if (strncmp(text, "max", 3) == 0) {
        *ret_limit = HUGE_VAL;
        return true;
    }
    if (!parse_integer(text, &number))
        return false;
    *ret_limit = number < 0 ? HUGE_VAL : (double)number;
    return true;
}

/* Version 2: "QUOTA PERIOD" in one file. */
static bool read_cpu_max(const struct environment_given *given, const char *folder,
                         double *ret_limit)
{
    char text[TEXT_BYTES];
    double quota, period;
    if (!file_text(given, folder, "cpu.max", text, sizeof(text)))
        return false;
    const char *space = strchr(text, ' ');
    if (space == NULL || !parse_limit(text, &quota) || !parse_limit(space + 1, &period) ||
        period <= 0)
        return false;
    *ret_limit = quota / period;
    return true;
}

/* Version 1: a file each. */
static bool read_cfs_quota(const struct environment_given *given, const char *folder,
                           double *ret_limit)
{
    char quota_text[TEXT_BYTES], period_text[TEXT_BYTES];
    double quota, period;
    if (!file_text(given, folder, "cpu.cfs_quota_us", quota_text, sizeof(quota_text)) ||
        !file_text(given, folder, "cpu.cfs_period_us", period_text, sizeof(period_text)) ||
        !parse_limit(quota_text, &quota) || !parse_limit(period_text, &period) || period <= 0)
        return false;
    *ret_limit = quota / period;
    return true;
}

static bool read_memory_max(const struct environment_given *given, const char *folder,
                            double *ret_limit)
{
    char text[TEXT_BYTES];
    return file_text(given, folder, "memory.max", text, sizeof(text)) &&
           parse_limit(text, ret_limit);
}

/* No limit is a number near 2^63 here. */
static bool read_memory_limit(const struct environment_given *given, const char *folder,
                              double *ret_limit)
{
    char text[TEXT_BYTES];
    if (!file_text(given, folder, "memory.limit_in_bytes", text, sizeof(text)) ||
        !parse_limit(text, ret_limit))
        return false;
    if (*ret_limit > 0x1p62)
        *ret_limit = HUGE_VAL;
    return true;
}

/* Where a controller may be found. In version 2 a cgroup without the file has no limit of its own;
 * in version 1 it is not the one that was looked for. */
struct hierarchy {
    const char *controller;
    const char *mount;
    const char *sign; /* a file that proves it */
    limit_reader *reader;
};

/* The least limit of this process's cgroup and those above it. From within a container the path may
 * not be visible, but what is mounted is the container's own. */
static bool least_limit(const struct environment_given *given, const struct hierarchy *hierarchy,
                        double *ret_limit)
{
    char path[PATH_MAX], folder[2 * PATH_MAX];
    double limit;
    if (!cgroup_path(given, hierarchy->controller, path, sizeof(path)))
        return false;
    snprintf(folder, sizeof(folder), "%s/%s", hierarchy->mount, hierarchy->sign);
    bool is_known = has_file(given, folder);
    *ret_limit = HUGE_VAL;
    for (char *slash = path + strlen(path); slash != NULL; slash = strrchr(path, '/')) {
        *slash = '\0';
        snprintf(folder, sizeof(folder), "%s%s", hierarchy->mount, path);
        if (hierarchy->reader(given, folder, &limit) && limit < *ret_limit)
            *ret_limit = limit;
    }
    return is_known;
}

static bool find_limit(const struct environment_given *given, const struct hierarchy *hierarchies,
                       size_t count, double *ret_limit)
{
    for (size_t i = 0; i < count; i++)
        if (least_limit(given, &hierarchies[i], ret_limit))
            return true;
    return false;
}

static json_t *read_cpu_quota(const struct environment_given *given)
{
    static const struct hierarchy hierarchies[] = {
        {"cpu", "/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", read_cfs_quota},
        {"", "/sys/fs/cgroup", "cgroup.controllers", read_cpu_max},
    };
    char text[TEXT_BYTES];
    double limit;
    if (!find_limit(given, hierarchies, 2, &limit))
        return NULL;
    snprintf(text, sizeof(text), "%.2f processors", limit);
    return string(limit < HUGE_VAL ? text : "none");
}

static json_t *read_memory_quota(const struct environment_given *given)
{
    static const struct hierarchy hierarchies[] = {
        {"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", read_memory_limit},
        {"", "/sys/fs/cgroup", "cgroup.controllers", read_memory_max},
    };
    char text[TEXT_BYTES];
    double limit;
    if (!find_limit(given, hierarchies, 2, &limit))
        return NULL;
    snprintf(text, sizeof(text), "%.0f bytes", limit);
    return string(limit < HUGE_VAL ? text : "none");
}

/* --- limits and settings ---------------------------------------------------------------------- */

static json_t *read_nofile(bool is_hard)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return NULL;
    rlim_t number = is_hard ? limit.rlim_max : limit.rlim_cur;
    return number != RLIM_INFINITY ? json_integer((json_int_t)number) : string("none");
}

static json_t *read_nofile_soft(const struct environment_given *given)
{
    (void)given;
    return read_nofile(false);
}

static json_t *read_nofile_hard(const struct environment_given *given)
{
    (void)given;
    return read_nofile(true);
}

static json_t *read_client_processors(const struct environment_given *given)
{
    return string(given->client_processors);
}

static json_t *read_server_processors(const struct environment_given *given)
{
    return string(given->server_processors);
}

static json_t *read_ring(const struct environment_given *given)
{
    return string(given->ring);
}

static json_t *read_uring_disabled(const struct environment_given *given)
{
    return file_integer(given, "/proc/sys/kernel/io_uring_disabled");
}

static json_t *read_congestion_control(const struct environment_given *given)
{
    return file_string(given, "/proc/sys/net/ipv4/tcp_congestion_control");
}

static json_t *read_local_ports(const struct environment_given *given)
{
    return file_string(given, "/proc/sys/net/ipv4/ip_local_port_range");
}

static json_t *read_tw_reuse(const struct environment_given *given)
{
    return file_integer(given, "/proc/sys/net/ipv4/tcp_tw_reuse");
}

static json_t *read_somaxconn(const struct environment_given *given)
{
    return file_integer(given, "/proc/sys/net/core/somaxconn");
}

/* --- versions --------------------------------------------------------------------------------- */

struct library {
    const char *prefix; /* "liburing.so." */
    char path[PATH_MAX];
};

static int match_library(struct dl_phdr_info *info, size_t size, void *context)
{
    struct library *library = context;
    (void)size;
    const char *slash = strrchr(info->dlpi_name, '/');
    const char *name = slash != NULL ? slash + 1 : info->dlpi_name;
    if (strncmp(name, library->prefix, strlen(library->prefix)) != 0)
        return 0;
    snprintf(library->path, sizeof(library->path), "%s", info->dlpi_name);
    return 1;
}

/* Libraries that do not tell their version carry it in the name of the file that was loaded, behind
 * the links; one that is linked in statically does not tell. */
static json_t *loaded_version(const char *prefix)
{
    struct library library = {.prefix = prefix};
    char file[PATH_MAX];
    if (dl_iterate_phdr(match_library, &library) == 0 || realpath(library.path, file) == NULL)
        return NULL;
    const char *name = strrchr(file, '/') + 1;
    return strncmp(name, prefix, strlen(prefix)) == 0 ? string(name + strlen(prefix)) : NULL;
}

static json_t *read_haul(const struct environment_given *given)
{
    (void)given;
    return string(HAUL_VERSION);
}

static json_t *read_liburing(const struct environment_given *given)
{
    (void)given;
    return loaded_version("liburing.so.");
}

static json_t *read_bearssl(const struct environment_given *given)
{
    (void)given;
    return loaded_version("libbearssl.so.");
}

static json_t *read_cares(const struct environment_given *given)
{
    (void)given;
    return string(ares_version(NULL));
}

static json_t *read_compiler(const struct environment_given *given)
{
    (void)given;
#if defined(__clang__)
    return string(__VERSION__);
#else
    return string("gcc " __VERSION__);
#endif
}

static json_t *read_build(const struct environment_given *given)
{
    (void)given;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return string("with sanitizers");
#elif defined(__OPTIMIZE__)
    return string("optimised");
#else
    return string("not optimised");
#endif
}

/* --- the object ------------------------------------------------------------------------------- */

static const struct fact {
    const char *key;
    json_t *(*read)(const struct environment_given *given);
} facts[] = {
    {"kernel", read_kernel},
    {"distribution", read_distribution},
    {"cpu", read_cpu},
    {"cores_online", read_cores_online},
    {"cores_allowed", read_cores_allowed},
    {"governor", read_governor},
    {"smt", read_smt},
    {"mitigations", read_mitigations},
    {"hypervisor", read_hypervisor},
    {"container", read_container},
    {"cpu_quota", read_cpu_quota},
    {"memory_bytes", read_memory},
    {"memory_quota", read_memory_quota},
    {"nofile_soft", read_nofile_soft},
    {"nofile_hard", read_nofile_hard},
    {"client_processors", read_client_processors},
    {"server_processors", read_server_processors},
    {"ring", read_ring},
    {"io_uring_disabled", read_uring_disabled},
    {"congestion_control", read_congestion_control},
    {"local_ports", read_local_ports},
    {"tcp_tw_reuse", read_tw_reuse},
    {"somaxconn", read_somaxconn},
    {"clock_source", read_clock_source},
    {"load_average", read_load_average},
    {"haul", read_haul},
    {"liburing", read_liburing},
    {"bearssl", read_bearssl},
    {"c_ares", read_cares},
    {"compiler", read_compiler},
    {"build", read_build},
};

json_t *environment_json(const struct environment_given *given)
{
    static const struct environment_given nothing;
    json_t *environment = json_object();
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        json_t *value = facts[i].read(given != NULL ? given : &nothing);
        if (json_object_set_new(environment, facts[i].key, value != NULL ? value : json_null())) {
            json_decref(environment);
            return NULL;
        }
    }
    return environment;
}

/* --- two of them ------------------------------------------------------------------------------ */

/* Does it say anything about where a result was measured? */
static bool is_lasting(const char *key)
{
    return strcmp(key, "load_average") != 0;
}

/* The keys of a whose values b has not; of those that b has at all only if its own values are to be
 * looked at. */
static int append_differing(json_t *differing, const json_t *a, const json_t *b, bool only_missing)
{
    const char *key;
    json_t *value;
    int error = 0;
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        const json_t *other = json_object_get(b, key);
        bool is_same = other != NULL && (only_missing || json_equal(value, other));
        if (!is_same && is_lasting(key))
            error |= json_array_append_new(differing, json_string(key));
    }
    return error;
}

json_t *environment_difference(const json_t *a, const json_t *b)
{
    json_t *differing = json_array();
    if (differing != NULL &&
        (append_differing(differing, a, b, false) || append_differing(differing, b, a, true))) {
        json_decref(differing);
        return NULL;
    }
    return differing;
}
