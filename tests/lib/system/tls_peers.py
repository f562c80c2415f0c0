"""Servers of TLS that are not ours, on loopback, each in the folder that is the current one.

A server is started with sites, {name: settings in its own words}, and tells {name: port}: of those that
it has settings for; of none where it does not start; None where it is not installed. The hard idea is
that nobody outside sees them: the test has a network of its own where it may, which is the only way for
gnutls-serv, that listens everywhere.
"""

import atexit
import ctypes
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import time

os.environ["PATH"] += ":/usr/sbin:/sbin"
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
BODY = "a page"
PATIENCE_S = 200
PROGRAMS = {"nginx": "nginx", "Apache": "apache2", "Caddy": "caddy", "HAProxy": "haproxy",
            "Node": "node", "openssl s_server": "openssl", "gnutls-serv": "gnutls-serv"}
running = []


def enter_network():
    """Is it one of our own?"""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) and libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        return False
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    return True


def free_ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def tell_why(title):
    """Fails, with what the last process said."""
    with open(os.path.basename(running[-1].args[0]) + ".log", encoding="utf-8", errors="replace") as log:
        raise AssertionError(f"{title} does not start: {log.read()[-2000:]}")


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def stop_all():
    for process in running:
        stop(process)


atexit.register(stop_all)


def start(words, **options):
    with open(os.path.basename(words[0]) + ".log", "ab") as log:
        process = subprocess.Popen(words, stdin=options.pop("stdin", subprocess.DEVNULL), stdout=log,
                                   stderr=log, **options)
    running.append(process)
    return process


def listens(process, port):
    """Waits until it does, or has ended."""
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except OSError:
            time.sleep(0.02)
    return False


def is_here(program):
    return shutil.which(program) is not None


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def serve(sites, make):
    """make(ports) starts a process; with other ports once more where it ends at once."""
    for _ in range(5):
        ports = dict(zip(sites, free_ports(len(sites))))
        process = make(ports)
        if all([listens(process, port) for port in ports.values()]):
            return ports
    return {}


# --- each in its own words ------------------------------------------------------------------------


def nginx(sites):
    return serve(sites, lambda ports: nginx_at(ports, sites)) if is_here("nginx") else None


def nginx_at(ports, sites):
    """Its process, which may not listen yet."""
    blocks = "".join(
        f"server {{ listen 127.0.0.1:{ports[name]} {'' if 'plain' in lines else 'ssl'};\n"
        + "".join(f"{line};\n" for line in lines if line != "plain")
        + f'location / {{ return 200 "{BODY}\\n"; }} }}\n' for name, lines in sites.items())
    return start(["nginx", "-p", os.getcwd(), "-c", write(os.path.abspath("nginx.conf"), f"""
daemon off; master_process off; pid nginx.pid; error_log nginx.err; events {{ }}
http {{ access_log off; default_type text/plain; client_body_temp_path tmp; proxy_temp_path tmp;
fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
keepalive_timeout 0;
{blocks} }}""")])


def apache(sites):
    modules = "/usr/lib/apache2/modules"
    needed = ["mpm_event", "ssl", "authz_core", "socache_shmcb", "dir", "mime"]

    def make(ports):
        here = os.getcwd()
        os.makedirs("www", exist_ok=True)
        write("www/index.html", BODY + "\n")
        write("mime.types", "text/html html\n")
        blocks = "".join(f"<VirtualHost 127.0.0.1:{ports[name]}>\nSSLEngine on\n"
                         + "\n".join(lines) + "\n</VirtualHost>\n"
                         for name, lines in sites.items())
        return start(["apache2", "-X", "-d", here, "-f", write(os.path.abspath("apache.conf"),
            "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in needed)
            + "".join(f"Listen 127.0.0.1:{port}\n" for port in ports.values())
            + f"ServerName localhost\nPidFile {here}/apache.pid\nErrorLog {here}/apache.err\n"
            f"TypesConfig {here}/mime.types\nDocumentRoot {here}/www\nMutex posixsem\n"
            f"DefaultRuntimeDir {here}\nStartServers 1\nSSLSessionCache shmcb:{here}/apache.cache\n"
            + ("User www-data\nGroup www-data\n" if os.getuid() == 0 else "")
            + f"<Directory {here}/www>\nRequire all granted\n</Directory>\n" + blocks)])
    if not is_here("apache2") or not all(os.path.exists(f"{modules}/mod_{name}.so")
                                         for name in needed):
        return None
    return serve(sites, make)


