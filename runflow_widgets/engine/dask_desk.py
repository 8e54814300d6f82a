"""What runs inside a Dask worker: it takes orders, has them done by child processes of ours, and reports.

A thread of Dask's cannot be stopped and has no limit of memory or time, so the work itself is done by the same child
processes as on one machine; they are kept between orders, and end when nobody has asked for anything in a while.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from .dask_crew import package_version
from .workers import WorkerPool, WorkFailed, WorkOrder

#: Steps of progress that come faster than this are left out; each is a message through the scheduler.
_STEP_S: Final = 0.1

#: By the address of the worker and the name of the pool: several workers may live in one process.
_desks: dict[tuple[str, str], Desk] = {}
#: Orders that were stopped before they came; the latest only, for most of them never will.
_stopped: deque[str] = deque(maxlen=1000)


async def do(message: dict[str, Any], *parts: bytes) -> dict[str, Any]:
    """Do one order; the task that `DaskPool` sends comes down to this."""
    from distributed import get_worker

    worker = get_worker()
    if message["version"] != package_version():
        return {"kind": "unfit", "version": package_version(), "address": worker.address}
    key = worker.address, message["pool"]
    if key not in _desks:
        _desks[key] = Desk(worker, message, forget=lambda: _desks.pop(key, None))
    return await _desks[key].do(message, parts)


def stop(pool: str, order: str, dask_worker: Any) -> None:
    """Stop an order at once; one that is still on its way here will not be begun."""
    desk = _desks.get((dask_worker.address, pool))
    if desk is None or not desk.stop(order):
        _stopped.append(order)


async def leave(pool: str, dask_worker: Any) -> None:
    """End what was started here for a pool."""
    if (desk := _desks.pop((dask_worker.address, pool), None)) is not None:
        await desk.close()


class Desk:
    """One pool's place at one Dask worker."""

    def __init__(self, worker: Any, message: dict[str, Any], *, forget: Callable[[], object]) -> None:
        self._worker = worker
        self._topic = message["topic"]
        self._idle_s = message["idle_s"]
        self._forget = forget
        self._folder = Path(tempfile.mkdtemp(prefix="runflow-", dir=worker.local_directory))
        # One thread each: that is what Dask was told an order may take.
        self._pool = WorkerPool(max(1, worker.state.nthreads), threads=1, **message["limits"])
        self._under_way: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._leaving: asyncio.TimerHandle | None = None

    async def do(self, message: dict[str, Any], parts: Sequence[bytes]) -> dict[str, Any]:
        """Do an order in a folder of its own; what it writes comes back as bytes."""
        if self._leaving is not None:
            self._leaving.cancel()
        number = message["order"]
        attempt = uuid4().hex
        who = {"name": str(self._worker.name), "address": self._worker.address}
        self._tell(number, attempt, **who)
        try:
            if number in _stopped:
                return {"kind": "stopped"}
            self._under_way[number] = work = asyncio.ensure_future(self._work(message, parts, attempt))
            return {**who, **(await work)}
        except asyncio.CancelledError:
            # An answer and no error: a task of Dask's that ends with an error is written into the worker's log.
            return {"kind": "stopped"}
        except WorkFailed as failure:
            told = {"code": failure.code, "message": failure.message, "field": failure.field, "stage": failure.stage}
            return {**who, "kind": "failed", **told}
        finally:
            self._under_way.pop(number, None)
            self._rest()

    def stop(self, number: str) -> bool:
        """Stop an order, if it is here."""
        work = self._under_way.get(number)
        return work is not None and work.cancel()

    async def close(self) -> None:
        """End the children, whatever they do."""
        if self._leaving is not None:
            self._leaving.cancel()
        for work in self._under_way.values():
            work.cancel()
        await self._pool.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _rest(self) -> None:
        if self._under_way:
            return
        loop = asyncio.get_running_loop()

        def go() -> None:
            self._forget()
            self._closing = loop.create_task(self.close())

        # The kernel that they were started for may be dead.
        self._leaving = loop.call_later(self._idle_s, go)

    def _tell(self, number: str, attempt: str, **news: Any) -> None:
        self._worker.log_event(self._topic, {"order": number, "attempt": attempt, **news})

    async def _work(self, message: dict[str, Any], parts: Sequence[bytes], attempt: str) -> dict[str, Any]:
        folder = self._folder / attempt
        told_at = 0.0

        def on_progress(fraction: float, note: str) -> None:
            nonlocal told_at
            now = time.monotonic()
            if now - told_at >= _STEP_S:
                told_at = now
                self._tell(message["order"], attempt, fraction=fraction, note=note)

        try:
            order = await asyncio.to_thread(self._unpack, message, parts, folder)
            done = await self._pool.run(order, on_progress)
            made = await asyncio.to_thread(_packed, folder, [file.name for file in done.files])
            return {"kind": "done", "done": asdict(done), "made": made}
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _unpack(self, message: dict[str, Any], parts: Sequence[bytes], folder: Path) -> WorkOrder:
        (folder / "out").mkdir(parents=True)
        paths = {}
        for place, (name, packed) in enumerate(message["files"].items()):
            own = folder / f"{place}{packed['suffix']}"
            path = self._folder / f"{packed['sha256']}{packed['suffix']}" if packed["lasts"] else own
            if not path.exists():
                content = packed["data"], *parts[packed["first"] : packed["first"] + packed["count"]]
                own.write_bytes(b"".join(piece for piece in content if piece))
                # Moved there whole: another order may be looking for it.
                own.replace(path)
            paths[name] = str(path)
        network = (message["network"], paths.pop("network")) if message["network"] else None
        return WorkOrder(message["model"], message["inputs"], paths, str(folder / "out"), message["seed"], network)


def _packed(folder: Path, names: Sequence[str]) -> list[bytes | None]:
    """What was written; None for what was named and not written."""
    paths = [folder / "out" / Path(name).name for name in names]
    return [path.read_bytes() if path.is_file() else None for path in paths]
