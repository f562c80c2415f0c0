/* The search of a path, and the rules that its certificates must keep.
 *
 * Depth first with backtracking: from the server's certificate to an issuer of the same name, from
 * there to the next, until one is an anchor; certificates from which names lead to no anchor are
 * never tried. What a step asks is cheap. What costs comes once a path is whole: signatures, from
 * the anchor downwards, so that the keys they are checked with are already trusted, and name
 * constraints last of all, when a CA answers for them.
 *
 * A hostile server chooses what is searched, so all of it is counted as work, before it is done:
 * steps, bytes compared, and signatures by what they cost. What an honest chain has little of (a
 * step, a name under a constraint, a signature that is wrong) counts for more than it costs, so
 * that a hostile one runs out early. */

#include "proto/x509/verify.h"
#include "proto/x509/der.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum {
    RSA_BITS_MIN = 2048,
    RSA_BITS_MIN_LEGACY = 1024,
    RSA_BITS_MAX = 4096,
    RSA_EXPONENT_BYTES_MAX = 8,
    EDGES_MAX = 64,
};

/* Units of work, each about a nanosecond of the machine that VERIFY_WORK_MAX was set on. */
enum {
    WORK_BYTE_READ = 8,
    WORK_STEP = 8000, /* twenty times what it costs */
    WORK_NAME = 320,  /* a name under a constraint, and each byte of the latter: ten times */
    WORK_NAME_BYTE = 8,
    WORK_BYTE_HASHED = 6,
    WORK_P256 = 1400000,
    WORK_P384 = 7000000,
    WORK_P521 = 14000000,
    WORK_ED25519 = 1400000, /* both by libcrypto, which takes a tenth of it */
    WORK_ED448 = 7000000,
    WORK_RSA_WORD = 3, /* for each bit of the exponent, by the modulus' words squared */
    /* A signature that is wrong counts four times, and a sixth of all there is at least. */
    WORK_WRONG_TIMES = 4,
    WORK_WRONG_MIN = VERIFY_WORK_MAX / 6,
};

static const char *const sentences[] = {
#define VERIFY_VERDICT_SENTENCE(name, sentence) [VERIFY_##name] = sentence,
    VERIFY_VERDICTS(VERIFY_VERDICT_SENTENCE)
#undef VERIFY_VERDICT_SENTENCE
};

const char *verify_sentence(enum verify_verdict verdict)
{
    size_t index = (size_t)verdict;

    return index < sizeof(sentences) / sizeof(sentences[0]) ? sentences[index] : "unknown verdict";
}

/* What is wrong, and with which certificate. */
struct fault {
    enum verify_verdict verdict;
    const struct certificate *certificate;
};

/* A signature that was checked. */
struct edge {
    const struct certificate *signed_one;
    const struct certificate *issuer;
    bool is_good;
};

struct search {
    const struct trust *trust;
    const struct verify_policy *policy;
    verify_signature_fn *check_signature;
    void *context;
    struct certificate chain[VERIFY_CHAIN_MAX]; /* as sent; a malformed one has no names */
    size_t count;
    /* Sets of certificates of the chain, a bit each. */
    uint64_t issuers[VERIFY_CHAIN_MAX]; /* whose subject is this one's issuer */
    uint64_t twins[VERIFY_CHAIN_MAX];   /* with this one's subject and key, itself among them */
    uint64_t anchored;                  /* whose issuer is an anchor, going by names */
    uint64_t rooted;                    /* from which names lead to an anchor */
    uint64_t self_issued;
    uint64_t on_path;
    const struct certificate *path[VERIFY_CHAIN_MAX + 1]; /* the server's first */
    size_t depth;
    uint64_t work;
    bool is_spent; /* the next piece of work would have been too much: nothing goes on */
    struct edge edges[EDGES_MAX]; /* the first that were checked, for other paths */
    size_t edge_count;
    struct fault fault;    /* the first rule that was broken on any way */
    struct fault dead_end; /* the first certificate without an issuer: told where nothing else is */
};

_Static_assert(VERIFY_CHAIN_MAX <= 64, "a set of certificates fits a word");

static bool fault_keep(struct fault *fault, enum verify_verdict verdict,
                       const struct certificate *certificate)
{
    if (fault->verdict == VERIFY_OK)
        *fault = (struct fault){verdict, certificate};
    return false;
}

static size_t index_of(const struct search *search, const struct certificate *certificate)
{
    return (size_t)(certificate - search->chain);
}

/* --- work ------------------------------------------------------------------------------------- */

/* false: so much more is too much. */
static bool spend(struct search *search, uint64_t work)
{
    if (search->is_spent || work > VERIFY_WORK_MAX - search->work) {
        search->is_spent = true;
        return false;
    }
    search->work += work;
    return true;
}

