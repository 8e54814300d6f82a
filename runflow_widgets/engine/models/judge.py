"""Judging an outline without knowing the truth: a few cues that good cut-outs share.

The cues are those of the classic literature on choosing among segment proposals (Carreira & Sminchisescu, CVPR 2010):
edges under the outline, colours inside unlike those outside, compact shape, little contact with the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from . import Map, Mask

_LAB_FLOOR: Final = np.array([0, 64, 64], np.float32)
_LAB_RANGE: Final = np.array([100.01, 128.01, 128.01], np.float32)


@dataclass(frozen=True, slots=True)
class Judgement:
    """`score` orders candidates; `quality` (0 to 1) says how good the outline is by itself."""

    score: float
    quality: float


def judge(mask: Mask, lab: Map, prior: Map) -> Judgement:
    """Weigh the cues of one candidate."""
    share = float(mask.mean())
    if not 0 < share < 1:
        return Judgement(-1.0, 0.0)
    edges = edge_support(mask, lab)
    overlap = colour_overlap(mask, lab)
    touch = float(np.mean([mask[0].mean(), mask[-1].mean(), mask[:, 0].mean(), mask[:, -1].mean()]))
    lift = float(prior[mask].mean() - prior[~mask].mean())
    size = 1.0 if 0.03 < share < 0.75 else 0.0
    score = 0.9 * edges - 0.5 * overlap - 0.8 * touch + 0.6 * lift + 0.25 * solidity(mask) + 0.25 * size
    return Judgement(score, float(np.clip(0.5 * edges + 0.5 * (1 - overlap) - 0.5 * touch, 0, 1)))


def edge_support(mask: Mask, lab: Map) -> float:
    """How strong the picture's edges are along the outline, 0 to 1."""
    strength: Map = np.zeros(mask.shape, np.float32)
    for channel in range(3):
        plane = cv2.GaussianBlur(np.ascontiguousarray(lab[..., channel]), (0, 0), 1)
        slope = np.hypot(cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1))
        strength = np.maximum(strength, slope.astype(np.float32))
    strength /= np.percentile(strength, 98) + 1e-6
    strength = np.asarray(cv2.dilate(strength, np.ones((3, 3), np.uint8)), np.float32)
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1)
    outline = mask & (inner == 0)
    return float(np.clip(strength[outline], 0, 1).mean()) if outline.any() else 0.0


def colour_overlap(mask: Mask, lab: Map) -> float:
    """How alike the colours inside and outside are (Bhattacharyya coefficient of two histograms), 0 to 1."""
    bins = np.clip((lab + _LAB_FLOOR) / _LAB_RANGE * 8, 0, 7).astype(np.int64)
    index = bins[..., 0] * 64 + bins[..., 1] * 8 + bins[..., 2]
    inside = np.bincount(index[mask], minlength=512) / mask.sum()
    outside = np.bincount(index[~mask], minlength=512) / (~mask).sum()
    return float(np.sqrt(inside * outside).sum())


def solidity(mask: Mask) -> float:
    """The share of the largest piece in its convex hull."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(outlines, key=cv2.contourArea)
    return float(cv2.contourArea(largest) / max(cv2.contourArea(cv2.convexHull(largest)), 1.0))
