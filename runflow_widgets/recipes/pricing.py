"""What a recipe costs: by step and in all, and less what is on record already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..catalogue import Quote
from ..client import gather
from ..errors import BudgetError, RunflowError
from ..following import quote_of, spec_of
from ..ledger import Entry
from ..many.joint import Joint
from ..many.pricing import check_total, total_of
from ..many.reuse import Claim, is_finished
from ..many.sending import Later
from ..many.sources import Source
from ..result import Output
from ..session import Session
from ..wire import Json
from .step import Of, Step
from .told import price_words


@dataclass(frozen=True, slots=True)
class RecipeQuote:
    """What a recipe costs for so many pictures: by step, and in all.

    Example:
        >>> print(rf.Recipe.named("shop").quote(40))
    """

    name: str
    count: int
    steps: Mapping[str, Quote]
    total: Quote

    @property
    def text(self) -> str:
        """The total as people read it."""
        return price_words(self.total)

    def __str__(self) -> str:
        pictures = f"{self.count:,} picture{'' if self.count == 1 else 's'}"
        lines = [f"{self.name}, {pictures}: {self.text}"]
        lines += [f"  {name}: {price_words(quote)}" for name, quote in self.steps.items()]
        return "\n".join(lines)

    __repr__ = __str__


def price_by_step(session: Session, name: str, steps: Sequence[Step], count: int) -> RecipeQuote:
    """The price of each step for a number of pictures, and of all."""
    return RecipeQuote(
        name,
        count,
        {step.name: total_of([quote_of_step(session, step)] * count) for step in steps},
        total_of(quote_of_step(session, step) for step in steps for _ in range(count)),
    )


def quote_of_step(session: Session, step: Step) -> Quote:
    """What a step costs for one picture."""
    return quote_of(session, spec_of(session, step.model), step.inputs)


def agreed(
    session: Session,
    recipe: str,
    steps: Sequence[Step],
    sources: Sequence[Source],
    limit_usd: Decimal | None,
    *,
    reuse: bool,
) -> Quote:
    """The price of all, within the limits; where it seems to pass one, what is paid for already is taken off first.

    Raises:
        BudgetError: It passes a limit.
    """
    price = price_by_step(session, recipe, steps, len(sources)).total
    try:
        check_total(session, price, limit_usd)
    except BudgetError:
        if not reuse:
            raise
        price = total_of(quote_of_step(session, step) for step in _missing(session, recipe, steps, sources))
        check_total(session, price, limit_usd)
    return price


def _missing(session: Session, recipe: str, steps: Sequence[Step], sources: Sequence[Source]) -> Iterator[Step]:
    """Each step that has to be paid for, once for each picture; the pictures are read for this, one at a time."""
    joint = Joint(session, 1)
    names = frozenset(step.name for step in steps)
    for name, given in sources:
        at_hand: Json = {key: value for key, value in given.items() if not isinstance(value, Later)}
        for step in steps:
            claim = Claim(recipe, step.name, name, names - {step.name})
            entry = _on_record(session, joint, step, at_hand, claim)
            if entry is None:
                yield step
            elif is_finished(entry):
                at_hand[step.name] = Output.at(Path(entry.files[0]), entry)


def _on_record(session: Session, joint: Joint, step: Step, at_hand: Json, claim: Claim) -> Entry | None:
    """The run of a step that need not be sent again; that of a step whose pictures are not there yet is not known."""
    if any(name not in at_hand for name in step.takes):
        return None
    spec = spec_of(session, step.model)
    try:
        return joint.known(spec).find(gather(spec, given_to(step, at_hand)).fingerprint, claim)
    except RunflowError:
        return None


def given_to(step: Step, pictures: Mapping[str, Any]) -> Json:
    """The inputs of a step, with pictures from where it takes them."""

    def picture(of: Of) -> Any:
        return pictures[of] if isinstance(of, str) else [pictures[name] for name in of]

    return {**step.inputs, **{name: picture(of) for name, of in step.of.items()}}


def total_of_open(session: Session, steps: Iterable[Step]) -> Quote:
    """What these steps cost, each for one picture."""
    return total_of(quote_of_step(session, step) for step in steps)
