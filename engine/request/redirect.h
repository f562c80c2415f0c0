#ifndef ENGINE_REQUEST_REDIRECT_H
#define ENGINE_REQUEST_REDIRECT_H

/* Replies that lead elsewhere: whether one is followed, and what the request is there. */

#include "engine/request/fetch.h"

enum redirect_answer {
    REDIRECT_NONE,    /* it leads nowhere */
    REDIRECT_MET,     /* it leads elsewhere, and redirects are not followed */
    REDIRECT_FOLLOWS, /* the fetch is what is asked there: its URL, method, fields and body */
    REDIRECT_REFUSED, /* for failure; the fetch is as it was */
};

/* Whether a reply of that status leads elsewhere, where it has a Location. */
bool redirect_is(int status);

/* What a head leads to. The reply's body is then still to be dropped. */
enum redirect_answer redirect_take(struct fetch *fetch, const struct fetch_terms *terms,
                                   unsigned status, struct span head, struct failure *ret_failure);

#endif
