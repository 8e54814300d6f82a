"""The compare view from Python's side: what it takes, counts, sends, exports and leaves in a saved notebook."""

from __future__ import annotations

import base64
import io
import math
import threading

import comm
import nbformat
import numpy as np
import pytest
import traitlets
from comm.base_comm import BaseComm
from nbclient import NotebookClient
from nbconvert import HTMLExporter, LatexExporter, MarkdownExporter
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.errors import InputError, OutputError
from runflow_widgets.images import encode_png
from runflow_widgets.widgets.compare import MODES
from runflow_widgets.widgets.picked import PickedFile


def plain(colour=(100, 100, 100), size=(60, 40)):
    return Image.new("RGB" if len(colour) == 3 else "RGBA", size, colour)


def marked(picture, box, colour=(200, 100, 100)):
    found = picture.copy()
    found.paste(colour, box)
    return found


def opened(data):
    return Image.open(io.BytesIO(data))


class Wire(BaseComm):
    """What a page would get: a comm that keeps its messages."""

    def __init__(self, **options):
        self.messages, self.changed = [], threading.Condition()
        super().__init__(**options)

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        with self.changed:
            self.messages.append(((data or {}).get("content") or {}, [bytes(one) for one in buffers or []]))
            self.changed.notify_all()

    def answers(self, what, count=1):
        """The first so many custom messages of a kind; waits for them."""

        def found():
            return [message for message in self.messages if message[0].get("is") == what]

        with self.changed:
            assert self.changed.wait_for(lambda: len(found()) >= count, 20), f"{what} was never sent"
            return found()[:count]


@pytest.fixture
def wire(monkeypatch):
    """Every widget made from here on speaks to a `Wire`: `view.comm`."""
    monkeypatch.setattr(comm, "create_comm", Wire)


def ask(view, **content):
    view._handle_custom_msg({"view": "v", **content}, [])


def sharpened(view):
    ask(view, do="drawn")
    view._work._sharper.result(20)
    return view


# ---------------------------------------------------------------------- 8.2.1, 8.2.12: modes and traits both ways


def test_point_1_every_mode_is_a_trait_that_can_be_set_from_python():
    view = rf.compare(plain(), plain())

    for mode in MODES:
        view.mode = mode

    assert (view.mode, view.position, view.viewport) == ("checker", 0.5, [0.5, 0.5, 0.0])
    with pytest.raises(traitlets.TraitError, match="mode"):
        view.mode = "sideways"


def test_point_12_position_mode_and_viewport_link_to_python_both_ways():
    view, other = rf.compare(plain(), plain()), rf.compare(plain(), plain())
    traitlets.link((view, "viewport"), (other, "viewport"))
    traitlets.link((view, "position"), (other, "position"))

    view.set_state({"position": 0.25, "viewport": [0.1, 0.2, 3.0], "mode": "overlay"})
    other.position = 0.75

    assert (view.position, view.mode, other.viewport) == (0.75, "overlay", [0.1, 0.2, 3.0])


def test_point_12_a_picture_pair_that_does_not_exist_is_refused():
    view = rf.compare(plain(), plain())

    with pytest.raises(traitlets.TraitError, match=r"counted from 0 to 1"):
        view.pair = [0, 2]


# ---------------------------------------------------------------------- 8.2.3: sizes


def test_point_3_other_sizes_are_said_and_nothing_is_stretched():
    view = rf.compare(plain(size=(60, 40)), plain(size=(30, 20)), labels=["big", "small"])

    assert view.notes == ["The sizes differ: 60×40 and 30×20; small is scaled to big."]
    assert view.difference.whole.pixels == 60 * 40
    view.match = "native"
    assert view.notes == ["The sizes differ: 60×40 and 30×20; both are laid centre on centre, pixel for pixel."]
    assert view.difference.whole.pixels == 30 * 20
    assert view.maps["box"] == [15, 10, 30, 20]


