"""Many origins once each over https: a name and a certificate of its own for each, from one CA.

The hard idea: nothing of one connection serves the next. No session can be resumed and no verdict is
known, so that each connection costs a full handshake and a chain that is verified; what nginx saw,
name by name, says that it was so.
"""

import ctypes
import ctypes.util
import os
import ssl
from functools import partial

from peers.clients import fill, sample_of
from peers.process import Failure, Run, say
from peers.servers import KEYS, OPENSSL_CONF, openssl, start_nginx
from peers.tables import interleave, ratio_of

AT_ONCE = 64
LOG_NAME = "origins.log"
SERIAL = 0x5EC00000

HAUL = ("{haul} --quiet --no-progress --format none --cacert {root} -c {at_once} "
        "--connect-to ::127.0.0.1:{port} https://h[0001-{last}].test/p")
CURL = ("curl --silent --no-progress-meter --show-error --fail --fail-early --http1.1 --parallel "
        "--parallel-immediate --parallel-max {at_once} --cacert {root} "
        "--connect-to ::127.0.0.1:{port} --output /dev/null https://h[0001-{last}].test/p")
ORIGINS = {"haul": HAUL, "curl": CURL, "curl, TLS 1.2": CURL.replace("curl", "curl --tls-max 1.2", 1)}

# A certificate is read when its name is asked for: two thousand that were loaded at the start would
# be half a minute of a busy machine.
NGINX = """
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off; ssl_session_cache off;
    log_format origins '$ssl_server_name $connection $ssl_session_reused $ssl_protocol';
    server {{ listen 127.0.0.1:{port} ssl backlog=4096; access_log {folder}/{log} origins;
              ssl_certificate {folder}/$ssl_server_name.pem;
              ssl_certificate_key {folder}/origins.key;
              location / {{ return 200 "a page\\n"; }} }}
"""


def name_of(number):
    return f"h{number:04d}.test"


def der(tag, content):
    length = len(content)
    size = (length.bit_length() + 7) // 8
    head = bytes([length]) if length < 128 else bytes([128 | size]) + length.to_bytes(size, "big")
    return bytes([tag]) + head + content


def der_cut(data):
    """The first element of data, and what is behind it."""
    length, begin = data[1], 2
    if length >= 128:
        begin += length - 128
        length = int.from_bytes(data[2:begin], "big")
    return data[:begin + length], data[begin + length:]


class Signer:
    """The CA's key in libcrypto: a process of openssl for each certificate would take minutes."""

    def __init__(self, path):
        try:
            self.library = ctypes.CDLL(ctypes.util.find_library("crypto"))
            for name in ("BIO_new_file", "PEM_read_bio_PrivateKey", "EVP_MD_CTX_new", "EVP_sha256"):
                getattr(self.library, name).restype = ctypes.c_void_p
        except (OSError, AttributeError, TypeError):
            raise Failure("there is no libcrypto to sign certificates by") from None
        bio = ctypes.c_void_p(self.library.BIO_new_file(os.fsencode(path), b"r"))
        self.key = ctypes.c_void_p(self.library.PEM_read_bio_PrivateKey(bio, None, None, None))

    def sign(self, data):
        context = ctypes.c_void_p(self.library.EVP_MD_CTX_new())
        length, buffer = ctypes.c_size_t(256), ctypes.create_string_buffer(256)
        sha256 = ctypes.c_void_p(self.library.EVP_sha256())
        is_good = (self.library.EVP_DigestSignInit(context, None, sha256, None, self.key) == 1
                   and self.library.EVP_DigestSign(context, buffer, ctypes.byref(length), data,
                                                   ctypes.c_size_t(len(data))) == 1)
        self.library.EVP_MD_CTX_free(context)
        if not is_good:
            raise Failure("a certificate cannot be signed")
        return buffer.raw[:length.value]


