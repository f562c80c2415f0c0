/* The account of a run against the count of the server, for random servers that delay, refuse, cut,
 * close, stall and reset, and random runs. HAUL_TEST_ROUNDS says how many (50), HAUL_TEST_SEED of
 * which; the seed of a round that fails is told, and HAUL_TEST_ROUNDS=1 with it plays that one. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/load/conductor.h"
#include "tests/lib/address.h"
#include "tests/lib/running.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 50, URL_BYTES = 64, BACKLOG = 1024 };

#define MS UINT64_C(1000000)
#define OK "HTTP/1.1 200 OK\r\n"

/* --- chance ----------------------------------------------------------------------------------- */

/* SplitMix64 */
static uint64_t draw(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

static uint32_t below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(draw(state) % limit);
}

/* --- a server --------------------------------------------------------------------------------- */

/* What it does with a request: so many of a thousand each; the others have a good reply. */
enum deed { REFUSE, DELAY, ANNOUNCE, CLOSE_AFTER, CLOSE_BEFORE, CUT, STALL, RESET, DEEDS };

/* It reads all that was sent before it ends a connection, but where it resets one. */
struct peer {
    uint32_t shares[DEEDS];
    uint64_t seed;
    int listener;
    uint16_t port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned open;
    uint64_t seen; /* request heads */
};

struct guest {
    struct peer *peer;
    int fd;
    uint64_t chance;
    unsigned matched; /* bytes of the blank line that ends a head */
};

static enum deed choose(struct guest *guest)
{
    uint32_t number = below(&guest->chance, 1000);
    for (int deed = 0; deed < DEEDS; deed++) {
        if (number < guest->peer->shares[deed])
            return (enum deed)deed;
        number -= guest->peer->shares[deed];
    }
    return DEEDS;
}