def test_point_3_another_shape_is_flagged_and_only_what_both_cover_is_counted():
    view = rf.compare(plain(size=(60, 40)), plain(size=(50, 50)))

    assert "The shapes differ too (3:2 and 1:1): nothing is stretched" in view.notes[1]
    assert view.difference.whole.pixels == 40 * 40
    assert view.difference.whole.changed() == 0


def test_point_3_a_side_that_is_off_by_a_rounded_pixel_is_no_other_shape():
    view = rf.compare(plain(size=(600, 401)), plain(size=(300, 200)))

    assert len(view.notes) == 1
    assert view.difference.whole.pixels == 600 * 401


# ---------------------------------------------------------------------- 8.2.4, 8.2.5: numbers and words


@pytest.mark.slow
def test_point_4_the_numbers_are_those_of_the_full_pictures():
    photo = plain(size=(3000, 2000))
    after = photo.copy()
    after.putpixel((2999, 1999), (107, 100, 100))

    view = rf.compare(photo, after)

    assert view.difference.whole.changed() == 1 / 6_000_000
    assert view.numbers["rows"][0][2] == "under 0.01 %"
    assert opened(view.maps["absolute"]).getpixel((999, 666)) == (7, 0, 0)


def test_point_4_equal_pictures_are_called_equal():
    view = rf.compare(plain(), plain())

    assert view.words() == "Nothing changed: the pictures are equal, pixel for pixel."
    assert math.isinf(view.difference.psnr_db)
    assert [row[2] for row in view.numbers["rows"]] == ["0 %", "0", "0.00", "∞ (equal)", "1.0000"]


def test_point_4_sixteen_bits_are_counted_as_sixteen():
    before = np.full((40, 60, 3), 1000, np.uint16)
    after = before.copy()
    after[0, 0] = 1001

    view = rf.compare(before, after)

    assert view.difference.whole.changed() == 1 / 2400
    assert view.notes == ["Before: 16 bits, shown with 8.", "After: 16 bits, shown with 8."]


def test_point_4_the_threshold_changes_words_and_numbers_at_once():
    view = rf.compare(plain(), marked(plain((103, 100, 100)), (0, 0, 30, 40)))
    view.difference  # noqa: B018  # waits

    view.threshold = 4

    assert view.words() == "50 % of the pixels changed by more than 4, by 100 of 255 at most."
    assert view.says == view.words()
    assert view.numbers["rows"][0][1:] == ["Share of pixels that differ more than 4 of 255", "50 %"]


def test_point_5_what_changed_outside_the_mask_is_answered_in_words():
    mask = marked(plain((0, 0, 0)), (0, 0, 30, 40), (255, 255, 255))
    clean = marked(plain(), (0, 0, 30, 40))
    stray = marked(clean, (40, 0, 46, 40), (100, 160, 100))

    assert rf.compare(plain(), clean, mask=mask).words() == (
        "Nothing changed outside the mask. Inside it, 100 % changed."
    )
    view = rf.compare(plain(), stray, mask=mask)
    assert view.words() == (
        "20 % of the pixels outside the mask changed, by 60 of 255 at most. Inside it, 100 % changed."
    )
    assert view.numbers["columns"] == ["whole", "inside mask", "outside mask"]


def test_point_5_noise_that_nobody_sees_is_called_that():
    mask = marked(plain((0, 0, 0)), (0, 0, 30, 40), (255, 255, 255))
    noisy = plain((102, 100, 100))

    words = rf.compare(plain(), noisy, mask=mask).words()

    assert words.startswith("100 % of the pixels outside the mask changed, by 2 of 255 at most. That is too little to")


def test_point_5_the_outline_comes_from_a_map_of_the_outside_alone():
    mask = marked(plain((0, 0, 0)), (0, 0, 30, 40), (255, 255, 255))
    view = rf.compare(plain(), marked(plain(), (20, 0, 40, 40)), mask=mask)
    view.difference  # noqa: B018  # waits

    outside = np.asarray(opened(view.maps["outside"]).convert("L"))

    assert outside[0].tolist() == [0] * 30 + [100] * 10 + [0] * 20
    assert np.asarray(opened(view.mask)).sum() == 30 * 40


