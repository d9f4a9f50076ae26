# SPDX-License-Identifier: MIT
"""What flows record of people, and chats that they give to people: each of the ways back."""

import json
import unittest

from system import ACCOUNTS, System, flow, wait_for

ACCOUNT = "whatsapp:" + ACCOUNTS["whatsapp"]

SUPPORT = flow(
    ("start", "start", {}),
    ("ask", "input", {"message": "What is it about?", "variable": "topic"}),
    ("mark", "tag", {"add": ["support", "{{ topic }}"], "remove": ["newcomer"]}),
    ("know", "contact", {"fields": {"email": "ana@shop.example", "Topic": "{{ topic }}"}}),
    ("write", "note", {"text": "Asked about {{ topic }}"}),
    ("person", "handoff", {"message": "A colleague will answer.", "team": "support", "note": "{{ topic }}",
                           "for": 600000, "resumeKeywords": ["menu"]}),
    ("back", "message", {"message": "I am back: {{ contact.tags[0] }} {{ contact.customFields.Topic }}"}),
    ("end", "end", {}), name="Support")
SHORT = flow(
    ("start", "start", {}),
    ("person", "handoff", {"message": "One moment.", "for": 2500}),
    ("back", "message", {"message": "Nobody was there."}),
    ("end", "end", {}), name="Short")


class People(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = cls.enterClassContext(System())
        cls.system.connect("whatsapp", SUPPORT)
        cls.system.connect("messenger", SHORT)
        cls.system.start_worker()
        cls.client = cls.system.client

    def chat(self, contact):
        return self.client.mongo.chats.find_one({"customerId": contact})

    def chat_is(self, contact, status):
        return wait_for(lambda: (c := self.chat(contact)) and c["status"] == status and c, f"{contact} to be {status}")

    def hand_off(self, contact):
        person = self.client.person("whatsapp", contact, "Ana R")
        self.client.deliver(person.says("Hello"))
        self.system.answers(contact, 1)
        self.client.deliver(person.says("lamps"))
        self.assertEqual(self.system.answers(contact, 2)[1], "A colleague will answer.")
        self.chat_is(contact, "handoff")
        return person

    def test_an_operator_gives_the_chat_back(self):
        contact = "595981700001"
        person = self.hand_off(contact)
        chat = self.chat(contact)
        self.assertEqual((chat["handoff"]["team"], chat["handoff"]["note"]), ("support", "lamps"))
        self.assertEqual([note["text"] for note in chat["notes"]], ["Asked about lamps"])
        self.client.deliver(person.says("Is anybody there?"))
        wait_for(lambda: len(self.client.messages(contact)) == 5, "the message to be recorded")
        self.system.at_rest()
        shown = json.loads(self.system.run("chat", "show", ACCOUNT, contact, "--json"))
        self.assertEqual((shown["session"], shown["handoff"]), (True, True))
        self.system.run("chat", "resume", ACCOUNT, contact)
        self.assertEqual(self.system.answers(contact, 3)[2], "I am back: support lamps")
        self.assertEqual(self.chat_is(contact, "active")["handoff"]["over"], "operator")

    def test_the_person_gives_the_chat_back_after_all_workers_died(self):
        contact = "595981700002"
        person = self.hand_off(contact)
        self.system.kill_worker_children()
        self.client.deliver(person.says("no word of the flow's"))
        self.client.deliver(person.says("MENU"))
        self.assertEqual(self.system.answers(contact, 3, 30)[2], "I am back: support lamps")
        self.assertEqual(self.chat_is(contact, "active")["handoff"]["over"], "keyword")
        self.system.at_rest()
        self.assertEqual(len(self.client.sent_to(contact)), 3)

    def test_the_time_gives_the_chat_back(self):
        contact = "7012345678700003"
        person = self.client.person("messenger", contact)
        self.client.deliver(person.says("Hello"))
        self.system.answers(contact, 1)
        self.client.deliver(person.says("Are you there?"))
        self.assertEqual(self.system.answers(contact, 2), ["One moment.", "Nobody was there."])
        first, second = self.client.sent_to(contact)
        self.assertGreaterEqual(second["at"] - first["at"], 2400)
        self.assertEqual(self.chat_is(contact, "active")["handoff"]["over"], "time")

    def test_what_is_recorded_is_in_mongodb_and_in_the_next_session(self):
        contact = "595981700004"
        person = self.hand_off(contact)
        self.client.deliver(person.says("menu"))
        self.system.answers(contact, 3)
        known = wait_for(lambda: (c := self.client.mongo.contacts.find_one({"contactId": contact})) and "tags" in c and c,
                         "the contact to be recorded")
        self.assertEqual((known["tags"], known["email"], known["customFields"], known["name"]),
                         (["support", "lamps"], "ana@shop.example", {"Topic": "lamps"}, "Ana R"))
        self.client.deliver(person.says("Hello again"))
        self.system.answers(contact, 4)
        session = wait_for(lambda: self.client.mongo.chat_sessions.find_one(
            {"chat": {"$regex": f":{contact}$"}, "status": "active"}), "the second session")
        self.assertEqual(session["variables"]["contact"]["tags"], ["support", "lamps"])
        self.assertEqual(session["variables"]["contact"]["email"], "ana@shop.example")

    def test_nothing_is_missing_after_all_that(self):
        contact = "595981700005"
        self.hand_off(contact)
        self.system.run("chat", "resume", ACCOUNT, contact)
        self.system.answers(contact, 3)
        self.system.at_rest()
        self.assertIn("balance", self.system.run("queue", "audit"))


if __name__ == "__main__":
    unittest.main()
