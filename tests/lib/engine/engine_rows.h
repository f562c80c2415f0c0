#ifndef TESTS_LIB_ENGINE_ENGINE_ROWS_H
#define TESTS_LIB_ENGINE_ENGINE_ROWS_H

/* Rows of replies that hold whatever carries them, the words that such rows are made of, and what
 * scenarios over any carrier share. */

#include "tests/lib/gathering.h"

#include <stddef.h>

extern const struct gathering_row engine_rows[];
extern const size_t engine_row_count;

#define OK "HTTP/1.1 200 OK\r\n"
#define REPLY(length, body) OK "Content-Length: " #length "\r\n\r\n" body
#define LAST_REPLY(length, body) OK "Connection: close\r\nContent-Length: " #length "\r\n\r\n" body
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X40 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X500 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50
#define X5000 X500 X500 X500 X500 X500 X500 X500 X500 X500 X500

/* Works for a moment in which no result may come; counts in *steps, and fails after too many. */
void engine_step(struct haul *haul, int *steps);

/* Bytes for a request's body, to be freed. */
char *engine_body(size_t length);

/* 16 MB are being sent when the reply to them is there: the next request takes a connection of its
 * own, whose end is the row that ends_with names. */
void engine_check_early_reply(enum loopback_action ends_with);

/* The first script answers /a at once and, after a PAUSE, spoils the idle connection; the second
 * answers /b after a PAUSE, and keeps the engine busy until then; the third answers /c, for which
 * the spoilt connection must not even be tried. */
void engine_check_idle_is_dropped(const struct loopback_script scripts[3]);

/* Whatever a server says unasked on a kept connection, no later request takes it for its reply
 * (spoilt.c). */
void engine_check_spoilt(uint32_t concurrency);

#endif
