#ifndef TESTS_LIB_ADDRESS_H
#define TESTS_LIB_ADDRESS_H

/* Addresses in tests: ports that are taken, and what a resolver hands out as text. All fail the
 * test where something is not possible. */

#include "engine/link/resolver.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* A socket of that type (SOCK_STREAM, SOCK_DGRAM) at a port of 127.0.0.1 that the kernel chose. */
int address_bind(int type, struct sockaddr_in *ret_address);

/* A TCP port that is taken, and listens with that backlog; below 0: nobody listens. Returns the
 * socket that holds it. */
int address_hold(int backlog, uint16_t *ret_port);

/* "192.0.2.1#80 ::1#80", in their order, up to size - 1 bytes. */
void address_write(const struct resolver_addresses *addresses, char *ret_text, size_t size);

#endif
