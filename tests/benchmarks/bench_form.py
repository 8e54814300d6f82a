"""Forms and the list of models in a real JupyterLab: time to build, to show, and to answer a key.

The form stands beside `ipywidgets-jsonschema` on the same inputs and beside one plain widget for each of them, which is
the least that ipywidgets can do. They take turns in one page. A form is shown when nothing in its output has changed
for a while; the time is that of the last change.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "browser"))

from figures import Figures, percentiles
from rig import Browser, JupyterServer, Notebook

HERE = Path(__file__).parent
OTHERS = Path(sys.prefix) / "bench"
ROUNDS = 5
MODELS = 5000
SETUP = """
import sys, time
sys.path[:0] = [{here!r}]
sys.path.append({others!r})
import ipywidgets
import runflow_widgets as rf
from ipywidgets_jsonschema import Form
import form_specs
spec = form_specs.{spec}()
schema = form_specs.schema_of(spec)
took = []
def timed(make):
    began = time.perf_counter()
    made = make()
    took.append(1e3 * (time.perf_counter() - began))
    return made
"""
FORMS = {
    "rf.ModelForm": "rf.ModelForm(spec)",
    "ipywidgets-jsonschema": "Form(schema).widget",
    "plain ipywidgets": "form_specs.plain_form(spec)",
}
LISTS = {
    "rf.ModelPicker": "rf.ModelPicker(models, favourites=[], recent=[])",
    "ipywidgets.Dropdown": "ipywidgets.Dropdown(options=[one.id for one in models])",
}
KEYS = ("4", "9", "9", "Backspace", "Backspace", "Backspace")
#: Runs a cell and waits until its output is still; gives the time of its last change and the controls in it.
SHOWN = """async ([cell, still]) => {
  const output = panel.content.widgets[cell].outputArea.node;
  let last = 0;
  const watch = new MutationObserver(() => { last = performance.now(); });
  watch.observe(output, { subtree: true, childList: true, attributes: true, characterData: true });
  panel.content.activeCellIndex = cell;
  const began = performance.now();
  jupyterapp.commands.execute("notebook:run-cell");
  const controls = () => output.querySelectorAll("input, select, textarea, button").length;
  while (!last || !controls() || performance.now() - last < still) {
    if (performance.now() - began > 60_000) throw new Error(`nothing is shown: ${output.innerText.slice(-500)}`);
    await new Promise((done) => setTimeout(done, 20));
  }
  watch.disconnect();
  return [last - began, controls()];
}"""
#: From each key to the first frame in which the list is another one.
WATCH_KEYS = """(cell) => {
  const root = panel.content.widgets[cell].node.querySelector(".rfw-pick");
  const shown = () => root.querySelector(".rfw-pick-says").textContent + root.querySelector(".rfw-pick-room").innerText;
  window.lags = [];
  let pressed = null;
  const look = () => {
    if (pressed && shown() !== pressed.before) {
      lags.push(performance.now() - pressed.at);
      pressed = null;
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  const before = (event) => { pressed = { at: event.timeStamp, before: shown() }; };
  root.addEventListener("keydown", before, { capture: true });
  root.querySelector("input[type=search]").focus();
}"""


def main() -> None:
    """Print all tables."""
    with tempfile.TemporaryDirectory() as folder, JupyterServer(Path(folder)) as server, Browser() as browser:
        for spec in ("largest", "sixty"):
            with_spec = SETUP.format(here=str(HERE), others=str(OTHERS), spec=spec)
            title = f"Form of the {spec} model, median of {ROUNDS}, the first build apart"
            tell(f"form_{spec}", title, measured(server, browser, with_spec, FORMS))
        models = SETUP.format(here=str(HERE), others=str(OTHERS), spec="largest")
        models += f"models = form_specs.many_models({MODELS})\n"
        title = f"{MODELS} models to choose from, median of {ROUNDS}"
        tell("picker", title, measured(server, browser, models, LISTS))
        lags = key_lags(server, browser, models)
        keys = Figures("picker_keys", "From a key to the filtered list, milliseconds")
        keys.add("rf.ModelPicker", **percentiles(lags), at_most=max(lags), keys=len(lags))
        keys.tell()


def measured(
    server: JupyterServer, browser: Browser, setup: str, subjects: dict[str, str]
) -> dict[str, dict[str, float]]:
    """For each subject, milliseconds to build and to show, and the size of the messages; they take turns."""
    makes = [make for _ in range(ROUNDS) for make in subjects.values()]
    cells = [setup, *(f"shown = timed(lambda: {make})\nshown" for make in makes)]
    page = browser.page(height=1000)
    received = [0]
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: count(received, data)))
    notebook = Notebook(page, server, f"bench-form-{len(list(server.root.iterdir()))}.ipynb", cells, kind="lab")
    page.evaluate("() => { panel.content.activeCellIndex = 0; }")
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-cell')")
    faults = [output for output in notebook.outputs()[0] if output["output_type"] == "error"]
    assert not faults, faults
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in subjects}
    for turn in range(len(makes)):
        name = list(subjects)[turn % len(subjects)]
        before = received[0]
        shown_ms, controls = page.evaluate(SHOWN, [turn + 1, 700])
        found[name].append((shown_ms, (received[0] - before) / 1e3, controls))
    built = notebook.ask("took")
    notebook.close()
    return {
        name: {
            "first_ms": built[index],
            "built_ms": statistics.median(built[index :: len(subjects)]),
            "shown_ms": statistics.median(one[0] for one in found[name]),
            "kB": statistics.median(one[1] for one in found[name]),
            "controls": found[name][-1][2],
        }
        for index, name in enumerate(subjects)
    }


def tell(name: str, title: str, rows: dict[str, dict[str, float]]) -> None:
    """The figures, with ratios to the first row."""
    ours = next(iter(rows.values()))
    table = Figures(name, title)
    for subject, row in rows.items():
        table.add(
            subject,
            first_ms=row["first_ms"],
            build_ms=row["built_ms"],
            shown_ms=row["shown_ms"],
            times_ours=row["shown_ms"] / ours["shown_ms"],
            messages_kB=row["kB"],
            controls=int(row["controls"]),
        )
    table.tell()


def key_lags(server: JupyterServer, browser: Browser, setup: str) -> list[float]:
    """Milliseconds from each of several keys to the list that it makes."""
    cells = [setup, LISTS["rf.ModelPicker"]]
    notebook = Notebook(browser.page(height=1000), server, "bench-keys.ipynb", cells, kind="lab")
    page = notebook.page
    notebook.run_all()
    page.get_by_text(f"{MODELS} of {MODELS} models").wait_for()
    page.evaluate(WATCH_KEYS, 1)
    for turn in range(3):
        for number, key in enumerate(KEYS, start=1):
            page.keyboard.press(key)
            page.wait_for_function("(wanted) => lags.length >= wanted", arg=turn * len(KEYS) + number)
    lags: list[float] = page.evaluate("() => lags")
    notebook.close()
    return lags


def count(received: list[int], data: Any) -> None:
    """Add what a frame holds."""
    received[0] += len(data)


if __name__ == "__main__":
    main()
