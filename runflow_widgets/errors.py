"""Everything that can go wrong, in one tree.

::

    RunflowError              run_id, key, request_id, advice
    ├── ConfigError           no key, an unknown setting, a client used in the wrong place
    ├── InputError            a value that cannot be sent; `field` names it
    ├── BudgetError           the run would pass the limit set with `rf.budget`
    ├── ApiError              the service refused; status, code, fields
    │   ├── AuthError         401, 403
    │   ├── CreditError       402
    │   ├── NotFoundError     404
    │   ├── ConflictError     409
    │   ├── RejectedError     400, 413, 415, 422: the request itself is wrong
    │   ├── RateLimited       429; retry_after_s
    │   └── ServiceError      5xx
    ├── TransportError        no answer; `sent` tells whether the request may have arrived
    ├── RunError              the run ended, but not well; `state` holds all that is known
    │   ├── RunFailed
    │   ├── RunCancelled
    │   └── RunTimeout        we stopped waiting; the run itself may go on
    ├── OutputError           a result could not be fetched or is not what it says
    │   └── OutputExpired     the link is no longer valid, also after signing it anew
    ├── SignatureError        a callback that Runflow did not sign
    └── LedgerError           the local record of runs cannot be used
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "ApiError",
    "AuthError",
    "BudgetError",
    "ConfigError",
    "ConflictError",
    "CreditError",
    "InputError",
    "LedgerError",
    "NotFoundError",
    "OutputError",
    "OutputExpired",
    "RateLimited",
    "RejectedError",
    "RunCancelled",
    "RunError",
    "RunFailed",
    "RunTimeout",
    "RunflowError",
    "ServiceError",
    "SignatureError",
    "TransportError",
]


class RunflowError(Exception):
    """Anything this package raises on purpose.

    Args:
        message: One sentence: what was found.
        advice: One sentence: what would do.
        run_id: The run it is about, once the service has named it.
        key: Our own key of the run (its `client_ref`): with it a paid run can always be found again.
        request_id: What the service's support will ask for.
    """

    def __init__(
        self,
        message: str,
        *,
        advice: str = "",
        run_id: str | None = None,
        key: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.run_id = run_id
        self.key = key
        self.request_id = request_id

    def __str__(self) -> str:
        known = {"run": self.run_id, "key": self.key, "request": self.request_id}
        trace = ", ".join(f"{name} {value}" for name, value in known.items() if value)
        return " ".join(part for part in (self.message, self.advice, f"({trace})" if trace else "") if part)


class ConfigError(RunflowError):
    """The library is set up in a way that cannot work."""


class InputError(RunflowError):
    """A value was refused before anything was sent."""

    def __init__(self, message: str, *, field: str | None = None, advice: str = "", **known: Any) -> None:
        super().__init__(message, advice=advice, **known)
        self.field = field


class BudgetError(RunflowError):
    """The run was not sent: it would pass the limit set with `rf.budget`."""


class ApiError(RunflowError):
    """The service answered, and the answer was no.

    Attributes:
        status: The HTTP status.
        code: The service's machine-readable code, where it gave one.
        fields: For a rejected request, what is wrong with which field.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        fields: Mapping[str, str] | None = None,
        **known: Any,
    ) -> None:
        super().__init__(message, **known)
        self.status = status
        self.code = code
        self.fields = dict(fields or {})


class AuthError(ApiError):
    """The key is missing, wrong, or lacks a scope."""


class CreditError(ApiError):
    """The account has no money left."""


class NotFoundError(ApiError):
    """There is no such model, run or asset, or it belongs to somebody else."""


class ConflictError(ApiError):
    """The same key was used for another request."""


class RejectedError(ApiError):
    """The request is wrong as it stands; sending it again will not help."""


class RateLimited(ApiError):
    """Too many requests; `retry_after_s` says when to come back, if the service said so."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, **known: Any) -> None:
        super().__init__(message, **known)
        self.retry_after_s = retry_after_s


class ServiceError(ApiError):
    """The service failed, or the model is not available now."""


class TransportError(RunflowError):
    """No answer came back.

    Attributes:
        sent: False if the request provably never left; True if it may have arrived.
    """

    def __init__(self, message: str, *, sent: bool, **known: Any) -> None:
        super().__init__(message, **known)
        self.sent = sent


class RunError(RunflowError):
    """The run is over without a result; `state` holds the last that is known of it."""

    def __init__(self, message: str, *, state: Any = None, **known: Any) -> None:
        super().__init__(message, **known)
        self.state = state


class RunFailed(RunError):
    """The service reports that the run failed; a failed run is not billed."""


class RunCancelled(RunError):
    """The run was cancelled."""


class RunTimeout(RunError):
    """Waiting took longer than allowed; the run may still finish and be billed."""


class OutputError(RunflowError):
    """A result could not be fetched, or it is not what it says it is."""


class OutputExpired(OutputError):
    """The link to a result is no longer valid."""


class SignatureError(RunflowError):
    """The callback does not carry a valid signature."""


class LedgerError(RunflowError):
    """The local record of runs cannot be read or written."""
