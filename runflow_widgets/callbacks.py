"""Callbacks in a notebook: listen on this machine, and let them settle the runs that are waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .client import Listener
from .running import Run
from .session import Session, current
from .wire import Json

__all__ = ["Listener", "listen"]


def listen(
    on_run: Callable[[Run], Any] | None = None,
    *,
    secret: str | None = None,
    port: int = 0,
    session: Session | None = None,
) -> Listener:
    """Receive callbacks on 127.0.0.1 and settle the runs they are about.

    A kernel has no public address: the embedded service reaches this one directly, api.runflow.io needs a tunnel
    that leads to it.

    Example:
        >>> with rf.callbacks.listen(secret="whsec_…") as listener:
        ...     run = rf.run("runflow/tag-removal", image=photo, callback_url=listener.url)
        ...     run.result()

    Args:
        on_run: Called with the run of each callback, on the receiver's thread.
        secret: With it, a callback that was not signed with it is answered with 401 and ignored.
        port: The port; by default a free one.
        session: The connection the runs belong to; by default the current one.
    """
    session = session or current()

    def received(payload: Json) -> None:
        if "run_id" in payload:
            run = Run.from_callback(payload, session=session)
            if on_run is not None:
                on_run(run)

    return Listener(received, secret=secret, port=port)
