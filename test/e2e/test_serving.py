# SPDX-License-Identifier: MIT
"""Processes come and go under load: reload, upgrade, a killed child, the end. Nobody who was let in goes without an
answer, and what was answered 200 is in the queue. HTTPS, and the figures of all processes together."""

import asyncio
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from system import SECRET, System, flow, free_port, wait_for

import deliveries
from client import delivery

CONNECTIONS = 200
HOST = "127.0.0.1"


class Load:
    """Connections that send one signed delivery after the other, each with a message that no other has."""

    def __init__(self, port, run):
        self.port, self.run = port, run
        self.number = 0
        self.answered, self.answers = 0, {}
        self.dropped = []  # the local ports of connections that ended before a request's answer
        self.ending = False  # after the answers that are under way
        self.refused = 0
        self.may_refuse = False  # go on until nobody accepts any more

    def _request(self):
        self.number += 1
        body = deliveries.body_of(deliveries.whatsapp("109988776655443", self.number % 50, self.number, self.run))
        return deliveries.raw_request("/webhooks/demo", SECRET, body)

    async def _exchange(self, reader, writer):
        """One request. Returns whether the connection is kept."""
        writer.write(self._request())
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)\r\nContent-Length: (\d+)", head)[1])
        await reader.readexactly(length)
        status = int(head.split()[1])
        self.answers[status] = self.answers.get(status, 0) + 1
        self.answered += 1
        return not re.search(rb"(?i)\r\nConnection: close", head)

    async def _connection(self):
        reader, writer = await asyncio.open_connection(HOST, self.port)
        local = writer.get_extra_info("sockname")[1]
        try:
            while await self._exchange(reader, writer):
                if self.ending:
                    return
        except (OSError, asyncio.IncompleteReadError):
            self.dropped.append(local)
        finally:
            writer.close()

    async def _client(self):
        while not self.ending:
            try:
                await self._connection()
            except ConnectionRefusedError:
                assert self.may_refuse, "refused while it should serve"
                self.refused += 1
                return

    async def _while(self, steps):
        clients = [asyncio.create_task(self._client()) for _ in range(CONNECTIONS)]
        try:
            await asyncio.to_thread(steps)
        finally:
            self.ending = True
            await asyncio.gather(*clients)

    def during(self, steps):
        """Runs `steps` in a thread of its own, under load."""
        asyncio.run(self._while(steps))

    def goes_on(self, count=1000):
        """Waits until so many more requests were answered."""
        target = self.answered + count
        wait_for(lambda: self.answered >= target, f"{count} more answers", 60)


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def ports_of_clients(pid):
    """The client's ports of the connections that a process holds."""
    inodes = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[2].split(":")[1], 16) for row in rows if f"socket:[{row[9]}]" in inodes}


def get(url, context=None):
    """(status, text)"""
    try:
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()


