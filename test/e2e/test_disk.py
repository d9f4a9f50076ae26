# SPDX-License-Identifier: MIT
"""What is on disk, by the command line. The files are composed here byte by byte, as another program would: what the
command reads is the format, not whatever the code happens to write."""

import json
import pathlib
import shutil
import struct
import time
import unittest
import zlib

from system import ACCOUNTS, System

ACCOUNT = "whatsapp:" + ACCOUNTS["whatsapp"]
SHARDS = 4


def sealed(form, *fields):
    """A header, with the checksum of it at its end."""
    packed = struct.pack("=" + form, *fields)
    return packed + struct.pack("=I", zlib.crc32(packed))


def shard_of(account):
    value = 2166136261
    for byte in account.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value % SHARDS


def words(*values):
    values = [value if isinstance(value, bytes) else str(value).encode() for value in values]
    return b"*%d\r\n" % len(values) + b"".join(b"$%d\r\n%s\r\n" % (len(value), value) for value in values)


def admit(number, text, incarnation="test:gone"):
    return b"hookmill admit 1\n" + words(incarnation, number, 1, ACCOUNT, "", bytes(16), text, 1, "5959")


def write_spool(directory, shard, records):
    """A spool whose state knows nothing: all of it is found in the segment."""
    state = struct.pack("=4I48s", 0x54534D48, 1, SHARDS, 0, b"").ljust(4096, b"\0") + bytes(128 * SHARDS)
    (directory / f"{shard:02}").mkdir(parents=True)
    (directory / "state").write_bytes(state)
    segment = sealed("4I3QqQI", 0x53504D48, 1, shard, 1, 1, 0, 0, 0, 0, 0)
    for number, record in enumerate(records):
        segment += sealed("4IQQq3I", 0x52504D48, len(record), shard, 1, 1 + number, number, 1700000000000 + number, 1,
                          zlib.crc32(record), 0) + record
    (directory / f"{shard:02}/00000001").write_bytes(segment)


def write_archive(directory, deliveries):
    plain = b""
    for at_ms, app, name, body in deliveries:
        plain += struct.pack("=q4I", at_ms, len(app), len(name), len(body), 0) + app.encode() + name.encode() + body
    packed = zlib.compress(plain)
    block = sealed("4I2qI", 0x41504D48, len(plain), len(packed), zlib.crc32(packed), deliveries[0][0], deliveries[-1][0], 0)
    directory.mkdir(exist_ok=True)
    (directory / f"{deliveries[0][0]:016}-1-1.hma").write_bytes(block + packed)


