/* haul: gathers many URLs at once. Owns main() and the trip: URLs go from the inputs into the
 * engine as long as its window has room, results come out and go to the sink. Everything waits
 * in one place, for whatever comes first: a reply, an input, a signal. */

#include "engine/haul.h"
#include "tools/args.h"
#include "tools/bench.h"
#include "tools/doctor.h"
#include "tools/help.h"
#include "tools/output/human.h"
#include "tools/input/inputs.h"
#include "tools/interrupt.h"
#include "tools/options.h"
#include "tools/progress.h"
#include "tools/output/sink.h"
#include "tools/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Lines are written together, and wait for each other for no longer than a reader would notice. */
enum { MESSAGE_BYTES = 1024, FLUSH_MS = 5, DRAW_MS = 50, PROGRESS_MS = 100 };

struct trip {
    const struct args *args;
    struct inputs *inputs;
    struct haul *haul;
    struct sink sink;
    struct tally tally;
    struct progress progress;
    enum input_state state;
    bool input_failed;
    bool input_left;  /* the run was cancelled before the inputs were at their end */
    bool stopping;    /* a signal has come */
    bool lacks_roots; /* which has been said */
    bool has_uploaded;
    int error; /* of the engine as a whole */
    uint64_t begun_ns;
    uint64_t flushed_ns;
};

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("haul: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static uint64_t clock_read_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- files that cannot be used ---------------------------------------------------------------- */

/* A file that a sentence may be about, and what named it. */
struct suspect {
    const char *variable; /* of the environment; NULL: an option */
    const char *path;     /* NULL: there is none */
    bool is_meant;
};

/* The library's sentences name its member, first or in parentheses: who typed an option does not
 * know it. member: how its name begins. */
static void put_without_member(char *buffer, size_t size, const char *sentence, const char *member)
{
    static const char one[] = "has one that ";
    char named[64];
    snprintf(named, sizeof(named), " (%s", member);
    const char *at = strstr(sentence, named);
    const char *end = at != NULL ? strchr(at, ')') : NULL;
    size_t length = strlen(member);
    const char *rest = sentence + length;
    if (end != NULL)
        snprintf(buffer, size, "%.*s%s", (int)(at - sentence), sentence, end + 1);
    else if (strncmp(sentence, member, length) != 0 || *rest != ' ' ||
             strncmp(rest, " and ", strlen(" and ")) == 0)
        snprintf(buffer, size, "%s", sentence);
    else
        snprintf(buffer, size, "it %s",
                 strncmp(rest + 1, one, strlen(one)) == 0 ? rest + 1 + strlen(one) : rest + 1);
}

/* About those that are meant; about both, where none is or the two are. Why a file cannot be read
 * the kernel knows. */
static void complain_suspects(const struct suspect suspects[2], const char *sentence,
                              const char *member)
{
    char names[MESSAGE_BYTES] = "", plain[MESSAGE_BYTES];
    const char *reason = NULL;
    bool has_one = suspects[0].is_meant != suspects[1].is_meant;
    size_t length = 0;
    for (int i = 0; i < 2; i++) {
        const struct suspect *suspect = &suspects[i];
        if (suspect->path == NULL || (has_one && !suspect->is_meant) || length >= sizeof(names))
            continue;
        length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s%s%s",
                                   length > 0 ? ", " : "",
                                   suspect->variable != NULL ? suspect->variable : "",
                                   suspect->variable != NULL ? "=" : "", suspect->path);
        if (access(suspect->path, R_OK) < 0)
            reason = strerror(errno);
    }
    put_without_member(plain, sizeof(plain), sentence, member);
    complain("%s%s%s%s%s", names, length > 0 ? ": " : "", plain, reason != NULL ? ": " : "",
             reason != NULL ? reason : "");
}

static void complain_roots(const struct args *args, enum haul_detail detail, const char *sentence)
{
    bool has_variables = args->roots_of_environment;
    const struct suspect suspects[] = {
        {has_variables ? "SSL_CERT_FILE" : NULL, args->tls.ca_file, detail == HAUL_DETAIL_CA_FILE},
        {has_variables ? "SSL_CERT_DIR" : NULL, args->tls.ca_directory,
         detail == HAUL_DETAIL_CA_DIRECTORY},
    };
    complain_suspects(suspects, sentence, "ca_");
}

