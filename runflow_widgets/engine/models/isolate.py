"""A product on a clean studio white, in exactly the asked format, with a soft shadow where it stands.

The cut-out is scaled into the frame with even margins; the shadow follows the lowest outline of the product and is
made of a tight dark part under it and a wide faint one, the way a soft box lights a table. What a prompt says is
understood as far as words for a place, a size or a colour go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from . import Map, Mask, Photo, Report, quiet
from .cutout import to_lab

TIERS: Final = {"1K": 1024, "2K": 2048, "4K": 4096}
RATIOS: Final = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")

_PLACES: Final = {
    "left": (0, -1),
    "right": (0, 1),
    "top": (-1, 0),
    "upper": (-1, 0),
    "bottom": (1, 0),
    "lower": (1, 0),
}
_SIZES: Final = frozenset({"largest", "biggest", "big", "large", "main"})
_COLOURS: Final = {
    "red": (200, 30, 40),
    "orange": (235, 130, 30),
    "yellow": (240, 215, 50),
    "green": (50, 150, 60),
    "blue": (40, 80, 200),
    "purple": (120, 50, 160),
    "pink": (240, 140, 180),
    "brown": (120, 75, 40),
    "black": (20, 20, 20),
    "white": (245, 245, 245),
    "grey": (128, 128, 128),
    "gray": (128, 128, 128),
}


@dataclass(frozen=True, slots=True)
class IsolateOptions:
    """How the product is placed.

    Attributes:
        margin: The free part on each side of the tighter direction.
        white: The backdrop.
        shadow: How dark the shadow is at its darkest, 0 to 1; 0 leaves it out.
        most_enlarged: Beyond this factor the product is not scaled up.
    """

    margin: float = 0.09
    white: tuple[int, int, int] = (250, 250, 250)
    shadow: float = 0.42
    most_enlarged: float = 3.0


def frame_of(ratio: tuple[int, int], longest_px: int) -> tuple[int, int]:
    """Width and height in a ratio, the longer side exactly `longest_px`."""
    wide, high = ratio
    if wide >= high:
        return longest_px, max(1, round(longest_px * high / wide))
    return max(1, round(longest_px * wide / high)), longest_px


def choose(photo: Photo, mask: Mask, prompt: str) -> tuple[Mask, str]:
    """The part of the mask that a prompt means, and a sentence about what was understood."""
    words = re.findall(r"[a-z]+", prompt.lower())
    count, labels, stats, middles = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    pieces = [n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] >= 0.02 * mask.sum()]
    places = [word for word in words if word in _PLACES]
    colours = [word for word in words if word in _COLOURS]
    sizes = [word for word in words if word in _SIZES]
    understood = [*places, *colours, *sizes]
    if not understood:
        return mask, f"The prompt {prompt!r} was ignored: only words for a place, a colour or a size are understood."
    if len(pieces) < 2:
        return mask, f"The prompt {prompt!r} had nothing to choose from: one object was found."
    scores = dict.fromkeys(pieces, 0.0)
    for word in places:
        down, across = _PLACES[word]
        for piece in pieces:
            scores[piece] += across * middles[piece][0] / mask.shape[1] + down * middles[piece][1] / mask.shape[0]
    if colours:
        lab = to_lab(photo)
        for piece in pieces:
            scores[piece] -= _unlike(lab[labels == piece], colours) / 50
    if sizes:
        for piece in pieces:
            scores[piece] += stats[piece, cv2.CC_STAT_AREA] / mask.sum()
    best = max(scores, key=lambda piece: scores[piece])
    return labels == best, f"Of {len(pieces)} objects the one that is {', '.join(understood)} was taken."


def _unlike(pixels: Map, colours: list[str]) -> float:
    wanted = to_lab(np.array([[_COLOURS[colour] for colour in colours]], np.uint8))[0]
    typical = np.median(pixels, axis=0)
    return float(np.linalg.norm(wanted - typical, axis=1).min())


def isolate(
    colours: Photo, alpha: Map, size: tuple[int, int], options: IsolateOptions | None = None, report: Report = quiet
) -> tuple[Photo, float]:
    """Place a cut-out (its own colours and alpha) on white of exactly `size`; also tells how much it was scaled."""
    options = options or IsolateOptions()
    width, height = size
    rows, columns = np.nonzero((alpha > 0.05).any(axis=1))[0], np.nonzero((alpha > 0.05).any(axis=0))[0]
    box = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    tall, wide = alpha[box].shape
    free = 1 - 2 * options.margin
    scale = min(free * width / wide, free * height / tall, options.most_enlarged)
    report(0.2, "scaling the product")
    fitted = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    # Colours weighted by alpha, or what lies outside the outline bleeds in when they are scaled.
    weight = np.asarray(cv2.resize(alpha[box], fitted, interpolation=method), np.float32).clip(0, 1)
    heavy = cv2.resize(colours[box].astype(np.float32) * alpha[box][..., None], fitted, interpolation=method)
    left, top = (width - fitted[0]) // 2, (height - fitted[1]) // 2
    place = (slice(top, top + fitted[1]), slice(left, left + fitted[0]))

    report(0.5, "casting the shadow")
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = options.white
    placed = np.zeros((height, width), np.float32)
    placed[place] = weight
    if options.shadow:
        canvas *= 1 - options.shadow * contact_shadow(placed)[..., None]
    report(0.8, "laying the product on top")
    canvas[place] = canvas[place] * (1 - weight[..., None]) + heavy
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8), scale


def contact_shadow(alpha: Map) -> Map:
    """A shadow (0 to 1) on the ground the product stands on; computed small, since it is soft."""
    height, width = alpha.shape
    scale = min(1.0, 512 / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    rows, columns = np.nonzero((small > 0.3).any(axis=1))[0], np.nonzero((small > 0.3).any(axis=0))[0]
    if not len(rows):
        return np.zeros_like(alpha)
    ground, breadth = int(rows[-1]), int(columns[-1] - columns[0]) + 1
    # What is within a hand's breadth of the ground throws the shadow; a lampshade high above does not.
    zone = max(3, round(0.12 * (rows[-1] - rows[0] + 1)))
    foot = small[max(0, ground - zone) : ground + 1].max(axis=0)
    shadow = np.zeros_like(small)
    for drop, weight, softness in ((0.012, 1.0, 0.012), (0.03, 0.55, 0.05)):
        thick = max(1, round(drop * breadth))
        layer = np.zeros_like(small)
        layer[max(0, ground - thick) : ground + thick] = foot
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), max(0.8, softness * breadth)), np.float32)
        shadow += weight * layer / max(1e-6, float(layer.max()))
    shadow = np.clip(shadow / 1.55, 0, 1)
    return np.asarray(cv2.resize(shadow, (width, height), interpolation=cv2.INTER_CUBIC), np.float32).clip(0, 1)
