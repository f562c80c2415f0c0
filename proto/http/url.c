/* An absolute http or https URL, cut from left to right: scheme, authority (host, port), target.
 *
 * Strict where a lenient reading would let two programs see two different hosts: no user
 * information, no escapes or odd bytes in the host, no number that is almost an IPv4 address. */

#include "proto/http/url.h"

#include <arpa/inet.h>

/* What is not cut off yet; on failure, at is where the fault lies. */
struct cutter {
    const char *at;
    const char *end;
};

static bool is_alpha(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool is_scheme_byte(char c)
{
    return is_alpha(c) || ascii_is_digit(c) || c == '+' || c == '-' || c == '.';
}

static bool is_host_byte(char c)
{
    return is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* Bytes that would end the request line or a quoted copy of the URL. Others that RFC 3986 leaves
 * out (backslash, braces and the like) are in use, and servers take them. */
static bool is_url_byte(char c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>';
}

static enum proto_error bytes_check(struct cutter *cutter)
{
    for (const char *p = cutter->at; p < cutter->end; p++) {
        if (!is_url_byte(*p)) {
            cutter->at = p;
            return PROTO_URL_BYTE;
        }
    }
    return PROTO_OK;
}

static enum proto_error scheme_cut(struct cutter *cutter, struct url *url)
{
    const char *start = cutter->at;
    const char *p = start;
    bool is_http, has_slashes;

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

static enum proto_error ipv6_cut(struct cutter *cutter, struct url *url)
{
    const char *start = cutter->at + 1;
    const char *close = memchr(start, ']', (size_t)(cutter->end - start));
    char text[INET6_ADDRSTRLEN] = "";
    struct in6_addr address;

    if (close == NULL || (size_t)(close - start) >= sizeof(text))
        return PROTO_URL_IPV6;
    url->host = (struct span){start, (size_t)(close - start)};
    url->host_kind = URL_HOST_IPV6;
    memcpy(text, url->host.bytes, url->host.length);
    if (inet_pton(AF_INET6, text, &address) != 1)
        return PROTO_URL_IPV6;
    cutter->at = close + 1;
    return cutter->at == cutter->end || *cutter->at == ':' ? PROTO_OK : PROTO_URL_IPV6;
}

static bool is_ipv4(struct span host)
{
    char text[INET_ADDRSTRLEN] = "";
    struct in_addr address;

    if (host.length >= sizeof(text))
        return false;
    memcpy(text, host.bytes, host.length);
    return inet_pton(AF_INET, text, &address) == 1;
}

/* No label but one behind a final dot may be empty. */
static bool has_empty_label(struct span host)
{
    for (size_t i = 0; i < host.length; i++)
        if (host.bytes[i] == '.' && (i == 0 || host.bytes[i - 1] == '.'))
            return true;
    return false;
}

/* A host whose last label is a number is an IPv4 address or nothing: no top-level domain is. */
static bool ends_in_number(struct span host)
{
    size_t end = host.length - (host.bytes[host.length - 1] == '.');
    size_t start = end;

    while (start > 0 && ascii_is_digit(host.bytes[start - 1]))
        start--;
    return start < end && (start == 0 || host.bytes[start - 1] == '.');
}

static enum proto_error name_cut(struct cutter *cutter, struct url *url)
{
    const char *start = cutter->at;
    const char *p = start;

    while (p < cutter->end && *p != ':' && is_host_byte(*p))
        p++;
    url->host = (struct span){start, (size_t)(p - start)};
    if (p < cutter->end && *p != ':') {
        cutter->at = p;
        return PROTO_URL_HOST;
    }
    if (url->host.length == 0)
        return PROTO_URL_HOST_EMPTY;
    if (url->host.length > URL_HOST_BYTES_MAX)
        return PROTO_URL_HOST_TOO_LONG;
    url->host_kind = is_ipv4(url->host) ? URL_HOST_IPV4 : URL_HOST_NAME;
    if (has_empty_label(url->host))
        return PROTO_URL_HOST;
    if (url->host_kind == URL_HOST_NAME && ends_in_number(url->host))
        return PROTO_URL_HOST;
    cutter->at = p;
    return PROTO_OK;
}

/* cutter is at the end of the authority or at a colon; a colon may stand alone (RFC 3986, 3.2.3),
 * and is then no part of what is sent. */
static enum proto_error port_cut(struct cutter *cutter, struct url *url)
{
    unsigned port = 0;

    url->port = url->is_https ? 443 : 80;
    if (cutter->end - cutter->at <= 1)
        return PROTO_OK;
    cutter->at++;
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

static enum proto_error authority_cut(struct cutter *cutter, struct url *url)
{
    const char *start = cutter->at;
    const char *userinfo_end;
    enum proto_error error;

    if (start == cutter->end)
        return PROTO_URL_HOST_EMPTY;
    userinfo_end = memchr(start, '@', (size_t)(cutter->end - start));
    if (userinfo_end != NULL) {
        cutter->at = userinfo_end;
        return PROTO_URL_USERINFO;
    }
    error = *start == '[' ? ipv6_cut(cutter, url) : name_cut(cutter, url);
    if (error == PROTO_OK)
        error = port_cut(cutter, url);
    url->authority = (struct span){start, (size_t)(cutter->at - start)};
    return error;
}

static enum proto_error percents_check(struct cutter *cutter)
{
    for (; cutter->at < cutter->end; cutter->at++)
        if (*cutter->at == '%' &&
            (cutter->end - cutter->at < 3 || ascii_hex_value(cutter->at[1]) < 0 ||
             ascii_hex_value(cutter->at[2]) < 0))
            return PROTO_URL_PERCENT;
    return PROTO_OK;
}

static const char *authority_end(const char *p, const char *end)
{
    while (p < end && *p != '/' && *p != '?' && *p != '#')
        p++;
    return p;
}

static const char *target_end(const char *p, const char *end)
{
    const char *fragment = memchr(p, '#', (size_t)(end - p));

    return fragment != NULL ? fragment : end;
}

static enum proto_error url_cut(struct cutter *cutter, struct url *url)
{
    const char *text_end = cutter->end;
    enum proto_error error = bytes_check(cutter);

    if (error == PROTO_OK)
        error = scheme_cut(cutter, url);
    if (error != PROTO_OK)
        return error;
    cutter->end = authority_end(cutter->at, text_end);
    url->target.bytes = cutter->end;
    error = authority_cut(cutter, url);
    if (error != PROTO_OK)
        return error;
    cutter->at = url->target.bytes;
    cutter->end = target_end(cutter->at, text_end);
    url->target.length = (size_t)(cutter->end - cutter->at);
    return percents_check(cutter);
}

enum proto_error url_parse(struct span text, struct url *ret_url, size_t *ret_offset)
{
    struct cutter cutter = {text.bytes, text.bytes};
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
