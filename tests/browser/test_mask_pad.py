"""The mask pad, drawn on with a real pointer."""

from __future__ import annotations

import pytest
from looks import keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAD = "import runflow_widgets as rf\npad = rf.MaskPad(rf.samples.load('picnic'))\npad"
VIEW = "(e) => { const v = e.closest('.rfw-ink').rfwDesk.view; return [v.x, v.y, v.scale, v.width, v.height]; }"
SETTLED = """(e) => {
  const desk = e.closest('.rfw-ink').rfwDesk;
  return desk?.root && !desk.awaited && desk.pending.length === 0;
}"""


class Surface:
    """The drawing area of a pad, in the picture's pixels."""

    def __init__(self, notebook, index=0):
        self.notebook, self.page = notebook, notebook.page
        self.pad = notebook.page.locator(".rfw-pad").nth(index)
        self.layer = self.pad.locator(".rfw-ink-layer")
        self.layer.wait_for()
        self.layer.scroll_into_view_if_needed()
        self.settled()

    def settled(self):
        """Wait until the canvas shows what the kernel last drew, and no ink waits."""
        self.page.wait_for_function(SETTLED, arg=self.layer.element_handle())

    def view(self):
        return self.layer.evaluate(VIEW)

    def at(self, x, y):
        """Where a place in the picture is on the page now."""
        box = self.layer.bounding_box()
        left, top, scale, width, _ = self.view()
        unit = box["width"] / width
        return box["x"] + (x - left) * scale * unit, box["y"] + (y - top) * scale * unit

    def under(self, x, y):
        """Which place in the picture is under a place on the page."""
        box = self.layer.bounding_box()
        left, top, scale, width, _ = self.view()
        unit = box["width"] / width
        return (x - box["x"]) / unit / scale + left, (y - box["y"]) / unit / scale + top

    def drag(self, *points, button="left", steps=4):
        mouse = self.page.mouse
        mouse.move(*self.at(*points[0]))
        mouse.down(button=button)
        for point in points[1:]:
            mouse.move(*self.at(*point), steps=steps)
        mouse.up(button=button)

    def click(self, x, y, **options):
        self.page.mouse.click(*self.at(x, y), **options)

    def tool(self, name):
        self.pad.get_by_role("button", name=name).first.click()

    def marked(self, *points):
        """Whether places in the picture are marked, once the kernel has heard all."""
        self.settled()
        return self.notebook.ask(f"[bool(pad.array[y, x]) for x, y in {points!r}]")

    def versions(self, count):
        self.notebook.until(f"pad.version >= {count}")


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_every_tool_marks_what_it_was_drawn_round(notebook, kind):
    page = notebook([PAD], kind=kind)
    page.run_all()
    surface = Surface(page)
    keep_picture(page, f"pad-{kind}-empty")

    surface.drag((200, 200), (600, 300), (700, 600))
    surface.versions(1)
    assert surface.marked((200, 200), (400, 250), (700, 590), (100, 100)) == [True, True, True, False]

    surface.drag((350, 200), (350, 300), button="right")
    surface.tool("Eraser")
    surface.drag((500, 230), (500, 330))
    surface.versions(3)
    assert surface.marked((350, 237), (500, 275), (420, 255)) == [False, False, True]

    surface.tool("Rectangle")
    surface.drag((800, 100), (1000, 200))
    surface.tool("Ellipse")
    surface.drag((800, 300), (1000, 500))
    surface.tool("Lasso")
    surface.drag((100, 600), (300, 600), (300, 800), (100, 800))
    surface.versions(6)
    assert surface.marked((805, 105), (995, 195), (1010, 150)) == [True, True, False]
    assert surface.marked((900, 400), (810, 310), (200, 700), (310, 700)) == [True, False, True, False]

    surface.tool("Polygon")
    for corner in ((500, 700), (700, 650), (700, 850)):
        surface.click(*corner)
    keep_picture(page, f"pad-{kind}-polygon")
    page.page.keyboard.press("Backspace")
    surface.click(720, 850)
    surface.click(500, 700)
    surface.versions(7)
    assert surface.marked((650, 740), (520, 660)) == [True, False]

    surface.tool("Fill")
    surface.click(900, 150, button="right")
    surface.versions(8)
    assert surface.marked((900, 150), (900, 400)) == [False, True]
    keep_picture(page, f"pad-{kind}-tools")


