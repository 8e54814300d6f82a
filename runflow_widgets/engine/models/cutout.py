"""Cutting out: which pixels belong to the subject, found at a small size.

Method: a network of our own says where the subject is (`cutout_net`); this and several views of where it may be start
GrabCut (Rother, Kolmogorov & Blake, SIGGRAPH 2004) many times (`candidates`); a judge with weights learned on drawn
scenes, and the network, say how good each outline is (`judge`); the best ones vote, each as much as it is trusted, and
shadow, gaps and crumbs are seen to (`finish`). The edge itself is `matting`'s job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from . import Map, Mask, Photo, Report, quiet
from .candidates import Clues, guesses, look
from .cutout_net import agreement
from .finish import outline, tidy
from .judge import judge
from .studio import Studio

__all__ = ["DOUBTFUL", "Cutout", "CutoutOptions", "cut_out", "shrink", "tidy", "to_lab"]

#: Cut-outs less sure than this are worth a look: about half of them have an IoU below 0.75, and half of all that have
#: are among them (on pictures with known outlines; `tests/training/judge/README.md` has the figures).
DOUBTFUL: Final = 0.65
#: A candidate expected to be this much worse (in IoU) than the best has e⁻¹ of its vote.
_TOLERANCE: Final = 0.02
#: What full agreement with the network is worth beside the expected IoU; nothing in a studio, where the backdrop's fit
#: knows better what is a hole and what a shadow.
_SEEN: Final = 0.3
#: The network's share in the vote on each pixel.
_SAY: Final = 0.35
#: Below it, in units of Lab, a smoothed picture has no subject.
_BLANK: Final = 3.0


@dataclass(frozen=True, slots=True)
class CutoutOptions:
    """How the subject is looked for.

    Attributes:
        working_px: The longer side of the picture that is worked on.
        studio_support: A backdrop that explains this share of the border makes it a studio shot.
        studio_noise: The border of a studio shot strays from its backdrop by no more than this in lightness.
    """

    working_px: int = 320
    studio_support: float = 0.92
    studio_noise: float = 2.0


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
    report(0.1, "looking for the subject")
    lab = to_lab(calm)
    if _is_blank(lab):
        return Cutout(np.zeros(small.shape[:2], np.bool_), 0.0, "nothing")
    clues = look(calm, lab)
    report(0.3, "trying outlines")
    fitted = clues.backdrop.support >= options.studio_support and clues.backdrop.noise <= options.studio_noise
    studio = Studio(clues) if fitted else None
    tidied = {name: tidy(mask) for name, mask in guesses(clues, thorough=fitted).items()}
    candidates = {name: mask for name, mask in tidied.items() if 0.002 < mask.mean() < 0.98}
    report(0.8, "choosing the best outline")
    judged = judge(candidates, clues)
    if studio:
        judged = {name: judged[name] - 0.5 * amiss for name, amiss in studio.unexplained(candidates).items()}
    else:
        judged = {name: judged[name] + _SEEN * agreement(mask, clues.likely) for name, mask in candidates.items()}
    best = max(judged, key=lambda name: judged[name], default=None)
    if best is None:
        return Cutout(np.zeros(small.shape[:2], np.bool_), 0.0, "nothing")
    report(0.9, "settling the outline")
    mask = _settled(candidates, judged, clues, studio)
    return Cutout(mask, _confidence(mask, candidates, clues, studio=fitted), best)


def _is_blank(lab: Map) -> bool:
    """Whether nothing differs from anything else by more than noise does; any outline would be made up."""
    smooth = np.asarray(cv2.GaussianBlur(lab, (0, 0), 3), np.float32)
    return float(np.ptp(smooth, axis=(0, 1)).max()) < _BLANK


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


def _settled(candidates: Mapping[str, Mask], judged: Mapping[str, float], clues: Clues, studio: Studio | None) -> Mask:
    """The candidates' common outline, without shadow and with its gaps open."""
    most = max(judged.values())
    weights = {name: float(np.exp((expected - most) / _TOLERANCE)) for name, expected in judged.items()}
    total = np.sum([weights[name] * mask for name, mask in candidates.items()], axis=0)
    support = np.asarray(total / sum(weights.values()), np.float32)
    if studio is None:
        support = np.asarray((1 - _SAY) * support + _SAY * clues.likely, np.float32)
    mask = tidy(outline(clues, support), votes=support)
    if studio is None:
        return mask
    found = tidy(studio.subject(mask), hole=0.0002, votes=support)
    return found if (found & mask).sum() > 0.4 * max(found.sum(), 1) else mask


def _confidence(mask: Mask, candidates: Mapping[str, Mask], clues: Clues, *, studio: bool) -> float:
    """What the judge expects of the result, set among the candidates it came from, and what the network says of it."""
    if not mask.any():
        return 0.0
    expected = judge({**candidates, "": mask}, clues, only="")[""]
    # The regression is shy: on its own scenes, the true IoU of what it chose moves more than its expectation.
    if studio:
        return float(np.clip(1.44 * expected - 0.3, 0, 1))
    # On composed pictures, half of what the two together doubt is bad; either alone is worse.
    both = (expected + agreement(mask, clues.likely)) / 2
    return float(np.clip(1.44 * both - 0.243, 0, 1))
