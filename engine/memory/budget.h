#ifndef ENGINE_MEMORY_BUDGET_H
#define ENGINE_MEMORY_BUDGET_H

/* Options become numbers: how many of each thing, and so how many bytes. Nobody else decides a
 * size. */

#include "engine/haul.h"

#include <stdint.h>

enum {
    BUDGET_CONCURRENCY_MAX = 100000,
    BUDGET_WINDOW_MAX = 1 << 22,
    BUDGET_RESOLVER_TAGS = 16,    /* sockets of c-ares: one or two a DNS server */
    BUDGET_RECEIVE_BUFFERS = 256, /* with bytes, that may come after all were paused, at most */
    BUDGET_PIPES_MAX = 1024,      /* bodies that wait for a pipe they are read from */
    BUDGET_HELD_OWN = 3, /* blocks for what one receive brings behind what is left of another */
};

struct budget {
    uint32_t concurrency; /* requests under way and connections open */
    uint32_t conns;       /* connection slots: some more, for those that are being closed */
    uint32_t window;      /* request slots, from submit to release, */
    uint32_t unfinished;  /* and how many of them may wait or be under way */
    uint32_t origins;
    uint32_t hosts;          /* more than there are requests and connections */
    uint32_t blocks;         /* of 16 KiB: those that slots are entitled to, and the shared ones */
    uint32_t url_blocks;     /* of those entitled: for long URLs */
    uint32_t shared_blocks;  /* for what of a body is beyond its first block */
    uint32_t reserve_blocks; /* of the shared: only for the body whose turn it is */
    uint32_t flight_blocks;  /* of the reserve: for what comes after everything was paused */
    uint32_t head_pieces;    /* for heads that are longer than a block, where they may be; */
    uint32_t head_bytes;     /* of each of these, and the longest head there may be */
    uint32_t held_blocks;    /* of those entitled: for what comes after who has no piece was paused,
                                beyond BUDGET_HELD_OWN each */
    uint32_t decoders;       /* of coded bodies */
    uint32_t sessions;       /* nonces of Digest */
    bool may_openssl;        /* connections may be by OpenSSL, which takes memory of its own */
    uint32_t pipes;          /* tags of the loop for bodies that wait for what they are read from */
};

/* nofile: how many descriptors this process may still open. Errors: -EINVAL; ret_why (may be NULL)
 * then says which option is out of range. */
int budget_make(struct budget *ret_budget, const struct haul_options *options, uint64_t nofile,
                struct haul_open_error *ret_why);

/* How many descriptors this process may still open, by RLIMIT_NOFILE; raise: after raising its soft
 * limit to the hard one. */
uint64_t budget_nofile(bool raise);

/* What RLIMIT_NOFILE must be at least, for one connection beside what is open. */
uint64_t budget_nofile_needed(void);

#endif
