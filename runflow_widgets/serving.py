"""The embedded service on a port of this machine, for curl, for tutorials, for any client of the API."""

from __future__ import annotations

import socket
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from .connection import open_embedded_service
from .engine.door import Door, name_of
from .errors import ConfigError
from .ledger import home
from .portal import Portal, shared

_THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")
_LEAST_KEY: Final = 16


class Server:
    """The embedded service on a port of this machine, for any client of the API.

    Example:
        >>> with rf.serve(key="rf_live_tutorial_0001") as server:
        ...     print(server.url)
    """

    def __init__(self, portal: Portal, service: Any, server: Any, url: str, job: Any, note: str) -> None:
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
    workers: Any = None,
    credit_usd: float | str | Decimal | None = None,
    requests_per_s: float = 1000,
    patience_s: float = 10,
    wrong_keys_per_min: float = 10,
    max_connections: int = 512,
    keep_free_mb: int = 1024,
    resume: bool = True,
    **settings: Any,
) -> Server:
    """Serve the embedded models over HTTP, with the paths, bodies and codes of the real service.

    Args:
        port: The port; by default a free one.
        host: The address to listen on. Beyond this machine a key of at least 16 characters is required.
        key: Clients must send it as `Authorization: Bearer …`. Without one, pages in a browser and requests that name
            another host than this machine are refused.
        allow_private: Let `image_url`, `zip_url` and `callback_url` name loopback and private addresses.
        folder: Where runs and files are kept; by default a folder of its own among ours.
        workers: How many runs are computed at once, or the pool that computes them.
        credit_usd: Charge runs their catalogue price against this credit, to try out a client without money.
        requests_per_s: How many requests each address may send; more are answered with 429.
        patience_s: How long a connection may stand still, and a body may take before its speed counts.
        wrong_keys_per_min: How many wrong keys each address may send; after two minutes' worth it is not heard a while.
        max_connections: How many there may be at once; each address may have half of them.
        keep_free_mb: So much of the disk is left to others; then new runs and uploads are answered with 507.
        resume: Runs that were open when a server stopped are begun again by the next one on its folder; else they fail.
        settings: Anything else that `engine.open_service` takes, for instance `link_life_s`.
    """
    try:
        import uvicorn

        from .engine.sockets import protocol
    except ImportError:
        raise ConfigError("Serving needs the package uvicorn.", advice="pip install 'runflow-widgets[serve]'") from None
    _check_key(key, host)
    limits = {
        "requests_per_s": requests_per_s,
        "patience_s": patience_s,
        "wrong_keys_per_min": wrong_keys_per_min,
        "max_connections": max_connections,
    }
    for name, limit in limits.items():
        if limit <= 0:
            raise ConfigError(f"{name} is {limit}, which would keep everybody out.", advice="Take more than 0.")
    try:
        sock = _bound_socket(host, port)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(
            f"Port {port} on {host} cannot be served ({reason}).", advice="Choose another port."
        ) from error
    portal = shared()
    service = open_embedded_service(
        Path(folder) if folder else home() / "served",
        workers=workers,
        allow_private=allow_private,
        keys=None if key is None else {key: frozenset()},
        credit=None if credit_usd is None else Decimal(str(credit_usd)),
        keep_free=keep_free_mb << 20,
        resume=resume,
        **settings,
    )
    # Whoever waits for an open run may be waiting for a callback, and never ask.
    portal.call(service.take_up())
    bound = sock.getsockname()[1]
    door = Door(
        service.app,
        hosts=None if key is not None else _names_of(host, service.core.base_url),
        requests_per_s=requests_per_s,
        wrong_keys_per_min=wrong_keys_per_min,
        patience_s=patience_s,
    )
    config = uvicorn.Config(
        door,
        http=protocol(patience_s, max_connections),
        ws="none",
        interface="asgi3",  # it would take a bound method for something older
        lifespan="off",
        # A warning for every request that cannot be read would let strangers write into the notebook.
        log_level="error",
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


def _check_key(key: str | None, host: str) -> None:
    if key is None:
        if host not in _THIS_MACHINE:
            raise ConfigError(f"Serving on {host} without a key would let anybody in.", advice="Pass a key.")
        return
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        # An empty one would let in whoever sends none.
        raise ConfigError(
            f"The key ({len(key)} characters) is empty, or has characters that no header carries.",
            advice="Take letters and digits.",
        )
    if host not in _THIS_MACHINE and len(key) < _LEAST_KEY:
        raise ConfigError(
            f"The key has {len(key)} characters, and on {host} others can try keys.",
            advice=f"Take at least {_LEAST_KEY}: python -c 'import secrets; print(secrets.token_urlsafe())'.",
        )


def _names_of(host: str, base_url: str | None) -> frozenset[str]:
    named = name_of(urlsplit(base_url).netloc) if base_url else "localhost"
    return frozenset({"localhost", "127.0.0.1", "[::1]", host, named})


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
