/* Owns the files that TLS needs, and nothing of its protocol. They are read once, at the first
 * https URL, so that who only speaks http pays nothing; or at open, where that is asked for, so
 * that who names a file that cannot be used is told at once. */

#include "engine/secure.h"
#include "proto/pem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 16 << 20, PINS_MAX = 32, VERDICTS = 1024 };

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"

void secure_init(struct secure *secure)
{
    *secure = (struct secure){.key_log_fd = -1};
}

/* --- files ------------------------------------------------------------------------------------ */

static ssize_t read_all(int fd, char *bytes, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t count = read(fd, bytes + length, size - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        length += (size_t)count;
    }
    return (ssize_t)length;
}

/* The whole file, to be freed; NULL: it cannot be read. */
static char *file_read(int directory_fd, const char *path, size_t *ret_length)
{
    struct stat status;
    char *bytes = NULL;
    ssize_t length = -1;
    int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= FILE_BYTES_MAX)
        bytes = malloc((size_t)status.st_size + 1);
    if (bytes)
        length = read_all(fd, bytes, (size_t)status.st_size);
    close(fd);
    if (length < 0) {
        free(bytes);
        return NULL;
    }
    *ret_length = (size_t)length;
    return bytes;
}

static int trust_add_file(struct trust *trust, int directory_fd, const char *path)
{
    size_t length;
    char *bytes = file_read(directory_fd, path, &length);
    if (!bytes)
        return -ENOKEY;
    int error = trust_add_pem(trust, (struct span){bytes, length}, NULL, NULL);
    free(bytes);
    return error;
}

/* Every regular file of it; what is no certificate is passed over. */
static int trust_add_directory(struct trust *trust, const char *path)
{
    const struct dirent *entry;
    DIR *directory = opendir(path);
    int error = directory ? 0 : -ENOKEY;
    while (directory && error != -ENOMEM && (entry = readdir(directory)))
        error = trust_add_file(trust, dirfd(directory), entry->d_name);
    if (directory)
        closedir(directory);
    return error == -ENOMEM || !directory ? error : 0;
}

/* As in OpenSSL one of the list may be missing; that all of them are is an error. */
static int trust_add_directories(struct trust *trust, const char *list)
{
    char path[PATH_MAX];
    int error = -ENOKEY;
    for (size_t length; *list && error != -ENOMEM; list += length + (list[length] == ':')) {
        length = strcspn(list, ":");
        if (length >= sizeof path)
            continue;
        memcpy(path, list, length);
        path[length] = '\0';
        int one = trust_add_directory(trust, path);
        error = one == -ENOKEY ? error : one;
    }
    return error;
}

static int trust_fill(struct trust *trust, const struct haul_options *options)
{
    int error = 0;
    if (options->ca_file)
        error = trust_add_file(trust, AT_FDCWD, options->ca_file);
    if (!error && options->ca_directory)
        error = trust_add_directories(trust, options->ca_directory);
    if (!options->ca_file && !options->ca_directory)
        error = trust_add_file(trust, AT_FDCWD, SYSTEM_ROOTS);
    if (!error && trust_count(trust) == 0)
        error = -ENOKEY;
    return error;
}

/* --- pinned keys ------------------------------------------------------------------------------ */

enum { PIN_LETTERS = 44 };

/* 44 letters of base64, the last one '=': with white space among them they would decode to less. */
static bool pin_decode(const char *text, unsigned char pin[TLS_PIN_BYTES])
{
    char bytes[PIN_LETTERS];
    size_t length = strnlen(text, PIN_LETTERS);
    _Static_assert(PIN_LETTERS / 4 * 3 + 3 <= PIN_LETTERS, "pem_decoded_max() has room");
    if (length < PIN_LETTERS || !pem_decode((struct span){text, length}, bytes, &length) ||
        length != TLS_PIN_BYTES)
        return false;
    memcpy(pin, bytes, TLS_PIN_BYTES);
    return true;
}

