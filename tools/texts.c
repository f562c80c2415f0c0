/* haul-texts: what the build makes of the rows. Owns no text of its own: it fills the manual's
 * template, and prints the options for the generator of completions. It is not installed.
 *
 *     haul-texts manual <haul.1.scd     the manual; a line "@options tls@" becomes the options of
 *                                       that group, "@fields@" the fields of a result,
 *                                     "@exits@" the exit codes, "@variables@" those of -w
 *     haul-texts rows                   the options, as completions.py reads them */

#include "tools/exits.h"
#include "tools/options.h"
#include "tools/output/fields.h"
#include "tools/output/writeout.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* --- the manual ------------------------------------------------------------------------------- */

/* Words in bold, capitals underlined: what is to be written as it is, and what stands for
 * something. */
static void mark_words(const char *value)
{
    for (; *value != '\0'; value += strspn(value, "|")) {
        size_t length = strcspn(value, "|");
        printf("*%.*s*%s", (int)length, value, value[length] != '\0' ? "|" : "");
        value += length;
    }
}

static size_t capitals(const char *at)
{
    size_t length = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    return isupper((unsigned char)*at) && !islower((unsigned char)at[length]) ? length : 0;
}

static void mark_value(const char *value)
{
    while (*value != '\0') {
        size_t length = capitals(value);
        if (length > 0)
            printf("_%.*s_", (int)length, value);
        else
            length = (size_t)printf("%c", *value);
        value += length;
    }
}

static const char *grouped(char buffer[32], int64_t number)
{
    char digits[24];
    char *at = buffer;
    int length = snprintf(digits, sizeof(digits), "%lld", (long long)number);
    for (int i = 0; i < length; i++) {
        *at++ = digits[i];
        if (isdigit((unsigned char)digits[i]) && i + 1 < length && (length - i - 1) % 3 == 0)
            *at++ = ',';
    }
    *at = '\0';
    return buffer;
}

/* What follows from the fields of the row. */
static void write_facts(const struct option_row *row)
{
    char least[32], most[32];
    bool is_word = option_takes_words(row);
    if (row->take == take_number && row->most < INT64_MAX)
        printf(" From %s to %s.", grouped(least, row->least), grouped(most, row->most));
    if (row->take == take_seconds)
        printf(" Fractions are allowed, *0* is no limit.");
    if (row->repeatable)
        printf(" May be repeated.");
    if (row->initial != NULL)
        printf(" Default %s%s%s.", is_word ? "*" : "", row->initial, is_word ? "*" : "");
}

static void write_option(const struct option_row *row)
{
    if (row->letter != 0)
        printf("*-%c*, ", row->letter);
    printf("*--%s*", row->name);
    if (row->value != NULL) {
        printf(" ");
        if (option_takes_words(row))
            mark_words(row->value);
        else
            mark_value(row->value);
    }
    printf("\n\t%s", row->manual);
    write_facts(row);
    printf("\n");
}

static bool write_options(const char *group)
{
    bool is_one = false;
    for (size_t i = 0; i < option_count; i++) {
        if (strcmp(option_groups[option_rows[i].group], group) != 0)
            continue;
        printf("%s", is_one ? "\n" : "");
        write_option(&option_rows[i]);
        is_one = true;
    }
    return is_one;
}

/* A table: its first row has brackets. errors may be "-, tls": the dash stands for none. */
static void write_exit(int code, const char *errors, const char *when)
{
    printf("%s *%d*\n%s ", code == 0 ? "|[" : "| ", code, code == 0 ? ":[" : ": ");
    bool has_none = errors[0] == '\0' || errors[0] == '-';
    const char *error = errors + strspn(errors, "-, ");
    printf("%s%s", has_none ? "-" : "", has_none && error[0] != '\0' ? ", " : "");
    printf(error[0] != '\0' ? "_%s_" : "%s", error);
    printf("\n%s %s\n", code == 0 ? ":[" : ": ", when);
}

