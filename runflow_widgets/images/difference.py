"""How much two pictures differ, in numbers and as maps; counted on every pixel, never on a preview.

Pictures with transparency are compared as they would be seen: a colour counts as much as it covers, so what lies
under full transparency does not matter, and the covering itself is compared as a fourth channel. Work is done in
strips of rows, so that a pair of 48 megapixels needs little more memory than itself.

SSIM: Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
Similarity", IEEE Transactions on Image Processing 13 (4), 2004.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Rows that are worked on at once.
STRIP_ROWS: Final = 256
#: The window of SSIM in the paper: 11 pixels wide, a Gaussian of 1.5.
_WINDOW_PX: Final = 11
_SIGMA_PX: Final = 1.5


@dataclass(frozen=True, slots=True)
class Part:
    """The difference of one part of the pictures: of the whole, of what a mask marks, or of the rest.

    All differences are in steps of 8 bits, 0 to 255, also where 16 bits were compared. A pixel differs by as much as
    the one of its channels that differs most.
    """

    pixels: int
    #: How many pixels differ by 0, 1, … 255; less than a step counts as one, so only equal pixels are at 0.
    histogram: tuple[int, ...]
    maximum: float
    mean: float

    def changed(self, threshold: int = 0) -> float:
        """The share of pixels, 0 to 1, that differ by more than the threshold."""
        return sum(self.histogram[threshold + 1 :]) / self.pixels if self.pixels else 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """What was counted; `psnr_db` is infinite for equal pictures."""

    whole: Part
    inside: Part | None
    outside: Part | None
    psnr_db: float
    ssim: float


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """Where two pictures differ, made smaller by whole factors so that not one changed pixel is lost.

    `absolute` has the largest difference of each channel in its block, `signed` the largest step of brightness with
    its sign (128 is none, above is brighter in the second), and `outside` the largest difference outside the mask.
    """

    absolute: NDArray[np.uint8]
    signed: NDArray[np.uint8]
    outside: NDArray[np.uint8] | None
    factor: int


def measure(before: NDArray[Any], after: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> Difference:
    """Count how much two pictures of one size differ.

    Args:
        before: uint8 or uint16, height×width or height×width×(3 or 4).
        after: The same size and the same number of bits.
        mask: True where something was meant to change.

    Example:
        >>> measure(photo, photo).psnr_db
        inf
    """
    peak = _check(before, after, mask)
    whole, inside = _Tally(), _Tally()
    squares = similarity = 0.0
    for rows in _strips(before.shape[0]):
        first, second = _comparable(before[rows], after[rows], peak)
        apart = abs(first - second)
        squares += float((apart.astype("float64") ** 2).sum())
        whole.add(apart, peak)
        if mask is not None:
            inside.add(apart[mask[rows]], peak)
    for rows, halo in _strips_with_halo(before.shape[0], _WINDOW_PX // 2):
        light, light_after = (_brightness(side) for side in _comparable(before[halo], after[halo], peak))
        alike = _similarity(light, light_after, peak)
        similarity += float(alike[rows.start - halo.start :][: rows.stop - rows.start].sum())
    pixels = before.shape[0] * before.shape[1]
    error = squares / (pixels * whole.channels)
    return Difference(
        whole=whole.part(),
        inside=inside.part() if mask is not None else None,
        outside=whole.without(inside) if mask is not None else None,
        psnr_db=10 * math.log10(peak * peak / error) if error else math.inf,
        ssim=similarity / pixels,
    )


def maps(
    before: NDArray[Any], after: NDArray[Any], mask: NDArray[np.bool_] | None = None, *, longest_px: int = 1024
) -> Maps:
    """Draw where two pictures differ, at most `longest_px` on the longer side."""
    import numpy as np

    peak = _check(before, after, mask)
    factor = max(1, -(-max(before.shape[:2]) // longest_px))
    absolute, signed, outside = [], [], []
    for rows in _strips(before.shape[0], max(factor, STRIP_ROWS // factor * factor)):
        first, second = _comparable(before[rows], after[rows], peak)
        apart = _steps(abs(first - second), peak)
        lighter = _brightness(second) - _brightness(first)
        lighter = np.rint(lighter * (255 / peak)).astype(np.int16)
        absolute.append(_largest(apart[..., :3] if apart.shape[2] == 3 else _with_alpha(apart), factor))
        most, least = _largest(lighter, factor), -_largest(-lighter, factor)
        furthest = np.where(most >= -least, most, least)
        # Halved away from zero: a single step must not vanish.
        halved = np.sign(furthest) * ((abs(furthest) + 1) // 2)
        signed.append(np.clip(halved + 128, 0, 255).astype(np.uint8))
        if mask is not None:
            outside.append(_largest(np.where(mask[rows], 0, apart.max(axis=2)).astype(np.uint8), factor))
    return Maps(np.vstack(absolute), np.vstack(signed), np.vstack(outside) if outside else None, factor)


class _Tally:
    """Differences that are being counted."""

    def __init__(self) -> None:
        self.pixels, self.channels, self.total, self.maximum = 0, 3, 0.0, 0.0
        self.counts = [0] * 256
        self._rest = 0.0

    def add(self, apart: NDArray[np.int32], peak: int) -> None:
        import numpy as np

        if not apart.size:
            return
        self.channels = apart.shape[-1]
        most = apart.max(axis=-1)
        found = np.bincount(_steps(most, peak).ravel(), minlength=256)
        self.counts = [count + int(more) for count, more in zip(self.counts, found, strict=True)]
        self.pixels += most.size
        self.total += float(apart.sum(dtype=np.int64)) * 255 / peak
        self.maximum = max(self.maximum, float(most.max()) * 255 / peak)

    def part(self) -> Part:
        values = self.pixels * self.channels
        return Part(self.pixels, tuple(self.counts), self.maximum, self.total / values if values else 0.0)

    def without(self, other: _Tally) -> Part:
        counts = tuple(count - less for count, less in zip(self.counts, other.counts, strict=True))
        pixels = self.pixels - other.pixels
        highest = max((step for step, count in enumerate(counts) if count), default=0)
        # The whole's maximum need not lie outside; in 16 bits the step is then all that is known, rounded up.
        maximum = self.maximum if highest == math.ceil(self.maximum) else float(highest)
        values = pixels * self.channels
        return Part(pixels, counts, maximum, max(0.0, self.total - other.total) / values if values else 0.0)


def _check(before: NDArray[Any], after: NDArray[Any], mask: NDArray[Any] | None) -> int:
    sizes = [f"{array.shape[1]}×{array.shape[0]}" for array in (before, after)]
    if before.shape[:2] != after.shape[:2]:
        raise InputError(
            f"The pictures differ in size: {sizes[0]} and {sizes[1]} px.", advice="Bring one to the other."
        )
    if mask is not None and mask.shape != before.shape[:2]:
        raise InputError(
            f"The mask is {mask.shape[1]}×{mask.shape[0]} px, but the pictures are {sizes[0]} px.",
            advice="All must have the same size.",
        )
    if before.dtype != after.dtype or before.dtype not in ("uint8", "uint16"):
        raise InputError(
            f"The pictures hold {before.dtype} and {after.dtype}.", advice="Both must be uint8, or both uint16."
        )
    return 255 if before.dtype == "uint8" else 65535


def _strips(height: int, rows: int = STRIP_ROWS) -> Iterator[slice]:
    for start in range(0, height, rows):
        yield slice(start, min(height, start + rows))


def _strips_with_halo(height: int, halo: int) -> Iterator[tuple[slice, slice]]:
    for rows in _strips(height):
        yield rows, slice(max(0, rows.start - halo), min(height, rows.stop + halo))


def _comparable(before: NDArray[Any], after: NDArray[Any], peak: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Both with three channels, or with four where one of them is transparent somewhere it could be."""
    has_alpha = any(array.ndim == 3 and array.shape[2] == 4 for array in (before, after))
    first, second = (_channels(array, peak, has_alpha) for array in (before, after))
    return first, second


