/* Certificates of tests/hostile behind a leaf whose key libssl has. Each chain is the same, in
 * another order, which makes it another one to whoever remembers verdicts. */

#include "tests/lib/tls/tls_hostile.h"

#include "tests/lib/tls/hostile.h"
#include "tests/lib/tls/tls_loopback.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* As tests/hostile writes the name of that number. */
#define CA_NAME "nnnnnnnh"

enum { CA_NUMBER = 7, CAS = 14, ROOT_KEY = 63, NAME_BYTES = 250, NAMES = 20, BASES = 8 };

static struct certs_pair leaf;
static struct tls_server_options options[TLS_HOSTILE_CHAINS];
static struct loopback_layer layer;
static atomic_uint opened;
static int roots_fd = -1; /* in memory */

static void end(void)
{
    for (size_t i = 0; i < CAS; i++)
        X509_free(options[0].extra[i]);
    certs_free(&leaf);
    close(roots_fd);
}

static X509 *ca_make(unsigned key)
{
    const struct hostile_spec spec = {.subject = CA_NUMBER,
                                      .issuer = CA_NUMBER,
                                      .key = key,
                                      .is_ca = true,
                                      .bases = key == ROOT_KEY ? 0 : BASES,
                                      .base_bytes = NAME_BYTES,
                                      .is_excluding = true};
    struct span der = hostile_make(&spec);
    const unsigned char *bytes = (const unsigned char *)der.bytes;
    X509 *certificate = d2i_X509(NULL, &bytes, (long)der.length);

    if (certificate == NULL)
        abort();
    return certificate;
}

static void leaf_make(void)
{
    static char names[NAMES * (NAME_BYTES + 6) + 64] = "DNS:localhost,IP:127.0.0.1,IP:::1";
    struct certs_spec spec = {.common_name = CA_NAME,
                              .key = "P-256",
                              .not_before_s = time(NULL) - CERTS_DAY_S,
                              .not_after_s = time(NULL) + CERTS_DAY_S,
                              .is_ca = true};
    struct certs_pair ca = certs_make(&spec, NULL);
    char *at = names + strlen(names);

    for (size_t i = 0; i < NAMES; i++) {
        at = stpcpy(at, ",DNS:");
        memset(at, 'a', NAME_BYTES);
        for (size_t dot = 40; dot + 2 < NAME_BYTES; dot += 41)
            at[dot] = '.';
        at += NAME_BYTES;
        at[-1] = (char)('a' + i);
    }
    spec.alt_names = names;
    spec.common_name = "server";
    spec.is_ca = false;
    leaf = certs_make(&spec, &ca);
    certs_free(&ca);
}

static void roots_add(char *pem)
{
    size_t length = strlen(pem);

    if (write(roots_fd, pem, length) != (ssize_t)length)
        abort();
    free(pem);
}

static void roots_make(void)
{
    FILE *others = fopen(tls_loopback_roots(), "r");
    X509 *root = ca_make(ROOT_KEY);
    char *pem = calloc(1, 1 << 14);

    roots_fd = memfd_create("pem", MFD_CLOEXEC);
    if (others == NULL || roots_fd < 0 || pem == NULL || fread(pem, 1, (1 << 14) - 1, others) == 0)
        abort();
    fclose(others);
    roots_add(pem);
    roots_add(certs_pem(root));
    X509_free(root);
}

static void *hostile_open(void)
{
    struct tls_server *server = malloc(sizeof *server);
    unsigned number = atomic_fetch_add(&opened, 1) % TLS_HOSTILE_CHAINS;

    if (server != NULL)
        tls_server_init(server, &options[number], NULL);
    return server;
}

static void begin(void)
{
    if (roots_fd >= 0)
        return;
    leaf_make();
    roots_make();
    for (size_t i = 0; i < TLS_HOSTILE_CHAINS; i++) {
        options[i] = (struct tls_server_options){.pair = &leaf, .version = TLS1_2_VERSION};
        for (size_t ca = 0; ca < CAS; ca++)
            options[i].extra[ca] =
                i == 0 ? ca_make((unsigned)ca) : options[0].extra[(ca + i) % CAS];
    }
    /* Of 14 in turn, 6 more: the first two change places. */
    for (size_t i = CAS; i < TLS_HOSTILE_CHAINS; i++) {
        X509 *first = options[i].extra[0];

        options[i].extra[0] = options[i].extra[1];
        options[i].extra[1] = first;
    }
    hostile_free();
    layer = *tls_loopback_layer();
    layer.open = hostile_open;
    atexit(end);
}

const struct loopback_layer *tls_hostile_layer(void)
{
    begin();
    return &layer;
}

const char *tls_hostile_roots(void)
{
    static char path[32];

    begin();
    snprintf(path, sizeof path, "/proc/self/fd/%d", roots_fd);
    return path;
}
