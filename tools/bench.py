# SPDX-License-Identifier: MIT
"""What ./dev bench measures. `engine`, `listener` and `road` print one JSON line per finding; `report` makes the table.

A finding: {bench, metric, value, unit, baseline, ratio, target, holds}; what does not apply is null. The baseline is
what the metric is compared with, in the same unit. The ratio is that of rounds measured one right after the other (the
median of the rounds), so that a machine that is busy for a while slows both sides. A target of a metric with a baseline
is the least ratio, another the highest value.
"""

import concurrent.futures
import http.client
import json
import os
import pathlib
import platform
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import redis

import deliveries

TOOLS = pathlib.Path(__file__).resolve().parent

# Of the listener, by Redis's appendfsync: the least part of what each server beside it does, and the longest time and
# the most memory that it may take. Without a target a figure is told all the same.
LEAST_RATIO = {"everysec": {"evhttp": 0.5, "evhttp, HMAC, cJSON and XADD": 0.9}, "always": {"evhttp": 0.35}}
MOST_P99_MS = {"everysec": 5}
MOST_RESIDENT_MIB = 16

ROUNDS = 5
ROUND_SECONDS = 2
CONNECTIONS = 64
BODY_BYTES = 700
FIRST_BODIES = 60_000
MOST_BODIES = 960_000
LISTENER_CONTACTS = 5_000
LISTENER_ACCOUNTS = (1, 16)  # one's events go to one shard; those of many spread, and each script call carries fewer

ROAD_MESSAGES = 3_000
ROAD_CONTACTS = ROAD_MESSAGES // 10
ROAD_CLIENTS = 8
ROAD_PATIENCE = 60  # seconds without a further reply


def say(text):
    print(text, file=sys.stderr, flush=True)


def emit(bench, metric, value, unit, baseline=None, ratio=None, target=None, holds=None):
    print(json.dumps(dict(bench=bench, metric=metric, value=value, unit=unit, baseline=baseline, ratio=ratio,
                          target=target, holds=holds)), flush=True)


# --- engine -----------------------------------------------------------------------------------------


def engine(program):
    """The program prints a finding per line, targets included."""
    output = subprocess.run([program, TOOLS.parent / "test/bench/flows"], check=True, stdout=subprocess.PIPE, text=True,
                            timeout=300).stdout
    for line in output.splitlines():
        emit(**json.loads(line))


# --- listener ---------------------------------------------------------------------------------------


def write_bodies(path, count, accounts):
    """`count` deliveries that were never sent before."""
    run = secrets.token_hex(6)
    account = int(os.environ["HOOKMILL_ACCOUNT_WHATSAPP"])

    def delivery(number):
        return deliveries.whatsapp(str(account + number % accounts), number % LISTENER_CONTACTS, number, run,
                                   BODY_BYTES)

    with open(path, "wb") as file:
        deliveries.write_requests(file, "/webhooks/demo", os.environ["HOOKMILL_APP_SECRET"],
                                  (delivery(number) for number in range(count)))


def load(url, bodies):
    """One round of wrk; what its script found."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{ROUND_SECONDS}s", "-s", str(TOOLS / "bench_wrk.lua"), url,
               "--", str(bodies)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                            timeout=ROUND_SECONDS * 10 + 60).stdout
    found = json.loads(re.search(r"^RESULT (.*)$", output, re.M)[1])
    if found["refused"] or found["broken"] or not found["answers"]:
        raise SystemExit(f"bench: {url} did not answer 200 to everything: {found}")
    found["rate"] = found["answers"] / found["seconds"]
    return found


def counters(url):
    text = urllib.request.urlopen(url + "/metrics", timeout=10).read().decode()
    return {name: sum(map(int, re.findall(rf'^hookmill_listener_results_total{{.*result="{name}"}} (\d+)$', text, re.M)))
            for name in ("admitted", "duplicate")}


def listener_round(url, bodies, count, accounts):
    """A round in which every delivery is new. Sent twice, a body would measure de-duplication alone."""
    while True:
        write_bodies(bodies, count, accounts)
        before = counters(url)
        found = load(url, bodies)
        after = counters(url)
        admitted, duplicates = (after[name] - before[name] for name in ("admitted", "duplicate"))
        if duplicates == 0 and admitted >= found["answers"]:
            return found, count
        if duplicates == 0 or count * 2 > MOST_BODIES:
            raise SystemExit(f"bench: {found['answers']} answers, but {admitted} admitted and {duplicates} duplicates")
        count *= 2


def xadd_round(url, bodies):
    """A round of the server that stores deliveries by XADD, which must have stored what it answered."""
    with redis.Redis.from_url(os.environ["HOOKMILL_REDIS_URL"]) as connection:
        found = load(url, bodies)
        stored = connection.xlen("deliveries")
        connection.unlink("deliveries")
    if stored < found["answers"]:
        raise SystemExit(f"bench: {found['answers']} answers, but {stored} entries in the stream")
    return found


def resident_mib(pid):
    """The most that a process ever held: a supervisor's, or that of the largest of its processes."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    statuses = [pathlib.Path(f"/proc/{process}/status").read_text() for process in [pid, *children]]
    return max(int(re.search(r"^VmHWM:\s*(\d+) kB$", status, re.M)[1]) for status in statuses) / 1024


