"""https: kept connections, handshakes taken up again and made in full, and bulk.

The hard idea: a figure for a resumed handshake is worth something only where sessions were resumed.
Each client of a table first runs untimed against a path whose accesses nginx logs, and the log says
on how many connections the session was taken up again, and which suite was agreed.
"""

import os
import re
import time
from collections import namedtuple
from dataclasses import replace
from functools import partial

from peers import origins
from peers.clients import CLIENTS, S_TIME, Load, fill, sample_of, take_sample
from peers.load import sized
from peers.process import Failure, Run, say
from peers.servers import BULK_NAME, KEY_NAMES, PAGE_BYTES, HttpsServer
from peers.tables import as_ms, interleave, ratio, ratio_of

KEPT_CONNECTIONS = 64
CLOSING_CONNECTIONS = 16
GUESS_KEPT, GUESS_RESUMED, GUESS_FULL = 20000, 2000, 500  # requests that tell of haul's rate
CHECK_REQUESTS = 320
CHECK_SECONDS = 0.3
FIRST_RUNS_A_ROUND = 10
BULK_FILES = 8
SUITE = "AES128-GCM"
LOG_SETTLED_SECONDS = 0.1

# With handshakes, curl is not as slow beside the others.
# Haul's handshakes are BearSSL's with libcrypto's arithmetic; beside them BearSSL's alone, on a
# machine whose libssl cannot be loaded, and libssl's.
VARIANTS = {"haul bearssl": ("{haul}", "env LD_LIBRARY_PATH={no_libssl} {haul}"),
            "haul openssl": ("{haul}", "{haul} --tls-backend openssl"),
            "haul before": ("{haul}", "{haul_before}")}
HAULS = ["haul", *VARIANTS]
HANDSHAKERS = {**CLIENTS, "curl": replace(CLIENTS["curl"], share=0.5), "openssl s_time": S_TIME,
               **{name: replace(CLIENTS["haul"], words=CLIENTS["haul"].words.replace(*change))
                  for name, change in VARIANTS.items()}}
KEPT_CLIENTS = [*HAULS, "haul bench uring", "haul bench epoll", "wrk"]
CLOSING_CLIENTS = [*HAULS, "haul bench uring", "haul bench epoll", "wrk", "curl", "openssl s_time"]

AT_MOST, AT_LEAST = "at most", "at least"
FULL_BOUNDS = {"ecdsa": 0.5, "rsa": 0.8}
PLAIN_BOUND = "plain http, kept requests, of the build before (--before)"

Evidence = namedtuple("Evidence", "requests connections reused suites")


class Bounds:
    """What haul is held to, each with its figure of this run and whether that is good enough."""

    def __init__(self):
        self.rows = []

    def note(self, what, sense, bound, got):
        """got: a ratio as text; '': it was not measured."""
        is_met = got and (float(got) <= bound if sense == AT_MOST else float(got) >= bound)
        self.rows.append([what, f"{sense} {bound:.2f}", got or "-",
                          "met" if is_met else "not met" if got else "not measured"])

    def table(self, page):
        page.heading("https, what haul is held to: BearSSL with libcrypto's arithmetic")
        page.table(["what", "bound", "here", "verdict"], self.rows)


# --- what nginx saw -------------------------------------------------------------------------------


def read_log(path, begin):
    """The lines from there on, once no more are added."""
    size = -1
    while size != (size := os.path.getsize(path) if os.path.exists(path) else 0):
        time.sleep(LOG_SETTLED_SECONDS)
    if not size:
        return []
    with open(path, encoding="ascii", errors="replace") as log:
        log.seek(begin)
        return [line.split() for line in log]


def gather_evidence(server, run):
    """Runs it, and tells from the log what it did."""
    begin = os.path.getsize(server.log) if os.path.exists(server.log) else 0
    run()
    lines = [line for line in read_log(server.log, begin) if len(line) == 4]
    if not lines:
        raise Failure("nginx saw no request of it")
    return Evidence(len(lines), len({line[0] for line in lines}),
                    len({line[0] for line in lines if line[1] == "r"}),
                    sorted({f"{line[2]} {line[3]}" for line in lines}))


def check_suite(evidence):
    if any("TLSv1.2" not in suite or SUITE not in suite for suite in evidence.suites):
        raise Failure("another suite: " + ", ".join(evidence.suites))


def check_kept(evidence, load):
    if evidence.connections > load.connections:
        raise Failure(f"{evidence.requests} requests took {evidence.connections} connections")


