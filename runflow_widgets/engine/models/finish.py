"""From votes to a mask: the outline settled, crumbs and pin holes gone."""

from __future__ import annotations

import cv2
import numpy as np

from . import Map, Mask
from .candidates import Clues, settle


def outline(clues: Clues, support: Map) -> Mask:
    """Settle the candidates' weighted votes: what nearly all say is certain, the rest goes by colour."""
    marks = np.where(support > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[support > 0.9] = cv2.GC_FGD
    marks[support < 0.1] = cv2.GC_BGD
    return settle(clues.photo, marks, 2)


def tidy(mask: Mask, *, keep: float = 0.12, hole: float = 0.003) -> Mask:
    """Drop crumbs smaller than `keep` of the largest piece, and fill pin holes smaller than `hole` of the picture."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA]
    large = areas >= keep * areas[1:].max()
    large[0] = False
    kept = large[labels]
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < hole * mask.size
    small[0] = False
    return np.asarray(kept | small[labels], np.bool_)
