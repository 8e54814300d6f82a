"""Results brought home: fetched without the key, written whole or not at all, with a note of where they came from."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import InputError, OutputError, OutputExpired
from ..images import extension_for, is_whole, read_data_uri, sniff_mime
from ..wire import Json, OutputLink, RunState
from .http import redact
from .outside import Download, Outside

if TYPE_CHECKING:
    from .runs import RunEndpoints

MOST_BYTES: Final = 512 * 1024 * 1024
ATTEMPTS: Final = 3
NOTE_NAME: Final = "run.json"


@dataclass(frozen=True, slots=True)
class SavedOutput:
    """One result on disk."""

    path: Path
    kind: str
    mime_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None


async def bring_home(client: RunEndpoints, outside: Outside, state: RunState, folder: Path) -> tuple[SavedOutput, ...]:
    """Write every result of a run into a folder; links that have expired are signed anew, once.

    Raises:
        OutputExpired: A link is refused, also after signing.
        OutputError: A result could not be fetched or written. What was fetched before it stays in the folder.
    """
    links = state.links
    saved: list[SavedOutput] = []
    signed_anew = False
    for index in range(len(links)):
        try:
            found = await _fetch(client, outside, links[index])
        except OutputExpired as error:
            if signed_anew:
                raise _with_run(error, state) from error
            signed_anew = True
            links = (await client.get_run(state.id, add_signature=True)).links or links
            found = await _fetch_or_say(client, outside, links, index, state)
        except OutputError as error:
            raise _with_run(error, state) from error
        try:
            saved.append(await asyncio.to_thread(_write_output, folder, index, links[index], found))
        except OutputError as error:
            raise _with_run(error, state) from error
    await asyncio.to_thread(_write_note, folder, state, saved)
    return tuple(saved)


async def _fetch_or_say(
    client: RunEndpoints, outside: Outside, links: Sequence[OutputLink], index: int, state: RunState
) -> Download:
    if index >= len(links):
        raise OutputExpired("The run's results are no longer listed.", run_id=state.id, key=state.client_ref)
    try:
        return await _fetch(client, outside, links[index])
    except OutputError as error:
        raise _with_run(error, state) from error


def _with_run(error: OutputError, state: RunState) -> OutputError:
    return type(error)(
        error.message,
        advice=f"{error.advice} The run itself succeeded; rf.runs.resume() fetches its results again.".strip(),
        run_id=state.id,
        key=state.client_ref,
    )


async def _fetch(client: RunEndpoints, outside: Outside, link: OutputLink) -> Download:
    if link.url.startswith("data:"):
        try:
            return Download(*read_data_uri(link.url))
        except InputError as error:
            raise OutputError(f"A result came inside the answer, but cannot be read: {error.message}") from error
    before: bytes | None = None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            found = await outside.fetch(link.url, limit_bytes=MOST_BYTES)
            # One that arrives like this again is what the service has, and better than nothing.
            if is_whole(found.data) or found.data == before:
                return found
            before = found.data
            if attempt == ATTEMPTS:
                raise OutputError(f"{redact(link.url)} arrived cut short.")
        except OutputExpired:
            raise
        except OutputError:
            if attempt == ATTEMPTS:
                raise
        await client.http.pace.pause(0.5 * attempt)
    raise AssertionError("the loop above returns or raises")


def _write_output(folder: Path, index: int, link: OutputLink, found: Download) -> SavedOutput:
    sniffed = sniff_mime(found.data)
    mime_type = sniffed if sniffed != "application/octet-stream" else found.mime_type or sniffed
    if not found.data:
        raise OutputError(f"{redact(link.url)} is empty.")
    if link.kind == "image" and not mime_type.startswith("image/"):
        raise OutputError(f"{redact(link.url)} should be a picture, but is {mime_type}.")
    path = folder / f"{index + 1:02d}.{extension_for(mime_type)}"
    write_whole(path, found.data)
    return SavedOutput(path, mime_type.split("/")[0], mime_type, len(found.data), link.width, link.height)


def _write_note(folder: Path, state: RunState, saved: Sequence[SavedOutput]) -> None:
    note: Json = {
        "run_id": state.id,
        "key": state.client_ref,
        "model": state.model,
        "status": state.status,
        "cost_usd": None if state.cost is None else str(state.cost),
        "completed_at": None if state.completed_at is None else state.completed_at.isoformat(),
        "duration_ms": state.duration_ms,
        "input": state.input,
        "files": [item.path.name for item in saved],
        "output": {name: value for name, value in (state.output or {}).items() if name in ("seed", "timing")},
    }
    write_whole(folder / NOTE_NAME, json.dumps(note, ensure_ascii=False, indent=1, default=str).encode())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, also if the machine stops in between."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error}).",
            advice="Free some space, or choose another folder.",
        ) from error
