"""What was spent, summed up by day, month or model; billed and merely expected are never mixed."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, overload

from .errors import InputError
from .ledger import Bill

By = Literal["day", "month", "model"]
_FORMATS: Final = {"day": "%Y-%m-%d", "month": "%Y-%m"}


@dataclass(frozen=True, slots=True)
class Sum:
    """One line: `name` is a day, a month or a model."""

    name: str
    runs: int
    billed_usd: Decimal
    #: Of runs that are under way, or whose cost the service has not told.
    expected_usd: Decimal


class Spending(Sequence[Sum]):
    """Sums of what runs cost; in a cell it is a table. Runs that failed, and those computed here, are not in it."""

    def __init__(self, by: str, sums: Sequence[Sum]) -> None:
        self.by = by
        self._sums = tuple(sums)

    @overload
    def __getitem__(self, index: int) -> Sum: ...
    @overload
    def __getitem__(self, index: slice) -> Spending: ...
    def __getitem__(self, index: int | slice) -> Sum | Spending:
        return Spending(self.by, self._sums[index]) if isinstance(index, slice) else self._sums[index]

    def __len__(self) -> int:
        return len(self._sums)

    @property
    def billed_usd(self) -> Decimal:
        """What was billed, all together."""
        return sum((line.billed_usd for line in self._sums), Decimal(0))

    @property
    def expected_usd(self) -> Decimal:
        """What is still to come, all together."""
        return sum((line.expected_usd for line in self._sums), Decimal(0))

    def _rows(self) -> list[tuple[str, ...]]:
        total = Sum("total", sum(line.runs for line in self._sums), self.billed_usd, self.expected_usd)
        return [
            (line.name, str(line.runs), f"${line.billed_usd}", f"${line.expected_usd}" if line.expected_usd else "")
            for line in (*self._sums, total)
        ]

    def __repr__(self) -> str:
        if not self._sums:
            return "Nothing was spent."
        rows = [(self.by, "runs", "billed", "expected"), *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    def _repr_html_(self) -> str:
        if not self._sums:
            return "<p>Nothing was spent.</p>"
        heading = "".join(
            f'<th style="text-align:left">{name}</th>' for name in (self.by, "runs", "billed", "expected")
        )
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{html.escape(cell)}</td>' for cell in row) + "</tr>"
            for row in self._rows()
        )
        return f"<table><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table>"


def summed(bills: Iterable[Bill], by: By) -> Spending:
    """Sum up bills: days and months as the clock of this machine has them, the newest first; models, the dearest first.

    Raises:
        InputError: There are no sums by that.
    """
    if by not in ("day", "month", "model"):
        raise InputError(f"by is {by!r}; it takes 'day', 'month' or 'model'.", field="by")
    sums: dict[str, Sum] = {}
    for bill in bills:
        name = bill.model if by == "model" else bill.when.astimezone().strftime(_FORMATS[by]) if bill.when else ""
        before = sums.get(name, Sum(name, 0, Decimal(0), Decimal(0)))
        expected = (bill.expected_usd or Decimal(0)) if bill.cost_usd is None else Decimal(0)
        sums[name] = Sum(
            name,
            before.runs + 1,
            before.billed_usd + (bill.cost_usd or Decimal(0)),
            before.expected_usd + expected,
        )
    if by == "model":
        ordered = sorted(sums.values(), key=lambda line: (-line.billed_usd - line.expected_usd, line.name))
    else:
        ordered = sorted(sums.values(), key=lambda line: line.name, reverse=True)
    return Spending(by, ordered)
