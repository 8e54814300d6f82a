"""Where the subject of a photo is, as our own small network sees it: a likelihood for every pixel.

The network is a 1 million parameter encoder–decoder, trained by `tests/training/cutout/train.py` on composed pictures
(its README has the figures), and lies beside this file. It takes squares of 224 pixels. The photo is looked at as a
whole, and once more mirrored; the mean of both is steadier than either.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Mask, Photo

BUNDLED: Final = Path(__file__).with_name("cutout_net.onnx")
INPUT_PX: Final = 224


class CutoutNet:
    """The network, loaded; several threads may ask it, one at a time.

    Example:
        >>> likely = load_cutout_net(BUNDLED).look_at(np.asarray(photo))
    """

    def __init__(self, path: Path) -> None:
        self._net = cv2.dnn.readNetFromONNX(str(path))
        # A network of OpenCV keeps its input between two calls, so no other thread may come between.
        self._lock = threading.Lock()

    def look_at(self, photo: Photo) -> Map:
        """How likely each pixel of a photo is the subject, 0 to 1, at the photo's size."""
        height, width = photo.shape[:2]
        method = cv2.INTER_AREA if max(height, width) > INPUT_PX else cv2.INTER_LINEAR
        # Pressed into the square, not set into it: the frame stays where the network learned to expect it.
        square = np.asarray(cv2.resize(photo, (INPUT_PX, INPUT_PX), interpolation=method), np.uint8)
        likely = (self._likely(square) + self._likely(square[:, ::-1])[:, ::-1]) / 2
        whole = cv2.resize(np.ascontiguousarray(likely), (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.clip(whole, 0, 1), np.float32)

    def _likely(self, square: Photo) -> NDArray[np.float32]:
        with self._lock:
            self._net.setInput(np.ascontiguousarray(square.transpose(2, 0, 1)[None], np.float32))
            return np.array(self._net.forward()[0, 0], np.float32)


@cache
def load_cutout_net(path: Path) -> CutoutNet:
    """The network of a file, read once per process."""
    return CutoutNet(path)


def agreement(mask: Mask, likely: Map) -> float:
    """How far a mask is what the network sees: their overlap, in which an unsure pixel counts by its share."""
    return float(np.minimum(mask, likely).sum() / max(1e-6, float(np.maximum(mask, likely).sum())))
