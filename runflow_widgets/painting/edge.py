"""From an outline found in a small view to the edge in the photo itself.

Near the edge, each pixel of the photo is asked whose colour it has: that of the object close by, or that of its
surroundings. Where the two hardly differ, the enlarged outline stands. Only tiles with an edge in them are looked
at, so the size of the photo hardly matters.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .closeup import Closeup, Map, Mask, Photo

#: How far from the edge, in pixels of the view, the photo may overrule the outline.
_BAND_PX: Final = 2
#: How far around, in pixels of the view, "close by" is.
_NEAR_PX: Final = 5
#: A difference of colours (of 255) at which the photo and the outline have the same say.
_FAINT: Final = 12.0
_TILE_PX: Final = 16


def sharpen(photo: Photo, view: Closeup, mask: Mask) -> Mask:
    """The mask of the view at the size of its part of the photo, with its edge along that of the photo."""
    import cv2

    part = photo[view.box.slices]
    if min(view.scale) == 1:
        return mask
    soft = np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0), np.float32)
    size = (view.box.width, view.box.height)
    large = np.asarray(cv2.resize((255 * soft).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)) >= 128
    sides = _side_colours(view, mask)
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _BAND_PX + 1, 2 * _BAND_PX + 1))
    bytes_ = mask.view(np.uint8)
    band = np.asarray(cv2.dilate(bytes_, reach) != cv2.erode(bytes_, reach), np.bool_)
    for top in range(0, band.shape[0], _TILE_PX):
        for left in range(0, band.shape[1], _TILE_PX):
            if band[top : top + _TILE_PX, left : left + _TILE_PX].any():
                _decide_tile(part, large, soft, sides, band, (left, top), view.scale)
    return np.asarray(large, np.bool_)


def _side_colours(view: Closeup, mask: Mask) -> tuple[Map, Map]:
    """For each pixel of the view, the mean colour of the object close by, and of what surrounds it."""
    return _mean_near(view.calm, _core(mask)), _mean_near(view.calm, _core(~mask))


def _core(mask: Mask) -> Map:
    import cv2

    # The very edge is a mixture of both sides; where nothing but edge is there, it must do.
    inner = cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    return np.asarray(inner, np.float32) + 0.01 * mask


def _mean_near(colours: Photo, weight: Map) -> Map:
    import cv2

    count = cv2.GaussianBlur(weight, (0, 0), _NEAR_PX / 2)
    total = cv2.GaussianBlur(colours * weight[..., None], (0, 0), _NEAR_PX / 2)
    return np.asarray(total / np.maximum(count, 1e-9)[..., None], np.float32)


def _decide_tile(
    part: Photo,
    large: Mask,
    soft: Map,
    sides: tuple[Map, Map],
    band: Mask,
    corner: tuple[int, int],
    scale: tuple[float, float],
) -> None:
    """Decide the pixels of one tile of the band, in place; the tile's corner is in pixels of the view."""
    import cv2

    (left, top), (x, y) = corner, scale
    # Averaging over about a pixel of the view keeps grain and texture from fraying the edge.
    grain = max(1, round(0.5 / min(x, y)))
    columns = slice(max(0, round(left / x) - grain), min(part.shape[1], round((left + _TILE_PX) / x) + grain))
    rows = slice(max(0, round(top / y) - grain), min(part.shape[0], round((top + _TILE_PX) / y) + grain))
    size = columns.stop - columns.start, rows.stop - rows.start

    def enlarged(plane: Map) -> Map:
        # Where the centre of each pixel of the photo lies in the view.
        place = np.array([[x, 0, (columns.start + 0.5) * x - 0.5], [0, y, (rows.start + 0.5) * y - 0.5]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(plane, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32)

    mine, other = enlarged(sides[0]), enlarged(sides[1])
    apart = mine - other
    squared = np.maximum((apart**2).sum(axis=2), 1.0)
    colours = part[rows, columns].astype(np.float32)
    # 1 has the object's colour, 0 that of its surroundings; beyond either is not more than that.
    share = np.clip(((colours - other) * apart).sum(axis=2) / squared, -0.2, 1.2)
    share = np.asarray(cv2.blur(share, (grain | 1, grain | 1)), np.float32)
    say = squared / (squared + _FAINT**2)
    decided = say * (share - 0.5) + (1 - say) * (enlarged(soft) - 0.5) > 0
    inside = enlarged(band.astype(np.float32)) > 0.5
    large[rows, columns] = np.where(inside, decided, large[rows, columns])
