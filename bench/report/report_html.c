/* Owns the page for people to look at: one file that needs nothing else. The idea: it is whole
 * without its script, which only adds drawing and sorting, and a policy in its head lets nothing
 * run or load but what it was built with, whatever the results contain. */

#include "bench/report/report_assets.h"
#include "bench/base/json_at.h"
#include "bench/report/report_page.h"

#include <math.h>
#include <stdlib.h>

/* --- HTML ------------------------------------------------------------------------------------- */

static void put_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            putc(*text, out);
        }
}

static void put_minor(FILE *out, const char *text)
{
    fputs("<small>", out);
    put_escaped(out, text);
    fputs("</small>", out);
}

static void put_strong(FILE *out, const char *text)
{
    fputs("<strong>", out);
    put_escaped(out, text);
    fputs("</strong>", out);
}

static void heading_begin(FILE *out, int level)
{
    fprintf(out, "<h%d>", level);
}

static void heading_end(FILE *out, int level)
{
    fprintf(out, "</h%d>\n", level);
}

static void named_begin(FILE *out, const char *tag, const char *name)
{
    if (name != NULL)
        fprintf(out, "<%s class=\"%s\">", tag, name);
    else
        fprintf(out, "<%s>", tag);
}

static void group_begin(FILE *out, const char *name)
{
    named_begin(out, "div", name);
    putc('\n', out);
}

static void group_end(FILE *out)
{
    fputs("</div>\n", out);
}

static void paragraph_begin(FILE *out, const char *name)
{
    named_begin(out, "p", name);
}

static void paragraph_end(FILE *out)
{
    fputs("</p>\n", out);
}

static void list_begin(FILE *out, const char *name)
{
    named_begin(out, "ul", name);
    putc('\n', out);
}

static void item_begin(FILE *out)
{
    fputs("<li>", out);
}

static void item_end(FILE *out)
{
    fputs("</li>\n", out);
}

static void list_end(FILE *out)
{
    fputs("</ul>\n", out);
}

static const char *const kind_classes[] = {
    [REPORT_COLUMN_TEXT] = "", [REPORT_COLUMN_WORD] = "word", [REPORT_COLUMN_NUMBER] = "number"};

/* The frame scrolls by itself, so that the page need not; with a name and a place in the order of
 * the Tab key, so that the keyboard can scroll it. */
