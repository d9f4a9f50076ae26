# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Redis and MongoDB for the stack in $stack: those of HOOKMILL_REDIS_URL and HOOKMILL_MONGODB_URI where they are set,
# else own ones on free loopback ports, with their data in $stack/redis and $stack/mongodb. Sets the two variables.
#
# MongoDB is, in this order: mongod on PATH; SecantusDB (MongoDB's wire protocol in front of WiredTiger), its Rust
# program when it is in the cache, else its Python program, installed there by pip. Both are used as programs only.

cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/hookmill
secantus_py_version=0.7.0b3
secantus_rs_version=0.5.3-beta.196
secantus_py_dir=$cache_dir/secantus-py-$secantus_py_version
secantus_rs_dir=$cache_dir/secantus-rs-$secantus_rs_version

own_servers=()
servers_missing= # what a test run does without, and why: "redis: …", "mongodb: …", one per line

# A shell that sourced .dev/env names servers that an `up` started; they are that stack's own, not somebody's wish.
forget_own_servers() {
    local own=" ${HOOKMILL_DEV_SERVERS:-} " redis=${HOOKMILL_REDIS_URL:-} mongodb=${HOOKMILL_MONGODB_URI:-} name
    [[ -n ${HOOKMILL_DEV_SERVERS+set} ]] || return 0
    note "this shell has sourced .dev/env; its settings are not used here"
    for name in "${!HOOKMILL_@}"; do
        unset "$name"
    done
    [[ -z $redis || $own == *" $redis "* ]] || export HOOKMILL_REDIS_URL=$redis
    [[ -z $mongodb || $own == *" $mongodb "* ]] || export HOOKMILL_MONGODB_URI=$mongodb
}

# After own servers were ended: their addresses are nobody's wish either.
servers_forget() {
    [[ " ${own_servers[*]} " != *" ${HOOKMILL_REDIS_URL:-} "* ]] || unset HOOKMILL_REDIS_URL
    [[ " ${own_servers[*]} " != *" ${HOOKMILL_MONGODB_URI:-} "* ]] || unset HOOKMILL_MONGODB_URI
    own_servers=()
}

server_answers() { # URL
    "$PYTHON" tools/ping.py "$1" >/dev/null 2>&1
}

server_from_outside() { # VARIABLE: fails unless it is set; an address where nothing answers is an error
    [[ -n ${!1:-} ]] || return 1
    local why
    why=$("$PYTHON" tools/ping.py "${!1}" 2>&1) || die "$1 is set, but the server does not answer: $why" \
        "Start that server, or 'unset $1' to let ./dev start its own (after sourcing an old .dev/env: unset \${!HOOKMILL_@})."
    note "using the server of $1"
}

redis_start() { # [EXTRA OPTION…]
    ! server_from_outside HOOKMILL_REDIS_URL || return 0
    local port
    port=$(free_port)
    mkdir -p "$stack/redis"
    process_start redis redis-server --port "$port" --bind 127.0.0.1 --dir "$PWD/$stack/redis" --daemonize no \
        --appendonly yes --appendfsync always --save '' "$@"
    export HOOKMILL_REDIS_URL=redis://127.0.0.1:$port
    own_servers+=("$HOOKMILL_REDIS_URL")
    process_wait redis 30 server_answers "$HOOKMILL_REDIS_URL"
}

# Sets mongo_kind to mongod, rust or python, or fails with the reason in mongo_reason. Installs nothing.
mongo_choose() {
    local version
    if command -v mongod >/dev/null; then
        mongo_kind=mongod
    elif [[ -x $secantus_rs_dir/bin/secantusd-rs ]]; then
        mongo_kind=rust
    elif [[ -x $secantus_py_dir/bin/secantusd-py ]]; then
        mongo_kind=python
    else
        version=$("$PYTHON" -c 'import sys; print("%d%02d" % sys.version_info[:2])')
        mongo_kind=python
        mongo_reason="no mongod on PATH, and SecantusDB $secantus_py_version has wheels for CPython 3.10 to 3.13 on x86_64 and aarch64 only"
        [[ $(uname -m) =~ ^(x86_64|aarch64)$ ]] && ((version >= 310 && version <= 313))
    fi
}

