"""What every way of finding an outline needs: colours that speak for one side, GrabCut, and pieces set right."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .closeup import Closeup, Map, Mask, Photo, Point
from .patch import Box, extent

#: How many steps each channel has where colours are counted.
_STEPS: Final = 12
#: A click stands for a small disc, not for a single pixel that may be noise.
_CLICK_PX: Final = 3.0
#: The share of the view's longer side, as a divisor, that is looked at around what is possible.
_AROUND: Final = 4


def likeness(lab: Photo, here: Map, there: Map) -> Map:
    """How much rather each pixel's colour is found `here` than `there` (two weightings of the pixels), from 0 to 1."""
    import cv2

    index = colour_index(lab)
    mine, other = colour_counts(index, here), colour_counts(index, there)
    little = 1e-5
    ratio = ((mine + little) / (mine + other + 2 * little))[index].astype(np.float32)
    return np.asarray(cv2.GaussianBlur(ratio, (0, 0), 1.5), np.float32)


def colour_index(lab: Photo) -> NDArray[np.int64]:
    """The number of each pixel's colour, for `colour_counts`."""
    steps = lab.astype(np.int64) * _STEPS // 256
    return np.asarray((steps[..., 0] * _STEPS + steps[..., 1]) * _STEPS + steps[..., 2], np.int64)


def colour_counts(index: NDArray[np.int64], weight: Map) -> Map:
    """How often each colour occurs, as shares; each counts a little for its neighbours too."""
    counted = np.bincount(index.ravel(), weight.ravel().astype(np.float64), _STEPS**3)
    counts = np.asarray(counted, np.float64).reshape((_STEPS,) * 3)
    for axis in range(3):
        counts = (np.roll(counts, 1, axis) + 2 * counts + np.roll(counts, -1, axis)) / 4
    return (counts / max(float(counts.sum()), 1e-9)).ravel().astype(np.float32)


def settle(view: Closeup, likely: Mask, possible: Mask, *, sure: Mask | None = None, rounds: int = 3) -> Mask:
    """GrabCut (Rother, Kolmogorov & Blake, SIGGRAPH 2004) from a first guess; what the clicks say stays as it is.

    Args:
        likely: The first guess.
        possible: Outside it is background for sure.
        sure: What is foreground for sure.
    """
    import cv2

    marks = np.where(likely & possible, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[~possible] = cv2.GC_BGD
    if sure is not None:
        marks[sure & possible] = cv2.GC_FGD
    _stamp(marks, view.clicks.yes, cv2.GC_FGD)
    _stamp(marks, view.clicks.no, cv2.GC_BGD)
    # Far background costs time and teaches little.
    window = (extent(possible) or Box.whole(view.size)).widened(max(view.size) // _AROUND).clipped(view.size)
    part = np.ascontiguousarray(marks[window.slices])
    foreground = np.count_nonzero(part & 1)
    # Each side's colour model has five parts and cannot be fitted to fewer pixels than some.
    if min(foreground, part.size - foreground) >= 10:
        cv2.setRNGSeed(0)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        photo = np.ascontiguousarray(view.calm[window.slices])
        cv2.grabCut(photo, part, (0, 0, 1, 1), *models, rounds, cv2.GC_INIT_WITH_MASK)
    mask = np.zeros(marks.shape, np.bool_)
    mask[window.slices] = part & 1
    return mask


def _stamp(marks: Photo, points: tuple[Point, ...], value: int) -> None:
    for x, y in points:
        marks[squared_distance(marks.shape, (x, y)) <= _CLICK_PX**2] = value


def squared_distance(shape: tuple[int, ...], point: Point) -> Map:
    """How far each pixel is from a point, squared."""
    columns, rows = np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32)
    return (rows[:, None] - point[1]) ** 2 + (columns - point[0]) ** 2


def pieces_at(mask: Mask, points: tuple[Point, ...]) -> Mask:
    """The pieces of a mask that hold one of the points, their holes filled."""
    import cv2

    _, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    numbers = {int(labels[y, x]) for x, y in points} - {0}
    return _filled(np.isin(labels, list(numbers)), hole=1.0)


def large_pieces(mask: Mask, *, least: float = 0.12, hole: float = 0.01) -> Mask:
    """The mask without pieces much smaller than its largest, and with small holes filled."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    if count < 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA]
    large = areas >= least * areas[1:].max()
    large[0] = False
    return _filled(np.asarray(large[labels], np.bool_), hole=hole)


def _filled(mask: Mask, *, hole: float) -> Mask:
    """Fill holes up to that share of the mask; what is open to the picture's edge is none."""
    import cv2

    rimmed = cv2.copyMakeBorder((~mask).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rimmed, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] <= hole * mask.sum()
    small[[0, labels[0, 0]]] = False
    return np.asarray(mask | small[labels][1:-1, 1:-1], np.bool_)
