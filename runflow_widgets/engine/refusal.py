"""A request that is refused: the one error envelope of the service, as an exception."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ..wire import Json

CODES: Final = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    402: "INSUFFICIENT_CREDIT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMITED",
    503: "MODEL_UNAVAILABLE",
}

Location = Sequence[str | int]


class Refusal(Exception):
    """Answer this request with a 4xx, 503 or 507 and say why."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        errors: Sequence[Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code or CODES.get(status, "ERROR")
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})

    @property
    def envelope(self) -> Json:
        """The body of the answer."""
        return {"code": self.code, "message": self.message, "errors": None if self.errors is None else [*self.errors]}


_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_NOT_OURS: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def no_room(error: BaseException) -> str | None:
    """What a person should know where something could not be written for want of room or of leave; None for others."""
    if isinstance(error, sqlite3.OperationalError):
        says = str(error)
        full, closed = "full" in says or "disk I/O" in says, "readonly" in says or "unable to open" in says
    else:
        number = getattr(error, "errno", None)
        full, closed = number in _NO_ROOM, number in _NOT_OURS
    if full:
        return f"There is no room left on the disk where runs are kept ({error}); free some, and run it again."
    return f"The folder where runs are kept cannot be written ({error})." if closed else None


def unwritable(error: BaseException) -> Refusal | None:
    """A 507 where the disk is the matter; None for any other mistake."""
    sentence = no_room(error)
    return None if sentence is None else Refusal(507, sentence, code="INSUFFICIENT_STORAGE")


def problem(loc: Location, message: str, kind: str = "value_error") -> Json:
    """One entry of a 422's `errors`."""
    return {"loc": [*loc], "msg": message, "type": kind}


def invalid(problems: Iterable[Json]) -> Refusal:
    """A 422; its message is the first problem's."""
    found = [*problems]
    more = f" ({len(found) - 1} more in `errors`)" if len(found) > 1 else ""
    return Refusal(422, f"{found[0]['msg']}{more}", errors=found)


def one_invalid(loc: Location, message: str, kind: str = "value_error") -> Refusal:
    """A 422 about a single place."""
    return invalid([problem(loc, message, kind)])


def text_path(path: str) -> list[Any]:
    """A field's path as a location: `image_urls.0` is `["image_urls", 0]`."""
    return [int(part) if part.isdecimal() and len(part) < 6 else part for part in path.split(".")]
