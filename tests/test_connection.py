from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from PIL import Image

import runflow_widgets as rf
from runflow_widgets import session as sessions
from runflow_widgets.catalogue import Catalogue, to_record
from runflow_widgets.client import Client, Pace
from runflow_widgets.engine.workers import WorkerPool, WorkFailed
from runflow_widgets.errors import AuthError, ConfigError, CreditError
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session

KEY = "rf_live_connect_1234"


def test_without_a_key_runs_go_nowhere_else_and_it_is_said_in_one_line():
    session = rf.connect()

    assert session.where == "embedded"
    assert repr(session) == "Embedded: runs are computed in this kernel, on the CPU, and cost nothing."


def test_with_a_key_runs_go_to_the_service_and_the_key_does_not_show():
    session = rf.connect(KEY)

    assert session.where == "remote"
    assert "https://api.runflow.io" in repr(session)
    assert "1234" in repr(session)
    assert KEY not in repr(session)


def test_a_key_of_the_environment_is_found(monkeypatch):
    monkeypatch.setenv("RUNFLOW_API_KEY", KEY)

    assert rf.connect().where == "remote"
    assert rf.connect(embedded=True).where == "embedded"


def test_an_address_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("RUNFLOW_BASE_URL", "http://127.0.0.1:8787")

    assert rf.connect().service == "http://127.0.0.1:8787"


def test_insisting_on_the_service_without_a_key_says_how_to_give_one():
    with pytest.raises(ConfigError, match="RUNFLOW_API_KEY"):
        rf.connect(embedded=False)


def test_keeping_a_key_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="no key to keep"):
        rf.connect(keep=True)


def test_connecting_here_twice_is_one_connection():
    assert rf.connect() is rf.connect()


def test_a_companys_proxy_is_not_asked_for_what_runs_here(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    picture = rf.samples.load("perfume")

    run = rf.run("runflow/background-color", image=picture, color_red=1, color_green=1, color_blue=1)

    assert run.result(60).image.size == picture.size


def test_looking_at_the_record_connects_to_nothing():
    assert repr(rf.runs()) == "No runs on record."

    assert sessions.opened() is None


def test_after_closing_a_connection_the_next_one_is_new():
    first = rf.connect()
    first.close()

    assert rf.connect() is not first
    assert sessions.current().portal.call(sessions.current().client.health())["status"] == "ok"


def test_the_first_run_connects_by_itself():
    assert sessions.current().where == "embedded"


def test_an_address_that_is_none_is_refused():
    with pytest.raises(rf.RunflowError, match="base_url"):
        rf.connect(KEY, base_url="api.runflow.io")


def test_one_model_and_all_models_are_shown():
    assert rf.model("runflow/tag-removal").price.amount is not None
    assert len(rf.models()) == 51
    assert "runflow/object-removal" in rf.models(takes_mask=True).ids
    assert "<table" in rf.models._repr_html_()
    assert "bria/background/remove" in repr(rf.models)
    with pytest.raises(rf.RunflowError, match="text"):
        rf.model(5)


def remote(answer, key=KEY, catalogue=None):
    client = Client(key, transport=httpx.MockTransport(answer), pace=Pace(scale=0))
    return Session(client, "remote", shared(), Ledger(), catalogue or Catalogue([]))


@pytest.mark.parametrize(("key", "path"), [(KEY, "/v1/models"), (None, "/v1/public/models")])
def test_the_live_list_is_merged(key, path):
    record = to_record(Catalogue.bundled().get("runflow/tag-removal"))

    def answer(request):
        answer.paths.append(request.url.path)
        return httpx.Response(200, json={"items": [record], "next": None})

    answer.paths = []
    session = remote(answer, key)

    said = rf.models.refresh(session=session)

    assert said.startswith("1 models were read")
    assert session.catalogue.get("runflow/tag-removal").name == "Tag Removal"
    assert answer.paths == [path]
    session.close()


def test_offline_the_list_stays_and_it_is_said():
    def answer(request):
        raise httpx.ConnectError("offline")

    session = remote(answer, catalogue=Catalogue.bundled())

    said = rf.models.refresh(session=session)

    assert said.startswith("The list of models stays as it was")
    assert len(session.catalogue) == 51
    session.close()


def test_serving_asks_for_its_key_and_nothing_else(tmp_path):
    with rf.serve(key=KEY, folder=tmp_path / "served") as server:
        refused = httpx.get(f"{server.url}/v1/auth/me")
        taken = httpx.get(f"{server.url}/v1/auth/me", headers={"Authorization": f"Bearer {KEY}"})
        healthy = httpx.get(f"{server.url}/v1/health")
        shown = repr(server)

    assert (refused.status_code, taken.status_code) == (401, 200)
    assert healthy.json()["status"] == "ok"
    assert KEY not in shown


def test_a_closed_server_is_gone(tmp_path):
    server = rf.serve(folder=tmp_path / "served")
    server.close()

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/v1/health")


def test_a_port_that_is_taken_is_a_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match="Choose another port"):
            rf.serve(port, folder=tmp_path / "served")


