#!/bin/sh
# https as a user meets it, against servers that are not ours. Rows of TAP.
#
#     https.sh HAUL HAUL-SERVER [LOOP]
#
# The openssl command makes the certificates. nginx is the server of most rows; openssl s_server and
# node are other ones to agree with, and python3 is one that is rude. A row whose server is not
# installed is skipped, and says so.
set -u
. "$(dirname "$0")/../lib/rows.sh"
PATH=$PATH:/usr/sbin:/sbin

command -v openssl >/dev/null || {
    echo "1..0 # SKIP openssl is not installed"
    exit 0
}

# Runs haul so, trusting who signed the servers' certificates.
get() {
    run --cacert ca.pem "$@"
}

# failed CODE ERROR STAGE: that is its exit code, and a result says so.
failed() {
    code_is "$1" && has "$(cat out)" "\"error\":{\"code\":\"$2\",\"stage\":\"$3\",\"message\":\""
}

# bodies_are FILE FILE: byte for byte.
bodies_are() {
    code_is 0 && cmp "$1" pages/000000 && cmp "$2" pages/000001
}

# A row that needs a server: $no_<server> says why there is none, or nothing.
with() {
    eval "missing=\$no_$1"
    if [ -z "$missing" ]; then row "$2" "$3"; else skip "$2" "$missing"; fi
}

# --- certificates -----------------------------------------------------------------------------

printf '[req]\ndistinguished_name = name\n[name]\n' >req.cnf
localhost=DNS:localhost,IP:127.0.0.1,IP:::1

# key NAME ec|rsa
key() {
    case $2 in
    ed) openssl genpkey -algorithm ED25519 -out "$1.key" ;;
    ec) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" ;;
    rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" ;;
    esac
}

# signed NAME DAYS NAMES: by itself, as a CA where NAMES is empty.
signed() {
    extension=subjectAltName=$3
    [ -n "$3" ] || extension=basicConstraints=critical,CA:TRUE
    openssl req -x509 -new -config req.cnf -key "$1.key" -subj "/CN=$1" -days "$2" \
        -addext "$extension" -out "$1.pem"
}

# cert NAME DAYS NAMES: by the CA.
cert() {
    echo "subjectAltName=$3" >extensions
    openssl req -new -config req.cnf -key "$1.key" -subj "/CN=$1" |
        openssl x509 -req -CA ca.pem -CAkey ca.key -days "$2" -extfile extensions -out "$1.pem"
}

# A certificate that is signed with RSA-PSS, and its root, which is trusted too.
signed_by_pss() {
    openssl req -x509 -new -config req.cnf -key rsa.key -subj /CN=pss -days 30 -sigopt \
        rsa_padding_mode:pss -addext basicConstraints=critical,CA:TRUE -out pss-ca.pem &&
        echo "subjectAltName=$localhost" >extensions &&
        openssl req -new -config req.cnf -key rsa.key -subj /CN=pss-leaf |
        openssl x509 -req -CA pss-ca.pem -CAkey rsa.key -days 30 -extfile extensions \
            -sigopt rsa_padding_mode:pss -out pss.pem && cat pss-ca.pem >>ca.pem
}

certificates() {
    for name in ca other ec self; do key $name ec || return; done
    key rsa rsa && key ed ed || return
    for name in expired elsewhere idn client-ec; do cp ec.key $name.key; done
    cp rsa.key client-rsa.key
    signed ca 30 '' && signed other 30 '' && signed self 30 "$localhost" || return
    for name in ec rsa client-ec client-rsa; do cert $name 30 "$localhost" || return; done
    cert ed 30 "$localhost" || return
    cert expired -1 "$localhost" && cert elsewhere 30 DNS:elsewhere.example &&
        cert idn 30 DNS:xn--bcher-kva.example,DNS:xn--fa-hia.example && signed_by_pss
}

certificates 2>errors || {
    sed 's/^/# /' errors
    echo "Bail out! the certificates cannot be made"
    exit 1
}

# sha256//… of a key.
pin() {
    printf 'sha256//'
    openssl pkey -in "$1.key" -pubout -outform DER | openssl dgst -sha256 -binary | openssl base64
}

# --- servers ----------------------------------------------------------------------------------

mkfifo told
server_start
plain=http://$server_address

mkdir www
head -c 20000000 /dev/urandom >www/big

