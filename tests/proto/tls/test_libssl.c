/* What libssl behind the ports can do that BearSSL cannot: TLS 1.3 with all that its handshake may
 * take, keys of other kinds, tickets. The server is libssl too, but stands in another library
 * context and shares nothing else with the client. */

#include "proto/tls/tls.h"

#include "tests/lib/tls/certs.h"
#include "tests/lib/tls/tls_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

enum { VERSION_13 = 0x0304, VERSION_12 = 0x0303, PORT = 443 };

static struct certs_pair root, leaf;
static struct trust *trust;

static void trust_add(const struct certs_pair *pair)
{
    char *pem = certs_pem(pair->certificate);

    assert_int_equal(trust_add_pem(trust, span_of(pem), NULL, NULL), 0);
    free(pem);
}

static struct certs_pair leaf_make(const char *key, const struct certs_pair *issuer, bool is_by_pss)
{
    return certs_make(
        &(struct certs_spec){
            .common_name = "a.test", .alt_names = "DNS:a.test", .key = key, .is_by_pss = is_by_pss},
        issuer);
}

static int group_setup(void **state)
{
    struct certs_spec spec = {.common_name = "root", .key = "P-256", .is_ca = true};

    (void)state;
    root = certs_make(&spec, NULL);
    leaf = leaf_make("P-256", &root, false);
    trust = trust_open();
    trust_add(&root);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    certs_free(&leaf);
    certs_free(&root);
    trust_close(trust);
    return 0;
}

/* --- the heap --------------------------------------------------------------------------------- */

/* What the library has taken since it was told to count, and has not given back. */
static struct {
    bool is_on;
    size_t bytes;
    size_t most; /* between two calls of the client */
} heap;

struct heap_block {
    size_t size;
    bool is_counted;
    max_align_t bytes[];
};

static void *heap_take(size_t size, const char *file, int line)
{
    struct heap_block *block = malloc(sizeof(*block) + size);

    (void)file;
    (void)line;
    if (block == NULL)
        return NULL;
    *block = (struct heap_block){size, heap.is_on};
    heap.bytes += block->is_counted ? size : 0;
    return block->bytes;
}

static void heap_give(void *bytes, const char *file, int line)
{
    struct heap_block *block =
        bytes != NULL ? (void *)((char *)bytes - offsetof(struct heap_block, bytes)) : NULL;

    (void)file;
    (void)line;
    if (block != NULL)
        heap.bytes -= block->is_counted ? block->size : 0;
    free(block);
}

static void *heap_grow(void *bytes, size_t size, const char *file, int line)
{
    const struct heap_block *block =
        bytes != NULL ? (void *)((char *)bytes - offsetof(struct heap_block, bytes)) : NULL;
    void *grown = heap_take(size, file, line);

    if (grown != NULL && block != NULL)
        memcpy(grown, bytes, block->size < size ? block->size : size);
    if (grown != NULL)
        heap_give(bytes, file, line);
    return grown;
}

/* Around the client's calls, so that the server's memory does not count. */
static void heap_count(bool is_on)
{
    heap.is_on = is_on;
    if (!is_on && heap.bytes > heap.most)
        heap.most = heap.bytes;
}

/* --- a client and a server -------------------------------------------------------------------- */

struct bed {
    struct tls_server server;
    struct tls *tls;
    char plain[64]; /* the last that came to the client */
    size_t plain_length;
    size_t cut; /* at most so many bytes at once to the client; 0: no limit */
};

static struct tls_config *config_open(struct tls_options options)
{
    struct tls_config *config;
    enum tls_error error;

    options.backend = TLS_OPENSSL;
    options.trust = trust;
    error = tls_config_open(&options, &config);
    if (error != TLS_OK)
        fail_msg("no configuration: %s", tls_sentence(error));
    return config;
}

