/* Parses requests: line by line, from the front each time more has come, which is quadratic only
 * for a client that sends its head in crumbs.
 *
 * The fields that frame the message decide; of all others only the form is checked, since a server
 * that lets a malformed head pass would hide the fault of the client that is being tested. */

#include "bench/server/inbound.h"

#include "proto/http/scan.h"

/* The next line without its CR LF. 0, INBOUND_MORE, or 400: a CR or LF that stands alone. */
static int take_line(struct span *rest, struct span *ret_line)
{
    const char *end = memchr(rest->bytes, '\n', rest->length);
    const char *line = rest->bytes;

    if (!end)
        return INBOUND_MORE;
    if (end == line || end[-1] != '\r' || memchr(line, '\r', (size_t)(end - line - 1)))
        return 400;
    *ret_line = (struct span){line, (size_t)(end - 1 - line)};
    rest->length -= (size_t)(end + 1 - line);
    rest->bytes = end + 1;
    return 0;
}

/* What stands before the first separator; false where there is none. */
static bool take_until(struct span *rest, char separator, struct span *ret_part)
{
    const char *end = memchr(rest->bytes, separator, rest->length);

    if (!end)
        return false;
    *ret_part = (struct span){rest->bytes, (size_t)(end - rest->bytes)};
    rest->length -= ret_part->length + 1;
    rest->bytes = end + 1;
    return true;
}

static bool is_token(struct span text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!scan_is_token(text.bytes[i]))
            return false;
    return text.length > 0;
}

static struct span trim(struct span text)
{
    while (text.length > 0 && (*text.bytes == ' ' || *text.bytes == '\t'))
        text.bytes++, text.length--;
    while (text.length > 0 &&
           (text.bytes[text.length - 1] == ' ' || text.bytes[text.length - 1] == '\t'))
        text.length--;
    return text;
}

/* Absolute form, as sent to a proxy, loses its scheme and authority; every form loses its query. */
static struct span path_of(struct span target)
{
    static const struct span scheme = {"http://", 7};
    struct span path;

    if (target.length > scheme.length && memcmp(target.bytes, scheme.bytes, scheme.length) == 0) {
        size_t skipped = scheme.length;

        while (skipped < target.length && target.bytes[skipped] != '/')
            skipped++;
        target.bytes += skipped;
        target.length -= skipped;
    }
    path = target;
    return take_until(&target, '?', &path) ? path : target;
}

static int parse_request_line(struct span line, struct inbound *inbound)
{
    struct span target;

    if (!take_until(&line, ' ', &inbound->method) || !is_token(inbound->method) ||
        !take_until(&line, ' ', &target) || target.length == 0)
        return 400;
    if (line.length != 8 || memcmp(line.bytes, "HTTP/1.", 7) != 0 || line.bytes[7] < '0' ||
        line.bytes[7] > '1')
        return line.length == 8 && memcmp(line.bytes, "HTTP/", 5) == 0 ? 505 : 400;
    inbound->version_minor = (uint8_t)(line.bytes[7] - '0');
    inbound->keep_alive = inbound->version_minor == 1;
    inbound->is_head = span_equal(inbound->method, SPAN("HEAD"));
    inbound->path = path_of(target);
    return 0;
}

static int parse_length(struct span value, bool *has_length, struct inbound *inbound)
{
    uint64_t length = 0;

    for (size_t i = 0; i < value.length; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9')
            return 400;
        length = length * 10 + (uint64_t)(value.bytes[i] - '0');
        if (length > INBOUND_BODY_BYTES_MAX)
            return 413;
    }
    if (value.length == 0 || (*has_length && length != inbound->body_bytes))
        return 400;
    *has_length = true;
    inbound->body_bytes = length;
    return 0;
}

static void parse_connection(struct span value, struct inbound *inbound)
{
    struct span option;
    bool is_last;

    do {
        is_last = !take_until(&value, ',', &option);
        option = trim(is_last ? value : option);
        if (span_equal_fold(option, SPAN("close")))
            inbound->keep_alive = false;
        else if (span_equal_fold(option, SPAN("keep-alive")) && inbound->version_minor == 0)
            inbound->keep_alive = true;
    } while (!is_last);
}

static int parse_field(struct span line, bool *has_length, struct inbound *inbound)
{
    struct span name;

    if (!take_until(&line, ':', &name) || !is_token(name))
        return 400;
    if (span_equal_fold(name, SPAN("Content-Length")))
        return parse_length(trim(line), has_length, inbound);
    if (span_equal_fold(name, SPAN("Connection")))
        parse_connection(line, inbound);
    return span_equal_fold(name, SPAN("Transfer-Encoding")) ? 501 : 0;
}

int inbound_parse(struct span bytes, struct inbound *ret_inbound)
{
    struct span rest = bytes;
    struct span line;
    bool has_length = false;
    size_t head_bytes;
    int status = take_line(&rest, &line);

    *ret_inbound = (struct inbound){0};
    if (status == 0)
        status = parse_request_line(line, ret_inbound);
    while (status == 0 && (status = take_line(&rest, &line)) == 0 && line.length > 0)
        status = parse_field(line, &has_length, ret_inbound);

    head_bytes = status == INBOUND_MORE ? bytes.length : bytes.length - rest.length;
    if (status <= 0 && head_bytes > INBOUND_HEAD_BYTES_MAX)
        return 431;
    if (status != 0)
        return status;
    ret_inbound->length = head_bytes + ret_inbound->body_bytes;
    return ret_inbound->length <= bytes.length ? 0 : INBOUND_MORE;
}
