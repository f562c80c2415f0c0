/* Any bytes as a netrc file: it is read to an end, each entry lies inside it, and none has a byte
 * that a field could not carry. */

#include "proto/auth/netrc.h"
#include "proto/http/scan.h"
#include "tests/lib/feed.h"
#include "tests/fuzz/fuzz.h"

static void require_sendable(struct span word, struct span text)
{
    if (word.bytes == NULL)
        return;
    FUZZ_REQUIRE(word.bytes >= text.bytes);
    FUZZ_REQUIRE(word.bytes + word.length <= text.bytes + text.length);
    FUZZ_REQUIRE(scan_control(word.bytes, word.bytes + word.length) == word.bytes + word.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {NULL, size < FEED_WIRE_BYTES_MAX ? size : FEED_WIRE_BYTES_MAX};
    struct netrc netrc;
    struct netrc_entry entry;
    enum netrc_result result;
    size_t entries = 0;

    text.bytes = feed_guarded(0, (struct span){(const char *)data, text.length});
    netrc_init(&netrc, (char *)(uintptr_t)text.bytes, text.length);
    while ((result = netrc_next(&netrc, &entry)) == NETRC_ENTRY) {
        FUZZ_REQUIRE(++entries <= text.length);
        require_sendable(entry.login, text);
        require_sendable(entry.password, text);
    }
    FUZZ_REQUIRE(result != NETRC_END || netrc_next(&netrc, &entry) == NETRC_END);
    return 0;
}
