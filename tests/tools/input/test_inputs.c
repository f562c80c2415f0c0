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
    struct input_options options = {
        .items = items, .item_count = count, .repeat = repeat, .literal = literal};
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
    {"x[1-2]\ny", "x1 (line 1 of list)\nx2 (line 1 of list)\ny (line 2 of list)\n"},
    {"a\n{b\nc[2-1]\nd", "a (line 1 of list)\n!{b (line 2 of list)\n!c[2-1] (line 3 of list)\n"
                         "d (line 4 of list)\n"},
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

static void test_missing_file(void **state)
{
    (void)state;
    char message[256] = "";
    struct inputs *inputs;
    const struct input_item items[] = {{.url = "a"}, {.path = "/nonexistent/list"}};
    struct input_options options = {.items = items, .item_count = 2, .repeat = 1};
    assert_int_equal(inputs_open(&inputs, &options, message, sizeof(message)), -ENOENT);
    assert_non_null(strstr(message, "/nonexistent/list"));
}

/* A directory opens, and cannot be read. */
static void test_unreadable(void **state)
{
    (void)state;
    struct input input;
    char message[256];
    struct inputs *inputs = inputs_of(&(struct input_item){.path = directory}, 1, 1, false);
    assert_int_equal(inputs_peek(inputs, &input), INPUT_FAILED);
    inputs_describe_failure(inputs, message, sizeof(message));
    assert_non_null(strstr(message, directory));
    inputs_close(inputs);
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
        cmocka_unit_test(test_order_and_repeat),
        cmocka_unit_test(test_literal),
        cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_empty_list_repeated),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_pipe_cannot_repeat),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_last),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
