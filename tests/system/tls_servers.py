"""The servers that people run, in the configurations that a client with TLS 1.2 alone cannot reach.
Rows of TAP.

    tls_servers.py HAUL

nginx, Apache, Caddy, HAProxy, Node, openssl s_server and gnutls-serv, where they are installed; each
site is asked over both loops with each --tls-backend, and gives the page, or a refusal that says why.
What is wanted here was seen with curl and openssl s_client once.
"""

import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "system"))
import tls_certs  # noqa: E402
import tls_peers  # noqa: E402
from tap import finish, row, row_unless, skip  # noqa: E402

haul = os.path.realpath(sys.argv[1])
BACKENDS, LOOPS = ("auto", "bearssl", "openssl"), ("auto", "epoll")
CLIENT = ("--cert", "client.pem", "--key", "client.key")

# --- what is wanted -----------------------------------------------------------------------------

# Of auto, bearssl, openssl: a status, the version and the backend; or an exit status, and what the
# sentence has in it.
B12, O12, O13 = (200, "TLSv1.2", "bearssl"), (200, "TLSv1.2", "openssl"), (200, "TLSv1.3", "openssl")
OLD, OFFER = (35, "alert 70 (protocol_version)"), (35, "alert 40 (handshake_failure)")
PSS, KEY, LEGACY = (60, "RSA-PSS"), (60, "the certificate's key is neither"), (35, "--tls-legacy")

BOTH = (B12, B12, O13)  # what both backends can do
ONLY_12 = (B12, B12, O12)
ONLY_13 = (O13, OLD, O13)
MOVED = (O13, OFFER, O13)  # to a hello of BearSSL there is nothing that fits
MOVED_12 = (O12, OFFER, O12)
SIGNED_PSS = (O13, PSS, O13)
TOO_OLD = (LEGACY, LEGACY, LEGACY)


def always(*wanted):
    return (wanted,) * 3



UNNAMED = "it asked for a client certificate (--cert), and was shown none"


def unnamed_13(alert, bearssl=OLD):
    wanted = (35, f"({alert}): {UNNAMED}")
    return wanted, bearssl, wanted


def unnamed_12(alert):
    return always(35, f"({alert}): {UNNAMED}")


# --- the sites ----------------------------------------------------------------------------------


def nginx(certificate, *lines):
    return [f"ssl_certificate {certificate}.pem", f"ssl_certificate_key {certificate}.key", *lines]


def nginx_protocols(*versions):
    return "ssl_protocols " + " ".join("TLSv1." + version for version in versions)


N12, N13, N = nginx_protocols("2"), nginx_protocols("3"), nginx_protocols("2", "3")
N_CLIENT = "ssl_client_certificate ca.pem"
N_DHE = "ssl_ciphers DHE-RSA-AES128-GCM-SHA256"

