/* Hashes whole and the pseudorandom function of TLS 1.2 over them. The one hard idea is which of
 * BearSSL's hashes can be exchanged: those that are called with a name, as these are. The hash of a
 * handshake is called by a class that has no place for what was found in libcrypto, and is so often
 * that it cannot be looked for each time. */

#include "proto/tls/arithmetic.h"

#ifdef HAUL_HAS_OPENSSL

#include "proto/tls/openssl.h"

enum { BLOCK_BYTES_MAX = 128, HASH_BYTES_MAX = 64, INNER = 0x36, OUTER = 0x5c };

#define HASH_FUNCTIONS(X)                                                                          \
    X(SHA256_Final)                                                                                \
    X(SHA256_Init)                                                                                 \
    X(SHA256_Update)                                                                               \
    X(SHA384_Init)                                                                                 \
    X(SHA512_Final)                                                                                \
    X(SHA512_Init)                                                                                 \
    X(SHA512_Update)

OPENSSL_FUNCTIONS(HASH_FUNCTIONS)

/* A hash that has begun. SHA-384 is SHA-512 from another beginning and cut short. */
struct hasher {
    const struct functions *functions;
    int id; /* BearSSL's */
    union {
        SHA256_CTX sha256;
        SHA512_CTX sha512;
    } state;
};

static bool is_ours(int id)
{
    return id == br_sha256_ID || id == br_sha384_ID || id == br_sha512_ID;
}

static size_t hash_bytes(int id)
{
    return id == br_sha256_ID   ? br_sha256_SIZE
           : id == br_sha384_ID ? br_sha384_SIZE
                                : br_sha512_SIZE;
}

static size_t block_bytes(int id)
{
    return id == br_sha256_ID ? 64 : BLOCK_BYTES_MAX;
}

static void begin(struct hasher *hasher, const struct functions *functions, int id)
{
    hasher->functions = functions;
    hasher->id = id;
    if (id == br_sha256_ID)
        functions->SHA256_Init(&hasher->state.sha256);
    else if (id == br_sha384_ID)
        functions->SHA384_Init(&hasher->state.sha512);
    else
        functions->SHA512_Init(&hasher->state.sha512);
}

static void add(struct hasher *hasher, const void *bytes, size_t length)
{
    if (length == 0)
        return;
    if (hasher->id == br_sha256_ID)
        hasher->functions->SHA256_Update(&hasher->state.sha256, bytes, length);
    else
        hasher->functions->SHA512_Update(&hasher->state.sha512, bytes, length);
}

static void finish(struct hasher *hasher, unsigned char *ret_hash)
{
    if (hasher->id == br_sha256_ID)
        hasher->functions->SHA256_Final(ret_hash, &hasher->state.sha256);
    else
        hasher->functions->SHA512_Final(ret_hash, &hasher->state.sha512);
}

static bool hash_fast(int id, const struct span *pieces, size_t count, unsigned char *ret_hash)
{
    struct functions functions;
    struct hasher hasher;

    if (!is_ours(id) || !functions_find(&functions))
        return false;
    begin(&hasher, &functions, id);
    for (size_t i = 0; i < count; i++)
        add(&hasher, pieces[i].bytes, pieces[i].length);
    finish(&hasher, ret_hash);
    return true;
}

/* --- the pseudorandom function (RFC 5246, 5) -------------------------------------------------- */

/* HMAC of one key: what both hashes are once the key is in them. */
struct hmac {
    struct hasher inner, outer;
};

static void pad_begin(struct hasher *hasher, const struct functions *functions, int id,
                      const unsigned char key[BLOCK_BYTES_MAX], unsigned char byte)
{
    unsigned char pad[BLOCK_BYTES_MAX];

    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] = key[i] ^ byte;
    begin(hasher, functions, id);
    add(hasher, pad, block_bytes(id));
    explicit_bzero(pad, sizeof(pad));
}

