/* Owns the rule of what may be joined (RFC 9110, 15.3.7.3). The hard idea: two replies are of one
 * body only where a strong tag says so, and their lengths do not say otherwise; whatever else comes
 * is another body, and never a mixture. */

#include "engine/request/resume.h"
#include "proto/http/range.h"

#include <assert.h>
#include <string.h>

static struct resume *resume_of(const struct fetch *fetch, const struct fetch_terms *terms)
{
    assert(fetch_view(fetch)->resume_block != NO_BLOCK);
    return resume_in(terms->store, fetch->extra->resume_block);
}

void resume_note(struct fetch *fetch, const struct fetch_terms *terms,
                 const struct response *response, struct span head)
{
    struct span tag = strong_etag_find(head);
    fetch->can_resume = response->status == 200 && response->framing != FRAMING_NONE &&
                        tag.length > 0 && tag.length <= RESUME_TAG_BYTES && !fetch->has_range &&
                        strcmp(fetch->method_sent, "GET") == 0 && !has_content_encoding(head);
    if (!fetch->can_resume)
        return;
    if (fetch_extra(fetch)->resume_block == NO_BLOCK)
        fetch->extra->resume_block = store_take(terms->store);
    struct resume *resume = resume_of(fetch, terms);
    *resume = (struct resume){
        .length = response->content_length,
        .has_length = response->framing == FRAMING_LENGTH,
        .status = response->status,
        .version_minor = response->version_minor,
        .tag_length = tag.length,
    };
    memcpy(resume->tag, tag.bytes, tag.length);
}

static bool has_same_length(const struct resume *resume, uint64_t length)
{
    return !resume->has_length || length == resume->length;
}

/* Does the part begin where that ends which is there, and say how long the whole is? Else nobody
 * would know whether the end of the part is that of the body. */
static bool is_rest(const struct fetch *fetch, struct resume *resume,
                    const struct response *response, struct span head)
{
    struct content_range range;
    if (!content_range_find(head, &range) || range.first != fetch->body_bytes ||
        !range.has_length || !has_same_length(resume, range.length))
        return false;
    if (response->framing == FRAMING_LENGTH &&
        response->content_length != range.last - range.first + 1)
        return false;
    resume->length = range.length;
    resume->has_length = true;
    return true;
}

/* The server knows no ranges, or none of this one. */
static bool is_whole(const struct fetch *fetch, const struct resume *resume,
                     const struct response *response)
{
    bool has_length = response->framing == FRAMING_LENGTH;
    if (has_length && response->content_length < fetch->body_bytes)
        return false;
    return !has_length || has_same_length(resume, response->content_length);
}

enum resume_answer resume_take(struct fetch *fetch, const struct fetch_terms *terms,
                               const struct response *response, struct span head)
{
    struct resume *resume = resume_of(fetch, terms);
    struct span tag = strong_etag_find(head);
    bool is_part = response->status == 206;
    bool is_same = span_equal(tag, (struct span){resume->tag, resume->tag_length}) &&
                   !has_content_encoding(head);
    bool goes_on = is_part
                       ? is_same && is_rest(fetch, resume, response, head)
                       : response->status == 200 && is_same && is_whole(fetch, resume, response);
    if (!goes_on)
        return is_part || response->status == 416 ? RESUME_ASK : RESUME_ANEW;
    fetch_extra(fetch)->skip = is_part ? 0 : fetch->body_bytes;
    fetch->status = (uint16_t)resume->status;
    fetch->version_minor = (uint8_t)resume->version_minor;
    return RESUME_GOES_ON;
}

const struct failure *resume_end(struct fetch *fetch, const struct fetch_terms *terms)
{
    static const struct failure is_part = {
        HAUL_TRUNCATED, "the reply ended before the end of the part that was asked for", 0};
    static const struct failure is_short = {
        HAUL_TRUNCATED, "the reply was shorter than what of it had come before", 0};
    static const struct failure is_long = {
        HAUL_PROTOCOL, "the reply was longer than the rest of the body that it began with", 0};
    const struct resume *resume = resume_of(fetch, terms);
    uint64_t has = fetch->body_bytes;
    if (fetch_view(fetch)->skip > 0) {
        fetch->can_resume = false; /* that it was the same was not true */
        return &is_short;
    }
    if (!resume->has_length || has == resume->length)
        return NULL;
    return has < resume->length ? &is_part : &is_long;
}

void resume_blame(const struct fetch *fetch, const struct fetch_terms *terms,
                  struct failure failure)
{
    resume_of(fetch, terms)->failure = failure;
}

struct failure resume_failure(struct fetch *fetch, const struct fetch_terms *terms)
{
    const struct resume *resume = resume_of(fetch, terms);
    fetch->status = (uint16_t)resume->status;
    fetch->version_minor = (uint8_t)resume->version_minor;
    return resume->failure;
}
