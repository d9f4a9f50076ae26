# SPDX-License-Identifier: MIT
"""Several flows on one account: which of them an event starts, what beats a session that waits, and starts by hand."""

import json
import unittest
import uuid

from system import ACCOUNTS, System, flow, wait_for

PAGE = ACCOUNTS["messenger"]


def answers(name, text, *triggers, waits=False, **more):
    """A flow that says one thing, and may then wait for an answer."""
    ask = (("ask", "input", {"message": "And?", "variable": "more"}),) if waits else ()
    return flow(("s", "start", {"triggers": list(triggers)} if triggers else {}), ("m", "message", {"message": text}),
                *ask, ("e", "end", {}), name=name, **more)


def edges(words):
    """Edges as "from>to" and "from:handle>to"."""
    ends = [word.split(">") for word in words.split()]
    return [{"id": f"e{i}", "source": a.split(":")[0], "target": b, **({"sourceHandle": a.split(":")[1]} if ":" in a else {})}
            for i, (a, b) in enumerate(ends)]


# In the order of the account's list.
FLOWS = [
    answers("fallback", "I did not understand.", {"type": "default"}),
    answers("menu", "Here is the menu.", {"type": "keyword", "words": ["menu", "menú"]}, waits=True),
    answers("stop", "Stopped.", {"type": "keyword", "words": "stop", "match": "exact", "interrupts": True}),
    answers("welcome", "Welcome, {{ contact.id }}!", "first_message"),
    answers("tapped", "You tapped.", {"type": "postback", "payloads": ["BUY:*"]}),
    answers("thanks", "Thanks for {{ event.emoji }}!", {"type": "reaction", "emoji": ["❤"]}),
    answers("again", "Again?", {"type": "reaction", "emoji": ["🔁"], "interrupts": True}),
    answers("price", "It is 7 Euro; you wrote {{ event.id }}.", {"type": "comment", "words": ["price"], "privateReply": True}),
    flow(("s", "start", {"triggers": ["manual"]}), ("now", "window", {}), ("open", "message", {"message": "Still there?"}),
         ("closed", "end", {"message": "Too late."}), ("e", "end", {}), name="remind",
         edges=edges("s>now now:open>open now:closed>closed open>e")),
    flow(("s", "start", {"triggers": [{"type": "keyword", "words": ["hours"]}]}),
         ("now", "schedule", {"variable": "office"}), ("open", "message", {"message": "We are here."}),
         ("closed", "message", {"message": "Closed until {{ office.opensAt | slice: 11, 16 }}."}), ("e", "end", {}), name="hours",
         edges=edges("s>now now:open>open now:closed>closed open>e closed>e")),
    answers("order", "Order {{ order.number }} is on its way.", "manual",
            variables=[{"name": "order", "type": "object", "defaultValue": {}}]),
]


