"""The head of a form: which model, what it is for, and what to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import traitlets as t

from .own_widget import OwnWidget

_STATIC: Final = Path(__file__).parent / "static"


class FormHead(OwnWidget):
    """Part of a `ModelForm`."""

    _esm = _STATIC / "form_head.js"
    _css = _STATIC / "form_head.css"

    title = t.Unicode().tag(sync=True)
    """The model's name."""
    model = t.Unicode().tag(sync=True)
    """Its id."""
    purpose = t.Unicode().tag(sync=True)
    """What it does."""
    facts = t.List(t.Unicode()).tag(sync=True)
    """Price, maker, where it runs, how much is known of its inputs."""
    presets = t.List(t.Dict()).tag(sync=True)
    """What can be started from: `name`, whether it is the user's `own`, a small picture (`thumb`, WebP)."""
    choosing = t.Bool(default_value=False).tag(sync=True)
    """Whether the list of models is open."""
    says = t.Unicode().tag(sync=True)
    """What was just done."""
    failed = t.Bool(default_value=False).tag(sync=True)
    """Whether that is bad news."""
    can_undo = t.Bool(default_value=False).tag(sync=True)
    """Whether there is something to take back."""

    offer = t.Unicode().tag(sync=True)
    """What may be done with the picture that was just chosen; empty if nothing."""

    def __repr__(self) -> str:
        return f"FormHead({self.model})"
