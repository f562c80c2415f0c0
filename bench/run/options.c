/* The words of a run. An option is a row: what it is called, and what takes its value. */

#include "bench/run/options.h"

#include "bench/base/unit.h"
#include "bench/run/rates.h"
#include "bench/run/stages.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_BYTES_MAX = 64 << 20,
    CONNECTIONS_MAX = 100000,
};

#define INTERVAL_NS_MAX (UINT64_C(86400) * 1000000000)

/* --- numbers ---------------------------------------------------------------------------------- */

/* "128", "4k", "1m". */
static bool parse_size(const char *text, uint64_t *ret_bytes)
{
    const char *end;
    double number;
    uint64_t scale = 1;
    if (!unit_number(text, &end, &number))
        return false;
    if (*end == 'k' || *end == 'K')
        scale = 1 << 10;
    else if (*end == 'm' || *end == 'M')
        scale = 1 << 20;
    if (number >= 1e12 || end[scale > 1] != '\0')
        return false;
    *ret_bytes = (uint64_t)(number * (double)scale);
    return true;
}

static bool is_rate(double rate)
{
    return rate >= 0.001 && rate <= 1e8;
}

/* --- lists and files -------------------------------------------------------------------------- */

static bool list_add(char ***list, const char *text)
{
    size_t count = 0;
    while (*list && (*list)[count])
        count++;
    char **longer = realloc(*list, (count + 2) * sizeof *longer);
    if (!longer)
        return false;
    *list = longer;
    longer[count + 1] = NULL;
    return (longer[count] = strdup(text)) != NULL;
}

static void list_free(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

static __attribute__((format(printf, 2, 3))) bool bad(char *message, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, OPTIONS_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

static bool body_add(struct options *options, const char *bytes, size_t length, char *message)
{
    size_t *total = &options->load.http.body_length;
    char *longer = realloc(options->body, *total + length + 1);
    if (!longer)
        return bad(message, "out of memory");
    memcpy(longer + *total, bytes, length);
    options->body = longer;
    *total += length;
    return true;
}

/* Leaves out line ends and NUL bytes. */
static size_t strip(char *bytes, size_t length)
{
    size_t kept = 0;
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != '\r' && bytes[i] != '\n' && bytes[i] != '\0')
            bytes[kept++] = bytes[i];
    return kept;
}

static bool body_read(struct options *options, const char *path, char *message)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!file)
        return bad(message, "-d @%s: %s", path, strerror(errno));
    char *bytes = malloc(BODY_BYTES_MAX);
    size_t length = bytes ? fread(bytes, 1, BODY_BYTES_MAX, file) : 0;
    bool is_good = bytes || bad(message, "out of memory");
    if (is_good && ferror(file))
        is_good = bad(message, "-d @%s: %s", path, strerror(errno));
    else if (is_good && length == BODY_BYTES_MAX)
        is_good = bad(message, "-d @%s: 64 MiB or more", path);
    else if (is_good)
        is_good = body_add(options, bytes, strip(bytes, length), message);
    free(bytes);
    if (file != stdin)
        fclose(file);
    return is_good;
}

/* As haul's: several are joined by '&', and a file is sent in one line. */
static bool body_set(struct options *options, const char *text, char *message)
{
    bool is_joined = options->load.http.has_body;
    options->load.http.has_body = true;
    if (is_joined && !body_add(options, "&", 1, message))
        return false;
    return text[0] == '@' ? body_read(options, text + 1, message)
                          : body_add(options, text, strlen(text), message);
}

static bool threshold_add(struct threshold **list, size_t *count, const char *option,
                          const char *text, char *message)
{
    char why[THRESHOLD_SENTENCE_BYTES];
    struct threshold *longer = realloc(*list, (*count + 1) * sizeof *longer);
    if (!longer)
        return bad(message, "out of memory");
    *list = longer;
    if (!threshold_parse(&longer[*count], text, why))
        return bad(message, "%s '%s': %s", option, text, why);
    ++*count;
    return true;
}