def caddy(sites):
    def make(ports):
        blocks = "".join(f"https://localhost:{ports[name]}, https://127.0.0.1:{ports[name]} {{\n"
                         f"bind 127.0.0.1\ntls {lines[0]} {{\n" + "\n".join(lines[1:])
                         + f'\n}}\nrespond "{BODY}"\n}}\n' for name, lines in sites.items())
        here = os.getcwd()
        return start(["caddy", "run", "--adapter", "caddyfile", "--config", write(
            "Caddyfile", "{\nadmin off\nauto_https off\nskip_install_trust\n"
            "servers {\nprotocols h1\n}\n}\n" + blocks)],
                     env={**os.environ, "HOME": here, "XDG_DATA_HOME": here, "XDG_CONFIG_HOME": here})
    return serve(sites, make) if is_here("caddy") else None


def haproxy(sites):
    def make(ports):
        for name, words in sites.items():
            key = words.split()[0]
            with open(f"haproxy-{key}.pem", "w", encoding="ascii") as both:
                for part in (key + ".pem", key + ".key"):
                    with open(part, encoding="ascii") as file:
                        both.write(file.read())
        binds = "".join(f"bind 127.0.0.1:{ports[name]} ssl crt haproxy-{words}\n".replace(
            f"haproxy-{words.split()[0]}", f"haproxy-{words.split()[0]}.pem", 1)
                        for name, words in sites.items())
        return start(["haproxy", "-db", "-f", write("haproxy.cfg", f"""
global
    maxconn 100
    tune.ssl.default-dh-param 2048
defaults
    mode http
    timeout client 30s
    timeout server 30s
    timeout connect 30s
frontend all
{binds}
    http-request return status 200 content-type text/plain string "{BODY}"
""")])
    return serve(sites, make) if is_here("haproxy") else None


def node(sites):
    def make(ports):
        servers = "".join(
            f"serve({ports[name]}, '{words[0]}', {{{words[1]}}});\n"
            for name, words in sites.items())
        return start(["node", write("servers.js", f"""
const fs = require('fs');
process.on('uncaughtException', (error) => console.log(error));
function serve(port, name, options) {{
    require('https').createServer(
        {{cert: fs.readFileSync(name + '.pem'), key: fs.readFileSync(name + '.key'),
          ca: fs.readFileSync('ca.pem'), ...options}},
        (request, reply) => reply.end('{BODY}\\n')).listen(port, '127.0.0.1');
}}
{servers}""")])
    return serve(sites, make) if is_here("node") else None


class Spoken:
    """An s_server that says what it is told to, and shows what it hears."""

    def __init__(self, words):
        self.heard = f"spoken-{len(running)}.log"
        with open(self.heard, "wb") as log:
            self.process = subprocess.Popen(
                ["openssl", "s_server", "-accept", "127.0.0.1:0", *words.split()],
                stdin=subprocess.PIPE, stdout=log, stderr=log)
        running.append(self.process)
        self.await_text("ACCEPT ")
        self.await_text("\n", self.text().index("ACCEPT "))
        self.port = int(re.search(r"ACCEPT \S+:(\d+)", self.text())[1])

    def text(self):
        with open(self.heard, encoding="utf-8", errors="replace") as log:
            return log.read()

    def await_text(self, wanted, begin=0):
        until = time.monotonic() + PATIENCE_S
        while wanted not in self.text()[begin:]:
            is_there = self.process.poll() is None and time.monotonic() < until
            assert is_there, f"s_server does not say {wanted!r}: {self.text()[-2000:]}"
            time.sleep(0.02)

    def say(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()


def each(sites, words_of):
    """A process for each site. One that does not start is not in the result."""
    ports = {}
    for name, words in sites.items():
        found = serve({name: words}, lambda port, words=words, name=name: start(
            words_of(port[name]) + words.split()))
        ports.update(found)
    return ports


def s_server(sites):
    return each(sites, lambda port: ["openssl", "s_server", "-accept", f"127.0.0.1:{port}",
                                     "-www"]) if is_here("openssl") else None


def gnutls(sites):
    return each(sites, lambda port: ["gnutls-serv", "--http", "-p", str(port)]) if is_here(
        "gnutls-serv") else None
