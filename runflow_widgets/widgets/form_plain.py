"""The controls of a form for words, numbers, choices and switches."""

from __future__ import annotations

import math
from typing import Any, Final

import ipywidgets

from ..filling import Question
from .form_control import Control

_NOTHING: Final = -1


class TextControl(Control):
    """A line of text, with suggestions where the model page makes some."""

    def _build(self) -> ipywidgets.Widget:
        suggested = [str(one) for one in self.question.field.suggested]
        kind = ipywidgets.Combobox if suggested else ipywidgets.Text
        more = {"options": suggested, "ensure_option": False} if suggested else {}
        hint = self.default_text or (f"for instance {suggested[0]}" if suggested else "")
        box = kind(
            description=self.label,
            placeholder=hint,
            layout=self.looks.wide,
            style=self.looks.text,
            continuous_update=True,
            **more,
        )
        box.observe(lambda change: self._answer(change["new"] or None), "value")
        return box

    def _show(self, value: Any) -> None:
        self.widget.value = "" if value is None else value if isinstance(value, str) else repr(value)


class LongTextControl(TextControl):
    """A text of several lines."""

    def _build(self) -> ipywidgets.Widget:
        box = ipywidgets.Textarea(
            description=self.label,
            placeholder=self.default_text,
            layout=self.looks.wide,
            style=self.looks.text,
            continuous_update=True,
            rows=3,
        )
        box.observe(lambda change: self._answer(change["new"] or None), "value")
        return box


class NumberControl(Control):
    """A number that is typed, with a slider beside it where both ends are known."""

    def _build(self) -> ipywidgets.Widget:
        self._box = ipywidgets.Text(
            description=self.label,
            placeholder=self.default_text,
            layout=self.looks.wide,
            style=self.looks.text,
            continuous_update=True,
        )
        self._box.observe(lambda change: self._typed(change["new"]), "value")
        self._slider = self._make_slider()
        beside = [self._slider] if self._slider is not None else []
        return _beside(self._box, *beside, *self._more())

    def _make_slider(self) -> Any:
        field = self.question.field
        least, most = field.minimum, field.maximum
        if least is None or most is None or not least < most:
            return None
        is_whole = field.kind == "integer"
        kind = ipywidgets.IntSlider if is_whole else ipywidgets.FloatSlider
        step = 1 if is_whole else 10.0 ** math.floor(math.log10((most - least) / 50))
        start = field.default if isinstance(field.default, int | float) else least
        slider = kind(value=start, min=least, max=most, step=step, readout=False, layout=self.looks.wide)
        slider.tooltip = field.label
        slider.observe(lambda change: self._slid(change["new"]), "value")
        return slider

    def _more(self) -> list[ipywidgets.Widget]:
        return []

    def _typed(self, text: str) -> None:
        if self._showing:
            return
        if not text.strip():
            self._answer(None)
            return
        value = _number(text, whole=self.question.field.kind == "integer")
        if value is None:
            self._unread(text, self.question.field.check(text) or f"{self.question.label} is no number.")
        else:
            self._slide_to(value)
            self._answer(value)

    def _slid(self, value: float) -> None:
        if self._showing:
            return
        # A step of 0.1 gives 0.30000000000000004; nobody means that.
        exact = value if isinstance(value, int) else round(value, 6)
        with self._quiet():
            self._box.value = str(exact)
        self._answer(exact)

    def _show(self, value: Any) -> None:
        self._box.value = "" if value is None else str(value)
        start = self.question.field.default if value is None else value
        self._slide_to(start if start is not None else self.question.field.minimum)

    def _slide_to(self, value: Any) -> None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if self._slider is not None and is_number:
            with self._quiet():
                self._slider.value = min(max(value, self._slider.min), self._slider.max)


