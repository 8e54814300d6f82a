"""The exact shape of a tag: from a likelihood, which is soft, to an outline that lies on edges.

Candidates are the likelihood's own pieces, their hulls and rectangles, and the connected pieces of the photo's colours
nearby; the one that agrees best with the likelihood and has edges all round is taken. Strings and shadows, which
belong to the tag and must go with it, are looked for round that shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Mask, Photo
from .cutout import shrink, to_lab
from .masks import grown, joined, mean_nearby, unlike_ground
from .tag_rules import binary_planes, edge_strength, filled

WINDOW_PX: Final = 208
#: A shadow is darker by so much in Lab lightness, and by so many times what the ground's own pattern is.
_SHADE: Final = 4.0
_PATTERN: Final = 2.5
#: What is beside a tag is unlike its ground by so much in Lab, and by so many times that ground's own pattern.
_UNLIKE: Final = 5.0
_FAR_FROM_PATTERN: Final = 3.0
#: A string is somewhere so likely, and reaches as far as it is still so likely.
_STRING: Final = 0.5
STRING_HINT: Final = 0.25
#: So many pixels off the tag's outline it may begin: where it goes through the hole, it is less than half a string.
_KNOT_PX: Final = 6
#: A thin line is a string if so much of it was seen as one.
_SEEN: Final = 0.4
#: Colours of one string differ by no more than this in Lab, and what is beside it by more than twice as much.
_SAME_STRING: Final = 16.0


@dataclass(frozen=True, slots=True)
class Find:
    """A tag's shape and string within a window of the photo (top, left, bottom, right), at the window's own scale."""

    window: tuple[int, int, int, int]
    shape: Mask
    string: Mask
    shadow: Mask
    score: float


def snap(photo: Photo, window: tuple[int, int, int, int], tag: Map, string: Map) -> Find:
    """Find the outline within a window; `tag` and `string` are the likelihoods there, at any size."""
    top, left, bottom, right = window
    colours = shrink(np.ascontiguousarray(photo[top:bottom, left:right]), WINDOW_PX)
    size = colours.shape[1::-1]
    likely = np.asarray(cv2.resize(tag, size, interpolation=cv2.INTER_LINEAR), np.float32)
    thread = np.asarray(cv2.resize(string, size, interpolation=cv2.INTER_LINEAR), np.float32)
    lab = to_lab(np.asarray(cv2.bilateralFilter(colours, 5, 25, 3), np.uint8))
    edges = np.asarray(cv2.dilate(edge_strength(lab), np.ones((3, 3), np.uint8)), np.float32)
    best, worth = likely > 0.5, 0.0
    for candidate in _candidates(likely, lab):
        value = _agreement(candidate, likely) + 0.35 * _edge_support(candidate, edges)
        if value > worth:
            best, worth = candidate, value
    score = float(likely[best].mean()) if best.any() else 0.0
    sharp = to_lab(colours)
    ties = _followed(_traced(_strung(thread, best), best, sharp), best, sharp)
    return Find(window, best, ties, shadow_of(best, ties, lab), score)


def string_of(tag: Mask, lab: Map) -> Mask:
    """Thin lines, darker or lighter than what is behind them, that touch the tag and lead away from it."""
    light = np.ascontiguousarray(lab[..., 0])
    reach = max(8, round(1.6 * np.sqrt(tag.sum())))
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    near = grown(tag, reach) & ~grown(tag, 1)
    away = np.asarray(cv2.distanceTransform((~tag).astype(np.uint8), cv2.DIST_L2, 3))
    found = np.zeros_like(tag)
    for hat in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        thin = (np.asarray(cv2.morphologyEx(light, hat, window)) > 7) & near
        count, labels, stats, _ = cv2.connectedComponentsWithStats(thin.astype(np.uint8), connectivity=8)
        touching = set(np.unique(labels[grown(tag, 3)]).tolist()) - {0}
        for piece in touching & set(range(1, count)):
            wide, high, area = (int(value) for value in stats[piece, 2:5])
            length = float(np.hypot(wide, high))
            # A string leads away; the edge of a pocket runs along.
            leads_away = away[labels == piece].max() > 0.4 * np.sqrt(tag.sum())
            if leads_away and area < 5 * length:
                found |= labels == piece
    return found


def shadow_of(tag: Mask, string: Mask, lab: Map) -> Mask:
    """What close to the tag is darker than the ground a little farther off that way, and than that ground's pattern."""
    side = float(np.sqrt(tag.sum()))
    near, farther = grown(tag, max(2, round(0.13 * side))), max(4, round(0.26 * side))
    ground = grown(tag, farther) & ~near & ~grown(string, 2)
    light = lab[..., :1]
    darker = np.maximum(mean_nearby(light, ground, 0.6 * farther) - light, 0)
    # As if it were as much lighter in places as it is darker.
    pattern = np.sqrt(2 * mean_nearby(darker * darker, ground, 0.6 * farther))
    dark = (darker > np.maximum(_SHADE, _PATTERN * pattern))[..., 0]
    return joined(near & dark & ~tag, grown(tag, 4))


