"""What all widgets with a script of ours have in common: they can be forgotten."""

from __future__ import annotations

import os
from typing import Any

import anywidget


class OwnWidget(anywidget.AnyWidget):
    """A widget with a script and a style sheet of its own."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        # anywidget has the file of a script tell every widget ever made that it has changed, and so it holds them, with
        # all their pictures, until the process ends. Only somebody who works on the scripts wants to be told.
        if not os.environ.get("ANYWIDGET_HMR"):
            for kind in type(self).__mro__:
                for name in ("_esm", "_css"):
                    changed = getattr(kind.__dict__.get(name), "changed", None)
                    if changed is not None:
                        changed.disconnect()
