#!/bin/sh
# haul bench as a person types it: words in, a result out, exit codes. Rows of TAP.
#
#     bench.sh HAUL HAUL-SERVER
#
# Of times, only what cannot be otherwise is looked at.
set -u
. "$(dirname "$0")/../lib/rows.sh"
command -v jq >/dev/null || {
    echo "1..0 # SKIP jq is not installed"
    exit 0
}
server_start
base=http://$server_address

# Runs haul bench with its streams in out and err; the exit code is in $code.
bench() {
    "$haul_program" bench "$@" >out 2>err
    code=$?
}

bench_json() {
    bench --format json "$@"
}

# The load was done. Whether the client was the bottleneck of a short run is for the machine to say.
is_done() {
    [ "$code" = 98 ] || code_is 0
}

# is FILTER: what the JSON must be.
is() {
    [ "$(jq "$1" out)" = true ] && return
    printf 'not so: %s\n' "$1" >&2
    return 1
}

# No line of a file has more than 60 characters.
is_narrow() {
    LC_ALL=C awk '{ gsub(/[\200-\277]/, "") } length > 60' "$1" >wide
    same "$(cat wide)" ""
}

no_parts() {
    same "$(find . -name '*.??????')" ""
}

# --- a run --------------------------------------------------------------------------------------

plain_run() {
    bench -n 100
    is_done && is_narrow out && same "$(cat err)" "" && has "$(cat out)" "closed loop, 64 conn" &&
        has "$(grep '^requests' out)" " 100" && has "$(grep '^errors' out)" " 0" &&
        has "$(cat out)" "was it me?" && grep -q '^p99.9 ' out
}

open_run() {
    bench --rate 1000 -n 50 "$base/s"
    is_narrow out && has "$(cat out)" "open loop" && grep -q 'intended *actual' out
}

exact() {
    for loop in $loops; do
        bench_json -n 1000 -c 10 --loop "$loop" "$base/s"
        is_done && is ".loop == \"$loop\"" &&
            is '.requests == 1000 and .replies == 1000 and .statuses == {"200": 1000}' &&
            is '.body_bytes == 128000 and .connections_opened == 10 and .error_count == 0' ||
            return
    done
}

asks() {
    bench_json -n 10 -c 2 -X PUT -H 'X-A: b' -A me -d 'a=b' -d c "$base/echo"
    is_done && is '.method == "PUT" and .body_bytes == .bytes_sent and .bytes_sent > 10 * 80'
}

ways() {
    bench_json -n 20 -c 2 --close "$base/s" && is '.close and .connections_opened == 20' &&
        bench_json -n 20 -c 2 --http1.0 "$base/s" &&
        is '.http == "1.0" and .connections_opened == 20' &&
        bench_json -n 20 -c 2 -t 2 --pipeline 5 "$base/s" &&
        is '.pipeline == 5 and .threads == 2 and .connections_opened == 2 and .replies == 20'
}

targets() {
    printf '# two\n%s\n\n  %s\n' "$base/s" "$base/status/404" >urls
    bench_json -n 20 -c 1 -i urls
    is_done && is '.targets == 2 and .statuses == {"200": 10, "404": 10}' &&
        is '.error_count == 10 and .errors == {}' || return
    bench_json -n 30 -c 1 -i - "$base/4k" <urls
    is '.targets == 3 and .statuses == {"200": 20, "404": 10}'
}

embedded() {
    bench_json -n 10 -c 2 --reply-size 5k
    is_done && is '.server == "embedded" and .body_bytes == 51200' || return
    bench_json -n 10 -c 2 "$base/s"
    is '.server == null'
}

# The embedded server ends with the run.
embedded_ends() {
    bench_json -n 10 && url=$(jq -r .url out) && bench -n 1 "$url"
    code_is 1 && has "$(cat err)" "Connection refused"
}

secure() {
    for loop in $loops; do
        bench_json -n 50 -c 5 --https --loop "$loop"
        is_done && is '.tls and .replies == 50 and .phases_us.tls.count == 5' || return
    done
}

