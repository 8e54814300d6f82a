"""What lies over the pad's canvas: the toolbar, the pointer, and the strokes that the kernel does not know yet."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import traitlets as t

from .own_widget import OwnWidget

_STATIC: Final = Path(__file__).parent / "static"

TOOLS: Final = ("brush", "eraser", "rectangle", "ellipse", "lasso", "polygon", "fill", "magic")
LOOKS: Final = ("overlay", "outline", "mask", "photo")


class MaskInk(OwnWidget):
    """The browser's half of a `MaskPad`; it paints at once and sends each finished stroke as one message."""

    _esm = _STATIC / "mask_ink.js"
    _css = _STATIC / "mask_ink.css"

    label = t.Unicode().tag(sync=True)
    """What the picture is, for those who do not see it."""
    size = t.List(t.Int(), [1, 1]).tag(sync=True)
    """Width and height of the picture, in its own pixels."""
    stage = t.List(t.Int(), [1, 1]).tag(sync=True)
    """Width and height of the drawing area at most, in pixels of the page."""
    shown = t.Dict().tag(sync=True)
    """What the canvas shows: x, y, scale, width, height, the marks it carries, and the view that asked for it."""
    tool = t.Enum(TOOLS, "brush").tag(sync=True)
    """What the pointer does."""
    brush_px = t.Float(20.0, min=1.0).tag(sync=True)
    """The brush's diameter, in pixels of the picture."""
    colour = t.Unicode("#ff2d87").tag(sync=True)
    """The colour the mask is shown in, as #rrggbb."""
    opacity = t.Float(0.55, min=0.0, max=1.0).tag(sync=True)
    """How much of the photo the shown mask hides: 0 nothing, 1 all."""
    look = t.Enum(LOOKS, "overlay").tag(sync=True)
    """Photo with the mask over it, its outline, the mask alone, or the photo alone."""
    coverage = t.Float(0.0).tag(sync=True)
    """How much of the picture is marked, from 0 to 1."""
    bbox = t.List(t.Int()).tag(sync=True)
    """Left, top, right, bottom of what is marked; empty if nothing is."""
    warning = t.Unicode().tag(sync=True)
    """What a model would object to in the mask as it is."""
    says = t.Unicode().tag(sync=True)
    """The last thing that happened, or went wrong, in a sentence."""
    failed = t.Bool(default_value=False).tag(sync=True)
    """Whether `says` tells of something that went wrong."""
    busy = t.Unicode().tag(sync=True)
    """What takes a while just now; empty if nothing does."""
    undo = t.Unicode().tag(sync=True)
    """The step that would be undone; empty if there is none."""
    redo = t.Unicode().tag(sync=True)
    """The step that would be done again; empty if there is none."""
    convention = t.Unicode().tag(sync=True)
    """What white and black mean in the exported mask, in a sentence."""
    runs = t.Dict().tag(sync=True)
    """The model that can be run from here: name, price, whether it runs after each stroke, and how far it is."""

    def __repr__(self) -> str:
        return f"MaskInk({self.label!r})"
