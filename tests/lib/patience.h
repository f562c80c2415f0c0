#ifndef TESTS_LIB_PATIENCE_H
#define TESTS_LIB_PATIENCE_H

/* How long a test waits for what must come. It waits so long only where something is wrong: that
 * the machine has other things to do is not. Shorter than the time limit in tests/meson.build, so
 * that the test itself says what has not come. */
enum { TEST_PATIENCE_S = 120, TEST_PATIENCE_MS = TEST_PATIENCE_S * 1000 };

/* Of a timeout that ends what never would: TCP alone connects within it whatever else the machine
 * does, and a handshake within so many times as long. */
enum { TEST_HANDSHAKE_TIMES = 5 };

#endif
