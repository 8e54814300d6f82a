"""Many guesses at the subject's outline, each from another idea of where it may be.

Each idea starts GrabCut (Rother, Kolmogorov & Blake, SIGGRAPH 2004), which finds the outline that separates two
colour models. Ideas that fail on different photos are worth more than good ones that fail together, so the weak ones
(a bare frame, one view of saliency, a low and a high threshold) are tried too, on a smaller copy. Votes of all join.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from . import Map, Mask, Photo
from .backdrop import Backdrop, fit_backdrop
from .regions import background_contrast, divide, ranking
from .saliency import barrier_distance, border_distance, centre, regional_contrast, scaled

#: The longer side of the copy on which the cheaper guesses are made.
_SMALL_PX: Final = 208


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of a photo before any outline is tried.

    Attributes:
        photo: The photo at working size, calmed.
        lab: The same in Lab.
        backdrop: The fitted backdrop.
        views: Maps from 0 to 1 of where the subject may be, each by another method.
        prior: All views together, a little higher in the middle.
    """

    photo: Photo
    lab: Map
    backdrop: Backdrop
    views: dict[str, Map]
    prior: Map


def look(photo: Photo, lab: Map) -> Clues:
    """Gather the clues of a photo at working size."""
    regions = divide(lab)
    views = {
        "border": scaled(border_distance(lab)),
        "barrier": scaled(barrier_distance(lab)),
        "contrast": background_contrast(regions),
        "ranking": ranking(regions),
        "region": scaled(regional_contrast(lab)),
    }
    prior = scaled(np.mean(list(views.values()), axis=0) * (0.5 + 0.5 * centre(*lab.shape[:2])))
    return Clues(photo, lab, fit_backdrop(lab), views, prior)


def guesses(clues: Clues) -> dict[str, Mask]:
    """Every outline worth judging, by the name of its start."""
    height, width = clues.prior.shape
    prior, threshold = clues.prior, _otsu(clues.prior)
    frame = grab_cut(clues.photo, _inset(height, width, 0.04))
    masks = {
        "frame": frame,
        "mix": grab_cut(clues.photo, np.asarray(0.5 * prior + 0.5 * frame, np.float32)),
        "evidence": clues.backdrop.evidence > 0.5,
    }
    small = _halved(clues.photo)
    starts: dict[str, tuple[Map, float | None]] = {
        "prior": (prior, None),
        "low": (prior, 0.6 * threshold),
        "high": (prior, min(0.9, 1.4 * threshold)),
        "both": (np.asarray(0.5 * prior + 0.5 * clues.backdrop.evidence, np.float32), None),
        "inset": (_inset(height, width, 0.12), None),
        "barrier": (clues.views["barrier"], None),
        "contrast": (clues.views["contrast"], None),
        "border": (clues.views["border"], None),
    }
    for name, (start, at) in starts.items():
        found = grab_cut(small, np.asarray(_resized(start, small.shape[1::-1])), threshold=at, rounds=2)
        masks[name] = _resized(found.astype(np.float32), (width, height)) > 0.5
    masks["vote"] = np.mean(list(masks.values()), axis=0) > 0.5
    return masks


def grab_cut(photo: Photo, start: Map, *, threshold: float | None = None, rounds: int = 3) -> Mask:
    """The outline that GrabCut reaches from a map: above the threshold is likely subject, far below surely not."""
    split = _otsu(start) if threshold is None else threshold
    marks = np.where(start > split, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[start > split + 0.6 * (1 - split)] = cv2.GC_FGD
    marks[start <= 0.15 * split] = cv2.GC_BGD
    return settle(photo, marks, rounds)


def settle(photo: Photo, marks: Photo, rounds: int) -> Mask:
    """GrabCut from marks; they are left as they are where there is too little of either side for a colour model."""
    likely = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if min(likely.sum(), (~likely).sum()) < 10:
        return np.asarray(likely, np.bool_)
    cv2.setRNGSeed(0)
    cv2.grabCut(photo, marks, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), rounds, cv2.GC_INIT_WITH_MASK)
    return np.asarray(np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)), np.bool_)


def _inset(height: int, width: int, margin: float) -> Map:
    start = np.zeros((height, width), np.float32)
    start[
        round(margin * height) : round((1 - margin) * height), round(margin * width) : round((1 - margin) * width)
    ] = 0.5
    return start


def _otsu(start: Map) -> float:
    return float(cv2.threshold((start * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)[0]) / 255


def _halved(photo: Photo) -> Photo:
    scale = min(1.0, _SMALL_PX / max(photo.shape))
    size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)


def _resized(plane: Map, size: tuple[int, ...]) -> Map:
    return np.asarray(cv2.resize(plane, (size[0], size[1]), interpolation=cv2.INTER_LINEAR), np.float32)
