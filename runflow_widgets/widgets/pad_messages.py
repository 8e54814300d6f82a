"""What the pad's page asks for, turned into calls; what it cannot have becomes a sentence in the pad."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..errors import RunflowError
from ..painting import Box, Patch, spans
from ..painting.visible import CLOSEST, View
from .picked import PickedFile
from .sources import open_source

if TYPE_CHECKING:
    from .pad_core import PadCore
    from .pad_runs import Trials

#: Canvases larger than this are not made, whatever a page says of its screen.
_LARGEST_PX: Final = 8192
_EDITS: Final = ("undo", "redo", "clear", "invert", "fill_holes")
_EDITS_BY_PX: Final = ("grow", "shrink", "smooth", "remove_specks")


class PadMessages:
    """Takes the messages of one pad's page, in their order."""

    def __init__(self, pad: PadCore, trials: Trials, left: Callable[[], None]) -> None:
        self._pad, self._trials, self._left = pad, trials, left

    def __call__(self, _: object, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        """Do what a message asks for; whatever comes of it, the page hears that it was done."""
        pad = self._pad
        action = getattr(self, f"_do_{content.get('do')}", None)
        if action is None:
            return
        changed: Box | None = None
        try:
            with pad.lock:
                changed = action(content, buffers)
        except RunflowError as error:
            pad.tell(str(error), failed=True)
        finally:
            if "id" in content:
                pad.acknowledge(content["id"], changed)

    # ------------------------------------------------------------------ painting

    def _do_paint(self, content: dict[str, Any], buffers: Sequence[Any]) -> Box | None:
        pad, kind, erase = self._pad, content["kind"], bool(content.get("erase"))
        numbers = np.frombuffer(buffers[0], np.float32).astype(np.float64)
        if not len(numbers) or not np.isfinite(numbers).all():
            return None
        size = pad.size
        patch: Patch
        if kind == "stroke":
            patch = spans.stroke(numbers.reshape(-1, 3), size)
        elif kind in ("rectangle", "ellipse"):
            patch = getattr(spans, kind)(*numbers[:4], size)
        elif kind == "polygon":
            patch = spans.polygon(numbers.reshape(-1, 2), size)
        else:
            return None
        name = {"stroke": "eraser stroke" if erase else "stroke"}.get(kind, str(content.get("tool", kind)))
        return pad.sheet.paint(patch, erase=erase, name=name) if patch.box else None

    def _do_fill(self, content: dict[str, Any], _: Sequence[Any]) -> Box | None:
        return self._pad.sheet.fill_at(int(content["x"]), int(content["y"]), erase=bool(content.get("erase")))

    def _do_edit(self, content: dict[str, Any], _: Sequence[Any]) -> Box | None:
        sheet, what = self._pad.sheet, content.get("what")
        changed: Box | None = None
        if what in _EDITS:
            changed = getattr(sheet, what)()
        elif what in _EDITS_BY_PX:
            changed = getattr(sheet, what)(int(content.get("px", 1)))
        if changed is None and what in (*_EDITS[2:], *_EDITS_BY_PX):
            self._pad.tell("That changes nothing here.")
        return changed

    def _do_select(self, content: dict[str, Any], _: Sequence[Any]) -> None:
        pad, box = self._pad, content.get("box")
        where: dict[str, Any] = {"box": _box(box)} if box else {"point": tuple(map(int, content["point"]))}
        how = content.get("how", "add")

        def go() -> None:
            pad.background.do("Selecting…", lambda: pad.select(how=how, **where))

        ask = pad.segmenter is not None and bool(pad.segmenter_price)
        pad.confirm(f"This selection costs {pad.segmenter_price}. Go on?", "Select", go, ask=ask)

    def _do_shadow(self, _: dict[str, Any], __: Sequence[Any]) -> None:
        self._pad.background.do("Looking for the shadow…", self._pad.add_shadow)

    # ------------------------------------------------------------------ looking

    def _do_view(self, content: dict[str, Any], _: Sequence[Any]) -> None:
        width, height = (int(min(max(1, content[side]), _LARGEST_PX)) for side in ("width", "height"))
        whole = View.whole(self._pad.size, (width, height))
        # Further away than half of "all of it" there is nothing to see.
        scale = min(max(float(content["scale"]), whole.scale / 2), max(CLOSEST, whole.scale))
        self._pad.show(View(float(content["x"]), float(content["y"]), scale, width, height), by=str(content["by"]))

    def _do_left(self, _: dict[str, Any], __: Sequence[Any]) -> None:
        self._left()

    # ------------------------------------------------------------------ files and questions

    def _do_load(self, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        pad, data = self._pad, bytes(buffers[0])
        name = str(content.get("name", "the file"))
        picture, _name = open_source(PickedFile(name, data))

        def load() -> None:
            pad.do(lambda: pad.sheet.load(picture, resize=True))
            pad.tell(pad.sheet.note or f"Loaded {name}.")

        sizes = f"{name} is {picture.width}×{picture.height} px, the photo {pad.size[0]}×{pad.size[1]} px."
        pad.confirm(f"{sizes} Resize the mask?", "Resize", load, ask=picture.size != pad.size)

    def _do_download(self, content: dict[str, Any], _: Sequence[Any]) -> None:
        self._pad.send_file(str(content.get("what", "mask")))

    def _do_run(self, content: dict[str, Any], _: Sequence[Any]) -> None:
        self._trials.asked(content)

    def _do_answer(self, content: dict[str, Any], _: Sequence[Any]) -> None:
        self._pad.answered(int(content["number"]), yes=bool(content.get("yes")))


def _box(edges: Sequence[float]) -> Box:
    left, right = sorted((float(edges[0]), float(edges[2])))
    top, bottom = sorted((float(edges[1]), float(edges[3])))
    return Box(round(left), round(top), round(right), round(bottom))
