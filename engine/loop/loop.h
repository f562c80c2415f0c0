#ifndef ENGINE_LOOP_LOOP_H
#define ENGINE_LOOP_LOOP_H

/* What the engine asks of a kernel interface, and the only way it talks to one.
 *
 * The shape is io_uring's: operations are queued, loop_wait() hands them to the kernel and waits,
 * loop_next() takes one completion at a time. The epoll loop imitates it, so that everything above
 * is the same for both. Nothing here calls back.
 *
 * A connection is a slot, 0 … slots - 1, that a descriptor is attached to. The loop tags every
 * operation with the slot's generation and drops what comes late, so that the engine never sees a
 * completion of an earlier life of the slot. Received bytes are lent: they lie in the loop's own
 * buffer, until the next loop_next() or loop_wait(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum loop_op {
    LOOP_ACCEPT,  /* slot: the tag of loop_accept(); result: the new descriptor */
    LOOP_CONNECT, /* result: 0 */
    LOOP_SEND,    /* a send is through: result 0; or it failed. Of a silent one: see there */
    LOOP_RECEIVE, /* result: how many bytes were received, lent at bytes; 0: the peer's FIN, or a
                     failure: both end the receiving */
    LOOP_READY,   /* slot: the tag of loop_poll(); result: the poll(2) events */
    LOOP_CLOSED,  /* after loop_close_slot(): the slot is free, nothing of it is still to come */
    LOOP_TICK,    /* the time of loop_tick() has come */
    LOOP_WAKE,    /* loop_wake() was called */
};

/* A negative result is a negative errno. */
struct completion {
    enum loop_op op;
    uint32_t slot;
    int32_t result;
    const char *bytes;
};

/* Sends up to this length complete silently: LOOP_SEND comes only where one failed, or where the
 * kernel had no room for all of it at once. */
enum { LOOP_SILENT_BYTES = 4096 };

enum {
    LOOP_BUFFER_BYTES = 16384, /* one lent buffer holds at most this, */
    LOOP_BUFFERS_MAX = 256,    /* and all that are lent after a pause so many */
};

enum {
    LOOP_MUCH_BYTES = 262144, /* to come: worth a loop_expect() */
};

#define LOOP_STALL_NS UINT64_C(20000000)

enum {
    LOOP_PULSE_NS = 1000000, /* how long a wait for several completions may last */
};

/* Features that the tests, and nobody else, ask a ring to do without, to walk down the ladder. */
enum {
    LOOP_WITHOUT_DEFER_TASKRUN = 1,
    LOOP_WITHOUT_COOP_TASKRUN = 2,
    LOOP_WITHOUT_BUFFER_RING = 4, /* no provided buffers, so no multishot receive */
    LOOP_WITHOUT_BUNDLES = 16,    /* a completion for each buffer that was received into */
    LOOP_WITHOUT_URING = 8,       /* as if the kernel had refused io_uring_setup with ENOSYS */
};

struct loop_options {
    uint32_t slots;   /* connections */
    uint32_t polls;   /* tags for loop_poll(), 0 … polls - 1 */
    uint32_t without; /* LOOP_WITHOUT_* */
};

struct loop_counters {
    uint64_t enters;
    uint64_t completions;
    uint64_t buffers_empty;
    uint64_t queue_overflows;
};

struct loop;

struct loop_interface {
    const char *name;
    void (*close)(struct loop *loop);
    void (*attach)(struct loop *loop, uint32_t slot, int fd);
    void (*connect)(struct loop *loop, uint32_t slot, const struct sockaddr *address,
                    socklen_t length);
    void (*send)(struct loop *loop, uint32_t slot, const void *bytes, size_t length);
    bool (*is_sending)(struct loop *loop, uint32_t slot);
    void (*send_last)(struct loop *loop, uint32_t slot, const void *bytes, size_t length);
    void (*receive)(struct loop *loop, uint32_t slot);
    void (*receive_once)(struct loop *loop, uint32_t slot);
    void (*pause)(struct loop *loop, uint32_t slot);
    void (*expect)(struct loop *loop, uint32_t slot, uint64_t length);
    void (*close_slot)(struct loop *loop, uint32_t slot);
    void (*accept)(struct loop *loop, uint32_t tag, int fd);
    void (*poll)(struct loop *loop, uint32_t tag, int fd, short events);
    void (*unpoll)(struct loop *loop, uint32_t tag);
    void (*tick)(struct loop *loop, uint64_t time_ns);
    void (*untick)(struct loop *loop);
    void (*ring)(struct loop *loop);
    int (*wait)(struct loop *loop, uint32_t count, int64_t timeout_ns);
    bool (*next)(struct loop *loop, struct completion *ret_completion);
};

/* The head of every loop; the rest is the implementation's. */
struct loop {
    const struct loop_interface *interface;
    int poll_fd; /* after a loop_wait(…, 0) that brought nothing: readable when one would */
    int wake_fd; /* an eventfd */
    struct loop_counters counters;
    char reason[160]; /* which features are in use, or why this loop was taken */
};

/* Both return 0 or a negative errno and leave nothing behind on failure. */
int loop_uring_open(struct loop **ret_loop, const struct loop_options *options);
int loop_epoll_open(struct loop **ret_loop, const struct loop_options *options);

/* io_uring, or epoll where io_uring is refused with ENOSYS, EPERM, EACCES (its set-up, or what it
 * takes to use it) or lacks what is needed; loop->reason then says why. */
int loop_auto_open(struct loop **ret_loop, const struct loop_options *options);

/* One sentence for a negative errno of loop_uring_open(): the cause, and how to mend it. */
void loop_uring_explain(int error, char *ret_sentence, size_t size);

