"""The file that the presets of one model are kept in: its form, its lock, and what to do when it is damaged.

In the file a picture is an address or, under `$file`, a path of this machine; in a file to hand on, it is there with
its bytes. A text that stands where a picture belongs and is no address was not written by us, and is left out: a
stranger's file must not name files of this machine.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..client import write_whole
from ..errors import LedgerError
from ..ledger import home
from ..wire import Json

VERSION: Final = 1
_HEAD: Final = "runflow_widgets_presets"
_FILE: Final = "$file"
_BYTES: Final = "$bytes"
_AS_IT_IS: Final = "$as_it_is"
_SIGNS: Final = frozenset({_FILE, _BYTES, _AS_IT_IS})
_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that lies within a file of presets, and is not on this machine yet."""

    name: str
    data: bytes = field(repr=False)

    def read_bytes(self) -> bytes:
        """Its content."""
        return self.data


@dataclass(frozen=True, slots=True)
class Stored:
    """One preset as it lies in the file."""

    name: str
    values: Json
    thumb: bytes = field(default=b"", repr=False)


def file_of(model: str) -> Path:
    """Where the presets of a model lie; the end of the name keeps two models apart that look alike."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", model).strip("-.")[:60]
    return home() / "presets" / f"{plain}-{hashlib.sha256(model.encode()).hexdigest()[:8]}.json"


@contextlib.contextmanager
def locked(model: str, wait_s: float = _WAIT_S) -> Iterator[None]:
    """Keep other kernels from changing the presets of a model meanwhile."""
    path = file_of(model).with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Of the locks in the standard library, SQLite's alone works everywhere and ends with its process.
        connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
        with contextlib.closing(connection):
            connection.execute("BEGIN IMMEDIATE")
            yield
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"The presets of {model} cannot be changed now ({error}).", advice="Try it again.") from error


def read(model: str) -> list[Stored]:
    """The presets of a model that are kept here.

    Raises:
        LedgerError: The file cannot be read. One that is damaged has been set aside, so that the next call finds none.
    """
    path = file_of(model)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise _set_aside(path, model, f"it is not text: {error.reason}") from error
    except OSError as error:
        raise LedgerError(
            f"The presets of {model} cannot be read ({error.strerror}).", advice=f"Look at {path}."
        ) from error
    try:
        return parsed(text)[1]
    except ValueError as error:
        raise _set_aside(path, model, str(error)) from error


def write(model: str, presets: Sequence[Stored]) -> None:
    """Replace the presets of a model; call it while they are `locked`."""
    write_whole(file_of(model), text_of(model, presets).encode())


def text_of(model: str, presets: Sequence[Stored], *, enclose: bool = False) -> str:
    """The file's text; with `enclose`, files come along with their bytes where they can be read."""
    entries = [
        {
            "name": preset.name,
            "values": _coded_entries(preset.values, _enclosed if enclose else _named),
            "thumb": base64.b64encode(preset.thumb).decode(),
        }
        for preset in presets
    ]
    return json.dumps({_HEAD: VERSION, "model": model, "presets": entries}, indent=1, allow_nan=False) + "\n"


def parsed(text: str) -> tuple[str, list[Stored]]:
    """The model and the presets in a file's text.

    Raises:
        ValueError: It is none of ours, or damaged.
        LedgerError: It was written by a later version.
    """
    try:
        return _parsed(json.loads(text))
    except RecursionError:
        raise ValueError("it nests too deeply") from None


def _parsed(document: Any) -> tuple[str, list[Stored]]:
    if not isinstance(document, dict) or not isinstance(document.get(_HEAD), int):
        raise ValueError("it is not a file of presets")
    if document[_HEAD] > VERSION:
        raise LedgerError(
            "These presets were kept by a later version of runflow_widgets.", advice="Update the package to use them."
        )
    model, entries = document.get("model"), document.get("presets")
    if not isinstance(model, str) or not isinstance(entries, list):
        raise ValueError("it names no model, or has no list of presets")
    return model, [_preset(entry) for entry in entries]


def _preset(entry: Any) -> Stored:
    match entry:
        case {"name": str(name), "values": dict(values), "thumb": str(thumb)}:
            try:
                return Stored(name, _decoded_entries(values), base64.b64decode(thumb, validate=True))
            except binascii.Error:
                raise ValueError(f"the preset {name[:60]!r} is damaged") from None
    raise ValueError("one of its presets has no name, no values or no picture")


def _set_aside(path: Path, model: str, reason: str) -> LedgerError:
    aside = path.with_name(f"{path.stem}.damaged-{time.time_ns()}{path.suffix}")
    try:
        path.rename(aside)
    except OSError as error:
        return LedgerError(
            f"The presets of {model} cannot be read ({reason}), and the file cannot be moved ({error.strerror}).",
            advice=f"Look at {path}.",
        )
    return LedgerError(
        f"The presets of {model} could not be read: {reason}.", advice=f"They were set aside as {aside}."
    )


# ---------------------------------------------------------------------- values


def _coded_entries(values: Mapping[str, Any], file: Callable[[Path], Json]) -> Json:
    return {name: _coded(entry, file) for name, entry in values.items()}


def _coded(value: Any, file: Callable[[Path], Json]) -> Any:
    if isinstance(value, Path):
        return file(value)
    if isinstance(value, Mapping):
        coded = _coded_entries(value, file)
        # An object of the user's that looks like one of our signs.
        return {_AS_IT_IS: coded} if len(coded) == 1 and coded.keys() <= _SIGNS else coded
    return [_coded(entry, file) for entry in value] if isinstance(value, list | tuple) else value


def _named(path: Path) -> Json:
    return {_FILE: str(path)}


def _enclosed(path: Path) -> Json:
    try:
        data = path.expanduser().read_bytes()
    except (OSError, RuntimeError):
        return _named(path)
    return {_BYTES: [path.name, base64.b64encode(data).decode()]}


def _decoded_entries(values: Mapping[str, Any]) -> Json:
    return {name: _decoded(entry) for name, entry in values.items()}


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(entry) for entry in value]
    match value:
        case {"$file": str(path)} if len(value) == 1:
            return Path(path)
        case {"$bytes": [str(name), str(data)]} if len(value) == 1:
            return Enclosed(name, base64.b64decode(data, validate=True))
        case {"$as_it_is": dict(inner)} if len(value) == 1:
            return _decoded_entries(inner)
        case dict():
            return _decoded_entries(value)
    return value