static bool has_errors(const struct threshold *list, size_t count)
{
    bool has = false;
    for (size_t i = 0; i < count; i++)
        has |= strcmp(list[i].metric, "errors") == 0 ||
               strcmp(list[i].metric, METRIC_ERROR_SHARE) == 0;
    return has;
}

/* A rate at which requests fail is not found unless that was asked for. */
static bool find_max_fill(struct options *options, char *message)
{
    if (options->find_max_count == 0 || has_errors(options->find_max, options->find_max_count) ||
        has_errors(options->thresholds, options->threshold_count))
        return true;
    return threshold_add(&options->find_max, &options->find_max_count, "--find-max", "errors<1%",
                         message);
}

/* --- what takes a value ----------------------------------------------------------------------- */

static void *place_of(const struct option_taking *taking)
{
    return (char *)taking->into + taking->row->at;
}

/* The option as messages call it, to memory that lasts as long as the block. */
static const char *label_of(const struct option_taking *taking, char *buffer)
{
    option_label(taking->row, buffer);
    return buffer;
}

#define LABEL(taking) label_of((taking), (char[OPTION_LABEL_BYTES]){0})

static bool take_count(const struct option_taking *taking)
{
    uint64_t count;
    if (!unit_count(taking->value, taking->row->most, &count) || count == 0)
        return bad(taking->message, "%s %s: a number from 1 to %llu is wanted", LABEL(taking),
                   taking->value, (unsigned long long)taking->row->most);
    if (taking->row->size == sizeof(uint32_t))
        *(uint32_t *)place_of(taking) = (uint32_t)count;
    else
        *(uint64_t *)place_of(taking) = count;
    return true;
}

static bool take_time(const struct option_taking *taking)
{
    uint64_t *place = place_of(taking);
    if (unit_time(taking->value, place) && *place > 0)
        return true;
    return bad(taking->message, "%s %s: a time is wanted, such as 500ms, 30s or 1m30s",
               LABEL(taking), taking->value);
}

/* An enum whose members are the choices, in their order. */
static bool take_choice(const struct option_taking *taking)
{
    char choices[OPTION_LABEL_BYTES];
    int choice = option_choice(taking->row, taking->value);
    if (choice < 0) {
        option_choices(taking->row, choices);
        return bad(taking->message, "%s %s: %s is wanted", LABEL(taking), taking->value, choices);
    }
    *(unsigned *)place_of(taking) = (unsigned)choice;
    return true;
}

/* The row's most is the version. */
static bool take_tls_least(const struct option_taking *taking)
{
    ((struct options *)taking->into)->load.tls.version_min = (uint16_t)taking->row->most;
    return true;
}

static bool take_tls_most(const struct option_taking *taking)
{
    static const uint16_t versions[] = {0, HAUL_TLS_1_2, HAUL_TLS_1_3};
    char choices[OPTION_LABEL_BYTES];
    int choice = option_choice(taking->row, taking->value);
    if (choice >= 0) {
        ((struct options *)taking->into)->load.tls.version_max = versions[choice];
        return true;
    }
    option_choices(taking->row, choices);
    return bad(taking->message, "--tls-max %s: %s is wanted", taking->value, choices);
}

static bool take_rate(const struct option_taking *taking)
{
    struct options *options = taking->into;
    struct load_options *load = &options->load;
    return (rates_parse(taking->value, &load->rate_from, &load->rate_to) &&
            is_rate(load->rate_from) && is_rate(load->rate_to)) ||
           bad(taking->message, "--rate %s: a rate is wanted, such as 1000, 30/1m or 100..5000/s",
               taking->value);
}

static bool take_stages(const struct option_taking *taking)
{
    struct options *options = taking->into;
    char why[STAGES_MESSAGE_BYTES];
    options->load.stage_count = stages_parse(taking->value, options->stages, why);
    return options->load.stage_count > 0 || bad(taking->message, "--stages%s", why);
}

