"""The compare view, as a person uses it: by mouse, by keyboard, by touch, in the dark, without a server."""

from __future__ import annotations

import base64
import io
import json
import os
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = ".rfw-cmp"
VIEW = ".rfw-cmp-view"

#: Red and blue, with a green spot in the blue one and a mask beside it.
PAIR = """
import numpy as np
from PIL import Image
import runflow_widgets as rf
red = Image.new("RGB", (600, 400), (200, 30, 30))
blue = Image.new("RGB", (600, 400), (30, 30, 200))
blue.paste((30, 200, 30), (400, 100, 500, 200))
mask = Image.new("L", (600, 400), 0)
mask.paste(255, (50, 50, 300, 350))
view = rf.compare(red, blue, mask=mask, labels=["Red", "Blue"])
"""
RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 200, 30)


def shown(page, *, dark=False, kind="lab", nth=0):
    """The view of a page that has drawn something and counted."""
    root = page.page.locator(ROOT).nth(nth)
    root.locator(".rfw-cmp-table").wait_for()
    root.and_(page.page.locator("[data-drawn=yes]")).wait_for()
    root.scroll_into_view_if_needed()
    return root


def keep(root, name):
    """A screenshot for whoever wants to look: set RUNFLOW_TEST_PICTURES to a folder."""
    if folder := os.environ.get("RUNFLOW_TEST_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        root.screenshot(path=Path(folder) / f"compare-{name}.png")


def pixel(root, x, y):
    """The colour at a place of the drawing, both from 0 to 1; read a frame after the last change."""
    return tuple(
        root.evaluate(
            """async (root, [x, y]) => {
              await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
              const canvas = root.querySelector(".rfw-cmp-canvas");
              const at = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
              return [...canvas.getContext("2d").getImageData(...at, 1, 1).data].slice(0, 3);
            }""",
            [x, y],
        )
    )


def near(found, wanted, by=6):
    return all(abs(one - other) <= by for one, other in zip(found, wanted, strict=True))


def place(root, x, y):
    """Where that is in the page."""
    box = root.locator(VIEW).bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def cells(page):
    return page.page.evaluate("() => panel.content.widgets.length")


def press(page, *keys):
    for key in keys:
        page.page.keyboard.press(key)


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_point_1_every_mode_by_keyboard_alone(notebook, kind):
    page = notebook([PAIR, "view"], kind=kind)
    page.run_all()
    root = shown(page)
    keep(root, f"{kind}-slider")

    def mode(key):
        root.locator(VIEW).focus()
        press(page, key)
        found = root.locator(".rfw-cmp-modes [aria-pressed=true]").get_attribute("aria-label")
        keep(root, f"{kind}-{found.lower().replace(' ', '-')}")
        return found

    assert near(pixel(root, 0.25, 0.9), RED)
    assert near(pixel(root, 0.72, 0.9), BLUE)
    assert mode("b") == "Side by side"
    assert (near(pixel(root, 0.05, 0.9), RED), near(pixel(root, 0.95, 0.9), BLUE)) == (True, True)
    assert mode("o") == "Overlay"
    assert near(pixel(root, 0.5, 0.9), (115, 30, 115))
    assert mode("f") == "Flip"
    assert near(pixel(root, 0.5, 0.9), RED)
    press(page, "Space")
    assert near(pixel(root, 0.5, 0.9), BLUE)
    press(page, "p")
    root.get_by_role("button", name="Blink").and_(page.page.locator("[aria-pressed=true]")).wait_for()
    page.page.emulate_media(reduced_motion="reduce")
    root.get_by_role("button", name="Blink").and_(page.page.locator("[aria-pressed=false]:disabled")).wait_for()
    assert mode("k") == "Checker"
    assert {near(pixel(root, 0.3 + step / 20, 0.9), RED) for step in range(6)} == {True, False}
    assert mode("d") == "Difference"
    assert near(pixel(root, 0.5, 0.9), (255, 246, 200))
    assert mode("h") == "Hover"
    page.page.mouse.move(*place(root, 0.3, 0.5))
    page.page.mouse.move(*place(root, 0.4, 0.5))
    assert near(pixel(root, 0.35, 0.9), RED)
    page.page.mouse.move(0, 0)
    page.until("0.1 < view.position < 0.5")
    assert mode("s") == "Slider"
    page.until("view.mode == 'slider'")
    assert cells(page) == 2


def test_point_2_zoom_and_place_are_linked_and_kept_when_the_mode_changes(notebook):
    page = notebook([PAIR, "view"])
    page.run_all()
    root = shown(page)
    x, y = place(root, 0.5, 0.5)
    page.page.mouse.move(x, y)
    page.page.keyboard.down("Control")
    page.page.mouse.wheel(0, -400)
    page.page.keyboard.up("Control")
    page.until("view.viewport[2] > 2")
    before = page.ask("view.viewport")

    page.page.mouse.move(*place(root, 0.8, 0.8))
    page.page.mouse.down()
    page.page.mouse.move(*place(root, 0.7, 0.7), steps=4)
    page.page.mouse.up()
    page.until("view.viewport[0] > 0.51")
    for key in "bkdo":
        root.locator(VIEW).focus()
        press(page, key)

    after = page.ask("view.viewport")
    page.until("view.mode == 'overlay'")
    assert after[2] == before[2]
    assert page.ask("view.viewport") == after
    assert root.locator(".rfw-cmp-map").is_visible()
    keep(root, "zoomed")
    root.locator(VIEW).focus()
    press(page, "Alt+ArrowRight", "Alt+Shift+ArrowDown", "0")
    page.until("view.offset == [1, 10] and view.viewport == [0.5, 0.5, 0]")


def test_point_3_other_sizes_are_flagged_and_matched_as_one_chooses(notebook):
    page = notebook([PAIR + "view = rf.compare(red, blue.resize((200, 200)))", "view"])
    page.run_all()
    root = shown(page)

    assert "600×400 and 200×200" in root.inner_text()
    assert "nothing is stretched" in root.inner_text()
    keep(root, "sizes")
    root.get_by_label("Pictures of other sizes").select_option("native")

    page.until("view.match == 'native'")
    root.locator(".rfw-cmp-notes").get_by_text("pixel for pixel", exact=False).wait_for()


def test_point_4_and_5_numbers_words_and_outlines_follow_the_threshold(notebook):
    page = notebook([PAIR + "view.kind = 'absolute'; view.mode = 'difference'", "view"])
    page.run_all()
    root = shown(page)
    assert "100 % of the pixels outside the mask changed, by 170 of 255 at most" in root.inner_text()
    edge = pixel(root, 0.5, 0.5)

    root.get_by_label("Gain").fill("0")
    page.until("view.gain == 1")
    assert near(pixel(root, 0.5, 0.9), (170, 0, 170))
    view = page.ask("view.threshold")
    root.get_by_role("button", name="Outline of the mask").click()
    page.until("view.outlined == False")
    press(page, "e")
    root.get_by_label("Threshold").fill("64")
    page.until("view.threshold == 64")

    root.get_by_text("changed by more than 64", exact=False).first.wait_for()
    assert view == 0
    assert edge != (0, 0, 0)
    keep(root, "outlines")
    assert_every_control_has_a_name_and_is_large_enough(root)


def assert_every_control_has_a_name_and_is_large_enough(root):
    found = root.evaluate(
        """(root) => [...root.querySelectorAll("button, select, input, [role=slider]")]
          .filter((one) => one.offsetParent)
          .map((one) => [one.ariaLabel || one.textContent.trim(), one.offsetWidth, one.offsetHeight])"""
    )

    assert len(found) > 15
    assert [name for name, width, height in found if not name or min(width, height) < 24] == []


def test_point_6_and_7_a_and_b_are_chosen_from_a_strip_and_by_number(notebook):
    many = PAIR + "view = rf.compare({'Red': red, 'Blue': blue, 'White': Image.new('RGB', (600, 400), 'white')})"
    page = notebook([many, "view"])
    page.run_all()
    root = shown(page)
    keep(root, "strip")

    root.get_by_role("button", name="White as B").click()
    page.until("view.pair == [0, 2]")
    assert near(pixel(root, 0.75, 0.9), (255, 255, 255))
    root.locator(VIEW).focus()
    press(page, "2")
    page.until("view.pair == [0, 1]")
    press(page, "Shift+Digit3")
    page.until("view.pair == [2, 1]")
    press(page, "x")
    page.until("view.pair == [1, 2]")
    press(page, "g")
    assert [near(pixel(root, x, 0.9), colour) for x, colour in ((0.1, RED), (0.5, BLUE), (0.9, (255, 255, 255)))]
    assert root.locator(".rfw-cmp-tag").count() == 3
    keep(root, "grid")


def test_point_8_the_divider_is_a_slider_for_mouse_and_keyboard(notebook):
    page = notebook([PAIR, "view"])
    page.run_all()
    root = shown(page)
    divider = root.get_by_role("slider", name="Divider")
    assert divider.get_attribute("aria-valuetext") == "50 % Red, 50 % Blue"

    divider.focus()
    press(page, "ArrowRight", "Shift+ArrowRight")
    page.until("view.position == 0.61")
    assert divider.get_attribute("aria-valuenow") == "61"
    press(page, "Home")
    page.until("view.position == 0")
    assert divider.get_attribute("aria-valuetext") == "Only Blue is seen"
    press(page, "End")
    page.until("view.position == 1")
    divider.dblclick(force=True)
    page.until("view.position == 0.5")
    page.page.mouse.move(*place(root, 0.5, 0.3))
    page.page.mouse.down()
    page.page.mouse.move(*place(root, 0.3, 0.3), steps=5)
    page.page.mouse.move(0, 0)
    page.page.mouse.up()

    page.until("view.position == 0")
    press(page, "t", "Home", "PageUp")
    page.until("view.turned and view.position == 0.1")
    assert near(pixel(root, 0.5, 0.05), RED)
    assert near(pixel(root, 0.3, 0.5), BLUE)


#: Waits until something is no longer where it was, and rests.
SCROLLED = """async (element, before) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  for (let last = before, still = 0; last === before || still < 10; ) {
    await frame();
    const { top } = element.getBoundingClientRect();
    still = top === last ? still + 1 : 0;
    last = top;
  }
}"""


def test_point_8_a_finger_divides_sideways_scrolls_the_page_upwards_and_two_zoom(notebook):
    page = notebook([PAIR, "view"])
    page.run_all()
    root = shown(page)
    assert root.locator(VIEW).evaluate("(view) => getComputedStyle(view).touchAction") == "pan-y"
    x, y = place(root, 0.7, 0.4)
    before = root.bounding_box()["y"]
    session = page.page.context.new_cdp_session(page.page)

    def touch(kind, *points):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]})

    touch("touchStart", (x, y))
    for step in range(1, 6):
        touch("touchMove", (x, y - 12 * step))
    touch("touchEnd")
    # The page goes on by itself for a while; the next touch is meant for where the view then is.
    root.evaluate(SCROLLED, before)
    unmoved = page.ask("view.position")
    root.locator(VIEW).scroll_into_view_if_needed()
    x, y = place(root, 0.7, 0.4)
    touch("touchStart", (x, y))
    for step in range(1, 6):
        touch("touchMove", (x - 20 * step, y))
    touch("touchEnd")

    page.until("view.position != 0.5")
    touch("touchStart", (x, y), (x + 40, y))
    for step in range(1, 6):
        touch("touchMove", (x - 20 * step, y), (x + 40 + 20 * step, y))
    touch("touchEnd")

    page.until("view.viewport[2] > 1.5")
    assert unmoved == 0.5
    assert page.ask("view.position") < 0.7


