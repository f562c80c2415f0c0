"""Who is compared: how each client is asked for load, and what its own report says of it.

The hard idea: a client is believed only as far as its report adds up. Its count of good replies is
what its processor time is divided by; a reply too few, a failure or a report that cannot be read is
a Failure, and no figure.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from typing import Callable, Optional

from peers.process import RUN_SECONDS_MAX, Failure, Run, find, say

# Of the replies asked for, this share must come: ab and h2load lose a few when they end.
GOOD_SHARE = 0.999
THREADS_MAX = 1000
PYTHON_REQUESTS_MIN = 2000
STATUS_CLIENT_BOUND = 98  # of haul bench: that the client is busy is no fault here


@dataclass
class Sample:
    """What one run cost a request, in microseconds of processor time."""

    cpu_us: Optional[float]  # the whole process
    window_us: Optional[float]  # without its start and its connecting, where the client tells
    user_share: float
    rate: float
    wall: float
    cpu: float = 0  # seconds of the whole process


def sample_of(run, count, window_us=None):
    return Sample(run.cpu / count * 1e6, window_us, run.user / max(run.cpu, 1e-9),
                  count / run.wall, run.wall, run.cpu)


@dataclass(frozen=True)
class Client:
    """words: its command line; a word such as {url} is taken from the facts of a run, and one that
    is a list there becomes its items."""

    words: str
    count: Callable  # (its Run, the requests it was asked for) -> good replies
    share: float = 1  # of the requests that haul is given, since slow ones would take minutes
    least: int = 1  # requests
    widest: int = 100000  # connections
    rounds: int = 100
    window: Callable = lambda run: None
    program: str = ""  # that must be found; "": it is one of haul's, or python
    module: str = ""  # of python, which must be there
    statuses: tuple = (0,)


def fill(words, facts):
    argv = []
    try:
        for word in shlex.split(words):
            value = facts.get(word.strip("{}"))
            argv += value if isinstance(value, list) else [word.format(**facts)]
    except (KeyError, IndexError, ValueError) as error:
        raise Failure(f"its command line cannot be made: {error}") from None
    return argv


# --- reports --------------------------------------------------------------------------------------


def first_number(pattern, text):
    match = re.search(pattern, text)
    return int(match[1]) if match else 0


def count_all(_run, requests):
    """Its exit status says that each reply was good."""
    return requests


def count_wrk(run, _requests):
    if errors := re.search(r"Socket errors: .*", run.text):
        raise Failure(errors[0])
    return (first_number(r"(\d+) requests in", run.text)
            - first_number(r"Non-2xx or 3xx responses: (\d+)", run.text))


def count_h2load(run, _requests):
    return first_number(r"status codes: (\d+) 2xx", run.text)


def count_ab(run, _requests):
    return (first_number(r"Complete requests:\s+(\d+)", run.text)
            - first_number(r"Failed requests:\s+(\d+)", run.text))


def count_hey(run, _requests):
    return first_number(r"\[200\]\s+(\d+) responses", run.text)


def count_printed(run, _requests):
    return first_number(r"(\d+)", run.text)


def count_s_time(run, _requests):
    return first_number(r"(\d+) connections in \d+ real seconds, [1-9]", run.text)


def bench_report(run):
    try:
        return json.loads(run.text)
    except ValueError:
        raise Failure("its report is no JSON") from None


def count_bench(loop, run, _requests):
    report = bench_report(run)
    if report.get("loop") != loop:
        raise Failure(f"it ran over {report.get('loop')}: {report.get('loop_reason')}")
    if report.get("error_count") != 0:
        raise Failure(f"errors: {report.get('errors')}, statuses: {report.get('statuses')}")
    return report.get("statuses", {}).get("200", 0) + report.get("warm_up_requests", 0)


def window_bench(run):
    return bench_report(run).get("cpu", {}).get("us_per_request")


# --- clients --------------------------------------------------------------------------------------

PYTHON_PROGRAMS = {
    "aiohttp": """
import aiohttp, asyncio, sys
urls = open(sys.argv[1]).read().split()
async def main():
    connector = aiohttp.TCPConnector(limit=int(sys.argv[2]))
    async with aiohttp.ClientSession(connector=connector) as session:
        async def get(url):
            async with session.get(url) as reply:
                await reply.read()
                return reply.status == 200
        print(sum(await asyncio.gather(*map(get, urls))))
