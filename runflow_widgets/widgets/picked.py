"""A file that came from the page: how it arrives, and what can be said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..errors import InputError, OutputError
from ..images import sniff_mime, thumbnail_webp
from ..images.kinds import KINDS
from ..wire import ASSET_SCHEME
from .sources import open_source

THUMB_PX: Final = 320


@dataclass(frozen=True, slots=True)
class PickedFile:
    """A file that was uploaded, dropped, pasted or filmed, as it was; `rf.run` takes it like a path."""

    name: str
    data: bytes = field(repr=False)

    def read_bytes(self) -> bytes:
        """The file's content."""
        return self.data

    @property
    def mime_type(self) -> str:
        """Its kind, by its first bytes."""
        return sniff_mime(self.data)


class Arriving:
    """A file on its way from the page, in pieces: one message of more than 10 MB would be lost without a word.

    `more` tells one that was brought together with others, after the first of them.
    """

    def __init__(self, name: str, size: int, limit_bytes: int, *, more: bool = False) -> None:
        check_size(size, name, limit_bytes)
        self.more = more
        self._name, self._size = name, size
        self._parts: dict[int, bytes] = {}
        self.received = 0

    def add(self, part: bytes, at: int | None = None) -> None:
        """Take a piece, by where it begins in the file; without that, the next one."""
        at = self.received if at is None else at
        if at in self._parts:
            return
        if self.received + len(part) > self._size:
            raise InputError(f"{self._name} grew while it was uploaded.", advice="Choose it again.")
        self._parts[at] = part
        self.received += len(part)

    @property
    def is_whole(self) -> bool:
        """Whether all of it is here."""
        return self.received == self._size

    def file(self) -> PickedFile:
        """The whole file."""
        return PickedFile(self._name, b"".join(self._parts[at] for at in sorted(self._parts)))


@dataclass(frozen=True, slots=True)
class Facts:
    """What a field shows of its value."""

    text: str = ""
    thumb: bytes = field(default=b"", repr=False)


def check_size(size: int, name: str, limit_bytes: int) -> None:
    """Refuse a file that is too large before any of it is sent."""
    if size > limit_bytes:
        raise InputError(
            f"{name} has {size / 1e6:.1f} MB; at most {limit_bytes / 1e6:.0f} MB are taken.",
            advice="Make it smaller, or save it as JPEG or WebP.",
        )
    if size == 0:
        raise InputError(f"{name} is empty.")


def look_at(value: object, limit_bytes: int, takes: str = "image") -> Facts:
    """Open what was chosen and describe it; what is no picture is refused, unless any file is taken.

    An address that cannot be looked at from here is not refused: the service may reach what this machine does not.
    """
    if isinstance(value, str) and value.startswith(ASSET_SCHEME):
        return Facts(f"{value[:120]} · already with the service")
    data = _file_bytes(value)
    if data is not None:
        check_size(len(data), _name_of(value), limit_bytes)
    if takes == "file" and (data is not None or isinstance(value, str)):
        return _file_facts(value, data)
    try:
        picture, name = open_source(value)
    except OutputError as error:
        if isinstance(value, str):
            return Facts(f"{value[:120]} · passed on as it is, since it cannot be looked at from here: {error.message}")
        raise
    parts = [name, f"{picture.width} × {picture.height} px"]
    if data is not None:
        kind = KINDS.get(sniff_mime(data), ("", ""))[1]
        parts += [part for part in (kind, _size_text(len(data))) if part]
    return Facts(" · ".join(parts), thumbnail_webp(picture, THUMB_PX))


def _file_facts(value: object, data: bytes | None) -> Facts:
    if data is not None:
        return Facts(f"{_name_of(value)} · {_size_text(len(data))}")
    text = str(value)
    if not text.startswith(("http://", "https://", "data:")):
        raise InputError(f"There is no file {text[:200]!r}.", advice="Pass a path or an address.")
    return Facts(f"{text[:120]} · passed on as it is")


def _file_bytes(value: object) -> bytes | None:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str) and (value.startswith("data:") or "://" in value):
        return None
    if isinstance(value, str | Path):
        path = Path(value).expanduser()
        return path.read_bytes() if path.is_file() else None
    read: Any = getattr(value, "read_bytes", None)
    return read() if callable(read) else None


def _name_of(value: object) -> str:
    return Path(value).name if isinstance(value, str | Path) else str(getattr(value, "name", "The picture"))


def _size_text(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
