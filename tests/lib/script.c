/* Scripts in a directory of their own. They are numbered, so that closing needs no list of them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/script.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void scripts_open(struct scripts *scripts)
{
    const char *parent = getenv("TMPDIR");

    *scripts = (struct scripts){0};
    assert_in_range(snprintf(scripts->directory, sizeof scripts->directory, "%s/scripts.XXXXXX",
                             parent != NULL ? parent : "/tmp"),
                    1, sizeof scripts->directory - 1);
    assert_non_null(mkdtemp(scripts->directory));
}

/* A descriptor for writing that a process forked meanwhile holds open would make execve() fail with
 * ETXTBSY; tests start nothing while they write. */
void script_write(struct scripts *scripts, const char *lines, char *ret_path)
{
    snprintf(ret_path, SCRIPT_PATH_BYTES, "%s/%zu", scripts->directory, scripts->count++);
    int descriptor = open(ret_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    assert_true(descriptor >= 0);
    assert_true(dprintf(descriptor, "#!/bin/sh\n%s\n", lines) > 0);
    assert_int_equal(close(descriptor), 0);
}

void script_output(const char *path, char *ret_text, size_t size)
{
    char name[SCRIPT_PATH_BYTES + 8];

    snprintf(name, sizeof name, "%s.out", path);
    int descriptor = open(name, O_RDONLY | O_CLOEXEC);
    assert_true(descriptor >= 0);
    ssize_t length = read(descriptor, ret_text, size - 1);
    assert_true(length >= 0);
    ret_text[length] = '\0';
    close(descriptor);
}

void scripts_close(struct scripts *scripts)
{
    char name[SCRIPT_PATH_BYTES + 8];

    while (scripts->count-- > 0) {
        snprintf(name, sizeof name, "%s/%zu", scripts->directory, scripts->count);
        unlink(name);
        strcat(name, ".out");
        unlink(name);
    }
    assert_int_equal(rmdir(scripts->directory), 0);
}

int scripts_set_up(void **state)
{
    static struct scripts scripts;

    scripts_open(&scripts);
    *state = &scripts;
    return 0;
}

int scripts_tear_down(void **state)
{
    scripts_close(*state);
    return 0;
}