/* Makes loop_wait() return; LOOP_WAKE follows. Safe from any thread and from signal handlers. */
void loop_wake(struct loop *loop);

static inline void loop_close(struct loop *loop)
{
    loop->interface->close(loop);
}

/* The slot takes fd over: it is closed with the slot. The slot must be free. */
static inline void loop_attach(struct loop *loop, uint32_t slot, int fd)
{
    loop->interface->attach(loop, slot, fd);
}

/* Always answered by one LOOP_CONNECT. address must stay until then. */
static inline void loop_connect(struct loop *loop, uint32_t slot, const struct sockaddr *address,
                                socklen_t length)
{
    loop->interface->connect(loop, slot, address, length);
}

/* One send at a time a slot: not while loop_is_sending(). bytes must stay until that says no, until
 * LOOP_SEND, or until the slot is closed. */
static inline void loop_send(struct loop *loop, uint32_t slot, const void *bytes, size_t length)
{
    loop->interface->send(loop, slot, bytes, length);
}

/* Is a send of this slot not through yet? Then, and only then, LOOP_SEND is still to come. A silent
 * send that is queued is handed to the kernel to find out: behind a loop_wait() none is, and asking
 * costs nothing. */
static inline bool loop_is_sending(struct loop *loop, uint32_t slot)
{
    return loop->interface->is_sending(loop, slot);
}

/* A last word before loop_close_slot() or loop_close(): sent at once, as far as the kernel takes it
 * at once, or not at all where an earlier send may still be under way. Nobody is told; bytes are
 * the caller's again. Before loop_close() it may come from whichever thread closes. */
static inline void loop_send_last(struct loop *loop, uint32_t slot, const void *bytes,
                                  size_t length)
{
    loop->interface->send_last(loop, slot, bytes, length);
}

/* Starts, or after loop_pause() goes on with, receiving: LOOP_RECEIVE comes again and again, until
 * one whose result is 0 or negative. Asking twice changes nothing. */
static inline void loop_receive(struct loop *loop, uint32_t slot)
{
    loop->interface->receive(loop, slot);
}

/* The same for one LOOP_RECEIVE, after which the slot is as after loop_pause(). To be asked for
 * only where it is so before, too. */
static inline void loop_receive_once(struct loop *loop, uint32_t slot)
{
    loop->interface->receive_once(loop, slot);
}

/* No further bytes are wanted for now. What is on its way may still come, before the next
 * loop_wait() and what it brings is over: of all slots that are paused until then together at most
 * LOOP_BUFFERS_MAX completions with bytes, however long it takes to handle them. */
static inline void loop_pause(struct loop *loop, uint32_t slot)
{
    loop->interface->pause(loop, slot);
}

/* So much is to come on the slot, counted from what is lent now: at least LOOP_MUCH_BYTES. From now
 * on until it is closed it is received at a smaller cost for each byte, where the kernel knows how,
 * and at a greater one for each of many small parts. While LOOP_MUCH_BYTES or more of it are to
 * come, what a peer that stalls has sent may come LOOP_STALL_NS late. */
static inline void loop_expect(struct loop *loop, uint32_t slot, uint64_t length)
{
    loop->interface->expect(loop, slot, length);
}

/* Ends whatever the slot does and closes its descriptor. Only LOOP_CLOSED follows. */
static inline void loop_close_slot(struct loop *loop, uint32_t slot)
{
    loop->interface->close_slot(loop, slot);
}

/* Takes connections from a listening descriptor, one LOOP_ACCEPT each, until a negative result.
 * tag is below loop_options.polls and shared with loop_poll(). */
static inline void loop_accept(struct loop *loop, uint32_t tag, int fd)
{
    loop->interface->accept(loop, tag, fd);
}

/* One LOOP_READY when fd, which stays the caller's, has one of the poll(2) events. Asking again for
 * the same tag replaces. */
static inline void loop_poll(struct loop *loop, uint32_t tag, int fd, short events)
{
    loop->interface->poll(loop, tag, fd, events);
}

/* To be called before fd is closed; no LOOP_READY or LOOP_ACCEPT with this tag comes after it. */
static inline void loop_unpoll(struct loop *loop, uint32_t tag)
{
    loop->interface->unpoll(loop, tag);
}

/* One LOOP_TICK at CLOCK_MONOTONIC time_ns or soon after. The earliest time asked for counts; a
 * tick may come although its reason has gone. */
static inline void loop_tick(struct loop *loop, uint64_t time_ns)
{
    loop->interface->tick(loop, time_ns);
}

/* No time that was asked for counts any more: who waits is not woken by it. Asking twice costs
 * nothing. */
static inline void loop_untick(struct loop *loop)
{
    loop->interface->untick(loop);
}

/* Makes poll_fd readable until the next wait, which may bring a LOOP_TICK: for who leaves off
 * although there is more. */
static inline void loop_ring(struct loop *loop)
{
    loop->interface->ring(loop);
}

/* Hands everything queued to the kernel and waits until there are completions: ideally count of
 * them, but after LOOP_PULSE_NS one is enough. timeout_ns: at most this long; 0: not at all;
 * negative: without limit. count 0 only takes what is there, and promises nothing of poll_fd: the
 * next wait comes before anybody polls it. Returns 0 (there may be completions, or the time ran
 * out), -EINTR, or what the kernel answered when the interface fails as a whole, in this call or
 * since the last one: then only loop_close() is left. */
static inline int loop_wait(struct loop *loop, uint32_t count, int64_t timeout_ns)
{
    return loop->interface->wait(loop, count, timeout_ns);
}

/* Takes the next completion; false: none is left, call loop_wait(). */
static inline bool loop_next(struct loop *loop, struct completion *ret_completion)
{
    return loop->interface->next(loop, ret_completion);
}

#endif
