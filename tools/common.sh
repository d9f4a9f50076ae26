# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What every part of ./dev uses: messages, steps that show progress, waiting, one exit handler.

say() {
    printf '%s\n' "$*"
}

note() {
    printf 'dev: %s\n' "$*" >&2
}

die() {
    printf 'dev: %s\n' "$@" >&2
    exit 1
}

# Debian's own interpreter where there is one: the packages python3-pymongo and python3-redis belong to it.
PYTHON=/usr/bin/python3
[[ -x $PYTHON ]] || PYTHON=python3
export PYTHONDONTWRITEBYTECODE=1

log_tail() { # LOG
    note "the end of $1:"
    tail -n 30 -- "$1" | sed 's/^/    /' >&2
}

# step WHAT LOG COMMAND…: runs the command with its output in LOG, shows that it moves, and on failure shows LOG's end.
step() {
    local what=$1 log=$2 begin=$SECONDS shown=0 status=0
    shift 2
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null &
    step_pid=$!
    sleep 0.05
    while kill -0 "$step_pid" 2>/dev/null; do
        step_show "$what" "$log" $((SECONDS - begin))
        sleep 0.2
    done
    wait "$step_pid" || status=$?
    step_pid=
    ! [[ -t 2 ]] || printf '\r\033[K' >&2
    if ((status != 0)); then
        log_tail "$log"
        note "failed: $what (status $status; whole log: $log)"
        return "$status"
    fi
    ((SECONDS - begin < 2)) || note "$what: done ($((SECONDS - begin)) s)"
}

step_show() { # WHAT LOG SECONDS: a moving line on a terminal, else a line now and then
    local last
    last=$(tail -n 1 -- "$2" | tr -d '\r' | cut -c1-60)
    if [[ -t 2 ]]; then
        printf '\r\033[K%s … %d s  %s' "$1" "$3" "$last" >&2
    elif (($3 >= shown + 10)); then
        shown=$3
        note "$1 … $3 s  $last"
    fi
}

free_port() {
    "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

random_hex() { # BYTES
    "$PYTHON" -c 'import secrets, sys; print(secrets.token_hex(int(sys.argv[1])))' "$1"
}

# One handler for every way out: ends a step's command, then whatever `at_exit` names, in reverse order.
step_pid=
exit_actions=()

at_exit() { # FUNCTION
    exit_actions=("$1" "${exit_actions[@]}")
}

on_exit() {
    local status=$? action
    trap - EXIT
    trap '' INT TERM HUP
    [[ -z $step_pid ]] || kill -TERM "$step_pid" 2>/dev/null || true
    for action in "${exit_actions[@]}"; do
        "$action" || true
    done
    exit "$status"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
