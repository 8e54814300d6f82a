"""What else the service keeps: files, batches, deliveries, pages of lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .run_state import OutputLink, output_links
from .values import ASSET_SCHEME, MOST_NAME, TERMINAL, Json, read_mapping, read_money, read_number, read_text, tame


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
        size = read_number(raw.get("size_bytes")) or 0
        return cls(
            id=str(raw.get("id") or ""),
            name=tame(str(raw.get("name") or ""), MOST_NAME),
            mime_type=str(raw.get("mime_type") or ""),
            size_bytes=int(size),
            url=read_text(raw.get("url")),
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
            index=int(read_number(raw.get("sequence_index")) or 0),
            status=str(raw.get("status_code") or "queued"),
            run_id=read_text(raw.get("run_id")),
            client_ref=read_text(raw.get("client_ref")),
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
            return int(read_number(raw.get(f"items_{name}")) or 0)

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
            attempts=tuple(read_mapping(attempt) for attempt in attempts) if isinstance(attempts, list) else (),
            payload=read_mapping(raw.get("payload")),
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
            return cls(tuple(read_mapping(item) for item in raw))
        envelope = read_mapping(raw)
        items = envelope.get("items")
        return cls(
            tuple(read_mapping(item) for item in items) if isinstance(items, list) else (),
            next=_cursor(envelope.get("next") or envelope.get("next_pq")),
            previous=_cursor(envelope.get("previous") or envelope.get("prev_pq")),
            raw=envelope,
        )


def _cursor(value: object) -> str | None:
    """A cursor comes bare, or inside the query of a whole address."""
    text = read_text(value)
    if text is None or "pq=" not in text:
        return text
    try:
        query = urlsplit(text).query or text.lstrip("?")
    except ValueError:
        return text
    return (parse_qs(query).get("pq") or [text])[0]
