#ifndef ENGINE_LINK_LINK_TLS_H
#define ENGINE_LINK_LINK_TLS_H

/* The half of a link that knows of records; only link.c includes this. */

#include "engine/link/link.h"

/* Makes records of what is to be sent, and sends them, where none are under way. True: nothing of
 * it is left, and no LOOP_SEND will come. */
bool link_tls_send(struct links *links, uint32_t index);

/* link_tls_next(), in link.h: the next event of the receive that links->wire is left of; false: it
 * has no more. */

/* Says close_notify where the stream is in order and nothing stands in the way. */
void link_tls_notify(struct links *links, uint32_t index);

#endif