def check_closing(evidence, load):
    """The first connections that are opened at once have no session to take up yet."""
    if evidence.connections != evidence.requests:
        raise Failure(f"{evidence.requests} requests took {evidence.connections} connections")
    wanted = evidence.connections - load.connections if load.resuming else 0
    if evidence.reused < wanted or not load.resuming and evidence.reused:
        raise Failure(f"{evidence.reused} of {evidence.connections} sessions were resumed")


def check(server, endpoint, client, programs, load, rule):
    """Evidence of an untimed run, or a Failure."""
    small = replace(load, url=endpoint.url("/check/1"), seconds=CHECK_SECONDS,
                    requests=round(CHECK_REQUESTS / client.share))
    evidence = gather_evidence(server, partial(take_sample, client, programs, small))
    check_suite(evidence)
    rule(evidence, small)
    return evidence


# --- load over TLS --------------------------------------------------------------------------------


def measure(options, server, endpoint, names, load, rule):
    """({name: Taken}, {name: Evidence}). Who does not what the table is about, has no figure."""
    evidence = {}

    def take(name):
        client = HANDSHAKERS[name]
        if name not in evidence:
            evidence[name] = check(server, endpoint, client, options.programs, load, rule)
        return take_sample(client, options.programs, load)

    takers = {name: (partial(take, name), options.rounds) for name in names}
    return interleave(f"https {endpoint.key}", takers, options.rounds), evidence


def present(options, names):
    return [name for name in names
            if options.programs.has(name)
            and (name.startswith("haul") or name in [*options.peers, "openssl s_time"])
            and (name != "haul before" or "haul_before" in options.programs.facts)]


def best(taken, names):
    """The one of those with the least median."""
    found = [taken[name] for name in names if name in taken and taken[name].median("cpu_us")]
    return min(found, key=lambda of_name: of_name.median("cpu_us"), default=None)


def kept_tables(options, page, server, bounds):
    page.heading(f"https, kept connections: nginx, {KEY_NAMES[options.keys[0]]}, TLS 1.2, "
                 f"{KEPT_CONNECTIONS} connections")
    endpoint = server.endpoints[options.keys[0], True]
    load = sized(options.programs, Load(endpoint.url("/p/1"), KEPT_CONNECTIONS, GUESS_KEPT,
                                        options.seconds, options.scratch, root=endpoint.root))
    taken, evidence = measure(options, server, endpoint, present(options, KEPT_CLIENTS), load,
                              check_kept)
    base = best(taken, ["wrk"])
    bounds.note("kept requests, of the build before (--before)", AT_MOST, 1.01,
                ratio_of(taken.get("haul"), taken.get("haul before"), "cpu_us"))
    page.table(["client", "CPU us/request", "window us/request", "requests/s", "of wrk", "suite",
                "note"],
               [[name, of_name.cell("cpu_us", ".2f"), of_name.cell("window_us", ".2f"),
                 of_name.cell("rate", ",.0f"), ratio_of(of_name, base, "cpu_us"),
                 ", ".join(evidence[name].suites) if name in evidence else "", of_name.note()]
                for name, of_name in taken.items()])


def plain_tables(options, page, server, bounds):
    """What no TLS is to cost who has none."""
    names = present(options, ["haul", "haul before"])
    if len(names) < 2:
        bounds.note(PLAIN_BOUND, AT_MOST, 1.01, "")
        return
    page.heading(f"http, kept connections: nginx, {KEPT_CONNECTIONS} connections")
    load = sized(options.programs, Load(server.plain_url, KEPT_CONNECTIONS, GUESS_KEPT,
                                        options.seconds, options.scratch))
    takers = {name: (partial(take_sample, HANDSHAKERS[name], options.programs, load),
                     options.rounds) for name in names}
    taken = interleave("http kept", takers, options.rounds)
    bounds.note(PLAIN_BOUND, AT_MOST, 1.01,
                ratio_of(taken["haul"], taken["haul before"], "cpu_us"))
    page.table(["client", "CPU us/request", "requests/s", "of the build before", "note"],
               [[name, of_name.cell("cpu_us", ".2f"), of_name.cell("rate", ",.0f"),
                 ratio_of(of_name, taken["haul before"], "cpu_us"), of_name.note()]
                for name, of_name in taken.items()])


