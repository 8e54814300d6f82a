from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_widgets.errors import InputError
from runflow_widgets.wire import (
    Asset,
    Batch,
    Delivery,
    Page,
    RunState,
    item_path,
    model_path,
    output_links,
    read_money,
    read_time,
    write_time,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
RUN_KEYS = ["id", "status_code", "status", "output", "cost", "duration_ms", "created_at", "context", "error", "input"]


def test_a_model_with_many_segments_keeps_them():
    assert model_path("bytedance/seedance/2.0/fast/text-to-video", "runs") == (
        "/v1/models/bytedance/seedance/2.0/fast/text-to-video/runs"
    )


@pytest.mark.parametrize(
    "model_id", ["", "runflow", "runflow/", "/tag", "a//b", "../runs", "a/..", "a/./b", "a/%2e%2e/b", "a/%2E/b", " / "]
)
def test_an_id_that_would_leave_its_place_is_refused(model_id):
    with pytest.raises(InputError, match="not a model id"):
        model_path(model_id)


def test_what_is_special_in_an_address_is_encoded_in_each_segment():
    assert model_path("a b/c?d#e") == "/v1/models/a%20b/c%3Fd%23e"
    assert item_path("runs", "a/b", "logs") == "/v1/runs/a%2Fb/logs"


@pytest.mark.parametrize("item_id", ["", ".", "..", "%2e%2e"])
def test_an_item_needs_an_id(item_id):
    with pytest.raises(InputError, match="not an id"):
        item_path("runs", item_id)


def test_times_are_written_with_milliseconds_and_an_offset():
    moment = datetime(2026, 4, 21, 9, 30, 1, 250_999, tzinfo=UTC)

    assert write_time(moment) == "2026-04-21T09:30:01.250+00:00"
    assert read_time("2026-04-21T09:30:01.250Z") == datetime(2026, 4, 21, 9, 30, 1, 250_000, tzinfo=UTC)
    assert read_time("2026-04-21T09:30:01") == datetime(2026, 4, 21, 9, 30, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, 3, "yesterday", ""])
def test_what_is_not_a_time_is_none(value):
    assert read_time(value) is None


@pytest.mark.parametrize(
    ("value", "amount"),
    [("0.14", Decimal("0.14")), (0.5, Decimal("0.5")), (True, None), ("x", None), ("NaN", None), (None, None)],
)
def test_money_is_decimal_or_nothing(value, amount):
    assert read_money(value) == amount


@pytest.mark.parametrize("status", ["succeeded", "partial_succeeded", "failed", "canceled", "cancelled", "errored"])
def test_both_spellings_and_every_end_are_terminal(status):
    assert RunState.read({"id": "1", "status_code": status}).is_terminal


@pytest.mark.parametrize("status", ["queued", "dispatching", "running", "thinking"])
def test_a_status_that_nobody_knows_is_waited_through(status):
    assert not RunState.read({"id": "1", "status_code": status}).is_terminal


def test_a_run_is_read_from_the_older_spellings_too():
    state = RunState.read(
        {
            "run_id": "r",
            "status": "failed",
            "finished_at": "2026-01-01T00:00:00Z",
            "error": {"code": "X", "message": "went wrong"},
            "failure_stage": "preprocess",
        }
    )

    assert (state.id, state.failure_code, state.failure_message, state.failure_stage) == (
        "r",
        "X",
        "went wrong",
        "preprocess",
    )
    assert state.completed_at is not None


def test_the_callback_of_a_failed_run_gives_its_reason():
    state = RunState.from_callback(
        {"event": "run.failed", "run_id": "r", "status": "failed", "output": {"code": "X", "message": "no"}}
    )

    assert (state.status, state.failure_code, state.failure_message, state.output) == ("failed", "X", "no", None)


@pytest.mark.parametrize(
    ("output", "urls"),
    [
        ({"image_urls": ["https://a/1.png", "https://a/2.png"]}, ["https://a/1.png", "https://a/2.png"]),
        ({"outputs": [{"url": "https://a/1.png", "type": "image"}], "seed": 1}, ["https://a/1.png"]),
        ({"image": ["https://a/1.png"]}, ["https://a/1.png"]),
        ({"image": {"url": "https://a/1.png"}}, ["https://a/1.png"]),
        ({"output_url": "https://a/1.png"}, ["https://a/1.png"]),
        ({"outputs": [{"url": "data:image/png;base64,AA=="}]}, ["data:image/png;base64,AA=="]),
        ({"outputs": [], "timing": {"url": "https://not/a/result"}}, []),
        ({"text": "see https://example.com"}, []),
        (None, []),
    ],
)
def test_links_are_found_in_every_family_of_output(output, urls):
    assert [link.url for link in output_links(output)] == urls


def test_a_link_knows_its_kind_and_size():
    (link,) = output_links({"outputs": [{"url": "https://a/clip.mp4", "width": 64, "height": 48}]})

    assert (link.kind, link.width, link.height) == ("video", 64, 48)


@pytest.mark.parametrize(
    ("envelope", "cursor"),
    [
        ({"items": [], "next": "abc"}, "abc"),
        ({"items": [], "next_pq": "abc"}, "abc"),
        ({"items": [], "next": "?limit=2&pq=abc"}, "abc"),
        ({"items": [], "next": "https://api.example/v1/runs?pq=abc&limit=2"}, "abc"),
        ({"items": [], "next": None}, None),
        ([{"id": 1}], None),
    ],
)
def test_both_spellings_of_a_cursor_are_read(envelope, cursor):
    assert Page.read(envelope).next == cursor


def test_an_asset_is_referred_to_by_its_id():
    asset = Asset.read({"id": "7", "size_bytes": 12, "url": "https://signed"})

    assert asset.ref == "runflow://assets/7"
    assert "signed" not in repr(asset)


def test_a_batch_counts_its_items():
    batch = Batch.read(
        {"id": "b", "status_code": "partial_succeeded", "items_total": 3, "items_failed": 1, "items": [{}]}
    )

    assert (batch.total, batch.failed, len(batch.items), batch.is_terminal) == (3, 1, 1, True)


@given(raw=st.dictionaries(st.sampled_from(RUN_KEYS) | st.text(max_size=8), JSON, max_size=8))
def test_reading_never_raises(raw):
    RunState.read(raw)
    RunState.from_callback(raw)
    Asset.read(raw)
    Batch.read(raw)
    Delivery.read(raw)
    Page.read(raw)


@given(state=st.text(max_size=10), extra=JSON)
def test_whatever_the_service_adds_is_kept(state, extra):
    read = RunState.read({"id": "1", "status_code": state, "brand_new": extra})

    assert read.raw["brand_new"] == extra
