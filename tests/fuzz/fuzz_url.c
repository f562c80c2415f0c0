/* Any bytes as a URL: what is accepted must be cut inside the text, must mean the same when it is
 * put together again, and must make a request head that no other party reads differently. */

#include "proto/http/request.h"
#include "tests/lib/feed.h"
#include "tests/fuzz/fuzz.h"

enum { WIRE_BYTES = 3 * URL_BYTES_MAX + 512 };

static void require_inside(struct span part, struct span whole)
{
    FUZZ_REQUIRE(part.bytes >= whole.bytes);
    FUZZ_REQUIRE(part.bytes + part.length <= whole.bytes + whole.length);
}

static void require_no_dot_segment(struct span path)
{
    for (size_t i = 0; i < path.length; i++) {
        struct span rest = {path.bytes + i, path.length - i};
        bool is_up = rest.length >= 3 && memcmp(rest.bytes, "/..", 3) == 0;
        bool is_dot = rest.length >= 2 && memcmp(rest.bytes, "/.", 2) == 0;
        size_t end = is_up ? 3 : 2;

        FUZZ_REQUIRE(!is_dot || (rest.length > end && rest.bytes[end] != '/'));
    }
}

/* One request line, one Host line, one Accept line, a blank line, and no byte that could end a line
 * early. Only a query has bytes beyond ASCII, and no path a dot segment. */
static void require_sendable(const struct url *url)
{
    static char wire[WIRE_BYTES];
    const struct request_options options = {0};
    struct request_template template;
    char buffer[64];
    size_t length, spaces = 0, lines = 0;
    const char *query, *target_end;

    FUZZ_REQUIRE(request_template_init(&template, &options, buffer, sizeof(buffer), NULL) ==
                 PROTO_OK);
    FUZZ_REQUIRE(request_write(&template, url, wire, sizeof(wire), &length) == PROTO_OK);
    FUZZ_REQUIRE(memcmp(wire, "GET /", 5) == 0);
    FUZZ_REQUIRE(memcmp(wire + length - 4, "\r\n\r\n", 4) == 0);
    target_end = memchr(wire + 4, ' ', length - 4);
    query = memchr(wire + 4, '?', (size_t)(target_end - wire - 4));
    query = query != NULL ? query : target_end;
    for (size_t i = 0; i < length; i++) {
        bool is_end = wire[i] == '\r' || wire[i] == '\n';
        bool is_query = wire + i > query && wire + i < target_end;
        unsigned char c = (unsigned char)wire[i];

        FUZZ_REQUIRE(is_end || (c >= 0x20 && c != 0x7f && (c < 0x80 || is_query)));
        lines += c == '\n';
        spaces += c == ' ';
    }
    FUZZ_REQUIRE(lines == 4 && spaces == 4);
    require_no_dot_segment((struct span){wire + 4, (size_t)(query - wire - 4)});
}

/* Put together again, with the target as it is sent, it is the same place and the same target. */
static void require_stable(const struct url *url)
{
    static char text[WIRE_BYTES];
    static char room[URL_ROOM_BYTES];
    struct span scheme = url->is_https ? SPAN("https://") : SPAN("http://");
    struct span host = url->authority;
    struct span again = {text, scheme.length + host.length + url->target.length};
    struct url other;

    if (again.length > URL_BYTES_MAX) /* an address may be longer than the number it was */
        return;
    memcpy(text, scheme.bytes, scheme.length);
    memcpy(text + scheme.length, host.bytes, host.length);
    memcpy(text + scheme.length + host.length, url->target.bytes, url->target.length);
    FUZZ_REQUIRE(url_parse(again, room, &other, NULL) == PROTO_OK);
    FUZZ_REQUIRE(url_room_used(&other, room) == 0);
    if (memchr(url->host.bytes, '%', url->host.length) == NULL) /* a zone is not sent */
        FUZZ_REQUIRE(span_equal(other.host, url->host));
    FUZZ_REQUIRE(other.port == url->port && other.is_https == url->is_https);
    FUZZ_REQUIRE(span_equal(other.authority, url->authority));
    FUZZ_REQUIRE(span_equal(other.target, url->target) && other.host_kind == url->host_kind);
}

static void require_ascii(struct span host)
{
    for (size_t i = 0; i < host.length; i++)
        FUZZ_REQUIRE(host.bytes[i] > 0x20 && host.bytes[i] < 0x7f &&
                     strchr("/?#@\\", host.bytes[i]) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {NULL, size < FEED_WIRE_BYTES_MAX ? size : FEED_WIRE_BYTES_MAX};
    static char room[URL_ROOM_BYTES];
    struct url url;
    size_t offset;

    text.bytes = feed_guarded(0, (struct span){(const char *)data, text.length});
    if (url_parse(text, room, &url, &offset) != PROTO_OK) {
        FUZZ_REQUIRE(offset <= text.length);
        return 0;
    }
    FUZZ_REQUIRE(url.host.length > 0 && url.host.length <= URL_HOST_BYTES_MAX && url.port > 0);
    FUZZ_REQUIRE(url_room_used(&url, room) <= URL_ROOM_BYTES);
    if (url_room_used(&url, room) == 0)
        require_inside(url.authority, text);
    require_ascii(url.host);
    require_ascii(url.authority);
    require_inside(url.target, text);
    require_sendable(&url);
    require_stable(&url);
    return 0;
}
