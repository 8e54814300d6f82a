"""A model that crashes, eats all memory or never ends: its run fails with a code and a sentence, and nothing else."""

from __future__ import annotations

import threading

import pytest
from lent import Lent
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.errors import RunFailed
from runflow_widgets.portal import shared

MODEL = "bria/background/remove"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pool():
    pool = WorkerPool(2, task_module="bad_tasks", time_limit_s=60, memory_limit_mb=600)
    yield pool
    shared().call(pool.close())


@pytest.fixture
def session(pool):
    return rf.connect(embedded=True, workers=Lent(pool))


def run_of(colour):
    return rf.run(MODEL, image=Image.new("RGB", (8, 8), colour))


@pytest.mark.parametrize(
    ("colour", "code", "sentence"),
    [
        ("red", "WORKER_DIED", "SIGSEGV"),
        ("lime", "OUT_OF_MEMORY", "more memory"),
        ("blue", "TIME_LIMIT", "longer"),
    ],
)
def test_one_that_goes_wrong_fails_alone_with_a_code_and_a_sentence(session, pool, colour, code, sentence):
    run_of("white").result(60)
    if colour == "blue":
        pool.time_limit_s = 3
    threads = threading.active_count()

    bad, beside = run_of(colour), run_of("white")
    with pytest.raises(RunFailed, match=sentence) as failure:
        bad.result(60)

    pool.time_limit_s = 60
    assert failure.value.state.failure_code == code
    assert beside.result(60).status == "succeeded"
    assert run_of("white").result(60).status == "succeeded"
    assert threading.active_count() <= threads + 1
    assert sorted(entry.status for entry in rf.runs()) == ["failed", "succeeded", "succeeded", "succeeded"]


def test_more_that_go_wrong_than_there_are_workers_leave_room_for_one_that_does_not(session, pool):
    results = rf.map(MODEL, [Image.new("RGB", (8, 8), (255, 0, 0)) for _ in range(5)]).result(100)

    assert {item.status for item in results.items} == {"failed"}
    assert run_of("white").result(60).status == "succeeded"
