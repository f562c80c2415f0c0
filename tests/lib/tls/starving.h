#ifndef TESTS_LIB_TLS_STARVING_H
#define TESTS_LIB_TLS_STARVING_H

/* Libcrypto's memory, and its end: who calls it has to bear that any allocation fails. */

#include <stdbool.h>

/* Before libcrypto's first allocation. false: it was not. */
bool starving_begin(void);

/* After so many more allocations one is not to be had, or none. */
void starving_set(unsigned left, bool once);

/* Everything is to be had again. Was an allocation refused? */
bool starving_end(void);

#endif
