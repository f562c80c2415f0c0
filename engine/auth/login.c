/* Owns the rules of whose credentials go where. Those of the options and of the request go before
 * the netrc's, which go before the URL's, as in curl; but of the netrc a host has one entry, the
 * first: what that lacks is not made up for from another, which would be another's password. */

#include "engine/auth/login.h"
#include "proto/http/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- opening ---------------------------------------------------------------------------------- */

static int refuse(const char *option, const char *message, struct haul_open_error *ret_why)
{
    *ret_why = (struct haul_open_error){.option = option, .message = message};
    return -EINVAL;
}

static bool has_control(const char *text)
{
    return text && (text[strcspn(text, "\t")] || *scan_control(text, text + strlen(text)));
}

static int check(const struct haul_auth *options, struct haul_open_error *ret_why)
{
    if (has_control(options->user))
        return refuse("user", "user has a control byte", ret_why);
    if (has_control(options->password))
        return refuse("password", "password has a control byte", ret_why);
    if (has_control(options->bearer))
        return refuse("bearer", "bearer has a control byte", ret_why);
    if (options->bearer && options->digest)
        return refuse("bearer", "bearer is a token, which digest has no use for", ret_why);
    return 0;
}

/* Copies a string that is there behind *text. */
static struct span keep(char **text, const char *string)
{
    struct span kept = {NULL, 0};
    if (!string)
        return kept;
    kept = (struct span){*text, strlen(string)};
    *text = stpcpy(*text, string) + 1;
    return kept;
}

static size_t size_of(const char *string)
{
    return string ? strlen(string) + 1 : 0;
}

static int add_entry(struct auth *auth, const struct netrc_entry *entry)
{
    if ((auth->entry_count & (auth->entry_count - 1)) == 0) { /* at each power of two */
        size_t room = auth->entry_count ? 2 * auth->entry_count : 1;
        struct netrc_entry *entries = realloc(auth->entries, room * sizeof *entries);
        if (!entries)
            return -ENOMEM;
        auth->entries = entries;
    }
    auth->entries[auth->entry_count++] = *entry;
    return 0;
}

static int read_netrc(struct auth *auth, char *text, struct haul_open_error *ret_why)
{
    struct netrc netrc;
    struct netrc_entry entry;
    enum netrc_result result;
    int error = 0;
    netrc_init(&netrc, text, strlen(text));
    while (!error && (result = netrc_next(&netrc, &entry)) != NETRC_END) {
        if (result == NETRC_QUOTE)
            return refuse("netrc", "netrc has a quoted word without an end on its line", ret_why);
        if (result == NETRC_CONTROL)
            return refuse("netrc", "netrc has a login or password with a control byte", ret_why);
        error = add_entry(auth, &entry);
    }
    return error;
}

int auth_open(struct auth *auth, const struct haul_auth *options, struct haul_open_error *ret_why)
{
    *auth = (struct auth){0};
    if (!options)
        return 0;
    int error = check(options, ret_why);
    if (error)
        return error;
    auth->text_bytes = size_of(options->user) + size_of(options->password) +
                       size_of(options->bearer) + size_of(options->netrc);
    auth->text = malloc(auth->text_bytes + 1);
    if (!auth->text)
        return -ENOMEM;
    char *text = auth->text;
    auth->given.user = keep(&text, options->user);
    auth->given.password = keep(&text, options->password);
    auth->given.bearer = keep(&text, options->bearer);
    auth->is_digest = options->digest;
    auth->is_netrc_optional = options->netrc_optional;
    auth->has_netrc = options->netrc && !credentials_are(&auth->given);
    return options->netrc ? read_netrc(auth, strcpy(text, options->netrc), ret_why) : 0;
}

void auth_close(struct auth *auth)
{
    if (auth->text)
        explicit_bzero(auth->text, auth->text_bytes);
    free(auth->text);
    free(auth->entries);
    *auth = (struct auth){0};
}

/* --- of one request --------------------------------------------------------------------------- */

/* user: the login that it must be for; bytes NULL: any. NULL: there is none. */
static const struct netrc_entry *find_entry(const struct auth *auth, struct span host,
                                            struct span user, bool default_too)
{
    for (size_t i = 0; i < auth->entry_count; i++) {
        const struct netrc_entry *entry = &auth->entries[i];
        bool is_others = user.bytes && entry->login.bytes && !span_equal(user, entry->login);
        if (!is_others && netrc_is_for(entry, host, default_too))
            return entry;
    }
    return NULL;
}

/* Without a login and a password it is a host that gets none. */
static struct credentials credentials_of(const struct netrc_entry *entry)
{
    return (struct credentials){.user = entry->login, .password = entry->password};
}

/* false: it has none for this URL. */
static bool ask_netrc(struct login *login, const struct auth *auth,
                      const struct credentials *in_url, struct span host)
{
    bool has_user = in_url->user.length > 0;
    struct span user = has_user ? in_url->user : (struct span){NULL, 0};
    if (auth->is_netrc_optional && in_url->password.bytes)
        return false;
    const struct netrc_entry *entry = find_entry(auth, host, user, true);
    if (!entry || (has_user && !entry->login.bytes && !entry->password.bytes))
        return false;
    login->home = credentials_of(entry);
    if (has_user)
        login->home.user = user;
    if (!entry->password.bytes)
        login->home.password = in_url->password;
    return true;
}

void login_init(struct login *login, const struct auth *auth, const struct credentials *own,
                const struct credentials *in_url, struct span host, bool is_https)
{
    bool is_given = credentials_are(own) || credentials_are(&auth->given);
    *login = (struct login){.was_secure = is_https, .session = NO_SESSION};
    login->asks_netrc = auth->has_netrc && !is_given;
    if (is_given)
        login->home = credentials_are(own) ? *own : auth->given;
    else if (login->asks_netrc && ask_netrc(login, auth, in_url, host))
        login->is_of_netrc = true;
    else
        login->home = *in_url;
    login->now = login->home;
}

void login_move(struct login *login, const struct auth *auth, struct span host, bool is_https,
                bool is_trusted)
{
    static const struct credentials none;
    const struct netrc_entry *entry = NULL;
    bool is_laid_bare = login->was_secure && !is_https;
    login->now = is_trusted && !login->is_of_netrc ? login->home : none;
    login->was_secure |= is_https;
    if (login->asks_netrc && !is_laid_bare)
        entry = find_entry(auth, host, (struct span){NULL, 0}, false);
    if (entry)
        login->now = credentials_of(entry);
}
