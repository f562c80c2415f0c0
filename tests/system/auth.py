"""Credentials: what servers see of them, beside curl, and what nobody else sees. Rows of TAP.

    auth.py HAUL LOOP
"""

import base64
import hashlib
import http.server
import json
import os
import pty
import re
import select
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import termios
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "system"))
from tap import finish, row, row_unless, same  # noqa: E402

haul, loop = os.path.realpath(sys.argv[1]), sys.argv[2]
work = tempfile.mkdtemp()
os.chdir(work)
PATIENCE_S = 300
for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]:
    os.environ.pop(name, None)


def run(*words, **more):
    """haul's exit status, stdout and stderr; without a terminal."""
    done = subprocess.run([haul, "--loop", loop, *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, encoding="utf-8",
                          start_new_session=True, check=False, **more)
    return done.returncode, done.stdout, done.stderr


# --- servers --------------------------------------------------------------------------------------

log = []
leads = {}  # by path: where a request for it is led


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        log.append((self.path, self.headers.get("Authorization")))
        where = leads.get(self.path)
        self.send_response(302 if where else 200)
        if where:
            self.send_header("Location", where)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def serve(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


port = serve()
base = f"http://127.0.0.1:{port}"


def shown(value):
    """Basic credentials as they were before base64."""
    if value is None or not value.startswith("Basic "):
        return value
    return base64.b64decode(value[6:]).decode("latin-1")


def seen(*words, code=0, **more):
    """What the server saw, of each request."""
    log.clear()
    got, _, errors = run("-q", "-c", "1", *words, **more)
    assert got == code, f"exit {got}: {errors}"
    return [shown(value) for _, value in log]


# --- the command line -----------------------------------------------------------------------------

def words():
    same(seen("-u", "u:p", base, base), ["u:p", "u:p"])
    same(seen("-uu:p:q", base), ["u:p:q"])
    same(seen("--user=:", base), [":"])
    same(seen("-u", "u:", "--basic", base), ["u:"])
    same(seen("-su", "ü:p", base), ["ü:p".encode().decode("latin-1")])
    same(seen("--oauth2-bearer", "tok", "-u", "u", base), ["Bearer tok"])
    same(seen("-u", "u:p", "-H", "Authorization: mine", base), ["mine"])
    same(seen("-u", "u:p", "-H", "Authorization:", base), [None])
    same(seen("-u", "u:p", "-H", "Authorization;", base), [""])
    with open("options", "w", encoding="utf-8") as file:
        file.write(f'user = "u:p q"\nurl = {base}\n')
    same(seen("-K", "options"), ["u:p q"])
    same(seen(f"http://{{a,b}}:x@127.0.0.1:{port}/"), ["a:x", "b:x"])
    same(seen("--proto-default", "http", f"a:x@127.0.0.1:{port}"), ["a:x"])
    code, _, errors = run("-u", "u:p\n", base)
    assert code == 2 and "password has a control byte" in errors, errors
    same(seen(f"http://a%0a:x@127.0.0.1:{port}/", code=3), [])


def wiped():
    """While a request is under way, nothing secret is among the words."""
    os.mkfifo("urls")
    words = ["-u", "user:canary", "--oauth2-bearer", "canary", "--user=u:canary", "-squuser:canary"]
    with subprocess.Popen([haul, "--loop", loop, *words, "-i", "urls"],
                          stdout=subprocess.PIPE) as child:
        with open("urls", "w", encoding="utf-8") as urls:
            urls.write(base + "\n")
            urls.flush()
            assert child.stdout.readline()
            with open(f"/proc/{child.pid}/cmdline", encoding="utf-8") as file:
                line = file.read()
        same(child.wait(), 0)
    assert "-u" in line and "canary" not in line and "user" not in line.replace("--user", ""), line


def secret_nowhere():
    secrets = ["canary1", "canary2", "user1", "user2"]
    url = f"http://user1:canary1@127.0.0.1:{port}/x"
    leads["/x"] = f"http://user2:canary2@127.0.0.1:{port}/y"
    bad = ["http://user1:canary1@h h/", "user1:canary1@h", "http://user1:can/canary1@h/",
           "http://user1:canary1@127.0.0.1:1/", "http://user1:canary1@h@h/"]
    variables = "%{url} %{url_effective} %{json} %{filename_effective} %{errormsg} %{redirect_url}"
    for words in [["-v"], ["--format", "text"], ["--format", "csv"], ["-w", variables],
                  ["-O", "--output-dir", "pages"], ["--bodies", "pages"], ["-sS"], ["-f"],
                  ["--retry", "1", "--retry-delay", "0.01", "-v"], ["--format", "none"]]:
        _, out, errors = run("-L", *words, url, *bad)
        found = [secret for secret in secrets if secret in out + errors]
        same((words, found), (words, []))
    same([name for name in os.listdir("pages") if "canary" in name or "user" in name], [])
    line = json.loads(run("-q", "-L", "-v", url)[1])
    same(line["url"], f"{base}/x")
    same(line["url_effective"], f"{base}/y")
    same([hop["url"] for hop in line["hops"]], [f"{base}/x"])
    leads.clear()


# --- the terminal ---------------------------------------------------------------------------------

class Terminal:
    """haul on a terminal of its own."""

    def __init__(self, *words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(haul, [haul, "--loop", loop, *words])
        self.text = b""

    def read(self):
        ready, _, _ = select.select([self.fd], [], [], PATIENCE_S)
        assert ready, self.text
        try:
            more = os.read(self.fd, 4096)
        except OSError:
            more = b""
        self.text += more
        return more

    def until(self, text):
        while text not in self.text:
            assert self.read(), self.text

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def end(self):
        while self.read():
            pass
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


PROMPT = b"Enter host password for user 'u': "


def asked():
    log.clear()
    terminal = Terminal("-q", "-u", "u", base)
    terminal.until(PROMPT)
    assert not terminal.echoes()
    os.write(terminal.fd, b"se:cret\n")
    terminal.until(b'"status":200')
    same(terminal.end(), 0)
    assert b"cret" not in terminal.text, terminal.text
    same([shown(value) for _, value in log], ["u:se:cret"])


def interrupted():
    """The master shows what state the terminal was left in."""
    for number, code in [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)]:
        terminal = Terminal("-q", "-u", "u", base)
        terminal.until(PROMPT)
        keeper = os.open(os.readlink(f"/proc/{terminal.pid}/fd/0"), os.O_RDWR | os.O_NOCTTY)
        assert not terminal.echoes()
        if number == signal.SIGINT:
            os.write(terminal.fd, b"\x03")
        else:
            os.kill(terminal.pid, number)
        same(os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]), code)
        assert terminal.echoes()
        os.close(keeper)
        os.close(terminal.fd)


