from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue, Field, ModelSpec
from runflow_widgets.errors import InputError, LedgerError
from runflow_widgets.filling.preset_file import file_of, locked
from runflow_widgets.filling.presets import (
    Preset,
    drop_preset,
    examples_of,
    export_presets,
    import_presets,
    keep_preset,
    presets_of,
)
from runflow_widgets.images import encode_png
from runflow_widgets.snippets import Named
from runflow_widgets.widgets.picked import PickedFile

ISOLATION = Catalogue.bundled().get("runflow/product-isolation")
PLAIN = ModelSpec("maker/plain")
RED_PNG = encode_png(Image.new("RGB", (8, 6), (200, 30, 30)))


def own(spec):
    return [preset for preset in presets_of(spec) if preset.own]


# ---------------------------------------------------------------------- of the catalogue


def test_the_examples_of_the_catalogue_are_presets(home):
    [preset] = presets_of(ISOLATION)

    assert (preset.name, preset.own, preset.thumb) == ("A square product picture", False, b"")
    assert preset.values["aspect_ratio"] == "1:1"
    assert not home.exists()


def test_examples_without_a_title_or_with_the_same_have_names_of_their_own():
    spec = ModelSpec(
        "a/b", examples=({"input": {"n": 1}}, {"title": "x", "input": {}}, {"title": "x", "input": {}}, {})
    )

    assert [preset.name for preset in examples_of(spec)] == ["Example 1", "x", "x (2)"]


def test_changing_a_preset_does_not_change_the_catalogue():
    examples_of(rf.model("runflow/tag-removal"))[0].values["config"]["aspect_ratio"] = "1:1"

    assert rf.model("runflow/tag-removal").examples[0]["input"]["config"] == {}


# ---------------------------------------------------------------------- one's own


def test_a_preset_that_is_kept_is_there_again():
    kept = keep_preset(PLAIN, " Red  mug ", {"prompt": "a mug", "seed": None}, thumb=b"webp")

    assert kept == Preset("Red  mug", {"prompt": "a mug"}, own=True, thumb=b"webp")
    assert presets_of(PLAIN) == [kept]
    assert presets_of(ModelSpec("maker/plain-2")) == presets_of(ModelSpec("maker-plain/2")) == []


def test_keeping_under_a_name_again_replaces_it_in_its_place():
    for name, number in (("a", 1), ("b", 2), ("a", 3)):
        keep_preset(PLAIN, name, {"n": number})

    assert [(preset.name, preset.values["n"]) for preset in own(PLAIN)] == [("a", 3), ("b", 2)]


def test_a_preset_is_dropped_and_only_ones_own_can_be():
    keep_preset(ISOLATION, "mine", {"prompt": "x"})

    drop_preset(ISOLATION, "mine")

    assert own(ISOLATION) == []
    with pytest.raises(InputError, match="no preset 'A square product picture' of your own"):
        drop_preset(ISOLATION, "A square product picture")


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 81, "\u202e"])
def test_a_name_is_one_line(name):
    with pytest.raises(InputError, match="cannot be called") as refusal:
        keep_preset(PLAIN, name, {})

    assert refusal.value.field == "name"


def test_pictures_come_back_as_files_and_addresses(tmp_path):
    (tmp_path / "photo.png").write_bytes(RED_PNG)
    spec = ModelSpec("a/b", inputs=(Field("image_url", kind="image"), Field("image_urls", kind="image_list")))
    pictures = [PickedFile("My mug.png", RED_PNG), "https://x.example/a.png", "runflow://assets/7"]

    keep_preset(spec, "p", {"image_url": str(tmp_path / "photo.png"), "image_urls": pictures})

    values = own(spec)[0].values
    assert values["image_url"] == tmp_path / "photo.png"
    assert values["image_urls"][0].name == "My mug.png"
    assert values["image_urls"][0].read_bytes() == RED_PNG
    assert values["image_urls"][1:] == pictures[1:]


def test_a_variable_of_the_notebook_is_not_kept():
    with pytest.raises(InputError, match="variable photo") as refusal:
        keep_preset(PLAIN, "p", {"image": [Named("photo")]})

    assert refusal.value.field == "image"
    assert presets_of(PLAIN) == []


def test_the_key_is_not_in_the_file(monkeypatch):
    monkeypatch.setenv("RUNFLOW_API_KEY", "rf_live_preset_0001")
    rf.connect("rf_live_preset_0001")

    keep_preset(PLAIN, "p", {"prompt": "x"})

    assert "rf_live" not in file_of(PLAIN.id).read_text()


ANY_TEXT = st.text(st.characters(exclude_categories=()))
ANY_KEY = ANY_TEXT.filter(lambda name: name not in ("image", "images", "mask", "reference"))
SIGNS = st.sampled_from(["$file", "$bytes", "$as_it_is"])
ANY_VALUE = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(ANY_TEXT | SIGNS, inner, max_size=3),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.dictionaries(ANY_KEY | SIGNS, ANY_VALUE, max_size=4))
def test_any_json_comes_back_as_it_was(values):
    keep_preset(PLAIN, "p", values)

    assert repr(own(PLAIN)[0].values) == repr(values)


# ---------------------------------------------------------------------- the file


