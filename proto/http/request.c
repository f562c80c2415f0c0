/* Request heads. What all requests of a run share is checked and written once, into a template, so
 * that one more request costs a few copies and no decision. */

#include "proto/http/request.h"

#include "proto/auth/basic.h"
#include "proto/http/scan.h"
#include "proto/writer.h"

static void put_field(struct writer *writer, struct span name, struct span value)
{
    put(writer, name);
    put(writer, SPAN(": "));
    put(writer, value);
    put(writer, SPAN("\r\n"));
}

static void put_number(struct writer *writer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(writer, (struct span){digits + at, sizeof(digits) - at});
}

/* --- method --------------------------------------------------------------------------------- */

static bool is_among(struct span needle, const struct span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(needle, spans[i]))
            return true;
    return false;
}

static enum proto_error method_init(struct request_template *template,
                                    const struct request_options *options)
{
    const struct span idempotent[] = {SPAN("GET"),    SPAN("HEAD"),    SPAN("PUT"),
                                      SPAN("DELETE"), SPAN("OPTIONS"), SPAN("TRACE")};
    const char *default_method = options->has_body ? "POST" : "GET";
    struct span method = span_of(options->method != NULL ? options->method : default_method);
    const char *end = method.bytes + method.length;

    if (method.length == 0 || scan_token(method.bytes, end) != end)
        return PROTO_METHOD;
    if (span_equal(method, SPAN("CONNECT")))
        return PROTO_METHOD_CONNECT;
    template->method = method;
    template->version =
        options->is_http10 ? SPAN(" HTTP/1.0\r\nHost: ") : SPAN(" HTTP/1.1\r\nHost: ");
    template->path_as_is = options->path_as_is;
    template->is_head = span_equal(method, SPAN("HEAD"));
    template->is_idempotent =
        is_among(method, idempotent, sizeof(idempotent) / sizeof(idempotent[0]));
    return PROTO_OK;
}

/* --- field lines ---------------------------------------------------------------------------- */

struct field_line {
    struct span name;
    struct span value;
    bool is_removal; /* "Name:" */
};

static bool is_framing(struct span name)
{
    return span_equal_fold(name, SPAN("Content-Length")) ||
           span_equal_fold(name, SPAN("Transfer-Encoding"));
}

static enum proto_error field_line_parse(const char *text, struct field_line *ret_line)
{
    struct span line = span_of(text);
    const char *end = line.bytes + line.length;
    const char *name_end = scan_token(line.bytes, end);

    *ret_line = (struct field_line){.name = {line.bytes, (size_t)(name_end - line.bytes)}};
    if (scan_control(line.bytes, end) != end)
        return PROTO_FIELD_LINE_BYTE;
    if (memchr(line.bytes, ':', line.length) == NULL) {
        if (ret_line->name.length == 0 || strcmp(name_end, ";") != 0)
            return PROTO_FIELD_LINE;
    } else {
        if (ret_line->name.length == 0 || *name_end != ':')
            return PROTO_FIELD_LINE_NAME;
        ret_line->value = span_trim((struct span){name_end + 1, (size_t)(end - name_end - 1)});
        ret_line->is_removal = ret_line->value.length == 0;
    }
    if (is_framing(ret_line->name))
        return PROTO_FIELD_LINE_FRAMING;
    if (span_equal_fold(ret_line->name, SPAN("Host")) && ret_line->value.length == 0)
        return PROTO_FIELD_LINE; /* HTTP/1.1 asks for a Host, and haul knows no URL without one */
    return PROTO_OK;
}

/* Who sends one has the server tell a repetition from another request; as in Go. */
static bool is_idempotency_key(const struct field_line *line)
{
    return !line->is_removal && (span_equal_fold(line->name, SPAN("Idempotency-Key")) ||
                                 span_equal_fold(line->name, SPAN("X-Idempotency-Key")));
}

static bool begins_with_fold(struct span text, struct span prefix)
{
    return text.length >= prefix.length &&
           span_equal_fold((struct span){text.bytes, prefix.length}, prefix);
}

/* Is it one that does not go where the request was redirected to? */
static bool is_left_behind(const struct request_options *options, struct span name)
{
    if (options->without_content && begins_with_fold(name, SPAN("Content-")))
        return true;
    if (options->without_expect && span_equal_fold(name, SPAN("Expect")))
        return true;
    return options->without_credentials && (span_equal_fold(name, SPAN("Authorization")) ||
                                            span_equal_fold(name, SPAN("Proxy-Authorization")) ||
                                            span_equal_fold(name, SPAN("Cookie")));
}

