"""Creating runs, looking at them, stopping them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from starlette.responses import Response

from ...catalogue import ModelSpec
from ...wire import MAX_CLIENT_REF, POLL_HINT_HEADER, TERMINAL, Json
from ..call import Answer, Call
from ..delivery import envelope
from ..filters import Columns
from ..intake import problems_with, runnable, with_assets
from ..pages import Source, list_answer
from ..refusal import Refusal
from ..run_record import RUN_COLUMNS, STATUSES, linked, money_text, new_run, present_run
from .operation import Operation

_LOG_COLUMNS: Columns = {
    **dict.fromkeys(("id", "run_id", "level_code", "message"), "text"),
    "timestamp": "time",
    "meta": "json",
}
_NODE_RUN_COLUMNS: Columns = {"id": "text", "run_id": "text", "state_code": "text", "created_at": "time"}


async def create_run(call: Call) -> Response:
    """Accept a run; it is queued at once, and the answer does not wait for it."""
    if (replayed := await call.replayed()) is not None:
        return _hinted(call, replayed)
    service = call.service
    spec = runnable(service.catalogue, f"{call.part('owner')}/{call.part('slug')}")
    body = await call.body()
    inputs = body.mapping("input", required=True)
    given: Json = {
        "metadata": body.mapping("metadata"),
        "callback_url": body.callback_url(),
        "client_ref": body.text("client_ref", most=MAX_CLIENT_REF),
    }
    if inputs is not None:
        body.problems += problems_with(spec, inputs, service.media, ["body", "input"])
    body.done()
    owner = service.organisation
    stored = await with_assets(spec.inputs, inputs or {}, service.media, owner, ["body", "input"])
    micros = price_micros(call, spec, stored)
    free = service.credit is None
    given["request_id"] = call.request_id
    run = new_run(spec, stored, owner=owner, origin=call.origin, micros=micros, free=free, **given)
    created: list[str] = []

    def make() -> tuple[int, Json]:
        admit(call, 1, micros)
        service.store.add("runs", run)
        service.jobs.note(run["id"], "info", f"Accepted for {spec.id}.")
        created.append(run["id"])
        return 201, present_run(run, service.media)

    answer = await call.once(make)
    for run_id in created:
        service.jobs.start(run_id)
    return _hinted(call, answer)


def price_micros(call: Call, spec: ModelSpec, inputs: Json) -> int:
    """What a run may cost, in millionths of a dollar; nothing where no credit was set, for then runs are free."""
    if call.service.credit is None:
        return 0
    quote = spec.price_of(inputs)
    amount = quote.high if quote.high is not None else quote.low
    return int(((amount or Decimal(0)) * 1_000_000).to_integral_value(ROUND_HALF_UP))


def admit(call: Call, count: int, micros: int) -> None:
    """Refuse what there is no room or no credit for."""
    service = call.service
    if service.store.count_open_runs() + count > service.max_open_runs:
        raise Refusal(
            429,
            f"Rate limit exceeded: at most {service.max_open_runs} runs may be under way.",
            headers={"Retry-After": "1"},
        )
    if service.credit is None:
        return
    left = int(service.credit * 1_000_000) - service.store.committed_micros()
    if micros > left:
        raise Refusal(402, f"This costs ${money_text(micros)} and ${money_text(max(0, left))} of credit is left.")


async def list_runs(call: Call) -> Response:
    """The runs, the newest first."""
    media, origin = call.service.media, call.origin

    def present(run: Json) -> Json:
        return present_run(call.service.jobs.with_progress(run), media, origin=origin)

    return Answer(list_answer(call.service.store.connection, Source("runs", RUN_COLUMNS), call.query, present))


async def get_run(call: Call) -> Response:
    """One run as it stands now, its links signed afresh."""
    run = _run(call)
    if run["status_code"] not in TERMINAL and call.service.store.is_foreign("runs", run["id"]):
        # It belongs to another service on this folder; if that one has died, the run has failed.
        call.service.jobs.recover()
        run = _run(call)
    shown = _shown(call, run)
    embedded = {name.strip() for name in call.query.get("embed", "").split(",")}
    if "logs" in embedded:
        shown["logs"] = call.service.store.children("logs", run["id"])
    if "node_runs" in embedded:
        shown["node_runs"] = []
    return _hinted(call, Answer(shown))


async def list_run_statuses(_call: Call) -> Response:
    """The statuses a run can have."""
    items = [{"code": code, "is_terminal": over, "description": text} for code, over, text in STATUSES]
    return Answer({"items": items, "first": None, "next": None, "previous": None})


async def list_run_logs(call: Call) -> Response:
    """What was noted about a run, or about all (`any`), the oldest first."""
    order = (("timestamp", "asc"),)
    if call.part("run_id") == "any":
        source = Source("logs", _LOG_COLUMNS, order=order)
    else:
        source = Source("(SELECT id, doc FROM logs WHERE parent = ?)", _LOG_COLUMNS, (_run(call)["id"],), order)
    return Answer(list_answer(call.service.store.connection, source, call.query, lambda line: line))


async def get_run_log(call: Call) -> Response:
    """One line of a run's log."""
    line = call.service.store.get("logs", call.part("log_id"))
    if line is None or call.part("run_id") not in ("any", line["run_id"]):
        raise Refusal(404, "There is no such line in the log.")
    return Answer(line)


