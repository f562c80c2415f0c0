#!/bin/sh
# bench/versus as it is run for RESULTS.md, but short: who is compared, what a table says of who
# fails, and that nothing stays behind. Rows of TAP.
#
#     versus.sh HAUL HAUL-SERVER
#
# Figures are not looked at, but for their being there.
set -u
. "$(dirname "$0")/../lib/rows.sh"
versus=$(cd "$OLDPWD" && realpath "$(dirname "$0")/../../bench/versus")
build=${haul_program%/tools/haul}
PATH=$PATH:/usr/sbin:/sbin
export TMPDIR="$work/tmp"
mkdir "$TMPDIR"

for name in python3 wrk; do
    command -v $name >/dev/null || {
        echo "1..0 # SKIP $name is not installed"
        exit 0
    }
done

python=$(python3 -c 'import sys; print(sys.executable)')

compare() {
    "$python" "$versus" --build "$build" "$@" >out 2>err
    code=$?
}

# The same, quickly; with more time for a client that a busy machine left not one reply.
compare_quickly() {
    for seconds in 0.3 3 15; do
        compare --quick --seconds $seconds --markdown "$@"
        grep -q ' 0 good replies' err || break
    done
}

# The cells of the lines of a table that begin so.
line() {
    grep "^| *$1 " out
}

# clients HEADING: those of the table below it that have a figure.
clients() {
    awk -F ' *[|] *' -v heading="### $1" '
        index($0, "###") == 1 { inside = index($0, heading) == 1 }
        inside && /^[|]/ && !/^[|]-/ {
            for (i = 2; i < NF && !column; i++) if ($i == "client") column = i
            figure = "^[0-9][0-9.,]*( [(]|$)"
            if ($column != "client" && ($(column + 1) ~ figure || $(column + 2) ~ figure))
                print $column
        }
        !inside { column = 0 }' out | tr '\n' ',' | sed 's/,$//'
}

nothing_stays() {
    same "$(ls -A "$TMPDIR")" ""
}

# --- tables -------------------------------------------------------------------------------------

load_and_urls() {
    compare_quickly --peers wrk --floor "none=sh -c 'echo no; exit 3'" \
        --floor "cheap=sh -c 'echo rps=5 cpu=2.00 us/req'" --floor 'odd=sh {nothing}'
    code_is 0 && nothing_stays &&
        same "$(clients 'keep-alive load')" \
            'haul,haul bench uring,haul bench epoll,haul bench threads,wrk,cheap' &&
        same "$(clients '10,000 different URLs')" 'haul' &&
        has "$(line '64 | none')" 'status 3: no' &&
        has "$(line '64 | odd')" "cannot be made: 'nothing'" &&
        has "$(line '64 | wrk')" ' 1.00 |' && has "$(line '64 | cheap')" ' 1.00 |' &&
        has "$(grep '^- kernel' out)" 'congestion control' &&
        has "$(grep '^- command' out)" "--peers wrk --floor 'none=sh -c"
}

https() {
    hauls='haul,haul bearssl,haul openssl'
    compare_quickly --rounds 1 --parts https --before "$build"
    code_is 0 && nothing_stays &&
        same "$(clients 'https, kept')" "$hauls,haul before,haul bench uring,haul bench epoll,wrk" &&
        same "$(clients 'http, kept')" 'haul,haul before' &&
        same "$(clients 'https, bulk')" "$hauls,haul before,curl" || return
    for what in 'sessions resumed' 'full handshakes'; do
        same "$(clients "https, a connection a request, $what")" \
            "$hauls,haul before,haul bench uring,haul bench epoll,wrk,curl,openssl s_time" || return
    done
    same "$(clients 'https, the first full handshake')" "$hauls,haul before,curl" &&
        same "$(clients 'https, 20 origins once each')" "$hauls,curl,curl, TLS 1.2" &&
        same "$(grep -cE '[|] at (most|least) [01][.][0-9]+ +[|] +[0-9.]+ +[|] (not )?met' out)" 6
}

# Each is another name, and nothing of one serves the next.
origins() {
    compare --parts origins --origins 3 --rounds 1 --peers curl --markdown
    code_is 0 && nothing_stays &&
        same "$(clients 'https, 3 origins once each')" \
            'haul,haul bearssl,haul openssl,curl,curl, TLS 1.2' &&
        has "$(line 'haul openssl')" '| TLSv1.3' && has "$(line 'curl, TLS 1.2')" '| TLSv1.2' &&
        has "$(grep 'chain verified' out)" 'at most 1.00' || return
    compare --parts origins --origins 10000
    code_is 2 && has "$(cat err)" '--origins from 1 to 9999 are wanted'
}

missing_client() {
    mkdir bare && PATH=$work/bare compare --quick --parts urls --peers curl
    code_is 0 && has "$(cat err)" 'skipped curl: not installed' && same "$(grep -c '^curl ' out)" 0
}

# --- what goes wrong ------------------------------------------------------------------------------

no_build() {
    build=$work compare --quick
    code_is 1 && has "$(cat err)" 'build a release first' && nothing_stays
}

no_server() {
    compare --server-port 1
    code_is 1 && has "$(cat err)" 'nothing answers on port 1' && nothing_stays
}

# Its children, once there is one more than so many.
children() {
    while kill -0 "$1" 2>/dev/null; do
        found=$(cat "/proc/$1/task/$1/children")
        [ "$(echo "$found" | wc -w)" -le "$2" ] || break
        sleep 0.02
    done
    echo "$found"
}

# A server and a client are there when the signal comes.
interrupted() {
    "$python" "$versus" --build "$build" --parts load --servers haul-server --seconds 30 \
        >out 2>err &
    versus_pid=$!
    pids="$pids $versus_pid"
    begun=$(children $versus_pid 1)
    kill -"$1" $versus_pid
    wait $versus_pid
    code=$?
    code_is "$2" && nothing_stays && same "$(echo "$begun" | wc -w)" 2 || return
    for pid in $begun; do
        ! kill -0 "$pid" 2>/dev/null || same "process $pid" "ended" || return
    done
}

interrupt() {
    interrupted INT 130
}

terminate() {
    interrupted TERM 143
}

row 'load and URLs: each client is in its table, one that fails with the reason' load_and_urls
for name in nginx openssl curl; do
    missing=
    command -v $name >/dev/null || missing="$name is not installed"
    [ -z "$missing" ] || break
done
if [ -z "$missing" ]; then
    row 'https: kept, resumed, full, first, bulk, many origins, and what is held to' https
    row 'https: origins alone' origins
else
    skip 'https: kept, resumed, full, first, bulk, many origins, and what is held to' "$missing"
    skip 'https: origins alone' "$missing"
fi
row 'a client that is not installed is skipped by name' missing_client
row 'no build: one sentence' no_build
row 'no server: one sentence' no_server
row 'SIGINT ends server, client and files' interrupt
row 'SIGTERM ends server, client and files' terminate
rows_end
