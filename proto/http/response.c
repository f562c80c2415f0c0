/* The head of a reply, read line by line where it lies.
 *
 * The idea: a line is looked at only when its end is there, so everything behind the line reader is
 * written for whole lines; what a byte-wise delivery needs is only the offset of the current line
 * and how much of it is known to hold no end. Whether the bytes come at once or one at a time, the
 * same checks see the same bytes in the same order, so the verdict is the same too. What is odd is
 * looked at where the ordinary check has failed, and nowhere else. */

#include "proto/http/response.h"

#include "proto/http/scan.h"

const struct response_rules response_rules_default = {
    .max_head = RESPONSE_MAX_HEAD,
    .max_fields = RESPONSE_MAX_FIELDS,
    .max_interim = RESPONSE_MAX_INTERIM,
    .carry_above = UINT32_MAX,
};

void response_init(struct response *response, const struct response_rules *rules,
                   bool is_head_request)
{
    *response = (struct response){.rules = rules, .is_head_request = is_head_request};
}

void response_again(struct response *response)
{
    *response = (struct response){
        .anomalies = response->anomalies,
        .interim_count = response->interim_count,
        .rules = response->rules,
        .is_head_request = response->is_head_request,
    };
}

/* An anomaly: noted, or an error where replies are read strictly. */
static enum proto_error odd(struct response *response, enum proto_error error)
{
    if (response->rules->is_strict)
        return error;
    response->anomalies |= proto_anomaly_bit(error);
    return PROTO_OK;
}

/* --- lines ---------------------------------------------------------------------------------- */

/* The fixed part of a status line; '#' is a digit. */
static const char status_form[] = "HTTP/1.# ###";
enum { MINOR_AT = 7, STATUS_AT = 9, FORM_BYTES = sizeof(status_form) - 1 };
enum { STATUS_DIGITS = 3, STATUS_SPACES_MAX = 64 };
enum { RECORD_ALERT = 21 }; /* what TLS's records of alerts begin with (RFC 8446, 5.1) */

static enum proto_error form_fault(size_t at, char c)
{
    if (at == 0 && c == RECORD_ALERT)
        return PROTO_STATUS_TLS;
    if (at == MINOR_AT - 2 && ascii_is_digit(c))
        return PROTO_STATUS_VERSION;
    return at >= STATUS_AT ? PROTO_STATUS_CODE : PROTO_STATUS_LINE;
}

/* Where the status code begins: behind one space, or behind several. */
static size_t code_at(struct span line)
{
    size_t at = STATUS_AT;

    while (at < line.length && at < STATUS_AT + STATUS_SPACES_MAX && line.bytes[at] == ' ')
        at++;
    return at;
}

/* As form_check, of a line with several spaces before its code. */
static enum proto_error spaced_check(const struct response *response, struct span line)
{
    size_t at = code_at(line);

    if (response->rules->is_strict)
        return PROTO_STATUS_SPACES;
    for (size_t i = at; i < line.length && i < at + STATUS_DIGITS; i++)
        if (!ascii_is_digit(line.bytes[i]))
            return PROTO_STATUS_CODE;
    return PROTO_OK;
}

static bool form_fits(const char *line)
{
    return memcmp(line, status_form, MINOR_AT) == 0 && ascii_is_digit(line[MINOR_AT]) &&
           line[STATUS_AT - 1] == ' ' && ascii_is_digit(line[STATUS_AT]) &&
           ascii_is_digit(line[STATUS_AT + 1]) && ascii_is_digit(line[STATUS_AT + 2]);
}

/* Checks as much of the fixed part as is there: what does not speak HTTP is refused at its first
 * wrong byte, not when its line ends, which may be never. */
static enum proto_error form_check(const struct response *response, struct span line)
{
    size_t length = line.length < FORM_BYTES ? line.length : FORM_BYTES;

