"""Waiting for many things that end one by one, in whichever way the cell likes: a loop, `await`, or a blocking call."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any, Generic, Self, TypeVar

from ..errors import ConfigError, RunTimeout
from ..portal import BEAT_S, Job
from ..session import Session
from ..watched import Watched

T = TypeVar("T")


class Waiting(Watched, ABC, Generic[T]):
    """Many things under way, and a job on the portal that is over when all of them are."""

    _session: Session
    _job: Job[None]
    #: The places of those that are over, in the order in which they were.
    _over: list[int]

    @property
    def done(self) -> bool:
        """Whether nothing more will come: every run is over, or was never sent."""
        return self._job.done

    @abstractmethod
    def _at(self, place: int) -> T:
        """The thing at a place, as it stands now."""

    @abstractmethod
    def _so_far(self) -> str:
        """What has become of them until now, in words."""

    @abstractmethod
    def _raise(self) -> None:
        """Raise what went wrong, if whoever started it wants that."""

    @abstractmethod
    def _interrupted(self) -> bool:
        """A wait was interrupted; tells whether the waiter should give the work a moment to clean up."""

    def __iter__(self) -> Iterator[T]:
        """Each item as soon as it is over; an interrupt sends nothing further."""
        seen = 0
        while True:
            over = self.done
            while seen < len(self._over):
                seen += 1
                yield self._at(self._over[seen - 1])
            if over:
                self._raise()
                return
            self._wait_for_more(seen)

    def _wait_for_more(self, seen: int) -> None:
        if self._session.portal.is_here:
            raise ConfigError("Results were waited for on the thread that makes them.", advice="Use watch() there.")
        # A bare lock: an interrupt between two steps of anything larger could leave it locked for ever.
        bell = threading.Lock()
        bell.acquire()

        def ring(_: object) -> None:
            if (len(self._over) > seen or self.done) and bell.locked():
                bell.release()

        unwatch = self.watch(ring)
        try:
            while len(self._over) == seen and not self.done:
                bell.acquire(timeout=BEAT_S)
        except KeyboardInterrupt:
            self._interrupted()
            raise
        finally:
            unwatch()

    async def __aiter__(self) -> AsyncIterator[T]:
        loop, changed, seen = asyncio.get_running_loop(), asyncio.Event(), 0
        unwatch = self.watch(lambda _: loop.call_soon_threadsafe(changed.set))
        try:
            while True:
                changed.clear()
                over = self.done
                while seen < len(self._over):
                    seen += 1
                    yield self._at(self._over[seen - 1])
                if over:
                    self._raise()
                    return
                # The beat lets an interrupt through while nothing happens.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), BEAT_S)
        except asyncio.CancelledError:
            self._interrupted()
            raise
        finally:
            unwatch()

    def __await__(self) -> Generator[Any, None, Self]:
        return self._wait().__await__()

    async def _wait(self) -> Self:
        await self._job
        self._raise()
        return self

    def result(self, timeout_s: float | None = None) -> Self:
        """Block until all is over; an interrupt sends nothing further, and what is finished stays.

        Raises:
            RunTimeout: The time is over. The runs go on.
            RunflowError: The first failure, if that was asked for with `on_error="raise"`.
        """
        try:
            self._job.result(timeout_s)
        except TimeoutError as error:
            raise RunTimeout(f"After {timeout_s:g} s, {self._so_far()}; the runs go on.") from error
        self._raise()
        return self
