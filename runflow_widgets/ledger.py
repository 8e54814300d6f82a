"""Every run on record before it is sent: what was asked, what became of it, what it cost, where its files lie.

The row written before the request is the real safety net: a kernel that is killed runs no exit hook. SQLite in WAL
mode lets several kernels use one ledger at once. The ledger may fail to help, but never stops a run: a damaged file
is set aside, and where nothing can be written the record is kept in memory and the user is told.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, Unpack

from .presence import Presence
from .record_file import RecordFile
from .selection import Wanted, where
from .wire import SUCCEEDED, TERMINAL, Json, read_money, read_time, write_time

log = logging.getLogger("runflow_widgets")

T = TypeVar("T")
#: 2 added `starred` and `removed_at`, 3 `sender`.
SCHEMA_VERSION: Final = 3
HOME_VARIABLE: Final = "RUNFLOW_HOME"
OPEN_BEFORE_SENDING: Final = "unsent"


def home() -> Path:
    """The folder of everything we keep; the variable RUNFLOW_HOME moves it.

    Where nothing can be written there, it is a folder that lasts as long as the machine's temporary files do.
    """
    wanted = _wanted_home()
    return wanted if _can_be_written(wanted) else _instead_of(wanted)


def _can_be_written(folder: Path) -> bool:
    """Whether it can be made or written to; nothing is made to find out."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


@functools.cache
def _instead_of(wanted: Path) -> Path:
    instead = Path(tempfile.mkdtemp(prefix="runflow-"))
    warnings.warn(
        f"Nothing can be written to {wanted}, so runs and their results are kept in {instead}, for a while only. "
        f"Set {HOME_VARIABLE} to a folder of yours to keep them.",
        UserWarning,
        stacklevel=3,
    )
    return instead


def _wanted_home() -> Path:
    if moved := os.environ.get(HOME_VARIABLE):
        return Path(moved).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "runflow"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "runflow"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "runflow"


