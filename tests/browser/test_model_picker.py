"""The model picker, searched and chosen from by pointer and keyboard."""

from __future__ import annotations

import pytest
from looks import keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PICKER = "import runflow_widgets as rf\npicker = rf.ModelPicker(favourites=[], recent=[])\npicker"


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_a_model_is_found_filtered_and_chosen(notebook, kind):
    page = notebook([PICKER], kind=kind)
    page.run_all()
    picker = page.page.locator(".rfw-pick")
    picker.get_by_text("51 of 51 models").wait_for()
    keep_picture(page, f"picker-{kind}")

    picker.get_by_role("combobox", name="Search models").fill("remove background")
    picker.get_by_role("button", name="Runs here").click()
    picker.get_by_text("bria/background/remove").click()
    page.until("picker.chosen == 'bria/background/remove'")
    keep_picture(page, f"picker-{kind}-found")

    picker.get_by_role("button", name="Favourite bria/background/remove").click()
    page.until("picker.favourites == ['bria/background/remove']")
    picker.get_by_role("combobox", name="Search models").fill("no such model anywhere")
    picker.get_by_text("No model fits").wait_for()
    assert page.ask("picker.value.id") == "bria/background/remove"


def test_a_model_is_chosen_by_keyboard_alone(notebook):
    page = notebook([PICKER])
    page.run_all()
    picker = page.page.locator(".rfw-pick")
    picker.get_by_text("51 of 51 models").wait_for()
    keyboard = page.page.keyboard
    picker.get_by_role("combobox", name="Search models").focus()

    keyboard.type("runflow")
    for _ in range(20):
        keyboard.press("ArrowDown")
    for _ in range(19):
        keyboard.press("ArrowUp")
    active = picker.locator(".rfw-pick-active").get_attribute("data-id")
    keyboard.press("Enter")
    page.until(f"picker.chosen == {active!r}")
    keyboard.press("Escape")
    picker.get_by_text("51 of 51 models").wait_for()
    keyboard.press("Escape")

    assert page.page.evaluate("() => document.activeElement.closest('.rfw-pick') === null")
    assert page.page.evaluate("() => panel.content.widgets.length") == 1


def test_five_thousand_models_are_a_few_rows_on_the_page(notebook):
    cell = (
        "import runflow_widgets as rf\nfrom runflow_widgets.catalogue import ModelSpec\n"
        "models = [ModelSpec(f'maker{n % 40}/model-{n:04d}', purpose='makes') for n in range(5000)]\n"
        "picker = rf.ModelPicker(models)\npicker"
    )
    page = notebook([cell])
    page.run_all()
    picker = page.page.locator(".rfw-pick")
    picker.get_by_text("5000 of 5000 models").wait_for()

    picker.get_by_role("combobox", name="Search models").fill("maker7 499")
    picker.get_by_text("maker7/model-4997").wait_for(state="detached")
    assert picker.locator(".rfw-pick-row").count() < 30
    picker.get_by_role("combobox", name="Search models").fill("")
    picker.locator(".rfw-pick-list").evaluate("(list) => { list.scrollTop = list.scrollHeight; }")
    picker.get_by_text("maker9/model-4969").wait_for()

    assert picker.locator(".rfw-pick-row").count() < 30


@pytest.mark.parametrize(("name", "dark", "width"), [("dark", True, 1100), ("narrow", False, 460)])
def test_the_picker_fits_and_is_legible(notebook, name, dark, width):
    page = notebook(
        [PICKER.removesuffix("\npicker") + "\npicker.chosen = 'runflow/tag-removal'\npicker"], dark=dark, width=width
    )
    page.run_all()
    picker = page.page.locator(".rfw-pick")
    picker.get_by_text("51 of 51 models").wait_for()
    keep_picture(page, f"picker-{name}")

    assert picker.evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")
    assert picker.locator(".rfw-pick-row[aria-selected=true]").get_attribute("data-id") == "runflow/tag-removal"
