#ifndef TESTS_LIB_TLS_TLS_LOOPBACK_H
#define TESTS_LIB_TLS_TLS_LOOPBACK_H

/* The scripted server over TLS: libssl as a layer of tests/loopback. One certificate, for
 * 127.0.0.1, ::1 and localhost, and one memory of sessions serve every connection. The issuer is
 * sent with it, and is the first of its path to expire. Who links this has the linker wrap time().
 *
 *     loopback_use(tls_loopback_layer());
 *     gathering_trust(tls_loopback_roots());
 *
 * Messages that a HANDSHAKE row can name: ServerHello, Certificate, ServerKeyExchange,
 * ServerHelloDone, ChangeCipherSpec, Finished. A resumed handshake has only three of them. In TLS
 * 1.3 they are ServerHello, ChangeCipherSpec, EncryptedExtensions, Certificate, CertificateVerify,
 * Finished; a resumed one lacks the last two before the Finished. */

#include "tests/lib/loopback.h"
#include "tests/lib/tls/tls_server.h"

#include <stdint.h>

/* The one version that is spoken (TLS1_2_VERSION at first): before any other call. */
void tls_loopback_version(int version);

/* All is made by the first call, which must come before any thread, and ends with the program. */
const struct loopback_layer *tls_loopback_layer(void);

/* The file of the root that signed the certificate. */
const char *tls_loopback_roots(void);

/* The issuer expires so many seconds after the first call. */
enum { TLS_LOOPBACK_ISSUER_S = 7200 };

/* Sets the clock that certificates are checked by: ahead of the machine's by so much (at first not
 * at all), and by step_s more after each reading. Safe from any thread. */
void tls_loopback_clock(int64_t ahead_s, int64_t step_s);

/* The file of a certificate for clients, longer than a block, and its key. */
const char *tls_loopback_client(void);

/* Do connections from here on need such a certificate? At first they do not. */
void tls_loopback_ask(bool asks);

/* Connections from here on are of this version alone (0: up to 1.3) and by a certificate with such
 * a key, as certs.h has them; is_by_pss: signed by an RSA key's RSA-PSS. key NULL: back to how it
 * was at first, TLS 1.2 and P-256. Before the server is opened. */
void tls_loopback_speak(int version, const char *key, bool is_by_pss);

/* A server side of TLS that shares the certificate and the sessions. Safe from any thread. */
void tls_loopback_init(struct tls_server *server);

#endif
