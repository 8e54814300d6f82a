"""What the way through the embedded service adds to the work itself: upload, run, poll, download, record."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))
os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], os.environ.get("PYTHONPATH", "")])
os.environ["RUNFLOW_HOME"] = tempfile.mkdtemp(prefix="runflow-bench-")

import copy_tasks
import numpy as np
from figures import Figures
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool, WorkOrder
from runflow_widgets.images import encode_png

ROUNDS = 30


def main() -> None:
    """Print the medians side by side."""
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (512, 512, 3), dtype=np.uint8))
    folder = Path(tempfile.mkdtemp(prefix="runflow-bench-"))
    (folder / "in.png").write_bytes(encode_png(photo))
    order = WorkOrder("copy", {}, {"image_url": str(folder / "in.png")}, str(folder))
    session = rf.connect(embedded=True, workers=WorkerPool(2, task_module="copy_tasks"))
    rf.run("bria/background/remove", image=photo).result()

    direct = [timed(lambda: copy_tasks.perform(order, lambda *_: None)) for _ in range(ROUNDS)]
    through = [timed(lambda: rf.run("bria/background/remove", image=photo).result()) for _ in range(ROUNDS)]
    asked = [timed(lambda: session.portal.call(session.client.health())) for _ in range(ROUNDS)]
    many = timed(
        lambda: [run.result() for run in [rf.run("bria/background/remove", image=photo) for _ in range(ROUNDS)]]
    )
    base, waited = statistics.median(direct), statistics.median(through)
    table = Figures("round_trip", f"The way through the embedded service: one copy of 512 x 512, median of {ROUNDS}")
    for what, took_s in (
        ("the work by itself", base),
        ("as a run, waited for", waited),
        (f"as one of {ROUNDS} runs at once", many / ROUNDS),
        ("one GET in this process", statistics.median(asked)),
    ):
        table.add(what, ms=1e3 * took_s, times_the_work=took_s / base)
    table.tell()
    session.close()


def timed(work: object) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
