#ifndef ENGINE_LIBC_LACKING_H
#define ENGINE_LIBC_LACKING_H

/* What glibc has and another C library (musl) lacks, under the name that glibc has it by. Where
 * that is so, meson.build includes this before each file, and the others know nothing of it. */

/* NULL: there is no such error. */
const char *libc_error_name(int error);

#ifdef HAUL_LACKS_ERROR_NAMES
#define strerrorname_np libc_error_name
#define strerrordesc_np strerror /* whose sentences musl does not translate, nor write anew */
#endif

#endif
