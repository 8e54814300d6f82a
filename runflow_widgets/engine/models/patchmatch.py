"""For every patch that touches a hole, a similar patch from the rest of the picture.

The field of correspondences is found by PatchMatch (Barnes et al., SIGGRAPH 2009): good offsets spread to neighbours,
random jumps find new ones. The patches are compared by a few numbers each, their principal components (Hotelling,
1933), and the hole is painted by the votes of all patches that overlap a pixel (Wexler, Shechtman & Irani, CVPR 2004).
All steps work on whole arrays, so NumPy is fast enough.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Mask

Index = NDArray[np.int64]
_COMPONENTS = 12
_SAMPLES = 800
#: Patches of the picture compared with all others at once: this many pairs still fit into memory and time.
_BRUTE_FORCE = 30_000_000
#: That many of them at a time: what the processor keeps close is compared several times as fast.
_BLOCK = 400_000
#: The least weight of a patch deep inside a hole, of one that fits badly, and of one whose source was moved. None may
#: be so small that the sum of all around a pixel vanishes: such a pixel would be black.
_LEAST_TRUST = 1e-3
_LEAST_FIT = 1e-3
_MOVED = 0.05
#: Steps from a place to those around it, the nearest first.
_AROUND = sorted(itertools.product(range(-6, 7), repeat=2), key=lambda step: step[0] ** 2 + step[1] ** 2)


@dataclass(frozen=True, slots=True)
class Puzzle:
    """One scale of the problem: where patches are wanted, and where they may come from.

    Places are flat indices into the picture. `number` turns a place into its position in `targets`, or -1.
    """

    hole: Mask
    radius: int
    sources: Mask
    targets: Index
    number: NDArray[np.int32]
    trust: Map

    @classmethod
    def of(cls, hole: Mask, forbidden: Mask, radius: int) -> Puzzle:
        """Patches that touch the hole want a source; sources see neither hole, nor frame, nor what is forbidden."""
        square = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
        touched = cv2.dilate(hole.astype(np.uint8), square) > 0
        sources = cv2.dilate((hole | forbidden).astype(np.uint8), square) == 0
        sources[:radius] = sources[-radius:] = False
        sources[:, :radius] = sources[:, -radius:] = False
        targets = np.flatnonzero(touched)
        number = np.full(hole.size, -1, np.int32)
        number[targets] = np.arange(len(targets))
        # The rim is known; patches deep inside rest on guesses and weigh less.
        depth = np.asarray(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3), np.float32)
        trust = np.maximum(1.3**-depth, _LEAST_TRUST).ravel().astype(np.float32)
        return cls(hole, radius, sources, targets, number, trust)


def components(picture: Map, puzzle: Puzzle, rng: np.random.Generator) -> Map:
    """The filters that tell this picture's patches apart best: components × size × size × channels."""
    radius = puzzle.radius
    y, x = np.divmod(rng.choice(np.flatnonzero(puzzle.sources), _SAMPLES), picture.shape[1])
    around = range(-radius, radius + 1)
    patches = np.stack([picture[y + dy, x + dx] for dy in around for dx in around], axis=1)
    patches = patches.reshape(len(y), -1)
    distance = np.square(np.mgrid[-radius : radius + 1, -radius : radius + 1]).sum(axis=0)
    weight = np.repeat(np.exp(-distance / (1.4 * len(around) ** 2)).ravel(), picture.shape[2])
    patches = ((patches - patches.mean(axis=0)) * weight).astype(np.float32)
    vectors = np.linalg.eigh(patches.T @ patches)[1][:, ::-1][:, :_COMPONENTS]
    filters = (vectors * weight[:, None]).T.reshape(-1, len(around), len(around), picture.shape[2])
    return np.asarray(filters, np.float32)


def describe(picture: Map, filters: Map) -> Map:
    """The few numbers that stand for the patch round each pixel; planes that have no filter stand for themselves."""
    colours = filters.shape[3]
    planes = cv2.split(picture)
    described = []
    for kernel in filters:
        total = _filtered(planes[0], kernel[..., 0])
        for channel in range(1, colours):
            total += _filtered(planes[channel], kernel[..., channel])
        described.append(total)
    return np.asarray(cv2.merge([*described, *planes[colours:]]), np.float32)


