#ifndef TESTS_LIB_ENGINE_FAULTS_H
#define TESTS_LIB_ENGINE_FAULTS_H

/* Whatever goes wrong, every request has its result: seeded runs over a loop of faults. */

#include <stdint.h>

/* Runs them over every loop, against bench/server or what stands before it on port(), spoken to as
 * gathering_trust() says. For main() to return. */
int faults_main(uint16_t (*port)(void));

#endif
