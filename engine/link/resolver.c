/* Host names to addresses. Owns the lookups from question to answer: who of them may ask when,
 * which server, and when it is asked again.
 *
 * The first hard idea is that a lookup is two questions, A and AAAA, which go their own ways: each
 * has its tries, its servers, and its end. The first with addresses waits a moment for the other
 * (RFC 8305, 3), and no longer; what comes later completes the answer. They keep step in one
 * thing: the next name of the search list is asked for when neither has found the one before, so
 * that the addresses of two names never mix.
 *
 * The second is that answers come in a burst, to a socket whose buffer holds few: 277 datagrams of
 * the shortest over loopback, a third of that behind some network cards; and a forwarder may
 * refuse what is beyond 150 questions. So only so many questions are fresh: unanswered, and not so
 * old that their answer will not come in a burst with others. A name whose servers are silent
 * keeps nobody waiting for long. Others wait in their order.
 *
 * c-ares cannot drop a single question. One that nobody waits for any more is cut off from its
 * lookup, and stays with c-ares until its answer comes, or nobody waits for anything of its
 * server. / */

#include "engine/link/resolver.h"
#include "engine/link/nameserver.h"
#include "engine/memory/clock.h"
#include "engine/memory/list.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FRESH_MAX = 128,       /* questions, two a lookup */
    ASKS_MAX = 16384,      /* with c-ares at once, with those that nobody waits for */
    LATE_MS = 15000,       /* so long an answer is waited for, whatever has been asked since */
    REPEATS_MAX = 8,       /* where the connection was cut, not the question refused */
    ROUNDS_MAX = 7,        /* through the servers, where nothing else ends them: 127 s */
    COMPLETING_ROUNDS = 3, /* for the addresses of a second family */
    TURNS_MAX = 8,
    RETIRED_MAX = 1, /* readings of resolv.conf, besides the last */
};

#define MS UINT64_C(1000000)
#define FIRST_TRY_NS (1000 * MS)
#define TICK_NS (1000 * MS)
#define LOOK_NS (1000 * MS) /* at resolv.conf */
#define HOLD_MIN_NS (50 * MS)
#define HOLD_MAX_NS (1000 * MS)
#define RESOLUTION_DELAY_NS (50 * MS)
/* Whoever has the same patience, and began it a moment earlier, shall be the one to say so. */
#define GRACE_NS (250 * MS)

enum { IPV4, IPV6, FAMILIES };

struct question {
    struct list_node waits; /* for its time, with those of its round; or to be gone on with */
    struct list_node asks;
    struct resolver_lookup *lookup;
    struct nameserver *server; /* asked last */
    uint64_t sent_ns;
    uint64_t due_ns;
    uint32_t sent;    /* times */
    uint32_t round;   /* through the servers */
    uint32_t tried;   /* servers, in this round */
    uint32_t failed;  /* servers, once */
    uint32_t refused; /* servers, twice: not asked again */
    uint32_t repeats;
    int status; /* ARES_…, where it has no addresses */
    bool is_over;
    bool is_cut; /* the same server is asked again, at once */
    uint32_t count;
    uint32_t ttl_s;
    union resolver_address list[RESOLVER_ADDRESSES_MAX];
};

/* What c-ares has. */
struct ask {
    struct list_node of_question;
    struct list_node fresh;
    struct resolver *resolver;
    struct question *question; /* NULL: nobody waits for it */
    struct nameserver *server;
    uint64_t sent_ns;
    bool is_fresh;
};

struct resolver_lookup {
    struct list_node node; /* in one of the resolver's lists */
    struct resolver *resolver;
    struct resolver_reading *reading; /* NULL while queued */
    struct question questions[FAMILIES];
    uint64_t until_ns; /* no new try later than this */
    uint64_t delay_ns; /* when what there is has waited long enough */
    const char *step;  /* of the order of files and DNS */
    uint32_t candidate;
    uint32_t turn; /* the server to begin with */
    int status;    /* ARES_…, of the candidates so far */
    int leader;    /* the family that was answered first */
    bool is_delayed;
    bool is_told; /* the first answer has been taken */
    uint32_t id;
    uint16_t port;
    char host[];
};

/* One reading of resolv.conf, and who waits by it: in each list as long as its neighbours. */
struct resolver_reading {
    struct list_node node;
    struct nameservers *servers;
    struct list_node rounds[ROUNDS_MAX];
};

struct resolver {
    struct dns_sockets sockets;
    char *path;    /* of resolv.conf; NULL: the system's */
    char *servers; /* instead of those stated there; NULL: those */
    struct resolv_conf_identity identity;
    uint64_t looked_ns;
    struct list_node readings;        /* the last is the one to begin with */
    struct resolver_reading *current; /* NULL until there is something to look up */
    uint32_t retired;
    uint64_t patience_ns;
    int family;      /* the only one; AF_UNSPEC: both */
    bool is_patient; /* without a limit */
    bool has_ipv6;
    bool is_closing;
    uint64_t tick_ns;   /* when c-ares is to look for questions that have timed out */
    uint64_t answer_ns; /* how long answers take, smoothed */
    uint32_t lookups;
    uint32_t asks;
    uint32_t fresh_count;
    bool is_pressed;          /* there is more to be gone on with */
    struct list_node fresh;   /* asks, in the order of sending */
    struct list_node due;     /* questions to be gone on with */
    struct list_node queued;  /* lookups: not asked */
    struct list_node asking;  /* without addresses yet */
    struct list_node delayed; /* with those of one family, for a moment */
    struct list_node ready;   /* to be taken */
    struct list_node told;    /* taken, and not complete */
    struct dns_socket list[];
};

/* --- what has failed -------------------------------------------------------------------------- */

