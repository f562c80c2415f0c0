/* Coded bodies through the engine, plain and over TLS: what is handed out decoded, what is left as
 * it came, what is refused and at which stage; while memory is short, and whatever goes wrong. */

#include "engine/engine.h"
#include "tests/lib/coded.h"
#include "tests/lib/engine/chance.h"
#include "tests/lib/engine/engine_rows.h"
#include "tests/lib/fault.h"
#include "tests/lib/tls/tls_loopback.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_BYTES = 200, MIB = 1 << 20 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const kinds[] = {"gzip", "deflate", "raw", "br", "zstd"};

static const char *named(const char *kind)
{
    return strcmp(kind, "raw") == 0 ? "deflate" : kind;
}

static struct haul *open_compressed(uint32_t concurrency)
{
    return gathering_open(&(struct haul_options){
        .concurrency = concurrency, .keep_bodies = true, .compressed = true});
}

/* A reply: its head's lines, framing, and body. */
enum framing { BY_LENGTH, BY_CHUNKS, BY_CLOSE };

static struct span make_reply(const char *fields, struct span body, enum framing framing)
{
    char *bytes = malloc(body.length + HEAD_BYTES);
    assert_non_null(bytes);
    size_t length = (size_t)sprintf(bytes, "HTTP/1.1 200 OK\r\n%s", fields);
    if (framing == BY_LENGTH)
        length += (size_t)sprintf(bytes + length, "Content-Length: %zu\r\n\r\n", body.length);
    else if (framing == BY_CLOSE)
        length += (size_t)sprintf(bytes + length, "\r\n");
    else
        length += (size_t)sprintf(bytes + length, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
                                  body.length);
    memcpy(bytes + length, body.bytes, body.length);
    length += body.length;
    if (framing == BY_CHUNKS)
        length += (size_t)sprintf(bytes + length, "\r\n0\r\n\r\n");
    return (struct span){bytes, length};
}

static struct span coded_reply(const char *kind, struct span plain, enum framing framing)
{
    char fields[64];
    struct span body = coded_make(kind, plain);
    snprintf(fields, sizeof fields, "Content-Encoding: %s\r\n", named(kind));
    struct span reply = make_reply(fields, body, framing);
    free((void *)(uintptr_t)body.bytes);
    return reply;
}

static void drop(struct span span)
{
    free((void *)(uintptr_t)span.bytes);
}

/* --- rows of one reply ------------------------------------------------------------------------ */

static const struct haul_result *ask(struct haul *haul, const struct loopback *server,
                                     const char *request)
{
    gathering_submit(haul, server, request);
    return gathering_next(haul);
}

static void check_body(const struct haul_result *result, struct span plain)
{
    char *bytes = malloc(plain.length + 1);
    assert_non_null(bytes);
    if (result->error)
        fail_msg("%s: %s", haul_error_name(result->error), result->message);
    assert_int_equal(result->body_bytes, plain.length);
    assert_int_equal(haul_body_copy(result, bytes, plain.length + 1), plain.length);
    assert_memory_equal(bytes, plain.bytes, plain.length);
    free(bytes);
}