def stopped():
    log.clear()
    terminal = Terminal("-q", "-u", "u", base)
    terminal.until(PROMPT)
    os.kill(terminal.pid, signal.SIGTSTP)
    # A session without a shell is orphaned: the stop itself is passed over.
    while terminal.text.count(PROMPT) < 2:
        assert terminal.read(), terminal.text
    os.write(terminal.fd, b"p\n")
    same(terminal.end(), 0)
    same([shown(value) for _, value in log], ["u:p"])


def not_asked():
    code, _, errors = run("-u", "u", base)
    assert code == 2 and "no terminal to ask" in errors, errors
    for words in (["--budget"], ["--help"]):
        same(run("-u", "u", *words)[0], 0)
    terminal = Terminal("-q", "-u", "u", base)
    terminal.until(PROMPT)
    os.write(terminal.fd, b"\x04")
    same(terminal.end(), 2)
    terminal = Terminal("-u", "u", "--frob", base)
    same(terminal.end(), 2)
    assert PROMPT not in terminal.text


# --- netrc ----------------------------------------------------------------------------------------

HOST = "machine 127.0.0.1 "
FILES = [
    HOST + "login l password p\n",
    HOST + "login l password p",
    "machine\n127.0.0.1\r\nlogin\tl\r\n\r\npassword\fp",
    HOST.upper().replace("MACHINE", "Machine") + "LOGIN l PASSWORD p\n",
    HOST + "password p login l\n",
    HOST + "login l account acc password p\n",
    "foo bar " + HOST + "x login l y password p\n",
    HOST + "login machine password default\n",
    "machine other login a password b\n" + HOST + "login l password p\n",
    "default login l password p\n",
    "default login l password p\n" + HOST + "login a password b\n",
    HOST + "login a password b\n" + HOST + "login c password d\n",
    HOST + "login l\n",
    HOST + "password p\n",
    HOST + "\n",
    "machine other login l password p\n",
    "",
    HOST + 'login "a b" password "p\\"q\\\\r"\n',
    HOST + 'login a"b password p"q"\n',
    HOST + 'login "" password ""\n',
    HOST + 'login l password ""\n',
    '"machine" "127.0.0.1" login l password p\n',
    "# machine 127.0.0.1 login x password y\n" + HOST + "#x\nlogin l # y\npassword #\np\n",
    HOST + "login a#b password p#q\n",
    "macdef init\nmachine 127.0.0.1 login m password m\n\n" + HOST + "login l password p\n",
    "macdef init\n  \n" + HOST + "login m password m\n",
    HOST + "login l password p\nmacdef init\nls\n\nmachine other login a password b\n",
    "machine login a password p " + HOST + "login b password c\n",
    HOST + "login a login b password p\n",
    HOST + "password p password q login l\n",
]