def test_keys_work_only_inside_and_tab_and_escape_leave(notebook):
    page = notebook([PAIR, "view"])
    page.run_all()
    root = shown(page)
    inside = "() => document.querySelector('.rfw-cmp').contains(document.activeElement)"

    root.locator(VIEW).focus()
    press(page, "x", "d", "b", "a", "c", "v", "0")
    page.until("view.pair == [1, 0]")
    assert cells(page) == 2
    press(page, "?")
    assert root.get_by_role("dialog").is_visible()
    keep(root, "help")
    press(page, "Escape")
    assert root.get_by_role("dialog").count() == 0
    assert page.page.evaluate(inside)
    press(page, "Escape")
    assert not page.page.evaluate(inside)
    root.locator(VIEW).focus()
    for _ in range(12):
        press(page, "Tab")
        if not page.page.evaluate(inside):
            break

    assert not page.page.evaluate(inside)
    assert page.ask("view.pair") == [1, 0]


def test_point_9_and_10_transparency_and_the_loupe(notebook):
    clear = "view = rf.compare(Image.new('RGBA', (600, 400), (200, 30, 30, 128)), blue)\nview.position = 1.0"
    page = notebook([PAIR + clear, "view"])
    page.run_all()
    root = shown(page)

    root.get_by_label("Background", exact=True).select_option("white")
    page.until("view.background == 'white'")
    assert near(pixel(root, 0.5, 0.9), (227, 142, 142), by=10)
    root.get_by_label("Background", exact=True).select_option("alpha")
    page.until("view.background == 'alpha'")
    assert near(pixel(root, 0.5, 0.9), (128, 128, 128), by=3)
    root.locator(VIEW).focus()
    press(page, "l")
    root.locator(".rfw-cmp-values").get_by_text("#c81e1e80", exact=False).wait_for()
    keep(root, "loupe")

    assert "#1e1ec8" in root.locator(".rfw-cmp-values").inner_text()


