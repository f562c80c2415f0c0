/* Challenges are weighed, and one is answered. The strongest that can be answered counts, wherever
 * it stands: a server that offers MD5 first, for old clients, gets SHA-256 all the same, and one
 * that offers it last, for a man in the middle, does too (RFC 7616, 5.8).
 *
 * The hard idea is what a server may have repeated to it: realm, nonce and opaque go back inside
 * quotes, so that they are kept unquoted, are quoted anew, and have no control byte. */

#include "proto/auth/digest.h"
#include "proto/auth/challenge.h"
#include "proto/http/scan.h"
#include "proto/writer.h"

#include <bearssl.h>
#include <stdio.h>

/* --- hashes ----------------------------------------------------------------------------------- */

static const struct {
    struct span name;
    const br_hash_class *hash;
    size_t bytes;
} algorithms[] = {
    [DIGEST_MD5] = {{"MD5", 3}, &br_md5_vtable, br_md5_SIZE},
    [DIGEST_SHA256] = {{"SHA-256", 7}, &br_sha256_vtable, br_sha256_SIZE},
};

enum { ALGORITHMS = sizeof(algorithms) / sizeof(algorithms[0]) };

struct hashing {
    br_hash_compat_context context;
    enum digest_algorithm algorithm;
};

static void hash_begin(struct hashing *hashing, enum digest_algorithm algorithm)
{
    hashing->algorithm = algorithm;
    algorithms[algorithm].hash->init(&hashing->context.vtable);
}

static void hash_add(struct hashing *hashing, struct span bytes)
{
    algorithms[hashing->algorithm].hash->update(&hashing->context.vtable, bytes.bytes,
                                                bytes.length);
}

/* Behind a colon. */
static void hash_join(struct hashing *hashing, struct span bytes)
{
    hash_add(hashing, SPAN(":"));
    hash_add(hashing, bytes);
}

static void hash_end(struct hashing *hashing, char *ret_hex)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[br_sha256_SIZE];

    algorithms[hashing->algorithm].hash->out(&hashing->context.vtable, bytes);
    for (size_t i = 0; i < algorithms[hashing->algorithm].bytes; i++) {
        *ret_hex++ = digits[bytes[i] >> 4];
        *ret_hex++ = digits[bytes[i] & 15];
    }
    *ret_hex = '\0';
}

/* --- challenges ------------------------------------------------------------------------------- */

struct span digest_realm(const struct digest_challenge *challenge)
{
    return (struct span){challenge->text, challenge->realm_length};
}

struct span digest_nonce(const struct digest_challenge *challenge)
{
    return (struct span){challenge->text + challenge->realm_length, challenge->nonce_length};
}

struct span digest_opaque(const struct digest_challenge *challenge)
{
    size_t before = (size_t)challenge->realm_length + challenge->nonce_length;

    return (struct span){challenge->text + before, challenge->opaque_length};
}

/* The parameters of one challenge, where they lie; bytes NULL: it has none. */
struct parameters {
    struct challenge_part realm, nonce, opaque, algorithm, qop, stale, userhash;
    bool is_bad; /* one came twice, which has two readings */
};

static void parameter_take(struct parameters *parameters, const struct challenge_part *part)
{
    const struct {
        struct span name;
        struct challenge_part *at;
    } rows[] = {
        {SPAN("realm"), &parameters->realm},       {SPAN("nonce"), &parameters->nonce},
        {SPAN("opaque"), &parameters->opaque},     {SPAN("algorithm"), &parameters->algorithm},
        {SPAN("qop"), &parameters->qop},           {SPAN("stale"), &parameters->stale},
        {SPAN("userhash"), &parameters->userhash},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!span_equal_fold(rows[i].name, part->name))
            continue;
        parameters->is_bad |= rows[i].at->name.bytes != NULL;
        *rows[i].at = *part;
    }
}

static bool is_true(const struct challenge_part *part)
{
    return span_equal_fold(part->value, SPAN("true"));
}

