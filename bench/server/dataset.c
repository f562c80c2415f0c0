/* Writes the collections once, at start, so that serving them is handing out views.
 *
 * The words come from a generator seeded by collection and object: the text of an object depends on
 * nothing else, and so is the same on every machine. */

#include "bench/server/dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct filler {
    FILE *out;
    uint32_t seed;
};

static uint32_t random_below(struct filler *filler, uint32_t bound)
{
    filler->seed ^= filler->seed << 13; /* Marsaglia's xorshift32; the seed is never 0 */
    filler->seed ^= filler->seed >> 17;
    filler->seed ^= filler->seed << 5;
    return filler->seed % bound;
}

static const char *any_word(struct filler *filler)
{
    static const char *const list[] = {
        "anchor", "basket", "bridge",  "candle", "copper",  "corner", "ember",   "feather",
        "garden", "harbor", "hollow",  "island", "kettle",  "ladder", "lantern", "letter",
        "meadow", "mirror", "morning", "needle", "orchard", "paper",  "pepper",  "pillow",
        "quiet",  "ribbon", "river",   "saddle", "shadow",  "silver", "stone",   "summer",
        "thread", "timber", "valley",  "velvet", "whistle", "willow", "window",  "winter",
    };

    return list[random_below(filler, sizeof list / sizeof *list)];
}

static void write_words(struct filler *filler, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        fprintf(filler->out, i == 0 ? "%s" : " %s", any_word(filler));
}

static void write_text(struct filler *filler, const char *name, uint32_t count)
{
    fprintf(filler->out, ",\"%s\":\"", name);
    write_words(filler, count);
    fputc('"', filler->out);
}

static void write_post(struct filler *filler, uint32_t id)
{
    fprintf(filler->out, "{\"userId\":%" PRIu32 ",\"id\":%" PRIu32, (id - 1) / 10 + 1, id);
    write_text(filler, "title", 6);
    write_text(filler, "body", 24);
    fputc('}', filler->out);
}

static void write_comment(struct filler *filler, uint32_t id)
{
    fprintf(filler->out, "{\"postId\":%" PRIu32 ",\"id\":%" PRIu32, (id - 1) / 5 + 1, id);
    write_text(filler, "name", 5);
    fprintf(filler->out, ",\"email\":\"%s.%s@example.org\"", any_word(filler), any_word(filler));
    write_text(filler, "body", 28);
    fputc('}', filler->out);
}

static void write_album(struct filler *filler, uint32_t id)
{
    fprintf(filler->out, "{\"userId\":%" PRIu32 ",\"id\":%" PRIu32, (id - 1) / 10 + 1, id);
    write_text(filler, "title", 4);
    fputc('}', filler->out);
}

static void write_photo(struct filler *filler, uint32_t id)
{
    uint32_t color = random_below(filler, 0x1000000);

    fprintf(filler->out, "{\"albumId\":%" PRIu32 ",\"id\":%" PRIu32, (id - 1) / 50 + 1, id);
    write_text(filler, "title", 6);
    fprintf(filler->out, ",\"url\":\"https://photos.example.org/600/%06" PRIx32 "\"", color);
    fprintf(filler->out, ",\"thumbnailUrl\":\"https://photos.example.org/150/%06" PRIx32 "\"}",
            color);
}

static void write_todo(struct filler *filler, uint32_t id)
{
    fprintf(filler->out, "{\"userId\":%" PRIu32 ",\"id\":%" PRIu32, (id - 1) / 20 + 1, id);
    write_text(filler, "title", 5);
    fprintf(filler->out, ",\"completed\":%s}", random_below(filler, 2) ? "true" : "false");
}

static void write_address(struct filler *filler)
{
    fprintf(filler->out, ",\"address\":{\"street\":\"%s street\",\"suite\":\"no. %" PRIu32 "\"",
            any_word(filler), random_below(filler, 900) + 1);
    fprintf(filler->out, ",\"city\":\"%s%s\",\"zipcode\":\"%05" PRIu32 "\"", any_word(filler),
            any_word(filler), random_below(filler, 100000));
    fprintf(filler->out, ",\"geo\":{\"lat\":\"%" PRIu32 ".%04" PRIu32 "\"",
            random_below(filler, 90), random_below(filler, 10000));
    fprintf(filler->out, ",\"lng\":\"-%" PRIu32 ".%04" PRIu32 "\"}}", random_below(filler, 180),
            random_below(filler, 10000));
}

static void write_user(struct filler *filler, uint32_t id)
{
    fprintf(filler->out, "{\"id\":%" PRIu32, id);
    write_text(filler, "name", 2);
    write_text(filler, "username", 1);
    fprintf(filler->out, ",\"email\":\"%s@example.org\"", any_word(filler));
    write_address(filler);
    fprintf(filler->out, ",\"phone\":\"555-%04" PRIu32 "\"", random_below(filler, 10000));
    fprintf(filler->out, ",\"website\":\"%s.example.org\",\"company\":{\"name\":\"%s and %s\"",
            any_word(filler), any_word(filler), any_word(filler));
    write_text(filler, "catchPhrase", 4);
    write_text(filler, "bs", 3);
    fputs("}}", filler->out);
}

static const struct {
    const char *name;
    uint32_t count;
    void (*write)(struct filler *filler, uint32_t id);
} plans[DATASET_COLLECTIONS] = {
    {"posts", 100, write_post},    {"comments", 500, write_comment}, {"albums", 100, write_album},
    {"photos", 5000, write_photo}, {"todos", 200, write_todo},       {"users", 10, write_user},
};

static bool collection_write(struct collection *collection, size_t plan)
{
    struct filler filler = {.out = open_memstream(&collection->json, &collection->length)};

    if (!filler.out)
        return false;
    fputs("[\n", filler.out);
    for (uint32_t id = 1; id <= collection->count; id++) {
        collection->offsets[id - 1] = (size_t)ftell(filler.out);
        filler.seed = (uint32_t)(plan + 1) * 1000003 + id * 2654435761u;
        plans[plan].write(&filler, id);
        fputs(id < collection->count ? ",\n" : "\n]", filler.out);
    }
    collection->offsets[collection->count] = (size_t)ftell(filler.out);
    fputc('\n', filler.out);
    return fclose(filler.out) == 0 && collection->json != NULL;
}

bool dataset_init(struct dataset *dataset)
{
    *dataset = (struct dataset){0};
    for (size_t i = 0; i < DATASET_COLLECTIONS; i++) {
        struct collection *collection = &dataset->collections[i];

        collection->name = plans[i].name;
        collection->count = plans[i].count;
        collection->offsets = calloc(collection->count + 1, sizeof *collection->offsets);
        if (!collection->offsets || !collection_write(collection, i)) {
            dataset_deinit(dataset);
            return false;
        }
    }
    return true;
}

void dataset_deinit(struct dataset *dataset)
{
    for (size_t i = 0; i < DATASET_COLLECTIONS; i++) {
        free(dataset->collections[i].json);
        free(dataset->collections[i].offsets);
    }
}

const struct collection *dataset_find(const struct dataset *dataset, struct span name)
{
    for (size_t i = 0; i < DATASET_COLLECTIONS; i++)
        if (span_equal(name, span_of(dataset->collections[i].name)))
            return &dataset->collections[i];
    return NULL;
}

struct span collection_object(const struct collection *collection, uint64_t id)
{
    size_t begin = collection->offsets[id - 1];
    size_t separator = 2; /* ",\n" behind each object, "\n]" behind the last */

    return (struct span){collection->json + begin, collection->offsets[id] - begin - separator};
}
