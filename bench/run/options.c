/* The words of a run. One table says which options there are; one switch says what each does. */

#include "bench/run/options.h"

#include "proto/http/url.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_BYTES_MAX = 64 << 20,
    LINE_BYTES_MAX = 16000,
    CONNECTIONS_MAX = 100000,
    WHERE_BYTES = 240, /* a file's name and a line's number */
};

static const char usage[] = "usage: haul bench [options] [URL]\n"
                            "       haul bench compare|sweep|merge|report|calibrate\n"
                            "                                       (each has --help)\n"
                            "\n"
                            "Loads a server and says how long it took. Without a URL\n"
                            "the embedded server is started for it.\n"
                            "\n"
                            "load\n"
                            "  -c, --connections N   at once (64)\n"
                            "  -n, --requests N      so many, then end\n"
                            "  -z, --duration TIME   so long, then end (10s)\n"
                            "  -t, --threads N       loops, one thread each (1)\n"
                            "      --rate R[..R2]    requests a second, each due at its\n"
                            "                        time (open loop); R..R2: growing\n"
                            "      --loop NAME       uring, epoll or threads (uring)\n"
                            "      --warm-up auto|S  first, not counted (0)\n"
                            "      --pipeline N      requests under way a connection\n"
                            "      --close           a connection a request\n"
                            "      --http1.0         likewise, in HTTP/1.0\n"
                            "      --timeout TIME    of a request (10s)\n"
                            "      --pin             each thread on its processor\n"
                            "      --plant NS        burn NS processor time a request: a\n"
                            "                        known difference, to be found\n"
                            "requests\n"
                            "  -H, --header LINE     'Name: value'; also -X METHOD,\n"
                            "  -d, --data DATA|@FILE -A, --user-agent\n"
                            "  -i, --input FILE      URLs, one a line ('-': stdin)\n"
                            "      --reply-size SIZE of the embedded server's replies\n"
                            "      --https           the embedded server speaks TLS\n"
                            "tls\n"
                            "  -k, --insecure        and --cacert, --capath, --cert,\n"
                            "                        --key, --pinnedpubkey, --tls-legacy\n"
                            "                        as haul has them\n"
                            "      --full-handshake  never resume a session\n"
                            "result\n"
                            "      --format NAME     text, json or prometheus\n"
                            "  -o, --output FILE     instead of standard output\n"
                            "      --hdr FILE        HdrHistogram log (V2)\n"
                            "      --assert EXPR     'p99<20ms', 'errors<0.1%' …: exit\n"
                            "                        status 99 where it is not met\n"
                            "      --find-max EXPR   the highest rate at which EXPR\n"
                            "                        holds; -z is a trial's time\n"
                            "      --calibrate       first, what haul bench itself costs\n"
                            "  -q, --quiet           no live view\n"
                            "\n"
                            "exit status: 0, 1 could not be run, 2 usage, 97 the rate\n"
                            "was not held, 98 the client was the bottleneck, 99 a\n"
                            "threshold was not met, 130 interrupted\n";

const char *options_usage(void)
{
    return usage;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool parse_count(const char *text, uint64_t maximum, uint64_t *ret_count)
{
    char *end;
    errno = 0;
    unsigned long long count = strtoull(text, &end, 10);
    *ret_count = count;
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && count <= maximum;
}

static bool parse_number(const char *text, char **ret_end, double *ret_number)
{
    errno = 0;
    *ret_number = strtod(text, ret_end);
    return (isdigit((unsigned char)*text) || *text == '.') && *ret_end > text && errno == 0;
}

/* "500ms", "30s", "5m", "1h"; seconds where no unit stands. */
static bool parse_time(const char *text, uint64_t *ret_ns)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"", 1e9}, {"s", 1e9},  {"ms", 1e6},  {"us", 1e3},
                 {"ns", 1}, {"m", 60e9}, {"h", 3600e9}};
    char *end;
    double number;
    if (!parse_number(text, &end, &number))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0 && number * units[i].ns < 1e18) {
            *ret_ns = (uint64_t)(number * units[i].ns);
            return true;
        }
    return false;
}

