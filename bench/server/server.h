#ifndef BENCH_SERVER_SERVER_H
#define BENCH_SERVER_SERVER_H

/* The embedded HTTP server that haul is shown and measured against: one thread, driven by the
 * engine's own loop, for the loopback interface.
 *
 *     /posts /comments /albums /photos /todos /users   JSON arrays; /posts/7 one object of them
 *     /p/ANY   612 bytes of text          /close/ANY   the same, and the connection ends
 *     /s /4k /64k                         128, 4096 and 65536 bytes
 *     /bytes/N /chunked/N                 N bytes (up to 64 MiB), with their length or in chunks
 *     /delay/MS                           200 after MS milliseconds
 *     /drip/N/MS                          N bytes, one every MS milliseconds
 *     /status/NNN /headers/N /echo        that status; N fields; the request itself as the body
 *     /truncate /reset /stall             10 of 1000 bytes and FIN; RST; never a reply
 *
 * Over TLS every end but /truncate's and /reset's is told by a close_notify.
 *
 * HEAD is answered everywhere, every other method as GET is. Byte n of a text depends on n only. */

#include <stdbool.h>
#include <stdint.h>

enum server_loop { SERVER_LOOP_AUTO, SERVER_LOOP_URING, SERVER_LOOP_EPOLL };

struct server_options {
    const char *host;     /* a numeric address; NULL: 127.0.0.1 */
    uint16_t port;        /* 0: a free one */
    uint32_t connections; /* at once; further ones are refused by closing them; 0: 1024 */
    enum server_loop loop;
    uint32_t stall_first_ms; /* how long the first request for /p/1 waits for its reply */
    bool tls;                /* https only: TLS 1.2 and 1.3, resumption by session id and ticket */
    const char *tls_certificate; /* PEM file; NULL: a self-signed one for localhost, 127.0.0.1 and
                                    ::1, made anew with a P-256 key, in memory only */
    const char *tls_key;         /* PEM file; NULL: the key is in tls_certificate */
};

struct server;

/* Listens. Errors: -EINVAL (host is no address), -EKEYREJECTED (tls_certificate or tls_key),
 * -ENOMEM, what socket, bind, listen or the loop's opening said. */
int server_open(struct server **ret_server, const struct server_options *options);

uint16_t server_port(const struct server *server);
const char *server_loop_name(const struct server *server);

/* "sha256//<base64>" of the public key, as a client pins it; NULL: without TLS. */
const char *server_pin(const struct server *server);

/* Serves until server_stop(); always from the same thread. 0, or what the loop failed with. */
int server_run(struct server *server);

/* Makes server_run() return. Safe from other threads and from signal handlers. */
void server_stop(struct server *server);

/* After server_run() has returned. NULL is allowed. */
void server_close(struct server *server);

#endif
