"""The service's record of a model, written and read."""

from hypothesis import given
from hypothesis import strategies as st

from runflow_widgets.catalogue import Catalogue, Field, ModelSpec, Price, from_record, to_record
from runflow_widgets.wire import tame

MODELS = Catalogue.bundled()
NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
#: What is left of a text on its way in: nothing that steers a terminal or turns a line around.
TEXTS = st.text(max_size=10).map(tame)
FIELDS = st.builds(
    Field,
    name=NAMES,
    label=NAMES,
    kind=st.sampled_from(["image", "image_list", "file", "string", "integer", "float", "boolean", "json", "size"]),
    type_code=st.just("") | st.sampled_from(["string", "video_list"]),
    description=TEXTS,
    required=st.none() | st.booleans(),
    default=st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
    allowed=st.lists(st.text(), max_size=3).map(tuple),
    minimum=st.none() | st.integers(-9, 9),
    maximum=st.none() | st.floats(-9, 9),
    max_length=st.none() | st.integers(0, 9),
    min_items=st.none() | st.integers(0, 9),
    fields=st.just(()) | st.just((Field("inner", suggested=("a",)),)),
    featured=st.booleans(),
    deprecated=st.booleans(),
)
SPECS = st.builds(
    ModelSpec,
    id=st.builds("{}/{}".format, NAMES, st.lists(NAMES, min_size=1, max_size=3).map("/".join)),
    name=NAMES,
    maker=NAMES,
    output_kind=st.sampled_from(["image", "video"]),
    price=st.builds(
        Price,
        amount=st.none() | st.decimals(0, 9, places=4),
        unit=st.sampled_from(["request", "second"]),
        note=TEXTS,
    ),
    updated=st.sampled_from(["", "2026-03", "2026-04-21"]),
    inputs=st.lists(FIELDS, max_size=3),
    completeness=st.sampled_from(["complete", "truncated", "none"]),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
    embedded=st.booleans(),
).map(lambda spec: from_inputs(spec))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def from_inputs(spec):
    """Give the inputs the places they stand at, as every real spec does."""
    from dataclasses import replace

    return replace(spec, inputs=tuple(replace(entry, order=place) for place, entry in enumerate(spec.inputs)))


@given(spec=SPECS)
def test_a_spec_survives_the_way_to_a_record_and_back(spec):
    assert from_record(to_record(spec)) == spec


def test_every_stored_model_survives_too():
    assert [from_record(to_record(spec)) for spec in MODELS] == list(MODELS)


def test_a_record_has_the_service_s_own_shape():
    record = to_record(MODELS.get("bria/background/remove"))

    assert (record["slug"], record["model_creator"]["slug"]) == ("background/remove", "bria")
    assert record["price_label"] == "$0.018/request"
    assert record["id"] == to_record(MODELS.get("bria/background/remove"))["id"]
    entry = next(entry for entry in record["inputs"] if entry["name"] == "image_url")
    assert (entry["variable_type_code"], entry["is_required"], entry["default_value"]) == ("image", True, {})


def test_closed_and_open_lists_travel_as_different_attributes():
    inputs = {
        entry["name"]: entry["validator_attrs"] for entry in to_record(MODELS.get("runflow/smart-resize"))["inputs"]
    }

    assert inputs["resolution"]["options"] == ["1K", "2K", "4K"]
    assert "options" not in inputs["aspect_ratio"]
    assert len(inputs["aspect_ratio"]["suggested"]) == 10


def test_what_is_on_its_way_out_is_known_by_a_mark_or_by_the_first_word_about_it():
    inputs = [
        {"name": "a", "deprecated": True},
        {"name": "b", "is_deprecated": True},
        {"name": "c", "validator_attrs": {"deprecated": True}},
        {"name": "d", "description": "(Deprecated) Use size."},
        {"name": "e", "description": "Not deprecated.", "deprecated": False},
        {"name": "f", "deprecated": "no"},
    ]
    found = from_record({"slug": "o/m", "inputs": inputs}).inputs

    assert [entry.name for entry in found if entry.deprecated] == ["a", "b", "c", "d"]


def test_unknown_kinds_nulls_and_strange_values_are_survived():
    record = {
        "slug": "thing",
        "model_creator": {"slug": "acme", "display_name": None},
        "description": None,
        "pricing_note": "$0.10/image",
        "inputs": [
            None,
            {"name": None},
            {"name": "Mesh In", "variable_type_code": "mesh", "is_required": "yes", "sort_order": 2, "new": 1},
            {"name": "n", "variable_type_code": "number", "validator_attrs": {"min": "0", "max": 4}, "sort_order": 1},
        ],
        "unheard_of": [1, 2],
    }

    spec = from_record(record)

    assert spec.id == "acme/thing"
    assert spec.price.label == "$0.10/image"
    assert [(entry.name, entry.kind, entry.type_code) for entry in spec.inputs] == [
        ("n", "float", "number"),
        ("Mesh In", "json", "mesh"),
    ]
    assert spec.field("n").maximum == 4
    assert spec.field("n").minimum is None
    assert spec.field("Mesh In").required is None


@given(record=JSON)
def test_reading_never_raises(record):
    assert isinstance(from_record(record), ModelSpec)


@given(values=st.fixed_dictionaries({}, optional=dict.fromkeys(to_record(MODELS.get("google/nano-banana-2")), JSON)))
def test_reading_never_raises_whatever_stands_under_a_known_key(values):
    spec = from_record({**to_record(MODELS.get("google/nano-banana-2")), **values})

    assert isinstance(spec.check({}), dict)
    assert repr(spec)


@given(
    entry=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(to_record(MODELS.get("runflow/outpaint"))["inputs"][1], JSON)
    )
)
def test_reading_never_raises_whatever_an_input_holds(entry):
    whole = {**to_record(MODELS.get("runflow/outpaint"))["inputs"][1], **entry}

    spec = from_record({"slug": "a/b", "inputs": [whole]})

    assert isinstance(spec.check({"expand_top": 3}), dict)
    assert spec._repr_html_()
