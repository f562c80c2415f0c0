/* The instrument, measured. What is left when the server does nothing is the client and the kernel;
 * of that, the user time is what haul bench could spend less of. */

#include "bench/run/calibrate.h"

#include "bench/run/embedded.h"
#include "bench/base/exit_status.h"
#include "bench/base/json_at.h"
#include "bench/run/options.h"
#include "bench/load/conductor.h"
#include "bench/base/signals.h"

#include <stdio.h>
#include <string.h>

static const uint64_t second_ns = 1000000000;
static const uint64_t warm_up_ns = 200000000;

static json_t *calibration_make(const struct load_result *result)
{
    char sentence[200];
    const struct stats *stats = &result->stats;
    struct load_thread time = load_threads_sum(result);
    double requests = stats->measured > 0 ? (double)stats->measured : 1;
    double rate = (double)stats->finished_in_window / (result->window_s > 0 ? result->window_s : 1);
    double us = (time.user_s + time.system_s) * 1e6 / requests;
    double user_us = time.user_s * 1e6 / requests;
    snprintf(sentence, sizeof sentence,
             "against a server that does nothing, a request costs the client %.2f us of processor "
             "time, %.2f us of them its own code's, at %.0f requests/s",
             us, user_us, rate);
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "us_per_request", us,
                     "user_us_per_request", user_us, "rate_per_s", rate, "p50_us",
                     (double)histogram_quantile(&stats->actual, 0.5) / 1e3, "p99_us",
                     (double)histogram_quantile(&stats->actual, 0.99) / 1e3, "busiest_thread",
                     time.busy, "sentence", sentence);
}

json_t *calibrate(const struct load_options *like, char *ret_message, size_t size)
{
    struct embedded embedded;
    char url[EMBEDDED_URL_BYTES];
    const char *urls[] = {url, NULL};
    struct load_result result;
    if (embedded_open(&embedded, &(struct embedded_options){.is_apart = true}, ret_message, size) <
        0)
        return NULL;
    embedded_url(&embedded, 0, url);
    struct load_options load = {
        .urls = urls,
        .url_count = 1,
        .client = like->client,
        .connections = like->connections,
        .threads = like->threads,
        .pipeline = like->pipeline,
        .duration_ns = second_ns,
        .warm_up_ns = (int64_t)warm_up_ns,
        .is_pinned = like->is_pinned,
    };
    int error = load_run(&load, NULL, &result, ret_message, size);
    embedded_close(&embedded);
    if (error)
        return NULL;
    json_t *calibration = calibration_make(&result);
    load_result_close(&result);
    if (!calibration)
        snprintf(ret_message, size, "out of memory");
    return calibration;
}

static void row_print(const char *loop, const json_t *row)
{
    printf("%-8s %10.2f %10.2f %14.0f %12.1f\n", loop, number_at(row, "us_per_request"),
           number_at(row, "user_us_per_request"), number_at(row, "rate_per_s"),
           number_at(row, "p50_us"));
}

const struct option_list calibrate_options = {
    .usage = "usage: haul bench calibrate [-c N] [-t N] [--pipeline N]\n"
             "\n"
             "What a request costs haul bench itself, over each kernel\n"
             "interface, where the server does next to nothing.\n",
    .notes = "",
    .has_run_options = true,
};

int calibrate_main(int argc, char **argv)
{
    struct options options;
    char message[OPTIONS_MESSAGE_BYTES];
    enum options_verdict verdict = options_parse(&options, argc, argv, message);
    int status = EXIT_DONE;
    if (verdict == OPTIONS_HELP) {
        option_help(stdout, &calibrate_options);
    } else if (verdict == OPTIONS_BAD) {
        fprintf(stderr, "haul bench: calibrate: %s\n", message);
        status = EXIT_USAGE;
    } else {
        puts("loop     us/request    user us     requests/s       p50 us");
    }
    for (int kind = 0; status == 0 && verdict == OPTIONS_RUN && kind < CLIENT_COUNT; kind++) {
        options.load.client = (enum client_kind)kind;
        json_t *row = calibrate(&options.load, message, sizeof message);
        if (row)
            row_print(client_name(options.load.client), row);
        else
            fprintf(stderr, "haul bench: calibrate: %s: %s\n", client_name(options.load.client),
                    message);
        status = row ? status : EXIT_CANNOT;
        json_decref(row);
        if (signals_first())
            status = EXIT_INTERRUPTED;
    }
    options_free(&options);
    return status;
}
