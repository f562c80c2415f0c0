/* The TLS ports against an independent server (libssl between two memory BIOs), and against bytes
 * that no honest server sends. Each side sends the same known stream, so that every byte that comes
 * out can be checked where it comes out. */

#include "proto/tls/tls.h"

#include "tests/lib/tls/certs.h"
#include "tests/lib/tls/tls_fixed.h"
#include "tests/lib/tls/tls_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

/* --- certificates that all tests share ------------------------------------------------------ */

enum { KEY_KINDS = 5, RECORD_BYTES_MAX = 1 << 16 };

static const char *const key_kinds[KEY_KINDS] = {"P-256", "P-384", "P-521", "2048", "4096"};

static enum tls_backend_name backend;
static struct certs_pair root, leaves[KEY_KINDS], client_root;
static struct trust *trust;

static const struct certs_pair *leaf(const char *kind)
{
    size_t i = 0;

    while (strcmp(key_kinds[i], kind) != 0)
        i++;
    if (leaves[i].certificate == NULL)
        leaves[i] = certs_make(&(struct certs_spec){.common_name = "a.test",
                                                    .alt_names = "DNS:a.test,IP:127.0.0.1,IP:::1",
                                                    .key = kind},
                               &root);
    return &leaves[i];
}

static void trust_add(X509 *certificate)
{
    char *pem = certs_pem(certificate);

    assert_int_equal(trust_add_pem(trust, span_of(pem), NULL, NULL), 0);
    free(pem);
}

static int group_setup(void **state)
{
    struct certs_spec spec = {.common_name = "root", .key = "P-256", .is_ca = true};

    (void)state;
    root = certs_make(&spec, NULL);
    client_root = certs_make(&spec, NULL);
    trust = trust_open();
    trust_add(root.certificate);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_KINDS; i++)
        certs_free(&leaves[i]);
    certs_free(&root);
    certs_free(&client_root);
    trust_close(trust);
    return 0;
}

/* --- a client and a server, and what lies between them -------------------------------------- */

struct bed_spec {
    struct tls_server_options server;
    struct tls_options client;
    struct tls_config *config;      /* instead of one from client; NULL: its own */
    const struct tls_server *again; /* a server whose sessions live on */
    const struct tls_session *session;
    const char *key;  /* of the server; NULL: P-256 */
    const char *host; /* NULL: a.test */
    int64_t now_s;    /* 0: CERTS_NOW_S */
    uint8_t seed;
    size_t cut; /* at most so many bytes at once, both ways; 0: no limit */
};

struct bed {
    struct tls_server server;
    struct tls_server_options options;
    struct tls_config *config;
    bool has_own_config;
    struct tls *tls;
    size_t cut;
    uint32_t random; /* not 0: cuts vary below cut */
    size_t client_sent, server_got, server_sent, client_got;
    bool is_replay;
    char *record; /* what the server sent, where it is wanted */
    size_t record_length;
};

static char stream_byte(size_t at)
{
    return (char)(at * 31 + (at >> 8) * 7);
}

static struct tls_config *config_open(const struct tls_options *options)
{
    struct tls_options with_defaults = *options;
    struct tls_config *config;
    enum tls_error error;

    with_defaults.trust = trust;
    with_defaults.backend = backend;
    if (options->chain_count == 0)
        with_defaults.chain_count = 2;
    error = tls_config_open(&with_defaults, &config);
    if (error != TLS_OK)
        fail_msg("no configuration: %s", tls_sentence(error));
    return config;
}

static void client_open(struct bed *bed, const struct bed_spec *spec)
{
    unsigned char seed[TLS_SEED_BYTES] = {spec->seed, 1, 2, 3};
    struct tls_peer peer = {.host = span_of(spec->host != NULL ? spec->host : "a.test"),
                            .now_s = spec->now_s != 0 ? spec->now_s : CERTS_NOW_S,
                            .seed = seed,
                            .session = spec->session};
    void *memory = calloc(1, tls_size());

    assert_non_null(memory);
    bed->has_own_config = spec->config == NULL;
    bed->config = bed->has_own_config ? config_open(&spec->client) : spec->config;
    bed->tls = tls_init(memory, bed->config, &peer);
}

static void bed_open(struct bed *bed, const struct bed_spec *spec)
{
    *bed = (struct bed){.options = spec->server, .cut = spec->cut};
    if (bed->options.pair == NULL)
        bed->options.pair = leaf(spec->key != NULL ? spec->key : "P-256");
    tls_server_init(&bed->server, &bed->options, spec->again);
    client_open(bed, spec);
}

/* Nothing of the keys and of what was received may be left. */
static void client_close(struct bed *bed)
{
    const char *memory = (const char *)bed->tls;

    tls_deinit(bed->tls);
    assert_true(memory[0] == 0 && memcmp(memory, memory + 1, tls_size() - 1) == 0);
    free(bed->tls);
    if (bed->has_own_config)
        tls_config_close(bed->config);
}

static void bed_close(struct bed *bed)
{
    client_close(bed);
    tls_server_deinit(&bed->server);
    free(bed->record);
}

static size_t bed_cut(struct bed *bed, size_t length)
{
    size_t cut = bed->cut;

    if (bed->random != 0) {
        bed->random = bed->random * 1664525u + 1013904223u;
        cut = 1 + (bed->random >> 8) % bed->cut;
    }
    return cut > 0 && length > cut ? cut : length;
}

static void plain_take(struct bed *bed)
{
    struct span plain;

    while ((plain = tls_plain_out(bed->tls)).length > 0) {
        size_t length = bed_cut(bed, plain.length);

        for (size_t i = 0; i < length; i++)
            if (plain.bytes[i] != stream_byte(bed->client_got + i))
                fail_msg("byte %zu of the server's stream is wrong", bed->client_got + i);
        bed->client_got += length;
        tls_plain_taken(bed->tls, length);
    }
}

static bool client_to_server(struct bed *bed)
{
    struct span wire = tls_wire_out(bed->tls);
    size_t length = bed_cut(bed, wire.length);

    if (length == 0)
        return false;
    if (!bed->is_replay)
        assert_int_equal(BIO_write(bed->server.in, wire.bytes, (int)length), (int)length);
    tls_wire_sent(bed->tls, length);
    return true;
}

static void server_read(struct bed *bed)
{
    char bytes[16384];
    int length;

    tls_server_step(&bed->server);
    while (SSL_is_init_finished(bed->server.ssl) &&
           (length = SSL_read(bed->server.ssl, bytes, sizeof(bytes))) > 0) {
        for (int i = 0; i < length; i++)
            if (bytes[i] != stream_byte(bed->server_got + (size_t)i))
                fail_msg("byte %zu of the client's stream is wrong", bed->server_got + (size_t)i);
        bed->server_got += (size_t)length;
    }
}

static bool server_to_client(struct bed *bed)
{
    char *wire;
    size_t length = bed_cut(bed, (size_t)BIO_get_mem_data(bed->server.out, &wire));
    size_t taken = tls_wire_in(bed->tls, (struct span){wire, length});
    char *end = bed->record != NULL ? bed->record + bed->record_length : NULL;

    if (taken > 0) {
        char *copy = end != NULL ? end : malloc(taken);

        assert_int_equal(BIO_read(bed->server.out, copy, (int)taken), (int)taken);
        if (end == NULL)
            free(copy);
        else
            bed->record_length += taken;
    }
    plain_take(bed);
    return taken > 0;
}

/* Moves bytes until none moves any more. */
static void pump(struct bed *bed)
{
    bool moves = true;

    while (moves) {
        moves = client_to_server(bed);
        server_read(bed);
        moves |= server_to_client(bed);
    }
}

