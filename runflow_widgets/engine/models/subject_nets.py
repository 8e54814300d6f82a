"""Networks that see a photo's subject: the bundled one, and those that somebody has put on this machine.

The bundled one is U²-Net-p (Qin et al., 2020; Apache-2.0), fine-tuned by `tests/training/cutout`; NOTICE has its
origin. Others are BiRefNet (Zheng et al., 2024), IS-Net (Qin et al., ECCV 2022) and U²-Net. Each sees the photo pressed
into a square, as it was taught. OpenCV runs them where it can; onnxruntime, an extra, where it must.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from . import Map, Photo
from .network_files import Network, open_network

BUNDLED: Final = Path(__file__).with_name("cutout_net.onnx")
#: What the bundled network is called in logs and records.
BUNDLED_NAME: Final = "u2netp-runflow"
_IMAGENET: Final = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CENTRED: Final = ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0))
#: A dark photo is made so many times as bright at most; beyond, there is only noise.
_MOST_GAIN: Final = 4.0
#: A map that is nowhere likelier than this shows no subject.
_SEEN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a kind of network wants its photo, and what its answer is.

    Attributes:
        size: The square it takes, unless its file says another.
        mean: What is taken off the colours, from 0 to 1.
        spread: What the rest is divided by.
        logits: Whether it answers with logits.
        stretched: Whether only the order of its values means something, so that its largest counts as 1.
    """

    size: int
    mean: tuple[float, float, float]
    spread: tuple[float, float, float]
    logits: bool = False
    stretched: bool = False


RECIPES: Final = {
    "birefnet": Recipe(1024, *_IMAGENET, logits=True),
    "isnet": Recipe(1024, *_CENTRED, stretched=True),
    "u2net": Recipe(320, *_IMAGENET),
    "rmbg": Recipe(1024, *_CENTRED, stretched=True),
}
#: The bundled network takes pixels as they are, from 0 to 255.
_PLAIN: Final = Recipe(320, (0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))


class SubjectNet:
    """A network that says how likely each pixel of a photo is its subject; several threads may ask it.

    Example:
        >>> bundled().name
        'u2netp-runflow'
    """

    def __init__(self, name: str, recipe: Recipe, network: Network) -> None:
        self.name = name
        self._recipe, self._network = recipe, network

    def look_at(self, photo: Photo) -> Map:
        """How likely each pixel is the subject, from 0 to 1, on the square that the network sees."""
        size = self._network.size
        # What is enlarged needs no mean over many pixels.
        method = cv2.INTER_AREA if max(size) < max(photo.shape[:2]) else cv2.INTER_LINEAR
        square = np.asarray(cv2.resize(photo, size, interpolation=method), np.float32)
        # All were taught with the brightest pixel as white; of a dark photo they see less without.
        square /= max(float(square.max()), 255 / _MOST_GAIN)
        wanted = (square - np.array(self._recipe.mean, np.float32)) / np.array(self._recipe.spread, np.float32)
        answer = self._network.run(np.ascontiguousarray(wanted.transpose(2, 0, 1)[None], np.float32))
        return self._as_likelihood(answer.reshape(-1, *answer.shape[-2:])[0].astype(np.float32))

    def _as_likelihood(self, plane: Map) -> Map:
        if self._recipe.logits and (plane.min() < 0 or plane.max() > 1):
            plane = np.asarray(1 / (1 + np.exp(-np.clip(plane, -30, 30))), np.float32)
        if self._recipe.stretched and plane.max() > _SEEN:
            # A wall, of which the network sees nothing, would be made a subject by stretching.
            plane = (plane - plane.min()) / float(plane.max() - plane.min())
        return np.asarray(np.clip(np.nan_to_num(plane), 0, 1), np.float32)


@cache
def bundled() -> SubjectNet:
    """The network of the package, read once per process."""
    return SubjectNet(BUNDLED_NAME, _PLAIN, open_network(str(BUNDLED), _PLAIN.size))


@cache
def subject_net(kind: str, path: str) -> SubjectNet:
    """A network of a file, read once per process."""
    return SubjectNet(f"{kind} ({Path(path).name})", RECIPES[kind], open_network(path, RECIPES[kind].size))
