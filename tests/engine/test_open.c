/* Opening when something is missing: memory, at each single place where it is taken; io_uring,
 * refused as a container's seccomp profile does; and options that cannot be used. The linker puts
 * the allocators below in the engine's way. */

#include "engine/engine.h"
#include "tests/lib/gathering.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- allocators ------------------------------------------------------------------------------- */

static int allocations_left = -1; /* until one fails; negative: none does */
static bool has_failed;

static bool has_memory(void)
{
    if (allocations_left < 0 || allocations_left-- > 0)
        return true;
    has_failed = true;
    return false;
}

static void fail_allocation(int number)
{
    allocations_left = number;
    has_failed = false;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size)
{
    return has_memory() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return has_memory() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
    return has_memory() ? __real_realloc(memory, size) : NULL;
}

void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    if (has_memory())
        return __real_mmap(address, length, protection, flags, fd, offset);
    errno = ENOMEM;
    return MAP_FAILED;
}

/* --- memory ----------------------------------------------------------------------------------- */

enum { ALLOCATIONS_MAX = 1000 };

static const char *const headers[] = {"A: b", "C: d", NULL};

static const struct haul_options everything = {
    .concurrency = 4,
    .keep_headers = true,
    .keep_bodies = true,
    .user_agent = "agent",
    .method = "GET",
    .headers = headers,
    .dns_servers = "127.0.0.1",
};

/* Did one fail? */
static bool open_failing_at(int allocation, enum haul_loop loop)
{
    struct haul_options options = everything;
    struct haul *haul = NULL;
    options.loop = loop;
    fail_allocation(allocation);
    int error = haul_open(&haul, &options);
    bool did_fail = has_failed;
    fail_allocation(-1);
    assert_int_equal(error, error && did_fail ? -ENOMEM : 0);
    if (error == 0)
        haul_close(haul);
    return did_fail;
}

/* AUTO may still find memory for epoll, and a ring can do without the buffer ring; but nowhere may
 * anything be left. */
static void opening_needs_all_of_its_memory(void **state)
{
    static const enum haul_loop loops[] = {HAUL_LOOP_EPOLL, HAUL_LOOP_URING, HAUL_LOOP_AUTO};
    char cause[160];
    (void)state;
    for (int i = 0; i < 3; i++) {
        int descriptors = gathering_count_descriptors();
        int allocation = 0;
        bool failed;
        if (loops[i] == HAUL_LOOP_URING && haul_probe_uring(cause, sizeof cause)) {
            print_message("skipped over uring: %s\n", cause);
            continue;
        }
        do {
            failed = open_failing_at(allocation, loops[i]);
            assert_int_equal(gathering_count_descriptors(), descriptors);
        } while (failed && ++allocation < ALLOCATIONS_MAX);
        assert_in_range(allocation, 10, ALLOCATIONS_MAX - 1);
    }
}

static void gathering_needs_all_of_its_memory(void **state)
{
    enum { COUNT = 3 };
    char texts[COUNT][64];
    const char *urls[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "http://127.0.0.1:%u/bytes/40000",
                 gathering_server_port());
        urls[i] = texts[i];
    }
    int descriptors = gathering_count_descriptors();
    int error = -ENOMEM;
    struct haul_options options = {.concurrency = 2, .loop = HAUL_LOOP_EPOLL};
    for (int allocation = 0; error == -ENOMEM; allocation++) {
        struct haul_gathered *gathered = NULL;
        fail_allocation(allocation);
        error = haul_gather(urls, COUNT, &options, &gathered);
        fail_allocation(-1);
        assert_int_equal(gathering_count_descriptors(), descriptors);
        assert_int_equal(error == 0, gathered != NULL);
        haul_gathered_free(gathered);
        assert_in_range(allocation, 0, ALLOCATIONS_MAX);
    }
    assert_int_equal(error, 0);
}

/* --- io_uring refused ------------------------------------------------------------------------- */

