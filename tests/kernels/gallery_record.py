"""Records of runs for the browser's tests of the gallery, in a home of their own."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
from PIL import Image

from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.ledger import Entry, Ledger, home
from runflow_widgets.portal import shared
from runflow_widgets.samples import load, names
from runflow_widgets.session import Session

CUT, TAGS = "bria/background/remove", "runflow/tag-removal"


def begun():
    # Inside the home that the test's server gives its kernels, and goes with it.
    folder = Path(os.environ["RUNFLOW_HOME"])
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["RUNFLOW_HOME"] = tempfile.mkdtemp(prefix="gallery-", dir=folder)
    return Ledger()


def put(ledger, number, model=CUT, status="succeeded", service="embedded", picture=None, **more):
    files = ()
    if picture is not None:
        folder = home() / "outputs" / f"{number:05d}"
        folder.mkdir(parents=True)
        picture.save(folder / "01.png")
        files = (str(folder / "01.png"),)
    when = datetime.now(UTC) - timedelta(minutes=7 * number)
    facts = {"key": f"rfw-{number:05d}", "model": model, "service": service, "status": status, "files": files}
    ledger.add(Entry(**facts, created_at=when, **more))


def photo():
    picture = Image.new("RGB", (90, 60), "white")
    picture.paste((20, 40, 160), (30, 15, 60, 45))
    return picture


def some():
    """Eight runs, of every kind."""
    ledger = begun()
    shown = [load(name) for name in names()][:4]
    for number, picture in enumerate(shown):
        picture.thumbnail((900, 900))
        inputs = {"image_url": "file:photo.png#sha256=ab"}
        put(ledger, number, picture=picture, duration_ms=1400 + 900 * number, id=f"run-{number}", inputs=inputs)
    money = {"service": "https://api.runflow.io", "id": "r-77"}
    words = {"prompt": "a red enamel mug on an oak table, morning light", "seed": 77}
    mug = {"picture": shown[1].rotate(90, expand=True), "cost": Decimal("0.03"), "inputs": words, "starred": True}
    put(ledger, 4, "bytedance/seedream/v4/text-to-image", **mug, **money)
    failure = {"failure_code": "INPUT_VALIDATION_FAILED", "failure_message": "The picture is smaller than 64 px."}
    price = {"price": "$0.14 per request", "inputs": {"image_url": "https://cdn.example/a.png"}}
    put(ledger, 5, TAGS, "failed", **failure, **price, **money)
    put(ledger, 6, "runflow/object-removal", "running", **price, **money)
    put(ledger, 7, TAGS, "canceled")
    return ledger


def many():
    """Three thousand runs, of which every hundredth has a picture."""
    ledger = begun()
    for number in range(3000):
        colour = (number % 255, number // 12 % 255, 120)
        picture = Image.new("RGB", (64, 48), colour) if number % 100 == 0 else None
        status = "succeeded" if picture else "failed"
        inputs = {"prompt": f"picture number {number}"}
        put(ledger, number, f"maker{number % 30}/model", status, picture=picture, inputs=inputs)
    return ledger


def costly(ledger):
    """A session with a service that has prices and takes nothing; what is sent to it is in `costly.sent`."""
    costly.sent = []

    def answer(request):
        costly.sent.append(request.url.path)
        return httpx.Response(503)

    client = Client("rf_live_0123456789", transport=httpx.MockTransport(answer), pace=Pace(scale=0))
    return Session(client, "remote", shared(), ledger, Catalogue.bundled())
