"""The files that a run brought home: which they are, and deleting them while the run stays on record."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from .errors import InputError, OutputError
from .ledger import Entry, Ledger, home
from .thumbnails import Thumbnails

_NOTE_NAME = "run.json"


def copies_of(entry: Entry) -> list[Path]:
    """The files of a run that lie where we put them; never a file of the user's own, whatever the record says."""
    outputs = (home() / "outputs").resolve()
    if entry.removed_at is not None:
        return []
    return [path for path in map(Path, entry.files) if _lies_in(path, outputs)]


def delete_copies(ledger: Ledger, entry: Entry) -> Entry:
    """Delete the files of a run from this machine; what was asked and what it cost stays on record.

    Raises:
        InputError: The run has no files here.
        OutputError: A file cannot be deleted; the record is left as it was.
    """
    files = copies_of(entry)
    if not files:
        was = "They were deleted before." if entry.removed_at else "There is nothing to delete."
        raise InputError(f"The run {entry.key} has no files of ours on this machine.", advice=was, key=entry.key)
    small = Thumbnails()
    for path in files:
        small.forget(path)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"{path} cannot be deleted ({error.strerror}).", advice="Close what has it open.", key=entry.key
            ) from error
    for folder in {path.parent for path in files}:
        _leave(folder)
    ledger.update(entry.key, removed_at=datetime.now(UTC))
    return ledger.get(entry.key) or entry


def _lies_in(path: Path, folder: Path) -> bool:
    # Resolved up to the file itself: a link in our folder that leads elsewhere is deleted, and not where it leads.
    return path.parent.resolve().is_relative_to(folder) and path.parent.resolve() != folder


def _leave(folder: Path) -> None:
    """Remove the folder of a run with our note, unless something else was put there."""
    try:
        others = [path for path in folder.iterdir() if path.name != _NOTE_NAME]
        if not others:
            (folder / _NOTE_NAME).unlink(missing_ok=True)
            folder.rmdir()
    except OSError:
        # An empty folder that stays harms nobody.
        return
