"""A widget's own thread for what takes a while: one thing after the other, and what goes wrong is said."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from ..errors import ConfigError, RunflowError
from ..portal import HAS_THREADS

S = TypeVar("S")
T = TypeVar("T")


class Background:
    """Does a widget's slow work in its order; the thread begins with the first of it.

    Args:
        busy: Told what is being done, and "" once it is over.
        failed: Told, in a sentence, why it came to nothing.
    """

    def __init__(self, busy: Callable[[str], None], failed: Callable[[str], None]) -> None:
        self._busy, self._failed = busy, failed
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def do(self, sentence: str, work: Callable[[], None]) -> Future[None]:
        """Do something, and say so while it lasts."""

        def go() -> None:
            self._busy(sentence)
            try:
                work()
            except RunflowError as error:
                self._failed(str(error))
            except Exception as error:  # the border of a background task: nobody else would ever hear of it
                self._failed(f"That went wrong: {type(error).__name__}: {error}")
            finally:
                self._busy("")

        return self.quietly(go)

    def quietly(self, work: Callable[[], T]) -> Future[T]:
        """Do something that nobody waits for."""
        if not HAS_THREADS:
            return _done_at_once(work)
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, thread_name_prefix="runflow-widget")
            try:
                return self._pool.submit(work)
            except RuntimeError:
                # Python is ending, and starts no thread any more: nobody would see what comes of it.
                given_up: Future[T] = Future()
                given_up.cancel()
                return given_up

    def close(self) -> None:
        """Finish what is under way."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True)


def map_all(function: Callable[[S], T], items: Iterable[S], *, most: int | None = None) -> list[T]:
    """What a function makes of each, in their order; on several threads where there are threads."""
    if not HAS_THREADS:
        return [function(item) for item in items]
    with ThreadPoolExecutor(most) as threads:
        return list(threads.map(function, items))


def _done_at_once(work: Callable[[], T]) -> Future[T]:
    done: Future[T] = Future()
    try:
        done.set_result(work())
    except Exception as error:  # a future keeps it for whoever asks, as a thread would
        done.set_exception(error)
    return done


def outcome(awaitable: Awaitable[T]) -> T:
    """What comes of something awaitable, on a loop and a thread of its own: the caller may be on a loop already."""

    async def finish() -> T:
        return await awaitable

    if not HAS_THREADS:
        if isinstance(awaitable, Coroutine):
            awaitable.close()
        raise ConfigError(
            "Python in the browser has one thread, so an address cannot be opened here.",
            advice="Give the picture itself, or its file.",
        )
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(finish())).result()
