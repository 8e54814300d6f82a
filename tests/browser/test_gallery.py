"""The gallery in a page: runs appear in it, are looked through, chosen, compared, and it stays light with thousands."""

from __future__ import annotations

import io

import pytest
from looks import keep_picture
from PIL import Image

import runflow_widgets as rf

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SOME = (
    "import gallery_record\nfrom runflow_widgets.ledger import home\nimport runflow_widgets as rf\n"
    "ledger = gallery_record.some()\ngallery = rf.Gallery()\ngallery"
)
MANY = SOME.replace("some()", "many()")


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_a_run_is_found_chosen_saved_and_compared_with_another(notebook, kind):
    page = notebook([SOME], kind=kind)
    page.run_all()
    gallery = page.page.locator(".rfw-gal")
    gallery.get_by_text("8 runs", exact=True).wait_for()
    gallery.locator(".rfw-gal-card img").nth(4).wait_for()
    assert page.ask("__import__('runflow_widgets').__file__") == rf.__file__
    keep_picture(page, f"gallery-{kind}")

    gallery.get_by_role("searchbox", name="Search runs").fill("enamel MUG")
    gallery.get_by_text("1 of 8 runs").wait_for()
    gallery.locator(".rfw-gal-list").get_by_role("option", name="text-to-image").click()
    gallery.get_by_text("a red enamel mug").wait_for()
    page.until("gallery.value is not None and gallery.value.key == 'rfw-00004'")
    gallery.locator(".rfw-gal-picture").wait_for()
    keep_picture(page, f"gallery-{kind}-chosen")
    with page.page.expect_download() as download:
        gallery.get_by_role("button", name="Save", exact=True).click()
    gallery.get_by_role("button", name="Compare as A").click()
    gallery.get_by_role("searchbox", name="Search runs").fill("")
    gallery.get_by_text("8 runs", exact=True).wait_for()
    gallery.locator(".rfw-gal-list").get_by_role("option", name="bria/background/remove").first.click()
    page.until("gallery.value.key == 'rfw-00000'")
    gallery.get_by_role("button", name="Compare as B").click()
    page.until("all(gallery.pair)")
    gallery.get_by_role("button", name="Compare", exact=True).click()
    page.page.locator(".rfw-cmp").wait_for()
    keep_picture(page, f"gallery-{kind}-compared")

    saved = download.value.path().read_bytes()
    assert download.value.suggested_filename == "text-to-image-01.png"
    assert rf.settings_of(saved).inputs["seed"] == 77
    assert Image.open(io.BytesIO(saved)).format == "PNG"
    gallery.get_by_role("button", name="Close it").click()
    page.page.locator(".rfw-cmp").wait_for(state="detached")


def test_the_gallery_is_used_by_keyboard_alone(notebook):
    page = notebook([SOME])
    page.run_all()
    gallery = page.page.locator(".rfw-gal")
    gallery.get_by_text("8 runs", exact=True).wait_for()
    gallery.locator(".rfw-gal-card img").first.wait_for()
    keyboard = page.page.keyboard
    gallery.get_by_role("searchbox", name="Search runs").focus()

    keyboard.press("ArrowDown")
    keyboard.press("ArrowRight")
    keyboard.press("s")
    page.until("ledger.get('rfw-00001').starred")
    keyboard.press("a")
    page.until("gallery.pair == ['rfw-00001', '']")
    keyboard.press("End")
    keyboard.press("Home")
    keyboard.press("Enter")
    page.until("gallery.selected == 'rfw-00000'")
    gallery.get_by_role("button", name="Delete local copy").wait_for()
    keyboard.press("Escape")
    page.until("gallery.selected == ''")
    keyboard.press("x")
    keyboard.press("d")
    keyboard.press("d")

    assert page.page.evaluate("() => panel.content.widgets.length") == 1
    assert page.page.evaluate("() => document.activeElement.className") == "rfw-gal-list"


def test_a_press_chooses_what_it_began_on_whatever_changes_meanwhile(notebook):
    page = notebook([SOME])
    page.run_all()
    gallery = page.page.locator(".rfw-gal")
    card = gallery.locator(".rfw-gal-list").get_by_role("option", name="text-to-image")
    card.locator("img").hover()
    page.page.mouse.down()
    # A new run comes first, so that all others move on by a place.
    live = "rf.run('bria/background/remove', image=gallery_record.photo(), session=rf.connect(embedded=True))"
    page.ask(f"{live}.result(60).status")
    gallery.get_by_text("9 runs", exact=True).wait_for()
    page.page.mouse.up()

    page.until("gallery.selected == 'rfw-00004'")
    gallery.locator(".rfw-gal-picture").wait_for()
    gallery.locator(".rfw-gal-list").get_by_role("option", name="bria/background/remove, Done").first.wait_for()
    assert gallery.locator(".rfw-gal-card[aria-selected=true]").get_attribute("data-key") == "rfw-00004"

    gallery.locator(".rfw-gal-card[data-key=rfw-00001][aria-posinset='3']").hover()
    page.page.mouse.down()
    # And then it is no longer in the list at all.
    page.ask("setattr(gallery, 'search', 'words of no run')")
    gallery.locator(".rfw-gal-counted", has_text="No run fits.").wait_for()
    page.page.mouse.up()

    page.until("gallery.selected == 'rfw-00001'")
    gallery.locator(".rfw-gal-card").first.wait_for(state="detached")


