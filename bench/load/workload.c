/* What is asked. The schedule is a formula, not a list: with a rate that grows evenly, the number
 * of requests due by time t is a parabola, and its inverse says when number k is due. */

#include "bench/load/workload.h"

#include "proto/http/request.h"
#include "proto/http/url.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIELDS_BYTES = 15000, HEAD_BYTES = 64000, BURST_BYTES_MAX = 64 << 20 };

#define SECOND_NS 1e9
#define FAR_S 1e9 /* later than any run ends */

/* --- the schedule ----------------------------------------------------------------------------- */

/* A piece of it: how long it takes until so many are due, at a rate that grows by slope a second */
static double piece_s(double rate_from, double slope, double count)
{
    if (count <= 0)
        return 0;
    if (slope == 0)
        return count / rate_from;
    return 2 * count / (rate_from + sqrt(fmax(rate_from * rate_from + 2 * slope * count, 0)));
}

/* The rate's growth in requests a second, each second. */
static double growth(const struct load_options *options)
{
    if (options->duration_ns == 0 || options->rate_to == options->rate_from)
        return 0;
    return (options->rate_to - options->rate_from) / ((double)options->duration_ns / SECOND_NS);
}

/* Where the rate's growing ends: how many requests are due until then. */
static double ramp_count(const struct load_options *options)
{
    return (options->rate_from + options->rate_to) / 2 * ((double)options->duration_ns / SECOND_NS);
}

static double ramp_s(const struct load_options *options, double count)
{
    double slope = growth(options);
    if (slope != 0 && count > ramp_count(options))
        return (double)options->duration_ns / SECOND_NS +
               (count - ramp_count(options)) / options->rate_to;
    return piece_s(options->rate_from, slope, count);
}

/* --- its stages ------------------------------------------------------------------------------- */

/* How far the schedule is at a stage's begin. */
struct mark {
    size_t stage;
    uint64_t start_ns;
    double due; /* requests before it; of a fraction the next stage makes one */
};

/* Sums of products of decimals miss whole numbers by less than that. */
#define WHOLE 1e-6

static struct mark mark_next(const struct load_options *options, struct mark mark)
{
    const struct load_stage *stage = &options->stages[mark.stage];
    double length_s = (double)stage->duration_ns / SECOND_NS;
    double due = mark.due + (stage->rate_from + stage->rate_to) / 2 * length_s;
    bool is_whole = fabs(due - round(due)) < WHOLE;
    return (struct mark){mark.stage + 1, mark.start_ns + stage->duration_ns,
                         is_whole ? round(due) : due};
}

/* What is due at a stage's very end is the next one's, so that a pause has none. */
static struct mark mark_of(const struct load_options *options, double count)
{
    struct mark mark = {0};
    while (mark.stage < options->stage_count) {
        struct mark next = mark_next(options, mark);
        if (next.due > count)
            break;
        mark = next;
    }
    return mark;
}

static uint64_t staged_ns(const struct load_options *options, double count)
{
    struct mark mark = mark_of(options, count);
    const struct load_stage *stage = &options->stages[mark.stage];
    if (mark.stage == options->stage_count) {
        double rate = options->stages[mark.stage - 1].rate_to;
        double seconds = rate > 0 ? (count - mark.due) / rate : FAR_S;
        return mark.start_ns + (uint64_t)(fmin(seconds, FAR_S) * SECOND_NS);
    }
    double length_s = (double)stage->duration_ns / SECOND_NS;
    double slope = (stage->rate_to - stage->rate_from) / length_s;
    double seconds = piece_s(stage->rate_from, slope, count - mark.due);
    return mark.start_ns + (uint64_t)(fmin(seconds, length_s) * SECOND_NS);
}

size_t workload_stage_of(const struct load_options *options, uint64_t index)
{
    size_t stage = mark_of(options, (double)index).stage;
    return stage < options->stage_count ? stage : options->stage_count - 1;
}

size_t workload_stage_at(const struct load_options *options, uint64_t time_ns)
{
    size_t stage = 0;
    while (stage + 1 < options->stage_count && time_ns >= options->stages[stage].duration_ns)
        time_ns -= options->stages[stage++].duration_ns;
    return stage;
}

