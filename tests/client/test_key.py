from __future__ import annotations

import logging
import pickle
import sys
import types

import httpx
import pytest

from runflow_widgets.client import ApiKey, Client, Pace, find_key
from runflow_widgets.errors import ConfigError, RunflowError

SECRET = "rf_live_abcdefgh1234"


def test_a_key_shows_its_last_four_characters_and_no_more():
    key = ApiKey(SECRET)

    for shown in (repr(key), str(key), f"{key}", f"{key!r}", repr([key]), repr({"k": key})):
        assert "1234" in shown
        assert "abcd" not in shown


def test_of_a_short_key_nothing_is_shown():
    assert repr(ApiKey("short123")) == "ApiKey('…')"


def test_a_key_is_not_pickled():
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(ApiKey(SECRET))


@pytest.mark.parametrize("secret", ["", "  ", "two words", "line\nbreak", "umläut"])
def test_what_cannot_be_a_key_is_refused_without_repeating_it(secret):
    with pytest.raises(ConfigError) as refusal:
        ApiKey(secret)

    assert not secret.strip() or secret not in str(refusal.value)


def test_an_argument_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("RUNFLOW_API_KEY", "rf_live_environment")

    assert find_key(SECRET).ending == "1234"
    assert find_key().ending == "ment"


def test_without_any_key_there_is_none():
    assert find_key() is None


def test_inside_colab_the_users_data_is_asked(monkeypatch):
    colab = types.ModuleType("google.colab")
    colab.userdata = types.SimpleNamespace(
        get=lambda name: SECRET if name == "RUNFLOW_API_KEY" else None,
        SecretNotFoundError=KeyError,
        NotebookAccessError=PermissionError,
    )
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)

    assert find_key() == ApiKey(SECRET)


async def test_the_key_is_in_no_log_and_in_no_error(caplog):
    caplog.set_level(logging.DEBUG)

    def refuse(request):
        return httpx.Response(401, json={"code": "UNAUTHORIZED", "message": "bad key"})

    async with Client(SECRET, transport=httpx.MockTransport(refuse), pace=Pace(scale=0)) as client:
        with pytest.raises(RunflowError) as refusal:
            await client.me()
        shown = [str(refusal.value), repr(refusal.value), repr(client), repr(vars(refusal.value)), caplog.text]

    assert all(SECRET not in text for text in shown)


async def test_the_key_goes_to_the_service_as_a_bearer():
    seen = []

    def answer(request):
        seen.append(request.headers.get("authorization"))
        return httpx.Response(200, json={})

    async with Client(SECRET, transport=httpx.MockTransport(answer)) as client:
        await client.health()

    assert seen == [f"Bearer {SECRET}"]


async def test_over_plain_http_to_another_machine_no_key_travels():
    with pytest.raises(RunflowError, match="readable"):
        Client(SECRET, base_url="http://api.example.com")
