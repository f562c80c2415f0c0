/* What is left of secrets in this process's memory: everything that can be written is searched, as
 * /proc/self/maps has it, for the master secrets that the key log names and for a client's private
 * key, as they are and in the forms that HMAC and a key log make of them. Two things must not put
 * there what is sought: the server, which is a process of its own and makes the keys, and the test,
 * which holds what it seeks masked. */

#include "bench/load/conductor.h"
#include "engine/haul.h"
#include "tests/lib/tls/tls_loopback.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { MASK = 0xa5, NEEDLE_BYTES_MAX = 96, SECRET_BYTES = 48, CHUNK_BYTES = 1 << 20 };

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

/* --- the search ------------------------------------------------------------------------------- */

/* Each byte is masked, so that the needle is not what is found. */
struct needle {
    unsigned char masked[NEEDLE_BYTES_MAX];
    size_t length;
};

/* As it is; as the inner and the outer pad of HMAC; as a key log has it; in words of 31 bits, the
 * lowest first, which are the numbers that BearSSL reckons with on the stack; and its last byte
 * first, as libcrypto has a number in words of the machine's. */
enum form { RAW, INNER, OUTER, HEX, WORDS, REVERSED, FORMS };

static const char *const form_names[FORMS] = {
    "as it is", "as an inner pad", "as an outer pad", "in hexadecimal", "in words", "reversed"};

static size_t form_length(const struct needle *needle, enum form form)
{
    if (form == WORDS)
        return needle->length * 8 / 31 * 4;
    return form == HEX ? 2 * needle->length : needle->length;
}

/* Of the number that the needle is, or whose end it is. */
static bool bit_at(const struct needle *needle, size_t at)
{
    return ((needle->masked[needle->length - 1 - at / 8] ^ MASK) >> at % 8 & 1) != 0;
}

static unsigned char word_byte(const struct needle *needle, size_t at)
{
    size_t from = at % 4 * 8;
    unsigned byte = 0;
    for (size_t bit = from; bit < from + 8 && bit < 31; bit++)
        byte |= (unsigned)bit_at(needle, at / 4 * 31 + bit) << (bit - from);
    return (unsigned char)byte;
}

static unsigned char form_byte(const struct needle *needle, enum form form, size_t at)
{
    static const unsigned char pads[FORMS] = {[INNER] = 0x36, [OUTER] = 0x5c};
    if (form == WORDS)
        return word_byte(needle, at);
    if (form == REVERSED)
        return needle->masked[needle->length - 1 - at] ^ MASK;
    unsigned char byte = needle->masked[form == HEX ? at / 2 : at] ^ MASK;
    return form == HEX ? (unsigned char)"0123456789abcdef"[at % 2 ? byte & 15 : byte >> 4]
                       : byte ^ pads[form];
}

static bool is_at(const unsigned char *bytes, const struct needle *needle, enum form form)
{
    size_t length = form_length(needle, form);
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != form_byte(needle, form, i))
            return false;
    return true;
}

/* The last place where it could begin is the last that is looked at. */
static size_t count_in(const unsigned char *bytes, size_t length, const struct needle *needle,
                       enum form form)
{
    const unsigned char *at = bytes;
    size_t count = 0;
    size_t own = form_length(needle, form);
    while (length >= own && at <= bytes + length - own &&
           (at = memchr(at, form_byte(needle, form, 0), (size_t)(bytes + length - own - at) + 1)))
        count += is_at(at++, needle, form);
    return count;
}

/* Reads of this process's memory are copies of it: into pages that are not searched. */
struct search {
    unsigned char *chunk;
    int memory_fd;
    const struct needle *needle;
    size_t counts[FORMS];
};

static void search_area(struct search *search, uintptr_t begin, uintptr_t end)
{
    enum { OVERLAP = 2 * NEEDLE_BYTES_MAX };
    for (uintptr_t at = begin; at < end; at += CHUNK_BYTES - OVERLAP) {
        size_t wanted = end - at < CHUNK_BYTES ? end - at : CHUNK_BYTES;
        ssize_t got = pread(search->memory_fd, search->chunk, wanted, (off_t)at);
        bool is_blank =
            got <= 0 || (search->chunk[0] == 0 &&
                         memcmp(search->chunk, search->chunk + 1, (size_t)got - 1) == 0);
        for (enum form form = RAW; !is_blank && form < FORMS; form++)
            search->counts[form] += count_in(search->chunk, (size_t)got, search->needle, form);
        if (wanted < CHUNK_BYTES)
            break;
    }
}

