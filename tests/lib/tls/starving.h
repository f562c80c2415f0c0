#ifndef TESTS_LIB_TLS_STARVING_H
#define TESTS_LIB_TLS_STARVING_H

/* Libcrypto's memory: how much it is, and its end, since who calls it has to bear that any
 * allocation fails. */

#include <stdbool.h>
#include <stddef.h>

/* Before libcrypto's first allocation. false: it was not. */
bool starving_begin(void);

/* After so many more allocations one is not to be had, or none. */
void starving_set(unsigned left, bool once);

/* Everything is to be had again. Was an allocation refused? */
bool starving_end(void);

/* Bytes that it has, with what malloc() puts about them, and the most that it had since the last
 * call of this. */
size_t starving_bytes(size_t *ret_most);

#endif