def test_point_5_a_mask_of_another_size_is_refused_in_a_sentence():
    with pytest.raises(InputError, match=r"The mask is 3×4 px, but the picture is 60×40 px"):
        rf.compare(plain(), plain(), mask=plain((0, 0, 0), (3, 4)))


# ---------------------------------------------------------------------- 8.2.6, 8.2.7: many pictures, labels, runs


def test_point_6_a_and_b_are_chosen_among_many_pictures_and_counted_anew():
    view = rf.compare(plain(), plain((110, 100, 100)), plain((130, 100, 100)), labels=["a", "b", "c"])
    first = view.difference.whole.maximum

    view.pair = [1, 2]

    assert (first, view.difference.whole.maximum) == (10, 20)
    assert view.maps["pair"] == [1, 2]
    assert repr(view) == "Compare(a 60×40 | b 60×40 | c 60×40)"


def test_point_6_pictures_are_given_by_name():
    view = rf.compare({"photo": plain(), "cheap": plain((1, 2, 3)), "dear": plain((4, 5, 6))})

    assert [picture["label"] for picture in view.pictures] == ["photo", "cheap", "dear"]


@pytest.fixture
def session():
    return rf.connect(embedded=True, workers=WorkerPool(1, task_module="copy_tasks"))


MODEL = "bria/background/remove"


def test_point_7_a_run_is_compared_with_its_own_input(session):
    run = rf.run(MODEL, image=plain()).result(30)

    view = rf.compare(run)

    assert [picture["label"] for picture in view.pictures] == ["Input", "remove"]
    assert view.pictures[1]["facts"].startswith("free · ")
    assert view.difference.whole.changed() == 0


@pytest.mark.slow
def test_point_7_a_run_brings_its_own_mask():
    rf.connect(embedded=True)
    mask = marked(plain((0, 0, 0)), (20, 10, 40, 30), (255, 255, 255))
    run = rf.run("runflow/object-removal", image=noisy((60, 40)), mask=mask).result(60)

    view = rf.compare(run)

    assert np.asarray(opened(view.mask)).sum() == 20 * 20
    assert view.words().startswith("Nothing changed outside the mask.")


def test_point_7_two_runs_are_labelled_by_model_cost_and_time(session):
    runs = [rf.run(MODEL, image=plain()).result(30) for _ in range(2)]

    view = rf.compare(*runs)

    assert [picture["label"] for picture in view.pictures] == ["remove 1", "remove 2"]
    assert all(picture["facts"].endswith(" s") for picture in view.pictures)


def test_point_7_a_run_that_is_given_by_name_keeps_the_name_and_brings_cost_seed_and_time(session):
    run = rf.run(MODEL, image=plain()).result(30)
    run._entry.inputs["seed"] = 7

    view = rf.compare({"photo": plain(), "cheap": run})

    assert [picture["label"] for picture in view.pictures] == ["photo", "cheap"]
    assert view.pictures[1]["facts"].startswith("free · seed 7 · ")


def test_point_7_a_result_can_be_compared_by_itself(session):
    run = rf.run(MODEL, image=plain()).result(30)

    assert rf.compare(plain(), run.outputs[0]).difference.whole.changed() == 0


def test_a_run_of_the_record_whose_input_was_not_kept_says_so(session):
    key = rf.run(MODEL, image=plain()).result(30).key
    run = rf.runs.get(key)

    with pytest.raises(InputError, match="was not kept with its record") as refusal:
        rf.compare(run)

    assert "rf.compare(picture, run)" in refusal.value.advice


def test_a_run_that_was_given_a_link_says_so(session):
    run = rf.run(MODEL, image=plain()).result(30)
    run._given = {"image_url": "https://example.org/photo.jpg"}

    with pytest.raises(InputError, match=r"The run's input is a link \(https://example.org/photo.jpg\)"):
        rf.compare(run)


def test_a_run_that_is_not_over_says_so(slow, finish):
    run = rf.run(MODEL, image=plain())

    with pytest.raises(OutputError, match="has no picture"):
        rf.compare(run)
    finish()


# ---------------------------------------------------------------------- 8.2.9, 8.2.10: transparency, pixels


