"""One worker as its parent sees it: a child process, two pipes, and the thread that listens to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, Final

_SECRETS: Final = ("RUNFLOW_API_KEY", "RUNFLOW_SERVE_KEY")
_LENGTH: Final = struct.Struct(">I")
#: So much goes into a pipe at once, whether anybody reads or not; a worker that is given an order has an empty one.
_ANY_PIPE: Final = 4096
#: A model takes and drops whole planes of a picture all the time. Left alone, glibc asks the system for many of them
#: anew, which then has to clear each page: up to a third of a run. Dask leaves a setting in its process that makes it
#: half of one. An idle worker gives back what it kept.
LIBRARIES: Final = {
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(256 << 20),
    # The models' matrices are small: a second thread gains nothing, waits by spinning, and beside other work makes a
    # run take four times as long.
    "OPENBLAS_NUM_THREADS": "1",
}


def write_frame(pipe: IO[bytes], frame: dict[str, Any]) -> None:
    """Send one message: its length in four bytes, then JSON."""
    _write(pipe, _packed(frame))


def _packed(frame: dict[str, Any]) -> bytes:
    body = json.dumps(frame).encode()
    return _LENGTH.pack(len(body)) + body


def _write(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(data)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> dict[str, Any] | None:
    """Wait for one message; None when the other side is gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    return dict(json.loads(body)) if len(body) == length else None


class WorkerLostError(Exception):
    """The process died; where it had not `begun`, the order is not to blame and another worker may have it."""

    def __init__(self, cause: str, *, begun: bool) -> None:
        super().__init__(cause)
        self.cause = cause
        self.begun = begun


class Worker:
    """One child process; it belongs to the loop that was running when it was started."""

    def __init__(self, arguments: list[str], loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._answer: asyncio.Future[dict[str, Any]] | None = None
        self._on_progress: Callable[[float, str], None] | None = None
        self._begun = False
        self._reaping = threading.Lock()
        self._reaped = False
        self.usable = True
        self._process = _start_process(arguments)
        self.thread = threading.Thread(target=self._listen, name="runflow-worker", daemon=True)
        self.thread.start()

    def expect(self, on_progress: Callable[[float, str], None]) -> asyncio.Future[dict[str, Any]]:
        """A future for the end of the order that is sent next."""
        self._begun = False
        self._on_progress = on_progress
        self._answer = self._loop.create_future()
        return self._answer

    async def send(self, order: dict[str, Any]) -> None:
        """Hand the order over; that a worker is gone is told by `_ended`, not here."""
        assert self._process.stdin is not None
        data = _packed(order)
        try:
            if len(data) <= _ANY_PIPE:
                _write(self._process.stdin, data)
            else:
                # The loop must not be held until the child has woken up and read.
                await asyncio.to_thread(_write, self._process.stdin, data)
        except (OSError, ValueError):
            self.usable = False

    def kill(self) -> None:
        """Stop it at once, whatever it does."""
        self.usable = False
        with self._reaping:
            if not self._reaped:
                self._process.kill()

    def _listen(self) -> None:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdout:
            while (frame := read_frame(process.stdout)) is not None:
                self._tell(self._heard, frame)
        # Without its pipe a worker is of no use. And a dead child that nobody waits for keeps ipykernel from
        # shutting down cleanly. Once it is waited for, its number may belong to another process: no more kill().
        self.kill()
        with self._reaping:
            self._reaped = True
        code = process.wait()
        with contextlib.suppress(OSError):  # half an order may still be in the buffer
            process.stdin.close()
        self._tell(self._ended, code)

    def _tell(self, function: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *arguments)

    def _heard(self, frame: dict[str, Any]) -> None:
        if frame["kind"] == "begun":
            self._begun = True
        elif frame["kind"] == "progress":
            if self._on_progress is not None and self._answer is not None and not self._answer.done():
                self._on_progress(frame["fraction"], frame["note"])
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(frame)

    def _ended(self, code: int) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WorkerLostError(_cause_of(code), begun=self._begun))


def _start_process(arguments: list[str]) -> subprocess.Popen[bytes]:
    threads = arguments[-1]
    environment = {
        # It opens files of strangers, and needs no key for that.
        **{name: value for name, value in os.environ.items() if name not in _SECRETS},
        # What this process can import, the child can import: also a package that lies in the tree.
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "OMP_NUM_THREADS": threads,
        **LIBRARIES,
    }
    return subprocess.Popen(
        # -P: a random.py in the kernel's folder must not stand in for the real one.
        [sys.executable, "-P", "-m", "runflow_widgets.engine.worker_process", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        # An interrupt goes to the kernel's whole process group; in a group of its own a worker never sees it, and
        # ipykernel does not wait for it at shutdown.
        process_group=0,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def _cause_of(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"{name}, perhaps for want of memory" if name == "SIGKILL" else name
