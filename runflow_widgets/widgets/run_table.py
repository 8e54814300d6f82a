"""Many runs at once: one bar over all of them, what they cost, and a row for each."""

from __future__ import annotations

import base64
import html
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import ipywidgets
import traitlets as t

from .. import session
from ..catalogue import Quote
from ..catalogue.price import money
from ..errors import RunCancelled, RunflowError, RunTimeout
from ..images import thumbnail_webp
from ..portal import shared
from ..running import Run
from ..wire import CANCELLED, FAILED
from .background import Background
from .own_widget import OwnVBox, OwnWidget
from .run_panel import EVERY_S, WORDS, price_text
from .saved_output import SavedOutput
from .throttled import Throttled

_STATIC: Final = Path(__file__).parent / "static"
_THUMB_PX: Final = 96
#: So many rows, and so many pictures, are written into a saved notebook.
_MOST_SAVED: Final = 200
_MOST_PICTURES: Final = 24
_MOST_LETTERS: Final = 60


class RunTable(OwnWidget):
    """Show many runs in one table, while they go on and after; Enter opens the panel of a run below.

    Example:
        >>> runs = [rf.run("bria/background/remove", image=path) for path in Path("photos").glob("*.jpg")]
        >>> rf.RunTable(runs)

    Args:
        runs: The runs, also of different models; `add` brings more.
        view_of: What shows a run that is opened; by default the very view that the run has in a cell, which outlives
            the table.
    """

    _esm = _STATIC / "run_table.js"
    _css = _STATIC / "run_table.css"

    rows = t.List(t.Dict()).tag(sync=True)
    """Each run: its model, and what sets it apart from the others."""
    states = t.List(t.Dict()).tag(sync=True)
    """Where each run stands: group, says, elapsed (seconds, when this was written), price, and whether it has a
    picture. Groups are waiting, running, done, failed and stopped."""
    total = t.Unicode().tag(sync=True)
    """What they have cost so far, and what is expected in all."""
    here = t.Int(0).tag(sync=True)
    """How many can be cancelled: those under way in this kernel."""
    away = t.Int(0).tag(sync=True)
    """How many can only no longer be waited for: those under way at the service."""
    settled = t.Int(-1).tag(sync=True)
    """How many runs there are, once nothing more will come of any; -1 until then."""
    opened = t.Int(-1).tag(sync=True)
    """The row whose panel stands open below; -1 if none does."""
    notice = t.Unicode().tag(sync=True)
    """What became of the last thing that was asked for."""

    def __init__(self, runs: Iterable[Run] = (), *, view_of: Callable[[Run], ipywidgets.Widget] | None = None) -> None:
        # Before the traits are set: the portal may report a change while the widget is being made.
        self._runs: list[Run] = []
        self._view_of = view_of or session.view_of
        self._owns_views = view_of is not None
        self._views: dict[int, ipywidgets.Widget] = {}
        self._frame: RunTableFrame | None = None
        self._thumbs: dict[int, bytes] = {}
        self._unwatch: list[Callable[[], None]] = []
        self._adding = threading.Lock()
        self._background = Background(lambda _: None, lambda _: None)
        self._telling = Throttled(shared(), self._write, self._every_s)
        super().__init__()
        self._saved = SavedOutput(f"rfw-runs-{self.model_id}", self._repr_mimebundle_, self._settled)
        self.on_msg(self._asked)
        self.observe(lambda _: self._arrange(), "opened")
        self._runs.extend(runs)
        self._write()
        self._watch(self._runs)

    @property
    def runs(self) -> Sequence[Run]:
        """The runs, in the order of their rows."""
        return tuple(self._runs)

    def add(self, *runs: Run) -> None:
        """Show more runs, below the others."""
        with self._adding:
            self._runs.extend(runs)
        self._watch(runs)

    def stop(self) -> None:
        """Cancel what runs here, and stop waiting for what runs at the service: that goes on, and is billed."""
        for run in self._runs:
            if not run.done:
                (run.cancel if run.is_embedded else run.stop_waiting)()

    def _watch(self, runs: Iterable[Run]) -> None:
        # Weakly, or a table that is no longer shown would live as long as its runs.
        reference = weakref.ref(self)

        def tell(_: Run) -> None:
            if (table := reference()) is not None:
                table._telling.soon()

        self._unwatch += [run.watch(tell) for run in runs if not run.done]
        self._telling.soon()

    # ------------------------------------------------------------------ what the page is told

    def _told_apart(self, runs: Sequence[Run]) -> list[dict[str, str]]:
        """The model of each run, and what sets it apart from the others."""
        return _rows(runs)

    def _every_s(self) -> float:
        # The whole list goes over the line each time: a long one less often.
        return EVERY_S * max(1.0, len(self._runs) / 100)

    def _write(self) -> None:
        runs = self.runs
        states = [_state(run) for run in runs]
        still = [run for run in runs if not run.done]
        with self.hold_sync():
            if len(self.rows) != len(runs):
                self.rows = self._told_apart(runs)
            self.states = states
            self.total = _total(runs)
            self.here = sum(run.is_embedded for run in still)
            self.away = len(still) - self.here
            self.settled = self._settled()
        for row, state in enumerate(states):
            if state["picture"] and row not in self._thumbs and self.comm is not None:
                self._thumbs[row] = b""
                self._background.quietly(partial(self._make_thumb, row, runs[row]))

    def _make_thumb(self, row: int, run: Run) -> None:
        self._thumbs[row] = _thumb(run)
        self._send_thumbs([row])

    def _send_thumbs(self, rows: Iterable[int]) -> None:
        known = [row for row in rows if self._thumbs.get(row)]
        if known and self.comm is not None:
            self.send({"kind": "thumbs", "rows": known}, [self._thumbs[row] for row in known])

    def _asked(self, _: object, content: dict[str, Any], __: object) -> None:
        self.notice = ""
        try:
            match content.get("do"):
                case "stop":
                    self.stop()
                case "thumbs":
                    self._send_thumbs(int(row) for row in content.get("rows", ()))
                case "saved":
                    self.refresh_saved()
        except RunflowError as error:
            self.notice = str(error)

    # ------------------------------------------------------------------ shown and saved

    @property
    def frame(self) -> RunTableFrame:
        """The table with the panel that is open below it; this is what a cell shows."""
        if self._frame is None:
            self._frame = RunTableFrame(self)
            self._arrange()
        return self._frame

    @t.validate("opened")
    def _known(self, proposal: Any) -> int:
        row = int(proposal["value"])
        return row if 0 <= row < len(self._runs) else -1

    def _arrange(self) -> None:
        if self._frame is None:
            return
        row = self.opened
        view = self._views.get(row)
        if row >= 0 and (view is None or view.comm is None):
            view = self._views[row] = self._view_of(self._runs[row])
        self._frame.children = [self, *([view] if view is not None else [])]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        live: Any = self.frame._repr_mimebundle_(**options)
        return {**(live or {}), "text/plain": repr(self), "text/html": static_html(self)}

    def _ipython_display_(self) -> None:
        self._saved.show()

    def refresh_saved(self) -> None:
        """Put how the runs ended into the notebook's saved output, which was written when they began."""
        self._saved.refresh()

    @property
    def _over(self) -> bool:
        return all(run.done for run in self._runs)

    def _settled(self) -> int:
        # By number: of two runs that are over before anybody looks, the second has to be told too.
        return len(self._runs) if self._over else -1

    def close(self) -> None:
        """Close the table, and the panels that were made for it; the runs go on."""
        for unwatch in self._unwatch:
            unwatch()
        self._background.close()
        for view in self._views.values() if self._owns_views else ():
            view.close()
        frame, self._frame = self._frame, None
        if frame is not None:
            frame.close()
        super().close()

    def __repr__(self) -> str:
        return f"RunTable({_sentence(self.states)})"