/* Both send so many bytes of the stream, and all of them arrive. */
static void exchange(struct bed *bed, size_t bytes)
{
    size_t client_end = bed->client_sent + bytes, server_end = bed->server_sent + bytes;
    char chunk[10000];

    while (bed->client_got < server_end || bed->server_got < client_end) {
        size_t length = bytes < sizeof(chunk) ? bytes : sizeof(chunk);

        if (bed->client_sent < client_end) {
            for (size_t i = 0; i < length; i++)
                chunk[i] = stream_byte(bed->client_sent + i);
            if (length > client_end - bed->client_sent)
                length = client_end - bed->client_sent;
            bed->client_sent += tls_plain_in(bed->tls, (struct span){chunk, bed_cut(bed, length)});
        }
        length = server_end - bed->server_sent;
        length = bed_cut(bed, length < sizeof(chunk) ? length : sizeof(chunk));
        for (size_t i = 0; i < length; i++)
            chunk[i] = stream_byte(bed->server_sent + i);
        if (length > 0)
            assert_int_equal(SSL_write(bed->server.ssl, chunk, (int)length), (int)length);
        bed->server_sent += length;
        pump(bed);
        assert_int_equal(tls_state(bed->tls), TLS_OPEN);
    }
    assert_int_equal(bed->client_got, server_end);
    assert_int_equal(bed->server_got, client_end);
}

static void assert_open(const struct bed *bed, const char *what)
{
    if (tls_state(bed->tls) != TLS_OPEN)
        fail_msg("%s: not open: %s", what, tls_failure(bed->tls).sentence);
    assert_true(SSL_is_init_finished(bed->server.ssl));
}

static void assert_failure(const struct bed *bed, enum tls_error error, const char *what)
{
    struct tls_failure failure = tls_failure(bed->tls);

    if (tls_state(bed->tls) != TLS_FAILED || failure.error != error)
        fail_msg("%s: state %d, error %d: %s", what, (int)tls_state(bed->tls), (int)failure.error,
                 failure.sentence);
    assert_int_equal(tls_wire_out(bed->tls).length, 0);
    assert_int_equal(tls_wire_in(bed->tls, SPAN("dropped")), strlen("dropped"));
    assert_int_equal(tls_plain_in(bed->tls, SPAN("refused")), 0);
}

static void handshake(struct bed *bed, const struct bed_spec *spec)
{
    bed_open(bed, spec);
    pump(bed);
}

/* --- what is agreed ------------------------------------------------------------------------- */

static void test_suites(void **state)
{
    static const struct {
        const char *key, *cipher, *suite;
        bool is_legacy;
        int version;
    } rows[] = {
        {"P-256", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0, 0},
        {"P-384", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0, 0},
        {"P-521", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0,
         0},
        {"2048", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0, 0},
        {"4096", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0, 0},
        {"2048", "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0, 0},
        {"2048", "ECDHE-RSA-AES128-SHA256", "ECDHE_RSA_WITH_AES_128_CBC_SHA256", 1, 0},
        {"P-256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", 1, 0},
        {"2048", "ECDHE-RSA-AES256-SHA", "ECDHE_RSA_WITH_AES_256_CBC_SHA", 1, 0},
        {"2048", "AES128-GCM-SHA256", "RSA_WITH_AES_128_GCM_SHA256", 1, 0},
        {"2048", "AES256-SHA256", "RSA_WITH_AES_256_CBC_SHA256", 1, 0},
        {"4096", "AES128-SHA", "RSA_WITH_AES_128_CBC_SHA", 1, TLS1_VERSION},
        {"2048", "ECDHE-RSA-AES128-SHA", "ECDHE_RSA_WITH_AES_128_CBC_SHA", 1, TLS1_VERSION},
        {"P-256", "ECDHE-ECDSA-AES128-SHA", "ECDHE_ECDSA_WITH_AES_128_CBC_SHA", 1, TLS1_1_VERSION},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int version = rows[i].version != 0 ? rows[i].version : TLS1_2_VERSION;
        struct bed_spec spec = {.key = rows[i].key,
                                .server = {.ciphers = rows[i].cipher, .version = version},
                                .client = {.is_legacy = rows[i].is_legacy}};
        struct tls_facts facts;
        struct bed bed;

        handshake(&bed, &spec);
        assert_open(&bed, rows[i].cipher);
        facts = tls_facts(bed.tls);
        assert_string_equal(facts.suite + strlen("TLS_"), rows[i].suite);
        assert_string_equal(facts.version, version == TLS1_VERSION     ? "TLSv1.0"
                                           : version == TLS1_1_VERSION ? "TLSv1.1"
                                                                       : "TLSv1.2");
        assert_true(facts.is_verified && !facts.is_resumed);
        exchange(&bed, 40000);
        bed_close(&bed);
    }
}

static void test_suites_without_legacy(void **state)
{
    static const char *const ciphers[] = {"ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA",
                                          "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"};

    (void)state;
    for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
        struct bed bed;

        handshake(&bed,
                  &(struct bed_spec){.key = "2048",
                                     .server = {.ciphers = ciphers[i], .version = TLS1_2_VERSION}});
        assert_failure(&bed, TLS_ALERT, ciphers[i]);
        assert_int_equal(tls_failure(bed.tls).alert, 40);
        bed_close(&bed);
    }
}

static void test_curves(void **state)
{
    static const char *const groups[] = {"X25519", "P-256", "P-384", "P-521"};

    (void)state;
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        struct bed bed;

        handshake(&bed, &(struct bed_spec){.server = {.groups = groups[i]}});
        assert_open(&bed, groups[i]);
        bed_close(&bed);
    }
}

static void test_versions(void **state)
{
    struct bed bed;

    (void)state;
    handshake(&bed, &(struct bed_spec){.server = {.version = TLS1_3_VERSION}});
    assert_failure(&bed, TLS_ALERT, "TLS 1.3 only");
    assert_int_equal(tls_failure(bed.tls).alert, 70);
    assert_non_null(strstr(tls_failure(bed.tls).sentence, "most likely 1.3"));
    bed_close(&bed);

    handshake(&bed, &(struct bed_spec){.server = {.version = TLS1_1_VERSION}});
    assert_failure(&bed, TLS_ALERT, "TLS 1.1 only");
    assert_non_null(strstr(tls_failure(bed.tls).sentence, "--tls-legacy"));
    bed_close(&bed);

    handshake(&bed, &(struct bed_spec){.server = {.version = 0}});
    assert_open(&bed, "up to TLS 1.3");
    bed_close(&bed);
}

static void test_server_name(void **state)
{
    static const struct {
        const char *host, *sent;
    } rows[] = {
        {"a.test", "a.test"},
        {"A.TEST.", "a.test"},
        {"127.0.0.1", NULL},
        {"::1", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *name;
        struct bed bed;

        handshake(&bed, &(struct bed_spec){.host = rows[i].host});
        assert_open(&bed, rows[i].host);
        name = SSL_get_servername(bed.server.ssl, TLSEXT_NAMETYPE_host_name);
        if (rows[i].sent == NULL)
            assert_null(name);
        else
            assert_string_equal(name, rows[i].sent);
        bed_close(&bed);
    }
}

static void test_alpn(void **state)
{
    static const char *const rows[][2] = {{"http/1.1", "http/1.1"}, {"h2", ""}, {NULL, ""}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bed bed;

        handshake(&bed, &(struct bed_spec){.server = {.alpn = rows[i][0]}});
        assert_open(&bed, rows[i][1]);
        assert_true(span_equal(tls_facts(bed.tls).alpn, span_of(rows[i][1])));
        bed_close(&bed);
    }
}

/* The ClientHello, field by field: what it offers, what it leaves out, and that only the seed makes
 * it differ. */
static void test_client_hello(void **state)
{
    static const uint16_t aes[] = {0xc02b, 0xc02f, 0xc02c, 0xc030}, chacha[] = {0xcca9, 0xcca8};
    struct bed bed, again, other;
    const unsigned char *hello, *at, *end;
    unsigned suites;

    (void)state;
    bed_open(&bed, &(struct bed_spec){.seed = 1});
    bed_open(&again, &(struct bed_spec){.seed = 1});
    bed_open(&other, &(struct bed_spec){.seed = 2});
    assert_true(span_equal(tls_wire_out(bed.tls), tls_wire_out(again.tls)));
    assert_false(span_equal(tls_wire_out(bed.tls), tls_wire_out(other.tls)));

    hello = (const unsigned char *)tls_wire_out(bed.tls).bytes;
    end = hello + tls_wire_out(bed.tls).length;
    assert_int_equal(hello[9] << 8 | hello[10], 0x0303); /* client_version */
    at = hello + 11 + 32 + 1;                            /* random, no session id */
    suites = (unsigned)(at[0] << 8 | at[1]) / 2;
    at += 2;
    /* The renegotiation SCSV is among them. */
    assert_true(suites == 6 || suites == 7);
    for (unsigned i = 0, a = 0, c = 0; i < suites; i++, at += 2) {
        uint16_t suite = (uint16_t)(at[0] << 8 | at[1]);

        if (suite >> 8 == 0xc0)
            assert_int_equal(suite, aes[a++]);
        else if (suite != 0x00ff)
            assert_int_equal(suite, chacha[c++]);
    }
    assert_int_equal(at[0] << 8 | at[1], 0x0100); /* no compression */
    for (at += 4; at < end; at += 4 + (at[2] << 8 | at[3])) {
        assert_int_not_equal(at[0] << 8 | at[1], 1); /* max_fragment_length */
        if ((at[0] << 8 | at[1]) == 10)              /* supported_groups: x25519 first */
            assert_memory_equal(at + 6, "\0\x1d\0\x17\0\x18\0\x19", at[3] - 2u);
    }
    assert_ptr_equal(at, end);
    bed_close(&bed);
    bed_close(&again);
    bed_close(&other);
}

static void test_key_log(void **state)
{
    char lines[TLS_KEYLOG_BYTES];
    struct bed bed;

    (void)state;
    handshake(&bed, &(struct bed_spec){.server = {.version = TLS1_2_VERSION}});
    assert_open(&bed, "key log");
    assert_int_equal(tls_key_log(bed.tls, lines), TLS_KEYLOG_LINE_BYTES);
    assert_int_equal(strlen(bed.server.key_log), TLS_KEYLOG_LINE_BYTES);
    assert_memory_equal(lines, bed.server.key_log, sizeof("CLIENT_RANDOM ") - 1);
    assert_int_equal(strncasecmp(lines, bed.server.key_log, TLS_KEYLOG_LINE_BYTES), 0);
    bed_close(&bed);
}

static void test_size(void **state)
{
    (void)state;
    assert_in_range(tls_size(), 16384, 26000);
    assert_in_range(tls_chain_size(), VERIFY_CHAIN_BYTES_MAX, VERIFY_CHAIN_BYTES_MAX + 1024);
}

/* --- deliveries ----------------------------------------------------------------------------- */

static void test_cuts(void **state)
{
    static const size_t cuts[] = {1, 2, 5, 6, 1000, 16384};

    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct bed bed;

        handshake(&bed, &(struct bed_spec){.cut = cuts[i]});
        assert_open(&bed, "cut");
        exchange(&bed, cuts[i] < 10 ? 2000 : 50000);
        bed_close(&bed);
    }
}

