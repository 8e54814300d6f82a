"""Closing: what stays open must not hold what is closed, or no page could be loaded anew."""

from __future__ import annotations

import asyncio
import gc
import weakref

import ipywidgets
import pytest
from ipywidgets.widgets import widget as registry
from PIL import Image
from recording import wire  # noqa: F401

import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.portal import shared
from runflow_widgets.widgets.run_cell import show

OBJECTS = "runflow/object-removal"


def photo():
    return Image.linear_gradient("L").resize((60, 40)).convert("RGB")


@pytest.fixture
def holding_what_is_closed():
    """Every open widget of the test that cannot be told to a page any more."""
    before = set(registry._instances)
    return lambda: _holding(before)


def _holding(before):
    found = []
    for widget in [one for key, one in registry._instances.items() if key not in before]:
        for name in widget.keys:
            value = getattr(widget, name)
            held = value if isinstance(value, list | tuple) else [value]
            found += [
                (type(widget).__name__, name) for one in held if isinstance(one, ipywidgets.Widget) and one.comm is None
            ]
    return found


def plain_pad():
    return rf.MaskPad(photo(), ink=False)


def painted_form():
    form = rf.form(OBJECTS, image=photo())
    mask = form._core.sheet._rows["mask"].control
    mask._paint.value = True
    mask.pad.draw_rect(5, 5, 20, 20)
    return form


def picker():
    picker = rf.ModelPicker(chosen=OBJECTS)
    picker._repr_mimebundle_()
    return picker


MAKERS = {
    "pad": lambda: rf.MaskPad(photo()),
    "plain pad": plain_pad,
    "field": rf.ImageField,
    "form": painted_form,
    "picker": picker,
    "compare": lambda: rf.compare(photo(), photo()),
    "gallery": rf.Gallery,
    "studio": lambda: rf.studio(photo()),
    "table": lambda: rf.RunTable().frame,
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_closed_is_held_by_nothing_that_is_open(wire, make, holding_what_is_closed):  # noqa: F811
    before = set(registry._instances)
    widget = make()

    widget.close()

    assert holding_what_is_closed() == []
    # Nor is a layout or a style left open, which ipywidgets makes for every widget and closes for none.
    assert [registry._instances[left] for left in set(registry._instances) - before] == []


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_closed_and_held_by_nobody_is_forgotten_with_its_pictures(wire, make):  # noqa: F811
    widget = make()
    watched = weakref.ref(widget)

    widget.close()
    del widget
    # ipycanvas remembers the canvas that was drawn on last.
    make().close()
    gc.collect()

    assert watched() is None


def test_another_model_and_another_photo_leave_nothing_behind_that_is_closed(wire, holding_what_is_closed):  # noqa: F811
    form = painted_form()

    form.use(Image.new("RGB", (30, 30)))
    assert holding_what_is_closed() == []
    form.value = {"image": photo(), "mask": photo()}
    assert holding_what_is_closed() == []
    form.model = "google/nano-banana-pro/edit"
    form.value = {"prompt": "a", "image_urls": [photo(), photo()]}
    form.value = {"prompt": "a", "image_urls": [photo()], "more": 1}
    assert holding_what_is_closed() == []
    form.undo()
    form.close()


def test_a_run_with_all_that_was_opened_from_it_closes_cleanly(wire, tmp_path, holding_what_is_closed):  # noqa: F811
    rf.connect(embedded=True, workers=WorkerPool(1, task_module="copy_tasks"))
    run = rf.run("bria/background/remove", image=photo()).result(60)
    view = show(run)

    for action in ("compare", "use", "edit"):
        view._act(action)
    view._act("again")
    assert holding_what_is_closed() == []
    view.close()

    assert holding_what_is_closed() == []


async def turns(count):
    """Let the portal do what it was about to do."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_run_whose_panel_is_closed_is_forgotten(wire, tmp_path):  # noqa: F811
    rf.connect(embedded=True, workers=WorkerPool(1, task_module="copy_tasks"))
    run = rf.run("bria/background/remove", image=photo()).result(60)
    assert show(run) is show(run)
    watched = weakref.ref(run)

    show(run).close()
    shared().call(turns(5))
    del run
    # First the view goes, and then the run that it was known by.
    gc.collect()
    gc.collect()

    assert watched() is None
