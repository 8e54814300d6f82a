"""A thousand runs at a service behind a socket that refuses, fails, breaks off and is killed; and how often one asks.

python tests/benchmarks/bench_many_remote.py [number of runs, 0 for none] [number of runs in the comparison, 0 for none]
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
os.environ["RUNFLOW_HOME"] = tempfile.mkdtemp(prefix="runflow-bench-")

import httpx
from bench_many import pictures
from faulty_proxy import Every, FaultyProxy, canned
from figures import Figures
from others import ask_like_fal, ask_like_replicate

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client
from runflow_widgets.engine.workers import Produced, WorkDone
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session

MODEL = "runflow/background-color"
WHITE = {"color_red": 255, "color_green": 255, "color_blue": 255}
KEY = "rf_live_bench_0001"
AT_ONCE = 32
CREATE = ("POST", r"/runs$")
LINE = [
    Every("answer", *CREATE, canned(429, '{"code": "RATE_LIMITED"}', Retry_After="1"), nth=61),
    Every("answer", *CREATE, canned(500, '{"code": "INTERNAL"}'), nth=47),
    Every("answer_after", *CREATE, canned(500, '{"code": "INTERNAL"}'), nth=53),
    Every("reset", *CREATE, nth=43),
    Every("lose", *CREATE, nth=59),
    Every("reset", "GET", r"/v1/runs/[^/?]+$", nth=41),
    Every("answer", "GET", r"/v1/files/", canned(500), nth=37),
    Every("reset", "PUT", r".", nth=31),
]
KINDS = {
    "uploading": lambda method, path: "asset-uploads" in path or method == "PUT",
    "creating": lambda method, path: method == "POST" and path.endswith("/runs"),
    "asking": lambda method, path: method == "GET" and path.startswith("/v1/runs"),
    "fetching": lambda method, path: path.startswith("/v1/files"),
}


class Patient:
    """Takes its time over each run and gives the picture back, as a service on other machines does."""

    size = 1000

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def run(self, order: object, on_progress: object) -> WorkDone:
        """Wait, and copy."""
        await asyncio.sleep(self._seconds)
        shutil.copy(order.files["image_url"], Path(order.folder) / "copy.png")  # type: ignore[attr-defined]
        return WorkDone((Produced("copy.png", "image/png"),), None, {}, ())

    async def close(self) -> None:
        """Nothing is kept."""


class Service:
    """The double in a process of its own; it can be killed and started again on the same folder."""

    def __init__(self, run_s: float) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._folder = tempfile.mkdtemp(prefix="runflow-bench-")
        self._run_s = run_s
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Service:
        arguments = ["serve", str(self._port), self._folder, str(self._run_s)]
        self._process = subprocess.Popen([sys.executable, __file__, *arguments])
        while True:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/v1/health", timeout=1)
                return self
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """What a deployment or a crash does."""
        self.__exit__()
        self.__enter__()


def main() -> None:
    """Print what became of the runs, and how many requests each way of asking needs."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    fewer = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began")
    if count:
        with Service(run_s=1.0) as service, FaultyProxy(service.url, LINE) as proxy:
            broken_line(service, proxy, count)
    with Service(run_s=1.0) as service:
        at_once(service, (1, 10, 100, 1000))
    for run_s in (1.0, 10.0) if fewer else ():
        with Service(run_s=run_s) as service, FaultyProxy(service.url) as proxy:
            compare(service, proxy, fewer, run_s)


