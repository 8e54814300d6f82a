"""The runs of a form: one press is one run, its price is shown before, what it did is shown after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import ipywidgets

from ..catalogue import Quote
from ..catalogue.price import money
from ..errors import ApiError, BudgetError, InputError, RunflowError
from ..filling import Question
from ..running import Run, start
from ..session import Session, check_budget
from .form_core import FormCore
from .own_widget import close_whole
from .run_table import RunTable

if TYPE_CHECKING:
    from concurrent.futures import Future

#: So many panels stand below the form; older runs are in `form.runs` and `rf.runs()`. More at once are one table.
_MOST_SHOWN: Final = 4


class FormRuns:
    """Starts the runs of a form, follows them, and tells the form's foot."""

    def __init__(self, core: FormCore, view_of: Callable[[Run], ipywidgets.Widget]) -> None:
        self._core = core
        self._view_of = view_of
        self.widget = ipywidgets.VBox([])
        self.widget.add_class("rfw-form-runs")
        self.all: list[Run] = []
        self.on_start: list[Callable[[Run], object]] = []
        self._last_press = ""
        self._asked_for = 0
        self._balance_of: Session | None = None
        self._unwatch: list[Callable[[], None]] = []
        core.on_build.append(self.look_up_balance)
        core.on_refresh.append(self.tell)
        core.bar.observe(lambda _: core.refresh(), "count")
        core.bar.on_msg(self._asked)

    # ------------------------------------------------------------------ from the page

    def _asked(self, _: object, content: dict[str, Any], __: object) -> None:
        match content.get("do"):
            case "run":
                self._run_pressed(str(content.get("press")))
            case "answer":
                self._answered(yes=content.get("yes") is True)
            case "show":
                self._core.sheet.unfold()
                self._core.bar.send({"kind": "shown", "at": content.get("at")})

    def _run_pressed(self, press: str) -> None:
        """The button was pressed; the same press told twice, by two views or a comm that repeats, is one."""
        core = self._core
        with core.lock:
            if press != self._last_press:
                self._last_press = press
                self._say("")
                core.forget_refusals()
                if not core.validate():
                    self._try(lambda: self._go_or_ask(core.bar.count if core.bar.can_vary else 1))
        core.bar.send({"kind": "heard", "press": press})

    def _answered(self, *, yes: bool) -> None:
        """The question about the budget was answered."""
        core = self._core
        with core.lock:
            count, self._asked_for = self._asked_for, 0
            core.bar.ask = ""
            if yes and count:
                self._try(lambda: self._start(count, within_budget=False))

    def _try(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except InputError as error:
            if error.field:
                self._core.refuse({error.field: error.message})
            else:
                self._say(str(error), failed=True)
        except RunflowError as error:
            self._say(str(error), failed=True)

    def _go_or_ask(self, count: int) -> None:
        try:
            self.go(count)
        except BudgetError as error:
            self._asked_for = count
            self._core.bar.ask = error.message

    # ------------------------------------------------------------------ running

    def go(self, count: int) -> Run:
        """Start so many runs, if the budget allows for all of them; gives the last."""
        check_budget(self._core.session, _times(self._core.answers.quote(), count))
        return self._start(count, within_budget=True)

    def _start(self, count: int, *, within_budget: bool) -> Run:
        core = self._core
        seed = self._seed()
        core.bar.busy = True
        runs: list[Run] = []
        try:
            for number in range(max(1, count)):
                values = core.answers.value
                if seed is not None and count > 1 and (number or not core.answers.is_set(seed.path)):
                    values[seed.name] = seed.throw_seed()
                runs.append(start(core.spec, values, session=core.session, within_budget=within_budget))
        except BaseException:
            core.bar.busy = False
            raise
        finally:
            # Also when a later one was refused: what was sent is shown.
            self._show(runs)
        return self.all[-1]

    def _show(self, runs: Sequence[Run]) -> None:
        self.all += runs
        if len(runs) > _MOST_SHOWN:
            views = [RunTable(runs, view_of=self._view_of).frame]
        else:
            views = [self._view_of(run) for run in reversed(runs)]
        shown = [*views, *self.widget.children]
        self.widget.children = shown[:_MOST_SHOWN]
        for old in shown[_MOST_SHOWN:]:
            close_whole(old)
        for run in runs:
            for tell in self.on_start:
                tell(run)
            self._unwatch.append(run.watch(self._changed))
            self._changed(run)

    def _changed(self, run: Run) -> None:
        """On the portal's thread: the run has gone on."""
        latest = self.all[-1] if self.all else run
        if run is latest and (run.id is not None or run.done):
            self._core.bar.busy = False
        if run.done:
            self._finished(run)

    def _finished(self, run: Run) -> None:
        core = self._core
        if run.model == core.spec.id:
            error = run.error
            if isinstance(error, ApiError) and error.fields:
                core.refuse(error.fields)
            elif isinstance(error, InputError) and error.field:
                core.refuse({error.field: error.message})
            used = run.state.output.get("seed") if run.state and run.state.output else None
            seed = self._seed()
            if seed is not None and isinstance(used, int) and not isinstance(used, bool):
                core.keep_used(seed.path, used)
        self._balance_of = None
        self.look_up_balance()

    def _seed(self) -> Question | None:
        return next((question for question in self._core.answers.questions if question.ask == "seed"), None)

    # ------------------------------------------------------------------ what the foot shows

    def tell(self) -> None:
        """Where a run would go, and what it would cost."""
        core, bar = self._core, self._core.bar
        bar.can_vary = self._seed() is not None
        count = bar.count if bar.can_vary else 1
        quote = _times(core.answers.quote(), count)
        try:
            session = core.session
        except RunflowError as error:
            bar.blocked, bar.price, bar.reckoning = str(error), quote.text, quote.note
            return
        here = session.where == "embedded"
        bar.where = session.label
        bar.blocked = ""
        if here and not core.spec.embedded:
            bar.blocked = "This model does not run here: rf.connect(key=…) connects to the service that has it."
        if here and core.spec.embedded:
            bar.price, bar.reckoning = "runs here: free", ""
        else:
            bar.price, bar.reckoning = quote.text, quote.note

    def look_up_balance(self) -> None:
        """Ask the service for the money left, in the background; once for a connection, and after each run."""
        try:
            session = self._core.session
        except RunflowError:
            return
        if session.where != "remote" or self._balance_of is session:
            return
        self._balance_of = session
        session.portal.submit(session.client.balance()).future.add_done_callback(self._tell_balance)

    def _tell_balance(self, found: Future[Decimal | None]) -> None:
        amount = None if found.cancelled() or found.exception() is not None else found.result()
        self._core.bar.balance = "" if amount is None else f"{money(amount)} left"

    def _say(self, sentence: str, *, failed: bool = False) -> None:
        with self._core.bar.hold_sync():
            self._core.bar.says, self._core.bar.failed = sentence, failed

    def close(self) -> None:
        """Stop following; the runs go on."""
        for unwatch in self._unwatch:
            unwatch()
        close_whole(self.widget)


def _times(quote: Quote, count: int) -> Quote:
    if count <= 1 or quote.low is None:
        return quote
    high = None if quote.high is None else quote.high * count
    return Quote(quote.low * count, high, f"{count} runs, each {quote.text}")
