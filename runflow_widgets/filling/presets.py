"""Presets of a model: inputs under a name, those of the catalogue and those a person keeps."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ..catalogue import Field, ModelSpec
from ..client import is_address, write_whole
from ..errors import InputError
from ..snippets import Named
from ..wire import Json
from .kept import SHORT_NAMES, kept_file, kept_values
from .preset_file import Enclosed, Stored, locked, parsed, read, text_of, write

_MOST_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class Preset:
    """Inputs under a name; `own` ones were kept by a person and can be dropped, `thumb` is a small picture (WebP).

    A picture among the values is an address, or the `Path` of a file on this machine.
    """

    name: str
    values: Json
    own: bool = False
    thumb: bytes = field(default=b"", repr=False)


def presets_of(spec: ModelSpec) -> list[Preset]:
    """The presets of a model: the examples of the catalogue, then a person's own.

    Raises:
        LedgerError: The person's own cannot be read. A damaged file has been set aside; the next call finds none.
    """
    return [*examples_of(spec), *(_own(spec, stored) for stored in read(spec.id))]


def examples_of(spec: ModelSpec) -> list[Preset]:
    """The presets that come with the catalogue; each has a name of its own."""
    found: list[Preset] = []
    for number, example in enumerate(spec.examples, start=1):
        if isinstance(values := example.get("input"), Mapping):
            title = str(example.get("title") or "").strip() or f"Example {number}"
            name = _free(title, [preset.name for preset in found])
            found.append(Preset(name, copy.deepcopy(dict(values))))
    return found


def keep_preset(spec: ModelSpec, name: str, values: Mapping[str, Any], thumb: bytes = b"") -> Preset:
    """Keep inputs under a name, in place of what was kept under it before; pictures from memory become files.

    Raises:
        InputError: The name cannot be one, or a value cannot be kept; `field` names it.
        LedgerError: The file of presets cannot be read or written.
    """
    stored = Stored(_checked(name), kept_values(spec, values), bytes(thumb))
    for path, value in _walk(stored.values):
        if isinstance(value, Named):
            raise InputError(
                f"{path} is the variable {value.name} of the notebook, which another kernel will not have.",
                field=path,
                advice="Pass its picture instead.",
            )
    with locked(spec.id):
        kept = read(spec.id)
        names = [one.name for one in kept]
        if stored.name in names:
            kept[names.index(stored.name)] = stored
        else:
            kept.append(stored)
        write(spec.id, kept)
    return _own(spec, stored)


def drop_preset(spec: ModelSpec, name: str) -> None:
    """Forget a preset of one's own.

    Raises:
        InputError: There is none of that name.
        LedgerError: The file of presets cannot be read or written.
    """
    with locked(spec.id):
        kept = read(spec.id)
        left = [one for one in kept if one.name != name]
        if len(left) == len(kept):
            names = ", ".join(one.name for one in kept) or "none"
            raise InputError(f"There is no preset {name!r} of your own for {spec.id}; there is {names}.", field="name")
        write(spec.id, left)


def export_presets(spec: ModelSpec, path: str | Path) -> Path:
    """Write one's own presets of a model into one file to hand on, with the pictures in it.

    Raises:
        InputError: There are none.
        LedgerError: They cannot be read.
        OutputError: The file cannot be written.
    """
    kept = read(spec.id)
    if not kept:
        raise InputError(f"There are no presets of your own for {spec.id}.", advice="Keep one first.")
    goal = Path(path).expanduser()
    write_whole(goal, text_of(spec.id, kept, enclose=True).encode())
    return goal


def import_presets(path: str | Path) -> list[Preset]:
    """Add the presets of an exported file to one's own; a name that is taken gets a number.

    Pictures in it are kept as files. What it only names by a path stays out: it lay on another machine.

    Raises:
        InputError: It is no file of presets.
        LedgerError: The own presets cannot be read or written.
    """
    source = Path(path).expanduser()
    try:
        model, found = parsed(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{source} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise InputError(f"{source.name} cannot be imported: {error}.", advice="Export the presets again.") from error
    added = [replace(one, name=_checked(one.name), values=_settled(one.values)) for one in found]
    with locked(model):
        kept = read(model)
        for number, one in enumerate(added):
            if one not in kept:
                added[number] = replace(one, name=_free(one.name, [other.name for other in kept]))
                kept.append(added[number])
        write(model, kept)
    return [_own(ModelSpec(model), one) for one in added]


# ---------------------------------------------------------------------- inside


def _own(spec: ModelSpec, stored: Stored) -> Preset:
    return Preset(stored.name, _trusted(spec.inputs, stored.values, SHORT_NAMES), own=True, thumb=stored.thumb)


def _checked(name: str) -> str:
    plain = name.strip()
    if not plain or len(plain) > _MOST_NAME or not plain.isprintable():
        raise InputError(
            f"A preset cannot be called {name[:100]!r}.",
            field="name",
            advice=f"A name has one line of 1 to {_MOST_NAME} characters.",
        )
    return plain


def _free(name: str, taken: Sequence[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name[: _MOST_NAME - 5]} ({number})", number + 1
    return free


def _walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    entries = (
        value.items()
        if isinstance(value, Mapping)
        else ((None, one) for one in value)
        if isinstance(value, list)
        else ()
    )
    for name, entry in entries:
        yield from _walk(entry, path if name is None else f"{path}.{name}".lstrip("."))


def _trusted(fields: tuple[Field, ...], values: Mapping[str, Any], also_media: frozenset[str] = frozenset()) -> Json:
    """The values without texts that would be taken for paths; we ourselves keep a path as one."""
    known = {entry.name: entry for entry in fields}
    trusted: Json = {}
    for name, value in values.items():
        entry = known.get(name)
        is_media = entry.is_media if entry is not None else name in also_media
        if is_media and isinstance(value, list):
            trusted[name] = [one for one in value if not _is_a_path_in_disguise(one)]
        elif entry is not None and entry.fields and isinstance(value, Mapping):
            trusted[name] = _trusted(entry.fields, value)
        elif not (is_media and _is_a_path_in_disguise(value)):
            trusted[name] = value
    return trusted


def _is_a_path_in_disguise(value: object) -> bool:
    return isinstance(value, str) and not is_address(value) and not value.startswith("data:")


#: Stands for what an imported preset must not bring along.
_LEFT_OUT: Final = object()


def _settled(value: Any) -> Any:
    """The values of an imported preset: what is enclosed becomes a file, what lies elsewhere stays out."""
    if isinstance(value, Enclosed):
        return kept_file(value)
    if isinstance(value, Mapping):
        entries = {name: _settled(entry) for name, entry in value.items()}
        return {name: entry for name, entry in entries.items() if entry is not _LEFT_OUT}
    if isinstance(value, list):
        return [settled for entry in value if (settled := _settled(entry)) is not _LEFT_OUT]
    return _LEFT_OUT if isinstance(value, Path) else value
