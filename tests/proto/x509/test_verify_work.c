/* What a verdict costs: chains that a hostile server would write to keep the verifier busy, and the
 * longest honest ones. The clock does not judge, for a busy machine is no fault: the work that was
 * counted does, and the time beside it is printed.
 *
 * Each hostile chain is judged three times: by the TLS library's arithmetic; as though all its
 * signatures were good, which is what a CA could do that is hostile itself; and all of them bad. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/tls/tls.h"
#include "proto/x509/verify.h"
#include "tests/lib/tls/certs.h"
#include "tests/lib/tls/hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NOW_S = 1893456000, MESH_NAME = 7, ROOT_NAME = 1000, RANDOM_CHAINS = 300, SEED = 9 };

struct chain {
    struct span certificates[VERIFY_CHAIN_MAX];
    size_t count;
    struct trust *trust;
};

static void chain_add(struct chain *chain, const struct hostile_spec *spec)
{
    assert_true(chain->count < VERIFY_CHAIN_MAX);
    chain->certificates[chain->count++] = hostile_make(spec);
}

/* The store, with a root by which a chain may end, whatever key signed it. */
static void chain_open(struct chain *chain, const struct hostile_spec *root)
{
    *chain = (struct chain){.trust = trust_open()};
    assert_non_null(chain->trust);
    hostile_trust(chain->trust, hostile_make(root));
}

static void chain_close(struct chain *chain)
{
    trust_close(chain->trust);
    hostile_free();
}

/* --- shapes ----------------------------------------------------------------------------------- */

/* What a row makes of the certificates: spec is the pattern of all of them. */
enum kind {
    LINE,   /* each is signed by the next, the last by the root */
    MESH,   /* one name, so that each may have signed each, and the root all of them */
    MAZE,   /* the same, and the root is no CA, which is seen at the end of each path */
    ISLAND, /* the same, and no root has that name */
    BAY     /* such an island behind a bridge from the root's name */
};

