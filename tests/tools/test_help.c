/* --help: what it must have of every row, and that it fits a screen. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/haul.h"
#include "tools/exits.h"
#include "tools/help.h"
#include "tools/options.h"

#include <stdlib.h>
#include <string.h>

/* What is written for a topic, or for none; NULL: nothing is. The caller frees it. */
static char *help_of(const char *topic)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    bool is_one = true;
    assert_non_null(to);
    if (topic != NULL)
        is_one = help_write_topic(to, topic);
    else
        help_write(to);
    fclose(to);
    if (is_one)
        return text;
    assert_int_equal(size, 0);
    free(text);
    return NULL;
}

static void test_it_fits_a_screen(void **state)
{
    (void)state;
    char *text = help_of(NULL);
    int lines = 0;
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_true(strcspn(line, "\n") <= 80);
        lines++;
    }
    assert_true(lines <= 24);
    free(text);
}

/* "-c, --concurrency N (64)", as a cell of its own. */
static void assert_has(const char *text, const struct option_row *row, const char *after)
{
    char cell[256];
    snprintf(cell, sizeof(cell), "%s--%s%s%s", "", row->name, row->value != NULL ? " " : "",
             row->value != NULL ? row->value : "");
    const char *place = strstr(text, cell);
    while (place != NULL && strchr(" \n", place[strlen(cell)]) == NULL)
        place = strstr(place + 1, cell);
    if (place == NULL)
        fail_msg("there is no %s", cell);
    place += strlen(cell);
    if (row->letter != 0) {
        char letter[] = {'-', row->letter, ',', ' ', '\0'};
        assert_true(strncmp(place - strlen(cell) - strlen(letter), letter, strlen(letter)) == 0);
    }
    place += strspn(place, " \n");
    if (strncmp(place, after, strlen(after)) != 0)
        fail_msg("%s is followed by %.40s, not by %s", cell, place, after);
}

static void test_every_row_is_in_it(void **state)
{
    (void)state;
    char *screen = help_of(NULL), *all = help_of("all");
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        char initial[64] = "";
        if (row->initial != NULL)
            snprintf(initial, sizeof(initial), "(%s)", row->initial);
        if (!row->is_rare)
            assert_has(screen, row, initial);
        assert_has(all, row, row->help);
    }
    free(screen);
    free(all);
}

static void test_topics(void **state)
{
    (void)state;
    static const struct {
        const char *topic, *text;
    } rows[] = {
        {"max-time",
         "-m, --max-time SECONDS            for one request, start to last byte (300)\n"},
        {"--max-time",
         "-m, --max-time SECONDS            for one request, start to last byte (300)\n"},
        {"-k", "-k, --insecure                    take any certificate\n"},
        {"about", "--budget                          where the memory of a run goes\n"
                  "-h, --help                        this list\n"
                  "-V, --version                     the version\n"},
        {"http://127.0.0.1/", NULL},
        {"max", NULL},
        {"-", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = help_of(rows[i].topic);
        if (rows[i].text == NULL)
            assert_null(text);
        else
            assert_string_equal(text, rows[i].text);
        free(text);
    }
}

/* Every error that a result may have is told beside a code, and every code has its line. */
static void test_exits(void **state)
{
    (void)state;
    static const struct {
        const char *errors, *when;
        int code;
    } rows[] = {
#define EXIT_ROW(name, code, errors, when) {errors, when, code},
        EXITS(EXIT_ROW)
#undef EXIT_ROW
    };
    char *text = help_of("exits");
    const char *at = text;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "%3d  %-11s  %s\n", rows[i].code, rows[i].errors,
                 rows[i].when);
        assert_true(strlen(line) <= 81);
        assert_true(strncmp(at, line, strlen(line)) == 0);
        assert_true(i == 0 || rows[i].code >= rows[i - 1].code);
        at += strlen(line);
    }
    assert_string_equal(at, "");
#define ERROR_IS_TOLD(name, word)                                                                  \
    assert_true(HAUL_##name == HAUL_OK || strstr(text, "  " word "  "));
    HAUL_ERRORS(ERROR_IS_TOLD)
#undef ERROR_IS_TOLD
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_fits_a_screen),
        cmocka_unit_test(test_every_row_is_in_it),
        cmocka_unit_test(test_topics),
        cmocka_unit_test(test_exits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