def test_every_step_is_undone_and_done_again_by_button_and_by_key(notebook):
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)
    surface.drag((200, 200), (600, 300))
    surface.versions(1)

    page.page.keyboard.press("i")
    surface.versions(2)
    assert surface.marked((100, 100), (400, 250)) == [True, False]
    page.page.keyboard.press("Control+z")
    page.page.keyboard.press("Control+z")
    surface.versions(4)
    assert page.ask("pad.coverage") == 0
    surface.pad.get_by_role("button", name="Redo").click()
    surface.versions(5)
    assert surface.marked((100, 100), (400, 250)) == [False, True]
    surface.pad.get_by_role("button", name="Clear").click()
    surface.versions(6)

    assert page.ask("(pad.coverage, pad.ink.undo, pad.ink.warning[:25])") == [0, "clear", "The mask marks nothing: p"]
    surface.pad.get_by_text("Nothing marked").wait_for()


def test_a_quick_hand_leaves_no_gaps_and_a_stroke_outlives_the_edge(notebook):
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)

    surface.drag((100, 450), (1100, 450), steps=3)
    surface.versions(1)
    assert page.ask("bool((pad.array[450, 100:1101] == 255).all())")

    mouse = page.page.mouse
    mouse.move(*surface.at(100, 700))
    mouse.down()
    mouse.move(*surface.at(-200, 700), steps=3)
    mouse.move(*surface.at(-200, 800), steps=2)
    mouse.move(*surface.at(300, 800), steps=3)
    mouse.up()
    surface.versions(2)

    assert surface.marked((2, 700), (2, 800), (250, 800), (150, 750)) == [True, True, True, False]
    assert page.ask("pad.version") == 2


BUSY = """
import time
from pathlib import Path
print("at work")
while not Path({gate!r}).exists(): time.sleep(0.02)
"over"
"""
INK = """(e) => {
  const ink = e.closest('.rfw-ink').rfwDesk.paper.ink;
  const seen = [];
  for (let at = 0; at < ink.length; at++) if (ink[at]) seen.push(at);
  return seen;
}"""


def test_strokes_during_a_busy_cell_are_seen_at_once_and_are_in_the_mask_to_the_pixel(notebook, tmp_path):
    gate = tmp_path / "gate"
    page = notebook([PAD, BUSY.format(gate=str(gate))])
    page.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    surface = Surface(page)
    # What the kernel says of itself is also about the threads of its widgets.
    page.page.locator(".jp-OutputArea-output", has_text="at work").wait_for()

    surface.drag((200, 200), (600, 300), (620, 500), steps=7)
    surface.drag((300, 600), (700, 700), steps=5)
    surface.tool("Ellipse")
    surface.drag((800, 300), (1001, 507))
    surface.tool("Lasso")
    surface.drag((800, 600), (1010, 633), (950, 800), (790, 660))
    seen = surface.layer.evaluate(INK)
    keep_picture(page, "pad-busy")
    gate.touch()
    surface.versions(4)
    surface.settled()

    marked = "__import__('runflow_widgets.painting.visible', fromlist=['_']).marked_on_screen"
    truth = page.ask(f"{marked}(pad.array, pad._core.screen.view).ravel().nonzero()[0].tolist()")
    assert len(seen) > 20_000
    assert seen == truth
    assert surface.layer.evaluate(INK) == []


def test_a_stroke_on_an_enlarged_part_lands_where_it_is_seen(notebook):
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)
    mouse, keyboard = page.page.mouse, page.page.keyboard
    # A wheel's place is told in whole pixels.
    place = [round(edge) for edge in surface.at(905, 585)]
    before = surface.under(*place)
    mouse.move(*place)

    keyboard.down("Control")
    for _ in range(4):
        mouse.wheel(0, -60)
    keyboard.up("Control")
    surface.settled()
    assert surface.view()[2] > 4
    assert surface.under(*place) == pytest.approx(before, abs=0.3)
    keep_picture(page, "pad-zoomed")

    page.page.keyboard.press("[")
    surface.drag((905, 585), (915, 590))
    surface.versions(1)
    assert surface.marked((905, 585), (915, 590), (905, 640)) == [True, True, False]
    surface.layer.focus()
    keyboard.press("0")
    surface.settled()
    page.until("pad._core.screen.view.scale == 0.6")
    mouse.wheel(0, 60)
    page.page.wait_for_function(
        "(top) => document.querySelector('.rfw-pad').getBoundingClientRect().top < top",
        arg=surface.layer.bounding_box()["y"] - 40,
    )
    assert surface.view()[2] == pytest.approx(0.6)


