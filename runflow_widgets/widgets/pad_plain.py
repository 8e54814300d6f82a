"""The pad without anywidget: ipycanvas's own mouse and touch events, and plain buttons round the canvas."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import ipywidgets

from ..errors import RunflowError
from ..painting import Box, Patch, spans

if TYPE_CHECKING:
    from .pad_core import PadCore

_NOTICE: Final = (
    "Here every pointer move travels to the kernel and back, so strokes trail the pointer and wait while a cell runs. "
    "Over a slow link rectangles are pleasanter than strokes."
)


class PlainTools:
    """Takes ipycanvas's events for one pad; a stroke ends where the pointer leaves, for no release is heard there."""

    def __init__(self, pad: PadCore, stage: tuple[int, int]) -> None:
        self._pad, self._stage = pad, stage
        self._points: list[tuple[float, float, float]] = []
        self._tool = ipywidgets.ToggleButtons(
            options=[("Brush", "brush"), ("Eraser", "eraser"), ("Rectangle", "rectangle"), ("Fill", "fill")],
            style={"button_width": "auto"},
        )
        longest = max(pad.size)
        self._size = ipywidgets.IntSlider(pad.ink.brush_px, 1, max(2, longest // 2), description="Brush px")
        self._says = ipywidgets.HTML(_NOTICE)
        canvas = pad.screen.mask
        canvas.on_mouse_down(self._down)
        canvas.on_mouse_move(self._move)
        canvas.on_mouse_up(self._up)
        canvas.on_mouse_out(self._up)
        canvas.on_touch_start(lambda touches: self._down(*touches[0]))
        canvas.on_touch_move(lambda touches: self._move(*touches[0]))
        canvas.on_touch_end(lambda touches: self._up(*(touches[0] if touches else (0, 0))))
        pad.ink.observe(self._tell, ["says", "warning", "coverage"])

    def around(self, stage: ipywidgets.Box) -> ipywidgets.Box:
        """The canvas with its tools."""
        width, height = self._stage
        room = {"width": f"{width}px", "height": f"{height}px", "overflow": "hidden"}
        _lay_out(stage, **room, display="grid", grid_template_areas='"all"')
        for canvas in self._pad.screen.widgets:
            _lay_out(canvas, width=f"{width}px", height=f"{height + 1}px", grid_area="all")
        self._pad.screen.mask.layout.opacity = str(self._pad.ink.opacity)
        sheet = self._pad.sheet
        steps = (sheet.undo, sheet.redo, sheet.clear, sheet.invert, sheet.fill_holes)
        actions = [self._button(step.__name__, partial(self._pad.do, step)) for step in steps]
        actions.append(self._button("add_shadow", self._pad.add_shadow))
        return ipywidgets.VBox([ipywidgets.HBox([self._tool, self._size]), ipywidgets.HBox(actions), stage, self._says])

    def _button(self, name: str, press: Callable[[], None]) -> ipywidgets.Button:
        button = ipywidgets.Button(description=name.replace("_", " ").capitalize(), layout={"width": "auto"})
        button.on_click(lambda _: self._tell_errors(press))
        return button

    def _try(self, step: Callable[..., Box | None], *arguments: Any, **options: Any) -> None:
        self._tell_errors(lambda: self._pad.do(lambda: step(*arguments, **options)))

    def _tell_errors(self, work: Callable[[], None]) -> None:
        try:
            work()
        except RunflowError as error:
            self._pad.tell(str(error), failed=True)

    def _point(self, x: float, y: float) -> tuple[float, float, float]:
        view = self._pad.screen.view
        return x / view.scale + view.x, y / view.scale + view.y, self._size.value / 2

    def _down(self, x: float, y: float) -> None:
        point = self._point(x, y)
        if self._tool.value == "fill":
            self._try(self._pad.sheet.fill_at, int(point[0]), int(point[1]))
        else:
            self._points = [point]
            self._preview(self._points)

    def _move(self, x: float, y: float) -> None:
        # Hovering sends moves too; only those between press and release are a stroke.
        if self._points:
            self._points.append(self._point(x, y))
            self._preview(self._points[-2:])

    def _up(self, _: float, __: float) -> None:
        points, self._points = self._points, []
        if not points:
            return
        if self._tool.value == "rectangle":
            (left, top, _r), (right, bottom, _b) = points[0], points[-1]
            patch = spans.rectangle(left, top, right, bottom, self._pad.size)
        else:
            patch = spans.stroke(points, self._pad.size)
        if patch.box:
            erase = self._tool.value == "eraser"
            self._try(self._pad.sheet.paint, patch, erase=erase, name=self._tool.value)

    def _preview(self, points: list[tuple[float, float, float]]) -> None:
        """Show the latest part of a stroke before it is in the mask, which it gets into whole."""
        if self._tool.value == "rectangle":
            return
        patch: Patch = spans.stroke(points, self._pad.size)
        if patch.box:
            with self._pad.lock:
                self._pad.screen.preview(patch, erase=self._tool.value == "eraser")

    def _tell(self, _: object) -> None:
        pad = self._pad
        facts = f"{100 * pad.sheet.coverage:.3g} % marked."
        self._says.value = " ".join(part for part in (facts, pad.ink.says or pad.ink.warning, _NOTICE) if part)


def _lay_out(widget: ipywidgets.Widget, **layout: str) -> None:
    """Give a widget another layout, and leave the one it had to nobody."""
    before, widget.layout = widget.layout, ipywidgets.Layout(**layout)
    before.close()
