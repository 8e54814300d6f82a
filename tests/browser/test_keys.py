"""No key that is meant for a widget reaches the notebook, which would insert, cut or convert cells."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDGETS = """
import runflow_widgets as rf
photo = rf.samples.load('perfume').resize((88, 110))
display(rf.MaskPad(photo), rf.ImageField(), rf.ModelPicker(), rf.compare(photo, photo.rotate(90, expand=True)))
run = rf.run('bria/background/remove', image=photo).result()
display(run, rf.Gallery(), rf.studio(run.outputs[0].path))
display(rf.form('google/nano-banana-pro/edit', prompt='a cat', num_images=2))
"""
CELLS = "() => panel.content.widgets.map((cell) => cell.model.type + ':' + cell.model.sharedModel.source.length)"
FOCUSED = [
    (".rfw-ink-layer", "the pad"),
    (".rfw-ink-button[data-name=undo]", "a tool of the pad"),
    (".rfw-field-zone", "the field"),
    (".rfw-field-button[data-name=here]", "a button of the field"),
    (".rfw-pick-chip", "a filter of the picker"),
    ("[role=slider]", "the divider"),
    (".rfw-run-button[data-name=code]", "a button of a run's panel"),
    (".rfw-gal-card", "a card of the gallery"),
    (".rfw-studio-button", "a task of the Studio"),
    (".rfw-head-button", "the head of a form"),
    (".rfw-form textarea", "a text of a form"),
    (".rfw-form select", "a choice of a form"),
    (".rfw-form .rfw-form-reset", "the way back to a default"),
    (".rfw-form .noUi-handle", "a slider of a form"),
    (".rfw-bar-button[data-name=code]", "the foot of a form"),
]


def test_letters_pressed_in_a_widget_change_no_cell(notebook):
    page = notebook([WIDGETS, "1", "2"])
    page.run_all()
    page.page.locator(".rfw-ink-layer").wait_for()
    page.page.locator("[role=slider]").first.wait_for()
    before = page.page.evaluate(CELLS)

    for selector, name in FOCUSED:
        element = page.page.locator(f"{selector} >> visible=true").first
        element.scroll_into_view_if_needed()
        element.focus()
        for key in "abcdxvymzr10":
            page.page.keyboard.press(key)
            page.page.keyboard.press(key)
        assert page.page.evaluate(CELLS) == before, name
        assert not page.page.locator(".jp-Dialog").is_visible(), name
