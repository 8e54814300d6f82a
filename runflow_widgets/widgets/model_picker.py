"""The list of models with the form of the chosen one below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ipywidgets
import traitlets as t

from ..catalogue import ModelSpec
from .form import ModelForm
from .model_list import ModelList
from .own_widget import OwnVBox


class ModelPicker(ModelList):
    """Choose a model and fill in its form: `picker.chosen` is its id, `picker.form` what is filled in.

    Typed words must all occur in a model's id, name, maker, family or purpose. Favourites and the latest choices are
    kept for the next kernel. When another model is chosen, the form keeps what fits.

    Example:
        >>> picker = rf.ModelPicker()
        >>> picker
        >>> picker.form.runs[-1].image

    Args:
        picture: What the form of the chosen model begins with: a picture, or a run's result.
    """

    _form: ModelForm | None = None
    _frame: ipywidgets.VBox | None = None

    def __init__(self, models: Iterable[ModelSpec] | None = None, *, picture: object = None, **options: Any) -> None:
        self._picture = picture
        super().__init__(models, **options)

    @property
    def form(self) -> ModelForm | None:
        """The form of the chosen model; None while none is chosen."""
        if self._form is None and self.value is not None:
            self._form = ModelForm(self.value)
            if self._picture is not None and self.value.takes_image:
                self._form.use(self._picture)
            # The form has a list of its own; what is chosen there is chosen here.
            self._form.observe(lambda change: self._form_changed(change["new"]), "model")
        return self._form

    def _form_changed(self, model: str) -> None:
        if model in self._specs:
            self.chosen = model

    @t.observe("value")
    def _chose_another(self, change: Any) -> None:
        spec = change["new"]
        if spec is None:
            return
        if self._form is not None and self._form.spec.id != spec.id:
            self._form.change_model(spec)
        self._arrange()

    def _arrange(self) -> None:
        if self._frame is not None:
            self._frame.children = [self, *([self.form] if self.form is not None else [])]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if self._frame is None:
            self._frame = OwnVBox([])
            self._arrange()
        return self._frame._repr_mimebundle_(**options)

    def close(self) -> None:
        """Close the list and the form; the form's runs stay."""
        for part in (self._form, self._frame):
            if part is not None:
                part.close()
        super().close()
