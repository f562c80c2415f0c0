/* Faults of our own code, planted one by one: each must stop at an assertion, before a wrong result
 * comes of it. A row is played twice in a child process of its own: as it should be, which ends
 * well, and with its fault, which must end by SIGABRT and with that assertion's words. */

#include "engine/engine.h"
#include "engine/memory/list.h"
#include "tests/lib/loopback.h"
#include "tests/lib/patience.h"
#include "tests/lib/stub_loop.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 8, BLOCKS = 4, SHARED = 2 };

/* --- memory ----------------------------------------------------------------------------------- */

static struct slab_stage {
    struct slab slab;
    uint32_t next[COUNT];
    uint32_t a, b;
} slabs;

static struct slab *two_taken(void)
{
    slab_init(&slabs.slab, slabs.next, COUNT);
    slabs.a = slab_take(&slabs.slab);
    slabs.b = slab_take(&slabs.slab);
    return &slabs.slab;
}

static void a_slot_given_twice(bool is_planted)
{
    struct slab *slab = two_taken();
    slab_give(slab, slabs.a);
    slab_give(slab, is_planted ? slabs.a : slabs.b);
}

static void a_slot_handed_out_to_two(bool is_planted)
{
    struct slab *slab = two_taken();
    slab_give(slab, slabs.a);
    if (is_planted)
        slab->first = slabs.b;
    slab_take(slab);
}

static void a_free_slot_lost(bool is_planted)
{
    struct slab *slab = two_taken();
    slab_give(slab, slabs.a);
    if (is_planted)
        slab->first = SLAB_NONE;
    slab_take(slab);
}

static struct store_stage {
    struct store store;
    struct block blocks[BLOCKS];
    uint32_t next[BLOCKS];
} stores;

static struct store *open_store(void)
{
    store_init(&stores.store, stores.blocks, stores.next, BLOCKS, SHARED);
    return &stores.store;
}

static void a_block_freed_twice(bool is_planted)
{
    struct store *store = open_store();
    uint32_t a = store_take(store);
    uint32_t b = store_take(store);
    store_give(store, a);
    store_give(store, is_planted ? a : b);
}

static void a_block_used_after_it_was_freed(bool is_planted)
{
    struct store *store = open_store();
    uint32_t block = store_take(store);
    if (is_planted)
        store_give(store, block);
    store_block(store, block)->bytes[0] = 'x';
}

static void shared_blocks_counted_wrong(bool is_planted)
{
    struct store *store = open_store();
    uint32_t block = store_take_shared(store);
    store->shared_left += is_planted;
    store_give_shared(store, block);
}

/* Of two blocks. */
static struct chain long_chain(struct store *store)
{
    static char bytes[BLOCK_BYTES + 1];
    struct chain chain = CHAIN_EMPTY;
    chain_append(&chain, store, bytes, sizeof bytes);
    return chain;
}

static void a_chain_that_forgot_its_end(bool is_planted)
{
    struct store *store = open_store();
    struct chain chain = long_chain(store);
    if (is_planted)
        chain.last = chain.first;
    chain_append(&chain, store, "x", 1);
}

static void a_chain_cut_short(bool is_planted)
{
    struct store *store = open_store();
    struct chain chain = long_chain(store);
    if (is_planted)
        store_block(store, chain.first)->next = NO_BLOCK;
    chain_free(&chain, store);
}

static void a_node_linked_twice(bool is_planted)
{
    struct list_node head;
    struct list_node nodes[2];
    list_init(&head);
    for (int i = 0; i < 2; i++) {
        list_init(&nodes[i]);
        list_append(&head, &nodes[is_planted ? 0 : i]);
    }
}

static void a_link_lost(bool is_planted)
{
    struct list_node head;
    struct list_node nodes[2];
    list_init(&head);
    for (int i = 0; i < 2; i++) {
        list_init(&nodes[i]);
        list_append(&head, &nodes[i]);
    }
    if (is_planted)
        head.next = &nodes[1];
    list_remove(&nodes[0]);
}

