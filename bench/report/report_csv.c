/* Owns the report for spreadsheets: every run of every file a row, by cell and round. */

#include "bench/report/report_page.h"
#include "bench/result/result.h"

#include <inttypes.h>

static const char *const texts[] = {"file", "line", "side", "round", "failed"};

static void put_text(FILE *out, const char *text)
{
    csv_text(out, text != NULL ? text : "");
    fputc(',', out);
}

static void put_run(const struct report_page *page, const struct report_run *run, size_t stage)
{
    const struct report *report = page->sums->report;
    for (size_t k = 0; k < report->axis_count; k++)
        put_text(page->out, report->axes[k].values[run->place.at[k]]);
    put_text(page->out, run->file);
    fprintf(page->out, "%zu,", run->line);
    put_text(page->out, run->side);
    fprintf(page->out, "%" JSON_INTEGER_FORMAT ",", run->round);
    put_text(page->out, run->failed);
    result_csv_row(page->out, run->json, stage);
}

void report_csv(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    for (size_t i = 0; i < report->axis_count; i++)
        put_text(page->out, report->axes[i].name);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        put_text(page->out, texts[i]);
    result_csv_head(page->out);
    for (size_t i = 0; i < report->run_count; i++)
        for (size_t stage = 0; stage <= result_stages(report->runs[i].json); stage++)
            put_run(page, &report->runs[i], stage);
}
