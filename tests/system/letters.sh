#!/bin/sh
# What a hand that knows curl types first. Rows of TAP.
#
#     letters.sh HAUL HAUL-SERVER [LOOP]
set -u
. "$(dirname "$0")/../lib/rows.sh"
server_start
base=http://$server_address
refused=http://127.0.0.1:1

files() {
    (cd "$1" && find . -type f | sort | tr '\n' ' ')
}

# --- -O ---------------------------------------------------------------------------------------

remote_names() {
    rm -rf pages
    mkdir pages
    echo before >pages/1
    ln -s /nowhere pages/2
    run -O --output-dir pages "$base/p/1" "$base/p/2?x=/y#z" "$base/q/1" "$base/p/1" "$base/%2e%2e"
    code_is 0 && same "$(files pages)" "./%2e%2e ./1 ./1.1 ./1.2 ./2 " &&
        same "$(member body_file)" \
            '"pages/1" "pages/2" "pages/1.1" "pages/1.2" "pages/%2e%2e"' &&
        same "$(wc -c <pages/1)" 612 && same "$(wc -c <pages/1.1)" 9
}

nameless() {
    rm -rf pages
    run -O --output-dir pages "$base" "$base/" "$base/p/" "$base/." "$base/p/.." "$base/?/x" foo
    code_is 3 && same "$(files pages)" "" &&
        same "$(grep -c "ends in no name that -O could give to a file (argument [1-6])" out)" 6 &&
        same "$(member body_file)" "null null null null null null null"
}

# What is not whole leaves what was there, and nothing of its own.
replaced_when_whole() {
    rm -rf pages
    mkdir pages
    echo before >pages/truncate
    echo before >pages/404
    run -f -O --output-dir pages "$base/truncate" "$base/status/404" "$base/p/1"
    code_is 18 && same "$(cat pages/truncate pages/404)" "before
before" && same "$(cd pages && find . -type f | wc -l)" 3 &&
        same "$(member body_file)" 'null null "pages/1"' || return
    run --fail-with-body -O --output-dir pages "$base/status/404"
    code_is 22 && same "$(wc -c <pages/404)" 9
}

directories() {
    rm -rf pages
    run -O --output-dir pages/a/b "$base/p/1"
    code_is 23 && has "$(cat err)" "cannot write to pages/a/b: No such file or directory" || return
    run -O --create-dirs --output-dir pages/a/b "$base/p/1"
    code_is 0 && same "$(files pages)" "./a/b/1 " || return
    run -o pages/c/d/results "$base/p/1"
    code_is 23 && has "$(cat err)" "cannot write to pages/c/d/results: No such file" || return
    run --create-dirs -o pages/c/d/results "$base/p/1"
    code_is 0 && same "$(member status pages/c/d/results)" 200
}

# The file of the results is nobody's name.
results_beside() {
    rm -rf pages
    mkdir pages
    cd pages || return
    run -O -o 1 "$base/p/1"
    cd ..
    mv pages/err err
    same "$(member body_file pages/1)" '"1.1"' && same "$(wc -c <pages/1.1)" 612
}

# By whatever ways it is written: each pair of words leads both to results and to a body.
one_file_two_ways() {
    while IFS='|' read -r words body; do
        rm -rf pages
        mkdir -p pages/sub
        cd pages || return
        ln -s real link
        ln -s . here
        eval "run $words"
        mv out err ..
        cd ..
        code_is 0 && same "$(member body_file pages/results)" "\"$body\"" &&
            same "$(cd pages && wc -c <"$body")" 612 || return
    done <<ROWS
-O --output-dir . -o results "$base/p/results"|./results.1
-O --output-dir sub/.. -o ./results "$base/p/results"|sub/../results.1
-O --output-dir here -o "\$PWD/results" "$base/p/results"|here/results.1
-O -o sub/../results "$base/p/results"|results.1
--bodies . -o results "$base/p/1"|./000000
ROWS
    rm -rf pages
    mkdir pages
    cd pages || return
    echo before >real
    ln -s real link
    run -O -o link "$base/p/real" "$base/p/link" "$base/p/link"
    mv out err ..
    cd ..
    code_is 0 && same "$(member body_file pages/real)" '"real.1" "link.1" "link.2"' || return
    run --bodies pages -o pages/000001 "$base/p/[1-3]"
    code_is 0 && same "$(member body_file pages/000001)" \
        '"pages/000000" "pages/000001.1" "pages/000002"'
}

