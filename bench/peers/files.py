"""5,000 bodies of 16 KB into files, each run into a directory of its own.

The hard idea: nothing is deleted before all is measured. On ext4 a file is several times dearer to
make for some seconds after many were deleted, and whoever ran next would pay for it.
"""

import os
from functools import partial

from peers.clients import fill, sample_of
from peers.process import Failure, Run, say
from peers.servers import haul_server
from peers.tables import interleave, rows_beside_curl

FILE_COUNT = 5000
FILE_BYTES = 16384
CONCURRENCY = 64

WORDS = {
    "haul": "{haul} --quiet --no-progress --format none -c {connections} --bodies {folder} "
            "-i {list}",
    "curl": "curl --silent --no-progress-meter --show-error --parallel --parallel-immediate "
            "--parallel-max {connections} --config {config}",
}


def write_inputs(server, facts):
    urls = [server.url(server.page.format(n)) for n in range(FILE_COUNT)]
    with open(facts["list"], "w", encoding="ascii") as file:
        file.writelines(url + "\n" for url in urls)
    with open(facts["config"], "w", encoding="ascii") as file:
        file.writelines(f'url = "{url}"\noutput = "{facts["folder"]}/{n:06}"\n'
                        for n, url in enumerate(urls))


class Folders:
    """One for each run."""

    def __init__(self, scratch):
        self.scratch, self.count = scratch, 0

    def make(self):
        self.count += 1
        folder = os.path.join(self.scratch, f"files-{self.count}")
        os.mkdir(folder)
        return folder


def take(name, server, facts, folders):
    facts = {**facts, "folder": folders.make()}
    write_inputs(server, facts)
    run = Run(fill(WORDS[name], facts))
    good = sum(entry.stat().st_size == FILE_BYTES for entry in os.scandir(facts["folder"]))
    if good != FILE_COUNT:
        raise Failure(f"{good} of {FILE_COUNT} files are good{run.last_words()}")
    return sample_of(run, FILE_COUNT)


HEADS = ["client", "rounds", "CPU us/file", "wall ms", "CPU of curl", "wall of curl", "note"]


def tables(options, page):
    title = (f"{FILE_COUNT:,} bodies of {FILE_BYTES:,} bytes into files, fresh directories, "
             f"{CONCURRENCY} at once")
    say(title)
    page.heading(title)
    programs = options.programs
    path = f"/bytes/{FILE_BYTES}"
    server = haul_server(programs.facts["haul_server"], path, path + "?{}")
    names = [name for name in WORDS
             if name != "curl" or name in options.peers and programs.has(name)]
    facts = {**programs.facts, "connections": CONCURRENCY,
             **{name: os.path.join(options.scratch, name) for name in ("list", "config")}}
    folders = Folders(options.scratch)
    takers = {name: (partial(take, name, server, facts, folders), 100) for name in names}
    page.table(HEADS, rows_beside_curl(interleave("files", takers, options.rounds)))