/* No status of c-ares: so much above the errno of a socket that was not to be had. */
enum { SHORTAGE = 1000 };

/* The more telling first: what is to be tried again, what says something of the name, then of a
 * server, then nothing. */
static const struct dns_failure {
    int status;
    int error;
    const char *message;
} failures[] = {
    {SHORTAGE + EMFILE, -EMFILE, "no descriptor is left to look the host name up"},
    {SHORTAGE + ENFILE, -ENFILE, "no descriptor is left to look the host name up"},
    {SHORTAGE + ENOBUFS, -ENOBUFS, "out of memory while looking the host name up"},
    {SHORTAGE + ENOMEM, -ENOMEM, "out of memory while looking the host name up"},
    {ARES_ENOMEM, -ENOMEM, "out of memory while looking the host name up"},
    {ARES_EBADNAME, -EINVAL, "the host name is not one that can be looked up"},
    {ARES_ENOTFOUND, -ENOENT, "the host name does not exist"},
    {ARES_EBADRESP, -EREMOTEIO, "the DNS server's answer is malformed"},
    {ARES_EFORMERR, -EREMOTEIO, "the DNS server did not understand the question"},
    {ARES_ESERVFAIL, -ECONNREFUSED, "no DNS server can be reached, or none can answer"},
    {ARES_EREFUSED, -ECONNREFUSED, "no DNS server can be reached, or none can answer"},
    {ARES_ENOTIMP, -ECONNREFUSED, "no DNS server can be reached, or none can answer"},
    {ARES_ECONNREFUSED, -ECONNREFUSED, "no DNS server can be reached, or none can answer"},
    {ARES_ETIMEOUT, -ETIMEDOUT, "no DNS server answered in time"},
    {ARES_ENODATA, -ENOENT, "the host name has no address"},
    {0, -EREMOTEIO, "the host name could not be looked up"},
};

static const struct dns_failure *find_failure(int status)
{
    const struct dns_failure *failure = failures;

    while (failure->status != status && failure->status != 0)
        failure++;
    return failure;
}

/* That one family has no address is no news where the other's are not known; and a name that has
 * no address of one family does exist, whatever is said of the other. */
static int more_telling(int one, int other)
{
    if ((one == ARES_ENODATA && other == ARES_ENOTFOUND) ||
        (one == ARES_ENOTFOUND && other == ARES_ENODATA))
        return ARES_ENODATA;
    if (one == ARES_SUCCESS || other == ARES_SUCCESS)
        return one == ARES_SUCCESS ? other : one;
    return find_failure(one) < find_failure(other) ? one : other;
}

/* As the C library has it: what a server could not say of one name may be what it would have
 * found. */
static int more_telling_of_names(int one, int other)
{
    return one == ARES_ESERVFAIL ? one : other == ARES_ESERVFAIL ? other : more_telling(one, other);
}

/* The next name of the search list may fare better. */
static bool is_of_the_name(int status)
{
    return status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME ||
           status == ARES_ESERVFAIL;
}

/* --- questions -------------------------------------------------------------------------------- */

static void lookup_judge(struct resolver_lookup *lookup);
static void lookup_hurry(struct resolver_lookup *lookup, uint64_t now_ns);
static void sweep(struct resolver *resolver);

static void question_init(struct question *question, struct resolver_lookup *lookup)
{
    *question = (struct question){.lookup = lookup};
    list_init(&question->waits);
    list_init(&question->asks);
}

/* Nobody waits for what is still with c-ares. */
static void question_cut_off(struct question *question)
{
    struct list_node *node;

    list_remove(&question->waits);
    while ((node = list_first(&question->asks)) != NULL) {
        struct ask *ask = LIST_OWNER(node, struct ask, of_question);
        assert(ask->question == question && ask->server->live > 0);
        list_remove(node);
        ask->question = NULL;
        ask->server->live--;
    }
}

static void question_end(struct question *question, int status)
{
    assert(!question->is_over);
    question_cut_off(question);
    question->status = status;
    question->is_over = true;
    lookup_judge(question->lookup);
}

static uint64_t try_ns(const struct resolver_reading *reading, uint32_t round)
{
    uint32_t stated_ms = reading->servers->conf.timeout_ms;

    return stated_ms != 0 ? stated_ms * MS : FIRST_TRY_NS << (round < 6 ? round : 6);
}

static void question_wait(struct question *question, uint64_t now_ns)
{
    struct resolver_reading *reading = question->lookup->reading;
    assert(!question->is_over);
    uint32_t round = question->round < ROUNDS_MAX ? question->round : ROUNDS_MAX - 1;

    question->due_ns = now_ns + try_ns(reading, round);
    list_remove(&question->waits);
    list_append(&reading->rounds[round], &question->waits);
}

static void question_is_due(struct question *question)
{
    assert(!question->is_over);
    list_remove(&question->waits);
    list_append(&question->lookup->resolver->due, &question->waits);
}

static bool may_begin_round(const struct question *question, uint64_t now_ns)
{
    const struct resolver_lookup *lookup = question->lookup;
    const struct resolver *resolver = lookup->resolver;
    uint32_t attempts = lookup->reading->servers->conf.attempts;

    if (lookup->is_told && question->round >= COMPLETING_ROUNDS)
        return false;
    if (attempts == 0 && resolver->is_patient)
        attempts = ROUNDS_MAX;
    if (attempts != 0 && question->round >= attempts)
        return false;
    return resolver->is_patient || now_ns < lookup->until_ns;
}

static void on_reply(void *argument, int status, int timeouts, unsigned char *bytes, int length);