static void test_bulk(void **state)
{
    static const char *const ciphers[] = {"AES128", "AES256", "CHACHA20"};

    (void)state;
    for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
        struct bed bed;

        handshake(&bed,
                  &(struct bed_spec){.server = {.ciphers = ciphers[i], .version = TLS1_2_VERSION},
                                     .cut = 40000});
        bed.random = 7;
        assert_open(&bed, ciphers[i]);
        exchange(&bed, (i == 0 ? 16u : 2u) << 20);
        bed_close(&bed);
    }
}

/* Records what a server sends in a handshake and after it, ends with its close_notify. The same
 * seed makes the same client, for which the record can be played again. */
static void record_make(struct bed *bed, const struct bed_spec *spec, size_t *ret_flight)
{
    bed_open(bed, spec);
    bed->record = malloc(RECORD_BYTES_MAX);
    assert_non_null(bed->record);
    pump(bed);
    assert_open(bed, "record");
    *ret_flight = bed->record_length;
    exchange(bed, 100);
    SSL_shutdown(bed->server.ssl);
    pump(bed);
    assert_int_equal(tls_state(bed->tls), TLS_CLOSED);
}

static void replay_feed(struct bed *bed, struct span wire)
{
    bool moves = true;

    while (moves) {
        size_t taken = tls_wire_in(bed->tls, wire);

        wire = (struct span){wire.bytes + taken, wire.length - taken};
        plain_take(bed);
        moves = taken > 0 && wire.length > 0;
        while (client_to_server(bed))
            moves = wire.length > 0;
    }
}

static void replay_open(struct bed *bed, const struct bed_spec *spec)
{
    *bed = (struct bed){.is_replay = true};
    client_open(bed, spec);
    while (client_to_server(bed))
        ;
}

static void test_cut_at_each_byte(void **state)
{
    struct bed_spec spec = {.config = config_open(&(struct tls_options){.verdict_count = 4})};
    struct bed recorded;
    size_t flight;

    (void)state;
    record_make(&recorded, &spec, &flight);
    for (size_t cut = 0; cut <= recorded.record_length; cut++) {
        struct span head = {recorded.record, cut};
        struct span tail = {recorded.record + cut, recorded.record_length - cut};
        struct bed bed;

        replay_open(&bed, &spec);
        replay_feed(&bed, head);
        assert_int_equal(tls_state(bed.tls), cut < flight                    ? TLS_HANDSHAKE
                                             : cut == recorded.record_length ? TLS_CLOSED
                                                                             : TLS_OPEN);
        replay_feed(&bed, tail);
        assert_int_equal(tls_state(bed.tls), TLS_CLOSED);
        assert_int_equal(bed.client_got, 100);
        client_close(&bed);
    }
    bed_close(&recorded);
    tls_config_close(spec.config);
}

/* The end of the connection, after each byte. */
static void test_end_at_each_byte(void **state)
{
    struct bed_spec spec = {.config = config_open(&(struct tls_options){.verdict_count = 4})};
    struct bed recorded;
    size_t flight;

    (void)state;
    record_make(&recorded, &spec, &flight);
    for (size_t end = 0; end <= recorded.record_length; end++) {
        struct bed bed;

        replay_open(&bed, &spec);
        replay_feed(&bed, (struct span){recorded.record, end});
        tls_wire_end(bed.tls);
        if (end < recorded.record_length)
            assert_failure(&bed, end < flight ? TLS_HANDSHAKE_CUT : TLS_TRUNCATED, "end");
        else
            assert_int_equal(tls_state(bed.tls), TLS_CLOSED);
        assert_true(tls_config_has_chain(spec.config));
        client_close(&bed);
    }
    bed_close(&recorded);
    tls_config_close(spec.config);
}

/* No bit of the handshake can be changed without its failing. */
static void test_flip_each_byte(void **state)
{
    struct bed_spec spec = {.config = config_open(&(struct tls_options){.verdict_count = 4})};
    struct bed recorded;
    size_t flight;

    (void)state;
    record_make(&recorded, &spec, &flight);
    for (size_t at = 0; at < recorded.record_length; at++) {
        char bit = (char)(1 << at % 8);
        struct bed bed;

        recorded.record[at] ^= bit;
        replay_open(&bed, &spec);
        replay_feed(&bed, (struct span){recorded.record, recorded.record_length});
        tls_wire_end(bed.tls);
        if (tls_state(bed.tls) != TLS_FAILED || (at < flight && bed.client_got > 0))
            fail_msg("byte %zu of %zu can be changed", at, recorded.record_length);
        client_close(&bed);
        recorded.record[at] ^= bit;
    }
    bed_close(&recorded);
    tls_config_close(spec.config);
}

/* --- ends ----------------------------------------------------------------------------------- */

static void test_close_by_client(void **state)
{
    struct bed bed;
    char byte;

    (void)state;
    handshake(&bed, &(struct bed_spec){.cut = 0});
    assert_open(&bed, "close");
    /* with a record that is not sent yet, and bytes of the server on their way */
    assert_int_equal(tls_plain_in(bed.tls, (struct span){(char[]){stream_byte(0)}, 1}), 1);
    assert_int_equal(SSL_write(bed.server.ssl, "dropped", 7), 7);
    tls_close(bed.tls);
    assert_int_equal(tls_state(bed.tls), TLS_CLOSING);
    assert_int_equal(tls_plain_in(bed.tls, SPAN("refused")), 0);
    pump(&bed);
    assert_int_equal(bed.server_got, 1);
    assert_int_equal(bed.client_got, 0);
    assert_int_equal(SSL_read(bed.server.ssl, &byte, 1), 0);
    assert_int_equal(SSL_get_shutdown(bed.server.ssl) & SSL_RECEIVED_SHUTDOWN,
                     SSL_RECEIVED_SHUTDOWN);
    assert_int_equal(tls_state(bed.tls), TLS_CLOSING);
    SSL_shutdown(bed.server.ssl);
    pump(&bed);
    assert_int_equal(tls_state(bed.tls), TLS_CLOSED);
    tls_wire_end(bed.tls);
    assert_int_equal(tls_state(bed.tls), TLS_CLOSED);
    bed_close(&bed);
}

