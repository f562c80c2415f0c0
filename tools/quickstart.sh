#!/bin/sh
# From a fresh Debian 12 to 10,000 gathered URLs: sh tools/quickstart.sh
#
# Installs the packages a build needs, builds a release into build/, starts the embedded server on a
# free loopback port, gathers its six collections and 10,000 pages, and ends the server. Run again,
# it only does what is missing.
set -eu
cd "$(dirname "$0")/.."

say() {
    printf '\n%s\n' "$1"
}

give_up() {
    printf 'quickstart: %s\n' "$1" >&2
    exit 1
}

# --- packages -------------------------------------------------------------------------------------

missing=
need() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$' ||
        missing="$missing $1"
}

if command -v dpkg-query >/dev/null; then
    for package in gcc libc6-dev meson ninja-build pkg-config liburing-dev libbearssl-dev \
        libc-ares-dev libssl-dev libjansson-dev zlib1g-dev libjs-chart.js scdoc; do
        need $package
    done
else
    echo 'This is no Debian, so packages are up to you: README.md names them.'
fi
if [ -n "$missing" ]; then
    say "Installing$missing"
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || give_up "run as root: apt-get install$missing"
        as_root=sudo
    fi
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

# --- build ----------------------------------------------------------------------------------------

if [ ! -f build/build.ninja ]; then
    say 'Configuring a release in build/'
    rm -rf build
    meson setup build --buildtype=release >/dev/null || give_up 'see build/meson-logs/meson-log.txt'
fi
if [ -n "$(ninja -C build -n | grep -v 'no work to do\|Entering directory')" ]; then
    say 'Building'
    ninja -C build --quiet
fi

# --- the server -----------------------------------------------------------------------------------

scratch=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || :
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build/bench/haul-server --port 0 >"$scratch/server" &
server=$!
tries=0
until grep -q '^listening on ' "$scratch/server"; do
    kill -0 "$server" 2>/dev/null && [ "$tries" -lt 100 ] || give_up 'the server did not start'
    tries=$((tries + 1))
    sleep 0.05
done
origin=http://$(sed 's/^listening on //' "$scratch/server")

# --- six collections, in order --------------------------------------------------------------------

# The value of a name in one line of NDJSON.
value() {
    printf '%s\n' "$line" | sed "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/"
}

say "Six collections from $origin"
set -- "$origin/posts" "$origin/comments" "$origin/albums" "$origin/photos" "$origin/todos" \
    "$origin/users"
build/tools/haul --quiet --bodies "$scratch/bodies" "$@" >"$scratch/six" ||
    give_up 'not all of them came'
printf '  %-12s %6s %8s %8s %8s\n' path status bytes objects ms
while read -r line; do
    path=$(value url)
    objects=$(grep -c '^{' "$(value body_file)")
    ms=$(value total_us | awk '{ printf "%.1f", $1 / 1000 }')
    printf '  %-12s %6s %8s %8s %8s\n' "${path#"$origin"}" "$(value status)" "$(value body_bytes)" \
        "$objects" "$ms"
done <"$scratch/six"

# --- ten thousand pages ---------------------------------------------------------------------------

say "10,000 pages: haul '$origin/p/[1-10000]'"
began_ns=$(date +%s%N)
build/tools/haul --quiet "$origin/p/[1-10000]" >"$scratch/pages" || give_up 'not all of them came'
took_ms=$((($(date +%s%N) - began_ns) / 1000000))
awk -v origin="$origin" -v took_ms="$took_ms" '
    /"status":200,/ { ok++ }
    index($0, "\"index\":" NR - 1 ",\"url\":\"" origin "/p/" NR "\",") { in_order++ }
    match($0, /"body_bytes":[0-9]+/) { bytes += substr($0, RSTART + 13, RLENGTH - 13) }
    END {
        printf "  %d answers, %d of them 200, %d in the order asked for, %.1f MB\n", NR, ok,
            in_order, bytes / 1e6
        printf "  %d ms, %d a second, as seen from the shell\n", took_ms, NR * 1000 / took_ms
        exit NR != 10000 || ok != NR || in_order != NR
    }' "$scratch/pages" || give_up 'that is not what was asked for'

kill "$server"
wait "$server" || give_up 'the server did not end as it should'
server=
say 'Next: build/tools/haul --help, or build/tools/haul doctor'
