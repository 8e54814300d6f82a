"""Where in a picture the subject may be, from three cheap points of view.

* How far a colour is from those of the border (clusters and their covariance; Mahalanobis, 1936).
* The minimum-barrier distance to the border by raster sweeps (Zhang et al., ICCV 2015): how much the colour has to
  change on the best way out of the picture.
* Contrast against the surroundings, weighted by how little a region belongs to the border (boundary connectivity,
  Zhu et al., CVPR 2014), on a coarse grid instead of superpixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map
from .backdrop import border_of

_CLUSTERS = 3
_SWEEPS = 2
_CELLS = 20


def saliency(lab: Map) -> Map:
    """The mean of the three views, a little higher in the middle; 0 to 1."""
    views = [scaled(border_distance(lab)), scaled(barrier_distance(lab)), scaled(regional_contrast(lab))]
    return scaled(np.mean(views, axis=0) * (0.5 + 0.5 * centre(*lab.shape[:2])))


def centre(height: int, width: int) -> Map:
    """A hill in the middle: photographers seldom put the subject in a corner."""
    y, x = np.meshgrid(np.linspace(-0.5, 0.5, height), np.linspace(-0.5, 0.5, width), indexing="ij")
    return np.asarray(np.exp(-(x**2 + y**2) / (2 * 0.33**2)), np.float32)


def border_distance(lab: Map) -> Map:
    """How unlike the border's colours each pixel is; a colour that is rare there counts as subject cut by the frame."""
    pixels = lab[border_of(lab.shape[0], lab.shape[1], 0.05)]
    cv2.setRNGSeed(0)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, labels, centres = cv2.kmeans(
        pixels, min(_CLUSTERS, len(pixels)), np.empty(0, np.int32), criteria, 2, cv2.KMEANS_PP_CENTERS
    )
    nearest = np.full(lab.shape[:2], np.inf)
    for cluster in range(len(centres)):
        members = pixels[labels.ravel() == cluster]
        if len(members) < 0.1 * len(pixels):
            continue
        spread = np.cov(members.T) + np.diag([30.0, 8.0, 8.0])
        offset = lab - centres[cluster]
        nearest = np.minimum(nearest, np.sqrt(((offset @ np.linalg.inv(spread)) * offset).sum(axis=2)))
    return nearest.astype(np.float32)


def barrier_distance(lab: Map) -> Map:
    """The least range of lightness and colour on a way to the border, summed over the channels."""
    smooth = cv2.GaussianBlur(lab, (0, 0), 1)
    planes = [_barrier(np.ascontiguousarray(smooth[..., channel])) for channel in range(3)]
    return np.asarray(np.sum(planes, axis=0), np.float32)


def _barrier(plane: Map) -> Map:
    distance = np.full(plane.shape, np.inf, np.float32)
    distance[[0, -1]] = 0
    distance[:, [0, -1]] = 0
    state = (plane, plane.copy(), plane.copy(), distance)
    for _ in range(_SWEEPS):
        # A view from each side: rows down and up, then the same on the transposed arrays.
        for turned in (state, tuple(array.T for array in state)):
            _sweep(*(array for array in turned))
            _sweep(*(array[::-1] for array in turned))
    return distance


def _sweep(plane: Map, highest: Map, lowest: Map, distance: Map) -> None:
    for row in range(1, len(plane)):
        high = np.maximum(highest[row - 1], plane[row])
        low = np.minimum(lowest[row - 1], plane[row])
        better = high - low < distance[row]
        distance[row][better] = (high - low)[better]
        highest[row][better] = high[better]
        lowest[row][better] = low[better]


def regional_contrast(lab: Map) -> Map:
    """How much each cell of a coarse grid differs from cells near it that hang together with the border."""
    height, width = lab.shape[:2]
    rows, columns = (
        max(3, round(_CELLS * height / max(lab.shape[:2]))),
        max(3, round(_CELLS * width / max(lab.shape[:2]))),
    )
    small = cv2.resize(lab, (columns, rows), interpolation=cv2.INTER_AREA)
    colours = small.reshape(-1, 3)
    y, x = np.divmod(np.arange(rows * columns), columns)
    places = np.stack([y / rows, x / columns], axis=1)
    on_border = (y == 0) | (y == rows - 1) | (x == 0) | (x == columns - 1)
    unlike = np.linalg.norm(colours[:, None] - colours[None], axis=2)
    likeness = np.exp(-(unlike**2) / 200)
    connectivity = likeness[:, on_border].sum(axis=1) / np.sqrt(likeness.sum(axis=1))
    background = 1 - np.exp(-(connectivity**2) / 2)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    contrast = (unlike * np.exp(-(apart**2) / 0.125) * background).sum(axis=1) * (1 - background)
    grid = contrast.reshape(rows, columns).astype(np.float32)
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def scaled(values: NDArray[np.floating]) -> Map:
    """Between the 1st and the 98th percentile, as 0 to 1."""
    low, high = np.percentile(values, [1, 98])
    return np.asarray(np.clip((values - low) / (high - low + 1e-6), 0, 1), np.float32)
