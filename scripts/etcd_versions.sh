# The versions of etcd that are tested. Sourced by scripts/etcd.
#
#   3.4   Debian 12's package etcd-server     3.5   Debian 13's     3.6   made from its Go module (tests/etcd/server36)
#
# What the system has installed is used as it is. A package of the other Debian is downloaded through apt, from the mirror
# that the system's own lists name, its signature checked, with an apt state of its own that is gone afterwards; it is
# unpacked into the cache, not installed. 3.6 is built once, with Go 1.24 or newer.
# shellcheck shell=bash

ETCD_CACHE=${VELTRIX_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/veltrix}
ETCD_MAIN=$ROOT/tests/etcd/server36

is_version() { "$1" --version 2>/dev/null | grep -qF "etcd Version: $2."; }

# own_apt DIR TOOL ARG...: an apt that knows the one source list DIR/debian.sources.
own_apt() {
    local at=$1 tool=$2
    shift 2
    "$tool" -o Dir::Etc::sourcelist="$at/debian.sources" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$at/lists" \
        -o Dir::Cache="$at/cache" "$@"
}

# etcd_from_debian SUITE TMP: Debian's etcd-server of that suite into TMP/etcd.
etcd_from_debian() {
    local suite=$1 at=$2 keyring mirror mirrors
    keyring=$(find /usr/share/keyrings -name 'debian-archive-keyring.[gp][gp][gp]' 2>/dev/null | sort | head -n 1)
    [ -n "$keyring" ] || fail "no Debian archive keyring in /usr/share/keyrings (package debian-archive-keyring)"
    # shellcheck disable=SC2016
    mirrors=$(apt-get indextargets --format '$(COMPONENT)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
        awk -F '|' '$1 == "main" && $2 == "Debian" { print $3 }' | sort -u)
    [ -n "$mirrors" ] || fail "apt's lists name no mirror of Debian (apt-get update reads them)"
    mkdir -p "$at/lists/partial" "$at/cache/archives/partial" "$at/deb"
    chmod 755 "$at"
    [ "$(id -u)" != 0 ] || chown _apt "$at/deb" # apt downloads as this user
    for mirror in $mirrors; do
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$mirror" "$suite" "$keyring" \
            >"$at/debian.sources"
        if own_apt "$at" apt-get update --error-on=any >"$at/log" 2>&1 &&
            (cd "$at/deb" && own_apt "$at" apt-get download etcd-server) >>"$at/log" 2>&1; then
            dpkg-deb -x "$at"/deb/etcd-server_*.deb "$at/unpacked"
            mv "$at/unpacked/usr/bin/etcd" "$at/etcd"
            return
        fi
    done
    tail -n 5 "$at/log" >&2
    fail "the package etcd-server of Debian $suite cannot be had (is there a network?)"
}

etcd_from_go() {
    local at=$1
    command -v go >/dev/null || fail "etcd 3.6 is built with Go 1.24 or newer, which is not installed"
    if ! (cd "$ETCD_MAIN" && go build -trimpath -o "$at/etcd" .) >"$at/log" 2>&1; then
        tail -n 5 "$at/log" >&2
        fail "etcd 3.6 could not be built (is there a network, is $(go env GOVERSION) new enough?)"
    fi
}

# Make sure that there is an etcd of version $1 ('': what the system has) and print its path.
etcd_binary() (
    version=$1
    if [ -z "$version" ] || is_version etcd "$version"; then
        command -v etcd || fail "etcd is not installed (scripts/setup)"
        return
    fi
    case $version in
    3.4) suite=bookworm kept=$ETCD_CACHE/etcd-3.4 ;;
    3.5) suite=trixie kept=$ETCD_CACHE/etcd-3.5 ;;
    3.6) kept=$ETCD_CACHE/etcd-3.6-$(cat "$ETCD_MAIN"/{main.go,go.mod} | sha256sum | cut -c 1-12) ;;
    *) bad_usage "--version is 3.4, 3.5 or 3.6" ;;
    esac
    if [ ! -x "$kept/etcd" ]; then
        mkdir -p "$ETCD_CACHE"
        exec 9>"$ETCD_CACHE/etcd.lock"
        flock 9 # one fetches, the others find it
    fi
    if [ ! -x "$kept/etcd" ]; then
        tmp=$(mktemp -d)
        trap 'rm -rf "$tmp"' EXIT
        if [ "$version" = 3.6 ]; then
            etcd_from_go "$tmp"
        else
            etcd_from_debian "$suite" "$tmp"
        fi
        is_version "$tmp/etcd" "$version" || fail "what came is not etcd $version: $("$tmp/etcd" --version | head -n 1)"
        mkdir -p "$kept"
        install -m 755 "$tmp/etcd" "$kept/.etcd" && mv "$kept/.etcd" "$kept/etcd"
    fi
    echo "$kept/etcd"
)
