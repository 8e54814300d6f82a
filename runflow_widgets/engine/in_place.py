"""Where pixels are computed when no other process can be started: here, as Python in a browser has to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from .worker_process import answer
from .workers import OnProgress, WorkDone, WorkOrder, read_end


class InPlacePool:
    """Do orders one after the other in this very process; while one is computed, nothing else happens here.

    What a run reports on its way reaches the page all the same, for the page is another thread of the browser. An
    order that waits in line can be cancelled; one that is computed cannot.
    """

    size = 1

    def __init__(
        self,
        *,
        task_module: str = "runflow_widgets.engine.tasks",
        networks: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self._task_module = task_module
        self._networks = dict(networks or {})
        self._turn = asyncio.Lock()

    async def run(self, order: WorkOrder, on_progress: OnProgress) -> WorkDone:
        """Do one order; raises `WorkFailed`."""
        order = replace(order, network=order.network or self._networks.get(order.model))
        async with self._turn:
            # Let others have their say before the loop stands still.
            await asyncio.sleep(0)
            return read_end(answer(self._task_module, 1, order, on_progress))

    async def close(self) -> None:
        """Nothing has to be stopped."""
