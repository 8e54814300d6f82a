"""What a run made: files on disk that open as pictures."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .client import SavedOutput
from .errors import OutputError
from .images import encode_png, open_image, sniff_mime, thumbnail
from .ledger import Entry
from .settings import settings_from, settings_in_pictures, with_settings

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
    #: The run on record that made it; None of a file from elsewhere.
    entry: Entry | None = field(default=None, repr=False, compare=False)

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

    def bytes_to_save(self, *, settings: bool | None = None) -> bytes:
        """The file as it is saved: a PNG with what it was made with in a text chunk, its pixels untouched."""
        data = self.read_bytes()
        wanted = settings_in_pictures() if settings is None else settings
        return with_settings(data, settings_from(self.entry)) if wanted and self.entry is not None else data

    def save(self, target: str | Path, *, settings: bool | None = None) -> Path:
        """Copy the file to a path, or into a folder under its own name; nothing is overwritten.

        Args:
            target: The path, or the folder.
            settings: Whether a PNG gets what it was made with (`rf.settings_of` reads it); by default as
                `rf.settings_in_pictures` says.
        """
        goal = Path(target).expanduser()
        if goal.is_dir() or not goal.suffix:
            goal = goal / self.name
        if self.mime_type == "image/png":
            data = self.bytes_to_save(settings=settings)
            return write_beside(goal, lambda file: file.write(data))
        # A film may be large, and nothing is written into it.
        return write_beside(goal, self._copy_to)

    def _copy_to(self, file: BinaryIO) -> None:
        with self.path.open("rb") as source:
            shutil.copyfileobj(source, file)

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        text = repr(self)
        if self.kind != "image" or not self.path.exists():
            return {"text/plain": text}
        return {"text/plain": text, "image/png": encode_png(thumbnail(self.image, 2 * THUMBNAIL_PX))}

    def __repr__(self) -> str:
        return f"Output({str(self.path)!r}, {self.mime_type!r})"

    @classmethod
    def of(cls, saved: SavedOutput, entry: Entry | None = None) -> Output:
        """The result of a download."""
        return cls(saved.path, saved.mime_type, saved.kind, entry)

    @classmethod
    def at(cls, path: Path, entry: Entry | None = None) -> Output:
        """A result that was brought home earlier."""
        try:
            with path.open("rb") as file:
                mime_type = sniff_mime(file.read(64))
        except OSError:
            mime_type = "application/octet-stream"
        return cls(path, mime_type, mime_type.partition("/")[0], entry)


def write_beside(goal: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Write a file; where the name is taken by something else, a number is added to it."""
    goal.parent.mkdir(parents=True, exist_ok=True)
    candidates: Iterable[Path] = (
        goal if number == 1 else goal.with_stem(f"{goal.stem}-{number}") for number in range(1, 10_000)
    )
    for candidate in candidates:
        try:
            with candidate.open("xb") as target:
                write(target)
        except FileExistsError:
            continue
        except OSError as error:
            raise OutputError(
                f"{candidate} cannot be written ({error.strerror}).", advice="Choose another folder."
            ) from error
        return candidate
    raise OutputError(f"Beside {goal} no name is free.", advice="Choose another folder.")