static void test_close_with_plain_waiting(void **state)
{
    struct bed bed;
    char *wire;
    long length;

    (void)state;
    handshake(&bed, &(struct bed_spec){.cut = 0});
    assert_open(&bed, "close");
    SSL_write(bed.server.ssl, "waits", 5);
    SSL_shutdown(bed.server.ssl);
    length = BIO_get_mem_data(bed.server.out, &wire);
    assert_in_range(tls_wire_in(bed.tls, (struct span){wire, (size_t)length}), 1, length - 1);
    assert_true(span_equal(tls_plain_out(bed.tls), SPAN("waits")));
    tls_wire_end(bed.tls);
    assert_true(span_equal(tls_plain_out(bed.tls), SPAN("waits")));
    assert_failure(&bed, TLS_TRUNCATED, "FIN before the close_notify was read");
    bed_close(&bed);

    handshake(&bed, &(struct bed_spec){.cut = 0});
    SSL_write(bed.server.ssl, "waits", 5);
    SSL_write(bed.server.ssl, "follows", 7);
    SSL_shutdown(bed.server.ssl);
    length = BIO_get_mem_data(bed.server.out, &wire);
    assert_true(tls_wire_in(bed.tls, (struct span){wire, (size_t)length}) < (size_t)length);
    tls_close(bed.tls);
    assert_int_equal(tls_plain_out(bed.tls).length, 0);
    bed_close(&bed);
}

static void test_failure_while_sending(void **state)
{
    struct bed bed;
    struct span wire;

    (void)state;
    handshake(&bed, &(struct bed_spec){.cut = 0});
    assert_open(&bed, "sending");
    assert_int_equal(tls_plain_in(bed.tls, SPAN("on its way")), strlen("on its way"));
    wire = tls_wire_out(bed.tls);
    tls_wire_in(bed.tls, SPAN("\x16\x03\x02\x00\x01"));
    assert_failure(&bed, TLS_RECORD_VERSION, "another version");
    tls_wire_sent(bed.tls, wire.length);
    assert_failure(&bed, TLS_RECORD_VERSION, "sent after all");
    bed_close(&bed);
}

static void test_renegotiation_refused(void **state)
{
    struct bed bed;
    char byte;

    (void)state;
    handshake(&bed, &(struct bed_spec){.server = {.version = TLS1_2_VERSION}});
    assert_open(&bed, "renegotiation");
    exchange(&bed, 100);
    assert_int_equal(SSL_renegotiate(bed.server.ssl), 1);
    ERR_clear_error();
    SSL_do_handshake(bed.server.ssl);
    assert_true(server_to_client(&bed));
    assert_int_equal(tls_state(bed.tls), TLS_OPEN);
    assert_true(client_to_server(&bed));
    ERR_clear_error();
    assert_int_equal(SSL_read(bed.server.ssl, &byte, 1), -1);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    assert_int_equal(tls_state(bed.tls), TLS_OPEN);
    assert_true(tls_was_asked_again(bed.tls));
    server_to_client(&bed); /* its handshake_failure */
    assert_failure(&bed, TLS_RENEGOTIATION_ASKED, "asked for a renegotiation");
    bed_close(&bed);
}

/* Wherever a record is cut, it is known to be one; and its last five bytes, which may come alone
 * and begin with anything, are no header that asks for a renegotiation. */
static void test_records_cut(void **state)
{
    enum { RECORDS_MAX = 100000, HEADER = 5 };
    struct bed bed;
    bool has_met = false;

    (void)state;
    handshake(&bed, &(struct bed_spec){.server = {.version = TLS1_2_VERSION}});
    exchange(&bed, 100);
    for (int i = 0; i < RECORDS_MAX && !has_met; i++) {
        char wire[100];
        assert_int_equal(SSL_write(bed.server.ssl, "a", 1), 1);
        size_t length = (size_t)BIO_read(bed.server.out, wire, sizeof(wire));
        assert_in_range(length, 2 * HEADER, sizeof(wire) - 1);
        has_met = wire[length - HEADER] == 22; /* the type of the handshake's records */
        size_t head = has_met ? length - HEADER : 1 + (size_t)i % (length - 1);
        assert_false(tls_is_inside_record(bed.tls));
        assert_int_equal(tls_wire_in(bed.tls, (struct span){wire, head}), head);
        assert_true(tls_is_inside_record(bed.tls));
        tls_wire_in(bed.tls, (struct span){wire + head, length - head});
        assert_int_equal(tls_plain_out(bed.tls).length, 1);
        tls_plain_taken(bed.tls, 1);
        assert_false(tls_was_asked_again(bed.tls));
    }
    assert_true(has_met);
    bed_close(&bed);
}

/* --- servers that are none ------------------------------------------------------------------ */

/* The first bytes from a server, in hexadecimal. */
static size_t wire_of(const char *hex, unsigned char *wire)
{
    size_t length = 0;

    for (; *hex != '\0'; hex++) {
        if (*hex == ' ')
            continue;
        wire[length++] = (unsigned char)(ascii_hex_value(hex[0]) << 4 | ascii_hex_value(hex[1]));
        hex++;
    }
    return length;
}

#define RANDOM32 "00010203040506070809 00010203040506070809 00010203040506070809 0001"
#define ID33 RANDOM32 "ff"

static const struct {
    const char *what, *wire;
    enum tls_error error;
} first_bytes[] = {
    {"HTTP", "485454502f312e3120343030", TLS_NOT_TLS},
    {"application data", "17 0303 0001 00", TLS_NOT_TLS},
    {"zeros", "00 0000 0000", TLS_NOT_TLS},
    {"SSH", "5353482d322e30", TLS_NOT_TLS},
    {"record version 2", "16 0200 0001", TLS_VERSION},
    {"record too long", "16 0303 4001", TLS_RECORD_LENGTH},
    {"ClientHello", "16 0303 0004 01 000000", TLS_UNEXPECTED},
    {"Certificate first", "16 0303 0007 0b 000003 000000", TLS_UNEXPECTED},
    {"ChangeCipherSpec first", "16 0303 0000 14 0303 0001 01", TLS_UNEXPECTED},
    {"unknown record", "16 0303 0000 63 0303 0001 01", TLS_UNEXPECTED},
    {"versions differ", "16 0303 0000 16 0302 0001 02", TLS_RECORD_VERSION},
    {"empty ServerHello", "16 0303 0004 02 000000", TLS_HANDSHAKE_FORM},
    {"ServerHello too short", "16 0303 0006 02 000002 0303", TLS_HANDSHAKE_FORM},
    {"TLS 1.1", "16 0302 002a 02 000026 0302" RANDOM32 "00 c02b 00", TLS_VERSION},
    {"TLS 1.3", "16 0304 002a 02 000026 0304" RANDOM32 "00 c02b 00", TLS_VERSION},
    {"long session id", "16 0303 004b 02 000047 0303" RANDOM32 "21" ID33 "c02b 00", TLS_SESSION_ID},
    {"suite of RSA", "16 0303 002a 02 000026 0303" RANDOM32 "00 009c 00", TLS_SUITE},
    {"suite of TLS 1.3", "16 0303 002a 02 000026 0303" RANDOM32 "00 1301 00", TLS_SUITE},
    {"compression", "16 0303 002a 02 000026 0303" RANDOM32 "00 c02b 01", TLS_COMPRESSION},
    {"an extension not offered", "16 0303 0030 02 00002c 0303" RANDOM32 "00 c02b 00 0004 002b0000",
     TLS_EXTENSION},
    {"an extension twice",
     "16 0303 0036 02 000032 0303" RANDOM32 "00 c02b 00 000a ff01000100 ff01000100", TLS_EXTENSION},
    {"renegotiation of something",
     "16 0303 0032 02 00002e 0303" RANDOM32 "00 c02b 00 0006 ff0100020161", TLS_RENEGOTIATION},
    {"server name with a value",
     "16 0303 0031 02 00002d 0303" RANDOM32 "00 c02b 00 0005 0000000161", TLS_SERVER_NAME},
    {"fragment length not asked for",
     "16 0303 0031 02 00002d 0303" RANDOM32 "00 c02b 00 0005 0001000101", TLS_EXTENSION},
    {"no certificates",
     "16 0303 002a 02 000026 0303" RANDOM32 "00 c02b 00 16 0303 0007 0b 000003 000000",
     TLS_UNEXPECTED},
    {"a certificate of one byte",
     "16 0303 002a 02 000026 0303" RANDOM32 "00 c02b 00"
     "16 0303 000b 0b 000007 000004 000001 30",
     TLS_CERTIFICATE},
    {"certificates longer than their message",
     "16 0303 002a 02 000026 0303" RANDOM32 "00 c02b 00"
     "16 0303 000b 0b 000007 000005 000001 30",
     TLS_HANDSHAKE_FORM},
    {"Finished for a Certificate",
     "16 0303 002a 02 000026 0303" RANDOM32 "00 c02b 00 16 0303 0004 14 000000", TLS_UNEXPECTED},
    {"close_notify", "15 0303 0002 01 00", TLS_HANDSHAKE_CUT},
    {"an alert in two records", "15 0303 0001 02 15 0303 0001 28", TLS_ALERT},
};

