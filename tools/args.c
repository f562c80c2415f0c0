/* Owns the command line. The idea: getopt only cuts the words apart; what they mean is in the rows
 * (options.c), and what follows from several of them is settled here, once all are read. */

#include "tools/args.h"
#include "tools/options.h"
#include "tools/exits.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* --- words ------------------------------------------------------------------------------------ */

/* What getopt_long() returns: a word that is no option, the letter of a row, or LONG_ONLY and the
 * row's place. */
enum { NO_OPTION = 1, LONG_ONLY = 256 };

/* What it wants to know, made from the rows. */
struct getopt_tables {
    struct option *options;
    char *letters;
};

/* Other names of rows, for hands that know them from curl. */
static const struct alias {
    const char *name;
    char letter;
    char means;
} aliases[] = {{"silent", 's', 'q'}};

enum { ALIASES = sizeof(aliases) / sizeof(aliases[0]) };

/* '-' hands out what is no option as the value of option 1, in the order of writing; ':' tells a
 * missing value from an unknown option. */
static void tables_fill(struct getopt_tables *tables)
{
    char *letter = stpcpy(tables->letters, "-:");
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        tables->options[i] = (struct option){
            .name = row->name,
            .has_arg = row->value != NULL ? required_argument : no_argument,
            .val = row->letter != 0 ? row->letter : LONG_ONLY + (int)i,
        };
        if (row->letter != 0) {
            *letter++ = row->letter;
            if (row->value != NULL)
                *letter++ = ':';
        }
    }
    for (size_t i = 0; i < ALIASES; i++) {
        tables->options[option_count + i] =
            (struct option){aliases[i].name, no_argument, NULL, aliases[i].means};
        *letter++ = aliases[i].letter;
    }
    *letter = '\0';
}

static int tables_make(struct parser *parser, struct getopt_tables *tables)
{
    tables->options = calloc(option_count + ALIASES + 1, sizeof(*tables->options));
    tables->letters = malloc(2 + 2 * option_count + ALIASES + 1);
    if (tables->options == NULL || tables->letters == NULL)
        return take_fail_no_memory(parser);
    tables_fill(tables);
    return 0;
}

static void tables_free(struct getopt_tables *tables)
{
    free(tables->options);
    free(tables->letters);
}

static const struct option_row *row_of(int code)
{
    if (code >= LONG_ONLY)
        return &option_rows[code - LONG_ONLY];
    for (size_t i = 0; i < ALIASES; i++)
        if (code == aliases[i].letter)
            return option_of_letter(aliases[i].means);
    return option_of_letter(code);
}

static int fail_unknown(struct parser *parser, const char *word)
{
    char names[512];
    bool begins;
    int length = (int)strcspn(word, "=");
    if (option_meant(word, names, sizeof(names), &begins) == 0)
        return take_fail(parser, "unknown option '%.*s'; see haul --help", length, word);
    if (begins)
        return take_fail(parser, "option '%.*s' is ambiguous: %s; see haul --help", length, word,
                         names);
    return take_fail(parser, "unknown option '%.*s'; did you mean %s? See haul --help", length,
                     word, names);
}

/* getopt leaves in optopt the option that it knows, the letter that it does not, or 0 for a long
 * word that it does not. */
static int fail_option(struct parser *parser, int code, char **argv)
{
    char name[OPTION_NAME_BYTES] = "";
    const struct option_row *row = row_of(optopt);
    if (row != NULL)
        option_name(row, name);
    if (code == ':')
        return take_fail(parser, "%s wants a value; see haul --help", name);
    if (row != NULL)
        return take_fail(parser, "%s takes no value", name);
    if (optopt == 0)
        return fail_unknown(parser, argv[optind - 1]);
    const char *meant = option_of_curl(optopt);
    if (meant != NULL)
        return take_fail(parser, "unknown option '-%c': %s; see haul --help", optopt, meant);
    return take_fail(parser, "unknown option '-%c'; see haul --help", optopt);
}

/* code is what getopt_long() returned, with its value in optarg. */
static int take_option(struct parser *parser, int code, char **argv)
{
    char name[OPTION_NAME_BYTES];
    const struct option_row *row = row_of(code);
    parser->value = optarg;
    if (code == NO_OPTION)
        return take_url(parser, NULL);
    if (row == NULL)
        return fail_option(parser, code, argv);
    parser->option = option_name(row, name);
    return row->take(parser, row);
}

static int take_words(struct parser *parser, int argc, char **argv)
{
    struct getopt_tables tables;
    int code, error = tables_make(parser, &tables);
    opterr = 0;
    optind = 0;
    while (error == 0 &&
           (code = getopt_long(argc, argv, tables.letters, tables.options, NULL)) != -1)
        error = take_option(parser, code, argv);
    for (; error == 0 && optind < argc; optind++) {
        parser->value = argv[optind];
        error = take_url(parser, NULL);
    }
    tables_free(&tables);
    return error;
}

/* --- what follows from several options -------------------------------------------------------- */

static bool header_is_given(const struct args *args, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < args->headers.count; i++) {
        const char *header = args->headers.words[i];
        if (strncasecmp(header, name, length) == 0 && strchr(":;", header[length]) != NULL)
            return true;
    }
    return false;
}

