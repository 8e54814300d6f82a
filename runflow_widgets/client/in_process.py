"""Requests that are carried to a service in this very process, as over a socket but without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final

import httpx

_Message = MutableMapping[str, Any]
App = Callable[[_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]]
#: Where the requests seem to come from.
_CLIENT: Final = ("127.0.0.1", 0)


class InProcess(httpx.AsyncBaseTransport):
    """Hand each request to an ASGI application that answers whole, without a lifespan or background tasks.

    httpx has a transport for this too. It looks for other event loops by a failing import at each request, which is
    much of what a request costs where nothing travels.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give the answer; what a fault in the application breaks looks like it does over a socket."""
        exchange = _Exchange(request)
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except Exception as fault:
            # The application has written down why; here it is a server that failed.
            if exchange.status is None:
                return httpx.Response(500, stream=_Body([]))
            if not exchange.over.is_set():
                raise httpx.ReadError("The answer broke off.", request=request) from fault
        if exchange.status is None or not exchange.over.is_set():
            raise httpx.RemoteProtocolError("The application gave no whole answer.", request=request)
        return httpx.Response(exchange.status, headers=exchange.headers, stream=_Body(exchange.body))


class _Exchange:
    """One request and what has come in answer to it."""

    def __init__(self, request: httpx.Request) -> None:
        url = request.url
        self.scope: _Message = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "server": (url.host, url.port),
            "client": _CLIENT,
            "root_path": "",
        }
        assert isinstance(request.stream, httpx.AsyncByteStream)
        self._sent = aiter(request.stream)
        self._is_sent = False
        self._is_head = request.method == "HEAD"
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.over = asyncio.Event()

    async def receive(self) -> _Message:
        if self._is_sent:
            await self.over.wait()
            return {"type": "http.disconnect"}
        try:
            return {"type": "http.request", "body": await anext(self._sent), "more_body": True}
        except StopAsyncIteration:
            self._is_sent = True
            return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: _Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message.get("headers", [])
            return
        if (piece := message.get("body", b"")) and not self._is_head:
            self.body.append(piece)
        if not message.get("more_body", False):
            self.over.set()


class _Body(httpx.AsyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
