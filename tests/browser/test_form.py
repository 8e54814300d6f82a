"""The form of a model, filled in and run by pointer and keyboard."""

from __future__ import annotations

import base64
import io

import pytest
from looks import keep_picture
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FORM = "import runflow_widgets as rf\nform = rf.form({model!r})\nform"
#: A connection to a service that answers in this kernel: prices and a balance, but no money.
PAID = """
import httpx, json, threading
import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session, use

created, go = [], threading.Event()

async def answer(request):
    if request.url.path == "/v1/billing/balance":
        return httpx.Response(200, json={"balance": "12.50"})
    if request.method == "POST":
        import asyncio
        await asyncio.to_thread(go.wait, 20)
        created.append(json.loads(request.content))
    done = {"id": "run-1", "status_code": "succeeded", "cost": "0.15", "output": {"seed": 99, "image_urls": []}}
    return httpx.Response(200, json=done)

client = Client("rf_live_0123456789", transport=httpx.MockTransport(answer), pace=Pace(scale=0))
use(Session(client, "remote", shared(), Ledger(), Catalogue.bundled()))
form = rf.form("google/nano-banana-pro", prompt="a cat", num_images=1)
form
"""
BRING = """(zone, [kind, name, data]) => {
  const transfer = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  transfer.items.add(new File([bytes], name, { type: 'image/png' }));
  const options = { bubbles: true, cancelable: true };
  zone.dispatchEvent(kind === 'paste'
    ? new ClipboardEvent('paste', { ...options, clipboardData: transfer })
    : new DragEvent('drop', { ...options, dataTransfer: transfer }));
}"""


def png(width, height):
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def open_form(notebook, cell, **screen):
    page = notebook([cell if "\n" in cell else FORM.format(model=cell)], **screen)
    page.run_all()
    form = page.page.locator(".rfw-form")
    form.get_by_role("button", name="Run", exact=True).wait_for()
    return page, form


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_a_form_is_filled_in_and_run_once(notebook, kind):
    page, form = open_form(notebook, "runflow/product-isolation", kind=kind)
    keep_picture(page, f"form-{kind}-empty")
    zone = form.locator(".rfw-field-zone")

    zone.evaluate(BRING, ["drop", "dropped.png", png(120, 90)])
    form.get_by_text("dropped.png · 120 × 90 px").wait_for()
    zone.evaluate(BRING, ["paste", "pasted.png", png(64, 48)])
    form.get_by_text("pasted.png · 64 × 48 px").wait_for()
    page.until("form.value['image_url'].name == 'pasted.png'")
    form.get_by_role("button", name="Start from: A bottle").click()
    form.get_by_text("Started from: A bottle.").wait_for()
    form.get_by_text("perfume.jpg · 880 × 1100 px").wait_for()
    form.get_by_label("Resolution *").select_option("2K")
    page.until("form.value['resolution'] == '2K' and form.value['aspect_ratio'] == '1:1'")
    form.get_by_role("button", name="Run", exact=True).dblclick()
    page.page.locator(".rfw-run[data-state=done]").wait_for(timeout=60_000)
    page.page.locator(".rfw-run").scroll_into_view_if_needed()
    keep_picture(page, f"form-{kind}-done")

    assert page.ask("[len(form.runs), max(form.runs[0].image.size)]") == [1, 2048]


