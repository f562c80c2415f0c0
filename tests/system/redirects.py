"""Redirects against servers that keep a log, and beside curl. Rows of TAP.

    redirects.py HAUL LOOP

Chains across hosts, ports and schemes and back: what is secret (fields, -u, user information, the client's
certificate) must not come where curl would not send it, nor to any origin once it has left the first. Then the same answers as curl -L from nginx, where it
is installed. HAUL_SEED is the seed of the chains, printed.
"""

import base64
import hashlib
import http.server
import json
import os
import random
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "system"))
from tap import finish, row, row_unless  # noqa: E402

haul, loop = os.path.realpath(sys.argv[1]), sys.argv[2]
work = tempfile.mkdtemp()
seed = int(os.environ.get("HAUL_SEED", "14"))
chance = random.Random(seed)
CHAINS = 30
HOSTS = ["a.test", "b.test", "c.test"]
SECRETS = ["Authorization", "Cookie", "Proxy-Authorization"]


def ask(*words):
    """A line of haul, as an object."""
    output = subprocess.run([haul, "--loop", loop, "-q", "-k", *words], stdout=subprocess.PIPE,
                            stdin=subprocess.DEVNULL, encoding="utf-8").stdout
    return json.loads(output)


if not shutil.which("openssl"):
    print("1..0 # SKIP no openssl, which makes the certificates")
    sys.exit(0)


# --- servers --------------------------------------------------------------------------------------

chains = []  # lists of (scheme, host, port); what is asked of one is /CHAIN/PLACE
log = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        words = self.path.split("/")
        if words[1] in LEADS:
            return self.lead(*LEADS[words[1]](*(int(word) for word in words[2:])))
        chain, at = (int(word) for word in self.path.split("/")[1:3])
        shows = bool(isinstance(self.connection, ssl.SSLSocket) and self.connection.getpeercert())
        log.append({"chain": chain, "at": at, "headers": dict(self.headers.items()), "cert": shows})
        more = at + 1 < len(chains[chain])
        self.send_response([301, 302, 303, 307, 308][at % 5] if more else 200)
        if more:
            scheme, host, port = chains[chain][at + 1]
            self.send_header("Location", f"{scheme}://user:canary@{host}:{port}/{chain}/{at + 1}")
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"end")

    def lead(self, status, location):
        self.send_response(status)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def ring(before, length, at):
    """So many URLs, and then so many that lead in a ring."""
    return 302, f"/ring/{before}/{length}/{at + 1 if at + 1 < before + length else before}"


LEADS = {"status": lambda status: (status, "/0/0"), "ring": ring}


def certificate(name):
    path = os.path.join(work, name + ".pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path + ".key", "-out",
                    path, "-days", "2", "-subj", f"/CN={name}", "-addext",
                    "subjectAltName=" + ",".join(f"DNS:{host}" for host in HOSTS)], check=True, stderr=subprocess.DEVNULL)
    with open(path, "a", encoding="ascii") as both, open(path + ".key", encoding="ascii") as key:
        both.write(key.read())
    return path


