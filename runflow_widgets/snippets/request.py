"""The run that code is written of: its model, its inputs, and what of them the service only takes in a zip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..catalogue import ModelSpec
from ..wire import Json, model_path
from .variables import File, with_files

#: Our short arguments for what a model takes inside a zip, with its own field and the name inside.
_IN_ZIP: Final = {
    "image": ("file_input", "photo"),
    "mask": ("file_mask", "mask"),
    "reference": ("file_reference", "reference"),
}
_SHORT: Final = {"image": "image_url", "mask": "mask_url", "reference": "reference_url"}


@dataclass(frozen=True, slots=True)
class Packed:
    """A picture that goes into the zip: the field that tells its name there, and that name."""

    field: str
    stem: str
    value: Any

    @property
    def name(self) -> str:
        """What it is called in the zip."""
        return self.stem + (self.value.ending if isinstance(self.value, File) and self.value.ending else ".png")

    @property
    def is_here(self) -> bool:
        """Whether it can be packed on this machine."""
        return isinstance(self.value, File) and self.value.can_be_written


@dataclass(frozen=True, slots=True)
class Request:
    """One run, ready to be written in any language.

    `given` is what `rf.run` takes; `body` is what the service takes, but for the pictures that must be `packed` first.
    """

    model: str
    url: str
    base_url: str
    given: Json
    body: Json
    packed: tuple[Packed, ...] = ()

    @property
    def can_pack(self) -> bool:
        """Whether everything for the zip is on this machine."""
        return all(part.is_here for part in self.packed)

    @classmethod
    def of(cls, model: str | ModelSpec, inputs: Mapping[str, Any], base_url: str) -> Request:
        """The run of a model with these inputs; an input of None is one that is left out."""
        model_id = model.id if isinstance(model, ModelSpec) else model
        given = {name: with_files(value, name) for name, value in inputs.items() if value is not None}
        own_names = _names_of(model, given)
        packed, body = _with_own_names(given, own_names)
        base_url = base_url.rstrip("/")
        return cls(model_id, base_url + model_path(model_id, "runs"), base_url, given, body, packed)


def _names_of(model: str | ModelSpec, given: Mapping[str, Any]) -> frozenset[str]:
    if isinstance(model, ModelSpec) and model.inputs:
        return frozenset(entry.name for entry in model.inputs)
    # Of a model that is only an id, the values must tell: a picture beside a mask is for a zip.
    own = frozenset(given.keys() - _SHORT.keys() - {"images"})
    zipped = frozenset(long for short, (long, _) in _IN_ZIP.items() if short in given)
    return own | ({"zip_url"} | zipped if "image" in given and len(zipped) > 1 else {*_SHORT.values(), "image_urls"})


def _with_own_names(given: Json, own: frozenset[str]) -> tuple[tuple[Packed, ...], Json]:
    """The inputs under the model's own names, and what of them goes into its zip; as `client.inputs` does it."""
    body = dict(given)
    if "zip_url" in own and "zip_url" not in body and "image" in body and "image" not in own:
        parts = [(*_IN_ZIP[short], body.pop(short)) for short in _IN_ZIP if short in body and _IN_ZIP[short][0] in own]
        return tuple(Packed(*part) for part in parts), body
    for short, long in _SHORT.items():
        if short in body and short not in own and long in own:
            body[long] = body.pop(short)
    for short in ("image", "images"):
        if short in body and short not in own and "image_urls" in own:
            pictures = body.pop(short)
            body["image_urls"] = pictures if isinstance(pictures, list) else [pictures]
    return (), body
