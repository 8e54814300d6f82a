"""What stands between a socket and the service: who may come in, how often, how slowly, and what answers carry.

Whoever keeps sending wrong keys is not heard for a while, so that keys cannot be tried at the pace of requests.

A keyless service on this machine may be asked by every program on it, but not by the pages in its browser: a page may
send requests to any address, and by a name of its own that leads here it could even read the answers. So there the
request must name this machine, and must not come from a page of another origin.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .call import Answer
from .links import FILES
from .refusal import Refusal

#: Slower than this nobody sends or takes anything.
SLOWEST_BYTES_PER_S: Final = 16 * 1024
#: As many requests as in so many seconds may come at once after a pause.
_BURST_S: Final = 5.0
#: Of wrong keys, more: a program that was set up wrongly is no thief.
_WRONG_BURST_S: Final = 120.0
_MOST_CALLERS: Final = 10_000
_WRONG_KEY: Final = 401
_SAFE: Final = ("GET", "HEAD")
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Door:
    """An ASGI application around the service's own.

    Args:
        app: The service.
        hosts: The names that it may be asked by; None where a key keeps strangers out.
        requests_per_s: How many requests each address may send, over a while.
        wrong_keys_per_min: How many of them may bring a wrong key before no more are heard for a while.
        patience_s: How long the body of a request may take before its speed counts.
        clock: The time in seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str] | None,
        requests_per_s: float,
        wrong_keys_per_min: float,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._requests = Pace(requests_per_s, _BURST_S, clock)
        self._wrong_keys = Pace(wrong_keys_per_min / 60, _WRONG_BURST_S, clock)
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http":
            return
        caller = scope["client"][0] if scope.get("client") else ""
        try:
            self._requests.count(caller)
            if wait_s := self._wrong_keys.wait_s(caller):
                raise Refusal(
                    429,
                    "Too many requests with a wrong key came from this address; check the key, and try again later.",
                    headers={"Retry-After": str(math.ceil(wait_s))},
                )
            self._check_origin(scope)
        except Refusal as refusal:
            answer = Answer(refusal.envelope, refusal.status, refusal.headers)
            await answer(scope, receive, _clad(scope, send))
            return
        heard = self._listening(caller, _clad(scope, send))
        await self._app(scope, _hurried(receive, self._patience_s), heard)

    def _listening(self, caller: str, send: Send) -> Send:
        """The same answer; that a key was wrong is noted."""

        async def listening(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == _WRONG_KEY:
                with contextlib.suppress(Refusal):
                    self._wrong_keys.count(caller)
            await send(message)

        return listening

    def _check_origin(self, scope: Scope) -> None:
        if self._hosts is None:
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host and name_of(host) not in self._hosts:
            raise Refusal(
                403,
                f"This service is not asked by the name {host[:100]!r}; serve it with a key to let others reach it.",
            )
        origin = headers.get("origin")
        foreign = origin is not None and origin != f"{scope['scheme']}://{host}"
        if foreign or (scope["method"] not in _SAFE and headers.get("sec-fetch-site", "none") not in _OWN_PAGES):
            raise Refusal(
                403, "Pages of other origins may not use this service; serve it with a key and ask from there."
            )


#: What a browser says of a page of ours, or of a person who typed the address.
_OWN_PAGES: Final = ("same-origin", "none")


def name_of(host: str) -> str:
    """A host without its port: `[::1]:8787` is `[::1]`."""
    name, colon, port = host.rpartition(":")
    bare = name if colon and port.isascii() and port.isdigit() else host
    return bare.lower().rstrip(".")


class Pace:
    """How often each caller may do something: so many times a second, and many seconds' worth at once after a pause."""

    def __init__(self, per_s: float, burst_s: float, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        # Once at least, or a slow pace would let nobody in, and count nothing.
        self._burst_s = max(burst_s, 1 / per_s)
        self._clock = clock
        #: When each would have used up what it was allowed; in the past, it has all of it.
        self._used_until: dict[str, float] = {}

    def count(self, caller: str) -> None:
        """Note that it was done once more; raises a 429 if that was too soon."""
        now = self._clock()
        used_s = self._used_s(caller, now)
        if used_s > self._burst_s:
            raise Refusal(
                429, f"At most {self._per_s:g} requests per second are answered.", headers={"Retry-After": "1"}
            )
        if len(self._used_until) >= _MOST_CALLERS and caller not in self._used_until:
            self._used_until = {name: time for name, time in self._used_until.items() if time > now}
            if len(self._used_until) >= _MOST_CALLERS:
                raise Refusal(429, "Too many are asking at once.", headers={"Retry-After": "1"})
        self._used_until[caller] = now + used_s

    def wait_s(self, caller: str) -> float:
        """How long until the caller may do it again; 0 for at once."""
        return max(0.0, self._used_s(caller, self._clock()) - self._burst_s)

    def _used_s(self, caller: str, now: float) -> float:
        """How much of the allowance would be used up by once more."""
        return max(0.0, self._used_until.get(caller, now) - now) + 1 / self._per_s


def _hurried(receive: Receive, patience_s: float) -> Receive:
    """The same request, whose body must come in time: a 408 where somebody lets it drip."""
    began: float | None = None
    received = 0

    async def hurried() -> Message:
        nonlocal began, received
        loop = asyncio.get_running_loop()
        began = loop.time() if began is None else began
        try:
            async with asyncio.timeout_at(began + 3 * patience_s + received / SLOWEST_BYTES_PER_S):
                message = await receive()
        except TimeoutError:
            raise Refusal(408, "The body did not come in time.") from None
        received += len(message.get("body", b""))
        return message

    return hurried


def _clad(scope: Scope, send: Send) -> Send:
    """The same answer, with what tells a browser to make nothing of it but what it is."""

    async def clad(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in _more_headers(scope["path"]).items():
                headers.setdefault(name, value)
        await send(message)

    return clad


def _more_headers(path: str) -> Mapping[str, str]:
    # Results may be shown in a page of another origin, such as a notebook: who has the link may have the picture.
    use = "cross-origin" if path.startswith(FILES + "/") else "same-origin"
    return {**_HEADERS, "Cross-Origin-Resource-Policy": use}