def closing_rows(options, server, endpoint, resuming, bounds):
    load = sized(options.programs,
                 Load(endpoint.url("/p/1"), CLOSING_CONNECTIONS,
                      GUESS_RESUMED if resuming else GUESS_FULL, options.seconds, options.scratch,
                      root=endpoint.root, closing=True, resuming=resuming))
    taken, evidence = measure(options, server, endpoint, present(options, CLOSING_CLIENTS), load,
                              check_closing)
    base, s_time = best(taken, ["wrk", "curl"]), best(taken, ["openssl s_time"])
    note_closing(bounds, taken, endpoint.key, resuming, base)
    for name, of_name in taken.items():
        seen = evidence.get(name)
        yield [KEY_NAMES[endpoint.key], name, of_name.cell("cpu_us", ".0f"),
               of_name.cell("window_us", ".0f"), of_name.cell("rate", ",.0f"),
               *(ratio_of(of_name, peer, "cpu_us") for peer in (base, s_time)),
               f"{seen.reused} of {seen.connections}" if seen else "", of_name.note()]


def note_closing(bounds, taken, key, resuming, base):
    haul = taken.get("haul")
    if resuming:
        bounds.note(f"resumed, {KEY_NAMES[key]}, of the better of curl and wrk", AT_MOST, 0.85,
                    ratio_of(haul, base, "cpu_us"))
    else:
        bounds.note(f"full handshake, {KEY_NAMES[key]}, verdict cached, of curl", AT_MOST,
                    FULL_BOUNDS[key], ratio_of(haul, taken.get("curl"), "cpu_us"))


def closing_tables(options, page, server, bounds, resuming):
    what = "sessions resumed" if resuming else "full handshakes"
    page.heading(f"https, a connection a request, {what}: nginx, TLS 1.2, "
                 f"{CLOSING_CONNECTIONS} connections at once")
    page.table(["key", "client", "CPU us/request", "window us/request", "connections/s",
                "of the better of wrk and curl", "of s_time", "resumed when checked", "note"],
               [row for key in options.keys
                for row in closing_rows(options, server, server.endpoints[key, resuming],
                                        resuming, bounds)])


# --- the first handshake of a process -------------------------------------------------------------

FIRST_HAUL = "{haul} --quiet --no-progress --format none {trust} {url}"
FIRST = {**{name: FIRST_HAUL.replace(*VARIANTS.get(name, ("", ""))) for name in HAULS},
         "curl": "curl --silent --show-error --fail --tls-max 1.2 {trust} --output /dev/null {url}"}


def take_single(options, name, url, root):
    trust = ["--cacert", root] if root else []
    return sample_of(Run(fill(FIRST[name], {**options.programs.facts, "trust": trust,
                                            "url": url})), 1)


def first_rows(options, server, key):
    endpoint = server.endpoints[key, True]
    rounds = options.rounds * FIRST_RUNS_A_ROUND
    takers = {}
    for name in present(options, FIRST):
        for url, root in ((endpoint.url("/p/1"), endpoint.root), (server.plain_url, "")):
            takers[name, bool(root)] = partial(take_single, options, name, url, root), rounds
    taken = interleave(f"first handshake {key}", takers, rounds)
    extra = {name: (taken[name, True].median("cpu") or 0)
             - (taken[name, False].median("cpu") or 0)
             for name, is_https in taken if is_https}
    for name, handshake_s in extra.items():
        https, http = taken[name, True], taken[name, False]
        is_whole = bool(https.samples and http.samples)
        yield [KEY_NAMES[key], name, https.cell("cpu", ".2f", as_ms),
               http.cell("cpu", ".2f", as_ms),
               f"{as_ms(handshake_s):.2f}" if is_whole else "",
               ratio(handshake_s, extra.get("curl")) if is_whole else "",
               https.note() or http.note()]


def first_tables(options, page, server, _bounds):
    page.heading("https, the first full handshake of a process: one request, less the same over "
                 "http")
    page.table(["key", "client", "https, CPU ms", "http, CPU ms", "difference", "of curl", "note"],
               [row for key in options.keys for row in first_rows(options, server, key)])


# --- bulk -----------------------------------------------------------------------------------------

# Each says how many bytes every body had.
BULK_HAUL = "{haul} --quiet --no-progress {trust} -c 1 {url}?[1-{files}]"
BULK = {**{name: BULK_HAUL.replace(*VARIANTS.get(name, ("", ""))) for name in HAULS},
        "curl": "curl --silent --show-error --fail --fail-early --tls-max 1.2 {trust} "
                "--output /dev/null --write-out body_bytes:%{{size_download}}\\n "
                "{url}?[1-{files}]"}


def take_bulk(options, endpoint, name, path, wanted):
    facts = {**options.programs.facts, "trust": ["--cacert", endpoint.root],
             "url": endpoint.url(path), "files": BULK_FILES}
    run = Run(fill(BULK[name], facts))
    sizes = [int(size) for size in re.findall(r'body_bytes"?:(\d+)', run.text)]
    if sizes != [wanted] * BULK_FILES:
        raise Failure(f"{BULK_FILES} bodies of {wanted} bytes were to come, not {sizes}")
    return sample_of(run, BULK_FILES)


