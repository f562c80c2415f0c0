"""Two thousand hosts on one machine: their names, their addresses, and one server that is all of
them.

The hard idea: every name has an address of its own in 127.0.0.0/8, so that to a client each is a
host like any other; what a host does is told by its URLs, so that the server needs no table of
names. A host that is silent has a backlog that is full: the kernel drops what would connect to it.
"""

import heapq
import os
import select
import socket
import sys
import time

PORT = 8080
URLS_EACH = 10
SILENT, SLOW, ELSEWHERE, BUSY = 0, 1, 2, 3  # of 20 hosts one each; the other sixteen are as any
KINDS = 20
SLOW_SECONDS = 1
RECEIVE_BYTES = 1 << 16
BACKLOG = 4096
BODY = b"x" * 612


def kind_of(host):
    return host % KINDS


def is_undisturbed(host):
    return kind_of(host) > BUSY


def name_of(host):
    return f"h{host}.test"


def address_of(host):
    return f"127.{64 + host // 250}.{host // 250}.{1 + host % 250}"


def path_of(host, number, hosts):
    kind = kind_of(host)
    if kind == SLOW:
        return f"/slow/{number}"
    if kind == ELSEWHERE:
        target = (host + KINDS * number + 5) % hosts
        target += BUSY + 1 if not is_undisturbed(target) else 0
        return f"/to/{name_of(target)}/{number}"
    return f"/busy/{number}" if kind == BUSY else f"/p/{number}"


def url_of(host, number, hosts):
    return f"http://{name_of(host)}:{PORT}{path_of(host, number, hosts)}"


# --- the server -----------------------------------------------------------------------------------


def reply(status, fields, body):
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
    return head.encode("ascii") + body


GOOD = reply("200 OK", "", BODY)
TOO_BUSY = reply("503 Service Unavailable", "Retry-After: 1\r\n", b"")


class Server:
    """One thread, one epoll; what is written in the pipe when it listens is its start."""

    def __init__(self):
        self.listener = socket.create_server(("0.0.0.0", PORT), backlog=BACKLOG, reuse_port=True)
        self.listener.setblocking(False)
        self.epoll = select.epoll()
        self.epoll.register(self.listener, select.EPOLLIN)
        self.links, self.rests = {}, {}
        self.late = []  # (when, connection, bytes)
        self.seen = set()

    def accept(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except BlockingIOError:
                return
            link.setblocking(False)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.links[link.fileno()], self.rests[link.fileno()] = link, b""
            self.epoll.register(link, select.EPOLLIN)

    def answer(self, link, head):
        path = head.split(b" ", 2)[1]
        if path.startswith(b"/p/"):
            return GOOD
        if path.startswith(b"/slow/"):
            heapq.heappush(self.late, (time.monotonic() + SLOW_SECONDS, id(link), link, GOOD))
            return b""
        if path.startswith(b"/to/"):
            _, _, name, number = path.decode("ascii").split("/")
            return reply("302 Found", f"Location: http://{name}:{PORT}/p/{number}\r\n", b"")
        key = head.lower().split(b"\r\nhost:", 1)[1].split(b"\r\n", 1)[0] + path
        if key in self.seen:
            return GOOD
        self.seen.add(key)
        return TOO_BUSY

    def close(self, handle):
        del self.rests[handle]
        self.links.pop(handle).close()

    def read(self, handle):
        link = self.links[handle]
        try:
            data = link.recv(RECEIVE_BYTES)
            *heads, rest = (self.rests[handle] + data).split(b"\r\n\r\n")
            self.rests[handle] = rest
            out = b"".join([self.answer(link, head) for head in heads])
            if out:
                link.send(out)
            if not data:
                self.close(handle)
        except BlockingIOError:
            pass
        except (ConnectionError, ValueError, IndexError):
            self.close(handle)

    def send_late(self):
        now = time.monotonic()
        while self.late and self.late[0][0] <= now:
            _, _, link, data = heapq.heappop(self.late)
            try:
                link.send(data)
            except OSError:
                pass

    def run(self):
        listening = self.listener.fileno()
        while True:
            wait = max(0, self.late[0][0] - time.monotonic()) if self.late else -1
            for handle, _ in self.epoll.poll(wait):
                if handle == listening:
                    self.accept()
                else:
                    self.read(handle)
            self.send_late()


def block(address):
    """Its backlog is full from now on; what must stay open."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # beside that for all addresses
    listener.bind((address, PORT))
    listener.listen(0)
    fillers = [socket.socket() for _ in range(2)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex((address, PORT))
    return [listener, *fillers]


def start(hosts, cpu):
    """The id of the server's process, once it listens."""
    here, there = os.pipe()
    process = os.fork()
    if process:
        os.close(there)
        with os.fdopen(here, "rb") as pipe:
            if pipe.read(1) != b".":
                sys.exit("many-hosts: the server did not start")
        return process
    try:
        os.close(here)
        os.sched_setaffinity(0, {cpu})
        _kept = [block(address_of(host)) for host in range(hosts) if kind_of(host) == SILENT]
        server = Server()
        os.write(there, b".")
        os.close(there)
        server.run()
    finally:
        os._exit(1)  # it ends by a signal
