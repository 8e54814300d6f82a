"""One background thread with one event loop, on which everything that outlives a cell is done.

A notebook has no loop that can be trusted with a paid run: a blocking cell stops the main one, a subshell takes its
own along when the page closes it, and a widget's callback may arrive on either. So the HTTP client, the polling and
the embedded service live here, and the three ways to wait (`await`, blocking, callbacks) are only views of it.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, Generic, TypeVar

from .errors import ConfigError

T = TypeVar("T")

#: An interrupt is noticed by an awaiting cell at the next event of its loop, so the loop must have one often.
BEAT_S = 0.2
#: How long an interrupted wait lets the work clean up behind itself.
CLEAN_UP_S = 2.0
#: Python in a browser has one thread only: there, all is done on the page's own loop, and nothing can block.
HAS_THREADS: Final = sys.platform != "emscripten"


class Portal:
    """Run coroutines on a background loop, from any thread, with or without a loop of one's own.

    Without threads, as in a browser, the loop that runs already takes their place; then only `await` waits.

    Args:
        threads: Whether there may be a thread for it.

    Example:
        >>> portal = Portal()
        >>> portal.call(asyncio.sleep(0, "done"))
        'done'
        >>> portal.close()
    """

    def __init__(self, *, threads: bool = HAS_THREADS) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        # The loop keeps only a weak reference to a task: without the set, a task may be collected before it ends.
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The background loop, started on first use and again in a forked child, where threads do not survive."""
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._start()
            assert self._loop is not None
            return self._loop

    def _start(self) -> None:
        self._pid = os.getpid()
        self._tasks = set()
        if not self._threads:
            self._loop = asyncio.get_event_loop()
            return
        self._loop = loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, args=(loop,), name="runflow-portal", daemon=True)
        self._thread.start()

    @staticmethod
    def _serve(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        loop.close()

    @property
    def can_block(self) -> bool:
        """Whether anybody may wait by blocking: without a thread of our own, the work would wait for the waiter."""
        return self._threads

    @property
    def is_here(self) -> bool:
        """Whether the caller is on the portal's own thread, where blocking would wait for itself."""
        return threading.current_thread() is self._thread

    def submit(self, work: Coroutine[Any, Any, T], *, interrupted: Callable[[], bool] | None = None) -> Job[T]:
        """Start work on the background loop and return at once.

        Args:
            interrupted: Called when a wait for the work is interrupted, in place of cancelling it; tells whether the
                waiter should give the work a moment to clean up.
        """
        return Job(self, work, interrupted)

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Do work on the background loop and wait for it here; an interrupt cancels it."""
        return self.submit(work).result(timeout_s)

    def soon(self, callback: Callable[..., object], *args: object) -> None:
        """Have a function called on the background loop."""
        self.loop.call_soon_threadsafe(callback, *args)

    def close(self) -> None:
        """Cancel what still runs and end the thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None or self._pid != os.getpid() or not thread.is_alive():
            return
        with contextlib.suppress(TimeoutError, concurrent.futures.TimeoutError):
            asyncio.run_coroutine_threadsafe(self._cancel_all(), loop).result(CLEAN_UP_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CLEAN_UP_S)

    async def _cancel_all(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_asyncgens()
        await asyncio.get_running_loop().shutdown_default_executor()


class Job(Generic[T]):
    """Work under way on the portal; wait for it from a cell, a script or another loop."""

    def __init__(
        self, portal: Portal, work: Coroutine[Any, Any, T], interrupted: Callable[[], bool] | None = None
    ) -> None:
        self._portal = portal
        self._interrupted = interrupted
        self._task: asyncio.Task[T] | None = None
        self._cancelled = False
        self._over = False
        # Held until the work is over. An interrupt may come between any two steps of a wait on a future and leave its
        # condition locked for ever; waiting for a bare lock is a single step.
        self._bell = threading.Lock()
        self._bell.acquire()
        self.future: concurrent.futures.Future[T] = concurrent.futures.Future()
        # A concurrent future that is never "running" could be cancelled by its waiter, which would hide the clean-up.
        self.future.set_running_or_notify_cancel()
        portal.loop.call_soon_threadsafe(self._start, work)

    def _start(self, work: Coroutine[Any, Any, T]) -> None:
        self._task = task = self._portal.loop.create_task(work)
        self._portal._tasks.add(task)
        task.add_done_callback(self._finish)
        if self._cancelled:
            task.cancel()

    def _finish(self, task: asyncio.Task[T]) -> None:
        self._portal._tasks.discard(task)
        try:
            if task.cancelled():
                self.future.set_exception(concurrent.futures.CancelledError())
            elif (error := task.exception()) is not None:
                self.future.set_exception(error)
            else:
                self.future.set_result(task.result())
        finally:
            self._over = True
            self._bell.release()

    @property
    def done(self) -> bool:
        """Whether the work is over, well or not."""
        return self.future.done()

    def _wait(self, seconds: float) -> None:
        if self._bell.acquire(timeout=seconds):
            # For the next one who waits.
            self._bell.release()

    def cancel(self) -> None:
        """Ask the work to stop; it may still clean up, so wait for it if that matters."""
        self._cancelled = True
        if self._task is not None:
            self._portal.soon(self._task.cancel)

    def _interrupt(self) -> bool:
        if self._interrupted is not None:
            return self._interrupted()
        self.cancel()
        return True

    def result(self, timeout_s: float | None = None) -> T:
        """Block until the work is done; an interrupt cancels the work and waits briefly for its clean-up.

        Raises:
            TimeoutError: The time is over; the work goes on.
        """
        if not self._portal.can_block and not self.done:
            raise ConfigError(
                "Python in the browser has one thread, so nothing can be waited for by blocking.",
                advice="Use `await`: await run.",
            )
        if self._portal.is_here:
            raise ConfigError(
                "A blocking wait was asked for on the thread that does the work, so it would never end.",
                advice="Use `await` there.",
            )
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        try:
            # Timed waits, because an untimed one cannot be interrupted on Windows.
            while not self._over:
                left = BEAT_S if deadline is None else min(BEAT_S, deadline - time.monotonic())
                if left <= 0:
                    raise TimeoutError(f"not done after {timeout_s:g} s")
                self._wait(left)
        except KeyboardInterrupt:
            if self._interrupt():
                self._wait(CLEAN_UP_S)
            raise
        return self.future.result()

    def __await__(self) -> Generator[Any, None, T]:
        return self._beat().__await__()

    async def _beat(self) -> T:
        inner = asyncio.wrap_future(self.future)
        # Nobody else looks at the wrapped future; without this its exception is reported as never retrieved.
        inner.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            while not inner.done():
                await asyncio.wait({inner}, timeout=BEAT_S)
        except asyncio.CancelledError:
            if self._interrupt():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({inner}, timeout=CLEAN_UP_S)
            raise
        return self.future.result()


_shared: Portal | None = None
_shared_lock = threading.Lock()


def shared() -> Portal:
    """The portal of this process; made on first use, closed at exit."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Portal()
            atexit.register(_shared.close)
        return _shared
