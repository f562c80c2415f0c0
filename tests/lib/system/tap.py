"""Rows of TAP, for the tests of programs that are written in Python. They import it by its path:

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "system"))
    from tap import row, same, skip

A row is a function; what it raises is why it is not ok.
"""

import subprocess
import sys

count = failures = 0
TROUBLES = (AssertionError, subprocess.SubprocessError, LookupError, OSError, ValueError)


def tell(name, trouble=None, skipped=None):
    """trouble: a text; None: it is ok."""
    global count, failures
    count += 1
    failures += trouble is not None
    print("".join(f"# {line}\n" for line in (trouble or "").splitlines()), end="")
    print(f"{'' if trouble is None else 'not '}ok {count} - {name}"
          + (f" # SKIP {skipped}" if skipped else ""), flush=True)


def row(name, function, *arguments):
    try:
        function(*arguments)
    except TROUBLES as trouble:
        tell(name, f"{type(trouble).__name__}: {trouble}")
    else:
        tell(name)


def skip(name, why):
    tell(name, skipped=why)


def row_unless(why, name, function, *arguments):
    """Skipped where there is a why not."""
    if why:
        skip(name, why)
    else:
        row(name, function, *arguments)


def same(got, wanted, of=""):
    assert got == wanted, f"{of}{': ' if of else ''}got {got!r}, wanted {wanted!r}"


def finish():
    """The plan, and the exit status."""
    print(f"1..{count}")
    sys.exit(failures > 0)
