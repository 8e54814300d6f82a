"""The same promises as on one machine, on a real cluster of two worker processes, some of which are killed."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest
from distributed import Client, LocalCluster
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.engine.dask_pool import DaskPool
from runflow_widgets.engine.workers import WorkFailed, WorkOrder
from runflow_widgets.errors import ConfigError
from runflow_widgets.images import encode_png
from runflow_widgets.portal import shared

MODEL = "bria/background/remove"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster():
    options = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "silence_logs": False}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **options) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def mine(cluster):
    """A client as a user has one."""
    with Client(cluster, set_as_default=False) as client:
        yield client


@contextlib.contextmanager
def opened(cluster, **options):
    pool = DaskPool(cluster.scheduler_address, **{"task_module": "odd_tasks", **options})
    shared().call(pool.open())
    try:
        yield pool
    finally:
        shared().call(pool.close())


@pytest.fixture(scope="module")
def pool(cluster):
    with opened(cluster, memory_limit_mb=600) as pool:
        yield pool


def order(model, files=None, folder="", seed=None, network=None, **inputs):
    return WorkOrder(model=model, inputs=inputs, files=files or {}, folder=str(folder), seed=seed, network=network)


def ignore(fraction, note):
    pass


def do(pool, model, **given):
    return shared().call(pool.run(order(model, **given), ignore), 60)


class Begun:
    """An order on its way; `pid` is the process that computes it, once that has said so."""

    def __init__(self, pool, model, **given):
        self._bell = threading.Event()
        self.notes = []
        self.job = shared().submit(pool.run(order(model, **given), self._heard))

    def _heard(self, fraction, note):
        self.notes.append(note)
        if note.isdigit():
            self._bell.set()

    def pid(self):
        assert self._bell.wait(30)
        self._bell.clear()
        return int(self.notes[-1])


def gone(pid, within_s=5.0):
    """Whether a process ends; it may be the child of any other."""
    try:
        process = psutil.Process(pid)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(within_s)
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def folder_of(count, folder):
    folder.mkdir()
    for number in range(count):
        pixels = np.zeros((8, 8, 3), np.uint8)
        pixels[0, 0] = (number, 7, 9)
        (folder / f"{number}.png").write_bytes(encode_png(Image.fromarray(pixels)))
    return folder


# ---------------------------------------------------------------------- through the front door


def test_a_run_on_a_cluster_says_where_it_runs_and_who_did_it(cluster):
    session = rf.connect(workers=cluster.scheduler_address)

    run = rf.run(MODEL, image=rf.samples.load("tagged_mug").resize((64, 64))).result(60)
    said = [line["message"] for line in shared().call(session.client.run_logs(run.id)).items]

    where = f"on 2 Dask workers at {cluster.scheduler_address}"
    assert repr(session) == f"Embedded: runs are computed {where}, and cost nothing."
    assert run.image.size == (64, 64)
    assert run.state.worker.partition(" at ")[2] in cluster.scheduler.workers
    assert f"Done by the Dask worker {run.state.worker}." in said
    assert run.where.endswith(f"and cost nothing. This was done by {run.state.worker}.")


def test_a_map_loses_a_worker_in_the_middle_and_nothing_else(cluster, mine, tmp_path):
    pool = DaskPool(cluster.scheduler_address, task_module="copy_tasks")
    session = rf.connect(embedded=True, workers=pool)
    pids = mine.run(os.getpid)
    results = rf.map(MODEL, folder_of(60, tmp_path / "in"), session=session)
    some = threading.Event()
    results.watch(lambda results: len(results.outputs) >= 15 and some.set())
    assert some.wait(60)

    killed = next(item.worker for item in results.items if item.worker)
    os.kill(pids[killed.partition(" at ")[2]], signal.SIGKILL)
    results.result(60)

    assert [image.getpixel((0, 0))[0] for image in results.images] == list(range(60))
    entries = session.ledger.find(limit=1000)
    assert len(entries) == len({entry.id for entry in entries}) == 60
    assert sorted(shared().call(_refs(session.client))) == sorted(item.key for item in results.items)
    assert {record["worker"] for record in results.to_records()} > {killed}
    assert f"succeeded by {results[0].worker}" in results._repr_html_()


async def _refs(client):
    return [run["client_ref"] async for run in client.each_run()]


def test_a_client_stays_the_users(cluster, mine):
    rf.connect(workers=mine).close()

    assert mine.submit(sum, [1, 2], pure=False).result(10) == 3


async def test_a_client_of_a_running_loop_is_taken_too(cluster):
    async with Client(cluster.scheduler_address, asynchronous=True, set_as_default=False) as client:
        session = rf.connect(workers=client)
        said = repr(session)
        session.close()

    assert "on 2 Dask workers" in said


# ---------------------------------------------------------------------- what goes wrong before it begins


def test_an_address_where_nobody_answers_is_said_soon():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        pool = DaskPool(address, connect_within_s=0.3)
        before = time.monotonic()

        with pytest.raises(ConfigError, match=f"No Dask scheduler answers at {address}"):
            shared().call(pool.open())

    assert time.monotonic() - before < 3


def test_what_is_no_address_is_said():
    with pytest.raises(ConfigError, match="No Dask scheduler answers at nowhere://x"):
        rf.connect(workers="nowhere://x")


def test_without_dask_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(ConfigError, match=r"pip install 'runflow_widgets\[dask\]'"):
        rf.connect(workers="tcp://127.0.0.1:8786")


def test_a_key_and_a_cluster_do_not_go_together():
    with pytest.raises(ConfigError, match="Leave out either"):
        rf.connect("rf_live_0001", workers="tcp://127.0.0.1:8786")


WORKER = """
import sys
import runflow_widgets
{change}
from distributed.cli.dask_worker import main
main([sys.argv[1], "--no-nanny", "--no-dashboard", "--nthreads", "1", "--local-directory", sys.argv[2]])
"""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("sys.modules['runflow_widgets'] = None", "has no runflow_widgets. Install the same version"),
        ("runflow_widgets.__version__ = '0.0.9'", f"has runflow_widgets 0.0.9, and this kernel {rf.__version__}."),
    ],
)
def test_a_cluster_that_cannot_do_our_work_says_why(change, sentence, tmp_path):
    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as empty:
        code = WORKER.format(change=change)
        arguments = [sys.executable, "-c", code, empty.scheduler_address, str(tmp_path)]
        worker = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            empty.wait_for_workers(1, 30)

            with pytest.raises(ConfigError, match=sentence):
                rf.connect(workers=empty.scheduler_address)
        finally:
            worker.kill()
            worker.wait()


# ---------------------------------------------------------------------- one order


def test_an_order_comes_back_with_its_files_times_log_and_steps(cluster, tmp_path):
    heard = []
    (tmp_path / "in.png").write_bytes(encode_png(Image.new("RGB", (5, 4), "red")))
    asked = order("copy", {"image_url": str(tmp_path / "in.png")}, tmp_path)

    with opened(cluster, task_module="copy_tasks") as pool:
        done = shared().call(pool.run(asked, lambda *step: heard.append(step)), 60)

    assert (done.files[0].name, done.files[0].width) == ("copy.png", 5)
    assert Image.open(tmp_path / "copy.png").getpixel((0, 0)) == (255, 0, 0)
    assert done.timing["inference_ms"] > 0
    assert done.log[-1] == ("info", f"Done by the Dask worker {done.worker}.")
    assert heard[0] == (0.1, "copying")


def test_progress_arrives_step_by_step(pool):
    heard = []

    shared().call(pool.run(order("steps"), lambda *step: heard.append(step)), 60)

    assert heard == [(step / 5, f"step {step}") for step in range(1, 5)]


@pytest.mark.parametrize(
    ("model", "code", "sentence", "field", "stage"),
    [
        ("crash", "WORKER_DIED", "SIGKILL", None, "execute"),
        ("allocate", "OUT_OF_MEMORY", "more memory than a worker may use", None, "execute"),
        ("refuse", "INPUT_VALIDATION_FAILED", "The picture is blue. Take a red one.", "image_url", "preprocess"),
        ("fail", "MODEL_ERROR", "ZeroDivisionError: nothing left", None, "execute"),
    ],
)
def test_a_bad_end_is_named_as_on_one_machine(pool, model, code, sentence, field, stage):
    with pytest.raises(WorkFailed, match=sentence) as failure:
        do(pool, model)

    assert (failure.value.code, failure.value.field, failure.value.stage) == (code, field, stage)


def test_a_file_that_is_not_there_ends_its_order(pool, tmp_path):
    with pytest.raises(WorkFailed, match="cannot be read here"):
        do(pool, "measure", files={"image_url": str(tmp_path / "none.png")})


def test_an_order_over_its_time_is_stopped(cluster):
    with opened(cluster, time_limit_s=0.6) as pool, pytest.raises(WorkFailed, match=r"longer than 0\.6 s") as failure:
        do(pool, "work_for_ever")

    assert failure.value.code == "TIME_LIMIT"


def test_a_cancelled_order_ends_where_it_runs_and_frees_its_place(pool):
    begun = Begun(pool, "work_for_ever")
    pid = begun.pid()
    before = time.monotonic()

    begun.job.cancel()
    died = gone(pid)
    took_s = time.monotonic() - before

    assert died
    assert took_s < 0.3
    assert do(pool, "pid").seed != pid


def test_an_order_that_is_cancelled_on_its_way_is_never_begun(cluster, tmp_path):
    with opened(cluster) as pool:
        running = [Begun(pool, "wait_for_file", path=str(tmp_path / "go")) for _ in range(2)]
        pids = [begun.pid() for begun in running]
        late = Begun(pool, "wait_for_file", path=str(tmp_path / "go"))
        late.job.cancel()
        (tmp_path / "go").touch()

        results = [begun.job.result(30) for begun in running]

    assert sorted(done.seed for done in results) == sorted(pids)
    assert not late.notes


# ---------------------------------------------------------------------- what travels


def test_a_picture_travels_once_for_all_that_use_it(cluster, tmp_path):
    size = 9_000_000
    picture, other = tmp_path / "large.png", tmp_path / "the same again.png"
    picture.write_bytes(bytes(size))
    other.write_bytes(bytes(size))

    with opened(cluster) as pool:
        results = shared().call(_all(pool, [{"image_url": str(path)} for path in (picture, other) * 4]))
        sent = pool._files.sent

    assert {done.timing["bytes"] for done in results} == {size}
    assert len({done.worker for done in results}) == 2
    assert sent == size


async def _all(pool, files):
    return await asyncio.gather(*(pool.run(order("measure", given), ignore) for given in files))


def test_a_network_travels_once_and_is_kept_as_a_file(cluster, tmp_path):
    weights = tmp_path / "net.onnx"
    weights.write_bytes(bytes(5_000_000))

    with opened(cluster, networks={"network_path": ("isnet", str(weights))}) as pool:
        results = [do(pool, "network_path") for _ in range(4)]
        sent = pool._files.sent

    assert sent == 5_000_000
    assert {done.timing["bytes"] for done in results} == {5_000_000}
    assert all(note.endswith(".onnx") and note != str(weights) for done in results for _, note in done.log[:1])


# ---------------------------------------------------------------------- workers come and go


def test_the_order_of_a_lost_worker_is_done_by_another_and_its_log_says_so(cluster, tmp_path):
    with opened(cluster) as pool:
        begun = Begun(pool, "wait_for_file", path=str(tmp_path / "go"))
        first = begun.pid()
        os.kill(psutil.Process(first).ppid(), signal.SIGKILL)
        second = begun.pid()
        (tmp_path / "go").touch()
        done = begun.job.result(30)

    assert (done.seed, first != second, gone(first)) == (second, True, True)
    level, sentence = done.log[0]
    assert level == "warning"
    assert sentence.endswith("was lost; the work was begun again.")
    assert any(note.startswith("begun again by") for note in begun.notes)


def test_an_order_that_costs_three_workers_is_given_up(cluster, mine):
    with opened(cluster) as pool, pytest.raises(WorkFailed) as failure:
        do(pool, "crash_the_parent")

    mine.wait_for_workers(2, 30)
    assert failure.value.code == "WORKER_DIED"
    assert failure.value.message.count("tcp://") == 3


def test_new_workers_are_given_orders_as_soon_as_they_are_there(cluster, tmp_path):
    grown = threading.Event()
    with opened(cluster) as pool:
        pool.when_resized(lambda: pool.size == 3 and grown.set())
        cluster.scale(3)
        assert grown.wait(30)
        running = [Begun(pool, "wait_for_file", path=str(tmp_path / "go")) for _ in range(3)]
        parents = {psutil.Process(begun.pid()).ppid() for begun in running}
        (tmp_path / "go").touch()
        for begun in running:
            begun.job.result(30)
        cluster.scale(2)

    assert len(parents) == 3


def test_after_close_no_process_is_left_and_orders_are_refused(cluster):
    with opened(cluster) as pool:
        idle = do(pool, "pid").seed
        busy = Begun(pool, "work_for_ever")
        pid = busy.pid()

    assert gone(idle)
    assert gone(pid)
    with pytest.raises(WorkFailed, match="closed"):
        busy.job.result(5)
    with pytest.raises(WorkFailed, match="closed"):
        do(pool, "pid")


def test_processes_that_nobody_needs_any_more_end_and_come_back_when_they_are_needed(cluster):
    with opened(cluster, idle_s=0.05) as pool:
        first = do(pool, "pid").seed
        left = gone(first)
        second = do(pool, "pid").seed

    assert left
    assert second != first


def test_a_cluster_that_goes_away_ends_the_orders_it_had(tmp_path):
    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as other:
        pool = DaskPool(other.scheduler_address, task_module="odd_tasks", connect_within_s=0.5)
        begun = Begun(pool, "work_for_ever")
        pid = begun.pid()

    with pytest.raises(WorkFailed) as failure:
        begun.job.result(60)
    shared().call(pool.close())

    assert failure.value.code == "WORKER_DIED"
    assert gone(pid)


FORGETFUL = """
import sys
import runflow_widgets as rf

if __name__ == "__main__":
    rf.connect(workers=sys.argv[1])
    rf.run("bria/background/remove", image=rf.samples.load("tagged_mug").resize((64, 64))).result(60)
"""


def test_a_kernel_that_ends_without_closing_leaves_nothing_and_complains_of_nothing(cluster, mine, tmp_path):
    (tmp_path / "forgetful.py").write_text(FORGETFUL)
    path = os.pathsep.join(entry for entry in sys.path if entry)
    arguments = [sys.executable, str(tmp_path / "forgetful.py"), cluster.scheduler_address]
    before = children_of_workers(mine)

    ended = subprocess.run(
        arguments, capture_output=True, text=True, check=True, timeout=60, env={**os.environ, "PYTHONPATH": path}
    )

    assert ended.stderr == ""
    assert children_of_workers(mine) <= before


def children_of_workers(client):
    return {child.pid for pid in client.run(os.getpid).values() for child in psutil.Process(pid).children()}


def test_the_module_is_loaded_by_nobody_who_does_not_ask():
    code = "import runflow_widgets as rf, sys; rf.connect(embedded=True); print('distributed' in sys.modules)"
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "PYTHONPATH": path}

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=environment
    )

    assert said.stdout.strip() == "False"
