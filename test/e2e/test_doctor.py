# SPDX-License-Identifier: MIT
"""`hookmill doctor`: a healthy system passes, each fault turns its own line, and what it says helps."""

import http.server
import json
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from system import ACCOUNTS, ROOT, SECRET, VERIFY_TOKEN, System

APP_ID, WABA = "1029384756", "215566778899001"
KEYS = {platform: f"{platform}:{account}" for platform, account in ACCOUNTS.items()}
TOKENS = {platform: "token-" + platform for platform in ACCOUNTS}


class Authority:
    """A CA for trials, and the certificates that it issues for 127.0.0.1."""

    def __init__(self, directory):
        self.directory = directory
        self.ca = self.path("ca.pem")
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Trial CA", "-days", "30",
                     "-keyout", self.path("ca.key"), "-out", self.ca)

    def path(self, name):
        return str(self.directory / name)

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def issue(self, name, days=20, issuer="ca", is_ca=False):
        """Files name.pem (the certificate alone) and name.key."""
        extensions = self.directory / (name + ".ext")
        extensions.write_text("basicConstraints=CA:TRUE\n" if is_ca else "subjectAltName=IP:127.0.0.1\n")
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", self.path(name + ".key"),
                     "-out", self.path(name + ".csr"))
        self.openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path(issuer + ".pem"), "-CAkey",
                     self.path(issuer + ".key"), "-CAcreateserial", "-days", str(days), "-extfile", str(extensions),
                     "-out", self.path(name + ".pem"))
        pathlib.Path(self.path(name + ".key")).chmod(0o600)
        return self.path(name + ".pem"), self.path(name + ".key")