# name, settings, wanted; behind them, wanted where a client certificate is shown
NGINX = [
    ("TLS 1.3 only", nginx("ec", N13), ONLY_13),
    ("TLS 1.2 only", nginx("ec", N12), ONLY_12),
    ("Ed25519", nginx("ed25519", N), MOVED),
    ("Ed25519, TLS 1.2", nginx("ed25519", N12), MOVED_12),
    ("Ed25519, TLS 1.3", nginx("ed25519", N13), ONLY_13),
    ("Ed448", nginx("ed448", N), MOVED),
    ("a key for RSA-PSS", nginx("pss", N), MOVED),
    ("a key for RSA-PSS, TLS 1.2", nginx("pss", N12), MOVED_12),
    ("signed with RSA-PSS", nginx("psssigned", N), SIGNED_PSS),
    ("signed with RSA-PSS, TLS 1.2", nginx("psssigned", N12), (O12, PSS, O12)),
    ("signs with RSA-PSS alone", nginx("rsa", N12, "ssl_conf_command SignatureAlgorithms RSA-PSS+SHA256"),
     MOVED_12),
    ("HelloRetryRequest, P-256", nginx("ec", N13, "ssl_ecdh_curve prime256v1"), ONLY_13),
    ("HelloRetryRequest, P-521", nginx("p521", N13, "ssl_ecdh_curve secp521r1"), ONLY_13),
    ("X448, TLS 1.3", nginx("ec", N13, "ssl_ecdh_curve X448"), ONLY_13),
    ("X448, TLS 1.2", nginx("ec", N12, "ssl_ecdh_curve X448"), MOVED_12),
    ("ffdhe2048, TLS 1.3", nginx("ec", N13, "ssl_conf_command Groups ffdhe2048"), ONLY_13),
    ("tickets only", nginx("ec", N12, "ssl_session_tickets on"), ONLY_12),
    ("tickets only, TLS 1.3", nginx("ec", N13, "ssl_session_tickets on"), ONLY_13),
    ("client certificate", nginx("ec", N12, N_CLIENT, "ssl_verify_client on"),
     always(400, "TLSv1.2"), ONLY_12),
    ("client certificate, TLS 1.3", nginx("ec", N13, N_CLIENT, "ssl_verify_client on"),
     ((400, "TLSv1.3"), OLD, (400, "TLSv1.3")), ONLY_13),
    ("client certificate if there is one", nginx("ec", N, N_CLIENT, "ssl_verify_client optional"), BOTH,
     BOTH),
    ("client certificate, Ed25519", nginx("ed25519", N, N_CLIENT, "ssl_verify_client on"),
     ((400, "TLSv1.3"), OFFER, (400, "TLSv1.3")), MOVED),
    ("DHE only, TLS 1.2", nginx("rsa", N12, N_DHE, "ssl_dhparam dh.pem"), MOVED_12),
    ("DHE of 1536 bits", nginx("rsa", N12, N_DHE + ":@SECLEVEL=0", "ssl_dhparam dh1536.pem"),
     ((35, "too weak"), OFFER, (35, "too weak"))),
    ("CBC only", nginx("rsa", N12, "ssl_ciphers ECDHE-RSA-AES128-SHA256"), TOO_OLD),
    ("RSA key exchange only", nginx("rsa", N12, "ssl_ciphers AES128-GCM-SHA256"), TOO_OLD),
    ("AES-CCM only", nginx("ec", N13, "ssl_conf_command Ciphersuites TLS_AES_128_CCM_SHA256"),
     (OFFER, OLD, OFFER)),
    ("TLS 1.0 only", nginx("rsa", nginx_protocols("0").replace(".0", ""), "ssl_ciphers ALL:@SECLEVEL=0"),
     ((35, "neither TLS 1.3 nor 1.2"), LEGACY, (35, "neither TLS 1.3 nor 1.2"))),
    ("TLS 1.1 only", nginx("rsa", nginx_protocols("1"), "ssl_ciphers ALL:@SECLEVEL=0"),
     ((35, "neither TLS 1.3 nor 1.2"), LEGACY, (35, "neither TLS 1.3 nor 1.2"))),
    ("no certificate for the name", [N, "ssl_reject_handshake on"],
     always(35, "alert 112 (unrecognized_name)")),
    ("no certificate for the name, TLS 1.3", [N13, "ssl_reject_handshake on"],
     ((35, "alert 112"), OLD, (35, "alert 112"))),
    ("another host's certificate", nginx("other", N), always(60, "not for this host")),
    ("another host's certificate, TLS 1.3", nginx("other", N13),
     ((60, "not for this host"), OLD, (60, "not for this host"))),
    ("RSA and ECDSA", nginx("rsa", N) + nginx("ec"), BOTH),
    ("RSA and Ed25519", nginx("ed25519", N) + nginx("rsa"), BOTH),
    ("a certificate of several records", nginx("broad", N), BOTH),
    ("a certificate of several records, TLS 1.3", nginx("broad", N13), ONLY_13),
    ("P-384", nginx("p384", N12), ONLY_12),
    ("P-521", nginx("p521", N), BOTH),
    ("http on that port", ["plain"], always(35, "not TLS (does this port speak plain HTTP?)")),
]


