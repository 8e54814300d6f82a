"""A kernel that is killed in the middle of a map, again and again: what was finished stays, nothing is billed twice.

The long version, twenty kills of each kind, is `tests/soak/soak_kills.py`.
"""

from __future__ import annotations

import pytest
from kill_schedule import drive_embedded, drive_remote
from lent import Lent

from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.portal import shared

pytestmark = [pytest.mark.kernel, pytest.mark.slow]


@pytest.fixture
def lent():
    pool = WorkerPool(2, task_module="slow_tasks")
    yield Lent(pool)
    shared().call(pool.close())


def test_paid_runs_survive_their_kernel(lent, tmp_path, monkeypatch):
    monkeypatch.setenv("SLOW_UNTIL", str(tmp_path))

    story = drive_remote(2, 4, tmp_path, lent, pictures=24)

    assert story.amiss() == []
    assert sorted(story.billed) == sorted(story.shown)
    assert (story.lives, len(story.right)) == (2, 24)


def test_embedded_runs_that_are_finished_survive_their_kernel_and_no_worker_does(tmp_path):
    story = drive_embedded(2, 2, tmp_path, pictures=100)

    assert story.amiss() == []
    assert (story.lives, len(story.right)) == (2, 100)
    # What was finished is found again, and there was something to find.
    assert 0 < story.finished_at_kills[-1] <= 100
    assert story.finished_at_kills == sorted(story.finished_at_kills)
