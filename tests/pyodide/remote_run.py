"""What a notebook does with a remote run, for Python in a browser; the last line is what the test looks at."""

import asyncio
import json

import httpx

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.errors import ConfigError
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session, use
from runflow_widgets.widgets.run_panel import RunPanel

STATES = ["queued", "running", "succeeded"]
asked = []


def answer(request):
    asked.append(f"{request.method} {request.url.path}")
    if request.url.path.endswith(".bin"):
        return httpx.Response(200, content=b"the result")
    state = STATES.pop(0) if len(STATES) > 1 else STATES[0]
    link = {"url": "https://api.runflow.io/files/a.bin", "type": "file"}
    output = {"outputs": [link]} if state == "succeeded" else None
    return httpx.Response(201, json={"id": "r", "status_code": state, "cost": "0.14", "output": output})


client = Client("rf_live_0123456789", transport=httpx.MockTransport(answer), pace=Pace(scale=0))
use(Session(client, "remote", shared(), Ledger(), Catalogue.bundled()))
run = rf.run("runflow/tag-removal", image_url="https://example.test/shirt.png")
panel = RunPanel(run)
try:
    run.result()
    blocking = ""
except ConfigError as error:
    blocking = str(error)
await run  # noqa: F704
told = asyncio.Event()
panel.observe(lambda _: told.set() if panel.done else None)
if not panel.done:
    await told.wait()  # noqa: F704

embedded = rf.connect(embedded=True)
failed = rf.run("runflow/tag-removal", image_url="data:image/png;base64,AAAA")
await failed.over()  # noqa: F704

json.dumps(
    {
        "blocking": blocking,
        "panel": [panel.says, panel.price, len(panel.files)],
        "result": run.outputs[0].path.read_text(),
        "asked": asked,
        "record": [entry.status for entry in rf.runs(model="runflow/tag-removal")],
        "again": [entry.key for entry in rf.runs.resume()],
        "embedded": str(failed.error),
        "models": len(rf.models()),
    }
)
