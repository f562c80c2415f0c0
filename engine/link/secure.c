/* Owns the files that TLS needs, and nothing of its protocol. They are read once, at the first
 * https URL, so that who only speaks http pays nothing; or at open, where that is asked for, so
 * that who names a file that cannot be used is told at once. */

#include "engine/link/secure.h"
#include "proto/x509/pem.h"

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

enum { FILE_BYTES_MAX = 16 << 20, PIPE_BYTES = 16 << 10, VERDICTS = 1024 };

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"

void secure_init(struct secure *secure)
{
    *secure = (struct secure){.key_log_fd = -1};
}

/* --- files ------------------------------------------------------------------------------------ */

/* What was read of a file, which may be a secret. */
struct file {
    char *bytes;
    size_t length;
    size_t size;
};

static void file_free(struct file *file)
{
    if (file->bytes)
        explicit_bzero(file->bytes, file->length);
    free(file->bytes);
    *file = (struct file){0};
}

/* Not by realloc(), which would leave behind what it moves. */
static bool file_grow(struct file *file, size_t size)
{
    struct file larger = {malloc(size), file->length, size};
    if (!larger.bytes)
        return false;
    if (file->length > 0)
        memcpy(larger.bytes, file->bytes, file->length);
    file_free(file);
    *file = larger;
    return true;
}

