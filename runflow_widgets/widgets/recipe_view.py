"""A recipe while it goes on: its diagram with how far each step has come, and below it a table for each step."""

from __future__ import annotations

import html
import weakref
from collections.abc import Sequence
from typing import Any, Final

import ipywidgets

from ..many import Results
from ..portal import shared
from ..recipes import RecipeRun
from ..running import Run
from .own_widget import OwnVBox, close_whole
from .results_table import ResultsTable
from .saved_output import SavedOutput
from .throttled import Throttled

_EVERY_S: Final = 0.5
#: A large run is counted less often, for every picture is looked at.
_ONE_LOOK: Final = 2000


class StepTable(ResultsTable):
    """Shows the runs of one step, each under its picture's name: what they were given is called alike for all."""

    def __init__(self, results: Results, recipe_run: RecipeRun) -> None:
        self._recipe_run = recipe_run
        super().__init__(results)

    @property
    def _over(self) -> bool:
        # Only with the whole recipe: what a notebook keeps is of all the steps.
        return self._recipe_run.done

    def _told_apart(self, runs: Sequence[Run]) -> list[dict[str, str]]:
        names = [self._results[index].name for index in self._taken.copy()]
        return [{"model": run.model, "what": name} for run, name in zip(runs, names, strict=False)]


class RecipeView(OwnVBox):
    """Shows `recipe.run(…)` while it goes on; stopping it sends nothing further.

    Args:
        run: What `recipe.run` gave.
    """

    def __init__(self, run: RecipeRun) -> None:
        self._run = run
        self._stopped = ""
        self._says = ipywidgets.HTML()
        self._diagram = ipywidgets.HTML()
        self._stop = ipywidgets.Button(
            description="Stop", tooltip="Send nothing further", layout=ipywidgets.Layout(width="auto")
        )
        self._notice = ipywidgets.HTML()
        self._tables = [StepTable(results, run) for results in run.steps.values()]
        self._tabs = ipywidgets.Tab([table.frame for table in self._tables])
        self._telling = Throttled(shared(), self._write, self._every_s)
        self._bar = ipywidgets.HBox([self._says, self._stop])
        super().__init__([self._bar, self._diagram, self._notice, self._tabs])
        self._saved = SavedOutput(f"rfw-recipe-{self.model_id}", self._repr_mimebundle_, lambda: run.done)
        self._stop.on_click(lambda _: self.stop())
        reference = weakref.ref(self)

        def tell(_: RecipeRun) -> None:
            # Weakly, or a view that is no longer shown would live as long as what it shows.
            if (view := reference()) is not None:
                view._telling.soon()

        def asked(_: object, content: dict[str, Any], __: object) -> None:
            # The page tells when all is over, which is the moment to write: its message names the output's cell.
            if content.get("do") == "saved" and (view := reference()) is not None:
                view._saved.refresh()

        for table in self._tables:
            table.on_msg(asked)
        self._unwatch = run.watch(tell)
        self._write()

    def _every_s(self) -> float:
        return _EVERY_S * max(1.0, len(self._run) * len(self._tables) / _ONE_LOOK)

    def _write(self) -> None:
        progress = self._run.progress
        # Where it stands is in the name of each tab too: the diagram is a picture.
        titles = tuple(f"{name} {told.done}/{told.total}" for name, told in progress.items())
        with self.hold_sync():
            self._says.value = f"<strong>{_text(self._run.headline)}</strong>"
            self._notice.value = _text(self._stopped or self._run.note)
            self._diagram.value = self._run.diagram()
            if self._tabs.titles != titles:
                self._tabs.titles = titles
            self._stop.layout.display = "none" if self._run.done else None
        if self._run.done:
            for table in self._tables:
                table._telling.soon()

    def stop(self) -> None:
        """Send nothing further; what runs here is cancelled, what runs at the service goes on and is billed."""
        self._stopped = self._run.stop()
        self._notice.value = _text(self._stopped)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        live: Any = super()._repr_mimebundle_(**options)
        return {**(live or {}), "text/plain": repr(self._run), "text/html": self._run._repr_html_()}

    def _ipython_display_(self) -> None:
        self._saved.show()

    def close(self) -> None:
        """Close it with its tables; the runs go on."""
        self._unwatch()
        for table in self._tables:
            table.close()
        # What stays open would hold what is closed.
        for part in self.children:
            close_whole(part)
        super().close()

    def __repr__(self) -> str:
        return repr(self._run)


def _text(sentence: str) -> str:
    # What a service says may have no place to break a line at, and the widget itself would let it run off the page.
    return f'<span style="overflow-wrap: anywhere; white-space: normal">{html.escape(sentence)}</span>'


# By identity: two displays of one run show the same view, which may go once nobody shows it.
_views: weakref.WeakValueDictionary[int, RecipeView] = weakref.WeakValueDictionary()


def show_recipe(run: RecipeRun) -> Any:
    """The view of a recipe's run; two displays show the same."""
    view = _views.get(id(run))
    if view is None or view.comm is None or view._run is not run:
        view = _views[id(run)] = RecipeView(run)
    return view