/* "sha256//…;sha256//…". Returns how many, or -EINVAL. */
static int pins_decode(const char *text, unsigned char (*pins)[TLS_PIN_BYTES])
{
    static const char prefix[] = "sha256//";
    int count = 0;
    while (text && *text) {
        if (count == PINS_MAX || strncmp(text, prefix, sizeof prefix - 1) != 0)
            return -EINVAL;
        text += sizeof prefix - 1;
        if (!pin_decode(text, pins[count++]))
            return -EINVAL;
        text += PIN_LETTERS;
        if (*text == ';')
            text++;
        else if (*text)
            return -EINVAL;
    }
    return count;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int config_open(struct secure *secure, const struct haul_options *options,
                       uint32_t connections, const char **ret_message)
{
    unsigned char pins[PINS_MAX][TLS_PIN_BYTES];
    struct tls_options tls = {
        .trust = secure->trust,
        .pins = (const unsigned char(*)[TLS_PIN_BYTES])pins,
        .chain_count = connections,
        .verdict_count = VERDICTS,
        .is_insecure = options->insecure,
        .is_legacy = options->tls_legacy,
    };
    char *certificate = NULL;
    char *key = NULL;
    int pin_count = pins_decode(options->pinned_keys, pins);
    *ret_message = "pinned_keys is not of the form sha256//<base64>;…";
    if (pin_count < 0)
        return pin_count;
    tls.pin_count = (size_t)pin_count;
    *ret_message = "the client certificate's or key's file cannot be read";
    if (options->client_certificate)
        certificate = file_read(AT_FDCWD, options->client_certificate, &tls.certificate.length);
    if (options->client_key)
        key = file_read(AT_FDCWD, options->client_key, &tls.key.length);
    int error = -EKEYREJECTED;
    if (!certificate == !options->client_certificate && !key == !options->client_key) {
        tls.certificate.bytes = certificate;
        tls.key.bytes = key;
        enum tls_error bad = tls_config_open(&tls, &secure->config);
        *ret_message = tls_sentence(bad);
        error = bad == TLS_OK ? 0 : bad == TLS_MEMORY ? -ENOMEM : -EKEYREJECTED;
    }
    if (key)
        explicit_bzero(key, tls.key.length);
    free(certificate);
    free(key);
    return error;
}

static int secure_fill(struct secure *secure, const struct haul_options *options,
                       uint32_t connections, const char **ret_message)
{
    *ret_message = "there is not enough memory for TLS";
    secure->trust = trust_open();
    secure->memory = calloc(connections, tls_size());
    if (!secure->trust || !secure->memory)
        return -ENOMEM;
    int error = config_open(secure, options, connections, ret_message);
    if (error)
        return error;
    *ret_message = "the key log cannot be opened";
    if (options->key_log)
        secure->key_log_fd =
            open(options->key_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (options->key_log && secure->key_log_fd < 0)
        return -errno;
    *ret_message = "the trusted roots cannot be read, or there are none";
    error = trust_fill(secure->trust, options);
    return error == -ENOKEY && options->insecure ? 0 : error;
}

int secure_open(struct secure *secure, const struct haul_options *options, uint32_t connections,
                const char **ret_message)
{
    const char *message = NULL;
    if (secure->config)
        return 0;
    int error = secure_fill(secure, options, connections, &message);
    if (error)
        secure_close(secure);
    if (error && ret_message)
        *ret_message = message;
    return error;
}

void secure_close(struct secure *secure)
{
    tls_config_close(secure->config);
    trust_close(secure->trust);
    free(secure->memory);
    if (secure->key_log_fd >= 0)
        close(secure->key_log_fd);
    secure_init(secure);
}

/* --- connections ------------------------------------------------------------------------------ */

struct tls *secure_begin(struct secure *secure, uint32_t slot, struct span host,
                         const struct tls_session *session)
{
    unsigned char seed[TLS_SEED_BYTES];
    if (getrandom(seed, sizeof seed, 0) != sizeof seed)
        return NULL;
    struct tls_peer peer = {
        .host = host,
        .now_s = time(NULL),
        .seed = seed,
        .session = session,
    };
    struct tls *tls = tls_init(secure->memory + slot * tls_size(), secure->config, &peer);
    explicit_bzero(seed, sizeof seed);
    return tls;
}

/* The log is a diagnosis: one that cannot be written to stops nothing. */
void secure_log_keys(const struct secure *secure, const struct tls *tls)
{
    char line[TLS_KEYLOG_LINE_BYTES];
    if (secure->key_log_fd < 0)
        return;
    tls_keylog_line(tls, line);
    ssize_t written = write(secure->key_log_fd, line, sizeof line);
    (void)written;
}
