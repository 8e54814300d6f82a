"""The records of runs and batches: made new, changed at their end, and shown as the service shows them.

Names that begin with an underscore are for us: they are kept with the record and never shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ..catalogue import ModelSpec, record_id
from ..wire import CANCELLED, SUCCEEDED, TERMINAL, Json
from .filters import Columns
from .ids import new_id
from .media import Media
from .store import now

#: How a result is written in the database: its link is signed anew each time it is shown.
FILE: Final = "runflow-file:"

RUN_COLUMNS: Final[Columns] = {
    **dict.fromkeys(
        (
            "id", "flow_id", "model_id", "comfyui_workflow_id", "target_type", "target_version", "org_id",
            "status_code", "source_code", "batch_id", "client_ref", "jurisdiction_code", "request_id", "created_by",
            "callback_url", "failure_code", "failure_message", "failure_stage_code", "feedback_reason",
        ),
        "text",
    ),
    **dict.fromkeys(("created_at", "started_at", "completed_at"), "time"),
    **dict.fromkeys(("duration_ms", "cost", "nodes_total", "nodes_completed"), "number"),
    **dict.fromkeys(("has_logs", "has_node_runs", "feedback_is_positive"), "bool"),
    **dict.fromkeys(("input", "output", "context", "cost_breakdown", "metadata", "links", "node_runs", "logs"), "json"),
}  # fmt: skip

STATUSES: Final = (
    ("queued", False, "Accepted and waiting for a free worker."),
    ("dispatching", False, "Its inputs are being fetched, or it is the next for a worker."),
    ("running", False, "A worker is at it."),
    ("succeeded", True, "The output is ready."),
    ("partial_succeeded", True, "A part of the output is ready; a run of this service never is, a batch may be."),
    ("failed", True, "It came to nothing; failure_code and failure_message say why."),
    ("cancelled", True, "It was stopped on request."),
)


def new_run(spec: ModelSpec, inputs: Json, *, owner: str, origin: str, micros: int, free: bool, **given: Any) -> Json:
    """A run that was accepted just now.

    `given` holds what the request said besides: `metadata`, `callback_url`, `client_ref`, `request_id`, `batch_id`.
    """
    record: Json = {**dict.fromkeys(RUN_COLUMNS), "id": new_id(), "target_type": "model", "org_id": owner}
    return record | {
        "model_id": record_id(spec.id),
        "status_code": "queued",
        "source_code": "api",
        "input": inputs,
        "cost": "0.00" if free else None,
        "cost_breakdown": {},
        "created_at": now(),
        "has_logs": True,
        "has_node_runs": False,
        "links": {},
        **given,
        "_model": spec.id,
        "_origin": origin,
        "_micros": micros,
        "_inline": inputs.get("sync_mode") is True,
        "_progress": 0.0,
        "_note": "",
    }


def ended(record: Json) -> Json:
    """The times of an end: when it was, and how long all of it took."""
    moment = now()
    took = datetime.fromisoformat(moment) - datetime.fromisoformat(record["created_at"])
    return {"completed_at": moment, "duration_ms": max(0.0, round(took.total_seconds() * 1000, 1))}


def present_run(run: Json, media: Media, *, origin: str = "", output: Json | None = None) -> Json:
    """A run as the service shows it, with fresh links.

    Args:
        run: The record.
        media: Signs the links.
        origin: Where the service is, as the one who asks sees it.
        output: What is known in memory only, of a run that was to answer inline.
    """
    shown = {name: value for name, value in run.items() if not name.startswith("_")}
    shown["output"] = output or linked(run["output"], run, media, origin)
    shown["context"] = {"model": run["_model"], "progress": run["_progress"], "note": run["_note"]}
    if run.get("_worker"):
        shown["context"]["worker"] = run["_worker"]
    return shown


def linked(value: Any, run: Json, media: Media, origin: str = "") -> Any:
    """An output with the names of its files made into links."""
    if isinstance(value, str) and value.startswith(FILE):
        return media.sign_output(origin or run["_origin"], run["id"], value.removeprefix(FILE))
    if isinstance(value, Mapping):
        return {name: linked(entry, run, media, origin) for name, entry in value.items()}
    if isinstance(value, list):
        return [linked(entry, run, media, origin) for entry in value]
    return value


def output_of(spec: ModelSpec, files: Sequence[Json], seed: int | None, timing: Mapping[str, float]) -> Json:
    """A model's output in the family its page lists; each file has `url`, `type`, `width` and `height`."""
    if any(entry.name == "image_urls" for entry in spec.outputs):
        return {"image_urls": [file["url"] for file in files]}
    return {"outputs": [*files], "seed": seed, "timing": dict(timing) or None, "nsfw_detected": None}


def money_text(micros: int) -> str:
    """Millionths of a dollar as the service writes an amount.

    >>> money_text(140_000), money_text(18_000)
    ('0.14', '0.018')
    """
    amount = Decimal(micros) / 1_000_000
    places = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"{amount:.{places}f}"


def new_batch(spec: ModelSpec, inputs: Sequence[Json], *, owner: str, origin: str, **given: Any) -> Json:
    """A batch that was accepted just now; what its items do is read from their runs."""
    return {
        "id": new_id(),
        "org_id": owner,
        "target_type": "model",
        "target_type_code": "model",
        "target_id": record_id(spec.id),
        "source_code": "api",
        "status_code": "queued",
        "input": [*inputs],
        "items_total": len(inputs),
        "created_at": now(),
        "started_at": None,
        "completed_at": None,
        "duration_ms": None,
        "failure_code": None,
        "failure_message": None,
        "failure_stage_code": None,
        "resolved_template_id": None,
        "created_by": None,
        "links": {},
        **given,
        "_origin": origin,
    }


def batch_state(batch: Json, runs: Sequence[Json]) -> Json:
    """What a batch's runs say of it: its status, counts, cost and items."""
    counts = Counter(_outcome(run["status_code"]) for run in runs)
    if batch["status_code"] in TERMINAL:
        status = batch["status_code"]
    elif counts["open"]:
        status = "queued" if all(run["status_code"] == "queued" for run in runs) else "running"
    elif counts["succeeded"] in (0, len(runs)):
        status = "succeeded" if counts["succeeded"] else "failed" if counts["failed"] else "cancelled"
    else:
        status = "partial_succeeded"
    micros = sum(run["_micros"] for run in runs if run["status_code"] in TERMINAL)
    return {
        **{f"items_{name}": counts[name] for name in ("succeeded", "failed", "cancelled")},
        "status_code": status,
        "started_at": min((run["started_at"] for run in runs if run["started_at"]), default=None),
        "cost": money_text(micros),
    }


def batch_items(runs: Sequence[Json]) -> list[Json]:
    """A batch's items in short, as the batch itself lists them."""
    return [
        {
            "id": run["_item_id"],
            "sequence_index": run["_index"],
            "run_id": run["id"],
            "status_code": run["status_code"],
            "client_ref": run["client_ref"],
        }
        for run in runs
    ]


def batch_output(state: Json, items: Sequence[Json]) -> Json:
    """What a batch's callback carries."""
    counts = {name: state[f"items_{name}"] for name in ("succeeded", "failed", "cancelled")}
    return {"items": [*items], **counts, "total": len(items)}


def _outcome(status: str) -> str:
    if status in SUCCEEDED:
        return "succeeded"
    if status in CANCELLED:
        return "cancelled"
    return "failed" if status in TERMINAL else "open"
