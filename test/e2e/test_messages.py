# SPDX-License-Identifier: MIT
"""Messages of all kinds, on each platform: what the Graph API gets, and what is recorded."""

import json
import unittest

from system import System, flow, wait_for

CDN, SHOP = "https://cdn.example.org/", "https://shop.example.org/7"
CARD = {"title": "Blue shoe", "subtitle": "42 EU", "image": CDN + "a.jpg", "url": SHOP}
NODES = [
    ("s", "start", {}),
    ("dots", "typing", {"duration": 10}),
    ("heart", "reaction", {"emoji": "❤"}),
    ("text", "message", {"message": "Hello {{ contact.name }}"}),
    ("image", "message", {"message": "Look", "richContent": {"type": "image", "content": {"url": CDN + "a.jpg"}}}),
    ("video", "video", {"url": CDN + "a.mp4"}),
    ("audio", "audio", {"url": CDN + "a.mp3"}),
    ("document", "document", {"url": CDN + "a.pdf", "filename": "a.pdf"}),
    ("sticker", "sticker", {"url": CDN + "a.webp"}),
    ("link", "link", {"title": "Pay now", "url": SHOP, "message": "Pay here"}),
    ("card", "card", CARD),
    ("carousel", "carousel", {"cards": [CARD, {**CARD, "title": "Red shoe"}]}),
    ("place", "richMessage", {"kind": "location", "latitude": -25.5, "longitude": -57.5, "name": "Shop"}),
    ("person", "contactCard", {"name": "Ana R", "phone": "+595981234567"}),
    ("ask", "buttons", {"message": "What next?", "footer": "Shop", "variable": "next",
                        "choices": [{"id": "list", "title": "The list"}, {"title": "Site", "url": SHOP}]}),
    ("list", "list", {"message": "Which?", "button": "See", "rows": [{"id": "r1", "title": "One", "description": "1"}]}),
    ("template", "template", {"name": "order_ready", "language": "en", "parameters": ["{{ next }}"],
                              "fallback": "Your order is ready"}),
    ("e", "end", {}),
]
# What the simulator calls the requests up to the first question.
KINDS = {
    "whatsapp": ["mark_read", "reaction", "text", "image", "video", "audio", "document", "sticker", "interactive",
                 "interactive", "interactive", "location", "contacts", "interactive"],
    "messenger": ["typing", "reaction", "text", "attachment", "text", "attachment", "attachment", "attachment",
                  "attachment", "attachment", "attachment", "attachment", "text", "text", "attachment"],
}
KINDS["instagram"] = KINDS["messenger"]
# What `messages` calls what was said.
TYPES = {
    "whatsapp": ["text", "image", "video", "audio", "document", "sticker", "link", "card", "carousel", "location",
                 "contacts", "interactive", "interactive", "template"],
    "messenger": ["text", "image", "text", "video", "audio", "document", "sticker", "link", "card", "carousel",
                  "location", "contacts", "interactive", "interactive", "text"],
}
TYPES["instagram"] = TYPES["messenger"]
CONTACTS = {"whatsapp": "595981777001", "messenger": "7012345677000001", "instagram": "6123450007000001"}
# In a row; and what follows a text that is refused because the window is closed.
LATE = ("late", "template", {"name": "come_back", "language": "en"})
EDGES = [{"id": f"e{n}", "source": one[0], "target": other[0]} for n, (one, other) in enumerate(zip(NODES, NODES[1:]))]
EDGES += [{"id": "late", "source": "text", "sourceHandle": "windowClosed", "target": "late"},
          {"id": "over", "source": "late", "target": "e"}]


