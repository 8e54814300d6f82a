"""Which runs of the record are asked for, said in SQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypedDict

from .wire import TERMINAL, write_time

#: The columns that words are looked for in.
_TEXTS: Final = "inputs || ' ' || model || ' ' || key || ' ' || coalesce(id, '')"
#: What is computed in this kernel costs nothing; what is not billed yet has no cost.
_COST: Final = "CASE service WHEN 'embedded' THEN 0.0 ELSE CAST(cost AS REAL) END"
IS_OPEN: Final = (
    f"(status NOT IN ({', '.join(repr(word) for word in sorted(TERMINAL))}) "
    "OR (status LIKE '%succeeded' AND coalesce(files, '') IN ('', '[]')))"
)


class Wanted(TypedDict, total=False):
    """What runs must be like; what is missing or None does not matter.

    `model` is a whole id or a part of one, `status` the service's word or several of them, `text` words that must all
    occur in the inputs, the model, the key or the id. `since` is within, `until` is not.
    """

    model: str | None
    status: str | Collection[str] | None
    service: str | None
    text: str | None
    input_hash: str | None
    since: datetime | None
    until: datetime | None
    least_usd: Decimal | None
    most_usd: Decimal | None
    starred: bool | None
    open_only: bool | None


def where(wanted: Wanted) -> tuple[str, list[Any]]:
    """The condition, and the values that stand for its question marks."""
    parts, values = ["1"], list[Any]()

    def add(part: str, *bound: Any) -> None:
        parts.append(part)
        values.extend(bound)

    if (status := wanted.get("status")) is not None:
        words = [status] if isinstance(status, str) else list(status)
        add(f"status IN ({', '.join('?' * len(words))})", *words)
    if (service := wanted.get("service")) is not None:
        add("service = ?", service)
    if (input_hash := wanted.get("input_hash")) is not None:
        add("input_hash = ?", input_hash)
    if (model := wanted.get("model")) is not None:
        add("instr(model, ?)", model)
    for word in (wanted.get("text") or "").split():
        # SQLite's own lower() knows the letters of English only.
        add(f"instr(folded({_TEXTS}), ?)", word.casefold())
    if (since := wanted.get("since")) is not None:
        add("created_at >= ?", write_time(since))
    if (until := wanted.get("until")) is not None:
        add("created_at < ?", write_time(until))
    if (least := wanted.get("least_usd")) is not None:
        add(f"{_COST} >= ?", float(least))
    if (most := wanted.get("most_usd")) is not None:
        add(f"{_COST} <= ?", float(most))
    if (starred := wanted.get("starred")) is not None:
        add("starred = '1'" if starred else "coalesce(starred, '') != '1'")
    if wanted.get("open_only"):
        add(IS_OPEN)
    return " AND ".join(parts), values
