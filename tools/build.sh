# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# The two builds: build/release (for running and measuring) and build/test (sanitizers, warnings are errors).

# Meson notices a changed meson.build by itself, but not that a folder came or went; so their list is kept beside the
# options.
build_configure() { # DIR OPTION…
    local dir=$1 known=$1/.dev-configured wanted
    shift
    wanted=$(printf '%s\n' "$*" && find . -path './build*' -prune -o -name meson.build -print | sort)
    if [[ ! -e $dir/build.ninja || $(cat "$known" 2>/dev/null) != "$wanted" ]]; then
        rm -rf "$dir/meson-private"
        step "configuring $dir" ".dev/log/meson-${dir##*/}.log" meson setup "$dir" "$@" || exit 1
        printf '%s\n' "$wanted" >"$known"
    fi
}

build_ninja() { # DIR
    step "building $1" ".dev/log/ninja-${1##*/}.log" ninja -C "$1" || exit 1
}

build_release() {
    build_configure build/release -Dbuildtype=release -Db_ndebug=false -Dtests=false
    build_ninja build/release
}

build_configure_test() {
    build_configure build/test -Dsanitize=true --werror
}

build_test() {
    build_configure_test
    build_ninja build/test
}

build_fuzz() {
    CC=clang build_configure build/fuzz -Dfuzz=true -Dsanitize=true -Db_lundef=false -Dtests=false -Dbench=false
    step "building the fuzz targets" .dev/log/ninja-fuzz.log ninja -C build/fuzz fuzz_targets || exit 1
}

binary() { # DIR: where that build's `hookmill` is
    local path
    for path in "$1/hookmill" "$1/cli/hookmill"; do
        [[ ! -x $path ]] || { readlink -f "$path" && return 0; }
    done
    die "$1 has no hookmill binary"
}

# The sources that the build itself writes, for tools that read what the compiler reads.
build_generated() {
    local outputs=()
    mapfile -t outputs < <(ninja -C build/test -t targets rule CUSTOM_COMMAND | grep -E '\.[ch]$')
    ((${#outputs[@]} == 0)) ||
        step "generating sources" .dev/log/ninja-generated.log ninja -C build/test "${outputs[@]}" || exit 1
}
