/* Owns the decoders' memory. The hard idea is its size: of one decoder up to 21 MiB of addresses,
 * for the largest window there is, of which most bodies touch 64 KiB. So it is mapped when a
 * decoder is first used, costs what of it is written, and what is beyond the ordinary goes back to
 * the kernel with the body that needed it. The decoder given back last is taken first. */

#include "engine/request/decoding.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

enum { ORDINARY_BYTES = 1 << 20 };

void decoders_init(struct decoders *decoders, struct decoder *list, uint32_t *next, uint32_t count,
                   char *step, uint64_t max_ratio)
{
    *decoders = (struct decoders){.list = list, .step = step, .max_ratio = max_ratio};
    slab_init(&decoders->slab, next, count);
}

size_t decoder_bytes(void)
{
    return DECODER_KEPT_BYTES + coding_memory_bytes();
}

void decoders_deinit(struct decoders *decoders)
{
    for (uint32_t i = 0; i < decoders->slab.touched; i++)
        if (decoders->list[i].memory)
            munmap(decoders->list[i].memory, decoder_bytes());
}

static bool has_memory(struct decoder *decoder)
{
    if (decoder->memory)
        return true;
    void *memory = mmap(NULL, decoder_bytes(), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    decoder->memory = memory == MAP_FAILED ? NULL : memory;
    return decoder->memory;
}

uint32_t decoder_open(struct decoders *decoders, const struct coding_list *list,
                      enum proto_error *ret_error)
{
    uint32_t index = slab_take(&decoders->slab);
    assert(index != SLAB_NONE); /* there is one for each that is under way */
    struct decoder *decoder = &decoders->list[index];
    *ret_error = PROTO_OK;
    bool is_open = has_memory(decoder);
    if (is_open)
        *ret_error = coding_begin(&decoder->coding, list, decoder->memory + DECODER_KEPT_BYTES,
                                  coding_memory_bytes(), decoders->max_ratio);
    if (is_open && !*ret_error)
        return index;
    slab_give(&decoders->slab, index);
    return NO_DECODER;
}

/* Memory that is given to the kernel is zero when it is touched again, and costs nothing. */
void decoder_close(struct decoders *decoders, uint32_t index)
{
    const struct decoder *decoder = &decoders->list[index];
    size_t reached = decoder->coding.arena.reached;
    size_t kept = DECODER_KEPT_BYTES + (ORDINARY_BYTES / 2);
    if (reached > ORDINARY_BYTES)
        madvise(decoder->memory + kept, decoder_bytes() - kept, MADV_DONTNEED);
    slab_give(&decoders->slab, index);
}

void decoder_feed(struct decoders *decoders, uint32_t index, struct span bytes)
{
    coding_feed(&decoders->list[index].coding, bytes);
}

bool decoder_take(struct decoders *decoders, uint32_t index, struct span *ret_bytes,
                  enum proto_error *ret_error)
{
    struct coding *coding = &decoders->list[index].coding;
    ret_bytes->bytes = decoders->step;
    *ret_error = coding_take(coding, decoders->step, DECODER_STEP_BYTES, &ret_bytes->length);
    return ret_bytes->length == DECODER_STEP_BYTES;
}

void decoder_keep(struct decoders *decoders, uint32_t index)
{
    struct decoder *decoder = &decoders->list[index];
    struct span rest = coding_rest(&decoder->coding);
    assert(rest.length <= DECODER_KEPT_BYTES);
    if (rest.length > 0)
        memmove(decoder->memory, rest.bytes, rest.length);
    coding_move(&decoder->coding, decoder->memory);
}

enum proto_error decoder_end(const struct decoders *decoders, uint32_t index)
{
    return coding_end(&decoders->list[index].coding);
}
