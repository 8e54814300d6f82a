"""Two hundred widgets made, shown and closed in one kernel: nothing of them is left, whatever one counts."""

from __future__ import annotations

import pytest
from kernel_front import KernelFront

pytestmark = [pytest.mark.kernel, pytest.mark.slow, pytest.mark.timeout(300)]

SET_UP = """
import asyncio, collections, gc, os, threading
import comm, ipywidgets, numpy as np
from PIL import Image
import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.portal import shared
from runflow_widgets.widgets.run_cell import show
from ipywidgets.widgets import widget as registry
os.environ["SLOW_UNTIL"] = {there!r}
session = rf.connect(embedded=True, workers=WorkerPool(1, task_module="slow_tasks"))
photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8))
run = rf.run("bria/background/remove", image=photo).result(60)

def painted():
    pad = rf.MaskPad(photo)
    pad.draw_rect(5, 5, 20, 20)
    return pad

MAKERS = [
    painted,
    rf.ImageField,
    lambda: rf.form("runflow/object-removal", image=photo),
    lambda: rf.ModelPicker(),
    lambda: rf.compare(photo, run.image),
    rf.Gallery,
    lambda: rf.studio(photo),
    lambda: show(run),
]

def cycle():
    for make in MAKERS:
        widget = make()
        display(widget)
        widget.close()
        del widget

async def tasks_there():
    await asyncio.sleep(0)
    return len(asyncio.all_tasks()) - 1

def settle():
    for _ in range(3):
        gc.collect()
    return shared().call(tasks_there())

def ours():
    # Types, not objects: of what belongs to no widget, such as a cached string, one more is nobody's leak.
    kinds = collections.Counter(type(thing) for thing in gc.get_objects())
    roots = ("runflow_widgets", "ipywidgets", "ipycanvas", "anywidget", "PIL", "comm", "traitlets")
    return {{
        f"{{kind.__module__}}.{{kind.__qualname__}}": many
        for kind, many in kinds.items() if str(kind.__module__).partition(".")[0] in roots
    }}

def counts():
    portal_tasks = settle()
    return {{
        "comms": len(comm.get_comm_manager().comms),
        "widgets": len(registry._instances),
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0,
        "tasks of the portal": portal_tasks,
        "tasks of the kernel": len(asyncio.all_tasks(asyncio.get_event_loop())),
        "objects": ours(),
    }}
"""


@pytest.fixture
def kernel(tmp_path):
    with KernelFront(home=tmp_path / "home") as front:
        front.run(SET_UP.format(there=str(tmp_path)))
        yield front


def test_two_hundred_widgets_leave_nothing_behind(kernel):
    kernel.run("for _ in range(3): cycle()")
    before = kernel.ask("counts()")

    kernel.run("for _ in range(25): cycle()", timeout_s=200)

    # ipykernel keeps a socket for each thread that has sent something, for ten seconds beyond its end.
    kernel.until(f"counts()['files'] <= {before['files']}")
    after = kernel.ask("counts()")
    grown = {
        name: (before["objects"].get(name, 0), many)
        for name, many in after.pop("objects").items()
        # Twenty-five rounds: what is left by each of them is at least as many.
        if many - before["objects"].get(name, 0) >= 10
    }
    for told in (before, after):
        told.pop("files")
    before.pop("objects")
    assert grown == {}
    # Python's pool for what blocks has a handful of threads, which begin one by one and stay; and nothing else may.
    assert after.pop("threads") - before.pop("threads") <= 6
    assert after.pop("tasks of the portal") <= before.pop("tasks of the portal")
    assert after == before
