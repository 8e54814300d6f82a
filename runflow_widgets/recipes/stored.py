"""A recipe as JSON, with a version, and read again from what a stranger may have written.

A picture that lies beside the recipe's file, or in a folder below, is named by its path from there; any other comes
along with its bytes. So a recipe can be handed on with its folder, and one from a stranger names no file elsewhere on
this machine.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..catalogue.field import shown
from ..client import write_whole
from ..errors import InputError
from ..filling.preset_file import Enclosed
from ..wire import Json
from .step import Of, Step

VERSION: Final = 1
_HEAD: Final = "runflow_widgets_recipe"
_FILE, _BYTES, _AS_IT_IS = "$file", "$bytes", "$as_it_is"
_SIGNS: Final = frozenset({_FILE, _BYTES, _AS_IT_IS})
#: Far more than a hundred steps with their pictures need.
_MOST_BYTES: Final = 500_000_000

Parts = tuple[str, tuple[str, ...], tuple[Step, ...]]


def document_of(name: str, inputs: Sequence[str], steps: Sequence[Step], folder: Path | None) -> Json:
    """What is written; with a folder, the files in it are named and not enclosed."""
    return {
        _HEAD: VERSION,
        "name": name,
        "inputs": list(inputs),
        "steps": [
            {
                "name": step.name,
                "model": step.model,
                "of": {field: of if isinstance(of, str) else list(of) for field, of in step.of.items()},
                "inputs": {field: _coded(value, step.name, folder) for field, value in step.inputs.items()},
            }
            for step in steps
        ],
    }


def text_of(document: Json) -> str:
    """A recipe's file."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> Path:
    """Write it whole or not at all."""
    write_whole(path, text.encode())
    return path


def load_text(path: Path) -> str:
    """The text of a recipe's file.

    Raises:
        InputError: It cannot be read.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path} is too large for a recipe.", field="path")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).", field="path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no recipe: it is not text.", field="path") from error


def parse(text: str, folder: Path | None) -> Parts:
    """The parts of a recipe; whether it could run is for the recipe to say.

    Raises:
        InputError: It is none, in one sentence.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, json.JSONDecodeError) else "it nests too deeply"
        raise _damaged(f"it is not JSON ({what})") from error
    if not isinstance(document, dict) or not _is_version(document.get(_HEAD)):
        raise _damaged("it is a file of another kind")
    if document[_HEAD] > VERSION:
        raise InputError(
            "This recipe was saved by a later version of runflow_widgets.",
            field=_HEAD,
            advice="Update the package to use it.",
        )
    match document:
        case {"name": str(name), "inputs": list(inputs), "steps": list(steps)} if all(
            isinstance(entry, str) for entry in inputs
        ):
            return name, tuple(inputs), tuple(_step(entry, number, folder) for number, entry in enumerate(steps, 1))
    raise _damaged("it has no name, no inputs or no steps")


def _is_version(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _damaged(why: str) -> InputError:
    return InputError(f"This is no recipe: {why}.", field="recipe")


def _step(entry: Any, number: int, folder: Path | None) -> Step:
    match entry:
        case {"name": str(name), "model": str(model), "of": dict(of), "inputs": dict(inputs)}:
            links = {field: _link(source, name) for field, source in of.items()}
            try:
                return Step(name, model, links, {field: _decoded(value, folder) for field, value in inputs.items()})
            except RecursionError:
                raise _damaged(f"step {shown(name)} nests too deeply") from None
            except InputError as error:
                raise InputError(f"Step {shown(name)}: {error.message}", field=f"{name}.inputs") from error
    raise _damaged(f"step {number} lacks its name, its model, its inputs or where they come from")


def _link(source: Any, name: str) -> Of:
    if isinstance(source, str):
        return source
    if isinstance(source, list) and source and all(isinstance(entry, str) for entry in source):
        return tuple(source)
    raise InputError(f"Step {shown(name)}: it takes a picture from {shown(source)}.", field=f"{name}.of")


# ---------------------------------------------------------------------- values


def _coded(value: Any, step: str, folder: Path | None) -> Any:
    if isinstance(value, Path):
        return _coded_file(value, step, folder)
    if isinstance(value, Enclosed):
        return {_BYTES: [value.name, base64.b64encode(value.data).decode()]}
    if isinstance(value, Mapping):
        coded = {name: _coded(entry, step, folder) for name, entry in value.items()}
        # An object of the user's that looks like one of our signs.
        return {_AS_IT_IS: coded} if len(coded) == 1 and coded.keys() <= _SIGNS else coded
    return [_coded(entry, step, folder) for entry in value] if isinstance(value, list) else value


def _coded_file(path: Path, step: str, folder: Path | None) -> Json:
    source = path.expanduser().absolute()
    if folder is not None and source.resolve().is_relative_to(folder.resolve()):
        inside = source.resolve().relative_to(folder.resolve()).as_posix()
        if not _elsewhere(inside):
            return {_FILE: inside}
    try:
        return {_BYTES: [path.name, base64.b64encode(source.read_bytes()).decode()]}
    except OSError as error:
        raise InputError(
            f"Step {shown(step)}: {path} cannot be read to be saved with the recipe ({error.strerror}).",
            field=f"{step}.inputs",
        ) from error


def _decoded(value: Any, folder: Path | None) -> Any:
    if isinstance(value, list):
        return [_decoded(entry, folder) for entry in value]
    match value:
        case {"$file": str(path)} if len(value) == 1:
            return _decoded_file(path, folder)
        case {"$bytes": [str(name), str(data)]} if len(value) == 1:
            try:
                return Enclosed(name, base64.b64decode(data, validate=True))
            except binascii.Error:
                raise InputError(f"the picture {shown(name)} in it is damaged.") from None
        case {"$as_it_is": dict(inner)} if len(value) == 1:
            return {name: _decoded(entry, folder) for name, entry in inner.items()}
        case dict():
            return {name: _decoded(entry, folder) for name, entry in value.items()}
    return value


def _decoded_file(path: str, folder: Path | None) -> Path:
    if folder is None:
        raise InputError(f"it names the file {shown(path)}, so it must be loaded from where it lies.")
    if _elsewhere(path) or not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise InputError(f"it names the file {shown(path)}, which lies outside of the recipe's folder.")
    return folder / path


def _elsewhere(path: str) -> bool:
    """Whether some system reads a path as one to another folder or drive, or cannot read it at all."""
    return "\\" in path or ":" in path or "\0" in path
