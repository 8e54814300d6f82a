"""The inputs of a model as lines of text: JSON where the model takes more than text, variables by `$name`."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from typing import Any, Final

from .catalogue import Field, ModelSpec
from .errors import InputError
from .filling.pasted import from_json
from .wire import Json

_LINE: Final = re.compile(r"(?P<name>[^=:#]+?)\s*[=:]\s*(?P<value>.*)")
_VARIABLE: Final = re.compile(r"\$([A-Za-z_]\w*)")


def read_cell(text: str, spec: ModelSpec, variables: Mapping[str, Any]) -> Json:
    """Read inputs; a text that begins with a brace is JSON as a whole.

    ::

        image_url = $photo
        config.aspect_ratio = 1:1
        prompt = |
            a mug on a table,
            in the morning

    Raises:
        InputError: A line cannot be read, or names a variable that is not there; the sentence names the line.
    """
    if text.lstrip().startswith("{"):
        return {name: _filled(value, variables, name) for name, value in from_json(text).items()}
    values: Json = {}
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line, number = lines[at], at + 1
        at += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None or line[:1].isspace():
            raise InputError(f"Line {number} cannot be read: {line.strip()[:80]}", advice="Write: name = value")
        name, value = found["name"].strip("\"' "), found["value"].strip()
        if value == "|":
            block = []
            while at < len(lines) and (not lines[at].strip() or lines[at][:1].isspace()):
                block.append(lines[at])
                at += 1
            value = _dedented(block)
            _put(values, name, value, number)
            continue
        _put(values, name, _read(value, _field(spec, name), variables, number), number)
    return values


def _read(text: str, field: Field | None, variables: Mapping[str, Any], number: int) -> Any:
    if variable := _VARIABLE.fullmatch(text):
        return _variable(variable[1], variables, f"Line {number}")
    is_text = field is not None and field.kind in ("string", "image", "file")
    try:
        value = json.loads(text)
    except ValueError:
        # What is no JSON is meant as text; whether the input takes it is checked with all the others.
        return text
    if is_text and not isinstance(value, str):
        # "5" and 5 are two things to the service, and this input takes the text.
        return text
    return _filled(value, variables, f"Line {number}")


def _filled(value: Any, variables: Mapping[str, Any], where: str) -> Any:
    """JSON with each text that is `$name` replaced by the variable."""
    if isinstance(value, str) and (variable := _VARIABLE.fullmatch(value)):
        return _variable(variable[1], variables, where)
    if isinstance(value, dict):
        return {name: _filled(entry, variables, where) for name, entry in value.items()}
    return [_filled(entry, variables, where) for entry in value] if isinstance(value, list) else value


def _variable(name: str, variables: Mapping[str, Any], where: str) -> Any:
    if name not in variables:
        raise InputError(f"{where} names ${name}, and the notebook has no variable of that name.", field=name)
    return variables[name]


def _field(spec: ModelSpec, name: str) -> Field | None:
    try:
        return spec.field(name)
    except InputError:
        return None


def _put(values: Json, path: str, value: Any, number: int) -> None:
    """Set a value at a path such as `config.aspect_ratio`."""
    *outer, last = path.split(".")
    inside = values
    for name in outer:
        inside = inside.setdefault(name, {})
        if not isinstance(inside, dict):
            raise InputError(f"Line {number} sets {path}, but {name} is no object.", field=path)
    if last in inside:
        raise InputError(f"Line {number} sets {path} a second time.", field=path)
    inside[last] = value


def _dedented(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip("\n").rstrip()