/* "128", "4k", "1m". */
static bool parse_size(const char *text, uint64_t *ret_bytes)
{
    char *end;
    double number;
    uint64_t scale = 1;
    if (!parse_number(text, &end, &number))
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

static bool parse_one_rate(const char *text, char **ret_end, double *ret_rate)
{
    if (!parse_number(text, ret_end, ret_rate))
        return false;
    if (**ret_end == 'k') {
        *ret_rate *= 1000;
        ++*ret_end;
    }
    return *ret_rate >= 0.001 && *ret_rate <= 1e8;
}

/* "1000", "1000/s", "5k", "100..5000/s". strtod() would take the first dot of "..". */
static bool parse_rate(const char *text, double *ret_from, double *ret_to)
{
    char first[64];
    char *end;
    const char *dots = strstr(text, "..");
    size_t length = dots ? (size_t)(dots - text) : strcspn(text, "/");
    if (length >= sizeof first)
        return false;
    memcpy(first, text, length);
    first[length] = '\0';
    if (!parse_one_rate(first, &end, ret_from) || *end != '\0')
        return false;
    *ret_to = *ret_from;
    const char *rest = text + length;
    if (dots) {
        if (!parse_one_rate(dots + 2, &end, ret_to))
            return false;
        rest = end;
    }
    return *rest == '\0' || strcmp(rest, "/s") == 0;
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

/* Where it stands in a file, with a colon; or nothing. */
static bool url_add(struct options *options, const char *where, const char *text, char *message)
{
    struct url url;
    size_t offset;
    enum proto_error error = url_parse(span_of(text), &url, &offset);
    if (error != PROTO_OK)
        return bad(message, "%sURL '%.200s', character %zu: %s", where, text, offset + 1,
                   proto_error_sentence(error));
    return list_add(&options->urls, text) || bad(message, "out of memory");
}

/* URLs, one a line; empty lines and lines that begin with '#' are none. */
static bool urls_read(struct options *options, const char *path, char *message)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char line[LINE_BYTES_MAX + 2];
    unsigned long number = 0;
    bool is_good = true;
    if (!file)
        return bad(message, "-i %s: %s", path, strerror(errno));
    while (is_good && fgets(line, sizeof line, file)) {
        size_t blanks = strspn(line, " \t");
        size_t length = strlen(line);
        char where[WHERE_BYTES];
        number++;
        snprintf(where, sizeof where, "%.200s:%lu: ", path, number);
        while (length > blanks && isspace((unsigned char)line[length - 1]))
            line[--length] = '\0';
        if (length > LINE_BYTES_MAX)
            is_good = bad(message, "%slonger than %d bytes", where, LINE_BYTES_MAX);
        else if (length > blanks && line[blanks] != '#')
            is_good = url_add(options, where, line + blanks, message);
    }
    if (is_good && ferror(file))
        is_good = bad(message, "-i %s: %s", path, strerror(errno));
    if (is_good && !options->urls)
        is_good = bad(message, "-i %s: has no URL", path);
    if (file != stdin)
        fclose(file);
    return is_good;
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

static bool threshold_add(struct options *options, const char *text, char *message)
{
    char why[THRESHOLD_SENTENCE_BYTES];
    struct threshold *longer =
        realloc(options->thresholds, (options->threshold_count + 1) * sizeof *longer);
    if (!longer)
        return bad(message, "out of memory");
    options->thresholds = longer;
    if (!threshold_parse(&longer[options->threshold_count], text, why))
        return bad(message, "--assert '%s': %s", text, why);
    options->threshold_count++;
    return true;
}

/* --- the options ------------------------------------------------------------------------------ */

enum {
    LONG_RATE = 256,
    LONG_LOOP,
    LONG_WARM_UP,
    LONG_PIPELINE,
    LONG_CLOSE,
    LONG_HTTP10,
    LONG_TIMEOUT,
    LONG_PIN,
    LONG_PLANT,
    LONG_REPLY_SIZE,
    LONG_HTTPS,
    LONG_CACERT,
    LONG_CAPATH,
    LONG_CERT,
    LONG_KEY,
    LONG_PINNED,
    LONG_LEGACY,
    LONG_FULL,
    LONG_FORMAT,
    LONG_HDR,
    LONG_ASSERT,
    LONG_FIND_MAX,
    LONG_CALIBRATE,
    LONG_HELP,
    LONG_VERSION,
};

static const struct option table[] = {
    {"connections", required_argument, NULL, 'c'},
    {"requests", required_argument, NULL, 'n'},
    {"duration", required_argument, NULL, 'z'},
    {"threads", required_argument, NULL, 't'},
    {"rate", required_argument, NULL, LONG_RATE},
    {"loop", required_argument, NULL, LONG_LOOP},
    {"warm-up", required_argument, NULL, LONG_WARM_UP},
    {"pipeline", required_argument, NULL, LONG_PIPELINE},
    {"close", no_argument, NULL, LONG_CLOSE},
    {"http1.0", no_argument, NULL, LONG_HTTP10},
    {"timeout", required_argument, NULL, LONG_TIMEOUT},
    {"pin", no_argument, NULL, LONG_PIN},
    {"plant", required_argument, NULL, LONG_PLANT},
    {"header", required_argument, NULL, 'H'},
    {"data", required_argument, NULL, 'd'},
    {"request", required_argument, NULL, 'X'},
    {"user-agent", required_argument, NULL, 'A'},
    {"input", required_argument, NULL, 'i'},
    {"reply-size", required_argument, NULL, LONG_REPLY_SIZE},
    {"https", no_argument, NULL, LONG_HTTPS},
    {"insecure", no_argument, NULL, 'k'},
    {"cacert", required_argument, NULL, LONG_CACERT},
    {"capath", required_argument, NULL, LONG_CAPATH},
    {"cert", required_argument, NULL, LONG_CERT},
    {"key", required_argument, NULL, LONG_KEY},
    {"pinnedpubkey", required_argument, NULL, LONG_PINNED},
    {"tls-legacy", no_argument, NULL, LONG_LEGACY},
    {"full-handshake", no_argument, NULL, LONG_FULL},
    {"format", required_argument, NULL, LONG_FORMAT},
    {"output", required_argument, NULL, 'o'},
    {"hdr", required_argument, NULL, LONG_HDR},
    {"assert", required_argument, NULL, LONG_ASSERT},
    {"find-max", required_argument, NULL, LONG_FIND_MAX},
    {"calibrate", no_argument, NULL, LONG_CALIBRATE},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, LONG_HELP},
    {"version", no_argument, NULL, LONG_VERSION},
    {NULL, 0, NULL, 0},
};

static bool set_count(const char *name, const char *text, uint64_t maximum, uint64_t *ret_count,
                      char *message)
{
    if (parse_count(text, maximum, ret_count) && *ret_count > 0)
        return true;
    return bad(message, "%s %s: a number from 1 to %llu is wanted", name, text,
               (unsigned long long)maximum);
}

static bool set_count32(const char *name, const char *text, uint64_t maximum, uint32_t *ret_count,
                        char *message)
{
    uint64_t count;
    if (!set_count(name, text, maximum, &count, message))
        return false;
    *ret_count = (uint32_t)count;
    return true;
}

static bool set_time(const char *name, const char *text, uint64_t *ret_ns, char *message)
{
    if (parse_time(text, ret_ns) && *ret_ns > 0)
        return true;
    return bad(message, "%s %s: a time is wanted, such as 500ms, 30s or 5m", name, text);
}

static bool set_loop(const char *text, enum client_kind *ret_kind, char *message)
{
    for (int kind = 0; kind < CLIENT_COUNT; kind++)
        if (strcmp(text, client_name((enum client_kind)kind)) == 0) {
            *ret_kind = (enum client_kind)kind;
            return true;
        }
    return bad(message, "--loop %s: uring, epoll or threads is wanted", text);
}

static bool set_warm_up(const char *text, int64_t *ret_ns, char *message)
{
    uint64_t ns = 0;
    *ret_ns = LOAD_WARM_UP_AUTO;
    if (strcmp(text, "auto") == 0)
        return true;
    if (!parse_time(text, &ns))
        return bad(message, "--warm-up %s: auto or a time is wanted, such as 2s", text);
    *ret_ns = (int64_t)ns;
    return true;
}

static bool set_format(const char *text, enum options_format *ret_format, char *message)
{
    static const char *const names[] = {"text", "json", "prometheus"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret_format = (enum options_format)i;
            return true;
        }
    return bad(message, "--format %s: text, json or prometheus is wanted", text);
}

static bool set_find_max(struct options *options, const char *text, char *message)
{
    char why[THRESHOLD_SENTENCE_BYTES];
    options->has_find_max = true;
    return threshold_parse(&options->find_max, text, why) ||
           bad(message, "--find-max '%s': %s", text, why);
}

static bool apply_load(struct options *options, int option, const char *text, char *message)
{
    struct load_options *load = &options->load;
    switch (option) {
    case 'c':
        return set_count32("-c", text, CONNECTIONS_MAX, &load->connections, message);
    case 'n':
        return set_count("-n", text, UINT64_C(1) << 40, &load->requests, message);
    case 'z':
        return set_time("-z", text, &load->duration_ns, message);
    case 't':
        return set_count32("-t", text, LOAD_THREADS_MAX, &load->threads, message);
    case LONG_RATE:
        return parse_rate(text, &load->rate_from, &load->rate_to) ||
               bad(message, "--rate %s: requests a second are wanted, such as 1000 or 100..5000/s",
                   text);
    case LONG_LOOP:
        return set_loop(text, &load->client, message);
    case LONG_WARM_UP:
        return set_warm_up(text, &load->warm_up_ns, message);
    case LONG_PIPELINE:
        return set_count32("--pipeline", text, 1024, &load->pipeline, message);
    case LONG_TIMEOUT:
        return set_time("--timeout", text, &load->timeout_ns, message);
    case LONG_PLANT:
        return set_count32("--plant", text, 1000000000, &load->plant_ns, message);
    case LONG_CLOSE:
        return load->is_closing = true;
    case LONG_HTTP10:
        return load->is_http10 = true;
    case LONG_PIN:
        return load->is_pinned = true;
    case LONG_FULL:
        return load->is_full_handshake = true;
    default:
        return bad(message, "this option is not known");
    }
}

static bool apply_request(struct options *options, int option, const char *text, char *message)
{
    struct haul_options *http = &options->load.http;
    struct haul_tls *tls = &options->load.tls;
    switch (option) {
    case 'H':
        return list_add(&options->headers, text) || bad(message, "out of memory");
    case 'd':
        return body_set(options, text, message);
    case 'X':
        http->method = text;
        return true;
    case 'A':
        http->user_agent = text;
        return true;
    case 'i':
        return urls_read(options, text, message);
    case LONG_REPLY_SIZE:
        return (parse_size(text, &options->reply_bytes) && options->reply_bytes <= 64 << 20) ||
               bad(message, "--reply-size %s: a size up to 64m is wanted, such as 128 or 4k", text);
    case LONG_HTTPS:
        return options->is_https = true;
    case 'k':
        return tls->insecure = true;
    case LONG_CACERT:
        tls->ca_file = text;
        return true;
    case LONG_CAPATH:
        tls->ca_directory = text;
        return true;
    case LONG_CERT:
        tls->client_certificate = text;
        return true;
    case LONG_KEY:
        tls->client_key = text;
        return true;
    case LONG_PINNED:
        tls->pinned_keys = text;
        return true;
    case LONG_LEGACY:
        return tls->legacy = true;
    default:
        return apply_load(options, option, text, message);
    }
}

static bool apply(struct options *options, int option, const char *text, char *message)
{
    switch (option) {
    case LONG_FORMAT:
        return set_format(text, &options->format, message);
    case 'o':
        options->output_path = text;
        return true;
    case LONG_HDR:
        options->hdr_path = text;
        return true;
    case LONG_ASSERT:
        return threshold_add(options, text, message);
    case LONG_FIND_MAX:
        return set_find_max(options, text, message);
    case LONG_CALIBRATE:
        return options->is_calibrating = true;
    case 'q':
        return options->is_quiet = true;
    default:
        return apply_request(options, option, text, message);
    }
}

/* What fits together only as a whole. */
static bool check(struct options *options, char *message)
{
    const struct load_options *load = &options->load;
    options->is_embedded = options->urls == NULL;
    if (!options->is_embedded && (options->is_https || options->reply_bytes > 0))
        return bad(message, "--https and --reply-size are the embedded server's: with a URL they "
                            "mean nothing");
    if (load->rate_to != load->rate_from && load->duration_ns == 0)
        return bad(message, "--rate A..B needs -z: how long the rate is to grow");
    if (load->pipeline > 1 && (load->is_closing || load->is_http10))
        return bad(message, "--pipeline needs connections that are kept");
    if (options->has_find_max && (load->rate_from > 0 || load->requests > 0))
        return bad(message, "--find-max sets the rate itself, in trials of -z");
    if (options->has_find_max && options->hdr_path)
        return bad(message, "--find-max makes many runs: --hdr has room for one");
    return true;
}

/* getopt leaves in optopt the option that it knows, the letter that it does not, or 0 for a long
 * name that is none or could be several. */
static bool bad_word(const char *word, char *message)
{
    for (const struct option *known = table; known->name; known++)
        if (known->val == optopt)
            return bad(message, "%s: takes no value", word);
    if (optopt == 0)
        return bad(message, "%s: no such option (--help lists them)", word);
    return bad(message, "-%c: no such option (--help lists them)", optopt);
}

enum options_verdict options_parse(struct options *ret_options, int argc, char **argv,
                                   char *ret_message)
{
    int option;
    *ret_options = (struct options){0};
    opterr = 0;
    optind = 0;
    bool is_good = true;
    enum options_verdict verdict = OPTIONS_RUN;
    while (is_good && verdict == OPTIONS_RUN &&
           (option = getopt_long(argc, argv, ":c:n:z:t:H:d:X:A:i:ko:q", table, NULL)) != -1) {
        if (option == LONG_HELP)
            verdict = OPTIONS_HELP;
        else if (option == LONG_VERSION)
            verdict = OPTIONS_VERSION;
        else if (option == '?')
            is_good = bad_word(argv[optind - 1], ret_message);
        else if (option == ':')
            is_good = bad(ret_message, "%s: needs a value", argv[optind - 1]);
        else
            is_good = apply(ret_options, option, optarg, ret_message);
    }
    for (; is_good && verdict == OPTIONS_RUN && optind < argc; optind++)
        is_good = url_add(ret_options, "", argv[optind], ret_message);
    if (verdict == OPTIONS_RUN && is_good)
        is_good = check(ret_options, ret_message);
    ret_options->load.http.headers = (const char *const *)ret_options->headers;
    ret_options->load.http.body = ret_options->body;
    ret_options->load.urls = (const char *const *)ret_options->urls;
    while (ret_options->urls && ret_options->urls[ret_options->load.url_count])
        ret_options->load.url_count++;
    return is_good ? verdict : OPTIONS_BAD;
}

void options_free(struct options *options)
{
    list_free(options->urls);
    list_free(options->headers);
    free(options->body);
    free(options->thresholds);
    *options = (struct options){0};
}