def _filtered(plane: NDArray[Any], kernel: Map) -> NDArray[Any]:
    return np.asarray(cv2.filter2D(plane, -1, kernel, borderType=cv2.BORDER_REFLECT_101))


def match_all(puzzle: Puzzle, goals: Map, offered: Map) -> tuple[Index, Map] | None:
    """The best source for the goals of all targets by comparing all with all; None where that would take too long."""
    places = np.flatnonzero(puzzle.sources)
    if len(puzzle.targets) * len(places) > _BRUTE_FORCE:
        return None
    candidates = offered.reshape(-1, offered.shape[2])[places]
    # The squared distance, less what is the same for all candidates of a goal, as one product.
    lengths = np.einsum("ij,ij->i", candidates, candidates)
    factors = np.ascontiguousarray(np.concatenate([-2 * candidates, lengths[:, None]], axis=1).T)
    extended = np.concatenate([goals, np.ones((len(goals), 1), np.float32)], axis=1)
    step = max(1, _BLOCK // len(places))
    best = np.concatenate(
        [(extended[start : start + step] @ factors).argmin(axis=1) for start in range(0, len(goals), step)]
    )
    error = ((goals - candidates[best]) ** 2).sum(axis=1)
    return places[best], error.astype(np.float32)


def match(
    puzzle: Puzzle, field: Index, goals: Map, offered: Map, rng: np.random.Generator, rounds: int
) -> tuple[Index, Map]:
    """Improve a field of sources by propagation and random search."""
    flat = offered.reshape(-1, offered.shape[2])
    field = field.copy()
    error = _errors(goals, flat, field)
    for round_ in range(rounds):
        for step in (4, 1) if round_ == 0 else (1,):
            for dy, dx in ((0, step), (step, 0), (0, -step), (-step, 0)):
                proposal, possible = _from_neighbour(puzzle, field, dy, dx)
                # A neighbour's offset may be a little worse: patches that hang together look better than exact crumbs.
                _adopt(field, error, goals, flat, proposal, possible, 0.8)
        reach = max(puzzle.hole.shape)
        while reach >= 1:
            proposal, possible = _nearby(puzzle, field, reach, rng)
            _adopt(field, error, goals, flat, proposal, possible, 1.0)
            reach //= 3
    return field, error


def vote(
    puzzle: Puzzle, field: Index, weight: Map, picture: NDArray[np.generic], pixels: Index, *, half: bool = False
) -> Map:
    """Paint the given pixels: the weighted mean of what all patches that cover a pixel have there.

    With `half`, of the patches around a pixel only those on the fields of one colour of a chessboard are asked.
    """
    height, width = puzzle.hole.shape
    radius = puzzle.radius
    y, x = np.divmod(pixels, width)
    top, left, bottom, right = y.min() - radius, x.min() - radius, y.max() + radius + 1, x.max() + radius + 1
    # The patches around these pixels as a plane of their own; beyond the frame there are none.
    frame = ((max(0, -top), max(0, bottom - height)), (max(0, -left), max(0, right - width)))
    plane = puzzle.number.reshape(height, width)[max(0, top) : bottom, max(0, left) : right]
    patch = np.pad(plane, frame, constant_values=-1).ravel()
    source, loud = field[patch], np.where(patch >= 0, weight[patch], 0).astype(np.float32)
    places = (y - top) * (right - left) + x - left
    # Plane by plane: rows of a few numbers are slow to add up.
    planes = [np.ascontiguousarray(plane) for plane in picture.reshape(height * width, -1).T]
    totals = np.zeros((len(planes), len(pixels)), np.float32)
    weights = np.zeros(len(pixels), np.float32)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if half and (dy + dx) % 2:
                continue
            voter = places - (dy * (right - left) + dx)
            share = loud.take(voter)
            said = source.take(voter)
            said += dy * width + dx
            for total, plane in zip(totals, planes, strict=True):
                total += plane.take(said, mode="clip") * share
            weights += share
    return np.ascontiguousarray((totals / weights).T)


def lift(puzzle: Puzzle, field: Index, finer: Puzzle) -> tuple[Index, Map]:
    """The same field at twice the size, and the weight of each patch; a source that is none there moves to the next."""
    width, fine_width = puzzle.hole.shape[1], finer.hole.shape[1]
    y, x = np.divmod(finer.targets, fine_width)
    coarse = puzzle.number[(y // 2) * width + x // 2]
    source_y, source_x = np.divmod(field[coarse], width)
    lifted = (2 * source_y + y % 2) * fine_width + 2 * source_x + x % 2
    moved = (coarse < 0) | ~finer.sources.ravel()[lifted]
    lifted[moved] = _near_sources(finer, lifted[moved])
    weight = np.where(moved, _MOVED, 1.0) * finer.trust[finer.targets]
    return lifted, weight.astype(np.float32)


def _near_sources(puzzle: Puzzle, places: Index) -> Index:
    """For each place a source close to it; any source, where none is close."""
    sources, (height, width) = puzzle.sources.ravel(), puzzle.hole.shape
    found = np.full(len(places), int(sources.argmax()), np.int64)
    missing = np.arange(len(places))
    y, x = np.divmod(places, width)
    for dy, dx in _AROUND:
        down, across = y[missing] + dy, x[missing] + dx
        inside = (down >= 0) & (down < height) & (across >= 0) & (across < width)
        place = np.where(inside, down * width + across, 0)
        near = inside & sources[place]
        found[missing[near]] = place[near]
        missing = missing[~near]
    return found


def weights_of(puzzle: Puzzle, error: Map, sharpness: float) -> Map:
    """How loud each patch speaks: by how well it fits and by how well its place is known."""
    scale = np.percentile(error, 75) / sharpness + 1e-3
    fit = np.maximum(np.exp(-error / (2 * scale)), _LEAST_FIT)
    return np.asarray(fit * puzzle.trust[puzzle.targets], np.float32)


def _errors(goals: Map, flat: Map, field: Index) -> Map:
    difference = goals - flat[field]
    return np.asarray(np.einsum("ij,ij->i", difference, difference), np.float32)


def _from_neighbour(puzzle: Puzzle, field: Index, dy: int, dx: int) -> tuple[Index, Mask]:
    height, width = puzzle.hole.shape
    y, x = np.divmod(puzzle.targets, width)
    inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
    neighbour = puzzle.number[np.where(inside, puzzle.targets + dy * width + dx, 0)]
    source_y, source_x = np.divmod(field[neighbour], width)
    source_y, source_x = source_y - dy, source_x - dx
    inside &= (neighbour >= 0) & (source_y >= 0) & (source_y < height) & (source_x >= 0) & (source_x < width)
    proposal = np.where(inside, source_y * width + source_x, 0)
    return proposal, inside & puzzle.sources.ravel()[proposal] & (proposal != field)


def _nearby(puzzle: Puzzle, field: Index, reach: int, rng: np.random.Generator) -> tuple[Index, Mask]:
    height, width = puzzle.hole.shape
    y, x = np.divmod(field, width)
    y = np.clip(y + rng.integers(-reach, reach + 1, len(field)), 0, height - 1)
    x = np.clip(x + rng.integers(-reach, reach + 1, len(field)), 0, width - 1)
    proposal = y * width + x
    return proposal, puzzle.sources.ravel()[proposal]


def _adopt(field: Index, error: Map, goals: Map, flat: Map, proposal: Index, possible: Mask, tolerance: float) -> None:
    chosen = np.flatnonzero(possible)
    found = _errors(goals[chosen], flat, proposal[chosen])
    better = found * tolerance < error[chosen]
    field[chosen[better]] = proposal[chosen[better]]
    error[chosen[better]] = found[better]
