"""The embedded service put together: a folder, a pool of workers, a way outside, and an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from ..catalogue import Catalogue
from .app import make_app
from .call import Answer
from .core import Core
from .jobs import Pool
from .outside import Outside
from .refusal import Refusal
from .store import Store


class Service:
    """Runflow's API on a folder of this machine; hand `app` to an ASGI transport or server.

    Everything in it lives on the loop that the first request arrives on. See `open_service` for the arguments.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self._asgi = make_app(core)
        self._recovered = False
        self._closed = False

    @property
    def app(self) -> ASGIApp:
        """The ASGI application; it needs no lifespan, sends no streams and leaves nothing to background tasks."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._closed and scope["type"] == "http":
            refusal = Refusal(503, "The service is closed.", code="SERVICE_CLOSED")
            await Answer(refusal.envelope, refusal.status)(scope, receive, send)
            return
        # Here, because only now is there a loop that callbacks can be sent from.
        await self.take_up()
        await self._asgi(scope, receive, send)

    async def take_up(self) -> None:
        """See to what an earlier service on the folder left open, on the loop that this one shall live on."""
        if not self._recovered:
            self._recovered = True
            self.core.jobs.recover()

    async def idle(self) -> None:
        """Wait until no run and no callback is under way."""
        while tasks := [*self.core.jobs.tasks.values(), *self.core.deliveries.tasks]:
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Stop everything and give the folder back; what was under way is seen to when the folder is opened again."""
        if self._closed:
            return
        self._closed = True
        tasks = [*self.core.jobs.tasks.values(), *self.core.deliveries.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.core.pool.close()
        self.core.store.close()


def open_service(
    folder: Path,
    *,
    outside: Outside,
    pool: Pool,
    catalogue: Catalogue,
    keys: Mapping[str, frozenset[str]] | None = None,
    credit: Decimal | None = None,
    max_open_runs: int = 1000,
    keep_free: int = 0,
    base_url: str | None = None,
    link_life_s: float = 3600,
    poll_after_ms: int = 50,
    retry_waits_s: Sequence[float] = (1.0, 2.0),
    resume: bool = False,
) -> Service:
    """Open the service on a folder; several processes may have the same one open.

    Args:
        folder: Where runs, assets and results are kept.
        outside: Fetches inputs and posts callbacks.
        pool: Computes the results; the service closes it when it is closed.
        catalogue: The models; those marked `embedded` run here.
        keys: Each key with its scopes (none: all). Without keys no key is asked for.
        credit: What may be spent; without it runs are free.
        max_open_runs: Beyond this many, new runs are answered with 429.
        keep_free: So many bytes of the disk are left to others; then new runs and uploads are answered with 507.
        base_url: Where the service is seen from outside; else each request's own host is taken.
        link_life_s: How long links to files are good for.
        poll_after_ms: The pause between two looks at a run that clients are advised to make.
        retry_waits_s: The pauses before the second and further attempts of a callback.
        resume: Runs that a stop left open are begun again by the next service on the folder; else they fail.
    """
    core = Core(
        Store(folder),
        outside=outside,
        pool=pool,
        catalogue=catalogue,
        keys=keys,
        credit=credit,
        max_open_runs=max_open_runs,
        keep_free=keep_free,
        base_url=base_url,
        link_life_s=link_life_s,
        poll_after_ms=poll_after_ms,
        retry_waits_s=retry_waits_s,
        resume=resume,
    )
    return Service(core)