static const struct shape {
    const char *name;
    enum kind kind;
    size_t count;
    struct hostile_spec spec;
    /* Where every signature is bad, as all that a hostile server has of its own are; and good. */
    enum verify_verdict verdict, verdict_if_good;
} shapes[] = {
    {"names of 1000 bytes under constraints of 1000, in the first",
     LINE,
     3,
     {.alt_names = 20, .alt_name_bytes = 1000, .bases = 1, .base_bytes = 1000},
     VERIFY_NAME_LONG,
     VERIFY_NAME_LONG},
    {"names of 250 bytes under constraints of 250, at each level",
     LINE,
     16,
     {.alt_names = 7, .alt_name_bytes = 250, .bases = 7, .base_bytes = 250, .is_excluding = true},
     VERIFY_SIGNATURE,
     VERIFY_OK},
    {"names of 250 bytes under constraints of 250, by keys of one name",
     MESH,
     15,
     {.alt_names = 20, .alt_name_bytes = 250, .bases = 8, .base_bytes = 250, .is_excluding = true},
     VERIFY_WORK,
     VERIFY_OK},
    {"names of 1000 bytes under constraints of 1000, by keys of one name",
     MESH,
     15,
     {.alt_names = 10,
      .alt_name_bytes = 1000,
      .bases = 2,
      .base_bytes = 1000,
      .is_excluding = true},
     VERIFY_NAME_LONG,
     VERIFY_NAME_LONG},
    {"half of all bytes names, half constraints",
     LINE,
     2,
     {.alt_names = 120,
      .alt_name_bytes = 250,
      .bases = 100,
      .base_bytes = 250,
      .is_excluding = true},
     VERIFY_SIGNATURE,
     VERIFY_OK},
    {"short names, short constraints",
     LINE,
     2,
     {.alt_names = 3000, .alt_name_bytes = 4, .bases = 3000, .base_bytes = 4, .is_excluding = true},
     VERIFY_SIGNATURE,
     VERIFY_WORK},
    {"short names, short constraints, at each level",
     LINE,
     16,
     {.alt_names = 300, .alt_name_bytes = 4, .bases = 200, .base_bytes = 4, .is_excluding = true},
     VERIFY_SIGNATURE,
     VERIFY_WORK},
    {"addresses under constraints on addresses",
     LINE,
     2,
     {.alt_names = 3000,
      .alt_name_bytes = 4,
      .alt_name_tag = CERTIFICATE_NAME_ADDRESS,
      .bases = 2000,
      .base_bytes = 8,
      .base_tag = CERTIFICATE_NAME_ADDRESS,
      .is_excluding = true},
     VERIFY_SIGNATURE,
     VERIFY_WORK},
    {"directory names under constraints on them",
     LINE,
     2,
     {.alt_names = 60,
      .alt_name_bytes = 500,
      .alt_name_tag = CERTIFICATE_NAME_DIRECTORY,
      .bases = 60,
      .base_bytes = 500,
      .base_tag = CERTIFICATE_NAME_DIRECTORY},
     VERIFY_SIGNATURE,
     VERIFY_NAME_CONSTRAINT},
    {"names under constraints on mail",
     LINE,
     2,
     {.alt_names = 2000, .alt_name_bytes = 4, .bases = 3000, .base_bytes = 4, .base_tag = 0x81},
     VERIFY_SIGNATURE,
     VERIFY_WORK},
    {"mail under constraints on mail",
     LINE,
     2,
     {.alt_names = 2000,
      .alt_name_bytes = 4,
      .alt_name_tag = 0x81,
      .bases = 3000,
      .base_bytes = 4,
      .base_tag = 0x81},
     VERIFY_SIGNATURE,
     VERIFY_NAME_FORM},
    {"60,000 bytes of names",
     LINE,
     1,
     {.alt_names = 10000, .alt_name_bytes = 4},
     VERIFY_SIGNATURE,
     VERIFY_OK},
    {"keys of one name on P-256", MESH, VERIFY_CHAIN_MAX, {0}, VERIFY_WORK, VERIFY_OK},
    {"keys of one name on P-384",
     MESH,
     VERIFY_CHAIN_MAX,
     {.curve = CERTIFICATE_CURVE_P384},
     VERIFY_WORK,
     VERIFY_OK},
    {"keys of one name on P-521",
     MESH,
     VERIFY_CHAIN_MAX,
     {.curve = CERTIFICATE_CURVE_P521},
     VERIFY_WORK,
     VERIFY_OK},
    {"RSA keys of one name",
     MESH,
     VERIFY_CHAIN_MAX,
     {.rsa_bits = 4096, .is_signed_by_rsa = true},
     VERIFY_WORK,
     VERIFY_OK},
    {"RSA keys of one name, their exponents of 64 bits",
     MESH,
     VERIFY_CHAIN_MAX,
     {.rsa_bits = 4096, .exponent_bytes = 8, .is_signed_by_rsa = true},
     VERIFY_WORK,
     VERIFY_OK},
    {"RSA keys, their exponents as long as they are",
     MESH,
     16,
     {.rsa_bits = 4096, .exponent_bytes = 500, .is_signed_by_rsa = true},
     VERIFY_KEY_EXPONENT,
     VERIFY_KEY_EXPONENT},
    {"RSA keys of 16384 bits",
     MESH,
     16,
     {.rsa_bits = 16384, .is_signed_by_rsa = true},
     VERIFY_KEY_KIND,
     VERIFY_KEY_KIND},
    {"keys of one name, and no signature fits one",
     MESH,
     VERIFY_CHAIN_MAX,
     {.is_signed_by_rsa = true},
     VERIFY_SIGNATURE,
     VERIFY_SIGNATURE},
    {"keys of one name, and no CA may have the server's",
     MESH,
     VERIFY_CHAIN_MAX,
     {.bases = 1, .base_bytes = 4},
     VERIFY_WORK,
     VERIFY_WORK},
    {"keys of one name, and a root that is no CA",
     MAZE,
     VERIFY_CHAIN_MAX,
     {0},
     VERIFY_WORK,
     VERIFY_WORK},
    {"keys of one name, and no root", ISLAND, VERIFY_CHAIN_MAX, {0}, VERIFY_ROOT, VERIFY_ROOT},
    {"keys of one name, and no root, beside a root that did not sign",
     BAY,
     VERIFY_CHAIN_MAX,
     {0},
     VERIFY_SIGNATURE,
     VERIFY_OK},
    {"names and issuers of 500 bytes", MESH, 16, {.name_bytes = 500}, VERIFY_WORK, VERIFY_OK},
    {"names and issuers of 30,000 bytes",
     LINE,
     1,
     {.name_bytes = 30000},
     VERIFY_SIGNATURE,
     VERIFY_OK},
    {"key identifiers of 300 bytes", MESH, 16, {.key_id_bytes = 300}, VERIFY_WORK, VERIFY_OK},
    {"extensions by the dozen, their names of 900 bytes",
     LINE,
     1,
     {.extensions = 60, .oid_bytes = 900},
     VERIFY_SIGNATURE,
     VERIFY_OK},
};

