"""What a file asks of a decoder beyond what any picture needs, seen before the decoder is let loose on it.

A limit of pixels is not enough. A JPEG of 150 kB may hold a thousand scans, each of which is a pass over the whole
picture; EXIF in many parts is joined anew for each of them; a jump in a run-length BMP may skip 255 of its own widths.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL.Image import Image

#: A progressive JPEG has about ten scans, and one that shows several pictures has a few of each.
MOST_SCANS: Final = 100
#: Each part may have 64 kB; cameras write one.
MOST_EXIF_PARTS: Final = 64
#: Pillow unpacks run lengths in Python, at about 5 MB in a second.
MOST_RLE_BYTES: Final = 16_000_000
MOST_RLE_WIDTH: Final = 32_768
#: What a picture may take in memory while it is opened.
MOST_BYTES: Final = 1_600_000_000

_RLE: Final = (1, 2)


def excess_of(data: bytes, mime: str) -> str:
    """What a file has too much of, as the end of a sentence; empty for one that can be opened."""
    if mime == "image/jpeg":
        if (scans := data.count(b"\xff\xda")) > MOST_SCANS:
            return f"{scans} scans, and at most {MOST_SCANS} are decoded"
        if (parts := data.count(b"Exif\0\0")) > MOST_EXIF_PARTS:
            return f"EXIF in {parts} parts, and at most {MOST_EXIF_PARTS} are read"
    if mime == "image/bmp" and len(data) >= 34 and struct.unpack_from("<I", data, 30)[0] in _RLE:
        if len(data) > MOST_RLE_BYTES:
            return f"{len(data) / 1e6:.0f} MB of run lengths, and at most {MOST_RLE_BYTES / 1e6:.0f} MB are unpacked"
        if (width := abs(struct.unpack_from("<i", data, 18)[0])) > MOST_RLE_WIDTH:
            return f"rows of {width} pixels in run lengths, and at most {MOST_RLE_WIDTH} are unpacked"
    return ""


def most_pixels(picture: Image) -> int:
    """How many pixels such a picture may have, by what each takes in memory until it is plain."""
    held = 1 if picture.mode in ("1", "L", "P") else 2 if picture.mode.startswith("I;") else 4
    made = 1 if picture.mode in ("1", "L", "I", "F") or picture.mode.startswith("I;") else 4
    # The reader of WebP holds two canvases and a copy of one beside the picture.
    beside = 12 if picture.format == "WEBP" else 0
    return MOST_BYTES // (held + made + beside)
