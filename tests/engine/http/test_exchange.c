/* One request on a link, event by event: each reply is fed whole, a byte at a time, and cut in two
 * at each point, and what is told of it must be the same. */

#include "engine/http/exchange.h"
#include "tests/lib/stub_loop.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 6, WHOLE = 1 << 20, EXCHANGE = 1, LINKS = 2, PIECES = 1, PIECE_BYTES = 30000 };

#define OK "HTTP/1.1 200 OK\r\n"
#define LENGTH(digits) "Content-Length: " digits "\r\n"

static struct stage {
    struct stub_loop loop;
    struct links links;
    struct link link[LINKS];
    struct store store;
    struct block *blocks;
    uint32_t next[BLOCKS];
    char pieces[PIECES * PIECE_BYTES];
    uint32_t piece_next[PIECES];
    struct exchanges exchanges;
    struct exchange list[LINKS];
    char fields[1024];
    struct request_template template;
    struct url url;
    char room[URL_ROOM_BYTES];
    char told[1024];
} stage;

/* --- the stage -------------------------------------------------------------------------------- */

static void stage_open(const char *method)
{
    struct block *blocks = stage.blocks ? stage.blocks : calloc(BLOCKS, sizeof *blocks);
    struct request_options options = {.method = method};
    assert_non_null(blocks);
    memset(&stage, 0, sizeof stage);
    stage.blocks = blocks;
    stub_loop_init(&stage.loop);
    store_init(&stage.store, stage.blocks, stage.next, BLOCKS, 0);
    store_pieces_init(&stage.store, stage.pieces, stage.piece_next, PIECES, PIECE_BYTES);
    links_init(&stage.links, &stage.loop.head, &stage.store, NULL, stage.link);
    exchanges_init(&stage.exchanges, stage.list, &stage.links, &stage.store);
    for (uint32_t i = 0; i < LINKS; i++) {
        stage.link[i] = (struct link){.state = LINK_OPEN, .record_block = NO_BLOCK};
        exchange_open(&stage.exchanges, i, i);
    }
    assert_int_equal(
        request_template_init(&stage.template, &options, stage.fields, sizeof stage.fields, NULL),
        PROTO_OK);
    assert_int_equal(url_parse(span_of("http://h/p"), stage.room, &stage.url, NULL), PROTO_OK);
}

static void stage_close(void)
{
    for (uint32_t i = 0; i < LINKS; i++) {
        exchange_end(&stage.exchanges, i);
        exchange_close(&stage.exchanges, i);
    }
    assert_int_equal(stage.store.slab.taken, 0);
    assert_int_equal(stage.store.piece_slab.taken, 0);
}

static bool begin(struct span body, struct exchange_news *ret_news)
{
    struct exchange_request request = {&stage.template, &stage.url, body};
    return exchange_begin(&stage.exchanges, EXCHANGE, &request, ret_news);
}

/* "[HEAD]BODY", then "; kept" or "; spent", or "! sentence", with "?" where it is unanswered. */
static void tell(const struct exchange_news *news)
{
    size_t length = strlen(stage.told);
    char *end = stage.told + length;
    size_t size = sizeof stage.told - length;
    assert_int_equal(news->exchange, EXCHANGE);
    switch (news->kind) {
    case EXCHANGE_GOES_ON:
    case EXCHANGE_ASKS:
        break;
    case EXCHANGE_SENT:
        snprintf(end, size, "sent ");
        break;
    case EXCHANGE_IS_LONG:
        exchange_lend(&stage.exchanges, EXCHANGE, store_take_piece(&stage.store));
        snprintf(end, size, "long ");
        break;
    case EXCHANGE_IS_HEAD:
        snprintf(end, size, "[%.*s]", (int)news->bytes.length, news->bytes.bytes);
        break;
    case EXCHANGE_IS_BODY:
        snprintf(end, size, "%.*s", (int)news->bytes.length, news->bytes.bytes);
        break;
    case EXCHANGE_DONE:
        snprintf(end, size, news->is_reusable ? "; kept" : "; spent");
        break;
    case EXCHANGE_FAILED:
        snprintf(end, size, "! %s%s", news->failure.message, news->is_unanswered ? "?" : "");
        break;
    }
}

static bool is_over(void)
{
    return strstr(stage.told, "; ") || strchr(stage.told, '!');
}

