"""A proxy on loopback that spoils answers on purpose, so that a client meets real broken connections."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"


@dataclass
class Fault:
    """What is done to the first `times` requests that fit.

    Kinds: `lose` carries the request out and drops the answer; `hang` carries it out and never answers; `cut` sends
    half of the body; `answer` gives `canned` without carrying the request out, `answer_after` after doing so;
    `reset` drops the connection before reading. `drip` sends the answer a few bytes at a time; `twice` sends it
    twice in a row; `short` says that the body ends before it does, `long` that it goes on after it; `late` waits for
    `wait_s` before it carries the request out, `late_answer` after it.
    """

    kind: str
    method: str
    path: str
    canned: bytes = b""
    times: int = 1
    met: int = 0
    wait_s: float = 0.0

    def fits(self, method: str, path: str) -> bool:
        return self.met < self.times and method == self.method and re.search(self.path, path) is not None


@dataclass
class Every(Fault):
    """A fault that comes again and again."""

    nth: int = 7
    seen: int = 0

    def fits(self, method: str, path: str) -> bool:
        if method != self.method or re.search(self.path, path) is None:
            return False
        self.seen += 1
        return self.seen % self.nth == 0


@dataclass
class AtRandom:
    """A fault for a share of all requests, drawn anew for each of them; the same seed draws the same ones."""

    seed: int
    share: float
    latest_s: float = 2.0
    met: Counter[str] = field(default_factory=Counter)

    def __post_init__(self):
        self._random = random.Random(self.seed)

    def draw(self, method: str, path: str) -> Fault | None:
        chance = self._random
        if chance.random() >= self.share:
            return None
        kind = chance.choice((*KINDS, *CANNED))
        self.met[kind] += 1
        if kind in CANNED:
            return Fault(chance.choice(("answer", "answer_after")), method, path, CANNED[kind])
        return Fault(kind, method, path, wait_s=chance.uniform(0, self.latest_s))


def canned(status: int, body: str = "", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Spoiled", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


KINDS = ("reset", "lose", "hang", "cut", "drip", "twice", "short", "long", "late", "late_answer")
CANNED = {
    "429": canned(429, '{"code": "RATE_LIMITED"}'),
    "429 with a pace": canned(429, '{"code": "RATE_LIMITED"}', Retry_After="1"),
    "500": canned(500, '{"code": "INTERNAL"}'),
    "502": canned(502, "<html>bad gateway</html>", Content_Type="text/html"),
    "not JSON": canned(200, "<html>sign in</html>", Content_Type="text/html"),
}


@dataclass
class FaultyProxy:
    """Stands before a server; `faults` may be added at any time, `requests` tells what came."""

    target: str
    faults: list[Fault] = field(default_factory=list)
    at_random: AtRandom | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self):
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _serve(self):
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._main())

    async def _main(self):
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        open_still = asyncio.all_tasks() - {asyncio.current_task()}
        for task in open_still:
            task.cancel()
        await asyncio.gather(*open_still, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        # Nobody else holds a task that waits for ever, and Python would throw it away in the middle.
        self._tasks.add(asyncio.current_task())
        broken = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.closing(writer), contextlib.suppress(*broken):
            # Connections are kept: what is left over of one answer then meets the next request, as it would outside.
            while await self._exchange(reader, writer):
                pass

    async def _exchange(self, reader, writer) -> bool:
        """One request and its answer; tells whether the connection may be used for another."""
        head = await reader.readuntil(HEAD_END)
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        self.requests.append((method, path))
        fault = next((fault for fault in self.faults if fault.fits(method, path)), None)
        if fault is not None:
            fault.met += 1
        elif self.at_random is not None:
            fault = self.at_random.draw(method, path)
        if fault is not None and fault.kind == "reset":
            writer.transport.abort()
            return False
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        if fault is not None and fault.kind == "answer":
            writer.write(fault.canned)
            await writer.drain()
            return False
        if fault is not None and fault.kind == "late":
            await asyncio.sleep(fault.wait_s)
        answer = await self._ask(head, body)
        return await self._give(writer, answer, fault)

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        parts = urlsplit(self.target)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head)
        with contextlib.closing(writer):
            writer.write(head.removesuffix(HEAD_END) + b"\r\nConnection: close" + HEAD_END + body)
            answer = await reader.read()
        head, found, body = answer.partition(HEAD_END)
        return re.sub(rb"(?i)\r\nconnection: *close", b"", head) + found + body

    async def _give(self, writer, answer: bytes, fault: Fault | None) -> bool:
        kind = fault.kind if fault else ""
        start = answer.find(HEAD_END) + len(HEAD_END)
        if kind == "lose":
            writer.transport.abort()
            return False
        if kind == "hang":
            await self._stop.wait()
        if kind == "late_answer":
            await asyncio.sleep(fault.wait_s)
        if kind == "drip":
            await self._drip(writer, answer)
        elif kind == "cut":
            writer.write(answer[: start + (len(answer) - start) // 2])
        elif kind in ("short", "long"):
            writer.write(_with_length(answer, (len(answer) - start) * (1 if kind == "short" else 4) // 2))
        else:
            writer.write(fault.canned if kind == "answer_after" else answer * (2 if kind == "twice" else 1))
        await writer.drain()
        # An answer without a length ends where its connection does.
        return kind in ("", "late", "late_answer", "drip", "twice", "short") and _has_length(answer)

    async def _drip(self, writer, answer: bytes) -> None:
        for start in range(0, len(answer), 40):
            writer.write(answer[start : start + 40])
            await writer.drain()
            await asyncio.sleep(0.02)


def _has_length(answer: bytes) -> bool:
    return re.search(rb"(?i)\r\ncontent-length:", answer[: answer.find(HEAD_END)]) is not None


def _with_length(answer: bytes, length: int) -> bytes:
    return re.sub(rb"(?i)\r\ncontent-length: *\d+", b"\r\ncontent-length: %d" % length, answer, count=1)


def on(kind: str, method: str, path: str, *, times: int = 1, answer: Callable[[], bytes] | bytes = b"") -> Fault:
    return Fault(kind, method, path, answer if isinstance(answer, bytes) else answer(), times)
