# SPDX-License-Identifier: MIT
"""The commands on flows that need no server: `flow nodes`, `flow play`."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[3]
FLOWS = ROOT / "examples/flows"


def hookmill(*arguments, **more):
    return subprocess.run([os.environ["HOOKMILL_BIN"], *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, check=False, **more)


def node_types():
    return [json.loads(line) for line in hookmill("flow", "nodes", "--json").stdout.splitlines()]


class Nodes(unittest.TestCase):
    def test_docs_nodes_md_is_what_the_command_prints(self):
        printed = hookmill("flow", "nodes", "--markdown").stdout
        self.assertIn("\n## message\n", printed)
        self.assertEqual((ROOT / "docs/nodes.md").read_text(encoding="utf-8"), printed,
                         "mend it by: hookmill flow nodes --markdown >docs/nodes.md")

    def test_every_type_has_an_example_that_uses_it(self):
        types = node_types()
        self.assertGreaterEqual(len(types), 9)
        for node_type in types:
            document = json.loads((ROOT / node_type["example"]).read_text(encoding="utf-8"))
            graph = document.get("flowJson", document)
            used = {node["type"] for node in graph["nodes"]}
            self.assertTrue(used & {node_type["name"], *node_type["aliases"]}, node_type["name"])

    def test_every_type_and_field_has_its_help(self):
        def check(fields, place):
            for field in fields:
                self.assertTrue(field.get("help"), f"{place}.{field['name']}")
                check(field.get("fields", []), f"{place}.{field['name']}")

        for node_type in node_types():
            self.assertTrue(node_type["summary"].endswith("."), node_type["name"])
            check(node_type["fields"], node_type["name"])

    def test_one_type_is_found_by_its_name_or_an_alias(self):
        by_name = hookmill("flow", "nodes", "api")
        self.assertIn("apiConfig.url", by_name.stdout)
        self.assertEqual(hookmill("flow", "nodes", "apiNode").stdout, by_name.stdout)
        self.assertIn("message", hookmill("flow", "nodes").stdout)
        unknown = hookmill("flow", "nodes", "telepathy")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("'telepathy'", unknown.stderr)


class Play(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.flow = shutil.copy(FLOWS / "welcome.json", self.folder)
        self.transcript = self.folder / "welcome.transcript"

    def test_what_comes_as_written_says_nothing(self):
        result = hookmill("flow", "play", self.flow, FLOWS / "welcome.transcript")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_a_difference_is_shown_with_file_and_line(self):
        self.transcript.write_text("user: hi\nbot: Good evening!\n", encoding="utf-8")
        result = hookmill("flow", "play", self.flow, self.transcript)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{self.transcript}: line 2 came otherwise", result.stdout)
        self.assertIn("expected  bot: Good evening!\n        came  bot: Hello!", result.stdout)

    def test_an_update_fills_the_transcript_in(self):
        self.transcript.write_text("user: hi\nuser: Ana\n", encoding="utf-8")
        self.assertEqual(hookmill("flow", "play", self.flow, self.transcript, "--update").returncode, 0)
        self.assertIn("bot: Nice to meet you, Ana.", self.transcript.read_text(encoding="utf-8"))
        self.assertEqual(hookmill("flow", "play", self.flow, self.transcript).returncode, 0)
        printed = hookmill("flow", "play", self.flow, "-", "--update", input="user: hi\n")
        self.assertEqual(printed.stdout, "user: hi\nbot: Hello! Welcome to Hookmill.\nbot: What is your name?\n")

    def test_what_is_no_transcript_is_refused_with_its_line(self):
        self.transcript.write_text("user: hi\nbott: Hello!\n", encoding="utf-8")
        before = self.transcript.read_text(encoding="utf-8")
        for more in ([], ["--update"]):
            result = hookmill("flow", "play", self.flow, self.transcript, *more)
            self.assertEqual(result.returncode, 1)
            self.assertIn("line 2: 'bott:'", result.stderr)
        self.assertEqual(self.transcript.read_text(encoding="utf-8"), before)
        self.assertIn("no.transcript", hookmill("flow", "play", self.flow, "no.transcript").stderr)


if __name__ == "__main__":
    unittest.main()
