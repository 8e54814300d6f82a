"""The form without a page: what it shows, what it takes, what it says, what it runs."""

from __future__ import annotations

import io
import json
import threading
from decimal import Decimal

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from recording import say, wire  # noqa: F401

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue, Field, ModelSpec, Price
from runflow_widgets.client import Client, Pace
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.errors import BudgetError, InputError
from runflow_widgets.images import open_image
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session
from runflow_widgets.widgets.image_field import ImageField

CATALOGUE = Catalogue.bundled()
TAGS, OBJECTS = "runflow/tag-removal", "runflow/object-removal"


def photo(width=60, height=40):
    return Image.linear_gradient("L").resize((width, height)).convert("RGB")


def spec(*fields, **more):
    return ModelSpec("a/b", inputs=fields, **{"completeness": "complete", **more})


@pytest.fixture
def make(wire):  # noqa: F811
    made = []

    def make(model, *args, **more):
        made.append(rf.form(model, *args, **more))
        return made[-1]

    yield make
    for form in made:
        form.close()


def row(form, path):
    return form._core.sheet._rows[path]


def control(form, path):
    return row(form, path).control


def error(form, path):
    below = row(form, path)._below
    text = below.value if below is not None else ""
    return text.split("rfw-form-error")[1].split(">")[1].split("<")[0] if "rfw-form-error" in text else ""


def below(form, path):
    widget = row(form, path)._below
    return widget.value if widget is not None else ""


def press(form, name="1"):
    say(form._core.bar, {"do": "run", "press": name})


def until(condition, *widgets):
    """Wait until a trait of one of the widgets makes it so."""
    told = threading.Event()

    def look(_):
        if condition():
            told.set()

    for widget in widgets:
        widget.observe(look)
    assert condition() or told.wait(20)
    for widget in widgets:
        widget.unobserve(look)


# ---------------------------------------------------------------- every kind of input


def typed(form, path, text):
    widget = control(form, path).widget
    box = widget if hasattr(widget, "value") else widget.children[0]
    box.value = text


def test_a_text_is_a_value_and_an_empty_one_is_none(make):
    form = make(spec(Field("style", default="photo")))

    assert control(form, "style").widget.placeholder == "photo"
    typed(form, "style", "oil")
    assert form.value == {"style": "oil"}
    typed(form, "style", "")
    assert form.value == {}


def test_a_suggestion_may_be_taken_and_anything_else_typed(make):
    form = make(spec(Field("style", suggested=("photo", "oil"))))

    assert control(form, "style").widget.options == ("photo", "oil")
    typed(form, "style", "charcoal")
    assert form.value == {"style": "charcoal"}
    assert form.validate() == {}


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (Field("steps", kind="integer"), "12", 12),
        (Field("steps", kind="integer"), " 12 ", 12),
        (Field("strength", kind="float"), "0.25", 0.25),
        (Field("strength", kind="float"), "0,25", 0.25),
        (Field("strength", kind="float"), "3", 3.0),
    ],
)
def test_a_number_is_typed(make, field, text, value):
    form = make(spec(field))

    typed(form, field.name, text)

    assert form.value == {field.name: value}
    assert type(form.value[field.name]) is type(value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("12x", "Steps is &#x27;12x&#x27;; it takes a whole number from 1 to 50."),
        ("1.5", "Steps is &#x27;1.5&#x27;"),
        ("99", "Steps is 99; it takes a whole number from 1 to 50."),
    ],
)
def test_what_is_no_such_number_is_said_at_once_at_its_field(make, text, sentence):
    form = make(spec(Field("steps", kind="integer", minimum=1, maximum=50)))

    typed(form, "steps", text)

    assert error(form, "steps").startswith(sentence)
    assert list(form.validate()) == ["steps"]
    typed(form, "steps", "12")
    assert error(form, "steps") == ""


def test_a_number_with_two_ends_has_a_slider_that_goes_along(make):
    form = make(spec(Field("guidance", kind="float", minimum=0, maximum=20, default=3.5)))
    slider = control(form, "guidance")._slider

    assert (slider.value, form.value) == (3.5, {})
    slider.value = 7.1
    assert form.value == {"guidance": 7.1}
    assert control(form, "guidance")._box.value == "7.1"
    form.value = {"guidance": 12.0}
    assert slider.value == 12.0


def test_a_choice_is_sent_as_it_is_listed(make):
    form = make(spec(Field("duration", allowed=("5", "10"), default="5")))
    box = control(form, "duration").widget

    assert [text for text, _ in box.options] == ["5 (default)", "5", "10"]
    box.value = 1
    assert form.value == {"duration": "10"}
    box.value = -1
    assert form.value == {}


