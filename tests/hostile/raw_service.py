"""A server that answers with the very bytes it was given, once per connection, and for as long as anybody reads."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


class RawService:
    """`answer` is an iterable of bytes, or a function of the request that gives one."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.sent_bytes = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(65536) or b"\r\n\r\n"
                self.requests.append(request)
                parts = self.answer(request) if callable(self.answer) else self.answer
                for part in parts:
                    connection.sendall(part)
                    self.sent_bytes += len(part)


def endless(head=HEAD, piece=bytes(65536)):
    return itertools.chain([head + b"\r\n"], itertools.repeat(piece))


def one(body, *headers):
    return [b"\r\n".join([HEAD.rstrip(), *headers, b"Content-Length: %d" % len(body), b"", body])]
