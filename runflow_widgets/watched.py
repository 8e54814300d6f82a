"""What tells others when something of it has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger("runflow_widgets")


class Watched:
    """Something that changes on the portal's thread, and those who want to know."""

    def __init__(self) -> None:
        self._watchers: list[Callable[[Any], object]] = []

    def watch(self, callback: Callable[[Any], object]) -> Callable[[], None]:
        """Have a function called with this after each change, on the portal's thread.

        That is often: whoever draws should look at the clock first. Gives the way to stop it.
        """
        self._watchers.append(callback)

        def stop() -> None:
            if callback in self._watchers:
                self._watchers.remove(callback)

        return stop

    @property
    def _called(self) -> str:
        """What the log calls it."""
        return type(self).__name__

    def _tell(self) -> None:
        for callback in list(self._watchers):
            try:
                callback(self)
            except Exception:
                # Somebody else's code: what goes wrong in it must not end the runs that it watches.
                log.exception("a function that watches %s failed", self._called)
