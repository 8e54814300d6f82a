"""A product on a clean studio white, in exactly the asked format, with a soft shadow.

The cut-out is scaled into the frame with even margins. What stood gets a contact shadow: it follows the product's lower
outline, is darkest where that touches the ground and fades with the distance from it. What lay flat, seen from above,
gets a faint one all round. The outline and the old ground tell which. Of a prompt, words for a place, a size or a
colour are understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Mask, Photo, Report, quiet
from .cutout import shrunk_size, to_lab
from .masks import grown

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


#: Shadows are computed at this size, and what is at least so opaque throws one.
_SHADOW_PX: Final = 512
_SOLID: Final = 0.3
#: Ground right under a product is so much darker than farther off, in Lab lightness, if the product stands there.
_DARKENED: Final = 2.7
#: Two grounds differ by so much in Lab.
_OTHER_GROUND: Final = 16.0
#: The lightness of a studio's ground is at least so high and varies by no more than this.
_LIGHT: Final = 75.0
_PLAIN_STUDIO: Final = 4.0
#: A thing that fills so much of its hull and is so broad at its foot, of its breadth, is taken to stand.
_COMPACT: Final = 0.85
_BASE: Final = 0.3


@dataclass(frozen=True, slots=True)
class IsolateOptions:
    """How the product is placed.

    Attributes:
        margin: The free part on each side of the tighter direction.
        white: The backdrop.
        shadow: How dark the shadow is at its darkest, 0 to 1; 0 leaves it out.
        stands: Whether the product stands on its lower outline; else it lies flat.
    """

    margin: float = 0.09
    white: tuple[int, int, int] = (250, 250, 250)
    shadow: float = 0.42
    stands: bool = True


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
    scale = min(free * width / wide, free * height / tall)
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
        cast = contact_shadow(placed) if options.stands else resting_shadow(placed)
        canvas *= 1 - options.shadow * cast[..., None]
    report(0.8, "laying the product on top")
    canvas[place] = canvas[place] * (1 - weight[..., None]) + heavy
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8), scale


def contact_shadow(alpha: Map) -> Map:
    """A shadow (0 to 1) under what touches the ground, along the lower outline; computed small, since it is soft."""
    small, lowest, columns = _lower_outline(alpha)
    if not len(columns):
        return np.zeros_like(alpha)
    height, ground = small.shape[0], int(lowest[columns].max())
    top = int(np.nonzero((small > _SOLID).any(axis=1))[0][0])
    breadth, tall = int(columns[-1] - columns[0]) + 1, ground - top + 1
    # How high above the ground each column ends: a foot touches it, a handle or a lampshade does not.
    lift = np.where(lowest >= 0, ground - lowest, height) / (0.09 * min(tall, 2 * breadth))
    touch = np.exp(-(lift**2)).astype(np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    below = rows - lowest[None].astype(np.float32)
    shadow = np.zeros_like(small)
    for drop, weight, softness in ((0.010, 1.0, 0.010), (0.045, 0.5, 0.035)):
        # From a little above the outline, or blurring would leave a bright seam under the product.
        thick = max(1.0, drop * breadth)
        layer = ((below > -2 * thick) & (below <= thick) & (lowest[None] >= 0)) * touch[None]
        layer = np.asarray(cv2.GaussianBlur(layer.astype(np.float32), (0, 0), max(0.8, softness * breadth)), np.float32)
        shadow += weight * layer / max(1e-6, float(layer.max()))
    return _as_large(np.asarray(np.clip(shadow / 1.5, 0, 1), np.float32), alpha)


def resting_shadow(alpha: Map) -> Map:
    """A faint shadow (0 to 1) all round, a little more below, as of cloth that lies on paper."""
    small = _lower_outline(alpha)[0]
    size = max(small.shape)
    drop = np.array([[1, 0, 0], [0, 1, 0.006 * size]], np.float32)
    moved = cv2.warpAffine(small, drop, small.shape[::-1])
    shadow = 0.5 * cv2.GaussianBlur(moved, (0, 0), 0.008 * size) + 0.2 * cv2.GaussianBlur(moved, (0, 0), 0.03 * size)
    return _as_large(np.asarray(np.clip(shadow, 0, 1), np.float32), alpha)


def _lower_outline(alpha: Map) -> tuple[Map, NDArray[np.int64], NDArray[np.int64]]:
    """The alpha at a small size, the lowest row of each of its columns (-1: none), and which columns have one."""
    size = shrunk_size(alpha.shape, _SHADOW_PX)
    small = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    solid = small > _SOLID
    lowest = np.where(solid.any(axis=0), small.shape[0] - 1 - solid[::-1].argmax(axis=0), -1)
    return small, lowest, np.flatnonzero(lowest >= 0)


def _as_large(shadow: Map, alpha: Map) -> Map:
    size = alpha.shape[::-1]
    return np.asarray(cv2.resize(shadow, size, interpolation=cv2.INTER_CUBIC), np.float32).clip(0, 1)


def stands(photo: Photo, alpha: Map) -> bool:
    """Whether a product stood on its lower outline, or lay flat and was seen from above.

    What stands darkens the ground right below it, and not that above it; or it has another ground below than above, as
    a table before a wall. Where the ground tells nothing, as in a studio, a compact thing with a broad base stands.
    """
    small, lowest, columns = _lower_outline(alpha)
    if not len(columns):
        return True
    lab = to_lab(np.asarray(cv2.resize(photo, small.shape[::-1], interpolation=cv2.INTER_AREA), np.uint8))
    mask = small > _SOLID
    outside = ~grown(mask, 1)
    unit = max(2, round(0.02 * max(len(columns), int(mask.any(axis=1).sum()))))
    under, below = _ground_at(lab, outside, lowest, unit)
    # The same of the picture upside down.
    highest = np.where(lowest >= 0, mask.shape[0] - 1 - mask.argmax(axis=0), -1)
    over, above = _ground_at(lab[::-1], outside[::-1], highest, unit)
    darkened = _darker(under, below) - max(0.0, _darker(over, above))
    if darkened > _DARKENED:
        return True
    change = float(np.linalg.norm(above - below)) if above is not None and below is not None else 0.0
    if change > (_OTHER_GROUND if darkened > -_DARKENED else 2 * _OTHER_GROUND):
        return True
    return _is_plain(lab, outside) and _is_compact(mask, int(lowest.max()), len(columns))


def _ground_at(lab: Map, outside: Mask, lowest: NDArray[np.int64], unit: int) -> tuple[Map | None, Map | None]:
    """The median colours of the ground right below what of an outline is lowest, and of that farther below."""
    touching = np.flatnonzero(lowest > lowest.max() - 3 * unit)
    near = _median(lab, outside, touching, lowest[touching], 1, 1 + unit)
    return near, _median(lab, outside, touching, lowest[touching], 1 + 4 * unit, 1 + 7 * unit)


def _median(
    lab: Map, outside: Mask, columns: NDArray[np.int64], rows: NDArray[np.int64], start: int, stop: int
) -> Map | None:
    steps = np.arange(start, stop)
    down = rows[:, None] + steps[None]
    across = np.broadcast_to(columns[:, None], down.shape)
    seen = down < lab.shape[0]
    seen[seen] &= outside[down[seen], across[seen]]
    pixels = lab[down[seen], across[seen]]
    return np.asarray(np.median(pixels, axis=0), np.float32) if len(pixels) >= 20 else None


def _darker(near: Map | None, far: Map | None) -> float:
    return float(far[0] - near[0]) if near is not None and far is not None else 0.0


def _is_plain(lab: Map, outside: Mask) -> bool:
    ground = lab[outside]
    return len(ground) > 0 and float(ground[:, 0].std()) < _PLAIN_STUDIO and float(np.median(ground[:, 0])) > _LIGHT


def _is_compact(mask: Mask, bottom: int, breadth: int) -> bool:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(np.vstack(outlines))
    base = mask[max(0, bottom - max(2, mask.shape[0] // 40)) : bottom + 1].any(axis=0).sum()
    return float(mask.sum()) > _COMPACT * cv2.contourArea(hull) and base > _BASE * breadth
