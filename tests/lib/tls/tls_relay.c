/* Passes bytes between TLS connections and plain ones, a thread a pair. An end on either side is
 * the pair's end; that of the plain side is announced. */

#include "tests/lib/tls/tls_relay.h"

#include "tests/lib/tls/tls_loopback.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE_BYTES = 16384, BACKLOG = 1024 };

struct pair {
    struct tls_server tls;
    int client;
    int server;
};

static uint16_t server_port;
static pid_t process;

static int loopback_socket(uint16_t port, struct sockaddr_in *ret_address)
{
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *ret_address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool flush_to_client(struct pair *pair)
{
    char bytes[PIECE_BYTES];
    int length;

    while ((length = BIO_read(pair->tls.out, bytes, sizeof bytes)) > 0)
        if (!send_all(pair->client, bytes, (size_t)length))
            return false;
    return true;
}

static bool pass_to_server(struct pair *pair)
{
    char bytes[PIECE_BYTES];
    ssize_t got = recv(pair->client, bytes, sizeof bytes, 0);
    size_t length;

    if (got <= 0 || BIO_write(pair->tls.in, bytes, (int)got) != (int)got)
        return false;
    tls_server_step(&pair->tls);
    ERR_clear_error();
    while (SSL_read_ex(pair->tls.ssl, bytes, sizeof bytes, &length) == 1)
        if (!send_all(pair->server, bytes, length))
            return false;
    return flush_to_client(pair) && SSL_get_shutdown(pair->tls.ssl) == 0;
}

static bool pass_to_client(struct pair *pair)
{
    char bytes[PIECE_BYTES];
    ssize_t got = recv(pair->server, bytes, sizeof bytes, 0);
    size_t written;

    ERR_clear_error();
    if (got > 0)
        SSL_write_ex(pair->tls.ssl, bytes, (size_t)got, &written);
    else if (SSL_is_init_finished(pair->tls.ssl))
        SSL_shutdown(pair->tls.ssl);
    return flush_to_client(pair) && got > 0;
}

static void *pair_main(void *argument)
{
    struct pair *pair = argument;
    struct pollfd polled[] = {{.fd = pair->client, .events = POLLIN},
                              {.fd = pair->server, .events = POLLIN}};
    bool goes_on = true;

    while (goes_on && poll(polled, 2, -1) > 0) {
        if (polled[0].revents != 0)
            goes_on = pass_to_server(pair);
        if (goes_on && polled[1].revents != 0)
            goes_on = pass_to_client(pair);
    }
    close(pair->client);
    close(pair->server);
    tls_server_deinit(&pair->tls);
    free(pair);
    return NULL;
}

static void pair_start(int client)
{
    struct pair *pair = malloc(sizeof *pair);
    struct sockaddr_in address;
    const int on = 1;
    pthread_t thread;

    if (pair == NULL)
        abort();
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *pair = (struct pair){.client = client, .server = loopback_socket(server_port, &address)};
    tls_loopback_init(&pair->tls);
    if (connect(pair->server, (struct sockaddr *)&address, sizeof address) != 0 ||
        pthread_create(&thread, NULL, pair_main, pair) != 0)
        abort();
    pthread_detach(thread);
}

static void relay(int listener)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (client >= 0)
            pair_start(client);
    }
}

static void end(void)
{
    kill(process, SIGKILL);
    waitpid(process, NULL, 0);
}

uint16_t tls_relay_port(uint16_t plain_port)
{
    static uint16_t port;
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int listener;

    if (port != 0)
        return port;
    server_port = plain_port;
    tls_loopback_roots(); /* the certificate is the parent's */
    listener = loopback_socket(0, &address);
    if (bind(listener, (struct sockaddr *)&address, length) != 0 ||
        listen(listener, BACKLOG) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        abort();
    process = fork();
    if (process < 0)
        abort();
    if (process == 0)
        relay(listener);
    atexit(end);
    close(listener);
    port = ntohs(address.sin_port);
    return port;
}
