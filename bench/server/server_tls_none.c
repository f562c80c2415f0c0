/* The server where libssl is not: it has no TLS, and says so when it is asked to open it. The one
 * idea is that nothing else has to know: without a server_tls there is no channel, so that the rest
 * is never called. */

#include "bench/server/server_tls.h"

#include <errno.h>
#include <stddef.h>

int server_tls_open(struct server_tls **ret_tls, const char *certificate, const char *key)
{
    (void)certificate, (void)key;
    *ret_tls = NULL;
    return -EOPNOTSUPP;
}

void server_tls_close(struct server_tls *tls)
{
    (void)tls;
}

const char *server_tls_pin(const struct server_tls *tls)
{
    (void)tls;
    return NULL;
}

struct channel *channel_open(struct server_tls *tls)
{
    (void)tls;
    return NULL;
}

void channel_close(struct channel *channel)
{
    (void)channel;
}

void channel_receive(struct channel *channel, struct span received)
{
    (void)channel, (void)received;
}

enum channel_read channel_read(struct channel *channel, struct span *ret_plain)
{
    (void)channel;
    *ret_plain = (struct span){0};
    return CHANNEL_ENDED;
}

void channel_write(struct channel *channel, struct span *piece)
{
    (void)channel, (void)piece;
}

void channel_notify(struct channel *channel)
{
    (void)channel;
}

bool channel_has_records(const struct channel *channel)
{
    (void)channel;
    return false;
}

struct span channel_take(struct channel *channel)
{
    (void)channel;
    return (struct span){0};
}

void channel_sent(struct channel *channel)
{
    (void)channel;
}

bool channel_is_long(const struct channel *channel)
{
    (void)channel;
    return false;
}

bool channel_has_failed(const struct channel *channel)
{
    (void)channel;
    return true;
}
