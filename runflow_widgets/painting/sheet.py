"""The mask of one picture at its full size, and every change it can go through."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from . import refine
from .incoming import read_marks
from .patch import Box, Patch, extent
from .steps import Step, Steps

if TYPE_CHECKING:
    from PIL.Image import Image

#: A model that works on one megapixel sees less than this as hardly a spot.
_TINY_PX_PER_MEGAPIXEL: Final = 64
_TINY_SHARE: Final = 0.01


class Sheet:
    """The mask of one picture, with every step of its making.

    Every change is whole or does not happen, returns the box that changed (None if nothing did), and can be undone.
    Any thread may call; hold `lock` for several calls that belong together.

    Example:
        >>> sheet = Sheet((640, 480))
        >>> sheet.paint(Patch(Box(10, 10, 12, 12), np.ones((2, 2), bool)))
        Box(left=10, top=10, right=12, bottom=12)
        >>> sheet.undo()
        Box(left=10, top=10, right=12, bottom=12)

    Attributes:
        size: Width and height in pixels.
        lock: Held by every method while it works.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        width, height = size
        if width < 1 or height < 1:
            raise InputError(f"A mask of {width}×{height} px has no pixels.", advice="Give the picture's size.")
        self.size = (width, height)
        self.lock = threading.RLock()
        self._mask = np.zeros((height, width), np.uint8)
        self._steps = Steps()
        self._version = 0
        self._marked = 0
        self._note: str | None = None
        self._bbox: Box | None = None
        self._bbox_is_known = True

    # ------------------------------------------------------------------ what there is

    @property
    def version(self) -> int:
        """Grows by one with every change, be it forwards or backwards."""
        return self._version

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The mask itself, height×width, 255 where marked, else 0: read only, and changing with the sheet."""
        view = self._mask.view()
        view.flags.writeable = False
        return view

    def picture(self) -> Image:
        """A copy of the mask as it is now, in mode L."""
        from PIL import Image as Pillow

        with self.lock:
            return Pillow.fromarray(self._mask.copy())

    @property
    def marked_px(self) -> int:
        """How many pixels are marked."""
        return self._marked

    @property
    def coverage(self) -> float:
        """The share of the picture that is marked, from 0 to 1."""
        return self._marked / self._mask.size

    @property
    def bbox(self) -> Box | None:
        """The smallest box that holds all that is marked."""
        with self.lock:
            if not self._bbox_is_known:
                self._bbox = extent(self._mask)
                self._bbox_is_known = True
            return self._bbox

    @property
    def warning(self) -> str | None:
        """What a model may not like about the mask as it is."""
        with self.lock:
            total, marked = self._mask.size, self._marked
            if not marked:
                return "The mask marks nothing: paint what the model should work on."
            if marked == total:
                return "The mask marks the whole picture: nothing would be left to learn from."
            few = _TINY_PX_PER_MEGAPIXEL * max(1.0, total / 1e6)
            if marked < few and marked < _TINY_SHARE * total:
                pixels = "1 pixel" if marked == 1 else f"{marked} pixels"
                return f"The mask marks {pixels}: a model may not notice so small a spot."
            return None

    @property
    def note(self) -> str | None:
        """What the latest `load` had to decide by itself: greys cut in two, another size."""
        return self._note

    # ------------------------------------------------------------------ painting and merging

    def paint(self, patch: Patch, *, erase: bool = False, name: str = "stroke") -> Box | None:
        """Mark the pixels of a patch, or unmark them."""
        with self.lock:
            self._check(patch)
            return self._change(patch.box, _merged(self._mask[patch.box.slices], patch.marked, erase=erase), name)

    def merge(
        self, marked: Patch | NDArray[np.bool_], how: Literal["add", "replace", "subtract"] = "add", name: str = "merge"
    ) -> Box | None:
        """Bring in what was marked elsewhere: a patch, or the whole picture's pixels."""
        if how not in ("add", "replace", "subtract"):
            raise InputError(f"A mask cannot be merged by {how!r}.", advice="Possible are add, replace and subtract.")
        with self.lock:
            patch = self._whole(marked)
            if how != "replace":
                return self.paint(patch, erase=how == "subtract", name=name)
            box = patch.box.union(self.bbox or patch.box)
            fresh = np.zeros((box.height, box.width), np.uint8)
            fresh[patch.box.moved(-box.left, -box.top).slices] = patch.marked.view(np.uint8) * 255
            return self._change(box, fresh, name)

    def load(self, mask: object, *, resize: bool = False, name: str = "load") -> Box | None:
        """Replace everything by a mask from outside, be it a path, bytes, a picture or an array.

        Grey counts as marked from 128 on, what is transparent as not marked; `note` tells if there was any.

        Args:
            resize: Fit a mask of another size, without in-between values; otherwise it is refused.
        """
        marked, note = read_marks(mask, self.size, resize=resize)
        with self.lock:
            self._note = note
            return self.merge(marked, "replace", name)

    def clear(self) -> Box | None:
        """Unmark everything."""
        return self._refine("clear", np.zeros_like)

    # ------------------------------------------------------------------ refining

    def invert(self) -> Box | None:
        """Mark what was not, and the other way round."""
        with self.lock:
            return self._change(Box.whole(self.size), ~self._mask, "invert")

    def fill_holes(self, px: int | None = None) -> Box | None:
        """Mark what marked pixels enclose; with `px`, only holes neither wider nor higher than that."""
        if px is not None:
            refine.check_px(px)
        return self._refine("fill holes", lambda mask: refine.without_holes(mask, px), around_px=1)

    def grow(self, px: int) -> Box | None:
        """Mark everything within `px` of what is marked, as with a round brush."""
        refine.check_px(px)
        return self._refine("grow", lambda mask: refine.grow(mask, px), around_px=px)

    def shrink(self, px: int) -> Box | None:
        """Unmark everything within `px` of what is not; along the picture's edge nothing is lost."""
        refine.check_px(px)
        return self._refine("shrink", lambda mask: refine.shrink(mask, px), around_px=1)

    def smooth(self, px: int) -> Box | None:
        """Round corners and bumps about as large as `px`; what is much thinner goes."""
        refine.check_px(px)
        return self._refine("smooth", lambda mask: refine.smooth(mask, px), around_px=2 * px)

    def remove_specks(self, px: int) -> Box | None:
        """Unmark pieces that are neither wider nor higher than `px`."""
        refine.check_px(px)
        return self._refine("remove specks", lambda mask: refine.without_specks(mask, px))

    def fill_at(self, x: int, y: int, *, erase: bool = False, name: str = "fill") -> Box | None:
        """Mark (or unmark) the connected area of one value round a point, as a paint bucket does."""
        with self.lock:
            if not (0 <= x < self.size[0] and 0 <= y < self.size[1]):
                raise InputError(f"The point {x}, {y} lies outside the picture of {self.size[0]}×{self.size[1]} px.")
            if bool(self._mask[y, x]) is not erase:
                return None
            return self.paint(Patch.around(refine.area_at(self._mask, x, y)), erase=erase, name=name)

    # ------------------------------------------------------------------ back and forth

    @property
    def can_undo(self) -> str | None:
        """The name of the step that `undo` would take back."""
        step = self._steps.undoable
        return step.name if step else None

    @property
    def can_redo(self) -> str | None:
        """The name of the step that `redo` would do again."""
        step = self._steps.redoable
        return step.name if step else None

    @property
    def step_names(self) -> tuple[str, ...]:
        """The names of the steps that can be taken back, the oldest first."""
        with self.lock:
            return self._steps.names

    @property
    def steps_bytes(self) -> int:
        """How much memory the steps hold."""
        with self.lock:
            return self._steps.size_bytes

    def undo(self) -> Box | None:
        """Take back the latest step; None if there is none."""
        with self.lock:
            return self._replay(self._steps.undoable, -1)

    def redo(self) -> Box | None:
        """Do again what was taken back last; None if nothing was, or if something else was done since."""
        with self.lock:
            return self._replay(self._steps.redoable, +1)

    # ------------------------------------------------------------------ inside

    def _replay(self, step: Step | None, by: int) -> Box | None:
        if step is None:
            return None
        self._flip(step.box, step.flipped)
        self._steps.move(by)
        return step.box

    def _refine(
        self, name: str, work: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], around_px: int = 0
    ) -> Box | None:
        """Do something that can change nothing farther than `around_px` from what is marked."""
        with self.lock:
            if self.bbox is None:
                return None
            box = self.bbox.widened(around_px).clipped(self.size)
            return self._change(box, work(self._mask[box.slices]), name)

    def _change(self, box: Box, fresh: NDArray[np.uint8], name: str) -> Box | None:
        """Every change ends here: take down what it flips, then flip it."""
        flipped = fresh != self._mask[box.slices]
        inside = extent(flipped)
        if inside is None:
            return None
        changed = inside.moved(box.left, box.top)
        step = Step.of(name, changed, flipped[inside.slices])
        self._flip(step.box, flipped[inside.slices])
        self._steps.add(step)
        return changed

    def _flip(self, box: Box, flipped: NDArray[np.bool_]) -> None:
        part = self._mask[box.slices]
        count = int(np.count_nonzero(flipped))
        part ^= flipped.view(np.uint8) * np.uint8(255)
        after = int(np.count_nonzero(part[flipped]))
        self._marked += 2 * after - count
        # Where pixels were only added, the boxes add up; otherwise the mask is looked through when asked.
        if after == count and self._bbox_is_known:
            self._bbox = self._bbox.union(box) if self._bbox else box
        else:
            self._bbox_is_known = False
        self._version += 1

    def _whole(self, marked: Patch | NDArray[np.bool_]) -> Patch:
        if isinstance(marked, Patch):
            self._check(marked)
            return marked
        if marked.dtype != np.bool_ or marked.shape != self._mask.shape:
            raise InputError(
                f"The marks are {marked.dtype} of the shape {marked.shape}.",
                advice=f"This picture needs bool of the shape {self._mask.shape}.",
            )
        return Patch(Box.whole(self.size), marked)

    def _check(self, patch: Patch) -> None:
        if patch.box and patch.box.clipped(self.size) != patch.box:
            raise InputError(f"The patch reaches out of the picture of {self.size[0]}×{self.size[1]} px: {patch.box}.")


def _merged(mask: NDArray[np.uint8], marked: NDArray[np.bool_], *, erase: bool) -> NDArray[np.uint8]:
    bits = marked.view(np.uint8) * np.uint8(255)
    return mask & ~bits if erase else mask | bits
