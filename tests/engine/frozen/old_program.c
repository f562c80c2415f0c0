/* A program that was built with the frozen haul.h and never again: old_program APPENDED
 *
 * It runs with today's library (0), and with one whose structs have APPENDED bytes more at their
 * end. All that it hands to the library is exactly as long as it knows it, on the heap, so that a
 * sanitizer sees a library that reads or writes beyond. It uses everything there is in haul.h. */

#include "tests/engine/frozen/layout.h"

#include <haul.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUIRE(condition)                                                                         \
    ((condition) ? (void)0                                                                         \
                 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), exit(1)))

enum { BODY_BYTES = 40000 }; /* more than one piece */

/* --- a server --------------------------------------------------------------------------------- */

static void reply(int fd, const char *status, const char *field, size_t body_bytes)
{
    char head[200];
    char *body = malloc(body_bytes + 1);
    REQUIRE(body);
    memset(body, 'b', body_bytes);
    int length = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status,
                          field, body_bytes);
    REQUIRE(send(fd, head, (size_t)length, MSG_NOSIGNAL) == length);
    for (size_t sent = 0; sent < body_bytes;) {
        ssize_t count = send(fd, body + sent, body_bytes - sent, MSG_NOSIGNAL);
        REQUIRE(count > 0);
        sent += (size_t)count;
    }
    free(body);
}

/* Until the client ends: requests without a body, one after the other. */
static void *talk(void *argument)
{
    int fd = *(int *)argument;
    char head[4096] = "";
    size_t length = 0;
    ssize_t count;
    while ((count = recv(fd, head + length, sizeof head - 1 - length, 0)) > 0) {
        length += (size_t)count;
        head[length] = '\0';
        if (!strstr(head, "\r\n\r\n"))
            continue;
        if (strncmp(head, "GET /body ", 10) == 0)
            reply(fd, "200 OK", "X-One: 1\r\nX-Two: 2\r\n", BODY_BYTES);
        else if (strncmp(head, "PUT /own ", 9) == 0 && strstr(head, "\r\nX-Own: yes\r\n"))
            reply(fd, "201 Created", "", 0);
        else
            reply(fd, "404 Not Found", "", 3);
        length = 0;
    }
    close(fd);
    free(argument);
    return NULL;
}

static void *serve(void *argument)
{
    int listener = *(int *)argument;
    for (;;) {
        pthread_t thread;
        int *fd = malloc(sizeof *fd);
        REQUIRE(fd);
        *fd = accept(listener, NULL, NULL);
        if (*fd < 0) {
            free(fd);
            return NULL;
        }
        REQUIRE(pthread_create(&thread, NULL, talk, fd) == 0);
        pthread_detach(thread);
    }
}

static uint16_t server_open(int *ret_listener, pthread_t *ret_thread)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    *ret_listener = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(bind(*ret_listener, (struct sockaddr *)&address, length) == 0);
    REQUIRE(listen(*ret_listener, 16) == 0);
    REQUIRE(getsockname(*ret_listener, (struct sockaddr *)&address, &length) == 0);
    REQUIRE(pthread_create(ret_thread, NULL, serve, ret_listener) == 0);
    return ntohs(address.sin_port);
}

/* --- structs as long as this program knows them ----------------------------------------------- */

/* What an uninitialized struct may hold. */
static void *dirty(size_t size)
{
    void *memory = malloc(size);
    REQUIRE(memory);
    return memset(memory, 0xa5, size);
}

static void *copied(const void *from, size_t size)
{
    return memcpy(dirty(size), from, size);
}

#define HEAPED(type, ...) copied(&(const struct type){__VA_ARGS__}, sizeof(struct type))

static const struct haul_result *next(struct haul *haul)
{
    const struct haul_result *result;
    int error;
    while ((error = haul_next(haul, &result, -1)) == -EINTR)
        ;
    REQUIRE(error == 0);
    return result;
}

static void check_body(const struct haul_result *result)
{
    size_t length = 0;
    int pieces = 0;
    for (const struct haul_piece *piece = result->body; piece; piece = piece->next) {
        REQUIRE(piece->bytes[0] == 'b' && piece->bytes[piece->length - 1] == 'b');
        length += piece->length;
        pieces++;
    }
    REQUIRE(length == BODY_BYTES && pieces > 1);
    char *body = dirty(BODY_BYTES);
    REQUIRE(haul_body_copy(result, body, BODY_BYTES) == BODY_BYTES);
    REQUIRE(body[0] == 'b' && body[BODY_BYTES - 1] == 'b');
    free(body);
}

