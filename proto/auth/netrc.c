/* Entries of a netrc file. Words are unquoted where they lie: what is written is never longer than
 * what was read, and nothing reads it twice.
 *
 * The hard idea is where an entry ends: at the next machine or default; but also where it has both
 * a login and a password, so that a second login is another account, and never gets the password
 * of the first. */

#include "proto/auth/netrc.h"

void netrc_init(struct netrc *netrc, char *text, size_t length)
{
    *netrc = (struct netrc){.at = text, .end = text + length, .line = 1};
}

/* --- words ------------------------------------------------------------------------------------ */

enum word_kind { WORD, WORD_END, WORD_QUOTE };

/* As isspace() of the C locale. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_line(struct netrc *netrc)
{
    while (netrc->at < netrc->end && *netrc->at != '\n')
        netrc->at++;
}

/* To the next word, over comments and the ends of lines. false: there is none. */
static bool find_word(struct netrc *netrc)
{
    for (; netrc->at < netrc->end; netrc->at++) {
        if (*netrc->at == '#')
            skip_line(netrc);
        if (netrc->at == netrc->end)
            return false;
        if (*netrc->at == '\n')
            netrc->line++;
        else if (!is_space(*netrc->at))
            return true;
    }
    return false;
}

static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

/* false: its line ends before it does. */
static bool cut_quoted(struct netrc *netrc, struct span *ret_word)
{
    char *start = netrc->at++, *to = start;

    for (; netrc->at < netrc->end && *netrc->at != '\n'; netrc->at++) {
        if (*netrc->at == '"') {
            netrc->at++;
            *ret_word = (struct span){start, (size_t)(to - start)};
            return true;
        }
        if (*netrc->at != '\\')
            *to++ = *netrc->at;
        else if (netrc->end - netrc->at >= 2 && netrc->at[1] != '\n')
            *to++ = unescape(*++netrc->at);
    }
    return false;
}

static enum word_kind next_word(struct netrc *netrc, struct span *ret_word)
{
    char *start;

    if (!find_word(netrc))
        return WORD_END;
    start = netrc->at;
    if (*start == '"')
        return cut_quoted(netrc, ret_word) ? WORD : WORD_QUOTE;
    while (netrc->at < netrc->end && !is_space(*netrc->at))
        netrc->at++;
    *ret_word = (struct span){start, (size_t)(netrc->at - start)};
    return WORD;
}

/* --- entries ---------------------------------------------------------------------------------- */

static bool has_control(struct span word)
{
    for (size_t i = 0; i < word.length; i++)
        if ((unsigned char)word.bytes[i] < 0x20 || word.bytes[i] == 0x7f)
            return true;
    return false;
}

/* Its name, and lines up to one that is empty. */
static void skip_macro(struct netrc *netrc)
{
    for (;;) {
        skip_line(netrc);
        if (netrc->end - netrc->at < 2)
            return;
        if (netrc->at[1] == '\n' || netrc->at[1] == '\r')
            return;
        netrc->at++;
        netrc->line++;
    }
}

/* The word behind login, password or account. */
static enum netrc_result take_value(struct netrc *netrc, struct span *member)
{
    struct span word;

    switch (next_word(netrc, &word)) {
    case WORD_END:
        return NETRC_END;
    case WORD_QUOTE:
        return NETRC_QUOTE;
    case WORD:
        break;
    }
    if (member == NULL)
        return NETRC_ENTRY;
    *member = word;
    return has_control(word) ? NETRC_CONTROL : NETRC_ENTRY;
}

static bool is_whole(const struct netrc_entry *entry)
{
    return entry->login.bytes != NULL && entry->password.bytes != NULL;
}

/* A word that begins no entry; ENTRY: go on. */
static enum netrc_result take_word(struct netrc *netrc, struct span word, struct netrc_entry *entry)
{
    bool is_login = span_equal_fold(word, SPAN("login"));

    if (span_equal_fold(word, SPAN("macdef")))
        skip_macro(netrc);
    else if (is_login && netrc->is_begun)
        return take_value(netrc, &entry->login);
    else if (span_equal_fold(word, SPAN("password")) && netrc->is_begun)
        return take_value(netrc, &entry->password);
    else if (span_equal_fold(word, SPAN("account")) && netrc->is_begun)
        return take_value(netrc, NULL);
    return NETRC_ENTRY;
}

/* Is there anything of an entry, were it its machine alone? */
static bool has_entry(const struct netrc *netrc, const struct netrc_entry *entry)
{
    return netrc->is_begun &&
           (!netrc->is_rest || entry->login.bytes != NULL || entry->password.bytes != NULL);
}

/* The text is over, and so is an entry that it had begun. */
static enum netrc_result end(struct netrc *netrc, const struct netrc_entry *entry)
{
    bool had_one = has_entry(netrc, entry);

    netrc->is_begun = false;
    return had_one ? NETRC_ENTRY : NETRC_END;
}

/* machine, which a name follows, or default. END: the entry before it is over too. */
static enum netrc_result begin(struct netrc *netrc, bool is_machine, struct netrc_entry *entry)
{
    bool had_one = has_entry(netrc, entry);
    enum netrc_result result = NETRC_ENTRY;

    netrc->machine = (struct span){NULL, 0};
    if (is_machine)
        result = take_value(netrc, &netrc->machine);
    if (result == NETRC_QUOTE)
        return result;
    netrc->is_begun = result != NETRC_END;
    netrc->is_rest = false;
    if (!had_one && netrc->is_begun)
        *entry = (struct netrc_entry){.machine = netrc->machine};
    return had_one ? NETRC_END : NETRC_ENTRY;
}

enum netrc_result netrc_next(struct netrc *netrc, struct netrc_entry *ret_entry)
{
    struct span word;

    *ret_entry = (struct netrc_entry){.machine = netrc->machine};
    for (;;) {
        enum netrc_result result;
        enum word_kind kind = next_word(netrc, &word);
        bool is_machine = kind == WORD && span_equal_fold(word, SPAN("machine"));

        if (kind == WORD_QUOTE)
            return NETRC_QUOTE;
        if (kind == WORD_END)
            return end(netrc, ret_entry);
        if (is_machine || span_equal_fold(word, SPAN("default"))) {
            result = begin(netrc, is_machine, ret_entry);
            if (result == NETRC_END)
                return NETRC_ENTRY;
        } else {
            result = take_word(netrc, word, ret_entry);
            if (result == NETRC_END)
                return end(netrc, ret_entry);
        }
        if (result != NETRC_ENTRY)
            return result;
        if (is_whole(ret_entry)) {
            netrc->is_rest = true;
            return NETRC_ENTRY;
        }
    }
}

bool netrc_is_for(const struct netrc_entry *entry, struct span host, bool default_too)
{
    return entry->machine.bytes != NULL ? span_equal_fold(entry->machine, host) : default_too;
}
