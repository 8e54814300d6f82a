"""The body of an answer, piece by piece, unpacked here and never beyond a limit.

What a library unpacks comes in pieces of any size: 64 kB that were packed twice by gzip may be 64 GB, at once. So only
one packing is taken, and it is unpacked a piece at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpx

#: What is asked for; httpx would also name what the user happens to have installed.
ACCEPTED: Final = "gzip, deflate"
_PLAIN: Final = ("", "identity")
_PACKED: Final = ("gzip", "x-gzip", "deflate")
_PIECE: Final = 1 << 18


class BodyError(Exception):
    """A body that is not read on; the message is the end of a sentence about the answer."""


class TooLongError(BodyError):
    """It passes the limit."""


async def pieces(response: httpx.Response, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body of an open answer; raises `BodyError` where it passes the limit, or is packed as we do not take it."""
    unpacked = 0
    async for chunk in _chunks(response):
        unpacked += len(chunk)
        if unpacked > limit_bytes:
            raise TooLongError(f"is larger than {limit_bytes / 1e6:.0f} MB, the most that is taken")
        yield chunk


async def whole(response: httpx.Response, limit_bytes: int) -> bytes:
    """The same in one."""
    data = bytearray()
    async for piece in pieces(response, limit_bytes):
        data += piece
    return bytes(data)


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    if response.is_stream_consumed:
        # One that was made in this process, by a transport without a network.
        yield response.content
        return
    packing = response.headers.get("content-encoding", "").strip().lower()
    if packing in _PLAIN:
        async for chunk in response.aiter_raw():
            yield chunk
        return
    if packing not in _PACKED:
        raise BodyError("is packed in a way that is not taken")
    unpacker = _Unpacker(packing)
    async for chunk in response.aiter_raw():
        for piece in unpacker.feed(chunk):
            yield piece
    unpacker.end()


class _Unpacker:
    """Undo one gzip or deflate."""

    def __init__(self, packing: str) -> None:
        self._is_deflate = packing == "deflate"
        self._packed = zlib.decompressobj(zlib.MAX_WBITS if self._is_deflate else zlib.MAX_WBITS | 16)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What comes of some more of it, in pieces of limited size."""
        while data and not self._packed.eof:
            try:
                piece = self._packed.decompress(data, _PIECE)
            except zlib.error:
                if not self._is_deflate or self._begun:
                    raise BodyError("is damaged") from None
                # Some servers call deflate what has neither head nor checksum.
                self._packed = zlib.decompressobj(-zlib.MAX_WBITS)
                self._is_deflate = False
                continue
            self._begun = True
            data = self._packed.unconsumed_tail
            yield piece

    def end(self) -> None:
        """Nothing more comes."""
        if self._begun and not self._packed.eof:
            raise BodyError("is cut short")
