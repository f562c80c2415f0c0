#!/bin/sh
# Makes the certificates of the verification tests: sh tests/system/chains.sh DIR
#
# Writes NAME.pem for each. Certificates that differ in one point share subject and key, so that one
# server's certificate fits under all of them. Exit status 77: openssl cannot do it, and says why.
set -eu
cd "$1"

command -v openssl >/dev/null || {
    echo 'chains: skipped: openssl is not installed'
    exit 77
}
case $(openssl version) in
'OpenSSL 3.'*) ;;
*)
    echo "chains: skipped: $(openssl version) is not OpenSSL 3"
    exit 77
    ;;
esac

cat >ca.cnf <<'CONF'
[ca]
default_ca = one
[one]
database = index.txt
new_certs_dir = copies
rand_serial = yes
unique_subject = no
email_in_dn = no
preserve = yes
policy = any
[any]
countryName = optional
organizationName = optional
commonName = optional
CONF
printf '[req]\ndistinguished_name = name\n[name]\n' >req.cnf
# PrintableString where that will do, instead of UTF8String; 'utf8 = yes' reads what is given.
printf '[req]\ndistinguished_name = name\nstring_mask = default\n[name]\n' >printable.cnf
printf 'unique_subject = no\n' >index.txt.attr
mkdir -p copies