/* The same connection carries the next request, where its reply allows that. */
static void all_codings_in_all_framings(void)
{
    enum { LENGTH = 50000 };
    char *text = coded_text(LENGTH);
    struct span plain = {text, LENGTH};
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (enum framing framing = BY_LENGTH; framing <= BY_CLOSE && coded_is_there(kinds[i]);
             framing++) {
            struct span reply = coded_reply(kinds[i], plain, framing);
            char field[64];
            snprintf(field, sizeof field, "\r\nAccept-Encoding: %s\r\n", haul_codings());
            const struct loopback_script scripts[] = {
                SCRIPT({EXPECT, "GET /a "}, {HAS, field}, {SEND, reply.bytes, reply.length},
                       {framing == BY_CLOSE ? CLOSE : EXPECT, "GET /b "}, {SEND, REPLY(1, "b")},
                       {EXPECT_END}),
                SCRIPT({EXPECT, "GET /b "}, {SEND, REPLY(1, "b")}, {EXPECT_END})};
            struct loopback *server = loopback_open(scripts, framing == BY_CLOSE ? 2 : 1);
            struct haul *haul = open_compressed(1);
            const struct haul_result *result = ask(haul, server, "/a");
            check_body(result, plain);
            assert_int_equal(result->codings, 1);
            assert_int_equal(result->codings_kept, 0);
            assert_in_range(result->body_wire_bytes, 100, LENGTH - 1);
            haul_release(haul, result);
            result = ask(haul, server, "/b");
            check_body(result, SPAN("b"));
            assert_int_equal(result->body_wire_bytes, 1);
            assert_int_equal(result->codings, 0);
            assert_int_equal(result->reused_connection, framing != BY_CLOSE);
            haul_release(haul, result);
            gathering_close(haul);
            loopback_close(server); /* after CLOSE the first script is not played to its end */
            drop(reply);
        }
    free(text);
}

/* A body that its framing says is whole ends too early for its coding: the connection is as good as
 * ever. One that the connection cuts off is truncated, whatever its coding says. */
static void every_truncation(void)
{
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (!coded_is_there(kinds[i]))
            continue;
        struct span body = coded_make(kinds[i], SPAN("some words, some words, and more of them"));
        struct haul *haul = open_compressed(1);
        for (size_t cut = 1; cut < body.length; cut += 3) {
            char fields[64];
            snprintf(fields, sizeof fields, "Content-Encoding: %s\r\n", named(kinds[i]));
            struct span part = make_reply(fields, (struct span){body.bytes, cut}, BY_LENGTH);
            struct span cut_off = make_reply(fields, body, BY_LENGTH);
            const struct loopback_script scripts[] = {
                SCRIPT({EXPECT, "GET /a "}, {SEND, part.bytes, part.length}, {EXPECT, "GET /b "},
                       {SEND, cut_off.bytes, cut_off.length - (body.length - cut)}, {CLOSE})};
            struct loopback *server = loopback_open(scripts, 1);
            const struct haul_result *result = ask(haul, server, "/a");
            assert_int_equal(result->error, HAUL_ENCODING);
            assert_int_equal(result->stage, HAUL_STAGE_BODY);
            assert_int_equal(result->body_wire_bytes, cut);
            haul_release(haul, result);
            result = ask(haul, server, "/b");
            assert_int_equal(result->error, HAUL_TRUNCATED);
            assert_true(result->reused_connection);
            haul_release(haul, result);
            assert_loopback(server);
            drop(part);
            drop(cut_off);
        }
        gathering_close(haul);
        drop(body);
    }
}

static void a_damaged_body_is_refused(void)
{
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (!coded_is_there(kinds[i]) || strcmp(kinds[i], "br") == 0 ||
            strcmp(kinds[i], "raw") == 0)
            continue; /* which have no sum */
        char *text = coded_text(200000);
        struct span reply = coded_reply(kinds[i], (struct span){text, 200000}, BY_CHUNKS);
        char *bytes = (char *)(uintptr_t)reply.bytes;
        memset(bytes + reply.length / 2, 0xff, 300);
        const struct loopback_script scripts[] = {
            SCRIPT({EXPECT, "GET /a "}, {SEND, reply.bytes, reply.length}, {HOLD})};
        struct loopback *server = loopback_open(scripts, 1);
        struct haul *haul = open_compressed(1);
        const struct haul_result *result = ask(haul, server, "/a");
        assert_int_equal(result->error, HAUL_ENCODING);
        assert_int_equal(result->stage, HAUL_STAGE_BODY);
        assert_int_equal(result->status, 200);
        assert_in_range(result->body_bytes, 0, 400000); /* what was good is handed out */
        haul_release(haul, result);
        gathering_close(haul);
        assert_loopback(server);
        drop(reply);
        free(text);
    }
}

