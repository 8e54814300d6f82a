"""A recipe as a file: all of it comes back, nothing secret is in it, and a stranger's file does no harm."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.errors import InputError

RED = {"color_red": 200, "color_green": 0, "color_blue": 0}


def recipe_of():
    return (
        rf.Recipe("retouch", inputs=("image", "mask"))
        .then("clean", "runflow/tag-removal", config={"aspect_ratio": "1:1"})
        .then("gone", "runflow/object-removal", of={"image": "clean", "mask": "mask"})
        .fan_out("gone", {"cut": "bria/background/remove", "red": ("runflow/background-color", RED)})
        .then("both", "google/nano-banana-pro/edit", of=["cut", "red"], prompt="side by side")
    )


def test_it_is_the_same_after_it_was_saved_and_loaded(tmp_path):
    recipe = recipe_of()

    path = recipe.save(tmp_path / "deep" / "retouch.json")

    assert rf.Recipe.load(path) == recipe == rf.Recipe.from_json(recipe.to_json())
    assert json.loads(path.read_text())["runflow_widgets_recipe"] == 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SIGNS = st.sampled_from([{"$file": "x"}, {"$bytes": ["a", "b"]}, {"$as_it_is": {"$file": "x"}}, {"$file": "x", "y": 1}])
NAMES = st.text(min_size=1, max_size=12).filter(lambda name: name.strip() and name.isprintable())


@given(
    names=st.lists(NAMES, min_size=1, max_size=5, unique=True),
    values=st.lists(VALUES | SIGNS, min_size=5, max_size=5),
    links=st.lists(st.integers(0, 4), min_size=5, max_size=5),
)
def test_whatever_can_be_written_is_read_again_as_it_was(names, values, links):
    recipe = rf.Recipe("any")
    for place, name in enumerate(names):
        source = "image" if not recipe.steps else recipe.steps[links[place] % len(recipe.steps)].name
        try:
            recipe = recipe.then(name, "runflow/dyver-removal", of=source, config={}, further={"value": values[place]})
        except InputError:
            # A name that is taken as a folder: refused where it is written, which is what it says.
            continue

    assert rf.Recipe.from_json(recipe.to_json()) == recipe


# ---------------------------------------------------------------------- pictures


def scene(mask):
    return rf.Recipe("scene").then("gone", "runflow/object-removal", of={"image": "image"}, mask=mask)


def test_a_picture_beside_the_file_stays_a_file_and_moves_with_its_folder(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "masks").mkdir(parents=True)
    Image.new("L", (4, 4), 255).save(here / "masks" / "ball.png")
    recipe = scene(here / "masks" / "ball.png")

    path = recipe.save(here / "scene.json")
    loaded = rf.Recipe.load(path)
    here.rename(there)

    assert '"$file": "masks/ball.png"' in (there / "scene.json").read_text()
    assert str(tmp_path) not in (there / "scene.json").read_text()
    assert loaded == recipe
    assert rf.Recipe.load(there / "scene.json")["gone"].inputs["mask"] == there / "masks" / "ball.png"


def test_a_picture_from_elsewhere_and_one_in_memory_come_along_with_their_bytes(tmp_path):
    outside = tmp_path / "ball.png"
    Image.new("L", (4, 4), 255).save(outside)

    far = rf.Recipe.load(scene(outside).save(tmp_path / "recipes" / "far.json"))
    drawn = rf.Recipe.load(scene(Image.new("L", (4, 4), 255)).save(tmp_path / "recipes" / "drawn.json"))

    assert far["gone"].inputs["mask"].name == "ball.png"
    assert far["gone"].inputs["mask"].read_bytes() == outside.read_bytes()
    assert drawn == scene(Image.new("L", (4, 4), 255))


def test_a_file_that_is_not_there_cannot_come_along(tmp_path):
    with pytest.raises(InputError, match=r"Step 'gone': .*nowhere.png cannot be read") as refusal:
        scene("nowhere.png").to_json()

    assert refusal.value.field == "gone.inputs"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../secret.png", "a/../../secret.png", "..\\secret.png", "C:/secret.png", "a\0b"]
)
def test_a_strangers_recipe_names_no_file_outside_of_its_folder(tmp_path, path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    text = json.dumps(
        {
            "runflow_widgets_recipe": 1,
            "name": "scene",
            "inputs": ["image"],
            "steps": [
                {
                    "name": "gone",
                    "model": "runflow/object-removal",
                    "of": {"image": "image"},
                    "inputs": {"mask": {"$file": path}},
                }
            ],
        }
    )
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "scene.json"
    file.write_text(text)

    with pytest.raises(InputError, match="outside of the recipe's folder"):
        rf.Recipe.load(file)
    with pytest.raises(InputError, match="must be loaded from where it lies"):
        rf.Recipe.from_json(text)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("L", (4, 4), 255).save(tmp_path / "secret.png")
    (tmp_path / "in" / "mask.png").symlink_to(tmp_path / "secret.png")

    path = scene(tmp_path / "in" / "mask.png").save(tmp_path / "in" / "scene.json")

    assert "$bytes" in path.read_text()


# ---------------------------------------------------------------------- what is no recipe


def changed(**changes):
    document = json.loads(recipe_of().to_json())
    return json.dumps({**document, **changes})


def with_step(**changes):
    document = json.loads(recipe_of().to_json())
    document["steps"][0] |= changes
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "nests too deeply"),
        ("[1]", "a file of another kind"),
        ("{}", "a file of another kind"),
        (changed(runflow_widgets_recipe=True), "a file of another kind"),
        (changed(runflow_widgets_recipe=2), "later version.*Update"),
        (changed(name=7), "no name, no inputs or no steps"),
        (changed(inputs=[1]), "no name, no inputs or no steps"),
        (changed(steps={}), "no name, no inputs or no steps"),
        (changed(steps=[7]), "step 1 lacks"),
        (with_step(model=7), "step 1 lacks"),
        (with_step(model="runflow/none"), "Step 'clean': There is no model"),
        (with_step(of={"image": 7}), "Step 'clean': it takes a picture from 7"),
        (with_step(of={"image": "gone"}), "in a circle"),
        (with_step(of={"image": "nobody"}), "no step or input 'nobody'"),
        (with_step(inputs={"config": 1, "colour": 2}), "Step 'clean': runflow/tag-removal"),
        (with_step(inputs={"config": {"$bytes": ["a.png", "***"]}}), "damaged"),
    ],
)
def test_what_is_no_recipe_is_refused_in_one_sentence(text, says):
    with pytest.raises(InputError, match=says) as refusal:
        rf.Recipe.from_json(text)

    assert refusal.value.field
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_missing_or_no_text_is_refused_by_name(tmp_path):
    (tmp_path / "picture.json").write_bytes(b"\x89PNG\xff")

    with pytest.raises(InputError, match="cannot be read"):
        rf.Recipe.load(tmp_path / "none.json")
    with pytest.raises(InputError, match="it is not text"):
        rf.Recipe.load(tmp_path / "picture.json")


def test_the_key_of_the_session_is_in_no_recipe(tmp_path):
    rf.connect("rf_live_0123456789abcdef", base_url="http://127.0.0.1:9")

    assert "rf_live" not in recipe_of().to_json()
    assert "rf_live" not in str(recipe_of())
