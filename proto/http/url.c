/* An absolute http or https URL, cut from left to right: scheme, authority (host, port), target.
 *
 * Strict where a lenient reading would let two programs see two different hosts, and what the host
 * is has to be found out before anything is compared with it: escapes decoded, A-labels made, and
 * then the number that an address is, since each of these may bring forth the next. What comes out
 * is mostly what is written, and then stays where it lies. */

#include "proto/http/url.h"
#include "proto/http/idna.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

/* A name of 253 bytes may be written with more: in UTF-8, and with escapes. */
enum { HOST_DECODED_MAX = 1024 };

/* What is not cut off yet; on failure, at is where the fault lies. */
struct cutter {
    const char *at;
    const char *end;
    char *room; /* the caller's, and how much of it is used */
    size_t room_used;
};

static bool is_alpha(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool is_scheme_byte(char c)
{
    return is_alpha(c) || ascii_is_digit(c) || c == '+' || c == '-' || c == '.';
}

/* What a byte of a URL may be: part of a host as it stands (letters, digits and -._~), or the end
 * of an authority. One load a byte, since this is read for every request. */
enum { HOST_BYTE = 1, AUTHORITY_END = 2 };
#define H HOST_BYTE
#define E AUTHORITY_END
/* clang-format off */
static const uint8_t byte_kinds[256] = {
    [0x20] = 0, 0, 0, E, 0, 0, 0, 0, 0, 0, 0, 0, 0, H, H, E,
    [0x30] = H, H, H, H, H, H, H, H, H, H, 0, 0, 0, 0, 0, E,
    [0x40] = 0, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    [0x50] = H, H, H, H, H, H, H, H, H, H, H, 0, 0, 0, 0, H,
    [0x60] = 0, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
    [0x70] = H, H, H, H, H, H, H, H, H, H, H, 0, 0, 0, H, 0,
};
/* clang-format on */
#undef H
#undef E

static bool is_host_byte(char c)
{
    return byte_kinds[(unsigned char)c] == HOST_BYTE;
}

/* --- eight bytes at once ---------------------------------------------------------------------- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The high bit of each byte that is c. */
static uint64_t where_equal(uint64_t word, unsigned char c)
{
    uint64_t x = word ^ EACH(c);
    uint64_t low = EACH(0x7f);
    return ~(((x & low) + low) | x | low);
}

/* Has any byte its high bit set, or is it a control byte, a space or DEL? */
static bool has_special(uint64_t word)
{
    uint64_t low = EACH(0x7f);
    uint64_t above_space = ((word & low) + EACH(0x7f - 0x20)) & EACH(0x80);
    return above_space != EACH(0x80) || (word & EACH(0x80)) != 0 || where_equal(word, 0x7f) != 0;
}

/* Is there nothing to be said of these eight: only plain bytes, and no dot that may begin a
 * segment? A slash lies before such a dot: among the eight, or just before them. */
static bool is_plain_word(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    if (where_equal(word, '.') != 0 && (*p == '.' || where_equal(word, '/') != 0))
        return false;
    return !has_special(word);
}

/* Passes over what nothing is to be said of, by eight; the last eight may overlap those before. */
static const char *plain_skip(const char *start, const char *end)
{
    const char *p = start;

    for (; end - p >= 8; p += 8)
        if (!is_plain_word(p))
            return p;
    return p < end && end - start >= 8 && is_plain_word(end - 8) ? end : p;
}

/* Refuses what would end the request line early. Other bytes that RFC 3986 leaves out (quotes,
 * braces, a stray % and the like) are in use: curl sends them, and servers take them. What the path
 * has of those that are changed is noted, a little too often rather than by looking closely. */
static enum proto_error bytes_check(struct cutter *cutter, struct url *url)
{
    for (const char *p = cutter->at; p < cutter->end; p++) {
        p = plain_skip(p, cutter->end);
        for (const char *end = cutter->end - p > 8 ? p + 8 : cutter->end; p < end; p++) {
            unsigned char c = (unsigned char)*p;

            if (c <= 0x20 || c == 0x7f) {
                cutter->at = p;
                return PROTO_URL_BYTE;
            }
            url->has_odd_target |= (c == '.' && p > cutter->at && p[-1] == '/') || c > 0x7f;
        }
        p--;
    }
    return PROTO_OK;
}

static enum proto_error scheme_cut(struct cutter *cutter, struct url *url)
{
    const char *start = cutter->at;
    const char *p = start;
    bool is_http, has_slashes;

    if (cutter->end - p > 7 && memcmp(p, "http://", 7) == 0) {
        cutter->at += 7;
        return PROTO_OK;
    }
    while (p < cutter->end && is_scheme_byte(*p))
        p++;
    if (p == start || p == cutter->end || *p != ':' || !is_alpha(*start))
        return PROTO_URL_NO_SCHEME;
    struct span scheme = {start, (size_t)(p - start)};
    url->is_https = span_equal_fold(scheme, SPAN("https"));
    is_http = url->is_https || span_equal_fold(scheme, SPAN("http"));
    has_slashes = cutter->end - p >= 3 && p[1] == '/' && p[2] == '/';
    if (!is_http) /* "localhost:80" is more likely a host than a scheme */
        return has_slashes ? PROTO_URL_SCHEME : PROTO_URL_NO_SCHEME;
    cutter->at = p + 1;
    if (!has_slashes)
        return PROTO_URL_HOST_EMPTY;
    cutter->at += 2;
    return PROTO_OK;
}

static void room_put(struct cutter *cutter, struct span span)
{
    memcpy(cutter->room + cutter->room_used, span.bytes, span.length);
    cutter->room_used += span.length;
}

/* --- IPv6 ------------------------------------------------------------------------------------- */

/* Cuts a zone off a literal: RFC 6874 writes the % before it as %25, and people do not. */
static enum proto_error zone_cut(struct span *literal, struct span *ret_zone)
{
    const char *percent = memchr(literal->bytes, '%', literal->length);
    const char *end = literal->bytes + literal->length;

    *ret_zone = (struct span){0};
    if (percent == NULL)
        return PROTO_OK;
    literal->length = (size_t)(percent - literal->bytes);
    percent += end - percent > 3 && percent[1] == '2' && percent[2] == '5' ? 3 : 1;
    *ret_zone = (struct span){percent, (size_t)(end - percent)};
    if (ret_zone->length == 0 || ret_zone->length >= IF_NAMESIZE)
        return PROTO_URL_IPV6_ZONE;
    for (size_t i = 0; i < ret_zone->length; i++)
        if (!is_host_byte(ret_zone->bytes[i]))
            return PROTO_URL_IPV6_ZONE;
    return PROTO_OK;
}

/* What is written with more letters than needed goes out in the form of RFC 5952, as from curl. */
static enum proto_error ipv6_read(struct span literal, char ret_text[INET6_ADDRSTRLEN])
{
    char text[INET6_ADDRSTRLEN] = "";
    struct in6_addr address;

    if (literal.length >= sizeof(text))
        return PROTO_URL_IPV6;
    memcpy(text, literal.bytes, literal.length);
    if (inet_pton(AF_INET6, text, &address) != 1 ||
        inet_ntop(AF_INET6, &address, ret_text, INET6_ADDRSTRLEN) == NULL)
        return PROTO_URL_IPV6;
    if (strlen(ret_text) >= literal.length)
        memcpy(ret_text, text, sizeof(text));
    return PROTO_OK;
}

/* In the room: the authority without its port, and before it, if there is a zone, the host. */
static void ipv6_put(struct cutter *cutter, struct url *url, struct span address, struct span zone)
{
    size_t start = cutter->room_used;

    if (zone.length > 0) {
        room_put(cutter, address);
        room_put(cutter, SPAN("%"));
        room_put(cutter, zone);
        url->host = (struct span){cutter->room + start, cutter->room_used - start};
        start = cutter->room_used;
    }
    room_put(cutter, SPAN("["));
    room_put(cutter, address);
    room_put(cutter, SPAN("]"));
    url->authority = (struct span){cutter->room + start, cutter->room_used - start};
    if (zone.length == 0)
        url->host = (struct span){url->authority.bytes + 1, address.length};
}

static enum proto_error ipv6_cut(struct cutter *cutter, struct url *url)
{
    const char *start = cutter->at + 1;
    const char *close = memchr(start, ']', (size_t)(cutter->end - start));
    char text[INET6_ADDRSTRLEN];
    enum proto_error error;
    struct span zone;

    if (close == NULL)
        return PROTO_URL_IPV6;
    url->host = (struct span){start, (size_t)(close - start)};
    url->host_kind = URL_HOST_IPV6;
    error = zone_cut(&url->host, &zone);
    if (error == PROTO_OK)
        error = ipv6_read(url->host, text);
    if (error != PROTO_OK)
        return error;
    if (zone.length > 0 || !span_equal(url->host, span_of(text)))
        ipv6_put(cutter, url, span_of(text), zone);
    else
        url->authority = (struct span){start - 1, url->host.length + 2};
    cutter->at = close + 1;
    return cutter->at == cutter->end || *cutter->at == ':' ? PROTO_OK : PROTO_URL_IPV6;
}

/* --- IPv4 ------------------------------------------------------------------------------------- */

/* Decimal, octal after a 0, hexadecimal after 0x, as in C. */
static bool number_read(struct span text, uint64_t *ret_number)
{
    int base = 10;

    if (text.length > 1 && text.bytes[0] == '0') {
        bool is_hex = ascii_lower(text.bytes[1]) == 'x';

        base = is_hex ? 16 : 8;
        text = (struct span){text.bytes + 1 + is_hex, text.length - 1 - is_hex};
    }
    *ret_number = 0;
    for (size_t i = 0; i < text.length; i++) {
        int digit = ascii_hex_value(text.bytes[i]);

        if (digit < 0 || digit >= base || *ret_number > UINT32_MAX)
            return false;
        *ret_number = *ret_number * (unsigned)base + (unsigned)digit;
    }
    return text.length > 0;
}

/* One to four numbers: all but the last are a byte each, the last is all the bytes that are left
 * (inet_aton, and the URL standard of the browsers). */
static bool ipv4_read(struct span host, uint32_t *ret_address)
{
    uint64_t number, address = 0;
    unsigned bits = 32;

    for (;;) {
        const char *dot = memchr(host.bytes, '.', host.length);
        size_t length = dot != NULL ? (size_t)(dot - host.bytes) : host.length;

        if (!number_read((struct span){host.bytes, length}, &number))
            return false;
        if (dot == NULL)
            break;
        if (number > 0xff || bits == 8)
            return false;
        bits -= 8;
        address |= number << bits;
        host = (struct span){dot + 1, host.length - length - 1};
    }
    *ret_address = (uint32_t)(address | number);
    return number >> bits == 0;
}

/* A host whose last label is a number is an IPv4 address or nothing: no top-level domain is. */
static bool ends_in_number(struct span host)
{
    size_t end = host.length - (host.bytes[host.length - 1] == '.');
    size_t start = end;
    bool is_hex;

    while (start > 0 && host.bytes[start - 1] != '.')
        start--;
    is_hex =
        end - start >= 2 && host.bytes[start] == '0' && ascii_lower(host.bytes[start + 1]) == 'x';
    for (size_t i = start + (is_hex ? 2 : 0); i < end; i++)
        if (is_hex ? ascii_hex_value(host.bytes[i]) < 0 : !ascii_is_digit(host.bytes[i]))
            return false;
    return start < end;
}

/* An address as it goes out, which is how most are written: nothing about it is to be settled. */
static bool is_dotted_decimal(struct span host)
{
    unsigned number = 0, digits = 0, dots = 0;

    if (host.length > INET_ADDRSTRLEN - 1)
        return false;
    for (size_t i = 0; i < host.length; i++) {
        unsigned digit = (unsigned char)host.bytes[i] - '0';

        if (digit <= 9) {
            if (digits++ > 0 && number == 0)
                return false;
            number = number * 10 + digit;
        } else if (host.bytes[i] != '.' || digits == 0 || number > 0xff) {
            return false;
        } else {
            dots++;
            number = digits = 0;
        }
    }
    return dots == 3 && digits > 0 && number <= 0xff;
}

static enum proto_error ipv4_settle(struct cutter *cutter, struct url *url)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    uint32_t number;

    if (!ipv4_read(url->host, &number))
        return PROTO_URL_HOST_NUMBER;
    address.s_addr = htonl(number);
    inet_ntop(AF_INET, &address, text, sizeof(text));
    url->host_kind = URL_HOST_IPV4;
    if (!span_equal(url->host, span_of(text))) {
        cutter->room_used = 0;
        room_put(cutter, span_of(text));
        url->host = (struct span){cutter->room, cutter->room_used};
    }
    return PROTO_OK;
}