static void complain_client(const struct args *args, enum haul_detail detail, const char *sentence)
{
    const char *key = args->tls.client_key;
    bool is_of_key = detail == HAUL_DETAIL_CLIENT_KEY && key != NULL;
    const struct suspect suspects[] = {
        {NULL, args->tls.client_certificate, detail != HAUL_DETAIL_CLIENT_PAIR && !is_of_key},
        {NULL, key, is_of_key},
    };
    complain_suspects(suspects, sentence, "client_");
}

/* --- the trip --------------------------------------------------------------------------------- */

/* A header that cannot be sent makes the engine refuse the request, whatever its URL: so a URL with
 * faulty globs takes its place in the order. */
static const char *const unsendable[] = {":", NULL};

/* Is anything left? Where that takes waiting it is not known, and told as if there were. */
static void trip_end_inputs(struct trip *trip)
{
    struct input input;
    if (trip->state != INPUT_END && inputs_peek(trip->inputs, &input) != INPUT_END)
        trip->input_left = true;
    trip->state = INPUT_END;
}

/* Of a body that is read once the first request has it; no other has. */
static const struct haul_upload *trip_upload(struct trip *trip)
{
    static const struct haul_upload used_up = {.is_used_up = true};
    const struct args *args = trip->args;
    if (!args->has_upload)
        return NULL;
    return args->upload.is_once && trip->has_uploaded ? &used_up : &args->upload;
}

/* From the inputs to the engine, until its window is full or there is nothing to read just now. */
static void trip_fill(struct trip *trip)
{
    struct input input;
    while ((trip->state = inputs_peek(trip->inputs, &input)) == INPUT_READY) {
        int error = haul_submit(trip->haul, &(struct haul_request){
                                                .url = input.url,
                                                .url_length = input.length,
                                                .tag_number = input.tag,
                                                .headers = input.refused ? unsendable : NULL,
                                                .upload = trip_upload(trip),
                                            });
        if (error == -ECANCELED)
            trip_end_inputs(trip);
        if (error < 0)
            return;
        trip->has_uploaded |= !input.refused;
        inputs_advance(trip->inputs);
    }
    trip->input_failed = trip->state == INPUT_FAILED;
    if (trip->input_failed)
        trip->state = INPUT_END;
}

static void trip_draw(struct trip *trip, uint64_t now_ns)
{
    struct progress_facts facts = {.waits_for_input = trip->state == INPUT_WAIT};
    facts.expected = inputs_expected(trip->inputs, &facts.exact);
    haul_get_facts(trip->haul, &facts.engine);
    progress_draw(&trip->progress, &trip->tally, &facts, now_ns);
}

/* What is due by the clock. */
static void trip_pulse(struct trip *trip)
{
    uint64_t now_ns = clock_read_ns(CLOCK_MONOTONIC_COARSE);
    if (sink_holds(&trip->sink) && now_ns - trip->flushed_ns >= FLUSH_MS * 1000000ull) {
        sink_flush(&trip->sink);
        trip->flushed_ns = now_ns;
    }
    if (progress_is_due(&trip->progress, now_ns))
        trip_draw(trip, now_ns);
}

/* What the environment names is read at the first https URL, and concerns all of them. */
static void trip_name_roots(struct trip *trip, const struct haul_result *result)
{
    if (trip->lacks_roots || !tally_lacks_roots(result))
        return;
    trip->lacks_roots = true;
    progress_erase(&trip->progress);
    complain_roots(trip->args, result->detail, result->message);
}

/* From the engine to the sink. */
static void trip_take(struct trip *trip, const struct haul_result *result)
{
    trip_name_roots(trip, result);
    sink_take(&trip->sink, result);
    if (!result->more)
        tally_take(&trip->tally, result);
    if (result->error != HAUL_OK && trip->args->engine.cancel_on_error)
        trip_end_inputs(trip);
    haul_release(trip->haul, result);
}

/* Until the deadline; negative: there is none. */
static int64_t deadline_left_ms(const struct trip *trip)
{
    int64_t deadline_ms = trip->args->limits.deadline_ms;
    uint64_t spent_ns = clock_read_ns(CLOCK_MONOTONIC) - trip->begun_ns;
    int64_t left_ms = deadline_ms - (int64_t)(spent_ns / 1000000);
    return deadline_ms <= 0 ? -1 : left_ms > 0 ? left_ms : 0;
}

