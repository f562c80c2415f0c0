/* Owns the report for pasting: the sentences and tables of the page, in GitHub's Markdown. */

#include "bench/report/report_page.h"

#include <string.h>

/* Any punctuation that could begin something is written as itself. */
static void put_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n' || *text == '\r') {
            putc(' ', out);
            continue;
        }
        if (strchr("\\`*_{}[]<>#|~&!$", *text) != NULL)
            putc('\\', out);
        putc(*text, out);
    }
}

static void put_strong(FILE *out, const char *text)
{
    fputs("**", out);
    put_escaped(out, text);
    fputs("**", out);
}

static void heading_begin(FILE *out, int level)
{
    fprintf(out, "%.*s ", level, "######");
}

static void heading_end(FILE *out, int level)
{
    (void)level;
    fputs("\n\n", out);
}

static void named_begin(FILE *out, const char *name)
{
    (void)out;
    (void)name;
}

static void group_end(FILE *out)
{
    (void)out;
}

static void block_end(FILE *out)
{
    fputs("\n\n", out);
}

static void item_begin(FILE *out)
{
    fputs("- ", out);
}

static void line_end(FILE *out)
{
    putc('\n', out);
}

/* A long table is folded: a page of many would be hard to read, and harder to scroll past. */
static void table_begin(FILE *out, const struct report_table *table)
{
    if (table->is_long)
        fprintf(out, "<details><summary>%s</summary>\n\n", table->caption);
    else
        fprintf(out, "%s:\n\n", table->caption);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct report_column *column = &table->columns[i];
        fputs("| ", out);
        put_escaped(out, column->title);
        fprintf(out, column->unit[0] != '\0' ? " (%s) " : " ", column->unit);
    }
    fputs("|\n", out);
    for (size_t i = 0; i < table->column_count; i++)
        fputs(table->columns[i].kind == REPORT_COLUMN_NUMBER ? "|---:" : "|---", out);
    fputs("|\n", out);
}

static void row_begin(FILE *out)
{
    putc('|', out);
}

static void cell_begin(FILE *out, const struct report_table *table, size_t column, double sort,
                       const char *mark)
{
    (void)table;
    (void)column;
    (void)sort;
    (void)mark;
    putc(' ', out);
}

static void cell_end(FILE *out, const struct report_table *table, size_t column)
{
    (void)table;
    (void)column;
    fputs(" |", out);
}

static void table_end(FILE *out, const struct report_table *table)
{
    fputs(table->is_long ? "\n</details>\n\n" : "\n", out);
}

static const struct report_format markdown = {
    .text = put_escaped,
    .minor = put_escaped,
    .strong = put_strong,
    .heading_begin = heading_begin,
    .heading_end = heading_end,
    .group_begin = named_begin,
    .group_end = group_end,
    .paragraph_begin = named_begin,
    .paragraph_end = block_end,
    .list_begin = named_begin,
    .item_begin = item_begin,
    .item_end = line_end,
    .list_end = line_end,
    .table_begin = table_begin,
    .row_begin = row_begin,
    .cell_begin = cell_begin,
    .cell_end = cell_end,
    .row_end = line_end,
    .table_end = table_end,
};

static void put_section(const struct report_page *page, const char *title,
                        void (*content)(const struct report_page *page))
{
    fprintf(page->out, "## %s\n\n", title);
    content(page);
}

static void put_numbers(const struct report_page *page)
{
    const struct report_sums *sums = page->sums;
    if (report_has_ratios(page))
        report_table_ratios(page);
    for (size_t i = 0; i < sums->report->compare_count; i++)
        report_table_compared(page, sums->report->compares[i]);
    for (size_t i = 0; i < sums->panel_count; i++)
        if (sums->panels[i].axis >= 0 && report_has_mean(&sums->panels[i]))
            report_table_levels(page, &sums->panels[i]);
    report_tables(page);
}

void report_markdown(const struct report_page *with)
{
    struct report_page it = *with, *page = &it;
    page->format = &markdown;
    fputs("# ", page->out);
    report_title(page);
    fputs("\n\n", page->out);
    report_where(page);
    fputs("\n\n", page->out);
    if (report_has_failures(page))
        put_section(page, "Failures", report_failures);
    put_section(page, report_verdict_title(page), report_verdict);
    if (report_has_course(page))
        put_section(page, "Over time", report_course);
    if (report_has_stages(page))
        put_section(page, "Stages", report_stages);
    if (report_has_runs(page)) {
        put_section(page, "Was it the client?", report_instrument);
        put_section(page, "Environment", report_environment);
    }
    if (!report_has_failures(page))
        put_section(page, "Failures", report_failures);
    if (report_has_runs(page))
        put_section(page, "All numbers", put_numbers);
}
