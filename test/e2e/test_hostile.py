# SPDX-License-Identifier: MIT
"""What is not Meta: malformed HTTP, half-open connections, slow bodies, hostile JSON. The listener neither dies nor
grows, and good deliveries beside it are answered in time."""

import pathlib
import resource
import select
import socket
import time
import unittest
import urllib.parse

from system import System

from client import delivery

HALF_OPEN = 10_000
DEADLINE_MS = 4000
IN_TIME = 4  # seconds: what Meta's 5 leave

LINE = b"POST /webhooks/demo HTTP/1.1\r\nHost: x\r\n"
MALFORMED = {
    "nothing but a line end": b"\r\n",
    "bare line feeds": b"\n\n\n\n",
    "no version": b"GET /healthz\r\n\r\n",
    "an old version": b"GET /webhooks/none HTTP/0.9\r\n\r\n",
    "a version that is none": b"GET /healthz HTTP/9.99\r\n\r\n",
    "a method that is none": b"BREW /webhooks/demo HTTP/1.1\r\n\r\n",
    "a very long method": b"A" * 20000 + b" / HTTP/1.1\r\n\r\n",
    "a very long address": b"GET /" + b"a" * 30000 + b" HTTP/1.1\r\n\r\n",
    "an address with broken escapes": b"GET /%zz%00%ff%2 HTTP/1.1\r\nConnection: close\r\n\r\n",
    "an address that climbs": b"GET /webhooks/../../etc/passwd HTTP/1.1\r\nConnection: close\r\n\r\n",
    "NUL bytes in the request line": b"GET /heal\0thz HTTP/1.1\r\n\r\n",
    "NUL bytes in a header": b"GET /webhooks/none HTTP/1.1\r\nX-A: b\0c\r\nConnection: close\r\n\r\n",
    "a header without a colon": b"GET /healthz HTTP/1.1\r\nthis is no header\r\n\r\n",
    "a header without a name": b"GET /webhooks/none HTTP/1.1\r\n: value\r\nConnection: close\r\n\r\n",
    "a header above the bound": b"GET /healthz HTTP/1.1\r\nX-Big: " + b"a" * 70000 + b"\r\n\r\n",
    "thousands of headers": b"GET /healthz HTTP/1.1\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n",
    "a folded header": b"GET /webhooks/none HTTP/1.1\r\nX-A: b\r\n c\r\nConnection: close\r\n\r\n",
    "a negative length": LINE + b"Content-Length: -1\r\n\r\n",
    "a length that is no number": LINE + b"Content-Length: many\r\n\r\n",
    "a length above all bounds": LINE + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "a length above the bound": LINE + b"Content-Length: 1073741824\r\n\r\n",
    "a chunk size that is none": LINE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
    "a chunk above all bounds": LINE + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    "a negative chunk": LINE + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "an unknown expectation": LINE + b"Expect: miracles\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS handshake": bytes.fromhex("16030100a5010000a10303") + bytes(154),
    "random bytes": bytes((i * 73 + 41) % 256 for i in range(4096)),
}

WHATSAPP = '{"object":"whatsapp_business_account","entry":[%s]}'
HOSTILE_JSON = {
    "deep arrays": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "deep below an entry": (WHATSAPP % ("[" * 1000 + "]" * 1000)).encode(),
    "numbers beyond all bounds": (WHATSAPP % '{"id":1e999,"time":-1e999,"changes":[{"field":3e400}]}').encode(),
    "a number of many digits": (WHATSAPP % ('{"id":' + "9" * 100_000 + "}")).encode(),
    "invalid UTF-8": b'{"object":"page","entry":[{"id":"\xc3\x28","messaging":[]}]}',
    "an overlong encoding": b'{"object":"page","entry":[{"id":"\xc0\xaf"}]}',
    "half a surrogate pair": b'{"object":"page","entry":[{"id":"\\ud800"}]}',
    "a byte order mark": b'\xef\xbb\xbf{"object":"page","entry":[]}',
    "duplicate keys": b'{"object":"page","object":"instagram","entry":[],"entry":[{"id":"1","id":2,"id":null}]}',
    "a NUL byte": b'{"object":"page","entry":[{"id":"1\0"}]}',
    "an escaped NUL": b'{"object":"page","entry":[{"id":"1\\u0000"}]}',
    "a string without an end": b'{"object":"page","entry":[{"id":"' + b"a" * 1_000_000,
    "a key of a megabyte": b'{"' + b"k" * 1_000_000 + b'":1,"object":"page","entry":[]}',
    "more items than anybody sends": (WHATSAPP % ",".join(["7"] * 30_000)).encode(),
    "an object of all the wrong types": b'{"object":7,"entry":{"a":[]}}',
    "nothing": b"",
    "blanks": b" " * 100_000,
}


def connect(address):
    connection = socket.create_connection(address, 10)
    connection.setblocking(False)
    return connection


