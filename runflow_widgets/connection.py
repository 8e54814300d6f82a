"""Where runs go: to api.runflow.io with a key, or to the same API served inside this kernel.

The only module that knows both sides. Both speak HTTP to one client; embedded is a second transport under it, not a
second way through the library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from .catalogue import Catalogue, ModelSpec, ModelTable
from .client import Client, InProcess, Outside, find_key, keep_key
from .errors import ConfigError, InputError, OutputError, RunflowError
from .following import living
from .ledger import Ledger, home
from .portal import HAS_THREADS, shared
from .session import Session, current, opened, use
from .weights import locate
from .wire import DEFAULT_BASE_URL

if TYPE_CHECKING:
    from distributed import Client as DaskClient

    from .engine import Service
    from .engine.dask_pool import DaskPool
    from .engine.jobs import Pool

BASE_URL_VARIABLE: Final = "RUNFLOW_BASE_URL"
#: A list of models that is longer goes on for ever.
_MOST_MODELS: Final = 10_000
#: Never resolved: requests to it are handed to the service in this process.
EMBEDDED_URL: Final = "http://embedded.runflow.localhost"
#: A file of up to so many bytes goes into the request for a run: that is faster than the three of an upload.
_INLINE_BYTES: Final = 128 * 1024
#: A run is looked at this often for its progress. Nobody sees more, and its end is told at once.
_LOOK_EVERY_MS: Final = 200


def connect(
    key: str | None = None,
    *,
    base_url: str | None = None,
    embedded: bool | None = None,
    organization_id: str | None = None,
    keep: bool = False,
    workers: int | str | DaskClient | Pool | None = None,
    models: Mapping[str, str] | None = None,
) -> Session:
    """Say where runs go; the answer says it in one line.

    With a key, given or found, runs go to the service and are billed; without one they are computed in this kernel.

    Example:
        >>> rf.connect()
        Embedded: runs are computed in this kernel, on the CPU, and cost nothing.

    Args:
        key: The API key. Without it, RUNFLOW_API_KEY, Colab's user data and the keyring are asked, in this order.
        base_url: Where the service is; by default RUNFLOW_BASE_URL or api.runflow.io.
        embedded: True computes here even though there is a key; False insists on the service.
        organization_id: Act for this organisation instead of the key's own.
        keep: Keep the key in the system's keyring (needs the extra `keyring`).
        workers: How many embedded runs are computed at once, or who computes them: the address of a Dask scheduler
            (`tcp://scheduler:8786`), a `dask.distributed.Client`, or a pool. A cluster needs the extra `dask`; a client
            stays yours: its scheduler gets a connection of our own.
        models: Embedded models that a neural network shall do, by name (see `rf.fetch_weights`) or as `kind:path`:
            `{"bria/background/remove": "isnet", "runflow/object-removal": "lama:/models/lama.onnx"}`.
    """
    if is_cluster(workers):
        if key is not None or base_url is not None or embedded is False:
            raise ConfigError(
                "Workers of a Dask cluster compute embedded runs; the service computes its own.",
                advice="Leave out either `workers` or the key and the address.",
            )
        embedded = True
    found = None if embedded else find_key(key)
    # Some tracebacks show all variables of a frame.
    del key
    address = base_url or os.environ.get(BASE_URL_VARIABLE)
    if embedded is False and found is None and address is None:
        raise ConfigError(
            "There is no API key.",
            advice="Pass rf.connect(key=…) or set the variable RUNFLOW_API_KEY before the kernel starts.",
        )
    if keep:
        if found is None:
            raise ConfigError("There is no key to keep.", advice="Pass it once: rf.connect(key=…, keep=True).")
        keep_key(found)
    if embedded or (found is None and address is None):
        if workers is None and not models and (same := _still_embedded()) is not None:
            return same
        session = _embedded(workers, models or {})
    else:
        client = Client(found, base_url=address or DEFAULT_BASE_URL, organization_id=organization_id)
        session = Session(client, "remote", shared(), Ledger(), Catalogue.bundled())
    use(session)
    return session


def _still_embedded() -> Session | None:
    """The current session, if it is the embedded one on the same folder; a second one would only cost memory."""
    session = opened()
    if session is None or session.where != "embedded" or session.ledger.path.parent != home():
        return None
    return session


def _embedded(workers: int | str | DaskClient | Pool | None, models: Mapping[str, str]) -> Session:
    service = open_embedded_service(
        home() / "embedded",
        workers=workers,
        networks=_networks(models),
        allow_private=True,
        base_url=EMBEDDED_URL,
        poll_after_ms=_LOOK_EVERY_MS,
    )
    client = Client(base_url=EMBEDDED_URL, transport=InProcess(service.app), inline_bytes=_INLINE_BYTES)
    session = Session(client, "embedded", shared(), Ledger(), Catalogue.bundled(), closing=[service.close])
    # In the same process nobody need wait for the next look at a run to see that it is over.
    service.core.jobs.when_over = _look_again
    if hasattr(service.core.pool, "place"):
        cluster = cast("DaskPool", service.core.pool)
        session.place = lambda: cluster.place
        # For each that is computed one more that is on its way, or workers would wait.
        session.at_once = lambda: max(4, 2 * cluster.size)
    return session


def _look_again(run_id: str) -> None:
    if (run := living(run_id)) is not None:
        run._nudge()


def _networks(models: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    known = Catalogue.bundled()
    networks = {}
    for model_id, choice in models.items():
        if not known.get(model_id).embedded:
            raise ConfigError(
                f"{model_id} does not run here, with or without a network.", advice="Connect a key for it."
            )
        kind, path = locate(choice)
        networks[model_id] = (kind, str(path))
    return networks


def open_embedded_service(
    folder: Path,
    *,
    workers: int | str | DaskClient | Pool | None,
    allow_private: bool,
    networks: Mapping[str, tuple[str, str]] | None = None,
    **settings: Any,
) -> Service:
    """The service in miniature on a folder, with what it needs of the world outside."""
    from .engine import open_service

    return open_service(
        folder,
        outside=_OutsideOfEngine(allow_private=allow_private),
        pool=_pool_of(workers, networks),
        catalogue=Catalogue.bundled(),
        **settings,
    )


def is_cluster(workers: object) -> bool:
    """Whether this names a Dask cluster, by the address of its scheduler or by a client."""
    # Whoever has a client has loaded its module; nobody else needs it.
    module = sys.modules.get("distributed")
    return isinstance(workers, str) or (module is not None and isinstance(workers, module.Client))


def _pool_of(workers: int | str | DaskClient | Pool | None, networks: Mapping[str, tuple[str, str]] | None) -> Pool:
    if is_cluster(workers):
        return _cluster_of(workers, networks)
    if workers is not None and not isinstance(workers, int):
        return cast("Pool", workers)
    if not HAS_THREADS:
        from .engine.in_place import InPlacePool

        return InPlacePool(networks=networks)
    from .engine.workers import WorkerPool

    return WorkerPool(workers, networks=networks)


def _cluster_of(workers: str | DaskClient, networks: Mapping[str, tuple[str, str]] | None) -> Pool:
    from .engine.dask_pool import DaskPool

    if isinstance(workers, str):
        cluster = DaskPool(workers, networks=networks)
    elif workers.scheduler is None:
        raise ConfigError("The Dask client is closed.", advice="Make a new one: dask.distributed.Client(…).")
    else:
        cluster = DaskPool(workers.scheduler.address, security=workers.security, networks=networks)
    # Here, so that a wrong address is said where it was given, and not by the first run.
    shared().call(cluster.open())
    return cluster


class _OutsideOfEngine:
    """What the embedded service needs of the outside world, done by the client's guarded fetcher."""

    def __init__(self, *, allow_private: bool) -> None:
        self._outside = Outside(allow_private=allow_private, allow_http=True)

    async def fetch(self, url: str, *, limit_bytes: int) -> Any:
        from .engine.outside import Fetched, OutsideError

        try:
            found = await self._outside.fetch(url, limit_bytes=limit_bytes)
        except OutputError as error:
            raise OutsideError(error.message) from error
        return Fetched(found.data, found.mime_type)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Any:
        from .engine.outside import PostAnswer

        posted = await self._outside.post(url, body, headers)
        return PostAnswer(posted.status, posted.body, posted.error, posted.elapsed_ms)

    async def close(self) -> None:
        await self._outside.close()


