"""More picture on the outside: what is plain goes on plainly, what has texture is continued from examples.

A plain edge (a studio backdrop, a sky) is continued by `canvas.reframe`. Where an edge has texture, the added area is
a hole that `inpaint` fills (its papers are named there), so that grass goes on as grass. The photo itself stays byte
for byte.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from . import Map, Photo, Report, part_of, quiet
from .canvas import CanvasOptions, Placement, reframe
from .inpaint import InpaintOptions, inpaint

#: The mean of the fine detail along an edge from which on it is called textured, in grey levels.
_TEXTURED: Final = 2.5
#: How much of the photo, from an edge inwards, speaks for that edge.
_BAND: Final = 0.08
#: More is never searched for at full size; larger holes are solved smaller and lifted.
_SOLVED_PX: Final = 60_000


def extend(photo: Photo, placement: Placement, seed: int = 0, report: Report = quiet) -> tuple[Photo, str]:
    """The photo in a frame that is larger on some sides, and a sentence about how it was continued."""
    height, width = photo.shape[:2]
    top, left = max(0, -placement.top), max(0, -placement.left)
    bottom = max(0, placement.top + placement.height - height)
    right = max(0, placement.left + placement.width - width)
    if not any((top, bottom, left, right)):
        return photo, "Nothing had to be added."
    detail = _detail(photo)
    sides = {"top": top, "bottom": bottom, "left": left, "right": right}
    textured = [name for name, added in sides.items() if added and _edge(detail, name).mean() > _TEXTURED]
    if not textured:
        return reframe(photo, placement, CanvasOptions(seed=seed), report), "The plain backdrop was continued."
    padded = np.pad(photo, ((top, bottom), (left, right), (0, 0)), mode="edge")
    hole = np.ones(padded.shape[:2], np.bool_)
    hole[top : top + height, left : left + width] = False
    options = InpaintOptions(seed=seed, solved_px=_SOLVED_PX)
    filled = inpaint(padded, hole, options, part_of(report, 0.05, 0.95))
    return filled, f"The texture at the {' and '.join(textured)} was continued from examples."


def _detail(photo: Photo) -> Map:
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 3)), np.float32)


def _edge(detail: Map, side: str) -> Map:
    height, width = detail.shape
    rows, columns = max(1, round(_BAND * height)), max(1, round(_BAND * width))
    bands = {
        "top": detail[:rows],
        "bottom": detail[-rows:],
        "left": detail[:, :columns],
        "right": detail[:, -columns:],
    }
    return bands[side]