static bool write_exits(void)
{
#define WRITE_EXIT(name, code, errors, when) write_exit(code, errors, when);
    EXITS(WRITE_EXIT)
#undef WRITE_EXIT
    return true;
}

/* object: whose field it is; NULL: none's. */
static void write_field(bool is_first, const char *object, const char *name, const char *manual)
{
    printf("%s *%s%s%s*\n", is_first ? "|[" : "| ", object != NULL ? object : "",
           object != NULL ? "." : "", name);
    printf("%s %s\n", is_first ? ":[" : ": ", manual);
}

static bool write_fields(void)
{
    const char *object = NULL;
    bool is_first = true;
#define WRITE_FIELD(name, where, given, kind, value, manual)                                       \
    write_field(is_first, object, #name, manual);                                                  \
    is_first = false;
#define WRITE_BEGIN(name, where, given, present, manual)                                           \
    write_field(is_first, object, #name, manual);                                                  \
    object = #name;
#define WRITE_END object = NULL;
    RESULT_FIELDS(WRITE_FIELD, WRITE_BEGIN, WRITE_END)
#undef WRITE_FIELD
#undef WRITE_BEGIN
#undef WRITE_END
    return true;
}

static bool write_variables(void)
{
    const char *name, *manual;
    for (size_t i = 0; writeout_variable(i, &name, &manual); i++)
        printf("%s *%s*\n%s %s\n", i == 0 ? "|[" : "| ", name, i == 0 ? ":[" : ": ", manual);
    return true;
}

/* False: a mark that nothing is known for. */
static bool write_marked(char *line)
{
    static const char options[] = "@options ";
    line[strcspn(line, "\n")] = '\0';
    size_t length = strlen(line);
    if (length < 2 || line[length - 1] != '@')
        return false;
    line[length - 1] = '\0';
    if (strncmp(line, options, sizeof(options) - 1) == 0)
        return write_options(line + sizeof(options) - 1);
    if (strcmp(line, "@variables") == 0)
        return write_variables();
    return strcmp(line, "@exits") == 0 ? write_exits()
                                       : strcmp(line, "@fields") == 0 && write_fields();
}

static int write_manual(void)
{
    char line[1024];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (line[0] != '@') {
            fputs(line, stdout);
        } else if (!write_marked(line)) {
            fprintf(stderr, "haul-texts: %s: nothing is known for this mark\n", line);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

/* --- rows for completions --------------------------------------------------------------------- */

static const char *completed_by(const struct option_row *row)
{
    if (row->value == NULL)
        return "nothing";
    if (option_takes_words(row))
        return "words";
    return strcmp(row->value, "FILE") == 0       ? "file"
           : strcmp(row->value, "DIR") == 0      ? "directory"
           : strstr(row->value, "@FILE") != NULL ? "@file"
                                                 : "text";
}

static void write_span(const struct option_row *row)
{
    if (row->take == take_number)
        printf("%lld..%lld", (long long)row->least, (long long)row->most);
}

/* The commands are no rows of their own: there are two. */
static int write_rows(void)
{
    printf("command\thaul\tdoctor\twhat this machine allows\n"
           "command\thaul\tbench\tload a server, and say truly how long it took\n");
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        const char letter[] = {'-', row->letter, '\0'};
        printf("option\thaul\t%s\t--%s\t%s\t%s\t%s\t%s\t", row->letter != 0 ? letter : "",
               row->name, row->value != NULL ? row->value : "", completed_by(row),
               row->repeatable ? "many" : "once", row->initial != NULL ? row->initial : "");
        write_span(row);
        printf("\t%s\n", row->help);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    int code = 2;
    if (argc == 2 && strcmp(argv[1], "manual") == 0)
        code = write_manual();
    else if (argc == 2 && strcmp(argv[1], "rows") == 0)
        code = write_rows();
    else
        fprintf(stderr, "usage: haul-texts manual <TEMPLATE | rows\n");
    return fflush(stdout) != 0 ? EXIT_FAILURE : code;
}
