"""Whatever holds a picture becomes the same upright bitmap; whatever does not is told so in a sentence."""

import io
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib

import numpy as np
import pytest
from hostile.archives import packed as a_zip
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from runflow_widgets import images
from runflow_widgets.errors import InputError


def a_picture(mode="RGB", size=(6, 4)):
    channels = {"L": 1, "RGB": 3, "RGBA": 4}[mode]
    values = np.arange(size[0] * size[1] * channels, dtype=np.uint8).reshape(size[1], size[0], channels)
    return Image.fromarray(values[:, :, 0] if channels == 1 else values)


def as_file(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_every_source_gives_the_same_pixels(mode, tmp_path):
    picture = a_picture(mode)
    png = as_file(picture)
    path = tmp_path / "picture.png"
    path.write_bytes(png)

    sources = [path, str(path), png, bytearray(png), memoryview(png), io.BytesIO(png), picture, np.asarray(picture)]
    opened = [images.open_image(source) for source in [*sources, images.data_uri(png, "image/png")]]

    assert {image.mode for image in opened} == {mode}
    assert all(np.array_equal(np.asarray(image), np.asarray(picture)) for image in opened)


def test_the_source_is_never_handed_out_itself():
    picture = a_picture()

    images.open_image(picture).putpixel((0, 0), (9, 9, 9))

    assert picture.getpixel((0, 0)) == (0, 1, 2)


@pytest.mark.parametrize(("orientation", "size"), [(1, (6, 4)), (3, (6, 4)), (6, (4, 6)), (8, (4, 6))])
def test_a_photo_is_turned_upright_and_stays_so(orientation, size):
    exif = Image.Exif()
    exif[0x0112] = orientation

    upright = images.open_image(as_file(a_picture(), "JPEG", exif=exif))
    again = images.open_image(images.encode(upright, "image/jpeg"))

    assert upright.size == again.size == size


@pytest.mark.parametrize(
    ("array", "mode", "brightest"),
    [
        (np.full((2, 3), 200, np.uint8), "L", 200),
        (np.full((2, 3, 1), 200, np.uint8), "L", 200),
        (np.full((2, 3, 2), 200, np.uint8), "RGBA", 200),
        (np.full((2, 3, 3), 1.0), "RGB", 255),
        (np.full((2, 3, 4), 0.5, np.float32), "RGBA", 128),
        (np.ones((2, 3), bool), "L", 255),
        (np.full((2, 3), 65535, np.uint16), "L", 255),
    ],
)
def test_arrays_of_every_clear_meaning_are_taken(array, mode, brightest):
    image = images.open_image(array)

    assert (image.mode, image.size) == (mode, (3, 2))
    assert np.asarray(image).max() == brightest


@pytest.mark.parametrize(
    ("source", "mode", "pixel"),
    [
        (Image.new("P", (2, 2)), "RGB", (0, 0, 0)),
        (Image.new("1", (2, 2), 1), "L", 255),
        (Image.new("LA", (2, 2), (50, 60)), "RGBA", (50, 50, 50, 60)),
        (Image.new("CMYK", (2, 2), (0, 0, 0, 255)), "RGB", (0, 0, 0)),
        (Image.new("I", (2, 2), 65535), "L", 255),
        (Image.new("F", (2, 2), 0.5), "L", 128),
        (Image.fromarray(np.full((2, 2), 32896, np.uint16)), "L", 128),
    ],
)
def test_rare_modes_come_down_to_plain_ones(source, mode, pixel):
    image = images.open_image(source)

    assert (image.mode, image.getpixel((0, 0))) == (mode, pixel)


def test_a_transparent_palette_keeps_its_transparency():
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])

    image = images.open_image(as_file(palette, transparency=1))

    assert image.getpixel((0, 0)) == (200, 100, 50, 0)


def test_a_colour_profile_stays_while_it_fits():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    photo = images.open_image(as_file(a_picture(), "JPEG", icc_profile=profile))
    printed = images.open_image(as_file(Image.new("CMYK", (2, 2)), "TIFF", icc_profile=profile))

    assert images.open_image(images.encode_png(photo)).info["icc_profile"] == profile
    assert "icc_profile" not in printed.info


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ([1, 2, 3], "A list is not a picture"),
        (None, "A NoneType is not a picture"),
        (np.zeros(3, np.uint8), "has the shape 3"),
        (np.zeros((0, 4), np.uint8), "has the shape 0×4"),
        (np.full((2, 2), 200.0), "floats from 200 to 200"),
        (np.full((2, 2), np.nan), "floats from nan"),
        (np.zeros((2, 2), np.int64), "holds int64"),
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html></html>", "it is a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is an SVG drawing"),
        (b"%PDF-1.7", "it is a PDF"),
        (b"\0\0\0\x1cftypavif", "it is an AVIF or HEIC file"),
        (b"\0\0\0\x1cftypisom", "it is a film"),
        (b"\x89PNG\r\n\x1a\n and no more", "is damaged or cut short"),
        ("nowhere.png", "There is no file nowhere.png"),
        ("https://example.com/a.png", "A link is not opened here"),
        ("data:image/png", "This is not a data URI"),
        ("data:image/png;base64,@@@", "its base64 cannot be read"),
        (io.StringIO("text"), "is open as text"),
        (Image.new("RGB", (0, 5)), "has no pixels"),
    ],
)
def test_what_is_no_picture_is_named(source, sentence):
    with pytest.raises(InputError, match=sentence):
        images.open_image(source)


