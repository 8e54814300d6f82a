"""Networks that fill holes, where somebody has put weights on this machine; onnxruntime runs them.

LaMa (Suvorov et al., WACV 2022) and MI-GAN (Sargsyan et al., ICCV 2023) are known. A network sees a square around each
hole at its own size; what it says is brought back to the photo's, and taken inside the mask only.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from . import Mask, Photo, Report, quiet
from .network_files import open_session


@dataclass(frozen=True, slots=True)
class FillRecipe:
    """How an inpainting network wants photo and mask: as bytes or from 0 to 1, the hole white or black."""

    size: int
    as_bytes: bool = False
    hole_is_black: bool = False


FILLERS: Final = {
    "lama": FillRecipe(512),
    "migan": FillRecipe(512, as_bytes=True, hole_is_black=True),
}


@functools.cache
def _opened(path: str) -> Any:
    """A network, opened once per worker."""
    try:
        return open_session(path)
    except ImportError:
        raise InputError(
            "Networks that fill holes need the package onnxruntime.", advice="pip install 'runflow-widgets[neural]'"
        ) from None


def fill_by(photo: Photo, hole: Mask, kind: str, path: str, report: Report = quiet) -> Photo:
    """Fill each hole from a square around it; every pixel outside the mask stays byte for byte."""
    network = _opened(path)
    filled = photo.copy()
    reach = max(3, round(0.03 * max(hole.shape)))
    near = cv2.dilate(hole.astype(np.uint8), np.ones((reach, reach), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(near)
    for number in range(1, count):
        report(number / count, f"filling with {kind}")
        box = _square(stats[number], hole.shape)
        part = _filled_square(filled[box], hole[box], FILLERS[kind], network)
        filled[box][hole[box]] = part[hole[box]]
    return filled


def _square(stats: NDArray[Any], shape: tuple[int, ...]) -> tuple[slice, slice]:
    """A square around a hole, three times its size where the photo allows."""
    left, top, width, height = (int(value) for value in stats[:4])
    side = min(3 * max(width, height), *shape)
    side = max(side, width, height)
    row = int(np.clip(top + height / 2 - side / 2, 0, max(0, shape[0] - side)))
    column = int(np.clip(left + width / 2 - side / 2, 0, max(0, shape[1] - side)))
    return slice(row, min(shape[0], row + side)), slice(column, min(shape[1], column + side))


def _filled_square(photo: Photo, hole: Mask, recipe: FillRecipe, network: Any) -> Photo:
    inputs = network.get_inputs()
    size = _own_size(inputs[0].shape, recipe.size)
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(hole.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    mask = 1 - mask if recipe.hole_is_black else mask
    if recipe.as_bytes:
        image, plane = _as_batch(small), _as_batch(mask[..., None] * np.uint8(255))
    else:
        image, plane = _as_batch(small.astype(np.float32) / 255), _as_batch(mask[..., None].astype(np.float32))
    answer = np.asarray(network.run(None, {inputs[0].name: image, inputs[1].name: plane})[0][0], np.float32)
    colours = answer.transpose(1, 2, 0)
    # Exports differ: some answer from 0 to 1, some from 0 to 255.
    colours = colours * 255 if colours.max() <= 1.5 else colours
    large = cv2.resize(colours, (photo.shape[1], photo.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.rint(large), 0, 255).astype(np.uint8)


def _own_size(shape: list[Any], usual: int) -> tuple[int, int]:
    """The width and height that a network is fixed to, or what its kind usually takes."""
    height, width = (side if isinstance(side, int) and side > 0 else usual for side in shape[-2:])
    return width, height


def _as_batch(picture: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
