"""What a picture was made with: written into saved copies, read again, and never more than a stranger may see."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

import runflow_widgets as rf
from runflow_widgets.errors import InputError
from runflow_widgets.filling import values_from_picture
from runflow_widgets.filling.kept import kept_file
from runflow_widgets.images.png_text import read_text, with_text, without_text
from runflow_widgets.ledger import Entry, home
from runflow_widgets.result import Output
from runflow_widgets.settings import KEYWORD, settings_from, settings_of, shareable, with_settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def written():
    rf.settings_in_pictures(True)
    yield
    rf.settings_in_pictures(True)


def png(mode="RGB", size=(7, 5), **options):
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (size[1], size[0], 4), np.uint8)).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


def chunk(kind, body, crc=None):
    crc = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def with_chunk(data, extra):
    return data[:33] + extra + data[33:]


def entry(**more):
    facts = {"inputs": {"prompt": "a blue mug", "image_url": "file:mug.png#sha256=ab"}, "cost": Decimal("0.14")}
    return Entry("k-1", "runflow/tag-removal", "https://s", "succeeded", id="r-1", completed_at=NOON, **(facts | more))


@pytest.fixture
def output(tmp_path):
    path = tmp_path / "01.png"
    path.write_bytes(png())
    return Output.at(path, entry())


@given(st.text(max_size=5000), st.sampled_from(["1", "L", "P", "RGB", "RGBA", "LA", "I;16"]))
def test_any_text_goes_in_and_comes_out_and_leaves_the_bytes_that_were(text, mode):
    text = text.replace("\0", "").encode("utf-8", "ignore").decode()
    before = png(mode)

    after = with_text(with_text(before, "runflow", "something else"), "runflow", text)

    assert read_text(after, "runflow") == text
    assert without_text(after, "runflow") == before
    opened = Image.open(io.BytesIO(after))
    assert opened.text["runflow"] == text
    assert opened.tobytes() == Image.open(io.BytesIO(before)).tobytes()


def test_texts_of_others_and_colours_stay():
    info = PngImagePlugin.PngInfo()
    info.add_itxt("parameters", "steps: 20")
    info.add_text("Software", "someone's")
    before = png(pnginfo=info, icc_profile=b"profile" * 20, dpi=(300, 300))

    after = with_text(before, "runflow", "ours")

    opened = Image.open(io.BytesIO(after))
    assert opened.text == {"runflow": "ours", "parameters": "steps: 20", "Software": "someone's"}
    assert opened.info["icc_profile"] == b"profile" * 20


def bomb():
    packed = zlib.compress(b"x" * 3_000_000)
    return chunk(b"iTXt", b"runflow\0\1\0\0\0" + packed)


FOREIGN = {
    "empty": b"",
    "not a picture": b"hello",
    "a jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 50,
    "a plain png": png(),
    "cut short": with_text(png(), KEYWORD, '{"model": "a/b"}')[:60],
    "length of 4 GB": png()[:8] + b"\xff\xff\xff\xffIHDR" + b"\0" * 40,
    "wrong crc": with_chunk(png(), chunk(b"iTXt", b'runflow\0\0\0\0\0{"model": "a/b"}', crc=1)),
    "unfolds to too much": with_chunk(png(), bomb()),
    "damaged packing": with_chunk(png(), chunk(b"iTXt", b"runflow\0\1\0\0\0nonsense")),
    "unknown packing": with_chunk(png(), chunk(b"iTXt", b"runflow\0\1\7\0\0nonsense")),
    "no end of the language": with_chunk(png(), chunk(b"iTXt", b"runflow\0\0\0en")),
    "nothing behind the keyword": with_chunk(png(), chunk(b"iTXt", b"runflow")),
    "not utf-8": with_chunk(png(), chunk(b"iTXt", b"runflow\0\0\0\0\0\xff\xfe")),
    "not json": with_text(png(), KEYWORD, "steps: 20"),
    "a list": with_text(png(), KEYWORD, "[1]"),
    "no model": with_text(png(), KEYWORD, '{"inputs": {}}'),
    "too deep": with_text(png(), KEYWORD, '{"model": "a/b", "inputs": ' + "[" * 20000 + "]" * 20000 + "}"),
    "not a number": with_text(png(), KEYWORD, '{"model": "a/b", "inputs": {"x": NaN}}'),
}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN)
def test_a_picture_that_does_not_say_is_no_mistake(data):
    assert settings_of(data) is None
    assert values_from_picture(data) is None


def test_what_is_of_another_kind_is_not_taken():
    found = settings_of(
        with_text(png(), KEYWORD, '{"model": "a/b", "inputs": [], "cost_usd": "x", "when": 3, "seed": true}')
    )

    assert (found.model, found.inputs, found.cost_usd, found.when, found.seed) == ("a/b", {}, None, None, None)


def test_a_saved_result_says_what_it_was_made_with(output, tmp_path):
    saved = output.save(tmp_path / "out" / "mug.png")

    made = rf.settings_of(saved)

    assert (made.model, made.run_id, made.key, made.cost_usd) == ("runflow/tag-removal", "r-1", "k-1", Decimal("0.14"))
    assert made.inputs == {"prompt": "a blue mug", "image_url": "file:mug.png#sha256=ab"}
    assert made.when == NOON
    assert rf.settings_of(output) == made
    assert rf.settings_of(str(saved)) == rf.settings_of(saved.read_bytes()) == rf.settings_of(Output.at(saved)) == made
    assert without_text(saved.read_bytes(), KEYWORD) == output.path.read_bytes()


def test_the_file_that_was_brought_home_stays_as_the_service_sent_it(output, tmp_path):
    before = output.path.read_bytes()

    output.save(tmp_path / "a.png")

    assert output.path.read_bytes() == output.read_bytes() == before


def test_settings_are_left_out_once_or_from_now_on(output, tmp_path):
    assert rf.settings_of(output.save(tmp_path / "a.png", settings=False)) is None

    rf.settings_in_pictures(False)

    assert rf.settings_in_pictures() is False
    assert rf.settings_of(output.save(tmp_path / "b.png")) is None
    assert rf.settings_of(output.save(tmp_path / "c.png", settings=True)).key == "k-1"


@pytest.mark.parametrize("data", [b"\xff\xd8\xff jpeg", png()[:50], with_chunk(png(), chunk(b"caBX", b"credentials"))])
def test_what_is_no_png_or_damaged_or_signed_is_saved_as_it_is(data, tmp_path):
    path = tmp_path / "01.bin"
    path.write_bytes(data)

    saved = Output(path, "image/png", entry=entry()).save(tmp_path / "copy.bin")

    assert saved.read_bytes() == data


def test_a_run_saves_its_pictures_with_their_settings(tmp_path):
    session = rf.connect(embedded=True)
    photo = Image.new("RGB", (90, 60), "white")
    photo.paste((20, 40, 160), (30, 15, 60, 45))
    run = rf.run("bria/background/remove", image=photo, session=session).result(60)

    (saved,) = run.save(tmp_path / "out")
    again = rf.runs.get(run.key).save(tmp_path / "later")[0]

    made = rf.settings_of(saved)
    assert (made.model, made.run_id, made.key) == ("bria/background/remove", run.id, run.key)
    assert made.inputs["image_url"].startswith("file:image.png#sha256=")
    assert rf.settings_of(again).run_id == run.id
    assert rf.settings_of(run.save(tmp_path / "bare", settings=False)[0]) is None


def test_nothing_secret_gets_into_a_picture():
    inputs = {
        "prompt": "what? a key rf_live_0123456789abcdef and sk-0123456789abcdef",
        "image_url": "https://me:pass@cdn.example/a.png?X-Amz-Signature=0123&w=3",
        "mask_url": "https://cdn.example/m.png?w=800",
        "api_key": "hunter2",
        "nested": [{"auth_token": "hunter2", "data": "data:image/png;base64," + "A" * 500}],
    }

    text = read_text(with_settings(png(), settings_from(entry(inputs=inputs))), KEYWORD)

    for secret in ("hunter2", "0123", "pass@", "AAAA"):
        assert secret not in text
    found = json.loads(text)["inputs"]
    assert found["prompt"].startswith("what? a key rf_live_…")
    assert (found["image_url"], found["mask_url"]) == ("https://cdn.example/a.png", "https://cdn.example/m.png?w=800")
    assert shareable(3.5) == 3.5


def test_a_book_of_a_prompt_is_not_put_into_a_picture():
    before = png()

    assert with_settings(before, settings_from(entry(inputs={"prompt": "x" * 300_000}))) == before


def test_a_path_that_leads_nowhere_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.png cannot be read"):
        rf.settings_of(tmp_path / "gone.png")


def picture_with(model, inputs, **more):
    return with_text(png(), KEYWORD, json.dumps({"model": model, "inputs": inputs, **more}))


def test_a_form_takes_the_inputs_and_the_files_that_were_kept():
    kept = kept_file(png())
    fingerprint = hashlib.sha256(kept.read_bytes()).hexdigest()

    model, values = values_from_picture(
        picture_with(
            "runflow/product-isolation",
            {"image_url": f"file:bottle.png#sha256={fingerprint}", "aspect_ratio": "1:1", "x": "file:y#sha256=00"},
        )
    )

    assert model == "runflow/product-isolation"
    assert values == {"image_url": kept, "aspect_ratio": "1:1"}


def test_the_seed_that_was_really_used_is_filled_in():
    spec = next(spec for spec in rf.models() if any(field.name == "seed" for field in spec.inputs))

    _, values = values_from_picture(picture_with(spec.id, {"prompt": "a mug"}, seed=7))

    assert values["seed"] == 7


def test_a_strangers_picture_never_names_a_file_of_this_machine(tmp_path):
    mine = tmp_path / "private.png"
    mine.write_bytes(png())
    (home() / "kept").mkdir(parents=True)
    named = {
        "image_url": str(mine),
        "image": str(mine),
        "unknown": [str(mine), {"deep": str(mine)}],
        "reference": f"file:x#sha256=../../{mine.name}",
        "mask_url": "https://host.example/mask.png",
    }

    for model in ("runflow/tag-removal", "nobody/knows"):
        _, values = values_from_picture(picture_with(model, named))
        assert str(mine) not in str(values)
        assert values.get("mask_url") == "https://host.example/mask.png"