def test_a_value_outside_of_a_closed_list_is_kept_and_named(make):
    form = make(spec(Field("resolution", allowed=("1K", "2K"))), resolution="8K")

    assert form.value == {"resolution": "8K"}
    assert "it takes" in error(form, "resolution")
    assert control(form, "resolution").widget.options[-1][0] == "8K"


def test_a_switch_is_sent_once_it_was_touched(make):
    form = make(spec(Field("sync_mode", kind="boolean", default=True)))
    box = control(form, "sync_mode").widget

    assert (box.value, form.value) == (True, {})
    box.value = False
    assert form.value == {"sync_mode": False}
    row(form, "sync_mode")._reset.click()
    assert (box.value, form.value) == (True, {})


def test_several_of_a_list_keep_the_order_in_which_they_were_ticked(make):
    form = make(spec(Field("elements", kind="json", allowed=("a", "b", "c"))))
    boxes = control(form, "elements")._boxes

    boxes[2].value = True
    boxes[0].value = True
    assert form.value == {"elements": ["c", "a"]}
    boxes[2].value = False
    assert form.value == {"elements": ["a"]}


def test_a_size_is_a_preset_or_a_width_and_a_height(make):
    form = make(spec(Field("image_size", kind="size", suggested=("square", "wide"))))
    size = control(form, "image_size")

    size._which.value = 1
    assert form.value == {"image_size": "wide"}
    size._which.value = -2
    assert form.value == {"image_size": {"width": 1024, "height": 1024}}
    size._width.value = "64x"
    assert "width and height are whole numbers" in error(form, "image_size")
    assert form.value == {}
    size._width.value = "640"
    assert form.value == {"image_size": {"width": 640, "height": 1024}}
    form.value = {"image_size": "panorama"}
    assert (size._name.value, len(size.widget.children)) == ("panorama", 2)


def test_json_is_read_and_the_bad_line_is_named(make):
    form = make(spec(Field("points", kind="json")))

    typed(form, "points", "[[1, 2],\n [3 4]]")
    assert "Line 2, column 5" in error(form, "points")
    assert "[3 4]]" in error(form, "points")
    typed(form, "points", "[[1, 2],\n [3, 4]]")
    assert form.value == {"points": [[1, 2], [3, 4]]}
    assert control(form, "points").widget.value == "[[1, 2],\n [3, 4]]"
    typed(form, "points", "null")
    assert "leave it empty" in error(form, "points")


def test_an_object_with_known_fields_is_a_form_of_its_own(make):
    config = Field("config", kind="json", fields=(Field("ratio"), Field("steps", kind="integer", required=True)))
    form = make(spec(config), config={"ratio": "1:1", "more": 1})

    assert control(form, "config.ratio").widget.value == "1:1"
    typed(form, "config.steps", "3")
    assert form.value == {"config": {"ratio": "1:1", "more": 1, "steps": 3}}
    typed(form, "config.steps", "x")
    assert "whole number" in error(form, "config.steps")


def test_inputs_that_the_catalogue_does_not_know_are_given_as_json(make):
    form = make(spec(Field("prompt"), completeness="truncated"), prompt="a", lora={"scale": 0.5})

    others = control(form, "\0others").widget
    assert json.loads(others.value) == {"lora": {"scale": 0.5}}
    others.value = '{"steps": 20}'
    assert form.value == {"prompt": "a", "steps": 20}
    others.value = "[1]"
    assert "an object is needed" in error(form, "\0others")


def test_an_unknown_kind_is_json(make):
    form = make(spec(Field("voice", kind="json", type_code="audio_map")), voice={"a": 1})

    assert json.loads(control(form, "voice").widget.value) == {"a": 1}


def test_names_with_spaces_work(make):
    form = make("runflow-access/brand-locked-variant-nux", {"Aux Reference 1": photo()})

    assert form.value["Aux Reference 1"].size == (60, 40)
    assert "Aux Reference 2" in form.validate()


def test_a_required_input_has_a_star_and_a_long_text_its_count(make):
    form = make(spec(Field("prompt", required=True, max_length=2000)))

    assert control(form, "prompt").widget.description == "Prompt *"
    assert "0 / 2,000 characters" in row(form, "prompt")._below.value
    typed(form, "prompt", "a cat")
    assert "5 / 2,000 characters" in row(form, "prompt")._below.value


