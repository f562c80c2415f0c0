/* The io_uring loop: one ring, one io_uring_enter an iteration.
 *
 * A request costs one submission (its send, which completes silently) and one completion (its
 * reply, received by a multishot receive into a buffer of the shared buffer ring). The hard idea is
 * when a slot may be used again: an operation that will post a completion is counted in
 * `outstanding`, loop_close_slot() cancels them, and LOOP_CLOSED comes when the count is zero. A
 * silent send is not counted, since its completion comes only on failure; the generation in its tag
 * tells it from the slot's next life. Such a completion is posted while the send is handed over, so
 * a look through what has been posted behind each enter tells which silent sends are not through:
 * all others are. */

#include "engine/loop/bulk.h"
#include "engine/loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_GROUP = 0, BUFFERS_MIN = 64, BUFFERS_MAX = LOOP_BUFFERS_MAX };
enum { SQ_ENTRIES_MIN = 64, SQ_ENTRIES_MAX = 4096, CQ_ENTRIES_MAX = 65536, CQ_SPARE_MAX = 4096 };
enum { SUBMIT_TRIES = 1000 };

/* One completion for several buffers came with 6.10, liburing 2.3 does not name it. */
#ifndef IORING_RECVSEND_BUNDLE
#define IORING_RECVSEND_BUNDLE (1U << 4)
#endif
#ifndef IORING_FEAT_RECVSEND_BUNDLE
#define IORING_FEAT_RECVSEND_BUNDLE (1U << 14)
#endif

#define NO_SLOT UINT32_MAX
#define NO_BUFFER UINT32_MAX

enum tag_op {
    TAG_ACCEPT,
    TAG_CONNECT,
    TAG_SEND,
    TAG_SEND_SILENT,
    TAG_RECEIVE,
    TAG_POLL,
    TAG_TICK,
    TAG_PULSE,
    TAG_LOOK,
    TAG_WAKE,
    TAG_QUIET, /* cancels and closes: nobody waits for them */
};

enum { TAG_OP_BITS = 8, TAG_GENERATION_BITS = 24, TAG_SLOT_BITS = 32 };
_Static_assert(TAG_OP_BITS + TAG_GENERATION_BITS + TAG_SLOT_BITS == 64, "a tag fills user_data");
_Static_assert(TAG_QUIET < 1 << TAG_OP_BITS, "every op fits its bits");

static uint64_t tag(enum tag_op op, uint32_t generation, uint32_t slot)
{
    return (uint64_t)slot << 32 | (uint64_t)(generation & 0xffffff) << 8 | (uint64_t)op;
}

static enum tag_op tag_op(uint64_t user_data)
{
    return (enum tag_op)(user_data & 0xff);
}

static uint32_t tag_generation(uint64_t user_data)
{
    return (uint32_t)(user_data >> 8) & 0xffffff;
}

static uint32_t tag_slot(uint64_t user_data)
{
    return (uint32_t)(user_data >> 32);
}

struct uring_slot {
    const char *send_bytes; /* what a send has still to send */
    size_t send_left;
    uint64_t silent_end; /* where the submission queue ended with the last silent send */
    int fd;
    uint32_t generation;
    uint32_t next_closed;
    int32_t kept;        /* bytes in its own buffer that came while none were wanted; 0: none */
    uint8_t outstanding; /* operations that will still post a last completion */
    bool receive_wanted;
    bool receive_once : 1; /* only the next completion is */
    bool receiving : 1;    /* a receive is with the kernel */
    bool cancelling : 1;
    bool connecting : 1;
    bool sending : 1;      /* a tracked send is with the kernel */
    bool expects_much : 1; /* its receives may be bundles */
    bool unfinished : 1;   /* a silent one is not through: its completion is still to be taken */
    bool closing : 1;
};

struct uring_poll {
    uint32_t generation;
    bool armed;
    int listen_fd; /* of an accept; -1: a poll */
};

/* What was received into several buffers, which lie in the ring one behind the other. */
struct bundle {
    uint32_t slot;
    uint32_t left;  /* bytes that are not lent yet; 0: there is none */
    uint16_t place; /* in the ring, of the next buffer */
    bool is_stale;  /* nobody wants it, but its buffers are to be given back */
};

struct uring {
    struct loop loop;
    struct io_uring ring;
    bool has_bell;   /* the ring writes to poll_fd */
    bool has_rung;   /* poll_fd may be readable */
    bool is_polled;  /* the last wait was for no time, and uring_next() was not called since */
    bool is_enabled; /* a ring belongs to the thread that enables it: the first to wait */
    uint32_t slot_count;
    struct uring_slot *slots;
    struct uring_poll *polls;
    uint64_t queued;             /* submissions so far */
    uint64_t known;              /* of them, those whose silent sends are through, or unfinished */
    unsigned looked_at;          /* completions up to here, for silent sends */
    int failure;                 /* what the kernel refused a full queue with; 0: none */
    struct io_uring_sqe nowhere; /* where submissions go then */
    uint32_t first_closed;       /* slots whose LOOP_CLOSED is due, a list */
    uint32_t last_closed;

    struct io_uring_buf_ring *buffer_ring; /* NULL: one buffer a slot, receives are single */
    char *buffers;
    size_t buffers_length;
    uint32_t buffer_count;
    bool has_bundles; /* one completion may be of several buffers: this is the rest of one */
    struct bundle bundle;
    uint16_t places[BUFFERS_MAX]; /* of each buffer: where in the ring it was put last */
    uint32_t lent;                /* the buffer that the last completion lent, NO_BUFFER: none */
    bool keeps_buffers;  /* a receive is to be cancelled, and until the kernel knows these, which */
    uint32_t kept_count; /* were lent before, are not given back */
    uint16_t kept[BUFFERS_MAX];

    uint64_t tick_ns; /* asked for; UINT64_MAX: none is */
    struct __kernel_timespec tick_time;
    bool is_tick_armed; /* for that time, or one of before that may come too early */
    bool is_pulse_armed;
    bool is_look_armed;
    struct bulks bulks; /* of slots that expect much, where there are bundles */
};