class Serving(unittest.TestCase):
    def setUp(self):
        directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="hookmill-serving-")))
        self.binary, self.config = directory / "hookmill", directory / "hookmill.ini"
        shutil.copy(os.environ["HOOKMILL_BIN"], self.binary)
        self.config.write_text("[listen]\nprocesses = 2\n")
        system = System(HOOKMILL_CONFIG=str(self.config))
        system.binary = str(self.binary)
        self.system = self.enterContext(system)
        self.client = system.client
        self.pid = system.processes["listen"].pid
        self.load = Load(int(self.client.base.rsplit(":", 1)[1]), system.database[-6:])

    def stats(self):
        return json.loads(self.system.run("queue", "stats", "--json"))

    def metric(self, pattern):
        text = get(self.client.base + "/metrics")[1]
        return sum(int(value) for value in re.findall(rf"^{pattern} (\d+)$", text, re.M))

    def log_count(self, word):
        return self.system.log("listen").count(word)

    def reload(self):
        before, old = self.log_count("supervisor.reloaded"), set(children(self.pid))
        os.kill(self.pid, signal.SIGHUP)
        wait_for(lambda: self.log_count("supervisor.reloaded") > before, "the reload\n" + self.system.log("listen"), 60)
        new = set(children(self.pid))
        self.assertEqual(len(new), 2)
        self.assertFalse(new & old)

    def assert_all_kept(self):
        """Every answer was a 200, and the queue has exactly what was answered."""
        self.assertEqual(set(self.load.answers), {200})
        self.assertEqual(self.load.dropped, [])
        self.assertEqual(self.stats()["admitted"], self.load.answered)

    def test_a_reload_drops_no_request(self):
        def steps():
            for _ in range(2):
                self.load.goes_on()
                self.reload()
            self.load.goes_on()

        self.load.during(steps)
        self.assert_all_kept()
        # Counters go on over the reloads.
        self.assertEqual(self.metric(r'hookmill_listener_results_total\{.*result="admitted"\}'), self.load.answered)

    def test_an_upgrade_runs_the_new_program_and_drops_no_request(self):
        def steps():
            self.load.goes_on()
            new = self.binary.with_suffix(".new")
            shutil.copy(os.environ["HOOKMILL_BIN"], new)
            os.replace(new, self.binary)
            self.assertNotEqual(os.stat(f"/proc/{self.pid}/exe").st_ino, self.binary.stat().st_ino)
            self.reload()
            self.load.goes_on()
            for pid in (self.pid, *children(self.pid)):
                self.assertEqual(os.stat(f"/proc/{pid}/exe").st_ino, self.binary.stat().st_ino)

        self.load.during(steps)
        self.assert_all_kept()

    def test_a_killed_child_costs_its_own_connections_only(self):
        lost = set()

        def steps():
            self.load.goes_on()
            victim = children(self.pid)[0]
            os.kill(victim, signal.SIGSTOP)  # so that what it holds is known
            lost.update(ports_of_clients(victim))
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda: len(set(children(self.pid)) - {victim}) == 2, "a successor")
            wait_for(lambda: get(self.client.base + "/readyz")[0] == 200, "readiness")
            self.load.goes_on()

        self.load.during(steps)
        self.assertEqual(set(self.load.answers), {200})
        self.assertGreater(len(lost), 0)
        self.assertLessEqual(set(self.load.dropped), lost)
        admitted = self.stats()["admitted"]
        self.assertGreaterEqual(admitted, self.load.answered)
        self.assertLessEqual(admitted, self.load.answered + len(self.load.dropped))

    def test_a_graceful_end_drops_no_request(self):
        def steps():
            self.load.goes_on()
            self.load.may_refuse = True
            self.system.stop("listen")
            wait_for(lambda: self.load.refused == CONNECTIONS, "the last client to be refused", 60)

        self.load.during(steps)
        self.assert_all_kept()

    def test_what_would_not_start_changes_nothing(self):
        before = children(self.pid)

        def refused(reason):
            count = self.log_count("error supervisor.reload ")
            os.kill(self.pid, signal.SIGHUP)
            wait_for(lambda: self.log_count("error supervisor.reload ") > count, "the refusal", 60)
            line = [l for l in self.system.log("listen").splitlines() if "error supervisor.reload " in l][-1]
            self.assertIn(reason, line)
            self.assertEqual(children(self.pid), before)
            self.assertEqual(get(self.client.base + "/readyz"), (200, "ready\n"))

        good = self.config.read_text()
        self.config.write_text(good + "prot = 8080\n")
        refused("listen.prot")
        self.config.write_text(good + "tls_certificate = /nowhere.pem\ntls_key = /nowhere.pem\n")
        refused("/nowhere.pem")
        self.config.write_text(good + "address = 192.0.2.1\n")  # of nobody
        refused("192.0.2.1")
        self.config.write_text(good)
        program = self.binary.read_bytes()
        for broken, reason in ((b"\x7fELF and nothing more", "format"), (b"#!/bin/true\n", "it said nothing")):
            new = self.binary.with_suffix(".new")
            new.write_bytes(broken)
            new.chmod(0o755)
            os.replace(new, self.binary)
            refused(reason)
        new.write_bytes(program)
        new.chmod(0o755)
        os.replace(new, self.binary)
        self.reload()

    def test_more_and_fewer_processes_after_a_reload(self):
        def steps():
            for processes in (3, 1):
                self.load.goes_on()
                self.config.write_text(f"[listen]\nprocesses = {processes}\n")
                before = self.log_count("supervisor.reloaded")
                os.kill(self.pid, signal.SIGHUP)
                wait_for(lambda: self.log_count("supervisor.reloaded") > before, "the reload", 60)
                self.assertEqual(len(children(self.pid)), processes)
            self.load.goes_on()

        self.load.during(steps)
        self.assert_all_kept()

    def test_figures_and_readiness_are_those_of_all_processes(self):
        self.load.during(self.load.goes_on)
        # Each process was at work, and whichever answers knows of all.
        for _ in range(10):
            self.assertEqual(self.metric(r'hookmill_listener_answers_total\{app="demo",code="200"\}'),
                             self.load.answered)
        self.assertEqual(self.metric(r'hookmill_listener_stage_seconds_count\{stage="admit"\}'), self.load.answered)
        victim = children(self.pid)[0]
        os.kill(victim, signal.SIGSTOP)
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: self.log_count("listener.died"), "its death to be seen")
        wait_for(lambda: get(self.client.base + "/readyz")[0] == 200, "readiness")
        self.assertEqual(self.metric(r'hookmill_listener_answers_total\{app="demo",code="200"\}'), self.load.answered)


