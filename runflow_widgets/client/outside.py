"""Fetching from, and posting to, addresses that somebody else wrote down, without being led astray.

An address in a run's output or in a request is data. It may name this machine, the local network or a cloud's
metadata service, redirect to one of them, or never stop sending. So a name is resolved first, every address it
resolves to is checked, and the connection goes to the very address that was checked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import httpx

from ..errors import OutputError, OutputExpired, TransportError
from .body import ACCEPTED, BodyError, TooLongError, pieces
from .http import Forgetful, is_loopback, redact

MAX_REDIRECTS: Final = 5
_EXPIRED: Final = frozenset({401, 403, 404, 410})
_MOST_ECHO: Final = 1_000_000
_TIMEOUT: Final = httpx.Timeout(connect=5, read=30, write=60, pool=10)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_GLOBAL_6: Final = ipaddress.ip_network("2000::/3")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
#: What Python of some versions takes for public, or leaves open.
_NEVER_PUBLIC: Final = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")))


class TooLargeError(OutputError):
    """More lies there than is taken; asking again brings the same."""


@dataclass(frozen=True, slots=True)
class Download:
    """The bytes behind an address, and what its server called them."""

    data: bytes
    mime_type: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a POST: a status, or the reason why there is none."""

    status: int | None
    body: str
    error: str | None
    elapsed_ms: float


class Outside:
    """A client for addresses of others: no key, no cookies, https only unless allowed, nothing private unless allowed.

    Args:
        allow_private: Also loopback and private addresses, and plain http to them.
        allow_http: Plain http to public hosts too.
        home: The service's own scheme, and its host and port: trusted as they are, whatever they resolve to.
        transport: What carries requests to `home`, for a service in this process.
        whole_s: The longest that one transfer may take.
        timeout: The longest that each step of it may take.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        allow_http: bool = False,
        home: tuple[str, str] | None = None,
        transport: Any = None,
        whole_s: float = 300.0,
        timeout: httpx.Timeout = _TIMEOUT,
    ) -> None:
        self._allow_private = allow_private
        self._allow_http = allow_http
        self._home = home
        self._home_transport = transport
        self._whole_s = whole_s
        self._timeout = timeout
        self._clients: dict[tuple[bool, bool], httpx.AsyncClient] = {}

    def _client(self, *, home: bool, proxied: bool = False) -> httpx.AsyncClient:
        kind = (home, proxied)
        if kind not in self._clients:
            self._clients[kind] = Forgetful(
                transport=self._home_transport if home else None,
                # Each file on a connection of its own: nothing left there by another can be taken for this one.
                limits=httpx.Limits(max_keepalive_connections=0),
                timeout=self._timeout,
                follow_redirects=False,
                headers={"Accept-Encoding": ACCEPTED, "User-Agent": "runflow-widgets"},
                trust_env=proxied,
            )
        return self._clients[kind]

    async def close(self) -> None:
        """Give back the connections."""
        while self._clients:
            await self._clients.popitem()[1].aclose()

    async def fetch(self, url: str, *, limit_bytes: int) -> Download:
        """Fetch what lies behind an address, following redirects, each checked like the first.

        Raises:
            OutputExpired: The server refuses the link.
            OutputError: Anything else; the sentence says what.
        """
        data = bytearray()
        mime_type = await self.stream(url, data.extend, limit_bytes=limit_bytes)
        return Download(bytes(data), mime_type)

    async def stream(self, url: str, take: Callable[[bytes], object], *, limit_bytes: int) -> str:
        """The same for what is too large for the memory: handed over piece by piece; gives the kind of file."""
        try:
            async with asyncio.timeout(self._whole_s):
                for _ in range(MAX_REDIRECTS + 1):
                    mime_type, moved_to = await self._stream_once(url, take, limit_bytes)
                    if moved_to is None:
                        return mime_type
                    url = moved_to
        except TimeoutError as error:
            raise OutputError(f"{redact(url)} did not arrive within {self._whole_s:g} s.") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise OutputError(f"{redact(url)} could not be fetched ({type(error).__name__}).") from error
        raise OutputError(f"{redact(url)} redirects more than {MAX_REDIRECTS} times.")

    async def _stream_once(self, url: str, take: Callable[[bytes], object], limit_bytes: int) -> tuple[str, str | None]:
        async with self._open("GET", url) as response:
            if response.is_redirect:
                return "", str(httpx.URL(url).join(response.headers.get("location", "")))
            if response.status_code in _EXPIRED:
                raise OutputExpired(f"{redact(url)} is refused with {response.status_code}; the link may have expired.")
            if not response.is_success:
                raise OutputError(f"{redact(url)} answered {response.status_code}.")
            try:
                async for piece in pieces(response, limit_bytes):
                    take(piece)
            except TooLongError as error:
                raise TooLargeError(f"{redact(url)} {error}.") from None
            except BodyError as error:
                raise OutputError(f"{redact(url)} {error}.") from None
            return response.headers.get("content-type", "").partition(";")[0].strip().lower(), None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Post a body once, without following anything; a failure is an answer too."""
        started = time.monotonic()

        def posted(status: int | None, text: str, error: str | None) -> Posted:
            return Posted(status, text, error, round(1e3 * (time.monotonic() - started), 1))

        try:
            async with asyncio.timeout(15), self._open("POST", url, content=body, headers=headers) as response:
                return posted(response.status_code, await _beginning(response), None)
        except OutputError as error:
            return posted(None, "", error.message)
        except BodyError as error:
            return posted(None, "", f"The answer {error}.")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as error:
            return posted(None, "", type(error).__name__)

    async def put(self, url: str, body: bytes, headers: Mapping[str, str], *, whole_s: float) -> int:
        """Put a file where somebody else said; gives the status of the answer.

        Raises:
            OutputError: Nothing is sent to such an address.
            TransportError: No answer came back.
        """
        try:
            async with (
                asyncio.timeout(whole_s),
                self._open("PUT", url, carried=True, content=body, headers=headers) as response,
            ):
                return response.status_code
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as error:
            raise TransportError(f"The upload broke off ({type(error).__name__}).", sent=True) from error

    @asynccontextmanager
    async def _open(
        self, method: str, url: str, *, carried: bool = False, **request: Any
    ) -> AsyncIterator[httpx.Response]:
        target = httpx.URL(url)
        home = self._home is not None and (target.scheme, target.netloc.decode("ascii")) == self._home
        proxied = _goes_through_proxy(target)
        # A service in this process may have its storage there too.
        inside = home or (carried and self._home_transport is not None)
        if inside or proxied:
            if not home:
                self._check_named(target)
            async with self._client(home=inside, proxied=proxied and not inside).stream(
                method, target, **request
            ) as response:
                yield response
            return
        address = await self._checked_address(target)
        headers = {**request.pop("headers", {}), "Host": target.netloc.decode("ascii")}
        pinned = target.copy_with(host=address)
        client = self._client(home=False)
        # The certificate is still checked against the name, not against the address that is connected to.
        extensions = {"sni_hostname": target.host}
        async with client.stream(method, pinned, headers=headers, extensions=extensions, **request) as response:
            yield response

    def _check_named(self, url: httpx.URL) -> None:
        """What can be said of an address that a proxy will look up: its scheme, and a private address written out."""
        if url.scheme != "https" and not self._allow_http:
            raise OutputError(f"{redact(str(url))} is plain http; only https is taken.")
        # A name is looked up by the proxy; those of this machine never get to it.
        address = _written_out(url.host)
        if address is not None and not is_public(address) and not self._allow_private:
            raise OutputError(f"{url.host} is a private address; such addresses are not asked.")

    async def _checked_address(self, url: httpx.URL) -> str:
        if url.scheme not in ("http", "https") or not url.host:
            raise OutputError(
                f"{redact(str(url))[:120]!r} is not an address that can be fetched; it must be http or https."
            )
        try:
            found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise OutputError(f"The host {url.host} cannot be found.") from error
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        private = [address for address in addresses if not is_public(address)]
        if private and not self._allow_private:
            raise OutputError(f"{url.host} is a private address ({private[0]}); such addresses are not asked.")
        if url.scheme == "http" and not (
            self._allow_http or (private and self._allow_private) or is_loopback(url.host)
        ):
            raise OutputError(f"{redact(str(url))} is plain http; only https is taken.")
        return str(addresses[0])


