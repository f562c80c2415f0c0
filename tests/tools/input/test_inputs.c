/* The list of URLs: what the file "list" and the arguments hold, and what comes out of them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/input/inputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/haul-inputs-XXXXXX";
static char list_path[64];

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(list_path, sizeof(list_path), "%s/list", directory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(list_path);
    return rmdir(directory);
}

static bool list_globs; /* of the inputs that are opened next */

static void list_write(const char *bytes, size_t length)
{
    FILE *file = fopen(list_path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static struct inputs *inputs_of(const struct input_item *items, size_t count, uint64_t repeat,
                                bool literal)
{
    struct inputs *inputs;
    char message[256] = "";
    struct input_options options = {.items = items,
                                    .item_count = count,
                                    .repeat = repeat,
                                    .literal = literal,
                                    .list_globs = list_globs};
    assert_int_equal(inputs_open(&inputs, &options, message, sizeof(message)), 0);
    return inputs;
}

/* Everything that comes, as "URL (where)" with a '!' before what is refused; closes inputs. */
static void drain(struct inputs *inputs, char *ret_text)
{
    struct input input, again;
    char place[128];
    *ret_text = '\0';
    while (inputs_peek(inputs, &input) == INPUT_READY) {
        assert_int_equal(inputs_peek(inputs, &again), INPUT_READY);
        assert_ptr_equal(again.url, input.url);
        inputs_describe(inputs, input.tag, place, sizeof(place));
        char *slash = strrchr(place, '/');
        if (slash != NULL) /* of the temporary directory only the file's name is told */
            memmove(strstr(place, "of ") + 3, slash + 1, strlen(slash));
        sprintf(ret_text + strlen(ret_text), "%s%.*s (%s)\n", input.refused ? "!" : "",
                (int)input.length, input.url, place);
        inputs_advance(inputs);
    }
    assert_int_equal(inputs_peek(inputs, &input), INPUT_END);
    inputs_close(inputs);
}

static const struct {
    const char *list;
    const char *urls;
} list_rows[] = {
    {"", ""},
    {"\n\n  \n\t\r\n", ""},
    {"# only a comment", ""},
    {"a\nb\n", "a (line 1 of list)\nb (line 2 of list)\n"},
    {"a\n\n# no\n  b  \r\nc", "a (line 1 of list)\nb (line 4 of list)\nc (line 5 of list)\n"},
    {"\xEF\xBB\xBF"
     "a\n\xEF\xBB\xBF"
     "b\n",
     "a (line 1 of list)\n\xEF\xBB\xBF"
     "b (line 2 of list)\n"},
    {"x[1-2]\ny", "x[1-2] (line 1 of list)\ny (line 2 of list)\n"},
    {"a\n{b\n?c[0]=\\{d\\}", "a (line 1 of list)\n{b (line 2 of list)\n"
                             "?c[0]=\\{d\\} (line 3 of list)\n"},
};

static void test_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(list_rows) / sizeof(list_rows[0]); i++) {
        char text[1024];
        list_write(list_rows[i].list, strlen(list_rows[i].list));
        drain(inputs_of(&(struct input_item){.path = list_path}, 1, 1, false), text);
        assert_string_equal(text, list_rows[i].urls);
    }
}

/* Only where it is asked for is a line a glob. */
static void test_list_globs(void **state)
{
    static const char list[] = "a\n{b\nc[2-1]\nx[1-2]\ny";
    char text[1024];
    (void)state;
    list_write(list, strlen(list));
    list_globs = true;
    drain(inputs_of(&(struct input_item){.path = list_path}, 1, 1, false), text);
    list_globs = false;
    assert_string_equal(text, "a (line 1 of list)\n!{b (line 2 of list)\n!c[2-1] (line 3 of list)\n"
                              "x1 (line 4 of list)\nx2 (line 4 of list)\ny (line 5 of list)\n");
}

/* The first line that would have been something else as a glob; NULL: there is none. */
static const struct {
    const char *list;
    const char *line;
} unglobbed_rows[] = {
    {"a\nb\n", NULL},
    {"http://[::1]/[]\n", NULL},
    {"a\n\nb{c}\nd[1-2]\n", "line 3 of "},
    {"?a[0]=1\n", "line 1 of "},
    {"a\\{b\\}\n", "line 1 of "},
};

