# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# ./dev check: every check runs, each prints what it found, and any finding fails the whole.

check_format() {
    git ls-files -z '*.c' '*.h' | xargs -0 -r clang-format --dry-run --Werror
}

check_tidy() {
    "$PYTHON" tools/clang_tidy.py build/test .dev/clang-tidy.json
}

check_cppcheck() {
    mkdir -p .dev/cppcheck
    git ls-files -z '*.c' | grep -zv '^test/fuzz/' | tr '\0' '\n' >.dev/cppcheck.files
    [[ -s .dev/cppcheck.files ]] || return 0
    cppcheck --quiet -j "$(nproc)" --std=c11 --enable=warning,performance,portability --error-exitcode=1 \
        --library=tools/cppcheck.cfg --inline-suppr --suppressions-list=tools/cppcheck-suppressions.txt --template=gcc \
        --cppcheck-build-dir=.dev/cppcheck -I . --file-list=.dev/cppcheck.files
}

check_layers() {
    "$PYTHON" tools/check_layers.py
}

check_shell() {
    if command -v shellcheck >/dev/null; then
        shellcheck -x -a dev .ci/run
    else
        note "shellcheck is not installed: scripts are only parsed"
        bash -n dev && bash -n .ci/run
    fi
}

# Parses every file; writes nothing.
check_python() {
    git ls-files -z '*.py' | xargs -0 -r "$PYTHON" -c 'import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name, encoding="utf-8").read(), name)'
}

# Each fuzz target for a few seconds, from the same seeds each time; what it finds stays in .dev/fuzz.
check_fuzz() {
    local target place seeds failed=()
    if ! echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return !d && n; }' |
        clang -fsanitize=fuzzer,address -x c -o /dev/null - 2>/dev/null; then
        note "clang with libFuzzer is not installed: nothing is fuzzed"
        return 0
    fi
    build_fuzz
    rm -rf .dev/fuzz
    for target in build/fuzz/test/fuzz/fuzz_*; do
        [[ -f $target && -x $target ]] || continue
        target=${target##*/fuzz_}
        mkdir -p ".dev/fuzz/$target"
        seeds=()
        for place in "test/fuzz/corpus/$target" "examples/${target}s"; do
            [[ ! -d $place ]] || seeds+=("$place")
        done
        "build/fuzz/test/fuzz/fuzz_$target" -max_total_time=6 -timeout=10 -rss_limit_mb=2048 \
            -artifact_prefix=".dev/fuzz/$target-" ".dev/fuzz/$target" "${seeds[@]}" >".dev/log/fuzz-$target.log" 2>&1 ||
            failed+=("$target")
    done
    ((${#failed[@]} == 0)) ||
        note "fuzz: ${failed[*]}: see .dev/log/fuzz-*.log; the input is .dev/fuzz/TARGET-*"
    ((${#failed[@]} == 0))
}

check_all() {
    local check begin failed=()
    build_generated
    for check in format layers shell python cppcheck tidy fuzz; do
        begin=$SECONDS
        if "check_$check"; then
            say "check $check: ok ($((SECONDS - begin)) s)"
        else
            say "check $check: FAILED"
            failed+=("$check")
        fi
    done
    ((${#failed[@]} == 0)) || die "check: failed: ${failed[*]}"
    say "check: ok"
}