static bool is_past_deadline(const struct trip *trip)
{
    return deadline_left_ms(trip) == 0;
}

static int patience_of_wait_ms(const struct trip *trip)
{
    int64_t left_ms = deadline_left_ms(trip);
    bool is_shown = trip->progress.shown;
    if (left_ms < 0 || left_ms > INT_MAX)
        return is_shown ? PROGRESS_MS : -1;
    return is_shown && left_ms > PROGRESS_MS ? PROGRESS_MS : (int)left_ms;
}

/* Nothing is ready: waits for the next input and for the engine, whose kept connections may end
 * although no request is under way. */
static void trip_wait(struct trip *trip)
{
    struct pollfd fds[] = {
        {.fd = inputs_fd(trip->inputs), .events = POLLIN},
        {.fd = haul_fd(trip->haul), .events = POLLIN},
    };
    sink_flush(&trip->sink);
    if (interrupt_poll(fds, 2, patience_of_wait_ms(trip)) > 0 && fds[0].revents != 0)
        trip->state = INPUT_READY;
}

static int trip_patience_ms(const struct trip *trip)
{
    if (trip->state == INPUT_WAIT)
        return 0;
    if (sink_holds(&trip->sink))
        return FLUSH_MS;
    return trip->progress.shown ? DRAW_MS : -1;
}

static void trip_stop(struct trip *trip)
{
    trip->stopping = true;
    trip_end_inputs(trip);
    haul_cancel_all(trip->haul);
}

/* False: the trip is over. */
static bool trip_step(struct trip *trip)
{
    const struct haul_result *result;
    if (trip->state != INPUT_END && is_past_deadline(trip))
        trip_end_inputs(trip); /* the engine ends by itself what it has */
    if (interrupt_signal() != 0 && !trip->stopping)
        trip_stop(trip);
    if (trip->state == INPUT_READY)
        trip_fill(trip);
    int error = haul_next(trip->haul, &result, trip_patience_ms(trip));
    if (error == 0)
        trip_take(trip, result);
    else if ((error == -EAGAIN || error == -ENODATA) && trip->state == INPUT_WAIT)
        trip_wait(trip);
    else if (error == -ENODATA && trip->state == INPUT_END)
        return false;
    else if (error != -EAGAIN && error != -EINTR && error != -ENODATA)
        trip->error = error;
    trip_pulse(trip);
    return trip->error == 0 && trip->sink.error == 0;
}

/* --- its begin -------------------------------------------------------------------------------- */

/* About an option of the library, by the words of the command line. */
static void complain_option(const struct haul_open_error *why)
{
    static const struct {
        const char *member;
        const char *option;
    } rows[] = {
        {"headers", "-H/--header"},
        {"method", "-X/--request"},
        {"user_agent", "-A/--user-agent"},
        {"connect_to", "--connect-to"},
        {"resolve", "--resolve"},
        {"dns_servers", "--dns-servers"},
        {"pinned_keys", "--pinnedpubkey"},
        {"interface", "--interface"},
        {"deny_addresses", "--deny-address"},
    };
    char plain[MESSAGE_BYTES];
    for (size_t i = 0; why->item != NULL && i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].member, why->option) == 0) {
            put_without_member(plain, sizeof(plain), why->message, why->option);
            complain("%s '%s': %s", rows[i].option, why->item, plain);
            return;
        }
    complain("%s", why->message);
}

static void complain_resource(const struct haul_open_error *why)
{
    struct rlimit limit;
    if (why->nofile_needed > 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0)
        complain("%s: it is %llu, and %llu is the least; raise it, as by ulimit -n 1024",
                 why->message, (unsigned long long)limit.rlim_cur,
                 (unsigned long long)why->nofile_needed);
    else
        complain("%s; haul doctor tells what this machine allows", why->message);
}

static int complain_engine(const struct args *args, int error, const struct haul_open_error *why)
{
    bool is_netrc = why->option != NULL && strcmp(why->option, "netrc") == 0;
    switch (error) {
    case -EINVAL:
        if (is_netrc)
            complain("%s: %s", args->netrc_file, why->message);
        else
            complain_option(why);
        return is_netrc ? EXIT_READ : EXIT_USAGE;
    case -ENODEV:
        complain_option(why);
        return EXIT_INTERFACE;
    case -EKEYREJECTED:
        complain_client(args, why->detail, why->message);
        return EXIT_CLIENT_CERTIFICATE;
    case -ENOKEY:
        complain_roots(args, why->detail, why->message);
        return EXIT_ROOTS;
    default:
        complain_resource(why);
        return EXIT_RESOURCE;
    }
}