/* false: it is one that haul does not know. */
static bool algorithm_take(struct digest_challenge *challenge, struct span name)
{
    struct span session = SPAN("-sess");
    bool is_longer = name.length > session.length;
    struct span end = {is_longer ? name.bytes + name.length - session.length : NULL,
                       is_longer ? session.length : 0};

    challenge->has_algorithm = name.bytes != NULL;
    challenge->is_session = span_equal_fold(end, session);
    if (challenge->is_session)
        name.length -= session.length;
    for (size_t i = 0; i < ALGORITHMS; i++)
        if (span_equal_fold(name, algorithms[i].name)) {
            challenge->algorithm = (enum digest_algorithm)i;
            return true;
        }
    return !challenge->has_algorithm;
}

/* A list that says nothing is none. What a session's secret is made of goes out with a qop only. */
static enum proto_error qop_take(struct digest_challenge *challenge, struct span list)
{
    struct span word;
    bool has_integrity = false, has_other = false;

    while (span_list_next(&list, &word)) {
        challenge->has_qop |= span_equal_fold(word, SPAN("auth"));
        has_integrity |= span_equal_fold(word, SPAN("auth-int"));
        has_other |= word.length > 0;
    }
    if (!challenge->has_qop && has_integrity)
        return PROTO_DIGEST_INTEGRITY;
    return !challenge->has_qop && (has_other || challenge->is_session) ? PROTO_DIGEST_QOP
                                                                       : PROTO_OK;
}

static uint16_t text_add(struct digest_challenge *challenge, size_t at,
                         const struct challenge_part *part)
{
    return (uint16_t)challenge_value_write(part, challenge->text + at);
}

static enum proto_error text_take(struct digest_challenge *challenge,
                                  const struct parameters *parameters)
{
    size_t length = 0, most = parameters->realm.value.length + parameters->nonce.value.length;
    const char *end;

    if (most + parameters->opaque.value.length > sizeof(challenge->text))
        return PROTO_DIGEST_LONG;
    length += challenge->realm_length = text_add(challenge, length, &parameters->realm);
    length += challenge->nonce_length = text_add(challenge, length, &parameters->nonce);
    length += challenge->opaque_length = text_add(challenge, length, &parameters->opaque);
    challenge->has_opaque = parameters->opaque.name.bytes != NULL;
    end = challenge->text + length;
    return scan_control(challenge->text, end) == end ? PROTO_OK : PROTO_DIGEST_MALFORMED;
}

static enum proto_error challenge_take(struct digest_challenge *challenge,
                                       const struct parameters *parameters)
{
    enum proto_error error;

    if (parameters->is_bad || parameters->nonce.value.length == 0)
        return PROTO_DIGEST_MALFORMED;
    if (!algorithm_take(challenge, parameters->algorithm.value))
        return PROTO_DIGEST_ALGORITHM;
    error = qop_take(challenge, parameters->qop.value);
    if (error != PROTO_OK)
        return error;
    challenge->is_stale = is_true(&parameters->stale);
    challenge->hashes_user = is_true(&parameters->userhash);
    return text_take(challenge, parameters);
}

static void offer_take(struct digest_offer *offer, const struct parameters *parameters)
{
    struct digest_challenge challenge = {0};
    enum proto_error error = challenge_take(&challenge, parameters);

    offer->has_digest = true;
    if (error != PROTO_OK && offer->bad == PROTO_OK)
        offer->bad = error;
    if (error != PROTO_OK || (offer->has_best && challenge.algorithm <= offer->best.algorithm))
        return;
    offer->best = challenge;
    offer->has_best = true;
}