def test_the_local_copy_is_deleted_after_a_question(notebook):
    page = notebook([SOME])
    page.run_all()
    gallery = page.page.locator(".rfw-gal")
    gallery.locator(".rfw-gal-list").get_by_role("option", name="bria/background/remove").first.click()

    gallery.get_by_role("button", name="Delete local copy").click()
    gallery.get_by_text("from this machine? The run stays").wait_for()
    keep_picture(page, "gallery-asks")
    gallery.get_by_role("button", name="Delete", exact=True).click()
    gallery.get_by_text("Deleted here").wait_for()

    assert page.ask("[path.name for path in (home() / 'outputs' / '00000').parent.iterdir()]").count("00000") == 0
    gallery.get_by_text("8 runs", exact=True).wait_for()


def test_a_run_that_costs_is_asked_about_and_not_sent_by_keyboard_alone(notebook):
    page = notebook([SOME.replace("rf.Gallery()", "rf.Gallery(session=gallery_record.costly(ledger))")])
    page.run_all()
    gallery = page.page.locator(".rfw-gal")
    gallery.locator(".rfw-gal-card[data-key=rfw-00004]").click()
    again, ask = gallery.get_by_role("button", name="Run again"), gallery.get_by_role("alertdialog")

    again.press("Enter")
    ask.get_by_text("Run bytedance/seedream/v4/text-to-image again? Price: ").wait_for()
    # Off since it was pressed, the button hears no key.
    page.page.keyboard.press("Escape")
    ask.wait_for(state="hidden")

    page.until("gallery.ask == {}")
    assert page.ask("gallery_record.costly.sent") == []


def test_three_thousand_runs_are_a_few_cards_and_a_run_of_this_kernel_appears(notebook):
    page = notebook([MANY])
    page.run_all()
    gallery = page.page.locator(".rfw-gal")
    gallery.get_by_text("3000 runs", exact=True).wait_for()
    gallery.locator(".rfw-gal-card img").first.wait_for()

    gallery.locator(".rfw-gal-list").evaluate("(list) => { list.scrollTop = list.scrollHeight / 2; }")
    gallery.locator(".rfw-gal-list").get_by_role("option", name="maker0/model").first.wait_for()
    cards = gallery.locator(".rfw-gal-card").count()
    gallery.get_by_role("searchbox", name="Search runs").fill("number 2900")
    gallery.get_by_text("1 of 3000 runs").wait_for()
    gallery.locator(".rfw-gal-card img").wait_for()
    gallery.get_by_role("searchbox", name="Search runs").fill("")
    live = "rf.run('bria/background/remove', image=gallery_record.photo(), session=rf.connect(embedded=True))"
    page.ask(f"{live}.result(60).status")
    gallery.get_by_text("3001 runs", exact=True).wait_for()
    gallery.locator(".rfw-gal-list").get_by_role("option", name="bria/background/remove, Done").wait_for()

    assert cards < 60


@pytest.mark.parametrize(
    ("name", "dark", "width"), [("dark", True, 1100), ("narrow", False, 460), ("wide", False, 1500)]
)
def test_the_gallery_fits_and_is_legible(notebook, name, dark, width):
    page = notebook([SOME.removesuffix("gallery") + "gallery.choose('rfw-00005')\ngallery"], dark=dark, width=width)
    page.run_all()
    gallery = page.page.locator(".rfw-gal")
    gallery.get_by_text("smaller than 64 px").wait_for()
    gallery.locator(".rfw-gal-card img").first.wait_for()
    keep_picture(page, f"gallery-{name}")

    assert gallery.evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")
    gallery.locator(".rfw-gal-list").get_by_role("option", name="text-to-image").click()
    gallery.get_by_role("button", name="Code", exact=True).click()
    gallery.get_by_text("rf.run(").wait_for()
    gallery.get_by_role("button", name="By model").click()
    gallery.get_by_role("cell", name="$0.03").wait_for()
    gallery.locator(".rfw-gal-picture").scroll_into_view_if_needed()
    keep_picture(page, f"gallery-{name}-code")
    assert gallery.evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")


def test_a_saved_notebook_keeps_a_table_of_the_runs(notebook):
    page = notebook([SOME])
    page.run_all()
    page.page.locator(".rfw-gal").get_by_text("8 runs", exact=True).wait_for()

    page.save()

    data = page.outputs()[0][0]["data"]
    html = "".join(data["text/html"])
    assert html.count("data:image/webp;base64,") == 5
    assert "The newest 8 of 8 runs" in html
    assert "enamel" not in "".join(map(str, page.outputs()))
