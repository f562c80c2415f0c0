#ifndef PROTO_X509_NAME_H
#define PROTO_X509_NAME_H

/* Distinguished names, compared as RFC 5280, 7.1 asks: by what their strings say, not by how they
 * are written. Names are the whole DER of a Name; the same bytes are always the same name.
 *
 * Two values agree that are strings both, of whatever type (PrintableString, UTF8String, IA5String,
 * TeletexString read as Latin-1, BMPString, UniversalString), and have the same characters, where
 * the case of Latin (up to U+00FF), Greek and Cyrillic letters does not count, nor white space at
 * the ends, nor how much of it is between words. Other characters must be the same, and are not
 * normalized. The attributes of one RDN may come in any order.
 *
 * What it costs is as long as both names are, but where an RDN has several attributes: those are
 * compared by pairs up to NAME_ATTRIBUTES_MAX, and beyond by their bytes. */

#include "proto/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { NAME_ATTRIBUTES_MAX = 8 };

bool name_equal(struct span a, struct span b);

/* Is base the same as name, or a beginning of it? */
bool name_is_within(struct span name, struct span base);

/* Names that are equal have the same hash. */
uint64_t name_hash(struct span name);

#endif