@pytest.mark.parametrize(
    ("given", "kept"),
    [("checker", "checker"), ("alpha", "alpha"), ("white", "white"), ("#336699", "#336699"), ("navy", "#000080")],
)
def test_point_9_the_background_under_transparency_is_chosen(given, kept):
    view = rf.compare(plain((1, 2, 3, 0)), plain(), background=given)

    assert view.background == kept
    assert [picture["alpha"] for picture in view.pictures] == [True, False]


def test_point_10_the_loupe_gets_the_exact_pixels_of_all_pictures(wire):
    after = plain()
    after.putpixel((10, 20), (1, 2, 3))
    view = rf.compare(plain(), after, plain(size=(30, 20)))

    ask(view, do="pixels", frame=0, at=[10, 20], turn=1)
    facts, patches = view.comm.answers("pixels")[0]

    pixels = [np.frombuffer(patch, np.uint8).reshape(13, 13, 4) for patch in patches]
    assert (facts["at"], facts["where"]) == ([10, 20], [[10, 20], [10, 20], [5, 10]])
    assert [pixel[6, 6].tolist() for pixel in pixels[:2]] == [[100, 100, 100, 255], [1, 2, 3, 255]]
    assert pixels[2][0, 0].tolist() == [0, 0, 0, 0]


# ---------------------------------------------------------------------- 8.2.11: files


def test_point_11_a_split_has_the_first_before_the_divider_and_the_second_behind_it():
    view = rf.compare(plain((255, 0, 0)), plain((0, 0, 255)), position=0.5)

    upright, turned = view.split(), None
    view.turned = True
    turned = view.split(0.25)

    assert [upright.getpixel((x, 9)) for x in (0, 29, 30, 31, 59)] == [
        (255, 0, 0), (255, 0, 0), (255, 255, 255), (0, 0, 255), (0, 0, 255),
    ]  # fmt: skip
    assert [turned.getpixel((9, y)) for y in (9, 10, 11)] == [(255, 0, 0), (255, 255, 255), (0, 0, 255)]


def test_point_11_an_animation_shows_both_pictures_and_stays_small():
    photo = rf.samples.load("picnic")
    view = rf.compare(photo, photo.rotate(180))

    for kind in ("gif", "webp"):
        data = view.animation(kind)
        frames = opened(data)
        assert frames.n_frames == 20
        assert max(frames.size) == 480
        assert len(data) < 1_500_000


def test_point_11_what_is_written_goes_by_the_ending(tmp_path):
    view = rf.compare(plain(), plain((1, 2, 3)))

    paths = [view.save(tmp_path / name) for name in ("a.png", "a.gif", "a.webp")]
    split = view.save(tmp_path / "b.png", "split")

    assert [opened(path.read_bytes()).format for path in paths] == ["PNG", "GIF", "WEBP"]
    assert opened(split.read_bytes()).size == (60, 40)
    with pytest.raises(InputError, match="cannot be written"):
        view.save(tmp_path / "missing" / "a.png")
    with pytest.raises(InputError, match="what is 'film'"):
        view.save(tmp_path / "a.png", "film")


@pytest.mark.parametrize(
    ("what", "name", "kind"),
    [
        ("1", "B- after.png", "PNG"),
        ("split", "split.png", "PNG"),
        ("side", "side-by-side.png", "PNG"),
        ("gif", "compare.gif", "GIF"),
        ("webp", "compare.webp", "WEBP"),
    ],
)
def test_point_11_the_page_gets_files_at_full_size(wire, what, name, kind):
    view = rf.compare(plain(), plain(), labels=["A", "B: after"])

    ask(view, do="file", what=what)
    facts, (data,) = view.comm.answers("file")[0]

    assert (facts["name"], facts["view"]) == (name, "v")
    assert opened(data).format == kind


def test_point_11_a_file_that_is_not_offered_is_a_sentence(wire):
    view = rf.compare(plain(), plain())

    ask(view, do="file", what="film")

    assert view.comm.answers("problem")[0][0]["says"].startswith("what is 'film'")