def test_what_is_deprecated_is_marked_and_stands_in_the_fold_unless_it_is_required(make):
    old = [Field("prompt", deprecated=True), Field("style", deprecated=True, featured=True), Field("k", kind="json")]
    form = make(spec(Field("image_url", kind="image", required=True), *old, Field("seed", required=True)))

    assert [question.name for question in form._core.answers.questions if question.is_first] == ["image_url", "seed"]
    form._core.sheet.unfold()
    marked = [name for name in ("image_url", "prompt", "style", "k", "seed") if "Deprecated" in below(form, name)]
    assert marked == ["prompt", "style"]
    form.value = {"style": "oil"}
    assert form.value == {"style": "oil"}


def test_a_group_that_is_deprecated_says_so(make):
    form = make(spec(Field("config", kind="json", deprecated=True, fields=(Field("ratio"),))))

    title = form._core.sheet._shown[0].children[0].value
    assert "Deprecated" in title
    assert "Deprecated" not in below(form, "config.ratio")


def test_a_long_description_is_folded_and_nothing_in_it_is_markup(make):
    form = make(spec(Field("style", description="<b>bold</b> " + "words " * 40)))

    below = row(form, "style")._below.value
    assert below.startswith('<details class="rfw-form-help"><summary>&lt;b&gt;bold')


# ---------------------------------------------------------------- seeds


def test_the_dice_throw_a_seed_and_the_lock_lets_it_go(make):
    form = make(spec(Field("seed", kind="integer", maximum=99)))
    seed = control(form, "seed")

    seed._dice.click()
    assert 0 <= form.value["seed"] <= 99
    assert seed._lock.value
    seed._lock.value = False
    assert form.value == {}
    form.value = {"seed": 7}
    assert (seed._lock.value, seed._lock.icon) == (True, "lock")


def test_the_lock_takes_the_seed_that_a_run_really_used(make):
    form = make(spec(Field("seed", kind="integer")))

    form._core.keep_used("seed", 4711)

    assert "The last run used 4711." in row(form, "seed")._below.value
    assert form.value == {}
    control(form, "seed")._lock.value = True
    assert form.value == {"seed": 4711}


def test_a_result_is_put_where_the_model_takes_its_picture(make):
    one, several = make(TAGS), make("google/nano-banana-2/edit", prompt="a")

    one.use(picture := photo())
    several.use(picture)
    assert one.value == {"image_url": picture}
    assert several.value == {"prompt": "a", "image_urls": [picture]}
    one.undo()
    assert one.value == {}
    with pytest.raises(InputError, match="takes no picture"):
        make("google/veo3.1").use(picture)


# ---------------------------------------------------------------- pictures


def test_a_picture_is_held_and_looked_at_in_the_background(make):
    form = make(TAGS, image_url=photo())
    field = control(form, "image_url").field

    until(lambda: "60 × 40" in field.facts, field)
    assert form.value["image_url"] is field.value
    field.clear()
    assert form.value == {}


def test_a_picture_that_is_none_is_said_and_still_kept(make):
    form = make(TAGS, image_url="no such.png")

    assert form.value == {"image_url": "no such.png"}
    assert "there is no file" in error(form, "image_url")


def test_an_asset_of_the_service_is_a_picture_too(make):
    form = make(TAGS, image_url="runflow://assets/7")
    field = control(form, "image_url").field

    until(lambda: "already with the service" in field.facts, field)
    assert form.validate() == {}


def test_pictures_have_an_order(make):
    one, two = photo(), photo(50, 50)
    form = make(spec(Field("image_urls", kind="image_list", max_items=2)), image_urls=[one, two])
    pictures = control(form, "image_urls")

    assert pictures._add.disabled
    assert [field.label for field in pictures._fields] == ["Picture 1", "Picture 2"]
    pictures._list.children[1].children[1].children[0].click()
    assert [picture.size for picture in form.value["image_urls"]] == [(50, 50), (60, 40)]
    pictures._list.children[0].children[1].children[2].click()
    assert form.value["image_urls"] == [one]
    pictures._add.click()
    pictures._fields[1].value = two
    assert [picture.size for picture in form.value["image_urls"]] == [(60, 40), (50, 50)]


def test_any_file_may_be_given_where_a_file_is_asked_for(make, tmp_path):
    path = tmp_path / "both.zip"
    path.write_bytes(b"PK\x03\x04 not a picture")
    form = make("runflow/background-replace", zip_url=str(path))
    field = control(form, "zip_url").field

    until(lambda: "both.zip" in field.facts, field)
    assert (field.takes, field.error) == ("file", "")
    assert "zip_url" not in form.validate()


