/* Owns what --stages is made of: a time, "@", a rate. A rate of 0 is a pause, but a run in which
 * nothing is ever due is none. */

#include "bench/run/stages.h"

#include "bench/base/unit.h"
#include "bench/run/rates.h"

#include <stdio.h>
#include <string.h>

enum { PIECE_BYTES = 64 };

/* As --rate has them, or 0. */
static bool is_rate(double rate)
{
    return rate == 0 || (rate >= 0.001 && rate <= 1e8);
}

static bool stage_parse(const char *piece, struct load_stage *ret_stage)
{
    char time[PIECE_BYTES];
    const char *at = strchr(piece, '@');
    if (at == NULL)
        return false;
    snprintf(time, sizeof time, "%.*s", (int)(at - piece), piece);
    return unit_time(time, &ret_stage->duration_ns) && ret_stage->duration_ns > 0 &&
           rates_parse(at + 1, &ret_stage->rate_from, &ret_stage->rate_to) &&
           is_rate(ret_stage->rate_from) && is_rate(ret_stage->rate_to);
}

size_t stages_parse(const char *text, struct load_stage *ret_stages, char *ret_message)
{
    char piece[PIECE_BYTES];
    size_t count = 0;
    double fastest = 0;
    uint64_t length_ns = 0;
    for (bool is_last = false; !is_last; text += strlen(piece) + !is_last) {
        size_t length = strcspn(text, ",");
        snprintf(piece, sizeof piece, "%.*s", (int)length, text);
        is_last = text[length] == '\0';
        if (count == LOAD_STAGES_MAX) {
            snprintf(ret_message, STAGES_MESSAGE_BYTES, ": more than %d stages", LOAD_STAGES_MAX);
            return 0;
        }
        struct load_stage *stage = &ret_stages[count++];
        if (strlen(piece) < length || !stage_parse(piece, stage)) {
            snprintf(ret_message, STAGES_MESSAGE_BYTES,
                     " '%s': a time and a rate are wanted, such as 10s@100, 30s@100..5000 or 10s@0",
                     piece);
            return 0;
        }
        fastest = stage->rate_from > fastest ? stage->rate_from : fastest;
        fastest = stage->rate_to > fastest ? stage->rate_to : fastest;
        length_ns += stage->duration_ns;
    }
    if (fastest > 0 && length_ns < UINT64_C(1000000000000000000))
        return count;
    snprintf(ret_message, STAGES_MESSAGE_BYTES,
             fastest > 0 ? ": too long" : ": nothing is ever due: some rate must be above 0");
    return 0;
}