def test_looking_closer_fetches_sharp_pixels_and_moving_does_not_paint(notebook):
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)
    surface.click(10, 10)
    surface.versions(1)
    page.page.keyboard.press("1")
    surface.settled()
    x, y, scale, *_ = surface.view()
    assert scale == 1

    page.page.keyboard.down(" ")
    surface.drag((600, 450), (500, 400))
    page.page.keyboard.up(" ")
    surface.drag((600, 450), (580, 450), button="middle")
    surface.settled()

    moved = surface.view()
    assert (moved[0] - x, moved[1] - y) == (pytest.approx(120, abs=2), pytest.approx(50, abs=2))
    page.until(f"abs(pad._core.screen.view.x - {moved[0]}) < 0.01")
    assert page.ask("pad.version") == 1


def test_a_phone_photo_on_its_side_is_masked_upright(notebook):
    cell = (
        "import io, runflow_widgets as rf\nfrom PIL import Image\n"
        "photo = Image.new('RGB', (400, 200), 'navy'); photo.paste('orange', (0, 0, 100, 100))\n"
        "exif = Image.Exif(); exif[274] = 6\nfile = io.BytesIO(); photo.save(file, 'JPEG', exif=exif)\n"
        "pad = rf.MaskPad(file.getvalue())\npad"
    )
    page = notebook([cell])
    page.run_all()
    surface = Surface(page)

    surface.click(150, 50)
    surface.versions(1)

    assert page.ask("(pad.mask.size, pad.image.size)") == [[200, 400]] * 2
    assert page.ask("pad.image.getpixel((150, 50))[0]") > 200
    assert surface.marked((150, 50), (50, 150)) == [True, False]


def test_a_dense_screen_gets_as_many_pixels_as_it_has(notebook):
    page = notebook([PAD], ratio=2)
    page.run_all()
    surface = Surface(page)
    page.until("pad._core.screen.photo.width == 1440")
    surface.settled()
    keep_picture(page, "pad-dense")

    surface.drag((200, 200), (600, 300))
    surface.versions(1)

    assert surface.marked((200, 200), (400, 250), (400, 300)) == [True, True, False]
    assert surface.view()[2] == pytest.approx(1.2)


def test_a_mask_is_made_by_keyboard_alone(notebook):
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)
    keyboard = page.page.keyboard
    surface.layer.focus()

    for _ in range(3):
        keyboard.press("Shift+ArrowLeft")
    keyboard.down(" ")
    for _ in range(4):
        keyboard.press("Shift+ArrowUp")
    keyboard.up(" ")
    surface.versions(1)
    assert surface.marked((456, 450), (456, 300), (600, 450)) == [True, True, False]

    keyboard.press("r")
    keyboard.press("Enter")
    keyboard.press("Shift+ArrowRight")
    keyboard.press("Shift+ArrowDown")
    keyboard.press("Enter")
    surface.versions(2)
    assert page.ask("pad.ink.undo") == "rectangle"
    keep_picture(page, "pad-keyboard")

    keyboard.press("?")
    surface.pad.get_by_role("dialog", name="Keys").wait_for()
    keep_picture(page, "pad-help")
    keyboard.press("Escape")
    assert surface.pad.get_by_role("dialog", name="Keys").count() == 0
    keyboard.press("x")
    keyboard.press("Escape")
    assert page.page.evaluate("() => document.activeElement.closest('.rfw-pad') === null")
    assert page.page.evaluate("() => panel.content.widgets.length") == 1


def test_tab_goes_through_the_pad_and_out_of_it(notebook):
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)
    surface.pad.get_by_role("button", name="Brush").focus()
    where = "() => document.activeElement.closest('.rfw-pad') ? document.activeElement.className : 'outside'"

    page.page.keyboard.press("ArrowRight")
    assert page.page.evaluate("() => document.activeElement.title") == "Eraser (E)"
    page.page.keyboard.press("Tab")
    assert page.page.evaluate(where) == "rfw-ink-layer"
    page.page.keyboard.press("Tab")

    assert page.page.evaluate(where) == "outside"
    small = "(e) => e.offsetWidth && Math.min(e.offsetWidth, e.offsetHeight)"
    sizes = [button.evaluate(small) for button in surface.pad.get_by_role("button").all()]
    assert min(sizes) >= 24


