"""What is done to masks everywhere: larger, smaller, pieces that hang together with something, means over them."""

from __future__ import annotations

import cv2
import numpy as np

from . import Map, Mask


def grown(mask: Mask, pixels: int) -> Mask:
    """The mask and all within so many pixels of it."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0, np.bool_)


def shrunk(mask: Mask, pixels: int) -> Mask:
    """The mask without all that lies within so many pixels of its edge."""
    return ~grown(~mask, pixels)


def joined(mask: Mask, seeds: Mask, *, corners: bool = True) -> Mask:
    """The pieces of a mask in which there is a seed; with `corners`, touching ones hold a piece together."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8 if corners else 4)
    return np.asarray(np.isin(labels, np.setdiff1d(labels[seeds], [0])), np.bool_)


def mean_nearby(values: Map, mask: Mask, spread: float) -> Map:
    """The mean of what values of one or more planes are within the mask near each pixel; 0 where none of it is near."""
    inside = mask.astype(np.float32)
    share = np.asarray(cv2.GaussianBlur(inside, (0, 0), spread))
    if values.ndim == 3:
        inside, share = inside[..., None], share[..., None]
    # Of a single plane the blur forgets that there might be more.
    total = np.asarray(cv2.GaussianBlur(values * inside, (0, 0), spread)).reshape(values.shape)
    return np.asarray(total / np.maximum(share, 1e-4), np.float32)


def unlike_ground(lab: Map, ground: Mask, spread: float) -> tuple[Map, Map]:
    """How far each colour is from the mean of the ground nearby, and how far that ground itself strays from it."""
    away = np.linalg.norm(lab - mean_nearby(lab, ground, spread), axis=2, keepdims=True)
    pattern = np.sqrt(mean_nearby(away * away, ground, spread))
    return np.asarray(away[..., 0], np.float32), np.asarray(pattern[..., 0], np.float32)