static void question_send(struct question *question, struct nameserver *server, uint64_t now_ns)
{
    struct resolver_lookup *lookup = question->lookup;
    struct resolver *resolver = lookup->resolver;
    struct ask *ask = malloc(sizeof(*ask));
    char name[RESOLV_CONF_NAME_BYTES];

    assert(!question->is_over && server->live <= server->asks);
    if (ask == NULL) {
        question_end(question, ARES_ENOMEM);
        return;
    }
    /* One that was silent lately, and is asked after another, will not answer in a burst. */
    *ask = (struct ask){
        .resolver = resolver,
        .question = question,
        .server = server,
        .sent_ns = now_ns,
        .is_fresh = question->sent == 0 || server->asked_last_ns <= now_ns,
    };
    list_init(&ask->of_question);
    list_init(&ask->fresh);
    list_append(&question->asks, &ask->of_question);
    if (ask->is_fresh)
        list_append(&resolver->fresh, &ask->fresh);
    resolver->fresh_count += ask->is_fresh;
    if (resolver->asks++ == 0)
        resolver->tick_ns = now_ns + TICK_NS;
    server->asks++;
    server->live++;
    question->server = server;
    question->tried |= nameserver_bit(lookup->reading->servers, server);
    question->sent_ns = now_ns;
    question->sent++;
    question_wait(question, now_ns);
    resolv_conf_candidate(&lookup->reading->servers->conf, lookup->host, lookup->candidate, name);
    ares_query(server->channel, name, ns_c_in,
               question == &lookup->questions[IPV6] ? ns_t_aaaa : ns_t_a, on_reply, ask);
    lookup_hurry(lookup, now_ns);
}

static bool has_room(const struct resolver *resolver)
{
    return resolver->fresh_count + FAMILIES <= FRESH_MAX && resolver->asks < ASKS_MAX;
}

/* An answer can be done without where there is one already, and others have none. */
static bool must_give_way(const struct resolver_lookup *lookup)
{
    const struct resolver *resolver = lookup->resolver;

    return lookup->is_told && (!list_is_empty(&resolver->queued) || !has_room(resolver));
}

/* With the next server, of this round or the next. is_late: the time of the last is up; if it is
 * not, and one that was asked before may still answer, this round is waited for. */
static void question_go_on(struct question *question, uint64_t now_ns, bool is_late)
{
    struct nameservers *servers = question->lookup->reading->servers;
    uint32_t first = question->lookup->turn;
    struct nameserver *server = question->server;

    if (must_give_way(question->lookup)) {
        question_end(question, ARES_ETIMEOUT);
        return;
    }
    if (!question->is_cut)
        server = nameservers_pick(servers, first, question->tried | question->refused, now_ns);
    question->is_cut = false;
    if (server == NULL && !is_late && !list_is_empty(&question->asks)) {
        question_wait(question, now_ns);
        return;
    }
    if (server == NULL) {
        question->round++;
        question->tried = 0;
        if (may_begin_round(question, now_ns))
            server = nameservers_pick(servers, first, question->refused, now_ns);
    }
    if (server != NULL)
        question_send(question, server, now_ns);
    else
        question_end(question, question->status);
}

/* --- what c-ares tells ------------------------------------------------------------------------ */

static void add_address(struct question *question, int family, const void *bytes)
{
    assert(question->count < RESOLVER_ADDRESSES_MAX);
    union resolver_address *address = &question->list[question->count++];

    *address = (union resolver_address){0};
    address->any.sa_family = (sa_family_t)family;
    if (family == AF_INET6) {
        address->ipv6.sin6_port = htons(question->lookup->port);
        memcpy(&address->ipv6.sin6_addr, bytes, sizeof(address->ipv6.sin6_addr));
    } else {
        address->ipv4.sin_port = htons(question->lookup->port);
        memcpy(&address->ipv4.sin_addr, bytes, sizeof(address->ipv4.sin_addr));
    }
}

/* An answer lives as long as the shortest-lived record that led to it: c-ares has seen to the
 * aliases. */
static void take_ttl(struct question *question, int ttl_s)
{
    uint32_t ttl = ttl_s < RESOLVER_TTL_MIN_S ? RESOLVER_TTL_MIN_S : (uint32_t)ttl_s;

    if (ttl < question->ttl_s)
        question->ttl_s = ttl;
}

static int take_ipv4(struct question *question, const unsigned char *bytes, int length)
{
    struct ares_addrttl list[RESOLVER_ADDRESSES_MAX];
    int count = RESOLVER_ADDRESSES_MAX;
    int status = ares_parse_a_reply(bytes, length, NULL, list, &count);

    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        add_address(question, AF_INET, &list[i].ipaddr);
        take_ttl(question, list[i].ttl);
    }
    return status;
}

static int take_ipv6(struct question *question, const unsigned char *bytes, int length)
{
    struct ares_addr6ttl list[RESOLVER_ADDRESSES_MAX];
    int count = RESOLVER_ADDRESSES_MAX;
    int status = ares_parse_aaaa_reply(bytes, length, NULL, list, &count);

    for (int i = 0; status == ARES_SUCCESS && i < count; i++) {
        add_address(question, AF_INET6, &list[i].ip6addr);
        take_ttl(question, list[i].ttl);
    }
    return status;
}

/* Records of another type are no address: an alias that leads to none. */
static int take_addresses(struct question *question, const unsigned char *bytes, int length)
{
    bool is_ipv6 = question == &question->lookup->questions[IPV6];

    question->ttl_s = RESOLVER_TTL_MAX_S;
    int status = is_ipv6 ? take_ipv6(question, bytes, length) : take_ipv4(question, bytes, length);
    return status == ARES_SUCCESS && question->count == 0 ? ARES_ENODATA : status;
}

