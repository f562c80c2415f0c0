/* Bodies of all kinds over a loop that injects faults, to a server that does what it likes, with
 * coded replies among that, and requests that are cancelled: every one has its result, and no
 * block, tag, decoder or descriptor is left. HAUL_TEST_ROUNDS says how many over each of four
 * loops; HAUL_SEED=<number> plays one alone. */

#include "engine/engine.h"
#include "tests/lib/coded.h"
#include "tests/lib/engine/chance.h"
#include "tests/lib/fault.h"
#include "tests/lib/gathering.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 250, REQUESTS = 6, FILE_BYTES = 300000 };

/* --- chance ----------------------------------------------------------------------------------- */

static uint32_t random_from(uint64_t *state, uint32_t bound)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % bound;
}

static uint64_t chance;

static uint32_t random_below(uint32_t bound)
{
    return random_from(&chance, bound);
}

/* --- a server --------------------------------------------------------------------------------- */

static const char *const replies[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 413 X\r\nContent-Length: 2\r\n\r\nno",
    "HTTP/1.1 417 X\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 307 X\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 303 X\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\nuntil the end",
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut",
    "HTTP/1.1 100 C\r\n\r\n",
    "",
};

enum { PLAIN = sizeof replies / sizeof *replies, CODED = 4, CODED_BYTES = 40000 };

/* Whole, without its last bytes, damaged, and none at all behind its head. */
static struct span coded_replies[CODED];

static void make_coded_replies(void)
{
    char *text = coded_text(CODED_BYTES);
    struct span body = coded_make("gzip", (struct span){text, CODED_BYTES});
    for (size_t i = 0; i < CODED; i++) {
        size_t kept = i == 1 ? body.length - 9 : i == 3 ? 0 : body.length;
        char *reply = malloc(200 + kept);
        if (reply == NULL)
            abort();
        int head = sprintf(reply,
                           "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                           "Content-Length: %zu\r\n\r\n",
                           kept);
        memcpy(reply + head, body.bytes, kept);
        if (i == 2)
            memset(reply + head + kept / 2, 0xff, 64);
        coded_replies[i] = (struct span){reply, (size_t)head + kept};
    }
    free(text);
    free((void *)(uintptr_t)body.bytes);
}

static struct span any_reply(uint64_t *state)
{
    uint32_t choice = random_from(state, PLAIN + CODED);
    if (choice >= PLAIN && coded_replies[0].bytes != NULL)
        return coded_replies[choice - PLAIN];
    return (struct span){replies[choice % PLAIN], strlen(replies[choice % PLAIN])};
}

static void receive_some(int fd, uint64_t *state)
{
    char bytes[16384];
    for (uint32_t left = random_from(state, 40); left > 0; left--) {
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};
        if (poll(&pollfd, 1, 3) <= 0 || recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0)
            return;
    }
}

