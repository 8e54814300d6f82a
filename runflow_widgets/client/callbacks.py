"""Callbacks of the service: checking that they are genuine, and receiving them on this machine."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from ..errors import SignatureError
from ..wire import Json

SIGNATURE_HEADER: Final = "Runflow-Signature"
REQUEST_ID_HEADER: Final = "Runflow-Request-Id"
MOST_BODY_BYTES: Final = 16 * 1024 * 1024
_WHOLE_S: Final = 30.0


def verify_callback(headers: Mapping[str, str], body: bytes, secret: str) -> Json:
    """Check that a callback was signed with your secret, and read it.

    Example:
        >>> payload = verify_callback(request.headers, request.body, os.environ["RUNFLOW_CALLBACK_SECRET"])

    Args:
        headers: The request's headers, in any spelling of their names.
        body: The raw bytes as they came; decoding and encoding them again would change the signature.
        secret: The whole secret, with its `whsec_`.

    Raises:
        SignatureError: The signature is missing or wrong, or the body is no JSON object. Answer 401.
    """
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE_HEADER.lower()), "")
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not given:
        raise SignatureError(f"The callback has no {SIGNATURE_HEADER} header.", advice="Answer 401.")
    if not hmac.compare_digest(given.strip().encode("utf-8", "replace"), expected.encode()):
        raise SignatureError("The callback's signature does not fit its body.", advice="Answer 401.")
    return _read(body)


def _read(body: bytes) -> Json:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise SignatureError("The callback's body is not a JSON object.", advice="Answer 400.")
    return payload


def _body_of(request: BaseHTTPRequestHandler, length: int) -> bytes | None:
    """The body, unless it is still on its way when its time is over: a sender that drips holds a thread."""
    body, until = bytearray(), time.monotonic() + _WHOLE_S
    while len(body) < length:
        piece = request.rfile.read1(length - len(body)) if time.monotonic() < until else b""
        if not piece:
            return None
        body += piece
    return bytes(body)


class Listener:
    """A receiver of callbacks on 127.0.0.1, for a tunnel to lead to or for the embedded service to reach.

    Example:
        >>> with Listener(print, secret="whsec_…") as listener:
        ...     run = rf.run("runflow/tag-removal", image=photo, callback_url=listener.url)
    """

    def __init__(self, received: Callable[[Json], Any], *, secret: str | None = None, port: int = 0) -> None:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 30

            def do_POST(self) -> None:
                status = listener._take(self)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: a server in a notebook must not write between the cells."""

        self._received = received
        self._secret = secret
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="runflow-callbacks", daemon=True)
        self._thread.start()

    def _take(self, request: BaseHTTPRequestHandler) -> int:
        length = request.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,12}", length):
            return 411
        if int(length) > MOST_BODY_BYTES:
            return 413
        body = _body_of(request, int(length))
        if body is None:
            return 408
        try:
            payload = verify_callback(dict(request.headers), body, self._secret) if self._secret else _read(body)
        except SignatureError:
            return 401
        self._received(payload)
        return 200

    @property
    def url(self) -> str:
        """What to give as `callback_url`, or to point a tunnel at."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        checked = "signatures are checked" if self._secret else "signatures are not checked"
        return f"Listener({self.url}, {checked})"