def test_point_11_files_are_downloaded_and_the_view_goes_full_screen(notebook):
    page = notebook([PAIR, "view"])
    page.run_all()
    root = shown(page)

    def download(name):
        root.get_by_role("button", name="Download").click()
        with page.page.expect_download() as found:
            root.get_by_role("menuitem", name=name).click()
        return Image.open(io.BytesIO(Path(found.value.path()).read_bytes()))

    original, split, seen = download("B: Blue"), download("Split"), download("What is seen")
    animation = download("GIF")

    assert (original.size, original.convert("RGB").getpixel((450, 150))) == ((600, 400), GREEN)
    assert [split.convert("RGB").getpixel((x, 390)) for x in (10, 590)] == [RED, BLUE]
    assert seen.width > 400
    assert animation.n_frames == 20
    page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    root.get_by_role("button", name="Copy").click()
    root.locator(".rfw-cmp-toast").get_by_text("Copied").wait_for()
    root.get_by_role("button", name="Full screen").click()
    page.page.wait_for_function("() => document.fullscreenElement?.classList.contains('rfw-cmp')")
    page.page.wait_for_function("() => document.querySelector('.rfw-cmp-view').clientHeight > 560")
    keep(root, "full-screen")
    root.get_by_role("button", name="Full screen").click()
    page.page.wait_for_function("() => !document.fullscreenElement")