def test_nobody_is_served_beyond_this_machine_without_a_key():
    with pytest.raises(ConfigError, match="let anybody in"):
        rf.serve(host="0.0.0.0")


def test_our_client_runs_against_what_we_serve(tmp_path):
    picture = rf.samples.load("perfume")
    with rf.serve(key=KEY, folder=tmp_path / "served") as server:
        session = rf.connect(KEY, base_url=server.url)
        run = rf.run("runflow/background-color", image=picture, color_red=9, color_green=9, color_blue=9)
        run.result(60)
        stranger = Client("rf_live_another_key", base_url=server.url)
        with pytest.raises(AuthError):
            shared().call(stranger.me())
        shared().call(stranger.close())

    assert run.image.size == picture.size
    assert session.ledger.get(run.key).service == server.url


def test_play_money_runs_out_like_real_money(tmp_path):
    picture = rf.samples.load("perfume")
    with rf.serve(key=KEY, folder=tmp_path / "served", credit_usd="0.15") as server:
        rf.connect(KEY, base_url=server.url)
        colours = {"color_red": 1, "color_green": 2, "color_blue": 3}
        first = rf.run("runflow/background-color", image=picture, **colours).result(60)
        second = rf.run("runflow/background-color", image=picture, **colours)
        with pytest.raises(CreditError):
            second.result(60)
        left = sessions.current().portal.call(sessions.current().client.balance())

    assert str(first.cost) == "0.12"
    assert str(left) == "0.03"


def test_the_end_of_an_embedded_run_is_seen_without_waiting_for_the_next_look():
    session = rf.connect(embedded=True, workers=WorkerPool(1, task_module="copy_tasks"))
    # The next look would be a minute away.
    session.client.http.pace = Pace(scale=1200)

    run = rf.run("bria/background/remove", image=Image.new("RGB", (4, 4))).result(20)

    assert run.image.size == (4, 4)


class Wide:
    """A pool on many machines, none of which is done before all of them have something to do."""

    size = 9
    place = "on 9 machines"
    busy = 0

    def __init__(self):
        self.all_busy = asyncio.Event()

    async def run(self, order, on_progress):
        self.busy += 1
        if self.busy == self.size:
            self.all_busy.set()
        await self.all_busy.wait()
        raise WorkFailed("MODEL_ERROR", "Nothing is computed here.")

    async def close(self):
        pass


def test_a_map_keeps_a_wide_pool_busy_and_the_session_says_where_it_is():
    session = rf.connect(embedded=True, workers=Wide())
    pictures = [Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in range(20)]

    results = rf.map("bria/background/remove", pictures).result(30)

    assert len(results.failed) == 20
    assert repr(session) == "Embedded: runs are computed on 9 machines, and cost nothing."
