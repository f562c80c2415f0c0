#ifndef BENCH_SERVER_SERVER_TLS_H
#define BENCH_SERVER_SERVER_TLS_H

/* TLS 1.2 and 1.3 for the server's connections, without I/O: received bytes go in and plain bytes
 * come out, plain bytes go in and records come out. Sessions resume by id and by ticket. */

#include "proto/span.h"

#include <stdbool.h>

/* What all connections share: certificate, key, sessions, memory for records. */
struct server_tls;

/* certificate: a PEM file, and key another, or NULL where certificate has it too. Both NULL: a new
 * P-256 key with a self-signed certificate for localhost, 127.0.0.1 and ::1, in memory only.
 * Errors: -ENOMEM, -EKEYREJECTED (the files). */
int server_tls_open(struct server_tls **ret_tls, const char *certificate, const char *key);

/* After every channel is closed. NULL is allowed. */
void server_tls_close(struct server_tls *tls);

/* "sha256//" and the base64 SHA-256 of the public key. */
const char *server_tls_pin(const struct server_tls *tls);

/* One connection's TLS. */
struct channel;

/* NULL: no memory. */
struct channel *channel_open(struct server_tls *tls);

/* When the loop needs none of its bytes any more. NULL is allowed. */
void channel_close(struct channel *channel);

/* received is borrowed until channel_read() has said something else than CHANNEL_PLAIN. */
void channel_receive(struct channel *channel, struct span received);

/* The next plain bytes, borrowed until the next call for any channel. MORE: there are none before
 * more is received; ENDED: the client's close_notify. The handshake goes on in here. */
enum channel_read { CHANNEL_PLAIN, CHANNEL_MORE, CHANNEL_ENDED };
enum channel_read channel_read(struct channel *channel, struct span *ret_plain);

/* Makes records of the front of piece, and leaves in it what has to wait for channel_take(). */
void channel_write(struct channel *channel, struct span *piece);

/* A close_notify, where a handshake is done, and no second one. */
void channel_notify(struct channel *channel);

/* Is there anything to send? */
bool channel_has_records(const struct channel *channel);

/* The records to send now, of which there are some, while those taken before are not under way any
 * more. They stay until channel_sent(), or until others are taken. */
struct span channel_take(struct channel *channel);
void channel_sent(struct channel *channel);

/* There is more to send than goes in silence. */
bool channel_is_long(const struct channel *channel);

/* The client broke the protocol, or memory ran out: what channel_take() gives is the last. */
bool channel_has_failed(const struct channel *channel);

#endif