static void feed(struct span wire)
{
    struct exchange_news news;
    exchange_feed(&stage.exchanges, EXCHANGE, wire);
    while (exchange_next(&stage.exchanges, &news))
        tell(&news);
}

static void take(enum link_event_kind kind, enum link_end end, int error)
{
    struct exchange_news news;
    struct link_event event = {.kind = kind, .end = end, .link = EXCHANGE, .error = error};
    if (exchange_take(&stage.exchanges, EXCHANGE, &event, &news))
        tell(&news);
}

/* --- replies ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *wire;
    const char *told;
    const char *method;
} rows[] = {
    {"a length", OK LENGTH("5") "\r\nhello", "[" OK LENGTH("5") "\r\n]hello; kept", "GET"},
    {"no body", OK LENGTH("0") "\r\n", "[" OK LENGTH("0") "\r\n]; kept", "GET"},
    {"to HEAD", OK LENGTH("5") "\r\n", "[" OK LENGTH("5") "\r\n]; kept", "HEAD"},
    {"interim", "HTTP/1.1 103 E\r\nL: x\r\n\r\n" OK LENGTH("1") "\r\na",
     "[" OK LENGTH("1") "\r\n]a; kept", "GET"},
    {"asked to close", OK LENGTH("1") "Connection: close\r\n\r\na",
     "[" OK LENGTH("1") "Connection: close\r\n\r\n]a; spent", "GET"},
    {"until the end", OK "\r\nabc", "[" OK "\r\n]abc; spent", "GET"},
    {"nothing", "", "! the connection ended before any byte of the reply?", "GET"},
    {"no reply", "nonsense\r\n\r\n", "! the status line is not 'HTTP/1.x NNN reason'?", "GET"},
    {"a bad chunk", OK "Transfer-Encoding: chunked\r\n\r\nx\r\n",
     "[" OK "Transfer-Encoding: chunked\r\n\r\n]! ", "GET"},
    {"cut in its head", OK "Conte", "! ", "GET"},
    {"cut in its body", OK LENGTH("5") "\r\nhel", "[" OK LENGTH("5") "\r\n]hel! ", "GET"},
};

/* first bytes, then step at a time, then FIN where that is still awaited. */
static void play(size_t row, size_t first, size_t step)
{
    struct exchange_news news;
    struct span wire = span_of(rows[row].wire);
    stage_open(rows[row].method);
    assert_true(begin((struct span){0}, &news));
    assert_int_equal(news.kind, EXCHANGE_SENT);
    for (size_t done = 0; done < wire.length && !is_over();) {
        size_t next = done == 0 ? first : step;
        next = next < wire.length - done ? next : wire.length - done;
        feed((struct span){wire.bytes + done, next});
        done += next;
    }
    if (!is_over())
        take(LINK_END, LINK_FIN, 0);
}

static void check(size_t row, size_t first, size_t step)
{
    play(row, first, step);
    size_t length = strlen(rows[row].told);
    bool is_open = strcmp(rows[row].told + length - 2, "! ") == 0; /* the sentence is another's */
    if (strncmp(stage.told, rows[row].told, is_open ? length : sizeof stage.told))
        fail_msg("%s, cut at %zu, then by %zu: %s", rows[row].name, first, step, stage.told);
    stage_close();
}

static void replies_are_told_of_however_they_come(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(i, WHOLE, WHOLE);
        check(i, 1, 1);
        for (size_t cut = 1; cut < strlen(rows[i].wire); cut++)
            check(i, cut, WHOLE);
    }
}

/* Cut, only where the bytes are there at once: later ones are nobody's reply. */
static void what_comes_behind_a_reply_makes_the_link_unfit(void **state)
{
    struct exchange_news news;
    (void)state;
    stage_open("GET");
    assert_true(begin((struct span){0}, &news));
    feed(span_of(OK LENGTH("1") "\r\naHTTP"));
    assert_string_equal(stage.told, "[" OK LENGTH("1") "\r\n]a; spent");
    stage_close();
}

static void one_that_is_ended_tells_nothing_more(void **state)
{
    struct exchange_news news;
    (void)state;
    stage_open("GET");
    assert_true(begin((struct span){0}, &news));
    exchange_feed(&stage.exchanges, EXCHANGE, span_of(OK LENGTH("1") "\r\na"));
    assert_true(exchange_next(&stage.exchanges, &news));
    assert_int_equal(exchange_stage(&stage.exchanges, EXCHANGE), HAUL_STAGE_BODY);
    exchange_end(&stage.exchanges, EXCHANGE);
    assert_false(exchange_next(&stage.exchanges, &news));
    assert_int_equal(exchange_stage(&stage.exchanges, EXCHANGE), HAUL_STAGE_QUEUE);
    stage_close();
}

