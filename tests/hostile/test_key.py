"""The key is in nothing that anybody keeps, prints or sends on, whatever goes wrong and whoever quotes it."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import logging
import os
import pickle
import subprocess
import sys
import traceback

import httpx
import nbformat
import psutil
import pytest
from hostile.raw_service import HEAD, RawService, one
from nbclient import NotebookClient
from nbconvert import HTMLExporter

import runflow_widgets as rf
from runflow_widgets.client import ApiKey, Client, Limits, Pace
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.errors import RunflowError
from runflow_widgets.ledger import home

SECRET = "Zq7vNn2kXw9TbR4mLs8yHd"
KEY = f"rf_live_{SECRET}Q7z9"
PICTURE = rf.samples.load("plant").resize((30, 20))
CUT_OUT = "bria/background/remove"


def pieces(secret=SECRET, length=12):
    """Every part of the secret that is long enough to be of use, and the whole in base64, whatever stands before it."""
    parts = {secret[start : start + length] for start in range(len(secret) - length + 1)}
    encoded = [base64.b64encode(b"\0" * shift + secret.encode())[4 if shift else 0 : -4] for shift in range(3)]
    return [*parts, *(text.decode() for text in encoded), secret.encode().hex()]


def leaks(text):
    return [piece for piece in pieces() if piece in text]


def everything(error):
    """An error with all that hangs on it, in the most talkative of tracebacks."""
    lines, seen, one = ["".join(traceback.format_exception(error))], set(), error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if frame.f_globals["__name__"].startswith("runflow_widgets"):
                lines += [f"{name} = {shown(value)}" for name, value in frame.f_locals.items()]
        lines += [str(one), repr(one), repr(vars(one)), repr(getattr(one, "args", ""))]
        request = vars(one).get("_request")
        lines += [str(dict(request.headers))] if request is not None else []
        one = one.__cause__ or one.__context__
    return "\n".join(lines)


def shown(value):
    try:
        return repr(value)
    except AttributeError as error:
        # An object that was never finished.
        return repr(error)


def folder_text(folder):
    return "\n".join(
        f"{path.name}\n{path.read_bytes().decode('latin-1')}" for path in folder.rglob("*") if path.is_file()
    )


@pytest.fixture
def logged(caplog):
    """All that anybody logs, at its most talkative."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "asyncio", "runflow_widgets"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


# ---------------------------------------------------------------- a service that quotes it everywhere


