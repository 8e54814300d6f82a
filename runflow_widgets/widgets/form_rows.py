"""A row of a form: a control, the way back to the default, what it is for, what is wrong."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, Final

import ipywidgets

from ..filling import Question
from .form_control import Control, Hears, Looks
from .form_media import MaskControl, PictureControl, PicturesControl
from .form_plain import (
    ChoiceControl,
    LongTextControl,
    NumberControl,
    SeedControl,
    SeveralControl,
    SwitchControl,
    TextControl,
)
from .form_structured import JsonControl, OthersControl, SizeControl
from .own_widget import close_parts

_CONTROLS: Final[dict[str, type[Control]]] = {
    "choice": ChoiceControl,
    "image": PictureControl,
    "image_list": PicturesControl,
    "json": JsonControl,
    "long_text": LongTextControl,
    "number": NumberControl,
    "others": OthersControl,
    "seed": SeedControl,
    "several": SeveralControl,
    "size": SizeControl,
    "suggested": TextControl,
    "switch": SwitchControl,
    "text": TextControl,
}
#: A longer description is folded behind its first words.
_SHORT: Final = 110
_DEPRECATED: Final = '<div class="rfw-form-old">Deprecated: it is still taken, but is on its way out.</div>'


class Row:
    """One question of a form with its control.

    Args:
        question: What is asked.
        answered: Told the path and the new value.
        unread: Told the path, what was typed, and why it is no value.
        looks: What all rows share.
        photo: Gives the picture that a mask is painted on.
        number: The row's place among all rows; the page finds it by this.
    """

    def __init__(
        self,
        question: Question,
        answered: Callable[[str, Any], None],
        unread: Callable[[str, str, str], None],
        looks: Looks,
        *,
        photo: Callable[[], Any],
        number: int,
    ) -> None:
        self.question, self.number, self._looks = question, number, looks
        self._answered = answered
        hears = Hears(lambda value: answered(question.path, value), lambda text, why: unread(question.path, text, why))
        self.control = self._make(question, hears, looks, photo)
        self._reset: ipywidgets.Button | None = None
        self._below: ipywidgets.HTML | None = None
        self._changed = False
        self.widget = ipywidgets.VBox([self.control.widget], layout=looks.wide)
        for name in ("rfw-form-row", f"rfw-form-at-{number}", *(["rfw-form-must"] if question.field.required else [])):
            self.widget.add_class(name)
        self.tell(error="", changed=False, used=None, value=None)

    @staticmethod
    def _make(question: Question, hears: Hears, looks: Looks, photo: Callable[[], Any]) -> Control:
        if question.ask == "mask":
            return MaskControl(question, hears, looks, photo=photo)
        if question.ask == "file":
            return PictureControl(question, hears, looks, takes="file")
        return _CONTROLS[question.ask](question, hears, looks)

    def tell(self, *, error: str, changed: bool, used: int | None, value: Any) -> None:
        """Say what is wrong, and mark whether something was set here."""
        if changed != self._changed:
            self._changed = changed
            (self.widget.add_class if changed else self.widget.remove_class)("rfw-form-changed")
        text = self._text(error, used, value)
        if self._below is None and text:
            self._below = ipywidgets.HTML(style=self._looks.html, layout=self._looks.wide)
            self._below.add_class("rfw-form-below")
        if self._below is not None:
            self._below.value = text
        if changed and self._reset is None:
            self._reset = ipywidgets.Button(
                icon="undo", tooltip=f"Reset {self.question.label}", style=self._looks.button
            )
            self._reset.add_class("rfw-form-reset")
            self._reset.on_click(lambda _: self._start_over())
        shown = [self.control.widget, self._below, self._reset if changed else None]
        children = tuple(widget for widget in shown if widget is not None)
        if children != tuple(self.widget.children):
            self.widget.children = children

    def _start_over(self) -> None:
        self.control.show(None)
        self._answered(self.question.path, None)

    def _text(self, error: str, used: int | None, value: Any) -> str:
        parts = []
        if error:
            parts.append(f'<div class="rfw-form-error" role="alert">{html.escape(error)}</div>')
        if used is not None:
            parts.append(f'<div class="rfw-form-used">The last run used {used}.</div>')
        if self.question.ask == "long_text":
            length, most = len(value) if isinstance(value, str) else 0, self.question.field.max_length
            parts.append(f'<div class="rfw-form-count">{length:,}{f" / {most:,}" if most else ""} characters</div>')
        if self.question.field.deprecated:
            parts.append(_DEPRECATED)
        if self.question.field.description:
            parts.append(_help(self.question.field.description))
        return "".join(parts)

    def close(self) -> None:
        """Close the control and what stands around it."""
        self.control.close()
        for widget in (self._below, self._reset):
            if widget is not None:
                close_parts(widget)


class Group:
    """The rows of an object with fields of its own, in a frame."""

    def __init__(self, question: Question, rows: list[Row], looks: Looks) -> None:
        star = " *" if question.field.required else ""
        below = (_DEPRECATED if question.field.deprecated else "") + _help(question.field.description)
        title = ipywidgets.HTML(
            f'<div class="rfw-form-title">{html.escape(question.label)}{star}</div>{below}',
            style=looks.html,
            layout=looks.wide,
        )
        self.widget = ipywidgets.VBox([title, *(row.widget for row in rows)], layout=looks.wide)
        self.widget.add_class("rfw-form-group")


def _help(description: str) -> str:
    text = html.escape(description)
    if len(description) <= _SHORT:
        return f'<div class="rfw-form-help">{text}</div>' if text else ""
    head = html.escape(description[:_SHORT].rsplit(" ", 1)[0])
    rest = html.escape(description[len(description[:_SHORT].rsplit(" ", 1)[0]) :])
    return f'<details class="rfw-form-help"><summary>{head}…</summary>…{rest}</details>'
