"""Processes of ours: clients, which run to their end on one processor, and servers on another.

The hard idea: whatever happens, a signal included, nothing of ours stays behind. A signal that
comes while a process is being started waits until that process is known, and every process that is
known is ended by its id.
"""

import contextlib
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ALLOWED = sorted(os.sched_getaffinity(0))
CLIENT_CPU = ALLOWED[0]
SERVER_CPU = ALLOWED[1] if len(ALLOWED) > 1 else ALLOWED[0]
RUN_SECONDS_MAX = 120
END_SECONDS_MAX = 5
REASON_LETTERS_MAX = 90


class Failure(Exception):
    """Why there is no figure, as a row of a table says it."""


def say(text):
    print("versus: " + text, file=sys.stderr, flush=True)


# --- signals --------------------------------------------------------------------------------------


class Signals:
    """Ends the program as soon as no process is being started or ended."""

    def __init__(self):
        self.deferrals = 0
        self.pending = 0

    def catch(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.on_signal)

    def on_signal(self, number, _frame):
        if self.deferrals:
            self.pending = number
        else:
            sys.exit(128 + number)

    @contextlib.contextmanager
    def deferred(self):
        self.deferrals += 1
        try:
            yield
        finally:
            self.deferrals -= 1
        if self.pending and not self.deferrals:
            sys.exit(128 + self.pending)


signals = Signals()


# --- starting and ending --------------------------------------------------------------------------

living = []


def spawn(argv, cpu, **streams):
    """A Popen on that processor, which end() or end_all() must see again."""
    with signals.deferred():
        os.sched_setaffinity(0, {cpu})
        try:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, **streams)
        except OSError as error:
            raise Failure(f"{argv[0]} cannot be started: {error.strerror}") from None
        finally:
            os.sched_setaffinity(0, ALLOWED)
        living.append(process)
    return process


def end(process):
    with signals.deferred():
        process.terminate()
        try:
            process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        living.remove(process)


def end_all():
    for process in list(living):
        end(process)


def wait_usage(process, seconds_max):
    """The resources it used; None where it had to be killed since time was up."""
    handle = os.pidfd_open(process.pid)
    try:
        is_done = select.select([handle], [], [], seconds_max)[0]
    finally:
        os.close(handle)
    with signals.deferred():
        if not is_done:
            process.kill()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        living.remove(process)
    return usage if is_done else None


class Run:
    """A client process that has ended: its times in seconds, and what it wrote."""

    def __init__(self, argv, stdout_path=None, statuses=(0,), seconds_max=RUN_SECONDS_MAX):
        with contextlib.ExitStack() as files:
            out = files.enter_context(open(stdout_path, "wb+") if stdout_path
                                      else tempfile.TemporaryFile())
            errors = files.enter_context(tempfile.TemporaryFile())
            begin = time.monotonic()
            process = spawn(argv, CLIENT_CPU, stdout=out, stderr=errors)
            usage = wait_usage(process, seconds_max)
            self.wall = time.monotonic() - begin
            self.text = "" if stdout_path else self.read(out)
            self.errors = self.read(errors)
        if not usage:
            raise Failure(f"was not done after {seconds_max:.0f} s")
        if process.returncode not in statuses:
            raise Failure(f"status {process.returncode}{self.last_words()}")
        self.user, self.system = usage.ru_utime, usage.ru_stime
        self.cpu = self.user + self.system

    @staticmethod
    def read(file):
        file.seek(0)
        return file.read().decode("utf-8", "replace")

    def last_words(self):
        lines = (self.errors.strip() or self.text.strip()).splitlines()
        return ": " + lines[-1].strip()[-REASON_LETTERS_MAX:] if lines else ""


# --- the machine ----------------------------------------------------------------------------------


def find(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")


def raise_descriptors():
    """As many as are allowed, for all processes to come."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