async def list_node_runs(call: Call) -> Response:
    """The runs of a flow's nodes: none, for no flows run here."""
    if call.part("run_id") != "any":
        _run(call)
    source = Source("(SELECT id, doc FROM logs WHERE 0)", _NODE_RUN_COLUMNS)
    return Answer(list_answer(call.service.store.connection, source, call.query, lambda node: node))


async def get_node_run(call: Call) -> Response:
    """One run of a flow's node: there is none."""
    if call.part("run_id") != "any":
        _run(call)
    raise Refusal(404, "There is no such node run; no flows run in this embedded service.")


async def list_callback_deliveries(call: Call) -> Response:
    """Every callback of a run with every attempt, as an array."""
    return Answer([_delivery(entry) for entry in call.service.store.children("deliveries", _run(call)["id"])])


async def redeliver_callback(call: Call) -> Response:
    """Send the callback of a finished run again, made anew from what the run says now."""
    if (replayed := await call.replayed()) is not None:
        return replayed
    await call.body()
    run = _run(call)
    if run["status_code"] not in TERMINAL:
        raise Refusal(409, "The run is not over yet; its callback follows by itself.")
    if not run["callback_url"]:
        raise Refusal(409, "The run was created without a callback_url.")
    service = call.service
    output = service.jobs.inline_output(run["id"]) or linked(run["output"], run, service.media, call.origin)
    added = []

    def make() -> tuple[int, Json]:
        added.append(service.deliveries.add(run, envelope(run, output), automatic=False))
        return 201, _delivery(added[0])

    answer = await call.once(make)
    for delivery in added:
        service.deliveries.start(delivery)
    return answer


async def cancel_run(call: Call) -> Response:
    """Stop a run: 201 if that ended it, 200 and the run as it is if it was over already."""
    body = await call.body()
    body.text("reason", least=3, most=500)
    body.done()
    run = _run(call)
    cancelled = call.service.jobs.cancel(run["id"])
    return Answer(_shown(call, _run(call)), 201 if cancelled else 200)


def _run(call: Call) -> Json:
    run = call.service.store.get("runs", call.part("run_id"))
    if run is None:
        raise Refusal(404, "There is no such run.", code="RUN_NOT_FOUND")
    return run


def _shown(call: Call, run: Json) -> Json:
    service = call.service
    output = service.jobs.inline_output(run["id"])
    return present_run(service.jobs.with_progress(run), service.media, origin=call.origin, output=output)


def _delivery(delivery: Json) -> Json:
    return {name: value for name, value in delivery.items() if not name.startswith("_")}


def _hinted(call: Call, answer: Response) -> Response:
    answer.headers[POLL_HINT_HEADER] = str(call.service.poll_after_ms)
    return answer


OPERATIONS = (
    Operation("POST", "/v1/models/{owner}/{slug}/runs", create_run, "runs:create"),
    Operation("GET", "/v1/runs", list_runs, "runs:read"),
    Operation("GET", "/v1/runs/statuses", list_run_statuses, "runs:read"),
    Operation("GET", "/v1/runs/{run_id}", get_run, "runs:read"),
    Operation("GET", "/v1/runs/{run_id}/logs", list_run_logs, "runs:read"),
    Operation("GET", "/v1/runs/{run_id}/logs/{log_id}", get_run_log, "runs:read"),
    Operation("GET", "/v1/runs/{run_id}/node-runs", list_node_runs, "runs:read"),
    Operation("GET", "/v1/runs/{run_id}/node-runs/{node_run_id}", get_node_run, "runs:read"),
    Operation("GET", "/v1/runs/{run_id}/callback", list_callback_deliveries, "runs:read"),
    Operation("POST", "/v1/runs/{run_id}/callback-redeliveries", redeliver_callback, "runs:execute"),
    Operation("POST", "/v1/runs/{run_id}/cancellation", cancel_run, "runs:execute"),
)
