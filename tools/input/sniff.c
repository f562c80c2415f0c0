/* Owns the look at a list that is none. The idea: what is wrong with a whole file is said once, and
 * not once a line; the first line that is not blank tells it. A line that is merely a bad URL is a
 * result like all others. */

#include "tools/input/sniff.h"

#include <stdbool.h>
#include <string.h>

/* Byte order marks and the magic numbers of what lists are packed by. A zero byte ends a row, so
 * that UTF-32, whose mark begins as that of UTF-16, is told apart below. */
static const struct {
    const char *begin;
    const char *sentence;
} rows[] = {
    {"\xFF\xFE", "it is UTF-16, and lists are UTF-8; convert it by iconv -f UTF-16 -t UTF-8"},
    {"\xFE\xFF", "it is UTF-16, and lists are UTF-8; convert it by iconv -f UTF-16 -t UTF-8"},
    {"\x1F\x8B", "it is compressed; unpack it by gzip -dc, and read that by -i -"},
    {"\x28\xB5\x2F\xFD", "it is compressed; unpack it by zstd -dc, and read that by -i -"},
    {"\xFD\x37zXZ", "it is compressed; unpack it by xz -dc, and read that by -i -"},
    {"BZh91AY&SY", "it is compressed; unpack it by bzip2 -dc, and read that by -i -"},
    {"PK\x03\x04", "it is a zip archive; unpack it by unzip -p, and read that by -i -"},
};

/* Text of UTF-16 without a mark: of ASCII, every other byte is zero. */
static bool is_utf16(const char *line, size_t length)
{
    size_t zeros[2] = {0, 0};
    for (size_t i = 0; i < length; i++)
        zeros[i % 2] += line[i] == '\0';
    size_t most = zeros[0] > zeros[1] ? zeros[0] : zeros[1];
    size_t least = zeros[0] + zeros[1] - most;
    return most * 4 >= length && least * 4 < most;
}

static const char *sniff_zeros(const char *line, size_t length)
{
    if (length >= 4 && memcmp(line, "\xFF\xFE\0", 4) == 0)
        return "it is UTF-32, and lists are UTF-8; convert it by iconv -f UTF-32 -t UTF-8";
    if (memcmp(line, "http", length < 4 ? length : 4) == 0 && !is_utf16(line, length))
        return "zero bytes part its URLs, and line ends should; tr '\\0' '\\n' makes them so";
    if (is_utf16(line, length))
        return rows[0].sentence;
    return "it is binary, and no list of URLs, one a line";
}

const char *sniff(const char *line, size_t length)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t begin = strlen(rows[i].begin);
        bool is_utf32 = length >= 4 && line[2] == '\0' && line[3] == '\0';
        if (length >= begin && memcmp(line, rows[i].begin, begin) == 0 && !is_utf32)
            return rows[i].sentence;
    }
    return memchr(line, '\0', length) != NULL ? sniff_zeros(line, length) : NULL;
}