static void play(int fd, uint64_t *state)
{
    for (uint32_t turns = 1 + random_from(state, 4); turns > 0; turns--) {
        struct span reply = any_reply(state);
        receive_some(fd, state);
        send(fd, reply.bytes, reply.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    receive_some(fd, state);
    struct linger now = {.l_onoff = (int)random_from(state, 2)};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static void *serve(void *argument)
{
    uint64_t state = 1;
    int listener = *(int *)argument;
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
        play(fd, &state);
    return NULL;
}

static int listener = -1;
static uint16_t port;

static void open_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 ||
        listen(listener, 100) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        abort();
    port = ntohs(address.sin_port);
}

/* --- requests --------------------------------------------------------------------------------- */

static char bytes[FILE_BYTES];
static int file;

struct run {
    struct haul *haul;
    struct haul_body_part parts[REQUESTS][3];
    int ends[REQUESTS][2]; /* of pipes; -1 */
    uint32_t submitted;
};

static uint64_t random_length(void)
{
    static const uint32_t most[] = {10, 5000, 20000, FILE_BYTES};
    return random_below(most[random_below(4)]);
}

static void fill_pipe(struct run *run, uint32_t index)
{
    int *ends = run->ends[index];
    if (ends[1] < 0)
        return;
    ssize_t written = write(ends[1], bytes, 1 + random_length() % 30000);
    if (written < 0 || random_below(3) == 0) {
        close(ends[1]);
        ends[1] = -1;
    }
}

static void make_parts(struct run *run, uint32_t index)
{
    struct haul_body_part *parts = run->parts[index];
    for (int i = 0; i < 3; i++) {
        uint64_t length = random_length();
        parts[i] = (struct haul_body_part){.bytes = bytes, .length = length};
        if (random_below(2) == 0)
            parts[i] = (struct haul_body_part){.fd = file, .offset = 7, .length = length};
        if (i > 0)
            parts[i - 1].next = &parts[i];
    }
    if (random_below(8) == 0) /* it is longer than the file */
        parts[2] = (struct haul_body_part){.fd = file, .length = FILE_BYTES + 1};
    if (random_below(3) > 0)
        return;
    assert_int_equal(pipe2(run->ends[index], O_CLOEXEC | O_NONBLOCK), 0);
    parts[1] = (struct haul_body_part){
        .next = &parts[2], .fd = run->ends[index][0], .length = HAUL_TO_END};
    fill_pipe(run, index);
}

static void submit_one(struct run *run)
{
    static const char *const plain[] = {"Expect:", NULL};
    static const char *const waits[] = {"Expect: 100-continue", NULL};
    char url[64];
    uint32_t index = run->submitted++;
    bool by_pieces = random_below(3) == 0;
    struct haul_upload upload = {.by_pieces = by_pieces, .parts = run->parts[index]};
    make_parts(run, index);
    if (by_pieces && random_below(2) == 0) {
        upload.has_length = true;
        upload.length = random_length();
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u/%u", port, index);
    struct haul_request request = {.url = url,
                                   .method = random_below(2) == 0 ? "PUT" : "POST",
                                   .headers = random_below(4) == 0 ? waits : plain,
                                   .upload = &upload};
    assert_int_equal(haul_submit(run->haul, &request), 0);
}

static void disturb(struct run *run)
{
    uint32_t index = random_below(run->submitted);
    switch (random_below(12)) {
    case 0:
        haul_cancel(run->haul, index);
        break;
    case 1:
        haul_end_body(run->haul, index);
        break;
    case 2:
    case 3:
        fill_pipe(run, index);
        break;
    default:
        haul_send_body(run->haul, index, bytes, 1 + random_length() % 50000);
    }
}

static void run_to_the_end(struct run *run)
{
    const struct haul_result *result;
    uint32_t done = 0;
    for (int steps = 0; done < REQUESTS; steps++) {
        assert_in_range(steps, 0, GATHERING_PATIENCE_MS);
        if (run->submitted < REQUESTS)
            submit_one(run);
        disturb(run);
        int error = gathering_try(run->haul, &result, 1);
        if (steps == 300)
            haul_cancel_all(run->haul);
        if (error != 0) {
            assert_true(error == -EAGAIN || error == -EINPROGRESS || error == -ENODATA);
            continue;
        }
        done += !result->more;
        haul_release(run->haul, result);
    }
}

static void run_seed(uint64_t seed)
{
    static const struct haul_redirect redirect = {.follow = true, .has_max = true, .max = 3};
    static const struct haul_retry retry = {.max = 1, .delay_ms = 1};
    struct run run = {0};
    memset(run.ends, -1, sizeof run.ends);
    chance = seed;
    gathering_note("HAUL_SEED=%" PRIu64, seed);
    const struct haul_options options = {
        .concurrency = 1 + random_below(4),
        .unordered = random_below(2) == 0,
        .keep_bodies = true,
        .compressed = random_below(2) == 0 && coded_replies[0].bytes != NULL,
        .stream_bodies = random_below(2) == 0,
        .redirect = random_below(2) == 0 ? &redirect : NULL,
        .retry = random_below(2) == 0 ? &retry : NULL,
        .max_time_ms = 300,
    };
    const struct fault_rates rates = {.receive_cut = random_below(200),
                                      .receive_failed = random_below(20),
                                      .receive_ended = random_below(20),
                                      .connect_failed = random_below(20),
                                      .send_failed = random_below(60),
                                      .reordered = random_below(200),
                                      .delayed = random_below(100)};
    struct loop *loop = gathering_open_loop(&options);
    assert_non_null(loop);
    run.haul = gathering_open_on(fault_open(loop, &rates, seed), &options);
    run_to_the_end(&run);
    gathering_close(run.haul);
    for (size_t i = 0; i < REQUESTS; i++)
        for (size_t end = 0; end < 2; end++)
            if (run.ends[i][end] >= 0)
                close(run.ends[i][end]);
}

/* One connection after the other is served, so that none is left when the last has ended. */
static void wait_for_server(void)
{
    char byte;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    while (recv(fd, &byte, 1, 0) > 0)
        ;
    close(fd);
}

static uint64_t seed; /* goes on from loop to loop */

static void whatever_goes_wrong_nothing_is_left(void)
{
    const char *only = getenv("HAUL_SEED");
    int before = gathering_count_descriptors();
    uint64_t end = seed + chance_number("HAUL_TEST_ROUNDS", ROUNDS);
    if (only)
        run_seed(strtoull(only, NULL, 10));
    while (!only && seed < end)
        run_seed(seed++);
    wait_for_server();
    assert_int_equal(gathering_count_descriptors(), before);
}

static const struct gathering_scenario scenarios[] = {
    SCENARIO(whatever_goes_wrong_nothing_is_left),
};

int main(void)
{
    pthread_t thread;
    memset(bytes, 'x', sizeof bytes);
    file = memfd_create("body", MFD_CLOEXEC);
    if (file < 0 || write(file, bytes, sizeof bytes) != (ssize_t)sizeof bytes)
        return EXIT_FAILURE;
    if (coded_is_there("gzip"))
        make_coded_replies();
    open_server();
    if (pthread_create(&thread, NULL, serve, &listener) != 0)
        return EXIT_FAILURE;
    return gathering_main(NULL, 0, scenarios, 1);
}