    if (length == FORM_BYTES && form_fits(line.bytes))
        return PROTO_OK;
    for (size_t i = 0; i < length; i++) {
        char c = line.bytes[i];

        if (status_form[i] != '#' ? c == status_form[i] : ascii_is_digit(c))
            continue;
        return i == STATUS_AT && c == ' ' ? spaced_check(response, line) : form_fault(i, c);
    }
    return PROTO_OK;
}

/* What the first bytes of a line already tell. White space begins one only behind the status line:
 * elsewhere it goes on with the line before. */
static enum proto_error line_start_check(const struct response *response, struct span line)
{
    if (!response->has_status_line)
        return form_check(response, line);
    if (ascii_is_blank(line.bytes[0]))
        return PROTO_FIELD_FOLDED;
    if (response->field_count < response->rules->max_fields)
        return PROTO_OK;
    return line.bytes[0] == '\r' || line.bytes[0] == '\n' ? PROTO_OK : PROTO_HEAD_TOO_MANY_FIELDS;
}

/* A control byte inside a line: behind a colon it is one of the value's. */
static enum proto_error control_check(struct response *response, const char *line, const char *stop)
{
    if (*stop == '\0' || !response->has_status_line || !memchr(line, ':', (size_t)(stop - line)))
        return PROTO_HEAD_BYTE;
    return odd(response, PROTO_VALUE_CONTROL);
}

/* A line ends in CR LF or, as RFC 9112, 2.2 allows, in LF alone. stop is a control byte of it;
 * *ret_end_bytes is 0 where the line goes on behind that. */
static enum proto_error line_end_check(struct response *response, const char *line,
                                       const char *stop, size_t *ret_end_bytes)
{
    if (*stop == '\r') {
        *ret_end_bytes = 2;
        return stop[1] == '\n' ? PROTO_OK : PROTO_HEAD_BARE_CR;
    }
    *ret_end_bytes = *stop == '\n';
    return *stop == '\n' ? PROTO_OK : control_check(response, line, stop);
}

/* Reads the line at response->offset and steps behind it; ret_line is without its end, and its
 * bytes are NULL where the end is still to come. A field line has ended where the next byte is no
 * white space; with folds, it holds their CR LF. */
static enum proto_error line_read(struct response *response, struct span head,
                                  struct span *ret_line)
{
    size_t room = response->rules->max_head - response->offset;
    size_t received = head.length - response->offset;
    struct span line = {head.bytes + response->offset, received < room ? received : room};
    const char *end = line.bytes + line.length;
    enum proto_error error;

    *ret_line = (struct span){.bytes = NULL, .length = 0};
    error = line.length > 0 ? line_start_check(response, line) : PROTO_OK;
    while (error == PROTO_OK) {
        const char *stop = scan_control(line.bytes + response->scanned, end);
        const char *next;
        size_t end_bytes;

        response->scanned = (uint32_t)(stop - line.bytes);
        if (stop == end || (*stop == '\r' && stop + 1 == end))
            break;
        error = line_end_check(response, line.bytes, stop, &end_bytes);
        if (error != PROTO_OK)
            return error;
        next = stop + end_bytes;
        if (end_bytes > 0 && (response->scanned == 0 || !response->has_status_line ||
                              (next < end && !ascii_is_blank(*next)))) {
            *ret_line = (struct span){line.bytes, response->scanned};
            response->offset += (uint32_t)(next - line.bytes);
            response->scanned = 0;
            return PROTO_OK;
        }
        if (next == end)
            break;
        response->has_folds |= end_bytes > 0;
        response->scanned = (uint32_t)(next + 1 - line.bytes);
    }
    if (error == PROTO_OK && received >= room)
        error = PROTO_HEAD_TOO_LONG;
    return error;
}

/* The fixed part is there and has its form: line_start_check has seen it. */
static enum proto_error status_line(struct response *response, struct span line)
{
    const char *digits = line.bytes + STATUS_AT;
    enum proto_error error = PROTO_OK;