static int trip_open_inputs(struct trip *trip)
{
    char message[MESSAGE_BYTES];
    int error = inputs_open(&trip->inputs, &trip->args->inputs, message, sizeof(message));
    if (error == 0)
        return 0;
    complain("%s", message);
    return error == -EINVAL ? EXIT_USAGE : EXIT_READ;
}

static int trip_open_sink(struct trip *trip)
{
    char message[MESSAGE_BYTES];
    if (sink_open(&trip->sink, &trip->args->sink, trip->inputs) == 0)
        return 0;
    sink_describe_failure(&trip->sink, message, sizeof(message));
    complain("%s", message);
    return EXIT_WRITE;
}

/* The sink before the engine, which leaves no descriptor to others when connections are many. */
static int trip_open_rest(struct trip *trip)
{
    int code = trip_open_sink(trip);
    if (code != 0)
        return code;
    struct haul_open_error why;
    struct haul_options options = trip->args->engine;
    struct haul_retry retry = trip->args->retry;
    retry.parts_stay = !sink_can_rewind(&trip->sink);
    options.retry = &retry;
    int error = haul_open_explained(&trip->haul, &options, &why);
    if (error < 0) {
        sink_close(&trip->sink, false);
        return complain_engine(trip->args, error, &why);
    }
    interrupt_wakes(trip->haul);
    return 0;
}

/* Lines of results and the progress line would destroy each other on one terminal. */
static bool progress_is_wanted(const struct args *args)
{
    const struct sink_options *sink = &args->sink;
    bool has_lines = sink->path == NULL && sink->format != SINK_NONE;
    bool results_on_terminal =
        (has_lines || sink->writeout != NULL || sink->files.has_outputs) && isatty(STDOUT_FILENO);
    return !args->quiet && !args->no_progress && !results_on_terminal;
}

/* --- its end ---------------------------------------------------------------------------------- */

static int trip_report_failures(struct trip *trip)
{
    char message[MESSAGE_BYTES];
    int code = tally_exit_code(&trip->tally);
    if (code == 0 && trip->input_left && is_past_deadline(trip))
        code = EXIT_DEADLINE;
    if (trip->input_failed) {
        inputs_describe_failure(trip->inputs, message, sizeof(message));
        complain("%s", message);
        code = EXIT_READ;
    }
    if (trip->error < 0) {
        complain("the engine failed: %s", haul_strerror(trip->error));
        code = EXIT_RESOURCE;
    }
    if (trip->sink.error < 0) {
        sink_describe_failure(&trip->sink, message, sizeof(message));
        complain("%s", message);
        code = EXIT_WRITE;
    }
    return interrupt_signal() != 0 ? EXIT_SIGNAL + interrupt_signal() : code;
}

/* A run that was ended says where it left its inputs, and how much of them. */
static void note_left(const struct trip *trip)
{
    char place[MESSAGE_BYTES], number[HUMAN_BYTES];
    uint64_t left = 0;
    bool is_inside;
    bool is_known = inputs_left(trip->inputs, &left, &is_inside);
    bool has_place = inputs_describe_last(trip->inputs, place, sizeof(place));
    if (!trip->input_left || (is_known && left == 0))
        return;
    if (is_known)
        complain("note: stopped%s%s; %s URL%s not taken",
                 !has_place  ? ""
                 : is_inside ? " inside "
                             : " after ",
                 has_place ? place : "", human_count(number, left), left == 1 ? " was" : "s were");
    else if (has_place)
        complain("note: stopped; %s %s%s not taken", is_inside ? "the rest of" : "what follows",
                 place, is_inside ? ", and what follows it, were" : " was");
    else
        complain("note: stopped; no input was taken");
}

static void note_inputs(const struct trip *trip)
{
    char text[MESSAGE_BYTES];
    size_t cursor = 0;
    note_left(trip);
    while (inputs_describe_empty(trip->inputs, &cursor, text, sizeof(text)))
        complain("note: %s", text);
    if (inputs_describe_unglobbed(trip->inputs, text, sizeof(text)))
        complain(
            "note: %s has []{}, which are a part of its URL; --glob expands them (-g: no note)",
            text);
}

