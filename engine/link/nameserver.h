#ifndef ENGINE_LINK_NAMESERVER_H
#define ENGINE_LINK_NAMESERVER_H

/* DNS servers, each with a c-ares channel of its own, and the sockets of them all, which the loop
 * watches. Whom to ask next is told from what resolv.conf says and from who has answered lately. */

#include "engine/link/resolv_conf.h"
#include "engine/loop/loop.h"

#include <ares.h>
#include <stdbool.h>
#include <stdint.h>

enum { NAMESERVERS_MAX = 16 }; /* one bit each in a mask; more are not asked */
#define NAMESERVER_SHUNNED_NS UINT64_C(30000000000)

struct dns_socket {
    int fd;       /* -1: this tag is free */
    int error;    /* that a send came upon; for the next receive to return */
    short wanted; /* poll(2) events */
    bool armed;
    struct nameserver *server;
};

/* Of all servers together: one for each of the loop's tags. */
struct dns_sockets {
    struct loop *loop;
    uint32_t first_tag;
    uint32_t tags;
    struct dns_socket *list;
};

struct nameserver {
    struct dns_sockets *sockets;
    ares_channel channel;
    uint32_t asks;          /* questions that c-ares has */
    uint32_t live;          /* of these: somebody waits for their answer */
    uint64_t heard_ns;      /* the last answer, whatever it said */
    uint64_t answered_ns;   /* the last that was none of a refusal */
    uint64_t asked_last_ns; /* until then it is asked after the others */
    bool is_cut;            /* its TCP connection has ended: c-ares calls all refused */
    int shortage;           /* as it does where there was no socket to be had: the errno; 0 */
};

/* What one reading of resolv.conf led to. Lookups that began with it end with it. */
struct nameservers {
    struct resolv_conf conf;
    ares_channel hosts; /* which asks nobody, and reads /etc/hosts */
    uint32_t lookups;   /* under way */
    uint32_t turns;     /* for rotate */
    uint32_t count;
    struct nameserver list[];
};

/* path and servers: as for resolv_conf_read(). late_ms: for so long an answer is waited for, if the
 * timeout stated is not longer. */
int nameservers_open(struct nameservers **ret_servers, struct dns_sockets *sockets,
                     const char *path, const char *servers, uint32_t late_ms);

/* What has been asked is answered with ARES_EDESTRUCTION. NULL is allowed. */
void nameservers_close(struct nameservers *servers);

/* The next to be asked, of those not in tried: in their order beginning with first, and those that
 * have refused or been silent lately after the others. NULL: none is left. */
struct nameserver *nameservers_pick(struct nameservers *servers, uint32_t first, uint32_t tried,
                                    uint64_t now_ns);

static inline uint32_t nameserver_bit(const struct nameservers *servers,
                                      const struct nameserver *server)
{
    return UINT32_C(1) << (uint32_t)(server - servers->list);
}

/* It refused, cannot be reached, or was silent: it is asked last for a while. */
void nameserver_shun(struct nameserver *server, uint64_t now_ns);

/* For LOOP_READY with a tag of the sockets. */
void dns_sockets_on_ready(struct dns_sockets *sockets, uint32_t tag, int32_t events);

/* Passes on what sends came upon: to the questions that have been sent there. */
void dns_sockets_deliver_errors(struct dns_sockets *sockets);

#endif
