# SPDX-License-Identifier: MIT
"""The nodes that ask outside: API calls with secrets and retries, and a language model with tools, intents, fields."""

import base64
import http.server
import json
import threading
import unittest
import urllib.parse

from system import ACCOUNTS, System, flow, wait_for

ACCOUNT = "whatsapp:" + ACCOUNTS["whatsapp"]
KEY, PASSWORD = "sk-outside-4711/äöü&\"x", "pass word+of/outside"


class Api:
    """An API that remembers what it was asked. `answers`: what it says next, (status, body) or None for never."""

    def __init__(self):
        self.requests, self.answers, self.closing = [], [], threading.Event()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                api.requests.append((self.command, self.path, dict(self.headers), body))
                given = api.answers.pop(0) if api.answers else (200, {"echo": [self.path, str(self.headers), body]})
                if given is None:
                    api.closing.wait(60)
                    return
                text = json.dumps(given[1]).encode()
                self.send_response(given[0])
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


class Outside(unittest.TestCase):
    def setUp(self):
        self.api = Api()
        self.addCleanup(self.api.close)

    def system(self, document, **settings):
        system = self.enterContext(System(HOOKMILL_WORKER_CACHE_MS="50", **settings))
        system.connect("whatsapp", document)
        return system

    def talk(self, system, *words, contact="595984000001"):
        person = system.client.person("whatsapp", contact)
        for text in words:
            self.assertEqual(system.client.deliver(person.says(text)), 200)
        return person

    def models_asked(self, system):
        return [r["body"] for r in system.client.sim_requests() if r["kind"] == "chat.completion"]

    def everything_stored(self, system):
        """All that Redis ever wrote, all documents but the sealed secrets, and every log."""
        texts = [path.read_bytes().decode(errors="replace") for path in system.directory.rglob("*") if path.is_file()]
        for name in system.client.mongo.list_collection_names():
            texts += [repr(document) for document in system.client.mongo[name].find({}, {"secrets": 0})]
        return "\n".join(texts)

    def test_an_api_call_is_made_again_after_a_503_with_the_same_key(self):
        config = {"url": self.api.url + "/orders", "method": "POST", "bodyType": "form", "body": {"n": "{{ last.text }}"},
                  "mapping": {"code": "order.code"}, "required": ["code"],
                  "retry": {"times": 2, "backoff": 300, "on": ["5xx"]}}
        system = self.system(flow(("s", "start", {}), ("a", "api", {"apiConfig": config}),
                                  ("m", "message", {"message": "code {{ code }}"}), ("e", "end", {})))
        self.api.answers = [(503, {}), (502, {}), (201, {"order": {"code": "X7"}})]
        system.start_worker()
        person = self.talk(system, "a&b")
        self.assertEqual(system.answers(person.contact, 1), ["code X7"])
        self.assertEqual([(r[0], r[1], r[3]) for r in self.api.requests], [("POST", "/orders", "n=a%26b")] * 3)
        self.assertEqual({r[2]["Content-Type"] for r in self.api.requests}, {"application/x-www-form-urlencoded"})
        keys = {r[2]["Idempotency-Key"] for r in self.api.requests}
        self.assertEqual(len(keys), 1)
        self.assertRegex(keys.pop(), r"^hm:[0-9a-f-]{36}:1$")

    def test_a_retry_outlives_the_worker(self):
        config = {"url": self.api.url, "retry": {"times": 1, "backoff": 1500}}
        system = self.system(flow(("s", "start", {}), ("a", "api", {"apiConfig": config}),
                                  ("m", "message", {"message": "{{ a.status }}"}), ("e", "end", {})))
        self.api.answers = [(500, {}), (200, {})]
        system.start_worker()
        person = self.talk(system, "hi")
        wait_for(lambda: self.api.requests, "the first call")
        system.kill_worker_children()
        self.assertEqual(system.answers(person.contact, 1, 40), ["200"])
        self.assertLessEqual(len(self.api.requests), 3)  # the first may have been made twice

    def test_a_time_out_has_a_branch_of_its_own(self):
        nodes = (("s", "start", {}), ("a", "api", {"apiConfig": {"url": self.api.url, "timeout": 200}}),
                 ("t", "message", {"message": "late: {{ a.error }}"}), ("x", "message", {"message": "wrong"}),
                 ("e", "end", {}))
        edges = [{"id": "1", "source": "s", "target": "a"},
                 {"id": "2", "source": "a", "target": "t", "sourceHandle": "timeout"},
                 {"id": "3", "source": "a", "target": "x", "sourceHandle": "error"},
                 {"id": "4", "source": "a", "target": "x"}, {"id": "5", "source": "t", "target": "e"},
                 {"id": "6", "source": "x", "target": "e"}]
        system = self.system(flow(*nodes, edges=edges))
        self.api.answers = [None]
        system.start_worker()
        person = self.talk(system, "hi")
        self.assertEqual(system.answers(person.contact, 1), ["late: no answer within 200 ms"])

    def test_secrets_are_on_the_wire_and_nowhere_else(self):
        config = {"url": self.api.url + "/{{ secrets.key }}/x", "method": "PATCH", "query": {"k": "{{ secrets.key }}"},
                  "headers": {"X-Other": "v {{ secrets.pass }}"},
                  "auth": {"type": "basic", "username": "me", "password": "{{ secrets.pass }}"},
                  "body": {"in": {"json": "{{ secrets.key }}"}}, "retry": {"times": 1, "backoff": 300}}
        system = self.system(flow(("s", "start", {}), ("a", "api", {"apiConfig": config}),
                                  ("m", "message", {"message": "{{ a.body.echo[0] }} {{ a.body.echo[2] }}"}),
                                  ("e", "end", {})), HOOKMILL_LOG_LEVEL="debug")
        # Before the worker's first look at the account.
        for name, value in (("key", KEY), ("pass", PASSWORD)):
            system.run("account", "secret", "set", ACCOUNT, name, input=value + "\n")
        self.api.answers = [(500, {"you said": KEY})]
        system.start_worker()
        person = self.talk(system, "hi")
        text = system.answers(person.contact, 1)[0]
        self.assertEqual(len(self.api.requests), 2)
        for method, path, headers, body in self.api.requests:
            url = urllib.parse.urlsplit(path)
            self.assertEqual(method, "PATCH")
            self.assertEqual(urllib.parse.unquote(url.path), f"/{KEY}/x")
            self.assertEqual(urllib.parse.parse_qs(url.query), {"k": [KEY]})
            self.assertEqual(headers["Authorization"],
                             "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode())
            self.assertEqual(headers["X-Other"], "v " + PASSWORD)
            self.assertEqual(json.loads(body), {"in": {"json": KEY}})
        self.assertEqual(text, "/***/x?k=*** {\"in\":{\"json\":\"***\"}}")

        system.at_rest()
        wait_for(lambda: system.client.mongo.chat_sessions.find_one({"status": "completed"}), "the session's end")
        stored = self.everything_stored(system)
        self.assertIn("hm:", stored)
        for value in (KEY, PASSWORD):
            for form in (value, urllib.parse.quote(value, safe=""), urllib.parse.quote(value), json.dumps(value)[1:-1],
                         json.dumps(value, ensure_ascii=False)[1:-1],
                         base64.b64encode(f"me:{value}".encode()).decode()):
                self.assertNotIn(form, stored)

    def test_a_secret_that_is_not_there_is_named_and_nothing_is_sent(self):
        config = {"url": self.api.url, "headers": {"X": "{{ secrets.nobody }}"}}
        edges = [{"id": "1", "source": "s", "target": "a"},
                 {"id": "2", "source": "a", "target": "m", "sourceHandle": "error"},
                 {"id": "3", "source": "m", "target": "e"}]
        system = self.system(flow(("s", "start", {}), ("a", "api", {"apiConfig": config}),
                                  ("m", "message", {"message": "{{ a.error }}"}), ("e", "end", {}), edges=edges))
        system.start_worker()
        person = self.talk(system, "hi")
        self.assertIn("no secret 'nobody'", system.answers(person.contact, 1)[0])
        self.assertEqual(self.api.requests, [])

    def test_the_model_has_a_tool_run_and_knows_what_the_owner_knows(self):
        tools = [{"name": "order_status", "description": "where it is", "parameters": {"order": "integer"},
                  "node": "lookup", "result": "lookup.body"}]
        nodes = (("s", "start", {}), ("a", "ai", {"system": "Be brief.", "knowledge": True, "tools": tools}),
                 ("e", "end", {}), ("lookup", "api", {"apiConfig": {"url": self.api.url + "/orders/{{ args.order }}"}}))
        edges = [{"id": "1", "source": "s", "target": "a"}, {"id": "2", "source": "a", "target": "e"}]
        system = self.system(flow(*nodes, edges=edges))
        system.client.mongo.users.update_many({}, {"$set": {"globalAI.knowledgeBase": "Open 9-18. " + "ä" * 40000}})
        self.api.answers = [(200, {"status": "packed"})]
        system.start_worker()
        person = self.talk(system, "call order_status {\"order\":42}\ncall order_status {\"order\":\"x\"}")
        self.assertEqual(system.answers(person.contact, 1),
                         ['The tools said: {"status":"packed"} and '
                          '{"error":"arguments: order: must be of type integer"}'])
        self.assertEqual([r[1] for r in self.api.requests], ["/orders/42"])
        first, second = self.models_asked(system)
        self.assertTrue(first["messages"][0]["content"].startswith("Be brief.\n\nWhat you know:\nOpen 9-18. ä"))
        self.assertLess(len(first["messages"][0]["content"].encode()), 33000)
        self.assertEqual(first["tools"][0]["function"]["name"], "order_status")
        self.assertEqual([m["role"] for m in second["messages"][-3:]], ["assistant", "tool", "tool"])
        self.assertEqual(second["messages"][-3]["tool_calls"][0]["id"], second["messages"][-2]["tool_call_id"])

    def test_an_intent_leads_along_its_edge(self):
        nodes = (("s", "start", {}), ("c", "aiClassify", {"confidence": 0.5, "choices": [{"id": "buy"}, {"id": "sell"}]}),
                 ("b", "message", {"message": "buying"}), ("o", "message", {"message": "other"}), ("e", "end", {}))
        edges = [{"id": "1", "source": "s", "target": "c"},
                 {"id": "2", "source": "c", "target": "b", "sourceHandle": "buy"},
                 {"id": "3", "source": "c", "target": "o", "sourceHandle": "other"},
                 {"id": "4", "source": "b", "target": "e"}, {"id": "5", "source": "o", "target": "e"}]
        system = self.system(flow(*nodes, edges=edges))
        system.start_worker()
        person = self.talk(system, '{"intent":"buy","confidence":0.9}')
        self.assertEqual(system.answers(person.contact, 1), ["buying"])
        doubtful = self.talk(system, '{"intent":"buy","confidence":0.2}', contact="595984000002")
        self.assertEqual(system.answers(doubtful.contact, 1), ["other"])
        form = self.models_asked(system)[0]["response_format"]["json_schema"]
        self.assertEqual((form["strict"], form["schema"]["properties"]["intent"]["enum"]), (True, ["buy", "sell", "other"]))

    def test_fields_are_found_and_missing_ones_are_asked_for(self):
        find = {"merge": True, "resultVariable": "b", "fields": {"day": {"type": "date", "required": True},
                                                                 "people": {"type": "integer", "required": True}}}
        nodes = (("s", "start", {}), ("x", "aiExtract", find), ("q", "input", {"message": "{{ missing }}?"}),
                 ("m", "message", {"message": "{{ b.people }} on {{ b.day }}"}), ("e", "end", {}))
        edges = [{"id": "1", "source": "s", "target": "x"},
                 {"id": "2", "source": "x", "target": "q", "sourceHandle": "missing"},
                 {"id": "3", "source": "q", "target": "x"}, {"id": "4", "source": "x", "target": "m"},
                 {"id": "5", "source": "m", "target": "e"}]
        system = self.system(flow(*nodes, edges=edges))
        system.start_worker()
        person = self.talk(system, '{"day":"2026-12-24","people":"some"}')
        self.assertEqual(system.answers(person.contact, 1), ['["people"]?'])
        self.talk(system, '{"day":null,"people":4}')
        self.assertEqual(system.answers(person.contact, 2)[1], "4 on 2026-12-24")


if __name__ == "__main__":
    unittest.main()