class Clients(unittest.TestCase):
    def test_log_lines_name_the_client_behind_a_trusted_proxy_and_the_delivery(self):
        system = self.enterContext(System(HOOKMILL_LISTEN_TRUSTED_PROXIES="127.0.0.0/8, ::1",
                                          HOOKMILL_LOG_LEVEL="debug"))
        body = delivery(system.client.person("whatsapp", "595933000001").says("x"))
        headers = {**deliveries.headers(SECRET, body), "X-Forwarded-For": "1.1.1.1, 198.51.100.7"}
        self.assertEqual(system.client.request("POST", system.client.url, body, headers)[0], 200)
        self.assertEqual(system.client.request("POST", system.client.url, body + b" ", headers)[0], 401)
        log = system.log("listen")
        good = re.search(r"debug listener.delivery delivery=([0-9a-f]{16}) app=demo client=198.51.100.7 status=200 "
                         r"events=1 ", log)
        bad = re.search(r"warn listener.signature delivery=([0-9a-f]{16}) app=demo client=198.51.100.7 ", log)
        self.assertTrue(good and bad, log)
        self.assertNotEqual(good[1], bad[1])


class Certificates:
    def __init__(self, directory):
        self.directory = directory
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", "/CN=Test CA", "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"))

    def path(self, name):
        return str(self.directory / name)

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def make(self, name, common_name):
        """NAME.pem and NAME.key, signed by the CA."""
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", "/CN=" + common_name, "-keyout", self.path(name + ".key"),
                      "-out", self.path(name + ".csr"))
        (self.directory / "names").write_text(f"subjectAltName=IP:{HOST},DNS:localhost\n")
        self._openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path("ca.pem"),
                      "-CAkey", self.path("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", self.path("names"),
                      "-out", self.path(name + ".pem"))

    def client(self, name=None):
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        if name:
            context.load_cert_chain(self.path(name + ".pem"), self.path(name + ".key"))
        return context


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="hookmill-tls-")))
        cls.certificates = Certificates(cls.directory)
        cls.certificates.make("server", "hooks.example.com")
        cls.certificates.make("meta", "client.webhooks.fbclientcerts.com")
        cls.certificates.make("other", "somebody.example.com")
        cls.system = cls.enterClassContext(System())
        cls.client = cls.system.client

    def serve(self, **settings):
        self.system.env.update(HOOKMILL_LISTEN_TLS_CERTIFICATE=self.certificates.path("server.pem"),
                               HOOKMILL_LISTEN_TLS_KEY=self.certificates.path("server.key"), **settings)
        self.addCleanup(lambda: [self.system.env.pop(name, None) for name in
                                 ("HOOKMILL_LISTEN_TLS_CERTIFICATE", "HOOKMILL_LISTEN_TLS_KEY", *settings)])
        self.addCleanup(self.system.stop, "tls")
        url = self.system.serve("tls", "listen")
        self.assertTrue(url.startswith("https://"))
        return url

    def post(self, url, context, contact):
        body = delivery(self.client.person("whatsapp", contact).says("x"))
        request = urllib.request.Request(url + "/webhooks/demo", data=body,
                                         headers=deliveries.headers(SECRET, body))
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                return answer.status
        except urllib.error.HTTPError as answer:
            return answer.code

    def test_deliveries_come_over_tls(self):
        url = self.serve()
        self.assertEqual(self.post(url, self.certificates.client(), "595911000001"), 200)
        self.assertEqual(get(url + "/healthz", self.certificates.client()), (200, "ok\n"))
        old = self.certificates.client()
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        with self.assertRaises(urllib.error.URLError):
            get(url + "/healthz", old)

    def test_plain_http_and_half_a_handshake_disturb_nobody(self):
        url = self.serve(HOOKMILL_LISTEN_DEADLINE_MS="1000")
        port = int(url.rsplit(":", 1)[1])
        with socket.create_connection((HOST, port)) as plain, socket.create_connection((HOST, port)) as half:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertNotIn(b"200", plain.recv(1000))
            half.sendall(b"\x16\x03\x01\x02")
            self.assertEqual(self.post(url, self.certificates.client(), "595911000002"), 200)
            half.settimeout(20)
            self.assertEqual(half.recv(1000), b"")  # a handshake has the same deadline as a request

    def test_mutual_tls_takes_deliveries_from_the_named_client_alone(self):
        url = self.serve(HOOKMILL_LISTEN_TLS_CLIENT_CA=self.certificates.path("ca.pem"))
        self.assertEqual(self.post(url, self.certificates.client("meta"), "595911000003"), 200)
        self.assertEqual(self.post(url, self.certificates.client("other"), "595911000004"), 403)
        self.assertEqual(self.post(url, self.certificates.client(), "595911000005"), 403)
        self.assertEqual(get(url + "/webhooks/demo?hub.mode=subscribe", self.certificates.client())[0], 403)
        self.assertEqual(get(url + "/healthz", self.certificates.client())[0], 200)
        elsewhere = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        stranger = Certificates(elsewhere)
        stranger.make("meta", "client.webhooks.fbclientcerts.com")
        context = self.certificates.client()
        context.load_cert_chain(stranger.path("meta.pem"), stranger.path("meta.key"))
        with self.assertRaises((urllib.error.URLError, OSError)):
            self.post(url, context, "595911000006")

    def test_a_reload_shows_the_new_certificate(self):
        url = self.serve()
        port = int(url.rsplit(":", 1)[1])

        def serial():
            with socket.create_connection((HOST, port)) as plain, \
                    self.certificates.client().wrap_socket(plain, server_hostname=HOST) as tls:
                return tls.getpeercert()["serialNumber"]

        before = serial()
        self.certificates.make("server", "hooks.example.com")
        self.assertEqual(serial(), before)
        os.kill(self.system.processes["tls"].pid, signal.SIGHUP)
        wait_for(lambda: serial() != before, "the new certificate", 60)
        wait_for(lambda: "supervisor.reloaded" in self.system.log("tls"), "the end of the reload", 60)


