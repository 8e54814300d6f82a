"""The work behind `rf.map`, done on the portal: each input gets ready, is sent in its turn and followed to its end.

Everything that changes an item runs on the portal's thread. Inputs are read one ahead of the run that is to be sent,
so that of ten thousand pictures no more are in memory than runs are under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from ..catalogue import ModelSpec, Quote
from ..client import LONGEST_RETRY_AFTER_S, Gathered, gather, new_key
from ..errors import (
    InputError,
    LedgerError,
    RateLimited,
    RunCancelled,
    RunFailed,
    RunflowError,
    RunTimeout,
)
from ..following import quote_of
from ..ledger import Entry
from ..portal import BEAT_S
from ..result import Output
from ..running import Run, first_output, send_off, take_up
from ..session import Session, check_budget
from ..wire import MAX_BATCH_ITEMS
from .batches import Together
from .item import NOT_SENT, WAITING, Item
from .joint import Joint
from .reuse import Claim, is_finished
from .tally import OnError, Tally

#: How often a run is offered again that the service had no time for; each time the client has waited five times.
_PATIENCE: Final = 6


@dataclass(frozen=True, slots=True)
class Later:
    """The result of another run that may not be there yet."""

    item: Callable[[], Item]


@dataclass(frozen=True, slots=True)
class Ready:
    """Inputs that were read and encoded, the key under which an earlier attempt was made, and whose run it will be."""

    gathered: Gathered
    key: str | None = None
    claim: Claim | None = None


class Mapped(Tally):
    """Many inputs, and the job on the portal that drives them."""

    def __init__(
        self,
        session: Session,
        spec: ModelSpec,
        items: Sequence[Item],
        *,
        price: Quote,
        concurrency: int,
        on_error: OnError,
        reuse: bool,
        timeout_s: float | None,
        within_budget: bool,
        in_batches: bool = False,
        sent: Iterable[str] = (),
        joint: Joint | None = None,
    ) -> None:
        super().__init__(items, on_error=on_error)
        self._session = session
        self.spec = spec
        self.price = price
        self._concurrency = concurrency
        self._reuse = reuse
        self._timeout_s = timeout_s
        self._within_budget = within_budget
        self._own: dict[int, Run] = {}
        #: The keys under which this call, or the one that it tries again, has sent a run by itself.
        self._sent = set(sent)
        joint = joint or Joint(session, concurrency)
        self._known = joint.known(spec)
        self._slots = joint.slots
        self._halt = joint.halt
        self._in_batches = in_batches
        #: The keys of the runs that were created as part of a batch.
        self._batched: set[str] = set()
        self.note = ""
        for item in items:
            if item.key is not None:
                self._known.take(item.key)
        self._job = session.portal.submit(self._work(), interrupted=self._interrupted)
        # First of all that is closed: nothing may be sent while the rest of the session goes.
        session.closing.insert(0, self._session_ends)
        self._job.future.add_done_callback(self._ended)

    # ------------------------------------------------------------------ in order, a few at a time

    async def _work(self) -> None:
        try:
            async with asyncio.TaskGroup() as under_way, aclosing(self._turns()) as turns:
                async for index in turns:
                    if self._in_batches and index % MAX_BATCH_ITEMS == 0 and not self._halt.is_set():
                        await self._create_batch(range(index, min(index + MAX_BATCH_ITEMS, len(self._items))))
                    if not self._items[index].done and (began := await self._next(index)) is not None:
                        under_way.create_task(self._see_through(index, *began))
        finally:
            self._leave_the_rest()
            for item in self._items:
                if not item.done:
                    end = RunTimeout("Waiting ended before the run did.", advice="rf.runs.resume() follows it again.")
                    self._fail(item.index, end, status=item.status)

    async def _turns(self) -> AsyncGenerator[int, None]:
        """The places of the inputs, in the order in which their turns come."""
        for index in range(len(self._items)):
            yield index

    async def _next(self, index: int) -> tuple[Run, Ready] | None:
        """The run of the next input, begun; None if there is none to follow."""
        try:
            ready = None if self._is_too_late(index) else await self._made_ready(index)
            if ready is None or self._is_too_late(index):
                return None
            if (known := self._on_record(ready)) is not None and is_finished(known):
                self._reused(index, known)
                return None
            if known is None and self._within_budget:
                quote = quote_of(self._session, self.spec, ready.gathered.on_record)
                await asyncio.to_thread(check_budget, self._session, quote)
            await self._slots.acquire()
        except RunflowError as error:
            self._fail(index, error)
            return None
        if self._is_too_late(index):
            self._slots.release()
            return None
        # Asked once more: while this one waited, another call may have begun the same run, or it may have ended.
        known = self._session.ledger.get(known.key) if known is not None else self._on_record(ready)
        if known is not None and is_finished(known):
            self._slots.release()
            self._reused(index, known)
            return None
        run = take_up(self._session, known) if known is not None and known.is_open else self._send(index, ready)
        # At once: what is still waiting when a stop comes counts as not sent.
        self._change(index, key=run.key, status=run.status)
        return run, ready

    def _is_too_late(self, index: int) -> bool:
        """Whether a stop came before this one was sent."""
        return self._halt.is_set() and self._items[index].status in (WAITING, NOT_SENT)

    async def _create_batch(self, places: Iterable[int]) -> None:
        """Have the service create the runs of these inputs together; then each is taken up like any that is open."""
        batch = Together(self._session, self.spec)
        for index in places:
            if self._items[index].done or self._halt.is_set():
                continue
            try:
                ready = await self._made_ready(index)
                known = None if ready is None else self._on_record(ready)
                if known is not None:
                    self._change(index, key=known.key)
                elif ready is not None:
                    await batch.add(index, ready.gathered, self._unused(ready.key))
            except RunflowError as error:
                self._fail(index, error)
        if self._halt.is_set() or not batch.entries:
            return
        for index, entry in batch.entries.items():
            self._known.take(entry.key)
            self._change(index, key=entry.key)
        taken = await batch.create()
        if not taken:
            self._in_batches, self.note = False, batch.note
            return
        for index, entry in batch.entries.items():
            self._batched.add(entry.key)
            self._change(index, status="queued")

    async def _made_ready(self, index: int) -> Ready | None:
        item = self._items[index]
        given = dict(item.given)
        for name, value in given.items():
            listed = value if isinstance(value, list) else [value]
            if not any(isinstance(entry, Later) for entry in listed):
                continue
            arrived = []
            for entry in listed:
                if isinstance(entry, Later):
                    source = await self._arrived(entry)
                    if source is None:
                        return None
                    entry = _result_of(source, name)
                arrived.append(entry)
            given[name] = arrived if isinstance(value, list) else arrived[0]
        return await asyncio.to_thread(self._read, given, item)

    def _claim_of(self, item: Item) -> Claim | None:  # noqa: ARG002  # a recipe's step asks it
        """Whose the run of an item is, where several maps have equal ones."""
        return None

    async def _arrived(self, later: Later) -> Item | None:
        while not (item := later.item()).done:
            if self._halt.is_set():
                return None
            await asyncio.sleep(BEAT_S / 4)
        return item

    def _read(self, given: dict[str, Any], item: Item) -> Ready:
        try:
            gathered = gather(self.spec, {name: first_output(value) for name, value in given.items()})
        except RunflowError:
            raise
        except Exception as fault:
            # Whatever somebody's picture or table cell does when it is read: it is one input of many.
            raise InputError(f"It cannot be read ({type(fault).__name__}: {fault}).") from fault
        return Ready(gathered, item.key, self._claim_of(item))

    def _on_record(self, ready: Ready) -> Entry | None:
        earlier = self._session.ledger.get(ready.key) if ready.key else None
        if earlier is not None and (earlier.is_open or is_finished(earlier)):
            return earlier
        return self._known.find(ready.gathered.fingerprint, ready.claim) if self._reuse else None

    # ------------------------------------------------------------------ one run

    def _send(self, index: int, ready: Ready, *, same_key: str | None = None) -> Run:
        key = same_key or self._unused(ready.key) or new_key()
        self._known.take(key)
        self._sent.add(key)
        metadata = ready.claim.metadata if ready.claim is not None else None
        run = send_off(self._session, self.spec, ready.gathered, key=key, timeout_s=self._timeout_s, metadata=metadata)
        self._own[index] = run
        return run

    def _unused(self, key: str | None) -> str | None:
        """The key of an attempt that never reached the service: it is as good as new."""
        earlier = self._session.ledger.get(key) if key else None
        return key if earlier is not None and earlier.failure_code == "NOT_SENT" and earlier.id is None else None

    async def _see_through(self, index: int, run: Run, ready: Ready) -> None:
        try:
            await self._follow(index, run)
            for _ in range(_PATIENCE):
                again = self._again(run, owned=self._own.get(index) is run)
                if again is None or self._halt.is_set():
                    break
                if isinstance(run.error, RateLimited):
                    self._hold(run.error)
                run = self._send(index, ready, same_key=again or None)
                await self._follow(index, run)
            if run.error is not None:
                self._fail(index, run.error, key=run.key, status=run.status, cost=run.cost)
            else:
                worker = run.state.worker if run.state is not None else None
                self._land(index, run.key, run.status, run.outputs, run.cost, worker=worker)
        finally:
            self._own.pop(index, None)
            self._slots.release()

    def _again(self, run: Run, *, owned: bool) -> str | None:
        """The key under which to send it again; empty for a new one, None if its end is an end."""
        if isinstance(run.error, RateLimited) and run.id is None:
            return run.key if (run.error.retry_after_s or 0) <= LONGEST_RETRY_AFTER_S else None
        # It was taken up from the record, and came to nothing: then it is this call's turn. But what was begun moments
        # ago may be on its way from another kernel; where runs are paid for, that is not gambled with.
        if isinstance(run.error, LedgerError) and run.id is None:
            may_be_sent_elsewhere = run._may_exist and run.key not in self._sent
            return None if may_be_sent_elsewhere and self._session.where == "remote" else run.key
        if owned or run.key in self._batched:
            return None
        return "" if isinstance(run.error, RunFailed | RunCancelled) else None

    def _hold(self, error: RateLimited) -> None:
        """Let all requests wait, and not this run alone: whoever comes next would be refused just the same."""
        http = self._session.client.http
        http.gate.hold(http.pace.back_off_s(_PATIENCE) if error.retry_after_s is None else error.retry_after_s)

    async def _follow(self, index: int, run: Run) -> None:
        def saw(_: object) -> None:
            self._change(index, key=run.key, status=run.status, progress=run.progress)

        unwatch = run.watch(saw)
        try:
            saw(run)
            await run.over()
        finally:
            unwatch()

    # ------------------------------------------------------------------ stopping

    async def _session_ends(self) -> None:
        self._halt.set()
        self._leave_the_rest()

    def _ended(self, _: object) -> None:
        if self._session_ends in self._session.closing:
            self._session.closing.remove(self._session_ends)
        self._tell()

    def _interrupted(self) -> bool:
        # An interrupted wait sends nothing further; what is paid for still lands on disk.
        self._stop()
        return self._session.where == "embedded"

    def _stop(self) -> int:
        """Send nothing further, and cancel what can be; tells how many are under way."""
        self._halt.set()
        under_way = sum(not item.done and item.status != WAITING for item in self._items)
        if not self._job.done:
            # On the portal, so that no run can begin between the looking and the cancelling.
            self._session.portal.soon(self._halted)
        return under_way

    def _halted(self) -> None:
        self._leave_the_rest()
        if self._session.where == "embedded":
            for run in self._own.values():
                run.cancel()


def _result_of(item: Item, field: str) -> Output:
    if not item.outputs:
        raise InputError(f"{item.name} has no result to go on with; it is {item.status}.", field=field)
    return item.outputs[0]
