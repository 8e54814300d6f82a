"""The foot of a form: run, price, what is wrong, the code of the present values."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import traitlets as t

from .own_widget import OwnWidget

_STATIC: Final = Path(__file__).parent / "static"


class FormBar(OwnWidget):
    """Part of a `ModelForm`; it also looks after the labels and the keyboard of the form it stands in."""

    _esm = _STATIC / "form_bar.js"
    _css = _STATIC / "form_bar.css"

    price = t.Unicode().tag(sync=True)
    """What a run with the present values costs."""
    reckoning = t.Unicode().tag(sync=True)
    """How that sum comes about."""
    where = t.Unicode().tag(sync=True)
    """Where it would run, in a sentence."""
    balance = t.Unicode().tag(sync=True)
    """The money left, where the service says so."""
    blocked = t.Unicode().tag(sync=True)
    """Why nothing can be run; empty if it can."""
    busy = t.Bool(default_value=False).tag(sync=True)
    """Whether a run is on its way to the service; the next may start once it has arrived."""
    says = t.Unicode().tag(sync=True)
    """What went wrong with the last press, or what became of it."""
    failed = t.Bool(default_value=False).tag(sync=True)
    """Whether that is bad news."""
    ask = t.Unicode().tag(sync=True)
    """A question to be answered before anything is sent; empty if there is none."""
    problems = t.List(t.Dict()).tag(sync=True)
    """What is wrong: the row (`at`), its `label` and a sentence (`text`)."""
    can_vary = t.Bool(default_value=False).tag(sync=True)
    """Whether several runs with different seeds make sense."""
    count = t.Int(1, min=1, max=16).tag(sync=True)
    """How many runs one press starts."""
    panel = t.Enum(("", "code", "json"), "").tag(sync=True)
    """What is unfolded."""
    language = t.Enum(("python", "python-await", "curl", "javascript"), "python").tag(sync=True)
    """The language of the code."""
    code = t.Unicode().tag(sync=True)
    """The code of the present values; written while it is unfolded."""
    json = t.Unicode().tag(sync=True)
    """The present values as JSON; written while it is unfolded."""
    json_error = t.Unicode().tag(sync=True)
    """Why the JSON that was pasted cannot be taken."""

    def __repr__(self) -> str:
        return f"FormBar({self.price or 'no price'})"
