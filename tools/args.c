/* Owns the command line. The idea: every option is one row of a table, with its name, its letter
 * and the function that takes its value; getopt only cuts the words apart. */

#include "tools/args.h"
#include "tools/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

const char args_help[] =
    "haul gathers many http(s) URLs at once and reports them in the order asked for.\n"
    "usage: haul [OPTION]... URL...     URLs may have globs: /p/[1-150] /{a,b}\n"
    "       haul [OPTION]... -i FILE    one URL a line; '-' is stdin\n"
    "       haul doctor                 what this machine allows   (haul bench: load)\n"
    "input:    -i, --input FILE    -g, --globoff    --repeat N\n"
    "request:  -X, --request METHOD         -H, --header 'Name: value'\n"
    "          -A, --user-agent NAME        -I, --head\n"
    "          -d, --data DATA|@FILE        --data-binary DATA|@FILE\n"
    "control:  -c, --concurrency N  (64)    --window N   results held at once\n"
    "          --max-time SECONDS  (300)    --connect-timeout SECONDS  (10)\n"
    "          --on-error collect|cancel    cancel: the first failure ends all others\n"
    "          -f, --fail                   a status from 400 on is a failure\n"
    "          --loop auto|uring|epoll      --dns-servers HOST[:PORT],...\n"
    "          --resolve HOST:PORT:ADDR,... --connect-to HOST1:PORT1:HOST2:PORT2\n"
    "tls:      --cacert FILE  --capath DIR  roots to trust instead of the system's\n"
    "          --cert FILE  --key FILE      --pinnedpubkey 'sha256//BASE64;...'\n"
    "          -k, --insecure  any certificate  --tls-legacy  TLS 1.0, SHA-1, ...\n"
    "output:   --format ndjson|csv|text|body|none         -o, --output FILE\n"
    "          --headers  --body  -v, --verbose    head, body, TLS into the NDJSON\n"
    "          --bodies DIR                 each body into a file of its own\n"
    "          --unordered                  in the order of completion\n"
    "          --no-progress                -q, --quiet  nor a summary\n"
    "about:    -h, --help   -V, --version   --budget     of memory\n"
    "Every option, the NDJSON's names and the exit codes: man haul\n";

/* What parsing has gathered beside the result. */
struct parser {
    struct args *args;
    const char *option; /* as the user wrote it, for messages */
    const char *value;
    char *message;
    size_t message_size;
    size_t body_length;
    size_t item_count;
    bool head;
    bool stdin_taken;
};

__attribute__((format(printf, 2, 3))) static int fail(struct parser *parser, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->message, parser->message_size, format, arguments);
    va_end(arguments);
    return EXIT_USAGE;
}

static int fail_no_memory(struct parser *parser)
{
    fail(parser, "no memory for the arguments");
    return EXIT_RESOURCE;
}

/* --- values ----------------------------------------------------------------------------------- */

static int take_number(struct parser *parser, uint64_t least, uint64_t most, uint64_t *ret_number)
{
    const char *value = parser->value;
    char *end;
    errno = 0;
    *ret_number = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || *ret_number < least ||
        *ret_number > most)
        return fail(parser, "%s '%s': a number from %llu to %llu is wanted", parser->option, value,
                    (unsigned long long)least, (unsigned long long)most);
    return 0;
}

static int take_uint32(struct parser *parser, uint32_t most, uint32_t *ret_number)
{
    uint64_t number;
    int error = take_number(parser, 1, most, &number);
    if (error == 0)
        *ret_number = (uint32_t)number;
    return error;
}

/* Digits with at most one point between them, and nothing that strtod() would take besides. */
static bool is_decimal(const char *value)
{
    size_t whole = strspn(value, "0123456789");
    size_t fraction = value[whole] == '.' ? strspn(value + whole + 1, "0123456789") : 0;
    size_t length = whole + (value[whole] == '.' ? 1 + fraction : 0);
    return whole + fraction > 0 && value[length] == '\0';
}

/* As in curl 0 is no limit, which the engine calls negative. */
static int take_seconds(struct parser *parser, int64_t *ret_ms)
{
    const double most = 1e9;
    double seconds = is_decimal(parser->value) ? strtod(parser->value, NULL) : -1;
    if (seconds < 0 || seconds > most)
        return fail(parser, "%s '%s': seconds from 0.001 to %.0f are wanted, or 0 for no limit",
                    parser->option, parser->value, most);
    int64_t time_ms = (int64_t)(seconds * 1000 + 0.5);
    *ret_ms = seconds == 0 ? -1 : time_ms > 0 ? time_ms : 1;
    return 0;
}

