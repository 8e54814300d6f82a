"""What a field says of a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_widgets.catalogue import KINDS, Field

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.builds(lambda: 10**5000)
    | st.builds(object),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=12,
)
NESTED = Field("config", kind="json", fields=(Field("ratio", allowed=("1:1", "2:1")), Field("size", kind="integer")))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Field("image_url", kind="image"), "https://host.test/a.png"),
        (Field("image_url", kind="image"), "data:image/png;base64,AAAA"),
        (Field("image_url", kind="image"), "runflow://assets/0190"),
        (Field("image_urls", kind="image_list", max_items=2), ["https://host.test/a.png", "runflow://assets/1"]),
        (Field("zip_url", kind="file"), "http://127.0.0.1/a.zip"),
        (Field("prompt"), "a red chair"),
        (Field("seed", kind="integer"), -3),
        (Field("scale", kind="float", minimum=1), 1),
        (Field("on", kind="boolean"), False),
        (Field("size", kind="size", allowed=("square",)), "square"),
        (Field("size", kind="size", allowed=("square",)), {"width": 640, "height": 480}),
        (Field("thing", kind="mesh", type_code="mesh"), {"any": ["json", None]}),
        (Field("elements", kind="json", allowed=("tags", "model")), ["model"]),
        (NESTED, {"ratio": "1:1", "unlisted": 1}),
        (Field("optional", required=False), None),
        (Field("unknown whether required"), None),
    ],
)
def test_a_fitting_value_is_taken(field, value):
    assert field.check(value) is None


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        (Field("seed", kind="integer"), True, "Seed is True; it takes a whole number."),
        (Field("seed", kind="integer"), "5", "Seed is '5'; it takes a whole number."),
        (Field("red", kind="integer", minimum=0, maximum=9), 10, "Red is 10; it takes a whole number from 0 to 9."),
        (Field("scale", kind="float"), float("nan"), "Scale is nan; it takes a number."),
        (Field("duration", allowed=("5", "10")), 5, "Duration is 5; it takes '5' or '10'."),
        (Field("on", kind="boolean"), 1, "On is 1; it takes true or false."),
        (Field("prompt", max_length=3), "word", "Prompt has 4 characters; it takes text of at most 3 characters."),
        (Field("prompt", required=True), " ", "Prompt is empty; it takes text."),
        (Field("prompt", required=True), None, "Prompt is missing; it takes text."),
        (Field("urls", kind="image_list"), "a", "Urls is 'a'; it takes a list, also for a single image."),
        (NESTED, {"ratio": "3:1"}, "Ratio is '3:1'; it takes '1:1' or '2:1'."),
        (NESTED, [], "Config is []; it takes an object with ratio, size."),
        (Field("any", kind="json"), {"at": object}, "Any is {'at': <class 'object'>}; that cannot be written as JSON."),
    ],
)  # fmt: skip
def test_a_wrong_value_gets_a_sentence_that_says_what_would_do(field, value, sentence):
    assert field.check(value) == sentence


@pytest.mark.parametrize("value", ["ftp://host/a.png", "file:///etc/passwd", "photo.png", "", 7, "https://", "data:"])
def test_a_media_address_of_another_scheme_is_refused(value):
    sentence = Field("image_url", kind="image").check(value)

    assert sentence is not None
    assert "runflow://assets/" in sentence


def test_the_scheme_is_named():
    assert "got 'ftp'" in (Field("image_url", kind="image").check("ftp://host/a.png") or "")


def test_an_unknown_kind_keeps_its_name():
    field = Field("clip", kind="json", type_code="video_list")

    assert field.type_code == "video_list"
    assert field.check([{"url": "https://host.test/a.mp4"}]) is None


def test_problems_carry_the_path_of_the_nested_field():
    found = dict(NESTED.problems({"ratio": 1, "size": "2", "rato": 1}, strict=True))

    assert set(found) == {"config.ratio", "config.size", "config.rato"}
    assert "did you mean 'ratio'?" in found["config.rato"]


@given(
    field=st.builds(
        Field,
        name=st.text(min_size=1),
        kind=st.sampled_from([*KINDS, "mesh"]),
        required=st.none() | st.booleans(),
        allowed=st.lists(st.text(max_size=3) | st.integers() | st.booleans(), max_size=3).map(tuple),
        minimum=st.none() | st.integers(-5, 5),
        max_length=st.none() | st.integers(0, 5),
        min_items=st.none() | st.integers(0, 5),
        fields=st.just(()) | st.just((NESTED,)),
    ),
    value=ANYTHING,
)
def test_checking_never_raises_and_answers_with_one_sentence(field, value):
    sentence = field.check(value)

    assert sentence is None or (isinstance(sentence, str) and sentence)