@dataclass(frozen=True, slots=True)
class Entry:
    """One run as the ledger knows it.

    `key` is ours and exists before the service's `id` does; `status` is `unsent` until the service has answered.
    """

    key: str
    model: str
    service: str
    status: str = OPEN_BEFORE_SENDING
    id: str | None = None
    inputs: Json = field(default_factory=dict)
    input_hash: str = ""
    price: str = ""
    expected_usd: Decimal | None = None
    cost: Decimal | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: float | None = None
    files: tuple[str, ...] = ()
    failure_code: str | None = None
    failure_message: str | None = None
    metadata: Json | None = None
    starred: bool = False
    #: When the files were deleted from this machine by request; their names stay on record.
    removed_at: datetime | None = None
    #: The process that sent it, or was about to; see `Presence`.
    sender: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the run may still bring something: not over, or over with results not yet on disk."""
        return self.status not in TERMINAL or (self.status in ("succeeded", "partial_succeeded") and not self.files)


@dataclass(frozen=True, slots=True)
class Bill:
    """What one run costs: billed, or expected as long as the service has not said."""

    when: datetime | None
    model: str
    cost_usd: Decimal | None
    expected_usd: Decimal | None


_NEWEST_FIRST: Final = "ORDER BY created_at DESC, rowid DESC"
_COLUMNS: Final = tuple(item.name for item in fields(Entry))
_JSON: Final = frozenset({"inputs", "files", "metadata"})
_TIMES: Final = frozenset({"created_at", "updated_at", "completed_at", "removed_at"})
_MONEY: Final = frozenset({"expected_usd", "cost"})


def _to_column(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _JSON:
        return json.dumps(value, ensure_ascii=False)
    if name in _TIMES:
        return write_time(value)
    if name == "starred":
        return "1" if value else None
    return str(value) if name in _MONEY else value


def _from_column(name: str, value: Any) -> Any:
    if name == "starred":
        return value == "1"
    if value is None:
        return () if name == "files" else None
    if name in _JSON:
        decoded = json.loads(value)
        return tuple(decoded) if name == "files" else decoded
    if name in _TIMES:
        return read_time(value)
    return read_money(value) if name in _MONEY else value


class Ledger:
    """The record of runs in one SQLite file, safe to use from any thread.

    Args:
        path: The file; made when it is first needed.
        busy_s: How long to wait while another kernel writes.
        say: Where a person is told that the file cannot be used; warns by default.
        try_again_s: After how long a file that could not be written is tried again.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        say: Callable[[str], None] | None = None,
        busy_s: float = 10.0,
        try_again_s: float = 5.0,
    ) -> None:
        self.path = path or home() / "ledger.sqlite"
        self._file = RecordFile(
            self.path,
            "runs",
            {name: _type(name) for name in _COLUMNS},
            indexed=("created_at", "input_hash"),
            version=SCHEMA_VERSION,
            say=say,
            busy_s=busy_s,
            try_again_s=try_again_s,
        )
        self._do = self._file.do
        self.presence = Presence(self.path.parent / "present")

    def close(self) -> None:
        """Close the file; it opens again when it is needed."""
        self._file.close()

    # ------------------------------------------------------------------ writing

    def add(self, entry: Entry) -> None:
        """Put a run on record; do this before it is sent."""
        now = datetime.now(UTC)
        row = {name: _to_column(name, getattr(entry, name)) for name in _COLUMNS}
        row["created_at"] = row["created_at"] or write_time(now)
        row["updated_at"] = write_time(now)
        marks = ", ".join(f":{name}" for name in _COLUMNS)
        sql = f"INSERT OR REPLACE INTO runs ({', '.join(_COLUMNS)}) VALUES ({marks})"  # noqa: S608  # our own names
        self._do(lambda db: db.execute(sql, row))
        self.tell(entry.key)

    def update(self, key: str, **changes: Any) -> None:
        """Write down what has become known of a run."""
        changes["updated_at"] = datetime.now(UTC)
        unknown = changes.keys() - set(_COLUMNS)
        if unknown:
            raise TypeError(f"the ledger has no column {', '.join(sorted(unknown))}")
        row = {name: _to_column(name, value) for name, value in changes.items()}
        sets = ", ".join(f"{name} = :{name}" for name in row)
        sql = f"UPDATE runs SET {sets} WHERE key = :_key"  # noqa: S608  # our own names
        self._do(lambda db: db.execute(sql, {**row, "_key": key}))
        self.tell(key)

    def tell(self, key: str) -> None:
        """Have those who watch look at a run again."""
        for watcher in tuple(_watchers):
            try:
                watcher(self.path, key)
            except Exception:
                # Somebody else's code: what goes wrong in it must not end the run that is written down.
                log.exception("a function that watches the record of runs failed")

    # ------------------------------------------------------------------ reading

    def get(self, key_or_id: str) -> Entry | None:
        """The run with that key of ours or that id of the service's."""
        found = self._select("key = ? OR id = ? ORDER BY created_at DESC LIMIT 1", (key_or_id, key_or_id))
        return found[0] if found else None

    def find(self, *, limit: int = 100, **wanted: Unpack[Wanted]) -> list[Entry]:
        """Runs on record, the newest first; `Wanted` says which can be asked for."""
        condition, values = where(wanted)
        return self._select(f"{condition} {_NEWEST_FIRST} LIMIT ?", [*values, limit])

    def keys(self, **wanted: Unpack[Wanted]) -> list[str]:
        """The keys of all the runs that `find` would give: thousands in a moment, for nothing else of them is read."""
        condition, values = where(wanted)
        sql = f"SELECT key FROM runs WHERE {condition} {_NEWEST_FIRST}"  # noqa: S608  # our own words; values are bound
        return [row[0] for row in self._do(lambda db: db.execute(sql, values).fetchall())]

    def entries(self, keys: Sequence[str]) -> list[Entry]:
        """The runs with these keys, in this order; those that are not on record are left out."""
        found = {entry.key: entry for entry in self._select(f"key IN ({', '.join('?' * len(keys))})", list(keys))}
        return [found[key] for key in keys if key in found]

    def models(self) -> list[str]:
        """The models that were ever run, the most used first."""
        sql = "SELECT model FROM runs GROUP BY model ORDER BY count(*) DESC, model"
        return [row[0] for row in self._do(lambda db: db.execute(sql).fetchall())]

    def _select(self, tail: str, values: Sequence[Any]) -> list[Entry]:
        sql = f"SELECT {', '.join(_COLUMNS)} FROM runs WHERE {tail}"  # noqa: S608  # our own names; values are bound
        rows = self._do(lambda db: db.execute(sql, values).fetchall())
        return [
            Entry(**{name: _from_column(name, value) for name, value in zip(_COLUMNS, row, strict=True)})
            for row in rows
        ]

    def spent_usd(self, *, since: datetime) -> Decimal:
        """What the runs begun since then have cost, or are expected to cost where that is not known yet.

        A run that failed, was cancelled or was never sent is not billed.
        """
        return sum((bill.cost_usd or bill.expected_usd or Decimal(0) for bill in self.bills(since=since)), Decimal(0))

    def bills(self, *, since: datetime | None = None, until: datetime | None = None) -> list[Bill]:
        """What each run costs that is billed, or will be; those that failed, and those computed here, are not."""
        condition, values = where({"since": since, "until": until})
        sql = (
            f"SELECT created_at, model, cost, expected_usd FROM runs WHERE {condition} AND service != 'embedded' "  # noqa: S608
            f"AND status NOT IN ({_quoted(TERMINAL - SUCCEEDED)}) {_NEWEST_FIRST}"
        )
        rows = self._do(lambda db: db.execute(sql, values).fetchall())
        return [Bill(read_time(row[0]), row[1], read_money(row[2]), read_money(row[3])) for row in rows]

    def typical_s(self, model: str, service: str, *, most: int = 20) -> float | None:
        """How long this model usually takes here: the median of its latest good runs."""
        sql = (
            "SELECT duration_ms FROM runs WHERE model = ? AND service = ? AND status LIKE '%succeeded' "
            "AND duration_ms IS NOT NULL ORDER BY created_at DESC LIMIT ?"
        )
        rows = self._do(lambda db: db.execute(sql, (model, service, most)).fetchall())
        times = sorted(row[0] for row in rows)
        return times[len(times) // 2] / 1000 if times else None


def _type(column: str) -> str:
    return "REAL" if column == "duration_ms" else "TEXT"


_watchers: list[Callable[[Path, str], object]] = []


def watch_records(watcher: Callable[[Path, str], object]) -> Callable[[], None]:
    """Have a function called after each change that this kernel makes to a record of runs.

    It gets the record's path and the run's key, on whichever thread made the change. Gives the way to stop it.
    """
    _watchers.append(watcher)

    def stop() -> None:
        if watcher in _watchers:
            _watchers.remove(watcher)

    return stop


def newest_keys(limit: int) -> list[str]:
    """The keys of the newest runs, only looked at: no file is made, changed or complained of."""
    try:
        address = f"{(home() / 'ledger.sqlite').absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=0.2)) as record:
            query = "SELECT key FROM runs ORDER BY created_at DESC, rowid DESC LIMIT ?"
            return [row[0] for row in record.execute(query, (limit,))]
    except (sqlite3.Error, ValueError):
        # There is no record yet, or none that can be read; who asks for the runs is told.
        return []


def _quoted(words: frozenset[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


def start_of(period: Literal["session", "day"], session_began: datetime) -> datetime:
    """When the period that a budget counts began; a day begins at midnight where the kernel is."""
    if period == "session":
        return session_began
    now = datetime.now().astimezone()
    return now - timedelta(hours=now.hour, minutes=now.minute, seconds=now.second, microseconds=now.microsecond)