bool request_has_field(const char *const *fields, struct span name)
{
    struct field_line line;

    for (; fields != NULL && *fields != NULL; fields++)
        if (field_line_parse(*fields, &line) == PROTO_OK && span_equal_fold(line.name, name))
            return true;
    return false;
}

static bool list_has(struct span list, struct span wanted)
{
    struct span element;

    while (span_list_next(&list, &element))
        if (span_equal_fold(element, wanted))
            return true;
    return false;
}

static enum proto_error fields_check(struct request_template *template,
                                     const struct request_options *options, size_t *ret_bad_field)
{
    const char *user_agent = options->user_agent != NULL ? options->user_agent : "";
    struct span agent = span_of(user_agent);

    bool keeps_alive = false;
    *ret_bad_field = SIZE_MAX;
    if (scan_control(agent.bytes, agent.bytes + agent.length) != agent.bytes + agent.length)
        return PROTO_FIELD_LINE_BYTE;
    for (size_t i = 0; options->fields != NULL && options->fields[i] != NULL; i++) {
        struct field_line line;
        enum proto_error error = field_line_parse(options->fields[i], &line);

        *ret_bad_field = i;
        if (error != PROTO_OK)
            return error;
        if (span_equal_fold(line.name, SPAN("Host")) && !options->without_host)
            template->host = line.value;
        if (span_equal_fold(line.name, SPAN("Connection"))) {
            template->asks_close |= list_has(line.value, SPAN("close"));
            keeps_alive |= list_has(line.value, SPAN("keep-alive"));
        }
        if (span_equal_fold(line.name, SPAN("Expect")))
            template->expects |= list_has(line.value, SPAN("100-continue"));
        template->is_idempotent |= is_idempotency_key(&line);
        template->has_range |= span_equal_fold(line.name, SPAN("Range"));
    }
    template->asks_close |= options->is_http10 && !keeps_alive;
    return options->is_chunked && options->is_http10 ? PROTO_REQUEST_CHUNKED : PROTO_OK;
}

static void put_basic(struct writer *writer, const struct request_credentials *credentials)
{
    bool has_room = writer->length < writer->size;

    writer->length += basic_write(credentials->user, credentials->password,
                                  has_room ? writer->buffer + writer->length : NULL,
                                  has_room ? writer->size - writer->length : 0);
}

static void put_authorization(struct writer *writer, const struct request_credentials *credentials)
{
    put(writer, SPAN("Authorization: "));
    if (credentials->value.bytes != NULL) {
        put(writer, credentials->value);
    } else if (credentials->bearer.bytes != NULL) {
        put(writer, SPAN("Bearer "));
        put(writer, credentials->bearer);
    } else {
        put_basic(writer, credentials);
    }
    put(writer, SPAN("\r\n"));
}

static bool has_credentials(const struct request_credentials *credentials)
{
    return credentials->value.bytes != NULL || credentials->bearer.bytes != NULL ||
           credentials->user.bytes != NULL || credentials->password.bytes != NULL;
}

static void put_defaults(struct writer *writer, const struct request_options *options)
{
    bool has_agent = options->user_agent != NULL && options->user_agent[0] != '\0';

    if (has_credentials(&options->credentials) &&
        !request_has_field(options->fields, SPAN("Authorization")))
        put_authorization(writer, &options->credentials);
    if (has_agent && !request_has_field(options->fields, SPAN("User-Agent")))
        put_field(writer, SPAN("User-Agent"), span_of(options->user_agent));
    if (!request_has_field(options->fields, SPAN("Accept")))
        put_field(writer, SPAN("Accept"), SPAN("*/*"));
    if (options->accept_encoding != NULL &&
        !request_has_field(options->fields, SPAN("Accept-Encoding")))
        put_field(writer, SPAN("Accept-Encoding"), span_of(options->accept_encoding));
}

static void put_user_fields(struct writer *writer, const struct request_options *options)
{
    const char *const *fields = options->fields;

    for (; fields != NULL && *fields != NULL; fields++) {
        struct field_line line;

        field_line_parse(*fields, &line);
        if (!line.is_removal && !span_equal_fold(line.name, SPAN("Host")) &&
            !is_left_behind(options, line.name))
            put_field(writer, line.name, line.value);
    }
}

/* Of a method that means its body, the length is said where there is none too (RFC 9110, 8.6):
 * without it some servers answer 411, or wait. */
