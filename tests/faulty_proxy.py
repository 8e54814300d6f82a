"""A proxy on loopback that spoils answers on purpose, so that a client meets real broken connections."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"


@dataclass
class Fault:
    """What is done to the first `times` requests that fit.

    Kinds: `lose` carries the request out and drops the answer; `hang` carries it out and never answers; `cut` sends
    half of the body; `answer` gives `canned` without carrying the request out, `answer_after` after doing so;
    `reset` drops the connection before reading.
    """

    kind: str
    method: str
    path: str
    canned: bytes = b""
    times: int = 1
    met: int = 0

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


def canned(status: int, body: str = "", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Spoiled", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@dataclass
class FaultyProxy:
    """Stands before a server; `faults` may be added at any time, `requests` tells what came."""

    target: str
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self):
        self._loop = asyncio.new_event_loop()
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
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._exchange(reader, writer)
        writer.close()

    async def _exchange(self, reader, writer):
        head = await reader.readuntil(HEAD_END)
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        self.requests.append((method, path))
        fault = next((fault for fault in self.faults if fault.fits(method, path)), None)
        if fault is not None:
            fault.met += 1
        if fault is not None and fault.kind == "reset":
            writer.transport.abort()
            return
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        if fault is not None and fault.kind == "answer":
            writer.write(fault.canned)
            await writer.drain()
            return
        answer = await self._ask(head, body)
        await self._give(writer, answer, fault)

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        parts = urlsplit(self.target)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head)
        writer.write(head.removesuffix(HEAD_END) + b"\r\nConnection: close" + HEAD_END + body)
        answer = await reader.read()
        writer.close()
        return answer

    async def _give(self, writer, answer: bytes, fault: Fault | None):
        kind = fault.kind if fault else ""
        if kind == "lose":
            writer.transport.abort()
        elif kind == "hang":
            await self._stop.wait()
        elif kind == "cut":
            start = answer.index(HEAD_END) + len(HEAD_END)
            writer.write(answer[: start + (len(answer) - start) // 2])
            await writer.drain()
        else:
            writer.write(fault.canned if kind == "answer_after" else answer)
            await writer.drain()


def on(kind: str, method: str, path: str, *, times: int = 1, answer: Callable[[], bytes] | bytes = b"") -> Fault:
    return Fault(kind, method, path, answer if isinstance(answer, bytes) else answer(), times)
