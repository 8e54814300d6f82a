"""What the controls of a form have in common: they show a value, and tell when a person changes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import ipywidgets
from ipywidgets.widgets.widget_bool import CheckboxStyle, ToggleButtonStyle
from ipywidgets.widgets.widget_description import DescriptionStyle
from ipywidgets.widgets.widget_string import HTMLStyle, TextStyle

from ..filling import Question
from .own_widget import close_parts, share


@dataclass(frozen=True, slots=True)
class Hears:
    """Whom a control tells: `answer` of a new value (None: not set), `unread` of a text and why it is no value."""

    answer: Callable[[Any], None]
    unread: Callable[[str, str], None]


class Control:
    """One way to ask for a value; `widget` stands in the form, and `show` puts a value into it."""

    #: Whether the widget says itself what it is called.
    has_label: bool = True

    def __init__(self, question: Question, hears: Hears, looks: Looks) -> None:
        self.question, self.hears, self.looks = question, hears, looks
        self._showing = False
        self.widget: ipywidgets.Widget = self._build()

    def _build(self) -> ipywidgets.Widget:
        raise NotImplementedError

    def show(self, value: Any) -> None:
        """Put a value into the control without telling of it; None is what it looks like when nothing is set."""
        with self._quiet():
            self._show(value)

    def _show(self, value: Any) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Close every widget of the control, also those that do not stand in the form just now."""
        for held in list(vars(self).values()):
            for widget in held if isinstance(held, list) else [held]:
                if isinstance(widget, ipywidgets.Widget):
                    close_parts(widget)

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        before, self._showing = self._showing, True
        try:
            yield
        finally:
            self._showing = before

    def _answer(self, value: Any) -> None:
        if not self._showing:
            self.hears.answer(value)

    def _unread(self, text: str, sentence: str) -> None:
        if not self._showing:
            self.hears.unread(text, sentence)

    @property
    def label(self) -> str:
        """What the widget is called; a star marks what must be given."""
        return f"{self.question.label} *" if self.question.field.required else self.question.label

    @property
    def default_text(self) -> str:
        """The default as it is hinted at."""
        default = self.question.field.default
        return "" if default is None else default if isinstance(default, str) else str(default)


class Looks:
    """Layouts and styles that all controls of a form share: each would be a model and a message of its own."""

    def __init__(self) -> None:
        self.wide: Final = ipywidgets.Layout(width="auto")
        self.hidden: Final = ipywidgets.Layout(display="none")
        self.small: Final = ipywidgets.Layout(width="36px", min_width="36px")
        self.text: Final = TextStyle(description_width="100%")
        self.described: Final = DescriptionStyle(description_width="100%")
        self.ticked: Final = CheckboxStyle(description_width="initial")
        self.html: Final = HTMLStyle()
        self.button: Final = ipywidgets.ButtonStyle()
        self.toggled: Final = ToggleButtonStyle()
        for look in self.all:
            share(look)

    @property
    def all(self) -> list[ipywidgets.Widget]:
        """What has to be closed with the form."""
        return list(vars(self).values())
