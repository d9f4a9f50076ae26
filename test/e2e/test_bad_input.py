# SPDX-License-Identifier: MIT
"""Bad input: each gets a clear answer, and nothing else is disturbed or lost."""

import json
import unittest
import urllib.parse

from system import VERIFY_TOKEN, System, flow, wait_for

from client import delivery


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.system = cls.enterClassContext(System())
        cls.system.connect("whatsapp", flow(("s", "start", {}), ("m", "message", {"message": "hello {{ last.text }}"}),
                                            ("e", "end", {})))
        cls.system.start_worker()
        cls.client = cls.system.client

    def letters(self):
        return [json.loads(line) for line in self.system.run("queue", "dead", "list", "--json").splitlines()]

    def still_works(self, contact):
        person = self.client.person("whatsapp", contact)
        self.assertEqual(self.client.deliver(person.says("there")), 200)
        self.assertEqual(self.system.answers(contact, 1), ["hello there"])

    def test_a_wrong_or_missing_signature_is_401(self):
        body = delivery(self.client.person("whatsapp", "595990000001").says("x"))
        good = self.client.signature(body)
        for bad in ("", "sha256=", good[:-1], good + "0", good.upper(), "sha1=" + good[7:], "sha256=" + "0" * 64,
                    self.client.signature(body, "another secret")):
            self.assertEqual(self.client.post(body, bad or " "), 401, bad)
        self.assertEqual(self.client.request("POST", self.client.url, body)[0], 401)
        self.assertEqual(self.client.post(body + b" ", good), 401)
        self.system.at_rest()
        self.assertEqual(self.client.messages("595990000001"), [])

    def test_a_signed_body_that_cannot_be_understood_is_buried_and_answered_200(self):
        deep = b'{"object":"page","entry":' + b"[" * 100 + b"]" * 100 + b"}"
        bodies = [b"", b"not json", b'{"object":"page"', b'{"object":"page","entry":[{"id":"\xff\xfe"}]}', deep,
                  b'{"object":"unheard_of","entry":[]}', b"[]", b'{"object":"page","entry":[{"id":"a\\u0000b"}]}']
        before = len(self.letters())
        for body in bodies:
            self.assertEqual(self.client.post(body), 200, body[:60])
        letters = wait_for(lambda: (l := self.letters()) and len(l) == before + len(bodies) and l, "the dead letters")
        self.assertTrue(all(letter["app"] == "demo" and letter["reason"] for letter in letters[-len(bodies):]))
        self.still_works("595990000002")

    def test_a_body_over_the_bound_is_413_and_one_at_it_is_taken(self):
        item = self.client.person("whatsapp", "595990000003").says("hello")
        room = (4 << 20) - len(delivery(item))
        whole = delivery(item)
        self.assertEqual(self.client.post(whole + b" " * (room + 1)), 413)
        self.assertEqual(self.client.post(whole + b" " * room), 200)
        self.assertEqual(self.system.answers("595990000003", 1), ["hello hello"])

    def test_odd_elements_do_not_cost_their_neighbours(self):
        good = self.client.person("whatsapp", "595990000004").says("neighbour")
        body = json.loads(delivery(good).replace(b"\\/", b"/"))
        value = body["entry"][0]["changes"][0]["value"]
        value["messages"] = [7, None, {"type": "hologram", "id": "wamid.h", "from": "1"}, "x", *value["messages"], []]
        body["entry"] += [5, {"id": None}, {"id": "1", "changes": [None, {"field": 3}]}]
        self.assertEqual(self.client.post(json.dumps(body).encode()), 200)
        self.assertEqual(self.system.answers("595990000004", 1), ["hello neighbour"])

    def test_the_challenge_is_echoed_only_for_the_right_token(self):
        def challenge(**parameters):
            query = urllib.parse.urlencode({"hub." + name: value for name, value in parameters.items()})
            return self.client.request("GET", self.client.url + "?" + query)

        self.assertEqual(challenge(mode="subscribe", verify_token=VERIFY_TOKEN, challenge="11 58+2"), (200, b"11 58+2"))
        self.assertEqual(challenge(mode="subscribe", verify_token="wrong", challenge="1")[0], 403)
        self.assertEqual(challenge(mode="subscribe", challenge="1")[0], 400)
        self.assertNotEqual(challenge(mode="unsubscribe", verify_token=VERIFY_TOKEN, challenge="1")[0], 200)

    def test_unknown_paths_apps_and_methods_are_refused(self):
        body = delivery(self.client.person("whatsapp", "595990000005").says("x"))
        self.assertEqual(self.client.post(body, url=self.client.base + "/webhooks/other"), 404)
        self.assertEqual(self.client.post(body, url=self.client.base + "/elsewhere"), 404)
        self.assertEqual(self.client.request("DELETE", self.client.url)[0], 405)

    def test_health_readiness_and_metrics_can_be_asked_for(self):
        self.assertEqual(self.client.request("GET", self.client.base + "/healthz")[0], 200)
        self.assertEqual(self.client.request("GET", self.client.base + "/readyz")[0], 200)
        status, text = self.client.request("GET", self.client.base + "/metrics")
        self.assertEqual(status, 200)
        self.assertIn(b"# TYPE ", text)


