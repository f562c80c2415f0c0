/* The loop for where io_uring is refused: epoll, made to look like completions.
 *
 * Slots, tags, the timer and the wake descriptor are all watches: what is wanted of a descriptor,
 * and what the kernel has been told to watch. Operations are tried at once, and what they answer at
 * once is queued in the watch itself. What must wait changes only `wanted`; the hard idea is that
 * the kernel is told late and rarely. loop_wait() adds the interest that is missing, and interest
 * that is too much goes when an event shows that it is; so a connection that sends and receives in
 * turns, or is paused and goes on, needs no epoll_ctl() at all.
 *
 * System calls of a kind go together, as a ring's do: some events are received from before the
 * first of their bytes is lent, and what is to be sent is sent when the last of them is handled. So
 * neither the kernel's code nor ours is driven out of the caches by the other at each request.
 *
 * poll_fd is the epoll set. What is queued in the watches cannot make it readable, so it is to be
 * polled only after loop_wait() with a timeout of 0 and loop_next() until false: then nothing is
 * queued, and the kernel knows all that is wanted. */

#include "engine/loop/bulk.h"
#include "engine/loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/time_types.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 512,
    RECEIVE_BYTES = 65536, /* at most, in one call; */
    MUCH_BYTES = 262144,   /* where much is expected */
    LOANS_MAX = 32,
    SCRATCH_BYTES = RECEIVE_BYTES + MUCH_BYTES,
};

#define NO_WATCH UINT32_MAX
#define NO_TICK UINT64_MAX
#define BIT(op) (1u << (op))

enum { FAILURE_EVENTS = EPOLLERR | EPOLLHUP }; /* come without being asked for */

/* Watches that stand in line, first come first served. */
enum line {
    LINE_ENDED, /* with operations that have ended */
    LINE_SENDS, /* with something to send that was not tried yet */
    LINES,
};

/* The low half of epoll's data is the watch's index, the high half its generation. One line of the
 * cache: with thousands of them each request finds its own cold. */
struct watch {
    _Alignas(64) int fd;
    uint32_t generation; /* events of an earlier one are dropped */
    uint16_t watched;    /* the epoll events that the kernel has been told; 0: not in the set */
    uint16_t polled;     /* the poll(2) events that LOOP_READY waits for */
    uint8_t wanted;      /* BIT(op) of what waits for an event */
    uint8_t ended;       /* BIT(op) of what is in the queue of completions, with its result */
    bool attached : 1;
    bool in_changes : 1;
    bool silent : 1; /* the rest is of a send that completes silently, if it is through at once */
    bool once : 1;   /* one receive is wanted, and no further one */
    bool much : 1;   /* is expected, or was */
    uint8_t lined;   /* BIT(line) of those it stands in */
    uint32_t line_next[LINES];
    uint32_t change_next;
    int32_t results[LOOP_READY + 1]; /* of the others it is 0 */
    const char *rest;                /* still to be sent */
    size_t rest_length;
};

static_assert(sizeof(struct watch) == 64, "one line");

/* What was received in one call, lent in pieces of LOOP_BUFFER_BYTES. */
struct loan {
    uint32_t slot;
    uint32_t begin; /* in the scratch, of what is to be lent yet */
    uint32_t end;
};

struct epoll_loop {
    struct loop head;
    struct watch *watches; /* slots, then tags, then the timer, then the wake descriptor */
    uint32_t slots;
    uint32_t tags;
    uint32_t line_first[LINES];
    uint32_t line_last[LINES];
    uint32_t changes; /* watches of which more is wanted than watched */
    int timer_fd;
    uint64_t tick_ns;  /* when LOOP_TICK is due, or NO_TICK, */
    uint64_t look_ns;  /* and a look at peers that may stall, likewise: */
    uint64_t timer_ns; /* when the timer goes off */
    struct bulks bulks;
    bool has_pwait2;
    uint32_t event_next;
    uint32_t event_count;
    uint32_t loan_next;
    uint32_t loan_count;
    uint32_t scratch_used;
    struct loan loans[LOANS_MAX];
    struct epoll_event events[EVENTS_MAX];
    char scratch[SCRATCH_BYTES];
};

static struct epoll_loop *of(struct loop *loop)
{
    return (struct epoll_loop *)loop;
}

/* --- lines ------------------------------------------------------------------------------------ */

