/* Owns the command line. The idea: getopt only cuts the words apart; what they mean is in the rows
 * (options.c), and what follows from several of them is settled here, once all are read. */

#include "tools/args.h"
#include "tools/curl/meant.h"
#include "tools/options.h"
#include "tools/exits.h"
#include "tools/input/config.h"
#include "tools/input/password.h"
#include "tools/input/query.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- words ------------------------------------------------------------------------------------ */

/* What getopt_long() returns: a word that is no option, the letter of a row, LONG_ONLY and the
 * row's place, or a name of curl's that is none of ours, though one of ours begins so. */
enum { NO_OPTION = 1, LONG_ONLY = 256, OF_CURL = INT_MAX };

/* What it wants to know, made from the rows. */
struct getopt_tables {
    struct option *options;
    char *letters;
};

/* Other names of rows, for hands that know them from curl. */
static const struct alias {
    const char *name;
    char letter; /* 0: none */
    const char *means;
} aliases[] = {
    {"silent", 's', "quiet"},
    {"remote-name-all", 0, "remote-name"},
    {"data-ascii", 0, "data"},
    {"no-progress-meter", 0, "no-progress"},
};

enum { ALIASES = sizeof(aliases) / sizeof(aliases[0]) };

static int place_of(const char *name)
{
    int place = 0;
    while (strcmp(option_rows[place].name, name) != 0)
        place++;
    return place;
}

/* Returns where the letters go on. */
static char *table_fill(struct option *option, char *letters, const char *name, char letter,
                        int place)
{
    const struct option_row *row = &option_rows[place];
    *option = (struct option){
        .name = name,
        .has_arg = row->value != NULL ? required_argument : no_argument,
        .val = letter != 0 ? letter : LONG_ONLY + place,
    };
    if (letter != 0)
        *letters++ = letter;
    if (letter != 0 && row->value != NULL)
        *letters++ = ':';
    return letters;
}

/* getopt takes the beginning of a name for the name: curl's --proto would be --proto-default. */
static bool begins_ours(const char *name)
{
    size_t length = strlen(name);
    bool begins = false;
    for (size_t i = 0; i < option_count; i++) {
        const char *ours = option_rows[i].name;
        if (ours[0] != name[0] || strncmp(ours, name, length) != 0)
            continue;
        if (ours[length] == '\0')
            return false;
        begins = true;
    }
    return begins;
}

static void fill_of_curl(struct option *option)
{
    const char *name;
    for (size_t i = 0; (name = curl_name(i)) != NULL; i++)
        if (begins_ours(name))
            *option++ = (struct option){.name = name, .has_arg = optional_argument, .val = OF_CURL};
}

static size_t count_of_curl(void)
{
    size_t count = 0;
    while (curl_name(count) != NULL)
        count++;
    return count;
}

/* '-' hands out what is no option as the value of option 1, in the order of writing; ':' tells a
 * missing value from an unknown option. */
static void tables_fill(struct getopt_tables *tables)
{
    char *letters = stpcpy(tables->letters, "-:");
    struct option *option = tables->options;
    for (size_t i = 0; i < option_count; i++)
        letters = table_fill(option++, letters, option_rows[i].name, option_rows[i].letter, (int)i);
    for (size_t i = 0; i < ALIASES; i++)
        letters = table_fill(option++, letters, aliases[i].name, aliases[i].letter,
                             place_of(aliases[i].means));
    fill_of_curl(option);
    *letters = '\0';
}

static int tables_make(struct parser *parser, struct getopt_tables *tables)
{
    tables->options =
        calloc(option_count + ALIASES + count_of_curl() + 1, sizeof(*tables->options));
    tables->letters = malloc(2 + 2 * (option_count + ALIASES) + 1);
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
    if (code == OF_CURL)
        return NULL;
    if (code >= LONG_ONLY)
        return &option_rows[code - LONG_ONLY];
    for (size_t i = 0; i < ALIASES; i++)
        if (code != 0 && code == aliases[i].letter)
            return &option_rows[place_of(aliases[i].means)];
    return option_of_letter(code);
}