def test_magic_select_marks_the_object_that_was_clicked_and_takes_it_away_again(notebook):
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)
    page.page.keyboard.press("Escape")
    surface.tool("Magic select")

    surface.click(935, 380)
    surface.versions(1)
    assert surface.marked((935, 380), (900, 350), (700, 380), (1150, 300)) == [True, True, False, False]
    keep_picture(page, "pad-magic")

    surface.drag((800, 250), (1080, 520), button="right")
    surface.versions(2)
    assert surface.marked((935, 380)) == [False]
    assert page.ask("pad.ink.undo") == "magic select"


def test_the_shadow_of_what_is_marked_is_added_by_a_button_and_undone(notebook):
    page = notebook([PAD])
    page.run_all()
    page.ask("pad.draw_ellipse(847, 289, 1025, 467)")
    surface = Surface(page)
    surface.tool("Refine")

    surface.tool("Add shadow")
    surface.versions(2)
    assert surface.marked((1050, 440), (1150, 300), (800, 300)) == [True, False, False]
    page.until("'shadow was added' in pad.ink.says")
    keep_picture(page, "pad-shadow")

    surface.tool("Undo")
    surface.versions(3)
    assert surface.marked((1050, 440), (935, 380)) == [False, True]


def test_the_mask_is_looked_at_alone_and_the_photo_while_a_key_is_held(notebook):
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)
    surface.drag((200, 200), (600, 300))
    surface.versions(1)
    mask = surface.pad.locator("canvas.rfw-pad-mask")
    visible = "(e) => getComputedStyle(e).visibility"

    page.page.keyboard.down("h")
    assert mask.evaluate(visible) == "hidden"
    page.page.keyboard.up("h")
    assert mask.evaluate(visible) == "visible"

    surface.pad.get_by_role("button", name="View").click()
    surface.pad.get_by_label("What is shown").select_option("mask")
    page.until("pad.ink.look == 'mask'")
    surface.drag((200, 500), (600, 500))
    surface.versions(2)
    surface.settled()
    keep_picture(page, "pad-mask-only")
    assert surface.pad.locator("canvas.rfw-pad-photo").evaluate(visible) == "hidden"
    assert mask.evaluate("(c) => [...c.getContext('2d').getImageData(240, 300, 1, 1).data]") == [255] * 4


def test_the_whole_screen_is_used_and_given_back(notebook):
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)

    surface.pad.get_by_role("button", name="Full screen").click()
    page.until("pad._core.screen.view.width > 1000")
    surface.settled()
    keep_picture(page, "pad-full-screen")
    surface.drag((200, 200), (600, 300))
    surface.versions(1)
    assert surface.marked((200, 200), (400, 250), (400, 400)) == [True, True, False]
    surface.pad.get_by_role("button", name="Full screen").click()

    page.until("pad._core.screen.view.width == 720")


def test_straight_lines_and_brush_sizes_have_their_modifiers(notebook):
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)
    keyboard, mouse = page.page.keyboard, page.page.mouse

    surface.click(100, 100)
    keyboard.down("Shift")
    surface.click(1000, 100)
    keyboard.up("Shift")
    surface.versions(2)
    assert page.ask("bool((pad.array[100, 100:1001] == 255).all())")

    keyboard.down("Alt")
    surface.drag((300, 300), (330, 300))
    keyboard.up("Alt")
    page.until("pad.ink.brush_px == 100")
    keyboard.press("]")
    page.until("pad.ink.brush_px == 112")
    keyboard.down("Alt")
    mouse.wheel(0, 30)
    keyboard.up("Alt")
    page.until("pad.ink.brush_px < 112")
    assert page.ask("pad.version") == 2
    assert surface.pad.locator(".rfw-ink-ring").bounding_box()["width"] == pytest.approx(59, abs=2)


def test_the_mask_outlives_a_reload_of_the_page_and_a_second_display(notebook):
    page = notebook([PAD, "pad"])
    page.run_all()
    surface = Surface(page)
    surface.drag((200, 200), (600, 300))
    surface.versions(1)
    second = Surface(page, 1)
    second.drag((200, 600), (600, 700))
    surface.versions(2)
    surface.settled()
    second.settled()
    page.save()

    page.page.reload()
    page.page.wait_for_function("() => document.querySelectorAll('.rfw-ink-layer').length >= 1", timeout=60_000)
    again = Surface(page)
    keep_picture(page, "pad-reloaded")
    painted = again.pad.locator("canvas.rfw-pad-mask").evaluate(
        "(c) => [[120, 120], [240, 390], [600, 480]]"
        ".map(([x, y]) => c.getContext('2d').getImageData(x, y, 1, 1).data[3])"
    )

    assert painted == [255, 255, 0]
    assert again.marked((200, 200), (400, 650)) == [True, True]
    again.drag((700, 200), (800, 200))
    page.until("pad.version >= 3")