# Outputs of URLs, likewise; a link to a file stays one, as with -o.
outputs_two_ways() {
    rm -rf pages
    mkdir -p pages/sub
    echo before >pages/real
    ln -s real pages/link
    ln -s sub pages/other
    ln -s nowhere pages/dangling
    for output in pages/x ./pages/x pages/sub/../x "$work/pages/x" pages/link pages/real \
        pages/sub/y pages/other/y pages/dangling pages/000011; do
        printf 'url = %s/p/1\noutput = %s\n' "$base" "$output"
    done >a.cfg
    printf 'url = %s/p/2\n' "$base" "$base" "$base" >>a.cfg
    run --bodies pages -c 1 -K a.cfg
    code_is 0 && same "$(member body_file | tr -d '"')" "pages/x ./pages/x.1 pages/sub/../x.2 \
$work/pages/x.3 $work/pages/real pages/real.1 pages/sub/y pages/other/y.1 pages/dangling \
pages/000011 pages/000010 pages/000011.1 pages/000012" &&
        [ -L pages/link ] && same "$(wc -c <pages/link)" 612 && same "$(ls -A pages | grep part)" ""
}

same_names_in_a_crowd() {
    rm -rf pages
    run --unordered -O --output-dir pages "$base/p/{1,2,3}?[1-400]"
    code_is 0 && same "$(ls pages | wc -l)" 1200 &&
        same "$(member body_file | tr ' ' '\n' | sort -u | wc -l)" 1200
}

# --- -o ---------------------------------------------------------------------------------------

result_file() {
    rm -f results
    run -o results "$base/p/1"
    code_is 0 && has "$(cat err)" \
        "note: results has the result as JSON; the page itself is --format body -o results" &&
        same "$(member status results)" 200 || return
    for words in '-q' '--format ndjson' '--body' '--repeat 2' "$base/p/2" '--bodies pages' '-I'; do
        run -o results $words "$base/p/1"
        code_is 0 && same "$(grep -c 'the page itself' err)" 0 || return
    done
    for words in '-sSfL' '-sS --fail'; do
        run $words -o results "$base/p/1"
        same "$(cat err)" \
            "haul: note: results has the result as JSON; the page itself is --format body -o results" ||
            return
    done
    run -o results "$base/p/[1-2]"
    same "$(grep -c 'the page itself' err)" 0 || return
    run -o . "$base/p/1"
    code_is 23 && same "$(cat err)" 'haul: cannot write to .: Is a directory' || return
    for words in '-o a -o b' '-o a#1' '-o #2'; do
        run $words "$base/p/1"
        code_is 2 && has "$(cat err)" '--bodies DIR or -O' && same "$(ls a b 2>/dev/null)" "" ||
            return
    done
}

# --- -K ---------------------------------------------------------------------------------------

config_files() {
    rm -rf pages
    mkdir pages
    echo before >pages/two
    cat >list.cfg <<CONFIG
# three of them
url = "$base/p/1"
output = "pages/one two"
url: $base/p/2
-o pages/two

output = "pages/three" # before its URL
url $base/p/3
url = $base/p/4
output = /dev/null
--url $base/p/5
CONFIG
    run -K list.cfg "$base/p/6" -w '%{filename_effective}|'
    code_is 0 && same "$(cat out)" 'pages/one two|pages/two|pages/three|/dev/null|||' &&
        same "$(files pages)" "./one two ./three ./two " && same "$(wc -c <pages/two)" 612 &&
        [ -c /dev/null ]
}