static void line_push(struct epoll_loop *loop, enum line line, uint32_t index)
{
    struct watch *watch = &loop->watches[index];

    if (watch->lined & BIT(line))
        return;
    watch->lined |= (uint8_t)BIT(line);
    watch->line_next[line] = NO_WATCH;
    if (loop->line_first[line] == NO_WATCH) {
        loop->line_first[line] = index;
    } else {
        uint32_t *last = &loop->watches[loop->line_last[line]].line_next[line];
        assert(*last == NO_WATCH);
        *last = index;
    }
    loop->line_last[line] = index;
}

static void line_pop(struct epoll_loop *loop, enum line line)
{
    struct watch *watch = &loop->watches[loop->line_first[line]];

    assert(watch->lined & BIT(line));
    watch->lined &= (uint8_t)~BIT(line);
    loop->line_first[line] = watch->line_next[line];
}

static bool has_ended(const struct epoll_loop *loop)
{
    return loop->line_first[LINE_ENDED] != NO_WATCH;
}

/* --- completions ------------------------------------------------------------------------------ */

static bool take_ended(struct epoll_loop *loop, struct completion *ret_completion)
{
    while (has_ended(loop)) {
        uint32_t index = loop->line_first[LINE_ENDED];
        struct watch *watch = &loop->watches[index];

        line_pop(loop, LINE_ENDED);
        if (watch->ended == 0)
            continue;
        enum loop_op op = (enum loop_op)__builtin_ctz(watch->ended);
        watch->ended &= (uint8_t)~BIT(op);
        if (watch->ended != 0)
            line_push(loop, LINE_ENDED, index);
        *ret_completion = (struct completion){
            .op = op,
            .slot = index < loop->slots ? index : index - loop->slots,
            .result = op <= LOOP_READY ? watch->results[op] : 0,
        };
        return true;
    }
    return false;
}

static void complete(struct epoll_loop *loop, uint32_t index, enum loop_op op, int32_t result)
{
    struct watch *watch = &loop->watches[index];

    assert(op == LOOP_CLOSED ? watch->ended == 0 : watch->attached || index >= loop->slots);
    watch->ended |= (uint8_t)BIT(op);
    if (op <= LOOP_READY)
        watch->results[op] = result;
    line_push(loop, LINE_ENDED, index);
}

/* Completes an operation that has nothing more to wait for. */
static void end(struct epoll_loop *loop, uint32_t index, enum loop_op op, int32_t result)
{
    loop->watches[index].wanted &= (uint8_t)~BIT(op);
    complete(loop, index, op, result);
}

/* --- what is wanted, and what the kernel watches ---------------------------------------------- */

static uint32_t wanted_events(const struct watch *watch)
{
    uint32_t events = 0;

    if (watch->wanted & (BIT(LOOP_ACCEPT) | BIT(LOOP_RECEIVE) | BIT(LOOP_TICK) | BIT(LOOP_WAKE)))
        events |= EPOLLIN;
    if (watch->wanted & (BIT(LOOP_CONNECT) | BIT(LOOP_SEND)))
        events |= EPOLLOUT;
    if (watch->wanted & BIT(LOOP_READY))
        events |= watch->polled | EPOLLERR; /* never 0, even where only failures are waited for */
    return events;
}

static void want(struct epoll_loop *loop, uint32_t index, enum loop_op op)
{
    struct watch *watch = &loop->watches[index];

    assert(watch->attached || index >= loop->slots);
    watch->wanted |= (uint8_t)BIT(op);
    if (watch->in_changes || (wanted_events(watch) & ~watch->watched) == 0)
        return;
    watch->in_changes = true;
    watch->change_next = loop->changes;
    loop->changes = index;
}

/* Makes the kernel watch exactly what is wanted. Nothing wanted means out of the set, since
 * failures would be reported again and again. */
static int watch_update(struct epoll_loop *loop, uint32_t index)
{
    struct watch *watch = &loop->watches[index];
    uint32_t events = wanted_events(watch);
    int operation = watch->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    struct epoll_event event = {
        .events = events,
        .data.u64 = (uint64_t)watch->generation << 32 | index,
    };

    if (events == watch->watched)
        return 0;
    watch->watched = (uint16_t)events;
    if (epoll_ctl(loop->head.poll_fd, events == 0 ? EPOLL_CTL_DEL : operation, watch->fd, &event) ==
        0)
        return 0;
    watch->watched = 0;
    return -errno;
}

