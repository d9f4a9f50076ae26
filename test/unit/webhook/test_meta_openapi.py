# SPDX-License-Identifier: MIT
"""Every webhook example in Meta's OpenAPI file becomes the kind of event that its name says.

The file is not part of the project: HOOKMILL_META_OPENAPI names it, or it lies at
../shared/reference/business-messaging-api_v23.0.yaml beside the project. Without it these tests are skipped.
"""

import json
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEFAULT = ROOT.parent / "shared/reference/business-messaging-api_v23.0.yaml"
OPENAPI = pathlib.Path(os.environ.get("HOOKMILL_META_OPENAPI") or DEFAULT)

# Name → the event's kind and type, and members that it must have.
DELIVERIES = {
    "Text Message": ("message", "text", ["text"]),
    "Text Message with Context (Product Inquiry)": ("message", "text", ["text", "reply_to", "context"]),
    "Text Message from Click to WhatsApp Ad": ("message", "text", ["text", "referral"]),
    "Reaction Message": ("reaction", "react", ["target", "emoji"]),
    "Image Message": ("message", "image", ["text", "attachments"]),
    "Location Message": ("message", "location", ["text", "data"]),
    "Contact Sharing Message": ("message", "contacts", ["data"]),
    "Unsupported Message": ("message", "unsupported", ["errors"]),
    "Button Message": ("message", "button", ["text", "payload", "reply_to"]),
    "Interactive List Reply Message": ("message", "interactive", ["text", "payload", "reply_to", "data"]),
    "Interactive Button Reply Message": ("message", "interactive", ["text", "payload", "reply_to", "data"]),
    "Order Message": ("message", "order", ["data"]),
    "System Message": ("contact", "user_changed_number", ["contact", "data"]),
    "Group Create Message": ("group", "group_lifecycle_update", ["group", "data"]),
    "Group Settings Update": ("group", "group_settings_update", ["group", "data"]),
    "Group Remove Participants": ("group", "group_participants_update", ["group", "data"]),
}
# The same for the schemas that show one message.
SCHEMAS = {
    "TextMessage": ("message", "text", ["text"]),
    "ReactionMessage": ("reaction", "react", ["target", "emoji"]),
    "ImageMessage": ("message", "image", ["text", "attachments"]),
    "LocationMessage": ("message", "location", ["text", "data"]),
    "ContactSharingMessage": ("message", "contacts", ["data"]),
    "UnsupportedMessage": ("message", "unsupported", ["errors"]),
    "ButtonMessage": ("message", "button", ["text", "payload", "reply_to"]),
    "InteractiveMessageReply": ("message", "interactive", ["text", "payload", "reply_to", "data"]),
    "OrderMessage": ("message", "order", ["data"]),
    "SystemMessage": ("contact", "user_changed_number", ["contact", "data"]),
}


