"""The work behind a run, done on the portal: send it once, follow it to its end, bring its results home.

Everything here runs on the portal's thread; the face that a cell sees is `run.Run`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from .catalogue import ModelSpec, Quote
from .client import Gathered, bring_home, new_key, outcome_unknown
from .errors import InputError, LedgerError, RunCancelled, RunError, RunFailed, RunflowError, RunTimeout
from .ledger import Entry, home
from .portal import Job
from .result import Output
from .session import Session
from .watched import Watched
from .wire import CANCELLED, FAILED, Json, RunState, plain_name

#: How long a run is followed before we stop; the run itself may go on.
FOLLOW_S: Final = {"image": 1800.0, "video": 3600.0}
#: A run that was put on record this short a time ago may still be on its way to the service.
YOUNG: Final = timedelta(minutes=2)
FREE: Final = Quote(Decimal(0), Decimal(0), "runs here")

_live: dict[str, Followed] = {}
#: Those begun in this process that somebody still holds: they know the pictures that they were given.
_begun: weakref.WeakValueDictionary[str, Followed] = weakref.WeakValueDictionary()
_live_lock = threading.Lock()


def living(key_or_id: str) -> Followed | None:
    """The run with that key or id that is being followed in this process."""
    with _live_lock:
        found = _live.get(key_or_id)
        return found or next((run for run in _live.values() if run._entry.id == key_or_id), None)


def begun_here(key: str) -> Followed | None:
    """The run with that key, if it was sent from this process and somebody still holds it."""
    with _live_lock:
        return _begun.get(key)


class Followed(Watched):
    """A run with its record, its history and the job on the portal that drives it."""

    def __init__(self, session: Session, entry: Entry, *, spec: ModelSpec, timeout_s: float | None = None) -> None:
        super().__init__()
        self._session = session
        self._entry = entry
        self.spec = spec
        self._timeout_s = timeout_s or FOLLOW_S.get(spec.output_kind, FOLLOW_S["image"])
        self._given: Json = {}
        self._history: list[RunState] = []
        files = entry.files if entry.removed_at is None else ()
        self._outputs: tuple[Output, ...] = tuple(Output.at(Path(path), entry) for path in files)
        self._error: RunflowError | None = None
        self._wake: asyncio.Event | None = None
        self._stopped = False
        self._owned = False
        self._may_exist = entry.id is not None
        self._typical_s: float | None = None
        self._began = time.monotonic()
        #: None while it goes on; of a run that is only on record, it is over as soon as it is read.
        self._ended: float | None = self._began
        self._job: Job[None] | None = None
        self.price: Quote = quote_of(session, spec, entry.inputs)

    @property
    def state(self) -> RunState | None:
        """The run as the service last described it; None before it has answered."""
        return self._history[-1] if self._history else None

    async def over(self) -> None:
        """Wait until it is over, well or not; unlike `await run`, this raises nothing and interrupts nothing."""
        if self._job is not None:
            loop, over = asyncio.get_running_loop(), asyncio.Event()
            self._job.future.add_done_callback(lambda _: loop.call_soon_threadsafe(over.set))
            await over.wait()

    @property
    def done(self) -> bool:
        """Whether nothing more will come of it here: it is over and its results are on disk, or waiting ended."""
        return self._job is None or self._job.done

    @property
    def may_bring_more(self) -> bool:
        """Whether nobody follows it here any more although it is not over, or its results are not on disk."""
        return self.done and self._entry.is_open and self._entry.service == self._session.service

    def resume(self) -> None:
        """Follow it again, and fetch what it made; nothing is sent, and nothing is billed.

        Raises:
            InputError: It is over, and there is nothing to wait for.
        """
        if not self.done:
            return
        if not self.may_bring_more:
            raise InputError(
                "The run is over: there is nothing more to fetch.",
                advice="run.again() runs it once more.",
                key=self._entry.key,
            )
        self._error, self._stopped = None, False
        self._begin(self._resume)
        self._tell()

    # ------------------------------------------------------------------ the job

    def _begin(self, work: Callable[[], Coroutine[Any, Any, None]], *, owned: bool = False) -> None:
        self._owned = owned
        # What is only on record may exist until it was looked for.
        self._may_exist = self._may_exist or not owned
        self._ended = None
        with _live_lock:
            _live[self._entry.key] = self
            if owned:
                _begun[self._entry.key] = self
        self._job = self._session.portal.submit(self._guarded(work), interrupted=self._interrupted)
        self._job.future.add_done_callback(self._leave)

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except RunflowError as error:
            error.run_id, error.key = error.run_id or self._entry.id, error.key or self._entry.key
            self._error = error
            # Of one that was taken up, only the service can say that it was never made.
            if self._owned and not outcome_unknown(error) and self.state is None:
                self._may_exist = False
            self._close_record(error.message)

    def _leave(self, future: concurrent.futures.Future[None]) -> None:
        self._ended = time.monotonic()
        with _live_lock:
            _live.pop(self._entry.key, None)
        fault = future.exception()
        if isinstance(fault, concurrent.futures.CancelledError):
            why = "Waiting was stopped." if self._stopped else "Waiting ended with the kernel's connection."
            fate = "The run goes on; rf.runs.resume() follows it again." if self._may_exist else "It was not sent."
            self._error = self._known(RunTimeout, why, advice=fate)
            self._close_record(why)
        elif fault is not None:
            why = f"Following the run broke: {type(fault).__name__}: {fault}"
            self._error = self._known(RunError, why)
            self._close_record(why)
        # Nothing of the record may have changed, but that nobody follows the run any more.
        self._session.ledger.tell(self._entry.key)
        self._tell()

    def _interrupted(self) -> bool:
        # An interrupted wait cancels what it began and can cancel. A remote run is followed on, so that what is paid
        # for still lands on disk; a run that was only taken up again is nobody's to cancel.
        if self._session.where == "embedded" and self._owned:
            self._session.portal.submit(self._cancel())
            return True
        return False

    async def _cancel(self) -> None:
        if self._entry.id is None:
            self._stopped = True
            if self._job is not None:
                self._job.cancel()
        elif not self.done:
            await self._session.client.cancel_run(self._entry.id)
            self._nudge()

    # ------------------------------------------------------------------ from sending to the results

    async def _send(self, gathered: Gathered, callback_url: str | None, metadata: Mapping[str, Any] | None) -> None:
        client = self._session.client
        wire_inputs = await gathered.send(client)
        self._may_exist = True
        state = await client.create_run(
            self._entry.model, wire_inputs, key=self._entry.key, callback_url=callback_url, metadata=metadata
        )
        self._learn(state)
        await self._follow()

    async def _follow(self) -> None:
        assert self._entry.id is not None
        self._wake = asyncio.Event()
        followed = self._session.client.follow(
            self._entry.id, model=self._entry.model, timeout_s=self._timeout_s, key=self._entry.key, wake=self._wake
        )
        async for state in followed:
            self._learn(state)
        await self._finish()

    async def _resume(self) -> None:
        if self._entry.id is None:
            # Another kernel may be about to send it, or the service may not list it yet.
            nobody_sends = self._session.ledger.presence.is_gone(self._entry.sender)
            client, young = self._session.client, self._is_young
            look = client.look_for_run if nobody_sends and young else client.find_run
            state = await look(self._entry.key, model=self._entry.model)
            self._may_exist = state is not None or (young and not nobody_sends)
            if state is None and self._may_exist:
                raise self._known(
                    LedgerError,
                    "The service does not know this run yet, which was begun moments ago.",
                    advice="It may still be on its way from another kernel; rf.runs.resume() looks again.",
                )
            if state is None:
                raise self._known(
                    LedgerError,
                    "The service knows no run under this key: it was never created, and nothing was billed.",
                )
            self._learn(state)
        await self._follow()

    @property
    def _is_young(self) -> bool:
        # Either way round: a clock that was set back must not keep it young for as long.
        return self._entry.created_at is None or abs(datetime.now(UTC) - self._entry.created_at) < YOUNG

    async def _settle(self, state: RunState) -> None:
        self._learn(state)
        await (self._finish() if state.is_terminal else self._follow())

    async def _finish(self) -> None:
        state = self.state
        assert state is not None
        if state.status in FAILED:
            raise self._known(RunFailed, _failure_sentence(state), advice="A failed run is not billed.")
        if state.status in CANCELLED:
            raise self._known(RunCancelled, "The run was cancelled.")
        saved = await bring_home(self._session.client, self._session.client.outside, state, self._folder())
        entry = replace(self._entry, files=tuple(str(item.path) for item in saved))
        self._outputs = tuple(Output.of(item, entry) for item in saved)
        self._note_down(files=entry.files)

    def _folder(self) -> Path:
        day = (self._entry.created_at or datetime.now(UTC)).astimezone()
        # Both may be of a stranger's making: a model has the name that a service gives it, and a callback names a key.
        name = f"{plain_name(self._entry.model)}-{plain_name(self._entry.key[-12:])}"
        return home() / "outputs" / f"{day:%Y-%m-%d}" / name

    # ------------------------------------------------------------------ what becomes known

    def _learn(self, state: RunState) -> None:
        state = replace(state, model=self._entry.model)
        before = self.state
        if before is not None and before.status == state.status:
            # Progress replaces progress: a long run must not pile up thousands of states.
            self._history[-1] = state
        else:
            self._history.append(state)
            self._note_down(
                id=state.id,
                status=state.status,
                cost=state.cost if state.is_terminal else None,
                completed_at=state.completed_at,
                duration_ms=state.duration_ms,
                failure_code=state.failure_code,
                failure_message=state.failure_message,
            )
        self._tell()

    def _close_record(self, why: str) -> None:
        # A run that provably was never created must not stay open. After a lost answer it must.
        if not self._may_exist and self.state is None:
            self._note_down(status="failed", failure_code="NOT_SENT", failure_message=why)

    def _note_down(self, **changes: Any) -> None:
        self._entry = replace(self._entry, **changes)
        self._session.ledger.update(self._entry.key, **changes)

    def _nudge(self) -> None:
        """Ask for the state now instead of after the pause."""
        if self._wake is not None:
            self._session.portal.soon(self._wake.set)

    @property
    def _called(self) -> str:
        return f"the run {self._entry.key}"

    def _known(self, kind: Callable[..., Any], message: str, **more: Any) -> Any:
        request_id = self.state.request_id if self.state else None
        error = kind(message, run_id=self._entry.id, key=self._entry.key, request_id=request_id, **more)
        if isinstance(error, RunError):
            error.state = self.state
        return error


def spec_of(session: Session, model: str) -> ModelSpec:
    """What is known of a model where the session's runs go."""
    if session.where == "remote" and "/" in model:
        # The service may know models that this catalogue does not; it will say what it thinks of the inputs.
        return spec_on_record(session, model)
    return session.catalogue.get(model)


