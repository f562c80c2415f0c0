#ifndef BENCH_SERVER_DATASET_H
#define BENCH_SERVER_DATASET_H

/* The six collections the server serves: the field names and the numbers of objects of
 * JSONPlaceholder, with words of our own that are the same on every run. */

#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { DATASET_COLLECTIONS = 6 };

struct collection {
    const char *name;
    uint32_t count;
    char *json; /* an array, an object a line */
    size_t length;
    size_t *offsets; /* of object 1, 2 … in json, and where one more would begin */
};

struct dataset {
    struct collection collections[DATASET_COLLECTIONS];
};

/* false: no memory; nothing is left behind. */
bool dataset_init(struct dataset *dataset);
void dataset_deinit(struct dataset *dataset);

/* NULL: there is no such collection. */
const struct collection *dataset_find(const struct dataset *dataset, struct span name);

/* The JSON of one object, id from 1. */
struct span collection_object(const struct collection *collection, uint64_t id);

#endif
