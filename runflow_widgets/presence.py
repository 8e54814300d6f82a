"""Whether the process that put something on record is still there, whatever it ended of.

Each process holds a lock on a file of its own for as long as it lives, and the system lets go of it however the
process ends. So nothing depends on process ids, which are used again, or on clocks.
"""

from __future__ import annotations

import contextlib
import os
import sys
import uuid
import weakref
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["Presence", "take_lock"]


class Presence:
    """This process, and others, beside one record of runs.

    Where the disk knows no such locks, nobody is ever said to be gone.

    Args:
        folder: Where the files with the locks lie; made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: tuple[int, str] | None = None

    def token(self) -> str | None:
        """What this process is known by; None where it cannot hold a lock."""
        # A process that was forked holds its parent's lock too, but is somebody else.
        if self._held is None or self._held[0] != os.getpid():
            token = uuid.uuid4().hex
            path = self._folder / token
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                lock = take_lock(path)
            except OSError:
                return None
            weakref.finalize(self, _leave, lock, path, os.getpid())
            self._held = (os.getpid(), token)
        return self._held[1]

    def is_gone(self, token: str | None) -> bool:
        """Whether the process known by that has surely ended."""
        if token is None or (self._held is not None and token == self._held[1]):
            return False
        path = self._folder / Path(token).name
        if not path.exists():
            # Whoever ends takes the file along, or whoever finds out does.
            return self._folder.is_dir()
        try:
            lock = take_lock(path)
        except OSError:
            return False
        path.unlink(missing_ok=True)
        lock.close()
        return True


def take_lock(path: Path) -> IO[bytes]:
    """Hold a file until it is closed or the process ends; an `OSError` if somebody else does."""
    lock = path.open("ab")
    try:
        if sys.platform == "win32":
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise
    return lock


def _leave(lock: IO[bytes], path: Path, process: int) -> None:
    if process == os.getpid():
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    lock.close()
