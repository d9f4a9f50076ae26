# SPDX-License-Identifier: MIT
"""WhatsApp's bodies in messages.json against Meta's OpenAPI file.

The file is not part of the project: HOOKMILL_META_OPENAPI names it, or it lies at
../shared/reference/business-messaging-api_v23.0.yaml beside the project. Without it, or without PyYAML, these tests are
skipped.
"""

import json
import os
import pathlib
import unittest

try:
    import yaml
except ImportError:
    yaml = None

HERE = pathlib.Path(__file__).resolve().parent
DEFAULT = HERE.parents[3] / "shared/reference/business-messaging-api_v23.0.yaml"
OPENAPI = pathlib.Path(os.environ.get("HOOKMILL_META_OPENAPI") or DEFAULT)

# Interactive messages that the file does not know; Meta's pages show them.
NEWER = {"cta_url", "carousel", "location_request_message"}


class Schemas:
    """As much of JSON Schema as the messages need. Where allOf joins two parts, the file forbids in each what belongs to
    the other (additionalProperties); so members are held against all parts together. The pattern of a button's index is
    left alone: it does not match the file's own example."""

    def __init__(self, text):
        self.schemas = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["components"]["schemas"]

    def resolve(self, schema):
        return self.schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema

    def members(self, schema):
        """The names that an object may have; None: any."""
        schema = self.resolve(schema)
        names, closed = set(schema.get("properties", {})), schema.get("additionalProperties") is False
        for part in schema.get("allOf", []):
            inner, inner_closed = self.members(part)
            names, closed = names | inner, closed or inner_closed
        return names, closed

    def faults(self, value, schema, place="body", whole=True):
        schema = self.resolve(schema)
        kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
        kind = kinds.get(schema.get("type"), object)
        if not isinstance(value, kind):
            return [f"{place}: {value!r} is no {schema['type']}"]
        found = []
        for part in schema.get("allOf", []):
            found += self.faults(value, part, place, whole=False)
        if "oneOf" in schema:
            fits = [part for part in schema["oneOf"] if not self.faults(value, part, place)]
            if not fits:
                found.append(f"{place}: fits none of oneOf: {[self.faults(value, p, place) for p in schema['oneOf']]}")
        if "enum" in schema and value not in schema["enum"]:
            found.append(f"{place}: {value!r} is not among {schema['enum']}")
        if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
            found.append(f"{place}: longer than {schema['maxLength']}")
        if isinstance(value, list):
            found += self.list_faults(value, schema, place)
        if isinstance(value, dict):
            found += self.object_faults(value, schema, place, whole)
        return found

    def list_faults(self, value, schema, place):
        found = []
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{place}: {len(value)} elements")
        for number, item in enumerate(value):
            found += self.faults(item, schema.get("items", {}), f"{place}[{number}]")
        return found

    def object_faults(self, value, schema, place, whole):
        found = [f"{place}: {name} is missing" for name in schema.get("required", []) if name not in value]
        names, closed = self.members(schema)
        if whole and closed and not set(value) <= names:
            found.append(f"{place}: unknown: {set(value) - names}")
        mapping = schema.get("discriminator", {}).get("mapping", {}) if whole else {}
        if value.get("type") in mapping:
            found += self.faults(value, {"$ref": mapping[value["type"]]}, place, whole=False)
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                found += self.faults(value[name], inner, f"{place}.{name}")
        return found


@unittest.skipUnless(yaml and OPENAPI.is_file(), f"PyYAML or {OPENAPI} is not there (HOOKMILL_META_OPENAPI names it)")
class MessagesOpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schemas = Schemas(OPENAPI.read_text())
        cls.cases = {case["name"]: case["whatsapp"] for case in json.loads((HERE / "messages.json").read_text())}

    def faults(self, body):
        body = {name: value for name, value in body.items() if name != "biz_opaque_callback_data"}  # not in the file
        if "status" in body:
            return self.schemas.faults(body, {"$ref": "#/components/schemas/MarkMessageRequestPayload"})
        reference = self.schemas.schemas["Message"]["discriminator"]["mapping"][body["type"]]
        return self.schemas.faults(body, {"$ref": reference})

    def test_every_body_has_the_form_that_meta_describes(self):
        held = set()
        for name, body in self.cases.items():
            what = body.get("interactive", body).get("type", "read")
            if what not in NEWER:
                self.assertEqual(self.faults(body), [], name)
                held.add(what)
        self.assertEqual(held, {"text", "image", "video", "audio", "document", "sticker", "location", "contacts", "list",
                                "button", "template", "reaction", "read"})

    def test_a_body_that_is_wrong_is_found(self):
        for name, change in (("image", lambda b: b["image"].pop("link")), ("list", lambda b: b["interactive"].pop("action")),
                             ("four buttons", lambda b: b["interactive"]["action"].update(button="x" * 21)),
                             ("location", lambda b: b["location"].update(latitude=1.5)),
                             ("reaction", lambda b: b["reaction"].update(more="x")),
                             ("contact", lambda b: b["contacts"][0]["phones"][0].pop("phone")),
                             ("template", lambda b: b["template"].pop("name")),
                             ("template", lambda b: b["template"]["components"][0].update(type="tail"))):
            body = json.loads(json.dumps(self.cases[name]))
            change(body)
            self.assertNotEqual(self.faults(body), [], name)