static void test_first_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(first_bytes) / sizeof(first_bytes[0]); i++) {
        unsigned char wire[200];
        size_t length = wire_of(first_bytes[i].wire, wire);

        for (size_t cut = 0; cut < length; cut++) {
            struct bed bed;

            replay_open(&bed, &(struct bed_spec){.seed = 1});
            replay_feed(&bed, (struct span){(char *)wire, cut});
            replay_feed(&bed, (struct span){(char *)wire + cut, length - cut});
            assert_failure(&bed, first_bytes[i].error, first_bytes[i].what);
            client_close(&bed);
        }
    }
}

static void test_alerts(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 256; number++) {
        unsigned char fatal[] = {21, 3, 3, 0, 2, 2, (unsigned char)number};
        unsigned char warning[] = {21, 3, 3, 0, 2, 1, (unsigned char)number};
        char mark[32];
        struct bed bed;

        replay_open(&bed, &(struct bed_spec){.seed = 1});
        replay_feed(&bed, (struct span){(char *)fatal, sizeof(fatal)});
        assert_failure(&bed, TLS_ALERT, "fatal alert");
        assert_int_equal(tls_failure(bed.tls).alert, number);
        snprintf(mark, sizeof(mark), "alert %u (", number);
        assert_true(strstr(tls_failure(bed.tls).sentence, mark) != NULL ||
                    strcmp(tls_failure(bed.tls).sentence, tls_sentence(TLS_ALERT)) == 0);
        client_close(&bed);

        replay_open(&bed, &(struct bed_spec){.seed = 1});
        replay_feed(&bed, (struct span){(char *)warning, sizeof(warning)});
        if (number == 0)
            assert_failure(&bed, TLS_HANDSHAKE_CUT, "close_notify");
        else if (number == 100)
            assert_failure(&bed, TLS_ALERT, "no_renegotiation");
        else
            assert_int_equal(tls_state(bed.tls), TLS_HANDSHAKE);
        client_close(&bed);
    }
}

static void test_sentences(void **state)
{
    (void)state;
    for (unsigned error = TLS_OK; error <= TLS_KEY_MISMATCH; error++) {
        size_t length = strlen(tls_sentence(error));

        assert_in_range(length, 8, 200);
        assert_int_not_equal(tls_sentence(error)[length - 1], '.');
    }
    assert_string_equal(tls_sentence(TLS_KEY_MISMATCH + 1), tls_sentence(TLS_INTERNAL));
}

/* --- certificates --------------------------------------------------------------------------- */

static void verdict_row(const struct bed_spec *spec, enum verify_verdict verdict)
{
    struct bed_spec insecure = *spec;
    struct bed bed;

    handshake(&bed, spec);
    if (verdict == VERIFY_OK) {
        assert_open(&bed, "trusted");
    } else {
        assert_failure(&bed, TLS_CERTIFICATE, verify_sentence(verdict));
        assert_string_equal(tls_failure(bed.tls).sentence, verify_sentence(verdict));
        assert_int_equal(tls_failure(bed.tls).verdict, verdict);
    }
    bed_close(&bed);

    insecure.client.is_insecure = true;
    handshake(&bed, &insecure);
    assert_open(&bed, "insecure");
    assert_int_equal(tls_facts(bed.tls).verdict, verdict);
    assert_int_equal(tls_facts(bed.tls).is_verified, verdict == VERIFY_OK);
    bed_close(&bed);
}

static void test_verdicts(void **state)
{
    static const int64_t day = CERTS_DAY_S, now = CERTS_NOW_S;
    struct certs_spec late = {.common_name = "a", .alt_names = "DNS:a.test", .key = "P-256"};
    struct certs_pair pair;

    (void)state;
    verdict_row(&(struct bed_spec){.host = "a.test"}, VERIFY_OK);
    verdict_row(&(struct bed_spec){.host = "b.test"}, VERIFY_HOST);
    verdict_row(&(struct bed_spec){.host = "127.0.0.2"}, VERIFY_HOST);
    verdict_row(&(struct bed_spec){.now_s = now + 2 * day}, VERIFY_EXPIRED);
    verdict_row(&(struct bed_spec){.now_s = now - 2 * day}, VERIFY_NOT_YET_VALID);

    pair = certs_make(&late, NULL);
    verdict_row(&(struct bed_spec){.server = {.pair = &pair}}, VERIFY_SELF_SIGNED);
    certs_free(&pair);
    pair = certs_make(&late, &client_root);
    verdict_row(&(struct bed_spec){.server = {.pair = &pair}}, VERIFY_SIGNATURE);
    certs_free(&pair);
}

/* More than is taken from a server: said so, and survived where it does not count. */
static void test_too_many_and_too_large(void **state)
{
    struct certs_spec large = {.common_name = "large", .key = "P-256", .padding_bytes = 40000};
    struct certs_pair pair = certs_make(&large, &root);
    struct bed_spec spec = {.cut = 0};

    (void)state;
    spec.server.extra[0] = pair.certificate;
    verdict_row(&spec, VERIFY_OK);
    spec.server.extra[1] = pair.certificate;
    verdict_row(&spec, VERIFY_TOO_LARGE);
    for (size_t i = 0; i < VERIFY_CHAIN_MAX - 1; i++)
        spec.server.extra[i] = root.certificate;
    verdict_row(&spec, VERIFY_OK);
    for (size_t i = VERIFY_CHAIN_MAX - 1; i < TLS_SERVER_EXTRA_MAX - 1; i++)
        spec.server.extra[i] = root.certificate;
    verdict_row(&spec, VERIFY_TOO_MANY);
    certs_free(&pair);
}

static size_t length_at(const char *bytes, size_t count)
{
    size_t length = 0;

    while (count-- > 0)
        length = length << 8 | (unsigned char)*bytes++;
    return length;
}

/* Takes so much of the server's flight, in records of so many bytes, with a warning before each. */
static void reframe_feed(struct bed *bed, const char *messages, size_t length, size_t record_bytes)
{
    static const char warning[] = {21, 3, 3, 0, 2, 1, 112};

    for (size_t at = 0; at < length; at += record_bytes) {
        size_t left = length - at < record_bytes ? length - at : record_bytes;
        char record[5 + 256] = {22, 3, 3, (char)(left >> 8), (char)left};

        assert_int_equal(tls_state(bed->tls), TLS_HANDSHAKE);
        assert_true(left <= 256);
        memcpy(record + 5, messages + at, left);
        tls_wire_in(bed->tls, (struct span){warning, sizeof(warning)});
        tls_wire_in(bed->tls, (struct span){record, 5 + left});
    }
}

