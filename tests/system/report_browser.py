#!/usr/bin/env python3
"""Looks at a page with a headless Chromium: report_browser.py CHROMIUM PAGE

Prints facts, "look name value" a line: what the page says of itself in <body>'s data, and what the
browser says of the page. A look is a size of the screen, dark or light, with or without scripts. With
--pictures FOLDER, PNGs and a PDF go there. The browser is spoken to over a pair of pipes, so that no port is opened;
it has a profile of its own, and no name leads anywhere.
"""

import argparse
import base64
import fcntl
import json
import os
import pathlib
import re
import select
import subprocess
import sys
import tempfile
import time

LIMIT_S = 500  # below the time limit in tests/meson.build

#        name       width height phone dark   script
LOOKS = [
    ("desktop", 1280, 900, False, False, True),
    ("tablet", 768, 1024, True, False, True),
    ("phone", 360, 800, True, False, True),
    ("narrow", 320, 640, True, True, True),
    ("dark", 1280, 900, False, True, True),
    ("plain", 1280, 900, False, False, False),
]


class Browser:
    """A Chromium, and one tab of it."""

    def __init__(self, program, profile):
        # It reads from 3 and writes to 4; ours are from 10 on, so that neither is one of those.
        to_read, self.output = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in os.pipe()]
        self.input, to_write = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in os.pipe()]
        words = [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-extensions", "--disable-background-networking", "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe",
            f"--user-data-dir={profile}", "about:blank",
        ]
        self.process = subprocess.Popen(
            words, pass_fds=(3, 4), start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: (os.dup2(to_read, 3), os.dup2(to_write, 4)))
        os.close(to_read)
        os.close(to_write)
        self.deadline = time.monotonic() + LIMIT_S
        self.received, self.number, self.session, self.events = b"", 0, None, []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def receive(self):
        while b"\0" not in self.received:
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([self.input], [], [], left)[0]:
                sys.exit(f"the browser has not done it in {LIMIT_S} s")
            piece = os.read(self.input, 1 << 20)
            if not piece:
                sys.exit("the browser has ended")
            self.received += piece
        text, self.received = self.received.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.output, data) :]
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive())

    def close(self):
        self.session = None
        try:
            self.ask("Browser.close")
            self.process.wait(10)
        except (SystemExit, OSError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, 9)
            self.process.wait()


# Of the tables, those that scroll sideways, those of them that say so, and those that only say so; of
# what charts draw, how much lies beyond an axis: points and the ends of their intervals.
FACTS = r"""
function hints() {
    const frames = [...document.querySelectorAll('.frame')];
    const scrolls = (it) => it.scrollWidth > it.clientWidth + 1;
    const says = (it) => {
        const text = it.querySelector('caption span');
        return text && /scroll sideways/.test(getComputedStyle(text, '::after').content);
    };
    return {
        sideways: frames.filter(scrolls).length,
        wide: frames.filter(scrolls).map((it) => it.ariaLabel).join('; '),
        hinted: frames.filter((it) => scrolls(it) && says(it)).length,
        misled: frames.filter((it) => !scrolls(it) && says(it)).length,
    };
}
function beyond() {
    if (typeof Chart === 'undefined') return 0;
    let found = 0;
    for (const canvas of document.querySelectorAll('canvas')) {
        const {scales, data} = Chart.getChart(canvas);
        for (const set of data.datasets)
            for (const it of set.data.filter(Boolean)) {
                const along = set.along || 'y';
                const ends = [it[along], it.low, it.high].filter((value) => value != null);
                const other = along === 'x' ? 'y' : 'x';
                const isOff = (axis, value) => value < axis.min - 1e-9 || value > axis.max + 1e-9;
                found += ends.some((value) => isOff(scales[along], value)) ||
                    isOff(scales[other], it[other]);
            }
    }
    return found;
}
"""


