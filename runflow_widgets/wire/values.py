"""The small things that travel: paths, statuses, times, money, and lenient reading of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import quote, unquote

from ..errors import InputError

Json = dict[str, Any]

DEFAULT_BASE_URL: Final = "https://api.runflow.io"
MAX_UPLOAD_BYTES: Final = 52_428_800
MAX_CLIENT_REF: Final = 255
MAX_CALLBACK_URL: Final = 2048
MAX_BATCH_ITEMS: Final = 100
ASSET_SCHEME: Final = "runflow://assets/"

#: Our own hint: how soon the service would like to be asked again. Only the embedded service sends it.
POLL_HINT_HEADER: Final = "runflow-poll-after-ms"

IN_ORDER: Final = ("queued", "dispatching", "running")
SUCCEEDED: Final = frozenset({"succeeded", "partial_succeeded"})
CANCELLED: Final = frozenset({"canceled", "cancelled"})
FAILED: Final = frozenset({"failed", "errored"})
TERMINAL: Final = SUCCEEDED | CANCELLED | FAILED


def model_path(model_id: str, tail: str = "") -> str:
    """The path of a model: each segment encoded by itself, so that no id can leave its place.

    >>> model_path("bria/background/remove", "runs")
    '/v1/models/bria/background/remove/runs'
    """
    segments = model_id.split("/")
    if len(segments) < 2 or any(unquote(segment).strip() in ("", ".", "..") for segment in segments):
        raise InputError(f"{model_id!r} is not a model id; one looks like runflow/tag-removal", field="model")
    path = "/v1/models/" + "/".join(quote(segment, safe="") for segment in segments)
    return f"{path}/{tail}" if tail else path


def item_path(collection: str, item_id: str, tail: str = "") -> str:
    """The path of one item, for instance `item_path("runs", id, "logs")`; the id is one segment, whatever is in it."""
    if unquote(item_id).strip() in ("", ".", ".."):
        raise InputError(f"{item_id!r} is not an id")
    path = f"/v1/{collection}/{quote(item_id, safe='')}"
    return f"{path}/{tail}" if tail else path


def nested_path(collection: str, item_id: str, inner: str, inner_id: str, tail: str = "") -> str:
    """The path of an item within an item, for instance one line of a run's log."""
    return item_path(collection, item_id) + item_path(inner, inner_id, tail).removeprefix("/v1")


def read_time(value: object) -> datetime | None:
    """ISO 8601 in any of the spellings in use; a time without a zone is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def write_time(moment: datetime) -> str:
    """Milliseconds and `+00:00`, as the service writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def read_money(value: object) -> Decimal | None:
    """A decimal string or number; anything else is not money."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def read_text(value: object) -> str | None:
    """A text that is not empty, or nothing."""
    return value if isinstance(value, str) and value else None


def read_mapping(value: object) -> Json:
    """An object, or an empty one."""
    return dict(value) if isinstance(value, Mapping) else {}


def read_number(value: object) -> float | None:
    """A number, or nothing; true and false are none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def read_whole(value: object) -> int | None:
    """A whole number that is not zero, or nothing."""
    number = read_number(value)
    return int(number) if number else None
