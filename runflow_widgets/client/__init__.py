"""The client: one method for each endpoint that a customer's key may call, over one connection to one service."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from ..errors import InputError
from ..wire import DEFAULT_BASE_URL
from .account import AccountEndpoints
from .assets import AssetEndpoints
from .callbacks import Listener, verify_callback
from .http import Http, Limits, is_loopback
from .in_process import InProcess
from .inputs import ZIPPED, Gathered, as_upload, gather, is_address, plain
from .key import ApiKey, find_key, keep_key
from .models import ModelEndpoints
from .outputs import SavedOutput, bring_home, write_whole
from .outside import Download, Outside, Posted
from .rules import LONGEST_RETRY_AFTER_S, Pace, outcome_unknown
from .runs import CREATES_AT_ONCE, RunEndpoints, new_key

__all__ = [
    "LONGEST_RETRY_AFTER_S",
    "ZIPPED",
    "ApiKey",
    "Client",
    "Download",
    "Gathered",
    "InProcess",
    "Limits",
    "Listener",
    "Outside",
    "Pace",
    "Posted",
    "SavedOutput",
    "as_upload",
    "bring_home",
    "find_key",
    "gather",
    "is_address",
    "keep_key",
    "new_key",
    "outcome_unknown",
    "plain",
    "verify_callback",
    "write_whole",
]


class Client(ModelEndpoints, RunEndpoints, AssetEndpoints, AccountEndpoints):
    """Talk to a Runflow service; every method is a coroutine of the loop on which the client is first used.

    Example:
        >>> async with Client("rf_live_…") as client:
        ...     state = await client.create_run("runflow/tag-removal", {"image_url": "https://…/shirt.jpg"})
        ...     async for state in client.follow(state.id):
        ...         print(state.status)

    Args:
        key: The API key; sent to the service's own host and nowhere else.
        base_url: Where the service is.
        transport: What carries the requests, for a service in this process or a test (an httpx transport).
        limits: How long a single request may take.
        pace: How time passes between requests.
        organization_id: Act for this organisation instead of the key's own.
        inline_bytes: Files up to this size travel inside the request for a run and not as an upload of their own.
            Where a request may have to be looked up or sent again, it had better be small: then leave it at 0.
    """

    def __init__(
        self,
        key: str | ApiKey | None = None,
        *,
        base_url: str = DEFAULT_BASE_URL,
        transport: Any = None,
        limits: Limits | None = None,
        pace: Pace | None = None,
        organization_id: str | None = None,
        inline_bytes: int = 0,
    ) -> None:
        # Nothing but the wrapped key stays in this frame: some tracebacks show all variables.
        key = ApiKey(key) if isinstance(key, str) else key
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(
                f"base_url is {base_url!r}; it takes an address like {DEFAULT_BASE_URL}.", field="base_url"
            )
        if parts.scheme == "http" and transport is None and not is_loopback(parts.hostname):
            raise InputError(
                f"base_url is {base_url!r}; over plain http the key would travel readable.",
                field="base_url",
                advice="Use https; http is taken for this machine only.",
            )
        self.http = Http(
            base_url, key=key, transport=transport, limits=limits, pace=pace, organization_id=organization_id
        )
        here = is_loopback(parts.hostname)
        timeout = self.http.limits.as_timeout()
        home = (parts.scheme, parts.netloc)
        self.outside = Outside(allow_private=here, home=home, transport=transport, timeout=timeout)
        self.key = key
        self.inline_bytes = inline_bytes
        self._creates = asyncio.Semaphore(CREATES_AT_ONCE)
        self._uploaded = {}
        self._addresses = set()

    @property
    def base_url(self) -> str:
        """Where the service is."""
        return self.http.base_url

    async def close(self) -> None:
        """Give back all connections."""
        await self.http.close()
        await self.outside.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"Client({self.base_url!r}, key={self.key!r})"
