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

static int take_transport(struct sized_options *ret, struct haul_open_error *ret_why)
{
    struct haul_options *options = &ret->options;
    if (!options->transport)
        return 0;
    int error = sized_take(&ret->transport, sizeof ret->transport, options->transport,
                           options->transport_size);
    options->transport = &ret->transport;
    return refuse(error, "transport", "transport_size is 0",
                  "transport has an option that this library does not have: it is older than the "
                  "program",
                  ret_why);
}

static int take_limits(struct sized_options *ret, struct haul_open_error *ret_why)
{
    struct haul_options *options = &ret->options;
    if (!options->limits)
        return 0;
    int error = sized_take(&ret->limits, sizeof ret->limits, options->limits, options->limits_size);
    options->limits = &ret->limits;
    return refuse(error, "limits", "limits_size is 0",
                  "limits has an option that this library does not have: it is older than the "
                  "program",
                  ret_why);
}

static int take_times(struct sized_options *ret, struct haul_open_error *ret_why)
{
    struct haul_options *options = &ret->options;
    if (!options->times)
        return 0;
    int error = sized_take(&ret->times, sizeof ret->times, options->times, options->times_size);
    options->times = &ret->times;
    return refuse(error, "times", "times_size is 0",
                  "times has an option that this library does not have: it is older than the "
                  "program",
                  ret_why);
}

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
    if (ret->options.tls) {
        error = sized_take(&ret->tls, sizeof ret->tls, ret->options.tls, ret->options.tls_size);
        ret->options.tls = &ret->tls;
    }
    if (error)
        return refuse(error, "tls", "tls_size is 0",
                      "tls has an option that this library does not have: it is older than the "
                      "program",
                      ret_why);
    if (ret->options.redirect) {
        error = sized_take(&ret->redirect, sizeof ret->redirect, ret->options.redirect,
                           ret->options.redirect_size);
        ret->options.redirect = &ret->redirect;
    }
    if (error)
        return refuse(error, "redirect", "redirect_size is 0",
                      "redirect has an option that this library does not have: it is older than "
                      "the program",
                      ret_why);
    if (ret->options.retry) {
        error =
            sized_take(&ret->retry, sizeof ret->retry, ret->options.retry, ret->options.retry_size);
        ret->options.retry = &ret->retry;
    }
    if (error)
        return refuse(error, "retry", "retry_size is 0",
                      "retry has an option that this library does not have: it is older than the "
                      "program",
                      ret_why);
    error = take_transport(ret, ret_why);
    if (!error)
        error = take_limits(ret, ret_why);
    return error ? error : take_times(ret, ret_why);
}