uint64_t workload_due_before(const struct load_options *options, size_t stage)
{
    struct mark mark = {0};
    while (mark.stage < stage)
        mark = mark_next(options, mark);
    return (uint64_t)ceil(mark.due);
}

/* --- all of it -------------------------------------------------------------------------------- */

uint64_t workload_due_ns(const struct load_options *options, uint64_t index)
{
    double count = (double)index;
    if (options->stage_count > 0)
        return staged_ns(options, count);
    return (uint64_t)(fmin(ramp_s(options, count), FAR_S) * SECOND_NS);
}

static double fastest(const struct load_options *options)
{
    double rate = fmax(options->rate_from, options->rate_to);
    for (size_t i = 0; i < options->stage_count; i++)
        rate = fmax(rate, fmax(options->stages[i].rate_from, options->stages[i].rate_to));
    return rate;
}

/* By halving, since the two directions of the formula need not round alike. */
uint64_t workload_due_count(const struct load_options *options, uint64_t time_ns)
{
    uint64_t low = 0;
    uint64_t high = (uint64_t)(fastest(options) * ((double)time_ns / SECOND_NS)) + 2;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (workload_due_ns(options, middle) < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- places ----------------------------------------------------------------------------------- */

static __attribute__((format(printf, 3, 4))) void say(char *message, size_t size,
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, size, format, arguments);
    va_end(arguments);
}

static struct place *place_find(const struct workload *workload, const struct url *url)
{
    for (uint32_t i = 0; i < workload->place_count; i++) {
        struct place *place = &workload->places[i];
        if (place->port == url->port && place->is_https == url->is_https &&
            span_equal_fold(span_of(place->host), url->host))
            return place;
    }
    return NULL;
}

static struct place *place_add(struct workload *workload, const struct url *url)
{
    struct place *place = place_find(workload, url);
    if (place)
        return place;
    struct place *places = realloc(workload->places, (workload->place_count + 1) * sizeof *places);
    if (!places)
        return NULL;
    workload->places = places;
    place = &places[workload->place_count];
    *place = (struct place){
        .host = strndup(url->host.bytes, url->host.length),
        .port = url->port,
        .is_https = url->is_https,
    };
    if (!place->host)
        return NULL;
    workload->place_count++;
    workload->is_https |= url->is_https;
    return place;
}

/* Whether a connection can be made at all is better known before thousands are tried. */
static int address_try(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0)
        return -errno;
    int error = connect(fd, address->ai_addr, address->ai_addrlen) < 0 ? -errno : 0;
    close(fd);
    return error;
}

static int place_resolve(struct place *place, char *ret_message, size_t size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list;
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)place->port);
    int bad = getaddrinfo(place->host, port, &hints, &list);
    if (bad) {
        say(ret_message, size, "host '%s': %s", place->host, gai_strerror(bad));
        return -EHOSTUNREACH;
    }
    int error = -EHOSTUNREACH;
    for (const struct addrinfo *address = list; address && error; address = address->ai_next) {
        error = address_try(address);
        memcpy(&place->address, address->ai_addr, address->ai_addrlen);
        place->address_length = address->ai_addrlen;
    }
    freeaddrinfo(list);
    if (error)
        say(ret_message, size, "host '%s', port %u: %s", place->host, (unsigned)place->port,
            strerror(-error));
    return error;
}

/* --- requests --------------------------------------------------------------------------------- */

/* What the load itself says of connections, before the user's own headers. */
static const char **fields_make(const struct load_options *options)
{
    size_t count = 0;
    while (options->http.headers && options->http.headers[count])
        count++;
    const char **fields = calloc(count + 2, sizeof *fields);
    size_t used = 0;
    if (!fields)
        return NULL;
    if (options->is_closing)
        fields[used++] = "Connection: close";
    for (size_t i = 0; i < count; i++)
        fields[used++] = options->http.headers[i];
    return fields;
}