class Messages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = cls.enterClassContext(System(HOOKMILL_WORKER_MARK_READ="false"))
        for platform in KINDS:
            cls.system.connect(platform, flow(*NODES, LATE, name="Kinds " + platform, edges=EDGES))
        cls.system.start_worker()
        cls.client = cls.system.client

    def requests(self, contact):
        """All that the simulator got for a person, whatever it answered."""
        return [r for r in self.client.sim_requests() if (r["to"] or "").lstrip("+") == contact
                or (r["kind"] == "mark_read" and contact in json.dumps(r["body"]))]

    def session(self, contact):
        return self.client.mongo.chat_sessions.find_one({"chat": {"$regex": f":{contact}$"}})

    def check_kinds(self, platform):
        contact, kinds, types = CONTACTS[platform], KINDS[platform], TYPES[platform]
        person = self.client.person(platform, contact)
        said = person.says("Hi", id=f"wamid.{contact}.1" if platform == "whatsapp" else None)
        self.client.deliver(said)
        wait_for(lambda: len(self.requests(contact)) >= len(kinds), f"the messages up to the question, {platform}")
        self.assertEqual([(r["kind"], r["status"]) for r in self.requests(contact)], [(kind, 200) for kind in kinds])
        self.client.deliver(person.taps("list", "The list"))
        self.system.answers(contact, len(types) - 1)
        self.client.deliver(person.taps("r1", "One"))
        self.system.answers(contact, len(types))
        wait_for(lambda: self.session(contact)["status"] == "completed", "the end of the session")
        self.assertTrue(all(r["status"] == 200 for r in self.requests(contact)))
        stored = wait_for(lambda: (m := self.client.messages(contact, "out")) and len(m) == len(types) and m,
                          "the messages to be recorded")
        self.assertEqual([m["messageType"] for m in stored], types)
        return stored

    def test_whatsapp_gets_each_kind_as_its_own(self):
        stored = self.check_kinds("whatsapp")
        self.assertEqual(stored[1]["content"], "Look\n" + CDN + "a.jpg")
        self.assertEqual(stored[1]["data"], {"type": "image", "url": CDN + "a.jpg", "caption": "Look"})
        contact = CONTACTS["whatsapp"]
        typing, reaction = self.requests(contact)[:2]
        self.assertEqual(typing["body"]["message_id"], f"wamid.{contact}.1")
        self.assertEqual(typing["body"]["typing_indicator"], {"type": "text"})
        self.assertEqual(reaction["body"]["reaction"], {"message_id": f"wamid.{contact}.1", "emoji": "❤"})
        template = self.client.sent_to(contact)[-1]["body"]["template"]
        self.assertEqual(template["components"], [{"type": "body", "parameters": [{"type": "text", "text": "The list"}]}])

    def test_messenger_gets_the_nearest_that_it_has(self):
        stored = self.check_kinds("messenger")
        self.assertEqual([m["content"] for m in stored[1:3]], [CDN + "a.jpg", "Look"])
        self.assertEqual(stored[-1]["content"], "Your order is ready")
        self.assertEqual(self.requests(CONTACTS["messenger"])[0]["body"]["sender_action"], "typing_on")

    def test_instagram_gets_the_nearest_that_it_has(self):
        self.check_kinds("instagram")

    def test_a_closed_window_leads_to_the_template(self):
        contact = "595981777002"
        error = {"error": {"message": "Re-engagement message", "type": "OAuthException", "code": 131047}}
        self.client.sim_behave(match={"to": "+" + contact, "kind": "text"}, times=1, status=400, body=error)
        self.client.deliver(self.client.person("whatsapp", contact).says("Hi"))
        wait_for(lambda: len(self.client.sent_to(contact)) == 1, "the template")
        self.assertEqual(self.client.sent_to(contact)[0]["body"]["template"]["name"], "come_back")
        wait_for(lambda: self.session(contact)["status"] == "completed", "the end of the session")

    def test_what_is_no_message_stops_nothing_when_it_fails(self):
        contact = "7012345677000003"
        for kind in ("typing", "reaction"):
            self.client.sim_behave(match={"to": contact, "kind": kind}, times=1, status=500)
        self.client.deliver(self.client.person("messenger", contact).says("Hi"))
        self.system.answers(contact, 13)
        failed = [r["kind"] for r in self.requests(contact) if r["status"] == 500]
        self.assertEqual(failed, ["typing", "reaction"])


if __name__ == "__main__":
    unittest.main()
