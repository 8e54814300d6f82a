"""A part of a photo, reduced so that looking for an outline in it takes a moment, with the clicks that lie in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .patch import Box

Photo = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Map = NDArray[np.float32]
Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Clicks:
    """Points of a picture that belong to what is meant, and points that do not."""

    yes: tuple[Point, ...] = ()
    no: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Closeup:
    """What is looked at.

    Attributes:
        box: The part of the photo.
        scale: Pixels of the view for each pixel of the photo, along x and y.
        calm: The part, reduced, without noise and fine texture, for these distract colour models.
        lab: The same in Lab, as bytes.
        clicks: The clicks in the view's own pixels.
    """

    box: Box
    scale: tuple[float, float]
    calm: Photo
    lab: Photo
    clicks: Clicks

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the view."""
        return self.calm.shape[1], self.calm.shape[0]

    def inward(self, box: Box) -> Box:
        """A box of the photo in the view's pixels."""
        (x, y), part = self.scale, box.moved(-self.box.left, -self.box.top)
        return Box(round(part.left * x), round(part.top * y), round(part.right * x), round(part.bottom * y)).clipped(
            self.size
        )

    def outward(self, box: Box) -> Box:
        """A box of the view in the photo's pixels; no pixel it touches is lost."""
        x, y = self.scale
        whole = Box(int(box.left / x), int(box.top / y), int(-(-box.right // x)), int(-(-box.bottom // y)))
        return whole.clipped((self.box.width, self.box.height)).moved(self.box.left, self.box.top)


def look(photo: Photo, box: Box, longest_px: int, clicks: Clicks) -> Closeup:
    """Look at a part of a photo, with its longer side reduced to `longest_px` at most."""
    import cv2

    part = photo[box.slices]
    factor = min(1.0, longest_px / max(box.width, box.height))
    size = max(1, round(box.width * factor)), max(1, round(box.height * factor))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA) if factor < 1 else np.ascontiguousarray(part)
    calm = np.asarray(cv2.bilateralFilter(small, 5, 20, 3), np.uint8)
    lab = np.asarray(cv2.cvtColor(calm, cv2.COLOR_RGB2LAB), np.uint8)
    scale = size[0] / box.width, size[1] / box.height
    inside = Clicks(tuple(_moved(clicks.yes, box, scale)), tuple(_moved(clicks.no, box, scale)))
    return Closeup(box, scale, calm, lab, inside)


def _moved(points: Iterable[Point], box: Box, scale: tuple[float, float]) -> Iterable[Point]:
    for x, y in points:
        if box.left <= x < box.right and box.top <= y < box.bottom:
            yield int((x - box.left + 0.5) * scale[0]), int((y - box.top + 0.5) * scale[1])
