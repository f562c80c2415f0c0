/* Placeholders: what is one, what is text, and what each stands for. */

#include "bench/load/template.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

static char message[TEMPLATE_MESSAGE_BYTES];

/* What the text is for that request; for free(). */
static char *made(struct template *template, const char *text, uint64_t index)
{
    struct template_text into = {0};
    assert_int_equal(template_put(template, &into, text, strlen(text), index, message), 0);
    assert_int_equal(into.length, strlen(into.bytes));
    return into.bytes;
}

static void test_text(void **state)
{
    static const struct {
        const char *text;
        const char *wanted; /* of request 7; NULL: the text itself, which has no placeholder */
    } rows[] = {
        {"", NULL},
        {"plain", NULL},
        {"{index}", "7"},
        {"/a/{index}?b={index}#c", "/a/7?b=7#c"},
        {"{\"id\":{index}}", "{\"id\":7}"},
        {"{{index}}", "{7}"},
        {"{index", NULL},
        {"index}", NULL},
        {"{}", NULL},
        {"{Index}", NULL},
        {"{ index }", NULL},
        {"{indexes}", NULL},
        {"{index{index}", "{index7"},
        {"{random:3..3}", "3"},
        {"{random:0..0}{random:5..5}", "05"},
        {"{random:3}", NULL},
        {"{random:..3}", NULL},
        {"{random:3..}", NULL},
        {"{random:3..2}", NULL},
        {"{random:3...5}", NULL},
        {"{random:-1..1}", NULL},
        {"{random:1..2x}", NULL},
        {"{random:1..1111111111111111111}", NULL},
        {"{random:}", NULL},
        {"{line:}", NULL},
        {"{line}", NULL},
        {"a{b,c}[1-3]${d}", NULL},
    };
    struct template template;
    (void)state;
    template_open(&template);
    for (size_t i = 0; i < ROWS(rows); i++) {
        char *text = made(&template, rows[i].text, 7);
        assert_string_equal(text, rows[i].wanted != NULL ? rows[i].wanted : rows[i].text);
        assert_int_equal(template_has(rows[i].text, strlen(rows[i].text)), rows[i].wanted != NULL);
        free(text);
    }
    template_close(&template);
}

/* Sixteen digits that do not come again; numbers from the first to the last, both included. */
static void test_random(void **state)
{
    struct template template;
    bool seen[6] = {false};
    (void)state;
    template_open(&template);
    char *one = made(&template, "{random}{random}", 0);
    assert_int_equal(strlen(one), 32);
    assert_int_equal(strspn(one, "0123456789abcdef"), 32);
    assert_memory_not_equal(one, one + 16, 16);
    free(one);
    for (int i = 0; i < 1000; i++) {
        char *number = made(&template, "{random:2..5}", 0);
        assert_in_range(atoi(number), 2, 5);
        seen[atoi(number)] = true;
        free(number);
    }
    assert_true(seen[2] && seen[3] && seen[4] && seen[5]);
    template_close(&template);
}

static void file_make(char *path, const char *bytes)
{
    strcpy(path, "/tmp/test_template.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
    close(fd);
}

/* The lines of a file, one after the other and round; every place in a request has the same one. */
static void test_lines(void **state)
{
    static const char *const wanted[] = {"one,one 0", "t w o,t w o 1", "three,three 2",
                                         "one,one 3"};
    struct template template;
    char path[64], text[256];
    (void)state;
    file_make(path, "one\r\n\n\r\nt w o\nthree");
    snprintf(text, sizeof text, "{line:%s},{line:%s} {index}", path, path);
    template_open(&template);
    for (size_t i = 0; i < ROWS(wanted); i++) {
        char *made_of = made(&template, text, i);
        assert_string_equal(made_of, wanted[i]);
        free(made_of);
    }
    template_close(&template);
    unlink(path);
}

static void test_faults(void **state)
{
    struct template template;
    struct template_text into = {0};
    char path[64], text[256], wanted[512];
    (void)state;
    template_open(&template);
    assert_int_equal(template_put(&template, &into, "{line:/none/of it}", 18, 0, message), -ENOENT);
    assert_string_equal(message, "{line:/none/of it}: No such file or directory");
    assert_int_equal(template_put(&template, &into, "{line:/}", 8, 0, message), -EISDIR);
    file_make(path, "\n\r\n\n");
    snprintf(text, sizeof text, "{line:%s}", path);
    snprintf(wanted, sizeof wanted, "%s: the file has no line", text);
    assert_int_equal(template_put(&template, &into, text, strlen(text), 0, message), -EINVAL);
    assert_string_equal(message, wanted);
    unlink(path);
    free(into.bytes);
    template_close(&template);
}

/* Bytes that are no text pass, and none beyond the end is looked at. */
static void test_bytes(void **state)
{
    static const char bytes[] = {'\0', '{', 'i', 'n', 'd', 'e', 'x', '}', '\0', '{'};
    struct template template;
    struct template_text into = {0};
    (void)state;
    template_open(&template);
    assert_int_equal(template_put(&template, &into, bytes, sizeof bytes, 42, message), 0);
    assert_int_equal(into.length, 5);
    assert_memory_equal(into.bytes,
                        "\0"
                        "42"
                        "\0{",
                        5);
    char *cut = malloc(4);
    memcpy(cut, "{ind", 4);
    assert_false(template_has(cut, 4));
    free(cut);
    free(into.bytes);
    template_close(&template);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_lines), cmocka_unit_test(test_faults),
                                       cmocka_unit_test(test_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
