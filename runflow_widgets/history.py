"""The runs on record: listed, filtered, taken up again."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import overload

from .errors import InputError
from .ledger import Entry, Ledger
from .running import Run, take_up
from .session import Session, current, opened


class RunTable(Sequence[Entry]):
    """Runs on record, the newest first; in a cell it is a table."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = tuple(entries)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> RunTable: ...
    def __getitem__(self, index: int | slice) -> Entry | RunTable:
        return RunTable(self._entries[index]) if isinstance(index, slice) else self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def total_usd(self) -> Decimal:
        """What these runs have cost."""
        return sum((entry.cost or Decimal(0) for entry in self._entries), Decimal(0))

    def _rows(self) -> list[tuple[str, ...]]:
        return [_row(entry) for entry in self._entries]

    def __repr__(self) -> str:
        if not self._entries:
            return "No runs on record."
        rows = [_HEADINGS, *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if not self._entries:
            return "<p>No runs on record.</p>"
        heading = "".join(f'<th style="text-align:left">{name}</th>' for name in _HEADINGS)
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{html.escape(cell)}</td>' for cell in row) + "</tr>"
            for row in self._rows()
        )
        return f"<table><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table>"


_HEADINGS = ("when", "model", "status", "took", "cost", "files", "key")


def _row(entry: Entry) -> tuple[str, ...]:
    when = entry.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if entry.created_at else ""
    took = f"{entry.duration_ms / 1000:.1f} s" if entry.duration_ms is not None else ""
    status = entry.status + (f" ({entry.failure_code})" if entry.failure_code else "")
    cost = f"${entry.cost}" if entry.cost is not None else ""
    return when, entry.model, status, took, cost, str(len(entry.files) or ""), entry.key


class Runs:
    """List runs by calling this; follow the open ones with `resume`.

    Example:
        >>> rf.runs(model="tag-removal", status="succeeded", limit=5)
        >>> rf.runs.resume()
    """

    def __call__(
        self,
        text: str | None = None,
        *,
        model: str | None = None,
        status: str | None = None,
        since: str | date | datetime | None = None,
        open_only: bool = False,
        limit: int = 50,
        session: Session | None = None,
    ) -> RunTable:
        """The runs on record that fit, the newest first, of every service this ledger knows.

        Args:
            text: Words that the inputs, the key or the id must hold.
            model: A whole id or a part of one.
            since: A day or a moment, also as text: `2026-11-21`.
            open_only: Only those that may still bring something.
        """
        # Looking is not connecting: without a session, the record is read all the same.
        session = session or opened()
        ledger = session.ledger if session is not None else Ledger()
        moment = _moment(since)
        return RunTable(
            ledger.find(model=model, status=status, text=text, since=moment, open_only=open_only, limit=limit)
        )

    def get(self, key_or_id: str, *, session: Session | None = None) -> Run:
        """One run of the record, by our key or the service's id; followed again if it is still open."""
        session = session or current()
        entry = session.ledger.get(key_or_id)
        if entry is None:
            raise InputError(f"No run {key_or_id!r} is on record.", advice="rf.runs() lists those that are.")
        return take_up(session, entry)

    def resume(self, *, session: Session | None = None) -> list[Run]:
        """Follow every run that is still open at the service we are connected to, and fetch what it made.

        Also those of which only our key is known, because the answer to their creation was lost.
        """
        session = session or current()
        entries = session.ledger.find(service=session.service, open_only=True, limit=10_000)
        return [take_up(session, entry) for entry in reversed(entries)]

    def __repr__(self) -> str:
        return repr(self())

    def _repr_html_(self) -> str:
        return self()._repr_html_()


def _moment(value: str | date | datetime | None) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InputError(
                f"since is {value!r}; it takes a day like 2026-11-21 or a moment.", field="since"
            ) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    return value.astimezone() if isinstance(value, datetime) else None
