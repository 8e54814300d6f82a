"""What travels between the client and the service: paths, JSON keys, statuses.

Reading is lenient on purpose. Each class keeps the JSON it was read from in `raw`; unknown keys and unknown
statuses never raise, because a client must outlive the service it was written for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from .errors import InputError

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


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping(value: object) -> Json:
    return dict(value) if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number else None


@dataclass(frozen=True, slots=True)
class OutputLink:
    """One thing that a run made: where it lies, and what the service says it is."""

    url: str
    kind: str = "image"
    width: int | None = None
    height: int | None = None
    key: str = "outputs"


def output_links(output: object) -> tuple[OutputLink, ...]:
    """Every link in a run's output, in order, for both families of output and for keyed lists."""
    return tuple(_links_of("outputs", output))


_LINK_SCHEMES = ("https://", "http://", "data:", ASSET_SCHEME)
_NOT_RESULTS = frozenset({"seed", "timing", "nsfw_detected", "error"})


def _links_of(key: str, value: object) -> Iterator[OutputLink]:
    if isinstance(value, str):
        if value.startswith(_LINK_SCHEMES):
            yield OutputLink(value, _kind_of(key, value), key=key)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _links_of(key, entry)
    elif isinstance(value, Mapping):
        url = value.get("url")
        if isinstance(url, str) and url.startswith(_LINK_SCHEMES):
            kind = _text(value.get("type")) or _kind_of(key, url)
            yield OutputLink(url, kind, _whole(value.get("width")), _whole(value.get("height")), key=key)
        else:
            for name, entry in value.items():
                if name not in _NOT_RESULTS:
                    yield from _links_of(str(name), entry)