SEVERAL = """(zone, files) => {
  const transfer = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: 'image/png' }));
  }
  zone.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""


def test_files_that_are_dropped_together_become_pictures_in_their_order(notebook):
    page, form = open_form(notebook, "google/nano-banana-pro/edit")

    form.locator(".rfw-form-pictures .rfw-field-zone").first.evaluate(
        SEVERAL, [[f"{width}.png", png(width, 40)] for width in (50, 60, 70)]
    )
    form.get_by_text("70.png · 70 × 40 px").wait_for()
    keep_picture(page, "form-several")

    page.until("[one.name for one in form.value['image_urls']] == ['50.png', '60.png', '70.png']")


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_what_is_missing_and_what_the_service_refuses_stands_at_its_field(notebook, kind):
    page, form = open_form(notebook, "runflow/tag-removal", kind=kind)

    form.get_by_role("button", name="Run", exact=True).click()
    problems = form.locator(".rfw-bar-problems")
    problems.get_by_role("button", name="Image is missing; it takes an image.").wait_for()
    page.page.wait_for_function("() => document.activeElement.matches('.rfw-bar-problems')")
    form.get_by_role("button", name="Start from: A mug with a tag").click()
    ratio = form.get_by_label("Aspect ratio", exact=True)
    ratio.fill("very wide")
    page.until("form.value.get('config') == {'aspect_ratio': 'very wide'}")
    form.get_by_role("button", name="Run", exact=True).click()
    jump = problems.get_by_role("button")
    jump.get_by_text("ratio").wait_for(timeout=30_000)
    page.page.wait_for_function("() => document.querySelector('.rfw-form [aria-invalid=true]')")
    keep_picture(page, "form-refused")
    assert ratio.get_attribute("aria-invalid") == "true"
    assert "ratio" in form.locator(f"#{ratio.get_attribute('aria-describedby')} .rfw-form-error").inner_text()
    jump.click()
    assert ratio.evaluate("(box) => box === document.activeElement")

    ratio.fill("1:1")
    problems.wait_for(state="hidden")
    page.page.wait_for_function("() => !document.querySelector('.rfw-form [aria-invalid=true]')")


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_the_price_follows_and_nothing_is_sent_twice_or_past_the_limit(notebook, kind):
    page, form = open_form(notebook, PAID, kind=kind)
    price, run = form.locator(".rfw-bar-price"), form.get_by_role("button", name="Run", exact=True)

    form.get_by_text("$12.50 left").wait_for()
    assert price.inner_text() == "$0.15"
    form.get_by_label("Number of images", exact=True).fill("3")
    form.get_by_text("3 images at $0.15 each").wait_for()
    assert price.inner_text() == "$0.45"
    form.get_by_label("How many runs").fill("2")
    form.get_by_label("How many runs").press("Tab")
    form.get_by_role("button", name="Run 2 times").wait_for()
    price.get_by_text("$0.90").wait_for()
    form.get_by_label("How many runs").fill("1")
    form.get_by_label("How many runs").press("Tab")
    page.ask("rf.budget(0.20) and 0")
    run.click()
    ask = form.get_by_role("alertdialog")
    ask.get_by_text("This run costs $0.45").wait_for()
    keep_picture(page, f"form-{kind}-asks")
    page.page.keyboard.press("Escape")
    ask.wait_for(state="hidden")
    assert page.ask("[len(created), len(form.runs)]") == [0, 0]

    run.click()
    ask.get_by_role("button", name="Send it all the same").click()
    starting = form.get_by_role("button", name="Starting…")
    starting.wait_for()
    assert starting.is_disabled()
    page.ask("go.set()")
    run.wait_for()
    form.get_by_text("The last run used 99.").wait_for()
    assert page.ask("[len(created), created[0]['input']]") == [1, {"prompt": "a cat", "num_images": 3}]


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_the_code_of_a_form_runs_in_the_next_cell(notebook, kind):
    cell = "import runflow_widgets as rf\nmug = rf.samples.load('tagged_mug').resize((220, 160))\n"
    page, form = open_form(notebook, cell + "form = rf.form('runflow/tag-removal')\nform", kind=kind)

    form.get_by_role("button", name="From the notebook").click()
    form.get_by_role("option", name="mug").click()
    page.until("form.value['image_url'] is mug")
    form.get_by_role("button", name="Code", exact=True).click()
    code = form.get_by_label("Code", exact=True)
    code.get_by_text("mug").wait_for()
    page.page.wait_for_timeout(0)
    keep_picture(page, "form-code")
    form.get_by_role("button", name="curl").click()
    code.get_by_text("curl").first.wait_for()
    assert "RUNFLOW_API_KEY" in code.inner_text()
    form.get_by_role("button", name="Python", exact=True).click()
    code.get_by_text("import runflow_widgets").wait_for()

    assert page.ask(f"(exec({code.inner_text()!r}), run.model, run.image.size == mug.size)[1:]") == [
        "runflow/tag-removal",
        True,
    ]


def test_json_is_changed_by_hand_and_taken_back(notebook):
    page, form = open_form(notebook, "import runflow_widgets as rf\nform = rf.form('ideogram/v3', seed=5)\nform")

    form.get_by_role("button", name="JSON").click()
    text = form.get_by_label("The values as JSON")
    page.page.wait_for_function("() => document.querySelector('.rfw-bar-json').value.includes('seed')")
    text.fill('{"prompt": "a cat",\n "seed" 7}')
    form.get_by_role("button", name="Fill in the form").click()
    form.get_by_text("Line 2").wait_for()
    assert page.ask("form.value") == {"seed": 5}
    text.fill('{"prompt": "a cat",\n "seed": 7, "image_size": {"width": 640, "height": 480}}')
    form.get_by_role("button", name="Fill in the form").click()
    form.get_by_text("Filled in from JSON.").wait_for()
    assert form.get_by_label("Prompt *").input_value() == "a cat"
    assert form.get_by_label("Width").input_value() == "640"
    form.get_by_role("button", name="Undo").click()
    form.get_by_text("Taken back.").wait_for()

    assert page.ask("form.value") == {"seed": 5}
    assert form.get_by_label("Seed", exact=True).input_value() == "5"


def test_a_mask_is_painted_in_place_and_the_run_uses_it(notebook):
    cell = "import runflow_widgets as rf\npicnic = rf.samples.load('picnic').resize((240, 160))\n"
    page, form = open_form(notebook, cell + "form = rf.form('runflow/object-removal', image=picnic)\nform")

    form.get_by_role("button", name="Paint it on the photo").click()
    layer = form.locator(".rfw-ink-layer")
    layer.wait_for()
    layer.scroll_into_view_if_needed()
    box = layer.bounding_box()
    mouse = page.page.mouse
    mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5, steps=6)
    mouse.up()
    page.until("'mask' in form.value and form.value['mask'].size == (240, 160)")
    keep_picture(page, "form-painting")
    form.get_by_role("button", name="Done painting").click()
    form.get_by_text("picture · 240 × 160 px").nth(1).wait_for()
    form.get_by_role("button", name="Run", exact=True).click()
    page.page.locator(".rfw-run[data-state=done]").wait_for(timeout=60_000)

    assert page.ask("form.runs[0].image.size") == [240, 160]


def test_another_model_is_chosen_in_the_form_and_keeps_what_fits(notebook):
    cell = "import runflow_widgets as rf\nform = rf.form('runflow/tag-removal', image_url='runflow://assets/1')\nform"
    page, form = open_form(notebook, cell)

    form.get_by_role("button", name="Change model…").click()
    form.get_by_role("combobox", name="Search models").fill("bria background")
    form.get_by_text("bria/background/remove").click()
    form.get_by_text("Kept: Image.").wait_for()
    form.get_by_role("combobox", name="Search models").wait_for(state="detached")
    keep_picture(page, "form-changed")

    assert page.ask("[form.model, form.value]") == ["bria/background/remove", {"image_url": "runflow://assets/1"}]


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_choosing_in_the_picker_shows_the_form(notebook, kind):
    page = notebook(
        ["import runflow_widgets as rf\npicker = rf.ModelPicker(favourites=[], recent=[])\npicker"], kind=kind
    )
    page.run_all()
    search = page.page.get_by_role("combobox", name="Search models")
    search.wait_for()

    search.fill("product isolation")
    search.press("ArrowDown")
    search.press("Enter")
    form = page.page.locator(".rfw-form")
    form.get_by_label("Resolution *").wait_for()
    form.get_by_role("button", name="Start from: A bottle").click()
    page.until("picker.form.value.get('resolution') == '1K'")
    keep_picture(page, f"form-{kind}-picker")

    assert page.ask("picker.form.model") == "runflow/product-isolation"


EVERYTHING = """
import runflow_widgets as rf
from decimal import Decimal
from runflow_widgets.catalogue import Field, ModelSpec, Price
config = Field("config", kind="json", label="Options", fields=(
    Field("ratio", suggested=("1:1",)), Field("steps", kind="integer")))
