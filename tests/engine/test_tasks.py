"""Each embedded model takes the API's inputs, writes the right files, and names the field of a wrong input."""

import io
import json

import numpy as np
import pytest
from PIL import Image, ImageCms

from runflow_widgets import images, samples
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.engine.models.tags import remove_tags
from runflow_widgets.engine.tasks import TASKS, perform
from runflow_widgets.engine.workers import WorkerPool, WorkFailed, WorkOrder
from runflow_widgets.errors import InputError

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def a_ball(width=160, height=120, ground=(205, 200, 195)):
    """A blue ball before a plain wall."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width]
    photo = np.array(ground) + rng.normal(0, 1.5, (height, width, 3))
    photo[np.hypot(y - height / 2, x - width / 2) < height / 4] = (30, 60, 180)
    return Image.fromarray(np.clip(photo, 0, 255).astype(np.uint8))


def a_mask(width=160, height=120):
    mask = np.zeros((height, width), np.uint8)
    mask[20:50, 30:60] = 255
    return Image.fromarray(mask)


@pytest.fixture
def run(tmp_path):
    """Do one order on files given as bytes or as pictures; gives what is reported and the opened results."""

    def run(model, files, report=lambda fraction, note: None, seed=None, **inputs):
        paths = {}
        for field, content in files.items():
            paths[field] = str(tmp_path / f"{field}.in")
            data = content if isinstance(content, bytes) else as_file(content)
            (tmp_path / f"{field}.in").write_bytes(data)
        (tmp_path / "out").mkdir(exist_ok=True)
        done = perform(WorkOrder(model, inputs, paths, str(tmp_path / "out"), seed), report)
        return done, [Image.open(io.BytesIO((tmp_path / "out" / file.name).read_bytes())) for file in done.files]

    return run


def as_file(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def said(done, level=None):
    return " ".join(sentence for each, sentence in done.log if level in (None, each))


INPUTS = {
    "bria/background/remove": ({"image_url": a_ball()}, {}),
    "runflow/background-removal": ({"image_url": a_ball()}, {"config": {"aspect_ratio": "1:1"}}),
    "runflow/background-color": ({"image_url": a_ball()}, {"color_red": 9, "color_green": 200, "color_blue": 99}),
    "runflow/object-removal": (
        {"zip_url": images.pack_mask_zip(a_ball(), a_mask())},
        {"file_input": "photo.png", "file_mask": "mask.png"},
    ),
    "runflow/product-isolation": ({"image_url": a_ball()}, {"aspect_ratio": "3:2", "resolution": "1K"}),
    "runflow/tag-removal": ({"image_url": a_ball()}, {"config": {}}),
    "runflow/outpaint": (
        {"image_url": a_ball()},
        {"expand_top": 10, "expand_bottom": 0, "expand_left": 80, "expand_right": 5},
    ),
    "runflow/smart-resize": ({"image_url": a_ball()}, {"aspect_ratio": "16:9", "resolution": "1K"}),
}


def test_the_catalogue_marks_exactly_what_can_run_here():
    assert tuple(sorted(TASKS)) == tuple(sorted(Catalogue.bundled().search(embedded=True).ids))


@pytest.mark.parametrize("model", TASKS)
def test_every_model_writes_what_it_tells_with_times_steps_and_a_log(run, model):
    files, inputs = INPUTS[model]
    steps = []

    done, pictures = run(model, files, lambda fraction, note: steps.append(fraction), **inputs)

    told = [(file.mime_type, file.width, file.height) for file in done.files]
    assert told == [(Image.MIME[picture.format], *picture.size) for picture in pictures]
    assert done.timing["inference_ms"] > 0
    assert "ran locally" in said(done)
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 1)
    json.dumps([done.timing, done.log, done.seed])


@pytest.mark.parametrize("model", TASKS)
def test_the_same_order_gives_the_same_pixels(run, model):
    files, inputs = INPUTS[model]

    first, second = (np.asarray(run(model, files, **inputs)[1][0]) for _ in range(2))

    assert np.array_equal(first, second)


def test_a_cut_out_is_clear_outside_and_whole_inside(run):
    done, (picture,) = run("bria/background/remove", {"image_url": as_file(a_ball(), "JPEG", quality=95)})

    assert (picture.mode, picture.format) == ("RGBA", "PNG")
    assert picture.getpixel((3, 3))[3] == 0
    assert picture.getpixel((80, 60))[3] == 255
    assert done.seed is None
    assert "confidence" in said(done)


def test_what_was_clear_before_stays_clear(run):
    photo = a_ball().convert("RGBA")
    photo.paste((0, 0, 0, 0), (0, 0, 80, 120))

    _, (picture,) = run("bria/background/remove", {"image_url": photo})

    assert np.asarray(picture)[:, :79, 3].max() == 0


def test_a_picture_without_subject_is_refused(run):
    with pytest.raises(InputError, match="No subject found") as refusal:
        run("bria/background/remove", {"image_url": Image.new("RGB", (90, 90), "grey")})

    assert refusal.value.field == "image_url"


def test_a_new_background_has_the_asked_colour_and_the_kind_of_the_input(run):
    files, inputs = INPUTS["runflow/background-color"]

    _, (picture,) = run("runflow/background-color", {"image_url": as_file(files["image_url"], "WEBP")}, **inputs)

    assert picture.format == "WEBP"
    assert np.abs(np.array(picture.getpixel((3, 3))) - [9, 200, 99]).max() <= 6


def test_an_outpainted_picture_grows_by_the_asked_percentages(run):
    files, inputs = INPUTS["runflow/outpaint"]

    _, (picture,) = run("runflow/outpaint", files, **inputs)

    photo = a_ball()
    assert picture.size == (160 + 128 + 8, 120 + 12)
    assert np.array_equal(np.asarray(picture)[12:, 128:288], np.asarray(photo))


@pytest.mark.parametrize(("ratio", "size"), [("1:1", (1024, 1024)), ("9:16", (576, 1024)), ("21:9", (1024, 439))])
def test_a_resized_picture_has_the_asked_size_and_shows_the_whole_photo(run, ratio, size):
    done, (picture,) = run("runflow/smart-resize", {"image_url": a_ball()}, aspect_ratio=ratio, resolution="1K")

    assert picture.size == size
    assert "Nothing was cropped" in said(done)


@pytest.mark.parametrize(
    ("ratio", "tier", "size"), [("1:1", "1K", (1024, 1024)), ("9:16", "1K", (576, 1024)), ("4:5", "2K", (1638, 2048))]
)
def test_an_isolated_product_has_exactly_the_asked_size(run, ratio, tier, size):
    done, (picture,) = run("runflow/product-isolation", {"image_url": a_ball()}, aspect_ratio=ratio, resolution=tier)

    assert picture.size == size
    assert picture.getpixel((4, 4)) == (250, 250, 250)
    assert "looks soft" in said(done, "warning")


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [("what I like", "was ignored"), ("on the left", "one object was found"), ("", "confidence")],
)
def test_what_became_of_the_prompt_is_said(run, prompt, sentence):
    done, _ = run(
        "runflow/product-isolation", {"image_url": a_ball()}, aspect_ratio="1:1", resolution="1K", prompt=prompt
    )

    assert sentence in said(done)


def test_without_a_tag_the_file_comes_back_byte_for_byte(run, tmp_path):
    photo = as_file(a_ball(), "JPEG")

    done, _ = run("runflow/tag-removal", {"image_url": photo})

    assert (tmp_path / "out" / done.files[0].name).read_bytes() == photo
    assert "No tag was found" in said(done)


def test_a_run_takes_tags_off_just_as_the_function_that_is_measured_does(run):
    mug = samples.load("tagged_mug").convert("RGB").resize((560, 480))
    expected, tags = remove_tags(np.asarray(mug), seed=3)
    other_seed, _ = remove_tags(np.asarray(mug), seed=4)

    done, (picture,) = run("runflow/tag-removal", {"image_url": mug}, seed=3)

    assert len(tags) == 2
    assert np.array_equal(np.asarray(picture.convert("RGB")), expected)
    assert not np.array_equal(expected, other_seed)
    assert done.seed == 3


@pytest.mark.parametrize("ratio", ["1:1", "21:9", "5:7"])
def test_a_format_is_made_around_the_product(run, ratio):
    wide, high = map(int, ratio.split(":"))

    done, (picture,) = run("runflow/tag-removal", {"image_url": a_ball()}, config={"aspect_ratio": ratio})

    assert abs(picture.width / picture.height - wide / high) < 0.03
    assert "continued" in said(done) or "cropped" in said(done)


def test_only_what_is_masked_is_filled_and_the_seed_is_told(run):
    files, inputs = INPUTS["runflow/object-removal"]

    done, (picture,) = run("runflow/object-removal", files, seed=11, **inputs)

    before, after = np.asarray(a_ball()), np.asarray(picture)
    assert np.array_equal(before[:17], after[:17])
    assert np.array_equal(before[:, 63:], after[:, 63:])
    assert done.seed == 11


def test_photo_and_mask_may_come_as_two_files(run):
    _, (picture,) = run("runflow/object-removal", {"image_url": a_ball(), "mask_url": a_mask()})

    assert picture.size == (160, 120)


def test_a_mask_that_looks_inverted_is_mentioned(run):
    mask = Image.eval(a_mask(), lambda value: 255 - value)

    done, _ = run("runflow/object-removal", {"image_url": a_ball(), "mask_url": mask})

    assert "Invert it" in said(done, "warning")


def test_a_picture_may_come_in_a_zip_too(run):
    packed = images.pack_mask_zip(a_ball(), a_mask())
    colour = {"color_red": 0, "color_green": 0, "color_blue": 0}

    _, (picture,) = run("runflow/background-color", {"image_url": packed}, file_input="photo.png", **colour)

    assert picture.size == (160, 120)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "I;16"])
def test_rare_kinds_of_pictures_go_through(run, mode):
    photo = a_ball(ground=(240, 240, 240))
    if mode == "I;16":
        photo = Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)
    data = as_file(photo.convert(mode) if mode != "I;16" else photo, "TIFF" if mode == "CMYK" else "PNG")

    done, (picture,) = run("runflow/object-removal", {"image_url": data, "mask_url": a_mask()})

    assert picture.mode == ("L" if mode in ("L", "I;16") else "RGB")
    assert done.files[0].mime_type == "image/png"


def test_a_turned_photo_comes_out_upright(run):
    exif = Image.Exif()
    exif[0x0112] = 6

    _, (picture,) = run("bria/background/remove", {"image_url": as_file(a_ball(), "JPEG", exif=exif)})

    assert picture.size == (120, 160)


@pytest.mark.parametrize("model", ["bria/background/remove", "runflow/background-color", "runflow/object-removal"])
def test_the_colour_profile_is_kept(run, model):
    photo = as_file(a_ball(), "JPEG", icc_profile=SRGB)
    inputs = {} if model == "runflow/object-removal" else INPUTS[model][1]

    _, (picture,) = run(model, {"image_url": photo, "mask_url": a_mask()}, **inputs)

    assert picture.info["icc_profile"] == SRGB


ZIP = images.pack_mask_zip(a_ball(), a_mask())
WRONG = [
    ("bria/background/remove", {}, {}, "image_url", "image_url is missing"),
    ("bria/background/remove", {"image_url": b"<html>"}, {}, "image_url", "it is a web page"),
    ("bria/background/remove", {"image_url": ZIP}, {}, "file_input", "file_input is missing"),
    ("runflow/tag-removal", {"image_url": a_ball()}, {"config": [1]}, "config", "must be an object"),
    (
        "runflow/tag-removal",
        {"image_url": a_ball()},
        {"config": {"aspect_ratio": "wide"}},
        "config.aspect_ratio",
        "wide",
    ),
    ("runflow/product-isolation", {"image_url": a_ball()}, {"resolution": "1K"}, "aspect_ratio", "is missing"),
    ("runflow/product-isolation", {"image_url": a_ball()}, {"aspect_ratio": "1:1"}, "resolution", "resolution is None"),
    (
        "runflow/product-isolation",
        {"image_url": a_ball()},
        {"aspect_ratio": "1:1", "resolution": "1K", "prompt": 7},
        "prompt",
        "must be text",
    ),
    ("runflow/background-color", {"image_url": a_ball()}, {"color_red": 256}, "color_red", "color_red is 256"),
    ("runflow/background-color", {"image_url": a_ball()}, {"color_red": True}, "color_red", "whole number"),
    ("runflow/object-removal", {}, {}, "zip_url", "zip_url is missing"),
    ("runflow/object-removal", {"zip_url": b"no zip"}, {"file_input": "a", "file_mask": "b"}, "zip_url", "not a zip"),
    ("runflow/object-removal", {"zip_url": ZIP}, {"file_mask": "mask.png"}, "file_input", "is missing"),
    ("runflow/object-removal", {"zip_url": ZIP}, {"file_input": "photo.png"}, "file_mask", "is missing"),
    (
        "runflow/object-removal",
        {"zip_url": ZIP},
        {"file_input": "x.png", "file_mask": "mask.png"},
        "file_input",
        "holds no",
    ),
    (
        "runflow/object-removal",
        {"zip_url": ZIP},
        {"file_input": "photo.png", "file_mask": "m"},
        "file_mask",
        "holds no m",
    ),
    (
        "runflow/object-removal",
        {"image_url": a_ball(), "mask_url": a_mask(80, 80)},
        {},
        "mask_url",
        "The mask is 80×80 px",
    ),
    (
        "runflow/object-removal",
        {"image_url": a_ball(), "mask_url": Image.new("L", (160, 120))},
        {},
        "mask_url",
        "marks nothing",
    ),
    ("runflow/outpaint", {"image_url": a_ball()}, {"expand_top": 81}, "expand_top", "0 to 80"),
    ("runflow/outpaint", {"image_url": a_ball()}, {"expand_top": True}, "expand_top", "whole number"),
    ("runflow/smart-resize", {"image_url": a_ball()}, {"aspect_ratio": "1:1", "resolution": "8K"}, "resolution", "8K"),
    ("runflow/skin-fix", {}, {}, "model", "cannot run here"),
]


@pytest.mark.parametrize(("model", "files", "inputs", "field", "sentence"), WRONG)
def test_a_wrong_input_is_named_with_its_field(run, model, files, inputs, field, sentence):
    with pytest.raises(InputError, match=sentence) as refusal:
        run(model, files, **inputs)

    assert refusal.value.field == field


async def test_the_default_pool_runs_a_real_model_and_passes_refusals_on(tmp_path):
    (tmp_path / "photo.png").write_bytes(as_file(a_ball()))
    pool = WorkerPool(1)
    files = {"image_url": str(tmp_path / "photo.png")}

    try:
        done = await pool.run(WorkOrder("bria/background/remove", {}, files, str(tmp_path)), lambda *step: None)
        with pytest.raises(WorkFailed, match="image_url is missing") as refusal:
            await pool.run(WorkOrder("bria/background/remove", {}, {}, str(tmp_path)), lambda *step: None)
    finally:
        await pool.close()

    assert (tmp_path / done.files[0].name).is_file()
    assert (refusal.value.code, refusal.value.field) == ("INPUT_VALIDATION_FAILED", "image_url")
