"""What a run is said to cost."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_widgets.catalogue import Catalogue, Field, ModelSpec, Price, Quote

MODELS = Catalogue.bundled()


def text_of(model_id, **inputs):
    return MODELS.get(model_id).price_of(inputs).text


@pytest.mark.parametrize(
    ("model_id", "inputs", "text"),
    [
        ("runflow/tag-removal", {}, "$0.14"),
        ("bria/background/remove", {"sync_mode": True}, "$0.018"),
        ("black-forest-labs/flux-pro/kontext", {}, "$0.04"),
        ("black-forest-labs/flux-pro/kontext", {"num_images": 3}, "$0.12"),
        ("alibaba/wan/v2.7/pro/edit", {}, "$0.075 to $0.30"),
        ("google/nano-banana-pro", {}, "at least $0.15"),
        ("google/nano-banana-pro", {"num_images": "two"}, "price unknown"),
        ("google/nano-banana-2", {"num_images": 2, "enable_web_search": True}, "$0.19"),
        ("google/nano-banana-2", {"num_images": 1, "resolution": "4K"}, "price unknown"),
        ("openai/gpt-image-2", {"quality": "low"}, "price unknown"),
        ("google/veo3.1", {"generate_audio": False}, "$1.60"),
        ("google/veo3.1", {"generate_audio": False, "duration": "4s"}, "$0.80"),
        ("google/veo3.1", {}, "price unknown"),
        ("alibaba/wan/v2.7/text-to-video", {"duration": 5}, "$0.50"),
        ("bytedance/seedance/2.0/text-to-video", {"resolution": "720p", "duration": "5"}, "$1.517"),
        ("bytedance/seedance/2.0/text-to-video", {"resolution": "720p", "duration": "auto"}, "$1.2136 to $4.551"),
        ("kuaishou/kling-video/v3/pro/text-to-video", {"generate_audio": False}, "$0.336 to $1.68"),
        ("black-forest-labs/flux-2-klein-9b", {"image_size": {"width": 1000, "height": 1000}}, "$0.006"),
        ("black-forest-labs/flux-2-klein-9b", {"image_size": {"width": 1500, "height": 1000}}, "$0.009 to $0.012"),
        ("black-forest-labs/flux-2-klein-9b", {"image_size": "poster"}, "price unknown"),
        ("black-forest-labs/flux-2-pro", {"image_size": {"width": 2000, "height": 1200}}, "$0.06"),
        ("topaz/upscale/image", {}, "at least $0.08"),
        ("photalabs/phota", {}, "price unknown"),
    ],
)
def test_the_price_is_exact_a_range_or_unknown(model_id, inputs, text):
    assert text_of(model_id, **inputs) == text


def test_a_quote_says_how_it_came_about():
    quote = MODELS.get("black-forest-labs/flux-pro/kontext").price_of({"num_images": 2})

    assert quote == Quote(Decimal("0.08"), Decimal("0.08"), "2 images at $0.04 each")
    assert quote.exact == Decimal("0.08")
    assert str(quote) == "$0.08"


def test_an_unknown_price_says_what_is_missing():
    quote = MODELS.get("google/veo3.1").price_of()

    assert not quote.is_known
    assert quote.exact is None
    assert quote.note == "$0.20 per second is stated for generate_audio = False only."


@pytest.mark.parametrize(
    ("label", "price"),
    [
        ("$0.14/request", Price(Decimal("0.14"), "request")),
        ("$0.018 per image, up to 24 MP", Price(Decimal("0.018"), "image", "up to 24 MP")),
        ("Usage based", Price(note="Usage based")),
        (None, Price()),
    ],
)
def test_a_label_is_read_and_other_text_is_kept_as_a_note(label, price):
    assert Price.from_label(label) == price


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("5s")
INPUTS = st.dictionaries(
    st.sampled_from(["num_images", "duration", "image_size", "width", "height", "quality", "other"]),
    VALUES | st.fixed_dictionaries({"width": VALUES, "height": VALUES}),
)


@given(inputs=INPUTS, spec=st.sampled_from(list(MODELS)))
def test_a_stored_model_always_has_a_quote_with_its_ends_in_order(inputs, spec):
    quote = spec.price_of(inputs)

    assert quote.text
    assert quote.low is None or quote.low >= 0
    assert quote.high is None or (quote.low is not None and quote.low <= quote.high)


@given(
    inputs=INPUTS,
    unit=st.sampled_from(["", "request", "image", "second", "megapixel", "token"]),
    amount=st.none() | st.decimals(0, 10, places=3),
    further=st.none() | st.decimals(0, 1, places=3),
    maximum=st.none() | st.floats(-1e6, 1e6),
)
def test_quoting_never_raises(inputs, unit, amount, further, maximum):
    fields = (Field("num_images", kind="integer", maximum=maximum),)
    spec = ModelSpec("a/b", price=Price(amount, unit, further=further), inputs=fields)

    assert isinstance(spec.price_of(inputs).text, str)
