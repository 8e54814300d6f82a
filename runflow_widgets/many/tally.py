"""What has become of each of many inputs: changed on the portal's thread, watched from anywhere."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from ..errors import AuthError, BudgetError, CreditError, RunflowError
from ..ledger import Entry
from ..result import Output
from ..watched import Watched
from .item import NOT_SENT, WAITING, Item, is_light

OnError = Literal["keep", "raise", "stop"]
#: What would befall every further run just the same.
_FOR_ALL: Final = (AuthError, BudgetError, CreditError)


class Tally(Watched):
    """Many inputs with what has become of each."""

    def __init__(self, items: Sequence[Item], *, on_error: OnError) -> None:
        super().__init__()
        self._items = list(items)
        self._on_error = on_error
        #: The places of those that are over, in the order in which they were.
        self._over = [item.index for item in items if item.done]
        #: Set once nothing further is to be sent.
        self._halt = threading.Event()
        self._first_error: RunflowError | None = None

    def _reused(self, index: int, entry: Entry) -> None:
        outputs = tuple(Output.at(Path(path), entry) for path in entry.files)
        self._land(index, entry.key, entry.status, outputs, Decimal(0), reused=True)

    def _land(
        self,
        index: int,
        key: str,
        status: str,
        outputs: tuple[Output, ...],
        cost: Decimal | None,
        *,
        reused: bool = False,
        worker: str | None = None,
    ) -> None:
        given = self._items[index].given
        self._change(
            index,
            key=key,
            status=status,
            done=True,
            outputs=outputs,
            cost=cost,
            reused=reused,
            worker=worker,
            progress=None,
            given=given if is_light(given) else {},
        )

    def _fail(self, index: int, error: RunflowError, **known: Any) -> None:
        _let_go(error)
        self._first_error = self._first_error or error
        if self._on_error != "keep" or isinstance(error, _FOR_ALL):
            self._halt.set()
        self._change(index, **{"status": "failed", **known}, done=True, error=error, progress=None)

    def _leave_the_rest(self) -> None:
        for item in self._items:
            if not item.done and item.status == WAITING:
                self._change(item.index, status=NOT_SENT, done=True)

    def _change(self, index: int, **changes: Any) -> None:
        before = self._items[index]
        if before.done:
            return
        self._items[index] = replace(before, **changes)
        if self._items[index].done:
            self._over.append(index)
        self._tell()


def _let_go(error: BaseException | None) -> None:
    """Drop the tracebacks of an error that is kept: their frames hold the pictures that were being sent."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