def apache(certificate, *lines):
    return [f"SSLCertificateFile {certificate}.pem", f"SSLCertificateKeyFile {certificate}.key", *lines]


A12, A13 = "SSLProtocol -all +TLSv1.2", "SSLProtocol -all +TLSv1.3"
A_CLIENT = "SSLCACertificateFile ca.pem"
A_LATER = "<Location />\nSSLVerifyClient require\n</Location>"
RENEGOTIATION = always(35, "the server asked for a renegotiation")

APACHE = [
    ("TLS 1.3 only", apache("ec", A13), ONLY_13),
    ("Ed25519", apache("ed25519"), MOVED),
    ("Ed448", apache("ed448"), MOVED),
    ("a key for RSA-PSS", apache("pss"), MOVED),
    ("signed with RSA-PSS", apache("psssigned"), SIGNED_PSS),
    ("HelloRetryRequest, P-256", apache("ec", A13, "SSLOpenSSLConfCmd Groups P-256"), ONLY_13),
    ("X448", apache("ec", A12, "SSLOpenSSLConfCmd Groups X448"), MOVED_12),
    ("tickets", apache("ec", A12, "SSLSessionTickets on"), ONLY_12),
    ("client certificate", apache("ec", A12, A_CLIENT, "SSLVerifyClient require"),
     unnamed_12("handshake_failure"), ONLY_12),
    ("client certificate, TLS 1.3", apache("ec", A13, A_CLIENT, "SSLVerifyClient require"),
     unnamed_13("certificate_required"), ONLY_13),
    ("client certificate if there is one", apache("ec", A_CLIENT, "SSLVerifyClient optional"), BOTH, BOTH),
    ("renegotiation for a client certificate", apache("ec", A12, A_CLIENT, A_LATER), RENEGOTIATION,
     RENEGOTIATION),
    ("client certificate asked for later, TLS 1.3", apache("ec", A13, A_CLIENT, A_LATER),
     ((403, "TLSv1.3"), OLD, (403, "TLSv1.3")), ONLY_13),
    ("DHE only", apache("rsa", A12, "SSLCipherSuite DHE-RSA-AES128-GCM-SHA256"), MOVED_12),
    ("CBC only", apache("rsa", A12, "SSLCipherSuite ECDHE-RSA-AES128-SHA256"), TOO_OLD),
    ("RSA and ECDSA", apache("rsa") + apache("ec"), BOTH),
    ("a certificate of several records", apache("broad"), BOTH),
]


def caddy(certificate, *lines):
    return [f"{certificate}.pem {certificate}.key", *lines]


C12, C13 = "protocols tls1.2 tls1.2", "protocols tls1.3"
C_CLIENT = "client_auth {\nmode require_and_verify\ntrusted_ca_cert_file ca.pem\n}"

CADDY = [
    ("TLS 1.3 only", caddy("ec", C13), ONLY_13),
    ("Ed25519", caddy("ed25519"), (O13, KEY, O13)),
    ("Ed25519, TLS 1.2", caddy("ed25519", C12), (O12, KEY, O12)),
    ("Ed25519, client certificate", caddy("ed25519", C12, C_CLIENT),
     ((35, UNNAMED), KEY, (35, UNNAMED)), (O12, KEY, O12)),
    ("signed with RSA-PSS", caddy("psssigned"), SIGNED_PSS),
    ("HelloRetryRequest, P-256", caddy("ec", C13, "curves secp256r1"), ONLY_13),
    ("client certificate", caddy("ec", C12, C_CLIENT), unnamed_12("bad_certificate"), ONLY_12),
    ("client certificate, TLS 1.3", caddy("ec", C13, C_CLIENT), unnamed_13("bad_certificate"), ONLY_13),
    ("CBC only", caddy("rsa", C12, "ciphers TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"), TOO_OLD),
    ("no http/1.1", caddy("ec", "alpn h2"), always(35, "alert 120 (no_application_protocol)")),
    ("a certificate of several records", caddy("broad"), BOTH),
]

