"""Inputs typed as lines of a cell."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_widgets.catalogue import Catalogue, Field, ModelSpec
from runflow_widgets.cell_inputs import read_cell
from runflow_widgets.errors import InputError

SPEC = ModelSpec(
    "a/b",
    inputs=(
        Field("prompt"),
        Field("duration", allowed=("5", "10")),
        Field("steps", kind="integer"),
        Field("sync_mode", kind="boolean"),
        Field("image_urls", kind="image_list"),
        Field("Aux Reference 1", kind="image"),
        Field("config", kind="json", fields=(Field("aspect_ratio"), Field("steps", kind="integer"))),
    ),
)
PHOTO = object()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("# only a remark\n\n", {}),
        ("prompt = a cat: black", {"prompt": "a cat: black"}),
        ("prompt: a cat = black", {"prompt": "a cat = black"}),
        ('prompt = "  kept  "', {"prompt": "  kept  "}),
        ("prompt = 12", {"prompt": "12"}),
        ("duration = 5", {"duration": "5"}),
        ("steps = 5\nsync_mode = true", {"steps": 5, "sync_mode": True}),
        ("steps = many", {"steps": "many"}),
        ("config.aspect_ratio = 1:1\nconfig.steps = 3", {"config": {"aspect_ratio": "1:1", "steps": 3}}),
        ("Aux Reference 1 = $photo", {"Aux Reference 1": PHOTO}),
        ('image_urls = ["$photo", "a.png"]', {"image_urls": [PHOTO, "a.png"]}),
        (
            "prompt = |\n    a mug,\n      in the morning\n\nsteps = 2",
            {"prompt": "a mug,\n  in the morning", "steps": 2},
        ),
        ('{"prompt": "a", "image_urls": ["$photo"]}', {"prompt": "a", "image_urls": [PHOTO]}),
        ('{"input": {"prompt": "a"}}', {"prompt": "a"}),
        ("lora = [1, 2]", {"lora": [1, 2]}),
    ],
)
def test_inputs_are_read_as_the_model_takes_them(text, values):
    assert read_cell(text, SPEC, {"photo": PHOTO}) == values


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prompt", "Line 1 cannot be read: prompt"),
        ("\n  prompt = a", "Line 2 cannot be read"),
        ("steps = $many", "names \\$many"),
        ("steps = 1\nsteps = 2", "Line 2 sets steps a second time"),
        ("steps = 1\nsteps.more = 2", "steps is no object"),
        ('{"a": 1,\n b}', "Line 2"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(text, sentence):
    with pytest.raises(InputError, match=sentence):
        read_cell(text, SPEC, {})


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading(text):
    with contextlib.suppress(InputError):
        assert isinstance(read_cell(text, SPEC, {}), dict)


def test_the_example_of_every_model_can_be_typed():
    for model in Catalogue.bundled():
        example = model.example()
        lines = [f"{name} = {value}" for name, value in example.items() if isinstance(value, str) and "\n" not in value]

        read = read_cell("\n".join(lines), model, {})

        assert read == {name: value for name, value in example.items() if f"{name} = {value}" in lines}
