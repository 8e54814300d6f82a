"""Where runs go: to api.runflow.io with a key, or to the same API served inside this kernel.

The only module that knows both sides. Both speak HTTP to one client; embedded is a second transport under it, not a
second way through the library.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from .catalogue import Catalogue, ModelSpec, ModelTable
from .client import Client, Outside, find_key, keep_key
from .errors import ConfigError, InputError, OutputError, RunflowError
from .ledger import Ledger, home
from .portal import Portal, shared
from .session import Session, current, opened, use
from .wire import DEFAULT_BASE_URL

if TYPE_CHECKING:
    from .engine import Service
    from .engine.jobs import Pool

BASE_URL_VARIABLE: Final = "RUNFLOW_BASE_URL"
#: Never resolved: requests to it are handed to the service in this process.
EMBEDDED_URL: Final = "http://embedded.runflow.localhost"


def connect(
    key: str | None = None,
    *,
    base_url: str | None = None,
    embedded: bool | None = None,
    organization_id: str | None = None,
    keep: bool = False,
    workers: int | Pool | None = None,
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
        workers: How many embedded runs are computed at once, or the pool that computes them.
    """
    found = None if embedded else find_key(key)
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
        if workers is None and (same := _still_embedded()) is not None:
            return same
        session = _embedded(workers)
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


def _embedded(workers: int | Pool | None) -> Session:
    portal = shared()
    service = _open_service(home() / "embedded", workers=workers, allow_private=True, base_url=EMBEDDED_URL)
    client = Client(base_url=EMBEDDED_URL, transport=_in_process(service))
    return Session(client, "embedded", portal, Ledger(), Catalogue.bundled(), closing=[service.close])


def _in_process(service: Service) -> httpx.ASGITransport:
    # Errors of the app become a 500, as they would over a socket.
    return httpx.ASGITransport(app=service.app, raise_app_exceptions=False, client=("127.0.0.1", 0))


def _open_service(folder: Path, *, workers: int | Pool | None, allow_private: bool, **settings: Any) -> Service:
    from .engine import open_service
    from .engine.workers import WorkerPool

    return open_service(
        folder,
        outside=_OutsideOfEngine(allow_private=allow_private),
        pool=WorkerPool(workers) if workers is None or isinstance(workers, int) else workers,
        catalogue=Catalogue.bundled(),
        **settings,
    )


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


class Server:
    """The embedded service on a port of this machine, for any client of the API.

    Example:
        >>> with rf.serve(key="rf_live_tutorial_0001") as server:
        ...     print(server.url)
    """

    def __init__(self, portal: Portal, service: Service, server: Any, url: str, job: Any, note: str) -> None:
        self._portal = portal
        self._service = service
        self._server = server
        self._job = job
        self._note = note
        self.url = url

    def wait(self) -> None:
        """Block until the server ends."""
        self._job.result()

    def close(self) -> None:
        """Stop serving and end the workers; unfinished runs are reported as failed when the folder is served again."""
        self._server.should_exit = True
        self._job.result(timeout_s=10)
        self._portal.call(self._service.close(), timeout_s=10)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Server({self.url}, {self._note})"


def serve(
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    key: str | None = None,
    allow_private: bool = False,
    folder: str | Path | None = None,
    workers: int | Pool | None = None,
    credit_usd: float | str | Decimal | None = None,
    **settings: Any,
) -> Server:
    """Serve the embedded models over HTTP, with the paths, bodies and codes of the real service.

    Args:
        port: The port; by default a free one.
        host: The address to listen on. Beyond this machine a key is required.
        key: Clients must send it as `Authorization: Bearer …`.
        allow_private: Let `image_url`, `zip_url` and `callback_url` name loopback and private addresses.
        folder: Where runs and files are kept; by default a folder of its own among ours.
        workers: How many runs are computed at once, or the pool that computes them.
        credit_usd: Charge runs their catalogue price against this credit, to try out a client without money.
        settings: Anything else that `engine.open_service` takes, for instance `link_life_s`.
    """
    try:
        import uvicorn
    except ImportError:
        raise ConfigError("Serving needs the package uvicorn.", advice="pip install 'runflow-widgets[serve]'") from None
    if key is None and host not in ("127.0.0.1", "localhost", "::1"):
        raise ConfigError(f"Serving on {host} without a key would let anybody in.", advice="Pass a key.")
    try:
        sock = _bound_socket(host, port)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(
            f"Port {port} on {host} cannot be served ({reason}).", advice="Choose another port."
        ) from error
    portal = shared()
    service = _open_service(
        Path(folder) if folder else home() / "served",
        workers=workers,
        allow_private=allow_private,
        keys=None if key is None else {key: frozenset()},
        credit=None if credit_usd is None else Decimal(str(credit_usd)),
        **settings,
    )
    bound = sock.getsockname()[1]
    config = uvicorn.Config(
        service.app,
        interface="asgi3",  # it would take a bound method for something older
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    # Whoever waits for the server may be interrupted; it is ended by `close`, in order.
    job = portal.submit(server.serve(sockets=[sock]), interrupted=lambda: False)
    shown = f"[{host}]" if ":" in host else host
    note = "a key is required" if key else "no key is required"
    return Server(portal, service, server, f"http://{shown}:{bound}", job, note)


def _bound_socket(host: str, port: int) -> socket.socket:
    # Bound here, because uvicorn ends the process when it cannot bind, and that would end the kernel.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        # Connections made from now on wait until the server takes them, so the address may be used at once.
        sock.listen(128)
    except OSError:
        sock.close()
        raise
    return sock


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
        return Catalogue.bundled().search(
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
    return session.catalogue.merge([record async for record in listed])


def model(model_id: str) -> ModelSpec:
    """One model: what it takes, what it costs, an example.

    Example:
        >>> rf.model("runflow/tag-removal")
    """
    if not isinstance(model_id, str):
        raise InputError(f"A model is named by its id, a text; this is {type(model_id).__name__}.", field="model")
    return Catalogue.bundled().get(model_id)