mongo_install() {
    local dir=$secantus_py_dir
    [[ $mongo_kind == python && ! -x $dir/bin/secantusd-py ]] || return 0
    mkdir -p "$cache_dir"
    (
        flock 8
        [[ ! -x $dir/bin/secantusd-py ]] || exit 0
        rm -rf "$dir"
        step "creating $dir" .dev/log/venv.log "$PYTHON" -m venv "$dir" &&
            step "installing SecantusDB $secantus_py_version" .dev/log/pip.log "$dir/bin/pip" install \
                --disable-pip-version-check "SecantusDB==$secantus_py_version"
    ) 8>"$cache_dir/lock" || {
        mongo_reason="no mongod on PATH, and SecantusDB could not be installed by pip (see .dev/log/pip.log)"
        return 1
    }
}

mongo_start() { # fails with the reason in mongo_reason when there is no server to start
    ! server_from_outside HOOKMILL_MONGODB_URI || { mongo_name_database && return 0; }
    mongo_choose && mongo_install || return 1
    local port data=$PWD/$stack/mongodb
    port=$(free_port)
    mkdir -p "$data"
    case $mongo_kind in
    mongod) process_start mongodb mongod --bind_ip 127.0.0.1 --port "$port" --dbpath "$data" ;;
    rust) mongo_start_secantus "$secantus_rs_dir/bin/secantusd-rs" ;;
    python) mongo_start_secantus "$secantus_py_dir/bin/secantusd-py" ;;
    esac
    export HOOKMILL_MONGODB_URI=mongodb://127.0.0.1:$port/hookmill
    own_servers+=("$HOOKMILL_MONGODB_URI")
    process_wait mongodb 60 server_answers "$HOOKMILL_MONGODB_URI"
}

# --sync-on-commit: without it, a write that was acknowledged can be lost when the server is killed.
mongo_start_secantus() { # PROGRAM
    process_start mongodb "$1" --host 127.0.0.1 --port "$port" --storage-path "$data" --sync-on-commit
}

# The address that clients are given names its database.
mongo_name_database() {
    local rest=${HOOKMILL_MONGODB_URI#*://} options=
    [[ $rest != *\?* ]] || options="?${rest#*\?}"
    rest=${rest%%\?*}
    if [[ $rest != */?* ]]; then
        export HOOKMILL_MONGODB_URI=${HOOKMILL_MONGODB_URI%%://*}://${rest%/}/hookmill$options
    fi
}

servers_start() {
    redis_start
    mongo_start || die "no MongoDB: $mongo_reason" "Set HOOKMILL_MONGODB_URI to a MongoDB server (6.0 or later)."
}

# For the tests: what cannot be had is noted, and the tests that need it are not registered.
servers_start_available() {
    redis_start
    mongo_start || servers_lack_mongo
}

# The same without starting anything.
servers_plan() {
    [[ -n ${HOOKMILL_MONGODB_URI:-} ]] || mongo_choose || servers_lack_mongo
}

servers_lack_mongo() {
    servers_missing="mongodb: $mongo_reason"
    note "no MongoDB: $mongo_reason"
}

# For measurements: the Rust program, built once when cargo can (5 minutes).
servers_prefer_fast() {
    [[ -z ${HOOKMILL_MONGODB_URI:-} ]] && mongo_choose && [[ $mongo_kind == python ]] || return 0
    local rust
    rust=$(rustc --version 2>/dev/null | cut -d' ' -f2)
    if ! command -v cargo >/dev/null || [[ $(printf '%s\n' 1.95 "${rust:-0}" | sort -V | head -n 1) != 1.95 ]]; then
        note "no cargo with rustc 1.95 or later: measuring with the slower Python SecantusDB"
        return 0
    fi
    step "building SecantusDB $secantus_rs_version (once, about 5 minutes)" .dev/log/cargo.log cargo install \
        secantus-mdb --version "=$secantus_rs_version" --locked --ignore-rust-version --root "$secantus_rs_dir" ||
        note "going on with the slower Python SecantusDB"
}
