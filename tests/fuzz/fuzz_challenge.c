/* Any bytes as the value of a WWW-Authenticate: it is read to an end, what is answered is answered
 * in one line, and a reader of that line finds what the challenge said. */

#include "proto/auth/challenge.h"
#include "proto/auth/digest.h"
#include "proto/http/scan.h"
#include "tests/lib/feed.h"
#include "tests/fuzz/fuzz.h"

enum { ANSWER_BYTES = 8192 };

/* The value of one parameter of the answer. */
static void require_said(struct span answer, const char *name, struct span wanted)
{
    static char text[ANSWER_BYTES];
    struct challenge_part part;
    enum challenge_kind kind;
    size_t length;

    while ((kind = challenge_next(&answer, &part)) != CHALLENGE_PARAMETER ||
           !span_equal(part.name, span_of(name)))
        FUZZ_REQUIRE(kind != CHALLENGE_END && kind != CHALLENGE_BAD);
    length = challenge_value_write(&part, text);
    FUZZ_REQUIRE(span_equal((struct span){text, length}, wanted));
}

static void require_answered(const struct digest_challenge *challenge)
{
    static char answer[ANSWER_BYTES];
    struct digest_session session;
    const struct digest_request request = {SPAN("u\"\\"), SPAN("GET"), SPAN("/\"\\"), 1};
    struct span span = {answer, 0};

    digest_session_init(&session, challenge, request.user, SPAN("p"), SPAN("c"));
    span.length = digest_write(challenge, &session, &request, answer, sizeof(answer));
    FUZZ_REQUIRE(span.length <= sizeof(answer));
    FUZZ_REQUIRE(scan_control(answer, answer + span.length) == answer + span.length);
    require_said(span, "realm", digest_realm(challenge));
    require_said(span, "nonce", digest_nonce(challenge));
    require_said(span, "uri", request.target);
    if (challenge->has_opaque)
        require_said(span, "opaque", digest_opaque(challenge));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span value = {NULL, size < FEED_WIRE_BYTES_MAX ? size : FEED_WIRE_BYTES_MAX};
    struct digest_offer offer = {0};
    struct challenge_part part;
    enum challenge_kind kind;
    size_t parts = 0;
    struct span rest;

    value.bytes = feed_guarded(0, (struct span){(const char *)data, value.length});
    rest = value;
    while ((kind = challenge_next(&rest, &part)) != CHALLENGE_END && kind != CHALLENGE_BAD) {
        FUZZ_REQUIRE(part.name.length > 0 && ++parts <= value.length);
        FUZZ_REQUIRE(part.value.length <= value.length && rest.length < value.length);
    }
    digest_offer_add(&offer, value);
    FUZZ_REQUIRE(!offer.has_best || offer.has_digest);
    FUZZ_REQUIRE(!offer.has_digest || offer.has_best || offer.bad != PROTO_OK);
    if (offer.has_best)
        require_answered(&offer.best);
    return 0;
}
