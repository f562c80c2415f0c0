#ifndef HAUL_FACTS_H
#define HAUL_FACTS_H

/* What the engine knows of itself. A part of haul.h, which includes it.
 *
 * The caller's struct is filled as far as the library knows it, at most for the size that is given;
 * what of it is beyond is zero. */

struct haul_facts {
    const char *loop;      /* "uring" or "epoll" */
    char loop_reason[160]; /* why not io_uring, or which of its features are in use */
    uint32_t concurrency;  /* in force */
    uint32_t window;
    uint64_t requests; /* finished */
    uint64_t failures;
    uint64_t connections; /* opened, or tried to: one for each address tried */
    uint64_t retries;     /* sent again after a reused connection died; see retried */
    uint64_t bytes_received;
    uint64_t enters;          /* io_uring_enter calls, or epoll_wait and socket calls */
    uint64_t completions;     /* completion-queue entries, or events */
    uint64_t buffers_empty;   /* times no receive buffer was left */
    uint64_t queue_overflows; /* completion-queue overflows */
    uint32_t in_flight;
    uint32_t waiting;    /* submitted, not begun, or to be begun again */
    uint64_t races_lost; /* of connections: given up for another address that was tried beside */
    uint64_t redirects;  /* followed */
    uint64_t redirects_unfollowed; /* replies that lead elsewhere, met without redirect->follow */
    uint64_t retried;              /* tries behind the first of a request, by haul_retry */
};

void haul_get_facts_sized(const struct haul *haul, struct haul_facts *ret_facts, size_t size);

static inline void haul_get_facts(const struct haul *haul, struct haul_facts *ret_facts)
{
    haul_get_facts_sized(haul, ret_facts, sizeof *ret_facts);
}

/* Where a run's memory goes. */
struct haul_budget {
    uint64_t total_bytes; /* address space; pages never touched cost nothing */
    size_t term_count;    /* one a consumer */
};

struct haul_budget_term {
    const char *name; /* static */
    uint64_t count;
    uint64_t bytes_each;
};

int haul_get_budget_sized(const struct haul_options *options, size_t options_size,
                          struct haul_budget *ret_budget, size_t budget_size,
                          struct haul_open_error *ret_error, size_t error_size);
int haul_get_budget_term_sized(const struct haul_options *options, size_t options_size,
                               size_t index, struct haul_budget_term *ret_term, size_t term_size);

/* The sum for these options, without opening anything. Errors: -EINVAL and -E2BIG, which *ret_error
 * explains as that of haul_open_explained(). */
static inline int haul_get_budget_explained(const struct haul_options *options,
                                            struct haul_budget *ret_budget,
                                            struct haul_open_error *ret_error)
{
    struct haul_options sized;
    options = haul_options_size(options, &sized);
    return haul_get_budget_sized(options, sizeof *options, ret_budget, sizeof *ret_budget,
                                 ret_error, sizeof *ret_error);
}

static inline int haul_get_budget(const struct haul_options *options,
                                  struct haul_budget *ret_budget)
{
    return haul_get_budget_explained(options, ret_budget, NULL);
}

/* One term of it. Errors: those of haul_get_budget(), and -ENOENT: index is term_count or more. */
static inline int haul_get_budget_term(const struct haul_options *options, size_t index,
                                       struct haul_budget_term *ret_term)
{
    struct haul_options sized;
    options = haul_options_size(options, &sized);
    return haul_get_budget_term_sized(options, sizeof *options, index, ret_term, sizeof *ret_term);
}

/* Can this process have an io_uring? Fills one sentence why, or why not, and how to mend it.
 * Returns 0 or the negative errno of io_uring_setup, or of what it takes to use it. */
int haul_probe_uring(char *ret_sentence, size_t size);

/* The version of libidn2 in use; NULL: haul was built without it, and a URL whose host has more
 * than ASCII is a URL error. Static. */
const char *haul_idn_version(void);

/* The content codings that were built in, as an Accept-Encoding names them: "gzip, deflate, br,
 * zstd"; NULL: none. Static. */
const char *haul_codings(void);

#endif
