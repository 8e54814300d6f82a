"""What a notebook keeps of a widget: shown with it, and renewed once there is something newer to keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_NEVER: Final = object()


class SavedOutput:
    """The output that stands in the notebook's file for a widget; a page without widgets shows it.

    Args:
        name: Tells it from every other output of the kernel.
        bundle: Makes what is shown, by mime type.
        state: What it depends on: as long as that is the same, nothing is written anew.
    """

    def __init__(self, name: str, bundle: Callable[[], dict[str, Any]], state: Callable[[], object]) -> None:
        self._name, self._bundle, self._state = name, bundle, state
        self._shown: object = _NEVER

    def show(self) -> None:
        """Show the widget as the output of the cell that runs."""
        from IPython.display import display

        self._shown = self._state()
        show: Any = display
        show(self._bundle(), raw=True, display_id=self._name)

    def refresh(self) -> None:
        """Write anew what was shown, wherever it stands; nothing if it was never shown, or is the same."""
        from IPython.display import update_display

        state = self._state()
        if self._shown is _NEVER or self._shown == state:
            return
        self._shown = state
        update: Any = update_display
        update(self._bundle(), raw=True, display_id=self._name)
