"""Every example of the manuals, run as it is written. Rows of TAP.

    examples.py HAUL HAUL-SERVER HAUL.1.scd HAUL-BENCH.1.scd

What an example leads to is haul-server's: a command "haul" before the real one in PATH adds
--connect-to, and makes loads short. Of a million pages it has a thousand.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "system"))
from tap import finish, tell  # noqa: E402

haul, server, manual_path, bench_path = map(os.path.realpath, sys.argv[1:])

# Beside 0: a busy machine holds no rate, and meets no threshold (haul-bench(1), EXIT STATUS).
ENDS_OF_A_LOAD = [97, 98, 99]

# $PLAIN and $SECURE are the servers' addresses. What haul itself ends with is told beside the
# pipeline, whose status is that of its last command. A load is for one address, as it is written.
WRAPPER = r"""#!/bin/sh
case "$*" in
bench\ compare*) set -- "$@" -c 8 -z 0.1s --warm-up 0 --rounds 3 ;;
bench\ *) set -- "$@" -c 8 -z 0.1s ;;
*https:*) set -- --connect-to "::$SECURE" "$@" ;;
*) set -- --connect-to "::$PLAIN" "$@" ;;
esac
"$HAUL" "$@"
code=$?
echo "$code" >status
exit "$code"
"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


# The indented paragraphs of the sections, each line of them a command; without scdoc's marks.
def examples(path, section):
    text = re.search(rf"^# {section}\n(.*?)^# ", read(path), re.M | re.S).group(1)
    lines = [line for block in re.findall(r"^\t.*(?:\n.+)*", text, re.M) for line in block.splitlines()]
    return [re.sub(r"\\(.)", r"\1", line.strip().removesuffix("++")) for line in lines]


def start(*words):
    process = subprocess.Popen([server, *words], stdout=subprocess.PIPE, encoding="utf-8")
    return process, process.stdout.readline().split()[-1]


# One that is trusted as a root and holds for what the examples name.
def make_certificate():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", "key.pem", "-out", "authority.pem", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:example.org"],
                   check=True, stderr=subprocess.DEVNULL)


# What is not there after the command, or not as it should be; None: all is.
def fault_of(command, result):
    failing = " -f " in command and "urls.txt" in command
    said = int(read("status"))
    may = [22 if failing else 0] + (ENDS_OF_A_LOAD if " bench " in command else [])
    if said not in may:
        return f"haul ended with {said}"
    for path in re.findall(r"(?: -o|>) ?(\S+)", command):
        if os.path.getsize(path) == 0:
            return f"{path} is empty"
    for path in re.findall(r" --bodies (\S+)", command):
        if not os.listdir(path):
            return f"{path} is empty"
    if not re.search(r" -o |> ", command) and not result.stdout.strip():
        return "nothing was printed"
    return None


def run(command):
    for word in ("jq", "openssl"):
        needed = re.search(r"\bjq\b", command) if word == "jq" else "https:" in command
        if needed and not shutil.which(word):
            tell(command, skipped=f"{word} is not installed")
            return
    shorter = command.replace(" 1000000 ", " 1000 ").replace("http://127.0.0.1:8080/", URL)
    result = subprocess.run(["sh", "-c", shorter], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            stdin=subprocess.DEVNULL, encoding="utf-8", check=False)
    trouble = fault_of(command, result)
    tell(command, trouble and f"{trouble}\n{result.stdout[-500:]}\n{result.stderr[-500:]}")


def prepare():
    global URL
    servers = []
    process, plain = start()
    servers.append(process)
    os.mkdir("bin")
    with open("bin/haul", "w", encoding="utf-8") as file:
        file.write(WRAPPER)
    os.chmod("bin/haul", 0o755)
    URL = f"http://{plain}/p/1"
    with open("urls.txt", "w", encoding="utf-8") as file:
        file.write("http://127.0.0.1:8940/p/1\nhttp://127.0.0.1:8940/status/404\n")
    for name, content in (("report.csv", "a,b\n1,2\n"), ("me.png", "no picture"),
                          ("token.txt", "X-Token: secret\n")):
        with open(name, "w", encoding="utf-8") as file:
            file.write(content)
    os.environ.update(PATH=f"{os.getcwd()}/bin:{os.environ['PATH']}", HAUL=haul, PLAIN=plain)
    if shutil.which("openssl"):
        make_certificate()
        process, secure = start("--tls-certificate", "authority.pem", "--tls-key", "key.pem")
        servers.append(process)
        os.environ.update(SECURE=secure, SSL_CERT_FILE="authority.pem")
    return servers


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        servers = prepare()
        first = examples(manual_path, "EXAMPLES")
        tell("the manual opens with five examples",
             None if len(first) == 5 and re.search(r"^# SYNOPSIS\n[^#]*^# EXAMPLES$",
                                                   read(manual_path), re.M) else f"{first}")
        for command in first + examples(manual_path, "MORE EXAMPLES") + examples(bench_path, "EXAMPLES"):
            run(command)
        for process in servers:
            process.terminate()
            process.wait()
        os.chdir("/")
    finish()


main()
