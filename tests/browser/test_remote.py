"""The remote side over a real socket: the key shows nowhere, the budget asks, and a run that is paid is paid once."""

from __future__ import annotations

import base64
import json
import os
import signal
from decimal import Decimal
from pathlib import Path

import pytest
from billing_service import BillingService
from looks import keep_picture

from runflow_widgets.engine.workers import WorkerPool

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECRET = "Zq7vNn2kXw9TbR4mLs8yHd"
KEY = f"rf_live_{SECRET}Q7z9"
MODEL = "bria/background/remove"
PRICE = Decimal("0.018")
CONNECT = """
import logging, os, traceback
from pathlib import Path
handler = logging.FileHandler({log!r})
logging.getLogger().addHandler(handler)
logging.getLogger().setLevel(logging.DEBUG)
# The pictures of the catalogue's examples lie on the public network, where no test goes.
os.environ["HTTPS_PROXY"] = "http://127.0.0.1:9"
os.environ["RUNFLOW_API_KEY"] = Path({key_file!r}).read_text()
import runflow_widgets as rf
session = rf.connect(base_url={url!r})
print(session)
"""
STUDIO = "studio = rf.studio(rf.samples.load('plant').resize((220, 160)), {model!r}, key={key!r})\nstudio"
FORM = "form = rf.form({model!r}, image_url=rf.samples.load('plant').resize((220, 160)))\nform"
SAVE_STATE = "() => jupyterapp.commands.execute('@jupyter-widgets/jupyterlab-manager:saveWidgetState')"
IDLE = "() => panel.sessionContext.session?.kernel?.status === 'idle' && !document.querySelector('.jp-Dialog')"


@pytest.fixture
def gate(tmp_path, monkeypatch):
    """The service's runs go on until this file is touched."""
    gate = tmp_path / "go"
    monkeypatch.setenv("SLOW_UNTIL", str(gate))
    return gate


@pytest.fixture
def service(tmp_path, gate):
    with BillingService(tmp_path / "service", WorkerPool(1, task_module="slow_tasks"), KEY) as service:
        yield service


@pytest.fixture
def remote(notebook, service, tmp_path):
    """remote([cells…]) opens a notebook that is connected to the service with a key that no cell names."""
    key_file = tmp_path / "key.txt"
    key_file.write_text(KEY)

    def open_remote(*cells, log=tmp_path / "debug.log", **screen):
        connect = CONNECT.format(log=str(log), key_file=str(key_file), url=service.url)
        return notebook([connect, *cells], **screen)

    return open_remote


def press_run(page):
    run = page.page.get_by_role("button", name="Run", exact=True)
    run.wait_for(timeout=60_000)
    run.click()


# ---------------------------------------------------------------- the key


class Traffic:
    """Everything that a page sends to its server and hears from it, from the next load on."""

    def __init__(self, page):
        self.sent, self.heard = [], []
        page.on("websocket", self._opened)
        page.on("request", lambda request: self.sent.append(request.post_data_buffer or b""))

    def _opened(self, websocket):
        websocket.on("framesent", lambda data: self.sent.append(as_bytes(data)))
        websocket.on("framereceived", lambda data: self.heard.append(as_bytes(data)))


def as_bytes(data):
    return data.encode() if isinstance(data, str) else bytes(data)


def held_by(folder):
    """The bytes of all files below a folder, with their names."""
    return b"\n".join(
        path.name.encode() + b"\n" + path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()
    )


def spellings(secret):
    """The secret as it is, and as it stands inside base64, whatever stands before it."""
    data = secret.encode()
    encoded = [base64.b64encode(b"\0" * shift + data)[4 if shift else 0 : -4] for shift in range(3)]
    return [data, data[:12], *encoded]


