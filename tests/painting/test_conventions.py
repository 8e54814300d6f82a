"""A mask is exported as the model takes it, and where that is not known, this is said."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from runflow_widgets.catalogue import Catalogue
from runflow_widgets.errors import InputError
from runflow_widgets.painting import Box, Patch, Sheet, conventions

SIZE = (40, 30)
SQUARE = Box(10, 8, 26, 20)


@pytest.fixture
def sheet():
    sheet = Sheet(SIZE)
    sheet.paint(Patch(SQUARE, np.ones((SQUARE.height, SQUARE.width), np.bool_)))
    return sheet


@pytest.fixture
def photo():
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (30, 40, 3), np.uint8))


def test_white_and_black_edits_are_each_others_opposite(sheet):
    white, black = conventions.white_edit(sheet), conventions.black_edit(sheet)

    assert (white.mode, white.size, black.mode, black.size) == ("L", SIZE, "L", SIZE)
    assert np.array_equal(np.asarray(white), sheet.pixels)
    assert np.array_equal(np.asarray(black), 255 - sheet.pixels)


def test_alpha_zero_is_the_photo_with_the_marked_part_transparent(sheet, photo):
    exported = conventions.alpha_zero(photo, sheet)

    assert exported.mode == "RGBA"
    assert np.array_equal(np.asarray(exported)[..., :3], np.asarray(photo))
    assert np.array_equal(np.asarray(exported)[..., 3], 255 - sheet.pixels)


def test_transparency_of_the_photo_itself_is_not_taken_for_a_mark(sheet, photo):
    photo.putalpha(0)

    exported = np.asarray(conventions.alpha_zero(photo, sheet))

    assert np.array_equal(exported[..., 3], 255 - sheet.pixels)
    assert (exported[..., :3] == 255).all()


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_a_photo_of_any_mode_can_be_given(sheet, photo, mode):
    assert conventions.alpha_zero(photo.convert(mode), sheet).size == SIZE


def test_a_photo_of_another_size_is_refused(sheet, photo):
    with pytest.raises(InputError, match="The photo is 30×40 px, but the mask is 40×30 px"):
        conventions.alpha_zero(photo.transpose(Image.Transpose.ROTATE_90), sheet)


# ---------------------------------------------------------------------- feathering


def test_feathering_softens_the_export_and_leaves_the_mask_alone(sheet):
    before = sheet.pixels.copy()

    feathered = np.asarray(conventions.white_edit(sheet, feather_px=4))

    assert len(np.unique(feathered)) > 10
    assert np.array_equal(sheet.pixels, before)
    assert (sheet.version, sheet.can_undo) == (1, "stroke")


def test_a_feathered_edge_fades_to_either_side_of_where_it_was(sheet):
    row = np.asarray(conventions.white_edit(sheet, feather_px=3), int)[14, :18]

    assert (np.diff(row) >= 0).all()
    assert row[9] < 128 <= row[10]
    assert row[10 - 6] == 0
    assert row[10 + 6] >= 250


def test_feathering_works_in_every_convention(sheet, photo):
    white = np.asarray(conventions.white_edit(sheet, feather_px=4))

    black = np.asarray(conventions.black_edit(sheet, feather_px=4))
    alpha = np.asarray(conventions.alpha_zero(photo, sheet, feather_px=4))[..., 3]

    assert np.array_equal(black, 255 - white)
    assert np.array_equal(alpha, 255 - white)


@pytest.mark.parametrize("feather_px", [-1, 1001, float("nan")])
def test_an_impossible_feather_is_refused(sheet, feather_px):
    with pytest.raises(InputError, match="Use 0 to 1000 px"):
        conventions.white_edit(sheet, feather_px=feather_px)


# ---------------------------------------------------------------------- which model takes what


@pytest.mark.parametrize("model", ["runflow/object-removal", "runflow/reference-inpaint"])
def test_runflows_own_models_take_white_and_this_is_documented(model):
    convention = conventions.convention_of(model)

    assert (convention.name, convention.confirmed) == ("white", True)


@pytest.mark.parametrize(
    ("model", "name", "words"),
    [
        ("openai/gpt-image-2/edit", "white", "OpenAI itself takes a transparent area"),
        ("ideogram/v3/inpaint", "black", "Ideogram itself documents black"),
        ("ideogram/v4.5/edit", "black", "both colours"),
        ("ideogram/remove-objects", "white", "documents white"),
        ("black-forest-labs/flux-pro/fill", "white", "FLUX Fill"),
        ("someone/new-model", "white", "nothing is known of how someone/new-model reads a mask"),
    ],
)
def test_what_runflow_does_not_document_is_called_unconfirmed(model, name, words):
    convention = conventions.convention_of(model)

    assert (convention.name, convention.confirmed) == (name, False)
    assert convention.note.startswith("Unconfirmed")
    assert words in convention.note


def test_every_model_of_the_catalogue_that_takes_a_mask_is_in_the_table():
    models = [spec.id for spec in Catalogue.bundled() if spec.takes_mask]

    unknown = [model for model in models if "nothing is known" in conventions.convention_of(model).note]

    assert "runflow/object-removal" in models
    assert unknown == []


@pytest.mark.parametrize(
    ("model", "inside", "outside"), [("runflow/object-removal", 255, 0), ("ideogram/v3/inpaint", 0, 255)]
)
def test_the_mask_for_a_model_has_that_models_colours(sheet, photo, model, inside, outside):
    mask = conventions.mask_for(photo, sheet, model)

    assert (mask.getpixel((15, 12)), mask.getpixel((0, 0))) == (inside, outside)


def test_the_mask_for_openai_itself_is_the_photo_with_a_transparent_part(sheet, photo):
    mask = conventions.mask_for(photo, sheet, "gpt-image-2", feather_px=2)

    assert conventions.convention_of("gpt-image-2").name == "alpha"
    assert mask.tobytes() == conventions.alpha_zero(photo, sheet, feather_px=2).tobytes()


# ---------------------------------------------------------------------- zipped


def test_the_zip_holds_photo_and_mask(sheet, photo):
    data = conventions.to_zip(photo, sheet)

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        mask = Image.open(io.BytesIO(archive.read("mask.png")))
        packed = Image.open(io.BytesIO(archive.read("photo.png")))
        assert np.array_equal(np.asarray(mask), sheet.pixels)
        assert np.array_equal(np.asarray(packed), np.asarray(photo))


def test_an_empty_mask_is_not_packed(photo):
    with pytest.raises(InputError, match="marks nothing"):
        conventions.to_zip(photo, Sheet(SIZE))
