"""From votes to a mask: the outline settled, crumbs and pin holes gone."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from . import Map, Mask
from .candidates import Clues, settle

#: A piece smaller than this share of the largest is no piece of its own.
_CRUMB: Final = 0.03
#: One smaller than this needs the votes: so many of them on the mean.
_SUBJECT: Final = 0.12
_BELIEVED: Final = 0.75


def outline(clues: Clues, support: Map) -> Mask:
    """Settle the candidates' weighted votes: what nearly all say is certain, the rest goes by colour."""
    marks = np.where(support > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[support > 0.9] = cv2.GC_FGD
    marks[support < 0.1] = cv2.GC_BGD
    return settle(clues.photo, marks, 2)


def tidy(mask: Mask, *, hole: float = 0.003, votes: Map | None = None) -> Mask:
    """Drop crumbs, and fill pin holes smaller than `hole` of the picture.

    Beside a large piece a smaller one may be a second subject: with `votes`, it stays if these are for it.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA]
    share = areas / areas[1:].max()
    kept = share >= _CRUMB
    if votes is not None:
        believed = np.bincount(labels.ravel(), votes.ravel(), count) / np.maximum(areas, 1) > _BELIEVED
        kept &= believed | (share >= _SUBJECT)
    kept[0] = False
    whole = kept[labels]
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~whole).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < hole * mask.size
    small[0] = False
    return np.asarray(whole | small[labels], np.bool_)
