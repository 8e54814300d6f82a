"""Many guesses at the subject's outline, each from another idea of where it may be.

Each idea starts GrabCut (Rother, Kolmogorov & Blake, SIGGRAPH 2004), which finds the outline that separates two
colour models. The best idea is what our own network sees (`cutout_net`); those that fail on other photos than it does
are worth more than good ones that fail together, so weak ones (an inset, one view of saliency, a high threshold) are
tried too, on a smaller copy. Votes of all join.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from . import Map, Mask, Photo
from .backdrop import Backdrop, fit_backdrop
from .cutout_net import BUNDLED, agreement, load_cutout_net
from .regions import background_contrast, divide, ranking
from .saliency import barrier_distance, border_distance, centre, regional_contrast, scaled

#: The longer side of the copy on which the cheaper guesses are made.
_SMALL_PX: Final = 208
#: Where the network and the outline that colours make of its map agree this far, weaker ideas only cost time.
_DECIDED: Final = 0.65


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of a photo before any outline is tried.

    Attributes:
        photo: The photo at working size, calmed.
        lab: The same in Lab.
        backdrop: The fitted backdrop.
        views: Maps from 0 to 1 of where the subject may be, each by another method.
        prior: All views together, a little higher in the middle.
        likely: What the network sees; no view, since it sees more than all of them and is wrong in other places.
    """

    photo: Photo
    lab: Map
    backdrop: Backdrop
    views: dict[str, Map]
    prior: Map
    likely: Map


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
    return Clues(photo, lab, fit_backdrop(lab), views, prior, load_cutout_net(BUNDLED).look_at(photo))


def guesses(clues: Clues, *, thorough: bool = True) -> dict[str, Mask]:
    """Every outline worth judging, by the name of its start; unless `thorough`, fewer if the network is decided."""
    height, width = clues.prior.shape
    prior, likely, threshold = clues.prior, clues.likely, _otsu(clues.prior)
    masks = {
        "seen": likely > 0.5,
        "seen, cut": grab_cut(clues.photo, likely, threshold=0.5),
        "mix": grab_cut(clues.photo, np.asarray(0.5 * prior + 0.5 * likely, np.float32)),
        "evidence": clues.backdrop.evidence > 0.5,
    }
    small = _halved(clues.photo)
    starts: dict[str, tuple[Map, float | None]] = {
        "seen, low": (likely, 0.25),
        "prior": (prior, None),
    }
    if thorough or agreement(masks["seen, cut"], likely) < _DECIDED:
        starts |= {
            "high": (prior, min(0.9, 1.4 * threshold)),
            "inset": (_inset(height, width, 0.12), None),
            "barrier": (clues.views["barrier"], None),
            "contrast": (clues.views["contrast"], None),
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
