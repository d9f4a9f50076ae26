# SPDX-License-Identifier: MIT
"""run_tests.py BUILD [--list] -- [NAME…]: runs what Meson has registered and test/e2e/test_*.py.

Every test function counts, not every executable: cmocka and unittest_main.py print "[ RUN      ] name" and its end.
A program without such lines (a flow's replay) is one test. The last line is "N passed, N failed".
"""

import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE = re.compile(r"\[ +(RUN|OK|FAILED|SKIPPED) +\] (\S+)\s*$", re.M)
FUNCTION = re.compile(r"cmocka_unit_test\w*\(\s*(\w+)")
METHOD = re.compile(r"^    def (test_\w+)\(", re.M)
# Meson's 30 s are for an idle machine without sanitizers.
TIMEOUT_FACTOR = 4
E2E_TIMEOUT = 900
# Integration tests of these modules talk to Redis at most; those of the others, and e2e, need MongoDB too.
WITHOUT_MONGODB = {"base", "engine", "nodes", "queue", "webhook", "connectors", "sim"}


class Program:
    """One executable or Python file with the test functions in it."""

    def __init__(self, name, command, sources, environment=None, timeout=None, parallel=True, kind=""):
        self.name, self.command, self.sources = name, command, sources
        self.environment = environment or {}
        self.timeout, self.parallel, self.kind = timeout, parallel, kind

    def functions(self):
        pattern = METHOD if self.kind == "e2e" else FUNCTION
        found = []
        for source in self.sources:
            found += pattern.findall(source.read_text()) if source.is_file() else []
        return list(dict.fromkeys(found))

    def needs_mongodb(self):
        if self.kind == "e2e":
            return True
        folders = {source.parent.name for source in self.sources}
        return self.kind == "integration" and not folders & WITHOUT_MONGODB


class Outcome:
    """What became of one program: function → "OK", "FAILED" or "SKIPPED", and its output."""

    def __init__(self, program, status, output, seconds):
        self.program, self.output, self.seconds = program, output, seconds
        self.results = {}
        for what, function in LINE.findall(output):
            # A function that has begun and not ended took its process with it.
            self.results[function] = "FAILED" if what == "RUN" else what
        if not self.results:
            self.results[program.name] = {0: "OK", 77: "SKIPPED"}.get(status, "FAILED")
        elif status != 0 and "FAILED" not in self.results.values():
            self.results[f"{program.name} (exit status {status})"] = "FAILED"

    def named(self, verdict):
        return [name for name, value in self.results.items() if value == verdict]


def introspect(build, what):
    text = subprocess.run(["meson", "introspect", build, what], check=True, capture_output=True, text=True).stdout
    return json.loads(text)


def meson_programs(build):
    sources = {}
    for target in introspect(build, "--targets"):
        files = [pathlib.Path(name) for group in target["target_sources"] for name in group.get("sources", [])]
        for filename in target["filename"]:
            sources[filename] = files
    for test in introspect(build, "--tests"):
        kinds = {suite.split(":")[-1] for suite in test["suite"]}
        kind = next((known for known in ("integration", "flow", "unit") if known in kinds), "")
        yield Program(test["name"], test["cmd"], sources.get(test["cmd"][0], []), test["env"],
                      (test["timeout"] or 0) * TIMEOUT_FACTOR or None, test["is_parallel"] and kind != "integration",
                      kind)


def e2e_programs():
    for path in sorted(ROOT.glob("test/e2e/test_*.py")):
        command = [sys.executable, str(ROOT / "tools/unittest_main.py"), str(path)]
        yield Program(f"e2e-{path.stem[5:]}", command, [path], timeout=E2E_TIMEOUT, parallel=False, kind="e2e")


def run(program):
    begin = time.monotonic()
    process = subprocess.Popen(program.command, cwd=ROOT, env={**os.environ, **program.environment},
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        output, _ = process.communicate(timeout=program.timeout)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        output += f"\nno end after {program.timeout} s: killed\n".encode()
        status = -signal.SIGKILL
    return Outcome(program, status, output.decode(errors="replace"), time.monotonic() - begin)


def wanted(program, names):
    return not names or any(name in text for name in names for text in (program.name, *program.functions()))


def keep_wanted(outcome, names):
    """With NAMEs that are functions, only these count, whatever else the program ran."""
    if names and not any(name in outcome.program.name for name in names):
        outcome.results = {function: verdict for function, verdict in outcome.results.items()
                           if verdict == "FAILED" or any(name in function for name in names)}


def run_all(programs):
    """Yields outcomes: first those that may share the machine, then the others one by one."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(run, program) for program in programs if program.parallel]
        for future in concurrent.futures.as_completed(futures):
            yield future.result()
    for program in programs:
        if not program.parallel:
            yield run(program)


def report(outcome, done, total):
    failed, skipped = outcome.named("FAILED"), outcome.named("SKIPPED")
    verdict = f"FAILED: {', '.join(failed)}" if failed else f"{len(outcome.named('OK'))} ok"
    if skipped:
        verdict += f", skipped: {', '.join(skipped)}"
    print(f"[{done}/{total}] {outcome.program.name}: {verdict} ({outcome.seconds:.1f} s)", flush=True)


def print_failures(outcomes):
    for outcome in outcomes:
        if outcome.named("FAILED"):
            print(f"\n--- {outcome.program.name}: {' '.join(outcome.program.command)}")
            print(outcome.output[-20000:].rstrip())


def print_list(programs, absent, missing):
    for program in programs:
        for function in program.functions() or [program.name]:
            print(f"{program.name}: {function}" if function != program.name else function)
    for program in absent:
        for function in program.functions() or [program.name]:
            print(f"not registered: {program.name}: {function} ({missing})")


def main(arguments):
    build, split = arguments[0], arguments.index("--")
    listing, names = "--list" in arguments[1:split], arguments[split + 1:]
    missing = os.environ.get("HOOKMILL_TEST_MISSING", "")
    programs = [program for program in [*meson_programs(build), *e2e_programs()] if wanted(program, names)]
    absent = [program for program in programs if missing and program.needs_mongodb()]
    programs = [program for program in programs if program not in absent]
    if listing:
        print_list(programs, absent, missing)
        return 0
    outcomes = []
    for outcome in run_all(programs):
        keep_wanted(outcome, names)
        outcomes.append(outcome)
        report(outcome, len(outcomes), len(programs))
    print_failures(outcomes)
    passed = sum(len(outcome.named("OK")) for outcome in outcomes)
    failed = sum(len(outcome.named("FAILED")) for outcome in outcomes)
    if absent:
        print(f"not registered: {len(absent)} programs ({missing}); see ./dev test --list")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