/* "3 redirects were not followed" */
static void note_count(uint64_t count, const char *one, const char *more)
{
    char number[HUMAN_BYTES];
    if (count > 0)
        complain("note: %s %s", human_count(number, count), count == 1 ? one : more);
}

static void note_late(const struct tally *tally)
{
    char number[HUMAN_BYTES];
    if (tally->late > 0)
        complain("note: %s repl%s in %llu s%s, longer than the tries may take",
                 human_count(number, tally->late),
                 tally->late == 1 ? "y asks to be tried again" : "ies ask to be tried again",
                 (unsigned long long)tally->late_s, tally->late == 1 ? "" : " at most");
}

/* curl's names, of which HTTP_PROXY is none: a web server sets that one for its children. */
static void note_proxies(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value == NULL || value[0] == '\0')
            continue;
        complain("note: %s is set, and was not used: haul connects directly", names[i]);
        return;
    }
}

/* What was done otherwise than asked for, and what was not done at all. */
static void trip_report_notes(const struct trip *trip, const struct haul_facts *facts)
{
    const struct haul_options *options = &trip->args->engine;
    note_inputs(trip);
    if (options->loop == HAUL_LOOP_AUTO && strcmp(facts->loop, "uring") != 0)
        complain("note: the %s loop was used: %s", facts->loop, facts->loop_reason);
    if (facts->concurrency < options->concurrency)
        complain("note: RLIMIT_NOFILE lowered -c %u to %u", options->concurrency,
                 facts->concurrency);
    note_count(facts->redirects_unfollowed, "redirect was not followed: -L follows it",
               "redirects were not followed: -L follows them");
    note_count(trip->tally.coded, "body is kept coded, as its Content-Encoding says",
               "bodies are kept coded, as their Content-Encoding says");
    note_late(&trip->tally);
    note_proxies();
}

static void trip_report_summary(const struct trip *trip, uint64_t elapsed_ns)
{
    char summary[MESSAGE_BYTES];
    size_t columns = progress_columns();
    tally_summary(&trip->tally, elapsed_ns, summary, sizeof(summary));
    human_fold(stderr, "haul", summary, columns > 0 ? columns : SIZE_MAX);
}

static int trip_close(struct trip *trip)
{
    struct haul_facts facts;
    progress_erase(&trip->progress);
    sink_close(&trip->sink, trip->error == 0);
    uint64_t elapsed_ns = clock_read_ns(CLOCK_MONOTONIC) - trip->begun_ns;
    haul_get_facts(trip->haul, &facts);
    interrupt_wakes(NULL);
    haul_close(trip->haul);
    int code = trip_report_failures(trip);
    if (!trip->args->quiet) {
        trip_report_notes(trip, &facts);
        trip_report_summary(trip, elapsed_ns);
    }
    return code;
}

/* --- what the words ask for ------------------------------------------------------------------- */

/* The key log of the environment is for a diagnosis: the run goes on without one that cannot be
 * opened. Where nobody reads a pipe, it is not waited for. */
static void settle_key_log(struct args *args)
{
    const char *path = args->tls.key_log;
    if (path == NULL)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                  S_IRUSR | S_IWUSR);
    if (fd >= 0) {
        close(fd);
        return;
    }
    if (!args->quiet)
        complain("note: SSLKEYLOGFILE=%s: %s; there is no key log", path, strerror(errno));
    args->tls.key_log = NULL;
}

/* Who knows curl wants the page of one URL in the file of -o, which has the results. */
static void note_page(const struct args *args)
{
    const struct input_options *inputs = &args->inputs;
    bool is_one = inputs->item_count == 1 && inputs->items[0].url != NULL && inputs->repeat == 1 &&
                  (inputs->literal || strpbrk(inputs->items[0].url, "[{") == NULL);
    bool wants_page = args->sink.body || bodies_are_wanted(&args->sink.files) || args->head;
    if (is_one && args->sink.path != NULL && !args->says_format && !wants_page)
        complain("note: %s has the result as JSON; the page itself is --format body -o %s",
                 args->sink.path, args->sink.path);
}

static void note_netrc(const struct args *args)
{
    if (args->netrc_trouble != NULL && !args->auth.netrc_optional)
        complain("note: -n/--netrc: %s: %s; no passwords are taken from it", args->netrc_file,
                 args->netrc_trouble);
}

