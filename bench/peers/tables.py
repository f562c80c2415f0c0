"""Rounds, medians and tables.

The hard idea: the clients of a table run one after the other, A B A B …, so that what the machine
does meanwhile meets all of them alike.
"""

import statistics

from peers.process import Failure, say

FAULTS_MAX = 2


class Taken:
    """What one client has shown."""

    def __init__(self):
        self.samples, self.faults = {}, []  # samples by round

    def values(self, attribute):
        found = [getattr(sample, attribute) for sample in self.samples.values()]
        return [value for value in found if value is not None]

    def median(self, attribute):
        values = self.values(attribute)
        return statistics.median(values) if values else None

    def cell(self, attribute, form, change=float):
        """The median, and (least..greatest) of more than one."""
        values = [change(value) for value in self.values(attribute)]
        if not values:
            return ""
        spread = f" ({min(values):{form}}..{max(values):{form}})" if len(values) > 1 else ""
        return f"{statistics.median(values):{form}}{spread}"

    def note(self):
        if not self.faults:
            return ""
        if not self.samples:
            return self.faults[0]
        tries = len(self.samples) + len(self.faults)
        return f"{len(self.faults)} of {tries} runs failed: {self.faults[0]}"


def interleave(title, takers, rounds):
    """{name: Taken}, of {name: (function that returns a sample or raises Failure, its rounds)}."""
    taken = {name: Taken() for name in takers}
    for turn in range(rounds):
        for name, (take, own_rounds) in takers.items():
            of_name = taken[name]
            if turn >= own_rounds or len(of_name.faults) == FAULTS_MAX:
                continue
            try:
                of_name.samples[turn] = take()
            except Failure as failure:
                if not of_name.faults:
                    say(f"{title}: {name}: {failure}")
                of_name.faults.append(str(failure))
    return taken


def ratio(value, base):
    return f"{value / base:.2f}" if value is not None and base else ""


def ratio_of(own, base, attribute, base_attribute=None):
    """The median of the rounds' ratios: a machine that is slower for a while is so for both."""
    if own is None or base is None:
        return ""
    pairs = [(getattr(sample, attribute), getattr(base.samples[turn], base_attribute or attribute))
             for turn, sample in own.samples.items() if turn in base.samples]
    ratios = [value / of_base for value, of_base in pairs if value is not None and of_base]
    return ratio(statistics.median(ratios), 1) if ratios else ""


def as_ms(seconds):
    return seconds * 1000


def rows_beside_curl(taken):
    base = taken.get("curl")
    for name, of_name in taken.items():
        yield [name, str(len(of_name.samples)), of_name.cell("cpu_us", ".1f"),
               of_name.cell("wall", ".0f", as_ms),
               *(ratio_of(of_name, base, key) for key in ("cpu", "wall")),
               of_name.note()]


class Page:
    """Where tables go: standard output, as text or as Markdown."""

    def __init__(self, is_markdown):
        self.is_markdown = is_markdown

    def heading(self, text):
        print(f"### {text}\n" if self.is_markdown else text)

    def facts(self, facts):
        width = max(len(name) for name, _ in facts)
        for name, fact in facts:
            print(f"- {name}: {fact}" if self.is_markdown else f"{name:{width}}  {fact}")
        print(flush=True)

    def table(self, heads, rows):
        """Without the columns that would be empty. Words stand left, numbers right."""
        rows = list(rows)
        if not rows:
            return
        if self.is_markdown:
            rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
        kept = [i for i in range(len(heads)) if any(row[i] for row in rows)]
        heads, rows = [heads[i] for i in kept], [[row[i] for i in kept] for row in rows]
        widths = [max(len(line[i]) for line in [heads, *rows]) for i in range(len(heads))]
        is_right = [all(row[i][:1] in "0123456789-" for row in rows) for i in range(len(heads))]
        print(self.line(heads, widths, is_right))
        if self.is_markdown:
            print("|" + "|".join("-" * (width + 1) + (":" if right else "-")
                                 for width, right in zip(widths, is_right)) + "|")
        for row in rows:
            print(self.line(row, widths, is_right))
        print(flush=True)

    def line(self, cells, widths, is_right):
        padded = [f"{cell:{'>' if right else '<'}{width}}"
                  for cell, width, right in zip(cells, widths, is_right)]
        if self.is_markdown:
            return "| " + " | ".join(padded) + " |"
        return "  ".join(padded).rstrip()

    def text(self, text):
        print(text + "\n", flush=True)
