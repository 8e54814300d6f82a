"""Pictures to try things with, made by a script of ours (`tests/tools/render_samples.py`) and free to use.

Example:
    >>> from runflow_widgets import samples
    >>> samples.names()
    ('perfume', 'picnic', 'picnic_mask', 'plant', 'tagged_mug')
    >>> samples.perfume.size
    (880, 1100)

* `perfume`: a bottle in a studio, for cutting out and isolating.
* `plant`: thin leaves before a plain wall, for the edge of a cut-out.
* `tagged_mug`: a mug with a price tag on a string and a sticker, for tag removal.
* `picnic`: a blanket on a meadow; `picnic_mask` marks the ball that is to go.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import InputError
from ..images import open_image

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["load", "names", "path"]

_FILES: Final = {
    "perfume": "perfume.jpg",
    "picnic": "picnic.jpg",
    "picnic_mask": "picnic_mask.png",
    "plant": "plant.jpg",
    "tagged_mug": "tagged_mug.jpg",
}


def names() -> tuple[str, ...]:
    """What there is."""
    return tuple(_FILES)


def path(name: str) -> Path:
    """Where a sample lies."""
    if name not in _FILES:
        raise InputError(f"There is no sample {name!r}.", advice=f"There are {', '.join(_FILES)}.")
    return Path(__file__).parent / _FILES[name]


def load(name: str) -> Image:
    """A sample as a Pillow image, opened afresh each time."""
    return open_image(path(name))


def __getattr__(name: str) -> Image:
    if name in _FILES:
        return load(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_FILES])
