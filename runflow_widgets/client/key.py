"""Where the API key comes from, and how it is kept from showing."""

from __future__ import annotations

import logging
import os
import re
import sys
import weakref
from pathlib import Path
from typing import Final

from ..errors import ConfigError
from ..ledger import home

KEY_VARIABLE: Final = "RUNFLOW_API_KEY"
_KEYRING_SERVICE: Final = "runflow-widgets"
_KEYRING_USER: Final = "api-key"


#: Who writes down what is sent and what comes back, once somebody wants to see it all.
_LOGGERS: Final = (
    "httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks",
    "hpack.hpack",
)  # fmt: skip


class _Watched(logging.Filter):
    """Takes the keys in use out of what the libraries below us log: a service may quote one in a header."""

    def __init__(self) -> None:
        super().__init__()
        # By number: two keys may be equal, and one of them go away.
        self._keys: weakref.WeakValueDictionary[int, ApiKey] = weakref.WeakValueDictionary()

    def watch(self, key: ApiKey) -> None:
        """Keep a key out of what is logged, for as long as it is in use."""
        self._keys[id(key)] = key
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, and none with a key in it."""
        text = record.getMessage()
        bare = text
        for key in list(self._keys.values()):
            bare = key.taken_out_of(bare)
        if bare != text:
            record.msg, record.args = bare, ()
        return True


_WATCHED: Final = _Watched()


class ApiKey:
    """A key that does not show: not in a repr, not in a pickle, not in a format string.

    Example:
        >>> ApiKey("rf_live_0123456789")
        ApiKey('…6789')
    """

    __slots__ = ("__weakref__", "_secret")

    def __init__(self, secret: str) -> None:
        secret = secret.strip()
        if not re.fullmatch(r"[A-Za-z0-9_\-.]+", secret):
            raise ConfigError(
                f"The API key ({len(secret)} characters) is empty or has characters that no key has.",
                advice="Copy it again from the page where it was made; it begins with rf_live_.",
            )
        self._secret = secret
        _WATCHED.watch(self)

    def reveal(self) -> str:
        """The key itself; for the header of a request and for nothing else."""
        return self._secret

    @property
    def ending(self) -> str:
        """The last four characters, so that a person can tell two keys apart; of a short key, nothing."""
        return self._secret[-4:] if len(self._secret) >= 12 else ""

    def taken_out(self, text: bytes) -> bytes:
        """A text of somebody else without the key, should it quote it; a short one, as of tests, is no secret."""
        return text.replace(self._secret.encode(), f"...{self.ending}".encode()) if self.ending else text

    def taken_out_of(self, text: str) -> str:
        """The same for a text that is decoded already."""
        return text.replace(self._secret, f"...{self.ending}") if self.ending else text

    def __repr__(self) -> str:
        return f"ApiKey('…{self.ending}')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and other._secret == self._secret

    def __hash__(self) -> int:
        return hash(self._secret)

    def __reduce__(self) -> str:
        raise TypeError("an API key is not pickled")


def find_key(given: str | ApiKey | None = None) -> ApiKey | None:
    """The key that was given, or of the environment, of Colab's user data, of the keyring; or none."""
    if given is not None:
        return given if isinstance(given, ApiKey) else ApiKey(given)
    for place in (_from_environment, _from_colab, _from_keyring):
        if secret := place():
            return ApiKey(secret)
    return None


def _from_environment() -> str | None:
    return os.environ.get(KEY_VARIABLE, "").strip() or None


def _from_colab() -> str | None:
    # Only inside Colab: its module exists elsewhere too and would wait for a page that is not there.
    if "google.colab" not in sys.modules:
        return None
    from google.colab import userdata

    try:
        secret = userdata.get(KEY_VARIABLE)
    except (userdata.SecretNotFoundError, userdata.NotebookAccessError):
        return None
    return secret if isinstance(secret, str) else None


def _from_keyring() -> str | None:
    # The keyring is asked only if the user's own program has loaded it or a key was kept there by us: on a server
    # without a desktop session, the first question can take seconds or fail in many ways.
    if not _marker().exists():
        return None
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        secret = keyring.get_password(_KEYRING_SERVICE, _KEYRING_USER)
    except KeyringError:
        return None
    return secret if isinstance(secret, str) else None


def _marker() -> Path:
    return home() / "key-in-keyring"


def keep_key(key: ApiKey) -> None:
    """Keep the key in the system's keyring, because the user asked for it."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise ConfigError(
            "Keeping a key needs the package keyring.", advice="Install it with: pip install 'runflow-widgets[keyring]'"
        ) from None
    try:
        keyring.set_password(_KEYRING_SERVICE, _KEYRING_USER, key.reveal())
    except KeyringError as error:
        raise ConfigError(
            f"The system's keyring did not take the key ({type(error).__name__}).",
            advice=f"Set the variable {KEY_VARIABLE} instead.",
        ) from None
    marker = _marker()
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch(mode=0o600)