def test_a_saved_notebook_shows_the_mask_as_it_was_left(notebook):
    page = notebook([PAD, "1 + 1"])
    page.run_all()
    surface = Surface(page)
    surface.drag((200, 200), (600, 300))
    surface.versions(1)
    before = page.outputs()[0][0]["data"]["image/png"]

    page.page.keyboard.press("Escape")
    page.page.wait_for_function(
        "(old) => panel.content.widgets[0].model.outputs.toJSON()[0].data['image/png'] !== old", arg=before
    )
    again = Surface(page)
    again.drag((200, 500), (600, 500))
    surface.versions(2)

    assert again.marked((400, 250), (400, 500)) == [True, True]


def test_a_kernel_that_was_restarted_brings_the_mask_back_by_its_key(notebook):
    cell = "import runflow_widgets as rf\npad = rf.MaskPad(rf.samples.load('picnic'), key='restart')\npad"
    page = notebook([cell])
    page.run_all()
    surface = Surface(page)
    surface.drag((200, 200), (600, 300))
    surface.versions(1)
    page.until("pad._core.background.quietly(lambda: True).result()")

    page.page.evaluate("() => panel.sessionContext.session.kernel.restart()")
    page.page.wait_for_function("() => panel.sessionContext.session.kernel.status === 'idle'")
    page.forget_kernel()
    page.run_all()
    page.page.wait_for_function("() => document.querySelectorAll('.rfw-ink-layer').length === 1")

    assert Surface(page).marked((400, 250), (400, 500)) == [True, False]