/* curl's "--no-" before the name of an option that takes no value. */
static bool takes_back(const char *word)
{
    for (size_t i = 0; i < option_count && strncmp(word, "--no-", 5) == 0; i++)
        if (option_rows[i].value == NULL && strcmp(option_rows[i].name, word + 5) == 0)
            return true;
    return false;
}

static int fail_unknown(struct parser *parser, const char *word)
{
    char names[512];
    bool begins;
    int length = (int)strcspn(word, "=");
    const char *of_curl = curl_meant_by_name(word + strspn(word, "-"));
    if (of_curl != NULL)
        return take_fail(parser, "unknown option '%.*s': %s", length, word, of_curl);
    if (takes_back(word))
        return take_fail(parser,
                         "unknown option '%.*s': what it takes back is not done unless "
                         "asked for; leave it out",
                         length, word);
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
    const char *meant = curl_meant_by_letter(optopt);
    if (meant != NULL)
        return take_fail(parser, "unknown option '-%c': %s", optopt, meant);
    return take_fail(parser, "unknown option '-%c'; see haul --help", optopt);
}

/* code is what getopt_long() returned, with its value in optarg. */
static int take_option(struct parser *parser, int code, char **argv)
{
    char name[OPTION_NAME_BYTES];
    const struct option_row *row = row_of(code);
    parser->value = optarg;
    if (code == NO_OPTION && parser->file != NULL)
        return take_fail(parser, "'%s' is no option, and stands behind one that takes no value",
                         optarg);
    if (code == NO_OPTION)
        return take_url(parser, NULL);
    if (code == OF_CURL)
        return fail_unknown(parser, argv[optind - 1]);
    if (row == NULL)
        return fail_option(parser, code, argv);
    parser->option = option_name(row, name);
    return row->take(parser, row);
}

/* optind is then at the first word that was not looked at. */
static int take_options(struct parser *parser, int argc, char **argv)
{
    const struct getopt_tables *tables = parser->tables;
    int code, error = 0;
    opterr = 0;
    optind = 0;
    while (error == 0 &&
           (code = getopt_long(argc, argv, tables->letters, tables->options, NULL)) != -1)
        error = take_option(parser, code, argv);
    return error;
}

static int take_words(struct parser *parser, int argc, char **argv)
{
    struct getopt_tables tables;
    int error = tables_make(parser, &tables);
    parser->tables = &tables;
    if (error == 0)
        error = take_options(parser, argc, argv);
    for (; error == 0 && optind < argc; optind++) {
        parser->value = argv[optind];
        error = take_url(parser, NULL);
    }
    tables_free(&tables);
    return error;
}

/* --- files of options ------------------------------------------------------------------------- */

/* A line as the words that it would be on a command line. The value of a long option is a part of
 * its word, so that an option that takes none is told from one that has a URL behind it. */
static int take_line(struct parser *parser, const struct config_option *option)
{
    char program[] = "haul", *words[4] = {program}, *word = NULL;
    const char *name = option->word + strspn(option->word, "-");
    bool is_short = option->word[0] == '-' && option->word[1] != '-';
    if (name[0] == '\0')
        return take_fail(parser, "'%s' is no option", option->word);
    if (option->has_more)
        return take_fail(parser, "the value of '%s' has white space, and belongs in quotes",
                         option->word);
    if (is_short)
        word = strdup(option->word);
    else if (asprintf(&word, "--%s%s%s", name, option->value != NULL ? "=" : "",
                      option->value != NULL ? option->value : "") < 0)
        word = NULL;
    int error = take_text_over(parser, word);
    if (error != 0)
        return error;
    words[1] = word;
    words[2] = is_short ? (char *)(uintptr_t)option->value : NULL;
    return take_options(parser, words[2] != NULL ? 3 : 2, words);
}

/* Before the sentence of a fault stands where it was found: in the innermost file. */
static int fail_in_file(struct parser *parser, int error, unsigned line)
{
    char *sentence = parser->is_placed ? NULL : strdup(parser->message);
    parser->is_placed = true;
    if (sentence != NULL)
        snprintf(parser->message, parser->message_size, "%s:%u: %s", parser->file->name, line,
                 sentence);
    free(sentence);
    return error;
}

