"""A hole at several sizes: the photo, what is missing, and what else is known of each place, from whole to small."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Mask, Photo

Box = tuple[slice, slice]
#: The photo, the hole and what may not serve as a source, each half as large as the one before.
Scales = list[tuple[Photo, Mask, Mask]]


@dataclass(frozen=True, slots=True)
class Belonging:
    """What is one thing (towards 1) and what another (towards -1), seen from a window of the photo.

    Attributes:
        values: The map of the whole photo, which may be much smaller than it.
        size: Height and width of the photo, in pixels of the window.
        corner: Top and left of the window in it.
    """

    values: Map
    size: tuple[float, float]
    corner: tuple[float, float] = (0, 0)

    def within(self, box: Box) -> Belonging:
        """The same, seen from a box of the window."""
        return replace(self, corner=(self.corner[0] + box[0].start, self.corner[1] + box[1].start))

    def halved(self) -> Belonging:
        """The same for a photo of half the size."""
        return Belonging(self.values, (self.size[0] / 2, self.size[1] / 2), (self.corner[0] / 2, self.corner[1] / 2))

    def at(self, shape: tuple[int, ...], unit: int) -> Map:
        """The window's part, one value for each `unit` pixels each way."""
        down, across = self.values.shape[0] / self.size[0], self.values.shape[1] / self.size[1]
        top, left = ((corner + unit / 2) * step - 0.5 for corner, step in zip(self.corner, (down, across), strict=True))
        move = np.array([[across * unit, 0, left], [0, down * unit, top]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        part = cv2.warpAffine(self.values, move, (shape[1], shape[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(part, np.float32)


def descend(photo: Photo, hole: Mask, forbidden: Mask, halvings: int, lifts: int) -> Scales:
    """The problem at full size, half, a quarter, …; a pixel that is nearly half hole is hole.

    Where what is found is only lifted, any pixel with a bit of hole is: nobody else would fill that bit.
    """
    unit = 2**halvings
    height, width = hole.shape
    # Halving must be exact at every scale, or the lifted correspondences drift.
    pad = ((0, -height % unit), (0, -width % unit))
    photo = np.pad(photo, (*pad, (0, 0)), mode="edge")
    hole, forbidden = np.pad(hole, pad), np.pad(forbidden, pad, constant_values=True)
    scales = [(photo, hole, forbidden)]
    for halving in range(halvings):
        photo, hole, forbidden = scales[-1]
        smaller = np.asarray(_halved(photo), np.uint8)
        # Near the hole only what is known may count; elsewhere the plain mean does.
        box = around(hole, 2)
        known = (~(hole | forbidden)[box]).astype(np.float32)
        share = _halved(known)[..., None]
        colours = _halved(photo[box] * known[..., None]) / np.maximum(share, 1e-4)
        half_box = tuple(slice(side.start // 2, side.stop // 2) for side in box)
        smaller[half_box] = np.where(share > 0, np.rint(colours).astype(np.uint8), smaller[half_box])
        shares = (np.asarray(_halved(plane.astype(np.uint8) * 255)) for plane in (hole, forbidden))
        scales.append((smaller, next(shares) > (0 if halving < lifts else 102), next(shares) > 0))
    return scales


def roughness(scales: Scales) -> list[Map]:
    """How rough the photo is around each pixel, along and across: two planes for each scale (Newson et al., 2014).

    What stands in the hole while it is searched for is a mean of guesses and too smooth, and patches that are too
    smooth as well would match it best. How rough they are at the finest scale, no coarser one can tell.
    """
    photo, hole, forbidden = scales[0]
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # A step is known where both its ends are.
    known = cv2.erode((~(hole | forbidden)).astype(np.float32), np.ones((3, 3), np.uint8))
    reach = 2 ** (len(scales) - 1) + 1
    share = np.maximum(cv2.GaussianBlur(known, (0, 0), reach), 1e-3)
    planes = [
        cv2.GaussianBlur(np.abs(cv2.Sobel(grey, cv2.CV_32F, dx, dy, ksize=1)) * known, (0, 0), reach) / share
        for dx, dy in ((1, 0), (0, 1))
    ]
    found = [np.asarray(np.stack(planes, axis=2), np.float32)]
    for _ in scales[1:]:
        found.append(_halved(found[-1]))
    return found


def around(hole: Mask, margin: int) -> Box:
    """The bounding box with a margin, its corners on even places."""
    sides = []
    for axis in (1, 0):
        where, length = np.nonzero(hole.any(axis=axis))[0], hole.shape[1 - axis]
        start, stop = max(0, int(where[0]) - margin), min(length, int(where[-1]) + margin + 2)
        sides.append(slice(start - start % 2, stop - stop % 2 if stop < length else stop))
    return sides[0], sides[1]


def _halved(values: NDArray[Any]) -> NDArray[Any]:
    size = (values.shape[1] // 2, values.shape[0] // 2)
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA))