def rim_of(tag: Mask, string: Mask, lab: Map, reach: int) -> Mask:
    """What within so many pixels of a tag is unlike the ground round about: its blurred edge, an end of its shadow.

    On a plain ground little is enough, for that would stay as the tag's outline; among a pattern nobody sees it.
    """
    beside = grown(tag, reach)
    ground = grown(tag, 3 * reach) & ~beside & ~grown(string, 2)
    unlike, pattern = unlike_ground(lab, ground, 1.25 * reach)
    odd = unlike > np.maximum(_UNLIKE, _FAR_FROM_PATTERN * pattern)
    return joined(beside & odd | tag, tag) & ~tag


def _candidates(likely: Map, lab: Map) -> Iterator[Mask]:
    for level in (0.3, 0.5, 0.7):
        for outline in _largest(likely > level):
            yield filled(outline, likely.shape)
            yield filled(np.asarray(cv2.convexHull(outline), np.int32), likely.shape)
            corners = cv2.boxPoints(cv2.minAreaRect(outline))
            yield filled(np.round(corners).astype(np.int32), likely.shape)
    expected = float(likely.sum())
    seen: set[tuple[int, ...]] = set()
    for plane in binary_planes(lab):
        outlines, _ = cv2.findContours(plane, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for rim in outlines:
            outline = np.asarray(rim, np.int32)
            hull = np.asarray(cv2.convexHull(outline), np.int32)
            area, around = cv2.contourArea(outline), cv2.contourArea(hull)
            rough = tuple(value // 2 for value in cv2.boundingRect(outline))
            if 0.5 * expected < around < 1.9 * expected and area > 0.72 * around and rough not in seen:
                seen.add(rough)
                yield filled(hull if area > 0.85 * around else outline, likely.shape)


def _largest(mask: Mask) -> list[NDArray[np.int32]]:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [np.asarray(max(outlines, key=cv2.contourArea), np.int32)] if outlines else []


def _agreement(shape: Mask, likely: Map) -> float:
    """Overlap of a shape with a likelihood: 1 if the likelihood is the shape."""
    both = float(likely[shape].sum())
    return both / (float(likely.sum()) + float(shape.sum()) - both + 1e-6)


def _edge_support(shape: Mask, edges: Map) -> float:
    plane = shape.astype(np.uint8)
    rim = plane - cv2.erode(plane, np.ones((3, 3), np.uint8), borderValue=1)
    steep = edges[rim > 0]
    return float(np.clip(steep / 5, 0, 1).mean()) if steep.size else 0.0


def _strung(thread: Map, tag: Mask) -> Mask:
    """The strings that hang on the tag."""
    hanging = joined(thread > STRING_HINT, grown(tag, _KNOT_PX))
    return joined(hanging, hanging & (thread > _STRING)) & ~tag


def _traced(string: Mask, tag: Mask, lab: Map) -> Mask:
    """The strings with all of the thin lines that they lie on; any other line at the tag is more often a seam."""
    if not string.any():
        return string
    _, pieces = cv2.connectedComponents(string_of(tag, lab).astype(np.uint8), connectivity=8)
    pieces[tag] = 0
    sizes = np.bincount(pieces.ravel())
    is_string = np.bincount(pieces[grown(string, 1)], minlength=len(sizes)) > _SEEN * sizes
    is_string[0] = False
    return np.asarray(string | is_string[pieces], np.bool_)


def _followed(string: Mask, tag: Mask, lab: Map) -> Mask:
    """The string with its ends: they go on in its colour where the network lost it, as thin, on another ground."""
    if string.sum() < 8:
        return string
    away = np.linalg.norm(lab - np.median(lab[string], axis=0), axis=2)
    alike = (away < _SAME_STRING) & ~string & ~grown(tag, 2)
    _, pieces = cv2.connectedComponents(alike.astype(np.uint8), connectivity=8)
    whole = string.copy()
    for number in np.setdiff1d(pieces[grown(string, 1)], [0]):
        end = np.asarray(pieces == number, np.bool_)
        beside = grown(end, 3) & ~grown(end, 1) & ~grown(string, 2)
        stands_out = beside.any() and float((away[beside] > 2 * _SAME_STRING).mean()) > 0.75
        if stands_out and _half_width(end) <= _half_width(string):
            whole |= end
    return whole


def _half_width(mask: Mask) -> float:
    return float(cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3).max())
