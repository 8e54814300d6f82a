"""What is filled in, without a form: values, problems, prices, and what another model keeps of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from runflow_widgets.catalogue import Catalogue, Field, ModelSpec
from runflow_widgets.errors import InputError
from runflow_widgets.filling import Answers, picture_of, questions_of

CATALOGUE = Catalogue.bundled()
PHOTO = Image.new("RGB", (40, 30))


def spec(*fields, completeness="complete"):
    return ModelSpec("a/b", inputs=fields, completeness=completeness)


def group():
    return Field("config", kind="json", fields=(Field("ratio"), Field("steps", kind="integer", maximum=9)))


# ---------------------------------------------------------------- what is asked


@pytest.mark.parametrize(
    ("field", "ask"),
    [
        (Field("image_url", kind="image"), "image"),
        (Field("mask_url", kind="image"), "mask"),
        (Field("image_urls", kind="image_list"), "image_list"),
        (Field("zip_url", kind="file"), "file"),
        (Field("prompt"), "long_text"),
        (Field("style", max_length=2000), "long_text"),
        (Field("style"), "text"),
        (Field("style", suggested=("a", "b")), "suggested"),
        (Field("style", allowed=("a", "b")), "choice"),
        (Field("duration", allowed=("5", "10")), "choice"),
        (Field("steps", kind="integer"), "number"),
        (Field("strength", kind="float", minimum=0, maximum=1), "number"),
        (Field("seed", kind="integer"), "seed"),
        (Field("sync_mode", kind="boolean"), "switch"),
        (Field("image_size", kind="size"), "size"),
        (Field("elements", kind="json", allowed=("a", "b")), "several"),
        (Field("points", kind="json"), "json"),
        (group(), "group"),
    ],
)
def test_each_kind_of_input_is_asked_for_in_its_own_way(field, ask):
    (question,) = questions_of(spec(field))

    assert question.ask == ask


def test_what_is_needed_comes_first_and_a_short_rest_is_not_folded():
    needed, some = Field("prompt", required=True), [Field(f"option_{n}") for n in range(5)]

    many = questions_of(spec(*some, needed))
    few = questions_of(spec(*some[:2], needed))

    assert [question.name for question in many] == ["prompt", *(field.name for field in some)]
    assert [question.is_first for question in many] == [True] + 5 * [False]
    assert [question.name for question in few] == ["option_0", "option_1", "prompt"]
    assert all(question.is_first for question in few)


def test_a_model_that_wants_a_zip_is_asked_for_photo_and_mask():
    questions = questions_of(CATALOGUE.get("runflow/object-removal"))

    assert [(question.name, question.ask, question.is_first) for question in questions][:3] == [
        ("image", "image", True),
        ("mask", "mask", True),
        ("zip_url", "file", False),
    ]
    assert picture_of(questions).name == "image"


def test_every_input_of_every_model_is_asked_for_once():
    for model in CATALOGUE:
        names = [question.name for question in questions_of(model)]

        assert len(set(names)) == len(names)
        assert {field.name for field in model.inputs} <= set(names)


# ---------------------------------------------------------------- values


def test_only_what_was_set_is_in_the_value():
    answers = Answers(spec(Field("steps", kind="integer", default=20), group()))

    assert answers.value == {}
    answers.set("steps", 5)
    answers.set("config.ratio", "1:1")
    assert answers.value == {"steps": 5, "config": {"ratio": "1:1"}}
    answers.set("config.ratio", None)
    answers.set("steps", None)
    assert answers.value == {}


def test_an_empty_object_that_was_set_stays():
    answers = Answers(spec(group()), {"config": {}})

    assert answers.value == {"config": {}}
    assert answers.problems() == {}


def test_names_with_spaces_and_dots_are_names():
    answers = Answers(spec(Field("Aux Reference 1"), Field("v1.5 mode")), {"Aux Reference 1": "a"})

    answers.set("v1.5 mode", "b")

    assert answers.value == {"Aux Reference 1": "a", "v1.5 mode": "b"}
    assert answers.get("v1.5 mode") == "b"


def test_the_value_is_a_copy_but_a_picture_is_the_very_one():
    given = {"config": {"ratio": "1:1"}, "image_url": PHOTO}
    answers = Answers(spec(group(), Field("image_url", kind="image")), given)

    given["config"]["ratio"] = "changed"
    answers.value["config"]["ratio"] = "changed"

    assert answers.value["config"] == {"ratio": "1:1"}
    assert answers.value["image_url"] is PHOTO


@pytest.mark.parametrize(
    ("model", "given", "value"),
    [
        ("runflow/tag-removal", {"image": PHOTO}, {"image_url": PHOTO}),
        ("google/nano-banana-2/edit", {"image": PHOTO}, {"image_urls": [PHOTO]}),
        ("google/nano-banana-2/edit", {"images": [PHOTO]}, {"image_urls": [PHOTO]}),
        ("openai/gpt-image-2/edit", {"mask": PHOTO}, {"mask_url": PHOTO}),
        ("runflow/object-removal", {"image": PHOTO, "mask": PHOTO}, {"image": PHOTO, "mask": PHOTO}),
    ],
)
def test_the_short_names_of_a_run_work_here_too(model, given, value):
    assert Answers(CATALOGUE.get(model), given).value == value


def test_what_no_question_asks_for_is_kept_beside():
    answers = Answers(spec(Field("prompt"), completeness="truncated"), {"prompt": "a", "lora": {"scale": 2}})

    assert answers.others() == {"lora": {"scale": 2}}
    answers.set_others({"other": 1})
    assert answers.value == {"prompt": "a", "other": 1}
    assert answers.problems() == {}


def test_values_that_are_no_object_are_refused():
    with pytest.raises(InputError, match="must be an object"):
        Answers(spec(), ["prompt"])


# ---------------------------------------------------------------- problems


def test_what_cannot_be_read_is_a_problem_and_no_value():
    answers = Answers(spec(Field("steps", kind="integer")), {"steps": 5})

    answers.leave_unread("steps", "5x", "Steps is '5x'.")

    assert answers.value == {}
    assert answers.is_set("steps")
    assert answers.problems() == {"steps": "Steps is '5x'."}
    answers.set("steps", 6)
    assert answers.problems() == {}


@pytest.mark.parametrize("value", [PHOTO, np.zeros((9, 9), np.uint8), b"bytes", "https://a.example/b.png"])
def test_a_picture_of_any_form_is_fine(value):
    assert Answers(spec(Field("image_url", kind="image")), {"image_url": value}).problems() == {}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("no such.png", "there is no file 'no such.png'"),
        ("  ", "it takes an http"),
        (7, "Image url is 7"),
        ({"url": "x"}, "Image url is"),
        ("ftp://a.example/b.png", "must use http"),
    ],
)
def test_what_is_no_picture_is_said_at_its_field(value, sentence):
    problems = Answers(spec(Field("image_url", kind="image")), {"image_url": value}).problems()

    assert sentence in problems["image_url"]


def test_a_path_that_exists_is_fine_also_in_a_list(tmp_path):
    path = tmp_path / "a b.png"
    PHOTO.save(path)
    fields = (Field("image_urls", kind="image_list", max_items=2),)

    assert Answers(spec(*fields), {"image_urls": [str(path), path]}).problems() == {}
    assert "has 3 images" in Answers(spec(*fields), {"image_urls": 3 * [path]}).problems()["image_urls"]
    assert "no file 'x.png'" in Answers(spec(*fields), {"image_urls": [path, "x.png"]}).problems()["image_urls"]


def test_photo_and_mask_or_a_ready_made_zip_do():
    model = CATALOGUE.get("runflow/object-removal")
    ready = {"zip_url": "https://a.example/b.zip", "file_input": "photo.png", "file_mask": "mask.png"}

    assert Answers(model).problems() == {
        "image": "Photo is missing; it takes an image.",
        "mask": "Mask is missing; it takes an image.",
    }
    assert Answers(model, {"image": PHOTO, "mask": PHOTO}).problems() == {}
    assert Answers(model, ready).problems() == {}
    assert set(Answers(model, {"zip_url": ready["zip_url"]}).problems()) == {"file_input", "file_mask"}
    assert Answers(model).short_of("file_mask") == "mask"
    assert Answers(model, ready).short_of("file_mask") == "file_mask"


def test_the_price_follows_the_values():
    answers = Answers(CATALOGUE.get("google/nano-banana-pro/edit"))

    assert answers.quote().text == "$0.15"
    answers.set("num_images", 3)
    assert answers.quote().text == "$0.45"


# ---------------------------------------------------------------- another model


def test_another_model_keeps_what_fits_and_the_rest_is_put_aside():
    first = spec(Field("prompt"), Field("seed", kind="integer"), Field("style", allowed=("a", "b")))
    second = spec(Field("prompt"), Field("seed", kind="integer", maximum=10), Field("style", allowed=("b",)))

    moved = Answers(first, {"prompt": "x", "seed": 99, "style": "b"}).moved_to(second)

    assert moved.answers.value == {"prompt": "x", "style": "b"}
    assert moved.kept == ("prompt", "style")
    assert moved.dropped == {"seed": 99}
    back = moved.answers.moved_to(first, put_aside=moved.dropped)
    assert back.answers.value == {"prompt": "x", "seed": 99, "style": "b"}
    assert back.dropped == {}


def test_the_photo_goes_along_whatever_the_model_calls_it():
    one, several = CATALOGUE.get("runflow/tag-removal"), CATALOGUE.get("google/nano-banana-2/edit")
    zipped = CATALOGUE.get("runflow/object-removal")

    moved = Answers(one, {"image_url": PHOTO}).moved_to(several)
    assert moved.answers.value == {"image_urls": [PHOTO]}
    moved = moved.answers.moved_to(zipped)
    assert moved.answers.value == {"image": PHOTO}
    moved.answers.set("mask", PHOTO)
    moved = moved.answers.moved_to(CATALOGUE.get("openai/gpt-image-2/edit"))
    assert moved.answers.value == {"image_urls": [PHOTO], "mask_url": PHOTO}
    assert moved.answers.moved_to(one).answers.value == {"image_url": PHOTO}
