# SPDX-License-Identifier: MIT
"""What is neither a message nor a tap: each kind of event goes where it belongs, and only there."""

import json
import unittest

from system import ACCOUNTS, System, flow, wait_for

PAGE = ACCOUNTS["messenger"]
NUMBER = ACCOUNTS["whatsapp"]
ASK = flow(("s", "start", {}), ("ask", "input", {"message": "What is your name?", "variable": "name"}),
           ("hello", "message", {"message": "Hello {{ name }}!"}), ("e", "end", {}), name="Ask")
BY_LINK = flow(("s", "start", {"on": ["message", "referral", "comment"]}),
               ("by", "message", {"message": "{{ event.kind }} by {{ event.referral.ref | default: 'nobody' }}"}),
               ("ask", "input", {"message": "And?", "variable": "more"}),
               ("hello", "message", {"message": "You said {{ more }}."}), ("e", "end", {}), name="By link")
INBOX = 263902037430900  # the app id of a page's inbox


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = cls.enterClassContext(System(HOOKMILL_APP_DEMO_ID="1517776481860111"))
        cls.system.connect("whatsapp", ASK)
        cls.system.connect("messenger", BY_LINK)
        cls.system.start_worker()
        cls.client = cls.system.client
        cls.mongo = cls.client.mongo

    # What Meta would send

    def page(self, contact, **element):
        """An element of messaging[] from a person."""
        return self.client.person("messenger", contact)._page_item(**element)

    def echo(self, contact, mid, text, **more):
        item = self.page(contact, message={"mid": mid, "text": text, "is_echo": True, **more})
        item.element.update(sender={"id": PAGE}, recipient={"id": contact})
        return item

    def whatsapp(self, field, **value):
        value = {"messaging_product": "whatsapp",
                 "metadata": {"display_phone_number": "14155550123", "phone_number_id": NUMBER}, **value}
        body = {"object": "whatsapp_business_account",
                "entry": [{"id": "215566778899001", "changes": [{"field": field, "value": value}]}]}
        self.assertEqual(self.client.post(json.dumps(body).encode()), 200)

    def comment(self, contact, comment_id, text, verb="add"):
        value = {"item": "comment", "verb": verb, "comment_id": comment_id, "post_id": PAGE + "_1",
                 "parent_id": PAGE + "_1", "from": {"id": contact, "name": "Ana R"}, "message": text,
                 "created_time": 1790416819}
        body = {"object": "page",
                "entry": [{"id": PAGE, "time": 1790416820, "changes": [{"field": "feed", "value": value}]}]}
        self.assertEqual(self.client.post(json.dumps(body).encode()), 200)

    # What is in MongoDB

    def message(self, platform_id, **more):
        return self.mongo.messages.find_one({"platformMessageId": platform_id, **more})

    def chat(self, contact):
        return self.mongo.chats.find_one({"key": {"$regex": f":{contact}$"}})

    def session(self, contact):
        return self.mongo.chat_sessions.find_one({"chat": {"$regex": f":{contact}$"}})

    def history(self, contact, text):
        """Whether the chat's history has a note with this text."""
        entries = [e for doc in self.mongo.session_history.find({"chat": {"$regex": f":{contact}$"}})
                   for e in doc["entries"]]
        return [e for e in entries if text in e.get("text", "")]

    # Starting and answering

    def test_a_referral_starts_a_flow_and_does_not_answer_its_question(self):
        contact = "7012345679000001"
        link = {"ref": "spring", "source": "SHORTLINK", "type": "OPEN_THREAD"}
        self.client.deliver(self.page(contact, referral=link))
        self.assertEqual(self.system.answers(contact, 2), ["referral by spring", "And?"])
        self.client.deliver(self.page(contact, referral={**link, "ref": "summer"}))
        self.system.at_rest()
        self.assertEqual(len(self.client.sent_to(contact)), 2)
        self.client.deliver(self.client.person("messenger", contact).says("blue"))
        self.assertEqual(self.system.answers(contact, 3)[2], "You said blue.")

    def test_a_comment_starts_a_flow_that_asks_for_comments_and_no_other(self):
        self.comment("7012345679000002", "99_1", "price?")
        self.assertEqual(self.system.answers("7012345679000002", 2)[0], "comment by nobody")
        comment = wait_for(lambda: self.message("99_1"), "the comment")
        self.assertEqual((comment["messageType"], comment["content"], comment["metadata"]["target"]),
                         ("comment", "price?", PAGE + "_1"))
        self.comment("7012345679000002", "99_1", "price, please?", verb="edited")
        wait_for(lambda: self.message("99_1", content="price, please?"), "the changed comment")
        self.comment("7012345679000002", "99_1", "", verb="remove")
        wait_for(lambda: self.message("99_1", deleted=True, content=""), "the comment to be gone")
        self.system.at_rest()
        self.assertEqual(len(self.client.sent_to("7012345679000002")), 2)

    def test_an_opt_in_is_recorded_where_a_flow_asks_only_for_others(self):
        contact = "7012345679000003"
        self.client.deliver(self.page(contact, optin={"type": "notification_messages", "payload": "NEWS"}))
        wait_for(lambda: self.mongo.session_history.find_one({"chat": {"$regex": f":{contact}$"}}), "the history")
        self.assertEqual(self.client.sent_to(contact), [])

    # What becomes of messages

    def begin(self, contact):
        """A Messenger chat with its first two answers; returns what was sent, and the person."""
        person = self.client.person("messenger", contact)
        self.client.deliver(person.says("hi"))
        self.system.answers(contact, 2)
        wait_for(lambda: len(self.client.messages(contact)) == 3, "the messages")
        return self.client.sent_to(contact), person

    def test_delivery_and_read_move_what_was_sent_by_then(self):
        contact = "7012345679000004"
        sent, _ = self.begin(contact)
        first, second = (s["message_id"] for s in sent)
        self.client.deliver(self.page(contact, delivery={"mids": [first], "watermark": 1}))
        wait_for(lambda: self.message(first, status="delivered"), "the delivery")
        self.assertEqual(self.message(second)["status"], "accepted")
        later = int(self.message(second)["timestamp"].timestamp() * 1000) + 3600000 * 24
        self.client.deliver(self.page(contact, read={"watermark": later}))
        for id in (first, second):
            wait_for(lambda id=id: self.message(id, status="read"), "the read receipt")
        self.client.deliver(self.page(contact, delivery={"watermark": later}))
        self.system.at_rest()
        self.assertEqual(self.message(second)["status"], "read")

    def test_a_reaction_is_on_its_message_until_it_is_taken_back(self):
        contact = "7012345679000005"
        sent, _ = self.begin(contact)
        mid = sent[0]["message_id"]
        love = {"mid": mid, "action": "react", "reaction": "love", "emoji": "❤"}
        self.client.deliver(self.page(contact, reaction=love))
        wait_for(lambda: self.message(mid, **{"reactions.0.emoji": "❤"}), "the reaction")
        self.client.deliver(self.page(contact, reaction={"mid": mid, "action": "unreact"}))
        wait_for(lambda: self.message(mid, reactions=[]), "the reaction to be gone")
        self.system.at_rest()
        self.assertEqual(len(self.client.sent_to(contact)), 2)

    def test_an_edit_changes_the_record_and_an_unsending_purges_it(self):
        contact = "7012345679000006"
        _, person = self.begin(contact)
        secret = person.says("My PIN is fourtytwo")
        self.client.deliver(secret)
        self.system.answers(contact, 3)
        edit = {"mid": secret.id, "text": "My PIN is fourtythree", "num_edit": 1}
        self.client.deliver(self.page(contact, message_edit=edit))
        wait_for(lambda: self.message(secret.id, edited=True, content="My PIN is fourtythree"), "the edit")
        self.client.deliver(self.page(contact, message={"mid": secret.id, "is_deleted": True}))
        gone = wait_for(lambda: self.message(secret.id, deleted=True), "the message to be gone")
        self.assertEqual(gone["content"], "")
        self.system.at_rest()
        for name in ("messages", "session_history", "receipts"):
            kept = [d for d in self.mongo[name].find({"content": {"$not": {"$regex": "^You said"}}})
                    if "fourty" in str([e for e in d.get("entries", [d]) if e.get("k") not in ("effect", "session")])]
            self.assertEqual(kept, [], name)

    def test_an_unsending_in_the_same_delivery_leaves_no_words(self):
        contact = "7012345679000007"
        self.system.stop("worker")
        item = self.client.person("messenger", contact).says("never said")
        self.client.deliver(item, self.page(contact, message={"mid": item.id, "is_deleted": True}))
        self.system.start_worker()
        gone = wait_for(lambda: self.message(item.id), "the message")
        self.assertEqual((gone["content"], gone["deleted"]), ("", True))
        history = wait_for(lambda: self.mongo.session_history.find_one({"chat": {"$regex": f":{contact}$"}}),
                           "the history")
        self.assertNotIn("never said", str([e for e in history["entries"] if e["k"] == "in"]))

    # Echoes

    def test_an_echo_of_ours_confirms_it_and_pauses_nothing(self):
        contact = "7012345679000008"
        sent, person = self.begin(contact)
        self.client.deliver(self.echo(contact, sent[0]["message_id"], "message by nobody",
                                      app_id=1517776481860111))
        wait_for(lambda: self.message(sent[0]["message_id"], status="sent"), "the confirmation")
        self.client.deliver(self.echo(contact, sent[1]["message_id"], "And?"))  # Meta left its app out
        wait_for(lambda: self.message(sent[1]["message_id"], status="sent"), "the confirmation")
        self.client.deliver(person.says("blue"))
        self.assertEqual(self.system.answers(contact, 3)[2], "You said blue.")
        self.assertNotIn("pausedUntil", self.chat(contact))
        self.assertEqual(self.mongo.messages.count_documents({"platformMessageId": sent[1]["message_id"]}), 1)

    def test_a_person_who_answers_pauses_the_flow_and_stands_in_the_thread(self):
        contact = "7012345679000009"
        _, person = self.begin(contact)
        self.client.deliver(self.echo(contact, "m_person_1", "Eva here, how can I help?", app_id=INBOX))
        echo = wait_for(lambda: self.message("m_person_1"), "the person's message")
        self.assertEqual((echo["sender"], echo["direction"], echo["content"]),
                         ("agent", "out", "Eva here, how can I help?"))
        chat = wait_for(lambda: (c := self.chat(contact)) and c.get("pausedUntil") and c, "the pause")
        self.assertEqual(chat["lastMessage"], "Eva here, how can I help?")
        self.client.deliver(person.says("blue"))
        wait_for(lambda: self.history(contact, "because a person answered"), "the note")
        self.system.at_rest()
        self.assertEqual(len(self.client.sent_to(contact)), 2)
        self.assertEqual(self.session(contact)["status"], "active")
        self.assertEqual([m["content"] for m in self.client.messages(contact, "in")], ["hi", "blue"])

    def test_an_answer_from_the_phone_app_pauses_a_chat_that_has_not_begun(self):
        contact = "595981900001"
        self.whatsapp("smb_message_echoes", message_echoes=[
            {"from": "14155550123", "to": contact, "id": "wamid.PHONE1", "timestamp": "1790416960", "type": "text",
             "text": {"body": "I am answering from the phone"}}])
        wait_for(lambda: self.message("wamid.PHONE1", sender="agent"), "the person's message")
        person = self.client.person("whatsapp", contact)
        self.client.deliver(person.says("Hola"))
        wait_for(lambda: self.client.messages(contact, "in"), "the answer")
        self.system.at_rest()
        self.assertEqual(self.client.sent_to(contact), [])
        self.assertIsNone(self.session(contact))

    # The person

    def test_after_a_number_change_answers_go_to_the_new_number(self):
        old, new = "595981900002", "595981900003"
        person = self.client.person("whatsapp", old)
        self.client.deliver(person.says("Hola"))
        self.system.answers(old, 1)
        change = {"from": old, "id": "wamid.S1", "timestamp": "1790416814", "type": "system",
                  "system": {"body": "changed", "wa_id": new, "type": "user_changed_number"}}
        self.whatsapp("messages", messages=[change])
        self.client.deliver(self.client.person("whatsapp", new).says("Ana"))
        self.assertEqual(self.system.answers(new, 1), ["Hello Ana!"])
        self.assertEqual(len(self.client.sent_to(old)), 1)
        contact = wait_for(lambda: self.mongo.contacts.find_one({"contactId": old, "aliases": new}), "the alias")
        self.assertEqual(contact["address"], new)
        self.assertEqual(self.mongo.messages.count_documents({"chat": f"whatsapp:{NUMBER}:{new}"}), 0)

    def test_calls_and_preferences_are_recorded(self):
        contact = "595981900004"
        self.whatsapp("calls", contacts=[{"profile": {"name": "Ana R"}, "wa_id": contact}], calls=[
            {"id": "wacid.1", "from": contact, "to": "14155550123", "event": "connect", "timestamp": "1790416840",
             "direction": "USER_INITIATED", "session": {"sdp_type": "offer", "sdp": "v=0\r\n"}}])
        call = wait_for(lambda: self.message("wacid.1"), "the call")
        self.assertEqual((call["messageType"], call["direction"]), ("call", "in"))
        self.whatsapp("user_preferences", contacts=[{"profile": {"name": "Ana R"}, "wa_id": contact}],
                      user_preferences=[{"wa_id": contact, "detail": "stop", "category": "marketing_messages",
                                         "value": "stop", "timestamp": 1790416950}])
        wait_for(lambda: self.mongo.contacts.find_one({"contactId": contact, "preference.value": "stop"}),
                 "the preference")
        self.assertEqual(self.client.sent_to(contact), [])

    def test_a_delivery_can_be_followed_to_its_last_effect(self):
        contact = "7012345679000010"
        self.begin(contact)
        first, *answers = self.client.messages(contact)
        delivery = first["metadata"]["delivery"]
        self.assertEqual([a["metadata"]["delivery"] for a in answers], [delivery] * len(answers))
        history = wait_for(lambda: self.mongo.session_history.find_one({"chat": {"$regex": f":{contact}$"}}), "its history")
        self.assertEqual(history["entries"][0]["delivery"], delivery)


if __name__ == "__main__":
    unittest.main()