static void client_open(struct bed *bed, struct tls_config *config, struct tls_peer peer)
{
    static const unsigned char seed[TLS_SEED_BYTES];
    void *memory = calloc(1, tls_size());

    assert_non_null(memory);
    if (peer.host.length == 0)
        peer.host = SPAN("a.test");
    if (peer.now_s == 0)
        peer.now_s = CERTS_NOW_S;
    peer.seed = seed;
    heap_count(true);
    bed->tls = tls_init(memory, config, &peer);
    heap_count(false);
}

static void bed_open(struct bed *bed, const struct tls_server_options *options,
                     const struct tls_server *again, struct tls_config *config,
                     struct tls_peer peer)
{
    *bed = (struct bed){0};
    tls_server_init(&bed->server, options, again);
    client_open(bed, config, peer);
}

static void bed_close(struct bed *bed)
{
    const char *memory = (const char *)bed->tls;

    tls_deinit(bed->tls);
    assert_true(memory[0] == 0 && memcmp(memory, memory + 1, tls_size() - 1) == 0);
    free(bed->tls);
    tls_server_deinit(&bed->server);
}

static bool to_server(struct bed *bed)
{
    struct span wire = tls_wire_out(bed->tls);

    if (wire.length > 0)
        assert_int_equal(BIO_write(bed->server.in, wire.bytes, (int)wire.length), wire.length);
    heap_count(true);
    tls_wire_sent(bed->tls, wire.length);
    heap_count(false);
    tls_server_step(&bed->server);
    return wire.length > 0;
}

static bool to_client(struct bed *bed)
{
    char *wire;
    size_t length = (size_t)BIO_get_mem_data(bed->server.out, &wire), taken;
    struct span plain;
    char dropped[20000];

    if (bed->cut > 0 && length > bed->cut)
        length = bed->cut;
    heap_count(true);
    taken = tls_wire_in(bed->tls, (struct span){wire, length});
    heap_count(false);
    if (taken > 0)
        assert_int_equal(BIO_read(bed->server.out, dropped, (int)taken), taken);
    plain = tls_plain_out(bed->tls);
    if (plain.length > 0) {
        assert_true(plain.length <= sizeof(bed->plain));
        memcpy(bed->plain, plain.bytes, plain.length);
        bed->plain_length = plain.length;
    }
    tls_plain_taken(bed->tls, plain.length);
    return taken > 0;
}

static void pump(struct bed *bed)
{
    bool moves = true;

    while (moves) {
        moves = to_server(bed);
        moves |= to_client(bed);
    }
}

static void assert_open(const struct bed *bed, const char *what)
{
    if (tls_state(bed->tls) != TLS_OPEN || SSL_is_init_finished(bed->server.ssl) == 0)
        fail_msg("%s: not open: %s", what, tls_failure(bed->tls).sentence);
}

static void assert_failure(const struct bed *bed, enum tls_error error, const char *what)
{
    struct tls_failure failure = tls_failure(bed->tls);

    if (tls_state(bed->tls) != TLS_FAILED || failure.error != error)
        fail_msg("%s: state %d, error %d: %s", what, (int)tls_state(bed->tls), (int)failure.error,
                 failure.sentence);
    assert_int_equal(tls_wire_out(bed->tls).length, 0);
}

/* A word there and a word back. */
static void talk(struct bed *bed)
{
    char got[16];

    assert_int_equal(tls_plain_in(bed->tls, SPAN("ping")), 4);
    pump(bed);
    assert_int_equal(SSL_read(bed->server.ssl, got, sizeof(got)), 4);
    assert_memory_equal(got, "ping", 4);
    assert_int_equal(SSL_write(bed->server.ssl, "pong", 4), 4);
    pump(bed);
    assert_int_equal(bed->plain_length, 4);
    assert_memory_equal(bed->plain, "pong", 4);
}

/* --- handshakes ------------------------------------------------------------------------------- */

