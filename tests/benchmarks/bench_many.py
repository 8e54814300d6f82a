"""What `rf.map` adds to the work itself: runs a second beside a plain loop, on workers here and on a Dask cluster,
memory, and a main thread that stays alive.

How much two workers gain over a loop is the model's: OpenCV gives tag removal both cores in a plain loop already, while
background removal keeps to one.

python tests/benchmarks/bench_many.py [number of pictures] [side in pixels]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
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
TICK_S = 0.010


def main() -> None:
    """Print all ways side by side, for a model and for the smallest work there is."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    side = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    folder = pictures(count, side)
    print(f"{count} pictures of {side} x {side}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began")
    quiet = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **quiet) as cluster:
        for name, model, perform in (
            ("background removal", CUTOUT, tasks.perform),
            ("tag removal", TAGS, tasks.perform),
            ("a copy", TAGS, copy_tasks.perform),
        ):
            module = perform.__module__
            table = Figures(f"many_{name.replace(' ', '_')}", f"{count:,} pictures of {side} x {side}: {name}")
            one_s = loop(table, "a loop, OpenCV on 1 core", model, perform, folder, threads=1)
            plain_s = loop(table, "a loop as it is       ", model, perform, folder, threads=os.cpu_count() or 1)
            for label, pool in (
                ("rf.map, 2 workers here", WorkerPool(2, task_module=module)),
                ("rf.map, 2 Dask workers", DaskPool(cluster.scheduler_address, task_module=module)),
            ):
                mapped(table, label, model, pool, folder, plain_s, one_s)
            table.tell()


def loop(table: Figures, name: str, model: str, perform: object, folder: Path, *, threads: int) -> float:
    """Seconds that the work itself takes, one picture after the other."""
    cv2.setNumThreads(threads)
    files = sorted(folder.glob("*.png"))
    out = Path(tempfile.mkdtemp(prefix="runflow-bench-"))
    work(model, perform, files[0], out)
    used_s, began = cpu_s(), time.perf_counter()
    for file in files:
        work(model, perform, file, out)
    took_s = time.perf_counter() - began
    table.add(name, runs_a_second=len(files) / took_s, cpu_ms_a_run=1e3 * (cpu_s() - used_s) / len(files))
    return took_s


def mapped(
    table: Figures, name: str, model: str, pool: WorkerPool | DaskPool, folder: Path, plain_s: float, one_s: float
) -> None:
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
    table.add(
        name,
        runs_a_second=count / many_s,
        cpu_ms_a_run=1e3 * used_s / count,
        times_the_loop=plain_s / many_s,
        times_the_loop_on_1_core=one_s / many_s,
        MB_more=(after - before) / 1e6,
        MB_in_the_second_half=(after - half_rss) / 1e6,
        main_thread_late_ms_p95=percentiles(late_ms)["p95"],
    )
    session.close()


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
