/* The head of a reply, read line by line where it lies.
 *
 * The idea: a line is looked at only when its end is there, so everything behind the line reader is
 * written for whole lines; what a byte-wise delivery needs is only the offset of the current line
 * and how much of it is known to hold no end. Whether the bytes come at once or one at a time, the
 * same checks see the same bytes in the same order, so the verdict is the same too. */

#include "proto/http/response.h"

#include "proto/http/scan.h"

void response_init(struct response *response, bool is_head_request)
{
    *response = (struct response){.is_head_request = is_head_request, .keep_alive_s = UINT32_MAX};
}

/* --- lines ---------------------------------------------------------------------------------- */

/* The fixed part of a status line; '#' is a digit. */
static const char status_form[] = "HTTP/1.# ###";
enum { MINOR_AT = 7, STATUS_AT = 9, REASON_AT = 13, FORM_BYTES = sizeof(status_form) - 1 };

static enum proto_error form_fault(size_t at, char c)
{
    if (at == MINOR_AT - 2 && ascii_is_digit(c))
        return PROTO_STATUS_VERSION;
    return at >= STATUS_AT ? PROTO_STATUS_CODE : PROTO_STATUS_LINE;
}

/* Checks as much of the fixed part as is there: what does not speak HTTP is refused at its first
 * wrong byte, not when its line ends, which may be never. */
static enum proto_error form_check(struct span line)
{
    size_t length = line.length < FORM_BYTES ? line.length : FORM_BYTES;

    for (size_t i = 0; i < length; i++) {
        char c = line.bytes[i];

        if (status_form[i] == '#' ? !ascii_is_digit(c) : c != status_form[i])
            return form_fault(i, c);
    }
    return PROTO_OK;
}

/* What the first bytes of a line already tell. */
static enum proto_error line_start_check(const struct response *response, struct span line)
{
    bool is_blank_line;

    if (!response->has_status_line)
        return form_check(line);
    if (ascii_is_blank(line.bytes[0]))
        return PROTO_FIELD_FOLDED;
    is_blank_line = line.bytes[0] == '\r' || line.bytes[0] == '\n';
    if (response->field_count == RESPONSE_FIELDS_MAX && !is_blank_line)
        return PROTO_HEAD_TOO_MANY_FIELDS;
    return PROTO_OK;
}

/* A line ends in CR LF or, as RFC 9112, 2.2 allows, in LF alone; stop is its first control byte. */
static enum proto_error line_end_check(const char *stop, size_t *ret_end_bytes)
{
    if (*stop == '\r') {
        *ret_end_bytes = 2;
        return stop[1] == '\n' ? PROTO_OK : PROTO_HEAD_BARE_CR;
    }
    *ret_end_bytes = 1;
    return *stop == '\n' ? PROTO_OK : PROTO_HEAD_BYTE;
}

/* Reads the line at response->offset and steps behind it; ret_line is without its end, and its
 * bytes are NULL where the end is still to come. */
static enum proto_error line_read(struct response *response, struct span head,
                                  struct span *ret_line)
{
    size_t head_room = RESPONSE_HEAD_BYTES_MAX - response->offset;
    size_t room = head_room < RESPONSE_LINE_BYTES_MAX ? head_room : RESPONSE_LINE_BYTES_MAX;
    size_t received = head.length - response->offset;
    struct span line = {head.bytes + response->offset, received < room ? received : room};
    const char *end = line.bytes + line.length;
    const char *stop;
    enum proto_error error;
    size_t end_bytes;

    *ret_line = (struct span){.bytes = NULL, .length = 0};
    error = line.length > 0 ? line_start_check(response, line) : PROTO_OK;
    if (error != PROTO_OK)
        return error;
    stop = scan_control(line.bytes + response->scanned, end);
    response->scanned = (uint32_t)(stop - line.bytes);
    if (stop == end || (*stop == '\r' && stop + 1 == end)) {
        if (received < room)
            return PROTO_OK;
        return room < head_room ? PROTO_HEAD_LINE_TOO_LONG : PROTO_HEAD_TOO_LONG;
    }
    error = line_end_check(stop, &end_bytes);
    *ret_line = (struct span){line.bytes, response->scanned};
    response->offset += (uint32_t)(response->scanned + end_bytes);
    response->scanned = 0;
    return error;
}