def of_curl(*words):
    log.clear()
    subprocess.run(["curl", "-s", "-o", os.devnull, *words], check=True)
    return [shown(value) for _, value in log]


def as_curl():
    for text in FILES:
        with open("netrc", "w", encoding="utf-8", newline="") as file:
            file.write(text)
        want = of_curl("--netrc-file", "netrc", base)
        same((text, seen("--netrc-file", "netrc", base)), (text, want))
    with open("netrc", "w", encoding="utf-8") as file:
        file.write(HOST + "login l password p " + HOST + "login m password q\n")
    for user in ["", "l@", "m@", "l:x@", "m:x@"]:
        for words in [["--netrc-file", "netrc"], ["--netrc-file", "netrc", "--netrc-optional"],
                      ["--netrc-file", "netrc", "-u", "u:v"], ["-u", "u:v"], [],
                      ["--netrc-file", "netrc", "--oauth2-bearer", "t"]]:
            url = f"http://{user}127.0.0.1:{port}/"
            same((url, words, seen(*words, url)), (url, words, of_curl(*words, url)))
    for words in [["-u", "u:v"], []]:
        for user in ["@", ":@", ":x@"]:
            url = f"http://{user}127.0.0.1:{port}/"
            same((url, words, seen(*words, url)), (url, words, of_curl(*words, url)))
    with open("netrc", "w", encoding="utf-8") as file:
        file.write(HOST + 'login "l')
    same(subprocess.run(["curl", "-s", "--netrc-file", "netrc", base], check=False).returncode, 26)
    code, _, errors = run("--netrc-file", "netrc", base)
    assert code == 26 and "netrc: netrc has a quoted word without an end" in errors, errors


