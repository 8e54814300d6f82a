"""The mask pad without a page: what it takes, what it gives, what it says."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import zipfile

import httpx
import nbformat
import numpy as np
import pytest
from nbconvert import HTMLExporter, MarkdownExporter
from PIL import Image
from recording import say, wire  # noqa: F401

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.errors import InputError
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session, use


def photo(width=120, height=80, mode="RGB"):
    return Image.linear_gradient("L").resize((width, height)).convert(mode)


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def float32(*numbers):
    return np.array(numbers, np.float32).tobytes()


@pytest.fixture
def pad(wire):  # noqa: F811
    pad = rf.MaskPad(photo())
    yield pad
    pad.close()


# ---------------------------------------------------------------- what it takes


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA", "CMYK", "1", "I;16", "F"])
def test_every_kind_of_picture_is_taken_and_the_mask_has_its_size(mode):
    values = np.linspace(0, 1, 120 * 80, dtype=np.float32).reshape(80, 120)
    source = (
        Image.fromarray(values) if mode == "F"
        else Image.fromarray((values * 65535).astype(np.uint16)) if mode == "I;16"
        else photo().convert("L").convert(mode)
    )  # fmt: skip

    pad = rf.MaskPad(source)

    assert pad.mask.size == (120, 80)
    assert pad.mask.mode == "L"
    assert pad.preview().size == (120, 80)


def test_paths_bytes_arrays_and_results_are_taken(tmp_path):
    path = tmp_path / "shirt.png"
    path.write_bytes(png(photo()))
    shown = photo()
    shown.paste((30, 60, 190), (40, 20, 80, 60))
    run = rf.run("runflow/background-color", image=shown, color_red=255, color_green=0, color_blue=0).result(
        timeout_s=60
    )

    pads = [
        rf.MaskPad(source) for source in (path, str(path), path.read_bytes(), np.asarray(photo()), run, run.outputs[0])
    ]

    assert [pad.image.size for pad in pads[:4]] == [(120, 80)] * 4
    assert repr(pads[0]) == "MaskPad(shirt.png, 120×80 px, 0 % marked)"
    assert pads[4].image.size == pads[5].image.size == run.image.size


def test_a_rotated_phone_photo_is_turned_once_and_the_mask_fits_it(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / "phone.jpg"
    photo(120, 80).save(path, exif=exif)

    pad = rf.MaskPad(path)

    assert pad.image.size == pad.mask.size == (80, 120)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (b"no picture at all", "not a picture"),
        (b"", "not a picture"),
        (np.zeros((0, 5), np.uint8), "shape 0×5"),
        ("missing.png", "There is no file missing.png"),
        (7, "A int is not a picture"),
        ("http://127.0.0.1:9/a.png", "private address"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(source, sentence):
    with pytest.raises(rf.RunflowError, match=sentence) as refusal:
        rf.MaskPad(source)

    assert "\n" not in str(refusal.value)


def test_a_truncated_file_and_a_decompression_bomb_are_refused(tmp_path):
    whole = png(Image.effect_noise((300, 300), 90))
    bomb = Image.new("1", (30_000, 30_000))

    with pytest.raises(InputError, match="damaged or cut short"):
        rf.MaskPad(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="more pixels than are opened safely"):
        rf.MaskPad(png(bomb))


def test_a_run_without_a_result_is_no_picture():
    class Waiting:
        outputs = ()

    with pytest.raises(InputError, match="no result yet"):
        rf.MaskPad(Waiting())


# ---------------------------------------------------------------- painting from Python


def on_lawn(*, shaded):
    """A photo of a red ball on a lawn, with its shadow or without."""
    rng = np.random.default_rng(4)
    photo = np.full((240, 320, 3), (120, 160, 90), np.float32) + rng.normal(0, 4, (240, 320, 1))
    rows, columns = np.mgrid[:240, :320]
    if shaded:
        photo[((columns - 190) / 38) ** 2 + ((rows - 140) / 9) ** 2 < 1] *= 0.6
    photo[(columns - 150) ** 2 + (rows - 115) ** 2 < 30**2] = (200, 40, 40)
    return Image.fromarray(np.clip(photo, 0, 255).astype(np.uint8))


def test_the_shadow_of_a_marked_object_is_marked_as_one_step_that_can_be_undone():
    pad = rf.MaskPad(on_lawn(shaded=True))
    pad.draw_ellipse(118, 83, 182, 147)
    before = pad.array.copy()

    pad.add_shadow()

    assert pad.array[140, 200] == 255
    assert pad.array[200, 60] == pad.array[60, 250] == 0
    assert "added" in pad.ink.says
    pad.undo()
    assert (pad.array == before).all()


def test_where_there_is_no_shadow_the_pad_says_so_and_the_mask_stays():
    pad = rf.MaskPad(on_lawn(shaded=False))
    with pytest.raises(InputError, match="Mark the object first"):
        pad.add_shadow()
    pad.draw_ellipse(118, 83, 182, 147)
    before = pad.array.copy()

    pad.add_shadow()

    assert "No shadow" in pad.ink.says
    assert (pad.array == before).all()


def test_every_tool_has_a_twin_that_makes_an_undo_step(pad):
    pad.draw_stroke([(10, 10), (60, 10)], brush_px=8)
    pad.draw_rect(70, 10, 90, 30)
    pad.draw_ellipse(20, 40, 60, 70)
    pad.draw_polygon([(80, 40), (110, 40), (95, 75)])
    pad.grow(2)
    pad.shrink(1)
    pad.smooth(3)
    pad.draw_rect(0, 0, 3, 3)
    pad.remove_specks(4)
    pad.draw_ellipse(35, 50, 45, 60, erase=True)
    pad.fill_holes()
    pad.fill_at(0, 79)
    pad.invert()

    steps = pad._core.sheet.step_names
    assert steps == (
        "stroke", "rectangle", "ellipse", "polygon", "grow", "shrink", "smooth", "rectangle", "remove specks",
        "ellipse", "fill holes", "fill", "invert",
    )  # fmt: skip
    assert pad.version == len(steps)
    for _ in steps:
        pad.undo()
    assert pad.coverage == 0
    for _ in steps:
        pad.redo()
    assert pad.ink.undo == steps[-1]


def test_a_stroke_marks_and_an_eraser_unmarks(pad):
    pad.draw_stroke([(10, 40), (110, 40)], brush_px=20)
    pad.draw_stroke([(60, 40)], brush_px=10, erase=True)

    assert pad.array[40, 20] == 255
    assert pad.array[40, 60] == 0
    assert sorted(np.unique(pad.array)) == [0, 255]
    assert pad.bbox == (0, 30, 120, 50)
    assert 0 < pad.coverage < 0.25


def test_the_mask_handed_out_is_a_copy(pad):
    pad.draw_rect(0, 0, 10, 10)

    pad.array[:] = 7
    pad.mask.paste(9, (0, 0, 50, 50))

    assert pad.array.sum() == 255 * 100


def test_the_version_can_be_observed(pad):
    seen = []
    pad.observe(lambda change: seen.append((change["new"], pad.coverage > 0)), "version")

    pad.draw_rect(0, 0, 10, 10)
    pad.undo()

    assert seen == [(1, True), (2, False)]


def test_magic_select_marks_the_object_at_a_point_and_in_a_box():
    picture = Image.new("RGB", (240, 180), (40, 120, 50))
    picture.paste((220, 60, 40), (80, 50, 160, 130))
    pad = rf.MaskPad(picture)

    pad.select_at(120, 90)
    one = pad.coverage
    pad.clear()
    pad.select_box(65, 35, 175, 145)

    assert one == pytest.approx(80 * 80 / (240 * 180), rel=0.06)
    assert pad.coverage == pytest.approx(one, rel=0.06)
    pad.select_at(120, 90, how="subtract")
    assert pad.coverage < one / 20


def test_a_segmenter_of_ones_own_is_asked_also_if_it_is_async():
    asked = []

    async def segmenter(*, photo, point=None, box=None):
        asked.append((photo.shape, point, box))
        mask = np.zeros(photo.shape[:2], bool)
        mask[10:20, 30:50] = True
        return mask

    pad = rf.MaskPad(photo(), segmenter=segmenter)
    pad.select_at(35, 15)
    pad.segmenter = lambda **where: None

    assert asked == [((80, 120, 3), (35, 15), None)]
    assert pad.bbox == (30, 10, 50, 20)
    assert pad.ink.undo == "magic select"
    with pytest.raises(InputError, match="gave nothing"):
        pad.select_box(0, 0, 10, 10)


def test_masks_are_loaded_and_the_size_must_fit(pad):
    half = Image.new("L", (60, 40), 0)
    half.paste(255, (0, 0, 30, 40))

    with pytest.raises(InputError, match=r"60×40 px.*120×80 px"):
        pad.load(half)
    assert pad.version == 0
    pad.load(half, resize=True)

    assert pad.bbox == (0, 0, 60, 80)


def test_greys_in_a_loaded_mask_are_cut_and_said(pad):
    pad.load(photo())

    assert set(np.unique(pad.array)) == {0, 255}
    assert "grey" in pad.ink.says


def test_what_is_transparent_becomes_the_mask():
    picture = photo(mode="RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 60, 80))

    pad = rf.MaskPad(picture)
    pad.from_alpha()

    assert pad.bbox == (0, 0, 60, 80)
    with pytest.raises(InputError, match="no transparency"):
        rf.MaskPad(photo()).from_alpha()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda pad: pad.draw_stroke([]), "no points"),
        (lambda pad: pad.draw_polygon([(1, 1), (2, 2)]), "three corners"),
        (lambda pad: pad.fill_at(500, 2), "outside the picture"),
        (lambda pad: pad.grow(0), "px"),
        (lambda pad: pad.load(b"nonsense"), "not a picture"),
    ],
)
def test_a_wrong_call_changes_nothing_and_says_why(pad, call, sentence):
    pad.draw_rect(0, 0, 10, 10)

    with pytest.raises(InputError, match=sentence):
        call(pad)

    assert (pad.version, pad.array.sum()) == (1, 255 * 100)


# ---------------------------------------------------------------- what it gives


def test_the_mask_is_exported_as_each_model_wants_it(pad):
    pad.draw_rect(0, 0, 60, 80)

    white = pad.mask_for("runflow/object-removal")
    black = pad.mask_for("ideogram/v3/edit")
    soft = pad.mask_for("runflow/object-removal", feather_px=10)

    assert [white.getpixel((10, 10)), black.getpixel((10, 10))] == [255, 0]
    assert pad.ink.says.startswith("Unconfirmed through Runflow")
    assert 0 < soft.getpixel((60, 40)) < 255
    assert set(np.unique(pad.array)) == {0, 255}


def test_each_convention_has_a_name_of_its_own(pad):
    pad.draw_rect(0, 0, 60, 80)

    marked = [picture.getpixel((10, 10)) for picture in (pad.white_edit(), pad.black_edit(), pad.alpha_zero())]

    assert marked[:2] == [255, 0]
    assert marked[2][3] == 0


def test_the_zip_is_what_object_removal_takes(pad):
    pad.draw_rect(10, 10, 60, 60)

    with zipfile.ZipFile(io.BytesIO(pad.to_zip())) as archive:
        assert sorted(archive.namelist()) == ["mask.png", "photo.png"]
    run = rf.run("runflow/object-removal", image=pad.image, mask=pad.mask).result(timeout_s=100)

    assert run.image.size == pad.image.size


def test_a_saved_notebook_has_a_picture_of_photo_and_mask(pad):
    empty = pad._bundle()["image/png"]
    pad.draw_rect(0, 0, 60, 80)

    bundle = pad._bundle()

    assert bundle["text/plain"] == "MaskPad(picture, 120×80 px, 50 % marked)"
    assert "application/vnd.jupyter.widget-view+json" in bundle
    shown = Image.open(io.BytesIO(bundle["image/png"])).convert("RGB")
    left, right = shown.getpixel((30, 40)), shown.getpixel((90, 40))
    assert left[0] > left[1] + 50
    assert right[0] == right[1]
    assert empty != bundle["image/png"]


@pytest.mark.parametrize("exporter", [HTMLExporter, MarkdownExporter])
def test_exports_show_the_picture(pad, exporter):
    import base64

    data = pad._bundle()
    data["image/png"] = base64.b64encode(data["image/png"]).decode()
    notebook = nbformat.v4.new_notebook()
    output = nbformat.v4.new_output("display_data", data)
    notebook.cells = [nbformat.v4.new_code_cell("pad", outputs=[output])]

    text, resources = exporter().from_notebook_node(notebook)

    assert "data:image/png;base64" in text or any(name.endswith(".png") for name in resources["outputs"])


def test_large_previews_are_made_small():
    assert rf.MaskPad(Image.new("RGB", (3000, 1500))).preview().size == (1024, 512)


# ---------------------------------------------------------------- what is kept


def test_a_pad_with_the_same_key_and_photo_goes_on_where_the_last_one_stopped():
    first = rf.MaskPad(photo(), key="shirt / front")
    first.draw_rect(0, 0, 60, 80)
    first.close()

    again = rf.MaskPad(photo(), key="shirt / front")
    other_photo = rf.MaskPad(photo(100, 80), key="shirt / front")
    other_key = rf.MaskPad(photo(), key="back")
    given = rf.MaskPad(photo(), key="shirt / front", mask=Image.new("L", (120, 80), 255))

    assert again.bbox == (0, 0, 60, 80)
    assert again.ink.says
    assert [pad.coverage for pad in (other_photo, other_key)] == [0, 0]
    assert given.coverage == 1
    again.undo()
    assert again.coverage == 0


@pytest.mark.slow
def test_what_was_painted_last_is_kept_when_the_process_ends_at_once():
    code = (
        "import runflow_widgets as rf, numpy as np\n"
        "pad = rf.MaskPad(np.zeros((400, 600, 3), np.uint8), key='k')\n"
        "for x in range(20): pad.draw_rect(x * 30, 0, x * 30 + 15, 400)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

    pad = rf.MaskPad(np.zeros((400, 600, 3), np.uint8), key="k")

    assert pad.coverage == pytest.approx(0.5)


# ---------------------------------------------------------------- what the page says, and hears


def test_a_stroke_is_one_message_and_is_answered_with_the_mark_of_its_drawing(pad, wire):  # noqa: F811
    say(pad.ink, {"do": "paint", "id": "a-1", "kind": "stroke", "tool": "brush", "erase": False},
        [float32(10, 10, 4, 60, 10, 4)])  # fmt: skip

    (answer, _) = wire.custom(pad.ink)[-1]
    assert answer == {"kind": "done", "id": "a-1", "mark": pad.ink.shown["mask"]}
    assert pad.array[10, 30] == 255
    assert pad.ink.bbox == [6, 6, 64, 14]
    assert pad.ink.undo == "stroke"


def test_a_stroke_that_changes_nothing_is_answered_too(pad, wire):  # noqa: F811
    for numbers in ((-90, -90, 4), (np.nan, 1, 1), ()):
        say(
            pad.ink,
            {"do": "paint", "id": "a-2", "kind": "stroke", "tool": "brush", "erase": False},
            [float32(*numbers)],
        )

        assert wire.custom(pad.ink)[-1][0] == {"kind": "done", "id": "a-2", "mark": None}
    assert pad.version == 0


@pytest.mark.parametrize(
    ("kind", "numbers", "inside"),
    [
        ("rectangle", (10, 10, 50, 40), 1200),
        ("ellipse", (10, 10, 50, 40), 942),
        ("polygon", (10, 10, 50, 10, 50, 40), 600),
    ],
)
def test_shapes_from_the_page_are_those_of_the_methods(pad, kind, numbers, inside):
    say(pad.ink, {"do": "paint", "id": "s", "kind": kind, "tool": kind, "erase": False}, [float32(*numbers)])

    assert (pad.array > 0).sum() == pytest.approx(inside, rel=0.04)
    assert pad.ink.undo == kind


def test_an_error_is_said_in_the_pad_and_nothing_changes(pad):
    say(pad.ink, {"do": "load", "id": "l", "name": "notes.txt"}, [b"hello"])

    assert pad.ink.failed
    assert "notes.txt" in pad.ink.says
    assert pad.version == 0
    say(pad.ink, {"do": "edit", "id": "e", "what": "invert"})
    assert not pad.ink.failed


def test_a_dropped_mask_that_fits_is_loaded_and_said(pad):
    say(pad.ink, {"do": "load", "id": "l", "name": "half.png"}, [png(Image.new("L", (120, 80), 255))])

    assert pad.ink.says == "Loaded half.png."
    assert (pad.coverage, pad.version) == (1, 1)


def test_unknown_messages_are_passed_over(pad, wire):  # noqa: F811
    for content in ({}, {"do": "explode"}, {"do": "edit", "what": "close"}, {"do": "answer", "number": 4, "yes": True}):
        say(pad.ink, content)

    assert pad.version == 0


def test_a_mask_of_another_size_is_resized_only_after_a_yes(pad, wire):  # noqa: F811
    mask = png(Image.new("L", (60, 40), 255))

    say(pad.ink, {"do": "load", "id": "l", "name": "m.png"}, [mask])
    question = next(content for content, _ in wire.custom(pad.ink) if content["kind"] == "ask")
    say(pad.ink, {"do": "answer", "number": question["number"], "yes": False})
    assert pad.version == 0
    say(pad.ink, {"do": "load", "id": "l", "name": "m.png"}, [mask])
    say(pad.ink, {"do": "answer", "number": wire.custom(pad.ink)[-2][0]["number"], "yes": True})

    assert "60×40 px" in question["text"]
    assert "resized to 120×80 px" in pad.ink.says
    assert pad.coverage == 1
    assert "whole picture" in pad.ink.warning


def test_a_selection_that_costs_is_asked_first(wire):  # noqa: F811
    calls = []

    def segmenter(**where):
        calls.append(where["box"])
        return np.ones((80, 120), bool)

    pad = rf.MaskPad(photo(), segmenter=segmenter, segmenter_price="$0.02")
    say(pad.ink, {"do": "select", "id": "s", "box": [50.4, 40, 10, 10], "how": "add"})
    question, _ = next(one for one in wire.custom(pad.ink) if one[0]["kind"] == "ask")
    assert calls == []
    say(pad.ink, {"do": "answer", "number": question["number"], "yes": True})
    pad._core.background.quietly(int).result()

    assert question["text"] == "This selection costs $0.02. Go on?"
    assert calls == [(10, 10, 50, 40)]
    assert pad.coverage == 1


def test_what_goes_wrong_in_a_segmenter_is_said_in_the_pad():
    def broken(**where):
        raise ValueError("out of memory")

    pad = rf.MaskPad(photo(), segmenter=broken)
    say(pad.ink, {"do": "select", "id": "s", "point": [5, 5], "how": "add"})
    pad._core.background.quietly(int).result()

    assert pad.ink.says == "That went wrong: ValueError: out of memory"
    assert (pad.ink.failed, pad.ink.busy) == (True, "")


def test_downloads_carry_the_mask_or_the_zip(pad, wire):  # noqa: F811
    pad.draw_rect(0, 0, 60, 80)
    say(pad.ink, {"do": "download", "id": "d", "what": "mask"})
    say(pad.ink, {"do": "download", "id": "d", "what": "zip"})

    files = [(content, buffers) for content, buffers in wire.custom(pad.ink) if content["kind"] == "file"]

    assert [content["name"] for content, _ in files] == ["picture-mask.png", "picture-mask.zip"]
    assert Image.open(io.BytesIO(files[0][1][0])).size == (120, 80)


def test_a_large_photo_costs_no_more_bytes_than_a_small_one(wire):  # noqa: F811
    def sent(width, height):
        before = sum(len(bytes(part)) for *_, parts in wire.messages for part in parts or ())
        pad = rf.MaskPad(photo(width, height))
        shown = sum(len(bytes(part)) for *_, parts in wire.messages for part in parts or ())
        count = len(wire.messages)
        radius, points = width / 40, np.linspace(width * 0.1, width * 0.9, 180)
        stroke = np.stack([points, np.full(180, height / 2), np.full(180, radius)], 1).astype(np.float32)
        say(pad.ink, {"do": "paint", "id": "b", "kind": "stroke", "tool": "brush", "erase": False}, [stroke.tobytes()])
        after = sum(len(bytes(part)) for *_, parts in wire.messages for part in parts or ())
        return shown - before, after - shown, len(wire.messages) - count

    small, large = sent(1000, 800), sent(8000, 6400)

    assert large[0] < 1.5 * small[0]
    assert large[1] < 1.5 * small[1] + 500
    assert large[2] == small[2]


def test_views_from_the_page_are_kept_within_reason(pad):
    say(pad.ink, {"do": "view", "by": "p", "x": 0, "y": 0, "scale": 1e9, "width": 10**9, "height": -5})

    view = pad._core.screen.view
    assert (view.width, view.height) == (8192, 1)
    assert view.scale <= 64 or view.scale <= 8192 / 120
    assert pad.ink.shown["by"] == "p"


def test_looks_and_colours_are_drawn_again(pad):
    pad.draw_rect(10, 10, 60, 60)
    mark = pad.ink.shown["mask"]

    for look in ("outline", "mask", "photo", "overlay"):
        pad.ink.look = look
        assert pad.ink.shown["mask"] == mark + 1
        mark += 1
    pad.ink.colour = "#00ff00"

    assert pad.ink.shown["mask"] == mark + 1


def test_an_error_while_drawing_does_not_hold_up_other_canvases(pad, wire):  # noqa: F811
    from ipycanvas import Canvas

    with pytest.raises(AttributeError):
        pad._core.screen.draw_mask(None)
    count = len(wire.messages)
    Canvas(width=10, height=10).fill_rect(0, 0, 5, 5)

    assert len(wire.messages) > count + 1


def test_the_widget_state_holds_no_photo_at_full_size(wire):  # noqa: F811
    pad = rf.MaskPad(Image.effect_noise((4000, 3000), 60))

    state = json.dumps(pad.ink.get_state(), default=str)

    assert len(state) < 200_000  # the module's source is most of it
    assert wire.bytes_of(pad.ink) == 0


# ---------------------------------------------------------------- runs from the pad


def reaches(pad, state, act):
    """Do something and wait until the pad's model is in a state."""
    there = threading.Event()

    def look(change):
        if change["new"].get("state") == state:
            there.set()

    pad.ink.observe(look, "runs")
    act()
    assert there.wait(100), pad.ink.runs


