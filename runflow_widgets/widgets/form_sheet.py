"""The rows of a form: made from the questions, those that are rarely touched only when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import ipywidgets

from ..catalogue import Field, ModelSpec
from ..filling import Answers, Question, picture_of
from .form_control import Looks
from .form_media import MaskControl
from .form_plain import SeedControl
from .form_rows import Group, Row
from .own_widget import close_parts, close_whole

#: Where inputs are kept that the catalogue does not list; no input is called so.
OTHERS: Final = "\0others"


class FormSheet:
    """Shows answers in rows and tells of what a person changes in them.

    Args:
        answered: Told the path of an input and its new value.
        unread: Told the path, what was typed, and why it is no value.
    """

    def __init__(self, answered: Callable[[str, Any], None], unread: Callable[[str, str, str], None]) -> None:
        self._answered, self._unread = answered, unread
        self._looks = Looks()
        self._numbers = 0
        self._rows: dict[str, Row] = {}
        self._answers = Answers(ModelSpec(""))
        self._folded: list[Question] = []
        self._shown: list[ipywidgets.Widget] = []
        self._fold = ipywidgets.VBox([], layout=self._looks.hidden)
        self._more = ipywidgets.ToggleButton(style=self._looks.toggled)
        self._more.add_class("rfw-form-more")
        self._more.observe(lambda change: self._unfold(opened=change["new"]), "value")
        #: Called when rows have come or gone.
        self.on_rows: Callable[[], None] = lambda: None

    @property
    def widgets(self) -> list[ipywidgets.Widget]:
        """What stands in the form."""
        return [*self._shown, *([self._more, self._fold] if self._folded else [])]

    def build(self, answers: Answers) -> None:
        """Make the rows for other answers, or for another model."""
        self._clear()
        self._answers = answers
        self._folded = [question for question in answers.questions if not question.is_first]
        if not answers.spec.is_complete or answers.others():
            # Less is known of this model than it takes: what else there is can be given as JSON.
            self._folded.append(_others_question(answers.spec))
        first = [question for question in answers.questions if question.is_first]
        self._shown = [self._widget_of(question) for question in first]
        self._more.description = f"More ({len(self._folded)})"
        self._unfold_what_is_set()

    def show(self) -> None:
        """Put the answers into the rows that are there."""
        for path, row in self._rows.items():
            row.control.show(self._value(path))
        self._unfold_what_is_set()

    def tell(self, problems: Mapping[str, str], used: Mapping[str, int]) -> None:
        """Say at each row what is wrong there, mark what was set, and name the seed that was used."""
        places = {path: self.row_of(path) for path in problems}
        for path, row in self._rows.items():
            error = "; ".join(text for problem, text in problems.items() if places[problem] is row)
            changed = bool(self._answers.others()) if path == OTHERS else self._answers.is_set(path)
            row.tell(error=error, changed=changed, used=used.get(path), value=self._answers.get(path))

    def row_of(self, path: str) -> Row | None:
        """The row that something is about; for an entry of a list, or a part of an object, that of the whole."""
        path = self._answers.short_of(path)
        while path not in self._rows and "." in path:
            path = path.rpartition(".")[0]
        return self._rows.get(path)

    def find(self, path: str) -> Row | None:
        """The same, also where it has to be unfolded first."""
        if self.row_of(path) is None and any(path == q.path or path.startswith(f"{q.path}.") for q in self._folded):
            self.unfold()
        return self.row_of(path)

    # ------------------------------------------------------------------ the fold

    def unfold(self) -> None:
        """Show all there is."""
        self._more.value = True

    def _unfold_what_is_set(self) -> None:
        if self._answers.others() or any(self._answers.is_set(question.path) for question in self._folded):
            self.unfold()

    def _unfold(self, *, opened: bool) -> None:
        self._more.icon = "caret-down" if opened else "caret-right"
        if opened and not self._fold.children:
            # Made when they are first asked for: a model may have a dozen that nobody touches.
            self._fold.children = [self._widget_of(question) for question in self._folded]
            self.on_rows()
        self._fold.layout = self._looks.wide if opened else self._looks.hidden

    # ------------------------------------------------------------------ pictures

    def photo(self) -> Any:
        """The picture that a mask is painted on; None if there is none yet."""
        question = picture_of(self._answers.questions)
        value = None if question is None else self._answers.get(question.path)
        return (value[0] if value else None) if isinstance(value, list) else value

    def photo_changed(self) -> None:
        """Let an open pad follow the photo."""
        for row in self._rows.values():
            if isinstance(row.control, MaskControl):
                row.control.photo_changed()

    def variable_of(self, value: object) -> str:
        """The notebook's variable that a picture was taken from; empty if it was none."""
        named = (getattr(row.control, "variable_of", None) for row in self._rows.values())
        return next((name for find in named if find is not None and (name := find(value))), "")

    def keep_used(self, path: str, seed: int) -> None:
        """Have the seed that a run used ready for the lock."""
        row = self._rows.get(path)
        if row is not None and isinstance(row.control, SeedControl):
            row.control.used(seed)

    # ------------------------------------------------------------------ inside

    def _value(self, path: str) -> Any:
        return self._answers.others() or None if path == OTHERS else self._answers.get(path)

    def _widget_of(self, question: Question) -> ipywidgets.Widget:
        if question.ask == "group":
            return Group(question, [self._row(nested) for nested in question.inner], self._looks).widget
        return self._row(question).widget

    def _row(self, question: Question) -> Row:
        self._numbers += 1
        row = Row(question, self._answered, self._unread, self._looks, photo=self.photo, number=self._numbers)
        self._rows[question.path] = row
        if (value := self._value(question.path)) is not None:
            row.control.show(value)
        return row

    def _clear(self) -> None:
        rows, self._rows = self._rows, {}
        for row in rows.values():
            row.close()
        folded = self._fold.children
        self._more.value, self._fold.children = False, ()
        for widget in (*self._shown, *folded):
            close_whole(widget)
        self._shown = []

    def close(self) -> None:
        """Close all that stands in the form."""
        self._clear()
        for widget in (self._fold, self._more, *self._looks.all):
            close_parts(widget)


def _others_question(spec: ModelSpec) -> Question:
    return Question(
        Field(
            "other inputs",
            kind="json",
            description=f"Whatever else {spec.id} takes, as an object. It is sent as it stands.",
        ),
        OTHERS,
        "others",
        is_first=False,
    )
