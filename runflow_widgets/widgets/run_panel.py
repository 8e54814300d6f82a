"""The panel of a run: where it stands, how long it takes, what it costs, what it made."""

from __future__ import annotations

import base64
import html
import weakref
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import traitlets as t

from ..errors import RunflowError
from ..images import thumbnail_webp
from ..running import Run
from ..snippets import LANGUAGES
from ..wire import CANCELLED, FAILED, SUCCEEDED, plain_name
from .own_widget import OwnWidget
from .throttled import Throttled

_STATIC: Final = Path(__file__).parent / "static"
#: The page is told of progress at most this often.
EVERY_S: Final = 0.1

WORDS: Final = {
    "unsent": "Preparing",
    "queued": "Waiting in line",
    "pending": "Waiting in line",
    "dispatching": "Starting",
    "running": "Running",
    "succeeded": "Done",
    "partial_succeeded": "Done in part",
    "failed": "Failed",
    "errored": "Failed",
    "canceled": "Cancelled",
    "cancelled": "Cancelled",
}


class RunPanel(OwnWidget):
    """Show a run while it goes on; `display(run)` makes one.

    Example:
        >>> run = rf.run("runflow/tag-removal", image=photo)
        >>> run
    """

    _esm = _STATIC / "run_panel.js"
    _css = _STATIC / "run_panel.css"

    title = t.Unicode().tag(sync=True)
    """The model's id."""
    status = t.Unicode("unsent").tag(sync=True)
    """The service's word for where the run stands."""
    says = t.Unicode().tag(sync=True)
    """The same for people, with the note or the error."""
    where = t.Unicode().tag(sync=True)
    """Where it runs, in a sentence."""
    price = t.Unicode().tag(sync=True)
    """What it will cost, and once it is over, what it cost."""
    elapsed_s = t.Float(0.0).tag(sync=True)
    """Seconds since it began, when this was last written; the page counts on from here."""
    typical_s = t.Float(None, allow_none=True).tag(sync=True)
    """How long such runs usually take here, in seconds; None if none was seen yet."""
    progress = t.Float(None, allow_none=True).tag(sync=True)
    """From 0 to 1; None where the service does not tell."""
    done = t.Bool(default_value=False).tag(sync=True)
    """Whether nothing more will come."""
    failed = t.Bool(default_value=False).tag(sync=True)
    """Whether it ended without a result."""
    embedded = t.Bool(default_value=False).tag(sync=True)
    """Whether it can be cancelled (embedded) or only no longer waited for (remote)."""
    picture = t.Bytes(b"").tag(sync=True)
    """A small picture of the first result, as WebP."""
    files = t.List(t.Unicode()).tag(sync=True)
    """Where the results lie on this machine."""
    advice = t.Unicode().tag(sync=True)
    """What would do, after a failure."""
    details = t.Unicode().tag(sync=True)
    """All that is known of a failure, to be copied; never the key."""
    again = t.Unicode().tag(sync=True)
    """What running it once more would cost."""
    resumes = t.Unicode().tag(sync=True)
    """What following it again would do, where waiting ended before the run did; empty where there is nothing."""
    opened = t.Unicode().tag(sync=True)
    """What stands open below: `code`, or what the view has opened; empty if nothing."""
    language = t.Enum(LANGUAGES, LANGUAGES[0]).tag(sync=True)
    """The language of the code."""
    code = t.Unicode().tag(sync=True)
    """The run as code; written when it is asked for."""
    notice = t.Unicode().tag(sync=True)
    """What became of the last thing that was asked for."""
    notify = t.Bool(default_value=False).tag(sync=True)
    """Whether the page tells by a notice and in its title when the run is over; only if a person wants it."""

    def __init__(self, run: Run) -> None:
        # Before the traits are set: the portal may report a change while the widget is being made.
        self._run = run
        self._telling = Throttled(run._session.portal, self._write, lambda: EVERY_S)
        #: Told of what is asked for and is not the panel's own: compare, use, edit, again, saved.
        self.on_action: Callable[[str], None] = lambda _: None
        super().__init__(**_facts(run))
        self.on_msg(self._asked)
        self.observe(lambda _: self._tell_code(), ["opened", "language"])
        # Weakly, or a panel that is no longer shown would live as long as its run.
        reference = weakref.ref(self)

        def tell(_: Run) -> None:
            if (panel := reference()) is not None:
                panel._telling.soon()

        self._unwatch = run.watch(tell)
        self._telling.soon()

    def close(self) -> None:
        """Close the panel; the run goes on."""
        self._unwatch()
        super().close()

    def _write(self) -> None:
        with self.hold_sync():
            for name, value in _facts(self._run).items():
                setattr(self, name, value)

    @property
    def run(self) -> Run:
        """The run that is shown."""
        return self._run

    def _asked(self, _: object, content: dict[str, Any], __: object) -> None:
        action = str(content.get("do"))
        self.notice = ""
        try:
            if action == "cancel":
                self._run.cancel()
            elif action == "stop":
                self._run.stop_waiting()
            elif action == "resume":
                self._run.resume()
            elif action == "save":
                self._send_files()
            else:
                self.on_action(action)
        except RunflowError as error:
            self.notice = str(error)

    def _send_files(self) -> None:
        """Send the results to the page, which saves them where its person keeps downloads."""
        stem = plain_name(self._run.model.rpartition("/")[2])
        for output in self._run.outputs:
            self.send({"kind": "file", "name": f"{stem}-{output.name}"}, [output.bytes_to_save()])

    def _tell_code(self) -> None:
        if self.opened == "code":
            try:
                self.code = self._run.code(self.language)
            except RunflowError as error:
                self.code = f"# {error}"

    def __repr__(self) -> str:
        return f"RunPanel({self._run!r})"


