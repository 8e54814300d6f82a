"""The life of a run: queued, dispatched, running, over; stopped on request, and never left open by a death."""

from __future__ import annotations

import asyncio
import base64
import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from ..catalogue import Catalogue, Field, ModelSpec
from ..wire import ASSET_SCHEME, MAX_UPLOAD_BYTES, TERMINAL, Json
from .delivery import Deliveries, envelope
from .ids import new_id
from .media import TYPES, Media, is_plain_name, mime_type_of, write_file
from .outside import Outside, OutsideError
from .refusal import no_room
from .run_record import (
    FILE,
    batch_items,
    batch_output,
    batch_state,
    ended,
    linked,
    money_text,
    output_of,
)
from .slots import Slots
from .store import Store, now
from .workers import WorkDone, WorkFailed, WorkOrder

log = logging.getLogger("runflow_widgets.engine")

#: Results that were asked for inline are kept in memory for this many runs and then forgotten.
INLINE_KEPT: Final = 32
FETCH_FAILED: Final = "INPUT_FETCH_FAILED"
RESTARTED: Final = "SERVICE_RESTARTED"
#: A run during which the service stopped twice may be why it did.
_MOST_STOPS: Final = 2


class Pool(Protocol):
    """Whatever computes the results; cancelling `run` stops the work.

    It may say by its `size` how many orders it does at once, and tell by `when_resized` that this has changed.
    """

    async def run(self, order: WorkOrder, on_progress: Callable[[float, str], None]) -> WorkDone:
        """Do one order; raises `WorkFailed`."""
        ...

    async def close(self) -> None:
        """Stop everything."""
        ...