/* An output that has met no URL: where the file has none at all, it is the command line's -o. */
static int settle_file(struct parser *parser)
{
    struct config_file *file = parser->file;
    size_t left = file->early.count - file->early_used;
    parser->option = "output";
    bool has_urls = false;
    for (size_t i = file->first_item; i < parser->item_count; i++)
        has_urls |= parser->args->items[i].url != NULL;
    if (left == 0)
        return 0;
    if (has_urls)
        return fail_in_file(parser, take_fail(parser, "output has no url that it could belong to"),
                            file->early_line);
    for (size_t i = 0; i < file->early.count; i++) {
        parser->value = file->early.words[i];
        parser->file = NULL;
        int error = take_output(parser, NULL);
        parser->file = file;
        if (error != 0)
            return fail_in_file(parser, error, file->early_line);
    }
    return 0;
}

static int take_lines(struct parser *parser, char *text)
{
    struct config config = {.at = text};
    struct config_option option;
    int error = 0;
    while (error == 0 && config_next(&config, &option)) {
        parser->file->line = config.line;
        error = take_line(parser, &option);
    }
    return error != 0 ? fail_in_file(parser, error, config.line) : settle_file(parser);
}

/* getopt keeps its place in variables of its own: between two words, where -K ends, that is optind
 * alone. */
