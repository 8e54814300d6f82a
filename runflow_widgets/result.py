"""What a run made: files on disk that open as pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .client import SavedOutput
from .errors import OutputError
from .images import encode_png, open_image, sniff_mime, thumbnail

if TYPE_CHECKING:
    from PIL import Image

THUMBNAIL_PX = 256


@dataclass(frozen=True, slots=True)
class Output:
    """One result of a run, on disk; shown in a cell it is the picture.

    Example:
        >>> output = run.outputs[0]
        >>> output.path.name, output.image.size
        ('01.png', (1024, 1024))
    """

    path: Path
    mime_type: str
    kind: str = "image"

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def read_bytes(self) -> bytes:
        """The file, as it was delivered."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise OutputError(
                f"{self.path} is gone ({error.strerror}).", advice="rf.runs.resume() fetches it again while it is kept."
            ) from error

    @property
    def image(self) -> Image.Image:
        """The result as a Pillow picture."""
        if self.kind != "image":
            raise OutputError(
                f"{self.path.name} is {self.mime_type}, not a picture.", advice="Use .path or .read_bytes()."
            )
        return open_image(self.read_bytes())

    def save(self, target: str | Path) -> Path:
        """Copy the file to a path, or into a folder under its own name; nothing is overwritten."""
        goal = Path(target).expanduser()
        if goal.is_dir() or not goal.suffix:
            goal = goal / self.name
        return copy_beside(self.path, goal)

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        text = repr(self)
        if self.kind != "image" or not self.path.exists():
            return {"text/plain": text}
        return {"text/plain": text, "image/png": encode_png(thumbnail(self.image, 2 * THUMBNAIL_PX))}

    def __repr__(self) -> str:
        return f"Output({str(self.path)!r}, {self.mime_type!r})"

    @classmethod
    def of(cls, saved: SavedOutput) -> Output:
        """The result of a download."""
        return cls(saved.path, saved.mime_type, saved.kind)

    @classmethod
    def at(cls, path: Path) -> Output:
        """A result that was brought home earlier."""
        try:
            with path.open("rb") as file:
                mime_type = sniff_mime(file.read(64))
        except OSError:
            mime_type = "application/octet-stream"
        return cls(path, mime_type, mime_type.partition("/")[0])


def copy_beside(source: Path, goal: Path) -> Path:
    """Copy a file; where the name is taken by something else, a number is added to it."""
    goal.parent.mkdir(parents=True, exist_ok=True)
    candidates: Iterable[Path] = (
        goal if number == 1 else goal.with_stem(f"{goal.stem}-{number}") for number in range(1, 10_000)
    )
    for candidate in candidates:
        try:
            with candidate.open("xb") as target, source.open("rb") as file:
                shutil.copyfileobj(file, target)
        except FileExistsError:
            continue
        except OSError as error:
            raise OutputError(
                f"{candidate} cannot be written ({error.strerror}).", advice="Choose another folder."
            ) from error
        return candidate
    raise OutputError(f"Beside {goal} no name is free.", advice="Choose another folder.")
