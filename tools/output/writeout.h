#ifndef TOOLS_OUTPUT_WRITEOUT_H
#define TOOLS_OUTPUT_WRITEOUT_H

/* What -w writes after each result: a text with curl's variables in it, %{http_code} and so on. */

#include "engine/haul.h"
#include "tools/output/output.h"

#include <stdbool.h>
#include <stddef.h>

struct writeout;

enum { WRITEOUT_SCRATCH_BYTES = 16001 }; /* for any URL */

/* What a result does not say of itself. */
struct writeout_facts {
    const char *file;    /* its body's, or NULL */
    const char *message; /* of its failure, or NULL */
    bool is_terminal;    /* the output ends on one: control bytes of values become ? */
    char *scratch;       /* WRITEOUT_SCRATCH_BYTES that a value may lie in while it is written */
};

/* format is copied. Returns 0 or -ENOMEM. */
int writeout_open(struct writeout **ret_writeout, const char *format);
void writeout_close(struct writeout *writeout);

/* Whether it asks for anything of the replies' heads. */
bool writeout_needs_heads(const struct writeout *writeout);

/* "%{local_ip}, %{certs}": the variables that nothing is known for, each once, and that stay empty.
 * False: there are none. */
bool writeout_describe_unknown(const struct writeout *writeout, char *ret_text, size_t size);

/* The variables, for the manual: from place 0 on, until false. */
bool writeout_variable(size_t place, const char **ret_name, const char **ret_manual);

/* Of a request's last result. */
void writeout_write(const struct writeout *writeout, const struct haul_result *result,
                    const struct writeout_facts *facts, struct output *output);

#endif
