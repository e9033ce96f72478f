# Servers for tests, in the background, several side by side. Sourced by scripts/kafka and scripts/etcd.
#
# A server is a directory RUN_DIR/KIND/NAME with one directory per node, node1, node2, ...; each holds
#   pid   the process id while it runs      log   what it printed
#   cmd   its command line, NUL separated, so that it can be started again on the same data
# and beside them: ports (those it has claimed, one a line), state (the line that start printed).
# RUN_DIR is $VELTRIX_RUN, or veltrix-UID in the temporary directory.
# shellcheck shell=bash

RUN_DIR=${VELTRIX_RUN:-${TMPDIR:-/tmp}/veltrix-$(id -u)}

# Does somebody listen on this local port?
port_open() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Claim the first free port from $2 up for the server in $1 and print it. Under the lock of with_ports_locked.
claim_port() {
    local dir=$1 port=$2
    while grep -qsx "$port" "$RUN_DIR"/*/*/ports || port_open "$port"; do
        port=$((port + 1))
    done
    echo "$port" >>"$dir/ports"
    echo "$port"
}

# Two servers that start at the same time must not choose the same ports.
with_ports_locked() {
    exec 8>"$RUN_DIR/lock"
    flock 8
    "$@"
    exec 8>&-
}

node_alive() {
    local pid
    pid=$(cat "$1/pid" 2>/dev/null) && tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$1"
}

node_spawn() {
    local cmd
    mapfile -d '' cmd <"$1/cmd"
    setsid "${cmd[@]}" >>"$1/log" 2>&1 </dev/null 8>&- 9>&- &
    echo $! >"$1/pid"
}

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

# End a node: politely, and after 10 s for certain. A paused one cannot be polite.
node_end() {
    node_alive "$1" || return 0
    node_signal "$1" TERM || true
    node_signal "$1" CONT || true
    wait_for 100 node_gone "$1" || { node_signal "$1" KILL && wait_for 100 node_gone "$1"; } || true
}

# The node directories of a server; of one node where it is named (N or all).
server_nodes() {
    find "$1" -mindepth 1 -maxdepth 1 -name "node$([ "${2:-all}" = all ] && echo '*' || echo "$2")" 2>/dev/null | sort
}

server_remove() {
    local node pids=()
    for node in $(server_nodes "$1"); do
        node_end "$node" &
        pids+=($!)
    done
    [ ${#pids[@]} = 0 ] || wait "${pids[@]}"
    rm -rf "$1"
}

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
        kill) node_signal "$node" KILL && wait_for 100 node_gone "$node" ;;
        pause) node_signal "$node" STOP ;;
        resume) node_signal "$node" CONT ;;
        *) bad_usage "a node can be told term, kill, pause, resume or start" ;;
        esac || fail "${node##*/} is not running"
    done
}
