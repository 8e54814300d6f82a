"""Tutorials, opened in JupyterLab and run from top to bottom; all of them when RUNFLOW_TEST_PICTURES names a folder."""

from __future__ import annotations

import nbformat
import pytest
from looks import keep_picture
from tutorials import IN_A_BROWSER

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: What JupyterLab shows in place of a widget that cannot be shown.
BROKEN = "Error displaying widget|Loading widget|Error creating widget"


@pytest.mark.parametrize("path", IN_A_BROWSER, ids=[path.stem for path in IN_A_BROWSER])
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