QUOTE = KEY.encode()
ANSWERS = {
    "in a body": lambda: [
        b"HTTP/1.1 401 No\r\nConnection: close\r\n\r\n" + json.dumps({"message": f"No: {KEY}"}).encode()
    ],
    "in a page": lambda: [b"HTTP/1.1 502 No\r\nConnection: close\r\n\r\n<html>" + QUOTE * 3],
    "in a page without an error": lambda: one(b"<html>" + QUOTE),
    "in headers": lambda: [
        b"HTTP/1.1 403 No\r\nConnection: close\r\nX-Request-Id: "
        + QUOTE
        + b"\r\nX-"
        + QUOTE
        + b": "
        + QUOTE
        + b"\r\n\r\n"
    ],
    "in the reason": lambda: [b"HTTP/1.1 500 Bad key " + QUOTE + b"\r\nConnection: close\r\n\r\n"],
    "in a redirect": lambda: [
        b"HTTP/1.1 307 There\r\nConnection: close\r\nLocation: https://evil.example/?k=" + QUOTE + b"\r\n\r\n"
    ],
    "in how long to wait": lambda: [b"HTTP/1.1 429 Slow\r\nConnection: close\r\nRetry-After: " + QUOTE + b"\r\n\r\n"],
    "in what is no HTTP": lambda: [b"Bearer " + QUOTE + b" is what you sent\r\n\r\n"],
    "in a line that is no header": lambda: [b"HTTP/1.1 200 OK\r\nBearer " + QUOTE + b"\r\n\r\n"],
    "in half an answer": lambda: [HEAD + b"Content-Length: 999\r\n\r\n" + QUOTE],
    "in a packing": lambda: one(b"x", b"Content-Encoding: " + QUOTE),
    "in a cookie": lambda: one(b"{", b"Set-Cookie: key=" + QUOTE),
    "in nothing": list,
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_whatever_a_service_quotes_it_in_it_is_passed_on_to_nobody(name, logged):
    with RawService(lambda _: ANSWERS[name]()) as service:
        async with Client(KEY, base_url=service.url, pace=Pace(scale=0), limits=Limits(whole_s=5)) as client:
            with pytest.raises(RunflowError) as failure:
                await client.create_run(CUT_OUT, {"image_url": "https://x.example/a.png"}, key="rfw-1")

    told = everything(failure.value) + logged.text + "".join(map(repr, vars(client).values()))
    # It was sent, and what came back was seen: a search where nothing is finds nothing.
    assert KEY.encode() in service.requests[0]
    assert "POST /v1/models" in told
    assert leaks(told) == []


async def test_where_nobody_answers_or_somebody_stops_waiting_it_does_not_show(logged):
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await asyncio.sleep(3600)

    def broken(request):
        raise ValueError(f"a transport of somebody else says {request.headers['authorization'][:7]}")

    texts = []
    transports = [(Silent(), Limits(whole_s=0.02)), (httpx.MockTransport(broken), Limits())]
    for transport, limits in transports:
        async with Client(KEY, transport=transport, limits=limits, pace=Pace(scale=0)) as client:
            with pytest.raises((RunflowError, ValueError)) as failure:
                await client.create_run(CUT_OUT, {}, key="rfw-1")
        texts.append(str(failure.value) + repr(failure.value))
    async with Client(KEY, transport=Silent(), pace=Pace(scale=0)) as client:
        waiting = asyncio.create_task(client.me())
        await asyncio.sleep(0)
        texts.append(repr(waiting))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError) as stopped:
            await waiting
        texts.append(repr(stopped.value))

    assert leaks("".join(texts) + logged.text) == []


@pytest.mark.parametrize("address", ["ftp://x", "http://elsewhere.example"])
def test_an_error_at_the_start_does_not_show_it(address):
    given = KEY

    with pytest.raises(RunflowError) as failure:
        rf.connect(given, base_url=address)

    assert address in everything(failure.value)
    assert leaks(everything(failure.value)) == []


# ---------------------------------------------------------------- a session, from its start to what it leaves behind


@pytest.mark.slow
def test_a_session_leaves_it_nowhere(logged, tmp_path, capfd):
    with rf.serve(key=KEY, folder=tmp_path / "served", workers=WorkerPool(1, task_module="copy_tasks")) as server:
        session = rf.connect(KEY, base_url=server.url)
        run = rf.run(CUT_OUT, image=PICTURE).result(60)
        with pytest.raises(RunflowError) as refused:
            rf.run(CUT_OUT, image="https://127.0.0.1:1/a.png").result(60)
        with pytest.raises(RunflowError) as unknown:
            rf.run("runflow/skin-fix", image=PICTURE).result(60)
        session.portal.call(session.client.create_callback_secret("of mine"))
        recipe = rf.Recipe("one").then("cut", CUT_OUT)
        objects = [
            session, session.client, session.client.http, session.client.outside, session.ledger, session.catalogue,
            run, run.outputs, run.state, rf.runs(), rf.models(), rf.budget(), recipe, server, server._service.core,
        ]  # fmt: skip
        seen = [text for thing in objects for text in (repr(thing), str(thing), f"{thing}", repr(vars_of(thing)))]
        seen += [rf.runs()._repr_html_(), rf.models()._repr_html_(), recipe.to_json()]
        seen.append(repr(rf.settings_of(run.outputs[0])))
        saved = [path.read_bytes().decode("latin-1") for path in run.save(tmp_path / "saved")]
        code = [run.code(language) for language in ("python", "curl", "javascript")]

    printed = capfd.readouterr()
    errors = everything(refused.value) + everything(unknown.value)
    places = {
        "what is shown": ("\n".join(seen), "…Q7z9"),
        "errors": (errors, "INPUT_FETCH_FAILED"),
        "what is logged": (logged.text, "POST /v1/models/bria/background/remove/runs -> 201"),
        "our folder": (folder_text(home()), CUT_OUT),
        "what the service keeps": (folder_text(tmp_path / "served"), CUT_OUT),
        "saved pictures": ("".join(saved), CUT_OUT),
        "code": ("".join(code), "RUNFLOW_API_KEY"),
        "what is printed": (printed.out + printed.err, ""),
    }
    assert [name for name, (text, known) in places.items() if known not in text] == []
    assert {name: leaks(text) for name, (text, _) in places.items() if leaks(text)} == {}