void digest_offer_add(struct digest_offer *offer, struct span value)
{
    struct parameters parameters = {0};
    struct challenge_part part;
    bool is_digest = false;

    for (;;) {
        enum challenge_kind kind = challenge_next(&value, &part);

        parameters.is_bad |= kind == CHALLENGE_BAD;
        if (kind == CHALLENGE_PARAMETER) {
            parameter_take(&parameters, &part);
            continue;
        }
        if (is_digest)
            offer_take(offer, &parameters);
        if (kind != CHALLENGE_SCHEME)
            return;
        parameters = (struct parameters){0};
        is_digest = span_equal_fold(part.name, SPAN("Digest"));
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

void digest_session_init(struct digest_session *session, const struct digest_challenge *challenge,
                         struct span user, struct span password, struct span cnonce)
{
    struct hashing hashing;

    memset(session, 0, sizeof(*session));
    memcpy(session->cnonce, cnonce.bytes, cnonce.length);
    hash_begin(&hashing, challenge->algorithm);
    hash_add(&hashing, user);
    hash_join(&hashing, digest_realm(challenge));
    if (challenge->hashes_user) {
        struct hashing before = hashing;

        hash_end(&before, session->user_hash);
    }
    hash_join(&hashing, password);
    hash_end(&hashing, session->secret);
    if (!challenge->is_session)
        return;
    hash_begin(&hashing, challenge->algorithm);
    hash_add(&hashing, span_of(session->secret));
    hash_join(&hashing, digest_nonce(challenge));
    hash_join(&hashing, cnonce);
    hash_end(&hashing, session->secret);
}

enum { COUNT_BYTES = 8 };

static void respond(const struct digest_challenge *challenge, const struct digest_session *session,
                    const struct digest_request *request, const char *count, char *ret_hex)
{
    char what[DIGEST_HEX_BYTES + 1]; /* H(A2) */
    struct hashing hashing;

    hash_begin(&hashing, challenge->algorithm);
    hash_add(&hashing, request->method);
    hash_join(&hashing, request->target);
    hash_end(&hashing, what);
    hash_begin(&hashing, challenge->algorithm);
    hash_add(&hashing, span_of(session->secret));
    hash_join(&hashing, digest_nonce(challenge));
    if (challenge->has_qop) {
        hash_join(&hashing, span_of(count));
        hash_join(&hashing, span_of(session->cnonce));
        hash_join(&hashing, SPAN("auth"));
    }
    hash_join(&hashing, span_of(what));
    hash_end(&hashing, ret_hex);
}

/* name=, with a comma before it if it is not the first. */
static void put_name(struct writer *writer, const char *name)
{
    if (writer->length > sizeof("Digest ") - 1)
        put(writer, SPAN(", "));
    put(writer, span_of(name));
    put(writer, SPAN("="));
}

static void put_word(struct writer *writer, const char *name, struct span value)
{
    put_name(writer, name);
    put(writer, value);
}

static void put_quoted(struct writer *writer, const char *name, struct span value)
{
    put_name(writer, name);
    put(writer, SPAN("\""));
    for (size_t i = 0; i < value.length; i++) {
        if (value.bytes[i] == '"' || value.bytes[i] == '\\')
            put(writer, SPAN("\\"));
        put(writer, (struct span){value.bytes + i, 1});
    }
    put(writer, SPAN("\""));
}

static void put_algorithm(struct writer *writer, const struct digest_challenge *challenge)
{
    put_word(writer, "algorithm", algorithms[challenge->algorithm].name);
    if (challenge->is_session)
        put(writer, SPAN("-sess"));
}

size_t digest_write(const struct digest_challenge *challenge, const struct digest_session *session,
                    const struct digest_request *request, char *buffer, size_t size)
{
    struct writer writer = {.buffer = buffer, .size = size};
    char response[DIGEST_HEX_BYTES + 1], count[COUNT_BYTES + 1];

    snprintf(count, sizeof(count), "%08x", (unsigned)request->count);
    respond(challenge, session, request, count, response);
    put(&writer, SPAN("Digest "));
    put_quoted(&writer, "username",
               challenge->hashes_user ? span_of(session->user_hash) : request->user);
    put_quoted(&writer, "realm", digest_realm(challenge));
    put_quoted(&writer, "nonce", digest_nonce(challenge));
    put_quoted(&writer, "uri", request->target);
    if (challenge->has_qop) {
        put_quoted(&writer, "cnonce", span_of(session->cnonce));
        put_word(&writer, "nc", span_of(count));
        put_word(&writer, "qop", SPAN("auth"));
    }
    put_quoted(&writer, "response", span_of(response));
    if (challenge->has_opaque)
        put_quoted(&writer, "opaque", digest_opaque(challenge));
    if (challenge->has_algorithm)
        put_algorithm(&writer, challenge);
    if (challenge->hashes_user)
        put_word(&writer, "userhash", SPAN("true"));
    return writer.length;
}
