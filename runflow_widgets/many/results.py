"""The results of many runs: there at once, filled in the background."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, overload

from ..catalogue.price import money
from ..errors import ConfigError
from ..filling.kept import safe_name
from ..following import quote_of
from ..result import Output
from ..session import view_of
from ..wire import Json
from .item import WAITING, Images, Item
from .pricing import check_total, total_of
from .sending import Mapped
from .table import counted, html_of, record, stopped_words
from .waiting import Waiting


class Results(Mapped, Waiting[Item]):
    """What `rf.map` gives: alive from the start, complete when the last run is over.

    Example:
        >>> results = rf.map("bria/background/remove", "photos/")
        >>> for item in results:
        ...     print(item.name, item.status)
        >>> results.save("cut out/")
    """

    # ------------------------------------------------------------------ what is known

    @property
    def model(self) -> str:
        """The model's id."""
        return self.spec.id

    @property
    def items(self) -> tuple[Item, ...]:
        """Each input and what has become of it, in the order of the inputs."""
        return tuple(self._items)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """All the results that are on disk, in the order of the inputs."""
        return tuple(output for item in self._items for output in item.outputs)

    @property
    def images(self) -> Images:
        """Those that are pictures; each is opened when it is asked for."""
        return Images(self.outputs)

    @property
    def failed(self) -> tuple[Item, ...]:
        """Those that went wrong; `.error` says how."""
        return tuple(item for item in self._items if item.error is not None)

    @property
    def cost(self) -> Decimal:
        """What was billed so far, in US dollars; results that were reused cost nothing."""
        return sum((item.cost or Decimal(0) for item in self._items), Decimal(0))

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        return tuple(self._items[index]) if isinstance(index, slice) else self._items[index]

    # ------------------------------------------------------------------ what waiting asks

    def _at(self, place: int) -> Item:
        return self._items[place]

    def _so_far(self) -> str:
        return counted(self._items)

    def _raise(self) -> None:
        if self._on_error == "raise" and self._first_error is not None:
            # Raised anew for each waiter, or their tracebacks would pile up on one another.
            raise self._first_error.with_traceback(None)

    # ------------------------------------------------------------------ what a person may do

    def stop(self) -> str:
        """Send nothing further; says what becomes of the runs that are under way."""
        if self.done:
            return "All is over already."
        return stopped_words(self._stop(), self._session.where)

    def retry_failed(self, *, within_budget: bool = True) -> Results:
        """Run those that failed once more: new results, in which the good ones stand as they are.

        What never reached the service keeps its key; what may have reached it is looked up before it is sent again.

        Raises:
            ConfigError: The first attempt is not over.
            BudgetError: The new runs would pass the limit of `rf.budget`; nothing was sent.
        """
        if not self.done:
            raise ConfigError("The runs are not over yet.", advice="Wait for them first: results.result().")
        items = [
            item if item.error is None else replace(item, status=WAITING, done=False, error=None, cost=None)
            for item in self._items
        ]
        price = total_of(quote_of(self._session, self.spec, item.given) for item in items if not item.done)
        if within_budget:
            check_total(self._session, price, None)
        return Results(
            self._session,
            self.spec,
            items,
            price=price,
            concurrency=self._concurrency,
            on_error=self._on_error,
            reuse=self._reuse,
            timeout_s=self._timeout_s,
            within_budget=within_budget,
            sent=self._sent,
        )

    def save(self, folder: str | Path, *, settings: bool | None = None) -> list[Path]:
        """Copy all results into a folder, named after their inputs, PNGs with their `settings`.

        Nothing is overwritten: where a name is taken, a number is added to it.
        """
        goal = Path(folder).expanduser()
        return [
            output.save(goal / _file_name(item, number), settings=settings)
            for item in self._items
            for number, output in enumerate(item.outputs, 1)
        ]

    def to_records(self) -> list[Json]:
        """A dict of plain values for each input, in their order."""
        return [record(item, self.model) for item in self._items]

    def to_frame(self) -> Any:
        """The same as a data frame of pandas, where that is installed."""
        try:
            pandas = import_module("pandas")
        except ImportError:
            raise ConfigError(
                "pandas is not installed.", advice="results.to_records() gives the same as a list of dicts."
            ) from None
        return pandas.DataFrame.from_records(self.to_records(), index="index")

    # ------------------------------------------------------------------ how it shows

    def __repr__(self) -> str:
        facts = [self.model, counted(self._items), f"{money(self.cost)} billed"]
        if not self.done:
            facts[-1] += f" of {self.price.text}"
        if self._halt.is_set() and self._first_error is not None:
            facts.append(f"stopped: {self._first_error}")
        if self.note:
            facts.append(self.note)
        return f"Results({' · '.join(facts)})"

    def _repr_html_(self) -> str:
        return html_of(repr(self).removeprefix("Results(").removesuffix(")"), self.items)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        view = view_of(self)
        plain = {"text/plain": repr(self), "text/html": self._repr_html_()}
        return plain if view is None else {**view._repr_mimebundle_(), **plain}

    def _ipython_display_(self) -> None:
        view = view_of(self)
        if view is None:
            # IPython then shows the bundle.
            raise NotImplementedError
        view._ipython_display_()


def _file_name(item: Item, number: int) -> str:
    part = f"-{number:02d}" if len(item.outputs) > 1 else ""
    return safe_name(f"{item.name}{part}{item.outputs[number - 1].path.suffix}")
