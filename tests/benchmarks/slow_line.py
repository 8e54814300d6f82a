"""A line to a server that takes its time: bytes go on unchanged, each half the round trip later."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class SlowLine:
    """Listens on a port of its own and passes everything on to another, late; both ways keep their order."""

    def __init__(self, target_port: int, round_trip_s: float) -> None:
        self._target, self._late_s = target_port, round_trip_s / 2
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.port = 0
        self.received_bytes = 0

    def __enter__(self) -> SlowLine:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connect, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        ways = self._pass_on(reader, back, count=False), self._pass_on(there, writer, count=True)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sender = self._loop.create_task(self._send(queue, writer))
        while data := await reader.read(65536):
            if count:
                self.received_bytes += len(data)
            queue.put_nowait((self._loop.time() + self._late_s, data))
        queue.put_nowait((self._loop.time() + self._late_s, b""))
        await sender

    async def _send(self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()
