"""Changes to a whole mask: wider, narrower, smoother, without holes or specks.

Each function takes the part of a mask that it can change, as two-valued bytes (0 and 255), and returns it changed.
Distances are those of a round brush: a pixel is within `px` if its centre is.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

Mask = NDArray[np.uint8]
Places = NDArray[np.int64]

#: Up to here, single precision tells distances to half of what is left in doubt below.
LARGEST_PX: Final = 1000
#: What is told to be nearer to a circle than this is reckoned again; with one thread, OpenCV is off by half of it.
_DOUBT_PX: Final = 0.001
#: How many rows have their distances in memory at once, four bytes for each pixel.
_STRIP_ROWS: Final = 1024
#: OpenCV's flood counts columns and rows in sixteen bits, and goes astray beyond without a word.
_LONGEST_FLOOD_PX: Final = 65_535


def check_px(px: int) -> None:
    """Refuse a distance that cannot be worked with."""
    if not isinstance(px, int | np.integer) or not 1 <= px <= LARGEST_PX:
        raise InputError(f"{px} px is not possible here.", advice=f"Use whole pixels from 1 to {LARGEST_PX}.")


def grow(mask: Mask, px: int) -> Mask:
    """Mark everything within `px` of what is marked."""
    return _near(mask == 0, px)


def shrink(mask: Mask, px: int) -> Mask:
    """Unmark everything within `px` of what is not marked; the picture's edge does not count as such."""
    return 255 - _near(mask != 0, px)


def _near(away: NDArray[np.bool_], px: int) -> Mask:
    """Where the nearest pixel that is not `away` lies within `px`."""
    import cv2

    near = np.empty(away.shape, np.uint8)
    # Squares of distances are whole numbers, so half a unit of the square decides without rounding.
    reach = float(np.sqrt(px * px + 0.5))
    for top in range(0, len(away), _STRIP_ROWS):
        first = max(0, top - px)
        strip = np.ascontiguousarray(away[first : top + _STRIP_ROWS + px]).view(np.uint8)
        distance = cv2.distanceTransform(strip, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        rows = slice(top - first, top - first + _STRIP_ROWS)
        near[top : top + _STRIP_ROWS] = np.where(distance[rows] <= reach, 255, 0)
        if strip.all():
            # Without a single zero the distances mean nothing.
            near[top : top + _STRIP_ROWS] = 0
            continue
        y, x = np.nonzero(np.abs(distance[rows] - reach) < _DOUBT_PX)
        near[top + y, x] = np.where(_touches(away, px, top + y, x), 255, 0)
    return near


def _touches(away: NDArray[np.bool_], px: int, y: Places, x: Places) -> NDArray[np.bool_]:
    """Which places on a circle's edge have a pixel that is not `away` within `px`, told in whole numbers."""
    found = np.zeros(len(y), np.bool_)
    height, width = away.shape
    for down, right in _edge_of(px) if len(y) else ():
        row, column = y + down, x + right
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        found[inside] |= ~away[row[inside], column[inside]]
    return found


@functools.lru_cache(maxsize=4)
def _edge_of(px: int) -> Places:
    """The outermost steps down and to the right within a circle: nearer ones would have left no doubt."""
    side = np.arange(-px, px + 1)
    squares = side * side + (side * side)[:, None]
    return np.argwhere((squares <= px * px) & (squares >= (px - 2 * _DOUBT_PX) ** 2)) - px


def smooth(mask: Mask, px: int) -> Mask:
    """Round corners and bumps about as large as `px`; what is much thinner goes."""
    import cv2

    # Three box blurs come close to a Gaussian and cost the same for any size. Rounding to bytes
    # between them moves the edge by less than a pixel, and it stays where half of the blur is.
    side = px if px % 2 else px + 1
    for _ in range(3):
        mask = np.asarray(cv2.blur(mask, (side, side), borderType=cv2.BORDER_REPLICATE), np.uint8)
    return np.where(mask >= 128, 255, 0).astype(np.uint8)


def without_specks(mask: Mask, px: int) -> Mask:
    """Unmark pieces that are neither wider nor higher than `px`."""
    return np.where(_small_pieces(mask, px, connectivity=8), 0, mask).astype(np.uint8)


def without_holes(mask: Mask, px: int | None = None) -> Mask:
    """Mark what marked pixels enclose; with `px`, only holes neither wider nor higher than that."""
    holes = _enclosed(mask)
    if px is not None:
        holes = np.where(_small_pieces(holes, px, connectivity=4), 255, 0).astype(np.uint8)
    return mask | holes


def _enclosed(mask: Mask) -> Mask:
    import cv2

    # A rim all round joins every opening to the edge, so that one flood finds all that is open.
    rimmed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    is_open = _flooded(np.asarray(rimmed, np.uint8), 0, 0, connectivity=4)[1:-1, 1:-1]
    return np.where(is_open, 0, 255).astype(np.uint8) & ~mask


def _small_pieces(mask: Mask, px: int, *, connectivity: int) -> NDArray[np.bool_]:
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(mask), connectivity=connectivity)
    small = (stats[:, cv2.CC_STAT_WIDTH] <= px) & (stats[:, cv2.CC_STAT_HEIGHT] <= px)
    small[0] = False
    return np.asarray(small[labels], np.bool_)


def area_at(mask: Mask, x: int, y: int) -> NDArray[np.bool_]:
    """The connected pixels of the same value round a point."""
    # What touches by corners only is one piece where marked and not where unmarked: else both could cross there.
    return _flooded(mask, x, y, connectivity=8 if mask[y, x] else 4)


def _flooded(mask: Mask, x: int, y: int, *, connectivity: int) -> NDArray[np.bool_]:
    import cv2

    if max(mask.shape) > _LONGEST_FLOOD_PX:
        alike = (mask == mask[y, x]).view(np.uint8)
        labels = np.asarray(cv2.connectedComponents(alike, connectivity=connectivity)[1])
        return np.asarray(labels == labels[y, x], np.bool_)
    filled = mask.copy()
    cv2.floodFill(filled, None, (x, y), 128, flags=connectivity)
    return np.asarray(filled == 128, np.bool_)
