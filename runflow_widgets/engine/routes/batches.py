"""Many inputs for one model, accepted together and told of together."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ...catalogue import ModelSpec
from ...wire import MAX_BATCH_ITEMS, MAX_CLIENT_REF, Json
from ..call import Answer, Body, Call
from ..filters import Columns
from ..ids import new_id
from ..intake import problems_with, runnable, with_assets
from ..pages import Source, list_answer
from ..refusal import Refusal, problem
from ..run_record import batch_items, batch_output, batch_state, new_batch, new_run, present_run
from .operation import Operation
from .runs import admit, price_micros

_ITEM_COLUMNS: Columns = {
    **dict.fromkeys(("id", "batch_id", "run_id", "client_ref", "status_code"), "text"),
    **dict.fromkeys(("created_at", "started_at", "completed_at"), "time"),
    **dict.fromkeys(("sequence_index", "cost"), "number"),
    **dict.fromkeys(("input", "output", "error", "run"), "json"),
}
#: A batch item is a view of its run; this gives its row the item's own id and names.
_ITEMS = (
    "(SELECT json_extract(doc, '$._item_id') AS id, json_set(doc, '$.run_id', id,"
    " '$.id', json_extract(doc, '$._item_id'), '$.sequence_index', json_extract(doc, '$._index')) AS doc"
    " FROM runs WHERE parent = ?)"
)


async def create_batch(call: Call) -> Response:
    """Accept a batch: all of its items or none."""
    if (replayed := await call.replayed()) is not None:
        return replayed
    service = call.service
    spec = runnable(service.catalogue, f"{call.part('owner')}/{call.part('slug')}")
    body = await call.body()
    given = {"metadata": body.mapping("metadata"), "callback_url": body.callback_url()}
    items, refs = _items(body)
    for place, item in enumerate(items):
        body.problems += problems_with(spec, item, service.media, ["body", "input", place])
    body.done()
    owner = service.organisation
    stored = [
        await with_assets(spec.inputs, item, service.media, owner, ["body", "input", place])
        for place, item in enumerate(items)
    ]
    batch = new_batch(spec, stored, owner=owner, origin=call.origin, **given)
    runs = [
        _item_run(call, spec, batch, place, item, ref)
        for place, (item, ref) in enumerate(zip(stored, refs, strict=True))
    ]
    created = []

    def make() -> tuple[int, Json]:
        admit(call, len(runs), sum(run["_micros"] for run in runs))
        service.store.add("batches", batch)
        for run in runs:
            service.store.add("runs", run, parent=batch["id"])
        created.extend(runs)
        return 201, _shown(batch, runs)

    answer = await call.once(make)
    for run in created:
        service.jobs.start(run["id"])
    return answer


def _item_run(call: Call, spec: ModelSpec, batch: Json, place: int, inputs: Json, ref: str | None) -> Json:
    service = call.service
    return new_run(
        spec,
        inputs,
        owner=service.organisation,
        origin=call.origin,
        micros=price_micros(call, spec, inputs),
        free=service.credit is None,
        request_id=call.request_id,
        client_ref=ref,
        batch_id=batch["id"],
        _index=place,
        _item_id=new_id(),
    )


async def get_batch(call: Call) -> Response:
    """One batch as it stands now."""
    batch = _batch(call)
    return Answer(_shown(batch, call.service.store.children("runs", batch["id"])))


async def list_batch_items(call: Call) -> Response:
    """A batch's items in order, each with its run."""
    batch = _batch(call)
    source = Source(_ITEMS, _ITEM_COLUMNS, (batch["id"],), (("sequence_index", "asc"),))
    return Answer(list_answer(call.service.store.connection, source, call.query, lambda doc: _item(call, doc)))


def _items(body: Body) -> tuple[list[Json], list[str | None]]:
    """The inputs and their references; `input` is the array, and the `items` of an older guide are read too."""
    found: Any = body.values.get("input")
    if found is None and isinstance(body.values.get("items"), list):
        found = [entry.get("input") if isinstance(entry, dict) else None for entry in body.values["items"]]
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_BATCH_ITEMS:
        body.add(
            "input", f"input must be an array of 1 to {MAX_BATCH_ITEMS} objects.", "missing" if found is None else ""
        )
        return [], []
    items: list[Json] = []
    refs: list[str | None] = []
    for place, entry in enumerate(found):
        if not isinstance(entry, dict):
            body.problems.append(
                problem(["body", "input", place], "Each item must be an object with the model's inputs.")
            )
            continue
        ref = entry.get("client_ref")
        if ref is not None and (not isinstance(ref, str) or len(ref) > MAX_CLIENT_REF):
            sentence = f"client_ref must be text of at most {MAX_CLIENT_REF} characters."
            body.problems.append(problem(["body", "input", place, "client_ref"], sentence))
        items.append({name: value for name, value in entry.items() if name != "client_ref"})
        refs.append(ref)
    return items, refs


def _batch(call: Call) -> Json:
    batch = call.service.store.get("batches", call.part("batch_id"))
    if batch is None:
        raise Refusal(404, "There is no such batch.", code="BATCH_NOT_FOUND")
    return batch


def _shown(batch: Json, runs: list[Json]) -> Json:
    runs = sorted(runs, key=lambda run: int(run["_index"]))
    items, state = batch_items(runs), batch_state(batch, runs)
    shown = {name: value for name, value in batch.items() if not name.startswith("_")}
    output = batch_output(state, items) if batch["completed_at"] else None
    return {**shown, **state, "items": items, "output": output}


def _item(call: Call, doc: Json) -> Json:
    run = doc | {"id": doc["run_id"]}
    shown = present_run(call.service.jobs.with_progress(run), call.service.media, origin=call.origin)
    error = {"code": run["failure_code"], "message": run["failure_message"]} if run["failure_code"] else None
    return {
        **{
            name: shown[name]
            for name in ("batch_id", "created_at", "client_ref", "status_code", "input", "cost", "output")
        },
        **{name: shown[name] for name in ("started_at", "completed_at")},
        "id": doc["_item_id"],
        "sequence_index": doc["_index"],
        "run_id": run["id"],
        "error": error,
        "run": {name: value for name, value in shown.items() if name not in ("run_id", "sequence_index")},
    }


OPERATIONS = (
    Operation("POST", "/v1/models/{owner}/{slug}/batches", create_batch, "runs:create"),
    Operation("GET", "/v1/batches/{batch_id}", get_batch, "runs:read"),
    Operation("GET", "/v1/batches/{batch_id}/items", list_batch_items, "runs:read"),
)
