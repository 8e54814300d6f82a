"""A form's values as JSON to read and to copy, and JSON that a person pastes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..catalogue.field import is_json, shown
from ..errors import InputError
from ..snippets import Named
from ..snippets.layout import json_text, laid_out
from ..wire import Json
from .kept import kept_file

#: What stands beside the inputs where they are created, and what only stands beside them in a record.
_BODY: Final = frozenset({"input", "metadata", "callback_url", "client_ref"})
_RECORD: Final = frozenset({"id", "run_id", "status_code", "status", "created_at", "target_type"})
_MOST_SHOWN: Final = 72
#: Python's own words about a fault tell what it looked for; these tell what to do.
_ADVICE: Final = (
    ("Expecting value", "A value is expected there: text in double quotes, a number, true, false or null."),
    ("Expecting property name", "A name in double quotes is expected there; after the last entry there is no comma."),
    ("Illegal trailing comma", "After the last entry there is no comma."),
    ("Expecting ',' delimiter", "A comma or a closing bracket is expected there."),
    ("Expecting ':' delimiter", "A colon is expected there."),
    ("Invalid control character", "A text cannot go on in the next line; write \\n for a line break."),
    ("Unterminated string", "The text that begins there has no closing quote."),
    ("Invalid \\", "A backslash is written twice: \\\\."),
    ("Extra data", "The object is over before that; remove what follows."),
)


def as_json(values: Mapping[str, Any]) -> str:
    """Values as JSON, laid out to be read; a picture is its address or its path, and is kept as a file if it has none.

    Raises:
        InputError: A value cannot be written; `field` names it.
    """
    plain = {name: _plain(name, value) for name, value in values.items()}
    return laid_out(
        plain, lambda leaf, _: json_text(leaf) if isinstance(leaf, str) else json.dumps(leaf), key=json_text
    )


def from_json(text: str) -> Json:
    """The inputs in a pasted text: the bare inputs, the body of a request, or the record of a run.

    Raises:
        InputError: It is no JSON, or holds no inputs; the sentence says where it went wrong.
    """
    document = read_json(text.lstrip("\ufeff"))
    if not is_json(document):
        raise InputError("The JSON nests too deeply, or holds a number that is too large.")
    if isinstance(document, list):
        raise InputError("This is a list; inputs are one object, in braces.", advice="Paste one of its entries.")
    if not isinstance(document, dict):
        raise InputError(f"This is {shown(document)}; inputs are an object, in braces.")
    if "input" not in document or not (document.keys() <= _BODY or document.keys() & _RECORD):
        return document
    inputs = document["input"]
    if isinstance(inputs, list):
        raise InputError("This is a batch of several inputs.", advice="Paste one of them.")
    if not isinstance(inputs, dict):
        raise InputError(f"The inputs in it are {shown(inputs)}; they are an object, in braces.")
    return inputs


def read_json(text: str) -> Any:
    """Read JSON that somebody typed.

    Raises:
        InputError: It is none; the sentence names the line and shows it.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refused)
    except json.JSONDecodeError as error:
        advice = next((sentence for words, sentence in _ADVICE if error.msg.startswith(words)), error.msg)
        line = error.doc.split("\n")[error.lineno - 1] if text.strip() else ""
        if not line.strip() and not error.doc[error.pos :].strip():
            raise InputError("The JSON ends too early.", advice=advice) from None
        raise InputError(
            f"Line {error.lineno}, column {error.colno} cannot be read: {_around(line, error.colno)}", advice=advice
        ) from None
    except RecursionError:
        raise InputError("The JSON nests too deeply.") from None
    except ValueError as error:
        # A number of more digits than Python reads.
        raise InputError(f"The JSON cannot be read: {error}.") from None


def _plain(path: str, value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(f"{path}.{name}", entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(path, entry) for entry in value]
    if is_json(value):
        return value
    if isinstance(value, Named):
        raise InputError(f"{path} is the variable {value.name} of the notebook, which JSON cannot name.", field=path)
    try:
        return str(kept_file(value))
    except InputError as error:
        raise InputError(f"{path} is {shown(value)}, which JSON cannot hold.", field=path) from error


def _around(line: str, column: int) -> str:
    """The line, or of a long one what is around the fault."""
    start = max(0, min(column - 1 - _MOST_SHOWN // 2, len(line) - _MOST_SHOWN))
    part = line[start : start + _MOST_SHOWN]
    before, after = "…" if start else "", "…" if start + _MOST_SHOWN < len(line) else ""
    return f"{before}{part.strip()}{after}"


def _object(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{shown(twice)} stands there twice.", advice="Remove one of the two.")
    return found


def _refused(constant: str) -> Any:
    raise InputError(f"{constant} is no number that JSON knows.", advice="Write a number, or null.")
