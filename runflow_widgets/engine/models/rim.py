"""What is left of an object beside a mask that was drawn a little too small.

A brush seldom meets an outline: a seam of the object stays outside, and the fill would continue it. Within a short
reach of the mask, what is unlike the ground farther off and like the object itself is taken along.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from . import Map, Mask, Photo
from .cutout import shrink, to_lab
from .masks import grown, joined, mean_nearby, unlike_ground

#: The longer side at which the rim is looked for.
_LOOK_PX: Final = 1024
#: How far it is looked for, as a share of the longer side.
_REACH: Final = 0.012
#: Never is more than this share of the photo added.
MOST_ADDED: Final = 0.03
#: What belongs to the object is unlike the ground by so much in Lab, and by so many times the ground's own pattern.
_UNLIKE: Final = 6.0
_FAR_FROM_PATTERN: Final = 2.5
#: And its distance from the object's colours nearby is at most so many times that from the ground's.
_LIKE: Final = 1.2


def with_rim(photo: Photo, mask: Mask) -> Mask:
    """The mask and what is left of the object beside it; the mask itself if that would be more than `MOST_ADDED`."""
    if not mask.any() or mask.all():
        return mask
    small = shrink(photo, _LOOK_PX)
    size = small.shape[1::-1]
    covered = np.asarray(cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 127, np.bool_)
    if not covered.any():
        return mask
    lab = to_lab(small)
    reach = max(2, round(_REACH * max(size)))
    while reach >= 2:
        rim = _rim(lab, covered, reach)
        if rim.mean() <= MOST_ADDED:
            break
        reach //= 2
    else:
        return mask
    if not rim.any():
        return mask
    # One pixel more: the seam's own soft edge.
    seam = grown(rim, 1) & grown(covered, reach)
    large = cv2.resize(seam.astype(np.uint8) * 255, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(mask | (large > 127), np.bool_)


def _rim(lab: Map, mask: Mask, reach: int) -> Mask:
    beside = grown(mask, reach)
    ground = grown(mask, 3 * reach) & ~beside
    if not ground.any():
        return np.zeros_like(mask)
    spread = 1.25 * reach
    away, pattern = unlike_ground(lab, ground, spread)
    inner = np.linalg.norm(lab - mean_nearby(lab, mask, spread), axis=2)
    odd = (away > np.maximum(_UNLIKE, _FAR_FROM_PATTERN * pattern)) & (inner < _LIKE * away)
    return joined(beside & odd | mask, mask) & ~mask
