"""The Studio: the whole way for each of the four models, in a real page."""

from __future__ import annotations

import base64

import pytest
from looks import keep_picture

import runflow_widgets as rf

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STUDIO = "import runflow_widgets as rf\nstudio = rf.studio({arguments})\nstudio"
ZONE = ".rfw-form .rfw-field-zone"
#: What a studio begins with.
FIRST = "runflow/tag-removal"
DROP = """(zone, [name, data]) => {
  const transfer = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  transfer.items.add(new File([bytes], name, { type: 'image/jpeg' }));
  zone.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""


def open_studio(notebook, arguments="", **screen):
    page = notebook([STUDIO.format(arguments=arguments)], **screen)
    page.run_all()
    studio = page.page.locator(".rfw-studio")
    studio.get_by_role("button", name="Run", exact=True).wait_for()
    return page, studio


def drop(studio, sample):
    path = rf.samples.path(sample)
    zone = studio.locator(ZONE).first
    zone.evaluate(DROP, [path.name, base64.b64encode(path.read_bytes()).decode()])
    studio.get_by_text(f"{path.name} · ").first.wait_for()


def run(page, studio, versions):
    studio.get_by_role("button", name="Run", exact=True).click()
    studio.locator(".rfw-studio-card").nth(versions - 1).wait_for(timeout=90_000)
    page.until("studio.bar.busy == ''")


def test_the_first_result_takes_three_clicks_and_no_key(notebook):
    page, studio = open_studio(notebook, width=1500)

    studio.get_by_role("button", name="Remove the background").click()
    studio.get_by_role("button", name="Start from: A plant").click()
    studio.get_by_text("Started from: A plant.").wait_for()
    run(page, studio, 2)
    studio.locator(".rfw-cmp").get_by_role("slider").first.wait_for()
    keep_picture(page, "studio-first")

    assert page.ask("[v.label for v in studio.versions]") == ["plant", "Bria Background Remove"]


WAYS = [
    ("runflow/tag-removal", "Remove tags", "tagged_mug", None, "lab"),
    ("runflow/product-isolation", "Isolate the product", "perfume", None, "notebook"),
    ("bria/background/remove", "Remove the background", "plant", None, "lab"),
    ("runflow/object-removal", "Remove an object", "picnic", (0.79, 0.45), "lab"),
]


@pytest.mark.parametrize(("model", "task", "sample", "paint", "kind"), WAYS, ids=[way[0] for way in WAYS])
def test_the_whole_way(notebook, model, task, sample, paint, kind):
    """Drop a photo, choose, paint where needed, run, compare, go on, reload, restart: everything is still there."""
    key = model.replace("/", "-")
    page, studio = open_studio(notebook, f"key={key!r}", kind=kind, width=1500)

    before = studio.locator(ZONE).first.element_handle()
    studio.get_by_role("button", name=task).click()
    page.until(f"studio.form.model == {model!r}")
    if model != FIRST:
        # The page follows a moment later: what is dropped on the old form's field goes with it.
        page.page.wait_for_function("(zone) => !zone.isConnected", arg=before)
    drop(studio, sample)
    if model.endswith("isolation"):
        studio.get_by_label("Aspect ratio *").select_option("1:1")
        studio.get_by_label("Resolution *").select_option("1K")
    if paint:
        studio.get_by_role("button", name="Paint it on the photo").click()
        layer = studio.locator(".rfw-ink-layer")
        layer.wait_for()
        layer.scroll_into_view_if_needed()
        box = layer.bounding_box()
        x, y = box["x"] + paint[0] * box["width"], box["y"] + paint[1] * box["height"]
        page.page.mouse.move(x, y)
        page.page.mouse.down()
        page.page.mouse.move(x + 20, y + 10, steps=4)
        page.page.mouse.up()
        page.until("'mask' in studio.form.value")
        studio.get_by_role("button", name="Done painting").click()
    run(page, studio, 2)
    studio.locator(".rfw-cmp").get_by_role("slider").first.wait_for()
    studio.get_by_role("button", name="Go on from version 2").click()
    studio.get_by_text("Version 2 is the source now.").wait_for()
    page.until("studio.bar.source == 2")
    keep_picture(page, f"studio-{key}")

    page.save()
    page.reload()
    studio.locator(".rfw-studio-card").nth(1).wait_for(timeout=60_000)
    studio.locator(".rfw-cmp").get_by_role("slider").first.wait_for()
    page.restart()
    page.run_all()
    studio.locator(".rfw-studio-card").nth(1).wait_for(timeout=60_000)

    assert page.ask("[studio.form.model, studio.bar.source, [v.parent for v in studio.versions]]") == [
        model,
        2,
        [None, 1],
    ]


def test_a_run_is_cancelled_and_a_mistake_stands_at_its_field(notebook):
    setup = (
        "import os, tempfile\nfrom pathlib import Path\n"
        "os.environ['SLOW_UNTIL'] = str(Path(tempfile.mkdtemp()) / 'go')\n"
        "import runflow_widgets as rf\nfrom runflow_widgets.engine.workers import WorkerPool\n"
        "rf.connect(embedded=True, workers=WorkerPool(1, task_module='slow_tasks'))\nstudio = rf.studio()\nstudio"
    )
    page = notebook([setup])
    page.run_all()
    studio = page.page.locator(".rfw-studio")

    studio.get_by_label("Aspect ratio", exact=True).fill("very wide")
    page.until("studio.form.value.get('config') == {'aspect_ratio': 'very wide'}")
    studio.get_by_role("button", name="Run", exact=True).click()
    studio.get_by_role("button", name="is not an aspect ratio").wait_for()
    assert studio.get_by_label("Aspect ratio", exact=True).get_attribute("aria-invalid") == "true"
    studio.get_by_label("Aspect ratio", exact=True).fill("1:1")
    page.until("studio.form.value['config'] == {'aspect_ratio': '1:1'}")
    studio.get_by_role("button", name="Run", exact=True).click()
    studio.get_by_role("status").get_by_text("Running").wait_for()
    studio.get_by_role("button", name="Cancel").click()
    studio.get_by_role("status").get_by_text("The run was cancelled").wait_for()

    assert page.ask("len(studio.versions)") == 0


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_the_code_of_the_chain_is_a_cell_below(notebook, kind):
    page, studio = open_studio(notebook, "rf.samples.load('tagged_mug').resize((220, 160))", kind=kind)
    run(page, studio, 2)

    studio.get_by_role("button", name="Code as a cell below").click()
    studio.get_by_text("The code stands in the cell below.").wait_for()
    sources = page.page.evaluate("() => panel.content.widgets.map((cell) => cell.model.sharedModel.source)")

    assert len(sources) == 2
    assert sources[1] == page.ask("studio.code()")
    page.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.until("'step_1' in globals() and step_1.done", timeout_s=60)


def test_two_pages_on_one_kernel_show_the_same_studio(notebook):
    page, studio = open_studio(notebook, "rf.samples.load('tagged_mug').resize((220, 160))")
    page.save()
    other = page.page.context.new_page()
    other.goto(page.address)
    second = other.locator(".rfw-studio")
    second.get_by_role("button", name="Run", exact=True).wait_for(timeout=60_000)

    run(page, studio, 2)
    second.locator(".rfw-studio-card").nth(1).wait_for()
    second.get_by_role("button", name="Take out version 2").click()
    studio.locator(".rfw-studio-card").nth(1).wait_for(state="detached")
    other.close()

    assert page.ask("len(studio.versions)") == 1


def test_run_all_with_a_studio_in_it_goes_through(notebook):
    page = notebook([STUDIO.format(arguments=""), "run = studio.form.run()\nawait run\n1", "studio.image.size"])
    page.run_all()

    page.page.locator(".rfw-studio-card").nth(1).wait_for(timeout=90_000)
    assert page.ask("run.done")


@pytest.mark.parametrize(
    ("name", "screen"), [("dark", {"dark": True, "width": 1500}), ("narrow", {"width": 560}), ("wide", {"width": 1700})]
)
def test_the_studio_fits_and_is_legible(notebook, name, screen):
    page, studio = open_studio(notebook, "rf.samples.load('tagged_mug').resize((440, 320))", **screen)
    run(page, studio, 2)
    studio.locator(".rfw-cmp").get_by_role("slider").first.wait_for()
    page.page.set_viewport_size({"width": screen["width"], "height": 1500})
    studio.evaluate("(studio) => studio.scrollIntoView()")
    keep_picture(page, f"studio-{name}")

    assert studio.evaluate("(studio) => studio.scrollWidth <= studio.clientWidth + 1")
    form, right = (studio.locator(one).bounding_box() for one in (".rfw-form", ".rfw-studio-right"))
    assert (right["x"] > form["x"] + 100) == (name != "narrow")
