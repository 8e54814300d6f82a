"""How many runs are at work at once, where the number of those who do it may change."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Slots:
    """As many places as there are workers, taken with `async with` in the order of asking.

    Args:
        size: How many places there are; asked anew each time.
    """

    def __init__(self, size: Callable[[], int]) -> None:
        self._size = size
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def refresh(self) -> None:
        """Hand out the places that are free; to be called when there are more of them."""
        while self._waiting and self._taken < self._size():
            place = self._waiting.popleft()
            if not place.done():
                self._taken += 1
                place.set_result(None)

    async def __aenter__(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self.refresh()
        try:
            await place
        except asyncio.CancelledError:
            # It may have been handed a place and cancelled in the same moment.
            if place.done() and not place.cancelled():
                self._give_back()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._give_back()

    def _give_back(self) -> None:
        self._taken -= 1
        self.refresh()