static void shape_open(const struct shape *shape, struct chain *ret_chain)
{
    struct hostile_spec spec = shape->spec;

    spec.subject = spec.issuer = shape->kind == MESH || shape->kind == MAZE ? MESH_NAME : ROOT_NAME;
    spec.key = 0;
    spec.is_ca = shape->kind != MAZE;
    spec.alt_names = spec.extensions = 0;
    spec.bases = shape->kind == MESH ? spec.bases : 0;
    if (spec.rsa_bits > 4096) {
        spec.rsa_bits = 2048;
        spec.is_signed_by_rsa = false;
    }
    spec.exponent_bytes = 0;
    chain_open(ret_chain, &spec);
    for (unsigned i = 0; i < shape->count; i++) {
        spec = shape->spec;
        spec.is_ca = i > 0;
        spec.key = i + 1;
        spec.subject = shape->kind == LINE || i == 0 ? i : MESH_NAME;
        spec.issuer = shape->kind == LINE ? i + 1 : MESH_NAME;
        if ((shape->kind == LINE && i + 1 == shape->count) || (shape->kind == BAY && i == 0))
            spec.issuer = ROOT_NAME;
        if (shape->kind == BAY && i == 1)
            spec.subject = ROOT_NAME;
        if (i > 0 && (shape->kind != LINE || i + 1 == shape->count))
            spec.alt_names = 0;
        if (i == 0)
            spec.bases = 0;
        chain_add(ret_chain, &spec);
    }
}

/* --- judging ---------------------------------------------------------------------------------- */

struct signer {
    bool answer;
    uint64_t work;
};

static bool sign(void *context, const struct certificate_signature *signature,
                 const struct certificate_key *issuer_key)
{
    struct signer *signer = context;

    signer->work += verify_signature_work(signature, issuer_key);
    return signer->answer;
}

static double cpu_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static struct verify_result judge(const struct chain *chain, verify_signature_fn *check,
                                  void *context, double *ret_ms)
{
    const struct verify_policy policy = {.host = SPAN("www.example.com"), .now_s = NOW_S};
    double before = cpu_ms();
    struct verify_result result;

    verify_chain(chain->certificates, chain->count, chain->trust, &policy, check, context, &result);
    *ret_ms = cpu_ms() - before;
    assert_true(result.work <= VERIFY_WORK_MAX);
    return result;
}

static void expect(const char *name, const char *how, const struct verify_result *result,
                   enum verify_verdict verdict)
{
    if (result->verdict != verdict)
        fail_msg("%s, %s: %s", name, how, verify_sentence(result->verdict));
}

static void shape_judge(const struct shape *shape, const struct chain *chain)
{
    struct signer good = {.answer = true}, bad = {.answer = false};
    struct verify_result result;
    double ms[3];

    result = judge(chain, tls_check_signature, NULL, &ms[0]);
    expect(shape->name, "by the library", &result, shape->verdict);
    printf("%10.2f ms, %8ju units: %s\n", ms[0], (uintmax_t)result.work, shape->name);
    result = judge(chain, sign, &bad, &ms[1]);
    expect(shape->name, "signatures bad", &result, shape->verdict);
    result = judge(chain, sign, &good, &ms[2]);
    expect(shape->name, "signatures good", &result, shape->verdict_if_good);
    printf("%10.2f ms, %8ju units, without signatures, which are good (of %ju units)\n", ms[2],
           (uintmax_t)result.work, (uintmax_t)good.work);
    assert_true(good.work <= VERIFY_WORK_MAX);
    assert_true(bad.work <= VERIFY_WORK_MAX / 2); /* what is wrong counts for more than it costs */
}

static void test_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct chain chain;

        shape_open(&shapes[i], &chain);
        shape_judge(&shapes[i], &chain);
        chain_close(&chain);
    }
}

/* --- any shape -------------------------------------------------------------------------------- */

static unsigned random_below(unsigned bound)
{
    static uint32_t number = SEED;

    number = number * 1664525u + 1013904223u;
    return (number >> 8) % bound;
}

static size_t random_size(size_t bound)
{
    return random_below(2) == 0 ? 0 : 1 + random_below((unsigned)bound);
}

static void random_spec(struct hostile_spec *spec)
{
    static const uint8_t tags[] = {0, CERTIFICATE_NAME_ADDRESS, CERTIFICATE_NAME_DIRECTORY, 0x81};

    *spec = (struct hostile_spec){
        .name_bytes = random_size(80),
        .key = random_below(40),
        .rsa_bits = random_below(3) == 0 ? 1024 + random_below(13) * 256 : 0,
        .curve = CERTIFICATE_CURVE_P256 + random_below(3),
        .is_signed_by_rsa = random_below(3) == 0,
        .is_ca = random_below(8) > 0,
        .alt_names = random_size(40),
        .alt_name_bytes = 4 + random_size(30),
        .alt_name_tag = tags[random_below(8) % COUNT(tags)],
        .bases = random_size(40),
        .base_bytes = 4 + random_size(30),
        .base_tag = tags[random_below(8) % COUNT(tags)],
        .is_excluding = random_below(2),
        .key_id_bytes = random_size(20),
    };
    if (spec->base_tag == CERTIFICATE_NAME_ADDRESS)
        spec->base_bytes = 8;
}