/* Karn's rule, and TCP's: only what was answered without another try says how long answers take. */
static void measure(struct resolver *resolver, const struct question *question, uint64_t took_ns)
{
    if (question->sent == 1 && took_ns < FIRST_TRY_NS)
        resolver->answer_ns = (7 * resolver->answer_ns + took_ns) / 8;
}

static bool is_refusal(int status)
{
    return status == ARES_EREFUSED || status == ARES_ENOTIMP || status == ARES_ECONNREFUSED;
}

static bool is_answer(int status)
{
    return status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND ||
           status == ARES_EFORMERR || status == ARES_EBADRESP || status == ARES_ESERVFAIL;
}

/* Not for what it says of a name: another server may know less of it. A server may refuse questions
 * of one type, or for some names, and answer the others: it is none that refuses. */
static void judge_server(struct nameserver *server, const struct question *question, int status,
                         uint64_t now_ns, uint64_t took_ns)
{
    if (is_answer(status) || is_refusal(status))
        server->heard_ns = now_ns;
    if (is_answer(status)) {
        server->answered_ns = now_ns;
        if (took_ns < try_ns(question->lookup->reading, 0))
            server->asked_last_ns = 0;
    } else if (status == ARES_ECONNREFUSED ||
               (is_refusal(status) && (server->answered_ns == 0 ||
                                       now_ns - server->answered_ns > NAMESERVER_SHUNNED_NS))) {
        nameserver_shun(server, now_ns);
    }
}

/* A server gets a second chance after the others; with the last of them goes the question. */
static void question_fail(struct question *question, const struct nameserver *server, int status)
{
    uint32_t bit = nameserver_bit(question->lookup->reading->servers, server);

    question->status = more_telling(question->status, status);
    question->refused |= question->failed & bit;
    question->failed |= bit;
    if (server == question->server || list_is_empty(&question->asks))
        question_is_due(question);
}

static void question_take(struct question *question, struct nameserver *server, int status,
                          const unsigned char *bytes, int length)
{
    if (status == ARES_SUCCESS)
        status = take_addresses(question, bytes, length);
    switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
    case ARES_ENOMEM:
        question_end(question, status);
        return;
    case ARES_ETIMEOUT: /* so late that it has long been asked again */
        return;
    case ARES_ECANCELLED:
        question->is_cut = true;
        question_is_due(question);
        return;
    default:
        question_fail(question, server, status);
    }
}

static void on_reply(void *argument, int status, int timeouts, unsigned char *bytes, int length)
{
    struct ask *ask = argument;
    struct resolver *resolver = ask->resolver;
    struct nameserver *server = ask->server;
    struct question *question = ask->question;
    uint64_t now_ns = clock_now_ns();
    uint64_t took_ns = now_ns - ask->sent_ns;
    (void)timeouts;

    assert(resolver->asks > 0 && server->asks > 0 && server->live <= server->asks);
    assert(ask->is_fresh ? resolver->fresh_count > 0 : list_is_empty(&ask->fresh));
    assert(!question || server->live > 0);
    list_remove(&ask->of_question);
    list_remove(&ask->fresh);
    resolver->fresh_count -= ask->is_fresh;
    resolver->asks--;
    server->asks--;
    server->live -= question != NULL;
    free(ask);
    if (question == NULL || resolver->is_closing)
        return;
    if (status == ARES_ECONNREFUSED && server->is_cut && question->repeats++ < REPEATS_MAX) {
        question->is_cut = true;
        question_is_due(question);
        return;
    }
    if (status == ARES_ECONNREFUSED && server->shortage != 0) {
        question_end(question, SHORTAGE + server->shortage);
        return;
    }
    judge_server(server, question, status, now_ns, took_ns);
    if (is_answer(status))
        measure(resolver, question, took_ns);
    question_take(question, server, status, bytes, length);
}

/* --- lookups ---------------------------------------------------------------------------------- */

static void lookup_move(struct resolver_lookup *lookup, struct list_node *list)
{
    list_remove(&lookup->node);
    list_append(list, &lookup->node);
}

static bool is_complete(const struct resolver_lookup *lookup)
{
    return lookup->questions[IPV4].is_over && lookup->questions[IPV6].is_over;
}

static void lookup_free(struct resolver_lookup *lookup)
{
    assert(lookup->resolver->lookups > 0);
    assert(!lookup->reading || lookup->reading->servers->lookups > 0);
    list_remove(&lookup->node);
    question_cut_off(&lookup->questions[IPV4]);
    question_cut_off(&lookup->questions[IPV6]);
    if (lookup->reading != NULL)
        lookup->reading->servers->lookups--;
    lookup->resolver->lookups--;
    free(lookup);
}

/* A family that nobody wants has its answer: nothing. */
static void lookup_ask(struct resolver_lookup *lookup)
{
    for (int family = 0; family < FAMILIES; family++) {
        int other = family == IPV4 ? AF_INET6 : AF_INET;
        assert(list_is_empty(&lookup->questions[family].asks));
        question_init(&lookup->questions[family], lookup);
        if (lookup->resolver->family == other)
            lookup->questions[family].is_over = true;
        else
            question_is_due(&lookup->questions[family]);
    }
}

/* c-ares calls back at once. That the host is not in the file is ARES_ECONNREFUSED: nobody is left
 * to ask. */
