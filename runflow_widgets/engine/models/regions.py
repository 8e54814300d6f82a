"""Saliency of regions: which patches of one colour belong to the surroundings, and which do not.

Superpixels are basins of a watershed (Vincent & Soille, PAMI 1991) flooded from a regular grid. On their graph,
boundary connectivity says how much of a region's kin lies on the border (robust background detection, Zhu et al.,
CVPR 2014), and manifold ranking (Yang et al., CVPR 2013) spreads likeness to each side of the frame, then to what is
unlike all four.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Mask

_REGIONS: Final = 260
#: Two colours this far apart in Lab are hardly kin any more.
_KINSHIP: Final = 10.0

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Regions:
    """A picture in patches: the patch of each pixel; colours, places and neighbours of the patches; the frame's."""

    labels: NDArray[np.int32]
    colours: Values
    places: Values
    beside: Mask
    sides: list[Mask]

    @property
    def on_border(self) -> Mask:
        """The patches that touch the frame."""
        return np.asarray(np.any(self.sides, axis=0), np.bool_)

    @property
    def unlike(self) -> Values:
        """The distance in Lab between each pair."""
        return np.asarray(np.linalg.norm(self.colours[:, None] - self.colours[None], axis=2), np.float64)

    def spread(self, values: Values) -> Map:
        """A value for each patch as a map, 0 to 1."""
        low, high = values.min(), values.max()
        return np.asarray((values - low) / (high - low + 1e-9), np.float32)[self.labels]


def divide(lab: Map) -> Regions:
    """Cut a picture along its edges into patches of about the same size."""
    labels = _basins(lab)
    count = int(labels.max()) + 1
    flat, height, width = labels.ravel(), *labels.shape
    sizes = np.maximum(np.bincount(flat, minlength=count), 1)
    y, x = np.mgrid[0:height, 0:width]
    planes = [*np.moveaxis(lab, 2, 0), y / height, x / width]
    means = np.stack([np.bincount(flat, plane.ravel(), count) / sizes for plane in planes], axis=1)
    beside = np.zeros((count, count), np.bool_)
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        beside[one, other] = beside[other, one] = True
    np.fill_diagonal(beside, False)
    frame = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    sides = [np.isin(np.arange(count), edge) for edge in frame]
    return Regions(labels, means[:, :3], means[:, 3:], beside, sides)


def background_contrast(regions: Regions) -> Map:
    """Contrast to what belongs to the border, smoothed over the graph."""
    unlike, on_border = regions.unlike, regions.on_border
    kin = np.exp(-(_steps(regions) ** 2) / (2 * _KINSHIP**2))
    connectivity = kin[:, on_border].sum(axis=1) / np.sqrt(kin.sum(axis=1))
    background = 1 - np.exp(-(connectivity**2) / 2)
    apart = np.linalg.norm(regions.places[:, None] - regions.places[None], axis=2)
    contrast = (unlike * np.exp(-(apart**2) / 0.125) * background).sum(axis=1)
    contrast /= contrast.max() + 1e-9
    near = _two_steps(regions)
    ties = np.where(near, np.exp(-(unlike**2) / (2 * _KINSHIP**2)) + 0.1, 0)
    pull = np.diag(5 * background + contrast + ties.sum(axis=1) + 1e-6) - ties
    return regions.spread(np.linalg.solve(pull, contrast))


def ranking(regions: Regions) -> Map:
    """What is unlike every side of the frame, then everything like that."""
    near = _two_steps(regions)
    ties = np.where(near, np.exp(-(regions.unlike**2) / (2 * _KINSHIP**2)), 0)
    flow = np.linalg.inv(np.diag(ties.sum(axis=1) + 1e-9) - 0.99 * ties)
    np.fill_diagonal(flow, 0)
    strange = np.ones(len(ties))
    for side in regions.sides:
        like = flow @ side
        strange *= 1 - (like - like.min()) / (np.ptp(like) + 1e-9)
    return regions.spread(flow @ (strange > strange.mean()))


def _basins(lab: Map) -> NDArray[np.int32]:
    height, width = lab.shape[:2]
    step = max(4.0, float(np.sqrt(height * width / _REGIONS)))
    seeds = np.zeros((height, width), np.int32)
    rows = ((np.arange(max(1, round(height / step))) + 0.5) * height / max(1, round(height / step))).astype(int)
    columns = ((np.arange(max(1, round(width / step))) + 0.5) * width / max(1, round(width / step))).astype(int)
    seeds[np.ix_(rows, columns)] = 1 + np.arange(len(rows) * len(columns)).reshape(len(rows), len(columns))
    picture = np.clip((lab + np.array([0, 128, 128])) * np.array([2.55, 1, 1]), 0, 255).astype(np.uint8)
    flooded = np.asarray(cv2.watershed(picture, seeds), np.int32)
    # Watershed leaves lines of -1 between basins: each pixel of them joins a neighbour.
    while (flooded <= 0).any():
        grown = cv2.dilate(flooded.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int32)
        flooded = np.where(flooded <= 0, grown, flooded)
    return np.unique(flooded, return_inverse=True)[1].reshape(height, width).astype(np.int32)


def _two_steps(regions: Regions) -> Mask:
    """Neighbours, their neighbours, and all that touch the frame with each other."""
    walk = regions.beside.astype(np.float32)
    near = regions.beside | (walk @ walk > 0) | np.outer(regions.on_border, regions.on_border)
    np.fill_diagonal(near, False)
    return np.asarray(near, np.bool_)


def _steps(regions: Regions) -> Values:
    """The shortest way in colour between each pair (Floyd & Warshall); small steps are free."""
    joined = regions.beside | np.outer(regions.on_border, regions.on_border)
    np.fill_diagonal(joined, False)
    direct = np.where(joined, regions.unlike, np.inf)
    least = direct.min(axis=1)
    free = float(least[np.isfinite(least)].mean()) if np.isfinite(least).any() else 0.0
    way = np.where(joined, np.maximum(regions.unlike - free, 0), np.inf)
    np.fill_diagonal(way, 0)
    for via in range(len(way)):
        np.minimum(way, way[:, via, None] + way[via], out=way)
    return np.asarray(way, np.float64)
