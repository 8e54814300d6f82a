from __future__ import annotations

import io
import threading

import httpx
import numpy as np
import pytest
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.errors import RunCancelled
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session
from runflow_widgets.widgets.run_panel import RunPanel, show, static_html

MODEL = "bria/background/remove"


@pytest.fixture
def photo():
    return Image.fromarray(np.full((600, 900, 3), 120, np.uint8))


def seen(panel, condition):
    """Wait until the panel's traits say so."""
    told = threading.Event()
    panel.observe(lambda _: condition(panel) and told.set())
    return condition(panel) or told.wait(20)


def test_the_panel_follows_the_run_by_its_traits(slow, finish, photo):
    panel = RunPanel(rf.run(MODEL, image=photo))

    assert seen(panel, lambda panel: panel.status == "running" and panel.progress == 0.5)
    assert (panel.title, panel.price, panel.done) == (MODEL, "runs here: free", False)
    finish()
    assert seen(panel, lambda panel: panel.done and panel.picture)

    assert (panel.says, panel.price, panel.failed) == ("Done", "free: it ran here", False)
    assert Image.open(io.BytesIO(panel.picture)).size == (512, 341)
    assert panel.files[0].endswith("01.png")


def test_a_panel_made_after_the_end_shows_the_end(slow, finish, photo):
    finish()
    run = rf.run(MODEL, image=photo).result(30)

    panel = RunPanel(run)

    assert panel.done
    assert panel.picture


def test_the_page_asks_to_cancel(slow, photo):
    run = rf.run(MODEL, image=photo)
    panel = RunPanel(run)
    seen(panel, lambda panel: panel.status == "running")

    panel._handle_custom_msg({"do": "cancel"}, [])
    with pytest.raises(RunCancelled):
        run.result(20)

    assert seen(panel, lambda panel: panel.done and panel.failed)


def test_the_page_asks_to_stop_waiting_for_a_remote_run():
    client = Client(
        transport=httpx.MockTransport(lambda _: httpx.Response(201, json={"id": "r", "status_code": "queued"})),
        pace=Pace(scale=1000),
    )
    session = Session(client, "remote", shared(), Ledger(), Catalogue.bundled())
    panel = RunPanel(rf.run("runflow/skin-fix", image_url="https://x/y.png", session=session))
    seen(panel, lambda panel: panel.status == "queued")

    panel._handle_custom_msg({"do": "cancel"}, [])
    refused = panel.says
    panel._handle_custom_msg({"do": "stop"}, [])

    assert "no public way to cancel" in refused
    assert seen(panel, lambda panel: panel.done and "Waiting was stopped" in panel.says)
    assert not panel.embedded
    session.close()


def test_what_a_page_without_widgets_shows_holds_no_foreign_html(slow, finish, photo):
    finish()
    run = rf.run(MODEL, image=photo).result(30)

    bundle = show(run)

    assert bundle["text/plain"] == repr(run)
    assert "data:image/webp;base64," in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_text_of_the_service_is_escaped(slow, photo, finish):
    run = rf.run(MODEL, image=photo)
    run._error = rf.errors.RunFailed("<script>alert(1)</script>")

    assert "<script>" not in static_html(run)
    finish()
