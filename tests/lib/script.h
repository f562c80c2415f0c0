#ifndef TESTS_LIB_SCRIPT_H
#define TESTS_LIB_SCRIPT_H

/* Shell scripts that stand in for programs, in a directory of their own. */

#include <stddef.h>

enum { SCRIPT_PATH_BYTES = 128 };

struct scripts {
    char directory[64];
    size_t count;
};

/* Fail the test where that is not possible. */
void scripts_open(struct scripts *scripts);

/* An executable script of these lines; $0.out in them is a file beside it. Writes its path to
 * ret_path, of SCRIPT_PATH_BYTES. */
void script_write(struct scripts *scripts, const char *lines, char *ret_path);

/* What a script wrote to $0.out, up to size - 1 bytes. */
void script_output(const char *path, char *ret_text, size_t size);

/* Removes the scripts and what they wrote. */
void scripts_close(struct scripts *scripts);

/* The same for a group of tests, whose state they are. */
int scripts_set_up(void **state);
int scripts_tear_down(void **state);

#endif
