"""The shadow that a marked object throws on the ground beside it.

A shadow takes light away and leaves the rest: there the ground is darker by about the same share in red, green and
blue, and its pattern goes on. A dark thing beside the object differs from the ground in colour as well.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

_Map = NDArray[np.float32]
_Mask = NDArray[np.bool_]

#: Never is more than this share of the picture taken for a shadow.
MOST: Final = 0.03
#: The longer side at which the shadow is looked for.
_LOOK_PX: Final = 640
#: How far from the object it may end, and how far round about a place its ground is looked for: in roots of the
#: object's area.
_REACH, _SPREAD = 0.9, 0.5
#: Marks of the ground up to about this size are its pattern.
_PATTERN_SIZE: Final = 0.03
#: How much of an object's height is its lower part, beside and below which a shadow is looked for: the first that does
#: not give too much.
_FEET: Final = (0.5, 0.3, 0.15)
#: How much of its light the ground has left: surely shaded, and at the shadow's soft edge.
_SHADED, _EDGE = 0.86, 0.94
#: Less than this is black, and no ground any more.
_BLACK: Final = 0.18
#: The shares left in red, green and blue differ by no more than this (the sky's light makes shadows a little bluer).
_TINT: Final = 0.16
#: What is shaded is darker than the ground by so many times that ground's own pattern.
_FAR_FROM_PATTERN: Final = 1.6


def shadow_beside(photo: NDArray[np.uint8], mask: NDArray[np.uint8]) -> _Mask:
    """Where the object of a mask (255 where marked) shades the ground; nothing where there is no such place.

    Raises InputError if it would be more than `MOST` of the picture.
    """
    import cv2

    size, scale = photo.shape[1::-1], min(1.0, _LOOK_PX / max(photo.shape))
    small = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    colours = np.asarray(cv2.resize(photo, small, interpolation=cv2.INTER_AREA), np.float32)
    covered = np.asarray(cv2.resize(mask, small, interpolation=cv2.INTER_AREA)) > 127
    if not covered.any() or covered.all():
        return np.zeros(mask.shape, np.bool_)
    shares: list[float] = []
    for foot in _FEET:
        shaded = _shaded(colours, covered, foot)
        large = cv2.resize(shaded.astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR)
        found = np.asarray((large > 127) & (mask == 0), np.bool_)
        # Nothing, where there was too much before, is no answer.
        if found.mean() <= MOST and (found.any() or not shares):
            return found
        shares.append(float(found.mean()))
    raise InputError(
        f"What is dark beside the marked part is {shares[0]:.1%} of the picture, too much for a shadow.",
        advice="Paint the shadow with the brush.",
    )


def _shaded(colours: _Map, covered: _Mask, foot: float) -> _Mask:
    """The shadow beside and below the lower part of what is covered, whose share of its height is given."""
    import cv2

    side = float(np.sqrt(covered.sum()))
    away = np.asarray(cv2.distanceTransform((~covered).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    rows = np.flatnonzero(covered.any(axis=1))
    low = np.arange(len(covered))[:, None] >= rows[-1] - foot * (rows[-1] - rows[0])
    # A camera's numbers are not light: the power makes shares of light of them.
    light = np.power(np.asarray(cv2.bilateralFilter(colours, 5, 20, 3), np.float32) / 255 + 1e-3, np.float32(2.2))
    around = low & (away > 3) & (away <= 2 * _REACH * side)
    ground = _ground(light, around, _SPREAD * side)
    # A blade of grass is dark by itself; what a shadow makes dark is wider.
    left = _blurred(light, ~covered, _PATTERN_SIZE * side) / ground
    share, tint = left.mean(axis=2), left.max(axis=2) - left.min(axis=2)
    # Among a pattern, only what is darker than its own dark places is shade.
    pattern = _FAR_FROM_PATTERN * _pattern(share, around, _SPREAD * side)
    same = low & (away > 0) & (away <= _REACH * side) & (share > _BLACK) & (tint < _TINT + 0.25 * (1 - share))
    same &= ~_black(~covered & ((light / ground).mean(axis=2) < _BLACK), 2 * _PATTERN_SIZE * side)
    dark = (same & (share < np.minimum(_SHADED, 1 - pattern))).astype(np.uint8)
    dark = np.asarray(cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)))
    core = _touching(dark > 0, away <= 3, 1)
    beside = _wider(core, max(2, round(0.06 * side)))
    return np.asarray(core | (same & beside & (share < np.minimum(_EDGE, 1 - 0.6 * pattern))), np.bool_)


def _black(places: _Mask, size: float) -> _Mask:
    """Black things of more than a size, with the soft edge that the blur gave them."""
    import cv2

    px = max(1, round(size))
    things = cv2.morphologyEx(places.astype(np.uint8), cv2.MORPH_OPEN, np.ones((px, px), np.uint8))
    return _wider(np.asarray(things) > 0, 2 * px)


def _ground(light: _Map, around: _Mask, spread: float) -> _Map:
    """The unshaded ground as it would be at each place: the mean of what is bright enough of it nearby."""
    mean, taken = light, around
    for _ in range(3):
        mean = _blurred(light, taken, spread)
        # What is far from its surroundings is the shadow itself, or another thing.
        share = light.mean(axis=2) / np.maximum(mean.mean(axis=2), np.float32(1e-4))
        taken = around & (share > _SHADED) & (share < 2 - _SHADED)
    return np.asarray(np.maximum(mean, 1e-4), np.float32)


def _pattern(share: _Map, around: _Mask, spread: float) -> _Map:
    """How far the ground nearby strays above its own mean: what shade there is lies below."""
    squares = np.asarray(np.minimum(share - 1, 1) ** 2, np.float32)[..., None]
    return np.asarray(np.sqrt(_blurred(squares, around & (share > 1), spread)[..., 0]), np.float32)


def _blurred(values: _Map, where: _Mask, spread: float) -> _Map:
    """The mean of what is there nearby, of one plane or more."""
    import cv2

    weight = np.asarray(cv2.GaussianBlur(where.astype(np.float32), (0, 0), max(0.5, spread)))[..., None]
    total = np.asarray(cv2.GaussianBlur(values * where[..., None], (0, 0), max(0.5, spread))).reshape(values.shape)
    return np.asarray(total / np.maximum(weight, 1e-6), np.float32)


def _touching(places: _Mask, start: _Mask, gap: int) -> _Mask:
    """The pieces of `places` that come within `gap` pixels of `start`."""
    import cv2

    wide = _wider(start, gap)
    _, labels = cv2.connectedComponents(places.astype(np.uint8), connectivity=8)
    chosen = np.unique(labels[places & wide])
    return np.asarray(np.isin(labels, chosen[chosen > 0]), np.bool_)


def _wider(places: _Mask, px: int) -> _Mask:
    import cv2

    return np.asarray(cv2.dilate(places.astype(np.uint8), np.ones((2 * px + 1,) * 2, np.uint8)) > 0, np.bool_)
