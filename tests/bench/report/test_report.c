/* The report: files of results in, sums, sentences and pages out. Rows of NDJSON go through
 * temporary files, as those of a user would. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/statistics/hdrlog.h"
#include "bench/report/report.h"
#include "bench/report/report_assets.h"
#include "bench/report/report_page.h"
#include "bench/result/members.h"
#include "bench/result/metric.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

#define LINE "{\"schema\":\"haul-bench/1\",\"kind\":"
#define CELL LINE "\"cell\",\"cell\":{\"loop\":\"uring\"},\"round\":1,"
#define RUN LINE "\"run\"}"

#define SWEEP                                                                                      \
    "{\"schema\":\"haul-bench/1\",\"kind\":\"sweep\",\"rounds\":%d,\"axes\":{\"loop\":[\"uring\"," \
    "\"epoll\"],\"c\":[\"64\",\"1000\"]}}\n"

/* --- files ------------------------------------------------------------------------------------ */

struct input {
    char path[32];
    FILE *file;
    int second; /* of the next run's beginning */
};

static void input_open(struct input *input)
{
    *input = (struct input){.path = "/tmp/report-XXXXXX"};
    input->file = fdopen(mkstemp(input->path), "w");
    assert_non_null(input->file);
}

static void input_close(struct input *input)
{
    assert_int_equal(fclose(input->file), 0);
    input->file = NULL;
}

/* A run that has these numbers, as JSON. */
static void put_run(struct input *input, const char *loop, double cpu, double rate, double p99,
                    const char *verdict)
{
    fprintf(input->file,
            "{\"schema\":\"haul-bench/"
            "1\",\"kind\":\"run\",\"started_at\":\"2026-11-21T00:00:%02d.000Z\","
            "\"loop\":\"%s\",\"connections\":64,\"mode\":\"closed\",\"rate_per_s\":%g,"
            "\"requests\":1000,\"error_count\":0,\"cpu\":{\"us_per_request\":%g},"
            "\"latency_us\":{\"intended\":null,\"actual\":{\"p99\":%g}},"
            "\"instrument\":{\"verdict\":\"%s\",\"sentences\":[\"It was busy.\"]},"
            "\"environment\":{\"cpu\":\"EPYC\",\"kernel\":\"Linux 6.18\"}}",
            input->second++, loop, rate, cpu, p99, verdict);
}

static void put_cell(struct input *input, const char *loop, const char *c, int round, double cpu)
{
    fprintf(
        input->file,
        "{\"schema\":\"haul-bench/1\",\"kind\":\"cell\",\"cell\":{\"loop\":\"%s\",\"c\":\"%s\"},"
        "\"round\":%d,\"run\":",
        loop, c, round);
    put_run(input, loop, cpu, 1e6 / cpu, 100 * cpu, "ok");
    fputs("}\n", input->file);
}

static void put_failed(struct input *input, const char *loop, const char *c, int round,
                       const char *why)
{
    fprintf(
        input->file,
        "{\"schema\":\"haul-bench/1\",\"kind\":\"cell\",\"cell\":{\"loop\":\"%s\",\"c\":\"%s\"},"
        "\"round\":%d,\"failed\":\"%s\"}\n",
        loop, c, round, why);
}

/* io_uring and epoll are equal at 64 connections; at 1000 epoll needs a quarter more. */
static void put_sweep(struct input *input)
{
    static const double noise[] = {0.99, 1.01, 1.00, 0.995, 1.005};
    fprintf(input->file, SWEEP, 5);
    for (int round = 1; round <= 5; round++) {
        put_cell(input, "epoll", "1000", round, 5 * noise[round % 5]);
        put_cell(input, "uring", "1000", round, 4 * noise[(round + 1) % 5]);
        put_cell(input, "uring", "64", round, 4 * noise[(round + 2) % 5]);
        put_cell(input, "epoll", "64", round, 4 * noise[(round + 3) % 5]);
    }
}

/* The report of one file that is complete; the file is gone then. */
static void report_of(struct report *report, struct input *input)
{
    *report = (struct report){0};
    input_close(input);
    bool done = report_read(report, input->path) && report_arrange(report);
    unlink(input->path);
    if (!done)
        fail_msg("%s", report->fault);
}

/* --- sums ------------------------------------------------------------------------------------- */

static const struct report_cell *cell_at(const struct report *report, const char *loop,
                                         const char *c)
{
    for (size_t i = 0; i < report->cell_count; i++) {
        const struct report_cell *cell = &report->cells[i];
        int by = report_axis_find(report, "loop"), over = report_axis_find(report, "c");
        if (strcmp(report->axes[by].values[cell->place.at[by]], loop) == 0 &&
            strcmp(report->axes[over].values[cell->place.at[over]], c) == 0)
            return cell;
    }
    return NULL;
}

static const struct {
    const char *name;
    double values[6];
    size_t count;
    double median, low, high;
} level_rows[] = {
    {"one round has no interval", {5}, 1, 5, NAN, NAN},
    {"of five the middle one", {5, 1, 4, 2, 3}, 5, 3, 1, 5},
    {"of four between the middle ones", {4, 1, 3, 2}, 4, 2.5, 1, 4},
    {"one that was disturbed moves nothing", {3, 3, 3, 300, 3}, 5, 3, 3, 300},
    {"equal ones are sure", {7, 7, 7, 7, 7, 7}, 6, 7, 7, 7},
};