def netrc_files():
    os.makedirs("home", exist_ok=True)
    home = dict(os.environ, HOME=os.path.realpath("home"))
    code, _, errors = run("-n", base, env=home)
    assert code == 0 and "/.netrc: No such file or directory; no passwords" in errors, errors
    code, _, errors = run("--netrc-optional", base, env=home)
    assert code == 0 and "netrc" not in errors, errors
    code, _, errors = run("--netrc-file", "nothing", base)
    assert code == 26 and "--netrc-file: cannot read nothing: No such file" in errors, errors
    same(seen("--netrc-file", "nothing", "--netrc-optional", base), [None])
    with open("home/.netrc", "w", encoding="utf-8") as file:
        file.write(HOST + "login l password p\n")
    same(seen("-n", base, env=home), ["l:p"])
    same(seen("--netrc-optional", f"http://l:x@127.0.0.1:{port}/", env=home), ["l:x"])
    with open("zero", "wb") as file:
        file.write(b"machine 127.0.0.1 login a\0b password p")
    code, _, errors = run("--netrc-file", "zero", base)
    assert code == 26 and "zero has a zero byte" in errors, errors


# --- elsewhere ------------------------------------------------------------------------------------

def certificate():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem", "-out",
                    "cert.pem", "-days", "2", "-subj", "/CN=x", "-addext",
                    "subjectAltName=DNS:*.test"], check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", "key.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


NAMES = {"a": "machine a.test login a password pa\n", "b": "machine b.test login b password pb\n",
         "c": "machine c.test login c\n", "*": "default login d password pd\n"}


def elsewhere():
    """Chains of scheme and host, what is asked for them, and what each hop is to see."""
    secure = serve(certificate())
    ports = {"http": port, "https": secure}
    resolve = [word for host in "abcx" for number in ports.values()
               for word in ("--resolve", f"{host}.test:{number}:127.0.0.1")]
    chains = [
        ("http:a http:b http:a", "ab", ["a:pa", "b:pb", "a:pa"]),
        ("https:a https:b https:a", "ab", ["a:pa", "b:pb", "a:pa"]),
        ("https:a http:b", "ab", ["a:pa", None]),
        ("https:a http:a", "ab", ["a:pa", None]),
        ("https:a http:b https:b", "ab", ["a:pa", None, "b:pb"]),
        ("http:a https:b http:a https:a", "ab", ["a:pa", "b:pb", None, "a:pa"]),
        ("http:x http:a http:x", "a*", ["d:pd", "a:pa", None]),
        ("http:x https:x", "a*", ["d:pd", None]),
        ("http:a http:c", "ac*", ["a:pa", "c:"]),
        ("http:a http:x http:x", "a*", ["a:pa", None, None]),
        ("http:x http:x", "*", ["d:pd", "d:pd"]),
    ]
    for chain, entries, want in chains:
        hops = [(f"{hop.split(':')[0]}://{hop.split(':')[1]}.test:"
                 f"{ports[hop.split(':')[0]]}/{place}") for place, hop in enumerate(chain.split())]
        leads.clear()
        leads.update({f"/{place}": hop for place, hop in enumerate(hops[1:])})
        with open("netrc", "w", encoding="utf-8") as file:
            file.write("".join(NAMES[entry] for entry in entries))
        words = ["-L", "-k", "--netrc-file", "netrc", *resolve]
        same((chain, seen(*words, hops[0])), (chain, want))
        if chain == "http:a http:b http:a":  # a field's place is its own, were it left behind
            same(seen(*words, "-H", "Authorization: x", hops[0]), ["x", None, None])
    leads.clear()


# --- Digest ---------------------------------------------------------------------------------------

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def hashed(algorithm, *parts):
    return HASHES[algorithm.removesuffix("-sess")](":".join(parts).encode("latin-1")).hexdigest()


def fields_of(value):
    """The parameters of a Digest answer."""
    return {name: quoted.replace("\\\\", "\\").replace('\\"', '"') if quoted or not word else word
            for name, quoted, word in
            re.findall(r'([a-z0-9*]+)=(?:"((?:[^"\\]|\\.)*)"|([^, ]+))', value)}