class Workers(unittest.TestCase):
    def test_workers_show_figures_and_readiness_of_all_processes(self):
        system = self.enterContext(System())
        port = free_port()
        system.env["HOOKMILL_WORKER_STATUS_LISTEN"] = f"{HOST}:{port}"
        url = f"http://{HOST}:{port}"
        system.connect("whatsapp", flow(("s", "start", {}), ("m", "message", {"message": "hello"}), ("e", "end", {})))
        system.start_worker(processes=2)
        self.assertEqual(get(url + "/healthz"), (200, "ok\n"))
        self.assertEqual(get(url + "/readyz"), (200, "ready\n"))
        for i in range(10):
            self.assertEqual(system.client.deliver(system.client.person("whatsapp", f"59592200000{i}").says("x")), 200)
        for i in range(10):
            system.answers(f"59592200000{i}", 1)
        system.at_rest()

        def metric(pattern):
            return sum(int(value) for value in re.findall(rf"^{pattern} (\d+)$", get(url + "/metrics")[1], re.M))

        self.assertEqual(metric(r'hookmill_worker_events_total\{of="chat"\}'), 10)
        self.assertEqual(metric(r'hookmill_worker_effects_total\{kind="send",result="done"\}'), 10)
        self.assertEqual(metric("hookmill_worker_sessions_started_total"), 10)
        self.assertEqual(metric(r'hookmill_worker_sessions_ended_total\{status="completed"\}'), 10)
        wait_for(lambda: metric("hookmill_worker_mongodb_batches_total") > 0, "the batches to be counted")
        self.assertIn("# TYPE hookmill_worker_active gauge", get(url + "/metrics")[1])
        victim = children(system.processes["worker"].pid)[1]
        os.kill(victim, signal.SIGKILL)
        self.assertRegex(wait_for(lambda: (a := get(url + "/readyz"))[0] == 503 and a[1], "unreadiness"), "^process 1: ")
        wait_for(lambda: get(url + "/readyz")[0] == 200, "readiness")
        self.assertEqual(metric("hookmill_worker_sessions_started_total"), 10)  # it outlives the process
        pid = system.processes["worker"].pid
        before = children(pid)
        os.kill(pid, signal.SIGHUP)
        wait_for(lambda: "supervisor.reloaded" in system.log("worker"), "the reload", 90)
        self.assertFalse(set(before) & set(children(pid)))
        self.assertEqual(get(url + "/readyz")[0], 200)


if __name__ == "__main__":
    unittest.main()