H_CLIENT = "verify required ca-file ca.pem"
HAPROXY = [
    ("TLS 1.3 only", "ec ssl-min-ver TLSv1.3", ONLY_13),
    ("Ed25519", "ed25519", MOVED),
    ("Ed448", "ed448", MOVED),
    ("a key for RSA-PSS", "pss", MOVED),
    ("signed with RSA-PSS", "psssigned", SIGNED_PSS),
    ("HelloRetryRequest, P-256", "ec ssl-min-ver TLSv1.3 curves P-256", ONLY_13),
    ("X448", "ec ssl-max-ver TLSv1.2 curves X448", MOVED_12),
    ("tickets", "ec ssl-max-ver TLSv1.2", ONLY_12),
    ("no tickets", "ec ssl-max-ver TLSv1.2 no-tls-tickets", ONLY_12),
    ("client certificate", "ec ssl-max-ver TLSv1.2 " + H_CLIENT, unnamed_12("handshake_failure"), ONLY_12),
    ("client certificate, TLS 1.3", "ec ssl-min-ver TLSv1.3 " + H_CLIENT,
     unnamed_13("certificate_required"), ONLY_13),
    ("client certificate if there is one", "ec verify optional ca-file ca.pem", BOTH, BOTH),
    ("names must fit", "ec strict-sni", BOTH),
    ("another name", "other strict-sni", always(35, "alert 112 (unrecognized_name)")),
    ("DHE only", "rsa ssl-max-ver TLSv1.2 ciphers DHE-RSA-AES128-GCM-SHA256", MOVED_12),
    ("CBC only", "rsa ssl-max-ver TLSv1.2 ciphers ECDHE-RSA-AES128-SHA256", TOO_OLD),
    ("a certificate of several records", "broad", BOTH),
]

J12, J13 = "maxVersion: 'TLSv1.2', ", "minVersion: 'TLSv1.3', "
J_DHE = "ciphers: 'DHE-RSA-AES128-GCM-SHA256', dhparam: fs.readFileSync('dh.pem')"
NODE = [
    ("TLS 1.3 only", ("ec", J13), ONLY_13),
    ("Ed25519", ("ed25519", ""), MOVED),
    ("Ed448", ("ed448", ""), MOVED),
    ("a key for RSA-PSS", ("pss", ""), MOVED),
    ("signed with RSA-PSS", ("psssigned", ""), SIGNED_PSS),
    ("HelloRetryRequest, P-256", ("ec", J13 + "ecdhCurve: 'P-256'"), ONLY_13),
    ("X448", ("ec", J12 + "ecdhCurve: 'X448'"), MOVED_12),
    ("client certificate", ("ec", J12 + "requestCert: true"), unnamed_12("handshake_failure"), ONLY_12),
    ("client certificate, TLS 1.3", ("ec", J13 + "requestCert: true"), unnamed_13("certificate_required"),
     ONLY_13),
    ("client certificate if there is one", ("ec", "requestCert: true, rejectUnauthorized: false"), BOTH,
     BOTH),
    ("DHE only", ("rsa", J12 + J_DHE), MOVED_12),
    ("CBC only", ("rsa", J12 + "ciphers: 'ECDHE-RSA-AES128-SHA256'"), TOO_OLD),
    ("a certificate of several records", ("broad", ""), BOTH),
    ("it ends on the name", ("ec", "SNICallback: (name, done) => done(new Error('no such name'))"),
     always(35, "ended the connection during the TLS handshake")),
]


def openssl(certificate, words=""):
    return f"-cert {certificate}.pem -key {certificate}.key {words}"