/* --- names ------------------------------------------------------------------------------------ */

/* No label but one behind a final dot may be empty. */
static bool has_empty_label(struct span host)
{
    for (size_t i = 0; i < host.length; i++)
        if (host.bytes[i] == '.' && (i == 0 || host.bytes[i - 1] == '.'))
            return true;
    return false;
}

/* Decodes the escapes of a host. On failure cutter->at is where the fault lies. */
static enum proto_error host_decode(struct cutter *cutter, struct span host, char *decoded,
                                    size_t *ret_length)
{
    const char *end = host.bytes + host.length;

    *ret_length = 0;
    for (const char *p = host.bytes; p < end; p++) {
        char c = *p;

        if (c == '%') {
            int high = end - p >= 3 ? ascii_hex_value(p[1]) : -1;
            int low = end - p >= 3 ? ascii_hex_value(p[2]) : -1;

            cutter->at = p;
            if (high < 0 || low < 0)
                return PROTO_URL_HOST_PERCENT;
            c = (char)(high << 4 | low);
            p += 2;
        }
        if (*ret_length == HOST_DECODED_MAX)
            return PROTO_URL_HOST_TOO_LONG;
        decoded[(*ret_length)++] = c;
    }
    return PROTO_OK;
}

/* Conversion may bring forth what no host has: a slash, a colon, an @ (of full width, say). */
static enum proto_error ascii_check(struct span host)
{
    for (size_t i = 0; i < host.length; i++)
        if (!is_host_byte(host.bytes[i]))
            return PROTO_URL_HOST;
    return host.length <= URL_HOST_BYTES_MAX ? PROTO_OK : PROTO_URL_HOST_TOO_LONG;
}

