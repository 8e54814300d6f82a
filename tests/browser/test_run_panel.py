"""The panel of a run, as a person sees it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW = """
import os, tempfile
from pathlib import Path
gate = Path(tempfile.mkdtemp()) / "go"
os.environ["SLOW_UNTIL"] = str(gate)
import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool
session = rf.connect(embedded=True, workers=WorkerPool(1, task_module="slow_tasks"))
run = rf.run("bria/background/remove", image=rf.samples.load("perfume"))
"""
PANEL = ".rfw-run"


def keep_picture(notebook, name):
    """A screenshot for whoever wants to look: set RUNFLOW_TEST_PICTURES to a folder."""
    if folder := os.environ.get("RUNFLOW_TEST_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        notebook.page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_a_run_shown_in_a_cell_is_alive_until_it_is_done(notebook, kind):
    page = notebook([SLOW, "run"], kind=kind)
    page.run_all()
    panel = page.page.locator(PANEL)

    panel.get_by_text("Running").wait_for()
    panel.locator("[role=progressbar][aria-valuenow='50']").wait_for()
    keep_picture(page, f"run-panel-{kind}-running")
    page.ask("gate.touch()")
    panel.get_by_text("Done").wait_for()
    panel.locator("img").wait_for()

    assert panel.locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 100
    assert "free: it ran here" in panel.inner_text()
    assert "Embedded" in panel.inner_text()
    assert panel.get_by_role("button", name="Cancel").count() == 0
    keep_picture(page, f"run-panel-{kind}-done")


def test_a_run_is_cancelled_with_its_button_and_by_keyboard(notebook):
    page = notebook([SLOW, "run"])
    page.run_all()
    panel = page.page.locator(PANEL)
    panel.get_by_text("Running").wait_for()

    panel.get_by_role("button", name="Cancel").focus()
    page.page.keyboard.press("Enter")
    panel.get_by_role("status").get_by_text("The run was cancelled").wait_for()

    page.until("run.done")
    assert page.ask("run.status") in ("canceled", "cancelled")


def test_the_panel_is_legible_in_the_dark(notebook):
    page = notebook([SLOW, "run"], dark=True)
    page.run_all()
    panel = page.page.locator(PANEL)
    panel.get_by_text("Running").wait_for()
    keep_picture(page, "run-panel-dark-running")
    page.ask("gate.touch()")
    panel.locator("img").wait_for()
    keep_picture(page, "run-panel-dark-done")

    # The page puts another panel in its place when what the notebook keeps of it is renewed.
    seen = page.page.wait_for_function(
        "(name) => { const look = getComputedStyle(document.querySelector(name) ?? new Image());"
        " return look.color ? [look.backgroundColor, look.color] : null; }",
        arg=PANEL,
    )
    ground, text = seen.json_value()

    assert brightness(ground) < 80
    assert brightness(text) > 180


def brightness(colour):
    channels = [float(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]
    return sum(channels) / 3


def test_two_displays_of_one_run_show_the_same(notebook):
    page = notebook([SLOW, "display(run)\ndisplay(run)"])
    page.run_all()
    page.page.locator(PANEL).nth(1).get_by_text("Running").wait_for()

    page.ask("gate.touch()")
    for index in range(2):
        page.page.locator(PANEL).nth(index).get_by_text("Done").wait_for()

    assert page.page.locator(PANEL).count() == 2


def test_a_page_loaded_anew_and_a_second_tab_follow_a_run_that_is_under_way(notebook):
    page = notebook([SLOW, "run"])
    page.run_all()
    page.page.locator(PANEL).get_by_text("Running").wait_for()
    page.save()

    second = page.page.context.new_page()
    second.goto(page.address, wait_until="commit")
    second.locator(PANEL).get_by_text("Running").wait_for()
    page.reload()
    page.page.locator(PANEL).get_by_text("Running").wait_for()
    page.ask("gate.touch()")

    for tab in (second, page.page):
        tab.locator(PANEL).get_by_text("Done").wait_for()
        tab.locator(f"{PANEL} img").wait_for()
    assert page.ask("[entry.status for entry in rf.runs() if entry.key == run.key]") == ["succeeded"]


def test_the_panel_goes_on_while_a_cell_blocks(notebook, tmp_path):
    seen = tmp_path / "seen"
    block = f"import time\ngate.touch()\nwhile not os.path.exists({str(seen)!r}): time.sleep(0.05)\nprint('over')"
    page = notebook([SLOW, "run", block])

    page.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.page.locator(PANEL).get_by_text("Done").wait_for()
    printed = page.outputs()[2]
    seen.touch()
    page.page.get_by_text("over", exact=True).wait_for()

    assert printed == []


def test_a_failed_run_says_why(notebook):
    page = notebook(
        ["import runflow_widgets as rf\nrun = rf.run('runflow/skin-fix', image=rf.samples.load('perfume'))\nrun"]
    )
    page.run_all()

    panel = page.page.locator(PANEL)
    panel.get_by_text("connect a key", exact=False).or_(panel.get_by_text("rf.connect", exact=False)).first.wait_for()

    assert panel.get_attribute("data-state") == "failed"
    keep_picture(page, "run-panel-failed")


def test_a_saved_notebook_keeps_the_result_as_a_picture(notebook, server):
    page = notebook([SLOW, "gate.touch(); run.result(); None", "run"])
    page.run_all()
    page.page.locator(PANEL).locator("img").wait_for()

    page.save()

    html = "".join(page.outputs()[2][0]["data"]["text/html"])
    assert "data:image/webp;base64," in html
    assert "bria/background/remove" in html


def test_a_run_leads_on_to_a_comparison_code_a_form_and_the_next_run(notebook):
    cell = (
        "import runflow_widgets as rf\nmug = rf.samples.load('tagged_mug').resize((220, 160))\n"
        "run = rf.run('runflow/tag-removal', image=mug)\nrun"
    )
    page = notebook([cell])
    page.run_all()
    panel = page.page.locator(PANEL).first
    panel.get_by_role("button", name="Compare").wait_for(timeout=60_000)

    with page.page.expect_download() as download:
        panel.get_by_role("button", name="Save").click()
    assert download.value.suggested_filename == "tag-removal-01.png"
    panel.get_by_role("button", name="Compare").click()
    page.page.locator(".rfw-cmp").get_by_role("slider").first.wait_for()
    keep_picture(page, "run-panel-compare")
    panel.get_by_role("button", name="Code", exact=True).click()
    panel.get_by_text("import runflow_widgets").wait_for()
    page.page.locator(".rfw-cmp").wait_for(state="detached")
    keep_picture(page, "run-panel-code")
    panel.get_by_role("button", name="Edit and run again").click()
    form = page.page.locator(".rfw-form")
    form.get_by_text("picture · 220 × 160 px").wait_for()
    panel.get_by_role("button", name="Use as input").click()
    page.page.get_by_role("combobox", name="Search models").wait_for()
    panel.get_by_role("button", name="Run again · runs here: free").click()
    page.page.locator(PANEL).nth(1).get_by_text("Done").wait_for(timeout=60_000)

    assert page.ask("len(rf.runs(model='tag-removal', since=str(run._entry.created_at)))") == 2


def test_the_saved_notebook_tells_how_the_run_ended(notebook):
    page = notebook([SLOW, "run"])
    page.run_all()
    page.page.locator(PANEL).get_by_text("Running").wait_for()

    page.ask("gate.touch()")
    page.page.locator(PANEL).locator("img").wait_for()
    page.page.wait_for_function(
        "() => panel.content.widgets[1].model.outputs.get(0).toJSON().data['text/html'].includes('Done')"
    )

    (output,) = page.outputs()[1]
    assert "free: it ran here" in output["data"]["text/html"]
    assert "data:image/webp;base64," in output["data"]["text/html"]


def test_a_notice_is_given_only_when_it_is_wanted(notebook):
    page = notebook([SLOW, "run"])
    page.page.context.grant_permissions(["notifications"])
    page.run_all()
    panel = page.page.locator(PANEL)
    panel.get_by_text("Running").wait_for()
    page.page.evaluate(
        """() => {
          window.told = [];
          window.Notification = class { constructor(title, { body }) { window.told.push(body); } };
          Notification.permission = "granted";
          Notification.requestPermission = async () => "granted";
          Object.defineProperty(document, "hidden", { value: true, configurable: true });
        }"""
    )

    panel.get_by_role("button", name="Notify me").click()
    page.until("__import__('runflow_widgets').widgets.run_cell.show(run).panel.notify")
    page.ask("gate.touch()")
    page.page.wait_for_function("() => window.told.length === 1 && document.title.startsWith('(1) ')")
    page.page.evaluate(
        """() => {
          Object.defineProperty(document, "hidden", { value: false, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )

    assert page.page.evaluate("() => window.told") == ["bria/background/remove: Done"]
    assert not page.page.evaluate("() => document.title.startsWith('(')")