spec = ModelSpec("acme/everything", name="Everything", purpose="Asks for all there is.", completeness="complete",
    price=Price(Decimal("0.15"), "image"), inputs=(
    Field("prompt", required=True, max_length=800, description="What to see. " * 14),
    Field("image_urls", kind="image_list", max_items=3),
    Field("ratio", allowed=("1:1", "16:9", "9:16"), default="1:1"),
    Field("style", suggested=("photo", "drawing"), description="In a word."),
    Field("num_images", kind="integer", minimum=1, maximum=4, default=1),
    Field("seed", kind="integer"),
    Field("sync_mode", kind="boolean", default=False, description="Whether to wait."),
    Field("image_size", kind="size", suggested=("square_hd", "portrait_4_3")),
    Field("elements", kind="json", allowed=("tags", "people"), required=True),
    Field("points", kind="json", description="Where to look."), config))
form = rf.form(spec, num_images=9, image_size={"width": 640, "height": 480}, points=[[1, 2]], config={"steps": 4})
form
"""
UNNAMED = """() => [...document.querySelectorAll('.rfw-form :is(input, select, textarea, button)')]
  .filter((one) => one.offsetParent && !(one.labels?.length || one.getAttribute('aria-label') || one.title
    || one.textContent.trim()))
  .map((one) => one.outerHTML)"""


@pytest.mark.parametrize(
    ("name", "screen"),
    [("light", {}), ("dark", {"dark": True}), ("narrow", {"width": 440}), ("page", {"kind": "notebook"})],
)
def test_every_kind_of_input_has_its_label_and_fits(notebook, name, screen):
    page, form = open_form(notebook, EVERYTHING, **screen)
    form.get_by_label("Height").wait_for()
    page.page.set_viewport_size({"width": screen.get("width", 1100), "height": 1800})
    page.ask("form.validate() and 0")
    form.get_by_text("Prompt is missing").first.wait_for()
    page.page.wait_for_function("() => document.querySelector('.rfw-form textarea[aria-invalid=true]')")
    form.evaluate("(form) => form.scrollIntoView()")
    keep_picture(page, f"form-everything-{name}")

    assert page.page.evaluate(UNNAMED) == []
    assert form.evaluate("(form) => form.scrollWidth <= form.clientWidth + 1")
    assert form.get_by_label("Prompt *").get_attribute("aria-required") == "true"


def test_a_form_is_filled_in_by_keyboard_alone(notebook):
    page, form = open_form(notebook, EVERYTHING)
    keyboard = page.page.keyboard
    cells = page.page.evaluate("() => panel.content.widgets.length")
    form.get_by_label("Prompt *").focus()

    keyboard.type("a cat")
    page.until("form.value.get('prompt') == 'a cat'")
    form.get_by_label("people").focus()
    keyboard.press("Space")
    page.until("form.value.get('elements') == ['people']")
    form.get_by_role("button", name="More").focus()
    for key in "ddxcvmab":
        keyboard.press(key)
    form.get_by_role("slider").focus()
    keyboard.press("ArrowLeft")
    page.until("form.value['num_images'] in (2, 3)")
    form.get_by_role("button", name="Reset Num images").focus()
    keyboard.press("Enter")
    page.until("'num_images' not in form.value")

    assert page.page.evaluate("() => panel.content.widgets.length") == cells
