#!/bin/sh
# haul bench report as a user meets it: files in, a page out, and the page in a browser. Rows of TAP.
#
#     report.sh HAUL-BENCH HAUL-SERVER
#
# The rows that look at the page need Chromium; where it is not installed they are skipped, and say so.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/rows.sh"

report() {
    "$haul_program" report "$@" >out 2>err
    code=$?
}

python3 "$here/report_sweep.py" >sweep.ndjson || exit 1

# --- words and files --------------------------------------------------------------------------

usage_errors() {
    report
    code_is 2 && has "$(cat err)" 'haul bench: report: no file of results' || return
    report sweep.ndjson -o page.txt
    code_is 2 && has "$(cat err)" 'ends in .html, .md or .csv' || return
    report sweep.ndjson -o page.html --by body_size
    code_is 2 && has "$(cat err)" '--by body_size: no axis' && [ ! -e page.html ]
}

help_text() {
    report --help
    code_is 0 && has "$(cat out)" 'usage: haul bench report FILE' && [ ! -s err ]
}

no_parts() {
    same "$(ls -A | tr '\n' ' ')" "err out page.html page.md sweep.ndjson trouble "
}

pages_made() {
    report sweep.ndjson -o page.html --title 'A night' && code_is 0 && [ ! -s out ] &&
        [ ! -s err ] && report sweep.ndjson -o page.md && code_is 0 && no_parts &&
        has "$(cat page.html)" '<h1>A night</h1>' &&
        has "$(cat page.md)" '# io\_uring, epoll and threads compared'
}

damage_is_named() {
    cp page.md before.md
    sed '7s/"round"/"ruond"/' sweep.ndjson >damaged.ndjson
    report damaged.ndjson -o page.md
    code_is 1 && has "$(cat err)" 'damaged.ndjson:7: its "round" is not a number from 1 on' &&
        cmp page.md before.md && rm damaged.ndjson before.md && no_parts
}

full_disk() {
    [ -e /dev/full ] || return 0
    ln -s /dev/full full.html
    report sweep.ndjson -o full.html
    code_is 1 && has "$(cat err)" 'full.html: No space left on device' && rm full.html
}

# Seen by other eyes: the model has no difference between io_uring and epoll at one connection.
verdicts() {
    has "$(cat page.md)" 'no difference detected at 1 and 64 connections; io\_uring needs' &&
        has "$(cat page.md)" '- threads, 4000 connections, 4k bodies, TLS on, round 2: connect: ' &&
        has "$(cat page.md)" '- io\_uring, 1 connection, 128 bodies, TLS off: 15 errors in '
}

# What ends an element, or opens another within it, is not in what the page embeds.
embedding() {
    printf 'a { content: "</style>"; }' >a.css
    printf 'let a = "</script>", b = "</SCRIPT x", c = "<!--<script>";' >a.js
    python3 "$here/../../bench/report/embed.py" assets.c a.css a.js || return
    same "$(grep -c -i '</s\|<!--' assets.c)" 0 &&
        has "$(cat assets.c)" 'let a = \042<\134/script>' && rm a.css a.js assets.c
}

# --- in the browser ---------------------------------------------------------------------------

# The fact about a look that has this name.
fact() {
    sed -n "s/^$1 $2 //p" facts
}

