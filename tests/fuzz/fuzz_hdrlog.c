/* Any bytes as a payload: what is accepted must add up, and must be the same when it is written and
 * read again; what is not must leave nothing. The first byte says how deep the rest goes: t, it is
 * the text; p, what the text is base64 of; any other, what was compressed in there. */

#include "bench/statistics/hdrlog.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/payload.h"

static struct histogram decoded;
static struct histogram again;

static void require_sums(void)
{
    struct histogram_bucket bucket;
    uint64_t count = 0, end_ns = 0;
    uint32_t cursor = 0;

    while (histogram_next(&decoded, &cursor, &bucket)) {
        FUZZ_REQUIRE(bucket.count > 0 && bucket.lowest_ns >= end_ns);
        end_ns = bucket.highest_ns + 1;
        count += bucket.count;
    }
    FUZZ_REQUIRE(count == histogram_count(&decoded) && count <= HISTOGRAM_COUNT_MAX);
    FUZZ_REQUIRE(end_ns <= HISTOGRAM_HIGHEST_NS + 1);
    FUZZ_REQUIRE(count == 0 || histogram_max_ns(&decoded) == end_ns - 1);
    FUZZ_REQUIRE(histogram_quantile(&decoded, 0) >= histogram_min_ns(&decoded));
    FUZZ_REQUIRE(histogram_quantile(&decoded, 0) <= histogram_quantile(&decoded, 0.5));
    FUZZ_REQUIRE(histogram_quantile(&decoded, 1) == histogram_max_ns(&decoded));
    FUZZ_REQUIRE(histogram_deviation_ns(&decoded) >= 0);
}

static void require_same_when_written_again(void)
{
    char *payload = hdrlog_encode(&decoded);

    FUZZ_REQUIRE(payload != NULL);
    FUZZ_REQUIRE(hdrlog_decode(span_of(payload), &again) == HDRLOG_OK);
    FUZZ_REQUIRE(again.count == decoded.count && again.sum == decoded.sum);
    FUZZ_REQUIRE(memcmp(again.counts, decoded.counts, HISTOGRAM_BUCKETS * sizeof(*again.counts)) ==
                 0);
    free(payload);
}

static void run(struct span payload)
{
    if (hdrlog_decode(payload, &decoded) == HDRLOG_OK) {
        require_sums();
        require_same_when_written_again();
    } else {
        FUZZ_REQUIRE(histogram_count(&decoded) == 0 && histogram_max_ns(&decoded) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = {(const char *)data + 1, size - 1};
    char *text;

    if (size == 0)
        return 0;
    if (decoded.counts == NULL)
        FUZZ_REQUIRE(histogram_open(&decoded) && histogram_open(&again));
    if (data[0] == 't') {
        run(rest);
        return 0;
    }
    text = data[0] == 'p' ? payload_of_packed(rest) : payload_of_raw(rest);
    run(span_of(text));
    free(text);
    return 0;
}
