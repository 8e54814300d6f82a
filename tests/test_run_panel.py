from __future__ import annotations

import io
import threading

import httpx
import nbconvert
import nbformat
import numpy as np
import pytest
from PIL import Image
from recording import say, wire  # noqa: F401

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.errors import RunCancelled
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session
from runflow_widgets.widgets.compare import Compare
from runflow_widgets.widgets.form import ModelForm
from runflow_widgets.widgets.model_picker import ModelPicker
from runflow_widgets.widgets.run_cell import show
from runflow_widgets.widgets.run_panel import RunPanel, static_html

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
    refused = panel.notice
    panel._handle_custom_msg({"do": "stop"}, [])

    assert "no public way to cancel" in refused
    assert seen(panel, lambda panel: panel.done and "Waiting was stopped" in panel.says)
    assert not panel.embedded
    session.close()


def remote(answer):
    client = Client("rf_live_secretsecret", transport=httpx.MockTransport(answer), pace=Pace(scale=0))
    return Session(client, "remote", shared(), Ledger(), Catalogue.bundled())


def test_results_that_were_paid_for_and_did_not_arrive_are_fetched_from_the_panel():
    posts, ways = [], [httpx.Response(403)] * 2

    def answer(request):
        if request.url.path.endswith("/runs") and request.method == "POST":
            posts.append(request)
        if request.url.path.endswith(".png"):
            buffer = io.BytesIO()
            Image.new("RGB", (30, 20)).save(buffer, "PNG")
            return ways.pop() if ways else httpx.Response(200, content=buffer.getvalue())
        output = {"outputs": [{"url": "https://api.runflow.io/files/a.png", "type": "image"}]}
        return httpx.Response(201, json={"id": "r", "status_code": "succeeded", "cost": "0.05", "output": output})

    session = remote(answer)
    panel = RunPanel(rf.run("runflow/skin-fix", image_url="https://x/y.png", session=session))
    assert seen(panel, lambda panel: panel.failed)
    assert (panel.resumes, panel.price) == ("Fetch the results", "cost $0.05")

    say(panel, {"do": "resume"})
    assert seen(panel, lambda panel: panel.picture)
    assert (panel.failed, panel.says, panel.resumes, len(panel.files)) == (False, "Done", "", 1)
    assert len(posts) == 1
    panel.run.result(1)
    say(panel, {"do": "resume"})
    assert "nothing more to fetch" in panel.notice
    session.close()


def test_a_run_that_was_no_longer_waited_for_is_followed_again_from_the_panel():
    states = ["queued", "running"]

    def answer(_):
        state = states.pop(0) if len(states) > 1 else states[0]
        return httpx.Response(201, json={"id": "r", "status_code": state, "failure_code": "X", "cost": None})

    session = remote(answer)
    panel = RunPanel(rf.run("runflow/skin-fix", image_url="https://x/y.png", session=session))
    assert seen(panel, lambda panel: panel.status == "running")
    panel.run.stop_waiting()
    assert seen(panel, lambda panel: panel.done)
    assert (panel.resumes, panel.price) == ("Follow it again", panel.run.price.text)

    say(panel, {"do": "resume"})
    assert seen(panel, lambda panel: not panel.done)
    states[:] = ["canceled"]
    assert seen(panel, lambda panel: panel.done)
    assert (panel.says, panel.price, panel.resumes) == ("The run was cancelled.", "no cost was told", "")
    session.close()


def test_a_panel_that_is_closed_is_not_told_any_more(slow, photo, finish):
    run = rf.run(MODEL, image=photo)
    before = len(run._watchers)

    RunPanel(run).close()
    finish()

    assert len(run._watchers) == before
    run.result(30)


def test_what_a_page_without_widgets_shows_holds_no_foreign_html(slow, finish, photo):
    finish()
    run = rf.run(MODEL, image=photo).result(30)

    bundle = run._repr_mimebundle_()

    assert bundle["text/plain"] == repr(run)
    assert "data:image/webp;base64," in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_text_of_the_service_is_escaped(slow, photo, finish):
    run = rf.run(MODEL, image=photo)
    run._error = rf.errors.RunFailed("<script>alert(1)</script>")

    assert "<script>" not in static_html(run)
    finish()