static void test_unglobbed_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(unglobbed_rows) / sizeof(unglobbed_rows[0]); i++) {
        char place[128] = "";
        struct input input;
        const char *wanted = i % 2 == 0 ? unglobbed_rows[i / 2].line : NULL;
        list_write(unglobbed_rows[i / 2].list, strlen(unglobbed_rows[i / 2].list));
        const struct input_item items[] = {{.url = "{no,line}"}, {.path = list_path}};
        struct inputs *inputs = inputs_of(items, 2, 1, i % 2 == 1);
        while (inputs_peek(inputs, &input) == INPUT_READY)
            inputs_advance(inputs);
        assert_int_equal(inputs_describe_unglobbed(inputs, place, sizeof(place)), wanted != NULL);
        assert_true(wanted == NULL || strncmp(place, wanted, strlen(wanted)) == 0);
        inputs_close(inputs);
    }
}

/* What is no list: a part of the sentence about it; NULL: it is one, whatever its lines are. */
#define BYTES(text) .bytes = (text), .length = sizeof(text) - 1
static const struct {
    const char *bytes;
    size_t length;
    const char *why;
} unfit_rows[] = {
    {BYTES("\xFF\xFEh\0t\0t\0p\0:\0\n\0"), "UTF-16"},
    {BYTES("\xFE\xFF\0h\0t\0t\0p\0:\0\n"), "UTF-16"},
    {BYTES("h\0t\0t\0p\0:\0/\0/\0a\0\r\0\n\0"), "UTF-16"},
    {BYTES("\0h\0t\0t\0p\0:\0/\0/\0a\0\n"), "UTF-16"},
    {BYTES("\n\0h\0t\0t\0p\0:\0/\0/\0a\0\n\0"), "UTF-16"},
    {BYTES("\xFF\xFE\0\0h\0\0\0t\0\0\0\n\0\0\0"), "UTF-32"},
    {BYTES("http://a/1\0http://a/2\0"), "tr '\\0' '\\n'"},
    {BYTES("\x7F"
           "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0"),
     "binary"},
    {BYTES("\x1F\x8B\x08\0\0\0\0\0\0\x03\xCB(\n"), "gzip -dc"},
    {BYTES("BZh91AY&SY\x12\n"), "bzip2 -dc"},
    {BYTES("\xFE\n\xFF\n"), NULL},
    {BYTES("http://a/1\nhttp://a/\0\n"), NULL},
    {BYTES("caf\xE9\n\x01\n"), NULL},
};

static void test_what_is_no_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(unfit_rows) / sizeof(unfit_rows[0]); i++) {
        char message[256];
        struct input input;
        list_write(unfit_rows[i].bytes, unfit_rows[i].length);
        struct inputs *inputs = inputs_of(&(struct input_item){.path = list_path}, 1, 1, false);
        enum input_state state_wanted = unfit_rows[i].why != NULL ? INPUT_FAILED : INPUT_READY;
        assert_int_equal(inputs_peek(inputs, &input), state_wanted);
        assert_int_equal(inputs_peek(inputs, &input), state_wanted);
        if (unfit_rows[i].why != NULL) {
            inputs_describe_failure(inputs, message, sizeof(message));
            assert_non_null(strstr(message, list_path));
            assert_non_null(strstr(message, unfit_rows[i].why));
        }
        inputs_close(inputs);
    }
}

static void test_order_and_repeat(void **state)
{
    (void)state;
    char text[1024];
    list_write("b\nc", 3);
    const struct input_item items[] = {{.url = "a"}, {.path = list_path}, {.url = "{d,e}"}};
    const char *once = "a (argument 1)\nb (line 1 of list)\nc (line 2 of list)\n"
                       "d (argument 2)\ne (argument 2)\n";
    char twice[1024];
    snprintf(twice, sizeof(twice), "%s%s", once, once);
    drain(inputs_of(items, 3, 1, false), text);
    assert_string_equal(text, once);
    drain(inputs_of(items, 3, 2, false), text);
    assert_string_equal(text, twice);
}

static void test_literal(void **state)
{
    (void)state;
    char text[256];
    const struct input_item items[] = {{.url = "{a,b}"}, {.url = "[1-"}};
    drain(inputs_of(items, 2, 1, true), text);
    assert_string_equal(text, "{a,b} (argument 1)\n[1- (argument 2)\n");
}

static void test_refusal(void **state)
{
    (void)state;
    struct input input;
    unsigned column;
    const struct input_item items[] = {{.url = "ab[2-1]"}, {.url = "fine"}};
    struct inputs *inputs = inputs_of(items, 2, 1, false);
    assert_int_equal(inputs_peek(inputs, &input), INPUT_READY);
    assert_non_null(inputs_refusal(input.tag, &column));
    assert_int_equal(column, 7);
    inputs_advance(inputs);
    assert_int_equal(inputs_peek(inputs, &input), INPUT_READY);
    assert_null(inputs_refusal(input.tag, &column));
    inputs_close(inputs);
}

