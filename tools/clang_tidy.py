# SPDX-License-Identifier: MIT
"""clang_tidy.py BUILD CACHE: clang-tidy on every tracked C file that the build compiles.

A file is left out when nothing that its findings depend on has changed since it was last clean: its text, the
project's headers that it includes, its compile command, .clang-tidy and clang-tidy itself. CACHE keeps these hashes.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.M)
# The commands are GCC's: what clang does not know of them is no finding.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-string-concatenation",
         "--extra-arg=-Qunused-arguments"]
# Tests run under ASan and UBSan all the time: walking their paths as well costs much and finds nothing more.
OF_TESTS = ["--checks=-clang-analyzer-*"]


def tracked():
    text = subprocess.run(["git", "ls-files", "*.c"], check=True, capture_output=True, text=True).stdout
    return set(text.split("\n"))


def commands(build):
    """File as the repository names it → its compile command, for what is tracked."""
    names = tracked()
    entries = json.loads((build / "compile_commands.json").read_text())
    found = {}
    for entry in entries:
        name = os.path.relpath(os.path.join(entry["directory"], entry["file"]))
        if name in names:
            found[name] = entry["command"]
    return found


def with_headers(name, seen):
    path = pathlib.Path(name)
    if name in seen or not path.is_file():
        return
    text = seen[name] = path.read_bytes()
    for include in INCLUDE.findall(text):
        include = include.decode()
        for candidate in (include, os.path.normpath(path.parent / include)):
            with_headers(candidate, seen)


def fingerprint(name, command, common):
    seen = {}
    with_headers(name, seen)
    digest = hashlib.sha256(common + command.encode())
    for header in sorted(seen):
        digest.update(hashlib.sha256(seen[header]).digest())
    return digest.hexdigest()


def tidy(build, name):
    checks = OF_TESTS if name.startswith("test/") else []
    result = subprocess.run(["clang-tidy", "--quiet", "-p", str(build), *EXTRA, *checks, name], capture_output=True, text=True)
    return result.returncode, result.stdout + ("" if result.returncode == 0 else result.stderr)


def main():
    build, cache = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    version = subprocess.run(["clang-tidy", "--version"], check=True, capture_output=True).stdout
    common = version + pathlib.Path(".clang-tidy").read_bytes()
    prints = {name: fingerprint(name, command, common) for name, command in commands(build).items()}
    clean = json.loads(cache.read_text()) if cache.is_file() else {}
    clean = {name: known for name, known in clean.items() if prints.get(name) == known}
    todo = sorted(set(prints) - set(clean))
    print(f"clang-tidy: {len(todo)} of {len(prints)} files", flush=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = {pool.submit(tidy, build, name): name for name in todo}
        for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
            name, (status, output) = futures[future], future.result()
            if status == 0:
                clean[name] = prints[name]
            else:
                print(output, flush=True)
            if done % 20 == 0:
                print(f"clang-tidy: {done} of {len(todo)} files", flush=True)
    cache.write_text(json.dumps(clean, indent=0, sort_keys=True))
    return 0 if len(clean) == len(prints) else 1


if __name__ == "__main__":
    sys.exit(main())
