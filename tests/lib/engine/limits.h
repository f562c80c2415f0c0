#ifndef TESTS_LIB_ENGINE_LIMITS_H
#define TESTS_LIB_ENGINE_LIMITS_H

/* What hosts may have at once and in time, and who begins next: rows over every loop, whatever
 * carries them. */

#include <stdint.h>

/* Runs them against bench/server, or what stands before it, on port(), spoken to as
 * gathering_trust() says. For main() to return. */
int limits_main(uint16_t (*port)(void));

#endif
