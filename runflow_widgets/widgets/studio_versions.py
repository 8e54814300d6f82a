"""What the Studio has made of a photo: each picture with the one it was made from, kept on disk by name."""

from __future__ import annotations

import contextlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ..catalogue import Catalogue
from ..client import write_whole
from ..errors import InputError
from ..filling.kept import kept_file
from ..ledger import home
from ..snippets import Named, chained, step_name
from ..wire import Json

_MOST_UNDONE: Final = 50


@dataclass(frozen=True, slots=True)
class Version:
    """One picture: `parent` is the number of the version it was made from, None for a photo that was brought.

    `inputs` are those of the run that made it, without the picture itself, whose name is `slot`.
    """

    number: int
    path: Path
    label: str
    parent: int | None = None
    model: str = ""
    slot: str = ""
    inputs: Json = field(default_factory=dict)
    key: str = ""
    facts: str = ""

    @property
    def file_name(self) -> str:
        """What it is called beside the others."""
        plain = re.sub(r"\W+", "-", self.label, flags=re.ASCII).strip("-").lower() or "picture"
        return f"{self.number}-{plain}{self.path.suffix or '.png'}"


class Versions:
    """The versions of a Studio, in the order in which they came to be; every change can be taken back."""

    def __init__(self, versions: Sequence[Version] = ()) -> None:
        self.all: tuple[Version, ...] = tuple(versions)
        self._past: list[tuple[Version, ...]] = []
        self._most = max((version.number for version in versions), default=0)

    def __getitem__(self, number: int) -> Version:
        for version in self.all:
            if version.number == number:
                return version
        raise InputError(f"There is no version {number}.")

    def __contains__(self, number: int) -> bool:
        return any(version.number == number for version in self.all)

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._past)

    def photo(self, path: Path, label: str) -> Version:
        """The version of a picture that was brought; the same picture is one version."""
        known = next((version for version in self.all if version.path == path), None)
        return known or self.add(Version(0, path, label))

    def add(self, version: Version) -> Version:
        """Add a version; it gets the next number."""
        self._most += 1
        numbered = replace(version, number=self._most)
        self._set((*self.all, numbered))
        return numbered

    def drop(self, number: int) -> None:
        """Take a version out; what was made from it stays, and the file too."""
        gone = self[number]
        rest = (version for version in self.all if version.number != number)
        self._set(tuple(replace(v, parent=gone.parent) if v.parent == number else v for v in rest))

    def undo(self) -> None:
        """Take back the last change."""
        if self._past:
            self.all = self._past.pop()

    def _set(self, versions: tuple[Version, ...]) -> None:
        self._past = [*self._past, self.all][-_MOST_UNDONE:]
        self.all = versions

    def way_to(self, number: int) -> tuple[Version, ...]:
        """The versions from the photo to this one."""
        way = [self[number]]
        while way[-1].parent is not None and way[-1].parent in self:
            way.append(self[way[-1].parent])
        return tuple(reversed(way))

    # ------------------------------------------------------------------ as code, as files, as JSON

    def code(self, number: int, catalogue: Catalogue) -> str:
        """The Python that makes a version again from its photo."""
        first, *rest = self.way_to(number)
        steps = []
        for place, version in enumerate(rest):
            picture: Any = first.path if place == 0 else Named(step_name(place))
            inputs = _spelt(version.inputs)
            listed = version.slot.endswith("s") and version.slot != "sources"
            spec = catalogue.get(version.model) if version.model in catalogue else version.model
            steps.append((spec, {version.slot: [picture] if listed else picture, **inputs} if version.slot else inputs))
        return chained(steps)

    def packed(self, catalogue: Catalogue) -> bytes:
        """All versions in a zip, each newest one with the code that makes it."""
        buffer = io.BytesIO()
        parents = {version.parent for version in self.all}
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for version in self.all:
                with contextlib.suppress(OSError):
                    archive.writestr(version.file_name, version.path.read_bytes())
            for version in self.all:
                if version.model and version.number not in parents:
                    archive.writestr(f"{Path(version.file_name).stem}.py", self.code(version.number, catalogue))
        return buffer.getvalue()

    def as_json(self) -> list[Json]:
        """The versions as they are kept."""
        return [{**asdict(version), "path": str(version.path)} for version in self.all]

    @classmethod
    def from_json(cls, kept: object) -> Versions:
        """Versions that were kept; what cannot be read, or whose file is gone, is left out."""
        found = []
        for entry in kept if isinstance(kept, list) else []:
            with contextlib.suppress(TypeError, KeyError):
                version = Version(**{**entry, "path": Path(entry["path"])})
                if version.path.is_file():
                    found.append(version)
        numbers = {version.number for version in found}
        return cls([version if version.parent in numbers else replace(version, parent=None) for version in found])