#define GZIPPED_HI                                                                                 \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\xc8\x04\x00\xac\x2a\x93\xd8\x02\x00\x00\x00"
#define GZIP_FIELD "Content-Encoding: gzip\r\nContent-Length: 22\r\n\r\n"

#define ONE(head, ...)                                                                             \
    SCRIPTS({{{EXPECT, ""}, {SEND, head GZIPPED_HI, sizeof(head GZIPPED_HI) - 1}, __VA_ARGS__}})
#define KEPT                                                                                       \
    {                                                                                              \
        EXPECT_END                                                                                 \
    }

static const struct gathering_row rows[] = {
    {"a small gzip", ONE(OK GZIP_FIELD, KEPT), {"/"}, {.compressed = true}, "200 ok 'hi'\n"},
    {"two fields, and x-gzip",
     ONE(OK
         "content-encoding: Identity\r\nContent-Encoding:  x-GZIP \r\nContent-Length: 22\r\n\r\n",
         KEPT),
     {"/"},
     {.compressed = true},
     "200 ok 'hi'\n"},
    {"not asked for, it stays as it came",
     ONE(OK GZIP_FIELD, KEPT),
     {"/"},
     {.compressed = false},
     "200 ok '\x1f\x8b\x08'\n"}, /* up to the first zero */
    {"a part stays as it came",
     ONE("HTTP/1.1 206 Partial Content\r\n" GZIP_FIELD, KEPT),
     {"/"},
     {.compressed = true},
     "206 ok '\x1f\x8b\x08'\n"},
    {"a reply to HEAD has no body to decode",
     SCRIPTS(SCRIPT({EXPECT, "HEAD "}, {SEND, OK GZIP_FIELD}, {EXPECT_END})),
     {"HEAD /"},
     {.compressed = true},
     "200 ok ''\n"},
    {"nor has 304",
     SCRIPTS(SCRIPT({EXPECT, "GET "}, {SEND, "HTTP/1.1 304 Not Modified\r\n" GZIP_FIELD},
                    {EXPECT_END})),
     {"/"},
     {.compressed = true},
     "304 ok ''\n"},
    {"a body without a byte is whole",
     SCRIPTS(SCRIPT({EXPECT, "GET "},
                    {SEND, OK "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"},
                    {EXPECT_END})),
     {"/"},
     {.compressed = true},
     "200 ok ''\n"},
    {"an unknown coding is refused at the head",
     SCRIPTS(SCRIPT({EXPECT, "GET "},
                    {SEND, OK "Content-Encoding: exi\r\nContent-Length: 3\r\n\r\n"}, {HOLD})),
     {"/"},
     {.compressed = true},
     "200 encoding@head ''\n"},
    {"not asked for, it is left alone",
     SCRIPTS(SCRIPT({EXPECT, "GET "},
                    {SEND, OK "Content-Encoding: exi\r\nContent-Length: 3\r\n\r\nabc"},
                    {EXPECT_END})),
     {"/"},
     {.compressed = false},
     "200 ok 'abc'\n"},
    {"six codings are too many",
     ONE(OK "Content-Encoding: gzip, gzip, gzip\r\nContent-Encoding: gzip, gzip, gzip\r\n"
            "Content-Length: 22\r\n\r\n",
         {HOLD}),
     {"/"},
     {.compressed = true},
     "200 limit@head ''\n"},
    {"what is no gzip is refused",
     SCRIPTS(SCRIPT({EXPECT, "GET "}, {SEND, OK GZIP_FIELD "this is plain text, it "}, {HOLD})),
     {"/"},
     {.compressed = true},
     "200 encoding@body ''\n"},
    {"a limit of the body is one of the decoded body",
     ONE(OK GZIP_FIELD, {HOLD}),
     {"/"},
     {.compressed = true, .max_body = 1},
     "200 limit@body 'h'\n"},
    {"and not of what came",
     ONE(OK GZIP_FIELD, KEPT),
     {"/"},
     {.compressed = true, .max_body = 2},
     "200 ok 'hi'\n"},
};