static int settle_request(struct parser *parser)
{
    struct args *args = parser->args;
    if (args->head && args->engine.has_body)
        return take_fail(parser, "-I/--head and -d/--data exclude each other");
    if (args->head && args->engine.method == NULL)
        args->engine.method = "HEAD";
    if (args->engine.has_body && !header_is_given(args, "Content-Type") &&
        take_more(parser, &args->headers, "Content-Type: application/x-www-form-urlencoded"))
        return EXIT_RESOURCE;
    args->engine.headers = args->headers.words;
    args->engine.connect_to = args->connect_to.words;
    args->engine.resolve = args->resolve.words;
    args->engine.body = args->body;
    args->engine.body_length = parser->body_length;
    return 0;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Roots that are named by an option are all that is trusted: the environment adds none. */
static int settle_tls(struct parser *parser)
{
    struct haul_tls *tls = &parser->args->tls;
    if (tls->client_key != NULL && tls->client_certificate == NULL)
        return take_fail(parser, "--key is the key of a --cert, and there is none");
    tls->at_open =
        tls->ca_file != NULL || tls->ca_directory != NULL || tls->client_certificate != NULL;
    if (tls->ca_file == NULL && tls->ca_directory == NULL) {
        tls->ca_file = environment("SSL_CERT_FILE");
        tls->ca_directory = environment("SSL_CERT_DIR");
        parser->args->roots_of_environment = true;
    }
    tls->key_log = environment("SSLKEYLOGFILE");
    return 0;
}

static int settle_output(struct parser *parser)
{
    struct args *args = parser->args;
    const struct format *format = sink_formats[args->sink.format];
    if (!format->has_extras && (args->sink.headers || args->sink.body || args->sink.verbose))
        return take_fail(parser, "--headers, --body and -v/--verbose are for --format ndjson");
    bool whole_bodies = args->sink.body;
    bool bodies = args->sink.bodies != NULL || format->piece != NULL;
    args->engine.keep_bodies = whole_bodies || bodies;
    /* Who asks for a coding may be told that nobody took it off again. */
    bool may_be_coded = args->engine.keep_bodies && header_is_given(args, "Accept-Encoding");
    args->engine.keep_headers = args->sink.headers || may_be_coded;
    args->engine.stream_bodies = bodies && !whole_bodies;
    args->engine.raise_nofile = true;
    return 0;
}

static int settle_inputs(struct parser *parser)
{
    struct args *args = parser->args;
    if (parser->item_count == 0 && args->action == ARGS_RUN)
        return take_fail(parser, "no URL and no -i FILE; see haul --help");
    if (args->inputs.literal && args->inputs.list_globs)
        return take_fail(parser, "-g/--globoff and --glob exclude each other");
    args->inputs.items = args->items;
    args->inputs.item_count = parser->item_count;
    return 0;
}

/* --- words that are no URL -------------------------------------------------------------------- */

/* What the first word, which is no option, was meant to be; NULL: a URL, for all one knows. */
static const char *command_meant(const char *word)
{
    static const struct {
        const char *word, *meant;
    } rows[] = {
        {"doctor", "haul doctor"},     {"bench", "haul bench"},  {"help", "haul --help"},
        {"version", "haul --version"}, {"usage", "haul --help"}, {"man", "man haul"},
        {"get", "haul URL"},           {"fetch", "haul URL"},
    };
    const char *meant = NULL;
    unsigned least = UINT_MAX;
    size_t length = strlen(word);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned away = words_distance(word, length, rows[i].word);
        if (away <= strlen(rows[i].word) / 3 && away < least) {
            least = away;
            meant = rows[i].meant;
        }
    }
    return meant;
}

/* Where a command would be: as the first word that is no option. That a URL is a bad one is a
 * result; what was never meant to be one is a fault of the command line. */
static int settle_words(struct parser *parser)
{
    struct stat status;
    const char *word = parser->item_count > 0 ? parser->args->items[0].url : NULL;
    if (word == NULL || parser->args->action != ARGS_RUN)
        return 0;
    const char *meant = command_meant(word);
    if (strcmp(word, "doctor") == 0)
        return take_fail(parser, "doctor takes no other words; did you mean haul doctor?");
    if (meant != NULL)
        return take_fail(parser, "'%s' is no URL; did you mean %s?", word, meant);
    if (parser->item_count == 1 && strstr(word, "://") == NULL && stat(word, &status) == 0 &&
        S_ISREG(status.st_mode))
        return take_fail(parser, "'%s' is a file and no URL; -i %s reads URLs from it", word, word);
    return 0;
}

int args_parse(struct args *ret_args, int argc, char **argv, char *ret_message, size_t size)
{
    struct parser parser = {.args = ret_args, .message = ret_message, .message_size = size};
    *ret_args = (struct args){.inputs.repeat = 1, .engine.tls = &ret_args->tls};
    if (argc == 2 && strcmp(argv[1], "doctor") == 0) {
        ret_args->action = ARGS_DOCTOR;
        return 0;
    }
    ret_args->items = calloc((size_t)argc, sizeof(*ret_args->items));
    if (ret_args->items == NULL)
        return take_fail_no_memory(&parser);
    int error = take_words(&parser, argc, argv);
    if (error == 0)
        error = settle_words(&parser);
    if (error == 0)
        error = settle_request(&parser);
    if (error == 0)
        error = settle_tls(&parser);
    if (error == 0)
        error = settle_output(&parser);
    if (error == 0)
        error = settle_inputs(&parser);
    return error;
}

void args_free(struct args *args)
{
    free(args->items);
    free(args->headers.words);
    free(args->connect_to.words);
    free(args->resolve.words);
    free(args->body);
}
