"""The endpoints about runs and batches, and the two things that need care: creating a run once, and following it."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from ..errors import (
    ApiError,
    InputError,
    NotFoundError,
    RateLimited,
    RunflowError,
    RunTimeout,
    ServiceError,
    TransportError,
)
from ..wire import (
    MAX_BATCH_ITEMS,
    MAX_CALLBACK_URL,
    MAX_CLIENT_REF,
    POLL_HINT_HEADER,
    Batch,
    BatchItem,
    Delivery,
    Json,
    Page,
    RunState,
    item_path,
    model_path,
    nested_path,
)
from .http import Answer, idempotency
from .pages import Caller, quoted, with_id
from .rules import outcome_unknown, read_number

#: Creates under way at once, over all runs of one client.
CREATES_AT_ONCE: Final = 4
#: When to look whether a run exists whose creation brought no good answer, in seconds after the failure.
LOOK_AGAIN_S: Final = (0.5, 1.0, 2.0)
#: A run that was created is sometimes not yet readable; a run that is gone stays gone.
NOT_FOUND_TOLERATED: Final = 3
DEFAULT_DEADLINE_S: Final = 1800.0


def new_key() -> str:
    """A name for a run that nobody has used: found again by it, and never made twice under it."""
    return f"rfw-{uuid.uuid4().hex}"


class RunEndpoints(Caller):
    """Create, read and follow runs and batches."""

    _creates: asyncio.Semaphore

    # ------------------------------------------------------------------ creating, exactly once

    async def create_run(
        self,
        model: str,
        inputs: Mapping[str, Any],
        *,
        key: str | None = None,
        callback_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> RunState:
        """Create a run, once and only once.

        Where the answer is lost, the run is looked up by its key and adopted. Only if the service does not know it
        is the request sent a second time, under the same key; after that the failure is reported with the key.
        """
        body = _run_body(inputs, key := key or new_key(), callback_url, metadata)
        path = model_path(model, "runs")
        async with self._creates:
            try:
                return RunState.read((await self._create(path, body, key)).json, model=model)
            except (ServiceError, TransportError) as error:
                if not outcome_unknown(error):
                    raise
                if (found := await self._look_for(key, model, error)) is not None:
                    return found
                return await self._create_again(path, body, key, model, error)

    async def _create(self, path: str, body: Json, key: str, *, attempts: int = 5) -> Answer:
        return await self.http.send(
            "POST",
            path,
            body=body,
            headers=idempotency(key),
            attempts=attempts,
            known={"key": key},
            meant=lambda answer: RunState.read(answer or {}).client_ref in (key, None),
            # On a connection of its own, since not even a refusal may be somebody else's: it would be taken for the
            # end of a run that goes on and is paid for.
            alone=True,
        )

    async def _create_again(self, path: str, body: Json, key: str, model: str, first: RunflowError) -> RunState:
        try:
            return RunState.read((await self._create(path, body, key, attempts=1)).json, model=model)
        except (ApiError, TransportError) as second:
            # Also where this one was refused: that tells nothing of the first, which may be on its way still.
            if (found := await self._look_for(key, model, first)) is not None:
                return found
            raise first from second

    async def _look_for(self, key: str, model: str, failure: RunflowError) -> RunState | None:
        """The run with that key.

        If the service cannot be asked, its answer stays unknown, and creating the run again would be a gamble.
        """
        try:
            return await self.look_for_run(key, model=model)
        except (ApiError, TransportError) as error:
            raise failure from error

    async def look_for_run(self, key: str, *, model: str | None = None) -> RunState | None:
        """Like `find_run`, for one that may only just have arrived: it is given a little time to appear."""
        for wait_s in LOOK_AGAIN_S:
            await self.http.pace.pause(wait_s)
            if (found := await self.find_run(key, model=model)) is not None:
                return found
        return None

    async def find_run(self, key: str, *, model: str | None = None) -> RunState | None:
        """The run that was created under that key (its `client_ref`), if the service knows it."""
        query = {"q": f"client_ref.EQ:{quoted(key)}", "limit": 2}
        page = Page.read((await self.http.send("GET", "/v1/runs", query=query, alone=True)).json)
        # A service that does not know the filter answers with everything, so what came is compared again.
        runs = [RunState.read(item, model=model) for item in page.items]
        return next((run for run in runs if run.client_ref == key), None)

    # ------------------------------------------------------------------ reading and following

    async def get_run(
        self, run_id: str, *, add_signature: bool = False, embed: str | None = None, model: str | None = None
    ) -> RunState:
        """One run; with `add_signature` the links in its output are signed anew."""
        query = {"add_signature": True if add_signature else None, "embed": embed}
        return RunState.read(await self._get(item_path("runs", run_id), meant=with_id(run_id), **query), model=model)

    async def follow(
        self,
        run_id: str,
        *,
        model: str | None = None,
        timeout_s: float = DEFAULT_DEADLINE_S,
        key: str | None = None,
        wake: asyncio.Event | None = None,
    ) -> AsyncIterator[RunState]:
        """Each new state of a run until it is over; passing trouble of the network or the service is waited through.

        Args:
            wake: Setting this asks at once instead of after the pause, for instance when a callback has arrived.

        Raises:
            RunTimeout: The run was not over in time. It goes on, and its id and key are in the error.
        """
        began = time.monotonic()
        last: RunState | None = None
        missing = 0
        hint_ms: float | None = None
        trouble: RunflowError | None = None
        while True:
            try:
                answer = await self.http.send(
                    "GET",
                    item_path("runs", run_id),
                    attempts=1,
                    known={"run_id": run_id},
                    meant=with_id(run_id),
                )
            except (ServiceError, TransportError) as error:
                hint_ms, trouble = None, error
            except RateLimited as error:
                hint_ms, trouble = None, error
                self.http.gate.hold(
                    self.http.pace.back_off_s(1) if error.retry_after_s is None else error.retry_after_s
                )
            except NotFoundError:
                missing, trouble = missing + 1, None
                if missing > NOT_FOUND_TOLERATED:
                    raise
            else:
                missing, trouble = 0, None
                hint_ms = read_number(answer.headers, POLL_HINT_HEADER)
                state = RunState.read(answer.json or {}, model=model)
                if state != last:
                    yield state
                if state.is_terminal:
                    return
                last = state
            age_s = time.monotonic() - began
            if age_s >= timeout_s:
                raise _too_late(run_id, key, timeout_s, last) from trouble
            await self._pause(min(self.http.pace.poll_s(age_s, hint_ms), timeout_s - age_s), wake)

    async def _pause(self, seconds: float, wake: asyncio.Event | None) -> None:
        if wake is None:
            await self.http.pace.pause(seconds)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), seconds * self.http.pace.scale)
        wake.clear()

    async def cancel_run(self, run_id: str) -> RunState:
        """Cancel a run. Only the embedded service offers this; the public one has no cancel, on purpose."""
        return RunState.read(await self._post(item_path("runs", run_id, "cancellation"), idempotent=True))

    async def list_runs(self, **query: object) -> Page:
        """One page of runs; `q="client_ref.EQ:'…'"` filters, `sort_by="created_at:desc"` sorts."""
        return await self._page("/v1/runs", **query)

    def each_run(self, **query: object) -> AsyncIterator[Json]:
        """All runs that fit."""
        return self._each("/v1/runs", **query)

    async def run_statuses(self) -> Any:
        """The statuses that a run can have, as the service lists them."""
        return await self._get("/v1/runs/statuses")

    async def run_logs(self, run_id: str, **query: object) -> Page:
        """What the run wrote down."""
        return await self._page(item_path("runs", run_id, "logs"), **query)

    async def run_log(self, log_id: str, run_id: str = "any") -> Json:
        """One line of a log."""
        return dict(await self._get(nested_path("runs", run_id, "logs", log_id)))

    async def run_node_run(self, node_run_id: str, run_id: str = "any") -> Json:
        """One step of a workflow run."""
        return dict(await self._get(nested_path("runs", run_id, "node-runs", node_run_id)))

    async def run_node_runs(self, run_id: str = "any", **query: object) -> Page:
        """The steps of a workflow run."""
        return await self._page(item_path("runs", run_id, "node-runs"), **query)

    async def run_deliveries(self, run_id: str) -> tuple[Delivery, ...]:
        """The callbacks of a run, with every attempt."""
        return tuple(
            Delivery.read(item) for item in Page.read(await self._get(item_path("runs", run_id, "callback"))).items
        )

    async def redeliver(self, run_id: str) -> Delivery:
        """Have the callback sent again, built from what the run is now."""
        return Delivery.read(await self._post(item_path("runs", run_id, "callback-redeliveries")))

    async def run_evaluations(self, run_id: str, **query: object) -> Page:
        """The evaluations attached to a run."""
        return await self._page(item_path("runs", run_id, "evaluations"), **query)

    async def give_run_feedback(
        self, run_id: str, evaluation_id: str, *, is_positive: bool | None, reason: str = ""
    ) -> Json:
        """Say whether an evaluation of a run was right."""
        path = nested_path("runs", run_id, "evaluations", evaluation_id, "feedback")
        return dict(await self._patch(path, {"is_positive": is_positive, "reason": reason[:2000]}))

    # ------------------------------------------------------------------ batches

    async def create_batch(
        self,
        model: str,
        inputs: Sequence[Mapping[str, Any]],
        *,
        key: str | None = None,
        callback_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Batch:
        """Create a batch of 1 to 100 inputs for a model that accepts batches; never sent a second time by itself."""
        if not 1 <= len(inputs) <= MAX_BATCH_ITEMS:
            raise InputError(f"A batch has {len(inputs)} inputs; it takes 1 to {MAX_BATCH_ITEMS}.", field="inputs")
        key = key or new_key()
        body: Json = {"input": [dict(item) for item in inputs]}
        body.update({"metadata": dict(metadata)} if metadata else {})
        body.update({"callback_url": _checked_callback(callback_url)} if callback_url else {})
        answer = await self.http.send(
            "POST", model_path(model, "batches"), body=body, headers=idempotency(key), known={"key": key}, alone=True
        )
        return Batch.read(answer.json)

    async def get_batch(self, batch_id: str) -> Batch:
        """One batch and its counts."""
        return Batch.read(await self._get(item_path("batches", batch_id)))

    async def batch_items(self, batch_id: str) -> tuple[BatchItem, ...]:
        """Every item of a batch."""
        return tuple([BatchItem.read(item) async for item in self._each(item_path("batches", batch_id, "items"))])


def _run_body(
    inputs: Mapping[str, Any], key: str, callback_url: str | None, metadata: Mapping[str, Any] | None
) -> Json:
    if not key or len(key) > MAX_CLIENT_REF:
        raise InputError(f"client_ref has {len(key)} characters; it takes 1 to {MAX_CLIENT_REF}.", field="client_ref")
    body: Json = {"input": dict(inputs), "client_ref": key}
    if callback_url is not None:
        body["callback_url"] = _checked_callback(callback_url)
    if metadata is not None:
        body["metadata"] = dict(metadata)
    return body


def _checked_callback(url: str) -> str:
    if not url.startswith(("http://", "https://")) or len(url) > MAX_CALLBACK_URL:
        raise InputError(
            f"callback_url is {url[:60]!r}; it takes an http(s) address of at most {MAX_CALLBACK_URL} characters.",
            field="callback_url",
        )
    return url


def _too_late(run_id: str, key: str | None, timeout_s: float, last: RunState | None) -> RunTimeout:
    status = last.status if last else "not known"
    return RunTimeout(
        f"The run was not over after {timeout_s:g} s; its state is {status}.",
        advice="It goes on at the service; follow it again with rf.runs.resume().",
        run_id=run_id,
        key=key,
        state=last,
    )
