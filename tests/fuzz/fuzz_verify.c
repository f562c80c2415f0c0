/* Any bytes as a server's certificates, and as the roots they end in: the verdict must keep within
 * its bounds, name a certificate that exists, not hang on the order of what was sent, and never be
 * good without a signature.
 *
 * The input is certificates one behind the other, as DER delimits them. Before each, a byte: its
 * lowest bit makes it an anchor, else it is sent. The rest after the last one is sent as it is. */

#include "proto/x509/der.h"
#include "proto/x509/pem.h"
#include "proto/x509/verify.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

enum { ANCHORS_MAX = 4, SENT_MAX = VERIFY_CHAIN_MAX + 1, DER_BYTES_MAX = 1 << 14 };

struct input {
    struct trust *trust;
    struct span sent[SENT_MAX];
    size_t count;
};

/* How the stand-in for the arithmetic answers, and how often it was asked. */
struct signer {
    bool answer;
    unsigned asked;
    uint64_t work; /* of all signatures that it was asked about */
};

static bool sign(void *context, const struct certificate_signature *signature,
                 const struct certificate_key *issuer_key)
{
    struct signer *signer = context;
    bool is_ecdsa = signature->scheme == CERTIFICATE_SCHEME_ECDSA;

    FUZZ_REQUIRE(is_ecdsa || signature->scheme == CERTIFICATE_SCHEME_RSA_PKCS1);
    FUZZ_REQUIRE(issuer_key->kind == (is_ecdsa ? CERTIFICATE_KEY_EC : CERTIFICATE_KEY_RSA));
    FUZZ_REQUIRE(signature->hash >= CERTIFICATE_HASH_SHA256);
    FUZZ_REQUIRE(is_ecdsa || issuer_key->modulus_bits >= 2048);
    FUZZ_REQUIRE(is_ecdsa || issuer_key->exponent.length <= 8);
    signer->work += verify_signature_work(signature, issuer_key);
    FUZZ_REQUIRE(signer->work <= VERIFY_WORK_MAX);
    signer->asked++;
    return signer->answer;
}

/* --- the input -------------------------------------------------------------------------------- */

/* Writes der as PEM and adds it; a store takes any bytes. */
static void anchor_add(struct trust *trust, struct span der)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static char pem[DER_BYTES_MAX * 4 / 3 + 100];
    size_t used = 0, count, bad_count;

    used += (size_t)(stpcpy(pem, "-----BEGIN CERTIFICATE-----") - pem);
    for (size_t i = 0; i < der.length; i += 3) {
        size_t left = der.length - i < 3 ? der.length - i : 3;
        uint8_t group[3] = {0};

        memcpy(group, der.bytes + i, left);
        pem[used++] = letters[group[0] >> 2];
        pem[used++] = letters[(group[0] << 4 | group[1] >> 4) & 63];
        pem[used++] = left > 1 ? letters[(group[1] << 2 | group[2] >> 6) & 63] : '=';
        pem[used++] = left > 2 ? letters[group[2] & 63] : '=';
    }
    used += (size_t)(stpcpy(pem + used, "-----END CERTIFICATE-----") - (pem + used));
    FUZZ_REQUIRE(trust_add_pem(trust, (struct span){pem, used}, &count, &bad_count) == 0);
    FUZZ_REQUIRE(count + bad_count == 1);
}

static void input_read(struct span rest, struct input *ret_input)
{
    *ret_input = (struct input){.trust = trust_open()};
    FUZZ_REQUIRE(ret_input->trust != NULL);
    while (rest.length > 1 && ret_input->count < SENT_MAX) {
        bool is_anchor = (rest.bytes[0] & 1) != 0;
        struct der_element element;

        rest = (struct span){rest.bytes + 1, rest.length - 1};
        if (!der_next(&rest, &element)) {
            element.whole = rest;
            rest.length = 0;
        }
        if (!is_anchor)
            ret_input->sent[ret_input->count++] = element.whole;
        else if (trust_count(ret_input->trust) < ANCHORS_MAX &&
                 element.whole.length <= DER_BYTES_MAX)
            anchor_add(ret_input->trust, element.whole);
    }
}

