"""One step of a recipe, and everything that can be wrong with it before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..catalogue import Catalogue, Field, ModelSpec
from ..catalogue.field import is_json, shown
from ..client import as_upload, gather, is_address, plain
from ..errors import InputError
from ..filling.kept import SHORT_NAMES, safe_name
from ..filling.preset_file import Enclosed
from ..images import encode_png
from ..session import opened
from ..settings import holds_a_key
from ..wire import Json

MOST_LETTERS: Final = 60

#: Where an input's picture comes from: one name, or several for an input that takes a list.
Of = str | tuple[str, ...]
#: What a model calls what we call `image`, `mask` and `reference`.
_SHORT: Final = {
    "images": "image",
    "image_url": "image",
    "image_urls": "image",
    "mask_url": "mask",
    "reference_url": "reference",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A model with the inputs that are the same for every picture, and where its pictures come from.

    `of` names, for each input that gets a picture, an input of the recipe or an earlier step.
    """

    name: str
    model: str
    of: Mapping[str, Of] = field(default_factory=dict)
    inputs: Json = field(default_factory=dict)

    @property
    def spec(self) -> ModelSpec:
        """What is known of its model."""
        return spec_of(self.model)

    @property
    def takes(self) -> tuple[str, ...]:
        """The inputs of the recipe and the steps that it takes pictures from, each once."""
        return tuple(dict.fromkeys(name for of in self.of.values() for name in ([of] if isinstance(of, str) else of)))


def spec_of(model: str) -> ModelSpec:
    """What is known of a model, here or by the service that is connected.

    Raises:
        InputError: There is no such model.
    """
    session = opened()
    return (session.catalogue if session is not None else _bundled()).get(model)


@cache
def _bundled() -> Catalogue:
    return Catalogue.bundled()


def ends_of(steps: Sequence[Step]) -> tuple[str, ...]:
    """The steps whose results no other takes."""
    taken = {name for step in steps for name in step.takes}
    return tuple(step.name for step in steps if step.name not in taken)


def folder_of(name: str) -> str:
    """The folder that a step's results are saved in; two steps never share one."""
    return safe_name(name)


