/* The line scanner, in three implementations that answer alike.
 *
 * The idea: a well-formed line has exactly one control byte, the CR at its end, so the search for
 * the end and the check for bytes that must not be there are the same search. The vector versions
 * load only whole vectors that lie inside the range and leave the rest to the plain one. */

#include "proto/http/scan.h"

#include <stddef.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define SCAN_HAS_VECTORS 1
#else
#define SCAN_HAS_VECTORS 0
#endif

/* tchar of RFC 9110, 5.6.2. */
static const bool token_bytes[256] = {
    /* clang-format off */
    /*          0 1 2 3 4 5 6 7 8 9 a b c d e f */
    [0x20] =    0,1,0,1,1,1,1,1,0,0,1,1,0,1,1,0, /*   ! # $ % & '     * +   - .   */
    [0x30] =    1,1,1,1,1,1,1,1,1,1,0,0,0,0,0,0, /* 0 1 2 3 4 5 6 7 8 9             */
    [0x40] =    0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1, /*   A B C D E F G H I J K L M N O */
    [0x50] =    1,1,1,1,1,1,1,1,1,1,1,0,0,0,1,1, /* P Q R S T U V W X Y Z       ^ _ */
    [0x60] =    1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1, /* ` a b c d e f g h i j k l m n o */
    [0x70] =    1,1,1,1,1,1,1,1,1,1,1,0,1,0,1,0, /* p q r s t u v w x y z   |   ~   */
    /* clang-format on */
};

bool scan_is_token(char c)
{
    return token_bytes[(unsigned char)c];
}

const char *scan_token(const char *p, const char *end)
{
    while (p < end && token_bytes[(unsigned char)*p])
        p++;
    return p;
}

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

static const char *find_plain(const char *p, const char *end)
{
    while (p < end && !is_control((unsigned char)*p))
        p++;
    return p;
}

scan_fn *scan_control_plain(void)
{
    return find_plain;
}

#if SCAN_HAS_VECTORS

/* Not SSE4.2's string comparison, which finds ranges in one instruction and is no faster: valgrind
 * does not know each form of it. */
static const char *find_sse2(const char *p, const char *end)
{
    const __m128i space = _mm_set1_epi8(0x20);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i delete = _mm_set1_epi8(0x7f);

    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i printable = _mm_cmpeq_epi8(_mm_max_epu8(bytes, space), bytes);
        __m128i allowed = _mm_or_si128(printable, _mm_cmpeq_epi8(bytes, tab));
        __m128i good = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, delete), allowed);
        unsigned bad = (unsigned)_mm_movemask_epi8(good) ^ 0xffff;

        if (bad != 0)
            return p + __builtin_ctz(bad);
    }
    return find_plain(p, end);
}

__attribute__((target("avx2"))) static const char *find_avx2(const char *p, const char *end)
{
    const __m256i space = _mm256_set1_epi8(0x20);
    const __m256i tab = _mm256_set1_epi8('\t');
    const __m256i delete = _mm256_set1_epi8(0x7f);

    for (; end - p >= 32; p += 32) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)p);
        __m256i printable = _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, space), bytes);
        __m256i allowed = _mm256_or_si256(printable, _mm256_cmpeq_epi8(bytes, tab));
        __m256i good = _mm256_andnot_si256(_mm256_cmpeq_epi8(bytes, delete), allowed);
        unsigned bad = ~(unsigned)_mm256_movemask_epi8(good);

        if (bad != 0)
            return p + __builtin_ctz(bad);
    }
    return find_sse2(p, end);
}

scan_fn *scan_control_sse2(void)
{
    return find_sse2;
}

scan_fn *scan_control_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? find_avx2 : NULL;
}

const char *scan_control(const char *p, const char *end)
{
    if (__builtin_cpu_supports("avx2"))
        return find_avx2(p, end);
    return find_sse2(p, end);
}

#else

scan_fn *scan_control_sse2(void)
{
    return NULL;
}

scan_fn *scan_control_avx2(void)
{
    return NULL;
}

const char *scan_control(const char *p, const char *end)
{
    return find_plain(p, end);
}

#endif