static void put_body_fields(struct writer *writer, struct span method,
                            const struct request_options *options)
{
    const struct span with_bodies[] = {SPAN("POST"), SPAN("PUT"), SPAN("PATCH")};
    bool means_body = is_among(method, with_bodies, sizeof(with_bodies) / sizeof(with_bodies[0]));

    if (!options->has_body) {
        if (means_body)
            put(writer, SPAN("Content-Length: 0\r\n"));
        return;
    }
    if (!options->without_type && !request_has_field(options->fields, SPAN("Content-Type")))
        put_field(writer, SPAN("Content-Type"), SPAN("application/x-www-form-urlencoded"));
    if (options->is_chunked) {
        put(writer, SPAN("Transfer-Encoding: chunked\r\n"));
        return;
    }
    put(writer, SPAN("Content-Length: "));
    put_number(writer, options->body_bytes);
    put(writer, SPAN("\r\n"));
}

/* Who sends a long body asks first whether it is wanted (RFC 9110, 10.1.1); of HTTP/1.0 nobody
 * knows the answer. */
static void put_expect(struct writer *writer, struct request_template *template,
                       const struct request_options *options)
{
    bool can_wait = options->has_body && !options->is_http10 && !options->without_expect;

    template->expects &= can_wait;
    if (!can_wait || !options->may_expect || request_has_field(options->fields, SPAN("Expect")))
        return;
    put(writer, SPAN("Expect: 100-continue\r\n"));
    template->expects = true;
}

static void put_range(struct writer *writer, const struct request_options *options)
{
    if (options->if_range.length == 0)
        return;
    put(writer, SPAN("Range: bytes="));
    put_number(writer, options->range_from);
    put(writer, SPAN("-\r\n"));
    put_field(writer, SPAN("If-Range"), options->if_range);
}

enum proto_error request_template_init(struct request_template *template,
                                       const struct request_options *options, char *buffer,
                                       size_t size, size_t *ret_bad_field)
{
    struct writer writer = {.buffer = buffer, .size = size};
    size_t bad_field;
    enum proto_error error;

    *template = (struct request_template){0};
    error = method_init(template, options);
    if (error != PROTO_OK)
        return error;
    error = fields_check(template, options, ret_bad_field != NULL ? ret_bad_field : &bad_field);
    if (error != PROTO_OK)
        return error;

    put(&writer, template->host);
    template->host.bytes = buffer;
    template->fields.bytes = buffer + template->host.length;
    put_defaults(&writer, options);
    put_user_fields(&writer, options);
    put_range(&writer, options);
    put_body_fields(&writer, template->method, options);
    put_expect(&writer, template, options);
    put(&writer, SPAN("\r\n"));
    template->fields.length = writer.length - template->host.length;
    return writer.length <= size ? PROTO_OK : PROTO_REQUEST_TOO_LONG;
}

/* A path that cannot go out as it is written; what it becomes may be shorter, or thrice as long. */
static void put_path(struct writer *writer, struct span path, bool keeps_dots)
{
    size_t length = url_path_write(path, keeps_dots, NULL);

    if (length <= writer->size && writer->length <= writer->size - length)
        url_path_write(path, keeps_dots, writer->buffer + writer->length + length);
    writer->length += length;
}

/* The query goes out as it is, bytes beyond ASCII included: so does curl's. */
static void put_odd_target(struct writer *writer, struct span target, bool keeps_dots)
{
    const char *query = memchr(target.bytes, '?', target.length);
    size_t path_length = query != NULL ? (size_t)(query - target.bytes) : target.length;

    put_path(writer, (struct span){target.bytes, path_length}, keeps_dots);
    put(writer, (struct span){target.bytes + path_length, target.length - path_length});
}

static void put_target(struct writer *writer, const struct url *url, bool path_as_is)
{
    if (url_target_needs_slash(url))
        put(writer, SPAN("/"));
    if (url->has_odd_target && url->target.length > 0)
        put_odd_target(writer, url->target, path_as_is);
    else
        put(writer, url->target);
}

enum proto_error request_target_write(const struct url *url, bool path_as_is, char *buffer,
                                      size_t size, size_t *ret_length)
{
    struct writer writer = {.buffer = buffer, .size = size};

    put_target(&writer, url, path_as_is);
    *ret_length = writer.length;
    return writer.length <= size ? PROTO_OK : PROTO_REQUEST_TOO_LONG;
}

enum proto_error request_write(const struct request_template *template, const struct url *url,
                               char *buffer, size_t size, size_t *ret_length)
{
    struct writer writer = {.buffer = buffer, .size = size};

    put(&writer, template->method);
    put(&writer, SPAN(" "));
    put_target(&writer, url, template->path_as_is);
    put(&writer, template->version);
    put(&writer, template->host.length > 0 ? template->host : url->authority);
    put(&writer, SPAN("\r\n"));
    put(&writer, template->fields);
    *ret_length = writer.length;
    return writer.length <= size ? PROTO_OK : PROTO_REQUEST_TOO_LONG;
}