def square():
    picture = Image.new("RGB", (96, 72), (90, 140, 90))
    picture.paste((200, 30, 30), (40, 30, 52, 42))
    return picture


@pytest.mark.slow
def test_the_model_runs_by_itself_after_a_stroke_and_the_result_is_kept_or_put_away():
    pad = rf.MaskPad(square(), model="runflow/object-removal")
    before = pad.image
    say(pad.ink, {"do": "run", "what": "auto"})
    reaches(pad, "result", lambda: pad.draw_rect(38, 28, 54, 44))

    assert pad.ink.runs["auto"]
    assert pad.ink.look == "photo"
    assert "free" in pad.ink.runs["says"]
    say(pad.ink, {"do": "run", "what": "compare"})
    assert pad.ink.look == "overlay"
    say(pad.ink, {"do": "run", "what": "discard"})
    assert (pad.image, pad.ink.runs["state"]) == (before, "idle")
    say(pad.ink, {"do": "run", "what": "manual"})
    reaches(pad, "result", lambda: say(pad.ink, {"do": "run", "what": "go"}))
    say(pad.ink, {"do": "run", "what": "accept"})

    assert pad.image.getpixel((46, 36))[0] < 150
    assert pad.coverage == 0
    pad.undo()
    assert pad.coverage > 0