def readable(connection, seconds):
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return poll.poll(seconds * 1000)


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def resident_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        cls.half_open = min(HALF_OPEN, most - 1000)
        # AddressSanitizer keeps freed memory aside for a while; here that would look like growing.
        cls.system = cls.enterClassContext(System(
            HOOKMILL_LISTEN_MAX_CONNECTIONS=str(HALF_OPEN + 500), HOOKMILL_LISTEN_DEADLINE_MS=str(DEADLINE_MS),
            ASAN_OPTIONS="quarantine_size_mb=8:detect_leaks=1"))
        cls.client = cls.system.client
        parts = urllib.parse.urlsplit(cls.client.url)
        cls.address = (parts.hostname, parts.port)
        cls.number = 0

    def processes(self):
        parent = self.system.processes["listen"].pid
        return [parent, *children(parent)]

    def good_delivery(self):
        type(self).number += 1
        person = self.client.person("whatsapp", f"59595{self.number:07}")
        begin = time.monotonic()
        self.assertEqual(self.client.deliver(person.says("good")), 200)
        self.assertLess(time.monotonic() - begin, IN_TIME)

    def read_to_end(self, connection, seconds):
        """What comes until the other side closes."""
        got, deadline = b"", time.monotonic() + seconds
        while readable(connection, max(0, deadline - time.monotonic())):
            try:
                data = connection.recv(65536)
            except ConnectionError:
                return got
            if not data:
                return got
            got += data
        self.fail(f"the connection was still open after {seconds} s; it said {got[:200]}")

    def send(self, connection, data):
        """As much as the other side takes."""
        connection.setblocking(True)
        connection.settimeout(10)
        try:
            connection.sendall(data)
        except OSError:
            pass
        connection.setblocking(False)

    def test_malformed_requests_are_refused_or_cut_and_nothing_else_suffers(self):
        pids = self.processes()
        for name, request in MALFORMED.items():
            with self.subTest(name), connect(self.address) as connection:
                self.send(connection, request)
                self.good_delivery()
                answer = self.read_to_end(connection, 2 * DEADLINE_MS / 1000 + 5)
                if answer:
                    self.assertRegex(answer[:15], rb"^HTTP/\d\.\d [45]\d\d ")
        self.assertEqual(self.processes(), pids)

    def test_a_delivery_behind_a_refused_one_is_not_smuggled_in(self):
        body = delivery(self.client.person("whatsapp", "595940000001").says("smuggled"))
        inner = LINE + (f"X-Hub-Signature-256: {self.client.signature(body)}\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        outer = LINE + f"Content-Length: {len(inner)}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode() + inner
        with connect(self.address) as connection:
            self.send(connection, outer)
            connection.shutdown(socket.SHUT_WR)
            answers = self.read_to_end(connection, 10)
        self.assertNotIn(b" 200 ", answers.split(b"\r\n")[0])
        self.good_delivery()
        self.assertEqual(self.client.redis.keys("hm:*:mb:*:595940000001"), [])

    def test_hostile_json_with_a_good_signature_is_kept_and_answered(self):
        pids = self.processes()
        for name, body in HOSTILE_JSON.items():
            with self.subTest(name):
                self.assertEqual(self.client.post(body), 200)
                self.good_delivery()
        self.assertEqual(self.processes(), pids)

    def test_a_slow_body_is_cut_at_its_deadline(self):
        body = delivery(self.client.person("whatsapp", "595940000002").says("slow"))
        head = LINE + (f"X-Hub-Signature-256: {self.client.signature(body)}\r\n"
                       f"Content-Length: {len(body)}\r\n\r\n").encode()
        begin = time.monotonic()
        with connect(self.address) as connection:
            self.send(connection, head)
            for byte in body:
                if readable(connection, 0.1):
                    break
                self.send(connection, bytes([byte]))
            self.read_to_end(connection, 1)
        took = time.monotonic() - begin
        self.assertGreater(took, DEADLINE_MS / 1000 - 0.5)
        self.assertLess(took, DEADLINE_MS / 1000 + 3)

    def test_bodies_that_nobody_signed_do_not_fill_the_memory(self):
        self.good_delivery()
        before = sum(map(resident_kib, self.processes()))
        size = 4_000_000
        most = 0
        connections = [connect(self.address) for _ in range(100)]
        try:
            for connection in connections:
                self.send(connection, LINE + f"Content-Length: {size}\r\n\r\n".encode() + b"x" * (size - 10))
                most = max(most, sum(map(resident_kib, self.processes())))
            self.good_delivery()
        finally:
            for connection in connections:
                connection.close()
        self.assertLess(most - before, 200_000, "KiB more, for 64 MiB that may be held")

    def test_ten_thousand_half_open_connections_hold_up_nobody(self):
        before = sum(map(resident_kib, self.processes()))
        after = []
        for _ in range(2):
            connections = []
            try:
                for number in range(self.half_open):
                    connection = connect(self.address)
                    if number % 2:
                        connection.send(LINE + b"Content-Length: 1000\r\n")
                    connections.append(connection)
                    if number % 1000 == 0:
                        self.good_delivery()
                self.good_delivery()
                for connection in connections:
                    self.read_to_end(connection, 3 * DEADLINE_MS / 1000 + 20)
            finally:
                for connection in connections:
                    connection.close()
            self.good_delivery()
            after.append(sum(map(resident_kib, self.processes())))
        self.assertLess(after[1], after[0] + 20_000, f"before {before} KiB, then {after}")
        self.assertLess(after[1], before + 150_000, f"before {before} KiB, then {after}")


if __name__ == "__main__":
    unittest.main()
