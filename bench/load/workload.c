/* What is asked. The one hard idea: requests that follow each other lie behind each other, and the
 * first of a round once more behind its last, so that a burst is one piece of memory wherever it
 * begins; and what differs from request to request is written before the run, where it costs
 * nothing. */

#include "bench/load/workload.h"

#include "bench/load/template.h"
#include "proto/http/request.h"
#include "proto/http/url.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIELDS_BYTES = 15000, HEAD_BYTES = 64000, BURST_BYTES_MAX = 64 << 20 };

/* Of a template, so many requests or bytes at most; a run that asks more goes round them. */
enum { PREPARED_MAX = 1000000, PREPARED_BYTES_MAX = 256 << 20 };

/* --- rounds ----------------------------------------------------------------------------------- */

/* Of a template each loop has requests of its own, every so-manieth, so that each is asked once
 * however fast a loop is. */
static uint32_t rounds_wanted(const struct load_options *options)
{
    bool has_loops = options->client != CLIENT_THREADS && options->threads > 0;
    return options->is_template && has_loops ? options->threads : 1;
}

static bool room_take(struct round *round, size_t length)
{
    if (round->length + length > round->room) {
        size_t room = 2 * round->room + length;
        char *bytes = realloc(round->bytes, room);
        if (!bytes)
            return false;
        round->bytes = bytes;
        round->room = room;
    }
    if ((round->entries & (round->entries - 1)) == 0) {
        size_t entries = round->entries > 0 ? 2 * (size_t)round->entries : 1;
        size_t *at = reallocarray(round->at, entries + 1, sizeof *at);
        round->at = at ? at : round->at;
        uint8_t *kinds = reallocarray(round->kinds, entries, sizeof *kinds);
        round->kinds = kinds ? kinds : round->kinds;
        return at && kinds;
    }
    return true;
}

/* Another request, its room written to by the caller. NULL: there is no memory. */
static char *round_add(struct round *round, size_t length, uint8_t kind)
{
    if (!room_take(round, length))
        return NULL;
    char *bytes = round->bytes + round->length;
    round->at[round->entries] = round->length;
    round->kinds[round->entries++] = kind;
    round->length += length;
    round->at[round->entries] = round->length;
    return bytes;
}

/* Once more, behind the last. */
static bool round_repeat(struct round *into, const struct round *from, uint32_t index)
{
    size_t length = from->at[index + 1] - from->at[index];
    char *bytes = round_add(into, length, from->kinds[index]);
    if (bytes)
        memcpy(bytes, from->bytes + from->at[index], length);
    return bytes != NULL;
}

/* All requests of the place are there. A round that has none, since there are fewer than loops, has
 * one of another's. */
static bool place_close(struct place *place, uint32_t depth)
{
    bool is_good = true;
    for (uint32_t i = 0; i < place->round_count && is_good; i++) {
        struct round *round = &place->rounds[i];
        if (round->entries == 0)
            is_good = round_repeat(round, &place->rounds[i % place->request_count], 0);
        round->count = round->entries;
        for (uint32_t k = 0; k + 1 < depth && is_good; k++)
            is_good = round_repeat(round, round, k);
    }
    return is_good;
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
        .round_count = rounds_wanted(workload->options),
    };
    place->rounds = calloc(place->round_count, sizeof *place->rounds);
    workload->place_count++;
    if (!place->host || !place->rounds)
        return NULL;
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

/* On the way from what is asked for to bytes. */
struct maker {
    struct workload *workload;
    struct template *template; /* NULL: braces are text */
    const char **fields;       /* of every request; behind them is room for those of one */
    size_t field_count;
    size_t *offsets; /* of as many lines */
    bool is_varied;  /* they, or the body of all, have placeholders */
    struct request_template shared;
    bool has_shared;
    char *buffer;               /* FIELDS_BYTES, of shared and of the others */
    struct template_text lines; /* fields, as this request has them */
    struct template_text url;   /* likewise */
    struct template_text body;  /* likewise */
    char *message;
    size_t size;
    size_t bytes; /* of all requests so far */
};

/* What one request is made of. */
struct recipe {
    uint64_t index;
    const char *method;
    const char *const *fields;
    struct span body;
    bool has_body;
    bool is_shared; /* method, fields and body are those of every request */
};