static bool refuse_io_uring(int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum { CANNOT_REFUSE = 77 };

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(EXIT_FAILURE);                                                                   \
        }                                                                                          \
    } while (0)

/* What a process without io_uring sees. */
static void use_without_io_uring(int error, const char *name, const char *url)
{
    struct haul *haul;
    struct haul_facts facts;
    const struct haul_result *result;
    char sentence[160] = "";
    if (!refuse_io_uring(error))
        _exit(CANNOT_REFUSE);
    REQUIRE(haul_open(&haul, &(struct haul_options){.loop = HAUL_LOOP_URING}) == -error);
    REQUIRE(haul_probe_uring(sentence, sizeof sentence) == -error);
    REQUIRE(strstr(sentence, name));
    REQUIRE(strstr(sentence, "seccomp") || strstr(sentence, "sysctl"));
    REQUIRE(haul_open(&haul, NULL) == 0);
    haul_get_facts(haul, &facts);
    REQUIRE(strcmp(facts.loop, "epoll") == 0);
    REQUIRE(strcmp(facts.loop_reason, sentence) == 0);
    REQUIRE(haul_submit(haul, &(struct haul_request){.url = url}) == 0);
    REQUIRE(haul_next(haul, &result, GATHERING_PATIENCE_MS) == 0);
    REQUIRE(result->error == HAUL_OK && result->status == 200);
    haul_release(haul, result);
    haul_close(haul);
    _exit(EXIT_SUCCESS);
}

static void without_io_uring_there_is_epoll(void **state)
{
    static const struct {
        int error;
        const char *name;
    } refusals[] = {{EPERM, "EPERM"}, {EACCES, "EACCES"}, {ENOSYS, "ENOSYS"}};
    char url[64];
    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/p/1", gathering_server_port());
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        int status;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            use_without_io_uring(refusals[i].error, refusals[i].name, url);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == CANNOT_REFUSE) {
            print_message("skipped: this kernel installs no seccomp filter\n");
            skip();
        }
        assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
    }
}

/* --- options ---------------------------------------------------------------------------------- */

#define TLS(...)                                                                                   \
    .tls = &(const struct haul_tls)                                                                \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static const struct {
    struct haul_options options;
    const char *word;
    const char *option;
    const char *item; /* NULL: the option has no words, or all of them are at fault */
} bad_options[] = {
    {{.headers = (const char *const[]){"A: b", "no colon", NULL}}, "header", "headers", "no colon"},
    {{.headers = (const char *const[]){"A: b\r\nC: d", NULL}}, "CR, LF", "headers", "A: b\r\nC: d"},
    {{.headers = (const char *const[]){"A: b", "C: d", "Transfer-Encoding: chunked", NULL}},
     "frames",
     "headers",
     "Transfer-Encoding: chunked"},
    {{.method = "NO SPACE"}, "method", "method", "NO SPACE"},
    {{.method = "CONNECT"}, "CONNECT", "method", "CONNECT"},
    {{.user_agent = "a\nb"}, "CR, LF", "user_agent", "a\nb"},
    {{.dns_servers = "not an address"}, "dns_servers", "dns_servers", "not an address"},
    {{.connect_to = (const char *const[]){"::a.test:1", "x", NULL}},
     "connect_to",
     "connect_to",
     "x"},
    {{.resolve = (const char *const[]){"a.test:1:127.0.0.1", "a.test", "y", NULL}},
     "resolve",
     "resolve",
     "a.test"},
    {{.concurrency = UINT32_MAX, .headers = headers}, "concurrency", "concurrency", NULL},
    {{.stream_bodies = true}, "stream_bodies", "stream_bodies", NULL},
    {{TLS(.pinned_keys = "")}, "pinned_keys", "pinned_keys", ""},
    {{TLS(.pinned_keys = ";")}, "pinned_keys", "pinned_keys", ";"},
    {{TLS(.pinned_keys = "sha256//short=")}, "pinned_keys", "pinned_keys", "sha256//short="},
    {{TLS(.at_open = true, .pinned_keys = "", .ca_file = "/nowhere")},
     "pinned_keys",
     "pinned_keys",
     ""},
};