static void check_head(const struct haul_result *result)
{
    static const char *const names[] = {"X-One", "X-Two", "Content-Length"};
    const char *name, *value;
    size_t name_length, value_length, cursor = 0;
    int count = 0;
    while (haul_header_next(result, &cursor, &name, &name_length, &value, &value_length)) {
        REQUIRE(count < 3 && name_length == strlen(names[count]));
        REQUIRE(memcmp(name, names[count++], name_length) == 0);
    }
    REQUIRE(count == 3);
}

static void check_first(const struct haul_result *result, const char *url)
{
    REQUIRE(result->index == 0 && strcmp(result->url, url) == 0);
    REQUIRE(result->url_length == strlen(url));
    REQUIRE(strcmp((const char *)result->tag, "tag") == 0 && strcmp(result->method, "GET") == 0);
    REQUIRE(result->error == HAUL_OK && result->stage == HAUL_STAGE_DONE);
    REQUIRE(!result->message && result->os_error == 0 && result->detail == HAUL_DETAIL_NONE);
    REQUIRE(!result->more && !result->reused_connection);
    REQUIRE(result->status == 200 && result->version_minor == 1);
    REQUIRE(result->body_bytes == BODY_BYTES && result->total_ns > 0);
    REQUIRE(result->total_ns >= result->ttfb_ns && !result->tls_version && !result->tls_resumed);
    check_body(result);
    check_head(result);
}

/* --- what it does ----------------------------------------------------------------------------- */

static void check_facts(const struct haul *haul)
{
    struct haul_facts *facts = dirty(sizeof *facts);
    haul_get_facts(haul, facts);
    REQUIRE(strcmp(facts->loop, "uring") == 0 || strcmp(facts->loop, "epoll") == 0);
    REQUIRE(strlen(facts->loop_reason) > 0 && facts->concurrency == 2 && facts->window == 8);
    REQUIRE(facts->requests == 3 && facts->failures == 1 && facts->connections > 0);
    REQUIRE(facts->in_flight == 0 && facts->waiting == 0);
    free(facts);
}

static void requests_are_made(const char *origin)
{
    static const char *const own[] = {"X-Own: yes", NULL};
    struct haul *haul = NULL;
    char url[100], tag[] = "tag";
    snprintf(url, sizeof url, "%s/body", origin);
    struct haul_tls *tls = HEAPED(haul_tls, .pinned_keys = NULL, .insecure = false);
    struct haul_options *options =
        HEAPED(haul_options, .concurrency = 2, .window = 8, .fail_status = 400,
               .keep_headers = true, .keep_bodies = true, .tls = tls);
    REQUIRE(haul_open(&haul, options) == 0);
    free(options);
    free(tls);
    struct haul_request *request = HEAPED(haul_request, .url = url, .tag = tag);
    REQUIRE(haul_submit(haul, request) == 0);
    free(request);
    const struct haul_result *result = next(haul);
    check_first(result, url);
    haul_release(haul, result);
    snprintf(url, sizeof url, "%s/own", origin);
    request = HEAPED(haul_request, .url = url, .method = "PUT", .headers = own, .body = "",
                     .has_body = true);
    REQUIRE(haul_submit(haul, request) == 0);
    REQUIRE(haul_submit(haul, &(struct haul_request){.url = url}) == 0);
    result = next(haul);
    REQUIRE(result->index == 1 && result->status == 201 && result->error == HAUL_OK);
    haul_release(haul, result);
    result = next(haul);
    REQUIRE(result->index == 2 && result->status == 404 && result->error == HAUL_STATUS);
    REQUIRE(!haul_pin_refused(result));
    haul_release(haul, result);
    free(request);
    check_facts(haul);
    struct pollfd fd = {.fd = haul_fd(haul), .events = POLLIN};
    REQUIRE(fd.fd >= 0 && haul_next(haul, &result, 0) == -ENODATA);
    REQUIRE(haul_cancel(haul, 7) == -ENOENT);
    haul_cancel_all(haul);
    REQUIRE(haul_submit(haul, &(struct haul_request){.url = url}) == -ECANCELED);
    haul_close(haul);
}

