"""What a file is by its first bytes, what it is called, and how it fits into a data URI."""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import IO, Final
from urllib.parse import unquote_to_bytes

from ..errors import InputError

# mime type -> (ending, Pillow's name). Only these are opened: Pillow would also start Ghostscript for an EPS file.
KINDS: Final = {
    "image/png": ("png", "PNG"),
    "image/jpeg": ("jpg", "JPEG"),
    "image/webp": ("webp", "WEBP"),
    "image/gif": ("gif", "GIF"),
    "image/bmp": ("bmp", "BMP"),
    "image/tiff": ("tiff", "TIFF"),
}
_OTHER_ENDINGS: Final = {"application/zip": "zip", "video/mp4": "mp4", "image/svg+xml": "svg", "audio/mpeg": "mp3"}
IMAGE_ENDINGS: Final = frozenset({"png", "jpg", "jpeg", "jpe", "webp", "gif", "bmp", "tif", "tiff"})
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
)


def sniff_mime(data: bytes) -> str:
    """Tell by the first bytes what a file is; names and headers lie more often."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        # AVIF and HEIC share this box with MP4, and they are no films.
        return "application/octet-stream" if data[8:11] in (b"avi", b"hei", b"mif") else "video/mp4"
    return next((mime for magic, mime in _MAGIC if data.startswith(magic)), "application/octet-stream")


def is_whole(file: IO[bytes]) -> bool:
    """Whether a picture's file goes to its end, as far as its bytes tell without decoding it.

    A server that names too short a length cuts a file off without any error on the way.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(16)
    # What some programs add behind the end is short.
    file.seek(max(0, size - 65_536))
    tail = file.read()
    kind = sniff_mime(head)
    if kind == "image/png":
        return b"IEND\xaeB`\x82" in tail
    if kind == "image/jpeg":
        return tail.rfind(b"\xff\xd9") > 2
    if kind == "image/webp":
        return int.from_bytes(head[4:8], "little") + 8 <= size
    return True


def extension_for(mime: str) -> str:
    """The usual file ending of a mime type, without the dot; `bin` for what we do not know."""
    plain = mime.partition(";")[0].strip().lower()
    return KINDS[plain][0] if plain in KINDS else _OTHER_ENDINGS.get(plain, "bin")


def data_uri(data: bytes, mime: str) -> str:
    """Write bytes as `data:image/png;base64,…`."""
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def read_data_uri(uri: str) -> tuple[bytes, str]:
    """Read the bytes and the mime type of a data URI, base64 or percent-encoded."""
    head, comma, body = uri.partition(",")
    if not head.lower().startswith("data:") or not comma:
        raise InputError("This is not a data URI.", advice="One begins with data:image/png;base64, and then has data.")
    mime, *parameters = head[5:].split(";")
    if "base64" not in (parameter.strip().lower() for parameter in parameters):
        return unquote_to_bytes(body), mime.lower() or "text/plain"
    try:
        packed = re.sub(rb"\s+", b"", unquote_to_bytes(body))
        return base64.b64decode(packed, validate=True), mime.lower() or "text/plain"
    except binascii.Error:
        raise InputError(
            "The data URI is damaged: its base64 cannot be read.", advice="Encode the file again."
        ) from None


def looks_like(data: bytes) -> str:
    """Say in a few words what a file is instead of a picture; the end of a sentence."""
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not data:
        return "it is empty"
    if b"<svg" in start:
        return "it is an SVG drawing, which has no pixels"
    if start.startswith((b"<!doctype html", b"<html")):
        return "it is a web page"
    known = {b"%pdf": "it is a PDF", b"{": "it is JSON text", b"pk\x03\x04": "it is a zip", b"<?xml": "it is XML text"}
    if data[4:8] == b"ftyp":
        return "it is a film" if sniff_mime(data) == "video/mp4" else "it is an AVIF or HEIC file"
    return next(
        (what for magic, what in known.items() if start.startswith(magic)), "its first bytes are of no kind we open"
    )
