"""One input of a model: what it takes, and what is wrong with a value that it does not take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from ..wire import ASSET_SCHEME

KINDS: Final = ("image", "image_list", "file", "string", "integer", "float", "boolean", "json", "size")
MEDIA_KINDS: Final = frozenset({"image", "image_list", "file"})

Problem = tuple[str, str]

_MOST_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Field:
    """What one input is called and what it takes.

    `allowed` is a closed list: nothing else is taken. `suggested` is an open one: anything of the kind is.
    A kind nobody knows is kept as `type_code` and treated as JSON. `required` is None where no source says. What is
    `deprecated` is still taken, but is on its way out.

    Example:
        >>> Field("resolution", allowed=("1K", "2K")).check("8K")
        "Resolution is '8K'; it takes '1K' or '2K'."
    """

    name: str
    label: str = ""
    kind: str = "string"
    type_code: str = ""
    description: str = ""
    required: bool | None = None
    default: Any = None
    allowed: tuple[Any, ...] = ()
    suggested: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    fields: tuple[Field, ...] = ()
    featured: bool = False
    deprecated: bool = False
    order: int = 0
    basis: str = ""

    def __post_init__(self) -> None:
        # A frozen dataclass lets its own initialiser through this door only.
        if not self.label:
            text = self.name.replace("_", " ")
            object.__setattr__(self, "label", text[:1].upper() + text[1:])
        if not self.type_code:
            object.__setattr__(self, "type_code", "string" if self.kind == "size" else self.kind)

    @property
    def is_media(self) -> bool:
        """Whether it takes a picture or a file."""
        return self.kind in MEDIA_KINDS

    def check(self, value: object) -> str | None:
        """Say in one sentence what is wrong with a value and what would do; None if it is fine."""
        return next((sentence for _, sentence in self.problems(value)), None)

    def problems(self, value: object, *, strict: bool = False) -> Iterator[Problem]:
        """Everything wrong with a value, each with the path of the field it is about.

        With `strict`, names that a nested table does not list are a problem too.
        """
        if value is None:
            if self.required:
                yield self.name, f"{self.label} is missing; it takes {self.takes}."
            return
        sentence = _CHECKS.get(self.kind, _check_json)(self, value)
        if sentence:
            yield self.name, sentence
        elif self.fields and isinstance(value, Mapping):
            for path, nested in problems_of(self.fields, value, strict=strict):
                yield f"{self.name}.{path}", nested

    @property
    def takes(self) -> str:
        """What it takes, in words: "a whole number from 0 to 255"."""
        if self.allowed:
            return one_of(self.allowed)
        return _NOUNS.get(self.kind, "JSON") + _limits(self)


def problems_of(fields: Sequence[Field], values: Mapping[Any, Any], *, strict: bool) -> Iterator[Problem]:
    """Check an object against its fields; with `strict`, a name that is not listed is a problem too."""
    for field in fields:
        yield from field.problems(values.get(field.name), strict=strict)
    if strict:
        names = [field.name for field in fields]
        for name in values:
            if name not in names:
                yield str(name), unknown_name(str(name), names)


def unknown_name(name: str, names: Sequence[str]) -> str:
    """Say that an input does not exist, and which one may have been meant."""
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the inputs are {', '.join(names) or 'none'}."
    return f"There is no input {shown(name)}; {hint}"


def shown(value: object) -> str:
    """A value as it may stand in a sentence: short, and never an error of its own."""
    try:
        text = repr(value)
    except (ValueError, TypeError, AttributeError, RecursionError) as problem:
        # A number of ten thousand digits refuses to be written, and so do lists within lists within lists.
        return f"a {type(value).__name__} ({type(problem).__name__})"
    return text if len(text) <= 60 else f"{text[:56]}…{text[-1]}"


def one_of(choices: Sequence[Any]) -> str:
    """A closed list in words: "'1K', '2K' or '4K'"."""
    texts = [shown(choice) for choice in choices]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


_NOUNS: Final = {
    "image": "an image",
    "image_list": "a list of images",
    "file": "a file",
    "string": "text",
    "integer": "a whole number",
    "float": "a number",
    "boolean": "true or false",
    "json": "JSON",
    "size": "the name of a preset, or a width and a height",
}


def _limits(field: Field) -> str:
    for least, most, unit in (
        (field.minimum, field.maximum, ""),
        (field.min_length, field.max_length, " characters"),
        (field.min_items, field.max_items, " entries"),
    ):
        if least is not None and most is not None:
            return f" from {least} to {most}{unit}" if not unit else f" of {least} to {most}{unit}"
        if least is not None:
            return f" of at least {least}{unit}"
        if most is not None:
            return f" of at most {most}{unit}"
    return ""


def _wrong(field: Field, value: object) -> str:
    return f"{field.label} is {shown(value)}; it takes {field.takes}."


def _is_choice(value: object, choices: Sequence[Any]) -> bool:
    # True == 1 and 1 == 1.0 in Python, but "5", 5 and true are three different things on the wire.
    return any(type(value) is type(choice) and value == choice for choice in choices)


def _check_media(field: Field, value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return f"{field.label} is {shown(value)}; it takes an http(s) link, a data URI or {ASSET_SCHEME}…."
    if value.startswith(ASSET_SCHEME):
        return None if value != ASSET_SCHEME else f"{field.label} is {shown(value)}; the asset's id is missing."
    scheme, colon, rest = value.partition(":")
    if scheme.lower() in ("http", "https") and rest.startswith("//") and len(rest) > 2:
        return None
    if scheme.lower() == "data" and "," in rest:
        return None
    found = f"{scheme!r}" if colon and scheme.isalnum() and len(scheme) < 20 else shown(value)
    return f"{field.label}: a media address must use http(s), a data URI or {ASSET_SCHEME}…, got {found}."


def _check_media_list(field: Field, value: object) -> str | None:
    if not isinstance(value, list | tuple):
        return f"{field.label} is {shown(value)}; it takes a list, also for a single image."
    if not _within(len(value), field.min_items, field.max_items):
        return f"{field.label} has {len(value)} images; it takes {field.takes}."
    if field.required and not value:
        return f"{field.label} is empty; it takes at least one image."
    return next((sentence for entry in value if (sentence := _check_media(field, entry))), None)


def _check_string(field: Field, value: object) -> str | None:
    if not isinstance(value, str) or (field.allowed and not _is_choice(value, field.allowed)):
        return _wrong(field, value)
    if not _within(len(value), field.min_length, field.max_length):
        return f"{field.label} has {len(value)} characters; it takes {field.takes}."
    if field.required and not value.strip():
        return f"{field.label} is empty; it takes {field.takes}."
    return None


def _check_integer(field: Field, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return _wrong(field, value)
    return _check_range(field, value)


def _check_float(field: Field, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _wrong(field, value)
    if isinstance(value, float) and not math.isfinite(value):
        return _wrong(field, value)
    return _check_range(field, value)


def _check_range(field: Field, value: float) -> str | None:
    if field.allowed and not any(value == choice for choice in field.allowed if not isinstance(choice, str | bool)):
        return _wrong(field, value)
    return None if _within(value, field.minimum, field.maximum) else _wrong(field, value)


def _check_boolean(field: Field, value: object) -> str | None:
    return None if isinstance(value, bool) else _wrong(field, value)


def _check_size(field: Field, value: object) -> str | None:
    if isinstance(value, Mapping):
        sides = [value.get("width"), value.get("height")]
        if all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in sides):
            return None
        return f"{field.label} is {shown(value)}; as an object it needs a width and a height above 0."
    if isinstance(value, str) and value and (not field.allowed or value in field.allowed):
        return None
    presets = f"{one_of(field.allowed)}, " if field.allowed else "the name of a preset, "
    return f"{field.label} is {shown(value)}; it takes {presets}or an object with width and height."


def _check_json(field: Field, value: object) -> str | None:
    if field.fields and not isinstance(value, Mapping):
        return f"{field.label} is {shown(value)}; it takes an object with {', '.join(f.name for f in field.fields)}."
    if not is_json(value):
        return f"{field.label} is {shown(value)}; that cannot be written as JSON."
    if field.allowed:
        entries = value if isinstance(value, list | tuple) else [value]
        wrong = next((entry for entry in entries if not _is_choice(entry, field.allowed)), None)
        if wrong is not None:
            return f"{field.label} contains {shown(wrong)}; it takes {one_of(field.allowed)}."
    if isinstance(value, list | tuple) and not _within(len(value), field.min_items, field.max_items):
        return f"{field.label} has {len(value)} entries; it takes {field.takes}."
    return None


def is_json(value: object, depth: int = _MOST_DEPTH) -> bool:
    """Whether a value can travel as JSON as it stands."""
    if value is None or isinstance(value, str | bool | int):
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    if depth == 0:
        return False
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_json(entry, depth - 1) for key, entry in value.items())
    return isinstance(value, list | tuple) and all(is_json(entry, depth - 1) for entry in value)


def _within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


_CHECKS: Final[dict[str, Callable[[Field, object], str | None]]] = {
    "image": _check_media,
    "file": _check_media,
    "image_list": _check_media_list,
    "string": _check_string,
    "integer": _check_integer,
    "float": _check_float,
    "boolean": _check_boolean,
    "size": _check_size,
}
