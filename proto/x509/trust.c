/* The store of anchors: certificates, and a table that finds them by their subject.
 *
 * Each PEM text is decoded into one block that never moves, and the certificates are views of it;
 * so 144 roots cost a handful of allocations, and nothing is decoded again later. */

#include "proto/x509/trust.h"
#include "proto/x509/pem.h"

#include <errno.h>
#include <stdlib.h>

/* The decoded certificates of one PEM text. */
struct block {
    struct block *next;
    char bytes[];
};

/* An anchor, and the next one in its chain of the table (an index and 1; 0 ends it). */
struct entry {
    struct certificate certificate;
    size_t next;
};

struct trust {
    struct block *blocks;
    struct entry *entries;
    size_t count;
    size_t capacity; /* of entries, and the length of heads: a power of two, or 0 */
    size_t *heads;   /* by hash: the first entry's index and 1, or 0 */
};

struct trust *trust_open(void)
{
    return calloc(1, sizeof(struct trust));
}

void trust_close(struct trust *trust)
{
    if (trust == NULL)
        return;
    while (trust->blocks != NULL) {
        struct block *next = trust->blocks->next;

        free(trust->blocks);
        trust->blocks = next;
    }
    free(trust->entries);
    free(trust->heads);
    free(trust);
}

static void entry_link(struct trust *trust, size_t index)
{
    struct entry *entry = &trust->entries[index];
    size_t *head = &trust->heads[entry->certificate.subject_hash & (trust->capacity - 1)];

    entry->next = *head;
    *head = index + 1;
}

/* Doubles both tables. */
static int tables_grow(struct trust *trust)
{
    size_t capacity = trust->capacity == 0 ? 16 : trust->capacity * 2;
    size_t *heads = calloc(capacity, sizeof(*heads));
    struct entry *entries = realloc(trust->entries, capacity * sizeof(*entries));

    if (entries != NULL)
        trust->entries = entries;
    if (heads == NULL || entries == NULL) {
        free(heads);
        return -ENOMEM;
    }
    free(trust->heads);
    trust->heads = heads;
    trust->capacity = capacity;
    for (size_t i = 0; i < trust->count; i++)
        entry_link(trust, i);
    return 0;
}

static int certificate_add(struct trust *trust, const struct certificate *certificate)
{
    if (trust_has(trust, certificate))
        return 0;
    if (trust->count == trust->capacity && tables_grow(trust) < 0)
        return -ENOMEM;
    trust->entries[trust->count] = (struct entry){.certificate = *certificate};
    entry_link(trust, trust->count++);
    return 0;
}

static bool is_certificate_label(struct span label)
{
    return span_equal(label, SPAN("CERTIFICATE")) || span_equal(label, SPAN("X509 CERTIFICATE"));
}

int trust_add_pem(struct trust *trust, struct span pem, size_t *ret_count, size_t *ret_bad_count)
{
    struct block *block = malloc(sizeof(*block) + pem_decoded_max(pem.length));
    struct certificate certificate;
    struct span label, body;
    size_t count = 0, bad_count = 0, used = 0, length;
    int error = 0;

    if (block == NULL)
        return -ENOMEM;
    block->next = trust->blocks;
    trust->blocks = block;
    while (error == 0 && pem_next(&pem, &label, &body)) {
        if (!is_certificate_label(label))
            continue;
        if (!pem_decode(body, block->bytes + used, &length) ||
            !certificate_parse((struct span){block->bytes + used, length}, &certificate)) {
            bad_count++;
            continue;
        }
        error = certificate_add(trust, &certificate);
        used += length;
        count++;
    }
    if (ret_count != NULL)
        *ret_count = count;
    if (ret_bad_count != NULL)
        *ret_bad_count = bad_count;
    return error;
}

size_t trust_count(const struct trust *trust)
{
    return trust->count;
}

const struct certificate *trust_find(const struct trust *trust, struct span subject, size_t *cursor)
{
    const struct certificate *anchor;
    uint64_t hash;
    size_t next;

    if (trust->count == 0)
        return NULL;
    hash = *cursor == 0 ? name_hash(subject) : trust->entries[*cursor - 1].certificate.subject_hash;
    next = *cursor == 0 ? trust->heads[hash & (trust->capacity - 1)]
                        : trust->entries[*cursor - 1].next;
    for (; next != 0; next = trust->entries[next - 1].next) {
        anchor = &trust->entries[next - 1].certificate;
        if (anchor->subject_hash == hash && name_equal(anchor->subject, subject))
            break;
    }
    *cursor = next;
    return next == 0 ? NULL : &trust->entries[next - 1].certificate;
}

bool trust_has(const struct trust *trust, const struct certificate *certificate)
{
    const struct certificate *anchor;
    size_t cursor = 0;

    while ((anchor = trust_find(trust, certificate->subject, &cursor)) != NULL)
        if (span_equal(anchor->der, certificate->der))
            return true;
    return false;
}
