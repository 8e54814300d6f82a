"""One request as the endpoints see it: who asks, what the path, the query and the body say."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..catalogue.field import is_json, shown
from ..wire import MAX_CALLBACK_URL, Json
from .core import Core, digest_of
from .refusal import Refusal, invalid, problem

#: 50 MiB as base64 inside a JSON body, and room for all the rest.
MOST_BODY: Final = 72 * 1024 * 1024
_MOST_KEY: Final = 255
#: Each mark may become an object of a hundred bytes; a hundred runs with all their inputs have some ten thousand.
_MOST_MARKS: Final = 1_000_000
_PIECE: Final = 1 << 18
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9a-fA-F:.]+\](:\d{1,5})?")


class Answer(Response):
    """JSON, bare; text beyond ASCII is escaped, so that nothing a run carries can break it."""

    media_type = "application/json"

    def __init__(self, body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(json.dumps(body, allow_nan=False, separators=(",", ":")), status, headers=dict(headers or {}))


class FileAnswer(Response):
    """A file, piece by piece: who takes it slowly must not keep all of it in the memory."""

    def __init__(self, file: IO[bytes], media_type: str, headers: Mapping[str, str]) -> None:
        size = file.seek(0, os.SEEK_END)
        super().__init__(None, 200, {**headers, "Content-Length": str(size)}, media_type)
        self._file = file

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        with self._file as file:
            file.seek(0)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            # A thread costs more than reading a single piece.
            piece = file.read(_PIECE)
            while len(piece) == _PIECE:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await asyncio.to_thread(file.read, _PIECE)
            await send({"type": "http.response.body", "body": piece})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: which of the keys, and what it may do (nothing named: everything)."""

    name: str = "anyone"
    scopes: frozenset[str] = frozenset()