S_CLIENT = "-Verify 1 -CAfile ca.pem -verify_return_error"
S_SERVER = [
    ("TLS 1.3 only", openssl("ec", "-tls1_3"), ONLY_13),
    ("Ed25519", openssl("ed25519"), MOVED),
    ("Ed448", openssl("ed448"), MOVED),
    ("a key for RSA-PSS", openssl("pss"), MOVED),
    ("HelloRetryRequest, P-256", openssl("ec", "-tls1_3 -groups P-256"), ONLY_13),
    ("X448", openssl("ec", "-tls1_2 -groups X448"), MOVED_12),
    ("X448, TLS 1.3", openssl("ec", "-tls1_3 -groups X448"), ONLY_13),
    ("ffdhe3072, TLS 1.3", openssl("ec", "-tls1_3 -groups ffdhe3072"), ONLY_13),
    ("ffdhe8192, TLS 1.3", openssl("ec", "-tls1_3 -groups ffdhe8192"), (OFFER, OLD, OFFER)),
    ("no tickets", openssl("ec", "-tls1_3 -num_tickets 0"), ONLY_13),
    ("eight tickets", openssl("ec", "-tls1_3 -num_tickets 8"), ONLY_13),
    ("client certificate", openssl("ec", "-tls1_2 " + S_CLIENT), unnamed_12("handshake_failure"), ONLY_12),
    ("client certificate, TLS 1.3", openssl("ec", "-tls1_3 " + S_CLIENT),
     unnamed_13("certificate_required"), ONLY_13),
    ("client certificate if there is one", openssl("ec", "-verify 1 -CAfile ca.pem"), BOTH, BOTH),
    ("DHE only", openssl("rsa", "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256"), MOVED_12),
    ("no http/1.1", openssl("ec", "-alpn h2"), always(35, "alert 120 (no_application_protocol)")),
    ("another name", openssl("ec", "-servername a.example -servername_fatal -cert2 ec.pem -key2 ec.key"),
     always(35, "alert 112 (unrecognized_name)")),
    ("records of 512 bytes", openssl("ec", "-tls1_2 -max_send_frag 512"), ONLY_12),
    ("records of 512 bytes, TLS 1.3", openssl("broad", "-tls1_3 -max_send_frag 512"), ONLY_13),
    ("padded records", openssl("ec", "-tls1_3 -record_padding 4096"), ONLY_13),
    ("pre-shared keys only", "-nocert -psk 1234 -tls1_3", (OFFER, OLD, OFFER)),
    ("no certificate at all", "-nocert -cipher aNULL:@SECLEVEL=0 -tls1_2", always(*OFFER)),
]


def gnutls(certificate, priority="NORMAL", words=""):
    files = f"--x509certfile {certificate}.pem --x509keyfile {certificate}.key"
    return f"{files} --priority {priority} {words}"


G12, G13 = "NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"
G_CLIENT = "--require-client-cert --x509cafile ca.pem"
G_TO_BEARSSL = (35, "alert 40 (handshake_failure)")  # where others have 70
G_ONLY_13 = (O13, G_TO_BEARSSL, O13)
GNUTLS = [
    ("TLS 1.3 only", gnutls("ec", G13), G_ONLY_13),
    ("Ed25519", gnutls("ed25519"), MOVED),
    ("Ed448", gnutls("ed448"), MOVED),
    ("a key for RSA-PSS", gnutls("pss"), MOVED),
    ("signed with RSA-PSS", gnutls("psssigned"), SIGNED_PSS),
    ("HelloRetryRequest, P-256", gnutls("ec", G13 + ":-GROUP-ALL:+GROUP-SECP256R1"), G_ONLY_13),
    ("X448", gnutls("ec", G12 + ":-GROUP-ALL:+GROUP-X448"), MOVED_12),
    ("ffdhe2048, TLS 1.3", gnutls("ec", G13 + ":-GROUP-ALL:+GROUP-FFDHE2048"), G_ONLY_13),
    ("DHE only", gnutls("rsa", G12 + ":-KX-ALL:+DHE-RSA"), MOVED_12),
    ("client certificate", gnutls("ec", G12, G_CLIENT), unnamed_12("decode_error"), ONLY_12),
    ("client certificate, TLS 1.3", gnutls("ec", G13, G_CLIENT),
     unnamed_13("certificate_required", G_TO_BEARSSL), G_ONLY_13),
    ("client certificate if there is one", gnutls("ec", "NORMAL", "--x509cafile ca.pem"), BOTH, BOTH),
    ("no http/1.1", gnutls("ec", "NORMAL", "--alpn h2 --alpn-fatal"),
     always(35, "alert 120 (no_application_protocol)")),
    ("another name", gnutls("ec", "NORMAL", "--sni-hostname a.example --sni-hostname-fatal"),
     always(35, "alert 112 (unrecognized_name)")),
    ("records of 512 bytes", gnutls("ec", G12, "--recordsize 512"), ONLY_12),
    ("records of 512 bytes, TLS 1.3", gnutls("ec", G13, "--recordsize 512"), G_ONLY_13),
    ("no tickets", gnutls("ec", G13, "--noticket"), G_ONLY_13),
    ("compressed certificates", gnutls("ec", G13, "--compress-cert zlib"), G_ONLY_13),
    ("CBC only", gnutls("rsa", G12 + ":-CIPHER-ALL:+AES-128-CBC"), TOO_OLD),
    ("TLS 1.0 only", gnutls("rsa", "NORMAL:-VERS-ALL:+VERS-TLS1.0"), TOO_OLD),
    ("heartbeats", gnutls("ec", G12, "-b"), ONLY_12),
    ("a certificate of several records", gnutls("broad"), BOTH),
]