static bool take_warm_up(const struct option_taking *taking)
{
    struct options *options = taking->into;
    uint64_t ns = 0;
    options->load.warm_up_ns = LOAD_WARM_UP_AUTO;
    if (strcmp(taking->value, "auto") == 0)
        return true;
    if (!unit_time(taking->value, &ns))
        return bad(taking->message, "--warm-up %s: auto or a time is wanted, such as 2s",
                   taking->value);
    options->load.warm_up_ns = (int64_t)ns;
    return true;
}

static bool take_interval(const struct option_taking *taking)
{
    struct options *options = taking->into;
    uint64_t *place = &options->load.interval_ns;
    if (unit_time(taking->value, place) && *place >= LOAD_INTERVAL_LEAST_MS * UINT64_C(1000000) &&
        *place <= INTERVAL_NS_MAX)
        return true;
    return bad(taking->message, "--interval %s: a time from 10ms to 24h is wanted", taking->value);
}

static bool take_header(const struct option_taking *taking)
{
    struct options *options = taking->into;
    return list_add(&options->headers, taking->value) || bad(taking->message, "out of memory");
}

static bool take_data(const struct option_taking *taking)
{
    return body_set(taking->into, taking->value, taking->message);
}

/* Read when all options are known: what is a URL is asked of --template too. */
static bool take_input(const struct option_taking *taking)
{
    struct options *options = taking->into;
    return list_add(&options->inputs, taking->value) || bad(taking->message, "out of memory");
}

static bool take_reply_size(const struct option_taking *taking)
{
    struct options *options = taking->into;
    return (parse_size(taking->value, &options->reply_bytes) && options->reply_bytes <= 64 << 20) ||
           bad(taking->message, "--reply-size %s: a size up to 64m is wanted, such as 128 or 4k",
               taking->value);
}

static bool take_assert(const struct option_taking *taking)
{
    struct options *options = taking->into;
    return threshold_add(&options->thresholds, &options->threshold_count, "--assert", taking->value,
                         taking->message);
}

static bool take_abort_on(const struct option_taking *taking)
{
    struct options *options = taking->into;
    if (strcmp(taking->value, "assert") == 0) {
        options->is_aborting_unmet = true;
        return true;
    }
    return threshold_add(&options->abort_on, &options->abort_on_count, "--abort-on", taking->value,
                         taking->message);
}

static bool take_find_max(const struct option_taking *taking)
{
    struct options *options = taking->into;
    return threshold_add(&options->find_max, &options->find_max_count, "--find-max", taking->value,
                         taking->message);
}

static bool take_help(const struct option_taking *taking)
{
    ((struct options *)taking->into)->verdict = OPTIONS_HELP;
    return true;
}

static bool take_version(const struct option_taking *taking)
{
    ((struct options *)taking->into)->verdict = OPTIONS_VERSION;
    return true;
}

/* --- the options ------------------------------------------------------------------------------ */

#define AT(member) OPTION_AT(struct options, member)

#define COUNT(name, maximum) .value = "N", .take = take_count, AT(name), .most = maximum
#define TIME(name) .value = "TIME", .take = take_time, AT(name)
#define TEXT(word, name) .value = word, .take = option_take_text, AT(name)
#define SWITCH(name) .take = option_take_switch, AT(name)

