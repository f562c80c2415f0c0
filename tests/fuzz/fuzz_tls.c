/* Any bytes from a hostile server, to either library: nothing is opened that was not proved, and
 * the outcome does not depend on the deliveries. The first byte chooses the client (its low three
 * bits are the flags of tests/lib/tls/tls_fixed.h) and the size of the deliveries (the others; 0:
 * whole). */

#include "tests/fuzz/fuzz.h"
#include "tests/lib/tls/tls_fixed.h"

struct outcome {
    enum tls_state state;
    struct tls_failure failure;
    size_t plain_bytes;
    size_t taken_bytes;
    bool was_open;
};

static struct tls_config *config_of(enum tls_backend_name backend, unsigned flags)
{
    static struct tls_config *configs[TLS_OPENSSL + 1][TLS_FIXED_FLAGS];
    static struct trust *trust;

    if (trust == NULL)
        trust = trust_open();
    if (configs[backend][flags] == NULL)
        configs[backend][flags] = tls_fixed_config(trust, backend, flags);
    FUZZ_REQUIRE(trust != NULL && configs[backend][flags] != NULL);
    return configs[backend][flags];
}

/* Empties the other ports, as an engine would. */
static bool drain(struct tls *tls, struct outcome *outcome)
{
    struct span plain = tls_plain_out(tls), wire;
    bool moved = plain.length > 0;

    FUZZ_REQUIRE(plain.length == 0 || outcome->was_open || tls_state(tls) == TLS_OPEN);
    outcome->plain_bytes += plain.length;
    tls_plain_taken(tls, plain.length);
    while ((wire = tls_wire_out(tls)).length > 0) {
        moved = true;
        tls_wire_sent(tls, wire.length);
    }
    return moved;
}

/* Once ended, always ended; the handshake does not come back. */
static void check_state(struct tls *tls, struct outcome *outcome)
{
    enum tls_state before = outcome->state;

    outcome->state = tls_state(tls);
    FUZZ_REQUIRE(before < TLS_CLOSED || outcome->state == before);
    FUZZ_REQUIRE(before != TLS_OPEN || outcome->state != TLS_HANDSHAKE);
    outcome->was_open |= outcome->state == TLS_OPEN;
}

static void deliver(struct tls *tls, struct span wire, struct outcome *outcome)
{
    bool moves = true;

    while (moves) {
        size_t taken = tls_wire_in(tls, wire);

        FUZZ_REQUIRE(taken <= wire.length && !tls_is_waiting(tls));
        wire = (struct span){wire.bytes + taken, wire.length - taken};
        outcome->taken_bytes += taken;
        check_state(tls, outcome);
        moves = drain(tls, outcome) || (taken > 0 && wire.length > 0);
        check_state(tls, outcome);
    }
    FUZZ_REQUIRE(wire.length == 0);
}

static struct outcome play(struct span wire, enum tls_backend_name backend, unsigned flags,
                           size_t cut)
{
    struct outcome outcome = {.state = TLS_HANDSHAKE};
    struct tls_config *config = config_of(backend, flags);
    void *memory = malloc(tls_size());
    struct tls *tls;

    FUZZ_REQUIRE(memory != NULL);
    tls = tls_fixed_init(memory, config, flags);
    drain(tls, &outcome);
    for (size_t at = 0, length; at < wire.length; at += length) {
        length = wire.length - at < cut ? wire.length - at : cut;
        deliver(tls, (struct span){wire.bytes + at, length}, &outcome);
    }
    /* Only an insecure client, or one that resumes, has anything to open by. */
    FUZZ_REQUIRE(!outcome.was_open || (flags & TLS_FIXED_INSECURE) != 0 ||
                 tls_facts(tls).is_resumed);
    tls_wire_end(tls);
    check_state(tls, &outcome);
    FUZZ_REQUIRE(outcome.state >= TLS_CLOSED);
    outcome.failure = tls_failure(tls);
    FUZZ_REQUIRE(outcome.failure.sentence != NULL);
    tls_deinit(tls);
    free(memory);
    FUZZ_REQUIRE(tls_config_has_chain(config));
    return outcome;
}

static void play_both_ways(struct span wire, enum tls_backend_name backend, uint8_t choice)
{
    unsigned flags = choice % TLS_FIXED_FLAGS;
    struct outcome whole = play(wire, backend, flags, wire.length), cut;

    if (choice / TLS_FIXED_FLAGS == 0)
        return;
    cut = play(wire, backend, flags, choice / TLS_FIXED_FLAGS);
    FUZZ_REQUIRE(cut.state == whole.state && cut.plain_bytes == whole.plain_bytes);
    /* What follows a close_notify in its record counts only where it comes with it. */
    if (cut.failure.error != TLS_HANDSHAKE_CUT)
        FUZZ_REQUIRE(cut.failure.error == whole.failure.error &&
                     cut.failure.verdict == whole.failure.verdict &&
                     cut.failure.alert == whole.failure.alert);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span wire = {(const char *)data + 1, size - 1};

    if (size < 2)
        return 0;
    play_both_ways(wire, TLS_BEARSSL, data[0]);
    if (tls_has_backend(TLS_OPENSSL))
        play_both_ways(wire, TLS_OPENSSL, data[0]);
    return 0;
}
