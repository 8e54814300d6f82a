"""Smooth filling: the surface a rubber skin would take across a hole.

The Laplace equation with the hole's rim as boundary, solved coarse to fine (the membrane interpolant of Poisson image
editing; Pérez, Gangnet & Blake, SIGGRAPH 2003). It is the first guess of `inpaint` and what evens out light.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import Map, Mask

_SWEEPS = 12
_CROSS = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32)


def membrane(values: Map, hole: Mask) -> Map:
    """Fill the hole of a map (height×width×channels) smoothly from its rim; the rest stays as it is."""
    height, width = hole.shape
    if not hole.any():
        return values.copy()
    if min(height, width) <= 4 or hole.all():
        filled = values.copy()
        filled[hole] = values[~hole].mean(axis=0) if not hole.all() else 0
        return filled
    known = (~hole).astype(np.float32)
    size = ((width + 1) // 2, (height + 1) // 2)
    share = np.asarray(cv2.resize(known, size, interpolation=cv2.INTER_AREA), np.float32)
    total = _resize(values * known[..., None], size, cv2.INTER_AREA)
    total /= np.maximum(share, 1e-4)[..., None]
    coarse = membrane(total, share < 0.25)
    filled = np.where(hole[..., None], _resize(coarse, (width, height), cv2.INTER_LINEAR), values)
    return _relax(filled.astype(np.float32), hole)


def _resize(values: Map, size: tuple[int, int], method: int) -> Map:
    resized = np.asarray(cv2.resize(values, size, interpolation=method), np.float32)
    # OpenCV drops a last axis of length one.
    return resized.reshape(size[1], size[0], values.shape[2])


def _relax(values: Map, hole: Mask) -> Map:
    rows, columns = np.nonzero(hole.any(axis=1))[0], np.nonzero(hole.any(axis=0))[0]
    box = (slice(max(0, rows[0] - 1), rows[-1] + 2), slice(max(0, columns[0] - 1), columns[-1] + 2))
    part, inside = values[box].copy(), hole[box].astype(np.uint8)
    for _ in range(_SWEEPS):
        cv2.copyTo(cv2.filter2D(part, -1, _CROSS, borderType=cv2.BORDER_REFLECT_101), inside, part)
    values[box] = part
    return values