/* Counts what has turned out to be worth it. */
static void spend_more(struct search *search, uint64_t work)
{
    uint64_t left = VERIFY_WORK_MAX - search->work;

    search->work += work < left ? work : left;
}

/* Whole spans are compared eight bytes at a time at least, and not at all where lengths differ. */
static bool spans_equal(struct search *search, struct span a, struct span b)
{
    if (a.length != b.length)
        return false;
    return spend(search, 1 + a.length / 8) && span_equal(a, b);
}

/* Names of different hashes, which were counted when they were read, cost nothing. */
static bool names_equal(struct search *search, struct span a, uint64_t a_hash, struct span b,
                        uint64_t b_hash)
{
    if (a_hash != b_hash)
        return spend(search, 1) && false;
    return spend(search, 1 + (a.length + b.length) * WORK_NAME_BYTE) && name_equal(a, b);
}

static bool subjects_equal(struct search *search, const struct certificate *a,
                           const struct certificate *b)
{
    return names_equal(search, a->subject, a->subject_hash, b->subject, b->subject_hash);
}

uint64_t verify_signature_work(const struct certificate_signature *signature,
                               const struct certificate_key *issuer_key)
{
    uint64_t hash = signature->tbs.length * WORK_BYTE_HASHED;
    uint64_t words = (issuer_key->modulus.length + 3) / 4;

    if (issuer_key->modulus.length > 0)
        return hash + words * words * issuer_key->exponent.length * 8 * WORK_RSA_WORD;
    if (issuer_key->kind == CERTIFICATE_KEY_ED25519)
        return hash + WORK_ED25519;
    if (issuer_key->kind == CERTIFICATE_KEY_ED448)
        return hash + WORK_ED448;
    switch (issuer_key->curve) {
    case CERTIFICATE_CURVE_P256:
        return hash + WORK_P256;
    case CERTIFICATE_CURVE_P384:
        return hash + WORK_P384;
    case CERTIFICATE_CURVE_P521:
        break;
    }
    return hash + WORK_P521;
}

/* --- the host --------------------------------------------------------------------------------- */

struct host {
    struct span name; /* without its final dot; of an IP literal not used */
    unsigned char address[16];
    size_t address_length; /* 4 or 16 for an IP literal, else 0 */
};

static void host_read(struct span text, struct host *ret_host)
{
    char literal[INET6_ADDRSTRLEN] = "";
    const char *zone = text.length > 0 ? memchr(text.bytes, '%', text.length) : NULL;

    if (zone != NULL && memchr(text.bytes, ':', text.length) != NULL)
        text.length = (size_t)(zone - text.bytes);
    if (text.length > 0 && text.bytes[text.length - 1] == '.')
        text.length--;
    *ret_host = (struct host){.name = text};
    if (text.length == 0 || text.length >= sizeof(literal))
        return;
    memcpy(literal, text.bytes, text.length);
    if (inet_pton(AF_INET, literal, ret_host->address) == 1)
        ret_host->address_length = 4;
    else if (inet_pton(AF_INET6, literal, ret_host->address) == 1)
        ret_host->address_length = 16;
}

/* Cuts the left-most label and its dot off *name; false where no dot follows a label. */
static bool label_cut(struct span *name)
{
    const char *dot = name->length == 0 ? NULL : memchr(name->bytes, '.', name->length);

    if (dot == NULL || dot == name->bytes)
        return false;
    name->length -= (size_t)(dot + 1 - name->bytes);
    name->bytes = dot + 1;
    return true;
}

static bool is_wildcard(struct span pattern)
{
    return pattern.length > 2 && pattern.bytes[0] == '*' && pattern.bytes[1] == '.';
}

/* A dNSName against a host name (RFC 9525, 6.3): a wildcard stands for one whole label, the
 * left-most, and two more must follow it. */
static bool name_matches(struct span pattern, struct span host)
{
    if (host.length == 0 || memchr(host.bytes, '*', host.length) != NULL)
        return false;
    if (is_wildcard(pattern)) {
        struct span labels = (struct span){pattern.bytes + 2, pattern.length - 2};

        pattern = labels;
        if (!label_cut(&labels) || labels.length == 0 || !label_cut(&host))
            return false;
    }
    return span_equal_fold(pattern, host);
}

static bool host_matches(const struct host *host, const struct der_element *name)
{
    if (host->address_length > 0)
        return name->tag == CERTIFICATE_NAME_ADDRESS &&
               name->content.length == host->address_length &&
               memcmp(name->content.bytes, host->address, host->address_length) == 0;
    return name->tag == CERTIFICATE_NAME_DNS && name_matches(name->content, host->name);
}

static enum verify_verdict host_check(struct span host_text, const struct certificate *certificate)
{
    struct span rest = certificate->alt_names;
    struct der_element name;
    struct host host;

