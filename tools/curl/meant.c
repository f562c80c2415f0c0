/* Owns what is said of options that curl has, or another program, and haul has not. The idea:
 * families of them ("proxy-*") have one sentence, and the first row that fits is the one. */

#include "tools/curl/meant.h"

#include <string.h>

#define NO_PROXY "haul connects directly, and by no proxy"
#define NO_OTHER_PROTOCOL "haul speaks http and https alone; leave it out, or take curl"
#define NO_COOKIES "haul keeps no cookies; -H 'Cookie: NAME=VALUE' sends one"
#define NO_TRACE "what happened is in the results, by --headers and -v"
#define NO_OLD_TLS "--tls-legacy allows what is older than TLS 1.2"
#define NO_CHOICE_OF_TLS "what TLS agrees on is not chosen here; leave it out"
#define NO_REVOCATION "whether a certificate was revoked is not asked; --pinnedpubkey names keys"
#define NO_CODED_KEY "a key is read that is not encrypted: openssl pkey takes its password off"
#define NO_LOGIN "haul knows Basic, Digest and tokens: -u, --digest, --oauth2-bearer"
#define NO_SUCH_DNS "--dns-servers says whom names are asked of, and --resolve what they are"
#define NO_ETAG "-H 'If-None-Match: ETAG' asks for what is another by now"
#define DONE_ANYWAY "that is so without it; leave it out"
#define HEADS "heads are a part of the results with --headers"

