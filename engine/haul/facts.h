#ifndef HAUL_FACTS_H
#define HAUL_FACTS_H

/* What the engine knows of itself. A part of haul.h, which includes it. */

struct haul_facts {
    const char *loop;      /* "uring" or "epoll" */
    char loop_reason[160]; /* why not io_uring, or which of its features are in use */
    uint32_t concurrency;  /* in force */
    uint32_t window;
    uint64_t requests; /* finished */
    uint64_t failures;
    uint64_t connections; /* opened */
    uint64_t retries;     /* sent again after a reused connection died */
    uint64_t bytes_received;
    uint64_t enters;          /* io_uring_enter calls, or epoll_wait and socket calls */
    uint64_t completions;     /* completion-queue entries, or events */
    uint64_t buffers_empty;   /* times no receive buffer was left */
    uint64_t queue_overflows; /* completion-queue overflows */
    uint32_t in_flight;
    uint32_t waiting; /* submitted, not begun */
};

void haul_get_facts(const struct haul *haul, struct haul_facts *ret_facts);

/* Where a run's memory goes: one term a consumer. */
struct haul_budget_term {
    const char *name;
    uint64_t count;
    uint64_t bytes_each;
};

struct haul_budget {
    struct haul_budget_term terms[16];
    size_t term_count;
    uint64_t total_bytes; /* address space; pages never touched cost nothing */
};

/* The sum for these options, without opening anything. Errors: -EINVAL, which *ret_error
 * explains as that of haul_open_explained(). */
int haul_get_budget_explained(const struct haul_options *options, struct haul_budget *ret_budget,
                              struct haul_open_error *ret_error);
int haul_get_budget(const struct haul_options *options, struct haul_budget *ret_budget);

/* Can this process have an io_uring? Fills one sentence why, or why not, and how to mend it.
 * Returns 0 or the negative errno of io_uring_setup, or of what it takes to use it. */
int haul_probe_uring(char *ret_sentence, size_t size);

#endif
