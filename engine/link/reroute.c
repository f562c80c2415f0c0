/* Owns the two lists that send connections elsewhere. The hard idea is to read them once: what was
 * text, in which an IPv6 literal has colons of its own and an empty field stands for anything,
 * becomes two tables of plain hosts and ports, and finding is a walk over each. */

#include "engine/link/reroute.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host {
    char text[URL_HOST_BYTES_MAX + 1]; /* as a target's */
    enum url_host_kind kind;
};

/* Empty hosts and ports of 0 stand for any, or for what it was. */
struct connect_rule {
    struct host from;
    uint16_t from_port;
    struct host to;
    uint16_t to_port;
};

struct resolve_rule {
    struct host host; /* "*": any that has no rule of its own */
    uint16_t port;
    struct reroute_addresses given;
};

/* --- fields ----------------------------------------------------------------------------------- */

/* Cuts what comes before the next colon off text; brackets hold colons of their own. The text is
 * over, and false returned, when its bytes are NULL. */
static bool field_next(struct span *text, struct span *ret_field)
{
    if (!text->bytes)
        return false;
    const char *end = text->bytes + text->length;
    bool is_open = text->length > 0 && *text->bytes == '[';
    const char *close = is_open ? memchr(text->bytes, ']', text->length) : NULL;
    const char *start = close ? close : text->bytes;
    const char *colon = memchr(start, ':', (size_t)(end - start));
    *ret_field = (struct span){text->bytes, (size_t)((colon ? colon : end) - text->bytes)};
    *text = colon ? (struct span){colon + 1, (size_t)(end - colon - 1)} : (struct span){0};
    return true;
}

/* What may be the host of a URL, and nothing more. */
static bool host_parse(struct span text, struct host *ret_host)
{
    char whole[URL_BYTES_MAX];
    char room[URL_ROOM_BYTES];
    struct url url;
    int length = snprintf(whole, sizeof whole, "http://%.*s", (int)text.length, text.bytes);
    if ((size_t)length >= sizeof whole || memchr(text.bytes, '#', text.length) ||
        url_parse((struct span){whole, (size_t)length}, room, &url, NULL) != PROTO_OK ||
        url.target.length > 0)
        return false;
    *ret_host = (struct host){.kind = url.host_kind};
    for (size_t i = 0; i < url.host.length; i++)
        ret_host->text[i] = ascii_lower(url.host.bytes[i]);
    return true;
}

static bool host_parse_or_empty(struct span text, struct host *ret_host)
{
    return text.length == 0 || host_parse(text, ret_host);
}

static bool host_parse_or_any(struct span text, struct host *ret_host)
{
    if (!span_equal(text, SPAN("*")))
        return host_parse(text, ret_host);
    *ret_host = (struct host){.text = "*"};
    return true;
}

static bool port_parse(struct span text, uint16_t *ret_port)
{
    uint32_t port = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_is_digit(text.bytes[i]))
            return false;
        port = port * 10 + (uint32_t)(text.bytes[i] - '0');
        if (port > UINT16_MAX)
            return false;
    }
    *ret_port = (uint16_t)port;
    return port > 0;
}

static bool port_parse_or_empty(struct span text, uint16_t *ret_port)
{
    return text.length == 0 || port_parse(text, ret_port);
}

/* --- connect_to ------------------------------------------------------------------------------- */

/* NULL, or what is wrong. A last field that is empty may be left out with its colon. */
static const char *connect_parse(const char *text, struct connect_rule *ret_rule)
{
    struct span rest = span_of(text);
    struct span from = {0}, from_port = {0}, to = {0}, to_port = {0};
    *ret_rule = (struct connect_rule){0};
    field_next(&rest, &from);
    field_next(&rest, &from_port);
    if (!field_next(&rest, &to) || (field_next(&rest, &to_port) && rest.bytes))
        return "connect_to is not of the form HOST1:PORT1:HOST2:PORT2 (IPv6 in brackets)";
    if (!host_parse_or_empty(from, &ret_rule->from) || !host_parse_or_empty(to, &ret_rule->to))
        return "connect_to has a host that is neither a name nor an address (IPv6 in brackets)";
    if (!port_parse_or_empty(from_port, &ret_rule->from_port) ||
        !port_parse_or_empty(to_port, &ret_rule->to_port))
        return "connect_to has a port that is not a number from 1 to 65535";
    return NULL;
}

/* As in curl a rule that changes nothing does not keep later ones from being looked at. */
static const char *connect_add(struct reroute *reroute, const char *text)
{
    struct connect_rule *rule = &reroute->connects[reroute->connect_count];
    const char *message = connect_parse(text, rule);
    reroute->connect_count += rule->to.text[0] || rule->to_port;
    return message;
}

static const struct connect_rule *connect_find(const struct reroute *reroute,
                                               const struct reroute_target *target)
{
    for (size_t i = 0; i < reroute->connect_count; i++) {
        const struct connect_rule *rule = &reroute->connects[i];
        if ((!rule->from.text[0] || strcmp(rule->from.text, target->host) == 0) &&
            (!rule->from_port || rule->from_port == target->port))
            return rule;
    }
    return NULL;
}

/* --- resolve ---------------------------------------------------------------------------------- */

