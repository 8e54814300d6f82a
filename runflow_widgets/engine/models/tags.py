"""Finding price tags, stickers and labels by rules, to have them painted over.

Proposals are the connected pieces of many thresholds in lightness, two colour channels and saturation (the idea of
maximally stable extremal regions; Matas et al., BMVC 2002). Each is scored by what makes a tag a tag: a plain convex
shape, edges all round, one plain colour, contrast against its surroundings, something printed on it. A thin line that
leads away from a tag is taken for its string. Rules know no garments: prints and pockets can fool them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Mask, Photo, Report, part_of, quiet
from .cutout import shrink, to_lab
from .inpaint import InpaintOptions, inpaint


@dataclass(frozen=True, slots=True)
class TagOptions:
    """What counts as a tag.

    Attributes:
        working_px: The longer side of the picture that is searched.
        least_score: Proposals below this score are dropped.
        least_area: The smallest tag, as a share of the picture.
        most_area: The largest.
        most_tags: At most so many are reported, the best first.
        grow_px: How far the mask reaches beyond the tag at working size: its shadow and its soft edge go too.
    """

    working_px: int = 480
    least_score: float = 0.78
    least_area: float = 0.0012
    most_area: float = 0.09
    most_tags: int = 6
    grow_px: int = 4


@dataclass(frozen=True, slots=True)
class Tag:
    """One find: its box (left, top, width, height) at the photo's size, and how sure it is."""

    box: tuple[int, int, int, int]
    score: float
    has_string: bool


@dataclass(frozen=True, slots=True)
class _Proposal:
    hull: NDArray[np.int32]
    score: float


def remove_tags(
    photo: Photo, options: TagOptions | None = None, filling: InpaintOptions | None = None, report: Report = quiet
) -> tuple[Photo, tuple[Tag, ...]]:
    """The photo without its tags, and what was taken for one; with no finds, the very same pixels."""
    tags, mask = find_tags(photo, options, part_of(report, 0, 0.35))
    if not tags:
        return photo, tags
    return inpaint(photo, mask, filling, part_of(report, 0.35, 1)), tags


def find_tags(photo: Photo, options: TagOptions | None = None, report: Report = quiet) -> tuple[tuple[Tag, ...], Mask]:
    """All tags of a photo, and a mask at the photo's size that covers them with their strings."""
    options = options or TagOptions()
    height, width = photo.shape[:2]
    small = shrink(photo, options.working_px)
    lab = to_lab(np.asarray(cv2.bilateralFilter(small, 5, 25, 3), np.uint8))
    edges = _edges(lab)
    report(0.1, "looking for plain shapes")
    proposals = sorted(_proposals(lab, edges, options), key=_rank, reverse=True)
    report(0.7, "choosing the tags")
    kept: list[tuple[Mask, Mask, float]] = []
    for proposal in proposals:
        shape = _filled(proposal.hull, lab.shape[:2])
        if len(kept) < options.most_tags and not any(_same(shape, other) for other, _, _ in kept):
            kept.append((shape, _string_of(shape, to_lab(small)), proposal.score))
    whole = np.zeros(lab.shape[:2], np.uint8)
    tags = []
    for shape, string, score in kept:
        part = _grown(shape, options.grow_px) | _grown(string, 2)
        whole |= part.astype(np.uint8)
        left, top, wide, high = cv2.boundingRect((shape | string).astype(np.uint8))
        across, down = width / lab.shape[1], height / lab.shape[0]
        box = (round(left * across), round(top * down), round(wide * across), round(high * down))
        tags.append(Tag(box, round(score, 3), bool(string.any())))
    mask = cv2.resize(whole * 255, (width, height), interpolation=cv2.INTER_LINEAR)
    return tuple(tags), np.asarray(mask > 100, np.bool_)


def _rank(proposal: _Proposal) -> float:
    """Of two shapes about as likely the larger comes first: half a label is worse than a bit too much."""
    return proposal.score + 0.06 * float(np.log2(cv2.contourArea(proposal.hull)))


def _edges(lab: Map) -> Map:
    strength = np.zeros(lab.shape[:2], np.float32)
    for channel in range(3):
        plane = cv2.GaussianBlur(np.ascontiguousarray(lab[..., channel]), (0, 0), 0.8)
        slope = np.hypot(cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)) / 8
        strength = np.maximum(strength, slope.astype(np.float32))
    return strength


def _proposals(lab: Map, edges: Map, options: TagOptions) -> Iterator[_Proposal]:
    size = lab.shape[0] * lab.shape[1]
    seen: set[tuple[int, ...]] = set()
    for plane in _binary_planes(lab):
        outlines, _ = cv2.findContours(plane, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for outline in outlines:
            area = cv2.contourArea(outline)
            if not options.least_area * size < area < options.most_area * size:
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
                if score >= options.least_score:
                    yield _Proposal(hull, score)


def _binary_planes(lab: Map) -> Iterator[NDArray[np.uint8]]:
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
    inside = _filled(hull - corner, lab[box].shape[:2])
    core, outer, near = _shrunk(inside, 2), _grown(inside, 5), _grown(inside, 1)
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


def _string_of(tag: Mask, lab: Map) -> Mask:
    """Thin lines, darker or lighter than what is behind them, that touch the tag and lead away from it."""
    light = np.ascontiguousarray(lab[..., 0])
    reach = max(8, round(1.6 * np.sqrt(tag.sum())))
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    near = _grown(tag, reach) & ~_grown(tag, 1)
    away = np.asarray(cv2.distanceTransform((~tag).astype(np.uint8), cv2.DIST_L2, 3))
    found = np.zeros_like(tag)
    for hat in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        thin = (np.asarray(cv2.morphologyEx(light, hat, window)) > 7) & near
        count, labels, stats, _ = cv2.connectedComponentsWithStats(thin.astype(np.uint8), connectivity=8)
        touching = set(np.unique(labels[_grown(tag, 3)]).tolist()) - {0}
        for piece in touching & set(range(1, count)):
            wide, high, area = (int(value) for value in stats[piece, 2:5])
            length = float(np.hypot(wide, high))
            # A string leads away; the edge of a pocket runs along.
            leads_away = away[labels == piece].max() > 0.4 * np.sqrt(tag.sum())
            if leads_away and area < 5 * length:
                found |= labels == piece
    return found


def _filled(hull: NDArray[np.int32], shape: tuple[int, ...]) -> Mask:
    plane = np.zeros(shape, np.uint8)
    cv2.fillPoly(plane, [hull], 1)
    return plane > 0


def _same(one: Mask, other: Mask) -> bool:
    return bool((one & other).sum() > 0.3 * min(one.sum(), other.sum()))


def _grown(mask: Mask, pixels: int) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0, np.bool_)


def _shrunk(mask: Mask, pixels: int) -> Mask:
    return ~_grown(~mask, pixels)