class BadAnswers(unittest.TestCase):
    """What Graph, Groq and APIs may answer."""

    @classmethod
    def setUpClass(cls):
        cls.system = cls.enterClassContext(System())
        cls.system.connect("whatsapp", flow(("s", "start", {}), ("m", "message", {"message": "hello"}), ("e", "end", {})))
        cls.system.connect("instagram", flow(("s", "start", {}), ("a", "ai", {"prompt": "{{ last.text }}"}),
                                             ("e", "end", {}), name="AI"))
        cls.system.start_worker()
        cls.client = cls.system.client

    def session(self, contact):
        return wait_for(lambda: self.client.mongo.chat_sessions.find_one(
            {"chat": {"$regex": f":{contact}$"}, "status": {"$ne": "active"}}), "the end of the session")

    def test_a_permanent_refusal_ends_the_session_with_meta_s_words(self):
        contact = "595970000001"
        self.client.sim_behave(match={"to": contact}, times=1, status=400, body={
            "error": {"message": "(#131026) Message undeliverable", "type": "OAuthException", "code": 131026}})
        self.client.deliver(self.client.person("whatsapp", contact).says("x"))
        session = self.session(contact)
        self.assertEqual(session["status"], "error")
        self.assertIn("131026", session["error"])
        self.assertIn("'m'", session["error"])
        record = self.client.messages(contact, "out")[0]
        self.assertEqual(record["status"], "failed")

    def test_an_answer_that_is_no_json_is_tried_again(self):
        contact = "595970000002"
        self.client.sim_behave(match={"to": contact}, times=1, status=503, body="<html>Service Unavailable</html>")
        self.client.deliver(self.client.person("whatsapp", contact).says("x"))
        self.assertEqual(self.system.answers(contact, 1), ["hello"])
        self.assertEqual(self.session(contact)["status"], "completed")

    def test_a_groq_answer_that_is_no_json_is_an_error_of_the_session(self):
        contact = "6123450009000009"
        self.client.sim_behave(match={"platform": "groq"}, times=1, status=200, body="surely not json")
        self.client.deliver(self.client.person("instagram", contact).says("x"))
        session = self.session(contact)
        self.assertEqual(session["status"], "error")
        self.assertIn("'a'", session["error"])

    def test_a_retired_model_gives_way_to_the_next(self):
        contact = "6123450009000010"
        self.client.sim_behave(match={"platform": "groq"}, times=1, status=404, body={
            "error": {"message": "The model does not exist", "type": "invalid_request_error", "code": "model_not_found"}})
        self.client.deliver(self.client.person("instagram", contact).says("still there?"))
        self.assertIn("still there?", self.system.answers(contact, 1)[0])


if __name__ == "__main__":
    unittest.main()
