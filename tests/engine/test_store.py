"""What is remembered, by whom, and what becomes of it when its owner dies."""

import os
import stat
import subprocess
import sys

import pytest

from runflow_widgets.engine.ids import is_id, new_id
from runflow_widgets.engine.links import Links
from runflow_widgets.engine.media import is_plain_name
from runflow_widgets.engine.refusal import Refusal
from runflow_widgets.engine.store import Store


def run(status="queued", **values):
    return {"id": new_id(), "status_code": status, "client_ref": None, "_micros": 0, **values}


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "service")
    yield store
    store.close()


def test_ids_sort_by_the_time_they_were_made():
    ids = [new_id() for _ in range(5000)]

    assert ids == sorted(ids)
    assert len(set(ids)) == 5000
    assert all(map(is_id, ids))
    assert ids[0][14] == "7"


def test_a_document_comes_back_as_it_was_kept(store):
    document = run(client_ref="ä ' \x00", input={"n": 1.5, "deep": [{"a": None}]})

    store.add("runs", document)

    assert store.get("runs", document["id"]) == document
    assert store.get("runs", "nobody") is None


def test_an_end_is_for_ever(store):
    document = store.add("runs", run())

    first = store.move_run(document["id"], status_code="cancelled")
    second = store.move_run(document["id"], status_code="succeeded")

    assert first is not None
    assert second is None
    assert store.get("runs", document["id"])["status_code"] == "cancelled"


def test_a_change_that_fails_leaves_nothing_behind(store):
    document = run()

    def change():
        with store.change():
            with store.change():
                store.add("runs", document)
            raise KeyError

    with pytest.raises(KeyError):
        change()

    assert store.get("runs", document["id"]) is None
    assert store.count_open_runs() == 0


def test_an_answer_is_kept_with_what_it_answers(store):
    store.keep_answer("key", "fingerprint", 201, {"id": 1})

    assert store.answer_for("key") == ("fingerprint", 201, {"id": 1})
    assert store.answer_for("other") is None


def test_the_runs_of_a_living_service_are_left_alone(store, tmp_path):
    mine = store.add("runs", run("running"))

    other = Store(tmp_path / "service")
    adopted = other.adopt("runs")
    seen = other.get("runs", mine["id"])
    foreign = other.is_foreign("runs", mine["id"])
    other.close()

    assert adopted == []
    assert seen["status_code"] == "running"
    assert foreign


def test_what_a_closed_service_left_open_is_adopted_once(store, tmp_path):
    other = Store(tmp_path / "service")
    left = other.add("runs", run("running"))
    other.add("runs", run("succeeded"))
    other.close()

    assert [found["id"] for found in store.adopt("runs")] == [left["id"]]
    assert store.adopt("runs") == []


def test_a_process_that_was_killed_is_noticed(store, tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from runflow_widgets.engine.store import Store\n"
        "store = Store(Path(sys.argv[1])); store.add('runs', {'id': 'left', 'status_code': 'queued'})\n"
        "os.kill(os.getpid(), 9)"
    )

    subprocess.run([sys.executable, "-c", code, str(tmp_path / "service")], check=False)

    assert [found["id"] for found in store.adopt("runs")] == ["left"]


@pytest.mark.skipif(os.name == "nt", reason="modes are another thing there")
def test_nobody_else_may_look_into_the_folder(store):
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((store.folder / "service.sqlite3").stat().st_mode) == 0o600


def test_the_secret_is_made_once_per_folder(store, tmp_path):
    other = Store(tmp_path / "service")
    theirs = other.secret("links")
    other.close()

    assert store.secret("links") == theirs
    assert len(theirs) == 32


def test_a_link_is_good_until_its_time_is_over():
    time = [1000.0]
    links = Links(b"secret", 60, clock=lambda: time[0])
    link = links.sign("http://engine.test/", "/v1/files", "runs", "1", "a b.png")
    path, _, query = link.removeprefix("http://engine.test").partition("?")
    given = dict(pair.split("=") for pair in query.split("&"))

    links.check("/v1/files/runs/1/a b.png", given)
    time[0] = 1061.0

    assert path == "/v1/files/runs/1/a%20b.png"
    with pytest.raises(Refusal, match="expired"):
        links.check("/v1/files/runs/1/a b.png", given)


@pytest.mark.parametrize(
    "change",
    [{"signature": ""}, {"signature": "é"}, {"expires": "99999999999"}, {"expires": "nan"}, {"expires": ""}, None],
)
def test_a_forged_link_is_refused(change):
    links = Links(b"secret", 60)
    link = links.sign("http://engine.test", "/v1/files", "runs", "1", "a.png")
    given = dict(pair.split("=") for pair in link.partition("?")[2].split("&")) | (change or {})

    with pytest.raises(Refusal, match="signature is wrong"):
        links.check("/v1/files/runs/1/a.png" if change else "/v1/files/runs/2/a.png", given)


def test_our_own_links_are_recognised_and_no_others():
    links = Links(b"secret", 60)
    link = links.sign("http://engine.test", "/v1/files", "runs", "1", "a.png")

    assert links.own_path(link) == ["runs", "1", "a.png"]
    assert links.own_path(link.replace("a.png", "b.png")) is None
    assert links.own_path("https://other.test/v1/files/runs/1/a.png") is None
    assert links.own_path("http://[broken") is None


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\0b", "C:x", "x" * 300])
def test_no_name_leads_out_of_a_folder(name):
    assert not is_plain_name(name)