static void on_hosts(void *argument, int status, int timeouts, struct ares_addrinfo *info)
{
    struct resolver_lookup *lookup = argument;
    (void)timeouts;

    lookup->status = status;
    if (info == NULL)
        return;
    for (int family = 0; family < FAMILIES; family++)
        question_init(&lookup->questions[family], lookup);
    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next) {
        bool is_ipv6 = node->ai_family == AF_INET6;
        const union resolver_address *address = (const void *)node->ai_addr;
        struct question *question = &lookup->questions[is_ipv6 ? IPV6 : IPV4];
        if (node == info->nodes)
            lookup->leader = is_ipv6 ? IPV6 : IPV4;
        question->ttl_s = RESOLVER_TTL_MIN_S;
        if (question->count < RESOLVER_ADDRESSES_MAX)
            add_address(question, node->ai_family,
                        is_ipv6 ? (const void *)&address->ipv6.sin6_addr
                                : (const void *)&address->ipv4.sin_addr);
    }
    ares_freeaddrinfo(info);
}

/* In the order of nsswitch.conf. A service name would make c-ares read /etc/services, and sorting
 * would make it connect a socket to each address. */
static void lookup_step(struct resolver_lookup *lookup)
{
    const struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT,
                                              .ai_family = lookup->resolver->family,
                                              .ai_socktype = SOCK_STREAM};
    struct nameservers *servers = lookup->reading->servers;
    int before = lookup->status;

    while (*lookup->step != '\0') {
        char step = *lookup->step++;
        if (step == 'b') {
            lookup->status = before;
            lookup_ask(lookup);
            return;
        }
        ares_getaddrinfo(servers->hosts, lookup->host, NULL, &hints, on_hosts, lookup);
        /* Or it is found, or is .onion, which is nobody else's business (RFC 7686). */
        if (lookup->status != ARES_ECONNREFUSED)
            break;
        lookup->status = before == ARES_SUCCESS ? ARES_ENOTFOUND : before;
    }
    for (int family = 0; family < FAMILIES; family++)
        lookup->questions[family].is_over = true;
    lookup_move(lookup, &lookup->resolver->ready);
}

/* Neither family has addresses for this name. */
static void lookup_next_candidate(struct resolver_lookup *lookup)
{
    int status = more_telling(lookup->questions[IPV4].status, lookup->questions[IPV6].status);
    char name[RESOLV_CONF_NAME_BYTES];

    lookup->status =
        is_of_the_name(status) ? more_telling_of_names(lookup->status, status) : status;
    if (is_of_the_name(status) &&
        resolv_conf_candidate(&lookup->reading->servers->conf, lookup->host, lookup->candidate + 1,
                              name)) {
        lookup->candidate++;
        lookup_ask(lookup);
    } else {
        lookup_step(lookup);
    }
}

/* Is it worth to wait a moment for the other family? Not for IPv6 where nothing can be sent over
 * it, and not for a server that was silent lately. */
static bool is_worth_waiting(const struct resolver_lookup *lookup, uint64_t now_ns)
{
    const struct question *other = &lookup->questions[!lookup->leader];

    if (lookup->leader == IPV4 && !lookup->resolver->has_ipv6)
        return false;
    return other->server == NULL || other->server->asked_last_ns <= now_ns;
}

/* The other family has just been asked for of another server. */
static void lookup_hurry(struct resolver_lookup *lookup, uint64_t now_ns)
{
    if (lookup->is_delayed && !is_worth_waiting(lookup, now_ns)) {
        lookup->is_delayed = false;
        lookup_move(lookup, &lookup->resolver->ready);
    }
}

/* After each end of a question. */
static void lookup_judge(struct resolver_lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;
    const struct question *ipv4 = &lookup->questions[IPV4];
    const struct question *ipv6 = &lookup->questions[IPV6];
    uint64_t now_ns = clock_now_ns();

    assert(ipv4->is_over || ipv6->is_over);
    lookup->is_delayed = false;
    if (ipv4->count == 0 && ipv6->count == 0) {
        if (is_complete(lookup))
            lookup_next_candidate(lookup);
        return;
    }
    if (ipv4->count == 0 || ipv6->count == 0)
        lookup->leader = ipv6->count != 0 ? IPV6 : IPV4;
    if (is_complete(lookup) || !is_worth_waiting(lookup, now_ns)) {
        lookup_move(lookup, &resolver->ready);
        return;
    }
    lookup->is_delayed = true;
    lookup->delay_ns = now_ns + RESOLUTION_DELAY_NS;
    lookup_move(lookup, &resolver->delayed);
}

static void fill_addresses(struct resolver_addresses *addresses,
                           const struct resolver_lookup *lookup)
{
    const struct question *questions[] = {&lookup->questions[lookup->leader],
                                          &lookup->questions[!lookup->leader]};
    uint32_t most =
        questions[0]->count > questions[1]->count ? questions[0]->count : questions[1]->count;

    addresses->ttl_s = RESOLVER_TTL_MAX_S;
    for (int i = 0; i < FAMILIES; i++)
        if (questions[i]->count > 0 && questions[i]->ttl_s < addresses->ttl_s)
            addresses->ttl_s = questions[i]->ttl_s;
    for (uint32_t i = 0; i < 2 * most && addresses->count < RESOLVER_ADDRESSES_MAX; i++)
        if (i / 2 < questions[i % 2]->count)
            addresses->list[addresses->count++] = questions[i % 2]->list[i / 2];
}

bool resolver_next(struct resolver *resolver, struct resolver_answer *ret_answer)
{
    struct list_node *node = list_first(&resolver->ready);

    if (node == NULL)
        return false;
    struct resolver_lookup *lookup = LIST_OWNER(node, struct resolver_lookup, node);
    *ret_answer = (struct resolver_answer){.id = lookup->id, .has_more = !is_complete(lookup)};
    fill_addresses(&ret_answer->addresses, lookup);
    if (ret_answer->addresses.count == 0) {
        const struct dns_failure *failure = find_failure(lookup->status);
        ret_answer->addresses.ttl_s = 0;
        ret_answer->error = failure->error;
        ret_answer->message = failure->message;
    }
    if (ret_answer->has_more) {
        lookup->is_told = true;
        lookup_move(lookup, &resolver->told);
    } else {
        lookup_free(lookup);
        sweep(resolver);
    }
    return true;
}