static struct deadline_stage {
    struct deadlines deadlines;
    struct deadline_entry entries[COUNT];
} wheel;

/* Two of one bucket: 1 comes before 0. */
static struct deadlines *two_due(void)
{
    deadline_init(&wheel.deadlines, wheel.entries, COUNT, 0);
    deadline_set(&wheel.deadlines, 0, 5 * DEADLINE_TICK_NS);
    deadline_set(&wheel.deadlines, 1, 5 * DEADLINE_TICK_NS);
    return &wheel.deadlines;
}

static void a_deadline_filed_twice(bool is_planted)
{
    struct deadlines *deadlines = two_due();
    if (is_planted)
        wheel.entries[1].bucket = 0;
    deadline_set(deadlines, 1, 5 * DEADLINE_TICK_NS);
}

static void a_deadline_lost_from_its_bucket(bool is_planted)
{
    struct deadlines *deadlines = two_due();
    if (is_planted)
        wheel.entries[1].next = UINT32_MAX;
    deadline_set(deadlines, 0, DEADLINE_TICK_NS);
}

/* --- requests --------------------------------------------------------------------------------- */

static struct request_stage {
    struct fetch fetches[COUNT];
    struct schedule schedule;
    struct schedule_turn turns[COUNT];
    struct host hosts[COUNT + 2];
    uint32_t buckets[16];
    uint32_t heap[COUNT + 2];
    struct schedule_level levels[COUNT + 1];
    uint64_t filled[2];
    struct collector collector;
    uint32_t ring[COUNT];
    struct pressure pressure;
    struct pressure_waiter waiters[COUNT];
} requests;

static struct schedule *three_queued(void)
{
    static const struct schedule_limits none;
    const struct schedule_memory memory = {
        .turns = requests.turns,
        .hosts = requests.hosts,
        .buckets = requests.buckets,
        .heap = requests.heap,
        .levels = requests.levels,
        .filled = requests.filled,
        .host_count = COUNT + 2,
        .level_count = COUNT + 1,
    };
    schedule_init(&requests.schedule, requests.fetches, &memory, &none, 1);
    for (uint32_t i = 0; i < COUNT; i++)
        requests.fetches[i].url = (struct url_packed){.base = "a", .host_length = 1};
    for (uint32_t i = 0; i < 3; i++)
        schedule_append(&requests.schedule, i);
    return &requests.schedule;
}

static void a_request_queued_twice(bool is_planted)
{
    schedule_append(three_queued(), is_planted ? 1 : 3);
}

static void a_queue_with_a_gap(bool is_planted)
{
    struct schedule *schedule = three_queued();
    if (is_planted)
        requests.fetches[0].next = 2;
    schedule_remove(schedule, 1);
}

static void a_queue_without_its_end(bool is_planted)
{
    struct schedule *schedule = three_queued();
    if (is_planted)
        requests.hosts[requests.turns[0].host].last = 1;
    schedule_append(schedule, 3);
}

static struct collector *two_finished(bool is_unordered)
{
    struct collector *collector = &requests.collector;
    collector_init(collector, requests.ring, COUNT, requests.fetches);
    collector->is_unordered = is_unordered;
    for (uint32_t i = 0; i < 2; i++) {
        requests.fetches[i].chain = CHAIN_EMPTY;
        requests.fetches[i].index = collector_add(collector, i);
        requests.fetches[i].state = FETCH_DONE;
        collector_done(collector, i);
    }
    return collector;
}

static void a_result_out_of_order(bool is_planted)
{
    struct collector *collector = two_finished(false);
    if (is_planted)
        requests.ring[0] = 1;
    collector_next(collector);
}

static void a_result_finished_twice(bool is_planted)
{
    struct collector *collector = two_finished(true);
    if (is_planted)
        collector_done(collector, 1);
    collector_next(collector);
}

static void a_result_handed_out_unfinished(bool is_planted)
{
    struct collector *collector = two_finished(true);
    if (is_planted)
        requests.fetches[0].state = FETCH_ACTIVE;
    collector_next(collector);
}

