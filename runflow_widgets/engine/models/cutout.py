"""Cutting out: which pixels belong to the subject, found at a small size.

Method: evidence from a backdrop fit and from saliency starts GrabCut (Rother, Kolmogorov & Blake, SIGGRAPH 2004)
several times, which gives several candidates; a judge without learned weights picks the one whose outline lies on
edges, whose colours differ from the rest, and which does not hang on the frame. The edge itself is `matting`'s job.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import Map, Mask, Photo, Report, quiet
from .backdrop import Backdrop, fit_backdrop
from .judge import Judgement, judge
from .saliency import saliency


@dataclass(frozen=True, slots=True)
class CutoutOptions:
    """How the subject is looked for.

    Attributes:
        working_px: The longer side of the picture that is worked on.
        studio_support: A backdrop that explains this share of the border makes it a studio shot.
    """

    working_px: int = 320
    studio_support: float = 0.92


@dataclass(frozen=True, slots=True)
class Cutout:
    """What was found: the mask at working size (empty for a blank photo), how sure it is, and which start led to it."""

    mask: Mask
    confidence: float
    start: str


def cut_out(photo: Photo, options: CutoutOptions | None = None, report: Report = quiet) -> Cutout:
    """Find the subject of a photo; the mask has the photo's shape at `working_px`."""
    options = options or CutoutOptions()
    small = shrink(photo, options.working_px)
    calm = np.asarray(cv2.bilateralFilter(small, 5, 20, 3), np.uint8)
    lab = to_lab(calm)
    report(0.1, "fitting the backdrop")
    backdrop = fit_backdrop(lab)
    report(0.25, "looking for the subject")
    prior = saliency(lab)
    report(0.45, "trying outlines")
    candidates = _candidates(calm, prior, backdrop)
    report(0.9, "choosing the best outline")
    judged = {name: judge(mask, lab, prior) for name, mask in candidates.items()}
    bonus = dict.fromkeys(candidates, 0.0)
    if backdrop.support >= options.studio_support:
        candidates = {name: _without_false_holes(mask, backdrop) for name, mask in candidates.items()}
        bonus = {name: _explained(mask, backdrop) for name, mask in candidates.items()}
    best = max(judged, key=lambda name: judged[name].score + bonus[name], default=None)
    if best is None:
        return Cutout(np.zeros(lab.shape[:2], np.bool_), 0.0, "nothing")
    return Cutout(candidates[best], _confidence(judged[best], list(candidates.values()), candidates[best]), best)


def shrink(photo: Photo, longest_px: int) -> Photo:
    """The photo with its longer side at most `longest_px`."""
    height, width = photo.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1:
        return photo
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)


def to_lab(photo: Photo) -> Map:
    """CIE Lab in its natural units, in which distances look as far as they are."""
    return np.asarray(cv2.cvtColor(photo.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


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


def _explained(mask: Mask, backdrop: Backdrop) -> float:
    """On a studio shot, what the backdrop cannot explain must be in the mask, and what it can must not."""
    strange, familiar = backdrop.evidence > 0.8, backdrop.evidence < 0.2
    missed = (strange & ~mask).sum() / max(1, strange.sum())
    return float(-1.5 * missed - 0.5 * (familiar & mask).sum() / mask.sum())


def _without_false_holes(mask: Mask, backdrop: Backdrop) -> Mask:
    """Through a real hole the backdrop is seen; a white label on a mug is none."""
    count, labels = cv2.connectedComponents((~mask).astype(np.uint8), connectivity=4)
    sums = np.bincount(labels.ravel(), backdrop.evidence.ravel(), count)
    strange = sums > 0.35 * np.bincount(labels.ravel(), minlength=count)
    outside = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    strange[outside] = False
    return np.asarray(mask | strange[labels], np.bool_)


def _candidates(photo: Photo, prior: Map, backdrop: Backdrop) -> dict[str, Mask]:
    height, width = prior.shape
    frame = np.zeros((height, width), np.float32)
    frame[round(0.04 * height) : round(0.96 * height), round(0.04 * width) : round(0.96 * width)] = 0.5
    starts = {
        "backdrop": backdrop.evidence,
        "saliency": prior,
        "both": 0.5 * prior + 0.5 * backdrop.evidence,
        "frame": frame,
    }
    masks = {name: tidy(_grab_cut(photo, start)) for name, start in starts.items()}
    # What the backdrop fit says needs no colour model: GrabCut eats white products on white.
    masks["evidence"] = tidy(backdrop.evidence > 0.5)
    votes = np.sum([masks[name] for name in ("saliency", "both", "frame", "backdrop")], axis=0)
    masks["vote"] = tidy(votes >= 2)
    return {name: mask for name, mask in masks.items() if 0.002 < mask.mean() < 0.98}


def _grab_cut(photo: Photo, start: Map) -> Mask:
    threshold = cv2.threshold((start * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)[0] / 255
    marks = np.where(start > threshold, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[start > threshold + 0.6 * (1 - threshold)] = cv2.GC_FGD
    marks[start <= 0.15 * threshold] = cv2.GC_BGD
    likely = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
    # GrabCut needs a handful of pixels on either side for its colour models.
    if min(likely.sum(), (~likely).sum()) < 10:
        return np.asarray(likely, np.bool_)
    cv2.setRNGSeed(0)
    cv2.grabCut(photo, marks, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    return np.asarray(np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)), np.bool_)


def _confidence(judgement: Judgement, candidates: list[Mask], chosen: Mask) -> float:
    """High when the chosen outline is good by itself and the other starts led to about the same."""
    agreement = np.median([(chosen & other).sum() / max(1, (chosen | other).sum()) for other in candidates])
    return float(np.clip(0.5 * agreement + 0.5 * judgement.quality, 0, 1))
