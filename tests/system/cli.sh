#!/bin/sh
# haul as a user meets it: words in, lines out, exit codes. Rows of TAP.
#
#     cli.sh HAUL HAUL-SERVER [LOOP]
#
# Nothing here waits for a time: fifos and files say when something has happened.
set -u
. "$(dirname "$0")/../lib/rows.sh"
server_start
base=http://$server_address
port=${server_address##*:}
refused=http://127.0.0.1:1

urls() {
    member url "$@" | tr -d '"' | sed "s|$base||g"
}

# Of the loop, a machine makes one of its own.
notes() {
    grep 'note: ' err | grep -v 'loop was used'
}

no_parts() {
    same "$(find . -name '.haul-*')" ""
}

# A shell keeps SIGINT from its background jobs; this lets it through, where there is such a thing.
unmasked='env --default-signal=INT'
$unmasked true 2>/dev/null || unmasked=

# begin WORD…: haul in the background, which reads lines from our descriptor 3. $pid is the program
# itself: of haul(), it would be a shell that waits for it, and takes the signals.
begin() {
    rm -f in
    mkfifo in
    $unmasked "$haul_program" --loop "$loop" "$@" -i - <in >out 2>err &
    pid=$!
    exec 3>in
}

# The same; its results are to be read from 4.
begin_talk() {
    mkfifo out
    begin "$@"
    exec 4<out
}

# Waits for its end, and only then closes what is left of both.
ended() {
    wait "$pid"
    code=$?
    exec 3>&- 4<&-
}

# --- inputs -----------------------------------------------------------------------------------

keeps_order() {
    run "$base/delay/100" "$base/p/1" "$base/delay/30" "$base/p/2"
    code_is 0 && same "$(urls)" "/delay/100 /p/1 /delay/30 /p/2" && same "$(member index)" "0 1 2 3"
}

# The first one never ends, and the second is told.
unordered() {
    begin_talk --unordered --max-time 60
    printf '%s\n' "$base/stall" "$base/p/1" >&3
    read -r first <&4
    kill -TERM "$pid"
    read -r second <&4
    ended
    code_is 143 && has "$first" '{"index":1,' && has "$second" '{"index":0,'
}

globs() {
    run "$base/p/{a,b}[08-10:2]" && code_is 0 &&
        same "$(urls)" "/p/a08 /p/a10 /p/b08 /p/b10"
}

no_globs() {
    run -g "$base/p/{a,b}[1-2]" && same "$(urls)" "/p/{a,b}[1-2]"
}

ipv6_is_no_glob() {
    run --connect-timeout 60 'http://[::1]:1/p/[1-2]'
    code_is 7 && same "$(urls)" "http://[::1]:1/p/1 http://[::1]:1/p/2"
}

file_of_urls() {
    printf '# list\n%s\n\n  %s\t\r\nfoo\n%s\n' "$base/p/1" "$base/p/[2-3]" "$base/p/{" >urls.txt
    printf '%s' "$base/p/4" >>urls.txt
    run -i urls.txt
    code_is 3 && same "$(urls)" "/p/1 /p/[2-3] foo /p/{ /p/4" &&
        same "$(member status)" "200 200 null 200 200" &&
        has "$(sed -n 3p out)" '"code":"url","stage":"queue"' &&
        has "$(sed -n 3p out)" '(line 5 of urls.txt)' &&
        same "$(notes)" \
            "haul: note: line 4 of urls.txt has []{}, which are a part of its URL; --glob expands them (-g: no note)" ||
        return
    run --glob -i urls.txt
    code_is 3 && same "$(urls)" "/p/1 /p/2 /p/3 foo /p/{ /p/4" &&
        same "$(member index)" "0 1 2 3 4 5" &&
        has "$(sed -n 4p out)" '(line 5 of urls.txt)' &&
        has "$(sed -n 5p out)" 'line 6 of urls.txt)' &&
        has "$(sed -n 6p out)" '"error":null' && same "$(notes | wc -l)" 0 || return
    run -g -i urls.txt
    code_is 3 && same "$(notes | wc -l)" 0 && run -g --glob -i urls.txt && code_is 2
}

# What is no list of URLs is told once, as what it is.
no_lists() {
    printf '%s\n' "$base/p/1" "$base/p/2" >urls.txt
    iconv -f UTF-8 -t UTF-16 urls.txt >utf16.txt
    gzip -c urls.txt >urls.gz
    tr '\n' '\0' <urls.txt >zeros.txt
    for row in utf16.txt:UTF-16 urls.gz:gzip zeros.txt:tr "$haul_program:binary"; do
        run -i "${row%:*}" "$base/p/3"
        code_is 26 && has "$(cat err)" "haul: cannot use ${row%:*}: " &&
            has "$(cat err)" "${row##*:}" && same "$(cat out)" "" || return
    done
    run -i "$base/p/1"
    code_is 26 && has "$(cat err)" '-i wants a file of URLs; leave out the -i'
}

lists_without_urls() {
    : >empty.txt
    printf '# %s\n\n' "$base/p/1" >comments.txt
    run -i empty.txt -i comments.txt
    code_is 0 && same "$(cat out)" "" && has "$(cat err)" "note: empty.txt is empty" &&
        has "$(cat err)" "note: comments.txt has no URL: " && has "$(cat err)" "haul: 0 requests; "
    run -i - </dev/null
    code_is 0 && has "$(cat err)" "note: stdin is empty"
}

bad_arguments() {
    run "$base/p/1" "$base/p/[3-1]" ''
    code_is 3 && has "$(sed -n 2p out)" 'argument 2)' && has "$(sed -n 3p out)" '(argument 3)'
}

long_lines() {
    path=$(printf '%16100s' '' | tr ' ' a)
    printf '%s\n' "$base/p/$path" | cut -c 1-16000 >urls.txt
    printf '%s\n' "$base/p/$path" | cut -c 1-16001 >>urls.txt
    printf '%s%s%s%s%s\n' "$path" "$path" "$path" "$path" "$path" >>urls.txt
    printf '%s\n' "$base/p/1" >>urls.txt
    run -i urls.txt
    code_is 3 && same "$(wc -l <out)" 4 && has "$(sed -n 4p out)" '"error":null' &&
        has "$(sed -n 2p out)" '(line 2 of urls.txt)' &&
        has "$(sed -n 3p out)" '(line 3 of urls.txt)' &&
        same "$(sed -n 1p out | grep -c 'longer than 16000')" 0 &&
        same "$(grep -c 'longer than 16000' out)" 2
}

many_in_order() {
    seq -f "$base/p/%g" 5000 >urls.txt
    run -c 200 -i urls.txt
    code_is 0 && sed -n 's/.*"url":"\([^"]*\)".*/\1/p' out | cmp - urls.txt
}

repeats() {
    printf '%s\n' "$base/p/2" >urls.txt
    run --repeat 2 "$base/p/1" -i urls.txt
    same "$(urls)" "/p/1 /p/2 /p/1 /p/2" && run --repeat 2 -i - <urls.txt &&
        same "$(urls)" "/p/2 /p/2"
}

repeats_no_pipe() {
    printf '%s\n' "$base/p/1" | haul --repeat 2 -i - >out 2>err
    code=$?
    code_is 2 && has "$(cat err)" "stdin"
}

# The first result comes while the pipe is still open.
stdin_is_lazy() {
    begin_talk
    echo "$base/p/1" >&3
    read -r first <&4
    echo "$base/p/2" >&3
    read -r second <&4
    exec 3>&-
    ended
    has "$first" '/p/1"' && has "$second" '/p/2"' && code_is 0
}

# Deadlines count while nothing is to be read.
deadline_beside_stdin() {
    begin_talk --max-time 0.1
    echo "$base/stall" >&3
    read -r first <&4
    exec 3>&-
    ended
    has "$first" '"code":"deadline"' && code_is 28
}

no_input_file() {
    run -i missing.txt
    code_is 26 && has "$(cat err)" 'missing.txt: No such file' && run -i . && code_is 26 &&
        has "$(cat err)" 'cannot read .: it is a directory, and -i wants a file of URLs'
}

row "results come in the order of the arguments" keeps_order
row "--unordered gives them as they complete" unordered
row "globs are expanded, the last one fastest" globs
row "-g leaves globs alone" no_globs
row "an IPv6 literal is no glob" ipv6_is_no_glob
row "-i reads lines, and a bad one is a result that names it" file_of_urls
row "what is no list is named, exit code 26" no_lists
row "a list without URLs is a note" lists_without_urls
row "a bad argument is a result that names it" bad_arguments
row "lines of 16,000 bytes work, longer ones are results" long_lines
row "5,000 lines keep their order" many_in_order
row "--repeat walks the list again" repeats
row "--repeat refuses what cannot be rewound" repeats_no_pipe
row "stdin is read as its lines come" stdin_is_lazy
row "a deadline is kept while stdin is silent" deadline_beside_stdin
row "an input that cannot be read is exit code 26" no_input_file

# --- requests ---------------------------------------------------------------------------------

# What the server received, its line ends made visible ones.
echoed() {
    haul -q --format body "$@" "$base/echo" 2>err | tr -d '\r'
}

headers_are_sent() {
    got=$(echoed -H 'X-One: 1' -H 'Host: example.org' -A me -H 'X-Empty;')
    has "$got" 'GET /echo HTTP/1.1' && has "$got" 'X-One: 1' && has "$got" 'Host: example.org' &&
        has "$got" 'User-Agent: me' && has "$got" 'X-Empty:' &&
        same "$(printf '%s\n' "$got" | grep -c '^Host:')" 1
}

headers_are_removed() {
    same "$(echoed -H 'User-Agent:' | grep -ci '^user-agent')" 0 &&
        same "$(echoed | grep -ci '^user-agent: haul/')" 1
}

headers_are_checked() {
    newline='X-Bad: a
Evil: b'
    for header in "$newline" "$(printf 'X: a\rb')" 'no colon' 'Content-Length: 5'; do
        run -H 'X-Good: 1' -H "$header" "$base/p/1"
        code_is 2 && has "$(cat err)" "$header" && same "$(cat out)" "" || return 1
    done
}

methods_are_sent() {
    has "$(echoed -X PUT)" 'PUT /echo' && run -X 'BAD METHOD' "$base/p/1" && code_is 2 &&
        run -I "$base/p/1" && same "$(member method) $(member body_bytes)" '"HEAD" 0'
}

data_is_sent() {
    printf 'b=2\r\nc=3\n' >data
    got=$(echoed -d a=1 -d @data)
    has "$got" 'POST /echo' && has "$got" 'Content-Length: 10' && has "$got" 'a=1&b=2c=3' || return
    has "$got" 'Content-Type: application/x-www-form-urlencoded' &&
        has "$(echoed --data-binary @data)" 'Content-Length: 9' &&
        has "$(echo z=9 | echoed -d @- -X PUT)" 'PUT /echo' &&
        has "$(echoed -H 'Content-Type: text/plain' -d x)" 'Content-Type: text/plain'
}

lengths_are_said() {
    for method in POST PUT PATCH; do
        has "$(echoed -X $method)" 'Content-Length: 0' || return
    done
    same "$(echoed -X DELETE | grep -c Content-Length)" 0 &&
        same "$(echoed -I | grep -c Content-Length)" 0
}

# The URL is told as it was given, and asked for as curl asks.
urls_go_out() {
    for host in 127.1 0177.0.0.1 2130706433 0x7f.1 127%2e0.0.1; do
        got=$(haul -q --format body "http://$host:0$port/p/../echo" 2>err | tr -d '\r')
        has "$got" 'GET /echo HTTP/1.1' && has "$got" "Host: 127.0.0.1:$port" || return
    done
    odd='/p/"<>^`|%'
    run -g "$base$odd" "$base/p/../echo#a/../b"
    code_is 0 && same "$(member status)" "200 200" &&
        has "$(sed -n 2p out)" "\"url\":\"$base/p/../echo#a/../b\"" &&
        same "$(haul -q --format body -g "$base/echo?\"<>^\`{|}%" | head -n 1 | tr -d '\r')" \
            'GET /echo?"<>^`{|}% HTTP/1.1'
}

paths_stay() {
    run --path-as-is "$base/p/../echo" "$base/echo"
    same "$(member status | cut -d ' ' -f 2)" 200 && same "$(member body_bytes | cut -d ' ' -f 1)" 612
}

two_at_signs() {
    run "http://a@b@127.0.0.1:$port/p/1"
    code_is 3 && has "$(cat out)" 'the URL has more than one @ before its path'
}

row "-H and -A send headers, and replace defaults" headers_are_sent
row "POST, PUT and PATCH without a body say that its length is 0" lengths_are_said
row "a URL is told as given, and goes out as from curl" urls_go_out
row "--path-as-is leaves dot segments in the path" paths_stay
row "two @ in an authority are an error" two_at_signs
row "-H 'Name:' removes a default" headers_are_removed
row "-H refuses CR, LF and framing, and names the header" headers_are_checked
row "-X and -I choose the method" methods_are_sent
row "-d sends data as curl does" data_is_sent

# --- connections that go elsewhere ------------------------------------------------------------

connects_elsewhere() {
    got=$(haul -q --format body --connect-to "a.test:80:127.0.0.1:$port" http://A.test/echo)
    has "$got" 'Host: A.test' || return
    run --connect-to a.test::127.0.0.1:1 --connect-to "::$server_address" \
        http://a.test/ http://b.test:81/p/1 'http://[::1]:1/p/2' http://localhost:1/p/3
    code_is 7 && same "$(member status)" "null 200 200 200"
}

resolves_elsewhere() {
    run --resolve "a.test:$port:127.0.0.2,127.0.0.1" --resolve "*:$port:[127.0.0.1]" \
        "http://a.test:$port/p/1" "http://b.test:$port/p/2" "http://127.0.0.2:$port/p/3"
    code_is 0 || return
    run --connect-to "a.test:80:b.test:$port" --resolve "b.test:$port:127.0.0.1" http://a.test/p/1
    code_is 0 || return
    set -- --dns-servers 127.0.0.1:1 --resolve "a.test:$port:127.0.0.1" "http://a.test:$port/p/1"
    run "$@"
    code_is 0 || return
    run "$@" --resolve "-a.test:$port"
    code_is 6
}

rerouting_is_checked() {
    while read -r option value; do
        run --connect-to ::127.0.0.1:1 --resolve "*:1:127.0.0.1" "$option" "$value" "$base/p/1"
        code_is 2 && has "$(cat err)" "haul: $option '$value': it " && same "$(cat out)" "" ||
            return
    done <<ROWS
--resolve
--resolve a.test:80
--resolve a.test:80:b.test
--resolve *.test:80:127.0.0.1
--resolve -a.test:x
ROWS
    for value in '' a.test:80 a.test:x:b.test:81 a.test:80:b.test:65536 'a b:80::81'; do
        run --connect-to "::$server_address" --connect-to "$value" "$base/p/1"
        code_is 2 && has "$(cat err)" "haul: --connect-to '$value': it " || return
    done
}


# To the address that is left; to none where none is, whatever leads there.
denied_is_left() {
    run --deny-address 127.0.0.2 --resolve "a.test:$port:127.0.0.2,127.0.0.1" "http://a.test:$port/p/1"
    code_is 0 && has "$(cat out)" '"status":200' || return
    for words in "--deny-address private $base/p/1" "--deny-address 127.0.0.0/8 $base/p/1" \
        "--deny-address private http://localhost:$port/" \
        "--deny-address private http://[::ffff:127.0.0.1]:$port/" \
        "--deny-address private --connect-to a.test:80:$server_address http://a.test/" \
        "--deny-address private --resolve a.test:$port:127.0.0.1 http://a.test:$port/"; do
        run $words
        code_is 9 && has "$(cat out)" '"code":"denied"' && has "$(cat out)" '"stage":"connect"' ||
            return
    done
    for value in '' public 10.0.0.0/33 10.0.0/8; do
        run --deny-address "$value" "$base/p/1"
        code_is 2 && has "$(cat err)" "haul: --deny-address '$value': it " || return
    done
}

# The list goes on, but nobody writes to it.
deadline_ends_a_run() {
    rm -f hold && mkfifo hold && exec 9<>hold || return
    echo "$base/p/1" >&9
    run --deadline 1.5 -i hold
    exec 9>&-
    code_is 28 && same "$(wc -l <out)" 1 && has "$(cat out)" '"status":200' &&
        has "$(cat err)" 'note: stopped; what follows line 1 of hold'
}

# Eight a second: the fifth begins half a second behind the first, of one host or of two.
rates_are_kept() {
    for words in "--rate 8/s" "--rate-per-host 8/s" "--delay-per-host 0.125"; do
        from=$(date +%s%N)
        run $words -c 8 "$base/p/[1-5]"
        took_ms=$((($(date +%s%N) - from) / 1000000))
        code_is 0 && same "$(wc -l <out)" 5 || return
        [ $took_ms -ge 490 ] || { echo "# $words: $took_ms ms" && return 1; }
    done
}

# What it is by the second here and by the hour there is neither.
rates_have_a_time() {
    run --rate 100 "$base/p/1"
    code_is 2 && has "$(cat err)" "haul: --rate '100': in what time?" || return
    for value in '' 0/s -1/s 1/x 1/ /s 1e3/s nan/s; do
        run --rate-per-host "$value" "$base/p/1"
        code_is 2 && has "$(cat err)" "haul: --rate-per-host '$value': a rate above 0 is wanted" || return
    done
}

# One connection serves them all.
hosts_have_a_limit() {
    run -v --max-per-host 1 -c 8 "$base/p/[1-5]"
    code_is 0 && same "$(member connect_us | tr ' ' '\n' | grep -c '^0$')" 4
}

row "--rate, --rate-per-host and --delay-per-host space beginnings" rates_are_kept
row "a rate is told in what time, exit code 2 without" rates_have_a_time
row "--max-per-host: so many connections" hosts_have_a_limit
row "--deadline ends a run that waits for its list" deadline_ends_a_run
row "--deny-address: nothing is connected to those" denied_is_left
row "--connect-to connects to another host and port" connects_elsewhere
row "--resolve connects to the addresses given" resolves_elsewhere
row "what they cannot use is named, exit code 2" rerouting_is_checked

# --- output -----------------------------------------------------------------------------------

# The names, their order and that nothing stands between the tokens are the contract.
ndjson_is_exact() {
    run "$base/bytes/5" && sed 's/_us":[0-9]*/_us":0/g' out >zeroed
    times='"queue_us":0,"connect_us":0,"tls_us":0,"send_us":0,"ttfb_us":0,"total_us":0,"anomalies":[]}'
    begin="{\"index\":0,\"url\":\"$base/bytes/5\",\"method\":\"GET\",\"status\":200,"
    begin="$begin\"http_version\":\"1.1\","
    same "$(cat zeroed)" "$begin\"body_bytes\":5,\"error\":null,$times" || return
    run -v "$base/bytes/5" && sed 's/_us":[0-9]*/_us":0/g' out >zeroed
    same "$(cat zeroed)" "$begin\"body_bytes\":5,\"tls\":null,\"error\":null,$times" || return
    run --body --headers --bodies dir "$base/bytes/5" && sed 's/_us":[0-9]*/_us":0/g' out >zeroed
    headers='"headers":[["Content-Type","text/plain"],["Content-Length","5"],'
    headers="${headers}[\"Connection\",\"keep-alive\"]],"
    rest='"body_bytes":5,"body":"abcde","body_file":"dir/000000","error":null,'
    same "$(cat zeroed)" "$begin$headers$rest$times"
}

errors_are_exact() {
    run --headers --body "$refused/"
    has "$(cat out)" '"status":null,"http_version":null,"headers":null,' &&
        has "$(cat out)" '"body_bytes":0,"body":null,"error":' &&
        has "$(cat out)" '"error":{"code":"connect","stage":"connect","message":"' &&
        has "$(cat out)" '","os_error":"ECONNREFUSED"},"queue_us":'
}

bodies_are_text_or_base64() {
    printf 'caf\303\251 "\\\001' >data
    run --body --data-binary @data "$base/echo"
    has "$(cat out)" 'caf'"$(printf '\303\251')"' \"\\\u0001"' || return
    printf '\377\376' >data
    run --body --data-binary @data "$base/echo" && same "$(member body)" "" &&
        member body_base64 | tr -d '"' | base64 -d | tail -c 2 | cmp - data
}

ndjson_is_json() {
    printf '%s\n' "$base/p/$(printf '\377')" "$base/p/$(printf '\303\251')" 'a"b\c' \
        "$base/p/1" "$(printf 'tab\there')" "$refused/" "$base/chunked/100000" >urls.txt
    run -g --headers --body -i urls.txt
    same "$(jq -s length <out)" 7 && same "$(jq -r 'select(.index==2)|.url' <out)" 'a"b\c' &&
        same "$(jq -r 'select(.index==0)|.url' <out)" "$base/p/$(printf '\303\277')" &&
        same "$(jq -r 'select(.index==6)|.body|length' <out)" 100000
}

body_files() {
    run --bodies pages "$base/bytes/300000" "$base/truncate" "$base/bytes/0" "$base/p/1" "$refused/"
    haul -q --format body "$base/bytes/300000" >whole
    code_is 18 && cmp whole pages/000000 && same "$(cat pages/000002)" "" &&
        same "$(ls -A pages | tr '\n' ' ')" "000000 000002 000003 " &&
        same "$(member body_file)" '"pages/000000" null "pages/000002" "pages/000003" null'
}

body_files_cannot_be_written() {
    : >file
    run --bodies file/dir "$base/p/1"
    code_is 23 && has "$(cat err)" "file/dir: Not a directory"
}

format_body() {
    run --format body "$base/delay/30" "$base/bytes/3" "$refused/" "$base/bytes/4"
    code_is 7 && has "$(cat out)" "abcabcd" && has "$(cat err)" "haul: $refused/: connect: "
}

format_csv() {
    printf '%s\n' "$base/p/a,\"b" "$base/p/2" >urls.txt
    run --format csv -i urls.txt
    head='index,url,method,status,http_version,body_bytes,code,stage,message,os_error,'
    head="${head}queue_us,connect_us,tls_us,send_us,ttfb_us,total_us,anomalies"
    same "$(sed -n 1p out)" "$head" && same "$(sed -n 3p out | cut -d , -f 13)" 0 &&
        has "$(sed -n 2p out)" "0,\"$base/p/a,\"\"b\"," &&
        has "$(sed -n 3p out)" "1,$base/p/2,GET,200,1.1,612,,,,,"
}

format_text() {
    run --format text "$base/bytes/5" "$refused/$(printf '\033')x"
    has "$(sed -n 1p out)" "     0 200      5 B " && has "$(sed -n 2p out)" '  url: ' &&
        has "$(sed -n 2p out)" "$refused/?x"
}

format_none() {
    run --format none "$base/p/1"
    code_is 0 && same "$(cat out)" "" && has "$(cat err)" "haul: 1 request: 1 2xx; 612 B in "
}

summary() {
    run "$base/p/[1-2]" "$refused/" foo
    has "$(cat err)" "haul: 4 requests: 2 2xx, 2 failed (url 1, connect 1); 1.2 kB in " || return
    for word in -q -s --quiet --silent; do
        run $word "$base/p/1"
        code_is 0 && same "$(cat err)" "" || return
    done
    run "$base/p/[1-6]" "$base/status/{500,501,503}" "$base/status/{404,301,307}"
    code_is 0 && has "$(cat err)" "haul: 12 requests: 6 2xx, 2 3xx, 1 4xx, 3 5xx; 3.8 kB in " || return
    run -f "$base/p/1" "$base/status/{500,404}"
    code_is 22 && has "$(cat err)" "haul: 3 requests: 1 2xx, 2 failed (status 2); "
}

# What was not done is said once, and not with -q.
omissions() {
    run "$base/status/{301,302,303,307,308,304,200}" # which have no Location
    same "$(notes | wc -l)" 0 || return
    for name in http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY; do
        with_setting $name=http://127.0.0.1:1/ "$base/p/[1-3]"
        code_is 0 && same "$(grep -c "note: $name is set, and was not used" err)" 1 || return
        with_setting $name=http://127.0.0.1:1/ -q "$base/p/1"
        same "$(cat err)" "" && with_setting $name= "$base/p/1" && same "$(notes | wc -l)" 0 ||
            return
    done
}

# A server of bodies that are what Content-Encoding says, by /real/BYTES, or are not, by any other.
coded_begin() {
    cat >coded.py <<'SCRIPT'
import gzip, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        body, name = b'abc', self.path[1:]
        if name.startswith('real/'):
            body, name = gzip.compress(b'z' * int(name[5:])), 'gzip'
        self.send_response(200)
        if name:
            self.send_header('content-encoding', name)
        self.send_header('Content-Length', len(body))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
SCRIPT
    rm -f coded.out
    mkfifo coded.out
    python3 coded.py >coded.out 2>python.err &
    pids="$pids $!"
    read -r coded <coded.out
}

# With each of them, the others are what the run itself makes of it.
coded_bodies() {
    coded_begin
    for words in --body '--bodies dir' '--format body'; do
        run $words -H 'Accept-Encoding: gzip' "http://127.0.0.1:$coded/{,GZIP,br,identity}"
        code_is 0 && same "$(notes)" \
            "haul: note: 2 bodies are kept coded, as their Content-Encoding says" || return
    done
    run -H 'Accept-Encoding: gzip' "http://127.0.0.1:$coded/{,GZIP,br,identity}"
    code_is 0 && same "$(notes | wc -l)" 0
}

# How long five letters are as they come is for the encoder to say.
decoded_bodies() {
    coded_begin
    run "http://127.0.0.1:$coded/real/5"
    wire=$(member body_bytes)
    code_is 0 && [ "$wire" -gt 15 ] && same "$(grep -c body_wire_bytes out)" 0 || return
    run --compressed --body --bodies decoded "http://127.0.0.1:$coded/{,identity,real/5}"
    code_is 0 && same "$(notes | wc -l)" 0 && same "$(member body_bytes)" "3 3 5" &&
        same "$(member body)" '"abc" "abc" "zzzzz"' && same "$(member body_wire_bytes)" "3 3 $wire" &&
        same "$(cat decoded/000002)" zzzzz || return
    run --compressed "http://127.0.0.1:$coded/{gzip,real/5000000}"
    code_is 61 && same "$(member code)" '"encoding" "limit"' || return
    run --compressed --max-ratio 0 "http://127.0.0.1:$coded/real/5000000"
    code_is 0 && same "$(member body_bytes)" 5000000 || return
    run --compressed --max-body 99 "http://127.0.0.1:$coded/real/100"
    code_is 63 && same "$(member body_bytes)" 99 || return
    run --compressed --format csv "http://127.0.0.1:$coded/real/5"
    has "$(head -n 1 out)" ',body_bytes,body_wire_bytes,' && has "$(tail -n 1 out)" ",5,$wire,"
}

# --fail keeps no body of what it calls a failure; --fail-with-body does.
body_files_of_failures() {
    run -f --bodies pages "$base/status/404" "$base/p/1" "$base/truncate"
    code_is 22 && same "$(ls -A pages | tr '\n' ' ')" "000001 " &&
        same "$(member body_file)" 'null "pages/000001" null' || return
    run --fail-with-body --bodies pages "$base/status/404" "$base/p/1" "$base/truncate"
    code_is 22 && same "$(ls -A pages | tr '\n' ' ')" "000000 000001 " &&
        same "$(member body_file)" '"pages/000000" "pages/000001" null' || return
    run -q -f --format body "$base/status/404" "$base/p/1"
    code_is 22 && same "$(wc -c <out)" 612
}

row "NDJSON has exactly the members of the contract" ndjson_is_exact
row "NDJSON has errors with code, stage, message and errno" errors_are_exact
# Fifty megabytes behind a first URL that takes a second: more than the memory for them.
starve_nobody() {
    for words in '-c 64 --body' '-c 64 --bodies pages' '-c 200 --unordered --body'; do
        run $words "$base/drip/50/20" "$base/bytes/300000?[1-170]"
        code_is 0 && same "$(grep -c '"error":null' out)" 171 &&
            same "$(grep -c '"body_bytes":300000' out)" 170 || return
    done
}

row "large bodies behind a slow first one wait, and all come" starve_nobody
row "bodies are text, or base64 where they are not UTF-8" bodies_are_text_or_base64
if command -v jq >/dev/null; then
    row "NDJSON is JSON whatever URLs and replies hold" ndjson_is_json
else
    skip "NDJSON is JSON whatever URLs and replies hold" "jq is not installed"
fi
row "--bodies writes a file for every whole reply" body_files
row "--bodies that cannot be written are exit code 23" body_files_cannot_be_written
row "--format body concatenates, errors go to stderr" format_body
row "--format csv quotes" format_csv
row "--format text is for people" format_text
row "--format none writes nothing" format_none
row "the summary counts, -q silences it" summary
row "what was not done is a note, once" omissions
row "--fail keeps no body of a failure, --fail-with-body does" body_files_of_failures
if command -v python3 >/dev/null; then
    row "bodies that are kept coded are a note" coded_bodies
    if "$haul_program" -V | grep -q 'content codings: gzip'; then
        row "--compressed decodes them" decoded_bodies
    else
        skip "--compressed decodes them" "haul was built without zlib"
    fi
else
    skip "bodies that are kept coded are a note" "python3 is not installed"
fi

# --- files, pipes and disks -------------------------------------------------------------------

output_file() {
    echo old >file && chmod 600 file && ln -sf file link
    run -o link "$base/p/[1-3]"
    code_is 0 && same "$(wc -l <file)" 3 && same "$(stat -c %a file)" 600 &&
        test -L link && no_parts
}

# While the run goes on, only the part is there.
output_appears_whole() {
    rm -f file
    begin -o file
    echo "$base/p/1" >&3
    until grep -qs '/p/1"' .haul-*.part; do sleep 0.02; done
    test ! -e file
    absent=$?
    exec 3>&-
    ended
    same "$absent" 0 && code_is 0 && same "$(wc -l <file)" 1 && no_parts
}

# A file may have 8 blocks of 512 bytes, and then there is no more room.
output_too_large() {
    echo old >file
    (ulimit -f 8 && haul -o file "$base/p/[1-100]" 2>err)
    code=$?
    code_is 23 && same "$(cat file)" old && no_parts && has "$(cat err)" "cannot write to file: "
}

full_disk() {
    run -o /dev/full "$base/p/1"
    code_is 23 && has "$(cat err)" "cannot write to /dev/full: No space left" || return
    haul "$base/p/1" >/dev/full 2>err
    code=$?
    code_is 23 && has "$(cat err)" "cannot write to stdout: No space left"
}

closed_pipe() {
    { haul "$base/p/[1-20000]" 2>err; echo $? >pipe_code; } | head -n 1 >out
    code=$(cat pipe_code)
    code_is 23 && same "$(wc -l <out)" 1 && has "$(cat err)" "cannot write to stdout: Broken pipe"
}

closed_stdout() {
    haul "$base/p/1" >&- 2>err
    code=$?
    code_is 23 && has "$(cat err)" "cannot write to stdout"
}

no_directory() {
    run -o missing/file "$base/p/1"
    code_is 23 && has "$(cat err)" "missing/file: No such file"
}

row "-o follows links and keeps the mode" output_file
row "-o lets the file appear when it is whole" output_appears_whole
row "-o leaves the old file when writing fails" output_too_large
row "a full disk is exit code 23 and said" full_disk
row "a closed pipe is exit code 23 and said" closed_pipe
row "a closed stdout is exit code 23 and said" closed_stdout
row "an impossible -o is exit code 23 and said" no_directory

# --- failures ---------------------------------------------------------------------------------

exit_codes() {
    while read -r want path; do
        run --max-time 60 "$base$path"
        code_is "$want" || return
    done <<ROWS
0 /p/1
0 /status/500
18 /truncate
56 /reset
ROWS
    run foo
    code_is 3 || return
    run "$refused/"
    code_is 7 || return
    run --max-time 0.05 "$base/stall"
    code_is 28 || return
    run --fail "$base/status/404"
    code_is 22 && has "$(cat out)" '"code":"status"'
}

first_failure_counts() {
    run --max-time 0.2 "$base/p/1" "$base/stall" "$refused/" foo
    code_is 28 && run --unordered --max-time 0.2 "$base/stall" "$refused/" && code_is 28
}

cancels() {
    run --on-error cancel -c 2 "$base/stall" "$refused/" "$base/p/[1-3]"
    code_is 7 && has "$(sed -n 1p out)" '"code":"cancelled"' &&
        has "$(sed -n 2p out)" '"code":"connect"' && has "$(sed -n 5p out)" '"code":"not_started"' &&
        has "$(cat err)" "haul: 5 requests: 2 failed (connect 1, cancelled 1), 3 not begun; 0 B in "
}

# Every URL of a glob that is left is one that was written, was not begun, or was not taken.
leaves_a_glob() {
    run --on-error cancel -c 2 --window 7 "$refused/" "$base/stall" "$base/p/[1-100000]"
    code_is 7 && same "$(wc -l <out)" 7 &&
        has "$(cat err)" "note: stopped inside argument 3; 99,995 URLs were not taken" || return
    run --on-error cancel -c 1 --window 2 "$refused/" "$base/p/[1-1]"
    code_is 7 && same "$(notes | wc -l)" 0
}

# The first failure ends the run although more could be read.
cancels_beside_stdin() {
    begin --on-error cancel
    echo "$refused/" >&3
    ended
    code_is 7 && has "$(cat err)" "what follows line 1 of stdin was not taken"
}

interrupted() {
    rm -f file
    begin -o file
    printf '%s\n' "$base/p/1" "$base/stall" >&3
    until grep -qs '/p/1"' .haul-*.part; do sleep 0.02; done
    kill -INT "$pid"
    ended
    code_is 130 && same "$(urls file)" "/p/1 /stall" &&
        has "$(sed -n 2p file)" '"code":"cancelled"' && no_parts &&
        has "$(cat err)" "2 requests: 1 2xx, 1 failed (cancelled 1)"
}

terminated() {
    begin_talk
    echo "$base/p/1" >&3
    read -r first <&4
    kill -TERM "$pid"
    ended
    code_is 143 && has "$first" '/p/1"'
}

# A reader that has stopped reading does not keep haul alive.
interrupted_twice() {
    rm -f lines
    mkfifo lines
    $unmasked "$haul_program" --loop "$loop" "$base/p/[1-100000]" >lines 2>err &
    pid=$!
    exec 4<lines
    dd bs=1 count=1 <&4 >out 2>trouble.dd
    while kill -INT "$pid" 2>/dev/null; do sleep 0.02; done
    ended
    code_is 130
}

loops_agree() {
    set -- --max-time 60 "$base/p/[1-50]" "$base/chunked/70000" "$base/bytes/200000" "$refused/" \
        "$base/truncate" "$base/close/[1-3]" "$base/status/204" foo
    for name in uring epoll; do
        "$haul_program" -q --loop "$name" --body --headers "$@" >out
        sed 's/,"queue_us".*//' out >"$name"
    done
    same "$(wc -l <uring)" 59 && cmp uring epoll
}

usage_errors() {
    run --frob "$base/p/1"
    code_is 2 && has "$(cat err)" "'--frob'" && run -c 0 "$base/p/1" && code_is 2 &&
        has "$(cat err)" "-c/--concurrency '0': a number from 1" && run && code_is 2 &&
        has "$(cat err)" "no URL"
}

# What was never meant to be a URL is told what it was probably meant to be.
words_are_meant() {
    echo "$base/p/1" >urls.txt
    while IFS='|' read -r words said; do
        run $words
        code_is 2 && has "$(cat err)" "haul: $said" && same "$(cat out)" "" || return
    done <<ROWS
help|'help' is no URL; did you mean haul --help?
doctr|'doctr' is no URL; did you mean haul doctor?
bench1 $base/p/1|'bench1' is no URL; did you mean haul bench?
doctor $base/p/1|doctor takes no other words
versoin|'versoin' is no URL; did you mean haul --version?
-|'-' is no URL; -i - reads URLs from stdin
-c 2 -- -|'-' is no URL; -i - reads URLs from stdin
urls.txt|'urls.txt' is a file and no URL; -i urls.txt reads URLs from it
-b a=b $base/p/1|unknown option '-b': haul keeps no cookies; -H 'Cookie: NAME=VALUE' sends one
-c jar $base/p/1|-c/--concurrency 'jar': a number from 1 to 100000 is wanted; curl's -c FILE keeps
-j|unknown option '-j'; see haul --help
--timeout 3 $base/p/1|unknown option '--timeout': -m/--max-time is for each request
--jobs=8 -i urls.txt|unknown option '--jobs': -c/--concurrency says how many at once
--resolve x $base/p/1|--resolve 'x': it is not of the form [+]HOST:PORT:ADDRESS
--connect-to x $base/p/1|--connect-to 'x': it is not of the form HOST1
--deny-address x $base/p/1|--deny-address 'x': it is neither "private" nor an address
ROWS
    run --help doctor
    code_is 2 && has "$(cat err)" "haul: no help on 'doctor'; there is some on all, exits, input" ||
        return
    run --help max-tme
    code_is 2 && has "$(cat err)" "haul: no help on 'max-tme'; did you mean --max-time?" || return
    run host
    code_is 3 && has "$(cat out)" 'the URL has no scheme; write http:// before it'
}

# The number that is told is enough, and one less is not.
descriptors_are_counted() {
    run_with() {
        (ulimit -n "$1" && shift && haul "$@" >out 2>err)
        code=$?
    }
    run_with 20 "$base/p/1"
    code_is 27 && has "$(cat err)" "haul: RLIMIT_NOFILE leaves no descriptor for a connection: it is 20, and" ||
        return
    needed=$(sed -n 's/.*it is 20, and \([0-9]*\) is the least.*/\1/p' err)
    run_with $((needed - 1)) "$base/p/1"
    code_is 27 && run_with "$needed" "$base/p/[1-3]" && code_is 0
}

# What the library refuses is told by the words that were given.
refusals_are_named() {
    run --dns-servers 'not an address' "$base/p/1"
    code_is 2 && same "$(cat err)" \
        "haul: --dns-servers 'not an address': it is not a list of addresses" || return
    run -X 'A B' "$base/p/1"
    code_is 2 && has "$(cat err)" "haul: -X/--request 'A B': the method is not" || return
    run -H 'X: 1' -H 'Y' -H 'Z' "$base/p/1"
    code_is 2 && has "$(cat err)" "haul: -H/--header 'Y': the header is not" || return
    run -A "$(printf 'a\tb\001')" "$base/p/1"
    code_is 2 && has "$(cat err)" "haul: -A/--user-agent 'a"
}

# Answers the first request of each connection, then, when told to by a byte on stdin, says more
# that nobody has asked for, and closes when its time has come.
cat >unasked.py <<'SCRIPT'
import socket, sys
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
reply = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n%s'
peer = server.accept()[0]
peer.recv(16384)
peer.sendall((reply % 'good').encode())
sys.stdin.readline()
peer.sendall((reply % 'evil').encode())
print('said', flush=True)
other = server.accept()[0]
other.recv(16384)
other.sendall((reply % 'good').encode())
other.recv(16384)
SCRIPT

says_unasked() {
    rm -f told tell
    mkfifo told tell
    python3 unasked.py <tell >told 2>python.err &
    pids="$pids $!"
    exec 5>tell 6<told
    read -r unasked <&6
    begin_talk --body
    echo "http://127.0.0.1:$unasked/a" >&3
    read -r first <&4
    echo >&5
    read -r said <&6
    echo "http://127.0.0.1:$unasked/b" >&3
    read -r second <&4
    exec 3>&-
    ended
    exec 5>&- 6<&-
    code_is 0 && has "$first" '"body":"good"' && has "$second" '"body":"good"'
}

# Answers by the path: an odd reply, or one with a head of so many bytes.
cat >odd.py <<'SCRIPT'
import socket, threading
OK, ONE = b'HTTP/1.1 200 OK\r\n', b'Content-Length: 1\r\n\r\na'
CHUNKED = OK + b'Transfer-Encoding: chunked\r\n'
REPLIES = {
    b'/chunk_size_space': CHUNKED + b'\r\n1 \r\na\r\n0\r\n\r\n',
    b'/chunk_extension_empty': CHUNKED + b'\r\n1;\r\na\r\n0\r\n\r\n',
    b'/coding_repeated': CHUNKED + b'Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    b'/length_and_coding': CHUNKED + b'Content-Length: 9\r\n\r\n1\r\na\r\n0\r\n\r\n',
    b'/coding_identity': OK + b'Transfer-Encoding: identity\r\n\r\na',
    b'/name_space': OK + b'PHP Warning:  x\r\n' + ONE,
    b'/colon_space': OK + b'A : b\r\n' + ONE,
    b'/value_control': OK + b'A: b\x01\r\n' + ONE,
    b'/status_spaces': b'HTTP/1.1   200 OK\r\n' + ONE,
    b'/line_without_colon': OK + b'nothing\r\n' + ONE,
    b'/coding_without_body': b'HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n',
    b'/length_without_body': b'HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n',
    b'/folded': OK + b'A: b\r\n  c\r\n' + ONE,
    b'/999': b'HTTP/1.1 999 No\r\n' + ONE,
    b'/two_lengths': OK + b'Content-Length: 2\r\n' + ONE,
    b'/ten': OK + b'Content-Length: 10\r\n\r\n0123456789',
    b'/ten_chunked': CHUNKED + b'\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n',
}

def reply(path):
    if not path.startswith(b'/head/'):
        return REPLIES[path]
    rest = OK + b'A: \r\n' + ONE[:-1]
    return OK + b'A: ' + b'x' * (int(path[6:]) - len(rest)) + b'\r\n' + ONE

def serve(peer):
    received = b''
    with peer:
        while piece := peer.recv(65536):
            received += piece
            while b'\r\n\r\n' in received:
                head, received = received.split(b'\r\n\r\n', 1)
                method, target = head.split()[:2]
                answer = reply(target.split(b'?')[0])
                if method == b'HEAD':
                    answer = answer.split(b'\r\n\r\n')[0] + b'\r\n\r\n'
                peer.sendall(answer)
                if b'identity' in answer:
                    return

def keep(peer):
    try:
        serve(peer)
    except OSError:
        pass

server = socket.create_server(('127.0.0.1', 0), backlog=512)
print(server.getsockname()[1], flush=True)
while True:
    threading.Thread(target=keep, args=(server.accept()[0],), daemon=True).start()
SCRIPT

odd_words='chunk_size_space chunk_extension_empty coding_repeated length_and_coding coding_identity
    name_space colon_space value_control status_spaces line_without_colon coding_without_body
    length_without_body'

serves_odd_replies() {
    rm -f told
    mkfifo told
    python3 odd.py >told 2>python.err &
    pids="$pids $!"
    read -r port <told && odd="http://127.0.0.1:$port"
}

# All at once, and each in the order of asking.
ask_odd() {
    urls='' lists='' counts='' column=''
    for word in $odd_words; do
        urls="$urls $odd/$word" lists="$lists[\"$word\"] " counts="$counts, $word 1"
        column="$column$word "
    done
    run "$@" $urls "$odd/folded" "$odd/999"
}

anomalies() {
    sed -n 's/.*"anomalies":\(\[.*\]\)}$/\1/p' out | tr '\n' ' '
}

odd_replies_are_named() {
    ask_odd
    code_is 0 && same "$(anomalies)" "$lists[] [] " &&
        has "$(cat err)" "haul: 14 requests: 12 2xx, 1 3xx, 1 5xx; " &&
        has "$(cat err)" "; odd replies: ${counts#, }" || return
    ask_odd --format csv
    same "$(sed '1d; s/.*,//' out | tr '\n' ' ')" "$column  " || return
    run "$odd/two_lengths"
    code_is 8 && same "$(member code)" '"protocol"' && same "$(anomalies)" '[] '
}

odd_replies_are_errors() {
    ask_odd --strict
    code_is 8 && same "$(grep -c '"code":"protocol"' out)" 12 &&
        same "$(member status | cut -d ' ' -f 13-)" '200 999' || return
    run -f "$odd/999"
    code_is 22 && same "$(member code)" '"status"'
}

heads_are_limited() {
    for words in '' '--headers' '-I'; do
        run $words "$odd/head/20000" "$odd/head/255000" "$odd/head/262144" "$odd/head/262145" \
            "$odd/head/300000"
        code_is 63 && same "$(member code)" '"limit" "limit"' &&
            same "$(member status)" '200 200 200 null null' || return
        run $words --max-head 300000 "$odd/head/300000" "$odd/head/300001"
        same "$(member status)" '200 null' || return
        run $words --max-head 100 "$odd/head/100" "$odd/head/101"
        same "$(member status)" '200 null' || return
    done
    run --max-head 0 "$odd/head/100"
    code_is 2 && has "$(cat err)" "--max-head '0': a number from 1 to 16777216"
}

# More at once than there are pieces of memory for.
many_long_heads() {
    for words in '' '--headers' '--headers --unordered' '-I --headers' '--bodies long'; do
        run -c 64 $words "$odd/head/16370?[1-100]" "$odd/head/20000?[1-100]" \
            "$odd/head/255000?[1-100]"
        code_is 0 && has "$(cat err)" "haul: 300 requests: 300 2xx; " || return
    done
    run --budget && has "$(cat out)" "pieces for heads beyond 16 KiB"
}

bodies_are_limited() {
    for name in --max-body --max-filesize; do
        run --body $name 10 "$odd/ten" "$odd/ten_chunked"
        code_is 0 || return
        run --body $name 9 "$odd/ten" "$odd/ten_chunked"
        code_is 63 && same "$(member code)" '"limit" "limit"' &&
            same "$(member stage)" '"head" "body"' &&
            same "$(member body)" '"" "012345678"' || return
        run -I $name 9 "$odd/ten"
        code_is 0 || return
    done
    run --max-body 0 "$odd/ten"
    code_is 0
}

row "exit codes are curl's" exit_codes
with_python() {
    if command -v python3 >/dev/null; then
        row "$1" "$2"
    else
        skip "$1" "python3 is not installed"
    fi
}

with_python "a reply that nobody asked for is not the next one's" says_unasked
with_python "a server of odd replies is there" serves_odd_replies
with_python "odd replies are read, named and counted" odd_replies_are_named
with_python "with --strict they are errors" odd_replies_are_errors
with_python "heads have at most 256 KiB, or what --max-head says" heads_are_limited
with_python "who has no memory for a long head waits for it" many_long_heads
with_python "bodies have at most what --max-body says" bodies_are_limited
row "the first failure in the order of the arguments counts" first_failure_counts

# --- retries ----------------------------------------------------------------------------------

retried() {
    run -f -v --retry 2 --retry-delay 0.01 "$base/status/503" "$base/status/404" "$refused"
    code_is 22 && same "$(member attempts)" "3 1 3" && same "$(member status)" "503 404 null" &&
        has "$(sed -n 1p out)" '"tries":[{"status":503,"error":null,"wait_us":' &&
        has "$(sed -n 2p out)" '"wait_us":0,"tries":[]' &&
        has "$(sed -n 3p out)" '"tries":[{"status":null,"error":"connect","wait_us":'
}

no_retry_of_post() {
    run --retry 2 --retry-delay 0.01 -d x "$base/status/503" "$refused" &&
        same "$(member attempts)" "1 3"
    run --retry 2 --retry-delay 0.01 -d x --retry-all-methods "$base/status/503"
    code_is 0 && same "$(member attempts)" 3
}

retry_is_interrupted() {
    begin_talk -c 1 --retry 9 --retry-delay 3600 --unordered
    printf '%s\n' "$base/status/503" "$base/p/1" >&3
    read -r first <&4
    kill -TERM "$pid"
    read -r second <&4
    ended
    code_is 143 && has "$first" '{"index":1,' && has "$second" '{"index":0,' &&
        has "$second" '"code":"cancelled","stage":"queue"'
}

row "what fails in passing is tried again" retried
row "but a POST only where that was asked for, or nothing was sent" no_retry_of_post
row "a signal reaches what waits to be tried again" retry_is_interrupted
row "--on-error cancel ends the siblings" cancels
row "a run that ends inside a glob says how much of it was left" leaves_a_glob
row "--on-error cancel does not wait for stdin" cancels_beside_stdin
if [ -n "$unmasked" ]; then
    row "SIGINT keeps what was gathered, exit code 130" interrupted
    row "a second SIGINT ends at once" interrupted_twice
else
    skip "SIGINT keeps what was gathered, exit code 130" "env has no --default-signal"
    skip "a second SIGINT ends at once" "env has no --default-signal"
fi
row "SIGTERM is exit code 143" terminated
if "$haul_program" --loop uring -q --format none "$base/p/1" 2>/dev/null; then
    row "both loops give the same results" loops_agree
else
    skip "both loops give the same results" "this machine refuses io_uring"
fi
row "a wrong word is named, exit code 2" usage_errors
row "a word that is no URL is told what was meant, exit code 2" words_are_meant
row "without descriptors the number needed is told" descriptors_are_counted
row "what the library refuses is told by the words given, exit code 2" refusals_are_named

# --- TLS --------------------------------------------------------------------------------------

no_tls_there() {
    run -v "https://${base#http://}/p/1" "$base/p/1"
    code_is 35 && has "$(cat out)" '"error":{"code":"tls","stage":"tls","message":"' &&
        has "$(sed -n 2p out)" '"tls":null,"error":null'
}

# Whatever roots are named, they must be there: the system's do not stand in for them.
no_roots() {
    mkdir -p empty && : >empty.pem
    for words in '--cacert missing.pem' '--capath missing' '--cacert empty.pem' '--capath empty' \
        '--capath missing:absent' '--capath :' '--capath missing:empty'; do
        run $words "$base/p/1"
        code_is 77 && has "$(cat err)" "haul: ${words#* }: " && same "$(cat out)" "" || return
    done
    run --cacert missing.pem --capath empty "$base/p/1"
    code_is 77 && has "$(cat err)" "haul: missing.pem: the file of trusted roots cannot be read: No such file" || return
    run --cacert empty.pem --capath missing "$base/p/1"
    code_is 77 && has "$(cat err)" "haul: missing: the directory of trusted roots" || return
    run --cacert empty.pem --capath empty "$base/p/1"
    code_is 77 && has "$(cat err)" "haul: empty.pem, empty: the file and the directory"
}

# They are read at the first https URL, and concern no other; what is wrong with them is said once.
no_roots_in_environment() {
    for setting in SSL_CERT_FILE=missing.pem SSL_CERT_FILE=empty.pem SSL_CERT_DIR=missing \
        SSL_CERT_DIR=missing:absent; do
        with_setting "$setting" -q "$base/p/1" "https${base#http}/p/[1-3]"
        code_is 77 && has "$(sed -n 1p out)" '"error":null' &&
            same "$(member code)" '"tls" "tls" "tls"' &&
            same "$(wc -l <err)" 1 && has "$(cat err)" "haul: $setting: the " || return
        with_setting "$setting" -q "$base/p/1"
        code_is 0 && same "$(cat err)" "" || return
    done
}

# in_time NAME=VALUE WORD…: as with_setting, and ends one that is blocked.
in_time() {
    variable=$1
    shift
    env "$variable" timeout -s KILL 60 "$haul_program" --loop "$loop" "$@" >out 2>err
    code=$?
}

# Whatever lies in a directory of roots, nothing in it is waited for.
roots_beside_a_pipe() {
    mkdir -p pipes && { [ -p pipes/pipe ] || mkfifo pipes/pipe; } || return
    in_time SSL_CERT_DIR= --capath pipes "$base/p/1"
    code_is 77 && has "$(cat err)" "haul: pipes: the directory of trusted roots has" ||
        return
    in_time SSL_CERT_DIR=pipes -q "https${base#http}/p/1"
    code_is 77 && has "$(cat err)" "haul: SSL_CERT_DIR=pipes: the directory of trusted roots"
}

# A key log is a diagnosis, and concerns nothing else.
no_key_log() {
    [ -p unread ] || mkfifo unread || return
    for file in missing/keys . unread; do
        in_time "SSLKEYLOGFILE=$file" "$base/p/1"
        code_is 0 && same "$(grep -c "^haul: note: SSLKEYLOGFILE=$file: " err)" 1 &&
            has "$(sed -n 1p err)" "note: SSLKEYLOGFILE=$file: " || return
    done
    with_setting SSLKEYLOGFILE=missing/keys -q "$base/p/1"
    code_is 0 && same "$(cat err)" "" || return
    with_setting SSLKEYLOGFILE=missing/keys "$base/p/1"
    has "$(cat err)" "SSLKEYLOGFILE=missing/keys: No such file or directory; "
}

no_client_certificate() {
    echo 'no certificate' >text.pem
    : >empty.pem
    for file in missing.pem text.pem empty.pem; do
        run --cert "$file" "$base/p/1"
        code_is 58 && has "$(cat err)" "haul: $file: " && same "$(cat out)" "" || return
    done
    run --cert text.pem --key missing.pem "$base/p/1"
    code_is 58 && has "$(cat err)" "haul: missing.pem: the file of the client certificate's key" || return
    run --cert text.pem --key text.pem "$base/p/1"
    code_is 58 && has "$(cat err)" "haul: text.pem: the client certificate's file has no" || return
    run --cert text.pem --key empty.pem "$base/p/1"
    code_is 58 && has "$(cat err)" "haul: empty.pem: the client key's file has no private key"
}

tls_words_are_checked() {
    run --key text.pem "$base/p/1"
    code_is 2 && has "$(cat err)" "--cert" || return
    run --pinnedpubkey 'sha256//short=' "$base/p/1"
    code_is 2 && has "$(cat err)" "--pinnedpubkey 'sha256//short='" || return
    run --pinnedpubkey '' "$base/p/1"
    code_is 2 && has "$(cat err)" "--pinnedpubkey ''" || return
    run --format csv -v "$base/p/1"
    code_is 2 && has "$(cat err)" "-v/--verbose"
}

insecure_warns() {
    run -k "$base/p/1"
    code_is 0 && same "$(grep -c 'warning: -k/--insecure' err)" 1 &&
        run -kq "$base/p/1" && same "$(cat err)" ""
}

row "https to a server without TLS is exit code 35" no_tls_there
row "roots that cannot be read are exit code 77 and named" no_roots
row "so are those of SSL_CERT_FILE and SSL_CERT_DIR, once, at an https URL" no_roots_in_environment
row "a pipe among the roots of a directory is not waited for" roots_beside_a_pipe
row "a key log that cannot be opened is a note, and the run goes on" no_key_log
row "a client certificate that cannot be used is exit code 58" no_client_certificate
row "words about TLS are checked, exit code 2" tls_words_are_checked
row "-k warns once, and not with -q" insecure_warns

# --- what is told of it -----------------------------------------------------------------------

informs() {
    run --help
    code_is 0 && [ "$(wc -l <out)" -le 24 ] && same "$(awk 'length > 80' out)" "" &&
        run --help tls && has "$(cat out)" "--cacert FILE  " && run --help max-time &&
        same "$(cat out)" "-m, --max-time SECONDS            for one request, start to last byte (300)" &&
        run --version && has "$(cat out)" "haul " && has "$(cat out)" "IDN: " &&
            has "$(cat out)" "content codings: " &&
        run --budget -c 1000 && code_is 0 &&
        has "$(cat out)" "connections"
}

doctor() {
    "$haul_program" doctor >out 2>err
    code=$?
    code_is 0 && has "$(cat out)" "RLIMIT_NOFILE" && has "$(cat out)" "local ports" &&
        has "$(cat out)" "IDN"
}

quiet_where_no_terminal() {
    run "$base/delay/300"
    same "$(tr -dc '\r\033' <err)" ""
}

# Every state of the progress line, in a terminal of 60 columns. How often it is drawn is for the
# machine to say: a run that had none with all there is to tell is made again, and longer.
on_terminal() {
    for delay in 400 2000 10000; do
        script -qec "stty cols 60; TERM=xterm $1 '$haul_program' --loop $loop --format none \
            $refused/1 $base/delay/$delay $base/p/[1-200]" typescript >/dev/null
        tr '\r' '\n' <typescript | sed "s/$(printf '\033')\\[[0-9]*[mK]//g" >states
        ! grep -q ' of 202, .*/s, 1 failed' states || return 0
    done
    return 1
}

progress_fits() {
    on_terminal NO_COLOR=1 || return
    same "$(grep ' of 202' states | awk 'length > 59')" "" &&
        same "$(grep -c "$(printf '\033')\\[31m" typescript)" 0 &&
        grep -q '^haul: 202 requests: 201 2xx, 1 failed (connect 1);' states
}

progress_has_colour() {
    on_terminal NO_COLOR= && grep -q "$(printf '\033')\\[31m1 failed" typescript
}

# One that does not answer, and two that wait for it in the order: for how long nothing has come,
# and what is there already. In 40 columns, which the sum, too, keeps to.
progress_shows_waiting() {
    for limit in 2.5 10 40; do
        script -qec "stty cols 40; TERM=xterm '$haul_program' --loop $loop --format none \
            --max-time $limit $base/stall $base/p/[1-2]" typescript >/dev/null
        tr '\r' '\n' <typescript | sed "s/$(printf '\033')\\[[0-9]*[mK]//g" | grep . >states
        ! grep -q '^0 of 3, silent for [0-9]* s, 0 failed' states || break
    done
    grep -q '^0 of 3, silent for [0-9]* s, 0 failed' states &&
        same "$(grep -v Script states | awk 'length > 40')" "" &&
        has "$(cat states)" "haul: 3 requests: 2 2xx,
      1 failed (deadline 1);" || return
    script -qec "stty cols 80; TERM=xterm '$haul_program' --loop $loop --format none \
        --max-time $limit $base/stall $base/p/[1-2]" typescript >/dev/null
    grep -q ' silent for [0-9]* s, .*, 1 in flight, 2 held' typescript
}

progress_waits_for_input() {
    for pause in 1 5 20; do
        script -qec "stty cols 60; { sleep $pause; echo $base/p/1; } | TERM=xterm '$haul_program' \
            --loop $loop --format none -i -" typescript >/dev/null
        ! grep -q '0 done, waiting for input, 0 failed, 0 in flight' typescript || return 0
    done
    return 1
}

# Nothing is under way, and yet it goes on: for a rate's next turn, and for the next try.
progress_waits_for_time() {
    for pause in 3 10 30; do
        script -qec "stty cols 80; TERM=xterm '$haul_program' --loop $loop --format none \
            --rate 1/${pause}s $base/p/[1-2]" typescript >/dev/null
        ! grep -q '1 of 2, 1 waiting (rate or retry), 0 failed' typescript || break
    done
    grep -q '1 of 2, 1 waiting (rate or retry), 0 failed' typescript || return
    for pause in 2 10 30; do
        script -qec "stty cols 80; TERM=xterm '$haul_program' --loop $loop --format none \
            --retry 1 --retry-delay $pause $refused/1" typescript >/dev/null
        ! grep -q '0 of 1, 1 waiting (rate or retry), 0 failed' typescript || return 0
    done
    return 1
}

no_progress() {
    script -qec "stty cols 60; TERM=xterm '$haul_program' --no-progress --format none \
        $base/delay/300" typescript >/dev/null
    same "$(grep -c 'in flight' typescript)" 0
}

row "--help fits a screen, --version and --budget print" informs
row "doctor tells what this machine allows" doctor
row "stderr that is no terminal gets no progress" quiet_where_no_terminal
if script -qec true /dev/null >/dev/null 2>&1; then
    row "progress fits 60 columns, NO_COLOR is obeyed" progress_fits
    row "progress has colour for failures" progress_has_colour
    row "progress shows waiting apart from work, in 40 columns too" progress_shows_waiting
    row "progress says that there is no input" progress_waits_for_input
    row "progress says what waits for a rate or a retry" progress_waits_for_time
    row "--no-progress is obeyed" no_progress
else
    for name in "progress fits" "progress has colour" "progress shows waiting" \
        "progress says that there is no input" "progress says what waits" \
        "--no-progress is obeyed"; do
        skip "$name" "script is not installed, or there is no pseudo-terminal"
    done
fi

# Heads whose ends are of several lengths: the scanner has a way for each.
under_valgrind() {
    valgrind -q --error-exitcode=9 "$haul_program" --loop "$loop" "$base/status/204" \
        "$base/headers/30" "$base/bytes/3" "$base/p/[1-20]" "$base/echo" >out 2>err
    code=$?
    code_is 0 && same "$(grep -c '"error":null' out)" 24
}

name="valgrind finds nothing, and no instruction that it does not know"
case $(command -v valgrind) in
'')
    skip "$name" "valgrind is not installed"
    ;;
*)
    case $(ldd "$haul_program") in
    *san.so*) skip "$name" "the program has a sanitizer of its own" ;;
    *) row "$name" under_valgrind ;;
    esac
    ;;
esac

rows_end