/* A host that is not what it is written as: into the room. */
static enum proto_error host_convert(struct cutter *cutter, struct url *url)
{
    const char *start = url->host.bytes;
    char decoded[HOST_DECODED_MAX];
    char ascii[URL_HOST_BYTES_MAX + 1];
    struct span host = {.bytes = decoded};
    enum proto_error error = host_decode(cutter, url->host, decoded, &host.length);

    if (error != PROTO_OK)
        return error;
    cutter->at = start;
    for (size_t i = 0; i < host.length; i++) {
        if ((decoded[i] & 0x80) == 0)
            continue;
        error = idna_to_ascii(host, ascii, sizeof(ascii));
        host = span_of(ascii);
        break;
    }
    if (error == PROTO_OK)
        error = ascii_check(host);
    if (error != PROTO_OK)
        return error;
    room_put(cutter, host);
    url->host = (struct span){cutter->room, host.length};
    return PROTO_OK;
}

static enum proto_error name_settle(struct cutter *cutter, struct url *url)
{
    if (url->host.length == 0)
        return PROTO_URL_HOST_EMPTY;
    if (is_dotted_decimal(url->host)) {
        url->host_kind = URL_HOST_IPV4;
        return PROTO_OK;
    }
    if (url->host.length > URL_HOST_BYTES_MAX)
        return PROTO_URL_HOST_TOO_LONG;
    if (has_empty_label(url->host))
        return PROTO_URL_HOST_LABEL;
    url->host_kind = URL_HOST_NAME;
    return ends_in_number(url->host) ? ipv4_settle(cutter, url) : PROTO_OK;
}