def _channels(array: NDArray[Any], peak: int, has_alpha: bool) -> NDArray[np.int32]:
    import numpy as np

    # 65535 × 65535 does not fit into 32 signed bits.
    values: NDArray[Any] = array.astype(np.int32 if peak == 255 or not has_alpha else np.int64)
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    if not has_alpha:
        return values
    if values.shape[2] == 3:
        return np.dstack([values, np.full(values.shape[:2], peak, values.dtype)])
    values[..., :3] = (values[..., :3] * values[..., 3:] + peak // 2) // peak
    return values.astype(np.int32)


def _with_alpha(apart: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import numpy as np

    # The map has three channels; what only covers differently shows in all of them.
    found: NDArray[np.uint8] = np.maximum(apart[..., :3], apart[..., 3:])
    return found


def _steps(apart: NDArray[np.int32], peak: int) -> NDArray[np.uint8]:
    """Differences in steps of 8 bits; rounded up, so that only equal values are at 0."""
    import numpy as np

    return (apart if peak == 255 else -(-apart // 257)).astype(np.uint8)


def _brightness(values: NDArray[np.int32]) -> NDArray[np.float64]:
    import numpy as np

    weighed: NDArray[np.float64] = values[..., :3] @ np.array([0.299, 0.587, 0.114])
    return weighed


def _similarity(first: NDArray[np.float64], second: NDArray[np.float64], peak: int) -> NDArray[np.float64]:
    import cv2

    def blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        found: Any = cv2.GaussianBlur(values, (_WINDOW_PX, _WINDOW_PX), _SIGMA_PX)
        return found  # type: ignore[no-any-return]  # OpenCV's types name no dtype

    steady, steep = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    mean_1, mean_2 = blurred(first), blurred(second)
    spread = blurred(first * first) - mean_1**2 + blurred(second * second) - mean_2**2
    shared = blurred(first * second) - mean_1 * mean_2
    return ((2 * mean_1 * mean_2 + steady) * (2 * shared + steep)) / (
        (mean_1**2 + mean_2**2 + steady) * (spread + steep)
    )


def _largest(values: NDArray[Any], factor: int) -> NDArray[Any]:
    """The largest value of each block of factor×factor; blocks at the far edges may be smaller."""
    import numpy as np

    if factor == 1:
        return values
    high, wide = (-side % factor for side in values.shape[:2])
    # Repeating the edge adds nothing that was not there.
    padded = np.pad(values, [(0, high), (0, wide)] + [(0, 0)] * (values.ndim - 2), mode="edge")
    found = padded[::factor, ::factor].copy()
    for row in range(factor):
        for column in range(factor):
            np.maximum(found, padded[row::factor, column::factor], out=found)
    return found
