"""Small pictures of results, kept on disk beside the record: a large file is opened once and not each time it shows."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from .images import open_image, thumbnail_webp
from .ledger import home

THUMB_PX: Final = 256
#: About 30 MB; the ones that were longest not looked at go first.
MOST_KEPT: Final = 4000


class Thumbnails:
    """The folder of small pictures; it may be emptied at any time.

    Args:
        folder: Where they lie; by default `thumbs` in the folder of all that we keep.
        most: How many are kept.
    """

    def __init__(self, folder: Path | None = None, *, most: int = MOST_KEPT) -> None:
        self.folder = folder or home() / "thumbs"
        self._most = most
        self._written = 0

    def _file(self, picture: Path) -> Path:
        return self._named(str(picture))

    def _named(self, name: str) -> Path:
        return self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.webp"

    def kept(self, picture: Path) -> bytes | None:
        """The small picture of a file, if there is one and the file has not changed since."""
        file = self._file(picture)
        try:
            if file.stat().st_mtime_ns < picture.stat().st_mtime_ns:
                return None
            data = file.read_bytes()
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(file)
        return data

    def make(self, picture: Path) -> bytes:
        """The small picture of a file, made now if it is not kept.

        Raises:
            InputError: The file is no picture, or is gone.
        """
        if (found := self.kept(picture)) is not None:
            return found
        data = thumbnail_webp(open_image(picture), THUMB_PX)
        # It only saves time: a full disk must not keep anybody from seeing the picture.
        with contextlib.suppress(OSError):
            self._write(self._file(picture), data)
        return data

    def kept_of(self, address: str) -> bytes | None:
        """The small picture of what lies behind an address, if it was ever fetched."""
        try:
            return self._named(address).read_bytes()
        except OSError:
            return None

    def keep_of(self, address: str, data: bytes) -> None:
        """Keep a small picture of what was fetched from an address.

        Raises:
            InputError: It is no picture.
        """
        small = thumbnail_webp(open_image(data), THUMB_PX)
        with contextlib.suppress(OSError):
            self._write(self._named(address), small)

    def forget(self, picture: Path) -> None:
        """Delete the small picture of a file."""
        with contextlib.suppress(OSError):
            self._file(picture).unlink()

    def _write(self, file: Path, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # Written beside and moved: another kernel may read at the same moment.
        handle, name = tempfile.mkstemp(prefix="thumb", suffix=".part", dir=self.folder)
        with os.fdopen(handle, "wb") as part:
            part.write(data)
        Path(name).replace(file)
        if self._written % 100 == 0:
            self._tidy()
        self._written += 1

    def _tidy(self) -> None:
        found = []
        for entry in os.scandir(self.folder):
            # Another kernel may tidy up at the same moment.
            with contextlib.suppress(OSError):
                found.append((entry.stat().st_mtime_ns, entry.path))
        for _, path in sorted(found)[: max(0, len(found) - self._most)]:
            Path(path).unlink(missing_ok=True)
