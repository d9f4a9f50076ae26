# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Processes in the background: started, recorded as "pid start-time" in $stack/run, and ended again. The start time
# tells a recorded process from a later one that was given the same number.

process_start_time() { # PID: clock ticks since boot (field 22 of stat; the name in field 2 may hold blanks)
    local line
    line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    line=${line##*) }
    [[ ${line%% *} != Z ]] || return 1
    cut -d' ' -f20 <<<"$line"
}

process_is_alive() { # NAME
    local pid started now
    [[ -e $stack/run/$1.pid ]] || return 1
    read -r pid started <"$stack/run/$1.pid" || return 1
    now=$(process_start_time "$pid") && [[ $now == "$started" ]]
}

process_pid() { # NAME
    cut -d' ' -f1 "$stack/run/$1.pid"
}

# In a session of its own, so that Ctrl-C reaches ./dev alone, which then ends everything in order.
process_start() { # NAME COMMAND…
    local name=$1 pid
    shift
    ! process_is_alive "$name" || die "$name is running already"
    mkdir -p "$stack/run" "$stack/log"
    setsid "$@" >"$stack/log/$name.log" 2>&1 </dev/null 9>&- &
    pid=$!
    disown "$pid" # its end is told by process_is_alive, not by a line of the shell's
    process_record "$name" "$pid"
    process_order+=("$name")
    printf '%s\n' "${process_order[@]}" >"$stack/run/order"
}

process_order=()

process_record() { # NAME PID
    printf '%s %s\n' "$2" "$(process_start_time "$2" || echo ended)" >"$stack/run/$1.pid"
}

process_wait() { # NAME SECONDS CONDITION…: until the condition holds; fails when the process ends or time is up
    local name=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@"; do
        process_is_alive "$name" || process_failed "$name" "ended at once"
        ((SECONDS < deadline)) || process_failed "$name" "is not ready in time"
        sleep 0.05
    done
}

process_failed() { # NAME WHAT
    log_tail "$stack/log/$1.log"
    die "$1 $2 (whole log: $stack/log/$1.log)"
}

process_ready_line() { # NAME: "ready…" as the command printed it
    grep -m 1 '^ready' "$stack/log/$1.log"
}

process_end() { # NAME [SECONDS]: SIGTERM, then SIGKILL when it takes longer
    local name=$1 deadline=$((SECONDS + ${2:-15})) pid
    if process_is_alive "$name"; then
        pid=$(process_pid "$name")
        kill -TERM "$pid" 2>/dev/null || true
        while process_is_alive "$name" && ((SECONDS < deadline)); do
            sleep 0.05
        done
        if process_is_alive "$name"; then
            note "$name (pid $pid) did not end on SIGTERM: SIGKILL"
            kill -KILL -- "-$pid" 2>/dev/null || true
            while process_is_alive "$name"; do
                sleep 0.05
            done
        fi
    fi
    rm -f "$stack/run/$name.pid"
}

process_end_all() { # the last one started first
    local name names=()
    [[ -e $stack/run/order ]] || return 0
    mapfile -t names <"$stack/run/order"
    for ((i = ${#names[@]} - 1; i >= 0; i--)); do
        name=${names[i]}
        [[ ! -e $stack/run/$name.pid ]] || process_end "$name"
    done
    rm -f "$stack/run/order"
    process_order=()
}
