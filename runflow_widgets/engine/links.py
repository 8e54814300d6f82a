"""Links that anyone may follow who has them, for a while: the path and its end are signed."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from .refusal import Refusal

#: Where results and assets lie, and where uploads go to.
FILES: Final = "/v1/files"
UPLOADS: Final = "/v1/uploads"


class Links:
    """Sign paths of this service, and check what comes back.

    Args:
        secret: Known to this folder's services only.
        life_s: How long a link is good for.
        clock: The time in seconds.
    """

    def __init__(self, secret: bytes, life_s: float, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._life_s = life_s
        self._clock = clock

    def sign(self, base_url: str, *segments: str) -> str:
        """An address below `FILES` or `UPLOADS` with its end and signature."""
        path = "/".join([segments[0], *(quote(segment, safe="") for segment in segments[1:])])
        expires = str(int(self._clock() + self._life_s))
        return f"{base_url.rstrip('/')}{path}?expires={expires}&signature={self._signature(unquote(path), expires)}"

    def check(self, path: str, query: Mapping[str, str]) -> None:
        """Raise a 403 unless the path was signed by us and the time is not over."""
        expires, signature = query.get("expires", ""), query.get("signature", "")
        good = hmac.compare_digest(self._signature(path, expires).encode(), signature.encode("utf-8", "replace"))
        if not good:
            raise Refusal(403, "The link's signature is wrong; ask for the run or the asset again to get a fresh link.")
        # A good signature was made by us, so `expires` is a number.
        if float(expires) < self._clock():
            raise Refusal(403, "The link has expired; ask for the run or the asset again to get a fresh one.")

    def own_path(self, url: str) -> list[str] | None:
        """The segments below `FILES` if this is a valid link of ours, whatever host it names; else None."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        path = unquote(parts.path)
        if not path.startswith(FILES + "/"):
            return None
        try:
            self.check(path, dict(parse_qsl(parts.query)))
        except Refusal:
            return None
        return path.removeprefix(FILES + "/").split("/")

    def _signature(self, path: str, expires: str) -> str:
        message = f"{path}\n{expires}".encode("utf-8", "replace")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()