static void test_levels(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(level_rows); i++) {
        struct input input;
        struct report report;
        struct report_sums sums;
        input_open(&input);
        for (size_t k = 0; k < level_rows[i].count; k++)
            put_cell(&input, "uring", "64", (int)k + 1, level_rows[i].values[k]);
        report_of(&report, &input);
        assert_int_equal(report_sums_open(&sums, &report, NULL), 0);
        struct report_estimate level = report_cell_level(&sums, &report.cells[0], REPORT_CPU);
        print_message("%s\n", level_rows[i].name);
        assert_float_equal(level.value, level_rows[i].median, 1e-9);
        assert_int_equal(isnan(level.low), isnan(level_rows[i].low));
        assert_true(isnan(level.low) || level.low >= level_rows[i].low);
        assert_true(isnan(level.low) || level.low <= level.value);
        assert_true(isnan(level.low) || level.high >= level.value);
        assert_true(isnan(level.low) || level.high <= level_rows[i].high);
        assert_int_equal(level.rounds, level_rows[i].count);
        report_sums_close(&sums);
        report_free(&report);
    }
}

static void test_ratios(void **state)
{
    struct input input;
    struct report report;
    struct report_sums sums;
    (void)state;
    input_open(&input);
    put_sweep(&input);
    report_of(&report, &input);
    assert_int_equal(report_sums_open(&sums, &report, NULL), 0);
    const struct report_panel *panel = &sums.panels[0];
    assert_string_equal(report.axes[sums.by].name, "loop");
    assert_string_equal(report.axes[panel->axis].name, "c");
    assert_int_equal(panel->x_count, 2);
    assert_int_equal(panel->slice_count, 1);

    struct report_estimate equal = report_ratio(&sums, panel, 0, 0, 0, REPORT_CPU);
    assert_float_equal(equal.value, 1, 1e-9);
    assert_true(equal.low < 1 && equal.high > 1);
    assert_int_equal(report_winner(&equal, REPORT_CPU), REPORT_TIE);

    struct report_estimate less = report_ratio(&sums, panel, 0, 1, 0, REPORT_CPU);
    assert_float_equal(less.value, 0.8, 1e-9);
    assert_true(less.low > 0.77 && less.high < 0.83);
    assert_int_equal(report_winner(&less, REPORT_CPU), REPORT_FIRST);

    struct report_estimate more = report_ratio(&sums, panel, 0, 1, 0, REPORT_RATE);
    assert_float_equal(more.value, 1.25, 1e-4);
    assert_int_equal(report_winner(&more, REPORT_RATE), REPORT_FIRST);

    struct report_estimate all = report_ratio(&sums, panel, 0, REPORT_ALL, 0, REPORT_CPU);
    assert_float_equal(all.value, sqrt(0.8), 1e-9);
    assert_true(all.high - all.low < less.high - less.low);
    report_sums_close(&sums);
    report_free(&report);
}

/* Means are over slices in which nothing is missing: else one side would be given the easy ones. */
static void test_slices(void **state)
{
    static const struct {
        const char *tls;
        double uring, epoll; /* CPU; 0: failed */
    } rows[] = {{"off", 1, 2}, {"on", 2, 8}, {"half", 1000, 0}};
    struct input input;
    struct report report;
    struct report_sums sums;
    (void)state;
    input_open(&input);
    for (size_t i = 0; i < 4 * COUNT(rows); i++) {
        double cpu = i % 2 == 0 ? rows[i / 4].uring : rows[i / 4].epoll;
        const char *loop = i % 2 == 0 ? "uring" : "epoll";
        fprintf(input.file,
                LINE "\"cell\",\"cell\":{\"loop\":\"%s\",\"c\":\"%d\",\"tls\":\"%s\"},"
                     "\"round\":1,\"%s\":",
                loop, i % 4 < 2 ? 1 : 64, rows[i / 4].tls, cpu > 0 ? "run" : "failed");
        if (cpu > 0)
            put_run(&input, loop, cpu, 1, 1, "ok");
        fputs(cpu > 0 ? "}\n" : "\"no\"}\n", input.file);
    }
    report_of(&report, &input);
    assert_int_equal(report_sums_open(&sums, &report, NULL), 0);
    const struct report_panel *panel = &sums.panels[0];
    assert_int_equal(panel->slice_count, 3);
    assert_int_equal(panel->complete_count, 2);
    assert_true(report_has_mean(panel));
    struct report_estimate mean = report_ratio(&sums, panel, REPORT_ALL, REPORT_ALL, 0, REPORT_CPU);
    assert_float_equal(mean.value, sqrt(1 / 8.0), 1e-9); /* of a half and a quarter */
    assert_true(isnan(mean.low));
    assert_int_equal(mean.cell_count, 4);
    assert_int_equal(report_winner(&mean, REPORT_CPU), REPORT_UNKNOWN);
    struct report_estimate missing = report_ratio(&sums, panel, 2, 0, 0, REPORT_CPU);
    assert_true(isnan(missing.value));
    report_sums_close(&sums);
    report_free(&report);
}

