"""What running a recipe gives: there at once, filled in the background, with every step's results kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, overload

from ..catalogue import Quote
from ..catalogue.field import shown
from ..catalogue.price import money
from ..client import is_address
from ..errors import ConfigError, InputError, RunflowError
from ..many import Images, Item
from ..many.item import NOT_SENT
from ..many.pricing import check_total
from ..many.sending import Later
from ..many.table import record, stopped_words
from ..many.waiting import Waiting
from ..result import Output
from ..session import view_of
from ..wire import Json, tame
from .drawing import Progress, drawn
from .grid import counted, grid_html
from .pricing import total_of_open
from .step import ends_of, folder_of
from .step_results import StepResults
from .work import Work

#: The tables below have all of it.
_MOST_NOTE: Final = 300


@dataclass(frozen=True, slots=True)
class Made:
    """What a recipe has made of one picture, as it stood when it was asked for.

    Example:
        >>> done = rf.Recipe.named("colours").run("mug.jpg").result()
        >>> view = rf.compare(done[0].pictures)
        >>> picture = done[0].steps["white"].image
    """

    index: int
    name: str
    #: Each step's item, under the step's name.
    steps: Mapping[str, Item]
    given: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def done(self) -> bool:
        """Whether nothing more will come of it."""
        return all(item.done for item in self.steps.values())

    @property
    def ok(self) -> bool:
        """Whether every step has its result."""
        return all(item.ok for item in self.steps.values())

    @property
    def error(self) -> RunflowError | None:
        """What went wrong first, if something did."""
        return next((item.error for item in self.steps.values() if item.error is not None), None)

    @property
    def cost(self) -> Decimal:
        """What was billed for it."""
        return sum((item.cost or Decimal(0) for item in self.steps.values()), Decimal(0))

    @property
    def pictures(self) -> dict[str, Any]:
        """What was given and what each step has made of it, by name: `rf.compare(done[0].pictures)`.

        Of what was given, an address is left out: nothing is fetched for looking.
        """
        given = {name: _at_hand(value) for name, value in self.given.items()}
        made = {name: item.outputs[0] for name, item in self.steps.items() if item.outputs}
        return {**{name: value for name, value in given.items() if value is not None}, **made}


def _at_hand(value: Any) -> Any:
    if not isinstance(value, Later):
        return None if is_address(value) else value
    outputs = value.item().outputs
    return outputs[0] if outputs else None


class RecipeRun(Waiting[Made]):
    """What `recipe.run` gives: alive from the start, complete when the last step of the last picture is over.

    Example:
        >>> done = rf.Recipe.named("colours").run("photos/")
        >>> for made in done:
        ...     print(made.name, made.ok, made.error)
        >>> done["white"].images
        2 pictures on disk
        >>> saved = done.save("colours/")
    """

    def __init__(self, work: Work, *, price: Quote, before: Mapping[str, StepResults] | None = None) -> None:
        super().__init__()
        self.price = price
        self._work = work
        self._session = work.session
        self._over = []
        self._steps = work.begin(before)
        self._seen = dict.fromkeys(self._steps, 0)
        self._left = [len(self._steps)] * len(work.sources)
        for step in self._steps.values():
            step.watch(self._look)
        self._job = self._session.portal.submit(self._see_through(), interrupted=self._interrupted)
        self._job.future.add_done_callback(lambda _: self._tell())

    async def _see_through(self) -> None:
        # What ended before anybody watched is seen here.
        self._look(None)
        jobs = [asyncio.wrap_future(step._job.future) for step in self._steps.values()]
        ends = await asyncio.gather(*jobs, return_exceptions=True)
        self._look(None)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    def _look(self, _: object) -> None:
        """Find the pictures of which every step is over; always on the portal's thread."""
        for name, step in self._steps.items():
            over = step._over[self._seen[name] :]
            self._seen[name] += len(over)
            for index in over:
                self._left[index] -= 1
                if not self._left[index]:
                    self._over.append(index)
        self._tell()

    # ------------------------------------------------------------------ what is known

    @property
    def steps(self) -> Mapping[str, StepResults]:
        """The results of each step; also `done["clean"]`."""
        return MappingProxyType(self._steps)

    @property
    def items(self) -> tuple[Made, ...]:
        """Each picture and what has become of it, in the order of the inputs."""
        return tuple(self._at(index) for index in range(len(self)))

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The results of the recipe's ends, picture by picture."""
        ends = [self._steps[name] for name in ends_of(self._work.steps)]
        return tuple(output for index in range(len(self)) for end in ends for output in end[index].outputs)

    @property
    def images(self) -> Images:
        """Those that are pictures, opened when they are asked for; `done["clean"].images` are those of a step."""
        return Images(self.outputs)

    @property
    def failed(self) -> tuple[Made, ...]:
        """The pictures for which a step went wrong; `.error` says how."""
        return tuple(made for made in self.items if made.error is not None)

    @property
    def cost(self) -> Decimal:
        """What was billed so far, in US dollars; results that were reused cost nothing."""
        return sum((step.cost for step in self._steps.values()), Decimal(0))

    @property
    def progress(self) -> dict[str, Progress]:
        """How far each step has come."""
        return {name: _progress(step.items) for name, step in self._steps.items()}

    def __len__(self) -> int:
        return len(self._work.sources)

    @overload
    def __getitem__(self, which: str) -> StepResults: ...
    @overload
    def __getitem__(self, which: int) -> Made: ...
    def __getitem__(self, which: str | int) -> StepResults | Made:
        return self._step(which) if isinstance(which, str) else self._at(range(len(self))[which])

    def _step(self, name: str) -> StepResults:
        if name not in self._steps:
            raise InputError(
                f"There is no step {shown(name)}.", field="step", advice=f"There are {', '.join(self._steps)}."
            )
        return self._steps[name]

    # ------------------------------------------------------------------ what waiting asks

    def _at(self, place: int) -> Made:
        name, given = self._work.sources[place]
        return Made(place, name, {step: results[place] for step, results in self._steps.items()}, given)

    def _so_far(self) -> str:
        return counted(self.items)

    def _raise(self) -> None:
        errors = (step._first_error for step in self._steps.values())
        error = next((error for error in errors if error is not None), None)
        if self._work.on_error == "raise" and error is not None:
            # Raised anew for each waiter, or their tracebacks would pile up on one another.
            raise error.with_traceback(None)

    def _interrupted(self) -> bool:
        # An interrupted wait sends nothing further; what is paid for still lands on disk.
        self._stop()
        return self._session.where == "embedded"

    # ------------------------------------------------------------------ what a person may do

    def stop(self) -> str:
        """Send nothing further; says what becomes of the runs that are under way."""
        if self.done:
            return "All is over already."
        return stopped_words(self._stop(), self._session.where)

    def _stop(self) -> int:
        return sum(step._stop() for step in self._steps.values())

    def retry_failed(self, *, within_budget: bool = True) -> RecipeRun:
        """Run the steps that failed once more, and those that waited for them; the good ones stand as they are.

        Raises:
            ConfigError: The first attempt is not over.
            BudgetError: The new runs would pass the limit of `rf.budget`; nothing was sent.
        """
        if not self.done:
            raise ConfigError("The runs are not over yet.", advice="Wait for them first: done.result().")
        price = total_of_open(self._session, self._work.missing_after(self._steps))
        if within_budget:
            check_total(self._session, price, None)
        return RecipeRun(self._work, price=price, before=self._steps)

    def save(
        self, folder: str | Path, *, steps: Sequence[str] | None = None, settings: bool | None = None
    ) -> list[Path]:
        """Copy the results into a folder for each step, under their pictures' names; nothing is overwritten.

        Args:
            folder: Where these folders lie.
            steps: Only these; by default all.
            settings: Whether PNGs carry what they were made with.
        """
        goal = Path(folder).expanduser()
        chosen = list(self._steps) if steps is None else [steps] if isinstance(steps, str) else list(steps)
        return [path for name in chosen for path in self._step(name).save(goal / folder_of(name), settings=settings)]

    def to_records(self) -> list[Json]:
        """A dict of plain values for each step of each picture."""
        return [
            {"step": name, **record(item, self._steps[name].model)}
            for made in self.items
            for name, item in made.steps.items()
        ]

    # ------------------------------------------------------------------ how it shows

    @property
    def headline(self) -> str:
        """What has become of the pictures, and what they cost, in a line."""
        if self._work.session.where == "embedded":
            billed = "free: it runs here"
        else:
            billed = f"{money(self.cost)} billed" + ("" if self.done else f" of {self.price.text}")
        return " · ".join([self._work.recipe, self._so_far(), billed])

    @property
    def note(self) -> str:
        """The first thing that went wrong, if something did."""
        made = next(iter(self.failed), None)
        return "" if made is None or made.error is None else f"{made.name}: {tame(made.error.message, _MOST_NOTE)}"

    def __repr__(self) -> str:
        by_step = " · ".join(f"{name} {told.done}/{told.total}" for name, told in self.progress.items())
        return f"RecipeRun({self.headline} · {by_step}{f' · {self.note}' if self.note else ''})"

    def _repr_html_(self) -> str:
        return grid_html(self.headline, self.diagram(), self.items)

    def diagram(self) -> str:
        """The recipe as SVG, with how far each step has come."""
        return drawn(self._work.recipe, self._work.inputs, self._work.steps, self.progress)

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


def _progress(items: Sequence[Item]) -> Progress:
    return Progress(
        len(items),
        sum(item.ok for item in items),
        sum(item.error is not None and item.status != NOT_SENT for item in items),
        sum(item.status == NOT_SENT for item in items),
    )