def make_certificates(folder, count):
    """A leaf for each name, all with one key, which no client looks at across names. The first is
    openssl's; the others are made of it, with another name and number, and signed."""
    with open(os.path.join(folder, "openssl.conf"), "w", encoding="ascii") as conf:
        conf.write(OPENSSL_CONF)
    with open(os.path.join(folder, "extensions"), "w", encoding="ascii") as extensions:
        extensions.write(f"subjectAltName = DNS:{name_of(0)}\nextendedKeyUsage = serverAuth\n")
    made = ["-config", "openssl.conf", "-nodes", *KEYS["ecdsa"]]
    openssl(folder, "req", "-x509", *made, "-extensions", "root", "-subj", "/CN=origins root",
            "-days", "30", "-keyout", "origins-root.key", "-out", "origins-root.pem")
    openssl(folder, "req", "-new", *made, "-subj", "/CN=origins", "-keyout", "origins.key", "-out",
            "origins.request")
    openssl(folder, "x509", "-req", "-in", "origins.request", "-CA", "origins-root.pem", "-CAkey",
            "origins-root.key", "-set_serial", str(SERIAL), "-days", "30", "-extfile", "extensions",
            "-outform", "DER", "-out", "first.der")
    with open(os.path.join(folder, "first.der"), "rb") as file:
        first = file.read()
    signed, rest = der_cut(first[4:])
    algorithm, _ = der_cut(rest)
    signer = Signer(os.path.join(folder, "origins-root.key"))
    for number in range(1, count + 1):
        one = signed.replace(name_of(0).encode(), name_of(number).encode()).replace(
            SERIAL.to_bytes(4, "big"), (SERIAL + number).to_bytes(4, "big"))
        leaf = der(0x30, one + algorithm + der(0x03, b"\0" + signer.sign(one)))
        with open(os.path.join(folder, name_of(number) + ".pem"), "w", encoding="ascii") as file:
            file.write(ssl.DER_cert_to_PEM_cert(leaf))


class Origins:
    """nginx as all of them, on one port."""

    def __init__(self, folder, descriptors, count):
        self.count, self.root = count, os.path.join(folder, "origins-root.pem")
        self.log = os.path.join(folder, LOG_NAME)
        say(f"making {count:,} certificates")
        make_certificates(folder, count)
        self.process, (self.port,) = start_nginx(
            folder, descriptors, 1,
            lambda ports: NGINX.format(folder=folder, log=LOG_NAME, port=ports[0]))


def take(options, server, read_log, name, versions):
    facts = {**options.programs.facts, "root": server.root, "port": server.port,
             "at_once": AT_ONCE, "last": f"{server.count:04d}"}
    begin = os.path.getsize(server.log) if os.path.exists(server.log) else 0
    run = Run(fill(ORIGINS[name], facts))
    seen = [line for line in read_log(server.log, begin) if len(line) == 4]
    names, connections = {line[0] for line in seen}, {line[1] for line in seen}
    if len(names) != server.count or len(connections) != server.count:
        raise Failure(f"{len(names)} names on {len(connections)} connections")
    if any(line[2] != "." for line in seen):
        raise Failure("sessions were resumed")
    versions[name] = ", ".join(sorted({line[3] for line in seen}))
    return sample_of(run, server.count)


def tables(options, page, names, read_log, bounds):
    """names: of ORIGINS, those that are there; bounds.note() is told what is held to one."""
    folder = os.path.join(options.scratch, "origins")
    os.mkdir(folder)
    server = Origins(folder, options.descriptors, options.origins)
    page.heading(f"https, {server.count:,} origins once each, {AT_ONCE} at once: nginx, ECDSA P-256, "
                 "each with its name and certificate")
    versions = {}
    takers = {name: (partial(take, options, server, read_log, name, versions), options.rounds)
              for name in names}
    taken = interleave("https origins", takers, options.rounds)
    bounds.note("full handshake, ECDSA P-256, chain verified, of curl", "at most", 1.0,
                ratio_of(taken.get("haul"), taken.get("curl, TLS 1.2"), "cpu"))
    base = taken.get("curl")
    page.table(["client", "CPU s", "CPU us/origin", "wall s", "of curl", "TLS", "note"],
               [[name, of_name.cell("cpu", ".2f"), of_name.cell("cpu_us", ".0f"),
                 of_name.cell("wall", ".2f"), ratio_of(of_name, base, "cpu"),
                 versions.get(name, ""), of_name.note()]
                for name, of_name in taken.items()])