/* However often, an empty list ends. */
static void test_empty_list_repeated(void **state)
{
    (void)state;
    char text[16];
    list_write("# nothing\n", 10);
    drain(inputs_of(&(struct input_item){.path = list_path}, 1, INT64_MAX, false), text);
    assert_string_equal(text, "");
}

/* Lines around the lengths at which something changes: 16,000 is the longest URL, and 65,536 bytes
 * is what is looked at. The line after it always comes whole, with its right number. */
static void test_long_lines(void **state)
{
    (void)state;
    static const size_t lengths[] = {15999, 16000, 16001, 65535, 65536, 65537, 200000};
    char *bytes = malloc(200000 + 8);
    assert_non_null(bytes);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct input input;
        memset(bytes, 'u', lengths[i]);
        memcpy(bytes + lengths[i], "\nnext\n", 6);
        list_write(bytes, lengths[i] + 6);
        struct inputs *inputs = inputs_of(&(struct input_item){.path = list_path}, 1, 1, false);
        assert_int_equal(inputs_peek(inputs, &input), INPUT_READY);
        assert_int_equal(input.length, lengths[i] < 16001 ? lengths[i] : 16001);
        inputs_advance(inputs);
        assert_int_equal(inputs_peek(inputs, &input), INPUT_READY);
        assert_int_equal(input.length, 4);
        assert_memory_equal(input.url, "next", 4);
        inputs_advance(inputs);
        assert_int_equal(inputs_peek(inputs, &input), INPUT_END);
        inputs_close(inputs);
    }
    free(bytes);
}

/* A pipe is never waited for, and a line counts when it is whole. */
static void test_pipe(void **state)
{
    (void)state;
    int fds[2];
    struct input input;
    int saved = dup(STDIN_FILENO);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
    close(fds[0]);
    struct inputs *inputs = inputs_of(&(struct input_item){.path = "-"}, 1, 1, false);
    assert_int_equal(inputs_peek(inputs, &input), INPUT_WAIT);
    assert_int_equal(inputs_fd(inputs), STDIN_FILENO);
    assert_int_equal(write(fds[1], "ab", 2), 2);
    assert_int_equal(inputs_peek(inputs, &input), INPUT_WAIT);
    assert_int_equal(write(fds[1], "c\nd", 3), 3);
    assert_int_equal(inputs_peek(inputs, &input), INPUT_READY);
    assert_int_equal(input.length, 3);
    assert_memory_equal(input.url, "abc", 3);
    inputs_advance(inputs);
    assert_int_equal(inputs_peek(inputs, &input), INPUT_WAIT);
    close(fds[1]);
    assert_int_equal(inputs_peek(inputs, &input), INPUT_READY);
    assert_memory_equal(input.url, "d", 1);
    inputs_advance(inputs);
    assert_int_equal(inputs_peek(inputs, &input), INPUT_END);
    inputs_close(inputs);
    dup2(saved, STDIN_FILENO);
    close(saved);
}

static void test_pipe_cannot_repeat(void **state)
{
    (void)state;
    int fds[2];
    char message[256] = "";
    struct inputs *inputs;
    int saved = dup(STDIN_FILENO);
    assert_int_equal(pipe(fds), 0);
    dup2(fds[0], STDIN_FILENO);
    struct input_item item = {.path = "-"};
    struct input_options options = {.items = &item, .item_count = 1, .repeat = 2};
    assert_int_equal(inputs_open(&inputs, &options, message, sizeof(message)), -EINVAL);
    assert_non_null(strstr(message, "stdin"));
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(fds[0]);
    close(fds[1]);
}

/* What cannot be opened, and what is said of it. */
static const struct {
    const char *path; /* NULL: the directory */
    int error;
    const char *why;
} unopened_rows[] = {
    {"/nonexistent/list", -ENOENT, "/nonexistent/list: No such file"},
    {"http://a/", -ENOENT, "http://a/: -i wants a file of URLs; leave out"},
    {NULL, -EISDIR, ": it is a directory, and -i wants a file"},
};

static void test_unopened(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(unopened_rows) / sizeof(unopened_rows[0]); i++) {
        char message[256] = "";
        struct inputs *inputs;
        const char *path = unopened_rows[i].path != NULL ? unopened_rows[i].path : directory;
        const struct input_item items[] = {{.url = "a"}, {.path = path}};
        struct input_options options = {.items = items, .item_count = 2, .repeat = 1};
        assert_int_equal(inputs_open(&inputs, &options, message, sizeof(message)),
                         unopened_rows[i].error);
        assert_non_null(strstr(message, path));
        assert_non_null(strstr(message, unopened_rows[i].why));
    }
}