no_ipv6='there is no IPv6 here'
! grep -qs '^0*1 ' /proc/net/if_inet6 || no_ipv6=

# server OFFSET CERTIFICATE [SETTING…]: one more, on the port that is so far behind the first.
server() {
    echo "server { listen 127.0.0.1:$((port + $1)) ssl;"
    [ -n "$no_ipv6" ] || echo "listen [::1]:$((port + $1)) ssl;"
    echo "ssl_certificate $2.pem; ssl_certificate_key $2.key;"
    shift 2
    printf '%s;\n' 'root www' "$@"
    cat <<'CONF'
location /p/ { return 200 "$connection $uri\n"; }
location /close/ { keepalive_timeout 0; return 200 "$connection $uri\n"; }
location /name { return 200 "$ssl_server_name $http_host\n"; }
location /seen { return 200 "$ssl_server_name $http_host $request_uri\n"; }
location /client { return 200 "$ssl_client_verify $ssl_client_s_dn\n"; } }
CONF
}

nginx_conf() {
    cat <<'CONF'
daemon off; master_process off; pid nginx.pid; error_log nginx.err;
events { worker_connections 500; }
http { access_log off; default_type text/plain; ssl_protocols TLSv1.2;
client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp;
scgi_temp_path tmp;
CONF
    server 0 rsa 'ssl_session_tickets off' 'ssl_session_cache shared:ids:1m'
    server 1 ec 'ssl_session_tickets on' 'ssl_session_cache off'
    server 2 ec 'ssl_protocols TLSv1.3'
    server 3 rsa 'ssl_verify_client on' 'ssl_client_certificate ca.pem'
    server 4 rsa 'ssl_protocols TLSv1' 'ssl_ciphers ALL:@SECLEVEL=0'
    server 5 expired
    server 6 elsewhere 'ssl_session_tickets off' 'ssl_session_cache shared:elsewhere:1m'
    server 7 self
    server 8 idn
    echo '}'
}

# Ten ports below those that the kernel hands out. Where one is taken, nginx ends, and others are
# tried.
nginx_start() {
    for try in 0 1 2 3 4; do
        port=$((10000 + ($$ + try * 397) % 2000 * 10))
        nginx_conf >nginx.conf
        nginx -p "$work" -c nginx.conf >nginx.out 2>&1 &
        pid=$!
        until [ -s nginx.pid ]; do
            kill -0 $pid 2>/dev/null || continue 2
            sleep 0.02
        done
        pids="$pids $pid"
        return
    done
    sed 's/^/# /' nginx.out
    echo "Bail out! nginx does not start"
    exit 1
}

no_nginx='nginx is not installed'
if command -v nginx >/dev/null; then
    no_nginx=
    nginx_start
    rsa=https://127.0.0.1:$port
    ec=https://127.0.0.1:$((port + 1))
    only_13=https://127.0.0.1:$((port + 2))
    asks_client=https://127.0.0.1:$((port + 3))
    legacy=https://127.0.0.1:$((port + 4))
    expired=https://127.0.0.1:$((port + 5))
    elsewhere=https://127.0.0.1:$((port + 6))
    self=https://127.0.0.1:$((port + 7))
    six=https://[::1]:$port
fi
[ -n "$no_ipv6" ] || no_ipv6=$no_nginx

# s_server NAME OPTION…: its address is then in s_server.
s_server() {
    : >s_server.out
    openssl s_server -accept 127.0.0.1:0 -cert rsa.pem -key rsa.key "$@" </dev/null \
        >>s_server.out 2>&1 &
    pid=$!
    pids="$pids $pid"
    until grep -q ^ACCEPT s_server.out; do
        kill -0 $pid 2>/dev/null || return
        sleep 0.02
    done
    s_server=https://$(sed -n 's/^ACCEPT //p' s_server.out)
}

no_openssl=$no_nginx
"$haul_program" -V | grep -q OpenSSL.[0-9] || no_openssl='haul is built without OpenSSL'

no_node='node is not installed'
if command -v node >/dev/null; then
    no_node=
    cat >echo.js <<'SCRIPT'
const fs = require('fs');
const options = {cert: fs.readFileSync('ec.pem'), key: fs.readFileSync('ec.key')};
const server = require('https').createServer(options, (request, reply) => request.pipe(reply));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
SCRIPT
    node echo.js >told 2>node.err &
    pids="$pids $!"
    read -r number <told
    echo=https://127.0.0.1:$number
fi

no_python='python3 with ssl is not installed'
if python3 -c 'import ssl' 2>/dev/null; then
    no_python=
    cat >rude.py <<'SCRIPT'
import socket, ssl
silent, port = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('ec.pem', 'ec.key')
names = socket.socket(type=socket.SOCK_DGRAM)
names.bind(('127.0.0.1', 0))
print(silent.getsockname()[1], port.getsockname()[1], names.getsockname()[1], flush=True)
while True:
    try:
        with context.wrap_socket(port.accept()[0], server_side=True) as peer:
            path = peer.recv(16384).split()[1]
            length = {b'/framed': b'Content-Length: 4\r\n', b'/short': b'Content-Length: 5\r\n'}
            peer.sendall(b'HTTP/1.1 200 OK\r\n' + length.get(path, b'') + b'\r\nhalf')
            if path == b'/notified':
                peer.unwrap()
    except OSError:
        pass
SCRIPT
    python3 rude.py >told 2>python.err &
    pids="$pids $!"
    read -r silent rude silent_names <told
    silent=https://127.0.0.1:$silent
    rude=https://127.0.0.1:$rude
fi

# --- requests ---------------------------------------------------------------------------------

verified() {
    for base in "$rsa" "$ec"; do
        get -v --bodies pages "$base/p/1" && code_is 0 && same "$(member status)" 200 &&
            has "$(cat out)" '"tls":{"version":"TLSv1.2","suite":"TLS_ECDHE_' &&
            has "$(cat out)" '"verification":"ok","resumed":false,"backend":"bearssl"}' &&
            same "$(sed 's/^[0-9]* //' pages/000000)" /p/1 || return
    done
    has "$(member suite)" _ECDSA_
}

keeps_order() {
    get -q --format body -c 8 "$rsa/p/[1-200]"
    code_is 0 && same "$(cut -d ' ' -f 2 out)" "$(seq -f /p/%g 200)" || return
    connections=$(cut -d ' ' -f 1 out | sort -u | wc -l)
    [ "$connections" -le 8 ] || same "$connections connections" "at most 8"
}

reuses() {
    get -c 1 "$rsa/p/[1-3]"
    code_is 0 && same "$(member tls_us | cut -d ' ' -f 2-)" "0 0" &&
        [ "$(member tls_us | cut -d ' ' -f 1)" -gt 0 ]
}

resumes() {
    get -v -c 1 "$rsa/close/[1-3]"
    code_is 0 && same "$(member resumed)" "false true true" &&
        same "$(member verification)" '"ok" "ok" "ok"'
}

resumes_no_tickets() {
    get -v -c 1 "$ec/close/[1-2]"
    code_is 0 && same "$(member resumed)" "false false"
}

# Two of them are more than the memory for bodies.
large_bodies() {
    get --bodies pages "$rsa/big" "$ec/big"
    bodies_are www/big www/big
}

s_server_large_body() {
    s_server -WWW || return
    get -c 1 -v --bodies pages "$s_server/www/big" "$s_server/ca.pem"
    bodies_are www/big ca.pem
}

# 3 MB there and back, of which what comes back begins before all is there.
echoes() {
    head -c 3000000 www/big >data
    get --bodies pages --data-binary @data "$echo/1" "$echo/2"
    bodies_are data data
}

small_echoes() {
    printf '%5000s' x >data
    get -q --format body -c 1 --data-binary @data "$echo/[1-3]"
    code_is 0 && cat data data data | cmp - out
}

mixed() {
    get -v "$plain/p/1" "$rsa/p/2" "$plain/p/3" "$ec/p/4"
    code_is 0 && same "$(member status)" "200 200 200 200" &&
        same "$(member version)" '"TLSv1.2" "TLSv1.2"' &&
        same "$(grep -c '"tls":null' out)" 2
}

ipv6() {
    get -v "$six/p/1" && code_is 0 && has "$(cat out)" '"verification":"ok"'
}

by_name() {
    get "https://LOCALHOST:$port/p/1" "https://localhost.:$port/p/2" && code_is 0
}

# The name is that of the URL, in SNI, in the request and in the certificate.
by_another_way() {
    name=elsewhere.example
    get -v --body -c 1 --connect-to "$name::127.0.0.1:$((port + 6))" "https://$name/name" \
        "https://$name/close/[1-2]"
    code_is 0 && same "$(member body | cut -d ' ' -f 1-2)" "\"$name $name\\n\"" &&
        same "$(member verification)" '"ok" "ok" "ok"' || return
    get --body --resolve "$name:$((port + 6)):127.0.0.1" "https://$name:$((port + 6))/name"
    code_is 0 && same "$(member body)" "\"$name $name:$((port + 6))\\n\"" || return
    get --connect-to "::127.0.0.1:$port" "https://$name/name" https://localhost/name "$elsewhere/name"
    code_is 60 && same "$(member status)" "null 200 200" &&
        has "$(member message)" "no subjectAltName matches"
}

with nginx "verified over RSA and ECDSA, the body exact" verified
with nginx "200 URLs keep their order over at most 8 connections" keeps_order
with nginx "a connection that is kept has one handshake" reuses
with nginx "a session id resumes the handshake" resumes
with nginx "where the server has only tickets, each handshake is a full one" resumes_no_tickets
with nginx "bodies of 20 MB are exact" large_bodies
row "so is one from openssl s_server, ended by close_notify" s_server_large_body
with node "bodies of 3 MB go to node and back" echoes
with node "bodies that fill a record go to node and back" small_echoes
with nginx "http and https in one run" mixed
with ipv6 "an IPv6 literal is verified" ipv6
with nginx "a host's case and final dot do not matter" by_name
# A host beyond ASCII is its A-labels to all that see it, and to the reader what was given.
by_alabels() {
    port=$((port + 8))
    bucher=$(printf 'b\303\274cher.example')
    given=https://$bucher:$port/seen/../seen/$bucher?$bucher
    get --body -c 1 --resolve "$bucher:$port:127.0.0.1" "$given" \
        "https://B%C3%9CCHER.example:0$port/seen/a"
    got=$(member body)
    reported=$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' out)
    sent="xn--bcher-kva.example xn--bcher-kva.example:$port"
    port=$((port - 8))
    code_is 0 && same "$got" "\"$sent /seen/b%c3%bccher.example?$bucher\\n\" \"$sent /seen/a\\n\"" &&
        same "$(printf '%s\n' "$reported" | head -n 1)" "$given" &&
        same "$(member tls_us | cut -d ' ' -f 2)" 0 || return
    # not transitional: another name than fass.example, of which there is no certificate
    get --connect-to "::127.0.0.1:$((port + 8))" "$(printf 'https://fa\303\237.example/seen')" &&
        code_is 0 && get --connect-to "::127.0.0.1:$((port + 8))" https://fass.example/seen
    failed 60 tls tls
}

with nginx "--connect-to and --resolve change neither SNI nor what is verified" by_another_way
if haul -V | grep -q 'IDN: libidn2'; then
    with nginx "a host beyond ASCII is its A-labels in DNS, Host, SNI and certificate" by_alabels
else
    skip "a host beyond ASCII is its A-labels in DNS, Host, SNI and certificate" "built without libidn2"
fi

# --- certificates that are refused ------------------------------------------------------------

# refused SENTENCE
refused() {
    failed 60 tls tls && has "$(member message)" "$1" && same "$(member status)" null
}

wrong_host() {
    get "$elsewhere/" && refused "no subjectAltName matches" &&
        get "https://localhost:$((port + 6))/" && refused "no subjectAltName matches"
}

out_of_time() {
    get "$expired/" && refused "the certificate has expired"
}

self_signed() {
    get -v "$self/" && refused "is self-signed and not in the trust store" &&
        has "$(cat out)" '"tls":{"version":null,"suite":null,"verification":"the certificate is s'
}

untrusted() {
    run --cacert other.pem "$rsa/" && refused "issuer was not sent and is not in the trust store"
}

# The sibling has nothing to do with it.
refused_beside_others() {
    get "$rsa/p/1" "$expired/" "$ec/p/2"
    code_is 60 && same "$(member status)" "200 null 200"
}

insecure() {
    run -kv -c 1 "$elsewhere/close/[1-2]" "$expired/p/1" "$self/p/1"
    code_is 0 && same "$(member status)" "200 200 200 200" &&
        same "$(member resumed)" "false true false false" &&
        same "$(grep -c '"verification":"the certificate is not for this host' out)" 2 &&
        has "$(sed -n 3p out)" '"verification":"the certificate has expired"' &&
        has "$(sed -n 4p out)" '"verification":"the certificate is self-signed'
}

environment() {
    mkdir -p roots more && cp ca.pem roots && cp other.pem more
    for setting in SSL_CERT_FILE=ca.pem SSL_CERT_DIR=roots SSL_CERT_DIR=missing::more:roots \
        SSL_CERT_DIR=roots:missing; do
        with_setting "$setting" "$rsa/p/1"
        code_is 0 || return
    done
    run --capath missing:roots "$rsa/p/1"
    code_is 0 || return
    run --capath more "$rsa/p/1"
    code_is 60 || return
    with_setting SSL_CERT_FILE=ca.pem --cacert other.pem "$rsa/p/1"
    code_is 60
}

# A pipe is read until its end, once, and however long it is.
roots_of_pipes() {
    [ -p pipe ] || mkfifo pipe || return
    { seq 30000 && cat ca.pem; } >pipe & pids="$pids $!"
    run --cacert pipe "$rsa/p/1" "$ec/p/1"
    code_is 0 || return
    cat ca.pem >pipe & pids="$pids $!"
    with_setting SSL_CERT_FILE=pipe "$rsa/p/1" "$ec/p/1"
    code_is 0 || return
    echo 'no certificate' >pipe & pids="$pids $!"
    run --cacert pipe "$rsa/p/1"
    code_is 77 && has "$(cat err)" "haul: pipe: the file of trusted roots has no" || return
    mkdir -p beside && cp ca.pem beside/b.pem && { [ -p beside/a ] || mkfifo beside/a; } || return
    run --capath beside "$rsa/p/1"
    code_is 0 || return
    with_setting SSL_CERT_DIR=beside "$rsa/p/1"
    code_is 0
}

roots_of_a_substitution() {
    bash -c '"$0" --loop "$1" --cacert <(cat ca.pem) "$2"' "$haul_program" "$loop" "$rsa/p/1" \
        >out 2>err
    code=$?
    code_is 0 && has "$(member status)" 200
}

# With a certificate that is refused beside it, which is said as ever.
missing_roots() {
    with_setting SSL_CERT_FILE=missing.pem -q "$rsa/p/[1-3]" "$expired/p/1" "$plain/p/1"
    code_is 77 && same "$(member code)" '"tls" "tls" "tls" "tls"' &&
        same "$(member os_error)" '"ENOKEY" "ENOKEY" "ENOKEY" "ENOKEY"' &&
        same "$(cat err)" "haul: SSL_CERT_FILE=missing.pem: $(roots_sentence)" &&
        has "$(sed -n 5p out)" '"error":null'
}

roots_sentence() {
    echo "the file of trusted roots cannot be read: No such file or directory"
}

self_trusted() {
    run --cacert self.pem "$self/p/1" && code_is 0
}

pins() {
    get --pinnedpubkey "$(pin rsa)" "$rsa/p/1" && code_is 0 &&
        get --pinnedpubkey "$(pin ec);$(pin rsa)" "$rsa/p/1" "$ec/p/1" && code_is 0 || return
    for words in '' -k; do
        get $words --pinnedpubkey "$(pin other)" "$rsa/p/1"
        code_is 90 && has "$(member message)" "key is none of those that were pinned" || return
    done
    run -k --pinnedpubkey "$(pin other)" "$self/p/1"
    code_is 90
}

with nginx "another host's certificate is exit code 60 and said" wrong_host
with nginx "so is one that has expired" out_of_time
with nginx "so is a self-signed one" self_signed
with nginx "so is one of an unknown issuer" untrusted
with nginx "one that is refused fails no other request" refused_beside_others
with nginx "-k takes them, resumed or not, and -v tells what is wrong" insecure
with nginx "a self-signed one that is trusted is taken" self_trusted
with nginx "SSL_CERT_FILE, SSL_CERT_DIR and --capath are trusted, --cacert more" environment
with nginx "roots come from pipes too, and none in a directory is waited for" roots_of_pipes
no_bash=$no_nginx
command -v bash >/dev/null || no_bash='bash is not installed'
with bash "--cacert <(...) works" roots_of_a_substitution
with nginx "an SSL_CERT_FILE that is missing is named once, exit code 77" missing_roots
with nginx "--pinnedpubkey takes the right keys, and no other even with -k" pins

# --- client certificates ----------------------------------------------------------------------

client_certificates() {
    cat client-ec.pem client-ec.key >client-both.pem
    get --body --cert client-rsa.pem --key client-rsa.key "$asks_client/client" && code_is 0 &&
        same "$(member body)" '"SUCCESS CN=client-rsa\n"' &&
        get --body --cert client-both.pem "$asks_client/client" && code_is 0 &&
        same "$(member body)" '"SUCCESS CN=client-ec\n"'
}

client_of_pipes() {
    [ -p pipe ] || mkfifo pipe || return
    cat client-ec.pem client-ec.key >pipe & pids="$pids $!"
    get --body --cert pipe "$asks_client/client"
    code_is 0 && same "$(member body)" '"SUCCESS CN=client-ec\n"' || return
    cat client-rsa.key >pipe & pids="$pids $!"
    get --body --cert client-rsa.pem --key pipe "$asks_client/client"
    code_is 0 && same "$(member body)" '"SUCCESS CN=client-rsa\n"'
}

wrong_client_files() {
    run --cert client-rsa.pem --key client-ec.key "$asks_client/client"
    code_is 58 && same "$(cat err)" \
        "haul: client-rsa.pem, client-ec.key: the client key is not the client certificate's" || return
    run --cert client-rsa.pem "$asks_client/client"
    code_is 58 && has "$(cat err)" "haul: client-rsa.pem: the client key's file has no" || return
    [ -p pipe ] || mkfifo pipe || return
    echo 'no key' >pipe & pids="$pids $!"
    run --cert client-rsa.pem --key pipe "$asks_client/client"
    code_is 58 && has "$(cat err)" "haul: pipe: the client key's file has no private key"
}

no_client_certificate() {
    get -f --body "$asks_client/client"
    code_is 22 && same "$(member status)" 400 && has "$(cat out)" "No required SSL certificate"
}

client_is_verified() {
    s_server -www -tls1_2 -Verify 1 -verify_return_error -CAfile ca.pem || return
    get "$s_server/"
    failed 35 tls tls || return
    for kind in rsa ec; do
        get --cert client-$kind.pem --key client-$kind.key "$s_server/" && code_is 0 || return
    done
}

with nginx "client certificates of RSA and EC are taken" client_certificates
with nginx "they come from pipes too" client_of_pipes
with nginx "files that are no pair, or not what they should be, are named" wrong_client_files
with nginx "without one nginx answers 400" no_client_certificate
row "without one openssl s_server sends an alert, with one it answers" client_is_verified

# s_server asks for another handshake when it reads an R, here once it has the request. It takes no
# for an answer badly.
renegotiation_is_named() {
    mkfifo typed
    : >s_server.out
    openssl s_server -accept 127.0.0.1:0 -tls1_2 -cert rsa.pem -key rsa.key <typed \
        >>s_server.out 2>&1 &
    server=$!
    pids="$pids $server"
    exec 5>typed
    until grep -q ^ACCEPT s_server.out; do
        kill -0 $server 2>/dev/null || return
        sleep 0.02
    done
    haul --cacert ca.pem "https://$(sed -n 's/^ACCEPT //p' s_server.out)/" >out 2>err &
    getter=$!
    until grep -q '^GET / ' s_server.out; do
        kill -0 $getter 2>/dev/null || return
        sleep 0.02
    done
    echo R >&5
    wait $getter
    code=$?
    exec 5>&-
    code_is 35 && has "$(cat out)" '"code":"tls"' &&
        has "$(cat out)" 'the server asked for a renegotiation'
}

row "a renegotiation that is asked for is named" renegotiation_is_named

# --- failures ---------------------------------------------------------------------------------

tls_1_3() {
    get -v -c 1 "$only_13/p/1" "$only_13/close/[2-4]"
    code_is 0 && same "$(member version | sort -u)" '"TLSv1.3" "TLSv1.3" "TLSv1.3" "TLSv1.3"' &&
        same "$(member backend | tr ' ' '\n' | sort -u)" '"openssl"' &&
        same "$(member resumed)" "false false true true" || return
    get -v --tlsv1.3 "$only_13/p/1" && code_is 0 && get --tlsv1.3 "$rsa/p/1"
    code_is 35 && has "$(member message)" "alert 70" || return
    get -v --tls-max 1.2 "$only_13/p/1"
    code_is 35 && has "$(member message)" "alert 70"
}

only_bearssl() {
    get --tls-backend bearssl "$only_13/"
    code_is 35 && has "$(member message)" "most likely 1.3, which needs a haul with OpenSSL"
}

# Each is refused before anything is asked of anybody.
backends_that_contradict() {
    for options in '--tls-backend openssl --tls-legacy' '--tlsv1.3 --tls-legacy' \
        '--tlsv1.3 --tls-max 1.2' '--tlsv1.3 --tls-backend bearssl' '--tls-backend gnutls' \
        '--tls-max 1.1'; do
        # shellcheck disable=SC2086
        run $options "$plain/p/1"
        code_is 2 && [ -s err ] && same "$(cat out)" "" || return
    done
}

# loaded NAME: what the run of with_setting LD_DEBUG=files loaded is among these files.
loaded() {
    grep -q "file=$1[^ ]* \[0\];  generating link map" err
}

# Linked, they would be there from the start.
openssl_is_loaded_for_https() {
    with_setting LD_DEBUG=files "$plain/p/1"
    code_is 0 && loaded libbearssl && ! loaded libssl && ! loaded libcrypto || return
    with_setting LD_DEBUG=files --tls-backend openssl "$plain/p/1"
    code_is 0 && loaded libssl || return
    with_setting LD_DEBUG=files --cacert ca.pem "$rsa/p/1"
    code_is 0 && loaded libssl && loaded libcrypto
}

nobody_is_linked_to_openssl() {
    for linked in "$haul_program" "${haul_program%/tools/*}"/engine/libhaul.so.1 \
        "${haul_program%/tools/*}"/bench/haul-bench; do
        ldd "$linked" >libraries && grep -q libbearssl libraries &&
            ! grep -e libssl -e libcrypto libraries || return
    done
}

# As on a machine where it was removed after haul was built.
openssl_is_gone() {
    mkdir gone && : >gone/libssl.so.3 || return
    gone=LD_LIBRARY_PATH=$work/gone:${LD_LIBRARY_PATH:-}
    with_setting "$gone" -v --cacert ca.pem "$rsa/p/1"
    code_is 0 && has "$(cat out)" '"backend":"bearssl"' || return
    with_setting "$gone" --cacert ca.pem "$only_13/p/1"
    code_is 35 && has "$(member message)" "most likely 1.3" || return
    for option in --tlsv1.3 '--tls-backend=openssl'; do
        with_setting "$gone" $option "$plain/p/1"
        code_is 2 && same "$(cat out)" "" && has "$(cat err)" "cannot be loaded" || return
    done
    with_setting "$gone" -V
    code_is 0 && has "$(cat out)" "TLS: BearSSL; OpenSSL, " || return
    env "$gone" "$haul_program" doctor >out 2>err
    has "$(cat out)" "1.2 by BearSSL alone" && has "$(cat out)" "cannot be loaded"
}

# s_server says itself what came.
other_keys() {
    for options in '-cert ed.pem -key ed.key' '-cert ed.pem -key ed.key -tls1_2' \
        '-cert pss.pem -key rsa.key' '-tls1_3 -groups P-256' '-tls1_3 -groups X448' \
        '-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256'; do
        # shellcheck disable=SC2086
        s_server -WWW $options || return
        get -v -c 1 "$s_server/ca.pem" "$s_server/req.cnf"
        code_is 0 && has "$(cat out)" '"backend":"openssl"' &&
            same "$(member verification)" '"ok" "ok"' || return
    done
}

client_by_openssl() {
    s_server -WWW -tls1_3 -Verify 2 -CAfile ca.pem || return
    get --tls-backend openssl --cert client-ec.pem --key client-ec.key "$s_server/ca.pem"
    code_is 0 && get "$s_server/ca.pem"
    code_is 35 && has "$(cat out)" "certificate"
}

tls_1_0() {
    get "$legacy/p/1"
    code_is 35 && has "$(member message)" "--tls-legacy" || return
    get -v --tls-legacy "$legacy/p/1"
    code_is 0 && same "$(member version)" '"TLSv1.0"' && has "$(member suite)" _CBC_
}

no_tls_there() {
    get "https${plain#http}/p/1"
    code_is 35 && has "$(member message)" "are not TLS (does this port speak plain HTTP?)"
}

key_log() {
    with_setting SSLKEYLOGFILE=keys --cacert ca.pem -c 1 \
        "$rsa/p/[1-3]" "$ec/close/[1-2]" "$expired/"
    same "$(grep -cE '^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$' keys)" 3 &&
        same "$(wc -l <keys)" 3 && same "$(stat -c %a keys)" 600
}

no_key_log() {
    [ -p unread ] || mkfifo unread || return
    for file in missing/keys unread; do
        with_setting SSLKEYLOGFILE=$file --cacert ca.pem "$rsa/p/[1-3]"
        code_is 0 && same "$(member status)" "200 200 200" &&
            has "$(sed -n 1p err)" "haul: note: SSLKEYLOGFILE=$file: " || return
    done
}

silence() {
    get --connect-timeout 0.3 "$silent/"
    failed 28 deadline tls && has "$(member message)" "within the connect timeout"
}

# A time of its own, and the message names it.
silence_in_handshake() {
    get --tls-timeout 0.3 --resolve-timeout 0.1 "$silent/"
    failed 28 deadline tls && has "$(member message)" "within the TLS timeout"
}

silence_about_a_name() {
    get --resolve-timeout 0.3 --tls-timeout 0.1 --dns-servers "127.0.0.1:$silent_names" \
        https://silent.test/
    failed 28 deadline resolve && has "$(member message)" "within the resolve timeout"
}

cut_short() {
    get --bodies pages "$rude/cut"
    failed 35 tls body && has "$(member message)" "without a close_notify" &&
        same "$(ls -A pages)" "" || return
    get "$rude/short"
    failed 18 truncated body
}

not_cut_short() {
    get -q --format body "$rude/notified" "$rude/framed"
    code_is 0 && same "$(cat out)" halfhalf
}

cancels() {
    get --on-error cancel -c 2 "$silent/" "$expired/" "$rsa/p/[1-3]"
    code_is 60 && has "$(sed -n 1p out)" '"error":{"code":"cancelled","stage":"' &&
        has "$(sed -n 2p out)" 'has expired' &&
        same "$(member code | cut -d ' ' -f 3-)" '"not_started" "not_started" "not_started"'
}

loops_agree() {
    for name in uring epoll; do
        "$haul_program" -q --loop "$name" --cacert ca.pem --body -v -c 1 "$rsa/client" \
            "$expired/" "$only_13/" "$ec/none" "$self/" "https${plain#http}/" >out
        sed 's/,"queue_us".*//' out >"$name"
    done
    same "$(wc -l <uring)" 6 && cmp uring epoll
}

with openssl "a server of TLS 1.3 alone is reached by OpenSSL, and its tickets resume" tls_1_3
with openssl "Ed25519, RSA-PSS, HelloRetryRequest and DHE are reached too" other_keys
with openssl "a client certificate is shown to a server of TLS 1.3" client_by_openssl
with nginx "with BearSSL alone it is exit code 35, and said" only_bearssl
row "backends and versions that contradict each other are exit code 2" backends_that_contradict
with nginx "OpenSSL is loaded by https, and not by plain http" openssl_is_loaded_for_https
row "no program and no library is linked to OpenSSL" nobody_is_linked_to_openssl
with nginx "without the libraries it was built for, haul goes on with BearSSL and says so" openssl_is_gone
with nginx "one of TLS 1.0 alone too, and --tls-legacy speaks with it" tls_1_0
row "one of http too" no_tls_there
with nginx "SSLKEYLOGFILE gets a line for each handshake" key_log
with nginx "one that cannot be opened is a note, and the run goes on" no_key_log
with python "a server that is silent is exit code 28, at the stage tls" silence
with python "so it is by --tls-timeout" silence_in_handshake
with python "one of names is exit code 28 by --resolve-timeout, at the stage resolve" \
    silence_about_a_name
with python "a body until the end without close_notify is cut short" cut_short
with python "a length or a close_notify is a body's end" not_cut_short
no_both=$no_nginx
[ -z "$no_python" ] || no_both=$no_python
with both "--on-error cancel ends handshakes too" cancels
if "$haul_program" --loop uring -q --format none "$plain/p/1" 2>/dev/null; then
    with nginx "both loops give the same results" loops_agree
else
    skip "both loops give the same results" "this machine refuses io_uring"
fi

rows_end