/* A key longer than a block is hashed (RFC 2104, 2), as that of P-521 is. */
static void hmac_begin(struct hmac *hmac, const struct functions *functions, int id,
                       const void *secret, size_t length)
{
    unsigned char key[BLOCK_BYTES_MAX] = {0};

    if (length > block_bytes(id)) {
        begin(&hmac->inner, functions, id);
        add(&hmac->inner, secret, length);
        finish(&hmac->inner, key);
    } else if (length > 0) {
        memcpy(key, secret, length);
    }
    pad_begin(&hmac->inner, functions, id, key, INNER);
    pad_begin(&hmac->outer, functions, id, key, OUTER);
    explicit_bzero(key, sizeof(key));
}

/* What all of a call's codes are of, behind what is each one's own. */
struct seed {
    const char *label;
    size_t count;
    const br_tls_prf_seed_chunk *chunks;
};

/* HMAC of before and, where seed is not NULL, of that behind it; before may lie where the result
 * does. */
static void hmac_make(const struct hmac *hmac, const unsigned char *before, size_t length,
                      const struct seed *seed, unsigned char *ret_code)
{
    struct hasher inner = hmac->inner, outer = hmac->outer;
    unsigned char hash[HASH_BYTES_MAX];

    add(&inner, before, length);
    if (seed != NULL) {
        add(&inner, seed->label, strlen(seed->label));
        for (size_t i = 0; i < seed->count; i++)
            add(&inner, seed->chunks[i].data, seed->chunks[i].len);
    }
    finish(&inner, hash);
    add(&outer, hash, hash_bytes(inner.id));
    finish(&outer, ret_code);
    explicit_bzero(hash, sizeof(hash));
}

static bool prf_fast(int id, unsigned char *ret_bytes, size_t length, const void *secret,
                     size_t secret_length, const struct seed *seed)
{
    unsigned char link[HASH_BYTES_MAX], code[HASH_BYTES_MAX];
    struct functions functions;
    struct hmac hmac;

    if (!functions_find(&functions))
        return false;
    hmac_begin(&hmac, &functions, id, secret, secret_length);
    hmac_make(&hmac, NULL, 0, seed, link);
    while (length > 0) {
        size_t part = length < hash_bytes(id) ? length : hash_bytes(id);

        hmac_make(&hmac, link, hash_bytes(id), seed, code);
        memcpy(ret_bytes, code, part);
        ret_bytes += part;
        length -= part;
        if (length > 0)
            hmac_make(&hmac, link, hash_bytes(id), NULL, link);
    }
    explicit_bzero(&hmac, sizeof(hmac));
    explicit_bzero(link, sizeof(link));
    explicit_bzero(code, sizeof(code));
    return true;
}

void tls_prf_sha256(void *ret_bytes, size_t length, const void *secret, size_t secret_length,
                    const char *label, size_t seed_count, const br_tls_prf_seed_chunk *seeds)
{
    const struct seed seed = {label, seed_count, seeds};

    if (!prf_fast(br_sha256_ID, ret_bytes, length, secret, secret_length, &seed))
        br_tls12_sha256_prf(ret_bytes, length, secret, secret_length, label, seed_count, seeds);
}

void tls_prf_sha384(void *ret_bytes, size_t length, const void *secret, size_t secret_length,
                    const char *label, size_t seed_count, const br_tls_prf_seed_chunk *seeds)
{
    const struct seed seed = {label, seed_count, seeds};

    if (!prf_fast(br_sha384_ID, ret_bytes, length, secret, secret_length, &seed))
        br_tls12_sha384_prf(ret_bytes, length, secret, secret_length, label, seed_count, seeds);
}

#else

static bool hash_fast(int id, const struct span *pieces, size_t count, unsigned char *ret_hash)
{
    (void)id;
    (void)pieces;
    (void)count;
    (void)ret_hash;
    return false;
}

#endif

void tls_hash(const void *arithmetic, const br_hash_class *class, const struct span *pieces,
              size_t count, unsigned char *ret_hash)
{
    int id = (int)(class->desc >> BR_HASHDESC_ID_OFF & BR_HASHDESC_ID_MASK);
    br_hash_compat_context context;

    if (arithmetic != NULL && hash_fast(id, pieces, count, ret_hash))
        return;
    class->init(&context.vtable);
    for (size_t i = 0; i < count; i++)
        class->update(&context.vtable, pieces[i].bytes, pieces[i].length);
    class->out(&context.vtable, ret_hash);
}
