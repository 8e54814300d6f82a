"""`rf.map`: from inputs of any form to results that fill in the background."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, get_args

from ..catalogue import ModelSpec, Quote
from ..client import gather
from ..errors import BudgetError, InputError, RunflowError
from ..following import quote_of, spec_of
from ..nesting import warn_of_the_original
from ..running import first_output
from ..session import Session, current
from ..wire import read_money
from .item import Item
from .pricing import check_total, total_of
from .results import Results
from .reuse import Known
from .sending import Later
from .sources import Source, picture_name, sources_of
from .tally import OnError

MOST_AT_ONCE = 64


def start(
    model: str | ModelSpec,
    inputs: Any,
    /,
    *,
    concurrency: int | None = None,
    budget_usd: float | str | Decimal | None = None,
    on_error: OnError = "keep",
    reuse: bool = True,
    timeout_s: float | None = None,
    session: Session | None = None,
    within_budget: bool = True,
    _in_batches: bool = False,
    **common: Any,
) -> Results:
    """Run a model for each of many inputs; gives the results at once, while the runs go on in the background.

    Example:
        >>> results = rf.map("runflow/background-color", "photos/*.jpg", color_red=255, budget_usd=5)
        >>> results.result().save("white/")

    Args:
        model: Its id.
        inputs: A folder, a glob, a list of pictures or of dicts of inputs, a table with a row for each run, or earlier
            results. Pictures are read when their turn comes, and go to the model's picture input.
        concurrency: How many runs are under way at once; they are sent in the order of the inputs. By default 4, or
            twice as many as a Dask cluster has threads.
        budget_usd: What all of them may cost together; more, and nothing is sent.
        on_error: `keep` goes on and keeps each error with its item; `stop` sends nothing further after the first;
            `raise` also raises it where the results are waited for. No credit or a refused key always stops.
        reuse: Whether a run on record with the same inputs is taken in place of a new one, each by one item at most:
            equal inputs in one call are runs of their own. Say False for new
            variations, or after the way in which embedded models compute was changed.
        timeout_s: How long to follow each run.
        session: Where to run; by default what `rf.connect` last opened.
        within_budget: False sends them also where they pass a limit.
        common: Inputs that are the same for all.

    Raises:
        InputError: There is nothing to run, or it is of no kind that is taken.
        BudgetError: The runs would pass a limit; nothing was sent.
    """
    warn_of_the_original()
    limit_usd = check_options(concurrency, on_error, budget_usd)
    session = session or current()
    spec = model if isinstance(model, ModelSpec) else spec_of(session, model)
    common = {name: first_output(value) for name, value in common.items()}
    sources = _chained(spec, inputs, common) if isinstance(inputs, Results) else sources_of(spec, inputs, common)
    price = total_of(quote_of(session, spec, given) for _, given in sources)
    if within_budget:
        price = _agreed(session, spec, sources, price, limit_usd, reuse=reuse)
    return Results(
        session,
        spec,
        [Item(index, name, given=given, session=session) for index, (name, given) in enumerate(sources)],
        price=price,
        concurrency=concurrency or min(MOST_AT_ONCE, session.at_once()),
        on_error=on_error,
        reuse=reuse,
        timeout_s=timeout_s,
        within_budget=within_budget,
        in_batches=_in_batches,
    )


def start_batch(model: str | ModelSpec, inputs: Any, /, **options: Any) -> Results:
    """The same as `rf.map`, with up to a hundred runs created in one request, for models whose service takes batches.

    It takes what `rf.map` takes; `concurrency` is how many results are fetched at once. Where the service takes no
    batch, the runs are sent one by one, and `results.note` says so. Each item has a run of its own, and only what
    succeeds is billed; a stop leaves a batch that was created to run to its end.

    Example:
        >>> rf.batch("runflow/background-color", "photos/", color_red=255).result().save("red/")
    """
    return start(model, inputs, _in_batches=True, **options)


def check_options(concurrency: int | None, on_error: str, budget_usd: float | str | Decimal | None) -> Decimal | None:
    """Refuse options that mean nothing; gives the limit as an amount.

    Raises:
        InputError: `field` names the option.
    """
    if concurrency is not None and not (isinstance(concurrency, int) and 1 <= concurrency <= MOST_AT_ONCE):
        raise InputError(f"concurrency is {concurrency!r}; it takes 1 to {MOST_AT_ONCE}.", field="concurrency")
    if on_error not in get_args(OnError):
        raise InputError(f"on_error is {on_error!r}; it takes 'keep', 'raise' or 'stop'.", field="on_error")
    limit_usd = read_money(budget_usd)
    if budget_usd is not None and (limit_usd is None or limit_usd < 0):
        raise InputError(
            f"budget_usd is {budget_usd!r}; it takes an amount in US dollars, 0 or more.", field="budget_usd"
        )
    return limit_usd


def _chained(spec: ModelSpec, earlier: Results, common: dict[str, Any]) -> list[Source]:
    """What other runs make goes in as soon as it is there, the first result of each under its name."""
    name = picture_name(spec)

    def later(index: int) -> Later:
        return Later(lambda: earlier[index])

    return [(item.name, {**common, name: later(item.index)}) for item in earlier.items]


def _agreed(
    session: Session,
    spec: ModelSpec,
    sources: Sequence[Source],
    price: Quote,
    limit_usd: Decimal | None,
    *,
    reuse: bool,
) -> Quote:
    """The price, within the limits; where it seems to pass one, what need not be paid again is taken off first."""
    try:
        check_total(session, price, limit_usd)
    except BudgetError:
        if not reuse or not session.ledger.keys(model=spec.id, service=session.service):
            raise
        known = Known(session, spec)
        left = total_of(quote_of(session, spec, given) for _, given in sources if not _is_known(spec, known, given))
        check_total(session, left, limit_usd)
        return left
    return price


def _is_known(spec: ModelSpec, known: Known, given: dict[str, Any]) -> bool:
    # All inputs are read for this, one at a time; it is done only where the answer is no otherwise.
    try:
        return known.find(gather(spec, given).fingerprint) is not None
    except RunflowError:
        return False