static enum proto_error name_cut(struct cutter *cutter, struct url *url)
{
    const char *start = cutter->at;
    const char *p = start, *odd;
    enum proto_error error = PROTO_OK;

    while (p < cutter->end && is_host_byte(*p))
        p++;
    odd = p;
    while (p < cutter->end && *p != ':') {
        if (!is_host_byte(*p) && *p != '%' && (*p & 0x80) == 0) {
            cutter->at = p;
            return PROTO_URL_HOST;
        }
        p++;
    }
    url->host = (struct span){start, (size_t)(p - start)};
    if (odd < p)
        error = host_convert(cutter, url);
    if (error == PROTO_OK)
        error = name_settle(cutter, url);
    if (error != PROTO_OK)
        return error;
    url->authority = url->host;
    cutter->at = p;
    return PROTO_OK;
}

/* --- the authority ---------------------------------------------------------------------------- */

/* A colon that no digits follow is no port. ret_is_plain: it is written as it goes out. */
static enum proto_error port_cut(struct cutter *cutter, struct url *url, bool *ret_is_plain)
{
    uint16_t scheme_port = url->is_https ? 443 : 80;
    unsigned port = 0;

    url->port = scheme_port;
    *ret_is_plain = true;
    if (cutter->end - cutter->at <= 1)
        return PROTO_OK;
    cutter->at++;
    *ret_is_plain = *cutter->at != '0';
    for (const char *p = cutter->at; p < cutter->end; p++) {
        port = port * 10 + (unsigned)(*p - '0');
        if (!ascii_is_digit(*p) || port > UINT16_MAX)
            return PROTO_URL_PORT;
    }
    if (port == 0)
        return PROTO_URL_PORT;
    url->port = (uint16_t)port;
    cutter->at = cutter->end;
    return PROTO_OK;
}

