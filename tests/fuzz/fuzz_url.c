/* Any bytes as a URL: what is accepted must be cut inside the text, must mean the same when it is
 * put together again, and must make a request head that no other party reads differently. */

#include "proto/http/request.h"
#include "tests/lib/feed.h"
#include "tests/fuzz/fuzz.h"

enum { WIRE_BYTES = URL_BYTES_MAX + 512 };

static void require_inside(struct span part, struct span whole)
{
    FUZZ_REQUIRE(part.bytes >= whole.bytes);
    FUZZ_REQUIRE(part.bytes + part.length <= whole.bytes + whole.length);
}

/* One request line, one Host line, one Accept line, a blank line, and no byte that could end a line
 * early. */
static void require_sendable(const struct url *url)
{
    static char wire[WIRE_BYTES];
    const struct request_options options = {0};
    struct request_template template;
    char buffer[64];
    size_t length, spaces = 0, lines = 0;

    FUZZ_REQUIRE(request_template_init(&template, &options, buffer, sizeof(buffer), NULL) ==
                 PROTO_OK);
    FUZZ_REQUIRE(request_write(&template, url, wire, sizeof(wire), &length) == PROTO_OK);
    FUZZ_REQUIRE(memcmp(wire, "GET /", 5) == 0);
    FUZZ_REQUIRE(memcmp(wire + length - 4, "\r\n\r\n", 4) == 0);
    for (size_t i = 0; i < length; i++) {
        bool is_end = wire[i] == '\r' || wire[i] == '\n';

        FUZZ_REQUIRE(is_end || (wire[i] >= 0x20 && wire[i] < 0x7f));
        lines += wire[i] == '\n';
        spaces += wire[i] == ' ';
    }
    FUZZ_REQUIRE(lines == 4 && spaces == 4);
}

static void require_stable(const struct url *url)
{
    static char text[WIRE_BYTES];
    struct span scheme = url->is_https ? SPAN("https://") : SPAN("http://");
    struct span again = {text, scheme.length + url->authority.length + url->target.length};
    struct url other;

    memcpy(text, scheme.bytes, scheme.length);
    memcpy(text + scheme.length, url->authority.bytes, url->authority.length);
    memcpy(text + scheme.length + url->authority.length, url->target.bytes, url->target.length);
    FUZZ_REQUIRE(url_parse(again, &other, NULL) == PROTO_OK);
    FUZZ_REQUIRE(span_equal(other.host, url->host) && other.port == url->port);
    FUZZ_REQUIRE(other.is_https == url->is_https);
    FUZZ_REQUIRE(span_equal(other.authority, url->authority));
    FUZZ_REQUIRE(span_equal(other.target, url->target) && other.host_kind == url->host_kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {NULL, size < FEED_WIRE_BYTES_MAX ? size : FEED_WIRE_BYTES_MAX};
    struct url url;
    size_t offset;

    text.bytes = feed_guarded(0, (struct span){(const char *)data, text.length});
    if (url_parse(text, &url, &offset) != PROTO_OK) {
        FUZZ_REQUIRE(offset <= text.length);
        return 0;
    }
    FUZZ_REQUIRE(url.host.length > 0 && url.host.length <= URL_HOST_BYTES_MAX && url.port > 0);
    require_inside(url.host, url.authority);
    require_inside(url.authority, text);
    require_inside(url.target, text);
    require_sendable(&url);
    require_stable(&url);
    return 0;
}