failures() {
    bench_json -n 10 -c 1 "$base/truncate"
    [ "$code" = 98 ] || code_is 96 || return
    is '.errors == {"truncated": 10} and .error_count == 10 and .replies == 0' &&
        is '.latency_us.actual.count == 0 or .latency_us.actual == null'
}

many_connections() {
    for loop in $loops; do
        [ "$loop" != threads ] || continue
        bench_json -c 4000 -n 8000 --timeout 60s --loop "$loop"
        is '.connections == 4000 and .connections_opened == 4000 and .replies == 8000' || return
    done
}

# --- numbers that are known ---------------------------------------------------------------------

known_delay() {
    for loop in $loops; do
        bench_json -n 20 -c 4 --loop "$loop" "$base/delay/20"
        is '.latency_us.actual.min >= 20000 and .latency_us.actual.p50 >= 20000' &&
            is '.phases_us.first_byte.p50 >= 20000 and .window_s >= 0.1' || return
    done
}

# One connection bears 20 a second of the 500 that are asked for: they wait, and it is to be seen.
intended_delay() {
    bench_json -n 10 -c 1 --rate 500 "$base/delay/50"
    is '.latency_us.intended.p50 >= 200000 and .latency_us.intended.max >= 480000' &&
        is '.phases_us.queue.max >= 430000 and .latency_us.actual.min >= 50000'
}

# --- results ------------------------------------------------------------------------------------

latency='def latency: ["count", "max", "mean", "min", "p50", "p75", "p90", "p95", "p99", "p99_9",
        "p99_99", "stddev"] as $keys | type == "object" and keys == $keys and all(. >= 0) and
        .min <= .p50 and .p50 <= .p75 and .p75 <= .p90 and .p90 <= .p95 and .p95 <= .p99 and
        .p99 <= .p99_9 and .p99_9 <= .p99_99 and .p99_99 <= .max;'
fields='anomalies bytes_received bytes_sent body_bytes close completions_per_request connections
    connections_opened cpu elapsed_s environment error_count errors haul hidden histograms http
    instrument kind latency_us loop loop_reason method mode opening_s phases_us pipeline plan
    rate_held rate_per_s replies requests schema server started_at statuses
    system_calls_per_request targets threads tls unsent url warm_up_requests warm_up_s window_s'

schema() {
    for field in $fields; do
        is "has(\"$field\")" || return
    done
    is "$latency"' .schema == "haul-bench/1" and .kind == "run" and
        (.latency_us.actual | latency) and (.phases_us.first_byte | latency) and
        (.phases_us.body | latency) and (.phases_us.connect | latency)' &&
        is '.cpu | .us_per_request >= 0 and .busiest_thread >= 0 and .user_s >= 0' &&
        is '.instrument | (.verdict | type) == "string" and (.sentences | length) > 0 and
            (.was_bottleneck | type) == "boolean" and .connections_asked == 64' &&
        is '.environment | type == "object" and (.kernel | type) == "string"' &&
        is '.histograms.unit == "ns" and (.histograms.actual | startswith("HISTF"))' &&
        is '.started_at | test("^20[0-9-]{8}T[0-9:.]+Z$")'
}

json_closed() {
    bench_json -n 50 "$base/s"
    is_done && schema &&
        is '.mode == "closed" and (.hidden | type) == "string" and .rate_held == null' &&
        is '.latency_us.intended == null and .histograms.intended == null' &&
        is '.plan | .requests == 50 and .duration_s == null and .rate_from == null'
}

json_open() {
    bench_json -z 100ms --rate 100..300/s --warm-up 10ms --timeout 3s "$base/s"
    schema && is '.mode == "open" and .hidden == null and (.rate_held | type) == "number"' &&
        is "$latency"' (.latency_us.intended | latency) and (.phases_us.queue | latency) and
            (.instrument.schedule_lag_us | latency)' &&
        is '.latency_us.intended.count == 20 and .requests == 20 and .window_s == 0.1' &&
        is '.histograms.intended | startswith("HISTF")' &&
        is '.plan == {"requests": null, "duration_s": 0.1, "rate_from": 100, "rate_to": 300,
            "stages": null, "warm_up": 0.01, "timeout_s": 3}'
}