class RunTableFrame(OwnVBox):
    """A table with the panel that is open below it; closed together."""

    def __init__(self, table: RunTable) -> None:
        self._table = table
        super().__init__([])

    def close(self) -> None:
        """Close the table too."""
        super().close()
        self._table.close()


# ---------------------------------------------------------------------- what is told of a run


def _group(run: Run) -> str:
    if not run.done:
        return "waiting" if run.status in ("unsent", "queued", "dispatching") else "running"
    if isinstance(run.error, RunCancelled | RunTimeout) or run.status in CANCELLED:
        return "stopped"
    return "failed" if run.error is not None or run.status in FAILED else "done"


def _says(run: Run) -> str:
    if run.done and run.error is not None:
        return run.error.message
    if not run.done and run.state is not None and run.state.is_terminal:
        return "Fetching the result"
    words = WORDS.get(run.status, run.status)
    if run.done and run.state is not None and run.state.worker:
        return f"{words} by {run.state.worker}"
    return f"{words}: {run.note}" if run.note else words


def _state(run: Run) -> dict[str, Any]:
    return {
        "group": _group(run),
        "says": _says(run),
        "elapsed": round(run.elapsed_s, 1),
        "price": price_text(run),
        "picture": any(output.kind == "image" for output in run.outputs),
    }


