/* Owns the progress line. The idea: facts are laid side by side as long as the terminal has room
 * for the next one whole, so that the line never wraps, however narrow the window. */

#include "tools/progress.h"
#include "tools/output/human.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE_BYTES = 256, COLUMNS_DEFAULT = 80 };

static const uint64_t silence_ns = 1000000000; /* that is worth a word */

void progress_init(struct progress *progress, bool wanted, uint64_t now_ns)
{
    const char *terminal = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    bool smart = terminal != NULL && strcmp(terminal, "dumb") != 0;
    *progress = (struct progress){
        .shown = wanted && smart && isatty(STDERR_FILENO),
        .colour = no_colour == NULL || no_colour[0] == '\0',
        .begun_ns = now_ns,
        .drawn_ns = now_ns,
        .worked_ns = now_ns,
    };
}

size_t progress_columns(void)
{
    struct winsize size;
    if (!isatty(STDERR_FILENO))
        return 0;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return COLUMNS_DEFAULT;
    return size.ws_col;
}

/* The last column stays free: some terminals wrap when it is written. */
struct line {
    char text[LINE_BYTES];
    size_t length;
    size_t columns; /* used */
    size_t columns_max;
};

static void line_add(struct line *line, const char *colour, const char *fact)
{
    const char *separator = line->columns > 0 ? ", " : "";
    size_t columns = strlen(separator) + strlen(fact);
    size_t bytes = columns + 2 * strlen("\033[31m");
    if (line->columns + columns > line->columns_max || line->length + bytes >= LINE_BYTES)
        return;
    const char *reset = colour[0] != '\0' ? "\033[0m" : "";
    line->length += (size_t)snprintf(line->text + line->length, LINE_BYTES - line->length,
                                     "%s%s%s%s", separator, colour, fact, reset);
    line->columns += columns;
}

/* The rate of the last seconds: each drawing counts a fifth. */
static void rate_update(struct progress *progress, const struct tally *tally, uint64_t now_ns)
{
    double seconds = (double)(now_ns - progress->drawn_ns) / 1e9;
    double latest = (double)(tally->results - progress->drawn_results) / seconds;
    bool first = progress->drawn_ns == progress->begun_ns;
    progress->rate = first ? latest : 0.8 * progress->rate + 0.2 * latest;
    progress->drawn_results = tally->results;
    progress->drawn_ns = now_ns;
}

static void add_done(struct line *line, const struct tally *tally, uint64_t expected, bool exact)
{
    char fact[LINE_BYTES], done[HUMAN_BYTES], all[HUMAN_BYTES];
    human_count(done, tally->results);
    if (expected >= tally->results && expected > 0)
        snprintf(fact, sizeof(fact), "%s of %s%s", done, exact ? "" : "~",
                 human_count(all, expected));
    else
        snprintf(fact, sizeof(fact), "%s done", done);
    line_add(line, "", fact);
}

static void add_count(struct line *line, const char *colour, uint64_t count, const char *unit)
{
    char fact[LINE_BYTES], number[HUMAN_BYTES];
    snprintf(fact, sizeof(fact), "%s%s", human_count(number, count), unit);
    line_add(line, colour, fact);
}

static void add_left(struct line *line, double results, double rate)
{
    char fact[LINE_BYTES];
    double seconds = results / rate;
    if (rate <= 0 || seconds > 359999)
        return;
    uint64_t left = (uint64_t)(seconds + 0.5);
    snprintf(fact, sizeof(fact), "%u:%02u left", (unsigned)(left / 60), (unsigned)(left % 60));
    line_add(line, "", fact);
}

/* How long nothing has come, in seconds. What is counted is what servers answer: the engine's own
 * turns are no work. */
static unsigned silence_update(struct progress *progress, const struct haul_facts *engine,
                               uint64_t now_ns)
{
    uint64_t work = engine->bytes_received + engine->requests + engine->connections;
    if (work != progress->drawn_work || engine->in_flight == 0)
        progress->worked_ns = now_ns;
    progress->drawn_work = work;
    uint64_t silent_ns = now_ns - progress->worked_ns;
    return silent_ns >= silence_ns ? (unsigned)(silent_ns / 1000000000) : 0;
}

static void add_pace(struct line *line, const struct progress *progress,
                     const struct progress_facts *facts, unsigned silent_s)
{
    char fact[LINE_BYTES];
    bool is_idle = facts->engine.in_flight == 0 && facts->waits_for_input;
    snprintf(fact, sizeof(fact), "silent for %u s", silent_s);
    if (is_idle)
        line_add(line, "", "waiting for input");
    else if (facts->engine.in_flight == 0 && facts->engine.waiting > 0)
        add_count(line, "", facts->engine.waiting, " waiting (rate or retry)");
    else if (silent_s > 0)
        line_add(line, "", fact);
    else
        add_count(line, "", (uint64_t)progress->rate, "/s");
}

void progress_draw(struct progress *progress, const struct tally *tally,
                   const struct progress_facts *facts, uint64_t now_ns)
{
    struct line line = {.columns_max = progress_columns() - 1};
    uint64_t failures = tally_failures(tally);
    unsigned silent_s = silence_update(progress, &facts->engine, now_ns);
    rate_update(progress, tally, now_ns);
    add_done(&line, tally, facts->expected, facts->exact);
    add_pace(&line, progress, facts, silent_s);
    add_count(&line, failures > 0 && progress->colour ? "\033[31m" : "", failures, " failed");
    if (facts->expected > tally->results && silent_s == 0)
        add_left(&line, (double)(facts->expected - tally->results), progress->rate);
    add_count(&line, "", facts->engine.in_flight, " in flight");
    if (facts->engine.requests > tally->results)
        add_count(&line, "", facts->engine.requests - tally->results, " held");
    fprintf(stderr, "\r\033[K%s", line.text);
    fflush(stderr);
    progress->drawn = true;
}

void progress_erase(struct progress *progress)
{
    if (!progress->drawn)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->drawn = false;
}
