"""Masks: what marks and what keeps, and how a mask travels beside its photo."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Final

from ..errors import InputError
from .bitmap import encode_png, flattened, open_image

if TYPE_CHECKING:
    from PIL.Image import Image

PHOTO_NAME: Final = "photo.png"
MASK_NAME: Final = "mask.png"
REFERENCE_NAME: Final = "reference.png"


def read_mask(source: object, size: tuple[int, int]) -> Image:
    """Open a mask for a picture of `size` (width, height): mode L, white (255) marks, black (0) keeps.

    Grey counts as white from 128 on; what is transparent counts as black.
    """
    image = open_image(source)
    if image.size != size:
        raise InputError(
            f"The mask is {image.width}×{image.height} px, but the picture is {size[0]}×{size[1]} px.",
            advice="Both must have the same size.",
        )
    grey = (flattened(image, "black") if image.mode == "RGBA" else image).convert("L")
    mask = grey.point([0] * 128 + [255] * 128)
    black, white = mask.histogram()[0], mask.histogram()[255]
    if not white:
        brightest = max(value for value, count in enumerate(grey.histogram()) if count)
        seen = f"its brightest value is {brightest}" if brightest else "it is all black"
        raise InputError(f"The mask marks nothing: {seen}.", advice="Paint white (255) what the model should work on.")
    if not black:
        raise InputError(
            "The mask is white everywhere, so nothing would be left to learn from.",
            advice="Paint black (0) what should stay.",
        )
    return mask


def pack_mask_zip(photo: object, mask: object, *, reference: object = None) -> bytes:
    """Pack a photo and its mask as `photo.png` and `mask.png`; the same pixels always give the same bytes.

    A `reference` picture, which some models want beside the two, becomes `reference.png`.
    """
    picture = open_image(photo)
    parts = [(PHOTO_NAME, encode_png(picture)), (MASK_NAME, encode_png(read_mask(mask, picture.size)))]
    if reference is not None:
        parts.append((REFERENCE_NAME, encode_png(open_image(reference))))
    buffer = io.BytesIO()
    # PNG is compressed already; a fixed date keeps the upload's hash the same from run to run.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()