# Each sample has its type before it.
prometheus() {
    bench -n 20 --rate 1000 --format prometheus "$base/s"
    awk '
        /^# HELP [a-z_]+ .*[.]$/ { next }
        /^# TYPE [a-z_]+ (counter|gauge|summary|histogram)$/ { type[$3] = $4; next }
        match($0, /^[a-z_]+/) {
            name = substr($0, 1, RLENGTH)
            base = name
            sub(/_(sum|count|bucket)$/, "", base)
            if ((name in type || base in type) && /^[a-z_]+[{]([a-z_]+="[^"]*",?)+[}] [0-9.e+-]+$/)
                next
        }
        { print }' out >odd
    same "$(cat odd)" "" && grep -q '^haul_bench_requests_total{.*} 20$' out
}

hdr() {
    bench -n 20 --hdr log "$base/s"
    is_done && same "$(head -c 24 log)" "#[Histogram log format v" &&
        same "$(grep -c HISTF log)" 1 || return
    bench -n 20 --rate 1000 --interval 1h --hdr log "$base/s"
    same "$(grep -c '^Tag=actual,.*,HISTF' log)" 1 &&
        same "$(grep -c '^Tag=intended,.*,HISTF' log)" 1 || return
    bench -z 100ms --interval 20ms --hdr log "$base/s"
    test "$(grep -c HISTF log)" -ge 5 && same "$(grep -c '^0.080,0.020,' log)" 1
}

# Each interval is a line as it ends, and a row of the JSON; together they are the run.
timeline() {
    bench_json -z 100ms --interval 20ms --timeline rows.csv "$base/s"
    is '.timeline | .interval_s == 0.02 and (.rows | length) >= 5' &&
        is '.requests == ([.timeline.rows[].requests] | add)' &&
        is '.statuses["200"] == ([.timeline.rows[].statuses["2xx"]] | add)' &&
        same "$(jq '.timeline.rows | length' out)" "$(($(wc -l <rows.csv) - 1))" &&
        same "$(jq .requests out)" "$(awk -F, 'NR > 1 { n += $3 } END { print n }' rows.csv)" &&
        same "$(head -n 1 rows.csv | cut -d, -f1-9)" \
            start_s,end_s,requests,rate_per_s,p50_us,p99_us,max_us,in_flight,errors || return
    bench -z 20ms --timeline /dev/full "$base/s"
    code_is 1 && has "$(cat err)" "haul bench: /dev/full: No space left on device" || return
    bench -z 1h --timeline none/rows "$base/s"
    code_is 1 && has "$(cat err)" "haul bench: none/rows: No such file"
}

# Each with figures of its own, and together they are the run, which lasts until their end.
staged() {
    bench_json --stages 100ms@300,100ms@300..900,100ms@0 --timeout 1m "$base/s"
    is '.plan.stages == "0.1s@300,0.1s@300..900,0.1s@0" and .mode == "open"' &&
        is '.window_s == 0.3 and .requests == 90 and .unsent == 0' &&
        is '[.stages[].requests] == [30, 60, 0] and [.stages[].statuses["200"]] == [30, 60, null]' &&
        is '.stages[1].latency_us.all.count == 60 and .stages[2].latency_us.all == null' || return
    bench --stages 100ms@300,100ms@0 --format csv "$base/s"
    same "$(awk -F, '{ print $NF }' out | tr '\n' ,)" stage,,1,2, || return
    "$haul_program" bench sweep --matrix c=1,2 --rounds 1 -q --stages 50ms@200,50ms@0 --warm-up 0 \
        -o staged.json --csv staged.csv "$base/s" >out 2>err
    code=$?
    is_done && same "$(wc -l <staged.csv)" 7
}

# Placeholders in each place of a request, of a target's own too; the dataset's echo says what came.
varied() {
    printf 'one\ntwo\n' >words
    printf '{"url": "%s/echo/{index}?{line:words}", "headers": [["X-I", "{index}"]], "body": "{index}"}\n' \
        "$base" >objects
    bench_json --template -n 20 -c 3 -i objects
    is '.requests == 20 and .prepared == 20 and .method == "POST" and .errors == {}' || return
    bench -z 200ms -c 4 --template --rate 20 "$base/s?{random}"
    is_done && ! grep -q '^prepared' out || return
    bench_json -n 5 "$base/s?{random}"
    is '.prepared == null'
    bench --template "$base/{line:none}"
    code_is 2 && has "$(cat err)" 'haul bench: {line:none}: No such file'
}

csv() {
    bench -n 20 --format csv "$base/s"
    is_done && same "$(wc -l <out)" 2 && same "$(head -c 14 out)" schema,kind,ha || return
    sed 's/"[^"]*"/text/g' out >flat
    same "$(awk -F, 'NR == 1 { n = NF; for (i = 1; i <= NF; i++) c[$i] = i } NR == 2 {
            print NF == n, $c["requests"], $c["statuses.2xx"], $c["errors.connect"] }' flat)" \
            '1 20 20 0'
}

# Long before its time is over, of what it had until then.
aborted() {
    bench_json -z 1h --interval 50ms --abort-on 'errors>10%' "$base/status/500"
    code_is 99 && is '.aborted | test("^between [0-9.]+ s and [0-9.]+ s: errors>10%: met")' &&
        is '.requests > 0 and .window_s < 3000' || return
    bench -z 1h --interval 50ms --assert 'p50<1ns' --abort-on assert "$base/s"
    code_is 99 && has "$(cat out)" "aborted       between " || return
    bench_json -z 200ms --interval 50ms --abort-on 'errors>10%' "$base/s"
    is_done && is '.aborted == null'
}

# A row a run, of a sweep and of a report; a comma in a cell's value is no border.
csv_of_many() {
    rm -f s.json
    "$haul_program" bench sweep --matrix 'c=1,2;x=a,b' --rounds 2 -q -n 5 -z 5s --warm-up 0 \
        -o s.json --csv s.csv "$base/s?{x}" >out 2>err
    code=$?
    is_done && same "$(wc -l <s.csv)" 9 && same "$(head -c 23 s.csv)" c,x,round,failed,schema ||
        return
    sed 's/"[^"]*"/text/g' s.csv >flat
    same "$(awk -F, 'NR == 1 { n = NF; for (i = 1; i <= NF; i++) c[$i] = i; next }
            { if (NF != n) print; sum += $c["requests"] } END { print sum }' flat)" 40 || return
    "$haul_program" bench report s.json -o r.csv >out 2>err
    code=$?
    code_is 0 && same "$(wc -l <r.csv)" 9 &&
        same "$(head -c 38 r.csv)" c,x,file,line,side,round,failed,schema
}

calibrated() {
    bench_json -n 10 --calibrate "$base/s"
    is '.instrument.calibration | .us_per_request >= 0 and .rate_per_s > 0'
}

find_max() {
    bench_json -z 50ms --find-max 'errors<1' "$base/s"
    is '.find_max | .expression == "errors<1" and (.rate | type) == "number" and
        (.trials | length) >= 1 and (.trials | map(select(.is_met)) | length) >= 1' &&
        is '.find_max.rate == .plan.rate_from' || return
    bench_json -z 20ms --find-max 'errors<1' "$base/status/500"
    is '.find_max.rate == null and .find_max.is_bounded'
}

# --- exit codes ---------------------------------------------------------------------------------

met() {
    bench_json -n 10 --assert 'errors<1' --assert 'replies == 10' "$base/s"
    is_done && is '.thresholds | length == 2 and all(.is_met)'
}

unmet() {
    bench -n 10 --assert 'errors<1' --assert 'p50 > 5m' "$base/s"
    code_is 99 && is_narrow out && has "$(cat out)" "not met" || return
    bench_json -n 10 --assert 'errors<10%' "$base/status/503"
    code_is 99 && is '.thresholds[0].is_met == false'
}

unknown_metric() {
    bench --assert 'p98<1ms' "$base/s"
    code_is 2 && same "$(cat out)" "" && has "$(cat err)" "there is no metric 'p98'"
}

rate_held() {
    bench_json --rate 2 -n 2 -c 1 "$base/s"
    is '.rate_held == 1 and .requests == 2'
}

# A request each 50 ms is all that one connection can do here.
rate_not_held() {
    bench -z 300ms --rate 200 -c 1 "$base/delay/50"
    case $code in 97 | 98) ;; *) code_is 97 || return ;; esac
    has "$(tr -s ' \n' ' ' <out)" "the rate was not held"
}