class Jobs:
    """Take runs from one state to the next; each lives in a task of its own, on the service's loop."""

    def __init__(
        self,
        store: Store,
        media: Media,
        pool: Pool,
        outside: Outside,
        deliveries: Deliveries,
        catalogue: Catalogue,
        *,
        resume: bool = False,
    ) -> None:
        self._resume = resume
        self._store = store
        self._media = media
        self._pool = pool
        self._outside = outside
        self._deliveries = deliveries
        self._catalogue = catalogue
        # A run counts as running when a worker can take it, not in a second line before the pool. For each of these one
        # more has its files at hand, so that no worker waits for them.
        self._slots = Slots(lambda: getattr(pool, "size", 4))
        self._next_ones = Slots(lambda: 2 * getattr(pool, "size", 4))
        if when_resized := getattr(pool, "when_resized", None):
            when_resized(self._resized)
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._progress: dict[str, tuple[float, str]] = {}
        #: How runs ended of which that could not be written down.
        self._unwritten: dict[str, Json] = {}
        self._inline: OrderedDict[str, Json] = OrderedDict()
        #: Called with the id of each run that is over.
        self.when_over: Callable[[str], object] = lambda _: None

    def _resized(self) -> None:
        self._next_ones.refresh()
        self._slots.refresh()

    def start(self, run_id: str) -> None:
        """Set a run going that was just created."""
        task = asyncio.create_task(self._live(run_id), name=f"run {run_id}")
        self.tasks[run_id] = task
        task.add_done_callback(lambda _: self._forget(run_id))

    def cancel(self, run_id: str) -> bool:
        """Stop a run; says whether it was still open. Its end is written first, so a late result finds it over."""
        cancelled = self._end(run_id, "cancelled", note="Cancelled on request.")
        if task := self.tasks.get(run_id):
            task.cancel()
        return cancelled

    def with_progress(self, run: Json) -> Json:
        """A run's record with how far it has come, which is known in memory only."""
        progress, note = self._progress.get(run["id"], (run["_progress"], run["_note"]))
        unwritten = {} if run["status_code"] in TERMINAL else self._unwritten.get(run["id"], {})
        return {**run, "_progress": progress, "_note": note, **unwritten}

    def inline_output(self, run_id: str) -> Json | None:
        """The output of a run that was to answer inline, as long as it is remembered."""
        return self._inline.get(run_id)

    def recover(self) -> None:
        """Begin the runs again that a dead service left open, or end them, and go on with its callbacks."""
        for run in self._store.adopt("runs"):
            if self._resume and self._begun_again(run):
                continue
            self._end(
                run["id"],
                "failed",
                code=RESTARTED,
                message="The service stopped while the run was under way; create the run again.",
                stage="execute" if run["status_code"] == "running" else "dispatch",
            )
            self._media.clear(run["id"], results=True)
        for delivery in self._store.adopt("deliveries"):
            self._deliveries.start(delivery)

    def _begun_again(self, run: Json) -> bool:
        stops = run.get("_stops", 0) + (run["status_code"] == "running")
        if stops >= _MOST_STOPS:
            return False
        self._media.clear(run["id"], results=True)
        with self._store.change():
            if self._store.move_run(run["id"], status_code="queued", started_at=None, _stops=stops) is None:
                return False
            self.note(run["id"], "warning", "The service was stopped; the run waits for its turn again.")
        self.start(run["id"])
        return True

    def note(self, run_id: str, level: str, message: str) -> None:
        """Add a line to a run's log."""
        line = {
            "id": new_id(),
            "run_id": run_id,
            "level_code": level,
            "message": message,
            "timestamp": now(),
            "meta": {},
        }
        self._store.add("logs", line, parent=run_id)

    def _forget(self, run_id: str) -> None:
        self.tasks.pop(run_id, None)
        self._progress.pop(run_id, None)

    async def _live(self, run_id: str) -> None:
        try:
            async with self._next_ones:
                order = await self._ready(run_id)
                if order is None:
                    return
                async with self._slots:
                    run = self._store.move_run(run_id, status_code="running", started_at=now())
                    if run is None:
                        return
                    done = await self._made(run_id, order)
            # First the next run shall set its worker going; only then is the end of this one written.
            await asyncio.sleep(0)
            await self._keep(run, done)
        except WorkFailed as failure:
            self._fail(run_id, failure.code, failure.message, failure.stage)
        except OutsideError as failure:
            self._fail(run_id, FETCH_FAILED, str(failure), "preprocess")
        except Exception as mistake:
            # The border of the house: whatever goes wrong with one run must end that run, and only that.
            if (sentence := no_room(mistake)) is not None:
                self._fail(run_id, "INSUFFICIENT_STORAGE", sentence, "execute")
            else:
                log.exception("run %s", run_id)
                self._fail(
                    run_id, "INTERNAL_ERROR", "The service itself made a mistake; its log says which.", "execute"
                )
        finally:
            run = self._store.get("runs", run_id)
            succeeded = run is not None and run["status_code"] == "succeeded" and not run["_inline"]
            self._media.clear(run_id, results=not succeeded)

    def _fail(self, run_id: str, code: str, message: str, stage: str) -> None:
        try:
            self._end(run_id, "failed", code=code, message=message, stage=stage)
        except (OSError, sqlite3.Error) as error:
            # Not even that can be written. Whoever follows it is told from memory; after a restart it is written off.
            log.warning("the end of run %s could not be written (%s)", run_id, error)
            failure = {"failure_code": code, "failure_message": message, "failure_stage_code": stage}
            self._unwritten[run_id] = {"status_code": "failed", **failure, "completed_at": now()}

    async def _ready(self, run_id: str) -> WorkOrder | None:
        """What a worker is told, with all files here; nothing where the run is over meanwhile."""
        run = self._store.move_run(run_id, status_code="dispatching")
        if run is None:
            return None
        spec = self._catalogue.get(run["_model"])
        files = await self._fetch_all(spec, run)
        folder = self._media.output_folder(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        seed = run["input"].get("seed")
        return WorkOrder(spec.id, run["input"], files, str(folder), seed if isinstance(seed, int) else None)

    async def _made(self, run_id: str, order: WorkOrder) -> WorkDone:
        def on_progress(fraction: float, note: str) -> None:
            self._progress[run_id] = (min(1.0, max(0.0, fraction)), note)

        return await self._pool.run(order, on_progress)

    async def _keep(self, run: Json, done: WorkDone) -> None:
        output = await self._collect(self._catalogue.get(run["_model"]), run, done)
        for level, message in done.log:
            self.note(run["id"], level, message)
        self._end(run["id"], "succeeded", output=output, note="Done.", worker=done.worker)

    async def _fetch_all(self, spec: ModelSpec, run: Json) -> dict[str, str]:
        wanted = [*media_inputs(spec.inputs, run["input"])]
        paths = await _all_or_none(self._fetch(run["id"], place, url) for place, (_, url) in enumerate(wanted))
        self.note(run["id"], "info", f"{len(paths)} input{'' if len(paths) == 1 else 's'} fetched.")
        return {name: str(path) for (name, _), path in zip(wanted, paths, strict=True)}

    async def _fetch(self, run_id: str, place: int, url: str) -> Path:
        if url.startswith(ASSET_SCHEME):
            asset = self._media.ready_asset(url.removeprefix(ASSET_SCHEME))
            if asset is None or not self._media.asset_file(asset).is_file():
                raise OutsideError(f"The asset {url[:100]} was deleted before the run began.")
            return self._media.asset_file(asset)
        if own := self._media.file_of_link(url):
            return own
        found = await self._outside.fetch(url, limit_bytes=MAX_UPLOAD_BYTES)
        path = self._media.work_folder(run_id) / f"{place}{TYPES.get(found.mime_type, '.bin')}"
        await asyncio.to_thread(write_file, path, found.data)
        return path

    async def _collect(self, spec: ModelSpec, run: Json, done: WorkDone) -> Json:
        folder = self._media.output_folder(run["id"])
        files = []
        for made in done.files:
            path = folder / made.name
            if not is_plain_name(made.name) or not path.is_file():
                raise WorkFailed("MODEL_ERROR", "The model named a result that it did not write.")
            url = await asyncio.to_thread(_as_data_uri, path) if run["_inline"] else FILE + made.name
            kind = (made.mime_type or mime_type_of(path)).partition("/")[0]
            files.append({"url": url, "type": kind, "width": made.width, "height": made.height})
        return output_of(spec, files, done.seed, done.timing)

    def _end(
        self,
        run_id: str,
        status: str,
        *,
        output: Json | None = None,
        code: str | None = None,
        message: str | None = None,
        stage: str | None = None,
        note: str = "",
        worker: str | None = None,
    ) -> bool:
        """Write a run's end, its last line and its callbacks in one change; false if it was over already."""
        run = self._store.get("runs", run_id)
        if run is None or run["status_code"] in TERMINAL:
            return False
        if run["_inline"] and output is not None:
            self._remember(run_id, output)
        micros = run["_micros"] if status == "succeeded" else 0
        progress = 1.0 if status == "succeeded" else self._progress.get(run_id, (0.0, ""))[0]
        changes = {
            "status_code": status,
            "output": None if run["_inline"] else output,
            "cost": money_text(micros),
            "failure_code": code,
            "failure_message": message,
            "failure_stage_code": stage,
            "_micros": micros,
            "_progress": progress,
            "_note": note or message or "",
            "_worker": worker,
        }
        with self._store.change():
            moved = self._store.move_run(run_id, **changes, **ended(run))
            if moved is None:
                return False
            self.note(run_id, "error" if status == "failed" else "info", note or f"{code}: {message}")
            deliveries = [*self._callbacks(moved, output)]
        for delivery in deliveries:
            self._deliveries.start(delivery)
        self.when_over(run_id)
        return True

    def _callbacks(self, run: Json, output: Json | None) -> Iterator[Json]:
        if run["callback_url"]:
            payload = envelope(run, linked(output, run, self._media))
            yield self._deliveries.add(run, payload, automatic=True)
        batch = self._store.get("batches", run["batch_id"]) if run["batch_id"] else None
        if batch is None or batch["status_code"] in TERMINAL:
            return
        runs = self._store.children("runs", batch["id"])
        if not all(item["status_code"] in TERMINAL for item in runs):
            return
        state = batch_state(batch, runs)
        batch |= {**state, **ended(batch)}
        self._store.put("batches", batch)
        if batch["callback_url"]:
            payload = envelope(batch, batch_output(state, batch_items(runs)))
            yield self._deliveries.add(batch, payload, automatic=True)

    def _remember(self, run_id: str, output: Json) -> None:
        self._inline[run_id] = output
        while len(self._inline) > INLINE_KEPT:
            self._inline.popitem(last=False)


def media_inputs(fields: Sequence[Field], values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every address of a picture or file among a run's inputs, with the path of its field."""
    for entry in fields:
        path, value = f"{prefix}{entry.name}", values.get(entry.name)
        if entry.is_media and isinstance(value, str):
            yield path, value
        elif entry.is_media and isinstance(value, list):
            yield from ((f"{path}.{place}", url) for place, url in enumerate(value) if isinstance(url, str))
        elif isinstance(value, Mapping):
            yield from media_inputs(entry.fields, value, f"{path}.")


async def _all_or_none(awaitables: Iterator[Awaitable[Path]]) -> list[Path]:
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        return [*await asyncio.gather(*tasks)]
    finally:
        # One that failed leaves the others running, and a run that is stopped leaves all of them.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _as_data_uri(path: Path) -> str:
    data = path.read_bytes()
    path.unlink()
    return f"data:{mime_type_of(path)};base64,{base64.b64encode(data).decode()}"