def test_a_mask_is_painted_on_the_photo_of_the_form(make):
    form = make(OBJECTS)
    mask = control(form, "mask")

    mask._paint.value = True
    assert not mask._paint.value
    assert "Choose the photo first" in mask._says.value
    control(form, "image").field.value = photo()
    mask._paint.value = True
    assert mask.widget.children[0] is mask.pad
    mask.pad.draw_rect(5, 5, 20, 20)
    assert np.asarray(form.value["mask"])[10, 10] == 255
    mask._paint.value = False
    assert isinstance(mask.widget.children[0], ImageField)
    assert form.validate() == {}
    mask._paint.value = True
    mask.pad.undo()
    assert "mask" not in form.value


def test_an_open_pad_follows_the_photo_and_keeps_a_mask_that_fits(make):
    form = make(OBJECTS, image=photo())
    mask = control(form, "mask")
    mask._paint.value = True
    mask.pad.draw_rect(5, 5, 20, 20)

    same, other = photo().transpose(Image.Transpose.ROTATE_180), photo(90, 90)
    control(form, "image").field.value = same
    assert mask.pad.coverage > 0
    control(form, "image").field.value = other
    assert mask.pad.image.size == (90, 90)
    assert "another size" in mask._says.value


# ---------------------------------------------------------------- both ways


def test_the_value_is_observable_and_what_is_set_is_shown(make):
    form = make("runflow/product-isolation")
    seen = []
    form.observe(lambda change: seen.append(change["new"]), "value")

    form.value = {"resolution": "2K", "aspect_ratio": "1:1"}
    control(form, "resolution").widget.value = 0

    assert seen == [
        {"resolution": "2K", "aspect_ratio": "1:1"},
        {"resolution": "1K", "aspect_ratio": "1:1"},
    ]
    assert "rfw-form-changed" in row(form, "resolution").widget._dom_classes
    row(form, "resolution")._reset.click()
    assert form.value == {"aspect_ratio": "1:1"}
    assert "rfw-form-changed" not in row(form, "resolution").widget._dom_classes


def test_what_is_missing_is_no_mistake_before_somebody_wants_to_run(make):
    form = make("runflow/product-isolation")

    assert error(form, "resolution") == ""
    assert form._core.bar.problems == []
    problems = form.validate()
    assert list(problems) == ["image_url", "aspect_ratio", "resolution"]
    assert error(form, "resolution").startswith("Resolution is missing")
    assert [problem["text"] for problem in form._core.bar.problems] == list(problems.values())


def test_a_problem_in_the_fold_is_unfolded(make):
    fields = [Field(f"option_{n}", kind="integer") for n in range(4)]
    form = make(spec(Field("prompt", required=True), *fields))

    assert "option_3" not in form._core.sheet._rows
    form._core.answers.set("option_3", "x")
    form.validate()

    assert error(form, "option_3")
    assert form._core.bar.problems[-1]["at"] == row(form, "option_3").number


def test_another_model_keeps_what_fits_and_says_what_does_not(make):
    form = make("runflow/product-isolation", image_url=photo(), aspect_ratio="1:1", resolution="2K")
    before = form.value

    form.model = TAGS
    assert form.spec.id == TAGS
    assert list(form.value) == ["image_url"]
    assert form._core.head.says == "Kept: Image. Put aside, for it does not fit: aspect_ratio, resolution."
    form.model = "runflow/product-isolation"
    assert form.value == before
    form.undo()
    assert form.model == TAGS
    with pytest.raises(InputError, match="no model"):
        form.model = "no/such"
    assert form.model == TAGS


def test_emptying_can_be_taken_back(make):
    form = make(TAGS, image_url=photo(), config={"aspect_ratio": "1:1"})
    before = form.value

    form.reset()
    assert form.value == {}
    assert form._core.head.can_undo
    say(form._core.head, {"do": "undo"})
    assert form.value == before
    assert not form._core.head.can_undo