static void fields_of_the_caller_count(void)
{
    static const char *const headers[] = {"Accept-Encoding: br;q=1", NULL};
    static const struct loopback_script scripts[] = {SCRIPT(
        {EXPECT, "GET /a "}, {HAS, "Accept-Encoding: br;q=1\r\n"}, {LACKS, "gzip"},
        {SEND, OK GZIP_FIELD GZIPPED_HI, sizeof(OK GZIP_FIELD GZIPPED_HI) - 1}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul = gathering_open(&(struct haul_options){
        .concurrency = 1, .keep_bodies = true, .compressed = true, .headers = headers});
    gathering_submit(haul, server, "/a");
    gathering_expect(haul, "200 ok 'hi'\n");
    gathering_close(haul);
    assert_loopback(server);
}

static void what_stays_coded_is_told(void)
{
    static const struct loopback_script scripts[] = {SCRIPT(
        {EXPECT, "GET /a "}, {LACKS, "Accept-Encoding"},
        {SEND, OK GZIP_FIELD GZIPPED_HI, sizeof(OK GZIP_FIELD GZIPPED_HI) - 1}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul *haul =
        gathering_open(&(struct haul_options){.concurrency = 1, .keep_bodies = true});
    const struct haul_result *result = ask(haul, server, "/a");
    assert_int_equal(result->codings, 0);
    assert_int_equal(result->codings_kept, 1);
    assert_int_equal(result->body_bytes, 22);
    assert_int_equal(result->body_wire_bytes, 22);
    haul_release(haul, result);
    gathering_close(haul);
    assert_loopback(server);
}

/* Of what is only counted nothing is kept, and it is decoded all the same. */
static void bombs_are_refused(void)
{
    static const struct {
        const char *kind;
        uint64_t max_ratio;
        enum haul_error error;
    } bombs[] = {{"gzip", 0, HAUL_LIMIT},
                 {"zstd", 0, HAUL_LIMIT},
                 {"br", 0, HAUL_LIMIT},
                 {"br", UINT64_MAX, HAUL_OK},
                 {"gzip", UINT64_MAX, HAUL_OK}};
    char *zeros = calloc(1, 80 * MIB);
    assert_non_null(zeros);
    for (size_t i = 0; i < COUNT(bombs); i++) {
        if (!coded_is_there(bombs[i].kind))
            continue;
        struct span inner = coded_make(bombs[i].kind, (struct span){zeros, 80 * MIB});
        char fields[64];
        snprintf(fields, sizeof fields, "Content-Encoding: %s,gzip\r\n", bombs[i].kind);
        struct span body = coded_make("gzip", inner);
        struct span reply = make_reply(fields, body, BY_LENGTH);
        const struct loopback_script scripts[] = {
            SCRIPT({EXPECT, "GET /a "}, {SEND, reply.bytes, reply.length}, {HOLD})};
        struct loopback *server = loopback_open(scripts, 1);
        struct haul *haul = gathering_open(&(struct haul_options){
            .concurrency = 1, .compressed = true, .max_ratio = bombs[i].max_ratio});
        const struct haul_result *result = ask(haul, server, "/a");
        assert_int_equal(result->error, bombs[i].error);
        assert_in_range(result->body_bytes, bombs[i].error ? MIB : 80 * MIB,
                        bombs[i].error ? 2 * MIB : 80 * MIB);
        haul_release(haul, result);
        gathering_close(haul);
        assert_loopback(server);
        drop(inner);
        drop(body);
        drop(reply);
    }
    free(zeros);
}

/* --- while memory is short -------------------------------------------------------------------- */

/* Each reply is a few KB, and 5 MB decoded, of which the blocks hold two or three: who cannot go on
 * waits, half decoded, and all of them come. */
static void check_shortage(bool is_unordered, bool in_parts, bool is_chunked)
{
    enum { REQUESTS = 12, LENGTH = 5000000 };
    char *zeros = calloc(1, LENGTH);
    assert_non_null(zeros);
    memset(zeros, 'z', LENGTH);
    struct span plain = {zeros, LENGTH};
    struct span reply = coded_reply("gzip", plain, is_chunked ? BY_CHUNKS : BY_LENGTH);
    const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "GET /"}, {SEND, reply.bytes, reply.length}, {EXPECT_END})};
    struct loopback *server = loopback_open(scripts, 1);
    static const char *const headers[] = {"Connection: close", NULL};
    struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 8,
                                                              .keep_bodies = true,
                                                              .stream_bodies = in_parts,
                                                              .unordered = is_unordered,
                                                              .compressed = true,
                                                              .headers = headers,
                                                              .max_ratio = UINT64_MAX,
                                                              .body_bytes = 20 * MIB});
    for (int i = 0; i < REQUESTS; i++)
        gathering_submit(haul, server, "/");
    uint64_t received = 0;
    for (int done = 0; done < REQUESTS;) {
        const struct haul_result *result = gathering_next(haul);
        if (result->error)
            fail_msg("%s: %s", haul_error_name(result->error), result->message);
        for (const struct haul_piece *piece = result->body; piece; piece = piece->next) {
            assert_memory_equal(piece->bytes, zeros, piece->length);
            received += piece->length;
        }
        done += !result->more;
        haul_release(haul, result);
    }
    assert_int_equal(received, (uint64_t)REQUESTS * LENGTH);
    gathering_close(haul);
    loopback_close(server);
    drop(reply);
    free(zeros);
}