def bulk_rows(options, server, bounds):
    endpoint = server.endpoints[options.keys[0], True]
    suites = {}

    def take(name):
        if name not in suites:
            evidence = gather_evidence(
                server, partial(take_bulk, options, endpoint, name, "/check/1", PAGE_BYTES))
            check_suite(evidence)
            suites[name] = ", ".join(evidence.suites)
        return take_bulk(options, endpoint, name, "/" + BULK_NAME, options.bulk_bytes)

    takers = {name: (partial(take, name), options.rounds)
              for name in present(options, BULK)}
    taken = interleave("https bulk", takers, options.rounds)
    total_mb = BULK_FILES * options.bulk_bytes / 1e6
    bounds.note("bulk, of curl's MB a CPU second", AT_LEAST, 1.1,
                ratio_of(taken.get("curl"), taken.get("haul"), "cpu"))
    for name, of_name in taken.items():
        yield [name, of_name.cell("cpu", ".0f", lambda seconds: total_mb / seconds),
               of_name.cell("cpu", ".3f"),
               of_name.cell("wall", ".2f"), ratio_of(taken.get("curl"), of_name, "cpu"),
               suites.get(name, ""), of_name.note()]


def bulk_tables(options, page, server, bounds):
    page.heading(f"https, bulk: {BULK_FILES} x {options.bulk_bytes >> 20} MiB one after the other, "
                 f"nginx, {KEY_NAMES[options.keys[0]]}")
    page.table(["client", "MB per CPU second", "CPU s", "wall s", "of curl's MB per CPU second",
                "suite", "note"], bulk_rows(options, server, bounds))


# --- all of it ------------------------------------------------------------------------------------

LEGEND = """\
nginx keeps sessions by session id (no tickets), and refuses them where full handshakes are
measured. Its one suite is ECDHE with AES-128-GCM. haul, haul bench, curl and s_time verify the
server's certificate against its root, haul bench with its cache of verdicts as it is by default;
haul's TLS is BearSSL with libcrypto's arithmetic; haul bearssl is BearSSL alone, haul openssl is
libssl, haul before the build that --before names. wrk verifies nothing, and its figure grows with the
time that a handshake takes, since it asks its sockets over and over meanwhile. s_time makes one
connection after the other. That connections were kept, or sessions resumed, was read from nginx's log
($connection, $ssl_session_reused) of an untimed run of each client; the first connections, which are
opened at once, have nothing to resume. The first handshake of haul's process loads libssl; curl is
linked with it, and pays for that over http too. Each of many origins has another name, so that its
chain is verified, and speaks TLS 1.3 too, which curl and haul openssl take."""


def without_libssl(folder):
    """Where a loader that looks there first finds files that are no libraries."""
    path = os.path.join(folder, "no_libssl")
    os.mkdir(path)
    for version in (3, 4):
        with open(f"{path}/libssl.so.{version}", "w", encoding="ascii"):
            pass
    return path


def origin_tables(options, page, bounds):
    """Also without the rest."""
    names = [name for name in present(options, [*HAULS, "curl"]) if name != "haul before"]
    names += ["curl, TLS 1.2"] * ("curl" in names)
    for name in names:
        change = VARIANTS.get(name)
        if change:
            origins.ORIGINS[name] = origins.HAUL.replace(*change)
    origins.tables(options, page, names, read_log, bounds)


def can_run(options):
    if options.programs.has("nginx") and options.programs.has("openssl"):
        if "no_libssl" not in options.programs.facts:
            options.programs.facts["no_libssl"] = without_libssl(options.scratch)
        return True
    say("skipped https")
    return False


def tables_of_origins(options, page):
    if can_run(options):
        bounds = Bounds()
        origin_tables(options, page, bounds)
        bounds.table(page)


def tables(options, page):
    if not can_run(options):
        return
    folder = os.path.join(options.scratch, "https")
    os.mkdir(folder)
    server = HttpsServer(folder, options.descriptors, options.keys, options.bulk_bytes)
    bounds = Bounds()
    for part in (kept_tables, plain_tables, partial(closing_tables, resuming=True),
                 partial(closing_tables, resuming=False), first_tables, bulk_tables):
        part(options, page, server, bounds)
        if server.process.poll() is not None:
            raise Failure("nginx has ended")
    origin_tables(options, page, bounds)
    bounds.table(page)
    page.text(LEGEND)
