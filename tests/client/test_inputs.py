from __future__ import annotations

import io
import json
import zipfile

import httpx
import numpy as np
import pytest
from PIL import Image

from runflow_widgets.catalogue import Catalogue, Field, ModelSpec
from runflow_widgets.client import Client, Pace, gather
from runflow_widgets.errors import InputError
from runflow_widgets.images import data_uri, encode_png
from runflow_widgets.wire import Asset

CATALOGUE = Catalogue.bundled()
TAGS = CATALOGUE.get("runflow/tag-removal")
OBJECTS = CATALOGUE.get("runflow/object-removal")
ISOLATION = CATALOGUE.get("runflow/product-isolation")


@pytest.fixture
def picture():
    return Image.new("RGB", (8, 6), (200, 30, 30))


@pytest.fixture
def photo_file(tmp_path, picture):
    path = tmp_path / "shirt.png"
    path.write_bytes(encode_png(picture))
    return path


class Storage:
    """Takes uploads as the service does and counts them."""

    def __init__(self):
        self.sessions, self.puts = [], []

    def __call__(self, request):
        if request.method == "PUT":
            self.puts.append((str(request.url), dict(request.headers), request.content))
            return httpx.Response(200)
        body = json.loads(request.content)
        if request.url.path == "/v1/asset-uploads":
            self.sessions.append(body)
            number = len(self.sessions)
            answer = {"asset_id": f"a-{number}", "upload_url": f"https://storage.example/put/{number}?sig=s"}
            return httpx.Response(201, json=answer)
        asset_id = request.url.path.split("/")[3]
        return httpx.Response(201, json={"id": asset_id, "name": "n", "url": "https://signed"})


async def sent(gathered, storage=None, **options):
    transport = httpx.MockTransport(storage or Storage())
    async with Client("rf_live_0123456789", transport=transport, pace=Pace(scale=0), **options) as client:
        return await gathered.send(client)


def every_form(picture, path):
    data = path.read_bytes()
    return {
        "path": path,
        "text of a path": str(path),
        "bytes": data,
        "bytearray": bytearray(data),
        "open file": io.BytesIO(data),
        "data URI": data_uri(data, "image/png"),
        "Pillow": picture,
        "array": np.asarray(picture),
        "float array": np.asarray(picture) / 255,
    }


@pytest.mark.parametrize(
    "form", ["path", "text of a path", "bytes", "bytearray", "open file", "data URI", "Pillow", "array"]
)
async def test_a_picture_of_any_kind_becomes_an_upload(form, picture, photo_file):
    storage = Storage()

    wire = await sent(gather(TAGS, {"image_url": every_form(picture, photo_file)[form]}), storage)

    assert wire == {"image_url": "runflow://assets/a-1"}
    uploaded = Image.open(io.BytesIO(storage.puts[0][2]))
    assert np.array_equal(np.asarray(uploaded.convert("RGB")), np.asarray(picture))


@pytest.mark.parametrize("value", ["https://x/y.jpg", "http://x/y.jpg", "runflow://assets/7"])
async def test_an_address_travels_as_it_is(value):
    assert await sent(gather(TAGS, {"image_url": value})) == {"image_url": value}


async def test_an_asset_travels_as_its_reference():
    assert await sent(gather(TAGS, {"image": Asset(id="7")})) == {"image_url": "runflow://assets/7"}


async def test_the_same_content_is_uploaded_once_however_it_comes(picture, photo_file):
    storage = Storage()
    async with Client(transport=httpx.MockTransport(storage), pace=Pace(scale=0)) as client:
        first = await gather(TAGS, {"image": photo_file}).send(client)
        second = await gather(TAGS, {"image": photo_file.read_bytes()}).send(client)

    assert first == second
    assert len(storage.puts) == 1


@pytest.mark.parametrize(
    ("beyond", "is_inside"), [(None, False), (-1, False), (0, True)], ids=["not asked", "larger", "fits"]
)
async def test_a_small_file_may_travel_inside_the_inputs(beyond, is_inside, photo_file):
    storage, data = Storage(), photo_file.read_bytes()
    options = {} if beyond is None else {"inline_bytes": len(data) + beyond}

    inputs = await sent(gather(TAGS, {"image": photo_file}), storage, **options)

    expected = data_uri(data, "image/png") if is_inside else "runflow://assets/a-1"
    assert inputs == {"image_url": expected}
    assert len(storage.puts) == (0 if is_inside else 1)