/* wait: how many bytes of the certificates' message come after its length, until it is refused. */
static void size_row(unsigned padding_bytes, size_t extra, size_t wait)
{
    static const size_t record_bytes[] = {1, 2, 3, 5, 7, 256};
    struct certs_spec large = {
        .common_name = "large", .key = "P-256", .padding_bytes = padding_bytes};
    struct certs_pair pair = certs_make(&large, &root);
    struct bed_spec spec = {.server = {.version = TLS1_2_VERSION, .pair = &pair}};

    for (size_t i = 0; i < extra; i++)
        spec.server.extra[i] = pair.certificate;
    for (size_t i = 0; i < sizeof(record_bytes) / sizeof(record_bytes[0]); i++) {
        char messages[512], *wire;
        size_t hello, length;
        struct bed bed;

        bed_open(&bed, &spec);
        while (client_to_server(&bed))
            ;
        server_read(&bed);
        assert_true(BIO_get_mem_data(bed.server.out, &wire) > 1000);
        hello = length_at(wire + 3, 2);
        length = hello + 4 + wait;
        assert_true(length < sizeof(messages));
        memcpy(messages, wire + 5, hello);
        memcpy(messages + hello, wire + 5 + hello + 5, 4 + wait);
        assert_int_equal(messages[hello], 11);
        reframe_feed(&bed, messages, length - 1, record_bytes[i]);
        assert_int_equal(tls_state(bed.tls), TLS_HANDSHAKE);
        reframe_feed(&bed, messages + length - 1, 1, 1);
        assert_failure(&bed, TLS_CERTIFICATE, "too large");
        assert_int_equal(tls_failure(bed.tls).verdict, VERIFY_TOO_LARGE);
        assert_true(tls_config_has_chain(bed.config));
        bed_close(&bed);
    }
    certs_free(&pair);
}

/* Nothing is received in vain. */
static void test_too_large_at_its_length(void **state)
{
    (void)state;
    size_row(60000, 1, 0);
    size_row(40000, TLS_SERVER_EXTRA_MAX - 1, 0);
    /* the message is no larger than certificates may be, but the first of them is */
    size_row(VERIFY_CHAIN_BYTES_MAX - 250, 0, 6);
}

static void test_pins(void **state)
{
    unsigned char pins[3][TLS_PIN_BYTES] = {{1}, {2}};
    static const char *const kinds[] = {"P-256", "2048"};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct bed_spec spec = {.key = kinds[i]};
        struct bed bed;

        spec.client.pins = (const unsigned char(*)[TLS_PIN_BYTES])pins;
        certs_pin(leaf(kinds[i])->certificate, pins[2]);
        for (size_t count = 0; count <= 3; count++) {
            for (int insecure = 0; insecure < 2; insecure++) {
                spec.client.pin_count = count;
                spec.client.is_insecure = insecure;
                handshake(&bed, &spec);
                if (count == 0 || count == 3)
                    assert_open(&bed, "pinned");
                else
                    assert_failure(&bed, TLS_PIN, "not pinned");
                bed_close(&bed);
            }
        }
    }
}

/* A verdict that is remembered holds for its host and until its end, and a refusal for a short
 * while: so long a certificate is not valid yet that has become so. */
static void test_verdicts_remembered(void **state)
{
    static const struct {
        const char *host;
        int64_t later_s;
        bool opens;
    } rows[] = {
        {"127.0.0.1", -CERTS_DAY_S - 1, false},
        {"127.0.0.1", -CERTS_DAY_S, false},
        {"a.test", -CERTS_DAY_S, true},
        {"127.0.0.1", -CERTS_DAY_S - 1 + VERIFY_REFUSAL_S, false},
        {"127.0.0.1", -CERTS_DAY_S + VERIFY_REFUSAL_S, true},
        {"127.0.0.1", -CERTS_DAY_S, true},
        {"b.test", 0, false},
        {"a.test", 0, true},
        {"a.test", 1, true},
        {"b.test", 0, false},
        {"127.0.0.1", 0, true},
        {"a.test", CERTS_DAY_S + 1, false},
        {"a.test", -CERTS_DAY_S - 1, false},
        {"A.test.", CERTS_DAY_S, true},
    };
    struct tls_config *config = config_open(&(struct tls_options){.verdict_count = 2});

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bed bed;

        handshake(&bed, &(struct bed_spec){.config = config,
                                           .host = rows[i].host,
                                           .now_s = CERTS_NOW_S + rows[i].later_s});
        if (rows[i].opens)
            assert_open(&bed, rows[i].host);
        else
            assert_failure(&bed, TLS_CERTIFICATE, rows[i].host);
        bed_close(&bed);
    }
    tls_config_close(config);
}

static void test_chains_are_lent(void **state)
{
    struct tls_config *config = config_open(&(struct tls_options){.chain_count = 1});
    struct bed_spec spec = {.config = config, .server = {.version = TLS1_2_VERSION}};
    struct bed first, second;

    (void)state;
    bed_open(&first, &spec);
    bed_open(&second, &spec);
    assert_true(tls_config_has_chain(config));
    first.cut = 100;
    client_to_server(&first);
    client_to_server(&first);
    client_to_server(&first);
    server_read(&first);
    assert_true(server_to_client(&first));
    assert_false(tls_config_has_chain(config));

    pump(&second);
    assert_true(tls_is_waiting(second.tls));
    assert_int_equal(tls_state(second.tls), TLS_HANDSHAKE);
    pump(&first);
    assert_open(&first, "the one that holds the chain");
    assert_true(tls_config_has_chain(config));
    pump(&second);
    assert_false(tls_is_waiting(second.tls));
    assert_open(&second, "the one that waited");
    bed_close(&first);
    bed_close(&second);

    bed_open(&first, &spec);
    assert_int_equal(tls_wire_in(first.tls, SPAN("\x16\x03\x03")), 0);
    assert_true(client_to_server(&first));
    assert_int_equal(tls_wire_in(first.tls, SPAN("\x16\x03\x03")), 3);
    assert_false(tls_config_has_chain(config));
    bed_close(&first);
    assert_true(tls_config_has_chain(config));
    tls_config_close(config);
}

/* --- sessions ------------------------------------------------------------------------------- */

static void session_take(struct bed *bed, const struct bed_spec *spec,
                         struct tls_session *ret_session)
{
    bed_open(bed, spec);
    assert_false(tls_get_session(bed->tls, ret_session));
    pump(bed);
    assert_open(bed, "first");
    assert_true(tls_get_session(bed->tls, ret_session));
}

static void test_resumption(void **state)
{
    static const char *const kinds[] = {"P-256", "2048"};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct bed_spec spec = {.key = kinds[i], .server = {.version = TLS1_2_VERSION}};
        struct tls_session session, renewed;
        struct bed first, second;

        session_take(&first, &spec, &session);
        spec.session = &session;
        spec.again = &first.server;
        spec.cut = i;
        handshake(&second, &spec);
        assert_open(&second, "resumed");
        assert_true(tls_facts(second.tls).is_resumed && tls_facts(second.tls).is_verified);
        assert_true(SSL_session_reused(second.server.ssl));
        assert_true(tls_get_session(second.tls, &renewed));
        assert_memory_equal(renewed.id, session.id, session.id_length);
        exchange(&second, 20000);
        bed_close(&second);

        /* a session that ends before the time is not offered */
        spec.now_s = session.not_after_s + 1;
        handshake(&second, &spec);
        assert_failure(&second, TLS_CERTIFICATE, "expired session");
        bed_close(&second);

        /* another secret: the server's Finished cannot match */
        spec.now_s = 0;
        session.master_secret[0] ^= 1;
        handshake(&second, &spec);
        assert_int_equal(tls_state(second.tls), TLS_FAILED);
        bed_close(&second);
        bed_close(&first);
    }
}

/* How long a session may be resumed for: the end of each certificate of its path counts, and a day
 * in any case; a connection that resumes it at half its time prolongs nothing. */
static const struct lifetime {
    const char *name;
    int64_t root_s, issuer_s, leaf_s; /* from now on, as all times here */
    int64_t last_s;                   /* when it may be resumed for the last time */
    enum verify_verdict verdict;      /* of the full handshake a second later */
    const char *host;                 /* NULL: the certificate's */
    bool is_insecure;
} lifetimes[] = {
    {"the issuer", 9 * CERTS_DAY_S, 3600, 7200, 3600, VERIFY_EXPIRED, NULL, false},
    {"the server's own", 9 * CERTS_DAY_S, 7200, 3600, 3600, VERIFY_EXPIRED, NULL, false},
    {"the root", 3600, 7200, 7200, 3600, VERIFY_EXPIRED, NULL, false},
    {"a day", 9 * CERTS_DAY_S, 5 * CERTS_DAY_S, 6 * CERTS_DAY_S, CERTS_DAY_S, VERIFY_OK, NULL,
     false},
    {"a verdict that was good, though none counts", 9 * CERTS_DAY_S, 3600, 7200, 3600,
     VERIFY_EXPIRED, NULL, true},
    {"a bad one, where dates count no more than names", 9 * CERTS_DAY_S, 3600, 3600, CERTS_DAY_S,
     VERIFY_EXPIRED, "b.test", true},
};