DROP = """(layer, [name, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: 'image/png' }));
  layer.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def test_a_dropped_mask_is_loaded_and_one_of_another_size_only_after_asking(notebook):
    import base64
    import io

    from PIL import Image

    mask = Image.new("L", (600, 450), 0)
    mask.paste(255, (0, 0, 300, 450))
    file = io.BytesIO()
    mask.save(file, "PNG")
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)

    surface.layer.evaluate(DROP, ["half.png", base64.b64encode(file.getvalue()).decode()])
    question = surface.pad.get_by_role("alertdialog")
    question.get_by_text("half.png is 600×450 px").wait_for()
    keep_picture(page, "pad-question")
    assert page.ask("pad.version") == 0
    question.get_by_role("button", name="Resize").click()
    surface.versions(1)
    assert surface.marked((590, 10), (610, 10)) == [True, False]

    surface.layer.evaluate(DROP, ["notes.png", base64.b64encode(b"no picture").decode()])
    surface.pad.get_by_text("notes.png: ").wait_for()
    assert page.ask("pad.version") == 1
    with page.page.expect_download() as download:
        surface.pad.get_by_role("button", name="Download the mask").click()
    with Image.open(download.value.path()) as saved:
        assert saved.size == (1200, 900)


TOUCH = """(layer, [name, id, x, y, type, pressure, buttons]) => layer.dispatchEvent(new PointerEvent(name, {
  pointerId: id, clientX: x, clientY: y, pointerType: type, pressure, buttons, button: name === 'pointermove' ? -1 : 0,
  bubbles: true, cancelable: true, isPrimary: true,
}))"""


def test_fingers_paint_pinch_and_rest_beside_a_pen(notebook):
    page = notebook([PAD])
    page.run_all()
    surface = Surface(page)
    # A made-up pointer cannot be captured; a real one is, in the tests above.
    surface.layer.evaluate("(e) => { e.setPointerCapture = () => {}; }")

    def touch(name, number, place, kind="touch", pressure=0.5):
        surface.layer.evaluate(TOUCH, [name, number, *surface.at(*place), kind, pressure, 1])

    touch("pointerdown", 7, (200, 200))
    touch("pointermove", 7, (400, 200))
    touch("pointerup", 7, (400, 200))
    surface.versions(1)
    assert surface.marked((300, 200)) == [True]

    touch("pointerdown", 7, (500, 400))
    touch("pointerdown", 8, (700, 400))
    one, other = surface.at(450, 400), surface.at(750, 400)
    for number, place in ((7, one), (8, other)):
        surface.layer.evaluate(TOUCH, ["pointermove", number, *place, "touch", 0.5, 1])
    touch("pointerup", 7, (500, 400))
    touch("pointerup", 8, (700, 400))
    surface.settled()
    assert surface.view()[2] == pytest.approx(0.6 * 1.5, rel=0.03)
    assert page.ask("pad.version") == 1

    touch("pointerdown", 9, (600, 300), "pen", 1.0)
    touch("pointerup", 9, (600, 300), "pen", 1.0)
    touch("pointerdown", 9, (600, 500), "pen", 0.1)
    touch("pointerup", 9, (600, 500), "pen", 0.1)
    touch("pointerdown", 7, (700, 600))
    touch("pointerup", 7, (700, 600))
    surface.versions(3)

    assert surface.marked((615, 300), (615, 500), (600, 500), (700, 600)) == [True, False, True, False]
    assert page.ask("pad.version") == 3


@pytest.mark.parametrize(("name", "dark", "width"), [("dark", True, 1100), ("narrow", False, 560)])
def test_the_pad_fits_and_is_legible(notebook, name, dark, width):
    page = notebook([PAD], dark=dark, width=width)
    page.run_all()
    surface = Surface(page)
    surface.drag((200, 200), (600, 300))
    surface.versions(1)
    surface.pad.get_by_role("button", name="Refine").click()
    surface.pad.get_by_role("button", name="View").click()
    surface.settled()
    keep_picture(page, f"pad-{name}")
    page.page.keyboard.press("v")
    page.until("pad.ink.look == 'outline'")
    surface.settled()
    keep_picture(page, f"pad-{name}-outline")

    assert surface.marked((400, 250)) == [True]
    fits = "(e) => e.scrollWidth <= e.parentElement.clientWidth + 1"
    assert surface.pad.evaluate(fits)
    page.page.set_viewport_size({"width": 320, "height": 800})
    page.page.wait_for_function("(e) => e.clientWidth < 300", arg=surface.pad.element_handle())
    page.page.wait_for_function(fits, arg=surface.pad.element_handle())
    keep_picture(page, f"pad-{name}-320")
    ground, text = surface.pad.evaluate(
        "(e) => [getComputedStyle(document.body).backgroundColor, getComputedStyle(e).color].map("
        "(c) => c.match(/[\\d.]+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3)"
    )
    assert abs(ground - text) > 120


def test_a_model_is_run_from_the_pad_and_its_result_kept_or_put_away(notebook):
    cell = (
        "import runflow_widgets as rf\n"
        "pad = rf.MaskPad(rf.samples.load('picnic').resize((400, 300)), model='runflow/object-removal')\npad"
    )
    page = notebook([cell])
    page.run_all()
    surface = Surface(page)
    surface.drag((310, 160), (330, 160))
    surface.versions(1)

    surface.pad.get_by_role("button", name="Run runflow/object-removal").click()
    surface.pad.get_by_role("button", name="Keep it").wait_for(timeout=60_000)
    keep_picture(page, "pad-result")
    assert page.ask("pad.image.getpixel((320, 160)) == pad._trials._result.getpixel((320, 160))") is False
    surface.pad.get_by_role("button", name="Discard it").click()
    surface.pad.get_by_role("button", name="Run runflow/object-removal").click()
    surface.pad.get_by_role("button", name="Keep it").click(timeout=60_000)
    page.until("pad.coverage == 0")

    assert page.ask("pad.image.getpixel((320, 160)) == pad._trials.run.image.getpixel((320, 160))")


def test_without_ink_ipycanvas_alone_takes_the_strokes(notebook):
    page = notebook([PAD.replace("('picnic')", "('picnic'), ink=False")])
    page.run_all()
    canvas = page.page.locator("canvas.rfw-pad-mask")
    canvas.wait_for()
    page.page.get_by_text("strokes trail the pointer").wait_for()
    box = canvas.bounding_box()

    mouse = page.page.mouse
    mouse.move(box["x"] + 120, box["y"] + 120)
    mouse.down()
    mouse.move(box["x"] + 360, box["y"] + 180, steps=8)
    mouse.up()
    page.until("pad.version == 1")
    keep_picture(page, "pad-plain")

    assert page.ask("[bool(pad.array[y, x]) for x, y in ((200, 200), (400, 250), (100, 500))]") == [True, True, False]
