#ifndef BENCH_BASE_JSON_AT_H
#define BENCH_BASE_JSON_AT_H

/* A member of an object, where its absence says nothing. */

#include <jansson.h>

/* NULL: there is none, or it is no string. Valid as long as the object. */
static inline const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* 0: there is none, or it is no number. */
static inline double number_at(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

#endif
