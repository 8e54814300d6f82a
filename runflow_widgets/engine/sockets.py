"""Connections that nobody can hold for nothing: how many there are, and what is done with those that stand still.

uvicorn answers a request when its head has come, and sends what is to be sent as fast as it is taken. Whoever lets
the head drip, or takes nothing, keeps the connection for ever; a few thousand of these and nobody else gets one.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from .door import SLOWEST_BYTES_PER_S

_AT_ONCE: Final = struct.pack("ii", 1, 0)


def protocol(patience_s: float, max_connections: int) -> type[asyncio.Protocol]:
    """The class of the connections of one server.

    Args:
        patience_s: How long a connection may stand still: without a whole head, or with an answer that is not taken.
        max_connections: How many there may be at once; each address may have half of them.
    """
    present: Counter[str] = Counter()

    class Patient(_Patient):
        """A connection of this server."""

        crowd = present
        most = max_connections
        patience = patience_s

    return Patient


class _Patient(H11Protocol):
    crowd: Counter[str]
    most: int
    patience: float

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) else ""
        self.crowd[self._address] += 1
        self._idle_since = self.loop.time()
        self._left = 0
        self._drained = False
        self._watch: asyncio.TimerHandle | None = None
        if self.crowd[self._address] > self.most // 2 or self.crowd.total() > self.most:
            transport.abort()
        else:
            self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd[self._address] -= 1
        if not self.crowd[self._address]:
            del self.crowd[self._address]
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def resume_writing(self) -> None:
        self._drained = True
        super().resume_writing()

    def _look_later(self) -> None:
        self._watch = self.loop.call_later(self.patience / 2, self._look)

    def _look(self) -> None:
        left = self.transport.get_write_buffer_size()
        least = SLOWEST_BYTES_PER_S * self.patience / 2
        stuck = self._left > 0 and left > 0 and not self._drained and self._left - left < min(least, self._left)
        under_way = self.cycle is not None and not self.cycle.response_complete
        silent = not under_way and not left and self.loop.time() - self._idle_since > self.patience
        if stuck:
            # Or the system would keep what is left, and go on offering it.
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        if stuck or silent:
            self.transport.abort()
            return
        self._left, self._drained = left, False
        self._look_later()
