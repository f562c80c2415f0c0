#!/bin/sh
# Everything there is to test, from a bare checkout: sh tests/run.sh
#
# Installs what is missing (Debian), builds four times (gcc with sanitizers in build-tests, clang and
# gcc release builds, and one without OpenSSL), runs the tests of the first two, and the install
# test. The last lines are the ten slowest tests and how many passed, failed and were skipped; the
# exit status is 0 where none failed.
set -u
cd "$(dirname "$0")/.." || exit 2

# --- what the tests need --------------------------------------------------------------------------

# name:package. A path is one; a name ending in .pc is asked of pkg-config, one in .h of /usr/include,
# every other is a command.
needed='gcc:gcc dpkg-architecture:dpkg-dev clang:clang ninja:ninja-build meson:meson
    pkg-config:pkg-config python3:python3 liburing.pc:liburing-dev libcares.pc:libc-ares-dev
    libidn2.pc:libidn2-dev cmocka.pc:libcmocka-dev
    bearssl.h:libbearssl-dev openssl.pc:libssl-dev jansson.pc:libjansson-dev zlib.pc:zlib1g-dev
    libbrotlidec.pc:libbrotli-dev libzstd.pc:libzstd-dev
    /usr/share/javascript/chart.js/chart.min.js:libjs-chart.js openssl:openssl jq:jq scdoc:scdoc
    clang-format-14:clang-format-14'

# Others to test against; what of them cannot be had is skipped by name.
wanted='nginx:nginx-light wrk:wrk chromium:chromium valgrind:valgrind /usr/sbin/nft:nftables
    zsh:zsh fish:fish'

has() {
    case $1 in
    /*) [ -f "$1" ] ;;
    *.pc) pkg-config --exists "${1%.pc}" 2>/dev/null ;;
    *.h) [ -f "/usr/include/$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# Packages of those pairs whose name is not there.
missing_of() {
    for pair; do
        has "${pair%%:*}" || printf ' %s' "${pair#*:}"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo 'this is for root to do, and there is no sudo'
        return 1
    fi
}

install_packages() {
    echo "installing: $*"
    as_root apt-get update -qq || echo 'going on with the package lists that are there'
    as_root env DEBIAN_FRONTEND=noninteractive \
        timeout 240 apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

install_missing() {
    packages=$(missing_of $needed)
    [ -z "$packages" ] || install_packages $packages ||
        { echo "without these nothing can be built: $packages" && return 1; }
    packages=$(missing_of $wanted)
    [ -z "$packages" ] || install_packages $packages || echo "not to be had:$packages"
    return 0
}

# --- builds and tests -----------------------------------------------------------------------------

passed=0 failed=0 skipped=0
durations=$(mktemp) && failures=$(mktemp) || exit 2
trap 'rm -f "$durations" "$failures"' EXIT

count() {
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# One step that passes or fails as a whole; 77 is a skip.
step() {
    name=$1
    shift
    echo "== $name"
    "$@"
    case $? in
    0) count 1 0 0 ;;
    77) count 0 0 1 ;;
    *)
        count 0 1 0
        echo "FAILED: $name"
        echo "$name" >>"$failures"
        return 1
        ;;
    esac
}

# build FOLDER COMPILER [OPTION…]
build() {
    folder=$1 compiler=$2
    shift 2
    if [ ! -f "$folder/build.ninja" ]; then
        rm -rf "$folder"
        CC=$compiler meson setup "$folder" -Dwerror=true "$@" >"$folder.log" 2>&1 || {
            cat "$folder.log"
            rm -f "$folder.log"
            return 1
        }
        rm -f "$folder.log"
    fi
    ninja -C "$folder" --quiet
}

# Counts what meson wrote about each test, a JSON object a line, and keeps how long each took, and
# of what failed the name and its last words.
count_tests() {
    counts=$(python3 - "$1" "$durations" "$failures" <<'PYTHON'
import json, sys
build, durations, failures = sys.argv[1:]
with open(build + "/meson-logs/testlog.json") as log:
    tests = [json.loads(line) for line in log if line.strip()]
with open(durations, "a") as out:
    for test in tests:
        print(f"{test['duration']:7.1f} s  {test['name']} ({build})", file=out)
with open(failures, "a") as out:
    for test in tests:
        if test["result"] in ("OK", "EXPECTEDFAIL", "SKIP"):
            continue
        print(f"{test['name']} ({build}): {test['result']}", file=out)
        said = (test.get("stdout") or "") + (test.get("stderr") or "")
        lines = [line for line in said.splitlines() if not line.startswith(("ok ", "[       OK", "[ RUN"))]
        print(*("    " + line[:200] for line in lines[-30:]), sep="\n", file=out)
results = [test["result"] for test in tests]
passed = sum(result in ("OK", "EXPECTEDFAIL") for result in results)
skipped = sum(result == "SKIP" for result in results)
print(passed, len(results) - passed - skipped, skipped)
PYTHON
    ) || counts='0 1 0'
    count $counts
}

# Half of a test is waiting: two for each processor keep it busy.
run_tests() {
    echo "== tests of $1"
    rm -f "$1/meson-logs/testlog.json"
    meson test -C "$1" --no-rebuild --print-errorlogs --num-processes $((2 * $(nproc)))
    count_tests "$1"
}

export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

summary() {
    if [ -s "$failures" ]; then
        echo '== what failed'
        cat "$failures"
    fi
    echo '== the ten slowest tests'
    sort -rn "$durations" | head -n 10
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
    exit
}

step 'what the tests need' install_missing || summary
step 'build with sanitizers' build build-tests gcc --buildtype=debugoptimized \
    -Db_sanitize=address,undefined && run_tests build-tests
step 'release build, clang' build build-tests-clang clang && run_tests build-tests-clang
# Every library of the build but OpenSSL, whose place haul must say.
build_without_openssl() {
    found=$(pkg-config --variable pc_path pkg-config | tr : ' ')
    others=$(mktemp -d) || return 1
    for folder in $found; do
        for file in "$folder"/*.pc; do
            case $file in
            */openssl.pc | */libssl.pc | */libcrypto.pc | */'*.pc') ;;
            *) ln -sf "$file" "$others" ;;
            esac
        done
    done
    PKG_CONFIG_LIBDIR=$others build build-tests-bare gcc && rm -r "$others" &&
        build-tests-bare/tools/haul -V | grep 'TLS: BearSSL; this haul was built without OpenSSL' &&
        ! build-tests-bare/tools/haul --tlsv1.3 http://127.0.0.1:9/ 2>&1 | grep -v 'without OpenSSL'
}

step 'release build without OpenSSL' build_without_openssl
step 'release build, gcc' build build-tests-gcc gcc && {
    step 'house rules' sh tests/tidy.sh build-tests-gcc
    step 'installed library' sh tests/system/install.sh build-tests-gcc
}

summary
