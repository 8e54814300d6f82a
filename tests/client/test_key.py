from __future__ import annotations

import logging
import pickle
import sys
import types

import httpx
import pytest

from runflow_widgets.client import ApiKey, Client, Pace, find_key, keep_key
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


@pytest.fixture
def ring():
    """A keyring in memory, in place of the system's."""
    import keyring
    from keyring.backend import KeyringBackend

    class InMemory(KeyringBackend):
        priority = 1

        def __init__(self):
            super().__init__()
            self.kept = {}

        def get_password(self, service, username):
            return self.kept.get((service, username))

        def set_password(self, service, username, password):
            self.kept[service, username] = password

        def delete_password(self, service, username):
            del self.kept[service, username]

    before, ring = keyring.get_keyring(), InMemory()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def test_a_key_is_kept_in_the_keyring_only_when_asked_and_found_there_again(ring, home):
    assert find_key() is None
    keep_key(ApiKey(SECRET))

    assert list(ring.kept.values()) == [SECRET]
    assert find_key() == ApiKey(SECRET)
    assert all(SECRET not in path.read_text() for path in home.rglob("*") if path.is_file())


def test_a_keyring_that_does_not_work_is_a_sentence_without_the_key():
    import keyring
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        with pytest.raises(ConfigError, match="did not take the key") as refusal:
            keep_key(ApiKey(SECRET))
    finally:
        keyring.set_keyring(before)

    assert SECRET not in str(refusal.value)


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