# Of a glob each body has its file; one on stdout is there in its turn.
config_outputs() {
    rm -rf pages
    mkdir pages
    printf 'url = %s/p/[1-3]\noutput = x\nurl = %s/status/404\noutput = -\n' "$base" "$base" >a.cfg
    run -q --output-dir pages --format text -K a.cfg
    code_is 0 && same "$(files pages)" "./x ./x.1 ./x.2 " &&
        has "$(cat out)" "p/3
Not Found     3 404" || return
    printf 'output = d/e/f\nurl = %s/p/1\n' "$base" >a.cfg
    run -K a.cfg --output-dir pages
    code_is 23 && has "$(cat err)" "cannot write to pages/d/e/f: No such file" || return
    run -K a.cfg --output-dir pages --create-dirs
    code_is 0 && same "$(files pages)" "./d/e/f ./x ./x.1 ./x.2 "
}

config_without_url() {
    rm -f results
    printf 'output = results\nsilent\nformat = csv\n' >a.cfg
    run -K a.cfg "$base/p/1"
    code_is 0 && has "$(cat results)" "$base/p/1" && same "$(cat out err)" ""
    printf 'url = %s/p/1\n' "$base" | haul -q -K - --format text >out 2>err
    code=$?
    code_is 0 && has "$(cat out)" "$base/p/1"
}

config_faults() {
    while IFS='|' read -r text said; do
        printf -- "$text" >a.cfg
        run -q -K a.cfg "$base/p/1"
        code_is 2 && has "$(cat err)" "haul: $said" && same "$(cat out)" "" || return
    done <<'ROWS'
\n\nfrob = 1|a.cfg:3: unknown option '--frob'
silent = yes|a.cfg:1: -q/--quiet takes no value
-s yes|a.cfg:1: 'yes' is no option, and stands behind one that takes no value
url|a.cfg:1: --url wants a value
# x\nmax-time = soon|a.cfg:2: -m/--max-time 'soon': seconds
header = X: y|a.cfg:1: the value of 'header' has white space, and belongs in quotes
ftp://h/|a.cfg:1: unknown option '--ftp'
cookie = x|a.cfg:1: unknown option '--cookie': haul keeps no cookies
url = u\noutput = "a#1"|a.cfg:2: -o/--output 'a#1': it is the file of the results
output = a\n\noutput = b\nurl = u|a.cfg:1: output has no url that it could belong to
config = a.cfg|a.cfg:1: -K/--config 'a.cfg': files name each other, more than 10 deep
url = u\n\000|-K/--config 'a.cfg': it has a zero byte
--|a.cfg:1: '--' is no option
ROWS
    run -K nothing.cfg
    code_is 26 && has "$(cat err)" "-K/--config: cannot read nothing.cfg: No such file"
}

# ~/.curlrc is curl's.
no_curlrc() {
    mkdir -p home
    echo 'frob' >home/.curlrc
    with_setting HOME="$work/home" "$base/p/1"
    code_is 0
}

# --- -w ---------------------------------------------------------------------------------------

write_out() {
    run -sw '%{http_code} %{size_download} %{url}\n' "$base/p/1" "$base/status/404" "$refused/"
    code_is 7 && same "$(cat out)" "200 612 $base/p/1
404 9 $base/status/404
000 0 $refused/" && same "$(cat err)" "" || return
    run -w '%{http_code}\n' --format text "$base/p/1"
    has "$(cat out)" "$base/p/1
200" && run -w '%{http_code}\n' -o results "$base/p/1" && same "$(cat out)" 200 &&
        same "$(member status results)" 200 || return
    printf '%s' '%{http_code},' >text
    run -sw @text "$base/delay/50" "$base/status/404"
    same "$(cat out)" "200,404," || return
    run -w '%{foo}%{bar}%{foo}' "$base/p/1"
    has "$(cat err)" 'note: -w/--write-out: nothing is known for %{foo}, %{bar}; the rest is' &&
        same "$(grep -c foo err)" 1 && same "$(cat out)" ""
}

