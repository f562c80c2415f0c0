#!/bin/sh
# The house rules as a failing test: sh tests/tidy.sh [BUILD_DIR]
#
# Prints file:line and what is wrong. Rules about what the compiler made need BUILD_DIR, a build
# without sanitizers; without one they are skipped, and so is what needs a tool that is not there.
set -u
export LC_ALL=C
build=${1:-}
[ -z "$build" ] || build=$(cd "$build" && pwd) || exit 2
cd "$(dirname "$0")/.." || exit 2

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
: >"$scratch/faults"

folders='proto engine tools bench tests'
c_files=$(find $folders -name '*.[ch]' | sort)
texts="$c_files $(find $folders \( -name '*.sh' -o -name '*.py' -o -name '*.md' -o \
    -name meson.build -o -path bench/versus -o -path bench/https-connections -o -name '*.map' \) | sort) meson.build .ci/run"
for file in README.md CHANGELOG.md .clang-format .gitignore; do
    [ ! -e "$file" ] || texts="$texts $file"
done

# Reads file:line[:…] lines and keeps them as faults of one kind.
faults() {
    sed "s|^\([^:]*:[0-9]*\).*|\1: $1|" >>"$scratch/faults"
}

skipped() {
    echo "tidy: skipped: $1"
}

# The code of C files without comments and the contents of strings, as file:line:code.
awk '
    FNR == 1 { inside = 0 }
    {
        code = ""; text = $0
        gsub(/\\./, "", text)
        while (text != "") {
            if (inside) {
                end = index(text, "*/")
                if (!end) break
                text = substr(text, end + 2); inside = 0
            } else if (match(text, /"|\047|\/\*/)) {
                mark = substr(text, RSTART, RLENGTH)
                code = code substr(text, 1, RSTART - 1)
                text = substr(text, RSTART + RLENGTH)
                if (mark == "/*") { inside = 1; continue }
                end = index(text, mark)
                code = code mark mark
                text = end ? substr(text, end + 1) : ""
            } else {
                code = code text; text = ""
            }
        }
        print FILENAME ":" FNR ":" code
    }' $c_files >"$scratch/code"

# --- arrows ---------------------------------------------------------------------------------------

awk '
    function fault(why) { print FILENAME ":" FNR ": " why }
    /^#include "/ {
        split($0, quoted, "\""); path = quoted[2]
        split(FILENAME, from, "/"); split(path, to, "/")
        if (path !~ /^(proto|engine|tools|bench|tests)\/([a-z0-9_]+\/)*[a-z0-9_]+\.h$/)
            fault("includes are written from the root: " path)
        else if ((from[1] == "proto" && to[1] != "proto") ||
                 (from[1] == "engine" && to[1] !~ /^(proto|engine)$/) ||
                 (from[1] == "tools" && to[1] != "tools" && path != "engine/haul.h") ||
                 (from[1] == "bench" && to[1] !~ /^(proto|engine|bench)$/))
            fault(from[1] " must not include " path)
    }' $c_files >>"$scratch/faults"

grep -v '^\(engine/loop/loop_uring.c\|tests/[^:]*\):' "$scratch/code" | grep -w 'io_uring_[a-z_]*' |
    faults 'only engine/loop/loop_uring.c says io_uring_'
grep -v '^\(engine/loop/loop_epoll.c\|tests/[^:]*\):' "$scratch/code" | grep -w 'epoll_[a-z_0-9]*' |
    faults 'only engine/loop/loop_epoll.c says epoll_'
grep '^tests/' "$scratch/code" | grep '\<u\?sleep *(' |
    faults 'a test waits for what happens, it does not sleep'

# --- text -----------------------------------------------------------------------------------------

tab=$(printf '\t')
# Characters, not bytes: continuation bytes of UTF-8 do not count.
awk '{ gsub(/[\200-\277]/, "") } length > 100 { print FILENAME ":" FNR }' $c_files |
    faults 'longer than 100 columns'
grep -n "$tab" $texts /dev/null | faults 'a tab'
grep -n ' $' $texts /dev/null | faults 'trailing space'
grep -nw '[T]ODO\|[F]IXME\|[X]XX' $texts /dev/null | faults 'unfinished'
grep -n '/[w]ork/\|/[h]ome/\|/[r]oot/' $texts /dev/null | faults "a machine's path"

for file in $c_files; do
    head -n 5 "$file" | grep -q '^/\*' || echo "$file:1: does not open with a comment"
done >>"$scratch/faults"

awk '
    FNR == 1 { begin = 0 }
    /^{/ { begin = FNR; is_switch = 0 }
    /switch \(/ { is_switch = 1 }
    /^}/ && begin {
        if (FNR - begin > 80 && !is_switch)
            print FILENAME ":" begin ": a function of " FNR - begin - 1 " lines"
        begin = 0
    }' $c_files >>"$scratch/faults"

format=
for candidate in clang-format-14 clang-format; do
    if "$candidate" --version 2>/dev/null | grep -q 'version 14\.'; then
        format=$candidate
        break
    fi
done
if [ -n "$format" ]; then
    "$format" --dry-run $c_files 2>&1 |
        awk -F: '/^[^ ]*:[0-9]*:[0-9]*: / && !seen[$1]++' |
        faults 'clang-format would write it otherwise, from here on'
else
    skipped 'clang-format 14 is not installed: the layout of C files'
fi

# --- the tree -------------------------------------------------------------------------------------

for entry in $(ls -A); do
    case $entry in
    meson.build | README.md | LICENSE | CHANGELOG.md) ;;
    engine | proto | tools | tests | bench) ;;
    .* | build*) ;;
    *) echo "$entry:1: has no place at the top level" ;;
    esac
done >>"$scratch/faults"

# --- what was built -------------------------------------------------------------------------------

# Constant tables with pointers lie in .data.rel.ro, which is read-only once loaded.
libraries=
[ -z "$build" ] || libraries=$(find "$build/proto" "$build/engine" -name 'lib*.a')
if [ -z "$libraries" ]; then
    skipped 'no build was named: variables in proto and engine'
elif nm $libraries 2>/dev/null | grep -q '__asan_init'; then
    skipped 'the build has sanitizers: variables in proto and engine'
else
    nm -A -f sysv $libraries 2>/dev/null |
        awk -F'|' '
            { section = $7; gsub(/ /, "", section); gsub(/ /, "", $1) }
            section ~ /^(\.t?data|\.t?bss|\*COM\*)/ && section !~ /^\.data\.rel\.ro/ &&
                $1 !~ /\.LC/ {
                count = split($1, part, ":")
                print part[count - 1] ":1: a variable that can change: " part[count]
            }' >>"$scratch/faults"
fi

if [ -s "$scratch/faults" ]; then
    sort -u "$scratch/faults" | sort -s -t: -k1,1 -k2,2n
    echo "tidy: $(sort -u "$scratch/faults" | wc -l) faults"
    exit 1
fi
echo 'tidy: clean'