static void assert_text(const char *text, const char *expected)
{
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
}

/* By haul_open() and by haul_gather(), which says the same. */
static void bad_options_are_refused_and_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_options / sizeof *bad_options; i++)
        for (int is_gathered = 0; is_gathered < 2; is_gathered++) {
            const struct haul_options *options = &bad_options[i].options;
            struct haul *haul = NULL;
            struct haul_gathered *gathered = NULL;
            struct haul_open_error why;
            bool is_allowed = is_gathered && options->stream_bodies; /* and switched off by it */
            int descriptors = gathering_count_descriptors();
            int error = is_gathered ? haul_gather_explained(NULL, 0, options, &gathered, &why)
                                    : haul_open_explained(&haul, options, &why);
            assert_int_equal(error, is_allowed ? 0 : -EINVAL);
            haul_gathered_free(gathered);
            assert_int_equal(gathering_count_descriptors(), descriptors);
            assert_text(why.option, is_allowed ? NULL : bad_options[i].option);
            assert_text(why.item, is_allowed ? NULL : bad_options[i].item);
            assert_int_equal(why.detail, HAUL_DETAIL_NONE);
            if (!is_allowed)
                assert_non_null(strstr(why.message, bad_options[i].word));
        }
}

/* What is named is the caller's own word, and not a copy that is gone with the engine. */
static void the_item_is_the_callers(void **state)
{
    static const char line[] = "no colon";
    const struct haul_tls tls = {.at_open = true, .client_certificate = "/nowhere"};
    const char *const lines[] = {"A: b", line, NULL};
    struct haul_open_error why;
    struct haul *haul;
    (void)state;
    assert_int_equal(haul_open_explained(&haul, &(struct haul_options){.headers = lines}, &why),
                     -EINVAL);
    assert_ptr_equal(why.item, line);
    assert_int_equal(haul_open_explained(&haul, &(struct haul_options){.tls = &tls}, &why),
                     -EKEYREJECTED);
    assert_ptr_equal(why.item, tls.client_certificate);
}

/* Files that cannot be used, and the words that tell which. */
static const struct bad_file {
    struct haul_tls tls;
    int error;
    const char *option;
    enum haul_detail detail;
    const char *words;
} bad_files[] = {
    {{.ca_file = "/nowhere"}, ENOKEY, "ca_file", HAUL_DETAIL_CA_FILE, "(ca_file) cannot be read"},
    {{.ca_file = "/"}, ENOKEY, "ca_file", HAUL_DETAIL_CA_FILE, "(ca_file) cannot be read"},
    {{.ca_file = "/proc/self/maps"},
     ENOKEY,
     "ca_file",
     HAUL_DETAIL_CA_FILE,
     "(ca_file) has no certificate"},
    {{.ca_directory = "/nowhere:"},
     ENOKEY,
     "ca_directory",
     HAUL_DETAIL_CA_DIRECTORY,
     "(ca_directory) cannot be read"},
    {{.ca_directory = "/proc/self/fd"},
     ENOKEY,
     "ca_directory",
     HAUL_DETAIL_CA_DIRECTORY,
     "(ca_directory) has no certificate"},
    {{.ca_file = "/nowhere", .ca_directory = "/nowhere"},
     ENOKEY,
     "ca_file",
     HAUL_DETAIL_CA_FILE,
     "(ca_file) cannot be read"},
    {{.ca_file = "/proc/self/maps", .ca_directory = "/nowhere"},
     ENOKEY,
     "ca_directory",
     HAUL_DETAIL_CA_DIRECTORY,
     "(ca_directory) cannot be read"},
    {{.ca_file = "/proc/self/maps", .ca_directory = "/proc/self/fd"},
     ENOKEY,
     NULL,
     HAUL_DETAIL_ROOTS,
     "(ca_file, ca_directory) have no certificate"},
    {{.client_certificate = "/nowhere"},
     EKEYREJECTED,
     "client_certificate",
     HAUL_DETAIL_CLIENT_CERTIFICATE,
     "(client_certificate) cannot be read"},
    {{.client_certificate = "/proc/self/maps", .client_key = "/nowhere"},
     EKEYREJECTED,
     "client_key",
     HAUL_DETAIL_CLIENT_KEY,
     "(client_key) cannot be read"},
    {{.client_certificate = "/proc/self/maps"},
     EKEYREJECTED,
     "client_certificate",
     HAUL_DETAIL_CLIENT_CERTIFICATE,
     "no CERTIFICATE block"},
    {{.client_certificate = "/proc/self/maps", .client_key = "/dev/null"},
     EKEYREJECTED,
     "client_key",
     HAUL_DETAIL_CLIENT_KEY,
     "no private key"},
    {{.key_log = "/nowhere/log"},
     ENOENT,
     "key_log",
     HAUL_DETAIL_KEY_LOG,
     "(key_log) cannot be opened"},
    {{.key_log = "/"}, EISDIR, "key_log", HAUL_DETAIL_KEY_LOG, "(key_log) cannot be opened"},
    /* what can be read only once is not read for the sentence again */
    {{.ca_file = "/dev/null"},
     ENOKEY,
     "ca_file",
     HAUL_DETAIL_CA_FILE,
     "(ca_file) has no certificate"},
    {{.client_certificate = "/dev/null"},
     EKEYREJECTED,
     "client_certificate",
     HAUL_DETAIL_CLIENT_CERTIFICATE,
     "no CERTIFICATE block"},
};