@dataclass(frozen=True, slots=True)
class Begun:
    """What a run was started with: it may end after the kernel, and its result must find its photo all the same."""

    photo: Any
    slot: str
    values: Json

    def kept(self, key: str) -> Json:
        """What is written down of it."""
        photo = None if self.photo is None else kept_file(self.photo)
        is_file = isinstance(photo, Path)
        inputs = kept_inputs(self.values, self.slot)
        return {
            "key": key,
            "photo": str(photo) if photo else None,
            "file": is_file,
            "slot": self.slot,
            "inputs": inputs,
        }

    @classmethod
    def read(cls, kept: object) -> tuple[str, Begun]:
        """What was written down.

        Raises:
            InputError: It cannot be read.
        """
        try:
            known: Any = kept
            photo = Path(known["photo"]) if known["file"] else known["photo"]
            return str(known["key"]), cls(photo, str(known["slot"]), _spelt(dict(known["inputs"])))
        except (TypeError, KeyError, ValueError):
            raise InputError("A run that was under way cannot be read any more; rf.runs.resume() follows it.") from None


def kept_inputs(inputs: Mapping[str, Any], slot: str) -> Json:
    """The inputs of a run without its picture, as they can be kept: pictures as paths."""

    def plain(value: Any) -> Any:
        if value is None or isinstance(value, str | int | float | bool):
            return value
        if isinstance(value, Mapping):
            return {str(name): plain(entry) for name, entry in value.items()}
        if isinstance(value, list | tuple):
            return [plain(entry) for entry in value]
        kept = kept_file(value)
        return {"file": str(kept)} if isinstance(kept, Path) else kept

    return {name: plain(value) for name, value in inputs.items() if name != slot}


def _spelt(inputs: Json) -> Json:
    """Kept inputs as code has them: a kept file is a path again."""

    def spelt(value: Any) -> Any:
        if isinstance(value, Mapping):
            is_file = set(value) == {"file"} and isinstance(value["file"], str)
            return Path(value["file"]) if is_file else {name: spelt(entry) for name, entry in value.items()}
        return [spelt(entry) for entry in value] if isinstance(value, list) else value

    return {name: spelt(value) for name, value in inputs.items()}


def mask_of(version: Version) -> Path | None:
    """The mask that a version was made with."""
    mask = _spelt(version.inputs).get("mask") or _spelt(version.inputs).get("mask_url")
    return mask if isinstance(mask, Path) and mask.is_file() else None


# ---------------------------------------------------------------------- on disk


def _file(key: str) -> Path:
    plain = re.sub(r"[^\w.-]+", "_", key)[:80].strip(".") or "studio"
    return home() / "studio" / f"{plain}.json"


def read(key: str) -> Json:
    """What a Studio of this name has kept; nothing if there is none, or none that can be read."""
    try:
        kept = json.loads(_file(key).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def write(key: str, kept: Json) -> None:
    """Keep the state of a Studio."""
    # Another kernel may read at the same moment.
    write_whole(_file(key), json.dumps(kept).encode())