class Triggers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = cls.enterClassContext(System())
        cls.ids = {}
        cls.account("messenger", "messenger", FLOWS)
        cls.account("whatsapp", "whatsapp", [answers("plain", "Plain.", waits=True),
                                             answers("asked", "Asked.", "message_received")])
        cls.system.start_worker()
        cls.client = cls.system.client
        cls.mongo = cls.client.mongo

    @classmethod
    def import_flow(cls, document):
        path = cls.system.directory / (uuid.uuid4().hex + ".json")
        path.write_text(document)
        id = cls.system.run("flow", "import", str(path)).split()[0]
        cls.ids[json.loads(document)["name"]] = id
        return id

    @classmethod
    def account(cls, platform, name, flows):
        where = ("--platform", platform, "--id", ACCOUNTS[platform])
        cls.system.run("account", "add", *where, "--token", "token-" + platform, "--name", name)
        for id in reversed([cls.import_flow(document) for document in flows]):  # the last to be enabled is the first
            cls.system.run("account", "enable", id, *where)

    # What happens

    def person(self):
        return self.client.person("messenger", "70" + uuid.uuid4().int.__str__()[:14])

    def known(self):
        """Somebody who has been there before."""
        person = self.person()
        self.say(person, "hello")
        self.expect(person, f"Welcome, {person.contact}!")
        return person

    def say(self, person, text):
        self.client.deliver(person.says(text))

    def comment(self, contact, text):
        id = "99_" + uuid.uuid4().hex[:8]
        value = {"item": "comment", "verb": "add", "comment_id": id, "post_id": PAGE + "_1", "parent_id": PAGE + "_1",
                 "from": {"id": contact, "name": "Ana R"}, "message": text, "created_time": 1790416819}
        body = {"object": "page",
                "entry": [{"id": PAGE, "time": 1790416820, "changes": [{"field": "feed", "value": value}]}]}
        self.assertEqual(self.client.post(json.dumps(body).encode()), 200)
        return id

    def react(self, person, mid, emoji):
        self.client.deliver(person._page_item(reaction={"mid": mid, "action": "react", "reaction": "other",
                                                        "emoji": emoji}))

    def start(self, name, contact, *options):
        return self.system.command("flow", "start", name, "--account", "messenger:" + PAGE, "--contact", contact, *options)

    # What came of it

    def expect(self, person, *texts):
        """The person's last answers."""
        contact = person if isinstance(person, str) else person.contact
        seen = getattr(self, "seen", {})
        self.seen = seen
        count = seen.get(contact, 0)
        self.assertEqual(self.system.answers(contact, count + len(texts))[count:], list(texts))
        seen[contact] = count + len(texts)

    def expect_silence(self, person):
        self.system.at_rest()
        contact = person if isinstance(person, str) else person.contact
        self.assertEqual(len(self.client.sent_to(contact)), getattr(self, "seen", {}).get(contact, 0))

    def entries(self, contact, kind):
        return [e for doc in self.mongo.session_history.find({"chat": {"$regex": f":{contact}$"}})
                for e in doc["entries"] if e["k"] == kind]

    def has_note(self, contact, text):
        return wait_for(lambda: [n for n in self.entries(contact, "note") if text in n["text"]], f"a note on {text}")

    def sessions(self, contact):
        return {s["flowId"].__str__(): s["status"]
                for s in self.mongo.chat_sessions.find({"chat": {"$regex": f":{contact}$"}})}

    # Choosing

    def test_the_first_contact_is_welcomed_once(self):
        person = self.known()
        self.say(person, "hello again")
        self.expect(person, "I did not understand.")
        wait_for(lambda: [s["trigger"] for s in self.entries(person.contact, "start")] in
                 (["first contact", "default"], ["default", "first contact"]), "the history to name both triggers")

    def test_a_keyword_beats_the_first_contact_and_the_default(self):
        person = self.person()
        self.say(person, "Could I see the MENÚ, please?")
        self.expect(person, "Here is the menu.", "And?")
        wait_for(lambda: [s["trigger"] for s in self.entries(person.contact, "start")] == ["keyword 'menu'"],
                 "the history to name the keyword")

    def test_a_payload_starts_its_flow_and_another_the_default(self):
        person = self.known()
        self.client.deliver(person.starts("BUY:7", "Buy"))
        self.expect(person, "You tapped.")
        self.client.deliver(person.starts("SELL", "Sell"))
        self.expect(person, "I did not understand.")

    def test_a_comment_with_the_word_is_answered_in_private_and_others_are_not(self):
        contact = self.person().contact
        self.comment(contact, "Lovely!")
        id = self.comment(contact, "What is the price?")
        self.expect(id, f"It is 7 Euro; you wrote {id}.")
        self.expect_silence(contact)

    def test_a_flow_that_says_nothing_of_triggers_comes_last(self):
        person = self.client.person("whatsapp", "595981777001")
        self.client.deliver(person.says("Hola"))
        self.expect(person, "Asked.")

    # Reactions

    def test_a_reaction_is_on_its_message_and_may_start_a_flow(self):
        person = self.known()
        mid = self.client.sent_to(person.contact)[0]["message_id"]
        self.react(person, mid, "👍")
        wait_for(lambda: self.mongo.messages.find_one({"platformMessageId": mid, "reactions.0.emoji": "👍"}), "the thumb")
        self.expect_silence(person)
        self.react(person, mid, "❤️")
        self.expect(person, "Thanks for ❤️!")
        wait_for(lambda: self.mongo.messages.find_one({"platformMessageId": mid, "reactions.0.emoji": "❤️"}), "the heart")

    def test_a_reaction_answers_no_question_and_interrupts_where_it_may(self):
        person = self.known()
        self.say(person, "menu")
        self.expect(person, "Here is the menu.", "And?")
        mid = self.client.sent_to(person.contact)[0]["message_id"]
        self.react(person, mid, "❤️")
        self.expect_silence(person)
        self.react(person, mid, "🔁")
        self.expect(person, "Again?")

    # Interrupting

    def test_stop_ends_a_session_that_waits(self):
        person = self.known()
        self.say(person, "menu")
        self.expect(person, "Here is the menu.", "And?")
        self.say(person, "STOP!")
        self.expect(person, "Stopped.")
        self.has_note(person.contact, "was interrupted: keyword 'stop' starts flow " + self.ids["stop"])
        wait_for(lambda: self.sessions(person.contact).get(self.ids["menu"]) == "abandoned", "the end of the old session")
        ended = wait_for(lambda: [s["session"] for s in self.entries(person.contact, "session")
                                  if s["session"]["status"] == "abandoned"], "the old session in the history")
        self.assertEqual(ended[0]["outcome"], "interrupted")
        self.assertEqual(self.sessions(person.contact)[self.ids["stop"]], "completed")

    def test_what_does_not_interrupt_answers_the_question(self):
        person = self.known()
        self.say(person, "menu")
        self.expect(person, "Here is the menu.", "And?")
        self.say(person, "please stop the menu")  # the word alone, and no keyword of a flow that interrupts
        self.expect_silence(person)
        wait_for(lambda: self.sessions(person.contact).get(self.ids["menu"]) == "completed", "the answer to be taken")

    # By hand

    def test_a_flow_is_started_by_hand_with_its_variables(self):
        contact = self.person().contact
        result = self.start("order", contact, "--vars", '{"order":{"number":7}}', "--id", "order-7-" + contact)
        self.assertEqual((result.returncode, result.stdout), (0, f"order-7-{contact} queued\n"), result.stderr)
        self.expect(contact, "Order 7 is on its way.")
        again = self.start("order", contact, "--vars", '{"order":{"number":7}}', "--id", "order-7-" + contact)
        self.assertEqual(again.stdout, f"order-7-{contact} was queued before\n")
        self.expect_silence(contact)
        self.assertEqual(self.entries(contact, "start")[0]["trigger"], "manual")

    def test_a_start_by_hand_knows_when_the_person_last_wrote(self):
        person = self.known()
        self.start("remind", person.contact)
        self.expect(person, "Still there?")
        stranger = self.person()
        self.start("remind", stranger.contact)
        self.expect(stranger, "Too late.")

    def test_the_account_s_opening_hours_are_those_of_its_settings(self):
        hours = {"enabled": True, "timezone": "Asia/Kolkata", "schedule": {"monday": "09:30-09:31"}}
        changed = self.mongo.integrations.update_one({"credentials.pageId": PAGE}, {"$set": {"settings.businessHours": hours}})
        self.assertEqual(changed.matched_count, 1)
        self.system.run("account", "disable", self.ids["fallback"], "--platform", "messenger", "--id", PAGE)
        self.system.run("account", "enable", self.ids["fallback"], "--platform", "messenger", "--id", PAGE)  # announced
        person = self.known()
        self.say(person, "hours")
        self.expect(person, "Closed until 09:30.")

    def test_a_session_that_waits_is_ended_only_when_it_is_said(self):
        person = self.known()
        self.say(person, "menu")
        self.expect(person, "Here is the menu.", "And?")
        self.assertEqual(self.start("order", person.contact).returncode, 0)
        self.has_note(person.contact, "a session waits")
        self.expect_silence(person)
        self.assertEqual(self.start("order", person.contact, "--interrupt").returncode, 0)
        self.expect(person, "Order  is on its way.")
        self.has_note(person.contact, "was interrupted: manual starts flow")

    def test_what_cannot_be_started_is_refused_at_once(self):
        contact = self.person().contact
        loose = self.import_flow(answers("loose", "Loose."))
        off = self.import_flow(answers("off", "Off.", status="inactive"))
        self.system.run("account", "enable", off, "--platform", "messenger", "--id", PAGE)
        for arguments, why in (((loose, contact), "--force"), ((off, contact), "switched off"),
                               (("0" * 24, contact), "no flow has the id"), (("order", "a b"), "--contact"),
                               (("order", "~"), "--contact"), (("order", contact, "--vars", "[1]"), "--vars"),
                               (("order", contact, "--vars", '{"contact":1}'), "filled by Hookmill"),
                               (("order", contact, "--vars", "{"), "--vars")):
            result = self.start(*arguments)
            self.assertEqual(result.returncode, 1, arguments)
            self.assertIn(why, result.stderr)
        self.assertEqual(self.start(loose, contact, "--force").returncode, 0)
        self.expect(contact, "Loose.")

    def test_a_flow_that_is_disabled_meanwhile_is_refused_by_the_worker(self):
        contact = self.person().contact
        late = self.import_flow(answers("late", "Late.", "manual"))
        where = ("--platform", "messenger", "--id", PAGE)
        self.system.run("account", "enable", late, *where)
        self.system.stop("worker")
        self.assertEqual(self.start(late, contact).returncode, 0)
        self.system.run("account", "disable", late, *where)
        self.system.start_worker()
        self.has_note(contact, "it is not enabled on the account")
        self.expect_silence(contact)

    def test_the_ledger_balances_with_starts_by_hand(self):
        contact = self.person().contact
        self.start("order", contact, "--id", contact)
        self.start("order", contact, "--id", contact)
        self.expect(contact, "Order  is on its way.")
        self.system.at_rest()
        audit = self.system.command("queue", "audit")
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)

    # What is broken

    def test_a_flow_that_does_not_compile_does_not_keep_the_others_from_serving(self):
        person = self.known()
        broken = self.import_flow(answers("broken", "Broken."))
        where = ("--platform", "messenger", "--id", PAGE)
        self.system.run("account", "enable", broken, *where)
        self.mongo.flows.update_one({"name": "broken"}, {"$set": {"nodes.1.type": "no such type"}})
        self.say(person, "Buy the menu")
        self.expect(person, "Here is the menu.", "And?")
        wait_for(lambda: broken in self.system.log("worker"), "the log to name the broken flow")
        self.system.run("account", "disable", broken, *where)


if __name__ == "__main__":
    unittest.main()
