"""The subject of a studio shot: all that is neither the fitted backdrop, nor its shadow, nor the blur of an edge.

A shadow multiplies all channels of what it falls on by about the same factor (chromaticity is preserved: Finlayson,
Hordley & Drew, ECCV 2002) and ends softly. So it is what one reaches from the backdrop by soft steps through colours
that are a darkened backdrop; the subject's own edge stops the walk. Where the subject is grey before grey, the walk
may leak into it; what the network is sure of is no shadow, and a walk that takes more than a shadow could is not
believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np

from . import Map, Mask
from .backdrop import border_of
from .candidates import Clues
from .masks import joined

#: The steepest step in Lab lightness or colour, per pixel at working size, that a shadow has.
_SOFT: Final = 1.4
#: The same where nothing but the shadow itself speaks for a subject.
_HARD: Final = 4.5
#: The same for the dark corner under a subject, and its share of a subject at most.
_RIM: Final = 7.0
_CREVICE: Final = 0.05
#: Where the network sees so much of a subject, no shadow is believed; where so little, a harder one is; and where it
#: sees no more than this, a dark corner.
_SUBJECT: Final = 0.97
_NO_SUBJECT: Final = 0.15
_EITHER: Final = 0.55
#: In a hole of the subject, so much shade is believed, as a share of what is plainly backdrop there.
_SHADE: Final = 0.5
#: The darkest shadow, as the logarithm of the light that is left.
_DARKEST: Final = -1.1
#: A walk that takes more than this share of what the candidates agree on has leaked into the subject.
_LEAK: Final = 0.3
#: A pixel this far from the backdrop, as a share of the farthest nearby, is more subject than backdrop.
_HALF: Final = 0.5


class Studio:
    """A shot before a fitted backdrop: what of it is plainly backdrop, and what may be shadow."""

    def __init__(self, clues: Clues) -> None:
        self._clues = clues
        self._familiar = clues.backdrop.strange < 0.5
        self._plain = self._familiar | _blurred_edge(clues, self._familiar)
        kinds = _shadows(clues, (0.12, _SOFT), (0.3, _RIM), (0.3, _HARD), (0.5, _HARD))
        self._soft, self._rim, self._hard, self._warm = kinds

    def subject(self, common: Mask) -> Mask:
        """The subject; `common` is what the candidates agree on."""
        clues, plain = self._clues, self._plain
        shadow = (self._soft & (clues.likely < _SUBJECT)) | (self._hard & (clues.likely < _NO_SUBJECT))
        walked = _reached(plain, plain | shadow)
        if (walked & ~plain & common).sum() > _LEAK * common.sum():
            walked = _reached(plain, plain)
        further = _reached(plain, plain | shadow | (self._rim & (clues.likely < _EITHER)))
        if (further & ~walked & common).sum() < _CREVICE * common.sum():
            walked |= further
        # What the candidates do not have is added only if it is no shadow of a warmer or harder kind either.
        doubtful = _reached(plain, ~common & (plain | self._warm))
        mask = ~walked & ~doubtful
        holes = _shaded(_holes(mask & self._familiar, clues, common), mask & (plain | self._hard))
        # A hole is wider than what is plainly backdrop by the blur of its rim.
        rim = cv2.dilate(holes.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        return np.asarray(mask & ~holes & ~(rim & plain), np.bool_)

    def unexplained(self, masks: Mapping[str, Mask]) -> dict[str, float]:
        """How much each mask leaves out that is neither backdrop nor shadow, and how much of it is plainly backdrop."""
        strange = ~_reached(self._plain, self._plain | self._warm)
        whole = max(1, strange.sum())
        return {
            name: float((strange & ~mask).sum() / whole + (self._familiar & mask).sum() / max(1, mask.sum()))
            for name, mask in masks.items()
        }


def _blurred_edge(clues: Clues, familiar: Mask) -> Mask:
    """Next to the backdrop, what is more backdrop than subject."""
    far = np.linalg.norm(clues.lab - clues.backdrop.lab, axis=2)
    reach = max(3, round(0.024 * max(far.shape)) | 1)
    most = cv2.blur(cv2.dilate(far, np.ones((reach, reach), np.uint8)), (3, 3))
    beside = cv2.dilate(familiar.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return np.asarray(beside & (far < _HALF * most), np.bool_)


def _shadows(clues: Clues, *kinds: tuple[float, float]) -> list[Mask]:
    """Soft places where the colour is the backdrop's under less light.

    Of each kind of shadow it is said how far it may change the hue, and how steep it may be.
    """
    behind = np.clip(cv2.cvtColor(clues.backdrop.lab, cv2.COLOR_LAB2RGB) * 255, 0, 255)
    red, green, blue = cv2.split(np.log(clues.photo.astype(np.float32) + 6) - np.log(behind + 6))
    light = (red + green + blue) / 3
    tint = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    grain = float(np.median(tint[border_of(tint.shape[0], tint.shape[1], 0.06)]))
    shaded, steps = (light < 0) & (light > _DARKEST), _steps(clues.lab)
    return [
        np.asarray(shaded & (tint < 0.02 + 2 * max(0.02, grain) - hue * light) & (steps < steepest), np.bool_)
        for hue, steepest in kinds
    ]


def _steps(lab: Map) -> Map:
    steepest: Map = np.zeros(lab.shape[:2], np.float32)
    for channel in range(3):
        plane = cv2.GaussianBlur(np.ascontiguousarray(lab[..., channel]), (0, 0), 0.8)
        slope = np.hypot(cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)) / 8
        steepest = np.maximum(steepest, slope)
    return steepest


def _reached(plain: Mask, passable: Mask) -> Mask:
    """What the walk from the frame's plain backdrop gets to."""
    return joined(passable, border_of(plain.shape[0], plain.shape[1], 0.02) & plain, corners=False)


def _holes(enclosed: Mask, clues: Clues, common: Mask) -> Mask:
    """Enclosed backdrop: most candidates say so, or it hardly differs from the fit; a few pixels of it are chance.

    A large hole may show a wall that is not quite as fitted, such as a horizon.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(enclosed.astype(np.uint8), connectivity=4)
    area = np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
    strange = np.bincount(labels.ravel(), clues.backdrop.strange.ravel(), count) / area
    agreed = np.bincount(labels.ravel(), common.ravel(), count) / area < 0.5
    agreed &= (strange < 0.12) | ((strange < 0.3) & (area > 0.001 * enclosed.size))
    large = (area >= 5) & (agreed | ((strange < 0.06) & (area < 0.03 * common.sum())))
    large[0] = False
    return np.asarray(large[labels], np.bool_)


def _shaded(holes: Mask, shade: Mask) -> Mask:
    """The holes with the shade in them; what is much larger than its hole is no shade but the subject itself."""
    count, labels = cv2.connectedComponents((shade | holes).astype(np.uint8), connectivity=4)
    inside = np.bincount(labels.ravel(), holes.ravel(), count)
    beside = np.bincount(labels.ravel(), ~holes.ravel(), count)
    kept = (inside > 0) & (beside < _SHADE * inside)
    kept[0] = False
    return np.asarray(holes | kept[labels], np.bool_)