/* --- long heads ------------------------------------------------------------------------------- */

enum { LONG_FIELD = 20000 };

/* A reply whose head has a field of that many bytes; to be freed. */
static char *long_reply(void)
{
    char *wire = malloc(LONG_FIELD + 100);
    assert_non_null(wire);
    memset(wire, 'x', LONG_FIELD + 100);
    memcpy(wire, OK "A: ", strlen(OK "A: "));
    strcpy(wire + LONG_FIELD, "\r\n" LENGTH("1") "\r\na");
    return wire;
}

/* It moves from its block to the piece, wherever it is cut; only a head that is short, or lies
 * whole in one view and need not be kept, needs none. */
static void a_head_beyond_a_block_lies_in_a_piece(void **state)
{
    static const size_t cuts[] = {1, 16000, BLOCK_BYTES, BLOCK_BYTES + 1, LONG_FIELD + 10};
    struct exchange_news news;
    char *wire = long_reply();
    size_t length = strlen(wire);
    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        stage_open("GET");
        stage.exchanges.rules.carry_above = BLOCK_BYTES;
        assert_true(begin((struct span){0}, &news));
        feed((struct span){wire, cuts[i]});
        exchange_feed(&stage.exchanges, EXCHANGE, (struct span){wire + cuts[i], length - cuts[i]});
        while (exchange_next(&stage.exchanges, &news) && news.kind == EXCHANGE_IS_LONG)
            tell(&news);
        assert_int_equal(news.kind, EXCHANGE_IS_HEAD);
        assert_int_equal(news.bytes.length, length - 1);
        assert_memory_equal(news.bytes.bytes, wire, length - 1);
        assert_ptr_equal(news.bytes.bytes, stage.pieces);
        assert_int_equal(stage.store.slab.taken, 0);
        store_give_piece(&stage.store, exchange_take_piece(&stage.exchanges, EXCHANGE));
        while (exchange_next(&stage.exchanges, &news))
            tell(&news);
        assert_string_equal(stage.told, "long a; kept");
        stage_close();
    }
    free(wire);
}

/* It waits for its piece, and what comes meanwhile is read later, its link's end included. */
static void what_comes_before_a_piece_is_there_is_held(void **state)
{
    static const size_t cuts[] = {1, 16000, BLOCK_BYTES + 1, LONG_FIELD + 10};
    char *wire = long_reply();
    struct link_event event = {.kind = LINK_BYTES, .link = EXCHANGE};
    struct exchange_news news;
    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        stage_open("GET");
        assert_true(begin((struct span){0}, &news));
        exchange_feed(&stage.exchanges, EXCHANGE, (struct span){wire, cuts[i]});
        bool is_long = exchange_next(&stage.exchanges, &news);
        event.bytes = (struct span){wire + cuts[i], strlen(wire) - cuts[i]};
        if (!is_long) {
            exchange_feed(&stage.exchanges, EXCHANGE, event.bytes);
            event.bytes.length = 0;
            assert_true(exchange_next(&stage.exchanges, &news));
        }
        assert_int_equal(news.kind, EXCHANGE_IS_LONG);
        assert_true(exchange_hold(&stage.exchanges, EXCHANGE));
        assert_false(exchange_next(&stage.exchanges, &news));
        assert_true(exchange_hold_event(&stage.exchanges, &event));
        assert_true(exchange_hold_event(&stage.exchanges,
                                        &(struct link_event){.kind = LINK_END, .link = EXCHANGE}));
        exchange_lend(&stage.exchanges, EXCHANGE, store_take_piece(&stage.store));
        while (exchange_feed_held(&stage.exchanges, EXCHANGE))
            while (exchange_next(&stage.exchanges, &news))
                if (news.kind == EXCHANGE_IS_HEAD)
                    assert_memory_equal(news.bytes.bytes, wire, strlen(wire) - 1);
                else
                    tell(&news);
        assert_string_equal(stage.told, "a; spent");
        assert_true(exchange_take_held_end(&stage.exchanges, EXCHANGE, &event));
        assert_false(exchange_is_held(&stage.exchanges, EXCHANGE));
        stage_close();
        assert_int_equal(stage.exchanges.held_left, 0);
        event.kind = LINK_BYTES;
    }
    free(wire);
}