    if (rest.length == 0)
        return VERIFY_NO_NAMES;
    host_read(host_text, &host);
    while (der_next(&rest, &name))
        if (host_matches(&host, &name))
            return VERIFY_OK;
    return VERIFY_HOST;
}

/* --- name constraints ------------------------------------------------------------------------- */

static bool ends_with_fold(struct span name, struct span end)
{
    return name.length >= end.length &&
           span_equal_fold((struct span){name.bytes + name.length - end.length, end.length}, end);
}

/* A base stands for itself and every name below it; with a dot before it, only for those. */
static bool dns_is_within(struct span name, struct span base)
{
    if (!ends_with_fold(name, base))
        return false;
    return base.length == 0 || base.bytes[0] == '.' || name.length == base.length ||
           name.bytes[name.length - base.length - 1] == '.';
}

/* What is written in a form that no host name has permits nothing. */
static bool dns_is_permitted(struct span name, struct span base)
{
    return dns_is_within(name, base) && certificate_is_host_suffix(base);
}

/* Could a name be within? A wildcard stands for names below the ones that are written. Who excludes
 * what is below a dot hardly means to leave the name behind it. */
static bool dns_may_be_within(struct span name, struct span base)
{
    if (base.length > 0 && base.bytes[0] == '.')
        base = (struct span){base.bytes + 1, base.length - 1};
    if (dns_is_within(name, base))
        return true;
    return is_wildcard(name) &&
           ends_with_fold(base, (struct span){name.bytes + 1, name.length - 1});
}

/* base: an address and as long a mask. */
static bool address_is_within(struct span name, struct span base)
{
    const char *mask = base.bytes + name.length;

    if (base.length != 2 * name.length)
        return false;
    for (size_t i = 0; i < name.length; i++)
        if (((name.bytes[i] ^ base.bytes[i]) & mask[i]) != 0)
            return false;
    return true;
}

/* How a name lies to the subtrees of one list. */
enum relation { NO_SUBTREE_OF_ITS_FORM, OUTSIDE, WITHIN, UNKNOWN };

/* Directory names may be the same and differ beyond ASCII, in what is not folded: what is found to
 * be the same is enough to permit, and what is not is not enough to be outside of what excludes. */
static enum relation base_relation(const struct der_element *name, const struct der_element *base,
                                   bool is_excluding)
{
    if (name->tag != base->tag)
        return NO_SUBTREE_OF_ITS_FORM;
    switch (name->tag) {
    case CERTIFICATE_NAME_DNS:
        if (is_excluding)
            return dns_may_be_within(name->content, base->content) ? WITHIN : OUTSIDE;
        return dns_is_permitted(name->content, base->content) ? WITHIN : OUTSIDE;
    case CERTIFICATE_NAME_ADDRESS:
        return address_is_within(name->content, base->content) ? WITHIN : OUTSIDE;
    case CERTIFICATE_NAME_DIRECTORY:
        if (is_excluding)
            return UNKNOWN;
        return name_is_within(name->content, base->content) ? WITHIN : OUTSIDE;
    default:
        return UNKNOWN;
    }
}

/* A directory name may be walked over whole, where the base of a constraint is short. */
static uint64_t relation_work(const struct der_element *name, const struct der_element *base)
{
    size_t length = base->content.length;

    if (name->tag == CERTIFICATE_NAME_DIRECTORY && base->tag == CERTIFICATE_NAME_DIRECTORY)
        length += name->content.length;
    return WORK_NAME + length * WORK_NAME_BYTE;
}

/* The strongest relation to any of the subtrees. */
static enum relation name_relation(struct search *search, const struct der_element *name,
                                   struct span subtrees, bool is_excluding)
{
    enum relation strongest = NO_SUBTREE_OF_ITS_FORM;
    struct der_element base;
    struct span subtree;

    while (der_take(&subtrees, DER_SEQUENCE, &subtree) && der_next(&subtree, &base)) {
        enum relation relation;

        if (!spend(search, relation_work(name, &base)))
            return UNKNOWN;
        relation = base_relation(name, &base, is_excluding);
        if (relation > strongest)
            strongest = relation;
    }
    return strongest;
}

static enum verify_verdict name_check(struct search *search, const struct certificate *issuer,
                                      const struct der_element *name)
{
    enum relation excluded, permitted;

    excluded = name_relation(search, name, issuer->excluded_names, true);
    permitted = name_relation(search, name, issuer->permitted_names, false);
    if (excluded == UNKNOWN || permitted == UNKNOWN)
        return VERIFY_NAME_FORM;
    return excluded == WITHIN || permitted == OUTSIDE ? VERIFY_NAME_CONSTRAINT : VERIFY_OK;
}

