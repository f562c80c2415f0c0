/* The live view on terminals of any size: what it draws, as a terminal would show it. */

#include "bench/run/live.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 64, COLUMNS_MAX = 256 };

/* As much of a terminal as the view makes use of; a line that is too wide, or one line too many,
 * fails. */
struct screen {
    struct live_size size;
    char rows[ROWS_MAX][COLUMNS_MAX];
    uint32_t row, column;
    bool is_alternate;
};

static const char *escape_take(struct screen *screen, const char *at)
{
    if (strncmp(at, "\033[H", 3) == 0) {
        screen->row = screen->column = 0;
        return at + 3;
    }
    if (strncmp(at, "\033[K", 3) == 0) {
        screen->rows[screen->row][screen->column] = '\0';
        return at + 3;
    }
    if (strncmp(at, "\033[J", 3) == 0) {
        for (uint32_t i = screen->row; i < ROWS_MAX; i++)
            screen->rows[i][0] = '\0';
        return at + 3;
    }
    assert_int_equal(strncmp(at, "\033[?1049", 7), 0);
    screen->is_alternate = at[7] == 'h';
    return at + 8;
}

static void screen_take(struct screen *screen, const char *at)
{
    while (*at != '\0') {
        if (*at == '\033') {
            at = escape_take(screen, at);
            continue;
        }
        assert_true(screen->is_alternate);
        if (*at == '\n') {
            screen->column = 0;
            screen->row++;
            assert_true(screen->row < screen->size.rows);
        } else {
            screen->rows[screen->row][screen->column++] = *at;
            assert_true(screen->column < screen->size.columns);
        }
        at++;
    }
}

static void draw(struct live_view *view, struct screen *screen, struct live_size size,
                 const struct run_progress *progress)
{
    char *text;
    size_t length;
    view->out = open_memstream(&text, &length);
    view->fixed = screen->size = size;
    live_draw(view, progress);
    fclose(view->out);
    screen_take(screen, text);
    free(text);
}

static const struct timeline_row last_row = {
    .requests = 9, .p50_ns = 44090, .p99_ns = 6472000, .max_ns = 6472000};

static const struct run_progress running = {
    .stage = STAGE_WINDOW,
    .elapsed_s = 3.25,
    .begun = 1234567890123,
    .finished = 1234567890000,
    .errors = 77,
    .classes = {7, 0, 1234567889923, 0, 30, 40},
    .bars = {1, 2, 3, 4, 500, 600, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .row = &last_row,
};

static void open_view(struct live_view *view, const struct load_options *options)
{
    live_open(view, stderr, options);
    view->last_s -= 1;
}

/* Through all sizes, one after the other: never too wide or too high, and nothing is left over. */
static void test_sizes(void **state)
{
    static const struct live_size sizes[] = {{40, 10}, {80, 24}, {200, 50}, {1, 1},   {2, 2},
                                             {19, 4},  {200, 5}, {24, 50},  {80, 24}, {40, 10}};
    struct live_view view;
    struct screen screen = {0};
    (void)state;
    open_view(&view, &(struct load_options){.duration_ns = UINT64_C(10000000000)});
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        view.last = (struct run_progress){0};
        draw(&view, &screen, sizes[i], &running);
        if (sizes[i].columns >= 40 && sizes[i].rows >= 10) {
            assert_string_equal(screen.rows[0], "running 3.2 s of 10 s");
            assert_non_null(strstr(screen.rows[1], "/s, 123 in flight"));
            assert_int_equal(strncmp(screen.rows[2], "77 errors, 2xx 1,234,567,889,923", 32), 0);
            assert_string_equal(screen.rows[3], "p50 44.09 us, p99 6.472 ms");
            assert_int_equal(strncmp(screen.rows[4], "<= ", 3), 0);
        }
        for (uint32_t k = screen.row; k < ROWS_MAX; k++)
            assert_string_equal(screen.rows[k], "");
    }
    assert_true(screen.is_alternate);
}

/* The fullest bars are there where not all have room. */
static void test_few_rows(void **state)
{
    struct live_view view;
    struct screen screen = {0};
    bool is_there = false;
    (void)state;
    open_view(&view, &(struct load_options){.duration_ns = UINT64_C(10000000000)});
    draw(&view, &screen, (struct live_size){80, 7}, &running);
    for (uint32_t i = 0; i < screen.row; i++)
        is_there |= strncmp(screen.rows[i], "<=  32 us", 9) == 0;
    assert_true(is_there);
}

static void test_requests(void **state)
{
    struct live_view view;
    struct screen screen = {0};
    struct run_progress progress = {.stage = STAGE_WARMING, .begun = 8, .finished = 8};
    (void)state;
    open_view(&view, &(struct load_options){.requests = 20000});
    draw(&view, &screen, (struct live_size){80, 24}, &progress);
    assert_string_equal(screen.rows[0], "warming up 0.0 s");
    progress = (struct run_progress){
        .stage = STAGE_WINDOW, .elapsed_s = 1, .begun = 5010, .finished = 5008};
    draw(&view, &screen, (struct live_size){80, 24}, &progress);
    assert_string_equal(screen.rows[0], "running 1.0 s, 5,000 of 20,000");
    assert_string_equal(screen.rows[2], "0 errors");
}

/* A mark an interval: the rate, and where the server died. */
static void test_course(void **state)
{
    static const uint64_t counts[] = {1000, 500, 0, 125, 1000}, errors[] = {0, 249, 0, 63, 1000};
    struct run_progress progress = {.stage = STAGE_WINDOW, .elapsed_s = 1};
    struct live_view view;
    struct screen screen = {0};
    struct timeline_row row;
    (void)state;
    open_view(&view, &(struct load_options){.requests = 20000});
    for (uint64_t i = 0; i < 5; i++) {
        row = (struct timeline_row){.start_ns = i * UINT64_C(1000000000),
                                    .end_ns = (i + 1) * UINT64_C(1000000000),
                                    .requests = counts[i],
                                    .in_window = counts[i],
                                    .classes = {errors[i]}};
        progress.row = &row;
        for (int look = 0; look < 3; look++)
            draw(&view, &screen, (struct live_size){80, 24}, &progress);
    }
    assert_string_equal(screen.rows[4], "course @= xx");
    draw(&view, &screen, (struct live_size){11, 24}, &progress); /* the latest have room */
    assert_string_equal(screen.rows[4], "course  xx");
}

/* Which stage is under way is said. */
static void test_stages(void **state)
{
    static const struct load_stage stages[] = {{UINT64_C(3000000000), 100, 100},
                                               {UINT64_C(7000000000), 100, 5000}};
    const struct load_options options = {.stages = stages, .stage_count = 2};
    struct live_view view;
    struct screen screen = {0};
    (void)state;
    open_view(&view, &options);
    draw(&view, &screen, (struct live_size){80, 24}, &running);
    assert_string_equal(screen.rows[0], "running 3.2 s of 10 s");
    assert_string_equal(screen.rows[1], "stage 2 of 2: 100/s to 5,000/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes), cmocka_unit_test(test_few_rows),
        cmocka_unit_test(test_requests), cmocka_unit_test(test_stages),
        cmocka_unit_test(test_course)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
