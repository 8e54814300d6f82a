"""Runs that the service creates together: up to a hundred inputs in one request, each a run with a key of its own."""

from __future__ import annotations

from ..catalogue import ModelSpec
from ..client import Gathered, outcome_unknown
from ..errors import RejectedError, RunflowError
from ..following import entry_of
from ..ledger import Entry
from ..session import Session
from ..wire import Json


class Together:
    """The inputs of one batch, uploaded one by one and then created at once."""

    def __init__(self, session: Session, spec: ModelSpec) -> None:
        self._session = session
        self._spec = spec
        self._inputs: list[Json] = []
        #: The runs as they will be on record, by the place of their input.
        self.entries: dict[int, Entry] = {}
        self.note = ""

    async def add(self, index: int, gathered: Gathered, key: str | None) -> None:
        """Upload what an input holds; only references stay in memory."""
        entry = entry_of(self._session, self._spec, gathered, key=key, metadata=None)
        self._inputs.append({**await gathered.send(self._session.client), "client_ref": entry.key})
        self.entries[index] = entry

    async def create(self) -> bool:
        """Create the runs; tells whether the service has them, or may have them.

        A lost answer is no answer: then each run is looked up by its key, and the batch is not sent again.
        """
        ledger = self._session.ledger
        for entry in self.entries.values():
            ledger.add(entry)
        try:
            batch = await self._session.client.create_batch(self._spec.id, self._inputs)
        except RunflowError as error:
            if outcome_unknown(error):
                return True
            for entry in self.entries.values():
                ledger.update(
                    entry.key, status="failed", failure_code="NOT_SENT", failure_message=f"No batch: {error.message}"
                )
            why = "takes no batch" if isinstance(error, RejectedError) else "took no batch now"
            self.note = f"{self._spec.id} {why} ({error.message}); its runs are sent one by one."
            return False
        keys = {entry.key for entry in self.entries.values()}
        for item in batch.items:
            if item.client_ref in keys and item.run_id:
                ledger.update(item.client_ref, id=item.run_id, status=item.status)
        return True
