/* Owns which addresses are denied. The hard idea: it is the address that is judged, never the name,
 * at the one place where addresses become those of an origin, so that a name that changes its
 * addresses, a redirect, --resolve and --connect-to gain nothing. An IPv6 address that carries one
 * of IPv4 leads to that one, and is judged by it. */

#include "engine/link/deny.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* An address as 16 bytes, of which IPv4 uses the first four. */
struct bits {
    uint8_t bytes[16];
    bool is_ipv6;
};

struct deny_range {
    struct bits first;
    unsigned length; /* of the prefix */
};

static bool is_within(const struct bits *address, const struct bits *first, unsigned length)
{
    unsigned whole = length / 8, rest = length % 8;
    if (address->is_ipv6 != first->is_ipv6 || memcmp(address->bytes, first->bytes, whole) != 0)
        return false;
    unsigned differs = address->bytes[whole % 16] ^ first->bytes[whole % 16];
    return rest == 0 || differs >> (8 - rest) == 0;
}

/* --- what is private -------------------------------------------------------------------------- */

struct special {
    uint8_t bytes[16];
    uint8_t length;
    bool is_global;
};

/* The IANA IPv4 Special-Purpose Address Registry, and multicast: the first row that holds counts.
 * What it neither calls globally reachable nor not ("N/A") is not. */
static const struct special specials_ipv4[] = {
    {{0}, 8, false},             /* this network */
    {{10}, 8, false},            /* private use */
    {{100, 64}, 10, false},      /* shared address space */
    {{127}, 8, false},           /* loopback */
    {{169, 254}, 16, false},     /* link-local */
    {{172, 16}, 12, false},      /* private use */
    {{192, 0, 0, 9}, 32, true},  /* Port Control Protocol anycast */
    {{192, 0, 0, 10}, 32, true}, /* TURN anycast */
    {{192, 0, 0}, 24, false},    /* IETF protocol assignments */
    {{192, 0, 2}, 24, false},    /* documentation */
    {{192, 88, 99}, 24, false},  /* 6to4 relay anycast, deprecated */
    {{192, 168}, 16, false},     /* private use */
    {{198, 18}, 15, false},      /* benchmarking */
    {{198, 51, 100}, 24, false}, /* documentation */
    {{203, 0, 113}, 24, false},  /* documentation */
    {{224}, 4, false},           /* multicast */
    {{240}, 4, false},           /* reserved, and limited broadcast */
};

/* The IANA IPv6 Special-Purpose Address Registry; beyond 2000::/3 nothing is assigned to be
 * globally reachable, but what carries IPv4 and is judged before. */
static const struct special specials_ipv6[] = {
    {{0x20, 0x01, 0, 1, [15] = 1}, 128, true},  /* Port Control Protocol anycast */
    {{0x20, 0x01, 0, 1, [15] = 2}, 128, true},  /* TURN anycast */
    {{0x20, 0x01, 0, 1, [15] = 3}, 128, true},  /* DNS-SD service registration anycast */
    {{0x20, 0x01, 0, 3}, 32, true},             /* AMT */
    {{0x20, 0x01, 0, 4, 0x01, 0x12}, 48, true}, /* AS112-v6 */
    {{0x20, 0x01, 0, 0x20}, 28, true},          /* ORCHIDv2 */
    {{0x20, 0x01, 0, 0x30}, 28, true},          /* drone remote identification */
    {{0x20, 0x01}, 23, false},                  /* IETF protocol assignments, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, false},      /* documentation */
    {{0x3f, 0xff}, 20, false},                  /* documentation */
    {{0x20}, 3, true},                          /* global unicast */
    {{0}, 0, false},                            /* ::, ::1, discard, ULA, link-local, SRv6 … */
};

/* What no row holds is reachable. */
static bool is_global(const struct special *rows, size_t count, const struct bits *address)
{
    for (size_t i = 0; i < count; i++) {
        struct bits first = {.is_ipv6 = address->is_ipv6};
        memcpy(first.bytes, rows[i].bytes, sizeof first.bytes);
        if (is_within(address, &first, rows[i].length))
            return rows[i].is_global;
    }
    return true;
}

static bool is_private(const struct bits *address)
{
    if (address->is_ipv6)
        return !is_global(specials_ipv6, sizeof specials_ipv6 / sizeof *specials_ipv6, address);
    return !is_global(specials_ipv4, sizeof specials_ipv4 / sizeof *specials_ipv4, address);
}

/* --- IPv4 inside IPv6 ------------------------------------------------------------------------- */

static const struct bits mapped = {{[10] = 0xff, [11] = 0xff}, true}; /* RFC 4291, 2.5.5.2 */