/* Adds to the host what the Host field says of the port: nothing, where it is the scheme's own (RFC
 * 9110, 4.2.1; some servers answer :80 by a redirect to the same without). */
static void authority_end_put(struct cutter *cutter, struct url *url, bool is_plain_port)
{
    const char *room_end = cutter->room + cutter->room_used;
    bool is_in_room = cutter->room_used > 0;

    if (url->port == (url->is_https ? 443 : 80))
        return;
    if (!is_in_room && is_plain_port) {
        url->authority.length = (size_t)(cutter->end - url->authority.bytes);
        return;
    }
    if (!is_in_room) {
        room_put(cutter, url->authority);
        url->authority.bytes = room_end;
    }
    room_end = cutter->room + cutter->room_used;
    cutter->room_used +=
        (size_t)snprintf(cutter->room + cutter->room_used, sizeof(":65535"), ":%u", url->port);
    url->authority.length += (size_t)(cutter->room + cutter->room_used - room_end);
}

/* User information is refused, and so is what may be read as more than one host. */
static enum proto_error at_signs_check(struct cutter *cutter)
{
    const char *at = memchr(cutter->at, '@', (size_t)(cutter->end - cutter->at));
    const char *second;

    if (at == NULL)
        return PROTO_OK;
    cutter->at = at;
    second = memchr(at + 1, '@', (size_t)(cutter->end - at - 1));
    if (second == NULL)
        return PROTO_URL_USERINFO;
    cutter->at = second;
    return PROTO_URL_AT_SIGNS;
}

static enum proto_error authority_cut(struct cutter *cutter, struct url *url)
{
    enum proto_error error;
    bool is_plain_port;

    if (cutter->at == cutter->end)
        return PROTO_URL_HOST_EMPTY;
    error = at_signs_check(cutter);
    if (error == PROTO_OK)
        error = *cutter->at == '[' ? ipv6_cut(cutter, url) : name_cut(cutter, url);
    if (error == PROTO_OK)
        error = port_cut(cutter, url, &is_plain_port);
    if (error == PROTO_OK)
        authority_end_put(cutter, url, is_plain_port);
    return error;
}

static const char *authority_end(const char *p, const char *end)
{
    while (p < end && byte_kinds[(unsigned char)*p] != AUTHORITY_END)
        p++;
    return p;
}

