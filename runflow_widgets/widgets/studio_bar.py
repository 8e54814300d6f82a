"""The head of the Studio: what to do, and the versions made so far."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import traitlets as t

from .own_widget import OwnWidget

_STATIC: Final = Path(__file__).parent / "static"


class StudioBar(OwnWidget):
    """Part of a `Studio`."""

    _esm = _STATIC / "studio_bar.js"
    _css = _STATIC / "studio_bar.css"

    tasks = t.List(t.Dict()).tag(sync=True)
    """What is offered at once: `model` and `label`."""
    task = t.Unicode().tag(sync=True)
    """The model that the form is for."""
    versions = t.List(t.Dict()).tag(sync=True)
    """Each version: `number`, `parent` (0 for none), `label`, `facts` and a small picture (`thumb`, WebP)."""
    source = t.Int(0).tag(sync=True)
    """The version that the next run works on; 0 for none."""
    pair = t.List(t.Int(), [0, 0], minlen=2, maxlen=2).tag(sync=True)
    """The two versions that are compared."""
    says = t.Unicode().tag(sync=True)
    """What was just done."""
    failed = t.Bool(default_value=False).tag(sync=True)
    """Whether that is bad news."""
    busy = t.Unicode().tag(sync=True)
    """What takes a while just now."""
    can_undo = t.Bool(default_value=False).tag(sync=True)
    """Whether there is something to take back."""
    code = t.Unicode().tag(sync=True)
    """The Python that makes the version on the right again; empty if it was not made by a run."""

    def __repr__(self) -> str:
        return f"StudioBar({len(self.versions)} versions)"