# key NAME [OPTION…]: an EC key on P-256, or what the options of genpkey say.
key() {
    name=$1
    shift
    [ $# -gt 0 ] || set -- -algorithm EC -pkeyopt ec_paramgen_curve:P-256
    openssl genpkey "$@" -out "$name.key" 2>/dev/null
}

# Defaults of what follows; a row may set its own before the command.
from=20250101000000Z until=20350101000000Z md=sha256 sigopt= req=req.cnf

# cert NAME KEY SUBJECT ISSUER ISSUER_KEY: the extensions come from stdin; ISSUER - is itself.
cert() {
    : >index.txt
    cat >extensions
    openssl req -new -utf8 -config "$req" -key "$2.key" -subj "$3" -out request
    set -- "$@" -config ca.cnf -batch -notext -in request -out "$1.pem" -startdate "$from" \
        -enddate "$until" -md "$md" -keyfile "$5.key"
    [ ! -s extensions ] || set -- "$@" -extfile extensions
    [ -z "$sigopt" ] || set -- "$@" -sigopt "$sigopt"
    if [ "$4" = - ]; then set -- "$@" -selfsign; else set -- "$@" -cert "$4.pem"; fi
    shift 5
    openssl ca "$@" 2>errors || {
        cat errors
        exit 1
    }
}

root_name='/O=Haul/CN=Root A' int_name='/O=Haul/CN=Inter A' int2_name='/O=Haul/CN=Inter B'
basic='basicConstraints=critical,CA:TRUE' sign='keyUsage=critical,keyCertSign,cRLSign'
ids='subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid'

# root NAME [LINE…]: the first root again, with extensions of its own.
root() {
    name=$1
    shift
    printf '%s\n' "$@" | cert "$name" root "$root_name" - root
}

# inter NAME [LINE…]: the intermediate of the first root again.
inter() {
    name=$1
    shift
    printf '%s\n' "$@" | cert "$name" inter "$int_name" root root
}

# leaf NAME [LINE…]: a server's certificate of that intermediate, with nothing but these extensions.
leaf() {
    name=$1
    shift
    printf '%s\n' "$@" | cert "$name" server "/O=Haul/CN=$name" int inter
}

# site NAME SAN: one with the usual extensions for these names.
site() {
    leaf "$1" 'keyUsage=digitalSignature' 'extendedKeyUsage=serverAuth' "$ids" "subjectAltName=$2"
}

for name in root root-b inter inter2 rollover server; do
    key $name
done
key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
key rsa4104 -algorithm RSA -pkeyopt rsa_keygen_bits:4104 -pkeyopt rsa_keygen_primes:4
key rsa1024 -algorithm RSA -pkeyopt rsa_keygen_bits:1024
key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
key p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
key k1 -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1
key ed25519 -algorithm ED25519

# --- roots ----------------------------------------------------------------------------------------

root root "$basic" "$sign" "$ids"
root root-nc "$basic" "$sign" 'nameConstraints=permitted;DNS:example.com'
root root-nc-org "$basic" "$sign" 'nameConstraints=permitted;DNS:example.org'
root root-nc-final "$basic" "$sign" 'nameConstraints=excluded;DNS:example.org.'
root root-no-ca 'basicConstraints=CA:FALSE' "$sign"
root root-no-basic "$sign"
root root-pathlen 'basicConstraints=CA:TRUE,pathlen:0' "$sign"
until=20280101000000Z root root-old "$basic" "$sign"
cert root-v1 root "$root_name" - root </dev/null
printf '%s\n' "$basic" "$sign" "$ids" | cert root-b root-b '/O=Haul/CN=Root B' - root-b
printf '%s\n' "$basic" "$sign" | cert root-twin root-b "$root_name" - root-b
printf '%s\n' "$basic" "$sign" "$ids" | md=sha1 cert root-rsa rsa '/CN=Root RSA' - rsa
printf '%s\n' "$basic" "$sign" | cert root-1024 rsa1024 '/CN=Root 1024' - rsa1024
printf '%s\n' "$basic" "$sign" | cert root-p384 p384 '/CN=Root P384' - p384
printf '%s\n' "$basic" "$sign" | cert root-p521 p521 '/CN=Root P521' - p521

printf '%s\n' "$basic" "$sign" | cert root-twin-rsa rsa "$root_name" - rsa

# The first root, signed by the second.
printf '%s\n' "$basic" "$sign" "$ids" | cert cross root "$root_name" root-b root-b
printf '%s\n' "$basic" "$sign" "$ids" |
    until=20260101000000Z cert cross-old root "$root_name" root-b root-b

# --- intermediates --------------------------------------------------------------------------------

inter int 'basicConstraints=critical,CA:TRUE,pathlen:0' "$sign" "$ids"
inter int-any "$basic" "$sign" "$ids"
until=20260101000000Z inter int-old "$basic" "$sign"
from=20330101000000Z inter int-late "$basic" "$sign"
inter int-no-ca 'basicConstraints=CA:FALSE' "$sign"
inter int-no-basic "$sign"
inter int-no-sign "$basic" 'keyUsage=digitalSignature'
inter int-no-usage "$basic"
inter int-client "$basic" 'extendedKeyUsage=clientAuth'
inter int-server "$basic" 'extendedKeyUsage=clientAuth,serverAuth'
inter int-any-purpose "$basic" 'extendedKeyUsage=anyExtendedKeyUsage'
printf '%s\n' 'basicConstraints=CA:TRUE,pathlen:0' "$sign" "$ids" |
    cert int-old-key rollover "$int_name" root root
inter int-critical "$basic" '1.2.3.4=critical,DER:05:00'
inter int-policies "$basic" 'certificatePolicies=critical,1.2.3.4'
inter int-require "$basic" 'policyConstraints=critical,requireExplicitPolicy:0'
cert int-v1 inter "$int_name" root root </dev/null
md=sha1 inter int-sha1 "$basic"
printf '%s\n' "$basic" "$sign" | cert int-b inter "$int_name" root-b root-b
printf '%s\n' "$basic" "$sign" | cert int-1024 rsa1024 "$int_name" root root
inter int-dns "$basic" 'nameConstraints=critical,permitted;DNS:example.com'
inter int-dns-mild "$basic" 'nameConstraints=permitted;DNS:example.org'
inter int-dns-org "$basic" 'nameConstraints=critical,permitted;DNS:example.org'
inter int-dns-two "$basic" \
    'nameConstraints=critical,permitted;DNS:example.org,permitted;DNS:example.com'
inter int-dns-dot "$basic" 'nameConstraints=critical,permitted;DNS:.example.com'
inter int-dns-tail "$basic" 'nameConstraints=critical,permitted;DNS:ample.com'
inter int-dns-case "$basic" 'nameConstraints=critical,permitted;DNS:EXAMPLE.com'
inter int-not-www "$basic" 'nameConstraints=critical,excluded;DNS:www.example.com'
inter int-not-com "$basic" 'nameConstraints=critical,excluded;DNS:com'
inter int-not-org "$basic" 'nameConstraints=critical,excluded;DNS:example.org'
inter int-ip "$basic" 'nameConstraints=critical,permitted;IP:127.0.0.0/255.0.0.0'
inter int-ip-ten "$basic" 'nameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0'
inter int-ip6 "$basic" \
    'nameConstraints=critical,permitted;IP:0:0:0:0:0:0:0:0/FFFF:FFFF:0:0:0:0:0:0'
inter int-not-ip "$basic" 'nameConstraints=critical,excluded;IP:127.0.0.0/255.255.255.0'
inter int-dns-wild "$basic" 'nameConstraints=critical,permitted;DNS:*.example.com'
inter int-dns-final "$basic" 'nameConstraints=critical,permitted;DNS:example.com.'
inter int-dns-wild-two "$basic" \
    'nameConstraints=critical,permitted;DNS:*.example.com,permitted;DNS:example.com'
inter int-not-final "$basic" 'nameConstraints=critical,excluded;DNS:example.com.'
inter int-not-final-org "$basic" 'nameConstraints=critical,excluded;DNS:example.org.'
inter int-not-wild "$basic" 'nameConstraints=critical,excluded;DNS:*.example.com'
inter int-not-dot "$basic" 'nameConstraints=critical,excluded;DNS:.example.com'
inter int-not-dots "$basic" 'nameConstraints=critical,excluded;DNS:..example.com'
inter int-not-hole "$basic" 'nameConstraints=critical,excluded;DNS:example..com'
inter int-not-only-dot "$basic" 'nameConstraints=critical,excluded;DNS:.'
inter int-not-space "$basic" 'nameConstraints=critical,excluded;DNS:example .com'
inter int-not-number "$basic" 'nameConstraints=critical,excluded;DNS:127.0.0.1'
inter int-not-label63 "$basic" "nameConstraints=critical,excluded;DNS:$(printf '%063d' 0).com"
inter int-not-label64 "$basic" "nameConstraints=critical,excluded;DNS:$(printf '%064d' 0).com"
inter int-not-all "$basic" nameConstraints=critical,DER:30:06:a1:04:30:02:82:00
inter int-not-evil "$basic" 'nameConstraints=critical,excluded;DNS:evil_1.x-test'
inter int-ip-gap "$basic" 'nameConstraints=critical,permitted;IP:127.0.0.0/255.0.255.0'
inter int-ip-bits "$basic" 'nameConstraints=critical,permitted;IP:127.0.0.0/255.0.0.1'
inter int-not-ip-gap "$basic" 'nameConstraints=critical,excluded;IP:10.0.0.0/253.0.0.0'
inter int-not-ip6-gap "$basic" \
    'nameConstraints=critical,excluded;IP:0:0:0:0:0:0:0:0/FFFF:FFFF:0:0:FFFF:0:0:0'
inter int-ip-odd-bits "$basic" 'nameConstraints=critical,permitted;IP:127.0.0.0/255.255.224.0'
inter int-ip-one "$basic" 'nameConstraints=critical,permitted;IP:127.0.0.1/255.255.255.255'
inter int-ip-all "$basic" 'nameConstraints=critical,permitted;IP:0.0.0.0/0.0.0.0'
inter int-ip-odd "$basic" nameConstraints=DER:30:0a:a0:08:30:06:87:04:7f:00:00:01
inter int-minimum "$basic" nameConstraints=DER:30:0c:a0:0a:30:08:82:03:63:6f:6d:80:01:01
inter int-empty "$basic" nameConstraints=DER:30:00
inter int-email "$basic" 'nameConstraints=critical,permitted;email:example.com'
# The same name spelt otherwise: it is the issuer all the same, and within what permits it.
spelt() {
    name=$1 spelling=$2
    shift 2
    printf '%s\n' "$@" | cert "$name" inter "$spelling" root root
}
spelt int-spelt '/O= HAUL /CN=inter   a' "$basic" "$sign" "$ids"
req=printable.cnf spelt int-printable "$int_name" "$basic" "$sign" "$ids"
req=printable.cnf spelt int-both '/O=haul/CN=INTER A ' "$basic" "$sign" "$ids"
spelt int-misspelt '/O=Haul/CN=Inter  AA' "$basic" "$sign" "$ids"
spelt int-joined '/O=Haul/CN=InterA' "$basic" "$sign" "$ids"
req=printable.cnf
printf '%s\n' "$basic" "$sign" "$ids" | cert root-spelt root '/O=HAUL/CN=root a' - root
req=req.cnf
inter int-dir-spelt "$basic" 'nameConstraints=critical,permitted;dirName:dir' '[dir]' 'O=haul '
inter int-dir "$basic" 'nameConstraints=critical,permitted;dirName:dir' '[dir]' 'O=Haul'
inter int-dir-other "$basic" 'nameConstraints=critical,permitted;dirName:dir' '[dir]' 'O=Other'
inter int-not-dir "$basic" 'nameConstraints=critical,excluded;dirName:dir' '[dir]' 'O=Other'

# names COUNT KEY SUFFIX: so many different names, as a section of a configuration.
names() {
    printf '[names]\n'
    seq "$1" | sed "s/.*/$2.& = n&.$3/"
}
inter int-many "$basic" 'nameConstraints=critical,@names' "$(names 500 'excluded;DNS' org)"

# long COUNT: a name of so many bytes, in labels of 50 at most.
long() {
    printf "%0$1d" 0 | sed 's/.\{49\}./&./g; s/0\./a./g' | cut -c "1-$1"
}
inter int-dns-253 "$basic" "nameConstraints=critical,permitted;DNS:$(long 249).com,permitted;DNS:com"
inter int-dns-254 "$basic" "nameConstraints=critical,permitted;DNS:$(long 250).com,permitted;DNS:com"
inter int-not-254 "$basic" "nameConstraints=critical,excluded;DNS:$(long 250).com"

# A second one below the first.
printf '%s\n' "$basic" "$sign" "$ids" | cert int2 inter2 "$int2_name" int-any inter

# The first with a new key, signed with its old one; and each of two signed by the other.
printf '%s\n' "$basic" "$sign" | cert int-rollover inter "$int_name" int-old-key rollover
printf '%s\n' "$basic" 'nameConstraints=permitted;dirName:dir' '[dir]' 'O=Other' |
    cert int-old-key-dir rollover "$int_name" root root
cert int-rollover-v1 inter "$int_name" int-old-key rollover </dev/null
printf '%s\n' "$basic" "$sign" | cert loop-a inter "$int_name" int2 inter2

# --- servers --------------------------------------------------------------------------------------

site leaf DNS:www.example.com
site leaf-two DNS:a.example.org,DNS:www.example.com
site leaf-case DNS:WWW.Example.COM
site leaf-dot DNS:www.example.com.
site leaf-apex DNS:example.com
site leaf-tail DNS:anexample.com
site leaf-wild 'DNS:*.example.com'
site leaf-wild-case 'DNS:*.EXAMPLE.com'
site leaf-wild-com 'DNS:*.com'
site leaf-wild-com-dot 'DNS:*.com.'
site leaf-wild-dot 'DNS:*.example.com.'
site leaf-wild-all 'DNS:*'
site leaf-wild-part 'DNS:w*.example.com'
site leaf-wild-tail 'DNS:*w.example.com'
site leaf-wild-two 'DNS:*.*.example.com'
site leaf-wild-inner 'DNS:www.*.example.com'
site leaf-ip IP:127.0.0.1
site leaf-ip6 IP:2001:db8::1
site leaf-ip-and-name IP:127.0.0.1,DNS:www.example.com
site leaf-ip-as-name 'DNS:127.0.0.1,DNS:2001:db8::1'
site leaf-ip-as-uri 'URI:https://127.0.0.1/,URI:https://www.example.com/'
site leaf-email email:www@example.com
site leaf-email-too email:www@example.com,DNS:www.example.com
site leaf-san-empty DER:30:00
site leaf-san-short DER:30:05:82:05:77:77:77
site leaf-san-broken DER:82:03:77:77:77
site leaf-san-nul 'DER:30:16:82:14:77:77:77:2e:65:78:61:6d:70:6c:65:2e:63:6f:6d:00:2e:65:76:69'
site leaf-name-empty DER:30:02:82:00
site leaf-ip-as-dns DER:30:06:82:04:7f:00:00:01
site leaf-ip-as-rid DER:30:06:88:04:7f:00:00:01
site leaf-ip-long DER:30:07:87:05:7f:00:00:01:00
leaf leaf-many subjectAltName=@names "$(names 600 DNS com)" 'DNS.0 = www.example.com'
www=subjectAltName=DNS:www.example.com
site leaf-253 "DNS:www.example.com,DNS:$(long 249).com"
site leaf-254 "DNS:www.example.com,DNS:$(long 250).com"
leaf leaf-bare "$www"
leaf leaf-cn-only 'extendedKeyUsage=serverAuth'
until=20260101000000Z leaf leaf-old "$www"
from=20330101000000Z leaf leaf-late "$www"
until=20551231235959Z leaf leaf-2055 "$www"
leaf leaf-client "$www" 'extendedKeyUsage=clientAuth'
leaf leaf-both "$www" 'extendedKeyUsage=clientAuth,serverAuth'
leaf leaf-any-purpose "$www" 'extendedKeyUsage=anyExtendedKeyUsage'
leaf leaf-sign-only "$www" 'keyUsage=keyCertSign'
leaf leaf-encipher-only "$www" 'keyUsage=keyEncipherment'
leaf leaf-critical "$www" '1.2.3.4=critical,DER:05:00'
leaf leaf-unknown "$www" '1.2.3.4=DER:05:00' '1.2.3.5=DER:05:00'
leaf leaf-poison "$www" '1.3.6.1.4.1.11129.2.4.3=critical,DER:05:00'
leaf leaf-policies "$www" 'certificatePolicies=critical,1.2.3.4'
leaf leaf-ca "$www" 'basicConstraints=CA:TRUE'
leaf leaf-not-ca "$www" 'basicConstraints=critical,CA:FALSE'
cert leaf-v1 server '/CN=www.example.com' int inter </dev/null
md=sha1 leaf leaf-sha1 "$www"
md=sha384 leaf leaf-sha384 "$www"
md=sha512 leaf leaf-sha512 "$www"
echo "$www" | cert leaf-rsa rsa /CN=leaf-rsa int inter
echo "$www" | cert leaf-4104 rsa4104 /CN=leaf-4104 int inter
echo "$www" | cert leaf-1024 rsa1024 /CN=leaf-1024 int inter
echo "$www" | cert leaf-p384 p384 /CN=leaf-p384 int inter
echo "$www" | cert leaf-p521 p521 /CN=leaf-p521 int inter
echo "$www" | cert leaf-k1 k1 /CN=leaf-k1 int inter
echo "$www" | cert leaf-ed25519 ed25519 /CN=leaf-ed25519 int inter
printf '%s\n' "$www" "$ids" | cert leaf-other-key server /CN=leaf-other-key int-old-key rollover
echo "$www" | cert leaf-self-issued server "$int_name" int inter
echo "$www" | cert leaf-other server /O=Other/CN=leaf-other int inter
echo "$www" | cert leaf-of-leaf server /CN=leaf-of-leaf leaf-ca server
echo "$www" | cert leaf-of-site server /CN=leaf-of-site leaf-bare server
echo "$www" | cert leaf2 server /CN=leaf2 int2 inter2

# Directly below a root.
for name in p384 p521 1024; do
    key=$name
    [ $name != 1024 ] || key=rsa1024
    echo "$www" | cert "by-$name" server "/CN=by-$name" "root-$name" $key
done
for md in md5 sha1 sha256 sha384 sha512; do
    echo "$www" | cert "by-rsa-$md" server "/CN=by-rsa-$md" root-rsa rsa
done
md=sha256
echo "$www" | sigopt=rsa_padding_mode:pss cert by-rsa-pss server /CN=by-rsa-pss root-rsa rsa

# By themselves.
echo "$www" | cert self server /CN=self - server
echo "$www" | cert self-again server /CN=self - server
printf '%s\n' "$www" "$basic" | cert self-ca server /CN=self - server
