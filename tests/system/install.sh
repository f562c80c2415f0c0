#!/bin/sh
# The library as a user gets it: sh tests/system/install.sh BUILD_DIR
#
# Installs BUILD_DIR into a folder of its own, compiles the program that README.md shows with the
# flags pkg-config gives, runs it against haul-server, and looks at what the library shows.
set -u
build=$(cd "$1" && pwd) || exit 2
cd "$(dirname "$0")/../.." || exit 2

scratch=$(mktemp -d) || exit 2
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null
    rm -rf "$scratch"
}
trap finish EXIT

fail() {
    echo "install: $1" >&2
    exit 1
}

# --- install --------------------------------------------------------------------------------------

DESTDIR=$scratch/root meson install -C "$build" --no-rebuild --quiet >"$scratch/log" 2>&1 || {
    cat "$scratch/log"
    fail 'meson install failed'
}
pc=$(find "$scratch/root" -name haul.pc)
[ -n "$pc" ] || fail 'haul.pc was not installed'
prefix=$scratch/root$(sed -n 's/^prefix=//p' "$pc")
flags="--define-variable=prefix=$prefix haul"
export PKG_CONFIG_PATH="${pc%/*}"
library=$(pkg-config --variable=libdir --define-variable=prefix="$prefix" haul)
[ -x "$prefix/bin/haul" ] || fail 'bin/haul was not installed'
[ -f "$prefix/include/haul.h" ] || fail 'include/haul.h was not installed'
(cd engine && find haul.h haul -name '*.h' | sort) >"$scratch/headers"
(cd "$prefix/include" && find . -name '*.h' | sed 's|^\./||' | sort) | cmp - "$scratch/headers" ||
    fail 'other headers were installed than haul.h and its parts'

# Each shell looks for them by the name of the program.
for file in bash-completion/completions/haul bash-completion/completions/haul-bench \
    zsh/site-functions/_haul fish/vendor_completions.d/haul.fish \
    fish/vendor_completions.d/haul-bench.fish; do
    [ -s "$prefix/share/$file" ] || fail "share/$file was not installed"
done

# --- what the library shows -----------------------------------------------------------------------

soname=$(readelf -d "$library/libhaul.so" | sed -n 's/.*soname: \[\(.*\)\]/\1/p')
[ "$soname" = libhaul.so.1 ] || fail "the soname is '$soname', not libhaul.so.1"
version=$(sed -n 's/^#define HAUL_VERSION "\(.*\)"/\1/p' "$prefix/include/haul.h")
[ "$(pkg-config --modversion $flags)" = "$version" ] ||
    fail "haul.h says $version, and haul.pc $(pkg-config --modversion $flags)"
foreign=$(nm -D --defined-only "$library/libhaul.so" | awk '$2 != "A" { print $3 }' |
    grep -v '^haul_[a-z]')
[ -z "$foreign" ] || fail "it exports more than haul_*: $foreign"

# --- the program of the README --------------------------------------------------------------------

[ -f README.md ] || fail 'README.md is missing'
awk '
    /^<!-- example: gather\.c -->/ { wanted = 1; next }
    wanted && /^```/ { if (inside) exit; inside = 1; next }
    inside { print }' README.md >"$scratch/gather.c"
[ -s "$scratch/gather.c" ] || fail 'README.md has no C block behind <!-- example: gather.c -->'

${CC:-cc} -std=c11 -Wall -Wextra -Werror -o "$scratch/gather" "$scratch/gather.c" \
    $(pkg-config --cflags --libs $flags) || fail 'the program of README.md does not compile'

# haul.h is one header to C and to C++, where there is a compiler of it.
languages='c:c11 c:c2x'
if echo 'int main() {}' | ${CC:-cc} -x c++ -o "$scratch/language" - 2>/dev/null; then
    languages="$languages c++:c++11 c++:c++20"
fi
for language in $languages; do
    echo '#include <haul.h>
        int main(void) { struct haul *haul; return haul_open(&haul, NULL) ? 1 : (haul_close(haul), 0); }' |
        ${CC:-cc} -x "${language%%:*}" -std="${language#*:}" -Wall -Wextra -Wpedantic -Werror \
            -o "$scratch/language" - -x none $(pkg-config --cflags --libs $flags) ||
        fail "haul.h does not compile as ${language#*:}"
done

# A caller that reads no header: the sized names alone, by their sizes.
if command -v python3 >/dev/null; then
    LD_LIBRARY_PATH=$library python3 - <<'PYTHON' || fail 'the library does not serve ctypes'
import ctypes
class Options(ctypes.Structure):
    _fields_ = [("concurrency", ctypes.c_uint32), ("window", ctypes.c_uint32)]
class OpenError(ctypes.Structure):
    _fields_ = [("option", ctypes.c_char_p)]
class Facts(ctypes.Structure):
    _fields_ = [("loop", ctypes.c_char_p), ("reason", ctypes.c_char * 160),
                ("concurrency", ctypes.c_uint32), ("window", ctypes.c_uint32)]
haul = ctypes.CDLL("libhaul.so.1")
handle, why, facts = ctypes.c_void_p(), OpenError(), Facts()
def call(name, *arguments):
    function = getattr(haul, name)
    return function(*[part for argument in arguments for part in
        ((ctypes.byref(argument), ctypes.c_size_t(ctypes.sizeof(argument)))
         if isinstance(argument, ctypes.Structure) else (argument,))])
assert call("haul_open_sized", ctypes.byref(handle), Options(concurrency=1 << 30), why) == -22
assert why.option == b"concurrency", why.option
assert call("haul_open_sized", ctypes.byref(handle), Options(3, 9), why) == 0
assert why.option is None
call("haul_get_facts_sized", handle, facts)
assert (facts.concurrency, facts.window) == (3, 9)
haul.haul_close(handle)
PYTHON
fi

mkfifo "$scratch/told" || exit 2
"$build/bench/haul-server" --port 0 >"$scratch/told" &
server=$!
read -r listening <"$scratch/told"
case $listening in
'listening on '*) origin=http://${listening#listening on } ;;
*) fail 'haul-server did not start' ;;
esac

LD_LIBRARY_PATH=$library "$scratch/gather" "$origin/users" "$origin/s" "$origin/status/404" \
    >"$scratch/out" || fail 'the program of README.md failed'
cat "$scratch/out"
# Whatever it prints of each, it prints in the order asked for: status, length, URL.
grep -c . "$scratch/out" | grep -qx 3 || fail 'it should have printed three lines'
for row in '1:200:/users' '2:200:/s' '3:404:/status/404'; do
    line=$(sed -n "${row%%:*}p" "$scratch/out")
    rest=${row#*:}
    case $line in
    *"${rest%%:*}"*) ;;
    *) fail "line ${row%%:*} has no status ${rest%%:*}: $line" ;;
    esac
    case $line in
    *"${rest#*:}"*) ;;
    *) fail "line ${row%%:*} is not about ${rest#*:}: $line" ;;
    esac
done
kill "$server" && wait "$server" || fail 'haul-server did not end as it should'
server=
echo 'install: soname, exports, pkg-config and the program of README.md are right'
