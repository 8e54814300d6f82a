"""Runs on record that already are what is asked for: finished ones are taken, open ones followed, none paid twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..catalogue import ModelSpec
from ..ledger import Entry
from ..session import Session
from ..wire import Json

#: Looked at in one go; most often the first one fits.
_AT_ONCE = 20
#: The worth of a run that is finished and surely the one that is meant.
_BEST = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose a run is, where several with equal inputs belong to different steps of one recipe.

    Two steps that are the same but for their names are meant as two variations: each finds its own again, and what
    follows it does too.
    """

    recipe: str
    step: str
    source: str
    #: The other steps of the recipe.
    others: frozenset[str] = frozenset()

    @property
    def metadata(self) -> Json:
        """What goes on record with the run."""
        return {"recipe": self.recipe, "step": self.step, "source": self.source}

    def nearness(self, entry: Entry) -> int | None:
        """How sure it is that a run on record is the one meant, 2 at most; None where it is another step's."""
        noted = entry.metadata or {}
        if noted.get("recipe") != self.recipe:
            return 0
        if noted.get("step") in self.others:
            return None
        return int(noted.get("step") == self.step) + int(noted.get("source") == self.source)


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

    def find(self, fingerprint: str, claim: Claim | None = None) -> Entry | None:
        """A run of the same model with the same inputs at the same service that is finished or open; it is taken."""
        ledger = self._session.ledger
        keys = ledger.keys(input_hash=fingerprint, service=self._session.service)
        untaken = [key for key in reversed(keys) if key not in self._taken]
        best: tuple[int, Entry] | None = None
        for start in range(0, len(untaken), _AT_ONCE):
            for entry in ledger.entries(untaken[start : start + _AT_ONCE]):
                worth = self._worth(entry, claim)
                if worth is not None and (best is None or worth > best[0]):
                    best = worth, entry
            if best is not None and best[0] == _BEST:
                break
        if best is None:
            return None
        self.take(best[1].key)
        return best[1]

    def _worth(self, entry: Entry, claim: Claim | None) -> int | None:
        """How good it is to take a run: near before far, finished before open; None for one to be left alone."""
        nearness = claim.nearness(entry) if claim is not None else 2
        if nearness is None or entry.model != self._spec.id:
            return None
        finished = is_finished(entry)
        return 2 * nearness + finished if finished or entry.is_open else None


def is_finished(entry: Entry) -> bool:
    """Whether a run has succeeded and its results still lie on this machine."""
    if entry.status != "succeeded" or entry.removed_at is not None or not entry.files:
        return False
    return all(Path(path).is_file() for path in entry.files)
