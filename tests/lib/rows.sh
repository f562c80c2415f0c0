# What the scripts of rows share; they source it before anything else, with their own arguments:
#
#     SCRIPT HAUL HAUL-SERVER [LOOP]
#
# It takes them to a folder of their own, $work, which ends with them, as do the processes in $pids.
haul_program=$(realpath "$1") || exit 1
server_program=$(realpath "$2") || exit 1
loop=${3:-auto}
count=0
failures=0
pids=
work=$(mktemp -d) || exit 1

end() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null
    done
    rm -rf "$work"
}
trap end EXIT
trap 'exit 1' INT TERM
trap '' PIPE
unset SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE
unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY
cd "$work" || exit 1

# server_start: haul-server; host and port are then in $server_address.
server_start() {
    mkfifo server.out
    "$server_program" >server.out 2>server.err &
    pids="$pids $!"
    read -r banner <server.out
    server_address=${banner#listening on }
}

# --- running ----------------------------------------------------------------------------------

haul() {
    "$haul_program" --loop "$loop" "$@"
}

# Runs haul with its streams in out and err; the exit code is in $code.
run() {
    haul "$@" >out 2>err
    code=$?
}

# with_setting NAME=VALUE WORD…: as run, with this in its environment.
with_setting() {
    variable=$1
    shift
    env "$variable" "$haul_program" --loop "$loop" "$@" >out 2>err
    code=$?
}

# --- rows -------------------------------------------------------------------------------------

# Each row: what is so, and the function that finds out.
row() {
    count=$((count + 1))
    if "$2" 2>trouble; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        failures=$((failures + 1))
        sed 's/^/# /' trouble
        for stream in out err; do
            [ ! -s "$stream" ] || head -n 20 "$stream" | cut -c 1-300 | sed "s/^/# $stream: /"
        done
    fi
    rm -rf out err pages
}

skip() {
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

# The script's last line: the plan, and whether all went well.
rows_end() {
    echo "1..$count"
    [ "$failures" -eq 0 ]
}

# --- what a row looks at ----------------------------------------------------------------------

same() {
    [ "$1" = "$2" ] && return
    printf 'got:  %s\nwant: %s\n' "$1" "$2" >&2
    return 1
}

has() {
    case $1 in
    *"$2"*) return ;;
    esac
    printf 'got:  %s\nwant: ...%s...\n' "$1" "$2" >&2
    return 1
}

code_is() {
    same "exit code $code" "exit code $1"
}

# One member of each line, as it is written.
member() {
    sed -n 's/.*"'"$1"'":\("[^"]*"\|[^,}]*\).*/\1/p' "${2:-out}" | tr '\n' ' ' | sed 's/ $//'
}