/* What the kernel refuses to watch can only fail. */
static void watch_update_or_fail(struct epoll_loop *loop, uint32_t index)
{
    struct watch *watch = &loop->watches[index];
    int error = watch_update(loop, index);

    while (error != 0 && watch->wanted != 0)
        end(loop, index, (enum loop_op)__builtin_ctz(watch->wanted), error);
}

/* Out of the set before the descriptor is closed: that alone would not do it where a child process
 * has a copy. */
static void watch_forget(struct epoll_loop *loop, uint32_t index)
{
    loop->watches[index].wanted = 0;
    watch_update(loop, index);
}

static void apply_changes(struct epoll_loop *loop)
{
    while (loop->changes != NO_WATCH) {
        struct watch *watch = &loop->watches[loop->changes];
        uint32_t index = loop->changes;

        assert(watch->in_changes);
        loop->changes = watch->change_next;
        watch->in_changes = false;
        if (wanted_events(watch) & ~watch->watched)
            watch_update_or_fail(loop, index);
    }
}

/* Ends all that a watch waits for; its events and completions still on their way are dropped. */
static void watch_reset(struct watch *watch)
{
    watch->generation++;
    watch->watched = 0;
    watch->wanted = 0;
    watch->ended = 0;
    watch->rest_length = 0;
}

/* --- one step of each operation --------------------------------------------------------------- */

static bool would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