def values_of(field):
    """Values that an input takes, of every sort that it takes."""
    if field.fields:
        inner = {nested.name: values_of(nested) for nested in field.fields if nested.required}
        more = {nested.name: values_of(nested) for nested in field.fields if not nested.required}
        # An empty object has nothing that could be typed.
        return st.fixed_dictionaries(inner, optional=more).filter(bool)
    if field.kind in ("image", "file"):
        return st.sampled_from(["runflow://assets/1", PNG])
    if field.kind == "image_list":
        return st.lists(st.sampled_from(["runflow://assets/1", PNG]), min_size=1, max_size=field.max_items or 3)
    if field.kind == "json":
        listed = st.lists(st.sampled_from(field.allowed or (1, "a", {"b": [True]})), min_size=1, unique_by=str)
        return listed if field.allowed else listed | st.dictionaries(st.text(max_size=5), st.integers(), min_size=1)
    if field.kind == "size":
        sides = st.integers(1, 4096)
        own = st.fixed_dictionaries({"width": sides, "height": sides})
        named = [*field.allowed, *field.suggested] or ["square"]
        return own | st.sampled_from(named)
    if field.allowed:
        return st.sampled_from(field.allowed)
    if field.kind == "boolean":
        return st.booleans()
    if field.kind == "integer":
        return st.integers(int(field.minimum or 0), int(field.maximum or 2**31 - 1))
    if field.kind == "float":
        return st.floats(field.minimum or 0, field.maximum or 100)
    least = max(1, field.min_length or 0)
    text = st.text("äß '\"\\\n<>&{}$", min_size=least, max_size=least + 20)
    return (text | st.sampled_from(field.suggested or ("some words",))).filter(str.strip)


def type_over(one, other, value):
    """Do in one control what a person would do to make it show what the other shows."""
    match one.question.ask:
        case "number" | "seed":
            other._box.value = one._box.value
        case "size":
            for name in ("_which", "_name", "_width", "_height"):
                getattr(other, name).value = getattr(one, name).value
        case "several":
            for choice in value:
                other._boxes[one.question.field.allowed.index(choice)].value = True
        case "switch":
            # A box that shows what is wanted already has to be touched all the same.
            other.widget.value = not one.widget.value
            other.widget.value = one.widget.value
        case "image" | "file" | "mask":
            other.field.value = value
        case "image_list":
            for place, picture in enumerate(value):
                if place:
                    other._add.click()
                other._fields[place].value = picture
        case _:
            other.widget.value = one.widget.value


PNG = io.BytesIO()
photo(9, 9).save(PNG, "PNG")
PNG = PNG.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("model", [model.id for model in CATALOGUE])
def test_the_form_of_every_model_builds_fills_round_trips_and_validates(make, model):
    known = CATALOGUE.get(model)
    form, typed_in = make(known), make(known)
    form._core.sheet.unfold()
    typed_in._core.sheet.unfold()
    zipped = known.takes_mask and model.startswith("runflow/")
    fields = [field for field in known.inputs if not zipped or not field.name.startswith(("zip_", "file_"))]
    must = {field.name: values_of(field) for field in fields if field.required}
    may = {field.name: values_of(field) for field in fields if not field.required}
    if zipped:
        names = [question.name for question in form._core.answers.questions if question.ask in ("image", "mask")]
        must |= dict.fromkeys(names, st.just(PNG))

    @settings(max_examples=12)
    @given(st.fixed_dictionaries(must, optional=may))
    def check(values):
        form.value = values

        assert form.value == values
        assert form.validate() == {}
        typed_in.value = {}
        for path, one in form._core.sheet._rows.items():
            if (value := form._core.answers.get(path)) is not None:
                type_over(one.control, control(typed_in, path), value)
        assert typed_in.value == values
        assert typed_in.validate() == {}

    check()


# ---------------------------------------------------------------- code and JSON


def test_the_json_of_a_form_can_be_pasted_into_another(make):
    form, other = (
        make("runflow/product-isolation", aspect_ratio="4:5", resolution="2K"),
        make("runflow/product-isolation", prompt="left"),
    )
    form._core.bar.panel = "json"

    say(other._core.bar, {"do": "fill", "text": form._core.bar.json})
    assert other.value == form.value
    other.undo()
    assert other.value == {"prompt": "left"}
    say(other._core.bar, {"do": "fill", "text": '{"a": 1,\n b}'})
    assert "Line 2" in other._core.bar.json_error
    assert other.value == {"prompt": "left"}


def test_the_code_follows_the_values_while_it_is_looked_at(make):
    form = make("runflow/product-isolation", aspect_ratio="4:5")
    bar = form._core.bar

    assert bar.code == ""
    bar.panel = "code"
    assert '"4:5"' in bar.code
    form.value = {"aspect_ratio": "1:1"}
    assert '"1:1"' in bar.code
    for language in ("python-await", "curl", "javascript"):
        bar.language = language
        assert bar.code == form.code(language)
        assert "runflow/product-isolation" in bar.code


def test_the_python_of_a_form_runs_as_it_stands(make, copying):
    form = make(TAGS, image_url=photo(), config={"aspect_ratio": "1:1"}, session=copying)
    names = {"print": lambda *_: None}

    exec(compile(form.code("python"), "cell", "exec"), names)

    assert names["run"].model == TAGS
    assert names["run"].inputs["config"] == {"aspect_ratio": "1:1"}
    assert names["run"].outputs