static void test_versions(void **state)
{
    static const struct {
        int server;
        uint16_t least, most;
        const char *agreed;
    } rows[] = {
        {TLS1_3_VERSION, 0, 0, "TLSv1.3"},
        {TLS1_2_VERSION, 0, 0, "TLSv1.2"},
        {0, 0, 0, "TLSv1.3"},
        {0, 0, VERSION_12, "TLSv1.2"},
        {0, VERSION_13, 0, "TLSv1.3"},
        {TLS1_2_VERSION, VERSION_13, 0, NULL},
        {TLS1_3_VERSION, 0, VERSION_12, NULL},
        {TLS1_1_VERSION, 0, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_config *config = config_open(
            (struct tls_options){.version_min = rows[i].least, .version_max = rows[i].most});
        struct tls_server_options options = {.pair = &leaf, .version = rows[i].server};
        struct bed bed;

        bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
        pump(&bed);
        if (rows[i].agreed == NULL) {
            assert_failure(&bed, TLS_ALERT, "versions that do not meet");
            assert_int_equal(tls_failure(bed.tls).alert, 70);
        } else {
            assert_open(&bed, rows[i].agreed);
            assert_string_equal(tls_facts(bed.tls).version, rows[i].agreed);
            assert_string_equal(tls_facts(bed.tls).backend, "openssl");
            assert_true(tls_facts(bed.tls).is_verified && !tls_facts(bed.tls).is_resumed);
            talk(&bed);
        }
        bed_close(&bed);
        tls_config_close(config);
    }
}

/* Whom to trust is one list, and one verdict whichever library it is. */
static void test_keys(void **state)
{
    static const struct {
        const char *key, *issuer;
        bool is_by_pss;
    } rows[] = {
        {"ED25519", "P-256", false}, {"ED448", "P-256", false},   {"P-256", "ED25519", false},
        {"P-256", "ED448", false},   {"ED25519", "ED448", false}, {"P-256", "2048", true},
        {"RSA-PSS", "P-256", false}, {"2048", "RSA-PSS", true},   {"RSA-PSS", "2048", true},
        {"2048", "P-256", false},    {"P-384", "P-521", false},
    };

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof(rows) / sizeof(rows[0])); i++) {
        size_t at = i / 2;
        const char name[] = {'C', 'A', (char)('a' + i), '\0'};
        struct certs_spec spec = {.common_name = name, .key = rows[at].issuer, .is_ca = true};
        struct certs_pair issuer = certs_make(&spec, NULL);
        struct certs_pair pair = leaf_make(rows[at].key, &issuer, rows[at].is_by_pss);
        struct tls_config *config = config_open((struct tls_options){.verdict_count = 2});
        struct tls_server_options options = {
            .pair = &pair, .version = i % 2 == 0 ? TLS1_3_VERSION : TLS1_2_VERSION};
        struct bed bed;

        bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
        pump(&bed);
        assert_failure(&bed, TLS_CERTIFICATE, rows[at].key);
        assert_int_equal(tls_failure(bed.tls).verdict, VERIFY_ISSUER);
        bed_close(&bed);
        tls_config_close(config);
        trust_add(&issuer);
        config = config_open((struct tls_options){.verdict_count = 2});
        bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
        pump(&bed);
        assert_open(&bed, rows[at].key);
        talk(&bed);
        bed_close(&bed);
        tls_config_close(config);
        certs_free(&pair);
        certs_free(&issuer);
    }
}

/* The first hello has a share of x25519 alone: the others cost another round (RFC 8446, 4.1.4). */
static void test_hello_retry(void **state)
{
    static const char *const groups[] = {"P-256", "P-384", "P-521", "X448", "X25519"};
    struct tls_config *config = config_open((struct tls_options){0});

    (void)state;
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        struct tls_server_options options = {
            .pair = &leaf, .version = TLS1_3_VERSION, .groups = groups[i]};
        struct bed bed;

        for (size_t cut = 0; cut < 2; cut++) {
            bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
            bed.cut = cut;
            pump(&bed);
            assert_open(&bed, groups[i]);
            talk(&bed);
            bed_close(&bed);
        }
    }
    tls_config_close(config);
}

