# SPDX-License-Identifier: MIT
"""Signed webhook deliveries in Meta's shapes, for load: each with one text message that no other delivery has."""

import hashlib
import hmac
import json
import time


PROSE = "Could you please tell me when the parcel with the blue shoes will be here, and what the delivery costs? "


def whatsapp(account, contact, number, run, size=0):
    """Contact and number are integers; `run` makes the ids differ from those of other runs. The text is as long as it
    takes to make the body `size` bytes, if it is shorter."""
    delivery = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "215566778899001", "changes": [{"field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "14155550123", "phone_number_id": account},
            "contacts": [{"profile": {"name": f"Person {contact}"}, "wa_id": str(595980000000 + contact)}],
            "messages": [{"from": str(595980000000 + contact), "id": f"wamid.{run}{number:010d}",
                          "timestamp": str(int(time.time())), "type": "text",
                          "text": {"body": f"Hello, this is message {number}"}}],
        }}]}],
    }
    missing = size - len(body_of(delivery))
    if missing > 0:
        text = delivery["entry"][0]["changes"][0]["value"]["messages"][0]["text"]
        text["body"] += ". " + (PROSE * (missing // len(PROSE) + 1))[:missing - 2] if missing > 2 else "." * missing
    return delivery


def messenger(account, contact, number, run):
    now = int(time.time() * 1000)
    return {
        "object": "page",
        "entry": [{"id": account, "time": now, "messaging": [{
            "sender": {"id": str(7012345600000000 + contact)}, "recipient": {"id": account}, "timestamp": now,
            "message": {"mid": f"m_{run}{number:010d}", "text": f"Hello, this is message {number}"},
        }]}],
    }


def sign(secret, body):
    return "sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def body_of(delivery):
    return json.dumps(delivery, separators=(",", ":")).encode()


def headers(secret, body):
    return {"Content-Type": "application/json", "X-Hub-Signature-256": sign(secret, body)}


def raw_request(path, secret, body):
    """A whole HTTP request as bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers(secret, body).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def write_requests(file, path, secret, deliveries):
    """The form that bench_wrk.lua reads: each request after its length in 8 hexadecimal digits."""
    for delivery in deliveries:
        request = raw_request(path, secret, body_of(delivery))
        file.write(b"%08x" % len(request) + request)
