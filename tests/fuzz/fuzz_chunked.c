/* Any bytes as a chunked body: the verdict must not depend on the deliveries, and an accepted body
 * must be the same when it is chunked again. */

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
    feed_chunked((struct span){wire, at}, 1, 7, &again);
    FUZZ_REQUIRE(again.error == PROTO_OK && again.used == at);
    FUZZ_REQUIRE(again.body_length == outcome.body_length);
    FUZZ_REQUIRE(memcmp(again.body, outcome.body, again.body_length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span wire = {(const char *)data, size};
    size_t stride = size < 64 ? 1 : size / 16;

    if (size > FEED_WIRE_BYTES_MAX / 2)
        return 0;
    FUZZ_REQUIRE(feed_chunked_cuts(wire, stride, &outcome) == 0);
    FUZZ_REQUIRE(outcome.body_length <= size);
    if (outcome.error != PROTO_OK)
        return 0;
    FUZZ_REQUIRE(outcome.used >= 5 && outcome.used <= size);
    require_same_when_chunked_again();
    return 0;
}