static void test_refusals(void **state)
{
    struct certs_pair other = leaf_make("P-256", NULL, false);
    struct tls_config *config = config_open((struct tls_options){.verdict_count = 4});
    struct tls_server_options options = {.pair = &leaf, .version = TLS1_3_VERSION};
    struct tls_server_options strange = {.pair = &other, .version = TLS1_3_VERSION};
    struct bed bed;

    (void)state;
    for (size_t i = 0; i < 2; i++) { /* and again, from the cache */
        bed_open(&bed, &options, NULL, config, (struct tls_peer){.host = SPAN("b.test")});
        pump(&bed);
        assert_failure(&bed, TLS_CERTIFICATE, "another host");
        assert_int_equal(tls_failure(bed.tls).verdict, VERIFY_HOST);
        bed_close(&bed);
        bed_open(&bed, &options, NULL, config,
                 (struct tls_peer){.now_s = CERTS_NOW_S + 3 * CERTS_DAY_S});
        pump(&bed);
        assert_failure(&bed, TLS_CERTIFICATE, "expired");
        assert_int_equal(tls_failure(bed.tls).verdict, VERIFY_EXPIRED);
        bed_close(&bed);
        bed_open(&bed, &strange, NULL, config, (struct tls_peer){0});
        pump(&bed);
        assert_failure(&bed, TLS_CERTIFICATE, "signed by itself");
        assert_int_equal(tls_failure(bed.tls).verdict, VERIFY_SELF_SIGNED);
        bed_close(&bed);
    }
    tls_config_close(config);
    config = config_open((struct tls_options){.is_insecure = true});
    bed_open(&bed, &strange, NULL, config, (struct tls_peer){0});
    pump(&bed);
    assert_open(&bed, "insecure");
    assert_false(tls_facts(bed.tls).is_verified);
    assert_int_equal(tls_facts(bed.tls).verdict, VERIFY_SELF_SIGNED);
    bed_close(&bed);
    tls_config_close(config);
    certs_free(&other);
}

static void test_pins(void **state)
{
    unsigned char pins[2][TLS_PIN_BYTES] = {{0}};
    struct tls_server_options options = {.pair = &leaf, .version = TLS1_3_VERSION};

    (void)state;
    certs_pin(leaf.certificate, pins[1]);
    for (size_t count = 1; count <= 2; count++) {
        struct tls_config *config = config_open((struct tls_options){
            .pins = (const unsigned char(*)[TLS_PIN_BYTES])pins, .pin_count = count});
        struct bed bed;

        bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
        pump(&bed);
        if (count == 1)
            assert_failure(&bed, TLS_PIN, "none of the pins");
        else
            assert_open(&bed, "one of the pins");
        bed_close(&bed);
        tls_config_close(config);
    }
}

/* --- what comes after ------------------------------------------------------------------------- */

static void test_key_update(void **state)
{
    struct tls_config *config = config_open((struct tls_options){0});
    struct tls_server_options options = {.pair = &leaf, .version = TLS1_3_VERSION};
    struct bed bed;

    (void)state;
    bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
    pump(&bed);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(SSL_key_update(bed.server.ssl, i % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED
                                                                   : SSL_KEY_UPDATE_NOT_REQUESTED),
                         1);
        assert_int_equal(SSL_do_handshake(bed.server.ssl), 1);
        pump(&bed);
        assert_open(&bed, "new keys");
        assert_int_equal(tls_plain_out(bed.tls).length, 0);
        assert_false(tls_is_inside_record(bed.tls));
        talk(&bed);
    }
    bed_close(&bed);
    tls_config_close(config);
}

static void test_ends(void **state)
{
    struct tls_config *config = config_open((struct tls_options){0});
    struct tls_server_options options = {.pair = &leaf, .version = TLS1_3_VERSION};
    struct bed bed;

    (void)state;
    bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
    tls_wire_end(bed.tls);
    assert_failure(&bed, TLS_HANDSHAKE_CUT, "no word");
    bed_close(&bed);
    bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
    pump(&bed);
    tls_wire_end(bed.tls);
    assert_failure(&bed, TLS_TRUNCATED, "no close_notify");
    bed_close(&bed);
    bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
    pump(&bed);
    SSL_shutdown(bed.server.ssl);
    to_client(&bed);
    assert_int_equal(tls_state(bed.tls), TLS_CLOSED);
    assert_true(tls_wire_out(bed.tls).length > 0); /* ours, in answer */
    tls_wire_end(bed.tls);
    assert_int_equal(tls_state(bed.tls), TLS_CLOSED);
    bed_close(&bed);
    tls_config_close(config);
}

