/* Loading OpenSSL. It is never unloaded: it has threads' data, and handlers of theirs, that point
 * into it, and says itself that it is to stay (DF_1_NODELETE). So a second configuration finds what
 * the first has loaded, and nobody has to remember that it is. */

#include "proto/tls/openssl.h"

#include <dlfcn.h>
#include <string.h>

enum { HOW = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE };

/* POSIX has that a pointer to a function comes out of one to void. */
bool openssl_function(void *library, const char *name, void *ret_function)
{
    void *found = library != NULL ? dlsym(library, name) : NULL;

    memcpy(ret_function, &found, sizeof(found));
    return found != NULL;
}

bool openssl_load(struct openssl *ret_openssl)
{
    void *crypto = dlopen(OPENSSL_CRYPTO_NAME, HOW);
    void *ssl = crypto != NULL ? dlopen(OPENSSL_SSL_NAME, HOW) : NULL;
    bool is_there = true;

#define FIND(library, name) is_there &= openssl_function(library, #name, &ret_openssl->name);
#define FIND_IN_CRYPTO(name) FIND(crypto, name)
#define FIND_IN_SSL(name) FIND(ssl, name)
    OPENSSL_CRYPTO_FUNCTIONS(FIND_IN_CRYPTO)
    OPENSSL_SSL_FUNCTIONS(FIND_IN_SSL)
#undef FIND_IN_SSL
#undef FIND_IN_CRYPTO
#undef FIND
    return is_there && ret_openssl->OPENSSL_init_crypto(
                           OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) == 1;
}

void *openssl_crypto(void)
{
    return dlopen(OPENSSL_CRYPTO_NAME, HOW | RTLD_NOLOAD);
}

void openssl_crypto_done(void *crypto)
{
    if (crypto != NULL)
        dlclose(crypto);
}

int openssl_curve_number(int curve)
{
    switch (curve) {
    case 23:
        return NID_X9_62_prime256v1;
    case 24:
        return NID_secp384r1;
    case 25:
        return NID_secp521r1;
    }
    return NID_undef;
}

void *openssl_data_of(const SSL *ssl)
{
    void *library = dlopen(OPENSSL_SSL_NAME, HOW | RTLD_NOLOAD);
    __typeof__(SSL_get_ex_data) *get;
    void *data = openssl_function(library, "SSL_get_ex_data", &get) ? get(ssl, 0) : NULL;

    if (library != NULL)
        dlclose(library);
    return data;
}
