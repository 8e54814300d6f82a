from __future__ import annotations

import io
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue, Field, ModelSpec
from runflow_widgets.errors import InputError, OutputError
from runflow_widgets.filling.kept import kept_file, kept_values, safe_name
from runflow_widgets.images import data_uri, encode_png, open_image
from runflow_widgets.result import Output
from runflow_widgets.snippets import Named
from runflow_widgets.widgets.picked import PickedFile
from runflow_widgets.wire import Asset

RED = Image.new("RGB", (8, 6), (200, 30, 30))
RED_PNG = encode_png(RED)


@pytest.mark.parametrize("address", ["https://x.example/a.png", "runflow://assets/7", "data:image/png;base64,AAAA"])
def test_an_address_stays_a_text(address, home):
    assert kept_file(address) == address
    assert not home.exists()


def test_an_asset_is_its_reference():
    assert kept_file(Asset.read({"id": "7"})) == "runflow://assets/7"


def test_a_path_stays_as_it_was_given(tmp_path, home, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(RED_PNG)

    assert kept_file("photo.png") == Path("photo.png")
    assert kept_file(tmp_path / "photo.png") == tmp_path / "photo.png"
    assert not home.exists()


@pytest.mark.parametrize("missing", ["gone.png", "", "x" * 5000, "a\0b", Path("gone.png")])
def test_a_file_that_is_not_there_is_refused(missing):
    with pytest.raises(InputError, match="no file") as refusal:
        kept_file(missing)

    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (RED_PNG, "image.png"),
        (bytearray(RED_PNG), "image.png"),
        (io.BytesIO(RED_PNG), "image.png"),
        (PickedFile("My shirt (1).png", RED_PNG), "My shirt (1).png"),
        (PickedFile("shirt.JPG", RED_PNG), "shirt.png"),
    ],
)
def test_what_is_a_file_already_keeps_its_bytes_and_its_name(value, name, home):
    path = kept_file(value)

    assert path.read_bytes() == RED_PNG
    assert path.name == name
    assert re.fullmatch(r"[0-9a-f]{16}", path.parent.name)
    assert path.parent.parent == home / "kept"


def test_a_data_uri_too_long_to_read_around_is_a_file():
    data = encode_png(rf.samples.load("picnic").resize((40, 30)))

    assert kept_file(data_uri(data, "image/png")).read_bytes() == data


@pytest.mark.parametrize("value", [RED, np.asarray(RED), np.asarray(RED) / 255])
def test_pixels_become_a_png(value):
    path = kept_file(value)

    assert path.name == "image.png"
    assert open_image(path).tobytes() == RED.tobytes()


def test_a_result_is_kept_for_itself_and_a_run_is_its_first_result(tmp_path):
    class Run:
        outputs = (Output.at(tmp_path / "01.png"),)

    (tmp_path / "01.png").write_bytes(RED_PNG)

    path = kept_file(Run())

    assert path == kept_file(Run.outputs[0])
    assert path.parent.parent.name == "kept"
    assert path.read_bytes() == RED_PNG


def test_a_run_without_a_result_is_refused():
    class Run:
        outputs = ()

    with pytest.raises(InputError, match="no result"):
        kept_file(Run())


def test_the_same_content_is_one_file_and_is_written_once():
    first = kept_file(PickedFile("a.png", RED_PNG))
    written = first.stat().st_mtime_ns

    assert kept_file(PickedFile("b.png", RED_PNG)) == first
    assert kept_file(RED_PNG) == first
    assert first.stat().st_mtime_ns == written
    assert len(list(first.parent.iterdir())) == 1


def test_a_kept_file_that_somebody_painted_in_is_written_anew():
    first = kept_file(PickedFile("a.png", RED_PNG))
    first.write_bytes(b"painted")

    assert kept_file(PickedFile("a.png", RED_PNG)).read_bytes() == RED_PNG