static void all_come_while_memory_is_short(void)
{
    for (int i = 0; i < 4; i++)
        check_shortage(i & 1, i & 2, i == 1 || i == 2);
}

/* Nobody releases anything before it has to. */
static void a_caller_who_keeps_results_is_told(void)
{
    enum { REQUESTS = 8, LENGTH = 6000000 };
    char *zeros = calloc(1, LENGTH);
    assert_non_null(zeros);
    struct span reply = coded_reply("gzip", (struct span){zeros, LENGTH}, BY_LENGTH);
    const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "GET /"}, {SEND, reply.bytes, reply.length}, {EXPECT_END})};
    static const char *const headers[] = {"Connection: close", NULL};
    for (int is_unordered = 0; is_unordered < 2; is_unordered++) {
        struct loopback *server = loopback_open(scripts, 1);
        struct haul *haul = gathering_open(&(struct haul_options){.concurrency = 4,
                                                                  .keep_bodies = true,
                                                                  .unordered = is_unordered,
                                                                  .compressed = true,
                                                                  .headers = headers,
                                                                  .max_ratio = UINT64_MAX,
                                                                  .body_bytes = 20 * MIB});
        const struct haul_result *kept[REQUESTS];
        int count = 0, busy = 0;
        for (int i = 0; i < REQUESTS; i++)
            gathering_submit(haul, server, "/");
        for (int taken = 0; taken < REQUESTS;) {
            int error = gathering_try(haul, &kept[count], GATHERING_PATIENCE_MS);
            if (error == -EBUSY) {
                assert_true(count > 0);
                busy++;
                haul_release(haul, kept[--count]);
                continue;
            }
            assert_int_equal(error, 0);
            assert_int_equal(kept[count]->error, HAUL_OK);
            assert_int_equal(kept[count]->body_bytes, LENGTH);
            count++;
            taken++;
        }
        assert_true(busy > 0);
        while (count > 0)
            haul_release(haul, kept[--count]);
        gathering_close(haul);
        loopback_close(server);
    }
    drop(reply);
    free(zeros);
}

/* --- whatever goes wrong ---------------------------------------------------------------------- */

static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % bound;
}

static void take_random(struct haul *haul, uint32_t count, struct span plain)
{
    for (uint32_t taken = 0; taken < count;) {
        const struct haul_result *result = gathering_next(haul);
        if (result->error == HAUL_OK && !result->more && plain.length > 0)
            assert_int_equal(result->body_bytes, plain.length);
        taken += !result->more;
        haul_release(haul, result);
        if (random_below(6) == 0)
            haul_cancel(haul, random_below(count));
    }
}