/* All areas that can be written but the chunk and what is too large to be anything but the shadow
 * of a sanitizer. */
static void search_areas(struct search *search)
{
    char line[512];
    unsigned long begin, end;
    char may[5];
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &begin, &end, may) == 3 && may[0] == 'r' && may[1] == 'w' &&
            end - begin < UINT64_C(1) << 36 &&
            (begin > (uintptr_t)search->chunk || end <= (uintptr_t)search->chunk))
            search_area(search, begin, end);
    fclose(maps);
}

static void search_do(struct search *search, const struct needle *needle)
{
    *search = (struct search){.needle = needle};
    /* of its own: a page between keeps the kernel from joining it to a neighbour */
    char *pages = mmap(NULL, CHUNK_BYTES + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + 4096, CHUNK_BYTES, PROT_READ | PROT_WRITE), 0);
    search->chunk = (unsigned char *)pages + 4096;
    search->memory_fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(search->memory_fd >= 0);
    search_areas(search);
    close(search->memory_fd);
    munmap(pages, CHUNK_BYTES + 8192);
}

static void assert_none(const char *what, const struct needle *needle)
{
    struct search search;
    search_do(&search, needle);
    for (enum form form = RAW; form < FORMS; form++)
        if (search.counts[form] > 0)
            fail_msg("%s, %s: found %zu times", what, form_names[form], search.counts[form]);
}

/* It is there, and no more often than it is needed, as it is and as libcrypto has it. */
static void assert_some(const char *what, const struct needle *needle, size_t at_most,
                        size_t reversed_at_most)
{
    const size_t most[FORMS] = {[RAW] = at_most, [REVERSED] = reversed_at_most};
    struct search search;
    search_do(&search, needle);
    if (search.counts[at_most > 0 ? RAW : REVERSED] == 0)
        fail_msg("%s: not found, though it must be there", what);
    for (enum form form = RAW; form < FORMS; form++)
        if (search.counts[form] > most[form])
            fail_msg("%s, %s: found %zu times", what, form_names[form], search.counts[form]);
}

/* Every form is found wherever it is put, and no more once it is wiped. */
static void the_search_finds_what_is_there(void **state)
{
    struct needle needle = {.length = SECRET_BYTES};
    unsigned char stack[2 * SECRET_BYTES];
    unsigned char *heap = malloc(sizeof stack);
    unsigned char *const places[] = {stack, heap};
    (void)state;
    assert_non_null(heap);
    for (size_t i = 0; i < needle.length; i++)
        needle.masked[i] = (unsigned char)(i * 37 + 11);
    assert_none("nothing", &needle);
    for (size_t place = 0; place < COUNT(places); place++)
        for (enum form form = RAW; form < FORMS; form++) {
            struct search search;
            for (size_t i = 0; i < form_length(&needle, form); i++)
                places[place][i] = form_byte(&needle, form, i);
            search_do(&search, &needle);
            for (enum form other = RAW; other < FORMS; other++)
                assert_int_equal(search.counts[other], other == form);
            explicit_bzero(places[place], sizeof stack);
            assert_none("what is wiped", &needle);
        }
    free(heap);
}

/* --- the server, in a process of its own ------------------------------------------------------ */

#define OK "HTTP/1.1 200 OK\r\n"
#define REPLY OK "Content-Length: 1\r\n\r\na"
#define LAST_REPLY OK "Connection: close\r\nContent-Length: 1\r\n\r\na"

/* A private key in a file: a part of its text, and its number. */
struct key {
    char path[48];
    struct needle text;
    struct needle value;
};

struct offer {
    uint16_t port;
    char roots[48];
    struct key ec;  /* of a certificate that the server asks for */
    struct key rsa; /* of one of its own */
};

struct peer {
    struct offer offer;
    pid_t process;
    int end_fd; /* its end is the peer's */
};

static void needle_mask(struct needle *needle, const void *bytes, size_t length)
{
    needle->length = length;
    for (size_t i = 0; i < length; i++)
        needle->masked[i] = ((const unsigned char *)bytes)[i] ^ MASK;
}

