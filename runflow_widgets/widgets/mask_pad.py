"""The pad on which a mask is painted over a photo."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import ipywidgets
import numpy as np
import traitlets as t

from ..errors import InputError
from ..painting import Box, Patch, Sheet, conventions, spans
from .mask_ink import MaskInk
from .own_widget import OwnBox, close_whole
from .pad_core import How, PadCore
from .pad_messages import PadMessages
from .pad_plain import PlainTools
from .pad_runs import Trials
from .saved_output import SavedOutput
from .sources import open_source

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

#: Small pictures are enlarged on the page, but no more than so many times.
_MOST_ENLARGED: Final = 8
_SAVED_PX: Final = 800


class MaskPad(OwnBox):
    """Paint on a photo what a model should work on; `pad.mask` is black and white, of exactly the photo's size.

    Everything that the toolbar does has a method of its own, which makes the same undo step.

    Example:
        >>> pad = rf.MaskPad("street.jpg", key="street")
        >>> pad
        >>> run = rf.run("runflow/object-removal", image=pad.image, mask=pad.mask)

    Args:
        image: A path, address, bytes, Pillow picture, array, or a result such as `run.images[0]`.
        mask: What is marked to begin with: anything `load` takes.
        key: A name under which the mask is kept; a pad with the same key and photo begins with it.
        width: The widest that the drawing area gets, in pixels of the page.
        height: The highest that it gets.
        ink: False for pages that cannot show anywidgets; strokes are then painted by the kernel, which lags.
        segmenter: What magic select asks instead of the local method: called with `photo` (an array), and `point`
            (x, y) or `box` (left, top, right, bottom); gives a mask of the photo's size. It may be `async`.
        segmenter_price: What one call of it costs, as people read it; then the pad asks first.
        model: A model that can be run from the pad, on the photo and its mask.
    """

    version = t.Int(0)
    """Grows by one with every change of the mask; observe it to follow along."""

    def __init__(
        self,
        image: object,
        *,
        mask: object = None,
        key: str | None = None,
        width: int = 720,
        height: int = 560,
        ink: bool = True,
        segmenter: Callable[..., Any] | None = None,
        segmenter_price: str = "",
        model: str | None = None,
    ) -> None:
        photo, name = open_source(image)
        stage = _stage(photo.size, (width, height))
        self._core = core = PadCore(photo, name, stage, key=key, mask=mask)
        core.segmenter, core.segmenter_price = segmenter, segmenter_price
        core.ink.convention = conventions.convention_of(model).note if model else ""
        self._trials = Trials(core, model)
        self._inside = inside = ipywidgets.Box(core.screen.widgets)
        inside.add_class("rfw-pad-stage")
        children = [inside, core.ink] if ink else [PlainTools(core, stage).around(inside)]
        super().__init__(children)
        self._saved = SavedOutput(f"rfw-pad-{self.model_id}", self._bundle, lambda: core.sheet.version)
        self.add_class("rfw-pad")
        core.ink.on_msg(PadMessages(core, self._trials, self.refresh_saved_picture))
        core.on_change.append(self._count)
        self._trials.tell()

    def _count(self) -> None:
        self.version = self._core.sheet.version

    @property
    def image(self) -> Image:
        """The photo, upright, as the mask fits it."""
        return self._core.image

    @property
    def _sheet(self) -> Sheet:
        return self._core.sheet

    @property
    def ink(self) -> MaskInk:
        """The toolbar and its settings: `pad.ink.tool`, `brush_px`, `colour`, `opacity`, `look`."""
        return self._core.ink

    @property
    def segmenter(self) -> Callable[..., Any] | None:
        """What magic select asks instead of the local method."""
        return self._core.segmenter

    @segmenter.setter
    def segmenter(self, segmenter: Callable[..., Any] | None) -> None:
        self._core.segmenter = segmenter

    # ------------------------------------------------------------------ the mask

    @property
    def mask(self) -> Image:
        """The mask: mode L, white (255) is marked, black (0) is not."""
        return self._sheet.picture()

    @property
    def array(self) -> NDArray[np.uint8]:
        """The mask as height×width numbers, 0 and 255; a copy."""
        with self._core.lock:
            return np.array(self._sheet.pixels)

    @property
    def coverage(self) -> float:
        """How much of the photo is marked, from 0 to 1."""
        return self._sheet.coverage

    @property
    def bbox(self) -> tuple[int, int, int, int] | None:
        """Left, top, right and bottom of all that is marked, as Pillow's `crop` takes them."""
        box = self._sheet.bbox
        return (box.left, box.top, box.right, box.bottom) if box else None

    def mask_for(self, model: str, *, feather_px: float = 0) -> Image:
        """The mask as a model wants it: some edit what is white, some what is black, some what is transparent.

        Where that is not documented for Runflow, the pad says so below the picture.

        Args:
            model: The model's id.
            feather_px: Soften the edge over so many pixels; the pad's own mask keeps its two values.
        """
        convention = conventions.convention_of(model)
        if not convention.confirmed:
            self._core.tell(convention.note)
        return conventions.mask_for(self.image, self._sheet, model, feather_px=feather_px)

    def white_edit(self, *, feather_px: float = 0) -> Image:
        """The mask with white where something is to change, as Runflow's own models take it."""
        return conventions.white_edit(self._sheet, feather_px=feather_px)

    def black_edit(self, *, feather_px: float = 0) -> Image:
        """The mask with black where something is to change."""
        return conventions.black_edit(self._sheet, feather_px=feather_px)

    def alpha_zero(self, *, feather_px: float = 0) -> Image:
        """The photo, transparent where something is to change."""
        return conventions.alpha_zero(self.image, self._sheet, feather_px=feather_px)

    def to_zip(self) -> bytes:
        """Photo and mask in one zip, as object removal takes them."""
        return conventions.to_zip(self.image, self._sheet)

    def preview(self, longest_px: int = 1024) -> Image:
        """The photo with the mask over it, as a saved notebook shows it."""
        from PIL import Image as Pillow

        with self._core.lock:
            small, marked = self._core.screen.small(self._sheet.pixels, longest_px)
        veil = Pillow.new("RGB", small.size, self.ink.colour)
        return Pillow.composite(veil, small, Pillow.fromarray((marked * (255 * self.ink.opacity)).astype(np.uint8)))

    # ------------------------------------------------------------------ painting without a pointer

    def draw_stroke(
        self, points: Sequence[tuple[float, float]], *, brush_px: float | None = None, erase: bool = False
    ) -> None:
        """Paint along points (x, y) with a round brush, its width in pixels of the photo."""
        if not len(points):
            raise InputError("The stroke has no points.", advice="Give a list of (x, y).")
        radius = (self.ink.brush_px if brush_px is None else brush_px) / 2
        patch = spans.stroke([(x, y, radius) for x, y in points], self._core.size)
        self._paint(patch, erase, "eraser stroke" if erase else "stroke")

    def draw_rect(self, left: float, top: float, right: float, bottom: float, *, erase: bool = False) -> None:
        """Mark a rectangle, given by its edges."""
        self._paint(spans.rectangle(left, top, right, bottom, self._core.size), erase, "rectangle")

    def draw_ellipse(self, left: float, top: float, right: float, bottom: float, *, erase: bool = False) -> None:
        """Mark the ellipse that fits into a rectangle, given by its edges."""
        self._paint(spans.ellipse(left, top, right, bottom, self._core.size), erase, "ellipse")

    def draw_polygon(self, points: Sequence[tuple[float, float]], *, erase: bool = False) -> None:
        """Mark the inside of a closed line through points (x, y)."""
        if len(points) < 3:
            raise InputError(f"A polygon needs three corners; it has {len(points)}.")
        self._paint(spans.polygon(points, self._core.size), erase, "polygon")

    def _paint(self, patch: Patch, erase: bool, name: str) -> None:
        if patch.box:
            self._core.do(lambda: self._sheet.paint(patch, erase=erase, name=name))

    def fill_at(self, x: int, y: int, *, erase: bool = False) -> None:
        """Fill the connected area round a point, as a paint bucket does."""
        self._core.do(lambda: self._sheet.fill_at(x, y, erase=erase))

    def select_at(self, x: int, y: int, *, how: How = "add") -> None:
        """Magic select: find the object at a point and add it to the mask, take it away, or take it alone."""
        self._core.select(point=(x, y), how=how)

    def select_box(self, left: int, top: int, right: int, bottom: int, *, how: How = "add") -> None:
        """Magic select: find the object inside a box."""
        self._core.select(box=Box(left, top, right, bottom), how=how)

    def load(self, mask: object, *, resize: bool = False) -> None:
        """Begin again from a mask: a path, bytes, Pillow picture or array; of another size only with `resize`."""
        self._core.do(lambda: self._sheet.load(mask, resize=resize))
        self._core.tell(self._sheet.note or "Loaded a mask.")

    def from_alpha(self) -> None:
        """Mark what is transparent in the photo."""
        if self.image.mode != "RGBA":
            raise InputError("The photo has no transparency.", advice="Paint, or load a mask.")
        clear = np.asarray(self.image)[..., 3] < 128
        self._core.do(lambda: self._sheet.merge(clear, "replace", name="from alpha"))

    def clear(self) -> None:
        """Unmark everything."""
        self._core.do(self._sheet.clear)

    def invert(self) -> None:
        """Mark what was not marked, and the other way round."""
        self._core.do(self._sheet.invert)

    def fill_holes(self) -> None:
        """Mark what is enclosed."""
        self._core.do(self._sheet.fill_holes)

    def grow(self, px: int) -> None:
        """Mark everything within `px` of what is marked."""
        self._core.do(lambda: self._sheet.grow(px))

    def shrink(self, px: int) -> None:
        """Unmark everything within `px` of what is not."""
        self._core.do(lambda: self._sheet.shrink(px))

    def smooth(self, px: int) -> None:
        """Round off corners and bumps of about this size."""
        self._core.do(lambda: self._sheet.smooth(px))

    def remove_specks(self, px: int) -> None:
        """Unmark pieces no larger than this."""
        self._core.do(lambda: self._sheet.remove_specks(px))

    def add_shadow(self) -> None:
        """Mark the shadow that the marked object casts on the ground as well; `undo` takes it back.

        The pad says how much was added, or that no shadow was found.

        Raises:
            InputError: Nothing is marked, or what looks like a shadow is more than 3 % of the picture.
        """
        self._core.add_shadow()

    def undo(self) -> None:
        """Take the last step back; the last 50 can be."""
        self._core.do(self._sheet.undo)

    def redo(self) -> None:
        """Do again what was undone."""
        self._core.do(self._sheet.redo)

    def close(self) -> None:
        """Close the pad; its mask stays with this object."""
        # Also called for a pad that was never finished, because its picture was none.
        core: PadCore | None = self.__dict__.get("_core")
        if core is not None:
            # What holds closed widgets must be closed as well: a page that is loaded anew asks for all that is open,
            # and gets nothing at all if one of them cannot be told.
            for box in (*self.children, self._inside):
                close_whole(box)
            core.close()
        super().close()

    # ------------------------------------------------------------------ shown and saved

    def _bundle(self) -> dict[str, Any]:
        live: Any = super()._repr_mimebundle_()
        bundle = dict(live or {})
        bundle["text/plain"] = repr(self)
        bundle["image/png"] = _small_png(self.preview(_SAVED_PX))
        return bundle

    def _ipython_display_(self) -> None:
        self._saved.show()

    def refresh_saved_picture(self) -> None:
        """Put the mask as it is now into the notebook's saved output, if it changed since it was shown."""
        self._saved.refresh()

    def __repr__(self) -> str:
        width, height = self._core.size
        return f"MaskPad({self._core.name}, {width}×{height} px, {100 * self.coverage:.3g} % marked)"


def _stage(size: tuple[int, int], most: tuple[int, int]) -> tuple[int, int]:
    scale = min(most[0] / size[0], most[1] / size[1], _MOST_ENLARGED)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _small_png(picture: Image) -> bytes:
    """A PNG of 256 colours: a third of the bytes, which every saved notebook carries along."""
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    picture.quantize(256, Pillow.Quantize.FASTOCTREE).save(buffer, "PNG")
    return buffer.getvalue()