class Proxy:
    """What stands in front of a listener: HTTPS on a free port. `spoil` may answer in the listener's place."""

    def __init__(self, upstream, certificate, key):
        proxy = self
        self.spoil = None

        class Handler(http.server.BaseHTTPRequestHandler):
            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = proxy.spoil(self) if proxy.spoil else proxy.ask(upstream, self, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = forward

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @staticmethod
    def ask(upstream, handler, body):
        request = urllib.request.Request(upstream + handler.path, data=body or None, method=handler.command,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Report:
    def __init__(self, result):
        self.status, self.text, self.complaints = result.returncode, result.stdout, result.stderr
        self.document = json.loads(result.stdout)
        self.lines = {(line["subject"], " ".join(filter(None, (line["check"], line["part"])))): line
                      for line in self.document["checks"]}
        assert len(self.lines) == len(self.document["checks"]), "two lines of one name"

    def ill(self):
        return {name: line["status"] for name, line in self.lines.items() if line["status"] in ("failed", "warning")}

    def line(self, subject, check):
        return self.lines[subject, check]


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.disk = pathlib.Path(tempfile.mkdtemp(prefix="hookmill-doctor-", dir="/var/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.disk, ignore_errors=True)
        (cls.disk / "spool").mkdir(mode=0o700)
        cls.system = cls.enterClassContext(System(
            HOOKMILL_APP_DEMO_ID=APP_ID, HOOKMILL_LISTEN_MAX_CONNECTIONS="100",
            HOOKMILL_SPOOL_DIRECTORY=str(cls.disk / "spool"), HOOKMILL_SPOOL_MAX_MB="16"))
        cls.client = cls.system.client
        cls.client.redis.config_set("maxmemory", "500mb")
        for platform, name in (("messenger", "shop"), ("whatsapp", "welcome"), ("instagram", "instantchat-support")):
            cls.system.connect(platform, ROOT / f"examples/flows/{name}.json")
        cls.authority = Authority(cls.disk)
        cls.proxy = cls.serve(cls.authority.issue("leaf"))

    @classmethod
    def serve(cls, pair, upstream=None):
        proxy = Proxy(upstream or cls.client.base, *pair)
        cls.addClassCleanup(proxy.close)
        return proxy

    def setUp(self):
        self.meta()
        self.proxy.spoil = None
        self.client.request("DELETE", self.client.sim + "/_sim/behaviour")

    def meta(self, **differs):
        """How what Meta says differs from all being well."""
        differs.setdefault("callback_url", self.proxy.url + "/webhooks/demo")
        status, body = self.client.request("POST", self.client.sim + "/_sim/meta",
                                           json.dumps({"app_id": APP_ID, **differs}).encode())
        self.assertEqual(status, 200, body)

    def doctor(self, *arguments, env=None, url=None):
        report = Report(self.system.command("doctor", "--json", "--url", url or self.proxy.url, "--ca",
                                            self.authority.ca, *arguments, env=env))
        for secret in (SECRET, VERIFY_TOKEN, *TOKENS.values(), "07" * 32, "gsk_e2e"):
            self.assertNotIn(secret, report.text + report.complaints)
        return report

    def assert_ill(self, report, *expected):
        """Exactly these lines are ill: (subject, check, status, a piece of what was found, a piece of the remedy)."""
        self.assertEqual(report.ill(), {(e[0], e[1]): e[2] for e in expected}, report.text)
        for subject, check, _, found, mend in expected:
            self.assertIn(found, report.line(subject, check)["found"])
            self.assertIn(mend, report.line(subject, check)["mend"])
        self.assertEqual(report.status, 1 if "failed" in report.ill().values() else 0)

    # All is well

    def test_healthy_system_passes(self):
        report = self.doctor()
        self.assert_ill(report)
        self.assertEqual({line["status"] for line in report.lines.values()}, {"ok"})
        self.assertEqual(report.document["ok"], len(report.lines))
        for subject in ("app demo", *KEYS.values()):
            self.assertTrue(any(name[0] == subject for name in report.lines), subject)

    def test_people_get_lines_and_a_sum(self):
        result = self.system.command("doctor", "--offline")
        self.assertEqual(result.returncode, 0, result.stdout)
        lines = result.stdout.splitlines()
        self.assertIn("ok       redis shards: 4", lines)
        self.assertIn("skipped  app demo, public url: --offline was given", lines)
        self.assertIn("         > Run it again without --offline.", lines)
        self.assertRegex(lines[-1], r"^\d+ ok, 0 warnings, 0 failed, \d+ skipped$")

    def test_offline_asks_nobody_outside(self):
        self.client.sim_forget()
        report = self.doctor("--offline")
        self.assert_ill(report)
        self.assertEqual(self.client.sim_requests(), [])
        self.assertEqual(report.line("app demo", "subscriptions")["status"], "skipped")

    def test_one_app_or_account_can_be_looked_at_alone(self):
        report = self.doctor("--account", KEYS["whatsapp"])
        self.assertEqual({name[0] for name in report.lines}, {None, "app demo", KEYS["whatsapp"]})
        self.assert_ill(self.doctor("--account", "whatsapp:1"),
                        (None, "accounts", "failed", "whatsapp:1 is not known", "hookmill account add"))
        wrong = self.system.command("doctor", "--app", "shop")
        self.assertEqual((wrong.returncode, wrong.stdout), (1, ""))
        self.assertIn("[app shop]", wrong.stderr)

    # What Meta says

    def test_tokens_that_are_expired_or_invalid(self):
        self.meta(tokens={TOKENS["messenger"]: {"is_valid": False, "expires_at": int(time.time()) - 86400},
                          TOKENS["whatsapp"]: {"is_valid": False, "error": {
                              "code": 190, "message": f"Session of {TOKENS['whatsapp']} was closed\u001b[31m."}}})
        report = self.doctor()
        self.assert_ill(report,
                        (KEYS["messenger"], "token", "failed", "expired on", "hookmill account rotate-token --account "
                         + KEYS["messenger"]),
                        (KEYS["whatsapp"], "token", "failed", "not valid: Session of *** was closed", "rotate-token"))
        self.assertNotIn("\\u001b", report.text)
        self.assertEqual(report.line(KEYS["messenger"], "subscription")["status"], "skipped")
        self.assertIn("its token cannot be used", report.line(KEYS["messenger"], "scopes")["found"])

    def test_tokens_that_end_soon_or_are_of_another_kind(self):
        soon = int(time.time()) + 5 * 86400 + 60
        self.meta(tokens={TOKENS["instagram"]: {"expires_at": soon}, TOKENS["messenger"]: {"type": "USER"},
                          TOKENS["whatsapp"]: {"app_id": "77"}})
        self.assert_ill(self.doctor(),
                        (KEYS["instagram"], "expiry", "warning", "in 5 days", "rotate-token"),
                        (KEYS["messenger"], "token", "warning", "type USER", "rotate-token"),
                        (KEYS["whatsapp"], "token", "failed", "belongs to app 77", "Get a token of this app"))

    def test_missing_scopes(self):
        self.meta(tokens={TOKENS["messenger"]: {"scopes": ["pages_messaging"]}, TOKENS["whatsapp"]: {"scopes": []}})
        self.assert_ill(self.doctor(),
                        (KEYS["messenger"], "scopes", "failed", "missing: pages_manage_metadata", "grant"),
                        (KEYS["whatsapp"], "scopes", "failed", "whatsapp_business_messaging whatsapp_business_management",
                         "grant"))

    def test_accounts_that_nobody_is_subscribed_to(self):
        self.meta(subscribed={ACCOUNTS["messenger"]: None, ACCOUNTS["instagram"]: None, WABA: None})
        self.assert_ill(self.doctor(),
                        *((KEYS[platform], "subscription", "failed", f"{account} has no subscription",
                           f"/{account}/subscribed_apps") for platform, account in
                          (("messenger", ACCOUNTS["messenger"]), ("instagram", ACCOUNTS["instagram"]),
                           ("whatsapp", WABA))))
        self.meta(subscribed={ACCOUNTS["messenger"]: ["feed"], WABA: {"whatsapp_business_api_data": {"id": "77"}}})
        self.assert_ill(self.doctor(),
                        (KEYS["messenger"], "subscription", "failed", "lacks messages", "subscribed_fields=messages"),
                        (KEYS["whatsapp"], "subscription", "failed", WABA, "Subscribe it"))
        self.meta(subscribed={WABA: {"override_callback_uri": "https://elsewhere.example/hook"}})
        self.assert_ill(self.doctor(), (KEYS["whatsapp"], "subscription", "warning", "https://elsewhere.example/hook",
                                        "override_callback_uri"))

    def test_missing_fields(self):
        self.meta(fields={"page": ["messages", "messaging_postbacks"], "whatsapp_business_account": ["account_update"],
                          "instagram": None})
        self.assert_ill(self.doctor(),
                        ("app demo", "fields page", "warning", "message_echoes", "subscribe"),
                        ("app demo", "fields whatsapp_business_account", "failed", "missing: messages", "subscribe"),
                        ("app demo", "fields instagram", "warning", "does not show", "subscribe"))
        self.meta(fields={"page": None})
        self.assert_ill(self.doctor(), ("app demo", "fields page", "failed", "not subscribed to page", "callback URL"))

    def test_either_spelling_of_a_field_is_right(self):
        fields = ["messages", "messaging_postbacks", "messaging_seen", "messaging_reactions", "message_edits",
                  "messaging_referrals", "messaging_handovers"]
        self.meta(fields={"instagram": fields})
        self.assert_ill(self.doctor())

    def test_wrong_callback_url(self):
        self.meta(callback_url="https://old.example.org/webhooks/demo")
        self.assert_ill(self.doctor(), ("app demo", "callback url", "failed", "https://old.example.org/webhooks/demo",
                                        self.proxy.url + "/webhooks/demo"))

    def test_wrong_app_secret(self):
        error = {"error": {"message": f"Error validating client secret {SECRET}.", "type": "OAuthException", "code": 1}}
        self.client.sim_behave(match={"kind": "subscriptions"}, status=400, body=error)
        self.assert_ill(self.doctor(), ("app demo", "subscriptions", "failed", "client secret ***. (code 1)", "[app demo]"))

    def test_clock_that_is_off(self):
        self.meta(clock_skew_s=-120)
        self.assert_ill(self.doctor(), (None, "graph api clock", "warning", "ahead of", "timedatectl"))
        self.meta(clock_skew_s=3600)
        self.assert_ill(self.doctor(), (None, "graph api clock", "failed", "behind", "timedatectl"))

    def test_number_in_trouble(self):
        self.meta(nodes={ACCOUNTS["whatsapp"]: {"quality_rating": "RED"}})
        self.assert_ill(self.doctor(), (KEYS["whatsapp"], "account", "warning", "RED", "WhatsApp Manager"))
        self.meta(nodes={ACCOUNTS["whatsapp"]: {"status": "DISCONNECTED"}, "me": {"user_id": "17840000000000000"}})
        self.assert_ill(self.doctor(), (KEYS["whatsapp"], "account", "failed", "DISCONNECTED", "WhatsApp Manager"),
                        (KEYS["instagram"], "account", "failed", "another account's", "rotate-token"))

    def test_waba_that_is_not_known(self):
        self.meta(tokens={TOKENS["whatsapp"]: {"granular_scopes": []}})
        self.assert_ill(self.doctor(), (KEYS["whatsapp"], "subscription", "warning", "is not known", "--waba"))
        self.system.run("account", "add", "--account", "whatsapp:555", "--token", TOKENS["whatsapp"] + "-2", "--waba", WABA)
        try:
            self.meta(tokens={TOKENS["whatsapp"] + "-2": {"granular_scopes": []}})
            report = self.doctor("--account", "whatsapp:555")
            self.assertEqual(report.line("whatsapp:555", "subscription")["status"], "ok")
        finally:
            self.client.mongo.integrations.delete_one({"accountId": "555"})

    def test_without_the_apps_id_the_token_itself_is_tried(self):
        report = self.doctor(env={"HOOKMILL_APP_DEMO_ID": ""})
        self.assert_ill(report, (None, "apps", "warning", "without id: demo", "Set id"),
                        (KEYS["whatsapp"], "subscription", "warning", "is not known", "--waba"))
        self.assertEqual(report.line("app demo", "subscriptions")["status"], "skipped")
        self.assertEqual(report.line(KEYS["messenger"], "token")["status"], "skipped")
        self.assertEqual(report.line(KEYS["messenger"], "account")["status"], "ok")
        self.assertEqual(report.line(KEYS["messenger"], "subscription")["status"], "ok")

    def test_graph_api_that_is_away(self):
        report = self.doctor(env={"HOOKMILL_GRAPH_FACEBOOK_URL": "http://127.0.0.1:1"})
        self.assert_ill(report, (None, "graph api", "failed", "http://127.0.0.1:1", "curl"))
        self.assertEqual(report.line(KEYS["messenger"], "token")["found"], "the Graph API does not answer")
        self.assertEqual(report.line("app demo", "verification")["status"], "ok")

    def test_meta_that_does_not_answer_in_time(self):
        self.client.sim_behave(match={"kind": "subscribed_apps"}, times=-1, delay_ms=30000)
        begin = time.monotonic()
        report = self.doctor(env={"HOOKMILL_GRAPH_TIMEOUT_MS": "1000"})
        self.assertLess(time.monotonic() - begin, 15)
        self.assert_ill(report, *((key, "subscription", "failed", "no answer within 1000 ms", "Try again")
                                  for key in KEYS.values()))

    def test_more_accounts_than_are_asked_at_once(self):
        ids = [str(7000000 + i) for i in range(40)]
        self.client.mongo.integrations.insert_many([
            {"platform": "facebook", "accountId": i, "status": "connected", "flows": [],
             "credentials": {"pageId": i, "pageAccessToken": "expired-" + i if i == ids[35] else "plain-" + i}}
            for i in ids])
        try:
            report = self.doctor()
            tokens = {subject: line["status"] for (subject, check), line in report.lines.items() if check == "token"}
            self.assertEqual(len(tokens), 43)
            self.assertEqual([s for s, status in tokens.items() if status != "ok"], ["messenger:" + ids[35]])
            self.assertEqual(report.line("messenger:" + ids[0], "status")["status"], "warning")
            self.assertNotIn("plain-", report.text)
        finally:
            self.client.mongo.integrations.delete_many({"accountId": {"$in": ids}})

    def test_account_that_workers_stopped(self):
        accounts = self.client.mongo.integrations
        accounts.update_one({"accountId": ACCOUNTS["messenger"]}, {"$set": {"status": "error"}})
        try:
            self.assert_ill(self.doctor(), (KEYS["messenger"], "status", "failed", "workers have stopped it", "rotate-token"))
        finally:
            accounts.update_one({"accountId": ACCOUNTS["messenger"]}, {"$set": {"status": "connected"}})

    # The public address

    def test_public_address_that_is_not_https_or_not_there(self):
        self.meta(callback_url=self.client.url)
        self.assert_ill(self.doctor(url=self.client.base), ("app demo", "public url", "failed", "is not HTTPS", "TLS proxy"))
        self.meta(callback_url="https://127.0.0.1:1/webhooks/demo")
        self.assert_ill(self.doctor(url="https://127.0.0.1:1"),
                        ("app demo", "public url", "failed", "https://127.0.0.1:1/webhooks/demo", "firewall"))

    def test_certificates_that_meta_would_refuse(self):
        self.authority.issue("between", is_ca=True)
        for pair in (self.authority.issue("old", days=-1), self.authority.issue("chainless", issuer="between")):
            proxy = self.serve(pair)
            self.meta(callback_url=proxy.url + "/webhooks/demo")
            report = self.doctor(url=proxy.url)
            self.assert_ill(report, ("app demo", "public url", "failed", "certificate", "fullchain"))
            self.assertEqual(report.line("app demo", "signature")["status"], "skipped")

    def test_listener_with_another_verify_token(self):
        self.assert_ill(self.doctor(env={"HOOKMILL_APP_DEMO_VERIFY_TOKEN": "another word"}),
                        ("app demo", "verification", "failed", "403", "restart it"))

    def test_proxy_that_answers_in_the_listeners_place(self):
        self.proxy.spoil = lambda handler: (200, b"<html>welcome</html>")
        self.assert_ill(self.doctor(),
                        ("app demo", "verification", "failed", "not the challenge", "proxy"),
                        ("app demo", "wrong verify token", "failed", "200", "proxy"),
                        ("app demo", "signature", "failed", "200", "proxy"))
        self.proxy.spoil = lambda handler: (502, b"")
        self.assert_ill(self.doctor(), ("app demo", "public url", "failed", "502", "systemctl status hookmill-listen"))
        self.proxy.spoil = lambda handler: self.proxy.ask(self.client.base, handler, b"") \
            if handler.command == "GET" else (405, b"")
        self.assert_ill(self.doctor(), ("app demo", "signature", "failed", "405", "pass POST on"))

    # This machine

    def test_configuration_file_that_everybody_may_read(self):
        path = self.disk / "hookmill.ini"
        path.write_text("[log]\nlevel = info\n")
        path.chmod(0o644)
        self.assert_ill(self.doctor(env={"HOOKMILL_CONFIG": str(path)}),
                        (None, "configuration file", "warning", "mode 644", f"chmod 600 {path}"))
        path.chmod(0o600)
        self.assert_ill(self.doctor(env={"HOOKMILL_CONFIG": str(path)}))

    def test_configuration_that_lacks_something(self):
        report = self.doctor(env={"HOOKMILL_ENCRYPTION_KEY": "", "HOOKMILL_APP_DEMO_VERIFY_TOKEN": ""})
        self.assertEqual(report.ill()[None, "encryption key"], "failed")
        self.assertEqual(report.ill()[None, "apps"], "failed")
        self.assertIn("encryption.key", report.line(KEYS["messenger"], "token")["found"])
        self.assertEqual(report.line("app demo", "verification")["found"], "the app has no verify_token")

    def test_too_few_file_descriptors(self):
        self.assert_ill(self.doctor(env={"HOOKMILL_LISTEN_MAX_CONNECTIONS": "1000000"}),
                        (None, "file descriptors", "warning", "1000000", "LimitNOFILE=1000064"))

    def test_spool_that_would_not_keep_anything(self):
        for directory, status, found, mend in (
                ("", "warning", "answered 503", "[spool]"), ("/dev/shm", "failed", "in memory", "real disk"),
                ("/proc/nowhere/spool", "failed", "cannot make it", "mkdir -p"),
                (str(self.disk / "later"), "warning", "not there yet", "mkdir -m 700"),
                (str(self.disk / "ca.pem"), "failed", "no directory", "chown")):
            self.assert_ill(self.doctor(env={"HOOKMILL_SPOOL_DIRECTORY": directory}), (None, "spool", status, found, mend))
        self.assert_ill(self.doctor(env={"HOOKMILL_SPOOL_MAX_MB": "1000000"}),
                        (None, "spool", "failed", "spool.max_mb is 1000000", "Make room"))

    def test_spool_that_holds_something(self):
        held = self.disk / "held"
        (held / "07" / "torn").mkdir(parents=True)
        (held / "07" / "00000001").write_bytes(b"x" * 100)
        (held / "07" / "00000002").write_bytes(b"")
        report = self.doctor(env={"HOOKMILL_ARCHIVE_DIRECTORY": str(held), "HOOKMILL_ARCHIVE_MAX_MB": "1"})
        self.assertIn("1 files, 100 bytes", report.line(None, "archive")["found"])
        (held / "07" / "torn" / "1").write_bytes(b"y")
        self.assert_ill(self.doctor(env={"HOOKMILL_SPOOL_DIRECTORY": str(held)}),
                        (None, "spool", "warning", "1 of them set aside as damaged", "hookmill spool status"))

    def test_tls_files_of_the_listener(self):
        certificate, key = self.authority.issue("own")
        _, other_key = self.authority.issue("other")
        expired, expired_key = self.authority.issue("expired", days=-1)
        soon, soon_key = self.authority.issue("soon", days=3)
        self.authority.issue("middle", is_ca=True)
        alone, alone_key = self.authority.issue("alone", issuer="middle")
        whole = self.disk / "whole.pem"
        whole.write_text(pathlib.Path(alone).read_text() + (self.disk / "middle.pem").read_text())

        def files(certificate, key, ca=""):
            return self.doctor("--offline", env={"HOOKMILL_LISTEN_TLS_CERTIFICATE": certificate,
                                                 "HOOKMILL_LISTEN_TLS_KEY": key, "HOOKMILL_LISTEN_TLS_CLIENT_CA": ca})

        self.assert_ill(files(certificate, key, self.authority.ca))
        self.assert_ill(files(str(whole), alone_key))
        for arguments, status, found, mend in (
                ((certificate, other_key), "failed", "not the certificate's", "issued for"),
                ((expired, expired_key), "failed", "has expired", "SIGHUP"),
                ((soon, soon_key), "warning", "ends in", "Renew"),
                ((alone, alone_key), "failed", "unable to get local issuer certificate", "fullchain"),
                ((certificate, ""), "failed", "listen.tls_key", "PEM"),
                (("/nowhere.pem", key), "failed", "/nowhere.pem", "PEM"),
                ((certificate, key, key), "failed", "no certificate", "Meta's CA")):
            self.assert_ill(files(*arguments), (None, "tls files", status, found, mend))

    # The servers

    def test_redis_that_would_lose_or_evict(self):
        redis = self.client.redis

        def with_setting(name, value, *expected):
            before = redis.config_get(name)[name]
            redis.config_set(name, value)
            try:
                self.assert_ill(self.doctor("--offline"), *expected)
            finally:
                redis.config_set(name, before)

        with_setting("appendfsync", "everysec", (None, "redis durability", "warning", "P1 to P5", "appendfsync always"))
        with_setting("appendfsync", "no", (None, "redis durability", "failed", "appendfsync is no", "appendfsync always"))
        with_setting("maxmemory-policy", "allkeys-lru", (None, "redis eviction", "failed", "allkeys-lru", "noeviction"))
        with_setting("maxmemory", "0", (None, "redis memory", "warning", "not set", "maxmemory"))
        used = redis.info("memory")["used_memory"]
        with_setting("maxmemory", str(int(used * 1.45)), (None, "redis memory", "warning", "in use", "workers"))
        with_setting("maxmemory", str(int(used * 1.1)), (None, "redis memory", "failed", "503", "workers"))

    def test_database_that_was_not_prepared(self):
        uri = self.system.mongo_uri + "_empty"
        report = self.doctor("--offline", env={"HOOKMILL_MONGODB_URI": uri, "HOOKMILL_REDIS_URL":
                                               self.system.env["HOOKMILL_REDIS_URL"] + "/9"})
        self.client.mongo.client.drop_database(self.system.database + "_empty")
        self.assert_ill(report, (None, "redis shards", "failed", "no queue", "hookmill init"),
                        (None, "mongodb indexes", "failed", "are missing", "hookmill init"),
                        (None, "accounts", "warning", "none is connected", "hookmill account add"))

    def test_writes_that_are_not_kept(self):
        self.assert_ill(self.doctor("--offline", env={"HOOKMILL_MONGODB_URI": self.system.mongo_uri + "?w=1"}),
                        (None, "mongodb durability", "warning", "less than w=majority", "Take w and journal out"))
        report = self.doctor("--offline", env={"HOOKMILL_MONGODB_URI": self.system.mongo_uri + "?w=0"})
        self.assertEqual(report.ill(), {(None, "mongodb durability"): "failed"})

    def test_mongodb_that_is_away(self):
        report = self.doctor(env={"HOOKMILL_MONGODB_URI": "mongodb://user:pass-word@127.0.0.1:1/x?serverSelectionTimeoutMS=300"})
        self.assert_ill(report, (None, "mongodb", "failed", "mongodb", "mongodb.uri"))
        self.assertNotIn("pass-word", report.text + report.complaints)
        self.assertEqual(report.line(None, "accounts")["found"], "MongoDB does not answer")
        self.assertEqual(report.line(None, "redis")["status"], "ok")
        self.assertEqual(report.line("app demo", "signature")["status"], "ok")


class DoctorWithoutRedis(unittest.TestCase):
    def test_the_other_checks_still_run(self):
        with System(HOOKMILL_APP_DEMO_ID=APP_ID) as system:
            system.connect("messenger", ROOT / "examples/flows/shop.json")
            system.stop("redis")
            report = Report(system.command("doctor", "--json"))
            self.assertEqual(report.status, 1)
            self.assertEqual([name for name, status in report.ill().items() if status == "failed"], [(None, "redis")])
            self.assertIn("Start Redis", report.line(None, "redis")["mend"])
            for check in ("shards", "durability", "eviction", "memory", "replicas", "clock"):
                self.assertEqual(report.line(None, "redis " + check)["found"], "Redis does not answer")
            self.assertEqual(report.line(None, "mongodb indexes")["status"], "ok")
            self.assertEqual(report.line(KEYS["messenger"], "subscription")["status"], "ok")


if __name__ == "__main__":
    unittest.main()