def check_name(name: object, taken: Sequence[str], what: str) -> None:
    """Refuse a name that cannot stand in a text and for a folder, or is taken.

    Raises:
        InputError: In one sentence, naming the field.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > MOST_LETTERS or not name.isprintable():
        raise InputError(
            f"The name of {what} is {shown(name)}; it takes 1 to {MOST_LETTERS} letters on one line.", field="name"
        )
    same = next((other for other in taken if folder_of(other).casefold() == folder_of(name).casefold()), None)
    if same is not None:
        as_well = "" if same == name else f", and {same!r} would be the same as a folder"
        raise InputError(f"The name {name!r} is taken{as_well}.", field="name", advice=f"Give {what} another name.")


# ---------------------------------------------------------------------- what a step is given


def fixed(spec: ModelSpec, inputs: Mapping[str, Any]) -> Json:
    """Inputs that are the same for every picture as they are kept: plain values, paths, and pictures with their bytes.

    Raises:
        InputError: One is neither.
    """
    return {str(name): _fixed(spec, str(name), value) for name, value in inputs.items() if value is not None}


def _fixed(spec: ModelSpec, name: str, value: Any) -> Any:
    if takes_pictures(spec, name) and isinstance(value, list | tuple):
        return [_file(name, entry) for entry in value]
    return _file(name, value) if takes_pictures(spec, name) else plain(value)


def _file(name: str, value: Any) -> Any:
    if isinstance(value, Path | Enclosed) or is_address(value):
        return value
    if isinstance(value, str) and not value.startswith("data:"):
        return Path(value)
    try:
        upload = as_upload(value, picture=True)
    except InputError as error:
        raise InputError(f"{name}: {error.message}", field=name, advice=error.advice) from error
    return Enclosed(upload.filename, upload.data)


def takes_pictures(spec: ModelSpec, name: str) -> bool:
    """Whether an input of that name is for a picture or a file."""
    known = _field(spec, name)
    return known.is_media if known is not None else name in SHORT_NAMES


def _field(spec: ModelSpec, name: str) -> Field | None:
    return next((entry for entry in spec.inputs if entry.name == name), None)


# ---------------------------------------------------------------------- what may be wrong


def check_step(step: Step, inputs: Sequence[str], earlier: Mapping[str, Step], later: Sequence[str]) -> None:
    """Refuse a step that could not run.

    Raises:
        InputError: One sentence that names the step, and `field` as `step.field`.
    """
    try:
        spec = step.spec
        _check_sources(step, inputs, earlier, later)
        for name, of in step.of.items():
            _check_link(spec, step, name, of, earlier)
        _check_fixed(spec, step.inputs)
        gather(spec, {**_standing_in(spec, step.inputs), **{name: _stand_in(of) for name, of in step.of.items()}})
    except InputError as error:
        raise InputError(
            f"Step {shown(step.name)}: {error.message}", field=f"{step.name}.{error.field}", advice=error.advice
        ) from error


def check_circles(steps: Sequence[Step]) -> None:
    """Refuse steps that wait for one another; to say that they stand in the wrong order would mislead.

    Raises:
        InputError: It names them.
    """
    takes = {step.name: step.takes for step in steps}
    harmless: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path and len(path) > path.index(name) + 1:
            circle = " takes ".join(map(repr, [*path[path.index(name) :], name]))
            raise InputError(f"The steps go round in a circle: {circle}.", field=f"{name}.of")
        if name in harmless or name in path:
            return
        for source in takes.get(name, ()):
            visit(source, (*path, name))
        harmless.add(name)

    for step in steps:
        visit(step.name, ())


def _check_sources(step: Step, inputs: Sequence[str], earlier: Mapping[str, Step], later: Sequence[str]) -> None:
    if not step.takes:
        raise InputError("It takes no picture.", field="of", advice="Say where one comes from: of='image'.")
    known = [*inputs, *earlier]
    for name in step.takes:
        if name in known:
            continue
        if name == step.name:
            raise InputError("It takes its own result, and so would never begin.", field="of")
        if name in later:
            raise InputError(
                f"It takes the result of {name!r}, which comes later.", field="of", advice="List the steps in order."
            )
        close = get_close_matches(str(name), known, n=1)
        raise InputError(
            f"There is no step or input {shown(name)}.",
            field="of",
            advice=f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(map(repr, known))}.",
        )


def _check_link(spec: ModelSpec, step: Step, name: str, of: Of, earlier: Mapping[str, Step]) -> None:
    known = _field(spec, name)
    if known is not None and not known.is_media:
        raise InputError(f"{step.model}, {name}: it takes {known.takes}, and no picture.", field=name)
    twice = [other for other in step.inputs if _SHORT.get(other, other) == _SHORT.get(name, name)]
    if twice:
        raise InputError(f"{step.model}, {name}: it is given twice, as {twice[0]!r} and from {of!r}.", field=name)
    if not isinstance(of, str) and not _takes_several(spec, name):
        raise InputError(f"{step.model}, {name}: it takes one picture, not {len(of)}.", field=name)
    for source in step.takes:
        if source in earlier and earlier[source].spec.output_kind != "image":
            kind = earlier[source].spec.output_kind
            raise InputError(f"{step.model}, {name}: it takes a picture, but {source!r} makes a {kind}.", field=name)


def _takes_several(spec: ModelSpec, name: str) -> bool:
    names = ("image_urls",) if name in ("image", "images") else (name,)
    found = [entry for entry in spec.inputs if entry.name in names]
    return not spec.inputs or any(entry.kind == "image_list" for entry in found)


def _check_fixed(spec: ModelSpec, inputs: Mapping[str, Any]) -> None:
    for name, value in inputs.items():
        for entry in _leaves(value):
            if not isinstance(entry, Path | Enclosed) and not is_json(entry):
                raise InputError(f"{name} is {shown(value)}; that cannot be written as JSON.", field=name)
            if takes_pictures(spec, name) and isinstance(entry, str) and not _is_picture_text(entry):
                # A stranger's recipe must not name files of this machine; `then` makes a path of a text of one's own.
                raise InputError(f"{name} is {shown(entry)}; a recipe takes an address or a file here.", field=name)
            if isinstance(entry, str) and holds_a_key(entry):
                raise InputError(
                    f"{name} holds an API key, and a recipe is something to hand on.",
                    field=name,
                    advice="Leave it out; rf.connect knows the key.",
                )


def _is_picture_text(text: str) -> bool:
    return is_address(text) or text.startswith("data:")


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for entry in value.values() for leaf in _leaves(entry)]
    return [leaf for entry in value for leaf in _leaves(entry)] if isinstance(value, list) else [value]


@cache
def _pixels() -> bytes:
    """The smallest picture that is a mask too: one pixel marks, one keeps."""
    from PIL import Image

    picture = Image.new("L", (2, 1))
    picture.putpixel((0, 0), 255)
    return encode_png(picture)


def _stand_in(of: Of) -> Any:
    return _pixels() if isinstance(of, str) else [_pixels()] * len(of)


def _standing_in(spec: ModelSpec, inputs: Mapping[str, Any]) -> Json:
    """The fixed inputs with something for each file, which need not be on this machine yet."""

    def replaced(value: Any) -> Any:
        if isinstance(value, list):
            return [replaced(entry) for entry in value]
        return _pixels() if isinstance(value, Path | Enclosed) else value

    return {name: replaced(value) if takes_pictures(spec, name) else value for name, value in inputs.items()}