@pytest.mark.slow
def test_two_kernels_at_the_same_moment_lose_nothing():
    code = (
        "import sys\n"
        "from runflow_widgets.catalogue import ModelSpec\n"
        "from runflow_widgets.filling.presets import keep_preset\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "for number in range(25):\n"
        "    keep_preset(ModelSpec('maker/plain'), f'{sys.argv[1]} {number}', {'n': number})\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    kernels = [subprocess.Popen([sys.executable, "-c", code, name], **pipes) for name in "ab"]

    for kernel in kernels:
        assert kernel.stdout.readline() == "ready\n"
    for kernel in kernels:
        kernel.stdin.write("go\n")
        kernel.stdin.flush()
    for kernel in kernels:
        kernel.communicate(timeout=60)

    assert [kernel.returncode for kernel in kernels] == [0, 0]
    assert {preset.name for preset in own(PLAIN)} == {f"{name} {number}" for name in "ab" for number in range(25)}


def test_a_lock_that_is_held_too_long_is_said():
    with locked(PLAIN.id), pytest.raises(LedgerError, match="cannot be changed now"), locked(PLAIN.id, wait_s=0.01):
        pass


@pytest.mark.parametrize(
    "damage",
    [
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"runflow_widgets_presets": 1}',
        b'{"runflow_widgets_presets": 1, "model": "a/b", "presets": [{"name": "x"}]}',
        b'{"runflow_widgets_presets": 1, "model": "a/b", "presets": [{"name": "x", "values": {}, "thumb": "?"}]}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_set_aside_and_that_is_said_once(damage):
    path = file_of(PLAIN.id)
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)

    with pytest.raises(LedgerError, match="set aside as") as refusal:
        presets_of(PLAIN)

    aside = Path(re.search(r"set aside as (.*)\.$", str(refusal.value))[1])
    assert aside.read_bytes() == damage
    assert presets_of(PLAIN) == []


def test_a_damaged_file_is_not_overwritten_by_the_next_preset():
    path = file_of(PLAIN.id)
    path.parent.mkdir(parents=True)
    path.write_text("{")

    with pytest.raises(LedgerError, match="set aside"):
        keep_preset(PLAIN, "p", {})
    keep_preset(PLAIN, "p", {})

    assert [preset.name for preset in own(PLAIN)] == ["p"]
    assert len(list(path.parent.glob("*damaged*"))) == 1


def test_a_file_of_a_later_version_stays_where_it_is():
    path = file_of(PLAIN.id)
    path.parent.mkdir(parents=True)
    path.write_text('{"runflow_widgets_presets": 2}')

    with pytest.raises(LedgerError, match="later version"):
        keep_preset(PLAIN, "p", {})

    assert path.read_text() == '{"runflow_widgets_presets": 2}'


@pytest.mark.parametrize("model", ["../../etc/x", "a/" + "b" * 500, "a/日本", "con/nul", "a/b:c*?"])
def test_every_models_file_has_a_plain_name(model, home):
    path = file_of(model)

    assert path.parent == home / "presets"
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,80}\.json", path.name)


# ---------------------------------------------------------------------- from hand to hand


def test_exported_presets_bring_their_pictures_along(tmp_path, monkeypatch):
    (tmp_path / "photo.png").write_bytes(RED_PNG)
    keep_preset(ISOLATION, "p", {"image_url": tmp_path / "photo.png", "prompt": "mug"}, thumb=b"webp")
    exported = export_presets(ISOLATION, tmp_path / "presets.json")
    (tmp_path / "photo.png").unlink()
    monkeypatch.setenv("RUNFLOW_HOME", str(tmp_path / "elsewhere"))

    [preset] = import_presets(exported)

    assert own(ISOLATION) == [preset]
    assert (preset.name, preset.thumb, preset.values["prompt"]) == ("p", b"webp", "mug")
    assert preset.values["image_url"].read_bytes() == RED_PNG
    assert preset.values["image_url"].is_relative_to(tmp_path / "elsewhere")


def test_importing_twice_adds_nothing_and_a_taken_name_gets_a_number(tmp_path):
    keep_preset(PLAIN, "p", {"n": 1})
    exported = export_presets(PLAIN, tmp_path / "presets.json")
    import_presets(exported)
    keep_preset(PLAIN, "p", {"n": 2})

    import_presets(exported)

    assert [(preset.name, preset.values) for preset in own(PLAIN)] == [("p", {"n": 2}), ("p (2)", {"n": 1})]


def test_a_strangers_file_names_no_files_of_this_machine(tmp_path):
    secret = tmp_path / "id_rsa"
    secret.write_bytes(RED_PNG)
    values = {
        "image_url": {"$file": str(secret)},
        "mask": str(secret),
        "pictures": [{"$file": str(secret)}],
        "prompt": str(secret),
    }
    foreign = {"name": "p", "values": values, "thumb": ""}
    bare = {"name": "q", "values": {"image_url": str(secret)}, "thumb": ""}
    source = tmp_path / "foreign.json"
    source.write_text(json.dumps({"runflow_widgets_presets": 1, "model": ISOLATION.id, "presets": [foreign, bare]}))

    import_presets(source)

    assert [preset.values for preset in own(ISOLATION)] == [{"pictures": [], "prompt": str(secret)}, {}]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"runflow_widgets_presets": 1, "model": 5, "presets": []}'])
def test_what_is_no_file_of_presets_is_refused_and_left_alone(text, tmp_path):
    source = tmp_path / "other.json"
    source.write_text(text)

    with pytest.raises(InputError, match=r"other\.json cannot be imported"):
        import_presets(source)

    assert source.read_text() == text
    with pytest.raises(InputError, match="cannot be read"):
        import_presets(tmp_path / "gone.json")


def test_without_presets_there_is_nothing_to_export(tmp_path):
    with pytest.raises(InputError, match="no presets of your own"):
        export_presets(PLAIN, tmp_path / "presets.json")
