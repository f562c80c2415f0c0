"""What is made of the rows: --help, the manual and the completions. Rows of TAP.

    texts.py HAUL MANUAL.scd PAGE BASH ZSH FISH ROWS...

ROWS are those that the completions are made of (tools/completions/completions.py says how they are
written); PAGE is what scdoc made, or empty. The completions are tried in the shells that are here.
"""

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib", "system"))
from tap import finish, row, row_unless, same, skip  # noqa: E402

haul, scd_path, page_path, bash_path, zsh_path, fish_path, *rows_paths = [
    path and os.path.realpath(path) for path in sys.argv[1:]]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def output(*words, **settings):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          encoding="utf-8", **settings).stdout


class Option:
    def __init__(self, command, letter, name, value, how, often, initial, span, text):
        self.command, self.letter, self.name, self.value, self.how = command, letter, name, value, how
        self.many, self.initial, self.span, self.help = often == "many", initial, span, text
        self.title = (f"{letter}, " if letter else "") + name + (f" {value}" if value else "")


def lines_of(kind):
    lines = [line.split("\t") for path in rows_paths for line in read(path).splitlines()]
    return [parts[1:] for parts in lines if parts[0] == kind]


def options(command="haul"):
    return [Option(*parts) for parts in lines_of("option") if command in (None, parts[0])]


# --- --help and the manual ------------------------------------------------------------------------

def help_has_all():
    lines = output(haul, "--help", "all")
    for option in options():
        line = option.help + (f" ({option.initial})" if option.initial else "") + "\n"
        assert re.search(re.escape(option.title) + r"\s+" + re.escape(line), lines), f"no {line}"


# The paragraph below an option's names, in text without marks.
def paragraph(text, option):
    found = re.findall("^" + re.escape(option.title) + r"\n((?:[ \t]+.*\n)+)", text, re.M)
    same(len(found), 1, f"paragraphs of {option.title}")
    return " ".join(found[0].split())


def manual_has_all():
    text = re.sub(r"\\(.)|[*_]", r"\1", read(scd_path))
    for option in options():
        told = paragraph(text, option)
        facts = [f"Default {option.initial}."] if option.initial else []
        facts += ["May be repeated."] if option.many else []
        least, _, most = option.span.partition("..")
        if most and int(most) < 2**63 - 1:
            facts.append(f"From {int(least):,} to {int(most):,}.")
        for fact in facts:
            assert fact in told, f"{option.title}: no {fact} in {told!r}"


def manual_has_no_others():
    text = re.sub(r"\\(.)|[*_]", r"\1", read(scd_path))
    written = re.findall(r"^(?:-\S, )?(--[a-z0-9.-]+).*\n\t", text, re.M)
    same(written, [option.name for option in options()], "options of the manual")
    assert not re.search(r"^@", text, re.M), "a mark was left"


def page_has_all():
    text = re.sub(r"\\f.|\\&|\\", "", read(page_path))
    for option in options():
        assert re.search("^" + re.escape(option.title) + "$", text, re.M), f"no {option.title}"


def exits_are_in_the_manual():
    text = read(scd_path)
    for line in output(haul, "--help", "exits").splitlines():
        code, errors, when = line[:3].strip(), line[5:16].strip(), line[18:]
        place = re.search(rf"\*{code}\*\n: *\[? (.*)\n: *\[? {re.escape(when)}\n", text)
        assert place, f"no {code} {when}"
        same(place.group(1).strip("_").replace("-, _", "-, "), errors or "-", f"errors of {code}")


# The members of a line, in their order, are those of the manual; a CSV has those without lists.
def fields_are_in_the_manual():
    text = read(scd_path)
    table = re.search(r"^\|\[ \*index\*\n(?:.+\n)+", text, re.M).group(0)
    told = re.findall(r"^\|\[? +\*([a-z0-9_.]+)\*$", table, re.M)
    has_codings = "built without any" not in output(haul, "-V")
    coded = ["--compressed"] if has_codings else []
    line = json.loads(refused("--body", "--headers", "-v", "-L", "--retry", "1", *coded,
                              "--bodies", "dir"))
    names = [f"{name}.{part}" if part else name for name, value in line.items()
             for part in [""] + list(value if isinstance(value, dict) else [])]
    unseen = [name for name in told if name.startswith("tls.") or name == "body_base64" or
              name == "body_wire_bytes" and not has_codings]
    same([name for name in told if name not in unseen], names, "members of the manual")
    csv = refused("--format", "csv", "-L", "--retry", "1", *coded, "--bodies",
                  "dir").splitlines()
    wanted = [name.rpartition(".")[2] for name in names
              if name not in ("headers", "body", "tls", "error", "hops", "tries")]
    same(csv[0].split(","), wanted, "head of the CSV")
    same(csv[1].count(","), csv[0].count(","), "commas of a line")