# Each reply costs the client 20 ms, and a request is due each 10 ms.
bottleneck() {
    bench_json -n 50 --rate 100 --plant 20000000 "$base/s"
    code_is 98 && is '.instrument.was_bottleneck and .instrument.verdict == "client_bound"' || return
    bench -n 50 --rate 100 --plant 20000000 "$base/s"
    code_is 98 && is_narrow out &&
        has "$(tr -s ' \n' ' ' <out)" "the client was the bottleneck"
}

# 99 before 98.
order_of_codes() {
    bench -n 50 --rate 100 --plant 20000000 --assert 'errors>1' "$base/s"
    code_is 99
}

interrupted() {
    for seconds in 0.3 2 20; do
        timeout --foreground --preserve-status -s INT $seconds \
            "$haul_program" bench -z 1h --format json "$base/s" >out 2>err
        code=$?
        code_is 130 || return
        [ "$(jq '.requests > 0' out)" != true ] || break
    done
    is '.requests > 0 and .requests == .replies and .window_s < 60 and .interrupted' &&
        is '.unfinished > 0 and .unfinished <= 64 and .oldest_unfinished_s > 0'
}

usage() {
    bench --frob
    code_is 2 && same "$(cat err)" "haul bench: --frob: no such option (--help lists them)" &&
        same "$(cat out)" "" || return
    bench -z 5x
    code_is 2 && has "$(cat err)" "haul bench: -z 5x: a time is wanted" || return
    bench comapre
    code_is 2 && same "$(cat out)" "" && same "$(cat err)" \
        "haul bench: 'comapre' is no URL, and not one of compare, sweep, merge, report, calibrate"
}

