"""What a cell shows while a recipe runs: how far each step is, and a table for each."""

from __future__ import annotations

import gc
import weakref

import pytest
from changes import until
from lent import Lent
from PIL import Image
from recording import wire  # noqa: F401
from service_of_steps import shop

import runflow_widgets as rf
from runflow_widgets.widgets.recipe_view import RecipeView, show_recipe

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def session(warm):
    return rf.connect(embedded=True, workers=Lent(warm))


def test_the_diagram_counts_and_each_step_has_its_table(wire, session, photos):  # noqa: F811
    done = shop().run(photos)

    view = RecipeView(done)
    until(view._diagram, lambda: view._diagram.value.count(">2/2<") == 4)
    done.result(60)

    assert view._tabs.titles == ("clean 2/2", "cut 2/2", "red 2/2", "again 2/2")
    cut = view._tables[1]
    until(cut, lambda: sorted(row["what"] for row in cut.rows) == ["photo 0", "photo 1"])
    assert repr(view) == repr(done)
    view.close()


def test_the_page_is_told_that_a_step_is_over_when_the_recipe_is(wire, slow, finish):  # noqa: F811
    """Then the page asks for what the notebook keeps; asked for by the last step's end, it could come too early."""
    recipe = rf.Recipe("two").then("a", "bria/background/remove").then("b", "runflow/tag-removal")
    done = recipe.run([Image.new("RGB", (8, 6))])
    view = RecipeView(done)
    told = []
    for table in view._tables:
        table.observe(lambda change: told.append((change["new"], done.done)), "settled")
    assert [table.settled for table in view._tables] == [-1, -1]

    finish()
    for table in view._tables:
        until(table, lambda table=table: table.settled == 1)

    assert told == [(1, True), (1, True)]
    view.close()


def test_stopping_it_sends_nothing_further(wire, slow, finish):  # noqa: F811
    recipe = rf.Recipe("two").then("a", "bria/background/remove").then("b", "runflow/tag-removal")
    done = recipe.run([Image.new("RGB", (8, 6), (number, 0, 0)) for number in range(4)], concurrency=1)
    view = RecipeView(done)

    view._stop.click()
    finish()
    done.result(60)

    assert "Nothing further is sent" in view._notice.value
    assert {item.status for item in done["b"].items} == {"not sent"}
    view.close()


def test_two_displays_show_the_same_view_and_a_saved_notebook_the_grid(wire, session, photos):  # noqa: F811
    done = shop().run(photos).result(60)

    first, second = done._repr_mimebundle_(), done._repr_mimebundle_()

    assert first[VIEW] == second[VIEW]
    assert "<svg" in first["text/html"]
    assert first["text/html"].count("<tr>") == 3
    assert first["text/plain"].startswith("RecipeRun(shop · of 2: 2 done")
    show_recipe(done).close()


def test_a_view_that_was_closed_is_forgotten_with_its_run(wire, session, photos):  # noqa: F811
    done = shop().run(photos).result(60)
    view = show_recipe(done)
    seen = weakref.ref(view)

    view.close()
    del view
    gc.collect()

    assert seen() is None
