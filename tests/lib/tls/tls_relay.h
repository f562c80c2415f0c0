#ifndef TESTS_LIB_TLS_TLS_RELAY_H
#define TESTS_LIB_TLS_TLS_RELAY_H

/* TLS before a server that has none, in a process of its own. */

#include <stdint.h>

/* A port of 127.0.0.1 whose connections are passed on to plain_port, with the certificate of
 * tests/tls_loopback; started by the first call, ended with the test program. */
uint16_t tls_relay_port(uint16_t plain_port);

#endif