/* Of a number the end, where no encoding adds a zero. */
static bool value_read(EVP_PKEY *key, struct needle *ret_value)
{
    BIGNUM *number = NULL;
    unsigned char bytes[512];
    bool is_rsa = EVP_PKEY_is_a(key, "RSA");
    if (!EVP_PKEY_get_bn_param(key, is_rsa ? OSSL_PKEY_PARAM_RSA_FACTOR1 : OSSL_PKEY_PARAM_PRIV_KEY,
                               &number))
        return false;
    int length = BN_bn2bin(number, bytes);
    size_t own = length > 40 ? 40 : (size_t)length - 2;
    needle_mask(ret_value, bytes + (size_t)length - own, own);
    BN_free(number);
    return true;
}

/* The key's second line has what only this key has. */
static bool key_offer(struct key *key, const char *path)
{
    static const char begin[] = "PRIVATE KEY-----\n";
    static char text[1 << 16];
    const char *number = path + strlen("/proc/self");
    snprintf(key->path, sizeof key->path, "/proc/%d%s", (int)getpid(), number);
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[length] = '\0';
    const char *at = strstr(text, begin);
    rewind(file);
    EVP_PKEY *private = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    if (!at || !private || !value_read(private, &key->value))
        return false;
    needle_mask(&key->text, at + sizeof begin - 1 + 65, 40);
    EVP_PKEY_free(private);
    return true;
}

static bool rsa_offer(struct key *key)
{
    char path[32];
    int fd = memfd_create("rsa", 0);
    struct certs_pair pair =
        certs_make(&(struct certs_spec){.common_name = "client", .key = "2048"}, NULL);
    char *texts[] = {certs_pem(pair.certificate), certs_key_pem(pair.key, CERTS_PKCS8)};
    bool is_written = fd >= 0;
    for (size_t i = 0; i < COUNT(texts); i++)
        is_written &= write(fd, texts[i], strlen(texts[i])) == (ssize_t)strlen(texts[i]);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return is_written && key_offer(key, path);
}

/* Of the client, and the one that the server speaks. */
struct turn {
    enum haul_backend backend;
    int version;
    enum haul_loop loop;     /* of the library, */
    enum client_kind client; /* of load */
};

/* Serves until the other end of end_fd is closed. */
static int serve(const struct loopback_script *scripts, size_t count, int version, int offer_fd,
                 int end_fd)
{
    struct offer offer = {0};
    char end;
    tls_loopback_version(version);
    loopback_use(tls_loopback_layer());
    tls_loopback_ask(true);
    struct loopback *loopback = loopback_open(scripts, count);
    if (!loopback || !key_offer(&offer.ec, tls_loopback_client()) || !rsa_offer(&offer.rsa))
        return EXIT_FAILURE;
    offer.port = loopback_port(loopback);
    snprintf(offer.roots, sizeof offer.roots, "/proc/%d%s", (int)getpid(),
             tls_loopback_roots() + strlen("/proc/self"));
    if (write(offer_fd, &offer, sizeof offer) != sizeof offer)
        return EXIT_FAILURE;
    while (read(end_fd, &end, 1) < 0 && errno == EINTR)
        ;
    return EXIT_SUCCESS;
}

static void peer_open(struct peer *peer, const struct loopback_script *scripts, size_t count,
                      int version)
{
    int offer_fds[2], end_fds[2];
    assert_int_equal(pipe2(offer_fds, O_CLOEXEC), 0);
    assert_int_equal(pipe2(end_fds, O_CLOEXEC), 0);
    peer->process = fork();
    assert_true(peer->process >= 0);
    if (peer->process == 0) {
        close(end_fds[1]);
        _exit(serve(scripts, count, version, offer_fds[1], end_fds[0]));
    }
    close(offer_fds[1]);
    close(end_fds[0]);
    peer->end_fd = end_fds[1];
    assert_int_equal(read(offer_fds[0], &peer->offer, sizeof peer->offer), sizeof peer->offer);
    close(offer_fds[0]);
}

static void peer_close(struct peer *peer)
{
    int status;
    close(peer->end_fd);
    assert_int_equal(waitpid(peer->process, &status, 0), peer->process);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}

/* --- the key log ------------------------------------------------------------------------------ */

struct key_log {
    char path[32];
    int fd;
};

static void key_log_open(struct key_log *log)
{
    log->fd = memfd_create("key log", MFD_CLOEXEC);
    assert_true(log->fd >= 0);
    snprintf(log->path, sizeof log->path, "/proc/self/fd/%d", log->fd);
}

