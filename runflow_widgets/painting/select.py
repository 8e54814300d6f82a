"""Magic select: a click on an object, or a box drawn round it, becomes a mask; computed here, without a model.

The photo is first seen as a whole, small, to find what a click is on (`clicked`), then the part that matters, as large
as time allows, to find its outline (`boxed`), and at last in full along that outline (`edge`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ..errors import InputError
from .boxed import outline_in
from .clicked import edge_contrast, outline_at, rim_share
from .closeup import Clicks, Closeup, Mask, Photo, Point, look
from .edge import sharpen
from .patch import Box, Patch, extent

_LOOK_PX: Final = 256
_OUTLINE_PX: Final = 300
#: What is too small in the whole photo is looked for this share of it, as a divisor, around the click.
_CLOSER: Final = 8
#: What takes up this share of the view's edge is ground rather than an object.
_GROUND: Final = 0.5
_CLEAR_EDGE: Final = 0.35
_COLLAPSE: Final = 0.2
#: Below it, in steps of 255, a smoothed picture shows nothing.
_BLANK: Final = 4.0
_SMALLEST_BOX_PX: Final = 4


def select(
    photo: Photo,
    *,
    box: Box | None = None,
    point: Point | None = None,
    hints: Sequence[tuple[int, int, bool]] = (),
) -> Patch:
    """Find the pixels of the object that a point lies on, or that a box was drawn round.

    The same photo and the same clicks always give the same pixels.

    Args:
        photo: uint8, height×width×3.
        box: Drawn round the object; parts outside it do not belong.
        point: x and y of a click on the object.
        hints: More clicks: x, y, and whether that point belongs to the object.

    Example:
        >>> patch = select(photo, point=(320, 200), hints=[(350, 90, False)])
        >>> sheet.merge(patch, "add", "magic select")
    """
    _check_photo(photo)
    clicks = _clicks(photo, point, hints)
    if box is None and not clicks.yes:
        raise InputError("Nothing says what to select.", advice="Click on the object, or draw a box round it.")
    view, mask = _seen_at(photo, clicks) if box is None else _seen_in(photo, _checked_box(photo, box), clicks)
    found = Patch.around(sharpen(photo, view, mask))
    if not found.box:
        raise InputError(
            "Nothing was found that stands out from what is around it.",
            advice="Draw a box closely round the object, or paint by hand.",
        )
    return Patch(found.box.moved(view.box.left, view.box.top), found.marked)


def _seen_in(photo: Photo, frame: Box, clicks: Clicks) -> tuple[Closeup, Mask]:
    """The outline of what fills the frame, and where it was looked for."""
    margin = max(8, max(frame.width, frame.height) // 2)
    view = look(photo, frame.widened(margin).clipped(_size(photo)), _OUTLINE_PX, clicks)
    _refuse_blank(view)
    return view, outline_in(view, view.inward(frame))


def _seen_at(photo: Photo, clicks: Clicks) -> tuple[Closeup, Mask]:
    """The outline of what was clicked on; what the whole photo shows as ground is looked at more closely."""
    whole = Box.whole(_size(photo))
    ground: tuple[Closeup, Mask] | None = None
    for part in (whole, _around(clicks, max(whole.width, whole.height) // _CLOSER).clipped(_size(photo))):
        view = look(photo, part, _LOOK_PX, clicks)
        if part == whole:
            _refuse_blank(view)
        mask = outline_at(view)
        found = extent(mask)
        # Close up, the ground's own grain forms patches too; only a clear edge makes an object of one.
        if found and rim_share(mask) < _GROUND and (part == whole or edge_contrast(view, mask) > _CLEAR_EDGE):
            margin = 2 + max(found.width, found.height) // 12
            closer, outline = _seen_in(photo, view.outward(found.widened(margin).clipped(view.size)), clicks)
            # Where colours hardly differ, the second look may leave no more than the click itself.
            return (closer, outline) if _area(closer, outline) > _COLLAPSE * _area(view, mask) else (view, mask)
        if found and ground is None:
            ground = view, mask
    if ground is None:
        raise InputError(
            "No outline was found round the point.", advice="Click closer to the object's middle, or draw a box."
        )
    return ground


def _area(view: Closeup, mask: Mask) -> float:
    """How many pixels of the photo a mask of the view covers."""
    return float(mask.sum()) / (view.scale[0] * view.scale[1])


def _around(clicks: Clicks, px: int) -> Box:
    xs, ys = zip(*clicks.yes, strict=True)
    return Box(min(xs), min(ys), max(xs) + 1, max(ys) + 1).widened(px)


def _refuse_blank(view: Closeup) -> None:
    import cv2

    smooth = np.asarray(cv2.GaussianBlur(view.lab, (0, 0), 2), np.float32)
    if float(np.ptp(smooth, axis=(0, 1)).max()) < _BLANK:
        raise InputError("There is nothing to select here: the picture is plain.", advice="Paint by hand.")


def _check_photo(photo: Photo) -> None:
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
        raise InputError(
            f"The photo is {photo.dtype} of the shape {photo.shape}.", advice="Give uint8, height×width×3."
        )


def _clicks(photo: Photo, point: Point | None, hints: Sequence[tuple[int, int, bool]]) -> Clicks:
    marked = [(x, y, bool(belongs)) for x, y, belongs in hints]
    if point is not None:
        marked.insert(0, (*point, True))
    width, height = _size(photo)
    for x, y, _ in marked:
        if not (0 <= x < width and 0 <= y < height):
            raise InputError(f"The point {x}, {y} lies outside the picture of {width}×{height} px.")
    return Clicks(tuple((x, y) for x, y, yes in marked if yes), tuple((x, y) for x, y, yes in marked if not yes))


def _checked_box(photo: Photo, box: Box) -> Box:
    inside = box.clipped(_size(photo))
    if min(inside.width, inside.height) < _SMALLEST_BOX_PX:
        raise InputError(
            f"The box covers {inside.width}×{inside.height} px of the picture, too few to find an outline in.",
            advice="Draw it round the whole object.",
        )
    return inside


def _size(photo: Photo) -> tuple[int, int]:
    return photo.shape[1], photo.shape[0]