/* Checks the subject and every alternative name of a certificate below issuer. */
static enum verify_verdict names_check(struct search *search, const struct certificate *issuer,
                                       const struct certificate *certificate)
{
    struct der_element subject = {.tag = CERTIFICATE_NAME_DIRECTORY,
                                  .content = certificate->subject};
    struct span rest = certificate->alt_names, content;
    struct der_element name;
    enum verify_verdict verdict = VERIFY_OK;

    if (der_only(certificate->subject, DER_SEQUENCE, &content) && content.length > 0)
        verdict = name_check(search, issuer, &subject);
    while (verdict == VERIFY_OK && der_next(&rest, &name))
        verdict = name_check(search, issuer, &name);
    return verdict;
}

static bool is_constrained(const struct certificate *certificate)
{
    return certificate->permitted_names.length > 0 || certificate->excluded_names.length > 0;
}

/* Every certificate of a whole path against the constraints of those above it; a CA that issued
 * itself a new certificate below is spared (RFC 5280, 4.2.1.10). */
static bool constraints_check(struct search *search)
{
    for (size_t above = 1; above < search->depth; above++) {
        if (!is_constrained(search->path[above]))
            continue;
        for (size_t i = 0; i < above; i++) {
            enum verify_verdict verdict = VERIFY_OK;

            if (i == 0 || (search->self_issued >> index_of(search, search->path[i]) & 1) == 0)
                verdict = names_check(search, search->path[above], search->path[i]);
            if (verdict != VERIFY_OK)
                return fault_keep(&search->fault, verdict, search->path[i]);
        }
    }
    return true;
}

/* --- the rules of one certificate ------------------------------------------------------------- */

static bool is_wide_kind(enum certificate_key_kind kind)
{
    return kind == CERTIFICATE_KEY_RSA_PSS || kind == CERTIFICATE_KEY_ED25519 ||
           kind == CERTIFICATE_KEY_ED448;
}

static enum verify_verdict key_check(const struct certificate_key *key, bool is_legacy,
                                     bool is_wide)
{
    if (key->kind == CERTIFICATE_KEY_OTHER || (is_wide_kind(key->kind) && !is_wide))
        return VERIFY_KEY_KIND;
    if (key->modulus.length == 0)
        return VERIFY_OK;
    if (key->modulus_bits > RSA_BITS_MAX)
        return VERIFY_KEY_KIND;
    if (key->exponent.length > RSA_EXPONENT_BYTES_MAX)
        return VERIFY_KEY_EXPONENT;
    return key->modulus_bits < (is_legacy ? RSA_BITS_MIN_LEGACY : RSA_BITS_MIN) ? VERIFY_KEY_SHORT
                                                                                : VERIFY_OK;
}

/* What holds for every certificate in a path; usage and purposes: one of these bits is needed. */
static enum verify_verdict certificate_check(const struct certificate *certificate,
                                             const struct verify_policy *policy, unsigned usage,
                                             unsigned purposes)
{
    if (policy->now_s < certificate->not_before_s)
        return VERIFY_NOT_YET_VALID;
    if (policy->now_s > certificate->not_after_s)
        return VERIFY_EXPIRED;
    if (certificate->has_unknown_critical)
        return VERIFY_CRITICAL_EXTENSION;
    if (certificate->has_long_name)
        return VERIFY_NAME_LONG;
    if ((certificate->key_usage & usage) == 0)
        return VERIFY_KEY_USAGE;
    if ((certificate->purposes & (purposes | CERTIFICATE_PURPOSES_ALL)) == 0)
        return VERIFY_PURPOSE;
    return key_check(&certificate->key, policy->is_legacy, policy->is_wide);
}

static enum verify_verdict server_check(const struct certificate *certificate,
                                        const struct verify_policy *policy)
{
    unsigned usage = CERTIFICATE_DIGITAL_SIGNATURE;
    enum verify_verdict verdict;

    if (policy->is_legacy)
        usage |= CERTIFICATE_KEY_ENCIPHERMENT;
    verdict = certificate_check(certificate, policy, usage, CERTIFICATE_SERVER_AUTH);
    return verdict != VERIFY_OK ? verdict : host_check(policy->host, certificate);
}

static enum verify_verdict issuer_check(const struct search *search,
                                        const struct certificate *issuer, bool is_anchor)
{
    bool is_old_root = is_anchor && issuer->version == 1 && certificate_is_self_issued(issuer);
    int cas_below = __builtin_popcountll(search->on_path & ~search->self_issued & ~1ULL);

    if (!issuer->is_ca && !is_old_root)
        return VERIFY_NOT_CA;
    if (issuer->path_length_max != CERTIFICATE_PATH_LENGTH_NONE &&
        cas_below > issuer->path_length_max)
        return VERIFY_PATH_LENGTH;
    if (issuer->has_odd_exclusion)
        return VERIFY_NAME_EXCLUSION;
    if (issuer->has_odd_mask)
        return VERIFY_NAME_MASK;
    return certificate_check(issuer, search->policy, CERTIFICATE_KEY_CERT_SIGN,
                             CERTIFICATE_SERVER_AUTH | CERTIFICATE_ANY_PURPOSE);
}