/* A byte at a time, to leave none behind; 0: the end. */
static char key_log_byte(const struct key_log *log, off_t at)
{
    char byte = 0;
    return pread(log->fd, &byte, 1, at) == 1 ? byte : '\0';
}

static bool key_log_has(const struct key_log *log, off_t at, const char *text)
{
    while (*text && key_log_byte(log, at) == *text)
        at++, text++;
    return !*text;
}

static off_t key_log_after(const struct key_log *log, off_t at, char end)
{
    char byte;
    while ((byte = key_log_byte(log, at++)) != end)
        assert_true(byte != '\0');
    return at;
}

static unsigned digit_read(const struct key_log *log, off_t at)
{
    char digit = key_log_byte(log, at);
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* How many lines have this label, or where the secret of one of them begins, at its second space
 * (NSS key log format). */
static size_t key_log_walk(const struct key_log *log, const char *label, size_t line,
                           off_t *ret_secret)
{
    size_t count = 0;
    for (off_t at = 0; key_log_byte(log, at); at = key_log_after(log, at, '\n')) {
        if (!key_log_has(log, at, label) || key_log_byte(log, at + (off_t)strlen(label)) != ' ')
            continue;
        if (count++ == line && ret_secret)
            *ret_secret = key_log_after(log, key_log_after(log, at, ' '), ' ');
    }
    return count;
}

static size_t key_log_lines(const struct key_log *log, const char *label)
{
    return key_log_walk(log, label, 0, NULL);
}

static struct needle key_log_read(const struct key_log *log, const char *label, size_t line)
{
    struct needle secret = {0};
    off_t at = 0;
    assert_true(key_log_walk(log, label, line, &at) > line);
    for (; key_log_byte(log, at) != '\n'; at += 2)
        secret.masked[secret.length++] =
            (unsigned char)((digit_read(log, at) << 4 | digit_read(log, at + 1)) ^ MASK);
    return secret;
}

/* --- the library ------------------------------------------------------------------------------ */

static void ask(struct haul *haul, const char *host, uint16_t port, bool *ret_is_resumed)
{
    char url[64];
    const struct haul_result *result;
    int error;
    snprintf(url, sizeof url, "https://%s:%u/a", host, port);
    assert_int_equal(haul_submit(haul, &(struct haul_request){.url = url}), 0);
    while ((error = haul_next(haul, &result, -1)) == -EINTR)
        ;
    assert_int_equal(error, 0);
    if (result->error)
        fail_msg("%s: %s", url, result->message);
    *ret_is_resumed = result->tls_resumed;
    haul_release(haul, result);
}

/* false: this machine refuses it. */
static bool library_open(struct haul **ret_haul, const struct haul_options *options)
{
    int error = haul_open(ret_haul, options);
    if (error && options->loop == HAUL_LOOP_URING)
        return false;
    assert_int_equal(error, 0);
    return true;
}

static const char *const labels_12[] = {"CLIENT_RANDOM", NULL};
static const char *const labels_13[] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                                        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                                        "CLIENT_TRAFFIC_SECRET_0",
                                        "SERVER_TRAFFIC_SECRET_0",
                                        "EXPORTER_SECRET",
                                        NULL};

static const char *const *labels_of(const struct turn *turn)
{
    return turn->version == TLS1_3_VERSION ? labels_13 : labels_12;
}

/* Reversed: for handshakes of BearSSL, whose signatures may be libcrypto's, and for libssl's. */
static void assert_some_key(const struct needle *value, enum haul_backend backend)
{
    assert_some("a private key while the engine lives", value, backend == HAUL_BACKEND_BEARSSL, 2);
}

/* Of three connections, of which the last may be open. In TLS 1.2 they share a master secret, which
 * is in the session that is kept, and in the connection. */
static void check_secrets(const struct turn *turn, const struct key_log *log, bool is_open)
{
    for (const char *const *label = labels_of(turn); *label; label++) {
        assert_int_equal(key_log_lines(log, *label), 3);
        for (size_t line = 0; line < 3; line++) {
            struct needle secret = key_log_read(log, *label, line);
            bool is_past =
                strstr(*label, "HANDSHAKE") || (turn->version == TLS1_3_VERSION && line < 2);
            if (is_open && !is_past)
                assert_some(*label, &secret, 2, 0);
            else
                assert_none(*label, &secret);
        }
    }
}

