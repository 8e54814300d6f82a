"""What the forms are built of: the largest model of the catalogue, a made-up one, and the same for other libraries."""

from __future__ import annotations

from typing import Any

import ipywidgets

from runflow_widgets.catalogue import Catalogue, Field, ModelSpec

_TYPES = {"string": "string", "integer": "integer", "float": "number", "boolean": "boolean", "image": "string"}


def largest() -> ModelSpec:
    """The model of the catalogue with the most inputs."""
    return max(Catalogue.bundled(), key=lambda spec: len(spec.inputs))


def sixty() -> ModelSpec:
    """A model with 60 inputs of every kind there is."""
    kinds = (
        Field("prompt", kind="string", max_length=2000),
        Field("ratio", kind="string", allowed=("1:1", "16:9", "9:16", "4:3")),
        Field("style", kind="string", suggested=("photo", "drawing")),
        Field("count", kind="integer", minimum=1, maximum=8, default=1),
        Field("seed", kind="integer"),
        Field("strength", kind="float", minimum=0, maximum=1, default=0.5),
        Field("tiled", kind="boolean", default=False),
        Field("image_url", kind="image"),
        Field("image_urls", kind="image_list", max_items=4),
        Field("options", kind="json", fields=(Field("edge", kind="integer"), Field("mode", kind="string"))),
    )
    inputs = [_named(field, f"{field.name}_{turn}") for turn in range(6) for field in kinds]
    return ModelSpec("made-up/sixty", name="Sixty", completeness="complete", inputs=tuple(inputs))


def many_models(count: int = 5000) -> list[ModelSpec]:
    """Models to choose from."""
    return [
        ModelSpec(f"maker{number % 40}/model-{number:04d}", name=f"Model {number}", purpose="makes pictures of words")
        for number in range(count)
    ]


def schema_of(spec: ModelSpec) -> dict[str, Any]:
    """The same inputs as a JSON schema."""
    return _object(spec.inputs)


def plain_form(spec: ModelSpec) -> ipywidgets.VBox:
    """One plain widget for each input and nothing else: the least that a form of ipywidgets can cost."""
    return ipywidgets.VBox([_plain(field) for field in spec.inputs])


def _named(field: Field, name: str) -> Field:
    limits = {one: getattr(field, one) for one in ("minimum", "maximum", "max_length", "max_items", "default")}
    lists = {one: getattr(field, one) for one in ("allowed", "suggested", "fields")}
    return Field(name, kind=field.kind, **limits, **lists)


def _object(fields: tuple[Field, ...]) -> dict[str, Any]:
    required = [field.name for field in fields if field.required]
    return {"type": "object", "properties": {field.name: _property(field) for field in fields}, "required": required}


def _property(field: Field) -> dict[str, Any]:
    if field.kind == "image_list":
        return {"title": field.label, "type": "array", "items": {"type": "string"}}
    if field.fields:
        return {"title": field.label, **_object(field.fields)}
    schema: dict[str, Any] = {"title": field.label, "type": _TYPES.get(field.kind, "string")}
    limits = {"minimum": field.minimum, "maximum": field.maximum, "maxLength": field.max_length}
    schema |= {name: value for name, value in limits.items() if value is not None}
    if field.allowed:
        schema["enum"] = list(field.allowed)
    if field.default is not None and field.kind in _TYPES:
        schema["default"] = field.default
    return schema


def _plain(field: Field) -> ipywidgets.Widget:
    if field.fields:
        return ipywidgets.VBox([_plain(nested) for nested in field.fields])
    if field.allowed:
        return ipywidgets.Dropdown(description=field.label, options=field.allowed)
    kinds = {"integer": ipywidgets.IntText, "float": ipywidgets.FloatText, "boolean": ipywidgets.Checkbox}
    return kinds.get(field.kind, ipywidgets.Text)(description=field.label)
