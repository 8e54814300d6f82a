"""What a mask pad is without its looks: photo, mask, canvas and ink, kept in step."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import InputError
from ..images import encode_png
from ..painting import Box, Patch, Sheet
from ..painting.conventions import to_zip
from ..painting.keep import Keeper, digest
from ..painting.visible import View
from .background import Background, outcome
from .mask_ink import MaskInk
from .pad_screen import Screen, on_squares

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

How = Literal["add", "replace", "subtract"]


class PadCore:
    """Photo and mask of one pad, drawn on its canvas and told to its page after every change.

    Any thread may call; whoever needs several steps together holds `lock`.

    Attributes:
        image: The photo, upright, as the mask fits it.
        segmenter: What magic select asks instead of the local method.
        segmenter_price: What one call of it costs, as people read it.
        background: Where what takes a while is done.
        on_change: Called after every change of the mask.
    """

    def __init__(self, photo: Image, name: str, stage: tuple[int, int], *, key: str | None, mask: object) -> None:
        self.image, self.name = photo, name
        self.size: tuple[int, int] = photo.size
        self.segmenter: Callable[..., Any] | None = None
        self.segmenter_price = ""
        self.lock = threading.RLock()
        self.on_change: list[Callable[[], None]] = []
        self.sheet = Sheet(self.size)
        if mask is not None:
            self.sheet.load(mask)
        self.background = Background(self._busy, lambda sentence: self.tell(sentence, failed=True))
        self._array: NDArray[np.uint8] | None = None
        self._questions: dict[int, Callable[[], None]] = {}
        self._saving = False
        self._keeper = Keeper(key, digest(self.pixels), self.size) if key else None
        restored = self._keeper.restore(self.sheet) if self._keeper and mask is None else None
        self.ink = MaskInk(label=f"Mask over {name}, {self.size[0]} by {self.size[1]} pixels", size=[*self.size])
        self.ink.stage = list(stage)
        self.ink.brush_px = max(1.0, round(max(self.size) / 30))
        self.ink.says = restored or ""
        self.screen = Screen(photo, View.whole(self.size, stage), self.ink.colour)
        self.ink.observe(self._look_changed, ["look", "colour"])
        # A page that is loaded again begins with empty canvases; of the two, the mask's is made last.
        self.screen.mask.on_client_ready(self.draw)
        self._tell_facts()
        self.draw()

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The photo as height×width×3 numbers, what is transparent on grey squares."""
        if self._array is None:
            self._array = np.asarray(on_squares(self.image))
        return self._array

    # ------------------------------------------------------------------ steps

    def do(self, step: Callable[[], Box | None]) -> None:
        """Take a step on the sheet and show what became of it."""
        with self.lock:
            changed = step()
            if changed:
                self._changed(self.screen.draw_mask(self.sheet.pixels, changed))

    def acknowledge(self, identity: object, changed: Box | None) -> None:
        """Tell the page that one of its strokes is in the mask, and on the canvas."""
        with self.lock:
            mark = self.screen.draw_mask(self.sheet.pixels, changed) if changed else None
            self.ink.send({"kind": "done", "id": identity, "mark": mark})
            if mark is not None:
                self._changed(mark)

    def select(self, *, point: tuple[int, int] | None = None, box: Box | None = None, how: How = "add") -> None:
        """Ask the segmenter, or the local method, and merge what it finds."""
        found = self._found_locally(point, box) if self.segmenter is None else self._found_by_segmenter(point, box)
        self.do(lambda: self.sheet.merge(found, how, name="magic select"))

    def add_shadow(self) -> None:
        """Mark the shadow of the marked object as well, and say how much was added."""
        from ..painting.shadow import shadow_beside

        if not self.sheet.coverage:
            raise InputError("Nothing is marked, so there is no shadow to look for.", advice="Mark the object first.")
        found = shadow_beside(self.pixels, self.sheet.pixels)
        if not found.any():
            self.tell("No shadow was found beside the marked part.")
            return
        self.do(lambda: self.sheet.merge(found, "add", name="add shadow"))
        self.tell(f"The shadow was added: {found.mean():.1%} of the picture.")

    def _found_locally(self, point: tuple[int, int] | None, box: Box | None) -> Patch:
        from ..painting.select import select

        return select(self.pixels, point=point, box=box)

    def _found_by_segmenter(self, point: tuple[int, int] | None, box: Box | None) -> NDArray[np.bool_]:
        assert self.segmenter is not None
        where: dict[str, Any] = {"point": point}
        if box is not None:
            where = {"box": (box.left, box.top, box.right, box.bottom)}
        found = self.segmenter(photo=self.pixels, **where)
        if isinstance(found, Awaitable):
            found = outcome(found)
        if found is None:
            raise InputError("The segmenter gave nothing.", advice="It must return a mask of the photo's size.")
        other = Sheet(self.size)
        other.load(found)
        return other.pixels > 0

    def _changed(self, mark: int) -> None:
        with self.ink.hold_sync():
            self._tell_facts()
            self.ink.says, self.ink.failed = "", False
            self.ink.shown = {**self.ink.shown, "mask": mark}
        self._save_soon()
        for tell in self.on_change:
            tell()

    # ------------------------------------------------------------------ what is on screen

    def show(self, view: View, *, by: str = "") -> None:
        """Show a part of the photo."""
        with self.lock:
            self.screen.view = view
            self.draw(by=by)

    def draw(self, by: str = "") -> None:
        """Draw all of it, for pages that have nothing yet."""
        with self.lock:
            photo, mask = self.screen.draw(self.sheet.pixels)
            view = self.screen.view
            self.ink.shown = {
                "x": view.x, "y": view.y, "scale": view.scale, "width": view.width, "height": view.height,
                "photo": photo, "mask": mask, "by": by,
            }  # fmt: skip

    def show_photo(self, photo: Image, *, mask: bool) -> None:
        """Show another photo for now, with the mask over it or without."""
        with self.lock:
            self.screen.change_photo(photo)
            self.ink.look = "overlay" if mask else "photo"
            self.draw()

    def change_photo(self, photo: Image) -> None:
        """Go on with another photo of the same size, such as a result."""
        if photo.size != self.size:
            raise InputError(f"The photo is {photo.width}×{photo.height} px, the pad's {self.size[0]}×{self.size[1]}.")
        with self.lock:
            self.image, self._array = photo, None
            self.show_photo(photo, mask=True)

    def _look_changed(self, _: object) -> None:
        with self.lock:
            self.screen.look, self.screen.colour = self.ink.look, self.ink.colour
            mark = self.screen.draw_mask(self.sheet.pixels)
            self.ink.shown = {**self.ink.shown, "mask": mark}

    # ------------------------------------------------------------------ what is said

    def tell(self, sentence: str, *, failed: bool = False) -> None:
        """Say something below the picture."""
        with self.ink.hold_sync():
            self.ink.says, self.ink.failed = sentence, failed

    def _busy(self, sentence: str) -> None:
        self.ink.busy = sentence

    def _tell_facts(self) -> None:
        sheet, box = self.sheet, self.sheet.bbox
        self.ink.coverage = sheet.coverage
        self.ink.bbox = [box.left, box.top, box.right, box.bottom] if box else []
        self.ink.warning = sheet.warning or ""
        self.ink.undo, self.ink.redo = sheet.can_undo or "", sheet.can_redo or ""

    def confirm(self, text: str, yes: str, then: Callable[[], None], *, ask: bool = True) -> None:
        """Do something once a person has agreed in the pad; at once if there is nothing to ask."""
        if not ask:
            then()
            return
        number = len(self._questions) + 1
        self._questions[number] = then
        self.ink.send({"kind": "ask", "number": number, "text": text, "yes": yes})

    def answered(self, number: int, *, yes: bool) -> None:
        """Go on as a person has answered."""
        then = self._questions.pop(number, None)
        if then is not None and yes:
            then()

    def send_file(self, what: str) -> None:
        """Hand a file to the page: the mask, or photo and mask as a zip."""
        stem = self.name.rpartition(".")[0] or self.name
        if what == "zip":
            message = {"kind": "file", "name": f"{stem}-mask.zip", "mime": "application/zip"}
            self.ink.send(message, [to_zip(self.image, self.sheet)])
        else:
            message = {"kind": "file", "name": f"{stem}-mask.png", "mime": "image/png"}
            self.ink.send(message, [encode_png(self.sheet.picture())])

    # ------------------------------------------------------------------ kept

    def _save_soon(self) -> None:
        if self._keeper is not None and not self._saving:
            self._saving = True
            self.background.quietly(self._save)

    def _save(self) -> None:
        assert self._keeper is not None
        # Cleared first: a change while the file is written asks for another save.
        self._saving = False
        if problem := self._keeper.save(self.sheet):
            self.tell(problem, failed=True)

    def close(self) -> None:
        """Finish what is under way and close the widgets."""
        self.background.close()
        self.screen.close()
        self.ink.close()