def bring(field, *names, more=False):
    """Upload files as the page does when they are dropped together."""
    for place, name in enumerate(names):
        buffer = io.BytesIO()
        photo(20 + place, 20).save(buffer, "PNG")
        data = buffer.getvalue() if name.endswith(".png") else b"plain words"
        say(field, {"do": "begin", "id": name, "name": name, "size": len(data), "more": more or place > 0})
        say(field, {"do": "chunk", "id": name}, [data])


def test_files_that_are_dropped_together_are_all_taken_in_their_order(make):
    form = make(spec(Field("image_urls", kind="image_list", max_items=4)), image_urls=[photo(), photo()])
    pictures = control(form, "image_urls")
    pictures._fields[0].value = None

    bring(pictures._fields[0], "a.png", "b.png", "c.png")

    names = [getattr(value, "name", "before") for value in form.value["image_urls"]]
    assert names == ["a.png", "before", "b.png", "c.png"]
    assert [field.label for field in pictures._fields] == [f"Picture {place}" for place in (1, 2, 3, 4)]
    bring(pictures._fields[0], "d.png", more=True)
    assert "d.png was left out: at most 4 pictures" in pictures._fields[0].error
    assert len(form.value["image_urls"]) == 4


def test_an_empty_place_takes_the_next_of_several_files_and_what_is_no_picture_is_refused(make):
    form = make(spec(Field("image_urls", kind="image_list")))
    pictures = control(form, "image_urls")
    pictures._add.click()

    bring(pictures._fields[0], "a.png", "b.png", "notes.txt")

    assert [value.name for value in form.value["image_urls"]] == ["a.png", "b.png"]
    assert len(pictures._fields) == 2
    assert pictures._fields[0].error


# ---------------------------------------------------------------- presets


def test_a_bundled_picture_fills_the_form_and_can_be_taken_back(make):
    form = make(OBJECTS)

    preset = form._core.head.presets[0]
    say(form._core.head, {"do": "preset", "name": preset["name"], "own": False})
    assert set(form.value) == {"image", "mask"}
    assert form.validate() == {}
    assert Image.open(io.BytesIO(preset["thumb"])).width <= 96
    form.undo()
    assert form.value == {}


def test_values_are_kept_under_a_name_and_found_by_the_next_form(make):
    form = make(TAGS, image_url=photo(), config={"aspect_ratio": "1:1"})

    say(form._core.head, {"do": "keep", "name": "square"})
    other = make(TAGS)
    say(other._core.head, {"do": "preset", "name": "square", "own": True})

    assert other.value["config"] == {"aspect_ratio": "1:1"}
    assert open_image(other.value["image_url"]).size == (60, 40)
    say(other._core.head, {"do": "drop", "name": "square"})
    assert "square" not in [one["name"] for one in other._core.head.presets]
    other.undo()
    assert "square" in [one["name"] for one in other._core.head.presets]


def test_values_that_were_kept_are_handed_on_in_one_file(make, tmp_path, monkeypatch):
    form = make(TAGS, image_url=photo(), config={"aspect_ratio": "1:1"})
    form.keep("square")

    path = form.export_presets(tmp_path / "presets.json")
    monkeypatch.setenv("RUNFLOW_HOME", str(tmp_path / "elsewhere"))
    other = make(TAGS)
    assert "square" not in [one["name"] for one in other._core.head.presets]
    other.import_presets(path)
    say(other._core.head, {"do": "preset", "name": "square", "own": True})

    assert other.value["config"] == {"aspect_ratio": "1:1"}
    assert open_image(other.value["image_url"]).size == (60, 40)


EXAMPLE = "https://service.test/examples/before.webp"


@pytest.fixture
def with_examples():
    """A session at a service that has the pictures of its examples."""
    asked = []

    def answer(request):
        asked.append(request.url.path)
        if not request.url.path.startswith("/examples/"):
            return httpx.Response(404, json={})
        buffer = io.BytesIO()
        photo(400, 300).save(buffer, "WEBP")
        found = buffer.getvalue() if request.url.path.endswith(".webp") else b"no picture"
        return httpx.Response(200, content=found, headers={"content-type": "image/webp"})

    session = remote(answer, base_url="https://service.test")
    yield session, asked
    session.close()


def example(*addresses):
    shown = tuple({"title": f"Example {n}", "input": {"image_url": one}} for n, one in enumerate(addresses))
    return spec(Field("image_url", kind="image"), examples=shown)


