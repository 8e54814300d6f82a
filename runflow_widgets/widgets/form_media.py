"""The controls of a form for pictures, files and masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from ..errors import InputError, RunflowError
from ..filling import Question
from .form_control import Control, Hears, Looks
from .image_field import ImageField
from .mask_pad import MaskPad
from .own_widget import close_parts, close_whole
from .picked import PickedFile, look_at
from .sources import open_source


class PictureControl(Control):
    """A picture, or with `file` any file, from wherever it is."""

    def __init__(self, question: Question, hears: Hears, looks: Looks, *, takes: str = "image") -> None:
        self._takes = takes
        super().__init__(question, hears, looks)

    def _build(self) -> ipywidgets.Widget:
        self.field = ImageField(label=self.label, takes=self._takes)
        self.field.observe(lambda change: self._answer(change["new"]), "value")
        return self.field

    def _show(self, value: Any) -> None:
        if self.field.value is not value:
            self.field.hold(value)

    def variable_of(self, value: object) -> str:
        """The notebook's variable that a value was taken from; empty if it was none."""
        return self.field.variable if self.field.value is value else ""


class PicturesControl(Control):
    """Pictures in their order."""

    def _build(self) -> ipywidgets.Widget:
        self._fields: list[ImageField] = []
        title = ipywidgets.Label(self.label, layout=self.looks.wide)
        title.add_class("rfw-form-title")
        self._list = ipywidgets.VBox([], layout=self.looks.wide)
        self._add = ipywidgets.Button(description="Add a picture", icon="plus", style=self.looks.button)
        self._add.on_click(lambda _: self._grow())
        group = ipywidgets.VBox([title, self._list, self._add], layout=self.looks.wide)
        group.add_class("rfw-form-pictures")
        self._fields = [self._make()]
        self._arrange()
        return group

    def _make(self, value: object = None) -> ImageField:
        field = ImageField(label="", several=True)
        field.on_more = lambda file: self._more(field, file)
        if value is not None:
            field.hold(value)
        field.observe(lambda _: self._tell(), "value")
        return field

    def _grow(self) -> None:
        self._fields.append(self._make())
        self._arrange()

    def _more(self, after: ImageField, file: PickedFile) -> None:
        """Take one more of several files that were dropped on a field, after those that came before it."""
        most = self.question.field.max_items
        if most is not None and sum(field.value is not None for field in self._fields) >= most:
            raise InputError(f"{file.name} was left out: at most {most} pictures are taken.")
        # What is no picture is refused at the field on which it was dropped.
        look_at(file, after.limit_bytes)
        place = self._fields.index(after) + 1
        while place < len(self._fields) and self._fields[place].value is not None:
            place += 1
        if place < len(self._fields):
            self._fields[place].value = file
            return
        self._fields.append(self._make(file))
        self._arrange()
        self._tell()

    def _arrange(self) -> None:
        rows = []
        for place, field in enumerate(self._fields):
            field.label = f"Picture {place + 1}"
            rows.append(ipywidgets.HBox([field, ipywidgets.VBox(self._buttons(place))]))
            rows[-1].add_class("rfw-form-picture")
        self._list.children, before = rows, self._list.children
        for row in before:
            _close_frame(row)
        most = self.question.field.max_items
        self._add.disabled = most is not None and len(self._fields) >= most

    def _buttons(self, place: int) -> list[ipywidgets.Widget]:
        last = len(self._fields) - 1
        wanted: list[tuple[str, str, bool, Callable[[], None]]] = [
            ("arrow-up", "earlier", place == 0, lambda: self._swap(place, place - 1)),
            ("arrow-down", "later", place == last, lambda: self._swap(place, place + 1)),
            ("times", "away", last == 0, lambda: self._drop(place)),
        ]
        buttons = []
        for icon, where, disabled, act in wanted:
            button = ipywidgets.Button(
                icon=icon,
                tooltip=f"Picture {place + 1} {where}",
                disabled=disabled,
                style=self.looks.button,
                layout=self.looks.small,
            )
            button.on_click(lambda _, act=act: act())
            buttons.append(button)
        return buttons

    def _swap(self, one: int, other: int) -> None:
        self._fields[one], self._fields[other] = self._fields[other], self._fields[one]
        self._arrange()
        self._tell()

    def _drop(self, place: int) -> None:
        field = self._fields.pop(place)
        self._arrange()
        self._tell()
        field.close()

    def _tell(self) -> None:
        self._answer([field.value for field in self._fields if field.value is not None] or None)

    def _show(self, value: Any) -> None:
        wanted = value if isinstance(value, list) else [] if value is None else [value]
        before = [field.value for field in self._fields]
        if len(before) == len(wanted) and all(a is b for a, b in zip(before, wanted, strict=True)):
            return
        kept = {id(field.value): field for field in self._fields if field.value is not None}
        fields = [kept.pop(id(entry)) if id(entry) in kept else self._make(entry) for entry in wanted]
        fields = fields or [self._make()]
        gone = [field for field in self._fields if field not in fields]
        self._fields = fields
        self._arrange()
        for field in gone:
            field.close()

    def variable_of(self, value: object) -> str:
        """The notebook's variable that one of the values was taken from; empty if it was none."""
        return next((field.variable for field in self._fields if field.value is value), "")


