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

# Two DNS servers at the port that resolv.conf means, each with a domain of its own, in a network
# where nothing else is. The pause is how seldom resolv.conf is looked at, and not for luck.
cat >in_a_network.sh <<'SCRIPT'
: >server.line >dnsmasq.1 >dnsmasq.2 # of the row before
ip link set lo up
echo 'nameserver 127.0.0.1' >resolv.conf
mount --bind resolv.conf /etc/resolv.conf
for domain in 1 2; do
    : >dnsmasq.$domain
    dnsmasq --keep-in-foreground --conf-file=/dev/null --port=53 --listen-address=127.0.0.$domain \
        --bind-interfaces --no-resolv --no-hosts --pid-file= --user="$(id -un)" \
        --address=/domain$domain.test/127.0.0.1 --log-facility=- >dnsmasq.$domain 2>&1 &
    pids="$pids $!"
done
"$server_program" >server.line &
pids="$pids $!"
trap 'kill $pids 2>/dev/null; wait' EXIT
appears() {
    looks=0
    until grep -q "$1" "$2" 2>/dev/null || [ $looks -eq 600 ]; do
        looks=$((looks + 1))
        sleep 0.05
    done
}
appears started dnsmasq.1
appears started dnsmasq.2
appears listening server.line
port=$(sed 's/.*://' server.line)
: >answers
{
    echo "http://a.domain1.test:$port/bytes/10"
    appears '"index":0' answers
    sleep 1.1
    echo 'nameserver 127.0.0.2' >resolv.conf
    echo "http://b.domain2.test:$port/bytes/10"
} | "$haul_program" --loop "$loop" -q -i - >answers
SCRIPT

the_new_server_is_asked() {
    pids='' loop=$loop haul_program=$haul_program server_program=$server_program \
        unshare --net --mount sh in_a_network.sh
    cp answers out
    same "$(grep -c '"status":200' answers) ok" "2 ok"
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
    if unshare --net --mount true 2>/dev/null && command -v ip >/dev/null; then
        row "resolv.conf names another server in mid run, over $loop" the_new_server_is_asked
    else
        skip "resolv.conf names another server in mid run" "no namespaces to be had"
    fi
done
rows_end
