/* Each of curl's options is taken or answered, and none for another of ours. */

#include "tools/args.h"
#include "tools/curl/meant.h"
#include "tools/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* All of curl 7.88.1 (curl --help all), and some that came later. */
static const char names[] =
    "abstract-unix-socket alt-svc anyauth append aws-sigv4 basic cacert capath cert "
    "cert-status cert-type ciphers compressed compressed-ssh config connect-timeout "
    "connect-to continue-at cookie cookie-jar create-dirs create-file-mode crlf crlfile "
    "curves data data-ascii data-binary data-raw data-urlencode delegation digest disable "
    "disable-eprt disable-epsv disallow-username-in-url dns-interface dns-ipv4-addr "
    "dns-ipv6-addr dns-servers doh-cert-status doh-insecure doh-url dump-header egd-file "
    "engine etag-compare etag-save expect100-timeout fail fail-early fail-with-body "
    "false-start form form-escape form-string ftp-account ftp-alternative-to-user "
    "ftp-create-dirs ftp-method ftp-pasv ftp-port ftp-pret ftp-skip-pasv-ip ftp-ssl-ccc "
    "ftp-ssl-ccc-mode ftp-ssl-control get globoff happy-eyeballs-timeout-ms haproxy-protocol "
    "head header help hostpubmd5 hostpubsha256 hsts http0.9 http1.0 http1.1 http2 "
    "http2-prior-knowledge http3 http3-only ignore-content-length include insecure interface "
    "ipv4 ipv6 json junk-session-cookies keepalive-time key key-type krb libcurl limit-rate "
    "list-only local-port location location-trusted login-options mail-auth mail-from "
    "mail-rcpt mail-rcpt-allowfails manual max-filesize max-redirs max-time metalink "
    "negotiate netrc netrc-file netrc-optional next no-alpn no-buffer no-clobber no-keepalive "
    "no-npn no-progress-meter no-sessionid noproxy ntlm ntlm-wb oauth2-bearer output "
    "output-dir parallel parallel-immediate parallel-max pass path-as-is pinnedpubkey post301 "
    "post302 post303 preproxy progress-bar proto proto-default proto-redir proxy "
    "proxy-anyauth proxy-basic proxy-cacert proxy-capath proxy-cert proxy-cert-type "
    "proxy-ciphers proxy-crlfile proxy-digest proxy-header proxy-insecure proxy-key "
    "proxy-key-type proxy-negotiate proxy-ntlm proxy-pass proxy-pinnedpubkey "
    "proxy-service-name proxy-ssl-allow-beast proxy-ssl-auto-client-cert proxy-tls13-ciphers "
    "proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-tlsv1 proxy-user proxy1.0 "
    "proxytunnel pubkey quote random-file range rate raw referer remote-header-name "
    "remote-name remote-name-all remote-time remove-on-error request request-target resolve "
    "retry retry-all-errors retry-connrefused retry-delay retry-max-time sasl-authzid sasl-ir "
    "service-name show-error silent socks4 socks4a socks5 socks5-basic socks5-gssapi "
    "socks5-gssapi-nec socks5-gssapi-service socks5-hostname speed-limit speed-time ssl "
    "ssl-allow-beast ssl-auto-client-cert ssl-no-revoke ssl-reqd ssl-revoke-best-effort sslv2 "
    "sslv3 stderr styled-output suppress-connect-headers tcp-fastopen tcp-nodelay "
    "telnet-option tftp-blksize tftp-no-options time-cond tls-max tls13-ciphers tlsauthtype "
    "tlspassword tlsuser tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 tr-encoding trace trace-ascii "
    "trace-time unix-socket upload-file url url-query use-ascii user user-agent verbose "
    "version write-out xattr alpn npn ca-native variable expand-url trace-ids trace-config "
    "show-headers keepalive-cnt ip-tos ";

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < option_count; i++)
        if (strcmp(option_rows[i].name, name) == 0)
            return true;
    return false;
}

/* What haul says of the option alone: its value is missing, or the URL is; it is not unknown. */
static void test_every_name_is_taken_or_answered(void **state)
{
    (void)state;
    size_t count = 0;
    for (const char *at = names; *at != '\0'; at += strcspn(at, " ") + 1, count++) {
        char program[] = "haul", word[64], message[512] = "";
        char *words[] = {program, word, NULL};
        const char *name = word + 2;
        struct args args;
        snprintf(word, sizeof(word), "--%.*s", (int)strcspn(at, " "), at);
        int code = args_parse(&args, 2, words, message, sizeof(message));
        bool is_unknown = strncmp(message, "unknown option", 14) == 0;
        const char *meant = curl_meant_by_name(name);
        if (code == 0)
            assert_true(is_ours(name));
        if (is_unknown && (meant == NULL || strstr(message, meant) == NULL))
            fail_msg("%s: %s", word, message);
        if (!is_unknown && code != 0 && strstr(message, "wants a value") != NULL)
            assert_true(strstr(message, word) != NULL || strcmp(name, "data-ascii") == 0);
        args_free(&args);
    }
    assert_true(count > 250);
}

/* A sentence is one: it begins small, like all of haul's, and names no full stop. */
static void test_sentences(void **state)
{
    (void)state;
    const char *name;
    for (size_t i = 0; (name = curl_name(i)) != NULL; i++) {
        char of_family[64];
        snprintf(of_family, sizeof(of_family), "%.*s", (int)strcspn(name, "*"), name);
        const char *meant = curl_meant_by_name(of_family);
        assert_non_null(meant);
        assert_true(strlen(meant) > 10 && meant[strlen(meant) - 1] != '.');
    }
}

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *word, *said;
    } rows[] = {
        {"--proto", "unknown option '--proto': haul speaks http and https alone"},
        {"--proto==https", "unknown option '--proto': haul speaks http and https alone"},
        {"--proto-d", "--proto-default wants a value"},
        {"--proxy-user=a:b", "unknown option '--proxy-user': haul connects directly"},
        {"--no-location", "unknown option '--no-location': what it takes back is not done"},
        {"--no-frob", "unknown option '--no-frob'; see"},
        {"--frob", "unknown option '--frob'; see"},
        {"-J", "unknown option '-J': the name of a file is that of the URL's path"},
        {"-1", "unknown option '-1': --tls-legacy"},
        {"--data-ascii", "-d/--data wants a value"},
        {"--compressed-ssh", "unknown option '--compressed-ssh': haul speaks http"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char program[] = "haul", url[] = "u", word[64], message[512] = "";
        char *words[] = {program, word, url, NULL};
        bool wants_last = strstr(rows[i].said, "wants a value") != NULL;
        struct args args;
        snprintf(word, sizeof(word), "%s", rows[i].word);
        if (wants_last)
            words[2] = NULL;
        assert_int_equal(args_parse(&args, wants_last ? 2 : 3, words, message, sizeof(message)), 2);
        if (strncmp(message, rows[i].said, strlen(rows[i].said)) != 0)
            fail_msg("%s: %s", word, message);
        args_free(&args);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_is_taken_or_answered),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
