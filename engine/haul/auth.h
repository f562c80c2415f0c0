#ifndef HAUL_AUTH_H
#define HAUL_AUTH_H

/* Options of who asks: credentials, sent as Basic (RFC 7617) or Bearer (RFC 6750) at once, or as
 * Digest (RFC 7616) when a server asks for them. A part of haul.h, which includes it.
 *
 * An Authorization among the fields of a request goes before all of this, "Authorization:" too.
 * What a request has of its own (user, password, bearer of haul_request) goes before these; then
 * comes netrc, and what stands in a URL, http://user:password@host/, percent-encoded. At another
 * origin they are left behind as haul/redirect.h says. No result shows them. */

struct haul_auth {
    bool digest;          /* user and password are sent to nobody who has not asked for them by
                             Digest, and never as Basic. A challenge that cannot be answered is an
                             AUTH error, with its reply's status and head. A request is sent at
                             most three times: after it was refused once, and where only the nonce
                             was too old (stale) once more. Then the 401 is the reply */
    bool netrc_optional;  /* a password in a URL goes before netrc */
    const char *user;     /* NULL, with a password: empty. NULL, without: none. All strings here are
                             copied, and wiped by haul_close(); none may have a control byte */
    const char *password; /* NULL, with a user: empty */
    const char *bearer;   /* a token, which goes before user; not with digest */
    const char *netrc; /* the text of a netrc file, as curl reads it; asked where neither user nor
                          bearer is given, again at every other origin. A host has its first
                          entry, without a password too; "default" is for URLs that were asked
                          for alone, and after https nothing of it goes out over http */
};

#endif
