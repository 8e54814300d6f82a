"""The pool keeps its promises while its workers crash, hang, eat memory, and while its own process dies."""

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from runflow_widgets.engine.worker import read_frame
from runflow_widgets.engine.worker_process import Report
from runflow_widgets.engine.workers import WorkerPool, WorkFailed, WorkOrder

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def odd_tasks_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))


@contextlib.asynccontextmanager
async def a_pool(size=1, **options):
    pool = WorkerPool(size, task_module="odd_tasks", **options)
    try:
        yield pool
    finally:
        await pool.close()


def order(model, seed=None, **inputs):
    return WorkOrder(model=model, inputs=inputs, files={}, folder="", seed=seed)


def ignore(fraction, note):
    pass


class Started:
    """Told by the first progress of a job; knows the worker's process."""

    def __init__(self):
        self.event = asyncio.Event()
        self.pid = 0

    def __call__(self, fraction, note):
        self.pid = int(note)
        self.event.set()


async def start(pool, model, **inputs):
    """A job that has begun."""
    started = Started()
    job = asyncio.create_task(pool.run(order(model, **inputs), started))
    await asyncio.wait_for(started.event.wait(), 20)
    return job, started.pid


async def gone(pid, within_s=5.0):
    deadline = time.monotonic() + within_s
    while runs(pid) and time.monotonic() < deadline:
        await asyncio.sleep(0.005)
    return not runs(pid)


