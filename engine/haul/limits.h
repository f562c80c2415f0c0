#ifndef HAUL_LIMITS_H
#define HAUL_LIMITS_H

/* How much is allowed. A part of haul.h, which includes it. */

/* "10/s", "30/m", "5k/h", "1/d", "2/100ms": a rate, by the second in *ret_rate. A number alone is
 * taken by the second too, and *ret_has_unit is false: others take it by the hour, and who shares
 * their words may refuse it. Errors: -EINVAL, it is none. */
int haul_rate_parse(const char *text, double *ret_rate, bool *ret_has_unit);

#endif
