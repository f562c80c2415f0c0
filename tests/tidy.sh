#!/bin/sh
# The house rules as a failing test: sh tests/tidy.sh [BUILD_DIR]
#
# Prints file:line and what is wrong. Rules about what the compiler made need BUILD_DIR, a build
# without sanitizers; without one they are skipped, and so is what needs a tool that is not there.
# What is wrong and known to be is listed under "what is owed", in the fault's own words: it is
# printed, fails nothing, and becomes a fault again once it is paid and still stands there.
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
    -name meson.build -o -path bench/versus -o -path bench/https-connections -o -path bench/many-hosts -o -name '*.map' \) | sort) meson.build .ci/run"
for file in README.md CHANGELOG.md .github/CONTRIBUTING.md .clang-format .gitignore; do
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

# --- rooms ----------------------------------------------------------------------------------------

# room: what it may include besides its own folder: all of another folder, or one header. tests is
# no room: it may include everything, and nothing may include it. Calls go down this table only.
cat >"$scratch/rooms" <<'ROOMS'
proto:
proto/auth: proto proto/http/scan.h
proto/http: proto proto/auth
proto/coding: proto
proto/x509: proto
proto/tls: proto proto/x509
engine/auth: engine/memory engine/haul.h proto proto/auth proto/http/scan.h
engine/memory: engine/haul.h
engine/libc:
engine/loop: engine/haul.h
engine/link: engine/loop engine/memory engine/haul.h engine/failure.h proto proto/tls proto/x509 proto/http/url.h
engine/http: engine/link engine/memory engine/haul.h engine/failure.h proto proto/http
engine/request: engine/auth engine/memory engine/haul.h engine/failure.h proto proto/auth proto/coding proto/http
engine/request/schedule: engine/request engine/memory proto proto/http
engine: engine/auth engine/loop engine/memory engine/link engine/http engine/request engine/request/schedule proto proto/auth proto/coding proto/http proto/tls proto/x509
tools/curl:
tools/input: engine/haul.h
tools/output: tools/input/inputs.h tools/input/filename.h tools/interrupt.h tools/exits.h engine/haul.h
tools: tools/curl tools/input tools/output engine/haul.h
bench/base:
bench/statistics: proto/span.h proto/x509/pem.h
bench/server: bench/base engine/loop engine/memory/list.h proto proto/http
bench/load: bench/base bench/statistics engine/loop engine/memory engine/link engine/http engine/haul.h proto proto/http
bench/result: bench/base bench/statistics bench/load engine/haul.h
bench/run: bench/base bench/load bench/result engine/haul.h proto/http/url.h
bench/compare: bench/base bench/statistics bench/result bench/run bench/load/load.h
bench/sweep: bench/base bench/result bench/run
bench/report: bench/base bench/statistics bench/result
bench: bench/base bench/statistics bench/load bench/result bench/run bench/compare bench/sweep bench/report
ROOMS

# Every include, as file line path. haul.h names its parts as it finds them where it is installed:
# beside itself, in "haul". Nobody else does.
awk '
    /^#include "/ {
        split($0, quoted, "\""); path = quoted[2]
        if (FILENAME ~ /(^|\/)haul\.h$/ && path ~ /^haul\/[a-z_]+\.h$/) {
            folder = FILENAME; sub(/[^\/]*$/, "", folder)
            path = folder path
        }
        print FILENAME, FNR, path
    }' $c_files >"$scratch/includes"