def test_a_run_that_is_refused_is_said_in_the_pad():
    pad = rf.MaskPad(square(), model="runflow/object-removal")

    say(pad.ink, {"do": "run", "what": "go"})

    assert "marks nothing" in pad.ink.says
    assert pad.ink.failed
    assert pad.ink.runs["state"] == "idle"


def test_runs_that_cost_begin_by_themselves_only_after_a_yes(wire):  # noqa: F811
    asked = []

    def answer(request):
        asked.append(request.method)
        return httpx.Response(500)

    client = Client("rf_live_0123456789", transport=httpx.MockTransport(answer), pace=Pace(scale=0))
    before = use(Session(client, "remote", shared(), Ledger(), Catalogue.bundled()))
    try:
        pad = rf.MaskPad(square(), model="runflow/object-removal")
        say(pad.ink, {"do": "run", "what": "auto"})
        question, _ = next(one for one in wire.custom(pad.ink) if one[0]["kind"] == "ask")
        assert not pad.ink.runs["auto"]
        say(pad.ink, {"do": "answer", "number": question["number"], "yes": True})
        assert pad.ink.runs["auto"]
        say(pad.ink, {"do": "run", "what": "manual"})
    finally:
        use(before)

    assert "each costs $" in question["text"]
    assert "$" in pad.ink.runs["price"]
    assert asked == []
