"""The edge of a cut-out: how much of each pixel belongs to the subject, and what colour that part has.

Two estimates meet in a band around the mask: the colour guided filter (He, Sun & Tang, ECCV 2010; its fast form for
big pictures, 2015), which follows the picture's own edges, and the place of each colour on the line between the mean
colours of subject and background nearby, as in sampling-based matting. The subject's own colours come from two
blur-fusion passes (Forte, ICIP 2021), so that no halo of the old background is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from . import Map, Mask, Photo, Report, quiet

#: So many rows of a large photo are worked on at once.
_STRIP: Final = 512


@dataclass(frozen=True, slots=True)
class MattingOptions:
    """How the edge is refined.

    Attributes:
        working_px: The longer side at which the edge is computed; larger photos get it scaled up along their edges.
        band: Half the width of the uncertain band, as a share of the longer side.
        smoothness: The guided filter's tolerance; higher keeps less texture in the edge.
    """

    working_px: int = 1280
    band: float = 0.006
    smoothness: float = 1e-4


def refine(photo: Photo, mask: Mask, options: MattingOptions | None = None, report: Report = quiet) -> Map:
    """Alpha at the photo's size from a mask of any size."""
    options = options or MattingOptions()
    height, width = photo.shape[:2]
    scale = min(1.0, options.working_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = _unit(np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA)))
    coarse = _resized(mask.astype(np.float32), size)
    reach = max(2, round(options.band * max(size)))
    band = _band(coarse > 0.5, reach)
    report(0.2, "following the edge")
    guided = _apply(small, *_guide(small, coarse, reach, options.smoothness, _grown(band, reach)))
    report(0.5, "weighing the colours on either side")
    line, trust = _colour_line(small, coarse > 0.5, band, reach)
    alpha = (1 - 0.6 * trust) * np.clip(guided, 0, 1) + 0.6 * trust * line
    alpha = np.clip((alpha - 0.08) / 0.84, 0, 1)
    alpha = np.where(band, alpha, coarse > 0.5).astype(np.float32)
    if scale == 1:
        return alpha
    report(0.8, "bringing the edge to full size")
    return _enlarge(photo, small, alpha, options)