# ---------------------------------------------------------------------- 8.2.12: saved notebooks


def test_point_12_a_page_without_widgets_shows_both_pictures_with_their_labels():
    view = rf.compare(plain((255, 0, 0)), plain((0, 0, 255)))

    data, _ = view._repr_mimebundle_()
    picture = opened(base64.b64decode(data["image/png"])).convert("RGB")
    seen = np.asarray(picture)

    assert data["text/plain"] == "Compare(Before 60×40 | After 60×40)"
    assert "application/vnd.jupyter.widget-view+json" in data
    assert (seen == (255, 0, 0)).all(2).sum() >= 60 * 40
    assert (seen == (0, 0, 255)).all(2).sum() >= 60 * 40
    assert (seen[:24].min(axis=(1, 2)) < 128).any()


def test_a_large_bitmap_is_compared_upright_with_itself_and_as_it_was_given():
    photo = Image.new("RGB", (2400, 1700), "red")
    photo.getexif()[274] = 6

    view = rf.compare(photo, photo)
    photo.paste("blue", (0, 0, 2400, 1700))

    assert [picture.size for picture in view._pictures] == [(1700, 2400)] * 2
    assert {picture.image.getpixel((5, 5)) for picture in view._pictures} == {(255, 0, 0)}


def test_point_12_the_static_picture_is_small_enough_to_be_kept_with_each_output():
    photo = rf.samples.load("picnic")

    data, _ = rf.compare(photo, photo)._repr_mimebundle_()

    assert len(data["image/png"]) < 300_000


def test_point_12_labels_keep_their_ink_beside_pictures_of_one_colour():
    red, blue = (Image.new("RGB", (600, 400), colour) for colour in ("red", "blue"))

    data, _ = rf.compare(red, blue, labels=["Red", "Blue"])._repr_mimebundle_()

    labels = np.asarray(opened(base64.b64decode(data["image/png"])).convert("RGB"))[:22].max(2)
    assert min((labels[:, :420] < 100).sum(), (labels[:, -420:] < 100).sum()) > 20


@pytest.mark.slow
@pytest.mark.kernel
def test_point_12_an_exported_notebook_shows_the_pictures_as_html_markdown_and_pdf(tmp_path):
    code = "import runflow_widgets as rf\np = rf.samples.load('perfume')\nrf.compare(p, p.rotate(180))"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=60, kernel_name="python3", store_widget_state=False).execute()

    html, _ = HTMLExporter().from_notebook_node(notebook)
    _, resources = MarkdownExporter().from_notebook_node(notebook)
    latex, _ = LatexExporter().from_notebook_node(notebook)

    png = notebook.cells[0].outputs[0].data["image/png"].replace("\n", "")
    assert f"data:image/png;base64,{png[:200]}" in html.replace("\n", "")
    assert any(opened(data).format == "PNG" for data in resources["outputs"].values())
    assert "object at 0x" not in html
    # What the PDF is made from.
    assert "includegraphics" in latex


@pytest.mark.slow
@pytest.mark.kernel
def test_point_12_saved_widget_state_holds_the_previews_and_the_script():
    code = "import runflow_widgets as rf\np = rf.samples.load('perfume')\nv = rf.compare(p, p)\nv.words()\nv"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()

    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    (saved,) = [entry for entry in states if "previews" in entry["state"]]

    held = {"/".join(map(str, buffer["path"])): len(buffer["data"]) for buffer in saved["buffers"]}
    assert held["previews/0"] > 1000
    assert "maps/absolute" in held
    assert "export default" in saved["state"]["_esm"]


# ---------------------------------------------------------------------- big pictures: previews and tiles


def noisy(size, seed=0):
    width, height = size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.slow
def test_a_large_picture_is_shown_small_at_once_and_sharper_a_moment_later():
    left = marked(plain(size=(6000, 4000)), (0, 0, 3000, 4000))
    view = rf.compare(left, left)
    first = [opened(data) for data in view.previews]

    sharpened(view)

    assert [picture.size for picture in first] == [(1024, 683)] * 2
    assert [first[0].getpixel((x, 300))[0] > 150 for x in (505, 518)] == [True, False]
    assert [opened(data).size for data in view.previews] == [(2048, 1365)] * 2
    assert all(opened(data).format == "WEBP" for data in view.previews)


