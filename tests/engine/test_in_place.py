"""Computing in this very process, as Python in a browser has to."""

import asyncio
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.engine.in_place import InPlacePool
from runflow_widgets.engine.workers import Produced, WorkFailed, WorkOrder
from runflow_widgets.errors import RejectedError

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def odd_tasks_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))


def order(model, **inputs):
    return WorkOrder(model=model, inputs=inputs, files={}, folder="")


async def test_an_order_is_done_here_and_tells_how_far_it_is():
    told = []

    done = await InPlacePool(task_module="odd_tasks").run(order("answer", name="a.png"), lambda *one: told.append(one))

    assert done.files == (Produced("a.png", "image/png", 3, 4),)
    assert told == [(0.5, "half way"), (7, "all the way")]
    assert (await InPlacePool(task_module="odd_tasks").run(order("pid"), print)).seed == os.getpid()


async def test_orders_are_done_one_after_the_other_and_one_in_line_can_be_cancelled():
    pool, begun = InPlacePool(task_module="odd_tasks"), []
    first = asyncio.create_task(pool.run(order("answer", name="a"), lambda *_: begun.append("a")))
    second = asyncio.create_task(pool.run(order("answer", name="b"), lambda *_: begun.append("b")))
    await asyncio.sleep(0)

    second.cancel()
    await first
    with pytest.raises(asyncio.CancelledError):
        await second
    await pool.run(order("answer", name="c"), lambda *_: begun.append("c"))

    assert begun == ["a", "a", "c", "c"]
    await pool.close()


async def test_what_goes_wrong_has_a_code_and_a_sentence_and_the_next_order_is_done(tmp_path, monkeypatch):
    (tmp_path / "needy_tasks.py").write_text("import a_package_that_nobody_has")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(WorkFailed) as found:
        await InPlacePool(task_module="needy_tasks").run(order("answer"), print)

    assert (found.value.code, found.value.stage) == ("MODEL_ERROR", "execute")
    assert "cannot be loaded here (No module named 'a_package_that_nobody_has')" in found.value.message
    assert (await InPlacePool(task_module="odd_tasks").run(order("pid"), print)).seed == os.getpid()


def test_a_model_of_ours_runs_in_place():
    session = rf.connect(embedded=True, workers=InPlacePool())
    photo = np.full((80, 60, 3), 240, np.uint8)
    photo[20:60, 15:45] = (200, 40, 30)

    run = rf.run("bria/background/remove", image=Image.fromarray(photo), session=session).result(60)

    assert run.image.size == (60, 80)
    with pytest.raises(RejectedError, match="ratio"):
        rf.run("runflow/tag-removal", image=photo, config={"aspect_ratio": "wide"}, session=session).result(60)
