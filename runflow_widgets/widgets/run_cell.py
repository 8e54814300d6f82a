"""A run as it stands in a cell by itself: its inputs and its result lead on to forms that open below it."""

from __future__ import annotations

import weakref

from ..many import Results
from ..result import Output
from ..running import Run
from .form import ModelForm
from .model_picker import ModelPicker
from .results_table import ResultsTable
from .run_view import RunView


def form_of(run: Run) -> ModelForm:
    """The form of a run's model with what the run was given; of files that were not kept, it is said."""
    values, lost = run.given()
    form = ModelForm(run.spec, values)
    if lost:
        form.say(f"Not kept with the record of this run, so to be chosen again: {', '.join(lost)}.")
    return form


def _use(view: RunView, output: Output) -> None:
    view.show_below("use", lambda: ModelPicker(picture=output))


def _edit(view: RunView) -> None:
    view.show_below("edit", lambda: form_of(view.run))


# Weak in the view, which holds its run: the other way round, neither would ever go.
_views: weakref.WeakValueDictionary[Run, RunView] = weakref.WeakValueDictionary()
_tables: weakref.WeakValueDictionary[int, ResultsTable] = weakref.WeakValueDictionary()


def show(run: Run) -> RunView:
    """The view of a run; two displays of one run show the same."""
    view = _views.get(run)
    if view is None or view.comm is None:
        view = _views[run] = RunView(run, use=_use, edit=_edit)
    return view


def show_all(results: Results) -> ResultsTable:
    """The table of many runs; two displays show the same."""
    table = _tables.get(id(results))
    if table is None or table.comm is None or table._results is not results:
        table = _tables[id(results)] = ResultsTable(results)
    return table
