"""The service's own model record: written from a spec, and read into one, whatever it holds.

Reading never raises. A record comes from a service that changes without asking us, so whatever cannot be read is
left out, unknown keys are passed over and unknown kinds of input are kept as JSON.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from ..wire import MOST_NAME, Json, read_money, tame
from .field import KINDS, Field
from .model import ModelSpec
from .price import Extra, Price

#: What the record of the service has no place for travels under this key, and only between our own parts.
EXTENSION: Final = "runflow_widgets"

_KIND_OF_CODE: Final = {"array": "json", "number": "float", "object": "json", "enum": "string", "text": "string"}
_LIMITS: Final = {
    "minimum": "min",
    "maximum": "max",
    "min_length": "min_length",
    "max_length": "max_length",
    "min_items": "min_items",
    "max_items": "max_items",
}
_MOST_AMOUNT: Final = 10**9
#: Far more than any model has, and few enough for a form.
_MOST_FIELDS: Final = 300
_MOST_CHOICES: Final = 1000
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "runflow-widgets/models")


def record_id(*parts: str) -> str:
    """The uuid of a model or of a part of it; the same on every machine."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(parts)))


def to_record(spec: ModelSpec) -> Json:
    """Write a spec as the service writes a model."""
    has_day = len(spec.updated) == 10
    return {
        "id": record_id(spec.id),
        "model_creator_id": record_id(spec.owner),
        "slug": spec.slug,
        "name": spec.name,
        "description": spec.purpose,
        "category_code": spec.category,
        "status_code": "active",
        "license_code": spec.license or None,
        "price_label": spec.price.label or None,
        "pricing_note": spec.price.note or None,
        "is_public": True,
        "is_official": spec.owner == "runflow",
        "updated_at": f"{spec.updated}T00:00:00.000+00:00" if has_day else None,
        "model_creator": {"id": record_id(spec.owner), "slug": spec.owner, "display_name": spec.maker},
        "inputs": [{**_field_record(spec.id, entry), **_input_record(entry)} for entry in spec.inputs],
        "outputs": [_field_record(spec.id, entry) for entry in spec.outputs],
        EXTENSION: {
            "id": spec.id,
            "output_kind": spec.output_kind,
            "completeness": spec.completeness,
            "embedded": spec.embedded,
            "featured": spec.featured,
            "updated": spec.updated,
            "notes": list(spec.notes),
            "examples": [dict(example) for example in spec.examples],
            "price": _price_record(spec.price),
        },
    }


def _field_record(model_id: str, entry: Field) -> Json:
    attrs = _attrs(entry)
    return {
        "id": record_id(model_id, entry.name),
        "model_id": record_id(model_id),
        "name": entry.name,
        "display_name": entry.label,
        "description": entry.description,
        "variable_type_code": entry.type_code,
        "validator_code": ("options" if entry.allowed else "limits") if attrs else None,
        "validator_attrs": attrs,
        "sort_order": entry.order,
    }


def _input_record(entry: Field) -> Json:
    return {
        "is_required": entry.required,
        "default_value": {} if entry.default is None else entry.default,
        "is_featured": entry.featured,
    }


def _attrs(entry: Field) -> Json:
    attrs: Json = {code: value for name, code in _LIMITS.items() if (value := getattr(entry, name)) is not None}
    if entry.allowed:
        attrs["options"] = list(entry.allowed)
    if entry.suggested:
        attrs["suggested"] = list(entry.suggested)
    if entry.fields:
        attrs["fields"] = [{**_field_record("", nested), **_input_record(nested)} for nested in entry.fields]
    if entry.kind != _kind(entry.type_code):
        attrs["kind"] = entry.kind
    if entry.deprecated:
        attrs["deprecated"] = True
    if entry.basis:
        attrs["basis"] = entry.basis
    return attrs


def _price_record(price: Price) -> Json:
    return {
        "amount": None if price.amount is None else str(price.amount),
        "unit": price.unit,
        "note": price.note,
        "holds_for": [[name, list(values)] for name, values in price.holds_for],
        "extras": [{"field": e.field, "value": e.value, "amount": str(e.amount)} for e in price.extras],
        "further": None if price.further is None else str(price.further),
        "at_least": price.at_least,
    }


def from_record(record: object) -> ModelSpec:
    """Read a model of the service; never raises. Without a usable name the id is empty."""
    known = _mapping(record)
    ours = _mapping(known.get(EXTENSION))
    creator = _mapping(known.get("model_creator") or known.get("creator"))
    inputs = tuple(_read_fields(known.get("inputs")))
    outputs = tuple(_read_fields(known.get("outputs")))
    updated = _text(ours.get("updated")) or _text(known.get("updated_at"))[:10]
    return ModelSpec(
        id=_model_id(known, creator),
        name=_name(known.get("name")),
        maker=_name(creator.get("display_name")) or _name(creator.get("name")),
        purpose=_text(known.get("description")),
        category=_name(known.get("category_code")),
        output_kind=_name(ours.get("output_kind")) or _output_kind(known, outputs),
        price=_read_price(known, _mapping(ours.get("price"))),
        license=_name(known.get("license_code")),
        updated=updated[:MOST_NAME],
        inputs=inputs,
        outputs=outputs,
        completeness=_text(ours.get("completeness")) or ("complete" if inputs else "none"),
        notes=tuple(tame(note) for note in _list(ours.get("notes")) if isinstance(note, str)),
        examples=tuple(dict(entry) for entry in _list(ours.get("examples")) if isinstance(entry, Mapping)),
        embedded=ours.get("embedded") is True,
        featured=ours.get("featured") is True,
    )