asyncio.run(main())
""",
    "httpx": """
import asyncio, httpx, sys
urls = open(sys.argv[1]).read().split()
async def main():
    width = int(sys.argv[2])
    limits = httpx.Limits(max_connections=width, max_keepalive_connections=width)
    async with httpx.AsyncClient(limits=limits, timeout=120) as client:
        replies = await asyncio.gather(*map(client.get, urls))
        print(sum(reply.status_code == 200 for reply in replies))
asyncio.run(main())
""",
    "requests": """
import requests, sys
from concurrent.futures import ThreadPoolExecutor
from threading import local
urls = open(sys.argv[1]).read().split()
own = local()
def get(url):
    if not hasattr(own, 'session'):
        own.session = requests.Session()
    return own.session.get(url).status_code == 200
with ThreadPoolExecutor(int(sys.argv[2])) as pool:
    print(sum(pool.map(get, urls)))
""",
}


# The first request on each connection is dear, and a floor has a warm-up that does not count: so
# has our window.
def bench(loop, **limits):
    return Client(f"{{haul_bench}} --quiet --format json --loop {loop} -c {{connections}} "
                  "--warm-up 0.4 -z {milliseconds}ms {trust} {bench_closing} {url}",
                  partial(count_bench, loop), window=window_bench,
                  statuses=(0, STATUS_CLIENT_BOUND), **limits)


def python(module, **limits):
    return Client(f"{{python_{module}}} -c {{program_{module}}} {{list}} {{connections}}",
                  count_printed, module=module, rounds=3, least=PYTHON_REQUESTS_MIN,
                  **limits)


CLIENTS = {
    "haul": Client("{haul} --quiet --no-progress --format none {trust} {closing} "
                   "-c {connections} --repeat {requests} {url}", count_all),
    "haul bench uring": bench("uring"),
    "haul bench epoll": bench("epoll"),
    "haul bench threads": bench("threads", widest=THREADS_MAX),
    "wrk": Client("wrk -t1 -c{connections} -d{seconds}s --timeout 30s {closing} {url}",
                  count_wrk, program="wrk"),
    "h2load": Client("h2load --h1 -t1 -c{connections} -n{requests} {url}",
                     count_h2load, program="h2load"),
    "hey": Client("hey -c {connections} -n {requests} -t 60 {url}",
                  count_hey, share=0.25, program="hey"),
    "ab": Client("ab -q -k -r -s 60 -c {connections} -n {requests} {url}",
                 count_ab, share=0.5, program="ab", widest=20000),
    # It opens no more than 300 at once. What stands behind # is not sent.
    "curl": Client("curl --silent --no-progress-meter --show-error --fail --fail-early --http1.1 "
                   "--parallel --parallel-immediate --parallel-max {connections} {trust} {closing} "
                   "--output /dev/null {url}#[1-{requests}]",
                   count_all, share=0.12, program="curl", widest=300),
    "aiohttp": python("aiohttp", share=0.025),
    "httpx": python("httpx", share=0.005, widest=1000),
    "requests": python("requests", share=0.01, widest=256),
}
PEERS = [name for name in CLIENTS if not name.startswith("haul")]

# One connection after the other, each with a handshake.
S_TIME = Client("openssl s_time -connect {address} {s_time_mode} -www {path} -time {seconds} "
                "-tls1_2 -CAfile {root} -verify 2", count_s_time, program="openssl")


def python_with(module):
    for candidate in ("/usr/bin/python3", sys.executable):
        if os.access(candidate, os.X_OK) and subprocess.run(
                [candidate, "-c", f"import {module}"], stderr=subprocess.DEVNULL,
                check=False).returncode == 0:
            return candidate
    return None


class Programs:
    """What there is on this machine: facts of every run."""

    def __init__(self, build):
        self.facts = {"haul": os.path.join(build, "tools", "haul"),
                      "haul_server": os.path.join(build, "bench", "haul-server"),
                      "haul_bench": os.path.join(build, "bench", "haul-bench")}
        self.missing = {}

    def has(self, name):
        """Says once why not."""
        if name not in self.missing:
            self.missing[name] = self.why_missing(name)
            if self.missing[name]:
                say(f"skipped {name}: {self.missing[name]}")
        return not self.missing[name]

    def why_missing(self, name):
        client = CLIENTS.get(name)
        if name.startswith("haul bench"):
            path = self.facts["haul_bench"]
            return "" if os.access(path, os.X_OK) else f"{path} is not there"
        if client and client.module:
            self.facts[f"python_{name}"] = python_with(client.module)
            self.facts[f"program_{name}"] = PYTHON_PROGRAMS[name]
            return "" if self.facts[f"python_{name}"] else "no python3 here has it"
        program = client.program if client else name.split()[0]
        return "" if name.split()[0] == "haul" or find(program) else "not installed"

    def version(self, name):
        """As it says itself; '': it does not."""
        words = {"wrk": ["-v"], "h2load": ["--version"], "ab": ["-V"], "curl": ["--version"],
                 "nginx": ["-v"], "openssl": ["version"]}
        argv = [find(name), *words[name]] if name in words else None
        if name in PYTHON_PROGRAMS:
            argv = [self.facts[f"python_{name}"], "-c",
                    f"import {name}; print({name}.__version__)"]
        done = argv and subprocess.run(argv, capture_output=True, text=True, check=False,
                                       timeout=30)
        match = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr) if done else None
        return match[0] if match else ""


# --- one run --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """What a client is asked for. It is a number of requests for some, a time for others."""

    url: str
    connections: int
    requests: int
    seconds: float
    scratch: str
    root: str = ""  # https: the certificate to trust
    closing: bool = False  # a connection a request
    resuming: bool = True  # and a session that is taken up again

    def facts(self, client):
        requests = max(int(self.requests * client.share), client.least)
        requests = max(requests // self.connections, 1) * self.connections
        address, _, path = self.url.partition("://")[2].partition("/")
        bench_closing = ["--close"] * self.closing + ["--full-handshake"] * (not self.resuming)
        return {"url": self.url, "address": address, "path": "/" + path,
                "connections": self.connections, "requests": requests,
                "seconds": max(round(self.seconds), 1),
                "milliseconds": round(self.seconds * 1000), "root": self.root,
                "trust": ["--cacert", self.root] if self.root else [],
                "closing": ["-H", "Connection: close"] if self.closing else [],
                "bench_closing": bench_closing,
                "s_time_mode": "-reuse" if self.resuming else "-new",
                "list": os.path.join(self.scratch, "list")}


def take_sample(client, programs, load):
    if load.connections > client.widest:
        raise Failure(f"not run: at most {client.widest} connections")
    facts = {**programs.facts, **load.facts(client)}
    if client.module:
        with open(facts["list"], "w", encoding="ascii") as file:
            file.write(f"{load.url}\n" * facts["requests"])
    run = Run(fill(client.words, facts), statuses=client.statuses,
              seconds_max=max(RUN_SECONDS_MAX, 3 * load.seconds))
    count = client.count(run, facts["requests"])
    is_timed = "{requests}" not in client.words and not client.module
    if count <= 0 or not is_timed and count < GOOD_SHARE * facts["requests"]:
        raise Failure(f"{count} good replies{run.last_words()}" if is_timed else
                      f"{count} of {facts['requests']} replies are good{run.last_words()}")
    return sample_of(run, count, client.window(run))


def take_floor(words, load):
    """A yardstick measures itself, without its start: its last line says cpu=X us/req (u Y s Z) and
    rps=R."""
    host, _, path = load.url.partition("://")[2].partition("/")
    facts = {"connections": load.connections, "port": host.rpartition(":")[2],
             "path": "/" + path, "seconds": load.seconds}
    run = Run(fill(words, facts))
    last = (run.text.strip().splitlines() or [""])[-1]
    cpu = re.search(r"cpu=\s*([0-9.]+) us/req", last)
    if not cpu:
        raise Failure("its last line has no 'cpu=X us/req'")
    user = re.search(r"\(u ([0-9.]+) s", last)
    rate = re.search(r"rps=\s*([0-9]+)", last)
    window_us = float(cpu[1])
    return Sample(None, window_us, float(user[1]) / window_us if user and window_us else 0,
                  float(rate[1]) if rate else 0, run.wall)
