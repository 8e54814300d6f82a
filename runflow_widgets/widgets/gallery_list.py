"""What the gallery lists: the runs that fit, those of them that are in sight, their small pictures one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from ..errors import RunflowError
from ..ledger import Ledger
from ..selection import Wanted
from ..spending import Spending, summed
from ..thumbnails import Thumbnails
from ..wire import CANCELLED, FAILED, SUCCEEDED, Json, read_money
from .background import Background
from .gallery_words import picture_of, row_of

#: No page shows more at once; a message that asks for more is mistaken.
MOST_IN_SIGHT: Final = 200
STATES: Final = {"done": SUCCEEDED, "failed": FAILED, "cancelled": CANCELLED}
PERIODS: Final = ("today", "week", "month")


class GalleryList:
    """Keeps the keys of the runs that fit, and sends the page what it sees of them.

    Args:
        ledger: The record.
        send: Sends the page a message with buffers; called from any thread.
        background: Where pictures are opened.
    """

    def __init__(self, ledger: Ledger, send: Callable[[Json, Sequence[bytes]], object], background: Background) -> None:
        self.ledger = ledger
        self.thumbnails = Thumbnails()
        self._send, self._background = send, background
        self._lock = threading.Lock()
        self._missing: dict[str, None] = {}
        self._hopeless: set[str] = set()
        self.keys: list[str] = []

    def find(self, search: str, filters: Mapping[str, Any]) -> int:
        """List the runs that fit; gives how many there are."""
        self.keys = self.ledger.keys(**wanted(search, filters))
        return len(self.keys)

    def look(self, first: int, last: int, have: Sequence[str]) -> None:
        """Send the rows from `first` up to `last`, with the small pictures that the page does not have yet."""
        first = max(0, first)
        keys = self.keys
        entries = self.ledger.entries(keys[first : min(last, first + MOST_IN_SIGHT)])
        rows, buffers, missing = [], list[bytes](), list[str]()
        for entry in entries:
            row = {**row_of(entry), "thumb": -1}
            if entry.key not in have and (path := picture_of(entry)) is not None:
                if (data := self.thumbnails.kept(path)) is not None:
                    row["thumb"] = len(buffers)
                    buffers.append(data)
                elif entry.key not in self._hopeless:
                    missing.append(entry.key)
            rows.append(row)
        self._send({"kind": "rows", "first": first, "rows": rows}, buffers)
        self._make(missing)

    def _make(self, keys: Sequence[str]) -> None:
        """Have small pictures made, those asked for last before the others."""
        if not keys:
            return
        with self._lock:
            idle = not self._missing
            self._missing = dict(list(dict.fromkeys([*keys, *self._missing]).items())[:MOST_IN_SIGHT])
        if idle:
            self._background.quietly(self._make_next)

    def _make_next(self) -> None:
        with self._lock:
            key = next(iter(self._missing), None)
        if key is None:
            return
        entry = self.ledger.get(key)
        path = picture_of(entry) if entry is not None else None
        try:
            data = self.thumbnails.make(path) if path is not None else b""
        except RunflowError:
            data = b""
        if not data:
            self._hopeless.add(key)
        self._send({"kind": "thumb", "key": key}, [data])
        with self._lock:
            self._missing.pop(key, None)
            more = bool(self._missing)
        if more:
            # One at a time, so that what somebody waits for comes in between.
            self._background.quietly(self._make_next)

    def stop(self) -> None:
        """Make no more small pictures."""
        with self._lock:
            self._missing = {}

    # ------------------------------------------------------------------ sums

    def totals(self) -> str:
        """What was spent today and this month, in a line."""
        midnight = _midnight()
        bills = self.ledger.bills(since=midnight.replace(day=1))
        today = summed([bill for bill in bills if bill.when is not None and bill.when >= midnight], "day")
        return f"Today {_sum(today)} · this month {_sum(summed(bills, 'month'))}"

    def by_model(self) -> list[list[str]]:
        """What was spent this month on each model: its name, the runs, the sum."""
        sums = summed(self.ledger.bills(since=_midnight().replace(day=1)), "model")
        return [
            [line.name, f"{line.runs} run{'s' * (line.runs != 1)}", _sum(sums[at : at + 1])]
            for at, line in enumerate(sums)
        ]


def wanted(search: str, filters: Mapping[str, Any]) -> Wanted:
    """What the page's search box and chips ask of the record; what it does not know it passes over."""
    asked: Wanted = {"text": search}
    if model := filters.get("model"):
        asked["model"] = str(model)
    state = filters.get("state")
    if state in STATES:
        asked["status"] = STATES[state]
    asked["open_only"] = state == "open"
    if filters.get("starred"):
        asked["starred"] = True
    if (period := filters.get("since")) in PERIODS:
        days = {"today": 0, "week": 6, "month": 29}[period]
        asked["since"] = _midnight() - timedelta(days=days)
    asked["least_usd"], asked["most_usd"] = (_amount(filters.get(name)) for name in ("least", "most"))
    return asked


def _midnight() -> datetime:
    return datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)


def _amount(value: Any) -> Decimal | None:
    return read_money(value)


def _sum(sums: Spending) -> str:
    expected = f" and ${sums.expected_usd:.2f} expected" if sums.expected_usd else ""
    return f"${sums.billed_usd:.2f}{expected}"