def test_the_services_own_examples_are_shown_small_and_fetched_once(make, with_examples):
    session, asked = with_examples
    broken = "https://service.test/examples/broken"

    form = make(example(EXAMPLE, broken), session=session)
    assert "/examples/before.webp" not in asked
    say(form._core.head, {"do": "seen"})
    until(lambda: form._core.head.presets[0]["thumb"], form._core.head)

    assert max(Image.open(io.BytesIO(form._core.head.presets[0]["thumb"])).size) <= 256
    assert form._core.head.presets[1] == {"name": "Example 1", "own": False, "thumb": b""}
    assert asked.count("/examples/before.webp") == 1
    again = make(example(EXAMPLE), session=session)
    say(again._core.head, {"do": "seen"})
    assert again._core.head.presets[0]["thumb"]
    assert asked.count("/examples/before.webp") == 1


def test_where_runs_are_computed_here_no_example_is_fetched(make, with_examples):
    session, asked = with_examples
    form = make(example(EXAMPLE))
    say(form._core.head, {"do": "seen"})

    assert form._core.head.presets == [{"name": "Example 0", "own": False, "thumb": b""}]
    own = make(example(), session=session)
    own.value = {"image_url": "https://service.test/examples/mine.webp"}
    own.keep("mine")
    say(make(example(), session=session)._core.head, {"do": "seen"})
    assert [path for path in asked if path.startswith("/examples/")] == []


def test_a_saved_result_brings_its_settings_back(make, copying, tmp_path):
    run = rf.run(TAGS, image_url=photo(), config={"aspect_ratio": "1:1"}).result(60)
    (path,) = run.save(tmp_path)
    form = make("bria/background/remove", image_url="runflow://assets/1")

    form.value = {"image_url": path}
    assert form._core.head.offer == "Use its settings (runflow/tag-removal)"
    say(form._core.head, {"do": "settings"})

    assert (form.model, form.value["config"]) == (TAGS, {"aspect_ratio": "1:1"})
    assert form._core.head.offer == ""
    form.value = {"image_url": photo()}
    assert form._core.head.offer == ""


# ---------------------------------------------------------------- running


@pytest.fixture
def copying():
    return rf.connect(embedded=True, workers=WorkerPool(1, task_module="copy_tasks"))


def test_one_press_is_one_run(make, copying):
    form = make(TAGS, image_url=photo())

    press(form, "a")
    press(form, "a")
    (run,) = form.runs
    run.result(60)

    assert form._runs.widget.children[0].panel.title == TAGS
    press(form, "b")
    assert len(form.runs) == 2
    form.runs[-1].result(60)


def test_a_press_with_something_missing_runs_nothing_and_says_what(make, wire, copying):  # noqa: F811
    form = make("runflow/product-isolation", image_url=photo())

    press(form, "a")

    assert form.runs == ()
    assert [problem["label"] for problem in form._core.bar.problems] == ["Aspect ratio", "Resolution"]
    assert wire.custom(form._core.bar)[-1][0] == {"kind": "heard", "press": "a"}
    with pytest.raises(InputError, match=r"Aspect ratio is missing.*1 more: resolution"):
        form.run()


def remote(answer, **more):
    client = Client("rf_live_0123456789", transport=httpx.MockTransport(answer), pace=Pace(scale=0), **more)
    return Session(client, "remote", shared(), Ledger(), CATALOGUE)


def refusing(status, body, calls):
    def answer(request):
        if request.url.path == "/v1/billing/balance":
            return httpx.Response(200, json={"balance": "12.50"})
        calls.append(request)
        return httpx.Response(status, json=body)

    return answer


def test_what_the_service_refuses_stands_at_its_field_until_it_is_changed(make):
    body = {
        "code": "VALIDATION_ERROR",
        "message": "no",
        "errors": [
            {"loc": ["body", "input", "config", "aspect_ratio"], "msg": "must be a ratio", "type": "value_error"},
            {"loc": ["body", "input", "image_url"], "msg": "cannot be read", "type": "value_error"},
            {"loc": ["body", "metadata"], "msg": "is too long", "type": "value_error"},
        ],
    }
    calls = []
    form = make(
        TAGS,
        image_url="runflow://assets/1",
        config={"aspect_ratio": "1:x"},
        session=remote(refusing(422, body, calls)),
    )

    press(form, "a")
    until(lambda: len(form._core.bar.problems) == 3, form._core.bar)

    assert error(form, "config.aspect_ratio") == "must be a ratio"
    assert error(form, "image_url") == "cannot be read"
    assert form._core.bar.problems[-1]["at"] == -1
    typed(form, "config.aspect_ratio", "1:1")
    assert error(form, "config.aspect_ratio") == ""
    assert error(form, "image_url") == "cannot be read"
    press(form, "b")
    until(lambda: len(calls) == 2, form._core.bar)