/* Until its end, which is all that tells how long a pipe is. */
static int file_fill(struct file *file, int fd, size_t expected)
{
    bool has_room = file_grow(file, expected + 1);
    while (has_room) {
        ssize_t count = read(fd, file->bytes + file->length, file->size - file->length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count == 0 ? 0 : -errno;
        file->length += (size_t)count;
        if (file->length > FILE_BYTES_MAX)
            return -EFBIG;
        if (file->length == file->size)
            has_room = file_grow(file, file->size * 2);
    }
    return -ENOMEM;
}

/* The whole file; with O_NONBLOCK among flags a regular one only, else a pipe too. On failure
 * *ret_file is empty. */
static int file_read(struct file *ret_file, int directory_fd, const char *path, int flags)
{
    struct stat status;
    *ret_file = (struct file){0};
    int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
    if (fd < 0)
        return -errno;
    bool is_regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    int error = is_regular || !(flags & O_NONBLOCK) ? 0 : -EPERM;
    if (is_regular && status.st_size > FILE_BYTES_MAX)
        error = -EFBIG;
    if (!error)
        error = file_fill(ret_file, fd,
                          is_regular && status.st_size > 0 ? (size_t)status.st_size : PIPE_BYTES);
    close(fd);
    if (error)
        file_free(ret_file);
    return error;
}

/* What may be otherwise next time says nothing of a file. */
static bool is_passing(int error)
{
    return error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

static bool is_regular_at(int directory_fd, const char *path)
{
    struct stat status;
    return fstatat(directory_fd, path, &status, 0) == 0 && S_ISREG(status.st_mode);
}

/* --- roots ------------------------------------------------------------------------------------ */

static int trust_add_file(struct trust *trust, int directory_fd, const char *path, int flags)
{
    struct file file;
    int error = file_read(&file, directory_fd, path, flags);
    if (error)
        return is_passing(error) ? error : -ENOKEY;
    error = trust_add_pem(trust, (struct span){file.bytes, file.length}, NULL, NULL);
    file_free(&file);
    return error;
}

/* Every regular file of it; what is no certificate is passed over. What is no regular file may be
 * anything: a pipe that nobody writes to, a device that does something when it is opened. */
static int trust_add_directory(struct trust *trust, const char *path)
{
    const struct dirent *entry;
    DIR *directory = opendir(path);
    int error = directory ? 0 : is_passing(-errno) ? -errno : -ENOKEY;
    while (directory && !is_passing(error) && (entry = readdir(directory)))
        if (is_regular_at(dirfd(directory), entry->d_name))
            error = trust_add_file(trust, dirfd(directory), entry->d_name, O_NONBLOCK);
    if (directory)
        closedir(directory);
    return is_passing(error) || !directory ? error : 0;
}

/* As in OpenSSL one of the list may be missing; that all of them are is an error. */
static int trust_add_directories(struct trust *trust, const char *list)
{
    char path[PATH_MAX];
    int error = -ENOKEY;
    for (size_t length; *list && !is_passing(error); list += length + (list[length] == ':')) {
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

static int roots_missing(const struct haul_tls *options, struct haul_open_error *why)
{
    if (options->ca_file && options->ca_directory)
        *why = (struct haul_open_error){
            .message = "the file and the directory of trusted roots (ca_file, ca_directory) have "
                       "no certificate",
            .detail = HAUL_DETAIL_ROOTS,
        };
    else if (options->ca_file)
        why->message = "the file of trusted roots (ca_file) has no certificate";
    else if (options->ca_directory)
        why->message = "the directory of trusted roots (ca_directory) has no certificate";
    else
        why->message = "the system's trusted roots (" SYSTEM_ROOTS ") have no certificate";
    return -ENOKEY;
}

static int trust_fill(struct trust *trust, const struct haul_tls *options,
                      struct haul_open_error *why)
{
    int error = 0;
    if (options->ca_file) {
        *why = (struct haul_open_error){
            .option = "ca_file",
            .item = options->ca_file,
            .message = "the file of trusted roots (ca_file) cannot be read",
            .detail = HAUL_DETAIL_CA_FILE,
        };
        error = trust_add_file(trust, AT_FDCWD, options->ca_file, 0);
    }
    if (!error && options->ca_directory) {
        *why = (struct haul_open_error){
            .option = "ca_directory",
            .item = options->ca_directory,
            .message = "the directory of trusted roots (ca_directory) cannot be read",
            .detail = HAUL_DETAIL_CA_DIRECTORY,
        };
        error = trust_add_directories(trust, options->ca_directory);
    }
    if (!options->ca_file && !options->ca_directory) {
        *why = (struct haul_open_error){
            .message = "the system's trusted roots (" SYSTEM_ROOTS ") cannot be read",
            .detail = HAUL_DETAIL_ROOTS,
        };
        error = trust_add_file(trust, AT_FDCWD, SYSTEM_ROOTS, 0);
    }
    return error || trust_count(trust) > 0 ? error : roots_missing(options, why);
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

/* "sha256//…;sha256//…"; NULL: none. Returns how many, or -EINVAL, also for a list that is empty:
 * whoever makes one pins something, and any key would pass it. */
static int pins_decode(const char *text, unsigned char (*pins)[TLS_PIN_BYTES])
{
    static const char prefix[] = "sha256//";
    int count = 0;
    while (text && *text) {
        if (count == SECURE_PINS_MAX || strncmp(text, prefix, sizeof prefix - 1) != 0)
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
    return text && count == 0 ? -EINVAL : count;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int pins_take(const struct haul_tls *options, unsigned char (*pins)[TLS_PIN_BYTES],
                     struct haul_open_error *why)
{
    int count = pins_decode(options->pinned_keys, pins);
    if (count < 0)
        *why = (struct haul_open_error){
            .option = "pinned_keys",
            .item = options->pinned_keys,
            .message = "pinned_keys is not of the form sha256//<base64>;…, or has no key",
        };
    return count;
}

/* path may be NULL: there is nothing to read. An empty file is not the same: TLS would take it for
 * none. */
static int client_read(struct file *ret_file, const char *path, enum tls_error empty,
                       struct haul_open_error *why)
{
    int error = path ? file_read(ret_file, AT_FDCWD, path, 0) : 0;
    why->item = path;
    if (!path || (!error && ret_file->length > 0))
        return 0;
    if (!error)
        why->message = tls_sentence(empty);
    return is_passing(error) ? error : -EKEYREJECTED;
}

static int certificate_read(struct file *ret_file, const struct haul_tls *options,
                            struct haul_open_error *why)
{
    *why = (struct haul_open_error){
        .option = "client_certificate",
        .message = "the file of the client certificate (client_certificate) cannot be read",
        .detail = HAUL_DETAIL_CLIENT_CERTIFICATE,
    };
    return client_read(ret_file, options->client_certificate, TLS_CERTIFICATE_NONE, why);
}

static int key_read(struct file *ret_file, const struct haul_tls *options,
                    struct haul_open_error *why)
{
    *why = (struct haul_open_error){
        .option = "client_key",
        .message = "the file of the client certificate's key (client_key) cannot be read",
        .detail = HAUL_DETAIL_CLIENT_KEY,
    };
    return client_read(ret_file, options->client_key, TLS_KEY_NONE, why);
}

/* Which of the client's files it is about. */
static int client_refuse(const struct haul_tls *options, enum tls_error bad,
                         struct haul_open_error *why)
{
    bool is_of_certificate = bad == TLS_CERTIFICATE_NONE || bad == TLS_CERTIFICATE_MALFORMED;
    bool is_of_pair = bad == TLS_KEY_MISMATCH && options->client_key;
    *why = (struct haul_open_error){.message = tls_sentence(bad)};
    if (bad == TLS_MEMORY)
        return -ENOMEM;
    if (is_of_pair) {
        why->detail = HAUL_DETAIL_CLIENT_PAIR;
        return -EKEYREJECTED;
    }
    bool is_in_certificate = is_of_certificate || !options->client_key;
    why->option = is_in_certificate ? "client_certificate" : "client_key";
    why->item = is_in_certificate ? options->client_certificate : options->client_key;
    why->detail = is_of_certificate ? HAUL_DETAIL_CLIENT_CERTIFICATE : HAUL_DETAIL_CLIENT_KEY;
    return -EKEYREJECTED;
}

static bool is_openssl_alone(const struct haul_tls *options)
{
    return options->backend == HAUL_BACKEND_OPENSSL || options->version_min == HAUL_TLS_1_3;
}

static void side_close(struct secure_side *side)
{
    tls_config_close(side->config);
    free(side->memory);
    *side = (struct secure_side){0};
}

/* Where it fails, nothing is open. */
static enum tls_error side_open(struct secure_side *side, const struct tls_options *offers,
                                uint32_t connections)
{
    enum tls_error error = tls_config_open(offers, &side->config);
    if (error != TLS_OK)
        return error;
    side->memory = calloc(connections, tls_config_size(side->config));
    if (side->memory)
        return TLS_OK;
    side_close(side);
    return TLS_MEMORY;
}

/* A key that BearSSL cannot use may be one for the other, where the choice is ours. One that it can
 * use goes to both at once: nobody can be moved without it, and its text is not kept until then. */
static enum tls_error configs_open(struct secure *secure, const struct haul_tls *options)
{
    struct tls_options *offers = &secure->offers;
    bool has_files = offers->certificate.length > 0;
    bool is_ours = options->backend == HAUL_BACKEND_AUTO && !is_openssl_alone(options) &&
                   !tls_backend_missing(TLS_OPENSSL);
    enum tls_error bad;
    offers->backend = is_openssl_alone(options) ? TLS_OPENSSL : TLS_BEARSSL;
    bad = side_open(&secure->first, offers, secure->connections);
    offers->backend = TLS_OPENSSL;
    offers->is_legacy = false;
    if (bad == TLS_KEY_MALFORMED && is_ours && !options->legacy)
        return side_open(&secure->first, offers, secure->connections);
    secure->can_move =
        is_ours && bad == TLS_OK &&
        (!has_files || side_open(&secure->moved, offers, secure->connections) == TLS_OK);
    return bad;
}

static int config_open(struct secure *secure, const struct haul_tls *options, uint32_t connections,
                       struct haul_open_error *why)
{
    struct tls_options *offers = &secure->offers;
    struct file certificate = {0};
    struct file key = {0};
    int pin_count = pins_take(options, secure->pins, why);
    if (pin_count < 0)
        return pin_count;
    *offers = (struct tls_options){
        .trust = secure->trust,
        .pins = (const unsigned char(*)[TLS_PIN_BYTES])secure->pins,
        .pin_count = (size_t)pin_count,
        .chain_count = connections,
        .verdict_count = VERDICTS,
        .is_insecure = options->insecure,
        .is_legacy = options->legacy,
        .has_key_log = options->key_log,
        .version_min = options->version_min,
        .version_max = options->version_max,
    };
    int error = certificate_read(&certificate, options, why);
    if (!error)
        error = key_read(&key, options, why);
    if (!error) {
        offers->certificate = (struct span){certificate.bytes, certificate.length};
        offers->key = (struct span){key.bytes, key.length};
        enum tls_error bad = configs_open(secure, options);
        error = bad == TLS_OK ? 0 : client_refuse(options, bad, why);
    }
    offers->certificate = offers->key = (struct span){0};
    file_free(&certificate);
    file_free(&key);
    return error;
}

static int key_log_open(struct secure *secure, const char *path, struct haul_open_error *why)
{
    if (!path)
        return 0;
    secure->key_log_fd = open(
        path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, S_IRUSR | S_IWUSR);
    if (secure->key_log_fd >= 0)
        return 0;
    *why = (struct haul_open_error){
        .option = "key_log",
        .item = path,
        .message = "the key log (key_log) cannot be opened",
        .detail = HAUL_DETAIL_KEY_LOG,
    };
    return -errno;
}

static int secure_fill(struct secure *secure, const struct haul_tls *options, uint32_t connections,
                       struct haul_open_error *why)
{
    *why = (struct haul_open_error){.message = tls_sentence(TLS_MEMORY)};
    secure->connections = connections;
    secure->trust = trust_open();
    if (!secure->trust)
        return -ENOMEM;
    int error = config_open(secure, options, connections, why);
    if (!error)
        error = key_log_open(secure, options->key_log, why);
    if (error)
        return error;
    error = trust_fill(secure->trust, options, why);
    return error == -ENOKEY && options->insecure ? 0 : error;
}

int secure_open(struct secure *secure, const struct haul_tls *options, uint32_t connections,
                struct haul_open_error *ret_why)
{
    struct haul_open_error why = secure->why;
    int error = secure->error;
    if (secure->first.config)
        return 0;
    if (!error) {
        error = secure_fill(secure, options, connections, &why);
        if (error)
            secure_close(secure);
        if (!is_passing(error)) {
            secure->error = error;
            secure->why = why;
        }
    }
    if (error && ret_why)
        *ret_why = why;
    return error;
}

static bool is_version(uint16_t version)
{
    return version == 0 || version == HAUL_TLS_1_2 || version == HAUL_TLS_1_3;
}

/* What does not go together; NULL: all of it does. */
static const char *versions_refuse(const struct haul_tls *options)
{
    bool is_openssl = is_openssl_alone(options);
    if ((unsigned)options->backend > HAUL_BACKEND_OPENSSL)
        return "backend is none of tls.h's";
    if (!is_version(options->version_min) || !is_version(options->version_max))
        return "version_min and version_max are HAUL_TLS_1_2, HAUL_TLS_1_3 or 0";
    if (options->version_max != 0 && options->version_max < options->version_min)
        return "the highest TLS version allowed is below the lowest";
    if (options->backend == HAUL_BACKEND_BEARSSL && options->version_min == HAUL_TLS_1_3)
        return "BearSSL has no TLS 1.3";
    if (is_openssl && options->legacy)
        return "legacy TLS is for BearSSL alone: neither for OpenSSL nor for TLS 1.3";
    return is_openssl ? tls_backend_missing(TLS_OPENSSL) : NULL;
}

int secure_check(const struct haul_tls *options, struct haul_open_error *ret_why)
{
    unsigned char pins[SECURE_PINS_MAX][TLS_PIN_BYTES];
    const char *refusal = versions_refuse(options);
    if (refusal) {
        *ret_why = (struct haul_open_error){.option = "tls", .message = refusal};
        return -EINVAL;
    }
    int count = pins_take(options, pins, ret_why);
    return count < 0 ? count : 0;
}

void secure_close(struct secure *secure)
{
    side_close(&secure->first);
    side_close(&secure->moved);
    trust_close(secure->trust);
    if (secure->key_log_fd >= 0)
        close(secure->key_log_fd);
    secure_init(secure);
}

/* --- connections ------------------------------------------------------------------------------ */

/* The other backend is opened by the first that is moved to it: most runs meet none. */
static const struct secure_side *side_of(struct secure *secure, bool is_moved)
{
    if (!is_moved)
        return &secure->first;
    if (!secure->moved.config)
        side_open(&secure->moved, &secure->offers, secure->connections);
    return &secure->moved;
}

struct tls *secure_begin(struct secure *secure, uint32_t slot, const struct secure_peer *peer)
{
    unsigned char seed[TLS_SEED_BYTES];
    const struct secure_side *side = side_of(secure, peer->is_moved);
    if (!side->config || getrandom(seed, sizeof seed, 0) != sizeof seed)
        return NULL;
    const struct tls_peer wanted = {
        .host = peer->host,
        .now_s = time(NULL),
        .seed = seed,
        .session = peer->session,
        .is_anonymous = peer->is_anonymous,
        .port = peer->port,
    };
    struct tls *tls =
        tls_init(side->memory + slot * tls_config_size(side->config), side->config, &wanted);
    explicit_bzero(seed, sizeof seed);
    if (tls_state(tls) != TLS_FAILED)
        return tls;
    tls_deinit(tls);
    return NULL;
}

/* A server that speaks TLS 1.3 alone says so by one of these to a hello without it (70, RFC 8446,
 * 4.2.1; others have 40, 71 or 109), as does one whose key the hello has no signature for (40). */
static bool is_for_want_of_an_offer(uint8_t alert, bool has_13)
{
    enum { HANDSHAKE_FAILURE = 40, PROTOCOL_VERSION = 70, WEAK = 71, MISSING_EXTENSION = 109 };
    return alert == HANDSHAKE_FAILURE || alert == MISSING_EXTENSION ||
           (has_13 && (alert == PROTOCOL_VERSION || alert == WEAK));
}

static bool is_for_want_of_an_algorithm(enum verify_verdict verdict)
{
    return verdict == VERIFY_KEY_KIND || verdict == VERIFY_SIGNATURE_PSS ||
           verdict == VERIFY_SIGNATURE_KIND;
}

bool secure_moves(const struct secure *secure, const struct tls *tls)
{
    struct tls_failure failure = tls_failure(tls);
    bool has_13 = secure->offers.version_max != HAUL_TLS_1_2;
    if (!secure->can_move || strcmp(tls_facts(tls).backend, "bearssl") != 0)
        return false;
    if (failure.error == TLS_ALERT)
        return !failure.is_unnamed && is_for_want_of_an_offer(failure.alert, has_13);
    if (failure.error == TLS_HANDSHAKE_CUT)
        return failure.is_at_hello && has_13;
    return failure.error == TLS_CERTIFICATE && is_for_want_of_an_algorithm(failure.verdict);
}

/* The log is a diagnosis: one that cannot be written to stops nothing. */
void secure_log_keys(const struct secure *secure, struct tls *tls)
{
    char lines[TLS_KEYLOG_BYTES];
    if (secure->key_log_fd < 0)
        return;
    size_t length = tls_key_log(tls, lines);
    ssize_t written = length > 0 ? write(secure->key_log_fd, lines, length) : 0;
    (void)written;
    explicit_bzero(lines, sizeof lines);
}