    if (*digits == ' ') {
        error = odd(response, PROTO_STATUS_SPACES);
        digits = line.bytes + code_at(line);
    }
    if (digits + STATUS_DIGITS < line.bytes + line.length && digits[STATUS_DIGITS] != ' ')
        return PROTO_STATUS_CODE;
    response->status =
        (uint16_t)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
    if (response->status < 100)
        return PROTO_STATUS_CODE;
    if (response->status == 101)
        return PROTO_STATUS_SWITCHING;
    if (response->status < 200 && response->interim_count >= response->rules->max_interim)
        return PROTO_HEAD_TOO_MANY_INTERIM;
    response->version_minor = line.bytes[MINOR_AT] != '0';
    response->has_status_line = true;
    response->ends_at_head = response->is_head_request || response->status < 200 ||
                             response->status == 204 || response->status == 304;
    return error;
}

/* --- fields --------------------------------------------------------------------------------- */

static bool is_blank_or_fold(char c)
{
    return ascii_is_blank(c) || c == '\r' || c == '\n';
}

static struct span folded_trim(struct span span)
{
    while (span.length > 0 && is_blank_or_fold(span.bytes[0]))
        span = (struct span){.bytes = span.bytes + 1, .length = span.length - 1};
    while (span.length > 0 && is_blank_or_fold(span.bytes[span.length - 1]))
        span.length--;
    return span;
}

/* The next element of a field's list, without white space and folds around it. */
static bool element_next(const struct response *response, struct span *list, struct span *ret)
{
    if (!span_list_next(list, ret))
        return false;
    if (response->has_folds)
        *ret = folded_trim(*ret);
    return true;
}

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

/* Several lengths must be the same text (RFC 9112, 6.3, allows that much and no more): the same
 * number in as many digits. */
static enum proto_error lengths_read(struct response *response, struct span value)
{
    struct span element;

    while (element_next(response, &value, &element)) {
        uint64_t length;
        enum proto_error error = length_parse(element, &length);

        if (error != PROTO_OK)
            return error;
        if (response->has_length && (length != response->content_length ||
                                     (uint32_t)element.length != response->length_size))
            return PROTO_LENGTH_DIFFERS;
        response->has_length = true;
        response->content_length = length;
        response->length_size = (uint32_t)element.length;
    }
    return PROTO_OK;
}

/* A reply that ends at its head has no use for a length; with a wrong one it is not trusted to. */
static enum proto_error content_length_field(struct response *response, struct span value)
{
    if (!response->ends_at_head)
        return lengths_read(response, value);
    if (response->status == 204)
        return odd(response, PROTO_LENGTH_WITHOUT_BODY);
    response->has_close |= lengths_read(response, value) != PROTO_OK;
    return PROTO_OK;
}

static enum proto_error coding_read(struct response *response, struct span coding)
{
    bool is_repeated = response->has_chunked;

    response->has_coding = true;
    if (span_equal_fold(coding, SPAN("chunked"))) {
        response->has_chunked = true;
        return is_repeated ? odd(response, PROTO_CODING_REPEATED) : PROTO_OK;
    }
    if (!span_equal_fold(coding, SPAN("identity")))
        return PROTO_CODING_UNKNOWN;
    return is_repeated ? PROTO_CODING_NOT_LAST : odd(response, PROTO_CODING_IDENTITY);
}

static enum proto_error transfer_encoding_field(struct response *response, struct span value)
{
    struct span coding;
    enum proto_error error = PROTO_OK;

    if (response->status < 200)
        return PROTO_OK;
    if (response->ends_at_head)
        return odd(response, PROTO_CODING_WITHOUT_BODY);
    if (response->version_minor == 0)
        return PROTO_CODING_HTTP10;
    while (error == PROTO_OK && element_next(response, &value, &coding))
        error = coding_read(response, coding);
    return error;
}

static enum proto_error connection_field(struct response *response, struct span value)
{
    struct span element;

    while (element_next(response, &value, &element)) {
        response->has_close |= span_equal_fold(element, SPAN("close"));
        response->has_keep_alive |= span_equal_fold(element, SPAN("keep-alive"));
    }
    return PROTO_OK;
}

