/* Owns the rows of options: finding them, and what is written of them. The idea: whatever names an
 * option reads its row, so that nothing can name one that is not there, or forget one that is. */

#include "bench/base/option.h"
#include "bench/base/prose.h"

#include <string.h>

enum { LABEL_COLUMNS = 24, LONG_ONLY = 256 };

/* --- help ------------------------------------------------------------------------------------- */

/* The label has the line for itself where it would run into the help. */
static void put_label(struct prose *prose, const struct option_row *row)
{
    char label[OPTION_LABEL_BYTES];
    char letter[] = {'-', row->letter, ',', '\0'};
    int length =
        snprintf(label, sizeof label, "  %3s --%s%s%s", row->letter != 0 ? letter : "", row->name,
                 row->value != NULL ? " " : "", row->value != NULL ? row->value : "");

    if (length >= LABEL_COLUMNS) {
        fprintf(prose->out, "%s\n", label);
        label[0] = '\0';
    }
    prose_begin(prose, label, LABEL_COLUMNS);
}

static void put_row(FILE *out, const struct option_row *row)
{
    struct prose prose = {.out = out};
    char choices[OPTION_LABEL_BYTES];

    if (row->heading != NULL)
        fprintf(out, "%s\n", row->heading);
    put_label(&prose, row);
    if (row->choices != NULL) {
        option_choices(row, choices);
        prose_words(&prose, choices);
    }
    if (row->help != NULL)
        prose_words(&prose, row->help);
    if (row->standard != NULL)
        prose_put(&prose, "(%s)", row->standard);
    prose_end(&prose);
}

void option_help(FILE *out, const struct option_list *list)
{
    fputs(list->usage, out);
    for (size_t i = 0; i < list->count; i++)
        put_row(out, &list->rows[i]);
    fputs(list->notes, out);
}

/* --- finding ---------------------------------------------------------------------------------- */

const struct option_row *option_find(const struct option_list *list, const char *word,
                                     size_t length)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct option_row *row = &list->rows[i];
        bool is_letter = length == 2 && word[0] == '-' && word[1] == row->letter;
        if (is_letter || (length > 2 && strlen(row->name) == length - 2 && word[0] == '-' &&
                          word[1] == '-' && memcmp(row->name, word + 2, length - 2) == 0))
            return row;
    }
    return NULL;
}

void option_label(const struct option_row *row, char *ret_label)
{
    if (row->letter != 0)
        snprintf(ret_label, OPTION_LABEL_BYTES, "-%c", row->letter);
    else
        snprintf(ret_label, OPTION_LABEL_BYTES, "--%s", row->name);
}

/* Choices end with '|', but the last need not. */
int option_choice(const struct option_row *row, const char *value)
{
    const char *choice = row->choices;

    for (int i = 0; choice != NULL && *choice != '\0'; i++) {
        size_t length = strcspn(choice, "|");
        if (strlen(value) == length && memcmp(value, choice, length) == 0)
            return i;
        choice += length + (choice[length] == '|');
    }
    return -1;
}

void option_choices(const struct option_row *row, char *ret_text)
{
    const char *choice = row->choices, *between = "";
    size_t used = 0;

    ret_text[0] = '\0';
    while (*choice != '\0' && used < OPTION_LABEL_BYTES) {
        size_t length = strcspn(choice, "|");
        const char *next = choice + length + (choice[length] == '|');
        used += (size_t)snprintf(ret_text + used, OPTION_LABEL_BYTES - used, "%s%.*s", between,
                                 (int)length, choice);
        between = next[strcspn(next, "|")] == '\0' || strchr(next, '|')[1] == '\0' ? " or " : ", ";
        choice = next;
    }
}

/* --- getopt ----------------------------------------------------------------------------------- */

/* ':' tells a missing value from an unknown option. */
void option_getopt(const struct option_list *list, struct option_getopt *ret_getopt)
{
    char *letter = ret_getopt->letters;

    *letter++ = ':';
    for (size_t i = 0; i < list->count; i++) {
        const struct option_row *row = &list->rows[i];
        ret_getopt->options[i] = (struct option){
            .name = row->name,
            .has_arg = row->value != NULL ? required_argument : no_argument,
            .val = row->letter != 0 ? row->letter : LONG_ONLY + (int)i,
        };
        if (row->letter != 0)
            *letter++ = row->letter;
        if (row->letter != 0 && row->value != NULL)
            *letter++ = ':';
    }
    *letter = '\0';
    ret_getopt->options[list->count] = (struct option){0};
}

const struct option_row *option_of_getopt(const struct option_list *list, int code)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct option_row *row = &list->rows[i];
        if (code == LONG_ONLY + (int)i || (row->letter != 0 && code == row->letter))
            return row;
    }
    return NULL;
}

/* --- takers ----------------------------------------------------------------------------------- */

static void *place_of(const struct option_taking *taking)
{
    return (char *)taking->into + taking->row->at;
}

bool option_take_text(const struct option_taking *taking)
{
    const char **place = place_of(taking);

    *place = taking->value;
    return true;
}

bool option_take_switch(const struct option_taking *taking)
{
    bool *place = place_of(taking);

    *place = true;
    return true;
}