write_out_as_curl() {
    format='%{http_code} %{response_code} %{size_download} %{size_header} %{num_headers}'
    format="$format %{content_type} %{method} %{scheme} %{http_version} %{url_effective} %{exitcode}"
    format="$format %{errormsg} %{ssl_verify_result} %{http_connect} %{url} %header{CONTENT-LENGTH}"
    format="$format %{num_connects} %{num_redirects} %{redirect_url} %{time_redirect} %% %x \\\\ \\t|%{onerror}"
    for url in "$base" "$base/p/1" "$base/status/404" "$base/bytes/100000?q=[1]#f" "$base/truncate"
    do
        curl -g -s -o /dev/null -w "$format\n" "$url" | sed 's/ end of response.*//' >want
        run -g -sw "$format\n" "$url"
        case $url in
        */truncate) # which has its own sentence
            has "$(cat out)" " 18 " && has "$(cat want)" " 18 " || return
            ;;
        *) same "$(cat out)" "$(cat want)" || return ;;
        esac
    done
}

on_a_terminal() {
    printf '%s' "$base/p/1?" >list
    printf 'a\302\233b\n' >>list
    cat >terminal.py <<'PYTHON'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
text = b""
try:
    while more := os.read(fd, 4096):
        text += more
except OSError:
    pass
os.waitpid(pid, 0)
sys.stdout.buffer.write(text)
PYTHON
    python3 terminal.py "$haul_program" -sw '%{url}\n' -i list >out 2>err
    has "$(cat out)" '?a??b' || return
    run -sw '%{url}\n' -i list
    same "$(cat out)" "$(cat list)"
}

# --- -s, -S, -f and the others ----------------------------------------------------------------

silence() {
    run -s "$refused/" --format none
    code_is 7 && same "$(cat err)" "" || return
    for words in '-sS' '-S -q' '--silent --show-error'; do
        run $words "$refused/" "$base/p/1" --format none
        code_is 7 && same "$(cat err)" \
            "haul: $refused/: connect: the connection was refused or failed" || return
    done
    run -S "$refused/" --format none
    same "$(grep -c 'was refused' err)" 0 && has "$(cat err)" "1 failed (connect 1)" || return
    run -sS --format body "$refused/"
    same "$(grep -c refused err)" 1
}

no_operation() {
    run -sZ --parallel-immediate --retry 1 --retry-connrefused -N -# --parallel-max 2 -m 30 "$base/p/[1-5]"
    code_is 0 && same "$(wc -l <out)" 5
}

bare_hosts() {
    printf '%s\n' "$server_address/p/1" "$base/p/2" "$server_address" >list
    run --proto-default http -i list "$server_address/p/[3-4]?u=http://x"
    code_is 0 && same "$(member url | tr -d '"')" "$base/p/1 $base/p/2 $base $base/p/3?u=http://x \
$base/p/4?u=http://x" || return
    run "$server_address/p/1"
    code_is 3
}

queries() {
    run --url-query 'a b' --url-query 'x=&y' --url-query +z=%20 "$base/p/1" "$base/p/2?" \
        "$base/p/3?q#f"
    code_is 0 && same "$(member url | tr -d '"')" \
        "$base/p/1?a+b&x=%26y&z=%20 $base/p/2?a+b&x=%26y&z=%20 $base/p/3?q&a+b&x=%26y&z=%20#f"
}

# --- where connections go, and come from ------------------------------------------------------

