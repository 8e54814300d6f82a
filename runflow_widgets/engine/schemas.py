"""The shapes of what the service takes and answers, for its OpenAPI description."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..wire import MAX_BATCH_ITEMS, MAX_CALLBACK_URL, MAX_CLIENT_REF, MAX_UPLOAD_BYTES, Json
from .media import TYPES
from .run_record import STATUSES


def _object(properties: Mapping[str, Any], *required: str) -> Json:
    return {"type": "object", "properties": dict(properties), "required": [*required]}


def _array(items: Json) -> Json:
    return {"type": "array", "items": items}


def ref(name: str) -> Json:
    """Point to one of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Final[Json] = {"type": "string"}
_TEXT_OR_NULL: Final[Json] = {"type": ["string", "null"]}
_NUMBER_OR_NULL: Final[Json] = {"type": ["number", "null"]}
_OBJECT: Final[Json] = {"type": "object"}
_OBJECT_OR_NULL: Final[Json] = {"type": ["object", "null"]}
_STATUS: Final[Json] = {"type": "string", "enum": [code for code, _, _ in STATUSES]}
_CALLBACK: Final[Json] = {
    "type": ["string", "null"],
    "maxLength": MAX_CALLBACK_URL,
    "format": "uri",
    "pattern": "^https?://[A-Za-z0-9.-]+(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._/-]*)?$",
    "description": "Posted to when it is over; http or https.",
}
_BATCH_COUNTS: Final = {f"items_{name}": {"type": "integer"} for name in ("total", "succeeded", "failed", "cancelled")}

SCHEMAS: Final[Mapping[str, Json]] = {
    "ErrorResponse": _object(
        {"code": TEXT, "message": TEXT, "errors": {"type": ["array", "null"], "items": _OBJECT}}, "code", "message"
    ),
    "Page": _object(
        {"items": _array(_OBJECT), "first": _TEXT_OR_NULL, "next": _TEXT_OR_NULL, "previous": _TEXT_OR_NULL}, "items"
    ),
    "Model": _object(
        {
            "id": TEXT,
            "slug": TEXT,
            "name": TEXT,
            "description": TEXT,
            "availability_status": {"type": "string", "enum": ["available", "unavailable"]},
            "model_creator": _OBJECT,
            "inputs": _array(_OBJECT),
            "outputs": _array(_OBJECT),
        },
        "id",
        "slug",
        "inputs",
        "outputs",
    ),
    "Run": _object(
        {
            "id": TEXT,
            "status_code": _STATUS,
            "input": _OBJECT,
            "output": _OBJECT_OR_NULL,
            "context": _OBJECT,
            "cost": _TEXT_OR_NULL,
            "duration_ms": _NUMBER_OR_NULL,
            "client_ref": _TEXT_OR_NULL,
            "metadata": _OBJECT_OR_NULL,
            "created_at": TEXT,
            "started_at": _TEXT_OR_NULL,
            "completed_at": _TEXT_OR_NULL,
            "failure_code": _TEXT_OR_NULL,
            "failure_message": _TEXT_OR_NULL,
            "failure_stage_code": _TEXT_OR_NULL,
        },
        "id",
        "status_code",
        "input",
        "created_at",
    ),
    "Batch": _object(
        {"id": TEXT, "status_code": _STATUS, **_BATCH_COUNTS, "items": _array(_OBJECT), "cost": TEXT},
        "id",
        "status_code",
        "items",
    ),
    "Delivery": _object(
        {"id": TEXT, "callback_url": TEXT, "status_code": TEXT, "payload": _OBJECT, "attempts": _array(_OBJECT)},
        "id",
        "status_code",
        "attempts",
    ),
    "Asset": _object(
        {"id": TEXT, "name": TEXT, "mime_type": TEXT, "size_bytes": {"type": "integer"}, "url": TEXT}, "id", "url"
    ),
    "AssetUpload": _object({"asset_id": TEXT, "upload_url": TEXT}, "asset_id", "upload_url"),
    "AssetFolder": _object({"id": TEXT, "name": TEXT}, "id", "name"),
    "CallbackSecret": _object({"id": TEXT, "plain_secret": TEXT, "label": _TEXT_OR_NULL}, "id", "plain_secret"),
    "Example": _object({"id": TEXT, "title": TEXT, "input": _OBJECT}, "id", "input"),
    "Health": _object({"status": TEXT, "ok": {"type": "boolean"}}, "status", "ok"),
    "Account": _object({"id": TEXT, "scopes": _array(TEXT)}, "id"),
    "Balance": _object({"balance": TEXT}, "balance"),
}

_METADATA: Final = {"metadata": {**_OBJECT_OR_NULL, "description": "Given back as it is."}}
#: What the operations that take a body want in it.
BODIES: Final[Mapping[str, Json]] = {
    "create_run": _object(
        {
            "input": {**_OBJECT, "description": "The model's inputs.", "examples": [{"image_url": "https://…"}]},
            **_METADATA,
            "callback_url": _CALLBACK,
            "client_ref": {**_TEXT_OR_NULL, "maxLength": MAX_CLIENT_REF},
        },
        "input",
    ),
    "create_batch": _object(
        {
            "input": {**_array(_OBJECT), "minItems": 1, "maxItems": MAX_BATCH_ITEMS},
            **_METADATA,
            "callback_url": _CALLBACK,
        },
        "input",
    ),
    "redeliver_callback": _object({}),
    "cancel_run": _object({"reason": {**_TEXT_OR_NULL, "minLength": 3, "maxLength": 500}}),
    "create_asset_upload": _object(
        {
            "filename": {"type": "string", "minLength": 1, "maxLength": 500},
            "mime_type": {"type": "string", "enum": [*TYPES]},
            "size_bytes": {"type": "integer", "minimum": 1, "maximum": MAX_UPLOAD_BYTES},
        },
        "filename",
        "mime_type",
        "size_bytes",
    ),
    "confirm_asset_upload": _object({"folder_id": _TEXT_OR_NULL}),
    "create_asset_folder": _object({"name": {"type": "string", "minLength": 1, "maxLength": 255}}, "name"),
    "create_callback_secret": _object({"label": {**_TEXT_OR_NULL, "maxLength": 255}}),
}

#: What each operation answers when all is well, where that is neither a page nor bytes.
ANSWERS: Final[Mapping[str, Mapping[int, Json | None]]] = {
    "create_run": {201: ref("Run")},
    "get_run": {200: ref("Run")},
    "get_run_log": {200: _OBJECT},
    "get_node_run": {200: _OBJECT},
    "cancel_run": {201: ref("Run"), 200: ref("Run")},
    "list_callback_deliveries": {200: _array(ref("Delivery"))},
    "redeliver_callback": {201: ref("Delivery")},
    "create_batch": {201: ref("Batch")},
    "get_batch": {200: ref("Batch")},
    "create_asset_upload": {201: ref("AssetUpload")},
    "upload_file": {200: None},
    "confirm_asset_upload": {201: ref("Asset")},
    "get_asset": {200: ref("Asset")},
    "delete_asset": {204: None},
    "create_asset_folder": {201: ref("AssetFolder")},
    "create_callback_secret": {201: ref("CallbackSecret")},
    "delete_callback_secret": {204: None},
    "get_model": {200: ref("Model")},
    "get_model_example": {200: ref("Example")},
    "get_health": {200: ref("Health")},
    "get_readiness": {200: ref("Health")},
    "get_me": {200: ref("Account")},
    "get_balance": {200: ref("Balance")},
    "get_openapi": {200: _OBJECT},
}