def test_the_price_follows_the_values_and_the_balance_is_shown(make):
    form = make("google/nano-banana-pro/edit", session=remote(refusing(402, {}, [])))
    bar = form._core.bar

    until(lambda: bar.balance == "$12.50 left", bar)
    assert (bar.price, bar.reckoning) == ("$0.15", "1 image at $0.15 each; usage based")
    form.value = {"num_images": 4}
    assert bar.price == "$0.60"
    bar.count = 3
    assert (bar.price, bar.reckoning) == ("$1.80", "3 runs, each $0.60")
    assert "rf_live" not in json.dumps([form._core.head.get_state(), bar.get_state()], default=str)


def test_here_it_is_free_and_what_does_not_run_here_says_so(make):
    here, there = make(TAGS), make("google/veo3.1")

    assert (here._core.bar.price, here._core.bar.blocked) == ("runs here: free", "")
    assert "does not run here" in there._core.bar.blocked


def accepting(calls):
    def answer(request):
        if request.url.path == "/v1/billing/balance":
            return httpx.Response(200, json={"balance": "12.50"})
        body = json.loads(request.content) if request.content else {}
        if request.method == "POST":
            calls.append(body)
        run = {
            "id": f"run-{len(calls)}",
            "status_code": "succeeded",
            "cost": "0.15",
            "output": {"seed": 99, "image_urls": []},
        }
        return httpx.Response(200, json=run)

    return answer


def test_above_the_limit_it_asks_once_and_sends_only_when_told(make):
    calls = []
    form = make("google/nano-banana-pro", prompt="a cat", num_images=1, session=remote(accepting(calls)))
    rf.budget("0.10")

    press(form, "a")
    assert "passes the limit" in form._core.bar.ask
    say(form._core.bar, {"do": "answer", "yes": False})
    assert (form._core.bar.ask, calls) == ("", [])
    with pytest.raises(BudgetError):
        form.run()
    press(form, "b")
    say(form._core.bar, {"do": "answer", "yes": True})
    say(form._core.bar, {"do": "answer", "yes": True})
    form.runs[-1].result(20)

    assert len(calls) == 1
    assert rf.budget().limit_usd == Decimal("0.10")


def test_several_runs_get_seeds_of_their_own_and_the_limit_counts_them_all(make):
    calls = []
    form = make("google/nano-banana-pro", prompt="a cat", num_images=1, seed=5, session=remote(accepting(calls)))
    form._core.bar.count = 3

    rf.budget("0.40")
    press(form, "a")
    assert "$0.45" in form._core.bar.ask
    say(form._core.bar, {"do": "answer", "yes": False})
    rf.budget("0.50")
    press(form, "b")
    for run in form.runs:
        run.result(20)

    seeds = [call["input"]["seed"] for call in calls]
    assert len(set(seeds)) == 3
    assert 5 in seeds
    assert form.value["seed"] == 5


def test_more_than_four_runs_of_one_press_are_one_table(make):
    calls = []
    form = make("google/nano-banana-pro", prompt="a cat", num_images=1, session=remote(accepting(calls)))

    form.run().result(20)
    form._core.bar.count = 6
    press(form, "a")
    for run in form.runs:
        run.result(20)
    below = form._runs.widget
    frame, panel = below.children
    (table,) = frame.children

    assert isinstance(table, rf.RunTable)
    assert table.runs == form.runs[1:]
    assert panel.run is form.runs[0]
    assert len(calls) == 7
    for _ in range(4):
        form.run()
    assert table.comm is None


def test_the_seed_that_was_used_is_shown_and_can_be_kept(make):
    form = make("google/nano-banana-pro", prompt="a cat", num_images=1, session=remote(accepting([])))
    form._core.sheet.unfold()

    press(form)
    form.runs[0].result(20)
    below = row(form, "seed")._below
    until(lambda: "used 99" in row(form, "seed")._below.value, *([below] if below else []), form._core.bar)
    control(form, "seed")._lock.value = True

    assert form.value["seed"] == 99


def test_a_form_reads_well_in_words(make):
    assert repr(make(TAGS, image_url=photo())) == "ModelForm(runflow/tag-removal: image_url)"
    with pytest.raises(InputError, match="no model"):
        rf.form("no/such")


def test_price_of_a_made_up_model(make):
    form = make(spec(Field("n"), price=Price()))

    assert form._core.bar.price == "price unknown"