one_family() {
    port=${server_address##*:}
    run -4 "http://localhost:$port/p/1" --resolve "a.test:$port:[::1],127.0.0.1" \
        "http://a.test:$port/p/1"
    code_is 0 && same "$(member status)" "200 200" || return
    run -6 "$base/p/1"
    code_is 7 && has "$(cat out)" "no address is of the one family that is asked for" || return
    run -4 "http://[::1]:$port/p/1"
    code_is 7 && has "$(cat out)" "no address is of the one family that is asked for" || return
    run -6 --resolve "a.test:$port:127.0.0.1" "http://a.test:$port/p/1"
    code_is 7 && has "$(cat out)" "no address is of the one family that is asked for" || return
    run -6 -4 "$base/p/1"
    code_is 0
}

interfaces() {
    for word in lo 127.0.0.9 if!lo host!127.0.0.9; do
        run --interface "$word" "$base/p/[1-3]"
        code_is 0 && same "$(member status)" "200 200 200" || return
    done
    while IFS='|' read -r words code said; do
        run $words "$base/p/1"
        code_is "$code" && has "$(cat err)" "$said" || return
    done <<'ROWS'
--interface nosuch|45|--interface 'nosuch': it is none of this machine's, nor an address
--interface if!127.0.0.9|45|it is none of this machine's
--interface 192.0.2.77|45|'192.0.2.77': it is an address that is not this machine's
--interface 127.0.0.9 -6|2|interface and ip_family (-4, -6) are of different families
ROWS
}

# The other end sees it.
interface_is_seen() {
    cat >peer.py <<'PYTHON'
import socket, subprocess, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
url = "http://127.0.0.1:%d/" % listener.getsockname()[1]
haul = subprocess.Popen(sys.argv[1:] + [url], stdout=subprocess.DEVNULL)
peer, address = listener.accept()
peer.recv(65536)
peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
print(address[0], haul.wait())
PYTHON
    python3 peer.py "$haul_program" -q --interface 127.0.0.77 >out 2>err
    same "$(cat out)" "127.0.0.77 0"
}

http10() {
    run -q -0 --format body "$base/echo"
    has "$(head -n 1 out)" "GET /echo HTTP/1.0" || return
    run -q -0 -c 1 -w '%{num_connects} ' "$base/p/[1-3]"
    code_is 0 && same "$(cat out)" "1 1 1 " || return
    run -q -0 -c 1 -H 'Connection: keep-alive' -w '%{num_connects} ' "$base/p/[1-3]"
    code_is 0 && same "$(cat out)" "1 0 0 " || return
    run -q --http1.1 --format body "$base/echo"
    has "$(head -n 1 out)" "GET /echo HTTP/1.1"
}

ranges() {
    run -q -r 0-9 -e http://r/ --format body "$base/echo"
    has "$(cat out)" "Range: bytes=0-9" && has "$(cat out)" "Referer: http://r/" || return
    run -q -r 5 -H 'Range: bytes=1-2' --format body "$base/echo"
    has "$(cat out)" "Range: bytes=1-2" && same "$(grep -c Range: out)" 1
}

# Options of curl that haul has not: what to type is said.
sentences() {
    while IFS='|' read -r words said; do
        run $words "$base/p/1"
        code_is "${said%% *}" && has "$(cat err)" "${said#* }" || return
    done <<ROWS
-c jar|2 curl's -c FILE keeps cookies, which haul does not; -H 'Cookie: NAME=VALUE' sends one
-b a=b|2 haul keeps no cookies; -H 'Cookie: NAME=VALUE' sends one
-x http://p:1|2 haul connects directly, and by no proxy
--proxy http://p:1|2 haul connects directly, and by no proxy
-C -|2 a body begins anew, and a file from before stays until it is whole
-i|26 -i wants a file of URLs; leave out the -i (curl's -i is --headers here)
-D -|2 heads are a part of the results with --headers
--retry-all-errors|2 --retry tries all again that may be answered later, and --retry-all-methods
-OJ|2 the name of a file is that of the URL's path; leave it out
--next|2 one run has one set of options; run haul once for each
--proto =https --tlsv1.2|2 '--proto': haul speaks http and https alone, and by what a URL says
--trace t.log|2 '--trace': what happened is in the results, by --headers and -v
--trace-ascii -|2 '--trace-ascii': what happened is in the results
--limit-rate 100k|2 '--limit-rate': bytes are read as they come; --rate N/s spaces the requests
--noproxy *|2 '--noproxy': haul connects directly, and by no proxy
--proxy-header X|2 '--proxy-header': haul connects directly
-R|2 '-R': a file has the time of its writing
--unix-socket /run/s|2 haul connects by TCP alone
--compressed-ssh|2 '--compressed-ssh': haul speaks http and https alone; leave it out
--fail-early|2 '--fail-early': --on-error cancel ends a run at its first failure
--stderr log|2 2>FILE of the shell
--no-location|2 '--no-location': what it takes back is not done unless asked for; leave it out
-o a -o b|2 --bodies DIR or -O
-M|2 '-M': man haul has everything
ROWS
}

# Each as it is; and nothing but a body where one was asked for.
usual_lines() {
    rm -rf pages
    mkdir pages
    printf 'X-One: 1\r\n\r\nX-Two: 2\nX-Three;\n' >fields
    printf 'a=b' >data
    while IFS='|' read -r words wanted; do
        eval "run $words" <data
        code_is 0 && same "$(tr '\n' ' ' <out)" "$wanted" && same "$(cat err)" "" || return
    done <<ROWS
-sSfL --format body "$base/p/1" -o pages/x -w '%{http_code}'|200
-s -o /dev/null -w '%{http_code} %{time_total}' "$base/p/1" --format none -w '%{http_code}'|200
-sI -w '%{http_code} %{method}' "$base/p/1"|200 HEAD
-s -X DELETE -w '%{method}' "$base/p/1"|DELETE
-s --request PUT --url "$base/p/1" -w '%{method}'|PUT
-s -d @- "$base/echo" -w '%{method} %{http_code}'|POST 200
ROWS
    run -s --format body -H @fields -H 'X-Four: 4' "$base/echo"
    code_is 0 && has "$(cat out)" "X-One: 1" && has "$(cat out)" "X-Two: 2" &&
        has "$(cat out)" "X-Three:" && has "$(cat out)" "X-Four: 4" || return
    printf 'X-Five: 5\n' | haul -s --format body -H @- "$base/echo" >out 2>err
    has "$(cat out)" "X-Five: 5" || return
    printf 'header = @fields\n' >fields.cfg
    run -s --format body -K fields.cfg "$base/echo"
    has "$(cat out)" "X-Two: 2" || return
    printf 'a: b\0c' >zero
    run -s -H @zero "$base/p/1"
    code_is 2 && has "$(cat err)" "-H/--header '@zero': it has a zero byte" || return
    run -s -H @nowhere "$base/p/1"
    code_is 26 && has "$(cat err)" "-H/--header: cannot read nowhere: No such file" || return
    printf 'no field\n' >bad
    run -s -H @bad "$base/p/1"
    code_is 2 && has "$(cat err)" "-H/--header 'no field': the header is not of the form"
}

row "-O names files by URLs, and replaces what was there" remote_names
row "-O makes an error of a URL without a name" nameless
row "-O leaves what was there until a body is whole, --fail too" replaced_when_whole
row "--create-dirs makes what leads to --output-dir" directories
row "-O and -o share no file" results_beside
row "results and bodies share no file, by whatever ways it is named" one_file_two_ways
row "outputs of URLs share no file, by whatever ways it is named" outputs_two_ways
row "1,200 bodies of three names have 1,200 files" same_names_in_a_crowd
row "-o has the results: said for one URL, two files and numbers refused" result_file
row "-K: URLs with outputs, as curl pairs them" config_files
row "-K: outputs of globs, of stdout, in directories" config_outputs
row "-K without url has options, from stdin too" config_without_url
row "-K: a faulty line is named" config_faults
row "~/.curlrc is not read" no_curlrc
row "-w writes after each result, alone or beside lines" write_out
if command -v curl >/dev/null; then
    row "-w writes what curl writes" write_out_as_curl
else
    skip "-w writes what curl writes" "curl is not installed"
fi
row "-w on a terminal shows no control bytes" on_a_terminal
row "-s, and -S beside it" silence
row "-Z and the like do nothing" no_operation
row "--proto-default takes bare hosts" bare_hosts
row "--url-query adds to every query" queries
row "-4 and -6 keep to one family" one_family
row "--interface connects from there, and says what is none" interfaces
if command -v python3 >/dev/null; then
    row "--interface is what the other end sees" interface_is_seen
else
    skip "--interface is what the other end sees" "python3 is not installed"
fi
row "--http1.0 is sent, and ends its connections" http10
row "-r and -e are fields, unless -H has them" ranges
row "options of curl that haul has not say what to type" sentences
row "usual lines work as they are; -H @FILE has a field a line" usual_lines
rows_end
