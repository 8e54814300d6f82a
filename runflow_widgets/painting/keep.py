"""A mask kept on disk while it is drawn, so that no reload, no restart and no new cell costs it.

Each mask is one PNG of one bit per pixel beside the ledger; what belongs to it (key, picture, time) stands in the file
as JSON. With one file there is no moment at which half of it is new. The name holds the key and the picture, so a
second picture under the same key gets a file of its own, and the first one's mask waits for its return.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import tempfile
import threading
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..ledger import home

if TYPE_CHECKING:
    from .sheet import Sheet

_CHUNK: Final = "runflow-pad"
_FORMAT: Final = 1
# What Pillow's reader raises when a file is not what its name says.
_DAMAGE: Final = (SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, struct.error, zlib.error)


def digest(photo: NDArray[np.uint8]) -> str:
    """What tells one picture from another: a hash of its size and its pixels."""
    hashed = hashlib.blake2b(repr(photo.shape).encode(), digest_size=16)
    hashed.update(np.ascontiguousarray(photo).data)
    return hashed.hexdigest()


class Keeper:
    """Saves the mask of one picture under a name of the user's, and brings it back.

    Neither way ever raises for what is wrong with a disk or a file: a pad must go on without.

    Example:
        >>> keeper = Keeper("living room", digest(photo), (640, 480))
        >>> keeper.restore(sheet)
        'The mask that was drawn last, with 11 % marked, was restored.'
    """

    def __init__(self, key: str, photo_digest: str, size: tuple[int, int]) -> None:
        self.key = key
        self.size = size
        self._digest = photo_digest
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """Where the mask lies; any text may be a key, so the name is a hash of it."""
        picture = hashlib.sha256(self._digest.encode()).hexdigest()[:16]
        return home() / "pads" / f"{self._stem}-{picture}.png"

    @property
    def _stem(self) -> str:
        return hashlib.sha256(self.key.encode("utf-8", "surrogatepass")).hexdigest()[:24]

    def save(self, sheet: Sheet) -> str | None:
        """Save the mask as it is; a sentence if that failed. One that was never touched is not saved."""
        with self._lock:
            with sheet.lock:
                version, marked = sheet.version, sheet.pixels > 0
            if not version:
                return None
            try:
                _replace(self.path, _encoded(marked, self._about(version)))
            except OSError as problem:
                return f"The mask cannot be saved in {self.path.parent}: {problem.strerror or problem}."
            return None

    def restore(self, sheet: Sheet) -> str | None:
        """Bring the saved mask back as one step; a sentence says what was restored, or why not.

        None means that there is nothing to restore. A damaged file is set aside.
        """
        with self._lock:
            try:
                data = self.path.read_bytes()
            except FileNotFoundError:
                return self._what_else_there_is()
            except OSError as problem:
                return f"The saved mask cannot be read: {problem.strerror or problem}."
            try:
                marked = _decoded(data, self.size, self._digest)
            except (*_DAMAGE, OSError):
                return self._set_aside()
        if not marked.any():
            return None
        sheet.merge(marked, "replace", "restore")
        share = f"{sheet.coverage:.0%}".replace("%", " %") if sheet.coverage >= 0.01 else "less than 1 %"
        return f"The mask that was drawn last, with {share} marked, was restored."

    def _about(self, version: int) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "key": self.key,
            "photo": self._digest,
            "size": list(self.size),
            "version": version,
            "saved_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _what_else_there_is(self) -> str | None:
        if not any(self.path.parent.glob(f"{self._stem}-*.png")):
            return None
        return (
            f"The mask saved as {self.key!r} belongs to another picture, so this one begins empty; "
            "the other is kept and comes back with its picture."
        )

    def _set_aside(self) -> str:
        aside = self.path.with_suffix(f".damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        try:
            self.path.rename(aside)
        except OSError:
            return "The saved mask is damaged, so this one begins empty."
        return f"The saved mask is damaged, so this one begins empty; the file was set aside as {aside.name}."


def _encoded(marked: NDArray[np.bool_], about: Mapping[str, Any]) -> bytes:
    from PIL import Image as Pillow
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(_CHUNK, json.dumps(about))
    buffer = io.BytesIO()
    Pillow.fromarray(marked).save(buffer, "PNG", pnginfo=info, compress_level=3)
    return buffer.getvalue()


def _decoded(data: bytes, size: tuple[int, int], photo_digest: str) -> NDArray[np.bool_]:
    """The marks in a file; anything but a whole file of ours for this picture is a ValueError or worse."""
    from PIL.PngImagePlugin import PngImageFile

    # Pillow.open would warn of large masks; the size is checked here before a pixel is unpacked.
    image = PngImageFile(io.BytesIO(data))
    if image.size != size or image.mode != "1":
        raise ValueError("not a mask of this size")
    image.load()
    about = json.loads(image.text[_CHUNK])
    if about["format"] != _FORMAT or about["photo"] != photo_digest:
        raise ValueError("not the mask of this picture")
    return np.array(image, np.bool_)


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that anyone sees either the old one or all of the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=path.stem, suffix=".part", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
