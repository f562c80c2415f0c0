#ifndef TOOLS_ARGS_H
#define TOOLS_ARGS_H

/* The command line: words in, struct args out. */

#include "tools/take.h"

/* Parses a command line. Returns 0; on failure an exit code (tools/exits.h), with the sentence for
 * it in ret_message. In both cases args_free() follows. Strings of argv and of the environment
 * (SSL_CERT_FILE, SSL_CERT_DIR, SSLKEYLOGFILE) are borrowed. */
int args_parse(struct args *ret_args, int argc, char **argv, char *ret_message, size_t size);
void args_free(struct args *args);

#endif