typo() {
    bench -n 1 htp://127.0.0.1/
    code_is 2 && same "$(cat out)" "" &&
        has "$(cat err)" "haul bench: URL 'htp://127.0.0.1/', character 1: " || return
    printf '# two\nhttp://127.0.0.1/\nhttp://127.0.0.1:x/\n' >urls
    bench -n 1 -i urls
    code_is 2 && has "$(cat err)" "haul bench: urls:3: URL 'http://127.0.0.1:x/', character 18: "
}

refused() {
    bench -n 1 http://127.0.0.1:1/
    code_is 1 && has "$(cat err)" "haul bench: host '127.0.0.1', port 1: Connection refused"
}

# --- files --------------------------------------------------------------------------------------

output() {
    echo old >result
    bench_json -n 10 -o result "$base/s"
    is_done && same "$(cat out)" "" && same "$(jq .requests result)" 10 && no_parts || return
    bench -o result http://127.0.0.1:1/
    code_is 1 && same "$(jq .requests result)" 10 && no_parts
}

full() {
    bench -n 10 -o /dev/full "$base/s"
    code_is 1 && same "$(cat err)" "haul bench: /dev/full: No space left on device" || return
    "$haul_program" bench -n 10 "$base/s" >/dev/full 2>err
    code=$?
    code_is 1 && has "$(cat err)" "haul bench: standard output: No space left" || return
    bench -n 10 --hdr /dev/full "$base/s"
    code_is 1 && has "$(cat err)" "haul bench: /dev/full: No space left on device"
}