def serve(context):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def context_of(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(client_pem)
    return context


def pin(path):
    """Of a certificate's key, as --pinnedpubkey takes it."""
    words = [["openssl", "x509", "-in", path, "-noout", "-pubkey"],
             ["openssl", "pkey", "-pubin", "-outform", "DER"]]
    key = b""
    for command in words:
        key = subprocess.run(command, input=key, stdout=subprocess.PIPE, check=True).stdout
    return "sha256//" + base64.b64encode(hashlib.sha256(key).digest()).decode()


server_pem, other_pem, client_pem = (certificate(name) for name in ("server", "other", "client"))
tls = context_of(server_pem)
ports = {"http": [serve(None), serve(None)], "https": [serve(tls), serve(tls)]}


def any_place():
    scheme = chance.choice(["http", "https"])
    return scheme, chance.choice(HOSTS), chance.choice(ports[scheme])


def make_chain():
    chain = [any_place()]
    for _ in range(chance.randrange(1, 6)):
        chain.append(chance.choice([any_place, lambda: chain[0], lambda: chain[-1]])())
    return chain


resolves = [word for host in HOSTS for port in ports["http"] + ports["https"]
            for word in ("--resolve", f"{host}:{port}:127.0.0.1")]
fields = [word for field in ("Authorization: Bearer canary", "Cookie: a=canary",
                             "Proxy-Authorization: Basic canary", "Host: front.test", "X-Kept: yes")
          for word in ("-H", field)]


# --- the canary -----------------------------------------------------------------------------------

def hops_of(chain):
    found = [entry for entry in log if entry["chain"] == chain]
    assert [entry["at"] for entry in found] == list(range(len(chains[chain]))), \
        f"chain {chain} {chains[chain]}: {[entry['at'] for entry in found]}"
    return found


def secrets_of(hop):
    """What of the command line reached it: fields, the Host, the client certificate."""
    has = {name for name in SECRETS if is_canary(hop["headers"].get(name, ""))}
    has |= {"Host"} if hop["headers"]["Host"] == "front.test" else set()
    return has | ({"cert"} if hop["cert"] else set())


def is_canary(text):
    """Also as Basic has it, with what a Location has before its host."""
    return "canary" in text or base64.b64encode(b"user:canary").decode() in text or \
        base64.b64encode(b"me:canary").decode() in text


def url_of(number, user=""):
    scheme, host, port = chains[number][0]
    return f"{scheme}://{user}{host}:{port}/{number}/0"


def curls_hops(number, *words):
    log.clear()
    subprocess.run(["curl", "-sk", "-o", os.devnull, *words], check=True)
    return hops_of(number)


def check_hops(number, mine, curls, everything, trusts):
    """Nothing comes where curl would not send it: at home there is everything; abroad, and from then
    on for good, nothing, or what is trusted."""
    is_home = True
    for at, place in enumerate(chains[number]):
        about = f"seed {seed}, chain {number}, hop {at} of {chains[number]}, trusted {trusts}"
        is_home = is_home and place == chains[number][0]
        wanted = everything if is_home else everything - {"Host"} if trusts else set()
        if place[0] == "http":
            wanted = wanted - {"cert"}
        sent, reached = secrets_of(mine[at]), secrets_of(curls[at])
        assert sent == wanted, f"{about}: {sent}, not {wanted}"
        assert sent <= reached, f"{about}: {sent}, but curl sent {reached}"
        assert mine[at]["headers"]["X-Kept"] == "yes", about
        for name, text in mine[at]["headers"].items():
            assert name in wanted or name not in SECRETS and not is_canary(text), f"{about}: {name}"


def canary():
    kept = ["-H", "X-Kept: yes"]
    trusts = ["--location-trusted"]
    ways = [([], "", fields, {*SECRETS, "Host"}),
            (trusts, "", fields, {*SECRETS, "Host"}),
            ([], "", ["-u", "me:canary", *kept], {"Authorization"}),
            (trusts, "", ["-u", "me:canary", *kept], {"Authorization"}),
            ([], "me:canary@", kept, {"Authorization"})]
    for _ in range(CHAINS):
        chains.append(make_chain())
        number = len(chains) - 1
        for trust, user, words, everything in (ways[0], ways[1 + number % 4]):
            words = ["-L", *trust, "--cert", client_pem, *resolves, *words, url_of(number, user)]
            log.clear()
            result = ask("-v", *words)
            mine = hops_of(number)
            assert result["status"] == 200, result
            assert result["redirects"] == len(chains[number]) - 1 == len(result["hops"]), result
            assert not is_canary(json.dumps(result)), result
            check_hops(number, mine, curls_hops(number, *words), {*everything, "cert"}, bool(trust))


def canary_together():
    """All chains at once, over connections that some show the certificate on and some must not."""
    chains.clear()
    chains.extend(make_chain() for _ in range(CHAINS))
    log.clear()
    ran = subprocess.run([haul, "--loop", loop, "-q", "-k", "-L", "-c", "8", "--cert", client_pem,
                          *resolves, *fields, *(url_of(number) for number in range(CHAINS))],
                         stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True)
    assert ran.stdout.count(b'"status":200') == CHAINS, ran
    everything = list(log)
    for number in range(CHAINS):
        mine = sorted((hop for hop in everything if hop["chain"] == number),
                      key=lambda hop: hop["at"])
        assert len(mine) == len(chains[number]), (chains[number], mine)
        curls = curls_hops(number, "-L", "--cert", client_pem, *resolves, *fields, url_of(number))
        check_hops(number, mine, curls, {*SECRETS, "Host", "cert"}, False)


def trusted():
    chains.append([("https", "a.test", ports["https"][0]), ("https", "b.test", ports["https"][1])])
    number = len(chains) - 1
    log.clear()
    result = ask("--location-trusted", "--cert", client_pem, *resolves, *fields, url_of(number))
    assert result["status"] == 200, result
    assert secrets_of(hops_of(number)[1]) == {*SECRETS, "cert"}, log


def words_about_redirects():
    chains.append([("http", "127.0.0.1", ports["http"][0])] * 4)
    base = f"http://127.0.0.1:{ports['http'][0]}"
    url = f"{base}/{len(chains) - 1}/0"
    for words, code, told in (
            ([url], 0, "note: 1 redirect was not followed: -L follows it"),
            # each 3xx but 304, as -L would follow them
            ([f"{base}/status/[300-309]", f"{base}/status/200"], 0,
             "note: 9 redirects were not followed: -L follows them"),
            (["--fail", f"{base}/status/300", f"{base}/status/404"], 22, "note: 1 redirect was"),
            ([f"{base}/status/304"], 0, ""),
            (["-L", url], 0, ""), (["-L", "--max-redirs", "3", url], 0, ""),
            (["-L", "--max-redirs", "2", url], 47, "redirect 1"),
            (["-L", "--max-redirs", "2", "--format", "body", url], 47, "too many redirects")):
        ran = subprocess.run([haul, "--loop", loop, *words], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, encoding="utf-8")
        assert ran.returncode == code and told in ran.stderr, (words, ran)
        assert told or "not followed" not in ran.stderr, ran


def rules_at_each_hop():
    """What holds of a first URL over https holds of every later one: trust, name and pins; what the
    chain has come to by then is told."""
    with open(os.path.join(work, "both.pem"), "w", encoding="ascii") as both:
        for path in (server_pem, other_pem):
            with open(path, encoding="ascii") as file:
                both.write(file.read())
    plain = ("http", "a.test", ports["http"][0])
    one = ("https", "a.test", ports["https"][0])
    other = ("https", "b.test", serve(context_of(other_pem)))
    strange = ("https", "x.else", ports["https"][0])
    trust, blind = ["--cacert", both.name], ["-k"]
    pins, both_pins = [pin(server_pem)], [pin(server_pem), pin(other_pem)]
    cases = (  # places, words, pins; at which the chain ends, and why
        ([plain, one], trust, pins, None, None),
        ([plain, one, plain, other], trust, both_pins, None, None),
        ([plain, one], ["--cacert", other_pem], [], 1, "trust"),
        ([plain, one, plain, other], ["--cacert", server_pem], [], 3, "trust"),
        ([one, strange], trust, [], 1, "name"),
        ([plain, one], trust, [pin(other_pem)], 1, "pin"),
        ([plain, one], blind, [pin(other_pem)], 1, "pin"),
        ([one, plain, other], trust, pins, 2, "pin"),
        ([one, other, one], blind, pins, 1, "pin"),
        ([plain, one, one, plain, other], [*blind, "--retry", "2"], pins, 4, "pin"))
    exits = {None: 0, "trust": 60, "name": 60, "pin": 90}
    says = {"trust": "self-signed and not in the trust store", "name": "not for this host",
            "pin": "none of those that were pinned"}
    for places, words, pinned, ends, why in cases:
        chains.append(places)
        number, about = len(chains) - 1, f"{places} {words} {pinned}"
        words = [*words, *(["--pinnedpubkey", ";".join(pinned)] if pinned else [])]
        hosts = [*resolves, "--resolve", f"b.test:{other[2]}:127.0.0.1", "--resolve",
                 f"x.else:{strange[2]}:127.0.0.1"]
        log.clear()
        ran = subprocess.run([haul, "--loop", loop, "-q", "-v", "-L", *words, *hosts,
                              url_of(number)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        got = json.loads(ran.stdout)
        last = len(places) - 1 if ends is None else ends
        scheme, host, port = places[last]
        assert ran.returncode == exits[why], f"{about}: {got}"
        assert got["url_effective"] == f"{scheme}://{host}:{port}/{number}/{last}", f"{about}: {got}"
        assert got["redirects"] == last == len(got["hops"]), f"{about}: {got}"
        assert [entry["at"] for entry in log] == list(range(last + (ends is None))), f"{about}: {log}"
        if ends is None:
            assert got["status"] == 200, f"{about}: {got}"
        else:
            assert got["error"]["code"] == "tls" and not got["status"], f"{about}: {got}"
            assert says[why] in got["error"]["message"], f"{about}: {got}"


def rings():
    """Any that 30 redirects go round, and longer ones where more than three rounds are followed."""
    base = f"http://127.0.0.1:{ports['http'][0]}/ring"
    for before, length, most, is_told in (
            (0, 1, 30, True), (0, 2, 30, True), (0, 16, 30, True), (0, 17, 30, True),
            (3, 20, 30, True), (0, 31, 30, True), (1, 30, 30, True), (0, 32, 30, False),
            (5, 27, 30, False), (0, 32, 32, True), (0, 100, 330, True), (50, 40, 200, True),
            (0, 400, 330, False)):
        about = f"{before} and a ring of {length}, --max-redirs {most}"
        got = ask("-L", "--max-redirs", str(most), f"{base}/{before}/{length}/0")
        told = "too many redirects" + ": the same URL came round again" * is_told
        assert got["error"]["message"] == told, f"{about}: {got}"
        assert got["redirects"] == most, f"{about}: {got}"


# --- nginx ----------------------------------------------------------------------------------------

NGINX = """daemon off; pid %(work)s/nginx.pid; error_log %(work)s/nginx.log;
events {}
http {
    access_log off; root %(work)s/root; client_body_temp_path %(work)s/1; proxy_temp_path %(work)s/2;
    fastcgi_temp_path %(work)s/3; uwsgi_temp_path %(work)s/4; scgi_temp_path %(work)s/5;
    server {
        listen 127.0.0.1:%(port)d;
        location = /r301 { return 301 /page; }
        location = /r302 { return 302 /page?q=1; }
        location = /r303 { return 303 /page; }
        location = /r307 { return 307 /page; }
        location = /r308 { return 308 /page; }
        location = /away { return 302 http://localhost:%(port)d/page; }
        location = /chain1 { return 302 /chain2; }
        location = /chain2 { return 301 /chain3; }
        location = /chain3 { return 307 /page#there; }
        location = /loop { return 302 /loop; }
        location = /gone { return 302 /missing; }
        location = /bare { absolute_redirect off; return 302 /dir; }
        location /old/ { rewrite ^/old/(.*)$ /$1 permanent; }
        location /deep/a/ { add_header Location ../b/./page; return 302; }
        location /deep/b/page { return 200 deep; }
        location = /plain { return 200 plain; }
        location = /none { return 304; }
        location = /status300 { add_header Location /page always; return 300; }
        location = /status305 { add_header Location /page always; return 305; }
        location = /status306 { add_header Location /page always; return 306; }
        location = /spaces { add_header Location "/with space"; return 302; }
        location = /scheme { add_header Location //localhost:%(port)d/page; return 302; }
        location = /query { add_header Location ?x=y; return 302; }
        location = /dots { add_header Location /a/../page; return 302; }
        location = /created { add_header Location /page always; return 201; }
        location = /refused { return 302 http://127.0.0.1:1/; }
    }
}
"""
PATHS = ["r301", "r302", "r303", "r307", "r308", "away", "chain1", "chain2", "chain3", "loop", "gone",
         "bare", "dir", "dir?x=y", "old/page", "old/dir", "old/missing", "deep/a/x", "plain", "none",
         "page", "missing", "r301?a#b", "chain1#mine", "refused", "r302#f",
         "status300", "status305", "status306", "spaces", "scheme", "query", "dots", "created"]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def nginx_start(port):
    os.makedirs(os.path.join(work, "root", "dir"))
    for name in ("page", "dir/index.html"):
        with open(os.path.join(work, "root", name), "w", encoding="ascii") as file:
            file.write(name)
    os.chmod(work, 0o755)
    path = os.path.join(work, "nginx.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(NGINX % {"work": work, "port": port})
    server = subprocess.Popen([shutil.which("nginx"), "-c", path], stderr=subprocess.DEVNULL)
    for _ in range(3000):
        with socket.socket() as probe:
            if server.poll() is not None or probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    return server


def compare(base, method):
    for path in PATHS:
        words = ["-L", "--max-redirs", "5", *method, f"{base}/{path}"]
        got = ask("--body", *words)
        curl = subprocess.run(
            ["curl", "-s", *words, "-w", "\n%{http_code} %{num_redirects} %{url_effective} "
             "%{exitcode}"], stdout=subprocess.PIPE).stdout.decode()
        body, _, figures = curl.rpartition("\n")
        status, redirects, url, code = figures.split(" ")
        about = f"{path} {method}: {got}, curl: {figures}"
        assert got["redirects"] == int(redirects), about
        assert (got["error"] or {"code": None})["code"] == \
            {"0": None, "47": "redirect", "7": "connect"}[code], about
        if code != "7":
            assert got["status"] == int(status), about
        if code == "0":
            assert got["body"] == body, f"{about}: {body}"
            # curl forgets the fragment at the first hop (RFC 9110, 10.2.2, keeps it)
            assert got["url_effective"].partition("#")[0] == url.partition("#")[0], about


def compare_variables(base):
    """Without -L, with it, and where it ends."""
    text = "%{http_code} %{num_redirects} %{redirect_url} %{url_effective} %{scheme} %{exitcode}\n"
    for path in PATHS:
        for words in ([], ["-L", "--max-redirs", "5"], ["-L", "--max-redirs", "1"]):
            words = ["-s", "-w", text, *words, "-o", os.devnull, f"{base}/{path}"]
            if path == "refused" and "-L" in words:
                continue  # of a hop without a reply curl has the status of the one before
            mine = subprocess.run([haul, "--loop", loop, "--format", "none", *words],
                                  stdout=subprocess.PIPE, check=False).stdout.decode().split(" ")
            curls = subprocess.run(["curl", *words], stdout=subprocess.PIPE,
                                   check=False).stdout.decode().split(" ")
            for line in (mine, curls):  # as above
                line[2:4] = [url.partition("#")[0] for url in line[2:4]]
            assert mine == curls, f"{words}: {mine}, curl: {curls}"


def nginx():
    port = free_port()
    server = nginx_start(port)
    try:
        compare(f"http://127.0.0.1:{port}", [])
        compare(f"http://127.0.0.1:{port}", ["-d", "x=1"])
        compare_variables(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait()


print(f"# HAUL_SEED={seed}")
no_curl = None if shutil.which("curl") else "no curl"
no_nginx = None if shutil.which("nginx") else "no nginx"
try:
    row_unless(no_curl, "no secret comes where curl would not send it, trusted or not", canary)
    row_unless(no_curl, "nor where many chains share connections", canary_together)
    row("what is said of redirects, and the exit status", words_about_redirects)
    row("TLS rules and pins hold at each hop", rules_at_each_hop)
    row("a ring of any length is told", rings)
    row("--location-trusted takes credentials along", trusted)
    row_unless(no_curl or no_nginx, "the same answers as curl -L, from nginx", nginx)
finally:
    shutil.rmtree(work)
finish()