/* Which of the words, which end with NULL, the value is. */
static int take_word(struct parser *parser, const char *const *words, int *ret_index)
{
    char allowed[128] = "";
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], parser->value) == 0) {
            *ret_index = i;
            return 0;
        }
        size_t length = strlen(allowed);
        snprintf(allowed + length, sizeof(allowed) - length, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    return fail(parser, "%s '%s': one of %s is wanted", parser->option, parser->value, allowed);
}

static int list_append(struct args_list *list, const char *word)
{
    list->words[list->count++] = word;
    return 0;
}

/* --- inputs ----------------------------------------------------------------------------------- */

static int take_stdin(struct parser *parser)
{
    if (parser->stdin_taken)
        return fail(parser, "%s '%s': stdin can be read only once", parser->option, parser->value);
    parser->stdin_taken = true;
    return 0;
}

static void add_item(struct parser *parser, const char *url, const char *path)
{
    parser->args->items[parser->item_count++] = (struct input_item){.url = url, .path = path};
}

static int on_url(struct parser *parser)
{
    add_item(parser, parser->value, NULL);
    return 0;
}

static int on_input(struct parser *parser)
{
    add_item(parser, NULL, parser->value);
    return strcmp(parser->value, "-") == 0 ? take_stdin(parser) : 0;
}

static int on_globoff(struct parser *parser)
{
    parser->args->inputs.literal = true;
    return 0;
}

static int on_repeat(struct parser *parser)
{
    return take_number(parser, 1, INT64_MAX, &parser->args->inputs.repeat);
}

/* --- the request ------------------------------------------------------------------------------ */

static int on_request(struct parser *parser)
{
    parser->args->engine.method = parser->value;
    return 0;
}

static int on_header(struct parser *parser)
{
    return list_append(&parser->args->headers, parser->value);
}

static int on_user_agent(struct parser *parser)
{
    parser->args->engine.user_agent = parser->value;
    return 0;
}

static int on_head(struct parser *parser)
{
    parser->head = true;
    return 0;
}

static int body_append(struct parser *parser, const char *bytes, size_t length)
{
    char *body = realloc(parser->args->body, parser->body_length + length + 1);
    if (body == NULL)
        return fail_no_memory(parser);
    memcpy(body + parser->body_length, bytes, length);
    parser->args->body = body;
    parser->body_length += length;
    return 0;
}

static int body_append_fd(struct parser *parser, int fd)
{
    char buffer[16384];
    ssize_t count;
    int error = 0;
    while (error == 0 && (count = read(fd, buffer, sizeof(buffer))) != 0) {
        if (count > 0)
            error = body_append(parser, buffer, (size_t)count);
        else if (errno != EINTR)
            error = EXIT_READ;
    }
    return error;
}

static int body_append_file(struct parser *parser, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    if (is_stdin && take_stdin(parser) != 0)
        return EXIT_USAGE;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? EXIT_READ : body_append_fd(parser, fd);
    if (error == EXIT_READ)
        fail(parser, "%s: cannot read %s: %s", parser->option, is_stdin ? "stdin" : path,
             strerror(errno));
    if (fd >= 0 && !is_stdin)
        close(fd);
    return error;
}

/* As curl's -d: of a file, line ends and NUL bytes are left out. */
static void body_strip(struct parser *parser, size_t from)
{
    char *body = parser->args->body;
    size_t kept = from;
    for (size_t i = from; i < parser->body_length; i++)
        if (body[i] != '\r' && body[i] != '\n' && body[i] != '\0')
            body[kept++] = body[i];
    parser->body_length = kept;
}

/* Several pieces of data are fields of one form. */
static int body_take(struct parser *parser, bool strip)
{
    const char *value = parser->value;
    bool joined = parser->args->engine.has_body;
    int error = joined ? body_append(parser, "&", 1) : 0;
    size_t from = parser->body_length;
    if (error == 0)
        error = value[0] == '@' ? body_append_file(parser, value + 1)
                                : body_append(parser, value, strlen(value));
    if (error == 0 && strip && value[0] == '@')
        body_strip(parser, from);
    parser->args->engine.has_body = true;
    return error;
}