static void random_open(struct chain *ret_chain)
{
    unsigned names = 1 + random_below(6), count = 1 + random_below(VERIFY_CHAIN_MAX);
    size_t name_bytes = 8 + random_size(300);
    struct hostile_spec spec = {.is_ca = true, .name_bytes = name_bytes};

    chain_open(ret_chain, &spec);
    for (unsigned i = 0; i < count; i++) {
        random_spec(&spec);
        spec.name_bytes = name_bytes;
        spec.subject = random_below(names);
        spec.issuer = random_below(names);
        if (i == 0)
            spec.bases = 0;
        chain_add(ret_chain, &spec);
    }
}

static void test_random_shapes(void **state)
{
    double ms, ms_max = 0;
    uint64_t work_max = 0;

    (void)state;
    for (size_t i = 0; i < RANDOM_CHAINS; i++) {
        struct signer signer = {.answer = i % 3 > 0};
        struct verify_result result;
        struct chain chain;

        random_open(&chain);
        bool is_checked = i % 3 == 2;
        result = judge(&chain, is_checked ? tls_check_signature : sign, is_checked ? NULL : &signer,
                       &ms);
        assert_true(signer.work <= result.work);
        ms_max = ms > ms_max ? ms : ms_max;
        work_max = result.work > work_max ? result.work : work_max;
        chain_close(&chain);
    }
    printf("%d random chains of seed %d: at most %.2f ms, %ju units\n", RANDOM_CHAINS, SEED, ms_max,
           (uintmax_t)work_max);
}

/* --- honest chains ---------------------------------------------------------------------------- */

/* So many certificates, each signed by the next, and the last by the root. */
static const struct honest {
    const char *key;
    size_t count;
    enum verify_verdict verdict;
} honest[] = {
    {"P-256", 1, VERIFY_OK},
    {"P-256", VERIFY_CHAIN_MAX, VERIFY_OK},
    {"P-384", 11, VERIFY_OK},
    {"P-384", 12, VERIFY_WORK},
    {"P-384", VERIFY_CHAIN_MAX, VERIFY_WORK},
    {"P-521", 5, VERIFY_OK},
    {"P-521", 6, VERIFY_WORK},
    {"2048", VERIFY_CHAIN_MAX, VERIFY_OK},
    {"4096", VERIFY_CHAIN_MAX, VERIFY_OK},
};

static void honest_open(const struct honest *row, struct certs_pair *pairs, struct chain *ret_chain)
{
    struct certs_spec spec = {.key = row->key, .not_after_s = NOW_S + CERTS_DAY_S, .is_ca = true};
    const struct certs_pair *issuer = NULL;
    char name[32], *pem;

    *ret_chain = (struct chain){.count = row->count, .trust = trust_open()};
    spec.common_name = name;
    for (size_t i = row->count + 1; i-- > 0; issuer = &pairs[i]) {
        unsigned char *der = NULL;

        snprintf(name, sizeof(name), "CA %zu", i);
        spec.is_ca = i > 0;
        spec.alt_names = i > 0 ? NULL : "DNS:www.example.com";
        pairs[i] = certs_make(&spec, issuer);
        if (i < row->count)
            ret_chain->certificates[i].length = (size_t)i2d_X509(pairs[i].certificate, &der);
        if (i < row->count)
            ret_chain->certificates[i].bytes = (const char *)der;
    }
    pem = certs_pem(pairs[row->count].certificate);
    assert_int_equal(trust_add_pem(ret_chain->trust, span_of(pem), NULL, NULL), 0);
    free(pem);
}

static void test_honest_chains(void **state)
{
    (void)state;
    for (size_t row = 0; row < COUNT(honest); row++) {
        struct certs_pair pairs[VERIFY_CHAIN_MAX + 1];
        struct verify_result result;
        struct chain chain;
        size_t bytes = 0;
        double ms;

        honest_open(&honest[row], pairs, &chain);
        result = judge(&chain, tls_check_signature, NULL, &ms);
        for (size_t i = 0; i < chain.count; i++) {
            bytes += chain.certificates[i].length;
            OPENSSL_free((void *)(uintptr_t)chain.certificates[i].bytes);
        }
        for (size_t i = 0; i <= chain.count; i++)
            certs_free(&pairs[i]);
        trust_close(chain.trust);
        printf("%10.2f ms, %8ju units: %zu certificates of %s, %zu bytes: %s\n", ms,
               (uintmax_t)result.work, chain.count, honest[row].key, bytes,
               verify_sentence(result.verdict));
        expect(honest[row].key, "honest", &result, honest[row].verdict);
        if (result.verdict == VERIFY_WORK)
            assert_true(result.work < VERIFY_WORK_MAX / 50); /* nothing is checked in vain */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_honest_chains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