# ---------------------------------------------------------------- what a person may do


def done(photo, finish, **more):
    finish()
    return rf.run(MODEL, image=photo, **more).result(30)


def test_the_files_are_sent_to_the_page_to_be_saved(slow, finish, photo, wire):  # noqa: F811
    run = done(photo, finish)
    panel = RunPanel(run)

    say(panel, {"do": "save"})

    ((content, buffers),) = wire.custom(panel)
    assert content == {"kind": "file", "name": "remove-01.png"}
    assert Image.open(io.BytesIO(bytes(buffers[0]))).tobytes() == run.image.tobytes()
    assert rf.settings_of(bytes(buffers[0])).model == MODEL


def test_the_code_is_written_when_it_is_looked_at(slow, finish, photo):
    panel = RunPanel(done(photo, finish))

    assert panel.code == ""
    panel.opened = "code"
    assert "rf.run(" in panel.code
    panel.language = "curl"
    assert panel.code == panel.run.code("curl")


def test_a_comparison_opens_below_the_panel_and_closes_again(slow, finish, photo):
    view = show(done(photo, finish))

    view._act("compare")
    assert isinstance(view.children[1], Compare)
    first = view.children[1]
    view._act("compare")
    assert view.children == (view.panel,)
    view._act("compare")
    assert view.children[1] is first


def test_a_result_leads_on_to_the_next_model(slow, finish, photo):
    view = show(done(photo, finish))

    view._act("use")
    picker = view.children[1]
    assert isinstance(picker, ModelPicker)
    picker.chosen = "google/nano-banana-pro/edit"
    assert picker.form.value == {"image_urls": [view.run.outputs[0]]}
    picker.close()


def test_the_inputs_of_a_run_are_edited_in_a_form(slow, finish, photo):
    view = show(done(photo, finish, sync_mode=False))

    view._act("edit")
    form = view.children[1]

    assert isinstance(form, ModelForm)
    assert form.value == {"image_url": photo, "sync_mode": False}
    form.close()


def test_a_run_of_the_record_says_which_file_has_to_be_chosen_again(slow, finish, photo):
    key = done(photo, finish, sync_mode=False).key

    view = show(rf.runs.get(key))
    view._act("edit")
    form = view.children[1]

    assert form.value == {"sync_mode": False}
    assert "image_url" in form._core.head.says
    view.panel._handle_custom_msg({"do": "again"}, [])
    assert "was not kept" in view.panel.notice
    form.close()


def test_run_again_is_a_new_run_below(slow, finish, photo):
    view = show(done(photo, finish))

    view._act("again")
    view.children[1].run.result(30)

    assert view.children[1].run.key != view.run.key
    assert view.panel.again == "runs here: free"


def test_a_failure_tells_what_would_do_and_what_a_helper_wants_to_know():
    answer = {"code": "INSUFFICIENT_CREDIT", "message": "No credit."}
    client = Client(
        "rf_live_secretsecret",
        transport=httpx.MockTransport(
            lambda _: httpx.Response(402, json=answer, headers={"runflow-request-id": "req-7"})
        ),
        pace=Pace(scale=0),
    )
    session = Session(client, "remote", shared(), Ledger(), Catalogue.bundled())
    panel = RunPanel(rf.run("runflow/skin-fix", image_url="https://x/y.png", session=session))

    assert seen(panel, lambda panel: panel.failed)
    assert "Top up" in panel.advice
    for known in ("CreditError", "INSUFFICIENT_CREDIT", "http status: 402", panel.run.key, "runflow/skin-fix"):
        assert known in panel.details
    assert "secret" not in str(panel.get_state())
    session.close()


@pytest.mark.parametrize("exporter", ["MarkdownExporter", "HTMLExporter"])
def test_an_exported_notebook_tells_what_was_run_where_and_for_how_much(slow, finish, photo, exporter):
    bundle = done(photo, finish)._repr_mimebundle_()
    bundle.pop("application/vnd.jupyter.widget-view+json")
    output = nbformat.v4.new_output("display_data", data=bundle)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("run", outputs=[output])])

    text, _ = getattr(nbconvert, exporter)().from_notebook_node(notebook)

    for told in (MODEL, "Done", "free: it ran here", "data:image/webp;base64,"):
        assert told in text
