# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# ./dev test: servers for the suite, and the settings that the tests read.

tests_run() { # [--list] -- [NAME…]
    export ASAN_OPTIONS=detect_leaks=1:halt_on_error=1:abort_on_error=0:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    HOOKMILL_BIN=$(binary build/test)
    export HOOKMILL_BIN HOOKMILL_CONFIG=/dev/null
    if [[ $1 == --list ]]; then
        servers_plan
    else
        note "starting the servers of the tests"
        servers_start_available
    fi
    HOOKMILL_TEST_MISSING=$servers_missing "$PYTHON" tools/run_tests.py build/test "$@"
}
