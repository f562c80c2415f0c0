/* Libcrypto takes its memory from functions that it can be given, once, before it takes any. */

#include "tests/lib/tls/starving.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum mode { PLENTY, ONCE, NONE };

static enum mode mode;
static unsigned allocations_left;
static bool was_refused;
static size_t bytes_now, bytes_most;

static bool allocation_take(void)
{
    if (mode == PLENTY || allocations_left-- > 0)
        return true;
    was_refused = true;
    allocations_left = 0;
    if (mode == ONCE)
        mode = PLENTY;
    return false;
}

static size_t bytes_of(void *memory)
{
    return memory != NULL ? malloc_usable_size(memory) + sizeof(size_t) : 0;
}

static void *counted(void *memory)
{
    bytes_now += bytes_of(memory);
    if (bytes_now > bytes_most)
        bytes_most = bytes_now;
    return memory;
}

static void *take(size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    return bytes > 0 && allocation_take() ? counted(malloc(bytes)) : NULL;
}

static void *retake(void *memory, size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    if (!allocation_take())
        return NULL;
    bytes_now -= bytes_of(memory);
    return counted(realloc(memory, bytes));
}

static void give(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    bytes_now -= bytes_of(memory);
    free(memory);
}

bool starving_begin(void)
{
    return CRYPTO_set_mem_functions(take, retake, give) == 1;
}

void starving_set(unsigned left, bool once)
{
    mode = once ? ONCE : NONE;
    allocations_left = left;
    was_refused = false;
}

bool starving_end(void)
{
    mode = PLENTY;
    return was_refused;
}

size_t starving_bytes(size_t *ret_most)
{
    *ret_most = bytes_most;
    bytes_most = bytes_now;
    return bytes_now;
}