class Disk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = cls.enterClassContext(System())

    def setUp(self):
        self.directory = pathlib.Path(self.system.directory) / "disk"
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def run_it(self, *arguments, **more):
        environment = {"HOOKMILL_SPOOL_DIRECTORY": str(self.directory), "HOOKMILL_ARCHIVE_DIRECTORY": str(self.directory)}
        return self.system.command(*arguments, env={**environment, **more})

    def stats(self):
        return json.loads(self.system.run("queue", "stats", "--json"))

    def test_what_was_spooled_is_shown_checked_and_drained_once(self):
        shard = shard_of(ACCOUNT)
        write_spool(self.directory, shard, [admit(number, f"event {number}") for number in range(1, 6)])
        before = self.stats()
        status = self.run_it("spool", "status", "--json")
        self.assertEqual((status.returncode, len(status.stdout.splitlines())), (0, SHARDS))
        self.assertIn("5 records are whole, 0 broken", self.run_it("spool", "verify").stdout)
        drained = self.run_it("spool", "drain")
        self.assertEqual((drained.returncode, drained.stdout), (0, "5 records drained\n"), drained.stderr)
        self.assertEqual(self.stats()["admitted"], before["admitted"] + 5)
        self.assertEqual([path.name for path in self.directory.glob("*/0*")], [])

        shutil.rmtree(self.directory)
        write_spool(self.directory, shard, [admit(5, "event 5")])  # the disk forgot that it was drained
        self.assertEqual(self.run_it("spool", "drain").returncode, 0)
        self.assertEqual(self.stats()["admitted"], before["admitted"] + 5)

    def test_a_broken_record_is_named_and_set_aside_and_the_rest_is_drained(self):
        shard = shard_of(ACCOUNT)
        write_spool(self.directory, shard, [admit(number, f"event {number}", "test:other") for number in range(101, 104)])
        path = self.directory / f"{shard:02}/00000001"
        path.write_bytes(path.read_bytes().replace(b"event 102", b"evil! 102"))
        verify = self.run_it("spool", "verify")
        self.assertEqual(verify.returncode, 1)
        self.assertIn(f"{shard:02}/00000001, bytes ", verify.stdout)
        before = self.stats()
        self.assertEqual(self.run_it("spool", "drain").returncode, 0)
        self.assertEqual(self.stats()["admitted"], before["admitted"] + 2)
        rows = [json.loads(line) for line in self.run_it("spool", "status", "--json").stdout.splitlines()]
        self.assertEqual([row["torn"] for row in rows if row["shard"] == shard], [1])
        self.assertEqual(sum(row["records"] for row in rows), 0)
        self.assertEqual(len(list(self.directory.glob("*/torn/*"))), 1)

    def test_without_redis_drain_says_what_is_left(self):
        write_spool(self.directory, shard_of(ACCOUNT), [admit(201, "event")])
        drained = self.run_it("spool", "drain", HOOKMILL_REDIS_URL="redis://127.0.0.1:1")
        self.assertEqual(drained.returncode, 1)
        self.assertIn("1 left", drained.stdout)
        self.assertIn("Redis", drained.stderr)

    def test_a_spool_that_is_not_there_is_not_made(self):
        for action in ("status", "drain", "verify"):
            result = self.run_it("spool", action)
            self.assertEqual((result.returncode, result.stdout.strip()), (1, "0 records drained" if action == "drain" else ""))
            self.assertIn(str(self.directory), result.stderr)
            self.assertFalse(self.directory.exists())

    def test_archived_deliveries_are_listed_and_sent_again_without_harm(self):
        bodies = [self.system.run("sim", "send", "--platform", "whatsapp", "--from", "595981234567", "--text", text,
                                  "--print").encode() for text in ("one", "two", "three")]
        now = int(time.time() * 1000)
        times = [now - 7200000, now - 60000, now - 1000]
        write_archive(self.directory, [(at, "demo", f"d{at}", body) for at, body in zip(times, bodies)] +
                      [(now, "forgotten", "d", b"{}")])
        listed = self.run_it("replay-deliveries", "--list", "--app", "demo", "--since", "1h").stdout
        self.assertIn("2 deliveries", listed)
        self.assertNotIn(f"d{times[0]}", listed)
        url = self.system.env["HOOKMILL_WEBHOOK_URL"].rsplit("/webhooks/", 1)[0]
        before = self.stats()
        first = self.run_it("replay-deliveries", "--to", url)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("3 sent and taken, 0 refused\n1 of apps that are not configured", first.stdout)
        second = self.run_it("replay-deliveries", "--to", url + "/", "--until", str(times[2]))
        self.assertIn("2 sent and taken", second.stdout)
        after = self.stats()
        self.assertEqual(after["admitted"], before["admitted"] + 3)
        self.assertEqual(after["duplicates"], before["duplicates"] + 2)

    def test_replay_says_what_is_wrong(self):
        write_archive(self.directory, [(1, "demo", "d", b"{}")])
        for arguments, says in ((("--since", "yesterday"), "--since"), (("--app", "nobody"), "nobody"),
                                (("--to", "http://127.0.0.1:1"), "stopped before --since 1")):
            result = self.run_it("replay-deliveries", *arguments)
            self.assertEqual(result.returncode, 1, arguments)
            self.assertIn(says, result.stderr)


if __name__ == "__main__":
    unittest.main()
