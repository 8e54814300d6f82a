"""Taking in a run's inputs: checked against the catalogue, their pictures brought to where a run finds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..catalogue import Catalogue, Field, ModelSpec
from ..errors import InputError
from ..wire import ASSET_SCHEME, Json
from .jobs import media_inputs
from .media import Media, MediaError
from .ratio import ratio_of
from .refusal import Location, Refusal, problem, text_path


def runnable(catalogue: Catalogue, model_id: str) -> ModelSpec:
    """The model, if it is known and can run here; else a 404 or a 503 that says what would do."""
    spec = known_model(catalogue, model_id)
    if not spec.embedded:
        here = ", ".join(catalogue.search(embedded=True).ids)
        raise Refusal(
            503,
            f"{spec.id} cannot run in this embedded service. These can: {here}. "
            f"For all others connect a key: rf.connect(key=...).",
        )
    return spec


def known_model(catalogue: Catalogue, model_id: str) -> ModelSpec:
    """The model, or a 404 that names those that come close."""
    if model_id not in catalogue:
        close = catalogue.close_to(model_id[:200])
        hint = f"; did you mean {' or '.join(close)}?" if close else "."
        raise Refusal(404, f"There is no model {model_id[:200]!r}{hint}", code="MODEL_NOT_FOUND")
    return catalogue.get(model_id)


def problems_with(spec: ModelSpec, inputs: Json, media: Media, loc: Location) -> list[Json]:
    """Everything wrong with a run's inputs, each with its place in the body."""
    problems = []
    for path, sentence in spec.check(inputs).items():
        kind = "missing" if " is missing" in sentence else "value_error"
        problems.append(problem([*loc, *text_path(path)], sentence, kind))
    for path, sentence in _wrong_ratios(spec.inputs, inputs):
        problems.append(problem([*loc, *text_path(path)], sentence))
    for path, url in media_inputs(spec.inputs, inputs):
        if url.startswith(ASSET_SCHEME) and media.ready_asset(url.removeprefix(ASSET_SCHEME)) is None:
            sentence = f"There is no asset {url[:100]}; upload the file, or confirm its upload, first."
            problems.append(problem([*loc, *text_path(path)], sentence))
    return problems


def _wrong_ratios(fields: Sequence[Field], values: Json) -> Iterator[tuple[str, str]]:
    """Proportions that no picture can have: said at once, and not when the run has already begun."""
    for entry in fields:
        value = values.get(entry.name)
        if entry.name == "aspect_ratio" and isinstance(value, str):
            try:
                ratio_of(value, entry.name)
            except InputError as error:
                yield entry.name, f"{error.message} {error.advice}"
        elif entry.fields and isinstance(value, dict):
            yield from ((f"{entry.name}.{path}", text) for path, text in _wrong_ratios(entry.fields, value))


async def with_assets(fields: Sequence[Field], values: Json, media: Media, owner: str, loc: Location) -> Json:
    """The same inputs with every data URI kept as an asset and replaced by its reference."""
    taken = dict(values)
    for entry in fields:
        value = values.get(entry.name)
        here = [*loc, entry.name]
        if entry.is_media and isinstance(value, str):
            taken[entry.name] = await _kept(value, entry.name, media, owner, here)
        elif entry.is_media and isinstance(value, list):
            kept = [await _kept(url, entry.name, media, owner, [*here, place]) for place, url in enumerate(value)]
            taken[entry.name] = kept
        elif entry.fields and isinstance(value, dict):
            taken[entry.name] = await with_assets(entry.fields, value, media, owner, here)
    return taken


async def _kept(value: Any, name: str, media: Media, owner: str, loc: Location) -> Any:
    if not isinstance(value, str) or value[:5].lower() != "data:":
        return value
    try:
        asset = await media.keep_data_uri(value, name, owner)
    except MediaError as error:
        raise Refusal(422, str(error), errors=[problem(loc, str(error))]) from None
    return f"{ASSET_SCHEME}{asset['id']}"