/* An axis to compare by has two to four values. */
static void test_by(void **state)
{
    struct input input;
    struct report report;
    struct report_sums sums;
    (void)state;
    input_open(&input);
    put_cell(&input, "uring", "1", 1, 1);
    put_cell(&input, "uring", "64", 1, 1);
    report_of(&report, &input);
    assert_int_equal(report_sums_open(&sums, &report, "loop"), -EINVAL);
    assert_int_equal(report_sums_open(&sums, &report, "body"), -EINVAL);
    assert_int_equal(report_sums_open(&sums, &report, NULL), 0);
    assert_string_equal(report.axes[sums.by].name, "c");
    assert_int_equal(sums.panels[0].axis, -1);
    report_sums_close(&sums);
    report_free(&report);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Numbers in the order of numbers, words in the order that the sweep gives. */
static void test_axes(void **state)
{
    struct input input;
    struct report report;
    (void)state;
    input_open(&input);
    fprintf(input.file, SWEEP, 1);
    put_cell(&input, "epoll", "1000", 1, 5);
    put_cell(&input, "uring", "4k", 1, 5);
    put_cell(&input, "uring", "64", 1, 5);
    report_of(&report, &input);
    assert_int_equal(report.axis_count, 2);
    assert_string_equal(report.axes[0].values[0], "uring");
    assert_false(report.axes[0].is_numeric);
    assert_true(report.axes[1].is_numeric);
    assert_string_equal(report.axes[1].values[0], "64");
    assert_string_equal(report.axes[1].values[2], "4k");
    assert_float_equal(report.axes[1].numbers[2], 4096, 0);
    assert_int_equal(report.planned, 4);
    assert_int_equal(report.swept, 3);
    report_free(&report);
}

static void test_repeated(void **state)
{
    struct input input;
    struct report report;
    (void)state;
    input_open(&input);
    put_failed(&input, "uring", "64", 1, "refused");
    put_cell(&input, "uring", "64", 2, 6);
    put_cell(&input, "uring", "64", 1, 4);
    put_failed(&input, "uring", "64", 3, "refused");
    put_failed(&input, "uring", "64", 3, "refused again");
    report_of(&report, &input);
    const struct report_cell *cell = cell_at(&report, "uring", "64");
    assert_int_equal(report.cell_count, 1);
    assert_int_equal(report.swept, 3);
    assert_int_equal(cell->run_count, 3);
    assert_int_equal(cell->good_count, 2);
    assert_float_equal(cell->runs[0].values[REPORT_CPU], 4, 0);
    assert_string_equal(cell->runs[2].failed, "refused again");
    report_free(&report);
}

/* What a sweep that was killed leaves: half a line, or a whole one that lacks only its end. */
static void test_torn(void **state)
{
    static const char *const tails[] = {LINE "\"ce", RUN};
    (void)state;
    for (size_t i = 0; i < COUNT(tails); i++) {
        struct input input;
        struct report report;
        input_open(&input);
        put_cell(&input, "uring", "64", 1, 4);
        fputs(tails[i], input.file);
        report_of(&report, &input);
        assert_int_equal(report.run_count, 1);
        assert_int_equal(report.torn_count, 1);
        report_free(&report);
    }
}

/* One object has no lines: they may break anywhere, and the last needs no end. A pipe gives it as a
 * file does. */
static void test_whole(void **state)
{
    static const char broken[] = "{\"schema\":\n\"haul-bench/1\",\n\"kind\":\"run\"\n}";
    static const char *const texts[] = {RUN, "\n" RUN "\n", broken};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct report report = {0};
        char path[32];
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], texts[i], strlen(texts[i])), strlen(texts[i]));
        close(ends[1]);
        snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
        assert_true(report_read(&report, path) && report_arrange(&report));
        assert_int_equal(report.run_count, 1);
        assert_int_equal(report.torn_count, 0);
        report_free(&report);
        close(ends[0]);
    }
}

static const struct {
    const char *text;
    const char *fault; /* behind the path */
} damaged_rows[] = {
    {"", ":1: is no JSON: '[' or '{' expected near end of file"},
    {"nonsense\n", ":1: is no JSON: '[' or '{' expected near 'nonsense'"},
    {CELL "\"failed\":\"x\"}\nnonsense\n", ":2: is no JSON: '[' or '{' expected near 'nonsense'"},
    {"{\n\"schema\":\n1 2}", ":3: is no JSON: '}' expected near '2'"},
    {RUN "\n\n" RUN "{\n" RUN "\n", ":3: is no JSON: end of file expected near '{'"},
    {"\n{\n\"schema\":\n1 2}", ":4: is no JSON: '}' expected near '2'"},
    {"[]\n", ":1: has no schema, so it is no result of haul bench"},
    {"{\"schema\":\"haul-bench/2\"}\n",
     ":1: has the schema 'haul-bench/2', this reads haul-bench/1"},
    {LINE "\"poem\"}\n", ":1: is no sweep, cell, run or comparison"},
    {LINE "7}\n", ":1: is no sweep, cell, run or comparison"},
    {LINE "\"sweep\"}\n", ":1: a sweep without \"axes\" or \"rounds\""},
    {LINE "\"sweep\",\"rounds\":1,\"axes\":{\"c\":[1]}}\n",
     ":1: the values of its \"axes\" are not strings"},
    {LINE "\"cell\",\"round\":1,\"failed\":\"x\"}\n",
     ":1: its \"cell\" is not an object of up to 16 strings"},
    {LINE "\"cell\",\"cell\":{\"c\":1},\"round\":1,\"failed\":\"x\"}\n",
     ":1: its \"cell\" is not an object of up to 16 strings"},
    {LINE "\"cell\",\"cell\":{},\"round\":0,\"failed\":\"x\"}\n",
     ":1: its \"round\" is not a number from 1 on"},
    {CELL "\"run\":7}\n", ":1: it has neither one \"run\" nor one sentence in \"failed\""},
    {CELL "\"run\":{}}\n", ":1: has no schema, so it is no result of haul bench"},
    {CELL "\"run\":" LINE "\"cell\"}}\n", ":1: the run is of no kind run"},
    {CELL "\"run\":" RUN ",\"failed\":\"x\"}\n",
     ":1: it has neither one \"run\" nor one sentence in \"failed\""},
    {"\n" CELL "\"run\":" RUN "}\n \t\n" CELL "\"run\":" RUN "}\n", ":4: the same run is in "},
    {CELL "\"run\":" LINE "\"run\",\"histograms\":{\"actual\":\"HISTF!\"}}}\n",
     ":1: the payload is not base64"},
    {LINE "\"compare\"}\n", ":1: a comparison without \"pairs\""},
    {LINE "\"compare\",\"pairs\":[{\"a\":\"x\"}]}\n",
     ":1: one of its \"pairs\" has no sides, metrics or verdict"},
    {LINE "\"compare\",\"pairs\":[{\"a\":\"x\",\"b\":\"y\",\"metrics\":[{\"metric\":\"cpu\"}]}]}\n",
     ":1: one of its \"pairs\" has no sides, metrics or verdict"},
    {LINE "\"compare\",\"pairs\":[],\"runs\":[{\"side\":\"a\"}]}\n",
     ":1: one of its \"runs\" has no side, round or run"},
};

