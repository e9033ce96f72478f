# Servers for tests, in the background, several side by side. Sourced by scripts/kafka, scripts/etcd and scripts/test.
#
# A server is a directory RUN_DIR/KIND/NAME with one directory per node, node1, node2, ...; each holds
#   pid   the process id while it runs      log   what it printed
#   cmd   its command line, NUL separated, so that it can be started again on the same data
# and beside them `state`, the line that start printed.
# RUN_DIR is $VELTRIX_RUN, or veltrix-UID in the temporary directory. PORTS_DIR is one for all: a file named as the port
# holds the directory of the server that claimed it, and counts as long as that is there.
# shellcheck shell=bash

RUN_DIR=${VELTRIX_RUN:-${TMPDIR:-/tmp}/veltrix-$(id -u)}
PORTS_DIR=/tmp/veltrix-ports-$(id -u)

# Does somebody listen on this local port?
port_open() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

port_claimed() {
    local dir
    dir=$(cat "$PORTS_DIR/$1" 2>/dev/null) && [ -d "$dir" ]
}

# Claim the first free port from $2 up for the server in $1 and print it. Under the lock of with_ports_locked.
claim_port() {
    local dir=$1 port=$2
    while port_claimed "$port" || port_open "$port"; do
        port=$((port + 1))
    done
    echo "$dir" >"$PORTS_DIR/$port"
    echo "$port"
}

# Two servers that start at the same time must not choose the same ports.
with_ports_locked() {
    mkdir -p "$PORTS_DIR"
    exec 8>"$PORTS_DIR/lock"
    flock 8
    "$@"
    exec 8>&-
}

node_alive() {
    local pid
    { pid=$(cat "$1/pid") && grep -qaF "$1/" "/proc/$pid/cmdline"; } 2>/dev/null
}

# Returns when it is the program, or has ended: until then it has the command line of this shell, and does not look alive.
node_spawn() {
    local cmd
    mapfile -d '' cmd <"$1/cmd"
    setsid "${cmd[@]}" >>"$1/log" 2>&1 </dev/null 8>&- 9>&- &
    echo $! >"$1/pid"
    wait_for 100 node_spawned "$1" || true
}

node_spawned() { node_alive "$1" || ! grep -qa . "/proc/$(cat "$1/pid")/cmdline" 2>/dev/null; }

node_signal() { node_alive "$1" && kill -s "$2" "$(cat "$1/pid")" 2>/dev/null; }

# Wait until CONDITION holds, at most $1 tenths of a second; false when it never did.
wait_for() {
    local tenths=$1
    shift
    while ! "$@"; do
        [ $((tenths -= 1)) -gt 0 ] || return 1
        sleep 0.1
    done
}

node_gone() { ! node_alive "$1"; }

node_kill() { node_signal "$1" KILL && wait_for 100 node_gone "$1"; }

# End a node: politely, which it can only be when it is not paused, and after 10 s for certain.
node_end() {
    node_signal "$1" TERM || true
    node_signal "$1" CONT || true
    wait_for 100 node_gone "$1" || node_kill "$1" || true
}

# The node directories of a server; of one node where it is named (N or all).
server_nodes() {
    local name=node${2:-all}
    [ ! -d "$1" ] || find "$1" -mindepth 1 -maxdepth 1 -name "${name/%all/*}" | sort
}

# End every node, remove every trace; what is removed needs no polite end. A second Ctrl-C does not leave half of it.
server_remove() (
    trap '' INT TERM HUP
    nodes=$(server_nodes "$1")
    for node in $nodes; do
        node_kill "$node" || true
    done
    rm -rf "$1"
)

# Exit 0 when every node runs.
server_status() {
    local node down=0
    [ -d "$1" ] || { echo "not running"; return 1; }
    for node in $(server_nodes "$1"); do
        if node_alive "$node"; then
            echo "${node##*/} up, pid $(cat "$node/pid"), log $node/log"
        else
            echo "${node##*/} down, log $node/log"
            down=1
        fi
    done
    cat "$1/state" 2>/dev/null || true
    return $down
}

# server_signal DIR N|all term|kill|pause|resume
server_signal() {
    local node nodes
    nodes=$(server_nodes "$1" "$2")
    [ -n "$nodes" ] || fail "$1 has no node $2"
    for node in $nodes; do
        case $3 in
        term) node_end "$node" ;;
        kill) node_kill "$node" ;;
        pause) node_signal "$node" STOP ;;
        resume) node_signal "$node" CONT ;;
        *) bad_usage "a node can be told term, kill, pause, resume or start" ;;
        esac || fail "${node##*/} is not running"
    done
}
