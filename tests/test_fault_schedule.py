"""A line on which anything may break: whatever comes, each run exists once and its result comes home.

The long version, 500 runs and more, is `tests/soak/soak_faults.py`.
"""

from __future__ import annotations

import numpy as np
import pytest
from fault_schedule import drive
from lent import Lent

from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.portal import shared


@pytest.fixture
def lent():
    pool = WorkerPool(2, task_module="copy_tasks")
    yield Lent(pool)
    shared().call(pool.close())


@pytest.mark.slow
def test_on_a_line_where_anything_breaks_no_run_is_made_twice_or_lost(lent, tmp_path):
    told = drive(64, 2, tmp_path, lent, share=0.15)

    assert told.amiss() == []
    # It was such a line, and most runs got through it all the same.
    assert len(told.faults) >= 10
    assert len(told.arrived) >= 58
    assert all(np.array_equal(picture[..., :3], told.sent[key]) for key, picture in told.arrived.items())