/* Keep-Alive: timeout=5, max=100. It is a hint: what is no number says nothing, of several numbers
 * the smallest holds. */
static enum proto_error keep_alive_field(struct response *response, struct span value)
{
    static const struct span name = {"timeout", sizeof "timeout" - 1};
    struct span element;
    uint64_t seconds;

    while (element_next(response, &value, &element)) {
        const char *equals = memchr(element.bytes, '=', element.length);
        struct span key = {element.bytes, equals ? (size_t)(equals - element.bytes) : 0};
        struct span number = {element.bytes + key.length + 1, element.length - key.length - 1};

        if (!equals || !span_equal_fold(span_trim(key), name) ||
            length_parse(span_trim(number), &seconds) != PROTO_OK)
            continue;
        seconds = seconds < UINT32_MAX ? seconds : UINT32_MAX;
        if (!response->has_keep_alive_timeout || seconds < response->keep_alive_timeout_s)
            response->keep_alive_timeout_s = (uint32_t)seconds;
        response->has_keep_alive_timeout = true;
    }
    return PROTO_OK;
}

/* The fields that frame the message, or say how long its connection lives. The length of the name
 * tells most others apart. */
static enum proto_error field_apply(struct response *response, struct span name, struct span value)
{
    switch (name.length) {
    case sizeof("connection") - 1: /* and of keep-alive */
        if (span_equal_fold(name, SPAN("connection")))
            return connection_field(response, span_trim(value));
        if (span_equal_fold(name, SPAN("keep-alive")))
            return keep_alive_field(response, span_trim(value));
        break;
    case sizeof("content-length") - 1:
        if (span_equal_fold(name, SPAN("content-length")))
            return content_length_field(response, span_trim(value));
        break;
    case sizeof("content-encoding") - 1:
        response->has_content_coding |= span_equal_fold(name, SPAN("content-encoding"));
        break;
    case sizeof("transfer-encoding") - 1:
        if (span_equal_fold(name, SPAN("transfer-encoding")))
            return transfer_encoding_field(response, span_trim(value));
        break;
    }
    return PROTO_OK;
}

static bool is_framing(struct span name)
{
    return span_equal_fold(name, SPAN("connection")) ||
           span_equal_fold(name, SPAN("content-length")) ||
           span_equal_fold(name, SPAN("transfer-encoding"));
}

/* A name of more than a token: words, white space between and behind them, which may be a fold. It
 * frames nothing, and must not look to anybody as if it did: neither in front of the white space,
 * nor, behind a fold, where some would see a line of its own. */
static enum proto_error odd_name(struct response *response, struct span name)
{
    struct span words = folded_trim(name);
    struct span last = words;
    bool has_fold = memchr(name.bytes, '\n', name.length) != NULL;
    enum proto_error error = PROTO_OK;

    for (size_t i = 0; i < words.length; i++) {
        if (is_blank_or_fold(words.bytes[i]))
            last = (struct span){words.bytes + i + 1, words.length - i - 1};
        else if (!scan_is_token(words.bytes[i]))
            return PROTO_FIELD_NAME;
    }
    if (words.length < name.length)
        error = is_framing(words) ? PROTO_FIELD_COLON : odd(response, PROTO_COLON_SPACE);
    if (error == PROTO_OK && last.bytes != words.bytes)
        error = has_fold && is_framing(last) ? PROTO_FIELD_NAME : odd(response, PROTO_NAME_SPACE);
    response->field_count++;
    return error;
}

static enum proto_error odd_line(struct response *response, struct span line)
{
    const char *colon = memchr(line.bytes, ':', line.length);

    if (!colon)
        return odd(response, PROTO_LINE_WITHOUT_COLON);
    if (colon == line.bytes)
        return PROTO_FIELD_NAME;
    return odd_name(response, (struct span){line.bytes, (size_t)(colon - line.bytes)});
}

