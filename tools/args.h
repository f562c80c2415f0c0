#ifndef TOOLS_ARGS_H
#define TOOLS_ARGS_H

/* What the command line asks for. */

#include "engine/haul.h"
#include "tools/input/inputs.h"
#include "tools/output/sink.h"

#include <stdbool.h>
#include <stddef.h>

enum args_action { ARGS_RUN, ARGS_HELP, ARGS_VERSION, ARGS_BUDGET, ARGS_DOCTOR };

/* Values of an option that may be repeated. */
struct args_list {
    const char **words; /* ends with NULL */
    size_t count;
};

struct args {
    enum args_action action;
    struct haul_options engine; /* its tls is the one below: args are not copied */
    struct haul_tls tls;
    struct input_options inputs;
    struct sink_options sink;
    bool quiet;
    bool no_progress;
    bool roots_of_environment; /* the engine's roots are named by SSL_CERT_FILE and SSL_CERT_DIR */

    /* What the above points to. */
    struct input_item *items;
    struct args_list headers;
    struct args_list connect_to;
    struct args_list resolve;
    char *body;
};

/* Parses a command line. Returns 0; on failure an exit code (tools/tally.h), with the sentence for
 * it in ret_message. In both cases args_free() follows. Strings of argv and of the environment
 * (SSL_CERT_FILE, SSL_CERT_DIR, SSLKEYLOGFILE) are borrowed. */
int args_parse(struct args *ret_args, int argc, char **argv, char *ret_message, size_t size);
void args_free(struct args *args);

/* The text of --help: fits 24 lines of 80 columns. */
extern const char args_help[];

#endif