static const char *target_end(const char *p, const char *end)
{
    const char *fragment = memchr(p, '#', (size_t)(end - p));

    return fragment != NULL ? fragment : end;
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum proto_error url_cut(struct cutter *cutter, struct url *url)
{
    const char *text_end = cutter->end;
    enum proto_error error = bytes_check(cutter, url);

    if (error == PROTO_OK)
        error = scheme_cut(cutter, url);
    if (error != PROTO_OK)
        return error;
    cutter->end = authority_end(cutter->at, text_end);
    url->target.bytes = cutter->end;
    error = authority_cut(cutter, url);
    if (error != PROTO_OK)
        return error;
    url->target.length = (size_t)(target_end(url->target.bytes, text_end) - url->target.bytes);
    return PROTO_OK;
}

enum proto_error url_parse(struct span text, char *room, struct url *ret_url, size_t *ret_offset)
{
    struct cutter cutter = {.at = text.bytes, .end = text.bytes, .room = room};
    enum proto_error error = PROTO_URL_EMPTY;

    *ret_url = (struct url){0};
    if (text.length > URL_BYTES_MAX) {
        cutter.at += URL_BYTES_MAX;
        error = PROTO_URL_TOO_LONG;
    } else if (text.length > 0) {
        cutter.end += text.length;
        error = url_cut(&cutter, ret_url);
    }
    if (ret_offset != NULL)
        *ret_offset = text.length > 0 ? (size_t)(cutter.at - text.bytes) : 0;
    return error;
}

/* What was written into room is no part of the text, and is found anew each time. */
static void memo_keep(struct url_memo *memo, struct span text, const struct url *url)
{
    size_t length = (size_t)(url->target.bytes - text.bytes);
    bool is_as_written = url->host.bytes > text.bytes && url->host.bytes < url->target.bytes &&
                         url->authority.bytes > text.bytes &&
                         url->authority.bytes < url->target.bytes;

    memo->length = 0;
    if (length > sizeof(memo->text) || !is_as_written)
        return;
    memo->length = (uint8_t)length;
    memo->host_at = (uint8_t)(url->host.bytes - text.bytes);
    memo->authority_at = (uint8_t)(url->authority.bytes - text.bytes);
    memo->url = *url;
    memo->url.has_odd_target = false;
    memcpy(memo->text, text.bytes, length);
}

/* An authority ends where one may, so that no longer one begins with it. */
static bool memo_has(const struct url_memo *memo, struct span text)
{
    return memo->length > 0 && text.length <= URL_BYTES_MAX && text.length > memo->length &&
           memcmp(text.bytes, memo->text, memo->length) == 0 &&
           byte_kinds[(unsigned char)text.bytes[memo->length]] == AUTHORITY_END;
}

enum proto_error url_parse_next(struct url_memo *memo, struct span text, char *room,
                                struct url *ret_url)
{
    struct cutter cutter = {.at = text.bytes + memo->length, .end = text.bytes + text.length};
    enum proto_error error;

    if (memo_has(memo, text)) {
        *ret_url = memo->url;
        error = bytes_check(&cutter, ret_url);
        ret_url->host.bytes = text.bytes + memo->host_at;
        ret_url->authority.bytes = text.bytes + memo->authority_at;
        ret_url->target.bytes = cutter.at;
        ret_url->target.length = (size_t)(target_end(cutter.at, cutter.end) - cutter.at);
        return error;
    }
    error = url_parse(text, room, ret_url, NULL);
    if (error == PROTO_OK)
        memo_keep(memo, text, ret_url);
    return error;
}

static bool is_in_room(struct span span, const char *room)
{
    return span.bytes >= room && span.bytes < room + URL_ROOM_BYTES;
}

static void span_move(struct span *span, struct span text, const char *room, const char *copy)
{
    if (is_in_room(*span, room))
        span->bytes = copy + text.length + 1 + (span->bytes - room);
    else
        span->bytes = copy + (span->bytes - text.bytes);
}

void url_move(struct url *url, struct span text, const char *room, const char *copy)
{
    span_move(&url->host, text, room, copy);
    span_move(&url->authority, text, room, copy);
    span_move(&url->target, text, room, copy);
}

/* What is in the room ends with the authority, which is written last. */
size_t url_room_used(const struct url *url, const char *room)
{
    struct span last = is_in_room(url->authority, room) ? url->authority : url->host;

    return is_in_room(last, room) ? (size_t)(last.bytes + last.length - room) : 0;
}

/* --- the path as it is sent ------------------------------------------------------------------- */

/* Writes backwards, and counts; end NULL: only counts. */
struct path_writer {
    char *end;
    size_t length;
};

static void path_put(struct path_writer *writer, char c)
{
    writer->length++;
    if (writer->end != NULL)
        *(writer->end - writer->length) = c;
}

static void segment_put(struct path_writer *writer, struct span segment)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = segment.length; i > 0; i--) {
        unsigned char c = (unsigned char)segment.bytes[i - 1];

        path_put(writer, c < 0x80 ? (char)c : digits[c & 15]);
        if (c < 0x80)
            continue;
        path_put(writer, digits[c >> 4]);
        path_put(writer, '%');
    }
    path_put(writer, '/');
}

/* From the end, since there a .. has only to be counted: so many of the segments before it are left
 * out. One at the very end leaves its slash. */
size_t url_path_write(struct span path, bool keeps_dots, char *end)
{
    struct path_writer writer = {.end = end};
    size_t left = path.length, skipped = 0;

    while (left > 0) {
        bool is_last = left == path.length, is_dot, is_up;
        size_t start = left;
        struct span segment;

        while (start > 1 && path.bytes[start - 1] != '/')
            start--;
        segment = (struct span){path.bytes + start, left - start};
        left = start - 1;
        is_dot = !keeps_dots && span_equal(segment, SPAN("."));
        is_up = !keeps_dots && span_equal(segment, SPAN(".."));
        if (is_up)
            skipped++;
        if (is_dot || is_up)
            segment.length = 0;
        if (is_dot || is_up ? is_last : skipped == 0)
            segment_put(&writer, segment);
        else if (!is_dot && !is_up)
            skipped--;
    }
    return writer.length;
}