def look(browser, page, name, width, height, phone, dark, script):
    """Loads the page anew; its facts."""
    browser.events.clear()
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                deviceScaleFactor=2 if phone else 1, mobile=phone)
    browser.ask("Emulation.setEmulatedMedia", media="", features=[
        {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
    browser.ask("Emulation.setScriptExecutionDisabled", value=not script)
    browser.ask("Page.navigate", url=pathlib.Path(page).resolve().as_uri())
    browser.wait("Page.loadEventFired")
    source = FACTS + """(() => { const count = (what) => document.querySelectorAll(what).length;
        return JSON.stringify({...document.body.dataset, canvases: count('canvas'),
            tables: count('table'), rows: count('tbody tr'), width: innerWidth,
            scroll: document.documentElement.scrollWidth, title: document.title,
            bold: count('td b, li b'), ...hints(), beyond: beyond()}); })()"""
    value = browser.ask("Runtime.evaluate", expression=source)["result"].get("value", "{}")
    facts = json.loads(value)
    sent = [event["params"]["request"]["url"] for event in browser.events
            if event.get("method") == "Network.requestWillBeSent"]
    facts["requests"] = len(sent)
    facts["complaints"] = sum(event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")
                              for event in browser.events)
    for key, value in sorted(facts.items()):
        print(name, key, value)


def sort(browser):
    """Clicks the heading of a column of numbers twice: is it sorted then, downwards?"""
    source = """(() => {
        const table = document.querySelector('#numbers').closest('section').querySelector('table');
        const heads = [...table.tHead.rows[0].cells];
        const column = heads.findIndex((cell) => /CPU/.test(cell.textContent));
        const button = heads[column].querySelector('button');
        button.click(); button.click();
        const values = [...table.tBodies[0].rows].map((row) => row.cells[column].dataset.sort);
        return values.length > 1 &&
            values.every((value, i) => i === 0 || Number(value) <= Number(values[i - 1])); })()"""
    print("desktop sorted", browser.ask("Runtime.evaluate", expression=source)["result"]["value"])


def choose(browser):
    """Takes the last choice of each: are all charts still drawn?"""
    source = """(() => { for (const select of document.querySelectorAll('select')) {
        select.selectedIndex = select.options.length - 1;
        select.dispatchEvent(new Event('change')); }
        return document.body.dataset.drawn; })()"""
    print("desktop chosen", browser.ask("Runtime.evaluate", expression=source)["result"]["value"])


def paper(browser):
    # A4 within its margins is 688 pixels wide: what does not fit into that is cut.
    browser.ask("Emulation.setDeviceMetricsOverride", width=688, height=1000, deviceScaleFactor=1,
                mobile=False)
    browser.ask("Emulation.setEmulatedMedia", media="print")
    source = """Math.max(0, ...[...document.querySelectorAll('.frame, figure')]
        .map((frame) => frame.scrollWidth - frame.clientWidth))"""
    print("paper cut", browser.ask("Runtime.evaluate", expression=source)["result"]["value"])
    browser.ask("Emulation.setEmulatedMedia", media="")
    browser.ask("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1,
                mobile=False)
    data = base64.b64decode(browser.ask("Page.printToPDF", printBackground=True)["data"])
    print("paper pages", len(re.findall(rb"/Type\s*/Page\b", data)))
    return data


def picture(browser):
    return base64.b64decode(browser.ask(
        "Page.captureScreenshot", captureBeyondViewport=True, format="png")["data"])


def look_all(browser, page, names, folder):
    for row in LOOKS:
        if row[0] not in names:
            continue
        look(browser, page, *row)
        if folder:
            pathlib.Path(folder, row[0] + ".png").write_bytes(picture(browser))
        if row[0] == "desktop":
            printed = paper(browser)
            sort(browser)
            choose(browser)
            if folder:
                pathlib.Path(folder, "paper.pdf").write_bytes(printed)


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--looks", default=",".join(row[0] for row in LOOKS))
    words.add_argument("--pictures", metavar="FOLDER")
    words.add_argument("chromium")
    words.add_argument("page")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(asked.chromium, profile)
        try:
            for domain in ("Page", "Network", "Log", "Runtime"):
                browser.ask(f"{domain}.enable")
            look_all(browser, asked.page, asked.looks.split(","), asked.pictures)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
