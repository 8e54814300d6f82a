"""What of a photo and its mask is on screen: cut out and scaled, at the cost of the screen and not of the photo."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .patch import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

#: Past this enlargement, single pixels are shown as squares.
SQUARES_FROM: Final = 3.0
#: Screen pixels for one picture pixel, at most.
CLOSEST: Final = 64.0


@dataclass(frozen=True, slots=True)
class View:
    """Which part of a picture is shown on how many pixels of a screen.

    `x`, `y` are the place in the picture at the screen's left top corner, `scale` is the number of screen pixels for
    one pixel of the picture. A screen pixel shows the picture's pixel under its centre.
    """

    x: float
    y: float
    scale: float
    width: int
    height: int

    @classmethod
    def whole(cls, size: tuple[int, int], screen: tuple[int, int]) -> View:
        """All of a picture, as large as it fits, in the middle."""
        scale = min(screen[0] / size[0], screen[1] / size[1])
        x, y = (size[0] - screen[0] / scale) / 2, (size[1] - screen[1] / scale) / 2
        return cls(x, y, scale, *screen)

    def columns(self) -> NDArray[np.int64]:
        """The picture's column under each column of the screen; it may lie outside."""
        return _pixels_under(self.width, self.scale, self.x)

    def rows(self) -> NDArray[np.int64]:
        """The picture's row under each row of the screen; it may lie outside."""
        return _pixels_under(self.height, self.scale, self.y)

    def on_screen(self, box: Box) -> Box:
        """The screen pixels that show pixels of a box."""
        if not box:
            return Box(0, 0, 0, 0)
        left, right = (int(np.searchsorted(self.columns(), edge)) for edge in (box.left, box.right))
        top, bottom = (int(np.searchsorted(self.rows(), edge)) for edge in (box.top, box.bottom))
        return Box(left, top, right, bottom)

    def seen(self, size: tuple[int, int]) -> Box:
        """The picture's pixels that are shown, wholly or in part."""
        right, bottom = self.x + self.width / self.scale, self.y + self.height / self.scale
        return Box(floor(self.x), floor(self.y), ceil(right), ceil(bottom)).clipped(size)


@dataclass(frozen=True, slots=True)
class Cut:
    """A picture to be laid on the screen, and where: left, top, width, height in screen pixels."""

    picture: Image
    left: float
    top: float
    width: float
    height: float
    as_squares: bool


def _pixels_under(count: int, scale: float, start: float) -> NDArray[np.int64]:
    under: NDArray[np.int64] = np.floor((np.arange(count) + 0.5) / scale + start).astype(np.int64)
    return under


class Shown:
    """A photo, ready to be shown at any size: halved again and again when first asked for.

    Example:
        >>> shown = Shown(photo)
        >>> shown.cut(View.whole(photo.size, (700, 500))).picture.size
    """

    def __init__(self, photo: Image) -> None:
        self._levels = [photo]
        self.size: tuple[int, int] = photo.size

    def cut(self, view: View) -> Cut:
        """What the view shows, in no more pixels than the screen has."""
        from PIL import Image as Pillow

        seen = view.seen(self.size)
        if not seen:
            return Cut(Pillow.new("RGB", (1, 1)), 0, 0, 0, 0, as_squares=False)
        edges = (seen.left, seen.top, seen.right, seen.bottom)
        place = (
            (seen.left - view.x) * view.scale,
            (seen.top - view.y) * view.scale,
            seen.width * view.scale,
            seen.height * view.scale,
        )
        if view.scale >= 1:
            return Cut(self._levels[0].crop(edges), *place, as_squares=view.scale >= SQUARES_FROM)
        level, factor = self._level(view.scale)
        wide, high = max(1, round(place[2])), max(1, round(place[3]))
        most = (level.width, level.height)
        left, top = min(seen.left / factor, most[0]), min(seen.top / factor, most[1])
        box = (left, top, min(seen.right / factor, most[0]), min(seen.bottom / factor, most[1]))
        return Cut(level.resize((wide, high), Pillow.Resampling.BICUBIC, box=box), *place, as_squares=False)

    def _level(self, scale: float) -> tuple[Image, int]:
        """The smallest halving that still has a pixel for each of the screen."""
        depth = 0
        while scale * 2 ** (depth + 1) <= 1 and min(self.size) >> (depth + 1) >= 1:
            depth += 1
        while len(self._levels) <= depth:
            self._levels.append(self._levels[-1].reduce(2))
        return self._levels[depth], 2**depth


@dataclass(frozen=True, slots=True)
class Runs:
    """Marked pixels of the screen as rectangles: arrays of left, top, width and height."""

    left: NDArray[np.int64]
    top: NDArray[np.int64]
    width: NDArray[np.int64]
    height: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.left)


def marked_on_screen(pixels: NDArray[Any], view: View, part: Box | None = None) -> NDArray[np.bool_]:
    """Which pixels of the screen, or of a part of it, show a marked pixel of the mask."""
    part = part or Box(0, 0, view.width, view.height)
    rows, columns = view.rows()[part.top : part.bottom], view.columns()[part.left : part.right]
    height, width = pixels.shape
    rows_in, columns_in = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    marked = np.zeros((len(rows), len(columns)), bool)
    if rows_in.any() and columns_in.any():
        # Rows first: picking columns out of few rows is much cheaper than out of all.
        found = pixels[rows[rows_in]][:, columns[columns_in]] > 0
        marked[np.ix_(rows_in, columns_in)] = found
    return marked


def outline(marked: NDArray[np.bool_], thickness_px: int) -> NDArray[np.bool_]:
    """The rim of what is marked, inside it."""
    inner = marked.copy()
    for _ in range(thickness_px):
        smaller = inner.copy()
        smaller[1:] &= inner[:-1]
        smaller[:-1] &= inner[1:]
        smaller[:, 1:] &= inner[:, :-1]
        smaller[:, :-1] &= inner[:, 1:]
        inner = smaller
    return marked & ~inner


def runs(marked: NDArray[np.bool_], left: int = 0, top: int = 0) -> Runs:
    """Rectangles that cover exactly what is marked: runs in rows, equal rows below each other in one."""
    height, width = marked.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = marked
    change = np.diff(padded, axis=1)
    row_of, first = np.nonzero(change == 1)
    last = np.nonzero(change == -1)[1]
    new_row = np.ones(height, bool)
    new_row[1:] = (marked[1:] != marked[:-1]).any(axis=1)
    # A run in a row that looks like the one above is covered by the taller run that began there.
    starts = np.flatnonzero(new_row)
    tall = np.diff(np.append(starts, height))
    heights = np.zeros(height, np.int64)
    heights[starts] = tall
    kept = new_row[row_of]
    return Runs(first[kept] + left, row_of[kept] + top, (last - first)[kept], heights[row_of[kept]])
