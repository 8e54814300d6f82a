"""A run: started at once, waited for in whichever way the cell likes, and then its results."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import time
from collections.abc import AsyncIterator, Generator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .catalogue import ModelSpec
from .client import Gathered, gather, new_key
from .errors import ConfigError, InputError, OutputError, RunFailed, RunflowError, RunTimeout
from .filling.kept import kept_values
from .following import Followed, entry_of, living, not_kept, quote_of, spec_of, spec_on_record
from .ledger import Entry
from .nesting import warn_of_the_original
from .portal import BEAT_S
from .result import Output
from .session import Session, address_of, check_budget, current, view_of
from .snippets import snippet
from .wire import Json, RunState, plain_name

if TYPE_CHECKING:
    from PIL import Image


class Run(Followed):
    """One run of a model, alive from the moment it is started.

    Shown in a cell it is a panel. `await run` waits in a notebook, `run.result()` in a script; both give the run
    itself once it is over, or raise what went wrong.

    Example:
        >>> run = rf.run("runflow/tag-removal", image="shirt.jpg")
        >>> await run
        >>> run.images[0]
    """

    # ------------------------------------------------------------------ what is known of it

    @property
    def key(self) -> str:
        """Our own name for the run, known before the service has given it an id; its `client_ref`."""
        return self._entry.key

    @property
    def id(self) -> str | None:
        """The service's id, once it has one."""
        return self._entry.id

    @property
    def model(self) -> str:
        """The model's id."""
        return self._entry.model

    @property
    def inputs(self) -> Json:
        """What was sent, with files by name and content."""
        return dict(self._entry.inputs)

    @property
    def status(self) -> str:
        """Where it stands: `unsent`, then the service's own word (`queued`, `running`, `succeeded`, …)."""
        return self.state.status if self.state else self._entry.status

    @property
    def progress(self) -> float | None:
        """From 0 to 1, where the service tells: embedded runs do, remote ones do not."""
        return self.state.progress if self.state else None

    @property
    def error(self) -> RunflowError | None:
        """What went wrong, or None."""
        return self._error

    @property
    def note(self) -> str | None:
        """What it is doing, or about its result: that only a part of it landed."""
        if self.status == "partial_succeeded":
            return f"Only a part of the results landed: {len(self._outputs)}."
        return self.state.note if self.state and not self.state.is_terminal else None

    @property
    def cost(self) -> Decimal | None:
        """What was billed, in US dollars, once the service has said so."""
        return self._entry.cost

    @property
    def where(self) -> str:
        """Where it runs, in a sentence; of a cluster, also which worker did it."""
        worker = self.state.worker if self.state is not None else None
        return f"{self._session.label} This was done by {worker}." if worker else self._session.label

    @property
    def is_embedded(self) -> bool:
        """Whether it runs in this kernel, at no cost, and can be cancelled."""
        return self._session.where == "embedded"

    @property
    def typical_s(self) -> float | None:
        """How long runs of this model took here before; looked up once, for panels ask ten times a second."""
        if self._typical_s is None:
            self._typical_s = self._session.ledger.typical_s(self.model, self._session.service)
        return self._typical_s

    @property
    def elapsed_s(self) -> float:
        """How long it has taken, or took."""
        if self._entry.duration_ms is not None:
            return self._entry.duration_ms / 1000
        return (time.monotonic() if self._ended is None else self._ended) - self._began

    # ------------------------------------------------------------------ its results

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The results on disk; empty until the run is over."""
        return self._outputs

    @property
    def images(self) -> list[Image.Image]:
        """The results that are pictures, opened with Pillow."""
        return [output.image for output in self._outputs if output.kind == "image"]

    @property
    def image(self) -> Image.Image:
        """The first picture."""
        images = [output for output in self._outputs if output.kind == "image"]
        if not images:
            gone = self._entry.removed_at is not None
            why = "its files were deleted from this machine" if gone else f"it is {self.status}"
            raise OutputError(f"The run has no picture; {why}.", advice="" if gone else "Wait for it first: await run.")
        return images[0].image

    def save(self, folder: str | Path, *, settings: bool | None = None) -> list[Path]:
        """Copy the results into a folder, named after the model, PNGs with their `settings`; nothing is overwritten."""
        goal = Path(folder).expanduser() / plain_name(self.model.rpartition("/")[2])
        return [each.save(goal.with_name(f"{goal.name}-{each.name}"), settings=settings) for each in self._outputs]

    # ------------------------------------------------------------------ three ways to wait

    def __await__(self) -> Generator[Any, None, Run]:
        return self._wait().__await__()

    async def _wait(self) -> Run:
        if self._job is not None:
            # Stopped by ourselves: that is in the error, which says more.
            with contextlib.suppress(concurrent.futures.CancelledError):
                await self._job
        return self._over()

    def result(self, timeout_s: float | None = None) -> Run:
        """Block until the run is over and its results are on disk; an interrupt ends the wait.

        Raises:
            RunTimeout: The time is over. The run goes on.
            RunflowError: What went wrong with the run.
        """
        if self._job is not None:
            try:
                with contextlib.suppress(concurrent.futures.CancelledError):
                    self._job.result(timeout_s)
            except TimeoutError as error:
                raise self._known(RunTimeout, f"The run was not over after {timeout_s:g} s; it goes on.") from error
        return self._over()

    def _over(self) -> Run:
        if self._error is not None:
            # Raised anew for each waiter, or their tracebacks would pile up on one another.
            raise self._error.with_traceback(None)
        return self

    async def states(self) -> AsyncIterator[RunState]:
        """Each state of the run and each step of its progress, from the first to the last.

        Asked for late, it still begins with the first state; of the progress that is past, only the last step is left.
        """
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        unwatch = self.watch(lambda _: loop.call_soon_threadsafe(changed.set))
        seen, last = 0, None
        try:
            while True:
                changed.clear()
                over, history = self.done, list(self._history)
                for last in history[seen:] or [state for state in history[-1:] if state is not last]:
                    yield last
                seen = len(history)
                if over:
                    return
                # The beat lets an interrupt through while nothing happens.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), BEAT_S)
        finally:
            unwatch()

    # ------------------------------------------------------------------ what a person may do

    def stop_waiting(self) -> None:
        """Stop following the run. It goes on at the service and is billed; rf.runs.resume() picks it up again."""
        self._stopped = True
        if self._job is not None:
            self._job.cancel()

    def cancel(self) -> None:
        """Cancel an embedded run.

        Raises:
            ConfigError: The run is remote; the service offers no way to cancel.
        """
        if not self.is_embedded:
            raise ConfigError(
                "The service has no public way to cancel a run: once accepted it runs to its end and is billed.",
                advice="run.stop_waiting() stops following it here; rf.runs.resume() collects the result later.",
                run_id=self.id,
                key=self.key,
            )
        self._session.portal.submit(self._cancel())

    def again(self, /, **changes: Any) -> Run:
        """Run it once more, with some inputs changed; a new run, and a new price."""
        inputs, lost = self.given()
        if missing := [name for name in lost if name not in changes]:
            raise InputError(
                f"The file given as {', '.join(missing)} was not kept with the record of this run.",
                field=missing[0],
                advice=f"Pass it again: run.again({missing[0]}=…).",
            )
        return start(self.model, {**inputs, **changes}, timeout_s=self._timeout_s, session=self._session)

    def given(self) -> tuple[Json, tuple[str, ...]]:
        """The inputs as they were passed; of a run of the record without its files, whose names come second."""
        if self._given:
            return dict(self._given), ()
        lost = not_kept(self.inputs)
        return {name: value for name, value in self.inputs.items() if name not in lost}, lost

    def code(self, language: str = "python") -> str:
        """The run as code to copy: `python`, `python-await`, `curl` or `javascript`; pictures are kept as files."""
        inputs = kept_values(self.spec, self._given) if self._given else self.inputs
        return snippet(language, self.spec, inputs, base_url=address_of(self._session.service))

    @classmethod
    def from_callback(cls, payload: Mapping[str, Any], *, session: Session | None = None) -> Run:
        """The run that a callback is about: one that is waited for here, one on record, or a new one.

        Verify the callback first: `rf.verify_callback`. The results are brought home like any other.
        """
        session = session or current()
        state = RunState.from_callback(payload)
        if not state.id:
            raise InputError("The callback names no run.", field="run_id")
        entry = session.ledger.get(state.id)
        waiting = living(state.id)
        if isinstance(waiting, cls):
            waiting._nudge()
            return waiting
        if entry is None:
            entry = Entry(
                key=state.client_ref or new_key(), model="unknown/unknown", service=session.service, id=state.id
            )
            session.ledger.add(entry)
        run = cls(session, entry, spec=spec_on_record(session, entry.model))
        run._begin(lambda: run._settle(state))
        return run

    # ------------------------------------------------------------------ how it shows

    def __repr__(self) -> str:
        facts = [self.model, self.status]
        if self.cost is not None:
            facts.append(f"${self.cost}")
        if self._outputs:
            facts.append(", ".join(output.name for output in self._outputs))
        if self._error is not None:
            facts.append(str(self._error))
        return f"Run({' · '.join(facts)})"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        view = view_of(self)
        return {"text/plain": repr(self)} if view is None else view._repr_mimebundle_()

    def _ipython_display_(self) -> None:
        view = view_of(self)
        if view is None:
            # IPython then shows the repr.
            raise NotImplementedError
        view._ipython_display_()


def start(
    model: str | ModelSpec,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    callback_url: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    client_ref: str | None = None,
    timeout_s: float | None = None,
    session: Session | None = None,
    within_budget: bool = True,
    **more_inputs: Any,
) -> Run:
    """Run a model; gives the run at once, while it is sent and followed in the background.

    Example:
        >>> run = rf.run("runflow/object-removal", image=photo, mask=mask)
        >>> await run

    Args:
        model: Its id, such as `runflow/tag-removal`.
        inputs: The model's inputs, also as keywords. A picture may be a path, an address, bytes, a Pillow picture,
            an array, or another run. `image=` and `mask=` stand for whatever the model calls them.
        callback_url: Where the service posts the outcome.
        metadata: Anything of yours, given back with the run and its callback.
        client_ref: Your own name for the run; it must be new, for a lost run is found again by it.
        timeout_s: How long to follow the run.
        session: Where to run; by default what `rf.connect` last opened.
        within_budget: False sends it also where it passes the limit set with `rf.budget`.

    Raises:
        InputError: Something in the inputs cannot be sent.
        BudgetError: The run would pass the limit set with `rf.budget`.
    """
    warn_of_the_original()
    session = session or current()
    spec = model if isinstance(model, ModelSpec) else spec_of(session, model)
    given = {name: first_output(value) for name, value in {**(inputs or {}), **more_inputs}.items()}
    gathered = gather(spec, given)
    if client_ref is not None and session.ledger.get(client_ref) is not None:
        raise InputError(
            f"client_ref {client_ref!r} names an earlier run.", field="client_ref", advice="Choose a new one."
        )
    if within_budget:
        check_budget(session, quote_of(session, spec, gathered.on_record))
    run = send_off(
        session, spec, gathered, key=client_ref, timeout_s=timeout_s, callback_url=callback_url, metadata=metadata
    )
    run._given = given
    return run


def send_off(
    session: Session,
    spec: ModelSpec,
    gathered: Gathered,
    *,
    key: str | None = None,
    timeout_s: float | None = None,
    callback_url: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Run:
    """Put a run on record and send it in the background; whoever calls this has asked about the money."""
    entry = entry_of(session, spec, gathered, key=key, metadata=metadata)
    session.ledger.add(entry)
    run = Run(session, entry, spec=spec, timeout_s=timeout_s)
    run._begin(lambda: run._send(gathered, callback_url, metadata), owned=True)
    return run


def take_up(session: Session, entry: Entry, *, follow: bool = True) -> Run:
    """Follow a run of the record again, or only look at it; gives the one that is being followed."""
    followed = living(entry.key)
    if isinstance(followed, Run):
        return followed
    run = Run(session, entry, spec=spec_on_record(session, entry.model))
    # Another service would say that it knows no such run, and a run that is paid for would be written off.
    if follow and entry.is_open and entry.service == session.service:
        run._begin(run._resume)
    elif entry.failure_message:
        run._error = run._known(RunFailed, entry.failure_message)
    return run


def first_output(value: Any) -> Any:
    """An input with what a run made in place of the run."""
    if isinstance(value, Run):
        if not value.outputs:
            raise InputError(
                f"The run given as an input has no result; it is {value.status}.", advice="Wait for it first."
            )
        return value.outputs[0]
    return [first_output(entry) for entry in value] if isinstance(value, list | tuple) else value
