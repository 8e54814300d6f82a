"""The image field, with files that are really dropped, pasted, chosen and typed."""

from __future__ import annotations

import base64
import io

import pytest
from looks import keep_picture
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIELD = "import runflow_widgets as rf\nfield = rf.ImageField(label='Photo')\nfield"


def png(width, height, noise=False):
    image = Image.effect_noise((width, height), 80) if noise else Image.linear_gradient("L").resize((width, height))
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


BRING = """(zone, [kind, name, type, data, text]) => {
  const transfer = new DataTransfer();
  if (data) transfer.items.add(new File([Uint8Array.from(atob(data), (one) => one.charCodeAt(0))], name, { type }));
  if (text) transfer.setData('text/plain', text);
  const options = { bubbles: true, cancelable: true };
  const event = kind === 'paste'
    ? new ClipboardEvent('paste', { ...options, clipboardData: transfer })
    : new DragEvent('drop', { ...options, dataTransfer: transfer });
  return zone.dispatchEvent(event);
}"""


def bring(zone, kind, name="", data=b"", mime="image/png", text=""):
    return zone.evaluate(BRING, [kind, name, mime, base64.b64encode(data).decode(), text])


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_pictures_are_chosen_dropped_pasted_and_typed(notebook, kind, tmp_path):
    page = notebook([FIELD], kind=kind)
    page.run_all()
    field = page.page.locator(".rfw-field")
    zone = field.locator(".rfw-field-zone")
    zone.wait_for()
    keep_picture(page, f"field-{kind}-empty")

    path = tmp_path / "chosen.png"
    path.write_bytes(png(300, 200))
    field.locator("input[type=file]").set_input_files(path)
    field.get_by_text("chosen.png · 300 × 200 px").wait_for()
    field.locator("img").wait_for()
    keep_picture(page, f"field-{kind}-chosen")

    assert bring(zone, "drop", "dropped.png", png(120, 90)) is False
    field.get_by_text("dropped.png · 120 × 90 px").wait_for()
    bring(zone, "paste", "image.png", png(64, 48))
    field.get_by_text("image.png · 64 × 48 px").wait_for()
    text = field.get_by_label("Path or address")
    text.fill(str(tmp_path / "cho"))
    field.locator(f"datalist option[value='{path}']").wait_for(state="attached")
    text.fill(str(path))
    text.press("Tab")
    field.get_by_text("chosen.png · 300 × 200 px").wait_for()
    page.until(f"field.value == {str(path)!r}")

    field.get_by_role("button", name="Clear").click()
    page.until("field.value is None")
    field.get_by_text("Drop a picture here").wait_for()


def test_a_file_of_many_megabytes_arrives_whole(notebook, tmp_path):
    page = notebook([FIELD])
    page.run_all()
    field = page.page.locator(".rfw-field")
    data = png(2600, 2400, noise=True) + bytes(6_000_000)
    assert len(data) > 11_000_000
    (tmp_path / "large.png").write_bytes(data)

    field.locator("input[type=file]").set_input_files(tmp_path / "large.png")
    field.get_by_text("large.png · 2600 × 2400 px").wait_for(timeout=60_000)

    assert page.ask("len(field.value.data)") == len(data)
    assert not field.locator("progress").is_visible()


def test_what_is_no_picture_is_refused_in_the_field_and_nothing_is_lost(notebook):
    page = notebook([FIELD])
    page.run_all()
    field = page.page.locator(".rfw-field")
    zone = field.locator(".rfw-field-zone")
    zone.wait_for()
    bring(zone, "drop", "good.png", png(120, 90))
    field.get_by_text("good.png · ").wait_for()

    bring(zone, "drop", "notes.pdf", b"%PDF-1.7", mime="application/pdf")
    field.get_by_text("notes.pdf is no picture").wait_for()
    bring(zone, "drop", "fake.png", b"%PDF-1.7")
    field.get_by_text("fake.png: The data is not a picture: it is a PDF").wait_for()
    keep_picture(page, "field-refused")

    assert page.ask("field.value.name") == "good.png"
    assert page.page.evaluate("() => panel.content.widgets.length") == 1


def test_variables_and_results_are_chosen_by_keyboard_alone(notebook):
    cell = "from PIL import Image\nlogo = Image.new('RGB', (90, 60), 'teal')\n" + FIELD
    page = notebook([cell])
    page.run_all()
    field = page.page.locator(".rfw-field")
    keyboard = page.page.keyboard

    field.get_by_role("button", name="From the notebook").focus()
    keyboard.press("Enter")
    field.get_by_role("option").first.wait_for()
    keep_picture(page, "field-offer")
    assert "picture, 90 × 60" in field.get_by_role("option").first.inner_text()
    keyboard.press("Enter")
    page.until("field.value is logo")
    keyboard.press("Enter")
    field.get_by_role("option").first.wait_for()
    keyboard.press("Escape")

    assert not field.get_by_role("listbox").is_visible()
    keyboard.press("x")
    keyboard.press("Escape")
    assert page.page.evaluate("() => document.activeElement.closest('.rfw-field') === null")
    assert page.page.evaluate("() => panel.content.widgets.length") == 1


def test_the_camera_takes_a_picture(notebook):
    page = notebook([FIELD])
    page.run_all()
    field = page.page.locator(".rfw-field")

    field.get_by_role("button", name="Camera").click()
    shoot = field.get_by_role("button", name="Take the picture")
    shoot.wait_for()
    page.page.wait_for_function("() => document.querySelector('.rfw-field video').videoWidth > 0")
    keep_picture(page, "field-camera")
    shoot.click()
    field.get_by_text("camera.jpg · ").wait_for()

    assert page.ask("field.image.width") > 100
    assert field.locator("video").count() == 0


@pytest.mark.parametrize(("name", "dark", "width"), [("dark", True, 1100), ("narrow", False, 460)])
def test_the_field_fits_and_is_legible(notebook, name, dark, width):
    page = notebook([FIELD.replace("Photo'", "Photo', value=rf.samples.load('perfume')")], dark=dark, width=width)
    page.run_all()
    field = page.page.locator(".rfw-field")
    field.locator("img").wait_for()
    keep_picture(page, f"field-{name}")

    assert field.evaluate("(e) => e.scrollWidth <= e.clientWidth + 1")
    heights = [one.evaluate("(e) => e.offsetHeight") for one in field.get_by_role("button").all() if one.is_visible()]
    assert min(heights) >= 24
