/* The rows of options against the manual page, whose path is the argument, and against what they
 * say themselves. */

#include "bench/base/exit_status.h"
#include "bench/commands.h"
#include "bench/result/axes.h"
#include "bench/run/options.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANUAL_BYTES = 64 << 10, LABEL_BYTES = 160 };

static char manual[MANUAL_BYTES];

/* --- the manual page -------------------------------------------------------------------------- */

/* A section is from its head to the next one's; a run's are several. NULL: it is not there. */
static char *section(const char *first, const char *next)
{
    char head[LABEL_BYTES];
    snprintf(head, sizeof head, "\n# %s\n", first);
    const char *begin = strstr(manual, head);
    snprintf(head, sizeof head, "\n# %s\n", next);
    const char *end = begin != NULL ? strstr(begin, head) : NULL;
    return end != NULL ? strndup(begin, (size_t)(end - begin)) : NULL;
}

static char *section_of(size_t command)
{
    char first[LABEL_BYTES] = "LOAD", next[LABEL_BYTES] = "EXIT STATUS";
    for (size_t i = 0; commands[command].name[i] != '\0'; i++)
        snprintf(first + i, sizeof first - i, "%c", toupper(commands[command].name[i]));
    for (size_t i = 0; command + 1 < command_count && commands[command + 1].name[i] != '\0'; i++)
        snprintf(next + i, sizeof next - i, "%c", toupper(commands[command + 1].name[i]));
    return section(first, next);
}

/* "*-c*, *--connections* _N_", and the ends of its line. */
static void label_of(const struct option_row *row, char *ret_label)
{
    size_t length = 0;
    const char *value = row->choices != NULL ? row->choices : row->value;
    length += (size_t)snprintf(ret_label, LABEL_BYTES, "\n");
    if (row->letter != 0)
        length +=
            (size_t)snprintf(ret_label + length, LABEL_BYTES - length, "*-%c*, ", row->letter);
    length += (size_t)snprintf(ret_label + length, LABEL_BYTES - length, "*--%s*", row->name);
    for (const char *between = " "; value != NULL && *value != '\0'; between = "|") {
        size_t size = strcspn(value, "|");
        length += (size_t)snprintf(ret_label + length, LABEL_BYTES - length, "%s_%.*s_", between,
                                   (int)size, value);
        value += size + (value[size] == '|');
    }
    snprintf(ret_label + length, LABEL_BYTES - length, "\n\t");
}

/* In one line and without marks: what begins at a place and ends before an empty line. */
static char *paragraph_at(const char *place)
{
    const char *end = strstr(place, "\n\n");
    char *text = strndup(place, end != NULL ? (size_t)(end - place) : strlen(place)), *to = text;
    for (const char *at = text; *at != '\0'; at++)
        if (*at == '\n')
            *to++ = ' ';
        else if (*at != '*' && *at != '_' && *at != '\t')
            *to++ = *at;
    *to = '\0';
    return text;
}

static void assert_row(const struct command *command, const struct option_row *row,
                       const char *text)
{
    char label[LABEL_BYTES];
    label_of(row, label);
    const char *found = strstr(text, label);
    if (found == NULL)
        fail_msg("the manual page lacks this of '%s':%s", command->name, label);
    if (strstr(found + 1, label) != NULL)
        fail_msg("the manual page has this of '%s' twice:%s", command->name, label);
    char *paragraph = paragraph_at(found + strlen(label));
    if (row->standard != NULL && strstr(paragraph, row->standard) == NULL)
        fail_msg("the manual page does not say %s of --%s: %s", row->standard, row->name,
                 paragraph);
    free(paragraph);
}

/* Every line that begins like an option is one. */
static void assert_lines(const struct command *command, const char *text)
{
    char label[LABEL_BYTES];
    for (const char *line = text; (line = strstr(line, "\n*-")) != NULL; line++) {
        bool is_known = false;
        for (size_t i = 0; i < command->options->count && !is_known; i++) {
            label_of(&command->options->rows[i], label);
            is_known = strncmp(line, label, strlen(label)) == 0;
        }
        if (!is_known)
            fail_msg("the manual page has this of '%s', which is no option: %.60s", command->name,
                     line + 1);
    }
}

static void test_manual(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        char *text = section_of(i);
        if (text == NULL)
            fail_msg("the manual page has no section on '%s'", commands[i].name);
        for (size_t k = 0; k < commands[i].options->count; k++)
            assert_row(&commands[i], &commands[i].options->rows[k], text);
        assert_lines(&commands[i], text);
        free(text);
    }
}

/* Those are between "Keys:" and the semicolon, in their order. */
static void test_manual_axes(void **state)
{
    char keys[LABEL_BYTES] = "Keys:";
    (void)state;
    for (size_t i = 0; i < axis_row_count; i++)
        if (axis_rows[i].option != NULL) {
            size_t length = strlen(keys);
            snprintf(keys + length, sizeof keys - length, "%s %s",
                     keys[length - 1] == ':' ? "" : ",", axis_rows[i].key);
        }
    strcat(keys, ";");
    char *text = paragraph_at(strstr(manual, "*--matrix* _TEXT_\n"));
    if (strstr(text, keys) == NULL)
        fail_msg("the manual page has not '%s' but: %s", keys, text);
    free(text);
}