awk '
    function folder_of(path) { sub(/\/[^\/]*$/, "", path); return path }
    function fault(why) { print $1 ":" $2 ": " why }
    NR == FNR {
        room = $1; sub(/:$/, "", room); is_room[room] = 1
        for (i = 2; i <= NF; i++) may[room, $i] = 1
        next
    }
    $3 !~ /^(proto|engine|tools|bench|tests)\/([a-z0-9_]+\/)*[a-z0-9_]+\.h$/ {
        fault("includes are written from the root: " $3); next
    }
    {
        from = folder_of($1); to = folder_of($3)
        if (from ~ /^tests(\/|$)/ || from == to) next
        if ($1 == "engine/haul.h" && to == "engine/haul") next
        if (!(from in is_room)) fault(from " has no row in the table of rooms")
        else if (!((from, to) in may) && !((from, $3) in may)) fault(from " must not include " $3)
    }' "$scratch/rooms" "$scratch/includes" >>"$scratch/faults"

# x.c and x.h are one module; but haul.h is what everybody sees of engine, and lies below it. Of
# each module that can be reached from itself, its shortest way round.
awk '
    $3 == "engine/haul.h" { next }
    { from = $1; to = $3; sub(/\.[ch]$/, "", from); sub(/\.h$/, "", to) }
    from != to && !((from, to) in seen) {
        seen[from, to] = 1
        if (!(from in outs)) { modules[++count] = from; file[from] = $1 }
        next_of[from, ++outs[from]] = to
    }
    function way(to, begin) {
        return to == begin ? begin : way(before[to], begin) " > " to
    }
    function look(begin,    queue, first, last, at, to, i) {
        split("", before)
        queue[first = last = 1] = begin
        for (; first <= last; first++) {
            at = queue[first]
            for (i = 1; i <= outs[at]; i++) {
                to = next_of[at, i]
                if (to == begin) {
                    print file[begin] ":1: a circle of modules: " way(at, begin) " > " begin
                    return
                }
                if (!(to in before)) { before[to] = at; queue[++last] = to }
            }
        }
    }
    END { for (m = 1; m <= count; m++) look(modules[m]) }' "$scratch/includes" >>"$scratch/faults"

# One header that a reader takes in; what belongs together goes into a part of it.
[ "$(wc -l <engine/haul.h)" -lt 300 ] || echo 'engine/haul.h:300: has 300 lines' >>"$scratch/faults"

# What only the composition root may know.
grep -v '^\(engine/\(engine\|options\|haul\|gather\)\.[ch]\|tests/[^:]*\):' "$scratch/code" |
    grep 'struct engine\($\|[^a-z0-9_]\)' |
    faults 'only the composition root names struct engine'

# Folders that a reader can take in.
find $folders -type f ! -path 'tests/fuzz/corpus/*' ! -name README.md ! -name '*.pyc' |
    awk '{ sub(/\/[^\/]*$/, ""); files[$0]++ }
        END { for (folder in files) if (files[folder] > 25)
            print folder ":1: " files[folder] " files in one folder" }' >>"$scratch/faults"

# A word at the door of each room. What it names is there: functions as name(), files in `…`, from
# the root or from where the text stands.
doors=.github/CONTRIBUTING.md
for room in $(sed 's/:.*//' "$scratch/rooms") bench/peers tests; do
    [ -d "$room" ] || continue
    doors="$doors $room/README.md"
    case $room in
    engine | bench | tests) most=60 ;; # with a walk through all of it
    *) most=25 ;;
    esac
    if [ ! -f "$room/README.md" ]; then
        echo "$room/README.md:1: is missing"
    elif [ "$(wc -l <"$room/README.md")" -gt "$most" ]; then
        echo "$room/README.md:1: more than $most lines"
    fi
done >>"$scratch/faults"

sed -n 's|^ *function \([A-Za-z]*\)(.*|bench/report/report.js:1:\1(|p' bench/report/report.js |
    cat - "$scratch/code" >"$scratch/functions"
for door in $doors; do
    [ ! -f "$door" ] || echo "$door"
