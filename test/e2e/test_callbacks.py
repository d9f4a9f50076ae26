# SPDX-License-Identifier: MIT
"""A flow gives an external service its address, and waits until that calls back; flows that call flows."""

import http.server
import json
import signal
import threading
import unittest

from system import System, flow, free_port, wait_for


class Service:
    """An external service: keeps what it is told, and runs `then(order)` before it answers."""

    def __init__(self):
        self.orders, self.then = [], None
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.orders.append(order)
                if service.then:
                    service.then(order)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/orders"


def order_flow(service, *between):
    return flow(("s", "start", {}),
                ("order", "api", {"apiConfig": {"method": "POST", "url": service.url,
                                                "body": {"callback": "{{ callbacks.pay.url }}"}}}),
                *between,
                ("pay", "webhookWait", {"timeout": 600000, "mapping": {"sum": "amount.value"}}),
                ("m", "message", {"content": "Paid: {{ sum }}."}),
                ("e", "end", {"outcome": "sold"}), name="Order")


class Callbacks(unittest.TestCase):
    def setUp(self):
        port = free_port()
        self.system = self.enterContext(System(
            HOOKMILL_LISTEN_PORT=str(port), HOOKMILL_LISTEN_PUBLIC_URL=f"http://127.0.0.1:{port}/",
            HOOKMILL_QUEUE_GIVE_UP_MS="300"))
        self.client = self.system.client
        self.service = self.enterContext(Service())

    # What people and services do

    def begins(self, contact, text="hi"):
        self.assertEqual(self.client.deliver(self.client.person("whatsapp", contact).says(text)), 200)

    def calls(self, url, data, headers=None):
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self.client.request("POST", url, body, {"Content-Type": "application/json", **(headers or {})})

    # What there is

    def address(self, count=1):
        wait_for(lambda: len(self.service.orders) >= count, f"{count} orders\n{self.system.log('worker')[-3000:]}")
        return self.service.orders[count - 1]["callback"]

    def waits_at(self, node):
        def there():
            session = self.client.mongo.chat_sessions.find_one(sort=[("createdAt", -1)])
            return session and session["status"] == "active" and session["currentNodeId"] == node

        wait_for(there, f"the session to be at '{node}'\n{self.system.log('worker')[-3000:]}")
        self.system.at_rest()

    def balanced(self):
        self.system.at_rest()
        wait_for(lambda: "\nbalanced\n" in self.system.command("queue", "audit").stdout,
                 "the ledger to balance: " + self.system.command("queue", "audit").stdout)

    # The tests

    def test_the_service_calls_back_and_the_flow_goes_on(self):
        self.system.connect("whatsapp", order_flow(self.service))
        self.system.start_worker()
        self.begins("5959300001")
        url = self.address()
        self.assertRegex(url, r"^http://127\.0\.0\.1:\d+/callbacks/[A-Za-z0-9_-]{60,}$")
        self.waits_at("pay")
        self.begins("5959300001", "are you there?")  # kept, and no answer to the callback
        self.system.at_rest()
        self.assertEqual(self.client.sent_to("5959300001"), [])
        status, body = self.calls(url, {"amount": {"value": 5}})
        self.assertEqual((status, json.loads(body)), (202, {"accepted": True}))
        self.assertEqual(self.system.answers("5959300001", 1), ["Paid: 5."])
        ended = wait_for(lambda: self.client.mongo.chat_sessions.find_one({"status": "completed"}), "the session's end")
        self.assertEqual(ended["outcome"], "sold")
        self.assertEqual(ended["variables"]["sum"], 5)

        # After its end it is recorded, and has no effect.
        self.assertEqual(self.calls(url, {"amount": {"value": 6}})[0], 202)
        self.balanced()
        self.assertEqual(len(self.client.sent_to("5959300001")), 1)
        self.assertEqual(self.client.mongo.chat_sessions.count_documents({}), 1)

        # Nor has it on the next session of the chat, which waits at the same node.
        self.begins("5959300001", "again")
        self.assertNotEqual(self.address(2), url)
        self.waits_at("pay")
        self.assertEqual(self.calls(url, {"amount": {"value": 7}})[0], 202)
        self.balanced()
        self.assertEqual(len(self.client.sent_to("5959300001")), 1)

    def test_a_call_before_the_wait_is_reached_counts_there(self):
        self.system.connect("whatsapp", order_flow(self.service, ("q", "input", {"message": "Name?"})))
        self.service.then = lambda order: self.assertEqual(
            self.calls(order["callback"], {"amount": {"value": 7}})[0], 202)  # before the flow has its answer
        self.system.start_worker()
        self.begins("5959300002")
        self.assertEqual(self.system.answers("5959300002", 1), ["Name?"])
        self.waits_at("q")
        self.begins("5959300002", "Ana")
        self.assertEqual(self.system.answers("5959300002", 2), ["Name?", "Paid: 7."])

    def test_what_comes_twice_is_one_and_what_is_not_ours_is_nothing(self):
        self.system.connect("whatsapp", order_flow(self.service))
        self.system.start_worker()
        self.begins("5959300003")
        url = self.address()
        self.waits_at("pay")
        forged = url[:-1] + ("A" if url[-1] not in "ABCD" else "x")
        for bad in (forged, url[:-8], url + "x", url.rsplit("/", 1)[0] + "/", url.rsplit("/", 1)[0] + "/AAAA"):
            self.assertEqual(self.calls(bad, {"amount": {"value": 1}})[0], 404, bad)
        self.assertEqual(self.calls(url, b"x" * 65537)[0], 413)
        self.assertEqual(self.calls(url, b"{")[0], 400)
        self.assertEqual(self.client.request("GET", url)[0], 405)
        self.balanced()
        self.assertEqual(self.client.sent_to("5959300003"), [])
        for _ in range(3):
            self.assertEqual(self.calls(url, {"amount": {"value": 8}})[0], 202)
        self.assertEqual(self.system.answers("5959300003", 1), ["Paid: 8."])
        self.balanced()
        self.assertEqual(len(self.client.sent_to("5959300003")), 1)
        metrics = self.client.request("GET", self.client.base + "/metrics")[1].decode()
        self.assertIn('hookmill_listener_callbacks_total{result="admitted"} 1\n', metrics)
        self.assertIn('hookmill_listener_callbacks_total{result="duplicate"} 2\n', metrics)

    def test_while_redis_is_away_it_waits_on_the_disk(self):
        self.system.connect("whatsapp", order_flow(self.service))
        self.system.start_worker()
        self.begins("5959300004")
        url = self.address()
        self.waits_at("pay")
        self.system.stop("redis", signal.SIGKILL)
        self.assertEqual(self.calls(url, {"amount": {"value": 9}})[0], 202)
        status = [json.loads(line) for line in self.system.run("spool", "status", "--json").splitlines()]
        self.assertEqual(sum(shard["events"] for shard in status), 1)
        self.system.start_redis()
        self.assertEqual(self.system.answers("5959300004", 1), ["Paid: 9."])
        self.balanced()

    def test_a_killed_worker_changes_nothing(self):
        self.system.connect("whatsapp", order_flow(self.service))
        self.system.start_worker()
        self.begins("5959300005")
        url = self.address()
        self.waits_at("pay")
        self.system.kill_worker_children()
        self.assertEqual(self.calls(url, {"amount": {"value": 10}})[0], 202)
        self.system.kill_worker_children()
        self.assertEqual(self.system.answers("5959300005", 1, 40), ["Paid: 10."])
        self.balanced()
        self.assertEqual(len(self.client.sent_to("5959300005")), 1)

    def test_during_a_pause_it_is_kept_and_counts_afterwards(self):
        self.system.connect("whatsapp", order_flow(self.service))
        self.system.start_worker()
        self.begins("5959300009")
        url = self.address()
        self.waits_at("pay")
        chat = ("whatsapp:" + self.client.accounts["whatsapp"], "5959300009")
        self.system.run("chat", "pause", *chat, "--minutes", "60")
        self.assertEqual(self.calls(url, {"amount": {"value": 11}})[0], 202)
        self.balanced()
        self.assertEqual(self.client.sent_to("5959300009"), [])
        self.system.run("chat", "resume", *chat)
        self.assertEqual(self.system.answers("5959300009", 1), ["Paid: 11."])
        self.balanced()

    def test_a_flow_calls_another_whose_version_stays(self):
        def ask(words):
            return flow(("s", "start", {}), ("q", "input", {"message": words + " {{ item }}?", "variable": "city"}),
                        ("r", "input", {"message": words + " sure?"}), ("e", "end", {"outcome": "confirmed"}),
                        name="Ask", variables=[{"name": "item"}], _id="665f1c0a9d3e4b2a1c00aa01")

        asked = self.system.directory / "ask.json"
        asked.write_text(ask("Where to send the"))
        self.system.run("flow", "import", str(asked))
        self.system.connect("whatsapp", json.dumps({
            "name": "Main",
            "nodes": [{"id": "s", "type": "start", "data": {}},
                      {"id": "sub", "type": "subflow",
                       "data": {"flowId": "665f1c0a9d3e4b2a1c00aa01", "inputs": {"item": "lamp"},
                                "outputs": {"place": "city"}}},
                      {"id": "gone", "type": "subflow", "data": {"flowId": "665f1c0a9d3e4b2a1c00aaff"}},
                      {"id": "m", "type": "message", "data": {"content": "To {{ place }}."}},
                      {"id": "e", "type": "end", "data": {}}],
            "edges": [{"source": "s", "target": "sub"}, {"source": "sub", "sourceHandle": "confirmed", "target": "gone"},
                      {"source": "gone", "sourceHandle": "error", "target": "m"}, {"source": "m", "target": "e"}]}))
        self.system.start_worker()
        self.begins("5959300006")
        self.assertEqual(self.system.answers("5959300006", 1), ["Where to send the lamp?"])
        self.waits_at("q")
        asked.write_text(ask("Changed:"))
        self.system.run("flow", "import", str(asked))
        self.system.kill_worker_children()  # the next process loads the flows anew
        self.begins("5959300006", "Lima")
        self.assertEqual(self.system.answers("5959300006", 2, 40)[1], "Where to send the sure?")
        self.begins("5959300006", "yes")
        self.assertEqual(self.system.answers("5959300006", 3, 40)[2], "To Lima.")
        self.begins("5959300007")
        self.assertEqual(self.system.answers("5959300007", 1, 40), ["Changed: lamp?"])
        self.balanced()
        session = self.client.mongo.chat_sessions.find_one({"status": "completed"})
        self.assertEqual(session["variables"]["place"], "Lima")

    def test_without_a_public_address_the_session_says_what_to_configure(self):
        self.system.connect("whatsapp", flow(("s", "start", {}), ("w", "webhookWait", {}), ("e", "end", {})))
        self.system.env["HOOKMILL_LISTEN_PUBLIC_URL"] = ""
        self.system.start_worker()
        self.begins("5959300008")
        session = wait_for(lambda: self.client.mongo.chat_sessions.find_one({"status": "error"}), "the session's error")
        self.assertIn("listen.public_url", session["error"])


if __name__ == "__main__":
    unittest.main()