static void run_seed(uint64_t seed, struct span plain, uint32_t requests)
{
    random_state = seed;
    gathering_note("HAUL_SEED=%" PRIu64, seed);
    const char *kind = kinds[random_below(COUNT(kinds))];
    if (!coded_is_there(kind))
        return;
    struct span reply = coded_reply(kind, plain, random_below(2) ? BY_CHUNKS : BY_LENGTH);
    bool is_damaged = random_below(3) == 0;
    if (is_damaged)
        ((char *)(uintptr_t)reply.bytes)[reply.length / 2] ^= 0x40;
    const struct loopback_script scripts[] = {
        SCRIPT_REPEAT({EXPECT, "GET /"}, {SEND, reply.bytes, reply.length}, {CLOSE})};
    struct loopback *server = loopback_open(scripts, 1);
    struct haul_options options = {.concurrency = 1 + random_below(8),
                                   .compressed = true,
                                   .keep_bodies = true,
                                   .unordered = random_below(2),
                                   .stream_bodies = random_below(2)};
    static const uint32_t rates[] = {0, 10, 60};
    struct fault_rates faults = {.receive_cut = 500,
                                 .receive_failed = rates[random_below(3)],
                                 .receive_ended = rates[random_below(3)],
                                 .connect_failed = rates[random_below(3)],
                                 .delayed = 200,
                                 .reordered = 200};
    struct loop *loop = fault_open(gathering_open_loop(&options), &faults, seed);
    struct haul *haul = gathering_open_on(loop, &options);
    struct budget *budget = &haul->engine.budget;
    if (random_below(2) == 0) /* four blocks, and it is only the current body's turn */
        budget->reserve_blocks = budget->shared_blocks - 4;
    for (uint32_t i = 0; i < requests; i++)
        gathering_submit(haul, server, "/");
    take_random(haul, requests, is_damaged ? (struct span){NULL, 0} : plain);
    gathering_close(haul);
    loopback_close(server);
    drop(reply);
}

/* Of random failures and cancellations, HAUL_TEST_ROUNDS times as many. */
static void nothing_is_lost_whatever_goes_wrong(void)
{
    enum { SEEDS = 5, REQUESTS = 25, LENGTH = 60000 }; /* over four loops, twice: 1,000 */
    const char *only = getenv("HAUL_SEED");
    uint64_t seeds = SEEDS * chance_number("HAUL_TEST_ROUNDS", 1);
    static uint64_t seed;
    char *text = coded_text(LENGTH);
    struct span plain = {text, LENGTH};
    if (only)
        run_seed(strtoull(only, NULL, 10), plain, REQUESTS);
    for (uint64_t i = 0; i < seeds && !only; i++)
        run_seed(seed++, plain, REQUESTS);
    free(text);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(all_codings_in_all_framings),
    SCENARIO(every_truncation),
    SCENARIO(a_damaged_body_is_refused),
    SCENARIO(fields_of_the_caller_count),
    SCENARIO(what_stays_coded_is_told),
    SCENARIO(bombs_are_refused),
    SCENARIO(all_come_while_memory_is_short),
    SCENARIO(a_caller_who_keeps_results_is_told),
    SCENARIO(nothing_is_lost_whatever_goes_wrong),
};

/* What the way of the bytes may matter to. */
static const struct gathering_scenario scenarios_of_tls[] = {
    SCENARIO(all_codings_in_all_framings),
    SCENARIO(a_damaged_body_is_refused),
    SCENARIO(nothing_is_lost_whatever_goes_wrong),
};

int main(void)
{
    if (!haul_codings())
        return 77; /* skipped: none was built in */
    int failed = gathering_main(rows, COUNT(rows), scenarios, COUNT(scenarios));
    loopback_use(tls_loopback_layer());
    gathering_trust(tls_loopback_roots());
    return failed + gathering_main(rows, COUNT(rows), scenarios_of_tls, COUNT(scenarios_of_tls));
}
