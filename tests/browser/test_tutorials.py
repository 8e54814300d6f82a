"""Every tutorial, opened in JupyterLab and run from top to bottom: without a key, without a network, and to be seen."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from looks import keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TUTORIALS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
#: What JupyterLab shows in place of a widget that cannot be shown.
BROKEN = "Error displaying widget|Loading widget|Error creating widget"


@pytest.mark.parametrize("path", TUTORIALS, ids=[path.stem for path in TUTORIALS])
def test_a_tutorial_runs_and_shows_what_it_says(notebook, path):
    # High enough for all of it, or what is not in sight would never be drawn.
    page = notebook(nbformat.read(path, as_version=4), width=1100, height=9000)
    page.run_all()
    shown = page.page.locator(".jp-OutputArea-output")
    for widget in page.page.locator(".jupyter-widgets-view").all():
        widget.locator("> *").first.wait_for()
    keep_picture(page, f"tutorial-{path.stem}")

    assert page.page.locator(".jp-OutputArea-output", has_text=BROKEN).count() == 0
    assert shown.count() >= 2
    counts = page.page.evaluate("() => panel.content.widgets.map((cell) => cell.model.executionCount)")
    kinds = page.page.evaluate("() => panel.content.widgets.map((cell) => cell.model.type)")
    assert all(count for count, kind in zip(counts, kinds, strict=True) if kind == "code")


@pytest.mark.parametrize("path", TUTORIALS, ids=[path.stem for path in TUTORIALS])
def test_a_tutorial_is_short_and_is_kept_without_what_it_made(path):
    cells = nbformat.read(path, as_version=4).cells

    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    assert len(cells) <= 12
    assert not [cell for cell in cells if not cell.source.strip()]
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
