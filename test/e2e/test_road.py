# SPDX-License-Identifier: MIT
"""The whole road: signed deliveries in, answers out, everything recorded, on all three platforms."""

import json
import unittest

from system import ACCOUNTS, ROOT, System, flow, wait_for

FLOWS = ROOT / "examples/flows"


class Road(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = cls.enterClassContext(System())
        cls.system.connect("whatsapp", FLOWS / "welcome.json")
        cls.system.connect("messenger", FLOWS / "shop.json")
        cls.system.connect("instagram", FLOWS / "support-ai.json")
        cls.system.start_worker()
        cls.client = cls.system.client

    def session(self, contact):
        return self.client.mongo.chat_sessions.find_one({"chat": {"$regex": f":{contact}$"}})

    def test_whatsapp_asks_branches_and_ends(self):
        person = self.client.person("whatsapp", "595981000001", "Ana R")
        self.assertEqual(self.client.deliver(person.says("Hola")), 200)
        self.assertEqual(self.system.answers("595981000001", 2), ["Hello! Welcome to Hookmill.", "What is your name?"])
        self.client.deliver(person.says("Ana"))
        self.system.answers("595981000001", 3)
        body = self.client.sent_to("595981000001")[2]["body"]
        self.assertEqual([b["reply"]["title"] for b in body["interactive"]["action"]["buttons"]],
                         ["Sales", "Support", "Something else"])
        self.client.deliver(person.taps("support", "Support"))
        self.assertEqual(self.system.answers("595981000001", 5)[3:],
                         ["A colleague will look into it within the hour.", "Thank you, Ana! You chose: Support."])
        wait_for(lambda: self.session("595981000001")["status"] == "completed", "the end of the session")
        session = self.session("595981000001")
        self.assertEqual(session["variables"]["name"], "Ana")
        self.assertEqual([m["direction"] for m in self.client.messages("595981000001")],
                         ["in", "out", "out", "in", "out", "in", "out", "out"])
        chat = wait_for(lambda: self.client.mongo.chats.find_one({"_id": session["chatId"], "messageCount": 8}),
                        "the chat to count its messages")
        self.assertEqual(chat["customerName"], "Ana R")

    def test_messenger_waits_for_the_delay_and_takes_the_error_branch(self):
        person = self.client.person("messenger", "7012345678000001")
        self.client.deliver(person.starts())
        self.assertEqual(self.system.answers("7012345678000001", 1), ["What would you like to do?"])
        self.client.deliver(person.taps("order", "My order"))
        answers = self.system.answers("7012345678000001", 3, 30)
        self.assertEqual(answers[1], "One moment, I am looking up your order …")
        self.assertIn("not reachable", answers[2])
        first, second = self.client.sent_to("7012345678000001")[1:3]
        self.assertGreaterEqual(second["at"] - first["at"], 1490)

    def test_instagram_answers_by_ai_with_the_chat_as_memory(self):
        person = self.client.person("instagram", "6123450009000001")
        self.client.deliver(person.says("Hi!"))
        self.system.answers("6123450009000001", 1)
        self.client.deliver(person.says("Do you ship to Asunción?"))
        self.assertIn("Asunción", self.system.answers("6123450009000001", 2)[1])
        call = [r for r in self.client.sim_requests() if r["platform"] == "groq"][-1]["body"]
        self.assertEqual(call["messages"][0]["role"], "system")
        self.assertEqual(call["messages"][-1], {"role": "user", "content": "Do you ship to Asunción?"})
        self.assertIn("Hi!", [m["content"] for m in call["messages"]])
        self.client.deliver(person.says("bye"))
        self.assertEqual(self.system.answers("6123450009000001", 3)[2], "Goodbye!")

    def test_a_redelivery_is_answered_200_and_changes_nothing(self):
        person = self.client.person("whatsapp", "595981000002")
        item = person.says("Hola")
        for _ in range(3):
            self.assertEqual(self.client.deliver(item), 200)
        self.system.answers("595981000002", 2)
        self.system.at_rest()
        self.assertEqual(len(self.client.sent_to("595981000002")), 2)
        self.assertEqual(len(self.client.messages("595981000002", "in")), 1)

    def test_a_batch_reaches_every_account_in_it_and_the_unknown_one_is_kept(self):
        a, b = self.client.person("whatsapp", "595981000003"), self.client.person("whatsapp", "595981000004")
        stranger = self.client.person("whatsapp", "595981000005")
        stranger.account = "100000000000001"
        self.assertEqual(self.client.deliver(a.says("Hola"), stranger.says("Hola"), b.says("Hola")), 200)
        self.system.answers("595981000003", 2)
        self.system.answers("595981000004", 2)

        def letters():
            lines = self.system.run("queue", "dead", "list", "--json").splitlines()
            return [letter for letter in map(json.loads, lines) if letter["account"] == "whatsapp:100000000000001"]

        letter = wait_for(letters, "the dead letter")[0]
        self.assertIn("hookmill account add", letter["reason"])
        self.system.run("account", "add", "--account", "whatsapp:100000000000001", "--token", "t")
        self.system.run("account", "enable", "Welcome", "--account", "whatsapp:100000000000001")
        self.assertEqual(self.system.run("queue", "dead", "retry", letter["id"]), "1 put back\n")
        self.system.answers("595981000005", 2)
        self.assertEqual(letters(), [])

    def test_statuses_move_forward_only(self):
        person = self.client.person("whatsapp", "595981000006")
        self.client.deliver(person.says("Hola"))
        self.system.answers("595981000006", 2)
        first = self.client.sent_to("595981000006")[0]
        for status in ("read", "delivered", "failed", "sent"):
            self.assertEqual(self.client.deliver(person.status(first["message_id"], status)), 200)
        self.system.at_rest()
        record = wait_for(lambda: self.client.mongo.messages.find_one(
            {"platformMessageId": first["message_id"], "status": "read"}), "the read receipt")
        self.assertEqual(record["content"], "Hello! Welcome to Hookmill.")

    def test_other_events_are_kept_as_received(self):
        person = self.client.person("messenger", "7012345678000002")
        item = person.says("x")
        del item.element["message"]
        item.element["unheard_of"] = {"mid": "m_1", "number": 12345678901234567890}
        self.assertEqual(self.client.deliver(item), 200)
        history = wait_for(lambda: self.client.mongo.session_history.find_one(
            {"chat": {"$regex": ":7012345678000002$"}}), "the history of the event")
        self.assertEqual(history["entries"][0]["event"]["type"], "unheard_of")
        self.assertEqual(self.client.sent_to("7012345678000002"), [])

    def test_tokens_are_unreadable_at_rest(self):
        document = str(self.client.mongo.integrations.find_one({"accountId": ACCOUNTS["whatsapp"]}))
        self.assertNotIn("token-whatsapp", document)
        self.assertIn("v1:k1:", document)
        for name in ("listen", "worker", "sim"):
            self.assertNotIn("token-whatsapp", self.system.log(name))

    def test_the_history_says_which_node_did_what(self):
        person = self.client.person("whatsapp", "595981000007")
        self.client.deliver(person.says("Hola"))
        self.system.answers("595981000007", 2)
        history = wait_for(lambda: self.client.mongo.session_history.find_one(
            {"chat": {"$regex": ":595981000007$"}}), "the history")
        steps = [e["node"] for e in history["entries"] if e["k"] == "step"]
        self.assertEqual(steps[:2], ["start", "hello"])
        self.assertIn("ask-name", steps)
        self.assertRegex(history["tzdata"], r"^2\d{3}[a-z]+$")  # what a replay of dates needs

    def test_statistics_are_written_back_in_the_flow_s_own_shape(self):
        person = self.client.person("instagram", "6123450009000002")
        self.client.deliver(person.says("Hi!"))
        self.system.answers("6123450009000002", 1)
        self.client.deliver(person.says("bye"))
        self.system.answers("6123450009000002", 2)
        stats = wait_for(lambda: (f := self.client.mongo.flows.find_one({"name": "AI support"}))
                         and f.get("stats", {}).get("successfulRuns") and f["stats"], "the statistics")
        self.assertGreaterEqual(stats["totalRuns"], 1)
        self.assertIn("lastRunAt", stats)


class TheBuilder(unittest.TestCase):
    """What a builder app does behind our back."""

    @classmethod
    def setUpClass(cls):
        cls.system = cls.enterClassContext(System(HOOKMILL_WORKER_CACHE_MS="50"))
        cls.flow = cls.system.connect("whatsapp", flow(
            ("s", "start", {}), ("m", "message", {"message": "one"}), ("i", "input", {"inputType": "text"}),
            ("n", "message", {"message": "and one"}), ("e", "end", {})))
        cls.system.start_worker()
        cls.client = cls.system.client

    def test_a_session_stays_with_its_version_and_a_broken_flow_is_an_error(self):
        from bson import ObjectId
        flows, key = self.client.mongo.flows, {"_id": ObjectId(self.flow)}
        ana, luis, eva = (self.client.person("whatsapp", f"59598200000{i}") for i in range(3))
        self.client.deliver(ana.says("hi"))
        self.assertEqual(self.system.answers(ana.contact, 1), ["one"])
        flows.update_one(key, {"$set": {"nodes.1.data.message": "two", "nodes.3.data.message": "and two"}})

        def new_session():
            luis.contact = str(int(luis.contact) + 10)
            self.client.deliver(luis.says("hi"))
            return self.system.answers(luis.contact, 1) == ["two"]

        wait_for(new_session, "sessions of the new version")
        self.client.deliver(ana.says("go on"))
        self.assertEqual(self.system.answers(ana.contact, 2), ["one", "and one"])
        flows.update_one(key, {"$set": {"status": "inactive"}})

        def no_session():
            luis.contact = str(int(luis.contact) + 10)
            self.client.deliver(luis.says("hi"))
            self.system.at_rest()
            return not self.client.sent_to(luis.contact)

        wait_for(no_session, "the flow to be off")
        flows.update_one(key, {"$set": {"nodes.1.type": "nonsense"}, "$unset": {"status": 1}})

        def failed_session():
            eva.contact = str(int(eva.contact) + 10)
            self.client.deliver(eva.says("hi"))
            self.system.at_rest()
            return self.client.mongo.chat_sessions.find_one({"status": "error"})

        session = wait_for(failed_session, "a session in status error")
        self.assertIn("nonsense", session["error"])
        deep = {}
        for _ in range(70):
            deep = {"deeper": deep}
        flows.update_one(key, {"$set": {"nodes.1.type": "message", "nodes.1.data.deep": deep}})

        def refused_session():
            eva.contact = str(int(eva.contact) + 10)
            self.client.deliver(eva.says("hi"))
            self.system.at_rest()
            return self.client.mongo.chat_sessions.find_one({"status": "error", "error": {"$regex": "nested"}})

        wait_for(refused_session, "a session that says what is wrong with the document")


if __name__ == "__main__":
    unittest.main()
