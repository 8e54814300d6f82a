"""What is done to masks everywhere: larger, smaller, and the pieces of one that hang together with something."""

from __future__ import annotations

import cv2
import numpy as np

from . import Mask


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
