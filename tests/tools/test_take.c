/* The list of options: what must hold of every row, and how values of each kind are read. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/args.h"
#include "tools/options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void test_rows_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        assert_true(i == 0 || row->group >= option_rows[i - 1].group);
        assert_non_null(row->take);
        assert_true(strlen(row->help) <= 46);
        size_t length = strlen(row->manual);
        assert_true(length > 0 && row->manual[length - 1] == '.');
        assert_true(isupper((unsigned char)row->manual[strspn(row->manual, "*_")]) ||
                    row->manual[0] == '*');
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(row->name, option_rows[j].name);
            assert_true(row->letter == 0 || row->letter != option_rows[j].letter);
        }
    }
}

/* What the words "haul --NAME[=VALUE] u" come to; the message where they are refused. */
static int parse(const char *name, const char *value, struct args *ret_args, char *message,
                 size_t size)
{
    char program[] = "haul", url[] = "u", word[256];
    snprintf(word, sizeof(word), "--%s%s%s", name, value != NULL ? "=" : "",
             value != NULL ? value : "");
    char *words[] = {program, word, url, NULL};
    return args_parse(ret_args, 3, words, message, size);
}

/* The list knows a default and a range; the parser must too. */
static void test_defaults_and_ranges_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        struct args args;
        char message[1024] = "", number[32];
        if (row->value != NULL && row->initial != NULL) {
            assert_int_equal(parse(row->name, row->initial, &args, message, sizeof(message)), 0);
            args_free(&args);
        }
        if (row->take != take_number)
            continue;
        const int64_t ends[] = {row->least, row->most};
        for (int end = 0; end < 2; end++) {
            snprintf(number, sizeof(number), "%lld", (long long)ends[end]);
            assert_int_equal(parse(row->name, number, &args, message, sizeof(message)), 0);
            args_free(&args);
        }
    }
}

/* Numbers of any width and sign, as a row of one's own says. */
static void test_numbers(void **state)
{
    (void)state;
    static const struct option_row signed_row = {.name = "n",
                                                 TAKES_NUMBER(int, engine.fail_status, -1, 30)};
    static const struct option_row wide_row = {.name = "n",
                                               TAKES_NUMBER(uint64_t, inputs.repeat, 0, INT64_MAX)};
    static const struct {
        const struct option_row *row;
        const char *value;
        const char *message; /* NULL: it is taken as number */
        int64_t number;
    } rows[] = {
        {&signed_row, "-1", NULL, -1},
        {&signed_row, "0", NULL, 0},
        {&signed_row, "30", NULL, 30},
        {&signed_row, "-2", "--n '-2': a number from -1 to 30 is wanted", 0},
        {&signed_row, "31", "--n '31': a number from -1 to 30 is wanted", 0},
        {&signed_row, "--1", "--n '--1': a number from -1 to 30 is wanted", 0},
        {&signed_row, "- 1", "--n '- 1': a number from -1 to 30 is wanted", 0},
        {&signed_row, "+1", "--n '+1': a number from -1 to 30 is wanted", 0},
        {&signed_row, "", "--n '': a number from -1 to 30 is wanted", 0},
        {&wide_row, "9223372036854775807", NULL, INT64_MAX},
        {&wide_row, "-0", "--n '-0': a number from 0 to 9223372036854775807 is wanted", 0},
        {&wide_row, "9223372036854775808",
         "--n '9223372036854775808': a number from 0 to 9223372036854775807 is wanted", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char message[128] = "";
        struct args args = {0};
        struct parser parser = {.args = &args,
                                .option = "--n",
                                .value = rows[i].value,
                                .message = message,
                                .message_size = sizeof(message)};
        int code = take_number(&parser, rows[i].row);
        assert_string_equal(message, rows[i].message != NULL ? rows[i].message : "");
        assert_int_equal(code, rows[i].message != NULL ? 2 : 0);
        if (rows[i].row == &signed_row)
            assert_int_equal(args.engine.fail_status, rows[i].number);
        else
            assert_int_equal(args.inputs.repeat, rows[i].number);
        assert_false(args.engine.keep_headers); /* its neighbour, which a wider store would reach */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_whole),
        cmocka_unit_test(test_defaults_and_ranges_are_taken),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
