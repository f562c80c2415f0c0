/* The environment, read from a tree of files that a row writes, and differences between two. */

#include "bench/result/environment.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

enum { FILES_MAX = 6 };

struct file {
    const char *path;
    const char *text;
};

static const char cpuinfo[] = "processor\t: 0\nmodel name\t: Some Processor @ 3 GHz\n"
                              "flags\t\t: fpu sse2 hypervisor avx2\n\n"
                              "processor\t: 1\nmodel name\t: Another\n";

/* What stands in the files, and what is made of it: value as JSON. */
static const struct {
    struct file files[FILES_MAX];
    const char *key;
    const char *value;
} rows[] = {
    {{{0}}, "cpu", "null"},
    {{{"proc/cpuinfo", cpuinfo}}, "cpu", "\"Some Processor @ 3 GHz\""},
    {{{"proc/cpuinfo", "BogoMIPS : 50\n"}}, "cpu", "null"},
    {{{"proc/cpuinfo", "model name\t: \n"}}, "cpu", "null"},
    {{{"proc/cpuinfo", "model name\t: \xff\n"}}, "cpu", "null"},

    {{{0}}, "distribution", "null"},
    {{{"etc/os-release", "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"}},
     "distribution",
     "\"Debian GNU/Linux 12\""},
    {{{"etc/os-release", "PRETTY_NAME=Plain"}}, "distribution", "\"Plain\""},

    {{{0}}, "governor", "null"},
    {{{"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"}},
     "governor",
     "\"performance\""},
    {{{"sys/devices/system/cpu/smt/control", "on\n"}}, "smt", "\"on\""},

    {{{0}}, "mitigations", "null"},
    {{{"sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n"}},
     "mitigations",
     "\"none needed\""},
    {{{"sys/devices/system/cpu/vulnerabilities/spectre_v2", "Mitigation: Retpolines; …\n"},
      {"sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n"},
      {"sys/devices/system/cpu/vulnerabilities/mds", "Vulnerable: no microcode\n"},
      {"sys/devices/system/cpu/vulnerabilities/srbds", "Unknown: Dependent on hypervisor\n"}},
     "mitigations",
     "\"mds vulnerable, spectre_v2 mitigated, srbds unknown\""},

    {{{0}}, "hypervisor", "null"},
    {{{"proc/cpuinfo", cpuinfo}}, "hypervisor", "\"yes\""},
    {{{"proc/cpuinfo", cpuinfo}, {"sys/class/dmi/id/sys_vendor", "QEMU\n"}},
     "hypervisor",
     "\"QEMU\""},
    {{{"proc/cpuinfo", cpuinfo}, {"sys/hypervisor/type", "xen\n"}}, "hypervisor", "\"xen\""},
    {{{"proc/cpuinfo", "flags\t: fpu sse2\n"}}, "hypervisor", "\"none\""},

    {{{0}}, "container", "\"no sign of one\""},
    {{{".dockerenv", ""}}, "container", "\"docker\""},
    {{{"run/.containerenv", ""}}, "container", "\"podman\""},
    {{{"run/systemd/container", "lxc\n"}, {".dockerenv", ""}}, "container", "\"lxc\""},

    /* cgroups, version 2: the least of all levels; where there is no file there is no limit */
    {{{0}}, "cpu_quota", "null"},
    {{{"proc/self/cgroup", "0::/a/b\n"}}, "cpu_quota", "null"},
    {{{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cgroup.controllers", "cpu\n"}},
     "cpu_quota",
     "\"none\""},
    {{{"proc/self/cgroup", "0::/a/b\n"},
      {"sys/fs/cgroup/cgroup.controllers", "cpu\n"},
      {"sys/fs/cgroup/a/cpu.max", "150000 100000\n"},
      {"sys/fs/cgroup/a/b/cpu.max", "max 100000\n"}},
     "cpu_quota",
     "\"1.50 processors\""},
    {{{"proc/self/cgroup", "0::/a/b\n"},
      {"sys/fs/cgroup/cgroup.controllers", "cpu\n"},
      {"sys/fs/cgroup/cpu.max", "50000 100000\n"},
      {"sys/fs/cgroup/a/b/cpu.max", "400000 100000\n"}},
     "cpu_quota",
     "\"0.50 processors\""},
    {{{"proc/self/cgroup", "0::/a\n"},
      {"sys/fs/cgroup/cgroup.controllers", "cpu\n"},
      {"sys/fs/cgroup/a/cpu.max", "100000 0\n"}},
     "cpu_quota",
     "\"none\""},
    {{{"proc/self/cgroup", "0::/a\n"},
      {"sys/fs/cgroup/cgroup.controllers", "memory\n"},
      {"sys/fs/cgroup/a/memory.max", "1073741824\n"}},
     "memory_quota",
     "\"1073741824 bytes\""},

    /* version 1, with a path that is not visible from within the container */
    {{{"proc/self/cgroup", "3:cpu,cpuacct:/docker/x\n2:memory:/docker/x\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
     "cpu_quota",
     "\"2.00 processors\""},
    {{{"proc/self/cgroup", "3:cpuacct,cpu:/\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
     "cpu_quota",
     "\"none\""},
    {{{"proc/self/cgroup", "4:memory:/a\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"},
      {"sys/fs/cgroup/memory/a/memory.limit_in_bytes", "67108864\n"}},
     "memory_quota",
     "\"67108864 bytes\""},
    {{{"proc/self/cgroup", "4:memory:/a\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"}},
     "memory_quota",
     "\"none\""},
    {{{"proc/self/cgroup", "nonsense\n:\n::\n1:memory\n"}}, "memory_quota", "null"},

    {{{"proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n"}}, "memory_bytes", "16777216"},
    {{{"proc/meminfo", "MemTotal: many\n"}}, "memory_bytes", "null"},
    {{{"proc/sys/kernel/io_uring_disabled", "2\n"}}, "io_uring_disabled", "2"},
    {{{0}}, "io_uring_disabled", "null"},
    {{{"proc/sys/kernel/io_uring_disabled", "2x\n"}}, "io_uring_disabled", "null"},
    {{{"proc/sys/net/ipv4/tcp_congestion_control", "bbr\n"}}, "congestion_control", "\"bbr\""},
    {{{"proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"}},
     "local_ports",
     "\"32768 60999\""},
    {{{"proc/sys/net/ipv4/tcp_tw_reuse", "2\n"}}, "tcp_tw_reuse", "2"},
    {{{"proc/sys/net/core/somaxconn", "4096\n"}}, "somaxconn", "4096"},
    {{{"sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"}},
     "clock_source",
     "\"tsc\""},
    {{{"proc/loadavg", "0.50 0.25 0.10 1/200 12345\n"}}, "load_average", "0.5"},
    {{{"proc/loadavg", "?\n"}}, "load_average", "null"},
};

static void write_file(const char *root, const struct file *file)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", root, file->path);
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(file->text, out);
    assert_int_equal(fclose(out), 0);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char root[] = "/tmp/test_environment.XXXXXX";
        assert_non_null(mkdtemp(root));
        for (size_t j = 0; j < FILES_MAX && rows[i].files[j].path != NULL; j++)
            write_file(root, &rows[i].files[j]);
        json_t *environment = environment_json(&(struct environment_given){.root = root});
        char *value = json_dumps(json_object_get(environment, rows[i].key),
                                 JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        assert_int_equal(nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
        if (value == NULL || strcmp(value, rows[i].value) != 0)
            fail_msg("row %zu, %s: %s", i, rows[i].key, value != NULL ? value : "absent");
        free(value);
        json_decref(environment);
    }
}

static void test_given(void **state)
{
    (void)state;
    json_t *environment = environment_json(&(struct environment_given){
        .ring = "DEFER_TASKRUN", .client_processors = "0", .server_processors = "1"});
    assert_string_equal(json_string_value(json_object_get(environment, "ring")), "DEFER_TASKRUN");
    assert_string_equal(json_string_value(json_object_get(environment, "client_processors")), "0");
    assert_string_equal(json_string_value(json_object_get(environment, "server_processors")), "1");
    json_decref(environment);
}

/* What any Linux tells. */
static void test_here(void **state)
{
    static const char *const keys[] = {"kernel", "haul", "c_ares", "compiler", "build"};
    (void)state;
    json_t *environment = environment_json(NULL);
    for (size_t i = 0; i < ROWS(keys); i++)
        assert_non_null(json_string_value(json_object_get(environment, keys[i])));
    assert_true(json_is_null(json_object_get(environment, "ring")));
    assert_int_equal(json_integer_value(json_object_get(environment, "cores_allowed")),
                     environment_processors());
    assert_true(environment_processors() > 0);
    json_decref(environment);
}

static const struct {
    const char *a;
    const char *b;
    const char *differing;
} difference_rows[] = {
    {"{}", "{}", "[]"},
    {"{\"cpu\": \"x\", \"smt\": null}", "{\"smt\": null, \"cpu\": \"x\"}", "[]"},
    {"{\"cpu\": \"x\", \"smt\": null}", "{\"cpu\": \"y\", \"smt\": \"on\"}", "[\"cpu\",\"smt\"]"},
    {"{\"cpu\": \"x\"}", "{}", "[\"cpu\"]"},
    {"{}", "{\"cpu\": \"x\"}", "[\"cpu\"]"},
    {"{\"a\": 1, \"b\": 1}", "{\"b\": 2, \"c\": 1}", "[\"a\",\"b\",\"c\"]"},
    {"{\"load_average\": 1}", "{\"load_average\": 2}", "[]"},
    {"{\"load_average\": 1}", "{}", "[]"},
    {"[1]", "{\"cpu\": null}", "[\"cpu\"]"},
    {"[1]", "[2]", "[]"},
};

static void test_difference(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(difference_rows); i++) {
        json_t *a = json_loads(difference_rows[i].a, 0, NULL);
        json_t *b = json_loads(difference_rows[i].b, 0, NULL);
        json_t *differing = environment_difference(a, b);
        char *text = json_dumps(differing, JSON_COMPACT);
        assert_string_equal(text, difference_rows[i].differing);
        free(text);
        json_decref(a);
        json_decref(b);
        json_decref(differing);
    }
    json_t *nothing = environment_difference(NULL, NULL);
    assert_int_equal(json_array_size(nothing), 0);
    json_decref(nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_here),
        cmocka_unit_test(test_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
