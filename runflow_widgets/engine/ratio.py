"""Proportions as the service writes them: `4:3`."""

from __future__ import annotations

from typing import Final

from ..errors import InputError

#: Beyond it a picture is a line; a slip of the finger such as 169:1 should not fill the memory.
_MOST_EXTREME: Final = 10.0


def ratio_of(text: str, field: str) -> tuple[int, int]:
    """Read `W:H`, any two whole numbers."""
    parts = text.split(":") if isinstance(text, str) else []
    if len(parts) != 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"{text!r} is not an aspect ratio.", field=field, advice='One looks like "4:3".')
    width, height = (int(part) for part in parts)
    if max(width, height) > _MOST_EXTREME * min(width, height):
        raise InputError(f"{text} is too long for a picture.", field=field, advice="At most 10:1 is made.")
    return width, height