static struct pressure *two_waiting(void)
{
    pressure_init(&requests.pressure, requests.waiters);
    pressure_begin(&requests.pressure, 0);
    pressure_wait(&requests.pressure, 0);
    pressure_wait(&requests.pressure, 1);
    return &requests.pressure;
}

static void a_connection_in_line_twice(bool is_planted)
{
    pressure_wait(two_waiting(), is_planted ? 1 : 2);
}

static void a_line_with_a_gap(bool is_planted)
{
    struct pressure *pressure = two_waiting();
    if (is_planted)
        pressure->first = 1;
    pressure_leave(pressure, 0);
}

/* --- links ------------------------------------------------------------------------------------ */

static struct link_stage {
    struct stub_loop stub;
    struct links links;
    struct link link[STUB_LOOP_SLOTS];
    struct exchanges exchanges;
    struct exchange exchange[STUB_LOOP_SLOTS];
    struct pool pool;
    struct pool_slot slots[COUNT];
    uint32_t next[COUNT];
    struct origins origins;
    struct origin list[COUNT];
    uint32_t buckets[16];
} stage;

static void take(enum loop_op op, int32_t result)
{
    struct completion completion = {.op = op, .slot = 0, .result = result, .bytes = "HTTP"};
    struct link_event event;
    links_take(&stage.links, &completion, &event);
}

static struct links *one_open(void)
{
    static const struct sockaddr address = {.sa_family = AF_INET};
    stub_loop_init(&stage.stub);
    links_init(&stage.links, &stage.stub.head, open_store(), NULL, stage.link);
    link_open(&stage.links, 0, &address, sizeof address);
    take(LOOP_CONNECT, 0);
    return &stage.links;
}

static void bytes_of_an_earlier_life(bool is_planted)
{
    struct links *links = one_open();
    if (is_planted)
        link_close(links, 0);
    take(LOOP_RECEIVE, 4);
}

static void a_connect_answered_twice(bool is_planted)
{
    one_open();
    if (is_planted)
        take(LOOP_CONNECT, 0);
}

static void a_link_closed_twice(bool is_planted)
{
    struct links *links = one_open();
    link_close(links, 0);
    if (is_planted)
        link_close(links, 0);
}

static void a_request_sent_on_a_closed_link(bool is_planted)
{
    struct links *links = one_open();
    if (is_planted)
        link_close(links, 0);
    link_send(links, 0, (struct span){"x", 1}, (struct span){0});
}

static void a_reply_that_nobody_asked_for(bool is_planted)
{
    exchanges_init(&stage.exchanges, stage.exchange, one_open(), &stores.store);
    exchange_open(&stage.exchanges, 0, 0);
    if (!is_planted)
        stage.exchange[0].state = EXCHANGE_HEAD;
    exchange_feed(&stage.exchanges, 0, (struct span){"HTTP", 4});
}

/* Two links of one origin, at rest: 1 was the last to be so. */
static struct pool *two_idle(void)
{
    static char room[URL_ROOM_BYTES];
    struct slab slab;
    struct url url;
    origins_init(&stage.origins, stage.list, stage.buckets, COUNT);
    slab_init(&slab, stage.next, COUNT);
    pool_init(&stage.pool, stage.slots, slab, &stage.origins, COUNT);
    url_parse((struct span){"http://a/", 9}, room, &url, NULL);
    for (uint32_t i = 0; i < 3; i++)
        pool_begin(&stage.pool, pool_take(&stage.pool, &url, i));
    pool_put_idle(&stage.pool, 0, 1);
    pool_put_idle(&stage.pool, 1, 1);
    return &stage.pool;
}

static void a_closed_link_among_the_idle(bool is_planted)
{
    struct pool *pool = two_idle();
    if (is_planted)
        stage.slots[1].state = POOL_CLOSING;
    pool_take_idle(pool, 0, 7);
}

static void a_link_idle_twice(bool is_planted)
{
    pool_put_idle(two_idle(), is_planted ? 1 : 2, 1);
}

static void an_idle_link_lost_by_age(bool is_planted)
{
    struct pool *pool = two_idle();
    if (is_planted)
        pool->idle_oldest = 1;
    pool_close(pool, 0);
}

