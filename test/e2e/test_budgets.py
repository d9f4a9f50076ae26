# SPDX-License-Identifier: MIT
"""Budgets, and accounts that an operator pauses, throttles and releases."""

import json
import unittest

from system import ACCOUNTS, System, flow, wait_for

ACCOUNT = "whatsapp:" + ACCOUNTS["whatsapp"]

# A person says anything, and the flow talks without end: a delay between two messages keeps the engine's guard away.
RUNAWAY = flow(("s", "start", {}), ("m", "message", {"message": "and again"}), ("d", "delay", {"delay": 1}),
               ("e", "end", {}), name="Runaway",
               edges=[{"id": f"{a}{b}", "source": a, "target": b} for a, b in ("sm", "md", "dm")])
ECHO = flow(("s", "start", {}), ("m", "message", {"message": "you said {{event.text}}"}), ("e", "end", {}), name="Echo")


class Budgets(unittest.TestCase):
    def system(self, document, **settings):
        system = self.enterContext(System(HOOKMILL_WORKER_CACHE_MS="50", **settings))
        system.connect("whatsapp", document)
        return system

    def parked(self, system):
        return json.loads(system.run("queue", "stats", "--json"))["parked"]

    def chat(self, system, contact):
        return json.loads(system.run("chat", "show", ACCOUNT, contact, "--json"))

    def test_a_runaway_flow_is_stopped_at_its_budget_and_goes_on_after_a_release(self):
        system = self.system(RUNAWAY, HOOKMILL_WORKER_BUDGET_CONTACT_SENDS="5")
        system.start_worker()
        person = system.client.person("whatsapp", "595983000001")
        system.client.deliver(person.says("hi"))
        wait_for(lambda: self.parked(system) == 1, "the chat to be parked", 60)
        self.assertEqual(len(system.client.sent_to(person.contact)), 5)
        log = system.log("worker")
        self.assertEqual(log.count("effect.budget"), 1)
        self.assertIn(f"hookmill account release {ACCOUNT} --chat {person.contact}", log)
        shown = self.chat(system, person.contact)
        self.assertEqual((shown["status"], shown["stopped"], shown["usedToday"]["sends"]), ("parked", "contact", 5))

        # What comes meanwhile is taken, and does not wake it.
        self.assertEqual(system.client.deliver(person.says("stop it")), 200)
        self.assertEqual(self.parked(system), 1)
        self.assertIn("parked chats 1 (paused 0, contact 1, account 0, rate 0)", system.run("account", "list"))

        system.run("account", "release", ACCOUNT, "--chat", person.contact)
        system.answers(person.contact, 10, 60)
        wait_for(lambda: self.parked(system) == 1, "the chat to be parked again", 60)
        self.assertEqual(len(system.client.sent_to(person.contact)), 10)
        self.assertIn("1 parked chat goes on", system.run("account", "release", ACCOUNT, "--all"))
        system.answers(person.contact, 15, 60)
        history = wait_for(lambda: [e["text"] for h in system.client.mongo.session_history.find(
            {"chat": {"$regex": person.contact}}) for e in h["entries"] if e["k"] == "note"], "the history's notes")
        self.assertIn("the contact's budget of 5 sends per day is used up", history[0])

    def test_an_account_s_budget_stops_all_of_its_chats_and_is_its_own(self):
        system = self.system(ECHO, HOOKMILL_WORKER_BUDGET_SENDS="1000")
        system.client.mongo.integrations.update_one({"accountId": ACCOUNTS["whatsapp"]},
                                                    {"$set": {"settings.budgets": {"sendsPerHour": 3}}})
        system.start_worker()
        people = [system.client.person("whatsapp", f"59598310000{i}") for i in range(6)]
        system.client.deliver(*(person.says("hi") for person in people))
        wait_for(lambda: self.parked(system) == 3, "three chats to be parked")
        self.assertIn("sends      3 of 3 this hour", system.run("account", "show", "--account", ACCOUNT))
        self.assertEqual(system.log("worker").count("effect.budget"), 1)  # once for all of them
        self.assertIn("3 parked chats go on", system.run("account", "release", ACCOUNT))
        for person in people:
            system.answers(person.contact, 1)
        system.at_rest()
        self.assertEqual(sum(len(system.client.sent_to(person.contact)) for person in people), 6)

    def test_an_account_paused_under_load_loses_nothing_and_keeps_the_order(self):
        system = self.system(ECHO)
        system.start_worker(processes=2)
        people = [system.client.person("whatsapp", f"5959832000{i:02}") for i in range(30)]
        for number in range(2):
            system.client.deliver(*(person.says(f"{number}") for person in people))
        system.run("account", "pause", ACCOUNT)
        # What was on its way when the script said no comes to its end.
        wait_for(lambda: (s := json.loads(system.run("queue", "stats", "--json"))) and not s["held"] and not s["ready"],
                 "the workers to let go")
        before = sum(len(system.client.sent_to(person.contact)) for person in people)
        for number in range(2, 6):
            system.client.deliver(*(person.says(f"{number}") for person in people))
        wait_for(lambda: self.parked(system) == 30, "every chat to be parked")
        self.assertEqual(sum(len(system.client.sent_to(person.contact)) for person in people), before)
        self.assertIn("paused; this hour", system.run("account", "list"))

        # It outlives the workers, also when they are killed.
        system.kill_worker_children()
        stats = json.loads(system.run("queue", "stats", "--json"))
        self.assertEqual(stats["mailbox"] + stats["done"], stats["admitted"])
        self.assertIn("30 parked chats go on", system.run("account", "resume", ACCOUNT))
        for person in people:
            self.assertEqual(system.answers(person.contact, 6, 60), [f"you said {n}" for n in range(6)])
        system.at_rest()
        self.assertEqual([len(system.client.sent_to(person.contact)) for person in people], [6] * 30)
        self.assertEqual(system.command("queue", "audit").returncode, 0)

    def test_a_throttled_account_sends_no_faster_than_it_may(self):
        system = self.system(ECHO)
        system.start_worker(processes=2)
        people = [system.client.person("whatsapp", f"5959833000{i:02}") for i in range(12)]
        system.run("account", "throttle", ACCOUNT, "--per-second", "4")
        system.client.deliver(*(person.says("hi") for person in people))
        for person in people:
            system.answers(person.contact, 1, 60)
        times = sorted(system.client.sent_to(person.contact)[0]["at"] for person in people)
        self.assertGreaterEqual(times[-1] - times[0], 11 * 250 - 1000)
        for i in range(len(times) - 6):
            self.assertGreater(times[i + 6] - times[i], 500, times)
        self.assertIn("0 parked chats go on", system.run("account", "throttle", ACCOUNT, "--off"))

    def test_wrong_words_are_refused(self):
        system = self.system(ECHO)
        for wrong in (("pause", "nonsense"), ("pause", ACCOUNT, "--for", "2 hours"), ("throttle", ACCOUNT),
                      ("throttle", ACCOUNT, "--per-second", "0"), ("throttle", ACCOUNT, "--off", "--per-second", "1"),
                      ("release", ACCOUNT, "--chat", "nobody"), ("release", ACCOUNT, "--all", "--chat", "1")):
            self.assertEqual(system.command("account", *wrong).returncode, 1, wrong)
        result = system.command("account", "pause", "whatsapp:1", "--for", "2h")
        self.assertEqual(result.returncode, 0)
        self.assertIn("no event of whatsapp:1 has come here yet", result.stderr)
        self.assertRegex(result.stdout, r"paused until 20\d\d-")


if __name__ == "__main__":
    unittest.main()