def own_colours(photo: Photo, alpha: Map, *, working_px: int = 1280) -> Photo:
    """The subject's colours where background shines through; fully covered pixels stay as they are."""
    height, width = photo.shape[:2]
    scale = min(1.0, working_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.float32)
    share = _resized(alpha, size)[..., None]
    front, back = small, small
    for window in (max(15, max(size) // 10), 6):
        front, back = _blur_fusion(small, share, front, back, window)
    colours, found = front.astype(np.uint8), photo.copy()
    for rows in _strips(height):
        thin = alpha[rows] < 0.99
        found[rows][thin] = _strip(colours, photo.shape, rows)[thin]
    return found


def _unit(photo: NDArray[Any]) -> Map:
    return np.asarray(photo, np.float32) / np.float32(255)


def _resized(plane: Map, size: tuple[int, int]) -> Map:
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _band(mask: Mask, reach: int) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    plain = mask.astype(np.uint8)
    # The frame is no edge of the subject: outside it, things go on as they are.
    wide = cv2.dilate(plain, disc)
    narrow = cv2.erode(plain, disc, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(wide != narrow, np.bool_)


def _mean(values: Map, reach: int) -> Map:
    window = (2 * reach + 1, 2 * reach + 1)
    return np.asarray(cv2.boxFilter(values, -1, window, borderType=cv2.BORDER_REFLECT), np.float32)


def _grown(mask: Mask, reach: int) -> Mask:
    return np.asarray(
        cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0, np.bool_
    )


def _guide(photo: Map, target: Map, reach: int, smoothness: float, where: Mask) -> tuple[Map, Map]:
    """The linear model target = slope · colour + offset that fits best in each window around a pixel of `where`."""
    mean_photo, mean_target = _mean(photo, reach), _mean(target, reach)
    covariance = _mean(np.asarray(photo * target[..., None], np.float32), reach)[where]
    covariance -= mean_photo[where] * mean_target[where, None]
    spread = np.empty((*covariance.shape, 3), np.float32)
    for one in range(3):
        for other in range(one, 3):
            product = _mean(photo[..., one] * photo[..., other], reach)[where]
            product -= mean_photo[where, one] * mean_photo[where, other]
            spread[:, one, other] = spread[:, other, one] = product
    spread += smoothness * np.eye(3, dtype=np.float32)
    slope = np.zeros_like(photo)
    slope[where] = np.linalg.solve(spread, covariance[..., None])[..., 0]
    offset = mean_target - _dot(slope, mean_photo)
    return _mean(slope, reach), _mean(offset, reach)


def _apply(photo: Map, slope: Map, offset: Map) -> Map:
    return np.asarray(_dot(slope, photo) + offset, np.float32)


def _dot(one: Map, other: Map) -> Map:
    """The product of two colours at each pixel; NumPy's sum over so short an axis takes several times as long."""
    return np.asarray(np.einsum("ijc,ijc->ij", one, other), np.float32)


def _colour_line(photo: Map, inside: Mask, band: Mask, reach: int) -> tuple[Map, Map]:
    """Where each colour lies between the nearby colours of subject (1) and background (0), and how far to trust it."""
    front = _nearby_mean(photo, inside & ~band, reach)
    back = _nearby_mean(photo, ~inside & ~band, reach)
    line = front - back
    length = np.sqrt(_dot(line, line))
    place = _dot(photo - back, line) / np.maximum(length**2, 1e-3)
    trust = np.clip((length - 0.05) / 0.16, 0, 1)
    return np.asarray(np.clip(place, 0, 1), np.float32), np.asarray(trust, np.float32)


def _nearby_mean(photo: Map, where: Mask, reach: int) -> Map:
    weight = where.astype(np.float32)
    total, count = np.zeros_like(photo), np.zeros_like(weight)
    # The wider window is only for places from which the narrow one sees nothing of that side.
    for window in (2 * reach, 8 * reach):
        sums = _mean(np.asarray(photo * weight[..., None], np.float32), window)
        share = _mean(weight, window)
        empty = count < 1e-3
        total = np.where(empty[..., None], sums, total)
        count = np.where(empty, share, count)
    return np.asarray(total / np.maximum(count, 1e-6)[..., None], np.float32)


def _enlarge(photo: Photo, small: Map, alpha: Map, options: MattingOptions) -> Map:
    """Fast guided upsampling: the linear model is fitted small and applied to the full photo, in strips."""
    soft = _grown((alpha > 0.01) & (alpha < 0.99), 4)
    slope, offset = _guide(small, alpha, 2, options.smoothness, soft)
    whole = np.empty(photo.shape[:2], np.float32)
    for rows in _strips(photo.shape[0]):
        part = _strip(alpha, photo.shape, rows)
        sharp = _apply(_unit(photo[rows]), _strip(slope, photo.shape, rows), _strip(offset, photo.shape, rows))
        whole[rows] = np.where((part > 0.02) & (part < 0.98), np.clip(sharp, 0, 1), part > 0.5)
    return whole


def _strips(height: int) -> list[slice]:
    return [slice(top, min(top + _STRIP, height)) for top in range(0, height, _STRIP)]


def _strip(plane: NDArray[Any], shape: tuple[int, ...], rows: slice) -> NDArray[Any]:
    """These rows of a plane scaled up to `shape`: the whole of it would take gigabytes on a large photo."""
    across, down = plane.shape[1] / shape[1], plane.shape[0] / shape[0]
    move = np.array([[across, 0, across / 2 - 0.5], [0, down, (rows.start + 0.5) * down - 0.5]])
    size = (shape[1], rows.stop - rows.start)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, move, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _blur_fusion(photo: Map, share: Map, front: Map, back: Map, window: int) -> tuple[Map, Map]:
    size = (window, window)
    weight = np.asarray(cv2.blur(share, size), np.float32)[..., None]
    front_mean = cv2.blur(front * share, size) / (weight + 1e-5)
    back_mean = cv2.blur(back * (1 - share), size) / (1 - weight + 1e-5)
    fused = front_mean + share * (photo - share * front_mean - (1 - share) * back_mean)
    return np.asarray(np.clip(fused, 0, 255), np.float32), np.asarray(back_mean, np.float32)