def broken_line(service: Service, proxy: FaultyProxy, count: int) -> None:
    """Runs over a line that breaks in every way, to a service that is killed in the middle."""
    session = connected(proxy.url)
    middle = threading.Event()
    began = time.perf_counter()
    results = rf.map(MODEL, pictures(count, 32), session=session, concurrency=AT_ONCE, **WHITE)
    results.watch(lambda results: len(results.outputs) >= count // 2 and middle.set())
    middle.wait()
    service.restart()
    results.result()
    first_failed, rounds = len(results.failed), 0
    while results.failed and rounds < 5:
        results, rounds = results.retry_failed().result(), rounds + 1
    took_s = time.perf_counter() - began
    runs = shared().call(runs_at(service.url))
    session.close()
    states = Counter(run["failure_code"] or run["status_code"] for run in runs)
    files = sum(output.path.is_file() for output in results.outputs)
    met = ", ".join(f"{fault.met} x {said(fault)}" for fault in LINE)
    print(f"\n{count} runs, {AT_ONCE} at once, 1 s each, over a line with {met}; the server killed once")
    print(f"  {took_s:.1f} s; {first_failed} had failed at first and were made by {rounds} x retry_failed()")
    print(f"  at the service: {len(runs)} runs under {len({run['client_ref'] for run in runs})} keys: {dict(states)}")
    print(f"  here: {files} results on disk, {len(results.failed)} failed")
    say("requests a run", proxy.requests, count)


def compare(service: Service, proxy: FaultyProxy, count: int, run_s: float) -> None:
    """How many requests it takes to learn that a run is over; the same service for all, and no faults."""
    table = Figures(
        f"remote_{run_s:g}s", f"{count} runs of {run_s:g} s, {AT_ONCE} at once: requests a run, at the same service"
    )
    session = connected(proxy.url)
    folder = pictures(count, 32)
    picture = folder / "00000.png"
    began = time.perf_counter()
    results = rf.map(MODEL, folder, session=session, concurrency=AT_ONCE, **WHITE).result()
    assert not results.failed
    table.add("runflow_widgets", s=time.perf_counter() - began, **counted(proxy.requests, count))
    asset = shared().call(session.client.upload(picture.read_bytes(), filename=picture.name, mime_type="image/png"))
    session.close()
    for name, ask in (("fal-client", ask_like_fal), ("replicate", ask_like_replicate)):
        proxy.requests.clear()
        began = time.perf_counter()
        asyncio.run(ask(proxy.url, KEY, MODEL, {"image_url": asset.ref, **WHITE}, count, AT_ONCE))
        table.add(name, s=time.perf_counter() - began, **counted(proxy.requests, count))
    table.tell()


def at_once(service: Service, counts: Sequence[int]) -> None:
    """What many runs at once cost here, in time and in work; nothing is uploaded, and only ours brings results home."""
    table = Figures(
        "at_once", "Runs of 1 s at once, at the same service: until all are over, and this process's work a run"
    )
    session = connected(service.url)
    picture = pictures(1, 32) / "00000.png"
    asset = shared().call(session.client.upload(picture.read_bytes(), filename=picture.name, mime_type="image/png"))
    inputs = {"image_url": asset.ref, **WHITE}

    def ours(count: int) -> None:
        for run in [rf.run(MODEL, inputs, session=session) for _ in range(count)]:
            run.result()

    ways = {"runflow_widgets": ours}
    for name, ask in (("fal-client", ask_like_fal), ("replicate", ask_like_replicate)):
        ways[name] = lambda count, ask=ask: asyncio.run(ask(service.url, KEY, MODEL, inputs, count, count))
    for count in counts:
        for name, way in ways.items():
            used_s, began = time.process_time(), time.perf_counter()
            way(count)
            took_s = time.perf_counter() - began
            table.add(f"{count:,} x {name}", s=took_s, cpu_ms_a_run=1e3 * (time.process_time() - used_s) / count)
    table.tell()
    session.close()


def said(fault: Every) -> str:
    """What goes wrong, in a few words."""
    status = fault.canned[9:12].decode()
    words = {"answer": status, "answer_after": f"{status} after the fact", "reset": "reset", "lose": "answer lost"}
    return f"{words[fault.kind]} ({fault.method})"


def connected(url: str) -> Session:
    """A session with a remote service, at the pace that it has in a notebook."""
    return Session(Client(KEY, base_url=url), "remote", shared(), Ledger(), Catalogue.bundled())


async def runs_at(url: str) -> list[dict]:
    """All the runs that the service knows."""
    async with Client(KEY, base_url=url) as client:
        return [run async for run in client.each_run()]


def say(what: str, requests: list[tuple[str, str]], count: int) -> None:
    """Print how many requests of each kind there were for one run."""
    text = ", ".join(f"{number:.2f} {kind}" for kind, number in counted(requests, count).items())
    print(f"  {what}: {text}")


def counted(requests: list[tuple[str, str]], count: int) -> dict[str, float]:
    """How many requests of each kind there were for one run."""
    kinds = {kind: sum(fits(*request) for request in requests) / count for kind, fits in KINDS.items()}
    return {**kinds, "in_all": len(requests) / count}


def serve(port: int, folder: str, run_s: float) -> None:
    """The double, until it is killed; it gives no hint how soon to ask again."""
    options = {
        "key": KEY,
        "folder": folder,
        "workers": Patient(run_s),
        "allow_private": True,
        "poll_after_ms": -1,
        "requests_per_s": 100_000,
        "max_connections": 5000,
    }
    rf.serve(port, **options).wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
    else:
        main()
