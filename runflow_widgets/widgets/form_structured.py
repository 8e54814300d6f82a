"""The controls of a form for sizes and for JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import ipywidgets

from ..errors import InputError
from ..filling import read_json
from .form_control import Control

_NOTHING, _OWN, _OTHER = -1, -2, -3
#: What is typed first into a size of one's own.
_SIDE: Final = 1024


class SizeControl(Control):
    """The name of a preset, or a width and a height."""

    def _build(self) -> ipywidgets.Widget:
        field = self.question.field
        self._presets = [str(one) for one in (*field.allowed, *field.suggested)]
        nothing = f"{self.default_text} (default)" if self.default_text else "not set"
        options = [(nothing, _NOTHING), *((name, place) for place, name in enumerate(self._presets))]
        options += [("Width and height…", _OWN)] + ([] if field.allowed else [("Another preset…", _OTHER)])
        self._which = ipywidgets.Dropdown(
            description=self.label,
            options=options,
            value=_NOTHING,
            layout=self.looks.wide,
            style=self.looks.described,
        )
        self._name = self._text("Preset")
        self._width, self._height = self._text("Width"), self._text("Height")
        self._which.observe(lambda _: self._chosen(), "value")
        for box in (self._name, self._width, self._height):
            box.observe(lambda _: self._typed(), "value")
        group = ipywidgets.HBox([self._which])
        group.add_class("rfw-form-beside")
        return group

    def _text(self, label: str) -> ipywidgets.Text:
        return ipywidgets.Text(description=label, layout=self.looks.wide, style=self.looks.text, continuous_update=True)

    def _chosen(self) -> None:
        self._arrange()
        if self._showing:
            return
        if self._which.value == _OWN and not (self._width.value or self._height.value):
            with self._quiet():
                self._width.value = self._height.value = str(_SIDE)
        self._typed()

    def _arrange(self) -> None:
        beside = {_OWN: [self._width, self._height], _OTHER: [self._name]}.get(self._which.value, [])
        wanted = (self._which, *beside)
        if tuple(self.widget.children) != wanted:
            self.widget.children = wanted

    def _typed(self) -> None:
        if self._showing:
            return
        which = self._which.value
        if which == _NOTHING:
            self._answer(None)
        elif which == _OTHER:
            self._answer(self._name.value or None)
        elif which == _OWN:
            width, height = _side(self._width.value), _side(self._height.value)
            if width is None or height is None:
                typed = f"{self._width.value} × {self._height.value}"
                self._unread(typed, f"{self.question.label} is {typed!r}; width and height are whole numbers above 0.")
            else:
                self._answer({"width": width, "height": height})
        else:
            self._answer(self._presets[which])

    def _show(self, value: Any) -> None:
        if value is None:
            self._which.value = _NOTHING
        elif isinstance(value, Mapping):
            self._which.value = _OWN
            self._width.value, self._height.value = str(value.get("width", "")), str(value.get("height", ""))
        elif value in self._presets:
            self._which.value = self._presets.index(value)
        else:
            self._name.value = str(value)
            if _OTHER not in [place for _, place in self._which.options]:
                # Not one of the list; that it does not fit is said below.
                self._which.options = [*self._which.options, ("Another preset…", _OTHER)]
            self._which.value = _OTHER
        self._arrange()


class JsonControl(Control):
    """A text that is JSON; where it is not, the line is named."""

    def _build(self) -> ipywidgets.Widget:
        self._read: Any = None
        box = ipywidgets.Textarea(
            description=self.label,
            placeholder=json.dumps(self.question.field.default) if self.question.field.default is not None else "JSON",
            layout=self.looks.wide,
            style=self.looks.text,
            continuous_update=True,
            rows=3,
        )
        box.add_class("rfw-form-json")
        box.observe(lambda change: self._typed(change["new"]), "value")
        return box

    def _typed(self, text: str) -> None:
        if self._showing:
            return
        if not text.strip():
            self._read = None
            self._answer(None)
            return
        try:
            self._read = read_json(text)
        except InputError as error:
            self._read = None
            self._unread(text, f"{error.message} {error.advice}".strip())
        else:
            if self._read is None:
                self._unread(text, f"{self.question.label} is null; leave it empty instead.")
            else:
                self._answer(self._read)

    def _show(self, value: Any) -> None:
        if value is not None and value == self._read:
            return  # As it was typed: its spaces and lines are somebody's.
        self._read = value
        self.widget.value = "" if value is None else json.dumps(value, indent=2, ensure_ascii=False, default=repr)


class OthersControl(JsonControl):
    """Inputs that the catalogue does not list, as one object."""

    def _typed(self, text: str) -> None:
        if not self._showing and text.strip():
            try:
                found = read_json(text)
            except InputError:
                found = {}
            if not isinstance(found, dict):
                self._unread(text, f'{self.question.label}: an object is needed, such as {{"steps": 20}}.')
                return
        super()._typed(text)


def _side(text: str) -> int | None:
    try:
        side = int(text)
    except ValueError:
        return None
    return side if side > 0 else None
