"""The model picker without a page: what it lists, what it keeps, what it gives."""

from __future__ import annotations

import json

import pytest

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue, ModelSpec
from runflow_widgets.errors import InputError
from runflow_widgets.ledger import home


def test_every_model_of_the_catalogue_is_a_row_with_its_price():
    picker = rf.ModelPicker()

    rows = {row["id"]: row for row in picker.rows}
    assert set(rows) == {spec.id for spec in Catalogue.bundled()}
    assert all(row["name"] and row["maker"] and row["price"] for row in rows.values())
    tag = rows["runflow/tag-removal"]
    assert (tag["here"], tag["image"], tag["amount"]) == (True, True, 0.14)
    assert rows["runflow/object-removal"]["mask"]
    json.dumps(picker.rows)


def test_choosing_gives_the_spec_and_tells_observers():
    picker = rf.ModelPicker()
    seen = []
    picker.observe(lambda change: seen.append(change["new"] and change["new"].id), "value")

    picker.chosen = "runflow/tag-removal"

    assert seen == ["runflow/tag-removal"]
    assert picker.value.price.text == "$0.14 per request"
    assert repr(picker).endswith("runflow/tag-removal chosen)")
    picker.chosen = ""
    assert picker.value is None
    assert seen == ["runflow/tag-removal", None]


def test_a_model_that_is_not_listed_cannot_be_chosen():
    picker = rf.ModelPicker([ModelSpec("own/model")])

    with pytest.raises(InputError, match="no model 'runflow/tag-removal' in this list"):
        picker.chosen = "runflow/tag-removal"

    assert picker.chosen == ""
    assert picker.rows[0]["maker"] == "own"


def test_favourites_and_the_latest_choices_are_kept_for_the_next_kernel():
    first = rf.ModelPicker()
    first.favourites = ["runflow/tag-removal"]
    for model in ("runflow/tag-removal", "runflow/object-removal", "runflow/tag-removal"):
        first.chosen = model

    second = rf.ModelPicker()

    assert second.favourites == ["runflow/tag-removal"]
    assert second.recent == ["runflow/tag-removal", "runflow/object-removal"]
    assert second.chosen == ""


def test_only_the_latest_eight_are_remembered():
    picker = rf.ModelPicker()

    for row in picker.rows[:12]:
        picker.chosen = row["id"]

    assert picker.recent == [row["id"] for row in picker.rows[11:3:-1]]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"favourites": 3, "recent": ["a/b"]}'])
def test_a_file_that_cannot_be_read_is_passed_over(text):
    home().mkdir(parents=True, exist_ok=True)
    (home() / "picker.json").write_text(text)

    picker = rf.ModelPicker()

    assert picker.favourites == []
    picker.chosen = "runflow/tag-removal"
    assert rf.ModelPicker().recent[0] == "runflow/tag-removal"


def test_a_folder_that_cannot_be_written_stops_nobody():
    (home() / "picker.json").mkdir(parents=True)

    picker = rf.ModelPicker()
    picker.chosen = "runflow/tag-removal"

    assert picker.value is not None


def test_a_picker_lists_what_the_session_knows():
    session = rf.connect(embedded=True)
    session.catalogue.merge([{"id": "new/model", "name": "New"}])

    assert "new/model" in {row["id"] for row in rf.ModelPicker().rows}
    assert "new/model" in {spec.id for spec in rf.models("new/model")}


def test_choosing_shows_the_form_and_another_choice_keeps_what_fits():
    picker = rf.ModelPicker(chosen="runflow/tag-removal")

    picker._repr_mimebundle_()
    form = picker.form
    form.value = {"image_url": "runflow://assets/1"}
    picker.chosen = "bria/background/remove"

    assert picker.form is form
    assert form.model == "bria/background/remove"
    assert form.value == {"image_url": "runflow://assets/1"}
    assert picker._frame.children == (picker, form)
    form.model = "runflow/product-isolation"
    assert picker.chosen == "runflow/product-isolation"
    picker.close()


def test_without_a_choice_there_is_no_form():
    picker = rf.ModelPicker()

    picker._repr_mimebundle_()

    assert picker.form is None
    assert picker._frame.children == (picker,)
