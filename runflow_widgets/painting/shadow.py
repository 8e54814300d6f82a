"""Find the shadow that a marked object casts on the ground beside it.

In a shadow, red, green and blue lose about the same share of their light, and the pattern of the ground stays visible.
A dark object usually differs from the ground in colour as well.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

_Map = NDArray[np.float32]
_Mask = NDArray[np.bool_]

#: A shadow is at most this share of the picture.
MOST: Final = 0.03
#: The picture is shrunk to this length of its longer side before the search.
_LOOK_PX: Final = 640
#: Lengths relative to the square root of the object's area: how far a shadow may reach, the radius over which the
#: brightness of the ground is averaged, and the size of details that belong to the ground's pattern.
_REACH, _SPREAD, _PATTERN_SIZE = 0.9, 0.5, 0.03
#: A shadow lies beside and below the lower part of the object. These shares of its height are tried in turn, until
#: the result is small enough.
_LOWER_PARTS: Final = (0.5, 0.3, 0.15)
#: The share of the ground's light that is left in a shadow, and at its soft edge.
_SHADED, _EDGE = 0.86, 0.94
#: With less light than this it is something black, not shaded ground.
_BLACK: Final = 0.18
#: How much that share may differ between red, green and blue; the light of the sky makes shadows slightly blue.
_TINT: Final = 0.16
#: A shadow must be darker than the ground by this many times the variation of the ground itself.
_FAR_FROM_PATTERN: Final = 1.6


def shadow_beside(photo: NDArray[np.uint8], mask: NDArray[np.uint8]) -> _Mask:
    """The shadow of the object that a mask covers (255 where marked); empty if none is found.

    Raises:
        InputError: What looks like a shadow is more than `MOST` of the picture.
    """
    import cv2

    size, scale = photo.shape[1::-1], min(1.0, _LOOK_PX / max(photo.shape))
    small = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    colours = np.asarray(cv2.resize(photo, small, interpolation=cv2.INTER_AREA), np.float32)
    covered = np.asarray(cv2.resize(mask, small, interpolation=cv2.INTER_AREA)) > 127
    if not covered.any() or covered.all():
        return np.zeros(mask.shape, np.bool_)
    # Pixel values are not proportional to light; raised to this power, they nearly are.
    light = np.power(np.asarray(cv2.bilateralFilter(colours, 5, 20, 3), np.float32) / 255 + 1e-3, np.float32(2.2))
    rows = np.flatnonzero(covered.any(axis=1))
    shares: list[float] = []
    for part in _LOWER_PARTS:
        low = np.arange(len(covered))[:, None] >= rows[-1] - part * (rows[-1] - rows[0])
        large = cv2.resize(_shaded(light, covered, low).astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR)
        found = np.asarray((large > 127) & (mask == 0), np.bool_)
        # An empty result after one that was too large does not mean that there is no shadow.
        if found.mean() <= MOST and (found.any() or not shares):
            return found
        shares.append(float(found.mean()))
    raise InputError(
        f"What is dark beside the marked part is {shares[0]:.1%} of the picture, too much for a shadow.",
        advice="Paint the shadow with the brush.",
    )


def _shaded(light: _Map, covered: _Mask, low: _Mask) -> _Mask:
    """The shadow in the rows that are `low` enough."""
    import cv2

    side = float(np.sqrt(covered.sum()))
    away = np.asarray(cv2.distanceTransform((~covered).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    around = low & (away > 3) & (away <= 2 * _REACH * side)
    ground = _ground(light, around, _SPREAD * side)
    # Single dark details, such as blades of grass, are smaller than a shadow: average them away.
    left = _mean_nearby(light, ~covered, _PATTERN_SIZE * side) / ground
    share, tint = left.mean(axis=2), left.max(axis=2) - left.min(axis=2)
    pattern = _FAR_FROM_PATTERN * _pattern(share, around, _SPREAD * side)
    same = low & (away > 0) & (away <= _REACH * side) & (share > _BLACK) & (tint < _TINT + 0.25 * (1 - share))
    same &= ~_black(~covered & ((light / ground).mean(axis=2) < _BLACK), 2 * _PATTERN_SIZE * side)
    dark = (same & (share < np.minimum(_SHADED, 1 - pattern))).astype(np.uint8)
    dark = np.asarray(cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)))
    core = _touching(dark > 0, away <= 3)
    beside = _wider(core, max(2, round(0.06 * side)))
    return np.asarray(core | (same & beside & (share < np.minimum(_EDGE, 1 - 0.6 * pattern))), np.bool_)


def _black(places: _Mask, size: float) -> _Mask:
    """Black objects larger than `size`, with the soft edge that averaging gave them."""
    import cv2

    px = max(1, round(size))
    things = cv2.morphologyEx(places.astype(np.uint8), cv2.MORPH_OPEN, np.ones((px, px), np.uint8))
    return _wider(np.asarray(things) > 0, 2 * px)


def _ground(light: _Map, around: _Mask, spread: float) -> _Map:
    """How bright the ground would be at each pixel without the shadow: a local mean that leaves outliers out."""
    mean, taken = light, around
    for _ in range(3):
        mean = _mean_nearby(light, taken, spread)
        # Pixels far from this mean belong to the shadow itself or to another object.
        share = light.mean(axis=2) / np.maximum(mean.mean(axis=2), np.float32(1e-4))
        taken = around & (share > _SHADED) & (share < 2 - _SHADED)
    return np.asarray(np.maximum(mean, 1e-4), np.float32)


def _pattern(share: _Map, around: _Mask, spread: float) -> _Map:
    """The local variation of the ground, measured on pixels brighter than its mean: the darker ones may be shadow."""
    squares = np.asarray(np.minimum(share - 1, 1) ** 2, np.float32)[..., None]
    return np.asarray(np.sqrt(_mean_nearby(squares, around & (share > 1), spread)[..., 0]), np.float32)


def _mean_nearby(values: _Map, where: _Mask, spread: float) -> _Map:
    """The local mean of one or more planes, over the pixels of `where` only."""
    import cv2

    weight = np.asarray(cv2.GaussianBlur(where.astype(np.float32), (0, 0), max(0.5, spread)))[..., None]
    total = np.asarray(cv2.GaussianBlur(values * where[..., None], (0, 0), max(0.5, spread))).reshape(values.shape)
    return np.asarray(total / np.maximum(weight, 1e-6), np.float32)


def _touching(places: _Mask, start: _Mask) -> _Mask:
    """The connected pieces of `places` that touch `start`."""
    import cv2

    wide = _wider(start, 1)
    _, labels = cv2.connectedComponents(places.astype(np.uint8), connectivity=8)
    chosen = np.unique(labels[places & wide])
    return np.asarray(np.isin(labels, chosen[chosen > 0]), np.bool_)


def _wider(places: _Mask, px: int) -> _Mask:
    import cv2

    return np.asarray(cv2.dilate(places.astype(np.uint8), np.ones((2 * px + 1,) * 2, np.uint8)) > 0, np.bool_)
