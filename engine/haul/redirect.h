#ifndef HAUL_REDIRECT_H
#define HAUL_REDIRECT_H

/* Options of redirects: whether a reply that leads elsewhere (3xx with a Location, but for 304)
 * is followed, and what goes along. A part of haul.h, which includes it.
 *
 * At an origin (scheme, host, port) other than that of the hop before, Authorization, Cookie,
 * Proxy-Authorization and a Host of the fields are left behind, as are credentials (haul/auth.h),
 * and the client certificate is not shown; nor are they on the way back. Other fields go on, as in
 * curl. User information of a Location is dropped. A reply whose Location cannot be followed is a
 * REDIRECT error that has its status and head. */

struct haul_redirect {
    bool follow;
    bool location_trusted; /* credentials and the client certificate go along everywhere */
    bool post301;          /* POST stays POST behind a 301, which makes it GET else, */
    bool post302;          /* a 302, */
    bool post303;          /* and a 303, which makes GET of all methods but HEAD */
    bool keep_hops;        /* results list the hops, in memory of body_bytes: as many as fit */
    bool has_max;          /* max counts; else it is 30 */
    int64_t max;           /* so many are followed; negative: any number */
};

/* A reply that was followed. */
struct haul_hop {
    const struct haul_hop *next; /* NULL: the last that was followed, or kept */
    const char *url;             /* that was asked for, zero-terminated */
    size_t url_length;
    int status;
    uint64_t total_ns; /* until the next could be asked for */
};

struct haul_result;

/* Where a result leads that is a reply to be followed and was not, with keep_headers: the absolute
 * URL into ret_url, zero-terminated, cut where size bytes are too few (16,001 never are). Returns
 * its length; 0: it leads nowhere, or where it cannot be followed to. */
size_t haul_redirect_url(const struct haul_result *result, char *ret_url, size_t size);

#endif
