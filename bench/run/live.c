/* The live view: what finished since the last look, its latencies as bars, and what the last whole
 * interval was. It reads only what the clients tell anyway, so that looking on costs the load
 * nothing but the drawing.
 *
 * The one hard idea: it has a screen of its own, the terminal's alternate one, and what is drawn
 * there is never wider or higher than the terminal is at that time; so nothing scrolls or is left
 * behind, however often the size changes, and at the end the terminal is as it was. The size is
 * asked for at each drawing, which is what SIGWINCH would say. */

#include "bench/run/live.h"

#include "bench/base/clock.h"
#include "bench/base/unit.h"
#include "bench/load/workload.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

enum { COURSE_LEAST = 3, COURSE_LABEL = 7 }; /* "course " */

enum { COLUMNS_DEFAULT = 60, ROWS_DEFAULT = 24, BAR_LABEL = 18, BAR_LEAST = 4 };

static double now_s(void)
{
    return (double)clock_monotonic_ns() / 1e9;
}

static void size_take(struct live_view *view)
{
    struct winsize size;
    view->size = (struct live_size){COLUMNS_DEFAULT, ROWS_DEFAULT};
    if (view->fixed.columns > 0)
        view->size = view->fixed;
    else if (ioctl(fileno(view->out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
        view->size = (struct live_size){size.ws_col, size.ws_row};
}

void live_open(struct live_view *view, FILE *out, const struct load_options *options)
{
    const struct load_options filled = load_filled(options);
    *view = (struct live_view){
        .out = out,
        .options = options,
        .connections = filled.connections,
        .requests = filled.requests,
        .duration_s = (double)filled.duration_ns / 1e9,
        .last_s = now_s(),
    };
    size_take(view);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void screen_begin(struct live_view *view)
{
    fputs(view->is_drawn ? "\033[H" : "\033[?1049h\033[H", view->out);
    view->is_drawn = true;
    view->lines = 0;
}

/* One column stays free: some terminals go to the next line when the last is written. */
static __attribute__((format(printf, 2, 3))) void line_put(struct live_view *view,
                                                           const char *format, ...)
{
    char line[256];
    va_list arguments;
    uint32_t most = view->size.columns > 1 ? view->size.columns - 1 : 1;
    if (view->lines + 1 >= view->size.rows)
        return;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof line)
        length = sizeof line - 1;
    if ((uint32_t)length > most)
        length = (int)most;
    fprintf(view->out, "%.*s\033[K\n", length, line);
    view->lines++;
}

/* --- bars ------------------------------------------------------------------------------------- */

/* The upper end of a bar. */
static void bar_label(unsigned bar, char *label, size_t size)
{
    uint64_t us = UINT64_C(1) << bar;
    if (us < 1000)
        snprintf(label, size, "%" PRIu64 " us", us);
    else if (us < 1000000)
        snprintf(label, size, "%" PRIu64 " ms", us / 1000);
    else
        snprintf(label, size, "%" PRIu64 " s", us / 1000000);
}

static uint64_t bar_count(const struct live_view *view, const struct run_progress *progress,
                          unsigned bar)
{
    return progress->bars[bar] - view->last.bars[bar];
}

static void bar_put(struct live_view *view, unsigned bar, uint64_t count, uint64_t total,
                    uint64_t most)
{
    static const char marks[LIVE_COLUMNS_MAX + 1] =
        "####################################################################################"
        "################";
    uint32_t columns =
        view->size.columns < LIVE_COLUMNS_MAX ? view->size.columns : LIVE_COLUMNS_MAX;
    uint32_t room = columns > BAR_LABEL + BAR_LEAST + 1 ? columns - BAR_LABEL - 1 : BAR_LEAST;
    int length = (int)(count * room / most);
    char label[16];
    bar_label(bar, label, sizeof label);
    line_put(view, "<= %6s %5.1f%% %.*s", label, 100.0 * (double)count / (double)total,
             length == 0 && count > 0 ? 1 : length, marks);
}

/* Of more bars than there are lines, those that hold most: neighbours of the fullest. */
static void bars_draw(struct live_view *view, const struct run_progress *progress)
{
    uint64_t total = 0, most = 0;
    unsigned first = LIVE_BARS, last = 0, fullest = 0;
    for (unsigned bar = 0; bar < LIVE_BARS; bar++) {
        uint64_t count = bar_count(view, progress, bar);
        total += count;
        if (count > 0) {
            first = bar < first ? bar : first;
            last = bar;
        }
        if (count > most) {
            most = count;
            fullest = bar;
        }
    }
    uint32_t room = view->size.rows > view->lines + 1 ? view->size.rows - view->lines - 1 : 0;
    if (total == 0 || room == 0)
        return;
    while (last - first + 1 > room)
        if (first < fullest && (fullest - first >= last - fullest))
            first++;
        else
            last--;
    for (unsigned bar = first; bar <= last; bar++)
        bar_put(view, bar, bar_count(view, progress, bar), total, most);
}

/* --- what is said ----------------------------------------------------------------------------- */

static const char *stage_word(enum stage stage)
{
    switch (stage) {
    case STAGE_OPENING:
        return "opening";
    case STAGE_WARMING:
        return "warming up";
    case STAGE_WINDOW:
        return "running";
    case STAGE_STOPPED:
        return "ending";
    }
    return "";
}

#define TEXT(unit, value) metric_text((char[METRIC_TEXT_BYTES]){0}, (unit), (value))
#define COUNT_TEXT(value) TEXT(METRIC_COUNT, (double)(value))
#define TIME_TEXT(value_ns) TEXT(METRIC_MICROSECONDS, (double)(value_ns) / 1e3)

static void progress_put(struct live_view *view, const struct run_progress *progress)
{
    bool is_running = progress->stage >= STAGE_WINDOW;
    char of[64] = "";
    if (is_running && view->requests > 0)
        snprintf(of, sizeof of, ", %s of %s", COUNT_TEXT(progress->finished - view->window_begun),
                 COUNT_TEXT(view->requests));
    else if (is_running && view->duration_s > 0)
        snprintf(of, sizeof of, " of %.6g s", view->duration_s);
    line_put(view, "%s %.1f s%s", stage_word(progress->stage), progress->elapsed_s, of);
}

/* Which one is under way, where there are some. */
static void stage_put(struct live_view *view, const struct run_progress *progress)
{
    const struct load_options *options = view->options;
    if (options->stage_count == 0 || progress->stage != STAGE_WINDOW)
        return;
    size_t at = workload_stage_at(options, (uint64_t)(progress->elapsed_s * 1e9));
    const struct load_stage *stage = &options->stages[at];
    char to[METRIC_TEXT_BYTES + 8] = "";
    if (stage->rate_to != stage->rate_from)
        snprintf(to, sizeof to, " to %s", TEXT(METRIC_PER_SECOND, stage->rate_to));
    line_put(view, "stage %zu of %zu: %s%s", at + 1, options->stage_count,
             TEXT(METRIC_PER_SECOND, stage->rate_from), to);
}

static void classes_put(struct live_view *view, const struct run_progress *progress)
{
    char line[160];
    int length = snprintf(line, sizeof line, "%s errors", COUNT_TEXT(progress->errors));
    for (unsigned class = 1; class < STATUS_CLASSES; class ++)
        if (progress->classes[class] > 0 && (size_t)length < sizeof line - 40)
            length += snprintf(line + length, sizeof line - (size_t)length, ", %uxx %s", class,
                               COUNT_TEXT(progress->classes[class]));
    if (progress->classes[0] > 0)
        snprintf(line + length, sizeof line - (size_t)length, ", failed %s",
                 COUNT_TEXT(progress->classes[0]));
    line_put(view, "%s", line);
}

/* Another interval is over; at an interval shorter than a look's some are left out. */
static void course_take(struct live_course *course, const struct timeline_row *row)
{
    double rate;
    if (!row || row->end_ns == course->end_ns || !timeline_rate(row, UINT64_MAX, &rate))
        return;
    course->end_ns = row->end_ns;
    if (course->count == LIVE_COLUMNS_MAX) {
        course->count--;
        memmove(course->rates, course->rates + 1, course->count * sizeof *course->rates);
        memmove(course->is_lost, course->is_lost + 1, course->count * sizeof *course->is_lost);
    }
    uint64_t errors = timeline_errors(row);
    course->rates[course->count] = rate;
    course->is_lost[course->count++] = errors > 0 && 2 * errors >= row->requests;
}

/* A mark an interval, the denser the higher its rate: a server that slows down or dies is seen. */
static void course_put(struct live_view *view)
{
    static const char marks[] = " .:-=+*#@";
    const struct live_course *course = &view->course;
    uint32_t room =
        view->size.columns > COURSE_LABEL + 1 ? view->size.columns - COURSE_LABEL - 1 : 0;
    uint32_t first = course->count > room ? course->count - room : 0;
    char text[LIVE_COLUMNS_MAX + 1];
    double most = 0;
    if (course->count < COURSE_LEAST)
        return;
    for (uint32_t i = first; i < course->count; i++)
        most = course->rates[i] > most ? course->rates[i] : most;
    for (uint32_t i = first; i < course->count; i++) {
        double level = most > 0 ? course->rates[i] / most * (sizeof marks - 2) : 0;
        size_t mark = (size_t)level + (level > (double)(size_t)level);
        text[i - first] = course->is_lost[i] ? 'x' : marks[mark];
    }
    text[course->count - first] = '\0';
    line_put(view, "course %s", text);
}

static void figures_put(struct live_view *view, const struct run_progress *progress, double rate)
{
    uint64_t in_flight =
        progress->begun > progress->finished ? progress->begun - progress->finished : 0;
    line_put(view, "%s, %s in flight",
             TEXT(METRIC_PER_SECOND, rate < 100 ? rate : (double)(uint64_t)rate),
             COUNT_TEXT(in_flight));
    classes_put(view, progress);
    if (progress->row && progress->row->requests > 0)
        line_put(view, "p50 %s, p99 %s", TIME_TEXT(progress->row->p50_ns),
                 TIME_TEXT(progress->row->p99_ns));
    course_put(view);
}

void live_draw(void *context, const struct run_progress *progress)
{
    struct live_view *view = context;
    double time_s = now_s();
    double length_s = time_s - view->last_s > 0 ? time_s - view->last_s : 1;
    size_take(view);
    course_take(&view->course, progress->row);
    screen_begin(view);
    if (progress->stage < STAGE_WINDOW)
        view->window_begun = progress->finished;
    if (progress->stage == STAGE_OPENING) {
        line_put(view, "opening: %u of %u connections", progress->opened, view->connections);
    } else {
        progress_put(view, progress);
        stage_put(view, progress);
        figures_put(view, progress, (double)(progress->finished - view->last.finished) / length_s);
        bars_draw(view, progress);
    }
    fputs("\033[J", view->out);
    fflush(view->out);
    view->last = *progress;
    view->last_s = time_s;
}

void live_close(struct live_view *view)
{
    if (view->is_drawn)
        fputs("\033[?1049l", view->out);
    view->is_drawn = false;
    fflush(view->out);
}