static int template_make(const struct load_options *options, const char **fields, char *buffer,
                         struct request_template *ret_template, char *ret_message, size_t size)
{
    struct request_options request = {
        .method = options->http.method,
        .user_agent = options->http.user_agent ? options->http.user_agent : "haul/" HAUL_VERSION,
        .fields = fields,
        .has_body = options->http.has_body,
        .body_bytes = options->http.body_length,
        .path_as_is = options->http.path_as_is,
    };
    size_t bad_field = SIZE_MAX;
    enum proto_error bad =
        request_template_init(ret_template, &request, buffer, FIELDS_BYTES, &bad_field);
    if (bad == PROTO_OK)
        return 0;
    if (bad_field != SIZE_MAX)
        say(ret_message, size, "header '%s': %s", fields[bad_field], proto_error_sentence(bad));
    else
        say(ret_message, size, "the request: %s", proto_error_sentence(bad));
    return -EINVAL;
}

/* The request line ends the first line of what request_write() made. */
static void make_http10(char *head)
{
    strstr(head, "\r\n")[-1] = '0';
}

static int target_add(struct workload *workload, struct place *place, const char *head,
                      size_t head_length)
{
    const struct haul_options *http = &workload->options->http;
    size_t body_length = http->has_body ? http->body_length : 0;
    size_t length = head_length + body_length;
    if (length > BURST_BYTES_MAX / workload->depth)
        return -EINVAL;
    struct target *targets = realloc(place->targets, (place->target_count + 1) * sizeof *targets);
    if (!targets)
        return -ENOMEM;
    place->targets = targets;
    char *bytes = malloc(length * workload->depth);
    if (!bytes)
        return -ENOMEM;
    for (uint32_t i = 0; i < workload->depth; i++) {
        memcpy(bytes + i * length, head, head_length);
        if (body_length > 0)
            memcpy(bytes + i * length + head_length, http->body, body_length);
    }
    targets[place->target_count++] = (struct target){bytes, length};
    return 0;
}

static int url_add(struct workload *workload, const struct request_template *template,
                   const char *text, char *ret_message, size_t size)
{
    struct url url;
    size_t offset;
    size_t length;
    char room[URL_ROOM_BYTES];
    char head[HEAD_BYTES];
    enum proto_error bad = url_parse(span_of(text), room, &url, &offset);
    if (bad != PROTO_OK) {
        say(ret_message, size, "URL '%.200s', character %zu: %s", text, offset + 1,
            proto_error_sentence(bad));
        return -EINVAL;
    }
    bad = request_write(template, &url, head, sizeof head, &length);
    if (bad != PROTO_OK) {
        say(ret_message, size, "URL '%.200s': %s", text, proto_error_sentence(bad));
        return -EINVAL;
    }
    if (workload->options->is_http10)
        make_http10(head);
    struct place *place = place_add(workload, &url);
    int error = place ? target_add(workload, place, head, length) : -ENOMEM;
    if (error)
        say(ret_message, size, "URL '%.200s': %s", text,
            error == -EINVAL ? "its body is too large to be pipelined" : strerror(-error));
    return error;
}

static int urls_add(struct workload *workload, char *ret_message, size_t size)
{
    const struct load_options *options = workload->options;
    struct request_template template;
    char buffer[FIELDS_BYTES];
    const char **fields = fields_make(options);
    if (!fields)
        return -ENOMEM;
    int error = template_make(options, fields, buffer, &template, ret_message, size);
    workload->is_head = !error && template.is_head;
    workload->is_idempotent = !error && template.is_idempotent;
    for (size_t i = 0; i < options->url_count && !error; i++)
        error = url_add(workload, &template, options->urls[i], ret_message, size);
    free(fields);
    return error;
}

int workload_open(struct workload *workload, const struct load_options *options, char *ret_message,
                  size_t size)
{
    *workload = (struct workload){
        .options = options,
        .depth = options->pipeline > 0 ? options->pipeline : 1,
    };
    say(ret_message, size, "out of memory");
    int error = urls_add(workload, ret_message, size);
    for (uint32_t i = 0; i < workload->place_count && !error; i++)
        error = place_resolve(&workload->places[i], ret_message, size);
    if (error)
        workload_close(workload);
    return error;
}

void workload_close(struct workload *workload)
{
    for (uint32_t i = 0; i < workload->place_count; i++) {
        struct place *place = &workload->places[i];
        for (uint32_t k = 0; k < place->target_count; k++)
            free(place->targets[k].bytes);
        free(place->targets);
        free(place->host);
    }
    free(workload->places);
    *workload = (struct workload){0};
}