/* Are they made for each other? */
static bool scheme_suits(enum certificate_scheme scheme, enum certificate_key_kind kind)
{
    switch (scheme) {
    case CERTIFICATE_SCHEME_RSA_PKCS1:
        return kind == CERTIFICATE_KEY_RSA;
    case CERTIFICATE_SCHEME_RSA_PSS:
        return kind == CERTIFICATE_KEY_RSA || kind == CERTIFICATE_KEY_RSA_PSS;
    case CERTIFICATE_SCHEME_ECDSA:
        return kind == CERTIFICATE_KEY_EC;
    case CERTIFICATE_SCHEME_ED25519:
        return kind == CERTIFICATE_KEY_ED25519;
    case CERTIFICATE_SCHEME_ED448:
        return kind == CERTIFICATE_KEY_ED448;
    case CERTIFICATE_SCHEME_OTHER:
        break;
    }
    return false;
}

/* Could this signature be the work of such a key? */
static enum verify_verdict signature_check(const struct certificate_signature *signature,
                                           enum certificate_key_kind kind,
                                           const struct verify_policy *policy)
{
    bool is_ed = signature->scheme == CERTIFICATE_SCHEME_ED25519 ||
                 signature->scheme == CERTIFICATE_SCHEME_ED448;
    bool is_pss = signature->scheme == CERTIFICATE_SCHEME_RSA_PSS;

    if (signature->scheme == CERTIFICATE_SCHEME_OTHER || (is_ed && !policy->is_wide))
        return VERIFY_SIGNATURE_KIND;
    if (is_pss && (!policy->is_wide || signature->salt_bytes == CERTIFICATE_SALT_NONE))
        return VERIFY_SIGNATURE_PSS;
    if (signature->hash == CERTIFICATE_HASH_MD5)
        return VERIFY_SIGNATURE_MD5;
    if (signature->hash == CERTIFICATE_HASH_SHA1 && !policy->is_legacy)
        return VERIFY_SIGNATURE_SHA1;
    return scheme_suits(signature->scheme, kind) ? VERIFY_OK : VERIFY_SIGNATURE;
}

/* --- the search ------------------------------------------------------------------------------- */

/* The same name and key again lead nowhere new (RFC 4158, 2.4.2). */
static bool path_has(struct search *search, const struct certificate *issuer, bool is_anchor)
{
    if (!is_anchor)
        return (search->on_path & search->twins[index_of(search, issuer)]) != 0;
    for (size_t i = 0; i < search->depth; i++)
        if (spans_equal(search, search->path[i]->public_key, issuer->public_key) &&
            subjects_equal(search, search->path[i], issuer))
            return true;
    return false;
}

/* NULL: this signature was not checked yet. */
static const struct edge *edge_find(const struct search *search,
                                    const struct certificate *signed_one,
                                    const struct certificate *issuer)
{
    for (size_t i = 0; i < search->edge_count; i++)
        if (search->edges[i].signed_one == signed_one && search->edges[i].issuer == issuer)
            return &search->edges[i];
    return NULL;
}

static bool edge_check(struct search *search, const struct certificate *signed_one,
                       const struct certificate *issuer)
{
    uint64_t work = verify_signature_work(&signed_one->signature, &issuer->key);
    bool is_good;

    if (!spend(search, work))
        return false;
    is_good = search->check_signature(search->context, &signed_one->signature, &issuer->key);
    if (!is_good)
        spend_more(search, work > WORK_WRONG_MIN / (WORK_WRONG_TIMES - 1)
                               ? work * (WORK_WRONG_TIMES - 1)
                               : WORK_WRONG_MIN);
    if (search->edge_count < EDGES_MAX)
        search->edges[search->edge_count++] = (struct edge){signed_one, issuer, is_good};
    return is_good || fault_keep(&search->fault, VERIFY_SIGNATURE, signed_one);
}

/* Is there enough left for all signatures of the path? Before one of them is checked in vain. */
static bool signatures_afford(struct search *search)
{
    uint64_t work = 0;

    for (size_t i = search->depth - 1; i > 0; i--)
        if (edge_find(search, search->path[i - 1], search->path[i]) == NULL)
            work += verify_signature_work(&search->path[i - 1]->signature, &search->path[i]->key);
    search->is_spent |= work > VERIFY_WORK_MAX - search->work;
    return !search->is_spent;
}

