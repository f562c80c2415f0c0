/* Hosts beyond ASCII, by libidn2.
 *
 * Where two readings of one host are in use, there is none: browsers go by UTS 46 alone, which
 * allows symbols, libidn2 adds the rules of IDNA 2008, which do not. Symbols (emoji) that it will
 * not have are converted in the transitional manner, in which it asks less, and which differs only
 * in the four characters that a host must not have then. */

#include "proto/http/idna.h"

#ifdef HAUL_HAS_IDN2

#include <idn2.h>

enum { HOST_TEXT_BYTES = 1024 };

static enum proto_error error_of(int code)
{
    switch (code) {
    case IDN2_OK:
        return PROTO_OK;
    case IDN2_MALLOC:
        return PROTO_IDNA_MEMORY;
    case IDN2_ENCODING_ERROR:
        return PROTO_IDNA_UTF8;
    case IDN2_PUNYCODE_BIG_OUTPUT:
    case IDN2_TOO_BIG_DOMAIN:
    case IDN2_TOO_BIG_LABEL:
        return PROTO_IDNA_TOO_LONG;
    case IDN2_PUNYCODE_BAD_INPUT:
    case IDN2_PUNYCODE_OVERFLOW:
    case IDN2_INVALID_ALABEL:
    case IDN2_UALABEL_MISMATCH:
        return PROTO_IDNA_ALABEL;
    case IDN2_2HYPHEN:
    case IDN2_HYPHEN_STARTEND:
        return PROTO_IDNA_HYPHEN;
    case IDN2_LEADING_COMBINING:
    case IDN2_CONTEXTJ:
    case IDN2_CONTEXTO:
    case IDN2_BIDI:
        return PROTO_IDNA_PLACE;
    default:
        return PROTO_IDNA_CHARACTER;
    }
}

/* What the transitional manner reads otherwise: sharp s, final sigma, and the two joiners. */
static bool has_deviation(const char *text)
{
    static const char *const deviations[] = {"\xc3\x9f", "\xcf\x82", "\xe2\x80\x8c",
                                             "\xe2\x80\x8d"};

    for (size_t i = 0; i < sizeof(deviations) / sizeof(deviations[0]); i++)
        if (strstr(text, deviations[i]) != NULL)
            return true;
    return false;
}

enum proto_error idna_to_ascii(struct span host, char *ret_ascii, size_t size)
{
    char text[HOST_TEXT_BYTES];
    char *ascii = NULL;
    size_t length;
    int code;

    if (host.length >= sizeof(text))
        return PROTO_IDNA_TOO_LONG;
    if (memchr(host.bytes, '\0', host.length) != NULL)
        return PROTO_IDNA_CHARACTER;
    memcpy(text, host.bytes, host.length);
    text[host.length] = '\0';
    code = idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (code == IDN2_DISALLOWED && !has_deviation(text))
        code = idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_TRANSITIONAL);
    if (code != IDN2_OK)
        return error_of(code);
    length = strlen(ascii);
    if (length < size)
        memcpy(ret_ascii, ascii, length + 1);
    idn2_free(ascii);
    return length < size ? PROTO_OK : PROTO_IDNA_TOO_LONG;
}

const char *idna_version(void)
{
    return idn2_check_version(NULL);
}

#else

enum proto_error idna_to_ascii(struct span host, char *ret_ascii, size_t size)
{
    (void)host;
    if (size > 0)
        ret_ascii[0] = '\0';
    return PROTO_IDNA_ABSENT;
}

const char *idna_version(void)
{
    return NULL;
}

#endif