def vars_of(thing):
    known = getattr(thing, "__dict__", None)
    return (
        known if known is not None else {name: getattr(thing, name, None) for name in getattr(thing, "__slots__", ())}
    )


def test_a_session_with_a_key_is_neither_copied_nor_pickled():
    client = Client(KEY, base_url="https://api.example")

    for act in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            act(ApiKey(KEY))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(client, protocol)


def test_the_processes_that_open_strangers_files_do_not_have_it(monkeypatch):
    monkeypatch.setenv("RUNFLOW_API_KEY", KEY)
    monkeypatch.setenv("RUNFLOW_SERVE_KEY", KEY)
    rf.connect(embedded=True, workers=WorkerPool(1, task_module="copy_tasks"))

    rf.run(CUT_OUT, image=PICTURE).result(60)

    environments = [child.environ() for child in psutil.Process().children()]
    workers = [environment for environment in environments if "OPENBLAS_NUM_THREADS" in environment]
    assert workers
    assert leaks(repr(workers)) == []


# ---------------------------------------------------------------- a notebook that is saved and handed on


CELLS = """
import logging, os
logging.basicConfig(level=logging.DEBUG)
import runflow_widgets as rf
rf.connect(base_url={url!r})
---
run = rf.run({model!r}, image=rf.samples.load("plant").resize((30, 20)))
run
---
run.result(60)
rf.runs()
---
form = rf.form({model!r}, image_url=rf.samples.load("plant").resize((30, 20)))
form
---
rf.run({model!r}, image="https://127.0.0.1:1/a.png").result(60)
"""


@pytest.mark.slow
@pytest.mark.kernel
def test_a_notebook_that_is_handed_on_does_not_hold_it(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNFLOW_API_KEY", KEY)
    with rf.serve(key=KEY, folder=tmp_path / "served", workers=WorkerPool(1, task_module="copy_tasks")) as server:
        cells = CELLS.format(url=server.url, model=CUT_OUT).strip().split("\n---\n")
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        NotebookClient(notebook, allow_errors=True, timeout=90, iopub_timeout=60, store_widget_state=True).execute(
            cwd=str(tmp_path)
        )
    page, _ = HTMLExporter().from_notebook_node(notebook)

    saved = nbformat.writes(notebook)
    state = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert "…Q7z9" in saved
    assert "INPUT_FETCH_FAILED" in saved
    assert len(state) > 5
    assert leaks(saved) == []
    assert leaks(page) == []


@pytest.mark.slow
def test_the_command_line_does_not_tell_it(tmp_path):
    with rf.serve(key=KEY, folder=tmp_path / "served", workers=WorkerPool(1, task_module="copy_tasks")) as server:
        environment = {**os.environ, "RUNFLOW_API_KEY": KEY, "RUNFLOW_BASE_URL": server.url}
        told = []
        for arguments in (
            ["run", CUT_OUT, "--image", "https://127.0.0.1:1/a.png", "--json"],
            ["runs", "--json"],
            ["resume"],
        ):
            command = [sys.executable, "-m", "runflow_widgets", *arguments]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
            told.append(done.stdout + done.stderr)

    assert "…Q7z9" in told[0]
    assert "INPUT_FETCH_FAILED" in told[0]
    assert leaks("".join(told)) == []
