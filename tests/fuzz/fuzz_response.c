/* Any bytes as a reply, read in both manners: the verdict must not depend on the deliveries, an
 * accepted head must be one that its own rules describe, and what is accepted strictly is accepted
 * as it is by default, with nothing odd about it. */

#include "tests/lib/feed.h"
#include "tests/fuzz/fuzz.h"

static struct feed_outcome outcome;

static void require_fields(struct span head)
{
    struct span name, value;
    size_t cursor = 0;
    unsigned count = 0;

    while (response_field_next(head, &cursor, &name, &value)) {
        FUZZ_REQUIRE(name.length > 0);
        FUZZ_REQUIRE(name.bytes >= head.bytes);
        FUZZ_REQUIRE(value.bytes > name.bytes + name.length - 1);
        FUZZ_REQUIRE(value.bytes + value.length <= head.bytes + head.length);
        FUZZ_REQUIRE(span_equal(value, span_trim(value)));
        count++;
    }
    FUZZ_REQUIRE(count == outcome.response.field_count);
}

static void require_consistent(struct span wire, bool is_head_request)
{
    const struct response *response = &outcome.response;
    size_t body_at = outcome.used - response->head_length;

    FUZZ_REQUIRE(response->status >= 200 && response->status <= 999);
    FUZZ_REQUIRE(response->version_minor <= 1);
    FUZZ_REQUIRE(!(response->keep_alive && response->framing == FRAMING_CLOSE));
    FUZZ_REQUIRE(!(response->keep_alive && response->anomalies != 0));
    FUZZ_REQUIRE(!(is_head_request && outcome.body_length > 0));
    FUZZ_REQUIRE(outcome.used <= wire.length && body_at <= wire.length);
    FUZZ_REQUIRE(outcome.body_length <= outcome.used);
    if (response->framing == FRAMING_LENGTH)
        FUZZ_REQUIRE(outcome.body_length == response->content_length);
    if (response->framing == FRAMING_CLOSE)
        FUZZ_REQUIRE(outcome.used == wire.length);
}

/* The final head, found by skipping the interim ones as a connection does, without its folds. */
static struct span final_head(struct span wire, bool is_head_request)
{
    static char head[FEED_WIRE_BYTES_MAX];
    struct response response;
    enum proto_error error;

    response_init(&response, &response_rules_default, is_head_request);
    while (response_feed(&response, wire, &error) == RESPONSE_INTERIM)
        wire = (struct span){wire.bytes + response.head_length, wire.length - response.head_length};
    memcpy(head, wire.bytes, response.head_length);
    wire = (struct span){head, response.head_length};
    if (response.has_folds)
        wire.length = response_unfold(head, response.head_length);
    return wire;
}

static void run(struct span wire, const struct response_rules *rules, bool is_head_request)
{
    size_t stride = wire.length < 64 ? 1 : wire.length / 16;

    FUZZ_REQUIRE(feed_reply_cuts(wire, rules, is_head_request, stride, &outcome) == 0);
    if (outcome.error != PROTO_OK)
        return;
    require_consistent(wire, is_head_request);
    require_fields(final_head(wire, is_head_request));
    FUZZ_REQUIRE(response_reason(final_head(wire, is_head_request)).length < wire.length);
}

static void run_both(struct span wire, bool is_head_request)
{
    static struct feed_outcome strict;

    run(wire, &feed_strict, is_head_request);
    strict = outcome;
    run(wire, &response_rules_default, is_head_request);
    FUZZ_REQUIRE(strict.anomalies == 0);
    if (strict.error == PROTO_OK)
        FUZZ_REQUIRE(feed_same(&strict, &outcome));
    else
        FUZZ_REQUIRE(outcome.error != PROTO_OK || outcome.anomalies != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span wire = {(const char *)data, size};

    if (size > FEED_WIRE_BYTES_MAX)
        return 0;
    run_both(wire, false);
    run_both(wire, true);
    return 0;
}
