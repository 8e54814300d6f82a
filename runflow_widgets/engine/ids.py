"""Ids that sort by the time they were made: uuids of version 7."""

from __future__ import annotations

import re
import secrets
import time
import uuid
from typing import Final

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_last_tick = 0


def new_id() -> str:
    """A new id, greater than all that this process has made before."""
    global _last_tick
    # 48 bits of milliseconds, and 12 bits that count on within one.
    _last_tick = max(time.time_ns() // 1_000_000 << 12, _last_tick + 1)
    milliseconds, count = _last_tick >> 12, _last_tick & 0xFFF
    bits = milliseconds << 80 | 0x7 << 76 | count << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=bits))


def is_id(text: str) -> bool:
    """Whether this is written like an id; nothing else ever becomes a part of a file's path."""
    return _UUID.fullmatch(text) is not None