class MaskControl(PictureControl):
    """A mask: painted in place on the form's photo, or a file."""

    def __init__(self, question: Question, hears: Hears, looks: Looks, *, photo: Callable[[], Any]) -> None:
        self._photo = photo
        self.pad: MaskPad | None = None
        self._painted_on: Any = None
        super().__init__(question, hears, looks)

    def _build(self) -> ipywidgets.Widget:
        field = super()._build()
        self._paint = ipywidgets.ToggleButton(
            description="Paint it on the photo", icon="paint-brush", style=self.looks.toggled
        )
        self._paint.observe(lambda change: self._toggled(on=change["new"]), "value")
        self._says = ipywidgets.HTML(style=self.looks.html)
        self._says.add_class("rfw-form-says")
        box = ipywidgets.VBox([field, self._paint], layout=self.looks.wide)
        box.add_class("rfw-form-mask")
        return box

    def _toggled(self, *, on: bool) -> None:
        if self._showing:
            return
        self.say("")
        self._turn(on=on and self._open())
        if not on and self.pad is not None and self.pad.version:
            # What was painted is shown small, as any other choice.
            with self._quiet():
                self.field.hold(self._painted())

    def _turn(self, *, on: bool) -> None:
        """Show the pad, or the field."""
        with self._quiet():
            self._paint.value = on
        self._paint.description = "Done painting" if on else "Paint it on the photo"
        self._arrange()

    def _arrange(self) -> None:
        shown = self.pad if self._paint.value and self.pad is not None else self.field
        self.widget.children = [shown, self._paint, *([self._says] if self._says.value else [])]

    def say(self, text: str) -> None:
        """Say something below the button."""
        self._says.value = text
        self._arrange()

    def _open(self) -> bool:
        """Have the pad ready for the photo of the form."""
        photo = self._photo()
        if photo is None:
            self.say("Choose the photo first: the mask is painted on it.")
            return False
        if self.pad is not None and photo is self._painted_on:
            return True
        try:
            picture, _ = open_source(photo)
            marked = self.field.value
            if marked is not None and open_source(marked)[0].size != picture.size:
                self.say("The mask that was chosen has another size than this photo; painting begins empty.")
                marked = None
            pad = MaskPad(picture, mask=marked)
        except RunflowError as error:
            self.say(str(error))
            return False
        self._close_pad()
        self.pad, self._painted_on = pad, photo
        pad.observe(lambda _: self._answer(self._painted()), "version")
        return True

    def _painted(self) -> Any:
        return self.pad.mask if self.pad is not None and self.pad.bbox is not None else None

    def photo_changed(self) -> None:
        """The form's photo is another one: an open pad follows it, and keeps the mask if it fits."""
        if self.pad is None or self._photo() is self._painted_on:
            return
        if self._paint.value:
            with self._quiet():
                self.field.hold(self._painted())
            self._turn(on=self._open())

    def _show(self, value: Any) -> None:
        super()._show(value)
        if self.pad is not None:
            # What was set from outside counts; the pad begins with it when it is opened again.
            self._close_pad()
            self._turn(on=False)

    def _close_pad(self) -> None:
        pad, self.pad, self._painted_on = self.pad, None, None
        if pad is not None:
            pad.close()


def _close_frame(row: ipywidgets.HBox) -> None:
    """Close what stood around a field, but not the field."""
    _, buttons = row.children
    close_whole(buttons)
    close_parts(row)