def _model_id(known: Mapping[str, Any], creator: Mapping[str, Any]) -> str:
    owner, slug = _name(creator.get("slug")), _name(known.get("slug"))
    if (ours := _text(_mapping(known.get(EXTENSION)).get("id"))) and ours == f"{owner}/{slug}":
        return ours
    if owner and slug:
        return slug if slug.startswith(f"{owner}/") else f"{owner}/{slug}"
    return next((text for text in (slug, _text(known.get("id"))) if "/" in text), "")


def _output_kind(known: Mapping[str, Any], outputs: tuple[Field, ...]) -> str:
    codes = {entry.type_code for entry in outputs}
    about = f"{_text(known.get('category_code'))} {_text(known.get('slug'))}"
    return "video" if "video" in about or codes & {"video", "video_list"} else "image"


def _read_price(known: Mapping[str, Any], ours: Mapping[str, Any]) -> Price:
    note = _text(known.get("pricing_note"))
    label = _text(known.get("price_label"))
    price = Price.from_label(label, note) if label else Price.from_label(note)
    if not ours:
        return price
    return Price(
        amount=_amount(ours.get("amount")) if "amount" in ours else price.amount,
        unit=_text(ours.get("unit")) or price.unit,
        note=_text(ours.get("note")) or price.note,
        holds_for=tuple(_read_conditions(ours.get("holds_for"))),
        extras=tuple(_read_extras(ours.get("extras"))),
        further=_amount(ours.get("further")),
        at_least=ours.get("at_least") is True,
    )


def _read_conditions(value: object) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for entry in _list(value):
        pair = _list(entry)
        if len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], list):
            yield pair[0], tuple(pair[1])


def _read_extras(value: object) -> Iterator[Extra]:
    for entry in _list(value):
        known = _mapping(entry)
        amount = _amount(known.get("amount"))
        if amount is not None and _text(known.get("field")):
            yield Extra(known["field"], known.get("value"), amount)


def _read_fields(value: object, depth: int = 8) -> Iterator[Field]:
    """Read the inputs in the order of their `sort_order`; the depth keeps a record from nesting without end."""
    entries = [entry for entry in _list(value)[:_MOST_FIELDS] if isinstance(entry, Mapping) and _is_name(entry)]
    places = {id(entry): place for place, entry in enumerate(entries)}

    def order(entry: Mapping[str, Any]) -> int:
        wanted = _whole(entry.get("sort_order"))
        return places[id(entry)] if wanted is None else wanted

    for entry in sorted(entries, key=order):
        yield _read_field(entry, order(entry), depth)


def _read_field(entry: Mapping[str, Any], order: int, depth: int) -> Field:
    attrs = _mapping(entry.get("validator_attrs"))
    code = _name(entry.get("variable_type_code")) or "json"
    kind = _text(attrs.get("kind"))
    default, required = entry.get("default_value"), entry.get("is_required")
    limits: dict[str, Any] = {
        "minimum": _number(attrs.get("min")),
        "maximum": _number(attrs.get("max")),
        **{name: _whole(attrs.get(name)) for name in ("min_length", "max_length", "min_items", "max_items")},
    }
    return Field(
        name=entry["name"],
        label=_name(entry.get("display_name")),
        kind=kind if kind in KINDS else _kind(code),
        type_code=code,
        description=_text(entry.get("description")),
        required=required if isinstance(required, bool) else None,
        default=None if default == {} else default,
        allowed=tuple(_list(attrs.get("options") or attrs.get("enum"))[:_MOST_CHOICES]),
        suggested=tuple(_list(attrs.get("suggested"))[:_MOST_CHOICES]),
        fields=tuple(_read_fields(attrs.get("fields"), depth - 1)) if depth else (),
        featured=entry.get("is_featured") is True,
        deprecated=_is_deprecated(entry, attrs),
        order=order,
        basis=_text(attrs.get("basis")),
        **limits,
    )


def _is_deprecated(entry: Mapping[str, Any], attrs: Mapping[str, Any]) -> bool:
    """Whether an input is on its way out: by a mark, as JSON Schema has it, or by the first word about it."""
    marks = entry.get("is_deprecated"), entry.get("deprecated"), attrs.get("deprecated")
    return True in marks or _text(entry.get("description")).lstrip(" ([*").lower().startswith("deprecated")


def _kind(code: str) -> str:
    code = code.lower()
    return code if code in KINDS else _KIND_OF_CODE.get(code, "json")


def _is_name(entry: Mapping[str, Any]) -> bool:
    # What an input is called goes back to the service as it is, so it cannot be tamed; a strange one is left out.
    name = entry.get("name")
    return isinstance(name, str) and 0 < len(name) <= MOST_NAME and name.isprintable()


def _name(value: object) -> str:
    return " ".join(tame(value, MOST_NAME).split()) if isinstance(value, str) else ""


def _text(value: object) -> str:
    return tame(value) if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _amount(value: object) -> Decimal | None:
    amount = read_money(value)
    return amount if amount is not None and 0 <= amount <= _MOST_AMOUNT else None


def _number(value: object) -> float | None:
    # Beyond this nobody means a limit; it also leaves out NaN and numbers too long to be written in a sentence.
    sane = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e18
    return value if sane and isinstance(value, int | float) else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return number if isinstance(number, int) else None
