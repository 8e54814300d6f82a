"""What anybody would ask of a filled hole, as numbers: nothing in it that its surroundings do not hold."""

from __future__ import annotations

import cv2
import numpy as np

#: So many grey levels a smooth picture may differ from all there is around a hole: grain that was left in it.
_LEVELS = 14


def out_of_range(filled: np.ndarray, hole: np.ndarray) -> float:
    """The share of filled pixels that are darker or brighter, in any colour, than all that is known."""
    if not hole.any():
        return 0.0
    calm = cv2.GaussianBlur(filled, (0, 0), 2.0).astype(np.int16)
    known = calm[cv2.dilate(hole.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0]
    low, high = known.min(axis=0) - _LEVELS, known.max(axis=0) + _LEVELS
    inside = calm[hole]
    return float(((inside < low) | (inside > high)).any(axis=1).mean())


def core_texture(filled: np.ndarray, hole: np.ndarray) -> float:
    """Fine texture in the deep half of a hole, in units of what the calmest tenth of the surroundings have."""
    depth = cv2.distanceTransform(np.pad(hole, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    picture = filled.astype(np.float32)
    fine = cv2.blur(np.abs(picture - cv2.GaussianBlur(picture, (0, 0), 2.5)).mean(axis=2), (31, 31))
    around = cv2.dilate(hole.astype(np.uint8), np.ones((31, 31), np.uint8)) == 0
    return float(fine[depth > depth.max() / 2].mean() / (np.percentile(fine[around], 10) + 1e-3))
