"""Where something is missing that is taken for granted: room, leave to write, a clock that goes forwards."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from lent import Lent
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.ledger import Entry, Ledger
from runflow_widgets.ledger import home as home_now
from runflow_widgets.portal import shared
from runflow_widgets.session import Session

HERE = Path(__file__).parent
MODEL = "bria/background/remove"
#: A disk of two megabytes for one process, where the system allows it.
SMALL_DISK = ["unshare", "-rm", "sh", "-c"]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")]


def small_disks_can_be_made():
    try:
        tried = subprocess.run([*SMALL_DISK, "mount -t tmpfs -o size=1m none /mnt"], capture_output=True, timeout=20)
    except OSError:
        return False
    return tried.returncode == 0


@pytest.fixture(scope="module")
def lent():
    pool = WorkerPool(1, task_module="copy_tasks")
    yield Lent(pool)
    shared().call(pool.close())


def told_by_child(kind, where, tmp_path, address="-"):
    home = tmp_path / "small"
    home.mkdir()
    command = [sys.executable, str(HERE / "scarce_child.py"), kind, where, address]
    if kind == "disk":
        mount = f"mount -t tmpfs -o size=2m none {shlex.quote(str(home))}"
        command = [*SMALL_DISK, f"{mount} && exec {shlex.join(command)}"]
    env = {**os.environ, "RUNFLOW_HOME": str(home), "PYTHONPATH": os.pathsep.join([str(HERE / "engine")])}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


KINDS = [
    "limit",
    pytest.param("disk", marks=pytest.mark.skipif(not small_disks_can_be_made(), reason="no disk may be mounted here")),
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_embedded_run_on_a_full_disk_says_so_and_the_next_one_works(kind, tmp_path):
    told = told_by_child(kind, "embedded", tmp_path)

    # Which of its files it cannot write first, the service does not choose.
    assert "There is no room left" in told["said"]
    assert told["key"]
    assert told["again"] == "succeeded"
    assert "running" not in told["record"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_paid_result_for_which_there_is_no_room_is_fetched_when_there_is(kind, tmp_path, lent):
    with rf.serve(key="rf_live_scarce_0001", folder=tmp_path / "served", workers=lent, allow_private=True) as server:
        told = told_by_child(kind, "remote", tmp_path, server.url)

    assert told["kind"] == "OutputError"
    assert "cannot be written" in told["said"]
    assert "resume" in told["said"]
    assert (told["after"], told["again"]) == ("succeeded", "succeeded")
    assert told["record"] == ["succeeded"] * 3


# ---------------------------------------------------------------------- folders that cannot be written


@pytest.fixture
def unwritable(tmp_path, monkeypatch):
    """A home that cannot be made, whoever one is: a file is in the way."""
    (tmp_path / "file").write_text("in the way")
    wanted = tmp_path / "file" / "home"
    monkeypatch.setenv("RUNFLOW_HOME", str(wanted))
    return wanted


def test_where_the_home_cannot_be_written_runs_work_and_it_is_said_once_where_they_are_kept(unwritable, lent):
    with pytest.warns(UserWarning, match="Nothing can be written") as said:
        session = rf.connect(embedded=True, workers=lent)
    # A second warning would be an error here.
    run = rf.run(MODEL, image=Image.new("RGB", (9, 7), "red"), session=session).result(60)
    again = rf.run(MODEL, image=Image.new("RGB", (9, 7), "blue"), session=session).result(60)

    assert [str(unwritable) in str(entry.message) for entry in said] == [True]
    assert "RUNFLOW_HOME" in str(said[0].message)
    assert (run.image.size, again.image.size) == ((9, 7), (9, 7))
    assert len(rf.runs()) == 2
    assert home_now() == home_now()
    assert home_now() in run.outputs[0].path.parents


def test_a_home_that_is_not_there_yet_is_not_made_by_looking_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNFLOW_HOME", str(tmp_path / "not" / "yet"))

    assert home_now() == tmp_path / "not" / "yet"
    assert not (tmp_path / "not").exists()


# ---------------------------------------------------------------------- a record that another kernel holds


def test_while_another_kernel_holds_the_record_a_run_works_and_is_written_down_afterwards(tmp_path, lent):
    path = tmp_path / "ledger.sqlite"
    Ledger(path).keys()
    said = []
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    with rf.serve(key="rf_live_scarce_0001", folder=tmp_path / "served", workers=lent, allow_private=True) as server:
        ledger = Ledger(path, say=said.append, busy_s=0.05, try_again_s=0)
        client = Client("rf_live_scarce_0001", base_url=server.url, pace=Pace(scale=0.1))
        session = Session(client, "remote", shared(), ledger, Catalogue.bundled())

        run = rf.run(MODEL, image=Image.new("RGB", (9, 7), "red"), session=session).result(60)
        locker.close()
        session.close()

    assert "locked" in said[0]
    assert "written again" in said[-1]
    assert Ledger(path).get(run.key).status == "succeeded"


# ---------------------------------------------------------------------- a clock that was moved


@pytest.mark.parametrize(("minutes", "open_still"), [(1, True), (-1, True), (60, False), (-60, False)])
def test_after_the_clock_was_moved_a_run_is_not_thought_to_be_on_its_way_for_ever(minutes, open_still):
    client = Client(
        "rf_live_0123456789",
        transport=httpx.MockTransport(lambda _: httpx.Response(200, json={"items": []})),
        pace=Pace(scale=0),
    )
    session = Session(client, "remote", shared(), Ledger(), Catalogue.bundled())
    entry = Entry("k-1", "runflow/tag-removal", session.service)
    session.ledger.add(replace(entry, created_at=datetime.now(UTC) + timedelta(minutes=minutes)))

    (run,) = rf.runs.resume(session=session)
    with pytest.raises(rf.RunflowError):
        run.result(10)

    assert session.ledger.get("k-1").is_open is open_still
    session.close()
