#!/bin/sh
# What haul doctor says of machines that are not as this one: io_uring refused as by Docker's rules,
# no /proc, no IPv6, little memory. Rows of TAP; what cannot be made here is skipped by name.
#
#     machines.sh HAUL HAUL-SERVER
set -u
. "$(dirname "$0")/../lib/rows.sh"
PATH=$PATH:/usr/sbin:/sbin

# As Docker's default profile: the three calls of io_uring (425 to 427 everywhere) are EPERM.
cat >refusing.py <<'PYTHON'
import ctypes, os, struct, sys
rules = [(0x20, 0, 0, 0), (0x35, 0, 2, 425), (0x25, 1, 0, 427), (6, 0, 0, 0x00050001),
         (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *rule) for rule in rules))
program = ctypes.create_string_buffer(struct.pack("@HP", len(rules), ctypes.addressof(code)))
prctl = ctypes.CDLL(None).prctl
prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
if prctl(38, 1, None, 0, 0) or prctl(22, 2, ctypes.addressof(program), 0, 0):
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
PYTHON

doctor() {
    "$@" "$haul_program" doctor >out 2>err
    code=$?
}

refused() {
    doctor python3 refusing.py && code_is 0 && has "$(cat out)" "warn  loop              epoll is used" &&
        has "$(cat out)" "a seccomp profile or security module forbids io_uring" &&
        has "$(cat out)" "ok    seccomp           a filter is in force" &&
        has "$(cat out)" "docker run --security-opt seccomp=unconfined" &&
        has "$(cat out)" "ok    engine            opens, epoll loop"
}

# What is not to blame is not blamed.
not_refused() {
    doctor env && code_is 0 && has "$(cat out)" "  memory  " &&
        has "$(cat out)" "a run without options reserves" || return 1
    grep -q 'warn  loop' out || same "$(grep -c unconfined out)" 0
}

without_proc() {
    doctor unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' sh
    code_is 0 && has "$(cat out)" "warn  /proc             is not mounted" &&
        grep -q 'seccomp  *\(no filter\|a filter is in force\)$' out &&
        has "$(cat out)" "warn  local ports       the range cannot be read" &&
        has "$(cat out)" "ok    engine            opens"
}

without_ipv6() {
    doctor unshare --net sh -c 'ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 &&
        exec "$@"' sh
    code_is 0 && has "$(cat out)" \
        "ok    addresses         IPv4 has no route beyond this machine, IPv6 is switched off"
}

in_45_mb() {
    doctor sh -c 'ulimit -v 45000 && exec "$@"' sh
    code_is 1 && has "$(cat out)" "warn  memory            46.1 MB by RLIMIT_AS (ulimit -v)" &&
        has "$(cat out)" "less: -c 16 --window 64" && has "$(cat out)" "FAIL  engine" ||
        return 1
    sh -c 'ulimit -v 45000 && exec "$@"' sh "$haul_program" -c 16 --window 64 "http://$server_address/p/1" \
        >out 2>err
    code=$?
    code_is 0 && has "$(cat out)" '"status":200'
}

# row_where NAME FUNCTION REASON WORD…: skipped where haul does not run behind these words; a sanitizer
# needs /proc, and address space.
row_where() {
    name=$1 function=$2 reason=$3
    shift 3
    if "$@" "$haul_program" --version >/dev/null 2>&1; then
        row "$name" "$function"
    else
        skip "$name" "$reason"
    fi
}

server_start
row_where "io_uring is refused as by Docker: epoll, and why" refused "no filter to be had" \
    python3 refusing.py
row "a machine where nothing is refused" not_refused
row_where "no /proc: it is said, and no more is claimed than was seen" without_proc \
    "no namespaces to be had, or a sanitizer" unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' sh
row_where "IPv6 is switched off" without_ipv6 "no namespaces to be had" \
    unshare --net sh -c 'ip link set lo up && exec "$@"' sh
row_where "45 MB: what a run reserves, and how it fits" in_45_mb "a sanitizer" \
    sh -c 'ulimit -v 45000 && exec "$@"' sh
rows_end
