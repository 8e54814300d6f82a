"""The inputs of a form out of a picture that carries its settings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..catalogue import Catalogue, Field, ModelSpec
from ..client import is_address
from ..ledger import home
from ..settings import Settings, settings_of
from ..wire import Json
from .kept import SHORT_NAMES
from .questions import questions_of


def values_from_picture(data: object) -> tuple[str, Json] | None:
    """The model and the inputs that a saved picture was made with, as a form takes them; None if it does not say.

    Files are taken from what we keep, by their content, and are left out where we have none. A picture may come from a
    stranger: a path in it is never followed, or running the form would upload a file of this machine.
    """
    settings = settings_of(data)
    return None if settings is None else (settings.model, values_of(settings))


def values_of(settings: Settings) -> Json:
    """The inputs as a form takes them, with the seed that was really used."""
    known = Catalogue.bundled()
    spec = known.get(settings.model) if settings.model in known else ModelSpec(id=settings.model)
    values = _fillable(settings.inputs, {field.name: field for field in spec.inputs})
    seed = next((question.path for question in questions_of(spec) if question.ask == "seed"), None)
    if settings.seed is not None and seed is not None and "." not in seed:
        values[seed] = settings.seed
    return values


def _fillable(inputs: Mapping[str, Any], fields: Mapping[str, Field]) -> Json:
    values: Json = {}
    for name, value in inputs.items():
        field = fields.get(name)
        if isinstance(value, Mapping):
            value = _fillable(value, {inner.name: inner for inner in field.fields} if field is not None else {})
        elif isinstance(value, list):
            value = [kept for kept in (_entry(one, name, field) for one in value) if kept is not None]
        else:
            value = _entry(value, name, field)
        if value is not None and value not in ({}, []):
            values[name] = value
    return values


def _entry(value: Any, name: str, field: Field | None) -> Any:
    """The value itself, the file it stands for, or None for what must be given anew."""
    if isinstance(value, Mapping):
        return _fillable(value, {inner.name: inner for inner in field.fields} if field is not None else {})
    if not isinstance(value, str):
        return value
    if value.startswith("file:") and "#sha256=" in value:
        return _kept(value.rpartition("#sha256=")[2])
    media = field.is_media if field is not None else name in SHORT_NAMES
    if media:
        return value if is_address(value) else None
    return None if field is None and _is_file(value) else value


def _kept(fingerprint: str) -> Path | None:
    if not fingerprint.isalnum():
        return None
    for path in sorted((home() / "kept" / fingerprint[:16]).glob("[!.]*")):
        if hashlib.sha256(path.read_bytes()).hexdigest() == fingerprint:
            return path
    return None


def _is_file(text: str) -> bool:
    try:
        return Path(text).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False
