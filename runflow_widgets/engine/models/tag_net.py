"""Where a photo shows tags, as our own small network sees it: a likelihood for every pixel.

The network is a 1 million parameter encoder–decoder, trained by `tests/training/tags/train.py` on pictures with drawn
tags (its README has the figures), and lies beside this file. It takes squares of 384 pixels. The photo is looked at as
a whole, and once more mirrored; the mean of both is steadier than either.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Photo

BUNDLED = Path(__file__).with_name("tag_net.onnx")
INPUT_PX = 384
GREY = 118


@dataclass(frozen=True, slots=True)
class TagMaps:
    """How likely each pixel belongs to a tag, and to a tag's string, at a fraction of the photo's size."""

    tag: Map
    string: Map


class TagNet:
    """The network, loaded; several threads may ask it, one at a time.

    Example:
        >>> net = load_tag_net(Path("tag_net.onnx"))
        >>> maps = net.look_at(photo) if net else None
    """

    def __init__(self, path: Path) -> None:
        self._net = cv2.dnn.readNetFromONNX(str(path))
        # A network of OpenCV keeps its input between two calls, so no other thread may come between.
        self._lock = threading.Lock()

    def look_at(self, photo: Photo) -> TagMaps:
        """The maps of a photo; their longer side is half of `INPUT_PX`."""
        square, (top, left, height, width) = _letterbox(photo)
        planes = self._likely(square) + self._likely(np.ascontiguousarray(square[:, ::-1]))[..., ::-1]
        top, left, bottom, right = (round(edge / 2) for edge in (top, left, top + height, left + width))
        tag, string = (np.ascontiguousarray(plane[top:bottom, left:right] / 2, np.float32) for plane in planes)
        return TagMaps(tag, string)

    def _likely(self, square: Photo) -> NDArray[np.float32]:
        with self._lock:
            self._net.setInput(np.ascontiguousarray(square.transpose(2, 0, 1)[None], np.float32))
            return np.array(self._net.forward()[0], np.float32)


@cache
def load_tag_net(path: Path) -> TagNet | None:
    """The network of a file, read once per process; None if there is none or OpenCV cannot read it."""
    if not path.is_file():
        return None
    try:
        return TagNet(path)
    except cv2.error:
        return None


def _letterbox(photo: Photo) -> tuple[Photo, tuple[int, int, int, int]]:
    """The photo in the middle of a grey square, and where: top, left, height, width, all even."""
    height, width = photo.shape[:2]
    scale = INPUT_PX / max(height, width)
    high, wide = (max(2, 2 * round(edge * scale / 2)) for edge in (height, width))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square = np.full((INPUT_PX, INPUT_PX, 3), GREY, np.uint8)
    top, left = (INPUT_PX - high) // 4 * 2, (INPUT_PX - wide) // 4 * 2
    square[top : top + high, left : left + wide] = cv2.resize(photo, (wide, high), interpolation=method)
    return square, (top, left, high, wide)