static const struct curl_word {
    const char *name; /* with a * at its end: all that begin so */
    char letter;      /* 0: none */
    const char *meant;
} words[] = {
    {"abstract-unix-socket", 0, "haul connects by TCP alone"},
    {"alt-svc", 0, "a server's other addresses are not used; leave it out, or --connect-to"},
    {"alpn", 0, DONE_ANYWAY},
    {"anyauth", 0, "--digest answers who asks; -u alone sends Basic at once"},
    {"append", 'a', NO_OTHER_PROTOCOL},
    {"aws-sigv4", 0, "haul signs nothing; " NO_LOGIN},
    {"ca-native", 0, DONE_ANYWAY},
    {"cert-status", 0, NO_REVOCATION},
    {"cert-type", 0, "certificates and keys are read as PEM; leave it out"},
    {"ciphers", 0, NO_CHOICE_OF_TLS},
    {"compressed-ssh", 0, NO_OTHER_PROTOCOL},
    {"continue-at", 'C',
     "a body begins anew, and a file from before stays until it is whole; leave it out, or ask for "
     "a part by -r"},
    {"cookie", 'b', NO_COOKIES},
    {"cookie-jar", 0, NO_COOKIES},
    {"create-file-mode", 0, "umask says which rights new files have"},
    {"crlf", 0, "a body is sent as it is; unix2dos changes its line ends"},
    {"crlfile", 0, NO_REVOCATION},
    {"curves", 0, NO_CHOICE_OF_TLS},
    {"delegation", 0, NO_LOGIN},
    {"disable", 0, "~/.curlrc is not read; leave it out"},
    {"disable-*", 0, NO_OTHER_PROTOCOL},
    {"disallow-username-in-url", 0, "grep -v @ leaves such URLs out of a list"},
    {"dns-*", 0, NO_SUCH_DNS},
    {"doh-*", 0, NO_SUCH_DNS},
    {"dump-header", 'D', HEADS},
    {"egd-file", 0, DONE_ANYWAY},
    {"engine", 0, NO_CHOICE_OF_TLS},
    {"etag-*", 0, NO_ETAG},
    {"expand-*", 0, "the shell has variables: \"$NAME\""},
    {"expect100-timeout", 0, "a 100 is waited for one second; -H Expect: has it not waited for"},
    {"fail-early", 0, "--on-error cancel ends a run at its first failure"},
    {"false-start", 0, NO_CHOICE_OF_TLS},
    {"form-escape", 0, "a quote in a form's names is sent as %22; leave it out"},
    {"ftp-*", 0, NO_OTHER_PROTOCOL},
    {"ftp-port", 'P', NO_OTHER_PROTOCOL},
    {"happy-eyeballs-timeout-ms", 0, "250 ms are waited before a second address; leave it out"},
    {"haproxy-protocol", 0, NO_PROXY},
    {"hostpub*", 0, NO_OTHER_PROTOCOL},
    {"hsts", 0, "what is to go over https is written https://; leave it out"},
    {"http0.9", 0, "a reply without a head is an error; leave it out"},
    {"http2*", 0, "haul speaks HTTP/1.1; leave it out"},
    {"http3*", 0, "haul speaks HTTP/1.1; leave it out"},
    {"ignore-content-length", 0, "a body is as long as its Content-Length says; leave it out"},
    {"include", 0, HEADS},
    {"ip-tos", 0, "packets are not marked; leave it out"},
    {"junk-session-cookies", 0, NO_COOKIES},
    {"keepalive-*", 0, "--idle-timeout says how long an idle connection is kept"},
    {"key-type", 0, "certificates and keys are read as PEM; leave it out"},
    {"krb", 0, NO_OTHER_PROTOCOL},
    {"libcurl", 0, "haul.h has an example of the library: man haul"},
    {"limit-rate", 0, "bytes are read as they come; --rate N/s spaces the requests"},
    {"list-only", 'l', NO_OTHER_PROTOCOL},
    {"local-port", 0, "the kernel chooses the port; --interface ADDRESS says from where"},
    {"login-options", 0, NO_OTHER_PROTOCOL},
    {"mail-*", 0, NO_OTHER_PROTOCOL},
    {"manual", 'M', "man haul has everything, and haul --help all the options"},
    {"metalink", 0, "a list of URLs is read by -i FILE"},
    {"negotiate", 0, NO_LOGIN},
    {"next", ':', "one run has one set of options; run haul once for each"},
    {"no-alpn", 0, DONE_ANYWAY},
    {"no-clobber", 0,
     "a file from before is replaced when the body is whole; --output-dir leads to another place"},
    {"no-keepalive", 0, "-H 'Connection: close' opens a connection for each request"},
    {"no-npn", 0, DONE_ANYWAY},
    {"no-sessionid", 0, NO_CHOICE_OF_TLS},
    {"noproxy", 0, NO_PROXY},
    {"npn", 0, DONE_ANYWAY},
    {"ntlm*", 0, NO_LOGIN},
    {"pass", 0, NO_CODED_KEY},
    {"preproxy", 0, NO_PROXY},
    {"proto", 0, "haul speaks http and https alone, and by what a URL says; leave it out"},
    {"proto-redir", 0, "without -L no redirect is followed; leave it out"},
    {"proxy", 'x', NO_PROXY},
    {"proxy*", 0, NO_PROXY},
    {"proxy-user", 'U', NO_PROXY},
    {"proxytunnel", 'p', NO_PROXY},
    {"pubkey", 0, NO_OTHER_PROTOCOL},
    {"quote", 'Q', NO_OTHER_PROTOCOL},
    {"random-file", 0, DONE_ANYWAY},
    {"raw", 0, "without --compressed a body is kept as it came; leave it out"},
    {"remote-header-name", 'J', "the name of a file is that of the URL's path; leave it out"},
    {"remote-time", 'R', "a file has the time of its writing; --headers tells Last-Modified"},
    {"remove-on-error", 0, "a file is there only when it is whole; leave it out"},
    {"request-target", 0,
     "what is asked for is the URL's path and query; --path-as-is keeps its dots"},
    {"retry-all-errors", 0,
     "--retry tries all again that may be answered later, and --retry-all-methods any method"},
    {"sasl-*", 0, NO_OTHER_PROTOCOL},
    {"service-name", 0, NO_LOGIN},
    {"show-headers", 0, HEADS},
    {"socks*", 0, NO_PROXY},
    {"ssl", 0, "an https URL is by TLS or fails; leave it out"},
    {"ssl-reqd", 0, "an https URL is by TLS or fails; leave it out"},
    {"ssl-*", 0, NO_REVOCATION},
    {"sslv2", '2', NO_OLD_TLS},
    {"sslv3", '3', NO_OLD_TLS},
    {"stderr", 0, "2>FILE of the shell says where notes and the summary go"},
    {"styled-output", 0, DONE_ANYWAY},
    {"suppress-connect-headers", 0, NO_PROXY},
    {"tcp-fastopen", 0, "a request is sent once its connection stands; leave it out"},
    {"tcp-nodelay", 0, DONE_ANYWAY},
    {"telnet-option", 't', NO_OTHER_PROTOCOL},
    {"tftp-*", 0, NO_OTHER_PROTOCOL},
    {"time-cond", 'z', "-H 'If-Modified-Since: DATE' asks for what is newer"},
    {"tls13-ciphers", 0, NO_CHOICE_OF_TLS},
    {"tlsauthtype", 0, NO_CHOICE_OF_TLS},
    {"tlspassword", 0, NO_CHOICE_OF_TLS},
    {"tlsuser", 0, NO_CHOICE_OF_TLS},
    {"tlsv1", '1', NO_OLD_TLS},
    {"tlsv1.0", 0, NO_OLD_TLS},
    {"tlsv1.1", 0, NO_OLD_TLS},
    {"tr-encoding", 0, "--compressed asks for coded bodies"},
    {"trace*", 0, NO_TRACE},
    {"unix-socket", 0, "haul connects by TCP alone"},
    {"use-ascii", 'B', NO_OTHER_PROTOCOL},
    {"variable", 0, "the shell has variables: \"$NAME\""},
    {"xattr", 0, "the results say where each file is from"},
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

/* What a hand types that knows wget, aria2, hey or xargs. */
static const struct curl_word others[] = {
    {"connections", 0, "-c/--concurrency says how many at once"},
    {"directory-prefix", 0, "--bodies DIR, or --output-dir DIR with -O"},
    {"input-file", 0, "-i/--input has a file of URLs"},
    {"jobs", 0, "-c/--concurrency says how many at once"},
    {"max-procs", 0, "-c/--concurrency says how many at once"},
    {"no-check-certificate", 0, "-k/--insecure leaves certificates unverified"},
    {"output-document", 0, "--format body -o FILE"},
    {"post-data", 0, "-d/--data"},
    {"post-file", 0, "-d @FILE"},
    {"threads", 0, "-c/--concurrency says how many at once; one thread does it"},
    {"timeout", 0,
     "-m/--max-time is for each request, --connect-timeout and others for its stages"},
    {"tries", 0, "--retry says how often again"},
    {"wait", 0, "--rate 1/s, or --delay-per-host"},
    {"workers", 0, "-c/--concurrency says how many at once"},
};

enum { OTHERS = sizeof(others) / sizeof(others[0]) };

const char *curl_meant_by_letter(int letter)
{
    for (size_t i = 0; i < WORDS; i++)
        if (words[i].letter != 0 && words[i].letter == letter)
            return words[i].meant;
    return NULL;
}

static bool word_fits(const char *word, const char *name, size_t length)
{
    size_t own = strlen(word);
    if (word[own - 1] == '*')
        return length >= own - 1 && memcmp(word, name, own - 1) == 0;
    return length == own && memcmp(word, name, length) == 0;
}

const char *curl_meant_by_name(const char *name)
{
    size_t length = strcspn(name, "=");
    for (size_t i = 0; i < WORDS; i++)
        if (word_fits(words[i].name, name, length))
            return words[i].meant;
    for (size_t i = 0; i < OTHERS; i++)
        if (word_fits(others[i].name, name, length))
            return others[i].meant;
    return NULL;
}

const char *curl_name(size_t place)
{
    return place < WORDS ? words[place].name : NULL;
}
