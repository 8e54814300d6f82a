"""Runs on record that already are what is asked for: finished ones are taken, open ones followed, none paid twice."""

from __future__ import annotations

from pathlib import Path

from ..catalogue import ModelSpec
from ..ledger import Entry
from ..session import Session

#: Looked at in one go; most often the first one fits.
_AT_ONCE = 20


class Known:
    """What the record holds for one call, each run of it taken by one item at most.

    So four equal inputs in one call are four runs, as somebody who wants four variations means it; and the same call
    made once more takes those four, the oldest first.
    """

    def __init__(self, session: Session, spec: ModelSpec) -> None:
        self._session = session
        self._spec = spec
        self._taken: set[str] = set()

    def take(self, key: str) -> None:
        """Let no item have the run with that key any more."""
        self._taken.add(key)

    def find(self, fingerprint: str) -> Entry | None:
        """A run of the same model with the same inputs at the same service that is finished or open; it is taken."""
        ledger = self._session.ledger
        keys = ledger.keys(input_hash=fingerprint, service=self._session.service)
        untaken = [key for key in reversed(keys) if key not in self._taken]
        opened = None
        for start in range(0, len(untaken), _AT_ONCE):
            for entry in ledger.entries(untaken[start : start + _AT_ONCE]):
                if entry.model != self._spec.id:
                    continue
                if is_finished(entry):
                    self.take(entry.key)
                    return entry
                opened = opened or (entry if entry.is_open else None)
        if opened is not None:
            self.take(opened.key)
        return opened


def is_finished(entry: Entry) -> bool:
    """Whether a run has succeeded and its results still lie on this machine."""
    if entry.status != "succeeded" or entry.removed_at is not None or not entry.files:
        return False
    return all(Path(path).is_file() for path in entry.files)