@dataclass(slots=True)
class Call:
    """A request on its way through an endpoint."""

    request: Request
    service: Core
    caller: Caller
    request_id: str
    _body: bytes | None = field(default=None, repr=False)

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters."""
        return self.request.query_params

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    @property
    def origin(self) -> str:
        """Where this service is, as the caller sees it."""
        if self.service.base_url:
            return self.service.base_url.rstrip("/")
        host = self.request.headers.get("host", "")
        # A host is echoed into links, so only what can be one is.
        return f"{self.request.url.scheme}://{host if _HOST.fullmatch(host) else 'localhost'}"

    async def bytes(self, most: int = MOST_BODY) -> bytes:
        """The body; a 413 as soon as it is too large."""
        if self._body is None:
            data = bytearray()
            async for chunk in self.request.stream():
                data += chunk
                if len(data) > most:
                    raise Refusal(413, f"The body is larger than {most} bytes.")
            self._body = bytes(data)
        return self._body

    async def body(self) -> Body:
        """The body as a JSON object, ready to be read field by field; no body at all is an empty one."""
        data = await self.bytes()
        if sum(map(data.count, (b",", b"[", b"{"))) > _MOST_MARKS:
            raise Refusal(413, "The body holds more values than any request.")
        try:
            found = json.loads(data, parse_constant=_refuse_constant) if data.strip() else {}
        except (ValueError, RecursionError) as error:
            raise Refusal(400, f"The body is not JSON ({shown(str(error))}).") from None
        if not isinstance(found, dict):
            raise Refusal(422, "The body must be a JSON object.", errors=[problem(["body"], "must be an object")])
        if not is_json(found) or not _is_unicode(found):
            raise Refusal(400, "The body nests too deeply, or holds numbers or text that cannot be kept.")
        return Body(found)

    async def once(self, make: Any) -> Response:
        """Do something new, unless this `Idempotency-Key` did it already: then give the same answer again.

        `make` returns a status and a body. It is called within the change that also keeps the answer, so that there is
        never a run without its answer, nor the other way round.
        """
        key = self.request.headers.get("idempotency-key", "")
        if not key:
            with self.service.store.change():
                status, body = make()
            return Answer(body, status)
        fingerprint = await self._fingerprint()
        with self.service.store.change():
            if (replayed := self._replay(key, fingerprint)) is not None:
                return replayed
            status, body = make()
            self.service.store.keep_answer(self._scoped(key), fingerprint, status, body)
        return Answer(body, status)

    async def replayed(self) -> Response | None:
        """The first answer to this very request, if there was one; what follows need not be done again.

        Without one something new is to be kept, and there must be room for it.
        """
        key = self.request.headers.get("idempotency-key", "")
        if len(key) > _MOST_KEY:
            raise invalid([problem(["header", "Idempotency-Key"], f"it may have at most {_MOST_KEY} characters")])
        known = self._replay(key, await self._fingerprint()) if key else None
        if known is None:
            self.service.check_room(len(await self.bytes()))
        return known

    def _replay(self, key: str, fingerprint: str) -> Response | None:
        known = self.service.store.answer_for(self._scoped(key))
        if known is None:
            return None
        before, status, body = known
        if not hmac.compare_digest(before, fingerprint):
            raise Refusal(409, "This Idempotency-Key was used for another request; take a new one.")
        return Answer(body, status)

    def _scoped(self, key: str) -> str:
        return f"{self.caller.name}\n{key}"

    async def _fingerprint(self) -> str:
        data = await self.bytes()
        head = f"{self.request.method} {self.request.scope['path']}\n".encode("utf-8", "replace")
        return hashlib.sha256(head + data).hexdigest()


class Body:
    """A JSON object that is read field by field; everything wrong with it is reported at once, by `done`."""

    def __init__(self, values: Json) -> None:
        self.values = values
        self.problems: list[Json] = []

    def text(self, name: str, *, most: int, least: int = 0, required: bool = False) -> str | None:
        """A string of so many characters; null is as good as nothing."""
        value = self._given(name, required=required)
        if value is None:
            return None
        if not isinstance(value, str) or not least <= len(value) <= most:
            self.add(name, f"{name} must be text of {least} to {most} characters.")
            return None
        return value

    def whole(self, name: str, *, least: int, most: int) -> int:
        """A whole number that must be there."""
        value = self._given(name, required=True)
        if value is None or isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            if value is not None:
                self.add(name, f"{name} must be a whole number from {least} to {most}.")
            return least
        return value

    def mapping(self, name: str, *, required: bool = False) -> Json | None:
        """An object."""
        value = self._given(name, required=required)
        if value is not None and not isinstance(value, dict):
            self.add(name, f"{name} must be an object.")
            return None
        return value

    def callback_url(self) -> str | None:
        """Where to post when it is over."""
        url = self.text("callback_url", most=MAX_CALLBACK_URL)
        if url is not None and not is_web_address(url):
            self.add("callback_url", f"callback_url is {shown(url)}; it must be an http or https address.")
        return url

    def add(self, name: str, message: str, kind: str = "value_error") -> None:
        """Note a problem with a field."""
        self.problems.append(problem(["body", name], message, kind))

    def done(self) -> None:
        """Raise a 422 with all problems, if there are any."""
        if self.problems:
            raise invalid(self.problems)

    def _given(self, name: str, *, required: bool = False) -> Any:
        value = self.values.get(name)
        if value is None and required:
            self.add(name, f"{name} is missing.", "missing")
        return value


def is_web_address(url: str) -> bool:
    """Whether this is an http(s) address with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        return False


def caller_of(request: Request, keys: Mapping[bytes, frozenset[str]] | None, scope: str | None) -> Caller:
    """Who asks; a 401 without a good key, a 403 if the key lacks the scope. A scope of None needs no key at all."""
    if keys is None or scope is None:
        return Caller()
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    found = None
    digest = digest_of(given.strip())
    for known, scopes in keys.items():
        # All keys are compared, and in constant time, so that the time taken says nothing of any.
        if hmac.compare_digest(known, digest):
            found = Caller(known.hex()[:16], scopes)
    if found is None or scheme.lower() != "bearer":
        raise Refusal(
            401,
            "The key is missing or wrong; send it as `Authorization: Bearer …`.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if scope and found.scopes and scope not in found.scopes:
        raise Refusal(403, f"The key lacks the scope {scope}.")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _is_unicode(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def only(item: Json, names: Sequence[str]) -> Json:
    """Some of an item's entries."""
    return {name: item[name] for name in names}
