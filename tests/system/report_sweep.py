#!/usr/bin/env python3
"""A sweep that nobody ran: report_sweep.py [--rounds N] [--seed N] [axis=value,value...]...

Prints sweep.ndjson as `haul bench sweep` writes it. The numbers are drawn from a model: epoll costs
a little more than io_uring from 256 connections on, a thread a connection costs a lot more. Some runs
are client-bound, one cell has failed runs, one has errors, and text has characters that a page must
not take for its own.
"""

import argparse
import base64
import itertools
import json
import math
import random
import struct
import time
import zlib

NASTY = "</script><script>document.title='bad'</script> & \"quoted\" | `code` <!-- <b>"
COST = {"uring": 4.4, "epoll": 4.45, "threads": 7.5}


def histogram(values_ns):
    """HdrHistogram V2, three digits, deflated, in base64."""
    counts = {}
    for value in values_ns:
        octave = max(0, value.bit_length() - 11)
        index = (octave << 10) + (value >> octave)
        counts[index] = counts.get(index, 0) + 1
    words, at = bytearray(), 0
    for index in sorted(counts):
        if index > at:
            leb128(words, at - index)
        leb128(words, counts[index])
        at = index + 1
    head = struct.pack(">iiiiqqd", 0x1C849313, len(words), 0, 3, 1, 2**42 - 1, 1.0)
    packed = zlib.compress(head + bytes(words))
    return base64.b64encode(struct.pack(">ii", 0x1C849314, len(packed)) + packed).decode()


def leb128(words, number):
    number = number * 2 if number >= 0 else -number * 2 - 1
    while number >= 128:
        words.append(number & 127 | 128)
        number >>= 7
    words.append(number)


def size(text):
    return int(text[:-1]) * 1024 if text.endswith("k") else int(text)


def latency(values_us):
    values_us = sorted(values_us)
    count = len(values_us)
    of = lambda q: values_us[min(count - 1, math.ceil(q * count) - 1)]
    mean = sum(values_us) / count
    return {
        "count": count, "min": values_us[0], "p50": of(0.5), "p75": of(0.75), "p90": of(0.9),
        "p95": of(0.95), "p99": of(0.99), "p99_9": of(0.999), "p99_99": of(0.9999),
        "max": values_us[-1], "mean": mean,
        "stddev": math.sqrt(sum((value - mean) ** 2 for value in values_us) / count),
    }


def run(cell, number, rng):
    loop, c = cell.get("loop", "uring"), int(cell.get("c", "64"))
    body, tls = size(cell.get("body", "128")), cell.get("tls") == "on"
    close = cell.get("close") == "on"
    gap = {"uring": 0, "epoll": 0.004, "threads": 0.08}[loop] * max(0, math.log2(c / 64))
    cpu = COST[loop] * (1 + gap) * (1 + 0.03 * math.log2(c + 1))
    cpu += body / 16384 + 9 * tls + 14 * close
    cpu *= rng.lognormvariate(0, 0.012)
    # One processor, and 150 us there and back: few connections cannot keep it busy.
    rate = min(c * 1e6 / (150 + cpu), 0.97e6 / cpu) * rng.lognormvariate(0, 0.02)
    middle = c * 1e6 / rate
    tail = {"uring": 0.28, "epoll": 0.31, "threads": 0.5}[loop]
    values = [middle * rng.lognormvariate(0, tail) for _ in range(4000)]
    values += [middle * rng.lognormvariate(1.2, 0.5) for _ in range(40)]
    bound = rate * cpu > 0.95e6 and c >= 4000
    return {
        "schema": "haul-bench/1", "kind": "run", "haul": "0.1.0",
        "started_at": time.strftime("2026-11-21T%H:%M:%S.000Z", time.gmtime(number)),
        "url": "http://127.0.0.1:9000/s", "targets": 1, "server": "embedded", "method": "GET",
        "loop": loop, "connections": c, "threads": 1, "pipeline": 1, "http": "1.1",
        "close": close, "tls": tls, "mode": "closed", "requests": int(rate * 2),
        "replies": int(rate * 2), "rate_per_s": rate, "rate_held": None, "unsent": 0,
        "error_count": 0, "latency_us": {"intended": None, "actual": latency(values)},
        "phases_us": {"queue": None, "connect": None, "tls": None,
                      "first_byte": latency([value * 0.9 for value in values]),
                      "body": latency([value * 0.1 for value in values])},
        "cpu": {"us_per_request": cpu, "user_us_per_request": cpu * 0.08,
                "system_us_per_request": cpu * 0.92, "busiest_thread": min(1, rate * cpu / 1e6)},
        "system_calls_per_request": 0.03 if loop == "uring" else 1.1,
        "completions_per_request": 1.0,
        "instrument": {
            "verdict": "client_bound" if bound else "ok", "was_bottleneck": bound,
            "sentences": ["A client thread was busy for 97 % of the window: the client was the "
                          "bottleneck." if bound else "Nothing stood in the way."],
        },
        "environment": {
            "kernel": "Linux 6.18.44", "distribution": "Debian GNU/Linux 12 (bookworm)",
            "cpu": "AMD EPYC 9R14", "cores_online": 2, "cores_allowed": 2,
            "governor": "performance", "mitigations": NASTY, "hypervisor": "KVM",
            "container": None, "nofile_soft": 1048576, "congestion_control": "bbr",
            "clock_source": "kvm-clock" if number > 20 else "tsc", "haul": "0.1.0",
            "liburing": "2.3", "load_average": round(rng.uniform(0.8, 2.2), 2),
        },
        "histograms": {"unit": "ns", "actual": histogram([int(value * 1000) for value in values]),
                       "intended": None},
    }


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("axes", nargs="*", default=[
        "loop=uring,epoll,threads", "c=1,64,256,1000,4000", "body=128,4k", "tls=off,on"])
    asked = words.parse_args()
    axes = {name: values.split(",") for name, values in (word.split("=") for word in asked.axes)}
    cells = [dict(zip(axes, values)) for values in itertools.product(*axes.values())]
    runs = [(cell, number) for number in range(1, asked.rounds + 1) for cell in cells]
    rng = random.Random(asked.seed)
    rng.shuffle(runs)
    print(json.dumps({
        "schema": "haul-bench/1", "kind": "sweep", "rounds": asked.rounds, "options": ["-z", "2s"],
        "matrix": ";".join(asked.axes), "axes": axes, "cells": len(runs), "seed": 1}))
    for i, (cell, number) in enumerate(runs):
        line = {"schema": "haul-bench/1", "kind": "cell", "cell": cell, "round": number}
        if cell == cells[-1] and number == 2:
            line["failed"] = "connect: refused " + NASTY
        else:
            line["run"] = run(cell, i * 7, rng)
            if cell == cells[0]:
                line["run"]["error_count"] = 3
        print(json.dumps(line))


main()
