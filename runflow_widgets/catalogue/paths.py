"""What can be typed for a model's inputs: their names as paths, and the values that are known of each."""

from __future__ import annotations

from ..errors import InputError
from .field import Field
from .model import ModelSpec


def paths_of(spec: ModelSpec) -> list[str]:
    """Every input by its path, such as `config.aspect_ratio`; a table stands for what is in it."""
    return [path for field in spec.inputs for path in _paths(field)]


def choices_of(spec: ModelSpec, path: str) -> list[str]:
    """The values that are known of an input, as they are typed; none where anything goes."""
    try:
        field = spec.field(path)
    except InputError:
        return []
    if field.kind == "boolean":
        return ["true", "false"]
    return [str(choice) for choice in (*field.allowed, *field.suggested)]


def _paths(field: Field) -> list[str]:
    if not field.fields:
        return [field.name]
    return [f"{field.name}.{path}" for nested in field.fields for path in _paths(nested)]
