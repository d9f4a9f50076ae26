# SPDX-License-Identifier: MIT
"""The command line, as its user meets it."""

import json
import socket
import time
import unittest

from system import ACCOUNTS, ROOT, System, flow

COMMANDS = ["", "listen", "worker", "init", "account", "account add", "account list", "account show",
            "account enable", "account disable", "account rotate-token", "flow", "flow import", "flow list",
            "flow show", "flow export", "flow lint", "flow nodes", "flow play", "flow start", "chat", "chat pause", "chat resume",
            "chat show", "queue", "queue stats", "queue audit", "queue dead", "queue dead list", "queue dead retry",
            "spool", "spool status", "account pause", "account resume", "account throttle", "account release",
            "account secret", "account secret set", "account secret remove",
            "account secret list", "spool drain", "spool verify", "replay-deliveries", "doctor", "parse", "sim",
            "sim send", "version"]


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = cls.enterClassContext(System())

    def run_it(self, *arguments, **more):
        return self.system.command(*arguments, **more)

    def test_every_command_explains_itself(self):
        for command in COMMANDS:
            result = self.run_it(*command.split(), "--help")
            self.assertEqual((result.returncode, result.stderr), (0, ""), command)
            self.assertIn("Usage: hookmill" + (" " + command if command else ""), result.stdout)
            self.assertIn("--help", result.stdout)

    def test_the_example_and_the_man_page_name_every_setting(self):
        example = (ROOT / "packaging/hookmill.ini.example").read_text()
        manual = (ROOT / "packaging/hookmill.1").read_text()
        settings = [line for line in self.system.run("--help").splitlines() if line[:1] == ";" and line[1:2].isalpha()]
        self.assertGreater(len(settings), 30)
        for line in settings:
            name, value = line[1:].split(" =", 1)
            self.assertIn(f";{name} = {value.strip()}" if value.strip() else f"{name} =", example)
            self.assertIn(f".B {name}\n", manual)
        everything = self.system.directory / "everything.ini"
        everything.write_text("".join(line.removeprefix(";") if " = " in line else line
                                      for line in example.splitlines(keepends=True) if not line.startswith("; ")))
        self.assertEqual(self.run_it("--config", str(everything), "account", "list").returncode, 0)

    def test_misspellings_name_the_nearest_match(self):
        for arguments, says in ((("lisen",), "'listen'"), (("flow", "improt", "x"), "'import'"),
                                (("account", "list", "--jsn"), "unknown option"), (("account", "add", "--platfrom"), "'platform'")):
            result = self.run_it(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn(says, result.stderr)
        result = self.run_it("queue", "stats", env={"HOOKMILL_REDIS_URI": "redis://x"})
        self.assertEqual(result.returncode, 1)
        self.assertIn("'HOOKMILL_REDIS_URL'", result.stderr)

    def test_init_can_be_repeated_and_then_does_nothing(self):
        again = self.system.run("init")
        self.assertIn("redis: 4 shards", again)
        self.assertNotIn("created index", again)

    def test_flows_can_be_stored_listed_shown_exported_and_checked(self):
        path = ROOT / "examples/flows/instantchat-support.json"
        line = self.system.run("flow", "import", str(path))
        flow_id = line.split()[0]
        self.assertIn("version 1", line)
        self.assertEqual(self.system.run("flow", "import", str(path)), line)
        self.assertIn("instantchat", self.system.run("flow", "list"))
        self.assertIn("node ", self.system.run("flow", "show", flow_id))
        exported = json.loads(self.system.run("flow", "export", flow_id))
        original = json.loads(path.read_text())
        self.assertEqual(exported["flowJson"], original["flowJson"])
        self.assertIn("0 errors", self.system.run("flow", "lint", str(path)))
        self.assertIn("0 errors", self.system.run("flow", "lint", flow_id))

    def test_a_flow_that_does_not_compile_is_not_stored(self):
        bad = self.system.directory / "bad.json"
        bad.write_text(flow(("s", "start", {}), ("x", "mesage", {}), name="Bad"))
        result = self.run_it("flow", "import", str(bad))
        self.assertEqual(result.returncode, 1)
        self.assertIn("'x'", result.stderr)
        self.assertIn("message", result.stderr)
        self.assertNotIn("Bad", self.system.run("flow", "list"))
        self.assertEqual(self.run_it("flow", "lint", str(bad)).returncode, 1)

    def test_accounts_are_connected_once_and_shown_without_their_token(self):
        key = "messenger:" + ACCOUNTS["messenger"]
        self.system.run("account", "add", "--account", key, "--token-file", "-", "--name", "Shop", input="EAAG-secret\n")
        twice = self.run_it("account", "add", "--account", key, "--token", "x")
        self.assertEqual(twice.returncode, 1)
        shown = self.system.run("account", "show", "--account", key) + self.system.run("account", "list")
        self.assertIn("Shop", shown)
        self.assertNotIn("EAAG-secret", shown)
        self.system.run("flow", "import", str(ROOT / "examples/flows/shop.json"))
        self.system.run("account", "enable", "Shop", "--account", key)
        self.assertIn("1 flow", self.system.run("account", "list"))
        self.system.run("account", "disable", "Shop", "--account", key)
        self.assertIn("0 flows", self.system.run("account", "list"))
        missing = self.run_it("account", "enable", "No such flow", "--account", key)
        self.assertEqual(missing.returncode, 1)
        self.assertIn("No such flow", missing.stderr)

    def test_the_secrets_of_an_account_are_named_and_never_shown(self):
        key = "whatsapp:" + ACCOUNTS["whatsapp"]
        self.system.run("account", "add", "--account", key, "--token", "token-w")
        path = self.system.directory / "value"
        path.write_text("sk-of-the-file\n")
        shown = self.system.run("account", "secret", "set", key, "CRM", input="sk-of-the-pipe\n")
        shown += self.system.run("account", "secret", "set", key, "Shop_2", "--value-file", str(path))
        listed = self.system.run("account", "secret", "list", key)
        self.assertEqual(listed.split(), ["CRM", "Shop_2"])
        refused = self.run_it("account", "secret", "set", key, "not a name", input="sk-refused\n")
        as_argument = self.run_it("account", "secret", "set", key, "CRM", "sk-argument")
        large = self.run_it("account", "secret", "set", key, "Large", input="sk-" + "x" * 8190)
        self.assertEqual((refused.returncode, as_argument.returncode, large.returncode), (1, 2, 1))
        shown += listed + refused.stdout + refused.stderr + large.stdout + large.stderr
        shown += self.system.run("account", "show", "--account", key) + self.system.run("account", "list")
        self.assertEqual(self.system.run("account", "secret", "remove", key, "CRM").strip(), f"secret CRM of {key} removed")
        self.assertEqual(self.run_it("account", "secret", "remove", key, "CRM").returncode, 1)
        self.assertEqual(self.system.run("account", "secret", "list", key).split(), ["Shop_2"])
        stored = str(self.system.client.mongo["integrations"].find_one({"accountId": ACCOUNTS["whatsapp"]}))
        self.assertIn("v1:k1:", stored)
        for text in (shown, stored):
            self.assertNotIn("sk-", text)

    def test_the_samples_parse_to_their_events(self):
        samples = sorted((ROOT / "examples/webhooks").glob("*.json"))
        self.assertGreater(len(samples), 5)
        for sample in samples:
            result = self.run_it("parse", input=sample.read_text())
            self.assertEqual(result.returncode, 0, sample)
            self.assertEqual(result.stdout, sample.with_suffix(".events.jsonl").read_text(), sample)

    def test_parse_says_what_is_wrong(self):
        for body in ("", "nonsense", '{"object":"elsewhere"}', "[1,2]"):
            result = self.run_it("parse", input=body)
            self.assertEqual((result.returncode, result.stdout), (1, ""), body)
            self.assertTrue(result.stderr)

    def test_sim_send_prints_what_parse_reads(self):
        for platform in ACCOUNTS:
            body = self.system.run("sim", "send", "--platform", platform, "--from", "595981234567", "--text", "Olá /",
                                   "--print")
            event = json.loads(self.system.run("parse", input=body))
            self.assertEqual((event["platform"], event["kind"], event["text"]), (platform, "message", "Olá /"))
            self.assertEqual(event["account"], ACCOUNTS[platform])
        self.assertEqual(self.system.run("sim", "send", "--platform", "whatsapp", "--from", "595981234567", "--text", "x"),
                         "200\n")
        wrong = self.run_it("sim", "send", "--platform", "whatsapp", "--from", "1", "--text", "x", "--secret", "wrong")
        self.assertEqual((wrong.returncode, wrong.stdout), (1, "401\n"))

    def redis(self, *words):
        """One command, whose answer is a number or a string."""
        with socket.create_connection(("127.0.0.1", int(self.system.env["HOOKMILL_REDIS_URL"].rsplit(":", 1)[1]))) as s:
            s.sendall(b"*%d\r\n" % len(words))
            s.sendall(b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words))
            with s.makefile("rb") as answer:
                head = answer.readline()
                self.assertIn(head[:1], b":$+", head)
                return answer.read(int(head[1:])).decode() if head[:1] == b"$" else head[1:].strip().decode()

    def test_the_audit_misses_what_somebody_deleted(self):
        account = "whatsapp:" + ACCOUNTS["whatsapp"]
        person = self.system.client.person("whatsapp", "595981777001")
        for text in ("one", "two"):
            self.assertEqual(self.system.client.deliver(person.says(text)), 200)
        self.assertIn("\nbalanced\n", self.system.run("queue", "audit"))
        key = self.redis("EVAL", "return redis.call('KEYS', '*:mb:*:595981777001')[1]", "0")
        gone = self.redis("LPOP", key)
        audit = self.run_it("queue", "audit")
        self.assertEqual((audit.returncode, audit.stderr), (1, ""))
        self.assertIn("WRONG: 1 missing from the mailboxes", audit.stdout)
        audit = self.run_it("queue", "audit", "--json")
        self.assertEqual(audit.returncode, 1)
        rows = {row["account"]: row for row in map(json.loads, audit.stdout.splitlines())}
        self.assertFalse(rows[account]["balanced"])
        self.assertIn("1 missing", rows[account]["problem"])
        self.redis("LPUSH", key, gone)
        self.assertIn("\nbalanced\n", self.system.run("queue", "audit"))

    def test_a_chat_is_silenced_shown_and_may_speak_again(self):
        account = "messenger:" + ACCOUNTS["messenger"]
        self.assertEqual(self.run_it("chat", "show", account, "777002").returncode, 1)
        self.assertEqual(self.run_it("chat", "resume", account, "777002").returncode, 1)
        before = time.time()
        self.assertIn(account + ":777002: silent until ",
                      self.system.run("chat", "pause", account, "777002", "--minutes", "5"))
        shown = json.loads(self.system.run("chat", "show", account, "777002", "--json"))
        self.assertEqual((shown["status"], shown["waiting"], shown["session"]), ("idle", 0, False))
        self.assertAlmostEqual(shown["pausedUntil"] / 1000, before + 300, delta=60)
        self.assertRegex(self.system.run("chat", "show", account, "777002"), r"(?m)^paused until +20")
        self.assertIn("may speak", self.system.run("chat", "resume", account, "777002"))
        self.assertRegex(self.system.run("chat", "show", account, "777002"), r"(?m)^paused until +-$")
        for wrong in (("nonsense", "1"), (account + ":1", "1"), (account, "1", "--minutes", "0")):
            self.assertEqual(self.run_it("chat", "pause", *wrong).returncode, 1, wrong)

    def test_version_names_the_libraries(self):
        self.assertIn("libevent", self.system.run("version"))
        self.assertIn("hookmill ", self.system.run("--version"))


if __name__ == "__main__":
    unittest.main()
