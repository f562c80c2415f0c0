#ifndef TESTS_LIB_STUB_LOOP_H
#define TESTS_LIB_STUB_LOOP_H

/* A loop that does nothing and writes down what it was asked for: for what stands on links and is
 * to be tried event by event, without a kernel or a peer. */

#include "engine/loop/loop.h"

enum { STUB_LOOP_SLOTS = 1024 };

struct stub_loop {
    struct loop head;
    char asked[400]; /* "attach 0, connect 0, " …; whoever reads it may empty it */
    char sent[4096]; /* all bytes, likewise */
    size_t sent_length;
    bool is_sending;          /* what is_sending() answers */
    int fds[STUB_LOOP_SLOTS]; /* -1: none */
};

/* Needs no closing but of the descriptors, which are closed with their slot. */
void stub_loop_init(struct stub_loop *stub);

#endif
