"""Tags by rules alone: plain printed shapes that stand out from what they lie on.

Proposals are the connected pieces of many thresholds in lightness, two colour channels and saturation (the idea of
maximally stable extremal regions; Matas et al., BMVC 2002). Each is scored by what makes a tag a tag: a plain convex
shape, edges all round, one plain colour, contrast against its surroundings, something printed on it. Rules know no
garments: prints and pockets can fool them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Mask, Photo
from .cutout import to_lab
from .masks import grown, shrunk


@dataclass(frozen=True, slots=True)
class Rules:
    """What counts as a tag for the rules.

    Attributes:
        least_score: Proposals below this score are dropped.
        least_area: The smallest tag, as a share of the picture.
        most_area: The largest.
    """

    least_score: float = 0.78
    least_area: float = 0.0012
    most_area: float = 0.09


@dataclass(frozen=True, slots=True)
class Proposal:
    """A convex outline that may be a tag's, and how well it fits the rules, from 0 to 1."""

    hull: NDArray[np.int32]
    score: float


def propose(photo: Photo, rules: Rules | None = None) -> list[Proposal]:
    """All proposals in a photo of about 480 pixels, the best first."""
    lab = to_lab(np.asarray(cv2.bilateralFilter(photo, 5, 25, 3), np.uint8))
    found = _proposals(lab, edge_strength(lab), rules or Rules())
    return sorted(found, key=_rank, reverse=True)


def _rank(proposal: Proposal) -> float:
    """Of two shapes about as likely the larger comes first: half a label is worse than a bit too much."""
    return proposal.score + 0.06 * float(np.log2(cv2.contourArea(proposal.hull)))


def edge_strength(lab: Map) -> Map:
    """How steeply colour changes, the steepest channel counting."""
    strength = np.zeros(lab.shape[:2], np.float32)
    for channel in range(3):
        plane = cv2.GaussianBlur(np.ascontiguousarray(lab[..., channel]), (0, 0), 0.8)
        slope = np.hypot(cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)) / 8
        strength = np.maximum(strength, slope.astype(np.float32))
    return strength


def _proposals(lab: Map, edges: Map, rules: Rules) -> Iterator[Proposal]:
    size = lab.shape[0] * lab.shape[1]
    seen: set[tuple[int, ...]] = set()
    for plane in binary_planes(lab):
        outlines, _ = cv2.findContours(plane, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for outline in outlines:
            area = cv2.contourArea(outline)
            if not rules.least_area * size < area < rules.most_area * size:
                continue
            left, top, wide, high = cv2.boundingRect(outline)
            rough = (left // 3, top // 3, (left + wide) // 3, (top + high) // 3)
            on_frame = left <= 1 or top <= 1 or left + wide >= lab.shape[1] - 1 or top + high >= lab.shape[0] - 1
            if rough in seen or on_frame or min(wide, high) < 7:
                continue
            seen.add(rough)
            hull = np.asarray(cv2.convexHull(outline), np.int32)
            shape = _shape_score(hull, area)
            if shape > 0.2:
                score = _score(hull, shape, lab, edges)
                if score >= rules.least_score:
                    yield Proposal(hull, score)


def binary_planes(lab: Map) -> Iterator[NDArray[np.uint8]]:
    """The photo cut at many levels of lightness, colour and saturation."""
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    for channel in (lab[..., 0], lab[..., 1], lab[..., 2], chroma):
        levels = np.unique(np.percentile(channel, [4, 8, 14, 22, 32, 44, 56, 68, 78, 86, 92, 96, 98.5]).round(1))
        for level in levels:
            above = (channel > level).astype(np.uint8)
            for plane in (above, 1 - above):
                yield np.asarray(cv2.morphologyEx(plane, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
                # A barcode cuts a label in two; closing bridges its bars.
                yield np.asarray(cv2.morphologyEx(plane, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), np.uint8)


def _shape_score(hull: NDArray[np.int32], area: float) -> float:
    """1 for a filled rectangle (also one with cut corners) or a disc, 0 for ragged or long shapes."""
    hull_area = cv2.contourArea(hull)
    (_, _), (one, other), _ = cv2.minAreaRect(hull)
    if min(one, other) < 6 or max(one, other) > 4 * min(one, other) or area < 0.85 * hull_area:
        return 0.0
    filled = hull_area / (one * other)
    rectangle = float(np.clip((filled - 0.78) / 0.15, 0, 1))
    (_, _), radius = cv2.minEnclosingCircle(hull)
    disc = float(np.clip((hull_area / (np.pi * radius**2) - 0.85) / 0.1, 0, 1))
    return max(rectangle, disc)


def _score(hull: NDArray[np.int32], shape: float, lab: Map, edges: Map) -> float:
    left, top, wide, high = cv2.boundingRect(hull)
    box = (slice(max(0, top - 6), top + high + 6), slice(max(0, left - 6), left + wide + 6))
    corner = np.array([box[1].start, box[0].start], np.int32)
    inside = filled(hull - corner, lab[box].shape[:2])
    core, outer, near = shrunk(inside, 2), grown(inside, 5), grown(inside, 1)
    ring, rim = outer & ~near, near & ~core
    if core.sum() < 15 or ring.sum() < 15:
        return 0.0
    colours, around = lab[box], lab[box][ring]
    plain = np.median(colours[core], axis=0)
    off = np.linalg.norm(colours[core] - plain, axis=1)
    one_colour = float(np.clip(((off < 8).mean() - 0.35) / 0.45, 0, 1))
    contrast = float(np.clip(np.median(np.linalg.norm(around - plain, axis=1)) / 28, 0, 1))
    # All round: the weakest tenth of the rim counts too.
    strong = np.asarray(cv2.dilate(edges[box], np.ones((3, 3), np.uint8)), np.float32)[rim]
    closed = float(np.clip(((strong > 2.0).mean() - 0.5) / 0.45, 0, 1))
    ink = float((off > 16).mean())
    printed = float(np.clip(ink / 0.05, 0, 1)) if ink < 0.5 else 0.0
    paper = float(np.clip((plain[0] - 70) / 20, 0, 1)) * float(np.hypot(plain[1], plain[2]) < 22)
    signal = float(np.clip((np.hypot(plain[1], plain[2]) - 45) / 25, 0, 1))
    return 0.22 * shape + 0.2 * closed + 0.16 * one_colour + 0.16 * contrast + 0.16 * printed + 0.1 * max(paper, signal)


def filled(hull: NDArray[np.int32], shape: tuple[int, ...]) -> Mask:
    """What an outline encloses."""
    plane = np.zeros(shape, np.uint8)
    cv2.fillPoly(plane, [hull], 1)
    return plane > 0
