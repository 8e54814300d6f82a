"""How values are laid out: a short one in a line, a long one with a line for each entry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

STEP: Final = 2
_WIDTH: Final = 88


def laid_out(
    value: Any,
    leaf: Callable[[Any, int], str],
    *,
    key: Callable[[str], str],
    indent: int = 0,
    step: int = STEP,
    last_comma: bool = False,
) -> str:
    """Objects, lists and what is in them as text.

    Args:
        leaf: Writes what is neither object nor list; it is told how far it is indented.
        key: Writes the name of an entry.
        indent: How far the line is indented that this begins on.
        last_comma: Whether the last entry of several lines has a comma too.
    """
    if not isinstance(value, dict | list) or not value:
        return leaf(value, indent) if not isinstance(value, dict | list) else "{}" if isinstance(value, dict) else "[]"

    def inner(entry: Any) -> str:
        return laid_out(entry, leaf, key=key, indent=indent + step, step=step, last_comma=last_comma)

    if isinstance(value, dict):
        opening, closing = "{", "}"
        entries = [f"{key(name)}: {inner(entry)}" for name, entry in value.items()]
    else:
        opening, closing = "[", "]"
        entries = [inner(entry) for entry in value]
        line = f"[{', '.join(entries)}]"
        if "\n" not in line and indent + len(line) <= _WIDTH:
            return line
    lines = "".join(f"\n{' ' * (indent + step)}{entry}," for entry in entries)
    return f"{opening}{lines if last_comma else lines[:-1]}\n{' ' * indent}{closing}"


def json_text(text: str) -> str:
    """A text as JSON, which JavaScript reads too; whatever does not show is written as its code."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if quoted.isprintable() else "".join(_visible(sign) for sign in quoted)


def _visible(sign: str) -> str:
    if sign.isprintable():
        return sign
    # Beyond the first plane JSON wants two halves, as UTF-16 has them.
    return json.dumps(sign)[1:-1]
