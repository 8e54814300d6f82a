"""Finding, checking and showing models."""

import re
import subprocess
import sys

import pytest

from runflow_widgets.catalogue import Catalogue, Field, ModelSpec, Price, to_record
from runflow_widgets.errors import InputError

MODELS = Catalogue.bundled()


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.id)
def test_every_stored_model_takes_its_own_example(spec):
    assert spec.check(spec.example()) == {}
    assert spec.id in repr(spec)
    assert spec.owner in spec._repr_html_()
    assert spec.output_kind in ("image", "video")
    assert spec.category


def test_all_models_are_there():
    assert len(MODELS) == 51
    assert "kuaishou/kling-video/v3/pro/image-to-video" in MODELS


def test_an_unknown_model_is_refused_with_those_that_come_close():
    with pytest.raises(InputError, match=r"Did you mean runflow/tag-removal") as refusal:
        MODELS.get("runflow/tag-removel")

    assert refusal.value.field == "model"


def test_the_right_slug_under_the_wrong_owner_is_found():
    assert "runflow/tag-removal" in MODELS.close_to("tag-removal")


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({"text": "price TAGS"}, ("runflow/tag-removal",)),
        ({"text": "removal zebra"}, ()),
        ({"maker": "bria"}, ("bria/background/remove",)),
        ({"takes_mask": True}, ("openai/gpt-image-2/edit", "runflow/object-removal", "runflow/reference-inpaint")),
        ({"max_price": "0.018", "takes_image": True, "embedded": True}, ("bria/background/remove",)),
        (
            {"output": "video", "maker": "Alibaba"},
            ("alibaba/wan/v2.7/image-to-video", "alibaba/wan/v2.7/text-to-video"),
        ),
        ({"category": "upscale"}, ("topaz/upscale/image",)),
    ],
)
def test_searching_narrows_by_words_and_by_what_a_model_does(wanted, ids):
    assert MODELS.search(**wanted).ids == ids


def test_models_without_a_price_drop_out_when_a_limit_is_given():
    assert all(spec.price.amount is not None for spec in MODELS.search(max_price=1000))


def test_a_limit_that_is_no_amount_is_refused():
    with pytest.raises(InputError, match="give an amount in dollars"):
        MODELS.search(max_price="cheap")


def test_a_table_is_a_sequence_and_reads_in_columns():
    table = MODELS.search(embedded=True)

    lines = repr(table).splitlines()

    assert table[0].id == "bria/background/remove"
    assert len(table[1:3]) == 2
    assert lines[-1] == "8 models"
    assert len({line.index("image ") for line in lines[1:-1] if "image " in line}) == 1


def test_an_empty_table_says_so():
    assert repr(MODELS.search("zebra")).endswith("0 models")


def test_html_is_escaped_and_has_no_colours_of_its_own():
    spec = ModelSpec(
        "a/b", name="<script>", purpose="x & <b>", inputs=(Field("<i>", description="<u>"),), notes=("<p>",)
    )

    html = spec._repr_html_() + Catalogue([spec]).search()._repr_html_()

    assert "<script>" not in html
    assert "<i>" not in html
    assert "<u>" not in html
    assert not re.search(r"#[0-9a-f]{3}\b|rgb\(|(?<!-)color:(?!inherit)", html)


def test_a_deprecated_input_is_marked_in_text_and_html():
    spec = ModelSpec("a/b", inputs=(Field("style", required=False, deprecated=True), Field("size", required=False)))

    assert "style  string  optional, deprecated" in repr(spec)
    assert spec._repr_html_().count("deprecated") == 1


def test_unknown_inputs_are_named_when_all_are_known_and_passed_on_otherwise():
    complete = MODELS.get("runflow/product-isolation")
    truncated = MODELS.get("google/nano-banana-2")

    assert complete.check({**complete.example(), "promt": "x"}) == {
        "promt": "There is no input 'promt'; did you mean 'prompt'?"
    }
    assert truncated.check({"prompt": "a chair", "seed_2": 1}) == {}


def test_missing_and_nested_inputs_are_named_by_their_path():
    spec = MODELS.get("runflow/tag-removal")

    assert set(spec.check({"config": {"aspect_ratio": 1}})) == {"image_url", "config.aspect_ratio"}
    assert set(spec.check({"image_url": "ftp://a"})) == {"image_url"}
    assert set(spec.check(["image_url"])) == {"input"}


def test_a_field_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(InputError, match="it has image_url, config"):
        MODELS.get("runflow/tag-removal").field("image")


def test_a_live_record_wins_and_what_only_we_know_is_kept():
    models = Catalogue.bundled()
    record = to_record(models.get("runflow/tag-removal"))
    del record["runflow_widgets"]
    record |= {"description": "New words.", "price_label": "$0.15/request", "license_code": None}
    record["inputs"][1]["validator_attrs"] = {}

    taken = models.merge([record, {"slug": "new", "model_creator": {"slug": "acme"}}, {}, None, 7])

    spec = models.get("runflow/tag-removal")
    assert taken == 2
    assert (spec.purpose, spec.price.label, spec.license) == ("New words.", "$0.15/request", "commercial")
    assert spec.embedded
    assert spec.field("config.aspect_ratio").suggested
    assert "acme/new" in models
    assert "acme/new" not in Catalogue.bundled()


def test_conditions_of_a_price_are_kept_while_the_amount_stays():
    models = Catalogue.bundled()

    models.merge([{"slug": "veo3.1", "model_creator": {"slug": "google"}, "pricing_note": "$0.2/second"}])

    assert models.get("google/veo3.1").price == MODELS.get("google/veo3.1").price
    assert models.get("google/veo3.1").price_of({}).text == "price unknown"


def test_a_list_that_was_open_and_is_closed_now_is_not_both():
    older = ModelSpec("a/b", price=Price(), inputs=(Field("ratio", suggested=("1:1",)),))

    spec = ModelSpec("a/b", inputs=(Field("ratio", allowed=("2:1",)),)).completed_by(older)

    assert (spec.inputs[0].allowed, spec.inputs[0].suggested) == (("2:1",), ())


def test_importing_the_catalogue_stays_light():
    heavy = "{'PIL', 'numpy', 'cv2', 'httpx', 'starlette', 'ipywidgets'}"
    code = f"import sys, runflow_widgets.catalogue; print(sorted({heavy} & set(sys.modules)))"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "[]"