static size_t count_of(const char *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

/* The text as this request has it. */
static int put(struct maker *maker, struct template_text *into, struct span text, uint64_t index)
{
    char why[TEMPLATE_MESSAGE_BYTES];
    int error = template_put(maker->template, into, text.bytes, text.length, index, why);
    if (error)
        say(maker->message, maker->size, "%s", why);
    return error;
}

/* What the load itself says of connections, before the user's own headers. */
static int maker_open(struct maker *maker)
{
    const struct load_options *options = maker->workload->options;
    const struct haul_options *http = &options->http;
    size_t count = count_of(http->headers), own = 0, used = 0;
    for (size_t i = 0; options->targets && i < options->url_count; i++) {
        size_t more = count_of(options->targets[i].headers);
        own = more > own ? more : own;
    }
    maker->fields = calloc(2 * count + own + 3, sizeof *maker->fields);
    maker->offsets = calloc(count + own + 1, sizeof *maker->offsets);
    maker->buffer = malloc(2 * FIELDS_BYTES);
    if (!maker->fields || !maker->offsets || !maker->buffer)
        return -ENOMEM;
    if (options->is_closing)
        maker->fields[used++] = "Connection: close";
    for (size_t i = 0; i < count; i++) {
        maker->is_varied |=
            maker->template && template_has(http->headers[i], strlen(http->headers[i]));
        maker->fields[used++] = http->headers[i];
    }
    maker->is_varied |=
        maker->template && http->has_body && template_has(http->body, http->body_length);
    maker->field_count = used;
    return 0;
}

static void maker_close(struct maker *maker)
{
    free(maker->fields);
    free(maker->offsets);
    free(maker->buffer);
    free(maker->lines.bytes);
    free(maker->url.bytes);
    free(maker->body.bytes);
    if (maker->template)
        template_close(maker->template);
}

/* Those of all requests, then the target's own; lines move as they grow, so that where they are is
 * known last. */
static int fields_make(struct maker *maker, const char *const *own, uint64_t index,
                       const char *const **ret_fields)
{
    size_t count = maker->field_count, all = count + count_of(own);
    const char **fields = maker->fields + count;
    int error = 0;
    *ret_fields = maker->fields;
    if (!maker->template) {
        memcpy(fields, own ? own : (const char *const[]){NULL}, (all - count + 1) * sizeof *own);
        return 0;
    }
    maker->lines.length = 0;
    for (size_t i = 0; i < all && !error; i++) {
        maker->offsets[i] = maker->lines.length;
        const char *line = i < count ? maker->fields[i] : own[i - count];
        error = put(maker, &maker->lines, span_of(line), index);
        maker->lines.length++; /* its end */
    }
    for (size_t i = 0; i < all && !error; i++)
        fields[i] = maker->lines.bytes + maker->offsets[i];
    fields[all] = NULL;
    *ret_fields = fields;
    return error;
}

static int template_make(struct maker *maker, const struct recipe *recipe, char *buffer,
                         struct request_template *ret_template)
{
    const struct haul_options *http = &maker->workload->options->http;
    struct request_options request = {
        .method = recipe->method,
        .user_agent = http->user_agent ? http->user_agent : "haul/" HAUL_VERSION,
        .fields = recipe->fields,
        .has_body = recipe->has_body,
        .body_bytes = recipe->body.length,
        .path_as_is = http->path_as_is,
    };
    size_t bad_field = SIZE_MAX;
    enum proto_error bad =
        request_template_init(ret_template, &request, buffer, FIELDS_BYTES, &bad_field);
    if (bad == PROTO_OK)
        return 0;
    if (bad_field != SIZE_MAX)
        say(maker->message, maker->size, "header '%.200s': %s", recipe->fields[bad_field],
            proto_error_sentence(bad));
    else
        say(maker->message, maker->size, "the request: %s", proto_error_sentence(bad));
    return -EINVAL;
}

/* That of every request is made once. */
static int template_of(struct maker *maker, const struct recipe *recipe,
                       struct request_template *ret_template)
{
    if (!recipe->is_shared)
        return template_make(maker, recipe, maker->buffer + FIELDS_BYTES, ret_template);
    int error = 0;
    if (!maker->has_shared)
        error = template_make(maker, recipe, maker->buffer, &maker->shared);
    maker->has_shared = !error;
    *ret_template = maker->shared;
    return error;
}

/* What the target has of its own comes before what all have. */
static int recipe_make(struct maker *maker, uint64_t index, struct recipe *ret_recipe)
{
    const struct load_options *options = maker->workload->options;
    const struct load_target none = {0};
    const struct load_target *own =
        options->targets ? &options->targets[index % options->url_count] : &none;
    struct span body = own->has_body ? (struct span){own->body, own->body_length}
                                     : (struct span){options->http.body, options->http.body_length};
    *ret_recipe = (struct recipe){
        .index = index,
        .method = own->method ? own->method : options->http.method,
        .has_body = own->has_body || options->http.has_body,
        .is_shared = !maker->is_varied && !own->method && !own->headers && !own->has_body,
        .body = body,
    };
    if (!ret_recipe->has_body)
        ret_recipe->body = (struct span){0};
    int error = fields_make(maker, own->headers, index, &ret_recipe->fields);
    if (error || !maker->template || !template_has(ret_recipe->body.bytes, ret_recipe->body.length))
        return error;
    maker->body.length = 0;
    error = put(maker, &maker->body, ret_recipe->body, index);
    ret_recipe->body = (struct span){maker->body.bytes, maker->body.length};
    return error;
}

/* The request line ends the first line of what request_write() made. */
static void make_http10(char *head)
{
    strstr(head, "\r\n")[-1] = '0';
}

static int request_add(struct maker *maker, struct place *place, struct span head,
                       const struct recipe *recipe, const struct request_template *template)
{
    size_t length = head.length + recipe->body.length;
    uint8_t kind = (uint8_t)((template->is_head ? REQUEST_IS_HEAD : 0) |
                             (template->is_idempotent ? REQUEST_IS_IDEMPOTENT : 0));
    if (length > BURST_BYTES_MAX / maker->workload->depth || place->request_count == UINT32_MAX)
        return -EINVAL;
    struct round *round = &place->rounds[place->request_count++ % place->round_count];
    char *bytes = round_add(round, length, kind);
    if (!bytes)
        return -ENOMEM;
    memcpy(bytes, head.bytes, head.length);
    if (recipe->body.length > 0)
        memcpy(bytes + head.length, recipe->body.bytes, recipe->body.length);
    place->longest = length > place->longest ? length : place->longest;
    maker->bytes += length;
    if (recipe->index == 0)
        maker->workload->is_head = template->is_head;
    maker->workload->is_mixed |= maker->workload->is_head != template->is_head;
    return 0;
}

/* Its URL as text. */
static int url_make(struct maker *maker, uint64_t index, const char **ret_url)
{
    const struct load_options *options = maker->workload->options;
    *ret_url = options->urls[index % options->url_count];
    if (!maker->template)
        return 0;
    maker->url.length = 0;
    int error = put(maker, &maker->url, span_of(*ret_url), index);
    *ret_url = maker->url.bytes;
    return error;
}

static int request_make(struct maker *maker, const struct recipe *recipe,
                        const struct request_template *template, const char *text)
{
    struct url url;
    size_t offset, length;
    char room[URL_ROOM_BYTES], head[HEAD_BYTES];
    enum proto_error bad = url_parse(span_of(text), room, &url, &offset);
    if (bad != PROTO_OK) {
        say(maker->message, maker->size, "URL '%.200s', character %zu: %s", text, offset + 1,
            proto_error_sentence(bad));
        return -EINVAL;
    }
    bad = request_write(template, &url, head, sizeof head, &length);
    if (bad != PROTO_OK) {
        say(maker->message, maker->size, "URL '%.200s': %s", text, proto_error_sentence(bad));
        return -EINVAL;
    }
    if (maker->workload->options->is_http10)
        make_http10(head);
    struct place *place = place_add(maker->workload, &url);
    int error =
        place ? request_add(maker, place, (struct span){head, length}, recipe, template) : -ENOMEM;
    if (error)
        say(maker->message, maker->size, "URL '%.200s': %s", text,
            error == -EINVAL ? "its body is too large to be pipelined" : strerror(-error));
    return error;
}

static int index_make(struct maker *maker, uint64_t index)
{
    struct recipe recipe;
    struct request_template template;
    const char *url;
    int error = url_make(maker, index, &url);
    if (!error)
        error = recipe_make(maker, index, &recipe);
    if (!error)
        error = template_of(maker, &recipe, &template);
    return error ? error : request_make(maker, &recipe, &template, url);
}

/* As many as there are targets; of a template as many as will be asked, or as there is room for: a
 * multiple of the loops, so that who goes round them asks none that is another's. */
static uint64_t count_wanted(const struct load_options *options)
{
    uint64_t planned = options->requests > 0 ? options->requests : UINT64_MAX;
    uint32_t loops = rounds_wanted(options);
    if (!options->is_template)
        return options->url_count;
    if (load_is_open(options) && options->duration_ns > 0) {
        uint64_t due = workload_due_count(options, options->duration_ns);
        planned = due < planned ? due : planned;
    }
    if (planned <= PREPARED_MAX)
        return planned > loops ? planned : loops;
    return PREPARED_MAX - PREPARED_MAX % loops;
}

static int requests_make(struct maker *maker)
{
    struct workload *workload = maker->workload;
    const struct load_options *options = workload->options;
    uint64_t count = count_wanted(options), index = 0;
    int error = maker_open(maker);
    for (; index < count && !error; index++) {
        bool is_full = options->is_template && maker->bytes >= PREPARED_BYTES_MAX;
        if (is_full && index % rounds_wanted(options) == 0)
            break;
        error = index_make(maker, index);
    }
    for (uint32_t i = 0; i < workload->place_count && !error; i++)
        error = place_close(&workload->places[i], workload->depth) ? 0 : -ENOMEM;
    workload->prepared = options->is_template ? index : 0;
    return error;
}

int workload_open(struct workload *workload, const struct load_options *options, char *ret_message,
                  size_t size)
{
    struct template template;
    *workload = (struct workload){
        .options = options,
        .depth = options->pipeline > 0 ? options->pipeline : 1,
    };
    struct maker maker = {.workload = workload, .message = ret_message, .size = size};
    if (options->is_template) {
        template_open(&template);
        maker.template = &template;
    }
    say(ret_message, size, "out of memory");
    int error = requests_make(&maker);
    maker_close(&maker);
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
        for (uint32_t k = 0; place->rounds && k < place->round_count; k++) {
            free(place->rounds[k].bytes);
            free(place->rounds[k].at);
            free(place->rounds[k].kinds);
        }
        free(place->rounds);
        free(place->host);
    }
    free(workload->places);
    *workload = (struct workload){0};
}