class Judge:
    """Challenges, and whether an answer to them is right."""

    def __init__(self, algorithm="MD5", qop="auth", hides=False, user="Mufasa", password="Circle"):
        self.algorithm, self.qop, self.hides = algorithm, qop, hides
        self.user, self.password = user, password
        self.realm, self.nonce, self.opaque = 'a "realm"', "n" * 32, "o/="
        self.counts, self.faults, self.guard = [], [], threading.Lock()

    def challenge(self):
        quoted = self.realm.replace('"', '\\"')
        text = f'Digest realm="{quoted}", nonce="{self.nonce}", opaque="{self.opaque}"'
        text += f", algorithm={self.algorithm}" if self.algorithm else ""
        text += f', qop="{self.qop}"' if self.qop else ""
        return text + (", userhash=true" if self.hides else "")

    def fault(self, method, target, value):
        got = fields_of(value)
        algorithm = self.algorithm or "MD5"
        user = hashed(algorithm, self.user, self.realm) if self.hides else self.user
        wanted = {"username": user, "realm": self.realm, "nonce": self.nonce, "uri": target,
                  "opaque": self.opaque}
        if self.algorithm:
            wanted["algorithm"] = algorithm
        secret = hashed(algorithm, self.user, self.realm, self.password)
        if algorithm.endswith("-sess"):
            secret = hashed(algorithm, secret, self.nonce, got.get("cnonce", ""))
        middle = [self.nonce]
        if self.qop:
            wanted["qop"] = "auth"
            middle += [got.get("nc", ""), got.get("cnonce", ""), "auth"]
        wanted["response"] = hashed(algorithm, secret, *middle, hashed(algorithm, method, target))
        wrong = {name: (got.get(name), want) for name, want in wanted.items()
                 if got.get(name) != want}
        with self.guard:
            self.counts.append(int(got.get("nc", "0"), 16))
        return wrong


class DigestHandler(Handler):
    def do_GET(self):
        value = self.headers.get("Authorization")
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        judge = self.server.judge
        log.append((self.path, value))
        fault = judge.fault(self.command, self.path, value) if value else "none"
        if value and fault:
            judge.faults.append(fault)
        self.send_response(401 if fault else 200)
        if fault:
            self.send_header("WWW-Authenticate", judge.challenge())
        body = body or b"ok"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET


class DigestServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


digests = DigestServer(("127.0.0.1", 0), DigestHandler)
threading.Thread(target=digests.serve_forever, daemon=True).start()
digest_base = f"http://127.0.0.1:{digests.server_address[1]}"


def digest():
    for algorithm in [None, "MD5", "MD5-sess", "SHA-256", "SHA-256-sess"]:
        for qop in ["auth", "auth-int,auth", None]:
            for hides in [False, True]:
                if not qop and algorithm and algorithm.endswith("-sess"):
                    continue
                digests.judge = judge = Judge(algorithm, qop, hides)
                words = ["-u", "Mufasa:Circle", "--digest", "-g", digest_base + '/a"b?c=d&{e}',
                         digest_base + "/x/../y/%41"]
                got = seen(*words)
                same((algorithm, qop, hides, judge.faults), (algorithm, qop, hides, []))
                same([value is not None for value in got], [False, True, True])
                same(judge.counts, [1, 2] if qop else [0, 0])


def digest_users():
    for user, password, before in [('a"b\\', "p:q", ""), ("ü", "ß", ""), ("a b", "c@d", "a%20b:c%40d@")]:
        digests.judge = judge = Judge(user=user.encode().decode("latin-1"),
                                      password=password.encode().decode("latin-1"))
        url = digest_base.replace("//", f"//{before}")
        words = [] if before else ["-u", f"{user}:{password}"]
        seen("--digest", *words, url)
        same((user, judge.faults, judge.counts), (user, [], [1]))
    with open("netrc", "w", encoding="utf-8") as file:
        file.write(HOST + "login Mufasa password Circle\n")
    digests.judge = judge = Judge()
    seen("--digest", "--netrc-file", "netrc", digest_base)
    same((judge.faults, judge.counts), ([], [1]))


