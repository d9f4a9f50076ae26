# SPDX-License-Identifier: MIT
"""What is killed, frozen or cut off: nothing is lost, nothing doubled, and what is ambiguous is settled by policy."""

import os
import signal
import unittest

from system import System, flow, wait_for

HELLO = flow(("s", "start", {}), ("m", "message", {"message": "one"}), ("n", "message", {"message": "two"}),
             ("e", "end", {}))
PAUSE = flow(("s", "start", {}), ("m", "message", {"message": "before"}), ("d", "delay", {"delay": 3000}),
             ("n", "message", {"message": "after"}), ("e", "end", {}), name="Pause")


class Faults(unittest.TestCase):
    def start(self, document, platform="whatsapp", *options, **settings):
        self.system = self.enterContext(System(**settings))
        self.system.connect(platform, document, *options)
        self.client = self.system.client

    def test_events_that_came_while_no_worker_ran_are_answered_later(self):
        self.start(HELLO)
        people = [self.client.person("whatsapp", f"59596000{i:04}") for i in range(20)]
        for person in people:
            self.assertEqual(self.client.deliver(person.says("hi")), 200)
        self.system.start_worker(2)
        for person in people:
            self.assertEqual(self.system.answers(person.contact, 2), ["one", "two"])

    def test_a_delay_outlives_the_worker_that_began_it(self):
        self.start(PAUSE)
        self.system.start_worker()
        person = self.client.person("whatsapp", "595961000001")
        self.client.deliver(person.says("hi"))
        self.system.answers(person.contact, 1)
        self.system.at_rest()
        self.system.stop("worker", signal.SIGKILL)
        self.system.start_worker(name="second")
        self.assertEqual(self.system.answers(person.contact, 2), ["before", "after"])
        first, second = self.client.sent_to(person.contact)
        self.assertGreaterEqual(second["at"] - first["at"], 2990)

    def test_a_graceful_stop_finishes_what_is_under_way(self):
        self.start(HELLO)
        self.client.sim_behave(match={"platform": "whatsapp"}, times=1, delay_ms=800)
        self.system.start_worker()
        person = self.client.person("whatsapp", "595962000001")
        self.client.deliver(person.says("hi"))
        redis = self.client.redis
        wait_for(lambda: any(redis.hget(key, "att") for key in redis.keys("hm:*:chat:*:" + person.contact)),
                 "the message to be on its way")
        self.system.stop("worker")
        self.assertEqual(self.system.answers(person.contact, 2), ["one", "two"])
        self.assertEqual([m["content"] for m in self.client.messages(person.contact, "out")], ["one", "two"])

    def test_killed_workers_lose_and_double_no_event(self):
        self.start(flow(("s", "start", {}), ("i", "input", {"inputType": "text", "variable": "x"}), ("e", "end", {})))
        self.system.start_worker(2)
        people = [self.client.person("whatsapp", f"59596300{i:04}") for i in range(60)]
        for i, person in enumerate(people):
            self.client.deliver(person.says("first"))
            if i % 20 == 10:
                self.assertGreater(self.system.kill_worker_children(), 0)
        for person in people:
            self.client.deliver(person.says("second"))
        mongo = self.client.mongo
        wait_for(lambda: mongo.chat_sessions.count_documents({"status": "completed"}) == 60, "60 sessions", 60)
        self.system.at_rest()
        self.assertEqual(mongo.chat_sessions.count_documents({}), 60)
        self.assertEqual({s["variables"]["x"] for s in mongo.chat_sessions.find()}, {"second"})
        self.assertEqual(mongo.messages.count_documents({}), 120)
        self.assertEqual({c["messageCount"] for c in mongo.chats.find()}, {2})

    def test_a_lost_answer_is_settled_by_the_status_of_the_message(self):
        self.start(HELLO)
        self.system.start_worker()
        person = self.client.person("whatsapp", "595964000001")
        self.client.sim_behave(match={"to": person.contact}, times=1, drop="after")
        self.client.deliver(person.says("hi"))
        lost = wait_for(lambda: [r for r in self.client.sim_requests() if r["text"] == "one"], "the message")[0]
        wait_for(lambda: self.client.redis.keys("hm:*:parked"), "the chat to be parked")
        self.client.deliver(person.status(lost["message_id"], "sent", lost["attempt"]))
        wait_for(lambda: self.client.mongo.chat_sessions.find_one({"status": "completed"}), "the end of the session")
        texts = [r["text"] for r in self.client.sim_requests() if r["kind"] == "text"]
        self.assertEqual(texts, ["one", "two"])
        records = self.client.messages(person.contact, "out")
        self.assertEqual([m["platformMessageId"] for m in records][0], lost["message_id"])

    def ambiguous_texts(self, policy):
        self.start(HELLO, "whatsapp", "--ambiguous", policy)
        self.system.start_worker()
        person = self.client.person("whatsapp", "595965000001")
        self.client.sim_behave(match={"to": person.contact}, times=1, drop="after")
        self.client.deliver(person.says("hi"))
        wait_for(lambda: self.client.mongo.chat_sessions.find_one({"status": "completed"}), "the end of the session")
        return [r["text"] for r in self.client.sim_requests() if r["kind"] == "text"]

    def test_what_nobody_settles_is_sent_again_by_the_policy_resend(self):
        self.assertEqual(self.ambiguous_texts("resend"), ["one", "one", "two"])

    def test_what_nobody_settles_is_left_by_the_policy_skip(self):
        self.assertEqual(self.ambiguous_texts("skip"), ["one", "two"])
        self.assertEqual(self.client.mongo.messages.find_one({"content": "one"})["status"], "unknown")

    def test_a_bad_token_parks_the_work_and_marks_the_account(self):
        self.start(HELLO)
        self.system.start_worker()
        person = self.client.person("whatsapp", "595966000001")
        self.client.sim_behave(match={"to": person.contact}, times=1, status=401, body={
            "error": {"message": "Error validating access token", "type": "OAuthException", "code": 190}})
        self.client.deliver(person.says("hi"))
        account = wait_for(lambda: self.client.mongo.integrations.find_one({"status": "error"}), "status error")
        self.assertIn("Error validating access token", account["errorLog"][-1]["error"])
        wait_for(lambda: self.client.redis.keys("hm:*:parked"), "the chat to be parked")
        self.system.run("account", "rotate-token", "--account", "whatsapp:" + account["accountId"], "--token", "fresh")
        self.assertEqual(self.system.answers(person.contact, 2), ["one", "two"])

    def test_a_stored_session_that_cannot_be_read_harms_nobody_else(self):
        self.start(HELLO)
        self.system.start_worker()
        person, other = (self.client.person("whatsapp", f"59596800000{i}") for i in range(2))
        self.client.sim_behave(match={"to": person.contact}, times=1, status=503, body="busy")
        self.client.deliver(person.says("hi"))
        redis = self.client.redis
        wait_for(lambda: redis.keys("hm:*:parked"), "the chat to be parked")
        chat = redis.keys("hm:*:chat:*:" + person.contact)[0]
        redis.hset(chat, "state", redis.hget(chat, "state").replace(b"steps", b"strides"))
        self.client.deliver(other.says("hi"))
        self.assertEqual(self.system.answers(other.contact, 2), ["one", "two"])
        self.client.deliver(person.says("hi again"))
        self.assertEqual(self.system.answers(person.contact, 2), ["one", "two"])
        self.assertNotIn("worker.died", self.system.log("worker"))

    def test_without_redis_and_without_a_spool_a_delivery_is_503_and_afterwards_taken(self):
        self.start(HELLO, HOOKMILL_SPOOL_DIRECTORY="")
        self.system.start_worker()
        person = self.client.person("whatsapp", "595967000001")
        redis = self.system.processes["redis"].pid
        item = person.says("hi")
        os.kill(redis, signal.SIGSTOP)
        try:
            self.assertEqual(self.client.deliver(item), 503)
        finally:
            os.kill(redis, signal.SIGCONT)
        wait_for(lambda: self.client.deliver(item) == 200, "the listener to take it")
        self.assertEqual(self.system.answers(person.contact, 2), ["one", "two"])
        self.system.at_rest()
        self.assertEqual(len(self.client.sent_to(person.contact)), 2)


if __name__ == "__main__":
    unittest.main()