/* With or without brackets. */
static bool address_parse(struct span text, uint16_t port, union resolver_address *ret_address)
{
    char literal[INET6_ADDRSTRLEN] = "";
    struct resolver_addresses one;
    if (text.length > 1 && text.bytes[0] == '[' && text.bytes[text.length - 1] == ']')
        text = (struct span){text.bytes + 1, text.length - 2};
    if (text.length >= sizeof literal)
        return false;
    memcpy(literal, text.bytes, text.length);
    if (!resolver_literal(literal, URL_HOST_IPV4, port, &one) &&
        !resolver_literal(literal, URL_HOST_IPV6, port, &one))
        return false;
    *ret_address = one.list[0];
    return true;
}

static const char *addresses_parse(struct span text, uint16_t port,
                                   struct resolver_addresses *ret_addresses)
{
    struct span address;
    _Static_assert(RESOLVER_ADDRESSES_MAX == 8, "the sentence below says so");
    ret_addresses->ttl_s = RESOLVER_TTL_MAX_S;
    while (span_list_next(&text, &address)) {
        if (address.length == 0)
            continue;
        if (ret_addresses->count == RESOLVER_ADDRESSES_MAX)
            return "resolve has more than 8 addresses for one host";
        if (!address_parse(address, port, &ret_addresses->list[ret_addresses->count++]))
            return "resolve has an address that is neither IPv4 nor IPv6";
    }
    return ret_addresses->count > 0 ? NULL : "resolve has no address for its host";
}

/* NULL, or what is wrong. A rule without addresses takes one away. */
static const char *resolve_parse(const char *text, uint64_t now_ns, struct resolve_rule *ret_rule)
{
    bool is_removal = *text == '-';
    bool does_expire = *text == '+';
    struct span rest = span_of(text + (is_removal || does_expire));
    struct span host = {0}, port = {0};
    *ret_rule = (struct resolve_rule){.given.expires_ns = UINT64_MAX};
    if (does_expire)
        ret_rule->given.expires_ns = now_ns + REROUTE_EXPIRY_S * UINT64_C(1000000000);
    field_next(&rest, &host);
    if (!field_next(&rest, &port) || is_removal == (rest.bytes != NULL))
        return "resolve is not of the form [+]HOST:PORT:ADDRESS[,ADDRESS]... or -HOST:PORT";
    if (!host_parse_or_any(host, &ret_rule->host))
        return "resolve has a host that is neither a name nor an address nor *";
    if (!port_parse(port, &ret_rule->port))
        return "resolve has a port that is not a number from 1 to 65535";
    if (is_removal)
        return NULL;
    return addresses_parse(rest, ret_rule->port, &ret_rule->given.addresses);
}

static struct resolve_rule *resolve_find(const struct reroute *reroute, const char *host,
                                         uint16_t port)
{
    for (size_t i = 0; i < reroute->resolve_count; i++)
        if (reroute->resolves[i].port == port && strcmp(reroute->resolves[i].host.text, host) == 0)
            return &reroute->resolves[i];
    return NULL;
}

/* The last rule for a host and port replaces those before it. */
static const char *resolve_add(struct reroute *reroute, const char *text, uint64_t now_ns)
{
    struct resolve_rule rule;
    const char *message = resolve_parse(text, now_ns, &rule);
    if (message)
        return message;
    struct resolve_rule *same = resolve_find(reroute, rule.host.text, rule.port);
    if (same)
        *same = reroute->resolves[--reroute->resolve_count];
    if (rule.given.addresses.count > 0)
        reroute->resolves[reroute->resolve_count++] = rule;
    return NULL;
}

/* --- both ------------------------------------------------------------------------------------- */

static size_t count_of(const char *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

static int add_all(struct reroute *reroute, const char *const *connect_to,
                   const char *const *resolve, uint64_t now_ns, struct haul_open_error *why)
{
    *why = (struct haul_open_error){.option = "connect_to"};
    for (; !why->message && connect_to && *connect_to; connect_to++) {
        why->item = *connect_to;
        why->message = connect_add(reroute, *connect_to);
    }
    if (why->message)
        return -EINVAL;
    why->option = "resolve";
    for (; !why->message && resolve && *resolve; resolve++) {
        why->item = *resolve;
        why->message = resolve_add(reroute, *resolve, now_ns);
    }
    if (why->message)
        return -EINVAL;
    *why = (struct haul_open_error){0};
    return 0;
}

int reroute_init(struct reroute *reroute, const char *const *connect_to, const char *const *resolve,
                 uint64_t now_ns, struct haul_open_error *ret_why)
{
    *reroute = (struct reroute){
        .connects = calloc(count_of(connect_to) + 1, sizeof *reroute->connects),
        .resolves = calloc(count_of(resolve) + 1, sizeof *reroute->resolves),
    };
    int error = reroute->connects && reroute->resolves ? 0 : -ENOMEM;
    if (!error)
        error = add_all(reroute, connect_to, resolve, now_ns, ret_why);
    if (error)
        reroute_deinit(reroute);
    return error;
}

void reroute_deinit(struct reroute *reroute)
{
    free(reroute->connects);
    free(reroute->resolves);
    *reroute = (struct reroute){0};
}

const struct reroute_addresses *reroute_find(const struct reroute *reroute,
                                             struct reroute_target *target)
{
    const struct connect_rule *connect = connect_find(reroute, target);
    if (connect && connect->to.text[0]) {
        target->host = connect->to.text;
        target->kind = connect->to.kind;
    }
    if (connect && connect->to_port)
        target->port = connect->to_port;
    const struct resolve_rule *resolve = resolve_find(reroute, target->host, target->port);
    if (!resolve)
        resolve = resolve_find(reroute, "*", target->port);
    return resolve ? &resolve->given : NULL;
}
