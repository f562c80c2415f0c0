#ifndef PROTO_AUTH_NETRC_H
#define PROTO_AUTH_NETRC_H

/* A netrc file, entry by entry, as curl 7.88 reads it: words between white space, "quoted" where
 * they have any, with \", \\, \n, \r and \t inside; # begins a comment where a word could begin;
 * macros (macdef) are passed over, to their blank line. */

#include "proto/span.h"

struct netrc_entry {
    struct span machine; /* bytes NULL: the default's */
    struct span login;   /* bytes NULL: it names none, as with */
    struct span password;
};

enum netrc_result {
    NETRC_ENTRY,
    NETRC_END,
    NETRC_QUOTE,   /* a quoted word has no end on its line */
    NETRC_CONTROL, /* a login or a password has a control byte */
};

struct netrc {
    char *at;
    char *end;
    unsigned line; /* from 1 on: of what was read last */
    bool is_begun; /* an entry, of this machine */
    bool is_rest;  /* one for it was handed out already */
    struct span machine;
};

/* text is written to while it is read, and is what entries point to. */
void netrc_init(struct netrc *netrc, char *text, size_t length);

/* Words that belong to no entry, and that no entry knows, are passed over. An entry that has both a
 * login and a password is over; what comes behind is another one for that machine. */
enum netrc_result netrc_next(struct netrc *netrc, struct netrc_entry *ret_entry);

/* May it be the entry for this host? Case does not count. default_too: the default's may. */
bool netrc_is_for(const struct netrc_entry *entry, struct span host, bool default_too);

#endif
