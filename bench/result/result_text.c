/* A run for people, from its JSON. Everything is words that are filled into lines of 60 columns
 * behind a label, or a table whose columns are known to fit; what the run does not have is not
 * printed. */

#include "bench/result/result.h"
#include "bench/base/json_at.h"
#include "bench/result/bound.h"
#include "bench/result/members.h"
#include "bench/result/metric.h"
#include "bench/base/prose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { INDENT = 14 };

#define ROWS(rows) (sizeof(rows) / sizeof(*(rows)))

/* --- rows ------------------------------------------------------------------------------------ */

static void row_begin(struct prose *prose, const char *label)
{
    prose_begin(prose, label, INDENT);
}

/* --- what is in the run ----------------------------------------------------------------------- */

static bool has_number(const json_t *object, const char *key, double *ret_number)
{
    const json_t *value = json_object_get(object, key);
    *ret_number = json_number_value(value);
    return json_is_number(value);
}

/* As metric_text(); the memory lasts as long as the block it is used in. */
#define TEXT(unit, value) metric_text((char[METRIC_TEXT_BYTES]){0}, (unit), (value))
#define COUNT_AT(object, key) TEXT(METRIC_COUNT, number_at(object, key))
#define SHARE_TEXT(value) TEXT(METRIC_SHARE, round((value)*1e4) / 1e4)
#define RATE_TEXT(value) TEXT(METRIC_PER_SECOND, (value) < 100 ? (value) : round(value))
#define SECONDS_TEXT(value) TEXT(METRIC_MICROSECONDS, (value)*1e6)

enum { SIZE_TEXT_BYTES = 32 };