def test_a_small_picture_is_sent_to_the_last_bit():
    before = noisy((60, 40))

    view = rf.compare(before, noisy((60, 40), 1))

    assert np.array_equal(np.asarray(opened(view.previews[0])), np.asarray(before))


def test_the_preview_keeps_transparency_and_the_colour_profile():
    cut = plain((10, 20, 30, 0), (3000, 20))
    cut.info["icc_profile"] = b"profile"
    cut.paste((200, 20, 30, 255), (0, 0, 1500, 20))

    view = sharpened(rf.compare(cut, cut))

    small = opened(view.previews[0])
    assert small.getchannel("A").getextrema() == (0, 255)
    assert small.info["icc_profile"] == b"profile"


@pytest.mark.slow
def test_sharp_tiles_of_the_visible_part_are_sent_on_demand(wire):
    photo = noisy((3000, 2000))
    view = sharpened(rf.compare(photo, plain(size=(3000, 2000))))

    ask(view, do="tiles", tiles=[["0", 0, 5, 3], ["0", 1, 0, 0], ["0", 0, 6, 0]], turn=1)
    (edge, (sharp,)), (half, (halved,)) = view.comm.answers("tile", 2)

    assert (edge["tile"], half["tile"]) == (["0", 0, 5, 3], ["0", 1, 0, 0])
    assert opened(sharp).size == (3000 - 5 * 512, 2000 - 3 * 512)
    assert opened(halved).size == (512, 512)
    centre = np.asarray(opened(sharp).convert("L"), float)
    assert abs(centre - np.asarray(photo.convert("L"), float)[1536:, 2560:]).mean() < 20


def test_tiles_of_pictures_of_other_sizes_lie_where_both_are(wire):
    before = plain(size=(1600, 1200))
    after = marked(plain(size=(1400, 1200)), (1399, 0, 1400, 1200))
    view = rf.compare(before, after, match="native")

    ask(view, do="tiles", tiles=[["maps", 0, 2, 0], ["maps", 0, 3, 0]], turn=1)
    (_, (absolute, _)) = view.comm.answers("tile")[0]

    assert view.difference.whole.pixels == 1400 * 1200
    assert view.maps["box"] == [100, 0, 1400, 1200]
    assert np.argwhere(np.asarray(opened(absolute))[0, :, 0]).tolist() == [[1399 - 1024]]


def test_tiles_of_the_differences_are_exact(wire):
    before = plain(size=(3000, 2000))
    after = before.copy()
    after.putpixel((2600, 1600), (109, 100, 100))
    view = rf.compare(before, after)

    ask(view, do="tiles", tiles=[["maps", 0, 5, 3]], turn=1)
    _, (absolute, _) = view.comm.answers("tile")[0]

    assert np.argwhere(np.asarray(opened(absolute))[..., 0]).tolist() == [[1600 - 1536, 2600 - 2560]]


@pytest.mark.slow
def test_a_request_that_the_page_has_replaced_is_given_up(wire):
    view = rf.compare(noisy((3000, 2000)), plain(size=(3000, 2000)))

    for turn in range(1, 4):
        ask(view, do="tiles", tiles=[["0", 0, column, 0] for column in range(5)], turn=turn)
    ask(view, do="pixels", frame=0, at=[0, 0], turn=9)
    view.comm.answers("pixels")

    assert len([message for message in view.comm.messages if message[0].get("is") == "tile"]) < 15


def test_a_message_that_means_nothing_is_ignored(wire):
    view = rf.compare(plain(), plain())

    ask(view, do="dance")
    ask(view)

    assert view.notes == []


def test_what_goes_wrong_behind_the_scenes_is_told_in_the_view(wire, caplog):
    view = rf.compare(plain(), plain())
    told = threading.Event()
    view.observe(lambda _: told.set(), "notes")

    ask(view, do="tiles", tiles=[["7", 0, 0, 0]], turn=1)

    assert told.wait(20)
    assert "Something went wrong in the kernel: IndexError" in view.notes[0]