static const struct option_row rows[] = {
    {"connections", 'c', .heading = "load", COUNT(load.connections, CONNECTIONS_MAX),
     .standard = "64", .help = "at once"},
    {"requests", 'n', COUNT(load.requests, UINT64_C(1) << 40), .help = "so many, then end"},
    {"duration", 'z', TIME(load.duration_ns), .standard = "10s", .help = "so long, then end"},
    {"threads", 't', COUNT(load.threads, LOAD_THREADS_MAX), .standard = "1",
     .help = "loops, one thread each"},
    {"rate", 0, "R[..R2]", .take = take_rate,
     .help = "requests a second, each due at its time (open loop); R..R2: growing"},
    {"stages", 0, "TIME@R[..R2],...", .take = take_stages,
     .help = "'10s@100,30s@100..5000,10s@0': a rate after the other, instead of --rate and -z"},
    {"loop", 0, "NAME", "uring|epoll|threads", .take = take_choice, AT(load.client),
     .standard = "uring"},
    {"warm-up", 0, "auto|TIME", .take = take_warm_up, .standard = "0",
     .help = "first, not counted"},
    {"pipeline", 0, COUNT(load.pipeline, 1024), .standard = "1",
     .help = "requests under way a connection"},
    {"close", 0, SWITCH(load.is_closing), .help = "a connection a request"},
    {"http1.0", 0, SWITCH(load.is_http10), .help = "likewise, in HTTP/1.0"},
    {"timeout", 0, TIME(load.timeout_ns), .standard = "10s", .help = "of a request"},
    {"pin", 0, SWITCH(load.is_pinned), .help = "each thread on its processor"},
    {"plant", 0, "NS", .take = take_count, AT(load.plant_ns), .most = 1000000000,
     .help = "burn NS processor time a request: a known difference, to be found"},

    {"header", 'H', "LINE", .heading = "requests", .take = take_header, .is_many = true,
     .help = "'Name: value'"},
    {"data", 'd', "DATA|@FILE", .take = take_data, .is_many = true, .help = "a body, with POST"},
    {"request", 'X', TEXT("METHOD", load.http.method), .help = "another method"},
    {"user-agent", 'A', TEXT("NAME", load.http.user_agent), .help = "what haul calls itself"},
    {"path-as-is", 0, SWITCH(load.http.path_as_is), .help = "leave . and .. in paths"},
    {"input", 'i', "FILE", .take = take_input, .is_many = true,
     .help = "URLs, one a line ('-': stdin), or objects: {\"url\": ..., \"method\": ..., "
             "\"headers\": [[name, value]], \"body\": ...}"},
    {"template", 0, SWITCH(load.is_template),
     .help = "{index}, {random}, {random:A..B}, {line:FILE} in URLs, headers, bodies"},
    {"reply-size", 0, "SIZE", .take = take_reply_size, .is_server = true,
     .help = "of the embedded server's replies"},
    {"https", 0, SWITCH(is_https), .is_server = true, .help = "the embedded server speaks TLS"},

    {"insecure", 'k', .heading = "tls", SWITCH(load.tls.insecure), .help = "any certificate"},
    {"cacert", 0, TEXT("FILE", load.tls.ca_file), .help = "roots to trust instead"},
    {"capath", 0, TEXT("DIR", load.tls.ca_directory), .help = "a folder of them"},
    {"cert", 0, TEXT("FILE", load.tls.client_certificate), .help = "the client's own"},
    {"key", 0, TEXT("FILE", load.tls.client_key), .help = "and its key"},
    {"pinnedpubkey", 0, TEXT("PINS", load.tls.pinned_keys), .help = "sha256//BASE64;..."},
    {"tls-legacy", 0, SWITCH(load.tls.legacy), .help = "TLS 1.0, SHA-1, ..."},
    {"tls-backend", 0, "NAME", "auto|bearssl|openssl", .take = take_choice, AT(load.tls.backend),
     .standard = "auto"},
    {"tlsv1.2", 0, .take = take_tls_least, .most = HAUL_TLS_1_2, .help = "or later"},
    {"tlsv1.3", 0, .take = take_tls_least, .most = HAUL_TLS_1_3, .help = "or later"},
    {"tls-max", 0, "VERSION", "default|1.2|1.3", .take = take_tls_most, .standard = "default"},
    {"full-handshake", 0, SWITCH(load.is_full_handshake), .help = "never resume a session"},

    {"format", 0, "NAME", RESULT_FORMAT_CHOICES, .heading = "result", .take = take_choice,
     AT(format), .standard = "text"},
    {"output", 'o', TEXT("FILE", output_path), .help = "instead of standard output"},
    {"hdr", 0, TEXT("FILE", hdr_path), .help = "HdrHistogram log (V2)"},
    {"timeline", 0, TEXT("FILE", timeline_path), .help = "CSV, a line an interval as it ends"},
    {"interval", 0, .value = "TIME", .take = take_interval, .standard = "1s",
     .help = "of the timeline, in all formats"},
    {"assert", 0, "EXPR", .take = take_assert, .is_many = true,
     .help = "'p99<20ms', 'errors<0.1%' …: exit status 99 where it is not met"},
    {"abort-on", 0, "EXPR|assert", .take = take_abort_on, .is_many = true,
     .help = "'errors>10%': end with exit status 99 once EXPR holds of an interval, or what is "
             "asserted does not"},
    {"find-max", 0, "EXPR", .take = take_find_max, .is_many = true,
     .help = "the highest rate at which EXPR holds (and errors<1%); -z is a trial's time"},
    {"calibrate", 0, SWITCH(is_calibrating), .help = "first, what haul bench itself costs"},
    {"quiet", 'q', SWITCH(is_quiet), .help = "no live view"},

    {"help", 0, .heading = "about", .take = take_help, .help = "this"},
    {"version", 0, .take = take_version, .help = "of haul bench"},
};

