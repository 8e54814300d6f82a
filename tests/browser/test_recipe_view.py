"""A recipe while it runs, as a person sees it."""

from __future__ import annotations

import pytest
from looks import keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SET_UP = """
import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool
session = rf.connect(embedded=True, workers=WorkerPool(1, task_module="copy_tasks"))
photos = {name: rf.samples.load(name).resize((96, 96)) for name in ("perfume", "plant", "tagged_mug")}
tinted = {"color_red": 250, "color_green": 225, "color_blue": 215}
recipe = (
    rf.Recipe("shelf")
    .then("clean", "runflow/tag-removal")
    .fan_out("clean", {"cut": "bria/background/remove", "blush": ("runflow/background-color", tinted)})
)
recipe
"""


@pytest.mark.parametrize(("name", "screen"), [("light", {}), ("dark-narrow", {"dark": True, "width": 520})])
def test_a_recipe_is_drawn_run_and_kept_in_the_notebook(notebook, name, screen):
    page = notebook([SET_UP, "made = recipe.run(list(photos.values()))\nmade"], height=1000, **screen)
    page.run_all()
    drawn = page.page.locator(".jp-OutputArea-output svg")
    drawn.first.locator("text", has_text="clean").wait_for()
    view = page.page.locator(".jp-Cell").nth(1)
    view.get_by_role("tab", name="clean 3/3").wait_for(timeout=60_000)
    view.get_by_role("tab", name="blush 3/3").click()
    # JupyterLab keeps all tables, and shows the one that is chosen.
    view.locator(".rfw-runs:visible").get_by_text("Done").nth(2).wait_for()
    page.until("made.done")
    keep_picture(page, f"recipe-{name}")
    page.page.wait_for_function(
        "() => JSON.stringify(panel.content.widgets[1].model.outputs.toJSON()).includes('9 of 9')"
        " || JSON.stringify(panel.content.widgets[1].model.outputs.toJSON()).includes('3 done')"
    )

    assert drawn.first.evaluate("(svg) => svg.getBoundingClientRect().right <= innerWidth + 1")
    assert page.ask("[made['cut'].items[0].status, len(made['blush'].images)]") == ["succeeded", 3]
