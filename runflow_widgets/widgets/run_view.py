"""The panel of a run with what is opened from it below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from ..errors import InputError
from ..result import Output
from ..running import Run
from .compare import compare
from .own_widget import OwnVBox
from .run_panel import RunPanel, static_html
from .saved_output import SavedOutput


class RunView(OwnVBox):
    """Shows a run, a comparison of what went in with what came out, and runs that were started from here.

    Args:
        run: The run.
        use: Told of this view and of a result that somebody wants to go on with.
        edit: Told of this view when somebody wants to change the run's inputs and run it again.
    """

    def __init__(
        self, run: Run, *, use: Callable[[RunView, Output], object], edit: Callable[[RunView], object]
    ) -> None:
        self._use, self._edit = use, edit
        self._parts: dict[str, ipywidgets.Widget] = {}
        self._runs: list[RunView] = []
        self.panel = RunPanel(run)
        self.panel.on_action = self._act
        self.panel.observe(lambda _: self._arrange(), "opened")
        super().__init__([self.panel])
        self._saved = SavedOutput(f"rfw-run-{self.model_id}", self._repr_mimebundle_, lambda: run.done)
        self.add_class("rfw-run-view")

    @property
    def run(self) -> Run:
        """The run that is shown."""
        return self.panel.run

    def _act(self, action: str) -> None:
        match action:
            case "compare":
                self.show_below("compare", lambda: compare(self.run))
            case "use":
                self._use(self, self._picture())
            case "edit":
                self._edit(self)
            case "again":
                self._runs.insert(0, RunView(self.run.again(), use=self._use, edit=self._edit))
                self._arrange()
            case "saved":
                self.refresh_saved()

    def _picture(self) -> Output:
        for output in self.run.outputs:
            if output.kind == "image":
                return output
        raise InputError("The run has no picture to go on with.")

    def show_below(self, name: str, make: Callable[[], ipywidgets.Widget]) -> None:
        """Show a part below, made when it is first asked for; asked for again, it goes."""
        if self.panel.opened == name:
            self.panel.opened = ""
            return
        if name not in self._parts:
            self._parts[name] = make()
        self.panel.opened = name

    def _arrange(self) -> None:
        part = self._parts.get(self.panel.opened)
        self.children = [self.panel, *([part] if part is not None else []), *self._runs]

    # ------------------------------------------------------------------ shown and saved

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        live: Any = super()._repr_mimebundle_()
        return {**(live or {}), "text/plain": repr(self.run), "text/html": static_html(self.run)}

    def _ipython_display_(self) -> None:
        self._saved.show()

    def refresh_saved(self) -> None:
        """Put how the run ended into the notebook's saved output, which was written when it began."""
        self._saved.refresh()

    def close(self) -> None:
        """Close the panel and all that was opened; the run goes on."""
        for part in (*self._parts.values(), *self._runs, self.panel):
            part.close()
        super().close()

    def __repr__(self) -> str:
        return f"RunView({self.run!r})"