def refused(*words):
    return subprocess.run([haul, "-q", *words, "http://127.0.0.1:1/"], stdout=subprocess.PIPE,
                          encoding="utf-8", check=False).stdout


# --- completions ----------------------------------------------------------------------------------

# What is between the begin of a case of that command and its end.
def case_of(text, command):
    found = re.search(rf"^ +(?:\(|){re.escape(repr(command))}\)\n(.*?);;\n", text, re.M | re.S)
    assert found, f"nothing for {command}"
    return found.group(1)


def completions_have_all():
    bash, zsh, fish = read(bash_path), read(zsh_path), read(fish_path)
    for option in options(None):
        command, name, words = option.command, option.name, option.value.replace("|", " ")
        listed = case_of(bash, command).split("'")[1].split()
        assert name in listed and (option.letter or name) in listed, f"bash: no {command} {name}"
        end = "" if option.how == "nothing" else "="
        place = re.search(rf"[,' ]{re.escape(name)}{end}(?:}}|)'\[.*", case_of(zsh, command))
        assert place, f"zsh: no {command} {name}"
        letter = f"-s {option.letter[1:]} " if option.letter else ""
        line = re.search(rf'^complete -c haul -n .__haul_is "{command}". {letter}'
                         rf"-l {re.escape(name[2:])} .*", fish, re.M)
        assert line, f"fish: no {command} {name}"
        if option.how == "words":
            assert f"{command} {name}') _haul_reply words '{words}'" in bash, f"bash: {name}"
            assert f":({words})'" in place.group(), f"zsh: no words of {name}"
            assert f" -x -a '{words}'" in line.group(), f"fish: no words of {name}"


# What the line and a tab may become, by each shell's own account. Files: a.txt, "b c.txt", dir/.
LINES = [
    ("haul --concu", "--concurrency"),
    ("haul -k --unord", "--unordered"),
    ("haul --format c", "csv"),
    ("haul --on-error ca", "cancel"),
    ("haul doc", "doctor"),
    ("haul -i a.", "a.txt"),
    ("haul --bodies d", "dir/"),
    ("haul http://127.0.0.1/ a.", None),
    ("haul -X a.", None),
]
if ["haul bench", "compare"] in [parts[:2] for parts in lines_of("command")]:
    LINES += [
        ("haul bench comp", "compare"),
        ("haul-bench comp", "compare"),
        ("haul bench --loop thr", "threads"),
        ("haul bench compare --fail-on", "--fail-on-difference"),
        ("haul bench report a.", "a.txt"),
    ]


def bash_replies(*words):
    script = """
        source "$1" && shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _haul 2>/dev/null
        printf '%s\\n' "${COMPREPLY[@]}" """
    return output("bash", "--norc", "-c", script, "bash", bash_path, *words).split("\n")[:-1]


def bash_is_sound():
    output("bash", "-n", bash_path)
    told = output("bash", "--norc", "-c", 'source "$1"; complete -p haul haul-bench', "bash", bash_path)
    same(told, "complete -F _haul haul\ncomplete -F _haul haul-bench\n")


def bash_line(line, wanted):
    got = bash_replies(*line.split(" "))
    same([each + "/" if os.path.isdir(each) else each for each in got], [wanted or ""])


def bash_details():
    same(bash_replies("haul", "--loop", "=", ""), ["auto", "uring", "epoll"])
    same(bash_replies("haul", "--loop", "="), ["auto", "uring", "epoll"])
    same(bash_replies("haul", "--loop", "=", "e"), ["epoll"])
    same(bash_replies("haul", "-d", "@b"), ["@b c.txt"])
    same(bash_replies("haul", "-i", "b"), ["b c.txt"])
    same(bash_replies("haul", ""), ["doctor", "bench"])
    same(bash_replies("haul", "-k", ""), [""])
    every = [name for option in options() for name in (option.letter, option.name) if name]
    same(bash_replies("haul", "-"), every)