def _rows(runs: Sequence[Run]) -> list[dict[str, str]]:
    inputs = [{name: str(value) for name, value in run.inputs.items()} for run in runs]
    names = dict.fromkeys(name for given in inputs for name in given)
    differ = [name for name in names if len({given.get(name) for given in inputs}) > 1]
    return [
        {"model": run.model, "what": ", ".join(_named(name, given[name]) for name in differ if name in given)}
        for run, given in zip(runs, inputs, strict=True)
    ]


def _named(name: str, text: str) -> str:
    """An input in a few words; of a file or an address its name alone."""
    if text.startswith("file:"):
        return text.removeprefix("file:").partition("#")[0]
    if "://" in text:
        # Without what follows the name, which may be a signature.
        return text.partition("?")[0].rstrip("/").rpartition("/")[2]
    return f"{name} {text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS] + '…'}"


def _total(runs: Sequence[Run]) -> str:
    paid = [run for run in runs if not run.is_embedded]
    if not paid:
        return "free: they run here" if runs else ""
    spent = sum((run.cost or Decimal(0) for run in paid), Decimal(0))
    low = high = spent
    unknown = 0
    for run in paid:
        if not run.done and run.cost is None:
            unknown += run.price.high is None
            low += run.price.low or Decimal(0)
            high += run.price.high or Decimal(0)
    if all(run.done for run in paid):
        return f"cost {money(spent)}"
    expected = Quote(low, None if unknown else high).text
    return f"cost {money(spent)} so far, {expected} expected in all"


def _thumb(run: Run) -> bytes:
    first = next(output for output in run.outputs if output.kind == "image")
    try:
        return thumbnail_webp(first.image, _THUMB_PX)
    except RunflowError:
        return b""


def _sentence(states: Sequence[Mapping[str, Any]]) -> str:
    groups = [state["group"] for state in states]
    kinds = [f"{groups.count(group)} {group}" for group in dict.fromkeys(groups)]
    return f"{len(groups)} runs: {', '.join(kinds)}" if groups else "no runs"


def static_html(table: RunTable) -> str:
    """The table as plain HTML, for a saved notebook and for pages without widgets."""
    pictures = [row for row, data in sorted(table._thumbs.copy().items()) if data][:_MOST_PICTURES]
    lines = []
    for row, (told, state) in enumerate(zip(table.rows, table.states, strict=True)):
        if row == _MOST_SAVED:
            lines.append(f"<tr><td></td><td>and {len(table.rows) - row} more</td></tr>")
            break
        data = base64.b64encode(table._thumbs[row]).decode("ascii") if row in pictures else ""
        picture = f'<img alt="result" style="max-height:32px" src="data:image/webp;base64,{data}">' if data else ""
        texts = (told["model"], told["what"], state["says"], f"{state['elapsed']:.1f} s", state["price"])
        cells = "".join(f'<td style="text-align:left">{html.escape(text)}</td>' for text in texts)
        lines.append(f"<tr><td>{picture}</td>{cells}</tr>")
    head = html.escape(" · ".join(part for part in (_sentence(table.states), table.total) if part))
    return f"<div><strong>{head}</strong><table>{''.join(lines)}</table></div>"