static struct uring *uring_of(struct loop *loop)
{
    return (struct uring *)loop;
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint32_t round_up_to_power_of_2(uint32_t n)
{
    uint32_t power = 1;
    while (power < n)
        power *= 2;
    return power;
}

/* --- submission ------------------------------------------------------------------------------- */

static int ring_enable(struct uring *uring)
{
    if (uring->is_enabled)
        return 0;
    /* io_uring_enable_rings() is declared by liburing 2.3 and missing from its library. */
    int error =
        io_uring_register((unsigned)uring->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (error < 0)
        return error;
    /* Saves a descriptor look-up; may be refused. The registration is the thread's: without
     * SINGLE_ISSUER another thread that closes the ring would take one of its own back. */
    if (uring->ring.flags & IORING_SETUP_SINGLE_ISSUER)
        io_uring_register_ring_fd(&uring->ring);
    uring->is_enabled = true;
    return 0;
}

static bool is_slots_own(const struct uring *uring, uint64_t user_data)
{
    uint32_t generation = uring->slots[tag_slot(user_data)].generation;
    return generation % (1 << TAG_GENERATION_BITS) == tag_generation(user_data);
}

/* Behind each enter. Completions that the queue had no room for may be of silent sends too. */
static void look_for_unfinished_sends(struct uring *uring)
{
    const struct io_uring_cq *cq = &uring->ring.cq;
    unsigned tail = io_uring_smp_load_acquire(cq->ktail);
    if ((int)(*cq->khead - uring->looked_at) > 0)
        uring->looked_at = *cq->khead;
    for (; uring->looked_at != tail; uring->looked_at++) {
        uint64_t user_data = cq->cqes[uring->looked_at & *cq->kring_mask].user_data;
        if (tag_op(user_data) == TAG_SEND_SILENT && is_slots_own(uring, user_data))
            uring->slots[tag_slot(user_data)].unfinished = true;
    }
    if (!io_uring_cq_has_overflow(&uring->ring))
        uring->known = uring->queued - io_uring_sq_ready(&uring->ring);
}

/* Returns what the kernel answered: how many it took, or a negative errno. */
static int submit_now(struct uring *uring)
{
    int result = ring_enable(uring);
    uring->loop.counters.enters++;
    if (result)
        return result;
    result = io_uring_submit(&uring->ring);
    look_for_unfinished_sends(uring);
    return result;
}

/* Short of memory, or of room for completions. */
static bool is_passing(int error)
{
    return error == -EAGAIN || error == -EBUSY || error == -EINTR;
}

/* The queue is full: an extra enter empties it. Where the kernel refuses, the loop as a whole has
 * failed, as the next wait will say. */
static struct io_uring_sqe *submission_to_full_queue(struct uring *uring)
{
    for (int tries = 0; !uring->failure; tries++) {
        int result = submit_now(uring);
        struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
        if (sqe)
            return sqe;
        if (result < 0 && (!is_passing(result) || tries >= SUBMIT_TRIES))
            uring->failure = result;
    }
    return &uring->nowhere;
}

static struct io_uring_sqe *submission(struct uring *uring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    if (!sqe)
        sqe = submission_to_full_queue(uring);
    if (sqe != &uring->nowhere)
        uring->queued++;
    return sqe;
}

/* After the prep function, which in some versions of the library clears user_data. */
static void sqe_finish(struct io_uring_sqe *sqe, uint64_t user_data, unsigned flags)
{
    io_uring_sqe_set_data64(sqe, user_data);
    sqe->flags |= (uint8_t)flags;
}

static void submit_cancel(struct uring *uring, uint64_t target)
{
    struct io_uring_sqe *sqe = submission(uring);
    io_uring_prep_cancel64(sqe, target, 0);
    sqe_finish(sqe, tag(TAG_QUIET, 0, 0), IOSQE_CQE_SKIP_SUCCESS);
}

static char *slot_buffer(const struct uring *uring, uint32_t index)
{
    return uring->buffers + (size_t)index * LOOP_BUFFER_BYTES;
}

static void submit_receive(struct uring *uring, uint32_t index)
{
    struct uring_slot *slot = &uring->slots[index];
    uint64_t user_data = tag(TAG_RECEIVE, slot->generation, index);
    struct io_uring_sqe *sqe = submission(uring);
    if (slot->kept > 0) {
        io_uring_prep_nop(sqe);
        sqe_finish(sqe, user_data, 0);
    } else if (uring->buffer_ring) {
        if (slot->receive_once)
            io_uring_prep_recv(sqe, slot->fd, NULL, LOOP_BUFFER_BYTES, 0);
        else
            io_uring_prep_recv_multishot(sqe, slot->fd, NULL, 0, 0);
        if (slot->expects_much && !slot->receive_once)
            sqe->ioprio |= IORING_RECVSEND_BUNDLE;
        sqe_finish(sqe, user_data, IOSQE_BUFFER_SELECT);
        sqe->buf_group = BUFFER_GROUP;
    } else {
        io_uring_prep_recv(sqe, slot->fd, slot_buffer(uring, index), LOOP_BUFFER_BYTES, 0);
        sqe_finish(sqe, user_data, 0);
    }
    assert(slot->fd >= 0 && !slot->receiving && !slot->closing);
    slot->receiving = true;
    slot->outstanding++;
}

static void submit_tracked_send(struct uring *uring, uint32_t index)
{
    struct uring_slot *slot = &uring->slots[index];
    size_t length = slot->send_left < 1u << 30 ? slot->send_left : 1u << 30;
    uint64_t user_data = tag(TAG_SEND, slot->generation, index);
    struct io_uring_sqe *sqe = submission(uring);
    io_uring_prep_send(sqe, slot->fd, slot->send_bytes, length, MSG_NOSIGNAL | MSG_WAITALL);
    sqe_finish(sqe, user_data, 0);
    assert(slot->fd >= 0 && !slot->sending && slot->send_left > 0);
    slot->sending = true;
    slot->outstanding++;
}

static void uring_attach(struct loop *loop, uint32_t index, int fd)
{
    struct uring_slot *slot = &uring_of(loop)->slots[index];
    assert(index < uring_of(loop)->slot_count && fd >= 0);
    assert(slot->fd < 0 && !slot->closing && slot->outstanding == 0);
    *slot = (struct uring_slot){.fd = fd, .generation = slot->generation + 1};
}

static void uring_connect(struct loop *loop, uint32_t index, const struct sockaddr *address,
                          socklen_t length)
{
    struct uring *uring = uring_of(loop);
    struct uring_slot *slot = &uring->slots[index];
    uint64_t user_data = tag(TAG_CONNECT, slot->generation, index);
    struct io_uring_sqe *sqe = submission(uring);
    io_uring_prep_connect(sqe, slot->fd, address, length);
    sqe_finish(sqe, user_data, 0);
    assert(slot->fd >= 0 && !slot->connecting);
    slot->connecting = true;
    slot->outstanding++;
}

static bool is_silent_send_queued(const struct uring *uring, const struct uring_slot *slot)
{
    return slot->silent_end > uring->known;
}

/* A short submission stops where one of them failed: the next goes on behind it. What became of a
 * send whose completion found no room is not known; its connection cannot be relied on. */
static bool uring_is_sending(struct loop *loop, uint32_t index)
{
    struct uring *uring = uring_of(loop);
    struct uring_slot *slot = &uring->slots[index];
    while (is_silent_send_queued(uring, slot) && submit_now(uring) > 0)
        continue;
    if (is_silent_send_queued(uring, slot))
        shutdown(slot->fd, SHUT_RDWR);
    return slot->sending || slot->unfinished || is_silent_send_queued(uring, slot);
}

static void uring_send(struct loop *loop, uint32_t index, const void *bytes, size_t length)
{
    struct uring *uring = uring_of(loop);
    struct uring_slot *slot = &uring->slots[index];
    bool is_sending = uring_is_sending(loop, index);
    assert(!is_sending && slot->fd >= 0);
    slot->send_bytes = bytes;
    slot->send_left = length;
    if (length > LOOP_SILENT_BYTES) {
        submit_tracked_send(uring, index);
        return;
    }
    uint64_t user_data = tag(TAG_SEND_SILENT, slot->generation, index);
    struct io_uring_sqe *sqe = submission(uring);
    io_uring_prep_send(sqe, slot->fd, bytes, length, MSG_NOSIGNAL | MSG_WAITALL | MSG_DONTWAIT);
    sqe_finish(sqe, user_data, IOSQE_CQE_SKIP_SUCCESS);
    slot->silent_end = uring->queued;
}

/* Past the ring: the bytes need not stay, and a loop may be closed by a thread that may not submit
 * to its ring. A silent send may still be queued, behind which this would have to come. */
static void uring_send_last(struct loop *loop, uint32_t index, const void *bytes, size_t length)
{
    const struct uring *uring = uring_of(loop);
    const struct uring_slot *slot = &uring->slots[index];
    if (slot->sending || slot->unfinished || is_silent_send_queued(uring, slot))
        return;
    loop->counters.enters++;
    send(slot->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void receive_begin(struct uring *uring, uint32_t index, bool is_once)
{
    struct uring_slot *slot = &uring->slots[index];
    assert(slot->fd >= 0);
    slot->receive_wanted = true;
    slot->receive_once = is_once;
    if (!slot->receiving)
        submit_receive(uring, index);
}

static void uring_receive(struct loop *loop, uint32_t index)
{
    receive_begin(uring_of(loop), index, false);
}

static void uring_receive_once(struct loop *loop, uint32_t index)
{
    receive_begin(uring_of(loop), index, true);
}

/* Once, unless it is armed already. */
static void submit_timer(struct uring *uring, const struct __kernel_timespec *time,
                         uint64_t user_data, bool *is_armed)
{
    if (*is_armed)
        return;
    struct io_uring_sqe *sqe = submission(uring);
    io_uring_prep_timeout(sqe, (struct __kernel_timespec *)(uintptr_t)time, 0, 0);
    sqe_finish(sqe, user_data, 0);
    *is_armed = true;
}

/* At peers that stall. */
static void submit_look(struct uring *uring)
{
    static const struct __kernel_timespec time = {.tv_nsec = BULK_LOOK_NS};
    submit_timer(uring, &time, tag(TAG_LOOK, 0, 0), &uring->is_look_armed);
}

/* A receive that is under way is none of bundles: it is taken back, and begun anew. To wait for
 * many bytes costs more than it saves where each buffer is a completion of its own. */
static void uring_expect(struct loop *loop, uint32_t index, uint64_t length)
{
    struct uring *uring = uring_of(loop);
    struct uring_slot *slot = &uring->slots[index];
    if (!uring->has_bundles)
        return;
    if (uring->bundle.left > 0 && uring->bundle.slot == index)
        length = length > uring->bundle.left ? length - uring->bundle.left : 0;
    bulk_begin(&uring->bulks, index, slot->fd, length);
    if (!bulks_are_none(&uring->bulks))
        submit_look(uring);
    if (slot->expects_much)
        return;
    slot->expects_much = true;
    if (!slot->receiving || slot->cancelling || slot->receive_once)
        return;
    submit_cancel(uring, tag(TAG_RECEIVE, slot->generation, index));
    slot->cancelling = true;
}

static void uring_pause(struct loop *loop, uint32_t index)
{
    struct uring *uring = uring_of(loop);
    struct uring_slot *slot = &uring->slots[index];
    slot->receive_wanted = false;
    if (!slot->receiving || slot->cancelling)
        return;
    submit_cancel(uring, tag(TAG_RECEIVE, slot->generation, index));
    slot->cancelling = true;
    uring->keeps_buffers = uring->buffer_ring;
}

static void closed_push(struct uring *uring, uint32_t index)
{
    assert(uring->slots[index].closing && uring->slots[index].outstanding == 0);
    uring->slots[index].next_closed = NO_SLOT;
    if (uring->first_closed == NO_SLOT)
        uring->first_closed = index;
    else
        uring->slots[uring->last_closed].next_closed = index;
    uring->last_closed = index;
}

static uint32_t closed_pop(struct uring *uring)
{
    uint32_t index = uring->first_closed;
    assert(uring->slots[index].closing && uring->slots[index].outstanding == 0);
    uring->first_closed = uring->slots[index].next_closed;
    uring->slots[index].closing = false;
    return index;
}

/* A ring lets go of its connections some time after it is closed; with shutdown() the peers see
 * them end now. */
static void close_now(int fd)
{
    shutdown(fd, SHUT_RDWR);
    close(fd);
}

static void uring_close_slot(struct loop *loop, uint32_t index)
{
    struct uring *uring = uring_of(loop);
    struct uring_slot *slot = &uring->slots[index];
    bool is_sending = slot->sending || is_silent_send_queued(uring, slot);
    assert(slot->fd >= 0 && !slot->closing);
    if (slot->expects_much)
        bulk_end(&uring->bulks, index);
    if (slot->receiving && !slot->cancelling)
        submit_cancel(uring, tag(TAG_RECEIVE, slot->generation, index));
    if (slot->connecting)
        submit_cancel(uring, tag(TAG_CONNECT, slot->generation, index));
    if (slot->sending)
        submit_cancel(uring, tag(TAG_SEND, slot->generation, index));
    struct io_uring_sqe *sqe = submission(uring);
    io_uring_prep_close(sqe, slot->fd);
    sqe_finish(sqe, tag(TAG_QUIET, 0, 0), IOSQE_CQE_SKIP_SUCCESS);
    if (sqe == &uring->nowhere)
        close_now(slot->fd);
    slot->fd = -1;
    slot->generation++;
    slot->receive_wanted = false;
    slot->closing = true;
    if (slot->outstanding == 0)
        closed_push(uring, index);
    if (is_sending) /* the bytes may be gone before the next wait */
        submit_now(uring);
}

static void submit_accept(struct uring *uring, uint32_t index)
{
    struct uring_poll *poll = &uring->polls[index];
    uint64_t user_data = tag(TAG_ACCEPT, poll->generation, index);
    struct io_uring_sqe *sqe = submission(uring);
    io_uring_prep_multishot_accept(sqe, poll->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    sqe_finish(sqe, user_data, 0);
    poll->armed = true;
}

static void uring_accept(struct loop *loop, uint32_t index, int fd)
{
    struct uring *uring = uring_of(loop);
    uring->polls[index].generation++;
    uring->polls[index].listen_fd = fd;
    submit_accept(uring, index);
}

static void poll_cancel(struct uring *uring, uint32_t index)
{
    struct uring_poll *poll = &uring->polls[index];
    if (!poll->armed)
        return;
    enum tag_op op = poll->listen_fd < 0 ? TAG_POLL : TAG_ACCEPT;
    submit_cancel(uring, tag(op, poll->generation, index));
    poll->generation++;
    poll->armed = false;
}

static void uring_poll(struct loop *loop, uint32_t index, int fd, short events)
{
    struct uring *uring = uring_of(loop);
    struct uring_poll *poll = &uring->polls[index];
    poll_cancel(uring, index);
    poll->listen_fd = -1;
    uint64_t user_data = tag(TAG_POLL, poll->generation, index);
    struct io_uring_sqe *sqe = submission(uring);
    io_uring_prep_poll_add(sqe, fd, (unsigned)events);
    sqe_finish(sqe, user_data, 0);
    poll->armed = true;
}

/* The poll in the kernel holds the file open: it must be gone before the caller closes it. */
static void uring_unpoll(struct loop *loop, uint32_t index)
{
    struct uring *uring = uring_of(loop);
    poll_cancel(uring, index);
    submit_now(uring);
}

/* A timeout that is armed is moved: that posts nothing, where a cancelled one would wake whoever
 * waits. The kernel reads the time when the submission is handed over, so the last one counts. One
 * that has gone off meanwhile is not there to be moved; on_tick() sees that it was too early. */
static void submit_tick(struct uring *uring, uint64_t time_ns)
{
    uint64_t user_data = tag(TAG_TICK, 0, 0);
    struct io_uring_sqe *sqe = submission(uring);
    uring->tick_ns = time_ns;
    uring->tick_time.tv_sec = (int64_t)(time_ns / 1000000000);
    uring->tick_time.tv_nsec = (int64_t)(time_ns % 1000000000);
    if (uring->is_tick_armed) {
        io_uring_prep_timeout_update(sqe, &uring->tick_time, user_data, IORING_TIMEOUT_ABS);
        sqe_finish(sqe, tag(TAG_QUIET, 0, 0), IOSQE_CQE_SKIP_SUCCESS);
        return;
    }
    io_uring_prep_timeout(sqe, &uring->tick_time, 0, IORING_TIMEOUT_ABS);
    sqe_finish(sqe, user_data, 0);
    uring->is_tick_armed = true;
}

static void uring_tick(struct loop *loop, uint64_t time_ns)
{
    struct uring *uring = uring_of(loop);
    if (time_ns < uring->tick_ns)
        submit_tick(uring, time_ns);
}

static void uring_untick(struct loop *loop)
{
    struct uring *uring = uring_of(loop);
    if (uring->tick_ns != UINT64_MAX)
        submit_tick(uring, UINT64_MAX);
}

/* A wait that carries a time arms a timer and takes it back, each time. This one is armed for many
 * waits, and ends whichever it comes in: a wait for several completions ends with any timeout's. */
static void submit_pulse(struct uring *uring)
{
    static const struct __kernel_timespec time = {.tv_nsec = LOOP_PULSE_NS};
    submit_timer(uring, &time, tag(TAG_PULSE, 0, 0), &uring->is_pulse_armed);
}

static void submit_wake_poll(struct uring *uring)
{
    uint64_t user_data = tag(TAG_WAKE, 0, 0);
    struct io_uring_sqe *sqe = submission(uring);
    io_uring_prep_poll_multishot(sqe, uring->loop.wake_fd, POLLIN);
    sqe_finish(sqe, user_data, 0);
}

/* --- the buffer ring -------------------------------------------------------------------------- */

static void buffer_add(struct uring *uring, uint32_t index)
{
    io_uring_buf_ring_add(uring->buffer_ring, slot_buffer(uring, index), LOOP_BUFFER_BYTES,
                          (uint16_t)index, io_uring_buf_ring_mask(uring->buffer_count), 0);
    uring->places[index] = uring->buffer_ring->tail;
    io_uring_buf_ring_advance(uring->buffer_ring, 1);
}

/* A receive ended without the connection having ended: no buffer was left, it was paused, or the
 * kernel stopped the multishot. It goes on where it is wanted. */
static void receive_again(struct uring *uring, uint32_t index)
{
    struct uring_slot *slot = &uring->slots[index];
    if (slot->receive_wanted && !slot->receiving)
        submit_receive(uring, index);
}

/* What the last completion lent is the kernel's again: a buffer of the ring, or, without one, the
 * slot's own, into which only now the next bytes may come. */
static void buffer_give_back(struct uring *uring)
{
    if (uring->lent == NO_BUFFER)
        return;
    if (uring->keeps_buffers)
        uring->kept[uring->kept_count++] = (uint16_t)uring->lent;
    else if (uring->buffer_ring)
        buffer_add(uring, uring->lent);
    else
        receive_again(uring, uring->lent);
    uring->lent = NO_BUFFER;
}

/* --- completion ------------------------------------------------------------------------------- */

static int enter(struct uring *uring, uint32_t count, int64_t timeout_ns)
{
    struct io_uring_cqe *cqe;
    struct __kernel_timespec time = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    int result;
    uring->loop.counters.enters++;
    if (timeout_ns == 0)
        result = io_uring_submit_and_get_events(&uring->ring);
    else if (timeout_ns < 0)
        result = io_uring_submit_and_wait(&uring->ring, count);
    else
        result = io_uring_submit_and_wait_timeout(&uring->ring, &cqe, count, &time, NULL);
    look_for_unfinished_sends(uring);
    return result;
}

/* Who polls the ring with DEFER_TASKRUN is not woken by work that waits for its task; a registered
 * eventfd is. It costs, so it rings only from a wait that found nothing until the next wait, and is
 * registered for the first of those: a caller who never polls never pays. */
static int bell_on(struct uring *uring)
{
    if (!uring->has_bell) {
        int error = io_uring_register_eventfd(&uring->ring, uring->loop.poll_fd);
        if (error)
            return error;
        uring->has_bell = true;
    }
    uring->has_rung = true;
    io_uring_cq_eventfd_toggle(&uring->ring, true);
    return enter(uring, 1, 0); /* for what came before it was on */
}

static void bell_off(struct uring *uring)
{
    eventfd_t count;
    if (!uring->has_rung)
        return;
    uring->has_rung = false;
    io_uring_cq_eventfd_toggle(&uring->ring, false);
    eventfd_read(uring->loop.poll_fd, &count);
}

static void uring_ring(struct loop *loop)
{
    uring_of(loop)->has_rung = true;
    eventfd_write(loop->poll_fd, 1);
}

/* All that came was for nobody above, but it may have queued something, a receive begun anew: the
 * next wait is due at once. */
static void bell_ring(struct uring *uring)
{
    uring->has_rung = true;
    eventfd_write(uring->loop.poll_fd, 1);
}

/* A receive that is to be cancelled goes on until the kernel knows, into every buffer there is;
 * with those that are taken meanwhile given back it would go on without end. From the cancel on,
 * which an enter carries out before it returns, nothing is received. */
static void let_go_of_buffers(struct uring *uring)
{
    submit_now(uring);
    if (io_uring_sq_ready(&uring->ring) > 0)
        return;
    uring->keeps_buffers = false;
    while (uring->kept_count > 0)
        buffer_add(uring, uring->kept[--uring->kept_count]);
}

/* Nothing, or nothing but the pulse. */
static bool is_nothing_there(struct uring *uring)
{
    unsigned head = *uring->ring.cq.khead;
    unsigned ready = io_uring_cq_ready(&uring->ring);
    uint64_t user_data = uring->ring.cq.cqes[head & *uring->ring.cq.kring_mask].user_data;
    if (ready == 1 && tag_op(user_data) == TAG_PULSE) {
        uring->is_pulse_armed = false;
        io_uring_cq_advance(&uring->ring, 1);
        ready = 0;
    }
    return ready == 0;
}

static int wait_for_batch(struct uring *uring, uint32_t count)
{
    submit_pulse(uring);
    return enter(uring, count, -1);
}

static int uring_wait(struct loop *loop, uint32_t count, int64_t timeout_ns)
{
    struct uring *uring = uring_of(loop);
    buffer_give_back(uring);
    int result = uring->failure ? uring->failure : ring_enable(uring);
    if (result)
        return result;
    bell_off(uring);
    if (uring->keeps_buffers)
        let_go_of_buffers(uring);
    if (uring->first_closed != NO_SLOT || uring->bundle.left > 0 || count == 0)
        timeout_ns = 0;
    bool wants_batch = count > 1 && (timeout_ns < 0 || timeout_ns > LOOP_PULSE_NS);
    if (wants_batch)
        result = wait_for_batch(uring, count);
    if (!wants_batch || (result >= 0 && is_nothing_there(uring)))
        result = enter(uring, 1, timeout_ns);
    uring->is_polled = timeout_ns == 0 && count > 0;
    if (uring->is_polled && uring->first_closed == NO_SLOT && uring->bundle.left == 0 &&
        io_uring_cq_ready(&uring->ring) == 0)
        result = bell_on(uring);
    loop->counters.queue_overflows = *uring->ring.cq.koverflow;
    /* EBUSY and EAGAIN ask for completions to be taken first: that is what comes next. */
    if (result >= 0 || result == -ETIME || result == -EBUSY || result == -EAGAIN)
        return 0;
    return result;
}

/* Takes back what an operation that has ended counted for; the slot may be free now. */
static void operation_ended(struct uring *uring, uint32_t index)
{
    struct uring_slot *slot = &uring->slots[index];
    assert(slot->outstanding > 0);
    if (--slot->outstanding == 0 && slot->closing)
        closed_push(uring, index);
}

static bool give(struct completion *ret, enum loop_op op, uint32_t slot, int32_t result)
{
    *ret = (struct completion){.op = op, .slot = slot, .result = result};
    return true;
}

/* The kernel says 0 of a connect that an ICMP error has refused where that found the socket in use:
 * the error is the socket's then. */
static int32_t connect_result(const struct uring_slot *slot)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &error, &length))
        error = errno;
    return -error;
}

static bool on_connect(struct uring *uring, uint32_t index, bool is_stale, int32_t result,
                       struct completion *ret)
{
    struct uring_slot *slot = &uring->slots[index];
    assert(slot->connecting);
    slot->connecting = false;
    operation_ended(uring, index);
    if (is_stale)
        return false;
    return give(ret, LOOP_CONNECT, index, result == 0 ? connect_result(slot) : result);
}

static bool on_tracked_send(struct uring *uring, uint32_t index, bool is_stale, int32_t result,
                            struct completion *ret)
{
    struct uring_slot *slot = &uring->slots[index];
    assert(slot->sending);
    slot->sending = false;
    operation_ended(uring, index);
    if (is_stale)
        return false;
    if (result > 0 && (size_t)result < slot->send_left) {
        slot->send_bytes += result;
        slot->send_left -= (size_t)result;
        submit_tracked_send(uring, index);
        return false;
    }
    return give(ret, LOOP_SEND, index, result < 0 ? result : 0);
}

/* With MSG_DONTWAIT the kernel never keeps a silent send: it has failed, or the socket's buffer is
 * full, and what is left of it is sent as a tracked one. */
static bool on_silent_send(struct uring *uring, uint32_t index, bool is_stale, int32_t result,
                           struct completion *ret)
{
    struct uring_slot *slot = &uring->slots[index];
    if (is_stale)
        return false;
    slot->unfinished = false;
    if (result < 0 && result != -EAGAIN)
        return give(ret, LOOP_SEND, index, result);
    slot->send_bytes += result > 0 ? result : 0;
    slot->send_left -= result > 0 ? (size_t)result : 0;
    submit_tracked_send(uring, index);
    return false;
}

/* Which buffer it is that was received into, until it is given back. */
static const char *borrow(struct uring *uring, uint32_t index, int32_t result, uint32_t flags)
{
    if (flags & IORING_CQE_F_BUFFER)
        uring->lent = flags >> IORING_CQE_BUFFER_SHIFT;
    else if (!uring->buffer_ring && result > 0)
        uring->lent = index;
    assert(uring->lent == NO_BUFFER || uring->lent < uring->buffer_count);
    return uring->lent == NO_BUFFER ? NULL : slot_buffer(uring, uring->lent);
}

/* Of several buffers. Returns how much of it is in the first, which is lent. */
static int32_t bundle_begin(struct uring *uring, uint32_t index, bool is_stale, int32_t result)
{
    assert(uring->has_bundles && uring->bundle.left == 0 && uring->lent != NO_BUFFER);
    uring->bundle = (struct bundle){
        .slot = index,
        .left = (uint32_t)result - LOOP_BUFFER_BYTES,
        .place = (uint16_t)(uring->places[uring->lent] + 1),
        .is_stale = is_stale,
    };
    return LOOP_BUFFER_BYTES;
}

/* What comes into a slot's own buffer while nothing is wanted stays there: when something is, an
 * operation that does nothing completes with it. */
static bool keep(struct uring *uring, struct uring_slot *slot, int32_t result)
{
    if (uring->buffer_ring || slot->receive_wanted || result <= 0)
        return false;
    slot->kept = result;
    return true;
}

static bool on_receive(struct uring *uring, uint32_t index, bool is_stale,
                       const struct io_uring_cqe *cqe, struct completion *ret)
{
    struct uring_slot *slot = &uring->slots[index];
    int32_t result = slot->kept > 0 ? slot->kept : cqe->res;
    assert(slot->receiving);
    slot->kept = 0;
    if (!(cqe->flags & IORING_CQE_F_MORE)) {
        slot->receiving = false;
        slot->cancelling = false;
        operation_ended(uring, index);
    }
    if (!is_stale && keep(uring, slot, result))
        return false;
    if (slot->expects_much && result > 0)
        bulk_received(&uring->bulks, index, (uint32_t)result);
    const char *bytes = borrow(uring, index, result, cqe->flags);
    if (result > LOOP_BUFFER_BYTES)
        result = bundle_begin(uring, index, is_stale, result);
    if (is_stale)
        return false;
    bool goes_on = result == -ENOBUFS || result == -ECANCELED;
    if (result == -ENOBUFS)
        uring->loop.counters.buffers_empty++;
    if (!goes_on && (result <= 0 || slot->receive_once))
        slot->receive_wanted = false;
    if (uring->buffer_ring || goes_on)
        receive_again(uring, index);
    if (goes_on)
        return false;
    give(ret, LOOP_RECEIVE, index, result);
    ret->bytes = bytes;
    return true;
}

static bool on_poll(struct uring *uring, uint32_t index, const struct io_uring_cqe *cqe,
                    struct completion *ret)
{
    struct uring_poll *poll = &uring->polls[index];
    if (poll->generation % (1 << TAG_GENERATION_BITS) != tag_generation(cqe->user_data))
        return false;
    assert(poll->armed);
    poll->armed = false;
    return give(ret, LOOP_READY, index, cqe->res);
}

static bool on_accept(struct uring *uring, uint32_t index, const struct io_uring_cqe *cqe,
                      struct completion *ret)
{
    struct uring_poll *poll = &uring->polls[index];
    if (poll->generation % (1 << TAG_GENERATION_BITS) != tag_generation(cqe->user_data)) {
        if (cqe->res >= 0)
            close(cqe->res);
        return false;
    }
    if (!(cqe->flags & IORING_CQE_F_MORE)) {
        poll->armed = false;
        if (cqe->res >= 0)
            submit_accept(uring, index);
    }
    return give(ret, LOOP_ACCEPT, index, cqe->res);
}

static bool on_tick(struct uring *uring, struct completion *ret)
{
    uring->is_tick_armed = false;
    if (uring->tick_ns > clock_ns()) {
        if (uring->tick_ns != UINT64_MAX)
            submit_tick(uring, uring->tick_ns);
        return false;
    }
    uring->tick_ns = UINT64_MAX;
    return give(ret, LOOP_TICK, 0, 0);
}

static bool on_wake(struct uring *uring, const struct io_uring_cqe *cqe, struct completion *ret)
{
    eventfd_t count;
    if (!(cqe->flags & IORING_CQE_F_MORE))
        submit_wake_poll(uring);
    return eventfd_read(uring->loop.wake_fd, &count) == 0 && give(ret, LOOP_WAKE, 0, 0);
}

static void on_look(struct uring *uring)
{
    uring->is_look_armed = false;
    bulks_look(&uring->bulks);
    if (!bulks_are_none(&uring->bulks))
        submit_look(uring);
}

/* false: nothing that anybody above waits for. */
static bool dispatch(struct uring *uring, const struct io_uring_cqe *cqe, struct completion *ret)
{
    uint32_t index = tag_slot(cqe->user_data);
    enum tag_op op = tag_op(cqe->user_data);
    bool is_stale = false;
    if (op >= TAG_CONNECT && op <= TAG_RECEIVE) {
        assert(index < uring->slot_count);
        is_stale = !is_slots_own(uring, cqe->user_data);
        /* What is counted keeps its slot closing; so both say the same of it. */
        assert(is_stale == uring->slots[index].closing || op == TAG_SEND_SILENT);
    }
    switch (op) {
    case TAG_ACCEPT:
        return on_accept(uring, index, cqe, ret);
    case TAG_CONNECT:
        return on_connect(uring, index, is_stale, cqe->res, ret);
    case TAG_SEND:
        return on_tracked_send(uring, index, is_stale, cqe->res, ret);
    case TAG_SEND_SILENT:
        return on_silent_send(uring, index, is_stale, cqe->res, ret);
    case TAG_RECEIVE:
        return on_receive(uring, index, is_stale, cqe, ret);
    case TAG_POLL:
        return on_poll(uring, index, cqe, ret);
    case TAG_TICK:
        return on_tick(uring, ret);
    case TAG_PULSE:
        uring->is_pulse_armed = false;
        return false;
    case TAG_LOOK:
        on_look(uring);
        return false;
    case TAG_WAKE:
        return on_wake(uring, cqe, ret);
    case TAG_QUIET:
        return false;
    }
    return false;
}

/* Lends its next buffer. false: it is closed, which its LOOP_CLOSED says behind these. */
static bool bundle_next(struct uring *uring, struct completion *ret)
{
    uint32_t mask = uring->buffer_count - 1;
    uint32_t left = uring->bundle.left;
    int32_t length = left < LOOP_BUFFER_BYTES ? (int32_t)left : LOOP_BUFFER_BYTES;
    uring->lent = uring->buffer_ring->bufs[uring->bundle.place++ & mask].bid;
    uring->bundle.left -= (uint32_t)length;
    assert(uring->lent < uring->buffer_count);
    if (uring->bundle.is_stale || uring->slots[uring->bundle.slot].closing)
        return false;
    give(ret, LOOP_RECEIVE, uring->bundle.slot, length);
    ret->bytes = slot_buffer(uring, uring->lent);
    return true;
}

static bool take_next(struct uring *uring, struct completion *ret_completion)
{
    for (;;) {
        buffer_give_back(uring);
        if (uring->bundle.left > 0) {
            if (bundle_next(uring, ret_completion))
                return true;
            continue;
        }
        if (uring->first_closed != NO_SLOT)
            return give(ret_completion, LOOP_CLOSED, closed_pop(uring), 0);
        unsigned head = *uring->ring.cq.khead;
        if (head == io_uring_smp_load_acquire(uring->ring.cq.ktail))
            return false;
        struct io_uring_cqe cqe = uring->ring.cq.cqes[head & *uring->ring.cq.kring_mask];
        io_uring_cq_advance(&uring->ring, 1);
        uring->loop.counters.completions++;
        if (dispatch(uring, &cqe, ret_completion))
            return true;
    }
}

static bool uring_next(struct loop *loop, struct completion *ret_completion)
{
    struct uring *uring = uring_of(loop);
    uint64_t completions = loop->counters.completions;
    bool has_next = take_next(uring, ret_completion);
    if (!has_next && uring->is_polled && loop->counters.completions != completions)
        bell_ring(uring);
    uring->is_polled = false;
    return has_next;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int ring_init(struct uring *uring, const struct loop_options *options)
{
    static const struct {
        unsigned flags;
        uint32_t without;
        const char *name;
    } ladder[] = {
        {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL,
         LOOP_WITHOUT_DEFER_TASKRUN, "SINGLE_ISSUER, DEFER_TASKRUN, SUBMIT_ALL"},
        {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL, LOOP_WITHOUT_COOP_TASKRUN,
         "COOP_TASKRUN, SUBMIT_ALL"},
        {0, 0, "no set-up flags"},
    };
    if (options->without & LOOP_WITHOUT_URING)
        return -ENOSYS;
    uint32_t sq_entries = round_up_to_power_of_2(2 * options->slots);
    sq_entries = sq_entries < SQ_ENTRIES_MIN ? SQ_ENTRIES_MIN : sq_entries;
    sq_entries = sq_entries > SQ_ENTRIES_MAX ? SQ_ENTRIES_MAX : sq_entries;
    /* One for each slot, and as many again where slots are few: what has no room waits in the
     * kernel (NODROP), and its memory is touched all round. */
    uint32_t spare = options->slots < CQ_SPARE_MAX ? 3 * options->slots + 64 : CQ_SPARE_MAX;
    uint32_t cq_entries = round_up_to_power_of_2(options->slots + spare);
    cq_entries = cq_entries > CQ_ENTRIES_MAX ? CQ_ENTRIES_MAX : cq_entries;
    cq_entries = cq_entries < 2 * sq_entries ? 2 * sq_entries : cq_entries;

    int error = -EINVAL;
    for (size_t i = 0; i < sizeof ladder / sizeof *ladder && error == -EINVAL; i++) {
        if (options->without & ladder[i].without)
            continue;
        struct io_uring_params params = {
            .flags = ladder[i].flags | IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED,
            .cq_entries = cq_entries,
        };
        error = io_uring_queue_init_params(sq_entries, &uring->ring, &params);
        snprintf(uring->loop.reason, sizeof uring->loop.reason, "%s", ladder[i].name);
    }
    if (error)
        return error;
    unsigned needed = IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP | IORING_FEAT_NODROP;
    if ((uring->ring.features & needed) == needed)
        return 0;
    io_uring_queue_exit(&uring->ring);
    return -EOPNOTSUPP;
}

/* A filter may allow the set-up and nothing else. The ring is not enabled yet, nor may this thread
 * do so: the kernel itself answers EBADFD to an enter, and EBADF or EINVAL to registrations that
 * name no ring; what refuses sees only the call. */
static int ring_try(const struct uring *uring)
{
    const int no_ring = -1;
    int error = io_uring_enter((unsigned)uring->ring.ring_fd, 0, 0, 0, NULL);
    if (error < 0 && error != -EBADFD)
        return error;
    error = io_uring_register((unsigned)no_ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (error < 0 && error != -EBADF && error != -EINVAL)
        return error;
    error = io_uring_register((unsigned)no_ring, IORING_REGISTER_EVENTFD, &uring->loop.poll_fd, 1);
    if (error < 0 && error != -EBADF && error != -EINVAL)
        return error;
    return 0;
}

/* Multishot receive has no feature bit; it came with SEND_ZC, which can be asked for (6.0). */
static bool has_multishot_receive(struct uring *uring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(&uring->ring);
    bool has = probe && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);
    io_uring_free_probe(probe);
    return has;
}

static void *map(size_t length)
{
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static size_t buffer_ring_length(const struct uring *uring)
{
    return uring->buffer_count * sizeof(struct io_uring_buf);
}

static bool buffer_ring_init(struct uring *uring)
{
    struct io_uring_buf_ring *ring = map(buffer_ring_length(uring));
    if (!ring)
        return false;
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)ring,
        .ring_entries = uring->buffer_count,
        .bgid = BUFFER_GROUP,
    };
    if (io_uring_register_buf_ring(&uring->ring, &registration, 0)) {
        munmap(ring, buffer_ring_length(uring));
        return false;
    }
    io_uring_buf_ring_init(ring);
    uring->buffer_ring = ring;
    return true;
}

static int buffers_init(struct uring *uring, const struct loop_options *options)
{
    uint32_t count = round_up_to_power_of_2(options->slots);
    count = count < BUFFERS_MIN ? BUFFERS_MIN : count;
    uring->buffer_count = count > BUFFERS_MAX ? BUFFERS_MAX : count;
    uring->lent = NO_BUFFER;
    bool has_ring = !(options->without & LOOP_WITHOUT_BUFFER_RING) &&
                    has_multishot_receive(uring) && buffer_ring_init(uring);
    uring->has_bundles = has_ring && !(options->without & LOOP_WITHOUT_BUNDLES) &&
                         (uring->ring.features & IORING_FEAT_RECVSEND_BUNDLE);
    if (!has_ring)
        uring->buffer_count = options->slots;
    uring->buffers_length = (size_t)uring->buffer_count * LOOP_BUFFER_BYTES;
    uring->buffers = map(uring->buffers_length);
    if (!uring->buffers)
        return -ENOMEM;
    for (uint32_t i = 0; has_ring && i < uring->buffer_count; i++)
        buffer_add(uring, i);

    size_t used = strlen(uring->loop.reason);
    snprintf(uring->loop.reason + used, sizeof uring->loop.reason - used, "; %s (%u x 16 KiB)",
             has_ring ? "multishot receive from provided buffers"
                      : "single receives, a buffer a connection",
             uring->buffer_count);
    return 0;
}

static void uring_free(struct uring *uring)
{
    if (uring->buffers)
        munmap(uring->buffers, uring->buffers_length);
    if (uring->buffer_ring)
        munmap(uring->buffer_ring, buffer_ring_length(uring));
    if (uring->loop.wake_fd >= 0)
        close(uring->loop.wake_fd);
    if (uring->loop.poll_fd >= 0)
        close(uring->loop.poll_fd);
    bulks_deinit(&uring->bulks);
    free(uring->slots);
    free(uring->polls);
    free(uring);
}

/* Closes that were queued and never handed over. Whoever closes the loop need not be the thread
 * that may submit to its ring. */
static void close_queued(struct uring *uring)
{
    const struct io_uring_sq *sq = &uring->ring.sq;
    for (unsigned i = *sq->khead; i != sq->sqe_tail; i++) {
        const struct io_uring_sqe *sqe = &sq->sqes[i & *sq->kring_mask];
        if (sqe->opcode != IORING_OP_CLOSE)
            continue;
        close_now(sqe->fd);
    }
}

static void uring_close(struct loop *loop)
{
    struct uring *uring = uring_of(loop);
    for (uint32_t i = 0; i < uring->slot_count; i++)
        if (uring->slots[i].fd >= 0)
            close_now(uring->slots[i].fd);
    close_queued(uring);
    io_uring_queue_exit(&uring->ring);
    uring_free(uring);
}

static const struct loop_interface uring_interface = {
    .name = "uring",
    .close = uring_close,
    .attach = uring_attach,
    .connect = uring_connect,
    .send = uring_send,
    .is_sending = uring_is_sending,
    .send_last = uring_send_last,
    .receive = uring_receive,
    .receive_once = uring_receive_once,
    .pause = uring_pause,
    .expect = uring_expect,
    .close_slot = uring_close_slot,
    .accept = uring_accept,
    .poll = uring_poll,
    .unpoll = uring_unpoll,
    .tick = uring_tick,
    .untick = uring_untick,
    .ring = uring_ring,
    .wait = uring_wait,
    .next = uring_next,
};

static int uring_init(struct uring *uring, const struct loop_options *options)
{
    uring->loop.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    uring->loop.poll_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (uring->loop.wake_fd < 0 || uring->loop.poll_fd < 0)
        return -errno;
    uring->slots = calloc(options->slots, sizeof *uring->slots);
    uring->polls = calloc(options->polls + 1, sizeof *uring->polls);
    if (!uring->slots || !uring->polls || bulks_init(&uring->bulks, options->slots))
        return -ENOMEM;
    for (uint32_t i = 0; i < options->slots; i++)
        uring->slots[i].fd = -1;
    int error = ring_init(uring, options);
    if (error)
        return error;
    error = ring_try(uring);
    if (!error)
        error = buffers_init(uring, options);
    if (error) {
        io_uring_queue_exit(&uring->ring);
        return error;
    }
    submit_wake_poll(uring);
    return 0;
}

int loop_uring_open(struct loop **ret_loop, const struct loop_options *options)
{
    struct uring *uring = calloc(1, sizeof *uring);
    if (!uring)
        return -ENOMEM;
    uring->slot_count = options->slots;
    uring->first_closed = NO_SLOT;
    uring->tick_ns = UINT64_MAX;
    int error = uring_init(uring, options);
    if (error) {
        uring_free(uring);
        return error;
    }
    uring->loop.interface = &uring_interface;
    *ret_loop = &uring->loop;
    return 0;
}

/* --- why not ---------------------------------------------------------------------------------- */

static int sysctl_io_uring_disabled(void)
{
    char text[16] = "";
    int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    return length > 0 ? atoi(text) : 0;
}

void loop_uring_explain(int error, char *ret_sentence, size_t size)
{
    const char *sentence = "the kernel refused io_uring_setup";
    if (error == -EPERM && sysctl_io_uring_disabled() > 0)
        sentence = "the sysctl kernel.io_uring_disabled forbids io_uring; set it to 0";
    else if (error == -EPERM || error == -EACCES)
        sentence = "a seccomp profile or security module forbids io_uring; allow io_uring_setup, "
                   "io_uring_enter and io_uring_register";
    else if (error == -ENOSYS)
        sentence = "the kernel has no io_uring, or a seccomp profile hides it";
    else if (error == -EOPNOTSUPP)
        sentence = "the kernel's io_uring is older than 5.17";
    else if (error == -ENOMEM)
        sentence = "no memory for a ring; raise RLIMIT_MEMLOCK";
    snprintf(ret_sentence, size, "%s (%s)", sentence, strerrorname_np(-error));
}