/* A full handshake, a resumed one, and one whose connection is open when the engine closes. */
static void library_forgets(void **state)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY}, {EXPECT_END}),
        SCRIPT({EXPECT, "GET /a "}, {SEND, REPLY}, {EXPECT_END}),
    };
    const struct turn *turn = *state;
    struct key_log log;
    struct peer peer;
    struct haul *haul;
    bool is_resumed;
    peer_open(&peer, scripts, COUNT(scripts), turn->version);
    key_log_open(&log);
    struct haul_tls tls = {.ca_file = peer.offer.roots,
                           .client_certificate = peer.offer.ec.path,
                           .key_log = log.path,
                           .backend = turn->backend};
    struct haul_options options = {.loop = turn->loop, .concurrency = 2, .tls = &tls};
    if (library_open(&haul, &options)) {
        for (int i = 0; i < 3; i++) {
            ask(haul, "127.0.0.1", peer.offer.port, &is_resumed);
            assert_int_equal(is_resumed, i > 0);
        }
        check_secrets(turn, &log, true);
        assert_some_key(&peer.offer.ec.value, tls.backend);
        assert_none("the text of a private key", &peer.offer.ec.text);
        haul_close(haul);
        check_secrets(turn, &log, false);
        assert_none("a private key", &peer.offer.ec.value);
        assert_none("the text of a private key", &peer.offer.ec.text);
    }
    close(log.fd);
    peer_close(&peer);
}

/* Sessions of more hosts than there is room for. */
static void an_origin_forgets_what_it_replaces(void **state)
{
    enum { HOSTS = 100 }; /* more than are known at the least window */
    static const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "GET /a "}, {SEND, LAST_REPLY}, {EXPECT_END})};
    struct key_log log;
    struct peer peer;
    struct haul *haul;
    char host[32], target[32];
    bool is_resumed;
    (void)state;
    peer_open(&peer, scripts, 1, TLS1_2_VERSION);
    key_log_open(&log);
    snprintf(target, sizeof target, "::127.0.0.1:%u", peer.offer.port);
    const struct haul_tls tls = {
        .insecure = true, .client_certificate = peer.offer.ec.path, .key_log = log.path};
    assert_int_equal(
        haul_open(&haul, &(struct haul_options){.concurrency = 1,
                                                .window = 1,
                                                .connect_to = (const char *const[]){target, NULL},
                                                .tls = &tls}),
        0);
    for (int i = 0; i < HOSTS; i++) {
        snprintf(host, sizeof host, "h%d.test", i);
        ask(haul, host, peer.offer.port, &is_resumed);
        assert_false(is_resumed);
    }
    struct needle first = key_log_read(&log, "CLIENT_RANDOM", 0);
    struct needle last = key_log_read(&log, "CLIENT_RANDOM", HOSTS - 1);
    assert_none("the session of an origin that was replaced", &first);
    assert_some("the session of one that was not", &last, 2, 0);
    haul_close(haul);
    assert_none("the last session", &last);
    close(log.fd);
    peer_close(&peer);
}

/* An engine that never connects, and one that cannot be opened: the key is another's. */
static void keys_of_rsa_are_forgotten(void **state)
{
    static const struct loopback_script scripts[] = {SCRIPT({EXPECT_END})};
    struct peer peer;
    struct haul *haul;
    peer_open(&peer, scripts, 1, TLS1_2_VERSION);
    struct haul_tls tls = {.at_open = true,
                           .ca_file = peer.offer.roots,
                           .client_certificate = peer.offer.rsa.path,
                           .backend = ((const struct turn *)*state)->backend};
    const struct haul_options options = {.tls = &tls};
    assert_int_equal(haul_open(&haul, &options), 0);
    assert_some_key(&peer.offer.rsa.value, tls.backend);
    assert_none("the text of a private key", &peer.offer.rsa.text);
    haul_close(haul);
    assert_none("a private key", &peer.offer.rsa.value);
    tls.client_key = peer.offer.ec.path;
    assert_int_equal(haul_open(&haul, &options), -EKEYREJECTED);
    assert_none("a private key that was refused", &peer.offer.ec.value);
    assert_none("the text of a private key that was refused", &peer.offer.ec.text);
    assert_none("the text of a private key beside its certificate", &peer.offer.rsa.text);
    peer_close(&peer);
}

/* --- load ------------------------------------------------------------------------------------- */

