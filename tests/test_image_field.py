"""The image field without a page: what it takes, what it says, what stays."""

from __future__ import annotations

import io
import itertools
import threading

import numpy as np
import pytest
from PIL import Image
from recording import say, wire  # noqa: F401

import runflow_widgets as rf
from runflow_widgets.errors import InputError
from runflow_widgets.widgets.at_hand import in_the_notebook, latest_results, paths_like


def photo(width=120, height=80):
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.paste((190, 30, 40), (width // 3, height // 4, 2 * width // 3, 3 * height // 4))
    return image


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def field(wire):  # noqa: F811
    field = rf.ImageField(label="Photo")
    yield field
    field.close()


NUMBERS = itertools.count()


def upload(field, data, name="a.png", piece=1000, order=lambda messages: messages):
    """What the page sends of a file, in the order in which it arrives."""
    what = {"id": f"u{next(NUMBERS)}", "name": name, "size": len(data), "more": False}
    starts = range(0, len(data), piece)
    chunks = [({"do": "chunk", "at": start, **what}, [data[start : start + piece]]) for start in starts]
    for message, buffers in order([({"do": "begin", **what}, []), *chunks]):
        say(field, message, buffers)


# ---------------------------------------------------------------- values


def test_a_path_an_array_a_picture_and_bytes_are_values(field, tmp_path):
    path = tmp_path / "shirt.png"
    path.write_bytes(png(photo()))

    for value in (str(path), path, np.asarray(photo()), photo(), path.read_bytes()):
        field.value = value

        assert field.value is value
        assert field.image.size == (120, 80)
        assert "120 × 80 px" in field.facts
        assert Image.open(io.BytesIO(field.thumb)).size == (120, 80)
    field.value = str(path)
    assert field.facts.startswith("shirt.png · 120 × 80 px · PNG")
    assert repr(field).startswith("ImageField(Photo: shirt.png")


def test_an_empty_field_has_no_picture(field):
    field.value = photo()
    field.clear()

    assert (field.value, field.image, field.facts, field.thumb) == (None, None, "", b"")
    assert repr(field) == "ImageField(Photo: empty)"
    field.value = ""
    assert field.value is None


@pytest.mark.parametrize(
    ("value", "sentence"),
    [("missing.png", "no file missing.png"), (b"no picture", "not a picture"), (7, "A int is not a picture")],
)
def test_what_is_no_picture_is_refused_and_the_value_stays(field, value, sentence):
    before = photo()
    field.value = before

    with pytest.raises(InputError, match=sentence):
        field.value = value

    assert field.value is before
    assert "120 × 80" in field.facts


def test_a_file_over_the_limit_is_refused(field, tmp_path):
    path = tmp_path / "big.png"
    path.write_bytes(png(Image.effect_noise((200, 200), 99)))
    field.limit_bytes = 1000

    with pytest.raises(InputError, match=r"big\.png has 0\.0 MB; at most 0 MB"):
        field.value = path

    assert field.value is None


def test_an_address_that_cannot_be_looked_at_is_passed_on_as_it_is(field):
    field.value = "http://127.0.0.1:9/picture.png"

    assert field.value == "http://127.0.0.1:9/picture.png"
    assert "passed on as it is" in field.facts
    assert field.thumb == b""


def test_the_value_can_be_observed_and_is_what_a_run_takes(field):
    seen = []
    field.observe(lambda change: seen.append(change["new"].name), "value")
    upload(field, png(photo()), "shirt.png")

    run = rf.run("runflow/background-color", image=field.value, color_red=1, color_green=2, color_blue=3)

    assert seen == ["shirt.png"]
    assert run.result(timeout_s=60).image.size == (120, 80)
    assert "shirt.png" in str(run.inputs)


# ---------------------------------------------------------------- what the page sends


def test_a_file_arrives_in_pieces_and_each_is_acknowledged(field, wire):  # noqa: F811
    data = png(Image.effect_noise((120, 80), 60))

    upload(field, data, "noise.png", piece=3000)

    assert field.value.read_bytes() == data
    assert (field.value.name, field.value.mime_type) == ("noise.png", "image/png")
    got = [content["bytes"] for content, _ in wire.custom(field) if content["kind"] == "got"]
    assert got[-1] == len(data)
    assert len(got) == -(-len(data) // 3000)
    assert "data" not in repr(field.value)
    assert field.busy == ""


@pytest.mark.parametrize("piece", [1000, 10**6])
@pytest.mark.parametrize("order", [lambda all_: all_[::-1], lambda all_: [*all_[1:3], all_[0], *all_[:2:-1]]])
def test_pieces_that_overtake_one_another_are_put_where_they_belong(field, order, piece):
    data = png(photo())

    upload(field, data, piece=piece, order=order)

    assert field.value.data == data
    assert (field.busy, field.error) == ("", "")


def test_a_beginning_that_comes_after_the_end_begins_nothing(field):
    upload(field, png(photo()), name="late.png", piece=10**6, order=lambda all_: all_[::-1])
    upload(field, b"no picture", name="notes.png", piece=10**6, order=lambda all_: all_[::-1])

    assert "notes.png" in field.error
    assert field.busy == ""


def test_a_late_beginning_leaves_the_next_upload_alone(field):
    data = png(photo())
    first, second = ({"id": name, "name": f"{name}.png", "size": len(data), "more": False} for name in "ab")
    say(field, {"do": "chunk", "at": 0, **first}, [data])
    say(field, {"do": "begin", **second})

    say(field, {"do": "begin", **first})
    say(field, {"do": "chunk", "at": 0, **second}, [data])

    assert field.value.name == "b.png"
    assert field.busy == ""


def test_a_file_that_is_too_large_is_refused_before_its_first_piece(field):
    say(field, {"do": "begin", "id": "u", "name": "film.png", "size": 10**9})

    assert "film.png has 1000.0 MB" in field.error
    assert field.busy == ""


def test_pieces_nobody_asked_for_and_too_many_of_them_do_nothing(field):
    say(field, {"do": "chunk", "id": "?"}, [b"abc"])
    assert field.value is None

    say(field, {"do": "begin", "id": "u", "name": "a.png", "size": 4})
    say(field, {"do": "chunk", "id": "u"}, [b"abcdefgh"])

    assert "grew while it was uploaded" in field.error
    assert field.value is None


def test_an_upload_that_is_given_up_leaves_nothing(field):
    data = png(photo())
    say(field, {"do": "begin", "id": "u", "name": "a.png", "size": len(data)})
    say(field, {"do": "stop", "id": "u"})
    say(field, {"do": "chunk", "id": "u"}, [data])

    assert (field.value, field.busy) == (None, "")


def test_an_uploaded_file_that_is_no_picture_is_refused_with_its_name(field):
    upload(field, b"%PDF-1.7 and so on", "notes.png")

    assert "it is a PDF" in field.error
    assert field.value is None
    upload(field, png(photo()))
    assert field.error == ""


def test_a_typed_path_is_completed_and_taken(field, wire, tmp_path):  # noqa: F811
    (tmp_path / "shirts").mkdir()
    (tmp_path / "shirt.png").write_bytes(png(photo()))
    (tmp_path / "shirt.txt").write_text("no")

    say(field, {"do": "complete", "text": f"{tmp_path}/sh"})
    say(field, {"do": "text", "text": f'"{tmp_path}/shirt.png" '})

    answer = wire.custom(field)[0][0]
    assert answer["paths"] == [f"{tmp_path}/shirt.png", f"{tmp_path}/shirts/"]
    assert field.value == f"{tmp_path}/shirt.png"
    say(field, {"do": "text", "text": f"{tmp_path}/nothing.png"})
    assert "no file" in field.error
    assert field.value == f"{tmp_path}/shirt.png"


def test_a_typed_address_is_looked_at_in_the_background(field):
    there = threading.Event()
    field.observe(lambda _: there.set(), "value")

    say(field, {"do": "text", "text": "http://127.0.0.1:9/a.png"})

    assert there.wait(30)
    assert field.value == "http://127.0.0.1:9/a.png"


def test_results_of_earlier_runs_are_offered_and_taken(field, wire):  # noqa: F811
    run = rf.run("runflow/background-color", image=photo(), color_red=1, color_green=2, color_blue=3)
    run.result(timeout_s=60)

    say(field, {"do": "offer"})
    ((path, says),) = wire.custom(field)[-1][0]["results"]
    say(field, {"do": "result", "path": path})

    assert "runflow/background-color" in says
    assert field.value.read_bytes() == run.outputs[0].read_bytes()
    say(field, {"do": "result", "path": "/etc/passwd"})
    assert "no longer there" in field.error


# ---------------------------------------------------------------- what is at hand


def test_variables_that_hold_pictures_are_found_and_others_are_not():
    found = in_the_notebook(
        {
            "photo": photo(), "mask": np.zeros((80, 120), bool), "colour": np.zeros((80, 120, 3)),
            "vector": np.zeros(9), "tiny": np.zeros((2, 2)), "batch": np.zeros((4, 80, 120, 3)), "text": "a.png",
            "_hidden": photo(), "Out": {}, "number": 3, "module": np,
        }
    )  # fmt: skip

    assert [(name, says) for name, says, _ in found] == [
        ("colour", "array, 120 × 80"), ("mask", "array, 120 × 80"), ("photo", "picture, 120 × 80"),
    ]  # fmt: skip


def test_a_variable_that_is_gone_is_said(field):
    say(field, {"do": "name", "name": "photo"})

    assert "no picture called photo" in field.error


def test_a_result_whose_file_is_gone_is_not_offered():
    run = rf.run("runflow/background-color", image=photo(), color_red=1, color_green=2, color_blue=3)
    run.result(timeout_s=60)
    assert len(latest_results()) == 1

    run.outputs[0].path.unlink()

    assert latest_results() == []


def test_folders_that_cannot_be_read_complete_nothing(tmp_path):
    assert paths_like(str(tmp_path / "missing" / "a")) == []
    (tmp_path / ".hidden.png").touch()
    assert paths_like(f"{tmp_path}/") == []
    assert paths_like(f"{tmp_path}/.h") == [f"{tmp_path}/.hidden.png"]


def test_no_secret_and_no_file_is_in_the_synced_state(field):
    # The same noise each time: Pillow's own hangs on what has called C's `rand` before.
    noise = np.random.default_rng(0).integers(0, 255, (800, 800), np.uint8)
    data = png(Image.fromarray(noise))
    upload(field, data)

    state = field.get_state()

    assert "value" not in state
    assert len(state["thumb"]) < len(data) / 8


# ---------------------------------------------------------------- values that were chosen before


def until(field, condition):
    told = threading.Event()
    field.observe(lambda _: condition() and told.set())
    assert condition() or told.wait(20)


def test_a_value_that_is_held_stays_even_if_it_is_no_picture(field):
    field.hold("missing.png")

    until(field, lambda: field.error)
    assert field.value == "missing.png"
    assert "no file missing.png" in field.error
    field.hold(photo())
    until(field, lambda: "120 × 80" in field.facts)
    assert field.error == ""


def test_an_asset_of_the_service_is_passed_on(field):
    field.value = "runflow://assets/7"

    assert field.facts == "runflow://assets/7 · already with the service"


def test_any_file_is_taken_where_files_are_asked_for(wire, tmp_path):  # noqa: F811
    path = tmp_path / "both.zip"
    path.write_bytes(b"PK\x03\x04 no picture")
    field = rf.ImageField(takes="file")

    field.value = str(path)
    assert field.facts == "both.zip · 0.0 kB"
    upload(field, b"PK\x03\x04 more", name="more.zip")
    assert (field.value.name, field.error) == ("more.zip", "")
    field.value = "https://a.example/b.zip"
    assert "passed on" in field.facts
    with pytest.raises(InputError, match="no file"):
        field.value = "missing.zip"
    field.close()
