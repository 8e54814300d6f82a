from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runflow_widgets.client.rules import (
    Pace,
    error_of,
    field_of,
    may_repeat,
    outcome_unknown,
    read_refusal,
    read_retry_after,
)
from runflow_widgets.errors import (
    AuthError,
    ConflictError,
    CreditError,
    NotFoundError,
    RateLimited,
    RejectedError,
    ServiceError,
    TransportError,
)

STEADY = Pace(chance=lambda: 0.5)


@pytest.mark.parametrize(("age_s", "pause_s"), [(0, 0.25), (2, 0.25), (5, 0.5), (10, 1.0), (30, 3.0), (120, 3.0)])
def test_a_run_is_asked_for_after_a_tenth_of_its_age(age_s, pause_s):
    assert STEADY.poll_s(age_s) == pytest.approx(pause_s)


def test_waiting_leaves_the_random_numbers_of_a_notebook_as_they_were():
    before = random.getstate()

    assert Pace().poll_s(10) != Pace().poll_s(10)
    assert random.getstate() == before


@given(age_s=st.floats(0, 1e6), chance=st.floats(0, 1))
def test_the_pause_never_leaves_its_bounds(age_s, chance):
    pause = Pace(chance=lambda: chance).poll_s(age_s)

    assert 0.25 * 0.8 <= pause <= 3.0 * 1.2 + 1e-9


@given(hint_ms=st.floats(-1e9, 1e9))
def test_a_service_may_name_a_pause_but_not_a_silly_one(hint_ms):
    pause = STEADY.poll_s(1000, hint_ms)

    assert 0.02 <= pause <= 3.0


def test_an_embedded_service_is_asked_every_50_ms():
    assert STEADY.poll_s(100, 50) == pytest.approx(0.05)


@pytest.mark.parametrize(("attempt", "wait_s"), [(1, 1.5), (2, 2.5), (3, 4.5), (6, 32.5), (20, 32.5)])
def test_waits_double_up_to_32_s_and_get_jitter(attempt, wait_s):
    assert STEADY.back_off_s(attempt) == wait_s


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("-1", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None), ("inf", None)],
)
def test_retry_after_is_read_in_seconds_only(value, seconds):
    assert read_retry_after({"Retry-After": value}) == seconds


@pytest.mark.parametrize(
    ("body", "code", "message", "fields"),
    [
        (
            {"code": "X", "message": "no", "errors": [{"loc": ["body", "input", "image_url"], "msg": "missing"}]},
            "X",
            "no",
            {"image_url": "missing"},
        ),
        ({"error": {"code": "X", "message": "no"}}, "X", "no", {}),
        ({"error": "no", "code": "X"}, "X", "no", {}),
        ({"detail": "no"}, None, "no", {}),
        (
            {"detail": [{"loc": ["body", "input", "config", "aspect_ratio"], "msg": "bad"}]},
            None,
            "The service refused the input.",
            {"config.aspect_ratio": "bad"},
        ),
        ("<html>\n502</html>", None, "<html> 502</html>", {}),
        (None, None, "", {}),
        ([1], None, "", {}),
    ],
)
def test_every_known_shape_of_an_error_is_read(body, code, message, fields):
    refusal = read_refusal(body)

    assert (refusal.code, refusal.message, refusal.fields) == (code, message, fields)


@given(
    body=st.recursive(
        st.none() | st.text() | st.integers(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(st.sampled_from(["code", "message", "errors", "error", "detail", "loc", "msg"]), x)
        ),
        max_leaves=12,
    ),
    status=st.integers(400, 599),
)
def test_no_error_body_breaks_the_reader(body, status):
    error = error_of(status, {}, body)

    assert error.status == status
    assert str(error)


@pytest.mark.parametrize(
    ("loc", "name"),
    [
        (["body", "input", "image_url"], "image_url"),
        (["body", "input"], "input"),
        (["body", "callback_url"], "callback_url"),
        (["input", "config", "aspect_ratio"], "config.aspect_ratio"),
        (["body", "input", "image_urls", 0], "image_urls.0"),
        ("prompt", "prompt"),
        (None, ""),
    ],
)
def test_a_loc_path_names_the_field(loc, name):
    assert field_of(loc) == name


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedError),
        (401, AuthError),
        (402, CreditError),
        (403, AuthError),
        (404, NotFoundError),
        (409, ConflictError),
        (418, RejectedError),
        (422, RejectedError),
        (429, RateLimited),
        (500, ServiceError),
        (503, ServiceError),
    ],
)
def test_each_status_has_its_error_with_advice(status, kind):
    error = error_of(status, {"X-Request-Id": "q-1"}, {"code": "C", "message": "m"}, run_id="r", key="k")

    assert type(error) is kind
    assert (error.code, error.request_id, error.run_id, error.key) == ("C", "q-1", "r", "k")
    assert "run r, key k, request q-1" in str(error)


def test_a_rejected_field_is_in_the_sentence():
    error = error_of(
        422, {}, {"message": "Invalid input.", "errors": [{"loc": ["body", "input", "a"], "msg": "too big"}]}
    )

    assert "Invalid input: a: too big" in str(error)
    assert error.fields == {"a": "too big"}


LOST = TransportError("lost", sent=True)
UNSENT = TransportError("unsent", sent=False)
DOWN = ServiceError("down", status=500)
NO_MODEL = ServiceError("no", status=503, code="MODEL_UNAVAILABLE")
PACED = RateLimited("slow", status=429, retry_after_s=3)
FAR_OFF = RateLimited("slow", status=429, retry_after_s=3600)
WRONG = RejectedError("wrong", status=422)


@pytest.mark.parametrize(
    ("error", "reading", "creating"),
    [
        (UNSENT, True, True),
        (PACED, True, True),
        (FAR_OFF, False, False),
        (LOST, True, False),
        (DOWN, True, False),
        (NO_MODEL, False, False),
        (WRONG, False, False),
    ],
)
def test_only_what_did_nothing_is_sent_again_when_something_is_created(error, reading, creating):
    assert may_repeat(error, idempotent=True) is reading
    assert may_repeat(error, idempotent=False) is creating


@pytest.mark.parametrize(
    ("error", "unknown"),
    [(LOST, True), (DOWN, True), (UNSENT, False), (NO_MODEL, False), (WRONG, False), (PACED, False)],
)
def test_an_outcome_is_unknown_when_the_answer_was_lost_or_broken(error, unknown):
    assert outcome_unknown(error) is unknown
