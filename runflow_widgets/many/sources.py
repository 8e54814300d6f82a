"""From what a person has, a folder or a table, to a name and the inputs of each run; nothing is read yet."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

from ..catalogue import ModelSpec
from ..client import is_address
from ..errors import InputError
from ..filling import picture_of, questions_of
from ..images import is_image_like
from ..images.kinds import IMAGE_ENDINGS
from ..result import Output
from ..running import Run
from ..wire import Asset, Json
from .item import Item

#: What `gather` knows under the short name `image`.
_SHORT: Final = frozenset({"image", "image_url", "image_urls", "zip_url"})
Source = tuple[str, Json]


def sources_of(spec: ModelSpec, inputs: Any, common: Mapping[str, Any]) -> list[Source]:
    """The name and the inputs of each run.

    Raises:
        InputError: There is nothing to run, or it is of no kind that is taken.
    """
    entries, names = _entries(inputs)
    if not entries:
        raise InputError("There is nothing to run: the list of inputs is empty.", field="inputs")
    width = len(str(len(entries)))
    given = [{**common, **_inputs_of(spec, entry)} for entry in entries]
    return [
        (names[place] if names else _name_of(entry) or f"{place + 1:0{width}d}", given[place])
        for place, entry in enumerate(entries)
    ]


def picture_name(spec: ModelSpec) -> str:
    """The input that a single picture is for.

    Raises:
        InputError: The model takes none.
    """
    names = {entry.name for entry in spec.inputs}
    if not names or names & _SHORT:
        return "image"
    found = picture_of(questions_of(spec))
    if found is None:
        raise InputError(
            f"{spec.id} takes no picture.", field="inputs", advice='Pass dicts of its inputs: [{"prompt": "…"}, …].'
        )
    return found.path


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts `photo 9` before `photo 10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in re.split(r"(\d+)", name)]


def _entries(inputs: Any) -> tuple[list[Any], list[str]]:
    """What is listed, and the names where the list itself has them."""
    if isinstance(inputs, str | Path):
        return _files(inputs), []
    if callable(to_dict := getattr(inputs, "to_dict", None)):
        rows = [_cells(row) for row in to_dict("records")]
        return rows, [str(label) for label in getattr(inputs, "index", range(1, len(rows) + 1))]
    if isinstance(inputs, Mapping):
        raise InputError(
            "The inputs are a single dict; many are wanted.", field="inputs", advice="Pass a list: [{…}, {…}]."
        )
    if isinstance(inputs, Run | Output | Asset) or is_image_like(inputs):
        return [inputs], []
    if not isinstance(inputs, Iterable):
        raise InputError(
            f"The inputs are of type {type(inputs).__name__}.",
            field="inputs",
            advice="Pass a folder, a glob, a list of pictures or of dicts, a table, or earlier results.",
        )
    return list(inputs), []


def _files(given: str | Path) -> list[Any]:
    text = str(given)
    if is_address(text) or text.startswith("data:"):
        return [text]
    path = Path(given).expanduser()
    try:
        if path.is_dir():
            inside = (entry for entry in path.iterdir() if not entry.name.startswith("."))
            files = [entry for entry in inside if _is_picture(entry)]
        elif path.is_file():
            return [path]
        else:
            files = [Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file()]  # noqa: PTH207  # a whole path, also one that begins at the root
    except OSError as error:
        raise InputError(f"{text} cannot be read ({error.strerror}).", field="inputs") from error
    if not files:
        raise InputError(
            f"There is no picture in {text}.",
            field="inputs",
            advice="Pass a folder with pictures in it, or a glob such as 'photos/**/*.jpg'.",
        )
    return sorted(files, key=lambda entry: natural(str(entry)))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower().lstrip(".") in IMAGE_ENDINGS and path.is_file()


def _cells(row: Mapping[Any, Any]) -> Json:
    # In a column with a gap, pandas makes whole numbers fractions.
    return {
        str(name): int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in row.items()
        if not _is_gap(value)
    }


def _is_gap(value: Any) -> bool:
    # An empty cell of a table is a number that is not equal to itself, or one of the types that pandas has for it.
    return (
        value is None or (isinstance(value, float) and value != value) or type(value).__name__ in ("NAType", "NaTType")
    )


def _inputs_of(spec: ModelSpec, entry: Any) -> Json:
    if isinstance(entry, Item):
        if not entry.outputs:
            raise InputError(f"{entry.name} has no result; it is {entry.status}.", field="inputs")
        entry = entry.outputs[0]
    return dict(entry) if isinstance(entry, Mapping) else {picture_name(spec): entry}


def _name_of(entry: Any) -> str:
    """The stem of a file or an address; of a dict, that of the first one in it."""
    if isinstance(entry, Mapping):
        named = (value for value in entry.values() if isinstance(value, Path) or _names_a_picture(value))
        entry = next(named, None)
    if isinstance(entry, Item):
        return entry.name
    if isinstance(entry, Path):
        return entry.stem
    if isinstance(entry, str) and is_address(entry):
        return PurePosixPath(urlsplit(entry).path).stem
    return Path(entry).stem if isinstance(entry, str) and not entry.startswith("data:") else ""


def _names_a_picture(value: object) -> bool:
    return isinstance(value, str) and len(value) < 1000 and value.rpartition(".")[2].lower() in IMAGE_ENDINGS
