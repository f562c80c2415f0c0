/* Any bytes as a chunked body, read in both manners: the verdict must not depend on the
 * deliveries, and an accepted body must be the same when it is chunked again. */

#include "tests/lib/feed.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

static struct feed_outcome outcome;
static struct feed_outcome again;

static void require_same_when_chunked_again(void)
{
    static char wire[FEED_WIRE_BYTES_MAX];
    size_t at = (size_t)sprintf(wire, "%zX\r\n", outcome.body_length);

    if (outcome.body_length > 0) {
        memcpy(wire + at, outcome.body, outcome.body_length);
        at += outcome.body_length;
        at += (size_t)sprintf(wire + at, "\r\n0\r\n");
    }
    at += (size_t)sprintf(wire + at, "\r\n");
    feed_chunked((struct span){wire, at}, &feed_strict, 1, 7, &again);
    FUZZ_REQUIRE(again.error == PROTO_OK && again.used == at);
    FUZZ_REQUIRE(again.body_length == outcome.body_length);
    FUZZ_REQUIRE(memcmp(again.body, outcome.body, again.body_length) == 0);
}

static void run(struct span wire, const struct response_rules *rules)
{
    size_t stride = wire.length < 64 ? 1 : wire.length / 16;

    FUZZ_REQUIRE(feed_chunked_cuts(wire, rules, stride, &outcome) == 0);
    FUZZ_REQUIRE(outcome.body_length <= wire.length);
    if (outcome.error != PROTO_OK)
        return;
    FUZZ_REQUIRE(outcome.used >= 5 && outcome.used <= wire.length);
    require_same_when_chunked_again();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span wire = {(const char *)data, size};
    enum proto_error strict;

    if (size > FEED_WIRE_BYTES_MAX / 2)
        return 0;
    run(wire, &feed_strict);
    strict = outcome.error;
    run(wire, &response_rules_default);
    FUZZ_REQUIRE((strict == PROTO_OK) == (outcome.error == PROTO_OK && outcome.anomalies == 0));
    return 0;
}
