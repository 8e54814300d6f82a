"""What `rf.map` adds to the work itself: runs a second beside a plain loop, on workers here and on a Dask cluster,
memory, and a main thread that stays alive.

How much two workers gain over a loop is the model's: OpenCV gives tag removal both cores in a plain loop already, while
background removal keeps to one.

python tests/benchmarks/bench_many.py [number of pictures] [side in pixels] [what to do with them …]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "engine"))
os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], os.environ.get("PYTHONPATH", "")])
os.environ["RUNFLOW_HOME"] = tempfile.mkdtemp(prefix="runflow-bench-")

import copy_tasks
import cv2
import numpy as np
import psutil
from distributed import LocalCluster
from figures import Figures, percentiles
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.engine import tasks
from runflow_widgets.engine.dask_pool import DaskPool
from runflow_widgets.engine.workers import WorkerPool, WorkOrder

TAGS, CUTOUT = "runflow/tag-removal", "bria/background/remove"
TICK_S = 0.020
LOOP_SHARE = 0.1


def main() -> None:
    """Print all ways side by side, for a model and for the smallest work there is."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    side = int(sys.argv[2]) if len(sys.argv) > 2 else 128
    folder = pictures(count, side)
    print(f"{count} pictures of {side} x {side}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began")
    for name, model, perform in (
        ("background removal", CUTOUT, tasks.perform),
        ("tag removal", TAGS, tasks.perform),
        ("a copy", TAGS, copy_tasks.perform),
    ):
        if sys.argv[3:] and name not in sys.argv[3:]:
            continue
        table = Figures(f"many_{name.replace(' ', '_')}", f"{count:,} pictures of {side} x {side}: {name}")
        one = Loop(model, perform, folder, threads=1)
        plain = Loop(model, perform, folder, threads=os.cpu_count() or 1)
        rows = []
        for label, opened in (("rf.map, 2 workers here", workers_here), ("rf.map, 2 Dask workers", dask_workers)):
            # A borrowed machine is now faster, now slower: each way is measured between two parts of the loops.
            one.go_on(LOOP_SHARE)
            plain.go_on(LOOP_SHARE)
            with opened(perform.__module__) as pool:
                rows.append((label, mapped(model, pool, folder)))
        one.go_on(LOOP_SHARE)
        plain.go_on(LOOP_SHARE)
        table.add("a loop, OpenCV on 1 core", **one.figures)
        table.add("a loop as it is", **plain.figures)
        for label, figures in rows:
            times = {
                "times_the_loop": figures["runs_a_second"] / plain.figures["runs_a_second"],
                "times_the_loop_on_1_core": figures["runs_a_second"] / one.figures["runs_a_second"],
            }
            table.add(label, **figures, **times)
        table.tell()


@contextmanager
def workers_here(module: str) -> Iterator[WorkerPool]:
    """Two processes of ours."""
    yield WorkerPool(2, task_module=module)


@contextmanager
def dask_workers(module: str) -> Iterator[DaskPool]:
    """Two of a cluster, which is here only as long as it is measured: it is never quite idle."""
    quiet = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **quiet) as cluster:
        yield DaskPool(cluster.scheduler_address, task_module=module)


class Loop:
    """The work itself, one picture after the other; in parts, with the measuring of something else between them."""

    def __init__(self, model: str, perform: object, folder: Path, *, threads: int) -> None:
        self._model = model
        self._perform = perform
        self._threads = threads
        self._files = sorted(folder.glob("*.png"))
        self._out = Path(tempfile.mkdtemp(prefix="runflow-bench-"))
        self._done = 0
        self._took_s = self._used_s = 0.0
        work(model, perform, self._files[0], self._out)

    def go_on(self, share: float) -> None:
        """Do this share of the pictures."""
        cv2.setNumThreads(self._threads)
        files = self._files[: round(share * len(self._files))]
        used_s, began = cpu_s(), time.perf_counter()
        for file in files:
            work(self._model, self._perform, file, self._out)
        self._took_s += time.perf_counter() - began
        self._used_s += cpu_s() - used_s
        self._done += len(files)

    @property
    def figures(self) -> dict[str, float]:
        """What a run took."""
        return {"runs_a_second": self._done / self._took_s, "cpu_ms_a_run": 1e3 * self._used_s / self._done}


def mapped(model: str, pool: WorkerPool | DaskPool, folder: Path) -> dict[str, float]:
    """The same work through `rf.map`."""
    count = len(list(folder.glob("*.png")))
    session = rf.connect(embedded=True, workers=pool)
    # Both workers shall have loaded what they need.
    rf.map(model, sorted(folder.glob("*.png"))[:8], reuse=False).result()
    process = psutil.Process()
    before = process.memory_info().rss
    used_s = cpu_s()
    late_ms: list[float] = []
    half_rss = 0
    began = time.perf_counter()
    results = rf.map(model, folder, reuse=False)
    while not results.done:
        wanted = time.perf_counter() + TICK_S
        time.sleep(TICK_S)
        late_ms.append(1e3 * (time.perf_counter() - wanted))
        if not half_rss and len(late_ms) % 20 == 0 and len(results._over) >= count // 2:
            half_rss = process.memory_info().rss
    many_s = time.perf_counter() - began
    after = process.memory_info().rss
    used_s = cpu_s() - used_s
    assert not results.failed, results.failed[0]
    session.close()
    return {
        "runs_a_second": count / many_s,
        "cpu_ms_a_run": 1e3 * used_s / count,
        "MB_more": (after - before) / 1e6,
        "MB_in_the_second_half": (after - half_rss) / 1e6,
        "main_thread_late_ms_p95": percentiles(late_ms)["p95"],
    }


def cpu_s() -> float:
    """What this process and those below it have used of the processors, whoever else is at work here."""
    process = psutil.Process()
    return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))


def work(model: str, perform: object, file: Path, out: Path) -> None:
    """What a worker does with one picture."""
    order = WorkOrder(model, {}, {"image_url": str(file)}, str(out))
    perform(order, lambda *_: None)  # type: ignore[operator]


def pictures(count: int, side: int) -> Path:
    """A folder of small photos, all different."""
    folder = Path(tempfile.mkdtemp(prefix="runflow-bench-"))
    photo = rf.samples.load("tagged_mug").convert("RGB").resize((side, side))
    for number in range(count):
        pixels = np.asarray(photo).copy()
        pixels[0, 0] = (number % 256, number // 256 % 256, 7)
        Image.fromarray(pixels).save(folder / f"{number:05d}.png")
    return folder


if __name__ == "__main__":
    main()
