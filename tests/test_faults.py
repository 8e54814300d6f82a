"""Faults on the wire: whatever breaks, exactly one run exists, and its result arrives or its key is told."""

from __future__ import annotations

import threading

import httpx
import pytest
from faulty_proxy import FaultyProxy, canned, on
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Limits, Pace
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.errors import OutputExpired, RunFailed, ServiceError, TransportError
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session

KEY = "rf_live_fault_0001"
MODEL = "bria/background/remove"
CREATE = (r"POST", r"/runs$")
POLL = (r"GET", r"/v1/runs/[^/?]+$")
FILE = (r"GET", r"/v1/files/")
LIST = (r"GET", r"/v1/runs\?")
PUT = (r"PUT", r".")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pool():
    """One pool for all servers of this module: a worker that is warm answers in milliseconds."""
    pool = SharedPool(WorkerPool(2, task_module="copy_tasks"))
    yield pool
    shared().call(pool.inner.close())


class SharedPool:
    """A pool that survives the service that closes it."""

    def __init__(self, inner):
        self.inner = inner

    def run(self, order, on_progress):
        return self.inner.run(order, on_progress)

    async def close(self):
        """Kept open for the next service."""


@pytest.fixture
def server(tmp_path, pool):
    with rf.serve(key=KEY, folder=tmp_path / "served", workers=pool, allow_private=True) as server:
        yield server


@pytest.fixture
def proxy(server):
    with FaultyProxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def session(proxy):
    limits = Limits(connect_s=2, read_s=1, write_s=2, pool_s=2, whole_s=1)
    client = Client(KEY, base_url=proxy.url, limits=limits, pace=Pace(scale=0.02))
    session = Session(client, "remote", shared(), Ledger(), Catalogue.bundled())
    yield session
    session.close()


@pytest.fixture
def photo():
    return Image.new("RGB", (32, 24), (10, 120, 200))


def runs_at(server):
    answer = httpx.get(f"{server.url}/v1/runs", headers={"Authorization": f"Bearer {KEY}"})
    return answer.json()["items"]


RATE_LIMITED = canned(429, '{"code": "RATE_LIMITED", "message": "Rate limit exceeded: slow down"}')
RATE_LIMITED_WITH_PACE = canned(429, '{"code": "RATE_LIMITED", "message": "m"}', Retry_After="1")
BROKEN = canned(500, '{"code": "INTERNAL", "message": "broken"}')
BAD_GATEWAY = canned(502, "<html>bad gateway</html>", Content_Type="text/html")
THINKING = canned(200, '{"id": "x", "status_code": "meditating"}', Content_Type="application/json")

MATRIX = {
    "answer lost after accept": [on("lose", *CREATE)],
    "answer cut short after accept": [on("cut", *CREATE)],
    "no answer at all after accept": [on("hang", *CREATE)],
    "answer lost, and the first look for it too": [on("lose", *CREATE), on("lose", *LIST)],
    "429 without a pace": [on("answer", *CREATE, answer=RATE_LIMITED)],
    "429 with a pace": [on("answer", *CREATE, answer=RATE_LIMITED_WITH_PACE)],
    "429 while polling": [on("answer", *POLL, answer=RATE_LIMITED_WITH_PACE)],
    "500 before it was carried out": [on("answer", *CREATE, answer=BROKEN)],
    "500 after it was carried out": [on("answer_after", *CREATE, answer=BROKEN)],
    "502 after it was carried out": [on("answer_after", *CREATE, answer=BAD_GATEWAY)],
    "connection reset before it was read": [on("reset", *CREATE)],
    "half-open poll": [on("hang", *POLL)],
    "poll reset three times": [on("reset", *POLL, times=3)],
    "500 once while polling": [on("answer", *POLL, answer=BROKEN)],
    "a status that nobody knows": [on("answer", *POLL, answer=THINKING, times=3)],
    "upload reset": [on("reset", *PUT)],
    "upload answered with 500": [on("answer", *PUT, answer=BROKEN)],
    "output refused once": [on("answer", *FILE, answer=canned(403))],
    "output cut short": [on("cut", *FILE)],
    "output reset": [on("reset", *FILE)],
    "a run's answer comes twice": [on("twice", *CREATE)],
    "every answer of an upload comes twice": [on("twice", "POST", r"/asset-uploads", times=2), on("twice", *PUT)],
    "a poll's answer comes twice": [on("twice", *POLL)],
    "create's answer ends too early": [on("short", *CREATE)],
    "create's answer promises more than comes": [on("long", *CREATE)],
    "output ends too early": [on("short", *FILE)],
    "output promises more than comes": [on("long", *FILE)],
    "upload is answered, but never arrives": [on("answer", *PUT, answer=canned(200))],
    "output 500 twice": [on("answer", *FILE, answer=BROKEN, times=2)],
}


