"""Results brought home: fetched without the key, written whole or not at all, with a note of where they came from."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from ..errors import InputError, OutputError, OutputExpired
from ..images import extension_for, is_whole, read_data_uri, sniff_mime
from ..wire import Json, OutputLink, RunState
from .http import redact
from .outside import Outside, TooLargeError

if TYPE_CHECKING:
    from .runs import RunEndpoints

MOST_BYTES: Final = 512 * 1024 * 1024
ATTEMPTS: Final = 3
NOTE_NAME: Final = "run.json"
#: Looking through so much takes less than handing it to a thread.
_SHORT: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class SavedOutput:
    """One result on disk."""

    path: Path
    kind: str
    mime_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None


async def bring_home(
    client: RunEndpoints, outside: Outside, state: RunState, folder: Path, *, most_bytes: int = MOST_BYTES
) -> tuple[SavedOutput, ...]:
    """Write every result of a run into a folder; links that have expired are signed anew, once.

    Args:
        most_bytes: How large a single result may be.

    Raises:
        OutputExpired: A link is refused, also after signing.
        OutputError: A result could not be fetched or written. What was fetched before it stays in the folder.
    """
    home = _Home(client, outside, folder, most_bytes)
    links = state.links
    saved: list[SavedOutput] = []
    signed_anew = False
    for index in range(len(links)):
        try:
            found = await home.fetched(links[index], index)
        except OutputExpired as error:
            if signed_anew:
                raise _with_run(error, state) from error
            signed_anew = True
            links = (await client.get_run(state.id, add_signature=True)).links or links
            found = await _fetched_or_said(home, links, index, state)
        except OutputError as error:
            raise _with_run(error, state) from error
        saved.append(found)
    await asyncio.to_thread(_write_note, folder, state, saved)
    return tuple(saved)


async def _fetched_or_said(home: _Home, links: Sequence[OutputLink], index: int, state: RunState) -> SavedOutput:
    if index >= len(links):
        raise OutputExpired("The run's results are no longer listed.", run_id=state.id, key=state.client_ref)
    try:
        return await home.fetched(links[index], index)
    except OutputError as error:
        raise _with_run(error, state) from error


def _with_run(error: OutputError, state: RunState) -> OutputError:
    kind = OutputExpired if isinstance(error, OutputExpired) else OutputError
    return kind(
        error.message,
        advice=f"{error.advice} The run itself succeeded; rf.runs.resume() fetches its results again.".strip(),
        run_id=state.id,
        key=state.client_ref,
    )


@dataclass(frozen=True, slots=True)
class _Home:
    """Where the results of a run come from, and where they go."""

    client: RunEndpoints
    outside: Outside
    folder: Path
    most_bytes: int

    async def fetched(self, link: OutputLink, index: int) -> SavedOutput:
        """One result on disk. It is written as it comes: a film may be larger than the memory."""
        goal = self.folder / f"{index + 1:02d}"
        with _whole_or_not(goal) as (file, name_it):
            mime_type, size = _looked_at(file, link, await self._into(file, goal, link))
            path = goal.with_suffix(f".{extension_for(mime_type)}")
            await asyncio.to_thread(name_it, path)
        return SavedOutput(path, mime_type.split("/")[0], mime_type, size, link.width, link.height)

    async def _into(self, file: IO[bytes], goal: Path, link: OutputLink) -> str:
        def take(piece: bytes) -> None:
            try:
                file.write(piece)
            except OSError as error:
                raise _unwritable(goal, error) from error

        if link.url.startswith("data:"):
            try:
                data, mime_type = read_data_uri(link.url)
            except InputError as error:
                raise OutputError(f"A result came inside the answer, but cannot be read: {error.message}") from error
            take(data)
            return mime_type
        before = ""
        for attempt in range(1, ATTEMPTS + 1):
            file.seek(0)
            file.truncate()
            try:
                mime_type = await self.outside.stream(link.url, take, limit_bytes=self.most_bytes)
                look = _fingerprint_if_cut_short
                now = look(file) if file.tell() <= _SHORT else await asyncio.to_thread(look, file)
                # One that arrives like this again is what the service has, and better than nothing.
                if not now or now == before:
                    return mime_type
                before = now
                if attempt == ATTEMPTS:
                    raise OutputError(f"{redact(link.url)[:200]} arrived cut short.")
            except (OutputExpired, TooLargeError):
                raise
            except OutputError:
                if attempt == ATTEMPTS:
                    raise
            await self.client.http.pace.pause(0.5 * attempt)
        raise AssertionError("the loop above returns or raises")


def _fingerprint_if_cut_short(file: IO[bytes]) -> str:
    """What tells a picture that does not go to its end from another; empty for one that does."""
    file.seek(0)
    if is_whole(file):
        return ""
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def _looked_at(file: IO[bytes], link: OutputLink, told: str) -> tuple[str, int]:
    """What has come, by its first bytes, and how much of it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    sniffed = sniff_mime(file.read(64))
    mime_type = sniffed if sniffed != "application/octet-stream" else told or sniffed
    if not size:
        raise OutputError(f"{redact(link.url)[:200]} is empty.")
    if link.kind == "image" and not mime_type.startswith("image/"):
        raise OutputError(f"{redact(link.url)[:200]} should be a picture, but is {mime_type[:80]}.")
    return mime_type, size


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
    text = json.dumps(note, ensure_ascii=False, indent=1, default=str)
    write_whole(folder / NOTE_NAME, text.encode("utf-8", "replace"))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, also if the machine stops in between."""
    with _whole_or_not(path) as (file, name_it):
        try:
            file.write(data)
        except OSError as error:
            raise _unwritable(path, error) from error
        name_it(path)


@contextmanager
def _whole_or_not(goal: Path) -> Iterator[tuple[IO[bytes], Callable[[Path], None]]]:
    """A file beside its goal, and what gives it its name once it is whole; without that, nothing is left of it."""
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=goal.parent, prefix=f".{goal.name}.")
    except OSError as error:
        raise _unwritable(goal, error) from error

    def name_it(path: Path) -> None:
        try:
            file.flush()
            os.fsync(file.fileno())
            # Before it gets its name: Windows moves no file that is open.
            file.close()
            Path(name).replace(path)
        except OSError as error:
            raise _unwritable(path, error) from error

    try:
        file = os.fdopen(handle, "w+b")
        try:
            yield file, name_it
        finally:
            _close(file)
    finally:
        Path(name).unlink(missing_ok=True)


def _close(file: IO[bytes]) -> None:
    try:
        file.close()
    except OSError:
        # What could not be written when it was asked for cannot be written now either, and that was said already.
        return


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path} cannot be written ({error.strerror or error}).",
        advice="Free some space, or choose another folder.",
    )