/* Mapped, through NAT64 (RFC 6052), by 6to4 (RFC 3056). */
static bool find_ipv4(const struct bits *address, struct bits *ret)
{
    static const struct {
        struct bits first;
        unsigned length, at;
    } carriers[] = {
        {{{[10] = 0xff, [11] = 0xff}, true}, 96, 12},
        {{{0, 0x64, 0xff, 0x9b}, true}, 96, 12},
        {{{0x20, 0x02}, true}, 16, 2},
    };
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++)
        if (is_within(address, &carriers[i].first, carriers[i].length)) {
            *ret = (struct bits){.is_ipv6 = false};
            memcpy(ret->bytes, address->bytes + carriers[i].at, 4);
            return true;
        }
    return false;
}

static struct bits bits_of(const union resolver_address *address)
{
    struct bits bits = {.is_ipv6 = address->any.sa_family == AF_INET6};
    if (bits.is_ipv6)
        memcpy(bits.bytes, &address->ipv6.sin6_addr, 16);
    else
        memcpy(bits.bytes, &address->ipv4.sin_addr, 4);
    return bits;
}

static bool is_in_ranges(const struct deny *deny, const struct bits *address)
{
    for (size_t i = 0; i < deny->count; i++)
        if (is_within(address, &deny->ranges[i].first, deny->ranges[i].length))
            return true;
    return false;
}

bool deny_has(const struct deny *deny, const union resolver_address *address)
{
    struct bits bits = bits_of(address), inner;
    bool has_inner = find_ipv4(&bits, &inner);
    if (deny->has_private && is_private(has_inner ? &inner : &bits))
        return true;
    return is_in_ranges(deny, &bits) || (has_inner && is_in_ranges(deny, &inner));
}

bool deny_filter(const struct deny *deny, struct resolver_addresses *addresses)
{
    uint32_t kept = 0;
    if (!deny_is_set(deny))
        return false;
    for (uint32_t i = 0; i < addresses->count; i++)
        if (!deny_has(deny, &addresses->list[i]))
            addresses->list[kept++] = addresses->list[i];
    bool has_denied = kept < addresses->count;
    addresses->count = kept;
    return has_denied;
}

/* --- the list --------------------------------------------------------------------------------- */

static bool length_parse(const char *text, unsigned most, unsigned *ret_length)
{
    unsigned length = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 3 || text[digits] != '\0')
        return false;
    for (size_t i = 0; i < digits; i++)
        length = length * 10 + (unsigned)(text[i] - '0');
    *ret_length = length;
    return length <= most;
}

/* An address alone is a range of one. What is mapped into IPv6 is a range of IPv4. */
static bool range_parse(const char *text, struct deny_range *ret)
{
    char address[INET6_ADDRSTRLEN];
    size_t length = strcspn(text, "/");
    const char *prefix = text[length] == '/' ? text + length + 1 : NULL;
    struct bits inner;
    if (text[0] == '[' && length > 1 && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length >= sizeof address)
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    *ret = (struct deny_range){.first.is_ipv6 = strchr(address, ':') != NULL};
    if (inet_pton(ret->first.is_ipv6 ? AF_INET6 : AF_INET, address, ret->first.bytes) != 1)
        return false;
    ret->length = ret->first.is_ipv6 ? 128 : 32;
    if (prefix && !length_parse(prefix, ret->length, &ret->length))
        return false;
    if (ret->length >= 96 && is_within(&ret->first, &mapped, 96)) {
        find_ipv4(&ret->first, &inner);
        *ret = (struct deny_range){inner, ret->length - 96};
    }
    return true;
}

static const char *deny_add(struct deny *deny, const char *text)
{
    if (strcmp(text, "private") == 0) {
        deny->has_private = true;
        return NULL;
    }
    if (!range_parse(text, &deny->ranges[deny->count]))
        return "deny_addresses has one that is neither \"private\" nor an address or a CIDR, such "
               "as 10.0.0.0/8 or fc00::/7";
    deny->count++;
    return NULL;
}

int deny_init(struct deny *deny, const char *const *list, struct haul_open_error *ret_why)
{
    size_t count = 0;
    *deny = (struct deny){0};
    while (list && list[count])
        count++;
    if (count == 0)
        return 0;
    deny->ranges = calloc(count, sizeof *deny->ranges);
    if (!deny->ranges)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const char *message = deny_add(deny, list[i]);
        if (!message)
            continue;
        *ret_why = (struct haul_open_error){
            .option = "deny_addresses", .item = list[i], .message = message};
        deny_deinit(deny);
        return -EINVAL;
    }
    return 0;
}

void deny_deinit(struct deny *deny)
{
    free(deny->ranges);
    *deny = (struct deny){0};
}
