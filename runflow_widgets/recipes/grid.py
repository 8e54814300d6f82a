"""Pictures down, steps across: what has become of each, as plain HTML."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from ..errors import RunflowError
from ..many import Item
from ..many.item import NOT_SENT, WAITING
from ..many.table import ROWS

_ORDER: Final = ("done", "failed", "under way", WAITING, NOT_SENT)


class Row(Protocol):
    """One picture and its steps."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def steps(self) -> Mapping[str, Item]: ...  # noqa: D102
    @property
    def error(self) -> RunflowError | None: ...  # noqa: D102


def counted(rows: Sequence[Row]) -> str:
    """The counts of pictures as people read them: "of 50: 12 done, 1 failed, 37 waiting"."""
    found = Counter(_state(row) for row in rows)
    states = [f"{found[state]:,} {state}" for state in _ORDER if found[state]]
    return f"of {len(rows):,}: {', '.join(states) or 'none'}"


def _state(row: Row) -> str:
    items = row.steps.values()
    if row.error is not None:
        return "failed"
    if all(item.ok for item in items):
        return "done"
    if all(item.done for item in items):
        return NOT_SENT
    return WAITING if all(item.status == WAITING for item in items) else "under way"


def grid_html(title: str, diagram: str, rows: Sequence[Row]) -> str:
    """The title, the diagram and the first rows; whatever a file or a service says is text in it."""
    names = list(rows[0].steps) if rows else []
    heading = "".join(_cell("th", name) for name in ["", *names, ""])
    body = "".join(
        f"<tr>{_cell('td', row.name)}{''.join(_cell('td', _says(item)) for item in row.steps.values())}"
        f"{_cell('td', str(row.error or ''))}</tr>"
        for row in rows[:ROWS]
    )
    rest = f"<p>and {len(rows) - ROWS:,} more; .to_records() has all.</p>" if len(rows) > ROWS else ""
    table = f"<table><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table>"
    return f"<p>{html.escape(title)}</p>{diagram}{table}{rest}"


def _cell(kind: str, text: str) -> str:
    return f'<{kind} style="text-align:left">{html.escape(text)}</{kind}>'


def _says(item: Item) -> str:
    return f"{item.status} (reused)" if item.reused else item.status
