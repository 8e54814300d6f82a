"""The results of a map as a live table: its rows come as the runs begin."""

from __future__ import annotations

import weakref

from ..many import Results
from ..portal import shared
from .run_table import RunTable
from .throttled import Throttled

_EVERY_S = 0.5


class ResultsTable(RunTable):
    """Shows `rf.map(…)` while it goes on; stopping it sends nothing further."""

    def __init__(self, results: Results) -> None:
        self._results = results
        #: The places of the items whose runs are shown, in the order of the rows.
        self._taken: dict[int, None] = {}
        self._taking = Throttled(shared(), self._take, lambda: _EVERY_S)
        super().__init__([])
        reference = weakref.ref(self)

        def tell(_: Results) -> None:
            # Weakly, or a table that is no longer shown would live as long as what it shows.
            if (table := reference()) is not None:
                table._taking.soon()

        self._unwatch.append(results.watch(tell))
        self._take()

    def _take(self) -> None:
        """Add the runs that have begun since."""
        items = self._results.items
        begun = [item for item in items if item.key and item.index not in self._taken]
        found = [(item.index, run) for item in begun if (run := item.run) is not None]
        self._taken |= dict.fromkeys(index for index, _ in found)
        if found:
            self.add(*(run for _, run in found))
        elif self._over:
            # The last run was over before this was.
            self._telling.soon()
        waiting = len(items) - len(self._taken)
        if waiting and not self._results.done:
            self.notice = f"{waiting:,} of {len(items):,} are still to come, {self._results.price.text} in all."
        else:
            self.notice = self._results.note or ""

    def stop(self) -> None:
        """Send nothing further; what runs here is cancelled, what runs at the service goes on and is billed."""
        self.notice = self._results.stop()

    @property
    def _over(self) -> bool:
        return self._results.done

    def __repr__(self) -> str:
        return repr(self._results)
