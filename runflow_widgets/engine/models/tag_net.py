"""Where a photo shows tags, as our own small network sees it: a likelihood for every pixel.

The network lies beside this file: two encoder–decoders of a million parameters each, trained by
`tests/training/tags/train.py` on pictures with drawn tags (its README has the figures), one of them with an eye on
price dots, and joined into one that says their mean. It takes squares of 384 pixels. What is looked at is looked at
once more mirrored; the mean of both is steadier than either. A search takes in the photo as a whole, which tells what a
thing is a part of, and then, once, part by part from nearer by, where small tags and strings show.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Photo

BUNDLED = Path(__file__).with_name("tag_net.onnx")
INPUT_PX = 384
GREY = 118
#: How much nearer by the parts are looked at: so that two of them cover the photo's longer side and overlap.
_NEARER: Final = 1.6


@dataclass(frozen=True, slots=True)
class TagMaps:
    """How likely each pixel belongs to a tag, and to a tag's string, at a fraction of the photo's size."""

    tag: Map
    string: Map


class TagNet:
    """The network, loaded; several threads may ask it, one at a time.

    Example:
        >>> net = load_tag_net(Path("tag_net.onnx"))
        >>> maps = net.search(photo) if net else None
    """

    def __init__(self, path: Path) -> None:
        self._net = cv2.dnn.readNetFromONNX(str(path))
        # A network of OpenCV keeps its input between two calls, so no other thread may come between.
        self._lock = threading.Lock()

    def search(self, photo: Photo) -> TagMaps:
        """The maps of a photo, far and near: of tags the mean of both; of strings, which are thin, what either sees."""
        whole = self.look_at(photo)
        if max(photo.shape[:2]) <= INPUT_PX:
            # Nothing more would be seen from nearer by.
            return whole
        large = _resized(photo, _size(photo, round(_NEARER * INPUT_PX), 4))
        height, width = (edge // 2 for edge in large.shape[:2])
        near = np.zeros((height, width, 3), np.float32)
        for top, left in itertools.product(*(sorted({0, max(0, edge - INPUT_PX)}) for edge in large.shape[:2])):
            seen = self.look_at(large[top : top + INPUT_PX, left : left + INPUT_PX], mirrored=False)
            # Towards its rim a part knows less of what surrounds a place.
            weight = np.outer(*(np.hanning(edge + 2)[1:-1] for edge in seen.tag.shape)).astype(np.float32)
            here = near[top // 2 : top // 2 + len(weight), left // 2 : left // 2 + weight.shape[1]]
            here += np.dstack([seen.tag * weight, seen.string * weight, weight])
        near /= near[..., 2:]
        tag, string = (np.asarray(cv2.resize(plane, (width, height))) for plane in (whole.tag, whole.string))
        mean, either = (tag + near[..., 0]) / 2, np.maximum(string, near[..., 1])
        return TagMaps(np.asarray(mean, np.float32), np.asarray(either, np.float32))

    def look_at(self, photo: Photo, *, mirrored: bool = True) -> TagMaps:
        """The maps of a photo, `mirrored` too or seen only once; their longer side is half of `INPUT_PX`."""
        square, (top, left, height, width) = _letterbox(photo)
        planes = self._likely(square)
        if mirrored:
            planes += self._likely(np.ascontiguousarray(square[:, ::-1]))[..., ::-1]
            planes *= 0.5
        top, left, bottom, right = (round(edge / 2) for edge in (top, left, top + height, left + width))
        tag, string = (np.ascontiguousarray(plane[top:bottom, left:right], np.float32) for plane in planes)
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
    wide, high = _size(photo, INPUT_PX, 2)
    square = np.full((INPUT_PX, INPUT_PX, 3), GREY, np.uint8)
    top, left = (INPUT_PX - high) // 4 * 2, (INPUT_PX - wide) // 4 * 2
    square[top : top + high, left : left + wide] = _resized(photo, (wide, high))
    return square, (top, left, high, wide)


def _size(photo: Photo, longest: int, step: int) -> tuple[int, int]:
    """Width and height in the photo's proportions, multiples of a step."""
    scale = longest / max(photo.shape[:2])
    height, width = (max(step, step * round(edge * scale / step)) for edge in photo.shape[:2])
    return width, height


def _resized(photo: Photo, size: tuple[int, int]) -> Photo:
    method = cv2.INTER_AREA if max(size) < max(photo.shape[:2]) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(photo, size, interpolation=method), np.uint8)