static void note_writeout(const struct args *args)
{
    char names[MESSAGE_BYTES];
    if (args->writeout != NULL && writeout_describe_unknown(args->writeout, names, sizeof(names)))
        complain("note: -w/--write-out: nothing is known for %s; the rest is written", names);
}

static int run(struct args *args)
{
    struct trip trip = {
        .args = args, .state = INPUT_READY, .tally.has_bodies = args->engine.keep_bodies};
    interrupt_install();
    settle_key_log(args);
    if (args->tls.insecure && !args->quiet)
        complain("warning: -k/--insecure: certificates are not verified");
    if (!args->quiet) {
        note_writeout(args);
        note_netrc(args);
    }
    int code = trip_open_inputs(&trip);
    if (code != 0)
        return code;
    code = trip_open_rest(&trip);
    if (code == 0) {
        if (!args->quiet || args->shows_errors)
            note_page(args);
        trip.begun_ns = clock_read_ns(CLOCK_MONOTONIC);
        progress_init(&trip.progress, progress_is_wanted(args), trip.begun_ns);
        while (trip_step(&trip))
            ;
        code = trip_close(&trip);
    }
    inputs_close(trip.inputs);
    return code;
}

/* A standard descriptor that is closed would become that of an input or of the engine, and be
 * written to. One that stands in for it, open the wrong way round, makes its use an error. */
static void hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static int print_help(struct args *args)
{
    const char *topic = args->inputs.item_count > 0 ? args->items[0].url : NULL;
    char names[MESSAGE_BYTES];
    bool begins;
    if (topic == NULL)
        help_write(stdout);
    if (topic == NULL || help_write_topic(stdout, topic))
        return EXIT_SUCCESS;
    if (option_meant(topic, names, sizeof(names), &begins) > 0)
        complain("no help on '%s'; did you mean %s?", topic, names);
    else
        complain("no help on '%s'; there is some on all, exits, input, request, control, tls, "
                 "output, about, and on each option",
                 topic);
    return EXIT_USAGE;
}

static int print_version(struct args *args)
{
    (void)args;
    const char *idn = haul_idn_version();
    puts("haul " HAUL_VERSION);
    const char *codings = haul_codings();
    printf("IDN: %s%s\n", idn ? "libidn2 " : "built without libidn2", idn ? idn : "");
    const char *openssl = haul_openssl_version();
    printf("TLS: BearSSL%s%s\n", openssl ? ", " : "; ", openssl ? openssl : haul_openssl_missing());
    printf("content codings: %s\n", codings ? codings : "built without any");
    return EXIT_SUCCESS;
}

static int print_budget(struct args *args)
{
    struct haul_budget budget;
    struct haul_budget_term term;
    struct haul_open_error why;
    char size[HUMAN_BYTES];
    int error = haul_get_budget_explained(&args->engine, &budget, &why);
    if (error < 0)
        return complain_engine(args, error, &why);
    for (size_t i = 0; haul_get_budget_term(&args->engine, i, &term) == 0; i++)
        printf("%10llu x %8llu B = %9s  %s\n", (unsigned long long)term.count,
               (unsigned long long)term.bytes_each, human_bytes(size, term.count * term.bytes_each),
               term.name);
    printf("%25s %9s  of address space; pages never touched cost nothing\n", "",
           human_bytes(size, budget.total_bytes));
    return EXIT_SUCCESS;
}

static int doctor(struct args *args)
{
    (void)args;
    return doctor_run();
}

int main(int argc, char **argv)
{
    static int (*const actions[])(struct args *) = {
        [ARGS_RUN] = run,
        [ARGS_HELP] = print_help,
        [ARGS_VERSION] = print_version,
        [ARGS_BUDGET] = print_budget,
        [ARGS_DOCTOR] = doctor,
    };
    struct args args;
    char message[MESSAGE_BYTES];
    hold_standard_descriptors();
    if (argc > 1 && strcmp(argv[1], "bench") == 0)
        return bench_exec(argv + 1);
    int code = args_parse(&args, argc, argv, message, sizeof(message));
    if (code == 0)
        code = actions[args.action](&args);
    else
        complain("%s", message);
    args_free(&args);
    return fflush(stdout) != 0 && code == 0 ? EXIT_WRITE : code;
}