struct lifetime_chain {
    struct certs_pair root, issuer, leaf;
};

static struct lifetime_chain lifetime_chain_make(const struct lifetime *row)
{
    struct certs_spec spec = {.common_name = row->name,
                              .key = "P-256",
                              .not_after_s = CERTS_NOW_S + row->root_s,
                              .is_ca = true};
    struct lifetime_chain chain;

    chain.root = certs_make(&spec, NULL);
    trust_add(chain.root.certificate);
    spec.common_name = "an issuer";
    spec.not_after_s = CERTS_NOW_S + row->issuer_s;
    chain.issuer = certs_make(&spec, &chain.root);
    spec.common_name = "a.test";
    spec.alt_names = "DNS:a.test";
    spec.not_after_s = CERTS_NOW_S + row->leaf_s;
    spec.is_ca = false;
    chain.leaf = certs_make(&spec, &chain.issuer);
    return chain;
}

/* One more connection, so much later, offers the session, and keeps the one that it has then. */
static void lifetime_step(struct bed_spec *spec, const struct lifetime *row, int64_t later_s,
                          struct tls_session *session)
{
    bool is_resumed = later_s >= 0 && later_s <= row->last_s;
    struct bed bed;

    spec->now_s = CERTS_NOW_S + later_s;
    spec->session = session;
    handshake(&bed, spec);
    if (is_resumed || row->verdict == VERIFY_OK || row->is_insecure) {
        assert_open(&bed, row->name);
        assert_int_equal(tls_facts(bed.tls).is_resumed, is_resumed);
        assert_true(!is_resumed || tls_get_session(bed.tls, session));
    } else {
        assert_failure(&bed, TLS_CERTIFICATE, row->name);
    }
    if (later_s > row->last_s)
        assert_int_equal(tls_facts(bed.tls).verdict, row->verdict);
    bed_close(&bed);
}

static void lifetime_row(const struct lifetime *row, const struct lifetime_chain *chain,
                         size_t verdict_count)
{
    struct tls_options options = {.verdict_count = verdict_count, .is_insecure = row->is_insecure};
    struct bed_spec spec = {
        .config = config_open(&options),
        .host = row->host,
        .server = {.version = TLS1_2_VERSION,
                   .pair = &chain->leaf,
                   .extra = {chain->issuer.certificate}},
    };
    struct tls_session session;
    struct bed first;

    session_take(&first, &spec, &session);
    if (verdict_count > 0) { /* once more, by a verdict that is remembered */
        bed_close(&first);
        session_take(&first, &spec, &session);
    }
    spec.again = &first.server;
    lifetime_step(&spec, row, row->last_s / 2, &session);
    lifetime_step(&spec, row, row->last_s, &session);
    lifetime_step(&spec, row, row->last_s + 1, &session);
    bed_close(&first);
    tls_config_close(spec.config);
}

static void test_session_lifetimes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lifetimes) / sizeof(lifetimes[0]); i++) {
        struct lifetime_chain chain = lifetime_chain_make(&lifetimes[i]);

        lifetime_row(&lifetimes[i], &chain, 0);
        lifetime_row(&lifetimes[i], &chain, 4);
        certs_free(&chain.root);
        certs_free(&chain.issuer);
        certs_free(&chain.leaf);
    }
}

/* A clock that was set back would otherwise make a session live for longer. */
static void test_session_of_the_future(void **state)
{
    struct bed_spec spec = {.server = {.version = TLS1_2_VERSION}};
    struct tls_session session;
    struct bed first, second;

    (void)state;
    session_take(&first, &spec, &session);
    spec.session = &session;
    spec.again = &first.server;
    spec.now_s = CERTS_NOW_S - 1;
    handshake(&second, &spec);
    assert_open(&second, "before the session was made");
    assert_false(tls_facts(second.tls).is_resumed);
    bed_close(&second);
    bed_close(&first);
}

static void test_session_forgotten_by_server(void **state)
{
    struct bed_spec spec = {.server = {.version = TLS1_2_VERSION}};
    struct tls_session session, renewed;
    struct bed first, second;

    (void)state;
    session_take(&first, &spec, &session);
    spec.session = &session;
    handshake(&second, &spec);
    assert_open(&second, "a server that does not know the session");
    assert_false(tls_facts(second.tls).is_resumed);
    assert_true(tls_get_session(second.tls, &renewed));
    assert_memory_not_equal(renewed.id, session.id, session.id_length);
    bed_close(&second);
    bed_close(&first);
}

static void test_session_of_insecure_stays_unverified(void **state)
{
    struct bed_spec spec = {
        .server = {.version = TLS1_2_VERSION}, .client = {.is_insecure = true}, .host = "b.test"};
    struct tls_session session;
    struct bed first, second;

    (void)state;
    session_take(&first, &spec, &session);
    spec.session = &session;
    spec.again = &first.server;
    handshake(&second, &spec);
    assert_open(&second, "resumed");
    assert_true(tls_facts(second.tls).is_resumed && !tls_facts(second.tls).is_verified);
    assert_int_equal(tls_facts(second.tls).verdict, VERIFY_HOST);
    bed_close(&second);

    spec.client.is_insecure = false;
    handshake(&second, &spec);
    assert_failure(&second, TLS_CERTIFICATE, "not resumed where verdicts count");
    bed_close(&second);
    bed_close(&first);
}

/* --- the client's certificate --------------------------------------------------------------- */

static void client_row(const struct certs_pair *pair, const char *certificate, const char *key)
{
    int versions[] = {TLS1_2_VERSION, TLS1_VERSION};

    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        struct bed_spec spec = {.server = {.version = versions[i],
                                           .client_ca = client_root.certificate,
                                           .needs_client = true},
                                .client = {.certificate = span_of(certificate),
                                           .key = span_of(key),
                                           .is_legacy = versions[i] != TLS1_2_VERSION}};
        X509 *seen;
        struct bed bed;

        handshake(&bed, &spec);
        assert_open(&bed, "client certificate");
        seen = SSL_get1_peer_certificate(bed.server.ssl);
        assert_int_equal(X509_cmp(seen, pair->certificate), 0);
        X509_free(seen);
        exchange(&bed, 1000);
        bed_close(&bed);
    }
}

static void test_client_certificates(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_KINDS; i++) {
        struct certs_spec spec = {.common_name = "client", .key = key_kinds[i]};
        struct certs_pair pair = certs_make(&spec, &client_root);
        char *certificate = certs_pem(pair.certificate);

        for (int format = CERTS_PKCS8; format <= CERTS_TRADITIONAL; format++) {
            char *key = certs_key_pem(pair.key, (enum certs_format)format);
            char *both;

            client_row(&pair, certificate, key);
            assert_true(asprintf(&both, "%s%s", key, certificate) > 0);
            client_row(&pair, both, "");
            free(both);
            free(key);
        }
        free(certificate);
        certs_free(&pair);
    }
}

static void test_client_certificate_asked(void **state)
{
    struct bed_spec spec = {
        .server = {.version = TLS1_2_VERSION, .client_ca = client_root.certificate}};
    struct bed bed;

    (void)state;
    handshake(&bed, &spec);
    assert_open(&bed, "asked, not needed");
    bed_close(&bed);
    spec.server.needs_client = true;
    handshake(&bed, &spec);
    assert_failure(&bed, TLS_ALERT, "needed, and not there");
    assert_true(tls_failure(bed.tls).is_unnamed);
    assert_string_equal(tls_failure(bed.tls).sentence,
                        "the server sent alert 40 (handshake_failure): it asked for a client "
                        "certificate (--cert), and was shown none");
    bed_close(&bed);
}

static void config_row(const char *certificate, const char *key, enum tls_error error)
{
    struct tls_options options = {.backend = backend,
                                  .trust = trust,
                                  .certificate = span_of(certificate),
                                  .key = span_of(key)};
    struct tls_config *config;

    if (tls_config_open(&options, &config) != error)
        fail_msg("not %s", tls_sentence(error));
    if (error != TLS_OK)
        assert_null(config);
    tls_config_close(config);
}