SERVERS = [("nginx", tls_peers.nginx, NGINX), ("Apache", tls_peers.apache, APACHE),
           ("Caddy", tls_peers.caddy, CADDY), ("HAProxy", tls_peers.haproxy, HAPROXY),
           ("Node", tls_peers.node, NODE), ("openssl s_server", tls_peers.s_server, S_SERVER),
           ("gnutls-serv", tls_peers.gnutls, GNUTLS)]

# --- asking -------------------------------------------------------------------------------------


def ask(ports, backend, loop, words):
    """{name: its exit status, its result}: one run for all of a server's sites."""
    urls = [f"https://localhost:{port}/" for port in ports.values()]
    path = "results"
    done = subprocess.run(
        [haul, "--no-progress", "-v", "-4", "-o", path, "-w", "%{exitcode}\\n", "--loop", loop,
         "--tls-backend", backend, "--cacert", "roots.pem", "-m", "300", *words, *urls],
        capture_output=True, text=True, check=False, timeout=600)
    with open(path, encoding="utf-8") as file:
        results = [json.loads(line) for line in file]
    codes = done.stdout.split()
    assert len(codes) == len(results) == len(urls), (done.stderr, codes)
    os.unlink(path)
    return {name: (int(code), result) for name, code, result in zip(ports, codes, results)}


def seen_as(code, result, wanted):
    """A text: what was seen; and whether it is what was wanted."""
    if result["error"]:
        message = result["error"]["message"]
        is_it = code == wanted[0] and wanted[1] in message and result["error"]["code"] == "tls"
        return f"exit {code}, {result['error']['code']}: {message}", is_it
    tls = result["tls"]
    facts = (result["status"], tls["version"], tls["backend"])
    return f"{facts}, exit {code}", code == 0 and facts[:len(wanted)] == wanted


def check(seen, name, wanted):
    for (backend, loop), results in seen.items():
        of_backend = wanted[BACKENDS.index(backend)]
        text, is_it = seen_as(*results[name], of_backend)
        assert is_it, f"--tls-backend {backend} --loop {loop}: {text}; wanted {of_backend}"


def ask_all(ports, words=()):
    return {(backend, loop): ask(ports, backend, loop, words)
            for backend in BACKENDS for loop in LOOPS} if ports else {}


def check_server(title, start, sites):
    ports = start({site[0]: site[1] for site in sites})
    if ports is None:
        skip(f"{title}: {len(sites)} sites", f"{title} is not installed")
        return
    if not ports:
        row(title, tls_peers.tell_why, title)
        return
    plainly = ask_all({site[0]: ports[site[0]] for site in sites if site[0] in ports})
    named = ask_all({site[0]: ports[site[0]] for site in sites if len(site) > 3 and site[0] in ports},
                    CLIENT)
    for site in sites:
        if site[0] not in ports:
            skip(f"{title}: {site[0]}", "this version of it has no such setting")
            continue
        row(f"{title}: {site[0]}", check, plainly, site[0], site[2])
        if len(site) > 3:
            row(f"{title}: {site[0]}, shown one", check, named, site[0], site[3])