def _kind_of(key: str, url: str) -> str:
    if url.startswith("data:"):
        return url[5:].split("/", 1)[0] or "file"
    ending = urlsplit(url).path.rpartition(".")[2].lower()
    kinds = {"mp4": "video", "webm": "video", "mov": "video", "mp3": "audio", "wav": "audio", "zip": "file"}
    if "video" in key or "audio" in key:
        return "video" if "video" in key else "audio"
    return kinds.get(ending, "image")


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as the service last described it.

    `model` is what we asked for: the service names its models by uuid in a run, so the id is carried along.
    `progress` runs from 0 to 1 and is known for embedded runs only.
    """

    id: str
    status: str = "queued"
    model: str | None = None
    input: Json = field(default_factory=dict)
    output: Json | None = None
    cost: Decimal | None = None
    duration_ms: float | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    client_ref: str | None = None
    metadata: Json | None = None
    request_id: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    failure_stage: str | None = None
    progress: float | None = None
    note: str | None = None
    raw: Json = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_terminal(self) -> bool:
        """Whether nothing will change any more; a status nobody knows is waited through."""
        return self.status in TERMINAL

    @property
    def succeeded(self) -> bool:
        """Whether there is a result, if only a part of it (`partial_succeeded`)."""
        return self.status in SUCCEEDED

    @property
    def links(self) -> tuple[OutputLink, ...]:
        """Where the results lie."""
        return output_links(self.output)

    @classmethod
    def read(cls, raw: Mapping[str, Any], *, model: str | None = None) -> RunState:
        """Read a run object of the API, whichever of its known spellings is used."""
        context = _mapping(raw.get("context"))
        error = _mapping(raw.get("error"))
        output = raw.get("output")
        progress = _number(context.get("progress"))
        return cls(
            id=str(raw.get("id") or raw.get("run_id") or ""),
            status=str(raw.get("status_code") or raw.get("status") or "queued"),
            model=model or _text(raw.get("model")) or _text(context.get("model")),
            input=_mapping(raw.get("input")),
            output=dict(output) if isinstance(output, Mapping) else None,
            cost=read_money(raw.get("cost")),
            duration_ms=_number(raw.get("duration_ms")),
            created_at=read_time(raw.get("created_at")),
            started_at=read_time(raw.get("started_at")),
            completed_at=read_time(raw.get("completed_at") or raw.get("finished_at")),
            client_ref=_text(raw.get("client_ref")),
            metadata=_mapping(raw.get("metadata")) or None,
            request_id=_text(raw.get("request_id")),
            failure_code=_text(raw.get("failure_code")) or _text(error.get("code")),
            failure_message=_text(raw.get("failure_message"))
            or _text(error.get("message"))
            or _text(raw.get("failure_reason"))
            or _text(raw.get("error")),
            failure_stage=_text(raw.get("failure_stage_code")) or _text(raw.get("failure_stage")),
            progress=None if progress is None else min(1.0, max(0.0, progress)),
            note=_text(context.get("note")),
            raw=dict(raw),
        )

    @classmethod
    def from_callback(cls, payload: Mapping[str, Any]) -> RunState:
        """Read the envelope that is posted to a `callback_url`; on failure its output is the error."""
        state = dict(payload)
        output = _mapping(payload.get("output"))
        status = str(payload.get("status") or "")
        if status in FAILED:
            error = _mapping(output.get("error")) or output
            state.update(output=None, failure_code=error.get("code"), failure_message=error.get("message"))
        return cls.read(state)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that lies with the service; give it to a model as it is."""

    id: str
    name: str = ""
    mime_type: str = ""
    size_bytes: int = 0
    url: str | None = field(default=None, repr=False)
    raw: Json = field(default_factory=dict, repr=False, compare=False)

    @property
    def ref(self) -> str:
        """The stable reference: `runflow://assets/{id}`."""
        return f"{ASSET_SCHEME}{self.id}"

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Asset:
        """Read an asset of the API."""
        size = _number(raw.get("size_bytes")) or 0
        return cls(
            id=str(raw.get("id") or ""),
            name=str(raw.get("name") or ""),
            mime_type=str(raw.get("mime_type") or ""),
            size_bytes=int(size),
            url=_text(raw.get("url")),
            raw=dict(raw),
        )


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One input of a batch and what became of it."""

    id: str
    index: int
    status: str
    run_id: str | None = None
    client_ref: str | None = None
    output: Json | None = None
    raw: Json = field(default_factory=dict, repr=False, compare=False)

    @property
    def links(self) -> tuple[OutputLink, ...]:
        """Where the results lie."""
        return output_links(self.output)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> BatchItem:
        """Read a batch item of the API."""
        output = raw.get("output")
        return cls(
            id=str(raw.get("id") or ""),
            index=int(_number(raw.get("sequence_index")) or 0),
            status=str(raw.get("status_code") or "queued"),
            run_id=_text(raw.get("run_id")),
            client_ref=_text(raw.get("client_ref")),
            output=dict(output) if isinstance(output, Mapping) else None,
            raw=dict(raw),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Many inputs for one model, sent and billed together."""

    id: str
    status: str
    total: int
    succeeded: int
    failed: int
    cancelled: int
    items: tuple[BatchItem, ...] = ()
    cost: Decimal | None = None
    raw: Json = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_terminal(self) -> bool:
        """Whether every item is over."""
        return self.status in TERMINAL

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Batch:
        """Read a batch of the API."""

        def count(name: str) -> int:
            return int(_number(raw.get(f"items_{name}")) or 0)

        items = raw.get("items")
        return cls(
            id=str(raw.get("id") or ""),
            status=str(raw.get("status_code") or "queued"),
            total=count("total"),
            succeeded=count("succeeded"),
            failed=count("failed"),
            cancelled=count("cancelled"),
            items=tuple(BatchItem.read(item) for item in items) if isinstance(items, list) else (),
            cost=read_money(raw.get("cost")),
            raw=dict(raw),
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """One callback and every attempt to bring it home."""

    id: str
    run_id: str
    callback_url: str
    status: str
    attempts: tuple[Json, ...] = ()
    payload: Json = field(default_factory=dict)
    raw: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Delivery:
        """Read a callback delivery of the API."""
        attempts = raw.get("attempts")
        return cls(
            id=str(raw.get("id") or ""),
            run_id=str(raw.get("run_id") or ""),
            callback_url=str(raw.get("callback_url") or ""),
            status=str(raw.get("status_code") or ""),
            attempts=tuple(_mapping(attempt) for attempt in attempts) if isinstance(attempts, list) else (),
            payload=_mapping(raw.get("payload")),
            raw=dict(raw),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the cursors to its neighbours."""

    items: tuple[Json, ...]
    next: str | None = None
    previous: str | None = None
    raw: Json = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, raw: object) -> Page:
        """Read a list answer; both spellings of the cursors are known, and a bare array is one page."""
        if isinstance(raw, list):
            return cls(tuple(_mapping(item) for item in raw))
        envelope = _mapping(raw)
        items = envelope.get("items")
        return cls(
            tuple(_mapping(item) for item in items) if isinstance(items, list) else (),
            next=_cursor(envelope.get("next") or envelope.get("next_pq")),
            previous=_cursor(envelope.get("previous") or envelope.get("prev_pq")),
            raw=envelope,
        )


def _cursor(value: object) -> str | None:
    """A cursor comes bare, or inside the query of a whole address."""
    text = _text(value)
    if text is None or "pq=" not in text:
        return text
    query = urlsplit(text).query or text.lstrip("?")
    return (parse_qs(query).get("pq") or [text])[0]
