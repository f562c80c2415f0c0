#!/bin/sh
# From a fresh Debian 12 to 10,000 gathered URLs: sh tools/quickstart.sh
#
# Installs the packages a build needs, builds a release into build/, starts the embedded server on a
# free loopback port, gathers its six collections and 10,000 pages, and ends the server. Run again,
# it only does what is missing.
set -eu
CDPATH= cd "$(dirname "$0")/.."

say() {
    printf '\n%s\n' "$1"
}

give_up() {
    printf 'quickstart: %s\n' "$1" >&2
    exit 1
}

scratch=$(mktemp -d) || exit 1
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || :
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The end of what a command said, and that it failed.
give_up_on() {
    tail -n 12 "$scratch/log" >&2
    give_up "$1"
}

# --- packages -------------------------------------------------------------------------------------

missing=
need() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$' ||
        missing="$missing $1"
}

# dpkg-dev tells meson where Debian keeps libraries; without it they go where pkg-config and the
# linker do not look.
if command -v dpkg-query >/dev/null; then
    for package in gcc libc6-dev dpkg-dev meson ninja-build pkg-config liburing-dev libbearssl-dev \
        libc-ares-dev libidn2-dev libssl-dev libjansson-dev zlib1g-dev libbrotli-dev libzstd-dev \
        libjs-chart.js scdoc; do
        need $package
    done
else
    echo 'This is no Debian, so packages are up to you: README.md names them.'
fi
if [ -n "$missing" ]; then
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            give_up "this is to be done by root first: apt-get install$missing"
        as_root=sudo
    fi
    say "Installing$missing"
    $as_root apt-get update -qq >"$scratch/log" 2>&1 || {
        tail -n 3 "$scratch/log" >&2
        echo 'The package lists could not be renewed; going on with those that are there.'
    }
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >"$scratch/log" 2>&1 ||
        give_up_on "apt-get install failed, for the reason above; missing are:$missing"
fi

# --- build ----------------------------------------------------------------------------------------

# The lines of ninja, as one line each tenth of the work.
tenths() {
    awk -F'[][/]' '/^\[[0-9]+\/[0-9]+\]/ {
        tenth = int(10 * $2 / $3)
        if (tenth > told) { told = tenth; printf "  %d of %d\n", $2, $3; fflush() }
        next
    } { print }'
}

build() {
    if [ -t 1 ]; then
        ninja -C build
    else
        { ninja -C build || : >"$scratch/failed"; } | tenths
        [ ! -e "$scratch/failed" ]
    fi
}

if [ ! -f build/build.ninja ]; then
    say 'Configuring a release in build/'
    rm -rf build
    meson setup build --buildtype=release >"$scratch/log" 2>&1 ||
        give_up_on 'meson could not configure, for the reason above'
fi
if ! ninja -C build -n | grep -q 'no work to do'; then
    say 'Building, which takes about a minute'
    build || give_up 'the build failed, for the reason above'
fi

# --- the server -----------------------------------------------------------------------------------

mkfifo "$scratch/told"
build/bench/haul-server --port 0 >"$scratch/told" 2>"$scratch/log" &
server=$!
told=
read -r told <"$scratch/told" || :
case $told in
'listening on '*) origin=http://${told#listening on } ;;
*) give_up_on 'the embedded server did not start, for the reason above' ;;
esac

# What the first request that failed says of it.
give_up_on_gather() {
    sed -n 's/.*"url":"\([^"]*\)".*"message":"\([^"]*\)",\(.*\)},"queue.*/\1: \2, \3/p' \
        "$1" | head -n 1 >&2
    tail -n 3 "$scratch/log" >&2
    give_up "$2"
}

# --- six collections, in order --------------------------------------------------------------------

# The value of a name in one line of NDJSON.
value() {
    printf '%s\n' "$line" | sed "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/"
}

say "Six collections from $origin"
set -- "$origin/posts" "$origin/comments" "$origin/albums" "$origin/photos" "$origin/todos" \
    "$origin/users"
build/tools/haul --quiet --bodies "$scratch/bodies" "$@" >"$scratch/six" 2>"$scratch/log" ||
    give_up_on_gather "$scratch/six" 'not all of them came, for the reason above'
printf '  %-12s %6s %8s %8s %8s\n' path status bytes objects ms
while read -r line; do
    path=$(value url)
    objects=$(grep -c '^{' "$(value body_file)" || :)
    ms=$(value total_us | awk '{ printf "%.1f", $1 / 1000 }')
    printf '  %-12s %6s %8s %8s %8s\n' "${path#"$origin"}" "$(value status)" "$(value body_bytes)" \
        "$objects" "$ms"
done <"$scratch/six"

# --- ten thousand pages ---------------------------------------------------------------------------

say "10,000 pages: haul '$origin/p/[1-10000]'"
began_ns=$(date +%s%N)
build/tools/haul --quiet "$origin/p/[1-10000]" >"$scratch/pages" 2>"$scratch/log" ||
    give_up_on_gather "$scratch/pages" 'not all of them came, for the reason above'
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