#undef COUNT
#undef TIME
#undef TEXT
#undef SWITCH

const struct option_list run_options = {
    .usage = "usage: haul bench [options] [URL]\n"
             "       haul bench compare|sweep|merge|report|calibrate\n"
             "                                       (each has --help)\n"
             "\n"
             "Loads a server and says how long it took. Without a URL\n"
             "the embedded server is started for it.\n"
             "\n",
    .notes = "\n"
             "exit status: 0, 1 could not be run, 2 usage, 96 every\n"
             "request failed, 97 the rate was not held, 98 the client\n"
             "was the bottleneck, 99 a threshold was not met, 130\n"
             "interrupted\n",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};

_Static_assert(sizeof rows / sizeof *rows <= OPTION_ROWS_MAX, "getopt's table holds them");
_Static_assert(sizeof(enum client_kind) == sizeof(unsigned) &&
                   sizeof(enum haul_backend) == sizeof(unsigned) &&
                   sizeof(enum result_format) == sizeof(unsigned),
               "a choice is an enum");

/* They say how long a run is, and how fast. */
static bool stages_fill(struct options *options, char *message)
{
    struct load_options *load = &options->load;
    if (load->stage_count == 0)
        return true;
    if (load->duration_ns > 0 || load->rate_from > 0 || load->requests > 0)
        return bad(message, "--stages says itself how long and how fast: %s has no place beside it",
                   load->duration_ns > 0 ? "-z"
                   : load->requests > 0  ? "-n"
                                         : "--rate");
    load->stages = options->stages;
    load->duration_ns = load_filled(load).duration_ns;
    return true;
}

/* The files that headers and bodies name can be read. */
static bool templates_check(struct options *options, char *message)
{
    struct template_text text = {0};
    const char *body = options->body ? options->body : "";
    char why[TEMPLATE_MESSAGE_BYTES];
    int error = 0;
    if (!options->load.is_template)
        return true;
    for (size_t i = 0; !error && options->headers && options->headers[i]; i++)
        error = template_put(&options->targets.template, &text, options->headers[i],
                             strlen(options->headers[i]), 0, why);
    if (!error)
        error = template_put(&options->targets.template, &text, body,
                             options->load.http.body_length, 0, why);
    free(text.bytes);
    return !error || bad(message, "%s", why);
}