/* --- readings of resolv.conf ------------------------------------------------------------------ */

/* Is there a way to anywhere over IPv6? Connecting a datagram socket asks the routes, and sends
 * nothing; the address is of the range for documentation. */
static bool find_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    inet_pton(AF_INET6, "2001:db8::1", &address.sin6_addr);
    bool is_there = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return is_there;
}

static int reading_open(struct resolver *resolver)
{
    struct resolver_reading *reading = malloc(sizeof(*reading));
    if (reading == NULL)
        return -ENOMEM;
    int error = nameservers_open(&reading->servers, &resolver->sockets, resolver->path,
                                 resolver->servers, LATE_MS);
    if (error) {
        free(reading);
        return error;
    }
    for (int round = 0; round < ROUNDS_MAX; round++)
        list_init(&reading->rounds[round]);
    list_init(&reading->node);
    list_append(&resolver->readings, &reading->node);
    resolver->retired += resolver->current != NULL;
    resolver->current = reading;
    resolver->has_ipv6 = find_ipv6();
    return 0;
}

static void reading_close(struct resolver_reading *reading)
{
    assert(reading->servers->lookups == 0);
    list_remove(&reading->node);
    nameservers_close(reading->servers);
    free(reading);
}

/* Where it changes faster than lookups end, it is read again when they have. */
static int read_again(struct resolver *resolver)
{
    uint64_t now_ns = clock_now_ns();

    if (resolver->current != NULL &&
        (now_ns - resolver->looked_ns < LOOK_NS || resolver->retired >= RETIRED_MAX))
        return 0;
    resolver->looked_ns = now_ns;
    if (!resolv_conf_has_changed(resolver->path, &resolver->identity) && resolver->current != NULL)
        return 0;
    int error = reading_open(resolver);
    return resolver->current != NULL ? 0 : error;
}

/* Those that no lookup needs any more go; and so do questions that nobody waits for, where all of
 * their server's are: c-ares drops them only together. */
static void sweep(struct resolver *resolver)
{
    struct list_node *next;

    for (struct list_node *node = resolver->readings.next; node != &resolver->readings;
         node = next) {
        struct resolver_reading *reading = LIST_OWNER(node, struct resolver_reading, node);
        next = node->next;
        for (uint32_t i = 0; i < reading->servers->count; i++) {
            const struct nameserver *server = &reading->servers->list[i];
            if (server->live == 0 && server->asks > 0)
                ares_cancel(server->channel);
        }
        if (reading != resolver->current && reading->servers->lookups == 0) {
            assert(resolver->retired > 0);
            reading_close(reading);
            resolver->retired--;
        }
    }
}

int resolver_open(struct resolver **ret_resolver, struct loop *loop, uint32_t first_tag,
                  uint32_t tags, const struct resolver_options *options)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver) + tags * sizeof(struct dns_socket));
    int64_t patience_ms = options->patience_ms;
    if (resolver == NULL)
        return -ENOMEM;
    resolver->sockets = (struct dns_sockets){
        .loop = loop, .first_tag = first_tag, .tags = tags, .list = resolver->list};
    resolver->family = options->family;
    resolver->is_patient = patience_ms < 0;
    resolver->patience_ns = (uint64_t)(patience_ms < INT32_MAX ? patience_ms : INT32_MAX) * MS;
    for (uint32_t i = 0; i < tags; i++)
        resolver->list[i].fd = -1;
    struct list_node *lists[] = {&resolver->readings, &resolver->fresh,  &resolver->due,
                                 &resolver->queued,   &resolver->asking, &resolver->delayed,
                                 &resolver->ready,    &resolver->told};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        list_init(lists[i]);
    resolver->path = options->path != NULL ? strdup(options->path) : NULL;
    resolver->servers = options->servers != NULL ? strdup(options->servers) : NULL;

    int error = 0;
    if ((options->path != NULL && resolver->path == NULL) ||
        (options->servers != NULL && resolver->servers == NULL))
        error = -ENOMEM;
    /* A list of servers is looked at now, so that a bad one is known now. */
    if (!error && options->servers != NULL)
        error = read_again(resolver);
    if (error)
        resolver_close(resolver);
    else
        *ret_resolver = resolver;
    return error;
}

static void free_lookups(struct list_node *list)
{
    struct list_node *node;
    while ((node = list_first(list)) != NULL)
        lookup_free(LIST_OWNER(node, struct resolver_lookup, node));
}

void resolver_close(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    resolver->is_closing = true;
    free_lookups(&resolver->queued);
    free_lookups(&resolver->asking);
    free_lookups(&resolver->delayed);
    free_lookups(&resolver->ready);
    free_lookups(&resolver->told);
    struct list_node *node;
    while ((node = list_first(&resolver->readings)) != NULL)
        reading_close(LIST_OWNER(node, struct resolver_reading, node));
    assert(resolver->lookups == 0 && resolver->asks == 0 && resolver->fresh_count == 0);
    free(resolver->path);
    free(resolver->servers);
    free(resolver);
}

/* --- asking ----------------------------------------------------------------------------------- */

static uint64_t hold_ns(const struct resolver *resolver)
{
    uint64_t time_ns = 4 * resolver->answer_ns;

    if (time_ns < HOLD_MIN_NS)
        return HOLD_MIN_NS;
    return time_ns > HOLD_MAX_NS ? HOLD_MAX_NS : time_ns;
}

