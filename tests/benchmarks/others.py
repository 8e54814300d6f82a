"""How fal-client and replicate follow their runs, at the same service as ours.

Their own code asks and waits; only what it says is put into the words of our service, request for request.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

#: Where `make bench` puts them; behind everything else, for they bring other versions of what we have.
sys.path.append(str(Path(sys.prefix) / "bench"))

OVER = ("succeeded", "failed", "cancelled")


class Translated(httpx.AsyncBaseTransport):
    """Carries each request of another client as one request to our service."""

    def __init__(self, url: str, key: str, model: str, say: Callable[[httpx.Request, dict], dict]) -> None:
        # A thousand may wait for one of these connections, and that is no fault of theirs.
        patient = httpx.Timeout(120, pool=None)
        self._http = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=patient)
        self._model = model
        self._say = say

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask our service, and answer in the words of the other."""
        if request.method == "POST":
            told = json.loads(await request.aread())
            body = {"input": told.get("input", told)}
            answer = await self._http.post(f"/v1/models/{self._model}/runs", json=body)
        else:
            run_id = next(part for part in request.url.path.split("/") if part.count("-") == 4)
            answer = await self._http.get(f"/v1/runs/{run_id}")
        answer.raise_for_status()
        return httpx.Response(200, json=self._say(request, answer.json()), request=request)

    async def aclose(self) -> None:
        """Close the connection to our service."""
        await self._http.aclose()


async def ask_like_fal(url: str, key: str, model: str, inputs: dict, count: int, at_once: int) -> None:
    """Submit and wait as `fal_client.subscribe_async` does."""
    import fal_client

    def say(request: httpx.Request, run: dict) -> dict:
        place = f"https://queue.fal.run/{model}/requests/{run['id']}"
        if request.method == "POST":
            urls = {"response_url": place, "status_url": f"{place}/status", "cancel_url": f"{place}/cancel"}
            return {"request_id": run["id"], **urls}
        if not request.url.path.endswith("/status"):
            return dict(run["output"])
        status = "COMPLETED" if run["status_code"] in OVER else "IN_PROGRESS"
        return {"status": status, "logs": None, "metrics": {}}

    async with httpx.AsyncClient(transport=Translated(url, key, model, say)) as http:

        class Here(fal_client.AsyncClient):
            @property
            async def _client(self) -> httpx.AsyncClient:
                return http

        client = Here(key="none")

        async def one() -> Any:
            return await client.subscribe(model, inputs)

        await _all(one, count, at_once)


async def ask_like_replicate(url: str, key: str, model: str, inputs: dict, count: int, at_once: int) -> None:
    """Create a prediction and wait for it as `replicate.predictions` does."""
    import replicate

    words = {"succeeded": "succeeded", "failed": "failed", "cancelled": "canceled"}

    def say(request: httpx.Request, run: dict) -> dict:
        return {
            "id": run["id"],
            "model": model,
            "version": "1",
            "status": words.get(run["status_code"], "processing"),
            "input": inputs,
            "output": run["output"],
            "logs": "",
            "error": None,
            "metrics": None,
            "urls": {"get": str(request.url), "cancel": str(request.url)},
        }

    client = replicate.Client(api_token="none", transport=Translated(url, key, model, say))

    async def one() -> Any:
        prediction = await client.predictions.async_create(version="1", input=inputs)
        await prediction.async_wait()
        assert prediction.status == "succeeded"

    await _all(one, count, at_once)


async def _all(one: Callable[[], Any], count: int, at_once: int) -> None:
    places = asyncio.Semaphore(at_once)

    async def in_turn() -> None:
        async with places:
            await one()

    await asyncio.gather(*(in_turn() for _ in range(count)))
