"""What all widgets of ours have in common: once they are closed, nothing of them is left.

ipywidgets gives every widget a layout, and most a style, which are widgets too and stay when it is closed: in the
kernel, on the page, and in each message that asks for all that is open.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable
from typing import Any

import anywidget
import ipywidgets

_shared: weakref.WeakSet[ipywidgets.Widget] = weakref.WeakSet()


def share(part: ipywidgets.Widget) -> None:
    """Say that several widgets have this layout or style; who made it closes it."""
    _shared.add(part)


def close_parts(widget: ipywidgets.Widget) -> None:
    """Close a widget with its layout and style, and nothing else."""
    parts = [getattr(widget, name, None) for name in ("layout", "style")]
    widget.close()
    _close_unshared(parts)


def close_whole(widget: ipywidgets.Widget) -> None:
    """The same for a box and all that it holds, in boxes in it too."""
    # Ours know best what belongs to them.
    if not isinstance(widget, _Whole):
        for child in getattr(widget, "children", ()):
            close_whole(child)
    close_parts(widget)


def _close_unshared(parts: Iterable[object]) -> None:
    for part in parts:
        if isinstance(part, ipywidgets.Widget) and part not in _shared:
            part.close()


class _Whole:
    """Closes the layout along with the widget."""

    def close(self) -> None:
        """Close the widget and what only it has."""
        layout = getattr(self, "layout", None)
        super().close()  # type: ignore[misc]  # of the widget that this is mixed into
        _close_unshared([layout])


class OwnBox(_Whole, ipywidgets.Box):  # type: ignore[misc]  # ipywidgets is not typed
    """A box that leaves no layout behind."""


class OwnVBox(_Whole, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets is not typed
    """The same for what stands one below the other."""


class OwnWidget(_Whole, anywidget.AnyWidget):
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