async def test_an_empty_file_is_named_whether_or_not_it_would_fit(tmp_path):
    empty = tmp_path / "list.zip"
    empty.write_bytes(b"")

    with pytest.raises(InputError, match=r"list\.zip is empty"):
        await sent(gather(OBJECTS, {"zip_url": empty, "file_input": "a", "file_mask": "b"}), inline_bytes=100)


async def test_the_file_goes_to_the_storage_without_the_key(photo_file):
    storage = Storage()

    await sent(gather(TAGS, {"image": photo_file}), storage)

    address, headers, data = storage.puts[0]
    assert address.startswith("https://storage.example/")
    assert "authorization" not in headers
    assert headers["content-type"] == "image/png"
    assert storage.sessions == [{"filename": "shirt.png", "mime_type": "image/png", "size_bytes": len(data)}]


async def test_photo_and_mask_are_packed_for_a_model_that_wants_a_zip(picture):
    mask = Image.new("L", picture.size)
    mask.paste(255, (2, 2, 5, 5))
    storage = Storage()

    wire = await sent(gather(OBJECTS, {"image": picture, "mask": mask}), storage)

    assert wire == {"zip_url": "runflow://assets/a-1", "file_input": "photo.png", "file_mask": "mask.png"}
    with zipfile.ZipFile(io.BytesIO(storage.puts[0][2])) as archive:
        assert sorted(archive.namelist()) == ["mask.png", "photo.png"]
        values = np.unique(np.asarray(Image.open(archive.open("mask.png"))))
    assert values.tolist() == [0, 255]


class Uploaded:
    """A file that reads itself, as results and uploads do."""

    name = "a.png"

    def __init__(self, picture):
        self._data = encode_png(picture)

    def read_bytes(self):
        return self._data


def test_files_that_read_themselves_are_packed_like_pictures(picture):
    photo, mask = Uploaded(picture), Uploaded(Image.linear_gradient("L").resize(picture.size))

    gathered = gather(OBJECTS, {"image": photo, "mask": mask})

    with zipfile.ZipFile(io.BytesIO(gathered.values["zip_url"].data)) as archive:
        assert archive.namelist() == ["photo.png", "mask.png"]


def test_the_zip_of_a_reference_inpaint_holds_three_pictures(picture):
    mask = Image.new("L", picture.size)
    mask.paste(255, (2, 2, 5, 5))

    gathered = gather(
        CATALOGUE.get("runflow/reference-inpaint"), {"image": picture, "mask": mask, "reference": picture}
    )

    with zipfile.ZipFile(io.BytesIO(gathered.values["zip_url"].data)) as archive:
        assert sorted(archive.namelist()) == ["mask.png", "photo.png", "reference.png"]
    assert gathered.values["file_reference"] == "reference.png"


@pytest.mark.parametrize(
    ("inputs", "field", "sentence"),
    [
        ({}, "image_url", "missing"),
        ({"image_url": 5}, "image_url", "int"),
        ({"image_url": "/no/such/file.png"}, "image_url", "no readable file"),
        ({"image_url": b"<html>not a picture</html>"}, "image_url", "image_url:"),
        ({"image_url": "https://x/y.png", "colour": "red"}, "colour", "colour"),
        ({"image_url": "https://x/y.png", "config": {"aspect_ratio": 5}}, "config.aspect_ratio", "5"),
    ],
)
def test_what_cannot_be_sent_is_said_at_its_field(inputs, field, sentence):
    with pytest.raises(InputError, match=sentence) as refusal:
        gather(TAGS, inputs)

    assert refusal.value.field == field


def test_several_faults_are_counted_and_named():
    with pytest.raises(InputError, match="1 more: resolution"):
        gather(ISOLATION, {"image_url": "https://x/y.png", "aspect_ratio": "7:3"})