static void test_damaged(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(damaged_rows); i++) {
        struct report report = {0};
        struct input input;
        input_open(&input);
        fputs(damaged_rows[i].text, input.file);
        input_close(&input);
        assert_false(report_read(&report, input.path) && report_arrange(&report));
        size_t length = strlen(input.path);
        if (strncmp(report.fault, input.path, length) != 0 ||
            strncmp(report.fault + length, damaged_rows[i].fault, strlen(damaged_rows[i].fault)) !=
                0)
            fail_msg("row %zu: %s", i, report.fault);
        unlink(input.path);
        report_free(&report);
    }
}

/* Any byte of a good file replaced, or all from there on left out: said to be wrong, or taken. */
static void test_any_byte(void **state)
{
    static const char replacements[] = {'\0', '"', '}', '0', '-'};
    struct input input;
    char text[4096], path[32];
    (void)state;
    input_open(&input);
    fprintf(input.file, SWEEP, 1);
    put_cell(&input, "uring", "64", 1, 4);
    put_cell(&input, "epoll", "64", 1, 4);
    input_close(&input);
    FILE *file = fopen(input.path, "r");
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    unlink(input.path);
    int memory = memfd_create("sweep", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    for (size_t at = 0; at < length; at++)
        for (size_t k = 0; k <= sizeof replacements; k++) {
            struct report report = {0};
            struct report_sums sums;
            char held = text[at];
            bool is_cut = k == sizeof replacements;
            text[at] = is_cut ? held : replacements[k];
            assert_int_equal(ftruncate(memory, (off_t)(is_cut ? at : length)), 0);
            assert_true(pwrite(memory, text, is_cut ? at : length, 0) >= 0);
            text[at] = held;
            bool done = report_read(&report, path) && report_arrange(&report);
            assert_int_equal(done, report.fault[0] == '\0');
            if (done && report_sums_open(&sums, &report, NULL) == 0)
                report_sums_close(&sums);
            report_free(&report);
        }
    close(memory);
}

/* --- curves ----------------------------------------------------------------------------------- */

static void test_curves(void **state)
{
    struct histogram histogram;
    struct input input;
    struct report report;
    (void)state;
    assert_true(histogram_open(&histogram));
    for (uint64_t us = 1; us <= 1000; us++)
        histogram_record(&histogram, us * 1000);
    char *payload = hdrlog_encode(&histogram);
    assert_non_null(payload);
    input_open(&input);
    for (int round = 1; round <= 2; round++)
        fprintf(input.file,
                LINE
                "\"cell\",\"cell\":{\"loop\":\"uring\"},\"round\":%d,\"run\":" LINE
                "\"run\",\"histograms\":{\"unit\":\"ns\",\"actual\":\"%s\",\"intended\":null}}}\n",
                round, payload);
    report_of(&report, &input);
    const struct report_cell *cell = &report.cells[0];
    assert_float_equal(report_quantile(8), 0.9, 1e-12);
    assert_float_equal(report_quantile(16), 0.99, 1e-12);
    assert_int_equal(cell->curve_count, 27); /* 2000 values: to the quantile 1 - 10^-3.25 */
    assert_float_equal(cell->curve_us[0], 1, 0.001);
    assert_float_equal(cell->curve_us[8], 900, 1);
    assert_float_equal(cell->curve_us[16], 990, 1);
    free(payload);
    histogram_close(&histogram);
    report_free(&report);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* What a page says, to be freed. */
__attribute__((noinline)) static char *page_of(const struct report *report, const char *title,
                                               void (*write)(const struct report_page *page))
{
    struct report_sums sums;
    char *text = NULL;
    size_t length;
    assert_int_equal(report_sums_open(&sums, report, NULL), 0);
    struct report_page page = {
        .out = open_memstream(&text, &length), .sums = &sums, .title = title};
    assert_non_null(page.out);
    write(&page);
    fclose(page.out);
    report_sums_close(&sums);
    return text;
}

static void assert_has(const char *text, const char *wanted)
{
    if (strstr(text, wanted) == NULL)
        fail_msg("is not there: %s", wanted);
}

static void assert_has_not(const char *text, const char *unwanted)
{
    if (strstr(text, unwanted) != NULL)
        fail_msg("is there: %s", unwanted);
}

static const char *const markdown_lines[] = {
    "# io\\_uring and epoll compared\n\n"
    "2026-11-21 00:00 UTC · 4 cells, 20 runs · EPYC · Linux 6.18\n\n"
    "## What won where\n\n"
    "- **CPU per request**: io\\_uring needs 11\u00a0% \\[10 … 11\\] less than epoll.\n"
    "- **Rate**: io\\_uring reaches 12\u00a0% \\[11 … 13\\] more than epoll.\n",
    "Medians over 5 rounds, geometric mean over connections; latency from when a request was "
    "begun. "
    "In brackets: 95 % intervals",
    "The instrument kept up in all 20 runs.\n",
    "- **CPU per request**: no difference detected at 64 connections; io\\_uring needs "
    "20\u00a0% \\[19 … 21\\] less than epoll at 1000 connections.\n",
    "- **Rate**: no difference detected at 64 connections; io\\_uring reaches "
    "25\u00a0% \\[23 … 27\\] more than epoll at 1000 connections.\n",
    "In no run was the client the bottleneck, a rate not held, or anything short.\n",
    "| cpu | EPYC |\n| kernel | Linux 6.18 |\n",
    "No run failed, and no request in any of them.\n",
    "| Compared | Connections | CPU per request | Rate | p99 latency "
    "|\n|---|---:|---:|---:|---:|\n",
    "| io\\_uring against epoll | 1000 | −20\u00a0% \\[−21 … −19\\] | +25\u00a0% \\[+23 … +27\\] | "
    "−20\u00a0% \\[−21 … −19\\] |\n",
    "| Loop | Connections | Rate (requests/s) | CPU per request (µs) | Requests | Errors | Rounds "
    "|\n"
    "|---|---:|---:|---:|---:|---:|---:|\n"
    "| io\\_uring | 64 | 250,000 \\[247,525 … 252,525\\] | 4 \\[3.960 … 4.040\\] | 1,000 | 0 | 5 "
    "|\n",
};

static void test_markdown(void **state)
{
    struct input input;
    struct report report;
    (void)state;
    input_open(&input);
    put_sweep(&input);
    report_of(&report, &input);
    char *text = page_of(&report, NULL, report_markdown);
    for (size_t i = 0; i < COUNT(markdown_lines); i++)
        assert_has(text, markdown_lines[i]);
    free(text);
    report_free(&report);
}

/* Where requests failed, it is said which percentiles no longer are what they were. */
static void test_lower_bounds(void **state)
{
    struct input input;
    struct report report;
    (void)state;
    input_open(&input);
    fputs("{\"schema\":\"haul-bench/1\",\"kind\":\"run\",\"loop\":\"uring\",\"mode\":\"closed\","
          "\"requests\":1000,\"error_count\":20,\"unfinished\":0,\"replies\":980,\"rate_per_s\":1,"
          "\"latency_us\":{\"all\":{\"p50\":2000,\"p99\":300000,\"p99_9\":300000,\"lower_bound_"
          "from\":\"p99\"}}}\n",
          input.file);
    report_of(&report, &input);
    char *text = page_of(&report, NULL, report_markdown);
    assert_has(text, "20 errors in 1,000 requests; from p99 on percentiles are lower bounds");
    assert_has(text, ", p99 latency over 300 ms, ");
    assert_has(text, "| 2 | over 300 | over 300 |");
    free(text);
    report_free(&report);
}

/* A server that dies is seen in the rows, failures come first, and what a file says may be
 * anything. */
static void test_course(void **state)
{
    static const char head[] = "{\"schema\":\"haul-bench/1\",\"kind\":\"run\",\"loop\":\"uring\","
                               "\"requests\":1000,\"error_count\":20,\"timeline\":{\"rows\":[";
    static const struct {
        const char *rows;
        const char *wanted; /* NULL: there is no section */
    } cases[] = {
        {"{\"end_s\":1,\"rate_per_s\":800,\"requests\":800,\"p99_us\":1500,\"max_us\":2000,"
         "\"statuses\":{\"2xx\":800},\"in_flight\":3},"
         "{\"end_s\":2,\"rate_per_s\":400,\"requests\":400,\"statuses\":{\"2xx\":200},"
         "\"errors\":{\"connect\":200}},"
         "{\"end_s\":2.5,\"rate_per_s\":null,\"requests\":7,\"errors\":{\"connect\":7}}",
         "| 1 | 800 | \u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588 | \u2013 | "
         "\u2013 | "
         "1.500 ms | 2.000 ms | 3 |\n"
         "| 2 | 400 | \u2588\u2588\u2591\u2591\u2591 | 200 | \u2013 | \u2013 | \u2013 | \u2013 |\n"
         "| 2.5 | \u2013 |  | 7 | \u2013 | \u2013 | \u2013 | \u2013 |\n"},
        {"7,null,[],{\"end_s\":\"x\",\"rate_per_s\":-1e300,\"errors\":[],\"statuses\":{\"5\":{}}}",
         "| \u2013 | \u2013 |  | \u2013 | \u2013 | \u2013 | \u2013 | \u2013 |\n"},
        {"{\"end_s\":1},{\"end_s\":2}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct input input;
        struct report report;
        input_open(&input);
        fprintf(input.file, "%s%s]}}\n", head, cases[i].rows);
        report_of(&report, &input);
        char *text = page_of(&report, NULL, report_markdown);
        if (cases[i].wanted != NULL)
            assert_has(text, cases[i].wanted);
        else
            assert_null(strstr(text, "Over time"));
        assert_true(strstr(text, "## Failures") < strstr(text, "## Environment"));
        free(text);
        report_free(&report);
    }
}

static void test_stages(void **state)
{
    struct input input;
    struct report report;
    (void)state;
    input_open(&input);
    fputs("{\"schema\":\"haul-bench/"
          "1\",\"kind\":\"run\",\"loop\":\"uring\",\"stages\":[{\"end_s\":10,"
          "\"plan\":{\"rate_from\":100,\"rate_to\":5000},\"rate_per_s\":1234.5,\"error_count\":7,"
          "\"unsent\":0,\"latency_us\":{\"all\":{\"p50\":1000,\"p99\":300000,\"max\":300000,"
          "\"lower_bound_from\":\"p99\"}}},{\"end_s\":[],\"plan\":7,\"latency_us\":null},9]}\n",
          input.file);
    report_of(&report, &input);
    char *text = page_of(&report, NULL, report_markdown);
    assert_has(text,
               "| 1 | 10 | 100 to 5,000 | 1,235 | 7 | \u2013 | 1.000 ms | over 300.0 ms | over "
               "300.0 ms |\n"
               "| 2 | \u2013 | 0 | \u2013 | \u2013 | \u2013 | \u2013 | \u2013 | \u2013 |\n"
               "| 3 | \u2013 | 0 | \u2013 | \u2013 | \u2013 | \u2013 | \u2013 | \u2013 |\n");
    free(text);
    report_free(&report);
}

/* What stood in the way, what failed and what is missing is all said. */
static void test_admissions(void **state)
{
    struct input input;
    struct report report;
    (void)state;
    input_open(&input);
    fprintf(input.file, SWEEP, 2);
    fputs(CELL "\"run\":", input.file);
    put_run(&input, "epoll", 4, 100, 100, "client_bound");
    fputs("}\n", input.file);
    put_failed(&input, "epoll", "64", 1, "could not connect");
    put_cell(&input, "epoll", "64", 2, 5);
    report_of(&report, &input);
    char *text = page_of(&report, "My title", report_markdown);
    assert_has(text, "# My title\n");
    assert_has(text, "In 1 of 2 runs the instrument stood in the way");
    assert_has(text, "The sweep is not finished: 3 of 8 runs are here.");
    assert_has(text, "| client-bound | 1 of 1 | It was busy. |");
    assert_has(text, "| another loop than asked | 1 of 1 | epoll |");
    assert_has(text, "- epoll, 64 connections, round 1: could not connect\n");
    free(text);
    report_free(&report);
}

/* --- what a page leaves out, and says instead ------------------------------------------------- */

static void put_lines(struct input *input, const char *lines)
{
    fputs(lines, input->file);
}

#define RUN_OF(more) LINE "\"run\",\"loop\":\"uring\",\"connections\":64" more "}\n"

static const struct {
    const char *name;
    const char *lines; /* NULL: of a sweep, each cell once, of which failed is what failed */
    const char *wanted[6];
    const char *unwanted[6];
    bool has_failed;
} pages[] = {
    {.name = "a run has a title",
     .lines = RUN_OF(",\"url\":\"http://h/\",\"server\":null,\"rate_per_s\":5000"),
     .wanted = {"<h1>64 connections to http://h/</h1>", "5,000 requests/s"}},
    {.name = "and so has one of the embedded server",
     .lines = RUN_OF(",\"url\":\"http://h/\",\"server\":\"embedded\""),
     .wanted = {"<h1>64 connections to the embedded server</h1>"}},
    {.name = "which clock: closed",
     .lines = RUN_OF(",\"mode\":\"closed\",\"latency_us\":{\"all\":{\"p50\":1,\"p99\":2}}"),
     .wanted = {"Latency: from when a request was begun", "all rounds <small>from when a request "
                                                          "was begun</small>"},
     .unwanted = {"was due"}},
    {.name = "which clock: open",
     .lines = RUN_OF(",\"mode\":\"open\",\"latency_us\":{\"all\":{\"p50\":1,\"p99\":2}}"),
     .wanted = {"Latency: from when a request was due", "all rounds <small>from when a request was "
                                                        "due</small>"}},
    {.name = "no request was answered",
     .lines =
         RUN_OF(",\"requests\":9,\"replies\":0,\"error_count\":9,\"latency_us\":{\"all\":{\"p50\":1"
                "}},\"instrument\":{\"verdict\":\"all_failed\",\"sentences\":[\"alas\"]}"),
     .wanted = {"class=\"banner\">Every request failed.", "No request was answered",
                "<td class=\"word\">all failed</td>", "alas"},
     .unwanted = {"data-chart", "id=\"latency\"", "stood in the way:", "The instrument stood"}},
    {.name = "the server did not hold the rate",
     .lines =
         RUN_OF(",\"mode\":\"open\",\"instrument\":{\"verdict\":\"rate_not_held\",\"sentences\":["
                "\"of 9\"]}"),
     .wanted =
         {"In 1 of 1 runs the rate that was asked for was not held, though the client kept up",
          "<td class=\"word\">rate not held</td>"},
     .unwanted = {"The instrument stood in the way"}},
    {.name = "the client did not",
     .lines =
         RUN_OF(",\"mode\":\"open\",\"instrument\":{\"verdict\":\"client_bound\",\"sentences\":["
                "\"of 9\"]}"),
     .wanted = {"The instrument stood in the way"},
     .unwanted = {"though the client kept up"}},
    {.name = "one round",
     .wanted = {"4 cells, no verdict: one round cannot tell a difference from chance",
                "in the only round io_uring used 20\u00a0% less than epoll",
                "io_uring against epoll", "in the only round: grey, since that is no verdict"},
     .unwanted = {"no verdict at", "no difference detected in", "95&nbsp;% interval"}},
    {.name = "all failed",
     .has_failed = true,
     .wanted = {"class=\"banner\">All 4 runs failed.", "Nothing: every run failed."},
     .unwanted = {"data-chart", "<table", "id=\"environment\"", "id=\"instrument\"", "kept up",
                  "What won where"}},
    {.name = "what is many times another",
     .lines = LINE
     "\"compare\",\"rounds\":9,\"confidence\":0.99,\"sides\":[{\"name\":\"uring\"},{\"name\":"
     "\"epoll\"}],\"pairs\":[{\"a\":\"uring\",\"b\":\"epoll\",\"metrics\":[{\"metric\":\"cpu\","
     "\"ratio\":1675.1,\"low\":1600,\"high\":1700.4,\"verdict\":\"b higher\"},{\"metric\":\"p99\","
     "\"ratio\":0.4,\"low\":0.3,\"high\":0.45,\"verdict\":\"a higher\"}]}],\"runs\":[]}\n",
     .wanted = {"epoll is 1,675\u00a0times<small> [1,600 … 1,700]</small> as high as io_uring.",
                "io_uring is 2.5\u00a0times<small> [2.2 … 3.3]</small> as high as epoll."},
     .unwanted = {"167410", "167,410", "150\u00a0%"}},
    {.name = "compare has its sentences",
     .lines = LINE
     "\"compare\",\"rounds\":9,\"confidence\":0.99,\"sides\":[{\"name\":\"uring\"},{\"name\":"
     "\"epoll\"}],\"pairs\":[{\"a\":\"uring\",\"b\":\"epoll\",\"metrics\":[{\"metric\":\"cpu\","
     "\"ratio\":1.25,\"low\":1.2,\"high\":1.3,\"verdict\":\"b higher\"},{\"metric\":\"p99\","
     "\"ratio\":1.01,\"low\":0.9,\"high\":1.1,\"resolution\":0.12,\"verdict\":\"no difference "
     "detected\"}]}],\"runs\":[]}\n",
     .wanted = {"io_uring is better than epoll in 1 of 2 metrics.",
                "<strong>CPU per request</strong>: epoll is higher than io_uring by 25\u00a0%",
                "no difference detected between io_uring and epoll:",
                "; one of 12\u00a0% would have shown", "io_uring against epoll"},
     .unwanted = {"uring of epoll"}},
};

static void put_page(struct input *input, size_t row)
{
    static const char *const cells[][2] = {
        {"uring", "64"}, {"epoll", "64"}, {"uring", "1000"}, {"epoll", "1000"}};
    if (pages[row].lines != NULL) {
        put_lines(input, pages[row].lines);
        return;
    }
    fprintf(input->file, SWEEP, 1);
    for (size_t i = 0; i < COUNT(cells); i++)
        if (pages[row].has_failed)
            put_failed(input, cells[i][0], cells[i][1], 1, "alas");
        else
            put_cell(input, cells[i][0], cells[i][1], 1, i % 2 == 0 ? 4 : 5);
}

static void test_pages(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pages); i++) {
        struct input input;
        struct report report;
        input_open(&input);
        put_page(&input, i);
        report_of(&report, &input);
        char *text = page_of(&report, NULL, report_html);
        char *body = strdup(strstr(text, "<body>"));
        free(text);
        *strstr(body, "<script type") = '\0'; /* the script has all words */
        for (size_t k = 0; k < COUNT(pages[i].wanted) && pages[i].wanted[k] != NULL; k++)
            if (strstr(body, pages[i].wanted[k]) == NULL)
                fail_msg("%s: there is no %s", pages[i].name, pages[i].wanted[k]);
        for (size_t k = 0; k < COUNT(pages[i].unwanted) && pages[i].unwanted[k] != NULL; k++)
            if (strstr(body, pages[i].unwanted[k]) != NULL)
                fail_msg("%s: there is %s", pages[i].name, pages[i].unwanted[k]);
        free(body);
        report_free(&report);
    }
}

/* --- text from anywhere ----------------------------------------------------------------------- */

#define NASTY "</script><img src=x onerror=alert(1)> & | `x` <!-- \\u2028 '"

/* What stands from behind begin to the next quote must be in that text, in this format. */
static void assert_word(const char *text, const char *begin, const char *format, const char *in)
{
    char word[64], wanted[96];
    const char *from = text + strlen(begin);
    snprintf(word, sizeof word, "%.*s", (int)strcspn(from, "\""), from);
    snprintf(wanted, sizeof wanted, format, word);
    if (strstr(in, wanted) == NULL)
        fail_msg("%s%s: there is no %s", begin, word, wanted);
}

/* What the contents name is there, and what is to be drawn has a function that draws it. */
static void assert_sections(const char *page)
{
    static const char entry[] = "<li><a href=\"#", chart[] = "data-chart=\"";
    const char *kinds = strstr(report_script, "const kinds = {");
    size_t count = 0;
    assert_non_null(kinds);
    for (const char *at = page; (at = strstr(at, entry)) != NULL; at++, count++)
        assert_word(at, entry, "<h2 id=\"%s\"", page);
    for (const char *at = page; (at = strstr(at, chart)) != NULL; at++)
        assert_word(at, chart, " %s: ", kinds);
    assert_true(count >= 5);
}

static void test_escapes(void **state)
{
    struct input input;
    struct report report;
    (void)state;
    input_open(&input);
    for (int i = 0; i < 2; i++) {
        put_failed(&input, i == 0 ? "uring" : "epoll", NASTY, 1, NASTY);
        fprintf(input.file,
                LINE "\"cell\",\"cell\":{\"loop\":\"%s\",\"c\":\"" NASTY "\",\"" NASTY
                     "\":\"%d\"},\"round\":2,\"run\":" LINE "\"run\",\"environment\":{\"" NASTY
                     "\":\"" NASTY "\"},\"instrument\":{\"verdict\":\"" NASTY
                     "\",\"sentences\":[\"" NASTY "\"]}}}\n",
                i == 0 ? "uring" : "epoll", i);
    }
    report_of(&report, &input);
    char *text = page_of(&report, NASTY, report_html);
    assert_has(text, "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; &amp; | `x` &lt;!-- ");
    assert_has(text, "\\u003c/script\\u003e\\u003cimg src=x");
    assert_has_not(text, "</script><img");
    assert_has_not(text, "<img");
    assert_sections(text);
    free(text);
    text = page_of(&report, NASTY, report_markdown);
    assert_has(text, "\\</script\\>\\<img src=x onerror=alert(1)\\> \\& \\| \\`x\\` \\<\\!-- ");
    assert_has_not(text, "><img");
    free(text);
    report_free(&report);
}

/* --- words ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    const char *words[7];
    int status;
} word_rows[] = {
    {"nothing", {"report"}, 2},
    {"no output", {"report", "x.ndjson"}, 2},
    {"no file", {"report", "-o", "x.html"}, 2},
    {"an output of no format", {"report", "x.ndjson", "-o", "x.txt"}, 2},
    {"only an ending", {"report", "x.ndjson", "-o", ".md"}, 2},
    {"no such option", {"report", "x.ndjson", "-o", "x.md", "--colour"}, 2},
    {"an option without its value", {"report", "x.ndjson", "-o"}, 2},
    {"a file that is not there", {"report", "/nonexistent/x", "-o", "/tmp/x.md"}, 1},
    {"the same behind --", {"report", "-o=/tmp/x.md", "--", "-x"}, 1},
};

static void test_words(void **state)
{
    (void)state;
    int held = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY);
    for (size_t i = 0; i < COUNT(word_rows); i++) {
        char *words[7] = {0};
        int count = 0;
        for (; word_rows[i].words[count] != NULL; count++)
            words[count] = (char *)(uintptr_t)word_rows[i].words[count];
        dup2(nowhere, STDERR_FILENO);
        int status = report_main(count, words);
        dup2(held, STDERR_FILENO);
        if (status != word_rows[i].status)
            fail_msg("%s: %d", word_rows[i].name, status);
    }
    close(held);
    close(nowhere);
}

/* --- columns ---------------------------------------------------------------------------------- */

static const struct member *member_of_metric(const char *name)
{
    for (size_t i = 0; i < run_member_count; i++)
        if (run_members[i].metric != NULL && run_members[i].type != MEMBER_LATENCY &&
            strcmp(run_members[i].metric, name) == 0)
            return &run_members[i];
    return NULL;
}

static bool is_unit(const struct report_metric_names *column, enum metric_unit unit)
{
    static const struct {
        enum metric_unit unit;
        const char *text;
        double factor;
    } units[] = {
        {METRIC_COUNT, "", 1},
        {METRIC_PER_SECOND, "requests/s", 1},
        {METRIC_SHARE, "%", 100},
        {METRIC_MICROSECONDS, "µs", 1},
        {METRIC_MICROSECONDS, "ms", 1e-3},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == unit && strcmp(units[i].text, column->unit) == 0 &&
            units[i].factor == column->factor)
            return true;
    return false;
}

/* A column is a metric, in its unit; a figure's is called as its row calls it. */
static void test_columns(void **state)
{
    (void)state;
    for (int i = 0; i < REPORT_METRIC_COUNT; i++) {
        const struct report_metric_names *column = &report_metrics[i];
        if (!metric_is_known(column->key))
            fail_msg("%s is no metric", column->key);
        if (!is_unit(column, metric_unit(column->key)))
            fail_msg("%s is not in '%s' by %g", column->key, column->unit, column->factor);
        const struct member *member = member_of_metric(column->key);
        if (member != NULL)
            assert_string_equal(column->title, member->title);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),     cmocka_unit_test(test_ratios),
        cmocka_unit_test(test_slices),     cmocka_unit_test(test_by),
        cmocka_unit_test(test_axes),       cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_torn),       cmocka_unit_test(test_whole),
        cmocka_unit_test(test_damaged),    cmocka_unit_test(test_any_byte),
        cmocka_unit_test(test_curves),     cmocka_unit_test(test_course),
        cmocka_unit_test(test_stages),     cmocka_unit_test(test_lower_bounds),
        cmocka_unit_test(test_pages),      cmocka_unit_test(test_markdown),
        cmocka_unit_test(test_admissions), cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_words),      cmocka_unit_test(test_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