static int on_data(struct parser *parser)
{
    return body_take(parser, true);
}

static int on_data_binary(struct parser *parser)
{
    return body_take(parser, false);
}

/* --- control ---------------------------------------------------------------------------------- */

static int on_concurrency(struct parser *parser)
{
    return take_uint32(parser, 100000, &parser->args->engine.concurrency);
}

static int on_window(struct parser *parser)
{
    return take_uint32(parser, 4194304, &parser->args->engine.window);
}

static int on_max_time(struct parser *parser)
{
    return take_seconds(parser, &parser->args->engine.max_time_ms);
}

static int on_connect_timeout(struct parser *parser)
{
    return take_seconds(parser, &parser->args->engine.connect_timeout_ms);
}

static int on_on_error(struct parser *parser)
{
    static const char *const words[] = {"collect", "cancel", NULL};
    int index = 0;
    int error = take_word(parser, words, &index);
    parser->args->engine.cancel_on_error = index == 1;
    return error;
}

static int on_fail(struct parser *parser)
{
    parser->args->engine.fail_status = 400;
    return 0;
}

static int on_loop(struct parser *parser)
{
    static const char *const words[] = {
        [HAUL_LOOP_AUTO] = "auto", [HAUL_LOOP_URING] = "uring", [HAUL_LOOP_EPOLL] = "epoll", NULL};
    int index = 0;
    int error = take_word(parser, words, &index);
    parser->args->engine.loop = (enum haul_loop)index;
    return error;
}

static int on_dns_servers(struct parser *parser)
{
    parser->args->engine.dns_servers = parser->value;
    return 0;
}

static int on_connect_to(struct parser *parser)
{
    return list_append(&parser->args->connect_to, parser->value);
}

static int on_resolve(struct parser *parser)
{
    return list_append(&parser->args->resolve, parser->value);
}

/* --- TLS -------------------------------------------------------------------------------------- */

static int on_cacert(struct parser *parser)
{
    parser->args->tls.ca_file = parser->value;
    return 0;
}

static int on_capath(struct parser *parser)
{
    parser->args->tls.ca_directory = parser->value;
    return 0;
}

static int on_insecure(struct parser *parser)
{
    parser->args->tls.insecure = true;
    return 0;
}

static int on_cert(struct parser *parser)
{
    parser->args->tls.client_certificate = parser->value;
    return 0;
}

static int on_key(struct parser *parser)
{
    parser->args->tls.client_key = parser->value;
    return 0;
}

/* The base64 of 32 bytes is 43 characters and the padding. */
static bool is_pin(const char *pin, size_t length)
{
    static const char prefix[] = "sha256//";
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t begin = sizeof(prefix) - 1;
    return length == begin + 44 && memcmp(pin, prefix, begin) == 0 &&
           strspn(pin + begin, alphabet) == 43 && pin[begin + 43] == '=';
}

static int on_pinnedpubkey(struct parser *parser)
{
    const char *pin = parser->value;
    size_t length = strcspn(pin, ";");
    while (is_pin(pin, length) && pin[length] == ';') {
        pin += length + 1;
        length = strcspn(pin, ";");
    }
    if (!is_pin(pin, length))
        return fail(parser, "%s '%.*s': sha256// and the base64 of 32 bytes is wanted",
                    parser->option, (int)length, pin);
    parser->args->tls.pinned_keys = parser->value;
    return 0;
}

static int on_tls_legacy(struct parser *parser)
{
    parser->args->tls.legacy = true;
    return 0;
}

/* --- output ----------------------------------------------------------------------------------- */

static int on_format(struct parser *parser)
{
#define SINK_FORMAT_WORD(name, text) text,
    static const char *const words[] = {SINK_FORMATS(SINK_FORMAT_WORD) NULL};
#undef SINK_FORMAT_WORD
    int index = 0;
    int error = take_word(parser, words, &index);
    parser->args->sink.format = (enum sink_format)index;
    return error;
}

static int on_output(struct parser *parser)
{
    parser->args->sink.path = strcmp(parser->value, "-") == 0 ? NULL : parser->value;
    return 0;
}