def test_many_threads_at_once_leave_one_whole_file():
    start = threading.Barrier(8)
    found = []

    def keep():
        start.wait()
        found.append(kept_file(PickedFile("a.png", RED_PNG)))

    threads = [threading.Thread(target=keep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 1
    assert [path.name for path in found[0].parent.iterdir()] == ["a.png"]
    assert found[0].read_bytes() == RED_PNG


def test_where_nothing_can_be_written_it_is_said(home):
    home.mkdir(exist_ok=True)
    (home / "kept").write_text("a file where the folder should be")

    with pytest.raises(OutputError, match="cannot be written"):
        kept_file(RED_PNG)


def test_what_is_no_picture_is_refused():
    with pytest.raises(InputError):
        kept_file(5)
    with pytest.raises(InputError, match="MiB"):
        kept_file(PickedFile("huge.png", b"\0" * (52_428_800 + 1)))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\me\photo.jpg", "photo.jpg"),
        (".bashrc", "bashrc"),
        ("...", "file"),
        ("", "file"),
        ("CON.png", "_CON.png"),
        ("com1", "_com1"),
        ('a<b>:"|?*.png', "a_b______.png"),
        ("line\nbreak\0.png", "linebreak.png"),
        ("exe\u202egnp.scr", "exegnp.scr"),
        ("trailing. . ", "trailing"),
        ("ü日本.webp", "ü日本.webp"),
        ("x" * 300 + ".jpeg", "x" * 80 + ".jpeg"),
        ("archive.tar.gz", "archive.tar.gz"),
        ("half\ud83d.png", "half.png"),
    ],
)
def test_a_strangers_name_becomes_a_plain_one(name, safe):
    assert safe_name(name) == safe


@given(st.text(st.characters(exclude_categories=())))
def test_any_name_is_good_on_every_system(name):
    safe = safe_name(name, RED_PNG)

    assert safe.lower().endswith(".png")
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', safe)
    assert not safe.startswith(".")
    assert not safe.endswith((" ", "."))
    assert len(os.fsencode(safe)) <= 100
    assert safe_name(safe, RED_PNG) == safe


def test_a_forms_values_become_what_code_can_refer_to(tmp_path):
    (tmp_path / "photo.png").write_bytes(RED_PNG)
    spec = ModelSpec(
        "a/b",
        inputs=(
            Field("image_url", kind="image"),
            Field("image_urls", kind="image_list"),
            Field("config", kind="json", fields=(Field("style", kind="image"), Field("strength", kind="float"))),
            Field("prompt"),
        ),
    )
    values = {
        "image_url": str(tmp_path / "photo.png"),
        "image_urls": [RED, Named("photo"), "https://x.example/a.png"],
        "config": {"style": RED_PNG, "strength": np.float32(0.5)},
        "prompt": "no/file.png",
        "seed": None,
        "extra": PickedFile("late.png", RED_PNG),
    }

    kept = kept_values(spec, values)

    picture = kept_file(RED_PNG)
    assert kept == {
        "image_url": tmp_path / "photo.png",
        "image_urls": [picture, Named("photo"), "https://x.example/a.png"],
        "config": {"style": picture, "strength": 0.5},
        "prompt": "no/file.png",
        "extra": picture,
    }


def test_short_names_are_pictures_too():
    spec = Catalogue.bundled().get("runflow/object-removal")

    kept = kept_values(spec, {"image": RED, "mask": Image.new("L", (8, 6)), "file_input": "photo.png"})

    assert isinstance(kept["image"], Path)
    assert isinstance(kept["mask"], Path)
    assert kept["file_input"] == "photo.png"


def test_a_value_that_is_nothing_of_the_kind_is_named_by_its_path():
    spec = ModelSpec("a/b", inputs=(Field("config", kind="json", fields=(Field("style", kind="image"),)),))

    with pytest.raises(InputError) as refusal:
        kept_values(spec, {"config": {"style": "gone.png"}})
    with pytest.raises(InputError, match="neither JSON nor a picture") as other:
        kept_values(spec, {"scale": float("nan")})

    assert refusal.value.field == "config.style"
    assert other.value.field == "scale"


def test_kept_values_run_like_the_values_themselves():
    rf.connect(embedded=True)
    spec = rf.model("runflow/background-color")
    picture = rf.samples.load("perfume").resize((88, 110))
    values = {"image_url": picture, "color_red": 1, "color_green": 2, "color_blue": 3}

    run = rf.run(spec.id, kept_values(spec, values)).result(60)

    assert run.image.size == picture.size
