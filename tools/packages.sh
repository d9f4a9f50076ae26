# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the project needs from the system. Each row: what to look for, and the Debian package that brings it. On
# Debian 12 what is missing is installed; elsewhere it is named.

package_rows() { # build | check | bench
    case $1 in
    build)
        cat <<'ROWS'
command:cc           build-essential
command:meson        meson
command:ninja        ninja-build
command:pkg-config   pkg-config
command:redis-server redis-server
command:setsid       util-linux
command:flock        util-linux
module:libevent      libevent-dev
module:hiredis       libhiredis-dev
module:libcurl       libcurl4-openssl-dev
module:libmongoc-1.0,mongoc2 libmongoc-dev
module:libcjson      libcjson-dev
module:libcrypto     libssl-dev
module:libssl        libssl-dev
module:libevent_openssl libevent-dev
module:libpcre2-8    libpcre2-dev
module:icu-i18n      libicu-dev
module:libcrypt      libcrypt-dev
module:inih          libinih-dev
module:zlib          zlib1g-dev
module:cmocka        libcmocka-dev
header:uthash.h      uthash-dev
python:pymongo       python3-pymongo
python:redis         python3-redis
python:ensurepip     python3-venv
ROWS
        ;;
    check)
        cat <<'ROWS'
command:clang-format clang-format
command:clang-tidy   clang-tidy
command:cppcheck     cppcheck
command:shellcheck   shellcheck
ROWS
        ;;
    bench)
        cat <<'ROWS'
command:wrk          wrk
command:nginx        nginx-light
ROWS
        ;;
    esac
}

package_is_there() { # KIND:NAME[,OTHER NAME]
    local name
    for name in ${1//,/ }; do
        name=${name#*:}
        case ${1%%:*} in
        command) PATH=$PATH:/usr/sbin:/sbin command -v "$name" >/dev/null && return 0 ;;
        module) pkg-config --exists "$name" 2>/dev/null && return 0 ;;
        header) echo "#include <$name>" | cc -E -o /dev/null - 2>/dev/null && return 0 ;;
        python) "$PYTHON" -c "import importlib.util as u, sys; sys.exit(not u.find_spec('$name'))" 2>/dev/null && return 0 ;;
        esac
    done
    return 1
}

packages_missing() { # SET…: the packages, one per line
    local set what package
    for set in "$@"; do
        while read -r what package; do
            package_is_there "$what" || printf '%s\n' "$package"
        done < <(package_rows "$set")
    done | sort -u
}

system_is_debian_12() {
    # shellcheck source=/dev/null
    (. /etc/os-release && [[ ${ID:-} == debian && ${VERSION_ID:-} == 12 ]]) 2>/dev/null
}

packages_require() { # SET…
    local missing=()
    [[ $(uname -s) == Linux ]] || die "./dev needs Linux"
    mapfile -t missing < <(packages_missing "$@")
    ((${#missing[@]})) || return 0
    system_is_debian_12 || die "missing; install what your system calls these Debian packages, then try again:" \
        "    ${missing[*]}"
    packages_install "${missing[@]}"
    mapfile -t missing < <(packages_missing "$@")
    ((${#missing[@]} == 0)) || die "still missing after the installation: ${missing[*]}"
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo -- "$@"
    fi
}

packages_install() { # PACKAGE…
    if ((EUID != 0)); then
        command -v sudo >/dev/null || die "these packages are missing and there is no sudo; as root:" \
            "    apt-get install --no-install-recommends $*"
        sudo -v || die "sudo refused; as root: apt-get install --no-install-recommends $*"
    fi
    note "installing: $*"
    hold_services
    step "apt-get update" .dev/log/apt-update.log as_root apt-get update || note "going on with the old package lists"
    step "apt-get install" .dev/log/apt-install.log as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@" ||
        die "installation failed; see above, then try again"
    local service package
    for package in "$@"; do
        case $package in
        redis-server) service='redis-server' ;;
        nginx-light) service='nginx' ;;
        *) continue ;;
        esac
        # The program is wanted, a service at every boot is not.
        as_root systemctl --quiet disable "$service" >/dev/null 2>&1 || true
    done
    release_services
}

# While it is there, Debian's policy-rc.d keeps a package's installation from starting its services.
policy=/usr/sbin/policy-rc.d
policy_mark='# held by hookmill: ./dev'

hold_services() {
    at_exit release_services
    if [[ -e $policy ]] && ! grep -qsF "$policy_mark" "$policy"; then
        as_root mv "$policy" "$policy.before-hookmill"
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

release_services() {
    grep -qsF "$policy_mark" "$policy" || return 0
    as_root rm -f "$policy"
    [[ ! -e $policy.before-hookmill ]] || as_root mv "$policy.before-hookmill" "$policy"
}
