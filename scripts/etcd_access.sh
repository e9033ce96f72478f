# Certificates and users of an etcd for tests. Sourced by scripts/etcd, which sets `dir` and `binary`.
#
# DIR/tls holds ca.pem and ca.key, and NAME.pem and NAME.key for `server`, `client` and `probe` (our own); stranger.pem is
# the CA of the last stranger. Files are replaced by renaming, so that who reads them meets an old or a new one; etcd reads
# its own at each handshake.
# shellcheck shell=bash disable=SC2154

ROOT_PASSWORD=root

key_options=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

quiet_openssl() {
    local said
    said=$(openssl "$@" 2>&1) || fail "openssl $1: $said"
}

make_ca() {
    command -v openssl >/dev/null || fail "openssl is not installed"
    mkdir -p "$dir/tls"
    quiet_openssl req -x509 "${key_options[@]}" -keyout "$dir/tls/ca.key" -out "$dir/tls/ca.pem" -days 30 \
        -subj "/CN=Veltrix test CA $RANDOM$RANDOM"
}

# issue server|client [expired] [stranger] [named] [host NAME]: a new key and certificate in the place of the old ones, for one day.
# `named`: with a common name, which others have not: the gateway refuses clients with one while there are users.
# `host`: for this name instead of the loopback's; `stranger`: signed by a CA that nobody knows.
issue() {
    local what=$1 subject=/O=$1 names=IP:127.0.0.1,DNS:localhost ca=$dir/tls/ca work
    local -a life=(-days 1)
    shift
    [[ $what =~ ^(server|client|probe)$ ]] || bad_usage "a certificate is for the server or the client"
    [ -d "$dir/tls" ] || fail "${dir##*/} was not started with --tls"
    work=$(mktemp -d "$dir/tls/new.XXXXXX")
    while [ $# -gt 0 ]; do
        case $1 in
        expired)
            life=(-days -1)
            ! openssl x509 -help 2>&1 | grep -q -e -not_after || life=(-not_before 20200101000000Z -not_after 20200102000000Z)
            ;;
        named) subject=/CN=$what ;;
        host) names=DNS:${2:?} && shift ;;
        stranger)
            quiet_openssl req -x509 "${key_options[@]}" -keyout "$work/ca.key" -out "$work/ca.pem" -days 30 -subj /CN=stranger
            ca=$work/ca
            ;;
        *) bad_usage "a certificate can be expired, of a stranger, named, or for a host" ;;
        esac
        shift
    done
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$names" >"$work/extensions"
    quiet_openssl req -new "${key_options[@]}" -keyout "$work/key" -out "$work/request" -subj "$subject"
    quiet_openssl x509 -req -in "$work/request" -CA "$ca.pem" -CAkey "$ca.key" -CAcreateserial "${life[@]}" \
        -extfile "$work/extensions" -out "$work/pem"
    [ "$ca" = "$dir/tls/ca" ] || mv "$work/ca.pem" "$dir/tls/stranger.pem"
    mv "$work/key" "$dir/tls/$what.key"
    mv "$work/pem" "$dir/tls/$what.pem"
    rm -rf "$work"
}

# etcdctl against this etcd, as root where there are users.
ctl() {
    local -a words=(--endpoints "$(sed -n 's/^endpoints=\([^ ]*\).*/\1/p' "$dir/state")")
    [ ! -d "$dir/tls" ] || words+=(--cacert "$dir/tls/ca.pem" --cert "$dir/tls/probe.pem" --key "$dir/tls/probe.key")
    [ ! -e "$dir/users" ] || words+=(--user "root:$ROOT_PASSWORD")
    ETCDCTL_API=3 etcdctl "${words[@]}" "$@"
}

quiet_ctl() {
    local said
    said=$(ctl "$@" 2>&1) || fail "etcdctl $*: $said"
}

# A role with what follows, as TYPE KEY or TYPE prefix KEY, and a user of the same name, whose password is his name.
add_user() {
    local name=$1 type
    shift
    quiet_ctl role add "$name"
    while [ $# -gt 0 ]; do
        type=$1
        shift
        if [ "$1" = prefix ]; then
            quiet_ctl role grant-permission --prefix=true "$name" "$type" "$2"
            shift 2
        else
            quiet_ctl role grant-permission "$name" "$type" "$1"
            shift
        fi
    done
    quiet_ctl user add "$name:$name"
    quiet_ctl user grant-role "$name" "$name"
}

# root, and for a fleet the users `router` and `configsvc` with the least that they need (README, "etcd").
make_users() {
    local fleet=/veltrix/v1/$1
    command -v etcdctl >/dev/null || fail "etcdctl is not installed (scripts/setup)"
    quiet_ctl user add "root:$ROOT_PASSWORD"
    quiet_ctl user grant-role root root
    add_user router read "$fleet/pointer" read prefix "$fleet/releases/" read prefix "$fleet/objects/" \
        readwrite prefix "$fleet/routers/"
    add_user configsvc read prefix /veltrix/v1/ write prefix "$fleet/objects/" write prefix "$fleet/releases/" \
        write "$fleet/head" write "$fleet/pointer" write "$fleet/gc" write prefix "$fleet/locks/edit" \
        write prefix "$fleet/audit/"
    quiet_ctl auth enable
    touch "$dir/users"
}
