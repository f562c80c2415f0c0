"""Servers of ours, each on a free port of 127.0.0.1, on the processor that the clients leave alone.

A certificate of the https server is signed by a root of its own, which the clients trust; the
server sends no root, so that a full handshake verifies one signature of a certificate.
"""

import os
import select
import socket
import subprocess
import time

from peers.process import Failure, SERVER_CPU, end, find, spawn

START_SECONDS_MAX = 10
PORT_TRIES = 5
NGINX_CONNECTIONS_MAX = 16000
PAGE_BYTES = 612
BULK_NAME = "bulk"
KEYS = {"rsa": ["-newkey", "rsa:2048"],
        "ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}
KEY_NAMES = {"rsa": "RSA-2048", "ecdsa": "ECDSA P-256"}
# One suite, so that all clients encrypt alike.
SUITES = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"


class Server:
    """Where to ask: small is the path of a small reply, page one that takes any number."""

    def __init__(self, name, port, small, page=None, process=None):
        self.name, self.port, self.small, self.page = name, port, small, page
        self.process = process

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def is_up(self):
        return self.process is None or self.process.poll() is None


def is_answering(port, process=None):
    """Waits for it, as long as the process lives."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process is None or process.poll() is None
        except OSError:
            time.sleep(0.05)
    return False


def stranger(port, path):
    """One that runs already, and goes on running."""
    if not is_answering(port):
        raise Failure(f"nothing answers on port {port}")
    return Server(f"port {port}", port, path)


def haul_server(program, path, page="/p/{}"):
    process = spawn([program, "--port", "0"], SERVER_CPU, stdout=subprocess.PIPE, text=True)
    is_speaking = select.select([process.stdout], [], [], START_SECONDS_MAX)[0]
    line = process.stdout.readline() if is_speaking else ""
    if not line.startswith("listening on "):
        raise Failure("haul-server did not start")
    return Server("haul-server", int(line.rsplit(":", 1)[1]), path, page, process)


# --- nginx ----------------------------------------------------------------------------------------

NGINX_HEAD = """
worker_processes 1; daemon off; master_process off; pid {folder}/pid;
error_log {folder}/error.log; worker_rlimit_nofile {descriptors};
events {{ worker_connections {connections}; }}
http {{
    access_log off; default_type text/plain; keepalive_requests 100000000; keepalive_timeout 300;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
"""

# A request below /check/ leaves a line on its connection; no other does.
NGINX_TLS = """
    ssl_protocols TLSv1.2; ssl_ciphers {suites}; ssl_session_tickets off; ssl_session_timeout 1h;
    log_format sessions '$connection $ssl_session_reused $ssl_protocol $ssl_cipher';
"""

NGINX_SERVER = """
    server {{
        listen 127.0.0.1:{port}{ssl} backlog=4096; {settings}
        location / {{ return 200 "{page}"; }}
        location /check/ {{ access_log {folder}/sessions.log {format}; return 200 "{page}"; }}
        location /{bulk} {{ root {folder}; }}
    }}
"""


def nginx_server(folder, port, settings=""):
    is_tls = bool(settings)
    return NGINX_SERVER.format(folder=folder, port=port, ssl=" ssl" if is_tls else "",
                               settings=settings, page="x" * PAGE_BYTES, bulk=BULK_NAME,
                               format="sessions" if is_tls else "combined")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_nginx(folder, descriptors, count, body):
    """(process, ports): with as many ports as count; body makes the rest of the settings of them.
    A free port may be taken before nginx has it, so that others are tried."""
    path, errors = os.path.join(folder, "nginx.conf"), os.path.join(folder, "error.log")
    for _ in range(PORT_TRIES):
        ports = [free_port() for _ in range(count)]
        with open(path, "w", encoding="ascii") as conf:
            conf.write(NGINX_HEAD.format(folder=folder, descriptors=descriptors,
                                         connections=min(descriptors - 100,
                                                         NGINX_CONNECTIONS_MAX)))
            conf.write(body(ports) + "}\n")
        process = spawn([find("nginx"), "-p", folder, "-c", path, "-e", errors], SERVER_CPU,
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if all(is_answering(port, process) for port in ports):
            return process, ports
        end(process)
    with open(errors, encoding="utf-8", errors="replace") as log:
        raise Failure("nginx does not start: " + (log.read().strip().splitlines() or [""])[-1])


def nginx(folder, descriptors):
    process, (port,) = start_nginx(folder, descriptors, 1,
                                   lambda ports: nginx_server(folder, ports[0]))
    return Server("nginx", port, "/p/1", "/p/{}", process)


# --- nginx with certificates ----------------------------------------------------------------------

OPENSSL_CONF = """
[req]
distinguished_name = nobody
[nobody]
[root]
basicConstraints = critical,CA:TRUE
[leaf]
subjectAltName = IP:127.0.0.1
extendedKeyUsage = serverAuth
"""


def openssl(folder, *words):
    done = subprocess.run([find("openssl"), *words], cwd=folder, stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=60)
    if done.returncode:
        raise Failure("openssl: " + done.stderr.decode("utf-8", "replace").strip()[-200:])


def make_certificate(folder, key):
    """KEY.pem and KEY.key of the server, KEY-root.pem to trust."""
    with open(os.path.join(folder, "openssl.conf"), "w", encoding="ascii") as conf:
        conf.write(OPENSSL_CONF)
    made = ["-config", "openssl.conf", "-nodes", *KEYS[key]]
    openssl(folder, "req", "-x509", *made, "-extensions", "root", "-subj", f"/CN={key} root",
            "-days", "30", "-keyout", f"{key}-root.key", "-out", f"{key}-root.pem")
    openssl(folder, "req", "-new", *made, "-subj", "/CN=versus", "-keyout", f"{key}.key",
            "-out", f"{key}.request")
    openssl(folder, "x509", "-req", "-in", f"{key}.request", "-CA", f"{key}-root.pem", "-CAkey",
            f"{key}-root.key", "-CAcreateserial", "-days", "30", "-extfile", "openssl.conf",
            "-extensions", "leaf", "-out", f"{key}.pem")


class Endpoint:
    """One port of the https server: with this key, and sessions that it keeps or refuses."""

    def __init__(self, key, has_sessions):
        self.key, self.has_sessions, self.port, self.root = key, has_sessions, 0, ""

    def settings(self, folder):
        cache = f"shared:{self.key}:20m" if self.has_sessions else "off"
        return (f"ssl_certificate {folder}/{self.key}.pem; "
                f"ssl_certificate_key {folder}/{self.key}.key; ssl_session_cache {cache};")

    def address(self):
        return f"127.0.0.1:{self.port}"

    def url(self, path):
        return f"https://{self.address()}{path}"


class HttpsServer:
    """nginx over TLS 1.2: with and without sessions, for each key; and plain http."""

    def __init__(self, folder, descriptors, keys, bulk_bytes):
        self.log = os.path.join(folder, "sessions.log")
        self.endpoints = {(key, has_sessions): Endpoint(key, has_sessions)
                          for key in keys for has_sessions in (True, False)}
        for key in keys:
            make_certificate(folder, key)
        with open(os.path.join(folder, BULK_NAME), "wb") as bulk:
            bulk.truncate(bulk_bytes)
        self.process, ports = start_nginx(folder, descriptors, 1 + len(self.endpoints),
                                          lambda ports: self.body(folder, ports))
        self.plain_url = f"http://127.0.0.1:{ports[0]}/p/1"

    def body(self, folder, ports):
        servers = [NGINX_TLS.format(suites=SUITES), nginx_server(folder, ports[0])]
        for port, endpoint in zip(ports[1:], self.endpoints.values()):
            endpoint.port, endpoint.root = port, os.path.join(folder, f"{endpoint.key}-root.pem")
            servers.append(nginx_server(folder, port, endpoint.settings(folder)))
        return "".join(servers)
