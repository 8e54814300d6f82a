"""Another format for the same picture: cropped where only backdrop is lost, else continued on the outside.

A continued side starts from the outermost pixels, grows calmer the farther it gets from the picture (a running blur
along the edge), and carries the grain that the picture has at that edge, so that no smooth strip is seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import Map, Mask, Photo, Report, quiet


@dataclass(frozen=True, slots=True)
class CanvasOptions:
    """How a picture gets its new format.

    Attributes:
        margin: What must stay around the product when cropping, as a share of the picture's longer side.
        seed: For the grain of what is added.
    """

    margin: float = 0.04
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """A new frame over a photo: its corner in the photo (negative where the photo is continued), its size, and why."""

    top: int
    left: int
    width: int
    height: int
    sentence: str


def place(product: Mask, ratio: tuple[int, int], options: CanvasOptions | None = None) -> Placement:
    """A frame in the asked format: inside the photo if the product fits with its margin, else round it."""
    options = options or CanvasOptions()
    height, width = product.shape
    wide, high = ratio
    if abs(width * high - height * wide) < max(wide, high):
        return Placement(0, 0, width, height, "The picture has the asked format already.")
    too_wide = width * high > height * wide
    smaller = (max(1, round(height * wide / high)), height) if too_wide else (width, max(1, round(width * high / wide)))
    corner = _window(product, smaller, round(options.margin * max(height, width)))
    if corner is not None:
        return Placement(*corner, *smaller, f"The picture was cropped to {wide}:{high} around the product.")
    return around(product, ratio)


def around(product: Mask, ratio: tuple[int, int]) -> Placement:
    """The smallest frame in the asked format that holds the whole photo, the product as near its middle as can be."""
    height, width = product.shape
    wide, high = ratio
    too_wide = width * high > height * wide
    larger = (width, round(width * high / wide)) if too_wide else (round(height * wide / high), height)
    rows, columns = _box(product)
    top = int(np.clip(round(sum(rows) / 2 - larger[1] / 2), height - larger[1], 0))
    left = int(np.clip(round(sum(columns) / 2 - larger[0] / 2), width - larger[0], 0))
    return Placement(top, left, *larger, f"The backdrop was continued to make the picture {wide}:{high}.")


def reframe(photo: Photo, placement: Placement, options: CanvasOptions | None = None, report: Report = quiet) -> Photo:
    """The photo in its new frame, continued by its backdrop where the frame is larger."""
    options = options or CanvasOptions()
    height, width = photo.shape[:2]
    if (placement.width, placement.height) == (width, height):
        return photo
    report(0.1, "changing the format")
    right, bottom = placement.left + placement.width - width, placement.top + placement.height - height
    wide = _continue(photo, max(0, -placement.left), max(0, right), options.seed)
    report(0.5, "continuing the backdrop")
    turned = np.ascontiguousarray(wide.transpose(1, 0, 2))
    whole = _continue(turned, max(0, -placement.top), max(0, bottom), options.seed + 1).transpose(1, 0, 2)
    top, left = max(0, placement.top), max(0, placement.left)
    return np.ascontiguousarray(whole[top : top + placement.height, left : left + placement.width])


def reframe_plane(plane: Map, placement: Placement, outside: float) -> Map:
    """A map in the same frame, with one value where the photo ends."""
    height, width = plane.shape
    framed = np.full((placement.height, placement.width), outside, np.float32)
    top, left = max(0, placement.top), max(0, placement.left)
    part = plane[
        top : min(height, placement.top + placement.height), left : min(width, placement.left + placement.width)
    ]
    down, across = max(0, -placement.top), max(0, -placement.left)
    framed[down : down + part.shape[0], across : across + part.shape[1]] = part
    return framed


def _window(product: Mask, size: tuple[int, int], margin: int) -> tuple[int, int] | None:
    """Where a window of `size` may lie so that it holds the product with its margin; centred as far as possible."""
    height, width = product.shape
    corner = []
    for (first, last), length, whole in zip(_box(product), (size[1], size[0]), (height, width), strict=True):
        start, end = max(0, first - margin), min(whole, last + margin)
        if end - start > length:
            return None
        corner.append(int(np.clip(round((first + last) / 2 - length / 2), 0, whole - length)))
    return corner[0], corner[1]


def _box(product: Mask) -> tuple[tuple[int, int], tuple[int, int]]:
    if not product.any():
        return (0, product.shape[0]), (0, product.shape[1])
    rows, columns = np.nonzero(product.any(axis=1))[0], np.nonzero(product.any(axis=0))[0]
    return (int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1)


def _continue(photo: Photo, left: int, right: int, seed: int) -> Photo:
    rng = np.random.default_rng(seed)
    sides = [_strip(photo[:, :8], left, rng)[:, ::-1], photo, _strip(photo[:, :-9:-1], right, rng)]
    return np.concatenate(sides, axis=1)


def _strip(edge: Photo, length: int, rng: np.random.Generator) -> Photo:
    """Columns that go on where `edge` ends; its first column is the outermost of the picture."""
    height = edge.shape[0]
    if length == 0:
        return np.empty((height, 0, 3), np.uint8)
    colours = edge.astype(np.float32)
    calm: Map = np.asarray(cv2.GaussianBlur(colours, (0, 0), 2), np.float32)
    grain = colours - calm
    # Grain is small everywhere; what is large is something at the edge of the picture.
    usual = 4 * np.median(np.abs(grain)) + 1
    grain = np.where(np.abs(grain).max(axis=2, keepdims=True) > usual, 0, grain)
    column = calm[:, :4].mean(axis=1, keepdims=True)
    strip = np.empty((height, length, 3), np.float32)
    step = max(8, length // 48)
    for start in range(0, length, step):
        strip[:, start : start + step] = column
        spread = 0.8 + 0.006 * height
        column = np.asarray(cv2.GaussianBlur(column, (1, 0), sigmaX=0.1, sigmaY=spread)).reshape(height, 1, 3)
    rows = rng.integers(-3, 4, (height, length)) + np.arange(height)[:, None]
    strip += grain[np.clip(rows, 0, height - 1), rng.integers(0, edge.shape[1], (height, length))]
    return np.clip(np.rint(strip), 0, 255).astype(np.uint8)