# ---------------------------------------------------------------------- 8.2.13: inputs


def saved(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def deep_png():
    values = (np.arange(40 * 60, dtype=np.uint16) * 20).reshape(40, 60)
    return saved(Image.fromarray(values), "PNG")


def turned_jpeg():
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(plain(size=(40, 60)), "JPEG", exif=exif)


@pytest.mark.parametrize(
    ("source", "note"),
    [
        (Image.new("L", (60, 40)), None),
        (Image.new("LA", (60, 40)), None),
        (Image.new("P", (60, 40)), None),
        (Image.new("1", (60, 40)), None),
        (Image.new("CMYK", (60, 40)), None),
        (np.zeros((40, 60), bool), None),
        (np.zeros((40, 60, 4), np.float32), None),
        (encode_png(plain()), None),
        (io.BytesIO(encode_png(plain())), None),
        (deep_png(), "16 bits, shown and counted with 8"),
        (turned_jpeg(), "turned upright"),
        (saved(plain(), "GIF", save_all=True, append_images=[plain((1, 2, 3)), plain((4, 5, 6))]), "first of 3 frames"),
    ],
)
def test_point_13_every_kind_of_picture_is_taken_and_what_was_done_is_said(source, note):
    view = rf.compare(plain(), source)

    assert (view.pictures[1]["width"], view.pictures[1]["height"]) == (60, 40)
    assert view.notes == ([f"After: {note}."] if note else [])
    assert view.difference.whole.pixels == 2400


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        ((), {}, r"There is no picture\."),
        ((plain(),), {}, r"There is only one picture\."),
        (("nowhere.png", plain()), {}, r"Before: There is no file nowhere\.png\."),
        ((plain(), 7), {}, r"After: A int is not a picture\."),
        ((plain(), b"no"), {}, r"After: The data is not a picture"),
        (({"x": plain(), "y": None},), {}, r"y: A NoneType is not a picture\."),
        ((plain(), plain()), {"labels": ["one"]}, r"There are 2 pictures and 1 label\."),
        ((plain(), plain()), {"labels": "ab"}, r"There are 2 pictures and 1 label\."),
        ((plain(), plain()), {"mode": "sideways"}, r"mode is 'sideways'; it takes slider, hover, side"),
        ((plain(), plain()), {"gain": 0}, r"gain is 0; it takes a number from 1 to 64\."),
        ((plain(), plain()), {"threshold": 2.5}, r"threshold is 2\.5; it takes a whole number from 0 to 254\."),
        ((plain(), plain()), {"position": float("nan")}, r"position is nan; it takes a number from 0 to 1\."),
        ((plain(), plain()), {"background": "plaid"}, r"background is 'plaid'; it takes checker"),
        ((plain(), plain()), {"mask": "nowhere.png"}, r"There is no file nowhere\.png\."),
    ],
)
def test_bad_input_is_one_clear_sentence_and_no_widget_is_made(arguments, options, sentence):
    with pytest.raises(InputError, match=sentence):
        rf.compare(*arguments, **options)


def test_a_list_of_pictures_is_taken_like_the_pictures_themselves():
    assert len(rf.compare([plain(), plain(), plain()]).pictures) == 3


def test_the_picture_that_was_given_may_change_afterwards():
    before = plain()
    view = rf.compare(before, plain())

    before.paste((0, 0, 0), (0, 0, 60, 40))

    assert view.difference.whole.changed() == 0


def test_files_that_were_picked_are_taken_and_private_addresses_are_not():
    photo = Image.linear_gradient("L").resize((64, 48)).convert("RGB")
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")

    view = rf.compare(PickedFile("shirt.png", buffer.getvalue()), photo)

    assert math.isinf(view.difference.psnr_db)
    with pytest.raises(InputError, match=r"After: 127\.0\.0\.1 is a private address"):
        rf.compare(photo, "http://127.0.0.1:9/a.png")
