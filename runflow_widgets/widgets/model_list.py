"""The list of models to choose from: searched, filtered, with its prices, by pointer or keyboard."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import traitlets as t

from ..catalogue import Catalogue, ModelSpec
from ..client import write_whole
from ..errors import InputError, OutputError
from ..ledger import home
from ..session import opened
from .own_widget import OwnWidget

_STATIC: Final = Path(__file__).parent / "static"
_MOST_RECENT: Final = 8


class ModelList(OwnWidget):
    """Models to choose from: `chosen` is the id, `value` the spec; `ModelPicker` adds the form of the chosen one."""

    _esm = _STATIC / "model_list.js"
    _css = _STATIC / "model_list.css"

    rows = t.List(t.Dict()).tag(sync=True)
    """Each model: id, name, maker, category, purpose, price in words and as a number, and what it takes and gives."""
    chosen = t.Unicode().tag(sync=True)
    """The id of the chosen model; empty if none is."""
    search = t.Unicode().tag(sync=True)
    """The words that are looked for."""
    filters = t.Dict().tag(sync=True)
    """What else is asked for: category, maker, output, most (in US dollars), here, mask, image, favourite."""
    order = t.Enum(("name", "price"), "name").tag(sync=True)
    """What the list is sorted by."""
    favourites = t.List(t.Unicode()).tag(sync=True)
    """Ids that were starred."""
    recent = t.List(t.Unicode()).tag(sync=True)
    """Ids that were chosen lately, the latest first."""

    value = t.Instance(ModelSpec, allow_none=True)
    """The chosen model, or None."""

    def __init__(self, models: Iterable[ModelSpec] | None = None, **options: Any) -> None:
        if models is None:
            session = opened()
            models = session.catalogue if session is not None else Catalogue.bundled()
        self._specs = {spec.id: spec for spec in models}
        kept = _kept()
        options.setdefault("favourites", kept["favourites"])
        options.setdefault("recent", kept["recent"])
        chosen = options.pop("chosen", "")
        super().__init__(rows=[_row(spec) for spec in self._specs.values()], **options)
        self.observe(self._keep, ["favourites", "recent"])
        self.chosen = chosen

    @t.validate("chosen")
    def _known(self, proposal: Any) -> str:
        chosen = str(proposal["value"])
        if chosen and chosen not in self._specs:
            raise InputError(f"There is no model {chosen!r} in this list.", advice="rf.models() lists what there is.")
        return chosen

    @t.observe("chosen")
    def _chose(self, change: Any) -> None:
        chosen = change["new"]
        self.value = self._specs.get(chosen)
        if chosen:
            self.recent = [chosen, *(one for one in self.recent if one != chosen)][:_MOST_RECENT]

    def _keep(self, _: object) -> None:
        # What is kept is a convenience: a full disk must not stop anybody from choosing.
        with contextlib.suppress(OutputError):
            _write({"favourites": list(self.favourites), "recent": list(self.recent)})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._specs)} models, {self.chosen or 'none'} chosen)"


def _row(spec: ModelSpec) -> dict[str, Any]:
    amount: Decimal | None = spec.price.amount
    return {
        "id": spec.id,
        "name": spec.name or spec.slug,
        "maker": spec.maker or spec.owner,
        "category": spec.category,
        "purpose": spec.purpose,
        "price": spec.price.text,
        "amount": None if amount is None else float(amount),
        "output": spec.output_kind,
        "here": spec.embedded,
        "mask": spec.takes_mask,
        "image": spec.takes_image,
        "featured": spec.featured,
    }


def _file() -> Path:
    return home() / "picker.json"


def _kept() -> dict[str, list[str]]:
    """What was kept; nothing if there is no file, or none that can be read."""
    try:
        kept = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    kept = kept if isinstance(kept, Mapping) else {}
    lists = {name: kept.get(name) for name in ("favourites", "recent")}
    return {name: [str(one) for one in found] if isinstance(found, list) else [] for name, found in lists.items()}


def _write(kept: Mapping[str, list[str]]) -> None:
    # Another kernel may read at the same moment.
    write_whole(_file(), json.dumps(kept).encode())
