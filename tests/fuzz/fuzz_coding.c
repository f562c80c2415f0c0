/* Any bytes as a coded body: the verdict and the bytes must not depend on the deliveries, nor on
 * how many are asked for at once. The first byte says which codings. */

#include "proto/coding/coding.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { MADE_MAX = 1 << 18 };

struct made {
    enum proto_error error;
    size_t length;
    char bytes[MADE_MAX];
};

static struct made whole;
static struct made other;

static void take(struct coding *coding, struct made *made, size_t step)
{
    char bytes[4096];
    size_t length = step;
    while (made->error == PROTO_OK && length == step && made->length < MADE_MAX) {
        made->error = coding_take(coding, bytes, step, &length);
        FUZZ_REQUIRE(length <= step);
        size_t room = MADE_MAX - made->length;
        size_t kept = length < room ? length : room;
        memcpy(made->bytes + made->length, bytes, kept);
        made->length += kept;
    }
}

static void play(const struct coding_list *list, struct span wire, size_t piece, size_t step,
                 struct made *ret)
{
    static char *memory;
    static struct coding coding;
    if (memory == NULL)
        memory = malloc(coding_memory_bytes());
    FUZZ_REQUIRE(memory != NULL);
    ret->length = 0;
    ret->error = coding_begin(&coding, list, memory, coding_memory_bytes(), 1000);
    for (size_t at = 0; at < wire.length && ret->error == PROTO_OK && ret->length < MADE_MAX;
         at += piece) {
        size_t length = piece < wire.length - at ? piece : wire.length - at;
        coding_feed(&coding, (struct span){wire.bytes + at, length});
        take(&coding, ret, step);
    }
    if (ret->error == PROTO_OK && ret->length < MADE_MAX)
        ret->error = coding_end(&coding);
}

static void require_same(void)
{
    size_t length = whole.length < other.length ? whole.length : other.length;
    FUZZ_REQUIRE(memcmp(whole.bytes, other.bytes, length) == 0);
    if (whole.length == MADE_MAX || other.length == MADE_MAX)
        return;
    FUZZ_REQUIRE((whole.error == PROTO_OK) == (other.error == PROTO_OK));
    FUZZ_REQUIRE(whole.error != PROTO_OK || whole.length == other.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"gzip",      "deflate",        "br", "zstd", "gzip,br",
                                        "zstd,gzip", "deflate,deflate"};
    struct coding_list list = {0};
    if (size == 0)
        return 0;
    struct span wire = {(const char *)data + 1, size - 1};
    const char *name = names[data[0] % (sizeof(names) / sizeof(names[0]))];
    if (coding_list_add(&list, span_of(name)) != PROTO_OK)
        return 0;
    play(&list, wire, wire.length, 4096, &whole);
    play(&list, wire, 1, 4096, &other);
    require_same();
    play(&list, wire, 7, 3, &other);
    require_same();
    return 0;
}
