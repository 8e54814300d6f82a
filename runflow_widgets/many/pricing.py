"""What many runs cost together, known and agreed to before the first is sent."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ..catalogue import Quote
from ..errors import BudgetError
from ..ledger import start_of
from ..session import Session, budget


def total_of(quotes: Iterable[Quote]) -> Quote:
    """The sum: exact or a range where every price is known, else at least what is; unknown where none is."""
    low, high = Decimal(0), Decimal(0)
    unknown = open_ended = 0
    notes: set[str] = set()
    count = 0
    for quote in quotes:
        count += 1
        unknown += quote.low is None
        open_ended += quote.high is None
        low += quote.low or 0
        high += quote.high or 0
        if quote.note and len(notes) < 2:
            notes.add(quote.note)
    runs = f"{count:,} run{'' if count == 1 else 's'}"
    note = f"{runs}, {notes.pop()}" if len(notes) == 1 else runs
    if unknown and unknown == count:
        return Quote(note=note)
    return Quote(low, None if open_ended else high, note)


def check_total(session: Session, total: Quote, limit_usd: Decimal | None) -> None:
    """Refuse runs that together would pass the limit of this call or of the session.

    Raises:
        BudgetError: Nothing was sent.
    """
    if session.where == "embedded":
        return
    if limit_usd is not None:
        _check(total, Decimal(0), limit_usd, f"at most ${limit_usd} for this call")
    own = budget()
    if own.limit_usd is not None:
        spent = session.ledger.spent_usd(since=start_of(own.per, own.began))
        _check(total, spent, own.limit_usd, repr(own))


def _check(total: Quote, spent: Decimal, limit_usd: Decimal, limit: str) -> None:
    if total.high is None:
        raise BudgetError(
            f"What these runs will cost together is not known ({total.text}; {total.note}), and a limit is set: "
            f"{limit}, ${spent} spent. Nothing was sent.",
            advice="within_budget=False sends them all the same.",
        )
    if spent + total.high > limit_usd:
        raise BudgetError(
            f"These runs cost {total.text} ({total.note}); with ${spent} spent that passes the limit ({limit}). "
            "Nothing was sent.",
            advice="Raise the limit, send fewer, or send them all the same with within_budget=False.",
        )
