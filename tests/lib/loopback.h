#ifndef TESTS_LIB_LOOPBACK_H
#define TESTS_LIB_LOOPBACK_H

/* A scripted server on the loopback interface: what it says, and when, is a table of rows, so that
 * a test reads like a transcript of the wire.
 *
 *     static const struct loopback_script scripts[] = {
 *         SCRIPT({EXPECT, "GET /a HTTP/1.1\r\n"}, {SEND, "HTTP/1.1 200 OK\r\n"}, {PAUSE},
 *                {SEND, "Content-Length: 0\r\n\r\n"}, {EXPECT, "GET /b "}, {RESET}),
 *     };
 *     struct loopback *server = loopback_open(scripts, 1);
 *     …
 *     loopback_continue(server, 0);
 *     …
 *     assert_loopback(server);
 *
 * The first connection accepted plays the first script, the second the second. Each is played by a
 * thread of its own; nothing here calls cmocka from such a thread: the first violation is kept and
 * handed out by loopback_close(). Nothing waits longer than TEST_PATIENCE_S. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOOPBACK_CONNECTIONS_MAX = 1024 };

enum loopback_action {
    END,         /* closes the connection; SCRIPT() appends it */
    EXPECT,      /* receives a request head, to its blank line; it must begin with text */
    HAS,         /* that head must contain text */
    LACKS,       /* that head must not contain text */
    EXPECT_BODY, /* receives as many bytes as text has; they must be text */
    EXPECT_END,  /* the client must close, or reset, without sending another byte */
    SEND,        /* sends text (length bytes, or up to its zero byte where length is 0) */
    SEND_BYTES,  /* the same, each byte in a segment of its own */
    FILL,        /* sends length times the byte x */
    PAUSE,       /* waits for loopback_continue() */
    FIN,         /* ends the sending direction, goes on receiving */
    RESET,       /* closes with RST */
    CLOSE,       /* closes with FIN, which the layer announces */
    HOLD,        /* keeps the connection open, and silent, until loopback_close() */
    /* with a layer only: */
    HANDSHAKE_BEFORE,      /* its handshake, of which the message that text names is not sent, */
    HANDSHAKE_INSIDE,      /* is sent by half, */
    HANDSHAKE_AFTER,       /* or is the last one sent; the layer sends no more */
    SEND_PART,             /* sends half of what it makes of text; it sends no more */
    SEND_RAW,              /* sends text past it */
    NOTIFY,                /* announces the end */
    RENEW,                 /* asks for a renegotiation (TLS 1.2), or has new keys and a ticket */
    EXPECT_NOTIFIED_END,   /* EXPECT_END, and the client must have announced it */
    EXPECT_UNNOTIFIED_END, /* EXPECT_END, and the client must not have announced it */
};

/* A client that has gone away makes sending rows pass in silence; EXPECT and EXPECT_BODY report it.
 * Rows that are not played by loopback_close() are a violation, sending rows excepted. */
struct loopback_row {
    enum loopback_action action;
    const char *text;
    size_t length;
};

enum { LOOPBACK_ROWS_MAX = 64 };

struct loopback_script {
    struct loopback_row rows[LOOPBACK_ROWS_MAX]; /* what follows the last is END */
    bool repeat; /* the last script only: every further connection plays it too, or none does */
};

/* Rows leave out what they do not need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define SCRIPT(...)                                                                                \
    {                                                                                              \
        .rows = { __VA_ARGS__, {END} }                                                             \
    }
#define SCRIPT_REPEAT(...)                                                                         \
    {                                                                                              \
        .rows = {__VA_ARGS__, {END}}, .repeat = true                                               \
    }

/* What a script's bytes pass through: TLS. Pure bytes, one state a connection, each used by one
 * thread. The handshake goes on by itself, with what comes in. */
struct loopback_layer {
    void *(*open)(void);
    void (*close)(void *state);
    void (*wire_in)(void *state, const char *bytes, size_t length);
    size_t (*wire_out)(void *state, char *bytes, size_t size);  /* 0: nothing is to be sent */
    size_t (*plain_out)(void *state, char *bytes, size_t size); /* 0: nothing was received */
    void (*plain_in)(void *state, const char *bytes, size_t length);
    void (*notify)(void *state);
    void (*renew)(void *state);             /* NULL: it cannot */
    bool (*is_notified)(const void *state); /* the client has announced its end */
    /* Where a message of the handshake lies in what wire_out gave at once; false: not in it. */
    bool (*find)(const char *bytes, size_t length, const char *message, size_t *ret_offset,
                 size_t *ret_length);
};

/* Servers opened from here on speak through layer; NULL, as at first: plainly. */
void loopback_use(const struct loopback_layer *layer);

struct loopback;

/* Listens on a free port of 127.0.0.1, or of [::1]. scripts must stay until loopback_close(). NULL:
 * no socket, thread or memory was to be had. */
struct loopback *loopback_open(const struct loopback_script *scripts, size_t count);
struct loopback *loopback_open_ipv6(const struct loopback_script *scripts, size_t count);

uint16_t loopback_port(const struct loopback *loopback);

/* Lets one PAUSE of a connection (0: the first accepted) pass; may be called before. */
void loopback_continue(struct loopback *loopback, size_t connection);

/* How many connections were accepted, and how many request heads received, so far. */
size_t loopback_accepted(struct loopback *loopback);
size_t loopback_received(struct loopback *loopback);

/* How many bytes were sent so far, as they went over the wire. */
size_t loopback_sent(struct loopback *loopback);

/* Waits until count heads were received, or connections accepted. false: it took too long. */
bool loopback_wait_received(struct loopback *loopback, size_t count);
bool loopback_wait_accepted(struct loopback *loopback, size_t count);

/* Waits until a connection's script has come to its PAUSE (the nth, from 1), so that everything
 * before it is sent. false: it took too long. */
bool loopback_wait_paused(struct loopback *loopback, size_t connection, size_t nth);

/* How many PAUSE rows a connection's script has come to. */
size_t loopback_paused(struct loopback *loopback, size_t connection);

/* Ends every script, joins every thread. NULL: all went as written; else the first violation, valid
 * until the next call: a row that was not met, a script that nobody came for, a connection that no
 * script was left for. */
const char *loopback_close(struct loopback *loopback);

/* loopback_close() for a cmocka test. */
#define assert_loopback(loopback)                                                                  \
    do {                                                                                           \
        const char *violation_ = loopback_close(loopback);                                         \
        if (violation_ != NULL)                                                                    \
            fail_msg("%s", violation_);                                                            \
    } while (0)

#endif
