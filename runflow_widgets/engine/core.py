"""What every endpoint works with: the parts of one service, put together."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from ..catalogue import Catalogue
from .delivery import Deliveries
from .jobs import Jobs, Pool
from .links import Links
from .media import Media
from .outside import Outside
from .refusal import Refusal
from .store import Store

#: The one organisation that an embedded service has.
ORGANISATION: Final = "00000000-0000-7000-8000-000000000001"


def digest_of(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


class Core:
    """The service without its HTTP side; `open_service` tells what the arguments are."""

    def __init__(
        self,
        store: Store,
        *,
        outside: Outside,
        pool: Pool,
        catalogue: Catalogue,
        keys: Mapping[str, frozenset[str]] | None,
        credit: Decimal | None,
        max_open_runs: int,
        keep_free: int,
        base_url: str | None,
        link_life_s: float,
        poll_after_ms: int,
        retry_waits_s: Sequence[float],
        resume: bool,
    ) -> None:
        self.store = store
        self.catalogue = catalogue
        # Not the keys themselves: what is not here cannot be shown by anything.
        self.keys = None if keys is None else {digest_of(key): scopes for key, scopes in keys.items()}
        self.credit = credit
        self.max_open_runs = max_open_runs
        self.keep_free = keep_free
        self.base_url = base_url
        self.poll_after_ms = poll_after_ms
        self.organisation = ORGANISATION
        self.links = Links(store.secret("links"), link_life_s)
        self.media = Media(store, self.links)
        self.deliveries = Deliveries(store, outside, retry_waits_s)
        self.jobs = Jobs(store, self.media, pool, outside, self.deliveries, catalogue, resume=resume)
        self.pool = pool

    def check_room(self, size: int) -> None:
        """Raise a 507 where so many bytes more would leave too little of the disk to all others."""
        if self.keep_free and shutil.disk_usage(self.store.folder).free - size < self.keep_free:
            raise Refusal(
                507,
                f"Of the disk where runs are kept, {self.keep_free >> 20} MB stay free; delete runs or assets first.",
                code="INSUFFICIENT_STORAGE",
            )
