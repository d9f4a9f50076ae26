# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The whole system in one directory, $stack: servers, simulator, listener, workers, the demo accounts and their flows,
# and the file `env` that tells clients where everything is.

stack_account_messenger=108277665544332
stack_account_instagram=17841405554443332
stack_account_whatsapp=109988776655443

# What `env` exports, in this order.
stack_variables=(HOOKMILL_BIN HOOKMILL_WEBHOOK_URL HOOKMILL_APP_SECRET HOOKMILL_VERIFY_TOKEN HOOKMILL_SIM_URL
    HOOKMILL_REDIS_URL HOOKMILL_MONGODB_URI
    HOOKMILL_ACCOUNT_MESSENGER HOOKMILL_ACCOUNT_INSTAGRAM HOOKMILL_ACCOUNT_WHATSAPP
    HOOKMILL_CONFIG HOOKMILL_LISTEN_PORT HOOKMILL_SPOOL_DIRECTORY HOOKMILL_APP_DEMO_SECRET HOOKMILL_APP_DEMO_VERIFY_TOKEN
    HOOKMILL_ENCRYPTION_KEY HOOKMILL_GRAPH_FACEBOOK_URL HOOKMILL_GRAPH_INSTAGRAM_URL HOOKMILL_GROQ_URL
    HOOKMILL_GROQ_KEY HOOKMILL_DEV_SERVERS)

# Takes the directory for this run; two runs in one directory would end each other's processes.
stack_begin() { # DIR
    stack=$1
    mkdir -p "$stack/run" "$stack/log"
    exec 9>"$stack/lock"
    flock -w 3 9 || die "another ./dev is at work in $stack; wait for it, or end it (./dev down, Ctrl-C) first"
}

# A directory for one run: empty, whatever an interrupted run left behind, and removed at the end. After a failure the
# logs stay.
stack_fresh() {
    process_end_all
    stack_empty
    at_exit stack_remove
}

stack_empty() {
    find "$stack" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf {} +
    mkdir -p "$stack/run" "$stack/log"
}

stack_remove() {
    stack_stop
    if ((${status:-1} == 0)); then
        rm -rf "$stack"
    else
        rm -rf "$stack/redis" "$stack/mongodb"
    fi
}

stack_is_up() {
    process_is_alive listen || process_is_alive sim || process_is_alive worker
}

stack_stop() {
    process_end_all
    rm -f "$stack/env" "$stack/run/dev.pid"
}

stack_keep() { # leaves the processes running when ./dev ends
    exit_actions=()
}