int take_config(struct parser *parser, const struct option_row *row)
{
    (void)row;
    enum { DEPTH_MAX = 10 };
    const char *name = strcmp(parser->value, "-") == 0 ? "stdin" : parser->value;
    const char *option = parser->option;
    struct config_file *outer = parser->file;
    struct config_file file = {.name = name,
                               .first_item = parser->item_count,
                               .depth = outer != NULL ? outer->depth + 1 : 1};
    int place = optind;
    char *text;
    size_t length;
    if (file.depth > DEPTH_MAX)
        return take_fail(parser, "%s '%s': files name each other, more than %d deep", option, name,
                         DEPTH_MAX);
    int error = take_file(parser, parser->value, &text, &length);
    if (error != 0)
        return error;
    if (strlen(text) != length)
        return take_fail(parser, "%s '%s': it has a zero byte, and is no file of options", option,
                         name);
    parser->file = &file;
    error = take_lines(parser, text);
    parser->file = outer;
    free(file.early.words);
    optind = place;
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

/* Unless the words have that field. */
static int add_header(struct parser *parser, const char *name, const char *header)
{
    return header_is_given(parser->args, name) ? 0
                                               : take_more(parser, &parser->args->headers, header);
}

/* One kind of body, or none with -I. */
static int check_body(struct parser *parser)
{
    const struct args *args = parser->args;
    bool has_form = args->form.levels[0].has_fields;
    bool has_file = parser->upload_file != NULL;
    if (args->head && args->engine.has_body && !parser->is_get)
        return take_fail(parser, "-I/--head and %s exclude each other",
                         has_form ? "-F/--form" : "-d/--data");
    if (args->head && has_file)
        return take_fail(parser, "-I/--head and -T/--upload-file exclude each other");
    if (has_form + has_file + parser->has_data > 1)
        return take_fail(parser, "-d/--data, -F/--form and -T/--upload-file exclude each other: a "
                                 "request has one body");
    if (parser->is_get && (has_form || has_file))
        return take_fail(parser, "-G/--get is for -d/--data; %s cannot go into a URL",
                         has_form ? "a form" : "a file");
    return 0;
}

/* -G: the data is a part of the query, behind that of --url-query. */
static int settle_get(struct parser *parser)
{
    struct args *args = parser->args;
    size_t length;
    const char *text = payload_text(&args->payload, &length);
    char *query = NULL;
    args->engine.has_body = false;
    if (!parser->has_data)
        return 0;
    if (text == NULL || strlen(text) != length)
        return take_fail(parser, "-G/--get: that is too long for a URL, or has zero bytes");
    if (asprintf(&query, "%s%s%s", args->query != NULL ? args->query : "",
                 args->query != NULL && length > 0 ? "&" : "", text) < 0)
        return take_fail_no_memory(parser);
    free(args->query);
    args->query = query;
    return 0;
}

/* It is announced as curl does it, whatever its length; the name that a URL lacks is its own. */
static int settle_upload(struct parser *parser)
{
    struct args *args = parser->args;
    struct stat status;
    const char *path = parser->upload_file;
    bool is_stdin = strcmp(path, "-") == 0;
    parser->option = "-T/--upload-file";
    parser->value = path;
    int fd, error = take_open(parser, path, &fd);
    if (error != 0)
        return error;
    off_t offset = lseek(fd, 0, SEEK_CUR);
    bool is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    args->file = (struct haul_body_part){
        .fd = fd, .offset = offset > 0 ? (uint64_t)offset : 0, .length = HAUL_TO_END};
    args->upload =
        (struct haul_upload){.parts = &args->file, .is_chunked = is_stdin, .is_once = !is_file};
    args->has_upload = true;
    if (args->engine.method == NULL)
        args->engine.method = "PUT";
    bool is_empty = is_file && !is_stdin && status.st_size == 0;
    bool is_old = args->transport.http_version == 10;
    if (!is_empty && !is_old && add_header(parser, "Expect", "Expect: 100-continue") != 0)
        return EXIT_RESOURCE;
    const char *slash = strrchr(path, '/');
    char *name = is_stdin ? NULL : path_encode(slash != NULL ? slash + 1 : path);
    args->inputs.name = name;
    return is_stdin ? 0 : take_text_over(parser, name);
}

static int settle_form(struct parser *parser)
{
    struct args *args = parser->args;
    char *type = NULL;
    if (form_end(&args->form, &args->payload) < 0)
        return take_fail_no_memory(parser);
    if (asprintf(&type, "Content-Type: multipart/form-data; boundary=%s",
                 args->form.levels[0].boundary) < 0)
        type = NULL;
    int error = take_text_over(parser, type);
    return error != 0 ? error : add_header(parser, "Content-Type", type);
}

/* What is all in memory the engine has for all requests; else each is given its parts. */
static int settle_body(struct parser *parser)
{
    struct args *args = parser->args;
    if (parser->is_json &&
        (add_header(parser, "Content-Type", "Content-Type: application/json") != 0 ||
         add_header(parser, "Accept", "Accept: application/json") != 0))
        return EXIT_RESOURCE;
    int error = check_body(parser);
    if (error == 0 && parser->is_get)
        return settle_get(parser);
    if (error == 0 && parser->upload_file != NULL)
        return settle_upload(parser);
    if (error == 0 && args->form.levels[0].has_fields)
        error = settle_form(parser);
    if (error != 0 || !args->engine.has_body)
        return error;
    args->engine.body = payload_text(&args->payload, &args->engine.body_length);
    args->has_upload = args->engine.body == NULL;
    args->upload.parts = payload_parts(&args->payload);
    args->engine.body_length = args->has_upload ? 0 : args->engine.body_length;
    return add_header(parser, "Content-Type", "Content-Type: application/x-www-form-urlencoded");
}

static int settle_request(struct parser *parser)
{
    struct args *args = parser->args;
    int error = settle_body(parser);
    if (error != 0)
        return error;
    if (args->range != NULL && !header_is_given(args, "Range") &&
        take_more(parser, &args->headers, args->range) != 0)
        return EXIT_RESOURCE;
    if (args->referer != NULL && !header_is_given(args, "Referer") &&
        take_more(parser, &args->headers, args->referer) != 0)
        return EXIT_RESOURCE;
    if (args->head && args->engine.method == NULL)
        args->engine.method = "HEAD";
    args->engine.headers = args->headers.words;
    args->engine.connect_to = args->connect_to.words;
    args->engine.resolve = args->resolve.words;
    args->engine.max_ratio = args->max_ratio > 0 ? args->max_ratio : UINT64_MAX;
    args->limits.deny_addresses = args->deny.words;
    return 0;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Once everything else is known to be right: nobody types a password for nothing. */
static int ask_password(struct parser *parser)
{
    enum { PASSWORD_BYTES = 4096 };
    char password[PASSWORD_BYTES];
    struct args *args = parser->args;
    if (!args->asks_password || args->auth.bearer != NULL || args->action != ARGS_RUN)
        return 0;
    int error = password_ask(args->auth.user, password, sizeof(password));
    if (error == -ENXIO)
        return take_fail(parser, "-u/--user wants USER:PASSWORD where there is no terminal to ask "
                                 "for the password on");
    if (error < 0)
        return take_fail(parser, "-u/--user: no password was given: %s",
                         error == -E2BIG ? "it is longer than 4,095 bytes" : "the input has ended");
    char *copy = strdup(password);
    explicit_bzero(password, sizeof(password));
    args->auth.password = copy;
    return take_text_over(parser, copy);
}

/* ~/.netrc, which need not be there. */
static int settle_home_netrc(struct parser *parser)
{
    char *path = NULL;
    struct args *args = parser->args;
    const char *home = environment("HOME");
    const struct passwd *entry = home == NULL ? getpwuid(geteuid()) : NULL;
    if (entry != NULL)
        home = entry->pw_dir;
    if (asprintf(&path, "%s/.netrc", home != NULL ? home : "") < 0)
        path = NULL;
    args->netrc_file = path;
    int error = take_text_over(parser, path);
    if (error == 0 && access(path, F_OK) != 0)
        args->netrc_trouble = haul_strerror(-errno);
    return error;
}

static int settle_netrc(struct parser *parser)
{
    char *text;
    size_t length;
    struct args *args = parser->args;
    bool is_optional = args->auth.netrc_optional;
    int error = 0;
    if (args->auth.digest && args->auth.bearer != NULL)
        return take_fail(parser, "--digest and --oauth2-bearer exclude each other");
    if (args->action != ARGS_RUN || (!args->has_netrc && !is_optional && args->netrc_file == NULL))
        return 0;
    parser->option = args->netrc_file != NULL ? "--netrc-file"
                     : args->has_netrc        ? "-n/--netrc"
                                              : "--netrc-optional";
    if (args->netrc_file == NULL)
        error = settle_home_netrc(parser);
    else if (is_optional && access(args->netrc_file, F_OK) != 0)
        args->netrc_trouble = haul_strerror(-errno);
    if (error != 0 || args->netrc_trouble != NULL)
        return error;
    error = take_file(parser, args->netrc_file, &text, &length);
    if (error != 0)
        return error;
    if (strlen(text) != length) {
        take_fail(parser, "%s: %s has a zero byte, and is no netrc file", parser->option,
                  args->netrc_file);
        return EXIT_READ;
    }
    args->auth.netrc = text;
    return 0;
}

/* Roots that are named by an option are all that is trusted: the environment adds none. */
static int settle_tls(struct parser *parser)
{
    static const uint16_t versions[] = {0, HAUL_TLS_1_2, HAUL_TLS_1_3};
    struct haul_tls *tls = &parser->args->tls;
    tls->version_min = versions[parser->args->tls_min];
    tls->version_max = versions[parser->args->tls_max];
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

/* The text of -w stands alone where nobody asks for lines besides. */
static int settle_writeout(struct parser *parser)
{
    struct args *args = parser->args;
    if (args->write_out == NULL)
        return 0;
    if (writeout_open(&args->writeout, args->write_out) != 0)
        return take_fail_no_memory(parser);
    args->sink.writeout = args->writeout;
    if (!args->says_format && !args->says_output)
        args->sink.format = SINK_NONE;
    return 0;
}

/* Where a URL's own output leads, as far as that can be told before the run. */
static void settle_own_output(struct bodies_options *files, const char *output)
{
    bool is_standard = strcmp(output, "-") == 0;
    files->has_outputs = true;
    files->has_standard |= is_standard;
    files->has_direct |= !is_standard && !bodies_can_rewind(files, output);
}

static int settle_files(struct parser *parser)
{
    struct args *args = parser->args;
    struct bodies_options *files = &args->sink.files;
    files->has_remote_names = args->remote_names;
    for (size_t i = 0; i < parser->item_count; i++)
        if (args->items[i].output != NULL)
            settle_own_output(files, args->items[i].output);
    if (files->directory != NULL && files->has_remote_names)
        return take_fail(parser, "--bodies and -O/--remote-name exclude each other: both name "
                                 "the file of a body");
    if (files->output_dir != NULL && !files->has_remote_names && !files->has_outputs)
        return take_fail(parser, "--output-dir is for the files of -O/--remote-name; bodies named "
                                 "by their number go to --bodies DIR");
    if (args->keeps_failed && args->engine.fail_status != 0)
        return take_fail(parser, "-f/--fail and --fail-with-body exclude each other");
    if (args->keeps_failed)
        args->engine.fail_status = 400;
    files->drops_failed = args->engine.fail_status != 0 && !args->keeps_failed;
    args->sink.fail_status = args->engine.fail_status;
    args->sink.tells_failures = args->shows_errors && args->quiet;
    return 0;
}

/* Before the output, which tells of redirects where they are followed. */
static void settle_redirect(struct args *args)
{
    struct haul_redirect *redirect = &args->redirect;
    redirect->follow = redirect->follow || redirect->location_trusted;
    redirect->keep_hops = redirect->follow && args->sink.verbose;
    args->sink.follows = redirect->follow;
}

/* Before the output, likewise. */
static void settle_retry(struct args *args)
{
    struct haul_retry *retry = &args->retry;
    retry->has_budget = retry->budget_percent <= 100;
    retry->keep_tries = retry->max > 0 && args->sink.verbose;
    args->sink.retries = retry->max > 0;
}

static int settle_output(struct parser *parser)
{
    struct args *args = parser->args;
    int error = settle_writeout(parser);
    if (error == 0)
        error = settle_files(parser);
    if (error != 0)
        return error;
    const struct format *format = sink_formats[args->sink.format];
    if (!format->has_extras && (args->sink.headers || args->sink.body || args->sink.verbose))
        return take_fail(parser, "--headers, --body and -v/--verbose are for --format ndjson");
    args->sink.compressed = args->engine.compressed;
    bool whole_bodies = args->sink.body;
    bool bodies = bodies_are_wanted(&args->sink.files) || format->piece != NULL;
    args->engine.keep_bodies = whole_bodies || bodies;
    args->engine.keep_headers =
        args->sink.headers || (args->writeout != NULL && writeout_needs_heads(args->writeout));
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
    args->inputs.names_files = args->remote_names;
    args->inputs.query = args->query;
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
    *ret_args = (struct args){
        .inputs.repeat = 1,
        .max_ratio = 1000,
        .engine = {.tls = &ret_args->tls,
                   .redirect = &ret_args->redirect,
                   .retry = &ret_args->retry,
                   .transport = &ret_args->transport,
                   .limits = &ret_args->limits,
                   .times = &ret_args->times,
                   .auth = &ret_args->auth},
        .retry.budget_percent = UINT32_MAX, /* none is given */
        .redirect = {.has_max = true, .max = 30},
    };
    if (argc == 2 && strcmp(argv[1], "doctor") == 0) {
        ret_args->action = ARGS_DOCTOR;
        return 0;
    }
    int error = take_words(&parser, argc, argv);
    if (error == 0)
        error = settle_words(&parser);
    if (error == 0)
        error = settle_request(&parser);
    if (error == 0)
        error = settle_tls(&parser);
    settle_redirect(ret_args);
    settle_retry(ret_args);
    if (error == 0)
        error = settle_output(&parser);
    if (error == 0)
        error = settle_inputs(&parser);
    if (error == 0)
        error = settle_netrc(&parser);
    if (error == 0)
        error = ask_password(&parser);
    return error;
}

void args_free(struct args *args)
{
    free(args->items);
    free(args->headers.words);
    free(args->connect_to.words);
    free(args->resolve.words);
    for (size_t i = 0; i < args->texts.count; i++)
        free((void *)(uintptr_t)args->texts.words[i]);
    free(args->texts.words);
    writeout_close(args->writeout);
    free(args->query);
    free(args->deny.words);
    payload_close(&args->payload);
    if (args->has_upload && args->file.fd > STDERR_FILENO)
        close(args->file.fd);
}
