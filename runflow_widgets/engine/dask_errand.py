"""One order on its way through a Dask cluster: who has it, how far it is, whom it has cost."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from .workers import OnProgress, WorkFailed

#: An order that has cost so many workers is given up; so is one that the cluster drops so often.
ATTEMPTS: Final = 3


class Errand:
    """What is known of an order; it may be sent several times, and only the latest counts.

    Args:
        id: Its name among all orders.
        on_progress: Told each step.
    """

    def __init__(self, id: str, on_progress: OnProgress) -> None:  # noqa: A002  # that is what it is called everywhere
        self.id = id
        #: Where it is; None while no worker is known to have it.
        self.address: str | None = None
        self.lost_workers: list[str] = []
        self.remark = ""
        loop = asyncio.get_running_loop()
        #: Done once the worker that had it is gone; made anew with each sending.
        self.gone: asyncio.Future[None] = loop.create_future()
        #: Done, with an error as its result, once nothing more is to be expected.
        self.given_up: asyncio.Future[WorkFailed] = loop.create_future()
        self._on_progress = on_progress
        self._dropped = 0
        self._attempt = ""
        self._name = ""

    @property
    def is_hopeless(self) -> bool:
        """Whether it is no use to send it again."""
        return max(len(self.lost_workers), self._dropped) >= ATTEMPTS

    def sent(self, address: str | None) -> None:
        """It is on its way, to this worker or to whichever there will be."""
        self.address, self._attempt, self._name = address, "", address or ""
        self.gone = asyncio.get_running_loop().create_future()

    def begun(self, attempt: str, name: str, address: str) -> None:
        """A worker has taken it up."""
        if self.address not in (None, address):
            return  # one that has it no more
        self._attempt, self._name, self.address = attempt, name, address
        if self.lost_workers:
            self._on_progress(0.0, f"begun again by {called(name, address)}")

    def further(self, attempt: str, fraction: float, note: str) -> None:
        """It has come a step further; what an earlier attempt still has to say is not heard."""
        if attempt == self._attempt and not self.given_up.done():
            self._on_progress(fraction, note)

    def lost(self, address: str, *, expected: bool) -> None:
        """A worker is gone: perhaps the one who had it. One that was sent away did not fall over this order."""
        if address != self.address or self.gone.done():
            return
        if not expected:
            self.lost_workers.append(called(self._name, address))
        self.gone.set_result(None)

    def dropped(self, why: str) -> None:
        """The cluster, or the worker that was asked, does not do it."""
        self._dropped += 1
        self.remark = why

    def give_up(self, why: str) -> None:
        """Expect nothing more."""
        if not self.given_up.done():
            self.given_up.set_result(WorkFailed("WORKER_DIED", why))

    def failure(self) -> WorkFailed:
        """Why it came to nothing."""
        if self.lost_workers:
            return WorkFailed("WORKER_DIED", f"The workers that were at it were lost: {', '.join(self.lost_workers)}.")
        return WorkFailed("WORKER_DIED", self.remark)

    async def answer(self, future: Any) -> dict[str, Any] | None:
        """What the cluster says in the end; None if it dropped the order.

        Raises:
            WorkFailed: Something went wrong there that would go wrong again.
        """
        from distributed import KilledWorker

        try:
            told: dict[str, Any] = await future
        except Exception as error:
            # Whatever a cluster may raise: it ends this one order.
            if future.cancelled() or isinstance(error, KilledWorker | OSError):
                self.dropped(f"The Dask cluster dropped the work: {error}")
                return None
            raise WorkFailed(
                "MODEL_ERROR", f"The Dask cluster failed: {type(error).__name__}: {error}"[:500]
            ) from error
        return told


def called(name: str, address: str) -> str:
    """A worker as people read it."""
    return address if name == address else f"{name} at {address}"