# --- what a server says at rest -----------------------------------------------------------------

REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Gathering:
    """A haul that is given one URL after the other, and says of each what came of it."""

    def __init__(self, port, *words):
        self.port = port
        self.process = subprocess.Popen(
            [haul, "-q", "--no-progress", "-v", "-4", "--cacert", "roots.pem", "-m", "300", "-c", "1",
             "-i", "-", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, path):
        self.process.stdin.write(f"https://localhost:{self.port}{path}\n".encode("ascii"))
        self.process.stdin.flush()

    def result(self):
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(300)


def check_rest(words, loop, backend, command, sign, answer, options):
    """command is s_server's; sign is seen in what it says when that has come to pass, and answer when
    the next request has come."""
    server = tls_peers.Spoken(words)
    gathering = Gathering(server.port, "--loop", loop, "--tls-backend", backend, *options)
    gathering.ask("/1")
    server.await_text("GET /1 ")
    server.say(REPLY)
    assert gathering.result()["status"] == 200
    server.say(command)
    server.await_text(sign)
    gathering.ask("/2")
    server.await_text("GET /2 ")
    server.say(REPLY)
    result = gathering.result()
    assert (result["status"], result["tls_us"]) == (200, 0), result
    assert gathering.end() == 0
    tls_peers.stop(server.process)
    assert answer in server.text()


UPDATE, SHOWN = "TLS 1.3, Handshake [length 0005], KeyUpdate", "CN = client\nverify return:1"
RESTS = [
    ("a key update", b"k\n", ">>> " + UPDATE, "", ()),
    ("a key update that wants one", b"K\n", ">>> " + UPDATE, "<<< " + UPDATE, ()),
    ("a client certificate asked for", b"c\n", SHOWN, "", CLIENT),
    ("a client certificate of 19 kB asked for", b"c\n", SHOWN, "",
     ("--cert", "longer.pem", "--key", "client.key")),
]


def check_rests():
    with open("longer.pem", "wb") as longer:
        for name in ("client", "broad"):
            with open(name + ".pem", "rb") as file:
                longer.write(file.read())
    words = openssl("ec", "-tls1_3 -msg -verify 1 -CAfile ca.pem")
    for what, *facts in RESTS:
        for loop in LOOPS:
            for backend in ("auto", "openssl"):
                row(f"{what} leaves a connection at rest, --loop {loop} --tls-backend {backend}",
                    check_rest, words, loop, backend, *facts)


def check_restart(backend, loop):
    """The tickets and sessions of a server that has gone are of no use, and no harm."""
    sites = {"only": nginx("ec", N, "ssl_session_tickets on",
                           f"ssl_session_cache shared:{backend}{loop}:1m")}
    ports = tls_peers.nginx(sites)
    gathering = Gathering(ports["only"], "--loop", loop, "--tls-backend", backend)
    seen = []
    for path in ("/1", "/2", "/3", "/4"):
        if path == "/3":
            tls_peers.stop(tls_peers.running[-1])
            tls_peers.listens(tls_peers.nginx_at(ports, sites), ports["only"])
        gathering.ask(path)
        result = gathering.result()
        seen.append((result["status"], result["tls"] and result["tls"]["resumed"]))
    gathering.end()
    tls_peers.stop(tls_peers.running[-1])
    assert seen == [(200, False), (200, True), (200, False), (200, True)], seen


def check_restarts():
    for backend in ("bearssl", "openssl"):
        for loop in LOOPS:
            row_unless(None if tls_peers.is_here("nginx") else "nginx is not installed",
                       f"a server that begins anew: --tls-backend {backend} --loop {loop}",
                       check_restart, backend, loop)


# --- the other protocol -------------------------------------------------------------------------

PLAINLY = [  # of http to a port of https: a status, or what is said of the end
    ("nginx", tls_peers.nginx, nginx("ec"), 400),
    ("Apache", tls_peers.apache, apache("ec"), 400),
    ("Caddy", tls_peers.caddy, caddy("ec"), 400),
    ("HAProxy", tls_peers.haproxy, "ec", "ended before any byte"),
    ("Node", tls_peers.node, ("ec", ""), "ended before any byte"),
    ("openssl s_server", tls_peers.s_server, openssl("ec"), "ended before any byte"),
    ("gnutls-serv", tls_peers.gnutls, gnutls("ec"), "an alert of TLS (does this port speak https?)"),
]


def check_plainly(start, settings, wanted):
    ports = start({"only": settings})
    for loop in LOOPS:
        done = subprocess.run(
            [haul, "--no-progress", "-4", "-m", "300", "--loop", loop,
             f"http://localhost:{ports['only']}/"], capture_output=True, text=True, check=False,
            timeout=600)
        result = json.loads(done.stdout)
        got = result["error"]["message"] if result["error"] else result["status"]
        is_it = got == wanted if isinstance(wanted, int) else wanted in str(got)
        assert is_it, f"got {got}, wanted {wanted}"


def check_protocols(is_apart):
    for title, start, settings, wanted in PLAINLY:
        is_missing = not tls_peers.is_here(tls_peers.PROGRAMS[title])
        row_unless(f"{title} is not installed" if is_missing
                   else "no network is to be had for it" if title == "gnutls-serv" and not is_apart
                   else None, f"{title}: http on a port of https", check_plainly, start, settings,
                   wanted)


# --- haul bench ---------------------------------------------------------------------------------

BENCH_REQUESTS = 20
BENCH_SITES = {"old": nginx("ec", N12), "new": nginx("ec", N13), "ed": nginx("ed25519", N)}
BENCH_WORDS = [  # and which sites have every reply
    ([], "old new ed"),
    (["--tls-backend", "bearssl"], "old"),
    (["--tls-backend", "openssl"], "old new ed"),
    (["--tlsv1.2"], "old new ed"),
    (["--tlsv1.3"], "new ed"),
    (["--tls-max", "1.2"], "old ed"),
    (["--full-handshake"], "old new ed"),
]


def bench_replies(words, port):
    done = subprocess.run(
        [haul, "bench", "-q", "--format", "json", "-n", str(BENCH_REQUESTS), "-c", "4", "--cacert",
         "roots.pem", "--timeout", "300s", *words, f"https://localhost:{port}/"],
        capture_output=True, text=True, check=False, timeout=600)
    report = json.loads(done.stdout or "null")
    assert report, done.stderr
    return report["statuses"].get("200", 0), report["error_count"]


def check_bench(ports, words, reached):
    for loop in ("uring", "epoll", "threads"):
        for name, port in ports.items():
            got = bench_replies(["--loop", loop, *words], port)
            is_reached = name in reached.split()
            wanted = (BENCH_REQUESTS, 0) if is_reached else (0, BENCH_REQUESTS)
            assert got == wanted, f"--loop {loop}, {name}: got {got}, wanted {wanted}"


def check_benches():
    ports = tls_peers.nginx(BENCH_SITES)
    for words, reached in BENCH_WORDS:
        name = f"haul bench {' '.join(words)}: reaches {reached}"
        if ports is None:
            skip(name, "nginx is not installed")
        else:
            row(name, check_bench, ports, words, reached)


def main():
    if not tls_peers.is_here("openssl"):
        print("1..0 # SKIP openssl is not installed")
        return
    is_apart = tls_peers.enter_network()
    tls_certs.make_all()
    for title, start, sites in SERVERS:
        if title == "gnutls-serv" and not is_apart:
            skip(f"{title}: {len(sites)} sites",
                 "it listens everywhere, and no network is to be had for it")
            continue
        check_server(title, start, sites)
    tls_peers.stop_all()
    check_rests()
    check_restarts()
    check_protocols(is_apart)
    check_benches()
    finish()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        os.chmod(work, 0o755)
        try:
            main()
        finally:
            os.chdir("/")
