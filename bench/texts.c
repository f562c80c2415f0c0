/* haul-bench-texts: the options of haul bench as completions are made of them. It is not installed.
 * A line is a command, what its words are, or an option, with tabs between the parts:
 *
 *     command  COMMAND  WORD  HELP
 *     operand  COMMAND  text|file
 *     option   COMMAND  -L  --NAME  VALUE  HOW  many|once  DEFAULT  RANGE  HELP
 *
 * HOW is what completes the value: nothing, text, words (those of VALUE), file, directory or
 * @file. */

#include "bench/commands.h"
#include "bench/run/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *completed_by(const struct option_row *row)
{
    if (row->value == NULL)
        return "nothing";
    if (row->choices != NULL)
        return "words";
    return strcmp(row->value, "FILE") == 0 || strcmp(row->value, "PATH") == 0 ? "file"
           : strcmp(row->value, "DIR") == 0                                   ? "directory"
           : strstr(row->value, "@FILE") != NULL                              ? "@file"
                                                                              : "text";
}

/* The choices without the bar at their end. */
static void put_value(const struct option_row *row)
{
    const char *value = row->choices != NULL ? row->choices : row->value;
    size_t length = value != NULL ? strlen(value) : 0;
    if (length > 0 && value[length - 1] == '|')
        length--;
    printf("%.*s", (int)length, value != NULL ? value : "");
}

static void put_option(const char *command, const struct option_row *row)
{
    const char letter[] = {'-', row->letter, '\0'};
    char choices[OPTION_LABEL_BYTES] = "";
    if (row->choices != NULL)
        option_choices(row, choices);
    printf("option\t%s\t%s\t--%s\t", command, row->letter != 0 ? letter : "", row->name);
    put_value(row);
    printf("\t%s\t%s\t%s\t", completed_by(row), row->is_many ? "many" : "once",
           row->standard != NULL ? row->standard : "");
    if (row->most > 0)
        printf("1..%" PRIu64, row->most);
    printf("\t%s\n", row->help != NULL ? row->help : choices);
}

/* What a run takes too, but for what the command has itself. */
static void put_run_options(const char *command, const struct option_list *own)
{
    char name[OPTION_LABEL_BYTES];
    for (size_t i = 0; i < run_options.count; i++) {
        int length = snprintf(name, sizeof name, "--%s", run_options.rows[i].name);
        if (option_find(own, name, (size_t)length) == NULL)
            put_option(command, &run_options.rows[i]);
    }
}

static void put_command(const struct command *command)
{
    char name[OPTION_LABEL_BYTES];
    snprintf(name, sizeof name, "haul bench%s%s", command->name[0] != '\0' ? " " : "",
             command->name);
    if (command->name[0] != '\0')
        printf("command\thaul bench\t%s\t%s\n", command->name, command->help);
    printf("operand\t%s\t%s\n", name, command->has_files ? "file" : "text");
    for (size_t i = 0; i < command->options->count; i++)
        put_option(name, &command->options->rows[i]);
    if (command->options->has_run_options)
        put_run_options(name, command->options);
}

int main(void)
{
    for (size_t i = 0; i < command_count; i++)
        put_command(&commands[i]);
    return fflush(stdout) != 0;
}
