#ifndef ENGINE_LINK_DENY_H
#define ENGINE_LINK_DENY_H

/* Addresses that nothing is connected to, whatever name leads there: the guard of a service that
 * fetches what others name (haul_limits.deny_addresses). */

#include "engine/haul.h"
#include "engine/link/resolver.h"

#include <stdbool.h>
#include <stddef.h>

struct deny {
    struct deny_range *ranges;
    size_t count;
    bool has_private;
};

/* Reads the list, which ends with NULL or is NULL. Errors: -EINVAL, ret_why then says what is
 * wrong, and with which element; -ENOMEM. On failure nothing is held. */
int deny_init(struct deny *deny, const char *const *list, struct haul_open_error *ret_why);
void deny_deinit(struct deny *deny);

/* Is anything denied at all? */
static inline bool deny_is_set(const struct deny *deny)
{
    return deny->has_private || deny->count > 0;
}

bool deny_has(const struct deny *deny, const union resolver_address *address);

/* Takes those that are denied out of the set. True: there were some. */
bool deny_filter(const struct deny *deny, struct resolver_addresses *addresses);

#endif