@pytest.mark.parametrize("faults", MATRIX.values(), ids=MATRIX.keys())
def test_one_run_exists_and_its_result_arrives(faults, proxy, server, session, photo):
    proxy.faults = [
        on(fault.kind, fault.method, fault.path, times=fault.times, answer=fault.canned) for fault in faults
    ]

    run = rf.run(MODEL, image=photo, session=session).result(timeout_s=60)

    assert all(fault.met == fault.times for fault in proxy.faults)
    assert [entry["client_ref"] for entry in runs_at(server)] == [run.key]
    assert run.image.size == photo.size
    assert session.ledger.get(run.key).status == "succeeded"


def test_an_output_that_stays_refused_is_reported_with_run_and_key(proxy, server, session, photo):
    proxy.faults = [on("answer", *FILE, answer=canned(403), times=100)]

    run = rf.run(MODEL, image=photo, session=session)
    with pytest.raises(OutputExpired) as failure:
        run.result(timeout_s=60)

    assert len(runs_at(server)) == 1
    assert (failure.value.key, failure.value.run_id) == (run.key, run.id)
    assert session.ledger.get(run.key).is_open


def test_a_result_that_could_not_be_fetched_is_fetched_when_it_is_resumed(proxy, server, session, photo):
    proxy.faults = [on("answer", *FILE, answer=canned(403), times=2)]
    with pytest.raises(OutputExpired):
        rf.run(MODEL, image=photo, session=session).result(timeout_s=60)

    (run,) = rf.runs.resume(session=session)
    run.result(timeout_s=60)

    assert run.image.size == photo.size
    assert len(runs_at(server)) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (on("lose", *CREATE, times=9), TransportError),
        (on("answer_after", *CREATE, answer=BROKEN, times=9), ServiceError),
    ],
)
def test_when_nothing_can_be_learned_the_key_is_told_and_one_run_exists(fault, kind, proxy, server, session, photo):
    proxy.faults = [fault, on("reset", *LIST, times=99)]

    run = rf.run(MODEL, image=photo, session=session)
    with pytest.raises(kind) as failure:
        run.result(timeout_s=60)

    assert failure.value.key == run.key
    assert [entry["client_ref"] for entry in runs_at(server)] == [run.key]
    assert session.ledger.get(run.key).is_open


def test_a_run_of_which_only_the_key_is_known_is_found_and_followed(proxy, server, session, photo):
    proxy.faults = [on("lose", *CREATE, times=9), on("reset", *LIST, times=99)]
    with pytest.raises(TransportError):
        rf.run(MODEL, image=photo, session=session).result(timeout_s=60)
    proxy.faults = []

    (run,) = rf.runs.resume(session=session)
    run.result(timeout_s=60)

    assert run.image.size == photo.size
    assert len(runs_at(server)) == 1


def test_a_service_that_is_not_there_gets_no_run_and_the_record_is_closed(tmp_path, photo):
    client = Client(KEY, base_url="http://127.0.0.1:9", pace=Pace(scale=0.001))
    session = Session(client, "remote", shared(), Ledger(), Catalogue.bundled())

    run = rf.run(MODEL, image=photo, session=session)
    with pytest.raises(TransportError, match="could not be reached"):
        run.result(timeout_s=60)

    assert session.ledger.get(run.key).failure_code == "NOT_SENT"
    session.close()


@pytest.mark.parametrize("resume", [True, False])
def test_a_service_that_was_stopped_goes_on_with_a_run_or_reports_it(resume, tmp_path, monkeypatch, photo, pool):
    folder = tmp_path / "served"
    monkeypatch.setenv("SLOW_UNTIL", str(tmp_path / "never"))
    first = rf.serve(key=KEY, folder=folder, workers=WorkerPool(1, task_module="slow_tasks"))
    client = Client(KEY, base_url=first.url, limits=Limits(whole_s=2), pace=Pace(scale=0.05))
    session = Session(client, "remote", shared(), Ledger(), Catalogue.bundled())
    begun = threading.Event()

    run = rf.run(MODEL, image=photo, session=session)
    run.watch(lambda run: run.status == "running" and begun.set())
    assert begun.wait(30)
    first.close()
    second = rf.serve(int(first.url.rpartition(":")[2]), key=KEY, folder=folder, workers=pool, resume=resume)
    if resume:
        assert run.result(timeout_s=60).image.size == photo.size
    else:
        with pytest.raises(RunFailed, match="SERVICE_RESTARTED") as failure:
            run.result(timeout_s=60)
        assert (failure.value.key, failure.value.run_id) == (run.key, run.id)

    assert len(runs_at(second)) == 1
    second.close()
    session.close()
