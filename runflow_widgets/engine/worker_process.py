"""The main program of a worker: reads orders from its standard input until that closes, one after the other.

Started by `workers.WorkerPool` as `python -m runflow_widgets.engine.worker_process MODULE MEMORY_MB THREADS`.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import IO, Any, Final

from ..errors import InputError
from .refusal import no_room
from .worker import read_frame, write_frame
from .workers import WorkDone, WorkOrder

#: So long an idle worker keeps the memory of its last run for the next.
_IDLE_S: Final = 2.0
#: Steps of a run that come closer together than this are not told one by one.
_MOMENT_S: Final = 0.05

Perform = Callable[[WorkOrder, Callable[[float, str], None]], WorkDone]


def main(arguments: list[str]) -> None:
    """Work until the parent closes the pipe or dies."""
    task_module, memory_mb, threads = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders_pipe, answers_pipe = _claim_pipes()
    orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders_pipe, orders), daemon=True).start()
    _limit_memory(int(memory_mb))
    while True:
        order = _next_of(orders)
        write_frame(answers_pipe, {"kind": "begun"})
        report = Report(answers_pipe)
        write_frame(answers_pipe, answer(task_module, int(threads), WorkOrder(**order), report))


def _next_of(orders: queue.SimpleQueue[dict[str, Any]]) -> dict[str, Any]:
    """Wait for an order; who waits for long keeps no memory that others may need."""
    with contextlib.suppress(queue.Empty):
        return orders.get(timeout=_IDLE_S)
    with contextlib.suppress(AttributeError, OSError, TypeError):  # it is glibc that has this
        ctypes.CDLL(None).malloc_trim(0)
    return orders.get()


class Report:
    """Tell how far a run is; of what follows in the same moment, which nobody could see, nothing."""

    def __init__(self, pipe: IO[bytes], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pipe = pipe
        self._clock = clock
        self._told_at = float("-inf")

    def __call__(self, fraction: float, note: str) -> None:
        """Tell it, unless it was told just now."""
        now = self._clock()
        if now - self._told_at >= _MOMENT_S:
            self._told_at = now
            write_frame(self._pipe, {"kind": "progress", "fraction": min(1.0, max(0.0, float(fraction))), "note": note})


def _claim_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Keep the two pipes for ourselves; whatever a library prints goes to the error output instead."""
    orders = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return orders, answers


def _listen(pipe: IO[bytes], orders: queue.SimpleQueue[dict[str, Any]]) -> None:
    while (order := read_frame(pipe)) is not None:
        orders.put(order)
    # The parent is gone. Another thread may be deep in a computation, so nothing softer would end it now.
    os._exit(0)


def _limit_memory(megabytes: int) -> None:
    if not megabytes:
        return
    try:
        import resource
    except ImportError:
        return  # Windows has no such limit
    size = megabytes * 1024 * 1024
    # Data, not address space: libraries reserve far more addresses than they ever use.
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))


@functools.cache
def _perform_of(task_module: str, threads: int) -> Perform:
    import cv2

    cv2.setNumThreads(threads)
    perform: Perform = importlib.import_module(task_module).perform
    return perform


def answer(task_module: str, threads: int, order: WorkOrder, report: Callable[[float, str], None]) -> dict[str, Any]:
    """Do one order; gives what is told of its end, well or not."""
    try:
        perform = _perform_of(task_module, threads)
        return {"kind": "done", **asdict(perform(order, report))}
    except InputError as problem:
        sentence = " ".join(part for part in (problem.message, problem.advice) if part)
        return _failure("INPUT_VALIDATION_FAILED", sentence, field=problem.field, stage="preprocess")
    except ImportError as problem:
        reason = next((line for line in str(problem).splitlines() if line.strip()), type(problem).__name__)
        return _failure("MODEL_ERROR", f"A package that the model needs cannot be loaded here ({reason[:200]}).")
    except Exception as problem:
        if isinstance(problem, MemoryError) or _is_opencv_out_of_memory(problem):
            return _failure("OUT_OF_MEMORY", "The run needed more memory than a worker may use; try a smaller picture.")
        if isinstance(problem, OSError) and (full := no_room(problem)) is not None:
            return _failure("INSUFFICIENT_STORAGE", full)
        return _failure("MODEL_ERROR", f"The model failed: {type(problem).__name__}: {problem}"[:500])


def _failure(code: str, message: str, *, field: str | None = None, stage: str = "execute") -> dict[str, Any]:
    return {"kind": "failed", "code": code, "message": message, "field": field, "stage": stage}


def _is_opencv_out_of_memory(problem: Exception) -> bool:
    import cv2

    return isinstance(problem, cv2.error) and getattr(problem, "code", None) == cv2.Error.StsNoMem


if __name__ == "__main__":
    main(sys.argv[1:])