done | xargs awk -v functions="$scratch/functions" '
    BEGIN {
        while ((getline line <functions) > 0)
            while (match(line, /[A-Za-z_][A-Za-z0-9_]*\(/)) {
                is_function[substr(line, RSTART, RLENGTH - 1)] = 1
                line = substr(line, RSTART + RLENGTH)
            }
    }
    function is_file(path,    line, status) {
        status = (getline line <path); close(path)
        return status >= 0
    }
    function is_there(name, folder) {
        if (name ~ /\(\)$/) return substr(name, 1, length(name) - 2) in is_function
        name = substr(name, 2, length(name) - 2)
        return is_file(name) || is_file(folder name)
    }
    function look(text, pattern, folder,    name) {
        for (; match(text, pattern); text = substr(text, RSTART + RLENGTH)) {
            name = substr(text, RSTART, RLENGTH)
            if (!is_there(name, folder)) print FILENAME ":" FNR ": there is no " name
        }
    }
    {
        folder = FILENAME; sub(/[^\/]*$/, "", folder)
        look($0, "[A-Za-z_][A-Za-z0-9_]*[(][)]", folder)
        look($0, "`[A-Za-z0-9_./-]+[.](c|h|md|py|sh|js|css|scd|map|build)`", folder)
    }' >>"$scratch/faults"

# --- names ----------------------------------------------------------------------------------------

grep -v '^\(engine/loop/loop_uring.c\|tests/[^:]*\):' "$scratch/code" | grep -w 'io_uring_[a-z_]*' |
    faults 'only engine/loop/loop_uring.c says io_uring_'
grep -v '^\(engine/loop/loop_epoll.c\|tests/[^:]*\):' "$scratch/code" | grep -w 'epoll_[a-z_0-9]*' |
    faults 'only engine/loop/loop_epoll.c says epoll_'
grep -n '#include <openssl/' $c_files | grep -v '^\(proto/tls/\(evp\|key\|libssl\|openssl\)\.[ch]\|bench/server/[^:]*\|tests/[^:]*\):' |
    faults 'only proto/tls and the server of bench know libssl'
# What engine/libc is for, or what POSIX has another way of.
grep -v '^tests/' "$scratch/code" |
    grep -e 'sys/queue\.h' -e 'sys/pidfd\.h' -e '\<pthread_cond_clockwait\>' -e '\<epoll_pwait2 *(' \
        -e '\<pidfd_open *(' -e '\<strerrorname_np *(' -e '\<strerrordesc_np *(' -e '\<qsort_r *(' |
    grep -v '^engine/\(haul\.c\|loop/loop_uring\.c\|libc/lacking\.h\):\|^tools/output/fields\.h:' |
    faults 'musl does not have it'
grep '^tests/' "$scratch/code" | grep '\<u\?sleep *(' |
    faults 'a test waits for what happens, it does not sleep'
grep -n 'timeout:' tests/meson.build /dev/null |
    faults 'all tests have the one time limit, that of the test setup'

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
    /^{/ { begin = FNR }
    /^}/ && begin {
        if (FNR - begin - 1 > 60)
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

# --- what is owed ---------------------------------------------------------------------------------

# A debt is the beginning of a fault, without its line.
cat >"$scratch/debts" <<'DEBTS'
DEBTS

sort -u "$scratch/faults" | awk -v owed="$scratch/debts" -v faulty="$scratch/faulty" '
    BEGIN { while ((getline debt <owed) > 0) debts[++count] = debt }
    {
        text = $0; sub(/:[0-9]+: /, ": ", text)
        for (i = 1; i <= count; i++)
            if (index(text, debts[i]) == 1) { places[i]++; next }
        print >faulty
    }
    END {
        for (i = 1; i <= count; i++)
            if (places[i] > 1) print "tidy: owed: " debts[i] ", " places[i] " times"
            else if (places[i]) print "tidy: owed: " debts[i]
            else print "tests/tidy.sh:1: no longer owed: " debts[i] >faulty
    }'

if [ -s "$scratch/faulty" ]; then
    sort -s -t: -k1,1 -k2,2n "$scratch/faulty"
    echo "tidy: $(wc -l <"$scratch/faulty") faults"
    exit 1
fi
echo 'tidy: clean'
