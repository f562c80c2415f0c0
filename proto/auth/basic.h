#ifndef PROTO_AUTH_BASIC_H
#define PROTO_AUTH_BASIC_H

/* "Basic " and the base64 of user:password (RFC 7617), the value of an Authorization field. */

#include "proto/span.h"

/* Writes it to buffer, where it fits size bytes; returns its length in both cases. */
size_t basic_write(struct span user, struct span password, char *buffer, size_t size);

#endif
