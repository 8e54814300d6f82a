"""What the backdrop of a studio shot would look like without the product in front of it.

A low-order polynomial in each Lab channel is fitted to the border and grown inwards by iteratively reweighted least
squares (Holland & Welsch, 1977): what the smooth surface explains belongs to the backdrop, the rest is evidence of
something standing there. A soft shadow is darker than the surface but has its hue and no sharp edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Mask
from .masks import joined

_ROUNDS = 6
_SAMPLES = 12_000


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A fitted backdrop: its colours in Lab, the evidence against it, and how much of the border it explains.

    `strange` is the evidence before shadows are taken into account; `noise` is how far the border's lightness strays.
    """

    lab: Map
    strange: Map
    evidence: Map
    support: float
    noise: float


def fit_backdrop(lab: Map, *, degree: int = 3) -> Backdrop:
    """Fit the smooth surface behind whatever stands in the middle of the picture."""
    height, width = lab.shape[:2]
    basis = _basis(height, width, degree)
    border = border_of(height, width, 0.06)
    weights = np.zeros((height, width), np.float32)
    distance = np.linalg.norm(lab - np.median(lab[border], axis=0), axis=2)
    weights[border] = 1 / (1 + (distance[border] / 12) ** 2)

    surface, noise = lab, np.ones(3)
    misfit = distance
    for round_ in range(_ROUNDS):
        surface = _solve(basis, lab, weights)
        residual = lab - surface
        noise = _noise_of(residual[border])
        misfit = np.sqrt(((residual / (3 * noise)) ** 2).sum(axis=2))
        grown = border if round_ < 2 else joined(misfit < 1.5, border, corners=False)
        weights = np.where(grown, 1 / (1 + misfit**4), 0).astype(np.float32)
    strange, evidence = _evidence(lab, surface, noise)
    support = float((misfit[border] < 1.3).mean())
    return Backdrop(surface, strange, evidence, support, float(noise[0]))


def border_of(height: int, width: int, share: float) -> Mask:
    """A frame along the edge of the picture, as wide as a share of its shorter side."""
    thick = max(2, int(share * min(height, width)))
    frame = np.ones((height, width), bool)
    frame[thick:-thick, thick:-thick] = False
    return frame


def _basis(height: int, width: int, degree: int) -> Map:
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    terms = [y**i * x**j for i in range(degree + 1) for j in range(degree + 1 - i)]
    return np.stack(terms, axis=-1).astype(np.float32)


def _solve(basis: Map, lab: Map, weights: Map) -> Map:
    y, x = np.nonzero(weights > 0.02)
    step = max(1, len(y) // _SAMPLES)
    y, x = y[::step], x[::step]
    terms, weight = basis[y, x].astype(np.float64), weights[y, x][:, None]
    # A touch of ridge on all but the constant: where the border says nothing, the surface stays flat.
    ridge = 1e-5 * len(y) * np.diag([0.0] + [1.0] * (terms.shape[1] - 1))
    solution = np.linalg.solve(
        terms.T @ (terms * weight) + ridge + 1e-9 * np.eye(len(ridge)), terms.T @ (lab[y, x] * weight)
    )
    return np.asarray(basis @ solution, np.float32)


def _noise_of(residual: NDArray[np.float32]) -> NDArray[np.float64]:
    size = np.linalg.norm(residual, axis=1)
    inliers = residual[size <= np.percentile(size, 80)]
    return np.asarray(np.maximum(1.4826 * np.median(np.abs(inliers), axis=0), [0.8, 0.5, 0.5]), np.float64)


def _evidence(lab: Map, surface: Map, noise: NDArray[np.float64]) -> tuple[Map, Map]:
    residual = lab - surface
    chroma = np.hypot(residual[..., 1], residual[..., 2])
    chroma_noise = float(noise[1:].mean())
    strength = np.hypot(residual[..., 0] / (4 * noise[0]), chroma / (4 * chroma_noise))
    evidence = 1 - np.exp(-((strength / 1.4) ** 2))

    light = cv2.GaussianBlur(np.ascontiguousarray(lab[..., 0]), (0, 0), 1)
    gradient = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 8
    slope = np.asarray(cv2.GaussianBlur(gradient, (0, 0), 1.5), np.float32)
    darker = np.clip(-residual[..., 0] / np.maximum(surface[..., 0], 10), 0, 1)
    tint = chroma / (3 * chroma_noise + 0.06 * np.hypot(surface[..., 1], surface[..., 2]) + 3 * darker)
    shadow = np.exp(-(tint**2) - (slope / 1.6) ** 2) * ((darker > 0) & (darker < 0.55))
    return evidence.astype(np.float32), np.asarray(evidence * (1 - 0.9 * shadow), np.float32)
