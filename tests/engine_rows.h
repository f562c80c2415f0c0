#ifndef TESTS_ENGINE_ROWS_H
#define TESTS_ENGINE_ROWS_H

/* Rows of replies that hold whatever carries them, and the words that such rows are made of. */

#include "tests/gathering.h"

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

#endif
