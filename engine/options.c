/* Options: checked, completed by defaults, and what of them is the caller's copied. */

#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_TIMEOUT_DEFAULT_MS = 10000, MAX_TIME_DEFAULT_MS = 300000 };

/* The strings of the options, copied into one allocation. */
static int options_copy(struct engine *engine)
{
    static const char *const none[] = {NULL};
    struct haul_options *options = &engine->options;
    const char *const *headers = options->headers ? options->headers : none;
    const char **strings[] = {
        &options->user_agent, &options->method,       &options->dns_servers,
        &options->ca_file,    &options->ca_directory, &options->client_certificate,
        &options->client_key, &options->pinned_keys,  &options->key_log,
    };
    enum { STRINGS = sizeof strings / sizeof *strings };
    size_t count = 0;
    size_t bytes = 0;
    for (; headers[count]; count++)
        bytes += strlen(headers[count]) + 1;
    for (size_t i = 0; i < STRINGS; i++)
        bytes += *strings[i] ? strlen(*strings[i]) + 1 : 0;

    char **copies = malloc((count + 1) * sizeof *copies + bytes);
    if (!copies)
        return -ENOMEM;
    char *text = (char *)(copies + count + 1);
    for (size_t i = 0; i < count; i++) {
        copies[i] = text;
        text = stpcpy(text, headers[i]) + 1;
    }
    copies[count] = NULL;
    for (size_t i = 0; i < STRINGS; i++) {
        if (!*strings[i])
            continue;
        char *copy = text;
        text = stpcpy(text, *strings[i]) + 1;
        *strings[i] = copy;
    }
    engine->option_strings = copies;
    options->headers = (const char *const *)copies;
    return 0;
}

int engine_take_options(struct engine *engine, const struct haul_options *options)
{
    static const struct haul_options defaults;
    engine->options = options ? *options : defaults;
    if (!engine->options.user_agent)
        engine->options.user_agent = "haul/" HAUL_VERSION;
    if (engine->options.connect_timeout_ms == 0)
        engine->options.connect_timeout_ms = CONNECT_TIMEOUT_DEFAULT_MS;
    if (engine->options.max_time_ms == 0)
        engine->options.max_time_ms = MAX_TIME_DEFAULT_MS;
    uint64_t nofile = budget_nofile(engine->options.raise_nofile);
    if (nofile == 0)
        return -EMFILE;
    int error = budget_make(&engine->budget, &engine->options, nofile, NULL);
    return error ? error : options_copy(engine);
}
