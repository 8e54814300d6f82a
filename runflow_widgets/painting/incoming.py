"""A mask from outside, brought to the picture's size and to two values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..images import open_image
from ..images.bitmap import flattened


def read_marks(source: object, size: tuple[int, int], *, resize: bool = False) -> tuple[NDArray[np.bool_], str | None]:
    """Open a mask for a picture of `size`: which pixels it marks, and a sentence if something was decided for it.

    Unlike `images.read_mask`, which prepares a mask for a model, this takes empty and full ones too.
    """
    from PIL import Image as Pillow

    image = open_image(source)
    notes = []
    if image.size != size:
        found, wanted = f"{image.width}×{image.height} px", f"{size[0]}×{size[1]} px"
        if not resize:
            raise InputError(
                f"The mask is {found}, but the picture is {wanted}.",
                advice="Both must have the same size; allow resizing if the mask belongs to this picture.",
            )
        notes.append(f"The mask was {found} and was resized to {wanted}.")
    grey = (flattened(image, "black") if image.mode == "RGBA" else image).convert("L")
    if shades := sum(grey.histogram()[1:255]):
        share = shades / (grey.width * grey.height)
        notes.append(f"{_percent(share)} of the mask was grey; what is at least half white was marked.")
    marked = np.asarray(grey, np.uint8) >= 128
    if image.size != size:
        fitted = Pillow.fromarray(marked).resize(size, Pillow.Resampling.NEAREST)
        marked = np.asarray(fitted, np.bool_)
    return marked, " ".join(notes) or None


def _percent(share: float) -> str:
    return "Less than 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")
