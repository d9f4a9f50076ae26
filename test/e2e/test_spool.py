# SPDX-License-Identifier: MIT
"""Redis and listeners are killed and frozen under load: each 200 is kept exactly once, in its order, and the ledger
balances."""

import collections
import http.client
import json
import os
import random
import signal
import threading
import time
import unittest
import urllib.parse

from system import System, free_port, wait_for

from client import delivery

SENDERS, FAULTS = 12, 10


class Sender(threading.Thread):
    """A contact whose messages come one after the other, each again until it is answered 200: as Meta does it."""

    def __init__(self, client, contact):
        super().__init__()
        self.client, self.person = client, client.person("whatsapp", contact)
        self.sent, self.refused, self.broken, self.enough = [], 0, 0, threading.Event()

    def run(self):
        parts = urllib.parse.urlsplit(self.client.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        while not self.enough.is_set():
            item = self.person.says(f"message {len(self.sent)}")
            body = delivery(item)
            while self.status(connection, parts.path, body) != 200:
                pass
            self.sent.append(item.id)
        connection.close()

    def status(self, connection, path, body):
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": self.client.signature(body)}
        begin = time.monotonic()
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.broken += 1
            self.enough.wait(0.02)  # nobody listens: not so fast
            return 0
        assert time.monotonic() - begin < 8, "neither 200 nor 503 in time"
        assert response.status in (200, 503), response.status
        self.refused += response.status == 503
        return response.status


class Spool(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.system = self.enterContext(System(
            HOOKMILL_LISTEN_PORT=str(self.port), HOOKMILL_LISTEN_PROCESSES="2", HOOKMILL_QUEUE_GIVE_UP_MS="200"))
        self.client = self.system.client
        self.random = random.Random(20261121)

    # Faults

    def kill_a_listener(self):
        os.kill(self.random.choice(self.system.children("listen")), signal.SIGKILL)

    def kill_all_listeners(self):
        children = self.system.children("listen")
        self.system.stop("listen", signal.SIGKILL)
        for child in children:
            wait_for(lambda: not os.path.exists(f"/proc/{child}"), "the end of a listener")
        self.system.serve("listen", "listen")

    def kill_redis(self):
        self.system.stop("redis", signal.SIGKILL)
        self.until_something_is_spooled()
        self.system.start_redis()

    def freeze_redis(self):
        self.system.processes["redis"].send_signal(signal.SIGSTOP)
        self.until_something_is_spooled()
        self.system.processes["redis"].send_signal(signal.SIGCONT)

    def kill_redis_and_a_listener(self):
        self.system.stop("redis", signal.SIGKILL)
        self.until_something_is_spooled()
        self.kill_a_listener()
        self.system.start_redis()

    # What there is

    def spooled(self):
        return sum(json.loads(line)["events"] for line in self.system.run("spool", "status", "--json").splitlines())

    def until_something_is_spooled(self):
        wait_for(self.spooled, "something in the spool")

    def kept(self):
        """The ids of each contact's events, in the order of the mailbox."""
        found = collections.defaultdict(list)
        for key in self.client.redis.keys("hm:*:mb:*"):
            for event in map(json.loads, self.client.redis.lrange(key, 0, -1)):
                found[event["contact"]].append(event["id"])
        return found

    def progress(self, senders, more):
        target = {sender: len(sender.sent) + more for sender in senders}
        wait_for(lambda: all(len(sender.sent) >= target[sender] or not sender.is_alive() for sender in senders),
                 f"{more} more messages of each sender\n{self.system.log('listen')[-3000:]}", 60)

    def test_every_200_is_kept_once_and_in_order_whatever_is_killed(self):
        senders = [Sender(self.client, f"59593{i:07}") for i in range(SENDERS)]
        for sender in senders:
            sender.start()
        try:
            faults = [self.kill_a_listener, self.kill_redis, self.freeze_redis, self.kill_all_listeners,
                      self.kill_redis_and_a_listener] * (FAULTS // 5)
            self.random.shuffle(faults)
            for fault in faults:
                self.progress(senders, self.random.randrange(1, 12))
                fault()
            self.progress(senders, 5)
        finally:
            for sender in senders:
                sender.enough.set()
            for sender in senders:
                sender.join(60)
        wait_for(lambda: self.spooled() == 0, "the spool to be drained", 60)
        kept = self.kept()
        for sender in senders:
            self.assertEqual(kept[sender.person.contact], sender.sent)
        wait_for(lambda: self.system.command("queue", "audit").returncode == 0,
                 "the ledger to balance\n" + self.system.command("queue", "audit").stdout)
        print(f"{sum(len(s.sent) for s in senders)} answered 200, {sum(s.refused for s in senders)} answered 503, "
              f"{sum(s.broken for s in senders)} connections broken")

    def test_without_redis_deliveries_are_answered_200_and_arrive_when_it_returns(self):
        self.system.stop("redis", signal.SIGKILL)
        person = self.client.person("whatsapp", "595920000001")
        items = [person.says(f"message {i}") for i in range(20)]
        for item in items:
            self.assertEqual(self.client.deliver(item), 200)
        self.assertEqual(self.client.request("GET", self.client.base + "/readyz")[0], 200)
        self.assertEqual(self.spooled(), 20)
        self.assertEqual(self.system.command("spool", "verify").returncode, 0)
        self.system.start_redis()
        wait_for(lambda: self.spooled() == 0, "the spool to be drained")
        self.assertEqual(self.kept()[person.contact], [item.id for item in items])

    def test_a_listener_starts_and_reloads_while_redis_is_away(self):
        self.system.stop("listen")
        self.system.stop("redis", signal.SIGKILL)
        begin = time.monotonic()
        self.system.serve("listen", "listen")
        self.assertLess(time.monotonic() - begin, 15)
        person = self.client.person("whatsapp", "595920000003")
        items = [person.says(f"message {i}") for i in range(6)]
        for item in items[:3]:
            self.assertEqual(self.client.deliver(item), 200)
        children = self.system.children("listen")
        self.system.processes["listen"].send_signal(signal.SIGHUP)
        wait_for(lambda: not any(os.path.exists(f"/proc/{child}") for child in children), "new processes")
        for item in items[3:]:
            self.assertEqual(self.client.deliver(item), 200)
        self.assertEqual(self.spooled(), 6)
        self.system.start_redis()
        wait_for(lambda: self.spooled() == 0, "the spool to be drained")
        self.assertEqual(self.kept()[person.contact], [item.id for item in items])

    def test_a_stopped_host_s_spool_is_drained_by_hand(self):
        self.system.stop("redis", signal.SIGKILL)
        person = self.client.person("whatsapp", "595920000002")
        items = [person.says(f"message {i}") for i in range(3)]
        for item in items:
            self.assertEqual(self.client.deliver(item), 200)
        self.system.stop("listen")
        self.assertNotEqual(self.system.command("spool", "drain").returncode, 0)
        self.system.start_redis()
        self.system.run("spool", "drain")
        self.assertEqual(self.spooled(), 0)
        self.assertEqual(self.kept()[person.contact], [item.id for item in items])


if __name__ == "__main__":
    unittest.main()
