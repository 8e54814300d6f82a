"""Files on their way to a Dask cluster: each content is sent once, however many orders take it.

A content becomes tasks of the cluster whose results are its bytes. The scheduler keeps what such a task was made of, so
when the worker that holds the bytes is lost, they come from there and not from this machine again; the other workers
fetch them from one another.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: A content up to this size goes inside the order: a task of its own would cost more than it saves.
SMALL: Final = 32 * 1024
#: The scheduler's loop stands still while a message is read, so a large content goes in parts.
_PART: Final = 4 * 1024 * 1024
#: So much is left with the cluster for orders to come, when no order takes it at the moment.
_KEPT: Final = 64 * 1024 * 1024

#: What says that a task of the cluster is gone, with all that it made.
_GONE: Final = ("cancelled", "lost", "error")


@dataclass(slots=True)
class Content:
    """What was sent once: the tasks that hold it, and how many orders take it now."""

    parts: list[Any]
    size: int
    users: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """The files of one order: `packed` says for each what it is and which of the `parts` it is made of."""

    packed: dict[str, dict[str, Any]]
    parts: list[Any]


class DaskFiles:
    """The contents that the cluster has been sent.

    Args:
        submit: Makes a task of the cluster: a function, its argument, `key=`; gives its future.
        prefix: Sets the tasks of this kernel apart from those of others.
    """

    def __init__(self, submit: Callable[..., Any], prefix: str) -> None:
        self._submit = submit
        self._prefix = prefix
        self._contents: OrderedDict[str, Content] = OrderedDict()
        self._hashes: dict[tuple[str, int, int], str] = {}
        #: How many bytes have left this machine.
        self.sent = 0

    @asynccontextmanager
    async def load(self, files: Mapping[str, str], *, lasting: Iterable[str] = ()) -> AsyncIterator[Load]:
        """What an order needs, held with the cluster for as long as the order is under way.

        Args:
            files: The path of each.
            lasting: Which of them stay there until all is closed, and are read again only when they change.
        """
        packed: dict[str, dict[str, Any]] = {}
        parts: list[Any] = []
        taken: list[str] = []
        try:
            for name, path in files.items():
                entry, mine = await self._packed(Path(path), lasts=name in lasting)
                packed[name] = {**entry, "first": len(parts), "count": len(mine)}
                parts += mine
                if mine:
                    self._contents[entry["sha256"]].users += 1
                    taken.append(entry["sha256"])
            yield Load(packed, parts)
        finally:
            for sha256 in taken:
                if (content := self._contents.get(sha256)) is not None:
                    content.users -= 1
            self._trim()

    async def _packed(self, path: Path, *, lasts: bool) -> tuple[dict[str, Any], list[Any]]:
        entry: dict[str, Any] = {"suffix": path.suffix, "lasts": lasts, "data": None}
        stat = await asyncio.to_thread(path.stat)
        place = (str(path), stat.st_size, stat.st_mtime_ns)
        known = self._known(self._hashes.get(place))
        if known is None:
            data = await asyncio.to_thread(path.read_bytes)
            sha256 = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
            if lasts:
                self._hashes[place] = sha256
            elif len(data) <= SMALL:
                self.sent += len(data)
                return {**entry, "sha256": sha256, "data": data}, []
            known = sha256, self._known_or_sent(sha256, data, lasts=lasts)
        sha256, content = known
        return {**entry, "sha256": sha256}, content.parts

    def _known(self, sha256: str | None) -> tuple[str, Content] | None:
        content = self._contents.get(sha256) if sha256 else None
        if sha256 is None or content is None or any(part.status in _GONE for part in content.parts):
            return None
        self._contents.move_to_end(sha256)
        return sha256, content

    def _known_or_sent(self, sha256: str, data: bytes, *, lasts: bool) -> Content:
        known = self._known(sha256)
        if known is not None:
            return known[1]
        before = self._contents.get(sha256)
        # Without the number a content that was lost would be asked for under a key that the scheduler is forgetting.
        number = f"{self.sent:x}"
        parts = [
            self._submit(
                bytes, data[start : start + _PART], key=f"runflow-file-{self._prefix}-{sha256}-{number}-{start}"
            )
            for start in range(0, len(data), _PART)
        ]
        self.sent += len(data)
        content = self._contents[sha256] = Content(parts, len(data), before.users if before else int(lasts))
        return content

    def _trim(self) -> None:
        """Let go of what was used longest ago and is not in use."""
        total = sum(content.size for content in self._contents.values())
        for sha256, content in list(self._contents.items()):
            if total <= _KEPT:
                return
            if not content.users:
                # Its futures go with it, and with the last future the cluster forgets the bytes.
                del self._contents[sha256]
                total -= content.size

    def clear(self) -> None:
        """Let go of everything."""
        self._contents.clear()
