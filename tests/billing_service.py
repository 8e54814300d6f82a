"""The remote side, played on loopback: a service that wants a key, bills, counts, and can hold an answer back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import Counter
from decimal import Decimal

import httpx
import uvicorn

from runflow_widgets.connection import open_embedded_service


class BillingService:
    """The embedded service behind a socket of its own, with a price for each run and a memory of what it was asked.

    Args:
        folder: Where it keeps its runs.
        pool: What computes them.
        key: The key that it wants.
    """

    CREDIT = Decimal(20)

    def __init__(self, folder, pool, key):
        self._folder, self._pool, self.key = folder, pool, key
        #: How often each creation was asked for, by its Idempotency-Key.
        self.posts = Counter()
        self.authorizations = set()
        #: Cleared, creations are carried out, and their answers held back until it is set.
        self.answering = threading.Event()
        self.answering.set()
        #: Set once a creation was carried out.
        self.accepted = threading.Event()
        #: A status and a body that creations are refused with, instead of being carried out.
        self.refusal = None

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                self, interface="asgi3", lifespan="off", log_level="warning", access_log=False,
                timeout_graceful_shutdown=2,
            )
        )  # fmt: skip
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.answering.set()
        self._server.should_exit = True
        self._thread.join(20)

    async def _serve(self):
        self._service = open_embedded_service(
            self._folder,
            workers=self._pool,
            allow_private=True,
            keys={self.key: frozenset()},
            credit=self.CREDIT,
        )
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            await self._service.close()

    async def __call__(self, scope, receive, send):
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self.authorizations.add(headers.get("authorization", ""))
        creates = scope["method"] == "POST" and scope["path"].endswith("/runs")
        if not creates:
            await self._service.app(scope, receive, send)
            return
        self.posts[headers.get("idempotency-key")] += 1
        if self.refusal is not None:
            status, body = self.refusal
            head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": status, "headers": head})
            await send({"type": "http.response.body", "body": body})
            return
        answer = []

        async def keep(message):
            answer.append(message)

        await self._service.app(scope, receive, keep)
        self.accepted.set()
        await asyncio.to_thread(self.answering.wait, 60)
        # Whoever asked may be gone by now.
        with contextlib.suppress(OSError):
            for message in answer:
                await send(message)

    # ------------------------------------------------------------------ what its own books say

    def _ask(self, path):
        return httpx.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {self.key}"}).json()

    @property
    def runs(self):
        """Every run that was created."""
        return self._ask("/v1/runs")["items"]

    @property
    def paid(self):
        """What each run has cost, of those that were billed."""
        return [Decimal(run["cost"]) for run in self.runs if run["cost"] and Decimal(run["cost"])]