static void all_at_once(const char *origin)
{
    char texts[3][100];
    const char *urls[] = {texts[0], texts[1], texts[2]};
    struct haul_gathered *gathered = NULL;
    snprintf(texts[0], sizeof texts[0], "%s/body", origin);
    snprintf(texts[1], sizeof texts[1], "nonsense");
    snprintf(texts[2], sizeof texts[2], "%s/missing", origin);
    REQUIRE(haul_gather(urls, 3, NULL, &gathered) == 0 && gathered->count == 3);
    REQUIRE(gathered->results[0]->status == 200);
    REQUIRE(gathered->results[0]->body->length == BODY_BYTES && !gathered->results[0]->body->next);
    REQUIRE(gathered->results[1]->error == HAUL_URL && gathered->results[1]->index == 1);
    REQUIRE(gathered->results[2]->status == 404);
    haul_gathered_free(gathered);
}

static void refusals_are_explained(void)
{
    static const char *const lines[] = {"A: b", "no colon", NULL};
    struct haul *haul = NULL;
    struct haul_open_error *why = dirty(sizeof *why);
    struct haul_options *options = HEAPED(haul_options, .headers = lines);
    REQUIRE(haul_open_explained(&haul, options, why) == -EINVAL);
    REQUIRE(strcmp(why->option, "headers") == 0 && why->item == lines[1]);
    REQUIRE(strlen(why->message) > 0 && why->detail == HAUL_DETAIL_NONE);
    free(options);
    struct haul_tls *tls = HEAPED(haul_tls, .at_open = true, .ca_file = "/nowhere");
    options = HEAPED(haul_options, .tls = tls);
    REQUIRE(haul_open_explained(&haul, options, why) == -ENOKEY);
    REQUIRE(strcmp(why->option, "ca_file") == 0 && why->item == tls->ca_file);
    REQUIRE(why->detail == HAUL_DETAIL_CA_FILE);
    free(options);
    free(tls);
    REQUIRE(haul_open_explained(&haul, NULL, why) == 0 && !why->message && !why->option);
    haul_close(haul);
    free(why);
    REQUIRE(strlen(haul_strerror(-EINVAL)) > 0 && strlen(haul_version()) > 0);
    REQUIRE(strcmp(haul_error_name(HAUL_TLS), "tls") == 0);
    REQUIRE(strcmp(haul_stage_name(HAUL_STAGE_BODY), "body") == 0);
}

static void memory_is_summed(void)
{
    struct haul_budget *budget = dirty(sizeof *budget);
    struct haul_budget_term *term = dirty(sizeof *term);
    uint64_t sum = 0;
    size_t count = 0;
    REQUIRE(haul_get_budget(NULL, budget) == 0);
    for (; haul_get_budget_term(NULL, count, term) == 0; count++) {
        REQUIRE(strlen(term->name) > 0);
        sum += term->count * term->bytes_each;
    }
    REQUIRE(count == budget->term_count && sum == budget->total_bytes && count > 0);
    free(term);
    free(budget);
    char sentence[200];
    haul_probe_uring(sentence, sizeof sentence);
    REQUIRE(strlen(sentence) > 0);
}

/* What a program of a later header would do: its struct is `longer` bytes longer than this one's,
 * and the last of them is not zero. */
static int open_longer(size_t longer, bool is_zero)
{
    size_t size = sizeof(struct haul_options) + longer;
    char *options = calloc(1, size);
    struct haul *haul = NULL;
    REQUIRE(options);
    options[size - 1] = is_zero ? 0 : 1;
    int error = haul_open_sized(&haul, (struct haul_options *)(void *)options, size, NULL, 0);
    haul_close(haul);
    free(options);
    return error;
}

/* layout: of the options that it was built with. */
static void the_library_is_the_one_meant(const struct layout *layout, size_t grown)
{
    size_t appended = layout->structs[0].size - sizeof(struct haul_options);
    REQUIRE(appended >= grown);
    REQUIRE(appended == 0 || open_longer(appended, false) == 0);
    REQUIRE(open_longer(appended + 1, false) == -E2BIG);
    REQUIRE(open_longer(appended + 8, false) == -E2BIG);
    REQUIRE(open_longer(appended + 8, true) == 0);
}

int main(int argc, char **argv)
{
    int listener;
    pthread_t thread;
    char origin[64];
    REQUIRE(argc == 2);
    snprintf(origin, sizeof origin, "http://127.0.0.1:%u",
             (unsigned)server_open(&listener, &thread));
    size_t grown = (size_t)strtoul(argv[1], NULL, 10);
    the_library_is_the_one_meant(grown > 0 ? &layout_grown : &layout_current, grown);
    requests_are_made(origin);
    all_at_once(origin);
    refusals_are_explained();
    memory_is_summed();
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    puts("an old program runs");
    return 0;
}
