"""The completions of bash, zsh and fish, made from rows: completions.py SHELL OUTPUT ROWS...

A line of ROWS is one of these, tabs between its parts; a part may be empty:

    command  COMMAND  WORD  HELP        COMMAND may be followed by WORD, which is then part of it:
                                        "haul" and "bench", "haul bench" and "compare"
    operand  COMMAND  HOW               what completes its words that are no options
    option   COMMAND  -L  --NAME  VALUE  HOW  many|once  DEFAULT  RANGE  HELP

COMMAND is "haul", or "haul bench" and what follows it. HOW is what completes a value: nothing (there
is none), text (no completion), words (those of VALUE, bars between them), file, directory, @file (a
file behind an @). haul-texts prints the rows of haul; a program with rows of its own prints them
likewise, and stands here as one more input.
"""

import sys

PROGRAMS = {"haul": "haul", "haul-bench": "haul bench"}  # and the command that each is


class Option:
    def __init__(self, letter, name, value, how, often, initial, span, text):
        self.letter, self.name, self.value, self.how = letter, name, value, how
        self.many, self.help = often == "many", text + (f" ({initial})" if initial else "")
        self.names = [each for each in (letter, name) if each]

    def words(self):
        return self.value.split("|")


class Command:
    def __init__(self, name):
        self.name, self.words, self.options, self.operand = name, [], [], "text"


def read(paths):
    """Commands by name, those that follow another after it."""
    commands = {"haul": Command("haul")}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                kind, name, *parts = line.rstrip("\n").split("\t")
                command = commands.setdefault(name, Command(name))
                if kind == "command":
                    word, text = parts
                    command.words.append((word, text))
                    commands.setdefault(f"{name} {word}", Command(f"{name} {word}"))
                elif kind == "operand":
                    (command.operand,) = parts
                elif kind == "option":
                    command.options.append(Option(*parts))
                else:
                    sys.exit(f"{path}: a line of an unknown kind: {kind}")
    return commands


def quoted(text):
    """One word of any of the three shells."""
    return "'" + text.replace("'", "'\\''") + "'"


def following(commands):
    """The patterns of all that lengthens a command."""
    return " | ".join(quoted(name) for name in commands if name != "haul")


# --- bash -----------------------------------------------------------------------------------------

BASH = """# Made from the options of haul; changes here are lost.

# _haul_reply HOW WORDS: completes $cur.
_haul_reply()
{
    case $1 in
    words) mapfile -t COMPREPLY < <(compgen -W "$2" -- "$cur") ;;
    file)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    directory)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        ;;
    @file)
        [[ $cur != @* ]] || mapfile -t COMPREPLY < <(compgen -P @ -f -- "${cur#@}")
        ;;
    esac
}

_haul()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=haul i
    COMPREPLY=()
    [[ ${COMP_WORDS[0]##*/} != haul-bench ]] || command='haul bench'
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$command ${COMP_WORDS[i]}" in
        @FOLLOWING@) command="$command ${COMP_WORDS[i]}" ;;
        *) break ;;
        esac
    done
    # A word of COMP_WORDBREAKS, '=' is between --name and its value.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case "$command $prev" in
@VALUES@    esac
    case "$command" in
@COMMANDS@    esac
}

complete -F _haul @PROGRAMS@
"""


def bash_values(command):
    for option in command.options:
        if option.how == "nothing":
            continue
        names = " | ".join(quoted(f"{command.name} {name}") for name in option.names)
        words = f" {quoted(' '.join(option.words()))}" if option.how == "words" else ""
        yield f"    {names}) _haul_reply {option.how}{words}; return ;;\n"


def bash_command(command):
    names = " ".join(name for option in command.options for name in option.names)
    words = " ".join(word for word, _ in command.words)
    yield f"    {quoted(command.name)})\n        case $cur in\n"
    yield f"        -*) _haul_reply words {quoted(names)} ;;\n"
    if words:
        yield f"        *) [[ $i -lt $COMP_CWORD ]] || _haul_reply words {quoted(words)} ;;\n"
    elif command.operand != "text":
        yield f"        *) _haul_reply {command.operand} ;;\n"
    yield "        esac\n        ;;\n"


def bash(commands):
    values = "".join(line for command in commands.values() for line in bash_values(command))
    cases = "".join(line for command in commands.values() for line in bash_command(command))
    return BASH.replace("@VALUES@", values).replace("@COMMANDS@", cases)


# --- zsh ------------------------------------------------------------------------------------------

