"""Shapes as runs of pixels, by arithmetic that the browser does in the same way, bit for bit.

A pixel belongs to a shape when its centre does. Only +, −, ×, ÷ and the square root are used, each of which IEEE 754
fixes to the last bit, in the same order as in `mask_pad.js`: so what the browser paints while a stroke goes on is what
the mask gets afterwards. No anti-aliasing: a mask has two values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .patch import Box, Patch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: The smallest disc that always holds the centre of a pixel, wherever it lies.
LEAST_RADIUS: Final = 0.7072
#: Segments are filled in groups, so that a long stroke does not need a large box for each of its parts.
_GROUP: Final = 8


def stroke(points: ArrayLike, size: tuple[int, int]) -> Patch:
    """What a round brush covers on its way; each point is x, y and the brush's radius there.

    Example:
        >>> stroke([(10, 10, 4), (60, 30, 4)], (100, 80)).box
        Box(left=6, top=6, right=65, bottom=35)
    """
    ends = _rows(points, 3)
    ends[:, 2] = np.maximum(ends[:, 2], LEAST_RADIUS)
    starts = ends[:-1] if len(ends) > 1 else ends
    ends = ends[1:] if len(ends) > 1 else ends
    extent = np.concatenate([starts, ends])
    box = _box(
        (extent[:, 0] - extent[:, 2]).min(),
        (extent[:, 1] - extent[:, 2]).min(),
        (extent[:, 0] + extent[:, 2]).max(),
        (extent[:, 1] + extent[:, 2]).max(),
        size,
    )
    marked = np.zeros((box.height, box.width), bool)
    for first in range(0, len(starts), _GROUP):
        group = slice(first, first + _GROUP)
        part = _stroke_part(starts[group], ends[group], size)
        if part.box:
            rows, columns = part.box.slices
            inside = marked[
                rows.start - box.top : rows.stop - box.top, columns.start - box.left : columns.stop - box.left
            ]
            np.logical_or(inside, part.marked, out=inside)
    return Patch(box, marked)


def _stroke_part(starts: NDArray[np.float64], ends: NDArray[np.float64], size: tuple[int, int]) -> Patch:
    reach = np.concatenate([starts, ends])
    top = max(0, int(np.floor((reach[:, 1] - reach[:, 2]).min())))
    bottom = min(size[1], int(np.ceil((reach[:, 1] + reach[:, 2]).max())) + 1)
    centres = np.arange(top, max(top, bottom), dtype=np.float64) + 0.5
    left, right = _stroke_spans(starts[:, None, :], ends[:, None, :], centres[None, :])
    rows = np.broadcast_to(np.arange(top, max(top, bottom)), left.shape)
    return _filled(rows.ravel(), left.ravel(), right.ravel(), size)


def _stroke_spans(
    start: NDArray[np.float64], end: NDArray[np.float64], centre: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The left and right end of each segment in each row; where there is none, left is the larger one."""
    ax, ay, ar = start[..., 0], start[..., 1], start[..., 2]
    bx, by, br = end[..., 0], end[..., 1], end[..., 2]
    left = np.full(np.broadcast_shapes(ax.shape, centre.shape), np.inf)
    right = -left
    for x, y, radius in ((ax, ay, ar), (bx, by, br)):
        away = centre - y
        square = radius * radius - away * away
        half = np.sqrt(np.maximum(square, 0))
        left = np.where(square >= 0, np.minimum(left, x - half), left)
        right = np.where(square >= 0, np.maximum(right, x + half), right)
    dx, dy = bx - ax, by - ay
    length = np.sqrt(dx * dx + dy * dy)
    safe = np.where(length > 0, length, 1.0)
    across_x, across_y = -dy / safe, dx / safe
    corners = (
        (ax + across_x * ar, ay + across_y * ar),
        (bx + across_x * br, by + across_y * br),
        (bx - across_x * br, by - across_y * br),
        (ax - across_x * ar, ay - across_y * ar),
    )
    for (px, py), (qx, qy) in zip(corners, (*corners[1:], corners[0]), strict=True):
        crosses = ((py <= centre) != (qy <= centre)) & (length > 0)
        rise = np.where(crosses, qy - py, 1.0)
        at = px + (centre - py) * (qx - px) / rise
        left = np.where(crosses, np.minimum(left, at), left)
        right = np.where(crosses, np.maximum(right, at), right)
    return left, right