/* One buffer serves them all, and yet what is not taken stays. */
static void test_plain_is_left(void **state)
{
    struct tls_config *config = config_open((struct tls_options){0});
    struct tls_server_options options = {.pair = &leaf, .version = TLS1_3_VERSION};
    struct bed beds[2];
    char *wire;
    long length;

    (void)state;
    for (int i = 0; i < 2; i++) {
        bed_open(&beds[i], &options, NULL, config, (struct tls_peer){0});
        pump(&beds[i]);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(SSL_write(beds[i].server.ssl, i == 0 ? "first" : "other", 5), 5);
        length = BIO_get_mem_data(beds[i].server.out, &wire);
        assert_int_equal(tls_wire_in(beds[i].tls, (struct span){wire, (size_t)length}), length);
        assert_int_equal(tls_plain_out(beds[i].tls).length, 5);
        if (i == 0)
            tls_plain_taken(beds[i].tls, 1);
    }
    assert_true(span_equal(tls_plain_out(beds[0].tls), SPAN("irst")));
    assert_true(span_equal(tls_plain_out(beds[1].tls), SPAN("other")));
    tls_plain_taken(beds[0].tls, 2);
    assert_true(span_equal(tls_plain_out(beds[0].tls), SPAN("st")));
    for (int i = 0; i < 2; i++)
        bed_close(&beds[i]);
    tls_config_close(config);
}

static void test_key_log(void **state)
{
    static const char *const labels[] = {
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_HANDSHAKE_TRAFFIC_SECRET ",
        "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 ", "EXPORTER_SECRET "};
    struct tls_config *config = config_open((struct tls_options){.has_key_log = true});
    struct tls_server_options options = {.pair = &leaf, .version = TLS1_3_VERSION};
    char lines[TLS_KEYLOG_BYTES + 1];
    struct bed bed;
    size_t length;

    (void)state;
    bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
    pump(&bed);
    length = tls_key_log(bed.tls, lines);
    assert_in_range(length, 5 * 100, TLS_KEYLOG_BYTES);
    lines[length] = '\0';
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
        assert_non_null(strstr(lines, labels[i]));
    assert_non_null(strstr(lines, bed.server.key_log)); /* the server's last one */
    assert_int_equal(lines[length - 1], '\n');
    assert_int_equal(tls_key_log(bed.tls, lines), 0);
    bed_close(&bed);
    tls_config_close(config);
}

/* --- tickets ---------------------------------------------------------------------------------- */

static void assert_resumed(struct tls_config *config, const struct tls_server_options *options,
                           const struct tls_server *again, struct tls_peer peer, bool is_resumed,
                           const char *what)
{
    struct bed bed;

    bed_open(&bed, options, again, config, peer);
    pump(&bed);
    assert_open(&bed, what);
    if (tls_facts(bed.tls).is_resumed != is_resumed)
        fail_msg("%s: resumed %d", what, (int)!is_resumed);
    assert_true(tls_facts(bed.tls).is_verified);
    talk(&bed);
    bed_close(&bed);
}

