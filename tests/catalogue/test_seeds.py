"""The four seed models, written out by hand: whatever generates the stored pages, this is what they must say."""

from decimal import Decimal

import pytest

from runflow_widgets.catalogue import Catalogue

RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")


def model(model_id):
    return Catalogue.bundled().get(model_id)


def inputs_of(spec):
    return {entry.name: (entry.type_code, entry.required) for entry in spec.inputs}


@pytest.mark.parametrize(
    ("model_id", "price", "license_", "updated"),
    [
        ("runflow/tag-removal", "$0.14/request", "commercial", "2026-04-21"),
        ("runflow/object-removal", "$0.48/request", "commercial", "2026-05-05"),
        ("runflow/product-isolation", "$0.27/request", "", "2026-05-05"),
        ("bria/background/remove", "$0.018/request", "", ""),
    ],
)
def test_price_license_and_date_are_those_of_the_page(model_id, price, license_, updated):
    spec = model(model_id)

    assert (spec.price.label, spec.license, spec.updated) == (price, license_, updated)
    assert spec.completeness == "complete"
    assert spec.embedded
    assert spec.price_of(spec.example()).exact == Decimal(price.removeprefix("$").removesuffix("/request"))


def test_tag_removal_takes_an_image_and_an_open_list_of_ratios():
    spec = model("runflow/tag-removal")

    ratio = spec.field("config.aspect_ratio")

    assert inputs_of(spec) == {"image_url": ("image", True), "config": ("json", False)}
    assert (ratio.type_code, ratio.required) == ("string", False)
    assert ratio.suggested == ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "2:3")
    assert ratio.allowed == ()
    assert ratio.check("5:4") is None
    assert [(entry.name, entry.type_code) for entry in spec.outputs] == [("image_urls", "image_list")]


def test_object_removal_takes_a_zip_and_the_names_inside_it():
    spec = model("runflow/object-removal")

    assert inputs_of(spec) == {"zip_url": ("file", True), "file_input": ("string", True), "file_mask": ("string", True)}
    assert spec.takes_mask
    assert spec.takes_image
    assert [entry.name for entry in spec.outputs] == ["outputs", "seed", "timing", "nsfw_detected"]
    assert {entry.type_code for entry in spec.outputs} == {"json"}


def test_product_isolation_has_two_closed_lists():
    spec = model("runflow/product-isolation")

    assert inputs_of(spec) == {
        "image_url": ("image", True),
        "aspect_ratio": ("string", True),
        "resolution": ("string", True),
        "prompt": ("string", False),
    }
    assert spec.field("aspect_ratio").allowed == RATIOS
    assert spec.field("resolution").allowed == ("1K", "2K", "4K")
    assert spec.field("resolution").check("8K") == "Resolution is '8K'; it takes '1K', '2K' or '4K'."
    assert not spec.takes_mask


def test_bria_removes_backgrounds_and_may_answer_inline():
    spec = model("bria/background/remove")

    assert inputs_of(spec) == {"image_url": ("image", True), "sync_mode": ("boolean", False)}
    assert sorted(entry.name for entry in spec.outputs) == ["nsfw_detected", "outputs", "seed", "timing"]
    assert spec.maker == "Bria"


def test_exactly_these_models_run_without_a_key():
    assert Catalogue.bundled().search(embedded=True).ids == (
        "bria/background/remove",
        "runflow/background-color",
        "runflow/background-removal",
        "runflow/object-removal",
        "runflow/outpaint",
        "runflow/product-isolation",
        "runflow/smart-resize",
        "runflow/tag-removal",
    )