enum { BAD_FILES = sizeof bad_files / sizeof *bad_files };

static const char *path_of(const struct haul_tls *tls, const char *option)
{
    const struct {
        const char *option;
        const char *path;
    } rows[] = {
        {"ca_file", tls->ca_file},
        {"ca_directory", tls->ca_directory},
        {"client_certificate", tls->client_certificate},
        {"client_key", tls->client_key},
        {"key_log", tls->key_log},
    };
    for (size_t i = 0; option && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].option, option) == 0)
            return rows[i].path;
    return NULL;
}

static void bad_files_are_refused_and_named_at_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < BAD_FILES; i++) {
        const struct bad_file *row = &bad_files[i];
        struct haul_open_error why;
        struct haul *haul = NULL;
        struct haul_tls tls = row->tls;
        int descriptors = gathering_count_descriptors();
        tls.at_open = true;
        assert_int_equal(haul_open_explained(&haul, &(struct haul_options){.tls = &tls}, &why),
                         -row->error);
        if (!strstr(why.message, row->words))
            fail_msg("row %zu: %s", i, why.message);
        assert_text(why.option, row->option);
        assert_text(why.item, path_of(&tls, row->option));
        assert_int_equal(why.detail, row->detail);
        assert_int_equal(gathering_count_descriptors(), descriptors);
    }
}

/* A pipe gives what it has once: the sentence is of that reading. */
static void a_pipe_is_read_once(void **state)
{
    char path[32];
    int ends[2];
    struct haul_open_error why;
    struct haul *haul = NULL;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_int_equal(write(ends[1], "no certificate", 14), 14);
    close(ends[1]);
    struct haul_tls tls = {.at_open = true, .ca_file = path};
    assert_int_equal(haul_open_explained(&haul, &(struct haul_options){.tls = &tls}, &why),
                     -ENOKEY);
    assert_string_equal(why.message, "the file of trusted roots (ca_file) has no certificate");
    assert_ptr_equal(why.item, path);
    close(ends[0]);
}

