"""The form of a model: every input asked for in the way that suits it, errors where they belong, the price, the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import traitlets as t

from ..catalogue import ModelSpec
from ..errors import InputError, RunflowError
from ..filling import picture_of
from ..filling.presets import export_presets, import_presets
from ..result import Output
from ..running import Run
from ..session import Session
from ..wire import Json
from .form_core import FormCore
from .form_presets import FormPresets
from .form_runs import FormRuns
from .form_settings import FormSettings
from .form_texts import FormTexts
from .model_list import ModelList
from .own_widget import OwnVBox
from .run_view import RunView


class ModelForm(OwnVBox):
    """Fill in what a model takes, and run it; `form.value` is what was set, both ways.

    Only what was set is sent: what stands there in grey is the model's own default.

    Example:
        >>> form = rf.form("runflow/product-isolation", image_url="bottle.jpg")
        >>> form
        >>> form.value = {**form.value, "aspect_ratio": "1:1"}
        >>> form.runs[-1].image

    Args:
        model: A model's id, or its spec.
        value: What is set to begin with, by name; also as keywords.
        session: Where to run; by default what `rf.connect` last opened.
    """

    model = t.Unicode()
    """The model's id; set another one to keep what fits there."""
    value = t.Dict()
    """What was set, by name, as `rf.run` takes it."""

    def __init__(
        self,
        model: str | ModelSpec,
        value: Mapping[str, Any] | None = None,
        *,
        session: Session | None = None,
        **more: Any,
    ) -> None:
        self._inside = False
        #: What a result is given to when somebody wants to go on with it.
        self.on_use: Callable[[Output], object] = self.use
        self._picker: ModelList | None = None
        self._core = core = FormCore(model, {**(value or {}), **more}, session)
        self._presets, self._runs, self._texts = FormPresets(core), FormRuns(core, self._view_of), FormTexts(core)
        FormSettings(core)
        super().__init__()
        self.add_class("rfw-form")
        core.on_build.append(self._arrange)
        core.on_change.append(self._publish)
        core.head.observe(lambda change: self._choose(opened=change["new"]), "choosing")
        core.build(core.answers)

    @property
    def spec(self) -> ModelSpec:
        """The model that the form is for."""
        return self._core.spec

    @property
    def runs(self) -> Sequence[Run]:
        """The runs that were started from here, the latest last."""
        return tuple(self._runs.all)

    # ------------------------------------------------------------------ what a person may do

    def validate(self) -> dict[str, str]:
        """What is wrong: the path of each input that is, and a sentence; empty if nothing is. The form shows it too."""
        return self._core.validate()

    def run(self, *, count: int = 1) -> Run:
        """Run the model with what is filled in; of several, each gets a seed of its own, and the last is given.

        Raises:
            InputError: Something is not right yet; the form shows what, and where.
            BudgetError: The limit set with `rf.budget` would be passed.
        """
        problems = self.validate()
        if problems:
            path, sentence = next(iter(problems.items()))
            more = f" ({len(problems) - 1} more: {', '.join(list(problems)[1:])})" if len(problems) > 1 else ""
            raise InputError(f"{self.spec.id}: {sentence}{more}", field=path)
        return self._runs.go(count)

    def use(self, picture: object) -> None:
        """Put a picture, or a run's result, where the model takes its picture; `undo` takes it out again."""
        self._core.use(picture)

    @property
    def picture(self) -> Any:
        """The picture that the model would work on; None if there is none yet."""
        return self._core.sheet.photo()

    @property
    def picture_name(self) -> str:
        """What the model calls that picture; empty if it takes none."""
        question = picture_of(self._core.answers.questions)
        return question.name if question is not None else ""

    def on_run(self, callback: Callable[[Run], object]) -> None:
        """Have a function called with each run that is started from here."""
        self._runs.on_start.append(callback)

    def start(self) -> None:
        """Fill in the first picture that comes with the package for this model, if there is one."""
        self._presets.start()

    def edit(self, run: Run) -> None:
        """Fill in what a run was given, to change it and run it again."""
        values, lost = run.given()
        if run.model != self.spec.id:
            self._core.change_model(run.spec)
        again = f" To be chosen again: {', '.join(lost)}." if lost else ""
        self._core.take(values, f"Filled in as for that run.{again}")

    def reset(self) -> None:
        """Take back everything that was set; `undo` brings it back."""
        self._core.take({}, "Emptied.")

    def change_model(self, model: str | ModelSpec) -> None:
        """Ask for another model, also one that no catalogue lists; what fits there is kept."""
        self._core.change_model(model)

    def say(self, sentence: str) -> None:
        """Say something at the head of the form."""
        self._core.tell(sentence)

    def undo(self) -> None:
        """Take back the last change that replaced several values at once."""
        self._core.undo()

    def keep(self, name: str) -> None:
        """Keep the present values under a name, for the next time; a picture is kept as a file."""
        self._presets.keep(name)

    def export_presets(self, path: str | Path) -> Path:
        """Write the values you kept for this model into one JSON file to hand on, with the pictures in it."""
        return export_presets(self.spec, path)

    def import_presets(self, path: str | Path) -> None:
        """Add the values in such a file to your own."""
        import_presets(path)
        self._presets.tell()

    def code(self, language: str = "python") -> str:
        """A run with the present values as code: `python`, `python-await`, `curl` or `javascript`."""
        return self._texts.code(language)

    # ------------------------------------------------------------------ both ways

    @t.validate("value")
    def _valued(self, proposal: Any) -> Json:
        return dict(proposal["value"])

    @t.observe("value")
    def _value_set(self, change: Any) -> None:
        if not self._inside:
            self._core.put(change["new"])

    @t.observe("model")
    def _model_set(self, change: Any) -> None:
        if not self._inside and change["new"] != self.spec.id:
            try:
                self._core.change_model(change["new"])
            except RunflowError:
                self._publish()
                raise

    def _publish(self) -> None:
        """Let observers know of the values."""
        self._inside = True
        try:
            self.model = self.spec.id
            self.value = self._core.answers.value
        finally:
            self._inside = False

    # ------------------------------------------------------------------ the parts

    def _arrange(self) -> None:
        core = self._core
        picker = [self._picker] if self._picker is not None and core.head.choosing else []
        self.children = [core.head, *picker, *core.sheet.widgets, core.bar, self._runs.widget]

    def _view_of(self, run: Run) -> RunView:
        # In a form, a run leads back to the form.
        return RunView(run, use=lambda _, output: self.on_use(output), edit=lambda view: self.edit(view.run))

    def _choose(self, *, opened: bool) -> None:
        with self._core.lock:
            if opened and self._picker is None:
                self._picker = ModelList()
                self._picker.observe(lambda change: self._chosen(change["new"]), "value")
            self._arrange()

    def _chosen(self, spec: ModelSpec | None) -> None:
        if spec is not None and spec.id != self.spec.id:
            self._core.head.choosing = False
            self._core.change_model(spec)

    def close(self) -> None:
        """Close the form; its values and runs stay."""
        # Also called for a form that was never finished, because there is no such model.
        if self.__dict__.get("_texts") is not None:
            with self._core.lock:
                self._runs.close()
                self._core.close()
                if self._picker is not None:
                    self._picker.close()
        super().close()

    def __repr__(self) -> str:
        return f"ModelForm({self.spec.id}: {', '.join(self._core.answers.value) or 'nothing set'})"


def form(model: str | ModelSpec, value: Mapping[str, Any] | None = None, **more: Any) -> ModelForm:
    """The form of a model, to fill in and run; `rf.form("runflow/tag-removal")`."""
    return ModelForm(model, value, **more)
