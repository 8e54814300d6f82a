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
#: What Python unpacks without ever exceeding what was asked for; of bzip2 and LZMA it unpacks all there is.
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENTRY: Final = b"PK\x01\x02"
_SHOWN: Final = 60


def safe_unzip(data: bytes, names: Sequence[str], *, limit_bytes: int = MAX_UNZIPPED_BYTES) -> dict[str, bytes]:
    """Read the named members of a zip into memory, and nothing else; a bomb or a damaged file is refused."""
    # Counted first, because each entry becomes an object when the archive is opened. What is packed may hold the
    # same four bytes by chance, but not often.
    if (claimed := data.count(_ENTRY)) > 2 * MAX_MEMBERS:
        raise _too_many(claimed)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_MEMBERS:
                raise _too_many(len(entries))
            wanted = {name: _member(entries, name) for name in names}
            _check(wanted, limit_bytes)
            return {name: _read(archive, entry) for name, entry in wanted.items()}
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as problem:
        found = "empty" if not data else "not a zip file" if sniff_mime(data) != "application/zip" else "damaged"
        raise InputError(f"The zip cannot be read: it is {found}.", advice="Pack it again.") from problem


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    # Asked for no more than it claims to be: a member that holds more is damaged, and its checksum says so.
    with archive.open(entry) as member:
        data = member.read(entry.file_size)
        if len(data) < entry.file_size or member.read(1):
            raise zipfile.BadZipFile
    return data


def _member(entries: Sequence[zipfile.ZipInfo], name: str) -> zipfile.ZipInfo:
    for entry in entries:
        if entry.filename == name:
            if entry.flag_bits & 0x1:
                raise InputError(f"{_shown(name)} in the zip is encrypted.", advice="Pack it without a password.")
            return entry
    # Finder adds a shadow file for each real one; nobody means those.
    real = [e.filename for e in entries if e.filename and not e.filename.endswith("/")]
    real = [name for name in real if not name.startswith("__MACOSX/")]
    listed = ", ".join(map(_shown, real[:10])) + (", …" if len(real) > 10 else "")
    raise InputError(f"The zip holds no {_shown(name)}.", advice=f"It holds {listed}." if real else "It is empty.")


def _check(wanted: dict[str, zipfile.ZipInfo], limit_bytes: int) -> None:
    total = sum(entry.file_size for entry in wanted.values())
    if total > limit_bytes:
        raise InputError(
            f"The zip unpacks to {total / 1e6:.1f} MB.", advice=f"At most {limit_bytes / 1e6:.1f} MB are read."
        )
    for name, entry in wanted.items():
        if entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
            raise InputError(
                f"{_shown(name)} in the zip is packed suspiciously tight.", advice="Pack it with plain deflate."
            )
        if entry.compress_type not in _METHODS:
            raise InputError(
                f"{_shown(name)} in the zip is packed by method {entry.compress_type}.",
                advice="Pack it with plain deflate, or not at all.",
            )


def _too_many(count: int) -> InputError:
    return InputError(f"The zip holds {count} files; at most {MAX_MEMBERS} are read.", advice="Pack only the pictures.")


def _shown(name: str) -> str:
    """A stranger's name for a file, fit for a sentence: of one line, of no great length, and without control signs."""
    plain = "".join(sign if sign.isprintable() else "�" for sign in name)
    return plain if len(plain) <= _SHOWN else f"{plain[: _SHOWN - 1]}…"