/* Checks every signature of a whole path, the anchor its last. */
static bool signatures_check(struct search *search)
{
    if (!spend(search, search->depth * EDGES_MAX * 2) || !signatures_afford(search))
        return false;
    for (size_t i = search->depth - 1; i > 0; i--)
        if (edge_find(search, search->path[i - 1], search->path[i]) == NULL &&
            !edge_check(search, search->path[i - 1], search->path[i]))
            return false;
    return true;
}

/* May issuer join the path as the issuer of its last certificate? */
static bool issuer_is_fit(struct search *search, const struct certificate *issuer, bool is_anchor)
{
    const struct certificate *last = search->path[search->depth - 1];
    const struct edge *edge = edge_find(search, last, issuer);
    enum verify_verdict verdict;

    if (edge != NULL && !edge->is_good)
        return false;
    verdict = issuer_check(search, issuer, is_anchor);
    if (verdict != VERIFY_OK)
        return fault_keep(&search->fault, verdict, issuer);
    verdict = signature_check(&last->signature, issuer->key.kind, search->policy);
    return verdict == VERIFY_OK || fault_keep(&search->fault, verdict, last);
}

static bool search_from_last(struct search *search);

/* Goes on through one candidate; on success the path is left as it was found. */
static bool search_through(struct search *search, const struct certificate *issuer, bool is_anchor)
{
    uint64_t on_path = search->on_path;

    if (path_has(search, issuer, is_anchor) || !spend(search, WORK_STEP) ||
        !issuer_is_fit(search, issuer, is_anchor))
        return false;
    search->path[search->depth++] = issuer;
    if (!is_anchor)
        search->on_path |= 1ULL << index_of(search, issuer);
    if (is_anchor ? signatures_check(search) && constraints_check(search)
                  : search_from_last(search))
        return true;
    search->on_path = on_path;
    search->depth--;
    return false;
}

/* Key identifiers are hints: who contradicts them is tried last (RFC 4158, 3.5.12). */
static bool key_ids_agree(struct search *search, const struct certificate *last,
                          const struct certificate *issuer)
{
    return last->authority_key_id.length == 0 || issuer->subject_key_id.length == 0 ||
           spans_equal(search, last->authority_key_id, issuer->subject_key_id);
}

static bool search_anchors(struct search *search, bool is_agreeing)
{
    const struct certificate *last = search->path[search->depth - 1], *issuer;
    size_t cursor = 0;

    if (!spend(search, last->issuer.length * WORK_NAME_BYTE))
        return false;
    while (!search->is_spent && (issuer = trust_find(search->trust, last->issuer, &cursor)) != NULL)
        if (key_ids_agree(search, last, issuer) == is_agreeing &&
            search_through(search, issuer, true))
            return true;
    return false;
}

static bool search_candidates(struct search *search, bool is_agreeing)
{
    const struct certificate *last = search->path[search->depth - 1], *issuer;
    size_t index = index_of(search, last);
    uint64_t left = search->issuers[index] & search->rooted;

    if ((search->anchored >> index & 1) != 0 && search_anchors(search, is_agreeing))
        return true;
    for (; left != 0 && !search->is_spent; left &= left - 1) {
        issuer = &search->chain[__builtin_ctzll(left)];
        if (key_ids_agree(search, last, issuer) == is_agreeing &&
            search_through(search, issuer, false))
            return true;
    }
    return false;
}

static bool dead_end_note(struct search *search)
{
    const struct certificate *last = search->path[search->depth - 1];
    enum verify_verdict verdict = VERIFY_ISSUER;

    if (certificate_is_self_issued(last))
        verdict = search->depth == 1 ? VERIFY_SELF_SIGNED : VERIFY_ROOT;
    return fault_keep(&search->dead_end, verdict, last);
}

static bool search_from_last(struct search *search)
{
    return search_candidates(search, true) || search_candidates(search, false) ||
           dead_end_note(search);
}

/* The first to be tried of those that may have issued the path's last; NULL: there is none. */
static const struct certificate *issuer_choose(struct search *search)
{
    const struct certificate *last = search->path[search->depth - 1], *second = NULL;
    uint64_t left = search->issuers[index_of(search, last)];

    for (; left != 0; left &= left - 1) {
        const struct certificate *issuer = &search->chain[__builtin_ctzll(left)];

        if (path_has(search, issuer, false))
            continue;
        if (key_ids_agree(search, last, issuer))
            return issuer;
        if (second == NULL)
            second = issuer;
    }
    return second;
}

/* Where names lead from the server's certificate to no anchor, the one where they end is told. */
static bool dead_end_find(struct search *search)
{
    const struct certificate *issuer;

    while ((issuer = issuer_choose(search)) != NULL) {
        search->path[search->depth++] = issuer;
        search->on_path |= 1ULL << index_of(search, issuer);
    }
    return dead_end_note(search);
}

/* --- who may have issued whom ----------------------------------------------------------------- */

