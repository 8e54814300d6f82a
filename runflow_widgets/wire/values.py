"""The small things that travel: paths, statuses, times, money, and lenient reading of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite
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

#: The longest text of a service that is shown to a person, and the longest name.
MOST_SENTENCE: Final = 4000
MOST_NAME: Final = 300
_MOST_DIGITS: Final = 40
_MOST_STEM: Final = 80
_DAY: Final = timedelta(days=1)
#: They join letters of some scripts, and the parts of an emoji.
_JOINERS: Final = "\u200c\u200d\ufe0f"

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


def plain_name(text: str, otherwise: str = "run") -> str:
    """A name for a file or a folder, made of whatever a stranger calls something; it leads nowhere and is not too long.

    >>> plain_name("../../Bria: remove?")
    'Bria-remove'
    """
    return re.sub(r"[^\w.-]+", "-", text, flags=re.ASCII).strip("-.")[:_MOST_STEM].rstrip("-.") or otherwise


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
        moment = datetime.fromisoformat(value[:64])
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        # At the ends of the calendar there is no such moment in other zones.
        moment.astimezone(UTC), moment - _DAY, moment + _DAY
    except (ValueError, OverflowError):
        return None
    return moment


def write_time(moment: datetime) -> str:
    """Milliseconds and `+00:00`, as the service writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def read_money(value: object) -> Decimal | None:
    """A decimal string or number; anything else is not money."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        text = str(value)
        amount = Decimal(text)
    except (InvalidOperation, ValueError):
        return None
    # 1e999999999 is finite too, and written out it would fill the memory.
    return (
        amount if len(text) <= _MOST_DIGITS and amount.is_finite() and abs(amount.adjusted()) <= _MOST_DIGITS else None
    )


def read_text(value: object) -> str | None:
    """A text that is not empty, or nothing."""
    return value if isinstance(value, str) and value else None


def read_sentence(value: object) -> str | None:
    """A text for people, or nothing: not too long, and without signs that steer a terminal or turn a line around."""
    text = read_text(value)
    return None if text is None else tame(text)


def tame(text: str, most: int = MOST_SENTENCE) -> str:
    """A stranger's text without control signs and directions of writing, cut where it is too long to be read."""
    cut = text[:most]
    if not cut.isprintable():
        cut = "".join(sign if sign.isprintable() or sign in "\n\t" or sign in _JOINERS else " " for sign in cut)
    return cut if len(text) <= most else f"{cut}…"


def read_mapping(value: object) -> Json:
    """An object, or an empty one."""
    return dict(value) if isinstance(value, Mapping) else {}


def read_number(value: object) -> float | None:
    """A number, or nothing; true and false are none, and neither is what no float can hold."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def read_whole(value: object) -> int | None:
    """A whole number that is not zero, or nothing."""
    number = read_number(value)
    return int(number) if number else None
