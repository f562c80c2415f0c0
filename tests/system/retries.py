"""Retries beside a server that breaks bodies off. Rows of TAP.

    retries.py HAUL LOOP

What a body is joined to, or begun anew with, wherever it may be written to; and what is told of a
Retry-After that is not waited for.
"""

import gzip
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "system"))
from tap import finish, row  # noqa: E402

haul, loop = os.path.realpath(sys.argv[1]), sys.argv[2]
work = tempfile.mkdtemp()


# --- the server: /KIND/NUMBER ---------------------------------------------------------------------

HALF = b"first half, "
OTHERS = {"untagged": b"something else", "other": b"quite another body, longer than both halves",
          "empty": b"", "gone": b"no such page"}
WHOLE = {"joined": HALF + b"second half\n", **OTHERS}
TEXT = HALF + b"0123456789" * 3000
PACKED = gzip.compress(TEXT, 0)  # its bytes are found in it as they are
requests = {}  # by path: the heads
seen = {}      # by path: the first half has been written


def head(status, *fields):
    return ("\r\n".join([f"HTTP/1.1 {status} x", *fields]) + "\r\n\r\n").encode()


def packed(*fields):
    return head(200, 'ETag: "t"', "Content-Encoding: gzip", f"Content-Length: {len(PACKED)}",
                *fields)


def first_reply(kind):
    if kind == "coded":
        return packed() + PACKED[:20000]
    tag = [] if kind == "untagged" else ['ETag: "t"']
    return head(200, *tag, "Content-Length: 24") + HALF


def next_reply(kind):
    if kind == "late":
        return head(503, "Retry-After: 86400", "Content-Length: 4") + b"late"
    if kind in ("coded", "then"):
        return packed() + PACKED
    if kind == "joined":
        return head(206, 'ETag: "t"', "Content-Range: bytes 12-23/24", "Content-Length: 12") + \
            b"second half\n"
    return head(404 if kind == "gone" else 200, 'ETag: "u"',
                f"Content-Length: {len(OTHERS[kind])}") + OTHERS[kind]


def serve_one(peer):
    text = b""
    while b"\r\n\r\n" not in text:
        piece = peer.recv(65536)
        if not piece:
            return
        text += piece
    path = text.split(b" ")[1].decode()
    kind = path.split("/")[1]
    heads = requests.setdefault(path, [])
    heads.append(text.decode())
    if len(heads) == 1 and kind != "late":
        peer.sendall(first_reply(kind))
        seen[path].wait(60)
    else:
        peer.sendall(next_reply(kind))


def serve():
    def answer(peer):
        with peer:
            serve_one(peer)
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
threading.Thread(target=serve, daemon=True).start()
base = f"http://127.0.0.1:{listener.getsockname()[1]}"
numbers = iter(range(1000))


# --- runs -----------------------------------------------------------------------------------------

def name_path(kind):
    path = f"/{kind}/{next(numbers)}"
    seen[path] = threading.Event()
    return path


def begin(words, path, stdout=subprocess.PIPE):
    """URL, in the words and in list.cfg, is the path's."""
    if "-K" in words:
        with open(os.path.join(work, "list.cfg"), "w", encoding="ascii") as file:
            file.write(f"url = {base}{path}\noutput = {words[-1]}\n")
        words = [*words[:-1], "list.cfg"]
    else:
        words = [*words, base + path]
    return subprocess.Popen(
        [haul, "--loop", loop, "-q", "--retry", "1", "--retry-delay", "0.01", *words], cwd=work,
        stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)


def end(run, path):
    seen[path].set()
    out, err = run.communicate()
    return run.returncode, out, err


def is_in_a_file(names):
    for name in names:
        try:
            with open(name, "rb") as file:
                if HALF in file.read():
                    return True
        except FileNotFoundError:
            pass
    return False


def await_half(run, name):
    """In the file, or in what it is while it is not whole."""
    while run.poll() is None:
        parts = [os.path.join(place, one) for place, _, files in os.walk(work) for one in files
                 if one.endswith(".part")]
        if is_in_a_file([name, *parts]):
            return
        time.sleep(0.01)
    raise AssertionError(f"ended before anything was written: {run.communicate()}")


def ranges_of(path):
    return [line for text in requests[path] for line in text.split("\r\n") if "Range: " in line]


def contents(name):
    with open(os.path.join(work, name), "rb") as file:
        return file.read()


def files():
    for kind, whole in WHOLE.items():
        for words, name in ((["--bodies", "bodies"], "bodies/000000"),
                            (["-O", "--output-dir", "named"], "named/NUMBER"),
                            (["-K", "own"], "own"),
                            (["--format", "body", "-o", "result"], "result")):
            shutil.rmtree(os.path.join(work, "bodies"), ignore_errors=True)
            path = name_path(kind)
            name = name.replace("NUMBER", path.split("/")[2])
            run = begin(words, path)
            await_half(run, os.path.join(work, name))
            code, _, err = end(run, path)
            about = (kind, words, code, err)
            assert code == 0 and contents(name) == whole, (about, contents(name))
            asked = [] if kind == "untagged" else ["Range: bytes=12-", 'If-Range: "t"']
            assert len(requests[path]) == 2 and ranges_of(path) == asked, (about, requests[path])


