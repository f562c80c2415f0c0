/* Owns nothing: it copies between two lengths of one struct. The hard idea is in the tail: a byte
 * that this library does not know and that is not zero asks for something, and must not be passed
 * over in silence. */

#include "engine/sized.h"

#include <errno.h>
#include <string.h>

int sized_take(void *ret, size_t size, const void *from, size_t from_size)
{
    const char *bytes = from;
    if (from_size == 0)
        return -EINVAL;
    for (size_t i = size; i < from_size; i++)
        if (bytes[i] != 0)
            return -E2BIG;
    size_t common = from_size < size ? from_size : size;
    memcpy(ret, from, common);
    memset((char *)ret + common, 0, size - common);
    return 0;
}

void sized_give(void *ret, size_t ret_size, const void *from, size_t size)
{
    size_t common = ret_size < size ? ret_size : size;
    if (!ret)
        return;
    memcpy(ret, from, common);
    memset((char *)ret + common, 0, ret_size - common);
}

static int refuse(int error, const char *option, const char *missing, const char *larger,
                  struct haul_open_error *ret_why)
{
    if (error)
        *ret_why = (struct haul_open_error){
            .option = option,
            .message = error == -E2BIG ? larger : missing,
        };
    return error;
}

/* The structs that options point to, each with its size beside it. */
#define PARTS(X) X(tls) X(redirect) X(retry) X(transport) X(limits) X(times) X(auth)

int sized_options_take(struct sized_options *ret, const struct haul_options *from, size_t from_size,
                       struct haul_open_error *ret_why)
{
    *ret = (struct sized_options){0};
    if (!from)
        return 0;
    int error = sized_take(&ret->options, sizeof ret->options, from, from_size);
    if (error)
        return refuse(error, NULL, "the size of the options is 0",
                      "an option is set that this library does not have: it is older than the "
                      "program",
                      ret_why);
    struct haul_options *options = &ret->options;
#define PART_TAKE(part)                                                                            \
    if (!error && options->part) {                                                                 \
        error = refuse(                                                                            \
            sized_take(&ret->part, sizeof ret->part, options->part, options->part##_size), #part,  \
            #part "_size is 0",                                                                    \
            #part " has an option that this library does not have: it is older than the program",  \
            ret_why);                                                                              \
        options->part = &ret->part;                                                                \
    }
    PARTS(PART_TAKE)
#undef PART_TAKE
    return error;
}