ZSH = """#compdef @PROGRAMS@
# Made from the options of haul; changes here are lost.

_haul_data() {
    compset -P @ && _files
}

# An operand with a message alone (':URL: ') would keep the one option that fits from being inserted.
_haul_url() {
    compadd -S '' http:// https://
}

_haul() {
    local command=haul ret=1
    local -a choices
    [[ ${words[1]:t} != haul-bench ]] || command='haul bench'
    while (( CURRENT > 2 )); do
        case "$command $words[2]" in
        @FOLLOWING@) command="$command $words[2]" ;;
        *) break ;;
        esac
        shift words
        (( CURRENT-- ))
    done
    case $command in
@COMMANDS@    esac
    return ret
}

_haul "$@"
"""

ZSH_ACTIONS = {"text": " ", "file": "_files", "directory": "_files -/", "@file": "_haul_data"}


def zsh_escaped(text, marks):
    for mark in "\\" + marks:
        text = text.replace(mark, "\\" + mark)
    return text


def zsh_option(option):
    tail = f"[{zsh_escaped(option.help, ']:')}]"
    if option.how != "nothing":
        action = f"({' '.join(option.words())})" if option.how == "words" else ZSH_ACTIONS[option.how]
        tail += f":{zsh_escaped(option.value, ':')}:{action}"
    ends = {"-": "+", "--": "="} if option.how != "nothing" else {"-": "", "--": ""}
    names = [name + ends["--" if name.startswith("--") else "-"] for name in option.names]
    before = "'*'" if option.many else quoted(f"({' '.join(option.names)})")
    name = "{" + ",".join(names) + "}" if len(names) > 1 else names[0]
    return f"            {before}{name}{quoted(tail)} \\\n"


def zsh_command(command):
    yield f"    {quoted(command.name)})\n"
    if command.words:
        pairs = " ".join(quoted(zsh_escaped(word, ":") + ":" + text) for word, text in command.words)
        yield f"        choices=({pairs})\n"
        yield "        (( CURRENT != 2 )) || _describe command choices && ret=0\n"
    yield "        _arguments -s -S \\\n"
    yield from (zsh_option(option) for option in command.options)
    operand = "URL:_haul_url" if command.operand == "text" else f"file:{ZSH_ACTIONS[command.operand]}"
    yield f"            '*:{operand}' && ret=0\n"
    yield "        ;;\n"


def zsh(commands):
    return ZSH.replace("@COMMANDS@", "".join(
        line for command in commands.values() for line in zsh_command(command)))


# --- fish -----------------------------------------------------------------------------------------

FISH = """# Made from the options of haul; changes here are lost.

function __haul_command --description 'Which command of haul is being written'
    set -l words (commandline -opc)
    set -l command haul
    for word in $words[2..-1]
        switch "$command $word"
            case @FOLLOWING@
                set command "$command $word"
            case '*'
                echo "$command ..."
                return
        end
    end
    echo $command
end

function __haul_is --description 'Is it this one, at its begin or further on?'
    string match -q -r -- '^'$argv[1]'( \\.\\.\\.)?$' (__haul_command)
end

function __haul_begins --description 'Is it this one, with nothing behind it?'
    test (__haul_command) = "$argv[1]"
end

function __haul_data --description 'Files behind an @'
    set -l word (string replace -r '^--[a-z-]*=' '' -- (commandline -ct))
    string match -q '@*' -- $word; or return
    __fish_complete_path (string sub -s 2 -- $word) | string replace -r '^' '@'
end

complete -c haul -f
complete -c haul-bench -w 'haul bench'
"""

FISH_VALUES = {"nothing": "", "text": " -x", "file": " -r -F",
               "directory": " -x -a '(__fish_complete_directories)'", "@file": " -x -a '(__haul_data)'"}


def fish_lines(command):
    for word, text in command.words:
        condition = quoted(f'__haul_begins "{command.name}"')
        yield f"complete -c haul -n {condition} -a {quoted(word)} -d {quoted(text)}\n"
    condition = quoted(f'__haul_is "{command.name}"')
    if command.operand == "file":
        yield f"complete -c haul -n {condition} -F\n"
    for option in command.options:
        letter = f" -s {option.letter[1:]}" if option.letter else ""
        value = FISH_VALUES.get(option.how)
        if value is None:
            value = f" -x -a {quoted(' '.join(option.words()))}"
        yield (f"complete -c haul -n {condition}{letter} -l {option.name[2:]}{value}"
               f" -d {quoted(option.help)}\n")


def fish(commands):
    text = FISH + "".join(line for command in commands.values() for line in fish_lines(command))
    return text.replace("@FOLLOWING@", following(commands).replace(" | ", " "))


def main():
    shell, output, *rows = sys.argv[1:]
    commands = read(rows)
    text = {"bash": bash, "zsh": zsh, "fish": fish}[shell](commands)
    text = text.replace("@FOLLOWING@", following(commands)).replace("@PROGRAMS@", " ".join(PROGRAMS))
    with open(output, "w", encoding="utf-8") as file:
        file.write(text)


main()
