"""Requests to the service: sent, repeated where that is safe, and every failure turned into one of our errors."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from ..errors import ApiError, RateLimited, RunflowError, TransportError
from ..wire import Json
from .body import ACCEPTED, BodyError, whole
from .key import ApiKey
from .rules import ATTEMPTS, FIRST_WAIT_S, Pace, error_of, may_repeat

log = logging.getLogger("runflow_widgets.http")

#: A result of 50 MB inside an answer, and room for all around it.
MOST_ANSWER_BYTES: Final = 100_000_000
#: Each mark may become an object of a hundred bytes; a page of five hundred models with all their inputs has 150,000.
_MOST_MARKS: Final = 2_000_000
#: Of an error that is no JSON, far more than is shown.
_MOST_TEXT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a single request may take, in seconds; no request is without a limit."""

    connect_s: float = 5.0
    read_s: float = 30.0
    write_s: float = 60.0
    pool_s: float = 10.0
    whole_s: float = 60.0

    def as_timeout(self) -> httpx.Timeout:
        """The same for httpx."""
        return httpx.Timeout(connect=self.connect_s, read=self.read_s, write=self.write_s, pool=self.pool_s)


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: the decoded JSON and the headers, names in lower case."""

    status: int
    headers: Mapping[str, str]
    json: Any


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request as it is sent, once or several times."""

    method: str
    path: str
    query: Mapping[str, object] | None
    body: object = field(repr=False)
    headers: Mapping[str, str] | None = field(repr=False)
    #: On a connection of its own.
    alone: bool

    @property
    def shown(self) -> str:
        """What may be said of it."""
        return f"{self.method} {redact(self.path)}"


@dataclass(frozen=True, slots=True)
class _Said:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


class Gate:
    """Hold back every request while the service has asked for patience, so that one 429 slows all and not just one."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._open_at = 0.0

    def hold(self, seconds: float) -> None:
        """Let nothing through for that long."""
        self._open_at = max(self._open_at, time.monotonic() + seconds * self._pace.scale)

    async def pass_through(self) -> None:
        """Wait until requests may be sent again."""
        while (left := self._open_at - time.monotonic()) > 0:  # noqa: ASYNC110  # it may be moved on meanwhile
            await asyncio.sleep(left)


class Http:
    """Send requests to one service; the key goes to its host and to no other."""

    def __init__(
        self,
        base_url: str,
        *,
        key: ApiKey | None,
        transport: Any = None,
        limits: Limits | None = None,
        pace: Pace | None = None,
        organization_id: str | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.limits = limits or Limits()
        self.pace = pace or Pace()
        self.gate = Gate(self.pace)
        self._key = key
        self._transport = transport
        self._organization_id = organization_id
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._spoiled: list[httpx.AsyncClient] = []

    def _open(self, *, alone: bool) -> httpx.AsyncClient:
        # Made on first use, since the TLS context costs 20 to 57 ms; one of a kind, on the portal's loop.
        if alone not in self._clients:
            self._clients[alone] = Forgetful(
                base_url=self.base_url,
                transport=self._transport,
                limits=httpx.Limits(max_connections=100, max_keepalive_connections=0 if alone else 20),
                timeout=self.limits.as_timeout(),
                follow_redirects=False,
                headers={"Accept": "application/json", "Accept-Encoding": ACCEPTED, "User-Agent": "runflow-widgets"},
                # A company's proxy is for the outside; a service on this machine is asked directly.
                trust_env=not is_loopback(httpx.URL(self.base_url).host),
            )
        return self._clients[alone]

    async def close(self) -> None:
        """Give back the connections."""
        while self._clients:
            self._spoiled.append(self._clients.popitem()[1])
        while self._spoiled:
            await self._spoiled.pop().aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        attempts: int = ATTEMPTS,
        known: Mapping[str, Any] | None = None,
        meant: Callable[[Any], bool] | None = None,
        alone: bool = False,
    ) -> Answer:
        """Send a request until it is answered or nothing more may be tried.

        Args:
            idempotent: Whether doing it twice is the same as doing it once; by default true of all but POST.
            known: What an error should carry: run_id, key.
            meant: Whether a good answer is one to this request. Where something on the way repeats an answer, all
                that follow on the same connection are those to earlier requests.
            alone: Ask on a connection of its own, on which no other answer can lie.
        """
        asked = _Asked(method, path, query, body, headers, alone)
        repeatable = method != "POST" if idempotent is None else idempotent
        first: RunflowError | None = None
        for attempt in range(1, attempts + 1):
            await self.gate.pass_through()
            try:
                answer = await self._once(asked, known or {})
                return self._checked(answer, asked, meant, known or {})
            except (ApiError, TransportError) as error:
                # The first failure is the one that explains; later ones often only say that it was tried again. But
                # after a refusal, a lost answer says more: now it may have been carried out.
                first = first or error
                if attempt == attempts or not may_repeat(error, idempotent=repeatable):
                    says_more = isinstance(error, ApiError) or (error.sent and not repeatable)
                    raise error if says_more or error is first else first from error
                await self._wait_after(error, attempt)
        raise AssertionError("the loop above returns or raises")

    async def _wait_after(self, error: RunflowError, attempt: int) -> None:
        if isinstance(error, RateLimited):
            wait_s = error.retry_after_s if error.retry_after_s is not None else self.pace.back_off_s(attempt)
            self.gate.hold(wait_s)
        elif isinstance(error, TransportError) and not error.sent:
            await self.pace.pause(FIRST_WAIT_S / 4 * attempt)
        else:
            await self.pace.pause(self.pace.back_off_s(attempt))

    async def _once(self, asked: _Asked, known: Mapping[str, Any]) -> Answer:
        started = time.monotonic()
        try:
            # In-process transports know no time limits, hence the outer one.
            async with asyncio.timeout(self.limits.whole_s):
                said = await self._said(asked)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise _transport_error(asked, error, sent=False, known=known) from _bare(error, self._key)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as error:
            raise _transport_error(asked, error, sent=True, known=known) from _bare(error, self._key)
        except BodyError as error:
            raise TransportError(
                f"{asked.shown}: the answer {error}.", sent=True, advice="Try again later.", **known
            ) from None
        log.debug("%s -> %d in %.0f ms", asked.shown, said.status, 1e3 * (time.monotonic() - started))
        return self._read(said, known)

    def _checked(
        self, answer: Answer, asked: _Asked, meant: Callable[[Any], bool] | None, known: Mapping[str, Any]
    ) -> Answer:
        if meant is None or meant(answer.json):
            return answer
        if False in self._clients:
            # Others may be waiting for answers on these connections; nothing new is asked on them.
            self._spoiled.append(self._clients.pop(False))
        raise TransportError(f"{asked.shown}: the answer that came belongs to another request.", sent=True, **known)

    async def _said(self, asked: _Asked) -> _Said:
        """What came back, without the key: a service may quote it, and that would go into errors and the record."""
        # The headers with the key are in no variable: some tracebacks show all of them.
        async with self._open(alone=asked.alone).stream(
            asked.method,
            asked.path,
            params=_query(asked.query),
            json=asked.body,
            headers={**self._own_headers(), **(asked.headers or {})},
        ) as response:
            content = await whole(response, MOST_ANSWER_BYTES)
        bare = self._key.taken_out if self._key is not None else bytes
        known = {bare(name).lower().decode("latin-1"): bare(value) for name, value in response.headers.raw}
        texts = {name: value.decode("utf-8", "replace") for name, value in known.items()}
        return _Said(response.status_code, texts, bare(content))

    def _read(self, said: _Said, known: Mapping[str, Any]) -> Answer:
        is_success = 200 <= said.status < 300
        try:
            decoded = _decoded(said.content, self._key)
        except (ValueError, RecursionError):
            if is_success:
                # A page in place of JSON, or half an answer: what was asked for may well have happened.
                raise TransportError(
                    "The service answered with something that is not JSON.", sent=True, **known
                ) from None
            decoded = said.content[:_MOST_TEXT].decode("utf-8", "replace")
        if not is_success:
            raise error_of(said.status, said.headers, decoded, **known)
        return Answer(said.status, said.headers, decoded)

    def _own_headers(self) -> dict[str, str]:
        headers = {}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.reveal()}"
        if self._organization_id:
            headers["X-Organization-Id"] = self._organization_id
        return headers


def _decoded(content: bytes, key: ApiKey | None) -> Any:
    """An answer's JSON; raises a `ValueError` or `RecursionError` where it is none, or too much of it."""
    if sum(map(content.count, (b",", b"[", b"{"))) > _MOST_MARKS:
        raise ValueError
    decoded = json.loads(content) if content else None
    # In JSON any sign may be written by its number, so only now all of the text can be read.
    return decoded if key is None or b"\\u" not in content else _without(decoded, key)


