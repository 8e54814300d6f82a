"""Reading our own stored model pages: one JSON file for each model, in `data/<owner>/<slug>.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from .field import Field
from .model import ModelSpec
from .price import Extra, Price

_PLAIN = (
    "name",
    "maker",
    "purpose",
    "category",
    "output_kind",
    "license",
    "updated",
    "completeness",
    "embedded",
    "featured",
)


@cache
def bundled_specs() -> tuple[ModelSpec, ...]:
    """All stored models by id; the files are read on the first call."""
    root = files(__package__).joinpath("data")
    specs = [read_spec(json.loads(page.read_text(encoding="utf-8"))) for page in _pages(root)]
    return tuple(sorted(specs, key=lambda spec: spec.id))


def _pages(folder: Traversable) -> Iterator[Traversable]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _pages(entry)
        elif entry.name.endswith(".json"):
            yield entry


def read_spec(page: Mapping[str, Any]) -> ModelSpec:
    """Read a stored page; it is ours, so a mistake in it is an error and not passed over."""
    return ModelSpec(
        id=page["id"],
        price=_read_price(page.get("price", {})),
        inputs=tuple(_read_field(entry, order) for order, entry in enumerate(page["inputs"])),
        outputs=tuple(_read_field(entry, order) for order, entry in enumerate(page["outputs"])),
        notes=tuple(page.get("notes", ())),
        examples=tuple(page.get("examples", ())),
        **{name: page[name] for name in _PLAIN if name in page},
    )


def _read_field(entry: Mapping[str, Any], order: int) -> Field:
    known = dict(entry)
    for name in ("allowed", "suggested"):
        known[name] = tuple(entry.get(name, ()))
    known["fields"] = tuple(_read_field(nested, place) for place, nested in enumerate(entry.get("fields", ())))
    return Field(order=order, **known)


def _read_price(page: Mapping[str, Any]) -> Price:
    extras = (Extra(e["field"], e["value"], Decimal(e["amount"])) for e in page.get("extras", ()))
    return Price(
        amount=Decimal(page["amount"]) if "amount" in page else None,
        unit=page.get("unit", ""),
        note=page.get("note", ""),
        holds_for=tuple((name, tuple(values)) for name, values in page.get("holds_for", {}).items()),
        extras=tuple(extras),
        further=Decimal(page["further"]) if "further" in page else None,
        at_least=page.get("at_least", False),
    )
