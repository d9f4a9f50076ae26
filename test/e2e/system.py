# SPDX-License-Identifier: MIT
"""A whole system for one test file: its own Redis, a database of its own in the tests' MongoDB, simulator, listener and
workers. `with System() as system: system.client …`. Everything that it started ends with it."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from client import Client, wait_for  # noqa: E402

import pymongo  # noqa: E402

ACCOUNTS = {"messenger": "108277665544332", "instagram": "17841405554443332", "whatsapp": "109988776655443"}
SECRET, VERIFY_TOKEN = "e2e-app-secret", "e2e+verify token"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class System:
    def __init__(self, **settings):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hookmill-e2e-"))
        self.processes = {}
        self.settings = settings
        self.binary = os.environ["HOOKMILL_BIN"]

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.processes)):
            self.stop(name)
        if hasattr(self, "mongo_uri"):
            pymongo.MongoClient(self.mongo_uri).drop_database(self.database)
        shutil.rmtree(self.directory, ignore_errors=True)

    # Processes

    def _start(self):
        port = self.redis_port = free_port()
        self.start_redis()
        self.database = "e2e_" + uuid.uuid4().hex[:12]
        server = os.environ["HOOKMILL_MONGODB_URI"].split("?")[0].split("//", 1)[1].split("/")[0]
        self.mongo_uri = f"mongodb://{server}/{self.database}"
        self.env = {"PATH": os.environ["PATH"], "HOOKMILL_CONFIG": "/dev/null", "HOOKMILL_BIN": self.binary,
                    "HOOKMILL_REDIS_URL": f"redis://127.0.0.1:{port}", "HOOKMILL_MONGODB_URI": self.mongo_uri,
                    "HOOKMILL_APP_DEMO_SECRET": SECRET, "HOOKMILL_APP_DEMO_VERIFY_TOKEN": VERIFY_TOKEN,
                    "HOOKMILL_APP_SECRET": SECRET, "HOOKMILL_VERIFY_TOKEN": VERIFY_TOKEN,
                    "HOOKMILL_ENCRYPTION_KEY": "k1:" + "07" * 32, "HOOKMILL_GROQ_KEY": "gsk_e2e",
                    "HOOKMILL_LISTEN_PORT": "0", "HOOKMILL_SPOOL_DIRECTORY": str(self.directory / "spool"),
                    "HOOKMILL_QUEUE_LEASE_MS": "1500",
                    "HOOKMILL_WORKER_SETTLE_MS": "1500", "HOOKMILL_WORKER_AGGREGATE_MS": "500"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        for platform, account in ACCOUNTS.items():
            self.env["HOOKMILL_ACCOUNT_" + platform.upper()] = account
        self.env.update(self.settings)
        sim = self.serve("sim", "sim")
        self.env.update(HOOKMILL_SIM_URL=sim, HOOKMILL_GRAPH_FACEBOOK_URL=sim, HOOKMILL_GRAPH_INSTAGRAM_URL=sim,
                        HOOKMILL_GROQ_URL=sim + "/openai/v1")
        self.run("init", "--admin-email", "admin@example.com", "--admin-password", "a long password")
        self.env["HOOKMILL_WEBHOOK_URL"] = self.serve("listen", "listen") + "/webhooks/demo"
        self.client = Client(self.env)

    def start_redis(self):
        """Redis with the data that it had."""
        self._spawn("redis", ["redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir",
                              str(self.directory), "--appendonly", "yes", "--appendfsync", "always", "--save", ""])
        wait_for(lambda: self._redis_answers(self.redis_port), "Redis")

    @staticmethod
    def _redis_answers(port):
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                s.sendall(b"PING\r\n")
                return s.recv(7) == b"+PONG\r\n"
        except OSError:
            return False

    def _spawn(self, name, command):
        with open(self.directory / (name + ".out"), "wb") as out, open(self.directory / (name + ".log"), "ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=out, stderr=log, env=getattr(self, "env", None),
                                                    cwd=self.directory)

    def serve(self, name, *arguments):
        """Starts a serving command and returns the address of its ready line."""
        self._spawn(name, [self.binary, *arguments])

        def ready():
            assert self.processes[name].poll() is None, f"{name} ended:\n{self.log(name)}"
            line = (self.directory / (name + ".out")).read_text()
            return line if line.startswith("ready") and line.endswith("\n") else None

        return wait_for(ready, f"{name} to serve").removeprefix("ready").removeprefix(": ").strip()

    def start_worker(self, processes=1, name="worker"):
        self.serve(name, "worker", "--processes", str(processes))

    def stop(self, name, how=signal.SIGTERM):
        """Ends a process; one that stops by itself must do so without a complaint of a sanitizer."""
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.send_signal(how)
        status = process.wait(60)
        if how == signal.SIGTERM and name != "redis" and process.args[0] == self.binary:
            assert status == 0, f"{name} ended with {status}:\n{self.log(name)[-8000:]}"

    def children(self, name):
        """The processes of a supervisor."""
        parent = self.processes[name].pid
        listing = pathlib.Path(f"/proc/{parent}/task/{parent}/children")
        return [int(child) for child in wait_for(lambda: listing.read_text().split(), f"{name}'s processes")]

    def kill_worker_children(self, name="worker"):
        """kill -9 of the worker processes, whose supervisor starts new ones."""
        children = self.children(name)
        for child in children:
            os.kill(child, signal.SIGKILL)
        return len(children)

    def log(self, name):
        return (self.directory / (name + ".log")).read_text(errors="replace")

    # Commands

    def command(self, *arguments, input=None, env=None):
        return subprocess.run([self.binary, *arguments], env={**self.env, **(env or {})}, input=input, text=True,
                              capture_output=True, cwd=ROOT, timeout=60)

    def run(self, *arguments, input=None):
        result = self.command(*arguments, input=input)
        assert result.returncode == 0, f"hookmill {' '.join(arguments)}: {result.stderr}{result.stdout}"
        return result.stdout

    def connect(self, platform, flow_file, *options):
        """An account with a flow from a file (a path, or a document as text)."""
        if isinstance(flow_file, str) and flow_file.lstrip().startswith("{"):
            path = self.directory / (uuid.uuid4().hex + ".json")
            path.write_text(flow_file)
            flow_file = path
        self.run("account", "add", "--platform", platform, "--id", ACCOUNTS[platform], "--token", "token-" + platform,
                 "--name", platform, *options)
        flow = self.run("flow", "import", str(flow_file)).split()[0]
        self.run("account", "enable", flow, "--platform", platform, "--id", ACCOUNTS[platform])
        return flow

    # What tests wait for

    def answers(self, contact, count, seconds=20):
        """The texts of the first `count` messages that were sent to a person."""
        sent = wait_for(lambda: (s := self.client.sent_to(contact)) and len(s) >= count and s,
                        f"{count} messages to {contact}; there are {len(self.client.sent_to(contact))}\n"
                        f"{self.log('worker')[-2000:] if 'worker' in self.processes else ''}", seconds)
        return [request["text"] for request in sent]

    def at_rest(self, seconds=20):
        """Waits until no event waits and no chat is held."""
        import json

        def idle():
            stats = json.loads(self.run("queue", "stats", "--json"))
            return stats if not stats["mailbox"] and not stats["held"] and not stats["ready"] else None

        return wait_for(idle, "the queue to come to rest", seconds)


def flow(*nodes, name="Test", edges=None, **more):
    """A Flow Builder document of nodes in a row: (id, type, data)."""
    import json
    ids = [node[0] for node in nodes]
    row = [{"id": f"e{i}", "source": a, "target": b} for i, (a, b) in enumerate(zip(ids, ids[1:]))]
    return json.dumps({"name": name, "nodes": [{"id": i, "type": t, "position": {"x": 0, "y": 100 * n}, "data": d}
                                               for n, (i, t, d) in enumerate(nodes)],
                       "edges": row if edges is None else edges, **more})