static enum proto_error field_line(struct response *response, struct span line)
{
    const char *end = line.bytes + line.length;
    const char *colon = scan_token(line.bytes, end);
    struct span name = {line.bytes, (size_t)(colon - line.bytes)};

    if (colon == end || *colon != ':' || name.length == 0)
        return odd_line(response, line);
    response->field_count++;
    return field_apply(response, name, (struct span){colon + 1, (size_t)(end - colon - 1)});
}

/* --- the end of the head -------------------------------------------------------------------- */

/* RFC 9112, 6.3, in its order. */
static enum response_framing framing_choose(const struct response *response)
{
    if (response->ends_at_head)
        return FRAMING_NONE;
    if (response->has_chunked)
        return FRAMING_CHUNKED;
    return response->has_length ? FRAMING_LENGTH : FRAMING_CLOSE;
}

static enum response_progress interim_end(struct response *response)
{
    *response = (struct response){
        .status = response->status,
        .version_minor = response->version_minor,
        .head_length = response->offset,
        .anomalies = response->anomalies,
        .interim_count = response->interim_count + 1,
        .rules = response->rules,
        .is_head_request = response->is_head_request,
    };
    return RESPONSE_INTERIM;
}

/* A coding and a length: chunked is what counts (RFC 9112, 6.3, item 3); beside another coding the
 * length would, to some. */
static enum proto_error coding_check(struct response *response)
{
    if (!response->has_length)
        return PROTO_OK;
    if (response->has_chunked)
        return odd(response, PROTO_LENGTH_AND_CODING);
    response->anomalies &= ~proto_anomaly_bit(PROTO_CODING_IDENTITY); /* nor is it read as one */
    return PROTO_LENGTH_AND_CODING;
}

static enum response_progress head_end(struct response *response, enum proto_error *ret_error)
{
    bool may_persist = response->version_minor == 0 ? response->has_keep_alive : true;

    if (response->status < 200)
        return interim_end(response);
    if (response->has_coding)
        *ret_error = coding_check(response);
    if (*ret_error != PROTO_OK)
        return RESPONSE_BAD;
    response->head_length = response->offset;
    response->framing = framing_choose(response);
    response->keep_alive = may_persist && !response->has_close && response->anomalies == 0 &&
                           response->framing != FRAMING_CLOSE;
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
            return head_end(response, ret_error);
        *ret_error =
            response->has_status_line ? field_line(response, line) : status_line(response, line);
        if (*ret_error != PROTO_OK)
            return RESPONSE_BAD;
    }
}

/* --- an accepted head ------------------------------------------------------------------------ */

size_t response_unfold(char *head, size_t length)
{
    size_t kept = 0;

    for (size_t at = 0; at < length; at++) {
        if (head[at] != '\n' || at + 1 == length || !ascii_is_blank(head[at + 1])) {
            head[kept++] = head[at];
            continue;
        }
        while (is_blank_or_fold(head[kept - 1])) /* a line does not begin with white space */
            kept--;
        while (ascii_is_blank(head[at + 1])) /* nor does a head end with it */
            at++;
        head[kept++] = ' ';
    }
    return kept;
}

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
    if (*cursor == 0)
        accepted_line(head, cursor);
    while (*cursor < head.length) {
        struct span line = accepted_line(head, cursor);
        const char *colon = memchr(line.bytes, ':', line.length);

        if (line.length == 0)
            return false;
        if (!colon)
            continue;
        *ret_name = span_trim((struct span){line.bytes, (size_t)(colon - line.bytes)});
        *ret_value =
            span_trim((struct span){colon + 1, line.length - (size_t)(colon - line.bytes) - 1});
        return true;
    }
    return false;
}

struct span response_reason(struct span head)
{
    size_t cursor = 0;
    struct span line = accepted_line(head, &cursor);
    size_t at = code_at(line) + STATUS_DIGITS + 1;

    if (line.length < at)
        return (struct span){line.bytes + line.length, 0};
    return (struct span){line.bytes + at, line.length - at};
}