@pytest.mark.timeout(240)
def test_the_key_is_found_nowhere(remote, service, server, gate, tmp_path):
    log = tmp_path / "debug.log"
    failing = (
        "texts = []\n"
        "def note(make):\n"
        "    try:\n"
        "        run = make()\n"
        "        run.result(30)\n"
        "    except rf.RunflowError as error:\n"
        "        texts.append(''.join(traceback.format_exception(error)) + repr(error) + repr(vars(error)))\n"
        "        print(texts[-1])\n"
    )
    page = remote(STUDIO.format(model=MODEL, key="remote-key"), failing)
    traffic = Traffic(page.page)
    page.reload()
    page.page.evaluate(SAVE_STATE)
    page.run_all()
    gate.touch()

    press_run(page)
    page.page.locator(".rfw-studio-card").nth(1).wait_for(timeout=60_000)
    # A service that quotes the key in what it says of it.
    service.refusal = (402, json.dumps({"code": "NO_CREDIT", "message": f"The key {KEY} has no credit."}).encode())
    press_run(page)
    page.page.locator(".rfw-run[data-state=failed]").first.wait_for()
    keep_picture(page, "remote-refused")
    page.ask(f"note(lambda: rf.run({MODEL!r}, image=rf.samples.load('plant').resize((64, 64))))")
    service.refusal = None
    page.ask("note(lambda: rf.run('runflow/skin-fix', image=rf.samples.load('plant').resize((64, 64))))")
    page.ask(f"note(lambda: rf.run({MODEL!r}, image=rf.samples.load('plant'), session=rf.connect('rf_live_no')))")
    page.ask("rf.connect()")
    page.save()
    page.page.wait_for_function("() => Object.keys(panel.model.getMetadata('widgets') ?? {}).length")
    page.page.evaluate(SAVE_STATE)

    # Where it is looked for, with something that is known to be there: a search that finds nothing proves nothing.
    saved = (server.root / page.address.split("/")[-1].split("?")[0]).read_bytes()
    places = {
        "the page": ("\n".join(frame.content() for frame in page.page.frames).encode(), b"Q7z9"),
        "what the page sent": (b"\n".join(traffic.sent), b"rf.studio("),
        "what the page heard": (b"\n".join(traffic.heard), b"Q7z9"),
        "the notebook": (saved, b"Q7z9"),
        "the state of the widgets": (json.dumps(json.loads(saved)["metadata"]["widgets"]).encode(), b"Q7z9"),
        "the server's log": ((server.folder / "server.log").read_bytes(), b"Kernel started"),
        "the log of everything": (log.read_bytes(), b"/v1/models/bria/background/remove/runs -> 402"),
        "the exceptions": (page.ask("'\\n'.join(texts)").encode(), b"has no credit"),
        "our folder": (held_by(server.folder / "runflow"), MODEL.encode()),
        "the studio's file": ((server.folder / "runflow/studio/remote-key.json").read_bytes(), MODEL.encode()),
        "the reprs": (page.ask("repr([session, session.client, vars(session.client), studio])").encode(), b"Q7z9"),
    }

    assert f"Bearer {KEY}" in service.authorizations
    assert [name for name, (data, known) in places.items() if known not in data] == []
    assert [name for name, (data, _) in places.items() if any(one in data for one in spellings(SECRET))] == []
    assert page.ask("len(texts)") == 3


# ---------------------------------------------------------------- the money


def test_the_budget_asks_before_and_the_cost_is_told_after(remote, service, gate):
    page = remote(FORM.format(model=MODEL))
    page.run_all()
    gate.touch()
    form = page.page.locator(".rfw-form")
    form.get_by_text("$20.00 left").wait_for()
    assert form.locator(".rfw-bar-price").inner_text() == f"${PRICE}"
    page.ask("rf.budget('0.01') and 0")

    press_run(page)
    ask = form.get_by_role("alertdialog")
    ask.get_by_text(f"This run costs ${PRICE}").wait_for()
    ask.get_by_role("button", name="Do not send").click()
    ask.wait_for(state="hidden")
    assert (page.ask("len(form.runs)"), sum(service.posts.values()), service.runs) == (0, 0, [])

    page.ask("rf.budget('0.02') and 0")
    press_run(page)
    page.page.locator(".rfw-run[data-state=done]").wait_for(timeout=60_000)
    page.page.locator(".rfw-run").get_by_text(f"cost ${PRICE}").wait_for()
    form.get_by_text("$19.982 left").or_(form.get_by_text("$19.98 left")).wait_for()
    keep_picture(page, "remote-paid")
    press_run(page)
    ask.get_by_text(f"with ${PRICE} spent").wait_for()

    assert (sum(service.posts.values()), service.paid) == (1, [PRICE])


# ---------------------------------------------------------------- a kernel that dies


def kill_kernel(page):
    """End the kernel of this test's notebook as a machine out of memory would; the server starts another one."""
    pid = page.ask("os.getpid()")
    os.kill(pid, signal.SIGKILL)
    page.forget_kernel()
    page.page.locator(".jp-Dialog").get_by_text("Kernel Restarting").wait_for(timeout=60_000)
    page.page.locator(".jp-Dialog .jp-mod-accept").click()
    page.page.wait_for_function(IDLE, timeout=60_000)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("moment", ["while it runs", "before the answer came"])
def test_a_run_survives_its_kernel_and_is_paid_once(remote, service, server, gate, moment):
    key = f"remote-{moment.split()[-1]}"
    page = remote(STUDIO.format(model=MODEL, key=key))
    page.run_all()
    studio_file = server.folder / "runflow" / "studio" / f"{key}.json"
    if moment == "before the answer came":
        service.answering.clear()

    press_run(page)
    if moment == "while it runs":
        page.page.locator(".rfw-run").get_by_text("Running").wait_for()
    assert service.accepted.wait(30)
    run_key = page.ask("studio.form.runs[0].key")
    page.until(f"{run_key!r} in Path({str(studio_file)!r}).read_text()")
    kill_kernel(page)
    service.answering.set()
    gate.touch()
    page.run_all()
    page.page.locator(".rfw-studio-card").nth(1).wait_for(timeout=60_000)
    keep_picture(page, f"remote-killed-{key}")

    assert page.ask("[(v.key, v.parent) for v in studio.versions if v.model]") == [[run_key, 1]]
    assert (dict(service.posts), service.paid) == ({run_key: 1}, [PRICE])
    assert page.ask(f"[str(rf.runs.get({run_key!r}).cost), len(rf.runs.resume())]") == [str(PRICE), 0]