static void test_manual_statuses(void **state)
{
    char *text = paragraph_at(strstr(manual, "# EXIT STATUS\n\n") + strlen("# EXIT STATUS\n\n"));
    char wanted[1024] = "";
    (void)state;
#define EXIT_STATUS_TEXT(name, status, words)                                                      \
    snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "%s%d %s",                   \
             *wanted != '\0' ? "; " : "", status, words);
    EXIT_STATUSES(EXIT_STATUS_TEXT)
#undef EXIT_STATUS_TEXT
    strcat(wanted, ".");
    assert_string_equal(text, wanted);
    free(text);
}

/* --- rows ------------------------------------------------------------------------------------- */

static void test_rows_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        const struct option_list *list = commands[i].options;
        assert_true(list->count <= OPTION_ROWS_MAX);
        for (size_t k = 0; k < list->count; k++) {
            char name[LABEL_BYTES], letter[] = {'-', list->rows[k].letter, '\0'};
            int length = snprintf(name, sizeof name, "--%s", list->rows[k].name);
            assert_ptr_equal(option_find(list, name, (size_t)length), &list->rows[k]);
            if (letter[1] != '\0')
                assert_ptr_equal(option_find(list, letter, 2), &list->rows[k]);
            assert_true(list->rows[k].help != NULL || list->rows[k].choices != NULL);
            assert_non_null(list->rows[k].take);
        }
    }
}

/* Each command is named by its list's usage and by the run's. */
static void test_usages(void **state)
{
    (void)state;
    for (size_t i = 1; i < command_count; i++) {
        char name[LABEL_BYTES];
        snprintf(name, sizeof name, "usage: haul bench %s ", commands[i].name);
        assert_memory_equal(commands[i].options->usage, name, strlen(name));
        if (strstr(run_options.usage, commands[i].name) == NULL)
            fail_msg("the usage does not name %s", commands[i].name);
    }
}

static void test_helps_are_narrow(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        char *text;
        size_t length, columns = 0;
        FILE *out = open_memstream(&text, &length);
        option_help(out, commands[i].options);
        assert_int_equal(fclose(out), 0);
        for (const char *at = text; *at != '\0'; at++) {
            columns = *at == '\n' ? 0 : columns + (((unsigned char)*at & 0xC0) != 0x80);
            if (columns > 60)
                fail_msg("more than 60 columns: %.70s", at - 60);
        }
        free(text);
    }
}

/* What a row says that holds without the option holds with it, too. */
static void test_standards(void **state)
{
    (void)state;
    for (size_t i = 0; i < run_options.count; i++) {
        const struct option_row *row = &run_options.rows[i];
        char name[] = "haul bench", word[LABEL_BYTES], value[LABEL_BYTES];
        char message[OPTIONS_MESSAGE_BYTES], *words[] = {name, word, value, NULL};
        struct options options;
        if (row->standard == NULL)
            continue;
        snprintf(word, sizeof word, "--%s", row->name);
        snprintf(value, sizeof value, "%s", row->standard);
        if (options_parse(&options, 3, words, message) != OPTIONS_RUN)
            fail_msg("%s", message);
        struct load_options with = load_filled(&options.load);
        struct load_options without = load_filled(&(struct load_options){0});
        assert_memory_equal(&with, &without, offsetof(struct load_options, http));
        assert_int_equal(options.format, FORMAT_TEXT);
        options_free(&options);
    }
}

static void test_choices(void **state)
{
    const struct option_row *loop = option_find(&run_options, "--loop", strlen("--loop"));
    (void)state;
    for (int i = 0; i < CLIENT_COUNT; i++)
        assert_int_equal(option_choice(loop, client_name((enum client_kind)i)), i);
    assert_int_equal(option_choice(loop, ""), -1);
    assert_int_equal(option_choice(loop, "uring|epoll"), -1);
}

/* An axis' option is one of a run, with a value or without as the axis says, and the embedded
 * server's where it says that. */
static void test_axes(void **state)
{
    (void)state;
    for (size_t i = 0; i < axis_row_count; i++) {
        const struct axis_row *axis = &axis_rows[i];
        assert_ptr_equal(axis_find(axis->key), axis);
        if (axis->option == NULL)
            continue;
        const struct option_row *row =
            option_find(&run_options, axis->option, strlen(axis->option));
        if (row == NULL)
            fail_msg("%s is no option", axis->option);
        assert_int_equal(axis->is_switch, row->value == NULL);
        assert_int_equal(axis->is_server, row->is_server);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manual),
        cmocka_unit_test(test_manual_axes),
        cmocka_unit_test(test_manual_statuses),
        cmocka_unit_test(test_rows_differ),
        cmocka_unit_test(test_usages),
        cmocka_unit_test(test_helps_are_narrow),
        cmocka_unit_test(test_standards),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_axes),
    };
    FILE *file = argc > 1 ? fopen(argv[1], "re") : NULL;
    if (file == NULL) {
        fputs("usage: test_commands haul-bench.1.scd\n", stderr);
        return 2;
    }
    manual[fread(manual, 1, sizeof manual - 1, file)] = '\0';
    fclose(file);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