def test_a_folder_and_a_disguised_web_page_are_named(tmp_path):
    page = tmp_path / "photo.png"
    page.write_text("<html>")

    with pytest.raises(InputError, match=r"photo\.png is not a picture: it is a web page"):
        images.open_image(page)
    with pytest.raises(InputError, match="is a folder"):
        images.open_image(tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_half_a_file_is_refused(kind):
    whole = as_file(Image.effect_noise((64, 64), 90).convert("RGB"), kind)

    with pytest.raises(InputError, match="damaged or cut short"):
        images.open_image(whole[: len(whole) // 2])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]), st.data())
def test_no_damage_escapes_as_a_foreign_error(kind, data):
    whole = bytearray(as_file(a_picture(size=(16, 16)), kind))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=6)):
        whole[place] = data.draw(st.integers(0, 255))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = images.open_image(bytes(whole), max_pixels=1_000_000)
        except InputError:
            return

    assert image.mode in ("L", "RGB", "RGBA")


def test_a_picture_too_big_to_open_is_refused_by_its_header_alone():
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
    bomb += struct.pack(">I", zlib.crc32(b"IHDR" + header)) + b"\0\0\0\0IDAT\x35\xaf\x06\x1e"

    with pytest.raises(InputError, match="more pixels than are opened safely"):
        images.open_image(bomb)
    with pytest.raises(InputError, match=r"limit is 2e-05 megapixels"):
        images.open_image(as_file(a_picture()), max_pixels=20)


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (Image.new("L", (1, 1)), True),
        (np.zeros((2, 2)), True),
        (np.zeros(3), False),
        (as_file(a_picture()), True),
        (b"<svg/>", False),
        ("data:image/png;base64,AA", True),
        ("data:image/svg+xml,<svg/>", False),
        ("photo.JPG", True),
        ("a sentence about a photo", False),
        ("https://example.com/a.png", False),
        ("runflow://assets/a.png", False),
        (io.BytesIO(), True),
        (io.StringIO(), False),
        (7, False),
    ],
)
def test_what_looks_like_an_image(value, answer):
    assert images.is_image_like(value) is answer


def test_a_file_without_ending_is_judged_by_its_first_bytes(tmp_path):
    (tmp_path / "picture").write_bytes(as_file(a_picture()))
    (tmp_path / "notes").write_text("no picture")

    assert images.is_image_like(tmp_path / "picture")
    assert not images.is_image_like(str(tmp_path / "notes"))


@pytest.mark.parametrize("mime", ["image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp", "image/tiff"])
def test_what_is_written_is_recognised(mime):
    data = images.encode(a_picture("RGBA"), mime)

    assert images.sniff_mime(data) == mime
    assert images.is_image_like(f"x.{images.extension_for(mime)}")
    assert images.open_image(data).size == (6, 4)


def test_png_bytes_depend_on_the_pixels_alone():
    fresh = images.open_image(as_file(a_picture(), pnginfo=None, dpi=(300, 300)))

    assert images.encode_png(fresh) == images.encode_png(a_picture())


def test_jpeg_lays_transparency_on_white_and_other_kinds_are_refused():
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))

    assert images.open_image(images.encode(clear, "image/jpeg")).getpixel((4, 4)) == (255, 255, 255)
    with pytest.raises(InputError, match="cannot be written as image/x-icon"):
        images.encode(clear, "image/x-icon")


def test_other_kinds_are_sniffed_and_named():
    assert images.sniff_mime(a_zip({"a": b"a"})) == "application/zip"
    assert images.sniff_mime(b"\0\0\0\x18ftypisom") == "video/mp4"
    assert images.sniff_mime(b"<html>") == "application/octet-stream"
    assert [images.extension_for(mime) for mime in ("video/mp4", "IMAGE/JPEG; q=1", "x/y")] == ["mp4", "jpg", "bin"]


@given(st.binary(max_size=300))
def test_a_data_uri_brings_the_same_bytes_back(data):
    assert images.read_data_uri(images.data_uri(data, "image/webp")) == (data, "image/webp")


