# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# ./dev bench: starts what a measurement needs and lets tools/bench.py measure. Everything is on loopback, and every
# load ends by itself. Redis is always an own one: two of its settings are compared.

bench_names=(engine listener road)

bench_check_names() { # [NAME…]
    local name
    for name in "$@"; do
        [[ " ${bench_names[*]} " == *" $name "* ]] || die "bench: '$name' is none of: ${bench_names[*]}"
    done
}

bench_run() { # [NAME…]
    local name names=("$@")
    ((${#names[@]})) || names=("${bench_names[@]}")
    unset HOOKMILL_REDIS_URL
    servers_prefer_fast
    bench_results=$PWD/.dev/bench-results.jsonl
    : >"$bench_results"
    for name in "${names[@]}"; do
        "bench_$name"
    done
    "$PYTHON" tools/bench.py report "$bench_results" .dev/bench.json
    rm -f "$bench_results"
}

# Every measurement begins with empty servers.
bench_clear() {
    process_end_all
    servers_forget
    stack_empty
}

bench_measure() { # ARGUMENT…: of bench.py; its findings are kept for the report
    "$PYTHON" tools/bench.py "$@" >>"$bench_results" || die "bench: measuring failed: $1"
}

bench_engine() {
    note "engine"
    local program=build/release/test/bench/bench_engine
    [[ -x $program ]] || die "bench: $program was not built"
    bench_measure engine "$program"
}

bench_listener() {
    local fsync
    for fsync in everysec always; do
        note "listener, appendfsync $fsync"
        bench_clear
        stack_configure
        # Rewriting the log would fall into one server's round and not into another's.
        redis_start --appendfsync "$fsync" --auto-aof-rewrite-percentage 0
        mongo_start || die "no MongoDB: $mongo_reason"
        stack_init
        stack_serve listen listen
        bench_start_baselines
        bench_start_nginx
        bench_measure listener "$fsync" "$(process_pid listen)" "$(stack_address listen)" \
            "$(stack_address http_baseline)" "$(stack_address xadd_baseline)" "$bench_nginx_url"
    done
    bench_clear
}

bench_start_baselines() {
    local address=${HOOKMILL_REDIS_URL#redis://}
    bench_start_baseline http_baseline
    bench_start_baseline xadd_baseline "${address%:*}" "${address##*:}"
}

bench_start_baseline() { # NAME [ARGUMENT…]
    local name=$1
    shift
    process_start "$name" "build/release/test/bench/baseline/$name" "$@"
    process_wait "$name" 10 process_ready_line "$name" >/dev/null
}

bench_start_nginx() {
    local port dir=$PWD/$stack/nginx
    port=$(free_port)
    bench_nginx_url=http://127.0.0.1:$port
    mkdir -p "$dir"
    sed -e "s|@DIR@|$dir|g" -e "s|@PORT@|$port|g" tools/bench_nginx.conf >"$dir/nginx.conf"
    PATH=$PATH:/usr/sbin process_start nginx nginx -p "$dir" -c "$dir/nginx.conf"
    process_wait nginx 10 bench_port_is_open "$port"
}

bench_port_is_open() { # PORT
    (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

bench_road() {
    note "road"
    bench_clear
    stack_messenger_flow=test/bench/reply.json
    HOOKMILL_WORKER_MARK_READ=false stack_start 2
    bench_measure road
    bench_clear
}