def emit_most(metric, value, unit, most):
    emit("listener", metric, value, unit, target=most, holds=None if most is None else value <= most)


def listener(fsync, pid, listen_url, evhttp_url, xadd_url, nginx_url):
    """Each round measures one server right after the other, the listener last; `pid` is its process."""
    others = {"evhttp": lambda bodies: load(evhttp_url, bodies),
              "evhttp, HMAC, cJSON and XADD": lambda bodies: xadd_round(xadd_url, bodies),
              "nginx": lambda bodies: load(nginx_url, bodies)}
    loads = {f"{accounts} account{'s'[:accounts > 1]}": accounts for accounts in LISTENER_ACCOUNTS}
    rates = {name: [] for name in [*others, *loads]}
    p99 = {name: [] for name in loads}
    count = FIRST_BODIES
    with tempfile.TemporaryDirectory() as directory:
        bodies = pathlib.Path(directory, "requests")
        for number in range(ROUNDS):
            write_bodies(bodies, count, max(LISTENER_ACCOUNTS))
            for name, measure in others.items():
                rates[name].append(measure(bodies)["rate"])
            for name, accounts in loads.items():
                found, count = listener_round(listen_url, bodies, count, accounts)
                rates[name].append(found["rate"])
                p99[name].append(found["p99_ms"])
            say(f"  round {number + 1} of {ROUNDS}: " +
                "; ".join(f"{name} {values[-1]:,.0f}/s" for name, values in rates.items()))
    for load_name in loads:
        rate = statistics.median(rates[load_name])
        for name in others:
            ratio = statistics.median(mine / other for mine, other in zip(rates[load_name], rates[name]))
            least = LEAST_RATIO[fsync].get(name)
            emit("listener", f"{load_name}, appendfsync {fsync}: deliveries beside {name}", rate, "1/s",
                 statistics.median(rates[name]), ratio, least, None if least is None else ratio >= least)
        emit_most(f"{load_name}, appendfsync {fsync}: 99th percentile", statistics.median(p99[load_name]), "ms",
                  MOST_P99_MS.get(fsync))
    emit_most(f"appendfsync {fsync}: resident memory", resident_mib(pid), "MiB", MOST_RESIDENT_MIB)


# --- road -------------------------------------------------------------------------------------------


def post_all(url, secret, bodies):
    """One client: sends its deliveries in order, each after the answer to the one before."""
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    for body in bodies:
        connection.request("POST", address.path, body, deliveries.headers(secret, body))
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise SystemExit(f"bench: the listener answered {response.status}")
    connection.close()


def replies(sim_url):
    stats = json.load(urllib.request.urlopen(sim_url + "/_sim/stats", timeout=10))
    return stats["requests"] + stats["dropped"]


def wait_for_replies(sim_url, wanted):
    seen, since = -1, time.monotonic()
    while seen < wanted:
        now = replies(sim_url)
        if now > seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > ROAD_PATIENCE:
            raise SystemExit(f"bench: {seen} of {wanted} replies, and no further one in {ROAD_PATIENCE} s")
        time.sleep(0.02)
    return seen


def road():
    url, sim_url = os.environ["HOOKMILL_WEBHOOK_URL"], os.environ["HOOKMILL_SIM_URL"]
    secret, account = os.environ["HOOKMILL_APP_SECRET"], os.environ["HOOKMILL_ACCOUNT_MESSENGER"]
    run = secrets.token_hex(6)
    shares = [[] for _ in range(ROAD_CLIENTS)]
    for number in range(ROAD_MESSAGES):
        contact = number % ROAD_CONTACTS
        body = deliveries.body_of(deliveries.messenger(account, contact, number, run))
        shares[contact % ROAD_CLIENTS].append(body)
    before, begin = replies(sim_url), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(ROAD_CLIENTS) as pool:
        futures = [pool.submit(post_all, url, secret, share) for share in shares]
        got = wait_for_replies(sim_url, before + ROAD_MESSAGES) - before
        seconds = time.monotonic() - begin
        for future in futures:
            future.result()
    if got != ROAD_MESSAGES:
        raise SystemExit(f"bench: {ROAD_MESSAGES} messages, but {got} replies")
    emit("road", f"events, {ROAD_CONTACTS} chats, 2 worker processes", ROAD_MESSAGES / seconds, "1/s")


# --- report -----------------------------------------------------------------------------------------


def machine():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", cpuinfo, re.M)
    memory = int(re.search(r"^MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 2**20
    return (f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, {memory:.1f} GiB memory, "
            f"Linux {platform.release()}")


def cell(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return str(value)


def report(results, path):
    findings = [json.loads(line) for line in pathlib.Path(results).read_text().splitlines()]
    pathlib.Path(path).write_text(json.dumps(findings, indent=2, ensure_ascii=False) + "\n")
    columns = ["bench", "metric", "value", "unit", "baseline", "ratio", "target", "holds"]
    rows = [columns] + [[cell(finding[column]) for column in columns] for finding in findings]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    print(machine())
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
    print(f"written to {path}")


def main(arguments):
    {"engine": engine, "listener": listener, "road": road, "report": report}[arguments[0]](*arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
