"""Many results in words: counts, rows, a table for a cell and for a data frame."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from typing import Final

from ..catalogue.price import money
from ..wire import Json
from .item import NOT_SENT, WAITING, Item

#: As many rows as a cell shows; all of them are in `to_records()`.
ROWS: Final = 20
_HEADINGS: Final = ("name", "status", "files", "cost", "")


def counts(items: Sequence[Item]) -> dict[str, int]:
    """How many are in which state, those that are over first; only states that occur."""
    found = Counter(_state(item) for item in items)
    order = ("done", "reused", "failed", "under way", WAITING, NOT_SENT)
    return {state: found[state] for state in order if found[state]}


def _state(item: Item) -> str:
    # First, for one that was not sent may have an error that says why.
    if item.status in (WAITING, NOT_SENT):
        return item.status
    if item.error is not None:
        return "failed"
    return "reused" if item.reused else "done" if item.done else "under way"


def counted(items: Sequence[Item]) -> str:
    """The counts as people read them: "of 50: 12 done, 1 failed, 37 waiting"."""
    return f"of {len(items):,}: " + (", ".join(f"{n:,} {state}" for state, n in counts(items).items()) or "none")


def stopped_words(count: int, where: str) -> str:
    """What becomes of the runs that are under way when nothing further is sent."""
    runs = f"{count} run{'' if count == 1 else 's'}"
    if where == "embedded":
        return f"Nothing further is sent; {runs} under way {'is' if count == 1 else 'are'} cancelled."
    return (
        f"Nothing further is sent. {runs} under way {'goes' if count == 1 else 'go'} on at the service and "
        f"{'is' if count == 1 else 'are'} billed; the results still land here."
    )


def record(item: Item, model: str) -> Json:
    """One item as a row of plain values."""
    return {
        "index": item.index,
        "name": item.name,
        "model": model,
        "status": item.status,
        "worker": item.worker,
        "reused": item.reused,
        "files": [str(output.path) for output in item.outputs],
        "cost_usd": None if item.cost is None else float(item.cost),
        "error": None if item.error is None else str(item.error),
        "key": item.key,
    }


def html_of(title: str, items: Sequence[Item]) -> str:
    """The title and the first rows; whatever a file or a service says is text in it."""
    heading = "".join(f'<th style="text-align:left">{name}</th>' for name in _HEADINGS)
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:left">{html.escape(cell)}</td>' for cell in _row(item)) + "</tr>"
        for item in items[:ROWS]
    )
    rest = f"<p>and {len(items) - ROWS:,} more; results.to_records() has all.</p>" if len(items) > ROWS else ""
    return f"<p>{html.escape(title)}</p><table><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _row(item: Item) -> tuple[str, ...]:
    status = f"{item.status} (reused)" if item.reused else item.status
    status = f"{status} by {item.worker}" if item.worker else status
    cost = "" if item.cost is None else money(item.cost)
    return item.name, status, ", ".join(output.name for output in item.outputs), cost, str(item.error or "")