class Zsh:
    """An interactive zsh. Control-X tells the line as it is and empties it."""

    SETUP = r"""
        PS1= PS2= RPS1= fpath=(%s $fpath)
        unsetopt beep list_beep prompt_cr prompt_sp
        autoload -Uz compinit && compinit -u -D
        LISTMAX=10000
        tell() { print -r -- "<<$BUFFER>>"; BUFFER=; zle redisplay }
        zle -N tell; bindkey -e; bindkey '^X' tell; bindkey '^I' complete-word
        print -r -- "<""<begun>>" """

    def __init__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "TERM": "vt100", "LC_ALL": "C"})
        with open("setup.zsh", "w", encoding="utf-8") as file:
            file.write(self.SETUP % shlex.quote(os.path.dirname(zsh_path)))
        self.send("source ./setup.zsh\n")
        same(self.told(), "begun")

    def send(self, text):
        os.write(self.fd, text.encode())

    def told(self):
        text = ""
        while ">>" not in text.partition("<<")[2]:
            text += os.read(self.fd, 4096).decode(errors="replace").replace("\r", "").replace("\n", "")
        return text.partition("<<")[2].partition(">>")[0]

    def completed(self, line):
        self.send(line + "\t\x18")
        return self.told().rstrip("= ")

    def end(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def whole(line, wanted):
    return line.rpartition(" ")[0] + " " + wanted if wanted else line


def zsh_line(zsh, line, wanted):
    same(zsh.completed(line), whole(line, wanted))


def fish_replies(line):
    script = f"source {shlex.quote(fish_path)}; complete -C '{line}'"
    return [each.split("\t")[0] for each in output("fish", "--no-config", "-c", script).splitlines()]


def fish_line(line, wanted):
    same(fish_replies(line), [wanted] if wanted else [])


def try_bash():
    row("bash takes the file", bash_is_sound)
    for line, wanted in LINES:
        row(f"bash completes '{line}'", bash_line, line, wanted)
    row("bash completes values behind '=' and '@', and lists all options", bash_details)


def try_zsh():
    row("zsh takes the file", output, "zsh", "-n", zsh_path)
    try:
        zsh = Zsh()
    except OSError as trouble:
        skip("zsh completes", f"there is no pseudo-terminal: {trouble}")
        return
    for line, wanted in LINES:
        row(f"zsh completes '{line}'", zsh_line, zsh, line, wanted)
    row("zsh completes files behind '@'", zsh_line, zsh, "haul -d @a", "@a.txt")
    row("zsh completes values behind '='", zsh_line, zsh, "haul --loop=u", "--loop=uring")
    row("zsh knows what URLs begin with", zsh_line, zsh, "haul https", "https://")
    zsh.end()


def try_fish():
    row("fish takes the file", output, "fish", "-n", fish_path)
    for line, wanted in LINES:
        row(f"fish completes '{line}'", fish_line, line, wanted)
    row("fish completes files behind '@'", lambda: same(fish_replies("haul -d @a"), ["@a.txt"]))


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        os.environ.update(HOME=work, XDG_CONFIG_HOME=work, XDG_DATA_HOME=work)
        os.mkdir("dir")
        for name in ("a.txt", "b c.txt"):
            with open(name, "w", encoding="utf-8"):
                pass
        row("--help all has every row", help_has_all)
        row("the manual has every row, with its default and range", manual_has_all)
        row("the manual has no other option", manual_has_no_others)
        row_unless(None if page_path else "scdoc is not installed", "the page has every row",
                   page_has_all)
        row("the manual has every exit code", exits_are_in_the_manual)
        row("the manual has every field, in the order of NDJSON and CSV", fields_are_in_the_manual)
        row("every completion has every row", completions_have_all)
        for shell, tries in (("bash", try_bash), ("zsh", try_zsh), ("fish", try_fish)):
            if shutil.which(shell):
                tries()
            else:
                skip(f"{shell} completes", f"{shell} is not installed")
        os.chdir("/")
    finish()


main()
