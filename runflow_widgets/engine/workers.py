"""Where pixels are computed: a few child processes that can be stopped, replaced and left behind safely.

A kernel breaks the ready-made pools: an interrupt kills their idle workers, one killed worker fails the jobs of all
the others, a job that runs cannot be cancelled, and a killed kernel leaves them running for ever. So each worker here
is a plain `Popen` on two pipes, with one thread that reads what it says and waits for its end.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from .worker import Worker, WorkerLostError

#: How often an order is handed on when its worker dies before beginning it.
_ATTEMPTS: Final = 3

OnProgress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """One run as a worker sees it.

    `files` gives the local path of each fetched input under its field (`image_url`, `zip_url`, `image_urls.0`);
    results are written into `folder`. `network` is the kind and the file of a neural network that is to do the job
    in place of our own method.
    """

    model: str
    inputs: dict[str, Any]
    files: dict[str, str]
    folder: str
    seed: int | None = None
    network: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Produced:
    """One file that a worker wrote into the order's folder."""

    name: str
    mime_type: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class WorkDone:
    """What came of an order; `log` holds pairs of a level (`info`, `warning`) and a sentence.

    `worker` names who did it, where that may be another machine.
    """

    files: tuple[Produced, ...]
    seed: int | None
    timing: dict[str, float]
    log: tuple[tuple[str, str], ...]
    worker: str | None = None


class WorkFailed(Exception):
    """An order that came to nothing; `stage` is `preprocess` for a wrong input and `execute` for all else."""

    def __init__(self, code: str, message: str, *, field: str | None = None, stage: str = "execute") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.stage = stage


class WorkerPool:
    """Run orders in child processes, a few at a time and the others in line.

    All `async` methods belong to one loop; the pool itself may be made before that loop runs. Workers start with
    the first orders and are kept, because importing OpenCV costs more than many a job.

    Args:
        size: How many orders run at once; else as many as there are cores, four at most.
        time_limit_s: An order that takes longer fails with `TIME_LIMIT`.
        memory_limit_mb: What one worker may allocate, where the platform can limit that.
        task_module: The module whose `perform(order, report)` does the work.
        networks: For models that a neural network shall do: its kind and its file.
        threads: How many threads each worker computes with; else its share of the cores.
    """

    def __init__(
        self,
        size: int | None = None,
        *,
        time_limit_s: float = 900,
        memory_limit_mb: int | None = 4096,
        task_module: str = "runflow_widgets.engine.tasks",
        networks: Mapping[str, tuple[str, str]] | None = None,
        threads: int | None = None,
    ) -> None:
        self._networks = dict(networks or {})
        cores = _cores()
        self.size = max(1, min(4, cores)) if size is None else max(1, size)
        self.time_limit_s = time_limit_s
        self._arguments = [task_module, str(memory_limit_mb or 0), str(threads or max(1, cores // self.size))]
        self._turns = asyncio.Semaphore(self.size)
        self._workers: set[Worker] = set()
        self._idle: list[Worker] = []
        self._closed = False

    async def run(self, order: WorkOrder, on_progress: OnProgress) -> WorkDone:
        """Do one order; cancelling the awaiting task kills its worker, and no other.

        Raises:
            WorkFailed: `INPUT_VALIDATION_FAILED`, `OUT_OF_MEMORY`, `TIME_LIMIT`, `WORKER_DIED` or `MODEL_ERROR`.
        """
        order = replace(order, network=order.network or self._networks.get(order.model))
        async with self._turns:
            for _ in range(_ATTEMPTS):
                if self._closed:
                    break
                worker = self._take()
                try:
                    return await self._do(worker, order, on_progress)
                except WorkerLostError as loss:
                    if loss.begun:
                        raise WorkFailed("WORKER_DIED", f"The worker process died ({loss.cause}).") from None
                finally:
                    self._give_back(worker)
        raise WorkFailed(
            "WORKER_DIED", "The pool was closed." if self._closed else "No worker process could be started."
        )

    async def close(self) -> None:
        """Stop all workers at once and wait until the system has forgotten them."""
        self._closed = True
        self._idle.clear()
        leaving = list(self._workers)
        for worker in leaving:
            worker.kill()
        for worker in leaving:
            await asyncio.to_thread(worker.thread.join)
        self._workers.clear()

    def _take(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.usable:
                return worker
            self._workers.discard(worker)
        worker = Worker(self._arguments, asyncio.get_running_loop())
        self._workers.add(worker)
        return worker

    def _give_back(self, worker: Worker) -> None:
        if worker.usable and not self._closed:
            self._idle.append(worker)
        else:
            worker.kill()
            self._workers.discard(worker)

    async def _do(self, worker: Worker, order: WorkOrder, on_progress: OnProgress) -> WorkDone:
        answer = worker.expect(on_progress)
        try:
            async with asyncio.timeout(self.time_limit_s):
                await worker.send(asdict(order))
                frame = await answer
        except TimeoutError:
            worker.kill()
            raise WorkFailed(
                "TIME_LIMIT", f"The run took longer than {self.time_limit_s:g} s and was stopped."
            ) from None
        except asyncio.CancelledError:
            worker.kill()
            raise
        finally:
            answer.cancel()
        if frame["kind"] == "failed" and frame["code"] == "OUT_OF_MEMORY":
            # What such a job leaves of the heap is no good start for the next one.
            worker.kill()
        return read_end(frame)


def read_end(frame: Mapping[str, Any]) -> WorkDone:
    """What a worker tells of the end of an order, taken apart.

    Raises:
        WorkFailed: The order came to nothing.
    """
    if frame["kind"] == "failed":
        raise WorkFailed(frame["code"], frame["message"], field=frame["field"], stage=frame["stage"])
    return WorkDone(
        files=tuple(file if isinstance(file, Produced) else Produced(**file) for file in frame["files"]),
        seed=frame["seed"],
        timing=frame["timing"],
        log=tuple((level, sentence) for level, sentence in frame["log"]),
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