static void relations_note(struct search *search, size_t i)
{
    const struct certificate *one = &search->chain[i];
    size_t cursor = 0;

    if (one->subject.length == 0)
        return; /* malformed */
    if (names_equal(search, one->subject, one->subject_hash, one->issuer, one->issuer_hash))
        search->self_issued |= 1ULL << i;
    if (spend(search, one->issuer.length * WORK_NAME_BYTE) &&
        trust_find(search->trust, one->issuer, &cursor) != NULL)
        search->anchored |= 1ULL << i;
    for (size_t j = 0; j < search->count; j++) {
        const struct certificate *other = &search->chain[j];

        if (j > 0 &&
            names_equal(search, one->issuer, one->issuer_hash, other->subject, other->subject_hash))
            search->issuers[i] |= 1ULL << j;
        if (subjects_equal(search, one, other) &&
            spans_equal(search, one->public_key, other->public_key))
            search->twins[i] |= 1ULL << j;
    }
}

/* From the anchors downwards, until no certificate is added any more. */
static void rooted_find(struct search *search)
{
    uint64_t before;

    search->rooted = search->anchored;
    do {
        before = search->rooted;
        for (size_t i = 0; i < search->count; i++)
            if ((search->issuers[i] & search->rooted) != 0)
                search->rooted |= 1ULL << i;
    } while (search->rooted != before);
}

/* --- the verdict ------------------------------------------------------------------------------ */

static void chain_read(struct search *search, const struct span *chain, size_t count)
{
    search->count = count;
    for (size_t i = 0; i < count; i++) {
        spend(search, chain[i].length * WORK_BYTE_READ);
        if (certificate_parse(chain[i], &search->chain[i]))
            continue;
        search->chain[i] = (struct certificate){0};
        fault_keep(&search->fault, VERIFY_MALFORMED, &search->chain[i]);
    }
}

static bool search_path(struct search *search)
{
    const struct certificate *server = &search->chain[0];
    enum verify_verdict verdict;

    if (server->subject.length == 0)
        return false; /* malformed */
    verdict = server_check(server, search->policy);
    if (verdict != VERIFY_OK) {
        search->fault = (struct fault){verdict, server};
        return false;
    }
    search->path[search->depth++] = server;
    search->on_path = 1;
    if (trust_has(search->trust, server))
        return true;
    for (size_t i = 0; i < search->count; i++)
        relations_note(search, i);
    rooted_find(search);
    return (search->rooted & 1) != 0 ? search_from_last(search) : dead_end_find(search);
}

/* From then on the same is judged anew, for what was wrong with it may have been the clock. */
static void refusal_date(struct verify_result *result, int64_t now_s)
{
    result->not_before_s = now_s;
    result->not_after_s = now_s < INT64_MAX - VERIFY_REFUSAL_S ? now_s + VERIFY_REFUSAL_S : now_s;
}

static void result_fail(const struct search *search, struct verify_result *ret_result)
{
    const struct fault spent = {VERIFY_WORK, &search->chain[0]};
    const struct fault *fault =
        search->fault.verdict != VERIFY_OK ? &search->fault : &search->dead_end;

    if (search->is_spent)
        fault = &spent;
    *ret_result = (struct verify_result){.verdict = fault->verdict, .certificate = VERIFY_ANCHOR};
    refusal_date(ret_result, search->policy->now_s);
    for (size_t i = 0; i < search->count; i++)
        if (fault->certificate == &search->chain[i])
            ret_result->certificate = i;
}

static void result_succeed(const struct search *search, struct verify_result *ret_result)
{
    const struct certificate *server = search->path[0];

    *ret_result = (struct verify_result){
        .key = server->key,
        .public_key = server->public_key,
        .not_before_s = server->not_before_s,
        .not_after_s = server->not_after_s,
    };
    for (size_t i = 1; i < search->depth; i++) {
        if (search->path[i]->not_before_s > ret_result->not_before_s)
            ret_result->not_before_s = search->path[i]->not_before_s;
        if (search->path[i]->not_after_s < ret_result->not_after_s)
            ret_result->not_after_s = search->path[i]->not_after_s;
    }
}

static enum verify_verdict size_check(const struct span *chain, size_t count)
{
    size_t bytes = 0;

    if (count == 0)
        return VERIFY_NO_CERTIFICATE;
    if (count > VERIFY_CHAIN_MAX)
        return VERIFY_TOO_MANY;
    for (size_t i = 0; i < count; i++)
        bytes += chain[i].length;
    return bytes > VERIFY_CHAIN_BYTES_MAX ? VERIFY_TOO_LARGE : VERIFY_OK;
}

