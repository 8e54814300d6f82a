"""A service that puts code into every string it sends; if any of it is run, `window.hits` says so."""

from __future__ import annotations

import json

import httpx
from state_service import picture_link

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session, use

RUN = "window.hits=(window.hits||0)+1"
CODE = (
    f'"\'><img src=/canary-img onerror="{RUN}"><script>{RUN}</script><svg onload="{RUN}"></svg>'
    f"<iframe src=\"javascript:parent.{RUN}\"></iframe><a href='javascript:{RUN}'>here</a><b class=hostile>bold</b>"
    f"{{{{constructor.constructor('{RUN}')()}}}}$\\(x\\)${{{RUN}}}"
)
STEERING = "\x1b[31mred\x1b[0m\x07\u202eevil\u2066"
LONG = CODE + STEERING + "W" * 100_000
#: Ids are compared, and longer ones are no ids.
END = f'"><img src=/canary-id onerror="{RUN}">'
#: By which a test finds the model and what is said of it.
NAME = "Kind model"


def evil(name):
    return f"{name} {CODE}{STEERING}"


def field(name, code, **more):
    attrs = {key: more.pop(key) for key in ("options", "suggested", "fields", "kind") if key in more}
    return {
        "name": name, "display_name": evil(name), "description": f"{name}: {LONG}", "variable_type_code": code,
        "is_required": False, "validator_attrs": attrs, **more,
    }  # fmt: skip


MODEL = {
    "id": CODE,
    "slug": f"evil/{NAME} {CODE}".replace("/", "∕"),
    "model_creator": {"slug": "evil", "display_name": evil("Maker")},
    "name": evil(NAME),
    "description": f"Purpose {LONG}",
    "category_code": evil("category"),
    "license_code": evil("licence"),
    "pricing_note": f"$0.01/request {LONG}",
    "updated_at": CODE,
    "inputs": [
        field("prompt", "string", default_value=CODE, is_featured=True),
        field("style", "string", options=[evil("a"), evil("b"), LONG], default_value=evil("a")),
        field("mood", "string", suggested=[evil("c"), CODE], is_featured=True),
        field("count", "integer"),
        field("on", "boolean", default_value=True),
        field("image_url", "image", is_featured=True),
        field("config", "json", fields=[field("inner", "string", default_value=CODE)]),
        field("free", "json", default_value={CODE: [CODE]}),
        {"name": f"odd<img src=x onerror={RUN}>", "display_name": CODE, "variable_type_code": "string"},
    ],
    "outputs": [field("outputs", "json")],
    "runflow_widgets": {
        "notes": [LONG, evil("note")],
        "output_kind": evil("kind"),
        "completeness": evil("complete"),
        "examples": [{"title": evil("example"), "input": {"prompt": CODE, "style": evil("a")}}],
    },
}
FAILED = {
    "status_code": "failed",
    "failure_code": evil("CODE"),
    "failure_message": f"Failed because {LONG}",
    "failure_stage_code": evil("stage"),
}
DONE = {
    "status_code": "succeeded",
    "cost": "0.01",
    "output": {
        CODE: [{**picture_link(), "type": "image"}],
        "image_urls": [picture_link()],
        "seed": CODE,
        "timing": {CODE: CODE},
    },
    "metadata": {CODE: LONG},
}
STATES = {
    "done": DONE,
    "failed": FAILED,
    "running": {"status_code": "running", "context": {"progress": 0.4, "note": LONG, "worker": evil("worker")}},
    "strange": {"status_code": evil("strange"), "context": {"note": evil("note")}},
    "page": {"status_code": "succeeded", "output": {"image_urls": ["data:text/html,<script>parent.hits=1</script>"]}},
    "drawing": {
        "status_code": "succeeded",
        "output": {"image_urls": [f"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'/>"]},
    },
}
PROBLEMS = [{"loc": ["body", "input", name], "msg": LONG, "type": CODE} for name in ("prompt", "style", CODE, "none")]


async def answer(request):
    """Answer as the prompt of the run wants it; with more code than anything else."""
    headers = {"Runflow-Request-Id": f"<img src=/canary-head onerror={RUN}>"}
    path = request.url.path
    if request.method == "POST" and path.endswith("/runs"):
        prompt = json.loads(request.content)["input"].get("prompt", "done")
        if prompt not in STATES:
            body = {"error": {"code": evil("REFUSED"), "message": f"Refused: {LONG}", "errors": PROBLEMS}}
            return httpx.Response(422, json=body, headers=headers)
        return httpx.Response(201, json={"id": f"{prompt}{END}", "status_code": "pending", "request_id": CODE})
    if path in ("/v1/models", "/v1/public/models"):
        return httpx.Response(200, json={"items": [MODEL], "next": None})
    if path == "/v1/billing/balance":
        return httpx.Response(200, json={"balance": CODE})
    if path.startswith("/v1/runs/"):
        name = next((name for name in STATES if path.startswith(f"/v1/runs/{name}")), None)
        if name:
            return httpx.Response(200, json={"id": f"{name}{END}", **STATES[name]}, headers=headers)
    return httpx.Response(500, json={"message": LONG}, headers=headers)


def connect():
    """Connect to it, and take its models."""
    client = Client("rf_live_0123456789", base_url="https://service.test", transport=httpx.MockTransport(answer),
                    pace=Pace(scale=0.02))  # fmt: skip
    session = Session(client, "remote", shared(), Ledger(), Catalogue.bundled())
    before = use(session)
    if before is not None:
        before.close()
    return rf.models.refresh(session=session)


def model_id():
    """What its model is called by the catalogue."""
    return rf.models(NAME).ids[0]
