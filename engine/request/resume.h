#ifndef ENGINE_REQUEST_RESUME_H
#define ENGINE_REQUEST_RESUME_H

/* Bodies that broke off: what of one stays, and which reply brings the rest of it. */

#include "engine/request/fetch.h"
#include "proto/http/response.h"

enum resume_answer {
    RESUME_GOES_ON, /* the reply's body is the rest; or all of it, and fetch->skip bytes are had */
    RESUME_ANEW,    /* the reply is another one, whose body begins anew */
    RESUME_ASK,     /* it is a part that fits nothing: all of the body is to be asked for */
};

/* At the head of a reply whose body begins: what it takes to go on with it. */
void resume_note(struct fetch *fetch, const struct fetch_terms *terms,
                 const struct response *response, struct span head);

/* At the head of a reply to a request for the rest (fetch->is_resumed). Where it goes on, status
 * and head stay those of the reply that the body began with. */
enum resume_answer resume_take(struct fetch *fetch, const struct fetch_terms *terms,
                               const struct response *response, struct span head);

/* At the end of such a reply: what is wrong with the whole of the body; NULL: it is there. */
const struct failure *resume_end(struct fetch *fetch, const struct fetch_terms *terms);

/* By what it broke off: noted, and told where it cannot be gone on with, which is then the end of
 * the request. */
void resume_blame(const struct fetch *fetch, const struct fetch_terms *terms,
                  struct failure failure);
struct failure resume_failure(struct fetch *fetch, const struct fetch_terms *terms);

#endif
