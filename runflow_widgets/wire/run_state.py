"""A run as the service describes it, and the links in what it made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from .values import (
    ASSET_SCHEME,
    FAILED,
    MOST_NAME,
    SUCCEEDED,
    TERMINAL,
    Json,
    read_mapping,
    read_money,
    read_number,
    read_sentence,
    read_text,
    read_time,
    read_whole,
    tame,
)


@dataclass(frozen=True, slots=True)
class OutputLink:
    """One thing that a run made: where it lies, and what the service says it is."""

    url: str
    kind: str = "image"
    width: int | None = None
    height: int | None = None
    key: str = "outputs"


def output_links(output: object) -> tuple[OutputLink, ...]:
    """Every link in a run's output, in order, for both families of output and for keyed lists; of many, the first."""
    return tuple(islice(_links_of("outputs", output), MOST_LINKS))


#: More than any model makes; each of them becomes a file.
MOST_LINKS = 1000
_MOST_DEPTH = 20
_LINK_SCHEMES = ("https://", "http://", "data:", ASSET_SCHEME)
_NOT_RESULTS = frozenset({"seed", "timing", "nsfw_detected", "error"})


def _links_of(key: str, value: object, depth: int = 0) -> Iterator[OutputLink]:
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, str):
        if value.startswith(_LINK_SCHEMES):
            yield OutputLink(value, _kind_of(key, value), key=key)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _links_of(key, entry, depth + 1)
    elif isinstance(value, Mapping):
        url = value.get("url")
        if isinstance(url, str) and url.startswith(_LINK_SCHEMES):
            kind = tame(read_text(value.get("type")) or _kind_of(key, url), MOST_NAME)
            yield OutputLink(url, kind, read_whole(value.get("width")), read_whole(value.get("height")), key=key)
        else:
            for name, entry in value.items():
                if name not in _NOT_RESULTS:
                    yield from _links_of(str(name), entry, depth + 1)


def _kind_of(key: str, url: str) -> str:
    if url.startswith("data:"):
        return url[5:].split("/", 1)[0] or "file"
    try:
        ending = urlsplit(url).path.rpartition(".")[2].lower()
    except ValueError:
        ending = ""
    kinds = {"mp4": "video", "webm": "video", "mov": "video", "mp3": "audio", "wav": "audio", "zip": "file"}
    if "video" in key or "audio" in key:
        return "video" if "video" in key else "audio"
    return kinds.get(ending, "image")


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as the service last described it.

    `model` is what we asked for: the service names its models by uuid in a run, so the id is carried along.
    `progress` runs from 0 to 1 and is known for embedded runs only; so is `worker`, which names the worker of a
    cluster that did it.
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
    worker: str | None = None
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
        context = read_mapping(raw.get("context"))
        error = read_mapping(raw.get("error"))
        output = raw.get("output")
        progress = read_number(context.get("progress"))
        return cls(
            id=tame(str(raw.get("id") or raw.get("run_id") or ""), MOST_NAME),
            status=tame(str(raw.get("status_code") or raw.get("status") or "queued"), MOST_NAME),
            model=model or read_text(raw.get("model")) or read_text(context.get("model")),
            input=read_mapping(raw.get("input")),
            output=dict(output) if isinstance(output, Mapping) else None,
            cost=read_money(raw.get("cost")),
            duration_ms=read_number(raw.get("duration_ms")),
            created_at=read_time(raw.get("created_at")),
            started_at=read_time(raw.get("started_at")),
            completed_at=read_time(raw.get("completed_at") or raw.get("finished_at")),
            client_ref=read_text(raw.get("client_ref")),
            metadata=read_mapping(raw.get("metadata")) or None,
            request_id=read_text(raw.get("request_id")),
            failure_code=read_sentence(raw.get("failure_code")) or read_sentence(error.get("code")),
            failure_message=read_sentence(raw.get("failure_message"))
            or read_sentence(error.get("message"))
            or read_sentence(raw.get("failure_reason"))
            or read_sentence(raw.get("error")),
            failure_stage=read_sentence(raw.get("failure_stage_code")) or read_sentence(raw.get("failure_stage")),
            progress=None if progress is None else min(1.0, max(0.0, progress)),
            note=read_sentence(context.get("note")),
            worker=read_sentence(context.get("worker")),
            raw=dict(raw),
        )

    @classmethod
    def from_callback(cls, payload: Mapping[str, Any]) -> RunState:
        """Read the envelope that is posted to a `callback_url`; on failure its output is the error."""
        state = dict(payload)
        output = read_mapping(payload.get("output"))
        status = str(payload.get("status") or "")
        if status in FAILED:
            error = read_mapping(output.get("error")) or output
            state.update(output=None, failure_code=error.get("code"), failure_message=error.get("message"))
        return cls.read(state)