static void step_connect(struct epoll_loop *loop, uint32_t index)
{
    int error = 0;
    socklen_t length = sizeof(error);

    if (getsockopt(loop->watches[index].fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    end(loop, index, LOOP_CONNECT, -error);
}

static void step_send(struct epoll_loop *loop, uint32_t index)
{
    struct watch *watch = &loop->watches[index];
    ssize_t sent = send(watch->fd, watch->rest, watch->rest_length, MSG_NOSIGNAL | MSG_DONTWAIT);

    assert(watch->attached);
    loop->head.counters.enters++;
    if (sent < 0 && !would_block()) {
        watch->rest_length = 0;
        end(loop, index, LOOP_SEND, -errno);
        return;
    }
    if (sent > 0) {
        watch->rest += sent;
        watch->rest_length -= (size_t)sent;
    }
    if (watch->rest_length > 0) {
        watch->silent = false;
        want(loop, index, LOOP_SEND);
    } else if (!watch->silent) {
        end(loop, index, LOOP_SEND, 0);
    }
}

/* Where its fate is asked for, a send that waits its turn is made. */
static void send_due(struct epoll_loop *loop, uint32_t index)
{
    struct watch *watch = &loop->watches[index];

    if ((watch->lined & BIT(LINE_SENDS)) && watch->rest_length > 0 &&
        !(watch->wanted & BIT(LOOP_SEND)))
        step_send(loop, index);
}

static void sends_flush(struct epoll_loop *loop)
{
    while (loop->line_first[LINE_SENDS] != NO_WATCH) {
        send_due(loop, loop->line_first[LINE_SENDS]);
        line_pop(loop, LINE_SENDS);
    }
}

static void step_receive(struct epoll_loop *loop, uint32_t index)
{
    struct watch *watch = &loop->watches[index];
    char *room = loop->scratch + loop->scratch_used;
    size_t room_length = SCRATCH_BYTES - loop->scratch_used;
    size_t size = watch->once ? LOOP_BUFFER_BYTES : watch->much ? room_length : RECEIVE_BYTES;
    assert(loop->loan_count < LOANS_MAX && size <= room_length);
    ssize_t received = recv(watch->fd, room, size, MSG_DONTWAIT);

    loop->head.counters.enters++;
    if (received < 0 && would_block())
        return;
    if (received <= 0) {
        end(loop, index, LOOP_RECEIVE, received < 0 ? -errno : 0);
        return;
    }
    if (watch->once)
        watch->wanted &= (uint8_t)~BIT(LOOP_RECEIVE);
    if (watch->much)
        bulk_received(&loop->bulks, index, (uint32_t)received);
    uint32_t begin = loop->scratch_used;
    loop->scratch_used += (uint32_t)received;
    loop->loans[loop->loan_count++] = (struct loan){index, begin, loop->scratch_used};
}

/* The event stays the next one for as long as there are connections to take. */
static void step_accept(struct epoll_loop *loop, uint32_t index)
{
    int fd = accept4(loop->watches[index].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    loop->head.counters.enters++;
    if (fd < 0 && (would_block() || errno == ECONNABORTED))
        return;
    if (fd < 0) {
        end(loop, index, LOOP_ACCEPT, -errno);
        return;
    }
    complete(loop, index, LOOP_ACCEPT, fd);
    loop->event_next--;
}

/* Out of the set at once: afterwards the caller may close the descriptor unasked. */
static void step_ready(struct epoll_loop *loop, uint32_t index, uint32_t events)
{
    end(loop, index, LOOP_READY, (int32_t)events);
    watch_update(loop, index);
}

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct timespec timespec_of(uint64_t time_ns)
{
    return (struct timespec){
        .tv_sec = (time_t)(time_ns / 1000000000),
        .tv_nsec = (long)(time_ns % 1000000000),
    };
}

/* To what is due first; to never, where nothing is. */
static void timer_set(struct epoll_loop *loop)
{
    uint64_t time_ns = loop->tick_ns < loop->look_ns ? loop->tick_ns : loop->look_ns;
    struct itimerspec timer = {.it_value = timespec_of(time_ns == NO_TICK ? 0 : time_ns)};

    if (time_ns == loop->timer_ns)
        return;
    loop->timer_ns = time_ns;
    timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
}

static void step_look(struct epoll_loop *loop, uint64_t now_ns)
{
    bulks_look(&loop->bulks);
    loop->look_ns = bulks_are_none(&loop->bulks) ? NO_TICK : now_ns + BULK_LOOK_NS;
}

static void step_tick(struct epoll_loop *loop, uint32_t index)
{
    uint64_t expirations;

    if (read(loop->timer_fd, &expirations, sizeof(expirations)) < 0)
        return; /* set anew since the event */
    uint64_t now_ns = clock_ns();
    loop->timer_ns = NO_TICK;
    if (loop->look_ns <= now_ns)
        step_look(loop, now_ns);
    if (loop->tick_ns <= now_ns) {
        loop->tick_ns = NO_TICK;
        complete(loop, index, LOOP_TICK, 0);
    }
    timer_set(loop);
}

static void step_wake(struct epoll_loop *loop, uint32_t index)
{
    uint64_t wakes;

    if (read(loop->head.wake_fd, &wakes, sizeof(wakes)) < 0)
        return;
    complete(loop, index, LOOP_WAKE, 0);
}

static uint32_t answered_operations(const struct watch *watch, uint32_t events)
{
    uint32_t operations = BIT(LOOP_READY);

    if (events & (EPOLLIN | FAILURE_EVENTS))
        operations |= BIT(LOOP_ACCEPT) | BIT(LOOP_RECEIVE) | BIT(LOOP_TICK) | BIT(LOOP_WAKE);
    if (events & (EPOLLOUT | FAILURE_EVENTS))
        operations |= BIT(LOOP_CONNECT) | BIT(LOOP_SEND);
    return watch->wanted & operations;
}

static void step(struct epoll_loop *loop, uint32_t index, enum loop_op op, uint32_t events)
{
    switch (op) {
    case LOOP_ACCEPT:
        step_accept(loop, index);
        break;
    case LOOP_CONNECT:
        step_connect(loop, index);
        break;
    case LOOP_SEND:
        step_send(loop, index);
        break;
    case LOOP_RECEIVE:
        step_receive(loop, index);
        break;
    case LOOP_READY:
        step_ready(loop, index, events);
        break;
    case LOOP_TICK:
        step_tick(loop, index);
        break;
    case LOOP_WAKE:
        step_wake(loop, index);
        break;
    case LOOP_CLOSED: /* waits for nothing */
        break;
    }
}

static void on_event(struct epoll_loop *loop, const struct epoll_event *event)
{
    uint32_t index = (uint32_t)event->data.u64;
    struct watch *watch = &loop->watches[index];
    uint32_t operations = answered_operations(watch, event->events);

    if (watch->generation != event->data.u64 >> 32)
        return;
    if (operations == 0) /* more is watched than wanted */
        watch_update_or_fail(loop, index);
    for (; operations != 0; operations &= operations - 1)
        step(loop, index, (enum loop_op)__builtin_ctz(operations), event->events);
}

/* --- the interface ---------------------------------------------------------------------------- */

static struct watch *slot_watch(struct epoll_loop *loop, uint32_t slot)
{
    assert(slot < loop->slots && loop->watches[slot].attached);
    return &loop->watches[slot];
}

static void epoll_loop_attach(struct loop *head, uint32_t slot, int fd)
{
    struct epoll_loop *loop = of(head);
    struct watch *watch = &loop->watches[slot];

    assert(slot < loop->slots && !watch->attached && watch->ended == 0);
    assert(fd >= 0 && watch->wanted == 0 && watch->watched == 0 && watch->rest_length == 0);
    watch->attached = true;
    watch->fd = fd;
}

static void epoll_loop_connect(struct loop *head, uint32_t slot, const struct sockaddr *address,
                               socklen_t length)
{
    struct epoll_loop *loop = of(head);
    struct watch *watch = slot_watch(loop, slot);

    head->counters.enters++;
    if (connect(watch->fd, address, length) == 0)
        end(loop, slot, LOOP_CONNECT, 0);
    else if (errno == EINPROGRESS || errno == EINTR)
        want(loop, slot, LOOP_CONNECT);
    else
        end(loop, slot, LOOP_CONNECT, -errno);
}

static bool is_sending(struct epoll_loop *loop, uint32_t slot)
{
    const struct watch *watch = &loop->watches[slot];

    send_due(loop, slot);
    return ((watch->wanted | watch->ended) & BIT(LOOP_SEND)) != 0;
}

static bool epoll_loop_is_sending(struct loop *head, uint32_t slot)
{
    slot_watch(of(head), slot);
    return is_sending(of(head), slot);
}

static void epoll_loop_send(struct loop *head, uint32_t slot, const void *bytes, size_t length)
{
    struct watch *watch = slot_watch(of(head), slot);
    bool is_before = is_sending(of(head), slot);

    assert(!is_before);
    watch->rest = bytes;
    watch->rest_length = length;
    watch->silent = length <= LOOP_SILENT_BYTES;
    line_push(of(head), LINE_SENDS, slot);
}

static void epoll_loop_send_last(struct loop *head, uint32_t slot, const void *bytes, size_t length)
{
    struct watch *watch = slot_watch(of(head), slot);

    send_due(of(head), slot);
    if (watch->rest_length > 0)
        return;
    head->counters.enters++;
    send(watch->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void epoll_loop_receive(struct loop *head, uint32_t slot)
{
    slot_watch(of(head), slot)->once = false;
    want(of(head), slot, LOOP_RECEIVE);
}

static void epoll_loop_receive_once(struct loop *head, uint32_t slot)
{
    slot_watch(of(head), slot)->once = true;
    want(of(head), slot, LOOP_RECEIVE);
}

static void epoll_loop_pause(struct loop *head, uint32_t slot)
{
    slot_watch(of(head), slot)->wanted &= (uint8_t)~BIT(LOOP_RECEIVE);
}

static void epoll_loop_expect(struct loop *head, uint32_t slot, uint64_t length)
{
    struct epoll_loop *loop = of(head);
    struct watch *watch = slot_watch(loop, slot);
    uint64_t taken = 0;

    for (uint32_t i = loop->loan_next; i < loop->loan_count; i++)
        if (loop->loans[i].slot == slot)
            taken += loop->loans[i].end - loop->loans[i].begin;
    watch->much = true;
    bulk_begin(&loop->bulks, slot, watch->fd, length > taken ? length - taken : 0);
    if (loop->look_ns == NO_TICK && !bulks_are_none(&loop->bulks)) {
        loop->look_ns = clock_ns() + BULK_LOOK_NS;
        timer_set(loop);
    }
}

static void epoll_loop_close_slot(struct loop *head, uint32_t slot)
{
    struct epoll_loop *loop = of(head);
    struct watch *watch = slot_watch(loop, slot);

    send_due(loop, slot);
    watch_forget(loop, slot);
    if (watch->much)
        bulk_end(&loop->bulks, slot);
    close(watch->fd);
    watch->attached = watch->much = false;
    watch_reset(watch);
    for (uint32_t i = loop->loan_next; i < loop->loan_count; i++)
        if (loop->loans[i].slot == slot)
            loop->loans[i].end = loop->loans[i].begin;
    complete(loop, slot, LOOP_CLOSED, 0);
}

static void epoll_loop_unpoll(struct loop *head, uint32_t tag)
{
    struct epoll_loop *loop = of(head);
    uint32_t index = loop->slots + tag;

    assert(tag < loop->tags);
    watch_forget(loop, index);
    watch_reset(&loop->watches[index]);
}

static void epoll_loop_poll(struct loop *head, uint32_t tag, int fd, short events)
{
    struct epoll_loop *loop = of(head);
    struct watch *watch = &loop->watches[loop->slots + tag];

    epoll_loop_unpoll(head, tag);
    watch->fd = fd;
    watch->polled = (uint16_t)events; /* the values of epoll are those of poll */
    want(loop, loop->slots + tag, LOOP_READY);
}

static void epoll_loop_accept(struct loop *head, uint32_t tag, int fd)
{
    struct epoll_loop *loop = of(head);

    epoll_loop_unpoll(head, tag);
    loop->watches[loop->slots + tag].fd = fd;
    want(loop, loop->slots + tag, LOOP_ACCEPT);
}

static void epoll_loop_tick(struct loop *head, uint64_t time_ns)
{
    struct epoll_loop *loop = of(head);

    if (time_ns >= loop->tick_ns)
        return;
    loop->tick_ns = time_ns == 0 ? 1 : time_ns; /* 0 disarms */
    timer_set(loop);
}

static void epoll_loop_untick(struct loop *head)
{
    struct epoll_loop *loop = of(head);

    loop->tick_ns = NO_TICK;
    timer_set(loop);
}

/* poll_fd has no other way to be readable than by what it watches. */
static void epoll_loop_ring(struct loop *head)
{
    epoll_loop_tick(head, 0);
}

/* It came with Linux 5.11, but not every C library has a function for it (musl before 1.2.5). The
 * call takes times of 64 bits, on 32-bit machines, too. */
static int pwait2(struct epoll_loop *loop, int64_t timeout_ns)
{
#ifdef SYS_epoll_pwait2
    struct __kernel_timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};

    return (int)syscall(SYS_epoll_pwait2, loop->head.poll_fd, loop->events, EVENTS_MAX, &timeout,
                        NULL, 0);
#else
    (void)loop;
    (void)timeout_ns;
    errno = ENOSYS;
    return -1;
#endif
}

/* An older kernel does not know pwait2(), and what filters system calls may not know it either. */
static int wait_ns(struct epoll_loop *loop, int64_t timeout_ns)
{
    int64_t timeout_ms = timeout_ns / 1000000 + (timeout_ns % 1000000 > 0);
    int events;

    loop->head.counters.enters++;
    if (timeout_ns > 0 && loop->has_pwait2) {
        events = pwait2(loop, timeout_ns);
        loop->has_pwait2 = events >= 0 || (errno != ENOSYS && errno != EPERM);
        if (loop->has_pwait2)
            return events;
    }
    if (timeout_ns < 0)
        timeout_ms = -1;
    return epoll_wait(loop->head.poll_fd, loop->events, EVENTS_MAX,
                      (int)(timeout_ms < INT_MAX ? timeout_ms : INT_MAX));
}

/* Any number of completions is enough: waiting longer would not make them cheaper. */
static int epoll_loop_wait(struct loop *head, uint32_t count, int64_t timeout_ns)
{
    struct epoll_loop *loop = of(head);

    if (loop->event_next < loop->event_count || loop->loan_next < loop->loan_count)
        return 0;
    sends_flush(loop);
    apply_changes(loop);
    int events = wait_ns(loop, has_ended(loop) || count == 0 ? 0 : timeout_ns);
    loop->event_next = 0;
    loop->event_count = events > 0 ? (uint32_t)events : 0;
    return events < 0 ? -errno : 0;
}

static bool lend(struct epoll_loop *loop, struct completion *ret_completion)
{
    while (loop->loan_next < loop->loan_count) {
        struct loan *loan = &loop->loans[loop->loan_next];
        uint32_t length = loan->end - loan->begin;

        if (length > LOOP_BUFFER_BYTES)
            length = LOOP_BUFFER_BYTES;
        else
            loop->loan_next++;
        if (length == 0) /* closed since */
            continue;
        *ret_completion = (struct completion){
            .op = LOOP_RECEIVE,
            .slot = loan->slot,
            .result = (int32_t)length,
            .bytes = loop->scratch + loan->begin,
        };
        assert(loop->watches[loan->slot].attached);
        loan->begin += length;
        return true;
    }
    return false;
}

/* Handles events for as long as what they bring can wait together; false: none was left. */
static bool take_events(struct epoll_loop *loop)
{
    if (loop->event_next == loop->event_count)
        return false;
    loop->loan_next = loop->loan_count = loop->scratch_used = 0;
    while (loop->event_next < loop->event_count && !has_ended(loop) &&
           loop->loan_count < LOANS_MAX && loop->scratch_used <= RECEIVE_BYTES)
        on_event(loop, &loop->events[loop->event_next++]);
    return true;
}

static bool epoll_loop_next(struct loop *head, struct completion *ret_completion)
{
    struct epoll_loop *loop = of(head);

    while (!lend(loop, ret_completion) && !take_ended(loop, ret_completion)) {
        sends_flush(loop);
        if (!take_events(loop) && !has_ended(loop))
            return false;
    }
    head->counters.completions++;
    return true;
}

static void epoll_loop_close(struct loop *head)
{
    struct epoll_loop *loop = of(head);

    for (uint32_t slot = 0; loop->watches != NULL && slot < loop->slots; slot++)
        if (loop->watches[slot].attached)
            close(loop->watches[slot].fd);
    const int owned[] = {head->poll_fd, head->wake_fd, loop->timer_fd};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
        if (owned[i] >= 0)
            close(owned[i]);
    bulks_deinit(&loop->bulks);
    free(loop->watches);
    free(loop);
}

static const struct loop_interface interface = {
    .name = "epoll",
    .close = epoll_loop_close,
    .attach = epoll_loop_attach,
    .connect = epoll_loop_connect,
    .send = epoll_loop_send,
    .is_sending = epoll_loop_is_sending,
    .send_last = epoll_loop_send_last,
    .receive = epoll_loop_receive,
    .receive_once = epoll_loop_receive_once,
    .pause = epoll_loop_pause,
    .expect = epoll_loop_expect,
    .close_slot = epoll_loop_close_slot,
    .accept = epoll_loop_accept,
    .poll = epoll_loop_poll,
    .unpoll = epoll_loop_unpoll,
    .tick = epoll_loop_tick,
    .untick = epoll_loop_untick,
    .ring = epoll_loop_ring,
    .wait = epoll_loop_wait,
    .next = epoll_loop_next,
};

static int open_descriptors(struct epoll_loop *loop)
{
    uint32_t timer = loop->slots + loop->tags;

    loop->head.poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->head.poll_fd < 0)
        return -errno;
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->timer_fd < 0)
        return -errno;
    loop->head.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->head.wake_fd < 0)
        return -errno;

    loop->watches[timer].fd = loop->timer_fd;
    loop->watches[timer].wanted = BIT(LOOP_TICK);
    loop->watches[timer + 1].fd = loop->head.wake_fd;
    loop->watches[timer + 1].wanted = BIT(LOOP_WAKE);
    int error = watch_update(loop, timer);
    return error != 0 ? error : watch_update(loop, timer + 1);
}

int loop_epoll_open(struct loop **ret_loop, const struct loop_options *options)
{
    struct epoll_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        return -ENOMEM;
    loop->head =
        (struct loop){.interface = &interface, .poll_fd = -1, .wake_fd = -1, .reason = "epoll"};
    loop->slots = options->slots;
    loop->tags = options->polls;
    for (int line = 0; line < LINES; line++)
        loop->line_first[line] = NO_WATCH;
    loop->changes = NO_WATCH;
    loop->timer_fd = -1;
    loop->tick_ns = loop->look_ns = loop->timer_ns = NO_TICK;
    loop->has_pwait2 = true;
    size_t size = ((size_t)loop->slots + loop->tags + 2) * sizeof(*loop->watches);
    loop->watches = aligned_alloc(_Alignof(struct watch), size);
    if (loop->watches != NULL)
        memset(loop->watches, 0, size);

    int error = bulks_init(&loop->bulks, loop->slots);
    if (error == 0)
        error = loop->watches == NULL ? -ENOMEM : open_descriptors(loop);
    if (error != 0)
        epoll_loop_close(&loop->head);
    else
        *ret_loop = &loop->head;
    return error;
}