static void table_begin(FILE *out, const struct report_table *table)
{
    fprintf(out, "<div class=\"frame%s\" role=\"region\" tabindex=\"0\" aria-label=\"",
            table->is_long ? " long" : "");
    put_escaped(out, table->caption);
    fputs("\">\n<table class=\"sortable\">\n<caption><span>", out);
    put_escaped(out, table->caption);
    fputs("</span></caption>\n<thead><tr>", out);
    for (size_t i = 0; i < table->column_count; i++) {
        fprintf(out, "<th scope=\"col\" class=\"%s\">", kind_classes[table->columns[i].kind]);
        put_escaped(out, table->columns[i].title);
        if (table->columns[i].unit[0] != '\0') {
            putc(' ', out);
            put_minor(out, table->columns[i].unit);
        }
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
}

static void row_begin(FILE *out)
{
    fputs("<tr>", out);
}

static const char *cell_tag(const struct report_table *table, size_t column)
{
    return column < table->head_count ? "th" : "td";
}

static void cell_begin(FILE *out, const struct report_table *table, size_t column, double sort,
                       const char *mark)
{
    const char *kind = kind_classes[table->columns[column].kind];
    fprintf(out, "<%s", cell_tag(table, column));
    if (column < table->head_count)
        fputs(" scope=\"row\"", out);
    if (kind[0] != '\0' || mark != NULL)
        fprintf(out, " class=\"%s%s%s\"", kind, kind[0] != '\0' && mark != NULL ? " " : "",
                mark != NULL ? mark : "");
    if (!isnan(sort))
        fprintf(out, " data-sort=\"%.9g\"", sort);
    putc('>', out);
}

static void cell_end(FILE *out, const struct report_table *table, size_t column)
{
    fprintf(out, "</%s>", cell_tag(table, column));
}

static void row_end(FILE *out)
{
    fputs("</tr>\n", out);
}

static void table_end(FILE *out, const struct report_table *table)
{
    (void)table;
    fputs("</tbody>\n</table>\n</div>\n", out);
}

static const struct report_format html = {
    .text = put_escaped,
    .minor = put_minor,
    .strong = put_strong,
    .heading_begin = heading_begin,
    .heading_end = heading_end,
    .group_begin = group_begin,
    .group_end = group_end,
    .paragraph_begin = paragraph_begin,
    .paragraph_end = paragraph_end,
    .list_begin = list_begin,
    .item_begin = item_begin,
    .item_end = item_end,
    .list_end = list_end,
    .table_begin = table_begin,
    .row_begin = row_begin,
    .cell_begin = cell_begin,
    .cell_end = cell_end,
    .row_end = row_end,
    .table_end = table_end,
};

/* --- charts ----------------------------------------------------------------------------------- */

/* Names the lines of a chart: a stroke and a point that differ in more than colour. */
static void legend_item_begin(const struct report_page *page, size_t side)
{
    static const char *const points[REPORT_SIDES_MAX] = {
        "<circle cx=\"18\" cy=\"8\" r=\"4.5\"/>", "<path d=\"M18 3l5 9h-10z\"/>",
        "<path d=\"M14 4h8v8h-8z\"/>", "<path d=\"M18 2.5l5.5 5.5-5.5 5.5-5.5-5.5z\"/>"};
    fprintf(page->out,
            "<li class=\"side%zu\"><svg width=\"36\" height=\"16\" aria-hidden=\"true\">"
            "<path class=\"stroke\" d=\"M0 8h36\"/>%s</svg> ",
            side, points[side]);
}

static void put_legend(const struct report_page *page)
{
    fputs("<ul class=\"legend\">\n", page->out);
    for (size_t side = 0; side < page->sums->side_count; side++) {
        legend_item_begin(page, side);
        report_side(page, side);
        fputs("</li>\n", page->out);
    }
    fputs("<li class=\"hollow\"><svg width=\"16\" height=\"16\" aria-hidden=\"true\"><circle "
          "cx=\"8\" cy=\"8\" r=\"4.5\"/></svg> hollow: the instrument stood in the way</li>\n"
          "</ul>\n",
          page->out);
}

static void put_compared_legend(const struct report_page *page, const json_t *compare)
{
    json_t *side;
    size_t i;
    fputs("<ul class=\"legend\">\n", page->out);
    json_array_foreach(json_object_get(compare, "sides"), i, side)
    {
        const char *name = text_at(side, "name");
        if (name == NULL || i >= REPORT_SIDES_MAX)
            continue;
        legend_item_begin(page, i);
        put_escaped(page->out, report_value_name(name));
        fputs("</li>\n", page->out);
    }
    fputs("</ul>\n", page->out);
}

/* The script fills the choice and shows it. */
static void put_choice(const struct report_page *page, const char *name, size_t panel)
{
    fprintf(page->out,
            "<p class=\"choice\" hidden><label>Shown: <select data-%s=\"%zu\"></select></label>"
            "</p>\n",
            name, panel);
}

static void put_figure(const struct report_page *page, const char *kind, size_t index,
                       const char *metric, const char *title, const char *unit)
{
    fputs("<figure>\n<figcaption>", page->out);
    put_escaped(page->out, title);
    if (unit[0] != '\0')
        fprintf(page->out, " <small>%s</small>", unit);
    fprintf(page->out,
            "</figcaption>\n<div class=\"canvas %s\"><canvas role=\"img\" data-chart=\"%s\" "
            "data-index=\"%zu\" data-metric=\"%s\" aria-label=\"",
            kind, kind, index, metric);
    put_escaped(page->out, title);
    fputs("; the numbers are in the tables\"></canvas></div>\n</figure>\n", page->out);
}

static void section_begin(const struct report_page *page, const char *id, const char *title)
{
    fprintf(page->out, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">", id, id);
    put_escaped(page->out, title);
    fputs("</h2>\n", page->out);
}

static void section_end(const struct report_page *page)
{
    fputs("</section>\n", page->out);
}

static void put_ratios(const struct report_page *page)
{
    fputs("<p class=\"hint\">Each point says how much more or less the first has than the second",
          page->out);
    fputs(page->sums->rounds > 1
              ? ", a line through it how sure that is (its 95&nbsp;% interval). It has the colour "
                "and the shape of the one that is better there, or is grey where no difference was "
                "detected."
              : ", in the only round: grey, since that is no verdict.",
          page->out);
    fputs(" Each chart has a scale of its own.</p>\n", page->out);
    put_choice(page, "panel", 0);
    put_legend(page);
    for (size_t pair = 0; pair < page->sums->pair_count; pair++) {
        fputs("<h3>", page->out);
        report_against(page, pair);
        fputs("</h3>\n<div class=\"figures\">\n", page->out);
        for (enum report_metric metric = 0; metric < REPORT_COMPARED_COUNT; metric++)
            put_figure(page, "ratio", pair, report_metrics[metric].key,
                       report_metrics[metric].title, "");
        fputs("</div>\n", page->out);
    }
    report_table_ratios(page);
}

/* Returns the number of the next figure. */
static size_t put_comparison(const struct report_page *page, const json_t *compare, size_t figure)
{
    json_t *pair;
    size_t i;
    put_compared_legend(page, compare);
    fputs("<div class=\"figures two\">\n", page->out);
    json_array_foreach(json_object_get(compare, "pairs"), i, pair)
    {
        char *title = NULL;
        if (asprintf(&title, "%s against %s", report_value_name(text_at(pair, "a")),
                     report_value_name(text_at(pair, "b"))) >= 0)
            put_figure(page, "compared", figure++, "", title, "");
        free(title);
    }
    fputs("</div>\n", page->out);
    report_table_compared(page, compare);
    return figure;
}

static void put_compared(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    for (size_t i = 0, figure = 0; i < report->compare_count; i++)
        figure = put_comparison(page, report->compares[i], figure);
}

static void put_levels(const struct report_page *page, size_t number)
{
    const struct report_panel *panel = &page->sums->panels[number];
    static const enum report_metric metrics[] = {REPORT_RATE, REPORT_CPU};
    fprintf(page->out, "<section aria-labelledby=\"over%zu\">\n<h2 id=\"over%zu\">", number,
            number);
    fputs("Rate and CPU over ", page->out);
    report_axis(page, (size_t)panel->axis);
    fputs("</h2>\n", page->out);
    put_choice(page, "panel", number);
    put_legend(page);
    fputs("<div class=\"figures two\">\n", page->out);
    for (size_t i = 0; i < 2; i++)
        put_figure(page, "level", number, report_metrics[metrics[i]].key,
                   report_metrics[metrics[i]].title, report_metrics[metrics[i]].unit);
    fputs("</div>\n", page->out);
    if (report_has_mean(panel))
        report_table_levels(page, panel);
    section_end(page);
}

static void put_curves(const struct report_page *page)
{
    put_choice(page, "context", 0);
    put_legend(page);
    put_figure(page, "curve", 0, "", "Latency that a share of requests stayed below, all rounds",
               report_clock(page));
}

/* --- sections --------------------------------------------------------------------------------- */

static bool has_compared(const struct report_page *page)
{
    return page->sums->report->compare_count > 0;
}

static bool has_curves(const struct report_page *page)
{
    const struct report *report = page->sums->report;
    bool has = false;
    for (size_t i = 0; i < report->cell_count; i++)
        has |= report_has_curve(&report->cells[i]);
    return has;
}

/* What has failed comes first; that nothing did, last. */
static bool has_no_failures(const struct report_page *page)
{
    return !report_has_failures(page);
}

/* A section of the page, and its entry in the contents, in their order. */
static const struct section {
    const char *id;
    const char *entry;
    const char *title;                               /* NULL: the verdict's */
    void (*content)(const struct report_page *page); /* NULL: one for each numeric axis */
    bool (*has)(const struct report_page *page);     /* NULL: every report has it */
    bool is_chart;
} sections[] = {
    {"failures", "Failures", "Failures", report_failures, report_has_failures, false},
    {"verdict", "Verdict", NULL, report_verdict, NULL, false},
    {"course", "Over time", "Over time", report_course, report_has_course, false},
    {"stages", "Stages", "Stages", report_stages, report_has_stages, false},
    {"where", "Differences", "Where it differs, and how sure that is", put_ratios,
     report_has_ratios, true},
    {"compared", "Compared", "What compare has found", put_compared, has_compared, true},
    {"over", NULL, NULL, NULL, NULL, true},
    {"latency", "Latency", "Latency by percentile", put_curves, has_curves, true},
    {"instrument", "Instrument", "Was it the client?", report_instrument, report_has_runs, false},
    {"environment", "Environment", "Environment", report_environment, report_has_runs, false},
    {"failures", "Failures", "Failures", report_failures, has_no_failures, false},
    {"numbers", "All numbers", "All numbers", report_tables, report_has_runs, false},
};

enum { SECTIONS = sizeof sections / sizeof *sections };

static bool is_numeric(const struct report_page *page, size_t panel)
{
    int axis = page->sums->panels[panel].axis;
    return axis >= 0 && page->sums->report->axes[axis].is_numeric && report_has_runs(page);
}

static void put_entry(const struct report_page *page, const struct section *section)
{
    if (section->content != NULL && (section->has == NULL || section->has(page)))
        fprintf(page->out, "<li><a href=\"#%s\">%s</a></li>\n", section->id, section->entry);
    for (size_t i = 0; section->content == NULL && i < page->sums->panel_count; i++) {
        if (!is_numeric(page, i))
            continue;
        fprintf(page->out, "<li><a href=\"#%s%zu\">", section->id, i);
        put_escaped(page->out,
                    report_axis_title(page->sums->report->axes[page->sums->panels[i].axis].name));
        fputs("</a></li>\n", page->out);
    }
}

static void put_section(const struct report_page *page, const struct section *section)
{
    const char *title = section->title != NULL ? section->title : report_verdict_title(page);
    for (size_t i = 0; section->content == NULL && i < page->sums->panel_count; i++)
        if (is_numeric(page, i))
            put_levels(page, i);
    if (section->content == NULL || (section->has != NULL && !section->has(page)))
        return;
    section_begin(page, section->id, title);
    section->content(page);
    section_end(page);
}

/* Before the first chart stands what those read for whom none is drawn. */
static void put_sections(const struct report_page *page)
{
    bool is_first_chart = true;
    for (size_t i = 0; i < SECTIONS; i++) {
        if (sections[i].is_chart && is_first_chart)
            fputs("<noscript><p class=\"hint\">The charts are drawn by a script, which does not "
                  "run here. Every number is in the tables.</p></noscript>\n",
                  page->out);
        is_first_chart &= !sections[i].is_chart;
        put_section(page, &sections[i]);
    }
}

/* --- the page --------------------------------------------------------------------------------- */

static void put_head(const struct report_page *page)
{
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"",
          page->out);
    fputs(report_policy, page->out);
    fputs("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          page->out);
    report_title(page);
    fputs("</title>\n<style>", page->out);
    fputs(report_style, page->out);
    fputs("</style>\n</head>\n<body>\n", page->out);
}

static void put_contents(const struct report_page *page)
{
    fputs("<nav aria-label=\"Contents\"><ul>\n", page->out);
    for (size_t i = 0; i < SECTIONS; i++)
        put_entry(page, &sections[i]);
    fputs("</ul></nav>\n", page->out);
}

static void put_header(const struct report_page *page)
{
    fputs("<header>\n<p class=\"kind\">haul bench</p>\n<h1>", page->out);
    report_title(page);
    fputs("</h1>\n<p class=\"where\">", page->out);
    report_where(page);
    fputs("</p>\n", page->out);
    put_contents(page);
    fputs("</header>\n", page->out);
}

void report_html(const struct report_page *with)
{
    struct report_page it = *with, *page = &it;
    page->format = &html;
    put_head(page);
    put_header(page);
    fputs("<main>\n", page->out);
    put_sections(page);
    fputs("</main>\n<footer><p>Made by haul bench report. Charts: Chart.js, MIT License.</p>"
          "</footer>\n<script type=\"application/json\" id=\"points\">",
          page->out);
    report_points(page);
    fputs("</script>\n<script>", page->out);
    fputs(report_script, page->out);
    fputs("</script>\n</body>\n</html>\n", page->out);
}
