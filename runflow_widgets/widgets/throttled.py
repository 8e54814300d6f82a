"""Telling a page of changes at a pace that it can follow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..portal import Portal


class Throttled:
    """Have something done now, or a moment later if it was done just before; the last call is never lost.

    Args:
        portal: On whose loop it is done.
        act: What is done.
        every_s: Told before each time how long to leave between two.
    """

    def __init__(self, portal: Portal, act: Callable[[], None], every_s: Callable[[], float]) -> None:
        self._portal, self._act, self._every_s = portal, act, every_s
        self._lock = threading.Lock()
        self._pending = False
        self._done_at = 0.0

    def soon(self) -> None:
        """Something has changed."""
        with self._lock:
            if self._pending:
                return
            self._pending = True
            wait_s = max(0.0, self._done_at + self._every_s() - time.monotonic())
        self._portal.soon(self._portal.loop.call_later, wait_s, self._do)

    def _do(self) -> None:
        with self._lock:
            self._pending = False
            self._done_at = time.monotonic()
        self._act()