static char *size_text(char *buffer, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    for (; bytes >= 999.95 && unit < ROWS(units) - 1; unit++)
        bytes /= 1000;
    snprintf(buffer, SIZE_TEXT_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return buffer;
}

#define SIZE_AT(object, key) size_text((char[SIZE_TEXT_BYTES]){0}, number_at(object, key))

static bool is_open_loop(const json_t *run)
{
    const char *mode = text_at(run, "mode");
    return mode != NULL && strcmp(mode, "open") == 0;
}

/* --- what was asked for ----------------------------------------------------------------------- */

static const char *plural(double count)
{
    return count == 1 ? "" : "s";
}

static void put_sentence(struct prose *prose, const char *label, const char *sentence)
{
    if (sentence == NULL)
        return;
    row_begin(prose, label);
    prose_words(prose, sentence);
    prose_end(prose);
}

static void put_target(struct prose *prose, const json_t *run)
{
    double targets = number_at(run, "targets");
    const char *server = text_at(run, "server");
    row_begin(prose, "target");
    prose_put(prose, "%s %s", text_at(run, "method"), text_at(run, "url"));
    if (targets > 1)
        prose_put(prose, "and %s more", TEXT(METRIC_COUNT, targets - 1));
    if (server != NULL)
        prose_put(prose, "(the %s server)", server);
    prose_end(prose);
}

/* A word a stage, as it was asked for. */
static void put_stages_asked(struct prose *prose, const char *stages)
{
    while (*stages != '\0') {
        size_t length = strcspn(stages, ",");
        prose_put(prose, "%.*s,", (int)length, stages);
        stages += length + (stages[length] != '\0');
    }
}

static void put_rate_asked(struct prose *prose, const json_t *plan)
{
    if (text_at(plan, "stages") != NULL) {
        prose_put(prose, "open loop,");
        put_stages_asked(prose, text_at(plan, "stages"));
        return;
    }
    double from = number_at(plan, "rate_from"), to = number_at(plan, "rate_to");
    prose_put(prose, "open loop, %s", RATE_TEXT(from));
    if (from != to)
        prose_put(prose, "to %s", RATE_TEXT(to));
    prose_put(prose, "over");
}

static void put_load(struct prose *prose, const json_t *run)
{
    double connections = number_at(run, "connections"), threads = number_at(run, "threads");
    double pipeline = number_at(run, "pipeline");
    row_begin(prose, "load");
    if (is_open_loop(run))
        put_rate_asked(prose, json_object_get(run, "plan"));
    else
        prose_put(prose, "closed loop,");
    prose_put(prose, "%s connection%s, %s thread%s, loop %s, HTTP/%s",
              TEXT(METRIC_COUNT, connections), plural(connections), TEXT(METRIC_COUNT, threads),
              plural(threads), text_at(run, "loop"), text_at(run, "http"));
    if (json_is_true(json_object_get(run, "tls")))
        prose_put(prose, "over TLS");
    if (pipeline > 1)
        prose_put(prose, "with %s requests on a connection at once", TEXT(METRIC_COUNT, pipeline));
    if (json_is_true(json_object_get(run, "close")))
        prose_put(prose, "and a connection for each request");
    prose_end(prose);
}

static void put_machine(struct prose *prose, const json_t *run)
{
    const json_t *environment = json_object_get(run, "environment");
    static const char *const keys[] = {"kernel", "cpu", "ring"};
    if (!json_is_object(environment))
        return;
    row_begin(prose, "machine");
    for (size_t i = 0; i < ROWS(keys); i++)
        if (text_at(environment, keys[i]) != NULL)
            prose_put(prose, "%s;", text_at(environment, keys[i]));
    prose_put(prose, "%s of %s processors", COUNT_AT(environment, "cores_allowed"),
              COUNT_AT(environment, "cores_online"));
    prose_end(prose);
}

/* --- what came of it -------------------------------------------------------------------------- */

static void put_times(struct prose *prose, const json_t *run)
{
    double window_s = number_at(run, "window_s"), elapsed_s = number_at(run, "elapsed_s");
    row_begin(prose, "time");
    prose_put(prose, "%s", SECONDS_TEXT(window_s));
    if (elapsed_s > window_s)
        prose_put(prose, "and %s until all had finished", SECONDS_TEXT(elapsed_s - window_s));
    prose_put(prose, "(before it %s of opening and %s of warm-up, %s requests)",
              SECONDS_TEXT(number_at(run, "opening_s")), SECONDS_TEXT(number_at(run, "warm_up_s")),
              COUNT_AT(run, "warm_up_requests"));
    prose_end(prose);
}

static void put_requests(struct prose *prose, const json_t *run)
{
    double requests = number_at(run, "requests"), replies = number_at(run, "replies");
    double unsent = number_at(run, "unsent"), unfinished = number_at(run, "unfinished");
    double resent = number_at(run, "resent");
    row_begin(prose, "requests");
    prose_put(prose, "%s", TEXT(METRIC_COUNT, requests));
    if (unsent + unfinished > 0)
        prose_put(prose, "finished of %s %s", TEXT(METRIC_COUNT, requests + unfinished + unsent),
                  is_open_loop(run) ? "that were due" : "that were begun");
    if (replies != requests)
        prose_put(prose, "with %s replies", TEXT(METRIC_COUNT, replies));
    prose_end(prose);
    if (unfinished > 0)
        prose_line(prose->out, "unfinished", INDENT,
                   "%s %s under way when the run ended, the oldest for %s",
                   TEXT(METRIC_COUNT, unfinished), unfinished == 1 ? "was" : "were",
                   SECONDS_TEXT(number_at(run, "oldest_unfinished_s")));
    if (unsent > 0)
        prose_line(prose->out, "unsent", INDENT, "%s %s due and never begun",
                   TEXT(METRIC_COUNT, unsent), unsent == 1 ? "was" : "were");
    if (resent > 0)
        prose_line(prose->out, "resent", INDENT,
                   "%s time%s a request was sent again: the server ended its connection without a "
                   "byte of reply",
                   TEXT(METRIC_COUNT, resent), plural(resent));
}

/* Of a template: whether each request was another's like. */
static void put_prepared(struct prose *prose, const json_t *run)
{
    double prepared, begun = number_at(run, "requests") + number_at(run, "unfinished");
    if (!has_number(run, "prepared", &prepared) || begun <= prepared)
        return;
    row_begin(prose, "prepared");
    prose_put(prose,
              "%s different requests, which the run went round %s times; {index} began "
              "again each time",
              TEXT(METRIC_COUNT, prepared), TEXT(METRIC_COUNT, begun / prepared));
    prose_end(prose);
}

static void put_rate(struct prose *prose, const json_t *run)
{
    double rate, held;
    if (!has_number(run, "rate_per_s", &rate))
        return;
    row_begin(prose, "rate");
    prose_put(prose, "%s", RATE_TEXT(rate));
    if (has_number(run, "rate_held", &held))
        prose_put(prose, "(%s of what was due was begun in time)", SHARE_TEXT(held));
    prose_end(prose);
}

static void put_bytes(struct prose *prose, const json_t *run)
{
    row_begin(prose, "bytes");
    prose_put(prose, "%s received, %s of it bodies; %s sent", SIZE_AT(run, "bytes_received"),
              SIZE_AT(run, "body_bytes"), SIZE_AT(run, "bytes_sent"));
    prose_end(prose);
    row_begin(prose, "connections");
    prose_put(prose, "%s opened", COUNT_AT(run, "connections_opened"));
    prose_end(prose);
}

/* "connect: 3; receive: 1" */
static void put_counts(struct prose *prose, json_t *counts)
{
    size_t left = json_object_size(counts);
    const char *name;
    json_t *value;
    json_object_foreach(counts, name, value)
    {
        left--;
        prose_put(prose, "%s: %s%s", name, TEXT(METRIC_COUNT, json_number_value(value)),
                  left > 0 ? ";" : "");
    }
}

static void put_outcome(struct prose *prose, const char *label, json_t *counts)
{
    if (json_object_size(counts) == 0)
        return;
    row_begin(prose, label);
    put_counts(prose, counts);
    prose_end(prose);
}

static void put_outcomes(struct prose *prose, const json_t *run)
{
    double share;
    row_begin(prose, "errors");
    prose_put(prose, "%s", COUNT_AT(run, "error_count"));
    if (number_at(run, "error_count") > 0 && metric_value(run, METRIC_ERROR_SHARE, &share))
        prose_put(prose, "(%s of the requests)", TEXT(METRIC_SHARE, share));
    prose_end(prose);
    put_outcome(prose, "  by stage", json_object_get(run, "errors"));
    put_outcome(prose, "statuses", json_object_get(run, "statuses"));
    put_outcome(prose, "odd replies", json_object_get(run, "anomalies"));
}

static void put_cost(struct prose *prose, const json_t *run)
{
    double cpu, user, system, calls, completions, busiest;
    if (!metric_value(run, "cpu", &cpu) || !metric_value(run, "user_cpu", &user) ||
        !metric_value(run, "system_cpu", &system))
        return;
    row_begin(prose, "client CPU");
    prose_put(prose, "%s a request (%s of the program, %s of the kernel)",
              TEXT(METRIC_MICROSECONDS, cpu), TEXT(METRIC_MICROSECONDS, user),
              TEXT(METRIC_MICROSECONDS, system));
    if (metric_value(run, "busiest_thread", &busiest))
        prose_put(prose, "and up to %s of a processor for a thread", SHARE_TEXT(busiest));
    prose_end(prose);
    if (!metric_value(run, "system_calls", &calls) ||
        !metric_value(run, "completions", &completions))
        return;
    row_begin(prose, "system calls");
    prose_put(prose, "%s a request, and %s completion%s", TEXT(METRIC_COUNT, calls),
              TEXT(METRIC_COUNT, completions), plural(completions));
    prose_end(prose);
}

/* --- tables of latency ------------------------------------------------------------------------ */

enum { LABEL_COLUMNS = 6, CELL_COLUMNS = 10, CELLS_MAX = 5, BOUND_COLUMNS = 15 };

_Static_assert(LABEL_COLUMNS + CELLS_MAX * CELL_COLUMNS <= PROSE_COLUMNS, "a table fits");

/* Which latencies a table has: a group's, and of latency_us either the clocks or the outcomes. */
struct table {
    const char *title;
    const char *group;
    bool has_outcomes;
};

static bool is_in_table(const struct table *table, const struct member *member)
{
    size_t length = strlen(table->group);
    bool is_outcome = strncmp(member->path, "latency_us.", strlen("latency_us.")) == 0 &&
                      member->histogram == HISTOGRAM_LATER;
    return strncmp(member->path, table->group, length) == 0 && member->path[length] == '.' &&
           member->type == MEMBER_LATENCY && is_outcome == table->has_outcomes;
}

/* Those that the run has, in the order of their rows; how many. */
static size_t columns_there(const json_t *run, const struct table *table,
                            const struct member **ret_columns)
{
    size_t there = 0;
    for (size_t i = 0; i < run_member_count && there < CELLS_MAX; i++)
        if (is_in_table(table, &run_members[i]) && json_is_object(member_of(run, &run_members[i])))
            ret_columns[there++] = &run_members[i];
    return there;
}

/* A lower bound needs room. */
static int width_of(const struct member *column)
{
    return strcmp(column->path, "latency_us.all") == 0 ? BOUND_COLUMNS : CELL_COLUMNS;
}

/* Millions without end would not fit. */
static void put_cell(FILE *out, const json_t *latency, const char *key, int width)
{
    char text[METRIC_TEXT_BYTES] = "-", bound[METRIC_TEXT_BYTES + 8];
    bool is_count = strcmp(key, "count") == 0;
    double value;
    if (has_number(latency, key, &value)) {
        if (is_count && value >= 1e7)
            snprintf(text, sizeof(text), "%.0fM", value / 1e6);
        else
            metric_text(text, is_count ? METRIC_COUNT : METRIC_MICROSECONDS, value);
    }
    snprintf(bound, sizeof bound, "%s%s", bound_is_of(latency, key) ? "over " : "", text);
    fprintf(out, " %*s", width - 1, bound);
}

static void put_table(FILE *out, const json_t *run, const struct table *table)
{
    const struct member *columns[CELLS_MAX];
    size_t count = columns_there(run, table, columns);
    if (count == 0)
        return;
    fprintf(out, "\n%s\n%-*s", table->title, LABEL_COLUMNS, "");
    for (size_t i = 0; i < count; i++)
        fprintf(out, " %*s", width_of(columns[i]) - 1, columns[i]->title);
    fputc('\n', out);
    for (size_t row = 0; row < latency_statistic_count; row++) {
        const struct latency_statistic *shown = latency_statistic_shown(row);
        fprintf(out, "%-*s", LABEL_COLUMNS, shown->name != NULL ? shown->name : shown->key);
        for (size_t i = 0; i < count; i++)
            put_cell(out, member_of(run, columns[i]), shown->key, width_of(columns[i]));
        fputc('\n', out);
    }
}

/* Where all are good replies, the outcomes would say what the clocks do. */
static void put_latencies(FILE *out, const json_t *run)
{
    bool is_open = is_open_loop(run);
    const struct table outcomes = {
        is_open ? "latency of all that finished, from when it was due, and\nby outcome"
                : "latency of all that finished, and by outcome",
        "latency_us", true};
    const struct table clocks = {
        is_open ? "latency of replies, from when a request was due and from\nwhen it was begun"
                : "latency of replies, from when a request was begun",
        "latency_us", false};
    if (number_at(run, "error_count") > 0)
        put_table(out, run, &outcomes);
    put_table(out, run, &clocks);
    put_table(out, run, &(struct table){"phases of it, one after the other", "phases_us", false});
}

/* --- over time -------------------------------------------------------------------------------- */

enum { COURSE_LINES = 12, COURSE_BAR = 12, MAX_COLUMNS = 10 };

/* Neighbours together, so that there are few. */
struct course {
    double start_s, end_s;
    double finished; /* rate times seconds: in the window */
    double seconds;  /* of it that have a rate */
    double errors;
    double max_us;
};

static double sum_of(json_t *counts, bool only_errors)
{
    const char *key;
    json_t *value;
    double sum = 0;
    json_object_foreach(counts, key, value)
    {
        if (!only_errors || key[0] >= '4')
            sum += json_number_value(value);
    }
    return sum;
}

static void course_add(struct course *course, const json_t *row, double window_s)
{
    double rate, max, start_s = number_at(row, "start_s");
    if (course->end_s == 0)
        course->start_s = start_s;
    course->end_s = number_at(row, "end_s");
    if (has_number(row, "rate_per_s", &rate)) {
        double length_s = fmin(course->end_s, window_s) - start_s;
        course->seconds += length_s;
        course->finished += rate * length_s;
    }
    if (has_number(row, "max_us", &max) && max > course->max_us)
        course->max_us = max;
    course->errors += sum_of(json_object_get(row, "errors"), false) +
                      sum_of(json_object_get(row, "statuses"), true);
}

static void course_put(FILE *out, const struct course *course, double most)
{
    double rate = course->seconds > 0 ? course->finished / course->seconds : 0;
    char time[METRIC_TEXT_BYTES], bar[COURSE_BAR + 1];
    int length = most > 0 ? (int)ceil(rate / most * COURSE_BAR - 1e-9) : 0;
    snprintf(time, sizeof time, "%.6g", round(course->end_s * 1e3) / 1e3);
    memset(bar, '#', COURSE_BAR);
    bar[length < COURSE_BAR ? length : COURSE_BAR] = '\0';
    fprintf(out, "%9s %13s %-*s %10s %*s\n", time, course->seconds > 0 ? RATE_TEXT(rate) : "-",
            COURSE_BAR, bar, course->errors > 0 ? TEXT(METRIC_COUNT, course->errors) : "-",
            MAX_COLUMNS, course->max_us > 0 ? TEXT(METRIC_MICROSECONDS, course->max_us) : "-");
}

/* As far as it has one: a row alone would say what the run does. */
static void put_course(FILE *out, const json_t *run)
{
    const json_t *rows = json_object_get(json_object_get(run, "timeline"), "rows");
    size_t count = json_array_size(rows), each = (count + COURSE_LINES - 1) / COURSE_LINES;
    struct course lines[COURSE_LINES] = {0};
    double most = 0;
    if (count < 3)
        return;
    for (size_t i = 0; i < count; i++)
        course_add(&lines[i / each], json_array_get(rows, i), number_at(run, "window_s"));
    size_t line_count = (count - 1) / each + 1;
    for (size_t i = 0; i < line_count; i++)
        if (lines[i].seconds > 0)
            most = fmax(most, lines[i].finished / lines[i].seconds);
    fprintf(out, "\nover time\n%9s %13s %-*s %10s %*s\n", "until (s)", "rate", COURSE_BAR, "",
            "errors", MAX_COLUMNS, "max");
    for (size_t i = 0; i < line_count; i++)
        course_put(out, &lines[i], most);
}

/* --- stage by stage --------------------------------------------------------------------------- */

/* "100/s", "100..5,000/s" */
static char *stage_text(char *buffer, const json_t *stage)
{
    const json_t *plan = json_object_get(stage, "plan");
    double from = number_at(plan, "rate_from"), to = number_at(plan, "rate_to");
    char end[METRIC_TEXT_BYTES];
    metric_text(end, METRIC_PER_SECOND, to);
    if (from == to)
        return strcpy(buffer, end);
    snprintf(buffer, 2 * METRIC_TEXT_BYTES, "%s..%s", TEXT(METRIC_COUNT, from), end);
    return buffer;
}

static void stage_put(FILE *out, const json_t *stage)
{
    static const struct {
        const char *key;
        int columns;
    } cells[] = {{"p50", 9}, {"p99", 13}};
    const json_t *all = json_object_get(json_object_get(stage, "latency_us"), "all");
    char asked[2 * METRIC_TEXT_BYTES];
    double rate, value, errors = number_at(stage, "error_count");
    bool has_rate = has_number(stage, "rate_per_s", &rate);
    fprintf(out, "%5.6g %13s %9s %6s", round(number_at(stage, "end_s") * 1e3) / 1e3,
            stage_text(asked, stage), has_rate ? RATE_TEXT(rate) : "-",
            errors > 0 ? TEXT(METRIC_COUNT, errors) : "-");
    for (size_t i = 0; i < ROWS(cells); i++) {
        char text[METRIC_TEXT_BYTES + 8] = "-";
        if (has_number(all, cells[i].key, &value))
            snprintf(text, sizeof text, "%s%s", bound_is_of(all, cells[i].key) ? "over " : "",
                     TEXT(METRIC_MICROSECONDS, value));
        fprintf(out, " %*s", cells[i].columns, text);
    }
    fputc('\n', out);
}

/* What was due in each, whenever it finished; the rate is of what finished in its time. */
static void put_stages(FILE *out, const json_t *run)
{
    const json_t *stages = json_object_get(run, "stages"), *stage;
    size_t i;
    if (json_array_size(stages) == 0)
        return;
    fprintf(out, "\nstages, with the latency of what was due in each\n%5s %13s %9s %6s %9s %13s\n",
            "until", "asked", "rate", "errors", "p50", "p99");
    json_array_foreach(stages, i, stage)
    {
        stage_put(out, stage);
    }
}

/* --- verdicts --------------------------------------------------------------------------------- */

/* The answer to the label's question, where the first sentence does not give it. */
static const char *answer_to(const char *verdict)
{
    if (verdict == NULL || strcmp(verdict, "rate_not_held") == 0)
        return "";
    if (strcmp(verdict, "client_bound") == 0)
        return "yes:";
    return strcmp(verdict, "ok") == 0 ? "no:" : "in part:";
}

static void put_instrument(struct prose *prose, const json_t *run)
{
    const json_t *instrument = json_object_get(run, "instrument");
    const json_t *sentences = json_object_get(instrument, "sentences");
    const json_t *calibration = json_object_get(instrument, "calibration");
    size_t i;
    const json_t *sentence;
    json_array_foreach(sentences, i, sentence)
    {
        row_begin(prose, i == 0 ? "was it me?" : "");
        if (i == 0)
            prose_words(prose, answer_to(text_at(instrument, "verdict")));
        prose_put(prose, "%s", json_string_value(sentence));
        prose_end(prose);
    }
    put_sentence(prose, "calibration", text_at(calibration, "sentence"));
    put_sentence(prose, "hidden", text_at(run, "hidden"));
}

static void put_thresholds(struct prose *prose, const json_t *run)
{
    const json_t *thresholds = json_object_get(run, "thresholds");
    size_t i;
    const json_t *threshold;
    json_array_foreach(thresholds, i, threshold)
    {
        put_sentence(prose, i == 0 ? "thresholds" : "", text_at(threshold, "sentence"));
    }
}

static void put_find_max(struct prose *prose, const json_t *run)
{
    const json_t *found = json_object_get(run, "find_max");
    double rate;
    if (!json_is_object(found))
        return;
    row_begin(prose, "find max");
    bool has_rate = has_number(found, "rate", &rate);
    const char *comma = json_is_true(json_object_get(found, "is_bounded")) ? "" : ",";
    prose_put(prose, "%s held", text_at(found, "expression"));
    if (has_rate)
        prose_put(prose, "up to %s%s", RATE_TEXT(rate), comma);
    else
        prose_put(prose, "at no rate%s", comma);
    if (*comma != '\0')
        prose_put(prose, "and at all that could be sent");
    size_t trials = json_array_size(json_object_get(found, "trials"));
    prose_put(prose, "(%zu trial%s)", trials, plural((double)trials));
    if (json_is_true(json_object_get(found, "interrupted")))
        prose_put(prose, "until the search was interrupted");
    prose_end(prose);
}

void result_text(FILE *out, const json_t *run)
{
    struct prose prose = {.out = out};
    put_find_max(&prose, run);
    if (text_at(run, "url") == NULL)
        return;
    put_target(&prose, run);
    put_load(&prose, run);
    put_machine(&prose, run);
    put_sentence(&prose, "aborted", text_at(run, "aborted"));
    put_times(&prose, run);
    put_requests(&prose, run);
    put_prepared(&prose, run);
    put_rate(&prose, run);
    put_bytes(&prose, run);
    put_outcomes(&prose, run);
    put_cost(&prose, run);
    put_latencies(out, run);
    put_course(out, run);
    put_stages(out, run);
    fputc('\n', out);
    put_instrument(&prose, run);
    put_thresholds(&prose, run);
}