static void lookup_begin(struct resolver_lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;

    assert(!lookup->reading && resolver->current);
    lookup->reading = resolver->current;
    struct nameservers *servers = lookup->reading->servers;
    servers->lookups++;
    lookup->step = servers->conf.options.lookups;
    if (servers->conf.rotates && servers->count > 0)
        lookup->turn = servers->turns++ % servers->count;
    lookup_move(lookup, &resolver->asking);
    lookup_step(lookup);
}

static void go_on_with_due(struct resolver *resolver, uint64_t now_ns)
{
    struct list_node *node;

    while ((node = list_first(&resolver->due)) != NULL) {
        list_remove(node);
        question_go_on(LIST_OWNER(node, struct question, waits), now_ns, false);
    }
}

/* What completes answers, or nobody waits for, makes room for what waits to be asked; whatever else
 * c-ares drops with it is asked again. */
static void make_room(struct resolver *resolver)
{
    struct list_node *node;

    if (resolver->asks < ASKS_MAX || list_is_empty(&resolver->queued))
        return;
    while ((node = list_first(&resolver->told)) != NULL) {
        struct resolver_lookup *lookup = LIST_OWNER(node, struct resolver_lookup, node);
        for (int family = 0; family < FAMILIES; family++)
            if (!lookup->questions[family].is_over)
                question_end(&lookup->questions[family], ARES_ETIMEOUT);
    }
    for (node = resolver->readings.next; node != &resolver->readings; node = node->next) {
        struct nameservers *servers = LIST_OWNER(node, struct resolver_reading, node)->servers;
        for (uint32_t i = 0; i < servers->count; i++)
            if (servers->list[i].asks - servers->list[i].live > servers->list[i].live)
                ares_cancel(servers->list[i].channel);
    }
}

static void begin_queued(struct resolver *resolver, uint64_t now_ns)
{
    struct list_node *node;

    while ((node = list_first(&resolver->queued)) != NULL && has_room(resolver)) {
        lookup_begin(LIST_OWNER(node, struct resolver_lookup, node));
        go_on_with_due(resolver, now_ns);
    }
}

/* What is left to do after each call. Errors may make questions end, and so make room for others,
 * which may come upon errors; so it takes turns, and leaves off after a few. */
static void go_on(struct resolver *resolver)
{
    uint64_t now_ns = clock_now_ns();
    uint32_t turns = 0;

    make_room(resolver);
    do {
        go_on_with_due(resolver, now_ns);
        begin_queued(resolver, now_ns);
        dns_sockets_deliver_errors(&resolver->sockets);
        resolver->is_pressed = !list_is_empty(&resolver->due);
    } while (resolver->is_pressed && ++turns < TURNS_MAX);
    sweep(resolver);
}

int resolver_lookup(struct resolver *resolver, uint32_t id, const char *host, uint16_t port,
                    struct resolver_lookup **ret_lookup)
{
    if (strchr(host, '%')) /* resolver_literal() could not make an address of it */
        return -ENODEV;
    size_t length = strlen(host);
    int error = read_again(resolver);
    if (error != 0)
        return error;

    struct resolver_lookup *lookup = calloc(1, sizeof(*lookup) + length + 1);
    if (lookup == NULL)
        return -ENOMEM;
    lookup->resolver = resolver;
    lookup->until_ns = clock_now_ns() + resolver->patience_ns + GRACE_NS;
    lookup->id = id;
    lookup->port = port;
    for (int family = 0; family < FAMILIES; family++)
        question_init(&lookup->questions[family], lookup);
    memcpy(lookup->host, host, length);
    list_init(&lookup->node);
    list_append(&resolver->queued, &lookup->node);
    resolver->lookups++;
    if (ret_lookup != NULL)
        *ret_lookup = lookup;
    go_on(resolver);
    return 0;
}

void resolver_forget(struct resolver *resolver, struct resolver_lookup *lookup)
{
    assert(lookup->resolver == resolver);
    lookup_free(lookup);
    sweep(resolver);
}

/* --- events ----------------------------------------------------------------------------------- */

void resolver_on_ready(struct resolver *resolver, uint32_t tag, int32_t events)
{
    dns_sockets_on_ready(&resolver->sockets, tag, events);
    go_on(resolver);
}

static struct question *first_waiting(const struct resolver_reading *reading, int round)
{
    struct list_node *node = list_first(&reading->rounds[round]);

    return node != NULL ? LIST_OWNER(node, struct question, waits) : NULL;
}

static uint64_t earlier(uint64_t one_ns, uint64_t other_ns)
{
    return one_ns < other_ns ? one_ns : other_ns;
}

uint64_t resolver_deadline_ns(const struct resolver *resolver)
{
    if (resolver->lookups == 0 && resolver->asks == 0)
        return UINT64_MAX;
    if (resolver->is_pressed || (!list_is_empty(&resolver->queued) && has_room(resolver)))
        return 0;
    uint64_t time_ns = resolver->asks > 0 ? resolver->tick_ns : UINT64_MAX;
    struct list_node *first = list_first(&resolver->delayed);

    if (first != NULL)
        time_ns = earlier(time_ns, LIST_OWNER(first, struct resolver_lookup, node)->delay_ns);
    first = list_first(&resolver->fresh);
    if (first != NULL && !list_is_empty(&resolver->queued))
        time_ns =
            earlier(time_ns, LIST_OWNER(first, struct ask, fresh)->sent_ns + hold_ns(resolver));
    for (struct list_node *node = resolver->readings.next; node != &resolver->readings;
         node = node->next) {
        const struct resolver_reading *reading = LIST_OWNER(node, struct resolver_reading, node);
        for (int round = 0; round < ROUNDS_MAX; round++) {
            const struct question *question = first_waiting(reading, round);
            time_ns = question != NULL ? earlier(time_ns, question->due_ns) : time_ns;
        }
    }
    return time_ns;
}

