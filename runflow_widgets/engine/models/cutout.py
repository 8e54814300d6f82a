"""Cutting out: which pixels belong to the subject, and how sure that is.

A network says how likely each pixel is the subject (`subject_nets`). Where that is likelier than not, without crumbs
and pin holes, is the mask; how far network and mask agree is the confidence. The edge itself is `matting`'s job.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from . import Map, Mask, Photo, Report, quiet
from .subject_nets import SubjectNet, bundled

__all__ = ["DOUBTFUL", "Cutout", "cut_out", "shrink", "tidy", "to_lab"]

#: Cut-outs less sure than this are worth a look. `tests/benchmarks/README.md` has how many of the bad ones that finds.
DOUBTFUL: Final = 0.65
#: The agreement of network and mask at which the confidence is `DOUBTFUL`, and the one from which it is 0.
_HALF_SURE: Final = 0.845
_UNSURE: Final = 0.6
#: The longer side of the mask.
_MASK_PX: Final = 640
#: A piece smaller than this share of the largest is no piece of its own.
_CRUMB: Final = 0.03
#: One smaller than this must be likely: so much on the mean.
_SUBJECT: Final = 0.12
_LIKELY: Final = 0.75
#: A hole smaller than this share of the picture is a pin hole.
_PIN_HOLE: Final = 0.0004


@dataclass(frozen=True, slots=True)
class Cutout:
    """The subject of a photo.

    Attributes:
        mask: Where it is, at most 640 px long; empty if there is none.
        confidence: How sure that is, from 0 to 1; below `DOUBTFUL` it is worth a look.
        network: Which network saw it.
    """

    mask: Mask
    confidence: float
    network: str


def cut_out(photo: Photo, net: SubjectNet | None = None, report: Report = quiet) -> Cutout:
    """Find the subject of a photo with a network, or with the bundled one."""
    net = net or bundled()
    report(0.1, f"looking for the subject with {net.name}")
    likely = net.look_at(photo)
    report(0.9, "settling the outline")
    size = shrunk_size(photo.shape, _MASK_PX)
    whole = np.asarray(cv2.resize(likely, size, interpolation=cv2.INTER_LINEAR), np.float32)
    mask = tidy(whole > 0.5, likely=whole)
    return Cutout(mask, _confidence(whole, mask), net.name)


def _confidence(likely: Map, mask: Mask) -> float:
    """A straight line through what agreement of 1, of a half-sure network and of an unsure one are worth."""
    if not mask.any():
        return 0.0
    known = (_UNSURE, _HALF_SURE, 1.0), (0.0, DOUBTFUL, 1.0)
    return round(float(np.interp(agreement(mask, likely), *known)), 3)


def agreement(mask: Mask, likely: Map) -> float:
    """How far a mask is what a network sees: their overlap, in which an unsure pixel counts by its share."""
    return float(np.minimum(mask, likely).sum() / max(1e-6, float(np.maximum(mask, likely).sum())))


def tidy(mask: Mask, *, likely: Map | None = None) -> Mask:
    """Drop crumbs and fill pin holes.

    Beside a large piece a small one may be a second subject: with `likely`, it stays if it is.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA]
    share = areas / areas[1:].max()
    kept = share >= _CRUMB
    if likely is not None:
        sure = np.bincount(labels.ravel(), likely.ravel(), count) / np.maximum(areas, 1) > _LIKELY
        kept &= sure | (share >= _SUBJECT)
    kept[0] = False
    whole = kept[labels]
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~whole).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < _PIN_HOLE * mask.size
    small[0] = False
    return np.asarray(whole | small[labels], np.bool_)


def shrink(photo: Photo, longest_px: int) -> Photo:
    """The photo with its longer side at most `longest_px`."""
    size = shrunk_size(photo.shape, longest_px)
    if size == photo.shape[1::-1]:
        return photo
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)


def shrunk_size(shape: tuple[int, ...], longest_px: int) -> tuple[int, int]:
    """Width and height of a picture whose longer side is made `longest_px` at most."""
    height, width = shape[:2]
    scale = min(1.0, longest_px / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def to_lab(photo: Photo) -> Map:
    """CIE Lab in its natural units, in which distances look as far as they are."""
    return np.asarray(cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
