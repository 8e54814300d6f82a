"""Where in a picture something is, and which pixels there are meant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels; `right` and `bottom` are the first column and row outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def whole(cls, size: tuple[int, int]) -> Box:
        """All of a picture of that width and height."""
        return cls(0, 0, *size)

    @property
    def width(self) -> int:
        """Columns it covers; 0 for a box turned inside out."""
        return max(0, self.right - self.left)

    @property
    def height(self) -> int:
        """Rows it covers; 0 for a box turned inside out."""
        return max(0, self.bottom - self.top)

    @property
    def is_empty(self) -> bool:
        """Whether it covers no pixel."""
        return not self

    def __bool__(self) -> bool:
        return self.width > 0 and self.height > 0

    @property
    def slices(self) -> tuple[slice, slice]:
        """What to index an array with, rows first."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def clipped(self, size: tuple[int, int]) -> Box:
        """The part of it that lies in a picture of that width and height."""
        left, right = (min(max(x, 0), size[0]) for x in (self.left, self.right))
        top, bottom = (min(max(y, 0), size[1]) for y in (self.top, self.bottom))
        return Box(left, top, max(left, right), max(top, bottom))

    def widened(self, px: int) -> Box:
        """The same with `px` more on every side."""
        return Box(self.left - px, self.top - px, self.right + px, self.bottom + px)

    def moved(self, right: int, down: int) -> Box:
        """The same elsewhere."""
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def union(self, other: Box) -> Box:
        """The smallest box that holds both; an empty one adds nothing."""
        if not self or not other:
            return self or other
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Some pixels of a picture: a box inside it, and which of the box's pixels are meant."""

    box: Box
    marked: NDArray[np.bool_]

    def __post_init__(self) -> None:
        found = self.marked.shape
        if self.marked.dtype != np.bool_ or found != (self.box.height, self.box.width):
            raise InputError(
                f"The patch's pixels are {self.marked.dtype} of the shape {found}.",
                advice=f"Its box asks for bool of the shape {(self.box.height, self.box.width)}.",
            )

    @classmethod
    def around(cls, marked: NDArray[np.bool_]) -> Patch:
        """Of a whole picture's pixels, the smallest box that holds those that are marked."""
        box = extent(marked) or Box(0, 0, 0, 0)
        return cls(box, marked[box.slices])


def extent(marked: NDArray[np.bool_] | NDArray[np.uint8]) -> Box | None:
    """The smallest box that holds everything but zeros."""
    # The greatest value of bytes is found many times faster than "any" of them.
    values = marked.view(np.uint8)
    if not values.size:
        return None
    rows = np.flatnonzero(values.max(axis=1))
    if not rows.size:
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(values[top:bottom].max(axis=0))
    return Box(int(columns[0]), top, int(columns[-1]) + 1, bottom)