def rectangle(left: float, top: float, right: float, bottom: float, size: tuple[int, int]) -> Patch:
    """The pixels whose centres lie between two corners, given in any order."""
    left, right = min(left, right), max(left, right)
    top, bottom = min(top, bottom), max(top, bottom)
    rows = np.arange(max(0, _ceil(top - 0.5)), min(size[1], _floor(bottom - 0.5) + 1))
    return _filled(rows, np.full(len(rows), left), np.full(len(rows), right), size)


def ellipse(left: float, top: float, right: float, bottom: float, size: tuple[int, int]) -> Patch:
    """The ellipse that touches the sides of a box, its corners given in any order."""
    centre_x, centre_y = (left + right) / 2, (top + bottom) / 2
    radius_x, radius_y = abs(right - left) / 2, abs(bottom - top) / 2
    if radius_y == 0:
        return _nothing()
    rows = np.arange(max(0, _floor(centre_y - radius_y)), min(size[1], _ceil(centre_y + radius_y) + 1))
    away = (rows + 0.5 - centre_y) / radius_y
    square = 1 - away * away
    half = radius_x * np.sqrt(np.maximum(square, 0))
    inside = square >= 0
    return _filled(rows[inside], (centre_x - half)[inside], (centre_x + half)[inside], size)


def polygon(points: ArrayLike, size: tuple[int, int]) -> Patch:
    """The inside of a closed line; where it winds round twice is inside too."""
    corners = _rows(points, 2)
    following = np.roll(corners, -1, axis=0)
    top = max(0, _floor(corners[:, 1].min()))
    bottom = min(size[1], _ceil(corners[:, 1].max()) + 1)
    found: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]] = []
    for (px, py), (qx, qy) in zip(corners, following, strict=True):
        low, high = max(top, _floor(min(py, qy)) - 1), min(bottom, _ceil(max(py, qy)) + 1)
        rows = np.arange(low, max(low, high))
        centre = rows + 0.5
        rows, centre = (part[(py <= centre) != (qy <= centre)] for part in (rows, centre))
        if len(rows):
            found.append((rows, px + (centre - py) * (qx - px) / (qy - py), np.full(len(rows), 1 if py <= qy else -1)))
    if not found:
        return _nothing()
    rows, at, turn = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((at, rows))
    rows, at, winding = rows[order], at[order], np.cumsum(turn[order])
    # In each row the windings add up to nothing, so the sum over all of them begins anew with every row.
    ends = winding == 0
    begins = np.concatenate([[True], ends[:-1]])
    return _filled(rows[begins], at[begins], at[ends], size)


def _filled(
    rows: NDArray[np.int64], left: NDArray[np.float64], right: NDArray[np.float64], size: tuple[int, int]
) -> Patch:
    """Fill runs, given by where they begin and end, in one pass whatever their number."""
    real = left <= right
    rows, left, right = rows[real], left[real], right[real]
    first = np.maximum(np.ceil(left - 0.5), 0).astype(np.int64)
    last = np.minimum(np.floor(right - 0.5), size[0] - 1).astype(np.int64)
    real = first <= last
    if not real.any():
        return _nothing()
    rows, first, last = rows[real], first[real], last[real]
    box = Box(int(first.min()), int(rows.min()), int(last.max()) + 1, int(rows.max()) + 1)
    steps = np.zeros((box.height, box.width + 1), np.int16)
    np.add.at(steps, (rows - box.top, first - box.left), 1)
    np.add.at(steps, (rows - box.top, last + 1 - box.left), -1)
    return Patch(box, np.cumsum(steps, axis=1, dtype=np.int16)[:, :-1] > 0)


def _rows(points: ArrayLike, width: int) -> NDArray[np.float64]:
    # Coordinates travel as 32-bit floats, so both sides must begin from the same rounded ones.
    return np.array(points, np.float32).reshape(-1, width).astype(np.float64)


def _box(left: float, top: float, right: float, bottom: float, size: tuple[int, int]) -> Box:
    return Box(_floor(left), _floor(top), _ceil(right) + 1, _ceil(bottom) + 1).clipped(size)


def _nothing() -> Patch:
    return Patch(Box(0, 0, 0, 0), np.zeros((0, 0), bool))


def _floor(value: float) -> int:
    return int(np.floor(value))


def _ceil(value: float) -> int:
    return int(np.ceil(value))
