/* Each operation is a word and the slot's number. */

#include "tests/lib/stub_loop.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct stub_loop *stub_of(struct loop *loop)
{
    return (struct stub_loop *)loop;
}

static void ask(struct loop *loop, const char *what, uint32_t slot)
{
    char *asked = stub_of(loop)->asked;
    size_t length = strlen(asked);
    snprintf(asked + length, sizeof stub_of(loop)->asked - length, "%s %u, ", what, slot);
}

static void stub_attach(struct loop *loop, uint32_t slot, int fd)
{
    stub_of(loop)->fds[slot] = fd;
    ask(loop, "attach", slot);
}

static void stub_connect(struct loop *loop, uint32_t slot, const struct sockaddr *address,
                         socklen_t length)
{
    (void)address;
    (void)length;
    ask(loop, "connect", slot);
}

static void stub_send(struct loop *loop, uint32_t slot, const void *bytes, size_t length)
{
    struct stub_loop *stub = stub_of(loop);
    size_t room = sizeof stub->sent - stub->sent_length;
    size_t kept = length < room ? length : room;
    memcpy(stub->sent + stub->sent_length, bytes, kept);
    stub->sent_length += kept;
    ask(loop, "send", slot);
}

static bool stub_is_sending(struct loop *loop, uint32_t slot)
{
    (void)slot;
    return stub_of(loop)->is_sending;
}

static void stub_receive(struct loop *loop, uint32_t slot)
{
    ask(loop, "receive", slot);
}

static void stub_close_slot(struct loop *loop, uint32_t slot)
{
    struct stub_loop *stub = stub_of(loop);
    if (stub->fds[slot] >= 0)
        close(stub->fds[slot]);
    stub->fds[slot] = -1;
    ask(loop, "close", slot);
}

static int stub_wait(struct loop *loop, uint32_t count, int64_t timeout_ns)
{
    (void)count;
    (void)timeout_ns;
    ask(loop, "wait", 0);
    return 0;
}

void stub_loop_init(struct stub_loop *stub)
{
    static const struct loop_interface interface = {
        .name = "stub",
        .attach = stub_attach,
        .connect = stub_connect,
        .send = stub_send,
        .is_sending = stub_is_sending,
        .receive = stub_receive,
        .close_slot = stub_close_slot,
        .wait = stub_wait,
    };
    *stub = (struct stub_loop){.head.interface = &interface};
    memset(stub->fds, 0xff, sizeof stub->fds);
}
