# SPDX-License-Identifier: MIT
"""A client of a running system, from outside: signed deliveries in Meta's own shapes, the simulator's memory,
MongoDB, Redis. Finds everything in the environment (the file that `./dev up` writes). For the demo and the tests."""

import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.request
import uuid

import pymongo
import redis

PLATFORMS = ("messenger", "instagram", "whatsapp")


def now_ms():
    return int(time.time() * 1000)


def wait_for(condition, what, seconds=20):
    """Polls until `condition()` is true and returns what it gave; fails with `what` at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.005)


class Item:
    """One element of a delivery: what Meta would send for one thing that a person did."""

    def __init__(self, platform, account, contact, element, id=None, kind="messages"):
        self.platform, self.account, self.contact = platform, account, contact
        self.element, self.id, self.kind = element, id, kind


class Person:
    """Somebody on the other side of an account; makes items."""

    def __init__(self, platform, account, contact, name="Ana R"):
        self.platform, self.account, self.contact, self.name = platform, account, contact, name

    def _new_id(self):
        return ("wamid." if self.platform == "whatsapp" else "m_") + uuid.uuid4().hex

    def _page_item(self, at=None, **element):
        base = {"sender": {"id": self.contact}, "recipient": {"id": self.account}, "timestamp": at or now_ms()}
        content = element.get("message") or element.get("postback") or {}
        return Item(self.platform, self.account, self.contact, {**base, **element}, content.get("mid"))

    def _whatsapp_item(self, id=None, at=None, **element):
        id = id or self._new_id()
        base = {"from": self.contact, "id": id, "timestamp": str((at or now_ms()) // 1000)}
        return Item(self.platform, self.account, self.contact, {**base, **element}, id)

    def says(self, text, id=None, at=None):
        if self.platform == "whatsapp":
            return self._whatsapp_item(id, at, type="text", text={"body": text})
        return self._page_item(at, message={"mid": id or self._new_id(), "text": text})

    def taps(self, payload, title):
        """A quick reply, or WhatsApp's reply button."""
        if self.platform == "whatsapp":
            reply = {"type": "button_reply", "button_reply": {"id": payload, "title": title}}
            return self._whatsapp_item(type="interactive", interactive=reply)
        return self._page_item(message={"mid": self._new_id(), "text": title, "quick_reply": {"payload": payload}})

    def starts(self, payload="GET_STARTED", title="Get started"):
        return self._page_item(postback={"mid": self._new_id(), "title": title, "payload": payload})

    def status(self, message_id, status, attempt=None):
        element = {"id": message_id, "status": status, "timestamp": str(now_ms() // 1000),
                   "recipient_id": self.contact}
        if attempt:
            element["biz_opaque_callback_data"] = attempt
        return Item(self.platform, self.account, self.contact, element, message_id, "statuses")


def delivery(*items, name="Ana R"):
    """The body of one POST with all the items, each in an entry of its account, escaped as Meta escapes."""
    platform = items[0].platform
    entries = []
    for item in items:
        if platform == "whatsapp":
            value = {"messaging_product": "whatsapp",
                     "metadata": {"display_phone_number": "14155550123", "phone_number_id": item.account},
                     "contacts": [{"profile": {"name": name}, "wa_id": item.contact}], item.kind: [item.element]}
            entries.append({"id": "215566778899001", "changes": [{"field": "messages", "value": value}]})
        else:
            entries.append({"id": item.account, "time": now_ms(), "messaging": [item.element]})
    words = {"messenger": "page", "instagram": "instagram", "whatsapp": "whatsapp_business_account"}
    body = json.dumps({"object": words[platform], "entry": entries}, separators=(",", ":"))
    return body.replace("/", "\\/").encode()


class Client:
    def __init__(self, env=None):
        env = env or os.environ
        self.env = env
        self.url, self.secret = env["HOOKMILL_WEBHOOK_URL"], env["HOOKMILL_APP_SECRET"]
        self.base = self.url.split("/webhooks/")[0]
        self.sim = env["HOOKMILL_SIM_URL"]
        self.accounts = {p: env["HOOKMILL_ACCOUNT_" + p.upper()] for p in PLATFORMS}
        self.mongo = pymongo.MongoClient(env["HOOKMILL_MONGODB_URI"]).get_default_database()
        self.redis = redis.Redis.from_url(env["HOOKMILL_REDIS_URL"])

    def person(self, platform, contact, name="Ana R"):
        return Person(platform, self.accounts[platform], contact, name)

    # Requests: (status, body)

    def request(self, method, url, body=None, headers=None):
        request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read()

    def signature(self, body, secret=None):
        return "sha256=" + hmac.new((secret or self.secret).encode(), body, hashlib.sha256).hexdigest()

    def post(self, body, signature=None, url=None):
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature or self.signature(body)}
        return self.request("POST", url or self.url, body, headers)[0]

    def deliver(self, *items):
        return self.post(delivery(*items))

    # The simulator's memory

    def sim_requests(self):
        return json.loads(self.request("GET", self.sim + "/_sim/requests")[1])

    def sim_forget(self):
        self.request("DELETE", self.sim + "/_sim/requests")

    def sim_behave(self, **behaviour):
        status, body = self.request("POST", self.sim + "/_sim/behaviour", json.dumps(behaviour).encode())
        assert status == 200, body

    def sent_to(self, contact):
        """What the simulator accepted for a person, in order: messages only, no read marks, reactions and
        typing."""
        return [r for r in self.sim_requests()
                if r["status"] == 200 and r["to"] and r["to"].lstrip("+") == contact
                and r["kind"] not in ("mark_read", "typing", "reaction")]

    # MongoDB

    def messages(self, contact=None, direction=None):
        query = {}
        if contact:
            query["chat"] = {"$in": [f"{p}:{a}:{contact}" for p, a in self.accounts.items()]}
        if direction:
            query["direction"] = direction
        return list(self.mongo.messages.find(query).sort("order", 1))