/* The fixed part is there and has its form: line_start_check has seen it. */
static enum proto_error status_line(struct response *response, struct span line)
{
    const char *digits = line.bytes + STATUS_AT;

    if (line.length > FORM_BYTES && line.bytes[FORM_BYTES] != ' ')
        return PROTO_STATUS_CODE;
    response->status =
        (uint16_t)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
    if (response->status < 100 || response->status > 599)
        return PROTO_STATUS_CODE;
    if (response->status == 101)
        return PROTO_STATUS_SWITCHING;
    if (response->status < 200 && response->interim_count == RESPONSE_INTERIM_MAX)
        return PROTO_HEAD_TOO_MANY_INTERIM;
    response->version_minor = line.bytes[MINOR_AT] != '0';
    response->has_status_line = true;
    return PROTO_OK;
}

/* --- fields --------------------------------------------------------------------------------- */

static enum proto_error length_parse(struct span digits, uint64_t *ret_length)
{
    uint64_t length = 0;

    if (digits.length == 0)
        return PROTO_LENGTH_VALUE;
    for (size_t i = 0; i < digits.length; i++) {
        unsigned digit = (unsigned char)digits.bytes[i] - '0';

        if (digit > 9 || length > ((uint64_t)INT64_MAX - digit) / 10)
            return PROTO_LENGTH_VALUE;
        length = length * 10 + digit;
    }
    *ret_length = length;
    return PROTO_OK;
}

/* Several lengths must be the same text (RFC 9112, 6.3, allows that much and no more). */
static enum proto_error content_length_field(struct response *response, struct span head,
                                             struct span value)
{
    struct span element;

    if (response->has_coding)
        return PROTO_LENGTH_AND_CODING;
    while (span_list_next(&value, &element)) {
        struct span first = {head.bytes + response->length_at, response->length_size};
        enum proto_error error = length_parse(element, &response->content_length);

        if (error != PROTO_OK)
            return error;
        if (response->has_length && !span_equal(first, element))
            return PROTO_LENGTH_DIFFERS;
        response->has_length = true;
        response->length_at = (uint32_t)(element.bytes - head.bytes);
        response->length_size = (uint32_t)element.length;
    }
    return PROTO_OK;
}

static enum proto_error transfer_encoding_field(struct response *response, struct span head,
                                                struct span value)
{
    (void)head;
    if (response->version_minor == 0)
        return PROTO_CODING_HTTP10;
    if (response->has_length)
        return PROTO_LENGTH_AND_CODING;
    if (response->has_coding || !span_equal_fold(value, SPAN("chunked")))
        return PROTO_CODING_UNKNOWN;
    response->has_coding = true;
    return PROTO_OK;
}

static enum proto_error connection_field(struct response *response, struct span head,
                                         struct span value)
{
    struct span element;

    (void)head;
    while (span_list_next(&value, &element)) {
        response->has_close |= span_equal_fold(element, SPAN("close"));
        response->has_keep_alive |= span_equal_fold(element, SPAN("keep-alive"));
    }
    return PROTO_OK;
}

/* Keep-Alive: timeout=5, max=100. What is not of this form says nothing. */
static enum proto_error keep_alive_field(struct response *response, struct span value)
{
    const struct span wanted = SPAN("timeout=");
    struct span element;

    while (span_list_next(&value, &element)) {
        struct span name = {element.bytes, wanted.length};
        struct span digits = {element.bytes + wanted.length, element.length - wanted.length};
        uint64_t seconds;

        if (element.length <= wanted.length || !span_equal_fold(name, wanted) ||
            length_parse(digits, &seconds) != PROTO_OK)
            continue;
        if (seconds < response->keep_alive_s)
            response->keep_alive_s = (uint32_t)seconds;
    }
    return PROTO_OK;
}

/* The fields that frame the message. All names differ in length, which tells most others apart. */
static enum proto_error field_apply(struct response *response, struct span head, struct span name,
                                    struct span value)
{
    switch (name.length) {
    case sizeof("connection") - 1:
        if (span_equal_fold(name, SPAN("connection")))
            return connection_field(response, head, span_trim(value));
        if (span_equal_fold(name, SPAN("keep-alive"))) /* as long a name */
            return keep_alive_field(response, span_trim(value));
        break;
    case sizeof("content-length") - 1:
        if (span_equal_fold(name, SPAN("content-length")))
            return content_length_field(response, head, span_trim(value));
        break;
    case sizeof("transfer-encoding") - 1:
        if (span_equal_fold(name, SPAN("transfer-encoding")))
            return transfer_encoding_field(response, head, span_trim(value));
        break;
    }
    return PROTO_OK;
}

