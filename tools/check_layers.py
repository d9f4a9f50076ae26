# SPDX-License-Identifier: MIT
"""check_layers.py [ROOT]: dependencies point one way (README, layout). Reads the #include lines of all tracked C files."""

import pathlib
import re
import subprocess
import sys

CORE = ["base", "engine", "nodes"]
MIDDLE = [*CORE, "connectors", "models", "queue", "spool"]

# Folder → the other folders whose headers it may include. `test` may use everything.
ALLOWED = {
    "base": [],
    "process": ["base"],
    "engine": ["base"],
    "nodes": ["base", "engine"],
    "play": CORE,
    "spool": ["base"],
    "queue": [*CORE, "spool"],
    "models": CORE,
    "connectors": CORE,
    "webhook": [*MIDDLE, "process"],
    "worker": [*MIDDLE, "process"],
    "admin": MIDDLE,
    "sim": MIDDLE,
    "doctor": MIDDLE,
    "cli": [*MIDDLE, "play", "process", "webhook", "worker", "admin", "sim", "doctor"],
}

# The pure core does no I/O: nothing of Redis, MongoDB, libcurl or libevent.
PURE = {"engine", "nodes", "play"}
IMPURE = re.compile(r"^(hiredis|mongoc|bson|curl|event2|event\.h|evhttp|evdns|evutil|evbuffer|libmongoc|libbson)")

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


def tracked(root):
    command = ["git", "-C", str(root), "ls-files", "*.c", "*.h"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[:-1]


def finding(folder, own, system):
    """What is wrong with one include line of a file in `folder`, or None."""
    if system:
        if folder in PURE and IMPURE.match(system):
            return f"<{system}>: {folder}/ is pure: no Redis, MongoDB, libcurl or libevent"
        return None
    if "/" not in own:
        return None  # a header beside the file
    target = own.split("/")[0]
    if target == folder or target in ALLOWED[folder]:
        return None
    if target not in ALLOWED:
        return f'"{own}": headers are named from the root: "folder/file.h"'
    return f'"{own}": {folder}/ may include only {", ".join(ALLOWED[folder]) or "itself"}'


def check_file(root, name):
    folder = name.split("/")[0] if "/" in name else ""
    if folder == "test":
        return
    if folder not in ALLOWED:
        yield f"{name}: '{folder}' is no known folder; add it to tools/check_layers.py where it belongs"
        return
    for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        wrong = match and finding(folder, match[1], match[2])
        if wrong:
            yield f"{name}:{number}: {wrong}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    findings = [text for name in tracked(root) if (root / name).is_file() for text in check_file(root, name)]
    print(*findings, sep="\n", end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