def test_a_model_whose_zip_holds_no_mask_takes_a_ready_made_one(picture):
    spec = CATALOGUE.get("runflow/background-replace")

    gathered = gather(spec, {"zip_url": "https://a.example/b.zip", "file_image": "photo.png"})
    assert gathered.values["zip_url"] == "https://a.example/b.zip"
    # Its page names no layout that could be packed here; what is given beyond its inputs is left to the service.
    assert "image" in gather(spec, {"image": picture}).values


def test_a_mask_without_its_photo_is_said():
    with pytest.raises(InputError, match="mask"):
        gather(OBJECTS, {"image": Image.new("RGB", (4, 4))})


def test_a_mask_of_another_size_is_said(picture):
    mask = Image.new("L", (3, 3), 255)

    with pytest.raises(InputError, match="3"):
        gather(OBJECTS, {"image": picture, "mask": mask})


def test_more_than_the_service_takes_is_not_even_begun():
    with pytest.raises(InputError, match=r"takes at most 50 MiB"):
        gather(OBJECTS, {"zip_url": b"PK\x03\x04" + bytes(52_428_800), "file_input": "a.png", "file_mask": "b.png"})


def test_numbers_of_numpy_are_numbers():
    spec = ModelSpec(id="a/b", inputs=(Field(name="steps", kind="integer"), Field(name="scale", kind="float")))

    assert gather(spec, {"steps": np.int64(4), "scale": np.float32(0.5)}).values == {"steps": 4, "scale": 0.5}


def test_what_is_none_is_not_sent():
    assert gather(TAGS, {"image_url": "https://x/y.png", "config": None}).values == {"image_url": "https://x/y.png"}


async def test_a_list_of_pictures_keeps_its_order(picture):
    spec = CATALOGUE.get("google/nano-banana-pro/edit")
    other = Image.new("RGB", (5, 5), "blue")

    wire = await sent(gather(spec, {"prompt": "both", "images": [picture, "https://x/y.png", other]}))

    assert wire["image_urls"] == ["runflow://assets/a-1", "https://x/y.png", "runflow://assets/a-2"]


async def test_a_model_that_nobody_knows_takes_what_it_is_given(picture):
    wire = await sent(gather(ModelSpec(id="new/model"), {"Aux Reference 1": picture, "strength": 0.5}))

    assert wire == {"Aux Reference 1": "runflow://assets/a-1", "strength": 0.5}


def test_the_record_names_files_by_their_content(picture, photo_file):
    gathered = gather(TAGS, {"image": photo_file, "config": {}})
    same = gather(TAGS, {"image": photo_file.read_bytes(), "config": {}})

    assert gathered.on_record["image_url"].startswith("file:shirt.png#sha256=")
    assert gathered.on_record["config"] == {}
    assert gathered.fingerprint != gather(TAGS, {"image": photo_file}).fingerprint
    assert same.on_record["image_url"].endswith(gathered.on_record["image_url"].partition("#")[2])
    assert same.fingerprint == gathered.fingerprint


async def test_an_upload_whose_address_expired_is_begun_again(photo_file):
    storage = Storage()
    refused = []

    def answer(request):
        if request.method == "PUT" and not refused:
            refused.append(request)
            return httpx.Response(403)
        return storage(request)

    wire = await sent(gather(TAGS, {"image": photo_file}), answer)

    assert wire == {"image_url": "runflow://assets/a-2"}


async def test_an_upload_survives_a_storage_that_stumbles(photo_file):
    storage = Storage()
    troubles = [httpx.Response(500), None]

    def answer(request):
        if request.method == "PUT" and (trouble := troubles.pop(0) if troubles else None) is not None:
            return trouble
        return storage(request)

    assert await sent(gather(TAGS, {"image": photo_file}), answer) == {"image_url": "runflow://assets/a-1"}


async def test_a_file_is_not_sent_to_an_address_without_https(photo_file):
    def answer(request):
        return httpx.Response(201, json={"asset_id": "a", "upload_url": "http://storage.example/put"})

    with pytest.raises(Exception, match=r"was not sent .*is plain http"):
        await sent(gather(TAGS, {"image": photo_file}), answer)
