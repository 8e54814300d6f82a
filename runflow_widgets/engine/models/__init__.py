"""The embedded models: plain functions from arrays to arrays, one job in each module.

A photo is uint8, height×width×3, RGB; a mask is bool, True where something is; an alpha or a map is float32 from
0 to 1. `report` is told how far a model is (0 to 1) and what it does. No model knows of HTTP, files or runs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Photo = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Map = NDArray[np.float32]
Report = Callable[[float, str], None]


def quiet(fraction: float, note: str) -> None:
    """A `report` for callers who do not want to know."""


def part_of(report: Report, start: float, end: float) -> Report:
    """A `report` for one step of several: its 0 to 1 is the whole's `start` to `end`."""
    return lambda fraction, note: report(start + (end - start) * fraction, note)
