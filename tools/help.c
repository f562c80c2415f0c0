/* Owns the look of --help. The idea: what fits a screen is names, in cells on a grid; what an
 * option does has a line of its own, and is asked for. */

#include "tools/help.h"
#include "tools/exits.h"
#include "tools/options.h"

#include <string.h>

enum {
    COLUMNS = 80,
    INDENT = 9, /* "request: " */
    CELL = 12,  /* a name takes as many of these as it needs */
    TOPIC_NAMES = 34,
    TEXT_BYTES = 128,
};

/* "-c, --concurrency N"; with its default: "-c, --concurrency N (64)". Returns its length. */
static int text_of(const struct option_row *row, bool with_initial, char text[TEXT_BYTES])
{
    const char letter[] = {'-', row->letter, ',', ' ', '\0'};
    bool shown = with_initial && row->initial != NULL;
    return snprintf(text, TEXT_BYTES, "%s--%s%s%s%s%s%s", row->letter != 0 ? letter : "", row->name,
                    row->value != NULL ? " " : "", row->value != NULL ? row->value : "",
                    shown ? " (" : "", shown ? row->initial : "", shown ? ")" : "");
}

static void write_group(FILE *to, enum option_group group)
{
    char text[TEXT_BYTES];
    int column = fprintf(to, "%s:", option_groups[group]);
    int next = INDENT;
    for (size_t i = 0; i < option_count; i++) {
        if (option_rows[i].group != group || option_rows[i].is_rare)
            continue;
        int length = text_of(&option_rows[i], true, text);
        if (next + length > COLUMNS) {
            column = 0 * fprintf(to, "\n");
            next = INDENT;
        }
        column += fprintf(to, "%*s%s", next - column, "", text);
        next = INDENT + (column - INDENT + CELL) / CELL * CELL;
        next += next - column < 2 ? CELL : 0;
    }
    fprintf(to, "\n");
}

void help_write(FILE *to)
{
    fprintf(to,
            "haul gathers many http(s) URLs at once and reports them in the order asked for.\n"
            "usage: haul [OPTION]... URL...     URLs may have globs: /p/[1-150] /{a,b}\n"
            "       haul [OPTION]... -i FILE    one URL a line; '-' is stdin\n"
            "       haul doctor                 what this machine allows   (haul bench: load)\n");
    for (int group = 0; group < option_group_count; group++)
        write_group(to, (enum option_group)group);
    fprintf(to, "What they do, and more: haul --help all (or input, tls, retry ...), man haul\n");
}

static bool is_meant(const struct option_row *row, const char *topic)
{
    const char *name = topic + strspn(topic, "-");
    bool is_letter = name[0] != '\0' && name[0] == row->letter && name[1] == '\0';
    return strcmp(topic, "all") == 0 || strcmp(topic, option_groups[row->group]) == 0 ||
           strcmp(name, row->name) == 0 || is_letter;
}

static bool write_exits(FILE *to)
{
#define WRITE_EXIT(name, code, errors, when) fprintf(to, "%3d  %-11s  %s\n", code, errors, when);
    EXITS(WRITE_EXIT)
#undef WRITE_EXIT
    return true;
}

static bool write_options(FILE *to, const char *topic)
{
    char text[TEXT_BYTES];
    bool is_one = false;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (!is_meant(row, topic))
            continue;
        is_one = true;
        int length = text_of(row, false, text);
        if (length > TOPIC_NAMES - 2)
            length = 0 * fprintf(to, "%s\n", text);
        else
            fprintf(to, "%s", text);
        fprintf(to, "%*s%s", TOPIC_NAMES - length, "", row->help);
        if (row->initial != NULL)
            fprintf(to, " (%s)", row->initial);
        fprintf(to, "\n");
    }
    return is_one;
}

bool help_write_topic(FILE *to, const char *topic)
{
    return strcmp(topic, "exits") == 0 ? write_exits(to) : write_options(to, topic);
}
