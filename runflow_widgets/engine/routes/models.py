"""Which models there are, what they cost and how they are used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from starlette.responses import Response

from ...catalogue import ModelSpec, record_id, to_record
from ...wire import Json
from ..call import Answer, Call
from ..filters import Columns
from ..intake import known_model
from ..pages import list_answer, source_of
from ..refusal import Refusal
from .operation import Operation

_TEXTS = (
    "id", "model_creator_id", "slug", "name", "description", "category_code", "status_code", "license_code",
    "availability_status", "price_label", "pricing_note", "updated_at",
)  # fmt: skip
_COLUMNS: Columns = {
    **dict.fromkeys(_TEXTS, "text"),
    **dict.fromkeys(("is_public", "is_official"), "bool"),
    **dict.fromkeys(("model_creator", "inputs", "outputs", "runflow_widgets"), "json"),
}
_CREATOR_COLUMNS: Columns = {"id": "text", "slug": "text", "display_name": "text", "models": "json"}
_PRICING_COLUMNS: Columns = {
    **dict.fromkeys(("id", "model_id", "pricing_model_code", "currency_code", "unit_code", "description"), "text"),
    **dict.fromkeys(("price", "sort_order"), "number"),
}
_EXAMPLE_COLUMNS: Columns = {
    **dict.fromkeys(("id", "model_id", "title", "description"), "text"),
    "sort_order": "number",
    **dict.fromkeys(("is_featured", "is_public"), "bool"),
    **dict.fromkeys(("input", "output"), "json"),
}


async def list_models(call: Call) -> Response:
    """The models that this service knows."""
    return _listed(call, map(_record, call.service.catalogue), _COLUMNS, (("slug", "asc"),))


async def list_public_models(call: Call) -> Response:
    """The same for anybody, without what concerns an organisation."""
    hidden = ("is_public",)
    records = (
        {name: value for name, value in _record(s).items() if name not in hidden} for s in call.service.catalogue
    )
    columns = {name: kind for name, kind in _COLUMNS.items() if name not in hidden}
    return _listed(call, records, columns, (("slug", "asc"),))


async def get_model(call: Call) -> Response:
    """One model by its owner and slug."""
    return Answer(_record(known_model(call.service.catalogue, f"{call.part('owner')}/{call.part('slug')}")))


async def list_model_creators(call: Call) -> Response:
    """The owners of models, each with its models."""
    creators: dict[str, Json] = {}
    for spec in call.service.catalogue:
        record = _record(spec)
        creator = creators.setdefault(spec.owner, {**record["model_creator"], "models": []})
        creator["models"].append(record)
    return _listed(call, creators.values(), _CREATOR_COLUMNS, (("slug", "asc"),))


async def list_model_pricing(call: Call) -> Response:
    """What a model costs, or what all do (`any`)."""
    if (spec := _model_called(call, "pricing")) is not None:
        return Answer(_record(spec))
    rules = (_pricing_rule(spec) for spec in _models_meant(call) if spec.price.amount is not None)
    return _listed(call, rules, _PRICING_COLUMNS, (("model_id", "asc"),))


async def list_model_examples(call: Call) -> Response:
    """Inputs that a model can be tried with, or those of all models (`any`)."""
    if (spec := _model_called(call, "examples")) is not None:
        return Answer(_record(spec))
    return _listed(call, _examples(_models_meant(call)), _EXAMPLE_COLUMNS, (("sort_order", "asc"),))


async def get_model_example(call: Call) -> Response:
    """One of these examples."""
    wanted = call.part("example_id")
    if (spec := _model_called(call, f"examples/{wanted}")) is not None:
        return Answer(_record(spec))
    for example in _examples(_models_meant(call)):
        if example["id"] == wanted:
            return Answer(example)
    raise Refusal(404, "There is no such example.", code="EXAMPLE_NOT_FOUND")


def _record(spec: ModelSpec) -> Json:
    return {**to_record(spec), "availability_status": "available" if spec.embedded else "unavailable"}


def _listed(call: Call, items: Iterable[Json], columns: Columns, order: tuple[tuple[str, str], ...]) -> Response:
    source = source_of([*items], columns, order)
    return Answer(list_answer(call.service.store.connection, source, call.query, lambda item: item))


def _model_called(call: Call, tail: str) -> ModelSpec | None:
    """The model whose own slug ends like this path: it was meant, and not what lies below another model."""
    model_id = f"{call.part('model_id')}/{tail}"
    return call.service.catalogue.get(model_id) if model_id in call.service.catalogue else None


def _models_meant(call: Call) -> Sequence[ModelSpec]:
    wanted = call.part("model_id")
    models = [*call.service.catalogue]
    if wanted != "any":
        models = [spec for spec in models if wanted in (spec.id, record_id(spec.id))]
    if not models:
        known_model(call.service.catalogue, wanted)
    return models


def _pricing_rule(spec: ModelSpec) -> Json:
    unit = spec.price.unit or "request"
    return {
        "id": record_id(spec.id, "pricing"),
        "model_id": record_id(spec.id),
        "pricing_model_code": f"per_{unit}",
        "rule_effect_code": "base",
        "model_input_id": None,
        "match_value": None,
        "dimension_code": None,
        "min_value": None,
        "max_value": None,
        "price": str(spec.price.amount),
        "currency_code": "USD",
        "unit_code": unit,
        "description": spec.price.note,
        "sort_order": 0,
        "disabled_at": None,
    }


def _examples(models: Iterable[ModelSpec]) -> list[Json]:
    return [
        {
            "id": record_id(spec.id, "examples", str(place)),
            "model_id": record_id(spec.id),
            "title": str(example.get("title", "")),
            "description": "",
            "input": example.get("input", {}),
            "output": None,
            "is_featured": place == 0,
            "is_public": True,
            "sort_order": place,
        }
        for spec in models
        for place, example in enumerate(spec.examples)
    ]


OPERATIONS = (
    Operation("GET", "/v1/models", list_models),
    Operation("GET", "/v1/public/models", list_public_models, None),
    Operation("GET", "/v1/model-creators", list_model_creators),
    Operation("GET", "/v1/models/{model_id}/pricing", list_model_pricing),
    Operation("GET", "/v1/models/{model_id}/examples", list_model_examples),
    Operation("GET", "/v1/models/{model_id}/examples/{example_id}", get_model_example),
    Operation("GET", "/v1/models/{owner}/{slug}", get_model),
)