/* Two connections that are open at the end, and one before them whose session they resume. */
static void load_forgets(void **state)
{
    static const struct loopback_script scripts[] = {
        SCRIPT({EXPECT_END}), /* the run sees whether somebody is there */
        SCRIPT({EXPECT, "GET /a "}, {SEND, LAST_REPLY}, {CLOSE}),
        SCRIPT_REPEAT({EXPECT, "GET /a "}, {SEND, REPLY}, {EXPECT, "GET /a "}, {SEND, REPLY},
                      {EXPECT, "GET /a "}, {SEND, REPLY}, {EXPECT, "GET /a "}, {SEND, REPLY},
                      {EXPECT, "GET /a "}, {SEND, REPLY}, {EXPECT, "GET /a "}, {SEND, REPLY}),
    };
    const struct turn *turn = *state;
    struct key_log log;
    struct peer peer;
    struct load_result result;
    char url[64], message[200] = "";
    const char *urls[] = {url};
    peer_open(&peer, scripts, COUNT(scripts), turn->version);
    key_log_open(&log);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/a", peer.offer.port);
    struct load_options options = {.urls = urls,
                                   .url_count = 1,
                                   .client = turn->client,
                                   .connections = 2,
                                   .requests = 6,
                                   .tls = {.ca_file = peer.offer.roots,
                                           .client_certificate = peer.offer.ec.path,
                                           .key_log = log.path,
                                           .backend = turn->backend}};
    int error = load_run(&options, NULL, &result, message, sizeof message);
    if (error == 0) {
        assert_int_equal(result.stats.replies, 6);
        load_result_close(&result);
        for (const char *const *label = labels_of(turn); *label; label++) {
            assert_true(key_log_lines(&log, *label) >= 2);
            for (size_t line = 0; line < key_log_lines(&log, *label); line++) {
                struct needle secret = key_log_read(&log, *label, line);
                assert_none(*label, &secret);
            }
        }
        assert_none("a private key", &peer.offer.ec.value);
        assert_none("the text of a private key", &peer.offer.ec.text);
    } else if (options.client != CLIENT_URING) {
        fail_msg("%s", message);
    }
    close(log.fd);
    peer_close(&peer);
}

int main(void)
{
    static struct turn turns[] = {
        {HAUL_BACKEND_BEARSSL, TLS1_2_VERSION, HAUL_LOOP_URING, CLIENT_URING},
        {HAUL_BACKEND_BEARSSL, TLS1_2_VERSION, HAUL_LOOP_EPOLL, CLIENT_EPOLL},
        {HAUL_BACKEND_BEARSSL, TLS1_2_VERSION, HAUL_LOOP_EPOLL, CLIENT_THREADS},
        {HAUL_BACKEND_OPENSSL, TLS1_2_VERSION, HAUL_LOOP_URING, CLIENT_URING},
        {HAUL_BACKEND_OPENSSL, TLS1_3_VERSION, HAUL_LOOP_EPOLL, CLIENT_EPOLL},
        {HAUL_BACKEND_OPENSSL, TLS1_3_VERSION, HAUL_LOOP_URING, CLIENT_THREADS},
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_finds_what_is_there),
        cmocka_unit_test_prestate(library_forgets, &turns[0]),
        cmocka_unit_test_prestate(library_forgets, &turns[1]),
        cmocka_unit_test(an_origin_forgets_what_it_replaces),
        cmocka_unit_test_prestate(keys_of_rsa_are_forgotten, &turns[0]),
        cmocka_unit_test_prestate(load_forgets, &turns[0]),
        cmocka_unit_test_prestate(load_forgets, &turns[1]),
        cmocka_unit_test_prestate(load_forgets, &turns[2]),
    };
    const struct CMUnitTest tests_of_openssl[] = {
        cmocka_unit_test_prestate(library_forgets, &turns[3]),
        cmocka_unit_test_prestate(library_forgets, &turns[4]),
        cmocka_unit_test_prestate(library_forgets, &turns[5]),
        cmocka_unit_test_prestate(keys_of_rsa_are_forgotten, &turns[3]),
        cmocka_unit_test_prestate(load_forgets, &turns[3]),
        cmocka_unit_test_prestate(load_forgets, &turns[4]),
        cmocka_unit_test_prestate(load_forgets, &turns[5]),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (haul_openssl_version())
        failed += cmocka_run_group_tests(tests_of_openssl, NULL, NULL);
    return failed;
}
