"""The SQLite file behind a record, which may fail to help but never stops the work it is a record of.

A damaged file is set aside and a new one begun. Where nothing can be written (another kernel holds it, the disk is
full, the folder is read-only) the record goes on in memory, and whoever keeps it is told; as soon as the file can be
written again, what was kept in memory is written into it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class RecordFile:
    """One table in one file, safe to use from any thread and from several kernels at once.

    Args:
        path: The file; made when it is first needed.
        table: The name of the table.
        columns: Its columns with their types; the first is the key. Those that an older file lacks are added.
        indexed: The columns that are searched by.
        version: What the file says of itself.
        say: Where a person is told that the file cannot be used; warns by default.
        busy_s: How long to wait while another kernel writes.
        try_again_s: After how long a file that could not be written is tried again.
    """

    def __init__(
        self,
        path: Path,
        table: str,
        columns: Mapping[str, str],
        *,
        indexed: tuple[str, ...],
        version: int,
        say: Callable[[str], None] | None,
        busy_s: float,
        try_again_s: float,
    ) -> None:
        self.path = path
        self._table = table
        self._columns = dict(columns)
        self._indexed = indexed
        self._version = version
        self._busy_s = busy_s
        self._try_again_s = try_again_s
        self._say = say or (lambda sentence: warnings.warn(sentence, UserWarning, stacklevel=2))
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._pid = os.getpid()
        #: When the file is tried again; None while it is in use.
        self._again_at: float | None = None

    def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Read or write; what fails for the file's sake is done in its stead."""
        with self._lock:
            try:
                return work(self._open())
            except sqlite3.DatabaseError as error:
                if self._again_at is not None:
                    raise
                self.close()
                self._connection = self._open_after(error)
                return work(self._connection)

    def close(self) -> None:
        """Close the file; it opens again when it is needed."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                if self._again_at is not None:
                    # The last chance for what is in memory only.
                    self._return_to_file(self._connection)
                self._connection.close()
            self._connection, self._again_at = None, None

    # ------------------------------------------------------------------ opening

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._pid == os.getpid():
            if self._again_at is not None and time.monotonic() >= self._again_at:
                self._return_to_file(self._connection)
            return self._connection
        self._pid, self._again_at = os.getpid(), None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._connect(str(self.path))
        except sqlite3.DatabaseError as error:
            self._connection = self._open_after(error)
        except OSError as error:
            self._connection = self._in_memory(str(error))
        return self._connection

    def _connect(self, target: str, *, busy_s: float | None = None) -> sqlite3.Connection:
        busy_s = self._busy_s if busy_s is None else busy_s
        connection = sqlite3.connect(target, timeout=busy_s, isolation_level=None, check_same_thread=False)
        try:
            _begin_wal(connection, busy_s)
            self._set_up(connection)
            if (check := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(check)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.create_function("folded", 1, str.casefold, deterministic=True)
        first, *others = self._columns
        columns = ", ".join(f"{name} {self._columns[name]}" for name in others)
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {self._table} ({first} {self._columns[first]} PRIMARY KEY, {columns})"
        )
        self._migrate(connection)
        for name in self._indexed:
            connection.execute(f"CREATE INDEX IF NOT EXISTS {self._table}_by_{name} ON {self._table} ({name})")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Give a file of an earlier version the columns it lacks.

        The columns are looked at and not the version: a kernel with an earlier version of the package may use the
        file at the same time, and writes its own version into it.
        """

        def missing() -> list[str]:
            present = {row[1] for row in connection.execute(f"PRAGMA table_info({self._table})")}
            return [name for name in self._columns if name not in present]

        if missing():
            # Of several kernels that begin with the same old file, one adds the columns and the others wait for it.
            connection.execute("BEGIN IMMEDIATE")
            try:
                for name in missing():
                    connection.execute(f"ALTER TABLE {self._table} ADD COLUMN {name} {self._columns[name]}")
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        if connection.execute("PRAGMA user_version").fetchone()[0] < self._version:
            connection.execute(f"PRAGMA user_version={self._version}")

    # ------------------------------------------------------------------ what may go wrong with it

    def _open_after(self, error: sqlite3.DatabaseError) -> sqlite3.Connection:
        # "Operational" means busy, read-only or full: the file itself may be fine and must stay where it is.
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            return self._in_memory(str(error))
        aside = self.path.with_name(f"{self.path.stem}.damaged-{time.time_ns()}{self.path.suffix}")
        try:
            self.path.rename(aside)
            for ending in ("-wal", "-shm"):
                self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
            connection = self._connect(str(self.path))
        except (OSError, sqlite3.Error) as failure:
            return self._in_memory(str(failure))
        self._say(f"The record of runs was damaged ({error}). It was set aside as {aside} and a new one begun.")
        return connection

    def _in_memory(self, reason: str) -> sqlite3.Connection:
        self._say(
            f"The record of runs at {self.path} cannot be written ({reason}); this session's is kept in memory only, "
            "until it can."
        )
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with suppress(sqlite3.Error, ValueError), closing(self._read_only()) as file:
            # What is in it can often be read all the same.
            file.backup(memory)
        self._set_up(memory)
        # What is written from now on is told from what was there before.
        memory.execute("CREATE TEMP TABLE changed (rowid INTEGER PRIMARY KEY)")
        note = "BEGIN INSERT OR IGNORE INTO changed VALUES (new.rowid); END"
        for event in ("INSERT", "UPDATE"):
            memory.execute(f"CREATE TEMP TRIGGER on_{event} AFTER {event} ON {self._table} {note}")
        self._again_at = time.monotonic() + self._try_again_s
        return memory

    def _read_only(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=self._busy_s)

    def _return_to_file(self, memory: sqlite3.Connection) -> None:
        names = ", ".join(self._columns)
        marks = ", ".join("?" * len(self._columns))
        own = f"SELECT {names} FROM {self._table} WHERE rowid IN (SELECT rowid FROM changed)"  # noqa: S608  # our words
        put = f"INSERT OR REPLACE INTO {self._table} ({names}) VALUES ({marks})"  # noqa: S608  # our words
        file: sqlite3.Connection | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self._connect(str(self.path), busy_s=min(self._busy_s, 0.2))
            file.execute("BEGIN IMMEDIATE")
            file.executemany(put, memory.execute(own).fetchall())
            file.execute("COMMIT")
            file.execute(f"PRAGMA busy_timeout={round(1000 * self._busy_s)}")
        except (OSError, sqlite3.Error):
            if file is not None:
                file.close()
            self._again_at = time.monotonic() + self._try_again_s
            return
        memory.close()
        self._connection, self._again_at = file, None
        self._say(f"The record of runs at {self.path} is written again; nothing of this session is missing from it.")


def _begin_wal(connection: sqlite3.Connection, busy_s: float) -> None:
    # SQLite does not wait by itself here: of two kernels that begin a file at once, one would be turned away.
    until = time.monotonic() + busy_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return