class Models:
    """The models there are: called, it lists and searches them.

    Example:
        >>> rf.models("remove background", embedded=True)
        >>> rf.models.refresh()
    """

    def __call__(
        self,
        text: str | None = None,
        *,
        maker: str | None = None,
        max_price: float | str | Decimal | None = None,
        takes_mask: bool | None = None,
        takes_image: bool | None = None,
        output: str | None = None,
        embedded: bool | None = None,
        category: str | None = None,
    ) -> ModelTable:
        """The models that fit.

        Args:
            text: Words that id, name, maker or purpose must hold, in any order.
            max_price: The most that one unit may cost, in US dollars; models without a known price are left out.
            output: `image` or `video`.
            embedded: Only those that also run here, without a key.
        """
        session = opened()
        # What was refreshed is known to the session; without one, what is bundled is all there is.
        catalogue = Catalogue.bundled() if session is None else session.catalogue
        return catalogue.search(
            text,
            maker=maker,
            max_price=max_price,
            takes_mask=takes_mask,
            takes_image=takes_image,
            output=output,
            embedded=embedded,
            category=category,
        )

    def refresh(self, *, session: Session | None = None) -> str:
        """Take the live list from the service; where it cannot be reached, say so and go on with what is known."""
        session = session or current()
        try:
            count = session.portal.call(_refresh(session))
        except RunflowError as error:
            return f"The list of models stays as it was: {error}"
        return f"{count} models were read from {session.client.base_url}."

    def __repr__(self) -> str:
        return repr(self())

    def _repr_html_(self) -> str:
        return self()._repr_html_()


async def _refresh(session: Session) -> int:
    client = session.client
    listed = client.each_model() if client.key or session.where == "embedded" else client.each_public_model()
    records: list[Any] = []
    async for record in listed:
        records.append(record)
        if len(records) == _MOST_MODELS:
            break
    return session.catalogue.merge(records)


def model(model_id: str) -> ModelSpec:
    """One model: what it takes, what it costs, an example.

    Example:
        >>> rf.model("runflow/tag-removal")
    """
    if not isinstance(model_id, str):
        raise InputError(f"A model is named by its id, a text; this is {type(model_id).__name__}.", field="model")
    return Catalogue.bundled().get(model_id)
