/* Lines filled with words, as they stand in the terminal. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/base/prose.h"

#include <stdlib.h>

static const struct {
    const char *name;
    const char *label;
    size_t width;
    const char *text;
    const char *lines;
} fills[] = {
    {"nothing", "", 0, "", "\n"},
    {"a label alone", "rate", 8, "", "rate    \n"},
    {"words and blanks", "rate", 8, "  200  per   second ", "rate    200 per second\n"},
    {"a label that is too long", "connections:", 8, "64", "connections:64\n"},
    {"sixty columns are a line", "", 0,
     "123456789 123456789 123456789 123456789 123456789 1234567890",
     "123456789 123456789 123456789 123456789 123456789 1234567890\n"},
    {"and not one more", "", 0, "123456789 123456789 123456789 123456789 123456789 12345678901",
     "123456789 123456789 123456789 123456789 123456789\n12345678901\n"},
    {"indented as the label is wide", "a:", 4,
     "123456789 123456789 123456789 123456789 123456789 1234567890",
     "a:  123456789 123456789 123456789 123456789 123456789\n    1234567890\n"},
    {"a word that fits in no line is cut", "a:", 52, "123456789 is a number",
     "a:                                                  12345678\n"
     "                                                    9 is a\n"
     "                                                    number\n"},
    {"characters are counted, not bytes", "µ", 54, "äöü äö",
     "µ                                                     äöü äö\n"},
    {"what could move the cursor", "", 0, "a\x1b[2Jb\tc\x7f", "a?[2Jb?c?\n"},
};

static void lines_are_filled(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fills / sizeof *fills; i++) {
        char *lines = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&lines, &length);
        assert_non_null(out);
        print_message("%s\n", fills[i].name);
        prose_line(out, fills[i].label, fills[i].width, "%s", fills[i].text);
        fclose(out);
        assert_string_equal(lines, fills[i].lines);
        free(lines);
    }
}

static void words_of_several_calls_are_apart(void **state)
{
    char *lines = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&lines, &length);
    (void)state;
    assert_non_null(out);
    struct prose prose = {.out = out};
    prose_begin(&prose, "load", 6);
    prose_put(&prose, "%d connections,", 64);
    prose_words(&prose, "");
    prose_words(&prose, "no TLS");
    prose_end(&prose);
    fclose(out);
    assert_string_equal(lines, "load  64 connections, no TLS\n");
    free(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_filled),
        cmocka_unit_test(words_of_several_calls_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