def test_point_12_two_views_of_one_widget_move_together_and_python_moves_both(notebook):
    page = notebook([PAIR, "display(view)\ndisplay(view)"])
    page.run_all()
    first, second = shown(page, nth=0), shown(page, nth=1)

    divider = first.get_by_role("slider", name="Divider")
    divider.focus()
    press(page, "Home")
    page.page.wait_for_function(
        "() => [...document.querySelectorAll('.rfw-cmp-divider')].every((d) => d.getAttribute('aria-valuenow') === '0')"
    )

    assert near(pixel(second, 0.25, 0.9), BLUE)
    page.ask("[setattr(view, 'viewport', [0.2, 0.2, 4]), setattr(view, 'mode', 'flip')]")
    for root in (first, second):
        root.get_by_text("400 %").wait_for()
        root.locator(".rfw-cmp-modes [aria-pressed=true]").get_by_text("Flip").wait_for()


BIG = """
import threading, time
import numpy as np
from PIL import Image
import runflow_widgets as rf
rng = np.random.default_rng(0)
before = Image.fromarray(rng.integers(0, 256, (2000, 3000, 3), dtype=np.uint8))
after = before.copy()
after.paste((0, 0, 0), (0, 0, 1500, 2000))
view = rf.compare(before, after)
go = threading.Event()
"""


def test_sharp_tiles_come_when_zoomed_and_a_busy_kernel_leaves_previews_and_numbers(notebook, tmp_path):
    seen = tmp_path / "seen"
    block = f"import os\nwhile not os.path.exists({str(seen)!r}): time.sleep(0.05)\nprint('over')"
    page = notebook([BIG, "view", block])
    page.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    root = page.page.locator(ROOT)
    root.and_(page.page.locator("[data-drawn=yes]")).wait_for()

    # The kernel is busy: the preview is there, and everything that is done in the page works.
    root.locator(VIEW).focus()
    press(page, "z", "End")
    root.get_by_text("100 %").first.wait_for()
    preview = spread(root)
    # The numbers come all the same: they are not counted on the thread that the cell holds.
    root.locator(".rfw-cmp-table").wait_for()
    press(page, "d")
    root.get_by_text("Brighter / darker").wait_for()
    press(page, "s")
    seen.touch()
    page.page.get_by_text("over", exact=True).wait_for()
    press(page, "ArrowLeft")
    page.page.wait_for_function(f"(before) => ({SPREAD})(document.querySelector('{ROOT}')) > 1.5 * before", arg=preview)

    assert preview > 0
    keep(root, "tiles")


#: How much neighbours differ: noise is averaged away in a preview, and is there again in a tile.
SPREAD = """(root) => {
  const canvas = root.querySelector(".rfw-cmp-canvas");
  const { data } = canvas.getContext("2d").getImageData(Math.floor(canvas.width * 0.8), 20, 100, 100);
  let sum = 0;
  for (let at = 4; at < data.length; at += 4) sum += Math.abs(data[at] - data[at - 4]);
  return sum / (data.length / 4);
}"""


def spread(root):
    return root.evaluate(SPREAD)