class Yaml:
    """Reads the part of YAML that the examples are written in: nested lists and mappings of plain or single-quoted
    values, each on one line. Anything else is an error, so nothing is misread."""

    KEY = re.compile(r"([^:'\"]+):(?: +(.*))?$")

    def __init__(self, text):
        self.lines = [(len(line) - len(line.lstrip()), line.strip()) for line in text.splitlines() if line.strip()]
        self.at = 0

    def read(self):
        value = self.block(self.lines[0][0])
        if self.at < len(self.lines):
            raise ValueError(f"not understood: {self.lines[self.at][1]}")
        return value

    def here(self, indent):
        return self.at < len(self.lines) and self.lines[self.at][0] == indent

    def is_item(self):
        return self.lines[self.at][1].startswith("- ")

    def block(self, indent):
        return self.sequence(indent) if self.is_item() else self.mapping(indent)

    def sequence(self, indent):
        values = []
        while self.here(indent) and self.is_item():
            rest = self.lines[self.at][1][2:]
            if self.KEY.match(rest):
                self.lines[self.at] = (indent + 2, rest)
                values.append(self.mapping(indent + 2))
            else:
                values.append(self.scalar(rest))
                self.at += 1
        return values

    def mapping(self, indent):
        values = {}
        while self.here(indent) and not self.is_item():
            match = self.KEY.match(self.lines[self.at][1])
            if not match or match[1] in values:
                raise ValueError(f"not understood: {self.lines[self.at][1]}")
            self.at += 1
            values[match[1]] = self.scalar(match[2]) if match[2] else self.nested(indent)
        return values

    def nested(self, indent):
        inner = self.lines[self.at][0] if self.at < len(self.lines) else -1
        if inner > indent or (inner == indent and self.is_item()):
            return self.block(inner)
        raise ValueError("a value is missing")

    @staticmethod
    def scalar(text):
        if text.startswith("'"):
            if len(text) < 2 or not text.endswith("'"):
                raise ValueError(f"not understood: {text}")
            return text[1:-1].replace("''", "'")
        if text[0] in "\"|>&*!{[%@`#":
            raise ValueError(f"not understood: {text}")
        if text in ("true", "false", "null"):
            return json.loads(text)
        return json.loads(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text


def sections(text, head):
    """Yields (line, what follows it with deeper indentation) for each line that matches head."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if not re.match(head, line):
            continue
        indent, end = len(line) - len(line.lstrip()), start + 1
        while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent):
            end += 1
        yield line.strip().rstrip(":"), "\n".join(lines[start + 1:end])


def delivery_examples(text):
    ((_, endpoint),) = sections(text, r"  /whatsapp/webhooks:$")
    ((_, examples),) = sections(endpoint, r" +examples:$")
    return {name: example["value"] for name, example in Yaml(examples).read().items()}


def message_examples(text):
    """The examples of schemas that look like a message: who sent it, its id, when, what it is."""
    ((_, components),) = sections(text, r"components:$")
    ((_, schemas),) = sections(components, r"  schemas:$")
    found = {}
    for name, schema in sections(schemas, r"    \w+:$"):
        for _, example in sections(schema, r" +example:$"):
            if all(re.search(rf"^ +{member}: ", example, re.M) for member in ("from", "id", "timestamp", "type")):
                found[re.sub(r"_\d+$", "", name)] = Yaml(example).read()
    return found


def parse(delivery):
    """What `hookmill parse` makes of a delivery."""
    result = subprocess.run([os.environ["HOOKMILL_BIN"], "parse"], input=json.dumps(delivery), text=True,
                            capture_output=True, check=True, timeout=60)
    return [json.loads(line) for line in result.stdout.splitlines()]


@unittest.skipUnless(OPENAPI.is_file(), f"{OPENAPI} is not there (HOOKMILL_META_OPENAPI names it)")
class MetaOpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = OPENAPI.read_text()

    def check(self, name, delivery, expected):
        kind, what, members = expected
        events = parse(delivery)
        self.assertEqual([(event["kind"], event["type"]) for event in events], [(kind, what)], name)
        for member in members:
            self.assertTrue(events[0].get(member), f"{name}: {member}")

    def test_every_webhook_example_becomes_the_kind_that_its_name_says(self):
        examples = delivery_examples(self.text)
        self.assertEqual(len(examples), self.text.count("object: whatsapp_business_account"))
        self.assertEqual(set(examples), set(DELIVERIES), "examples, and rows of the table")
        for name, delivery in examples.items():
            self.check(name, delivery, DELIVERIES[name])

    def test_every_message_that_a_schema_shows_becomes_the_kind_that_its_name_says(self):
        examples = message_examples(self.text)
        self.assertEqual(set(examples), set(SCHEMAS), "examples, and rows of the table")
        for name, message in examples.items():
            value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "106540352242922"},
                     "messages": [message]}
            change = {"field": "messages", "value": value}
            self.check(name, {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]},
                       SCHEMAS[name])


class Reader(unittest.TestCase):
    def test_the_reader_of_the_examples_refuses_what_it_does_not_know(self):
        text = "a: 'it''s'\nb:\n- c: -1.5\n  d: ''\n- x: https://a.example/?b=c\ne:\n  f: null\n"
        self.assertEqual(Yaml(text).read(), {"a": "it's", "b": [{"c": -1.5, "d": ""}, {"x": "https://a.example/?b=c"}],
                                             "e": {"f": None}})
        for text in ("a: |\n  b\n", "a: \"b\"\n", "a: b\n  c\n", "a: {b: c}\n", "a: [1]\n", "a: 1\na: 2\n",
                     "a:\nb: 1\n"):
            self.assertRaises(ValueError, Yaml(text).read)
