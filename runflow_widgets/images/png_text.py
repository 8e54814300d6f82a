"""Text inside a PNG file: written and read chunk by chunk, with not a pixel decoded or encoded.

The format is the one of the PNG specification (third edition): four bytes of length, four letters of type, the data,
four bytes of CRC; a text of any letters is an `iTXt` chunk. Taking the text out again gives the very bytes there were.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..errors import InputError

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
#: A chunk of a few kB may claim to unfold to gigabytes.
MOST_TEXT_BYTES: Final = 1_000_000
_COMPRESS_FROM: Final = 2048


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    start: int
    end: int

    def body(self, data: bytes) -> bytes:
        return data[self.start + 8 : self.end - 4]

    def is_sound(self, data: bytes) -> bool:
        (crc,) = struct.unpack(">I", data[self.end - 4 : self.end])
        return bool(crc == zlib.crc32(data[self.start + 4 : self.end - 4]))


def read_text(data: bytes, keyword: str) -> str | None:
    """The text under a keyword; None if there is none, or none that is whole."""
    for chunk in _chunks(data):
        if _keyword_of(chunk, data) == keyword.encode("latin-1") and chunk.is_sound(data):
            return _text_of(chunk, data)
    return None


def with_text(data: bytes, keyword: str, text: str) -> bytes:
    """The file with a text in it, right behind its header; what stood under the keyword before is replaced.

    Raises:
        InputError: It is no whole PNG file.
    """
    plain = without_text(data, keyword)
    header = next(_chunks(plain))
    return plain[: header.end] + _itxt(keyword, text) + plain[header.end :]


def without_text(data: bytes, keyword: str) -> bytes:
    """The file without the text under a keyword, and otherwise byte for byte the same.

    Raises:
        InputError: It is no whole PNG file.
    """
    chunks = list(_chunks(data))
    if not chunks or chunks[0].kind != b"IHDR" or chunks[-1].kind != b"IEND":
        raise InputError("This is no whole PNG file.")
    kept, last = [], 0
    for chunk in chunks:
        if _keyword_of(chunk, data) == keyword.encode("latin-1"):
            kept.append(data[last : chunk.start])
            last = chunk.end
    return b"".join([*kept, data[last:]])


def is_signed(data: bytes) -> bool:
    """Whether the file carries content credentials (C2PA), which any change of its bytes would make void."""
    return any(chunk.kind == b"caBX" for chunk in _chunks(data))


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """The chunks up to the end of the picture, or up to where the file is cut short."""
    if not data.startswith(SIGNATURE):
        return
    start = len(SIGNATURE)
    while start + 12 <= len(data):
        (length,) = struct.unpack(">I", data[start : start + 4])
        chunk = _Chunk(data[start + 4 : start + 8], start, start + 12 + length)
        if chunk.end > len(data):
            return
        yield chunk
        if chunk.kind == b"IEND":
            return
        start = chunk.end


def _keyword_of(chunk: _Chunk, data: bytes) -> bytes | None:
    return chunk.body(data)[:80].partition(b"\0")[0] if chunk.kind == b"iTXt" else None


def _itxt(keyword: str, text: str) -> bytes:
    raw = text.encode()
    packed = zlib.compress(raw, 9) if len(raw) >= _COMPRESS_FROM else raw
    # Keyword, whether and how it is compressed, no language, no translated keyword.
    body = keyword.encode("latin-1") + b"\0" + (b"\1" if packed is not raw else b"\0") + b"\0\0\0" + packed
    return struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))


def _text_of(chunk: _Chunk, data: bytes) -> str | None:
    _, _, rest = chunk.body(data).partition(b"\0")
    flags, (_, *more) = rest[:2], rest[2:].split(b"\0", 1)
    if not more or b"\0" not in more[0] or flags not in (b"\0\0", b"\1\0"):
        return None
    raw = more[0].split(b"\0", 1)[1]
    try:
        if flags[0]:
            unpacking = zlib.decompressobj()
            raw = unpacking.decompress(raw, MOST_TEXT_BYTES)
            if not unpacking.eof:
                return None
        return raw.decode() if len(raw) <= MOST_TEXT_BYTES else None
    except (zlib.error, UnicodeDecodeError):
        return None