void verify_chain(const struct span *chain, size_t count, const struct trust *trust,
                  const struct verify_policy *policy, verify_signature_fn *check_signature,
                  void *context, struct verify_result *ret_result)
{
    struct search search = {
        .trust = trust, .policy = policy, .check_signature = check_signature, .context = context};

    *ret_result = (struct verify_result){.verdict = size_check(chain, count)};
    refusal_date(ret_result, policy->now_s);
    if (ret_result->verdict != VERIFY_OK)
        return;
    chain_read(&search, chain, count);
    if (search_path(&search))
        result_succeed(&search, ret_result);
    else
        result_fail(&search, ret_result);
    ret_result->work = search.work;
}

/* --- the cache of verdicts -------------------------------------------------------------------- */

/* A key is a hash: its first bytes choose a set, and any of the set's ways may hold it. The first
 * sets are for successes, the last ones, an eighth as many, for refusals. */
enum { CACHE_WAYS = 4, REFUSAL_PART = 8 };

struct cache_entry {
    unsigned char key[VERIFY_KEY_BYTES];
    bool is_used;
    enum verify_verdict verdict;
    size_t certificate;
    int64_t not_before_s;
    int64_t not_after_s;
};

struct verify_cache {
    size_t good_sets;
    size_t bad_sets;
    size_t turn; /* whose place is taken next in a full set */
    struct cache_entry entries[];
};

struct verify_cache *verify_cache_open(size_t count)
{
    size_t good_sets = count < CACHE_WAYS ? 1 : (count - 1) / CACHE_WAYS + 1;
    size_t bad_sets = 1 + good_sets / REFUSAL_PART, set_size;
    struct verify_cache *cache;

    set_size = CACHE_WAYS * sizeof(cache->entries[0]);
    if (good_sets > SIZE_MAX / 4 / set_size)
        return NULL;
    cache = calloc(1, sizeof(*cache) + (good_sets + bad_sets) * set_size);
    if (cache == NULL)
        return NULL;
    cache->good_sets = good_sets;
    cache->bad_sets = bad_sets;
    return cache;
}

void verify_cache_close(struct verify_cache *cache)
{
    free(cache);
}

/* Index of the first entry of the key's set. */
static size_t cache_set(const struct verify_cache *cache, const unsigned char *key, bool is_good)
{
    uint64_t number;

    memcpy(&number, key, sizeof(number));
    number = is_good ? number % cache->good_sets : cache->good_sets + number % cache->bad_sets;
    return (size_t)number * CACHE_WAYS;
}

/* Index of the key's entry in a set, or SIZE_MAX. */
static size_t cache_find(const struct verify_cache *cache, const unsigned char *key, size_t set)
{
    for (size_t i = set; i < set + CACHE_WAYS; i++)
        if (cache->entries[i].is_used && memcmp(cache->entries[i].key, key, VERIFY_KEY_BYTES) == 0)
            return i;
    return SIZE_MAX;
}

static bool cache_get(const struct verify_cache *cache, const unsigned char *key, bool is_good,
                      int64_t now_s, struct verify_result *ret_result)
{
    size_t index = cache_find(cache, key, cache_set(cache, key, is_good));
    const struct cache_entry *entry = index != SIZE_MAX ? &cache->entries[index] : NULL;

    if (entry == NULL || now_s < entry->not_before_s || now_s > entry->not_after_s)
        return false;
    *ret_result = (struct verify_result){.verdict = entry->verdict,
                                         .certificate = entry->certificate,
                                         .not_before_s = entry->not_before_s,
                                         .not_after_s = entry->not_after_s};
    return true;
}

bool verify_cache_has(const struct verify_cache *cache, const unsigned char key[VERIFY_KEY_BYTES],
                      int64_t now_s, struct verify_result *ret_result)
{
    return cache_get(cache, key, true, now_s, ret_result) ||
           cache_get(cache, key, false, now_s, ret_result);
}

/* Where a new key goes: to a free place of its set, or in turn to one that is not. */
static size_t cache_place(struct verify_cache *cache, const unsigned char *key, bool is_good)
{
    size_t set = cache_set(cache, key, is_good), index = cache_find(cache, key, set);

    for (size_t i = set; index == SIZE_MAX && i < set + CACHE_WAYS; i++)
        if (!cache->entries[i].is_used)
            index = i;
    return index != SIZE_MAX ? index : set + cache->turn++ % CACHE_WAYS;
}

void verify_cache_add(struct verify_cache *cache, const unsigned char key[VERIFY_KEY_BYTES],
                      const struct verify_result *result)
{
    struct cache_entry *entry =
        &cache->entries[cache_place(cache, key, result->verdict == VERIFY_OK)];

    memcpy(entry->key, key, VERIFY_KEY_BYTES);
    entry->is_used = true;
    entry->verdict = result->verdict;
    entry->certificate = result->certificate;
    entry->not_before_s = result->not_before_s;
    entry->not_after_s = result->not_after_s;
}
