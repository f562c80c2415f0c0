#ifndef TOOLS_INPUT_PASSWORD_H
#define TOOLS_INPUT_PASSWORD_H

/* A password, asked for on the terminal. */

#include <stddef.h>

/* Asks for the password of user on the process's terminal, wherever its streams lead; what is typed
 * is not shown. Errors: -ENXIO, it has none; -ENODATA, nothing was typed, not even an empty line;
 * -E2BIG, it does not fit size bytes with its zero. A signal that comes meanwhile does what it
 * does without this, when the terminal is as it was before. */
int password_ask(const char *user, char *buffer, size_t size);

#endif
