"""What the parts of a form work on together: the answers, the rows that show them, the way back, what is wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..catalogue import Catalogue, ModelSpec
from ..errors import InputError, RunflowError
from ..filling import Answers, picture_of
from ..session import Session, current
from ..wire import Json
from .form_bar import FormBar
from .form_head import FormHead
from .form_sheet import OTHERS, FormSheet

_MOST_UNDONE: Final = 50


class FormCore:
    """Keeps the answers of a form and what it shows of them in step.

    Whoever adds to the form is called back: `on_build` after another model or other answers, `on_change` after each
    change of a value, `on_refresh` whenever what is shown is brought up to date.
    """

    def __init__(self, model: str | ModelSpec, values: Mapping[str, Any], session: Session | None) -> None:
        self.lock = threading.RLock()
        self.head, self.bar = FormHead(), FormBar()
        self.on_build: list[Callable[[], None]] = []
        self.on_change: list[Callable[[], None]] = []
        self.on_refresh: list[Callable[[], None]] = []
        #: The seed that the last run really used, by the path of the seed's input.
        self.used: dict[str, int] = {}
        self._session = session
        self._past: list[Callable[[], None]] = []
        self._aside: Json = {}
        #: What the service said of an input; it holds until that input is changed.
        self._refused: dict[str, str] = {}
        self._pressed = False
        self.answers = Answers(self.spec_of(model), values)
        self.sheet = FormSheet(self._answered, self._unread)
        self.sheet.on_rows = self.refresh

    @property
    def spec(self) -> ModelSpec:
        """The model that the form is for."""
        return self.answers.spec

    @property
    def session(self) -> Session:
        """Where a run would go now."""
        return self._session or current()

    def spec_of(self, model: str | ModelSpec) -> ModelSpec:
        """What is known of a model."""
        if isinstance(model, ModelSpec):
            return model
        try:
            catalogue = self.session.catalogue
        except RunflowError:
            # What cannot be connected can still be filled in; the foot of the form says why it cannot be run.
            catalogue = Catalogue.bundled()
        return catalogue.get(model)

    # ------------------------------------------------------------------ what changes

    def build(self, answers: Answers) -> None:
        """Ask for the answers' model, with these answers."""
        with self.lock:
            self.answers = answers
            self._pressed = False
            self._refused.clear()
            self.sheet.build(answers)
            self._tell_head()
            _call(self.on_build)
            _call(self.on_change)
            self.refresh()

    def put(self, values: Mapping[str, Any]) -> None:
        """Have exactly these values, in the rows as well."""
        with self.lock:
            self.answers.replace(values)
            if self.answers.others() and self.sheet.find(OTHERS) is None:
                self.build(self.answers)
                return
            self._refused.clear()
            self._pressed = False
            self.sheet.show()
            _call(self.on_change)
            self.refresh()

    def take(self, values: Mapping[str, Any], sentence: str) -> None:
        """The same, in a way that can be undone and is said."""
        with self.lock:
            self._remember_values()
            self.put(values)
            self.tell(sentence)

    def use(self, picture: object) -> None:
        """Put a picture where the model takes the one that it works on."""
        question = picture_of(self.answers.questions)
        if question is None:
            raise InputError(f"{self.spec.id} takes no picture.", advice="Choose a model that does.")
        value = [picture] if question.ask == "image_list" else picture
        self.take({**self.answers.value, question.name: value}, f"{question.label} is another picture now.")

    def change_model(self, model: str | ModelSpec) -> None:
        """Ask for another model; what fits there is kept, and it is said what does not."""
        with self.lock:
            spec = self.spec_of(model)
            self._remember_values()
            moved = self.answers.moved_to(spec, put_aside=self._aside)
            self._aside = moved.dropped
            self.build(moved.answers)
            labels = {question.path: question.label for question in moved.answers.questions}
            kept, dropped = ", ".join(labels[path] for path in moved.kept), ", ".join(sorted(moved.dropped))
            parts = [f"Kept: {kept}." if kept else "", f"Put aside, for it does not fit: {dropped}." if dropped else ""]
            self.tell(" ".join(part for part in parts if part))

    def _answered(self, path: str, value: Any) -> None:
        with self.lock:
            before = self.sheet.photo()
            if path == OTHERS:
                self.answers.unread.pop(path, None)
                self.answers.set_others(value or {})
            else:
                self.answers.set(path, value)
            self._changed(path)
            if self.sheet.photo() is not before:
                self.sheet.photo_changed()

    def _unread(self, path: str, text: str, sentence: str) -> None:
        with self.lock:
            self.answers.leave_unread(path, text, sentence)
            self._changed(path)

    def _changed(self, path: str) -> None:
        for refused in [one for one in self._refused if self.sheet.row_of(one) is self.sheet.row_of(path)]:
            del self._refused[refused]
        _call(self.on_change)
        self.refresh()

    # ------------------------------------------------------------------ the way back

    def remember(self, back: Callable[[], None]) -> None:
        """Let `undo` do this."""
        self._past = [*self._past, back][-_MOST_UNDONE:]

    def undo(self) -> None:
        """Take back the last change that replaced several values at once."""
        with self.lock:
            if self._past:
                self._past.pop()()
                self.tell("Taken back.")

    def _remember_values(self) -> None:
        spec, before, aside = self.spec, self.answers.value, dict(self._aside)

        def back() -> None:
            self._aside = aside
            self.build(Answers(spec, before))

        self.remember(back)

    # ------------------------------------------------------------------ what is shown

    def problems(self) -> dict[str, str]:
        """What is wrong, by path: what cannot be sent, and what the service did not take."""
        return {**self.answers.problems(), **self._refused}

    def validate(self) -> dict[str, str]:
        """The same, and show it, also what is merely missing."""
        with self.lock:
            self._pressed = True
            self.refresh()
            return self.problems()

    def refuse(self, faults: Mapping[str, str]) -> None:
        """Show what the service, or the last step before it, did not accept, each at its input."""
        with self.lock:
            self._refused.update(faults)
            self._pressed = True
            self.refresh()

    def forget_refusals(self) -> None:
        """Give what was refused another chance."""
        self._refused.clear()

    def keep_used(self, path: str, seed: int) -> None:
        """Show the seed that a run really used, and have it ready for the lock."""
        with self.lock:
            self.used[path] = seed
            self.sheet.keep_used(path, seed)
            self.refresh()

    def tell(self, sentence: str, *, failed: bool = False) -> None:
        """Say at the head of the form what was done."""
        with self.head.hold_sync():
            self.head.says, self.head.failed, self.head.can_undo = sentence, failed, bool(self._past)

    def refresh(self) -> None:
        """Show what is wrong, what changed and what it costs."""
        with self.lock:
            # What is still empty is no mistake before somebody wants to run it.
            shown = {path: text for path, text in self.problems().items() if self._pressed or self.answers.is_set(path)}
            listed = [self._listed(path, text) for path, text in shown.items()] if self._pressed else []
            self.sheet.tell(shown, self.used)
            with self.bar.hold_sync():
                self.bar.problems = listed
                _call(self.on_refresh)

    def _listed(self, path: str, text: str) -> Json:
        row = self.sheet.find(path)
        return {"at": row.number if row else -1, "label": row.question.label if row else path, "text": text}

    def _tell_head(self) -> None:
        known = [] if self.spec.is_complete else ["not all of its inputs are known"]
        with self.head.hold_sync():
            self.head.title, self.head.model = self.spec.name or self.spec.slug, self.spec.id
            self.head.purpose, self.head.facts = self.spec.purpose, [*self.spec.sheet.facts, *known]

    def close(self) -> None:
        """Close the rows, the head and the foot."""
        self.sheet.close()
        self.head.close()
        self.bar.close()


def _call(callbacks: list[Callable[[], None]]) -> None:
    for callback in callbacks:
        callback()