def test_a_percent_encoded_data_uri_is_read_too():
    assert images.read_data_uri("data:,a%20b") == (b"a b", "text/plain")


def test_arrays_go_there_and_back():
    array = images.to_array(a_picture("RGBA"))
    array[0, 0] = 7

    assert np.array_equal(images.to_array(images.from_array(array)), array)


def test_a_thumbnail_shrinks_and_never_grows():
    assert images.thumbnail(Image.new("RGB", (400, 100)), 80).size == (80, 20)
    assert images.thumbnail(Image.new("RGB", (40, 10)), 80).size == (40, 10)


def test_a_grey_mask_becomes_black_and_white():
    grey = np.array([[0, 127, 128, 255]], np.uint8)

    mask = images.read_mask(grey, (4, 1))

    assert np.asarray(mask).tolist() == [[0, 0, 255, 255]]


def test_transparent_places_of_a_mask_keep():
    strokes = np.full((1, 2, 4), 255, np.uint8)
    strokes[0, 1, 3] = 0

    assert np.asarray(images.read_mask(strokes, (2, 1))).tolist() == [[255, 0]]


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (np.ones((3, 4), bool), "white everywhere"),
        (np.zeros((3, 4), bool), "marks nothing: it is all black"),
        (np.eye(3, 4, dtype=np.uint8), "marks nothing: its brightest value is 1"),
        (np.zeros((2, 2), bool), "The mask is 2×2 px, but the picture is 4×3 px"),
    ],
)
def test_a_mask_that_cannot_be_meant_is_explained(mask, sentence):
    with pytest.raises(InputError, match=sentence):
        images.read_mask(mask, (4, 3))


def test_a_packed_mask_comes_out_of_the_zip_again():
    mask = np.eye(4, 6, dtype=bool)

    packed = images.pack_mask_zip(a_picture(), mask)
    members = images.safe_unzip(packed, ["photo.png", "mask.png"])

    assert packed == images.pack_mask_zip(as_file(a_picture()), mask)
    assert np.array_equal(images.to_array(images.open_image(members["mask.png"])) == 255, mask)
    assert np.array_equal(images.open_image(members["photo.png"]), a_picture())


def test_a_reference_travels_in_the_same_zip():
    packed = images.pack_mask_zip(a_picture(), np.eye(4, 6, dtype=bool), reference=a_picture("L"))

    member = images.safe_unzip(packed, [images.REFERENCE_NAME])[images.REFERENCE_NAME]

    assert images.open_image(member).mode == "L"


def test_a_mask_that_does_not_fit_is_not_packed():
    with pytest.raises(InputError, match="same size"):
        images.pack_mask_zip(a_picture(), np.eye(3, dtype=bool))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "it is empty"),
        (b"hello", "it is not a zip file"),
        (a_zip({"a": b"a" * 99})[:-30], "it is damaged"),
        (a_zip({}), "holds no a. It is empty"),
        (a_zip({"x/b.png": b"", "__MACOSX/._b.png": b""}), r"holds no a. It holds x/b\.png\.$"),
        (a_zip({f"{n}": b"" for n in range(1001)}), "holds 1001 files"),
        (a_zip({"a": bytes(3000)}), r"unpacks to 0\.0 MB"),
        (a_zip({"a": bytes(2_000_000)}, zipfile.ZIP_LZMA), "unpacks to"),
    ],
    # A zip holds the time at which it was made: its bytes are no name for a test.
    ids=["empty", "words", "cut", "nothing in it", "another name", "thousands", "large", "large by another way"],
)
def test_a_zip_that_cannot_be_used_is_explained(data, sentence):
    with pytest.raises(InputError, match=sentence):
        images.safe_unzip(data, ["a"], limit_bytes=2000)


def test_a_bomb_and_a_locked_member_are_refused():
    locked = bytearray(a_zip({"a": b"secret"}))
    locked[6] |= 1
    locked[locked.rindex(b"PK\x01\x02") + 8] |= 1

    with pytest.raises(InputError, match="suspiciously tight"):
        images.safe_unzip(a_zip({"a": bytes(5_000_000)}, zipfile.ZIP_LZMA), ["a"])
    with pytest.raises(InputError, match="encrypted"):
        images.safe_unzip(bytes(locked), ["a"])


def test_a_member_with_wrong_content_is_damage():
    data = bytearray(a_zip({"a": b"abcdefgh"}, zipfile.ZIP_STORED))
    data[data.index(b"abcdefgh")] ^= 1

    with pytest.raises(InputError, match="it is damaged"):
        images.safe_unzip(bytes(data), ["a"])


def test_importing_images_loads_no_pillow_and_no_numpy():
    code = "import sys, runflow_widgets.images; print({'PIL', 'numpy'} & set(sys.modules))"

    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert seen.stdout.strip() == "set()"
