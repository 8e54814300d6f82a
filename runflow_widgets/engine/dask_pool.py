"""The same orders on many machines: a pool of workers whose processes a Dask cluster provides.

Dask starts and watches the workers, finds out when one is lost and gives its tasks to others; the work itself is done
at a `Desk` inside each worker. Everything here lives on one loop, with a connection to the scheduler of its own.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from ..errors import ConfigError
from . import dask_desk
from .dask_crew import Crew, package_version
from .dask_errand import Errand, called
from .dask_files import DaskFiles, Load
from .media import is_plain_name
from .workers import OnProgress, Produced, WorkDone, WorkFailed, WorkOrder

log = logging.getLogger("runflow_widgets.engine")

_CLOSE_S: Final = 5.0
#: What the client raises once the scheduler is gone; then so are the workers, and whatever they did. A client that gave
#: up has no scheduler any more, and looks for attributes of None.
_NO_CONNECTION: Final = (OSError, RuntimeError, AttributeError)


class DaskPool:
    """Run orders on the workers of a Dask cluster, one for each of their threads.

    The files of an order travel, for another machine has another disk. All `async` methods belong to one loop.

    Args:
        address: Where the scheduler answers, for instance `tcp://scheduler:8786`.
        security: What a protected scheduler asks for, as `distributed.Client` takes it.
        connect_within_s: How long to wait for the scheduler's first answer.
        time_limit_s: An order that takes longer fails with `TIME_LIMIT`.
        memory_limit_mb: What one order may allocate.
        idle_s: After this long without an order a worker ends the processes it had started for us.
        task_module: The module whose `perform(order, report)` does the work; the workers import it.
        networks: For models that a neural network shall do: its kind and its file, which lies here.
    """

    def __init__(
        self,
        address: str,
        *,
        security: Any = None,
        connect_within_s: float = 5.0,
        time_limit_s: float = 900,
        memory_limit_mb: int | None = 4096,
        idle_s: float = 120.0,
        task_module: str = "runflow_widgets.engine.tasks",
        networks: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self.address = address
        self._security = security
        self._connect_within_s = connect_within_s
        self._limits = {"time_limit_s": time_limit_s, "memory_limit_mb": memory_limit_mb, "task_module": task_module}
        self._idle_s = idle_s
        self._networks = dict(networks or {})
        self._name = uuid4().hex
        self._topic = f"runflow-{self._name}"
        self._client: Any = None
        self._opening: asyncio.Task[None] | None = None
        self._errands: dict[str, Errand] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_resize: Callable[[], object] = lambda: None
        self._closed = False
        self._function = _function()

    @property
    def size(self) -> int:
        """How many orders run at once: as many as the workers have threads; while there is none, one waits for it."""
        return max(1, self._crew.threads) if self._client is not None else 1

    @property
    def place(self) -> str:
        """Where it computes, for a sentence."""
        return f"on {self._crew.text} at {self.address}" if self._client is not None else f"at {self.address}"

    def when_resized(self, callback: Callable[[], object]) -> None:
        """Have a function called on the pool's loop when workers have come or gone."""
        self._on_resize = callback

    # ------------------------------------------------------------------ the connection

    async def open(self) -> None:
        """Connect, and see who is there.

        Raises:
            ConfigError: Dask is not installed, nobody answers, or no worker can do our work.
        """
        if self._opening is None or (self._opening.done() and self._client is None):
            self._opening = asyncio.create_task(self._open())
        await asyncio.shield(self._opening)

    async def _open(self) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise ConfigError(
                "Computing on a Dask cluster needs the package distributed.",
                advice="pip install 'runflow_widgets[dask]'",
            ) from None
        options = {"timeout": self._connect_within_s, "security": self._security, "name": "runflow"}
        client = None
        try:
            client = Client(self.address, asynchronous=True, set_as_default=False, **options)
            await client
        except (OSError, ValueError, TypeError) as error:
            if client is not None:
                await client.close()
            raise ConfigError(
                f"No Dask scheduler answers at {self.address} ({type(error).__name__}: {error}).",
                advice="Is the address right, and is `dask scheduler` running there?",
            ) from error
        self._files = DaskFiles(client.submit, self._name)
        self._crew = Crew(client)
        try:
            await self._crew.check_scheduler()
            await self._crew.look()
        except ConfigError:
            await client.close()
            raise
        self._client = client
        self._loop = asyncio.get_running_loop()
        # Before the loop is ended, which was set up to end before this: a client that is left open complains.
        atexit.register(self._close_at_exit)
        await self._listen()

    async def _listen(self) -> None:
        if self._client.status in ("closing", "closed"):
            return
        self._client.subscribe_topic(self._topic, self._heard)
        # The scheduler says here who comes and who goes, so nobody has to ask.
        self._client.subscribe_topic("all", self._heard_of_workers)
        # Somebody may have come or gone before that.
        await self._look()

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        """An order was begun, or has come further."""
        news = event[1]
        if (errand := self._errands.get(news["order"])) is None:
            return
        if "address" in news:
            errand.begun(news["attempt"], news["name"], news["address"])
        else:
            errand.further(news["attempt"], news["fraction"], news["note"])

    def _heard_of_workers(self, event: tuple[float, Any]) -> None:
        news = event[1] if isinstance(event[1], dict) else {}
        if news.get("action") == "remove-worker":
            self._crew.lose(news["worker"])
            for errand in self._errands.values():
                errand.lost(news["worker"], expected=bool(news.get("expected")))
        if news.get("action") in ("add-worker", "remove-worker"):
            self._in_background(self._look())

    async def _look(self) -> None:
        # That no worker can be used is said by the orders that wait for one, and no connection by their end.
        with contextlib.suppress(*_NO_CONNECTION, ConfigError):
            await self._crew.look()
        self._on_resize()

    def _in_background(self, work: Any) -> None:
        # The event loop keeps only a weak reference to a task: without the set, it may be collected before it ends.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ------------------------------------------------------------------ one order

    async def run(self, order: WorkOrder, on_progress: OnProgress) -> WorkDone:
        """Do one order; cancelling the awaiting task stops it where it runs.

        Raises:
            WorkFailed: As with workers on this machine; `WORKER_DIED` also for an order that lost three workers.
        """
        try:
            if not self._closed:
                await self.open()
        except ConfigError as error:
            raise WorkFailed("WORKER_DIED", str(error)) from error
        order = replace(order, network=order.network or self._networks.get(order.model))
        errand = Errand(uuid4().hex, on_progress)
        self._errands[errand.id] = errand
        try:
            while not self._closed and not errand.is_hopeless:
                async with self._load(order) as load:
                    answer = await self._ask(errand, order, load)
                if answer is not None:
                    return await self._done(errand, order, answer)
                # A scheduler that was restarted knows neither whom it has to tell of what, nor the same workers.
                await self._listen()
        finally:
            del self._errands[errand.id]
        if self._closed:
            raise WorkFailed("WORKER_DIED", "The pool was closed.")
        raise errand.failure()

    @asynccontextmanager
    async def _load(self, order: WorkOrder) -> AsyncIterator[Load]:
        files = dict(order.files)
        if order.network:
            files["network"] = order.network[1]
        try:
            async with self._files.load(files, lasting=["network"] if order.network else []) as load:
                yield load
        except OSError as error:
            raise WorkFailed("MODEL_ERROR", f"A file of the run cannot be read here: {error}.") from error

    async def _ask(self, errand: Errand, order: WorkOrder, load: Load) -> dict[str, Any] | None:
        """Send an order and wait for its answer; None when it has to be sent again."""
        message = {
            "pool": self._name,
            "topic": self._topic,
            "version": package_version(),
            "limits": self._limits,
            "idle_s": self._idle_s,
            "order": errand.id,
            "model": order.model,
            "inputs": order.inputs,
            "seed": order.seed,
            "network": order.network[0] if order.network else None,
            "files": load.packed,
        }
        if self._client.status in ("closing", "closed"):
            raise WorkFailed("WORKER_DIED", f"The connection to the Dask scheduler at {self.address} is lost.")
        worker = self._crew.pick()
        errand.sent(worker.address if worker else None)
        # Where it goes is decided here, and anew when that worker is lost: the scheduler would send all orders for one
        # picture to the worker that has it, and forgets those whose workers are all gone.
        where = {"workers": [worker.address]} if worker else {}
        future = self._client.submit(
            self._function, message, *load.parts, key=f"runflow-order-{uuid4().hex}", pure=False, **where
        )
        answer = asyncio.ensure_future(errand.answer(future))
        ends: tuple[asyncio.Future[Any], ...] = (answer, errand.gone, errand.given_up)
        try:
            with self._crew.busy(worker):
                done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._in_background(self._call_off(answer, errand, future))
            raise
        if answer not in done:
            self._in_background(self._call_off(answer, errand, future))
            if errand.given_up in done:
                raise errand.given_up.result()
            return None
        if (told := answer.result()) is None:
            return None
        if told["kind"] == "unfit":
            errand.dropped(self._crew.dismiss(told))
        elif told["kind"] == "stopped":
            errand.dropped("The Dask worker was closed.")
        else:
            return told
        return None

    async def _call_off(self, answer: asyncio.Task[Any], errand: Errand, future: Any) -> None:
        """Have an order stopped where it is, or wherever it may arrive."""
        answer.cancel()
        if not errand.gone.done():
            await self._tell_workers(dask_desk.stop, errand.id, workers=[errand.address] if errand.address else None)
        with contextlib.suppress(*_NO_CONNECTION):
            await self._client.cancel([future])

    async def _tell_workers(self, function: Any, *arguments: Any, workers: list[str] | None = None) -> None:
        with contextlib.suppress(*_NO_CONNECTION):
            await self._client.run(function, self._name, *arguments, workers=workers, on_error="ignore")

    async def _done(self, errand: Errand, order: WorkOrder, answer: dict[str, Any]) -> WorkDone:
        if answer["kind"] == "failed":
            raise WorkFailed(answer["code"], answer["message"], field=answer["field"], stage=answer["stage"])
        told = answer["done"]
        files = tuple(Produced(**file) for file in told["files"])
        for file, data in zip(files, answer["made"], strict=True):
            # What was named and not written is found out by whoever collects the results.
            if data is not None and is_plain_name(file.name):
                await asyncio.to_thread((Path(order.folder) / file.name).write_bytes, data)
        worker = called(answer["name"], answer["address"])
        remarks = [("warning", f"{lost} was lost; the work was begun again.") for lost in errand.lost_workers]
        notes = [(level, sentence) for level, sentence in told["log"]]
        return WorkDone(
            files=files,
            seed=told["seed"],
            timing=told["timing"],
            log=(*remarks, *notes, ("info", f"Done by the Dask worker {worker}.")),
            worker=worker,
        )

    async def close(self) -> None:
        """End what runs for this pool on every worker, and the connection; the cluster itself goes on."""
        self._closed = True
        if self._opening is not None and not self._opening.done():
            self._opening.cancel()
        if self._client is None:
            return
        atexit.unregister(self._close_at_exit)
        for errand in self._errands.values():
            errand.give_up("The pool was closed.")
        if self._client.status != "closed":
            await self._leave()
        self._files.clear()
        await self._client.close()

    def _close_at_exit(self) -> None:
        with contextlib.suppress(TimeoutError, RuntimeError):  # a loop that is over has nobody left to complain
            asyncio.run_coroutine_threadsafe(self.close(), self._loop).result(_CLOSE_S)

    async def _leave(self) -> None:
        for topic in (self._topic, "all"):
            # First of all, or the scheduler complains that it cannot tell us of our own going.
            self._client.unsubscribe_topic(topic)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await asyncio.gather(*self._tasks, return_exceptions=True)
                await self._tell_workers(dask_desk.leave)


def _function() -> Callable[..., Any]:
    """What the cluster is asked to run.

    Made inside a function so that it travels as code and not as a name: the scheduler then needs no runflow_widgets,
    and a worker that has none can say so.
    """

    async def runflow_order(message: dict[str, Any], *parts: bytes) -> dict[str, Any]:
        try:
            from runflow_widgets.engine.dask_desk import do
        except ImportError:
            from distributed import get_worker

            return {"kind": "unfit", "version": None, "address": get_worker().address}
        return await do(message, *parts)

    return runflow_order
