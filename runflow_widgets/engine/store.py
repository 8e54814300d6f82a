"""What the service remembers: runs, batches, assets and callbacks as JSON documents in one SQLite file.

Every table is `id, parent, owner, doc`; what is searched for is indexed inside the documents. Several services may
use one folder at a time. Each holds a lock of its own, so that the others see when it has died, whatever it died of.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ..presence import take_lock
from ..wire import TERMINAL, Json, write_time
from .ids import new_id

TABLES: Final = ("runs", "batches", "assets", "folders", "logs", "deliveries", "secrets")
_OPEN: Final = ("queued", "dispatching", "running")
_STATUS: Final = "json_extract(doc, '$.status_code')"
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB)",
    "CREATE TABLE IF NOT EXISTS owners (id TEXT PRIMARY KEY, pid INTEGER, started_at TEXT)",
    "CREATE TABLE IF NOT EXISTS answers"
    " (key TEXT PRIMARY KEY, fingerprint TEXT, status INTEGER, body TEXT, created_at TEXT)",
    *(
        f"CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY, parent TEXT, owner TEXT, doc TEXT NOT NULL)"
        for table in TABLES
    ),
    *(f"CREATE INDEX IF NOT EXISTS {table}_parent ON {table} (parent)" for table in TABLES),
    f"CREATE INDEX IF NOT EXISTS runs_status ON runs ({_STATUS})",
    "CREATE INDEX IF NOT EXISTS runs_client_ref ON runs (json_extract(doc, '$.client_ref'))",
    "CREATE INDEX IF NOT EXISTS assets_sha256 ON assets (json_extract(doc, '$._sha256'))",
)


def now() -> str:
    """The time, as the service writes it."""
    return write_time(datetime.now(UTC))


class Store:
    """One folder's database, opened by one service.

    Args:
        folder: Made if it is not there; only its owner may look into it, since results and secrets lie in it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder.resolve()
        self.owner = new_id()
        # The service may be made on another thread than the one whose loop it then lives on.
        self.connection = sqlite3.connect(
            self.folder / "service.sqlite3", isolation_level=None, check_same_thread=False, timeout=10
        )
        (self.folder / "service.sqlite3").chmod(0o600)
        self._depth = 0
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        with self.change():
            for statement in _SCHEMA:
                self.connection.execute(statement)
            started = (self.owner, os.getpid(), now())
            self._lock = take_lock(self._lock_path(self.owner))
            self.connection.execute("INSERT INTO owners VALUES (?, ?, ?)", started)
        if hasattr(os, "register_at_fork"):
            # A lock lives as long as any copy of its file is open, so a forked child must not keep one.
            os.register_at_fork(after_in_child=self._lock.close)

    def close(self) -> None:
        """Give the folder back; whatever is unfinished then belongs to nobody."""
        self.connection.execute("DELETE FROM owners WHERE id = ?", (self.owner,))
        self.connection.close()
        self._lock.close()
        self._lock_path(self.owner).unlink(missing_ok=True)

    @contextmanager
    def change(self) -> Iterator[None]:
        """All of it or nothing; a change within a change belongs to the outer one."""
        self._depth += 1
        try:
            if self._depth == 1:
                self.connection.execute("BEGIN IMMEDIATE")
            yield
        except BaseException:
            if self._depth == 1 and self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        else:
            if self._depth == 1:
                self.connection.execute("COMMIT")
        finally:
            self._depth -= 1

    # Documents. The table's name is always one of our own words.

    def add(self, table: str, doc: Json, *, parent: str | None = None) -> Json:
        """Keep a new document under its `id`."""
        row = (doc["id"], parent, self.owner, json.dumps(doc))
        self.connection.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", row)  # noqa: S608
        return doc

    def get(self, table: str, item_id: str) -> Json | None:
        """One document."""
        row = self.connection.execute(f"SELECT doc FROM {table} WHERE id = ?", (item_id,)).fetchone()  # noqa: S608
        return None if row is None else _document(row)

    def put(self, table: str, doc: Json) -> None:
        """Keep a document in place of the one that has its `id`."""
        values = (json.dumps(doc), doc["id"])
        self.connection.execute(f"UPDATE {table} SET doc = ? WHERE id = ?", values)  # noqa: S608

    def drop(self, table: str, item_id: str) -> bool:
        """Forget a document; says whether it was there."""
        return self.connection.execute(f"DELETE FROM {table} WHERE id = ?", (item_id,)).rowcount > 0  # noqa: S608

    def children(self, table: str, parent: str) -> list[Json]:
        """The documents that belong to another, oldest first."""
        sql = f"SELECT doc FROM {table} WHERE parent = ? ORDER BY id"  # noqa: S608
        return [_document(row) for row in self.connection.execute(sql, (parent,))]

    def newest(self, table: str) -> Json | None:
        """The document that was added last."""
        row = self.connection.execute(f"SELECT doc FROM {table} ORDER BY id DESC LIMIT 1").fetchone()  # noqa: S608
        return None if row is None else _document(row)

    def find(self, table: str, name: str, value: str) -> Json | None:
        """The first document with this value."""
        sql = f"SELECT doc FROM {table} WHERE json_extract(doc, '$.{name}') = ? LIMIT 1"  # noqa: S608
        row = self.connection.execute(sql, (value,)).fetchone()
        return None if row is None else _document(row)

    # Runs

    def move_run(self, run_id: str, **changes: Any) -> Json | None:
        """Change a run that is not over yet; None if it is, or is not there: an end is for ever."""
        with self.change():
            run = self.get("runs", run_id)
            if run is None or run["status_code"] in TERMINAL:
                return None
            run |= changes
            self.put("runs", run)
        return run

    def count_open_runs(self) -> int:
        """How many runs are not over."""
        sql = f"SELECT count(*) FROM runs WHERE {_STATUS} IN (?, ?, ?)"  # noqa: S608
        return int(self.connection.execute(sql, _OPEN).fetchone()[0])

    def committed_micros(self) -> int:
        """What all runs have cost or may still cost, in millionths of a dollar."""
        sql = "SELECT coalesce(sum(json_extract(doc, '$._micros')), 0) FROM runs"
        return int(self.connection.execute(sql).fetchone()[0])

    def adopt(self, table: str) -> list[Json]:
        """Take over the open runs, or the deliveries under way, of services that are no more.

        Of two services that try at once, one gets them.
        """
        with self.change():
            alive = [self.owner, *self._living_owners()]
            condition = f"{_STATUS} IN (?, ?, ?, ?) AND owner NOT IN ({', '.join('?' * len(alive))})"
            values = (*_OPEN, "pending", *alive)
            rows = self.connection.execute(f"SELECT doc FROM {table} WHERE {condition} ORDER BY id", values)  # noqa: S608
            found = [_document(row) for row in rows]
            self.connection.execute(f"UPDATE {table} SET owner = ? WHERE {condition}", (self.owner, *values))  # noqa: S608
        return found

    def is_foreign(self, table: str, item_id: str) -> bool:
        """Whether a document belongs to another service, living or dead."""
        row = self.connection.execute(f"SELECT owner FROM {table} WHERE id = ?", (item_id,)).fetchone()  # noqa: S608
        return row is not None and row[0] != self.owner

    def _living_owners(self) -> list[str]:
        living = []
        for (owner,) in self.connection.execute("SELECT id FROM owners WHERE id <> ?", (self.owner,)).fetchall():
            lock = None
            try:
                lock = take_lock(self._lock_path(owner))
            except OSError:
                living.append(owner)
            else:
                self.connection.execute("DELETE FROM owners WHERE id = ?", (owner,))
                self._lock_path(owner).unlink(missing_ok=True)
            finally:
                if lock is not None:
                    lock.close()
        return living

    def _lock_path(self, owner: str) -> Path:
        return self.folder / f"{owner}.lock"

    # Idempotency, settings

    def answer_for(self, key: str) -> tuple[str, int, Json] | None:
        """The fingerprint of the request that had this key, and the answer it got."""
        row = self.connection.execute("SELECT fingerprint, status, body FROM answers WHERE key = ?", (key,)).fetchone()
        return None if row is None else (row[0], row[1], json.loads(row[2]))

    def keep_answer(self, key: str, fingerprint: str, status: int, body: Mapping[str, Any]) -> None:
        """Remember the answer for a key, within the change that made it."""
        row = (key, fingerprint, status, json.dumps(body), now())
        self.connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", row)

    def secret(self, name: str) -> bytes:
        """A random secret of this folder, made on first use."""
        with self.change():
            self.connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, secrets.token_bytes(32)))
        row = self.connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return bytes(row[0])


def _document(row: tuple[str]) -> Json:
    doc: Json = json.loads(row[0])
    return doc
