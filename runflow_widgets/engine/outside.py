"""What the service needs of the world outside, and may be given in any way: fetching inputs and posting callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class OutsideError(Exception):
    """Something could not be fetched; the message is one sentence fit for the run's failure."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What lay behind an address."""

    data: bytes
    mime_type: str = ""


@dataclass(frozen=True, slots=True)
class PostAnswer:
    """What came back of a callback: a status, or else the error why there is none."""

    status: int | None
    body: str = ""
    error: str | None = None
    elapsed_ms: float = 0.0


class Outside(Protocol):
    """A way to reach other hosts, with whatever rules its maker finds right."""

    async def fetch(self, url: str, *, limit_bytes: int) -> Fetched:
        """Fetch an address; raises `OutsideError`."""
        ...

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostAnswer:
        """Post a callback; never raises for what the other side does."""
        ...
