"""Keep-alive load: one URL over and over, at several numbers of connections."""

from dataclasses import replace
from functools import partial

from peers.clients import CLIENTS, Load, take_floor, take_sample
from peers.process import Failure, say
from peers.tables import interleave, ratio_of

GUESS_REQUESTS = 20000
SLOW_RATE = 1000

LEGEND = """\
CPU: user and system time of the whole client process (wait4), its start and its connecting
included, a request. Window: the same as the client itself reports it, without those and after a
warm-up of 0.4 s. Of wrk: whole processes. Of a floor: windows, where the client has one. Behind a
median, the least and the greatest round. Slow clients are asked for fewer requests, so that their
start weighs more. curl runs with --parallel."""


def sized(programs, load):
    """The load, with as many requests as haul makes here in its time."""
    try:
        rate = take_sample(CLIENTS["haul"], programs, load).rate
    except Failure as failure:
        say(f"haul on {load.url}: {failure}")
        rate = SLOW_RATE
    return replace(load, requests=round(rate * load.seconds))


def takers(programs, names, floors, load, rounds):
    """For interleave()."""
    own = {name: (partial(take_sample, CLIENTS[name], programs, load),
                  min(rounds, CLIENTS[name].rounds)) for name in names}
    return own | {name: (partial(take_floor, words, load), rounds)
                  for name, words in floors.items()}


def heads(floors):
    return ["connections", "client", "CPU us/request", "window us/request", "user", "requests/s",
            "of wrk", *(f"of {name}" for name in floors), "note"]


def rows(connections, taken, floors):
    for name, of_name in taken.items():
        own = "window_us" if of_name.values("window_us") else "cpu_us"
        user = of_name.median("user_share")
        yield [str(connections), name, of_name.cell("cpu_us", ".2f"),
               of_name.cell("window_us", ".2f"), "" if user is None else f"{100 * user:.0f} %",
               of_name.cell("rate", ",.0f"), ratio_of(of_name, taken.get("wrk"), "cpu_us"),
               *(ratio_of(of_name, taken[floor], own, "window_us") for floor in floors),
               of_name.note()]


def measure(options, server, connections):
    say(f"keep-alive load, {server.name}, {connections} connections")
    # Opening the connections is a part of a run: the more of them, the longer it takes to tell.
    seconds = options.seconds * max(1, connections / 1000)
    load = sized(options.programs,
                 Load(server.url(server.small), connections, max(GUESS_REQUESTS, 8 * connections),
                      seconds, options.scratch))
    return interleave(f"{server.name}, {connections}",
                      takers(options.programs, options.clients, options.floors, load,
                             options.rounds), options.rounds)


def tables(options, page, server):
    page.heading(f"keep-alive load, {server.name} {server.small}")
    found = []
    try:
        for connections in options.connections:
            found += rows(connections, measure(options, server, connections), options.floors)
            if not server.is_up():
                raise Failure(f"{server.name} has ended")
    finally:  # what was found before it went wrong is worth reading
        page.table(heads(options.floors), found)
    page.text(LEGEND)
