"""Reading a few members of a zip that a stranger may have packed."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from typing import Final

from ..errors import InputError
from .kinds import sniff_mime

MAX_UNZIPPED_BYTES: Final = 400_000_000
MAX_MEMBERS: Final = 1000
#: What deflate can reach at the very most is 1032; beyond it somebody built a bomb.
MAX_RATIO: Final = 1100


def safe_unzip(data: bytes, names: Sequence[str], *, limit_bytes: int = MAX_UNZIPPED_BYTES) -> dict[str, bytes]:
    """Read the named members of a zip into memory, and nothing else; a bomb or a damaged file is refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_MEMBERS:
                raise InputError(f"The zip holds {len(entries)} files; at most {MAX_MEMBERS} are read.")
            wanted = {name: _member(entries, name) for name in names}
            _check_sizes(wanted, limit_bytes)
            return {name: archive.open(entry).read(limit_bytes) for name, entry in wanted.items()}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as problem:
        found = "empty" if not data else "not a zip file" if sniff_mime(data) != "application/zip" else "damaged"
        raise InputError(f"The zip cannot be read: it is {found}.", advice="Pack it again.") from problem


def _member(entries: Sequence[zipfile.ZipInfo], name: str) -> zipfile.ZipInfo:
    for entry in entries:
        if entry.filename == name:
            if entry.flag_bits & 0x1:
                raise InputError(f"{name} in the zip is encrypted.", advice="Pack it without a password.")
            return entry
    # Finder adds a shadow file for each real one; nobody means those.
    real = [e.filename for e in entries if not e.is_dir() and not e.filename.startswith("__MACOSX/")]
    listed = ", ".join(real[:10]) + (", …" if len(real) > 10 else "")
    raise InputError(f"The zip holds no {name}.", advice=f"It holds {listed}." if real else "It is empty.")


def _check_sizes(wanted: dict[str, zipfile.ZipInfo], limit_bytes: int) -> None:
    total = sum(entry.file_size for entry in wanted.values())
    if total > limit_bytes:
        raise InputError(
            f"The zip unpacks to {total / 1e6:.1f} MB.", advice=f"At most {limit_bytes / 1e6:.1f} MB are read."
        )
    for name, entry in wanted.items():
        if entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise InputError(f"{name} in the zip is packed suspiciously tight.", advice="Pack it with plain deflate.")