static void let_go_of_fresh(struct resolver *resolver, uint64_t now_ns)
{
    struct list_node *node;

    while ((node = list_first(&resolver->fresh)) != NULL) {
        struct ask *ask = LIST_OWNER(node, struct ask, fresh);
        if (ask->sent_ns + hold_ns(resolver) > now_ns)
            return;
        assert(ask->is_fresh && resolver->fresh_count > 0);
        list_remove(node);
        ask->is_fresh = false;
        resolver->fresh_count--;
    }
}

static void content_with_one(struct resolver *resolver, uint64_t now_ns)
{
    struct list_node *node;

    while ((node = list_first(&resolver->delayed)) != NULL) {
        struct resolver_lookup *lookup = LIST_OWNER(node, struct resolver_lookup, node);
        assert(lookup->is_delayed);
        if (lookup->delay_ns > now_ns)
            return;
        lookup->is_delayed = false;
        lookup_move(lookup, &resolver->ready);
    }
}

/* Only a server that has said nothing at all is silent: some never answer for IPv6. */
static void ask_again(struct resolver_reading *reading, uint64_t now_ns)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        struct question *question;
        while ((question = first_waiting(reading, round)) != NULL && question->due_ns <= now_ns) {
            list_remove(&question->waits);
            question->status = more_telling(question->status, ARES_ETIMEOUT);
            if (question->server->heard_ns < question->sent_ns)
                nameserver_shun(question->server, now_ns);
            question_go_on(question, now_ns, true);
        }
    }
}

/* Not ares_timeout(): it walks all questions to find the one whose time runs out first. */
static void tick(struct resolver *resolver, uint64_t now_ns)
{
    resolver->tick_ns = now_ns + TICK_NS;
    for (struct list_node *node = resolver->readings.next; node != &resolver->readings;
         node = node->next) {
        struct nameservers *servers = LIST_OWNER(node, struct resolver_reading, node)->servers;
        for (uint32_t i = 0; i < servers->count; i++)
            if (servers->list[i].asks > 0)
                ares_process_fd(servers->list[i].channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
}

void resolver_on_tick(struct resolver *resolver)
{
    uint64_t now_ns = clock_now_ns();

    if (resolver->current == NULL)
        return;
    if (now_ns >= resolver->tick_ns)
        tick(resolver, now_ns);
    let_go_of_fresh(resolver, now_ns);
    content_with_one(resolver, now_ns);
    for (struct list_node *node = resolver->readings.next; node != &resolver->readings;
         node = node->next)
        ask_again(LIST_OWNER(node, struct resolver_reading, node), now_ns);
    go_on(resolver);
}

/* --- what needs no lookup --------------------------------------------------------------------- */

static bool is_localhost(struct span host)
{
    static const struct span localhost = {"localhost", 9};

    if (host.length > 0 && host.bytes[host.length - 1] == '.')
        host.length--;
    if (host.length > localhost.length) {
        size_t label = host.length - localhost.length;
        if (host.bytes[label - 1] != '.')
            return false;
        host = (struct span){host.bytes + label, localhost.length};
    }
    return span_equal_fold(host, localhost);
}

/* A zone is the name of an interface, or its number (RFC 4007, 11.2). 0: it is neither. */
static uint32_t scope_of(const char *zone)
{
    uint32_t index = if_nametoindex(zone);
    char *end = NULL;
    unsigned long number;

    if (index != 0 || !ascii_is_digit(*zone))
        return index;
    number = strtoul(zone, &end, 10);
    return *end == '\0' && number <= UINT32_MAX ? (uint32_t)number : 0;
}

static bool ipv6_fill(struct sockaddr_in6 *address, const char *text)
{
    char literal[INET6_ADDRSTRLEN] = "";
    const char *zone = strchr(text, '%');
    size_t length = zone != NULL ? (size_t)(zone - text) : strlen(text);

    if (length >= sizeof(literal))
        return false;
    memcpy(literal, text, length);
    if (zone != NULL)
        address->sin6_scope_id = scope_of(zone + 1);
    return inet_pton(AF_INET6, literal, &address->sin6_addr) == 1 &&
           (zone == NULL || address->sin6_scope_id != 0);
}

static bool add_literal(struct resolver_addresses *addresses, int family, const char *text,
                        uint16_t port)
{
    union resolver_address *address = &addresses->list[addresses->count];

    *address = (union resolver_address){0};
    address->any.sa_family = (sa_family_t)family;
    if (family == AF_INET6) {
        address->ipv6.sin6_port = htons(port);
        if (!ipv6_fill(&address->ipv6, text))
            return false;
    } else {
        address->ipv4.sin_port = htons(port);
        if (inet_pton(AF_INET, text, &address->ipv4.sin_addr) != 1)
            return false;
    }
    addresses->count++;
    return true;
}

bool resolver_literal(const char *host, enum url_host_kind kind, uint16_t port,
                      struct resolver_addresses *ret_addresses)
{
    ret_addresses->count = 0;
    ret_addresses->ttl_s = RESOLVER_TTL_MAX_S;
    switch (kind) {
    case URL_HOST_IPV4:
        return add_literal(ret_addresses, AF_INET, host, port);
    case URL_HOST_IPV6:
        return add_literal(ret_addresses, AF_INET6, host, port);
    case URL_HOST_NAME:
        return is_localhost(span_of(host)) &&
               add_literal(ret_addresses, AF_INET, "127.0.0.1", port) &&
               add_literal(ret_addresses, AF_INET6, "::1", port);
    }
    return false;
}