/* --- what must hold --------------------------------------------------------------------------- */

static void require_inside(struct span part, struct span whole)
{
    FUZZ_REQUIRE(part.length == 0 || (part.bytes >= whole.bytes &&
                                      part.bytes + part.length <= whole.bytes + whole.length));
}

static void require_facts(struct span der)
{
    struct certificate facts;

    if (!certificate_parse(der, &facts))
        return;
    FUZZ_REQUIRE(facts.version >= 1 && facts.version <= 3 && facts.path_length_max >= -1);
    FUZZ_REQUIRE(facts.subject.length >= 2 && facts.issuer.length >= 2);
    require_inside(facts.subject, der);
    require_inside(facts.issuer, der);
    require_inside(facts.public_key, der);
    require_inside(facts.key.modulus, facts.public_key);
    require_inside(facts.key.exponent, facts.public_key);
    require_inside(facts.key.point, facts.public_key);
    require_inside(facts.signature.tbs, der);
    require_inside(facts.signature.value, der);
    require_inside(facts.alt_names, facts.signature.tbs);
    require_inside(facts.permitted_names, facts.signature.tbs);
    require_inside(facts.excluded_names, facts.signature.tbs);
    require_inside(facts.subject_key_id, facts.signature.tbs);
    require_inside(facts.authority_key_id, facts.signature.tbs);
    FUZZ_REQUIRE(facts.version == 3 || (!facts.is_ca && facts.alt_names.bytes == NULL));
}

static struct verify_result verdict_of(const struct input *input, struct signer *signer)
{
    const struct verify_policy policy = {.host = SPAN("www.example.com"), .now_s = 1893456000};
    struct verify_result result;

    verify_chain(input->sent, input->count, input->trust, &policy, sign, signer, &result);
    FUZZ_REQUIRE(result.verdict <= VERIFY_WORK);
    FUZZ_REQUIRE(result.work <= VERIFY_WORK_MAX && result.work >= signer->work);
    FUZZ_REQUIRE(result.certificate < SENT_MAX || result.certificate == VERIFY_ANCHOR);
    FUZZ_REQUIRE(result.certificate == 0 || result.certificate == VERIFY_ANCHOR ||
                 result.certificate < input->count);
    if (result.verdict != VERIFY_OK)
        return result;
    FUZZ_REQUIRE(result.certificate == 0 && result.key.kind != CERTIFICATE_KEY_OTHER);
    FUZZ_REQUIRE(result.not_before_s <= policy.now_s && policy.now_s <= result.not_after_s);
    require_inside(result.public_key, input->sent[0]);
    require_inside(result.key.modulus, result.public_key);
    require_inside(result.key.point, result.public_key);
    return result;
}

static bool is_anchor(const struct input *input)
{
    struct certificate server;

    return certificate_parse(input->sent[0], &server) && trust_has(input->trust, &server);
}

static void input_reverse(struct input *input)
{
    for (size_t i = 1, j = input->count - 1; i < j; i++, j--) {
        struct span swapped = input->sent[i];

        input->sent[i] = input->sent[j];
        input->sent[j] = swapped;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct signer willing = {.answer = true}, again = {.answer = true}, unwilling = {0};
    enum verify_verdict verdict, reversed;
    struct input input;

    input_read((struct span){(const char *)data, size}, &input);
    for (size_t i = 0; i < input.count; i++)
        require_facts(input.sent[i]);
    verdict = verdict_of(&input, &willing).verdict;
    if (verdict == VERIFY_OK && !is_anchor(&input))
        FUZZ_REQUIRE(willing.asked > 0);
    if (verdict_of(&input, &unwilling).verdict == VERIFY_OK)
        FUZZ_REQUIRE(is_anchor(&input) && unwilling.asked == 0);
    if (input.count > 0)
        input_reverse(&input);
    reversed = verdict_of(&input, &again).verdict;
    if (verdict != VERIFY_WORK && reversed != VERIFY_WORK)
        FUZZ_REQUIRE((verdict == VERIFY_OK) == (reversed == VERIFY_OK));
    trust_close(input.trust);
    return 0;
}
