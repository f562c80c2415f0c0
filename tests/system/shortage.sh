#!/bin/sh
# Local ports that run out, and IPv6 that is switched off, in a network where nothing else is, where
# namespaces are to be had: no request may fail. Rows of TAP.
#
#     shortage.sh HAUL HAUL-SERVER
set -u
. "$(dirname "$0")/../lib/rows.sh"
PATH=$PATH:/usr/sbin:/sbin

if ! unshare --net true 2>/dev/null || ! command -v ip >/dev/null; then
    skip "300 URLs through 50 local ports" "no namespaces to be had"
    skip "IPv6 is switched off" "no namespaces to be had"
    rows_end
    exit
fi

cat >in_a_network.sh <<'SCRIPT'
ip link set lo up
: >server.line # of the row before
"$server_program" >server.line &
pids=$!
trap 'kill $pids 2>/dev/null; wait' EXIT
looks=0
until grep -q listening server.line 2>/dev/null || [ $looks -eq 600 ]; do
    looks=$((looks + 1))
    sleep 0.05
done
port=$(sed 's/.*://' server.line)
case $what in
ports) echo '40000 40049' >/proc/sys/net/ipv4/ip_local_port_range ;;
*) echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6 ;;
esac
"$haul_program" --loop "$loop" -q --no-progress -c 64 --resolve "a.test:$port:$addresses" \
    "http://a.test:$port/$path[1-300]" >answers
SCRIPT

all_are_answered() {
    what=$what addresses=$addresses path=$path loop=$loop haul_program=$haul_program \
        server_program=$server_program unshare --net sh in_a_network.sh
    cp answers out
    same "$(grep -c '"status":200' answers) ok" "300 ok"
}

for loop in auto epoll; do
    what=ports addresses=127.0.0.1 path=bytes/10?
    row "300 URLs through 50 local ports, over $loop" all_are_answered
    path=close/
    row "300 through 50, a connection each, over $loop" all_are_answered
    what=ipv6 addresses='[::1],127.0.0.1' path=bytes/10?
    row "IPv6 is switched off, over $loop" all_are_answered
done
rows_end
