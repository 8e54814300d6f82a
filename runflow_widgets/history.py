"""The runs on record: listed, filtered, taken up again."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import overload

from .errors import InputError
from .ledger import Entry, Ledger
from .local_copy import delete_copies
from .running import Run, take_up
from .session import Session, current, opened
from .spending import By, Spending, summed
from .wire import read_money


class RunRecords(Sequence[Entry]):
    """Runs on record, the newest first; in a cell it is a table."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = tuple(entries)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> RunRecords: ...
    def __getitem__(self, index: int | slice) -> Entry | RunRecords:
        return RunRecords(self._entries[index]) if isinstance(index, slice) else self._entries[index]

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
    files = "deleted" if entry.removed_at else str(len(entry.files) or "")
    return when, ("★ " if entry.starred else "") + entry.model, status, took, cost, files, entry.key


class Runs:
    """List runs by calling this; follow the open ones with `resume`.

    Example:
        >>> rf.runs(model="tag-removal", status="succeeded", limit=5)
        >>> rf.runs("red shirt", starred=True, least_usd="0.10")
        >>> rf.runs.spent(by="model", since="2026-11-01")
        >>> rf.runs.resume()
    """

    def __call__(
        self,
        text: str | None = None,
        *,
        model: str | None = None,
        status: str | Collection[str] | None = None,
        since: str | date | datetime | None = None,
        until: str | date | datetime | None = None,
        least_usd: float | str | Decimal | None = None,
        most_usd: float | str | Decimal | None = None,
        starred: bool | None = None,
        open_only: bool = False,
        limit: int = 50,
        session: Session | None = None,
    ) -> RunRecords:
        """The runs on record that fit, the newest first, of every service this ledger knows.

        Args:
            text: Words that the inputs, the model, the key or the id must hold.
            model: A whole id or a part of one.
            status: The service's word (`succeeded`, `failed`, …), or several.
            since: A day or a moment, also as text: `2026-11-21`.
            until: The same; a day is meant to its end.
            least_usd: What it must have cost at least; what was not billed yet has no cost.
            most_usd: What it may have cost at most; what ran here cost nothing.
            starred: Only those that have a star, or only those that have none.
            open_only: Only those that may still bring something.
        """
        return RunRecords(
            _ledger(session).find(
                model=model,
                status=status,
                text=text,
                since=_moment(since, "since"),
                until=_moment(until, "until"),
                least_usd=_amount(least_usd, "least_usd"),
                most_usd=_amount(most_usd, "most_usd"),
                starred=starred,
                open_only=open_only,
                limit=limit,
            )
        )

    def spent(
        self,
        by: By = "day",
        *,
        since: str | date | datetime | None = None,
        until: str | date | datetime | None = None,
        session: Session | None = None,
    ) -> Spending:
        """What was spent by `day`, `month` or `model`; deleting files changes nothing of it.

        Runs that failed are not billed, and those computed in a kernel cost nothing.
        """
        bills = _ledger(session).bills(since=_moment(since, "since"), until=_moment(until, "until"))
        return summed(bills, by)

    def star(self, key_or_id: str, *, starred: bool = True, session: Session | None = None) -> None:
        """Give a run a star, or take it away; `rf.runs(starred=True)` lists those that have one."""
        ledger = _ledger(session)
        ledger.update(_on_record(ledger, key_or_id).key, starred=starred)

    def delete_files(self, key_or_id: str, *, session: Session | None = None) -> None:
        """Delete a run's results from this machine; the run, its inputs and its cost stay on record.

        Only files that we brought home are deleted; those saved elsewhere stay.

        Raises:
            InputError: There is no such run, or it has no files here.
        """
        ledger = _ledger(session)
        delete_copies(ledger, _on_record(ledger, key_or_id))

    def get(self, key_or_id: str, *, session: Session | None = None) -> Run:
        """One run of the record, by our key or the service's id; followed again if it is still open."""
        session = session or current()
        return take_up(session, _on_record(session.ledger, key_or_id))

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


def _ledger(session: Session | None) -> Ledger:
    # Looking is not connecting: without a session, the record is read all the same.
    session = session or opened()
    return session.ledger if session is not None else Ledger()


def _on_record(ledger: Ledger, key_or_id: str) -> Entry:
    entry = ledger.get(key_or_id)
    if entry is None:
        raise InputError(f"No run {key_or_id!r} is on record.", advice="rf.runs() lists those that are.")
    return entry


def _moment(value: str | date | datetime | None, name: str) -> datetime | None:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise InputError(f"{name} is {value!r}; it takes a day like 2026-11-21 or a moment.", field=name) from None
        # 2026-11-21 is a day, 2026-11-21T00:00 the moment at which it begins.
        value = moment.date() if len(value) <= len("2026-11-21") else moment
    if isinstance(value, date) and not isinstance(value, datetime):
        day = value + timedelta(days=1) if name == "until" else value
        value = datetime(day.year, day.month, day.day)
    return value.astimezone() if isinstance(value, datetime) else None


def _amount(value: float | str | Decimal | None, name: str) -> Decimal | None:
    amount = read_money(value)
    if value is not None and amount is None:
        raise InputError(f"{name} is {value!r}; it takes an amount in US dollars.", field=name)
    return amount
