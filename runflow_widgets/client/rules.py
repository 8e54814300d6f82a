"""The rules of talking to the service, without any I/O: what to resend, how long to wait, what went wrong."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from ..errors import (
    ApiError,
    AuthError,
    ConflictError,
    CreditError,
    NotFoundError,
    RateLimited,
    RejectedError,
    ServiceError,
)
from ..wire import MOST_NAME, tame

ATTEMPTS: Final = 5
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 32.0
#: Of a refusal that names more fields than a model has, the first are shown.
_MOST_FIELDS: Final = 50
#: A service that asks for more patience than this is not waited for; the caller is told instead.
LONGEST_RETRY_AFTER_S: Final = 120.0

POLL_SHARE_OF_AGE: Final = 0.10
POLL_SHORTEST_S: Final = 0.25
POLL_LONGEST_S: Final = 3.0
POLL_JITTER: Final = 0.2
#: In the same process an answer costs half a millisecond, so the embedded service may name a shorter pause.
POLL_SHORTEST_HINT_S: Final = 0.02


#: Not the generator of the module: whoever has seeded that for an experiment must find it as it was left.
_JITTER: Final = random.Random()  # noqa: S311  # spreads requests in time, and guards nothing


@dataclass(frozen=True, slots=True)
class Pace:
    """How time passes for a client; tests set `scale=0` and wait for nothing."""

    scale: float = 1.0
    chance: Callable[[], float] = _JITTER.random

    async def pause(self, seconds: float) -> None:
        """Let that much time pass."""
        await asyncio.sleep(seconds * self.scale)

    def back_off_s(self, attempt: int) -> float:
        """How long to wait after the given failed attempt (1, 2, …): doubling, with up to a second of jitter."""
        return float(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1)) + self.chance())

    def poll_s(self, age_s: float, hint_ms: float | None = None) -> float:
        """How long to wait before asking again: a tenth of the run's age, so that lateness stays near 5 %."""
        if hint_ms is not None and hint_ms >= 0:
            pause = min(POLL_LONGEST_S, max(POLL_SHORTEST_HINT_S, hint_ms / 1000))
        else:
            pause = min(POLL_LONGEST_S, max(POLL_SHORTEST_S, age_s * POLL_SHARE_OF_AGE))
        return pause * (1 + POLL_JITTER * (2 * self.chance() - 1))


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that `Retry-After` names; its date form is ignored, since clocks differ."""
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def read_number(headers: Mapping[str, str], name: str) -> float | None:
    """A header that should be a number, or nothing."""
    try:
        number = float(headers.get(name, ""))
    except ValueError:
        return None
    return number if isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error answer says, whichever of its known shapes it has."""

    code: str | None
    message: str
    fields: Mapping[str, str]


def read_refusal(body: object) -> Refusal:
    """Read an error body: the documented envelope, a nested or flat `error`, or a bare `detail`."""
    if not isinstance(body, Mapping):
        text = tame(" ".join(body.split())[:300]) if isinstance(body, str) else ""
        return Refusal(None, text, {})
    error = body.get("error")
    inner: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    detail = body.get("detail")
    code = body.get("code") or inner.get("code")
    message = body.get("message") or inner.get("message") or (error if isinstance(error, str) else None)
    if message is None and isinstance(detail, str):
        message = detail
    entries = body.get("errors") or inner.get("errors") or (detail if isinstance(detail, list) else None)
    fields = _read_fields(entries) if isinstance(entries, list) else {}
    if message is None and fields:
        message = "The service refused the input."
    return Refusal(tame(str(code), MOST_NAME) if code else None, tame(str(message or "")), fields)


def _read_fields(entries: Sequence[object]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for entry in entries[:_MOST_FIELDS]:
        if isinstance(entry, Mapping):
            name = tame(field_of(entry.get("loc")), MOST_NAME)
            says = tame(str(entry.get("msg") or entry.get("message") or "is not accepted"), MOST_NAME)
            fields[name] = f"{fields[name]}; {says}" if name in fields else says
    return fields


def field_of(loc: object) -> str:
    """The field that a `loc` path means: `["body", "input", "config", "aspect_ratio"]` is `config.aspect_ratio`."""
    parts = [str(part) for part in loc] if isinstance(loc, list | tuple) else [str(loc)] if loc else []
    if parts[:1] == ["body"]:
        parts = parts[1:]
    if parts[:1] == ["input"] and len(parts) > 1:
        parts = parts[1:]
    return ".".join(parts)


_ADVICE: Final = {
    400: "The request could not be read; please report this.",
    401: "Check the key: argument `key`, or the variable RUNFLOW_API_KEY.",
    402: "Top up the account; nothing was run and nothing was billed.",
    403: "The key lacks a permission for this; make one with more scopes.",
    404: "Check the name or id; it may belong to another organisation.",
    409: "The same key was already used for another request.",
    413: "Make the file smaller, or host it yourself and pass its URL.",
    429: "Wait a little and try again.",
}
_KINDS: Final[Mapping[int, type[ApiError]]] = {
    400: RejectedError,
    401: AuthError,
    402: CreditError,
    403: AuthError,
    404: NotFoundError,
    409: ConflictError,
    413: RejectedError,
    415: RejectedError,
    422: RejectedError,
}


def error_of(status: int, headers: Mapping[str, str], body: object, **known: Any) -> ApiError:
    """The error for an answer that is not a success.

    Args:
        status: The HTTP status.
        headers: The answer's headers.
        body: The decoded JSON, or the text if it was none.
        known: What else is known: run_id, key.
    """
    refusal = read_refusal(body)
    says = refusal.message or f"The service answered {status} without a reason."
    if refusal.fields:
        faults = "; ".join(f"{name or 'input'}: {text}" for name, text in refusal.fields.items())
        says = f"{says.rstrip('.')}: {faults}"
    known.setdefault("request_id", _request_id(headers))
    details: dict[str, Any] = {
        "status": status,
        "code": refusal.code,
        "fields": refusal.fields,
        "advice": _ADVICE.get(status, "Try again later." if status >= 500 else ""),
        **known,
    }
    if status == 429:
        return RateLimited(says, retry_after_s=read_retry_after(headers), **details)
    kind = _KINDS.get(status, ServiceError if status >= 500 else RejectedError)
    return kind(says, **details)


def _request_id(headers: Mapping[str, str]) -> str | None:
    wanted = ("runflow-request-id", "x-request-id")
    return next((tame(value, MOST_NAME) for name, value in headers.items() if name.lower() in wanted), None)


#: Nothing was done, and nothing else will be by asking again.
_CERTAIN: Final = frozenset({"MODEL_UNAVAILABLE", "INSUFFICIENT_STORAGE"})


def may_repeat(error: Exception, *, idempotent: bool) -> bool:
    """Whether sending the same request again cannot do anything twice.

    A request that never left, or that was refused for its pace, did nothing. Anything else may be repeated only if
    doing it twice is the same as doing it once.
    """
    if isinstance(error, RateLimited):
        return error.retry_after_s is None or error.retry_after_s <= LONGEST_RETRY_AFTER_S
    if getattr(error, "sent", None) is False:
        return True
    if not idempotent:
        return False
    return hasattr(error, "sent") or (isinstance(error, ServiceError) and error.code not in _CERTAIN)


def outcome_unknown(error: Exception) -> bool:
    """Whether a request that creates something may have done so although no good answer came back."""
    if isinstance(error, ServiceError):
        return error.code not in _CERTAIN
    return getattr(error, "sent", False) is True