/* Three blocks are its own, the others all share; who gets none is told, and gives back its own. */
static void what_is_held_has_a_bound(void **state)
{
    struct exchange_news news;
    char *wire = long_reply();
    struct link_event event = {LINK_BYTES, .link = EXCHANGE, .bytes = {wire, LONG_FIELD}};
    (void)state;
    stage_open("GET");
    stage.exchanges.held_left = 1;
    assert_true(begin((struct span){0}, &news));
    exchange_feed(&stage.exchanges, EXCHANGE, (struct span){wire, LONG_FIELD});
    assert_true(exchange_next(&stage.exchanges, &news));
    assert_true(exchange_hold(&stage.exchanges, EXCHANGE));
    event.bytes.length = BLOCK_BYTES - 3000;
    assert_true(exchange_hold_event(&stage.exchanges, &event));
    assert_true(exchange_hold_event(&stage.exchanges, &event));
    assert_int_equal(stage.exchanges.held_left, 1);
    assert_true(exchange_hold_event(&stage.exchanges, &event));
    assert_int_equal(stage.exchanges.held_left, 0);
    event.bytes.length = LONG_FIELD;
    assert_false(exchange_hold_event(&stage.exchanges, &event));
    exchange_end(&stage.exchanges, EXCHANGE);
    assert_int_equal(stage.exchanges.held_left, 1);
    stage_close();
    free(wire);
}

static void a_piece_is_given_back_with_the_head_or_with_the_end(void **state)
{
    struct exchange_news news;
    char *wire = long_reply();
    (void)state;
    for (int ends_early = 0; ends_early < 2; ends_early++) {
        stage_open("GET");
        assert_true(begin((struct span){0}, &news));
        feed((struct span){wire, LONG_FIELD});
        assert_string_equal(stage.told, "long ");
        assert_int_equal(stage.store.piece_slab.taken, 1);
        if (!ends_early)
            feed(span_of(wire + LONG_FIELD));
        else
            exchange_end(&stage.exchanges, EXCHANGE);
        assert_int_equal(stage.store.piece_slab.taken, 0);
        stage_close();
    }
    free(wire);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void a_request_is_sent_whole(void **state)
{
    static const char head[] = "POST /p HTTP/1.1\r\nHost: h\r\n\r\n";
    struct exchange_news news;
    (void)state;
    stage_open("POST");
    stage.template.fields = span_of("\r\n");
    assert_true(begin(span_of("body"), &news));
    assert_int_equal(news.kind, EXCHANGE_SENT);
    assert_int_equal(stage.loop.sent_length, sizeof head - 1 + 4);
    assert_memory_equal(stage.loop.sent, head, sizeof head - 1);
    assert_memory_equal(stage.loop.sent + sizeof head - 1, "body", 4);
    assert_string_equal(stage.loop.asked, "send 1, ");
    assert_int_equal(stage.store.slab.taken, 0);
    stage_close();
}

/* It needs a block, two sends, and LINK_SENT; a reply that is complete before that spends the
 * link. */
static void a_long_one_takes_a_block_until_the_link_rests(void **state)
{
    enum { LONG = 40000 };
    static char body[LONG];
    struct exchange_news news;
    (void)state;
    for (int is_sent = 0; is_sent < 2; is_sent++) {
        stage_open("POST");
        assert_false(begin((struct span){body, LONG}, &news));
        assert_int_equal(stage.store.slab.taken, 1);
        assert_int_equal(exchange_stage(&stage.exchanges, EXCHANGE), HAUL_STAGE_SEND);
        if (is_sent) {
            stage.link[EXCHANGE].is_unsent = false; /* as the link has it when it tells */
            take(LINK_SENT, 0, 0);
            assert_int_equal(exchange_stage(&stage.exchanges, EXCHANGE), HAUL_STAGE_HEAD);
        }
        feed(span_of(OK LENGTH("0") "\r\n"));
        assert_non_null(strstr(stage.told, is_sent ? "sent [" : "["));
        assert_non_null(strstr(stage.told, is_sent ? "; kept" : "; spent"));
        if (is_sent) {
            exchange_rest(&stage.exchanges, EXCHANGE);
            assert_int_equal(stage.store.slab.taken, 0);
        }
        stage_close();
    }
}

static void a_head_beyond_a_block_is_refused(void **state)
{
    static char text[URL_BYTES_MAX + 1];
    struct exchange_news news;
    (void)state;
    stage_open("GET");
    memset(text, 'x', URL_BYTES_MAX);
    memcpy(text, "http://h/", 9);
    stage.template.fields = (struct span){text, 600};
    assert_int_equal(url_parse(span_of(text), stage.room, &stage.url, NULL), PROTO_OK);
    assert_true(begin((struct span){0}, &news));
    assert_int_equal(news.kind, EXCHANGE_FAILED);
    assert_int_equal(news.failure.error, HAUL_URL);
    assert_string_equal(stage.loop.asked, "");
    stage_close();
}

/* --- ends ------------------------------------------------------------------------------------- */

static const struct {
    const char *wire;
    enum link_end end;
    int error;
    int send_error;
    enum haul_error failure;
    bool is_unanswered;
} ends[] = {
    {"", LINK_FIN, 0, 0, HAUL_RECEIVE, true},
    {"", LINK_BROKEN, 104, 0, HAUL_RECEIVE, true},
    {"", LINK_BROKEN, 104, 32, HAUL_SEND, true},
    {"", LINK_FIN, 0, 32, HAUL_SEND, true},
    {"HTTP/1.1", LINK_BROKEN, 104, 32, HAUL_RECEIVE, false},
    {"HTTP/1.1", LINK_FIN, 0, 0, HAUL_TRUNCATED, false},
    {OK LENGTH("5") "\r\nab", LINK_FIN, 0, 0, HAUL_TRUNCATED, false},
    {OK "\r\nab", LINK_BROKEN, 104, 0, HAUL_RECEIVE, false},
    {"", LINK_EARLY, 0, 0, HAUL_TLS, false},
};

static void an_end_says_whether_a_reply_had_begun(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct exchange_news news;
        struct link_event event = {
            .kind = LINK_END, .end = ends[i].end, .link = EXCHANGE, .error = ends[i].error};
        stage_open("GET");
        assert_true(begin((struct span){0}, &news));
        feed(span_of(ends[i].wire));
        stage.link[EXCHANGE].send_error = ends[i].send_error;
        assert_true(exchange_take(&stage.exchanges, EXCHANGE, &event, &news));
        assert_int_equal(news.kind, EXCHANGE_FAILED);
        assert_int_equal(news.failure.error, ends[i].failure);
        assert_int_equal(news.is_unanswered, ends[i].is_unanswered);
        stage_close();
    }
}

