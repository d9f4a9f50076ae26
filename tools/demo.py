#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays a conversation on each platform and counts, from outside, what became of it. Exit status 0 if, and only if,
the numbers balance. `./dev demo` runs it with the addresses of a running system in the environment."""

import collections
import subprocess
import sys
import time

from client import Client, delivery, wait_for

# (what the person does, how many messages the flow answers)
CONVERSATIONS = {
    "whatsapp": ("595981234567", [
        (lambda p: p.says("Hola, ¿están abiertos? 😀"), 2),
        (lambda p: p.says("Ana"), 1),
        (lambda p: p.taps("support", "Support"), 2),
    ]),
    "messenger": ("7012345678901234", [
        (lambda p: p.starts(), 1),
        (lambda p: p.taps("order", "My order"), 2),
    ]),
    "instagram": ("6123450009998877", [
        (lambda p: p.says("Hi!"), 1),
        (lambda p: p.says("Do you ship to Asunción?"), 1),
        (lambda p: p.says("bye"), 1),
    ]),
}


class Demo:
    def __init__(self):
        self.client = Client()
        self.deliveries = 0  # answered 200
        self.refused = 0
        self.items = []      # every item that was delivered, a redelivery not counted again
        self.failures = []

    def post(self, *items, again=False):
        status = self.client.post(delivery(*items))
        if status == 200:
            self.deliveries += 1
            self.items += [] if again else items
        else:
            self.refused += 1
            self.failures.append(f"a delivery was answered {status}")

    def play(self, platform, contact, script):
        person = self.client.person(platform, contact)
        print(f"\n{platform}  (account {person.account}, contact {contact})")
        answered = 0
        for act, expected in script:
            item = act(person)
            started = time.time()
            self.post(item)
            self.print_person(item)
            answered += expected
            self.print_answers(contact, answered - expected, answered, started)
        return item

    def print_person(self, item):
        message = item.element.get("message") or item.element.get("postback") or item.element
        text = message.get("text") or message.get("title") or message.get("interactive")
        if isinstance(text, dict):
            text = text.get("body") or text["button_reply"]["title"]
        tap = "quick_reply" in message or "postback" in item.element or "interactive" in message
        print(f"  person   {'[' + text + ']' if tap else text}")

    def print_answers(self, contact, first, last, started):
        try:
            sent = wait_for(lambda: (s := self.client.sent_to(contact)) and len(s) >= last and s,
                            f"answer {last} to {contact}")[first:last]
            for request in sent:
                record = wait_for(lambda: self.client.mongo.messages.find_one(
                    {"platformMessageId": request["message_id"]}), f"the record of {request['message_id']}")
                took = request["at"] - started * 1000
                print(f"  bot      {request['text']}")
                print(f"             node {record.get('nodeId', '?')}, after {took:.0f} ms{self.buttons(request)}")
        except TimeoutError as error:
            self.failures.append(str(error))
            print(f"  MISSING  {error}")

    @staticmethod
    def buttons(request):
        body = request["body"]
        replies = body.get("message", {}).get("quick_replies", [])
        titles = [reply["title"] for reply in replies]
        action = body.get("interactive", {}).get("action", {})
        titles += [button["reply"]["title"] for button in action.get("buttons", [])]
        return ", buttons: " + " | ".join(titles) if titles else ""

    def receipts_and_redelivery(self):
        """What Meta sends besides: the statuses of our messages, and a delivery that it thinks was lost."""
        contact = CONVERSATIONS["whatsapp"][0]
        person = self.client.person("whatsapp", contact)
        sent = self.client.sent_to(contact)
        statuses = [person.status(r["message_id"], status, r["attempt"]) for r in sent for status in ("sent", "read")]
        self.post(*statuses)
        self.post(self.items[0], again=True)
        wait_for(lambda: self.client.mongo.messages.count_documents(
            {"chat": f"whatsapp:{person.account}:{contact}", "status": "read"}) == len(sent), "the read receipts")
        print(f"\nredelivered one message, and reported {len(sent)} messages as sent and read")


def print_mongodb(mongo):
    print("\nMongoDB")
    for name in sorted(mongo.list_collection_names()):
        count = mongo[name].count_documents({})
        if count:
            print(f"  {name:<16} {count}")
    for session in mongo.chat_sessions.find().sort("startedAt", 1):
        flow = mongo.flows.find_one({"_id": session["flowId"]})
        print(f"  session of '{flow['name']}' version {session['flowVersion']}: {session['status']}, "
              f"{session['steps']} steps, {session.get('durationMs', 0)} ms")


def print_redis(client):
    print("\nRedis")
    kinds = collections.Counter()
    for key in client.redis.scan_iter(match="hm:*"):
        kinds[key.decode().split(":")[2]] += 1
    print("  keys      " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    stats = subprocess.run([client.env["HOOKMILL_BIN"], "queue", "stats"], capture_output=True, text=True, check=True)
    for line in stats.stdout.splitlines():
        print("  " + line)


def count(demo):
    """(figures, lost, duplicated), from the client's 200s, the simulator's memory and MongoDB alone."""
    client, mongo = demo.client, demo.client.mongo
    inbound = {item.id for item in demo.items if item.kind == "messages"}
    accepted = [r for r in client.sim_requests() if r["status"] == 200 and r["message_id"]
                and r["platform"] in ("messenger", "instagram", "whatsapp")]
    attempts = collections.Counter(r["attempt"] for r in accepted)
    recorded = collections.Counter(m["platformMessageId"] for m in mongo.messages.find())
    sent_ids = {r["message_id"] for r in accepted}
    steps = sum(entry["k"] == "step" for h in mongo.session_history.find() for entry in h["entries"])
    expected = sum(answers for _, script in CONVERSATIONS.values() for _, answers in script)
    lost = len((inbound | sent_ids) - set(recorded)) + max(0, expected - len(accepted))
    duplicated = sum(n - 1 for n in attempts.values()) + sum(n - 1 for n in recorded.values())
    duplicated += len(set(recorded) - inbound - sent_ids)
    figures = {"deliveries": demo.deliveries, "events": len(demo.items), "steps": steps,
               "messages sent": len(accepted), "messages recorded": sum(recorded.values())}
    return figures, lost, duplicated


def main():
    demo = Demo()
    for platform, (contact, script) in CONVERSATIONS.items():
        demo.play(platform, contact, script)
    try:
        demo.receipts_and_redelivery()
    except TimeoutError as error:
        demo.failures.append(str(error))
    print_mongodb(demo.client.mongo)
    print_redis(demo.client)
    figures, lost, duplicated = count(demo)
    open_sessions = demo.client.mongo.chat_sessions.count_documents({"status": {"$ne": "completed"}})
    if open_sessions:
        demo.failures.append(f"{open_sessions} sessions did not complete")
    balanced = not lost and not duplicated and not demo.failures and (
        figures["messages recorded"] == figures["messages sent"] + sum(i.kind == "messages" for i in demo.items))
    print()
    for failure in demo.failures:
        print(f"FAILED: {failure}")
    line = ", ".join(f"{value} {name}" for name, value in figures.items())
    print(f"{line}, {lost} lost, {duplicated} duplicated: {'balanced' if balanced else 'NOT BALANCED'}")
    return 0 if balanced else 1


if __name__ == "__main__":
    sys.exit(main())