class SeedControl(NumberControl):
    """A seed: empty is another one each time, the lock keeps the one that was used, the dice throw a new one."""

    def _make_slider(self) -> Any:
        return None

    def _more(self) -> list[ipywidgets.Widget]:
        self._used: int | None = None
        self._box.placeholder = self.default_text or "another one each time"
        self._dice = ipywidgets.Button(icon="random", tooltip="Throw a seed", style=self.looks.button)
        self._lock = ipywidgets.ToggleButton(
            icon="unlock", tooltip="Keep the seed that was used", style=self.looks.toggled
        )
        self._dice.on_click(lambda _: self._take(self.question.throw_seed()))
        self._lock.observe(lambda change: self._locked(locked=change["new"]), "value")
        for button in (self._dice, self._lock):
            button.add_class("rfw-form-small")
        return [self._dice, self._lock]

    def _take(self, seed: int | None) -> None:
        self.show(seed)
        self._answer(seed)

    def _locked(self, *, locked: bool) -> None:
        if not self._showing:
            kept = self._used if self._used is not None else self.question.throw_seed()
            self._take(kept if locked else None)

    def _typed(self, text: str) -> None:
        super()._typed(text)
        self._turn_lock(locked=bool(text.strip()))

    def _show(self, value: Any) -> None:
        super()._show(value)
        self._turn_lock(locked=value is not None)

    def _turn_lock(self, *, locked: bool) -> None:
        with self._quiet():
            self._lock.value = locked
        self._lock.icon = "lock" if locked else "unlock"
        self._lock.tooltip = "Another seed each time" if locked else "Keep the seed that was used"

    def used(self, seed: int) -> None:
        """Remember the seed that a run really used, for the lock."""
        self._used = seed


class ChoiceControl(Control):
    """One of a closed list, sent exactly as it is listed: a number that is a text stays a text."""

    def _build(self) -> ipywidgets.Widget:
        self._extra: list[Any] = []
        box = ipywidgets.Dropdown(
            description=self.label,
            options=self._options(),
            value=_NOTHING,
            layout=self.looks.wide,
            style=self.looks.described,
        )
        box.observe(lambda change: self._answer(self._value_of(change["new"])), "value")
        return box

    def _choices(self) -> list[Any]:
        return [*self.question.field.allowed, *self._extra]

    def _options(self) -> list[tuple[str, int]]:
        nothing = f"{self.default_text} (default)" if self.default_text else _unset(self.question)
        named = [(str(choice), index) for index, choice in enumerate(self._choices())]
        return [(nothing, _NOTHING), *named]

    def _value_of(self, index: int) -> Any:
        return None if index == _NOTHING else self._choices()[index]

    def _show(self, value: Any) -> None:
        index = _NOTHING if value is None else _place(value, self._choices())
        if index is None:
            # Not one of the list, but nothing that was set may get lost; that it does not fit is said below.
            self._extra = [value]
            self.widget.options = self._options()
            index = len(self._choices()) - 1
        self.widget.value = index


class SwitchControl(Control):
    """Yes or no."""

    def _build(self) -> ipywidgets.Widget:
        box = ipywidgets.Checkbox(
            value=self.question.field.default is True,
            description=self.label,
            indent=False,
            layout=self.looks.wide,
            style=self.looks.ticked,
        )
        box.observe(lambda change: self._answer(change["new"]), "value")
        return box

    def _show(self, value: Any) -> None:
        self.widget.value = value is True or (value is None and self.question.field.default is True)


class SeveralControl(Control):
    """Any number of a closed list, in the order in which they were ticked."""

    def _build(self) -> ipywidgets.Widget:
        self._value: list[Any] = []
        self._boxes = [
            ipywidgets.Checkbox(
                value=False, description=str(one), indent=False, layout=self.looks.wide, style=self.looks.ticked
            )
            for one in self.question.field.allowed
        ]
        for box, choice in zip(self._boxes, self.question.field.allowed, strict=True):
            box.observe(lambda change, choice=choice: self._ticked(choice, on=change["new"]), "value")
        title = ipywidgets.Label(self.label, layout=self.looks.wide)
        group = ipywidgets.VBox([title, *self._boxes], layout=self.looks.wide)
        group.add_class("rfw-form-several")
        return group

    def _ticked(self, choice: Any, *, on: bool) -> None:
        if not self._showing:
            others = [one for one in self._value if one != choice]
            self._value = [*others, choice] if on else others
            self._answer(list(self._value) or None)

    def _show(self, value: Any) -> None:
        self._value = list(value) if isinstance(value, list) else []
        for box, choice in zip(self._boxes, self.question.field.allowed, strict=True):
            box.value = _place(choice, self._value) is not None


def _beside(*widgets: ipywidgets.Widget) -> ipywidgets.Widget:
    if len(widgets) == 1:
        return widgets[0]
    box = ipywidgets.HBox(widgets)
    box.add_class("rfw-form-beside")
    return box


def _unset(question: Question) -> str:
    return "Choose…" if question.field.required else "not set"


def _number(text: str, *, whole: bool) -> int | float | None:
    """What was typed as a number; None if it is none."""
    try:
        if whole:
            return int(text)
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _place(value: Any, choices: list[Any]) -> int | None:
    """Where a value is in a list; True is not 1, and 1 is not "1"."""
    places = (i for i, choice in enumerate(choices) if type(choice) is type(value) and choice == value)
    return next(places, None)
