"""What a person should know of a picture that `open_image` had to leave something out of."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import InputError
from .bitmap import _DAMAGE, _is_array, _is_pillow, _read
from .kinds import KINDS, sniff_mime

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION: Final = 0x0112


def remarks(source: object) -> tuple[str, ...]:
    """Say what was done to a picture on its way to an upright bitmap of 8 bits: half sentences, none for most.

    Example:
        >>> remarks("dance.gif")
        ('first of 12 frames',)
    """
    # Asked first: a Pillow image gives an array too, and makes a copy of itself as often as one only looks for it.
    if _is_pillow(source):
        return _of_bitmap(source)  # type: ignore[arg-type]  # _is_pillow has seen it
    if _is_array(source):
        return ("16 bits, shown with 8",) if str(getattr(source, "dtype", "")) == "uint16" else ()
    if not isinstance(source, str | Path | bytes | bytearray | memoryview):
        return ()
    # open_image says what is wrong with a picture that cannot be read; here there is only nothing to remark.
    with contextlib.suppress(InputError, zlib.error, struct.error, *_DAMAGE):
        return _of_file(_read(source)[0])
    return ()


def _of_file(data: bytes) -> tuple[str, ...]:
    from PIL import Image as Pillow

    mime = sniff_mime(data)
    if mime not in KINDS:
        return ()
    Pillow.init()
    with Pillow.OPEN[KINDS[mime][1]][0](io.BytesIO(data), "") as bitmap:
        # Pillow itself brings a colour PNG of 16 bits down to 8; only the file's header still tells.
        deep_png = mime == "image/png" and data[24:25] == b"\x10"
        return _of_bitmap(bitmap, deep=deep_png)


def _of_bitmap(image: Image, *, deep: bool = False) -> tuple[str, ...]:
    found = []
    frames: Any = getattr(image, "n_frames", 1)
    if frames > 1:
        found.append(f"first of {frames} frames")
    if deep or image.mode.startswith("I;16") or image.mode == "I":
        found.append("16 bits, shown and counted with 8")
    if image.getexif().get(_ORIENTATION, 1) != 1:
        found.append("turned upright")
    return tuple(found)
