"""10,000 different URLs from a file, with NDJSON out, beside what else would be used for that."""

import os
from functools import partial

from peers.clients import CLIENTS, count_printed, fill, sample_of
from peers.process import Failure, Run, say
from peers.tables import interleave, rows_beside_curl

URL_COUNT = 10000
CONCURRENCY = 100

WORDS = {
    "haul": "{haul} --quiet --no-progress -c {connections} -i {list}",
    "curl": "curl --silent --no-progress-meter --show-error --parallel --parallel-immediate "
            "--parallel-max {connections} --config {config}",
    **{name: client.words for name, client in CLIENTS.items() if client.module},
}


def write_inputs(server, facts):
    urls = [server.url(server.page.format(n)) for n in range(1, URL_COUNT + 1)]
    with open(facts["list"], "w", encoding="ascii") as file:
        file.writelines(url + "\n" for url in urls)
    with open(facts["config"], "w", encoding="ascii") as file:
        file.writelines(f'url = "{url}"\noutput = /dev/null\n' for url in urls)


def ndjson_count(path):
    """Good answers, or 0 where one is not in its place."""
    good = 0
    with open(path, encoding="utf-8") as lines:
        for index, line in enumerate(lines):
            if not line.startswith(f'{{"index":{index},'):
                return 0
            good += '"status":200,' in line
    return good


def take(name, facts):
    run = Run(fill(WORDS[name], facts), facts["out"] if name == "haul" else None)
    good = URL_COUNT
    if name == "haul":
        good = ndjson_count(facts["out"])
    elif name != "curl":
        good = count_printed(run, URL_COUNT)
    if good != URL_COUNT:
        raise Failure(f"{good} of {URL_COUNT} replies are good{run.last_words()}")
    return sample_of(run, URL_COUNT)


HEADS = ["client", "rounds", "CPU us/request", "wall ms", "CPU of curl", "wall of curl", "note"]


def tables(options, page, server):
    title = (f"{URL_COUNT:,} different URLs from a file, {server.name} "
             f"{server.page.format('ANY')}, {CONCURRENCY} at once")
    say(title)
    page.heading(title)
    programs = options.programs
    names = [name for name in WORDS
             if name == "haul" or name in options.peers and programs.has(name)]
    facts = {**programs.facts, "connections": CONCURRENCY,
             **{name: os.path.join(options.scratch, name) for name in ("list", "config", "out")}}
    write_inputs(server, facts)
    # Python takes seconds a run: one is telling enough.
    takers = {name: (partial(take, name, facts), 1 if CLIENTS[name].module else 100)
              for name in names}
    page.table(HEADS, rows_beside_curl(interleave("URLs", takers, options.rounds)))
