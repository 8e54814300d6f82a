"""What a notebook is connected to now: one client, one ledger, one budget.

Everything that starts a run asks for `current()`. Opening the first session needs to know both sides, the remote and
the embedded, so it is done by whoever was named with `opens_with`; the package itself names `connect.connect`.
This module imports nothing heavy: it is loaded with the package.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from .errors import BudgetError, ConfigError, InputError

if TYPE_CHECKING:
    from .catalogue import Catalogue, Quote
    from .client import Client
    from .ledger import Ledger
    from .portal import Portal

Where = Literal["embedded", "remote"]


@dataclass(slots=True)
class Budget:
    """How much may be spent before a run is refused."""

    limit_usd: Decimal | None = None
    per: Literal["session", "day"] = "session"
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __repr__(self) -> str:
        return "no limit" if self.limit_usd is None else f"at most ${self.limit_usd} per {self.per}"


@dataclass(slots=True)
class Session:
    """An open connection and all that belongs to it; its repr is the one line that says where runs go."""

    client: Client
    where: Where
    portal: Portal
    ledger: Ledger
    catalogue: Catalogue
    note: str = ""
    closing: list[Callable[[], Awaitable[Any]]] = field(default_factory=list)
    #: How many runs of a map are under way at once, unless that is said.
    at_once: Callable[[], int] = lambda: 4
    #: Where embedded runs are computed, for a sentence; asked anew each time, for workers come and go.
    place: Callable[[], str] = lambda: "in this kernel, on the CPU"

    @property
    def service(self) -> str:
        """The name of the service in the ledger."""
        return "embedded" if self.where == "embedded" else self.client.base_url

    @property
    def label(self) -> str:
        """Where runs go, in one line; every panel repeats it."""
        if self.where == "embedded":
            return f"Embedded: runs are computed {self.place()}, and cost nothing."
        ending = f" with the key …{self.client.key.ending}" if self.client.key else " without a key"
        return f"Remote: runs go to {self.client.base_url}{ending} and are billed there."

    def __repr__(self) -> str:
        return " ".join(part for part in (self.label, self.note) if part)

    def close(self) -> None:
        """End the connection; runs that are under way are left to be resumed."""
        global _current
        with _lock:
            if _current is self:
                _current = None
        closing = self.portal.submit(self._close())
        if self.portal.can_block:
            closing.result(10)
        self.ledger.close()

    async def _close(self) -> None:
        for close in (*self.closing, self.client.close):
            await close()


_lock = threading.RLock()
_current: Session | None = None
_opener: Callable[[], Session] | None = None
_viewer: Callable[[Any], Any] | None = None
_budget = Budget()


def opens_with(opener: Callable[[], Session]) -> None:
    """Say how the first session is opened."""
    global _opener
    _opener = opener


def current() -> Session:
    """The session that runs are started in; opened on first use."""
    with _lock:
        if _current is None:
            if _opener is None:
                raise ConfigError("Nothing is connected.", advice="Call rf.connect() first.")
            use(_opener())
        assert _current is not None
        return _current


def opened() -> Session | None:
    """The current session, if one is open."""
    return _current


def address_of(service: str) -> str:
    """Where others reach a service that a session or a record names; code is written for them.

    The embedded one has no address outside of its process, so it is that of the real one.
    """
    from .wire import DEFAULT_BASE_URL

    return DEFAULT_BASE_URL if service == "embedded" else service


def shows_with(viewer: Callable[[Any], Any]) -> None:
    """Say how a run is shown in a cell; the widgets do it, and nothing below them knows of widgets."""
    global _viewer
    _viewer = viewer


def view_of(run: object) -> Any:
    """What shows a run in a cell; None where nothing was named."""
    return _viewer(run) if _viewer is not None else None


def use(session: Session | None) -> Session | None:
    """Make a session the current one and give back the one before it, still open."""
    global _current
    with _lock:
        before, _current = _current, session
        return before


def budget(
    limit_usd: float | str | Decimal | Literal["unchanged"] | None = "unchanged",
    *,
    per: Literal["session", "day"] = "session",
) -> Budget:
    """Set how much may be spent, or look at what is set; embedded runs cost nothing and are never refused.

    Example:
        >>> rf.budget(2.00, per="day")
        at most $2.00 per day

    Args:
        limit_usd: The limit in US dollars; None lifts it.
        per: A session begins when the package is loaded; a day begins at midnight.
    """
    if limit_usd == "unchanged":
        return _budget
    if per not in ("session", "day"):
        raise InputError(f"per is {per!r}; it takes 'session' or 'day'.", field="per")
    _budget.limit_usd = None if limit_usd is None else _read_limit(limit_usd)
    _budget.per = per
    return _budget


def _read_limit(value: float | str | Decimal) -> Decimal:
    from .wire import read_money

    amount = read_money(value)
    if amount is None or amount < 0:
        raise InputError(f"The limit is {value!r}; it takes an amount in US dollars, 0 or more.", field="limit_usd")
    return amount.quantize(Decimal("0.01")) if amount == amount.quantize(Decimal("0.01")) else amount


def check_budget(session: Session, quote: Quote) -> None:
    """Refuse a run that would pass the limit, naming what was spent and what would be.

    Raises:
        BudgetError: The run was not sent.
    """
    if session.where == "embedded" or _budget.limit_usd is None:
        return
    from .ledger import start_of

    spent = session.ledger.spent_usd(since=start_of(_budget.per, _budget.began))
    if quote.high is None:
        raise BudgetError(
            f"What this run will cost is not known ({quote.note or quote.text}), and a limit is set: {_budget!r}, "
            f"${spent} spent.",
            advice="Lift the limit with rf.budget(None) to send it anyway.",
        )
    if spent + quote.high > _budget.limit_usd:
        raise BudgetError(
            f"This run costs {quote.text}; with ${spent} spent that passes the limit ({_budget!r}). It was not sent.",
            advice="Raise the limit with rf.budget(…) if that is what you want.",
        )
