from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from runflow_widgets.errors import InputError
from runflow_widgets.filling.pasted import as_json, from_json
from runflow_widgets.snippets import Named

INPUTS = {"prompt": "a mug", "config": {"aspect_ratio": "1:1"}}


@pytest.mark.parametrize(
    "document",
    [
        INPUTS,
        {"input": INPUTS},
        {"input": INPUTS, "metadata": {"order": 7}, "callback_url": None, "client_ref": "x"},
        {"id": "r-1", "status_code": "succeeded", "input": INPUTS, "output": {"image_urls": []}, "cost": "0.14"},
    ],
)
def test_bare_inputs_a_request_and_a_record_are_understood(document):
    assert from_json(json.dumps(document)) == INPUTS
    assert from_json("\ufeff\n" + json.dumps(document, indent=2)) == INPUTS


def test_an_input_that_is_called_input_is_one_like_any_other():
    assert from_json('{"input": "text", "scale": 2}') == {"input": "text", "scale": 2}


@pytest.mark.parametrize(
    ("text", "place", "advice"),
    [
        ("{\n  \"prompt\": 'mug'\n}", "Line 2, column 13 cannot be read: \"prompt\": 'mug'", "double quotes"),
        ('{"a": 1,}', 'Line 1, column 9 cannot be read: {"a": 1,}', "no comma"),
        ('{"a": 1\n "b": 2}', 'Line 2, column 2 cannot be read: "b": 2}', "comma or a closing bracket"),
        ('{"a" 1}', "Line 1, column 6", "colon"),
        ('{"a": True}', "Line 1, column 7", "true, false"),
        ('{"a": "one\ntwo"}', "Line 1, column 11", "line break"),
        ('{"a": "one', "Line 1, column 7", "closing quote"),
        ('{"a": "\\d"}', "Line 1, column 8", "twice"),
        ('{"a": 1} {"b": 2}', "Line 1, column 10", "remove what follows"),
        ("", "ends too early", "expected"),
        ('{"a": 1,\n\n', "ends too early", "expected"),
    ],
)
def test_a_slip_is_named_with_its_line_and_column_and_what_would_do(text, place, advice):
    with pytest.raises(InputError) as refusal:
        from_json(text)

    assert refusal.value.message.startswith(place) or place in refusal.value.message
    assert advice in refusal.value.advice


def test_of_a_long_line_the_part_around_the_slip_is_shown():
    with pytest.raises(InputError) as refusal:
        from_json('{"long": "' + "x" * 500 + '", "a": nope, "more": "' + "y" * 500 + '"}')

    assert '"a": nope' in str(refusal.value)
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[{}]", "list"),
        ("5", "object"),
        ('{"input": [{"prompt": "x"}], "metadata": {}}', "batch"),
        ('{"input": null, "id": "r-1"}', "None"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": 1, "a": 2}', "'a' stands there twice"),
        ("[" * 100_000, "deeply"),
        ("[" * 200 + "]" * 200, "deeply"),
        ('{"a": ' + "9" * 5000 + "}", "cannot be read"),
        ('{"a": 1e999}', "too large"),
    ],
)
def test_json_that_holds_no_inputs_is_refused_in_words(text, sentence):
    with pytest.raises(InputError, match=sentence) as refusal:
        from_json(text)

    assert len(str(refusal.value)) < 400


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text().filter(lambda name: name != "input"), ANY_JSON, max_size=4))
def test_what_is_copied_and_pasted_back_is_the_same(values):
    assert repr(from_json(as_json(values))) == repr(values)


def test_pictures_are_addresses_and_paths(home):
    values = {"image_url": Path("a.png"), "image_urls": ["https://x.example/a.png", Image.new("L", (2, 2))]}

    found = from_json(as_json(values))

    assert found["image_url"] == "a.png"
    assert found["image_urls"][0] == "https://x.example/a.png"
    assert Path(found["image_urls"][1]).is_relative_to(home / "kept")


def test_the_text_is_laid_out_to_be_read():
    assert as_json({"prompt": "ü", "list": [1, 2], "config": {}}) == (
        '{\n  "prompt": "ü",\n  "list": [1, 2],\n  "config": {}\n}'
    )


@pytest.mark.parametrize("value", [Named("photo"), object(), {"deep": [float("inf")]}])
def test_what_json_cannot_hold_is_named(value):
    with pytest.raises(InputError, match="which JSON cannot") as refusal:
        as_json({"odd": value})

    assert refusal.value.field.startswith("odd")