# facts LOOK NAME VALUE...
facts_are() {
    look=$1
    shift
    while [ $# -gt 0 ]; do
        same "$look $1 $(fact "$look" "$1")" "$look $1 $2" || return
        shift 2
    done
}

in_browser() {
    python3 "$here/report_browser.py" "$@" >facts
}

# Nine of ratios, four of levels over connections and bodies, one of percentiles.
drawn() {
    in_browser "$chromium" page.html || return
    for look in desktop phone narrow dark; do
        facts_are "$look" canvases 14 drawn 14 || return
    done
}

nothing_loaded() {
    for look in desktop phone narrow dark; do
        facts_are "$look" loaded 0 requests 1 violations 0 complaints 0 || return
    done
    facts_are plain requests 1
}

fits() {
    facts_are desktop width 1280 scroll 1280 overflow 0 &&
        facts_are tablet width 768 scroll 768 overflow 0 &&
        facts_are phone width 360 scroll 360 overflow 0 &&
        facts_are narrow width 320 scroll 320 overflow 0
}

# Tables that are wider than the screen say that they scroll, and no others do.
hints() {
    for look in desktop tablet phone narrow dark; do
        facts_are "$look" hinted "$(fact "$look" sideways)" misled 0 || return
    done
    [ "$(fact phone sideways)" -gt 0 ]
}

inside_the_axes() {
    for look in desktop tablet phone narrow dark; do
        facts_are "$look" beyond 0 || return
    done
}

without_scripts() {
    facts_are plain tables "$(fact desktop tables)" rows "$(fact desktop rows)" title 'A night' &&
        [ "$(fact plain rows)" -gt 200 ]
}

controls() {
    facts_are desktop sorted True chosen 14
}

on_paper() {
    facts_are paper cut 0 && [ "$(fact paper pages)" -ge 5 ] && [ "$(fact paper pages)" -le 30 ]
}

text_is_text() {
    facts_are desktop bold 0 title 'A night'
}

# The page's policy, and nothing else, keeps what does not belong to it from running and loading.
policy() {
    sed 's|<main>|<script>document.title = "bad"</script><img src="http://127.0.0.1:1/x"><main>|' \
        page.html >changed.html
    in_browser --looks desktop "$chromium" changed.html || return
    facts_are desktop title 'A night' drawn 14 && [ "$(fact desktop complaints)" -ge 2 ] &&
        rm changed.html
}

single_run() {
    sed -n 3p sweep.ndjson | jq -c .run >run.json
    report run.json -o run.html && code_is 0 || return
    in_browser --looks desktop "$chromium" run.html || return
    facts_are desktop canvases 1 drawn 1 complaints 0 title '1 connection to the embedded server' &&
        rm run.*
}

# The course of a run, with all that a row may have, fits on a tablet.
course_fits() {
    sed -n 3p sweep.ndjson | jq -c '.run + {timeline: {interval_s: 1, rows: [range(3) |
        {start_s: (. + 598), end_s: (. + 599), requests: 48000, rate_per_s: 48007.5,
        p50_us: 1234.5, p99_us: 45678.9, max_us: 123456.7, in_flight: 10000,
        errors: {connect: 12345}, statuses: {"2xx": 35655}}]}}' >run.json
    report run.json -o run.html && code_is 0 && has "$(cat run.html)" 'Over time' || return
    in_browser --looks tablet "$chromium" run.html || return
    case $(fact tablet wide) in
    *'Over time'*) same "$(fact tablet wide)" 'no course of a run' || return ;;
    esac
    facts_are tablet overflow 0 && rm run.*
}

row 'what is asked wrongly is a usage error' usage_errors
row '--help says how' help_text
row 'a page and its Markdown, each one file' pages_made
row 'a damaged line is named, and the old page stays' damage_is_named
row 'a full disk is an error' full_disk
row 'verdicts, failures and errors in words' verdicts
row 'nothing embedded can end its element' embedding

chromium=$(command -v chromium) || chromium=
browser_row() {
    if [ -n "$chromium" ]; then
        row "$@"
    else
        skip "$1" 'chromium is not installed'
    fi
}

browser_row 'all charts are drawn' drawn
browser_row 'nothing is loaded, and nothing complains' nothing_loaded
browser_row 'no screen from 320 pixels on is too narrow' fits
browser_row 'what scrolls sideways says so, and nothing else' hints
browser_row 'no point and no end of an interval lies beyond an axis' inside_the_axes
browser_row 'every table is there without scripts' without_scripts
browser_row 'columns are sorted, and other slices drawn' controls
browser_row 'it prints, and no table is cut' on_paper
browser_row 'text from anywhere stays text' text_is_text
browser_row 'what is not its own does not run or load' policy
browser_row 'a single run has a page as well' single_run
browser_row 'its course fits on a tablet' course_fits
rows_end