static void an_idle_link_lost_by_its_origin(bool is_planted)
{
    struct pool *pool = two_idle();
    if (is_planted)
        stage.slots[0].previous = 2;
    pool_take_idle(pool, 0, 7);
}

static void an_origin_with_a_reference_too_few(bool is_planted)
{
    struct pool *pool = two_idle();
    if (is_planted)
        stage.list[0].conns -= 2;
    pool_close(pool, 2);
}

/* --- loops ------------------------------------------------------------------------------------ */

static struct loop *open_loop(bool is_uring, int *ret_fd)
{
    static const struct loop_options options = {.slots = 2, .polls = 1};
    struct loop *loop;
    int ends[2];
    int error = is_uring ? loop_uring_open(&loop, &options) : loop_epoll_open(&loop, &options);
    if (error || socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
        _exit(77); /* no such loop here */
    loop_attach(loop, 0, ends[0]);
    *ret_fd = ends[1];
    return loop;
}

static void attach_twice(bool is_uring, bool is_planted)
{
    int fd;
    struct loop *loop = open_loop(is_uring, &fd);
    loop_attach(loop, is_planted ? 0 : 1, fd);
}

static void close_twice(bool is_uring, bool is_planted)
{
    int fd;
    struct loop *loop = open_loop(is_uring, &fd);
    loop_close_slot(loop, 0);
    if (is_planted)
        loop_close_slot(loop, 0);
}

static void receive_on_free(bool is_uring, bool is_planted)
{
    int fd;
    struct loop *loop = open_loop(is_uring, &fd);
    if (is_planted)
        loop_close_slot(loop, 0);
    loop_receive(loop, 0);
}

static void epoll_a_slot_attached_twice(bool is_planted)
{
    attach_twice(false, is_planted);
}

static void epoll_a_slot_closed_twice(bool is_planted)
{
    close_twice(false, is_planted);
}

static void epoll_a_receive_on_a_free_slot(bool is_planted)
{
    receive_on_free(false, is_planted);
}

static void uring_a_slot_attached_twice(bool is_planted)
{
    attach_twice(true, is_planted);
}

static void uring_a_slot_closed_twice(bool is_planted)
{
    close_twice(true, is_planted);
}

static void uring_a_receive_on_a_free_slot(bool is_planted)
{
    receive_on_free(true, is_planted);
}

/* --- an engine at work ------------------------------------------------------------------------ */

#define REPLY_OF(letter) "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" letter

static const struct loopback_script replies[] = {
    SCRIPT_REPEAT({EXPECT, "GET /a "}, {SEND, REPLY_OF("a")}, {EXPECT, "GET /a "},
                  {SEND, REPLY_OF("a")}, {EXPECT, "GET /a "}, {SEND, REPLY_OF("a")},
                  {EXPECT, "GET /a "}, {SEND, REPLY_OF("a")}, {HOLD}),
};

static void submit(struct haul *haul, const struct loopback *server)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/a", loopback_port(server));
    if (haul_submit(haul, &(struct haul_request){.url = url}))
        _exit(78);
}

/* The fault: between two requests, to be noticed in the second, or before its result is there. */
static void at_work(bool is_planted, void (*plant)(struct engine *engine))
{
    const struct haul_options options = {.concurrency = 2, .loop = HAUL_LOOP_EPOLL};
    const struct haul_result *result;
    struct haul *haul;
    struct loopback *server = loopback_open(replies, 1);
    if (!server || haul_open(&haul, &options))
        _exit(78);
    for (int round = 0; round < 3; round++) {
        if (is_planted && round == 1)
            plant(&haul->engine);
        submit(haul, server);
        int error;
        do
            error = haul_next(haul, &result, TEST_PATIENCE_MS);
        while (error == -EINTR);
        if (error || result->status != 200)
            _exit(79);
        haul_release(haul, result);
    }
    haul_close(haul);
}

static void count_active(struct engine *engine)
{
    engine->active++;
}

