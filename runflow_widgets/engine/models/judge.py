"""Judging outlines without knowing the truth: cues that good cut-outs share, weighed by what they were worth.

The cues follow the literature on choosing among segment proposals (Carreira & Sminchisescu, CVPR 2010): edges under
the outline, colours inside unlike those outside, little contact with the frame, and how far the other proposals agree.
A ridge regression (Hoerl & Kennard, 1970) on drawn scenes whose truth is known turns them into the IoU to expect
(`judge_weights`). Shape is no cue: what is compact in drawn scenes is not what is compact in photos.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Mask
from .candidates import Clues
from .judge_weights import CENTRES, SCALES, WEIGHTS

_LAB_FLOOR: Final = np.array([0, 64, 64], np.float32)
_LAB_RANGE: Final = np.array([100.01, 128.01, 128.01], np.float32)
_SQUARE: Final = np.ones((3, 3), np.uint8)

Values = NDArray[np.float64]


def judge(masks: Mapping[str, Mask], clues: Clues, *, only: str | None = None) -> dict[str, float]:
    """The IoU to expect of each candidate, 0 to 1, or of one among the others."""
    if not masks:
        return {}
    inputs = (cues(masks, clues, only=only) - np.asarray(CENTRES)) / np.asarray(SCALES)
    expected = np.clip(WEIGHTS[0] + np.clip(inputs, -3, 3) @ np.asarray(WEIGHTS[1:]), 0, 1)
    return dict(zip(masks if only is None else [only], expected.tolist(), strict=True))


def cues(masks: Mapping[str, Mask], clues: Clues, *, only: str | None = None) -> Values:
    """One row of cues for each candidate, or for one among the others."""
    edges, colours = edge_strength(clues.lab), _colour_index(clues.lab)
    stack = np.stack([mask.ravel() for mask in masks.values()]).astype(np.float32)
    both = stack @ stack.T
    sizes = np.diag(both)
    agreement = both / np.maximum(sizes[:, None] + sizes[None] - both, 1)
    rows = []
    for place, (name, mask) in enumerate(masks.items()):
        if only not in (None, name):
            continue
        others = np.delete(agreement[place], place)
        company = [float(others.mean()), float(np.median(others)), float(others.max())] if len(others) else [0.5] * 3
        rows.append([*_outline(mask, edges, clues.lab), *_colours(mask, colours), *_shape(mask), *_views(mask, clues)])
        rows[-1] += company
    return np.asarray(rows, np.float64)


def edge_strength(lab: Map) -> Map:
    """How strong the picture's edges are, 0 to 1, a pixel wide to either side."""
    strength: Map = np.zeros(lab.shape[:2], np.float32)
    for channel in range(3):
        plane = cv2.GaussianBlur(np.ascontiguousarray(lab[..., channel]), (0, 0), 1)
        slope = np.hypot(cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1))
        strength = np.maximum(strength, slope.astype(np.float32))
    strength /= np.percentile(strength, 98) + 1e-6
    return np.asarray(np.clip(cv2.dilate(strength, _SQUARE), 0, 1), np.float32)


def _outline(mask: Mask, edges: Map, lab: Map) -> list[float]:
    """Edges on the outline, its weak parts, edges inside, and the step in colour across it."""
    plain = mask.astype(np.uint8)
    inner = cv2.erode(plain, _SQUARE, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    line = mask & (inner == 0)
    if not line.any():
        return [0.0] * 4
    on_line = edges[line]
    weight = mask.astype(np.float32)
    share = cv2.blur(weight, (9, 9))[line, None]
    inside = cv2.blur(lab * weight[..., None], (9, 9))[line] / np.maximum(share, 0.01)
    outside = cv2.blur(lab * (1 - weight[..., None]), (9, 9))[line] / np.maximum(1 - share, 0.01)
    step = np.linalg.norm(inside - outside, axis=1)
    return [
        float(on_line.mean()),
        float(np.percentile(on_line, 20)),
        float(on_line.mean() - edges[mask].mean()),
        float(np.minimum(step, 40).mean() / 40),
    ]


def _colours(mask: Mask, index: NDArray[np.int64]) -> list[float]:
    """How alike the colours inside and outside are (Bhattacharyya), and which share of pixels lies on its own side."""
    inside = np.bincount(index[mask], minlength=512) / max(1, mask.sum())
    outside = np.bincount(index[~mask], minlength=512) / max(1, (~mask).sum())
    own = np.maximum(inside, outside).sum() / 2
    return [float(np.sqrt(inside * outside).sum()), float(own)]


def _shape(mask: Mask) -> list[float]:
    """Size, contact with the frame, share of the largest piece, distance from the middle."""
    height, width = mask.shape
    sides = [mask[0].mean(), mask[-1].mean(), mask[:, 0].mean(), mask[:, -1].mean()]
    y, x = np.nonzero(mask)
    away = np.hypot(y.mean() / height - 0.5, x.mean() / width - 0.5) if len(y) else 1.0
    return [
        float(mask.mean()),
        float(np.mean(sides)),
        float(np.max(sides[:1] + sides[2:])),
        _largest(mask),
        float(away),
    ]


def _views(mask: Mask, clues: Clues) -> list[float]:
    """How much each view rises inside the mask, and what the backdrop says of it."""
    outside = mask if mask.all() else ~mask
    rises = [float(view[mask].mean() - view[outside].mean()) for view in (*clues.views.values(), clues.prior)]
    evidence = clues.backdrop.evidence
    missed = float(evidence[~mask].sum() / (evidence.sum() + 1e-6))
    foreign = float(1 - evidence[mask].mean())
    studio = max(0.0, clues.backdrop.support - 0.6)
    return [*rises, missed, foreign, studio * missed, studio * foreign]


def _colour_index(lab: Map) -> NDArray[np.int64]:
    bins = np.clip((lab + _LAB_FLOOR) / _LAB_RANGE * 8, 0, 7).astype(np.int64)
    return np.asarray(bins[..., 0] * 64 + bins[..., 1] * 8 + bins[..., 2], np.int64)


def _largest(mask: Mask) -> float:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return float(stats[1:, cv2.CC_STAT_AREA].max() / mask.sum()) if len(stats) > 1 else 0.0
