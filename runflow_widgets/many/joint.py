"""What several maps that belong together share: how many runs are under way, which are taken, and a stop."""

from __future__ import annotations

import asyncio
import threading

from ..catalogue import ModelSpec
from ..session import Session
from .reuse import Known


class Joint:
    """One limit, one stop, and one view of the record for all the maps that are given it."""

    def __init__(self, session: Session, concurrency: int) -> None:
        self._session = session
        self.slots = asyncio.Semaphore(concurrency)
        #: Set once nothing further is to be sent.
        self.halt = threading.Event()
        self._known: dict[str, Known] = {}

    def known(self, spec: ModelSpec) -> Known:
        """The runs of a model that are on record; no two maps take the same."""
        return self._known.setdefault(spec.id, Known(self._session, spec))