def spec_on_record(session: Session, model: str) -> ModelSpec:
    """What is known of a model that a run on record was for; perhaps its name only."""
    return session.catalogue.get(model) if model in session.catalogue else ModelSpec(id=model)


def quote_of(session: Session, spec: ModelSpec, inputs: Mapping[str, Any]) -> Quote:
    """What a run with these inputs costs where the session's runs go."""
    return FREE if session.where == "embedded" else spec.price_of(inputs)


def entry_of(
    session: Session, spec: ModelSpec, gathered: Gathered, *, key: str | None, metadata: Mapping[str, Any] | None
) -> Entry:
    """A run that is about to be sent, as the ledger has it from then on."""
    recorded = gathered.on_record
    quote = quote_of(session, spec, recorded)
    return Entry(
        key=key or new_key(),
        model=spec.id,
        service=session.service,
        inputs=recorded,
        input_hash=gathered.fingerprint,
        price=quote.text,
        expected_usd=quote.high,
        created_at=datetime.now(UTC),
        metadata=dict(metadata) if metadata else None,
        sender=session.ledger.presence.token() if session.where == "remote" else None,
    )


def _failure_sentence(state: RunState) -> str:
    code = f" ({state.failure_code})" if state.failure_code else ""
    stage = f" in stage {state.failure_stage}" if state.failure_stage else ""
    return f"The run failed{stage}{code}: {state.failure_message or 'the service gives no reason.'}"


def not_kept(inputs: Json) -> tuple[str, ...]:
    """The inputs of which the record holds a file's name only."""

    def is_lost(value: object) -> bool:
        if isinstance(value, list):
            return any(is_lost(entry) for entry in value)
        return isinstance(value, str) and value.startswith("file:")

    return tuple(name for name, value in inputs.items() if is_lost(value))
