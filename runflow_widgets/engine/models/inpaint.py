"""Filling a hole with what the rest of the photo would continue there.

Method: exemplar-based completion as an optimisation over all overlapping patches (Wexler, Shechtman & Irani, CVPR 2004)
with PatchMatch correspondences, from coarse to fine. Big holes are solved at a reduced size and the correspondences
are lifted to full resolution, so that grain and texture are real; a membrane then evens out the light at the rim.
Every pixel outside the mask stays byte for byte.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from . import Map, Mask, Photo, Report, part_of, patchmatch, quiet
from .cutout import to_lab
from .masks import grown, mean_nearby
from .membrane import membrane
from .patchmatch import Index, Puzzle
from .scales import Belonging, Box, Scales, around, descend, roughness

_COLOURS: Final = 3
#: Planes that are painted in the hole: colours, and the two of liveliness.
_PAINTED: Final = 5
#: The least size of the parts of a hole that is filled part by part, in pixels each way.
_PART: Final = 320
#: A hole that is less than this share of its frame is a line or a web.
_LINE: Final = 0.25
#: What differs by more, in grey levels, differs by more than light.
_MOST_LIGHT: Final = 40.0
#: A hole is thin up to so many pixels from its middle to its rim, and not at all thin from twice as many on.
_THIN: Final = 8.0
#: No hole is drawn farther towards its rim for being thin.
_MOST_CAUTION: Final = 0.6
#: How much less of `liveliness` a thin hole has, whose rim tells nearly all.
_CALM: Final = 0.4


@dataclass(frozen=True, slots=True)
class InpaintOptions:
    """How a hole is filled.

    Attributes:
        seed: The same seed gives the same picture.
        radius: Patches are 2·radius + 1 pixels wide.
        solved_px: At most so many pixels of a hole are searched for; larger holes are solved smaller and lifted.
        whole_px: A hole of more pixels is filled at half the size, or its surroundings would not fit into the memory.
        reach_px: A line, or a web of them, whose frame has more pixels than this is filled in parts.
        context: How far around a hole sources are looked for, in sizes of the hole.
        coarsest_px: The hole's thickness on the coarsest scale.
        detail: How much of the single best source's fine texture is put back after voting, which blurs.
        caution: How far broad light and colour are drawn towards what the rim alone suggests: what was found is a
            guess, and a guess between the two is wrong by less. Where a hole is thin, up to twice as far.
        liveliness: How much it counts that a source's surroundings are as rough or smooth as those that are missing.
        loyalty: How much it counts that a source belongs to the same thing as what is missing, where that is told.
        contrast: How far fine texture is raised to what there is of it at the rim. Sources are chosen for their
            likeness to a mean of guesses, so on the whole they are duller than what is missing.
    """

    seed: int = 0
    radius: int = 3
    solved_px: int = 40_000
    whole_px: int = 4_000_000
    reach_px: int = 2_000_000
    context: float = 1.8
    coarsest_px: int = 12
    detail: float = 0.9
    caution: float = 0.6
    liveliness: float = 5.0
    loyalty: float = 40.0
    contrast: float = 0.65


def inpaint(
    photo: Photo,
    hole: Mask,
    options: InpaintOptions | None = None,
    report: Report = quiet,
    *,
    belonging: Map | None = None,
) -> Photo:
    """Fill the masked part of a photo; the input is not changed.

    `belonging` tells, in the hole too, what is one thing (towards 1) and what another (towards -1); of any size.
    """
    options = options or InpaintOptions()
    if hole.shape != photo.shape[:2]:
        raise InputError(f"The mask has the shape {hole.shape}, but the photo {photo.shape[:2]}.")
    if hole.all():
        raise InputError("The mask covers the whole photo, so nothing is left to fill it from.")
    unknown, filled = hole.copy(), photo.copy()
    labels, boxes = _groups(unknown, options)
    for number, (label, box) in enumerate(boxes):
        step = part_of(report, number / len(boxes), (number + 1) / len(boxes))
        group = unknown[box] & (labels[box] == label)
        kin = None if belonging is None else Belonging(belonging, hole.shape).within(box)
        filled[box][group] = _fill(filled[box], group, unknown[box] & ~group, kin, options, step)[group]
        unknown[box][group] = False
    return filled


def _groups(hole: Mask, options: InpaintOptions) -> tuple[NDArray[np.int32], list[tuple[int, Box]]]:
    """Holes that lie close together are one problem; the small ones first, then they serve the others as source."""
    near = grown(hole, max(2, round(0.006 * max(hole.shape))))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(near.astype(np.uint8))
    areas = np.bincount(labels[hole], minlength=len(stats))
    fresh = itertools.count(len(stats))
    groups: list[tuple[int, tuple[int, ...]]] = []
    for label in range(1, len(stats)):
        left, top, width, height, _ = (int(value) for value in stats[label])
        area = int(areas[label])
        sprawls = width * height > max(options.reach_px, area / _LINE)
        whole = (left, top, width, height, area)
        groups += _parts(labels, label, whole, fresh) if sprawls else [(label, whole)]
    groups.sort(key=lambda group: group[1][cv2.CC_STAT_AREA])
    return np.asarray(labels, np.int32), [(label, _context(extent, options)) for label, extent in groups]


def _parts(
    labels: NDArray[Any], label: int, extent: tuple[int, ...], fresh: Iterator[int]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Cut a long hole along a grid, and give each part a label of its own."""
    left, top, width, height, area = extent
    # A part of a thick line must be longer than it is thick, or it would see nothing but hole.
    size = max(_PART, 4 * area // max(width, height))
    for y in range(top, top + height, size):
        for x in range(left, left + width, size):
            tile = labels[y : min(y + size, top + height), x : min(x + size, left + width)]
            inside = tile == label
            if inside.any():
                number = next(fresh)
                tile[inside] = number
                column, row, wide, high = cv2.boundingRect(inside.astype(np.uint8))
                yield number, (x + column, y + row, wide, high, int(inside.sum()))


def _context(extent: tuple[int, ...], options: InpaintOptions) -> Box:
    left, top, width, height = extent[:4]
    margin = max(48, round(options.context * max(width, height)))
    return (
        slice(max(0, top - margin), top + height + margin),
        slice(max(0, left - margin), left + width + margin),
    )


def _fill(
    photo: Photo, hole: Mask, forbidden: Mask, kin: Belonging | None, options: InpaintOptions, report: Report
) -> Photo:
    if hole.sum() > options.whole_px:
        half = descend(photo, hole, forbidden, 1, 1)[1]
        size = half[1].shape[::-1]
        large = cv2.resize(_fill(*half, kin and kin.halved(), options, report), (2 * size[0], 2 * size[1]))
        return np.asarray(large[: hole.shape[0], : hole.shape[1]], np.uint8)
    lifts = max(0, int(np.ceil(np.log2(max(1.0, hole.sum() / options.solved_px)) / 2)))
    thickness = 2 * float(_depth(hole).max())
    wanted = lifts + max(0, int(np.ceil(np.log2(max(1.0, thickness / 2**lifts / options.coarsest_px)))))
    halvings = min(wanted, max(0, int(np.log2(min(hole.shape) / 24)))) if min(hole.shape) > 24 else 0
    scales = [
        scale
        for scale in descend(photo, hole, forbidden, halvings, lifts)
        # Specks are no hole any more where the picture is small.
        if scale[1].any() and Puzzle.of(scale[1], scale[2], options.radius).sources.sum() >= 64
    ]
    if not scales:
        return np.clip(membrane(photo.astype(np.float32), hole), 0, 255).astype(np.uint8)[
            : hole.shape[0], : hole.shape[1]
        ]
    calm = 1 - _CALM * float(_thinness(np.float32(thickness / 2)))
    calmed = replace(options, liveliness=calm * options.liveliness)
    painted = _solve(scales, kin, min(lifts, len(scales) - 1), calmed, report)
    return painted[: hole.shape[0], : hole.shape[1]]


def _depth(hole: Mask) -> Map:
    """How far each pixel of a hole is from its rim."""
    return np.asarray(cv2.distanceTransform(np.pad(hole, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def _thinness(depth: Any) -> Any:
    return np.clip(2 - depth / _THIN, 0, 1)


def _solve(scales: Scales, kin: Belonging | None, lifts: int, options: InpaintOptions, report: Report) -> Photo:
    rng = np.random.default_rng(options.seed)
    puzzle: Puzzle | None = None
    field: Index = np.empty(0, np.int64)
    lab: Map = np.empty(0, np.float32)
    rough = roughness(scales[lifts:])
    for depth in range(len(scales) - 1, lifts - 1, -1):
        photo, hole, forbidden = scales[depth]
        report(0.85 * (1 - (depth - lifts + 1) / (len(scales) - lifts)), f"filling at 1/{2**depth} of the size")
        finer = Puzzle.of(hole, forbidden, options.radius)
        parts = (to_lab(photo), options.liveliness * rough[depth - lifts])
        if puzzle is None:
            parts = (membrane(parts[0], hole), membrane(parts[1], hole))
        told = (options.loyalty * kin.at(hole.shape, 2**depth)[..., None],) if kin else ()
        lab = np.concatenate([*parts, *told], axis=2)
        if puzzle is None:
            field = rng.choice(np.flatnonzero(finer.sources), len(finer.targets))
        else:
            field, weight = patchmatch.lift(puzzle, field, finer)
            _paint(lab, finer, field, weight)
        puzzle = finer
        field, error = _improve(lab, puzzle, field, rng, rounds=max(2, 10 - 4 * (len(scales) - 1 - depth)))
    assert puzzle is not None
    weight = patchmatch.weights_of(puzzle, error, 4.0)
    for depth in range(lifts - 1, -1, -1):
        report(0.85 + 0.1 * (1 - depth / max(1, lifts)), f"lifting to 1/{2**depth} of the size")
        finer = Puzzle.of(scales[depth][1], scales[depth][2], options.radius - 1)
        field, weight = patchmatch.lift(puzzle, field, finer)
        puzzle = finer
    return _finish(scales[0][0], puzzle, field, weight, options)


def _paint(picture: Map, puzzle: Puzzle, field: Index, weight: Map) -> None:
    """A sketch for the next search: half of the votes say nearly what all would."""
    pixels = np.flatnonzero(puzzle.hole)
    painted = patchmatch.vote(puzzle, field, weight, picture[..., :_PAINTED], pixels, half=True)
    picture.reshape(-1, picture.shape[2])[pixels, :_PAINTED] = painted


def _improve(lab: Map, puzzle: Puzzle, field: Index, rng: np.random.Generator, rounds: int) -> tuple[Index, Map]:
    """Match and vote in turn, until what is painted and where it comes from agree."""
    filters = patchmatch.components(lab[..., :_COLOURS], puzzle, rng)
    offered = patchmatch.describe(lab, filters)
    goals = offered.reshape(-1, offered.shape[2])[puzzle.targets]
    error = np.ones(len(field), np.float32)
    for round_ in range(rounds):
        exact = patchmatch.match_all(puzzle, goals, offered) if round_ == 0 else None
        field, error = exact or patchmatch.match(puzzle, field, goals, offered, rng, rounds=1 if round_ else 2)
        if round_ < rounds - 1:
            _paint(lab, puzzle, field, patchmatch.weights_of(puzzle, error, 0.5))
            goals = _goals(lab, puzzle, filters)
    return field, error


def _goals(lab: Map, puzzle: Puzzle, filters: Map) -> Map:
    """What the patches at the targets are like, of what is painted by now."""
    rows, columns = np.divmod(puzzle.targets, lab.shape[1])
    margin = 2 * puzzle.radius
    top, left = max(0, rows.min() - margin), max(0, columns.min() - margin)
    box = (slice(top, rows.max() + margin + 1), slice(left, columns.max() + margin + 1))
    return np.asarray(patchmatch.describe(lab[box], filters)[rows - top, columns - left], np.float32)


def _finish(photo: Photo, puzzle: Puzzle, field: Index, weight: Map, options: InpaintOptions) -> Photo:
    """Vote in real colours, put fine texture back, and match the light at the rim."""
    box = around(puzzle.hole, 12)
    whole_ring = grown(puzzle.hole, 2)
    hole, ring, target = puzzle.hole[box], whole_ring[box], (puzzle.number >= 0).reshape(puzzle.hole.shape)[box]
    painted = photo[box].astype(np.float32)
    painted[ring] = patchmatch.vote(puzzle, field, weight, photo, np.flatnonzero(whole_ring))

    exact = painted.copy()
    exact[target] = photo.reshape(-1, 3)[field]
    texture = _fine(exact) - _fine(painted)
    result = painted + options.detail * texture + _light(photo[box], painted, hole, ring & ~hole)
    if options.caution:
        result += _drawn_to_rim(photo[box], result, hole, options.caution)
    if options.contrast:
        result = _as_lively(result, hole, options.contrast)
    finished = photo.copy()
    finished[box][hole] = np.clip(np.rint(result[hole]), 0, 255).astype(np.uint8)
    return finished


def _drawn_to_rim(photo: Photo, painted: Map, hole: Mask, caution: float) -> Map:
    """What is added to draw a hole towards the broad colours of its rim; where it is thin, up to twice of that."""
    depth = _depth(hole)
    suggested = membrane(photo.astype(np.float32), hole)
    # As thin as the thickest part nearby.
    nearby = np.ones((int(4 * _THIN) + 1,) * 2, np.uint8)
    thin = np.where(hole, _thinness(cv2.dilate(depth, nearby)), 0)
    if thin.any():
        # Across a thin hole edges can be followed (Bertalmio, Bertozzi & Sapiro, CVPR 2001).
        followed = cv2.inpaint(np.ascontiguousarray(photo), hole.astype(np.uint8), 5, cv2.INPAINT_NS)
        there = thin > 0
        suggested[there] += thin[there, None] * (followed[there] - suggested[there])
    # Beside an edge, what is suggested is a blur of both its sides.
    difference = np.clip(suggested - painted, -_MOST_LIGHT, _MOST_LIGHT)
    difference *= (hole * np.minimum(caution * (1 + thin), max(caution, _MOST_CAUTION)))[..., None]
    # Finer than this lies the texture, which is to stay as it was found.
    blur = max(2.5, 0.1 * float(depth.max()))
    return mean_nearby(difference, hole, blur)


def _as_lively(picture: Map, hole: Mask, strength: float) -> Map:
    """The same with the fine texture in the hole raised towards what the rim has of it, and never lowered."""
    fine = _fine(picture)
    energy = np.abs(fine).mean(axis=2)
    expected = membrane(mean_nearby(energy, ~hole, 6.0)[..., None], hole)[..., 0]
    # Below a third of a grey level there is nothing to be raised.
    wanted = np.clip((expected + 0.3) / (mean_nearby(energy, hole, 6.0) + 0.3), 1.0, 1.6)
    fine *= (strength * (wanted - 1) * hole)[..., None]
    fine += picture
    return fine


def _fine(picture: Map) -> Map:
    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), 2.5), np.float32)


def _light(photo: Photo, painted: Map, hole: Mask, rim: Mask) -> Map:
    """On the rim both are known, what the patches say and what is true: the difference is a matter of light."""
    difference = np.zeros_like(painted)
    difference[rim] = photo[rim] - painted[rim]
    # A large difference is no light but something that ends at the rim.
    difference[np.abs(difference).max(axis=2) > _MOST_LIGHT] = 0
    share = np.asarray(cv2.blur(rim.astype(np.float32), (7, 7)))[..., None]
    smooth = np.where(rim[..., None], np.asarray(cv2.blur(difference, (7, 7))) / np.maximum(share, 1e-3), 0)
    return membrane(smooth.astype(np.float32), hole)