static enum proto_error field_line(struct response *response, struct span head, struct span line)
{
    const char *end = line.bytes + line.length;
    const char *colon = scan_token(line.bytes, end);
    struct span name = {line.bytes, (size_t)(colon - line.bytes)};

    if (colon == end || (name.length > 0 && ascii_is_blank(*colon)))
        return PROTO_FIELD_COLON;
    if (*colon != ':' || name.length == 0)
        return PROTO_FIELD_NAME;
    response->field_count++;
    return field_apply(response, head, name, (struct span){colon + 1, (size_t)(end - colon - 1)});
}

/* --- the end of the head -------------------------------------------------------------------- */

/* RFC 9112, 6.3, in its order. */
static enum response_framing framing_choose(const struct response *response)
{
    if (response->is_head_request || response->status == 204 || response->status == 304)
        return FRAMING_NONE;
    if (response->has_coding)
        return FRAMING_CHUNKED;
    return response->has_length ? FRAMING_LENGTH : FRAMING_CLOSE;
}

static enum response_progress interim_end(struct response *response)
{
    *response = (struct response){
        .keep_alive_s = UINT32_MAX,
        .status = response->status,
        .version_minor = response->version_minor,
        .head_length = response->offset,
        .interim_count = (uint8_t)(response->interim_count + 1),
        .is_head_request = response->is_head_request,
    };
    return RESPONSE_INTERIM;
}

static enum response_progress head_end(struct response *response)
{
    bool may_persist = response->version_minor == 0 ? response->has_keep_alive : true;

    if (response->status < 200)
        return interim_end(response);
    response->head_length = response->offset;
    response->framing = framing_choose(response);
    response->keep_alive =
        may_persist && !response->has_close && response->framing != FRAMING_CLOSE;
    return RESPONSE_DONE;
}

enum response_progress response_feed(struct response *response, struct span head,
                                     enum proto_error *ret_error)
{
    struct span line;

    *ret_error = PROTO_OK;
    if (head.length == 0)
        return RESPONSE_MORE;
    for (;;) {
        *ret_error = line_read(response, head, &line);
        if (*ret_error != PROTO_OK)
            return RESPONSE_BAD;
        if (line.bytes == NULL)
            return RESPONSE_MORE;
        if (response->has_status_line && line.length == 0)
            return head_end(response);
        *ret_error = response->has_status_line ? field_line(response, head, line)
                                               : status_line(response, line);
        if (*ret_error != PROTO_OK)
            return RESPONSE_BAD;
    }
}

/* --- views of an accepted head -------------------------------------------------------------- */

/* The line at *cursor, without its end; steps behind it. Every line of an accepted head has one. */
static struct span accepted_line(struct span head, size_t *cursor)
{
    const char *start = head.bytes + *cursor;
    const char *lf = memchr(start, '\n', head.length - *cursor);
    struct span line = {start, (size_t)(lf - start)};

    *cursor += line.length + 1;
    if (line.length > 0 && start[line.length - 1] == '\r')
        line.length--;
    return line;
}

bool response_field_next(struct span head, size_t *cursor, struct span *ret_name,
                         struct span *ret_value)
{
    struct span line;
    const char *colon;

    if (*cursor == 0)
        accepted_line(head, cursor);
    if (*cursor >= head.length)
        return false;
    line = accepted_line(head, cursor);
    if (line.length == 0)
        return false;
    colon = memchr(line.bytes, ':', line.length);
    *ret_name = (struct span){line.bytes, (size_t)(colon - line.bytes)};
    *ret_value = span_trim((struct span){colon + 1, line.length - ret_name->length - 1});
    return true;
}

struct span response_reason(struct span head)
{
    size_t cursor = 0;
    struct span line = accepted_line(head, &cursor);

    if (line.length < REASON_AT)
        return (struct span){line.bytes + line.length, 0};
    return (struct span){line.bytes + REASON_AT, line.length - REASON_AT};
}