def _facts(run: Run) -> dict[str, Any]:
    over = run.done
    says = WORDS.get(run.status, run.status)
    if run.error is not None:
        says = run.error.message
    elif run.note:
        says = f"{says}: {run.note}"
    return {
        "title": run.model,
        "status": run.status,
        "says": says,
        "where": run.where,
        "price": price_text(run),
        "elapsed_s": round(run.elapsed_s, 2),
        "typical_s": run.typical_s,
        "progress": run.progress,
        "done": over,
        "failed": over and run.error is not None,
        "embedded": run.is_embedded,
        "picture": _picture(run) if over else b"",
        "files": [str(output.path) for output in run.outputs],
        "advice": run.error.advice if over and run.error is not None else "",
        "details": _details(run) if over and run.error is not None else "",
        "again": "runs here: free" if run.is_embedded else run.price.text,
        "resumes": _resumes(run),
    }


def _resumes(run: Run) -> str:
    if not run.may_bring_more:
        return ""
    return "Fetch the results" if run.status in SUCCEEDED else "Follow it again"


def _details(run: Run) -> str:
    """What somebody who is asked for help wants to know."""
    error, state = run.error, run.state
    assert error is not None
    known = {
        "error": type(error).__name__,
        "says": error.message,
        "advice": error.advice,
        "code": getattr(error, "code", None) or (state.failure_code if state else None),
        "stage": state.failure_stage if state else None,
        "http status": getattr(error, "status", None),
        "model": run.model,
        "run": run.id,
        "key": run.key,
        "request": error.request_id,
        "where": "embedded" if run.is_embedded else "remote",
        "version": f"runflow_widgets {version('runflow-widgets')}",
    }
    return "\n".join(f"{name}: {value}" for name, value in known.items() if value)


def price_text(run: Run) -> str:
    """What a run will cost, and once it is over, what it cost."""
    if run.done and not run.is_embedded and run.status in FAILED and not run.cost:
        return "not billed"
    if run.done and not run.is_embedded and run.status in CANCELLED and run.cost is None:
        return "no cost was told"
    if run.cost is not None and run.done:
        return "free: it ran here" if run.is_embedded else f"cost ${run.cost}"
    return "runs here: free" if run.is_embedded else run.price.text


def _picture(run: Run) -> bytes:
    """The first result, small; made once for each run, since a large picture takes its time to open."""
    first = next((output for output in run.outputs if output.kind == "image"), None)
    if first is None:
        return b""
    if run not in _pictures:
        try:
            _pictures[run] = thumbnail_webp(first.image, 512)
        except RunflowError:
            return b""
    return _pictures[run]


_pictures: weakref.WeakKeyDictionary[Run, bytes] = weakref.WeakKeyDictionary()


def static_html(run: Run) -> str:
    """The panel as plain HTML, for a saved notebook and for pages without widgets."""
    facts = _facts(run)
    rows = [f"<strong>{html.escape(facts['title'])}</strong> · {html.escape(facts['says'])}"]
    rows.append(f"{facts['elapsed_s']:.1f} s · {html.escape(facts['price'])} · {html.escape(facts['where'])}")
    if facts["picture"]:
        data = base64.b64encode(facts["picture"]).decode("ascii")
        rows.append(f'<img alt="result" style="max-width:256px" src="data:image/webp;base64,{data}">')
    return '<div style="line-height:1.6">' + "<br>".join(rows) + "</div>"