def _goes_through_proxy(url: httpx.URL) -> bool:
    """Whether the environment wants a proxy between us and this host, as on many companies' machines."""
    named = bool(url.host) and not is_loopback(url.host)
    return named and url.scheme in getproxies() and not proxy_bypass(url.host)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public network, also where it only wraps another one."""
    inner = _wrapped(address)
    if inner is not None:
        return is_public(inner)
    if any(address in network for network in _NEVER_PUBLIC if network.version == address.version):
        return False
    # Of the addresses of version 6, no other eighth is in use for the public.
    wide = address.version == 4 or address in _GLOBAL_6
    return wide and address.is_global and not address.is_multicast


def _wrapped(address: Address) -> ipaddress.IPv4Address | None:
    """The address of version 4 that one of version 6 leads to, by whichever way of getting there."""
    if address.version == 4:
        return None
    assert isinstance(address, ipaddress.IPv6Address)
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _written_out(host: str) -> Address | None:
    """The address that a host is, in any of the ways to write one: 127.0.0.1, 127.1, 2130706433, 0x7f.1."""
    host = host.strip("[]").rstrip(".")
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError, ValueError):
        return None


async def _beginning(response: httpx.Response, most: int = 2000) -> str:
    data = bytearray()
    async for piece in pieces(response, _MOST_ECHO):
        data += piece
        if len(data) >= most:
            break
    return bytes(data[:most]).decode("utf-8", "replace")