static void a_request_counted_twice(bool is_planted)
{
    at_work(is_planted, count_active);
}

static void count_unfinished(struct engine *engine)
{
    engine->collector.unfinished++;
}

static void a_result_counted_twice(bool is_planted)
{
    at_work(is_planted, count_unfinished);
}

static void count_queued(struct engine *engine)
{
    engine->schedule.count++;
}

static void a_queue_counted_wrong(bool is_planted)
{
    at_work(is_planted, count_queued);
}

static void count_shared(struct engine *engine)
{
    engine->store.shared_left++;
}

static void a_shared_block_too_many(bool is_planted)
{
    at_work(is_planted, count_shared);
}

static void count_open(struct engine *engine)
{
    engine->pool.open--;
}

static void a_connection_too_few(bool is_planted)
{
    at_work(is_planted, count_open);
}

static void lose_block(struct engine *engine)
{
    store_take(&engine->store);
}

static void a_block_lost(bool is_planted)
{
    at_work(is_planted, lose_block);
}

/* Of the idle connection, which has no request and passes for a busy one; it is due at once. */
static void set_free_deadline(struct engine *engine)
{
    engine->pool.slots[engine->pool.idle_newest].state = POOL_BUSY;
    deadline_set(&engine->deadlines, engine->pool.idle_newest, engine->now_ns);
    for (uint64_t begin_ns = clock_now_ns(); clock_now_ns() - begin_ns < 3 * DEADLINE_TICK_NS;)
        engine_run(engine, 0);
}

static void a_deadline_of_no_request(bool is_planted)
{
    at_work(is_planted, set_free_deadline);
}

/* The slot that is taken next belongs to a request that the collector has. */
static void take_twice(struct engine *engine)
{
    engine->fetches[engine->fetch_slab.first].state = FETCH_DONE;
}

static void a_request_slot_in_use_taken(bool is_planted)
{
    at_work(is_planted, take_twice);
}

/* --- playing ---------------------------------------------------------------------------------- */