static void test_tickets(void **state)
{
    static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tls_config *config = config_open((struct tls_options){0});
        struct tls_server_options options = {.pair = &leaf, .version = versions[i]};
        struct tls_peer peer = {.port = PORT}, other = {.port = PORT + 1}, none = {.port = 0};
        struct tls_peer late = {.port = PORT, .now_s = CERTS_NOW_S + 2 * CERTS_DAY_S - 1};
        struct tls_peer anonymous = {.port = PORT, .is_anonymous = true};
        struct bed first;

        late.now_s = CERTS_NOW_S - 1; /* before it was made */
        bed_open(&first, &options, NULL, config, peer);
        pump(&first);
        assert_open(&first, "the first");
        assert_false(tls_facts(first.tls).is_resumed);
        assert_resumed(config, &options, &first.server, other, false, "another port");
        assert_resumed(config, &options, &first.server, anonymous, false, "anonymous");
        assert_resumed(config, &options, &first.server, none, false, "no port");
        assert_resumed(config, &options, &first.server, peer, true, "again");
        assert_resumed(config, &options, &first.server, peer, true, "and again");
        assert_resumed(config, &options, &first.server, late, false, "of the future");
        bed_close(&first);
        tls_config_close(config);
    }
}

/* A ticket of TLS 1.3 is shown once (RFC 8446, C.4): who comes beside has none. */
static void test_ticket_is_used_once(void **state)
{
    struct tls_config *config = config_open((struct tls_options){0});
    struct tls_server_options options = {.pair = &leaf, .version = TLS1_3_VERSION};
    struct tls_peer peer = {.port = PORT};
    struct bed first, beside[3];

    (void)state;
    bed_open(&first, &options, NULL, config, peer);
    pump(&first); /* libssl gives two */
    for (int i = 0; i < 3; i++)
        bed_open(&beside[i], &options, &first.server, config, peer);
    for (int i = 0; i < 3; i++) {
        pump(&beside[i]);
        assert_open(&beside[i], "beside");
        assert_int_equal(tls_facts(beside[i].tls).is_resumed, i < 2);
        bed_close(&beside[i]);
    }
    bed_close(&first);
    tls_config_close(config);
}

/* What could be sent with the hello could be sent again by who sees it (RFC 8446, 8): a server that
 * takes early data gets none. */
static void test_no_early_data(void **state)
{
    struct tls_config *config = config_open((struct tls_options){0});
    struct tls_server_options options = {.pair = &leaf, .version = TLS1_3_VERSION};
    struct tls_peer peer = {.port = PORT};
    struct bed first, second;

    (void)state;
    first = (struct bed){0};
    tls_server_init(&first.server, &options, NULL);
    SSL_set_max_early_data(first.server.ssl, 16384);
    client_open(&first, config, peer);
    pump(&first);
    assert_open(&first, "the first");
    bed_open(&second, &options, &first.server, config, peer);
    SSL_set_max_early_data(second.server.ssl, 16384);
    assert_int_equal(tls_plain_in(second.tls, SPAN("ping")), 0);
    pump(&second);
    assert_open(&second, "the second");
    assert_true(tls_facts(second.tls).is_resumed);
    assert_int_equal(SSL_get_early_data_status(second.server.ssl), SSL_EARLY_DATA_NOT_SENT);
    bed_close(&second);
    bed_close(&first);
    tls_config_close(config);
}

/* A session lives no longer than the certificates that it was made with. */
static void test_ticket_ends_with_its_certificate(void **state)
{
    struct certs_pair brief = certs_make(&(struct certs_spec){.common_name = "a.test",
                                                              .alt_names = "DNS:a.test",
                                                              .key = "P-256",
                                                              .not_after_s = CERTS_NOW_S + 60},
                                         &root);
    struct tls_config *config = config_open((struct tls_options){0});
    struct tls_server_options options = {.pair = &brief, .version = TLS1_3_VERSION};
    struct tls_peer peer = {.port = PORT}, late = {.port = PORT, .now_s = CERTS_NOW_S + 61};
    struct bed first, second;

    (void)state;
    bed_open(&first, &options, NULL, config, peer);
    pump(&first);
    assert_open(&first, "brief");
    bed_open(&second, &options, &first.server, config, late);
    pump(&second);
    assert_failure(&second, TLS_CERTIFICATE, "resumed after its end");
    assert_int_equal(tls_failure(second.tls).verdict, VERIFY_EXPIRED);
    bed_close(&second);
    bed_close(&first);
    tls_config_close(config);
    certs_free(&brief);
}

/* --- the client's certificate ----------------------------------------------------------------- */