stack_logs() {
    printf '%s\n' "$stack"/log/*.log
}

# The secrets outlive `down`, because what they encrypted does.
stack_secrets() {
    local file=$stack/secrets
    if [[ ! -e $file ]]; then
        (
            umask 077
            printf '%s\n' "$(random_hex 16)" "$(random_hex 16)" "k1:$(random_hex 32)" >"$file.new"
        )
        mv "$file.new" "$file"
    fi
    { read -r HOOKMILL_APP_SECRET && read -r HOOKMILL_VERIFY_TOKEN && read -r HOOKMILL_ENCRYPTION_KEY; } <"$file"
    HOOKMILL_APP_DEMO_SECRET=$HOOKMILL_APP_SECRET
    HOOKMILL_APP_DEMO_VERIFY_TOKEN=$HOOKMILL_VERIFY_TOKEN
    export HOOKMILL_APP_SECRET HOOKMILL_VERIFY_TOKEN HOOKMILL_ENCRYPTION_KEY
    export HOOKMILL_APP_DEMO_SECRET HOOKMILL_APP_DEMO_VERIFY_TOKEN
}

# Serving processes print "ready: ADDRESS" (a worker "ready") when they serve.
stack_serve() { # NAME COMMAND…
    local name=$1
    shift
    process_start "$name" "$HOOKMILL_BIN" "$@"
    process_wait "$name" 30 process_ready_line "$name" >/dev/null
}

stack_address() { # NAME
    process_ready_line "$1" | cut -d' ' -f2
}

stack_configure() {
    HOOKMILL_BIN=$(binary build/release)
    export HOOKMILL_BIN HOOKMILL_CONFIG=/dev/null HOOKMILL_LISTEN_PORT=0 HOOKMILL_GROQ_KEY=gsk_demo
    export HOOKMILL_SPOOL_DIRECTORY=$PWD/$stack/spool
    export HOOKMILL_ACCOUNT_MESSENGER=$stack_account_messenger
    export HOOKMILL_ACCOUNT_INSTAGRAM=$stack_account_instagram
    export HOOKMILL_ACCOUNT_WHATSAPP=$stack_account_whatsapp
    stack_secrets
}

stack_start_sim() {
    stack_serve sim sim --port 0
    HOOKMILL_SIM_URL=$(stack_address sim)
    export HOOKMILL_SIM_URL HOOKMILL_GRAPH_FACEBOOK_URL=$HOOKMILL_SIM_URL
    export HOOKMILL_GRAPH_INSTAGRAM_URL=$HOOKMILL_SIM_URL HOOKMILL_GROQ_URL=$HOOKMILL_SIM_URL/openai/v1
}

# The shop's flow, asking the simulator for the order instead of an address that nobody serves.
stack_shop_flow() {
    sed "s|https://api.example.com|$HOOKMILL_SIM_URL/echo|" examples/flows/shop.json >"$stack/shop.json"
    printf '%s\n' "$stack/shop.json"
}

stack_start() { # WORKERS
    process_end_all # what a run that was killed left behind
    at_exit stack_stop
    note "starting the stack"
    stack_configure
    servers_start
    export HOOKMILL_DEV_SERVERS="${own_servers[*]}"
    stack_start_sim
    stack_init
    stack_connect messenger "$stack_account_messenger" "Demo page" "${stack_messenger_flow:-$(stack_shop_flow)}"
    stack_connect instagram "$stack_account_instagram" "Demo profile" examples/flows/support-ai.json
    stack_connect whatsapp "$stack_account_whatsapp" "Demo number" examples/flows/welcome.json
    stack_serve listen listen
    HOOKMILL_WEBHOOK_URL=$(stack_address listen)/webhooks/demo
    export HOOKMILL_WEBHOOK_URL
    (($1 == 0)) || stack_serve worker worker --processes "$1"
    stack_write_env
}

stack_init() {
    step "hookmill init" "$stack/log/init.log" "$HOOKMILL_BIN" init --admin-email admin@example.com \
        --admin-password "$HOOKMILL_VERIFY_TOKEN" || exit 1
}

# A demo account with its flow. One that an earlier run added is there already: then `add` fails, and the log says so.
stack_connect() { # PLATFORM ID NAME FLOW-FILE
    local log=$stack/log/account-$1.log flow
    {
        "$HOOKMILL_BIN" account add --platform "$1" --id "$2" --token "demo-token-$1" --name "$3" || true
        flow=$("$HOOKMILL_BIN" flow import "$4") &&
            "$HOOKMILL_BIN" account enable "${flow%%[[:space:]]*}" --platform "$1" --id "$2"
    } >"$log" 2>&1 || {
        log_tail "$log"
        die "the demo account of $1 could not be connected"
    }
}

stack_write_env() {
    local name
    (
        umask 077
        {
            printf '# The running stack, for any shell:  . %q\n' "$PWD/$stack/env"
            for name in "${stack_variables[@]}"; do
                printf 'export %s=%q\n' "$name" "${!name}"
            done
        } >"$stack/env.new"
    )
    mv "$stack/env.new" "$stack/env"
}

stack_summary() {
    say "webhook    $HOOKMILL_WEBHOOK_URL"
    say "simulator  $HOOKMILL_SIM_URL"
    say "redis      $(stack_hide_password "$HOOKMILL_REDIS_URL")"
    say "mongodb    $(stack_hide_password "$HOOKMILL_MONGODB_URI")"
    say "settings   . $stack/env"
    say "logs       $stack/log/"
}

stack_hide_password() { # URL
    sed -E 's#//([^:/@]*):[^@]*@#//\1:***@#' <<<"$1"
}

# Stays in the foreground while everything runs; Ctrl-C ends it.
stack_stay() {
    local name
    process_record dev $$ # for ./dev down in another shell
    say "running; Ctrl-C stops everything"
    while :; do
        for name in "${process_order[@]}"; do
            process_is_alive "$name" || process_failed "$name" "has ended"
        done
        sleep 1
    done
}