def digest_crowd():
    """Many at once over one nonce: each count once, none left out."""
    digests.judge = judge = Judge("SHA-256")
    code, out, errors = run("-q", "-c", "64", "-u", "Mufasa:Circle", "--digest",
                            digest_base + "/[1-640]")
    same((code, errors), (0, ""))
    same(out.count('"status":200'), 640)
    same(judge.faults, [])
    same(sorted(judge.counts), list(range(1, 641)))


def digest_wrong():
    digests.judge = judge = Judge()
    code, out, _ = run("-q", "-c", "1", "--retry", "2", "-u", "Mufasa:wrong", "--digest",
                       digest_base, digest_base)
    same(code, 0)
    same([json.loads(line)["status"] for line in out.splitlines()], [401, 401])
    same([json.loads(line)["attempts"] for line in out.splitlines()], [2, 2])
    same(len(judge.faults), 2)
    same(run("-q", "-f", "-u", "Mufasa:wrong", "--digest", digest_base)[0], 22)
    digests.judge = Judge(qop="auth-int")
    code, out, _ = run("-q", "-u", "Mufasa:Circle", "--digest", digest_base)
    line = json.loads(out)
    same((code, line["error"]["code"], line["status"]), (94, "auth", 401))
    assert "qop=auth-int alone" in line["error"]["message"], out
    code, _, errors = run("--digest", "--oauth2-bearer", "t", digest_base)
    assert code == 2 and "exclude each other" in errors, errors
    same(seen("--digest", "-u", "u:p", base), [None])
    same(seen("--digest", "--basic", "-u", "u:p", base), ["u:p"])


def digest_bodies():
    digests.judge = judge = Judge()
    code, out, _ = run("-q", "-u", "Mufasa:Circle", "--digest", "-d", "a=b", "--format", "body",
                       digest_base)
    same((code, out, judge.faults, judge.counts), (0, "a=b", [], [1]))


def digest_as_curl():
    """The same parameters, but for what is random, in the same order."""
    for judge in [Judge(), Judge(None, None), Judge("SHA-256"), Judge(qop="auth,auth-int")]:
        digests.judge = judge
        words = ["--digest", "-u", "Mufasa:Circle", digest_base + "/x?y"]
        unlike = r'(cnonce|response)="[^"]*"|nc=[0-9]*, '
        want = [re.sub(unlike, "", value or "") for value in of_curl(*words)]
        same([re.sub(unlike, "", value or "") for value in seen(*words)], want)
        same(judge.faults, [])


row("-u, --oauth2-bearer and URLs say who asks", words)
row("what is secret is overwritten on the command line", wiped)
row("no line, message or file name has user information", secret_nowhere)
row("a password is asked for on the terminal, and not shown", asked)
row("a signal leaves the terminal as it was", interrupted)
row("one that stops it is followed by the question anew", stopped)
row("without a terminal, or an answer, that is exit status 2", not_asked)
no_curl = None if shutil.which("curl") else "curl is not installed"
no_openssl = None if shutil.which("openssl") else "no openssl, which makes the certificate"
row_unless(no_curl, "netrc files are read as by curl", as_curl)
row("netrc files that are missing, or none", netrc_files)
row_unless(no_openssl, "each host has its own of the netrc, and none after https over http", elsewhere)
row("--digest answers each algorithm, with qop and without", digest)
row("users and passwords with quotes, beyond ASCII, of URLs and netrc", digest_users)
row("--digest: 640 requests, 64 at once, have 640 counts of one nonce", digest_crowd)
row("--digest gives up on a wrong password, and says what it cannot do", digest_wrong)
row("--digest sends a body again", digest_bodies)
row_unless(no_curl, "--digest writes what curl writes", digest_as_curl)
shutil.rmtree(work)
finish()