# Before the load, not after it.
no_folder() {
    bench -z 1h -o none/result "$base/s"
    code_is 1 && same "$(cat err)" "haul bench: none/result: No such file or directory" || return
    bench -z 1h --hdr none/log -o result "$base/s"
    code_is 1 && has "$(cat err)" "haul bench: none/log: No such file" && no_parts
}

# --- words --------------------------------------------------------------------------------------

help() {
    bench --help
    code_is 0 && is_narrow out && has "$(cat out)" "usage: haul bench" && same "$(cat err)" "" ||
        return
    bench --version
    code_is 0 && has "$(cat out)" "haul bench "
}

calibrate() {
    bench calibrate --help
    code_is 0 && is_narrow out || return
    bench calibrate --frob
    code_is 2 && has "$(cat err)" "haul bench: calibrate: --frob: no such option" || return
    bench calibrate -c 4
    is_narrow out && same "$(cut -d ' ' -f 1 out | tr '\n' ' ')" "loop uring epoll threads "
}

# The view is drawn on the terminal and wiped off it again; the result is not touched by it. How
# often it is drawn is for the machine to say: a run without it is made again, and longer.
live() {
    for seconds in 0.7 3 15; do
        words="--interval 100ms -z ${seconds}s -o result '$base/s'"
        script -qec "stty cols 60 rows 24; '$haul_program' bench $words" /dev/null \
            </dev/null >screen 2>err
        code=$?
        ! grep -q 'p50 .*, p99 ' screen || break
    done
    is_done && has "$(cat screen)" "0 errors, 2xx " && has "$(cat screen)" " in flight" &&
        has "$(cat screen)" "<= " && has "$(tail -c 12 screen | tr '\033' '^')" '^[?1049l' &&
        grep -q '^p99' result || return
    tr '\r' '\n' <screen | sed 's/\x1b\[[?0-9]*[A-Za-z]//g' >drawn
    is_narrow drawn
}

# --- all of it ----------------------------------------------------------------------------------

loops='epoll threads'
bench -n 1 --loop uring "$base/s" && loops="uring $loops"

row 'a run says what was, on 60 columns' plain_run
row 'an open loop has two clocks' open_run
row 'as many requests as asked for' exact
row 'method, header, agent and data are sent' asks
row 'a connection a request, HTTP/1.0, pipelining' ways
row 'targets come from files' targets
row 'the embedded server' embedded
row 'the embedded server ends' embedded_ends
row 'https' secure
row 'failures are counted by their stage' failures
if [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 4200 ]; then
    row '4,000 connections' many_connections
else
    skip '4,000 connections' "RLIMIT_NOFILE is $(ulimit -Hn)"
fi
row 'a known delay is found' known_delay
row 'what waits is seen' intended_delay
row 'JSON of a closed loop' json_closed
row 'JSON of an open loop' json_open
row 'Prometheus' prometheus
row 'HdrHistogram logs' hdr
row 'a timeline' timeline
row 'stages' staged
row '--template, objects' varied
row 'CSV' csv
row '--abort-on' aborted
row 'CSV of a sweep and a report' csv_of_many
row '--calibrate' calibrated
row '--find-max' find_max
row 'a threshold that is met' met
row 'a threshold that is not: 99' unmet
row 'a threshold that is none: 2' unknown_metric
row 'a rate that is held' rate_held
row 'a rate that is not: 97' rate_not_held
row 'the client was the bottleneck: 98' bottleneck
row 'a threshold comes before the instrument' order_of_codes
row 'an interrupted run says what finished: 130' interrupted
row 'words that are none: 2' usage
row 'a URL that is none' typo
row 'nobody listens' refused
row '-o appears whole' output
row 'a full disk' full
row 'no folder' no_folder
row '--help and --version' help
row 'calibrate' calibrate
if command -v script >/dev/null; then
    row 'the live view' live
else
    skip 'the live view' 'script is not installed'
fi
rows_end
