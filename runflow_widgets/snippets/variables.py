"""What code cannot spell out and names instead: files of this machine, and variables of the notebook."""

from __future__ import annotations

import keyword
import mimetypes
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..catalogue.field import is_json, shown
from ..errors import InputError
from ..images import extension_for, sniff_mime

_RECORDED: Final = re.compile(r"file:(?P<name>.*)#sha256=[0-9a-f]{64}", re.DOTALL)
_UNKNOWN: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Named:
    """A variable of the notebook, which stands in the values in place of the picture it holds.

    Example:
        >>> snippet("python", "runflow/tag-removal", {"image_url": Named("photo")}, base_url=DEFAULT_BASE_URL)
    """

    name: str

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or keyword.iskeyword(self.name):
            raise InputError(f"{shown(self.name)} cannot be the name of a variable.")


@dataclass(frozen=True, slots=True)
class File:
    """A file on this machine; `recorded` if only its name is known, and not where it lies."""

    path: Path
    recorded: bool = False

    @property
    def mime_type(self) -> str:
        """Its kind, by its first bytes where it can be read, else by its ending."""
        try:
            with self.path.expanduser().open("rb") as file:
                found = sniff_mime(file.read(64))
        except (OSError, RuntimeError, ValueError):
            found = _UNKNOWN
        # Python's own list has the newer kinds of picture only among the unofficial ones.
        return found if found != _UNKNOWN else mimetypes.guess_type(self.path.name, strict=False)[0] or _UNKNOWN

    @property
    def ending(self) -> str:
        """What a file of this kind is called, with the dot."""
        known = extension_for(self.mime_type)
        own = self.path.suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", self.path.suffix) else ""
        return f".{known}" if known != "bin" else own

    @property
    def address(self) -> str:
        """Where it lies, for a program that knows nothing of `~`."""
        try:
            return str(self.path.expanduser())
        except RuntimeError:
            return str(self.path)

    @property
    def can_be_written(self) -> bool:
        """Whether its name is text at all; on Linux it may be any bytes."""
        return not re.search("[\0\ud800-\udfff]", self.address)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the values where code names a variable."""

    variable: str


def with_files(value: Any, path: str = "") -> Any:
    """The values with a `File` wherever one is meant; what code cannot say is refused."""
    if isinstance(value, Path):
        return File(value)
    if isinstance(value, Named):
        return value
    if isinstance(value, str) and (recorded := _RECORDED.fullmatch(value)):
        # The name may be a stranger's; it must not lead anywhere but into the current folder.
        return File(Path(re.split(r"[/\\]", recorded["name"])[-1] or "file"), recorded=True)
    if isinstance(value, Mapping):
        return {str(name): with_files(entry, f"{path}.{name}".lstrip(".")) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [with_files(entry, path) for entry in value]
    if not is_json(value):
        raise InputError(f"{path} is {shown(value)}; code cannot spell that out.", field=path.partition(".")[0])
    # A member of an enumeration, or a number of NumPy's, would write itself with its class.
    plain = next((kind for kind in (bool, int, float, str) if isinstance(value, kind)), None)
    return str.__str__(value) if plain is str else plain(value) if plain is not None else None


class Variables:
    """The variables that code begins with, each with what it holds; no two have one name.

    Args:
        taken: Names that mean something in the language or in the code around.
        keep_names: A variable of the notebook is used under its own name, and need not be set.
    """

    def __init__(self, taken: Iterable[str], *, keep_names: bool) -> None:
        self._taken = set(taken)
        self._keep_names = keep_names
        self.files: dict[str, File] = {}
        self.missing: dict[str, Named | File] = {}

    def placed(self, name: str, value: Any) -> Any:
        """The value with every file and every variable of the notebook replaced by its `Place`."""
        if isinstance(value, File):
            return Place(self.add(name, value))
        if isinstance(value, Named):
            return Place(self._named(value))
        if isinstance(value, dict):
            return {inner: self.placed(f"{name}_{inner}", entry) for inner, entry in value.items()}
        if isinstance(value, list):
            return [self.placed(f"{name}_{index}", entry) for index, entry in enumerate(value, start=1)]
        return value

    def add(self, name: str, file: File) -> str:
        """A variable for a file, called after the input it is for."""
        variable = self.free(name)
        held = self.files if self._keep_names or file.can_be_written else self.missing
        held[variable] = file
        return variable

    def free(self, name: str) -> str:
        """A name that is not taken, and is from now on."""
        # Small letters only: PATH and HOME are a shell's own.
        plain = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "file"
        plain = plain if not plain[0].isdigit() else f"file_{plain}"
        number, variable = 2, plain
        while variable in self._taken:
            variable, number = f"{plain}_{number}", number + 1
        self._taken.add(variable)
        return variable

    def _named(self, value: Named) -> str:
        if self._keep_names:
            self.missing[value.name] = value
            return value.name
        known = next((variable for variable, held in self.missing.items() if held == value), None)
        if known is None:
            known = self.free(value.name)
            self.missing[known] = value
        return known


def names_in(value: Any) -> frozenset[str]:
    """The variables of the notebook that are meant somewhere in a value."""
    if isinstance(value, Named):
        return frozenset({value.name})
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return frozenset().union(*(names_in(entry) for entry in entries))
