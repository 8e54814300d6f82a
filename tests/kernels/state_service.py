"""A service that plays every way in which a run can go; the prompt says which. For looking at what is shown of it."""

from __future__ import annotations

import asyncio
import base64
import io
import json

import httpx
from PIL import Image

from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session

MODEL = "google/nano-banana-pro"
HOST = "https://service.test"


def picture_link():
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((300, 200)).convert("RGB").save(buffer, "PNG")
    return {"url": f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}", "type": "image"}


GONE = {"url": f"{HOST}/gone.png", "type": "image"}
FAILED = {
    "status_code": "failed",
    "failure_code": "CONTENT_POLICY",
    "failure_message": "The prompt was refused by the model's safety filter. " * 3,
}
#: What the service says of a run when it is asked for it.
STATES = {
    "is in line": {"status_code": "pending"},
    "is running": {"status_code": "running", "progress": 0.4},
    "is done": {"status_code": "succeeded", "cost": "0.15", "output": {"image_urls": [picture_link()], "seed": 7}},
    "is done in part": {"status_code": "partial_succeeded", "cost": "0.15", "output": {"image_urls": [picture_link()]}},
    "fails": FAILED,
    "has lost its files": {"status_code": "succeeded", "cost": "0.15", "output": {"image_urls": [GONE]}},
    "is cancelled": {"status_code": "canceled"},
    "is of a new kind": {"status_code": "hibernating"},
}
PROBLEM = {"loc": ["body", "input", "prompt"], "msg": "String should have at most 10 characters", "type": "too_long"}
#: What the service says to the creation of a run.
REFUSALS = {
    "is refused at its field": (422, {"error": {"code": "VALIDATION_ERROR", "message": "Bad", "errors": [PROBLEM]}}),
    "has no credit": (402, {"error": {"code": "INSUFFICIENT_CREDIT", "message": "The balance is too low."}}),
    "has a bad key": (401, {"error": {"code": "INVALID_API_KEY", "message": "The API key is invalid."}}),
    "meets a broken service": (500, {"error": {"code": "INTERNAL", "message": "Something broke."}}),
}
LOST = "loses its answers"
PROMPTS = (*STATES, *REFUSALS, LOST)


async def answer(request):
    """Answer as the prompt of the run wants it."""
    if request.method == "POST":
        prompt = json.loads(request.content)["input"]["prompt"]
        if prompt in REFUSALS:
            status, body = REFUSALS[prompt]
            return httpx.Response(status, json=body)
        if prompt == LOST:
            raise httpx.ReadError("the connection was reset")
        return httpx.Response(201, json={"id": f"run-{prompt.replace(' ', '-')}", "status_code": "pending"})
    path = request.url.path
    if path == "/v1/runs":
        return httpx.Response(200, json={"items": []})
    if path.startswith("/v1/runs/run-"):
        name = path.removeprefix("/v1/runs/run-").replace("-", " ")
        return httpx.Response(200, json={"id": path.rpartition("/")[2], **STATES[name]})
    if path == "/v1/billing/balance":
        return httpx.Response(200, json={"balance": "12.5"})
    await asyncio.sleep(0)
    return httpx.Response(403, json={})


def session():
    """A connection to it."""
    client = Client("rf_live_0123456789", base_url=HOST, transport=httpx.MockTransport(answer), pace=Pace(scale=0.02))
    return Session(client, "remote", shared(), Ledger(), Catalogue.bundled())