/* With so many certificates behind its own that the flight is longer than what is held of it. */
static char *client_pem(const struct certs_pair *pair, unsigned padding_bytes)
{
    struct certs_spec spec = {
        .common_name = "CA", .key = "P-256", .is_ca = true, .padding_bytes = padding_bytes};
    struct certs_pair other = certs_make(&spec, NULL);
    char *own = certs_pem(pair->certificate), *more = certs_pem(other.certificate), *text;

    assert_true(asprintf(&text, "%s%s", own, padding_bytes > 0 ? more : "") > 0);
    free(own);
    free(more);
    certs_free(&other);
    return text;
}

static void test_client_certificates(void **state)
{
    static const char *const kinds[] = {"P-256", "2048", "ED25519", "RSA-PSS"};

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof(kinds) / sizeof(kinds[0])); i++) {
        struct certs_spec spec = {.common_name = "client", .key = kinds[i / 2]};
        struct certs_pair pair = certs_make(&spec, &root);
        char *certificate = client_pem(&pair, i % 2 == 0 ? 0 : 20000);
        char *key = certs_key_pem(pair.key, CERTS_PKCS8);
        struct tls_config *config = config_open(
            (struct tls_options){.certificate = span_of(certificate), .key = span_of(key)});
        struct tls_server_options options = {.pair = &leaf,
                                             .version = TLS1_3_VERSION,
                                             .client_ca = root.certificate,
                                             .needs_client = true};
        struct bed bed;

        bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
        pump(&bed);
        assert_open(&bed, kinds[i / 2]);
        talk(&bed);
        bed_close(&bed);
        bed_open(&bed, &options, NULL, config, (struct tls_peer){.is_anonymous = true});
        pump(&bed);
        assert_failure(&bed, TLS_ALERT, "without one");
        assert_int_equal(tls_failure(bed.tls).alert, 116);
        bed_close(&bed);
        tls_config_close(config);
        free(certificate);
        free(key);
        certs_free(&pair);
    }
}

/* Nothing of a process is used up: 127 is how many kinds of BIO there can be. */
static void test_many_configurations(void **state)
{
    struct tls_server_options options = {.pair = &leaf, .version = TLS1_3_VERSION};

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct tls_config *config = config_open((struct tls_options){0});
        struct bed bed;

        if (i % 50 == 49) {
            bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
            pump(&bed);
            assert_open(&bed, "one of many");
            bed_close(&bed);
        }
        tls_config_close(config);
    }
}

/* What thousands of connections take is what one holds while it waits: for the server in its
 * handshake, which is the budget's term, and at rest, with its tickets read. */
static void test_heap(void **state)
{
    static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tls_config *config = config_open((struct tls_options){.verdict_count = 2});
        struct tls_server_options options = {.pair = &leaf, .version = versions[i]};
        struct bed first, bed;

        bed_open(&first, &options, NULL, config, (struct tls_peer){0});
        pump(&first); /* what is fetched but once */
        heap.bytes = heap.most = 0;
        bed_open(&bed, &options, NULL, config, (struct tls_peer){0});
        bed.cut = 100; /* of a record in parts the library holds what came */
        pump(&bed);
        assert_in_range(heap.most, 30000, tls_heap_size(TLS_OPENSSL));
        assert_open(&bed, "counted");
        assert_in_range(heap.bytes, 5000, 18000);
        bed_close(&bed);
        bed_close(&first);
        tls_config_close(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_hello_retry),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_key_update),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_plain_is_left),
        cmocka_unit_test(test_key_log),
        cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_ticket_is_used_once),
        cmocka_unit_test(test_no_early_data),
        cmocka_unit_test(test_ticket_ends_with_its_certificate),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_many_configurations),
        cmocka_unit_test(test_heap),
    };

    if (!tls_has_backend(TLS_OPENSSL))
        return 77; /* meson: skipped */
    if (CRYPTO_set_mem_functions(heap_take, heap_grow, heap_give) != 1)
        return EXIT_FAILURE;
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