def test_the_view_is_legible_in_the_dark_and_nothing_sticks_out_at_480_pixels(notebook):
    page = notebook([PAIR + "view.mode = 'difference'", "view"], dark=True)
    page.run_all()
    root = shown(page)
    keep(root, "dark")

    ground, text = root.evaluate("(e) => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]")

    assert brightness(ground) < 80
    assert brightness(text) > 180
    root.evaluate("(root) => { root.style.width = '480px'; }")
    page.page.wait_for_function(f"() => document.querySelector('{VIEW} canvas').clientWidth < 480")

    keep(root, "narrow")
    wide = root.evaluate(
        "(root) => [...root.querySelectorAll('*')].filter((one) => one.offsetParent && !one.closest('.rfw-cmp-unseen'))"
        ".map((one) => one.getBoundingClientRect().right - root.getBoundingClientRect().right)"
    )
    assert max(wide) <= 1


def brightness(colour):
    channels = [float(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]
    return sum(channels) / 3


def test_an_exported_page_shows_both_pictures_from_a_file_without_a_server(notebook, server, browser, tmp_path):
    page = notebook([PAIR, "view"])
    page.run_all()
    shown(page)
    page.save()
    name = page.page.evaluate("() => panel.context.path")
    html, _ = HTMLExporter().from_notebook_node(nbformat.read(server.root / name, as_version=4))
    (tmp_path / "page.html").write_text(html, encoding="utf-8")

    exported = browser.page()
    exported.goto((tmp_path / "page.html").as_uri(), wait_until="domcontentloaded")
    picture = exported.locator("img[src^='data:image/png']")
    picture.wait_for()

    data = picture.evaluate(
        """async (image) => {
          await image.decode();
          const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          const at = (x) => [...context.getImageData(x, canvas.height - 20, 1, 1).data].slice(0, 3);
          return [at(40), at(canvas.width - 40)];
        }"""
    )
    exported.context.close()
    # What the exporter itself would fetch from elsewhere was refused, and the pictures did not need it.
    browser.strayed.clear()
    assert (near(data[0], RED), near(data[1], BLUE)) == (True, True)


#: The smallest page that can show a widget: what was saved of it, and nobody to talk to.
BARE_PAGE = """<!doctype html><meta charset="utf-8"><style>%s</style><body style="width:900px"><div id="here"></div>
<script type="module">
const state = %s;
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer);
const read = (value) =>
  value?.base64 !== undefined ? bytes(value.base64)
  : Array.isArray(value) ? value.map(read)
  : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, read(v)]))
  : value;
const values = read(state);
const model = {
  get: (name) => values[name], set: (name, value) => { values[name] = value; },
  on() {}, off() {}, save_changes() {}, send() { throw new Error("there is no kernel"); },
};
const script = URL.createObjectURL(new Blob([%s], { type: "text/javascript" }));
const { default: widget } = await import(script);
widget.render({ model, el: document.getElementById("here") });
</script>"""


def saved_state(view):
    """The state as a saved notebook holds it: bytes as base64."""

    def written(value):
        if isinstance(value, bytes | memoryview):
            return {"base64": base64.b64encode(value).decode("ascii")}
        if isinstance(value, dict):
            return {name: written(entry) for name, entry in value.items()}
        return [written(entry) for entry in value] if isinstance(value, list | tuple) else value

    traits = [name for name in view.keys if not name.startswith("_") and name not in ("layout", "tabbable", "tooltip")]
    return json.dumps({name: written(getattr(view, name)) for name in traits})


def test_point_12_what_is_saved_is_a_working_slider_without_kernel_and_server(browser, tmp_path):
    namespace = {}
    exec(PAIR, namespace)
    view = namespace["view"]
    view.words()
    style, script = view._css, view._esm
    (tmp_path / "page.html").write_text(BARE_PAGE % (style, saved_state(view), json.dumps(str(script))), "utf-8")

    page = browser.page()
    page.goto((tmp_path / "page.html").as_uri())
    root = page.locator(f"{ROOT}[data-drawn=yes]")
    root.wait_for()
    divided = [near(pixel(root, x, 0.9), colour) for x, colour in ((0.25, RED), (0.75, BLUE))]
    root.get_by_role("slider", name="Divider").focus()
    page.keyboard.press("End")
    moved = near(pixel(root, 0.75, 0.9), RED)
    root.locator(VIEW).focus()
    page.keyboard.press("d")
    different = near(pixel(root, 0.5, 0.9), (255, 246, 200))
    # The other way round was never counted, so what is seen comes from the previews.
    root.locator(VIEW).focus()
    page.keyboard.press("x")
    rough = near(pixel(root, 0.5, 0.9), (255, 246, 200))

    faults = page.faults
    page.context.close()
    assert (divided, moved, different, rough, faults) == ([True, True], True, True, True, [])