static const struct fault {
    const char *name;
    void (*play)(bool is_planted);
    const char *file;
    const char *assertion; /* some of its words */
} faults[] = {
#define FAULT(name, file, assertion)                                                               \
    {                                                                                              \
#name, name, file, assertion                                                               \
    }
    FAULT(a_slot_given_twice, "slab.c", "slab_is_taken"),
    FAULT(a_slot_handed_out_to_two, "slab.c", "slab->next[slot] != SLAB_TAKEN"),
    FAULT(a_free_slot_lost, "slab.c", "slab->taken == slab->touched"),
    FAULT(a_block_freed_twice, "slab.c", "slab_is_taken"),
    FAULT(a_block_used_after_it_was_freed, "store.h", "slab_is_taken"),
    FAULT(shared_blocks_counted_wrong, "store.c", "shared_left < store->shared"),
    FAULT(a_chain_that_forgot_its_end, "store.c", "last->next == NO_BLOCK"),
    FAULT(a_chain_cut_short, "store.c", "index == chain->last"),
    FAULT(a_node_linked_twice, "list.h", "node->next == node"),
    FAULT(a_link_lost, "list.h", "node->previous->next == node"),
    FAULT(a_deadline_filed_twice, "deadline.c", "entry->next != id"),
    FAULT(a_deadline_lost_from_its_bucket, "deadline.c", "is_filed_well"),
    FAULT(a_request_queued_twice, "schedule.c", "state == FETCH_FREE"),
    FAULT(a_queue_with_a_gap, "schedule.c", "*to == index"),
    FAULT(a_queue_without_its_end, "schedule.c", "*to == next"),
    FAULT(a_result_out_of_order, "collector.c", ".index == collector->head_index"),
    FAULT(a_result_finished_twice, "collector.c", "index != collector->done_last"),
    FAULT(a_result_handed_out_unfinished, "collector.c", "state == FETCH_DONE"),
    FAULT(a_connection_in_line_twice, "pressure.c", "!waiters[slot].is_waiting"),
    FAULT(a_line_with_a_gap, "pressure.c", "*to == slot"),
    FAULT(bytes_of_an_earlier_life, "link.h", "link->state == LINK_OPEN"),
    FAULT(a_connect_answered_twice, "link.c", "state == LINK_CONNECTING"),
    FAULT(a_link_closed_twice, "link.c", "link->state != LINK_CLOSING"),
    FAULT(a_request_sent_on_a_closed_link, "link.h", "link->state == LINK_OPEN"),
    FAULT(a_reply_that_nobody_asked_for, "exchange.h", "state != EXCHANGE_NONE"),
    FAULT(a_closed_link_among_the_idle, "pool.c", "state == POOL_IDLE"),
    FAULT(a_link_idle_twice, "pool.c", "slot->state == POOL_BUSY"),
    FAULT(an_idle_link_lost_by_age, "pool.c", "*newer == index"),
    FAULT(an_idle_link_lost_by_its_origin, "pool.c", "previous == index"),
    FAULT(an_origin_with_a_reference_too_few, "origin.c", "origin->idle == NO_SLOT"),
    FAULT(epoll_a_slot_attached_twice, "loop_epoll.c", "!watch->attached"),
    FAULT(epoll_a_slot_closed_twice, "loop_epoll.c", "attached"),
    FAULT(epoll_a_receive_on_a_free_slot, "loop_epoll.c", "attached"),
    FAULT(uring_a_slot_attached_twice, "loop_uring.c", "slot->fd < 0"),
    FAULT(uring_a_slot_closed_twice, "loop_uring.c", "!slot->closing"),
    FAULT(uring_a_receive_on_a_free_slot, "loop_uring.c", "slot->fd >= 0"),
    FAULT(a_request_counted_twice, "engine.c", "engine->active"),
    FAULT(a_result_counted_twice, "engine.c", "collector.unfinished"),
    FAULT(a_queue_counted_wrong, "engine.c", "schedule.count"),
    FAULT(a_shared_block_too_many, "engine.c", "store->shared_left <= store->shared"),
    FAULT(a_connection_too_few, "engine.c", "pool->open"),
    FAULT(a_block_lost, "options.c", "store->slab.taken == 0"),
    FAULT(a_deadline_of_no_request, "engine.c", "!= NO_HOLDER"),
    FAULT(a_request_slot_in_use_taken, "fetch.c", "fetch->state == FETCH_FREE"),
#undef FAULT
};

/* What the child says on standard error; its status. */
static int play(const struct fault *fault, bool is_planted, char *ret_text, size_t size)
{
    int ends[2];
    int status;
    size_t length = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        fault->play(is_planted);
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t count; length < size - 1; length += (size_t)count)
        if ((count = read(ends[0], ret_text + length, size - 1 - length)) <= 0)
            break;
    ret_text[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* Where it stopped, without the path: "slab.c:36: slab_give: Assertion `…' failed." */
static const char *stop_of(char *text)
{
    char *end = strstr(text, "' failed.");
    char *begin = strstr(text, "ssertion `");
    if (!end || !begin)
        return NULL;
    end[strlen("' failed.")] = '\0';
    while (begin > text && *begin != '/' && *begin != '\n')
        begin--;
    return begin > text ? begin + 1 : begin;
}

static void each_stops_at_its_assertion(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char text[4096];
        const struct fault *fault = &faults[i];
        int status = play(fault, false, text, sizeof text);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
            print_message("  skipped: %s: the kernel refuses io_uring\n", fault->name);
            continue;
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("%s, without the fault: status %x, %s", fault->name, (unsigned)status, text);
        status = play(fault, true, text, sizeof text);
        const char *stop = stop_of(text);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !stop)
            fail_msg("%s: status %x, %s", fault->name, (unsigned)status, text);
        print_message("  %s: %s\n", fault->name, stop);
        if (strncmp(stop, fault->file, strlen(fault->file)) != 0 || !strstr(stop, fault->assertion))
            fail_msg("%s: not %s, %s", fault->name, fault->file, fault->assertion);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_stops_at_its_assertion)};
    return cmocka_run_group_tests_name("planted", tests, NULL, NULL);
}