/* Without at_open they are each https request's failure, and nothing to one by http. */
static void bad_files_are_named_by_each_result(void **state)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /"}, {SEND, "HTTP/1.1 204 No Content\r\n\r\n"}, {EXPECT_END}),
        SCRIPT({EXPECT_END}), SCRIPT({EXPECT_END})};
    (void)state;
    for (size_t i = 0; i < BAD_FILES; i++) {
        const struct haul_options options = {.concurrency = 1, .tls = &bad_files[i].tls};
        struct loopback *server = loopback_open(scripts, 3);
        const struct haul_result *result;
        struct haul *haul;
        char url[64];
        assert_int_equal(haul_open(&haul, &options), 0);
        gathering_submit(haul, server, "/");
        gathering_expect_one(haul, "204 ok ''");
        snprintf(url, sizeof url, "https://127.0.0.1:%u/", loopback_port(server));
        for (int again = 0; again < 2; again++) {
            assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
            result = gathering_next(haul);
            assert_int_equal(result->error, HAUL_TLS);
            assert_int_equal(result->stage, HAUL_STAGE_TLS);
            assert_int_equal(result->os_error, bad_files[i].error);
            assert_int_equal(result->detail, bad_files[i].detail);
            if (!strstr(result->message, bad_files[i].words))
                fail_msg("row %zu: %s", i, result->message);
            haul_release(haul, result);
        }
        haul_close(haul);
        assert_loopback(server);
    }
}

static void errors_have_sentences_and_names(void **state)
{
    (void)state;
    assert_string_equal(haul_strerror(-ENOMEM), strerror(ENOMEM));
    assert_string_equal(haul_strerror(-EPERM), strerror(EPERM));
    assert_string_equal(haul_strerror(-123456), "unknown error");
    assert_string_equal(haul_version(), HAUL_VERSION);
    assert_string_equal(haul_error_name(HAUL_OK), "ok");
    assert_string_equal(haul_error_name(HAUL_NOT_STARTED), "not_started");
    assert_string_equal(haul_error_name((enum haul_error)99), "unknown");
    assert_string_equal(haul_stage_name(HAUL_STAGE_DONE), "done");
    assert_string_equal(haul_stage_name((enum haul_stage)99), "unknown");
}

/* Strings of the options are copies; only what the header calls borrowed is. */
static void options_are_copied(void **state)
{
    struct haul *haul;
    char agent[] = "agent";
    char line[] = "X-Line: one";
    char method[] = "PUT";
    const char *lines[] = {line, NULL};
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "PUT /"}, {HAS, "\r\nX-Line: one\r\n"}, {HAS, "\r\nUser-Agent: agent\r\n"},
               {SEND, "HTTP/1.1 204 No Content\r\n\r\n"}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    (void)state;
    assert_int_equal(
        haul_open(&haul,
                  &(struct haul_options){.user_agent = agent, .headers = lines, .method = method}),
        0);
    memset(agent, 'x', sizeof agent - 1);
    memset(line, 'x', sizeof line - 1);
    memset(method, 'x', sizeof method - 1);
    lines[0] = NULL;
    gathering_submit(haul, server, "/");
    const struct haul_result *result = gathering_next(haul);
    assert_int_equal(result->status, 204);
    assert_string_equal(result->method, "PUT");
    haul_release(haul, result);
    haul_close(haul);
    assert_loopback(server);
}

static void closing_nothing_is_allowed(void **state)
{
    struct haul *haul;
    (void)state;
    haul_close(NULL);
    assert_int_equal(haul_open(&haul, NULL), 0);
    haul_close(haul); /* never used */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_needs_all_of_its_memory),
        cmocka_unit_test(gathering_needs_all_of_its_memory),
        cmocka_unit_test(without_io_uring_there_is_epoll),
        cmocka_unit_test(bad_options_are_refused_and_explained),
        cmocka_unit_test(the_item_is_the_callers),
        cmocka_unit_test(bad_files_are_refused_and_named_at_open),
        cmocka_unit_test(a_pipe_is_read_once),
        cmocka_unit_test(bad_files_are_named_by_each_result),
        cmocka_unit_test(errors_have_sentences_and_names),
        cmocka_unit_test(options_are_copied),
        cmocka_unit_test(closing_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