static void test_client_keys_refused(void **state)
{
    static const char *const kinds[] = {"P-256", "2048"};
    struct certs_spec spec = {.common_name = "client", .key = "P-256"};
    struct certs_pair other = certs_make(&spec, NULL);
    char *other_key = certs_key_pem(other.key, CERTS_PKCS8);

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char *certificate = certs_pem(leaf(kinds[i])->certificate);
        char *key = certs_key_pem(leaf(kinds[i])->key, CERTS_PKCS8);

        config_row(certificate, key, TLS_OK);
        config_row(certificate, other_key, TLS_KEY_MISMATCH);
        config_row(certificate, "", TLS_KEY_NONE);
        config_row(key, key, TLS_CERTIFICATE_NONE);
        config_row("words", key, TLS_CERTIFICATE_NONE);
        for (int format = CERTS_PKCS8_SECRET; format <= CERTS_TRADITIONAL_SECRET; format++) {
            char *secret = certs_key_pem(leaf(kinds[i])->key, (enum certs_format)format);

            config_row(certificate, secret, TLS_KEY_ENCRYPTED);
            free(secret);
        }
        key[100] ^= 1;
        key[101] ^= 2;
        config_row(certificate, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                   TLS_KEY_MALFORMED);
        config_row("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", other_key,
                   TLS_CERTIFICATE_MALFORMED);
        config_row("-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n", other_key,
                   TLS_CERTIFICATE_MALFORMED);
        free(certificate);
        free(key);
    }
    free(other_key);
    certs_free(&other);
}

/* --- recorded handshakes -------------------------------------------------------------------- */

/* The corpus of fuzz_tls begins with handshakes that libssl had with the client of tls_fixed. They
 * hold as long as that client sends the same bytes; `test_tls DIRECTORY record` makes them anew. */

enum { RECORDED_PLAIN_BYTES = 40 };

static const char *corpus;
static bool is_recording;

static const struct recorded_row {
    const char *name;
    unsigned char flags;
    const char *key, *cipher;
    int version;
} recorded_rows[] = {
    {"handshake-ecdsa", TLS_FIXED_INSECURE, "P-256", "AES128", TLS1_2_VERSION},
    {"handshake-rsa", TLS_FIXED_INSECURE, "2048", "CHACHA20", TLS1_2_VERSION},
    {"handshake-legacy", TLS_FIXED_INSECURE | TLS_FIXED_LEGACY, "2048", "AES128-SHA", TLS1_VERSION},
    {"handshake-resumed", TLS_FIXED_SESSION, "P-256", "ECDHE-ECDSA-AES128-GCM-SHA256",
     TLS1_2_VERSION},
};

/* Lets the server know the session that the fixed client offers. */
static void session_teach(const struct tls_server *server)
{
    const struct tls_session *fixed = &tls_fixed_session;
    const unsigned char cipher[] = {(unsigned char)(fixed->suite >> 8),
                                    (unsigned char)fixed->suite};
    SSL_SESSION *session = SSL_SESSION_new();

    SSL_SESSION_set1_id(session, fixed->id, fixed->id_length);
    SSL_SESSION_set1_id_context(session, (const unsigned char *)"test", 4);
    SSL_SESSION_set1_master_key(session, fixed->master_secret, sizeof(fixed->master_secret));
    SSL_SESSION_set_protocol_version(session, fixed->version);
    SSL_SESSION_set_cipher(session, SSL_CIPHER_find(server->ssl, cipher));
    assert_int_equal(SSL_CTX_add_session(server->context, session), 1);
    SSL_SESSION_free(session);
}

static void fixed_open(struct bed *bed, unsigned flags)
{
    void *memory = calloc(1, tls_size());

    bed->config = tls_fixed_config(trust, TLS_BEARSSL, flags);
    bed->has_own_config = true;
    assert_non_null(bed->config);
    bed->tls = tls_fixed_init(memory, bed->config, flags);
}

static FILE *corpus_file(const char *name, const char *mode)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", corpus, name);
    file = fopen(path, mode);
    assert_non_null(file);
    return file;
}

static void recorded_make(const struct recorded_row *row)
{
    struct bed bed = {
        .options = {.pair = leaf(row->key), .ciphers = row->cipher, .version = row->version}};
    FILE *file = corpus_file(row->name, "wb");

    tls_server_init(&bed.server, &bed.options, NULL);
    session_teach(&bed.server);
    fixed_open(&bed, row->flags);
    bed.record = malloc(RECORD_BYTES_MAX);
    assert_non_null(bed.record);
    pump(&bed);
    exchange(&bed, RECORDED_PLAIN_BYTES);
    SSL_shutdown(bed.server.ssl);
    pump(&bed);
    assert_int_equal(fputc(row->flags, file), row->flags);
    assert_int_equal(fwrite(bed.record, 1, bed.record_length, file), bed.record_length);
    fclose(file);
    bed_close(&bed);
}

static void recorded_play(const struct recorded_row *row)
{
    static char bytes[RECORD_BYTES_MAX];
    FILE *file = corpus_file(row->name, "rb");
    size_t length = fread(bytes, 1, sizeof(bytes), file);
    struct bed bed = {.is_replay = true};

    fclose(file);
    assert_int_equal(bytes[0], row->flags);
    fixed_open(&bed, row->flags);
    while (client_to_server(&bed))
        ;
    replay_feed(&bed, (struct span){bytes + 1, length - 1});
    if (tls_state(bed.tls) != TLS_CLOSED)
        fail_msg("%s is out of date: %s", row->name, tls_failure(bed.tls).sentence);
    assert_int_equal(bed.client_got, RECORDED_PLAIN_BYTES);
    assert_int_equal(tls_facts(bed.tls).is_resumed, row->flags == TLS_FIXED_SESSION);
    client_close(&bed);
}

static void test_recorded_handshakes(void **state)
{
    (void)state;
    if (corpus == NULL)
        skip();
    for (size_t i = 0; i < sizeof(recorded_rows) / sizeof(recorded_rows[0]); i++) {
        if (is_recording)
            recorded_make(&recorded_rows[i]);
        recorded_play(&recorded_rows[i]);
    }
}

/* Arguments: the corpus of fuzz_tls; "record": write its handshakes anew. */
int main(int argc, char **argv)
{
    /* What holds whichever library it is, and what is BearSSL's alone: hellos that are always the
     * same, sessions that the caller keeps, certificates that are waited for. */
    const struct CMUnitTest shared[] = {
        cmocka_unit_test(test_suites_without_legacy),
        cmocka_unit_test(test_curves),
        cmocka_unit_test(test_server_name),
        cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_close_by_client),
        cmocka_unit_test(test_close_with_plain_waiting),
        cmocka_unit_test(test_renegotiation_refused),
        cmocka_unit_test(test_records_cut),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_too_many_and_too_large),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_verdicts_remembered),
        cmocka_unit_test(test_client_certificate_asked),
        cmocka_unit_test(test_client_keys_refused),
    };
    const struct CMUnitTest own[] = {
        cmocka_unit_test(test_suites),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_client_hello),
        cmocka_unit_test(test_key_log),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_cut_at_each_byte),
        cmocka_unit_test(test_end_at_each_byte),
        cmocka_unit_test(test_flip_each_byte),
        cmocka_unit_test(test_failure_while_sending),
        cmocka_unit_test(test_first_bytes),
        cmocka_unit_test(test_alerts),
        cmocka_unit_test(test_too_large_at_its_length),
        cmocka_unit_test(test_chains_are_lent),
        cmocka_unit_test(test_resumption),
        cmocka_unit_test(test_session_forgotten_by_server),
        cmocka_unit_test(test_session_lifetimes),
        cmocka_unit_test(test_session_of_the_future),
        cmocka_unit_test(test_session_of_insecure_stays_unverified),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_recorded_handshakes),
    };
    int failed = 0;

    corpus = argc > 1 ? argv[1] : NULL;
    is_recording = argc > 2 && strcmp(argv[2], "record") == 0;
    for (int each = TLS_BEARSSL; each <= TLS_OPENSSL; each++) {
        backend = (enum tls_backend_name)each;
        if (tls_has_backend(backend))
            failed += cmocka_run_group_tests(shared, group_setup, group_teardown);
    }
    backend = TLS_BEARSSL;
    return failed + cmocka_run_group_tests(own, group_setup, group_teardown);
}
