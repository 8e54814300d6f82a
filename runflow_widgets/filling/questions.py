"""What a form asks for a model: its inputs in the order in which they are met, and the best way to ask for each."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from ..catalogue import Field, ModelSpec
from ..client import ZIPPED

#: From so many characters on, a text gets room for several lines.
_LONG_TEXT: Final = 200
_LONG_NAMES: Final = re.compile(r"prompt|text|description|caption|instruction", re.IGNORECASE)
_MASKS: Final = frozenset({"mask", "mask_url"})
_PICTURES: Final = ("image", "image_url", "image_urls", "images", "start_image_url")
#: What a seed may be: any of the services takes so many.
_MOST_SEED: Final = 2**31 - 1
#: A fold for one or two inputs hides more than it tidies.
_FEW: Final = 2


@dataclass(frozen=True, slots=True)
class Question:
    """One input, and how it is asked for.

    `ask` is one of: image, image_list, file, mask, text, long_text, choice, suggested, number, seed, switch, several,
    size, group, json. `inner` are the questions of a group. `is_first` tells those that stand outside the fold.
    """

    field: Field
    path: str
    ask: str
    inner: tuple[Question, ...] = ()
    is_first: bool = True

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.field.name

    @property
    def label(self) -> str:
        """What it is called, in words."""
        return self.field.label

    def throw_seed(self) -> int:
        """A seed that nobody has chosen, of those that the input takes."""
        most = self.field.maximum
        return secrets.randbelow(1 + (_MOST_SEED if most is None else int(min(most, _MOST_SEED))))

    def all(self) -> Iterator[Question]:
        """This question and those within it."""
        yield self
        for question in self.inner:
            yield from question.all()


def questions_of(spec: ModelSpec) -> tuple[Question, ...]:
    """What a form asks for a model: first what it needs, then the rest.

    A model that wants a zip of photo and mask is asked for photo and mask, and for a ready-made zip further down.
    """
    asked = list(_asked(spec))
    rest = [question for question in asked if not question.is_first]
    if len(rest) <= _FEW:
        rest, asked = [], [replace(question, is_first=True) for question in asked]
    return (*(question for question in asked if question.is_first), *rest)


def _asked(spec: ModelSpec) -> Iterator[Question]:
    short = takes_short_names(spec)
    if short:
        yield from short
    for field in spec.inputs:
        question = _question(field, "")
        of_zip = short and (field.name == "zip_url" or field.name in dict(ZIPPED.values()))
        # A ready-made zip does instead of photo and mask, so that it cannot be asked for with a star.
        yield replace(question, is_first=False, field=replace(field, required=None)) if of_zip else question


def takes_short_names(spec: ModelSpec) -> tuple[Question, ...]:
    """Photo, mask and reference of a model that takes them in a zip; empty for any other."""
    given = {field.name: field for field in spec.inputs}
    if not {"zip_url", ZIPPED["image"][0], ZIPPED["mask"][0]} <= set(given):
        return ()
    says = {
        "image": ("Photo", "The photo to work on."),
        "mask": ("Mask", "White where the model is to act, black where everything stays."),
        "reference": ("Reference", "What is to be put there."),
    }
    return tuple(
        Question(
            Field(
                short,
                label=says[short][0],
                kind="image",
                description=says[short][1],
                required=given[ZIPPED[short][0]].required,
            ),
            short,
            "mask" if short == "mask" else "image",
        )
        for short in ZIPPED
        if ZIPPED[short][0] in given
    )


def picture_of(questions: tuple[Question, ...]) -> Question | None:
    """The input for the picture that a model works on: what a mask is painted on."""
    found = {question.name: question for question in questions if question.ask in ("image", "image_list")}
    return next((found[name] for name in _PICTURES if name in found), next(iter(found.values()), None))


def _question(field: Field, within: str) -> Question:
    path = f"{within}.{field.name}" if within else field.name
    inner = tuple(_question(nested, path) for nested in field.fields)
    matters = field.featured or field.is_media or field.name == "prompt"
    first = bool(field.required or (matters and not field.deprecated))
    return Question(field, path, _ask(field), inner, first)


def _ask(field: Field) -> str:
    if field.fields and field.kind == "json":
        return "group"
    if field.name in _MASKS and field.kind == "image":
        return "mask"
    if field.kind in ("image", "image_list", "file", "size"):
        return field.kind
    if field.kind == "json":
        return "several" if field.allowed else "json"
    if field.allowed:
        return "choice"
    if field.kind == "boolean":
        return "switch"
    if field.kind in ("integer", "float"):
        return "seed" if field.kind == "integer" and field.name.lower().endswith("seed") else "number"
    if field.suggested:
        return "suggested"
    is_long = (field.max_length or 0) >= _LONG_TEXT or _LONG_NAMES.search(field.name)
    return "long_text" if is_long else "text"
