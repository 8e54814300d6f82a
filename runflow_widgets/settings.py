"""What a picture was made with, written into the copies of it that are saved, and read out of them again.

The results that a run brings home stay byte for byte what the service sent; only a copy that somebody saves carries
the settings, as one text chunk of the PNG file, and taking that out gives the service's bytes again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from .catalogue.field import is_json
from .errors import InputError
from .images.png_text import is_signed, read_text, with_text
from .ledger import Entry
from .wire import Json, read_money, read_time, write_time
from .wire.values import read_mapping
from .wire.values import read_text as text_or_none

KEYWORD: Final = "runflow"
#: More than any prompt needs; nobody wants a picture that is mostly text.
_MOST_CHARACTERS: Final = 200_000
_SECRET_NAMES: Final = re.compile(r"api_?key|token|secret|passw|authori[sz]ation|credential", re.IGNORECASE)
_SECRET_QUERY: Final = re.compile(r"sig|token|key|secret|auth|pass|credential|policy|expires", re.IGNORECASE)
_KEYS: Final = re.compile(r"\b(rf_(?:live|svc)_|sk-)[A-Za-z0-9_\-]{8,}")

_in_pictures = True


@dataclass(frozen=True, slots=True)
class Settings:
    """What a picture was made with; `rf.run(made.model, made.inputs)` makes it again, if files are given anew.

    A file among the inputs is its name and the hash of its content. `seed` is the one that was really used, if the
    service told it.
    """

    model: str
    inputs: Json = field(default_factory=dict)
    run_id: str | None = None
    key: str | None = None
    cost_usd: Decimal | None = None
    when: datetime | None = None
    seed: int | None = None


def settings_in_pictures(on: bool | None = None) -> bool:
    """Say whether saved pictures carry their settings, or ask; prompts are nobody else's business to some.

    Example:
        >>> rf.settings_in_pictures(False)
        False
    """
    global _in_pictures
    if on is not None:
        _in_pictures = bool(on)
    return _in_pictures


def settings_of(picture: object) -> Settings | None:
    """What a saved picture was made with: a path, the bytes, or a run's output; None if it does not say.

    Example:
        >>> rf.settings_of("tag-removal-01.png").model
        'runflow/tag-removal'

    Raises:
        InputError: There is no such file.
    """
    # A result of ours as it was brought home has nothing written into it, but it knows its run.
    if isinstance(entry := getattr(picture, "entry", None), Entry):
        return settings_from(entry)
    text = read_text(_bytes_of(picture), KEYWORD)
    try:
        found = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return None
    # Anybody can write such a chunk: what is not of the right kind is not taken.
    if not isinstance(found, dict) or not is_json(found) or not isinstance(found.get("model"), str):
        return None
    seed = found.get("seed")
    return Settings(
        model=found["model"],
        inputs=read_mapping(found.get("inputs")),
        run_id=text_or_none(found.get("run_id")),
        key=text_or_none(found.get("key")),
        cost_usd=read_money(found.get("cost_usd")),
        when=read_time(found.get("when")),
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
    )


def settings_from(entry: Entry) -> Settings:
    """The settings of a run on record."""
    return Settings(
        model=entry.model,
        inputs=shareable(entry.inputs),
        run_id=entry.id,
        key=entry.key,
        cost_usd=entry.cost,
        when=entry.completed_at or entry.created_at,
        seed=_seed_used(entry),
    )


def with_settings(data: bytes, settings: Settings) -> bytes:
    """A PNG file with its settings in it; anything else, and a file that is signed or damaged, stays as it is."""
    known: Json = {
        "model": settings.model,
        "inputs": settings.inputs,
        "run_id": settings.run_id,
        "key": settings.key,
        "cost_usd": None if settings.cost_usd is None else str(settings.cost_usd),
        "when": None if settings.when is None else write_time(settings.when),
        "seed": settings.seed,
    }
    text = json.dumps({name: value for name, value in known.items() if value is not None}, ensure_ascii=False)
    if is_signed(data) or len(text) > _MOST_CHARACTERS:
        return data
    try:
        return with_text(data, KEYWORD, text)
    except (InputError, UnicodeEncodeError):
        return data


def shareable(value: Any, name: str = "") -> Any:
    """Inputs as a stranger may see them: no secrets, no signatures of links, no files' data."""
    if isinstance(value, Mapping):
        return {key: shareable(entry, key) for key, entry in value.items() if not _SECRET_NAMES.search(str(key))}
    if isinstance(value, list | tuple):
        return [shareable(entry, name) for entry in value]
    if not isinstance(value, str):
        return value
    if value.startswith("data:"):
        return f"{value.partition(',')[0][:80]},…"
    if value.startswith(("http://", "https://")):
        value = _bare(value)
    return _KEYS.sub(r"\1…", value)


def holds_a_key(text: str) -> bool:
    """Whether an API key is in a text."""
    return _KEYS.search(text) is not None


def _bare(address: str) -> str:
    """An address without a password and without what signs it; a plain query such as ?w=800 stays."""
    try:
        parts = urlsplit(address)
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return address.partition("?")[0]
    signed = any(_SECRET_QUERY.search(key) or len(value) > 40 for key, value in query)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "" if signed else parts.query, ""))


def _seed_used(entry: Entry) -> int | None:
    """The seed in the note that lies beside the files."""
    for path in entry.files[:1]:
        try:
            note = json.loads((Path(path).parent / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        seed = read_mapping(note.get("output")).get("seed") if isinstance(note, dict) else None
        return seed if isinstance(seed, int) and not isinstance(seed, bool) else None
    return None


def _bytes_of(picture: object) -> bytes:
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture)
    try:
        if isinstance(picture, str | Path):
            return Path(picture).expanduser().read_bytes()
        read = getattr(picture, "read_bytes", None)
        return bytes(read()) if callable(read) else b""
    except OSError as error:
        raise InputError(f"{picture} cannot be read ({error.strerror}).", field="picture") from None