def coded():
    """What is coded is never joined: the first reply is, or the one that would go on with it."""
    version = subprocess.run([haul, "-V"], stdout=subprocess.PIPE, check=True).stdout
    for words in ([], *([["--compressed"]] if b"gzip" in version else [])):
        for kind in ("coded", "then"):
            path = name_path(kind)
            run = begin(["-O", "--output-dir", "named", *words], path)
            name = os.path.join("named", path.split("/")[2])
            await_half(run, os.path.join(work, name))
            code, out, err = end(run, path)
            asked = [] if kind == "coded" else ["Range: bytes=12-", 'If-Range: "t"']
            about = (words, kind, code, out, err)
            assert code == 0 and contents(name) == (TEXT if words else PACKED), about
            assert len(requests[path]) == 2 and ranges_of(path) == asked, (about, requests[path])


def stdout_in_a_file():
    """Which has something before it, and lines of results beside it."""
    for kind, whole in WHOLE.items():
        for words in (["--format", "body"], ["--format", "none", "-K", "-"],
                      ["--format", "body", "-K", "-"], ["-K", "-"]):
            path, name = name_path(kind), os.path.join(work, "out")
            with open(name, "wb") as out:
                out.write(b"before\n")
                out.flush()
                run = begin(words, path, out)
            await_half(run, name)
            code, _, err = end(run, path)
            before, _, after = contents("out").partition(b"\n")
            body = after[:len(whole)]
            assert code == 0 and before == b"before" and body == whole, (kind, words, err, after)
            line = after[len(whole):]
            assert json.loads(line)["body_bytes"] == len(whole) if len(words) == 2 and \
                words[0] == "-K" else line == b"", (kind, words, after)


def failed_body_is_taken_back():
    path, name = name_path("gone"), os.path.join(work, "result")
    run = begin(["-f", "--format", "body", "-o", "result"], path)
    await_half(run, name)
    code, _, err = end(run, path)
    assert code == 22 and contents("result") == b"", (code, err, contents("result"))


def read_half(stream):
    text = b""
    while HALF not in text:
        assert select.select([stream], [], [], 60)[0]
        piece = os.read(stream.fileno(), 65536)
        assert piece, text
        text += piece
    return text


def pipes():
    for words in (["--format", "body"], ["--format", "none", "-K", "-"]):
        for kind in WHOLE:
            path = name_path(kind)
            run = begin(words, path)
            got = read_half(run.stdout)
            code, rest, err = end(run, path)
            goes_on = kind == "joined"
            assert code == (0 if goes_on else 18), (kind, words, code, err)
            assert got + rest == (WHOLE[kind] if goes_on else HALF), (kind, words, got, rest)
            assert goes_on or b"-K" in [word.encode() for word in words] or b"truncated" in err, err
            assert len(requests[path]) == (1 if kind == "untagged" else 2), requests[path]


def own_outputs_that_are_no_files():
    os.mkfifo(os.path.join(work, "fifo"))
    for name, code, body in (("/dev/null", 0, None), ("fifo", 18, HALF)):
        path = name_path("other")
        run = begin(["-K", name], path)
        if body:
            with open(os.path.join(work, name), "rb") as fifo:
                got = read_half(fifo)
                ended, out, err = end(run, path)
                assert got + fifo.read() == body, got
        else:
            while path not in requests:
                time.sleep(0.01)
            time.sleep(0.2)  # it cannot be seen, but should by then have gone nowhere
            ended, out, err = end(run, path)
        assert ended == code, (name, ended, out, err)


# --- a Retry-After that is too long ---------------------------------------------------------------

def late():
    for words, code, has in ((["-f"], 22, b"its Retry-After asks for 86400 s, longer than the tries"),
                             ([], 0, b'"error":null'),
                             (["--retry-max-time", "3600"], 0, b'"error":null'),
                             (["--deadline", "3600"], 0, b'"error":null')):
        run = subprocess.run([haul, "--loop", loop, "--retry", "3", *words, base + "/late/0",
                              base + "/late/1"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=False)
        assert run.returncode == code and run.stdout.count(has) == 2, run
        assert run.stdout.count(b'"attempts":1,') == 2, run
        assert b"note: 2 replies ask to be tried again in 86400 s at most, longer than the tries " \
            b"may take\n" in run.stderr, run


row("a body that breaks off is joined or begun anew, in any file", files)
row("one that is coded begins anew", coded)
row("so it is in the file that stdout is", stdout_in_a_file)
row("of a body that -f drops nothing stays that was before it", failed_body_is_taken_back)
row("in a pipe it is joined, or the error that it was", pipes)
row("an output that is no file is such a pipe, but /dev/null", own_outputs_that_are_no_files)
row("a Retry-After that is too long is told", late)
shutil.rmtree(work)
finish()