static void say(const struct guest *guest, const char *text)
{
    if (send(guest->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        return; /* the client has gone, as it may */
}

/* False: nothing more is said on this connection. */
static bool answer(struct guest *guest, enum deed deed)
{
    const struct timespec delay = {.tv_nsec = 1000000 + below(&guest->chance, 3000000)};
    switch (deed) {
    case REFUSE:
        say(guest, "HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\nx");
        return true;
    case DELAY:
        nanosleep(&delay, NULL);
        break;
    case ANNOUNCE:
        say(guest, OK "Connection: close\r\nContent-Length: 1\r\n\r\nx");
        return false;
    case CLOSE_AFTER:
        say(guest, OK "Content-Length: 1\r\n\r\nx");
        return false;
    case CUT:
        say(guest, OK "Content-Length: 9\r\n\r\nx");
        return false;
    case CLOSE_BEFORE:
    case STALL:
    case RESET:
        return false;
    case DEEDS:
        break;
    }
    say(guest, OK "Content-Length: 1\r\n\r\nx");
    return true;
}

/* How many heads end in these bytes. */
static unsigned heads_in(struct guest *guest, const char *bytes, size_t length)
{
    unsigned count = 0;
    for (size_t i = 0; i < length; i++) {
        guest->matched =
            bytes[i] == "\r\n\r\n"[guest->matched] ? guest->matched + 1 : bytes[i] == '\r';
        if (guest->matched == 4) {
            guest->matched = 0;
            count++;
        }
    }
    pthread_mutex_lock(&guest->peer->lock);
    guest->peer->seen += count;
    pthread_mutex_unlock(&guest->peer->lock);
    return count;
}

/* Until the client ends it; what comes behind the last word is counted and not answered. */
static void attend(struct guest *guest)
{
    char bytes[4096];
    ssize_t length;
    bool goes_on = true;
    while ((length = recv(guest->fd, bytes, sizeof bytes, 0)) > 0)
        for (unsigned heads = heads_in(guest, bytes, (size_t)length); heads > 0 && goes_on;
             heads--) {
            enum deed deed = choose(guest);
            goes_on = answer(guest, deed);
            if (deed == RESET) {
                setsockopt(guest->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                           sizeof(struct linger));
                return;
            }
            if (!goes_on && deed != STALL)
                shutdown(guest->fd, SHUT_WR);
        }
}

static void *guest_run(void *argument)
{
    struct guest *guest = argument;
    struct peer *peer = guest->peer;
    attend(guest);
    close(guest->fd);
    free(guest);
    pthread_mutex_lock(&peer->lock);
    peer->open--;
    pthread_cond_signal(&peer->changed);
    pthread_mutex_unlock(&peer->lock);
    return NULL;
}

static void *peer_run(void *argument)
{
    struct peer *peer = argument;
    for (int fd; (fd = accept(peer->listener, NULL, NULL)) >= 0;) {
        struct guest *guest = calloc(1, sizeof *guest);
        pthread_t thread;
        *guest = (struct guest){.peer = peer, .fd = fd, .chance = draw(&peer->seed)};
        pthread_mutex_lock(&peer->lock);
        peer->open++;
        pthread_mutex_unlock(&peer->lock);
        if (pthread_create(&thread, NULL, guest_run, guest) != 0)
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

static void peer_open(struct peer *peer, uint64_t *chance)
{
    *peer = (struct peer){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    for (int deed = 0; deed < DEEDS; deed++) {
        uint32_t most = deed == STALL ? 10 : deed == DELAY ? 100 : 60;
        peer->shares[deed] = below(chance, 3) == 0 ? below(chance, most) : 0;
    }
    peer->seed = draw(chance);
    peer->listener = address_hold(BACKLOG, &peer->port);
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_run, peer), 0);
}

/* When all connections have ended; what the client has left of them, the kernel ends. */
static uint64_t peer_close(struct peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    pthread_mutex_lock(&peer->lock);
    while (peer->open > 0)
        pthread_cond_wait(&peer->changed, &peer->lock);
    pthread_mutex_unlock(&peer->lock);
    return peer->seen;
}

/* --- a round ---------------------------------------------------------------------------------- */

static struct load_options options_draw(uint64_t *chance)
{
    struct load_options options = {
        .client = (enum client_kind)below(chance, CLIENT_COUNT),
        .connections = 1 + below(chance, 8),
        .threads = 1 + below(chance, 3),
        .pipeline = below(chance, 2) ? 1 : 1 + below(chance, 4),
        .timeout_ns = 300 * MS,
        .linger_ns = 20 * MS,
    };
    bool is_timed = below(chance, 2);
    if (is_timed)
        options.duration_ns = (1 + below(chance, 60)) * MS;
    if (!is_timed || below(chance, 3) == 0)
        options.requests = 1 + below(chance, 200);
    if (below(chance, 2))
        options.rate_from = 200 + below(chance, 5000);
    if (below(chance, 3) == 0)
        options.http = (struct haul_options){.has_body = true, .body = "x", .body_length = 1};
    if (below(chance, 8) == 0) {
        options.is_closing = true;
        options.pipeline = 1;
    }
    if (!running_has(options.client))
        options.client = CLIENT_EPOLL;
    return options;
}

/* What was due of an open loop with a time; 0: that is not known beforehand. */
static uint64_t due(const struct load_options *options)
{
    if (options->rate_from == 0 || options->duration_ns == 0)
        return 0;
    struct load_options filled = load_filled(options);
    uint64_t count = workload_due_count(&filled, options->duration_ns);
    return options->requests > 0 && options->requests < count ? options->requests : count;
}

/* NULL: the account agrees with the server's count. */
static const char *disagreement(const struct load_result *result, const struct peer *peer,
                                uint64_t seen)
{
    const struct stats *stats = &result->stats;
    uint64_t begun = stats->requests + stats->resent + stats->unfinished;
    uint64_t unsure = stats->unfinished + stats->errors[HAUL_CONNECT] +
                      stats->errors[HAUL_DEADLINE] + stats->errors[HAUL_SEND] +
                      stats->errors[HAUL_RESOURCE];
    uint64_t was_due = due(result->options);
    if (was_due > 0 && stats->requests + stats->unfinished + stats->unsent != was_due)
        return "what was due is not finished, unfinished or unsent";
    if (seen > begun)
        return "the server saw more than was begun";
    if (seen < stats->replies)
        return "the server saw less than it has answered";
    if (result->options->http.has_body && stats->resent > 0)
        return "a POST was sent again";
    if (peer->shares[RESET] == 0 && seen + unsure < begun)
        return "the server saw less than was begun";
    return NULL;
}

static void play(uint64_t seed)
{
    uint64_t chance = seed;
    struct peer peer;
    struct load_result result;
    char url[URL_BYTES], summary[RUNNING_SUMMARY_BYTES];
    peer_open(&peer, &chance);
    struct load_options options = options_draw(&chance);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/a", (unsigned)peer.port);
    options.urls = (const char *const[]){url};
    options.url_count = 1;
    char name[URL_BYTES];
    snprintf(name, sizeof name, "HAUL_TEST_SEED=%" PRIu64, seed);
    running_do(name, options.client, &options, &result);
    uint64_t seen = peer_close(&peer);
    running_summarize(&result, summary);
    const char *wrong = disagreement(&result, &peer, seen);
    if (wrong)
        fail_msg("%s, over %s, -c %u -t %u --pipeline %u -n %" PRIu64 " -z %" PRIu64
                 "ms --rate %g%s%s: %s: the server saw %" PRIu64 "; %s",
                 name, client_name(options.client), options.connections, options.threads,
                 options.pipeline, options.requests, options.duration_ns / MS, options.rate_from,
                 options.http.has_body ? " POST" : "", options.is_closing ? " --close" : "", wrong,
                 seen, summary);
    load_result_close(&result);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void test_accounts(void **state)
{
    uint64_t rounds = number_from("HAUL_TEST_ROUNDS", ROUNDS);
    uint64_t seed = number_from("HAUL_TEST_SEED", client_now_ns());
    (void)state;
    print_message("  %" PRIu64 " rounds from HAUL_TEST_SEED=%" PRIu64 " on\n", rounds, seed);
    for (uint64_t i = 0; i < rounds; i++)
        play(seed + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_accounts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
