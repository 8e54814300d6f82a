"""The pad's two canvases: the photo, and over it the mask, drawn as far as they are on screen."""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import ipywidgets
from ipycanvas import Canvas, hold_canvas

from ..painting import Box, Patch
from ..painting.visible import Shown, View, marked_on_screen, outline, runs
from .own_widget import close_parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

#: A page draws late when much arrives at once, and a picture that is gone by then would stop all of its canvases.
_KEPT_S: Final = 60.0
_MOST_KEPT: Final = 64
_MOST_MARKS: Final = 2**24 - 1
_SQUARE: Final = 8


class Screen:
    """Draws a photo and its mask into ipycanvas, at the size of the screen.

    Each canvas is one row taller than what is seen. The first pixel of that row is a mark, the number of the drawing
    as a colour: by it the page knows when what it asked for has really been painted.
    """

    def __init__(self, photo: Image, view: View, colour: str) -> None:
        self._shown = Shown(photo)
        self._pictures: deque[tuple[float, ipywidgets.Image]] = deque()
        self._mark = 0
        self.view, self.colour, self.look = view, colour, "overlay"
        self.photo = Canvas(width=view.width, height=view.height + 1)
        self.mask = Canvas(width=view.width, height=view.height + 1)
        self.photo.add_class("rfw-pad-photo")
        self.mask.add_class("rfw-pad-mask")

    @property
    def widgets(self) -> tuple[Canvas, Canvas]:
        """The canvases, the lower one first."""
        return self.photo, self.mask

    def change_photo(self, photo: Image) -> None:
        """Show another picture of the same size from now on."""
        self._shown = Shown(photo)

    def small(self, pixels: NDArray[np.uint8], longest_px: int) -> tuple[Image, NDArray[np.bool_]]:
        """Photo and mask, no larger than that, for pages without a canvas."""
        width, height = self._shown.size
        scale = min(1.0, longest_px / max(width, height))
        view = View.whole(self._shown.size, (max(1, round(width * scale)), max(1, round(height * scale))))
        picture = on_squares(self._shown.cut(view).picture)
        return picture.resize((view.width, view.height)), marked_on_screen(pixels, view)

    def draw(self, pixels: NDArray[np.uint8]) -> tuple[int, int]:
        """Draw all; return the marks of photo and mask."""
        view = self.view
        for canvas in self.widgets:
            if (canvas.width, canvas.height) != (view.width, view.height + 1):
                canvas.width, canvas.height = view.width, view.height + 1
        cut = self._shown.cut(view)
        picture = self._encoded(on_squares(cut.picture))
        with _at_once():
            self.photo.clear()
            self.photo.image_smoothing_enabled = not cut.as_squares
            self.photo.draw_image(picture, cut.left, cut.top, cut.width, cut.height)
            photo_mark = self._put_mark(self.photo)
            mask_mark = self._draw_mask(pixels, Box(0, 0, view.width, view.height))
        return photo_mark, mask_mark

    def draw_mask(self, pixels: NDArray[np.uint8], changed: Box | None = None) -> int:
        """Draw the mask again, or only where it changed; return its mark."""
        view = self.view
        part = Box(0, 0, view.width, view.height)
        if changed is not None and self.look != "outline":
            part = view.on_screen(changed).clipped((view.width, view.height))
        with _at_once():
            return self._draw_mask(pixels, part)

    def preview(self, patch: Patch, *, erase: bool) -> None:
        """Show a part of a stroke that is not in the mask yet."""
        part = self.view.on_screen(patch.box).clipped((self.view.width, self.view.height))
        if not part:
            return
        inside = View(self.view.x - patch.box.left, self.view.y - patch.box.top, *self._scale_and_size())
        found = runs(marked_on_screen(patch.marked, inside, part), part.left, part.top)
        if not len(found):
            return
        with _at_once():
            if erase:
                for run in zip(found.left, found.top, found.width, found.height, strict=True):
                    self.mask.clear_rect(*map(int, run))
            else:
                self.mask.fill_style = self.colour
                self.mask.fill_rects(found.left, found.top, found.width, found.height)

    def _scale_and_size(self) -> tuple[float, int, int]:
        return self.view.scale, self.view.width, self.view.height

    def _draw_mask(self, pixels: NDArray[np.uint8], part: Box) -> int:
        if part:
            marked = marked_on_screen(pixels, self.view, part)
            if self.look == "outline":
                marked = outline(marked, 2)
            found = runs(marked, part.left, part.top)
            self.mask.clear_rect(part.left, part.top, part.width, part.height)
            if len(found):
                self.mask.fill_style = "#ffffff" if self.look == "mask" else self.colour
                self.mask.fill_rects(found.left, found.top, found.width, found.height)
        return self._put_mark(self.mask)

    def _put_mark(self, canvas: Canvas) -> int:
        self._mark = self._mark % _MOST_MARKS + 1
        canvas.fill_style = f"#{self._mark:06x}"
        canvas.fill_rect(0, self.view.height, 1, 1)
        return self._mark

    def _encoded(self, picture: Image) -> ipywidgets.Image:
        buffer = io.BytesIO()
        # WebP: at the size of a screen a third of a PNG's bytes, and far quicker to write.
        picture.save(buffer, "WEBP", quality=92, method=1)
        drawn, now = ipywidgets.Image(value=buffer.getvalue(), format="webp"), time.monotonic()
        self._pictures.append((now, drawn))
        while len(self._pictures) > _MOST_KEPT or self._pictures[0][0] < now - _KEPT_S:
            self._pictures.popleft()[1].close()
        return drawn

    def close(self) -> None:
        """Close the canvases and what they drew."""
        for widget in (*self.widgets, *(picture for _, picture in self._pictures)):
            close_parts(widget)


def on_squares(picture: Image) -> Image:
    """Lay what is transparent on the usual grey squares; leave the rest as it is, as RGB."""
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    import numpy as np
    from PIL import Image as Pillow

    down, across = np.mgrid[0 : picture.height, 0 : picture.width] // _SQUARE
    ground = Pillow.fromarray(np.where((down + across) % 2, 204, 255).astype(np.uint8)).convert("RGBA")
    return Pillow.alpha_composite(ground, picture).convert("RGB")


@contextmanager
def _at_once() -> Iterator[None]:
    """Send all drawing as one message; ipycanvas would hold back for ever if an exception left its own block."""
    holding = hold_canvas()
    holding.__enter__()
    try:
        yield
    finally:
        holding.__exit__(None, None, None)