/* Of a failed send the reply may still be readable, unless it failed for want of memory here. */
static void a_failed_send_is_an_end_in_a_shortage_only(void **state)
{
    struct exchange_news news;
    (void)state;
    stage_open("GET");
    assert_true(begin((struct span){0}, &news));
    take(LINK_SENT, 0, 32);
    assert_string_equal(stage.told, "");
    feed(span_of(OK LENGTH("0") "\r\n"));
    assert_string_equal(stage.told, "[" OK LENGTH("0") "\r\n]; spent");
    stage_close();
    stage_open("GET");
    assert_true(begin((struct span){0}, &news));
    take(LINK_SENT, 0, 105);
    assert_string_equal(stage.told, "! the connection failed while the request was sent");
    stage_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_told_of_however_they_come),
        cmocka_unit_test(what_comes_behind_a_reply_makes_the_link_unfit),
        cmocka_unit_test(one_that_is_ended_tells_nothing_more),
        cmocka_unit_test(a_head_beyond_a_block_lies_in_a_piece),
        cmocka_unit_test(what_comes_before_a_piece_is_there_is_held),
        cmocka_unit_test(what_is_held_has_a_bound),
        cmocka_unit_test(a_piece_is_given_back_with_the_head_or_with_the_end),
        cmocka_unit_test(a_request_is_sent_whole),
        cmocka_unit_test(a_long_one_takes_a_block_until_the_link_rests),
        cmocka_unit_test(a_head_beyond_a_block_is_refused),
        cmocka_unit_test(an_end_says_whether_a_reply_had_begun),
        cmocka_unit_test(a_failed_send_is_an_end_in_a_shortage_only),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(stage.blocks);
    return failed;
}
