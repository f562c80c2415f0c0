/* The live view: what finished since the last look, its latencies as bars. It reads only what the
 * clients tell anyway, so that looking on costs the load nothing but the drawing. */

#include "bench/run/live.h"

#include "bench/base/clock.h"

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>

enum { COLUMNS_DEFAULT = 60, COLUMNS_MAX = 100, BAR_LABEL = 18 };

static double now_s(void)
{
    return (double)clock_monotonic_ns() / 1e9;
}

void live_open(struct live_view *view, FILE *out, const struct load_options *options)
{
    struct winsize size;
    *view = (struct live_view){
        .out = out,
        .connections = load_filled(options).connections,
        .duration_s = (double)options->duration_ns / 1e9,
        .columns = COLUMNS_DEFAULT,
        .last_s = now_s(),
    };
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        view->columns = size.ws_col < COLUMNS_MAX ? size.ws_col : COLUMNS_MAX;
}

static void lines_wipe(struct live_view *view)
{
    if (view->lines > 0)
        fprintf(view->out, "\r\033[%uA\033[J", view->lines);
    view->lines = 0;
}

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

static void bars_draw(struct live_view *view, const struct run_progress *progress)
{
    uint64_t total = 0;
    uint64_t most = 1;
    unsigned first = LIVE_BARS;
    unsigned last = 0;
    for (unsigned bar = 0; bar < LIVE_BARS; bar++) {
        uint64_t count = progress->bars[bar] - view->last.bars[bar];
        total += count;
        most = count > most ? count : most;
        if (count > 0) {
            first = bar < first ? bar : first;
            last = bar;
        }
    }
    for (unsigned bar = first; bar <= last && bar < LIVE_BARS; bar++) {
        uint64_t count = progress->bars[bar] - view->last.bars[bar];
        unsigned room = view->columns > BAR_LABEL + 10 ? view->columns - BAR_LABEL - 10 : 1;
        unsigned length = (unsigned)(count * room / most);
        char label[16];
        bar_label(bar, label, sizeof label);
        fprintf(view->out, "  <= %7s %5.1f%% ", label, 100.0 * (double)count / (double)total);
        for (unsigned i = 0; i < length || (i == 0 && count > 0); i++)
            fputc('#', view->out);
        fputc('\n', view->out);
        view->lines++;
    }
}

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

void live_draw(void *context, const struct run_progress *progress)
{
    struct live_view *view = context;
    double time_s = now_s();
    double length_s = time_s - view->last_s > 0 ? time_s - view->last_s : 1;
    lines_wipe(view);
    if (progress->stage == STAGE_OPENING) {
        fprintf(view->out, "opening: %u of %u connections\n", progress->opened, view->connections);
        view->lines = 1;
    } else {
        fprintf(view->out, "%s %.1f s", stage_word(progress->stage), progress->elapsed_s);
        if (view->duration_s > 0 && progress->stage == STAGE_WINDOW)
            fprintf(view->out, " of %.0f s", view->duration_s);
        fprintf(view->out, ": %.0f requests/s, %" PRIu64 " errors\n",
                (double)(progress->finished - view->last.finished) / length_s, progress->errors);
        view->lines = 1;
        bars_draw(view, progress);
    }
    fflush(view->out);
    view->last = *progress;
    view->last_s = time_s;
}

void live_close(struct live_view *view)
{
    lines_wipe(view);
    fflush(view->out);
}
