"""What is sent with -T, -F, -d and their like, beside curl. Rows of TAP.

    uploads.py HAUL LOOP

The same words to both, and the same server: bodies must be the same but for their boundaries, heads
field for field, in any order, but for the User-Agent. Without curl 7.88 these rows are skipped.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "system"))
from tap import finish, row, row_unless  # noqa: E402

haul, loop = os.path.realpath(sys.argv[1]), sys.argv[2]
asked = []
statuses = {}


# --- a server -----------------------------------------------------------------------------------

def more(connection, data):
    piece = connection.recv(1 << 20)
    if not piece:
        raise ConnectionError
    return data + piece


def take_chunks(connection, data):
    body = b""
    while True:
        while b"\r\n" not in data:
            data = more(connection, data)
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        while len(data) < size + 2:
            data = more(connection, data)
        body, data = body + data[:size], data[size + 2:]
        if size == 0:
            return body, data


def take(connection, data):
    while b"\r\n\r\n" not in data:
        data = more(connection, data)
    head, _, data = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:]}
    status = statuses.get(lines[0].split(" ")[1], 200)
    if status == 417:
        status = 417 if "expect" in fields else 200
    body = b""
    if status != 417:
        if "expect" in fields:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fields.get("transfer-encoding") == "chunked":
            body, data = take_chunks(connection, data)
        length = int(fields.get("content-length", "0"))
        while len(data) < length:
            data = more(connection, data)
        if length:
            body, data = data[:length], data[length:]
    asked.append((lines[0], fields, body))
    connection.sendall(b"HTTP/1.1 %d X\r\nLocation: /there\r\nContent-Length: 0\r\n%s\r\n"
                       % (status, b"Connection: close\r\n" if status == 417 else b""))
    if status == 417:
        raise ConnectionError
    return data


def play(connection):
    data = b""
    try:
        while True:
            data = take(connection, data)
    except (ConnectionError, OSError):
        connection.close()


def serve(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=play, args=(connection,), daemon=True).start()


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(100)
threading.Thread(target=serve, args=(listener,), daemon=True).start()
base = "http://127.0.0.1:%d" % listener.getsockname()[1]

# --- the same as curl ---------------------------------------------------------------------------

PIPED = b"[1,\r\n2]\n"
BIG = "big"  # stdin is that file
ROWS = [
    (["-T", "small"], ["", "/", "/d/?q=1", "/x", "/x?q=/"], None),
    (["-T", "big"], ["/x"], None),
    (["-T", "empty"], ["/x"], None),
    (["-T", 'a b"c.bin'], ["/"], None),
    (["-T", "-"], ["/x", "/d/"], PIPED),
    (["-T", "-"], ["/x"], BIG),
    (["-T", "."], ["/x"], PIPED),
    (["-T", "small", "-X", "POST"], ["/x"], None),
    (["-T", "small", "-H", "Expect:"], ["/x"], None),
    (["-T", "small", "-0"], ["/x"], None),
    (["-d", "@-"], ["/x"], PIPED),
    (["-d", "@lines"], ["/x"], None),
    (["-d", "@small", "-d", "x=1", "-d", "@small"], ["/x"], None),
    (["--data-binary", "@-"], ["/x"], PIPED),
    (["--data-binary", "@-"], ["/x"], BIG),
    (["--data-binary", "@big"], ["/x"], None),
    (["--data-binary", "@mib"], ["/x"], None),
    (["--data-binary", "@big", "-d", "x=1"], ["/x"], None),
    (["--data-binary", "@page.html", "-X", "PUT"], ["/x"], None),
    (["--data-raw", "@small"], ["/x"], None),
    (["--data-urlencode", "a b&c"], ["/x"], None),
    (["--data-urlencode", "=a b"], ["/x"], None),
    (["--data-urlencode", "n=a b=c"], ["/x"], None),
    (["--data-urlencode", "@page.html"], ["/x"], None),
    (["--data-urlencode", "n@page.html"], ["/x"], None),
    (["--data-urlencode", "n@-"], ["/x"], PIPED),
    (["-d", "a=1", "--data-urlencode", "n=\u00e4"], ["/x"], None),
    (["--json", '{"a":1}'], ["/x"], None),
    (["--json", "@small"], ["/x"], None),
    (["--json", "@-"], ["/x"], PIPED),
    (["--json", "{", "--json", "}"], ["/x"], None),
    (["--json", "1", "-H", "Accept: x/y"], ["/x"], None),
    (["--json", "1", "-H", "content-type: a/b"], ["/x"], None),
    (["-G", "-d", "a=b", "--data-urlencode", "c=d e"], ["/x", "/x?q=1"], None),
    (["-G", "-I", "-d", "a=b"], ["/x"], None),
    (["-G"], ["/x"], None),
    (["-F", "a=b"], ["/x"], None),
    (["-F", "a=b", "-F", "c=@small"], ["/x"], None),
    (["-F", "c=@page.html"], ["/x"], None),
    (["-F", "c=@notes.txt"], ["/x"], None),
    (["-F", "c=<notes.txt"], ["/x"], None),
    (["-F", "c=<page.html"], ["/x"], None),
    (["-F", "c=@small;type=a/b;filename=z.gif"], ["/x"], None),
    (["-F", "c=@small;filename=z.gif"], ["/x"], None),
    (["-F", "c=v;type=text/html; charset=utf-8"], ["/x"], None),
    (["-F", 'c="v;w"'], ["/x"], None),
    (["-F", 'c="a\\"b"'], ["/x"], None),
    (["-F", "c=v;filename=f.png"], ["/x"], None),
    (["-F", 'a"b=c'], ["/x"], None),
    (["-F", 'c=@a b"c.bin'], ["/x"], None),
    (["-F", 'c=@"small"'], ["/x"], None),
    (["-F", "c=@big", "-F", "d=e"], ["/x"], None),
    (["-F", "c=@-"], ["/x"], PIPED),
    (["-F", "c=<-"], ["/x"], PIPED),
    (["-F", "c=@-"], ["/x"], BIG),
    (["-F", "c=@small,notes.txt", "-F", "d=e"], ["/x"], None),
    (["-F", "c=@small;type=a/b,page.html;filename=z.gif,empty"], ["/x"], None),
    (["-F", 'c=@small;type=a/b;filename="q,r.x",big'], ["/x"], None),
    (["-F", 'c=@"small",notes.txt;type=x/y; charset=z,small', "-F", "d=@small"], ["/x"], None),
    (["-F", "c=@small,-"], ["/x"], PIPED),
    (["-F", "c=x,y"], ["/x"], None),
    (["-F", "=v", "-F", "c=d"], ["/x"], None),
    (["-F", "c=(", "-F", "d=e", "-F", "f=@notes.txt", "-F", "=)", "-F", "g=h"], ["/x"], None),
    (["-F", "c=(;type=multipart/alternative", "-F", "=plain", "-F", "=x;type=text/html",
      "-F", "=)"], ["/x"], None),
    (["-F", "c=(;type=multipart/form-data", "-F", "d=e", "-F", "=f", "-F", "=)"], ["/x"], None),
    (["-F", "c=(", "-F", "d=(", "-F", "e=@small,notes.txt", "-F", "=)", "-F", "f=g"], ["/x"], None),
    (["-F", "c=@empty"], ["/x"], None),
    (["-F", "c="], ["/x"], None),
    (["-F", "c=v", "-H", "Expect: 100-continue"], ["/x"], None),
    (["--form-string", "c=@v;type=x"], ["/x"], None),
]


def run(command, stdin=None):
    del asked[:]
    given = {"input": stdin} if isinstance(stdin, bytes) else {
        "stdin": open(stdin, "rb") if stdin else subprocess.DEVNULL}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **given)
    return done, [without_chance(*request) for request in asked]


def without_chance(line, fields, body):
    fields.pop("user-agent", None)
    found = re.findall(rb"boundary=(\S+)", fields.get("content-type", "").encode() + b"\n" + body)
    for place, boundary in enumerate(found):
        same = (b"%d" % place).rjust(len(boundary), b"B")
        fields["content-type"] = fields["content-type"].replace(boundary.decode(), same.decode())
        body = body.replace(boundary, same)
    return line, fields, body


def compare(words, path, stdin):
    theirs, curls = run(["curl", "-s", "-o", "/dev/null"] + words + [base + path], stdin)
    ours, hauls = run([haul, "-q", "--loop", loop] + words + [base + path], stdin)
    assert theirs.returncode == 0 and ours.returncode == 0, ours.stderr
    assert len(curls) == len(hauls) == 1, (len(curls), len(hauls))
    for ours, theirs in zip(hauls[0], curls[0]):
        assert ours == theirs, (ours[:400] if ours is bytes else ours, theirs)


def curl_is_right():
    if not shutil.which("curl"):
        return False
    return b"curl 7.88" in subprocess.run(["curl", "-V"], stdout=subprocess.PIPE).stdout


# --- what curl does not do ----------------------------------------------------------------------

def results(words, urls, stdin=None):
    done, _ = run([haul, "-q", "--loop", loop] + words + [base + url for url in urls], stdin)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def codes(lines):
    return [line["error"] and line["error"]["code"] for line in lines]


def every_url_gets_it():
    for words in (["-T", "big"], ["-F", "a=@big"], ["--data-binary", "@big"], ["-d", "@-"]):
        code, lines = results(words, ["/1", "/2", "/3"], b"x" * 3000000)
        assert code == 0 and len(lines) == 3 and len(asked) == 3, (words, code, len(asked))
        assert len({len(body) for _, _, body in asked}) == 1 and len(asked[0][2]) >= 3000000


def stdin_goes_to_one():
    code, lines = results(["-T", "-", "-c", "1"], ["/1", "/2"], PIPED)
    assert code == 65 and codes(lines) == [None, "rewind"], lines
    assert len(asked) == 1


def what_cannot_be_read_again():
    for status, words in ((307, ["-L"]), (308, ["-L"]), (503, ["--retry", "2"]), (417, [])):
        statuses["/s"] = status
        code, lines = results(["-T", "-"] + words, ["/s"], PIPED)
        assert code == 65 and codes(lines) == ["rewind"], (status, code, lines)
        assert lines[0]["status"] == status and len(asked) == 1, lines
        code, lines = results(["-T", "small"] + words, ["/s"])
        if status in (307, 308, 417):
            assert code == 0 and len(asked) == 2 and asked[1][2] == b"hello world\n", (status, code)
    statuses.clear()


def main():
    for words, paths, stdin in ROWS:
        for path in paths:
            name = "as curl: " + " ".join(words).replace("#", "") + " URL" + path
            row_unless(None if curl_is_right() else "curl 7.88 is not installed", name, compare,
                       words, path, stdin)
    row("every URL gets a body of any size", every_url_gets_it)
    row("stdin goes to one URL", stdin_goes_to_one)
    row("what cannot be read again is sent once", what_cannot_be_read_again)
    finish()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        for path, content in (("small", b"hello world\n"), ("page.html", b"<p>x\r\n</p>\0z"),
                              ("notes.txt", b"notes"), ("lines", b"a=1\r\n&b\n\n"), ("empty", b""),
                              ('a b"c.bin', b"odd"), ("mib", b"m" * (1 << 20)),
                              ("big", os.urandom(3 << 20))):
            with open(path, "wb") as file:
                file.write(content)
        main()
        os.chdir("/")
