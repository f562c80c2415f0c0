#ifndef ENGINE_REQUEST_PRESSURE_H
#define ENGINE_REQUEST_PRESSURE_H

/* Who may receive while the blocks for bodies are short. */

#include <stdbool.h>
#include <stdint.h>

struct pressure {
    bool is_short;      /* receives are counted from here on */
    bool was_held_back; /* receives of before may still deliver, until the next wait is over */
    uint32_t first;     /* connections that wait to receive, a line */
    uint32_t last;
    uint32_t armed;        /* connections that receive once */
    uint64_t next_turn_ns; /* when those that are silent give way to those that wait */
};

struct engine;

void pressure_init(struct pressure *pressure);

/* While blocks are short: the connection awaits its reply, and stands in line to receive it. */
void pressure_wait(struct engine *engine, uint32_t conn);

/* It was armed, and has received; the reply goes on. */
void pressure_received(struct engine *engine, uint32_t conn);
void pressure_receive_more(struct engine *engine, uint32_t conn);

/* It awaits no reply any more. */
void pressure_leave(struct engine *engine, uint32_t conn);

/* After a block was taken: are they short now? */
void pressure_check(struct engine *engine);

/* After blocks have become free, and before each wait: as many receive as the blocks left allow. */
void pressure_let_in(struct engine *engine);

/* Before pressure_let_in(), where the time has come: who is silent gives way. */
void pressure_take_turns(struct engine *engine);

/* UINT64_MAX: nobody waits. */
uint64_t pressure_next_ns(const struct engine *engine);

/* May another request begin that is not the current one? */
bool pressure_may_begin(const struct engine *engine);

/* The request whose turn it is, or, out of order, every one, waits for blocks that the caller
 * holds. */
bool pressure_waits_for_caller(const struct engine *engine);

#endif
