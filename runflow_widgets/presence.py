"""Whether the process that put a run on record is still there: what a kernel that was killed began, nobody sends now.

Each process holds a lock on a file of its own for as long as it lives, and the system lets go of it however the
process ends. So nothing depends on process ids, which are used again, or on clocks.
"""

from __future__ import annotations

import contextlib
import os
import uuid
import weakref
from pathlib import Path

__all__ = ["Presence"]


class Presence:
    """This process, and others, beside one record of runs.

    Where the system or the disk knows no such locks, nobody is ever said to be gone.

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
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(self._folder / token, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            except OSError:
                return None
            if not _lock(descriptor):
                os.close(descriptor)
                return None
            weakref.finalize(self, _leave, descriptor, self._folder / token, os.getpid())
            self._held = (os.getpid(), token)
        return self._held[1]

    def is_gone(self, token: str | None) -> bool:
        """Whether the process known by that has surely ended."""
        if token is None or (self._held is not None and token == self._held[1]):
            return False
        path = self._folder / Path(token).name
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return self._folder.is_dir()
        except OSError:
            return False
        try:
            gone = _lock(descriptor)
        finally:
            os.close(descriptor)
        if gone:
            path.unlink(missing_ok=True)
        return gone


def _lock(descriptor: int) -> bool:
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _leave(descriptor: int, path: Path, process: int) -> None:
    if process == os.getpid():
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    os.close(descriptor)