/* Lists without a URL, and what is said of them; NULL: there is one. */
static const struct {
    const char *list;
    const char *why;
} empty_rows[] = {
    {"", " is empty"},
    {"\n#http://a/\n", " has no URL: what it has is blank lines and # comments"},
    {"x\n", NULL},
};

static void test_empty_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(empty_rows) / sizeof(empty_rows[0]); i++) {
        char message[256];
        size_t cursor = 0;
        struct input input;
        list_write(empty_rows[i].list, strlen(empty_rows[i].list));
        const struct input_item items[] = {{.url = "a"}, {.path = list_path}};
        struct inputs *inputs = inputs_of(items, 2, 1, false);
        assert_false(inputs_describe_empty(inputs, &cursor, message, sizeof(message)));
        while (inputs_peek(inputs, &input) == INPUT_READY)
            inputs_advance(inputs);
        cursor = 0;
        assert_int_equal(inputs_describe_empty(inputs, &cursor, message, sizeof(message)),
                         empty_rows[i].why != NULL);
        assert_true(empty_rows[i].why == NULL || strstr(message, empty_rows[i].why) != NULL);
        assert_false(inputs_describe_empty(inputs, &cursor, message, sizeof(message)));
        inputs_close(inputs);
    }
}

/* How many are left once so many were taken. */
static void test_left(void **state)
{
    static const struct {
        const char *url;
        uint64_t repeat, taken, left;
        bool is_known, is_inside;
    } rows[] = {
        {"{a,b}[1-50]", 1, 0, 100, true, false},
        {"{a,b}[1-50]", 1, 7, 93, true, true},
        {"{a,b}[1-50]", 3, 107, 193, true, true},
        {"{a,b}[1-50]", 3, 100, 200, true, false},
        {"a", 1, 1, 0, true, false},
        {"a", 5, 2, 3, true, false},
        {"[1-9]", 1ull << 63, 4, 0, false, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t left = 0;
        bool is_inside;
        struct input input;
        struct inputs *inputs =
            inputs_of(&(struct input_item){.url = rows[i].url}, 1, rows[i].repeat, false);
        for (uint64_t taken = 0; taken < rows[i].taken; taken++) {
            assert_int_equal(inputs_peek(inputs, &input), INPUT_READY);
            inputs_advance(inputs);
        }
        assert_int_equal(inputs_left(inputs, &left, &is_inside), rows[i].is_known);
        assert_int_equal(left, rows[i].left);
        assert_int_equal(is_inside, rows[i].is_inside);
        inputs_close(inputs);
    }
}

static void test_expected(void **state)
{
    (void)state;
    bool exact;
    struct input input;
    list_write("a\nb\nc\nd\n", 8);
    const struct input_item items[] = {{.url = "[1-150]"}, {.path = list_path}};
    struct inputs *inputs = inputs_of(items, 1, 10, false);
    assert_int_equal(inputs_expected(inputs, &exact), 1500);
    assert_true(exact);
    inputs_close(inputs);
    inputs = inputs_of(items + 1, 1, 1, false);
    assert_int_equal(inputs_peek(inputs, &input), INPUT_READY);
    inputs_advance(inputs);
    assert_int_equal(inputs_expected(inputs, &exact), 4);
    assert_false(exact);
    while (inputs_peek(inputs, &input) == INPUT_READY)
        inputs_advance(inputs);
    assert_int_equal(inputs_expected(inputs, &exact), 4);
    assert_true(exact);
    inputs_close(inputs);
}

static void test_last(void **state)
{
    (void)state;
    char place[64];
    struct input input;
    const struct input_item items[] = {{.url = "a"}, {.url = "b"}};
    struct inputs *inputs = inputs_of(items, 2, 1, false);
    assert_false(inputs_describe_last(inputs, place, sizeof(place)));
    assert_int_equal(inputs_peek(inputs, &input), INPUT_READY);
    inputs_advance(inputs);
    assert_int_equal(inputs_peek(inputs, &input), INPUT_READY);
    assert_true(inputs_describe_last(inputs, place, sizeof(place)));
    assert_string_equal(place, "argument 1");
    inputs_close(inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_list_globs),
        cmocka_unit_test(test_unglobbed_lines),
        cmocka_unit_test(test_order_and_repeat),
        cmocka_unit_test(test_literal),
        cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_empty_list_repeated),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_pipe_cannot_repeat),
        cmocka_unit_test(test_unopened),
        cmocka_unit_test(test_what_is_no_list),
        cmocka_unit_test(test_empty_lists),
        cmocka_unit_test(test_left),
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_last),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
