"""Certificates for servers of TLS, by the openssl command: one CA, and a leaf of each kind of key, all
for localhost and 127.0.0.1. Each is NAME.pem, its key NAME.key, in the folder that is the current one.
"""

import subprocess

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"
KEYS = {
    "ec": "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    "p384": "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    "p521": "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
    "rsa": "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
    "ed25519": "-algorithm ED25519",
    "ed448": "-algorithm ED448",
    "pss": "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
}
BROAD = 400  # names of 45 bytes: a certificate of 18 kB and more, which no record holds


def openssl(*words, stdin=None):
    return subprocess.run(["openssl", *words], input=stdin, check=True, capture_output=True).stdout


def make_key(name, options):
    openssl("genpkey", *options.split(), "-out", name + ".key")


def make_root(name, *options):
    openssl("req", "-x509", "-new", "-config", "req.cnf", "-key", name + ".key", "-subj",
            "/CN=" + name, "-days", "30", "-addext", "basicConstraints=critical,CA:TRUE", "-out",
            name + ".pem", *options)


def make_leaf(name, extensions=NAMES, issuer="ca", options=()):
    with open("extensions", "w", encoding="ascii") as file:
        file.write(extensions + "\n")
    request = openssl("req", "-new", "-config", "req.cnf", "-key", name + ".key", "-subj",
                      "/CN=" + name)
    openssl("x509", "-req", "-CA", issuer + ".pem", "-CAkey", issuer + ".key", "-days", "30",
            "-extfile", "extensions", "-out", name + ".pem", *options, stdin=request)


def copy(source, target):
    with open(source, "rb") as whence, open(target, "wb") as whither:
        whither.write(whence.read())


def make_all():
    """roots.pem is to be trusted; client.pem and its key are one that the CA has signed."""
    with open("req.cnf", "w", encoding="ascii") as file:
        file.write("[req]\ndistinguished_name = name\n[name]\n")
    for name, options in KEYS.items():
        make_key(name, options)
    for name, of_name in (("ca", "ec"), ("psssigned", "rsa"), ("client", "rsa"), ("broad", "rsa"),
                          ("ca-pss", "rsa"), ("other", "ec")):
        make_key(name, KEYS[of_name])
    make_root("ca")
    make_root("ca-pss", "-sigopt", "rsa_padding_mode:pss")
    for name in (*KEYS, "client"):
        make_leaf(name)
    make_leaf("other", "subjectAltName=DNS:other.example")
    make_leaf("psssigned", issuer="ca-pss", options=("-sigopt", "rsa_padding_mode:pss"))
    for name, group in (("dh", "ffdhe2048"), ("dh1536", "modp_1536")):
        openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:" + group, "-out",
                name + ".pem")
    make_leaf("broad", NAMES + "".join(f",DNS:n{number:04d}.{'x' * 32}.example"
                                       for number in range(BROAD)))
    with open("roots.pem", "wb") as roots:
        for name in ("ca", "ca-pss"):
            with open(name + ".pem", "rb") as root:
                roots.write(root.read())
