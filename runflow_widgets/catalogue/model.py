"""What is known of one model: what it takes, what it gives, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import InputError
from ..wire import ASSET_SCHEME, Json
from .field import Field, problems_of, shown
from .price import Price, Quote
from .show import Sheet, sheet_html, sheet_text

_MASK_NAMES = frozenset({"mask_url", "file_mask"})
_MAY_BE_EMPTY = ("description", "allowed", "suggested", "fields", "basis")
_MAY_BE_UNKNOWN = (
    "required",
    "default",
    "minimum",
    "maximum",
    "min_length",
    "max_length",
    "min_items",
    "max_items",
)
_PLACEHOLDERS: dict[str, Any] = {
    "image": f"{ASSET_SCHEME}your-image",
    "file": f"{ASSET_SCHEME}your-file",
    "image_list": [f"{ASSET_SCHEME}your-image"],
    "string": "…",
    "integer": 1,
    "float": 1.0,
    "boolean": False,
    "size": {"width": 1024, "height": 1024},
}


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model of the catalogue: shown in a cell, it tells its fields, its price and an example.

    `completeness` says how much of its inputs is known: complete, truncated, example-only, prose-only, from-sdk,
    from-code or none. `embedded` tells whether it also runs here, without a key.

    Example:
        >>> spec = Catalogue.bundled().get("runflow/product-isolation")
        >>> spec.check({"image_url": "runflow://assets/7", "aspect_ratio": "1:1"})
        {'resolution': "Resolution is missing; it takes '1K', '2K' or '4K'."}
        >>> spec.price_of({}).text
        '$0.27'
    """

    id: str
    name: str = ""
    maker: str = ""
    purpose: str = ""
    category: str = ""
    output_kind: str = "image"
    price: Price = field(default_factory=Price)
    license: str = ""
    updated: str = ""
    inputs: tuple[Field, ...] = ()
    outputs: tuple[Field, ...] = ()
    completeness: str = "none"
    notes: tuple[str, ...] = ()
    examples: tuple[Json, ...] = ()
    embedded: bool = False
    featured: bool = False

    @property
    def owner(self) -> str:
        """The first part of the id."""
        return self.id.partition("/")[0]

    @property
    def slug(self) -> str:
        """The id without its owner; it may have several parts."""
        return self.id.partition("/")[2]

    @property
    def takes_mask(self) -> bool:
        """Whether it acts inside a mask."""
        return any(entry.name in _MASK_NAMES for entry in self.inputs)

    @property
    def takes_image(self) -> bool:
        """Whether it works on a picture, be it one inside a zip."""
        return any(entry.is_media for entry in self.inputs)

    @property
    def is_complete(self) -> bool:
        """Whether all its inputs are known, so that any other is a mistake."""
        return self.completeness == "complete"

    def field(self, name: str) -> Field:
        """One input by its name; a nested one by its path, such as `config.aspect_ratio`."""
        found, rest = _find(self.inputs, name), ""
        if found is None:
            head, _, rest = name.partition(".")
            outer = _find(self.inputs, head)
            found = _find(outer.fields, rest) if outer else None
        if found is None:
            names = ", ".join(entry.name for entry in self.inputs)
            raise InputError(
                f"{self.id} has no input {shown(name)}; it has {names or 'none that are known'}.", field=name
            )
        return found

    def check(self, inputs: object) -> dict[str, str]:
        """What is wrong with these inputs: the path of each field that is, and a sentence; empty if nothing is."""
        if not isinstance(inputs, Mapping):
            return {"input": f"The inputs are {shown(inputs)}; they must be an object with a name for each value."}
        faults: dict[str, str] = {}
        for path, sentence in problems_of(self.inputs, inputs, strict=self.is_complete):
            faults.setdefault(path, sentence)
        return faults

    def price_of(self, inputs: Mapping[str, Any] | None = None) -> Quote:
        """What a run with these inputs costs: an exact price, a range, or "unknown"."""
        return self.price.quote(self.inputs, inputs or {})

    def example(self) -> Json:
        """Inputs to start from: the stored example, else the least that the model takes."""
        stored = self.examples[0].get("input") if self.examples else None
        if isinstance(stored, Mapping):
            return dict(stored)
        return {entry.name: _placeholder(entry) for entry in self.inputs if entry.required}

    def completed_by(self, older: ModelSpec) -> ModelSpec:
        """This spec, with what only an older one knows filled in."""
        keep = {
            name: getattr(older, name)
            for name in ("name", "maker", "purpose", "category", "license", "updated", "outputs", "notes", "examples")
            if not getattr(self, name)
        }
        inputs = tuple(_completed(entry, _find(older.inputs, entry.name)) for entry in self.inputs)
        return replace(
            self,
            **keep,
            output_kind=self.output_kind if self.outputs else older.output_kind,
            price=older.price if self.price.amount in (None, older.price.amount) else self.price,
            inputs=inputs or older.inputs,
            completeness=self.completeness if inputs else older.completeness,
            embedded=self.embedded or older.embedded,
            featured=self.featured or older.featured,
        )

    @property
    def sheet(self) -> Sheet:
        """What is shown of it in a cell, and its row in a table."""
        price = self.price.text + (f" ({self.price.note})" if self.price.note else "")
        facts = [price, f"by {self.maker or self.owner}"]
        facts += [f"license: {self.license}"] if self.license else []
        facts += [f"updated {self.updated}"] if self.updated else []
        facts.append("runs here without a key" if self.embedded else "needs a key")
        takes = [word for word, does in (("image", self.takes_image), ("mask", self.takes_mask)) if does]
        return Sheet(
            id=self.id,
            name=self.name,
            purpose=self.purpose,
            facts=tuple(facts),
            completeness=self.completeness,
            inputs=self.inputs,
            outputs=self.outputs,
            example=self.example(),
            notes=self.notes,
            row=(
                self.id,
                self.price.label or "unknown",
                " + ".join(takes) or ("text" if self.inputs else "?"),
                self.output_kind,
                "yes" if self.embedded else "",
                self.completeness,
            ),
        )

    def __repr__(self) -> str:
        return sheet_text(self.sheet)

    def _repr_html_(self) -> str:
        return sheet_html(self.sheet)


def _find(fields: tuple[Field, ...], name: str) -> Field | None:
    return next((entry for entry in fields if entry.name == name), None)


def _completed(entry: Field, older: Field | None) -> Field:
    if older is None or older.type_code != entry.type_code:
        return entry
    keep = {name: getattr(older, name) for name in _MAY_BE_EMPTY if not getattr(entry, name)}
    keep |= {name: getattr(older, name) for name in _MAY_BE_UNKNOWN if getattr(entry, name) is None}
    if entry.suggested or entry.allowed:
        # A list that is closed today and was open yesterday must not become both.
        keep.pop("allowed", None)
        keep.pop("suggested", None)
    return replace(entry, kind=older.kind, **keep)


def _placeholder(entry: Field) -> Any:
    if entry.default is not None:
        return entry.default
    if entry.allowed or entry.suggested:
        choice = (*entry.allowed, *entry.suggested)[0]
        return [choice] if entry.kind == "json" else choice
    if entry.fields:
        return {nested.name: _placeholder(nested) for nested in entry.fields if nested.required}
    if entry.kind in ("integer", "float") and entry.minimum is not None:
        return int(entry.minimum) if entry.kind == "integer" else entry.minimum
    text = _PLACEHOLDERS.get(entry.kind, {})
    return text * entry.min_length if entry.kind == "string" and entry.min_length else text
