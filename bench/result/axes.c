/* Owns the names of axes. The idea: an axis is a row, in the order in which a run that no sweep
 * made gets its own. */

#include "bench/result/axes.h"

#include <string.h>

const struct axis_row axis_rows[] = {
    {"loop", "--loop", .title = "Loop", .before = "", .after = "", .member = "loop"},
    {"c", "-c", .title = "Connections", .before = "", .after = " connections",
     .member = "connections"},
    {"t", "-t", .title = "Threads", .before = "", .after = " threads"},
    {"pipeline", "--pipeline", .title = "Pipeline", .before = "pipeline ", .after = "",
     .member = "pipeline"},
    {"body", "--reply-size", .is_server = true, .title = "Body size", .before = "",
     .after = " bodies"},
    {"tls", "--https", .is_switch = true, .is_server = true, .title = "TLS", .before = "TLS ",
     .after = "", .member = "tls"},
    {"close", "--close", .is_switch = true, .title = "Close", .before = "close ", .after = "",
     .member = "close"},
    {"http1.0", "--http1.0", .is_switch = true},
    {"pin", "--pin", .is_switch = true},
    {"plant", "--plant", .is_switch = false},
    {"rate", "--rate", .title = "Rate asked", .before = "asked rate ", .after = ""},
    {"timeout", "--timeout", .is_switch = false},
    {"method", "-X", .title = "Method", .before = "", .after = ""},
    {"mode", .title = "Mode", .before = "", .after = " loop", .member = "mode"},
    {"url", .title = "URL", .before = "", .after = "", .member = "url"},
    {"n", .title = "Requests asked", .before = "", .after = " requests"},
    {"side", .title = "Side", .before = "", .after = ""},
    {"file", .title = "File", .before = "", .after = ""},
};

const size_t axis_row_count = sizeof axis_rows / sizeof *axis_rows;

const struct axis_row *axis_find(const char *key)
{
    for (size_t i = 0; i < axis_row_count; i++)
        if (strcmp(axis_rows[i].key, key) == 0)
            return &axis_rows[i];
    return NULL;
}
