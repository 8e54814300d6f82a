"""The results of one step of a recipe: a map whose pictures come from other steps, each as soon as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from ..errors import InputError
from ..many import Item, Results
from ..many.item import NOT_SENT
from ..many.reuse import Claim
from ..many.sending import Ready
from .step import Step


class StepResults(Results):
    """What one step has made of each picture; everything that the results of `rf.map` can do."""

    def __init__(
        self, step: Step, recipe: str, others: Sequence[str], earlier: Sequence[Results], *mapped: Any, **options: Any
    ) -> None:
        # First, for the work begins before the last line of what follows.
        self.step = step
        self._recipe = recipe
        self._others = frozenset(others) - {step.name}
        #: The results that this step goes on with.
        self._earlier = tuple(earlier)
        super().__init__(*mapped, **options)

    async def _turns(self) -> AsyncGenerator[int, None]:
        """First come, first served: nothing waits for a picture that is slower in an earlier step."""
        if not self._earlier:
            for index in range(len(self._items)):
                yield index
            return
        came = asyncio.Event()
        unwatch = [earlier.watch(lambda _: came.set()) for earlier in self._earlier]
        seen = [0] * len(self._earlier)
        awaited = [len(self._earlier)] * len(self._items)
        left = len(self._items)
        try:
            while left:
                came.clear()
                arrived = []
                for place, earlier in enumerate(self._earlier):
                    over = earlier._over[seen[place] :]
                    seen[place] += len(over)
                    for index in over:
                        awaited[index] -= 1
                        if not awaited[index]:
                            arrived.append(index)
                for index in arrived:
                    left -= 1
                    yield index
                if not arrived:
                    await came.wait()
        finally:
            for stop in unwatch:
                stop()

    async def _made_ready(self, index: int) -> Ready | None:
        for earlier in self._earlier:
            before = earlier[index]
            if not before.outputs and isinstance(earlier, StepResults):
                self._leave_out(index, earlier.step.name, before)
                return None
        return await super()._made_ready(index)

    def _leave_out(self, index: int, earlier: str, before: Item) -> None:
        """Not sent, and that is no failure of its own: with `stop`, the failure before has stopped all already."""
        why = InputError(
            f"{self.step.name} was not sent for {before.name}: {earlier} has no result, it is {before.status}.",
            field=self.step.name,
        )
        self._change(index, status=NOT_SENT, done=True, error=why)

    def _claim_of(self, item: Item) -> Claim | None:
        return Claim(self._recipe, self.step.name, item.name, self._others)
