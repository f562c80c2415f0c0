#ifndef BENCH_LOAD_TEMPLATE_H
#define BENCH_LOAD_TEMPLATE_H

/* Texts with placeholders, of which each request has its own: {index}, {random}, {random:A..B} and
 * {line:FILE}. Any other brace is text. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct template_file;

/* The files that placeholders name, each read when it is first met. */
struct template
{
    struct template_file *files;
    uint64_t chance;
};

/* A text that grows; zero at first, its bytes are for free(). */
struct template_text {
    char *bytes; /* zero-terminated, where there are some */
    size_t length;
    size_t room;
};

enum { TEMPLATE_MESSAGE_BYTES = 300 };

void template_open(struct template *template);
void template_close(struct template *template);

/* Has it a placeholder? */
bool template_has(const char *text, size_t length);

/* Appends what the text is for the request of that index: {index} is the index, {random} sixteen
 * hexadecimal digits, {random:A..B} a whole number from A to B, {line:FILE} the index-th line of
 * the file that is not empty, going round. Errors: -ENOMEM; what open() and read() said of the
 * file, or -EINVAL where it has no line: ret_message, of TEMPLATE_MESSAGE_BYTES, then names it. */
int template_put(struct template *template, struct template_text *into, const char *text,
                 size_t length, uint64_t index, char *ret_message);

#endif