def runs(pid):
    """Whether the process is more than a line in the table: an orphan stays there until init looks at it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_an_order_comes_back_with_its_files_times_log_and_progress():
    heard = []

    async with a_pool() as pool:
        result = await pool.run(order("answer", seed=7, name="result.png"), lambda *step: heard.append(step))

    assert (result.files[0].name, result.files[0].width, result.seed) == ("result.png", 3, 7)
    assert (result.timing, result.log) == ({"inference_ms": 1.5}, (("info", "It was done."),))
    assert heard == [(0.5, "half way")]


def test_steps_of_one_moment_are_told_as_one():
    pipe, clock = io.BytesIO(), iter([10.0, 10.01, 10.02, 10.2])
    report = Report(pipe, clock=lambda: next(clock))

    for step in range(4):
        report(3 * step, f"step {step}")

    pipe.seek(0)
    first, last, nothing = (read_frame(pipe) for _ in range(3))
    assert (first["fraction"], first["note"]) == (0.0, "step 0")
    assert (last["fraction"], last["note"]) == (1.0, "step 3")
    assert nothing is None


async def test_a_worker_is_kept_warm_and_used_again():
    async with a_pool(2) as pool:
        pids = {(await pool.run(order("pid"), ignore)).seed for _ in range(4)}

    assert len(pids) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="it is glibc that keeps memory, and can give it back")
async def test_a_worker_keeps_memory_for_the_next_run_and_gives_it_back_when_it_idles(monkeypatch):
    # What Dask leaves in the process of a cluster: every plane of a picture goes back to the system at once.
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")

    async with a_pool(1) as pool:
        worker = psutil.Process((await pool.run(order("pid"), ignore)).seed)
        idle = worker.memory_info().rss
        await pool.run(order("take_and_drop"), ignore)
        kept = worker.memory_info().rss - idle
        deadline = time.monotonic() + 30
        while worker.memory_info().rss - idle > kept / 4 and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        left = worker.memory_info().rss - idle

    assert kept > 150 * 2**20
    assert left <= kept / 4


async def test_no_worker_starts_before_it_is_needed():
    before = len(psutil.Process().children())

    async with a_pool(4):
        during = len(psutil.Process().children())

    assert during == before


async def test_many_orders_at_once_share_a_few_workers():
    async with a_pool(2) as pool:
        results = await asyncio.gather(*(pool.run(order("pid"), ignore) for _ in range(12)))

    assert 1 <= len({result.seed for result in results}) <= 2


@pytest.mark.parametrize(
    ("model", "code", "sentence", "field", "stage"),
    [
        ("crash", "WORKER_DIED", "SIGKILL", None, "execute"),
        ("leave", "WORKER_DIED", "exit code 3", None, "execute"),
        ("allocate", "OUT_OF_MEMORY", "more memory than a worker may use", None, "execute"),
        ("refuse", "INPUT_VALIDATION_FAILED", "The picture is blue. Take a red one.", "image_url", "preprocess"),
        ("fail", "MODEL_ERROR", "ZeroDivisionError: nothing left", None, "execute"),
        ("no_such_task", "MODEL_ERROR", "KeyError", None, "execute"),
    ],
)
async def test_a_bad_end_is_named_and_the_next_order_runs(model, code, sentence, field, stage):
    async with a_pool(memory_limit_mb=600) as pool:
        with pytest.raises(WorkFailed, match=sentence) as failure:
            await pool.run(order(model), ignore)
        after = await pool.run(order("pid"), ignore)

    assert (failure.value.code, failure.value.field, failure.value.stage) == (code, field, stage)
    assert after.seed


async def test_a_crash_spares_the_job_beside_it(tmp_path):
    async with a_pool(2) as pool:
        beside, pid = await start(pool, "wait_for_file", path=str(tmp_path / "go"))
        with pytest.raises(WorkFailed):
            await pool.run(order("crash"), ignore)
        (tmp_path / "go").touch()
        result = await beside

    assert result.seed == pid


async def test_cancelling_kills_the_worker_at_once_and_frees_its_place():
    async with a_pool(1) as pool:
        job, pid = await start(pool, "work_for_ever")
        before = time.monotonic()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        died = await gone(pid)
        took_s = time.monotonic() - before
        after = await pool.run(order("pid"), ignore)

    assert died
    assert took_s < 0.3
    assert after.seed != pid


async def test_a_cancelled_order_in_line_disturbs_nobody(tmp_path):
    async with a_pool(1) as pool:
        first, pid = await start(pool, "wait_for_file", path=str(tmp_path / "go"))
        waiting = asyncio.create_task(pool.run(order("pid"), ignore))
        last = asyncio.create_task(pool.run(order("pid"), ignore))
        await asyncio.sleep(0)
        waiting.cancel()
        (tmp_path / "go").touch()
        results = await asyncio.gather(first, waiting, last, return_exceptions=True)

    assert [getattr(result, "seed", type(result)) for result in results] == [pid, asyncio.CancelledError, pid]


async def test_an_order_over_its_time_is_stopped():
    async with a_pool() as pool:
        # A warm worker: on a busy machine, one that has to start first may never come to the work itself.
        await pool.run(order("pid"), ignore)
        pool.time_limit_s = 0.6
        job, pid = await start(pool, "work_for_ever")
        with pytest.raises(WorkFailed, match=r"longer than 0\.6 s") as failure:
            await job
        died = await gone(pid)

    assert failure.value.code == "TIME_LIMIT"
    assert died


async def test_an_idle_worker_that_died_is_replaced_unnoticed():
    async with a_pool() as pool:
        first = (await pool.run(order("pid"), ignore)).seed
        os.kill(first, signal.SIGKILL)
        second = (await pool.run(order("pid"), ignore)).seed

    assert second != first


async def test_prints_and_reads_of_a_library_do_not_disturb_the_pipes():
    async with a_pool() as pool:
        first = await pool.run(order("print_everywhere"), ignore)
        second = await pool.run(order("pid"), ignore)

    assert first.seed == second.seed


async def test_a_worker_is_deaf_to_interrupts_and_keeps_to_its_share_of_the_cores():
    async with a_pool(64) as pool:
        result = await pool.run(order("what_is_limited"), ignore)

    assert result.timing == {"threads": 1.0, "deaf": 1.0, "big": 0.0}


async def test_an_order_longer_than_a_pipe_arrives_whole():
    async with a_pool() as pool:
        result = await pool.run(order("what_is_limited", text="x" * 3_000_000), ignore)

    assert result.timing["big"] == 3_000_000


async def test_an_interrupt_of_the_whole_process_group_spares_the_workers():
    async with a_pool() as pool:
        pid = (await pool.run(order("pid"), ignore)).seed

        assert os.getpgid(pid) != os.getpgrp()


async def test_after_close_no_worker_is_left_and_orders_are_refused():
    pool = WorkerPool(2, task_module="odd_tasks")
    job, busy = await start(pool, "work_for_ever")
    idle = (await pool.run(order("pid"), ignore)).seed

    await pool.close()

    assert not psutil.pid_exists(busy)
    assert not psutil.pid_exists(idle)
    with pytest.raises(WorkFailed, match="died"):
        await job
    with pytest.raises(WorkFailed, match="closed"):
        await pool.run(order("pid"), ignore)


async def test_a_task_module_that_cannot_be_imported_is_said():
    pool = WorkerPool(1, task_module="no_such_module")

    with pytest.raises(WorkFailed, match="no_such_module"):
        await pool.run(order("pid"), ignore)

    await pool.close()


async def test_the_package_is_found_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise RuntimeError('the wrong random')")
    monkeypatch.chdir(tmp_path)

    async with a_pool() as pool:
        result = await pool.run(order("pid"), ignore)

    assert result.seed


OWNER = """
import asyncio, sys
from runflow_widgets.engine.workers import WorkerPool, WorkOrder

pool = WorkerPool(2, task_module="odd_tasks")

def order(model):
    return WorkOrder(model=model, inputs={}, files={}, folder="", seed=None)

async def main():
    idle = (await pool.run(order("pid"), lambda *_: None)).seed
    print(idle, flush=True)
    await pool.run(order("work_for_ever"), lambda _, pid: print(pid, flush=True))

asyncio.run(main())
"""


async def test_workers_leave_when_their_owner_is_killed():
    path = os.pathsep.join(entry for entry in sys.path if entry)
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    pids = {int(owner.stdout.readline()) for _ in range(2)}

    owner.kill()
    owner.wait()
    owner.stdout.close()

    assert all([await gone(pid) for pid in pids])


async def test_a_pool_that_was_never_closed_does_not_hold_the_interpreter():
    code = OWNER.replace(
        '    await pool.run(order("work_for_ever")', '    return\n    await pool.run(order("work_for_ever")'
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "PYTHONPATH": path}

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True, env=environment
    )

    assert ended.stderr == ""
    assert await gone(int(ended.stdout))
