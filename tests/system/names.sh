#!/bin/sh
# Many names, asked of a real DNS server, where dnsmasq is installed: no lookup may fail. Rows of
# TAP. HAUL_TEST_NAMES: how many names; HAUL_TEST_NAMES_AT_ONCE: at which concurrencies.
#
#     names.sh HAUL HAUL-SERVER
set -u
. "$(dirname "$0")/../lib/rows.sh"
PATH=$PATH:/usr/sbin:/sbin
names=${HAUL_TEST_NAMES:-2000}
at_once=${HAUL_TEST_NAMES_AT_ONCE:-64 1000}

if ! command -v dnsmasq >/dev/null; then
    skip "many names, over both loops" "dnsmasq is not installed"
    rows_end
    exit
fi

server_start
port=${server_address##*:}

# A port that seems free may be taken in a moment; dnsmasq says whether it got it.
dnsmasq_start() {
    for try in 1 2 3 4 5 6 7 8 9 10; do
        dns_port=$((20000 + ($$ * 10 + try) % 12000))
        : >dnsmasq.log
        dnsmasq --keep-in-foreground --conf-file=/dev/null --port=$dns_port \
            --listen-address=127.0.0.1 --bind-interfaces --no-resolv --no-hosts --pid-file= \
            --user="$(id -un)" --address=/test/127.0.0.1 --log-facility=- >dnsmasq.log 2>&1 &
        pids="$pids $!"
        looks=0
        until grep -q 'started\|failed' dnsmasq.log || [ $looks -eq 600 ]; do
            looks=$((looks + 1))
            sleep 0.05
        done
        ! grep -q 'started' dnsmasq.log || return 0
    done
    return 1
}

all_names_are_found() {
    run -q -c "$concurrency" --dns-servers 127.0.0.1:$dns_port -i names
    code_is 0 &&
        same "$(grep -c '"status":200' out) ok" "$names ok"
}

if ! dnsmasq_start; then
    skip "many names, over both loops" "dnsmasq does not start here"
    rows_end
    exit
fi
awk -v count="$names" -v port="$port" \
    'BEGIN { for (i = 0; i < count; i++) print "http://n" i ".test:" port "/bytes/10" }' >names
loops=epoll
if haul --loop uring "http://$server_address/bytes/1" >/dev/null 2>&1; then
    loops='epoll uring'
else
    skip "many names over io_uring" "the kernel refuses a ring"
fi
for loop in $loops; do
    for concurrency in $at_once; do
        row "$names names, $concurrency at once, over $loop: none fails" all_names_are_found
    done
done
rows_end
