#ifndef PROTO_X509_DER_H
#define PROTO_X509_DER_H

/* A strict walk over DER (X.690): the next element is cut off the front of a span. Only what DER
 * allows is taken: definite lengths in their shortest form, one-byte tags. Nothing is copied. */

#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};

/* Tags [n] of a context, primitive (a value) and constructed (elements inside). */
#define DER_CONTEXT(n) (0x80 | (n))
#define DER_CONTEXT_OF(n) (0xa0 | (n))

struct der_element {
    uint8_t tag;
    struct span whole;   /* tag, length and contents */
    struct span content; /* bytes is never NULL, also where the length is 0 */
};

/* Cuts the next element off *rest. false: *rest is empty or does not begin with a well-formed
 * element; *rest is then as it was. */
bool der_next(struct span *rest, struct der_element *ret_element);

/* The same for an element that must have this tag; ret_content is what is inside. */
bool der_take(struct span *rest, uint8_t tag, struct span *ret_content);

/* Does *rest begin with this tag? */
static inline bool der_is_next(struct span rest, uint8_t tag)
{
    return rest.length > 0 && (uint8_t)rest.bytes[0] == tag;
}

/* The content of a span that is exactly one element with this tag. */
bool der_only(struct span whole, uint8_t tag, struct span *ret_content);

/* Takes a BOOLEAN (true is 0xff, false 0x00). */
bool der_take_boolean(struct span *rest, bool *ret_value);

/* Takes an INTEGER of shortest form that is not negative; ret_magnitude has no leading zero byte
 * and is empty for 0. */
bool der_take_unsigned(struct span *rest, struct span *ret_magnitude);

/* Takes a BIT STRING; ret_bits are its bytes, ret_unused how many low bits of the last are none. */
bool der_take_bits(struct span *rest, struct span *ret_bits, unsigned *ret_unused);

/* Takes a UTCTime YYMMDDhhmmssZ or a GeneralizedTime YYYYMMDDhhmmssZ of a day that exists (RFC
 * 5280, 4.1.2.5) as seconds since 1970. */
bool der_take_time(struct span *rest, int64_t *ret_time_s);

#endif