def _without(value: Any, key: ApiKey) -> Any:
    if isinstance(value, str):
        return key.taken_out_of(value)
    if isinstance(value, dict):
        return {_without(name, key): _without(entry, key) for name, entry in value.items()}
    return [_without(entry, key) for entry in value] if isinstance(value, list) else value


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Take none; not even look for any, which for a small answer is a good part of the work."""


class Forgetful(httpx.AsyncClient):
    """A client without cookies: whoever answers must not be told again what it said to us before."""

    cookies: Any = _NoCookies()


def _query(query: Mapping[str, object] | None) -> dict[str, str] | None:
    if not query:
        return None
    spelled = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in query.items()
        if value is not None
    }
    return spelled or None


def _bare(error: Exception, key: ApiKey | None) -> Exception:
    """What broke, without the frames below it and without the request."""
    # Their variables hold the header with the key, and some print them: IPython's verbose mode, crash reporters.
    error.__cause__ = error.__context__ = None
    if isinstance(error, httpx.RequestError):
        error._request = None
    if key is not None:
        # A line that is no HTTP is quoted in what is said of it.
        error.args = tuple(key.taken_out_of(part) if isinstance(part, str) else part for part in error.args)
    return error.with_traceback(None)


def _transport_error(asked: _Asked, error: Exception, *, sent: bool, known: Mapping[str, Any]) -> TransportError:
    reason = "it took too long" if isinstance(error, httpx.TimeoutException | TimeoutError) else type(error).__name__
    fate = "no answer came back" if sent else "the service could not be reached"
    return TransportError(
        f"{asked.shown}: {fate} ({reason}).",
        sent=sent,
        advice="Check the connection; the request may have been carried out." if sent else "Check the connection.",
        **known,
    )


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def redact(text: str) -> str:
    """An address without what may give access: signatures in the query, keys anywhere."""
    bare = re.sub(r"\?.*", "?…", text)
    return re.sub(r"rf_(live|svc)_[A-Za-z0-9_\-]+", r"rf_\1_…", bare)


def idempotency(key: str) -> Json:
    """The header that lets a service replay its first answer."""
    return {"Idempotency-Key": key}