/* What fits together only as a whole. */
static bool check(struct options *options, char *message)
{
    const struct load_options *load = &options->load;
    options->is_embedded = options->targets.count == 0;
    if (!options->is_embedded && (options->is_https || options->reply_bytes > 0))
        return bad(message, "--https and --reply-size are the embedded server's: with a URL they "
                            "mean nothing");
    if (!stages_fill(options, message) || !templates_check(options, message))
        return false;
    if (load_tls_refuses(load))
        return bad(message, "TLS: %s", load_tls_refuses(load));
    if (load->rate_to != load->rate_from && load->duration_ns == 0)
        return bad(message, "--rate A..B needs -z: how long the rate is to grow");
    if (load->pipeline > 1 && (load->is_closing || load->is_http10))
        return bad(message, "--pipeline needs connections that are kept");
    if (options->find_max_count > 0 && (load_is_open(load) || load->requests > 0))
        return bad(message, "--find-max sets the rate itself, in trials of -z");
    if (options->find_max_count > 0 && (options->hdr_path || options->timeline_path))
        return bad(message, "--find-max makes many runs: %s has room for one",
                   options->hdr_path ? "--hdr" : "--timeline");
    if (options->is_aborting_unmet && options->threshold_count == 0)
        return bad(message, "--abort-on assert: nothing is asserted (--assert)");
    if (!find_max_fill(options, message))
        return false;
    return true;
}

/* getopt leaves in optopt the option that it knows, the letter that it does not, or 0 for a long
 * name that is none or could be several. */
static bool bad_word(const char *word, char *message)
{
    if (option_of_getopt(&run_options, optopt) != NULL)
        return bad(message, "%s: takes no value", word);
    if (optopt == 0)
        return bad(message, "%s: no such option (--help lists them)", word);
    return bad(message, "-%c: no such option (--help lists them)", optopt);
}

static bool take_option(struct options *options, int code, char **argv, char *message)
{
    const struct option_row *row = option_of_getopt(&run_options, code);
    if (code == ':')
        return bad(message, "%s: needs a value", argv[optind - 1]);
    if (row == NULL)
        return bad_word(argv[optind - 1], message);
    return row->take(&(struct option_taking){options, row, optarg, message});
}

/* In the order in which they stand, files before words; argv from optind on. */
static bool take_targets(struct options *options, int argc, char **argv, char *message)
{
    struct targets *targets = &options->targets;
    bool is_good = true;
    targets->is_template = options->load.is_template;
    for (size_t i = 0; is_good && options->inputs && options->inputs[i]; i++)
        is_good = targets_read(targets, options->inputs[i], message);
    for (; is_good && optind < argc; optind++)
        is_good = targets_add(targets, argv[optind], message);
    return is_good;
}

/* --help and --version end it. */
static bool take_words(struct options *options, int argc, char **argv, char *message)
{
    struct option_getopt getopt;
    bool is_good = true;
    int code;
    option_getopt(&run_options, &getopt);
    opterr = 0;
    optind = 0;
    while (is_good && options->verdict == OPTIONS_RUN &&
           (code = getopt_long(argc, argv, getopt.letters, getopt.options, NULL)) != -1)
        is_good = take_option(options, code, argv, message);
    return is_good &&
           (options->verdict != OPTIONS_RUN || take_targets(options, argc, argv, message));
}

enum options_verdict options_parse(struct options *ret_options, int argc, char **argv,
                                   char *ret_message)
{
    *ret_options = (struct options){.verdict = OPTIONS_RUN};
    bool is_good = take_words(ret_options, argc, argv, ret_message);
    if (ret_options->verdict == OPTIONS_RUN && is_good)
        is_good = check(ret_options, ret_message);
    ret_options->load.http.headers = (const char *const *)ret_options->headers;
    ret_options->load.http.body = ret_options->body;
    ret_options->load.urls = (const char *const *)ret_options->targets.urls;
    ret_options->load.url_count = ret_options->targets.count;
    ret_options->load.targets = ret_options->targets.has_own ? ret_options->targets.list : NULL;
    return is_good ? ret_options->verdict : OPTIONS_BAD;
}

void options_free(struct options *options)
{
    targets_free(&options->targets);
    list_free(options->inputs);
    list_free(options->headers);
    free(options->body);
    free(options->thresholds);
    free(options->find_max);
    free(options->abort_on);
    *options = (struct options){0};
}
