/* Replays a corpus through a fuzz target: every file of the directories given, whole and cut off
 * after each of its bytes. For compilers without libFuzzer, and for every test run. */

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 16 };

/* A copy of exactly the size given, so that a sanitizer sees a read behind its end. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    FUZZ_REQUIRE(copy != NULL);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void replay_file(const char *path)
{
    static uint8_t data[FILE_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    size_t size;

    FUZZ_REQUIRE(file != NULL);
    size = fread(data, 1, sizeof(data), file);
    fclose(file);
    for (size_t length = 0; length <= size; length++)
        run(data, length);
}

/* Returns how many files there were. */
static unsigned replay_directory(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    unsigned count = 0;

    FUZZ_REQUIRE(directory != NULL);
    while ((entry = readdir(directory)) != NULL) {
        char file[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        replay_file(file);
        count++;
    }
    closedir(directory);
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    for (int i = 1; i < argc; i++)
        count += replay_directory(argv[i]);
    printf("%u files\n", count);
    return count > 0 ? 0 : 1;
}
