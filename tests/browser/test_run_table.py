"""Many runs in one table, as a person sees them."""

from __future__ import annotations

import pytest
from looks import keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MANY = """
import os, tempfile
from pathlib import Path
import httpx
import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session, use
import base64, io
begun, going = {}, {"until": 60}
picture = io.BytesIO()
rf.samples.load("plant").resize((120, 90)).save(picture, "PNG")
picture = "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()

async def answer(request):
    if request.method == "POST":
        begun[run_id := f"run-{len(begun)}"] = 0
        return httpx.Response(201, json={"id": run_id, "status_code": "queued"})
    run_id = request.url.path.rpartition("/")[2]
    number = int(run_id[4:])
    if number >= going["until"]:
        return httpx.Response(200, json={"id": run_id, "status_code": "running" if number < 70 else "queued"})
    if number % 20 == 7:
        failed = {"status_code": "failed", "failure_code": "NSFW", "failure_message": "The picture was refused."}
        return httpx.Response(200, json={"id": run_id, **failed})
    done = {"status_code": "succeeded", "cost": "0.05", "output": {"image_urls": [picture]}, "duration_ms": 1234}
    return httpx.Response(200, json={"id": run_id, **done})

client = Client("rf_live_0123456789", transport=httpx.MockTransport(answer), pace=Pace(scale=0.05))
use(Session(client, "remote", shared(), Ledger(), Catalogue.bundled()))
runs = [rf.run("runflow/skin-fix", image_url=f"https://example.com/{number}.png") for number in range(COUNT)]
table = rf.RunTable(runs)
"""
TABLE = ".rfw-runs"


def open_table(notebook, count, **screen):
    page = notebook([MANY.replace("COUNT", str(count)), "table"], **screen)
    page.run_all()
    table = page.page.locator(TABLE)
    table.locator(".rfw-runs-row").first.wait_for()
    return page, table


def says(table, text):
    return table.locator(".rfw-runs-says").get_by_text(text)


def test_hundreds_of_runs_are_one_table_that_is_walked_by_keys(notebook):
    page, table = open_table(notebook, 300)

    says(table, "60 of 300 over: 57 done, 3 failed, 10 running, 230 waiting").wait_for(timeout=60_000)
    assert table.locator(".rfw-runs-row").count() < 20
    table.locator(".rfw-runs-row img:visible").first.wait_for()
    table.scroll_into_view_if_needed()
    keep_picture(page, "run-table-light")
    bar = table.get_by_role("progressbar")
    assert [bar.get_attribute(f"aria-value{name}") for name in ("now", "max")] == ["60", "300"]

    rows = table.get_by_role("listbox")
    rows.focus()
    page.page.keyboard.press("End")
    table.locator(".rfw-runs-active").get_by_text("299.png").wait_for()
    page.page.keyboard.press("Home")
    for _ in range(7):
        page.page.keyboard.press("ArrowDown")
    table.locator(".rfw-runs-active").get_by_text("The picture was refused").wait_for()
    page.page.keyboard.press("Enter")
    panel = page.page.locator(".rfw-run")
    panel.get_by_role("status").get_by_text("The run failed (NSFW): The picture was refused.").wait_for()
    panel.scroll_into_view_if_needed()
    keep_picture(page, "run-table-opened")
    page.page.keyboard.press("ArrowUp")
    page.page.keyboard.press("Enter")
    panel.locator("img").wait_for()
    assert panel.count() == 1
    page.page.keyboard.press("Enter")
    panel.wait_for(state="detached")
    assert page.page.evaluate("() => panel.content.widgets.length") == 2

    table.get_by_role("button", name="Stop waiting for all").click()
    says(table, "All 300 runs are over: 57 done, 3 failed, 240 stopped").wait_for(timeout=60_000)
    table.get_by_text("cost $2.85", exact=True).wait_for()
    assert table.get_by_role("button").count() == 0
    page.page.wait_for_function(
        "() => panel.content.widgets[1].model.outputs.get(0).toJSON().data['text/html'].includes('240 stopped')"
    )


@pytest.mark.parametrize(
    ("name", "screen"), [("dark", {"dark": True}), ("narrow", {"width": 440}), ("page", {"kind": "notebook"})]
)
def test_the_table_fits_and_survives_a_reload(notebook, name, screen):
    page, table = open_table(notebook, 90, **screen)
    says(table, "60 of 90 over").wait_for(timeout=60_000)
    table.locator(".rfw-runs-row img:visible").nth(3).wait_for()
    page.page.locator(TABLE).scroll_into_view_if_needed()
    keep_picture(page, f"run-table-{name}")
    assert table.evaluate("(table) => table.scrollWidth <= table.clientWidth + 1")

    page.save()
    page.reload()
    table.locator(".rfw-runs-row img:visible").nth(3).wait_for(timeout=60_000)
    page.ask("going.update(until=90)")
    says(table, "All 90 runs are over: 85 done, 5 failed").wait_for(timeout=60_000)

    assert table.locator(".rfw-runs-list").evaluate(
        "(list) => list.tabIndex === 0 && 'lmSuppressShortcuts' in list.dataset"
    )


def test_a_press_of_a_form_that_starts_six_runs_shows_one_table(notebook):
    form = "form = rf.form('google/nano-banana-pro', prompt='a plant', num_images=1)\nform"
    page = notebook([MANY.replace("COUNT", "0"), form])
    page.run_all()
    page.page.get_by_label("How many runs").fill("6")
    page.page.get_by_label("How many runs").press("Tab")

    page.page.get_by_role("button", name="Run 6 times").click()
    table = page.page.locator(TABLE)
    says(table, "All 6 runs are over: 6 done").wait_for(timeout=60_000)
    table.get_by_role("option").nth(2).click()
    page.page.locator(".rfw-run").get_by_role("button", name="Edit and run again").click()
    page.page.get_by_text("Filled in as for that run.").wait_for()
    table.scroll_into_view_if_needed()
    keep_picture(page, "run-table-form")

    assert page.page.locator(".rfw-run").count() == 1
    assert page.ask("form.value['seed'] == form.runs[2].inputs['seed']")


def test_a_folder_is_mapped_and_its_table_fills_while_the_cell_is_free(notebook):
    cell = (
        "import runflow_widgets as rf, tempfile\nfrom pathlib import Path\nfolder = Path(tempfile.mkdtemp())\n"
        "for name in ('perfume', 'plant', 'tagged_mug'):\n"
        "    rf.samples.load(name).resize((220, 260)).save(folder / f'{name}.png')\n"
        "results = rf.map('runflow/tag-removal', folder)\nresults"
    )
    page = notebook([cell, "late = rf.RunTable([])\nlate"])
    page.run_all()

    page.until("results.done", timeout_s=60)
    page.page.wait_for_function("() => document.querySelectorAll('.rfw-runs img[src^=blob]').length === 3")
    keep_picture(page, "run-table-mapped")
    page.page.wait_for_function(
        "() => panel.content.widgets[0].model.outputs.get(0).toJSON().data['text/html'].includes('3 done')"
    )
    assert page.ask("len(results.images)") == 3

    # Runs that are over before the page has heard of them are kept in the notebook too.
    page.ask("late.add(*(item.run for item in results))")
    page.page.wait_for_function(
        "() => panel.content.widgets[1].model.outputs.get(0).toJSON().data['text/html'].includes('3 done')"
    )
