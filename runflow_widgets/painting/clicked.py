"""Finding what was clicked on.

A click says where, but not how large. So outlines are sought at several sizes, each as if the object's colours were
those within a certain distance of the click, and each is judged: whether colours differ along its edge and from its
surroundings, whether it stays clear of the picture's edge, whether it is compact. The best ones vote.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .closeup import Closeup, Map, Mask
from .outline import colour_counts, colour_index, likeness, pieces_at, settle, squared_distance

#: Distances from the click, as shares of the view's longer side.
_REACHES: Final = (0.06, 0.1, 0.16, 0.25, 0.36)
#: What is hardly larger than the disc that stands for a click was not found but put there.
_LEAST_PX: Final = 60
#: An outline judged lower than the best by this much has e⁻¹ of its vote.
_TOLERANCE: Final = 0.05
#: Differences in Lab beyond this make an edge no clearer.
_CLEAR: Final = 40.0


def outline_at(view: Closeup) -> Mask:
    """What the clicks are on, as a mask of the view; empty if there is nothing but a plain ground."""
    nearest = np.min([squared_distance(view.lab.shape, point) for point in view.clicks.yes], axis=0)
    found = [(reach, _outline_within(view, nearest, reach * max(view.size))) for reach in _REACHES]
    judged = [(_judged(view, mask, reach), mask) for reach, mask in found if _is_found(mask)]
    if not judged:
        return np.zeros(nearest.shape, np.bool_)
    most = max(score for score, _ in judged)
    weights = [float(np.exp((score - most) / _TOLERANCE)) for score, _ in judged]
    votes = np.sum([weight * mask for weight, (_, mask) in zip(weights, judged, strict=True)], axis=0)
    return pieces_at(np.asarray(votes > 0.5 * sum(weights), np.bool_), view.clicks.yes)


def _is_found(mask: Mask) -> bool:
    return int(mask.sum()) >= _LEAST_PX and not mask.all()


def _outline_within(view: Closeup, nearest: Map, reach_px: float) -> Mask:
    away = nearest / reach_px**2
    far = away > min(1.0, float(np.percentile(away, 80)))
    alike = likeness(view.lab, np.exp(-2 * away).astype(np.float32), far.astype(np.float32))
    likely = np.asarray(alike * np.exp(-0.35 * away) > 0.35, np.bool_)
    mask = settle(view, likely, np.asarray(away <= 2.2**2, np.bool_), rounds=2)
    return pieces_at(mask, view.clicks.yes)


def _judged(view: Closeup, mask: Mask, reach: float) -> float:
    """The higher, the more it looks like an object; the weights were found on photos with known outlines."""
    longest = max(view.size)
    area = float(mask.mean())
    sought = np.pi * (reach * longest) ** 2
    return float(
        2.0 * edge_contrast(view, mask)
        + 1.0 * _strangeness(view, mask, max(4, round(0.08 * longest)))
        - 1.5 * rim_share(mask)
        + 0.3 * _compactness(mask)
        - 0.1 * abs(np.log(area / 0.15))
        + 0.1 * min(0.0, np.log(mask.sum() / sought))
    )


def rim_share(mask: Mask) -> float:
    """How much of the view's edge belongs to the mask."""
    return float(np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean())


def edge_contrast(view: Closeup, mask: Mask) -> float:
    """How much the colours just inside differ from those just outside, on average along the edge, from 0 to 1."""
    px = max(2, round(0.02 * max(view.size)))
    lab = view.lab.astype(np.float32)
    difference = np.linalg.norm(_mean_near(lab, mask, px) - _mean_near(lab, ~mask, px), axis=2)
    return float(np.minimum(difference[_edge(mask)], _CLEAR).mean()) / _CLEAR


def _mean_near(lab: Map, where: Mask, px: int) -> Map:
    """The mean colour of the pixels `where`, in a square round each pixel."""
    import cv2

    weight, side = where.astype(np.float32), (2 * px + 1, 2 * px + 1)
    count = cv2.blur(weight, side, borderType=cv2.BORDER_CONSTANT)
    total = cv2.blur(lab * weight[..., None], side, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(total / np.maximum(count, 1e-6)[..., None], np.float32)


def _edge(mask: Mask) -> Mask:
    import cv2

    inner = cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    return np.asarray(mask & (inner == 0), np.bool_) if not mask.all() else mask


def _strangeness(view: Closeup, mask: Mask, px: int) -> float:
    """How little the colours of the mask occur in a ring round it: half the chi-squared distance, from 0 to 1."""
    import cv2

    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * px + 1, 2 * px + 1))
    ring = (cv2.dilate(mask.view(np.uint8), disc) > 0) & ~mask
    index = colour_index(view.lab)
    mine = colour_counts(index, mask.astype(np.float32))
    around = colour_counts(index, np.asarray(ring, np.float32))
    return float(0.5 * np.sum((mine - around) ** 2 / (mine + around + 1e-9)))


def _compactness(mask: Mask) -> float:
    """1 for a disc, less for anything with a longer edge."""
    return min(1.0, float(4 * np.pi * mask.sum() / max(int(_edge(mask).sum()), 1) ** 2))