static int on_headers(struct parser *parser)
{
    parser->args->sink.headers = true;
    return 0;
}

static int on_body(struct parser *parser)
{
    parser->args->sink.body = true;
    return 0;
}

static int on_verbose(struct parser *parser)
{
    parser->args->sink.verbose = true;
    return 0;
}

static int on_bodies(struct parser *parser)
{
    parser->args->sink.bodies = parser->value;
    return 0;
}

static int on_unordered(struct parser *parser)
{
    parser->args->engine.unordered = true;
    return 0;
}

static int on_no_progress(struct parser *parser)
{
    parser->args->no_progress = true;
    return 0;
}

static int on_quiet(struct parser *parser)
{
    parser->args->quiet = true;
    return 0;
}

static int on_budget(struct parser *parser)
{
    parser->args->action = ARGS_BUDGET;
    return 0;
}

static int on_help(struct parser *parser)
{
    parser->args->action = ARGS_HELP;
    return 0;
}

static int on_version(struct parser *parser)
{
    parser->args->action = ARGS_VERSION;
    return 0;
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct rule {
    const char *name;
    char letter; /* 0: none */
    bool has_value;
    int (*take)(struct parser *parser);
} rules[] = {
    {"input", 'i', true, on_input},
    {"globoff", 'g', false, on_globoff},
    {"repeat", 0, true, on_repeat},
    {"request", 'X', true, on_request},
    {"header", 'H', true, on_header},
    {"user-agent", 'A', true, on_user_agent},
    {"head", 'I', false, on_head},
    {"data", 'd', true, on_data},
    {"data-binary", 0, true, on_data_binary},
    {"concurrency", 'c', true, on_concurrency},
    {"window", 0, true, on_window},
    {"max-time", 0, true, on_max_time},
    {"connect-timeout", 0, true, on_connect_timeout},
    {"on-error", 0, true, on_on_error},
    {"fail", 'f', false, on_fail},
    {"loop", 0, true, on_loop},
    {"dns-servers", 0, true, on_dns_servers},
    {"connect-to", 0, true, on_connect_to},
    {"resolve", 0, true, on_resolve},
    {"cacert", 0, true, on_cacert},
    {"capath", 0, true, on_capath},
    {"insecure", 'k', false, on_insecure},
    {"cert", 0, true, on_cert},
    {"key", 0, true, on_key},
    {"pinnedpubkey", 0, true, on_pinnedpubkey},
    {"tls-legacy", 0, false, on_tls_legacy},
    {"format", 0, true, on_format},
    {"output", 'o', true, on_output},
    {"headers", 0, false, on_headers},
    {"body", 0, false, on_body},
    {"verbose", 'v', false, on_verbose},
    {"bodies", 0, true, on_bodies},
    {"unordered", 0, false, on_unordered},
    {"no-progress", 0, false, on_no_progress},
    {"quiet", 'q', false, on_quiet},
    {"budget", 0, false, on_budget},
    {"help", 'h', false, on_help},
    {"version", 'V', false, on_version},
};

enum { RULES = sizeof(rules) / sizeof(rules[0]), LONG_ONLY = 256, NO_OPTION = 1 };

/* What getopt_long() wants to know, made from the rules. */
struct getopt_tables {
    struct option options[RULES + 1];
    char letters[2 + 2 * RULES + 1];
};

/* '-' hands out what is no option as the value of option 1, in the order of writing; ':' tells a
 * missing value from an unknown option. */
static void tables_fill(struct getopt_tables *tables)
{
    char *letter = stpcpy(tables->letters, "-:");
    for (int i = 0; i < RULES; i++) {
        tables->options[i] = (struct option){
            .name = rules[i].name,
            .has_arg = rules[i].has_value ? required_argument : no_argument,
            .val = rules[i].letter != 0 ? rules[i].letter : LONG_ONLY + i,
        };
        if (rules[i].letter != 0) {
            *letter++ = rules[i].letter;
            if (rules[i].has_value)
                *letter++ = ':';
        }
    }
    *letter = '\0';
    tables->options[RULES] = (struct option){0};
}

static const struct rule *rule_find(int code)
{
    for (int i = 0; i < RULES; i++)
        if (code == LONG_ONLY + i || (rules[i].letter != 0 && code == rules[i].letter))
            return &rules[i];
    return NULL;
}

static void rule_name(const struct rule *rule, char *ret_name, size_t size)
{
    if (rule->letter != 0)
        snprintf(ret_name, size, "-%c/--%s", rule->letter, rule->name);
    else
        snprintf(ret_name, size, "--%s", rule->name);
}

/* getopt leaves in optopt the option that it knows, the letter that it does not, or 0 for a long
 * word that it does not. */
static int fail_option(struct parser *parser, int code, char **argv)
{
    char name[64] = "";
    const struct rule *rule = rule_find(optopt);
    if (rule != NULL)
        rule_name(rule, name, sizeof(name));
    if (code == ':')
        return fail(parser, "%s wants a value; see haul --help", name);
    if (rule != NULL)
        return fail(parser, "%s takes no value", name);
    if (optopt == 0)
        return fail(parser, "unknown or ambiguous option '%s'; see haul --help", argv[optind - 1]);
    return fail(parser, "unknown option '-%c'; see haul --help", optopt);
}

/* code is what getopt_long() returned: a word of its own, or an option with its value in optarg. */
static int take_option(struct parser *parser, int code, char **argv)
{
    char name[64];
    const struct rule *rule = rule_find(code);
    parser->value = optarg;
    if (code == NO_OPTION)
        return on_url(parser);
    if (rule == NULL)
        return fail_option(parser, code, argv);
    rule_name(rule, name, sizeof(name));
    parser->option = name;
    return rule->take(parser);
}

static int take_words(struct parser *parser, int argc, char **argv)
{
    struct getopt_tables tables;
    int code, error = 0;
    tables_fill(&tables);
    opterr = 0;
    optind = 0;
    while (error == 0 &&
           (code = getopt_long(argc, argv, tables.letters, tables.options, NULL)) != -1)
        error = take_option(parser, code, argv);
    for (; error == 0 && optind < argc; optind++) {
        parser->value = argv[optind];
        error = on_url(parser);
    }
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
    if (parser->head && args->engine.has_body)
        return fail(parser, "-I/--head and -d/--data exclude each other");
    if (parser->head && args->engine.method == NULL)
        args->engine.method = "HEAD";
    if (args->engine.has_body && !header_is_given(args, "Content-Type"))
        list_append(&args->headers, "Content-Type: application/x-www-form-urlencoded");
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
        return fail(parser, "--key is the key of a --cert, and there is none");
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
    if (args->sink.format != SINK_NDJSON &&
        (args->sink.headers || args->sink.body || args->sink.verbose))
        return fail(parser, "--headers, --body and -v/--verbose are for --format ndjson");
    bool whole_bodies = args->sink.body;
    bool bodies = args->sink.bodies != NULL || args->sink.format == SINK_BODY;
    args->engine.keep_headers = args->sink.headers;
    args->engine.keep_bodies = whole_bodies || bodies;
    args->engine.stream_bodies = bodies && !whole_bodies;
    args->engine.raise_nofile = true;
    return 0;
}

static int settle_inputs(struct parser *parser)
{
    struct args *args = parser->args;
    if (parser->item_count == 0 && args->action == ARGS_RUN)
        return fail(parser, "no URL and no -i FILE; see haul --help");
    args->inputs.items = args->items;
    args->inputs.item_count = parser->item_count;
    return 0;
}

int args_parse(struct args *ret_args, int argc, char **argv, char *ret_message, size_t size)
{
    struct parser parser = {.args = ret_args, .message = ret_message, .message_size = size};
    size_t words = (size_t)argc;
    *ret_args = (struct args){.inputs.repeat = 1, .engine.tls = &ret_args->tls};
    if (argc == 2 && strcmp(argv[1], "doctor") == 0) {
        ret_args->action = ARGS_DOCTOR;
        return 0;
    }
    ret_args->items = calloc(words, sizeof(*ret_args->items));
    ret_args->headers.words = calloc(words + 2, sizeof(char *));
    ret_args->connect_to.words = calloc(words + 1, sizeof(char *));
    ret_args->resolve.words = calloc(words + 1, sizeof(char *));
    if (ret_args->items == NULL || ret_args->headers.words == NULL ||
        ret_args->connect_to.words == NULL || ret_args->resolve.words == NULL)
        return fail_no_memory(&parser);
    int error = take_words(&parser, argc, argv);
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
